//! Takes up a run from what is on disk.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use weir_flows::{
    advance::{Event, asks, calls, lost},
    callback::Callbacks,
    plan::Plan,
    record::Record,
    run::{Identity, Run},
};

use super::{
    Engine, Error, answers, call,
    crowd::Slot,
    drive::{self, Active, ReplySlot, Todo},
    line::{self, Stand},
    tenure::Tenure,
    underway::Enrolled,
};
use crate::{
    store::{self, Store},
    world::Point,
};

/// The pause before a run is read again that the database could not give.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes up one run that this server has. Where it only waits for a time that is far away, it is let go again.
pub(super) async fn resume(
    engine: &Engine,
    tenure: &Arc<Tenure>,
    row: store::Run,
    enrolled: Enrolled,
    slot: Option<Slot>,
) -> Result<(), Error> {
    let (version, run, answers) = loop {
        let read = async {
            let version = engine
                .version(&row.workspace, &row.flow, row.version)
                .await?;
            let (run, ..) = restore(engine, &row, &version.plan).await?;
            let answers = answers::unused(engine, &version.plan, &row.workspace, row.id).await?;
            Ok((version, run, answers))
        };
        match read.await {
            Ok(read) => break read,
            Err(Error::Store(store::Error::Unavailable(_) | store::Error::Busy)) => {}
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = tenure.over.cancelled() => return Ok(()),
            () = engine.stopping() => return Ok(()),
        }
    };
    engine.world().pass(Point::RunRestored);
    // What was answered comes before what is due.
    let mut events = answers;
    events.extend(lost(&version.plan, &run));
    // What it called has a run of its own, and is waited for again.
    let commands = calls(&version.plan, &run, engine.world().now_ms());
    if let Some(cancelled) = &run.cancelled {
        let called = call::called(row.id, &commands);
        engine.cancel_called(&row.workspace, called, cancelled.undo);
    }
    if let Some(parent) = row.parent
        && let Ok(Some(parent)) = engine.store().run(&row.workspace, parent).await
        && parent.status == store::Status::Cancelled
    {
        // The process stopped before this was done.
        engine.cancel_called(&row.workspace, vec![row.id], false);
    }
    if !run.has_started() {
        if engine.is_paused(&version) && !enrolled.is_asked() {
            // It was left while it stood in line, or its flow was paused a moment ago.
            let (server, held) = (tenure.server, Some(store::HELD));
            let let_go = engine.store().let_go(server, &row.workspace, row.id, held);
            let_go.await?;
            // The pause may be over by now.
            engine.0.claims.notify_one();
            return Ok(());
        }
        events.push(Event::Start);
    }
    // In the order of their ids, which is that of their messages.
    let standing = engine.standing(&version, &row.trigger);
    let key = line::key(engine, &version.plan, &run).unwrap_or_else(|error| {
        tracing::error!(run = %row.id, %error, "the key of the flow's `concurrency` cannot be evaluated any more; the run is counted among those without one");
        None
    });
    let stand = Stand {
        trigger: &row.trigger,
        run: row.id,
        key: key.as_deref(),
        alone: false,
        replays: row.origin.is_some(),
    };
    let (places, line) = line::join(engine, &version, stand, standing);
    let asking = asks(&version.plan, &run).into_iter();
    let asking = asking.map(|ask| engine.want(&version, ask)).collect();
    let active = Active {
        tenure: Arc::clone(tenure),
        version,
        id: row.id,
        run,
        parent: row.parent,
        turns: row.turns,
        reply: ReplySlot::default(),
        // A run that waits for what it called lets others have its place: what it called is taken up, too, and needs one.
        slot: slot.filter(|_| commands.is_empty()),
        places,
        enrolled,
    };
    let todo = Todo {
        commands,
        asking,
        ..Todo::default()
    };
    tenure
        .runs
        .spawn(drive::drive(engine.clone(), active, line, todo, events));
    Ok(())
}

/// The state of a run from its journal, the journal, and whether it was kept.
pub(super) async fn restore(
    engine: &Engine,
    row: &store::Run,
    plan: &Plan,
) -> Result<(Run, Vec<Record>, bool), Error> {
    let links = engine.callbacks(plan, &row.workspace, &row.id.to_string());
    restore_from(engine.store(), row, plan, links).await
}

/// The same for a run with these links.
pub(super) async fn restore_from(
    store: &Store,
    row: &store::Run,
    plan: &Plan,
    callbacks: Callbacks,
) -> Result<(Run, Vec<Record>, bool), Error> {
    let journal = store.journal(&row.workspace, row.id, 0, u32::MAX).await?;
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
        callbacks,
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
