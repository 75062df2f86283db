//! Polls: asks by a script what is new since the cursor, and starts a run for each message, with the cursor in one commit.
//!
//! A poll is claimed before it asks, so that one server asks at an instant, and an earlier poll has ended by then. Whatever
//! happens before the commit leaves the cursor where it was: what was found is found again.

#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::Value;
use weir_flows::{
    advance::{Event, Turn},
    document::Message,
    failure::{Class, Failure},
    intake::{Admission, admit},
    plan::Source,
    poll::{Found, Most, Poll, next_after_failure},
    problem::Problem,
    run::Run,
    script::{Evaluation, Moment, Name, Scope},
};

use super::{
    Engine, Error, Version, attempt,
    crowd::Entrance,
    drive::{self, Todo},
    launch::Entered,
    tenure::Tenure,
    text, turn_row,
};
use crate::{connectors::Outcome, store, world::Point};

/// How much longer than its time limit others leave a poll to its server. One that is gone is noticed by its lease long before.
const MARGIN: Duration = Duration::from_secs(60);

/// By how much a poll is put off where too many are underway, in milliseconds.
const PUT_OFF: i64 = 1_000;

/// One poll that this server makes.
struct Errand {
    engine: Engine,
    tenure: Arc<Tenure>,
    version: Arc<Version>,
    claim: store::Claim,
    /// Where it stood when it was claimed.
    stood: store::Poll,
}

/// Where the next poll goes on, and when.
pub(super) struct Onwards {
    pub cursor: Option<String>,
    pub at: Option<i64>,
}

impl Onwards {
    /// After a poll that gave a cursor, or none, and said whether there is more to find at once.
    pub(super) fn after(
        poll: &Poll,
        stood: &store::Poll,
        given: Option<&Value>,
        more: bool,
        now: i64,
    ) -> Onwards {
        let given = given.map(ToString::to_string);
        let moves = given.is_some() && given != stood.cursor;
        Onwards {
            cursor: given.or_else(|| stood.cursor.clone()),
            // It asks again at once, behind all others that are due. Without a new cursor it would find the same for ever.
            at: match more && moves {
                true => Some(now),
                false => poll.schedule.next_after(now),
            },
        }
    }
}

/// Begins a poll that is due, in a task of its own, unless another server does.
pub(super) async fn begin(
    engine: &Engine,
    version: &Arc<Version>,
    schedule: &store::Schedule,
    due_at: i64,
) -> Result<(), Error> {
    let now = engine.world().now_ms();
    let Ok(place) = Arc::clone(&engine.0.polls).try_acquire_owned() else {
        let later = now.saturating_add(PUT_OFF);
        return Ok(engine.store().put_off(schedule.clone(), later).await?);
    };
    let tenure = engine.tenure()?;
    let Some(poll) = poll_of(version, &schedule.trigger) else {
        return Ok(());
    };
    let longest = Duration::from_millis(poll.timeout_ms) + MARGIN;
    let claim = store::Claim {
        workspace: schedule.workspace.clone(),
        flow: schedule.flow.clone(),
        trigger: schedule.trigger.clone(),
        version: version.number,
        due_at,
        until: now.saturating_add_unsigned(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)),
        server: tenure.server,
    };
    let Some(stood) = engine.store().claim_poll(claim.clone(), now).await? else {
        return Ok(());
    };
    let errand = Errand {
        engine: engine.clone(),
        tenure: Arc::clone(&tenure),
        version: Arc::clone(version),
        claim,
        stood,
    };
    tenure.runs.spawn(async move {
        errand.make().await;
        drop(place);
        errand.engine.0.schedule_changed.notify_one();
    });
    Ok(())
}

fn poll_of<'a>(version: &'a Version, trigger: &str) -> Option<&'a Poll> {
    match &version.plan.triggers.get(trigger)?.source {
        Source::Poll(poll) => Some(poll),
        _ => None,
    }
}

impl Errand {
    async fn make(&self) {
        let Some(poll) = poll_of(&self.version, &self.claim.trigger) else {
            return;
        };
        let outcome = tokio::select! {
            biased;
            // Others have it by now, or will have.
            () = self.tenure.over.cancelled() => return,
            () = self.engine.stopping() => None,
            outcome = self.ask(poll) => Some(outcome),
        };
        let ended = match outcome {
            None => self.end(None, Some(self.claim.due_at)).await,
            Some(Outcome { result, .. }) => match self.take(poll, result).await {
                Ok(came) => return self.count(came),
                Err(failure) => self.fail(poll, &failure).await,
            },
        };
        if let Err(error) = ended {
            tracing::warn!(flow = self.claim.flow, trigger = self.claim.trigger, %error,
                "the end of a poll could not be written; it is due again when its claim ends");
        }
    }

    fn count(&self, outcome: &'static str) {
        let labels = [
            ("flow", self.claim.flow.clone()),
            ("outcome", outcome.to_owned()),
        ];
        metrics::counter!("weir_polls_total", &labels).increment(1);
    }

    /// Runs the script.
    async fn ask(&self, poll: &Poll) -> Outcome {
        Tenure::sure(&self.engine).await;
        let stored = self.stood.cursor.as_deref().map(serde_json::from_str);
        let cursor: Value = match stored.transpose() {
            Ok(cursor) => cursor.unwrap_or_default(),
            Err(error) => {
                let message = format!("the cursor cannot be read: {error}; set it anew");
                return Outcome {
                    result: Err(Failure::broken(message)),
                    exchange: None,
                };
            }
        };
        let stamp = self.engine.stamp();
        let evaluation = Evaluation {
            script: poll.script.clone(),
            scope: Scope::new().with(Name::Cursor, Arc::new(cursor)),
            moment: Moment {
                now_ms: stamp.now_ms,
                dice: stamp.dice,
            },
        };
        let claim = &self.claim;
        let key = format!(
            "weir-poll-{}-{}-{}",
            claim.flow, claim.trigger, self.stood.revision
        );
        attempt::poll(&self.engine, &claim.workspace, poll, &evaluation, &key).await
    }

    /// Starts the runs of what was found, with the new cursor, and says in a word what came of it.
    async fn take(
        &self,
        poll: &Poll,
        result: Result<Value, Failure>,
    ) -> Result<&'static str, Failure> {
        let limits = self.engine.limits();
        let most = Most {
            // One flow alone has most of the places, and so these have room when little else is underway.
            messages: limits
                .polls
                .most
                .messages
                .min((limits.active_runs / 2).max(1)),
            ..limits.polls.most
        };
        let found = Found::read(result?, most)?;
        let admitted = self.admit(found.messages).await?;
        let entrances = self.entrances(admitted.len()).await?;
        let now = self.engine.world().now_ms();
        let onwards = Onwards::after(poll, &self.stood, found.cursor.as_ref(), found.more, now);
        let mut starts = Vec::with_capacity(admitted.len());
        let mut runs = Vec::with_capacity(admitted.len());
        for ((message, dedupe), entrance) in admitted.into_iter().zip(entrances) {
            let (entered, run) = self.prepare(message, dedupe, entrance).map_err(|error| {
                Failure::broken(format!("a run of the poll could not be made: {error}"))
            })?;
            starts.push(entered);
            runs.push(run);
        }
        let gain = store::Gain {
            cursor: onwards.cursor,
            revision: self.stood.revision,
            at: now,
            next_at: onwards.at,
            runs,
        };
        self.engine.world().pass(Point::PollAnswered);
        let committed = self.engine.store().commit_poll(self.claim.clone(), gain);
        let committed = committed.await.map_err(unwritten)?;
        let Some(accepted) = committed else {
            tracing::info!(
                flow = self.claim.flow,
                trigger = self.claim.trigger,
                "a poll came to nothing, since its cursor was set or its flow changed meanwhile; it is made again"
            );
            return Ok("dropped");
        };
        self.engine.world().pass(Point::PollCommitted);
        for (entered, accepted) in starts.into_iter().zip(accepted) {
            if accepted == store::Accepted::New {
                self.start(entered);
            }
        }
        Ok("succeeded")
    }

    /// The messages as the trigger takes them, with their dedupe keys, each key once.
    async fn admit(
        &self,
        messages: Vec<Value>,
    ) -> Result<Vec<(Arc<Value>, Option<String>)>, Failure> {
        let (engine, id) = (&self.engine, &self.claim.trigger);
        let Some(trigger) = self.version.plan.triggers.get(id) else {
            return Ok(Vec::new());
        };
        let mut keys = HashSet::new();
        let mut admitted = Vec::with_capacity(messages.len());
        for (index, body) in messages.into_iter().enumerate() {
            // Many messages must not keep others from their turn.
            tokio::task::yield_now().await;
            let message = Message {
                body,
                ..Message::default()
            };
            match admit(
                id,
                "poll",
                trigger,
                message,
                engine.stamp(),
                &engine.bounds(),
            ) {
                Admission::Accepted { message, dedupe } => {
                    if dedupe.as_ref().is_none_or(|key| keys.insert(key.clone())) {
                        admitted.push((message, dedupe));
                    }
                }
                Admission::Filtered => {}
                Admission::Refused(problems) => return Err(refused(index, &problems)),
                Admission::Failed(failure) => {
                    let message = format!(
                        "message {index} of the poll (the first is 0): {}; correct that, or the cursor stays before it",
                        failure.message
                    );
                    return Err(Failure { message, ..failure });
                }
            }
        }
        Ok(admitted)
    }

    /// How so many runs come in.
    async fn entrances(&self, count: usize) -> Result<Vec<Entrance>, Failure> {
        let mut entrances = Vec::with_capacity(count);
        for _ in 0..count {
            let entrance = self.engine.entrance(&self.version, &self.claim.trigger);
            entrances.push(entrance.await.map_err(|error| {
                Failure::new(
                    Class::Transient,
                    format!("the runs of this poll could not start, so nothing was taken and it is made again: {error}"),
                )
            })?);
        }
        Ok(entrances)
    }

    fn prepare(
        &self,
        message: Arc<Value>,
        dedupe: Option<String>,
        entrance: Entrance,
    ) -> Result<(Entered, store::NewRun), Error> {
        let (engine, version, trigger) = (&self.engine, &self.version, &self.claim.trigger);
        let now = engine.world().now_ms();
        let id = engine.world().id();
        let identity = engine.identity(version, id);
        let run = Run::new(&version.plan, &identity, trigger, message, now);
        let entered = engine.enter(version, id, run, entrance, (true, false))?;
        let run = &entered.run;
        // Its first turn comes after the commit: a poll may find many.
        let mut turn = turn_row(
            &version.plan,
            run,
            &Turn::default(),
            0,
            now,
            self.tenure.server,
        )?;
        turn.parked_until = entered.waits.map(|_| store::HELD);
        let new = store::NewRun {
            workspace: version.workspace.clone(),
            id,
            flow: version.flow.clone(),
            version: version.number,
            trigger: trigger.clone(),
            started_at: run.started_at,
            message: text(&*run.message)?,
            dedupe,
            fire: None,
            origin: None,
            parent: None,
            turn,
        };
        Ok((entered, new))
    }

    /// Drives a run that is on disk.
    fn start(&self, entered: Entered) {
        let now = entered.run.started_at;
        let arrived = self
            .engine
            .arrived(&self.tenure, &self.version, entered, None, now);
        let Some((active, line)) = arrived else {
            return;
        };
        // One that stands in line starts when it is its turn.
        let events = match line {
            Some(_) => Vec::new(),
            None => vec![Event::Start],
        };
        let driven = drive::drive(self.engine.clone(), active, line, Todo::default(), events);
        self.tenure.runs.spawn(driven);
    }

    /// Keeps a failure; the cursor stays where it was.
    async fn fail(&self, poll: &Poll, failure: &Failure) -> Result<(), store::Error> {
        self.count(failure.class.word());
        let failures = self.stood.failures.saturating_add(1);
        tracing::warn!(flow = self.claim.flow, trigger = self.claim.trigger, failures, %failure, "a poll failed; its cursor stays");
        let now = self.engine.world().now_ms();
        let next_at = next_after_failure(&poll.schedule, failure, failures, now);
        self.end(Some(failure), next_at).await
    }

    async fn end(
        &self,
        failure: Option<&Failure>,
        next_at: Option<i64>,
    ) -> Result<(), store::Error> {
        let kept = failure.map(|failure| {
            serde_json::json!({ "class": failure.class, "message": failure.message }).to_string()
        });
        let now = self.engine.world().now_ms();
        let store = self.engine.store();
        store.end_poll(self.claim.clone(), kept, now, next_at).await
    }
}

fn refused(index: usize, problems: &[Problem]) -> Failure {
    let first = problems.first().map_or_else(String::new, |problem| {
        format!(": {} {}", problem.at, problem.message)
    });
    Failure::new(
        Class::Rejected,
        format!(
            "message {index} of the poll (the first is 0) does not satisfy the trigger's schema{first}; let the script leave it \
             out, or correct the schema: until then the cursor stays before it"
        ),
    )
}

/// The commit did not come to be: nothing of the poll is on disk.
fn unwritten(error: store::Error) -> Failure {
    let class = match error {
        // This data is never taken.
        store::Error::Refused(_) | store::Error::Conflict(_) => Class::Broken,
        _ => Class::Transient,
    };
    Failure::new(
        class,
        format!("what the poll found could not be written: {error}"),
    )
}
