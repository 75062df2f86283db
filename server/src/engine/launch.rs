//! Starts a run: folds its first turn, puts it on disk with its message, and hands it to its driver.

use std::sync::Arc;

use uuid::Uuid;
use weir_flows::{
    advance::{Event, Stamp},
    record::Record,
    run::Run,
};

use super::{
    Accepted, Engine, Error, ReplyWaiter, Slot, Started, Version, Waiting,
    asking::Folded,
    drive::{self, Active, ReplySlot, Todo},
    line::{self, Stand},
    tenure::Tenure,
    text, turn_row,
};
use crate::store;

/// A run that is to start.
pub(super) struct Launch {
    /// As whom this server starts it.
    pub tenure: Arc<Tenure>,
    pub version: Arc<Version>,
    pub id: Uuid,
    /// Before its first turn.
    pub run: Run,
    /// Its place among all runs of the process.
    pub slot: Slot,
    pub stamp: Stamp,
    /// The key under which it is accepted once.
    pub dedupe: Option<String>,
    pub fire: Option<store::Fire>,
    /// Whether no run of its trigger is underway on any server.
    pub alone: bool,
    /// The run of which a step calls it.
    pub parent: Option<Uuid>,
    /// The run that it replays, with the record of that.
    pub replay: Option<(store::Origin, Record)>,
}

impl Engine {
    /// Starts a run. When this returns `Run`, it is on disk and will end.
    pub(super) async fn launch(&self, launch: Launch) -> Result<Accepted, Error> {
        let Launch {
            tenure,
            version,
            id,
            mut run,
            slot,
            stamp,
            dedupe,
            fire,
            alone,
            parent,
            replay,
        } = launch;
        let inner = &self.0;
        // A tenure is over when those who began in it have ended.
        let _begun = tenure.runs.token();
        let plan = &version.plan;
        let Some(enrolled) = inner.underway.enrol(id) else {
            return Err(Error::Conflict(format!(
                "the id {id} came twice; send this again"
            )));
        };
        let (origin, replay) = replay.unzip();
        if let Some(record) = &replay {
            run.apply(plan, record);
        }
        // A flow that limits its own concurrency lets this run wait: it is accepted, and starts later.
        let key = line::key(self, plan, &run).map_err(Error::Script)?;
        let stand = Stand {
            trigger: &run.trigger,
            run: id,
            key: key.as_deref(),
            alone,
            replays: replay.is_some(),
        };
        let (places, line) = line::join(self, &version, stand);
        let mut folded = match line {
            Some(_) => Folded::default(),
            None => self.fold(&version, &mut run, stamp, Event::Start),
        };
        folded.turn.records.splice(0..0, replay);
        let new = store::NewRun {
            workspace: version.workspace.clone(),
            id,
            flow: version.flow.clone(),
            version: version.number,
            trigger: run.trigger.clone(),
            started_at: run.started_at,
            message: text(&*run.message)?,
            dedupe,
            fire,
            origin,
            parent,
            turn: turn_row(plan, &run, &folded.turn, 0, stamp.now_ms, tenure.server)?,
        };
        match inner.store.accept(new).await? {
            store::Accepted::Duplicate(first) => return Ok(Accepted::Duplicate(first)),
            store::Accepted::AlreadyFired => return Ok(Accepted::AlreadyFired),
            store::Accepted::New => {}
        }
        metrics::counter!("weir_runs_accepted_total", "flow" => version.flow.clone()).increment(1);
        let mut active = Active {
            tenure: Arc::clone(&tenure),
            version,
            id,
            run,
            parent,
            turns: 1,
            reply: ReplySlot::default(),
            slot: Some(slot),
            places,
            enrolled,
        };
        self.announce(&active, stamp.now_ms);
        let reply = if let Some(answer) = active.answer() {
            Waiting::Known(answer)
        } else {
            Waiting::Later(active.reply.open())
        };
        if active.run.status.is_final() {
            self.ended(&active);
        } else {
            tenure.runs.spawn(drive::drive(
                self.clone(),
                active,
                line,
                Todo::of(folded),
                Vec::new(),
            ));
        }
        Ok(Accepted::Run(Started {
            id,
            reply: ReplyWaiter(reply),
        }))
    }
}
