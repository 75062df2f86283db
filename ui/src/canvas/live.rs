//! How a run stands on the canvas: one signal per card and per link, so that a change redraws only what changed.

use std::{collections::HashMap, sync::Arc};

use leptos::prelude::*;

use super::graph::Graph;
use crate::api::{LinkState, RunDetail, StepStatus};

/// What a card shows of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CardState {
    pub(crate) status: StepStatus,
    /// How long the step took, in milliseconds, once it has ended.
    pub(crate) took: Option<f64>,
    pub(crate) attempts: usize,
}

/// The signals of a drawing that a run is shown on.
#[derive(Clone)]
pub(crate) struct Live {
    cards: Arc<HashMap<String, RwSignal<CardState>>>,
    links: Arc<Vec<RwSignal<LinkState>>>,
}

impl Live {
    /// Signals for every step and link of a drawing, all pending.
    pub(crate) fn new(graph: &Graph, links: usize) -> Self {
        let cards = graph.cards.iter().filter(|card| card.enters);
        let cards = cards
            .map(|card| (card.id.clone(), RwSignal::new(CardState::default())))
            .collect();
        let links = (0..links)
            .map(|_| RwSignal::new(LinkState::Pending))
            .collect();
        Live {
            cards: Arc::new(cards),
            links: Arc::new(links),
        }
    }

    /// The state of a step, if the drawing has it.
    pub(crate) fn card(&self, id: &str) -> Option<RwSignal<CardState>> {
        self.cards.get(id).copied()
    }

    /// The state of a link by its index in the document.
    pub(crate) fn link(&self, index: usize) -> Option<RwSignal<LinkState>> {
        self.links.get(index).copied()
    }

    /// Takes over only the statuses, as the event stream tells them.
    pub(crate) fn hear<'a>(&self, steps: impl IntoIterator<Item = (&'a String, &'a StepStatus)>) {
        for (id, status) in steps {
            if let Some(card) = self.cards.get(id) {
                let now = CardState {
                    status: *status,
                    ..card.get_untracked()
                };
                set_changed(*card, now);
            }
        }
    }

    /// Takes over everything that a run tells.
    pub(crate) fn show(&self, run: &RunDetail, took: impl Fn(&str, &str) -> Option<f64>) {
        for (id, step) in &run.steps {
            if let Some(card) = self.cards.get(id) {
                let took = step
                    .started_at
                    .as_deref()
                    .zip(step.ended_at.as_deref())
                    .and_then(|(from, to)| took(from, to));
                let attempts = step.attempts.iter().filter(|attempt| !attempt.undo).count();
                set_changed(
                    *card,
                    CardState {
                        status: step.status,
                        took,
                        attempts,
                    },
                );
            }
        }
        for (link, state) in self.links.iter().zip(&run.links) {
            set_changed(*link, *state);
        }
    }
}

/// Sets a signal only where the value differs: readers run for changes, not for news.
fn set_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|current| *current != value) == Some(true) {
        signal.set(value);
    }
}
