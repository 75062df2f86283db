//! `/api/v1/dead-letters/replay` and `/discard`: what is done with all dead letters that a search finds, page by page.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_flows::replay::{Begin, Write};

use super::{DeadLetter, LetterSearch};
use crate::{
    api::{
        App, WORKSPACE,
        extract::Input,
        problem::{Answer, Problem},
        replay::Which,
    },
    engine::{self, ReplayRequest},
    store::{self, Deed, Letter, LetterState},
};

/// How to replay all dead letters that a search finds.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::api) struct ManyReplayed {
    /// Which; only open ones are found. `limit` says how many are looked at in one request.
    filter: LetterSearch,
    /// Where each replay begins.
    from: Beginning,
    /// The version that each one runs.
    version: Which,
    /// Who wants it.
    #[schema(example = "Ada")]
    by: Option<String>,
    /// Why.
    note: Option<String>,
}

/// Where a replay of many begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum Beginning {
    /// At the trigger: everything is done again.
    Start,
    /// Where each run stopped: what ended well and was not reversed is taken over.
    #[default]
    Failure,
}

/// Why all dead letters that a search finds are let be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::api) struct ManyDiscarded {
    /// Which; only open ones are found. `limit` says how many are looked at in one request.
    filter: LetterSearch,
    /// Who.
    #[schema(example = "Ada")]
    by: Option<String>,
    /// Why.
    note: Option<String>,
}

/// What became of a page of dead letters.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::api) struct Dealt {
    /// How many were dealt with.
    done: u32,
    /// Those that were not, and why; they are as they were.
    refused: Vec<Refused>,
    /// The `cursor` to go on with; null where all were seen.
    next: Option<String>,
}

/// A dead letter that was not dealt with.
#[derive(Debug, Serialize, ToSchema)]
struct Refused {
    /// The run.
    #[schema(format = "uuid")]
    run: String,
    /// Why.
    detail: String,
}

/// What replaying a page of dead letters would do.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::api) struct ManyPlanned {
    /// How many would be replayed.
    letters: u32,
    /// The calls that may change something on the other side, those of the same step, method and target as one.
    writes: Vec<ManyWrites>,
    /// Those that would not be replayed, and why.
    refused: Vec<Refused>,
    /// The `cursor` to go on with; null where all were seen.
    next: Option<String>,
}

/// Calls of several replays that may change something on the other side.
#[derive(Debug, Serialize, ToSchema)]
struct ManyWrites {
    /// The flow.
    flow: String,
    /// The step.
    step: String,
    /// The kind of action.
    #[schema(example = "http")]
    kind: String,
    /// The method; null where it is computed only then.
    #[schema(example = "POST")]
    method: Option<String>,
    /// The connection.
    connection: Option<String>,
    /// How many such calls.
    count: u32,
    /// How many of them were made before.
    again: u32,
}

/// Replay dead letters
///
/// Replays the open dead letters that a search finds, up to `limit` of them, the newest first; send it again with the `next` of the
/// answer as `cursor` to go on. Sending it twice does no harm: a dead letter is replayed once. Those of which nobody knows whether
/// they happened are left alone; each of them needs an answer of its own.
#[utoipa::path(post, path = "/api/v1/dead-letters/replay", tag = "Dead letters", operation_id = "replay_dead_letters",
    request_body = ManyReplayed,
    responses(
        (status = 200, description = "What became of this page.", body = Dealt),
        (status = 503, description = "The server has as many runs as it takes; go on later with the same cursor."),
    ))]
pub(in crate::api) async fn replay(
    State(app): State<App>,
    Input(body): Input<ManyReplayed>,
) -> Answer<Json<Dealt>> {
    deal(&app, &body.filter, &Wish::Replay(&body)).await
}

/// Plan the replay of dead letters
///
/// Says what replaying a page of them with this body would do. Nothing is done.
#[utoipa::path(post, path = "/api/v1/dead-letters/replay/plan", tag = "Dead letters", operation_id = "plan_replays",
    request_body = ManyReplayed,
    responses((status = 200, description = "What would be done.", body = ManyPlanned)))]
pub(in crate::api) async fn plan(
    State(app): State<App>,
    Input(body): Input<ManyReplayed>,
) -> Answer<Json<ManyPlanned>> {
    let (letters, next) = find(&app, &body.filter).await?;
    let mut planned = ManyPlanned {
        next,
        ..ManyPlanned::default()
    };
    for letter in letters {
        let plan = match known(&letter) {
            Ok(()) => {
                let engine = app.engine();
                engine
                    .plan_replay(WORKSPACE, letter.run, body.request())
                    .await
            }
            Err(unknown) => Err(unknown),
        };
        match refusal(plan)? {
            Ok(plan) => {
                planned.letters += 1;
                for write in plan.writes {
                    planned.add(&letter.flow, write);
                }
            }
            Err(detail) => planned.refused.push(Refused::of(&letter, detail)),
        }
    }
    Ok(Json(planned))
}

/// Discard dead letters
///
/// Discards the open dead letters that a search finds, up to `limit` of them, the newest first; send it again with the `next` of the
/// answer as `cursor` to go on.
#[utoipa::path(post, path = "/api/v1/dead-letters/discard", tag = "Dead letters", operation_id = "discard_dead_letters",
    request_body = ManyDiscarded,
    responses((status = 200, description = "What became of this page.", body = Dealt)))]
pub(in crate::api) async fn discard(
    State(app): State<App>,
    Input(body): Input<ManyDiscarded>,
) -> Answer<Json<Dealt>> {
    deal(&app, &body.filter, &Wish::Discard(&body)).await
}

/// What is to be done with each of them.
enum Wish<'a> {
    Replay(&'a ManyReplayed),
    Discard(&'a ManyDiscarded),
}

impl Wish<'_> {
    async fn fulfil(&self, app: &App, letter: &Letter) -> Result<(), engine::Error> {
        let engine = app.engine();
        match self {
            Wish::Replay(body) => {
                known(letter)?;
                let replayed = engine.replay(WORKSPACE, letter.run, body.request(), None);
                replayed.await.map(drop)
            }
            Wish::Discard(body) => {
                let deed = Deed::Discard {
                    at: engine.world().now_ms(),
                    by: body.by.clone(),
                    note: body.note.clone(),
                };
                Ok(engine.store().deal(WORKSPACE, letter.run, deed).await?)
            }
        }
    }
}

/// Does something with each dead letter of a page. Where the server can take no more for now, the page ends there.
async fn deal(app: &App, search: &LetterSearch, wish: &Wish<'_>) -> Answer<Json<Dealt>> {
    let (letters, next) = find(app, search).await?;
    let mut dealt = Dealt {
        next,
        ..Dealt::default()
    };
    let mut last: Option<&Letter> = None;
    for letter in &letters {
        match (wish.fulfil(app, letter).await, last) {
            (Err(engine::Error::Busy | engine::Error::Store(store::Error::Busy)), Some(last)) => {
                dealt.next = Some(super::cursor(last));
                break;
            }
            (result, _) => match refusal(result)? {
                Ok(()) => dealt.done += 1,
                Err(detail) => dealt.refused.push(Refused::of(letter, detail)),
            },
        }
        last = Some(letter);
    }
    Ok(Json(dealt))
}

/// The page of open dead letters that a search finds.
async fn find(app: &App, search: &LetterSearch) -> Answer<(Vec<Letter>, Option<String>)> {
    let filter = search.clone().filter()?;
    if filter.state != LetterState::Open {
        return Err(Problem::bad_request(
            "`state` is not open; only open dead letters can be dealt with",
        ));
    }
    let page = super::page(app, filter).await?;
    Ok((page.items, page.next))
}

/// Whether it is known what became of it; otherwise why it is not replayed with others.
fn known(letter: &Letter) -> Result<(), engine::Error> {
    if DeadLetter::may_have_happened(letter) {
        return Err(engine::Error::Conflict(
            "nobody knows whether what the step asked for has happened; look at the other side and replay this one by itself"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Tells what concerns one dead letter alone from what ends the request.
fn refusal<T>(result: Result<T, engine::Error>) -> Answer<Result<T, String>> {
    use store::Error::{Conflict, NotFound};
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(
            engine::Error::Conflict(detail)
            | engine::Error::NotFound(detail)
            | engine::Error::Store(Conflict(detail) | NotFound(detail)),
        ) => Ok(Err(detail)),
        Err(error) => Err(error.into()),
    }
}

impl ManyReplayed {
    fn request(&self) -> ReplayRequest {
        ReplayRequest {
            from: match self.from {
                Beginning::Start => Begin::Start,
                Beginning::Failure => Begin::Failure,
            },
            happened: None,
            message: serde_json::Map::new(),
            newest: self.version == Which::Newest,
            by: self.by.clone(),
            note: self.note.clone(),
        }
    }
}

impl Refused {
    fn of(letter: &Letter, detail: String) -> Refused {
        Refused {
            run: letter.run.to_string(),
            detail,
        }
    }
}

impl ManyPlanned {
    fn add(&mut self, flow: &str, write: Write) {
        let same = self.writes.iter_mut().find(|known| {
            known.flow == flow && known.step == write.step && known.method == write.method
        });
        match same {
            Some(known) => {
                known.count += 1;
                known.again += u32::from(write.again);
            }
            None => self.writes.push(ManyWrites {
                flow: flow.to_owned(),
                step: write.step,
                kind: write.kind,
                method: write.method,
                connection: write.connection,
                count: 1,
                again: u32::from(write.again),
            }),
        }
    }
}
