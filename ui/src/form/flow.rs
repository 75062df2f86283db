//! The panel of the whole flow, shown while nothing is chosen: its name, what it is for, its settings and its tests.

use leptos::prelude::*;
use weir_flows::catalog::FieldKind;

use super::{
    field::FieldView,
    limits,
    phrases::{field, word},
    section::Section,
    slot::{Part, Sheet},
    test_list::Tests,
};
use crate::{edit::set_head, editor::Desk, texts::texts};

/// The panel of the flow.
#[component]
pub(super) fn FlowPanel(desk: Desk) -> impl IntoView {
    let t = texts();
    let sheet = Sheet::new(desk, Part::Settings);
    let title = Memo::new(move |_| desk.flow.with(|flow| flow.title.clone()));
    let about = Memo::new(move |_| desk.flow.with(|flow| flow.description.clone()));
    let set = move |title: String, about: String| {
        desk.make_whole(|flow| set_head(flow, &title, &about));
    };
    let settings = ["history", "timeout", "concurrency"];
    let filled = Signal::derive(move || settings.iter().any(|key| sheet.has(&format!("/{key}"))));
    let places = settings.map(|key| format!("/settings/{key}")).to_vec();
    view! {
        <header class="panel-head inspector-head">
            <div class="panel-name">
                <p class="fine">{t.panel_flow}</p>
                <input
                    id="flow-title"
                    class="inspector-title"
                    data-at="/title"
                    autocomplete="off"
                    aria-label=t.form_title
                    placeholder=t.form_title
                    prop:value=title
                    on:input:target=move |event| set(event.target().value(), about.get_untracked())
                    on:blur=move |_| desk.settle()
                />
            </div>
        </header>
        <div class="inspector-panel">
            <div class="inspector-about">
                <textarea
                    id="flow-description"
                    class="input inspector-description"
                    rows="2"
                    data-at="/description"
                    aria-label=t.form_description
                    placeholder=t.form_description_hint
                    prop:value=about
                    on:input:target=move |event| set(title.get_untracked(), event.target().value())
                    on:blur=move |_| desk.settle()
                ></textarea>
                <p class="form-help">{t.form_flow_hint}</p>
            </div>
            <Section word="flow" title=t.form_settings desk places filled at_first=true>
                {settings_view(sheet)}
            </Section>
            <Section
                word="tests"
                title=t.panel_tests
                desk
                places=vec!["/tests".to_owned()]
                filled=Signal::derive(move || desk.flow.with(|flow| !flow.tests.is_empty()))
                at_first=true
            >
                <Tests desk/>
            </Section>
        </div>
    }
}

fn settings_view(sheet: Sheet) -> AnyView {
    let history = field(
        "history",
        FieldKind::Choice(vec![
            word("full", |t| t.panel_history_full),
            word("failures", |t| t.panel_history_failures),
            word("none", |t| t.panel_history_none),
        ]),
        |t| t.panel_history,
        |t| t.form_history_help,
    )
    .default("full");
    let timeout = field(
        "timeout",
        FieldKind::Duration,
        |t| t.panel_run_timeout,
        |t| t.form_run_timeout_help,
    )
    .example("5m");
    view! {
        <FieldView of=sheet.slot("/history", history)/>
        <FieldView of=sheet.slot("/timeout", timeout)/>
        {limits::at_once(sheet, |t| t.panel_concurrency, |t| t.form_concurrency_help)}
    }
    .into_any()
}
