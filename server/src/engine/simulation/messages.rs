//! The messages of a simulation: how they come in, each as one run, whatever their senders learn of that.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use weir_flows::{
    advance::Event,
    callback::Callbacks,
    run::{Identity, Run},
};

use super::{Driven, Known, Simulation, Stage};
use crate::{
    engine::{asking::Folded, drive::Todo, turn_row},
    store,
};

/// A message, which its sender sends until it is answered.
pub(super) struct Message {
    pub flow: usize,
    /// The run that it became.
    pub run: Option<Uuid>,
    pub answered: bool,
}

impl Simulation<'_> {
    /// How many workers have a message in hand.
    pub(super) fn sendings(&self, message: usize) -> usize {
        let key = Some(key(message));
        let runs = self.workers.iter().flat_map(|worker| worker.runs.values());
        runs.filter(|driven| matches!(&driven.stage, Stage::Arriving(new, _) if new.dedupe == key))
            .count()
    }

    /// A message arrives at a worker, which folds its first turn.
    pub(super) fn send(&mut self, message: usize, worker: usize) {
        let flow = self.messages[message].flow;
        let plan = &self.place.plans[flow];
        let id = self.world.id();
        let identity = self.identity(flow, id);
        let body = Arc::new(json!({ "body": { "message": message } }));
        let now = self.world.now_ms();
        let mut run = Run::new(plan, &identity, "go", Arc::clone(&body), now);
        // Some wait in line first.
        let waits = self.one_in(6);
        let folded = match waits {
            true => Folded::default(),
            false => self.fold(worker, flow, &mut run, self.stamp(), Event::Start),
        };
        let server = self.workers[worker].server;
        let row = turn_row(plan, &run, &folded.turn, 0, now, server).unwrap();
        let new = self.new_run(flow, &run, id, Some(key(message)), row);
        self.tell(|| format!("worker {worker} gets message {message} as run {id}"));
        let events = waits.then_some(Event::Start).into_iter().collect();
        let stage = Stage::Arriving(Box::new(new), Todo::of(folded));
        let driven = Driven::new(flow, run, 1, events, stage);
        self.workers[worker].runs.insert(id, driven);
    }

    pub(super) fn identity(&self, flow: usize, id: Uuid) -> Identity {
        Identity {
            callbacks: Callbacks::default(),
            id: id.to_string(),
            flow: self.place.plans[flow].flow.id.clone(),
            version: 1,
            workspace: self.workspace.clone(),
        }
    }

    pub(super) fn new_run(
        &self,
        flow: usize,
        run: &Run,
        id: Uuid,
        dedupe: Option<String>,
        turn: store::Turn,
    ) -> store::NewRun {
        store::NewRun {
            workspace: self.workspace.clone(),
            id,
            flow: self.place.plans[flow].flow.id.clone(),
            version: 1,
            trigger: run.trigger.clone(),
            started_at: run.started_at,
            message: run.message.to_string(),
            dedupe,
            fire: None,
            origin: None,
            parent: None,
            turn,
        }
    }

    /// Writes a message with its first turn. False where the worker has nothing more to do with it.
    pub(super) async fn accept(&mut self, worker: usize, new: store::NewRun, flow: usize) -> bool {
        let number = new.dedupe.as_deref().and_then(|key| key.parse().ok());
        let (id, status): (_, store::Status) = (new.id, new.turn.status);
        let accepted = self.workers[worker].store.accept(new).await.unwrap();
        let answer_lost = self.one_in(8);
        let message: &mut Message = &mut self.messages[number.unwrap_or(usize::MAX)];
        message.answered |= !answer_lost;
        match accepted {
            store::Accepted::New => {
                assert_eq!(message.run, None, "a message became two runs");
                message.run = Some(id);
                self.accepted(worker, id, flow, status);
                // What was written while the answer got lost is driven by nobody until it is looked for.
                !status.is_final() && !self.one_in(20)
            }
            store::Accepted::Duplicate(first) => {
                assert_eq!(message.run, Some(first), "a duplicate leads to its run");
                false
            }
            store::Accepted::AlreadyFired => panic!("no schedule is here"),
        }
    }

    /// A run of a worker is on disk with its first turn.
    pub(super) fn accepted(&mut self, worker: usize, id: Uuid, flow: usize, status: store::Status) {
        let known = Known {
            flow,
            owner: (!status.is_final()).then_some((worker, self.workers[worker].life)),
            turns: 1,
            parked_until: None,
            ended: Some(status).filter(|status| status.is_final()),
        };
        assert!(self.known.insert(id, known).is_none());
        self.counts.turns += 1;
    }
}

/// The dedupe key of a message.
fn key(message: usize) -> String {
    message.to_string()
}
