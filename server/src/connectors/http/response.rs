//! From an answer to the output of the `http` action, or to its failure.
//!
//! | answer | class |
//! |---|---|
//! | 429 | `rate_limited` |
//! | 408, 425, 500 and above without 501 and 505 | `transient` |
//! | 401, 403, 407 | `denied` |
//! | every other status that is not expected | `rejected` |
//! | an expected status with a body that is not the JSON it says it is | `broken` |

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use chrono::DateTime;
use encoding_rs::Encoding;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, SET_COOKIE},
};
use serde_json::{Map, Value, json};
use url::Url;
use weir_flows::failure::{Class, Failure};

use super::request::{Prepared, Reading, essence, is_json};
use crate::{
    outbound::{Reply, place},
    secrets::mask::{MASK, is_hidden_header},
};

/// The most of a body that the record of an attempt keeps, in bytes.
pub(super) const RECORDED_BODY: usize = 4_096;

/// The most of a body that a failure keeps, in bytes of text. A longer one is cut, and is then a text.
const FAILURE_BODY: usize = 65_536;

/// The most of the other side's own words that a message repeats, in bytes.
const QUOTED: usize = 200;

/// What is known of an answer before its body.
pub(super) struct Head {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    redirects: Vec<Url>,
}

impl Head {
    pub(super) fn of(reply: &Reply) -> Self {
        Head {
            status: reply.status,
            headers: reply.headers.clone(),
            redirects: reply.redirects.clone(),
        }
    }

    /// What is recorded of the answer. The body of a success is the step's output, so it is given only where the step has several.
    pub(super) fn record(&self, body: Option<&Value>) -> Value {
        let mut headers = self.headers();
        for (name, value) in &mut headers {
            if is_hidden_header(name) {
                *value = MASK.into();
            }
        }
        let mut record = json!({ "status": self.status.as_u16(), "headers": headers });
        if !self.redirects.is_empty() {
            record["redirects"] = self.redirects.iter().map(Url::as_str).collect();
        }
        if let Some(body) = body {
            record["body"] = shortened(body.clone(), RECORDED_BODY);
        }
        record
    }

    /// Headers by name in lower case. Repeated ones are joined (RFC 9110 section 5.3), but for `set-cookie`, which is a list.
    fn headers(&self) -> Map<String, Value> {
        let mut map = Map::new();
        for name in self.headers.keys() {
            let texts: Vec<String> = self.headers.get_all(name).iter().map(header_text).collect();
            let value = match *name == SET_COOKIE {
                true => texts.into(),
                false => texts.join(", ").into(),
            };
            map.insert(name.as_str().to_owned(), value);
        }
        map
    }

    fn content_type(&self) -> Option<String> {
        self.headers.get(CONTENT_TYPE).map(header_text)
    }
}

/// Judges an answer: the output where its status is expected, else the failure.
pub(super) fn read(
    prepared: &Prepared,
    head: &Head,
    bytes: &Bytes,
    now_ms: i64,
) -> Result<Value, Failure> {
    let status = head.status.as_u16();
    if !prepared
        .expect
        .iter()
        .any(|expected| expected.holds(status))
    {
        return Err(unexpected(prepared, head, bytes, now_ms));
    }
    let body = body(prepared.reading, head, bytes).map_err(|error| Failure {
        status: Some(status),
        body: Some(shortened(text(head, bytes).into(), FAILURE_BODY)),
        ..Failure::broken(format!(
            "{} answered {} with a body that is not JSON ({error}); read the answer as `text`, or ask the other side",
            asked(prepared),
            head.status
        ))
    })?;
    Ok(json!({ "status": status, "headers": head.headers(), "body": body }))
}

fn unexpected(prepared: &Prepared, head: &Head, bytes: &Bytes, now_ms: i64) -> Failure {
    let status = head.status.as_u16();
    let class = match status {
        429 => Class::RateLimited,
        401 | 403 | 407 => Class::Denied,
        408 | 425 => Class::Transient,
        501 | 505 => Class::Rejected,
        500.. => Class::Transient,
        _ => Class::Rejected,
    };
    // A failure's body helps whoever reads it, in whatever form it can be had.
    let body = body(prepared.reading, head, bytes).unwrap_or_else(|_| text(head, bytes).into());
    let said = quote(&body).map_or_else(String::new, |said| format!(": {said}"));
    let advice = match status {
        300..=399 if prepared.request.follow => "; it redirects without saying where",
        300..=399 => {
            "; redirects are not followed here, so call the final address, or expect this status"
        }
        200..=299 => "; that is not among the statuses that this step expects",
        _ => "",
    };
    Failure {
        status: Some(status),
        retry_after_ms: retry_after(&head.headers, now_ms),
        body: Some(shortened(body, FAILURE_BODY)).filter(|body| !body.is_null()),
        ..Failure::new(
            class,
            format!("{} answered {}{advice}{said}", asked(prepared), head.status),
        )
    }
}

fn asked(prepared: &Prepared) -> String {
    format!(
        "{} {}",
        prepared.request.method,
        place(&prepared.request.url)
    )
}

/// The body as the settings and the content type say; nothing is `null`.
fn body(reading: Reading, head: &Head, bytes: &Bytes) -> Result<Value, serde_json::Error> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let kind = head.content_type().map(|kind| essence(&kind));
    let json = || serde_json::from_str(text(head, bytes).trim_start_matches('\u{feff}'));
    match (reading, kind.as_deref()) {
        (Reading::Json, _) => json(),
        (Reading::Text, _) => Ok(text(head, bytes).into()),
        (Reading::Base64, _) => Ok(base64(bytes)),
        (Reading::Auto, Some(kind)) if is_json(kind) => json(),
        (Reading::Auto, Some(kind)) if !is_text(kind) => Ok(base64(bytes)),
        (Reading::Auto, _) if charset(head).is_none() && std::str::from_utf8(bytes).is_err() => {
            Ok(base64(bytes))
        }
        (Reading::Auto, _) => Ok(text(head, bytes).into()),
    }
}

fn is_text(essence: &str) -> bool {
    essence.is_empty()
        || essence.starts_with("text/")
        || essence.ends_with("+xml")
        || essence.ends_with("+yaml")
        || matches!(
            essence,
            "application/xml"
                | "application/x-www-form-urlencoded"
                | "application/x-ndjson"
                | "application/jsonl"
                | "application/yaml"
                | "application/x-yaml"
                | "application/toml"
                | "application/graphql"
                | "application/javascript"
                | "application/sql"
                | "application/edifact"
                | "application/edi-x12"
        )
}

fn base64(bytes: &Bytes) -> Value {
    json!({ "base64": BASE64.encode(bytes) })
}

/// The encoding that the content type names, if it is one that the web knows.
fn charset(head: &Head) -> Option<&'static Encoding> {
    let kind = head.content_type()?;
    kind.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let label = value.trim().trim_matches('"');
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| Encoding::for_label(label.as_bytes()))?
    })
}

fn text(head: &Head, bytes: &Bytes) -> String {
    let encoding = charset(head).unwrap_or(encoding_rs::UTF_8);
    encoding.decode(bytes).0.into_owned()
}

/// How long the other side asks to wait, in milliseconds: `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3).
fn retry_after(headers: &HeaderMap, now_ms: i64) -> Option<u64> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(
            value
                .parse()
                .map_or(u64::MAX, |seconds: u64| seconds.saturating_mul(1_000)),
        );
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?.timestamp_millis();
    Some(u64::try_from(at.saturating_sub(now_ms)).unwrap_or(0))
}

/// The words of an error body that a person would read first.
fn quote(body: &Value) -> Option<String> {
    let said = match body {
        Value::String(text) => text.as_str(),
        Value::Object(map) => {
            let nested = map.get("error").and_then(Value::as_object).unwrap_or(map);
            ["detail", "message", "error_description", "title", "error"]
                .iter()
                .find_map(|key| nested.get(*key).or_else(|| map.get(*key))?.as_str())?
        }
        _ => return None,
    };
    let first = said.lines().map(str::trim).find(|line| !line.is_empty())?;
    // A page is for a browser; its first line says nothing.
    (!first.starts_with('<')).then(|| cut(first, QUOTED))
}

/// A body that is not longer than `limit` bytes of text, or its beginning as a text.
fn shortened(body: Value, limit: usize) -> Value {
    match body {
        Value::String(text) => cut(&text, limit).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => body,
        Value::Array(_) | Value::Object(_) => {
            let text = body.to_string();
            if text.len() > limit {
                cut(&text, limit).into()
            } else {
                body
            }
        }
    }
}

/// A text of at most `limit` bytes, which says how long it was.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!(
        "{}… (cut, {} bytes)",
        &text[..text.floor_char_boundary(limit)],
        text.len()
    )
}

/// A header's value as text; bytes that are no UTF-8 are read as Latin-1, as HTTP once said.
pub(super) fn header_text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        // 06 Nov 1994 08:49:37 GMT
        const DATE: i64 = 784_111_777_000;
        let table = [
            ("0", Some(0)),
            ("120", Some(120_000)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
            assert_eq!(retry_after(&headers, DATE - 30_000), expected, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), 0), None);
    }

    #[test]
    fn messages_quote_what_the_other_side_said() {
        let table = [
            (
                json!({ "title": "Bad", "detail": "order_id is missing" }),
                Some("order_id is missing"),
            ),
            (
                json!({ "error": { "message": "No such price", "type": "x" } }),
                Some("No such price"),
            ),
            (
                json!({ "error": "invalid_grant", "error_description": "Token expired" }),
                Some("Token expired"),
            ),
            (json!({ "error": "invalid_grant" }), Some("invalid_grant")),
            (json!({ "error": { "code": 1 } }), None),
            (json!("\n  no stock \nmore"), Some("no stock")),
            (json!("<!doctype html><title>502</title>"), None),
            (json!(["x"]), None),
            (json!(null), None),
        ];
        for (body, expected) in table {
            assert_eq!(quote(&body).as_deref(), expected, "{body}");
        }
        assert!(quote(&"ü".repeat(500).into()).unwrap().len() < 240);
    }
}
