//! What a card got and gave in the sample, so that a person sees what they map.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::catalog::Entry;

use super::slot::{Part, Sheet};
use crate::{
    api::StepDetail,
    kit::{badge::StepBadge, button::Button, icon::Icon, json::JsonView},
    texts::texts,
    words,
};

/// What is known of a card in the sample.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    input: Option<Value>,
    step: Option<StepDetail>,
}

/// The second half of a card's panel.
#[component]
pub(super) fn DataPanel(sheet: Sheet, entry: Option<Arc<Entry>>) -> impl IntoView {
    let t = texts();
    let desk = sheet.desk;
    let part = sheet.part();
    let is_trigger = matches!(part, Part::Trigger(_));
    let known = Memo::new(move |_| {
        let id = part.card()?;
        desk.sampled_here(|sample, ground| {
            let input = sample.input(ground, id);
            Known {
                input: (!input.is_null()).then_some(input),
                step: sample.steps.get(id).cloned(),
            }
        })
    });
    let pins = entry.is_some_and(|entry| entry.action.is_some());
    move || {
        match known.get() {
        None => view! { <div class="inspector-data"><p class="form-help" data-testid="no-sample">{move || desk.no_sample()}</p></div> }.into_any(),
        Some(known) if is_trigger => view! {
            <div class="inspector-data">{part_view(t.run_message, known.input, t.form_data_nothing, "input")}</div>
        }
        .into_any(),
        Some(known) => step_view(sheet, known, pins),
    }
    }
}

fn step_view(sheet: Sheet, known: Known, pins: bool) -> AnyView {
    let t = texts();
    let step = known.step.unwrap_or_default();
    let status = step.status;
    let output = step.output;
    let pinned = output.clone();
    let pin = move |_| sheet.put_all(vec![("/pinned".to_owned(), pinned.clone())]);
    let tools = (pins && output.is_some()).then(|| {
        let same = output.clone();
        let is_pinned = Signal::derive(move || sheet.value("/pinned") == same);
        let label = Signal::derive(move || {
            (if is_pinned.get() { t.form_pinned_now } else { t.form_pin }).to_owned()
        });
        view! {
            <div class="form-tools"><Button label icon=Icon::Pin off=is_pinned test="pin" press=pin/></div>
        }
    });
    let failure = step.failure.map(|failure| {
        let (class, _) = words::class(t, failure.class);
        view! {
            <div class="notice bad">
                <p class="notice-title">{class}</p>
                <p class="failure-message">{failure.message}</p>
            </div>
        }
    });
    view! {
        <div class="inspector-data">
            <p class="record-line"><StepBadge status/></p>
            {failure}
            {part_view(t.run_input, known.input, t.form_data_nothing, "input")}
            {part_view(t.run_output, output, t.form_data_no_output, "output")}
            {tools}
        </div>
    }
    .into_any()
}

/// A value with its title, or what to say where there is none.
fn part_view(
    title: &'static str,
    value: Option<Value>,
    nothing: &'static str,
    test: &'static str,
) -> AnyView {
    let shown = match value {
        Some(value) => view! { <JsonView value label=title/> }.into_any(),
        None => view! { <p class="form-help">{nothing}</p> }.into_any(),
    };
    view! {
        <section class="panel-section" data-testid=test>
            <h3>{title}</h3>
            {shown}
        </section>
    }
    .into_any()
}
