//! The items of an `each` step: how far it is, and what was done for each, read page by page.

use std::time::Duration;

use leptos::prelude::*;

use super::run::called_link;
use crate::{
    api::{self, ItemCounts, ItemDetail},
    kit::{
        badge::{RunBadge, StepBadge},
        button::Button,
        icon::Icon,
        json::JsonView,
        rows::rows,
        state::kept,
    },
    load::Loader,
    texts::{count, fill, texts},
};

/// How long the page waits after the counts have moved before it reads the items again.
const CALM: Duration = Duration::from_secs(1);
/// How many items are read at once.
const PAGE: usize = 50;

/// How far the step is, and its items where the run keeps them.
#[component]
pub(super) fn ItemsPart(
    #[prop(into)] counts: Signal<ItemCounts>,
    /// The run and the step, in the API.
    address: String,
) -> impl IntoView {
    let t = texts();
    let share = move |of: fn(ItemCounts) -> u64| {
        move || {
            let counts = counts.get();
            format!(
                "{:.2}%",
                of(counts) as f64 / counts.total.max(1) as f64 * 100.0
            )
        }
    };
    view! {
        <section class="panel-section" data-testid="items">
            <h3>{t.items_title}</h3>
            <p class="record-line number" data-testid="items-counts">{move || said(counts.get())}</p>
            <span class="step-bar alone" aria-hidden="true">
                <i class="good" style:left="0%" style:width=share(|of| of.done)></i>
                <i class="bad" style:left=share(|of| of.done) style:width=share(|of| of.failed)></i>
                <i class="busy" style:left=share(|of| of.done + of.failed) style:width=share(|of| of.underway)></i>
            </span>
            <ItemList counts address/>
        </section>
    }
}

/// The counts in words.
fn said(counts: ItemCounts) -> String {
    let t = texts();
    let done = [
        ("n", counts.done.to_string()),
        ("all", counts.total.to_string()),
    ];
    let mut said = vec![fill(
        t.items_done,
        &done.each_ref().map(|(key, n)| (*key, n.as_str())),
    )];
    for (n, one, many) in [
        (counts.failed, t.items_failed_one, t.items_failed_many),
        (counts.underway, t.items_underway_one, t.items_underway_many),
    ] {
        if n > 0 {
            said.push(count(n, one, many));
        }
    }
    said.join(", ")
}

/// The items, a page more whenever somebody asks. They are read again a moment after the counts have moved; what is
/// unfolded stays so.
#[component]
fn ItemList(counts: Signal<ItemCounts>, address: String) -> impl IntoView {
    let t = texts();
    let wanted = RwSignal::new(1_usize);
    let path = format!("{address}/items?limit={PAGE}");
    let read = Loader::new(move || {
        let (path, wanted) = (path.clone(), wanted.get());
        async move { api::pages::<ItemDetail>(&path, wanted).await }
    });
    let planned = StoredValue::new(false);
    Effect::new(move |before: Option<ItemCounts>| {
        let now = counts.get();
        if before.is_some_and(|before| before != now) && !planned.get_value() {
            planned.set_value(true);
            let then = move || {
                if planned.try_set_value(false).is_none() {
                    read.reload();
                }
            };
            set_timeout(then, CALM);
        }
        now
    });
    let items = move || read.ready().map(|(items, _)| items).unwrap_or_default();
    let more = Memo::new(move |_| read.ready().is_some_and(|(_, more)| more));
    kept(read, move || {
        let lines = rows(items, |item| item.index.to_string(), item_line);
        view! {
            <ul class="item-lines">{lines}</ul>
            <Show when=move || more.get()>
                <Button label=t.load_more icon=Icon::ChevronDown test="items-more" press=move |_| wanted.update(|wanted| *wanted += 1)/>
            </Show>
        }
        .into_any()
    })
}

/// An item: how it stands, and what was done for it once it is unfolded.
fn item_line(item: Memo<ItemDetail>) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let why = move || {
        item.with(|item| {
            let mut steps = item.steps.iter();
            steps.find_map(|(id, step)| Some(format!("{id}: {}", step.failure.as_ref()?.message)))
        })
    };
    let number = item.with_untracked(|item| item.index.to_string());
    let number = fill(t.items_number, &[("n", &number)]);
    let status = Memo::new(move |_| item.with(|item| item.status));
    view! {
        <li data-testid="item" data-status=move || status.get().word()>
            <details class="exchange" on:toggle=move |_| open.set(true)>
                <summary>
                    <span class="exchange-label">{number}</span>
                    {move || view! { <RunBadge status=status.get()/> }}
                    <span class="exchange-line">{why}</span>
                </summary>
                <Show when=move || open.get()><div class="item-inside">{move || inside(item.get())}</div></Show>
            </details>
        </li>
    }
}

/// What each step of the body did for an item, the item, and what came of it.
fn inside(item: ItemDetail) -> impl IntoView {
    let t = texts();
    let mut steps: Vec<_> = item.steps.into_iter().collect();
    steps.sort_by_key(|(_, step)| (step.started_at.is_none(), step.started_at.clone()));
    let steps = steps.into_iter().map(|(id, step)| {
        let tries = (step.attempts.len() > 1).then(|| format!("{} ×", step.attempts.len()));
        let failure = step.failure.map(|failure| failure.message);
        view! {
            <li class="item-step">
                <StepBadge status=step.status/>
                <span>{id} " " <span class="fine">{tries}</span></span>
                {failure.map(|failure| view! { <span class="fine">{failure}</span> })}
                {step.called.map(|run| called_link(&run))}
            </li>
        }
    });
    view! {
        <ul class="item-steps">{steps.collect_view()}</ul>
        <JsonView value=item.item label=t.items_item/>
        {item.output.map(|value| view! { <JsonView value label=t.run_output/> })}
    }
}
