//! Ends a try where it stands: what is underway is lost, what waits is given up.

use std::sync::Arc;

use weir_flows::{
    advance::{Event, Stamp, advance},
    failure::{Class, Failure},
    plan::Plan,
    record::Record,
    run::{Run, Status},
    script::Bounds,
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
    let failed = failure.is_some();
    // One that is failing already keeps its reason.
    if let Some(failure) = failure.filter(|_| run.failure.is_none()) {
        let step = None;
        run.apply(plan, &Record::Failing { at, step, failure });
    }
    // Nothing that is asked of the machine here evaluates a script or throws dice.
    let stamp = Stamp {
        now_ms: at,
        dice: 0,
    };
    let bounds = Bounds::default();
    let mut event = Event::Cancel {
        undo: false,
        by: None,
        note: None,
    };
    while !run.status.is_final() {
        let turn = advance(plan, run, stamp, &bounds, event);
        if turn.records.is_empty() {
            break;
        }
        event = Event::Woke;
    }
    // No person has ended it, but the try around it.
    run.cancelled = None;
    if failed {
        run.status = Status::Failed;
    }
}
