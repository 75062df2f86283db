//! What runs wait for: callbacks and approvals, from the turn that begins to wait, or an early answer, until the run is forgotten.
//!
//! Each place of a run is answered once. The row is where an answer and the end of the wait meet: an answer takes a row that is
//! open, a turn that ends the wait without one closes it, and of two at once one wins. A turn that says "nobody has answered" is
//! refused where somebody has; one that stops the run is not, and the answer then comes to nothing, as any that is late does.
//! Whatever becomes of it, the digest of an answer stays, so that the same one is told the same.
//!
//! An answer locks one row and waits for no other, so it may be taken anywhere without anybody waiting in a circle.

use std::fmt;

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Value};
use uuid::Uuid;

use super::{
    Store,
    error::{Abort, Error},
    queue::Work,
    runs::{BadCursor, RunFilter},
    sql::{Cells, Many, Texts, statement},
    wire,
};

/// What kind of answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwaitedKind {
    /// A call of the link.
    Callback,
    /// The decision of a person.
    Approval,
}

impl AwaitedKind {
    /// The word for it, in the database and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            AwaitedKind::Callback => "callback",
            AwaitedKind::Approval => "approval",
        }
    }
}

/// How a wait for an answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwaitedState {
    /// The run waits.
    Open,
    /// It was answered, and no turn has taken the answer over yet.
    Answered,
    /// A turn has taken the answer over, or none ever will.
    Used,
    /// The wait is over without an answer.
    Closed,
}

impl AwaitedState {
    const ALL: [AwaitedState; 4] = [
        AwaitedState::Open,
        AwaitedState::Answered,
        AwaitedState::Used,
        AwaitedState::Closed,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            AwaitedState::Open => "open",
            AwaitedState::Answered => "answered",
            AwaitedState::Used => "used",
            AwaitedState::Closed => "closed",
        }
    }

    fn parse(word: &str) -> Result<AwaitedState, DbErr> {
        AwaitedState::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| DbErr::Type(format!("{word:?} is not a state of a wait")))
    }
}

/// How a turn leaves a wait for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaiting {
    /// The step, and the items around it.
    pub place: String,
    /// The flow's id.
    pub flow: String,
    /// What kind of answer it is.
    pub kind: AwaitedKind,
    /// Of an approval, what is to be decided.
    pub title: Option<String>,
    /// Of an approval, what a person should know.
    pub shown: Option<String>,
    /// When this was decided.
    pub since: i64,
    /// Until when it waits.
    pub until: Option<i64>,
    /// How it stands: open, used or closed.
    pub state: AwaitedState,
    /// Whether it is closed because nobody has answered in time: an answer that is on disk goes first.
    pub expires: bool,
}

/// An answer that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnswer {
    /// The workspace's slug.
    pub workspace: String,
    /// The run.
    pub run: Uuid,
    /// The step, and the items around it.
    pub place: String,
    /// What kind of answer it is.
    pub kind: AwaitedKind,
    /// What the step gives, as JSON text.
    pub answer: String,
    /// What tells it from another answer.
    pub digest: [u8; 32],
    /// When it arrived.
    pub at: i64,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is the first one, and on disk.
    First,
    /// The same answer was given before.
    Again,
    /// Another answer was given before.
    Other,
    /// The wait or the run is over.
    Over,
}

/// A run that was answered without having taken that over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheard {
    /// The workspace's slug.
    pub workspace: String,
    /// The run.
    pub run: Uuid,
    /// Whether it has ended and never will take it over.
    pub over: bool,
}

/// An answer that no turn has taken over yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The step, and the items around it.
    pub place: String,
    /// What the step gives, as JSON text.
    pub answer: String,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The run.
    pub run: Uuid,
    /// The step, and the items around it.
    pub place: String,
    /// The flow's id.
    pub flow: String,
    /// The version that the run is of.
    pub version: u32,
    /// What is to be decided.
    pub title: String,
    /// What a person should know.
    pub shown: Option<String>,
    /// Since when the run waits.
    pub since: i64,
    /// Until when.
    pub until: Option<i64>,
    /// How it stands.
    pub state: AwaitedState,
    /// When it was decided.
    pub answered_at: Option<i64>,
}

/// Which approvals to list, the newest first.
#[derive(Debug, Clone)]
pub struct ApprovalFilter {
    /// Only those of this flow.
    pub flow: Option<String>,
    /// Only those after this place.
    pub after: Option<ApprovalCursor>,
    /// The most to give.
    pub limit: u32,
}

impl Default for ApprovalFilter {
    fn default() -> Self {
        ApprovalFilter {
            flow: None,
            after: None,
            limit: RunFilter::default().limit,
        }
    }
}

/// A place in a list of approvals. As text: `<since>.<run>.<place>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalCursor {
    since: i64,
    run: Uuid,
    place: String,
}

impl From<&Approval> for ApprovalCursor {
    fn from(approval: &Approval) -> Self {
        ApprovalCursor {
            since: approval.since,
            run: approval.run,
            place: approval.place.clone(),
        }
    }
}

impl fmt::Display for ApprovalCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.since, self.run, self.place)
    }
}

impl std::str::FromStr for ApprovalCursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or(BadCursor);
        Ok(ApprovalCursor {
            since: next()?.parse().map_err(|_| BadCursor)?,
            run: next()?.parse().map_err(|_| BadCursor)?,
            place: next()?.to_owned(),
        })
    }
}

impl Store {
    /// Puts an answer on disk, once for each place of a run, whether or not the run waits for it already.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn answer(&self, answer: NewAnswer) -> Result<Answered, Error> {
        self.change(Take(answer)).await
    }

    /// How a place of a run stands; nothing where the run does not wait there yet and nobody has answered.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn awaited(
        &self,
        workspace: &str,
        run: Uuid,
        place: &str,
    ) -> Result<Option<AwaitedState>, Error> {
        let text = "SELECT state FROM awaited WHERE workspace = ? AND run = ? AND place = ?";
        let values = vec![workspace.into(), run.into(), place.into()];
        self.find(text, values, |row| {
            AwaitedState::parse(&Cells::of(row).take::<String>()?)
        })
        .await
    }

    /// The runs that `server` has, or nobody, and that were answered without having taken that over.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn answered(&self, server: Uuid) -> Result<Vec<Unheard>, Error> {
        self.list(ANSWERED, vec![server.into()], |row| {
            let cells = Cells::of(row);
            Ok(Unheard {
                workspace: cells.take()?,
                run: cells.take()?,
                over: cells.take()?,
            })
        })
        .await
    }

    /// The answers to a run that it has not taken over.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn unused(&self, workspace: &str, run: Uuid) -> Result<Vec<Unused>, Error> {
        self.list(UNUSED, vec![run.into(), workspace.into()], |row| {
            let cells = Cells::of(row);
            Ok(Unused {
                place: cells.take()?,
                answer: cells.take()?,
            })
        })
        .await
    }

    /// Puts aside an answer that no turn will ever take over, as the server that has the run says. Of another server nothing
    /// is put aside: it may not know how the run stands.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn discard(
        &self,
        server: Uuid,
        workspace: &str,
        run: Uuid,
        place: &str,
    ) -> Result<(), Error> {
        self.change(Discard {
            by: Some((server, place.to_owned())),
            workspace: workspace.to_owned(),
            run,
        })
        .await
    }

    /// Puts aside all answers to a run that has ended.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn discard_all(&self, workspace: &str, run: Uuid) -> Result<(), Error> {
        self.change(Discard {
            by: None,
            workspace: workspace.to_owned(),
            run,
        })
        .await
    }

    /// Deletes up to `most` rows of runs that are gone, and says how many they were: a server of an older Weir deletes runs
    /// without them.
    ///
    /// # Errors
    /// Those of any read or write.
    pub async fn forget_awaited(&self, most: u32) -> Result<u32, Error> {
        let strays = self.list(STRAYS, vec![i64::from(most).into()], |row| {
            let cells = Cells::of(row);
            Ok([
                Value::from(cells.take::<String>()?),
                cells.take::<Uuid>()?.into(),
            ])
        });
        let strays = strays.await?;
        let count = u32::try_from(strays.len()).unwrap_or(u32::MAX);
        if count > 0 {
            let runs = strays.into_iter().flatten().collect();
            self.change(Sweep(runs)).await?;
        }
        Ok(count)
    }

    /// Approvals that wait for a person, the newest first, at most `limit`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn approvals(
        &self,
        workspace: &str,
        filter: &ApprovalFilter,
    ) -> Result<Vec<Approval>, Error> {
        let (text, values) = approvals_text(workspace, filter);
        self.list(&text, values, approval_of).await
    }

    /// One approval, however it stands.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn approval(
        &self,
        workspace: &str,
        run: Uuid,
        place: &str,
    ) -> Result<Option<Approval>, Error> {
        let text = format!("{APPROVAL} AND awaited.workspace = ? AND run = ? AND place = ?");
        let values = vec![workspace.into(), run.into(), place.into()];
        self.find(&text, values, approval_of).await
    }
}

/// What nobody has heard, of runs that a server has, or nobody, or that are over.
pub(super) const ANSWERED: &str = "SELECT DISTINCT awaited.workspace, awaited.run, \
    run.id IS NULL OR run.ended_at IS NOT NULL \
    FROM awaited LEFT JOIN run ON run.workspace = awaited.workspace AND run.id = awaited.run \
    WHERE awaited.state = 'answered' AND (run.server = ? OR run.server IS NULL)";

/// The answers to a run that it has not heard.
pub(super) const UNUSED: &str = "SELECT place, answer FROM awaited \
    WHERE state = 'answered' AND run = ? AND workspace = ? ORDER BY answered_at";

/// Runs that are gone and whose rows are not.
const STRAYS: &str = "SELECT DISTINCT workspace, run FROM awaited WHERE NOT EXISTS (SELECT 1 FROM run \
    WHERE run.workspace = awaited.workspace AND run.id = awaited.run) LIMIT ?";

/// Forgets all that runs waited for: a workspace and an id each.
pub(super) const FORGET: Many = Many {
    text: "DELETE FROM awaited WHERE (workspace, run) IN (VALUES {rows})",
    width: 2,
};

const APPROVAL: &str = "SELECT awaited.run, place, awaited.flow, run.version, title, shown, since, until, state, answered_at \
    FROM awaited JOIN run ON run.workspace = awaited.workspace AND run.id = awaited.run WHERE kind = 'approval'";

/// A page of approvals, as text with its values.
pub(super) fn approvals_text(workspace: &str, filter: &ApprovalFilter) -> (String, Vec<Value>) {
    let mut text = format!("{APPROVAL} AND awaited.workspace = ? AND awaited.state = 'open'");
    let mut values: Vec<Value> = vec![workspace.into()];
    if let Some(flow) = &filter.flow {
        text.push_str(" AND awaited.flow = ?");
        values.push(flow.as_str().into());
    }
    if let Some(after) = &filter.after {
        text.push_str(" AND (since, run, place) < (?, ?, ?)");
        let place = after.place.as_str().into();
        values.extend([after.since.into(), after.run.into(), place]);
    }
    text.push_str(" ORDER BY since DESC, run DESC, place DESC LIMIT ?");
    values.push(i64::from(filter.limit).into());
    (text, values)
}

fn approval_of(row: &QueryResult) -> Result<Approval, DbErr> {
    let cells = Cells::of(row);
    Ok(Approval {
        run: cells.take()?,
        place: cells.take()?,
        flow: cells.take()?,
        version: cells.count()?,
        title: cells.take::<Option<String>>()?.unwrap_or_default(),
        shown: cells.take()?,
        since: cells.take()?,
        until: cells.take()?,
        state: AwaitedState::parse(&cells.take::<String>()?)?,
        answered_at: cells.take()?,
    })
}

/// How turns leave the places of their runs. What is answered stays so until a turn takes the answer over.
pub(super) const LEAVE: Many = Many {
    text: "INSERT INTO awaited (workspace, run, place, flow, kind, title, shown, since, until, state) VALUES {rows} \
           ON CONFLICT (workspace, run, place) DO UPDATE SET state = excluded.state, \
           answer = CASE WHEN excluded.state = 'used' THEN NULL ELSE awaited.answer END \
           WHERE awaited.state = 'open' OR awaited.state = 'answered' AND excluded.state = 'used'",
    width: 10,
};

/// Drops what runs have asked and were told. That they have asked stays, so that who answers again is told the same.
pub(super) const UNSAY: Many = Many {
    text: "UPDATE awaited SET title = NULL, shown = NULL, answer = NULL WHERE (workspace, run) IN (VALUES {rows})",
    width: 2,
};

/// Which of these places are answered and not used. A turn that says nobody has answered them is refused; nobody answers the
/// others until the transaction has ended.
pub(super) fn unheard(backend: DbBackend) -> &'static Many {
    match backend {
        DbBackend::Sqlite => &UNHEARD_ALONE,
        _ => &UNHEARD,
    }
}

const UNHEARD: Many = Many {
    text: "WITH ending (workspace, run, place) AS (VALUES {rows}) \
           SELECT awaited.run, awaited.state FROM awaited JOIN ending ON awaited.workspace = ending.workspace \
           AND awaited.run = ending.run AND awaited.place = ending.place \
           ORDER BY awaited.run, awaited.place FOR UPDATE OF awaited",
    width: 3,
};

/// The same where nobody else writes.
pub(super) const UNHEARD_ALONE: Many = Many {
    text: "WITH ending (workspace, run, place) AS (VALUES {rows}) \
           SELECT awaited.run, awaited.state FROM awaited JOIN ending ON awaited.workspace = ending.workspace \
           AND awaited.run = ending.run AND awaited.place = ending.place",
    width: 3,
};

/// The run of a row of [`unheard`], where its place is answered and not used.
pub(super) fn unheard_of(row: &QueryResult) -> Result<Option<Uuid>, DbErr> {
    let cells = Cells::of(row);
    let run: Uuid = cells.take()?;
    let state = AwaitedState::parse(&cells.take::<String>()?)?;
    Ok((state == AwaitedState::Answered).then_some(run))
}

impl Awaiting {
    /// The row of [`LEAVE`].
    pub(super) fn row(&self, workspace: &str, run: Uuid) -> [Value; 10] {
        [
            workspace.into(),
            run.into(),
            self.place.as_str().into(),
            self.flow.as_str().into(),
            self.kind.as_str().into(),
            self.title.clone().into(),
            self.shown.clone().into(),
            self.since.into(),
            self.until.into(),
            self.state.as_str().into(),
        ]
    }
}

struct Take(NewAnswer);

impl Work for Take {
    type Out = Answered;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Answered, Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let new = &self.0;
            let key = || -> [Value; 3] {
                [
                    new.workspace.as_str().into(),
                    new.run.into(),
                    new.place.as_str().into(),
                ]
            };
            let [workspace, run, place] = key();
            let taken = statement(
                backend,
                "INSERT INTO awaited (workspace, run, place, flow, kind, since, state, answer, digest, answered_at) \
                 SELECT workspace, id, ?, flow, ?, ?, 'answered', ?, ?, ? FROM run \
                 WHERE workspace = ? AND id = ? AND ended_at IS NULL \
                 ON CONFLICT (workspace, run, place) DO UPDATE SET state = 'answered', answer = excluded.answer, \
                 digest = excluded.digest, answered_at = excluded.answered_at WHERE awaited.state = 'open'",
                [
                    place,
                    new.kind.as_str().into(),
                    new.at.into(),
                    new.answer.as_str().into(),
                    new.digest.to_vec().into(),
                    new.at.into(),
                    workspace,
                    run,
                ],
            );
            if tx.execute_raw(taken).await?.rows_affected() > 0 {
                if backend == DbBackend::Postgres {
                    tx.execute_raw(wire::notify(&wire::Hint::Orders)).await?;
                }
                return Ok(Answered::First);
            }
            let row = tx
                .query_one_raw(statement(
                    backend,
                    "SELECT state, digest FROM awaited WHERE workspace = ? AND run = ? AND place = ?",
                    key(),
                ))
                .await?;
            let Some(row) = row else {
                return Ok(Answered::Over);
            };
            let cells = Cells::of(&row);
            let state = AwaitedState::parse(&cells.take::<String>()?)?;
            let digest: Option<Vec<u8>> = cells.take()?;
            Ok(match state {
                AwaitedState::Open | AwaitedState::Closed => Answered::Over,
                _ if digest.as_deref() == Some(new.digest.as_slice()) => Answered::Again,
                _ => Answered::Other,
            })
        })
    }
}

struct Discard {
    /// The server that has the run, and the place; nothing where the run has ended and all places are meant.
    by: Option<(Uuid, String)>,
    workspace: String,
    run: Uuid,
}

impl Work for Discard {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let (workspace, run) = (self.workspace.as_str().into(), self.run.into());
            let discard = match &self.by {
                Some((server, place)) => statement(
                    backend,
                    "UPDATE awaited SET state = 'used', answer = NULL \
                     WHERE workspace = ? AND run = ? AND state = 'answered' AND place = ? AND EXISTS (SELECT 1 FROM run \
                     WHERE run.workspace = awaited.workspace AND run.id = awaited.run AND run.server = ?)",
                    [workspace, run, place.as_str().into(), (*server).into()],
                ),
                None => statement(
                    backend,
                    "UPDATE awaited SET state = 'used', answer = NULL \
                     WHERE workspace = ? AND run = ? AND state = 'answered' AND NOT EXISTS (SELECT 1 FROM run \
                     WHERE run.workspace = awaited.workspace AND run.id = awaited.run AND run.ended_at IS NULL)",
                    [workspace, run],
                ),
            };
            tx.execute_raw(discard).await?;
            Ok(())
        })
    }

    fn server(&self) -> Option<Uuid> {
        self.by.as_ref().map(|(server, _)| *server)
    }
}

struct Sweep(Vec<Value>);

impl Work for Sweep {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move { Ok(texts.execute(tx, &FORGET, self.0.clone()).await?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_survives_its_text() {
        let cursor = ApprovalCursor {
            since: 7,
            run: Uuid::from_u128(7),
            place: "ask.3.1".to_owned(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "1", "x.y.z", "1.2.3"] {
            assert_eq!(bad.parse::<ApprovalCursor>(), Err(BadCursor));
        }
    }
}
