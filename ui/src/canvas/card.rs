//! One card: icon, title, what it does, its ports, and how its step stands in the run that is shown.

use leptos::prelude::*;

use super::{graph::Card, live::CardState};
use crate::{
    api::StepStatus,
    kit::icon::{Glyph, Icon},
    texts::{Texts, fill, texts},
    words,
};

/// Draws a card. `choose` is told when it is opened by keyboard; pointers are the canvas's own business.
pub(crate) fn card_view(
    card: &Card,
    state: Option<RwSignal<CardState>>,
    chosen: Signal<bool>,
    first: Signal<bool>,
    open: impl Fn() + 'static,
) -> AnyView {
    let t = texts();
    let (kind, icon) = kind_of(t, card);
    let pattern = if card.enters {
        t.canvas_step
    } else {
        t.canvas_trigger
    };
    let spoken = fill(pattern, &[("title", &card.title), ("kind", &kind)]);
    let label = move || match state.map(|state| state.get().status) {
        Some(status) => format!("{spoken}, {}", words::step_status(texts(), status).0),
        None => spoken.clone(),
    };
    let size = card.size();
    let place = format!("translate({}px,{}px)", card.at.x, card.at.y);
    let summary = if card.summary.is_empty() {
        kind.clone()
    } else {
        card.summary.clone()
    };
    let subtitle = if card.summary.is_empty() {
        kind
    } else {
        format!("{kind} · {}", card.summary)
    };
    let ports = card.ports.iter().map(|port| {
        let error = port == "error";
        view! { <li class="card-port" class:error=error><span>{port.clone()}</span></li> }
    });
    view! {
        <div
            class=format!("card {}", card.role.class())
            class:chosen=chosen
            class:off=card.disabled
            class:ports=!card.ports.is_empty()
            class:enters=card.enters
            class:leaves=card.leaves && card.ports.is_empty()
            data-testid="card"
            data-card=card.id.clone()
            data-status=move || state.map(|state| words::step_status(texts(), state.get().status).2)
            role="button"
            tabindex=move || if first.get() { "0" } else { "-1" }
            aria-label=label
            aria-pressed=move || if chosen.get() { "true" } else { "false" }
            title=format!("{}\n{}", card.title, subtitle)
            style:transform=place
            style:width=format!("{}px", size.width)
            style:height=format!("{}px", size.height)
            on:keydown=move |event| {
                if matches!(event.key().as_str(), "Enter" | " ") {
                    event.prevent_default();
                    open();
                }
            }
        >
            <div class="card-head">
                <span class="card-icon"><Glyph icon size=20/></span>
                <span class="card-text">
                    <span class="card-title">{card.title.clone()}</span>
                    <span class="card-summary">
                        {if card.disabled { t.canvas_disabled.to_owned() } else { summary }}
                    </span>
                </span>
            </div>
            {(!card.ports.is_empty()).then(|| view! { <ul class="card-ports">{ports.collect_view()}</ul> })}
            {state.map(mark)}
        </div>
    }
    .into_any()
}

/// The icon and the word of a card's kind.
pub(crate) fn kind_of(t: &Texts, card: &Card) -> (String, Icon) {
    if card.enters {
        words::step_kind(t, &card.kind)
    } else {
        words::trigger_kind(t, &card.kind)
    }
}

/// How the step stands, at the upper edge of its card.
fn mark(state: RwSignal<CardState>) -> impl IntoView {
    let status = Memo::new(move |_| state.get().status);
    let icon = Signal::derive(move || words::step_status(texts(), status.get()).1);
    let aside = move || {
        let state = state.get();
        let took = state.took.filter(|_| state.status != StepStatus::Skipped);
        let took = took.map(|took| words::duration(texts(), took));
        let attempts = (state.attempts > 1).then(|| format!("{}×", state.attempts));
        [attempts, took]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    };
    view! {
        <span class="card-mark" class:pending=move || status.get() == StepStatus::Pending>
            <Glyph icon size=14/>
            <span class="number">{aside}</span>
        </span>
    }
}
