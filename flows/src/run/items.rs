//! The items of an `each` step: which are underway, what those that ended gave, and what of them can be reversed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{Item, Run, Status, StepStatus, error_value};
use crate::{
    failure::Failure,
    plan::{Plan, PlanEach, PlanStep},
    record::Record,
};

/// How the items of an `each` step stand. An item is given up once it ended: what it gave stays, and where it can be reversed,
/// what is needed for that.
#[derive(Clone, Debug, PartialEq)]
pub struct Items {
    /// How many there are.
    pub total: usize,
    /// How many ended well.
    pub done: usize,
    /// How many failed.
    pub failed: usize,
    /// The list; null once the step has ended.
    list: Arc<Value>,
    /// The first that has not started.
    next: usize,
    /// How many may be underway at once.
    concurrency: usize,
    underway: BTreeMap<usize, Run>,
    /// Those of `underway` that can go on or end.
    ready: BTreeSet<usize>,
    /// How many of `underway` only wait for their time.
    resting: usize,
    /// What those that ended gave, by index; empty once the step has ended.
    results: Vec<Option<Arc<Value>>>,
    /// Why the step is going to fail.
    failing: Option<Failure>,
    /// Nothing new starts any more.
    stopped: bool,
    /// Those that ended and can be reversed.
    kept: BTreeMap<usize, Arc<Run>>,
    /// The one of `kept` that is being reversed.
    undoing: Option<usize>,
    /// Whether a step of some item was reversed.
    reversed: bool,
}

impl Items {
    /// The items of a list before the first has started.
    pub(super) fn new(list: Arc<Value>, each: &PlanEach) -> Items {
        let total = list.as_array().map_or(0, Vec::len);
        Items {
            total,
            done: 0,
            failed: 0,
            list,
            next: 0,
            concurrency: each.concurrency,
            underway: BTreeMap::new(),
            ready: BTreeSet::new(),
            resting: 0,
            results: vec![None; total],
            failing: None,
            stopped: false,
            kept: BTreeMap::new(),
            undoing: None,
            reversed: false,
        }
    }

    /// How many have started and not ended.
    pub fn underway(&self) -> usize {
        self.underway.len()
    }

    /// Whether something that was done for an item was reversed.
    pub fn is_reversed(&self) -> bool {
        self.reversed
    }

    /// Why the step fails, where an item decided that.
    pub(crate) fn failing(&self) -> Option<&Failure> {
        self.failing.as_ref()
    }

    /// Whether all items have ended of themselves.
    pub(crate) fn is_complete(&self) -> bool {
        self.done + self.failed == self.total
    }

    /// The next item to go on with, or to end.
    pub(crate) fn ready(&self) -> Option<usize> {
        self.ready.first().copied()
    }

    /// The next item to start, where one may.
    pub(crate) fn to_open(&self) -> Option<usize> {
        let may = !self.stopped && self.next < self.total && self.underway.len() < self.concurrency;
        may.then_some(self.next)
    }

    /// Whether there is something to do for the step, whatever happens outside.
    pub(super) fn can_go_on(&self) -> bool {
        self.to_open().is_some() || !self.ready.is_empty() || self.is_over()
    }

    /// Whether nothing is left to do but to end the step.
    fn is_over(&self) -> bool {
        self.underway.is_empty() && (self.stopped || self.next == self.total)
    }

    /// Whether all that is underway waits for its time.
    pub(super) fn is_resting(&self) -> bool {
        self.resting == self.underway.len() && !self.can_go_on()
    }

    /// Whether an item is being reversed.
    pub(super) fn is_undoing(&self) -> bool {
        self.undoing.is_some()
    }

    /// Whether no item is being reversed, or the one that is waits for its next attempt.
    pub(super) fn undo_rests(&self) -> bool {
        self.undoing.is_none_or(|index| {
            let item = self.kept.get(&index);
            item.is_some_and(|item| item.is_resting())
        })
    }

    /// The items in which something may be underway: those that have started, and the one that is being reversed.
    pub(crate) fn busy(&self) -> impl Iterator<Item = (usize, &Run)> {
        let undoing = self
            .undoing
            .and_then(|index| Some((index, &**self.kept.get(&index)?)));
        let underway = self.underway.iter().map(|(index, item)| (*index, item));
        underway.chain(undoing)
    }

    /// When the next of the attempts is due that wait for their time.
    pub(super) fn next_attempt(&self) -> Option<i64> {
        self.busy()
            .filter_map(|(_, item)| item.next_attempt())
            .min()
    }

    /// An item that is underway, or ended and can be reversed.
    pub(super) fn at(&self, index: usize) -> Option<&Run> {
        let kept = || self.kept.get(&index).map(|item| &**item);
        self.underway.get(&index).or_else(kept)
    }

    /// Starts the next item.
    pub(super) fn open(&mut self, each: &PlanEach, index: usize, start: impl FnOnce(Item) -> Run) {
        let value = self.list.get(index).filter(|_| index == self.next);
        let Some(value) = value.cloned() else { return };
        self.next += 1;
        let value = Arc::new(value);
        self.underway.insert(index, start(Item { value, index }));
        self.moved(each, index, false);
    }

    /// Takes over what was decided within an item.
    pub(super) fn take(&mut self, each: &PlanEach, index: usize, record: &Record) {
        if let Some(item) = self.underway.get_mut(&index) {
            let rested = item.is_resting();
            item.take(&each.body, record);
            self.moved(each, index, rested);
        } else if let Some(item) = self.kept.get_mut(&index) {
            let item = Arc::make_mut(item);
            item.take(&each.body, record);
            self.undoing = (item.active > 0).then_some(index);
            let reversed = matches!(record.innermost(), Record::Undone { failure: None, .. });
            self.reversed |= reversed;
        }
    }

    /// Nothing new starts, in no item.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.resting = 0;
        for (index, item) in &mut self.underway {
            item.stop();
            self.resting += usize::from(item.is_resting());
            if item.needs_care() {
                self.ready.insert(*index);
            } else {
                self.ready.remove(index);
            }
        }
    }

    /// Gives up what is needed only while the step is underway, and gives the list of results.
    pub(super) fn finish(&mut self) -> Arc<Value> {
        self.list = Arc::default();
        let results = std::mem::take(&mut self.results).into_iter();
        let results = results.map(|result| result.map_or(Value::Null, Arc::unwrap_or_clone));
        Arc::new(Value::Array(results.collect()))
    }

    /// An item has moved.
    fn moved(&mut self, each: &PlanEach, index: usize, rested: bool) {
        let Some(item) = self.underway.get(&index) else {
            return;
        };
        self.resting = self.resting + usize::from(item.is_resting()) - usize::from(rested);
        if !item.status.is_final() {
            if item.needs_care() {
                self.ready.insert(index);
            } else {
                self.ready.remove(&index);
            }
            return;
        }
        self.ready.remove(&index);
        if let Some(item) = self.underway.remove(&index) {
            self.close(each, index, item);
        }
    }

    /// An item has ended: what it gave is kept, its state only where it can be reversed.
    fn close(&mut self, each: &PlanEach, index: usize, mut item: Run) {
        match item.status {
            Status::Succeeded => {
                self.done += 1;
                let output = item.result();
                let result = if each.collect {
                    Arc::new(json!({ "ok": true, "output": *output }))
                } else {
                    output
                };
                self.set(index, result);
            }
            Status::Failed => {
                self.failed += 1;
                if let Some((step, failure)) = why(&each.body, &item) {
                    if each.collect {
                        let error = item.steps[step].error.as_deref().cloned();
                        let id = &each.body.steps[step].id;
                        let error = error.unwrap_or_else(|| error_value(id, failure, 1));
                        self.set(index, Arc::new(json!({ "ok": false, "error": error })));
                    } else if self.failing.is_none() {
                        self.failing = Some(of_item(&each.body.steps[step], index, failure));
                        self.stop();
                    }
                }
            }
            _ => {}
        }
        if each.undoable && item.slim(&each.body) {
            self.kept.insert(index, Arc::new(item));
        }
    }

    fn set(&mut self, index: usize, result: Arc<Value>) {
        if let Some(slot) = self.results.get_mut(index) {
            *slot = Some(result);
        }
    }
}

/// The step that made an item fail, and why.
fn why<'a>(body: &Plan, item: &'a Run) -> Option<(usize, &'a Failure)> {
    let failure = item.failure.as_ref()?;
    Some((body.position(failure.step.as_ref()?)?, &failure.failure))
}

/// Why an `each` step fails because of an item.
fn of_item(step: &PlanStep, index: usize, failure: &Failure) -> Failure {
    Failure {
        message: format!("item {index}, step `{}`: {}", step.id, failure.message),
        ..failure.clone()
    }
}

impl Run {
    /// Of an item: whether it can go on or end.
    fn needs_care(&self) -> bool {
        !self.ready.is_empty() || self.active == 0
    }

    /// Of an item that has ended: gives up what is not needed to reverse it. False where nothing is left to reverse.
    fn slim(&mut self, body: &Plan) -> bool {
        let mut any = false;
        for (state, step) in self.steps.iter_mut().zip(&body.steps) {
            state.calls = super::Calls::default();
            let kept = state
                .items
                .as_ref()
                .is_some_and(|items| !items.kept.is_empty());
            any |= kept || step.undo.is_some() && state.status == StepStatus::Succeeded;
        }
        any
    }
}

/// A step of the run, or of the body of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The items around it from the outermost inwards: the position of the `each` step, and the index.
    pub path: Vec<(usize, usize)>,
    /// The position of the step in its flow or body.
    pub step: usize,
}

impl Place {
    /// The step that a record is about; `None` where it is about none.
    pub(super) fn of<'a>(plan: &'a Plan, record: &Record) -> Option<(Place, &'a PlanStep)> {
        let (mut plan, mut record, mut path) = (plan, record, Vec::new());
        loop {
            let step = plan.position(record.step()?)?;
            let Record::Item { index, of, .. } = record else {
                return Some((Place { path, step }, &plan.steps[step]));
            };
            path.push((step, *index));
            plan = &plan.each(step)?.body;
            record = of;
        }
    }
}
