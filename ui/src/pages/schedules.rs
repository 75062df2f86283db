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
        state::{Empty, shown},
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
    // Which one is unfolded stays so while the list is read again.
    let unfolded: RwSignal<Option<String>> = RwSignal::new(None);
    let setting: RwSignal<Option<Wanted>> = RwSignal::new(None);
    let list = shown(schedules, move |schedules: Vec<ScheduleSummary>| {
        if schedules.is_empty() {
            return view! {
                <Empty icon=Icon::CalendarClock title=t.schedules_empty_title text=t.schedules_empty_text>
                    <a class=Weight::Normal.class() href="/">{t.runs_empty_action}</a>
                </Empty>
            }
            .into_any();
        }
        let rows = schedules.into_iter().map(|one| row(one, unfolded, setting));
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
                    <tbody>{rows.collect_view()}</tbody>
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
    one: ScheduleSummary,
    unfolded: RwSignal<Option<String>>,
    setting: RwSignal<Option<Wanted>>,
) -> impl IntoView {
    let t = texts();
    let key = format!("{}/{}", one.flow, one.trigger);
    let flow = if one.flow_title.is_empty() {
        one.flow.clone()
    } else {
        one.flow_title.clone()
    };
    let trigger = if one.title.is_empty() {
        one.trigger.clone()
    } else {
        one.title.clone()
    };
    let (times, written) = match (&one.cron, &one.every) {
        (Some(cron), _) => {
            let zone = one.timezone.clone().unwrap_or_default();
            let said = cron_words(t, cron).unwrap_or_else(|| cron.clone());
            (said, format!("{cron} · {zone}"))
        }
        (None, Some(every)) => (fill(t.schedules_every, &[("span", every)]), String::new()),
        (None, None) => (String::new(), String::new()),
    };
    let next = match &one.next_at {
        Some(at) => when(at.clone()),
        None if !one.enabled => view! { <Badge label=t.schedules_off/> }.into_any(),
        None if one.disabled => view! { <Badge label=t.schedules_disabled/> }.into_any(),
        None if one.paused => view! { <Badge label=t.schedules_paused tone="warn"/> }.into_any(),
        None => view! { <span class="fine">{t.schedules_never}</span> }.into_any(),
    };
    let last = match one.last_at {
        Some(at) => view! { <TimeAgo at/> }.into_any(),
        None => view! { <span class="fine">{t.never_run}</span> }.into_any(),
    };
    let mark = one.poll.as_ref().map(poll::mark);
    let kind = one.poll.as_ref().map(|_| {
        let (word, icon) = trigger_kind(t, "poll");
        view! { <Badge label=word icon/> }
    });
    let state = one.poll.map(|state| {
        let wanted = Wanted {
            flow: one.flow.clone(),
            trigger: one.trigger.clone(),
            cursor: state.cursor.clone(),
        };
        StoredValue::new((wanted, state))
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
        encode(&one.flow),
        encode(&one.trigger)
    );
    let label = fill(t.schedules_show, &[("name", &format!("{flow}, {trigger}"))]);
    let href = format!("/flows/{}", encode(&one.flow));
    view! {
        <tr data-testid="schedule-row" data-schedule=key>
            <th scope="row"><a class="flow-name" href=href><strong>{flow}</strong><span class="fine">{trigger}</span></a>{kind}</th>
            <td><span class="stacked"><span>{times}</span><span class="fine mono">{written}</span></span></td>
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
                {state.map(|state| {
                    let (wanted, state) = state.get_value();
                    poll::panel(wanted, state, setting)
                })}
                <Fires path=path.clone()/>
            </td></tr>
        </Show>
    }
}

/// A time to come: how long until then, and the time itself.
fn when(at: String) -> AnyView {
    let full = clock::parse(&at).map(clock::full).unwrap_or_default();
    view! { <span class="stacked"><TimeAgo at/><span class="fine">{full}</span></span> }.into_any()
}

/// The next ten times of a schedule.
#[component]
fn Fires(path: String) -> impl IntoView {
    let fires = Loader::new(move || {
        let path = path.clone();
        async move { api::get::<Page<Fire>>(&path).await.map(|page| page.items) }
    });
    shown(fires, |fires: Vec<Fire>| {
        let t = texts();
        if fires.is_empty() {
            return view! { <p class="fine">{t.schedules_never}</p> }.into_any();
        }
        let items = fires.into_iter().map(|fire| {
            let odd = fire.odd.as_deref().map(|odd| match odd {
                "skipped" => view! { <Badge label=t.schedules_skipped tone="warn"/> }.into_any(),
                _ => view! { <Badge label=t.schedules_doubled tone="warn"/> }.into_any(),
            });
            // As the clocks of its zone show it, without what machines need in it.
            let local = fire.local.replacen('T', " ", 1);
            view! { <li><span class="number">{local}</span> " " <span class="fine"><TimeAgo at=fire.at/></span> {odd}</li> }
        });
        view! { <ol class="fires" data-testid="fire-list">{items.collect_view()}</ol> }.into_any()
    })
}
