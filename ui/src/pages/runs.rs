//! The list of runs: filters in the address, more on demand, and news as it happens.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use crate::{
    api::{self, FlowSummary, Page, RunStatus, RunSummary, Trouble, encode},
    clock,
    kit::{
        badge::RunBadge,
        button::{Button, Weight},
        field::Choice,
        icon::{Glyph, Icon},
        state::{Empty, Skeleton, TroubleNote},
        time::{TimeAgo, Took},
        toast::toast,
    },
    load::{Loader, follow},
    texts::texts,
    words,
};

/// Which runs are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filters {
    pub(crate) flow: String,
    /// A status word, or empty for all.
    pub(crate) status: String,
    /// `1h`, `24h`, `7d`, or empty for any time.
    pub(crate) since: String,
}

impl Filters {
    /// The query of the API for these filters.
    fn query(&self, now: f64) -> String {
        let hours = match self.since.as_str() {
            "1h" => Some(1.0),
            "24h" => Some(24.0),
            "7d" => Some(168.0),
            _ => None,
        };
        let mut query = "limit=50".to_owned();
        let mut add = |key: &str, value: &str| {
            if !value.is_empty() {
                query.push_str(&format!("&{key}={}", encode(value)));
            }
        };
        add("flow", &self.flow);
        add("status", &self.status);
        if let Some(hours) = hours {
            add("from", &clock::print(now - hours * 3_600_000.0));
        }
        query
    }

    /// The query of the page's own address.
    fn address(&self) -> String {
        let parts = [
            ("flow", &self.flow),
            ("status", &self.status),
            ("since", &self.since),
        ];
        let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
        let query = parts
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("&");
        if query.is_empty() {
            "/runs".to_owned()
        } else {
            format!("/runs?{query}")
        }
    }
}

#[component]
pub(crate) fn RunsPage() -> impl IntoView {
    let t = texts();
    let query = use_query_map();
    let filters = Memo::new(move |_| {
        let query = query.read();
        let word = |name: &str| query.get(name).unwrap_or_default();
        Filters {
            flow: word("flow"),
            status: word("status"),
            since: word("since"),
        }
    });
    let navigate = use_navigate();
    let change = Callback::new(move |to: Filters| {
        navigate(
            &to.address(),
            NavigateOptions {
                scroll: false,
                replace: true,
                ..NavigateOptions::default()
            },
        );
    });
    let flows = Loader::new(|| api::all::<FlowSummary>("/flows"));
    let options = Signal::derive(move || {
        flow_options(&flows.ready().unwrap_or_default(), &filters.get().flow)
    });
    let times = [
        ("", t.runs_any_time),
        ("1h", t.runs_hour),
        ("24h", t.runs_day),
        ("7d", t.runs_week),
    ];
    let times: Vec<_> = times
        .into_iter()
        .map(|(word, label)| (word.to_owned(), label.to_owned()))
        .collect();
    let status = move |word: &'static str, label: &'static str, icon: Option<Icon>| {
        let pressed = move || {
            if filters.get().status == word {
                "true"
            } else {
                "false"
            }
        };
        view! {
            <button
                type="button"
                class=format!("segment {word}")
                aria-pressed=pressed
                data-testid=format!("status-{}", if word.is_empty() { "all" } else { word })
                on:click=move |_| change.run(Filters { status: word.to_owned(), ..filters.get_untracked() })
            >
                {icon.map(|icon| view! { <Glyph icon size=14/> })}
                {label}
            </button>
        }
    };
    let segments = RunStatus::ALL.map(|one| {
        let (label, icon) = words::run_status(t, one);
        status(one.word(), label, Some(icon))
    });
    view! {
        <header class="page-head">
            <h1>{t.runs_title}</h1>
            <span class="live-mark"><i></i>{t.runs_live}</span>
        </header>
        <div class="filters">
            <Choice
                id="filter-flow"
                label=t.runs_filter_flow
                bare=true
                options
                value=Signal::derive(move || filters.get().flow)
                choose=move |flow| change.run(Filters { flow, ..filters.get_untracked() })
            />
            <Choice
                id="filter-time"
                label=t.runs_filter_time
                bare=true
                options=Signal::stored(times)
                value=Signal::derive(move || filters.get().since)
                choose=move |since| change.run(Filters { since, ..filters.get_untracked() })
            />
            <div class="segments" role="group" aria-label=t.runs_filter_status>
                {status("", t.runs_all, None)}
                {segments.into_iter().collect_view()}
            </div>
            <Show when=move || filters.get() != Filters::default()>
                <Button label=t.runs_clear icon=Icon::X weight=Weight::Quiet press=move |_| change.run(Filters::default())/>
            </Show>
        </div>
        <section class="page-body">
            <RunList filters=Signal::from(filters) names=Signal::derive(move || flows.ready().unwrap_or_default())/>
        </section>
    }
}

/// The flows to choose from in a filter, all of them first. A flow that is gone and `wanted` has runs all the same.
pub(super) fn flow_options(known: &[FlowSummary], wanted: &str) -> Vec<(String, String)> {
    let mut options = vec![(String::new(), texts().runs_all_flows.to_owned())];
    options.extend(
        known
            .iter()
            .map(|flow| (flow.id.clone(), flow.name().to_owned())),
    );
    if options.iter().all(|(id, _)| id != wanted) {
        options.push((wanted.to_owned(), wanted.to_owned()));
    }
    options
}

/// What the list shows.
#[derive(Clone, Default)]
struct Shown {
    runs: Vec<RunSummary>,
    next: Option<String>,
    /// Whether the first page was read at all.
    read: bool,
    trouble: Option<Trouble>,
}

/// The list itself, on its own page or within the page of a flow.
#[component]
pub(crate) fn RunList(
    #[prop(into)] filters: Signal<Filters>,
    /// The flows, for their titles.
    #[prop(optional, into)]
    names: Signal<Vec<FlowSummary>>,
    /// Whether it stands within one flow, so that the flow goes without saying.
    #[prop(optional)]
    within: bool,
) -> impl IntoView {
    let t = texts();
    let toast = toast();
    let shown = RwSignal::new(Shown::default());
    let busy = RwSignal::new(false);
    let read = move |more: bool| {
        let wanted = filters.get_untracked();
        let mut path = format!("/runs?{}", wanted.query(clock::now()));
        if let (true, Some(cursor)) = (more, shown.with_untracked(|shown| shown.next.clone())) {
            path.push_str(&format!("&cursor={}", encode(&cursor)));
        }
        spawn_local(async move {
            let answer = api::get::<Page<RunSummary>>(&path).await;
            busy.try_set(false);
            // Other filters were chosen meanwhile.
            if filters.try_get_untracked().as_ref() != Some(&wanted) {
                return;
            }
            match answer {
                Ok(page) => shown.update(|shown| shown.take(page, more)),
                Err(trouble) if shown.with_untracked(|shown| shown.read) => toast.trouble(&trouble),
                Err(trouble) => shown.update(|shown| shown.trouble = Some(trouble)),
            }
        });
    };
    Effect::new(move || {
        filters.track();
        shown.set(Shown::default());
        read(false);
    });
    follow(
        move |change| {
            let wanted = filters.try_get_untracked().unwrap_or_default();
            wanted.flow.is_empty() || wanted.flow == change.flow
        },
        move || read(false),
    );
    let rows = Memo::new(move |_| shown.with(|shown| shown.runs.clone()));
    let title =
        move |flow: &str| names.with(|names| names.iter().find(|known| known.id == flow).cloned());
    let table = move || {
        view! {
            <div class="table-frame">
                <table class="table runs" data-testid="runs">
                    <thead>
                        <tr>
                            <th scope="col">{t.runs_column_status}</th>
                            {(!within).then(|| view! { <th scope="col">{t.runs_column_flow}</th> })}
                            <th scope="col">{t.runs_column_trigger}</th>
                            <th scope="col">{t.runs_column_started}</th>
                            <th scope="col" class="cell-number">{t.runs_column_duration}</th>
                            <th scope="col">{t.runs_column_failure}</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.get() key=|run| (run.id.clone(), run.status) let:run>
                            {row(run, within, title)}
                        </For>
                    </tbody>
                </table>
            </div>
            <Show when=move || shown.with(|shown| shown.next.is_some())>
                <div class="more">
                    <Button
                        label=t.load_more
                        icon=Icon::ChevronDown
                        busy
                        test="more"
                        press=move |_| {
                            busy.set(true);
                            read(true);
                        }
                    />
                </div>
            </Show>
        }
    };
    let phase = Memo::new(move |_| {
        shown.with(|shown| (shown.read, shown.runs.is_empty(), shown.trouble.clone()))
    });
    move || match phase.get() {
        (_, _, Some(trouble)) => {
            view! { <TroubleNote trouble retry=move || read(false)/> }.into_any()
        }
        (false, _, None) => view! { <Skeleton lines=8/> }.into_any(),
        (true, true, None) => nothing(filters.get(), within),
        (true, false, None) => table().into_any(),
    }
}

impl Shown {
    /// Takes over a page: the first one is merged with what is shown already, a later one is appended.
    fn take(&mut self, page: Page<RunSummary>, more: bool) {
        self.trouble = None;
        if more {
            self.runs.extend(page.items);
            self.next = page.next;
        } else {
            let last = page.items.last().map(|run| run.id.as_str());
            let seen = self
                .runs
                .iter()
                .position(|run| Some(run.id.as_str()) == last);
            // What was loaded below this page stays, with the place to go on. A page without a next one is all there is.
            let below = match seen {
                Some(at) if page.next.is_some() => self.runs.split_off(at + 1),
                _ => Vec::new(),
            };
            if below.is_empty() {
                self.next = page.next;
            }
            self.runs = page.items;
            self.runs.extend(below);
        }
        self.read = true;
    }
}

fn row(
    run: RunSummary,
    within: bool,
    flow_of: impl Fn(&str) -> Option<FlowSummary> + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let address = format!("/runs/{}", encode(&run.id));
    let failure = run.failure.map(|failure| {
        let class = words::class_by_word(t, &failure.class);
        let step = failure.step.map(|step| format!("{step}: ")).unwrap_or_default();
        view! { <span class="failure-line" title=format!("{class}. {}", failure.message)>{step}{failure.message.clone()}</span> }
    });
    let flow = run.flow.clone();
    let trigger = {
        let (flow_of, flow, id) = (flow_of.clone(), run.flow.clone(), run.trigger);
        move || {
            let known = flow_of(&flow)
                .and_then(|flow| flow.triggers.into_iter().find(|trigger| trigger.id == id));
            known
                .map(|trigger| trigger.title)
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| id.clone())
        }
    };
    let version = format!("v{}", run.version);
    let name = (!within).then(|| {
        view! {
            <td>
                <span class="run-flow">{move || flow_of(&flow).map_or_else(|| flow.clone(), |known| known.name().to_owned())}</span>
                " " <span class="fine">{version}</span>
            </td>
        }
    });
    view! {
        <tr class="row-link" data-testid="run-row" data-run=run.id.clone() data-status=run.status.word()>
            <th scope="row"><a class="row-anchor" href=address><RunBadge status=run.status/></a></th>
            {name}
            <td>{trigger}</td>
            <td><TimeAgo at=run.started_at.clone()/></td>
            <td class="cell-number"><Took from=run.started_at to=run.ended_at/></td>
            <td class="cell-text">{failure}</td>
        </tr>
    }
}

fn nothing(filters: Filters, within: bool) -> AnyView {
    let t = texts();
    let plain = filters.status.is_empty()
        && filters.since.is_empty()
        && (within || filters.flow.is_empty());
    if plain {
        view! {
            <Empty icon=Icon::Activity title=t.runs_empty_title text=t.runs_empty_text>
                {(!within).then(|| view! { <a class=Weight::Normal.class() href="/">{t.runs_empty_action}</a> })}
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <Empty icon=Icon::Funnel title=t.runs_none_match_title text=t.runs_none_match_text>
                <a class=Weight::Normal.class() href="/runs">{t.runs_clear}</a>
            </Empty>
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(id: u32, status: &str) -> RunSummary {
        serde_json::from_value(json!({
            "id": id.to_string(), "flow": "f", "version": 1, "trigger": "t", "status": status, "started_at": ""
        }))
        .unwrap()
    }

    fn page(ids: &[u32], next: Option<&str>) -> Page<RunSummary> {
        Page {
            items: ids.iter().map(|id| run(*id, "succeeded")).collect(),
            next: next.map(str::to_owned),
        }
    }

    fn ids(shown: &Shown) -> Vec<&str> {
        shown.runs.iter().map(|run| run.id.as_str()).collect()
    }

    #[test]
    fn pages_are_appended_and_news_is_merged() {
        let mut shown = Shown::default();
        shown.take(page(&[9, 8, 7], Some("a")), false);
        shown.take(page(&[6, 5], Some("b")), true);
        assert_eq!(
            (ids(&shown), shown.next.as_deref()),
            (vec!["9", "8", "7", "6", "5"], Some("b"))
        );
        // Two new runs push the first page down; what was loaded below stays, and so does the place to go on.
        shown.take(page(&[11, 10, 9], Some("c")), false);
        assert_eq!(
            (ids(&shown), shown.next.as_deref()),
            (vec!["11", "10", "9", "8", "7", "6", "5"], Some("b"))
        );
        // So many new ones that nothing overlaps: the list starts anew.
        shown.take(page(&[22, 21, 20], Some("d")), false);
        assert_eq!(
            (ids(&shown), shown.next.as_deref()),
            (vec!["22", "21", "20"], Some("d"))
        );
    }

    #[test]
    fn filters_are_an_address() {
        assert_eq!(Filters::default().address(), "/runs");
        let filters = Filters {
            flow: "a".into(),
            status: "failed".into(),
            since: String::new(),
        };
        assert_eq!(filters.address(), "/runs?flow=a&status=failed");
    }
}
