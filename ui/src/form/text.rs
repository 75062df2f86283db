//! Fields that a person types into: lines of text, numbers, durations, statuses.

use leptos::{html, prelude::*};
use weir_flows::catalog::{Field, FieldKind};

use super::{
    reading::{Spelling, placeholder, wrong},
    slot::Slot,
};
use crate::{texts::texts, words};

/// The text of a field while a person edits it. It follows the document, but never the person's own typing.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) text: RwSignal<String>,
    pub(crate) spelling: Spelling,
    slot: Slot,
}

impl Draft {
    pub(crate) fn new(slot: &Slot, spelling: Spelling) -> Self {
        let shown = slot
            .value
            .with_untracked(|value| spelling.show(&slot.field, value.as_ref()));
        let text = RwSignal::new(shown);
        let (field, value, marked) = (slot.field.clone(), slot.value, slot.wrong);
        Effect::new(move |_| {
            let followed = value.with(|value| {
                text.with_untracked(|text| spelling.follow(&field, text, value.as_ref()))
            });
            if let Some(shown) = followed {
                text.set(shown);
                marked.set(None);
            }
        });
        Draft {
            text,
            spelling,
            slot: slot.clone(),
        }
    }

    /// Takes what was typed: into the document where it can be a value, else with a mark at the field.
    pub(crate) fn type_in(&self, typed: String) {
        let slot = &self.slot;
        let read = self.spelling.read(&slot.field, &typed);
        self.text.set(typed);
        match read {
            Ok(value) => {
                slot.wrong.set(wrong(&slot.field, value.as_ref()));
                slot.type_in(value);
            }
            Err(wrong) => slot.wrong.set(Some(wrong)),
        }
    }
}

/// How a line of text behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line {
    /// Whether it is written in a fixed width, as what machines read.
    pub(crate) mono: bool,
    /// Whether a telephone should show digits.
    pub(crate) digits: bool,
    /// Whether what is typed is shown as dots.
    pub(crate) hidden: bool,
}

/// A field of one line, perhaps with suggestions.
pub(crate) fn line(
    slot: &Slot,
    spelling: Spelling,
    look: Line,
    suggestions: Signal<Vec<String>>,
) -> AnyView {
    let draft = Draft::new(slot, spelling);
    let text = draft.text;
    let list = format!("{}-list", slot.id);
    let (invalid, commit) = (slot.invalid(), slot.clone());
    let offered = move || {
        let offered = suggestions.get();
        (!offered.is_empty()).then(|| {
            offered
                .into_iter()
                .map(|word| view! { <option value=word></option> })
                .collect_view()
        })
    };
    view! {
        <input
            id=slot.id.clone()
            type=if look.hidden { "password" } else { "text" }
            class="input"
            class:mono=look.mono
            autocomplete=if look.hidden { "new-password" } else { "off" }
            autocapitalize="off"
            spellcheck="false"
            inputmode=look.digits.then_some("numeric")
            list=list.clone()
            placeholder=placeholder(texts(), &slot.field, Spelling::Kind)
            aria-invalid=move || invalid.get().then_some("true")
            aria-describedby=slot.described_by()
            aria-required=slot.field.required.then_some("true")
            prop:value=text
            on:input:target=move |event| draft.type_in(event.target().value())
            on:blur=move |_| commit.commit()
        />
        <datalist id=list>{offered}</datalist>
    }
    .into_any()
}

/// A field of a line of plain text.
pub(crate) fn plain(slot: &Slot, mono: bool) -> AnyView {
    let look = Line {
        mono,
        ..Line::default()
    };
    line(slot, Spelling::Kind, look, Signal::stored(Vec::new()))
}

/// A field of a whole number.
pub(crate) fn number(slot: &Slot) -> AnyView {
    let look = Line {
        digits: true,
        ..Line::default()
    };
    line(slot, Spelling::Kind, look, Signal::stored(Vec::new()))
}

/// A field of several lines that grows with its text.
pub(crate) fn lines(slot: &Slot) -> AnyView {
    let draft = Draft::new(slot, Spelling::Kind);
    let text = draft.text;
    let element: NodeRef<html::Textarea> = NodeRef::new();
    let (invalid, commit) = (slot.invalid(), slot.clone());
    view! {
        <textarea
            node_ref=element
            id=slot.id.clone()
            class="input growing"
            rows="2"
            placeholder=placeholder(texts(), &slot.field, Spelling::Kind)
            aria-invalid=move || invalid.get().then_some("true")
            aria-describedby=slot.described_by()
            aria-required=slot.field.required.then_some("true")
            prop:value=text
            on:input:target=move |event| draft.type_in(event.target().value())
            on:blur=move |_| commit.commit()
        ></textarea>
    }
    .into_any()
}

/// A field of a duration, with how it is read beside it.
pub(crate) fn duration(slot: &Slot) -> AnyView {
    let value = slot.value;
    let field = slot.field.clone();
    let reading = move || {
        let written = value.get().or_else(|| field.default.clone())?;
        let duration: weir_flows::duration::Duration = written.as_str()?.parse().ok()?;
        Some(words::duration(texts(), duration.millis() as f64))
    };
    let common = ["1s", "10s", "30s", "1m", "5m", "1h", "1d"].map(str::to_owned);
    let look = Line {
        mono: true,
        ..Line::default()
    };
    view! {
        <div class="form-beside">
            {line(slot, Spelling::Kind, look, Signal::stored(common.to_vec()))}
            <span class="form-reading">{reading}</span>
        </div>
    }
    .into_any()
}

/// A field of a share from 0 to 1.
pub(crate) fn share(slot: &Slot) -> AnyView {
    line(
        slot,
        Spelling::Share,
        Line::default(),
        Signal::stored(Vec::new()),
    )
}

/// Whether a field holds words for machines, which are best read in a fixed width.
pub(crate) fn is_mono(field: &Field) -> bool {
    matches!(
        field.kind,
        FieldKind::Path | FieldKind::Url | FieldKind::Port | FieldKind::Cron | FieldKind::JsonPath
    )
}
