//! What attempts gave, kept for a while so that the `cache` of a step uses it again: in memory, and bounded.

use std::{collections::HashMap, sync::Arc};

use hashlink::LruCache;
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use weir_flows::{advance::Ask, plan::PlanAction};

use super::{Version, tries::size};

/// Which part of the whole memory one output may take at most.
const LARGEST_PART: u64 = 8;

/// Under which an output is found: a hash of all that must be the same.
pub(super) type Key = [u8; 32];

/// What is kept. What was used longest ago goes first.
pub(super) struct Cache {
    kept: Mutex<Kept>,
    most_bytes: u64,
    flights: Flights,
}

/// The attempts that are underway or wait for their turn, and whose end others wait for.
type Flights = Arc<Mutex<HashMap<Key, watch::Receiver<()>>>>;

/// The attempt that others wait for who want the same, until this is dropped.
pub(super) struct Flight {
    key: Key,
    flights: Flights,
    #[expect(dead_code, reason = "whoever waits sees it go")]
    end: watch::Sender<()>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

struct Kept {
    all: LruCache<Key, Output>,
    bytes: u64,
}

struct Output {
    value: Arc<Value>,
    bytes: u64,
    /// When it came, in milliseconds.
    at: i64,
}

/// The key of an attempt: the flow, the step, what its document says of the action and what its connection is, and then the key of
/// its policy, or the settings with their expressions evaluated.
pub(super) fn key(version: &Version, action: &PlanAction, connection: &str, ask: &Ask) -> Key {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for part in [
        version.workspace.as_str(),
        &version.flow,
        &ask.step,
        &action.kind,
        action.connection.as_deref().unwrap_or_default(),
        connection,
    ] {
        add(part.as_bytes());
    }
    add(action.written.to_string().as_bytes());
    match &ask.keys.cache {
        Some(key) => {
            add(b"key");
            add(key.as_bytes());
        }
        None => {
            add(b"settings");
            add(ask.config.to_string().as_bytes());
        }
    }
    hash.finalize().into()
}

impl Cache {
    /// Keeps at most so many outputs, which are together at most so many bytes of JSON.
    pub(super) fn new(most: usize, most_bytes: u64) -> Cache {
        Cache {
            kept: Mutex::new(Kept {
                all: LruCache::new(most),
                bytes: 0,
            }),
            most_bytes,
            flights: Flights::default(),
        }
    }

    /// Lets others wait for an attempt, or says when the one ends that is there already.
    pub(super) fn lead(&self, key: Key) -> Result<Flight, watch::Receiver<()>> {
        use std::collections::hash_map::Entry;
        match self.flights.lock().entry(key) {
            Entry::Occupied(other) => Err(other.get().clone()),
            Entry::Vacant(entry) => {
                let (end, seen) = watch::channel(());
                entry.insert(seen);
                Ok(Flight {
                    key,
                    flights: Arc::clone(&self.flights),
                    end,
                })
            }
        }
    }

    /// An output that is younger than `ttl_ms`.
    pub(super) fn get(&self, key: &Key, ttl_ms: u64, now: i64) -> Option<Arc<Value>> {
        let mut kept = self.kept.lock();
        let output = kept.all.get(key)?;
        (output.at.saturating_add_unsigned(ttl_ms) > now).then(|| Arc::clone(&output.value))
    }

    /// Keeps an output, unless it is too large.
    pub(super) fn put(&self, key: Key, value: &Arc<Value>, now: i64) {
        let bytes = size(&**value);
        let mut kept = self.kept.lock();
        if let Some(before) = kept.all.remove(&key) {
            kept.bytes -= before.bytes;
        }
        if kept.all.capacity() == 0 || bytes > self.most_bytes / LARGEST_PART {
            return;
        }
        while kept.bytes + bytes > self.most_bytes || kept.all.len() >= kept.all.capacity() {
            let Some((_, oldest)) = kept.all.remove_lru() else {
                break;
            };
            kept.bytes -= oldest.bytes;
        }
        let value = Arc::clone(value);
        kept.bytes += bytes;
        kept.all.insert(
            key,
            Output {
                value,
                bytes,
                at: now,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_gets_old() {
        let cache = Cache::new(3, 800);
        let value = |length: usize| Arc::new(json!("x".repeat(length)));
        for n in 0..4_u8 {
            cache.put([n; 32], &value(1), 1_000);
        }
        assert_eq!(cache.get(&[0; 32], 100, 1_000), None, "the oldest has gone");
        assert_eq!(cache.get(&[1; 32], 100, 1_099), Some(value(1)));
        assert_eq!(cache.get(&[1; 32], 100, 1_100), None, "it is too old");
        // What was used last stays.
        cache.put([4; 32], &value(1), 1_000);
        assert!(cache.get(&[1; 32], 100, 1_000).is_some());
        assert!(cache.get(&[2; 32], 100, 1_000).is_none());
        cache.put([1; 32], &value(2), 2_000);
        assert_eq!(cache.get(&[1; 32], 100, 2_000), Some(value(2)));
        cache.put([1; 32], &value(99), 3_000);
        assert_eq!(cache.get(&[1; 32], 100, 3_000), None, "it is too large");
        let large = Cache::new(1_000, 1_000);
        for n in 0..50_u8 {
            large.put([n; 32], &value(98), 0);
        }
        let kept = large.kept.lock();
        assert_eq!((kept.all.len(), kept.bytes), (10, 1_000));
    }
}
