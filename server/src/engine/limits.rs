//! What bounds the engine.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use weir_flows::{poll::Most, script::Bounds};

use super::Retention;
use crate::{connectors::script::Scripts, world::World};

/// What bounds the engine. Every limit has a default and is configurable.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Runs that are underway in this process at once, shared out between flows; beyond it, messages are answered with 503.
    pub active_runs: usize,
    /// Runs of a flow with a limit of its own that wait in memory for their turn; more wait on disk.
    pub line_runs: usize,
    /// Runs of a flow that may wait on disk for their turn; beyond it, its messages are answered with 503.
    pub waiting_runs: u64,
    /// How long the scripts of one turn may take.
    pub script_time: Duration,
    /// How many operations one script may take.
    pub script_operations: u64,
    /// How much memory one script may hold, in bytes.
    pub script_memory: u64,
    /// The longest reply an action reads, in bytes.
    pub max_response: u64,
    /// The most calls that a script makes in one attempt.
    pub script_calls: usize,
    /// Scripts that call out which are underway in this process at once, each with a thread of its own; beyond it, they wait
    /// within their timeout.
    pub script_places: usize,
    /// The limits of polls.
    pub polls: PollLimits,
    /// How long attempts that are underway may take to end when the process is asked to stop.
    pub grace: Duration,
    /// A run that waits for a time which is further away than this is let go of until then and holds no memory.
    pub park_after: Duration,
    /// How many keys the limits of a flow and its steps may have at once; beyond it, a new key waits until another is not needed.
    pub limit_keys: usize,
    /// How many outputs the caches of steps keep.
    pub cache_entries: usize,
    /// How much they may take together, in bytes of JSON. One may take an eighth of it.
    pub cache_memory: u64,
    /// The limits of tries.
    pub tries: TryLimits,
    /// How much of the history is kept.
    pub retention: Retention,
}

/// What bounds polls.
#[derive(Clone, Debug)]
pub struct PollLimits {
    /// How many may be underway in this process at once; beyond it, they are put off by a second.
    pub underway: usize,
    /// What one may find.
    pub most: Most,
}

/// What bounds the tries of drafts, which live in memory.
#[derive(Clone, Debug)]
pub struct TryLimits {
    /// How many may be underway at once; beyond it, another one is answered with 503.
    pub underway: usize,
    /// How many that have ended are kept.
    pub kept: usize,
    /// How long one may take, and how long it is kept after it has ended.
    pub time: Duration,
    /// How much all of them may hold together, in bytes of JSON.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            active_runs: 10_000,
            line_runs: 100,
            waiting_runs: 100_000,
            script_time: Duration::from_secs(2),
            script_operations: 5_000_000,
            script_memory: 256 << 20,
            max_response: crate::connectors::DEFAULT_MAX_RESPONSE,
            script_calls: 50,
            script_places: 100,
            polls: PollLimits::default(),
            grace: Duration::from_secs(10),
            park_after: Duration::from_secs(60),
            limit_keys: 10_000,
            cache_entries: 10_000,
            cache_memory: 64 << 20,
            tries: TryLimits::default(),
            retention: Retention::default(),
        }
    }
}

impl Default for PollLimits {
    fn default() -> Self {
        PollLimits {
            underway: 16,
            most: Most {
                messages: 1_000,
                bytes: 8 << 20,
            },
        }
    }
}

impl Default for TryLimits {
    fn default() -> Self {
        TryLimits {
            underway: 32,
            kept: 100,
            time: Duration::from_secs(30 * 60),
            memory: 64 << 20,
        }
    }
}

/// The bounds of scripts whose time starts now.
pub(super) fn script_bounds(limits: &Limits, world: &World) -> Bounds {
    let clock = world.clone();
    let limit = limits.script_time;
    let end = world
        .now_ms()
        .saturating_add_unsigned(limit.as_millis() as u64);
    Bounds {
        interrupt: Some(Arc::new(move || {
            (clock.now_ms() > end).then(|| format!("the scripts of one turn may take {} ms; simplify this one, or let the administrator allow more", limit.as_millis()))
        })),
        ..timeless(limits)
    }
}

/// The bounds of a script but for its time.
fn timeless(limits: &Limits) -> Bounds {
    Bounds {
        operations: limits.script_operations,
        memory_bytes: limits.script_memory,
        meter: Some(crate::memory::held),
        ..Bounds::default()
    }
}

/// What the scripts of a process that call out may take.
pub(super) fn calling_scripts(limits: &Limits) -> Scripts {
    Scripts {
        bounds: timeless(limits),
        time: limits.script_time,
        calls: limits.script_calls,
        places: Arc::new(Semaphore::new(limits.script_places)),
    }
}
