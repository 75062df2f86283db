//! Starts a run: folds its first turn, puts it on disk with its message, and hands it to its driver.

use std::sync::Arc;

use uuid::Uuid;
use weir_flows::{
    advance::{Event, Stamp},
    record::Record,
    run::{Run, Status},
};

use super::{
    Accepted, Answer, Engine, Error, ReplyWaiter, Started, Version, Waiting,
    asking::Folded,
    crowd::{Entrance, Slot, Why},
    drive::{self, Active, ReplySlot, Todo},
    gate::Pass,
    line::{self, Line, Stand},
    tenure::Tenure,
    text, turn_row,
    underway::Enrolled,
};
use crate::{store, world::Point};

/// A run that is to start.
pub(super) struct Launch {
    /// As whom this server starts it.
    pub tenure: Arc<Tenure>,
    pub version: Arc<Version>,
    pub id: Uuid,
    /// Before its first turn.
    pub run: Run,
    /// How it comes in.
    pub entrance: Entrance,
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

/// A run that came in and is not on disk yet.
pub(super) struct Entered {
    pub id: Uuid,
    pub run: Run,
    pub enrolled: Enrolled,
    pub slot: Option<Slot>,
    /// Why it waits on disk, if it does.
    pub waits: Option<Why>,
    pub places: Vec<Pass>,
    pub line: Option<Line>,
}

impl Engine {
    /// Lets a run in before its first turn. A flow that is paused, or that limits its own concurrency, lets it wait: it is accepted,
    /// and starts later.
    pub(super) fn enter(
        &self,
        version: &Arc<Version>,
        id: Uuid,
        mut run: Run,
        entrance: Entrance,
        (alone, replays): (bool, bool),
    ) -> Result<Entered, Error> {
        let Some(enrolled) = self.0.underway.enrol(id) else {
            return Err(Error::Conflict(format!(
                "the id {id} came twice; send this again"
            )));
        };
        let key = line::key(self, &version.plan, &run).map_err(Error::Script)?;
        let (slot, waits, (places, line)) = match entrance {
            Entrance::Begins(slot, standing) => {
                let stand = Stand {
                    trigger: &run.trigger,
                    run: id,
                    key: key.as_deref(),
                    alone,
                    replays,
                };
                let joined = line::join(self, version, stand, standing);
                (Some(slot), None, joined)
            }
            Entrance::Waits(why) => {
                run.status = Status::Waiting;
                (None, Some(why), (Vec::new(), None))
            }
        };
        Ok(Entered {
            id,
            run,
            enrolled,
            slot,
            waits,
            places,
            line,
        })
    }

    /// A run that came in is on disk now: what this process drives of it, once it is its turn in the line. Nothing where it waits
    /// on disk.
    pub(super) fn arrived(
        &self,
        tenure: &Arc<Tenure>,
        version: &Arc<Version>,
        entered: Entered,
        parent: Option<Uuid>,
        now: i64,
    ) -> Option<(Active, Option<Line>)> {
        metrics::counter!("weir_runs_accepted_total", "flow" => version.flow.clone()).increment(1);
        let active = Active {
            tenure: Arc::clone(tenure),
            version: Arc::clone(version),
            id: entered.id,
            run: entered.run,
            parent,
            turns: 1,
            reply: ReplySlot::default(),
            slot: entered.slot,
            places: entered.places,
            enrolled: entered.enrolled,
        };
        self.announce(&active, now);
        let Some(why) = entered.waits else {
            return Some((active, entered.line));
        };
        // Whoever takes it up finds that nobody has it.
        drop(active);
        self.waits(version, why);
        None
    }

    /// Starts a run, or lets it wait. When this returns `Run`, it is on disk and will end.
    pub(super) async fn launch(&self, launch: Launch) -> Result<Accepted, Error> {
        let Launch {
            tenure,
            version,
            id,
            mut run,
            entrance,
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
        let (origin, replay) = replay.unzip();
        if let Some(record) = &replay {
            run.apply(plan, record);
        }
        let how = (alone, replay.is_some());
        let mut entered = self.enter(&version, id, run, entrance, how)?;
        let run = &mut entered.run;
        let mut folded = match entered.waits.is_none() && entered.line.is_none() {
            true => self.fold(&version, run, stamp, Event::Start),
            false => Folded::default(),
        };
        folded.turn.records.splice(0..0, replay);
        let mut row = turn_row(plan, run, &folded.turn, 0, stamp.now_ms, tenure.server)?;
        row.parked_until = entered.waits.map(|_| store::HELD);
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
            turn: row,
        };
        inner.world.pass(Point::MessageDecided);
        match inner.store.accept(new).await? {
            store::Accepted::Duplicate(first) => return Ok(Accepted::Duplicate(first)),
            store::Accepted::AlreadyFired => return Ok(Accepted::AlreadyFired),
            store::Accepted::New => {}
        }
        inner.world.pass(Point::MessageCommitted);
        let arrived = self.arrived(&tenure, &version, entered, parent, stamp.now_ms);
        let Some((mut active, line)) = arrived else {
            return Ok(Accepted::Run(Started {
                id,
                reply: ReplyWaiter(Waiting::Known(Answer::Waits)),
            }));
        };
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
