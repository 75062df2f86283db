//! The drawer below the drawing: problems, trying and the sample, closed to one line until someone wants them.

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;
use weir_flows::problem::Problem;

use super::{
    chooser::{MessageChoice, MessageFields},
    problem_panel::{ProblemPanel, counted},
    sampler::Sampler,
    try_panel::{TryPanel, Trying},
};
use crate::{
    kit::{
        button::IconButton,
        icon::{Glyph, Icon},
        json::JsonView,
        problems::ProblemList,
    },
    lab::Outcome,
    texts::{fill, texts},
};

/// What the drawer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawer {
    Problems,
    Try,
    Sample,
}

impl Drawer {
    const ALL: [Drawer; 3] = [Drawer::Problems, Drawer::Try, Drawer::Sample];

    fn word(self) -> &'static str {
        match self {
            Drawer::Problems => "problems",
            Drawer::Try => "try",
            Drawer::Sample => "sample",
        }
    }
}

/// The drawer; `open` says what it shows, if it is open.
#[component]
pub(crate) fn DrawerView(
    open: RwSignal<Option<Drawer>>,
    trying: Trying,
    sampler: Sampler,
) -> impl IntoView {
    let t = texts();
    let desk = trying.desk;
    let worst = move || {
        desk.problems.with(|problems| {
            if problems.iter().any(Problem::is_error) {
                "bad"
            } else if problems.is_empty() {
                "good"
            } else {
                "warn"
            }
        })
    };
    let label = move |drawer: Drawer| match drawer {
        Drawer::Problems => {
            let n = desk.problems.with(|problems| problems.len());
            if n == 0 {
                t.drawer_problems.to_owned()
            } else {
                format!("{} ({n})", t.drawer_problems)
            }
        }
        Drawer::Try => t.drawer_try.to_owned(),
        Drawer::Sample => t.drawer_sample.to_owned(),
    };
    let icon = move |drawer: Drawer| match drawer {
        Drawer::Problems if worst() == "good" => Icon::CircleCheck,
        Drawer::Problems => Icon::TriangleAlert,
        Drawer::Try => Icon::Play,
        Drawer::Sample => Icon::Braces,
    };
    let tab = move |drawer: Drawer| {
        let shown = move || open.get() == Some(drawer);
        let glyph = Signal::derive(move || icon(drawer));
        let hint = move || match drawer {
            Drawer::Problems => desk.problems.with(|problems| counted(t, problems)),
            Drawer::Try => None,
            Drawer::Sample => Some(t.sample_hint.to_owned()),
        };
        let tone = move || {
            if drawer == Drawer::Problems {
                worst()
            } else {
                ""
            }
        };
        view! {
            <button
                type="button"
                class=move || format!("drawer-tab {}", tone())
                role="tab"
                data-testid=format!("drawer-{}", drawer.word())
                aria-selected=move || if shown() { "true" } else { "false" }
                aria-controls="drawer-panel"
                title=hint
                on:click=move |_| open.update(|open| *open = (*open != Some(drawer)).then_some(drawer))
            >
                <Glyph icon=glyph/>
                <span>{move || label(drawer)}</span>
            </button>
        }
    };
    let panel = move || {
        Some(match open.get()? {
            Drawer::Problems => view! { <ProblemPanel desk/> }.into_any(),
            Drawer::Try => view! { <TryPanel trying/> }.into_any(),
            Drawer::Sample => view! { <SamplePanel sampler/> }.into_any(),
        })
    };
    view! {
        <section class="drawer" class:open=move || open.with(Option::is_some) aria-label=t.drawer_label data-testid="drawer">
            <div class="drawer-head">
                <div class="drawer-tabs" role="tablist" aria-label=t.drawer_label on:keydown=walk>
                    {Drawer::ALL.map(tab)}
                </div>
                <Show when=move || open.with(Option::is_some)>
                    <IconButton icon=Icon::X label=t.drawer_close test="drawer-close" press=move |_| open.set(None)/>
                </Show>
            </div>
            <div class="drawer-panel" id="drawer-panel" role="tabpanel" aria-label=t.drawer_label>{panel}</div>
        </section>
    }
}

/// Arrow keys go from tab to tab.
fn walk(event: KeyboardEvent) {
    let forward = match event.key().as_str() {
        "ArrowRight" => true,
        "ArrowLeft" => false,
        _ => return,
    };
    let current = document().active_element();
    let next = current.and_then(|tab| {
        if forward {
            tab.next_element_sibling()
        } else {
            tab.previous_element_sibling()
        }
    });
    if let Some(next) = next.and_then(|tab| tab.dyn_into::<web_sys::HtmlElement>().ok()) {
        event.prevent_default();
        let _ = next.focus();
    }
}

/// The sample: which message, what it says, and what comes of it.
#[component]
fn SamplePanel(sampler: Sampler) -> impl IntoView {
    let t = texts();
    view! {
        <div class="try-panel two" data-testid="sample-panel">
            <div class="try-column">
                <p class="fine">{t.sample_hint}</p>
                <MessageChoice sampler id="sample"/>
                <SampleNote sampler/>
                {move || sampler.outcome.get().map(|outcome| match outcome {
                    Outcome::Run(run) => {
                        let reply = run.reply.clone().map(|reply| {
                            let body = reply.get("body").cloned().unwrap_or_default();
                            let status = reply.get("status").map(ToString::to_string).unwrap_or_default();
                            view! {
                                <p><span class="fine">{t.run_reply}</span>" "<strong class="mono">{status}</strong></p>
                                <JsonView value=body label=t.run_reply/>
                            }
                        });
                        view! { <p class="fine">{t.sample_played}</p> {reply} }.into_any()
                    }
                    _ => ().into_any(),
                })}
            </div>
            <div class="try-column"><MessageFields sampler id="sample"/></div>
        </div>
    }
}

/// What a person must know of the sample: where it comes from another version, or where the trigger does not take it.
#[component]
pub(crate) fn SampleNote(sampler: Sampler) -> impl IntoView {
    let t = texts();
    let other = move || {
        let played = sampler.played.get()?;
        let chosen = sampler.source.with(
            |source| matches!(source, super::sampling::Source::Run(id) if *id == played.run.id),
        );
        let differs = sampler.desk.flow.with(|flow| {
            played
                .flow
                .as_ref()
                .is_some_and(|then| !super::sampling::does_the_same(then, flow))
        });
        let n = played.run.version;
        (chosen && differs && n > 0).then(|| fill(t.sample_of_version, &[("n", &n.to_string())]))
    };
    let refused = move || match sampler.outcome.get() {
        Some(Outcome::Filtered) => Some((t.sample_filtered.to_owned(), Vec::new())),
        Some(Outcome::Refused(problems)) => Some((t.sample_refused.to_owned(), problems)),
        Some(Outcome::Failed(failure)) => Some((
            fill(t.sample_failed, &[("why", &failure.message)]),
            Vec::new(),
        )),
        Some(Outcome::Impossible(why)) => {
            Some((fill(t.sample_impossible, &[("why", &why)]), Vec::new()))
        }
        _ => None,
    };
    let none = move || sampler.trigger.with(|trigger| trigger.is_empty());
    view! {
        {move || none().then(|| view! { <p class="sample-note">{t.sample_no_trigger}</p> })}
        {move || other().map(|said| view! { <p class="sample-note" data-testid="sample-version">{said}</p> })}
        {move || refused().map(|(said, problems)| view! {
            <div class="sample-note warn" data-testid="sample-note">
                <p>{said}</p>
                {(!problems.is_empty()).then(|| view! { <ProblemList problems/> })}
            </div>
        })}
    }
}
