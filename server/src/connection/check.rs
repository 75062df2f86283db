//! The checks of a connection's document: every problem at once, each with its place.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;
use weir_flows::{
    duration::Duration,
    problem::{Problem, pointer, suggestion},
};

use crate::secrets::mask::is_hidden_header;

const KEYS: &[&str] = &["title", "kind", "base_url", "headers", "auth", "timeout"];

/// The kinds of authentication, each with its keys.
const AUTH: &[(&str, &[&str])] = &[
    ("none", &[]),
    ("basic", &["username", "password"]),
    ("bearer", &["token"]),
    ("api_key", &["in", "name", "value"]),
];

/// Headers that the HTTP library writes, and that would split or misdirect a request if anybody else did.
const OWN_HEADERS: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// All problems of a document.
pub(super) fn check(document: &Value) -> Vec<Problem> {
    let mut check = Check::default();
    let Some(map) = check.object("", document) else {
        return check.0;
    };
    check.keys("", map, KEYS);
    if let Some(title) = map.get("title") {
        check.text("/title", title);
    }
    if map.get("kind").is_some_and(|kind| kind != "http") {
        check.error(
            "/kind",
            "unknown_kind",
            "the kind of a connection is `http`; write that, or leave it out".into(),
        );
    }
    let base = match map.get("base_url") {
        None => {
            check.missing(
                "",
                "base_url",
                "the address to call, such as https://erp.example.com/api",
            );
            None
        }
        Some(value) => check
            .text("/base_url", value)
            .and_then(|text| match base_url(text) {
                Ok(url) => Some(url),
                Err(advice) => {
                    check.error("/base_url", "bad_url", advice);
                    None
                }
            }),
    };
    if let Some(headers) = map.get("headers") {
        check.headers(headers);
    }
    let authenticated = map.get("auth").is_some_and(|auth| check.auth(auth));
    if authenticated && base.is_some_and(|url| url.scheme() == "http") {
        check.0.push(Problem::warning(
            "/base_url",
            "unencrypted",
            "the credentials of this connection travel readable over http; use https where the other side offers it",
        ));
    }
    if let Some(timeout) = map.get("timeout")
        && let Some(text) = check.text("/timeout", timeout)
        && let Err(advice) = text.parse::<Duration>()
    {
        check.error("/timeout", "bad_duration", advice);
    }
    check.0
}

/// The base URL of a connection.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let example = "write an absolute address such as https://erp.example.com/api";
    let url = Url::parse(text.trim())
        .map_err(|error| format!("`{text}` is not a URL ({error}); {example}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}:` is not spoken; {example}", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password does not belong into the address; put it under auth, with the password as a secret".into());
    }
    if url.fragment().is_some() {
        return Err(format!("a part after # is never sent; {example}"));
    }
    Ok(url)
}

/// A name for a header that an author may set.
pub(super) fn header_name(name: &str) -> Result<HeaderName, String> {
    let header = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("`{name}` is not a header name; use letters, digits and dashes"))?;
    if OWN_HEADERS.contains(&header.as_str()) {
        return Err(format!(
            "the header `{name}` is written by Weir itself; leave it out"
        ));
    }
    Ok(header)
}

#[derive(Default)]
struct Check(Vec<Problem>);

impl Check {
    fn error(&mut self, at: &str, code: &str, message: String) {
        self.0.push(Problem::error(at, code, message));
    }

    fn missing(&mut self, at: &str, key: &str, what: &str) {
        self.error(
            at,
            "missing_key",
            format!("`{key}` is missing; write {what}"),
        );
    }

    fn object<'a>(&mut self, at: &str, value: &'a Value) -> Option<&'a Map<String, Value>> {
        if value.is_object() {
            return value.as_object();
        }
        self.error(
            at,
            "wrong_type",
            "an object is needed here; write { … }".into(),
        );
        None
    }

    fn text<'a>(&mut self, at: &str, value: &'a Value) -> Option<&'a str> {
        if value.is_string() {
            return value.as_str();
        }
        self.error(
            at,
            "wrong_type",
            "a text is needed here; write it in quotes".into(),
        );
        None
    }

    fn keys(&mut self, at: &str, map: &Map<String, Value>, known: &[&str]) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let near = suggestion(key, known.iter().copied());
            self.error(
                &pointer(at, key),
                "unknown_key",
                format!(
                    "`{key}` is not known here{near}; known are: {}",
                    known.join(", ")
                ),
            );
        }
    }

    fn headers(&mut self, value: &Value) {
        let Some(map) = self.object("/headers", value) else {
            return;
        };
        for (name, value) in map {
            let at = pointer("/headers", name);
            if let Err(advice) = header_name(name) {
                self.error(&at, "bad_header", advice);
            }
            let hidden = is_hidden_header(&name.to_ascii_lowercase());
            if let Some(text) = self.credential(&at, value, hidden)
                && HeaderValue::from_str(text).is_err()
            {
                self.error(
                    &at,
                    "bad_header",
                    "a header has no line breaks and no other control characters; take them out"
                        .into(),
                );
            }
        }
    }

    /// Whether it says to authenticate.
    fn auth(&mut self, value: &Value) -> bool {
        let Some(map) = self.object("/auth", value) else {
            return false;
        };
        let kinds = || AUTH.iter().map(|(kind, _)| *kind);
        let all = kinds().collect::<Vec<_>>().join(", ");
        let Some(kind) = map.get("kind") else {
            self.missing("/auth", "kind", &format!("one of {all}"));
            return false;
        };
        let Some(kind) = self.text("/auth/kind", kind) else {
            return false;
        };
        let Some((kind, needed)) = AUTH.iter().find(|(known, _)| *known == kind) else {
            let near = suggestion(kind, kinds());
            self.error(
                "/auth/kind",
                "unknown_kind",
                format!("`{kind}` is no kind of authentication{near}; there are {all}"),
            );
            return false;
        };
        self.keys("/auth", map, &[&["kind"], *needed].concat());
        for key in *needed {
            let at = pointer("/auth", key);
            match (map.get(*key), *key) {
                (None, _) => self.missing("/auth", key, &format!("it, since the kind is {kind}")),
                (Some(value), "in") => {
                    if value != "header" && value != "query" {
                        self.error(
                            &at,
                            "bad_value",
                            "a key goes into a `header` or into the `query`; write one of them"
                                .into(),
                        );
                    }
                }
                (Some(value), "name") => {
                    if let Some(name) = self.text(&at, value) {
                        self.key_name(&at, name, map.get("in") == Some(&Value::from("header")));
                    }
                }
                (Some(value), key) => {
                    self.credential(&at, value, key != "username");
                }
            }
        }
        *kind != "none"
    }

    fn key_name(&mut self, at: &str, name: &str, in_header: bool) {
        if in_header {
            if let Err(advice) = header_name(name) {
                self.error(at, "bad_header", advice);
            }
        } else if name.is_empty() {
            self.error(
                at,
                "bad_value",
                "a query parameter needs a name; write the one that the other side asks for".into(),
            );
        }
    }

    /// A text or the name of a secret; gives the text. A literal where a secret belongs is a warning.
    fn credential<'a>(&mut self, at: &str, value: &'a Value, is_secret: bool) -> Option<&'a str> {
        match value {
            Value::String(text) => {
                if is_secret {
                    self.0.push(Problem::warning(
                        at,
                        "literal_secret",
                        "this stands readable in the document; store it as a secret and write { \"$secret\": \"its-name\" }",
                    ));
                }
                return Some(text);
            }
            Value::Object(map) if map.len() == 1 => {
                if let Some(Value::String(name)) = map.get("$secret")
                    && !name.is_empty()
                {
                    return None;
                }
            }
            _ => {}
        }
        self.error(
            at,
            "wrong_type",
            "a text or a secret is needed here; write \"…\" or { \"$secret\": \"its-name\" }"
                .into(),
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_problem_is_found_in_its_place() {
        let good = "https://x.example";
        let table = [
            (json!([]), vec![("", "wrong_type")]),
            (json!({}), vec![("", "missing_key")]),
            (json!({ "base_url": 1 }), vec![("/base_url", "wrong_type")]),
            (
                json!({ "base_url": "erp/api" }),
                vec![("/base_url", "bad_url")],
            ),
            (
                json!({ "base_url": "ftp://x" }),
                vec![("/base_url", "bad_url")],
            ),
            (
                json!({ "base_url": "https://u:p@x" }),
                vec![("/base_url", "bad_url")],
            ),
            (
                json!({ "base_url": "https://x/#a" }),
                vec![("/base_url", "bad_url")],
            ),
            (
                json!({ "base_url": good, "base-url": good, "a/b": 1 }),
                vec![("/base-url", "unknown_key"), ("/a~1b", "unknown_key")],
            ),
            (
                json!({ "base_url": good, "title": 1, "kind": "smtp", "timeout": "soon" }),
                vec![
                    ("/title", "wrong_type"),
                    ("/kind", "unknown_kind"),
                    ("/timeout", "bad_duration"),
                ],
            ),
            (
                json!({ "base_url": good, "headers": { "a b": "x", "Host": "evil", "X": "a\nb", "Y": 1, "Z": { "$secret": "" } } }),
                vec![
                    ("/headers/a b", "bad_header"),
                    ("/headers/Host", "bad_header"),
                    ("/headers/X", "bad_header"),
                    ("/headers/Y", "wrong_type"),
                    ("/headers/Z", "wrong_type"),
                ],
            ),
            (
                json!({ "base_url": good, "headers": [] }),
                vec![("/headers", "wrong_type")],
            ),
            (
                json!({ "base_url": good, "headers": { "X-Api-Key": "k" } }),
                vec![("/headers/X-Api-Key", "literal_secret")],
            ),
            (
                json!({ "base_url": good, "auth": {} }),
                vec![("/auth", "missing_key")],
            ),
            (
                json!({ "base_url": good, "auth": { "kind": "digest" } }),
                vec![("/auth/kind", "unknown_kind")],
            ),
            (
                json!({ "base_url": good, "auth": { "kind": "basic", "user": "a" } }),
                vec![
                    ("/auth/user", "unknown_key"),
                    ("/auth", "missing_key"),
                    ("/auth", "missing_key"),
                ],
            ),
            (
                json!({ "base_url": good, "auth": { "kind": "bearer", "token": { "$secret": "a", "b": 1 } } }),
                vec![("/auth/token", "wrong_type")],
            ),
            (
                json!({ "base_url": good, "auth": { "kind": "api_key", "in": "cookie", "name": "", "value": { "$secret": "a" } } }),
                vec![("/auth/in", "bad_value"), ("/auth/name", "bad_value")],
            ),
            (
                json!({ "base_url": good, "auth": { "kind": "api_key", "in": "header", "name": "a:b", "value": { "$secret": "a" } } }),
                vec![("/auth/name", "bad_header")],
            ),
            (
                json!({ "base_url": "http://x", "auth": { "kind": "bearer", "token": { "$secret": "a" } } }),
                vec![("/base_url", "unencrypted")],
            ),
            (
                json!({ "base_url": good, "auth": { "kind": "none" }, "timeout": "5s", "kind": "http" }),
                vec![],
            ),
        ];
        for (document, expected) in table {
            let problems = check(&document);
            let mut found: Vec<_> = problems
                .iter()
                .map(|p| (p.at.as_str(), p.code.as_str()))
                .collect();
            let mut expected = expected;
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{document}");
            let errors = problems.iter().any(Problem::is_error);
            assert_eq!(
                super::super::Connection::read(&document).is_err(),
                errors,
                "{document}"
            );
        }
    }
}
