//! A JSON value as a tree that opens piece by piece, so that a large one costs no more than what is looked at.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::problem::pointer;

use super::{
    button::CopyButton,
    icon::{Glyph, Icon},
};
use crate::texts::{Texts, count, fill, texts};

/// How many children are drawn at once.
const CHUNK: usize = 100;
/// How many characters of a text are drawn before someone asks for all.
const TEXT: usize = 400;
/// A value with more nodes than this is not opened as a whole.
const WHOLE: usize = 2_000;

/// A value with its tools: copy, open and close everything.
#[component]
pub(crate) fn JsonView(value: Value, #[prop(into)] label: String) -> impl IntoView {
    let t = texts();
    let size = nodes(&value, WHOLE + 1);
    let deep = size > 1
        && size <= WHOLE
        && value
            .as_object()
            .is_none_or(|map| map.values().any(is_branch));
    let root = Arc::new(value);
    let copied = root.clone();
    let copy = move || serde_json::to_string_pretty(&*copied).unwrap_or_default();
    let all: RwSignal<Option<bool>> = RwSignal::new(None);
    let toggle = move |_| all.update(|all| *all = Some(*all != Some(true)));
    view! {
        <div class="json" role="group" aria-label=label>
            <div class="json-tools">
                {deep.then(|| view! {
                    <button type="button" class="button quiet small" on:click=toggle>
                        {move || if all.get() == Some(true) { t.json_collapse } else { t.json_expand }}
                    </button>
                })}
                <CopyButton text=copy/>
            </div>
            <div class="json-tree">{node(root, String::new(), None, 0, all)}</div>
        </div>
    }
}

/// One value with its key, if it has one.
fn node(
    root: Arc<Value>,
    at: String,
    key: Option<String>,
    depth: usize,
    all: RwSignal<Option<bool>>,
) -> AnyView {
    let Some(value) = root.pointer(&at) else {
        return ().into_any();
    };
    let key = key.map(
        |key| view! { <span class="json-key">{key}</span><span class="json-mark">": "</span> },
    );
    let children = match value {
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    };
    if children == 0 {
        return view! { <div class="json-row">{key}{leaf(value)}</div> }.into_any();
    }
    let open = RwSignal::new(
        depth == 0 || (depth == 1 && children <= 12) || all.get_untracked() == Some(true),
    );
    Effect::new(move || {
        if let Some(all) = all.get() {
            open.set(all || depth == 0);
        }
    });
    let summary = summary(texts(), value);
    let inner = move || {
        let root = root.clone();
        let at = at.clone();
        open.get().then(move || kids(root, at, depth, all))
    };
    view! {
        <div class="json-branch">
            <button
                type="button"
                class="json-row json-fold"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <Glyph icon=Icon::ChevronRight size=12/>
                {key}
                <span class="json-sum">{summary}</span>
            </button>
            {inner}
        </div>
    }
    .into_any()
}

/// The children of an opened value, a chunk at a time.
fn kids(root: Arc<Value>, at: String, depth: usize, all: RwSignal<Option<bool>>) -> AnyView {
    let shown = RwSignal::new(CHUNK);
    let keys: Vec<String> = match root.pointer(&at) {
        Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let total = keys.len();
    view! {
        <div class="json-kids">
            <For
                each={
                    let keys = keys.clone();
                    move || keys.iter().take(shown.get()).cloned().collect::<Vec<_>>()
                }
                key=String::clone
                let:key
            >
                {node(root.clone(), pointer(&at, &key), Some(key), depth + 1, all)}
            </For>
            <Show when=move || shown.get() < total>
                <button type="button" class="button quiet small" on:click=move |_| shown.update(|shown| *shown += CHUNK)>
                    {move || fill(texts().json_more, &[("n", &(total - shown.get().min(total)).to_string())])}
                </button>
            </Show>
        </div>
    }
    .into_any()
}

fn leaf(value: &Value) -> AnyView {
    let t = texts();
    match value {
        Value::Null => view! { <span class="json-null">"null"</span> }.into_any(),
        Value::Bool(flag) => {
            view! { <span class="hl-keyword">{flag.to_string()}</span> }.into_any()
        }
        Value::Number(number) => {
            view! { <span class="hl-number">{number.to_string()}</span> }.into_any()
        }
        Value::String(text) if text.is_empty() => {
            view! { <span class="json-null">{t.json_empty_text}</span> }.into_any()
        }
        Value::String(text) => long_text(text.clone()),
        Value::Array(_) => view! { <span class="json-mark">"[ ]"</span> }.into_any(),
        Value::Object(_) => view! { <span class="json-mark">"{ }"</span> }.into_any(),
    }
}

/// A text, cut where it is long.
fn long_text(text: String) -> AnyView {
    let Some((cut, _)) = text.char_indices().nth(TEXT) else {
        return view! { <span class="json-text hl-text">{text}</span> }.into_any();
    };
    let whole = RwSignal::new(false);
    let label = fill(
        texts().json_whole_text,
        &[("n", &text.chars().count().to_string())],
    );
    let shown = move || {
        if whole.get() {
            text.clone()
        } else {
            format!("{}…", &text[..cut])
        }
    };
    view! {
        <span class="json-text hl-text">{shown}</span>
        <Show when=move || !whole.get()>
            <button type="button" class="button quiet small" on:click=move |_| whole.set(true)>{label.clone()}</button>
        </Show>
    }
    .into_any()
}

/// What a closed value says about itself: how many items, or how many keys.
fn summary(t: &Texts, value: &Value) -> String {
    match value {
        Value::Array(items) => format!(
            "[ {} ]",
            count(items.len() as u64, t.json_items_one, t.json_items_many)
        ),
        Value::Object(map) => format!(
            "{{ {} }}",
            count(map.len() as u64, t.json_keys_one, t.json_keys_many)
        ),
        _ => String::new(),
    }
}

fn is_branch(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    }
}

/// How many values a value consists of, counted up to a limit.
fn nodes(value: &Value, limit: usize) -> usize {
    let mut open = vec![value];
    let mut seen = 0;
    while let Some(value) = open.pop() {
        seen += 1;
        if seen >= limit {
            break;
        }
        match value {
            Value::Array(items) => open.extend(items.iter().take(limit)),
            Value::Object(map) => open.extend(map.values().take(limit)),
            _ => (),
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::{ENGLISH, GERMAN};

    #[test]
    fn nodes_are_counted_up_to_a_limit() {
        assert_eq!(nodes(&json!({"a": [1, 2], "b": {}}), 100), 5);
        assert_eq!(nodes(&json!(vec![0; 5_000]), 100), 100);
    }

    #[test]
    fn closed_values_say_how_much_is_in_them() {
        assert_eq!(summary(&ENGLISH, &json!([1])), "[ 1 item ]");
        assert_eq!(
            summary(&GERMAN, &json!({"a": 1, "b": 2})),
            "{ 2 Schlüssel }"
        );
    }
}
