//! How far a script may go, and the state of the evaluation that is running on this thread.
//!
//! The engine is shared by all evaluations, so what belongs to one of them (its counters, its
//! instant, its dice) stands in a thread-local slot that is filled for the time of `eval`.

use super::error::complaint;
use rhai::{Dynamic, EvalAltResult, FnPtr, ImmutableString, Position, Scope as RhaiScope};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Asked now and then by a running script: a reason stops it.
pub type Interrupt = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Functions may call each other this deep. One number for all scripts, since it guards the stack.
pub const CALL_DEPTH: usize = 32;

/// The bounds of one evaluation.
///
/// Operations, call depth and interruptions are exact. Sizes are exact for everything our own
/// functions build and for the result; what a script builds by hand is measured now and then, so
/// that building a list costs the same per item whatever its length.
#[derive(Clone)]
pub struct Bounds {
    /// Steps of the interpreter, and work of built-in functions in comparable units.
    pub operations: u64,
    /// Longest text, in bytes.
    pub string_bytes: usize,
    /// Longest list, in items.
    pub array_items: usize,
    /// Largest map, in entries.
    pub map_items: usize,
    /// How deep lists and maps may stand in each other. Not more than 120, so that JSON readers
    /// take the result.
    pub nesting: usize,
    /// Memory that the script may hold at once, in bytes; needs a `meter`.
    pub memory_bytes: u64,
    /// Wall clock and cancellation, asked about every 200 operations.
    pub interrupt: Option<Interrupt>,
    /// Tells how many bytes the current thread has allocated and not freed. It may wrap around.
    pub meter: Option<fn() -> u64>,
    /// Counts the operations of all evaluations that have these bounds.
    pub work: Option<Arc<AtomicU64>>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            operations: 1_000_000,
            string_bytes: 8 << 20,
            array_items: 200_000,
            map_items: 50_000,
            nesting: 100,
            memory_bytes: 128 << 20,
            interrupt: None,
            meter: default_meter(),
            work: None,
        }
    }
}

impl fmt::Debug for Bounds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Bounds")
            .field("operations", &self.operations)
            .field("string_bytes", &self.string_bytes)
            .field("array_items", &self.array_items)
            .field("map_items", &self.map_items)
            .field("nesting", &self.nesting)
            .field("memory_bytes", &self.memory_bytes)
            .field("interrupt", &self.interrupt.is_some())
            .field("meter", &self.meter.is_some())
            .finish()
    }
}

/// In a browser the size of the linear memory is a good enough meter; elsewhere the process has
/// to count.
fn default_meter() -> Option<fn() -> u64> {
    #[cfg(target_arch = "wasm32")]
    return Some(|| (core::arch::wasm32::memory_size::<0>() as u64) << 16);
    #[cfg(not(target_arch = "wasm32"))]
    None
}

/// The time and the dice of a turn: all of the outside world that a script can notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970-01-01T00:00:00Z; `now()` is this instant.
    pub now_ms: i64,
    /// Seed of `uuid()` and `random()`. The same seed gives the same values, so every evaluation
    /// of a turn needs its own.
    pub dice: u64,
}

/// The evaluation that is running on this thread.
struct Turn {
    bounds: Bounds,
    inputs: Vec<(ImmutableString, Dynamic)>,
    now_ms: i64,
    dice: Cell<u64>,
    operations: Cell<u64>,
    next_probe: Cell<u64>,
    next_walk: Cell<u64>,
    memory_at_start: u64,
    stopped: RefCell<Option<String>>,
    complaint: RefCell<Option<String>>,
}

thread_local! {
    static TURN: RefCell<Option<Rc<Turn>>> = const { RefCell::new(None) };
}

const PROBE_EVERY: u64 = 200;
const WALK_AT_LEAST_EVERY: u64 = 1_000;
const WALK_AT_MOST_EVERY: u64 = 8_000;

/// Fills the slot; what was there before comes back when it is dropped.
pub(crate) struct Guard {
    before: Option<Rc<Turn>>,
    turn: Rc<Turn>,
}

impl Guard {
    /// Starts an evaluation that reads these inputs by name.
    pub(crate) fn enter(
        bounds: &Bounds,
        moment: Moment,
        inputs: Vec<(ImmutableString, Dynamic)>,
    ) -> Self {
        let turn = Rc::new(Turn {
            memory_at_start: bounds.meter.map_or(0, |meter| meter()),
            bounds: bounds.clone(),
            inputs,
            now_ms: moment.now_ms,
            dice: Cell::new(moment.dice),
            operations: Cell::new(0),
            next_probe: Cell::new(PROBE_EVERY.min(bounds.operations)),
            next_walk: Cell::new(WALK_AT_LEAST_EVERY),
            stopped: RefCell::new(None),
            complaint: RefCell::new(None),
        });
        let before = TURN.with(|slot| slot.replace(Some(Rc::clone(&turn))));
        Self { before, turn }
    }

    /// Why the script was stopped, if it was.
    pub(crate) fn stopped(&self) -> Option<String> {
        self.turn.stopped.borrow().clone()
    }

    /// The last complaint of one of our functions.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.turn.complaint.borrow().clone()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(work) = &self.turn.bounds.work {
            work.fetch_add(self.turn.operations.get(), Ordering::Relaxed);
        }
        TURN.with(|slot| slot.replace(self.before.take()));
    }
}

fn current() -> Option<Rc<Turn>> {
    TURN.with(|slot| slot.borrow().clone())
}

/// The engine's callback for every operation: something stops the script.
pub(crate) fn on_operation() -> Option<Dynamic> {
    let due = TURN.with(|slot| {
        let slot = slot.borrow();
        let Some(turn) = slot.as_deref() else {
            return false;
        };
        let done = turn.operations.get() + 1;
        turn.operations.set(done);
        done >= turn.next_probe.get() || turn.over_memory()
    });
    if due && current().is_some_and(|turn| turn.must_stop()) {
        Some(Dynamic::UNIT)
    } else {
        None
    }
}

impl Turn {
    fn over_memory(&self) -> bool {
        self.bounds.meter.is_some_and(|meter| {
            let held = meter().wrapping_sub(self.memory_at_start);
            held > self.bounds.memory_bytes && held <= i64::MAX as u64
        })
    }

    fn must_stop(&self) -> bool {
        if self.stopped.borrow().is_some() {
            return true;
        }
        let done = self.operations.get();
        if done > self.bounds.operations {
            self.stop(format!(
                "the script does too much work: it hit the limit of {} operations",
                self.bounds.operations
            ));
            return true;
        }
        if self.over_memory() {
            self.stop(format!(
                "the script needs too much memory: it hit the limit of {} MB",
                self.bounds.memory_bytes >> 20
            ));
            return true;
        }
        if let Some(reason) = self.bounds.interrupt.as_ref().and_then(|ask| ask()) {
            self.stop(reason);
            return true;
        }
        self.next_probe.set(done.saturating_add(PROBE_EVERY));
        false
    }

    fn stop(&self, reason: String) {
        self.stopped.borrow_mut().get_or_insert(reason);
        // Every later operation asks again and gets the same answer: no `try` outlives a stop.
        self.next_probe.set(0);
    }
}

/// Stops the script from within a function.
pub(crate) fn stop(reason: impl Into<String>) -> Box<EvalAltResult> {
    if let Some(turn) = current() {
        turn.stop(reason.into());
    }
    EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into()
}

/// Counts work that a function is about to do. One unit is about what one operation of the
/// interpreter costs; reading 64 bytes or visiting 4 items is one.
pub(crate) fn spend(units: usize) -> Result<(), Box<EvalAltResult>> {
    let Some(turn) = current() else { return Ok(()) };
    let done = turn.operations.get().saturating_add(units as u64);
    turn.operations.set(done);
    if (done >= turn.next_probe.get() || turn.over_memory()) && turn.must_stop() {
        return Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into());
    }
    Ok(())
}

/// Refuses a text that is about to be built.
pub(crate) fn text_of(bytes: usize) -> Result<(), Box<EvalAltResult>> {
    let limit = current().map_or_else(|| Bounds::default().string_bytes, |t| t.bounds.string_bytes);
    if bytes > limit {
        return Err(stop(too_long(bytes, limit)));
    }
    spend(bytes / 64)
}

/// Refuses a list that is about to be built.
pub(crate) fn list_of(items: usize) -> Result<(), Box<EvalAltResult>> {
    let limit = current().map_or_else(|| Bounds::default().array_items, |t| t.bounds.array_items);
    if items > limit {
        return Err(stop(too_many(items, limit)));
    }
    spend(items / 4)
}

/// Refuses a map that is about to be built.
pub(crate) fn map_of(entries: usize) -> Result<(), Box<EvalAltResult>> {
    let limit = current().map_or_else(|| Bounds::default().map_items, |t| t.bounds.map_items);
    if entries > limit {
        return Err(stop(too_wide(entries, limit)));
    }
    spend(entries / 4)
}

/// How deep values may be nested in this evaluation.
pub(crate) fn nesting() -> usize {
    current()
        .map_or_else(|| Bounds::default().nesting, |turn| turn.bounds.nesting)
        .min(120)
}

fn too_long(bytes: usize, limit: usize) -> String {
    format!("a text of {bytes} bytes is too long: the limit is {limit}")
}

fn too_many(items: usize, limit: usize) -> String {
    format!("a list of {items} items is too long: the limit is {limit}")
}

fn too_wide(entries: usize, limit: usize) -> String {
    format!("a map of {entries} entries is too large: the limit is {limit}")
}

pub(crate) fn too_deep(limit: usize) -> String {
    format!("lists and maps are nested more than {limit} deep")
}

/// The instant of the turn, in milliseconds.
pub(crate) fn now_ms() -> i64 {
    current().map_or(0, |turn| turn.now_ms)
}

/// The next number of the dice (SplitMix64).
pub(crate) fn roll() -> u64 {
    let Some(turn) = current() else { return 0 };
    let seed = turn.dice.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
    turn.dice.set(seed);
    let mut mixed = seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Remembers what one of our functions said, to tell it from a script's own `throw`.
pub(crate) fn note_complaint(message: &str) {
    if let Some(turn) = current() {
        *turn.complaint.borrow_mut() = Some(message.to_owned());
    }
}

/// The engine's callback for reading a variable that the script has not defined itself: an input
/// stands beside the script's own variables, so that closures can read it while it is in use.
pub(crate) fn input(name: &str) -> Option<Dynamic> {
    TURN.with(|slot| {
        let slot = slot.borrow();
        let inputs = &slot.as_deref()?.inputs;
        let (_, value) = inputs.iter().find(|(input, _)| input.as_str() == name)?;
        Some(value.clone())
    })
}

/// The engine's callback for reading a variable: measures what the script has built by hand.
///
/// A full measure is taken at most every 1,000 operations and less often if there is much to
/// measure. Where memory is not metered, the variable at hand is looked at each time, since a
/// text may double with every operation.
pub(crate) fn on_variable(
    name: &str,
    scope: &RhaiScope<'_>,
    this: Option<&Dynamic>,
) -> Result<(), Box<EvalAltResult>> {
    enum Look {
        Away,
        Once,
        Fully,
    }
    let look = TURN.with(|slot| match slot.borrow().as_deref() {
        Some(turn) if turn.operations.get() >= turn.next_walk.get() => Look::Fully,
        Some(turn) if turn.bounds.meter.is_none() => Look::Once,
        _ => Look::Away,
    });
    if matches!(look, Look::Away) {
        return Ok(());
    }
    let Some(turn) = current() else { return Ok(()) };
    if matches!(look, Look::Once) {
        return match scope.get(name) {
            Some(value) => glance(value, &turn.bounds).map_err(stop),
            None => Ok(()),
        };
    }
    let mut seen = 0;
    for (_, _, value) in scope.iter_raw() {
        walk(value, &turn.bounds, 0, &mut seen).map_err(stop)?;
    }
    if let Some(value) = this {
        walk(value, &turn.bounds, 0, &mut seen).map_err(stop)?;
    }
    let wait = (seen / 2).clamp(WALK_AT_LEAST_EVERY, WALK_AT_MOST_EVERY);
    turn.next_walk.set(turn.operations.get() + wait);
    Ok(())
}

/// A value that is locked looks like none of these; it is looked at when it is free again.
fn glance(value: &Dynamic, bounds: &Bounds) -> Result<(), String> {
    if let Ok(text) = value.as_immutable_string_ref() {
        if text.len() > bounds.string_bytes {
            return Err(too_long(text.len(), bounds.string_bytes));
        }
    } else if let Ok(list) = value.as_array_ref() {
        if list.len() > bounds.array_items {
            return Err(too_many(list.len(), bounds.array_items));
        }
    } else if let Ok(map) = value.as_map_ref()
        && map.len() > bounds.map_items
    {
        return Err(too_wide(map.len(), bounds.map_items));
    }
    Ok(())
}

fn walk(value: &Dynamic, bounds: &Bounds, depth: usize, seen: &mut u64) -> Result<(), String> {
    *seen += 1;
    glance(value, bounds)?;
    let limit = bounds.nesting.min(120);
    if depth > limit {
        return Err(too_deep(limit));
    }
    if let Ok(list) = value.as_array_ref() {
        for item in list.iter() {
            walk(item, bounds, depth + 1, seen)?;
        }
    } else if let Ok(map) = value.as_map_ref() {
        for item in map.values() {
            walk(item, bounds, depth + 1, seen)?;
        }
    } else if let Some(function) = value.read_lock::<FnPtr>() {
        for item in function.iter_curry() {
            walk(item, bounds, depth + 1, seen)?;
        }
    }
    Ok(())
}

/// A count given by a script, as a size.
pub(crate) fn count(number: i64, what: &str) -> Result<usize, Box<EvalAltResult>> {
    usize::try_from(number).map_err(|_| complaint(format!("{what} cannot be {number}")))
}

/// Measures a result against the bounds of sizes and nesting.
pub(crate) fn measure(value: &Dynamic, bounds: &Bounds) -> Result<(), String> {
    walk(value, bounds, 0, &mut 0)
}
