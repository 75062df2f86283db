//! Errors as the API and the intake answer them: `application/problem+json` (RFC 9457) with stable codes.

mod code;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use weir_flows::{failure::Class, problem as finding};

pub use code::Code;

use crate::{engine, store};

/// What every `type` starts with; the code follows.
pub(super) const TYPE_PREFIX: &str = "urn:weir:problem:";

/// The media type of a problem (RFC 9457 section 3).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// The result of a handler.
pub(super) type Answer<T> = Result<T, Problem>;

/// An error on its way to the caller. The front layer adds path and request id and writes it as JSON.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
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
        Problem(Box::new(Inner {
            code,
            status: code.status(),
            detail: detail.into(),
            errors: Vec::new(),
            run: None,
            headers: HeaderMap::new(),
        }))
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
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// The same with findings.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<Finding>) -> Self {
        self.0.errors = errors;
        self
    }

    /// The same about a run.
    #[must_use]
    pub fn with_run(mut self, run: RunReference) -> Self {
        self.0.run = Some(run);
        self
    }

    /// The same with a header of the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    fn retry_after(self, seconds: u16) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The problem as JSON text.
    pub(super) fn write(&self, instance: &str, request_id: &str) -> String {
        let written = Written {
            kind: format!("{TYPE_PREFIX}{}", self.0.code.word()),
            title: self.0.code.title(),
            status: self.0.status.as_u16(),
            detail: &self.0.detail,
            instance,
            request_id,
            errors: &self.0.errors,
            run: self.0.run.as_ref(),
        };
        serde_json::to_string(&written).expect("a problem is made of texts and numbers only")
    }
}

/// The answer has the status and headers; the front layer takes the problem out of the extensions and writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0.status;
        response.headers_mut().extend(self.0.headers.clone());
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
            store::Error::Fenced => Problem::new(Code::LeaseLost, text).retry_after(2),
            store::Error::Unavailable(_) => {
                tracing::warn!(error = %text, "the database did not answer a request");
                let detail = "the database does not answer at the moment; try again shortly";
                Problem::new(Code::Unavailable, detail).retry_after(5)
            }
            store::Error::Conflict(_) | store::Error::Answered => {
                Problem::new(Code::Conflict, text)
            }
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
            engine::Error::TooManyTries => Problem::new(Code::Busy, text).retry_after(5),
            engine::Error::Stopping => Problem::new(Code::Stopping, text).retry_after(5),
            engine::Error::Problems(problems) => Problem::document(problems),
            engine::Error::Message(problems) => super::start::message_refused(problems),
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
    use super::*;

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
