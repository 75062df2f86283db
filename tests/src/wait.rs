//! Waiting for a condition with a deadline: the one place where a test lets time pass.

use std::{
    env, thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// How long anything may take before a test gives up. Far more than is needed, since machines are slow at times.
pub fn patience() -> Duration {
    Duration::from_secs(60)
}

/// How often something is done: the number in this environment variable, by which `make prove` makes a test longer, or the
/// usual one.
///
/// # Panics
/// When the variable is no number.
pub fn long_form(variable: &str, usual: usize) -> usize {
    env::var(variable).map_or(usual, |number| number.parse().unwrap())
}

/// Waits until there is something, and gives it. `what` names it in the report of a test that waited in vain.
///
/// # Panics
/// When nothing is there in time.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            start.elapsed() < patience(),
            "waited {} s for {what}",
            patience().as_secs()
        );
        // Not a thread's sleep: `unpark` could end it early, which does no harm here.
        thread::park_timeout(LOOK);
    }
}
