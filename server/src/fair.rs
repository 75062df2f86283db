//! Shares out places between those who want some, so that whoever wants the most does not keep the others out.
//!
//! Who has some already gets another one only while more are free than they have. So one alone takes half of all, two a third
//! each, and so on; whatever they want, as much as one of them has stays free for who comes next. The rule is that of dynamic
//! thresholds for shared buffers (Choudhury and Hahne, 1998). It needs no list of who waits.

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
                taken: HashMap::new(),
            }),
            wanted: AtomicBool::new(false),
            freed: Notify::new(),
        }))
    }

    /// Takes so many places, where `key` has not had its share yet.
    pub(crate) fn take(&self, key: &K, places: usize) -> Option<Share<K>> {
        self.take_if(key, places, |taken, free| taken < free)
    }

    /// The same whatever `key` has, as long as so many are free.
    pub(crate) fn take_any(&self, key: &K, places: usize) -> Option<Share<K>> {
        self.take_if(key, places, |_, _| true)
    }

    fn take_if(
        &self,
        key: &K,
        places: usize,
        rule: impl FnOnce(usize, usize) -> bool,
    ) -> Option<Share<K>> {
        let mut state = self.0.state.lock();
        let taken = state.taken.get(key).copied().unwrap_or(0);
        if places > state.free || !rule(taken, state.free) {
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

    fn all<'a>(shares: &Shares<&'a str>, key: &'a str) -> Vec<Share<&'a str>> {
        std::iter::from_fn(|| shares.take(&key, 1)).collect()
    }

    #[test]
    fn whoever_wants_the_most_leaves_as_much_to_others() {
        let shares = Shares::new(120);
        let first = all(&shares, "a");
        assert_eq!(first.len(), 60, "alone, half of all");
        let second = all(&shares, "b");
        assert_eq!(second.len(), 30, "then half of what is left");
        assert_eq!(all(&shares, "a").len(), 0);
        // What was taken too early goes back by and by, until both have the same.
        drop(first);
        assert_eq!(all(&shares, "b").len() + second.len(), 60);
        assert_eq!(shares.taken(), 30);
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
        let half = all(&shares, "a");
        assert_eq!(half.len(), 2);
        let more: Vec<_> = std::iter::from_fn(|| shares.take_any(&"a", 1)).collect();
        assert_eq!((more.len(), shares.taken()), (2, 4));
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
