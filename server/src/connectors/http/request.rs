//! From the settings of the `http` action to the request that goes out, and what is recorded of it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};
use weir_flows::failure::{Class, Failure};

use super::{
    super::Call,
    METHODS, READINGS,
    fill::{fill, holds_secret},
    response::{RECORDED_BODY, cut, header_text},
};
use crate::{
    connection::{Open, basic_token, header_name, header_value},
    outbound::{Request, place},
    secrets::{Mask, Secret, mask::is_hidden_header},
};

/// A request that is ready, and how its answer is to be judged.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) timeout: Duration,
    pub(super) expect: Vec<Expected>,
    pub(super) reading: Reading,
}

/// A status, or a class of statuses, that succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Status(u16),
    Class(u16),
}

impl Expected {
    pub(super) fn holds(self, status: u16) -> bool {
        match self {
            Expected::Status(expected) => status == expected,
            Expected::Class(hundreds) => status / 100 == hundreds,
        }
    }
}

/// How the body of an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Auto,
    Json,
    Text,
    Base64,
}

/// Makes the request. Secrets are fetched here, and masked from here on.
pub(super) async fn prepare(call: &Call<'_>, mask: &mut Mask) -> Result<Prepared, Failure> {
    let filled = fill(call.config, call.written, call.secrets, mask).await?;
    let config = filled.as_ref().map_or(call.config, |filled| filled.value());
    let config = config
        .as_object()
        .ok_or_else(|| Failure::broken("the settings of the http action must be an object"))?;
    let open = match call.connection {
        Some(connection) => Some(connection.open(call.secrets, mask).await?),
        None => None,
    };

    let method = method(config)?;
    let mut request = Request {
        url: address(config, open.as_ref())?,
        method,
        headers: HeaderMap::new(),
        bound: open
            .as_ref()
            .map(|open| open.headers.clone())
            .unwrap_or_default(),
        body: None,
        bound_body: false,
        follow: boolean(config, "follow_redirects")?.unwrap_or(true),
    };
    take_user(&mut request, mask)?;
    add_query(&mut request.url, config, open.as_ref())?;
    if holds_secret(call.written.get("url")) || holds_secret(call.written.get("path")) {
        mask_address(&request.url, mask);
    }
    add_headers(&mut request, config, call.written)?;
    if let Some(body) = config.get("body").filter(|body| !body.is_null()) {
        add_body(&mut request, body)?;
        request.bound_body = holds_secret(call.written.get("body"));
    }
    let key = HeaderName::from_static("idempotency-key");
    if !request.method.is_safe()
        && !request.headers.contains_key(&key)
        && !request.bound.contains_key(&key)
    {
        request
            .headers
            .insert(key, plain_value("Idempotency-Key", call.idempotency_key)?);
    }

    let longest = call
        .connection
        .and_then(|connection| connection.timeout.as_ref());
    let longest = longest.map_or(Duration::MAX, |longest| {
        Duration::from_millis(longest.millis())
    });
    Ok(Prepared {
        request,
        timeout: call.timeout.min(longest),
        expect: expected(config)?,
        reading: reading(config)?,
    })
}

impl Prepared {
    /// What is recorded of the request; its body only where it failed, since a success has it in the step's input, or where
    /// the step has several.
    pub(super) fn record(&self, body_too: bool) -> Value {
        let Request {
            method,
            url,
            headers,
            bound,
            body,
            ..
        } = &self.request;
        let headers: Map<String, Value> = headers
            .iter()
            .chain(bound)
            .map(|(name, value)| {
                let hidden = is_hidden_header(name.as_str());
                (
                    name.as_str().to_owned(),
                    if hidden {
                        crate::secrets::mask::MASK.into()
                    } else {
                        header_text(value).into()
                    },
                )
            })
            .collect();
        let mut record =
            json!({ "method": method.as_str(), "url": url.as_str(), "headers": headers });
        if let (true, Some(body)) = (body_too, body) {
            record["body"] = match std::str::from_utf8(body) {
                Ok(text) => cut(text, RECORDED_BODY).into(),
                Err(_) => format!("{} bytes", body.len()).into(),
            };
        }
        record
    }
}

fn method(config: &Map<String, Value>) -> Result<Method, Failure> {
    let word = text(config, "method")?
        .unwrap_or("GET")
        .to_ascii_uppercase();
    if !METHODS.contains(&word.as_str()) {
        return Err(Failure::broken(format!(
            "`{word}` is not a method; use one of {}",
            METHODS.join(", ")
        )));
    }
    Method::from_bytes(word.as_bytes())
        .map_err(|_| Failure::broken(format!("`{word}` is not a method")))
}

fn address(config: &Map<String, Value>, open: Option<&Open>) -> Result<Url, Failure> {
    match (text(config, "url")?, text(config, "path")?, open) {
        (Some(url), None, open) => {
            let parsed = Url::parse(url.trim()).map_err(|error| {
                Failure::broken(format!("`url` is not an absolute URL ({error}); write for example https://api.example.com/v1"))
            })?;
            match open {
                Some(open) if open.base.origin() != parsed.origin() => Err(Failure::new(
                    Class::Denied,
                    format!(
                        "{} is on another host than the connection's {}, and its credentials must not go there; \
                         leave the connection away, or use one for that host",
                        place(&parsed),
                        place(&open.base)
                    ),
                )),
                _ => Ok(parsed),
            }
        }
        (None, Some(path), Some(open)) => join(&open.base, path),
        (None, Some(_), None) => Err(Failure::broken(
            "`path` needs a connection, which gives the rest of the address; name one, or set `url`",
        )),
        (Some(_), Some(_), _) => Err(Failure::broken(
            "`url` and `path` exclude each other; keep one of them",
        )),
        (None, None, _) => Err(Failure::broken(
            "the address is missing; set `url`, or `path` beside a connection",
        )),
    }
}

/// Puts a path behind a base URL. The result is always below the base: whatever would lead out of it is refused, since
/// a path is often put together from data, and the connection's credentials go wherever it leads.
pub(super) fn join(base: &Url, path: &str) -> Result<Url, Failure> {
    let denied = |what: &str| {
        Err(Failure::new(
            Class::Denied,
            format!(
                "the path `{path}` {what}; it may only lead below {}; percent-encode data that is put into it",
                place(base)
            ),
        ))
    };
    let (path_only, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    if path.contains(|c: char| c.is_control()) {
        return denied("has a line break or another control character");
    }
    if path.contains('#') {
        return denied("has a #, which is never sent");
    }
    // A backslash is a slash to URL readers, and the other side may decode %2e and %2f before it looks.
    let slashed = path_only.replace('\\', "/");
    if slashed.starts_with("//") || Url::parse(path_only).is_ok_and(|url| url.has_host()) {
        return denied("names a host of its own");
    }
    let decoded = percent_decode_str(&slashed)
        .decode_utf8_lossy()
        .replace('\\', "/");
    if decoded.split('/').any(|part| matches!(part, "." | "..")) {
        return denied("has a part `.` or `..`");
    }
    let mut url = base.clone();
    let below = path_only.trim_start_matches('/').replace('\\', "%5C");
    if !path_only.is_empty() {
        url.set_path(&format!("{}/{below}", base.path().trim_end_matches('/')));
    }
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        let both = match base.query() {
            Some(own) => format!("{own}&{query}"),
            None => query.to_owned(),
        };
        url.set_query(Some(&both));
    }
    let root = base.path().trim_end_matches('/');
    if url.origin() != base.origin() || !url.path().starts_with(root) {
        return denied("leads elsewhere");
    }
    Ok(url)
}

/// Takes user name and password out of an address and sends them as what they are.
fn take_user(request: &mut Request, mask: &mut Mask) -> Result<(), Failure> {
    let url = &request.url;
    if url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    let decode = |text: &str| Secret::new(percent_decode_str(text).decode_utf8_lossy());
    let password = decode(url.password().unwrap_or_default());
    let token = basic_token(&decode(url.username()), &password);
    mask.add(&password);
    mask.add(&token);
    let value = header_value("authorization", &format!("Basic {}", token.expose()))?;
    request.bound.insert(AUTHORIZATION, value);
    // They fail for URLs without a host only, and this one has a user before its host.
    let _ = request.url.set_username("");
    let _ = request.url.set_password(None);
    Ok(())
}

/// Masks an address that is a secret, as a whole and in the parts that another side may repeat.
fn mask_address(url: &Url, mask: &mut Mask) {
    /// A shorter part of a path is a word such as `services`.
    const SHORTEST: usize = 9;
    let parts = url.path_segments().into_iter().flatten();
    let parts = parts.filter(|part| part.len() >= SHORTEST);
    let whole = [url.as_str(), &place(url), url.path()];
    for form in whole.into_iter().chain(parts).chain(url.query()) {
        mask.add(&Secret::new(form));
    }
    for (_, value) in url.query_pairs() {
        mask.add(&Secret::new(value));
    }
}

fn add_query(
    url: &mut Url,
    config: &Map<String, Value>,
    open: Option<&Open>,
) -> Result<(), Failure> {
    let mut pairs = Vec::new();
    for (name, value) in table(config, "query")? {
        scalars(&format!("query.{name}"), value, &mut |text| {
            pairs.push((name.as_str(), text))
        })?;
    }
    let keys = open.map_or(&[][..], |open| &open.query);
    if !pairs.is_empty() || !keys.is_empty() {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(&pairs);
        query.extend_pairs(keys.iter().map(|(name, key)| (name.as_str(), key.expose())));
    }
    Ok(())
}

fn add_headers(
    request: &mut Request,
    config: &Map<String, Value>,
    written: &Value,
) -> Result<(), Failure> {
    for (name, value) in table(config, "headers")? {
        let header = header_name(name)?;
        request.bound.remove(&header);
        let secret = holds_secret(written.get("headers").and_then(|headers| headers.get(name)));
        let bound = secret || is_hidden_header(header.as_str());
        let mut texts = Vec::new();
        scalars(&format!("headers.{name}"), value, &mut |text| {
            texts.push(text)
        })?;
        for text in texts {
            match bound {
                true => request.bound.append(&header, header_value(name, &text)?),
                false => request.headers.append(&header, plain_value(name, &text)?),
            };
        }
    }
    Ok(())
}

fn plain_value(name: &str, text: &str) -> Result<HeaderValue, Failure> {
    let mut value = header_value(name, text)?;
    value.set_sensitive(false);
    Ok(value)
}

fn add_body(request: &mut Request, body: &Value) -> Result<(), Failure> {
    let given = request
        .headers
        .get(CONTENT_TYPE)
        .or_else(|| request.bound.get(CONTENT_TYPE));
    let given = given.map(|value| essence(&header_text(value)));
    let (bytes, default) = encode(body, given.as_deref())?;
    if given.is_none() {
        request
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(default));
    }
    request.body = Some(bytes);
    Ok(())
}

/// A body in bytes for the content type that the author gave, and the content type where none was given.
fn encode(body: &Value, given: Option<&str>) -> Result<(Bytes, &'static str), Failure> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let json = || Bytes::from(body.to_string());
    match (body, given) {
        (Value::String(text), _) => Ok((Bytes::from(text.clone()), "text/plain; charset=utf-8")),
        (Value::Object(map), Some(FORM)) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in map {
                scalars(&format!("body.{name}"), value, &mut |text| {
                    form.append_pair(name, &text);
                })?;
            }
            Ok((Bytes::from(form.finish()), FORM))
        }
        (_, None) => Ok((json(), "application/json")),
        (_, Some(kind)) if is_json(kind) => Ok((json(), "application/json")),
        (Value::Object(map), Some(_)) if map.len() == 1 && map.contains_key("base64") => {
            let bytes = map["base64"]
                .as_str()
                .and_then(|text| BASE64.decode(text.trim()).ok());
            let bytes = bytes.ok_or_else(|| {
                Failure::broken("`body.base64` is not base64; encode the bytes before")
            })?;
            Ok((bytes.into(), "application/octet-stream"))
        }
        (_, Some(kind)) => Err(Failure::broken(format!(
            "a body for the content-type {kind} must be a text, or {{\"base64\": …}}; turn it into one before"
        ))),
    }
}

/// A media type without its parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Whether a media type is JSON (RFC 8259) or built on it (RFC 6839).
pub(super) fn is_json(essence: &str) -> bool {
    matches!(essence, "application/json" | "text/json") || essence.ends_with("+json")
}

/// The texts of a value that may be a text, a number, a boolean, a list of them, or nothing.
fn scalars(at: &str, value: &Value, each: &mut dyn FnMut(String)) -> Result<(), Failure> {
    match value {
        Value::Null => {}
        Value::String(text) => each(text.clone()),
        Value::Number(_) | Value::Bool(_) => each(value.to_string()),
        Value::Array(items) if !items.iter().any(|item| item.is_array() || item.is_object()) => {
            items.iter().try_for_each(|item| scalars(at, item, each))?;
        }
        Value::Array(_) | Value::Object(_) => {
            return Err(Failure::broken(format!(
                "`{at}` must be a text, a number or a boolean, or a list of them; turn it into one before"
            )));
        }
    }
    Ok(())
}

fn expected(config: &Map<String, Value>) -> Result<Vec<Expected>, Failure> {
    let items = match config.get("expect") {
        None | Some(Value::Null) => return Ok(vec![Expected::Class(2)]),
        Some(Value::Array(items)) => items.as_slice(),
        Some(single) => std::slice::from_ref(single),
    };
    items
        .iter()
        .map(|item| {
            let number = item.as_u64().or_else(|| item.as_str()?.parse().ok());
            let class = item.as_str().and_then(|text| text.strip_suffix("xx")?.parse().ok());
            match (number, class) {
                (Some(status @ 100..=599), _) => Ok(Expected::Status(status as u16)),
                (_, Some(class @ 1..=5)) => Ok(Expected::Class(class)),
                _ => Err(Failure::broken(format!("{item} in `expect` is no status; write a number such as 404, or a class such as \"2xx\""))),
            }
        })
        .collect()
}

fn reading(config: &Map<String, Value>) -> Result<Reading, Failure> {
    Ok(match text(config, "response")? {
        None | Some("auto") => Reading::Auto,
        Some("json") => Reading::Json,
        Some("text") => Reading::Text,
        Some("base64") => Reading::Base64,
        Some(other) => {
            return Err(Failure::broken(format!(
                "`{other}` is no way to read an answer; use one of {}",
                READINGS
                    .each_ref()
                    .map(|reading| reading.word.as_ref())
                    .join(", ")
            )));
        }
    })
}

fn text<'a>(config: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Failure> {
    match config.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Failure::broken(format!("`{name}` must be a text"))),
    }
}

fn boolean(config: &Map<String, Value>, name: &str) -> Result<Option<bool>, Failure> {
    match config.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(Failure::broken(format!("`{name}` must be true or false"))),
    }
}

fn table<'a>(
    config: &'a Map<String, Value>,
    name: &str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, Failure> {
    match config.get(name) {
        None | Some(Value::Null) => Ok(None.into_iter().flatten()),
        Some(Value::Object(map)) => Ok(Some(map).into_iter().flatten()),
        Some(_) => Err(Failure::broken(format!(
            "`{name}` must be an object of names and values"
        ))),
    }
}
