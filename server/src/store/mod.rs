//! The store: everything Weir remembers, on SQLite or PostgreSQL, with all writes going through one group committer.
//!
//! Payloads are texts that the caller serialised once, ids and times come from the caller too: the store reads no clock.
//! A write returns when it is on disk, and reads see it from then on. Reads never wait for writes.
//!
//! The way of a write: [`Store`] puts it into a bounded queue (`queue`), the committer (`committer`) takes what waits
//! and writes all turns of runs in one transaction of a few multi-row statements (`batch`), then answers everyone.

mod archive;
mod awaited;
mod batch;
mod bodies;
mod claims;
mod committer;
mod connect;
mod connections;
mod drafts;
mod error;
mod flows;
mod lease;
mod letters;
mod orders;
mod polls;
mod queue;
mod retention;
mod runs;
mod schedules;
mod schema;
mod scratch;
mod sql;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement, Value,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Duration, Instant, sleep, timeout_at},
};

use committer::Committer;
use connect::Writer;
use queue::{Job, Op, Pending, Room, Work, Write};
use sql::numbered;

use crate::fair::Shares;

pub use archive::{ArchiveError, Counts, back_up, restore};
pub use awaited::{
    Answered, Approval, ApprovalCursor, ApprovalFilter, AwaitedKind, AwaitedState, Awaiting,
    NewAnswer, Unheard, Unused,
};
pub use claims::{Free, FreeFlow, Look, Wish};
pub use connect::{Database, Kind, Settings};
pub use connections::{Connection, SecretInfo};
pub use drafts::{Draft, Pause, Publication, Revision, Standing, Switch};
pub use error::Error;
pub use flows::{Flow, FlowListing, FlowState, Published, PublishedFlow, Version, VersionInfo};
pub use lease::{Held, Lease, Server};
pub use letters::{Cause, Deed, Letter, LetterFilter, LetterState};
pub use orders::Order;
pub use polls::{Claim, Gain, Poll};
pub use retention::Forgettable;
pub use runs::{
    Accepted, BadCursor, Entry, Fire, HELD, History, NewRun, Origin, Run, RunCursor, RunFilter,
    RunPage, Status, Turn,
};
pub use schedules::Schedule;
pub use scratch::Scratch;
pub use wire::Hint;

/// Everything Weir remembers. A clone is another handle to the same store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    kind: Kind,
    readers: DatabaseConnection,
    jobs: mpsc::Sender<Job>,
    /// Room for messages that wait to be accepted, in units of [`ROOM`], shared out between flows.
    messages: Shares<(String, String)>,
    /// As much room for everything else that waits, so that new messages do not keep runs from going on, nor these those.
    room: Arc<Semaphore>,
    most_room: u32,
    /// Values whose texts are longer, in bytes, are kept apart from the journals.
    large: usize,
    /// The least room that one thing takes, so that there are never more of them than may wait.
    least_room: u32,
    patience: Duration,
    healthy: Arc<AtomicBool>,
    lease: watch::Receiver<Lease>,
    hints: broadcast::Sender<Hint>,
    /// Listens to other servers.
    listener: Option<JoinHandle<()>>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

/// The unit of the room for waiting payload, in bytes.
const ROOM: usize = 1024;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("kind", &self.shared.kind)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database, brings its schema up to date and starts the committer.
    ///
    /// # Errors
    /// [`Error::Locked`] if another server works on the database that wants to be alone: any on SQLite, an older one on
    /// PostgreSQL. [`Error::Database`] if the schema cannot be brought up to date, or is one that this Weir must leave alone.
    pub async fn open(settings: &Settings) -> Result<Store, Error> {
        let lock = match &settings.database {
            Database::Sqlite { dir } => Some(connect::lock(dir)?),
            Database::Postgresql { .. } => None,
        };
        let writer = connect::writer(settings).await?;
        schema::migrate(&writer).await?;
        Store::start(settings, writer, lock).await
    }

    /// Opens an SQLite file that others may have open, too: what a server's lock keeps from happening. Its schema is up to date.
    #[cfg(test)]
    pub(crate) async fn open_beside_others(settings: &Settings) -> Result<Store, Error> {
        let writer = connect::writer(settings).await?;
        Store::start(settings, writer, None).await
    }

    /// Starts the committer on a writer whose schema is up to date.
    async fn start(
        settings: &Settings,
        writer: Writer,
        lock: Option<File>,
    ) -> Result<Store, Error> {
        let readers = connect::readers(settings).await?;
        let (jobs, queue) = mpsc::channel(settings.queue.max(1));
        let healthy = Arc::new(AtomicBool::new(true));
        let (told, lease) = watch::channel(Lease::Unregistered);
        let hints = broadcast::channel(1024).0;
        let listener = (settings.database.kind() == Kind::Postgresql)
            .then(|| tokio::spawn(wire::listen(settings.clone(), hints.clone())));
        let committer = Committer::new(
            settings.clone(),
            writer,
            readers.clone(),
            queue,
            Arc::clone(&healthy),
            told,
            lock,
        );
        // Half of it for new messages, half for all the rest.
        let most_room = u32::try_from(settings.queue_bytes / ROOM / 2)
            .unwrap_or(u32::MAX)
            .clamp(1, u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        let half = u32::try_from(settings.queue / 2).unwrap_or(u32::MAX).max(1);
        Ok(Store {
            shared: Arc::new(Shared {
                kind: settings.database.kind(),
                readers,
                jobs,
                messages: Shares::new(most_room as usize),
                room: Arc::new(Semaphore::new(most_room as usize)),
                most_room,
                large: settings.large,
                least_room: (most_room / half).max(1),
                patience: settings.patience,
                healthy,
                lease,
                hints,
                listener,
                committer: Mutex::new(Some(tokio::spawn(committer.run()))),
            }),
        })
    }

    /// Takes nothing new, writes what waits, and closes the database. Closing twice is fine.
    pub async fn close(&self) {
        if let Some(listener) = &self.shared.listener {
            listener.abort();
        }
        let mut committer = self.shared.committer.lock().await;
        if let Some(task) = committer.take() {
            // If it cannot be told to close, it has ended already.
            let _ = self.shared.jobs.send(Job::Close).await;
            if let Err(error) = task.await {
                tracing::error!(%error, "the committer did not end well");
            }
        }
    }

    /// Whether the database answers and the last write went through.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Fenced`] or [`Error::Closed`].
    pub async fn ping(&self) -> Result<(), Error> {
        if self.shared.jobs.is_closed() {
            return Err(Error::Closed);
        }
        if !self.shared.healthy.load(Ordering::Relaxed) {
            return Err(Error::Unavailable(
                "the last write did not go through".to_owned(),
            ));
        }
        if *self.shared.lease.borrow() == Lease::Lost {
            return Err(Error::Fenced);
        }
        self.find("SELECT 1", Vec::new(), |_| Ok(()))
            .await
            .map(|_| ())
    }

    fn backend(&self) -> DbBackend {
        self.shared.readers.get_database_backend()
    }

    /// The kind of database underneath.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.shared.kind
    }

    /// Hands a turn to the committer and waits for its answer. A new message is refused at once where its flow has much waiting
    /// already; for a run that was accepted, room is waited for.
    async fn submit(&self, op: Op) -> Result<Accepted, Error> {
        let since = Instant::now();
        let patient = matches!(op, Op::Commit { .. });
        let room = match &op {
            Op::Accept { run, .. } => {
                let flow = (run.workspace.clone(), run.flow.clone());
                let share = self
                    .shared
                    .messages
                    .take(&flow, self.units(op.bytes()) as usize);
                Room::Message(share.ok_or(Error::Busy)?)
            }
            Op::Commit { .. } => Room::Other(self.room(op.bytes(), since).await?),
        };
        let (reply, answer) = oneshot::channel();
        let job = Job::Write(Write {
            op,
            reply,
            since,
            room,
            followers: Vec::new(),
        });
        if patient {
            timeout_at(since + self.shared.patience, self.shared.jobs.send(job))
                .await
                .map_err(|_| Error::Busy)?
                .map_err(|_| Error::Closed)?;
        } else {
            self.shared
                .jobs
                .try_send(job)
                .map_err(|error| match error {
                    mpsc::error::TrySendError::Full(_) => Error::Busy,
                    mpsc::error::TrySendError::Closed(_) => Error::Closed,
                })?;
        }
        answer.await.map_err(|_| unanswered())?
    }

    /// Hands a change to the committer, which gives it a transaction of its own, and waits for its answer.
    async fn change<W: Work>(&self, work: W) -> Result<W::Out, Error> {
        self.change_of(work, ROOM).await
    }

    /// The same for a change that holds about so many bytes.
    async fn change_of<W: Work>(&self, work: W, bytes: usize) -> Result<W::Out, Error> {
        let since = Instant::now();
        let room = self.room(bytes.max(ROOM), since).await?;
        let (reply, answer) = oneshot::channel();
        let job = Job::Change(Box::new(Pending { work, reply, room }));
        timeout_at(since + self.shared.patience, self.shared.jobs.send(job))
            .await
            .map_err(|_| Error::Busy)?
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| unanswered())?
    }

    /// The room that so many bytes take. A payload larger than all the room there is goes alone.
    fn units(&self, bytes: usize) -> u32 {
        let units = u32::try_from(bytes.div_ceil(ROOM)).unwrap_or(u32::MAX);
        units.clamp(self.shared.least_room, self.shared.most_room)
    }

    /// Room for what is not a new message, waited for from `since` on.
    async fn room(&self, bytes: usize, since: Instant) -> Result<OwnedSemaphorePermit, Error> {
        if self.shared.jobs.is_closed() {
            return Err(Error::Closed);
        }
        let room = Arc::clone(&self.shared.room).acquire_many_owned(self.units(bytes));
        timeout_at(since + self.shared.patience, room)
            .await
            .map_err(|_| Error::Busy)?
            .map_err(|_| Error::Closed)
    }

    /// Reads one row, if there is one. The text has a `?` for each value.
    async fn find<T>(
        &self,
        text: &str,
        values: Vec<Value>,
        read: impl Fn(&QueryResult) -> Result<T, DbErr>,
    ) -> Result<Option<T>, Error> {
        let mut rows = self.list(text, values, read).await?;
        Ok(rows.pop())
    }

    /// Reads rows. The text has a `?` for each value.
    async fn list<T>(
        &self,
        text: &str,
        values: Vec<Value>,
        read: impl Fn(&QueryResult) -> Result<T, DbErr>,
    ) -> Result<Vec<T>, Error> {
        let backend = self.backend();
        let statement = Statement::from_sql_and_values(backend, numbered(backend, text), values);
        let rows = self.rows(statement).await?;
        rows.iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|error| error::seen(&error))
    }

    /// After PostgreSQL was restarted every connection of the pool fails once, so reads are tried again, for as long as
    /// somebody may be expected to wait for a page.
    async fn rows(&self, statement: Statement) -> Result<Vec<QueryResult>, Error> {
        const PAUSES: [u64; 8] = [0, 10, 50, 100, 200, 300, 500, 800];
        const ENOUGH: Duration = Duration::from_secs(4);
        let since = Instant::now();
        let mut pauses = PAUSES.into_iter();
        loop {
            let error = match self.shared.readers.query_all_raw(statement.clone()).await {
                Ok(rows) => return Ok(rows),
                Err(error) => error,
            };
            if self.shared.jobs.is_closed() {
                return Err(Error::Closed);
            }
            match pauses.next() {
                Some(pause)
                    if error::trouble(&error) == error::Trouble::Passing
                        && since.elapsed() < ENOUGH =>
                {
                    sleep(Duration::from_millis(pause)).await;
                }
                _ => return Err(error::seen(&error)),
            }
        }
    }
}

fn unanswered() -> Error {
    Error::Database(
        "the committer ended before it answered; whether this was written shows after a restart"
            .to_owned(),
    )
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}
