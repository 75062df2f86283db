//! Drafts and their publication: how flows are written.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};

use super::{
    Store,
    error::{Abort, Error},
    queue::Work,
    sql::{Cells, Many, Texts, statement},
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
}

/// How often a draft was written; the first time gives 1.
pub type Revision = u32;

impl Store {
    /// Makes a flow with its first draft.
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is a flow with this id.
    pub async fn create_draft(&self, draft: Draft) -> Result<Revision, Error> {
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
    ) -> Result<Revision, Error> {
        self.change(UpdateDraft(draft, expected)).await
    }

    /// Deletes a flow: its draft, its publication and its schedules. Its runs stay, and so do the versions they are
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

    /// Publishes a document as the next version of its flow, and gives its number. Schedules that stay keep the memory
    /// of their last instant.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such flow, [`Error::Revision`] if the draft has moved on.
    pub async fn publish(&self, publication: Publication) -> Result<u32, Error> {
        self.change(publication).await
    }
}

struct CreateDraft(Draft);

impl Work for CreateDraft {
    type Out = Revision;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Revision, Abort>> {
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
            Ok(1)
        })
    }
}

struct UpdateDraft(Draft, Option<Revision>);

impl Work for UpdateDraft {
    type Out = Revision;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Revision, Abort>> {
        Box::pin(async move {
            let UpdateDraft(draft, expected) = self;
            let written = tx
                .query_one_raw(statement(
                    tx.get_database_backend(),
                    "UPDATE flow SET title = ?, draft = ?, revision = revision + 1, updated_at = ? \
                     WHERE workspace = ? AND id = ? AND revision = coalesce(?, revision) RETURNING revision",
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
            revision(tx, &draft.workspace, &draft.flow, written).await
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
            tx.execute_raw(statement(
                backend,
                "DELETE FROM schedule WHERE workspace = ? AND flow = ?",
                key(),
            ))
            .await?;
            Ok(deleted.rows_affected() > 0)
        })
    }
}

const PUT_SCHEDULE: Many = Many {
    text: "INSERT INTO schedule (workspace, flow, trigger, next_at, last_at) VALUES {rows} \
           ON CONFLICT (workspace, flow, trigger) DO UPDATE SET next_at = excluded.next_at",
    width: 5,
};

impl Work for Publication {
    type Out = u32;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<u32, Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let (workspace, flow) = (self.workspace.as_str(), self.flow.as_str());
            // The row of the flow first: its lock keeps two publications in order.
            let written = tx
                .query_one_raw(statement(
                    backend,
                    "UPDATE flow SET published = 1 + coalesce((SELECT max(number) FROM version \
                     WHERE version.workspace = flow.workspace AND version.flow = flow.id), 0) \
                     WHERE workspace = ? AND id = ? AND revision = coalesce(?, revision) RETURNING published",
                    [
                        workspace.into(),
                        flow.into(),
                        self.expected.map(i64::from).into(),
                    ],
                ))
                .await?;
            let number = revision(tx, workspace, flow, written).await?;
            tx.execute_raw(statement(
                backend,
                "INSERT INTO version (workspace, flow, number, document, note, published_at) \
                 VALUES (?, ?, ?, ?, ?, ?)",
                [
                    workspace.into(),
                    flow.into(),
                    i64::from(number).into(),
                    self.document.clone().into(),
                    self.note.clone().into(),
                    self.at.into(),
                ],
            ))
            .await?;
            self.replace_schedules(tx, texts).await?;
            Ok(number)
        })
    }
}

impl Publication {
    async fn replace_schedules(
        &self,
        tx: &DatabaseTransaction,
        texts: &mut Texts,
    ) -> Result<(), DbErr> {
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
        let values = self
            .schedules
            .iter()
            .flat_map(|(trigger, next_at)| {
                [
                    workspace.into(),
                    flow.into(),
                    trigger.as_str().into(),
                    (*next_at).into(),
                    None::<i64>.into(),
                ]
            })
            .collect();
        texts.execute(tx, &PUT_SCHEDULE, values).await
    }
}

/// The number in the row that a guarded update of a flow returned. Without a row, tells why there is none.
async fn revision(
    tx: &DatabaseTransaction,
    workspace: &str,
    flow: &str,
    written: Option<QueryResult>,
) -> Result<u32, Abort> {
    if let Some(row) = written {
        return Ok(Cells::of(&row).count()?);
    }
    let look = statement(
        tx.get_database_backend(),
        "SELECT revision FROM flow WHERE workspace = ? AND id = ?",
        [workspace.into(), flow.into()],
    );
    Err(match tx.query_one_raw(look).await? {
        Some(row) => Error::Revision {
            current: Cells::of(&row).count()?,
        },
        None => Error::NotFound(format!("there is no flow {flow:?}")),
    }
    .into())
}
