//! The items of an `each` step: how far it is, and what was done for each, read page by page.

use leptos::{prelude::*, task::spawn_local};

use super::run::called_link;
use crate::{
    api::{self, ItemCounts, ItemDetail, Page, Trouble, encode},
    kit::{
        badge::{RunBadge, StepBadge},
        button::Button,
        icon::Icon,
        json::JsonView,
        toast::toast,
    },
    texts::{count, fill, texts},
};

/// How far the step is, and its items where the run keeps them. They are read anew whenever the counts have moved.
#[component]
pub(super) fn ItemsPart(
    counts: ItemCounts,
    /// The run and the step, in the API.
    address: String,
) -> impl IntoView {
    let t = texts();
    let share = |n: u64| format!("{:.2}%", n as f64 / counts.total.max(1) as f64 * 100.0);
    let mut said = vec![fill(
        t.items_done,
        &[
            ("n", &counts.done.to_string()),
            ("all", &counts.total.to_string()),
        ],
    )];
    for (n, one, many) in [
        (counts.failed, t.items_failed_one, t.items_failed_many),
        (counts.underway, t.items_underway_one, t.items_underway_many),
    ] {
        if n > 0 {
            said.push(count(n, one, many));
        }
    }
    view! {
        <section class="panel-section" data-testid="items">
            <h3>{t.items_title}</h3>
            <p class="record-line number" data-testid="items-counts">{said.join(", ")}</p>
            <span class="step-bar alone" aria-hidden="true">
                <i class="good" style:left="0%" style:width=share(counts.done)></i>
                <i class="bad" style:left=share(counts.done) style:width=share(counts.failed)></i>
                <i class="busy" style:left=share(counts.done + counts.failed) style:width=share(counts.underway)></i>
            </span>
            <ItemList address/>
        </section>
    }
}

/// The items, a page at a time.
#[component]
fn ItemList(address: String) -> impl IntoView {
    let t = texts();
    let items: RwSignal<Vec<ItemDetail>> = RwSignal::new(Vec::new());
    let next: RwSignal<Option<String>> = RwSignal::new(None);
    let busy = RwSignal::new(true);
    let address = StoredValue::new(address);
    let read = move |cursor: Option<String>| {
        busy.set(true);
        spawn_local(async move {
            let cursor = cursor.map_or(String::new(), |cursor| {
                format!("&cursor={}", encode(&cursor))
            });
            let path = format!("{}/items?limit=50{cursor}", address.get_value());
            let answer: Result<Page<ItemDetail>, Trouble> = api::get(&path).await;
            busy.try_set(false);
            match answer {
                Ok(page) => {
                    items.try_update(|items| items.extend(page.items));
                    next.try_set(page.next);
                }
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    };
    read(None);
    view! {
        <ul class="item-lines">
            <For each=move || items.get() key=|item| item.index let:item>{item_line(item)}</For>
        </ul>
        <Show when=move || next.with(Option::is_some)>
            <Button label=t.load_more icon=Icon::ChevronDown busy test="items-more" press=move |_| read(next.get_untracked())/>
        </Show>
    }
}

fn item_line(item: ItemDetail) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let failed = item
        .steps
        .iter()
        .find_map(|(id, step)| Some((id.clone(), step.failure.clone()?)));
    let why = failed.map(|(id, failure)| format!("{id}: {}", failure.message));
    let number = fill(t.items_number, &[("n", &item.index.to_string())]);
    let status = item.status;
    let item = StoredValue::new(item);
    let inside = move || {
        let item = item.get_value();
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
    };
    view! {
        <li data-testid="item" data-status=status.word()>
            <details class="exchange" on:toggle=move |_| open.set(true)>
                <summary>
                    <span class="exchange-label">{number}</span>
                    <RunBadge status/>
                    <span class="exchange-line">{why}</span>
                </summary>
                <Show when=move || open.get()><div class="item-inside">{inside}</div></Show>
            </details>
        </li>
    }
}
