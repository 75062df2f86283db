//! Bodies of messages: JSON, forms and texts as values, everything else in base64.

use axum::http::HeaderValue;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use encoding_rs::{Encoding, UTF_8};
use serde_json::{Map, Value, json};

use crate::api::problem::{Code, Finding, Problem, Severity};

/// How far into an XML document its declaration reaches at most, in bytes.
const XML_DECLARATION: usize = 200;

/// The value that flows see as the body.
///
/// # Errors
/// 400 where a body is not what its content type says, 415 for forms with files.
pub(in crate::api) fn parse(kind: Option<&HeaderValue>, body: &[u8]) -> Result<Value, Problem> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let kind = kind
        .map(|kind| kind.to_str().unwrap_or_default())
        .unwrap_or_default();
    let mut parts = kind.split(';');
    let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_owned())
    });
    match essence.as_str() {
        "application/json" => json(body),
        "application/x-www-form-urlencoded" if looks_like_json(body) => json(body),
        "application/x-www-form-urlencoded" => Ok(Value::Object(form(body))),
        "" => Ok(unnamed(body)),
        multipart if multipart.starts_with("multipart/") => Err(Problem::new(
            Code::MediaType,
            "forms with files (multipart) are not read; send JSON or an urlencoded form, and a file as the body itself or in base64",
        )),
        other if other.ends_with("+json") => json(body),
        other if is_text(other) => {
            text(body, charset.as_deref(), other.ends_with("xml")).map(Value::String)
        }
        _ => Ok(binary(body)),
    }
}

/// An urlencoded form as a map of texts; a name that stands there several times becomes a list.
pub(super) fn form(body: &[u8]) -> Map<String, Value> {
    let mut form = Map::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        let value = Value::String(value.into_owned());
        match form.get_mut(name.as_ref()) {
            None => {
                form.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    form
}

/// `curl -d` calls everything a form. A form's brackets are escaped, so this can only be meant as JSON.
fn looks_like_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn json(body: &[u8]) -> Result<Value, Problem> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| {
        let message = format!(
            "the body is not JSON: {error}; mend it there, or say in `content-type` what it is"
        );
        let finding = Finding {
            at: String::new(),
            code: "not_json".to_owned(),
            severity: Severity::Error,
            message: message.clone(),
        };
        Problem::new(Code::NotJson, message).with_errors(vec![finding])
    })
}

/// A body whose kind nobody said: JSON if it is, else text if it is, else bytes.
fn unnamed(body: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice(body) {
        return value;
    }
    std::str::from_utf8(body).map_or_else(|_| binary(body), |text| text.into())
}

fn is_text(kind: &str) -> bool {
    let other = [
        "application/xml",
        "application/csv",
        "application/yaml",
        "application/x-yaml",
        "application/x-ndjson",
        "application/jsonl",
        "application/edifact",
        "application/edi-x12",
        "application/graphql",
        "application/sql",
        "application/javascript",
    ];
    kind.starts_with("text/") || kind.ends_with("+xml") || other.contains(&kind)
}

fn text(body: &[u8], charset: Option<&str>, xml: bool) -> Result<String, Problem> {
    let declared = if xml && charset.is_none() {
        xml_encoding(body)
    } else {
        None
    };
    let label = charset.or(declared.as_deref()).unwrap_or("utf-8");
    let encoding = Encoding::for_label(label.as_bytes());
    let bad = |detail: String| Problem::new(Code::BadRequest, detail);
    let encoding = encoding.ok_or_else(|| {
        bad(format!(
            "the charset `{label}` of the body is unknown; send UTF-8"
        ))
    })?;
    // Decoding takes a byte order mark into account, which stands above what is said.
    let (text, used, broken) = encoding.decode(body);
    if broken && used == UTF_8 {
        return Err(bad(
            "the body is text, but not UTF-8; send UTF-8, or name its charset in `content-type`"
                .to_owned(),
        ));
    }
    Ok(text.into_owned())
}

/// The encoding that an XML declaration names (XML 1.0 section 4.3.3).
fn xml_encoding(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(XML_DECLARATION)]).into_owned();
    let declaration = head.strip_prefix("<?xml")?.split("?>").next()?;
    let value = declaration
        .split_once("encoding")?
        .1
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(value[1..].split(quote).next()?.to_owned())
}

fn binary(body: &[u8]) -> Value {
    json!({ "base64": BASE64.encode(body) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(kind: &'static str, body: &[u8]) -> Value {
        parse(Some(&HeaderValue::from_static(kind)), body).unwrap()
    }

    #[test]
    fn a_body_is_read_as_its_content_type_says() {
        let cases: &[(&str, &[u8], Value)] = &[
            ("application/json", b"", Value::Null),
            ("application/json", b"{\"a\": 1.0}", json!({ "a": 1.0 })),
            (
                "application/json; charset=utf-8",
                b"\xef\xbb\xbf[1]",
                json!([1]),
            ),
            ("application/vnd.github+json", b"[]", json!([])),
            (
                "application/x-www-form-urlencoded",
                b"a=1&a=2&b=%C3%A4",
                json!({ "a": ["1", "2"], "b": "ä" }),
            ),
            (
                "application/x-www-form-urlencoded",
                b" {\"a\": 1}",
                json!({ "a": 1 }),
            ),
            ("text/plain", "ä".as_bytes(), json!("ä")),
            ("text/plain; charset=iso-8859-1", b"\xe4", json!("ä")),
            ("text/csv", b"a,b\n1,2\n", json!("a,b\n1,2\n")),
            ("application/xml", b"<a/>", json!("<a/>")),
            ("application/soap+xml", b"<a/>", json!("<a/>")),
            (
                "text/xml",
                b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>",
                json!("<?xml version='1.0' encoding='ISO-8859-1'?><a>ä</a>"),
            ),
            ("image/png", b"\x89PNG", json!({ "base64": "iVBORw==" })),
            ("", b"{\"a\":1}", json!({ "a": 1 })),
            ("", b"hello", json!("hello")),
            ("", b"\xff\xfe\xfd", json!({ "base64": "//79" })),
        ];
        for (kind, body, value) in cases {
            assert_eq!(parsed(kind, body), *value, "{kind}");
        }
        assert_eq!(parse(None, b"12").unwrap(), json!(12));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_advice() {
        let refused = |kind: &'static str, body: &[u8]| {
            parse(Some(&HeaderValue::from_static(kind)), body).unwrap_err()
        };
        let problem = refused("application/json", b"{\n  \"a\": 1,\n}");
        assert_eq!(problem.code(), Code::NotJson);
        assert!(
            problem.write("", "").contains("line 3 column 1"),
            "{}",
            problem.write("", "")
        );
        assert_eq!(
            refused("application/x-www-form-urlencoded", b"{\"a\": }").code(),
            Code::NotJson
        );
        assert_eq!(
            refused("multipart/form-data; boundary=x", b"--x").code(),
            Code::MediaType
        );
        assert_eq!(refused("text/plain", b"\xe4").code(), Code::BadRequest);
        assert_eq!(
            refused("text/plain; charset=klingon", b"a").code(),
            Code::BadRequest
        );
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(
            refused("application/json", deep.as_bytes()).code(),
            Code::NotJson
        );
    }
}
