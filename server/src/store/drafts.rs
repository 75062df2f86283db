//! Drafts, their publication, the switch and the pause: how flows are written.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult};

use super::{
    Store,
    error::{Abort, Error},
    queue::Work,
    sql::{Cells, Texts, statement},
    wire,
};

/// A draft that is to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// The title, for lists.
    pub title: String,
    /// The document, as JSON text.
    pub document: String,
    /// When it is written, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
}

/// A version that is to be published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// The revision of the draft that was looked at, if it must still be the current one.
    pub expected: Option<u32>,
    /// The document, as JSON text.
    pub document: String,
    /// What the person who publishes it writes about it.
    pub note: Option<String>,
    /// When it is published, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// The schedule triggers of the document with their next instants. They replace the flow's schedules.
    pub schedules: Vec<(String, Option<i64>)>,
    /// What was known of all flows when the paths of this one were looked at, as [`Store::flow_states`] counted it. Another
    /// server may have published since then.
    pub counted: Option<i64>,
}

/// A flow that is to be switched on or off.
#[derive(Debug, Clone)]
pub struct Switch {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// Whether its triggers are listened to from now on.
    pub enabled: bool,
    /// The schedule triggers of what is published with their next instants, for a flow that is switched on.
    pub schedules: Vec<(String, Option<i64>)>,
}

/// A flow that is to be paused or resumed.
#[derive(Debug, Clone)]
pub struct Pause {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// Whether what arrives waits from now on.
    pub paused: bool,
}

/// How often a draft was written; the first time gives 1.
pub type Revision = u32;

/// How a flow stands once it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The revision of its draft.
    pub revision: Revision,
    /// The version that production runs, if it was published.
    pub version: Option<u32>,
    /// Whether its triggers are listened to, once it is published.
    pub enabled: bool,
    /// Whether what arrives waits until the flow is resumed.
    pub paused: bool,
}

impl Store {
    /// Makes a flow with its first draft.
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is a flow with this id.
    pub async fn create_draft(&self, draft: Draft) -> Result<Standing, Error> {
        self.change(CreateDraft(draft)).await
    }

    /// Replaces the draft of a flow.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such flow, [`Error::Revision`] if `expected` is given and not the current one.
    pub async fn update_draft(
        &self,
        draft: Draft,
        expected: Option<Revision>,
    ) -> Result<Standing, Error> {
        self.change(UpdateDraft(draft, expected)).await
    }

    /// Deletes a flow: its draft, its publication, its schedules and the cursors of its polls. Its runs stay, and so do the versions they are
    /// drawn on; if the id comes back, its numbers go on. False if there was no such flow.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn delete_flow(&self, workspace: &str, flow: &str) -> Result<bool, Error> {
        self.change(DeleteFlow {
            workspace: workspace.to_owned(),
            flow: flow.to_owned(),
        })
        .await
    }

    /// Publishes a document as the next version of its flow. Schedules that stay keep the memory of their last instant;
    /// those of a flow that is switched off get no next one.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such flow, [`Error::Revision`] if the draft has moved on, [`Error::Busy`] if
    /// another server did something to flows since they were counted.
    pub async fn publish(&self, publication: Publication) -> Result<Standing, Error> {
        self.change(publication).await
    }

    /// Switches a flow on or off, and says how it stands now; nothing where it stood so before. What its schedules
    /// missed in between is not made up for.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such flow.
    pub async fn switch(&self, switch: Switch) -> Result<Option<Standing>, Error> {
        self.change(switch).await
    }

    /// Pauses a flow or resumes it, and says how it stands now; nothing where it stood so before. Runs that wait are not touched:
    /// whoever claims looks at this.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such flow.
    pub async fn pause(&self, pause: Pause) -> Result<Option<Standing>, Error> {
        self.change(pause).await
    }
}

struct CreateDraft(Draft);

impl Work for CreateDraft {
    type Out = Standing;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Standing, Abort>> {
        Box::pin(async move {
            let draft = &self.0;
            let made = tx
                .execute_raw(statement(
                    tx.get_database_backend(),
                    "INSERT INTO flow (workspace, id, title, draft, revision, created_at, updated_at) \
                     VALUES (?, ?, ?, ?, 1, ?, ?) ON CONFLICT (workspace, id) DO NOTHING",
                    [
                        draft.workspace.as_str().into(),
                        draft.flow.as_str().into(),
                        draft.title.as_str().into(),
                        draft.document.clone().into(),
                        draft.at.into(),
                        draft.at.into(),
                    ],
                ))
                .await?;
            if made.rows_affected() == 0 {
                return Err(Error::Conflict(format!(
                    "there is a flow {:?} already; change that one, or give this one another id",
                    draft.flow
                ))
                .into());
            }
            count(tx, None).await?;
            Ok(Standing {
                revision: 1,
                version: None,
                enabled: true,
                paused: false,
            })
        })
    }
}

struct UpdateDraft(Draft, Option<Revision>);

impl Work for UpdateDraft {
    type Out = Standing;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Standing, Abort>> {
        Box::pin(async move {
            let UpdateDraft(draft, expected) = self;
            let written = tx
                .query_one_raw(statement(
                    tx.get_database_backend(),
                    &format!(
                        "UPDATE flow SET title = ?, draft = ?, revision = revision + 1, updated_at = ? \
                         WHERE workspace = ? AND id = ? AND revision = coalesce(?, revision) RETURNING {STANDING}"
                    ),
                    [
                        draft.title.as_str().into(),
                        draft.document.clone().into(),
                        draft.at.into(),
                        draft.workspace.as_str().into(),
                        draft.flow.as_str().into(),
                        expected.map(i64::from).into(),
                    ],
                ))
                .await?;
            let standing = standing(tx, &draft.workspace, &draft.flow, written).await?;
            count(tx, None).await?;
            Ok(standing)
        })
    }
}

struct DeleteFlow {
    workspace: String,
    flow: String,
}

impl Work for DeleteFlow {
    type Out = bool;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<bool, Abort>> {
        Box::pin(async move {
            let key = || [self.workspace.as_str().into(), self.flow.as_str().into()];
            let backend = tx.get_database_backend();
            let deleted = tx
                .execute_raw(statement(
                    backend,
                    "DELETE FROM flow WHERE workspace = ? AND id = ?",
                    key(),
                ))
                .await?;
            for text in [
                "DELETE FROM schedule WHERE workspace = ? AND flow = ?",
                "DELETE FROM poll WHERE workspace = ? AND flow = ?",
            ] {
                tx.execute_raw(statement(backend, text, key())).await?;
            }
            count(tx, None).await?;
            Ok(deleted.rows_affected() > 0)
        })
    }
}

/// What was due at the time of a publication stays due, and what was used up while it waited is not due again.
const PUT_SCHEDULE: &str = "INSERT INTO schedule (workspace, flow, trigger, next_at) VALUES (?, ?, ?, ?) \
    ON CONFLICT (workspace, flow, trigger) DO UPDATE SET next_at = CASE \
    WHEN schedule.next_at <= ? THEN schedule.next_at \
    WHEN excluded.next_at <= schedule.last_at THEN coalesce(schedule.next_at, excluded.next_at) \
    ELSE excluded.next_at END";

impl Work for Publication {
    type Out = Standing;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Standing, Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let (workspace, flow) = (self.workspace.as_str(), self.flow.as_str());
            // The row of the flow first: its lock keeps two publications in order.
            let written = tx
                .query_one_raw(statement(
                    backend,
                    &format!(
                        "UPDATE flow SET published = 1 + coalesce((SELECT max(number) FROM version \
                         WHERE version.workspace = flow.workspace AND version.flow = flow.id), 0) \
                         WHERE workspace = ? AND id = ? AND revision = coalesce(?, revision) RETURNING {STANDING}"
                    ),
                    [
                        workspace.into(),
                        flow.into(),
                        self.expected.map(i64::from).into(),
                    ],
                ))
                .await?;
            let standing = standing(tx, workspace, flow, written).await?;
            tx.execute_raw(statement(
                backend,
                "INSERT INTO version (workspace, flow, number, document, note, published_at) \
                 VALUES (?, ?, ?, ?, ?, ?)",
                [
                    workspace.into(),
                    flow.into(),
                    standing.version.map(i64::from).into(),
                    self.document.clone().into(),
                    self.note.clone().into(),
                    self.at.into(),
                ],
            ))
            .await?;
            self.forget_schedules(tx).await?;
            let schedules = self.schedules.iter().map(|(trigger, next_at)| {
                let next_at = next_at.filter(|_| standing.enabled);
                (trigger.as_str(), next_at)
            });
            put_schedules(tx, workspace, flow, schedules, Some(self.at)).await?;
            count(tx, self.counted).await?;
            Ok(standing)
        })
    }
}

impl Publication {
    /// Takes away the schedules that the new version has no more.
    async fn forget_schedules(&self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        let backend = tx.get_database_backend();
        let (workspace, flow) = (self.workspace.as_str(), self.flow.as_str());
        let known = tx
            .query_all_raw(statement(
                backend,
                "SELECT trigger FROM schedule WHERE workspace = ? AND flow = ?",
                [workspace.into(), flow.into()],
            ))
            .await?;
        for row in known {
            let trigger: String = Cells::of(&row).take()?;
            if !self.schedules.iter().any(|(kept, _)| *kept == trigger) {
                tx.execute_raw(statement(
                    backend,
                    "DELETE FROM schedule WHERE workspace = ? AND flow = ? AND trigger = ?",
                    [workspace.into(), flow.into(), trigger.into()],
                ))
                .await?;
            }
        }
        Ok(())
    }
}

impl Work for Switch {
    type Out = Option<Standing>;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Option<Standing>, Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let (workspace, flow) = (self.workspace.as_str(), self.flow.as_str());
            let enabled = i64::from(self.enabled);
            let written = tx
                .query_one_raw(statement(
                    backend,
                    &format!(
                        "UPDATE flow SET enabled = ? WHERE workspace = ? AND id = ? AND enabled <> ? \
                         RETURNING {STANDING}"
                    ),
                    [
                        enabled.into(),
                        workspace.into(),
                        flow.into(),
                        enabled.into(),
                    ],
                ))
                .await?;
            let Some(row) = written else {
                current(tx, workspace, flow).await?;
                return Ok(None);
            };
            if self.enabled {
                let schedules = self.schedules.iter();
                let schedules = schedules.map(|(trigger, next_at)| (trigger.as_str(), *next_at));
                // They had no next instants while the flow was off.
                put_schedules(tx, workspace, flow, schedules, None).await?;
            } else {
                tx.execute_raw(statement(
                    backend,
                    "UPDATE schedule SET next_at = NULL WHERE workspace = ? AND flow = ?",
                    [workspace.into(), flow.into()],
                ))
                .await?;
            }
            count(tx, None).await?;
            Ok(Some(standing_of(&row)?))
        })
    }
}

impl Work for Pause {
    type Out = Option<Standing>;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Option<Standing>, Abort>> {
        Box::pin(async move {
            let (workspace, flow) = (self.workspace.as_str(), self.flow.as_str());
            let paused = i64::from(self.paused);
            let written = tx
                .query_one_raw(statement(
                    tx.get_database_backend(),
                    &format!(
                        "UPDATE flow SET paused = ? WHERE workspace = ? AND id = ? AND paused <> ? \
                         RETURNING {STANDING}"
                    ),
                    [paused.into(), workspace.into(), flow.into(), paused.into()],
                ))
                .await?;
            let Some(row) = written else {
                current(tx, workspace, flow).await?;
                return Ok(None);
            };
            count(tx, None).await?;
            Ok(Some(standing_of(&row)?))
        })
    }
}

/// Counts that something was done to flows, and tells the other servers. With `expected` only if nothing was done since.
async fn count(tx: &DatabaseTransaction, expected: Option<i64>) -> Result<(), Abort> {
    if tx.get_database_backend() == DbBackend::Sqlite {
        return Ok(());
    }
    let counted = statement(
        DbBackend::Postgres,
        "UPDATE counter SET count = count + 1 WHERE name = 'flows' AND count = coalesce(?, count)",
        [expected.into()],
    );
    if tx.execute_raw(counted).await?.rows_affected() == 0 {
        return Err(Error::Busy.into());
    }
    tx.execute_raw(wire::notify(&wire::Hint::Flows)).await?;
    Ok(())
}

async fn put_schedules<'a>(
    tx: &DatabaseTransaction,
    workspace: &str,
    flow: &str,
    schedules: impl Iterator<Item = (&'a str, Option<i64>)>,
    due_at: Option<i64>,
) -> Result<(), DbErr> {
    for (trigger, next_at) in schedules {
        tx.execute_raw(statement(
            tx.get_database_backend(),
            PUT_SCHEDULE,
            [
                workspace.into(),
                flow.into(),
                trigger.into(),
                next_at.into(),
                due_at.into(),
            ],
        ))
        .await?;
    }
    Ok(())
}

/// The columns of a [`Standing`], in the order of [`standing_of`].
const STANDING: &str = "revision, published, enabled, paused";

fn standing_of(row: &QueryResult) -> Result<Standing, DbErr> {
    let cells = Cells::of(row);
    Ok(Standing {
        revision: cells.count()?,
        version: cells.maybe_count()?,
        enabled: cells.truth()?,
        paused: cells.truth()?,
    })
}

/// How a flow stands by the row that a guarded update returned. Without a row, tells why there is none.
async fn standing(
    tx: &DatabaseTransaction,
    workspace: &str,
    flow: &str,
    written: Option<QueryResult>,
) -> Result<Standing, Abort> {
    match written {
        Some(row) => Ok(standing_of(&row)?),
        None => {
            let current = current(tx, workspace, flow).await?;
            Err(Error::Revision { current }.into())
        }
    }
}

/// The revision of the draft of a flow, which must be there.
async fn current(tx: &DatabaseTransaction, workspace: &str, flow: &str) -> Result<Revision, Abort> {
    let look = statement(
        tx.get_database_backend(),
        "SELECT revision FROM flow WHERE workspace = ? AND id = ?",
        [workspace.into(), flow.into()],
    );
    match tx.query_one_raw(look).await? {
        Some(row) => Ok(Cells::of(&row).count()?),
        None => Err(Error::NotFound(format!("there is no flow {flow:?}")).into()),
    }
}
