//! Which tries are remembered: bounded by number, by bytes and by age.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use crate::engine::TryLimits;

/// Tries that are underway, and those that ended lately.
pub(super) struct Kept<T> {
    limits: TryLimits,
    entries: HashMap<Uuid, Entry<T>>,
    /// Those that have ended with the time of that, the longest ago first.
    ended: VecDeque<(i64, Uuid)>,
    /// What all of them hold.
    bytes: u64,
}

struct Entry<T> {
    value: T,
    bytes: u64,
}

impl<T> Kept<T> {
    pub(super) fn new(limits: TryLimits) -> Self {
        Kept {
            limits,
            entries: HashMap::new(),
            ended: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(super) fn get(&self, id: Uuid) -> Option<&T> {
        self.entries.get(&id).map(|entry| &entry.value)
    }

    /// Takes one that begins. False if too many are underway or it is too large beside them.
    pub(super) fn begin(&mut self, id: Uuid, value: T, bytes: u64) -> bool {
        let underway = self.entries.len() - self.ended.len();
        if underway >= self.limits.underway || !self.fits(bytes) {
            return false;
        }
        self.bytes += bytes;
        self.entries.insert(id, Entry { value, bytes });
        true
    }

    /// Lets one that is underway hold more. False if that is too much.
    pub(super) fn grow(&mut self, id: Uuid, bytes: u64) -> bool {
        if !self.fits(bytes) {
            return false;
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.bytes += bytes;
            self.bytes += bytes;
        }
        true
    }

    /// One has ended.
    pub(super) fn end(&mut self, id: Uuid, now: i64) {
        self.ended.push_back((now, id));
        self.sweep(now);
    }

    /// Forgets those that ended too long ago or are too many.
    pub(super) fn sweep(&mut self, now: i64) {
        while let Some(due) = self.next_due()
            && (due <= now || self.ended.len() > self.limits.kept)
        {
            self.forget_one();
        }
    }

    /// When one is to be forgotten next.
    pub(super) fn next_due(&self) -> Option<i64> {
        let time = self.limits.time.as_millis();
        let time = u64::try_from(time).unwrap_or(u64::MAX);
        let (ended_at, _) = self.ended.front()?;
        Some(ended_at.saturating_add_unsigned(time))
    }

    /// Whether there is room for so many bytes more, made by forgetting those that have ended.
    fn fits(&mut self, bytes: u64) -> bool {
        while self.bytes.saturating_add(bytes) > self.limits.memory {
            if !self.forget_one() {
                return false;
            }
        }
        true
    }

    fn forget_one(&mut self) -> bool {
        let Some((_, id)) = self.ended.pop_front() else {
            return false;
        };
        if let Some(entry) = self.entries.remove(&id) {
            self.bytes -= entry.bytes;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: TryLimits = TryLimits {
        underway: 2,
        kept: 3,
        time: Duration::from_millis(1_000),
        memory: 100,
    };

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn there(kept: &Kept<()>) -> Vec<u128> {
        (0..20).filter(|n| kept.get(id(*n)).is_some()).collect()
    }

    #[test]
    fn only_so_many_are_underway() {
        let mut kept = Kept::new(LIMITS);
        assert!(kept.begin(id(1), (), 1) && kept.begin(id(2), (), 1));
        assert!(!kept.begin(id(3), (), 1));
        kept.end(id(1), 0);
        assert!(kept.begin(id(3), (), 1));
        assert_eq!(there(&kept), [1, 2, 3]);
    }

    #[test]
    fn those_that_ended_are_forgotten_by_number_and_age() {
        let mut kept = Kept::new(LIMITS);
        for number in 1..=5 {
            assert!(kept.begin(id(number), (), 10));
            kept.end(id(number), i64::try_from(number).unwrap());
        }
        assert_eq!(there(&kept), [3, 4, 5]);
        assert_eq!(kept.next_due(), Some(1_003));
        assert!(kept.begin(id(6), (), 10));
        kept.sweep(1_004);
        assert_eq!(there(&kept), [5, 6]);
        kept.sweep(9_999);
        assert_eq!((there(&kept), kept.next_due()), (vec![6], None));
        assert_eq!(kept.bytes, 10);
    }

    #[test]
    fn what_has_ended_makes_room_and_what_is_underway_does_not() {
        let mut kept = Kept::new(LIMITS);
        assert!(kept.begin(id(1), (), 30));
        kept.end(id(1), 0);
        assert!(kept.begin(id(2), (), 60));
        assert!(kept.grow(id(2), 10), "there is room for 100");
        assert_eq!(there(&kept), [1, 2]);
        assert!(kept.grow(id(2), 30));
        assert_eq!(there(&kept), [2]);
        assert!(!kept.grow(id(2), 1));
        assert!(!kept.begin(id(3), (), 1));
        kept.end(id(2), 1);
        assert!(!kept.begin(id(3), (), 101));
        assert!(kept.begin(id(3), (), 100));
        assert_eq!((there(&kept), kept.bytes), (vec![3], 100));
    }
}
