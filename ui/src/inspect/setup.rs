//! What a trigger, a step or a whole flow is set up to do.

use std::sync::Arc;

use leptos::prelude::*;
use weir_flows::document::{Flow, History, Step, Trigger};

use super::{config, policy};
use crate::{
    api::encode,
    canvas::Role,
    kinds,
    kit::{
        button::IconButton,
        code::{Code, InlineCode, Tongue},
        icon::{Glyph, Icon},
    },
    texts::{Texts, texts},
    words,
};

/// What the panel knows besides the document.
#[derive(Clone, Default)]
pub(crate) struct Surroundings {
    /// The names of the connections that are set up here, once they were read.
    pub(crate) connections: Option<Arc<Vec<String>>>,
}

/// The panel for the card with this id.
#[component]
pub(crate) fn Setup(
    flow: Arc<Flow>,
    id: String,
    #[prop(into)] around: Signal<Surroundings>,
    close: impl Fn() + 'static,
) -> impl IntoView {
    let t = texts();
    if let Some(trigger) = flow.triggers.get(&id) {
        let (kind, icon) = words::trigger_kind(t, &trigger.kind);
        let name = if trigger.title.is_empty() {
            id.clone()
        } else {
            trigger.title.clone()
        };
        return view! {
            <PanelHead icon over=format!("{} · {kind}", t.panel_trigger) name id role=Role::Trigger close/>
            <div class="panel-body">{trigger_body(t, trigger)}</div>
        }
        .into_any();
    }
    let Some(step) = flow.steps.get(&id).cloned() else {
        return ().into_any();
    };
    let (kind, icon) = words::step_kind(t, &step.kind);
    let name = if step.title.is_empty() {
        id.clone()
    } else {
        step.title.clone()
    };
    let role = Role::of_step(&step.kind);
    let body = {
        let id = id.clone();
        move || step_body(t, &flow, &id, &step, &around.get())
    };
    view! {
        <PanelHead icon over=format!("{} · {kind}", t.panel_step) name id role close/>
        <div class="panel-body">{body}</div>
    }
    .into_any()
}

/// The head of a panel: what it is about, and a way to close it.
#[component]
pub(crate) fn PanelHead(
    icon: Icon,
    #[prop(into)] over: String,
    #[prop(into)] name: String,
    #[prop(into)] id: String,
    role: Role,
    close: impl Fn() + 'static,
) -> impl IntoView {
    view! {
        <header class=format!("panel-head {}", role.class())>
            <span class="panel-icon"><Glyph icon size=20/></span>
            <div class="panel-name">
                <p class="fine">{over}</p>
                <h2>{name}</h2>
                <p class="fine mono">{id}</p>
            </div>
            <IconButton icon=Icon::X label=texts().panel_close test="panel-close" press=move |_| close()/>
        </header>
    }
}

/// A titled part of a panel.
#[component]
pub(crate) fn Section(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <section class="panel-section">
            <h3>{title}</h3>
            {children()}
        </section>
    }
}

fn description(text: &str) -> AnyView {
    if text.is_empty() {
        ().into_any()
    } else {
        view! { <p class="prose">{text.to_owned()}</p> }.into_any()
    }
}

fn trigger_body(t: &'static Texts, trigger: &Trigger) -> AnyView {
    let lines = config::lines(t, &trigger.config, kinds::catalog().trigger(&trigger.kind));
    let rules = [(t.panel_filter, &trigger.filter), (t.panel_map, &trigger.map), (t.panel_dedupe, &trigger.dedupe)]
        .into_iter()
        .filter_map(|(label, rule)| rule.clone().map(|rule| (label, rule)))
        .map(|(label, rule)| {
            view! { <div class="pair"><dt>{label}</dt><dd><InlineCode text=rule tongue=Tongue::Rhai/></dd></div> }
        })
        .collect::<Vec<_>>();
    let schema = trigger
        .schema
        .as_ref()
        .and_then(|schema| serde_json::to_string_pretty(schema).ok());
    view! {
        {description(&trigger.description)}
        {config_section(t, lines)}
        {(!rules.is_empty()).then(|| view! { <section class="panel-section"><dl class="pairs">{rules}</dl></section> })}
        {schema.map(|text| view! { <Section title=t.panel_schema><Code text tongue=Tongue::Json/></Section> })}
    }
    .into_any()
}

/// What a step is set up to do.
pub(crate) fn step_body(
    t: &'static Texts,
    flow: &Flow,
    id: &str,
    step: &Step,
    around: &Surroundings,
) -> AnyView {
    let catalog = kinds::catalog();
    let lines = config::lines(t, &step.config, catalog.step(&step.kind));
    let policy = policy::lines(t, flow, id, step);
    let policy = (!policy.is_empty()).then(|| {
        let pairs = policy.into_iter().map(|(label, words)| {
            view! { <div class="pair"><dt>{label}</dt><dd>{words}</dd></div> }
        });
        view! { <Section title=t.panel_policy><dl class="pairs">{pairs.collect_view()}</dl></Section> }
    });
    let undo = step.undo.as_ref().map(|undo| {
        let lines = config::lines(t, &undo.config, catalog.step(&undo.kind));
        view! { <Section title=t.panel_undo>{pairs(lines)}</Section> }
    });
    view! {
        {description(&step.description)}
        {step.connection.as_deref().map(|name| connection(t, name, around))}
        {config_section(t, lines)}
        {policy}
        {undo}
    }
    .into_any()
}

/// The connection a step calls by, and whether it is set up on this server.
fn connection(t: &'static Texts, name: &str, around: &Surroundings) -> AnyView {
    let missing = around
        .connections
        .as_ref()
        .is_some_and(|known| known.iter().all(|known| known != name));
    let address = format!("/connections?open={}", encode(name));
    let name = name.to_owned();
    let note = missing.then(|| {
        view! {
            <span class="badge warn"><Glyph icon=Icon::TriangleAlert size=14/>{t.panel_connection_missing}</span>
            <a class="link-text" href=address.clone()>{t.panel_connection_create}</a>
        }
    });
    view! {
        <Section title=t.panel_connection>
            <p class="connection-line">
                <Glyph icon=Icon::Plug/>
                <a class="link-text mono" href=address>{name}</a>
                {note}
            </p>
        </Section>
    }
    .into_any()
}

fn config_section(t: &'static Texts, lines: Vec<(String, config::Shape)>) -> AnyView {
    if lines.is_empty() {
        return view! { <p class="fine">{t.panel_no_config}</p> }.into_any();
    }
    view! { <Section title=t.panel_config>{pairs(lines)}</Section> }.into_any()
}

/// Labels with what stands there; scripts and tables get a line of their own below their label.
fn pairs(lines: Vec<(String, config::Shape)>) -> impl IntoView {
    let lines = lines.into_iter().map(|(label, shape)| {
        let tall = !matches!(shape, config::Shape::Word(_) | config::Shape::Secret(_));
        view! { <div class="pair" class:tall=tall><dt>{label}</dt><dd>{config::shape_view(shape)}</dd></div> }
    });
    view! { <dl class="pairs">{lines.collect_view()}</dl> }
}

/// The panel for the whole flow, shown while no card is chosen.
#[component]
pub(crate) fn FlowSetup(flow: Arc<Flow>) -> impl IntoView {
    let t = texts();
    let history = match flow.settings.history {
        History::Full => t.panel_history_full,
        History::Failures => t.panel_history_failures,
        History::None => t.panel_history_none,
    };
    let mut lines = vec![(t.panel_history, history.to_owned())];
    if let Some(timeout) = &flow.settings.timeout {
        lines.push((t.panel_run_timeout, timeout.to_string()));
    }
    if let Some(concurrency) = &flow.settings.concurrency {
        lines.push((t.panel_concurrency, concurrency.limit.to_string()));
    }
    let lines = lines
        .into_iter()
        .map(|(label, words)| view! { <div class="pair"><dt>{label}</dt><dd>{words}</dd></div> });
    let tests = (!flow.tests.is_empty()).then(|| {
        let tests = flow
            .tests
            .iter()
            .map(|test| view! { <li>{test.name.clone()}</li> })
            .collect_view();
        view! { <Section title=t.panel_tests><ul class="plain-list">{tests}</ul></Section> }
    });
    view! {
        <div class="panel-body">
            <h2 class="unseen">{t.panel_flow}</h2>
            {description(&flow.description)}
            <p class="fine">{t.panel_flow_text}</p>
            <Section title=t.panel_flow><dl class="pairs">{lines.collect_view()}</dl></Section>
            {tests}
        </div>
    }
}
