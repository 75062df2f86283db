//! What a process that stopped has left underway in a run: calls go on, attempts are lost, and what waited for its turn asks again.

use std::sync::Arc;

use super::{Ask, Command, Event, Path, body, idempotency_key};
use crate::{
    builtin::CALL,
    failure::{Class, Failure},
    plan::{Plan, PlanAction},
    run::{Calls, Run, StepStatus},
};

/// The calls of other flows that were underway when the process of a run stopped. What was called has a run of its own, so nothing
/// is lost: these attempts are to be made on, and not again.
pub fn calls(plan: &Plan, run: &Run, now_ms: i64) -> Vec<Command> {
    underway(run)
        .into_iter()
        .filter_map(|attempt| attempt.call(plan, run, now_ms))
        .collect()
}

/// The attempts of a run that were underway when its process stopped, but for [`calls`]: each is to be answered with a `lost` failure.
pub fn lost(plan: &Plan, run: &Run) -> Vec<Event> {
    let message = "the server stopped during this attempt, so nobody knows whether it happened; \
                   look at the other side before you run it again";
    let event = |attempt: Found| Event::Attempted {
        step: attempt.id(plan).to_owned(),
        items: attempt.items(),
        number: attempt.number,
        undo: attempt.undo,
        result: Err(Failure::new(Class::Lost, message)),
        exchange: None,
    };
    underway(run)
        .into_iter()
        .filter(|attempt| !attempt.is_call(plan))
        .map(event)
        .collect()
}

/// The attempts of a run that wait for their turn, in no order: each is to be asked for again.
pub fn asks(plan: &Plan, run: &Run) -> Vec<Ask> {
    let mut all = Vec::new();
    let queued = |calls: &Calls| calls.queued().map(|queued| queued.number);
    find(run, &queued, &mut Vec::new(), &mut all);
    all.into_iter()
        .filter_map(|attempt| attempt.ask(plan, run))
        .collect()
}

/// An attempt that is underway or waits for its turn.
pub(super) struct Found {
    pub(super) path: Path,
    pub(super) step: usize,
    pub(super) number: u32,
    pub(super) undo: bool,
}

impl Found {
    fn action<'a>(&self, plan: &'a Plan) -> Option<&'a PlanAction> {
        body(plan, &self.path)?.action(self.step, self.undo)
    }

    fn is_call(&self, plan: &Plan) -> bool {
        self.action(plan).is_some_and(|action| action.kind == CALL)
    }

    /// The command that it was made by, with what is left of its time.
    fn call(&self, plan: &Plan, run: &Run, now_ms: i64) -> Option<Command> {
        let action = self.action(plan).filter(|action| action.kind == CALL)?;
        let calls = self.calls(run)?;
        let since = now_ms.saturating_sub(calls.attempts.last()?.started_at);
        let spent = u64::try_from(since).unwrap_or(0);
        let items = self.items();
        let id = self.id(plan);
        Some(Command {
            step: id.to_owned(),
            number: self.number,
            undo: self.undo,
            kind: action.kind.clone(),
            connection: None,
            config: calls.config.clone()?,
            script: None,
            timeout_ms: action.timeout_ms.saturating_sub(spent).max(1),
            idempotency_key: idempotency_key(&run.id, id, &items, self.undo),
            items,
        })
    }

    /// What it was asked for by.
    fn ask(&self, plan: &Plan, run: &Run) -> Option<Ask> {
        let calls = self.calls(run)?;
        Some(Ask {
            step: self.id(plan).to_owned(),
            items: self.items(),
            number: self.number,
            undo: self.undo,
            config: calls.config.clone()?,
            keys: Arc::clone(&calls.limited.as_ref()?.keys),
        })
    }

    fn calls<'a>(&self, run: &'a Run) -> Option<&'a Calls> {
        let state = &run.frame(&self.path)?.steps[self.step];
        match (self.undo, &state.undo) {
            (true, undo) => undo.as_ref().map(|undo| &undo.calls),
            (false, _) => Some(&state.calls),
        }
    }

    fn items(&self) -> Vec<usize> {
        self.path.iter().map(|(_, index)| *index).collect()
    }

    /// The id of its step.
    fn id<'a>(&self, plan: &'a Plan) -> &'a str {
        body(plan, &self.path).map_or("", |plan| &plan.steps[self.step].id)
    }
}

/// The attempts that are underway.
pub(super) fn underway(run: &Run) -> Vec<Found> {
    let mut all = Vec::new();
    find(run, &Calls::underway, &mut Vec::new(), &mut all);
    all
}

/// Gathers the attempts that something holds for, by their numbers.
fn find(run: &Run, holds: &impl Fn(&Calls) -> Option<u32>, path: &mut Path, all: &mut Vec<Found>) {
    for (step, state) in run.steps.iter().enumerate() {
        let open = matches!(state.status, StepStatus::Running | StepStatus::Waiting);
        let forward = holds(&state.calls).filter(|_| open);
        let undo = state
            .undo
            .as_ref()
            .filter(|undo| !undo.ended)
            .and_then(|undo| holds(&undo.calls));
        for (number, undo) in [(forward, false), (undo, true)] {
            all.extend(number.map(|number| Found {
                path: path.clone(),
                step,
                number,
                undo,
            }));
        }
        for (index, item) in state.items.iter().flat_map(|items| items.busy()) {
            path.push((step, index));
            find(item, holds, path, all);
            path.pop();
        }
    }
}
