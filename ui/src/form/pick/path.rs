//! Picking a JSONPath out of the sample: what is known of the input as a tree, each part of which can be taken.

use leptos::prelude::*;
use serde_json::Value;

use crate::{
    form::{
        code::{self, Computes, Look},
        reading::Spelling,
        slot::Slot,
    },
    kit::{
        code::Tongue,
        icon::{Glyph, Icon},
    },
    texts::{count, texts},
};

/// How much of a value is shown beside its name.
const PREVIEW: usize = 40;
/// How many keys of one object are listed.
const MOST: usize = 200;

/// A JSONPath into the input, typed or picked.
pub(crate) fn json_path(slot: &Slot) -> AnyView {
    let (scope, desk) = (slot.scope, slot.desk);
    let open = RwSignal::new(false);
    let picked = slot.clone();
    let tree = move || {
        if !open.get() {
            return ().into_any();
        }
        let input = scope.with(|scope| scope.as_ref().map(|scope| scope.input.clone()));
        match input.filter(|input| !input.is_null()) {
            None => view! { <p class="form-help">{desk.no_sample()}</p> }.into_any(),
            Some(input) => {
                let slot = picked.clone();
                let take = Callback::new(move |path: String| {
                    slot.put(Some(path.into()));
                    open.set(false);
                });
                view! { <ul class="path-tree" data-testid="path-tree">{branches(&parts("$", &input), take)}</ul> }
                    .into_any()
            }
        }
    };
    let look = Look {
        spelling: Spelling::Kind,
        tongue: Tongue::Rhai,
        computes: Computes::Path,
        tall: false,
    };
    view! {
        {code::code(slot, look)}
        <button
            type="button"
            class="button quiet small"
            data-testid="path-pick"
            aria-expanded=move || if open.get() { "true" } else { "false" }
            on:click=move |_| open.update(|open| *open = !*open)
        >
            <Glyph icon=Icon::Search size=14/>
            <span>{texts().pick_path}</span>
        </button>
        {tree}
    }
    .into_any()
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    /// What it is called where it stands.
    name: String,
    path: String,
    preview: String,
    value: Value,
}

/// The parts of a value, with their paths.
fn parts(path: &str, value: &Value) -> Vec<Part> {
    let part = |name: String, path: String, value: &Value| Part {
        preview: preview(value),
        value: value.clone(),
        name,
        path,
    };
    match value {
        Value::Object(map) => map
            .iter()
            .take(MOST)
            .map(|(key, value)| part(key.clone(), member(path, key), value))
            .collect(),
        // Of a list usually all items are wanted, and else the first.
        Value::Array(items) => items
            .first()
            .into_iter()
            .flat_map(|first| {
                [
                    part(texts().pick_each.to_owned(), format!("{path}[*]"), first),
                    part("[0]".to_owned(), format!("{path}[0]"), first),
                ]
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The path of a member: in brackets where its name needs them (RFC 9535).
fn member(path: &str, key: &str) -> String {
    let plain =
        |first: bool, c: char| c == '_' || c.is_alphabetic() || !first && c.is_ascii_digit();
    let short = !key.is_empty()
        && key
            .chars()
            .enumerate()
            .all(|(index, c)| plain(index == 0, c));
    if short {
        format!("{path}.{key}")
    } else {
        format!(
            "{path}['{}']",
            key.replace('\\', "\\\\").replace('\'', "\\'")
        )
    }
}

fn preview(value: &Value) -> String {
    match value {
        Value::Object(map) => count(
            map.len() as u64,
            texts().pick_keys_one,
            texts().pick_keys_many,
        ),
        Value::Array(items) => count(
            items.len() as u64,
            texts().json_items_one,
            texts().json_items_many,
        ),
        other => {
            let text = other.to_string();
            match text.char_indices().nth(PREVIEW) {
                Some((cut, _)) => format!("{}…", &text[..cut]),
                None => text,
            }
        }
    }
}

fn branches(parts: &[Part], take: Callback<String>) -> AnyView {
    parts
        .iter()
        .map(|part| {
            let path = part.path.clone();
            let inner = StoredValue::new(part.clone());
            let open = RwSignal::new(false);
            let deep = matches!(&part.value, Value::Object(map) if !map.is_empty())
                || matches!(&part.value, Value::Array(items) if !items.is_empty());
            let fold = deep.then(|| {
                view! {
                    <button
                        type="button"
                        class="path-fold"
                        aria-label=part.name.clone()
                        aria-expanded=move || if open.get() { "true" } else { "false" }
                        on:click=move |_| open.update(|open| *open = !*open)
                    >
                        <Glyph icon=Icon::ChevronRight size=14/>
                    </button>
                }
            });
            let below = move || {
                open.get().then(|| {
                    let parts = inner.with_value(|part| self::parts(&part.path, &part.value));
                    view! { <ul>{branches(&parts, take)}</ul> }
                })
            };
            view! {
                <li>
                    <span class="path-row">
                        {fold}
                        <button type="button" class="path-take" title=path.clone() data-path=path.clone() on:click={
                            let path = path.clone();
                            move |_| take.run(path.clone())
                        }>
                            <span class="mono">{part.name.clone()}</span>
                            <span class="fine">{part.preview.clone()}</span>
                        </button>
                    </span>
                    {below}
                </li>
            }
        })
        .collect_view()
        .into_any()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::script::path::Path;

    use super::*;

    #[test]
    fn every_path_finds_its_part() {
        let value = json!({ "a": 1, "über": 2, "b-c": { "it's": [ { "sku": "x" }, { "sku": "y" } ] }, "": 3, "1": 4 });
        let mut waiting = parts("$", &value);
        let mut seen = 0;
        while let Some(part) = waiting.pop() {
            let path = Path::parse(&part.path).unwrap();
            assert_eq!(path.first(&value), Some(&part.value), "{}", part.path);
            waiting.extend(parts(&part.path, &part.value));
            seen += 1;
        }
        assert_eq!(seen, 10);
    }
}
