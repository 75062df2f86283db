//! The `each` step: starts on its items, runs its body for them, ends them and itself.

use std::sync::Arc;

use serde_json::Value;

use super::Fold;
use crate::{
    failure::Failure,
    json::type_word,
    plan::PlanEach,
    record::Record,
    run::{Status, StepStatus},
};

impl Fold<'_> {
    /// The list is known. Its items start when their turn comes, see [`go_on_with_items`](Self::go_on_with_items).
    pub(super) fn begin_items(&mut self, step: usize, each: &PlanEach, items: Arc<Value>) {
        let refused = match items.as_array() {
            None => Some(format!(
                "`items` must give a list, but it gave {}",
                type_word(&items)
            )),
            Some(list) if list.len() > each.limit => Some(format!(
                "these are {} items, and this step takes at most {}; divide the list, or allow more under `limit`",
                list.len(),
                each.limit
            )),
            Some(_) => None,
        };
        if let Some(message) = refused {
            return self.fail(step, Arc::new(Failure::broken(message)));
        }
        self.record(Record::Items {
            step: self.plan.steps[step].id.clone(),
            at: self.now(),
            items,
        });
    }

    /// Goes on with one item that can, or starts the next one, or ends the step.
    pub(super) fn go_on_with_items(&mut self, step: usize) {
        let Some(items) = &self.here().steps[step].items else {
            return;
        };
        match (items.ready(), items.to_open()) {
            (Some(index), _) => self.go_on_with_item(step, index),
            (None, Some(index)) => {
                self.in_new_item(step, index);
                self.go_on_with_item(step, index);
            }
            (None, None) => self.end_items(step),
        }
    }

    fn in_new_item(&mut self, step: usize, index: usize) {
        let at = self.now();
        self.record(Record::Item {
            step: self.plan.steps[step].id.clone(),
            index,
            of: Box::new(Record::Started { at }),
        });
    }

    fn go_on_with_item(&mut self, step: usize, index: usize) {
        self.in_item(step, index, |fold| {
            fold.go_on();
            fold.end_item();
        });
    }

    /// Ends the item that is being worked on where nothing is left to do for it.
    fn end_item(&mut self) {
        let item = self.here();
        if !item.ready.is_empty() || item.active > 0 {
            return;
        }
        // Where nothing new starts, what was still to come stays pending, and what is given up fails without leading anywhere.
        let cut_off = |status: StepStatus, leads: bool| {
            status == StepStatus::Pending || status == StepStatus::Failed && !leads
        };
        let mut steps = item.steps.iter();
        let status = if item.failure.is_some() {
            Status::Failed
        } else if steps.any(|step| cut_off(step.status, !step.ports.is_empty())) {
            Status::Cancelled
        } else {
            Status::Succeeded
        };
        self.end(status);
    }

    /// All items have ended, or none starts any more.
    fn end_items(&mut self, step: usize) {
        let Some(items) = &self.here().steps[step].items else {
            return;
        };
        if let Some(failure) = items.failing() {
            return self.fail(step, Arc::new(failure.clone()));
        }
        if items.is_complete() {
            return self.succeed(step, None, None);
        }
        let message = format!(
            "the run was stopped when {} of {} items were done",
            items.done + items.failed,
            items.total
        );
        self.fail(step, Arc::new(Failure::broken(message)));
    }
}
