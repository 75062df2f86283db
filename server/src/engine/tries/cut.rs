//! Ends a try where it stands: what is underway is lost, what waits is given up.

use std::sync::Arc;

use weir_flows::{
    advance::{Event, lost},
    failure::{Class, Failure},
    plan::Plan,
    record::Record,
    run::{Calls, Run, Status},
};

use crate::engine::TryLimits;

/// Why a try ends before its run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A person wants it, or the process stops.
    Stopped,
    /// It takes longer than a try may.
    TooLong,
    /// It holds more than there is room for.
    TooLarge,
    /// Nothing is left to do, yet the run has not ended.
    Stuck,
}

impl Cut {
    /// Why the run fails; nothing where it is only stopped.
    fn failure(self, limits: &TryLimits) -> Option<Failure> {
        match self {
            Cut::Stopped => None,
            Cut::TooLong => Some(Failure::new(
                Class::TimedOut,
                format!(
                    "a try may take {} s; shorten what it waits for, or let the administrator allow more",
                    limits.time.as_secs()
                ),
            )),
            Cut::TooLarge => Some(Failure::broken(format!(
                "all tries together may hold {} bytes; try it with a smaller message, or let the administrator allow more",
                limits.memory
            ))),
            Cut::Stuck => Some(Failure::broken(
                "nothing is left to do, yet the run has not ended; please report this",
            )),
        }
    }
}

/// Ends a run that has not ended.
pub(super) fn cut_off(plan: &Plan, run: &mut Run, cut: Cut, at: i64, limits: &TryLimits) {
    let failure = cut.failure(limits).map(Arc::new);
    for record in records(plan, run, at) {
        run.apply(plan, &record);
    }
    let status = match failure {
        None => Status::Cancelled,
        Some(_) => Status::Failed,
    };
    // One that is failing already keeps its reason.
    if let Some(failure) = failure.filter(|_| run.failure.is_none()) {
        let step = None;
        run.apply(plan, &Record::Failing { at, step, failure });
    }
    run.apply(plan, &Record::Ended { at, status });
}

/// How the steps end that are underway or wait for another attempt.
fn records(plan: &Plan, run: &Run, at: i64) -> Vec<Record> {
    let mut records = Vec::new();
    for event in lost(plan, run) {
        let Event::Attempted {
            step, number, undo, ..
        } = event
        else {
            continue;
        };
        let message = "the try ended during this attempt, so nobody knows whether it happened; look at the other side";
        let failure = Arc::new(Failure::new(Class::Lost, message));
        records.push(Record::Attempted {
            step: step.clone(),
            number,
            at,
            failure: Some(Arc::clone(&failure)),
            exchange: None,
            retry_at: None,
            undo,
        });
        records.push(over(step, undo, at, failure));
    }
    for (i, state) in run.steps.iter().enumerate() {
        let step = &plan.steps[i].id;
        let given_up = |calls: &Calls| {
            let last = calls.attempts.last();
            let failure = last.and_then(|attempt| attempt.failure.clone());
            failure.unwrap_or_else(|| Arc::new(Failure::broken("the try ended before it")))
        };
        if state.retry_at.is_some() {
            records.push(over(step.clone(), false, at, given_up(&state.calls)));
        }
        if let Some(undo) = &state.undo
            && undo.retry_at.is_some()
        {
            records.push(over(step.clone(), true, at, given_up(&undo.calls)));
        }
    }
    records
}

fn over(step: String, undo: bool, at: i64, failure: Arc<Failure>) -> Record {
    if undo {
        Record::Undone {
            step,
            at,
            failure: Some(failure),
        }
    } else {
        Record::Failed {
            step,
            at,
            failure,
            port: None,
        }
    }
}
