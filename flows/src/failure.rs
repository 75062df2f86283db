//! Why an attempt or a step failed: the failure classes and what is known about one failure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The class of a failure decides whether another attempt makes sense.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The other side or the network has a passing problem: a refused connection, a 503.
    Transient,
    /// The other side asks us to slow down (429).
    RateLimited,
    /// No answer in time. What was asked may have happened.
    TimedOut,
    /// The other side understood and refused: a 400, a 404, a 409, a message against its schema.
    Rejected,
    /// Not allowed: a 401, a 403, an address that the outbound guard refuses.
    Denied,
    /// The flow itself is wrong: a script error, a bound that was hit, an answer that is not what it says it is.
    Broken,
    /// The server stopped during the attempt. What was asked may have happened.
    Lost,
}

impl Class {
    /// All classes, in the order of the documentation.
    pub const ALL: [Class; 7] = [
        Class::Transient,
        Class::RateLimited,
        Class::TimedOut,
        Class::Rejected,
        Class::Denied,
        Class::Broken,
        Class::Lost,
    ];

    /// What a call to another side may end in, where this server lives to see it.
    pub const OF_CALLS: [Class; 6] = [
        Class::Transient,
        Class::RateLimited,
        Class::TimedOut,
        Class::Rejected,
        Class::Denied,
        Class::Broken,
    ];

    /// The word that documents and records use.
    pub fn word(self) -> &'static str {
        match self {
            Class::Transient => "transient",
            Class::RateLimited => "rate_limited",
            Class::TimedOut => "timed_out",
            Class::Rejected => "rejected",
            Class::Denied => "denied",
            Class::Broken => "broken",
            Class::Lost => "lost",
        }
    }

    /// The class of that word.
    pub fn named(word: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.word() == word)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A place in a script. Both numbers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// One failure, as it is recorded and as the `error` of an error path sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What kind of failure.
    pub class: Class,
    /// One sentence for a person: what happened, where, what to do.
    pub message: String,
    /// The HTTP status of the reply, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of the reply, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// How long the other side asked us to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Where in the script, for a script's failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Position>,
}

impl Failure {
    /// A failure with a class and a message and nothing else.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Failure {
            class,
            message: message.into(),
            status: None,
            body: None,
            retry_after_ms: None,
            at: None,
        }
    }

    /// A failure of the flow itself.
    pub fn broken(message: impl Into<String>) -> Self {
        Failure::new(Class::Broken, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}
