//! What the catalog cannot say about the settings of the `http` action.

use serde_json::{Map, Value};
use url::Url;
use weir_flows::problem::{Problem, pointer};

use super::request::join;
use crate::connection::header_name;

/// Problems of the settings as written. What an expression gives is checked when the step starts.
pub(super) fn check(config: &Map<String, Value>, at: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut error =
        |at: String, code: &str, message: String| problems.push(Problem::error(at, code, message));
    if let Some(path) = literal(config.get("path")) {
        // Any base will do to find out whether the path stays below it.
        let base = Url::parse("https://base.invalid").expect("a constant URL");
        if let Err(failure) = join(&base, path) {
            error(
                pointer(at, "path"),
                "bad_path",
                failure
                    .message
                    .replace("https://base.invalid/", "the base URL"),
            );
        }
    }
    if let Some(Value::Object(headers)) = config.get("headers") {
        for name in headers.keys() {
            if let Err(failure) = header_name(name) {
                error(
                    pointer(&pointer(at, "headers"), name),
                    "bad_header",
                    failure.message,
                );
            }
        }
    }
    let method = config
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or("GET");
    if config.contains_key("body")
        && ["GET", "HEAD"]
            .iter()
            .any(|word| method.eq_ignore_ascii_case(word))
    {
        problems.push(Problem::warning(
            pointer(at, "body"),
            "body_without_meaning",
            format!("the body of a {method} request means nothing to most servers; choose POST, or send it as `query`"),
        ));
    }
    problems
}

/// A text that is no expression, without the quote that keeps a leading `=`.
fn literal(value: Option<&Value>) -> Option<&str> {
    let text = value?.as_str()?;
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with('=') => Some(rest),
        _ => (!text.starts_with('=')).then_some(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_checked_beyond_the_catalog() {
        let table = [
            (json!({ "url": "https://x.example" }), vec![]),
            (json!({ "path": "/bookings" }), vec![]),
            (json!({ "path": "= `/b/${input.id}/../x`" }), vec![]),
            (
                json!({ "path": "https://evil.example" }),
                vec![("/c/path", "bad_path")],
            ),
            (json!({ "path": "/a/../b" }), vec![("/c/path", "bad_path")]),
            (
                json!({ "path": "/a", "headers": { "Host": "x", "a b": "x", "X-Ok": "x" } }),
                vec![
                    ("/c/headers/Host", "bad_header"),
                    ("/c/headers/a b", "bad_header"),
                ],
            ),
            (
                json!({ "path": "/a", "body": {} }),
                vec![("/c/body", "body_without_meaning")],
            ),
            (
                json!({ "path": "/a", "method": "POST", "body": {} }),
                vec![],
            ),
        ];
        for (config, expected) in table {
            let problems = check(config.as_object().unwrap(), "/c");
            let found: Vec<_> = problems
                .iter()
                .map(|p| (p.at.as_str(), p.code.as_str()))
                .collect();
            assert_eq!(found, expected, "{config}");
        }
    }
}
