//! Dead letters: runs that ended in failure, with cause, age and owner, and what can be done about each or about all of them.

mod deal;
mod many;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use weir_flows::failure::Class;

use self::{
    deal::{Deal, DealDialog},
    many::{Many, ManyDialog},
};
use super::{replay::ReplayDialog, runs::flow_options};
use crate::{
    api::{self, DeadLetter, FlowSummary, RunStatus, Trouble, encode},
    kit::{
        badge::Badge,
        button::{Button, Weight},
        field::Choice,
        icon::{Glyph, Icon},
        menu::{Menu, MenuItem},
        rows::rows,
        state::{Empty, kept},
        time::TimeAgo,
    },
    load::{Loader, follow},
    texts::{Texts, texts},
    words,
};

/// How many are read at once.
const PAGE: usize = 50;

/// Which dead letters are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
struct Filters {
    /// `open` where it is empty.
    state: String,
    flow: String,
    class: String,
}

impl Filters {
    fn parts(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let parts = [
            ("state", &self.state),
            ("flow", &self.flow),
            ("class", &self.class),
        ];
        parts.into_iter().filter(|(_, value)| !value.is_empty())
    }

    /// As the query of the API and of the page's own address.
    fn query(&self) -> String {
        let parts = self.parts();
        parts
            .map(|(key, value)| format!("{key}={}", encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    fn is_open(&self) -> bool {
        self.state.is_empty()
    }
}

/// What was read, and whether there is more.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    letters: Vec<DeadLetter>,
    more: bool,
}

/// Reads so many pages.
async fn read(query: String, pages: usize) -> Result<Read, Trouble> {
    let path = format!("/dead-letters?limit={PAGE}&{query}");
    let (letters, more) = api::pages(&path, pages).await?;
    Ok(Read { letters, more })
}

#[component]
pub(crate) fn LettersPage() -> impl IntoView {
    let t = texts();
    let query = use_query_map();
    let filters = Memo::new(move |_| {
        let query = query.get();
        let word = |name: &str| query.get(name).unwrap_or_default();
        Filters {
            state: word("state"),
            flow: word("flow"),
            class: word("class"),
        }
    });
    let navigate = use_navigate();
    let change = Callback::new(move |to: Filters| {
        let query = to.query();
        let mark = if query.is_empty() { "" } else { "?" };
        navigate(
            &format!("/dead-letters{mark}{query}"),
            NavigateOptions {
                scroll: false,
                replace: true,
                ..NavigateOptions::default()
            },
        );
    });
    let pages = RwSignal::new(1_usize);
    Effect::new(move || {
        filters.track();
        pages.set(1);
    });
    let found = Loader::new(move || read(filters.get().query(), pages.get()));
    follow(
        |change| change.status == RunStatus::Failed,
        move || found.reload(),
    );
    let flows = Loader::new(|| api::all::<FlowSummary>("/flows"));
    let names = Signal::derive(move || flows.ready().unwrap_or_default());
    let replaying: RwSignal<Option<String>> = RwSignal::new(None);
    let dealing: RwSignal<Option<(Deal, DeadLetter)>> = RwSignal::new(None);
    let many: RwSignal<Option<Many>> = RwSignal::new(None);
    let none = Memo::new(move |_| found.ready().is_none_or(|read| read.letters.is_empty()));
    let more = Memo::new(move |_| found.ready().is_some_and(|read| read.more));
    let list = kept(found, move || {
        if none.get() {
            return nothing(&filters.get(), change);
        }
        let rows = rows(
            move || found.ready().map(|read| read.letters).unwrap_or_default(),
            |letter| letter.run.clone(),
            move |letter| row(letter, names, replaying, dealing),
        );
        let last = move || match filters.with(Filters::is_open) {
            true => t.letters_column_owner,
            false => t.letters_column_settled,
        };
        view! {
            <div class="table-frame">
                <table class="table letters" data-testid="letters">
                    <thead>
                        <tr>
                            <th scope="col">{t.runs_column_flow}</th>
                            <th scope="col">{t.letters_column_cause}</th>
                            <th scope="col">{t.letters_column_died}</th>
                            <th scope="col">{last}</th>
                            <th scope="col"><span class="unseen">{t.actions}</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <Show when=move || more.get()>
                <div class="more">
                    <Button label=t.load_more icon=Icon::ChevronDown test="more" press=move |_| pages.update(|pages| *pages += 1)/>
                </div>
            </Show>
        }
        .into_any()
    });
    let some_open = Memo::new(move |_| {
        filters.with(Filters::is_open) && found.ready().is_some_and(|read| !read.letters.is_empty())
    });
    let all = move |discard: bool| {
        let wanted = filters.get_untracked();
        many.set(Some(Many {
            flow: wanted.flow,
            class: wanted.class,
            discard,
        }));
    };
    view! {
        <header class="page-head">
            <h1>{t.letters_title}</h1>
            <Show when=move || some_open.get()>
                <div class="page-tools">
                    <Button label=t.letters_discard_all icon=Icon::Trash2 test="discard-all" press=move |_| all(true)/>
                    <Button label=t.letters_replay_all icon=Icon::RotateCcw test="replay-all" press=move |_| all(false)/>
                </div>
            </Show>
        </header>
        {filter_row(t, filters, names, change)}
        <section class="page-body">
            <p class="lead">{t.letters_text}</p>
            {list}
        </section>
        <ReplayDialog wanted=replaying/>
        <DealDialog dealing done=move || found.reload()/>
        <ManyDialog many names done=move || found.reload()/>
    }
}

fn filter_row(
    t: &'static Texts,
    filters: Memo<Filters>,
    names: Signal<Vec<FlowSummary>>,
    change: Callback<Filters>,
) -> impl IntoView {
    let flows = Signal::derive(move || flow_options(&names.get(), &filters.get().flow));
    let mut classes = vec![(String::new(), t.letters_all_causes.to_owned())];
    classes.extend(
        Class::ALL.map(|class| (class.word().to_owned(), words::class(t, class).0.to_owned())),
    );
    let states = [
        ("", t.letters_open),
        ("replayed", t.letters_replayed),
        ("discarded", t.letters_discarded),
    ];
    let segments = states.map(|(word, label)| {
        let pressed = move || filters.with(|filters| filters.state == word).to_string();
        view! {
            <button
                type="button"
                class="segment"
                aria-pressed=pressed
                data-testid=format!("state-{}", if word.is_empty() { "open" } else { word })
                on:click=move |_| change.run(Filters { state: word.to_owned(), ..filters.get_untracked() })
            >
                {label}
            </button>
        }
    });
    view! {
        <div class="filters">
            <Choice
                id="filter-flow"
                label=t.runs_filter_flow
                bare=true
                options=flows
                value=Signal::derive(move || filters.get().flow)
                choose=move |flow| change.run(Filters { flow, ..filters.get_untracked() })
            />
            <Choice
                id="filter-class"
                label=t.letters_column_cause
                bare=true
                options=Signal::stored(classes)
                value=Signal::derive(move || filters.get().class)
                choose=move |class| change.run(Filters { class, ..filters.get_untracked() })
            />
            <div class="segments" role="group" aria-label=t.runs_filter_status>{segments.into_iter().collect_view()}</div>
            <Show when=move || filters.get() != Filters::default()>
                <Button label=t.runs_clear icon=Icon::X weight=Weight::Quiet press=move |_| change.run(Filters::default())/>
            </Show>
        </div>
    }
}

/// The row of a dead letter; what becomes of it is drawn anew, the rest stays.
fn row(
    letter: Memo<DeadLetter>,
    names: Signal<Vec<FlowSummary>>,
    replaying: RwSignal<Option<String>>,
    dealing: RwSignal<Option<(Deal, DeadLetter)>>,
) -> impl IntoView {
    let t = texts();
    let start = letter.get_untracked();
    let (id, flow) = (start.run.clone(), start.flow.clone());
    let name = move || {
        let known = names.with(|names| {
            let known = names.iter().find(|known| known.id == flow);
            known.map(|known| known.name().to_owned())
        });
        known.unwrap_or_else(|| flow.clone())
    };
    let step = start.failure.step.clone().unwrap_or_default();
    let class = words::class_by_word(t, &start.failure.class);
    let unknown = start
        .may_have_happened
        .then(|| view! { <Badge label=t.letters_unknown tone="bad" hint=t.letters_unknown_hint/> });
    let open = Memo::new(move |_| letter.with(|letter| letter.state == "open"));
    let run = StoredValue::new(id.clone());
    let items = Signal::stored(
        [
            (t.letters_claim, Icon::Hand, "claim", Deal::Claim),
            (t.letters_discard, Icon::Trash2, "discard", Deal::Discard),
        ]
        .map(|(label, icon, test, deal)| {
            MenuItem::new(label, icon, test, move || {
                dealing.set(Some((deal, letter.get_untracked())));
            })
        })
        .to_vec(),
    );
    view! {
        <tr class="row-link" data-testid="letter-row" data-run=id.clone() data-state=move || letter.get().state>
            <th scope="row">
                <a class="row-anchor" href=format!("/runs/{}", encode(&id))><span class="run-flow">{name}</span></a>
                " " <span class="fine">{format!("v{}", start.version)}</span>
                <span class="letter-step fine"><Glyph icon=Icon::CircleX size=14/>{step}</span>
            </th>
            <td class="cell-text">
                <span class="letter-class">{class} {unknown}</span>
                <span class="failure-line" title=start.failure.message.clone()>{start.failure.message.clone()}</span>
            </td>
            <td><TimeAgo at=start.died_at.clone()/></td>
            <td class="letter-owner">{move || letter.with(whose)}</td>
            <td class="cell-tools">
                <Show when=move || open.get()>
                    <Button label=t.replay_action icon=Icon::RotateCcw weight=Weight::Quiet test="replay" press=move |_| replaying.set(Some(run.get_value()))/>
                    <Menu label=t.actions items test="letter-menu"/>
                </Show>
            </td>
        </tr>
    }
}

/// Who looks after a dead letter or has settled it, or what replays it.
fn whose(letter: &DeadLetter) -> impl IntoView + use<> {
    let said = match letter.state.as_str() {
        "open" => letter.owner.clone().map(|owner| view! { <strong>{owner}</strong> }.into_any()),
        "replayed" => letter.replay.clone().map(|run| {
            let label = words::short_id(&run).to_owned();
            view! { <a class="link-text above mono" href=format!("/runs/{}", encode(&run))>{label}</a> }.into_any()
        }),
        _ => letter.settled_by.clone().map(|by| view! { <span>{by}</span> }.into_any()),
    };
    let note = letter.note.clone();
    let note = note.map(
        |note| view! { <span class="fine letter-note" title=note.clone()>{note.clone()}</span> },
    );
    view! { {said} {note} }
}

fn nothing(filters: &Filters, change: Callback<Filters>) -> AnyView {
    let t = texts();
    if *filters == Filters::default() {
        view! { <Empty icon=Icon::CircleCheck title=t.letters_empty_title text=t.letters_empty_text/> }.into_any()
    } else {
        view! {
            <Empty icon=Icon::Funnel title=t.letters_none_title text=t.letters_none_text>
                <Button label=t.runs_clear icon=Icon::X press=move |_| change.run(Filters::default())/>
            </Empty>
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_searched_for() {
        assert_eq!(Filters::default().parts().count(), 0);
        let filters = Filters {
            state: "replayed".into(),
            flow: String::new(),
            class: "lost".into(),
        };
        let parts: Vec<_> = filters.parts().map(|(key, _)| key).collect();
        assert_eq!(parts, ["state", "class"]);
        assert!(!filters.is_open());
    }
}
