//! Schedules and polls: what fires when, the next times of one with what is unusual about them, and where a poll stands.

mod poll;

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    api::{self, Fire, Page, ScheduleSummary, encode},
    clock,
    kit::{
        badge::Badge,
        button::Weight,
        icon::{Glyph, Icon},
        rows::rows,
        state::{Empty, kept, shown},
        time::TimeAgo,
    },
    load::Loader,
    texts::{fill, texts},
    words::{cron_words, trigger_kind},
};
use poll::{CursorDialog, Wanted};

/// How often the list is read again: what has fired moves on.
const CALM: Duration = Duration::from_secs(15);

#[component]
pub(crate) fn SchedulesPage() -> impl IntoView {
    let t = texts();
    let schedules = Loader::new(|| api::all::<ScheduleSummary>("/schedules"));
    if let Ok(tick) = set_interval_with_handle(move || schedules.reload(), CALM) {
        on_cleanup(move || tick.clear());
    }
    let unfolded: RwSignal<Option<String>> = RwSignal::new(None);
    let setting: RwSignal<Option<Wanted>> = RwSignal::new(None);
    let none = Memo::new(move |_| schedules.ready().is_none_or(|all| all.is_empty()));
    let list = kept(schedules, move || {
        if none.get() {
            return view! {
                <Empty icon=Icon::CalendarClock title=t.schedules_empty_title text=t.schedules_empty_text>
                    <a class=Weight::Normal.class() href="/">{t.runs_empty_action}</a>
                </Empty>
            }
            .into_any();
        }
        let rows = rows(
            move || schedules.ready().unwrap_or_default(),
            |one| format!("{}/{}", one.flow, one.trigger),
            move |one| row(one, unfolded, setting),
        );
        view! {
            <div class="table-frame">
                <table class="table" data-testid="schedules">
                    <thead>
                        <tr>
                            <th scope="col">{t.runs_column_flow}</th>
                            <th scope="col">{t.schedules_column_times}</th>
                            <th scope="col">{t.schedules_column_next}</th>
                            <th scope="col">{t.schedules_column_last}</th>
                            <th scope="col"><span class="unseen">{t.actions}</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    });
    view! {
        <header class="page-head"><h1>{t.schedules_title}</h1></header>
        <section class="page-body">
            <p class="lead">{t.schedules_text}</p>
            {list}
        </section>
        <CursorDialog setting done=move || schedules.reload()/>
    }
}

fn row(
    one: Memo<ScheduleSummary>,
    unfolded: RwSignal<Option<String>>,
    setting: RwSignal<Option<Wanted>>,
) -> impl IntoView {
    let t = texts();
    let start = one.get_untracked();
    let key = format!("{}/{}", start.flow, start.trigger);
    let named = |title: &str, id: &str| if title.is_empty() { id } else { title }.to_owned();
    let flow = named(&start.flow_title, &start.flow);
    let trigger = named(&start.title, &start.trigger);
    let written = Memo::new(move |_| {
        one.with(|one| (one.cron.clone(), one.timezone.clone(), one.every.clone()))
    });
    let times = move || match written.get() {
        (Some(cron), zone, _) => {
            let said = cron_words(t, &cron).unwrap_or_else(|| cron.clone());
            let written = format!("{cron} · {}", zone.unwrap_or_default());
            view! { <span class="stacked"><span>{said}</span><span class="fine mono" title=written.clone()>{written.clone()}</span></span> }.into_any()
        }
        (None, _, Some(every)) => fill(t.schedules_every, &[("span", &every)]).into_any(),
        (None, _, None) => ().into_any(),
    };
    let next = move || one.with(next);
    let last = Memo::new(move |_| one.with(|one| one.last_at.clone()));
    let last = move || match last.get() {
        Some(at) => view! { <TimeAgo at/> }.into_any(),
        None => view! { <span class="fine">{t.never_run}</span> }.into_any(),
    };
    let poll = Memo::new(move |_| one.with(|one| one.poll.clone()));
    let mark = move || poll.with(|poll| poll.as_ref().map(poll::mark));
    let kind = start.poll.is_some().then(|| {
        let (word, icon) = trigger_kind(t, "poll");
        view! { <Badge label=word icon/> }
    });
    let is_open = {
        let key = key.clone();
        Memo::new(move |_| unfolded.with(|open| open.as_ref() == Some(&key)))
    };
    let toggle = {
        let key = key.clone();
        move |_| unfolded.set((!is_open.get_untracked()).then(|| key.clone()))
    };
    let path = format!(
        "/flows/{}/triggers/{}/fires",
        encode(&start.flow),
        encode(&start.trigger)
    );
    let label = fill(t.schedules_show, &[("name", &format!("{flow}, {trigger}"))]);
    let href = format!("/flows/{}", encode(&start.flow));
    let panel = move || one.with_untracked(|one| poll::panel(one, poll, setting));
    view! {
        <tr data-testid="schedule-row" data-schedule=key>
            <th scope="row"><a class="flow-name" href=href><strong>{flow}</strong><span class="fine">{trigger}</span></a>{kind}</th>
            <td>{times}</td>
            <td>{next}</td>
            <td><span class="stacked">{last}{mark}</span></td>
            <td class="cell-tools">
                <button type="button" class="button quiet" data-testid="fires" aria-label=label aria-expanded=move || is_open.get().to_string() on:click=toggle>
                    <Glyph icon=Icon::CalendarClock/>
                    <span>{t.schedules_fires}</span>
                </button>
            </td>
        </tr>
        <Show when=move || is_open.get()>
            <tr class="unfolded"><td colspan="5">
                {panel}
                <Fires path=path.clone() next=Signal::derive(move || one.with(|one| one.next_at.clone()))/>
            </td></tr>
        </Show>
    }
}

/// When it fires next, or why it does not.
fn next(one: &ScheduleSummary) -> AnyView {
    let t = texts();
    match &one.next_at {
        Some(at) => when(at.clone()),
        None if !one.enabled => view! { <Badge label=t.schedules_off/> }.into_any(),
        None if one.disabled => view! { <Badge label=t.schedules_disabled/> }.into_any(),
        None if one.paused => view! { <Badge label=t.schedules_paused tone="warn"/> }.into_any(),
        None => view! { <span class="fine">{t.schedules_never}</span> }.into_any(),
    }
}

/// A time to come: how long until then, and the time itself.
fn when(at: String) -> AnyView {
    let t = texts();
    let instant = clock::parse(&at).unwrap_or_default();
    let due = Memo::new(move |_| instant <= clock::ticking());
    let until = move || match due.get() {
        true => view! { <span>{t.schedules_due}</span> }.into_any(),
        false => view! { <TimeAgo at=at.clone()/> }.into_any(),
    };
    view! { <span class="stacked">{until}<span class="fine">{clock::full(instant)}</span></span> }
        .into_any()
}

/// The next ten times of a schedule, read again when it has fired.
#[component]
fn Fires(path: String, next: Signal<Option<String>>) -> impl IntoView {
    let next = Memo::new(move |_| next.get());
    let fires = Loader::new(move || {
        next.track();
        let path = path.clone();
        async move { api::get::<Page<Fire>>(&path).await.map(|page| page.items) }
    });
    shown(fires, |fires: Vec<Fire>| {
        let t = texts();
        if fires.is_empty() {
            return view! { <p class="fine">{t.schedules_never}</p> }.into_any();
        }
        let seconds = fires
            .iter()
            .any(|fire| fire.local.get(17..19) != Some("00"));
        let items = fires.into_iter().map(move |fire| {
            let odd = fire.odd.as_deref().map(|odd| match odd {
                "skipped" => view! { <Badge label=t.schedules_skipped tone="warn"/> }.into_any(),
                _ => view! { <Badge label=t.schedules_doubled tone="warn"/> }.into_any(),
            });
            let (local, ahead) = clock::of_zone(&fire.local, seconds).unwrap_or_else(|| (fire.local.clone(), String::new()));
            view! {
                <li title=fire.local>
                    <span class="number">{local}</span> " " <span class="fine">{ahead} " · " <TimeAgo at=fire.at/></span> " " {odd}
                </li>
            }
        });
        view! { <ol class="fires" data-testid="fire-list">{items.collect_view()}</ol> }.into_any()
    })
}
