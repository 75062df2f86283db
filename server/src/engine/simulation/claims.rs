//! How the workers of a simulation come by their runs, and lose them.

use std::collections::VecDeque;

use uuid::Uuid;
use weir_flows::{
    advance::{Event, asks, lost},
    callback::Callbacks,
};

use super::{
    Driven, Known, Simulation, Stage, Worker, judge,
    limits::{self, LANES},
};
use crate::{
    engine::{gate::Gate, recover::restore_from},
    store,
};

impl Simulation<'_> {
    pub(super) async fn let_go(&mut self, worker: usize, run: Uuid) {
        let Worker {
            store,
            server,
            life,
            ..
        } = &self.workers[worker];
        store
            .let_go(*server, &self.workspace, run, None)
            .await
            .unwrap();
        let known = self.known.get_mut(&run).unwrap();
        known.owner = known.owner.filter(|owner| *owner != (worker, *life));
    }

    /// A worker takes up runs that nobody has.
    pub(super) async fn claim(&mut self, worker: usize) {
        let now = self.world.now_ms();
        let limit = 1 + self.pick(3);
        let Worker {
            store,
            server,
            life,
            ..
        } = &self.workers[worker];
        let (server, me) = (*server, (worker, *life));
        let flows = store.free_flows().await.unwrap().into_iter();
        let wishes = flows.map(|of| store::Wish::new(of, limit, 0)).collect();
        let rows = store.claim(server, now, wishes).await.unwrap();
        let free = |known: &Known| {
            known.owner.is_none()
                && known.ended.is_none()
                && known.parked_until.is_none_or(|at| at <= now)
        };
        let there = self.known.values().filter(|known| free(known));
        let there = judge::in_each(there.map(|known| known.flow), limit);
        assert_eq!(rows.len(), there, "{}", self.standing());
        for row in rows {
            let known = self.known.get_mut(&row.id).unwrap();
            assert!(
                free(known),
                "worker {me:?} claims {}, which is not free",
                row.id
            );
            assert_eq!(row.turns, known.turns);
            known.owner = Some(me);
            known.parked_until = None;
            self.take_up(worker, row).await;
        }
    }

    /// A worker lets go of what it has on disk and does not drive.
    pub(super) async fn sweep(&mut self, worker: usize) {
        let Worker { store, server, .. } = &self.workers[worker];
        for (workspace, run) in store.runs_of(*server).await.unwrap() {
            assert_eq!(workspace, self.workspace, "a seed before left something");
            if !self.workers[worker].runs.contains_key(&run) {
                self.let_go(worker, run).await;
            }
        }
    }

    /// A worker loses its memory and starts again as somebody else, to whom the runs of all others are nobody's.
    pub(super) async fn crash(&mut self, worker: usize) {
        self.tell(|| format!("worker {worker} crashes"));
        self.counts.crashes += 1;
        let store = self.place.open().await;
        let server = store.register(self.world.id()).await.unwrap();
        let crashed = &mut self.workers[worker];
        let before = std::mem::replace(&mut crashed.store, store);
        crashed.server = server;
        crashed.life += 1;
        crashed.runs.clear();
        crashed.errands.clear();
        crashed.gate = Gate::new(self.world.clone(), LANES);
        before.close().await;
        for known in self.known.values_mut() {
            known.owner = None;
        }
        self.polls.freed();
    }

    /// Restores a run that a worker has claimed.
    pub(super) async fn take_up(&mut self, worker: usize, row: store::Run) {
        let flow = self.known[&row.id].flow;
        let plan = &self.place.plans[flow];
        let store = &self.workers[worker].store;
        let restored = restore_from(store, &row, plan, Callbacks::default()).await;
        let (run, ..) = restored.unwrap();
        let mut events = VecDeque::from(self.unused(worker, row.id).await);
        events.extend(lost(plan, &run));
        if !run.has_started() {
            events.push_back(Event::Start);
        }
        self.tell(|| {
            format!(
                "worker {worker} takes up {} after {} turns",
                row.id, row.turns
            )
        });
        let asking = asks(plan, &run).into_iter();
        let asking = asking.map(|ask| limits::want(&self.workers[worker].gate, plan, ask));
        let asking: Vec<_> = asking.collect();
        self.counts.limits.again += asking.len();
        let driven = Driven {
            asking,
            ..Driven::new(flow, run, row.turns, events, Stage::Idle)
        };
        self.workers[worker].runs.insert(row.id, driven);
    }
}
