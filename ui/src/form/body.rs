//! The body of an `each` step in the inspector: how much stands inside with a way in, and the panel while it is drawn.

use leptos::prelude::*;

use super::{code, slot::Slot};
use crate::{
    canvas::said_inside,
    edit::body,
    editor::Desk,
    kit::{
        button::{Button, Weight},
        icon::Icon,
        json::JsonView,
    },
    texts::texts,
};

/// The control of a body: it is drawn, and can be read as JSON. What is no body can only be written.
pub(super) fn body_field(slot: &Slot) -> AnyView {
    let t = texts();
    let (desk, value, card) = (slot.desk, slot.value, slot.card.clone());
    let steps = Memo::new(move |_| value.with(|value| body::counted_in(value.as_ref())));
    let drawable = Memo::new(move |_| steps.with(Option::is_some));
    let inside = format!("{}/", slot.at);
    let within = inside.clone();
    let wrong = Memo::new(move |_| {
        desk.problems.with(|problems| {
            let mut here = problems
                .iter()
                .filter(|problem| problem.at.starts_with(&within));
            here.find(|problem| problem.is_error())
                .map(|problem| problem.at.clone())
        })
    });
    let open = StoredValue::new(move || {
        let mut way = desk.within.get_untracked();
        way.extend(card.clone());
        desk.open(&way);
    });
    let show = move || {
        wrong.get().map(|at| {
            view! {
                <Button label=t.form_body_problem icon=Icon::CircleAlert weight=Weight::Quiet test="body-problem" press=move |_| desk.seek(&at)/>
            }
        })
    };
    let json = slot.clone();
    let text = StoredValue::new(move || code::json(&json, true));
    let written = move || {
        if drawable.get() {
            view! {
                <details class="form-more">
                    <summary>{t.form_body_json}</summary>
                    <div class="form-more-body">{text.with_value(|text| text())}</div>
                </details>
            }
            .into_any()
        } else {
            text.with_value(|text| text())
        }
    };
    view! {
        <Show when=move || drawable.get()>
            <p class="body-count" data-testid="body-count">{move || steps.get().map(said_inside)}</p>
            <div class="form-tools">
                <Button label=t.form_body_open icon=Icon::LogIn test="body-open" press=move |_| open.with_value(|open| open())/>
                {show}
            </div>
        </Show>
        {written}
    }
    .into_any()
}

/// The panel while a body is drawn and nothing is chosen: what it is, and the first item of the sample.
#[component]
pub(super) fn BodyPanel(desk: Desk) -> impl IntoView {
    let t = texts();
    let titles = Memo::new(move |_| {
        desk.flow
            .with(|flow| desk.within.with(|way| body::titles(flow, way)))
    });
    let title = move || titles.with(|titles| titles.last().cloned());
    let item = Memo::new(move |_| {
        let first = desk.sampled_here(|sample, ground| {
            let each = ground.way.last()?;
            sample.items.get(each).cloned()
        });
        first.flatten()
    });
    let shown = move || match item.get() {
        Some(item) => view! { <JsonView value=item label=t.form_body_item/> }.into_any(),
        None => view! { <p class="form-help">{move || desk.no_sample()}</p> }.into_any(),
    };
    let leave = move |_| {
        let mut way = desk.within.get_untracked();
        way.pop();
        desk.open(&way);
    };
    view! {
        <header class="panel-head inspector-head control">
            <div class="panel-name">
                <p class="fine">{t.form_body_panel}</p>
                <h2 data-testid="body-panel">{title}</h2>
            </div>
        </header>
        <div class="inspector-panel">
            <div class="inspector-data">
                <p class="form-help">{t.form_body_help}</p>
                <div class="form-tools"><Button label=t.command_leave icon=Icon::ArrowUp test="body-leave" press=leave/></div>
                <section class="panel-section" data-testid="body-item">
                    <h3>{t.form_body_item}</h3>
                    {shown}
                </section>
            </div>
        </div>
    }
}
