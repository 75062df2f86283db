//! The answers of a simulation: they come at any worker, early, late, twice and differently, and are told to runs that crash.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Value, json};
use uuid::Uuid;
use weir_flows::{
    advance::{Event, asks},
    callback::{Callbacks, place, read_place},
    failure::Class,
    plan::{Plan, Wait},
    record::Record,
};

use super::{Driven, Simulation, Stage, judge::flat, limits};
use crate::{
    engine::{
        answers::{event, may_come},
        recover::restore_from,
    },
    store::{self, Answered, AwaitedKind},
};

/// How often each run is answered at most.
const MOST: usize = 6;

/// An answer that a worker has looked at and not written.
struct Sent {
    run: Uuid,
    place: String,
    kind: AwaitedKind,
    value: Value,
}

/// What was answered.
#[derive(Default)]
pub(super) struct Answers {
    /// On their way to the disk, each at a worker.
    wire: Vec<(usize, Sent)>,
    /// How often each run was answered.
    sent: BTreeMap<Uuid, usize>,
    /// The first answer to each place: its sender was told that it counts.
    first: BTreeMap<(Uuid, String), Value>,
}

/// What happened.
#[derive(Default)]
pub(super) struct Counts {
    first: usize,
    again: usize,
    other: usize,
    over: usize,
    refolded: usize,
    ignored: usize,
}

impl Counts {
    pub(super) fn add(&mut self, more: &Counts) {
        self.first += more.first;
        self.again += more.again;
        self.other += more.other;
        self.over += more.over;
        self.refolded += more.refolded;
        self.ignored += more.ignored;
    }

    /// Whether each of it happened.
    pub(super) fn all_came(&self) -> bool {
        let Counts {
            first,
            again,
            other,
            over,
            refolded,
            ignored,
        } = *self;
        [first, again, other, over, refolded, ignored]
            .iter()
            .all(|count| *count > 0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "answers: {} taken, {} again, {} differently, {} too late, {} before a timeout that was folded already, {} ignored",
            self.first, self.again, self.other, self.over, self.refolded, self.ignored
        )
    }
}

impl Simulation<'_> {
    /// The runs that somebody may answer, whether or not they wait for it.
    pub(super) fn answerable(&self) -> impl Iterator<Item = Uuid> {
        let known = self.known.iter().filter(|(run, known)| {
            let sent = self.answers.sent.get(run).copied().unwrap_or(0);
            sent < MOST && self.place.plans[known.flow].has_answers()
        });
        known.map(|(run, _)| *run)
    }

    /// Somebody answers a run at a worker, which looks whether that may be, and writes it, at once or later.
    pub(super) async fn answer(&mut self, worker: usize, run: Uuid) {
        if !self.answers.wire.is_empty() && self.one_in(2) {
            let index = self.pick(self.answers.wire.len());
            let (worker, sent) = self.answers.wire.swap_remove(index);
            return self.write(worker, sent).await;
        }
        *self.answers.sent.entry(run).or_default() += 1;
        let flow = self.known[&run].flow;
        let plan = &self.place.plans[flow];
        let Some((place, kind)) = self.some_place(plan) else {
            return;
        };
        let store = &self.workers[worker].store;
        let there = store.awaited(&self.workspace, run, &place).await.unwrap();
        if there.is_none() {
            let row = store.run(&self.workspace, run).await.unwrap().unwrap();
            let restored = restore_from(store, &row, plan, Callbacks::default()).await;
            let (restored, ..) = restored.unwrap();
            let (step, items) = read_place(&place).unwrap();
            if row.status.is_final() || !may_come(&restored, plan, step, &items) {
                self.counts.answers.over += 1;
                return;
            }
        }
        let value = match kind {
            AwaitedKind::Callback => json!({ "body": self.pick(2) }),
            AwaitedKind::Approval => {
                let word = ["approved", "rejected"][self.pick(2)];
                json!({ "decision": word })
            }
        };
        let sent = Sent {
            run,
            place,
            kind,
            value,
        };
        match self.one_in(3) {
            true => self.answers.wire.push((worker, sent)),
            false => self.write(worker, sent).await,
        }
    }

    /// A place of a version that is answered, of any item.
    fn some_place(&self, plan: &Plan) -> Option<(String, AwaitedKind)> {
        let (mut here, mut items) = (plan, Vec::new());
        loop {
            let step = self.pick(here.steps.len());
            if let Some(each) = here.each(step) {
                items.push(self.pick(3));
                here = &each.body;
                continue;
            }
            let step = &here.steps[step];
            let kind = match step.awaited()? {
                Wait::Callback(_) => AwaitedKind::Callback,
                _ => AwaitedKind::Approval,
            };
            return Some((place(&step.id, &items), kind));
        }
    }

    async fn write(&mut self, worker: usize, sent: Sent) {
        let text = sent.value.to_string();
        let mut digest = [0; 32];
        digest[..text.len()].copy_from_slice(text.as_bytes());
        let answer = store::NewAnswer {
            workspace: self.workspace.clone(),
            run: sent.run,
            place: sent.place.clone(),
            kind: sent.kind,
            answer: text,
            digest,
            at: self.world.now_ms(),
        };
        let answered = self.workers[worker].store.answer(answer).await.unwrap();
        self.tell(|| {
            let (run, place, value) = (sent.run, &sent.place, &sent.value);
            format!("worker {worker} is told {value} for {place} of {run}: {answered:?}")
        });
        let before = self.answers.first.get(&(sent.run, sent.place.clone()));
        let counts = &mut self.counts.answers;
        match answered {
            Answered::First => {
                assert_eq!(before, None, "two answers were the first one");
                assert_eq!(self.known[&sent.run].ended, None, "an answer after the end");
                self.answers
                    .first
                    .insert((sent.run, sent.place), sent.value);
                counts.first += 1;
            }
            Answered::Again => {
                assert_eq!(before, Some(&sent.value), "this was not said before");
                counts.again += 1;
            }
            Answered::Other => {
                assert!(before.is_some_and(|before| *before != sent.value));
                counts.other += 1;
            }
            Answered::Over => {
                assert_eq!(before, None, "an answer that counted is forgotten");
                counts.over += 1;
            }
        }
    }

    /// A worker looks at what was answered, and tells it its runs; those that nobody has it takes up for that.
    pub(super) async fn look(&mut self, worker: usize) {
        let me = (worker, self.workers[worker].life);
        let server = self.workers[worker].server;
        let store = self.workers[worker].store.clone();
        for unheard in store.answered(server).await.unwrap() {
            let (workspace, run) = (unheard.workspace, unheard.run);
            if unheard.over {
                store.discard_all(&workspace, run).await.unwrap();
            } else if self.known[&run].owner == Some(me) {
                // Whoever is told twice hears the second time that it changes nothing.
                let events = self.unused(worker, run).await;
                if let Some(driven) = self.workers[worker].runs.get_mut(&run) {
                    driven.events.extend(events);
                }
            } else if self.known[&run].owner.is_none() {
                let row = store.claim_run(server, &workspace, run).await.unwrap();
                let row = row.expect("nobody has it");
                let known = self.known.get_mut(&run).unwrap();
                known.owner = Some(me);
                known.parked_until = None;
                self.take_up(worker, row).await;
            }
        }
    }

    /// What a run was answered and has not heard.
    pub(super) async fn unused(&self, worker: usize, run: Uuid) -> Vec<Event> {
        let store = &self.workers[worker].store;
        let unused = store.unused(&self.workspace, run).await.unwrap();
        unused.into_iter().filter_map(event).collect()
    }

    /// A worker says that an answer comes to nothing. That counts only where it has the run.
    pub(super) async fn discard(&mut self, worker: usize, run: Uuid, place: &str) {
        self.counts.answers.ignored += 1;
        let Some(known) = self.known.get(&run) else {
            return;
        };
        let has_it = known.owner == Some((worker, self.workers[worker].life));
        let (store, server) = (&self.workers[worker].store, self.workers[worker].server);
        let stands = || store.awaited(&self.workspace, run, place);
        let before = stands().await.unwrap();
        let discarded = store.discard(server, &self.workspace, run, place).await;
        discarded.unwrap();
        let after = stands().await.unwrap();
        assert!(has_it || before == after, "a stranger puts an answer aside");
    }

    /// A turn was refused, since it ends a wait that was answered. It is folded again, the answer first.
    pub(super) async fn hear(
        &mut self,
        worker: usize,
        run: Uuid,
        driven: &mut Driven,
    ) -> Option<Stage> {
        self.counts.answers.refolded += 1;
        let (before, event) = *driven.before.take().expect("it was folded from something");
        driven.run = before;
        if matches!(event, Event::Placed { .. }) {
            // It is its turn no more: others go first, so it asks again.
            driven.places.clear();
            let plan = &self.place.plans[driven.flow];
            let asks = asks(plan, &driven.run).into_iter();
            let again = asks.filter(|ask| ask.placed() == event);
            let gate = &self.workers[worker].gate;
            let again = again.map(|ask| limits::want(gate, plan, ask));
            driven.asking.extend(again);
        } else {
            driven.events.push_front(event);
        }
        let answers = self.unused(worker, run).await;
        assert!(!answers.is_empty(), "a turn was refused for an answer");
        for answer in answers.into_iter().rev() {
            driven.events.push_front(answer);
        }
        Some(Stage::Idle)
    }
}

/// What must be true of the answers to a run that has ended.
pub(super) fn judge(simulation: &Simulation<'_>, run: Uuid, plan: &Plan, records: &[Record]) {
    let mut taken = BTreeSet::new();
    for record in records {
        let (items, record) = flat(record, Vec::new());
        match record {
            Record::Answered { step, answer, .. } => {
                let place = place(step, &items);
                let first = simulation.answers.first.get(&(run, place.clone()));
                assert_eq!(first, Some(&**answer), "{place} of {run}");
                assert!(taken.insert(place), "an answer was taken over twice");
            }
            Record::Succeeded { step, .. } => {
                let awaited = plan.find(step).and_then(|step| step.awaited());
                let place = place(step, &items);
                assert!(
                    awaited.is_none() || taken.contains(&place),
                    "{place} of {run} was answered by nobody"
                );
            }
            Record::Failed { step, failure, .. } if failure.class == Class::TimedOut => {
                let place = place(step, &items);
                let first = simulation.answers.first.get(&(run, place.clone()));
                assert_eq!(first, None, "{place} of {run} was answered in time");
            }
            _ => {}
        }
    }
}

/// Nothing is left that somebody would have to hear: whoever looks puts it aside.
pub(super) async fn judge_rest(simulation: &Simulation<'_>) {
    let worker = &simulation.workers[0];
    for unheard in worker.store.answered(worker.server).await.unwrap() {
        assert!(unheard.over, "{} never heard its answer", unheard.run);
        let discarded = worker.store.discard_all(&unheard.workspace, unheard.run);
        discarded.await.unwrap();
    }
    let left = worker.store.answered(worker.server).await.unwrap();
    assert_eq!(left, [], "an answer stands for ever");
}
