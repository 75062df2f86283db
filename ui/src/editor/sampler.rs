//! The sampler: reads runs and messages, rehearses the draft with the chosen one, and lays what is known of it on the desk.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use leptos::{leptos_dom::helpers::debounce, prelude::*, task::spawn_local};
use weir_flows::document::{Flow, Message, Mocks, Slug};

use super::{
    desk::Desk,
    sampling::{self, Ran, Source, Typed},
};
use crate::{
    api::{self, ItemDetail, Page, RunDetail, RunSummary, Trouble, encode},
    clock,
    lab::{self, Document, FirstItem, LabTrouble, Outcome, Rehearse},
    sample::Mistake,
    texts::texts,
};

/// How long a change waits for the next one before the draft is rehearsed.
const PAUSE: Duration = Duration::from_millis(350);
/// How many runs are offered.
const RUNS: usize = 8;

/// A run with the document that it ran on, where that is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Played {
    pub(crate) run: RunDetail,
    pub(crate) flow: Option<Arc<Flow>>,
    /// The first item of each `each` step, where it is known.
    pub(crate) items: BTreeMap<Slug, FirstItem>,
}

/// What the views that choose a message share.
#[derive(Clone, Copy)]
pub(crate) struct Sampler {
    pub(crate) desk: Desk,
    /// The trigger that the message arrives at; empty where there is none.
    pub(crate) trigger: RwSignal<Slug>,
    pub(crate) source: RwSignal<Source>,
    /// What a person typed, by trigger.
    typed: RwSignal<BTreeMap<Slug, Typed>>,
    /// The last runs of the trigger.
    pub(crate) runs: RwSignal<Vec<RunSummary>>,
    /// The run that was chosen, once it was read.
    pub(crate) played: RwSignal<Option<Arc<Played>>>,
    /// The run of the last try.
    pub(crate) tried: RwSignal<Option<Arc<Played>>>,
    /// The message, or what is wrong with what was typed.
    pub(crate) message: Memo<Result<Message, Mistake>>,
    /// What came of the rehearsal.
    pub(crate) outcome: RwSignal<Option<Outcome>>,
    /// Whether a person chose the source; until then the best one is taken.
    chosen: StoredValue<bool>,
}

impl Sampler {
    /// Starts sampling for a desk. `run` is a run to begin with.
    pub(crate) fn new(desk: Desk, run: Option<String>) -> Self {
        let id = desk.flow.with_untracked(|flow| flow.id.clone());
        let typed = RwSignal::new(remembered(&id));
        let first = desk
            .flow
            .with_untracked(|flow| flow.triggers.keys().next().cloned());
        let trigger = RwSignal::new(first.unwrap_or_default());
        let wanted = run.is_some();
        let source = RwSignal::new(run.map_or(Source::Example, Source::Run));
        let played: RwSignal<Option<Arc<Played>>> = RwSignal::new(None);
        let message = Memo::new(move |_| {
            let trigger = trigger.get();
            match source.get() {
                Source::Run(wanted) => Ok(played.with(|played| {
                    let run = played.as_ref().map(|played| &played.run);
                    let run = run.filter(|run| run.id == wanted);
                    run.and_then(sampling::message_of_run).unwrap_or_default()
                })),
                Source::Test(name) => Ok(desk
                    .flow
                    .with(|flow| sampling::message_of_test(flow, &name))
                    .unwrap_or_default()),
                Source::Example => Ok(desk.flow.with(|flow| {
                    desk.catalog
                        .with(|catalog| sampling::example_message(flow, catalog, &trigger))
                })),
                Source::Typed => typed.with(|typed| {
                    let typed = typed.get(&trigger).cloned().unwrap_or_default();
                    typed.read()
                }),
            }
        });
        let sampler = Sampler {
            desk,
            trigger,
            source,
            typed,
            runs: RwSignal::new(Vec::new()),
            played,
            tried: RwSignal::new(None),
            message,
            outcome: RwSignal::new(None),
            chosen: StoredValue::new(wanted),
        };
        sampler.follow_triggers();
        sampler.follow_runs();
        sampler.follow_source();
        sampler.rehearse();
        sampler
    }

    /// What can be chosen, with what a person reads.
    pub(crate) fn offered(self) -> Vec<(Source, String)> {
        let now = clock::now();
        let runs: Vec<(RunSummary, String)> = self
            .runs
            .get()
            .into_iter()
            .map(|run| {
                let at = clock::parse(&run.started_at);
                let when = at.map(|at| clock::relative(at, now)).unwrap_or_default();
                (run, when)
            })
            .collect();
        let tried = self.tried.get();
        let mut all = self.desk.flow.with(|flow| {
            self.trigger.with(|trigger| {
                let tried = tried.as_ref().map(|tried| &tried.run);
                sampling::sources(texts(), flow, trigger, &runs, tried)
            })
        });
        // A run that is not among the last ones is offered while it is chosen.
        let source = self.source.get();
        if let Source::Run(id) = &source
            && all.iter().all(|(offered, _)| *offered != source)
        {
            let label = crate::texts::fill(
                texts().try_sample_run,
                &[("id", crate::words::short_id(id))],
            );
            all.insert(0, (source.clone(), label));
        }
        all
    }

    /// Chooses a source.
    pub(crate) fn choose(self, source: Source) {
        self.chosen.set_value(true);
        if source == Source::Typed && self.source.get_untracked() != Source::Typed {
            // What is typed goes on from what was chosen.
            let known = self.trigger.with_untracked(|trigger| {
                self.typed
                    .with_untracked(|typed| typed.contains_key(trigger))
            });
            if let (false, Ok(message)) = (known, self.message.get_untracked()) {
                self.remember(Typed::of(&message));
            }
        }
        self.source.set(source);
    }

    /// Chooses a trigger.
    pub(crate) fn arrive_at(self, trigger: Slug) {
        self.chosen.set_value(false);
        self.trigger.set(trigger);
    }

    /// The message in the fields that a person types into.
    pub(crate) fn fields(self) -> Typed {
        if self.source.get() == Source::Typed {
            return self.typed.with(|typed| {
                self.trigger
                    .with(|trigger| typed.get(trigger).cloned().unwrap_or_default())
            });
        }
        self.message
            .get()
            .map(|message| Typed::of(&message))
            .unwrap_or_default()
    }

    /// Takes what a person types; from then on it is a typed message.
    pub(crate) fn type_in(self, typed: Typed) {
        self.chosen.set_value(true);
        self.remember(typed);
        if self.source.get_untracked() != Source::Typed {
            self.source.set(Source::Typed);
        }
    }

    /// Makes the run of a try the sample.
    pub(crate) fn take_tried(self, played: Arc<Played>) {
        self.chosen.set_value(true);
        let id = played.run.id.clone();
        self.tried.set(Some(played.clone()));
        self.played.set(Some(played));
        self.source.set(Source::Run(id));
    }

    fn remember(self, typed: Typed) {
        let trigger = self.trigger.get_untracked();
        self.typed.update(|all| {
            all.insert(trigger, typed);
        });
        let id = self.desk.flow.with_untracked(|flow| flow.id.clone());
        self.typed.with_untracked(|all| {
            if let (Ok(text), Ok(Some(storage))) =
                (serde_json::to_string(all), window().local_storage())
            {
                // A full storage only means that it is forgotten with the page.
                let _ = storage.set_item(&key(&id), &text);
            }
        });
    }

    /// Stays with a trigger that the draft has.
    fn follow_triggers(self) {
        Effect::new(move || {
            let current = self.trigger.get();
            let next = self.desk.flow.with(|flow| {
                (!flow.triggers.contains_key(&current))
                    .then(|| flow.triggers.keys().next().cloned().unwrap_or_default())
            });
            if let Some(next) = next.filter(|next| *next != current) {
                self.arrive_at(next);
            }
        });
    }

    /// Reads the last runs of the trigger, and takes the best message until a person chooses.
    fn follow_runs(self) {
        Effect::new(move || {
            let trigger = self.trigger.get();
            let id = self.desk.flow.with_untracked(|flow| flow.id.clone());
            self.runs.set(Vec::new());
            self.take_best();
            if trigger.is_empty() {
                return;
            }
            spawn_local(async move {
                let path = format!(
                    "/runs?flow={}&trigger={}&limit={RUNS}",
                    encode(&id),
                    encode(&trigger)
                );
                if let Ok(page) = api::get::<Page<RunSummary>>(&path).await
                    && self.trigger.try_get_untracked() == Some(trigger)
                {
                    self.runs.set(page.items);
                    self.take_best();
                }
            });
        });
    }

    fn take_best(self) {
        if self.chosen.try_get_value() != Some(false) {
            return;
        }
        let trigger = self.trigger.get_untracked();
        let typed = self
            .typed
            .with_untracked(|typed| typed.contains_key(&trigger));
        let best = self
            .runs
            .with_untracked(|runs| runs.first().map(|run| run.id.clone()));
        let best = match best {
            Some(run) => Source::Run(run),
            None if typed => Source::Typed,
            None => {
                let offered = untrack(|| self.offered());
                offered
                    .into_iter()
                    .next()
                    .map_or(Source::Typed, |(source, _)| source)
            }
        };
        if self.source.get_untracked() != best {
            self.source.set(best);
        }
    }

    /// Reads the run that is chosen.
    fn follow_source(self) {
        Effect::new(move || {
            let Source::Run(id) = self.source.get() else {
                return;
            };
            let known = |played: &Option<Arc<Played>>| {
                played.as_ref().is_some_and(|played| played.run.id == id)
            };
            if self.played.with_untracked(known) {
                return;
            }
            if self.tried.with_untracked(known) {
                self.played.set(self.tried.get_untracked());
                return;
            }
            spawn_local(async move {
                let Ok(played) = read(&id).await else { return };
                if self.source.try_get_untracked() != Some(Source::Run(id)) {
                    return;
                }
                let trigger = played.run.trigger.clone();
                self.played.set(Some(Arc::new(played)));
                let other = self.trigger.get_untracked() != trigger;
                let has = self
                    .desk
                    .flow
                    .with_untracked(|flow| flow.triggers.contains_key(&trigger));
                if other && has {
                    self.trigger.set(trigger);
                }
            });
        });
    }

    /// Rehearses the draft with the message, some moments after each change of either.
    fn rehearse(self) {
        let desk = self.desk;
        let ask = move || {
            let Some(flow) = desk.flow.try_get_untracked() else {
                return;
            };
            let trigger = self.trigger.get_untracked();
            let Ok(message) = self.message.get_untracked() else {
                return;
            };
            let chosen = self.source.get_untracked();
            let played = self
                .played
                .get_untracked()
                .filter(|played| matches!(&chosen, Source::Run(id) if *id == played.run.id));
            if trigger.is_empty() {
                desk.sample.set(Arc::default());
                desk.sampled.set(true);
                self.outcome.set(None);
                return;
            }
            let mocks: BTreeMap<Slug, Mocks> = played
                .as_ref()
                .map(|played| sampling::mocks_of_run(&played.run, &played.items))
                .unwrap_or_default();
            let question = Rehearse {
                document: Document::Flow(flow.clone()),
                trigger: Some(trigger.clone()),
                message: message.clone(),
                mocks,
                now_ms: clock::now() as i64,
            };
            spawn_local(async move {
                let (outcome, items) = match lab::ask("rehearse", question).await {
                    Ok(rehearsal) => (Some(rehearsal.outcome), rehearsal.items),
                    Err(LabTrouble::Overtaken) => return,
                    Err(_) => (None, BTreeMap::new()),
                };
                let rehearsed = match &outcome {
                    Some(Outcome::Run(run)) => Some(sampling::Played { run, items: &items }),
                    _ => None,
                };
                let ran = played.as_ref().map(|played| Ran {
                    run: &played.run,
                    flow: played.flow.as_deref(),
                    items: &played.items,
                });
                let sample = sampling::known(&flow, &trigger, &message, ran, rehearsed);
                desk.sample.try_set(Arc::new(sample));
                desk.sampled.try_set(true);
                self.outcome.try_set(outcome);
            });
        };
        let mut soon = debounce(PAUSE, move |()| ask());
        Effect::new(move || {
            desk.flow.track();
            self.message.track();
            self.played.track();
            self.trigger.track();
            soon(());
        });
    }
}

/// Reads a run and the version that it ran on.
async fn read(id: &str) -> Result<Played, Trouble> {
    let run = api::get::<RunDetail>(&format!("/runs/{}", encode(id))).await?;
    let version = format!("/flows/{}/versions/{}", encode(&run.flow), run.version);
    let flow = api::get::<Flow>(&version).await.ok().map(Arc::new);
    let items = first_items(&run).await;
    Ok(Played { run, flow, items })
}

/// Reads the first item of each `each` step of a run.
async fn first_items(run: &RunDetail) -> BTreeMap<Slug, FirstItem> {
    let mut items = BTreeMap::new();
    let lists = run.steps.iter().filter(|(_, step)| {
        let counts = step.items.as_ref();
        run.kept && counts.is_some_and(|counts| counts.total > 0)
    });
    for (each, _) in lists {
        let (id, each) = (encode(&run.id), each.clone());
        let path = format!("/runs/{id}/steps/{}/items?limit=1", encode(&each));
        // Without it a rehearsal tells what the first item would give.
        if let Ok(page) = api::get::<Page<ItemDetail>>(&path).await
            && let Some(first) = page.items.into_iter().next()
        {
            let ItemDetail { item, steps, .. } = first;
            items.insert(each, FirstItem { item, steps });
        }
    }
    items
}

fn key(flow: &str) -> String {
    format!("weir.message.{flow}")
}

fn remembered(flow: &str) -> BTreeMap<Slug, Typed> {
    let stored = window().local_storage().ok().flatten();
    let text = stored.and_then(|storage| storage.get_item(&key(flow)).ok()?);
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}
