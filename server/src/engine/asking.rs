//! What the limits of a step are asked before an attempt: whether it is its turn, or what an earlier one gave is used again.
//!
//! An attempt that waits is not recorded as begun: where the process dies, it is asked for again, and nothing is lost.

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;
use tokio::task::coop::unconstrained;
use weir_flows::{
    advance::{Ask, Command, Event, MOST_RECORDS, Stamp, Turn, advance},
    failure::Class,
    plan::{Plan, PlanAction, PlanLimits},
    run::Run,
    script::Bounds,
};

use super::{
    Engine, Version,
    cache::{self, Flight},
    gate::{Entry, Gate, Pass, Rule},
};

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

/// The turn of one attempt: its places, for as long as this lives, and where its output is kept.
#[derive(Default)]
pub(super) struct Place {
    passes: Vec<Pass>,
    cache: Option<cache::Key>,
    /// Others wait for this attempt until it has ended.
    flight: Option<Flight>,
}

impl Place {
    /// The attempt begins.
    pub(super) fn begins(&mut self, now: i64) {
        for pass in &mut self.passes {
            pass.begins(now);
        }
    }

    /// The attempt has ended: keeps what it gave, where that is to be used again, and lets nothing pass for as long as the other side
    /// asks for.
    pub(super) fn ended(self, engine: &Engine, event: &Event) {
        let Event::Attempted { result, .. } = event else {
            return;
        };
        let now = engine.world().now_ms();
        match result {
            Ok(output) => {
                if let Some(key) = self.cache {
                    engine.0.cache.put(key, output, now);
                }
            }
            Err(failure) => {
                let pause = failure
                    .retry_after_ms
                    .filter(|_| failure.class == Class::RateLimited);
                for pass in &self.passes {
                    pass.close(now, pause.unwrap_or(0));
                }
            }
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
        let want = |ask| self.want(version, ask);
        fold(&version.plan, run, stamp, || self.bounds(), event, want)
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
        let mut place = Place::default();
        let mut cached = None;
        if let Some(cache) = limits.cache.as_ref().filter(|_| !ask.undo)
            && let Some(key) = self.cache_key(version, action, ask).await
        {
            place.cache = Some(key);
            cached = Some((key, cache.ttl_ms));
        }
        let used = || {
            let (key, ttl) = cached?;
            self.0.cache.get(&key, ttl, self.world().now_ms())
        };
        if let Some(output) = used() {
            return self.used_again(version, output);
        }
        match place.cache.map(|key| self.0.cache.lead(key)) {
            Some(Ok(flight)) => place.flight = Some(flight),
            // Another one does the same. Where that fails, this one asks for itself.
            Some(Err(mut other)) => _ = other.changed().await,
            None => {}
        }
        for entry in entries(
            &format!("{}/{}", version.workspace, version.flow),
            limits,
            ask,
        ) {
            if let Some(output) = used() {
                return self.used_again(version, output);
            }
            place.passes.push(self.0.gate.pass(&entry).await);
        }
        // Others may have done the same while this waited.
        match used() {
            Some(output) => self.used_again(version, output),
            None => Given::Place(place),
        }
    }

    /// What an output is kept under. None where the connection cannot be read: then nothing is used again or kept.
    async fn cache_key(
        &self,
        version: &Version,
        action: &PlanAction,
        ask: &Ask,
    ) -> Option<cache::Key> {
        let connection = match &action.connection {
            None => String::new(),
            Some(name) => {
                let stored = self.store().connection(&version.workspace, name).await;
                stored.ok()??.document
            }
        };
        Some(cache::key(version, action, &connection, ask))
    }

    fn used_again(&self, version: &Version, output: Arc<Value>) -> Given {
        metrics::counter!("weir_attempts_cached_total", "flow" => version.flow.clone())
            .increment(1);
        Given::Cached(output)
    }
}

/// Folds an event into a run, and what follows at once from what comes of its wishes.
pub(super) fn fold(
    plan: &Plan,
    run: &mut Run,
    stamp: Stamp,
    bounds: impl Fn() -> Bounds,
    event: Event,
    want: impl Fn(Ask) -> Asking,
) -> Folded {
    let turn = advance(plan, run, stamp, &bounds(), event);
    let mut folded = Folded {
        turn,
        ..Folded::default()
    };
    let mut asks = VecDeque::from(std::mem::take(&mut folded.turn.asks));
    while let Some(ask) = asks.pop_front() {
        let mut asking = want(ask);
        // A turn that has decided so much asks for nothing more at once.
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
        let more = advance(plan, run, stamp, &bounds(), event);
        folded.turn.records.extend(more.records);
        folded.turn.commands.extend(more.commands);
        asks.extend(more.asks);
    }
    folded
}

/// Waits for the turn of an attempt of a run that no store keeps. Its limits are its own, and nothing is used again.
pub(super) async fn alone(gate: &Gate, plan: &Plan, ask: &Ask) -> Place {
    let mut place = Place::default();
    let limits = plan.find(&ask.step).and_then(|step| step.limits.as_deref());
    for entry in limits.iter().flat_map(|limits| entries("", limits, ask)) {
        place.passes.push(gate.pass(&entry).await);
    }
    place
}

/// What an attempt passes, in this order: whoever has a place waits for the time, so that what begins is spread.
fn entries(flow: &str, limits: &PlanLimits, ask: &Ask) -> Vec<Entry> {
    let entry = |what: &str, key: &Option<String>, rule: Rule| Entry {
        flow: flow.to_owned(),
        lane: match key {
            Some(key) => format!("{}/{what}/{key}", ask.step),
            None => format!("{}/{what}", ask.step),
        },
        keyed: key.is_some(),
        rule,
        shared: true,
    };
    let at_once = limits.concurrency.as_ref();
    let at_once = at_once.map(|most| {
        let rule = Rule::AtOnce(most.limit);
        entry("at_once", &ask.keys.concurrency, rule)
    });
    let per_time = limits.rate.as_ref();
    let per_time = per_time.map(|most| {
        let rule = Rule::PerTime(most.limit, most.per_ms);
        entry("rate", &ask.keys.rate, rule)
    });
    at_once.into_iter().chain(per_time).collect()
}
