//! The stage: a drawing with its panel, and a run that is watched on it while it goes on.

use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use weir_flows::document::Flow;

use crate::{
    api::{self, ConnectionSummary, RunDetail, StepStatus, Trouble},
    canvas::{Canvas, Graph, Live},
    clock,
    edit::Chosen,
    inspect::{FlowSetup, RunOverview, Setup, StepRecord, Surroundings},
};

/// How long the page waits after news of a run before it reads the run again.
const CALM: Duration = Duration::from_millis(120);
/// How long it waits before it reads again where the stream was lost.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it reads a run that goes on, in case the stream hangs somewhere on its way.
const DOUBT: Duration = Duration::from_secs(8);

/// How often it reads a run of which items are underway: the stream tells of steps only.
const ITEMS: Duration = Duration::from_secs(2);

/// A run that is watched.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) detail: RwSignal<Option<Arc<RunDetail>>>,
    pub(crate) trouble: RwSignal<Option<Trouble>>,
    /// Whether the stream is interrupted while the run goes on.
    pub(crate) lost: RwSignal<bool>,
    /// Whether the stream has ended or broken since it last told something.
    silent: StoredValue<bool>,
    pub(crate) live: Live,
}

/// Reads a run at an address of the API and follows it to its end. It stops when the part of the page that asked for it
/// goes away.
pub(crate) fn watch(address: String, live: Live) -> Watch {
    let watch = Watch {
        detail: RwSignal::new(None),
        trouble: RwSignal::new(None),
        lost: RwSignal::new(false),
        silent: StoredValue::new(false),
        live,
    };
    let stream: StoredValue<Option<api::Live>, LocalStorage> = StoredValue::new_local(None);
    let read: Rc<dyn Fn()> = {
        let (watch, address) = (watch.clone(), address.clone());
        Rc::new(move || {
            let (watch, address) = (watch.clone(), address.clone());
            spawn_local(async move {
                let answer = api::get::<RunDetail>(&address).await;
                watch.take(answer, stream);
            });
        })
    };
    read();
    let planned = Rc::new(Cell::new(false));
    let plan = {
        let read = read.clone();
        move |wait: Duration| {
            if !planned.replace(true) {
                let (planned, read) = (planned.clone(), read.clone());
                set_timeout(
                    move || {
                        planned.set(false);
                        read();
                    },
                    wait,
                );
            }
        }
    };
    let heard = {
        let (watch, plan) = (watch.clone(), plan.clone());
        move |change: api::RunChange| {
            watch.silent.try_set_value(false);
            if watch.lost.try_get_untracked() == Some(true) {
                watch.lost.set(false);
            }
            watch.live.hear(&change.steps);
            plan(if change.status.is_final() {
                Duration::ZERO
            } else {
                CALM
            });
        }
    };
    let lost = {
        let (silent, lost) = (watch.silent, watch.lost);
        move || {
            // The server ends the stream of a run that has ended; only the next reading tells whether it was that.
            silent.try_set_value(true);
            plan(if lost.try_get_untracked() == Some(true) {
                PATIENCE
            } else {
                CALM
            });
        }
    };
    stream.set_value(api::run_changes(&address, heard, lost));
    let often = |pause: Duration, of: fn(&RunDetail) -> bool| {
        let (detail, read) = (watch.detail, read.clone());
        set_interval_with_handle(
            move || {
                let due = detail.try_with_untracked(|run| run.as_deref().is_none_or(of));
                if due == Some(true) {
                    read();
                }
            },
            pause,
        )
    };
    let readings = [
        often(DOUBT, |run| !run.status.is_final()),
        often(ITEMS, |run| {
            let mut counts = run.steps.values().filter_map(|step| step.items);
            counts.any(|counts| counts.underway > 0)
        }),
    ];
    on_cleanup(move || {
        stream.dispose();
        for reading in readings.into_iter().flatten() {
            reading.clear();
        }
    });
    watch
}

impl Watch {
    fn take(
        &self,
        answer: Result<RunDetail, Trouble>,
        stream: StoredValue<Option<api::Live>, LocalStorage>,
    ) {
        match answer {
            Ok(run) => {
                self.live.show(&run, clock::between);
                if run.status.is_final() {
                    stream.try_update_value(|stream| {
                        if let Some(stream) = stream.take() {
                            stream.close();
                        }
                    });
                    self.lost.try_set(false);
                } else if self.silent.try_get_value() == Some(true) {
                    self.lost.try_set(true);
                }
                self.detail.try_set(Some(Arc::new(run)));
            }
            Err(trouble) if self.detail.try_with_untracked(Option::is_none) == Some(true) => {
                self.trouble.try_set(Some(trouble));
            }
            // What is shown already stays; the stream goes on trying.
            Err(_) => (),
        }
    }
}

/// Reads the names of the connections, for the panels.
pub(crate) fn surroundings() -> Signal<Surroundings> {
    let around = RwSignal::new(Surroundings::default());
    spawn_local(async move {
        if let Ok(connections) = api::all::<ConnectionSummary>("/connections").await {
            let names = connections
                .into_iter()
                .map(|connection| connection.name)
                .collect();
            around.try_update(|around| around.connections = Some(Arc::new(names)));
        }
    });
    around.into()
}

/// A drawing to read, with what its chosen card is set up to do.
#[component]
pub(crate) fn SetupStage(
    flow: Arc<Flow>,
    chosen: RwSignal<Option<String>>,
    #[prop(into)] around: Signal<Surroundings>,
) -> impl IntoView {
    let graph = Arc::new(Graph::of(&flow));
    let panel = move || match chosen.get() {
        Some(id) => {
            view! { <Setup flow=flow.clone() id around close=move || chosen.set(None)/> }.into_any()
        }
        None => view! { <FlowSetup flow=flow.clone()/> }.into_any(),
    };
    view! {
        <div class="stage">
            <Canvas graph=Signal::stored(graph) chosen=chosen_card(chosen) choose=move |to| choose_card(chosen, &to)/>
            <aside class="panel" class:resting=move || chosen.with(Option::is_none) data-testid="panel" on:keydown=leave(chosen)>
                {panel}
            </aside>
        </div>
    }
}

/// A drawing with a run on it, and what its chosen step did.
#[component]
pub(crate) fn RunStage(
    flow: Arc<Flow>,
    graph: Arc<Graph>,
    watch: Watch,
    chosen: RwSignal<Option<String>>,
    #[prop(into)] around: Signal<Surroundings>,
) -> impl IntoView {
    let detail = watch.detail;
    let order = graph.clone();
    // Where the run is, or where it failed.
    let follow = Memo::new(move |_| {
        detail.with(|run| {
            let run = run.as_ref()?;
            let busy = run
                .steps
                .iter()
                .find(|(_, step)| matches!(step.status, StepStatus::Running | StepStatus::Waiting))
                .map(|(id, _)| id.clone());
            busy.or_else(|| {
                run.failure
                    .as_ref()
                    .and_then(|failure| failure.step.clone())
            })
        })
    });
    let run_id = move || {
        let id = detail.with_untracked(|run| run.as_ref().map(|run| run.id.clone()));
        id.unwrap_or_default()
    };
    // What is unfolded or focused in a panel stays so while the run goes on: it is drawn once, and follows what it shows.
    let there = Memo::new(move |_| detail.with(Option::is_some));
    let panel = move || match chosen.get() {
        Some(id) if flow.steps.contains_key(&id) => {
            let of = id.clone();
            let step = Memo::new(move |_| {
                let step =
                    detail.with(|run| run.as_ref().and_then(|run| run.steps.get(&of).cloned()));
                step.unwrap_or_default()
            });
            view! { <StepRecord flow=flow.clone() id step run=run_id() around close=move || chosen.set(None)/> }
                .into_any()
        }
        Some(id) => {
            view! { <Setup flow=flow.clone() id around close=move || chosen.set(None)/> }.into_any()
        }
        None => there
            .get()
            .then(
                || view! { <RunOverview flow=flow.clone() graph=order.clone() run=detail chosen/> },
            )
            .into_any(),
    };
    view! {
        <div class="stage">
            <Canvas
                graph=Signal::stored(graph)
                chosen=chosen_card(chosen)
                choose=move |to| choose_card(chosen, &to)
                live=Signal::stored(Some(watch.live))
                follow
            />
            <aside class="panel" data-testid="panel" on:keydown=leave(chosen)>{panel}</aside>
        </div>
    }
}

/// The card of a panel as what is chosen on the canvas.
fn chosen_card(chosen: RwSignal<Option<String>>) -> Signal<Chosen> {
    Signal::derive(move || chosen.get().map(Chosen::card).unwrap_or_default())
}

/// Opens the panel of the card that was chosen on the canvas.
fn choose_card(chosen: RwSignal<Option<String>>, to: &Chosen) {
    chosen.set(to.only_card().cloned());
}

/// Esc in a panel closes it.
fn leave(chosen: RwSignal<Option<String>>) -> impl Fn(leptos::ev::KeyboardEvent) {
    move |event| {
        if event.key() == "Escape" {
            chosen.set(None);
        }
    }
}
