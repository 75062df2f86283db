//! Shares out places between those who want some, so that whoever wants the most does not keep the others out.
//!
//! An eighth of the places is a reserve. What is free beyond it is for whoever asks, so one alone has nearly all. Of the reserve
//! one gets no more than it leaves to others, what it has already included. So whoever has many leaves it alone, and whoever has none finds
//! a place there. While nothing but the reserve is free, a place that is given back goes to those who have few: they need not wait for
//! more than that, however much others want. It is the rule of dynamic thresholds for shared buffers (Choudhury and Hahne, 1998), applied
//! to the reserve alone. It needs no list of who waits.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// One place of so many is a reserve.
const RESERVE: usize = 8;

/// Places that are shared out.
pub(crate) struct Shares<K: Eq + Hash + Clone>(Arc<Inner<K>>);

struct Inner<K> {
    state: Mutex<State<K>>,
    /// Whether somebody got none and wants to know when some are free.
    wanted: AtomicBool,
    freed: Notify,
}

struct State<K> {
    free: usize,
    /// How many of those that are free are only for who has fewer.
    reserve: usize,
    /// Who has how many; without those who have none.
    taken: HashMap<K, usize>,
}

/// Some of the places, for as long as this lives.
pub(crate) struct Share<K: Eq + Hash + Clone> {
    of: Arc<Inner<K>>,
    key: K,
    places: usize,
}

impl<K: Eq + Hash + Clone> Shares<K> {
    /// So many places, all of them free.
    pub(crate) fn new(places: usize) -> Self {
        Shares(Arc::new(Inner {
            state: Mutex::new(State {
                free: places,
                // Of two places one, of one none.
                reserve: places.div_ceil(RESERVE).min(places.saturating_sub(1)),
                taken: HashMap::new(),
            }),
            wanted: AtomicBool::new(false),
            freed: Notify::new(),
        }))
    }

    /// Takes so many places, where `key` has not had its share yet.
    pub(crate) fn take(&self, key: &K, places: usize) -> Option<Share<K>> {
        self.take_if(key, places, |taken, state| {
            state.free - places >= state.reserve || taken + places <= state.free
        })
    }

    /// The same whatever `key` has, as long as so many are free.
    pub(crate) fn take_any(&self, key: &K, places: usize) -> Option<Share<K>> {
        self.take_if(key, places, |_, _| true)
    }

    fn take_if(
        &self,
        key: &K,
        places: usize,
        rule: impl FnOnce(usize, &State<K>) -> bool,
    ) -> Option<Share<K>> {
        let mut state = self.0.state.lock();
        let taken = state.taken.get(key).copied().unwrap_or(0);
        if places > state.free || !rule(taken, &state) {
            return None;
        }
        state.free -= places;
        *state.taken.entry(key.clone()).or_default() += places;
        Some(Share {
            of: Arc::clone(&self.0),
            key: key.clone(),
            places,
        })
    }

    /// How many places are taken.
    pub(crate) fn taken(&self) -> usize {
        self.0.state.lock().taken.values().sum()
    }

    /// Whether [`freed`](Self::freed) is to resolve once a place is given back from here on.
    pub(crate) fn want(&self, wanted: bool) {
        self.0.wanted.store(wanted, Ordering::SeqCst);
    }

    /// Resolves once a place was given back after somebody wanted one.
    pub(crate) async fn freed(&self) {
        self.0.freed.notified().await;
    }
}

impl<K: Eq + Hash + Clone> Drop for Share<K> {
    fn drop(&mut self) {
        let mut state = self.of.state.lock();
        state.free += self.places;
        if let Some(taken) = state.taken.get_mut(&self.key) {
            *taken -= self.places;
            if *taken == 0 {
                state.taken.remove(&self.key);
            }
        }
        drop(state);
        if self.of.wanted.swap(false, Ordering::SeqCst) {
            self.of.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn all<K: Eq + Hash + Clone>(shares: &Shares<K>, key: K) -> Vec<Share<K>> {
        std::iter::from_fn(|| shares.take(&key, 1)).collect()
    }

    #[test]
    fn one_alone_has_nearly_all_and_who_comes_next_finds_room() {
        let shares = Shares::new(800);
        let mut first = all(&shares, "a");
        assert_eq!(first.len(), 700, "alone, all but the reserve");
        let mut second = all(&shares, "b");
        assert_eq!(second.len(), 50, "half of the reserve");
        assert!(!all(&shares, "c").is_empty(), "and there is more");
        // What is given back goes to those who have few.
        while first.len() > 610 {
            first.pop();
            assert!(shares.take(&"a", 1).is_none());
            second.extend(shares.take(&"b", 1));
        }
        assert_eq!(second.len(), 95);
        // Once they have gone, the first one has nearly all again.
        drop(second);
        first.extend(all(&shares, "a"));
        assert_eq!((first.len(), shares.taken()), (700, 700));
    }

    #[test]
    fn nobody_waits_for_ever_whoever_is_greedy() {
        for places in 2..70 {
            let shares = Shares::new(places);
            let mut greedy = all(&shares, 0);
            assert!(greedy.len() * 8 + 8 >= places * 7, "{places}");
            // However many have come and stay, the next one waits for one place that is given back, and not for two.
            let mut others = Vec::new();
            while greedy.len() > 1 {
                let next = others.len() + 1;
                let found = shares.take(&next, 1).or_else(|| {
                    greedy.pop();
                    assert!(shares.take(&0, 1).is_none(), "{places} {next}");
                    shares.take(&next, 1)
                });
                others.push(found.expect("a place"));
            }
        }
    }

    #[test]
    fn what_is_large_leaves_as_much_to_others() {
        let shares = Shares::new(80);
        let many: Vec<_> = std::iter::from_fn(|| shares.take(&"a", 10)).collect();
        assert_eq!(many.len(), 7);
        assert!(
            shares
                .take(&"b", 6)
                .is_some_and(|_| shares.take(&"b", 5).is_none())
        );
        assert!(shares.take(&"b", 10).is_some());
    }

    #[test]
    fn the_last_place_is_for_who_has_none() {
        let shares = Shares::new(1);
        let only = shares.take(&"a", 1);
        assert!(only.is_some() && shares.take(&"b", 1).is_none());
        drop(only);
        assert!(shares.take(&"b", 1).is_some());
        let large = Shares::new(10);
        assert!(large.take(&"a", 11).is_none());
        assert!(large.take(&"a", 10).is_some());
    }

    #[test]
    fn who_calls_may_have_all_that_is_free() {
        let shares = Shares::new(4);
        let own = all(&shares, "a");
        assert_eq!(own.len(), 3);
        let more: Vec<_> = std::iter::from_fn(|| shares.take_any(&"a", 1)).collect();
        assert_eq!((more.len(), shares.taken()), (1, 4));
    }

    #[test]
    fn who_wants_a_place_is_told_once_one_is_free() {
        let shares = Shares::new(2);
        let one = shares.take(&"a", 1);
        drop(shares.take(&"b", 1));
        assert!(shares.freed().now_or_never().is_none(), "nobody asked");
        shares.want(true);
        drop(one);
        assert!(shares.freed().now_or_never().is_some());
        assert!(shares.freed().now_or_never().is_none(), "told once");
    }
}
