//! What a request brings: bodies within limits, strict JSON, parameters, and the headers that guard a write.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;
use weir_flows::json;

use super::{
    App,
    problem::{Code, Problem, findings},
};

/// The header under which a write is done once.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest key of a write, in bytes.
const LONGEST_KEY: usize = 255;

/// Reads a body within a limit of bytes and time.
///
/// # Errors
/// 413 where it is larger, 408 where it does not arrive in time, 400 where the connection breaks.
pub(super) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    time: Duration,
) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!(
            "the body may have {most} bytes at most; send less, or let the administrator allow more"
        );
        Problem::new(Code::TooLarge, detail)
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(time, axum::body::to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => Err(too_large()),
        Ok(Err(_)) => Err(Problem::bad_request("the body broke off; send it again")),
        Err(_) => {
            let detail = format!(
                "the body did not arrive within {} s; send it again, faster",
                time.as_secs()
            );
            Err(Problem::new(Code::BodyTimeout, detail))
        }
    }
}

/// Whether the limit of `to_bytes` was hit. Its error is one of http-body-util, which this package does not name.
fn is_too_long(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(at) = error {
        if at.to_string() == "length limit exceeded" {
            return true;
        }
        error = at.source();
    }
    false
}

/// A body of JSON as text, to be read strictly.
pub(super) struct Text(pub(super) String);

impl FromRequest<App> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let settings = app.settings();
        let bytes = read_body(
            &parts.headers,
            body,
            settings.max_document,
            settings.body_time,
        )
        .await?;
        if let Some(kind) = parts.headers.get(header::CONTENT_TYPE)
            && !bytes.is_empty()
            && !is_json(kind)
        {
            let detail = format!(
                "the body is said to be {kind:?}; send JSON with `content-type: application/json`"
            );
            return Err(Problem::new(Code::MediaType, detail));
        }
        let text = String::from_utf8(bytes.into()).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            Problem::new(
                Code::NotJson,
                format!("the body is not UTF-8 from byte {place} on; save it as UTF-8"),
            )
        })?;
        Ok(Text(text))
    }
}

impl Text {
    /// The value, where a key that stands twice is an error.
    ///
    /// # Errors
    /// 400 with every place.
    pub(super) fn value(&self) -> Result<Value, Problem> {
        json::read(&self.0).map_err(|problems| {
            let detail = problems
                .first()
                .map(|problem| problem.message.clone())
                .unwrap_or_default();
            Problem::new(Code::NotJson, detail).with_errors(findings(problems))
        })
    }
}

/// A body of JSON as a typed value. Unknown keys are errors where the type says so.
pub(super) struct Input<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let text = Text::from_request(request, app).await?;
        let value = if text.0.trim().is_empty() {
            Value::Object(serde_json::Map::new())
        } else {
            text.value()?
        };
        let typed = json::typed(value).map_err(|error| {
            Problem::new(
                Code::InvalidBody,
                format!("the body is not what is read here: {error}; see /api/docs"),
            )
        })?;
        Ok(Input(typed))
    }
}

/// The parameters behind the question mark.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Query(query)),
            Err(error) => Err(Problem::bad_request(format!(
                "{}; see /api/docs",
                error.body_text()
            ))),
        }
    }
}

/// The parameters within the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(path)) => Ok(Path(path)),
            Err(error) => Err(Problem::not_found(format!(
                "the path does not fit: {}",
                error.body_text()
            ))),
        }
    }
}

/// The revision that a write expects, from `If-Match`: a number in quotes as an `ETag` gave it. `*` expects none in particular.
pub(super) struct IfMatch(pub(super) Option<u32>);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(IfMatch(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(IfMatch(None));
        }
        match revision(text) {
            Some(number) => Ok(IfMatch(Some(number))),
            None => Err(Problem::bad_request(
                "If-Match must be the ETag that reading gave, such as \"3\" with its quotes",
            )),
        }
    }
}

/// The revisions that the caller has already, from `If-None-Match`: each as an `ETag` gave it, with commas between them.
pub(super) enum IfNoneMatch {
    /// Whatever there is.
    Any,
    /// These.
    These(Vec<u32>),
}

impl IfNoneMatch {
    /// Whether the caller has this revision.
    pub(super) fn names(&self, revision: u32) -> bool {
        match self {
            IfNoneMatch::Any => true,
            IfNoneMatch::These(known) => known.contains(&revision),
        }
    }
}

impl FromRequestParts<App> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let lines = parts.headers.get_all(header::IF_NONE_MATCH);
        let tags = lines
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        let mut known = Vec::new();
        for tag in tags {
            if tag.trim() == "*" {
                return Ok(IfNoneMatch::Any);
            }
            // What no `ETag` of this server looks like is one that it never gave, and names nothing.
            known.extend(revision(tag));
        }
        Ok(IfNoneMatch::These(known))
    }
}

/// The revision that an `ETag` names. Weak or strong makes no difference here.
fn revision(tag: &str) -> Option<u32> {
    let number = tag.trim().trim_start_matches("W/");
    let number = number.strip_prefix('"')?.strip_suffix('"')?;
    number.parse().ok()
}

/// The key under which a write is done once, from `Idempotency-Key`.
pub(super) struct IdempotencyKey(pub(super) Option<String>);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(IdempotencyKey(None));
        };
        // The draft of the header has quotes around it, most clients send none.
        let text = value.to_str().unwrap_or_default().trim().trim_matches('"');
        if text.is_empty() || text.len() > LONGEST_KEY {
            let detail = format!("Idempotency-Key must have 1 to {LONGEST_KEY} ASCII characters");
            return Err(Problem::bad_request(detail));
        }
        Ok(IdempotencyKey(Some(text.to_owned())))
    }
}

/// The id of a run within a path.
///
/// # Errors
/// 404: what is no id names no run.
pub(super) fn run_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| no_run(text))
}

/// There is no such run.
pub(super) fn no_run(id: &str) -> Problem {
    Problem::not_found(format!("there is no run `{id}`; see GET /api/v1/runs"))
}

/// There is no such flow.
pub(super) fn no_flow(id: &str) -> Problem {
    Problem::not_found(format!("there is no flow `{id}`; see GET /api/v1/flows"))
}

/// The `ETag` of a revision.
pub(super) fn etag(revision: u32) -> HeaderValue {
    HeaderValue::try_from(format!("\"{revision}\""))
        .expect("digits and quotes may stand in a header")
}

/// Whether a content type is JSON.
pub(super) fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_has_a_limit_with_and_without_a_length() {
        let time = Duration::from_secs(5);
        let none = HeaderMap::new();
        assert_eq!(
            read_body(&none, Body::from("12345"), 5, time)
                .await
                .unwrap(),
            "12345"
        );
        let code = |result: Result<Bytes, Problem>| result.unwrap_err().code();
        assert_eq!(
            code(read_body(&none, Body::from("123456"), 5, time).await),
            Code::TooLarge
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("6"));
        assert_eq!(
            code(read_body(&headers, Body::from("1"), 5, time).await),
            Code::TooLarge
        );
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let never = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let result = read_body(&HeaderMap::new(), never, 5, Duration::from_millis(1)).await;
        assert_eq!(result.unwrap_err().code(), Code::BodyTimeout);
    }

    #[test]
    fn json_is_known_by_its_type() {
        for (kind, json) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/problem+json", true),
            ("text/json", false),
            ("text/plain", false),
        ] {
            assert_eq!(is_json(&HeaderValue::from_static(kind)), json, "{kind}");
        }
    }
}
