//! Answers to steps that wait for one: they may come early, on time, twice, or too late.

use std::sync::Arc;

use serde_json::Value;

use super::Fold;
use crate::{
    callback::{REJECTED, approves},
    failure::{Class, Failure},
    plan::Wait,
    record::Record,
    run::{StepStatus, rfc3339},
};

impl Fold<'_> {
    /// Takes the first answer to a step. One that comes before the run reaches the step is kept until then; one that comes when
    /// the step has ended, or never will be reached, changes nothing.
    pub(super) fn answered(&mut self, step: usize, answer: Arc<Value>) {
        let here = self.here();
        let state = &here.steps[step];
        let open = matches!(state.status, StepStatus::Pending | StepStatus::Waiting);
        if !open || state.answer.is_some() || here.is_stopping() {
            return;
        }
        match self.plan.steps[step].awaited() {
            Some(Wait::Approval { .. }) if approves(&answer).is_none() => return,
            Some(_) => {}
            None => return,
        }
        let waits = state.status == StepStatus::Waiting;
        self.record(Record::Answered {
            step: self.plan.steps[step].id.clone(),
            at: self.now(),
            answer,
        });
        if waits {
            self.take_answer(step);
        }
    }

    /// The step gives what it was answered.
    pub(super) fn take_answer(&mut self, step: usize) {
        let answer = self.here().steps[step].answer.as_deref();
        let approval = matches!(self.plan.steps[step].awaited(), Some(Wait::Approval { .. }));
        let rejected = approval && answer.and_then(approves) == Some(false);
        let ports = rejected.then(|| vec![REJECTED.to_owned()]);
        self.succeed(step, None, ports);
    }

    /// Nobody has answered in time.
    pub(super) fn give_up_answer(&mut self, step: usize) {
        let until = self.here().steps[step].retry_at.unwrap_or(self.now());
        let what = match self.plan.steps[step].awaited() {
            Some(Wait::Approval { .. }) => "nobody decided",
            _ => "nobody called the callback link",
        };
        let message = format!(
            "{what} until {}; ask the other side, or allow more time under `timeout`",
            rfc3339(until)
        );
        self.fail(step, Arc::new(Failure::new(Class::TimedOut, message)));
    }
}
