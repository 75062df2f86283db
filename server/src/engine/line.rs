//! The line in which runs wait where their flow or their trigger limits what is underway at once.
//!
//! The limit of a flow (`settings.concurrency`) is that of each server: several of them have as many times more underway.
//! The queue of a schedule (`overlap: queue`) holds over all servers, since that is a promise about order and not about load.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::task::coop::unconstrained;
use uuid::Uuid;

use super::{
    Engine, Place, Version,
    crowd::{Standing, is_called},
};
use crate::store::Kind;

/// Gives a run its places when it is its turn.
pub(super) type Line = BoxFuture<'static, Vec<Place>>;

/// How often to look whether an earlier run of a queue has ended that may be with another server.
const LOOK: Duration = Duration::from_millis(300);

/// The places that a run needs before it starts: that of its trigger's queue, then one within the flow's limit. Where
/// they are not free, the line instead, in which the run stands from here on, behind those that joined before; `standing` counts
/// it there until then. `alone` says that no run of this trigger is underway anywhere.
///
/// A called run needs none: its caller, who waits for it, may have the last one.
pub(super) fn join(
    engine: &Engine,
    version: &Arc<Version>,
    trigger: &str,
    run: Uuid,
    standing: Option<Standing>,
    alone: bool,
) -> (Vec<Place>, Option<Line>) {
    if is_called(version, trigger) {
        return (Vec::new(), None);
    }
    let queue = version.queues.get(trigger).map(Arc::clone);
    let turnstile = version.turnstile.as_ref().map(Arc::clone);
    let elsewhere = !alone && queue.is_some() && engine.store().kind() == Kind::Postgresql;
    let (engine, version, trigger) = (engine.clone(), Arc::clone(version), trigger.to_owned());
    let mut line = async move {
        let _standing = standing;
        let mut places = Vec::new();
        // A semaphore that is never closed always gives a place.
        if let Some(queue) = queue {
            places.extend(queue.acquire_owned().await.ok());
        }
        if elsewhere {
            first(&engine, &version, &trigger, run).await;
        }
        if let Some(turnstile) = turnstile {
            places.extend(turnstile.acquire_owned().await.ok());
        }
        places
    }
    .boxed();
    // Looked at once, so that it stands in line; a task that has done much already must not be passed over for that.
    match unconstrained(&mut line).now_or_never() {
        Some(places) => (places, None),
        None => (Vec::new(), Some(line)),
    }
}

/// Waits until no earlier run of a trigger is left on any server. Earlier is what has the smaller id, so that of two runs
/// only one waits for the other.
async fn first(engine: &Engine, version: &Version, trigger: &str, run: Uuid) {
    loop {
        let earlier = engine
            .store()
            .earlier(&version.workspace, &version.flow, trigger, run)
            .await;
        match earlier {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => tracing::debug!(%run, %error, "a queue could not be looked at"),
        }
        tokio::time::sleep(LOOK).await;
    }
}
