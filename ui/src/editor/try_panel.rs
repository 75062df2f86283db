//! Trying in the drawer: a message, what the actions do, and what came of it.

use std::{collections::BTreeMap, sync::Arc};

use leptos::{prelude::*, task::spawn_local};
use weir_flows::{
    document::{Flow, Slug},
    problem::Problem,
};

use super::{
    chooser::{JsonField, MessageChoice, MessageFields},
    desk::Desk,
    keeping::Keeper,
    sampler::{Played, Sampler},
    sampling,
    trying::{self, Actions},
};
use crate::{
    api::{self, RunDetail, TryDraft, encode},
    canvas::{Graph, Live},
    kit::{
        badge::RunBadge,
        button::{Button, IconButton, Weight},
        icon::{Glyph, Icon},
        json::JsonView,
        problems::ProblemList,
        time::Took,
        toast::toast,
    },
    stage::watch,
    texts::{fill, texts},
    words,
};

/// How far a try has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Progress {
    Idle,
    /// The draft is being saved, or the try started.
    Starting,
    /// It runs, or has run.
    Started(String),
    /// The message let no run start.
    Filtered(String),
    /// The trigger refuses the message.
    Refused(Vec<Problem>),
}

/// The tries of one editor.
#[derive(Clone, Copy)]
pub(crate) struct Trying {
    pub(crate) desk: Desk,
    keeper: Keeper,
    sampler: Sampler,
    pub(crate) progress: RwSignal<Progress>,
    /// The try as it stands.
    pub(crate) detail: RwSignal<Option<Arc<RunDetail>>>,
    /// The try on the drawing.
    pub(crate) live: RwSignal<Option<Live>>,
    /// The card where it is or failed.
    pub(crate) follow: Memo<Option<Slug>>,
    lost: RwSignal<bool>,
    actions: RwSignal<Actions>,
    /// What actions answer, as far as a person typed it.
    typed: RwSignal<BTreeMap<Slug, String>>,
    /// The document that is tried.
    flow: StoredValue<Option<Arc<Flow>>>,
}

impl Trying {
    pub(crate) fn new(desk: Desk, keeper: Keeper, sampler: Sampler) -> Self {
        let detail: RwSignal<Option<Arc<RunDetail>>> = RwSignal::new(None);
        let trying = Trying {
            desk,
            keeper,
            sampler,
            progress: RwSignal::new(Progress::Idle),
            detail,
            live: RwSignal::new(None),
            follow: Memo::new(move |_| {
                detail.with(|run| run.as_ref().and_then(|run| trying::place(run)))
            }),
            lost: RwSignal::new(false),
            actions: RwSignal::new(Actions::Mocked),
            typed: RwSignal::new(BTreeMap::new()),
            flow: StoredValue::new(None),
        };
        // Another drawing has other cards and links than the run.
        Effect::new(move || {
            let other = desk.flow.with(|now| {
                trying.flow.with_value(|tried| {
                    tried
                        .as_ref()
                        .is_some_and(|tried| !trying::same_drawing(tried, now))
                })
            });
            if other && trying.live.with_untracked(Option::is_some) {
                trying.live.set(None);
            }
        });
        trying
    }

    /// Whether a try is being started or runs.
    pub(crate) fn is_busy(self) -> bool {
        match self.progress.get() {
            Progress::Starting => true,
            Progress::Started(_) => self
                .detail
                .with(|run| run.as_ref().is_none_or(|run| !run.status.is_final())),
            _ => false,
        }
    }

    /// What each action answers, as it is mocked.
    fn mocked(self) -> Result<BTreeMap<Slug, weir_flows::document::Mocks>, String> {
        self.desk.flow.with_untracked(|flow| {
            self.desk.catalog.with_untracked(|catalog| {
                let actions = trying::actions(flow, catalog);
                let prefilled = self
                    .desk
                    .sample
                    .with_untracked(|sample| sampling::prefilled(flow, catalog, sample));
                self.typed
                    .with_untracked(|typed| trying::mocks(&actions, &prefilled, typed))
                    .map_err(|(id, mistake)| format!("{id}: {}", mistake.words(texts())))
            })
        })
    }

    /// Saves, then starts a try of what was saved.
    pub(crate) fn start(self) {
        if untrack(|| self.is_busy()) {
            return;
        }
        let Ok(message) = self.sampler.message.get_untracked() else {
            return;
        };
        let actions = self.actions.get_untracked();
        let mocks = match actions {
            Actions::Real => BTreeMap::new(),
            Actions::Mocked => match self.mocked() {
                Ok(mocks) => mocks,
                Err(why) => return toast().bad(why),
            },
        };
        let wish = TryDraft {
            trigger: self.sampler.trigger.get_untracked(),
            message,
            actions: actions.word(),
            mocks,
        };
        self.progress.set(Progress::Starting);
        self.detail.set(None);
        self.keeper.settled(move |saved| {
            if !saved {
                self.progress.try_set(Progress::Idle);
                toast().bad(texts().try_not_saved);
                return;
            }
            let wish = wish.clone();
            spawn_local(async move { self.send(&wish).await });
        });
    }

    async fn send(self, wish: &TryDraft) {
        let Some(flow) = self.desk.flow.try_get_untracked() else {
            return;
        };
        let address = format!("/flows/{}", encode(&flow.id));
        let tag = self
            .keeper
            .stored
            .with_untracked(|stored| stored.tag.clone());
        match api::try_draft(&address, wish, &tag).await {
            Ok(run) => {
                self.flow.set_value(Some(flow));
                self.progress.try_set(Progress::Started(run.id));
            }
            Err(trouble) if trouble.status == 409 => {
                self.progress
                    .try_set(Progress::Filtered(trouble.sentence().to_owned()));
            }
            Err(trouble) if !trouble.errors.is_empty() => {
                self.progress.try_set(Progress::Refused(trouble.errors));
            }
            Err(trouble) => {
                self.progress.try_set(Progress::Idle);
                toast().trouble(&trouble);
            }
        }
    }

    /// Ends the try that runs.
    fn stop(self) {
        if let Progress::Started(id) = self.progress.get_untracked() {
            spawn_local(async move {
                if let Err(trouble) = api::remove(&format!("/tries/{}", encode(&id))).await {
                    toast().trouble(&trouble);
                }
            });
        }
    }

    /// Takes the try off the drawing.
    fn clear(self) {
        self.progress.set(Progress::Idle);
        self.detail.set(None);
        self.live.set(None);
    }
}

/// Follows the try that was started, as long as the editor is there. It draws nothing itself.
#[component]
pub(crate) fn Following(trying: Trying) -> impl IntoView {
    let started = Memo::new(move |_| match trying.progress.get() {
        Progress::Started(id) => Some(id),
        _ => None,
    });
    move || started.get().map(|id| follow(trying, &id))
}

fn follow(trying: Trying, id: &str) {
    let Some(flow) = trying.flow.get_value() else {
        return;
    };
    let live = Live::new(&Graph::of(&flow), flow.links.len());
    trying.live.set(Some(live.clone()));
    let watched = watch(format!("/tries/{}", encode(id)), live);
    let (detail, lost) = (watched.detail, watched.lost);
    Effect::new(move || {
        trying.lost.set(lost.get());
    });
    Effect::new(move || {
        let Some(run) = detail.get() else { return };
        let played = Played {
            run: RunDetail::clone(&run),
            flow: Some(flow.clone()),
            items: BTreeMap::new(),
        };
        trying.detail.set(Some(run.clone()));
        trying.sampler.take_tried(Arc::new(played));
    });
}

/// The panel.
#[component]
pub(crate) fn TryPanel(trying: Trying) -> impl IntoView {
    let t = texts();
    let sampler = trying.sampler;
    let press = move || trying.start();
    let none = Memo::new(move |_| trying.desk.flow.with(|flow| flow.triggers.is_empty()));
    let acts = Memo::new(move |_| {
        let desk = trying.desk;
        desk.flow.with(|flow| {
            desk.catalog
                .with(|catalog| !trying::actions(flow, catalog).is_empty())
        })
    });
    let label = Signal::derive(move || {
        (if trying.is_busy() {
            t.try_running
        } else if trying.detail.with(Option::is_some) {
            t.try_again
        } else {
            t.try_run
        })
        .to_owned()
    });
    let off = Signal::derive(move || none.get() || sampler.message.with(Result::is_err));
    let busy = Signal::derive(move || trying.is_busy());
    let radio = move |actions: Actions, label: &'static str, text: &'static str| {
        view! {
            <label class="choice-card">
                <input
                    type="radio"
                    name="try-actions"
                    value=actions.word()
                    data-testid=format!("try-{}", actions.word())
                    prop:checked=move || trying.actions.get() == actions
                    on:change=move |_| trying.actions.set(actions)
                />
                <span><strong>{label}</strong><span class="fine">{text}</span></span>
            </label>
        }
    };
    view! {
        <div
            class="try-panel"
            data-testid="try-form"
            on:keydown=move |event| {
                if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
                    event.prevent_default();
                    press();
                }
            }
        >
            <div class="try-column try-message">
                <Show when=move || none.get()><p class="notice">{t.sample_no_trigger}</p></Show>
                <MessageChoice sampler id="try"/>
                <MessageFields sampler id="try"/>
            </div>
            <div class="try-column try-actions">
                <Show
                    when=move || acts.get()
                    fallback=move || view! { <p class="fine">{t.try_no_actions}</p> }
                >
                    <fieldset class="choice-cards">
                        <legend>{t.try_actions}</legend>
                        {radio(Actions::Mocked, t.try_mocked, t.try_mocked_text)}
                        {radio(Actions::Real, t.try_real_label, t.try_real)}
                    </fieldset>
                    <Show when=move || trying.actions.get() == Actions::Mocked><MockFields trying/></Show>
                </Show>
            </div>
            <div class="try-column try-outcome">
                <div class="try-start">
                    <Button label icon=Icon::Play weight=Weight::Primary busy off test="try-run" press=move |_| press()/>
                    <Show when=move || busy.get() && matches!(trying.progress.get(), Progress::Started(_))>
                        <Button label=t.try_stop icon=Icon::Ban test="try-stop" press=move |_| trying.stop()/>
                    </Show>
                    <kbd>"Ctrl+↵"</kbd>
                </div>
                <Outcome trying/>
            </div>
        </div>
    }
}

/// What each action answers.
#[component]
fn MockFields(trying: Trying) -> impl IntoView {
    let t = texts();
    let desk = trying.desk;
    let actions = Memo::new(move |_| {
        desk.flow
            .with(|flow| desk.catalog.with(|catalog| trying::actions(flow, catalog)))
    });
    let prefilled = Memo::new(move |_| {
        desk.flow.with(|flow| {
            desk.catalog.with(|catalog| {
                desk.sample
                    .with(|sample| sampling::prefilled(flow, catalog, sample))
            })
        })
    });
    let field = move |action: trying::Action| {
        let id = action.id.clone();
        let value = Signal::derive(move || {
            let typed = trying.typed.with(|typed| typed.get(&id).cloned());
            typed.unwrap_or_else(|| {
                prefilled.with(|all| all.get(&id).map(trying::shown).unwrap_or_default())
            })
        });
        let id = action.id.clone();
        let change = Callback::new(move |text: String| {
            trying.typed.update(|typed| {
                typed.insert(id.clone(), text);
            });
        });
        let (kind, icon) = words::step_kind(t, &action.kind);
        view! {
            <details class="mock">
                <summary><Glyph icon/><span>{action.name.clone()}</span><span class="fine">{kind}</span></summary>
                <JsonField
                    id=format!("mock-{}", action.id)
                    label=fill(t.try_mock_label, &[("name", &action.name)])
                    value
                    change
                    wrong=|text| trying::read(text).err()
                />
            </details>
        }
    };
    view! {
        <p class="fine">{t.try_mocks_hint}</p>
        <For each=move || actions.get() key=|action| action.clone() let:action>{field(action)}</For>
    }
}

/// What came of the try.
#[component]
fn Outcome(trying: Trying) -> impl IntoView {
    let t = texts();
    let desk = trying.desk;
    let name = move |id: &str| {
        desk.flow.with_untracked(|flow| {
            let title = flow.steps.get(id).map(|step| step.title.clone());
            title
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| id.to_owned())
        })
    };
    let result = move || {
        trying.detail.get().map(|run| {
            let failure = run.failure.clone().map(|failure| {
                let class = words::class_by_word(t, &failure.class);
                let at = failure.step.clone().map(|step| {
                    let label = fill(t.run_failed_at, &[("step", &name(&step))]);
                    view! {
                        <button type="button" class="link-text" data-testid="try-failed-at" on:click=move |_| desk.show(&step)>
                            {label}
                        </button>
                    }
                });
                view! { <div class="try-failure" role="alert"><p><strong>{class}</strong>" "{at}</p><p>{failure.message}</p></div> }
            });
            let reply = run.reply.clone().map(|reply| {
                let body = reply.get("body").cloned().unwrap_or_default();
                let status = reply.get("status").map(ToString::to_string).unwrap_or_default();
                view! {
                    <div class="try-reply" data-testid="try-reply">
                        <p><span class="fine">{t.run_reply}</span>" "<strong class="mono">{status}</strong></p>
                        <JsonView value=body label=t.run_reply/>
                    </div>
                }
            });
            view! {
                <p class="try-line" data-testid="try-result" aria-live="polite">
                    <RunBadge status=run.status/>
                    <span class="fine number"><Took from=run.started_at.clone() to=run.ended_at.clone()/></span>
                    <Show when=move || trying.lost.get()><span class="badge warn">{t.run_lost_stream}</span></Show>
                    <IconButton icon=Icon::X label=t.try_clear press=move |_| trying.clear()/>
                </p>
                {failure}
                {reply}
            }
        })
    };
    let refused = move || match trying.progress.get() {
        Progress::Refused(problems) => view! {
            <div class="try-refused" role="alert" data-testid="try-refused">
                <p class="import-line bad"><Glyph icon=Icon::CircleX/>{t.try_refused}</p>
                <ProblemList problems/>
            </div>
        }
        .into_any(),
        Progress::Filtered(why) => view! {
            <div class="notice" role="status" data-testid="try-filtered"><p>{why}</p></div>
        }
        .into_any(),
        Progress::Idle => view! { <p class="fine">{t.try_idle}</p> }.into_any(),
        Progress::Starting | Progress::Started(_) => ().into_any(),
    };
    view! { {refused} {result} }
}
