//! What an expression, a script or a path gives for the sample, computed by the lab while a person types.

use std::{sync::Arc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use serde_json::Value;
use weir_flows::document::{Link, Slug};

use crate::{
    clock,
    editor::{Desk, Sample},
    kit::{
        icon::{Glyph, Icon},
        json::JsonView,
    },
    lab::{self, Evaluate, Mistake, Scope, Source},
    texts::{Texts, count, fill, texts},
};

/// How long the page waits after a key before it computes.
const CALM: Duration = Duration::from_millis(150);

/// A value of up to so many characters is shown in one line.
const SHORT: usize = 60;

/// What is known of a value that is computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Outcome {
    /// There is nothing to compute.
    #[default]
    Nothing,
    /// There are no values to compute with.
    NoSample,
    /// The first answer is on its way.
    Waiting,
    Gave(Value),
    Wrong(Mistake),
    /// The lab itself is in trouble.
    Trouble(String),
}

/// What scripts of a card see; nothing where there is no sample.
pub(super) fn scope_of(desk: Desk, card: Option<Slug>) -> Memo<Option<Arc<Scope>>> {
    // What a card sees changes with the links of the flow, not with every letter in it.
    let drawn = Memo::new(move |_| {
        desk.drawn.with(|flow| {
            let triggers: Vec<Slug> = flow.triggers.keys().cloned().collect();
            (triggers, flow.links.clone())
        })
    });
    Memo::new(move |_| {
        let card = card.as_ref()?;
        drawn.with(|_: &(Vec<Slug>, Vec<Link>)| ());
        desk.sample.track();
        let scope = untrack(|| desk.sampled_here(|sample, ground| sample.scope(ground, card)));
        scope.map(Arc::new)
    })
}

/// Whether a sample holds no value at all.
pub(crate) fn is_empty(sample: &Sample) -> bool {
    sample.trigger.is_null() && sample.steps.is_empty()
}

/// Computes a source against a scope whenever one of them changes, some moments after the last change. `key` tells
/// this place from others; an answer to an older question is dropped.
pub(crate) fn computed(
    key: String,
    source: impl Fn() -> Option<Source> + Send + Sync + 'static,
    scope: Signal<Option<Arc<Scope>>>,
) -> RwSignal<Outcome> {
    let outcome = RwSignal::new(Outcome::Nothing);
    let source = Memo::new(move |_| source());
    let timer: StoredValue<Option<TimeoutHandle>> = StoredValue::new(None);
    let stop = move || {
        if let Some(Some(timer)) = timer.try_update_value(Option::take) {
            timer.clear();
        }
    };
    Effect::new(move |before: Option<()>| {
        stop();
        let Some(source) = source.get() else {
            return outcome.set(Outcome::Nothing);
        };
        let Some(scope) = scope.get() else {
            return outcome.set(Outcome::NoSample);
        };
        if outcome.with_untracked(|outcome| matches!(outcome, Outcome::Nothing | Outcome::NoSample))
        {
            outcome.set(Outcome::Waiting);
        }
        let key = key.clone();
        let ask = move || {
            spawn_local(async move {
                let scope = Scope {
                    now_ms: clock::now() as i64,
                    ..(*scope).clone()
                };
                let new = match lab::ask(&key, Evaluate { source, scope }).await {
                    Ok(Ok(value)) => Outcome::Gave(value),
                    Ok(Err(mistake)) => Outcome::Wrong(mistake),
                    Err(trouble) => match trouble.sentence(texts()) {
                        Some(sentence) => Outcome::Trouble(sentence),
                        None => return,
                    },
                };
                outcome.try_set(new);
            });
        };
        // What stands there when the form opens is computed at once.
        let wait = if before.is_none() {
            Duration::ZERO
        } else {
            CALM
        };
        timer.set_value(set_timeout_with_handle(ask, wait).ok());
    });
    on_cleanup(stop);
    outcome
}

/// The line below an expression: what it gives, what is wrong with it, or how to get a sample.
#[component]
pub(crate) fn Computed(
    desk: Desk,
    /// The id by which the field names it.
    id: String,
    outcome: RwSignal<Outcome>,
    /// Whether it is a path, whose answer tells all that it found.
    #[prop(optional)]
    path: bool,
) -> impl IntoView {
    let t = texts();
    let shown = move || match outcome.get() {
        Outcome::Nothing => ().into_any(),
        Outcome::NoSample => view! { <p class="computed none">{desk.no_sample()}</p> }.into_any(),
        Outcome::Waiting => view! { <p class="computed none">{t.form_computing}</p> }.into_any(),
        Outcome::Gave(value) if path => found(t, &value),
        Outcome::Gave(value) => gave(t, value, t.form_gives),
        Outcome::Wrong(mistake) => {
            let place = (mistake.line > 0).then(|| place(t, &mistake));
            view! {
                <p class="computed bad" data-testid="mistake">
                    <Glyph icon=Icon::CircleAlert size=14/>
                    <span>{mistake.message} {place.map(|place| view! { <span class="computed-place">" " {place}</span> })}</span>
                </p>
            }
            .into_any()
        }
        Outcome::Trouble(sentence) => view! { <p class="computed none">{sentence}</p> }.into_any(),
    };
    view! { <div id=id class="computed-line" aria-live="polite">{shown}</div> }
}

/// Where a mistake is.
fn place(t: &Texts, mistake: &Mistake) -> String {
    fill(
        t.form_place,
        &[
            ("line", &mistake.line.to_string()),
            ("column", &mistake.column.to_string()),
        ],
    )
}

/// A value with a word before it: short ones in a line, others as a tree that is folded.
fn gave(t: &'static Texts, value: Value, word: &'static str) -> AnyView {
    match short(&value) {
        Some(text) => view! {
            <p class="computed" data-testid="computed">
                <span class="computed-word">{word}</span>
                <code>{text}</code>
            </p>
        }
        .into_any(),
        None => {
            let summary = summary(t, &value);
            view! {
                <details class="computed-fold" data-testid="computed">
                    <summary><span class="computed-word">{word}</span><code>{summary}</code></summary>
                    <JsonView value label=word/>
                </details>
            }
            .into_any()
        }
    }
}

/// What a path found.
fn found(t: &'static Texts, answer: &Value) -> AnyView {
    let items = answer.get("found").and_then(Value::as_array);
    let single = answer.get("singular").and_then(Value::as_bool) == Some(true);
    match items.map(Vec::as_slice).unwrap_or_default() {
        [] => view! { <p class="computed none" data-testid="computed">{t.form_found_nothing}</p> }
            .into_any(),
        [one] if single => gave(t, one.clone(), t.form_finds),
        items => gave(t, Value::Array(items.to_vec()), t.form_finds),
    }
}

/// A value in one line, if it is short.
fn short(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) if text.len() > 4 * SHORT || text.contains('\n') => return None,
        Value::Array(items) if items.len() > SHORT => return None,
        Value::Object(entries) if entries.len() > SHORT => return None,
        value => value.to_string(),
    };
    (text.chars().count() <= SHORT).then_some(text)
}

/// What a long value says while it is folded.
fn summary(t: &Texts, value: &Value) -> String {
    match value {
        Value::Array(items) => count(items.len() as u64, t.json_items_one, t.json_items_many),
        Value::Object(entries) => {
            let names: Vec<&str> = entries.keys().map(String::as_str).take(8).collect();
            let cut: String = names.join(", ").chars().take(SHORT).collect();
            format!(
                "{{ {cut}{} }}",
                if cut.len() < names.join(", ").len() || entries.len() > 8 {
                    "…"
                } else {
                    ""
                }
            )
        }
        Value::String(text) => {
            let cut: String = text.chars().take(SHORT).collect();
            format!("{cut:?}…")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::ENGLISH;

    #[test]
    fn short_values_stand_in_a_line_and_long_ones_are_summed_up() {
        assert_eq!(short(&json!({ "a": 1 })).as_deref(), Some("{\"a\":1}"));
        assert_eq!(short(&json!("two\nlines")), None);
        let long: Value = (0..80).collect();
        assert_eq!(short(&long), None);
        assert_eq!(summary(&ENGLISH, &long), "80 items");
        assert_eq!(
            summary(&ENGLISH, &json!({ "name": "x", "other": 1 })),
            "{ name, other }"
        );
        let wide = json!({ "a".repeat(50): 1, "b".repeat(50): 1 });
        assert!(summary(&ENGLISH, &wide).ends_with("… }"));
    }
}
