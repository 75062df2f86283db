//! Fires the schedules and polls: sleeps until the next instant, and starts a run or a poll for it exactly once.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::json;
use weir_flows::{
    document::Message,
    plan::Source,
    run::rfc3339,
    schedule::{Due, Overlap},
};

use super::{Accepted, Arrival, Engine, Error, poll, publish::Listened};
use crate::{store, world::Point};

/// How many due schedules are read at once.
const PAGE: u32 = 100;

/// The most runs of one schedule that are underway or wait for the earlier ones, so that a slow flow does not fill
/// the server.
const MOST_QUEUED: u32 = 100;

/// The longest sleep, so that a changed clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Fires schedules until the process stops.
pub(super) async fn fire_when_due(engine: Engine) {
    loop {
        let pause = match fire_due(&engine).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "schedules could not be fired; trying again");
                PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = engine.0.schedule_changed.notified() => {}
            () = engine.stopping() => return,
        }
    }
}

/// Fires all that is due and says how long to sleep.
pub(super) async fn fire_due(engine: &Engine) -> Result<Duration, Error> {
    loop {
        let now = engine.world().now_ms();
        let due = engine.store().due_schedules(now, PAGE).await?;
        if due.is_empty() {
            break;
        }
        let mut dealt = false;
        for schedule in due {
            dealt |= fire(engine, &schedule, now).await?;
        }
        if !dealt {
            // Other servers may know what to do with them.
            return Ok(PAUSE);
        }
    }
    let next = engine.store().next_due().await?;
    let until =
        next.map(|at| u64::try_from(at.saturating_sub(engine.world().now_ms())).unwrap_or(0));
    Ok(until.map_or(LONGEST_SLEEP, |until| {
        Duration::from_millis(until).min(LONGEST_SLEEP)
    }))
}

/// Deals with the instants of a schedule that have come: starts at most one run, and moves the schedule on. False where this
/// server does not know the version that is to be fired.
async fn fire(engine: &Engine, schedule: &store::Schedule, now: i64) -> Result<bool, Error> {
    let Some(expected_at) = schedule.next_at else {
        return Ok(true);
    };
    let listened = engine.listened(&schedule.workspace, &schedule.flow).await?;
    let Listened::Here(version) = listened else {
        return Ok(false);
    };
    if version
        .as_ref()
        .is_some_and(|version| engine.is_paused(version))
    {
        // Its policy for what was missed decides at the end.
        return Ok(false);
    }
    let trigger = version
        .as_ref()
        .and_then(|version| version.plan.triggers.get(&schedule.trigger));
    let source = trigger.filter(|trigger| !trigger.disabled);
    let source = source.map(|trigger| &trigger.source);
    let (version, rule) = match (&version, source) {
        (Some(version), Some(Source::Schedule(rule))) => (version, rule),
        (Some(version), Some(Source::Poll(_))) => {
            poll::begin(engine, version, schedule, expected_at).await?;
            return Ok(true);
        }
        _ => {
            // The published version does not know this schedule any more, or the flow is switched off.
            let fire = store::Fire {
                version: version.as_ref().map(|version| version.number),
                expected_at,
                at: expected_at,
                next_at: None,
            };
            return skip(engine, schedule, fire, "gone").await;
        }
    };
    let Due { at_ms, next_ms } = rule.due(expected_at, now);
    let at = at_ms.unwrap_or(expected_at);
    let fire = store::Fire {
        version: Some(version.number),
        expected_at,
        at,
        next_at: next_ms,
    };
    if at_ms != Some(expected_at) {
        tracing::warn!(
            flow = schedule.flow,
            trigger = schedule.trigger,
            from = rfc3339(expected_at),
            resumed = at_ms.map(rfc3339),
            "times of a schedule were missed and are left out, as its setting `missed` says"
        );
    }
    if at_ms.is_none() {
        return skip(engine, schedule, fire, "missed").await;
    }
    let most = match rule.overlap() {
        Overlap::Skip => 0,
        Overlap::Queue | Overlap::Cancel => MOST_QUEUED,
    };
    let underway = engine
        .store()
        .underway(
            &schedule.workspace,
            &schedule.flow,
            &schedule.trigger,
            most + 1,
        )
        .await?;
    if underway > most {
        tracing::warn!(
            flow = schedule.flow,
            trigger = schedule.trigger,
            at = rfc3339(at),
            "earlier runs of a schedule have not ended; this time is left out"
        );
        return skip(engine, schedule, fire, "overlap").await;
    }
    let body = json!({ "scheduled_at": rfc3339(at), "fired_at": rfc3339(now) });
    let arrival = Arrival {
        version: version.clone(),
        trigger: schedule.trigger.clone(),
        message: Message {
            body,
            ..Message::default()
        },
        dedupe: None,
        fire: Some(fire),
        alone: underway == 0,
    };
    engine.world().pass(Point::ScheduleDue);
    match engine.accept(arrival).await {
        Ok(
            Accepted::Run(_) | Accepted::Duplicate(_) | Accepted::AlreadyFired | Accepted::Filtered,
        ) => Ok(true),
        Ok(Accepted::Refused(problems)) => {
            tracing::warn!(
                flow = schedule.flow,
                trigger = schedule.trigger,
                ?problems,
                "the message of a schedule does not satisfy its own schema"
            );
            skip(engine, schedule, fire, "refused").await
        }
        Err(Error::Script(failure)) => {
            tracing::warn!(flow = schedule.flow, trigger = schedule.trigger, %failure, "the scripts of a schedule failed");
            skip(engine, schedule, fire, "failed").await
        }
        Err(Error::Busy | Error::Store(store::Error::Busy)) => {
            // That its flow has much underway keeps no other from firing.
            tracing::debug!(
                flow = schedule.flow,
                trigger = schedule.trigger,
                "too much is underway to fire a schedule; trying again"
            );
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Uses up an instant without a run.
async fn skip(
    engine: &Engine,
    schedule: &store::Schedule,
    fire: store::Fire,
    why: &'static str,
) -> Result<bool, Error> {
    let used = engine
        .store()
        .skip_fire(&schedule.workspace, &schedule.flow, &schedule.trigger, fire)
        .await?;
    if used {
        let labels = [("flow", schedule.flow.clone()), ("why", why.to_owned())];
        metrics::counter!("weir_schedule_fires_skipped_total", &labels).increment(1);
    }
    Ok(true)
}
