//! A table of names and values, for headers and query parameters: a row each, whose value may be an expression or a secret.

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::{
    catalog::{Field, FieldKind, phrase},
    problem::pointer,
};

use super::{
    code,
    expression::Mode,
    field::{ModeSwitch, Notes, mode},
    pick,
    seek::focus_id,
    slot::Slot,
    table::{Row, follow, object, rows, wrongs},
    text,
};
use crate::{
    kit::{
        button::Button,
        icon::{Glyph, Icon},
    },
    texts::{fill, texts},
};

/// A row as it lives in the form. It outlives a change of its name.
#[derive(Clone, Copy)]
struct Live {
    key: u32,
    name: RwSignal<String>,
    value: RwSignal<Option<Value>>,
}

impl Live {
    fn plain(self) -> Row {
        Row {
            name: self.name.get_untracked(),
            value: self.value.get_untracked(),
        }
    }
}

/// The rows of a table, and the way back into the document.
#[derive(Clone, Copy)]
struct Table {
    rows: RwSignal<Vec<Live>>,
    next: StoredValue<u32>,
    set: Callback<Option<Value>>,
}

impl Table {
    fn plain(self) -> Vec<Row> {
        self.rows
            .with_untracked(|rows| rows.iter().map(|row| row.plain()).collect())
    }

    fn live(self, row: Row) -> Live {
        let key = self.next.get_value();
        self.next.set_value(key + 1);
        Live {
            key,
            name: RwSignal::new(row.name),
            value: RwSignal::new(row.value),
        }
    }

    /// Shows other rows; those whose names are shown already stay.
    fn show(self, new: Vec<Row>) {
        let before = self.rows.get_untracked();
        let rows = new.into_iter().map(|row| {
            let known = before
                .iter()
                .find(|live| live.name.with_untracked(|name| *name == row.name));
            match known {
                Some(live) => {
                    live.value.set(row.value);
                    *live
                }
                None => self.live(row),
            }
        });
        self.rows.set(rows.collect());
    }

    /// Puts the rows into the document.
    fn write(self) {
        self.set.run(object(&self.plain()));
    }
}

/// The table of a slot.
pub(crate) fn table(slot: &Slot) -> AnyView {
    let t = texts();
    let table = Table {
        rows: RwSignal::new(Vec::new()),
        next: StoredValue::new(0),
        set: slot.set,
    };
    let value = slot.value;
    table.show(value.with_untracked(|value| rows(value.as_ref())));
    Effect::new(move |_| {
        if let Some(new) = value.with(|value| follow(&table.plain(), value.as_ref())) {
            table.show(new);
        }
    });
    let add = {
        let slot = slot.clone();
        move |_| {
            let live = table.live(Row::default());
            table.rows.update(|rows| rows.push(live));
            focus_id(&format!("{}-{}-name", slot.id, live.key));
        }
    };
    let each = {
        let slot = slot.clone();
        move |live: Live| line(&slot, table, live)
    };
    view! {
        <ul class="form-table" id=slot.id.clone()>
            <For each=move || table.rows.get() key=|live| live.key let:live>
                {each(live)}
            </For>
        </ul>
        <Button label=t.form_entry_add icon=Icon::Plus test="entry-add" press=add/>
    }
    .into_any()
}

fn line(slot: &Slot, table: Table, live: Live) -> AnyView {
    let t = texts();
    let cell = cell(slot, table, live);
    let mode = mode(&cell);
    let name_id = format!("{}-{}-name", slot.id, live.key);
    let at = slot.at.clone();
    let place = move || live.name.with(|name| pointer(&at, name));
    let wrong = Signal::derive(move || {
        let rows = table.rows.get();
        let plain: Vec<Row> = rows
            .iter()
            .map(|row| Row {
                name: row.name.get(),
                value: row.value.get(),
            })
            .collect();
        let at = rows.iter().position(|row| row.key == live.key)?;
        wrongs(&plain).into_iter().nth(at).flatten()
    });
    let rename = move |name: String| {
        live.name.set(name);
        table.write();
    };
    let (left, settled) = (slot.clone(), slot.clone());
    let remove = move |_| {
        settled.commit();
        table
            .rows
            .update(|rows| rows.retain(|row| row.key != live.key));
        table.write();
        settled.commit();
    };
    let value = {
        let cell = cell.clone();
        move || match mode.get() {
            Mode::Value => text::plain(&cell, false),
            Mode::Expression => code::expression(&cell),
            Mode::Secret => pick::secret(&cell),
        }
    };
    let said = move || {
        live.name
            .with(|name| fill(t.form_entry_remove, &[("name", name)]))
    };
    let value_label = move || {
        live.name
            .with(|name| fill(t.form_entry_value, &[("name", name)]))
    };
    let name_note = format!("{name_id}-note");
    view! {
        <li class="form-entry" data-at=place data-testid="entry">
            <div class="form-entry-head">
                <input
                    id=name_id.clone()
                    type="text"
                    class="input mono"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    aria-label=t.form_entry_name
                    placeholder=t.form_entry_name
                    aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                    aria-describedby=name_note.clone()
                    prop:value=live.name
                    on:input:target=move |event| rename(event.target().value())
                    on:blur=move |_| left.commit()
                />
                <ModeSwitch of=cell.clone() mode/>
                <button type="button" class="button quiet icon small" aria-label=said title=said on:click=remove>
                    <Glyph icon=Icon::X size=14/>
                </button>
            </div>
            <div class="form-notes" id=name_note>
                {move || wrong.get().map(|wrong| view! { <p class="form-note bad">{wrong.said(t)}</p> })}
            </div>
            <label class="unseen" for=cell.id.clone()>{value_label}</label>
            {value}
            <Notes of=cell.clone()/>
        </li>
    }
    .into_any()
}

/// The slot for the value of a row.
fn cell(slot: &Slot, table: Table, live: Live) -> Slot {
    let field = Field {
        expression: slot.field.expression,
        ..Field::new(
            "value",
            phrase("Value", "Wert"),
            FieldKind::Text,
            phrase("", ""),
        )
    };
    let mut modes = super::expression::modes(&field);
    modes.push(Mode::Secret);
    let (desk, base) = (slot.desk, slot.at.clone());
    let found = Memo::new(move |_| {
        let at = live.name.with(|name| pointer(&base, name));
        desk.problems.with(|problems| {
            let here = problems
                .iter()
                .filter(|problem| super::place::within(&problem.at, &at));
            here.cloned().collect::<Vec<_>>()
        })
    });
    let set = move |value: Option<Value>| {
        live.value.set(value);
        table.write();
    };
    Slot {
        id: format!("{}-{}", slot.id, live.key),
        at: live.name.with_untracked(|name| pointer(&slot.at, name)),
        field: field.into(),
        modes,
        value: live.value.into(),
        set: Callback::new(set),
        wrong: RwSignal::new(None),
        problems: found.into(),
        ..slot.clone()
    }
}
