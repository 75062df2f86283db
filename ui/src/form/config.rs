//! The form of a catalog entry: its connection and its fields, the advanced ones folded.

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::{
    catalog::{Entry, Field, FieldKind, Presence},
    problem::pointer,
};

use super::{
    field::{FieldView, Framed},
    phrases::said,
    pick,
    slot::{Sheet, Slot},
};
use crate::{
    kit::{
        button::{Button, Weight},
        icon::Icon,
    },
    texts::{fill, texts},
};

/// Fields one below the other; the advanced ones wait in a fold.
pub(crate) fn fields_view(slots: Vec<Slot>) -> AnyView {
    let (advanced, plain): (Vec<_>, Vec<_>) =
        slots.into_iter().partition(|slot| slot.field.advanced);
    view! {
        {plain.into_iter().map(|slot| view! { <FieldView of=slot/> }).collect_view()}
        {more(advanced)}
    }
    .into_any()
}

/// The settings of a kind: `base` is the place, within the sheet, of what has the kind.
pub(crate) fn entry_view(sheet: Sheet, base: &'static str, entry: &Entry) -> AnyView {
    let connection = connection(sheet, base, entry);
    let config = format!("{base}/config");
    let mut fields = Vec::new();
    let mut advanced = Vec::new();
    let mut exclusive = Some(exclusive(sheet, base, entry));
    for field in &entry.fields {
        if is_exclusive(entry, field) {
            fields.extend(exclusive.take());
        } else {
            let slot = sheet.slot(&pointer(&config, &field.name), field.clone());
            if field.advanced {
                advanced.push(slot);
            } else {
                fields.push(view! { <FieldView of=slot/> }.into_any());
            }
        }
    }
    let nothing = entry.fields.is_empty().then(|| {
        view! { <p class="form-help">{texts().panel_no_config}</p> }
    });
    view! {
        {connection}
        {fields}
        {nothing}
        {more(advanced)}
        {strangers(sheet, config, entry)}
    }
    .into_any()
}

/// The places of an entry's fields within the document.
pub(crate) fn places(at: &str, entry: &Entry) -> Vec<String> {
    let config = format!("{at}/config");
    let fields = entry
        .fields
        .iter()
        .map(|field| pointer(&config, &field.name));
    let connection = match presence(entry) {
        Presence::Unused => None,
        Presence::Needed | Presence::Allowed => Some(format!("{at}/connection")),
    };
    fields.chain(connection).collect()
}

fn presence(entry: &Entry) -> Presence {
    entry
        .action
        .as_ref()
        .map_or(Presence::Unused, |action| action.connection)
}

fn connection(sheet: Sheet, base: &str, entry: &Entry) -> Option<AnyView> {
    let presence = presence(entry);
    if presence == Presence::Unused {
        return None;
    }
    let field = Field {
        required: presence == Presence::Needed,
        ..Field::new(
            "connection",
            said(|t| t.panel_connection),
            FieldKind::Text,
            said(|t| t.form_connection_help),
        )
    };
    let slot = sheet.slot(&format!("{base}/connection"), field);
    let inner = slot.clone();
    Some(view! { <Framed of=slot control=move || pick::connection(&inner)/> }.into_any())
}

fn is_exclusive(entry: &Entry, field: &Field) -> bool {
    entry.exactly_one.contains(&field.name)
}

/// The fields of which exactly one must be there: a choice of which, and that one.
fn exclusive(sheet: Sheet, base: &str, entry: &Entry) -> AnyView {
    let t = texts();
    let config = format!("{base}/config");
    let fields: Vec<Field> = entry
        .fields
        .iter()
        .filter(|field| is_exclusive(entry, field))
        .cloned()
        .collect();
    let ats: Vec<String> = fields
        .iter()
        .map(|field| pointer(&config, &field.name))
        .collect();
    let news: Vec<Option<Value>> = fields
        .iter()
        .map(|field| {
            field
                .example
                .clone()
                .filter(|_| matches!(field.kind, FieldKind::Group(_)))
        })
        .collect();
    let beside: Vec<bool> = fields.iter().map(|field| field.beside_connection).collect();
    let connected = format!("{base}/connection");
    let wished: RwSignal<Option<usize>> = RwSignal::new(None);
    let shown = {
        let ats = ats.clone();
        Memo::new(move |_| {
            let held: Vec<bool> = ats.iter().map(|at| sheet.has(at)).collect();
            shown(&held, &beside, sheet.has(&connected), wished.get())
        })
    };
    // What one of them held comes back when it is chosen again.
    let parked: StoredValue<Vec<(usize, Value)>> = StoredValue::new(Vec::new());
    let choose = {
        let ats = ats.clone();
        move |index: usize| {
            let held: Vec<Option<Value>> =
                ats.iter().map(|at| untrack(|| sheet.value(at))).collect();
            let missing = held.get(index).is_none_or(Option::is_none);
            let mut edits = Vec::new();
            for (other, value) in held.into_iter().enumerate() {
                if let Some(value) = value.filter(|_| other != index) {
                    parked.update_value(|parked| {
                        parked.retain(|(known, _)| *known != other);
                        parked.push((other, value));
                    });
                    edits.push((ats[other].clone(), None));
                }
            }
            let known = parked.with_value(|parked| {
                let kept = parked.iter().find(|(known, _)| *known == index);
                kept.map(|(_, value)| value.clone())
            });
            // A group says by its presence that it is meant.
            let known = known.or_else(|| news[index].clone());
            if missing && known.is_some() {
                edits.push((ats[index].clone(), known));
            }
            wished.set(Some(index));
            sheet.put_all(edits);
        }
    };
    let name = format!("one-of-{}", sheet.part().at().replace('/', "-") + base);
    let segments = fields
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let choose = choose.clone();
            view! {
                <label class="one-of-choice">
                    <input
                        type="radio"
                        name=name.clone()
                        prop:checked=move || shown.with(|shown| shown.contains(&index))
                        on:change=move |_| choose(index)
                    />
                    <span>{field.title.of(t.language).to_owned()}</span>
                </label>
            }
        })
        .collect_view();
    let slots: Vec<Slot> = fields
        .into_iter()
        .zip(&ats)
        .map(|(field, at)| sheet.slot(at, field))
        .collect();
    let slots = StoredValue::new(slots);
    view! {
        <div class="form-one-of">
            <div class="one-of" role="radiogroup" aria-label=t.form_one_of>{segments}</div>
            <For each=move || shown.get() key=|index| *index let:index>
                {slots.with_value(|slots| slots.get(index).cloned()).map(|slot| view! { <FieldView of=slot/> })}
            </For>
        </div>
    }
    .into_any()
}

/// Which of several fields that exclude each other are shown: those that are there, else the one that was chosen, else
/// the one that fits to whether there is a connection.
fn shown(
    held: &[bool],
    beside_connection: &[bool],
    connected: bool,
    wished: Option<usize>,
) -> Vec<usize> {
    let there: Vec<usize> = (0..held.len()).filter(|index| held[*index]).collect();
    if !there.is_empty() {
        return there;
    }
    let fitting = || {
        beside_connection
            .iter()
            .position(|beside| *beside == connected)
    };
    vec![wished.or_else(fitting).unwrap_or(0)]
}

/// The advanced fields, folded until one is set or someone asks.
fn more(slots: Vec<Slot>) -> Option<AnyView> {
    if slots.is_empty() {
        return None;
    }
    let t = texts();
    let set = {
        let values: Vec<_> = slots.iter().map(|slot| slot.value).collect();
        Memo::new(move |_| values.iter().any(|value| value.with(Option::is_some)))
    };
    let open = set.get_untracked();
    let dot = move || {
        set.get()
            .then(|| view! { <span class="section-dot" title=t.form_filled></span> })
    };
    let fields = slots
        .into_iter()
        .map(|slot| view! { <FieldView of=slot/> })
        .collect_view();
    Some(
        view! {
            <details class="form-more" open=open>
                <summary>{t.form_more} {dot}</summary>
                <div class="form-more-body">{fields}</div>
            </details>
        }
        .into_any(),
    )
}

/// Keys of a configuration that the catalog does not know, each with a way to remove it.
fn strangers(sheet: Sheet, config: String, entry: &Entry) -> AnyView {
    let known: Vec<String> = entry
        .fields
        .iter()
        .map(|field| field.name.to_string())
        .collect();
    let at = config.clone();
    let strange = Memo::new(move |_| {
        let held = sheet.value(&at);
        let keys = held
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|entries| entries.keys());
        keys.filter(|key| !known.contains(key))
            .cloned()
            .collect::<Vec<_>>()
    });
    let line = move |key: String| {
        let t = texts();
        let at = pointer(&config, &key);
        let place = format!("{}{at}", sheet.part().at());
        let label = fill(t.form_stranger, &[("name", &key)]);
        view! {
            <p class="form-stranger form-note bad" data-at=place>
                <span>{label}</span>
                <Button label=t.form_remove icon=Icon::X weight=Weight::Quiet press=move |_| sheet.put_all(vec![(at.clone(), None)])/>
            </p>
        }
    };
    view! { <For each=move || strange.get() key=String::clone let:key>{line(key)}</For> }.into_any()
}

#[cfg(test)]
mod tests {
    use weir_flows::builtin;

    use super::*;

    #[test]
    fn of_fields_that_exclude_each_other_one_is_shown() {
        let beside = [true, false];
        for (held, connected, wished, seen) in [
            ([false, false], false, None, vec![1]),
            ([false, false], true, None, vec![0]),
            ([false, false], true, Some(1), vec![1]),
            ([true, false], false, Some(1), vec![0]),
            ([true, true], false, None, vec![0, 1]),
        ] {
            assert_eq!(shown(&held, &beside, connected, wished), seen);
        }
        assert_eq!(shown(&[false, false], &[false, false], true, None), [0]);
    }

    #[test]
    fn every_field_of_an_entry_has_its_place() {
        let catalog = builtin::catalog();
        let branch = catalog.step("branch").unwrap();
        let all = places("/steps/a", branch);
        assert!(all.contains(&"/steps/a/config/cases".to_owned()));
        assert!(!all.contains(&"/steps/a/connection".to_owned()));
    }
}
