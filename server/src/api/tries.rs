//! `/api/v1/flows/{flow}/tries` and `/api/v1/tries`: drafts are run in memory, with real or mocked actions.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Ref, schema::Type},
};
use weir_flows::{document::Mocks, plan::Plan, problem::pointer, run::Run};

use super::{
    App, WORKSPACE,
    events::{KEEP_ALIVE, RunChange, event, place},
    extract::{IfMatch, Input, Path, no_flow},
    problem::{Answer, Code, Finding, Problem, Severity},
    runs::{RunDetail, RunSummary},
    start::{StartMessage, choose_trigger, filtered, message_refused},
};
use crate::engine::{self, Actions, Begun, Drafted, Try};

/// What to try a draft with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartTry {
    /// The trigger; may be left out where the flow has only one.
    #[serde(default)]
    #[schema(example = "order")]
    trigger: Option<String>,
    /// The message.
    #[serde(default)]
    message: StartMessage,
    /// Who makes the attempts of its actions.
    actions: ActionsWord,
    /// What mocked actions answer, by step, as in the tests of a flow file. Steps that are not named here answer with the
    /// output that is pinned to them, else as the first test of the flow that mocks them, else with null.
    #[serde(default)]
    #[schema(schema_with = mocks)]
    mocks: BTreeMap<String, Mocks>,
}

/// Who makes the attempts of the actions of a try.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActionsWord {
    /// The connectors, with the connections and secrets of the workspace: what they do outside is real.
    Real,
    /// Nobody: answers are given at once, and nobody waits for another attempt.
    Mocked,
}

/// The try of a draft.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrySummary {
    #[serde(flatten)]
    run: RunSummary,
    /// What is tried.
    r#try: Tried,
}

/// The try of a draft with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TryDetail {
    #[serde(flatten)]
    run: RunDetail,
    /// What is tried.
    r#try: Tried,
}

/// What is tried.
#[derive(Debug, Serialize, ToSchema)]
struct Tried {
    /// The revision of the draft, which its `ETag` names.
    revision: u32,
    /// Who makes the attempts of its actions.
    actions: ActionsWord,
}

impl From<&Try> for Tried {
    fn from(tried: &Try) -> Self {
        Tried {
            revision: tried.revision,
            actions: match tried.actions {
                Actions::Real => ActionsWord::Real,
                Actions::Mocked(_) => ActionsWord::Mocked,
            },
        }
    }
}

/// Try a draft
///
/// Runs the draft of a flow for this message. Its trigger takes the message as it would in production, so that a filter may
/// let no run start; a dedupe key is computed, but never makes a message a duplicate. A try is a rehearsal: it lives in the
/// memory of this server alone, is not in the history, and is gone after a while or with the server.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/tries", tag = "Tries", operation_id = "start_try",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "order-intake"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the draft that was looked at."),
    ),
    request_body = StartTry,
    responses(
        (status = 202, description = "The try is underway.", body = TrySummary,
            headers(("Location" = String, description = "Where the try is."))),
        (status = 404, description = "There is no such flow or trigger."),
        (status = 409, description = "The trigger's filter lets no run start."),
        (status = 412, description = "The draft is not the one that `If-Match` names. `ETag` names the current one."),
        (status = 422, description = "The draft has errors, or the message does not satisfy the trigger's schema."),
        (status = 503, description = "Too many tries are underway, or they hold too much."),
    ))]
pub(super) async fn start(
    State(app): State<App>,
    Path(flow): Path<String>,
    IfMatch(expected): IfMatch,
    Input(input): Input<StartTry>,
) -> Answer<Response> {
    let engine = app.engine();
    let drafted = engine.drafted(WORKSPACE, &flow, expected).await;
    let drafted = drafted.map_err(|error| match error {
        engine::Error::NotFound(_) => no_flow(&flow),
        error => error.into(),
    })?;
    let whose = format!("the draft of `{flow}`");
    let trigger = choose_trigger(&drafted.plan, input.trigger, &whose)?;
    let actions = actions(input.actions, input.mocks, &drafted)?;
    let tried = match engine.begin_try(drafted, &trigger, input.message.into(), actions)? {
        Begun::Try(tried) => tried,
        Begun::Filtered => return Err(filtered()),
        Begun::Refused(problems) => return Err(message_refused(problems)),
    };
    let location = format!("/api/v1/tries/{}", tried.id);
    let location = HeaderValue::try_from(location).map_err(Problem::internal)?;
    let summary = TrySummary {
        run: RunSummary::of_try(tried.id, &tried.plan, &tried.run()),
        r#try: Tried::from(&*tried),
    };
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::ACCEPTED, headers, Json(summary)).into_response())
}

/// Who makes the attempts.
///
/// # Errors
/// 422 where a mock would never be asked.
fn actions(
    word: ActionsWord,
    mocks: BTreeMap<String, Mocks>,
    drafted: &Drafted,
) -> Answer<Actions> {
    let needless = |id: &String| match word {
        ActionsWord::Real => Some("real actions are not mocked; leave this out".to_owned()),
        ActionsWord::Mocked => {
            let step = drafted.plan.find(id);
            let asks =
                step.is_some_and(|step| step.action(false).is_some() || step.awaited().is_some());
            let sentence = format!(
                "the draft has no action `{id}`, and no wait for an answer; leave this out"
            );
            (!asks).then_some(sentence)
        }
    };
    let errors: Vec<Finding> = mocks
        .keys()
        .filter_map(|id| {
            Some(Finding {
                at: pointer("/mocks", id),
                code: "unknown_id".to_owned(),
                severity: Severity::Error,
                message: needless(id)?,
            })
        })
        .collect();
    if !errors.is_empty() {
        let detail = "some of the mocks would never be asked; nothing was tried";
        return Err(Problem::new(Code::InvalidBody, detail).with_errors(errors));
    }
    Ok(match word {
        ActionsWord::Real => Actions::Real,
        ActionsWord::Mocked => Actions::Mocked(mocks),
    })
}

/// Read a try
///
/// What arrived, what each step got and gave so far, and every attempt, as of a run. The version is 0, since there is none. A
/// value of more than 256 KiB is replaced by `{"$truncated": bytes, "preview": text}`.
#[utoipa::path(get, path = "/api/v1/tries/{try}", tag = "Tries", operation_id = "read_try",
    params(("try" = String, Path, description = "The id of the try.")),
    responses((status = 200, description = "The try.", body = TryDetail), (status = 404, description = "There is no such try, or it is not kept any more.")))]
pub(super) async fn read(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<Json<TryDetail>> {
    let tried = find(&app, &id)?;
    let run = tried.run();
    let summary = RunSummary::of_try(tried.id, &tried.plan, &run);
    Ok(Json(TryDetail {
        run: RunDetail::of(summary, &tried.plan, &run, true),
        r#try: Tried::from(&*tried),
    }))
}

/// Stop a try
///
/// Ends it where it stands, as `cancelled`. What its real actions were doing outside may have happened. It can still be read
/// for a while. One that has ended already stays as it is.
#[utoipa::path(delete, path = "/api/v1/tries/{try}", tag = "Tries", operation_id = "stop_try",
    params(("try" = String, Path, description = "The id of the try.")),
    responses((status = 204, description = "It has ended."), (status = 404, description = "There is no such try, or it is not kept any more.")))]
pub(super) async fn stop(State(app): State<App>, Path(id): Path<String>) -> Answer<StatusCode> {
    find(&app, &id)?.stop().await;
    Ok(StatusCode::NO_CONTENT)
}

/// Follow a try
///
/// `event: change`: first how it stands now, then after each turn; where turns follow each other faster than they are sent,
/// the newest. The stream ends once the try has ended.
#[utoipa::path(get, path = "/api/v1/tries/{try}/events", tag = "Live", operation_id = "follow_try",
    params(("try" = String, Path, description = "The id of the try.")),
    responses(
        (status = 200, description = "The changes.", body = RunChange, content_type = "text/event-stream"),
        (status = 404, description = "There is no such try, or it is not kept any more."),
        (status = 503, description = "Too many streams are open."),
    ))]
pub(super) async fn follow(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let place = place(&app)?;
    let tried = find(&app, &id)?;
    let follow = Follow {
        changes: tried.changes(),
        id: tried.id,
        plan: Arc::clone(&tried.plan),
        sent: None,
        _place: place,
    };
    let events = stream::unfold(follow, |mut follow| async move {
        let change = follow.next().await?;
        Some((Ok(event("change", &change)), follow))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One stream that follows a try. The server's end ends the try, and so the stream.
struct Follow {
    id: uuid::Uuid,
    plan: Arc<Plan>,
    changes: watch::Receiver<Arc<Run>>,
    /// What was sent last.
    sent: Option<RunChange>,
    _place: OwnedSemaphorePermit,
}

impl Follow {
    /// The next change; `None` once the try has ended.
    async fn next(&mut self) -> Option<RunChange> {
        loop {
            if self.sent.as_ref().is_some_and(RunChange::is_last) {
                return None;
            }
            if self.sent.is_some() {
                self.changes.changed().await.ok()?;
            }
            let run = Arc::clone(&self.changes.borrow_and_update());
            let change = RunChange::of_run(self.id, &self.plan, &run);
            if self.sent.as_ref() != Some(&change) {
                self.sent = Some(change.clone());
                return Some(change);
            }
        }
    }
}

fn find(app: &App, id: &str) -> Answer<Arc<Try>> {
    let tried = id.parse().ok();
    let tried = tried.and_then(|id| app.engine().tried(WORKSPACE, id));
    tried.ok_or_else(|| {
        Problem::not_found(format!(
            "there is no try `{id}` here, or no more: tries are kept for a while in the memory of the server that ran them"
        ))
    })
}

/// The schema of mocks, which the schema of the flow file has.
fn mocks() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(Ref::new("#/components/schemas/Flow.Mocks")))
        .build()
}
