//! `/callback/{workspace}/{run}/{place}/{signature}`: where a run that waits is answered by whoever has its link.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;
use weir_flows::json;

use super::{
    App, approvals,
    approvals::Decide,
    extract::{Path, read_body},
    intake::{self, body},
    metrics,
    problem::{Answer, Code, Problem},
    runs::{DUPLICATE, RUN},
    value,
};
use crate::{
    engine::{Given, Question},
    store::AwaitedKind,
};

/// What begins the path of every link.
pub(super) const PREFIX: &str = "/callback/";

/// The methods that answer. GET does not: mail scanners and previews follow links.
const METHODS: &str = "POST, PUT, PATCH";

/// A link.
type Link = (String, String, String, String);

/// Takes an answer, or says what the link is for.
pub(super) async fn arrive(
    State(app): State<App>,
    Path((workspace, run, place, signature)): Path<Link>,
    request: Request,
) -> Answer<Response> {
    let run: Uuid = run.parse().map_err(|_| unknown())?;
    let engine = app.engine();
    // One answer for all that is wrong, so that nothing is learnt by trying.
    if !engine.has_signed(&workspace, run, &place, &signature) {
        metrics::refused("unknown_link");
        return Err(unknown());
    }
    let asked = engine.question(&workspace, run, &place).await?;
    let asked = asked.ok_or_else(|| {
        Problem::new(
            Code::Gone,
            "the run that this link belongs to is not kept any more",
        )
    })?;
    match *request.method() {
        Method::GET | Method::HEAD => {
            let place = approvals::id(&run.to_string(), &place);
            Ok(explain(&asked, request.headers(), &place))
        }
        Method::POST | Method::PUT | Method::PATCH => {
            let (parts, body) = request.into_parts();
            let settings = app.settings();
            let bytes = read_body(
                &parts.headers,
                body,
                settings.max_message,
                settings.body_time,
            );
            let bytes = bytes
                .await
                .inspect_err(|problem| metrics::refused(problem.code().word()))?;
            let body = body::parse(parts.headers.get(header::CONTENT_TYPE), &bytes)
                .inspect_err(|problem| metrics::refused(problem.code().word()))?;
            let given = match asked.kind {
                AwaitedKind::Callback => Given::Call {
                    body,
                    headers: intake::headers(&parts.headers),
                    query: intake::query(parts.uri.query().unwrap_or_default()),
                },
                AwaitedKind::Approval => Given::Decision(decision(body)?.read()?),
            };
            let step = asked.step.clone();
            let reception = engine.answer(&workspace, run, &place, asked, given).await?;
            let again = approvals::refused(reception)?;
            accepted(run, &step, again)
        }
        _ => {
            let detail = format!("a link is answered with {METHODS}");
            let problem = Problem::new(Code::MethodNotAllowed, detail);
            Err(problem.with_header(header::ALLOW, value("GET, HEAD, POST, PUT, PATCH")))
        }
    }
}

/// The decision in a body; a form of HTML has the same fields, but no `form`.
fn decision(body: Value) -> Answer<Decide> {
    json::typed(body).map_err(|error| {
        let detail = format!(
            "this link decides an approval, and the body is no decision: {error}; send {{\"decision\": \"approved\"}}, or \"rejected\", with `form`, `by` and `note`"
        );
        Problem::new(Code::InvalidBody, detail)
    })
}

/// 202: the answer is on disk.
fn accepted(run: Uuid, step: &str, again: bool) -> Answer<Response> {
    let run = run.to_string();
    let body = Json(json!({ "status": "accepted", "run": run, "step": step }));
    let mut response = (StatusCode::ACCEPTED, body).into_response();
    let headers = response.headers_mut();
    headers.insert(RUN, HeaderValue::try_from(run).map_err(Problem::internal)?);
    if again {
        headers.insert(DUPLICATE, value("true"));
    }
    Ok(response)
}

/// A path as it may be logged: without the signature, since whoever has that may answer.
pub(super) fn unsigned(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((rest, _)) if path.starts_with(PREFIX) => rest,
        _ => path,
    }
}

/// What the link is for. Whoever opens that of an approval in a browser comes to the page where it is decided: up from the link,
/// since what stands before this server may add to its paths.
fn explain(asked: &Question, headers: &HeaderMap, approval: &str) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let in_browser = accept.is_some_and(|accept| accept.contains("text/html"));
    let how = match asked.kind {
        AwaitedKind::Approval if in_browser => {
            return Redirect::to(&format!("../../../../approvals?id={approval}")).into_response();
        }
        AwaitedKind::Approval => {
            "this link decides an approval: send POST with {\"decision\": \"approved\"} or \"rejected\", and with `form`, `by` and `note`; \
             a person opens it in a browser"
        }
        AwaitedKind::Callback => {
            "this link lets a run go on that waits for it: send what it waits for with POST"
        }
    };
    let body = json!({ "waits_for": asked.kind.as_str(), "flow": asked.flow, "step": asked.step, "how": how });
    let mut response = Json(body).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, value("no-store"));
    response
}

fn unknown() -> Problem {
    Problem::not_found(
        "this is no link that this server has made; check that it was copied as a whole, and that the server still has its key",
    )
}
