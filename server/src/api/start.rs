//! `/api/v1/flows/{flow}/runs`: starting a run by hand.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use weir_flows::{document::Message, plan::Plan, problem::Problem as Found};

use super::{
    App, WORKSPACE,
    extract::{IdempotencyKey, Input, Path, no_flow, no_run},
    problem::{Answer, Code, Finding, Problem, findings},
    runs::{DUPLICATE, RUN, RunSummary},
    value,
};
use crate::engine::{Accepted, Arrival, Published};

/// What to start a run with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    /// The trigger; may be left out where the flow has only one.
    #[serde(default)]
    #[schema(example = "order")]
    trigger: Option<String>,
    /// The message.
    #[serde(default)]
    message: StartMessage,
}

/// A message for a trigger.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StartMessage {
    /// Any JSON value.
    #[schema(value_type = Value)]
    body: Value,
    /// Headers; their names become lower-case.
    #[schema(value_type = Object)]
    headers: Map<String, Value>,
    /// Query parameters.
    #[schema(value_type = Object)]
    query: Map<String, Value>,
    /// Path parameters.
    #[schema(value_type = Object)]
    params: Map<String, Value>,
    /// The HTTP method.
    method: Option<String>,
}

impl From<StartMessage> for Message {
    fn from(message: StartMessage) -> Self {
        Message {
            body: message.body,
            headers: message
                .headers
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect(),
            query: message.query,
            params: message.params,
            method: message.method,
        }
    }
}

/// Start a run
///
/// Runs the published version of a flow with this message, whatever the kind of its trigger. The message is on disk when the
/// answer comes. With an `Idempotency-Key` a second request gets the run of the first one (`Weir-Duplicate: true`), unless the
/// trigger has a dedupe key of its own, which then decides.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/runs", tag = "Runs", operation_id = "start_run",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "order-intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send this again."),
    ),
    request_body = Start,
    responses(
        (status = 202, description = "The run is underway or has ended, or waits since the flow is paused or busy.", body = RunSummary,
            headers(("Location" = String, description = "Where the run is."), ("Weir-Run" = String, description = "The id of the run."))),
        (status = 404, description = "There is no such flow or trigger."),
        (status = 409, description = "No version is published, the flow is switched off, or the trigger's filter lets no run start."),
        (status = 422, description = "The message does not satisfy the trigger's schema."),
    ))]
pub(super) async fn run(
    State(app): State<App>,
    Path(flow): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    Input(start): Input<Start>,
) -> Answer<Response> {
    let engine = app.engine();
    let Some(Published {
        version, enabled, ..
    }) = engine.published(WORKSPACE, &flow)
    else {
        return Err(match engine.store().flow(WORKSPACE, &flow).await? {
            None => no_flow(&flow),
            Some(_) => Problem::new(
                Code::NotPublished,
                format!(
                    "no version of `{flow}` is published; publish it with POST /api/v1/flows/{flow}/publish"
                ),
            ),
        });
    };
    if !enabled {
        let detail = format!(
            "`{flow}` is switched off, so no run was started; switch it on with POST /api/v1/flows/{flow}/enable"
        );
        return Err(Problem::new(Code::FlowDisabled, detail));
    }
    let whose = format!("version {} of `{flow}`", version.number);
    let arrival = Arrival {
        trigger: choose_trigger(&version.plan, start.trigger, &whose)?,
        version,
        message: start.message.into(),
        dedupe: key.map(|key| format!("idempotency-key:{key}")),
        fire: None,
        alone: false,
    };
    let (id, duplicate) = match engine.accept(arrival).await? {
        Accepted::Run(started) => (started.id, false),
        Accepted::Duplicate(first) => (first, true),
        Accepted::Filtered => return Err(filtered()),
        Accepted::Refused(problems) => return Err(message_refused(problems)),
        Accepted::AlreadyFired => {
            return Err(Problem::internal("a manual run met a fire of a schedule"));
        }
    };
    let run = engine
        .store()
        .run(WORKSPACE, id)
        .await?
        .ok_or_else(|| no_run(&id.to_string()))?;
    let text = id.to_string();
    let mut response = (StatusCode::ACCEPTED, Json(RunSummary::from(run))).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::LOCATION,
        HeaderValue::try_from(format!("/api/v1/runs/{text}")).map_err(Problem::internal)?,
    );
    headers.insert(RUN, HeaderValue::try_from(text).map_err(Problem::internal)?);
    if duplicate {
        headers.insert(DUPLICATE, value("true"));
    }
    Ok(response)
}

/// The trigger that is named, or the only one.
///
/// # Errors
/// 404 where there is no such trigger, 422 where none is named and there are several.
pub(super) fn choose_trigger(plan: &Plan, named: Option<String>, whose: &str) -> Answer<String> {
    let known = || {
        let ids = plan.triggers.keys().map(String::as_str);
        ids.collect::<Vec<_>>().join(", ")
    };
    let mut ids = plan.triggers.keys();
    match (named, ids.next(), ids.next()) {
        (Some(id), ..) if plan.triggers.contains_key(&id) => Ok(id),
        (Some(id), ..) => Err(Problem::not_found(format!(
            "{whose} has no trigger `{id}`; it has: {}",
            known()
        ))),
        (None, Some(only), None) => Ok(only.clone()),
        (None, ..) => Err(Problem::new(
            Code::InvalidBody,
            format!("`trigger` is missing; {whose} has several: {}", known()),
        )),
    }
}

/// The filter of the trigger is false.
pub(super) fn filtered() -> Problem {
    let detail = "the filter of the trigger is false for this message, so no run was started";
    Problem::new(Code::Filtered, detail)
}

/// The body does not satisfy the schema of the trigger.
pub(super) fn message_refused(problems: Vec<Found>) -> Problem {
    let place = |finding: Finding| Finding {
        at: format!("/message/body{}", finding.at),
        ..finding
    };
    let detail = "the body does not satisfy the schema of the trigger; no run was started";
    Problem::new(Code::MessageRefused, detail)
        .with_errors(findings(problems).into_iter().map(place).collect())
}
