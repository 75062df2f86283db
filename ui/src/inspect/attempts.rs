//! The attempts of a step as a timeline: when, how long, what was asked, what came back, and why it failed.

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::failure::Failure;

use crate::{
    api::Attempt,
    clock,
    kit::{
        badge::Badge,
        icon::{Glyph, Icon},
        json::JsonView,
        time::{TimeAgo, Took},
    },
    texts::{fill, texts},
    words,
};

/// The timeline.
#[component]
pub(crate) fn Attempts(attempts: Vec<Attempt>) -> impl IntoView {
    let last = attempts.len().saturating_sub(1);
    let items = attempts
        .into_iter()
        .enumerate()
        .map(|(index, attempt)| item(attempt, index == last));
    view! { <ol class="attempts" data-testid="attempts">{items.collect_view()}</ol> }
}

fn item(attempt: Attempt, last: bool) -> impl IntoView {
    let t = texts();
    let (icon, tone) = match (&attempt.failure, &attempt.ended_at) {
        (Some(_), _) => (Icon::CircleX, "failed"),
        (None, Some(_)) => (Icon::CircleCheck, "succeeded"),
        (None, None) => (Icon::LoaderCircle, "running"),
    };
    let name = if attempt.undo {
        t.run_undo
    } else {
        t.run_attempt
    };
    let name = fill(name, &[("n", &attempt.number.to_string())]);
    let started = attempt
        .started_at
        .as_deref()
        .and_then(clock::parse)
        .map(clock::precise);
    let took = attempt
        .started_at
        .clone()
        .map(|from| view! { <Took from to=attempt.ended_at.clone()/> });
    let status = attempt
        .response
        .as_ref()
        .and_then(|response| response.get("status"))
        .and_then(Value::as_u64);
    let status = status.map(|status| {
        let tone = if status < 400 { "good" } else { "bad" };
        view! { <Badge label=status.to_string() tone/> }
    });
    let retry = attempt.retry_at.clone().filter(|_| last).map(|at| {
        let (before, after) = t
            .run_next_attempt
            .split_once("{when}")
            .unwrap_or((t.run_next_attempt, ""));
        view! { <p class="fine">{before}<TimeAgo at/>{after}</p> }
    });
    view! {
        <li class=format!("attempt {tone}") data-testid="attempt">
            <span class="attempt-mark"><Glyph icon/></span>
            <div class="attempt-body">
                <p class="attempt-head">
                    <strong>{name}</strong>
                    {status}
                    <span class="fine number">{took}</span>
                    <span class="fine number attempt-time">{started}</span>
                </p>
                {attempt.failure.map(failure_lines)}
                {attempt.request.map(|value| exchange(t.run_request, value))}
                {attempt.response.map(|value| exchange(t.run_response, value))}
                {attempt.calls.map(calls)}
                {retry}
            </div>
        </li>
    }
}

/// A request or response, folded: its first line says what it was.
fn exchange(label: &'static str, value: Value) -> impl IntoView {
    let line = first_line(&value);
    folded(label.to_owned(), line, opened(value))
}

fn folded(label: String, line: String, value: Value) -> impl IntoView {
    let open = RwSignal::new(false);
    let (said, value) = (label.clone(), StoredValue::new(value));
    view! {
        <details class="exchange" on:toggle=move |_| open.set(true)>
            <summary>
                <span class="exchange-label">{said}</span>
                <code class="exchange-line">{line}</code>
            </summary>
            <Show when=move || open.get()><JsonView value=value.get_value() label=label.clone()/></Show>
        </details>
    }
}

/// The calls of a script, each with what was asked and answered.
fn calls(calls: Value) -> impl IntoView {
    let Value::Array(calls) = calls else {
        // There were too many to show: how many bytes, and where the whole is.
        return exchange(texts().run_calls, calls).into_any();
    };
    let calls = calls.into_iter().enumerate().map(|(index, call)| {
        let line = call_line(&call);
        let label = fill(texts().run_call, &[("n", &(index + 1).to_string())]);
        folded(label, line, call_opened(call))
    });
    calls.collect_view().into_any()
}

/// `POST https://… 503` for a call.
fn call_line(call: &Value) -> String {
    let parts = ["request", "response"].map(|part| first_line(&call[part]));
    let said: Vec<String> = parts.into_iter().filter(|line| !line.is_empty()).collect();
    said.join(" ")
}

fn call_opened(mut call: Value) -> Value {
    for part in ["request", "response"] {
        if let Some(value) = call.get_mut(part) {
            *value = opened(value.take());
        }
    }
    call
}

/// A body that was recorded as a JSON text, as the value it says.
fn opened(mut value: Value) -> Value {
    if let Some(Value::String(text)) = value.get("body")
        && let Ok(body @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
    {
        value["body"] = body;
    }
    value
}

/// `POST https://…` for a request, `503` for a response.
fn first_line(value: &Value) -> String {
    let text = |key: &str| match value.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    ["method", "status", "url"]
        .into_iter()
        .filter_map(text)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Why one attempt failed, in two lines; the step itself explains the class.
fn failure_lines(failure: Failure) -> impl IntoView {
    let (class, _) = words::class(texts(), failure.class);
    view! {
        <p class="attempt-failure" data-testid="attempt-failure" data-class=failure.class.word()>
            <strong>{class}</strong>
            <span>{failure.message}</span>
        </p>
    }
}

/// Why something failed: the class explained, the sentence that was recorded, and what the other side said.
#[component]
pub(crate) fn FailureNote(failure: Failure) -> impl IntoView {
    let t = texts();
    let (class, meaning) = words::class(t, failure.class);
    let place = failure.at.map(|at| {
        fill(
            t.run_in_script,
            &[
                ("line", &at.line.to_string()),
                ("column", &at.column.to_string()),
            ],
        )
    });
    view! {
        <div class="notice bad" data-testid="failure" data-class=failure.class.word()>
            <p class="notice-title"><Glyph icon=Icon::CircleAlert/>{class}</p>
            <p class="failure-message">{failure.message}</p>
            {place.map(|place| view! { <p class="fine">{place}</p> })}
            <p class="fine">{meaning}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_of_json_are_opened() {
        let body = |text: &str| opened(json!({ "body": text }))["body"].clone();
        assert_eq!(body("{\"a\":1}"), json!({"a": 1}));
        assert_eq!(body("7"), json!("7"));
        assert_eq!(body("{"), json!("{"));
    }

    #[test]
    fn exchanges_are_summed_up_in_a_line() {
        assert_eq!(
            first_line(&json!({"method": "POST", "url": "https://a/b", "body": {}})),
            "POST https://a/b"
        );
        assert_eq!(first_line(&json!({"status": 503, "headers": {}})), "503");
        assert_eq!(first_line(&json!(null)), "");
        let call = json!({ "request": { "method": "GET", "url": "https://a" }, "response": { "status": 404 } });
        assert_eq!(call_line(&call), "GET https://a 404");
        assert_eq!(call_line(&json!({ "request": { "method": "GET" } })), "GET");
    }
}
