//! The limits of steps in a simulation: each worker has a gate of its own, and what passes it is counted beside it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use futures::FutureExt;
use tokio::task::coop::unconstrained;
use weir_flows::{
    advance::{Ask, Command, Event},
    plan::Plan,
    run::Run,
};

use super::{Driven, Simulation};
use crate::engine::{
    asking::{Asking, Given, Place, alone},
    gate::Gate,
};

/// What the limits with a key count by: whether the number of a message is even.
pub(super) const KEY: &str = "trigger.body.message % 2";

/// The most lanes of a gate: more than are needed.
pub(super) const LANES: usize = 100;

/// An attempt that is underway in a worker and has limits.
pub(super) struct Held {
    command: Command,
    lane: Lane,
    #[expect(dead_code, reason = "held for as long as the attempt is underway")]
    place: Place,
}

/// A step, and the value of its key.
type Lane = (String, Option<u64>);

/// When attempts with a rate began, by worker, life and lane.
pub(super) type Begun = BTreeMap<(usize, u32, Lane), Vec<i64>>;

/// What happened.
#[derive(Default)]
pub(super) struct Counts {
    /// Wishes that waited for their turn.
    pub waited: usize,
    /// Wishes that came again, since whoever had the run was gone.
    pub again: usize,
    /// Attempts with limits that began.
    begun: usize,
    /// Attempts that began when as many were underway as may be, this one counted.
    full: usize,
}

impl Counts {
    pub(super) fn add(&mut self, more: &Counts) {
        self.waited += more.waited;
        self.again += more.again;
        self.begun += more.begun;
        self.full += more.full;
    }

    /// Whether each of it happened.
    pub(super) fn all_came(&self) -> bool {
        let all = [self.waited, self.again, self.begun, self.full];
        all.iter().all(|count| *count > 0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "limits: {} attempts, {} wishes waited, {} were told again to another life, {} attempts took the last place",
            self.begun, self.waited, self.again, self.full
        )
    }
}

/// Asks the gate of a worker.
pub(super) fn want(gate: &Gate, plan: &Arc<Plan>, ask: Ask) -> Asking {
    let (gate, plan) = (gate.clone(), Arc::clone(plan));
    async move {
        let place = alone(&gate, &plan, &ask).await;
        (ask, Given::Place(place))
    }
    .boxed()
}

impl Driven {
    /// The turn of something that waits for it, where one has come.
    pub(super) fn given(&mut self) -> Option<Event> {
        let mut asking = self.asking.iter_mut().enumerate();
        let given = asking.find_map(|(index, asking)| {
            let given = unconstrained(asking).now_or_never()?;
            Some((index, given))
        });
        let (index, (ask, given)) = given?;
        drop(self.asking.remove(index));
        let event = given.event(&ask);
        self.places.add(ask, given);
        Some(event)
    }

    /// An attempt has ended: its place is free.
    pub(super) fn release(&mut self, event: &Event) {
        let Event::Attempted {
            step,
            items,
            number,
            undo,
            ..
        } = event
        else {
            return;
        };
        self.held.retain(|held| {
            let command = &held.command;
            (
                &command.step,
                &command.items,
                &command.number,
                &command.undo,
            ) != (step, items, number, undo)
        });
    }
}

/// Which of the two keys a run has.
fn parity(run: &Run) -> Option<u64> {
    Some(run.message["body"]["message"].as_u64()? % 2)
}

impl Simulation<'_> {
    /// An attempt is about to begin: where its step has limits, it is its turn, and no more are underway or began than may.
    pub(super) fn hold(&mut self, worker: usize, driven: &mut Driven, command: &Command) {
        let plan = &self.place.plans[driven.flow];
        let limits = plan
            .find(&command.step)
            .and_then(|step| step.limits.as_ref());
        let place = driven.places.take(command);
        let Some(limits) = limits else {
            assert!(place.is_none(), "{}: a turn without limits", command.step);
            return;
        };
        let mut place = place.unwrap_or_else(|| panic!("{} begins out of turn", command.step));
        let now = self.world.now_ms();
        place.begins(now);
        let lane = |keyed: bool| {
            let key = parity(&driven.run).filter(|_| keyed);
            (command.step.clone(), key)
        };
        let here = &self.workers[worker];
        let counts = &mut self.counts.limits;
        counts.begun += 1;
        let mut of = lane(false);
        if let Some(most) = &limits.concurrency {
            of = lane(most.key.is_some());
            let all = here.runs.values().chain([&*driven]);
            let held = all.flat_map(|driven| &driven.held);
            let underway = held.filter(|held| held.lane == of).count();
            let most = usize::try_from(most.limit).unwrap();
            assert!(underway < most, "{of:?}: more at once than may be");
            counts.full += usize::from(underway + 1 == most && most > 1);
        }
        if let Some(most) = &limits.rate {
            let begun = (worker, here.life, lane(most.key.is_some()));
            let begun = self.begun.entry(begun).or_default();
            begun.retain(|at| at.saturating_add_unsigned(most.per_ms) > now);
            begun.push(now);
            let most = usize::try_from(most.limit).unwrap();
            assert!(begun.len() <= most, "{of:?}: more within the time than may");
        }
        driven.held.push(Held {
            command: command.clone(),
            lane: of,
            place,
        });
    }
}
