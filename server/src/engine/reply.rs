//! What the caller of an http trigger is answered, now or once it is known.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use weir_flows::{
    plan::{Body, Plan},
    record::Reply,
    run::{Run, RunFailure, Status},
};

/// What to answer the caller of an http trigger.
#[derive(Clone, Debug)]
pub enum Answer {
    /// What a `respond` step says.
    Reply(Reply),
    /// The run ended without a `respond` step.
    Ended {
        /// How.
        status: Status,
        /// Why it failed.
        failure: Option<RunFailure>,
        /// Whether an action may have made it fail: then the message tells of inner systems and is not for the caller.
        outside: bool,
        /// The output of its last step.
        result: Arc<Value>,
    },
    /// Not known within the time.
    Pending,
    /// Its run has not begun: it waits on disk, since its flow is paused or has much underway.
    Waits,
}

impl Answer {
    /// What to answer for a run as it stands; `None` while that is not known.
    pub fn of(plan: &Plan, run: &Run) -> Option<Answer> {
        if let Some(reply) = &run.reply {
            return Some(Answer::Reply(reply.clone()));
        }
        let failed = run
            .failure
            .as_ref()
            .and_then(|failure| plan.position(failure.step.as_ref()?));
        run.status.is_final().then(|| Answer::Ended {
            status: run.status,
            failure: run.failure.clone(),
            outside: failed.is_some_and(|step| {
                matches!(plan.steps[step].body, Body::Action(_) | Body::Each(_))
            }),
            result: run.result(),
        })
    }
}

/// Waits for the answer of a run.
pub struct ReplyWaiter(pub(super) Waiting);

pub(super) enum Waiting {
    Known(Answer),
    Later(tokio::sync::oneshot::Receiver<Answer>),
}

impl ReplyWaiter {
    /// Whether it is known already that the run waits on disk.
    pub fn waits(&self) -> bool {
        matches!(self.0, Waiting::Known(Answer::Waits))
    }

    /// The answer, or `Pending` when the time is over first.
    pub async fn wait(self, limit: Duration) -> Answer {
        match self.0 {
            Waiting::Known(answer) => answer,
            Waiting::Later(receiver) => match tokio::time::timeout(limit, receiver).await {
                Ok(Ok(answer)) => answer,
                _ => Answer::Pending,
            },
        }
    }
}
