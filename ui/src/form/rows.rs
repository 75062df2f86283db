//! Fields made of fields: a list of cards that are added, moved and removed, and a group.

use leptos::prelude::*;
use serde_json::{Map, Value, json};
use weir_flows::catalog::{Field, FieldKind};

use super::{
    config::fields_view,
    seek::{focus_first, focus_id},
    slot::Slot,
};
use crate::{
    kit::{
        button::Button,
        icon::{Glyph, Icon},
    },
    texts::{fill, texts},
};

/// An object of fields.
pub(crate) fn group(slot: &Slot, fields: Vec<Field>) -> AnyView {
    let inner = slot.clone();
    let slots = fields
        .into_iter()
        .map(|field| inner.child(&field.name.clone(), field))
        .collect();
    view! { <div class="form-group">{fields_view(slots)}</div> }.into_any()
}

/// A list of objects, each a card of fields.
pub(crate) fn rows(slot: &Slot, fields: Vec<Field>) -> AnyView {
    let t = texts();
    let value = slot.value;
    let count = Memo::new(move |_| value.with(|value| items(value.as_ref()).len()));
    let add = {
        let (slot, fields) = (slot.clone(), fields.clone());
        move |_| {
            let held = slot.value.get_untracked();
            let mut rows = items(held.as_ref()).to_vec();
            rows.push(fresh(&fields, &rows));
            let place = format!("{}/{}", slot.at, rows.len() - 1);
            slot.put(Some(Value::Array(rows)));
            focus_first(&place);
        }
    };
    let card = {
        let slot = slot.clone();
        move |index: usize| row(&slot, &fields, index, count)
    };
    view! {
        <ol class="form-rows" id=slot.id.clone()>
            <For each=move || 0..count.get() key=|index| *index let:index>
                {card(index)}
            </For>
        </ol>
        <Button label=t.form_row_add icon=Icon::Plus test="row-add" press=add/>
    }
    .into_any()
}

fn row(slot: &Slot, fields: &[Field], index: usize, count: Memo<usize>) -> AnyView {
    let t = texts();
    let number = (index + 1).to_string();
    let whole = Field::new(
        "",
        slot.field.title.clone(),
        FieldKind::Group(fields.to_vec()),
        slot.field.help.clone(),
    );
    let own = slot.child(&index.to_string(), whole);
    let slots = fields
        .iter()
        .map(|field| own.child(&field.name, field.clone()))
        .collect();
    let button =
        |icon: Icon, text: &'static str, test: &'static str, off: Signal<bool>, deed: Deed| {
            let slot = slot.clone();
            let label = fill(text, &[("n", &number)]);
            view! {
                <button
                    type="button"
                    class="button quiet icon small"
                    id=format!("{}-{index}-{test}", slot.id)
                    aria-label=label.clone()
                    title=label
                    data-testid=test
                    disabled=off
                    on:click=move |_| {
                        let held = slot.value.get_untracked();
                        let (rows, at) = done(items(held.as_ref()).to_vec(), index, deed);
                        slot.put((!rows.is_empty()).then_some(Value::Array(rows)));
                        // The focus goes along with what was moved.
                        focus_id(&format!("{}-{at}-{test}", slot.id));
                    }
                >
                    <Glyph icon size=14/>
                </button>
            }
        };
    let first = Signal::stored(index == 0);
    let last = Signal::derive(move || index + 1 >= count.get());
    view! {
        <li class="form-row-card" data-at=own.at.clone() data-testid="row">
            <div class="form-row-head">
                <span class="form-row-number">{number.clone()}</span>
                {button(Icon::ArrowUp, t.form_row_up, "row-up", first, Deed::Up)}
                {button(Icon::ArrowDown, t.form_row_down, "row-down", last, Deed::Down)}
                {button(Icon::Trash2, t.form_row_remove, "row-remove", Signal::stored(false), Deed::Remove)}
            </div>
            {fields_view(slots)}
        </li>
    }
    .into_any()
}

/// What may be done with one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Up,
    Down,
    Remove,
}

/// The rows after a deed, and the index to go on at.
fn done(mut rows: Vec<Value>, index: usize, deed: Deed) -> (Vec<Value>, usize) {
    let at = match deed {
        Deed::Up if index > 0 && index < rows.len() => {
            rows.swap(index, index - 1);
            index - 1
        }
        Deed::Down if index + 1 < rows.len() => {
            rows.swap(index, index + 1);
            index + 1
        }
        Deed::Remove if index < rows.len() => {
            rows.remove(index);
            index.min(rows.len().saturating_sub(1))
        }
        _ => index,
    };
    (rows, at)
}

/// A new row: empty, but for ports, which have a name of their own at once so that they can be drawn from.
fn fresh(fields: &[Field], rows: &[Value]) -> Value {
    let mut row = Map::new();
    for field in fields
        .iter()
        .filter(|field| matches!(field.kind, FieldKind::Port) && field.required)
    {
        let taken = |name: &str| {
            rows.iter()
                .any(|row| row.get(&*field.name) == Some(&json!(name)))
        };
        let mut names = (rows.len() + 1..).map(|n| format!("case_{n}"));
        row.extend(
            names
                .find(|name| !taken(name))
                .map(|name| (field.name.to_string(), json!(name))),
        );
    }
    Value::Object(row)
}

fn items(value: Option<&Value>) -> &[Value] {
    value
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use weir_flows::catalog::phrase;

    use super::*;

    #[test]
    fn rows_move_and_go() {
        let rows = || vec![json!("a"), json!("b"), json!("c")];
        for (index, deed, after, at) in [
            (1, Deed::Up, ["b", "a", "c"].as_slice(), 0),
            (0, Deed::Up, &["a", "b", "c"], 0),
            (1, Deed::Down, &["a", "c", "b"], 2),
            (2, Deed::Down, &["a", "b", "c"], 2),
            (2, Deed::Remove, &["a", "b"], 1),
            (7, Deed::Remove, &["a", "b", "c"], 7),
        ] {
            let (done, next) = done(rows(), index, deed);
            assert_eq!(
                (done, next),
                (after.iter().map(|row| json!(row)).collect(), at)
            );
        }
    }

    #[test]
    fn a_new_case_has_a_port_of_its_own() {
        let port = Field::new("port", phrase("", ""), FieldKind::Port, phrase("", "")).required();
        let when = Field::new("when", phrase("", ""), FieldKind::Condition, phrase("", ""));
        let rows = [json!({ "port": "case_2" })];
        assert_eq!(
            fresh(&[port, when.clone()], &rows),
            json!({ "port": "case_3" })
        );
        assert_eq!(fresh(&[when], &rows), json!({}));
    }
}
