//! Gates: what keeps runs, and the attempts of a step, to a limit: so many at once, or so many that begin within a time.
//!
//! Each limit has a lane for each value of its key, with a line in which whoever comes first is served first. What has passed is
//! kept in memory: a server that starts anew counts from nothing. A limit that several servers have in common is divided among
//! them, each its share, and one at least. The lanes of one flow are bounded, so that none takes the room of another.

mod begun;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Mutex as Line, Notify},
    time::sleep,
};

use crate::world::World;
use begun::Begun;

/// The longest time until whoever is first in a line looks again: the clock may be changed, and servers come and go.
const LOOK: Duration = Duration::from_secs(1);

/// How many lanes there are at least before those that nobody needs are looked for.
const FEW: usize = 1_000;

/// How often that is done where there are as many as there may be, in milliseconds.
const SWEEP_MS: i64 = 1_000;

/// The longest time for which the other side may close a lane, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 60 * 60 * 1_000;

/// A limit with a key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The flow whose limit it is, with its workspace.
    pub flow: String,
    /// The name of the lane among those of the flow: what is limited, and the key.
    pub lane: String,
    /// Whether messages decide how many such lanes there are.
    pub keyed: bool,
    pub rule: Rule,
    /// Whether the servers have the limit in common.
    pub shared: bool,
}

/// What a limit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// So many at once.
    AtOnce(u32),
    /// So many that begin within so many milliseconds.
    PerTime(u32, u64),
}

/// All lanes of this server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    world: World,
    /// The most lanes that messages may make for one flow.
    most: usize,
    flows: Mutex<HashMap<String, Lanes>>,
    /// How many servers share what is shared.
    servers: AtomicU32,
}

/// The lanes of one flow.
struct Lanes {
    all: HashMap<String, Arc<Lane>>,
    /// Those who wait until there is room for a new lane.
    outside: Arc<Line<()>>,
    /// How many there may be before those that nobody needs are forgotten.
    sweep_at: usize,
    swept_ms: i64,
}

/// One limit for one key. Nobody needs it where nobody else has it and nothing in it matters any more.
#[derive(Default)]
struct Lane {
    line: Line<()>,
    passed: Mutex<Passed>,
    freed: Notify,
}

/// What has passed a lane.
#[derive(Default)]
struct Passed {
    /// How many places are taken; of a time, by those who have passed and not begun yet.
    taken: u32,
    begun: Begun,
    /// Until when the other side wants nothing.
    closed_until: i64,
}

/// A place within a limit. What is limited at once has it until this is dropped; what is limited within a time until it begins, and is
/// counted from then on.
pub(super) struct Pass {
    lane: Arc<Lane>,
    rule: Rule,
    /// Whether a place is taken.
    holds: bool,
}

impl Pass {
    /// What was let pass begins now: then its time counts, and not when it was let pass, which a commit may lie between.
    pub(super) fn begins(&mut self, now: i64) {
        if let Rule::PerTime(limit, per) = self.rule
            && self.holds
        {
            self.lane.passed.lock().begun.note(limit, per, now);
            self.give_back();
        }
    }

    /// The other side wants nothing more for so long: of what is limited within a time, nothing passes until then.
    pub(super) fn close(&self, now: i64, pause_ms: u64) {
        if matches!(self.rule, Rule::PerTime(..)) {
            let until = now.saturating_add_unsigned(pause_ms.min(LONGEST_PAUSE_MS));
            let mut passed = self.lane.passed.lock();
            passed.closed_until = passed.closed_until.max(until);
        }
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.holds) {
            let mut passed = self.lane.passed.lock();
            passed.taken = passed.taken.saturating_sub(1);
            drop(passed);
            self.lane.freed.notify_one();
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Gate {
    /// A gate that lets messages make at most so many lanes for a flow.
    pub(super) fn new(world: World, most: usize) -> Gate {
        Gate(Arc::new(Inner {
            world,
            most: most.max(1),
            flows: Mutex::default(),
            servers: AtomicU32::new(1),
        }))
    }

    /// So many servers share what is shared from here on.
    pub(super) fn share_with(&self, servers: u32) {
        self.0.servers.store(servers.max(1), Ordering::Relaxed);
    }

    /// Waits in the line of a lane and passes it. Dropped while it waits, it has taken nothing.
    pub(super) async fn pass(&self, entry: &Entry) -> Pass {
        let lane = self.lane(entry).await;
        let first = lane.line.lock().await;
        loop {
            let now = self.0.world.now_ms();
            let rule = self.rule(entry);
            let free_at = lane.passed.lock().take(rule, now);
            let Err(free_at) = free_at else {
                drop(first);
                return Pass {
                    lane,
                    rule,
                    holds: true,
                };
            };
            let pause = free_at.map_or(LOOK, |at| {
                let until = u64::try_from(at.saturating_sub(now)).unwrap_or(0);
                Duration::from_millis(until).min(LOOK)
            });
            tokio::select! {
                () = lane.freed.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Lets those who wait look at the clock, which was moved.
    #[cfg(test)]
    pub(super) fn look(&self) {
        let flows = self.0.flows.lock();
        for lane in flows.values().flat_map(|lanes| lanes.all.values()) {
            lane.freed.notify_one();
        }
    }

    /// The limit, or the share of it that this server has.
    fn rule(&self, entry: &Entry) -> Rule {
        let servers = self.0.servers.load(Ordering::Relaxed);
        let share = |limit: u32| match entry.shared {
            true => (limit / servers).max(1),
            false => limit.max(1),
        };
        match entry.rule {
            Rule::AtOnce(limit) => Rule::AtOnce(share(limit)),
            Rule::PerTime(limit, per) => Rule::PerTime(share(limit), per),
        }
    }

    /// The lane of an entry. Where a flow has as many as it may have, this waits until one is not needed any more.
    async fn lane(&self, entry: &Entry) -> Arc<Lane> {
        let outside = match self.find(entry) {
            Ok(lane) => return lane,
            Err(outside) => outside,
        };
        let _first = outside.lock().await;
        let mut warned = false;
        loop {
            if let Ok(lane) = self.find(entry) {
                return lane;
            }
            if !warned {
                warned = true;
                tracing::warn!(
                    most = self.0.most,
                    flow = entry.flow,
                    lane = entry.lane,
                    "the limits of a flow have as many keys as they may have; what has a new key waits until another is not needed, see the setting limit_keys"
                );
            }
            sleep(LOOK).await;
        }
    }

    /// The lane of an entry, or where to wait for room.
    fn find(&self, entry: &Entry) -> Result<Arc<Lane>, Arc<Line<()>>> {
        let most = self.0.most;
        let mut flows = self.0.flows.lock();
        let lanes = flows
            .entry(entry.flow.clone())
            .or_insert_with(|| Lanes::new(most));
        if let Some(lane) = lanes.all.get(&entry.lane) {
            return Ok(Arc::clone(lane));
        }
        if lanes.all.len() >= lanes.sweep_at {
            lanes.sweep(self.0.world.now_ms(), most);
        }
        // What a document names by itself is never much.
        if entry.keyed && lanes.all.len() >= most {
            return Err(Arc::clone(&lanes.outside));
        }
        let lane = Arc::new(Lane::default());
        lanes.all.insert(entry.lane.clone(), Arc::clone(&lane));
        Ok(lane)
    }
}

impl Lanes {
    fn new(most: usize) -> Lanes {
        Lanes {
            all: HashMap::new(),
            outside: Arc::default(),
            sweep_at: FEW.min(most),
            swept_ms: i64::MIN,
        }
    }

    /// Forgets the lanes that nobody needs.
    fn sweep(&mut self, now: i64, most: usize) {
        if now.saturating_sub(self.swept_ms) < SWEEP_MS && self.all.len() >= most {
            return;
        }
        self.swept_ms = now;
        // Whoever has a lane has come by it here, so a lane that only this has is nobody's.
        self.all
            .retain(|_, lane| Arc::strong_count(lane) > 1 || !lane.passed.lock().is_over(now));
        self.sweep_at = (self.all.len() * 2).clamp(FEW.min(most), most);
    }
}

impl Passed {
    /// Takes a place, or says when there will be one, where that is known.
    fn take(&mut self, rule: Rule, now: i64) -> Result<(), Option<i64>> {
        let (Rule::AtOnce(limit) | Rule::PerTime(limit, _)) = rule;
        let free = limit.saturating_sub(self.taken);
        if free == 0 {
            return Err(None);
        }
        if let Rule::PerTime(_, per) = rule {
            let at = self.begun.free_at(free, per, now).max(self.closed_until);
            if at > now {
                return Err(Some(at));
            }
        }
        self.taken += 1;
        Ok(())
    }

    /// Whether nothing of it matters any more.
    fn is_over(&self, now: i64) -> bool {
        self.begun.is_over(now) && self.closed_until <= now
    }
}
