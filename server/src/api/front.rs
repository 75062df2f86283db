//! The outermost layers: request ids, the log, the writing of problems, security headers, and who may ask at all.

use std::any::Any;

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::csrf::ProtectionError;
use tracing::Instrument;

use super::{
    App, Settings, callback,
    problem::{Code, MEDIA_TYPE, Problem},
    value,
};

/// The header that carries the id of a request, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is taken over from the caller, in bytes.
const LONGEST_REQUEST_ID: usize = 128;

/// What the page and the API allow a browser to load and to run.
const CONTENT_POLICY: HeaderValue = value(
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// What flows answer may be a page of somebody else. It gets an origin of its own, so that its scripts cannot reach the API.
const REPLY_POLICY: HeaderValue = value(
    "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts; frame-ancestors 'none'",
);

/// The outermost layer: gives each request its id, writes problems as JSON, adds the headers that every answer has, and logs.
pub(super) async fn finish(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = request_id(&app, request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let id_text = id.to_str().unwrap_or_default().to_owned();
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let span =
        tracing::info_span!("request", id = %id_text, %method, path = %callback::unsigned(&path));
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Body::from(problem.write(&path, &id_text));
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, value(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, value("no-store"));
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, value("nosniff"));
    headers.insert(header::REFERRER_POLICY, value("same-origin"));
    let policy = if is_intake(&path) {
        REPLY_POLICY
    } else {
        CONTENT_POLICY
    };
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if path.starts_with("/api/") && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, value("no-store"));
    }
    let status = response.status();
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), "answered");
        } else {
            tracing::debug!(status = status.as_u16(), "answered");
        }
    });
    response
}

/// Who may ask: a server that listens to its own machine only answers to that machine's names. And the API answers in time.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let settings = app.settings();
    if !is_intake(path)
        && !path.starts_with("/health/")
        && let Err(problem) = check_host(settings, request.uri(), request.headers())
    {
        return problem.into_response();
    }
    if !path.starts_with("/api/") {
        return next.run(request).await;
    }
    match tokio::time::timeout(settings.answer_time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!(
                "the answer took longer than {} s; what was asked may have been done, so look before you ask again",
                settings.answer_time.as_secs()
            );
            Problem::new(Code::Timeout, detail).into_response()
        }
    }
}

/// The route of a request in the metrics: its template, so that there are few. What no route matches goes to the page.
pub(super) fn route(request: &Request) -> String {
    let template = request.extensions().get::<MatchedPath>();
    template.map_or("the page", MatchedPath::as_str).to_owned()
}

/// A method that the path does not take. The router adds `Allow`.
pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        format!(
            "{} does not take {method}; the header `allow` says what it takes",
            uri.path()
        ),
    )
}

/// A write that another site sends through a browser.
pub(super) fn cross_site(_: ProtectionError) -> Response {
    let detail = "the browser says that another site sent this; open Weir's own page, and let a proxy before it pass Host and Origin on";
    Problem::new(Code::CrossSite, detail).into_response()
}

/// A handler that broke down. The message is in the log only.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    Problem::internal(format!(
        "a handler panicked: {}",
        text.unwrap_or("without a message")
    ))
    .into_response()
}

/// The caller's request id where it is fit for a log, else a new one.
fn request_id(app: &App, headers: &HeaderMap) -> HeaderValue {
    let fit = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=LONGEST_REQUEST_ID).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/=+".contains(byte))
    };
    let given = headers.get(&REQUEST_ID).filter(fit).cloned();
    given.unwrap_or_else(|| {
        let id = app.engine().world().id().simple().to_string();
        HeaderValue::try_from(id).expect("hex digits may stand in a header")
    })
}

fn is_intake(path: &str) -> bool {
    path == "/in" || path.starts_with("/in/") || path.starts_with(callback::PREFIX)
}

fn check_host(settings: &Settings, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if !settings.loopback {
        return Ok(());
    }
    let host = uri
        .authority()
        .map(|authority| authority.as_str())
        .or_else(|| headers.get(header::HOST)?.to_str().ok());
    // A browser always says the host it believes to talk to; the danger comes from browsers only.
    let Some(host) = host else { return Ok(()) };
    let name = without_port(host).to_ascii_lowercase();
    let own = matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]")
        || name.ends_with(".localhost");
    if own
        || settings
            .hosts
            .iter()
            .any(|other| without_port(other).eq_ignore_ascii_case(&name))
    {
        return Ok(());
    }
    let detail = format!(
        "this server listens to its own machine only and does not go by the name `{name}`; ask for localhost, or let the administrator add the name"
    );
    Err(Problem::new(Code::WrongHost, detail).with_status(StatusCode::MISDIRECTED_REQUEST))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && !name.is_empty()
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_loopback_answers_to_its_own_names_only() {
        let settings = Settings {
            hosts: vec!["weir.example.com".to_owned()],
            ..Settings::default()
        };
        let uri = Uri::from_static("/");
        let allowed = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, value(host));
            check_host(&settings, &uri, &headers).is_ok()
        };
        for host in [
            "localhost",
            "localhost:8080",
            "LOCALHOST:1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "a.localhost",
            "weir.example.com:443",
        ] {
            assert!(allowed(host), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:8080",
            "192.168.0.7:8080",
            "",
        ] {
            assert!(!allowed(host), "{host}");
        }
        let open = Settings {
            loopback: false,
            ..Settings::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, value("anything"));
        assert!(check_host(&open, &uri, &headers).is_ok());
        assert!(check_host(&settings, &uri, &HeaderMap::new()).is_ok());
    }
}
