//! The hands: inputs go to [`gesture`], and what comes of them is drawn once a frame.

use std::sync::Arc;

use leptos::{html, prelude::*};
use weir_flows::document::Slug;

use super::{
    ask::{Ask, Spot},
    gesture::{self, Gesture, Ground, Input},
    graph::Graph,
    scene::{DrawnCard, Scene},
    sight::Sight,
};
use crate::{edit::Chosen, editor::Desk};

/// What draws: the desk whose document is changed, and who is asked for what the canvas does not do itself.
#[derive(Clone, Copy)]
pub(crate) struct Pen {
    pub(crate) desk: Desk,
    pub(crate) ask: Callback<Ask>,
}

/// The hands of one canvas.
#[derive(Clone, Copy)]
pub(super) struct Hands {
    pub(super) element: NodeRef<html::Div>,
    pub(super) sight: Sight,
    pub(super) scene: Scene,
    pub(super) graph: Signal<Arc<Graph>>,
    pub(super) pen: Option<Pen>,
    pub(super) chosen: Signal<Chosen>,
    pub(super) choose: Callback<Chosen>,
    /// The gesture as it is drawn: at most one frame behind.
    pub(super) shown: RwSignal<Gesture>,
    /// The card in the order of Tab.
    pub(super) first: RwSignal<Option<Slug>>,
    /// Whether Space is held, so that any drag moves the drawing.
    pub(super) space: RwSignal<bool>,
    /// What is said to those who do not see the drawing.
    pub(super) said: RwSignal<String>,
    pub(super) now: StoredValue<Gesture>,
    /// What a pointer went down on last.
    pub(super) pressed: StoredValue<Spot>,
    /// When the last frame was drawn, while one is on its way.
    frame: StoredValue<Option<f64>>,
    /// Counts presses, so that the wait for a long one knows its own.
    pub(super) presses: StoredValue<u32>,
    /// Whether a drag has used the Space that is held.
    pub(super) space_used: StoredValue<bool>,
}

impl Hands {
    pub(super) fn new(
        element: NodeRef<html::Div>,
        sight: Sight,
        graph: Signal<Arc<Graph>>,
        pen: Option<Pen>,
        chosen: Signal<Chosen>,
        choose: Callback<Chosen>,
    ) -> Self {
        Hands {
            element,
            sight,
            scene: Scene::new(),
            graph,
            pen,
            chosen,
            choose,
            shown: RwSignal::new(Gesture::Idle),
            first: RwSignal::new(None),
            space: RwSignal::new(false),
            said: RwSignal::new(String::new()),
            now: StoredValue::new(Gesture::Idle),
            pressed: StoredValue::new(Spot::Ground),
            frame: StoredValue::new(None),
            presses: StoredValue::new(0),
            space_used: StoredValue::new(false),
        }
    }

    /// What the hand is doing now.
    pub(super) fn gesture(&self) -> Gesture {
        self.now.get_value()
    }

    /// Plays an input, and does what comes of it.
    pub(super) fn play(&self, input: Input) {
        let graph = self.graph.get_untracked();
        let chosen = self.chosen.get_untracked();
        let flow = self.pen.map(|pen| pen.desk.drawn.get_untracked());
        let viewport = self.sight.viewport.get_untracked();
        let ground = Ground {
            graph: &graph,
            flow: flow.as_deref(),
            chosen: &chosen,
            window: self.sight.window.get_untracked(),
        };
        let outcome = gesture::turn(self.now.get_value(), viewport, input, ground);
        if outcome.viewport != viewport {
            self.sight.touched.set_value(true);
            self.sight.viewport.set(outcome.viewport);
        }
        let ended = outcome.gesture == Gesture::Idle;
        self.now.set_value(outcome.gesture);
        if let Some(deed) = outcome.deed {
            self.act(deed, &graph);
        }
        if ended {
            // What is drawn is the document again, in the same frame as the deed.
            self.show();
        } else {
            self.plan_frame();
        }
    }

    fn show(&self) {
        let now = self.now.get_value();
        if self.shown.with_untracked(|shown| *shown != now) {
            self.shown.set(now);
        }
    }

    /// Draws the gesture with the next frame, and goes on while time matters to it.
    fn plan_frame(self) {
        if self.frame.get_value().is_some() {
            return;
        }
        self.frame.set_value(Some(js_sys::Date::now()));
        request_animation_frame(move || {
            let Some(Some(since)) = self.frame.try_get_value() else {
                return;
            };
            self.frame.set_value(None);
            if self.now.with_value(Gesture::is_pulling) {
                let millis = js_sys::Date::now() - since;
                self.play(Input::Frame { millis });
            }
            self.show();
        });
    }

    pub(super) fn say(&self, text: String) {
        self.said.set(text);
    }

    /// The drawn card with an id.
    pub(super) fn drawn(&self, id: &str) -> Option<DrawnCard> {
        self.scene
            .cards
            .with_untracked(|cards| cards.iter().find(|card| card.id == id).cloned())
    }
}
