//! Dead letters: runs that ended in failure, from then until a person has dealt with them.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult, Value};
use uuid::Uuid;

use super::{
    Store,
    error::{Abort, Error},
    queue::Work,
    runs::{RunCursor, RunFilter},
    sql::{Cells, Texts, statement},
};

/// What is remembered of a failure beside the run itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The flow's id.
    pub flow: String,
    /// The step; absent for a timeout of the run.
    pub step: Option<String>,
    /// The failure class.
    pub class: String,
}

/// How a dead letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterState {
    /// It waits for a person.
    Open,
    /// A replay went on with it.
    Replayed,
    /// A person let it be.
    Discarded,
}

impl LetterState {
    /// All states.
    pub const ALL: [LetterState; 3] = [
        LetterState::Open,
        LetterState::Replayed,
        LetterState::Discarded,
    ];

    /// The word for it, in the database and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            LetterState::Open => "open",
            LetterState::Replayed => "replayed",
            LetterState::Discarded => "discarded",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<LetterState> {
        LetterState::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The run that failed.
    pub run: Uuid,
    /// Its flow.
    pub flow: String,
    /// The version it ran on.
    pub version: u32,
    /// The step; absent for a timeout of the run.
    pub step: Option<String>,
    /// The failure class.
    pub class: String,
    /// The failure of the run, as JSON text.
    pub failure: Option<String>,
    /// When it failed.
    pub died_at: i64,
    /// How it stands.
    pub state: LetterState,
    /// Who looks after it.
    pub owner: Option<String>,
    /// What they noted.
    pub note: Option<String>,
    /// When it was replayed or discarded.
    pub settled_at: Option<i64>,
    /// Who did that.
    pub settled_by: Option<String>,
    /// The run that replays it.
    pub replay: Option<Uuid>,
}

/// Which dead letters to list, the newest first.
#[derive(Debug, Clone)]
pub struct LetterFilter {
    /// Only those that stand so.
    pub state: LetterState,
    /// Only those of this flow.
    pub flow: Option<String>,
    /// Only those with a failure of this class.
    pub class: Option<String>,
    /// Only those that failed in this step.
    pub step: Option<String>,
    /// Only those of this owner; an empty text stands for nobody.
    pub owner: Option<String>,
    /// Only those that failed at this time or later.
    pub from: Option<i64>,
    /// Only those that failed before this time.
    pub to: Option<i64>,
    /// Only those after this place; its time is when the run failed.
    pub after: Option<RunCursor>,
    /// The most to give.
    pub limit: u32,
}

impl Default for LetterFilter {
    fn default() -> Self {
        LetterFilter {
            state: LetterState::Open,
            flow: None,
            class: None,
            step: None,
            owner: None,
            from: None,
            to: None,
            after: None,
            limit: RunFilter::default().limit,
        }
    }
}

/// What a person does with a dead letter that is open.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Sets who looks after it and what they note. What is absent stays; an empty text takes it away.
    Claim {
        /// Who.
        owner: Option<String>,
        /// What.
        note: Option<String>,
    },
    /// Lets it be.
    Discard {
        /// When.
        at: i64,
        /// Who.
        by: Option<String>,
        /// Why; what was noted before stays where this is absent.
        note: Option<String>,
    },
}

impl Store {
    /// Dead letters of a workspace, the newest first, at most `limit`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn letters(
        &self,
        workspace: &str,
        filter: &LetterFilter,
    ) -> Result<Vec<Letter>, Error> {
        let mut text = format!("{SELECT} WHERE dead_letter.workspace = ? AND state = ?");
        let mut values: Vec<Value> = vec![workspace.into(), filter.state.as_str().into()];
        let mut only = |condition: &str, value: Value| {
            text.push_str(condition);
            values.push(value);
        };
        for (condition, value) in [
            (" AND dead_letter.flow = ?", &filter.flow),
            (" AND class = ?", &filter.class),
            (" AND step = ?", &filter.step),
            (" AND COALESCE(owner, '') = ?", &filter.owner),
        ] {
            if let Some(value) = value {
                only(condition, value.as_str().into());
            }
        }
        if let Some(from) = filter.from {
            only(" AND died_at >= ?", from.into());
        }
        if let Some(to) = filter.to {
            only(" AND died_at < ?", to.into());
        }
        if let Some(after) = filter.after {
            only(
                " AND (died_at, dead_letter.run) < (?,",
                after.started_at.into(),
            );
            only(" ?)", after.id.into());
        }
        only(
            " ORDER BY died_at DESC, dead_letter.run DESC LIMIT ?",
            i64::from(filter.limit).into(),
        );
        self.list(&text, values, letter_of).await
    }

    /// The dead letter that a run is or was.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn letter(&self, workspace: &str, run: Uuid) -> Result<Option<Letter>, Error> {
        let text = format!("{SELECT} WHERE dead_letter.workspace = ? AND dead_letter.run = ?");
        self.find(&text, vec![workspace.into(), run.into()], letter_of)
            .await
    }

    /// Does something with a dead letter that is open. Of two at once, one wins.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it was replayed or discarded before, [`Error::NotFound`] if the run is no dead letter.
    pub async fn deal(&self, workspace: &str, run: Uuid, deed: Deed) -> Result<(), Error> {
        self.change(Deal {
            workspace: workspace.to_owned(),
            run,
            deed,
        })
        .await
    }
}

struct Deal {
    workspace: String,
    run: Uuid,
    deed: Deed,
}

impl Work for Deal {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let (workspace, run) = (self.workspace.as_str(), self.run);
            let change = match &self.deed {
                Deed::Claim { owner, note } => statement(
                    backend,
                    "UPDATE dead_letter SET owner = NULLIF(COALESCE(?, owner), ''), \
                     note = NULLIF(COALESCE(?, note), '') \
                     WHERE workspace = ? AND run = ? AND state = 'open'",
                    [
                        owner.clone().into(),
                        note.clone().into(),
                        workspace.into(),
                        run.into(),
                    ],
                ),
                Deed::Discard { at, by, note } => statement(
                    backend,
                    "UPDATE dead_letter SET state = 'discarded', settled_at = ?, settled_by = ?, \
                     note = COALESCE(?, note) WHERE workspace = ? AND run = ? AND state = 'open'",
                    [
                        (*at).into(),
                        by.clone().into(),
                        note.clone().into(),
                        workspace.into(),
                        run.into(),
                    ],
                ),
            };
            if tx.execute_raw(change).await?.rows_affected() > 0 {
                return Ok(());
            }
            let state = tx
                .query_one_raw(statement(
                    backend,
                    "SELECT state FROM dead_letter WHERE workspace = ? AND run = ?",
                    [workspace.into(), run.into()],
                ))
                .await?;
            Err(match state {
                None => Error::NotFound(format!("the run {run} is no dead letter")),
                Some(row) => Error::Conflict(format!(
                    "the dead letter {run} is {} already, and that never changes",
                    Cells::of(&row).take::<String>()?
                )),
            }
            .into())
        })
    }
}

const SELECT: &str = "SELECT dead_letter.run, dead_letter.flow, run.version, step, class, failure, died_at, state, owner, note, \
     settled_at, settled_by, replay FROM dead_letter \
     JOIN run ON run.workspace = dead_letter.workspace AND run.id = dead_letter.run";

fn letter_of(row: &QueryResult) -> Result<Letter, DbErr> {
    let cells = Cells::of(row);
    Ok(Letter {
        run: cells.take()?,
        flow: cells.take()?,
        version: cells.count()?,
        step: cells.take()?,
        class: cells.take()?,
        failure: cells.take()?,
        died_at: cells.take()?,
        state: {
            let word: String = cells.take()?;
            LetterState::parse(&word)
                .ok_or_else(|| DbErr::Type(format!("{word:?} is not a state of a dead letter")))?
        },
        owner: cells.take()?,
        note: cells.take()?,
        settled_at: cells.take()?,
        settled_by: cells.take()?,
        replay: cells.take()?,
    })
}
