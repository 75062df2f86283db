//! Errors as the API and the intake answer them: `application/problem+json` (RFC 9457) with stable codes.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use weir_flows::{failure::Class, problem as finding};

use crate::{engine, store};

/// What every `type` starts with; the code follows.
pub(super) const TYPE_PREFIX: &str = "urn:weir:problem:";

/// The media type of a problem (RFC 9457 section 3).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// The result of a handler.
pub(super) type Answer<T> = Result<T, Problem>;

/// What went wrong, in a word that programs may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON, or a key stands twice in it.
    NotJson,
    /// A parameter or header is not what it should be.
    BadRequest,
    /// The signature of a webhook does not hold.
    SignatureRefused,
    /// A page of another site sent this through a browser.
    CrossSite,
    /// There is no such thing.
    NotFound,
    /// The path is there, but not for this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The id exists already.
    Exists,
    /// The flow has no published version.
    NotPublished,
    /// The trigger's filter lets no run start.
    Filtered,
    /// It cannot be done as things stand.
    Conflict,
    /// Somebody else has changed it since it was read.
    RevisionChanged,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is of a kind that is not read here.
    MediaType,
    /// The server is not asked by one of its own names.
    WrongHost,
    /// The document has errors.
    InvalidDocument,
    /// The body is JSON, but not what is read here.
    InvalidBody,
    /// The message does not satisfy the trigger's schema.
    MessageRefused,
    /// The run failed before it answered.
    RunFailed,
    /// The trigger's own script failed.
    TriggerFailed,
    /// The server made a mistake.
    Internal,
    /// Too much is underway.
    Busy,
    /// The server is stopping.
    Stopping,
    /// The database does not answer.
    Unavailable,
    /// The answer took too long.
    Timeout,
}

impl Code {
    /// All codes, in the order of their statuses.
    pub const ALL: [Code; 25] = [
        Code::NotJson,
        Code::BadRequest,
        Code::SignatureRefused,
        Code::CrossSite,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::BodyTimeout,
        Code::Exists,
        Code::NotPublished,
        Code::Filtered,
        Code::Conflict,
        Code::RevisionChanged,
        Code::TooLarge,
        Code::MediaType,
        Code::WrongHost,
        Code::InvalidDocument,
        Code::InvalidBody,
        Code::MessageRefused,
        Code::RunFailed,
        Code::TriggerFailed,
        Code::Internal,
        Code::Busy,
        Code::Stopping,
        Code::Unavailable,
        Code::Timeout,
    ];

    /// The word at the end of the `type`.
    pub fn word(self) -> &'static str {
        self.row().0
    }

    /// The status it is answered with, where nothing else is said.
    pub fn status(self) -> StatusCode {
        self.row().1
    }

    /// The title: the same for every problem of this code.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The table of codes. Words never change their meaning; new ones may be added.
    fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Code::NotJson => ("not_json", S::BAD_REQUEST, "The body is not JSON"),
            Code::BadRequest => (
                "bad_request",
                S::BAD_REQUEST,
                "A parameter or header cannot be read",
            ),
            Code::SignatureRefused => (
                "signature_refused",
                S::UNAUTHORIZED,
                "The signature does not hold",
            ),
            Code::CrossSite => (
                "cross_site",
                S::FORBIDDEN,
                "Another site may not change anything here",
            ),
            Code::NotFound => ("not_found", S::NOT_FOUND, "There is no such thing"),
            Code::MethodNotAllowed => (
                "method_not_allowed",
                S::METHOD_NOT_ALLOWED,
                "Not with this method",
            ),
            Code::BodyTimeout => (
                "body_timeout",
                S::REQUEST_TIMEOUT,
                "The body did not arrive in time",
            ),
            Code::Exists => ("exists", S::CONFLICT, "It exists already"),
            Code::NotPublished => (
                "not_published",
                S::CONFLICT,
                "The flow has no published version",
            ),
            Code::Filtered => (
                "filtered",
                S::CONFLICT,
                "The trigger's filter lets no run start",
            ),
            Code::Conflict => ("conflict", S::CONFLICT, "It cannot be done as things stand"),
            Code::RevisionChanged => (
                "revision_changed",
                S::PRECONDITION_FAILED,
                "Somebody else has changed it",
            ),
            Code::TooLarge => (
                "too_large",
                S::PAYLOAD_TOO_LARGE,
                "The body is larger than allowed",
            ),
            Code::MediaType => (
                "media_type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "This kind of body is not read here",
            ),
            Code::WrongHost => (
                "wrong_host",
                S::MISDIRECTED_REQUEST,
                "The server does not go by this name",
            ),
            Code::InvalidDocument => (
                "invalid_document",
                S::UNPROCESSABLE_ENTITY,
                "The document has errors",
            ),
            Code::InvalidBody => (
                "invalid_body",
                S::UNPROCESSABLE_ENTITY,
                "The body is not what is read here",
            ),
            Code::MessageRefused => (
                "message_refused",
                S::UNPROCESSABLE_ENTITY,
                "The message does not satisfy the schema",
            ),
            Code::RunFailed => ("run_failed", S::INTERNAL_SERVER_ERROR, "The run failed"),
            Code::TriggerFailed => (
                "trigger_failed",
                S::INTERNAL_SERVER_ERROR,
                "The trigger's own script failed",
            ),
            Code::Internal => (
                "internal",
                S::INTERNAL_SERVER_ERROR,
                "The server made a mistake",
            ),
            Code::Busy => ("busy", S::SERVICE_UNAVAILABLE, "Too much is underway"),
            Code::Stopping => ("stopping", S::SERVICE_UNAVAILABLE, "The server is stopping"),
            Code::Unavailable => (
                "unavailable",
                S::SERVICE_UNAVAILABLE,
                "The database does not answer",
            ),
            Code::Timeout => ("timeout", S::GATEWAY_TIMEOUT, "The answer took too long"),
        }
    }
}

/// An error on its way to the caller. The front layer adds path and request id and writes it as JSON.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    status: StatusCode,
    detail: String,
    errors: Vec<Finding>,
    run: Option<RunReference>,
    headers: HeaderMap,
}

/// One finding about a document or a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The place, as a JSON Pointer (RFC 6901); empty for the whole.
    #[schema(example = "/steps/book/config/path")]
    pub at: String,
    /// A stable code.
    #[schema(example = "unknown_key")]
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what to do.
    pub message: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The document cannot be published or run.
    Error,
    /// It runs, but a person should look.
    Warning,
}

impl From<finding::Problem> for Finding {
    fn from(problem: finding::Problem) -> Self {
        let severity = match problem.severity {
            finding::Severity::Error => Severity::Error,
            finding::Severity::Warning => Severity::Warning,
        };
        Finding {
            at: problem.at,
            code: problem.code,
            severity,
            message: problem.message,
        }
    }
}

/// The findings of a check as the API writes them.
pub(super) fn findings(problems: Vec<finding::Problem>) -> Vec<Finding> {
    problems.into_iter().map(Finding::from).collect()
}

/// Which run a problem is about, and why it failed.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct RunReference {
    /// The run's id.
    pub id: String,
    /// The step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The failure class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A problem as it goes over the wire (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Written<'a> {
    /// `urn:weir:problem:` and a stable code.
    #[serde(rename = "type")]
    #[schema(example = "urn:weir:problem:not_found")]
    kind: String,
    /// The same for every problem of this type.
    #[schema(example = "There is no such thing")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What happened, where, and what to do.
    #[schema(example = "there is no flow `order-intake`; see GET /api/v1/flows")]
    detail: &'a str,
    /// The path that was asked for.
    #[schema(example = "/api/v1/flows/order-intake")]
    instance: &'a str,
    /// The id of the request, which the server's log has too. Also in the header `x-request-id`.
    request_id: &'a str,
    /// The findings about a document, a body or a parameter.
    #[serde(skip_serializing_if = "<[Finding]>::is_empty")]
    errors: &'a [Finding],
    /// The run it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a RunReference>,
}

impl Problem {
    /// A problem with a sentence that says what happened, where, and what to do.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem {
            code,
            status: code.status(),
            detail: detail.into(),
            errors: Vec::new(),
            run: None,
            headers: HeaderMap::new(),
        }
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(Code::NotFound, detail)
    }

    /// A parameter or header is not what it should be.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Problem::new(Code::BadRequest, detail)
    }

    /// A mistake of the server. What happened goes to the log only.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!(error = %what, "a request failed by the server's fault");
        Problem::new(
            Code::Internal,
            "the server could not do this; its log says why, under this request's id",
        )
    }

    /// The errors of a document.
    pub fn document(problems: Vec<finding::Problem>) -> Self {
        let detail = match problems.iter().filter(|problem| problem.is_error()).count() {
            1 => "the document has one error; mend it and send it again".to_owned(),
            count => format!("the document has {count} errors; mend them and send it again"),
        };
        Problem::new(Code::InvalidDocument, detail).with_errors(findings(problems))
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Problem { status, ..self }
    }

    /// The same with findings.
    #[must_use]
    pub fn with_errors(self, errors: Vec<Finding>) -> Self {
        Problem { errors, ..self }
    }

    /// The same about a run.
    #[must_use]
    pub fn with_run(self, run: RunReference) -> Self {
        Problem {
            run: Some(run),
            ..self
        }
    }

    /// The same with a header of the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    fn retry_after(self, seconds: u16) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The problem as JSON text.
    pub(super) fn write(&self, instance: &str, request_id: &str) -> String {
        let written = Written {
            kind: format!("{TYPE_PREFIX}{}", self.code.word()),
            title: self.code.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance,
            request_id,
            errors: &self.errors,
            run: self.run.as_ref(),
        };
        serde_json::to_string(&written).expect("a problem is made of texts and numbers only")
    }
}

/// The answer has the status and headers; the front layer takes the problem out of the extensions and writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers.clone());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let text = error.to_string();
        match error {
            store::Error::Busy => Problem::new(Code::Busy, text).retry_after(1),
            store::Error::Closed => Problem::new(Code::Stopping, text).retry_after(5),
            store::Error::Unavailable(_) => {
                tracing::warn!(error = %text, "the database did not answer a request");
                let detail = "the database does not answer at the moment; try again shortly";
                Problem::new(Code::Unavailable, detail).retry_after(5)
            }
            store::Error::Conflict(_) => Problem::new(Code::Conflict, text),
            store::Error::NotFound(_) => Problem::new(Code::NotFound, text),
            store::Error::Revision { current } => {
                let problem = Problem::new(Code::RevisionChanged, text);
                problem.with_header(header::ETAG, super::extract::etag(current))
            }
            store::Error::Refused(_) => Problem::new(Code::InvalidBody, text),
            store::Error::Locked(_) | store::Error::Database(_) => Problem::internal(text),
        }
    }
}

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Self {
        let text = error.to_string();
        match error {
            engine::Error::Busy => Problem::new(Code::Busy, text).retry_after(1),
            engine::Error::Stopping => Problem::new(Code::Stopping, text).retry_after(5),
            engine::Error::Problems(problems) => Problem::document(problems),
            engine::Error::NotFound(_) => Problem::new(Code::NotFound, text),
            engine::Error::Conflict(_) => Problem::new(Code::Conflict, text),
            engine::Error::Script(failure) => Problem::new(Code::TriggerFailed, failure.message),
            engine::Error::Store(error) => error.into(),
        }
    }
}

/// The status that tells a caller why a run failed.
pub(super) fn failure_status(class: Class) -> StatusCode {
    match class {
        Class::Rejected => StatusCode::UNPROCESSABLE_ENTITY,
        Class::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        Class::Transient | Class::RateLimited => StatusCode::BAD_GATEWAY,
        Class::Denied | Class::Broken | Class::Lost => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_words_in_the_order_of_their_statuses() {
        let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(
            words
                .iter()
                .all(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        );
        assert!(
            Code::ALL
                .windows(2)
                .all(|pair| pair[0].status() <= pair[1].status())
        );
    }

    #[test]
    fn a_problem_says_what_rfc_9457_asks_for() {
        let problem = Problem::not_found("there is no flow `a`").with_errors(vec![]);
        let written: serde_json::Value =
            serde_json::from_str(&problem.write("/api/v1/flows/a", "r1")).unwrap();
        let expected = serde_json::json!({
            "type": "urn:weir:problem:not_found", "title": "There is no such thing", "status": 404,
            "detail": "there is no flow `a`", "instance": "/api/v1/flows/a", "request_id": "r1",
        });
        assert_eq!(written, expected);
    }
}
