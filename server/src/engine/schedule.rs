//! Fires the schedules: sleeps until the next instant, and starts a run for it exactly once.

use std::time::Duration;

use serde_json::json;
use weir_flows::{document::Message, plan::Source, run::rfc3339};

use super::{Accepted, Arrival, Engine, Error};
use crate::store;

/// How many due schedules are read at once.
const PAGE: u32 = 100;

/// The longest sleep, so that a changed clock or another server's publication is noticed.
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
async fn fire_due(engine: &Engine) -> Result<Duration, Error> {
    loop {
        let now = engine.world().now_ms();
        let due = engine.store().due_schedules(now, PAGE).await?;
        if due.is_empty() {
            break;
        }
        for schedule in due {
            fire(engine, &schedule, now).await?;
        }
    }
    let next = engine.store().next_due().await?;
    let until =
        next.map(|at| u64::try_from(at.saturating_sub(engine.world().now_ms())).unwrap_or(0));
    Ok(until.map_or(LONGEST_SLEEP, |until| {
        Duration::from_millis(until).min(LONGEST_SLEEP)
    }))
}

async fn fire(engine: &Engine, due: &store::Schedule, now: i64) -> Result<(), Error> {
    let Some(expected_at) = due.next_at else {
        return Ok(());
    };
    let published = engine.published(&due.workspace, &due.flow);
    let version = published
        .filter(|published| published.enabled)
        .map(|published| published.version);
    let trigger = version
        .as_ref()
        .and_then(|version| version.plan.triggers.get(&due.trigger));
    let schedule = trigger.and_then(|trigger| match &trigger.source {
        Source::Schedule(schedule) if !trigger.disabled => Some(schedule),
        _ => None,
    });
    let (Some(version), Some(schedule)) = (&version, schedule) else {
        // The published version does not know this schedule any more, or the flow is switched off.
        let fire = store::Fire {
            expected_at,
            next_at: None,
        };
        engine
            .store()
            .skip_fire(&due.workspace, &due.flow, &due.trigger, fire)
            .await?;
        return Ok(());
    };
    // Instants that were missed while no server ran lead to one run, for the first of them.
    let fire = store::Fire {
        expected_at,
        next_at: schedule.next_after(now.max(expected_at)),
    };
    let body = json!({ "scheduled_at": rfc3339(expected_at), "fired_at": rfc3339(now) });
    let arrival = Arrival {
        version: version.clone(),
        trigger: due.trigger.clone(),
        message: Message {
            body,
            ..Message::default()
        },
        dedupe: None,
        fire: Some(fire),
    };
    match engine.accept(arrival).await {
        Ok(
            Accepted::Run(_) | Accepted::Duplicate(_) | Accepted::AlreadyFired | Accepted::Filtered,
        ) => Ok(()),
        Ok(Accepted::Refused(problems)) => {
            tracing::warn!(
                flow = due.flow,
                trigger = due.trigger,
                ?problems,
                "the message of a schedule does not satisfy its own schema"
            );
            skip(engine, due, fire).await
        }
        Err(Error::Script(failure)) => {
            tracing::warn!(flow = due.flow, trigger = due.trigger, %failure, "the scripts of a schedule failed");
            skip(engine, due, fire).await
        }
        Err(error) => Err(error),
    }
}

async fn skip(engine: &Engine, due: &store::Schedule, fire: store::Fire) -> Result<(), Error> {
    engine
        .store()
        .skip_fire(&due.workspace, &due.flow, &due.trigger, fire)
        .await?;
    Ok(())
}
