//! Takes the records of a journal over into the state of a run.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Attempt, Calls, Cancellation, Items, Limited, LinkStatus, Place, Queued, Run, RunFailure,
    Status, StepState, StepStatus, error_value,
};
use crate::{
    document::Join,
    plan::{Origin, Plan},
    record::Record,
};

impl Run {
    /// The state after a journal: what it was before the process stopped.
    pub fn restore(mut self, plan: &Plan, records: &[Record]) -> Run {
        for record in records {
            self.apply(plan, record);
        }
        self
    }

    /// Takes one decision over into the state. A record that names an unknown step changes nothing.
    pub fn apply(&mut self, plan: &Plan, record: &Record) {
        self.take(plan, record);
        self.note(plan, record);
    }

    /// The same, for the run itself or for the body of an item.
    pub(super) fn take(&mut self, plan: &Plan, record: &Record) {
        match record.step().map(|id| plan.position(id)) {
            Some(Some(step)) => self.touch(step, |run| run.step_record(plan, step, record)),
            Some(None) => {}
            None => self.run_record(plan, record),
        }
        if !self.status.is_final() {
            self.status = if self.is_resting() {
                Status::Waiting
            } else {
                Status::Running
            };
        }
    }

    /// Changes a step, and keeps the counts of what is underway.
    fn touch(&mut self, step: usize, change: impl FnOnce(&mut Self)) {
        let counts = |state: &StepState| {
            (
                usize::from(state.is_active()),
                usize::from(state.is_resting()),
            )
        };
        let (active, resting) = counts(&self.steps[step]);
        change(self);
        let state = &self.steps[step];
        let (active_now, resting_now) = counts(state);
        self.active = self.active + active_now - active;
        self.resting = self.resting + resting_now - resting;
        if let (StepStatus::Running, Some(items)) = (state.status, &state.items) {
            if items.can_go_on() {
                self.ready.insert(step);
            } else {
                self.ready.remove(&step);
            }
        }
    }

    /// What can be reversed is noted when it has succeeded, and struck out when its reversal begins.
    fn note(&mut self, plan: &Plan, record: &Record) {
        let Some((place, step)) = Place::of(plan, record) else {
            return;
        };
        match record.innermost() {
            // What was done for another run is not this one's to reverse.
            Record::Succeeded { cached: false, .. } if step.undo.is_some() => {
                let frame = self.frame(&place.path);
                let state = frame.map(|frame| frame.steps[place.step].status);
                if state == Some(StepStatus::Succeeded) {
                    self.undoable.push(place);
                }
            }
            Record::Queued { undo: true, .. }
            | Record::Attempt { undo: true, .. }
            | Record::Undone { .. } => {
                self.undoable.pop_if(|last| *last == place);
            }
            _ => {}
        }
    }

    /// What concerns the run as a whole.
    fn run_record(&mut self, plan: &Plan, record: &Record) {
        match record {
            Record::Replay { origin, taken, .. } => {
                self.origin = Some(origin.clone());
                self.taken.clone_from(taken);
            }
            Record::Started { .. } => self.start(plan),
            Record::Replied { reply, .. } => self.reply = Some(reply.clone()),
            Record::Failing { step, failure, .. } => {
                self.failure = Some(RunFailure {
                    step: step.clone(),
                    failure: Arc::clone(failure),
                });
                self.halt();
            }
            Record::Cancelling { at, undo, by, note } => {
                self.cancelled = Some(Cancellation {
                    at: *at,
                    undo: *undo,
                    by: by.clone(),
                    note: note.clone(),
                });
                self.halt();
            }
            Record::Ended { at, status } => {
                self.status = *status;
                self.ended_at = Some(*at);
                self.ready.clear();
                for step in self
                    .steps
                    .iter_mut()
                    .filter(|step| step.status == StepStatus::Pending)
                {
                    step.status = StepStatus::Skipped;
                }
                for link in self
                    .links
                    .iter_mut()
                    .filter(|link| **link == LinkStatus::Pending)
                {
                    *link = LinkStatus::Dead;
                }
            }
            _ => {}
        }
    }

    /// Nothing new starts from here on, in no item either.
    fn halt(&mut self) {
        self.ready.clear();
        for step in 0..self.steps.len() {
            if self.steps[step].items.is_some() {
                self.touch(step, |run| {
                    if let Some(items) = &mut run.steps[step].items {
                        items.stop();
                    }
                });
            }
        }
    }

    /// Of an item: nothing new starts in it from here on.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.halt();
    }

    /// What concerns one step.
    fn step_record(&mut self, plan: &Plan, step: usize, record: &Record) {
        match record {
            Record::Queued {
                number,
                at,
                config,
                keys,
                until,
                undo,
                ..
            } => {
                let calls = self.begin(step, *at, *undo, StepStatus::Waiting);
                if let Some(config) = config {
                    calls.config = Some(Arc::clone(config));
                }
                let limited = calls.limited.get_or_insert_with(|| {
                    Box::new(Limited {
                        keys: keys.clone().unwrap_or_default(),
                        wanted_at: *at,
                        queued: None,
                    })
                });
                limited.queued = Some(Queued {
                    number: *number,
                    since: *at,
                    until: *until,
                });
            }
            Record::Attempt {
                number,
                at,
                config,
                undo,
                ..
            } => {
                let calls = self.begin(step, *at, *undo, StepStatus::Running);
                calls.leave_queue();
                if let Some(config) = config {
                    calls.config = Some(Arc::clone(config));
                }
                calls.attempts.push(Attempt {
                    number: *number,
                    started_at: *at,
                    ended_at: None,
                    failure: None,
                    exchange: None,
                    retry_at: None,
                });
            }
            Record::Attempted {
                number,
                at,
                failure,
                exchange,
                retry_at,
                undo,
                ..
            } => {
                let state = &mut self.steps[step];
                let calls = if *undo {
                    let undo = state.undo.get_or_insert_default();
                    undo.retry_at = *retry_at;
                    &mut undo.calls
                } else {
                    state.retry_at = *retry_at;
                    state.status = if retry_at.is_some() {
                        StepStatus::Waiting
                    } else {
                        StepStatus::Running
                    };
                    &mut state.calls
                };
                if let Some(attempt) = calls
                    .attempts
                    .iter_mut()
                    .rfind(|attempt| attempt.number == *number)
                {
                    attempt.ended_at = Some(*at);
                    attempt.failure = failure.clone();
                    attempt.exchange = exchange.clone();
                    attempt.retry_at = *retry_at;
                }
            }
            Record::Waiting {
                at, until, awaits, ..
            } => {
                self.ready.remove(&step);
                let state = &mut self.steps[step];
                state.status = StepStatus::Waiting;
                state.started_at.get_or_insert(*at);
                state.retry_at = Some(*until);
                state.awaits = awaits.clone();
            }
            Record::Answered { answer, .. } => {
                self.steps[step].answer = Some(Arc::clone(answer));
            }
            Record::Succeeded {
                at,
                output,
                ports,
                cached,
                ..
            } => {
                self.steps[step].cached = *cached;
                let items = self.steps[step].items.as_mut();
                let results = items.map(|items| items.finish());
                let answer = self.steps[step].answer.clone();
                let output = output
                    .clone()
                    .or(results)
                    .or(answer)
                    .unwrap_or_else(|| self.input_of(plan, step));
                Arc::make_mut(&mut self.outputs).set(step, Some(output));
                self.completed.push(step);
                let inherited = self.inherited_error(plan, step);
                self.end(
                    plan,
                    step,
                    *at,
                    StepStatus::Succeeded,
                    ports.clone().unwrap_or_else(|| vec!["ok".to_owned()]),
                    inherited,
                );
            }
            Record::Failed {
                at, failure, port, ..
            } => {
                let error = error_value(
                    &plan.steps[step].id,
                    failure,
                    self.steps[step].calls.attempts.len(),
                );
                self.steps[step].failure = Some(Arc::clone(failure));
                if let Some(items) = &mut self.steps[step].items {
                    items.finish();
                }
                self.end(
                    plan,
                    step,
                    *at,
                    StepStatus::Failed,
                    port.iter().cloned().collect(),
                    Some(Arc::new(error)),
                );
            }
            Record::Undone { failure, .. } => {
                let undo = self.steps[step].undo.get_or_insert_default();
                undo.ended = true;
                undo.retry_at = None;
                undo.calls.leave_queue();
                undo.failure = failure.clone();
            }
            Record::Items { at, items, .. } => {
                let Some(each) = plan.each(step) else { return };
                self.ready.remove(&step);
                let state = &mut self.steps[step];
                state.status = StepStatus::Running;
                state.started_at.get_or_insert(*at);
                state.items = Some(Box::new(Items::new(Arc::clone(items), each)));
            }
            Record::Item { index, of, .. } => self.item_record(plan, step, *index, of),
            _ => {}
        }
    }

    /// An attempt is made, or wanted.
    fn begin(&mut self, step: usize, at: i64, undo: bool, status: StepStatus) -> &mut Calls {
        self.ready.remove(&step);
        let state = &mut self.steps[step];
        if undo {
            let undo = state.undo.get_or_insert_default();
            undo.retry_at = None;
            &mut undo.calls
        } else {
            state.status = status;
            state.started_at.get_or_insert(at);
            state.retry_at = None;
            &mut state.calls
        }
    }

    /// What was decided within an item.
    fn item_record(&mut self, plan: &Plan, step: usize, index: usize, record: &Record) {
        let Some(each) = plan.each(step) else { return };
        let Some(mut items) = self.steps[step].items.take() else {
            return;
        };
        match record {
            Record::Started { at } => items.open(each, index, |item| {
                let mut run = self.of_item(&each.body, item, *at);
                run.take(&each.body, record);
                run
            }),
            other => items.take(each, index, other),
        }
        self.steps[step].items = Some(items);
    }

    /// Whether nothing can be done until a time has come.
    pub(super) fn is_resting(&self) -> bool {
        self.active > 0 && self.resting == self.active && self.ready.is_empty()
    }

    fn start(&mut self, plan: &Plan) {
        for (i, link) in plan.links.iter().enumerate() {
            if let Origin::Trigger(id) = &link.from {
                self.links[i] = if *id == self.trigger {
                    LinkStatus::Taken
                } else {
                    LinkStatus::Dead
                };
            }
        }
        for step in 0..plan.steps.len() {
            self.decide(plan, step);
        }
        for record in std::mem::take(&mut self.taken) {
            if let Record::Succeeded { step, .. } | Record::Failed { step, .. } = &record
                && let Some(step) = plan.position(step)
            {
                self.steps[step].taken_over = true;
            }
            self.apply(plan, &record);
        }
    }

    /// Ends a step and lets its links live or die.
    fn end(
        &mut self,
        plan: &Plan,
        step: usize,
        at: i64,
        status: StepStatus,
        ports: Vec<String>,
        error: Option<Arc<Value>>,
    ) {
        self.ready.remove(&step);
        let state = &mut self.steps[step];
        state.status = status;
        state.started_at.get_or_insert(at);
        state.ended_at = Some(at);
        state.retry_at = None;
        state.calls.leave_queue();
        state.error = error;
        state.ports = ports;
        for &link in &plan.steps[step].outgoing {
            let taken = self.steps[step].ports.contains(&plan.links[link].port);
            self.links[link] = if taken {
                LinkStatus::Taken
            } else {
                LinkStatus::Dead
            };
        }
        for &link in &plan.steps[step].outgoing {
            self.decide(plan, plan.links[link].to);
        }
    }

    /// The one rule: a step moves when all its links are decided; it runs if one was taken, else it is
    /// skipped and its own links die. With `join: any` it runs on the first taken link.
    fn decide(&mut self, plan: &Plan, step: usize) {
        if self.steps[step].status != StepStatus::Pending || self.ready.contains(&step) {
            return;
        }
        let incoming = &plan.steps[step].incoming;
        let any = |status: LinkStatus| incoming.iter().any(|link| self.links[*link] == status);
        if any(LinkStatus::Pending)
            && !(plan.steps[step].join == Join::Any && any(LinkStatus::Taken))
        {
            return;
        }
        // No link enters the first steps of a body.
        let is_first = self.item.is_some() && incoming.is_empty();
        if is_first || any(LinkStatus::Taken) {
            if !self.is_stopping() {
                self.ready.insert(step);
            }
            return;
        }
        self.steps[step].status = StepStatus::Skipped;
        for &link in &plan.steps[step].outgoing {
            self.links[link] = LinkStatus::Dead;
        }
        for &link in &plan.steps[step].outgoing {
            self.decide(plan, plan.links[link].to);
        }
    }
}
