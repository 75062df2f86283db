//! The line in which runs wait where their flow or their trigger limits what is underway at once.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use tokio::task::coop::unconstrained;
use weir_flows::plan::Source;

use super::{Place, Version};

/// Gives a run its places when it is its turn.
pub(super) type Line = BoxFuture<'static, Vec<Place>>;

/// The places that a run needs before it starts: that of its trigger's queue, then one within the flow's limit. Where
/// they are not free, the line instead, in which the run stands from here on, behind those that joined before.
///
/// A called run needs none: its caller, who waits for it, may have the last one.
pub(super) fn join(version: &Version, trigger: &str) -> (Vec<Place>, Option<Line>) {
    let compiled = version.plan.triggers.get(trigger);
    if compiled.is_some_and(|trigger| matches!(trigger.source, Source::Flow)) {
        return (Vec::new(), None);
    }
    let queue = version.queues.get(trigger);
    let gates: Vec<_> = queue
        .into_iter()
        .chain(&version.turnstile)
        .map(Arc::clone)
        .collect();
    let mut line = async move {
        let mut places = Vec::with_capacity(gates.len());
        for gate in gates {
            // A semaphore that is never closed always gives a place.
            places.extend(gate.acquire_owned().await.ok());
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
