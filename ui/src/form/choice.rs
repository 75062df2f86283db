//! Fields that a person chooses in: yes or no, one of several words, some of several words.

use leptos::prelude::*;
use serde_json::{Value, json};
use weir_flows::catalog::Choice;

use super::slot::Slot;
use crate::texts::{Texts, fill, texts};

/// What one entry of a choice stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pick {
    /// What the document holds; nothing where its key is absent.
    pub(crate) value: Option<Value>,
    pub(crate) label: String,
}

/// The entries of a field that holds one of these words: absent first, and last what the document holds if it is none
/// of them.
pub(crate) fn picks(
    t: &Texts,
    words: &[Choice],
    default: Option<&Value>,
    held: Option<&Value>,
) -> Vec<Pick> {
    let named = |value: &Value| {
        let word = words.iter().find(|choice| *value == *choice.word);
        word.map_or_else(
            || plain(value),
            |choice| choice.title.of(t.language).to_owned(),
        )
    };
    let absent = match default {
        Some(default) => fill(t.form_default, &[("value", &named(default))]),
        None => t.form_none_chosen.to_owned(),
    };
    let mut picks = vec![Pick {
        value: None,
        label: absent,
    }];
    picks.extend(words.iter().map(|choice| Pick {
        value: Some(json!(choice.word)),
        label: choice.title.of(t.language).to_owned(),
    }));
    keep(&mut picks, held);
    picks
}

/// The entries of a field that is yes, no or absent.
pub(crate) fn yes_no(
    t: &Texts,
    default: Option<&Value>,
    absent: Option<&str>,
    held: Option<&Value>,
) -> Vec<Pick> {
    let word = |flag: bool| if flag { t.yes } else { t.no };
    let absent = match (absent, default.and_then(Value::as_bool)) {
        (Some(words), _) => words.to_owned(),
        (None, Some(flag)) => fill(t.form_default, &[("value", word(flag))]),
        (None, None) => t.form_none_chosen.to_owned(),
    };
    let entry = |value: Option<bool>, label: String| Pick {
        value: value.map(Value::Bool),
        label,
    };
    let mut picks = vec![
        entry(None, absent),
        entry(Some(true), t.yes.to_owned()),
        entry(Some(false), t.no.to_owned()),
    ];
    keep(&mut picks, held);
    picks
}

/// Adds what the document holds, where it is none of the entries.
pub(crate) fn keep(picks: &mut Vec<Pick>, held: Option<&Value>) {
    if picks.iter().all(|pick| pick.value.as_ref() != held) {
        picks.extend(held.map(|value| Pick {
            value: Some(value.clone()),
            label: plain(value),
        }));
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        other => other.to_string(),
    }
}

/// A field that holds one of some entries.
pub(crate) fn select(
    slot: &Slot,
    picks: impl Fn(Option<&Value>) -> Vec<Pick> + Send + Sync + 'static,
) -> AnyView {
    let value = slot.value;
    let picks = Memo::new(move |_| value.with(|value| picks(value.as_ref())));
    let (invalid, chosen) = (slot.invalid(), slot.clone());
    let choose = move |index: String| {
        let pick = index
            .parse::<usize>()
            .ok()
            .and_then(|index| picks.with_untracked(|picks| picks.get(index).cloned()));
        if let Some(pick) = pick {
            chosen.put(pick.value);
        }
    };
    let options = move || {
        let held = value.get();
        let entries = picks.get().into_iter().enumerate();
        entries
            .map(|(index, pick)| {
                let chosen = pick.value == held;
                view! { <option value=index.to_string() selected=chosen>{pick.label}</option> }
            })
            .collect_view()
    };
    let empty = move || value.with(Option::is_none);
    view! {
        <span class="select">
            <select
                id=slot.id.clone()
                class="input"
                class:unset=empty
                aria-invalid=move || invalid.get().then_some("true")
                aria-describedby=slot.described_by()
                on:change:target=move |event| choose(event.target().value())
            >
                {options}
            </select>
        </span>
    }
    .into_any()
}

/// A field that holds one of the words that the catalog names.
pub(crate) fn words(slot: &Slot, words: Vec<Choice>) -> AnyView {
    let default = slot.field.default.clone();
    select(slot, move |held| {
        picks(texts(), &words, default.as_ref(), held)
    })
}

/// A field of yes or no. Where the catalog says what counts without it, it is a switch; `absent` says what no choice
/// means where that depends.
pub(crate) fn flag(slot: &Slot, absent: Option<&'static str>) -> AnyView {
    let default = slot.field.default.clone();
    match default.as_ref().and_then(Value::as_bool) {
        Some(usual) if absent.is_none() => switch(slot, usual),
        _ => select(slot, move |held| {
            yes_no(texts(), default.as_ref(), absent, held)
        }),
    }
}

fn switch(slot: &Slot, usual: bool) -> AnyView {
    let t = texts();
    let value = slot.value;
    let on = move || value.with(|value| value.as_ref().and_then(Value::as_bool).unwrap_or(usual));
    let (invalid, chosen) = (slot.invalid(), slot.clone());
    let toggle =
        move |checked: bool| chosen.put((checked != usual).then_some(Value::Bool(checked)));
    view! {
        <span class="switch">
            <input
                id=slot.id.clone()
                type="checkbox"
                role="switch"
                aria-invalid=move || invalid.get().then_some("true")
                aria-describedby=slot.described_by()
                prop:checked=on
                on:change:target=move |event| toggle(event.target().checked())
            />
            <span class="switch-word" aria-hidden="true">{move || if on() { t.yes } else { t.no }}</span>
        </span>
    }
    .into_any()
}

/// A field that holds a list of some of these words. `usual` are those that count where the list is absent.
pub(crate) fn several(
    slot: &Slot,
    entries: Vec<(String, String, String)>,
    usual: Vec<String>,
) -> AnyView {
    let value = slot.value;
    let order: Vec<String> = entries.iter().map(|(word, ..)| word.clone()).collect();
    let boxes = entries.into_iter().map(|(word, label, hint)| {
        let (slot, order, usual) = (slot.clone(), order.clone(), usual.clone());
        let checked = {
            let (word, usual) = (word.clone(), usual.clone());
            move || value.with(|value| chosen(value.as_ref(), &usual).contains(&word))
        };
        let toggle = move |on: bool| {
            let held = value.get_untracked();
            let next = toggled(chosen(held.as_ref(), &usual), &word, on, &order);
            slot.put((next != usual).then(|| json!(next)));
        };
        view! {
            <label class="check" title=hint>
                <input type="checkbox" prop:checked=checked on:change:target=move |event| toggle(event.target().checked())/>
                <span>{label}</span>
            </label>
        }
    });
    view! {
        <div class="checks" id=slot.id.clone() role="group" aria-labelledby=format!("{}-label", slot.id)>
            {boxes.collect_view()}
        </div>
    }
    .into_any()
}

/// The words that are chosen.
fn chosen(held: Option<&Value>, usual: &[String]) -> Vec<String> {
    match held.and_then(Value::as_array) {
        Some(words) => words
            .iter()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect(),
        None => usual.to_vec(),
    }
}

/// The chosen words after one was switched, in their usual order.
fn toggled(chosen: Vec<String>, word: &str, on: bool, order: &[String]) -> Vec<String> {
    order
        .iter()
        .filter(|known| {
            if known.as_str() == word {
                on
            } else {
                chosen.contains(known)
            }
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use weir_flows::catalog::choice;

    use super::*;
    use crate::texts::{ENGLISH, GERMAN};

    #[test]
    fn a_choice_says_what_counts_where_nothing_is_chosen() {
        let words = [
            choice("first", "First", "Der erste"),
            choice("all", "All", "Alle"),
        ];
        let labels = |t: &Texts, default: Option<Value>, held: Option<Value>| {
            picks(t, &words, default.as_ref(), held.as_ref())
                .into_iter()
                .map(|pick| pick.label)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            labels(&ENGLISH, Some(json!("first")), None),
            ["First (default)", "First", "All"]
        );
        assert_eq!(
            labels(&GERMAN, None, Some(json!("all"))),
            ["nicht gewählt", "Der erste", "Alle"]
        );
        let strange = labels(&ENGLISH, None, Some(json!("none")));
        assert_eq!(strange.last().map(String::as_str), Some("none"));
    }

    #[test]
    fn yes_and_no_have_a_third() {
        let labels = |default: Option<Value>, absent| {
            yes_no(&ENGLISH, default.as_ref(), absent, None)
                .into_iter()
                .map(|pick| pick.label)
                .collect::<Vec<_>>()
        };
        assert_eq!(labels(Some(json!(true)), None)[0], "yes (default)");
        assert_eq!(labels(None, Some("it depends"))[0], "it depends");
        assert_eq!(yes_no(&ENGLISH, None, None, Some(&json!("x"))).len(), 4);
    }

    #[test]
    fn words_are_switched_in_their_order() {
        let order = ["a", "b", "c"].map(str::to_owned);
        let usual = ["c", "a"].map(str::to_owned);
        let now = chosen(None, &usual);
        assert_eq!(toggled(now.clone(), "b", true, &order), ["a", "b", "c"]);
        assert_eq!(toggled(now, "c", false, &order), ["a"]);
        assert_eq!(chosen(Some(&json!(["b", 1])), &usual), ["b"]);
    }
}
