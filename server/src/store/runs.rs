//! Runs: what is written of them, and how they are read again.

use std::{fmt, str::FromStr};

use sea_orm::{DbErr, QueryResult, Value};
use uuid::Uuid;

use super::{
    Store, awaited::Awaiting, bodies::cut, error::Error, letters::Cause, queue::Op, sql::Cells,
};

/// Until when a run is parked that was accepted and waits for its turn: until it is claimed for that. It is the largest whole number
/// that every reader of JSON knows exactly.
pub const HELD: i64 = 9_007_199_254_740_991;

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// A worker has it, or should have.
    Running,
    /// It waits for a time, a callback or a person.
    Waiting,
    /// It ended well.
    Succeeded,
    /// It ended in failure.
    Failed,
    /// It was ended by a person.
    Cancelled,
}

impl Status {
    /// All states.
    pub const ALL: [Status; 5] = [
        Status::Running,
        Status::Waiting,
        Status::Succeeded,
        Status::Failed,
        Status::Cancelled,
    ];

    /// The word for it, in the database and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Waiting => "waiting",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Status> {
        Status::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
    }

    /// Whether the run has ended. Final states never change.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Status::Succeeded | Status::Failed | Status::Cancelled)
    }
}

/// A run that is to be accepted, with its first turn. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The workspace's slug.
    pub workspace: String,
    /// The run's id, a UUIDv7.
    pub id: Uuid,
    /// The flow's id.
    pub flow: String,
    /// The number of the version it runs.
    pub version: u32,
    /// The id of the trigger that starts it.
    pub trigger: String,
    /// When the message arrived.
    pub started_at: i64,
    /// The message, as JSON text.
    pub message: String,
    /// The key under which the trigger accepts a message only once.
    pub dedupe: Option<String>,
    /// The instant of the schedule that starts it.
    pub fire: Option<Fire>,
    /// The run that it replays. A dead letter is settled with that; the dedupe key is then one of replays, and of nothing else.
    pub origin: Option<Origin>,
    /// The run of which a step called this one.
    pub parent: Option<Uuid>,
    /// What the first turn decided; its number is 0.
    pub turn: Turn,
}

/// The run that another one replays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its id.
    pub run: Uuid,
    /// Who wanted the replay.
    pub by: Option<String>,
}

/// An instant of a schedule that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// The version that knows the schedule; nothing where the flow is switched off or not published. Another server may have
    /// published or switched the flow since this was decided: then the fire comes to nothing.
    pub version: Option<u32>,
    /// The instant that is due: the `next_at` of the schedule as it was read.
    pub expected_at: i64,
    /// The instant that is used: the due one, or a later one where those before it were missed.
    pub at: i64,
    /// The instant after it, if there is one.
    pub next_at: Option<i64>,
}

/// What one turn of a run decided.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its number: how many turns of the run were committed before.
    pub seq: u32,
    /// When it was decided. A final turn ends the run at this time.
    pub at: i64,
    /// The records, as JSON text.
    pub records: String,
    /// The state of the run after it.
    pub status: Status,
    /// When the run wants to be woken, if it waits for a time.
    pub wake_at: Option<i64>,
    /// Why the run failed, as small JSON text.
    pub failure: Option<String>,
    /// Where and why it failed, in the turn that ends it so: it makes the run a dead letter.
    pub cause: Option<Box<Cause>>,
    /// How it leaves what the run waits for: one for each place.
    pub awaited: Vec<Awaiting>,
    /// What stays of the run when this turn ends it.
    pub history: History,
    /// The server that has the run: the turn counts only where that is so. One that ends the run leaves it to nobody.
    pub server: Option<Uuid>,
    /// Until when nobody needs to have the run, once this turn is on disk: that server lets it go with it.
    pub parked_until: Option<i64>,
}

/// What stays of a run that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Its message and its records.
    Keep,
    /// Only its row: message and records are deleted by the turn that ends it.
    Drop,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It started the run.
    New,
    /// Its dedupe key was accepted before, for this run; nothing was written.
    Duplicate(Uuid),
    /// The instant of its schedule was used up before; nothing was written.
    AlreadyFired,
}

/// A run as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The workspace's slug.
    pub workspace: String,
    /// The run's id.
    pub id: Uuid,
    /// The flow's id.
    pub flow: String,
    /// The number of the version it runs.
    pub version: u32,
    /// The id of the trigger that started it.
    pub trigger: String,
    /// Its state.
    pub status: Status,
    /// When its message arrived.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// When it wants to be woken.
    pub wake_at: Option<i64>,
    /// How many turns it had: the number of its next turn.
    pub turns: u32,
    /// Why it failed, as JSON text.
    pub failure: Option<String>,
    /// The run that it replays.
    pub origin: Option<Uuid>,
    /// The server that has it, until it has ended.
    pub server: Option<Uuid>,
    /// The run of which a step called it.
    pub parent: Option<Uuid>,
}

/// One entry in the journal of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of the turn.
    pub seq: u32,
    /// When it was decided.
    pub at: i64,
    /// The message, in the first entry.
    pub message: Option<String>,
    /// The records, as JSON text.
    pub records: String,
}

/// Which runs to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// Only runs of this flow.
    pub flow: Option<String>,
    /// Only runs in this state.
    pub status: Option<Status>,
    /// Only runs started by this trigger.
    pub trigger: Option<String>,
    /// Only runs started at this time or later.
    pub from: Option<i64>,
    /// Only runs started before this time.
    pub to: Option<i64>,
    /// Only runs that come after this one in the list.
    pub after: Option<RunCursor>,
    /// The most runs to give.
    pub limit: u32,
}

impl Default for RunFilter {
    fn default() -> Self {
        RunFilter {
            flow: None,
            status: None,
            trigger: None,
            from: None,
            to: None,
            after: None,
            limit: 50,
        }
    }
}

/// A place in a list of runs. As text: `<started_at>.<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunCursor {
    /// When the run at this place started.
    pub started_at: i64,
    /// Its id.
    pub id: Uuid,
}

impl fmt::Display for RunCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.started_at, self.id)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor; use the one that came with the page before, unchanged")]
pub struct BadCursor;

impl FromStr for RunCursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (started_at, id) = text.split_once('.').ok_or(BadCursor)?;
        Ok(RunCursor {
            started_at: started_at.parse().map_err(|_| BadCursor)?,
            id: id.parse().map_err(|_| BadCursor)?,
        })
    }
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPage {
    /// The runs, newest first.
    pub items: Vec<Run>,
    /// Where the next page starts, if there is one.
    pub next: Option<RunCursor>,
}

impl Store {
    /// Accepts a message: writes the run with its first turn, once for its dedupe key and for its instant.
    ///
    /// The instant is used up first: a duplicate of a scheduled message still moves the schedule on.
    ///
    /// # Errors
    /// [`Error::Busy`] at once if too much waits already; [`Error::Conflict`] if there is a run with this id.
    pub async fn accept(&self, run: NewRun) -> Result<Accepted, Error> {
        let op = self.accepting(run)?;
        self.submit(op).await
    }

    /// What accepts a run, with what is large in it apart.
    pub(super) fn accepting(&self, mut run: NewRun) -> Result<Op, Error> {
        if run.turn.seq != 0 {
            return Err(Error::Refused(format!(
                "the first turn of run {} has the number {} and not 0",
                run.id, run.turn.seq
            )));
        }
        let replay = run.origin.is_some();
        let digest = run.dedupe.as_deref().map(|key| match replay {
            // No text has this byte, so no message can come with the key of a replay.
            true => digest(&[&[0xFF], key.as_bytes()].concat()),
            false => digest(key.as_bytes()),
        });
        let mut bodies = Vec::new();
        if run.turn.leaves_history() {
            let most = self.shared.large;
            // The message is the whole of a text; a record is an entry of a list, and its values stand in its fields.
            cut(&mut run.message, 1, most, &mut bodies);
            cut(&mut run.turn.records, 2, most, &mut bodies);
        }
        Ok(Op::Accept {
            run: Box::new(run),
            digest,
            bodies,
        })
    }

    /// Writes another turn of a run.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the run has ended, if the turn is not its next one, if another server has the run, or if there
    /// is no such run; [`Error::Fenced`] if the turn's server has lost its lease. Nothing is touched then.
    pub async fn commit(&self, workspace: &str, run: Uuid, mut turn: Turn) -> Result<(), Error> {
        let mut bodies = Vec::new();
        if turn.leaves_history() {
            cut(&mut turn.records, 2, self.shared.large, &mut bodies);
        }
        let op = Op::Commit {
            workspace: workspace.to_owned(),
            run,
            turn: Box::new(turn),
            bodies,
        };
        self.submit(op).await.map(|_| ())
    }

    /// A page of the runs of a workspace, newest first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn runs(&self, workspace: &str, filter: &RunFilter) -> Result<RunPage, Error> {
        let (text, values) = page(workspace, filter);
        let mut items = self.list(&text, values, run_of).await?;
        let limit = filter.limit.max(1) as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|run| RunCursor {
            started_at: run.started_at,
            id: run.id,
        });
        Ok(RunPage { items, next })
    }

    /// One run.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn run(&self, workspace: &str, run: Uuid) -> Result<Option<Run>, Error> {
        let text = format!("SELECT {RUN} FROM run WHERE workspace = ? AND id = ?");
        self.find(&text, vec![workspace.into(), run.into()], run_of)
            .await
    }

    /// The journal of a run in order, from turn `from` on, at most `limit` entries.
    ///
    /// # Errors
    /// If the database does not answer, or has lost a part of the journal.
    pub async fn journal(
        &self,
        workspace: &str,
        run: Uuid,
        from: u32,
        limit: u32,
    ) -> Result<Vec<Entry>, Error> {
        let mut again = true;
        loop {
            let mut entries = self.entries(workspace, run, from, limit).await?;
            match self.fill_entries(workspace, run, &mut entries).await? {
                Ok(()) => return Ok(entries),
                // The run may have been deleted in between; then it has no entries any more.
                Err(_) if again => again = false,
                Err(body) => {
                    return Err(Error::Database(format!(
                        "the journal of run {run} names the body {body}, which is not in the database; if rows were \
                         deleted by hand, restore a backup"
                    )));
                }
            }
        }
    }

    async fn entries(
        &self,
        workspace: &str,
        run: Uuid,
        from: u32,
        limit: u32,
    ) -> Result<Vec<Entry>, Error> {
        let text = "SELECT seq, at, message, records FROM journal \
                    WHERE workspace = ? AND run = ? AND seq >= ? ORDER BY seq LIMIT ?";
        let values = vec![
            workspace.into(),
            run.into(),
            i64::from(from).into(),
            i64::from(limit).into(),
        ];
        self.list(text, values, |row| {
            let cells = Cells::of(row);
            Ok(Entry {
                seq: cells.count()?,
                at: cells.take()?,
                message: cells.take()?,
                records: cells.take()?,
            })
        })
        .await
    }

    /// The runs that `server` has: their workspaces and ids.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn runs_of(&self, server: Uuid) -> Result<Vec<(String, Uuid)>, Error> {
        let text = "SELECT workspace, id FROM run WHERE server = ?";
        self.list(text, vec![server.into()], |row| {
            let cells = Cells::of(row);
            Ok((cells.take()?, cells.take()?))
        })
        .await
    }

    /// The runs that `server` has although the run that called them was cancelled.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn forsaken(&self, server: Uuid) -> Result<Vec<(String, Uuid)>, Error> {
        let text = "SELECT run.workspace, run.id FROM run JOIN run caller \
                    ON caller.workspace = run.workspace AND caller.id = run.parent \
                    WHERE run.server = ? AND caller.status = 'cancelled'";
        self.list(text, vec![server.into()], |row| {
            let cells = Cells::of(row);
            Ok((cells.take()?, cells.take()?))
        })
        .await
    }

    /// The run that a dedupe key of a trigger led to.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn first_run(
        &self,
        workspace: &str,
        flow: &str,
        trigger: &str,
        dedupe: &str,
    ) -> Result<Option<Uuid>, Error> {
        let text = "SELECT run FROM dedupe WHERE workspace = ? AND flow = ? AND trigger = ? AND digest = ?";
        let values = vec![
            workspace.into(),
            flow.into(),
            trigger.into(),
            digest(dedupe.as_bytes()).to_vec().into(),
        ];
        self.find(text, values, |row| Cells::of(row).take()).await
    }
}

/// The query of a page, which asks for one run more than the page has, to know whether there is another page.
pub(super) fn page(workspace: &str, filter: &RunFilter) -> (String, Vec<Value>) {
    let mut text = format!("SELECT {RUN} FROM run WHERE workspace = ?");
    let mut values: Vec<Value> = vec![workspace.into()];
    if let Some(flow) = &filter.flow {
        text.push_str(" AND flow = ?");
        values.push(flow.as_str().into());
    }
    match filter.status {
        // Most runs succeed, so there is no index of those.
        Some(Status::Succeeded) => text.push_str(" AND status = 'succeeded'"),
        Some(status) => {
            // Written out, since only then the database sees that the partial index serves it.
            text.push_str(" AND status <> 'succeeded' AND status = '");
            text.push_str(status.as_str());
            text.push('\'');
        }
        None => {}
    }
    if let Some(trigger) = &filter.trigger {
        text.push_str(" AND trigger = ?");
        values.push(trigger.as_str().into());
    }
    if let Some(from) = filter.from {
        text.push_str(" AND started_at >= ?");
        values.push(from.into());
    }
    if let Some(to) = filter.to {
        text.push_str(" AND started_at < ?");
        values.push(to.into());
    }
    if let Some(after) = filter.after {
        text.push_str(" AND (started_at, id) < (?, ?)");
        values.extend([after.started_at.into(), after.id.into()]);
    }
    text.push_str(" ORDER BY started_at DESC, id DESC LIMIT ?");
    values.push((i64::from(filter.limit.max(1)) + 1).into());
    (text, values)
}

/// The columns of a run, in the order of [`run_at`].
pub(super) const RUN: &str = "workspace, id, flow, version, trigger, status, started_at, ended_at, wake_at, turns, failure, origin, server, \
    parent";

/// Reads a run from the next cells, which are those of [`RUN`].
pub(super) fn run_at(cells: &Cells<'_>) -> Result<Run, DbErr> {
    Ok(Run {
        workspace: cells.take()?,
        id: cells.take()?,
        flow: cells.take()?,
        version: cells.count()?,
        trigger: cells.take()?,
        status: status(&cells.take::<String>()?)?,
        started_at: cells.take()?,
        ended_at: cells.take()?,
        wake_at: cells.take()?,
        turns: cells.count()?,
        failure: cells.take()?,
        origin: cells.take()?,
        server: cells.take()?,
        parent: cells.take()?,
    })
}

/// Reads the word of a state.
pub(super) fn status(word: &str) -> Result<Status, DbErr> {
    Status::parse(word).ok_or_else(|| DbErr::Type(format!("{word:?} is not a state of a run")))
}

pub(super) fn run_of(row: &QueryResult) -> Result<Run, DbErr> {
    run_at(&Cells::of(row))
}

fn digest(key: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(key).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_survives_its_text() {
        let cursor = RunCursor {
            started_at: 1_763_850_000_000,
            id: Uuid::from_u128(7),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "1", "x.y", "1.2"] {
            assert_eq!(bad.parse::<RunCursor>(), Err(BadCursor));
        }
    }

    #[test]
    fn words_of_states() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("lost"), None);
    }
}
