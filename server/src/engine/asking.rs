//! What the limits of a step are asked before an attempt: whether it is its turn, or what an earlier one gave is used again.
//!
//! An attempt that waits is not recorded as begun: where the process dies, it is asked for again, and nothing is lost.

use std::{collections::VecDeque, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;
use tokio::task::coop::unconstrained;
use weir_flows::{
    advance::{Ask, Command, Event, Stamp, Turn, advance},
    plan::{Plan, PlanLimits},
    run::Run,
};

use super::{
    Engine, Version, cache,
    gate::{Entry, Gate, Pass, Rule},
};

/// A turn that has decided so much asks for nothing more at once.
const MOST_RECORDS: usize = 500;

/// What comes of an ask, in its time.
pub(super) type Asking = BoxFuture<'static, (Ask, Given)>;

/// What comes of an ask.
pub(super) enum Given {
    /// It is the turn of the attempt.
    Place(Place),
    /// What an earlier one gave is used again.
    Cached(Arc<Value>),
}

impl Given {
    /// What has happened with that.
    pub(super) fn event(&self, ask: &Ask) -> Event {
        match self {
            Given::Place(_) => ask.placed(),
            Given::Cached(output) => ask.cached(Arc::clone(output)),
        }
    }
}

/// The turn of one attempt: its place, for as long as this lives, and where its output is kept.
#[derive(Default)]
pub(super) struct Place {
    #[expect(dead_code, reason = "held until the attempt has ended")]
    pass: Option<Pass>,
    cache: Option<cache::Key>,
}

impl Place {
    /// The attempt has ended: keeps what it gave, where that is to be used again.
    pub(super) fn ended(self, engine: &Engine, event: &Event) {
        if let (
            Some(key),
            Event::Attempted {
                result: Ok(output), ..
            },
        ) = (self.cache, event)
        {
            let now = engine.world().now_ms();
            engine.0.cache.put(key, output, now);
        }
    }
}

/// The turns that were given to attempts which begin once that is on disk.
#[derive(Default)]
pub(super) struct Places(Vec<(Ask, Place)>);

impl Places {
    pub(super) fn add(&mut self, ask: Ask, given: Given) {
        if let Given::Place(place) = given {
            self.0.push((ask, place));
        }
    }

    pub(super) fn append(&mut self, mut others: Places) {
        self.0.append(&mut others.0);
    }

    /// That of an attempt; nothing where nothing limits it.
    pub(super) fn take(&mut self, command: &Command) -> Option<Place> {
        let at = self.0.iter().position(|(ask, _)| ask.is_for(command))?;
        Some(self.0.swap_remove(at).1)
    }

    /// Gives back what nobody took.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// A turn, and what came of what it asked for.
#[derive(Default)]
pub(super) struct Folded {
    pub turn: Turn,
    /// What was given at once.
    pub places: Places,
    /// What is waited for.
    pub asking: Vec<Asking>,
}

impl Engine {
    /// Folds an event into a run, and what follows at once where it is the turn of what it asks for.
    pub(super) fn fold(
        &self,
        version: &Arc<Version>,
        run: &mut Run,
        stamp: Stamp,
        event: Event,
    ) -> Folded {
        let plan = &version.plan;
        let turn = advance(plan, run, stamp, &self.bounds(), event);
        let mut folded = Folded {
            turn,
            ..Folded::default()
        };
        let mut asks = VecDeque::from(std::mem::take(&mut folded.turn.asks));
        while let Some(ask) = asks.pop_front() {
            let mut asking = self.want(version, ask);
            let full = folded.turn.records.len() >= MOST_RECORDS
                || run.wake_at(plan).is_some_and(|at| at <= stamp.now_ms);
            // Looked at once, so that it stands in line; a task that has done much already must not be passed over for that.
            let given = (!full).then(|| unconstrained(&mut asking).now_or_never());
            let Some((ask, given)) = given.flatten() else {
                folded.asking.push(asking);
                continue;
            };
            let event = given.event(&ask);
            folded.places.add(ask, given);
            let more = advance(plan, run, stamp, &self.bounds(), event);
            folded.turn.records.extend(more.records);
            folded.turn.commands.extend(more.commands);
            asks.extend(more.asks);
        }
        folded
    }

    /// Asks whether it is the turn of an attempt.
    pub(super) fn want(&self, version: &Arc<Version>, ask: Ask) -> Asking {
        let (engine, version) = (self.clone(), Arc::clone(version));
        async move {
            let given = engine.give(&version, &ask).await;
            (ask, given)
        }
        .boxed()
    }

    async fn give(&self, version: &Version, ask: &Ask) -> Given {
        let step = version.plan.find(&ask.step);
        let limits = step.and_then(|step| Some((step.limits.as_deref()?, step.action(ask.undo)?)));
        // A plan asks only where there are some.
        let Some((limits, action)) = limits else {
            return Given::Place(Place::default());
        };
        let cache = limits.cache.as_ref().filter(|_| !ask.undo);
        let cache = cache.map(|cache| (cache::key(version, action, ask), cache.ttl_ms));
        let cached = || {
            let (key, ttl) = cache.as_ref()?;
            self.0.cache.get(key, *ttl, self.world().now_ms())
        };
        let scope = format!("{}/{}", version.workspace, version.flow);
        let mut pass = None;
        for entry in entries(&scope, limits, ask) {
            if let Some(output) = cached() {
                return self.used_again(version, output);
            }
            pass = self.0.gate.pass(&entry).await.or(pass);
        }
        // Others may have done the same while this waited.
        if let Some(output) = cached() {
            return self.used_again(version, output);
        }
        Given::Place(Place {
            pass,
            cache: cache.map(|(key, _)| key),
        })
    }

    fn used_again(&self, version: &Version, output: Arc<Value>) -> Given {
        metrics::counter!("weir_attempts_cached_total", "flow" => version.flow.clone())
            .increment(1);
        Given::Cached(output)
    }
}

/// Waits for the turn of an attempt of a run that no store keeps. Its limits are its own, and nothing is used again.
pub(super) async fn alone(gate: &Gate, plan: &Plan, ask: &Ask) -> Place {
    let mut pass = None;
    let limits = plan.find(&ask.step).and_then(|step| step.limits.as_deref());
    for entry in limits
        .map(|limits| entries("", limits, ask))
        .into_iter()
        .flatten()
    {
        pass = gate.pass(&entry).await.or(pass);
    }
    Place { pass, cache: None }
}

/// What an attempt passes, in this order: whoever has a place waits for the time, so that what begins is spread.
fn entries(scope: &str, limits: &PlanLimits, ask: &Ask) -> Vec<Entry> {
    let lane = |what: &str, key: &Option<String>| match key {
        Some(key) => format!("{scope}/{}/{what}/{key}", ask.step),
        None => format!("{scope}/{}/{what}", ask.step),
    };
    let at_once = limits.concurrency.as_ref().map(|most| Entry {
        lane: lane("at_once", &ask.keys.concurrency),
        rule: Rule::AtOnce(most.limit),
        shared: true,
    });
    let per_time = limits.rate.as_ref().map(|most| Entry {
        lane: lane("rate", &ask.keys.rate),
        rule: Rule::PerTime(most.limit, most.per_ms),
        shared: true,
    });
    at_once.into_iter().chain(per_time).collect()
}
