//! Takes up the runs that were underway when the process stopped.

use serde_json::Value;
use std::sync::Arc;
use weir_flows::{
    advance::{Event, calls, lost},
    plan::Plan,
    record::Record,
    run::{Identity, Run},
};

use super::{
    Engine, Error, call,
    drive::{self, Active, ReplySlot},
    line,
    underway::Enrolled,
};
use crate::store;

/// How many runs are read at once.
const PAGE: u32 = 200;

/// The runs that were underway when the process stopped. Read before anything new is accepted.
pub(super) async fn left_behind(engine: &Engine) -> Result<Vec<(store::Run, Enrolled)>, Error> {
    let mut runs: Vec<(store::Run, Enrolled)> = Vec::new();
    loop {
        let after = runs.last().map(|(run, _)| (run.workspace.as_str(), run.id));
        let page = engine.store().unfinished(after, PAGE).await?;
        if page.is_empty() {
            return Ok(runs);
        }
        let enrolled = page
            .into_iter()
            .filter_map(|run| Some((engine.0.underway.enrol(run.id)?, run)));
        runs.extend(enrolled.map(|(enrolled, run)| (run, enrolled)));
    }
}

/// Takes up each of these runs. One that cannot be taken up is left as it is on disk.
pub(super) async fn take_up(engine: Engine, rows: Vec<(store::Run, Enrolled)>) {
    let all = rows.len();
    let mut failed = 0_usize;
    for (row, enrolled) in rows {
        let id = row.id;
        if let Err(error) = resume(&engine, row, enrolled).await {
            failed += 1;
            tracing::error!(run = %id, %error, "a run cannot be taken up; it is left as it is on disk");
        }
    }
    if all > 0 {
        tracing::info!(
            runs = all - failed,
            failed,
            "took up the runs that were underway"
        );
    }
}

/// Takes up one run from what is on disk.
pub(super) async fn resume(
    engine: &Engine,
    row: store::Run,
    enrolled: Enrolled,
) -> Result<(), Error> {
    let version = engine
        .version(&row.workspace, &row.flow, row.version)
        .await?;
    let (run, ..) = restore(engine, &row, &version.plan).await?;
    let mut events = lost(&version.plan, &run);
    // What it called has a run of its own, and is waited for again.
    let commands = calls(&version.plan, &run, engine.world().now_ms());
    if let Some(cancelled) = &run.cancelled {
        let called = call::called(row.id, &commands);
        engine.cancel_called(&row.workspace, called, cancelled.undo);
    }
    if let Some(parent) = row.parent
        && let Some(parent) = engine.store().run(&row.workspace, parent).await?
        && parent.status == store::Status::Cancelled
    {
        // The process stopped before this was done.
        engine.cancel_called(&row.workspace, vec![row.id], false);
    }
    if !run.has_started() {
        events.push(Event::Start);
    }
    let Ok(slot) = Arc::clone(&engine.0.active).acquire_owned().await else {
        return Ok(());
    };
    // In the order of their ids, which is that of their messages.
    let (places, line) = line::join(&version, &row.trigger);
    let active = Active {
        version,
        id: row.id,
        run,
        turns: row.turns,
        reply: ReplySlot::default(),
        slot,
        places,
        enrolled,
    };
    engine
        .0
        .tasks
        .spawn(drive::drive(engine.clone(), active, line, commands, events));
    Ok(())
}

/// The state of a run from its journal, the journal, and whether it was kept.
pub(super) async fn restore(
    engine: &Engine,
    row: &store::Run,
    plan: &Plan,
) -> Result<(Run, Vec<Record>, bool), Error> {
    let journal = engine
        .store()
        .journal(&row.workspace, row.id, 0, u32::MAX)
        .await?;
    let unreadable = |error: serde_json::Error| {
        Error::Conflict(format!(
            "the journal of run {} cannot be read: {error}",
            row.id
        ))
    };
    let message = journal.first().and_then(|entry| entry.message.as_deref());
    let kept = message.is_some();
    let message: Value = message
        .map(serde_json::from_str)
        .transpose()
        .map_err(unreadable)?
        .unwrap_or_default();
    let identity = Identity {
        id: row.id.to_string(),
        flow: row.flow.clone(),
        version: row.version,
        workspace: row.workspace.clone(),
    };
    let mut all = Vec::new();
    let mut run = Run::new(
        plan,
        &identity,
        &row.trigger,
        Arc::new(message),
        row.started_at,
    );
    for entry in &journal {
        let records: Vec<Record> = serde_json::from_str(&entry.records).map_err(unreadable)?;
        run = run.restore(plan, &records);
        all.extend(records);
    }
    Ok((run, all, kept))
}
