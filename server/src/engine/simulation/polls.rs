//! The polls of a simulation: claims that end, answers that come late or are failures, commits whose outcome nobody learns, and a
//! cursor that somebody sets meanwhile. Each item that is offered becomes one run.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
};

use serde_json::{Value, json};
use uuid::Uuid;
use weir_flows::{
    advance::{Event, Turn},
    document::Message,
    failure::{Class, Failure},
    intake::{Admission, admit},
    plan::{Plan, Source},
    poll::{Found, Most, Poll, next_after_failure},
    run::Run,
};

use super::{Driven, START, Simulation, Stage};
use crate::{
    engine::{poll::Onwards, turn_row},
    store::{self, Accepted, Store},
};

/// The flow that polls.
pub(super) const POLLED: &str = "polled";

/// Its trigger.
const TRIGGER: &str = "new";

/// How long a poll is left to whoever makes it, in milliseconds.
const CLAIMED: i64 = 20_000;

/// How many items the other side has in the end, and gives at once at most.
const ITEMS: usize = 9;
const PAGE: usize = 2;

/// What a poll may find.
const MOST: Most = Most {
    messages: PAGE,
    bytes: 1_000,
};

/// A poll that a worker makes.
pub(super) struct Errand {
    claim: store::Claim,
    stood: store::Poll,
    /// What the script gave, once it has.
    result: Option<Result<Value, Failure>>,
}

/// What is known of the polls.
pub(super) struct Polls {
    /// The number of the flow.
    flow: usize,
    /// How many items the other side has by now; they are numbered from 1.
    offered: usize,
    /// After which one the next poll goes on, and how often that was changed.
    cursor: usize,
    revision: u32,
    /// Whoever has the claim that stands.
    claim: Option<store::Claim>,
    /// The runs of the items.
    runs: BTreeMap<usize, Uuid>,
}

/// What happened.
#[derive(Default)]
pub(super) struct Counts {
    made: usize,
    found: usize,
    failed: usize,
    unknown: usize,
    dropped: usize,
    set: usize,
}

impl Counts {
    pub(super) fn add(&mut self, more: &Counts) {
        self.made += more.made;
        self.found += more.found;
        self.failed += more.failed;
        self.unknown += more.unknown;
        self.dropped += more.dropped;
        self.set += more.set;
    }

    /// Whether each of it happened.
    pub(super) fn all_came(&self) -> bool {
        let Counts {
            made,
            found,
            failed,
            unknown,
            dropped,
            set,
        } = *self;
        let all = [made, found, failed, unknown, dropped, set];
        all.iter().all(|count| *count > 0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "polls: {} made, {} items found, {} failed, {} commits with an unknown outcome, {} came to nothing, {} cursors set",
            self.made, self.found, self.failed, self.unknown, self.dropped, self.set
        )
    }
}

impl Polls {
    pub(super) fn of(plans: &[Arc<Plan>]) -> Polls {
        let flow = plans.iter().position(|plan| plan.flow.id == POLLED);
        Polls {
            flow: flow.expect("a flow of the simulation polls"),
            offered: 1,
            cursor: 0,
            revision: 0,
            claim: None,
            runs: BTreeMap::new(),
        }
    }

    /// Whether all that will be offered was found.
    pub(super) fn is_over(&self) -> bool {
        self.offered == ITEMS && self.cursor == ITEMS
    }

    pub(super) fn runs(&self) -> impl Iterator<Item = &Uuid> {
        self.runs.values()
    }

    /// Whatever was claimed is nobody's any more.
    pub(super) fn freed(&mut self) {
        self.claim = None;
    }

    /// What the script gives that asks for what comes after an item.
    fn page(&self, after: usize) -> Value {
        let ids: Vec<usize> = (after + 1..=self.offered).take(PAGE).collect();
        let messages: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        let more = after + ids.len() < self.offered;
        json!({ "messages": messages, "cursor": ids.last(), "more": more })
    }
}

impl fmt::Display for Polls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cursor, offered, claim) = (self.cursor, self.offered, &self.claim);
        write!(f, "{cursor} of {offered} items found, {claim:?}")
    }
}

/// Lets the flow poll in the workspace of a seed.
pub(super) async fn publish(store: &Store, workspace: &str) {
    let draft = store::Draft {
        workspace: workspace.to_owned(),
        flow: POLLED.to_owned(),
        title: String::new(),
        document: "{}".to_owned(),
        at: START,
    };
    store.create_draft(draft).await.unwrap();
    let publication = store::Publication {
        workspace: workspace.to_owned(),
        flow: POLLED.to_owned(),
        expected: None,
        document: "{}".to_owned(),
        note: None,
        at: START,
        schedules: vec![(TRIGGER.to_owned(), Some(START))],
        counted: None,
    };
    store.publish(publication).await.unwrap();
}

impl Simulation<'_> {
    fn poll_of(&self) -> &Poll {
        let triggers = &self.place.plans[self.polls.flow].triggers;
        match &triggers[TRIGGER].source {
            Source::Poll(poll) => poll,
            _ => panic!("{TRIGGER} is a poll"),
        }
    }

    /// The other side has more, somebody sets the cursor to where it is, or a worker looks whether a poll is due.
    pub(super) async fn poll(&mut self, worker: usize, troubled: bool) {
        if self.one_in(3) || !troubled {
            self.polls.offered = ITEMS.min(self.polls.offered + 1);
        }
        if troubled && self.one_in(12) {
            return self.set(worker).await;
        }
        let now = self.world.now_ms();
        let Some(due) = self.due(worker).await else {
            return;
        };
        let claim = store::Claim {
            workspace: self.workspace.clone(),
            flow: POLLED.to_owned(),
            trigger: TRIGGER.to_owned(),
            version: 1,
            due_at: due,
            // Its end names a claim: workers that know nothing of each other must not have two alike.
            until: now + CLAIMED + i64::try_from(self.counts.polls.made).unwrap(),
            server: self.workers[worker].server,
        };
        let store = &self.workers[worker].store;
        let stood = store.claim_poll(claim.clone(), now).await.unwrap();
        let stood = stood.expect("what is due is nobody's");
        let before = self.polls.claim.replace(claim.clone());
        assert!(
            before.is_none_or(|before| before.until <= now),
            "two make a poll at once"
        );
        self.assert_stands(&stood);
        self.tell(|| format!("worker {worker} polls what is due at {due}"));
        self.counts.polls.made += 1;
        self.workers[worker].errands.push(Errand {
            claim,
            stood,
            result: None,
        });
    }

    async fn due(&self, worker: usize) -> Option<i64> {
        let now = self.world.now_ms();
        let store = &self.workers[worker].store;
        let due = store.due_schedules(now, 2).await.unwrap();
        assert!(due.len() <= 1, "a seed before left something");
        let due = due.first()?;
        assert_eq!(due.workspace, self.workspace);
        due.next_at
    }

    fn assert_stands(&self, stood: &store::Poll) {
        let cursor = stood.cursor.as_deref().map_or("0", |cursor| cursor);
        let known = (self.polls.cursor.to_string(), self.polls.revision);
        assert_eq!((cursor.to_owned(), stood.revision), known);
    }

    /// Somebody sets the cursor to where it is: polls that are underway come to nothing.
    async fn set(&mut self, worker: usize) {
        let cursor = (self.polls.cursor > 0).then(|| self.polls.cursor.to_string());
        let now = self.world.now_ms();
        let store = &self.workers[worker].store;
        let set = store.set_cursor(&self.workspace, POLLED, TRIGGER, cursor, None, now);
        self.polls.revision += 1;
        assert_eq!(set.await, Ok(self.polls.revision));
        self.counts.polls.set += 1;
        self.tell(|| format!("the cursor is set to {}", self.polls.cursor));
    }

    /// One step of a poll: its script gives something or fails, or that is written.
    pub(super) async fn go_on(&mut self, worker: usize, index: usize, troubled: bool) {
        let mut errand = self.workers[worker].errands.swap_remove(index);
        let Some(result) = errand.result.take() else {
            let stood = errand.stood.cursor.as_deref();
            let after = stood.map_or(0, |cursor| cursor.parse().unwrap());
            errand.result = Some(match self.pick(8) {
                0 if troubled => Err(Failure::new(Class::Transient, "503")),
                1 if troubled => Ok(json!("not what a poll gives")),
                _ => Ok(self.polls.page(after)),
            });
            return self.workers[worker].errands.push(errand);
        };
        match result.and_then(|given| Found::read(given, MOST)) {
            Ok(found) => self.take(worker, errand, &found, troubled).await,
            Err(failure) => self.fail(worker, errand, &failure).await,
        }
    }

    /// Writes what a poll found, and begins to drive its runs.
    async fn take(&mut self, worker: usize, mut errand: Errand, found: &Found, troubled: bool) {
        let lost = Failure::new(Class::Transient, "the database did not answer");
        if troubled && self.one_in(12) {
            // It comes to nothing, and is a failure.
            self.counts.polls.unknown += 1;
            errand.result = Some(Err(lost));
            return self.workers[worker].errands.push(errand);
        }
        let now = self.world.now_ms();
        let (claim, stood) = (&errand.claim, &errand.stood);
        let (mut runs, mut rows) = (Vec::new(), Vec::new());
        for body in &found.messages {
            let (run, row) = self.found_run(worker, body.clone());
            runs.push(run);
            rows.push(row);
        }
        let onwards = Onwards::after(
            self.poll_of(),
            stood,
            found.cursor.as_ref(),
            found.more,
            now,
        );
        let gain = store::Gain {
            cursor: onwards.cursor,
            revision: stood.revision,
            at: now,
            next_at: onwards.at,
            runs: rows,
        };
        let ids: Vec<Uuid> = gain.runs.iter().map(|run| run.id).collect();
        let committed = self.workers[worker].store.commit_poll(claim.clone(), gain);
        let committed = committed.await.unwrap();
        let stands = self.polls.claim.as_ref() == Some(claim);
        let may = stands && self.polls.revision == stood.revision;
        self.tell(|| format!("worker {worker} has found {found:?}: {committed:?}"));
        if stands {
            self.polls.claim = None;
        }
        let Some(accepted) = committed else {
            assert!(!may, "what was found was refused to whoever has the poll");
            self.counts.polls.dropped += 1;
            return;
        };
        assert!(may, "whoever has lost a poll writes what it found");
        assert_eq!(accepted, vec![Accepted::New; ids.len()]);
        if let Some(last) = found.cursor.as_ref() {
            let last = usize::try_from(last.as_u64().unwrap()).unwrap();
            assert!(last > self.polls.cursor, "the cursor goes back");
            self.polls.cursor = last;
            self.polls.revision += 1;
        }
        // What was written while the answer got lost is driven by nobody until it is looked for.
        let forgotten = troubled && self.one_in(8);
        let flow = self.polls.flow;
        for ((run, id), body) in runs.into_iter().zip(ids).zip(&found.messages) {
            let item = usize::try_from(body["id"].as_u64().unwrap()).unwrap();
            let before = self.polls.runs.insert(item, id);
            assert_eq!(before, None, "item {item} became two runs");
            self.counts.polls.found += 1;
            self.accepted(worker, id, flow, store::Status::Running);
            if !forgotten {
                let events = VecDeque::from([Event::Start]);
                let driven = Driven::new(flow, run, 1, events, Stage::Idle);
                self.workers[worker].runs.insert(id, driven);
            }
        }
        if forgotten {
            self.counts.polls.unknown += 1;
            errand.result = Some(Err(lost));
            self.workers[worker].errands.push(errand);
        }
    }

    /// A run of something that was found, and its row.
    fn found_run(&self, worker: usize, body: Value) -> (Run, store::NewRun) {
        let plan = &self.place.plans[self.polls.flow];
        let message = Message {
            body,
            ..Message::default()
        };
        let trigger = &plan.triggers[TRIGGER];
        let admitted = admit(
            TRIGGER,
            "poll",
            trigger,
            message,
            self.stamp(),
            &self.bounds,
        );
        let Admission::Accepted { message, dedupe } = admitted else {
            panic!("nothing keeps a message out");
        };
        let (id, now) = (self.world.id(), self.world.now_ms());
        let identity = self.identity(self.polls.flow, id);
        let run = Run::new(plan, &identity, TRIGGER, message, now);
        let server = self.workers[worker].server;
        let row = turn_row(plan, &run, &Turn::default(), 0, now, server).unwrap();
        let new = self.new_run(self.polls.flow, &run, id, dedupe, row);
        (run, new)
    }

    /// Writes that a poll failed. That counts only where it is still made.
    async fn fail(&mut self, worker: usize, errand: Errand, failure: &Failure) {
        let now = self.world.now_ms();
        let failures = errand.stood.failures.saturating_add(1);
        let next = next_after_failure(&self.poll_of().schedule, failure, failures, now);
        let kept = Some(json!({ "class": failure.class }).to_string());
        let store = &self.workers[worker].store;
        let ended = store.end_poll(errand.claim.clone(), kept, now, next);
        ended.await.unwrap();
        self.tell(|| format!("the poll of worker {worker} failed: {failure}"));
        self.counts.polls.failed += 1;
        if self.polls.claim.as_ref() == Some(&errand.claim) {
            self.polls.claim = None;
        }
        let poll = store.poll(&self.workspace, POLLED, TRIGGER).await.unwrap();
        self.assert_stands(&poll.unwrap_or_default());
    }
}

/// All was found, in order and once; and nothing is left for the seeds after this one.
pub(super) async fn judge(simulation: &Simulation<'_>) {
    let store = &simulation.workers[0].store;
    let items: Vec<usize> = simulation.polls.runs.keys().copied().collect();
    assert_eq!(items, (1..=ITEMS).collect::<Vec<_>>());
    for (item, run) in &simulation.polls.runs {
        let journal = store.journal(&simulation.workspace, *run, 0, 1).await;
        let message = journal.unwrap().remove(0).message.unwrap();
        let message: Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["body"]["id"], *item, "the run is that of its item");
    }
    let poll = store.poll(&simulation.workspace, POLLED, TRIGGER).await;
    simulation.assert_stands(&poll.unwrap().unwrap());
    let deleted = store.delete_flow(&simulation.workspace, POLLED).await;
    assert!(deleted.unwrap());
}
