//! A finding about a document: where it is, how bad it is, a stable code, and what to do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a problem is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The document cannot be published or run.
    Error,
    /// It runs, but a person should look.
    Warning,
}

/// One finding about a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The place, as a JSON Pointer (RFC 6901) into the document; empty for the whole document.
    pub at: String,
    /// A stable code that programs may rely on, such as `unknown_key`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence: what is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// A problem that keeps the document from being published.
    pub fn error(at: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Problem {
            at: at.into(),
            code: code.to_owned(),
            severity: Severity::Error,
            message: message.into(),
        }
    }

    /// A problem that a person should look at.
    pub fn warning(at: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Problem {
            severity: Severity::Warning,
            ..Problem::error(at, code, message)
        }
    }

    /// Whether this problem keeps the document from being published.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let at = if self.at.is_empty() { "/" } else { &self.at };
        write!(f, "{word} {at} [{}] {}", self.code, self.message)
    }
}

/// Appends one segment to a JSON Pointer, escaped as RFC 6901 section 3 says.
pub fn pointer(base: &str, segment: impl fmt::Display) -> String {
    format!(
        "{base}/{}",
        segment.to_string().replace('~', "~0").replace('/', "~1")
    )
}

/// The candidate that is nearest to a misspelt word, if one is near enough to suggest.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(3).min(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?` for the nearest candidate, or nothing.
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_their_segments() {
        assert_eq!(pointer("/steps", "a/b~c"), "/steps/a~1b~0c");
        assert_eq!(pointer("", 3), "/3");
    }

    #[test]
    fn suggestions_are_near_or_absent() {
        assert_eq!(nearest("trigers", ["triggers", "steps"]), Some("triggers"));
        assert_eq!(nearest("xyz", ["triggers", "steps"]), None);
        assert_eq!(suggestion("imput", ["input"]), "; did you mean `input`?");
    }
}
