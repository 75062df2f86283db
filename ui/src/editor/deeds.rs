//! What commands do.

use leptos::prelude::*;

use super::{
    clipboard,
    command::Command,
    palette::keys_of,
    places::next_problem,
    tools::{Surface, Tools},
};
use crate::{
    canvas::{ZOOM_STEP, places_of, tidy},
    edit::{self, Chosen, What},
    settings::settings,
    texts::{count, fill, problem_sentence, texts},
};

impl Tools {
    /// Carries out a command, if it makes sense now.
    pub(crate) fn run(&self, command: Command) {
        if !untrack(|| command.makes_sense(&self.situation())) {
            return;
        }
        self.close();
        let t = texts();
        match command {
            Command::Add => self.open_palette(),
            Command::Connect => {
                if let Some(card) = self.only_card() {
                    self.sight.connect(card);
                }
            }
            Command::Duplicate => self.duplicate(),
            Command::Delete => self.delete(),
            Command::Disable => self.disable(),
            Command::Rename => {
                if let Some(card) = self.only_card() {
                    self.sight.reveal(&card);
                    self.show(Surface::Rename(card));
                }
            }
            Command::Copy => clipboard::copy(*self),
            Command::Cut => {
                clipboard::copy(*self);
                self.delete();
            }
            Command::Paste => clipboard::paste(*self, None),
            Command::Undo => {
                let what = self.desk.undoable.get_untracked();
                self.desk.undo();
                self.tell(t.said_undone, what);
            }
            Command::Redo => {
                let what = self.desk.redoable.get_untracked();
                self.desk.redo();
                self.tell(t.said_redone, what);
            }
            Command::SelectAll => self.select_all(),
            Command::SelectNone => {
                self.desk.choose(None);
                self.say(t.said_chosen_none.to_owned());
            }
            Command::Pin => self.pin(),
            Command::OpenBody => {
                if let Some(card) = self.only_card() {
                    self.open_body(&card);
                }
            }
            Command::Leave => {
                let mut way = self.desk.within.get_untracked();
                way.pop();
                self.desk.open(&way);
            }
            Command::NextProblem => self.next_problem(),
            Command::Tidy => {
                let places = self.desk.graph.with_untracked(|graph| tidy(graph));
                self.desk.settle();
                self.desk
                    .make(|flow| edit::place(flow, What::Tidy, &places));
                self.sight.fit();
                self.say(t.said_tidied.to_owned());
            }
            Command::Fit => {
                self.sight.fit();
                self.say_zoom();
            }
            Command::Actual => {
                self.sight.actual();
                self.say_zoom();
            }
            Command::ZoomIn => {
                self.sight.zoom(ZOOM_STEP);
                self.say_zoom();
            }
            Command::ZoomOut => {
                self.sight.zoom(1.0 / ZOOM_STEP);
                self.say_zoom();
            }
            Command::Palette => {
                if self.palette.get_untracked() {
                    self.close_palette();
                } else {
                    self.palette.set(true);
                }
            }
            Command::Minimap => {
                let shown = !self.sight.map.get_untracked();
                self.sight.map.set(shown);
                settings().remember_map(shown);
            }
            Command::Search => self.show(Surface::Search),
            Command::Help => self.show(Surface::Help),
            Command::Save | Command::Try | Command::Publish | Command::Inspect => {
                self.outside.run(command);
            }
        }
    }

    /// Deletes what is chosen.
    pub(super) fn delete(&self) {
        let t = texts();
        let chosen = self.desk.chosen.get_untracked();
        self.desk.settle();
        self.desk.make(|flow| edit::delete(flow, &chosen));
        self.sight.focus(None);
        let said = match (chosen.cards.len() as u64, chosen.links.len() as u64) {
            (0, links) => count(links, t.said_unlinked_one, t.said_unlinked_many),
            (cards, _) => count(cards, t.said_deleted_one, t.said_deleted_many),
        };
        self.say(fill(&said, &[("keys", &keys_of(Command::Undo))]));
    }

    /// Gives a card another title.
    pub(super) fn retitle(&self, id: &str, title: &str) {
        self.desk.settle();
        self.desk.make(|flow| edit::retitle(flow, id, title));
        self.desk.settle();
        self.say(fill(texts().said_renamed, &[("title", &self.title(id))]));
    }

    /// Whether the output of a step can be pinned, or taken away again: only actions have a use for one.
    pub(super) fn is_pinnable(&self, id: &str) -> bool {
        let desk = self.desk;
        let step = desk.drawn.with(|flow| {
            Some((
                flow.steps.get(id)?.kind.clone(),
                flow.steps.get(id)?.pinned.is_some(),
            ))
        });
        let Some((kind, pinned)) = step else {
            return false;
        };
        let acts = desk.catalog.with(|catalog| {
            catalog
                .step(&kind)
                .is_some_and(|entry| entry.action.is_some())
        });
        let known = || {
            desk.sample.with(|sample| {
                sample
                    .steps
                    .get(id)
                    .is_some_and(|step| step.output.is_some())
            })
        };
        pinned || acts && known()
    }

    fn tell(&self, pattern: &str, what: Option<What>) {
        if let Some(what) = what {
            self.say(fill(pattern, &[("what", what_words(what))]));
        }
    }

    fn say_zoom(&self) {
        let zoom = self.sight.viewport.with_untracked(|viewport| viewport.zoom);
        let percent = format!("{:.0}", zoom * 100.0);
        self.say(fill(texts().said_zoom, &[("n", &percent)]));
    }

    fn select_all(&self) {
        let t = texts();
        let all = self.desk.drawn.with_untracked(|flow| {
            Chosen::cards(flow.triggers.keys().chain(flow.steps.keys()).cloned())
        });
        let cards = all.cards.len() as u64;
        self.say(count(cards, t.said_chosen_one, t.said_chosen_many));
        self.desk.chosen.set(all);
    }

    /// Switches the chosen cards off, or on where all of them are off.
    fn disable(&self) {
        let t = texts();
        let cards = self.desk.chosen.get_untracked().cards;
        let on = self.desk.drawn.with_untracked(|flow| {
            let trigger = |id: &String| flow.triggers.get(id).is_none_or(|card| card.disabled);
            let step = |id: &String| flow.steps.get(id).is_none_or(|card| card.disabled);
            cards.iter().all(|id| trigger(id) && step(id))
        });
        self.desk.settle();
        self.desk.make(|flow| edit::switch(flow, &cards, on));
        let (one, many) = if on {
            (t.said_on_one, t.said_on_many)
        } else {
            (t.said_off_one, t.said_off_many)
        };
        self.say(count(cards.len() as u64, one, many));
    }

    /// Pins the output that the sample knows to the chosen step, or takes the pinned one away.
    fn pin(&self) {
        let t = texts();
        let desk = self.desk;
        let Some(id) = self.only_card() else { return };
        let pinned = desk.drawn.with_untracked(|flow| {
            flow.steps
                .get(&id)
                .is_some_and(|step| step.pinned.is_some())
        });
        let output = desk.sample.with_untracked(|sample| {
            let step = sample.steps.get(&id);
            step.and_then(|step| step.output.clone())
        });
        let output = output.filter(|_| !pinned);
        let said = if output.is_some() {
            t.said_pinned
        } else {
            t.said_unpinned
        };
        desk.settle();
        desk.make(|flow| edit::pin(flow, &id, output));
        self.say(fill(said, &[("title", &self.title(&id))]));
    }

    /// Goes to the problem after the one that was looked at last.
    fn next_problem(&self) {
        let problems = self.desk.problems.get_untracked();
        let (last, card) = (self.looked.get_value(), self.only_card());
        let places = card.map(|card| {
            let within = self.desk.within;
            within.with_untracked(|way| places_of(way, &card))
        });
        let places = places.as_ref().map(|places| places.as_slice());
        let next = next_problem(&problems, last.as_ref(), places);
        let Some((index, problem)) = next.and_then(|index| Some((index, problems.get(index)?)))
        else {
            return;
        };
        self.looked.set_value(Some((index, problem.at.clone())));
        self.desk.seek(&problem.at);
        if let Some(card) = self.only_card() {
            self.sight.reveal(&card);
        }
        self.say(problem_sentence(problem));
    }
}

/// What was done, in a word.
pub(super) fn what_words(what: What) -> &'static str {
    let t = texts();
    match what {
        What::Add => t.what_add,
        What::Delete => t.what_delete,
        What::Move => t.what_move,
        What::Connect => t.what_connect,
        What::Disconnect => t.what_disconnect,
        What::Paste => t.what_paste,
        What::Duplicate => t.what_duplicate,
        What::Rename => t.what_rename,
        What::Set => t.what_set,
        What::Tidy => t.what_tidy,
        What::Restore => t.what_restore,
        What::Merge => t.what_merge,
    }
}
