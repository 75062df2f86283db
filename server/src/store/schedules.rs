//! Schedules: when a trigger fires next, moved on by compare-and-set so that an instant is used once.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult};
use uuid::Uuid;

use super::{
    Store,
    error::{Abort, Error},
    queue::Work,
    runs::Fire,
    sql::{Cells, Texts, statement},
};

/// The next instant of a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// The trigger's id.
    pub trigger: String,
    /// When it fires next, in milliseconds since 1970-01-01 UTC; nothing if never again.
    pub next_at: Option<i64>,
    /// The instant that was used last.
    pub last_at: Option<i64>,
}

impl Store {
    /// Uses up an instant without starting a run. False if it was used up before.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn skip_fire(
        &self,
        workspace: &str,
        flow: &str,
        trigger: &str,
        fire: Fire,
    ) -> Result<bool, Error> {
        self.change(SkipFire {
            workspace: workspace.to_owned(),
            flow: flow.to_owned(),
            trigger: trigger.to_owned(),
            fire,
        })
        .await
    }

    /// Schedules of all workspaces that are due at `now` or before, the longest due first; without those of paused flows.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn due_schedules(&self, now: i64, limit: u32) -> Result<Vec<Schedule>, Error> {
        let text = format!(
            "SELECT {SCHEDULE} FROM schedule WHERE next_at IS NOT NULL AND next_at <= ? AND {GOES_ON} ORDER BY next_at LIMIT ?"
        );
        self.list(
            &text,
            vec![now.into(), i64::from(limit).into()],
            schedule_of,
        )
        .await
    }

    /// The earliest instant of all schedules but those of paused flows.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn next_due(&self) -> Result<Option<i64>, Error> {
        let text = format!(
            "SELECT next_at FROM schedule WHERE next_at IS NOT NULL AND {GOES_ON} ORDER BY next_at LIMIT 1"
        );
        let due = self
            .find(&text, Vec::new(), |row| Cells::of(row).take())
            .await?;
        Ok(due.flatten())
    }

    /// How many runs of a trigger have not ended, counted up to `most`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn underway(
        &self,
        workspace: &str,
        flow: &str,
        trigger: &str,
        most: u32,
    ) -> Result<u32, Error> {
        let text = "SELECT count(*) FROM (SELECT id FROM run WHERE workspace = ? AND flow = ? \
                    AND trigger = ? AND ended_at IS NULL LIMIT ?) AS underway";
        let values = vec![
            workspace.into(),
            flow.into(),
            trigger.into(),
            i64::from(most).into(),
        ];
        let count = self
            .find(text, values, |row| Cells::of(row).count())
            .await?;
        Ok(count.unwrap_or_default())
    }

    /// The runs of a trigger that have not ended and whose ids are smaller than that of `run`, at most `limit`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn earlier(
        &self,
        workspace: &str,
        flow: &str,
        trigger: &str,
        run: Uuid,
        limit: u32,
    ) -> Result<Vec<Uuid>, Error> {
        let text = "SELECT id FROM run WHERE workspace = ? AND flow = ? AND trigger = ? AND ended_at IS NULL \
                    AND id < ? ORDER BY id LIMIT ?";
        let values = vec![
            workspace.into(),
            flow.into(),
            trigger.into(),
            run.into(),
            i64::from(limit).into(),
        ];
        self.list(text, values, |row| Cells::of(row).take()).await
    }

    /// A page of the schedules of a workspace by flow and trigger: those after a flow's trigger, at most `limit`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn all_schedules(
        &self,
        workspace: &str,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<Schedule>, Error> {
        let text = format!(
            "SELECT {SCHEDULE} FROM schedule WHERE workspace = ? AND (flow, trigger) > (?, ?) ORDER BY flow, trigger LIMIT ?"
        );
        let values = vec![
            workspace.into(),
            after.0.into(),
            after.1.into(),
            i64::from(limit).into(),
        ];
        self.list(&text, values, schedule_of).await
    }

    /// The schedules of a flow, by trigger.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn schedules(&self, workspace: &str, flow: &str) -> Result<Vec<Schedule>, Error> {
        let text = format!(
            "SELECT {SCHEDULE} FROM schedule WHERE workspace = ? AND flow = ? ORDER BY trigger"
        );
        self.list(&text, vec![workspace.into(), flow.into()], schedule_of)
            .await
    }
}

/// Whether a fire was decided by what is published now. On PostgreSQL another server may have published, switched or paused the flow
/// meanwhile; the lock keeps it from doing so until this transaction ends.
pub(super) async fn is_of(
    tx: &DatabaseTransaction,
    workspace: &str,
    flow: &str,
    fire: &Fire,
) -> Result<bool, DbErr> {
    if tx.get_database_backend() == DbBackend::Sqlite {
        return Ok(true);
    }
    let listened = statement(
        DbBackend::Postgres,
        "SELECT published FROM flow WHERE workspace = ? AND id = ? AND enabled = 1 AND paused = 0 FOR SHARE",
        [workspace.into(), flow.into()],
    );
    let version = match tx.query_one_raw(listened).await? {
        Some(row) => Cells::of(&row).maybe_count()?,
        None => None,
    };
    Ok(version == fire.version)
}

/// Whether the flow of a schedule is not paused. What is due in a pause stays due, so that its policy for what was missed decides at
/// the end.
const GOES_ON: &str = "NOT EXISTS (SELECT 1 FROM flow WHERE flow.workspace = schedule.workspace \
    AND flow.id = schedule.flow AND flow.paused = 1)";

/// The columns of a schedule, in the order of [`schedule_of`].
pub(super) const SCHEDULE: &str = "workspace, flow, trigger, next_at, last_at";

/// Reads a schedule from a row of [`SCHEDULE`].
pub(super) fn schedule_of(row: &QueryResult) -> Result<Schedule, DbErr> {
    let cells = Cells::of(row);
    Ok(Schedule {
        workspace: cells.take()?,
        flow: cells.take()?,
        trigger: cells.take()?,
        next_at: cells.take()?,
        last_at: cells.take()?,
    })
}

struct SkipFire {
    workspace: String,
    flow: String,
    trigger: String,
    fire: Fire,
}

impl Work for SkipFire {
    type Out = bool;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<bool, Abort>> {
        Box::pin(async move {
            if !is_of(tx, &self.workspace, &self.flow, &self.fire).await? {
                return Ok(false);
            }
            let moved = tx
                .execute_raw(statement(
                    tx.get_database_backend(),
                    "UPDATE schedule SET last_at = ?, next_at = ? \
                     WHERE workspace = ? AND flow = ? AND trigger = ? AND next_at = ?",
                    [
                        self.fire.at.into(),
                        self.fire.next_at.into(),
                        self.workspace.as_str().into(),
                        self.flow.as_str().into(),
                        self.trigger.as_str().into(),
                        self.fire.expected_at.into(),
                    ],
                ))
                .await?;
            Ok(moved.rows_affected() == 1)
        })
    }
}
