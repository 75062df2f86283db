//! The group committer: the one task that writes. It takes what waits, writes it in one transaction, and answers.

use std::{
    collections::VecDeque,
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, sqlx,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};
use uuid::Uuid;

use super::{
    batch::Batch,
    connect::{self, Settings, Writer},
    error::{self, Abort, Error, Trouble},
    lease::{self, Keeper, Lease},
    queue::{Change, Job, Work, Write, pick},
    runs::Accepted,
    sql::{Cells, Texts, statement},
};
use crate::world::Point;

/// How long a database may say nothing until it is as good as gone.
const SILENCE: Duration = Duration::from_secs(10);

/// The pauses between two tries while the database is gone.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

pub(super) struct Committer {
    settings: Settings,
    writer: Option<Writer>,
    readers: DatabaseConnection,
    texts: Texts,
    jobs: mpsc::Receiver<Job>,
    waiting: VecDeque<Write>,
    changes: VecDeque<(Box<dyn Change>, Instant)>,
    /// Whether the last transaction went through.
    healthy: Arc<AtomicBool>,
    pub(super) keeper: Keeper,
    /// Held until the last write is done.
    _lock: Option<File>,
}

/// How one try of a transaction ended.
enum Attempt<T> {
    Committed(T),
    Failed(Abort),
    /// The connection broke while the commit was under way; the transaction's number tells later what became of it.
    InDoubt(T, i64, DbErr),
}

impl Committer {
    pub(super) fn new(
        settings: Settings,
        writer: Writer,
        readers: DatabaseConnection,
        jobs: mpsc::Receiver<Job>,
        healthy: Arc<AtomicBool>,
        lease: watch::Sender<Lease>,
        lock: Option<File>,
    ) -> Self {
        let mut texts = Texts::new(settings.database.backend());
        texts.most_bytes = writer.most_bytes;
        Committer {
            keeper: Keeper::new(&settings, lease),
            settings,
            writer: Some(writer),
            readers,
            texts,
            jobs,
            waiting: VecDeque::new(),
            changes: VecDeque::new(),
            healthy,
            _lock: lock,
        }
    }

    /// Writes until everyone who could hand in work is gone or the store is closed, and everything handed in is done.
    pub(super) async fn run(mut self) {
        let mut last = 0;
        while self.gather(last).await {
            self.renew().await;
            let batch = pick(&mut self.waiting, self.settings.batch);
            last = batch.len();
            if !batch.is_empty() {
                self.write(batch).await;
            }
            while let Some((change, since)) = self.changes.pop_front() {
                change.make(&mut self, since).await;
            }
        }
        self.leave().await;
        // The last connection to an SQLite file folds its log into it, and that should be the one that may write.
        let _ = self.readers.close_by_ref().await;
        if let Some(writer) = self.writer {
            let _ = writer.database.close().await;
        }
    }

    /// Does `work` in a transaction of its own, and tries again until `patience_ends` while the database is gone.
    pub(super) async fn transact<W: Work>(
        &mut self,
        patience_ends: Instant,
        work: &W,
    ) -> Result<W::Out, Abort> {
        let mut pause = PAUSES.0;
        loop {
            let trouble = match self.attempt(work).await {
                Attempt::Committed(out) => {
                    self.settings.faults.pass(Point::TransactionCommitted);
                    self.healthy.store(true, Ordering::Relaxed);
                    return Ok(out);
                }
                Attempt::Failed(Abort::Database(error))
                    if error::trouble(&error) == Trouble::Passing =>
                {
                    error::plain(&error)
                }
                Attempt::Failed(abort) => return Err(abort),
                Attempt::InDoubt(out, number, error) => {
                    self.healthy.store(false, Ordering::Relaxed);
                    match self.outcome(number, patience_ends).await {
                        Some(true) => {
                            self.healthy.store(true, Ordering::Relaxed);
                            return Ok(out);
                        }
                        Some(false) => error::plain(&error),
                        None => {
                            return Err(Abort::Refuse(Error::Unavailable(format!(
                                "{}; it went away during a commit, so whether this was written shows when it is back",
                                error::plain(&error)
                            ))));
                        }
                    }
                }
            };
            self.healthy.store(false, Ordering::Relaxed);
            if Instant::now() + pause >= patience_ends {
                tracing::error!(error = trouble, "the database is not available");
                return Err(Abort::Refuse(Error::Unavailable(trouble)));
            }
            tracing::warn!(
                error = trouble,
                "the database is not available, trying again"
            );
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
            self.renew().await;
        }
    }

    /// Whether somebody who acts as this server may write; `None` acts as nobody.
    pub(super) fn admits(&self, server: Option<Uuid>) -> bool {
        self.keeper.admits(server)
    }

    /// Asks for one row outside of a transaction, on the connection that writes.
    pub(super) async fn ask_writer(
        &mut self,
        question: Statement,
    ) -> Result<Option<QueryResult>, Abort> {
        let writer = self.connected().await?;
        let answer = timeout(SILENCE, writer.database.query_one_raw(question))
            .await
            .unwrap_or_else(|_| Err(silent()));
        if answer.is_err() {
            self.disconnect();
        }
        Ok(answer?)
    }

    /// Waits for work and takes all there is, up to a batch; or for the time to renew the lease. False when there is no work and
    /// never will be.
    async fn gather(&mut self, last: usize) -> bool {
        if self.waiting.is_empty() {
            let due = self.keeper.due();
            let renewal = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                job = self.jobs.recv() => match job {
                    Some(job) => self.take(job),
                    None => return false,
                },
                () = renewal => return true,
            }
        }
        self.take_ready();
        // Those who were answered a moment ago are about to come back with more. A commit is a wait for the disk, so
        // letting them onto this one is worth a fraction of it.
        if last > 1 && self.waiting.len() < last && self.changes.is_empty() {
            for _ in 0..GATHER_TURNS {
                tokio::task::yield_now().await;
                self.take_ready();
                if self.waiting.len() >= last {
                    break;
                }
            }
        }
        true
    }

    fn take_ready(&mut self) {
        while self.waiting.len() < self.settings.batch {
            match self.jobs.try_recv() {
                Ok(job) => self.take(job),
                Err(_) => break,
            }
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Write(write) => self.waiting.push_back(write),
            Job::Change(change) => {
                let patience_ends = Instant::now() + self.settings.patience;
                self.changes.push_back((change, patience_ends));
            }
            Job::Close => self.jobs.close(),
        }
    }

    /// Writes a batch and answers everyone in it. A batch that fails is split, until what spoils it is alone.
    async fn write(&mut self, mut batch: Vec<Write>) {
        if !batch.iter().all(|write| self.admits(write.op.server())) {
            let refused;
            (batch, refused) = batch
                .into_iter()
                .partition::<Vec<_>, _>(|write| self.admits(write.op.server()));
            for write in refused {
                self.answer(write, Err(Error::Fenced));
            }
            if batch.is_empty() {
                return;
            }
        }
        metrics::histogram!("weir_store_batch_size").record(batch.len() as f64);
        let mut parts = vec![Batch(batch)];
        while let Some(part) = parts.pop() {
            let oldest = part.0.iter().map(|write| write.since).min();
            let patience_ends = oldest.unwrap_or_else(Instant::now) + self.settings.patience;
            match self.transact(patience_ends, &part).await {
                Ok(outcomes) => {
                    for (write, outcome) in part.0.into_iter().zip(outcomes) {
                        self.answer(write, outcome);
                    }
                }
                Err(Abort::Database(_)) if part.0.len() > 1 => {
                    let mut left = part.0;
                    let right = left.split_off(left.len() / 2);
                    parts.push(Batch(right));
                    parts.push(Batch(left));
                }
                Err(abort) => {
                    let error = abort.seen();
                    for write in part.0 {
                        self.answer(write, Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Answers a write and those who waited beside it. Who cannot be answered by it waits for the next batch.
    fn answer(&mut self, write: Write, outcome: Result<Accepted, Error>) {
        let first = match (&write.op, &outcome) {
            (super::queue::Op::Accept { run, .. }, Ok(Accepted::New)) => Some(run.id),
            (_, Ok(Accepted::Duplicate(first))) => Some(*first),
            _ => None,
        };
        for follower in write.followers.into_iter().rev() {
            match first {
                Some(first) => {
                    let _ = follower.reply.send(Ok(Accepted::Duplicate(first)));
                }
                None => self.waiting.push_front(follower),
            }
        }
        // Whoever asked may have gone; what was written stays.
        let _ = write.reply.send(outcome);
        drop(write.room);
    }

    async fn attempt<W: Work>(&mut self, work: &W) -> Attempt<W::Out> {
        let attempt = self.attempt_connected(work).await;
        let broken = match &attempt {
            Attempt::Committed(_) => false,
            Attempt::InDoubt(..) => true,
            Attempt::Failed(Abort::Database(error)) => error::trouble(error) == Trouble::Passing,
            Attempt::Failed(Abort::Refuse(_)) => false,
        };
        if broken {
            self.disconnect();
        }
        attempt
    }

    async fn attempt_connected<W: Work>(&mut self, work: &W) -> Attempt<W::Out> {
        let (tx, number) = match self.begin().await {
            Ok(begun) => begun,
            Err(abort) => return Attempt::Failed(abort),
        };
        self.settings.faults.pass(Point::TransactionBegun);
        let performed = match number {
            // A server that does not answer any more is as good as gone. A file always answers.
            Some(_) => timeout(SILENCE, work.perform(&tx, &mut self.texts))
                .await
                .unwrap_or_else(|_| Err(silent().into())),
            None => work.perform(&tx, &mut self.texts).await,
        };
        self.settings.faults.pass(Point::TransactionWritten);
        match (performed, number) {
            (Ok(out), None) => match tx.commit().await {
                Ok(()) => Attempt::Committed(out),
                Err(error) => {
                    // A file whose commit failed is opened anew: the transaction may be half open.
                    self.disconnect();
                    Attempt::Failed(error.into())
                }
            },
            (Ok(out), Some(number)) => {
                match timeout(SILENCE, tx.commit())
                    .await
                    .unwrap_or_else(|_| Err(silent()))
                {
                    Ok(()) => Attempt::Committed(out),
                    Err(error) if error::trouble(&error) == Trouble::Passing => {
                        Attempt::InDoubt(out, number, error)
                    }
                    Err(error) => Attempt::Failed(error.into()),
                }
            }
            (Err(abort), _) => {
                let rolled_back = timeout(SILENCE, tx.rollback()).await;
                if !matches!(rolled_back, Ok(Ok(()))) {
                    self.disconnect();
                }
                Attempt::Failed(abort)
            }
        }
    }

    /// Begins a transaction. On PostgreSQL it comes with its number, by which its outcome can be asked for later.
    ///
    /// The same statement holds the server's lease until the transaction ends; without a lease there is no transaction (see
    /// `lease`). A lease may have been lost since the work was taken on: between two tries it is renewed.
    async fn begin(&mut self) -> Result<(DatabaseTransaction, Option<i64>), Abort> {
        if self.keeper.is_lost() {
            return Err(Error::Fenced.into());
        }
        let server = self.keeper.server();
        let writer = self.connected().await?;
        let Some(session) = writer.session else {
            let immediate = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            return Ok((writer.database.begin_with_options(immediate).await?, None));
        };
        let begin = async {
            let tx = writer.database.begin().await?;
            let Some(row) = tx.query_one_raw(lease::begin(server)).await? else {
                tx.rollback().await?;
                return Ok(None);
            };
            let cells = Cells::of(&row);
            Ok(Some((tx, cells.take::<i64>()?, cells.take::<i32>()?)))
        };
        let begun: Result<_, DbErr> = timeout(SILENCE, begin)
            .await
            .unwrap_or_else(|_| Err(silent()));
        let Some((tx, number, actual)) = begun? else {
            self.keeper.lose();
            return Err(Error::Fenced.into());
        };
        if actual != session {
            // The pool has quietly connected anew, and the share in the lock went with the old session.
            return Err(gone("the writing session was replaced").into());
        }
        Ok((tx, Some(number)))
    }

    async fn connected(&mut self) -> Result<&Writer, Abort> {
        if self.writer.is_none() {
            let connecting = timeout(SILENCE, connect::writer(&self.settings));
            match connecting.await {
                Ok(Ok(writer)) => {
                    self.texts.most_bytes = writer.most_bytes;
                    self.writer = Some(writer);
                }
                // Whatever the reason is, another try may do better; the lock may be about to be let go.
                Ok(Err(error)) => return Err(gone(&error.to_string()).into()),
                Err(_) => return Err(silent().into()),
            }
        }
        self.writer
            .as_ref()
            .ok_or_else(|| gone("the writer is not connected").into())
    }

    fn disconnect(&mut self) {
        if let Some(writer) = self.writer.take() {
            // Saying goodbye to a database that is gone may take long, and nobody needs to wait for it.
            tokio::spawn(writer.database.close());
        }
    }

    /// Whether transaction `number` of PostgreSQL was committed; nothing if that could not be learnt in time.
    ///
    /// Nothing while its session has not ended: PostgreSQL ends one that is silent in the middle of a transaction.
    async fn outcome(&mut self, number: i64, patience_ends: Instant) -> Option<bool> {
        let mut pause = PAUSES.0;
        loop {
            let asked = self.ask(number).await;
            match asked.as_deref() {
                Ok("committed") => return Some(true),
                Ok("aborted") => return Some(false),
                Ok(_) => {}
                Err(_) => self.disconnect(),
            }
            if Instant::now() + pause >= patience_ends {
                return None;
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn ask(&mut self, number: i64) -> Result<String, Abort> {
        let backend = self.settings.database.backend();
        let question = statement(
            backend,
            "SELECT coalesce(txid_status(?), 'unknown')",
            [number.into()],
        );
        let row = self.ask_writer(question).await?.ok_or_else(silent)?;
        Ok(Cells::of(&row).take()?)
    }
}

/// How often the committer lets others go first before it writes a batch that is smaller than the last one.
const GATHER_TURNS: usize = 8;

impl Abort {
    /// The error as the caller sees it.
    pub(super) fn seen(self) -> Error {
        match self {
            Abort::Refuse(error) => error,
            Abort::Database(error) => error::seen(&error),
        }
    }
}

fn silent() -> DbErr {
    gone("the database does not answer")
}

fn gone(reason: &str) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(
        std::io::Error::other(reason.to_owned()),
    ))))
}
