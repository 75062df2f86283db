//! What the caller of a trigger is answered: the flow's reply, its result, why it failed, or where to look.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;
use weir_flows::{
    failure::Class,
    record::Reply,
    run::{RunFailure, Status},
};

use super::Manner;
use crate::{
    api::{
        App, metrics,
        problem::{self, Code, Problem, RunReference, findings},
        runs::{DUPLICATE, RUN},
        value,
    },
    engine::{Accepted, Answer},
};

/// Headers that belong to the connection or to this server, not to a flow.
const NOT_A_FLOWS: [HeaderName; 12] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::DATE,
    header::SET_COOKIE,
    header::CONTENT_SECURITY_POLICY,
    header::X_CONTENT_TYPE_OPTIONS,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("keep-alive"),
];

/// The answer to a message that the engine has taken or not.
///
/// # Errors
/// 422 where the body does not satisfy the schema.
pub(super) async fn answer(
    app: &App,
    workspace: &str,
    flow: &str,
    accepted: Accepted,
    manner: Manner,
) -> Result<Response, Problem> {
    match accepted {
        Accepted::Run(started) => {
            let answer = match manner {
                Manner::Accepted if !started.reply.waits() => Answer::Pending,
                Manner::Accepted => Answer::Waits,
                Manner::Result(limit) => started.reply.wait(limit).await,
            };
            if let Answer::Waits = answer {
                let published = app.engine().published(workspace, flow);
                let paused = published.is_some_and(|published| published.paused);
                return Ok(waits(started.id, flow, paused));
            }
            Ok(of_run(started.id, &answer))
        }
        Accepted::Duplicate(first) => {
            let answer = match manner {
                Manner::Accepted => Answer::Pending,
                Manner::Result(_) => first_answer(app, workspace, first).await?,
            };
            let mut response = of_run(first, &answer);
            response.headers_mut().insert(DUPLICATE, value("true"));
            Ok(response)
        }
        Accepted::Filtered => {
            Ok((StatusCode::ACCEPTED, Json(json!({ "status": "filtered" }))).into_response())
        }
        Accepted::Refused(problems) => {
            metrics::refused(Code::MessageRefused.word());
            let detail = "the body does not satisfy the schema of this address; nothing was stored";
            Err(Problem::new(Code::MessageRefused, detail).with_errors(findings(problems)))
        }
        Accepted::AlreadyFired => Err(Problem::internal("a request met a fire of a schedule")),
    }
}

/// What the first message of this dedupe key was answered, as far as that is known.
async fn first_answer(app: &App, workspace: &str, first: Uuid) -> Result<Answer, Problem> {
    let Some(recorded) = app
        .engine()
        .run(workspace, first)
        .await?
        .filter(|recorded| recorded.kept)
    else {
        return Ok(Answer::Pending);
    };
    Ok(Answer::of(&recorded.plan, &recorded.run).unwrap_or(Answer::Pending))
}

fn of_run(id: Uuid, answer: &Answer) -> Response {
    let id = id.to_string();
    let mut response = match answer {
        Answer::Reply(reply) => of_reply(reply),
        Answer::Ended {
            status: Status::Succeeded,
            result,
            ..
        } => json_body(StatusCode::OK, result),
        Answer::Ended {
            status: Status::Cancelled,
            ..
        } => cancelled(&id).into_response(),
        Answer::Ended {
            failure, outside, ..
        } => of_failure(&id, failure.as_ref(), *outside).into_response(),
        Answer::Pending | Answer::Waits => accepted(&id, None),
    };
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(RUN, id);
    }
    response
}

/// 202: the run has not begun, and this is why.
fn waits(id: Uuid, flow: &str, paused: bool) -> Response {
    let id = id.to_string();
    let why = match paused {
        true => format!("the flow `{flow}` is paused; the run begins once the flow is resumed"),
        false => format!("the flow `{flow}` has much underway; the run begins when it is its turn"),
    };
    let mut response = accepted(&id, Some((paused, why)));
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(RUN, id);
    }
    response
}

/// 202: the message is on disk, and this is where to look; with whether its flow is paused, and what the run waits for.
fn accepted(id: &str, waits: Option<(bool, String)>) -> Response {
    let url = format!("/api/v1/runs/{id}");
    let mut body = json!({ "run": id, "status_url": url });
    if let Some((paused, why)) = waits {
        body["status"] = "waiting".into();
        body["paused"] = paused.into();
        body["detail"] = why.into();
    }
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    if let Ok(url) = HeaderValue::try_from(url) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    response
}

/// What a `respond` step says: a text as it is, everything else as JSON.
fn of_reply(reply: &Reply) -> Response {
    let status = StatusCode::from_u16(reply.status)
        .ok()
        .filter(|status| !status.is_informational())
        .unwrap_or(StatusCode::OK);
    let bodiless = matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    );
    let mut response = match &*reply.body {
        _ if bodiless => status.into_response(),
        Value::String(text) => {
            let mut response = Response::new(Body::from(text.clone()));
            *response.status_mut() = status;
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, value("text/plain; charset=utf-8"));
            response
        }
        _ => json_body(status, &reply.body),
    };
    for (name, text) in &reply.headers {
        let text = match text {
            Value::String(text) => text.clone(),
            Value::Null => continue,
            other => other.to_string(),
        };
        let header = name
            .parse::<HeaderName>()
            .ok()
            .zip(HeaderValue::try_from(text).ok());
        match header {
            Some((name, text)) if !NOT_A_FLOWS.contains(&name) => {
                response.headers_mut().insert(name, text);
            }
            _ => tracing::debug!(header = %name, "a header of a reply cannot be sent"),
        }
    }
    response
}

fn json_body(status: StatusCode, body: &Arc<Value>) -> Response {
    (status, Json(&**body)).into_response()
}

/// A person ended the run.
fn cancelled(id: &str) -> Problem {
    let detail = "a person cancelled the run before it answered; whether to send this again is for the two of you to agree";
    Problem::new(Code::RunCancelled, detail).with_run(RunReference {
        id: id.to_owned(),
        ..RunReference::default()
    })
}

/// Why the run failed, as far as the caller may know: what the flow says itself, but not what an action met on its way.
fn of_failure(id: &str, failure: Option<&RunFailure>, outside: bool) -> Problem {
    let run = RunReference {
        id: id.to_owned(),
        ..RunReference::default()
    };
    let Some(RunFailure { step, failure }) = failure else {
        return Problem::new(Code::RunFailed, "the run failed before it answered").with_run(run);
    };
    let message = if outside {
        "a system behind this address did not do what was asked of it; the run has the details"
            .to_owned()
    } else {
        failure.message.clone()
    };
    let place = step
        .as_ref()
        .map(|step| format!(" in the step `{step}`"))
        .unwrap_or_default();
    let detail = format!("the run failed{place}: {message}");
    let run = RunReference {
        step: step.clone(),
        class: Some(failure.class.word().to_owned()),
        message: Some(message),
        ..run
    };
    // What a partner refused is no fault of the caller's message.
    let status = match failure.class {
        Class::Rejected | Class::Denied if outside => StatusCode::BAD_GATEWAY,
        class => problem::failure_status(class),
    };
    Problem::new(Code::RunFailed, detail)
        .with_status(status)
        .with_run(run)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn reply(status: u16, headers: Value, body: Value) -> Reply {
        let headers = headers.as_object().cloned().unwrap_or_else(Map::new);
        Reply {
            status,
            headers,
            body: Arc::new(body),
        }
    }

    #[test]
    fn a_caller_learns_what_the_flow_says_and_not_what_its_actions_met() {
        let failure = |class| RunFailure {
            step: Some("book".to_owned()),
            failure: Arc::new(weir_flows::failure::Failure::new(
                class,
                "POST http://10.0.0.7/ said no",
            )),
        };
        let told = |outside, class| {
            of_failure("r", Some(&failure(class)), outside)
                .into_response()
                .status()
        };
        assert_eq!(
            told(false, Class::Rejected),
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(told(true, Class::Rejected), StatusCode::BAD_GATEWAY);
        assert_eq!(told(true, Class::TimedOut), StatusCode::GATEWAY_TIMEOUT);
        let problem = |outside| {
            format!(
                "{:?}",
                of_failure("r", Some(&failure(Class::Rejected)), outside)
            )
        };
        assert!(problem(false).contains("10.0.0.7") && !problem(true).contains("10.0.0.7"));
    }

    #[test]
    fn a_text_is_sent_as_it_is_and_the_rest_as_json() {
        let header = |response: &Response, name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let response = of_reply(&reply(201, json!({}), json!("hi")));
        assert_eq!(
            (
                response.status().as_u16(),
                header(&response, "content-type").as_deref()
            ),
            (201, Some("text/plain; charset=utf-8"))
        );
        let response = of_reply(&reply(
            200,
            json!({ "Content-Type": "text/html", "x-n": 3 }),
            json!("<p>"),
        ));
        assert_eq!(
            header(&response, "content-type").as_deref(),
            Some("text/html")
        );
        assert_eq!(header(&response, "x-n").as_deref(), Some("3"));
        let response = of_reply(&reply(200, json!({}), json!({ "a": 1 })));
        assert_eq!(
            header(&response, "content-type").as_deref(),
            Some("application/json")
        );
    }

    #[test]
    fn a_flow_cannot_set_what_belongs_to_the_server() {
        let own = json!({ "set-cookie": "a=1", "transfer-encoding": "x", "content-security-policy": "none", "bad name": "x", "x-line": "a\nb" });
        let response = of_reply(&reply(204, own, json!("dropped")));
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers().len(), 0);
    }
}
