//! One run in memory alone, turn by turn: what `weir run` and the tries of drafts share.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    ops::ControlFlow,
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use uuid::Uuid;
use weir_flows::{
    advance::{Ask, Command, Event, Stamp, Turn, advance},
    callback::Callbacks,
    document::{Message, Mocks, Slug},
    failure::Failure,
    intake::{Admission, admit},
    plan::Plan,
    problem::Problem,
    rehearsal,
    run::{Identity, Run},
};

use super::{
    Limits,
    asking::{Given, Place, Places, alone},
    gate::Gate,
    limits::script_bounds,
};
use crate::world::World;

/// Why a message started no run.
#[derive(Debug)]
pub enum Unstarted {
    /// The trigger's filter lets no run start.
    Filtered,
    /// The body does not satisfy the trigger's schema.
    Refused(Vec<Problem>),
    /// The trigger's own scripts failed, or there is no such trigger.
    Failed(Failure),
}

/// How time passes for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As it does: what is due later is waited for.
    Real,
    /// Nobody waits: what is due later is due at once, and the run's clock moves on to it.
    Eager,
}

/// Where runs are folded in memory.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub plan: &'a Plan,
    pub world: &'a World,
    pub limits: &'a Limits,
    pub pace: Pace,
}

impl Stage<'_> {
    /// The run of a message as its trigger takes it, before its first turn.
    pub(super) fn open(
        &self,
        id: Uuid,
        workspace: &str,
        trigger: &str,
        message: Message,
    ) -> Result<Run, Unstarted> {
        let Some(compiled) = self.plan.triggers.get(trigger) else {
            let message = format!("the flow has no trigger `{trigger}`");
            return Err(Unstarted::Failed(Failure::broken(message)));
        };
        let kind = self
            .plan
            .flow
            .triggers
            .get(trigger)
            .map_or("", |trigger| trigger.kind.as_str());
        let stamp = self.stamp(i64::MIN);
        let bounds = script_bounds(self.limits, self.world);
        let message = match admit(trigger, kind, compiled, message, stamp, &bounds) {
            Admission::Accepted { message, .. } => message,
            Admission::Filtered => return Err(Unstarted::Filtered),
            Admission::Refused(problems) => return Err(Unstarted::Refused(problems)),
            Admission::Failed(failure) => return Err(Unstarted::Failed(failure)),
        };
        let identity = Identity {
            id: id.to_string(),
            flow: self.plan.flow.id.clone(),
            version: 0,
            workspace: workspace.to_owned(),
            callbacks: Callbacks::default(),
        };
        let run = Run::new(self.plan, &identity, trigger, message, stamp.now_ms);
        Ok(run)
    }

    /// Folds a run until it ends or `turned`, which sees it after each turn, breaks off. `act` makes the attempts. Nobody else can
    /// reach the run, so what it waits for is answered at once, as `mocks` say.
    pub(super) async fn play<F: Future<Output = Event>>(
        &self,
        run: &mut Run,
        mocks: &BTreeMap<Slug, Mocks>,
        act: impl Fn(Command) -> F,
        mut turned: impl FnMut(&Run, &Turn) -> ControlFlow<()>,
    ) {
        // Nobody else asks what limits its steps.
        let gate = Gate::new(self.world.clone(), self.limits.limit_keys);
        let turn_of = |ask: Ask| {
            let (gate, plan, pace) = (gate.clone(), self.plan, self.pace);
            async move {
                let place = match pace {
                    Pace::Real => alone(&gate, plan, &ask).await,
                    Pace::Eager => Place::default(),
                };
                (ask, place)
            }
        };
        let mut asking = FuturesUnordered::new();
        let mut places = Places::default();
        let mut attempts = FuturesUnordered::new();
        let mut event = Event::Start;
        let mut answers = VecDeque::new();
        // The time that an eager run has moved on to.
        let mut reached = i64::MIN;
        loop {
            let bounds = script_bounds(self.limits, self.world);
            let turn = advance(self.plan, run, self.stamp(reached), &bounds, event);
            if turned(run, &turn).is_break() || run.status.is_final() {
                return;
            }
            answers.extend(rehearsal::answers(mocks, &turn));
            for command in turn.commands {
                let mut place = places.take(&command).unwrap_or_default();
                place.begins(self.world.now_ms());
                let attempt = act(command);
                attempts.push(async move {
                    let event = attempt.await;
                    drop(place);
                    event
                });
            }
            places.clear();
            asking.extend(turn.asks.into_iter().map(&turn_of));
            if let Some(answer) = answers.pop_front() {
                event = answer;
                continue;
            }
            let next = async {
                tokio::select! {
                    Some(event) = attempts.next() => Some(event),
                    Some((ask, place)) = asking.next() => {
                        let event = ask.placed();
                        places.add(ask, Given::Place(place));
                        Some(event)
                    }
                    else => None,
                }
            };
            let due = run.wake_at(self.plan);
            event = match (due, self.pace) {
                (None, _) => match next.await {
                    Some(event) => event,
                    // Nothing is left to do, yet it has not ended.
                    None => return,
                },
                (Some(at), Pace::Real) => tokio::select! {
                    Some(event) = next => event,
                    () = tokio::time::sleep(self.until(at)) => Event::Woke,
                },
                (Some(at), Pace::Eager) => {
                    // Mocked actions answer at once, so here whoever wants to end this gets a chance to.
                    tokio::task::yield_now().await;
                    next.await.unwrap_or_else(|| {
                        reached = reached.max(at);
                        Event::Woke
                    })
                }
            };
        }
    }

    fn stamp(&self, reached: i64) -> Stamp {
        Stamp {
            now_ms: self.world.now_ms().max(reached),
            dice: self.world.dice(),
        }
    }

    fn until(&self, at: i64) -> Duration {
        let pause = at.saturating_sub(self.world.now_ms());
        Duration::from_millis(u64::try_from(pause).unwrap_or(0))
    }
}
