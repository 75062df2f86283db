//! Polls: who makes one, and what it found, committed with where the next one goes on.
//!
//! A poll is claimed by moving its schedule's next instant to the end of the claim, so no server finds it due meanwhile. What it
//! found counts only while that claim stands and the cursor is the one it began with.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult, Value};
use uuid::Uuid;

use super::{
    Store, batch,
    error::{Abort, Error},
    queue::{Op, Work},
    runs::{Accepted, Fire, NewRun},
    schedules::is_of,
    sql::{Cells, Texts, statement},
};

/// Where a poll stands. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Poll {
    /// The flow's id.
    pub flow: String,
    /// The trigger's id.
    pub trigger: String,
    /// Where the next poll goes on, as JSON text; nothing before the first one.
    pub cursor: Option<String>,
    /// How often the cursor was changed.
    pub revision: u32,
    /// When it was changed last.
    pub moved_at: Option<i64>,
    /// When a poll succeeded last.
    pub polled_at: Option<i64>,
    /// When the last poll failed, if it did.
    pub failed_at: Option<i64>,
    /// Why, as JSON text.
    pub failure: Option<String>,
    /// How many polls failed in a row.
    pub failures: u32,
    /// The instant that is being polled, while one is underway.
    pub due_at: Option<i64>,
}

/// A poll that a server makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// The trigger's id.
    pub trigger: String,
    /// The version that is polled. Where another one is published by now, the claim comes to nothing.
    pub version: u32,
    /// The instant that is due: the `next_at` of the schedule as it was read.
    pub due_at: i64,
    /// When the claim ends, unless the poll does before. Later than any instant that the schedule may have by then.
    pub until: i64,
    /// The server that makes it.
    pub server: Uuid,
}

/// What a poll found.
#[derive(Debug)]
pub struct Gain {
    /// Where the next poll goes on, as JSON text; the cursor that it began with where it stays.
    pub cursor: Option<String>,
    /// The revision of the cursor that the poll began with.
    pub revision: u32,
    /// When it ended.
    pub at: i64,
    /// When the next poll is due.
    pub next_at: Option<i64>,
    /// The runs of its messages, with different dedupe keys.
    pub runs: Vec<NewRun>,
}

impl Store {
    /// Takes a poll that is due for a server, and says where it stands. Nothing where it is not due any more, another version is
    /// published, or an earlier poll of the trigger has not ended.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn claim_poll(&self, claim: Claim, now: i64) -> Result<Option<Poll>, Error> {
        self.change(Take { claim, now }).await
    }

    /// Writes what a poll found: its runs and its cursor, or neither. Nothing where its claim has ended, or somebody has set the
    /// cursor meanwhile; then the poll is due again.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn commit_poll(
        &self,
        claim: Claim,
        gain: Gain,
    ) -> Result<Option<Vec<Accepted>>, Error> {
        let Gain {
            cursor,
            revision,
            at,
            next_at,
            runs,
        } = gain;
        let ops = runs.into_iter().map(|run| self.accepting(run));
        let ops = ops.collect::<Result<Vec<Op>, Error>>()?;
        let bytes = ops.iter().map(Op::bytes).sum();
        let work = Commit {
            claim,
            cursor,
            revision,
            at,
            next_at,
            ops,
        };
        self.change_of(work, bytes).await
    }

    /// Ends a poll that found nothing, without moving its cursor: with a failure, as JSON text, or without one where it was broken
    /// off. It is due again at `next_at`.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn end_poll(
        &self,
        claim: Claim,
        failure: Option<String>,
        at: i64,
        next_at: Option<i64>,
    ) -> Result<(), Error> {
        self.change(End {
            claim,
            failure,
            at,
            next_at,
        })
        .await
    }

    /// Moves a schedule's next instant without using it up, for one who cannot deal with it now.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn put_off(&self, schedule: super::Schedule, next_at: i64) -> Result<(), Error> {
        self.change(PutOff { schedule, next_at }).await
    }

    /// Sets the cursor of a poll, or takes it away, and gives its new revision. A poll that is underway comes to nothing.
    ///
    /// # Errors
    /// [`Error::Revision`] where another revision than the expected one is current.
    pub async fn set_cursor(
        &self,
        workspace: &str,
        flow: &str,
        trigger: &str,
        cursor: Option<String>,
        expected: Option<u32>,
        at: i64,
    ) -> Result<u32, Error> {
        self.change(SetCursor {
            key: [workspace, flow, trigger].map(str::to_owned),
            cursor,
            expected,
            at,
        })
        .await
    }

    /// Where a poll stands; nothing before its first one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn poll(
        &self,
        workspace: &str,
        flow: &str,
        trigger: &str,
    ) -> Result<Option<Poll>, Error> {
        let text =
            format!("SELECT {POLL} FROM poll WHERE workspace = ? AND flow = ? AND trigger = ?");
        let values = vec![workspace.into(), flow.into(), trigger.into()];
        self.find(&text, values, poll_of).await
    }

    /// Where the polls of the flows from one to another stand, by flow and trigger.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn polls(&self, workspace: &str, from: &str, to: &str) -> Result<Vec<Poll>, Error> {
        let text = format!(
            "SELECT {POLL} FROM poll WHERE workspace = ? AND flow BETWEEN ? AND ? ORDER BY flow, trigger"
        );
        self.list(
            &text,
            vec![workspace.into(), from.into(), to.into()],
            poll_of,
        )
        .await
    }
}

/// The columns of a poll, in the order of [`poll_of`].
const POLL: &str = "flow, trigger, position, revision, moved_at, polled_at, failed_at, failure, failures, \
    CASE WHEN busy_by IS NOT NULL THEN due_at END";

fn poll_of(row: &QueryResult) -> Result<Poll, DbErr> {
    let cells = Cells::of(row);
    Ok(Poll {
        flow: cells.take()?,
        trigger: cells.take()?,
        cursor: cells.take()?,
        revision: cells.count()?,
        moved_at: cells.take()?,
        polled_at: cells.take()?,
        failed_at: cells.take()?,
        failure: cells.take()?,
        failures: cells.count()?,
        due_at: cells.take()?,
    })
}

/// Makes the polls of a server that is gone due again.
pub(super) const FREE: [&str; 2] = [
    "UPDATE schedule SET next_at = poll.due_at FROM poll WHERE poll.busy_by = ? AND poll.workspace = schedule.workspace AND poll.flow = schedule.flow AND poll.trigger = schedule.trigger \
     AND schedule.next_at = poll.busy_until",
    "UPDATE poll SET busy_by = NULL, busy_until = NULL, due_at = NULL WHERE busy_by = ?",
];

/// The same for all servers.
pub(super) const FREE_ALL: [&str; 2] = [
    "UPDATE schedule SET next_at = poll.due_at FROM poll WHERE poll.busy_by IS NOT NULL AND \
     poll.workspace = schedule.workspace AND poll.flow = schedule.flow AND poll.trigger = schedule.trigger \
     AND schedule.next_at = poll.busy_until",
    "UPDATE poll SET busy_by = NULL, busy_until = NULL, due_at = NULL WHERE busy_by IS NOT NULL",
];

impl Claim {
    fn key(&self) -> [Value; 3] {
        [&self.workspace, &self.flow, &self.trigger].map(|text| text.as_str().into())
    }

    fn fire(&self) -> Fire {
        Fire {
            version: Some(self.version),
            expected_at: self.due_at,
            at: self.due_at,
            next_at: None,
        }
    }

    /// Moves the schedule's next instant from one that it must have.
    async fn step(
        &self,
        tx: &DatabaseTransaction,
        from: i64,
        used: Option<i64>,
        to: Option<i64>,
    ) -> Result<bool, DbErr> {
        let [workspace, flow, trigger] = self.key();
        let moved = execute(
            tx,
            "UPDATE schedule SET last_at = coalesce(?, last_at), next_at = ? \
             WHERE workspace = ? AND flow = ? AND trigger = ? AND next_at = ?",
            [
                used.into(),
                to.into(),
                workspace,
                flow,
                trigger,
                from.into(),
            ],
        );
        Ok(moved.await? == 1)
    }

    /// Lets the poll go, where this claim still stands.
    async fn release(&self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        let [workspace, flow, trigger] = self.key();
        execute(
            tx,
            "UPDATE poll SET busy_by = NULL, busy_until = NULL, due_at = NULL \
             WHERE workspace = ? AND flow = ? AND trigger = ? AND busy_by = ? AND busy_until = ?",
            [
                workspace,
                flow,
                trigger,
                self.server.into(),
                self.until.into(),
            ],
        )
        .await?;
        Ok(())
    }
}

async fn execute<const N: usize>(
    tx: &DatabaseTransaction,
    text: &str,
    values: [Value; N],
) -> Result<u64, DbErr> {
    let statement = statement(tx.get_database_backend(), text, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

struct Take {
    claim: Claim,
    now: i64,
}

impl Work for Take {
    type Out = Option<Poll>;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Option<Poll>, Abort>> {
        Box::pin(async move {
            let claim = &self.claim;
            if !is_of(tx, &claim.workspace, &claim.flow, &claim.fire()).await?
                || !claim
                    .step(tx, claim.due_at, None, Some(claim.until))
                    .await?
            {
                return Ok(None);
            }
            let backend = tx.get_database_backend();
            let [workspace, flow, trigger] = claim.key();
            let taken = statement(
                backend,
                &format!(
                    "INSERT INTO poll (workspace, flow, trigger, due_at, busy_by, busy_until) VALUES (?, ?, ?, ?, ?, ?) \
                     ON CONFLICT (workspace, flow, trigger) DO UPDATE \
                     SET due_at = excluded.due_at, busy_by = excluded.busy_by, busy_until = excluded.busy_until \
                     WHERE poll.busy_by IS NULL OR poll.busy_until <= ? RETURNING {POLL}"
                ),
                [
                    workspace,
                    flow,
                    trigger,
                    claim.due_at.into(),
                    claim.server.into(),
                    claim.until.into(),
                    self.now.into(),
                ],
            );
            if let Some(row) = tx.query_one_raw(taken).await? {
                return Ok(Some(poll_of(&row)?));
            }
            // A poll that was begun before this version was published has not ended: what is due is left to it.
            let [workspace, flow, trigger] = claim.key();
            execute(
                tx,
                "UPDATE schedule SET next_at = (SELECT busy_until FROM poll WHERE poll.workspace = schedule.workspace \
                 AND poll.flow = schedule.flow AND poll.trigger = schedule.trigger) \
                 WHERE workspace = ? AND flow = ? AND trigger = ?",
                [workspace, flow, trigger],
            )
            .await?;
            Ok(None)
        })
    }

    fn server(&self) -> Option<Uuid> {
        Some(self.claim.server)
    }
}

struct Commit {
    claim: Claim,
    cursor: Option<String>,
    revision: u32,
    at: i64,
    next_at: Option<i64>,
    ops: Vec<Op>,
}

impl Work for Commit {
    type Out = Option<Vec<Accepted>>;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Self::Out, Abort>> {
        Box::pin(async move {
            let claim = &self.claim;
            let current = is_of(tx, &claim.workspace, &claim.flow, &claim.fire()).await?;
            // Due again, unless all that follows holds.
            let stands = claim
                .step(tx, claim.until, None, Some(claim.due_at))
                .await?;
            if !current || !stands {
                claim.release(tx).await?;
                return Ok(None);
            }
            let [workspace, flow, trigger] = claim.key();
            let cursor = || Value::from(self.cursor.clone());
            let moved = execute(
                tx,
                "UPDATE poll SET revision = revision + CASE WHEN ? IS DISTINCT FROM position THEN 1 ELSE 0 END, \
                 moved_at = CASE WHEN ? IS DISTINCT FROM position THEN ? ELSE moved_at END, position = ?, polled_at = ?, \
                 failed_at = NULL, failure = NULL, failures = 0, due_at = NULL, busy_by = NULL, busy_until = NULL \
                 WHERE workspace = ? AND flow = ? AND trigger = ? AND revision = ? AND busy_by = ? AND busy_until = ?",
                [
                    cursor(),
                    cursor(),
                    self.at.into(),
                    cursor(),
                    self.at.into(),
                    workspace,
                    flow,
                    trigger,
                    i64::from(self.revision).into(),
                    claim.server.into(),
                    claim.until.into(),
                ],
            );
            if moved.await? == 0 {
                // Somebody has set the cursor: what was found is not what it would find now.
                claim.release(tx).await?;
                return Ok(None);
            }
            claim
                .step(tx, claim.due_at, Some(claim.due_at), self.next_at)
                .await?;
            let ops: Vec<&Op> = self.ops.iter().collect();
            let outcomes = batch::write(tx, texts, &ops).await?;
            let accepted: Result<Vec<Accepted>, Error> = outcomes.into_iter().collect();
            Ok(Some(accepted?))
        })
    }

    fn server(&self) -> Option<Uuid> {
        Some(self.claim.server)
    }
}

struct End {
    claim: Claim,
    failure: Option<String>,
    at: i64,
    next_at: Option<i64>,
}

impl Work for End {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            let claim = &self.claim;
            let used = self.failure.as_ref().map(|_| claim.due_at);
            claim.step(tx, claim.until, used, self.next_at).await?;
            if let Some(failure) = &self.failure {
                let [workspace, flow, trigger] = claim.key();
                execute(
                    tx,
                    "UPDATE poll SET failed_at = ?, failure = ?, failures = failures + 1 \
                     WHERE workspace = ? AND flow = ? AND trigger = ? AND busy_by = ? AND busy_until = ?",
                    [
                        self.at.into(),
                        failure.as_str().into(),
                        workspace,
                        flow,
                        trigger,
                        claim.server.into(),
                        claim.until.into(),
                    ],
                )
                .await?;
            }
            claim.release(tx).await?;
            Ok(())
        })
    }

    fn server(&self) -> Option<Uuid> {
        Some(self.claim.server)
    }
}

struct PutOff {
    schedule: super::Schedule,
    next_at: i64,
}

impl Work for PutOff {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            let of = &self.schedule;
            let [workspace, flow, trigger] =
                [&of.workspace, &of.flow, &of.trigger].map(|text| Value::from(text.as_str()));
            execute(
                tx,
                "UPDATE schedule SET next_at = ? WHERE workspace = ? AND flow = ? AND trigger = ? AND next_at = ?",
                [self.next_at.into(), workspace, flow, trigger, of.next_at.into()],
            )
            .await?;
            Ok(())
        })
    }
}

struct SetCursor {
    key: [String; 3],
    cursor: Option<String>,
    expected: Option<u32>,
    at: i64,
}

impl Work for SetCursor {
    type Out = u32;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<u32, Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let key = || self.key.each_ref().map(|text| Value::from(text.as_str()));
            let [workspace, flow, trigger] = key();
            // There may be no row before the first poll; it counts as revision 0.
            execute(
                tx,
                "INSERT INTO poll (workspace, flow, trigger) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [workspace, flow, trigger],
            )
            .await?;
            let [workspace, flow, trigger] = key();
            let set = statement(
                backend,
                "UPDATE poll SET position = ?, revision = revision + 1, moved_at = ? \
                 WHERE workspace = ? AND flow = ? AND trigger = ? AND revision = coalesce(?, revision) RETURNING revision",
                [
                    self.cursor.clone().into(),
                    self.at.into(),
                    workspace,
                    flow,
                    trigger,
                    self.expected.map(i64::from).into(),
                ],
            );
            if let Some(row) = tx.query_one_raw(set).await? {
                return Ok(Cells::of(&row).count()?);
            }
            let look = statement(
                backend,
                "SELECT revision FROM poll WHERE workspace = ? AND flow = ? AND trigger = ?",
                key(),
            );
            let current = match tx.query_one_raw(look).await? {
                Some(row) => Cells::of(&row).count()?,
                None => 0,
            };
            Err(Error::Revision { current }.into())
        })
    }
}
