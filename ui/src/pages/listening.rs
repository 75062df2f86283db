//! Where a published flow listens now: its addresses, a command to call each, and when it fires next.

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::document::Message;

use crate::{
    api::{FlowSummary, TriggerSummary},
    kit::{button::CopyButton, icon::Glyph, time::TimeAgo},
    texts::texts,
    words,
};

/// The triggers of a flow that has just been published. `message` is one to call it with.
#[component]
pub(crate) fn Listening(summary: FlowSummary, message: Message) -> impl IntoView {
    let t = texts();
    let rows = summary
        .triggers
        .into_iter()
        .map(|trigger| row(trigger, &message))
        .collect::<Vec<_>>();
    view! {
        <section class="listening" data-testid="listening">
            <h3>{t.listening_title}</h3>
            <ul>{rows}</ul>
        </section>
    }
}

fn row(trigger: TriggerSummary, message: &Message) -> impl IntoView + use<> {
    let t = texts();
    let (kind, icon) = words::trigger_kind(t, &trigger.kind);
    let name = if trigger.title.is_empty() {
        kind
    } else {
        trigger.title.clone()
    };
    let origin = window().location().origin().unwrap_or_default();
    let address = trigger.url.as_ref().map(|path| {
        let url = format!("{origin}{path}");
        let command = curl(trigger.method.as_deref().unwrap_or("POST"), &url, message);
        let (copied, told) = (url.clone(), command.clone());
        // Signed messages are not made by hand.
        let call = (trigger.kind == "http").then(|| {
            view! {
                <div class="listening-call">
                    <pre class="curl" tabindex="0" data-testid="curl">{command}</pre>
                    <CopyButton label=t.listening_copy_call text=move || told.clone()/>
                </div>
            }
        });
        view! {
            <p class="listening-address">
                <code class="address">{url}</code>
                <CopyButton label=t.copy_url text=move || copied.clone()/>
            </p>
            {call}
        }
    });
    let next = trigger
        .next_fire
        .map(|at| view! { <p class="fine">{t.flows_column_next}" " <TimeAgo at/></p> });
    view! {
        <li>
            <p class="listening-name"><Glyph icon/><strong>{name}</strong></p>
            {address}
            {next}
        </li>
    }
}

/// A command for a shell that calls an address with a message.
fn curl(method: &str, url: &str, message: &Message) -> String {
    let mut url = url.to_owned();
    for (name, value) in &message.params {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        url = url.replace(&format!("{{{name}}}"), &value);
    }
    let mut command = match method {
        "GET" | "ANY" | "*" => format!("curl {}", quoted(&url)),
        method => format!("curl -X {method} {}", quoted(&url)),
    };
    if method != "GET" && method != "HEAD" && !message.body.is_null() {
        let body = match &message.body {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        command.push_str(" \\\n  -H 'content-type: application/json'");
        command.push_str(&format!(" \\\n  -d {}", quoted(&body)));
    }
    command
}

/// A text that a shell takes as it stands.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(body: Value) -> Message {
        Message {
            body,
            ..Message::default()
        }
    }

    #[test]
    fn a_call_carries_the_message() {
        assert_eq!(
            curl(
                "POST",
                "http://w/in/main/a",
                &message(json!({ "it": "isn't" }))
            ),
            "curl -X POST 'http://w/in/main/a' \\\n  -H 'content-type: application/json' \\\n  -d '{\"it\":\"isn'\\''t\"}'"
        );
        assert_eq!(
            curl("GET", "http://w/in/main/a", &message(json!(1))),
            "curl 'http://w/in/main/a'"
        );
        assert_eq!(
            curl("DELETE", "http://w/x", &message(Value::Null)),
            "curl -X DELETE 'http://w/x'"
        );
    }

    #[test]
    fn parameters_of_the_path_are_filled_in() {
        let with = Message {
            params: [("id".to_owned(), json!("7"))].into_iter().collect(),
            ..Message::default()
        };
        assert_eq!(
            curl("GET", "http://w/in/main/orders/{id}", &with),
            "curl 'http://w/in/main/orders/7'"
        );
    }
}
