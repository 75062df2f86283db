//! Time, dice, ids and faults: the one place of the server that reads a clock or asks for randomness.

mod fault;

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};
use std::time::Duration;

use uuid::Uuid;

pub use fault::{BadPoint, Faults, Point};

/// Where time, randomness and ids come from. Cheap to clone; all clones are the same world.
///
/// The real one asks the operating system. A manual one stands still until it is told to move, and
/// gives the same dice and ids for the same seed, so that a test that failed can be run again.
#[derive(Clone, Debug)]
pub struct World(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    faults: Faults,
    /// The last id's milliseconds and counter, as `now << 12 | counter`.
    last_id: AtomicU64,
}

/// How far a clock may be from the one it follows, in milliseconds. What is less is left to those who set the clocks of machines.
const TOLERANCE: u64 = 500;

#[derive(Debug)]
enum Source {
    /// The system's clock, and what is to be added to it.
    Real(AtomicI64),
    Manual {
        now_ms: AtomicI64,
        dice: AtomicU64,
    },
}

impl World {
    /// The world outside: the system's clock and the system's randomness.
    pub fn real() -> Self {
        World::failing(0, Faults::default())
    }

    /// The world outside with a clock that goes wrong by so many milliseconds, for a process that ends where `faults` say: for
    /// tests of such machines.
    pub fn failing(by_ms: i64, faults: Faults) -> Self {
        World::new(Source::Real(AtomicI64::new(by_ms)), faults)
    }

    /// A world for tests, which begins at `now_ms` (Unix time in milliseconds) and whose dice follow from `seed`.
    pub fn manual(now_ms: i64, seed: u64) -> Self {
        let source = Source::Manual {
            now_ms: AtomicI64::new(now_ms),
            dice: AtomicU64::new(seed),
        };
        World::new(source, Faults::default())
    }

    fn new(source: Source, faults: Faults) -> Self {
        World(Arc::new(Inner {
            source,
            faults,
            last_id: AtomicU64::new(0),
        }))
    }

    /// Unix time in milliseconds. It may go backwards where the system's clock is set back.
    pub fn now_ms(&self) -> i64 {
        match &self.0.source {
            Source::Real(shift) => system_now_ms().saturating_add(shift.load(Ordering::SeqCst)),
            Source::Manual { now_ms, .. } => now_ms.load(Ordering::SeqCst),
        }
    }

    /// Follows a clock that several servers share and that shows `now_ms`: where this one is off by more than half a second, it
    /// is set by that, and the difference is given. A manual clock is left alone.
    pub fn follow(&self, now_ms: i64) -> Option<i64> {
        let Source::Real(shift) = &self.0.source else {
            return None;
        };
        let off = now_ms.saturating_sub(self.now_ms());
        (off.unsigned_abs() > TOLERANCE).then(|| {
            shift.fetch_add(off, Ordering::SeqCst);
            off
        })
    }

    /// Passes a point at which a test may want the process to end.
    pub fn pass(&self, point: Point) {
        self.0.faults.pass(point);
    }

    /// A random number.
    pub fn dice(&self) -> u64 {
        let mut bytes = [0; 8];
        self.random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Fills the buffer with random bytes; those of the real world are fit for keys.
    pub fn random(&self, buffer: &mut [u8]) {
        match &self.0.source {
            Source::Real(_) => system_random(buffer),
            Source::Manual { dice, .. } => {
                for chunk in buffer.chunks_mut(8) {
                    chunk.copy_from_slice(&split_mix(dice).to_le_bytes()[..chunk.len()]);
                }
            }
        }
    }

    /// A new UUID of version 7 (RFC 9562 section 5.7).
    ///
    /// Ids of one process always grow, also within a millisecond and when the clock is set back: the
    /// twelve bits after the time are a counter with a random start (section 6.2, method 1). The other
    /// 62 bits are random.
    pub fn id(&self) -> Uuid {
        let (high, low) = (self.dice(), self.dice());
        let now = u64::try_from(self.now_ms()).unwrap_or(0) & ((1 << 48) - 1);
        let fresh = (now << 12) | (high & 0x7ff);
        let next = |last: u64| fresh.max(last + 1);
        let last = self
            .0
            .last_id
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)))
            .unwrap_or_else(|last| last);
        let stamp = next(last);

        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&(stamp >> 12).to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x7000 | (stamp & 0xfff) as u16).to_be_bytes());
        bytes[8..].copy_from_slice(&(low >> 2 | 1 << 63).to_be_bytes());
        Uuid::from_bytes(bytes)
    }

    /// Lets time pass in a manual world.
    ///
    /// # Panics
    ///
    /// In the real world, where time passes by itself.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.manual_now().fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the clock of a manual world, in Unix milliseconds.
    ///
    /// # Panics
    ///
    /// In the real world, whose clock is not ours.
    pub fn set_now_ms(&self, now: i64) {
        self.manual_now().store(now, Ordering::SeqCst);
    }

    fn manual_now(&self) -> &AtomicI64 {
        match &self.0.source {
            Source::Manual { now_ms, .. } => now_ms,
            Source::Real(_) => {
                panic!("the clock of the real world cannot be set; use World::manual")
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
fn system_now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where randomness is asked for"
)]
fn system_random(buffer: &mut [u8]) {
    // Nothing that needs randomness may go on without it, and the system's source fails only where it is missing.
    getrandom::fill(buffer).expect("the operating system gives randomness");
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, well distributed, and enough for tests.
fn split_mix(state: &AtomicU64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut z = state.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_dice_of_a_seed_are_those_of_the_paper() {
        // The published first outputs of SplitMix64 for the seed 1234567.
        let world = World::manual(0, 1_234_567);
        let rolls: Vec<u64> = (0..5).map(|_| world.dice()).collect();
        assert_eq!(
            rolls,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn ids_carry_the_time_and_always_grow() {
        let world = World::manual(1_700_000_000_000, 7);
        let first = world.id();
        assert_eq!(first.get_version_num(), 7);
        assert_eq!(first.get_variant(), uuid::Variant::RFC4122);
        let (secs, nanos) = first.get_timestamp().unwrap().to_unix();
        assert_eq!((secs, nanos), (1_700_000_000, 0));

        let mut last = first;
        // More than the counter holds, so that it runs over into the milliseconds.
        for _ in 0..10_000 {
            let next = world.id();
            assert!(next > last);
            last = next;
        }
        world.set_now_ms(1_600_000_000_000);
        assert!(world.id() > last, "a clock that was set back");
        world.set_now_ms(1_800_000_000_000);
        assert_eq!(
            world.id().get_timestamp().unwrap().to_unix().0,
            1_800_000_000
        );
    }

    #[test]
    fn a_manual_world_is_repeatable_and_moves_only_when_told() {
        let (a, b) = (World::manual(5, 1), World::manual(5, 1));
        assert_eq!(a.id(), b.id());
        let (mut x, mut y) = ([0; 21], [0; 21]);
        a.random(&mut x);
        b.random(&mut y);
        assert_eq!(x, y);
        assert_ne!(x, [0; 21]);
        a.clone().advance(Duration::from_secs(2));
        assert_eq!(a.now_ms(), 2_005, "clones share the clock");
    }

    #[test]
    fn a_clock_that_is_wrong_follows_a_shared_one() {
        let (right, wrong) = (World::real(), World::failing(-600_000, Faults::default()));
        let off = wrong.follow(right.now_ms()).unwrap();
        assert!((599_000..=601_000).contains(&off), "{off}");
        assert!((wrong.now_ms() - right.now_ms()).abs() < 1_000);
        assert_eq!(
            right.follow(right.now_ms() + 100),
            None,
            "that is near enough"
        );
        assert_eq!(World::manual(5, 1).follow(1_000_000), None);
    }

    #[test]
    fn the_real_world_gives_distinct_ids_to_many_threads() {
        let world = World::real();
        let ids: Vec<Uuid> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..2_000).map(|_| world.id()).collect::<Vec<_>>()))
                .collect();
            threads
                .into_iter()
                .flat_map(|t| t.join().unwrap())
                .collect()
        });
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert!(world.now_ms() > 1_700_000_000_000);
    }
}
