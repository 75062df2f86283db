//! `/api/v1/runs`: searching runs, and reading what one did.

mod cancel;
mod detail;
mod items;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, Uri},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use weir_flows::{
    plan::Plan,
    run::{self, Run, rfc3339},
};

use super::{
    App, WORKSPACE,
    extract::{Path, Query, no_run, run_id},
    list::{Items, Page},
    problem::{Answer, Problem},
};
use crate::{
    engine::Recorded,
    store::{self, RunFilter},
};

pub(super) use cancel::{__path_cancel, cancel};
pub(super) use detail::{RunDetail, StepWord};
pub(super) use items::{__path_items, items};

/// The header that names the run an answer is about.
pub(super) const RUN: HeaderName = HeaderName::from_static("weir-run");

/// The header of an answer to a message that was accepted before.
pub(super) const DUPLICATE: HeaderName = HeaderName::from_static("weir-duplicate");

/// How a run stands. The last three never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RunStatus {
    /// Something is underway.
    Running,
    /// Nothing is underway until a time has come.
    Waiting,
    /// It ended well.
    Succeeded,
    /// It ended in failure.
    Failed,
    /// A person ended it.
    Cancelled,
}

impl RunStatus {
    /// Whether this status never changes.
    pub(super) fn is_final(self) -> bool {
        matches!(
            self,
            RunStatus::Succeeded | RunStatus::Failed | RunStatus::Cancelled
        )
    }
}

impl From<store::Status> for RunStatus {
    fn from(status: store::Status) -> Self {
        match status {
            store::Status::Running => RunStatus::Running,
            store::Status::Waiting => RunStatus::Waiting,
            store::Status::Succeeded => RunStatus::Succeeded,
            store::Status::Failed => RunStatus::Failed,
            store::Status::Cancelled => RunStatus::Cancelled,
        }
    }
}

impl From<run::Status> for RunStatus {
    fn from(status: run::Status) -> Self {
        match status {
            run::Status::Running => RunStatus::Running,
            run::Status::Waiting => RunStatus::Waiting,
            run::Status::Succeeded => RunStatus::Succeeded,
            run::Status::Failed => RunStatus::Failed,
            run::Status::Cancelled => RunStatus::Cancelled,
        }
    }
}

/// A run as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct RunSummary {
    /// Its id, a UUID of version 7.
    #[schema(format = "uuid")]
    id: String,
    /// The flow.
    #[schema(example = "order-intake")]
    flow: String,
    /// The version it runs on; 0 for the try of a draft.
    version: u32,
    /// The trigger that started it.
    #[schema(example = "order")]
    trigger: String,
    /// How it stands.
    status: RunStatus,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: String,
    /// When it ended; null while it has not.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Why it failed; null where it did not.
    failure: Option<RunFailure>,
    /// The run that it replays; null where it replays none.
    #[schema(format = "uuid")]
    origin: Option<String>,
    /// The run of which a step called it; null where none did.
    #[schema(format = "uuid")]
    parent: Option<String>,
}

/// Why a run failed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct RunFailure {
    /// The step; null where the run took too long as a whole.
    #[serde(default)]
    step: Option<String>,
    /// The failure class.
    #[schema(example = "transient")]
    class: String,
    /// What happened.
    message: String,
}

impl RunFailure {
    /// A failure of which the message is not known.
    pub(super) fn of(step: Option<String>, class: String) -> RunFailure {
        RunFailure {
            step,
            class,
            message: String::new(),
        }
    }

    /// Reads what the store keeps of a failure.
    pub(super) fn read(text: &str) -> Option<RunFailure> {
        serde_json::from_str(text).ok()
    }
}

impl From<store::Run> for RunSummary {
    fn from(run: store::Run) -> Self {
        RunSummary {
            id: run.id.to_string(),
            flow: run.flow,
            version: run.version,
            trigger: run.trigger,
            status: run.status.into(),
            started_at: rfc3339(run.started_at),
            ended_at: run.ended_at.map(rfc3339),
            failure: run.failure.and_then(|text| RunFailure::read(&text)),
            origin: run.origin.map(|origin| origin.to_string()),
            parent: run.parent.map(|parent| parent.to_string()),
        }
    }
}

impl RunSummary {
    /// The summary of a run that is in memory alone.
    pub(super) fn of_try(id: Uuid, plan: &Plan, run: &Run) -> RunSummary {
        RunSummary {
            id: id.to_string(),
            flow: plan.flow.id.clone(),
            version: 0,
            trigger: run.trigger.clone(),
            status: run.status.into(),
            started_at: rfc3339(run.started_at),
            ended_at: run.ended_at.map(rfc3339),
            failure: run.failure.as_ref().map(|failure| RunFailure {
                step: failure.step.clone(),
                class: failure.failure.class.word().to_owned(),
                message: failure.failure.message.clone(),
            }),
            origin: None,
            parent: None,
        }
    }
}

/// Which runs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// Only runs of this flow.
    flow: Option<String>,
    /// Only runs that stand so: `running`, `waiting`, `succeeded`, `failed` or `cancelled`.
    #[param(example = "failed")]
    status: Option<String>,
    /// Only runs that this trigger started.
    trigger: Option<String>,
    /// Only runs that started at this time or later (RFC 3339).
    #[param(example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// Only runs that started before this time (RFC 3339).
    to: Option<String>,
    /// How many runs to give, from 1 to 200; 50 where nothing is said.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page starts: the `next` of the page before.
    cursor: Option<String>,
}

impl Search {
    fn filter(self) -> Answer<RunFilter> {
        let empty = |text: &String| !text.is_empty();
        let status = self.status.filter(empty).map(|word| {
            store::Status::parse(&word).ok_or_else(|| {
                Problem::bad_request(format!("`status` is `{word}`; it must be running, waiting, succeeded, failed or cancelled"))
            })
        });
        let cursor = self.cursor.filter(empty).map(|cursor| {
            cursor.parse().map_err(|_| {
                Problem::bad_request(
                    "`cursor` is not one of this list; take the `next` of the page before",
                )
            })
        });
        Ok(RunFilter {
            flow: self.flow.filter(empty),
            status: status.transpose()?,
            trigger: self.trigger.filter(empty),
            from: time("from", self.from.filter(empty))?,
            to: time("to", self.to.filter(empty))?,
            after: cursor.transpose()?,
            limit: Page {
                limit: self.limit,
                cursor: None,
            }
            .limit()?,
        })
    }
}

/// A time in a query.
///
/// # Errors
/// 400 where it is none.
pub(super) fn time(name: &str, text: Option<String>) -> Answer<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    // A plus in a query is a space unless it is escaped, and a zone is easily written with one.
    match chrono::DateTime::parse_from_rfc3339(&text.replace(' ', "+")) {
        Ok(time) => Ok(Some(time.timestamp_millis())),
        Err(_) => Err(Problem::bad_request(format!(
            "`{name}` is `{text}`; write a time such as 2026-01-01T00:00:00Z"
        ))),
    }
}

/// List runs
///
/// The newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "Runs", operation_id = "list_runs", params(Search),
    responses((status = 200, description = "A page of runs.", body = Items<RunSummary>)))]
pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(search): Query<Search>,
) -> Answer<Response> {
    let page = app
        .engine()
        .store()
        .runs(WORKSPACE, &search.filter()?)
        .await?;
    let items: Vec<RunSummary> = page.items.into_iter().map(RunSummary::from).collect();
    Ok(Items {
        items,
        next: page.next.map(|cursor| cursor.to_string()),
    }
    .answer(&uri))
}

/// Read a run
///
/// What arrived, what each step got and gave, and every attempt with what went over the wire, secrets masked. A value of more
/// than 256 KiB is replaced by `{"$truncated": bytes, "preview": text}`; the operations below give the whole one. Where the
/// flow keeps no history, `kept` is false, and message and steps are empty.
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "Runs", operation_id = "read_run",
    params(("run" = String, Path, description = "The id of the run.")),
    responses((status = 200, description = "The run.", body = RunDetail), (status = 404, description = "There is no such run.")))]
pub(super) async fn read(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<Json<RunDetail>> {
    let Recorded {
        row,
        plan,
        run,
        kept,
        ..
    } = recorded(&app, &id).await?;
    Ok(Json(RunDetail::of(row.into(), &plan, &run, kept)))
}

/// Read the whole message of a run
#[utoipa::path(get, path = "/api/v1/runs/{run}/message", tag = "Runs", operation_id = "read_run_message",
    params(("run" = String, Path, description = "The id of the run.")),
    responses((status = 200, description = "The message, as scripts see it as `trigger`.", body = Value), (status = 404, description = "There is no such run, or its history was not kept.")))]
pub(super) async fn message(State(app): State<App>, Path(id): Path<String>) -> Answer<Json<Value>> {
    let recorded = recorded(&app, &id).await?;
    if !recorded.kept {
        return Err(not_kept(&id));
    }
    Ok(Json(detail::message(&recorded.run)))
}

/// Read the whole input of a step
#[utoipa::path(get, path = "/api/v1/runs/{run}/steps/{step}/input", tag = "Runs", operation_id = "read_step_input",
    params(("run" = String, Path, description = "The id of the run."), ("step" = String, Path, description = "The id of the step.", example = "price")),
    responses((status = 200, description = "The input.", body = Value), (status = 404, description = "There is no such run or step, or the step has not started.")))]
pub(super) async fn input(
    State(app): State<App>,
    Path((id, step)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    let (recorded, position) = step_of(&app, &id, &step).await?;
    if recorded.run.steps[position].started_at.is_none() {
        return Err(Problem::not_found(format!(
            "the step `{step}` has not started, so it has no input"
        )));
    }
    Ok(Json(Value::clone(&detail::input(&recorded, position))))
}

/// Read the whole output of a step
#[utoipa::path(get, path = "/api/v1/runs/{run}/steps/{step}/output", tag = "Runs", operation_id = "read_step_output",
    params(("run" = String, Path, description = "The id of the run."), ("step" = String, Path, description = "The id of the step.", example = "price")),
    responses((status = 200, description = "The output.", body = Value), (status = 404, description = "There is no such run or step, or the step has not succeeded.")))]
pub(super) async fn output(
    State(app): State<App>,
    Path((id, step)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    let (recorded, position) = step_of(&app, &id, &step).await?;
    match recorded.run.outputs.at(position) {
        Some(output) => Ok(Json(Value::clone(output))),
        None => Err(Problem::not_found(format!(
            "the step `{step}` has not succeeded, so it has no output"
        ))),
    }
}

async fn recorded(app: &App, id: &str) -> Answer<Recorded> {
    app.engine()
        .run(WORKSPACE, run_id(id)?)
        .await?
        .ok_or_else(|| no_run(id))
}

async fn step_of(app: &App, id: &str, step: &str) -> Answer<(Recorded, usize)> {
    let recorded = step_of_any_depth(app, id, step).await?;
    let position = recorded.plan.position(step).ok_or_else(|| {
        Problem::not_found(format!(
            "`{step}` belongs to the body of an `each`, so it has no input and output of its own; see the items of that step"
        ))
    })?;
    Ok((recorded, position))
}

/// The run of a step that may belong to the body of another.
async fn step_of_any_depth(app: &App, id: &str, step: &str) -> Answer<Recorded> {
    let recorded = recorded(app, id).await?;
    if !recorded.kept {
        return Err(not_kept(id));
    }
    if recorded.plan.find(step).is_none() {
        return Err(Problem::not_found(format!(
            "the run `{id}` has no step `{step}`"
        )));
    }
    Ok(recorded)
}

fn not_kept(id: &str) -> Problem {
    Problem::not_found(format!(
        "the history of the run `{id}` was not kept; the setting `history` of its flow decides that"
    ))
}
