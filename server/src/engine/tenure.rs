//! The time during which this server is one and the same to the others: what it has then, and what it does when that ends.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{Engine, Error};
use crate::{
    store::{self, Held, Lease},
    world::World,
};

/// How long to wait before registering is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// A tenure: from registering to the loss of the lease, or to the end of the process.
pub(super) struct Tenure {
    /// Who this server is to the others.
    pub server: Uuid,
    /// Cancelled when the lease is lost: whoever drives a run stops without writing.
    pub over: CancellationToken,
    /// Those who drive runs.
    pub runs: TaskTracker,
}

impl Tenure {
    pub(super) fn new(server: Uuid) -> Arc<Tenure> {
        Arc::new(Tenure {
            server,
            over: CancellationToken::new(),
            runs: TaskTracker::new(),
        })
    }
}

impl Engine {
    /// The tenure of this server.
    ///
    /// # Errors
    /// Of the store, `Fenced`, from the loss of a lease until the next one begins.
    pub(super) fn tenure(&self) -> Result<Arc<Tenure>, Error> {
        let tenure = self.0.tenure.load_full();
        match tenure.over.is_cancelled() {
            true => Err(store::Error::Fenced.into()),
            false => Ok(tenure),
        }
    }
}

impl Tenure {
    /// Waits until nobody can have taken over, by this machine's own steady clock. A server that was frozen finds its lease
    /// old, and learns from the next renewal whether it still has one: until then it begins nothing that reaches the outside.
    pub(super) async fn sure(engine: &Engine) {
        let mut lease = engine.store().lease();
        let unsure = |lease: &Lease| match lease {
            Lease::Held(held) => held.sure_until.is_some_and(|until| until < Instant::now()),
            Lease::Unregistered | Lease::Lost => false,
        };
        // An error means that the store is closed; then nothing is committed, and so nothing begun, any more.
        let _ = lease.wait_for(|lease| !unsure(lease)).await;
    }
}

/// Watches over the lease until the process stops.
pub(super) async fn keep(engine: Engine) {
    let mut lease = engine.store().lease();
    loop {
        let now = *lease.borrow_and_update();
        match now {
            Lease::Unregistered => {}
            Lease::Held(held) => heed(engine.world(), &held),
            Lease::Lost => anew(&engine).await,
        }
        tokio::select! {
            changed = lease.changed() => if changed.is_err() {
                return;
            },
            // What is in flight may still end; if the lease is lost meanwhile, the store refuses it.
            () = engine.stopping() => return,
        }
    }
}

/// All servers on a database follow its clock, so that none is early or late for what they have in common.
pub(super) fn heed(world: &World, held: &Held) {
    let Some((clock, read)) = held.clock else {
        return;
    };
    let since = i64::try_from(read.elapsed().as_millis()).unwrap_or(0);
    if let Some(off) = world.follow(clock.saturating_add(since)) {
        tracing::warn!(
            milliseconds = off,
            "this machine's clock is not that of the database, which is followed from here on; set the clock of both, or of the one that is wrong"
        );
    }
}

/// Lets go of everything that others have by now, and begins as another server.
async fn anew(engine: &Engine) {
    let tenure = engine.0.tenure.load_full();
    tenure.over.cancel();
    tenure.runs.close();
    // Nobody who drove a run for the old identity is left when the new one takes up its first.
    tenure.runs.wait().await;
    loop {
        match engine.store().register(engine.world().id()).await {
            Ok(server) => {
                tracing::info!(%server, "registered anew");
                engine.0.tenure.store(Tenure::new(server));
                engine.0.claims.notify_one();
                return;
            }
            Err(error) => tracing::warn!(%error, "cannot register anew; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = engine.stopping() => return,
        }
    }
}
