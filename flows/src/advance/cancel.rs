//! How a person ends a run: at once, or once what succeeded is reversed.

use std::sync::Arc;

use super::{Fold, underway};
use crate::{
    failure::{Class, Failure},
    record::Record,
};

impl Fold<'_> {
    /// Nothing new starts from here on. With `undo`, what is in flight may end, so that it is reversed too; without, it is given
    /// up. False where the run is being cancelled so already: reversing may be broken off, but not the other way round.
    pub(super) fn cancel(&mut self, undo: bool, by: Option<String>, note: Option<String>) -> bool {
        if self.run.cancelled.as_ref().is_some_and(|_| undo) {
            return false;
        }
        let at = self.now();
        self.record(Record::Cancelling { at, undo, by, note });
        self.give_up_waiting();
        if !undo {
            self.give_up_underway();
        }
        true
    }

    fn give_up_underway(&mut self) {
        for attempt in underway(self.run) {
            self.within(attempt.path, |fold| {
                fold.give_up(attempt.step, attempt.number, attempt.undo);
            });
        }
        self.give_up_waiting_undo();
    }

    fn give_up(&mut self, step: usize, number: u32, undo: bool) {
        let at = self.now();
        let message = "the run was cancelled during this attempt, so nobody knows whether it happened; \
                       look at the other side";
        let failure = Arc::new(Failure::new(Class::Lost, message));
        let id = self.plan.steps[step].id.clone();
        self.record(Record::Attempted {
            step: id.clone(),
            number,
            at,
            failure: Some(Arc::clone(&failure)),
            exchange: None,
            retry_at: None,
            undo,
        });
        self.record(if undo {
            let failure = Some(failure);
            Record::Undone {
                step: id,
                at,
                failure,
            }
        } else {
            Record::Failed {
                step: id,
                at,
                failure,
                port: None,
            }
        });
    }

    /// What waits for another attempt to reverse it will not get one.
    fn give_up_waiting_undo(&mut self) {
        let at = self.now();
        for step in 0..self.plan.steps.len() {
            let undo = self.here().steps[step].undo.as_ref();
            if let Some(waiting) = undo.filter(|undo| undo.waits()) {
                let last = waiting.calls.attempts.last();
                let failure = last.and_then(|attempt| attempt.failure.clone());
                let failure = failure.unwrap_or_else(|| {
                    let message = "the run was cancelled before it was the turn of this";
                    Arc::new(Failure::broken(message))
                });
                self.record(Record::Undone {
                    step: self.plan.steps[step].id.clone(),
                    at,
                    failure: Some(failure),
                });
            }
            self.in_busy_items(step, Fold::give_up_waiting_undo);
        }
    }
}
