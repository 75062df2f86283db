//! Forgets what is older or larger than the configuration keeps, a little at a time, and gives the space back.

use std::time::Duration;

use super::{Engine, Error};
use crate::store::Forgettable;

/// How much of the history is kept. Nothing that has not ended is ever forgotten.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Runs, from their end; `None` for ever.
    pub history: Option<Duration>,
    /// Dead letters that nobody has dealt with, from their failure; `None` for ever.
    pub open_letters: Option<Duration>,
    /// Dedupe keys, from their message; `None` for ever.
    pub dedupe: Option<Duration>,
    /// The size that the data may have, in bytes; beyond it the oldest runs go early. `None` where only age counts.
    pub size: Option<u64>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Retention {
    fn default() -> Self {
        Retention {
            history: Some(DAY * 30),
            open_letters: Some(DAY * 365),
            dedupe: Some(DAY * 90),
            size: None,
        }
    }
}

/// How often it is looked for something to forget.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// How many rows one transaction deletes: few enough for those who wait behind it.
const PORTION: u32 = 100;

/// How many dedupe keys one transaction deletes. They are small, and each look goes over all of them.
const KEYS: u32 = 5_000;

/// Runs that have just ended are kept for this long even where the data is too large: somebody may be looking at them.
const FRESH: Duration = Duration::from_secs(60);

/// Forgets until the process stops.
pub(super) async fn forget_when_due(engine: Engine) {
    loop {
        // Several servers of one database do not all look at the same moment.
        let part = engine.world().dice() % 60;
        tokio::select! {
            () = tokio::time::sleep(EVERY + Duration::from_secs(part)) => {}
            () = engine.stopping() => return,
        }
        if let Err(error) = engine.forget().await {
            tracing::warn!(%error, "the history could not be shortened; trying again in some minutes");
        }
    }
}

impl Engine {
    /// Forgets all that is older or larger than the configuration keeps, and gives the space back.
    ///
    /// # Errors
    /// Those of the store; what was forgotten by then stays forgotten.
    pub async fn forget(&self) -> Result<(), Error> {
        let keep = self.limits().retention.clone();
        let now = self.world().now_ms();
        let before = |age: Option<Duration>| {
            age.map_or(i64::MIN, |age| {
                now.saturating_sub_unsigned(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
            })
        };
        let old = Forgettable {
            ended_before: before(keep.history),
            open_before: before(keep.open_letters),
        };
        let mut runs = self.forget_portions(old, None).await?;
        if let Some(size) = keep.size {
            let any = Forgettable {
                ended_before: before(Some(FRESH)),
                ..old
            };
            runs += self.forget_portions(any, Some(size)).await?;
        }
        let mut keys = 0;
        while !self.0.stopping.is_cancelled() {
            let forgotten = self.store().forget_keys(before(keep.dedupe), KEYS).await?;
            keys += forgotten;
            if forgotten < KEYS {
                break;
            }
        }
        while !self.0.stopping.is_cancelled()
            && self.store().forget_bodies(PORTION).await? >= PORTION
        {}
        while !self.0.stopping.is_cancelled()
            && self.store().forget_awaited(PORTION).await? >= PORTION
        {}
        while !self.0.stopping.is_cancelled() && self.store().give_back().await? {}
        if runs + keys > 0 {
            metrics::counter!("weir_runs_forgotten_total").increment(u64::from(runs));
            tracing::info!(
                runs,
                keys,
                "forgot what is older than the configuration keeps"
            );
        }
        Ok(())
    }

    /// Forgets runs portion by portion: all of these, or only until the data is no larger than `size`.
    async fn forget_portions(&self, which: Forgettable, size: Option<u64>) -> Result<u32, Error> {
        let mut runs = 0;
        while !self.0.stopping.is_cancelled() {
            if let Some(size) = size
                && self.store().size().await? <= size
            {
                break;
            }
            let forgotten = self.store().forget_runs(which, PORTION).await?;
            runs += forgotten;
            if forgotten < PORTION {
                break;
            }
        }
        Ok(runs)
    }
}
