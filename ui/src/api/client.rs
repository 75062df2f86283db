//! Requests to `/api/v1` with `fetch`, and what comes back: a value, or a problem (RFC 9457) as an error.

use js_sys::encode_uri_component;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};
use weir_flows::problem::Problem;

use super::types::{Page, RunSummary, TryDraft};

/// Where the API lives, below the page's own origin.
const BASE: &str = "/api/v1";

/// Why a call did not succeed, as the server told it or as the page found out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Trouble {
    pub(crate) title: String,
    /// The HTTP status, 0 where no server answered.
    pub(crate) status: u16,
    pub(crate) detail: String,
    pub(crate) request_id: Option<String>,
    /// The findings about a document, for a refused one.
    pub(crate) errors: Vec<Problem>,
}

impl Trouble {
    /// What a person reads: the detail, or the title where there is none.
    pub(crate) fn sentence(&self) -> &str {
        if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        }
    }

    /// Whether no server answered at all.
    pub(crate) fn is_offline(&self) -> bool {
        self.status == 0
    }

    fn offline(error: &JsValue) -> Self {
        let detail = error
            .dyn_ref::<js_sys::Error>()
            .map(|e| String::from(e.message()));
        Trouble {
            detail: detail.unwrap_or_default(),
            ..Trouble::default()
        }
    }

    /// What an answer that is no success says about itself, whatever its form.
    fn read(status: u16, request_id: Option<String>, text: &str) -> Self {
        let mut trouble: Trouble = serde_json::from_str(text).unwrap_or_else(|_| Trouble {
            detail: text.chars().take(300).collect(),
            ..Trouble::default()
        });
        trouble.status = status;
        if trouble.title.is_empty() {
            trouble.title = format!("HTTP {status}");
        }
        if trouble.request_id.is_none() {
            trouble.request_id = request_id;
        }
        trouble
    }
}

/// Reads a JSON value.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Trouble> {
    parse(&call("GET", path, None, None).await?.text)
}

/// Reads a text exactly as it is served, with the tag of its revision.
pub(crate) async fn get_tagged(path: &str) -> Result<(String, String), Trouble> {
    let answer = call("GET", path, None, None).await?;
    Ok((answer.text, answer.tag))
}

/// Reads a list to its end, however many pages it has.
pub(crate) async fn all<T: DeserializeOwned>(path: &str) -> Result<Vec<T>, Trouble> {
    let (items, _) = pages(&format!("{path}?limit=200"), usize::MAX).await?;
    Ok(items)
}

/// Reads so many pages of a list, whose path has a query, and says whether there are more.
pub(crate) async fn pages<T: DeserializeOwned>(
    path: &str,
    count: usize,
) -> Result<(Vec<T>, bool), Trouble> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    for _ in 0..count {
        let page: Page<T> = get(&format!("{path}{cursor}")).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => cursor = format!("&cursor={}", encode(&next)),
            None => return Ok((items, false)),
        }
    }
    Ok((items, true))
}

/// Reads a text exactly as it is served.
pub(crate) async fn get_text(path: &str) -> Result<String, Trouble> {
    call("GET", path, None, None)
        .await
        .map(|answer| answer.text)
}

/// Sends a JSON value and reads one back.
pub(crate) async fn send<T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: &impl Serialize,
) -> Result<T, Trouble> {
    let body = serde_json::to_string(body).map_err(|error| unreadable(&error))?;
    send_text(method, path, &body).await
}

/// Sends a JSON text as it stands and reads a JSON value back; an empty answer reads as `null`.
pub(crate) async fn send_text<T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: &str,
) -> Result<T, Trouble> {
    let text = call(method, path, Some(body), None).await?.text;
    parse(if text.is_empty() { "null" } else { &text })
}

/// Sends a JSON value for the revision of this tag, and reads one back with the tag that it has then. Where the server has
/// another revision, it refuses with 412.
pub(crate) async fn send_for<T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: &impl Serialize,
    tag: &str,
) -> Result<(T, String), Trouble> {
    let body = serde_json::to_string(body).map_err(|error| unreadable(&error))?;
    let answer = call(method, path, Some(&body), Some(tag)).await?;
    Ok((parse(&answer.text)?, answer.tag))
}

/// Tries the draft of the flow at an address, as long as it is of this revision.
pub(crate) async fn try_draft(
    flow: &str,
    wish: &TryDraft,
    tag: &str,
) -> Result<RunSummary, Trouble> {
    let tried = send_for("POST", &format!("{flow}/tries"), wish, tag).await?;
    Ok(tried.0)
}

/// Deletes a thing.
pub(crate) async fn remove(path: &str) -> Result<(), Trouble> {
    call("DELETE", path, None, None).await.map(|_| ())
}

/// One segment or value of a URL.
pub(crate) fn encode(text: &str) -> String {
    encode_uri_component(text).into()
}

/// A success: its text, and the tag of the revision it is about.
struct Answer {
    text: String,
    tag: String,
}

async fn call(
    method: &str,
    path: &str,
    body: Option<&str>,
    tag: Option<&str>,
) -> Result<Answer, Trouble> {
    let offline = |error: JsValue| Trouble::offline(&error);
    let headers = Headers::new().map_err(offline)?;
    headers.set("accept", "application/json").map_err(offline)?;
    let init = RequestInit::new();
    init.set_method(method);
    if let Some(body) = body {
        headers
            .set("content-type", "application/json")
            .map_err(offline)?;
        init.set_body(&JsValue::from_str(body));
    }
    if let Some(tag) = tag {
        headers.set("if-match", tag).map_err(offline)?;
    }
    init.set_headers(&headers);
    let window = web_sys::window().ok_or_else(Trouble::default)?;
    let promise = window.fetch_with_str_and_init(&format!("{BASE}{path}"), &init);
    let response: Response = JsFuture::from(promise)
        .await
        .map_err(offline)?
        .unchecked_into();
    let text = JsFuture::from(response.text().map_err(offline)?)
        .await
        .map_err(offline)?;
    let text = text.as_string().unwrap_or_default();
    let header = |name: &str| response.headers().get(name).ok().flatten();
    if response.ok() {
        return Ok(Answer {
            text,
            tag: header("etag").unwrap_or_default(),
        });
    }
    let request_id = header("x-request-id");
    Err(Trouble::read(response.status(), request_id, &text))
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Trouble> {
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Trouble {
    Trouble {
        title: "The page could not read the answer of the server".to_owned(),
        status: 200,
        detail: format!(
            "The page could not read the answer of the server ({error}). Reload the page: it may be older than the server."
        ),
        ..Trouble::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_read() {
        let trouble = Trouble::read(
            422,
            None,
            r#"{"type":"urn:weir:problem:invalid_document","title":"Invalid","status":422,"detail":"Two problems.",
               "instance":"/api/v1/flows","request_id":"r1",
               "errors":[{"at":"/steps/a","code":"unknown_kind","severity":"error","message":"No kind."}]}"#,
        );
        assert_eq!(trouble.sentence(), "Two problems.");
        assert_eq!(trouble.request_id.as_deref(), Some("r1"));
        assert_eq!(trouble.errors[0].at, "/steps/a");
    }

    #[test]
    fn an_answer_of_another_form_still_says_something() {
        let trouble = Trouble::read(502, Some("r2".into()), "Bad gateway");
        assert_eq!((trouble.sentence(), trouble.status), ("Bad gateway", 502));
        assert_eq!(trouble.request_id.as_deref(), Some("r2"));
        assert!(!trouble.is_offline());
        assert_eq!(Trouble::read(500, None, "").sentence(), "HTTP 500");
    }
}
