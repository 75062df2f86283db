//! Undo: what succeeded is reversed, step by step and item by item, in the reverse order of completion.

use std::sync::Arc;

use serde_json::Value;

use super::Fold;
use crate::{
    compute,
    failure::Failure,
    record::Record,
    script::{Name, Scope},
};

impl Fold<'_> {
    /// Begins the reversal of what was done last, in whatever item. False when nothing is left.
    pub(super) fn undo_next(&mut self) -> bool {
        while let Some(place) = self.run.undoable.last().cloned() {
            if self.is_full() {
                return true;
            }
            let left = self.run.undoable.len();
            self.within(place.path, |fold| fold.undo(place.step));
            if self.run.active > 0 {
                return true;
            }
            // What is not there any more, as in a journal that is damaged, cannot be reversed.
            if self.run.undoable.len() == left {
                self.run.undoable.pop();
            }
        }
        false
    }

    /// Begins the reversal of a step, where its settings can be evaluated.
    fn undo(&mut self, step: usize) {
        let plan = self.plan;
        let Some(action) = &plan.steps[step].undo else {
            return;
        };
        let scope = self.scope_of(step, true);
        let moment = self.moment(step, 1);
        let config = action.config.eval(&scope, moment, self.bounds);
        let wanted = config
            .map_err(|error| compute::script_failure(&error.error, &error.at))
            .and_then(|config| self.want(step, action, config, true, &scope, moment));
        if let Err(failure) = wanted {
            self.record(Record::Undone {
                step: plan.steps[step].id.clone(),
                at: self.now(),
                failure: Some(Arc::new(failure)),
            });
        }
    }

    /// What a step sees, or what reverses it, which sees its output as well.
    pub(super) fn scope_of(&self, step: usize, undo: bool) -> Scope {
        let mut scope = self.scope(step);
        if let Some(output) = self.here().outputs.at(step).filter(|_| undo) {
            scope.set(Name::Output, Arc::clone(output));
        }
        scope
    }

    pub(super) fn undo_attempted(
        &mut self,
        step: usize,
        number: u32,
        result: Result<Arc<Value>, Failure>,
        exchange: Option<Arc<Value>>,
    ) {
        let Some(undo) = &self.here().steps[step].undo else {
            return;
        };
        if undo.ended || undo.calls.underway() != Some(number) {
            return;
        }
        let (id, at) = (self.plan.steps[step].id.clone(), self.now());
        let (failure, retry_at) = match result {
            Ok(_) => (None, None),
            Err(failure) => {
                let retry_at = self.retry_at(step, number, &failure, true);
                (Some(Arc::new(failure)), retry_at)
            }
        };
        self.record(Record::Attempted {
            step: id.clone(),
            number,
            at,
            failure: failure.clone(),
            exchange,
            retry_at,
            undo: true,
        });
        if retry_at.is_none() {
            self.record(Record::Undone {
                step: id,
                at,
                failure,
            });
        }
    }
}
