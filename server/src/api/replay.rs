//! `/api/v1/runs/{run}/replay`: a new run made from an old one, and its plan before anyone confirms.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use weir_flows::replay::{Begin, Fate, Write};

use super::{
    App, WORKSPACE,
    extract::{IdempotencyKey, Input, Path, Query, no_run, run_id},
    problem::{Answer, Code, Problem},
    runs::{DUPLICATE, RUN, RunSummary},
    value,
};
use crate::engine::{Accepted, ReplayPlan, ReplayRequest};

/// How to replay a run. An empty object goes on where it stopped.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReplayBody {
    /// Where to begin.
    from: Place,
    /// The step to begin with, for `from: step`.
    #[schema(example = "book")]
    step: Option<String>,
    /// Says that a step of which nobody knew whether it happened did happen, and what it gave. It is not run again.
    happened: Option<Happened>,
    /// What of the message is another: `body`, `headers`, `query`, `params`, `method`. The rest stays as it was. What is taken
    /// over does not change with it. A `body` must satisfy the schema of the trigger, unless the trigger maps it.
    #[schema(value_type = Object)]
    message: Map<String, Value>,
    /// The version to run.
    version: Which,
    /// Who wants it.
    #[schema(example = "Ada")]
    by: Option<String>,
    /// Why.
    note: Option<String>,
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// At the trigger: everything is done again.
    Start,
    /// Where the run stopped: what ended well and was not reversed is taken over.
    #[default]
    Failure,
    /// At a step: it and all that comes after it is done again.
    Step,
}

/// Which version a replay runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    /// That of the old run.
    #[default]
    Original,
    /// The one that production runs now.
    Newest,
}

/// How to replay a run, for a plan of it. Without anything it goes on where it stopped.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PlanQuery {
    /// Where to begin: `start`, `failure` or `step`.
    #[serde(default)]
    #[param(inline)]
    from: Place,
    /// The step to begin with, for `from=step`.
    #[param(example = "book")]
    step: Option<String>,
    /// A step of which nobody knew whether it happened, and that did happen. It is not run again.
    happened: Option<String>,
    /// The version to run: `original` or `newest`.
    #[serde(default)]
    #[param(inline)]
    version: Which,
}

impl PlanQuery {
    fn body(self) -> ReplayBody {
        let output = Value::Null;
        ReplayBody {
            from: self.from,
            step: self.step,
            happened: self.happened.map(|step| Happened { step, output }),
            version: self.version,
            ..ReplayBody::default()
        }
    }
}

/// A step that did happen.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Happened {
    /// The step.
    #[schema(example = "book")]
    step: String,
    /// What it gave, for the steps after it.
    #[schema(value_type = Value)]
    output: Value,
}

impl ReplayBody {
    fn request(self) -> Answer<ReplayRequest> {
        const PARTS: [&str; 5] = ["body", "headers", "query", "params", "method"];
        let invalid = |detail: String| Problem::new(Code::InvalidBody, detail);
        let from = match (self.from, self.step) {
            (Place::Start, None) => Begin::Start,
            (Place::Failure, None) => Begin::Failure,
            (Place::Step, Some(step)) => Begin::Step(step),
            (Place::Step, None) => {
                return Err(invalid(
                    "`step` is missing; name the step to begin with".to_owned(),
                ));
            }
            (_, Some(_)) => {
                return Err(invalid(
                    "`step` goes only with `\"from\": \"step\"`".to_owned(),
                ));
            }
        };
        let unknown = self
            .message
            .keys()
            .find(|key| !PARTS.contains(&key.as_str()));
        if let Some(key) = unknown {
            return Err(invalid(format!(
                "a message has no `{key}`; it has: {}",
                PARTS.join(", ")
            )));
        }
        Ok(ReplayRequest {
            from,
            happened: self.happened.map(|told| (told.step, told.output)),
            message: self.message,
            newest: self.version == Which::Newest,
            by: self.by,
            note: self.note,
        })
    }
}

/// What a replay would be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanDetail {
    /// The run that it is made from.
    origin: RunSummary,
    /// The version that it runs.
    version: u32,
    /// What becomes of each step.
    steps: Vec<PlanStep>,
    /// The calls that may change something on the other side.
    writes: Vec<PlanWrite>,
}

/// What becomes of a step.
#[derive(Debug, Serialize, ToSchema)]
struct PlanStep {
    /// The step.
    step: String,
    /// `taken_over`: what it gave is used and it is not run. `again`: it ran before and may run again. `first`: it may run for
    /// the first time. `skipped`: it is not reached.
    #[schema(example = "taken_over")]
    fate: &'static str,
}

/// A call that may change something on the other side.
#[derive(Debug, Serialize, ToSchema)]
struct PlanWrite {
    /// The step.
    step: String,
    /// The kind of action.
    #[schema(example = "http")]
    kind: String,
    /// The method; null where it is computed only then.
    #[schema(example = "POST")]
    method: Option<String>,
    /// The address or path: as it was called before, else as the flow says it.
    target: Option<String>,
    /// The connection.
    connection: Option<String>,
    /// Whether it was made before.
    again: bool,
    /// Whether nobody knows if it happened.
    may_have_happened: bool,
}

impl From<Write> for PlanWrite {
    fn from(write: Write) -> Self {
        PlanWrite {
            step: write.step,
            kind: write.kind,
            method: write.method,
            target: write.target,
            connection: write.connection,
            again: write.again,
            may_have_happened: write.may_have_happened,
        }
    }
}

/// Plan a replay
///
/// Says what a replay with this body would take over, which steps would run, and which calls that may change something on the
/// other side would be made. Nothing is done.
#[utoipa::path(post, path = "/api/v1/runs/{run}/replay/plan", tag = "Runs", operation_id = "plan_replay",
    params(("run" = String, Path, description = "The id of the run.")),
    request_body = ReplayBody,
    responses(
        (status = 200, description = "What would be done.", body = PlanDetail),
        (status = 404, description = "There is no such run."),
        (status = 409, description = "It cannot be replayed so."),
        (status = 422, description = "The body says nothing that can be done, or puts a message there that the trigger would refuse; each error with its place."),
    ))]
pub(super) async fn plan(
    State(app): State<App>,
    Path(id): Path<String>,
    Input(body): Input<ReplayBody>,
) -> Answer<Json<PlanDetail>> {
    planned(&app, &id, body).await
}

/// Read the plan of a replay
///
/// The same for a replay that leaves the message as it was.
#[utoipa::path(get, path = "/api/v1/runs/{run}/replay/plan", tag = "Runs", operation_id = "read_replay_plan",
    params(("run" = String, Path, description = "The id of the run."), PlanQuery),
    responses(
        (status = 200, description = "What would be done.", body = PlanDetail),
        (status = 400, description = "The query has a value that it cannot have."),
        (status = 404, description = "There is no such run."),
        (status = 409, description = "It cannot be replayed so."),
        (status = 422, description = "`from` and `step` do not go together."),
    ))]
pub(super) async fn read_plan(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<PlanQuery>,
) -> Answer<Json<PlanDetail>> {
    planned(&app, &id, query.body()).await
}

async fn planned(app: &App, id: &str, body: ReplayBody) -> Answer<Json<PlanDetail>> {
    let ReplayPlan {
        origin,
        version,
        plan,
        replay,
        writes,
    } = app
        .engine()
        .plan_replay(WORKSPACE, run_id(id)?, body.request()?)
        .await?;
    let steps = plan.steps.iter().zip(replay.fates);
    Ok(Json(PlanDetail {
        origin: origin.into(),
        version,
        steps: steps
            .map(|(step, fate)| PlanStep {
                step: step.id.clone(),
                fate: match fate {
                    Fate::TakenOver => "taken_over",
                    Fate::Again => "again",
                    Fate::First => "first",
                    Fate::Skipped => "skipped",
                },
            })
            .collect(),
        writes: writes.into_iter().map(PlanWrite::from).collect(),
    }))
}

/// Replay a run
///
/// Starts a new run from one that has ended, which remembers it as its `origin`. A dead letter is replayed once: whoever asks again
/// gets the run that replays it (`Weir-Duplicate: true`), and goes on from there. Other runs may be replayed as often as one
/// likes; an `Idempotency-Key` makes that safe to send again.
#[utoipa::path(post, path = "/api/v1/runs/{run}/replay", tag = "Runs", operation_id = "replay_run",
    params(
        ("run" = String, Path, description = "The id of the run."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send this again."),
    ),
    request_body = ReplayBody,
    responses(
        (status = 202, description = "The new run is underway or has ended.", body = RunSummary,
            headers(("Location" = String, description = "Where the run is."), ("Weir-Run" = String, description = "The id of the run."))),
        (status = 404, description = "There is no such run."),
        (status = 409, description = "It cannot be replayed so."),
        (status = 422, description = "The body says nothing that can be done, or puts a message there that the trigger would refuse; each error with its place."),
    ))]
pub(super) async fn replay(
    State(app): State<App>,
    Path(id): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    Input(body): Input<ReplayBody>,
) -> Answer<Response> {
    let engine = app.engine();
    let accepted = engine.replay(WORKSPACE, run_id(&id)?, body.request()?, key);
    let (run, duplicate) = match accepted.await? {
        Accepted::Run(started) => (started.id, false),
        Accepted::Duplicate(first) => (first, true),
        Accepted::Filtered | Accepted::Refused(_) | Accepted::AlreadyFired => {
            return Err(Problem::internal("a replay was taken for a message"));
        }
    };
    let row = engine.store().run(WORKSPACE, run).await?;
    let row = row.ok_or_else(|| no_run(&run.to_string()))?;
    let mut response = (StatusCode::ACCEPTED, Json(RunSummary::from(row))).into_response();
    let headers = response.headers_mut();
    let place = HeaderValue::try_from(format!("/api/v1/runs/{run}")).map_err(Problem::internal)?;
    headers.insert(header::LOCATION, place);
    let run = HeaderValue::try_from(run.to_string()).map_err(Problem::internal)?;
    headers.insert(RUN, run);
    if duplicate {
        headers.insert(DUPLICATE, value("true"));
    }
    Ok(response)
}
