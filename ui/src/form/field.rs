//! The frame of a field - label, help, the switch between value and expression, problems - and the control by its kind.

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::{catalog::FieldKind, problem::Severity};

use super::{
    body, choice,
    code::{self, Computes},
    expression::{Mode, mode_of, switched},
    pick, rows, schema,
    seek::focus_id,
    slot::Slot,
    table_view, text,
};
use crate::{
    kit::icon::{Glyph, Icon},
    texts::{problem_sentence, texts},
};

/// A help of more characters than this waits behind a button.
const SHORT: usize = 76;

/// The control of a field, by what may stand in it.
pub(crate) fn control(slot: &Slot) -> AnyView {
    match &slot.field.kind {
        FieldKind::Text | FieldKind::Path | FieldKind::Url => {
            text::plain(slot, text::is_mono(&slot.field))
        }
        FieldKind::Multiline => text::lines(slot),
        FieldKind::Integer { .. } => text::number(slot),
        FieldKind::Boolean => choice::flag(slot, None),
        FieldKind::Choice(words) => choice::words(slot, words.clone()),
        FieldKind::Any => code::json(slot, false),
        FieldKind::Table => table_view::table(slot),
        FieldKind::Script if slot.field.names.is_empty() => code::rhai(slot, Computes::Script),
        FieldKind::Script => code::calling(slot),
        FieldKind::Condition => code::rhai(slot, Computes::Condition),
        FieldKind::JsonPath => pick::json_path(slot),
        FieldKind::Schema => schema::schema(slot),
        FieldKind::Duration => text::duration(slot),
        FieldKind::Cron => pick::cron(slot),
        FieldKind::TimeZone => pick::time_zone(slot),
        FieldKind::Secret => pick::secret_text(slot),
        FieldKind::Port | FieldKind::Statuses => text::plain(slot, true),
        FieldKind::Rows(fields) => rows::rows(slot, fields.clone()),
        FieldKind::Group(fields) => rows::group(slot, fields.clone()),
        FieldKind::Body => body::body_field(slot),
    }
}

/// Whether a kind is drawn by several controls, so that its label names a group and no single input.
fn is_group(kind: &FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::Table | FieldKind::Rows(_) | FieldKind::Group(_) | FieldKind::Body
    )
}

/// A field in its frame, with the control of its kind.
#[component]
pub(crate) fn FieldView(of: Slot) -> impl IntoView {
    let slot = of;
    let inner = slot.clone();
    let group = is_group(&slot.field.kind);
    view! { <Framed of=slot group control=move || control(&inner)/> }
}

/// A field in its frame, with a control of its own for its value.
#[component]
pub(crate) fn Framed<V: IntoView + 'static>(
    of: Slot,
    /// Whether the control is a group of controls.
    #[prop(optional)]
    group: bool,
    control: impl Fn() -> V + Send + Sync + 'static,
) -> impl IntoView {
    let slot = of;
    let t = texts();
    let mode = mode(&slot);
    let label_id = format!("{}-label", slot.id);
    let help_id = format!("{}-help", slot.id);
    let title = slot.field.title.of(t.language).to_owned();
    let help = slot.field.help.of(t.language).to_owned();
    let long = help.chars().count() > SHORT;
    let open = RwSignal::new(!long);
    let info = long.then(|| {
        view! {
            <button
                type="button"
                class="form-info"
                aria-label=crate::texts::fill(t.form_help, &[("name", &title)])
                title=help.clone()
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-controls=help_id.clone()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <Glyph icon=Icon::Info size=14/>
            </button>
        }
    });
    let required = slot.field.required.then(|| {
        view! { <span class="form-required" title=t.form_required aria-hidden="true">"*"</span> }
    });
    let named = {
        let (id, label_id, title) = (slot.id.clone(), label_id.clone(), title.clone());
        // An expression, and what is no group, is one control that the label is for.
        move || {
            if group && mode.get() == Mode::Value {
                view! { <span id=label_id.clone() class="form-name">{title.clone()}</span> }
                    .into_any()
            } else {
                view! { <label id=label_id.clone() for=id.clone() class="form-name">{title.clone()}</label> }.into_any()
            }
        }
    };
    let invalid = slot.invalid();
    let inner = slot.clone();
    let body = move || match mode.get() {
        Mode::Value => control().into_any(),
        Mode::Expression => code::expression(&inner),
        Mode::Secret => pick::secret(&inner),
    };
    view! {
        <div
            class="form-field"
            class:wrong=invalid
            data-at=slot.at.clone()
            data-field=slot.field.name.to_string()
            role=group.then_some("group")
            aria-labelledby=group.then(|| label_id.clone())
        >
            <div class="form-label">
                {named} {required} {info}
                <ModeSwitch of=slot.clone() mode/>
            </div>
            <p class="form-help" id=help_id hidden=move || !open.get() || help.is_empty()>{help.clone()}</p>
            {body}
            <Notes of=slot.clone()/>
        </div>
    }
}

/// How the field is given: what the document says, or what was chosen while it says nothing.
pub(crate) fn mode(slot: &Slot) -> RwSignal<Mode> {
    let (value, modes) = (slot.value, slot.modes.clone());
    let usual = modes.first().copied().unwrap_or(Mode::Value);
    let held = move || value.with(|value| value.as_ref().map(|value| mode_of(&modes, value)));
    let mode = RwSignal::new(untrack(&held).unwrap_or(usual));
    Effect::new(move |_| {
        if let Some(held) = held().filter(|held| *held != mode.get_untracked()) {
            mode.set(held);
        }
    });
    mode
}

/// The buttons that choose between value, expression and secret; nothing where there is only one way.
#[component]
pub(crate) fn ModeSwitch(of: Slot, mode: RwSignal<Mode>) -> impl IntoView {
    let slot = of;
    let t = texts();
    if slot.modes.len() < 2 {
        return ().into_any();
    }
    // What cannot be said in another way is kept for when a person comes back.
    let parked: StoredValue<Vec<(Mode, Value)>> = StoredValue::new(Vec::new());
    let choose = {
        let slot = slot.clone();
        move |to: Mode| {
            let from = mode.get_untracked();
            if from == to {
                return;
            }
            let held = slot.value.get_untracked();
            let known = parked.with_value(|parked| {
                let kept = parked.iter().find(|(mode, _)| *mode == to);
                kept.map(|(_, value)| value.clone())
            });
            if let Some(held) = held.clone() {
                parked.update_value(|parked| {
                    parked.retain(|(mode, _)| *mode != from);
                    parked.push((from, held));
                });
            }
            let next = switched(held.as_ref(), to).or(known);
            mode.set(to);
            slot.wrong.set(None);
            slot.put(next);
            focus_id(&slot.id);
        }
    };
    let buttons = slot.modes.iter().copied().map(|to| {
        let (label, icon) = match to {
            Mode::Value => (t.form_as_value, Icon::Type),
            Mode::Expression => (t.form_as_expression, Icon::SquareFunction),
            Mode::Secret => (t.form_as_secret, Icon::KeyRound),
        };
        let choose = choose.clone();
        view! {
            <button
                type="button"
                class="mode"
                aria-pressed=move || if mode.get() == to { "true" } else { "false" }
                aria-label=label
                title=label
                data-mode=format!("{to:?}").to_lowercase()
                on:click=move |_| choose(to)
            >
                <Glyph icon size=14/>
            </button>
        }
    });
    view! { <span class="modes" role="group" aria-label=t.form_mode>{buttons.collect_view()}</span> }
        .into_any()
}

/// What is wrong with a field: what cannot be read, else what the check found.
#[component]
pub(crate) fn Notes(of: Slot) -> impl IntoView {
    let slot = of;
    let t = texts();
    let (wrong, problems) = (slot.wrong, slot.problems);
    let notes = move || {
        if let Some(wrong) = wrong.get() {
            return view! { <p class="form-note bad">{wrong.said(t)}</p> }.into_any();
        }
        problems
            .get()
            .into_iter()
            .map(|problem| {
                let (tone, word) = match problem.severity {
                    Severity::Error => ("form-note bad", t.problem_error),
                    Severity::Warning => ("form-note warn", t.problem_warning),
                };
                view! { <p class=tone data-testid="field-problem"><span class="unseen">{word} ": "</span>{problem_sentence(&problem)}</p> }
            })
            .collect_view()
            .into_any()
    };
    view! { <div class="form-notes" id=format!("{}-notes", slot.id)>{notes}</div> }
}
