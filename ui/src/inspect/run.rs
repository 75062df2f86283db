//! What a run got and gave as a whole, and what one of its steps did.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::document::Flow;

use super::{
    attempts::{Attempts, FailureNote},
    items::ItemsPart,
    setup::{PanelHead, Section, Surroundings, step_body},
    timeline::{Stretch, step_bar},
};
use crate::{
    api::{Cancelled, RunDetail, RunFailure, RunStatus, StepDetail, StepStatus, encode},
    canvas::{Graph, Role},
    clock,
    kit::{
        badge::{Badge, StepBadge},
        button::CopyButton,
        icon::{Glyph, Icon},
        json::JsonView,
        rows::rows,
        time::{TimeAgo, Took},
    },
    texts::{fill, texts},
    words,
};

/// The panel for one step of a run.
#[component]
pub(crate) fn StepRecord(
    flow: Arc<Flow>,
    id: String,
    #[prop(into)] step: Signal<StepDetail>,
    /// The id of the run.
    run: String,
    #[prop(into)] around: Signal<Surroundings>,
    close: impl Fn() + 'static,
) -> impl IntoView {
    let t = texts();
    let setup = flow.steps.get(&id).cloned();
    let (kind, icon) = words::step_kind(t, setup.as_ref().map_or("", |setup| &setup.kind));
    let role = Role::of_step(setup.as_ref().map_or("", |setup| &setup.kind));
    let name = setup
        .as_ref()
        .map(|setup| setup.title.clone())
        .filter(|title| !title.is_empty());
    let folded = setup.map(|setup| {
        let (flow, id) = (flow.clone(), id.clone());
        view! {
            <details class="panel-fold">
                <summary>{t.panel_config}</summary>
                {move || step_body(t, &flow, &id, &setup, &around.get())}
            </details>
        }
    });
    let name = name.unwrap_or_else(|| id.clone());
    let address = id.clone();
    view! {
        <PanelHead icon over=format!("{} · {kind}", t.panel_step) name id role close/>
        <div class="panel-body" data-testid="step-record">
            {record(step, format!("/runs/{}/steps/{}", encode(&run), encode(&address)))}
            {folded}
        </div>
    }
}

/// What a step did. How far its items are changes all the time; what else is said of it stays meanwhile.
fn record(step: Signal<StepDetail>, address: String) -> impl IntoView {
    let counts = Memo::new(move |_| step.with(|step| step.items));
    let rest = Memo::new(move |_| StepDetail {
        items: None,
        ..step.get()
    });
    let some = Memo::new(move |_| counts.with(Option::is_some));
    view! {
        {move || how(rest.get())}
        <Show when=move || some.get()>
            <ItemsPart counts=Signal::derive(move || counts.get().unwrap_or_default()) address=address.clone()/>
        </Show>
        {move || values(rest.get())}
    }
}

/// How a step stands: its status, what it waits for, why it failed.
fn how(step: StepDetail) -> AnyView {
    let t = texts();
    let took = step.started_at.clone().map(|from| {
        let open = !matches!(step.status, StepStatus::Running | StepStatus::Waiting);
        let to = step.ended_at.clone().or_else(|| open.then(|| from.clone()));
        view! { <span class="fine"><Took from to/></span> }
    });
    let nothing = nothing(&step);
    let waits = step.waits_until.as_deref().and_then(clock::parse);
    let queued = step.queued_since.as_deref().and_then(clock::parse);
    let queued = queued.map(|since| fill(t.run_queued_since, &[("time", &clock::full(since))]));
    let waits = waits.map(|until| {
        let text = match step.waits_for.as_deref() {
            Some("callback") => t.run_waits_callback,
            Some(_) => t.run_waits_approval,
            None => t.run_waits_until,
        };
        fill(text, &[("time", &clock::full(until))])
    });
    let answer = match (step.approval.clone(), step.link.clone()) {
        (Some(id), _) => {
            let href = format!("/approvals?id={}", encode(&id));
            Some(view! { <p><a class="link-text" href=href data-testid="decide">{t.run_decide}</a></p> }.into_any())
        }
        (None, Some(link)) => {
            let copied = link.clone();
            Some(
                view! {
                    <p class="listening-address">
                        <code class="address" data-testid="callback-link">{link}</code>
                        <CopyButton label=t.run_copy_link text=move || copied.clone()/>
                    </p>
                }
                .into_any(),
            )
        }
        _ => None,
    };
    let port = step
        .port
        .clone()
        .filter(|port| port != "ok")
        .map(|port| fill(t.run_left_by, &[("port", &port)]));
    view! {
        <p class="record-line"><StepBadge status=step.status/>{step.taken_over.then(|| view! { <Badge label=t.run_taken_over/> })}{step.cached.then(|| view! { <Badge label=t.run_cached/> })}{undone(&step).map(|(label, tone)| view! { <Badge label tone/> })}{took}{port.map(|port| view! { <Badge label=port/> })}</p>
        {waits.map(|text| view! { <p data-testid="waits-until">{text}</p> })}
        {queued.map(|text| view! { <p data-testid="queued-since">{text}</p> })}
        {step.called.map(|run| called_link(&run))}
        {answer}
        {nothing.map(|text| view! { <p class="fine">{text}</p> })}
        {step.failure.map(|failure| view! { <FailureNote failure/> })}
    }
    .into_any()
}

/// Whether what a step did was reversed, once that has ended.
fn undone(step: &StepDetail) -> Option<(&'static str, &'static str)> {
    let t = texts();
    let last = step.attempts.iter().rfind(|attempt| attempt.undo)?;
    last.ended_at.as_ref()?;
    match last.failure {
        Some(_) => Some((t.run_not_undone, "bad")),
        None => Some((t.run_undone, "warn")),
    }
}

/// Why there is nothing to be seen of a step.
fn nothing(step: &StepDetail) -> Option<&'static str> {
    let t = texts();
    match step.status {
        StepStatus::Pending => Some(t.run_step_pending),
        StepStatus::Skipped => Some(t.run_step_skipped),
        _ => None,
    }
}

/// What a step gave and got, and its attempts.
fn values(step: StepDetail) -> AnyView {
    let t = texts();
    let nothing = nothing(&step).is_some();
    let attempts = (!step.attempts.is_empty()).then(|| {
        let attempts = step.attempts.clone();
        view! { <Section title=t.run_attempts><Attempts attempts/></Section> }
    });
    view! {
        {step.output.map(|value| message_part(t.run_output, value, "output"))}
        {attempts}
        {step.input.filter(|_| !nothing).map(|value| message_part(t.run_input, value, "input"))}
    }
    .into_any()
}

/// The way to the run that a step called.
pub(super) fn called_link(run: &str) -> AnyView {
    let label = fill(texts().run_called, &[("id", words::short_id(run))]);
    view! { <p><a class="link-text" data-testid="run-called" href=format!("/runs/{}", encode(run))>{label}</a></p> }
        .into_any()
}

/// A titled JSON value.
fn message_part(title: &'static str, value: Value, test: &'static str) -> AnyView {
    view! {
        <section class="panel-section" data-testid=test>
            <h3>{title}</h3>
            <JsonView value label=title/>
        </section>
    }
    .into_any()
}

/// The panel for the run as a whole: why it failed, its reply, its message, and its steps as a list. What stays the same
/// while the run goes on is drawn once.
#[component]
pub(crate) fn RunOverview(
    flow: Arc<Flow>,
    /// The drawing, for the order of the steps.
    graph: Arc<Graph>,
    #[prop(into)] run: Signal<Option<Arc<RunDetail>>>,
    chosen: RwSignal<Option<String>>,
) -> impl IntoView {
    let t = texts();
    let failure = part(run, |run| run.failure.clone());
    let failure = {
        let flow = flow.clone();
        move || {
            failure
                .get()
                .map(|failure| failure_part(&flow, failure, chosen))
        }
    };
    let cancelled = part(run, |run| run.cancelled.clone());
    let cancelled = move || cancelled.get().map(cancelled_part);
    let kept = part(run, |run| run.kept.then_some(()));
    // It stands on disk: nothing of it has begun.
    let held = part(run, |run| {
        let begun = run
            .steps
            .values()
            .any(|step| step.status != StepStatus::Pending);
        (run.status == RunStatus::Waiting && !begun).then_some(())
    });
    let reply = part(run, |run| run.reply.clone());
    let reply = move || reply.with(|reply| reply.as_ref().map(reply_part));
    let message = part(run, |run| Some(run.message.clone()));
    let message = move || {
        let message = message.get().unwrap_or_default();
        let parts = [
            (t.run_message, "body"),
            (t.try_query, "query"),
            (t.run_params, "params"),
            (t.try_headers, "headers"),
        ];
        let parts = parts.into_iter().filter_map(|(title, key)| {
            let value = message.get(key).cloned().filter(has_content)?;
            Some(message_part(title, value, key))
        });
        parts.collect::<Vec<_>>()
    };
    let ids = move || {
        let mut ids: Vec<String> = run.with(|run| {
            let steps = run.iter().flat_map(|run| run.steps.keys());
            steps.cloned().collect()
        });
        ids.sort_by_key(|id| graph.find(id).unwrap_or(usize::MAX));
        ids
    };
    let lines = rows(ids, Clone::clone, move |id| {
        step_line(&flow, id.get_untracked(), run, chosen)
    });
    view! {
        <div class="panel-body" data-testid="run-overview">
            <h2 class="unseen">{t.run_overview}</h2>
            {failure}
            {cancelled}
            <Show when=move || held.with(Option::is_some)><p class="notice" data-testid="run-held">{t.run_held}</p></Show>
            <Show when=move || kept.with(Option::is_none)><p class="notice">{t.run_not_kept}</p></Show>
            {reply}
            <Section title=t.run_steps><ul class="step-lines">{lines}</ul></Section>
            {message}
        </div>
    }
}

/// A part of a run that wakes only when it changes.
fn part<T: PartialEq + Send + Sync + 'static>(
    run: Signal<Option<Arc<RunDetail>>>,
    of: impl Fn(&RunDetail) -> Option<T> + Send + Sync + 'static,
) -> Memo<Option<T>> {
    Memo::new(move |_| run.with(|run| run.as_deref().and_then(&of)))
}

fn failure_part(
    flow: &Flow,
    failure: RunFailure,
    chosen: RwSignal<Option<String>>,
) -> impl IntoView + use<> {
    let t = texts();
    let name = failure.step.as_ref().map(|id| step_name(flow, id));
    let title = name.map_or(t.run_failed.to_owned(), |name| {
        fill(t.run_failed_at, &[("step", &name)])
    });
    let show = failure.step.map(|step| {
        view! {
            <button type="button" class="link-text" on:click=move |_| chosen.set(Some(step.clone()))>
                {t.run_show_step}
            </button>
        }
    });
    view! {
        <div class="notice bad" data-testid="run-failure">
            <p class="notice-title"><Glyph icon=Icon::CircleAlert/>{title}</p>
            <p class="failure-message">{failure.message}</p>
            <p class="fine">{words::class_by_word(t, &failure.class)}</p>
            {show}
        </div>
    }
}

fn cancelled_part(cancelled: Cancelled) -> impl IntoView {
    let t = texts();
    let title = match &cancelled.by {
        Some(name) => fill(t.cancelled_by, &[("name", name)]),
        None => t.cancelled_title.to_owned(),
    };
    view! {
        <div class="notice" data-testid="run-cancelled">
            <p class="record-line"><Glyph icon=Icon::Ban/>{title} <span class="fine"><TimeAgo at=cancelled.at/></span></p>
            {cancelled.note.map(|note| view! { <p>{note}</p> })}
        </div>
    }
}

/// A step in the list: its status, its name, how long it took or has taken so far, and when.
fn step_line(
    flow: &Flow,
    id: String,
    run: Signal<Option<Arc<RunDetail>>>,
    chosen: RwSignal<Option<String>>,
) -> impl IntoView + use<> {
    let name = step_name(flow, &id);
    let status = {
        let id = id.clone();
        part(run, move |run| Some(run.steps.get(&id)?.status))
    };
    let took = {
        let id = id.clone();
        part(run, move |run| {
            let step = run.steps.get(&id)?;
            let open = matches!(step.status, StepStatus::Running | StepStatus::Waiting);
            let lasts = step.status != StepStatus::Skipped && (open || step.ended_at.is_some());
            Some((step.started_at.clone()?, step.ended_at.clone())).filter(|_| lasts)
        })
    };
    let bars = {
        let id = id.clone();
        move || {
            run.with(|run| {
                let run = run.as_deref()?;
                let stretch = Stretch::of(run)?;
                let step = run.steps.get(&id)?;
                Some(step_bar(stretch.bars(step, clock::parse)))
            })
        }
    };
    view! {
        <li>
            <button type="button" class="step-line" on:click=move |_| chosen.set(Some(id.clone()))>
                {move || view! { <StepBadge status=status.get().unwrap_or_default()/> }}
                <span class="step-name">{name}</span>
                {move || took.get().map(|(from, to)| view! { <span class="fine"><Took from to/></span> })}
                {bars}
            </button>
        </li>
    }
}

/// The reply that the caller got.
fn reply_part(reply: &Value) -> AnyView {
    let t = texts();
    let status = reply.get("status").and_then(Value::as_u64);
    let badge = status.map(|status| {
        let tone = if status < 400 { "good" } else { "bad" };
        view! { <Badge label=status.to_string() tone/> }
    });
    let body = reply.get("body").cloned().filter(|body| !body.is_null());
    view! {
        <section class="panel-section" data-testid="reply">
            <h3>{t.run_reply} " " {badge}</h3>
            {body.map(|value| view! { <JsonView value label=t.run_reply/> })}
        </section>
    }
    .into_any()
}

/// What a person calls a step.
fn step_name(flow: &Flow, id: &str) -> String {
    let title = flow
        .steps
        .get(id)
        .map(|step| step.title.as_str())
        .filter(|title| !title.is_empty());
    title.unwrap_or(id).to_owned()
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}
