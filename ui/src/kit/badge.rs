//! Small marks: how a run or step stands, and how the last day went.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::{
    api::{Counts, RunStatus, StepStatus},
    texts::{count, texts},
    words,
};

/// A word on a tinted ground.
#[component]
pub(crate) fn Badge(
    #[prop(into)] label: String,
    /// The colour: `good`, `bad`, `warn`, `busy`, or empty for neutral.
    #[prop(optional)]
    tone: &'static str,
    #[prop(optional)] icon: Option<Icon>,
    #[prop(optional, into)] hint: Option<String>,
) -> impl IntoView {
    view! {
        <span class=format!("badge {tone}") title=hint>
            {icon.map(|icon| view! { <Glyph icon size=14/> })}
            {label}
        </span>
    }
}

/// How a run stands: icon, colour and word.
#[component]
pub(crate) fn RunBadge(status: RunStatus) -> impl IntoView {
    let (word, icon) = words::run_status(texts(), status);
    view! {
        <span class=format!("status {}", status.word()) data-status=status.word()>
            <Glyph icon/>
            {word}
        </span>
    }
}

/// How a step stands: icon, colour and word.
#[component]
pub(crate) fn StepBadge(status: StepStatus) -> impl IntoView {
    let (word, icon, class) = words::step_status(texts(), status);
    view! {
        <span class=format!("status {class}") data-status=class>
            <Glyph icon/>
            {word}
        </span>
    }
}

/// The runs of a day as one bar, with the counts in words.
#[component]
pub(crate) fn DayBar(counts: Counts) -> impl IntoView {
    let t = texts();
    let ended = counts.succeeded + counts.failed;
    if ended + counts.active == 0 {
        return view! { <span class="fine">{t.no_runs_today}</span> }.into_any();
    }
    let mut said = vec![count(counts.succeeded, t.day_succeeded, t.day_succeeded)];
    if counts.failed > 0 {
        said.push(count(counts.failed, t.day_failed, t.day_failed));
    }
    if counts.active > 0 {
        said.push(count(counts.active, t.day_active, t.day_active));
    }
    let said = said.join(", ");
    let total = counts.succeeded + counts.failed + counts.active;
    // A share is never drawn so narrow that nobody sees it.
    let part = move |n: u64| (n > 0).then(|| format!("{}fr", (n as f64 / total as f64).max(0.06)));
    let parts = [
        ("good", counts.succeeded),
        ("bad", counts.failed),
        ("busy", counts.active),
    ];
    let columns = parts
        .iter()
        .filter_map(|(_, n)| part(*n))
        .collect::<Vec<_>>()
        .join(" ");
    view! {
        <div class="day" title=said.clone()>
            <div class="day-bar" style:grid-template-columns=columns aria-hidden="true">
                {parts
                    .into_iter()
                    .filter(|(_, n)| *n > 0)
                    .map(|(tone, _)| view! { <i class=tone></i> })
                    .collect_view()}
            </div>
            <span class="day-count" aria-label=said.clone()>
                {(counts.succeeded > 0).then(|| view! { <span>{counts.succeeded}</span> })}
                {(counts.failed > 0).then(|| view! { <span class="bad">{format!("{} ✕", counts.failed)}</span> })}
                {(counts.active > 0).then(|| view! { <span class="busy">{format!("{} …", counts.active)}</span> })}
            </span>
        </div>
    }
    .into_any()
}
