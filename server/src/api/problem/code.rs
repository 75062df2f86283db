//! The table of codes that problems carry.

use axum::http::StatusCode;

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
    /// The flow is switched off.
    FlowDisabled,
    /// The trigger's filter lets no run start.
    Filtered,
    /// A person ended the run before it answered.
    RunCancelled,
    /// It cannot be done as things stand.
    Conflict,
    /// It was there once and is over.
    Gone,
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
    /// Another server has taken over the runs of this one, which registers anew.
    LeaseLost,
    /// The database does not answer.
    Unavailable,
    /// The answer took too long.
    Timeout,
}

impl Code {
    /// All codes, in the order of their statuses.
    pub const ALL: [Code; 29] = [
        Code::NotJson,
        Code::BadRequest,
        Code::SignatureRefused,
        Code::CrossSite,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::BodyTimeout,
        Code::Exists,
        Code::NotPublished,
        Code::FlowDisabled,
        Code::Filtered,
        Code::RunCancelled,
        Code::Conflict,
        Code::Gone,
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
        Code::LeaseLost,
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
            Code::FlowDisabled => ("flow_disabled", S::CONFLICT, "The flow is switched off"),
            Code::Filtered => (
                "filtered",
                S::CONFLICT,
                "The trigger's filter lets no run start",
            ),
            Code::RunCancelled => ("run_cancelled", S::CONFLICT, "The run was cancelled"),
            Code::Conflict => ("conflict", S::CONFLICT, "It cannot be done as things stand"),
            Code::Gone => ("gone", S::GONE, "It is over"),
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
            Code::LeaseLost => (
                "lease_lost",
                S::SERVICE_UNAVAILABLE,
                "Other servers have taken over from this one",
            ),
            Code::Unavailable => (
                "unavailable",
                S::SERVICE_UNAVAILABLE,
                "The database does not answer",
            ),
            Code::Timeout => ("timeout", S::GATEWAY_TIMEOUT, "The answer took too long"),
        }
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
}
