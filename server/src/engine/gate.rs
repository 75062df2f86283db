//! Gates: what keeps runs, and the attempts of a step, to a limit: so many at once, or so many that begin within a time.
//!
//! Each limit has a lane for each value of its key, with a line in which whoever comes first is served first. What has passed is
//! kept in memory: a server that starts anew counts from nothing. A limit that several servers have in common is divided among
//! them, each its share, and one at least.

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

/// A limit with a key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The name of the lane: what is limited, and the key.
    pub lane: String,
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
    /// The most lanes.
    most: usize,
    lanes: Mutex<Lanes>,
    /// Those who wait until there is room for a new lane.
    outside: Line<()>,
    /// How many servers share what is shared.
    servers: AtomicU32,
}

struct Lanes {
    all: HashMap<String, Arc<Lane>>,
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
    /// How many places are taken.
    taken: u32,
    begun: Begun,
}

/// A place within a limit, given back when this is dropped.
pub(super) struct Pass(Arc<Lane>);

impl Drop for Pass {
    fn drop(&mut self) {
        let mut passed = self.0.passed.lock();
        passed.taken = passed.taken.saturating_sub(1);
        drop(passed);
        self.0.freed.notify_one();
    }
}

impl Gate {
    /// A gate with at most so many lanes.
    pub(super) fn new(world: World, most: usize) -> Gate {
        Gate(Arc::new(Inner {
            world,
            most: most.max(1),
            lanes: Mutex::new(Lanes {
                all: HashMap::new(),
                sweep_at: FEW.min(most.max(1)),
                swept_ms: i64::MIN,
            }),
            outside: Line::default(),
            servers: AtomicU32::new(1),
        }))
    }

    /// So many servers share what is shared from here on.
    pub(super) fn share_with(&self, servers: u32) {
        self.0.servers.store(servers.max(1), Ordering::Relaxed);
    }

    /// Waits in the line of a lane and passes it; what is limited at once has a place from then on. Dropped while it waits, it has
    /// taken nothing.
    pub(super) async fn pass(&self, entry: &Entry) -> Option<Pass> {
        let lane = self.lane(&entry.lane).await;
        let first = lane.line.lock().await;
        loop {
            let now = self.0.world.now_ms();
            let rule = self.rule(entry);
            let free_at = lane.passed.lock().take(rule, now);
            let Err(free_at) = free_at else {
                drop(first);
                return matches!(rule, Rule::AtOnce(_)).then_some(Pass(lane));
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

    /// The lane of this name. Where there are as many as there may be, this waits until one is not needed any more.
    async fn lane(&self, name: &str) -> Arc<Lane> {
        if let Some(lane) = self.find(name) {
            return lane;
        }
        let _first = self.0.outside.lock().await;
        let mut warned = false;
        loop {
            if let Some(lane) = self.find(name) {
                return lane;
            }
            if !warned {
                warned = true;
                tracing::warn!(
                    most = self.0.most,
                    lane = name,
                    "the limits of steps have as many keys as they may have; what has a new key waits until another is not needed, see the setting limit_keys"
                );
            }
            sleep(LOOK).await;
        }
    }

    fn find(&self, name: &str) -> Option<Arc<Lane>> {
        let mut lanes = self.0.lanes.lock();
        if let Some(lane) = lanes.all.get(name) {
            return Some(Arc::clone(lane));
        }
        if lanes.all.len() >= lanes.sweep_at {
            lanes.sweep(self.0.world.now_ms(), self.0.most);
        }
        if lanes.all.len() >= self.0.most {
            return None;
        }
        let lane = Arc::new(Lane::default());
        lanes.all.insert(name.to_owned(), Arc::clone(&lane));
        Some(lane)
    }
}

impl Lanes {
    /// Forgets the lanes that nobody needs.
    fn sweep(&mut self, now: i64, most: usize) {
        if now.saturating_sub(self.swept_ms) < SWEEP_MS && self.all.len() >= most {
            return;
        }
        self.swept_ms = now;
        // Whoever has a lane has come by it here, so a lane that only this has is nobody's.
        self.all.retain(|_, lane| {
            Arc::strong_count(lane) > 1 || !lane.passed.lock().begun.is_over(now)
        });
        self.sweep_at = (self.all.len() * 2).clamp(FEW.min(most), most);
    }
}

impl Passed {
    /// Takes a place, or says when there will be one, where that is known.
    fn take(&mut self, rule: Rule, now: i64) -> Result<(), Option<i64>> {
        match rule {
            Rule::AtOnce(limit) if self.taken < limit => {
                self.taken += 1;
                Ok(())
            }
            Rule::AtOnce(_) => Err(None),
            Rule::PerTime(limit, per) => match self.begun.free_at(limit, per, now) {
                at if at <= now => {
                    self.begun.note(limit, per, now);
                    Ok(())
                }
                at => Err(Some(at)),
            },
        }
    }
}
