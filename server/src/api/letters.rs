//! `/api/v1/dead-letters`: runs that ended in failure, until a person has dealt with them.

mod many;

use axum::{Json, extract::State, http::Uri, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use weir_flows::{failure::Class, run::rfc3339};

use super::{
    App, WORKSPACE,
    extract::{Input, Path, Query, run_id},
    list::{Items, Page},
    problem::{Answer, Problem},
    runs::{RunFailure, time},
};
use crate::store::{Deed, Letter, LetterFilter, LetterState, RunCursor};

pub(super) use many::{
    __path_discard as __path_discard_many, __path_plan, __path_replay, discard as discard_many,
    plan, replay,
};

/// A run that ended in failure.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetter {
    /// The id of the run; the dead letter has no other.
    #[schema(format = "uuid")]
    run: String,
    /// Its flow.
    #[schema(example = "order-intake")]
    flow: String,
    /// The version it ran on.
    version: u32,
    /// Why it failed: step, class, message.
    failure: RunFailure,
    /// Whether nobody knows if what the step asked for has happened. Look at the other side; then replay the run, and say what
    /// the step gave where it did happen.
    may_have_happened: bool,
    /// When it failed.
    #[schema(format = DateTime)]
    died_at: String,
    /// How long ago that was, in milliseconds.
    age_ms: i64,
    /// How it stands: `open`, `replayed` or `discarded`.
    #[schema(example = "open")]
    state: &'static str,
    /// Who looks after it; null where nobody does.
    owner: Option<String>,
    /// What was noted about it.
    note: Option<String>,
    /// When it was replayed or discarded.
    #[schema(format = DateTime)]
    settled_at: Option<String>,
    /// Who did that.
    settled_by: Option<String>,
    /// The run that replays it.
    #[schema(format = "uuid")]
    replay: Option<String>,
}

impl DeadLetter {
    fn of(letter: Letter, now: i64) -> DeadLetter {
        let failure = letter.failure.as_deref().and_then(RunFailure::read);
        DeadLetter {
            run: letter.run.to_string(),
            may_have_happened: DeadLetter::may_have_happened(&letter),
            flow: letter.flow,
            version: letter.version,
            failure: failure.unwrap_or_else(|| RunFailure::of(letter.step, letter.class)),
            died_at: rfc3339(letter.died_at),
            age_ms: now.saturating_sub(letter.died_at).max(0),
            state: letter.state.as_str(),
            owner: letter.owner,
            note: letter.note,
            settled_at: letter.settled_at.map(rfc3339),
            settled_by: letter.settled_by,
            replay: letter.replay.map(|run| run.to_string()),
        }
    }

    /// Whether nobody knows if what the step asked for has happened.
    fn may_have_happened(letter: &Letter) -> bool {
        let unknown = [Class::Lost, Class::TimedOut].map(Class::word);
        letter.step.is_some() && unknown.contains(&letter.class.as_str())
    }
}

/// Which dead letters to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LetterSearch {
    /// Only those that stand so: `open`, `replayed` or `discarded`; `open` where nothing is said.
    #[param(example = "open")]
    state: Option<String>,
    /// Only those of this flow.
    flow: Option<String>,
    /// Only those with a failure of this class.
    #[param(example = "transient")]
    class: Option<String>,
    /// Only those that failed in this step.
    step: Option<String>,
    /// Only those of this owner; present and empty, only those that nobody looks after.
    owner: Option<String>,
    /// Only those that failed at this time or later (RFC 3339).
    #[param(example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// Only those that failed before this time (RFC 3339).
    to: Option<String>,
    /// How many to give, from 1 to 200; 50 where nothing is said.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page starts: the `next` of the page before.
    cursor: Option<String>,
}

impl LetterSearch {
    fn filter(self) -> Answer<LetterFilter> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let state = given(self.state).map(|word| {
            LetterState::parse(&word).ok_or_else(|| {
                Problem::bad_request(format!(
                    "`state` is `{word}`; it must be open, replayed or discarded"
                ))
            })
        });
        let after = given(self.cursor).map(|cursor| {
            cursor.parse().map_err(|_| {
                Problem::bad_request(
                    "`cursor` is not one of this list; take the `next` of the page before",
                )
            })
        });
        let page = Page {
            limit: self.limit,
            cursor: None,
        };
        Ok(LetterFilter {
            state: state.transpose()?.unwrap_or(LetterState::Open),
            flow: given(self.flow),
            class: given(self.class),
            step: given(self.step),
            owner: self.owner,
            from: time("from", given(self.from))?,
            to: time("to", given(self.to))?,
            after: after.transpose()?,
            limit: page.limit()?,
        })
    }
}

/// List dead letters
///
/// Those that failed last come first.
#[utoipa::path(get, path = "/api/v1/dead-letters", tag = "Dead letters", operation_id = "list_dead_letters", params(LetterSearch),
    responses((status = 200, description = "A page of dead letters.", body = Items<DeadLetter>)))]
pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(search): Query<LetterSearch>,
) -> Answer<Response> {
    let page = page(&app, search.filter()?).await?;
    let now = app.engine().world().now_ms();
    let items = page.items.into_iter();
    let items: Vec<DeadLetter> = items.map(|letter| DeadLetter::of(letter, now)).collect();
    let next = page.next;
    Ok(Items { items, next }.answer(&uri))
}

async fn page(app: &App, mut filter: LetterFilter) -> Answer<Items<Letter>> {
    let limit = filter.limit;
    // One more than the page has tells whether there is another page.
    filter.limit += 1;
    let letters = app.engine().store().letters(WORKSPACE, &filter).await?;
    Ok(Items::of(letters, limit, cursor))
}

/// Where the page after this dead letter starts.
fn cursor(letter: &Letter) -> String {
    let place = RunCursor {
        started_at: letter.died_at,
        id: letter.run,
    };
    place.to_string()
}

/// Read a dead letter
#[utoipa::path(get, path = "/api/v1/dead-letters/{run}", tag = "Dead letters", operation_id = "read_dead_letter",
    params(("run" = String, Path, description = "The id of the run.")),
    responses((status = 200, description = "The dead letter.", body = DeadLetter), (status = 404, description = "The run is no dead letter.")))]
pub(super) async fn read(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<Json<DeadLetter>> {
    shown(&app, run_id(&id)?).await
}

/// Who looks after a dead letter.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Claim {
    /// Who; an empty text for nobody. Where it is absent, the owner stays.
    #[schema(example = "Ada")]
    owner: Option<String>,
    /// What to note; an empty text takes the note away. Where it is absent, the note stays.
    note: Option<String>,
}

/// Claim a dead letter
///
/// Says who looks after it, and notes something about it, while it is open.
#[utoipa::path(patch, path = "/api/v1/dead-letters/{run}", tag = "Dead letters", operation_id = "claim_dead_letter",
    params(("run" = String, Path, description = "The id of the run.")),
    request_body = Claim,
    responses(
        (status = 200, description = "The dead letter as it stands now.", body = DeadLetter),
        (status = 404, description = "The run is no dead letter."),
        (status = 409, description = "It was replayed or discarded already."),
    ))]
pub(super) async fn claim(
    State(app): State<App>,
    Path(id): Path<String>,
    Input(Claim { owner, note }): Input<Claim>,
) -> Answer<Json<DeadLetter>> {
    deal(&app, &id, Deed::Claim { owner, note }).await
}

/// Why a dead letter is let be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Discard {
    /// Who.
    #[schema(example = "Ada")]
    by: Option<String>,
    /// Why.
    #[schema(example = "The customer ordered again by phone.")]
    note: Option<String>,
}

/// Discard a dead letter
///
/// Nothing more is done about it. Its run stays as it is.
#[utoipa::path(post, path = "/api/v1/dead-letters/{run}/discard", tag = "Dead letters", operation_id = "discard_dead_letter",
    params(("run" = String, Path, description = "The id of the run.")),
    request_body = Discard,
    responses(
        (status = 200, description = "The dead letter as it stands now.", body = DeadLetter),
        (status = 404, description = "The run is no dead letter."),
        (status = 409, description = "It was replayed or discarded already."),
    ))]
pub(super) async fn discard(
    State(app): State<App>,
    Path(id): Path<String>,
    Input(Discard { by, note }): Input<Discard>,
) -> Answer<Json<DeadLetter>> {
    let at = app.engine().world().now_ms();
    deal(&app, &id, Deed::Discard { at, by, note }).await
}

async fn deal(app: &App, id: &str, deed: Deed) -> Answer<Json<DeadLetter>> {
    let run = run_id(id)?;
    app.engine().store().deal(WORKSPACE, run, deed).await?;
    shown(app, run).await
}

async fn shown(app: &App, run: Uuid) -> Answer<Json<DeadLetter>> {
    let letter = app.engine().store().letter(WORKSPACE, run).await?;
    let letter = letter.ok_or_else(|| {
        Problem::not_found(format!(
            "the run `{run}` is no dead letter; see GET /api/v1/dead-letters"
        ))
    })?;
    Ok(Json(DeadLetter::of(letter, app.engine().world().now_ms())))
}
