//! What other servers on the same database do, as far as it matters here; and what this one tells them.
//!
//! A look about once a second is the truth. Hints that the servers call out to each other make it come sooner. On SQLite nobody
//! else is there, and nothing of this runs.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Notify, broadcast::error::RecvError},
    time::{Instant, sleep, sleep_until},
};
use uuid::Uuid;
use weir_flows::run::Status;

use super::{Change, Engine, Error};
use crate::{
    store::{Hint, Kind},
    world::Point,
};

/// How often to look: about once a second.
const LOOK: Duration = Duration::from_millis(1_000);

/// How soon after a hint to look; others often come right behind it.
const SOON: Duration = Duration::from_millis(20);

/// How long runs that have moved are gathered before the others are told.
const GATHER: Duration = Duration::from_millis(300);

/// How many runs are told of at once; of more only how many they are. A hint is small.
const MOST: usize = 30;

/// How long what is told may be, in bytes: well within what a hint may have.
const LONGEST: usize = 7_500;

/// How often orders are looked for that nobody waits for any more.
const SWEEP: Duration = Duration::from_secs(60);

/// The states of a run.
const ALL: [Status; 5] = [
    Status::Running,
    Status::Waiting,
    Status::Succeeded,
    Status::Failed,
    Status::Cancelled,
];

/// What is on its way to and from other servers.
#[derive(Default)]
pub(super) struct Others {
    /// Whether there are any.
    company: AtomicBool,
    moved: Mutex<HashMap<Uuid, Moved>>,
    /// How many more have moved than are told of.
    more: AtomicU64,
    gathering: Notify,
    /// The orders that are being carried out.
    orders: Mutex<HashSet<Uuid>>,
}

/// How a run of another server has moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Moved {
    workspace: String,
    run: Uuid,
    flow: String,
    version: u32,
    trigger: String,
    status: String,
    at: i64,
}

/// What one server tells the others.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    server: Uuid,
    runs: Vec<Moved>,
    more: u64,
}

impl Told {
    /// As text. Where it would be too long, some runs are only counted.
    fn write(mut self) -> Option<String> {
        loop {
            let text = serde_json::to_string(&self).ok()?;
            if text.len() <= LONGEST {
                return Some(text);
            }
            let dropped = self.runs.split_off(self.runs.len() / 2);
            self.more = self.more.saturating_add(dropped.len() as u64);
        }
    }
}

impl Engine {
    /// Whether other servers work on the database.
    fn in_company(&self) -> bool {
        self.0.others.company.load(Ordering::Relaxed)
    }

    /// Tells the other servers how a run has moved, in a moment and together with others.
    pub(super) fn tell_others(&self, change: impl FnOnce() -> Change) {
        if !self.in_company() {
            return;
        }
        let others = &self.0.others;
        let change = change();
        let mut moved = others.moved.lock();
        if moved.len() >= MOST && !moved.contains_key(&change.run) {
            others.more.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let told = Moved {
            workspace: change.workspace,
            run: change.run,
            flow: change.flow,
            version: change.version,
            trigger: change.trigger,
            status: change.status.word().to_owned(),
            at: change.at,
        };
        if moved.insert(told.run, told).is_none() && moved.len() == 1 {
            others.gathering.notify_one();
        }
    }

    /// Another server has told how its runs moved.
    fn heard(&self, text: &str) {
        // A newer server may write it another way; the lists are right all the same.
        let Ok(told) = serde_json::from_str::<Told>(text) else {
            return;
        };
        if self.0.tenure.load().server == told.server {
            return;
        }
        let more = told.more;
        for (place, moved) in told.runs.into_iter().enumerate() {
            let Some(status) = ALL.into_iter().find(|status| status.word() == moved.status) else {
                continue;
            };
            if status.is_final() {
                self.0.waiting.look(moved.run);
            }
            // Nobody listening is no error.
            let _ = self.0.changes.send(Arc::new(Change {
                workspace: moved.workspace,
                run: moved.run,
                flow: moved.flow,
                version: moved.version,
                trigger: moved.trigger,
                status,
                at: moved.at,
                steps: None,
                more: if place == 0 { more } else { 0 },
            }));
        }
    }
}

/// Tells the others what has moved, until the process stops.
pub(super) async fn tell(engine: Engine) {
    let others = &engine.0.others;
    loop {
        tokio::select! {
            () = others.gathering.notified() => {}
            () = engine.stopping() => return,
        }
        sleep(GATHER).await;
        let moved = std::mem::take(&mut *others.moved.lock());
        let told = Told {
            server: engine.0.tenure.load().server,
            runs: moved.into_values().collect(),
            more: others.more.swap(0, Ordering::Relaxed),
        };
        let Some(text) = told.write() else {
            continue;
        };
        if let Err(error) = engine.store().hint(&Hint::Moved(text)).await {
            tracing::debug!(%error, "other servers could not be told how runs moved");
        }
    }
}

/// Looks at what the others do, until the process stops.
pub(super) async fn watch(engine: Engine, mut counted: Option<i64>) {
    if engine.store().kind() == Kind::Sqlite {
        return;
    }
    let mut hints = engine.store().hints();
    let mut swept = Instant::now();
    loop {
        if let Err(error) = look(&engine, &mut counted, &mut swept).await {
            tracing::debug!(%error, "what other servers do could not be seen; looking again");
        }
        let mut until = Instant::now() + engine.jitter(LOOK);
        loop {
            tokio::select! {
                () = sleep_until(until) => break,
                hint = hints.recv() => match hint {
                    Ok(Hint::Moved(text)) => engine.heard(&text),
                    Ok(Hint::Runs) => engine.0.claims.notify_one(),
                    Ok(Hint::Flows | Hint::Orders | Hint::Anything) | Err(RecvError::Lagged(_)) => {
                        until = until.min(Instant::now() + SOON);
                    }
                    Err(RecvError::Closed) => return,
                },
                () = engine.stopping() => return,
            }
        }
    }
}

/// Counts the servers, so that one which starts does not begin with a whole limit that others have.
pub(super) async fn count(engine: &Engine) -> Result<(), Error> {
    let servers = match engine.store().kind() {
        Kind::Sqlite => 1,
        Kind::Postgresql => engine.store().look().await?.servers,
    };
    share(engine, servers);
    Ok(())
}

fn share(engine: &Engine, servers: u32) {
    engine.0.gate.share_with(servers);
    metrics::gauge!("weir_servers").set(servers);
}

async fn look(
    engine: &Engine,
    counted: &mut Option<i64>,
    swept: &mut Instant,
) -> Result<(), Error> {
    let look = engine.store().look().await?;
    let company = &engine.0.others.company;
    company.store(look.servers > 1, Ordering::Relaxed);
    share(engine, look.servers);
    if *counted != Some(look.flows) {
        *counted = engine.follow_flows().await?;
    }
    let tenure = engine.tenure()?;
    if look.ended {
        let servers = engine.store().take_over().await?;
        if servers > 0 {
            engine.world().pass(Point::LeaseTaken);
            tracing::warn!(
                servers,
                "took over from servers that were silent for longer than their lease"
            );
            engine.0.claims.notify_one();
            // Their polls are due again.
            engine.0.schedule_changed.notify_one();
        }
    }
    if look.answers {
        engine.0.answers.look();
    }
    if look.orders {
        for order in engine.store().orders(tenure.server).await? {
            if engine.0.others.orders.lock().insert(order.id) {
                engine.0.tasks.spawn(carry_out(engine.clone(), order));
            }
        }
        if swept.elapsed() > SWEEP {
            *swept = Instant::now();
            engine.store().forget_orders().await?;
        }
    }
    Ok(())
}

/// Does what a person asked another server for.
async fn carry_out(engine: Engine, order: crate::store::Order) {
    let (id, run) = (order.id, order.run);
    match engine.obey(&order).await {
        Ok(true) => {
            let settled = engine.store().settle(&order.workspace, run, id).await;
            if let Err(error) = settled {
                tracing::debug!(%run, %error, "an order that was carried out still stands; it changes nothing a second time");
            }
        }
        Ok(false) => {}
        Err(error) => tracing::debug!(%run, %error, "an order could not be carried out yet"),
    }
    engine.0.others.orders.lock().remove(&id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_fits_and_nothing_is_left_uncounted() {
        let moved = |number: u128| Moved {
            workspace: "w".repeat(63),
            run: Uuid::from_u128(number),
            flow: "f".repeat(63),
            version: u32::MAX,
            trigger: "t".repeat(63),
            status: Status::Cancelled.word().to_owned(),
            at: i64::MAX,
        };
        for most in [1, 5, 30, 200] {
            let told = Told {
                server: Uuid::nil(),
                runs: (0..most).map(moved).collect(),
                more: 7,
            };
            let text = told.write().unwrap();
            assert!(text.len() <= LONGEST, "{}", text.len());
            let told: Told = serde_json::from_str(&text).unwrap();
            assert!(!told.runs.is_empty());
            assert_eq!(told.runs.len() as u128 + u128::from(told.more), most + 7);
        }
    }
}
