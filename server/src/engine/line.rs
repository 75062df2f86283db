//! The line in which runs wait where their flow or their trigger limits what is underway at once.
//!
//! The limit of a flow (`settings.concurrency`) is that of each server: several of them have as many times more underway.
//! The order of a schedule (`overlap: queue` and `cancel`) holds over all servers, since that is a promise about order and not
//! about load.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::task::coop::unconstrained;
use uuid::Uuid;
use weir_flows::{
    failure::Failure,
    plan::{Plan, Source, flow_key},
    run::Run,
    schedule::Overlap,
    script::Moment,
};

use super::{
    Engine, Version,
    crowd::{Standing, is_called},
    gate::{Entry, Pass, Rule},
};
use crate::store::Kind;

/// Gives a run its places when it is its turn.
pub(super) type Line = BoxFuture<'static, Vec<Pass>>;

/// How often to look whether an earlier run of a trigger has ended that may be with another server.
const LOOK: Duration = Duration::from_millis(300);

/// The most earlier runs that are cancelled at once.
const MOST: u32 = 100;

/// Who a schedule is in the history of a run that it cancels.
const SCHEDULE: &str = "schedule";

/// A run that wants to start.
#[derive(Clone, Copy)]
pub(super) struct Stand<'a> {
    pub trigger: &'a str,
    pub run: Uuid,
    /// What its flow's `concurrency` counts it by.
    pub key: Option<&'a str>,
    /// Whether no run of its trigger is underway anywhere.
    pub alone: bool,
    /// Whether it replays another: then no time of its schedule has come.
    pub replays: bool,
}

/// What a flow's `concurrency` counts a run by. A called run is not counted.
pub(super) fn key(engine: &Engine, plan: &Plan, run: &Run) -> Result<Option<String>, Failure> {
    if is_called(plan, &run.trigger) {
        return Ok(None);
    }
    let moment = Moment {
        now_ms: run.started_at,
        dice: 0,
    };
    flow_key(plan, &run.message, moment, &engine.bounds())
}

/// The places that a run needs before it starts: that of its trigger's queue, then one within the flow's limit. Where
/// they are not free, the line instead, in which the run stands from here on, behind those that joined before; `standing` counts
/// it there until then.
///
/// A called run needs none: its caller, who waits for it, may have the last one.
pub(super) fn join(
    engine: &Engine,
    version: &Arc<Version>,
    stand: Stand<'_>,
    standing: Option<Standing>,
) -> (Vec<Pass>, Option<Line>) {
    let plan = &version.plan;
    let source = plan.triggers.get(stand.trigger).map(|it| &it.source);
    let overlap = match source {
        Some(Source::Flow) => return (Vec::new(), None),
        Some(Source::Schedule(schedule)) => schedule.overlap(),
        _ => Overlap::Skip,
    };
    let flow = format!("{}/{}", version.workspace, version.flow);
    let entry = |lane: String, keyed: bool, limit: u32| Entry {
        flow: flow.clone(),
        lane,
        keyed,
        rule: Rule::AtOnce(limit),
        shared: false,
    };
    let queued = overlap == Overlap::Queue;
    let queue = queued.then(|| entry(format!("{}/queue", stand.trigger), false, 1));
    let limit = plan.concurrency.as_ref().map(|concurrency| {
        let lane = match stand.key {
            Some(key) => format!("/runs/{key}"),
            None => "/runs".to_owned(),
        };
        entry(lane, stand.key.is_some(), concurrency.limit)
    });
    let elsewhere = queued && !stand.alone && engine.store().kind() == Kind::Postgresql;
    let replaces = overlap == Overlap::Cancel && !stand.alone && !stand.replays;
    if queue.is_none() && limit.is_none() && !replaces {
        return (Vec::new(), None);
    }
    let (engine, version, run) = (engine.clone(), Arc::clone(version), stand.run);
    let trigger = stand.trigger.to_owned();
    let mut line = async move {
        let _standing = standing;
        let mut places = Vec::new();
        if let Some(queue) = queue {
            places.push(engine.0.gate.pass(&queue).await);
        }
        if elsewhere {
            first(&engine, &version, &trigger, run).await;
        }
        if replaces {
            replace(&engine, &version, &trigger, run).await;
        }
        if let Some(limit) = limit {
            places.push(engine.0.gate.pass(&limit).await);
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
    while !earlier(engine, version, trigger, run, 1).await.is_empty() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Cancels the earlier runs of a trigger, wherever they are, until none is left. Whoever takes up a run that waits for that goes
/// on with it, so a server that dies in between leaves nothing behind.
async fn replace(engine: &Engine, version: &Version, trigger: &str, run: Uuid) {
    loop {
        let earlier = earlier(engine, version, trigger, run, MOST).await;
        if earlier.is_empty() {
            return;
        }
        for id in earlier {
            let note = format!(
                "the next time of the schedule `{trigger}` came while this run was underway, and its setting `overlap` is `cancel`; run {run} takes its place"
            );
            let by = Some(SCHEDULE.to_owned());
            let cancelled = engine
                .cancel(&version.workspace, id, false, by, Some(note))
                .await;
            // It may have ended meanwhile, which the next look says.
            if let Err(error) = cancelled {
                tracing::debug!(run = %id, %error, "an earlier run of a schedule was not cancelled");
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The earlier runs of a trigger that have not ended, at most so many; looked for until the database answers.
async fn earlier(
    engine: &Engine,
    version: &Version,
    trigger: &str,
    run: Uuid,
    most: u32,
) -> Vec<Uuid> {
    loop {
        let earlier = engine
            .store()
            .earlier(&version.workspace, &version.flow, trigger, run, most)
            .await;
        match earlier {
            Ok(earlier) => return earlier,
            Err(error) => {
                tracing::debug!(%run, %error, "earlier runs of a schedule could not be looked for")
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
