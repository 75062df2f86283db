//! `/in/{workspace}/…`: where the world knocks. Requests and signed webhooks become messages of http and webhook triggers.

mod answer;
pub(super) mod body;

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use weir_flows::{
    document::{Config, Message},
    duration,
    plan::Source,
    settings::secret_name,
};

use super::{
    App, Settings,
    extract::read_body,
    metrics,
    problem::{Answer, Code, Finding, Problem, Severity},
};
use crate::{
    engine::{Arrival, Match, Routed},
    secrets::{Absent, Secret},
    signature::{self, DEFAULT_TOLERANCE, Refusal, Scheme},
    world::Point,
};

/// When to come again to a flow that is switched off, in seconds. Nobody knows when it will be on again.
const COME_AGAIN: u16 = 60;

/// How the caller is answered.
enum Manner {
    /// At once, with the address of the run.
    Accepted,
    /// With the result, if it is there within this time.
    Result(Duration),
}

/// Takes a message for the trigger that listens to this request.
pub(super) async fn arrive(State(app): State<App>, request: Request) -> Answer<Response> {
    let (parts, body) = request.into_parts();
    let Some((workspace, path)) = address(parts.uri.path()) else {
        return Err(nobody(&parts));
    };
    let found = match app.engine().route(&workspace, parts.method.as_str(), &path) {
        Routed::Found(found) => found,
        Routed::Disabled(flow) => return Err(disabled(&flow)),
        Routed::OtherMethods(methods) => return Ok(other_method(&parts, methods)),
        Routed::None => return Err(nobody(&parts)),
    };
    let settings = app.settings();
    let flow = found.version.flow.clone();
    // Held until the message is on disk: what arrives at once has its bounds, and no flow takes them all for itself.
    let room = app.0.arriving.take(
        &(workspace.clone(), flow.clone()),
        room(&parts.headers, settings),
    );
    let Some(room) = room else {
        metrics::refused(Code::Busy.word());
        let detail = "too much arrives at once, or too much for this flow; nothing was taken, try again in a moment";
        return Err(
            Problem::new(Code::Busy, detail).with_header(header::RETRY_AFTER, HeaderValue::from(1))
        );
    };
    let bytes = read_body(
        &parts.headers,
        body,
        settings.max_message,
        settings.body_time,
    )
    .await;
    let bytes = bytes.inspect_err(|problem| metrics::refused(problem.code().word()))?;
    let (dedupe, manner) = source(&app, &workspace, &found, &parts.headers, &bytes).await?;
    let message = Message {
        body: body::parse(parts.headers.get(header::CONTENT_TYPE), &bytes)
            .inspect_err(|problem| metrics::refused(problem.code().word()))?,
        headers: headers(&parts.headers),
        query: query(parts.uri.query().unwrap_or_default()),
        params: found.params,
        method: Some(parts.method.as_str().to_owned()),
    };
    let arrival = Arrival {
        version: found.version,
        trigger: found.trigger,
        message,
        dedupe,
        fire: None,
        alone: false,
    };
    let accepted = app
        .engine()
        .accept(arrival)
        .await
        .inspect_err(|_| metrics::refused("not_accepted"))?;
    drop(room);
    app.engine().world().pass(Point::MessageAnswered);
    answer::answer(&app, &workspace, &flow, accepted, manner).await
}

/// The unit of the memory for messages that arrive, in bytes.
pub(super) const ROOM: u64 = 1024;

/// The memory that a request takes beside its body, in units.
const HEAD: u64 = 16;

/// The memory that a request is about to take, in units: as much as it may have where it does not say how long it is.
fn room(headers: &HeaderMap, settings: &Settings) -> usize {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let most = settings.max_message as u64;
    let bytes = announced.map_or(most, |bytes| bytes.min(most));
    let units = (bytes.div_ceil(ROOM) + HEAD).min(units(settings.arriving));
    usize::try_from(units).unwrap_or(usize::MAX)
}

/// So many bytes in units.
pub(super) fn units(bytes: u64) -> u64 {
    (bytes / ROOM).max(1)
}

/// What the trigger makes of the request before the body is looked at: the signature of a webhook.
async fn source(
    app: &App,
    workspace: &str,
    found: &Match,
    headers: &HeaderMap,
    body: &[u8],
) -> Answer<(Option<String>, Manner)> {
    match found
        .version
        .plan
        .triggers
        .get(&found.trigger)
        .map(|trigger| &trigger.source)
    {
        Some(Source::Http { accepted: true, .. }) => Ok((None, Manner::Accepted)),
        Some(Source::Http { deadline_ms, .. }) => {
            Ok((None, Manner::Result(Duration::from_millis(*deadline_ms))))
        }
        Some(Source::Webhook { verify, .. }) => {
            let id = verified(app, workspace, found, verify, headers, body).await?;
            Ok((Some(id), Manner::Accepted))
        }
        Some(Source::Schedule(_) | Source::Poll(_) | Source::Manual | Source::Flow) | None => {
            Err(Problem::internal(format!(
                "a request was routed to the trigger `{}`, which listens to none",
                found.trigger
            )))
        }
    }
}

/// Verifies the signature and gives the id of the message.
async fn verified(
    app: &App,
    workspace: &str,
    found: &Match,
    verify: &Config,
    headers: &HeaderMap,
    body: &[u8],
) -> Answer<String> {
    let word = verify
        .get("scheme")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let scheme = Scheme::from_word(word)
        .ok_or_else(|| Problem::internal(format!("the signature scheme `{word}` is unknown")))?;
    let (flow, trigger) = (found.version.flow.as_str(), found.trigger.as_str());
    let secret = match secret(app, workspace, verify.get("secret")).await {
        Ok(secret) => secret,
        Err(Absent::Unavailable(reason)) => {
            tracing::warn!(
                flow,
                trigger,
                reason,
                "the secret of a webhook could not be read"
            );
            return Err(Problem::new(
                Code::Unavailable,
                "the signature cannot be checked at the moment; send it again",
            ));
        }
        Err(absent) => {
            tracing::error!(flow, trigger, reason = %absent, "the secret of a webhook cannot be used; every message is refused");
            return Err(refusal(&Refusal::BadSecret, word));
        }
    };
    let tolerance = verify
        .get("tolerance")
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<duration::Duration>().ok());
    let tolerance = tolerance.map_or(DEFAULT_TOLERANCE, |tolerance| {
        Duration::from_millis(tolerance.millis())
    });
    signature::verify(scheme, headers, body, &secret, app.engine().world().now_ms(), tolerance).map_err(|reason| {
        if reason.is_ours() {
            tracing::error!(flow, trigger, %reason, "the secret of a webhook cannot be used; every message is refused");
        } else {
            tracing::info!(flow, trigger, %reason, "a webhook was refused");
        }
        refusal(&reason, word)
    })
}

async fn secret(app: &App, workspace: &str, value: Option<&Value>) -> Result<Secret, Absent> {
    match value {
        Some(Value::String(literal)) => Ok(Secret::new(literal)),
        Some(value) => match secret_name(value) {
            Some(name) => app.engine().secret(workspace, name).await,
            None => Err(Absent::Unknown),
        },
        None => Err(Absent::Unknown),
    }
}

/// 401 with the reason as a stable code. Nothing of the message is kept.
fn refusal(reason: &Refusal, scheme: &str) -> Problem {
    metrics::refused(reason.code());
    let at = match reason {
        Refusal::Missing { header } | Refusal::Malformed { header } => format!("/headers/{header}"),
        _ => String::new(),
    };
    let finding = Finding {
        at,
        code: reason.code().to_owned(),
        severity: Severity::Error,
        message: reason.to_string(),
    };
    let problem =
        Problem::new(Code::SignatureRefused, reason.to_string()).with_errors(vec![finding]);
    match HeaderValue::try_from(format!("Signature scheme=\"{scheme}\"")) {
        Ok(challenge) => problem.with_header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}

/// The workspace and the decoded segments behind it. `None` where a segment is no text.
fn address(path: &str) -> Option<(String, Vec<String>)> {
    let mut segments = path.strip_prefix("/in/")?.split('/').map(|segment| {
        percent_decode_str(segment)
            .decode_utf8()
            .ok()
            .map(|text| text.into_owned())
    });
    let workspace = segments.next()??;
    let mut rest = segments.collect::<Option<Vec<String>>>()?;
    // `/in/main/` is the root of the workspace, not an empty segment in it.
    if rest.len() == 1 && rest[0].is_empty() {
        rest.clear();
    }
    Some((workspace, rest))
}

fn nobody(parts: &Parts) -> Problem {
    metrics::refused("nobody_listens");
    Problem::not_found(format!(
        "no trigger of a published flow listens to {}; look at its path, and whether the flow is published",
        parts.uri.path()
    ))
}

/// The flow that would take this is switched off: 503, so that a sender keeps the message and comes again.
fn disabled(flow: &str) -> Problem {
    metrics::refused(Code::FlowDisabled.word());
    let detail = format!(
        "the flow `{flow}` was switched off and takes no messages; nothing was stored, so send this again later"
    );
    Problem::new(Code::FlowDisabled, detail)
        .with_status(StatusCode::SERVICE_UNAVAILABLE)
        .with_header(header::RETRY_AFTER, HeaderValue::from(COME_AGAIN))
}

/// Another method than the path is listened to with: 405, or for `OPTIONS` which methods there are.
fn other_method(parts: &Parts, mut methods: Vec<String>) -> Response {
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    let allow =
        HeaderValue::try_from(methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""));
    if parts.method == Method::OPTIONS {
        return (StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response();
    }
    metrics::refused("method_not_allowed");
    let detail = format!(
        "{} is listened to with {} only, not with {}",
        parts.uri.path(),
        methods.join(", "),
        parts.method
    );
    Problem::new(Code::MethodNotAllowed, detail)
        .with_header(header::ALLOW, allow)
        .into_response()
}

/// Headers that carry the caller's own credentials: none of a flow's business, and never recorded.
const CREDENTIALS: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
];

/// The headers by lower-case name, several of one name joined as RFC 9110 section 5.3 says; without the credentials.
pub(super) fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let names = headers.keys().filter(|name| !CREDENTIALS.contains(name));
    let joined = |name| {
        let values: Vec<_> = headers.get_all(name).iter().map(text).collect();
        values.join(", ")
    };
    names
        .map(|name| (name.as_str().to_owned(), joined(name).into()))
        .collect()
}

/// Header values are UTF-8 or, as they were once, ISO 8859-1.
fn text(value: &HeaderValue) -> String {
    let bytes: &[u8] = value.as_bytes();
    std::str::from_utf8(bytes).map_or_else(
        |_| bytes.iter().map(|byte| char::from(*byte)).collect(),
        str::to_owned,
    )
}

/// The query parameters; one that stands there several times becomes a list.
pub(super) fn query(text: &str) -> Map<String, Value> {
    body::form(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_decoded_segment_by_segment() {
        let found = |path| address(path).map(|(workspace, path)| (workspace, path.join("|")));
        let pair = |workspace: &str, path: &str| Some((workspace.to_owned(), path.to_owned()));
        assert_eq!(
            found("/in/main/orders/a%2Fb/%C3%A4"),
            pair("main", "orders|a/b|ä")
        );
        assert_eq!(found("/in/main"), pair("main", ""));
        assert_eq!(found("/in/main/"), pair("main", ""));
        assert_eq!(found("/in/main/a/"), pair("main", "a|"));
        assert_eq!(found("/in/main/%ff"), None);
    }

    #[test]
    fn headers_are_joined_and_credentials_left_out() {
        let mut given = HeaderMap::new();
        given.append("accept", HeaderValue::from_static("a"));
        given.append("Accept", HeaderValue::from_static("b"));
        given.append("cookie", HeaderValue::from_static("session=1"));
        given.append("authorization", HeaderValue::from_static("Bearer x"));
        given.append("x-name", HeaderValue::from_bytes(b"M\xfcller").unwrap());
        assert_eq!(
            Value::Object(headers(&given)),
            json!({ "accept": "a, b", "x-name": "Müller" })
        );
    }

    #[test]
    fn repeated_parameters_become_a_list() {
        assert_eq!(
            Value::Object(query("a=1&b=x+y&a=2&a=3&c=&d")),
            json!({ "a": ["1", "2", "3"], "b": "x y", "c": "", "d": "" })
        );
    }
}
