//! The simulation: workers that crash, freeze and lose answers between any two steps of theirs, on one real SQLite file, against
//! the promises.
//!
//! One die decides everything, so a seed is a whole story that can be told again. A worker folds as the engine does, asks a gate of
//! its own where a step has limits, makes polls, writes to the store and restores from it, but moves only when the die says so:
//! what it has decided or found may wait while others take its runs and polls away. Whoever opens the file anew frees what all
//! others have, as a takeover does, so those who go on unawares are there, too. Nothing may pass that breaks a promise: each step
//! is held against what is known to be on disk.
//!
//! `WEIR_PROVE_SEEDS` says how many seeds are played, `WEIR_PROVE_SEED` plays one and tells its story.

mod answers;
mod claims;
mod judge;
mod limits;
mod messages;
mod partner;
mod polls;

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use uuid::Uuid;
use weir_flows::{
    advance::{Command, Event, Stamp, lost},
    plan::Plan,
    run::Run,
    script::Bounds,
};

use super::{
    answers::{place_of, takes},
    asking::{Asking, Folded, Places, fold},
    drive::Todo,
    gate::Gate,
    turn_row,
};
use crate::{
    store::{self, Store},
    world::World,
};
use answers::Answers;
use limits::{Begun, Held, LANES};
use messages::Message;
use partner::{Partner, flows};
use polls::{Errand, Polls};

/// How many seeds are played, unless `WEIR_PROVE_SEEDS` says otherwise.
const SEEDS: u64 = 50;

/// When all seeds begin.
const START: i64 = 1_774_745_100_000;

/// How many steps of a seed may go wrong. Then it is left in peace, and must come to its end.
const TROUBLED: usize = 400;

/// How many steps in peace are enough for everything to end.
const PEACEFUL: usize = 6_000;

/// Where a run of a worker stands between two of its steps.
enum Stage {
    /// It waits for an event.
    Idle,
    /// Its first turn is folded and not written.
    Arriving(Box<store::NewRun>, Todo),
    /// A further turn is folded and not written.
    Decided(Box<store::Turn>, Todo),
    /// Its turn is on disk; these attempts are to be made.
    Committed(VecDeque<Command>),
}

/// A run in the memory of a worker.
struct Driven {
    flow: usize,
    run: Run,
    turns: u32,
    events: VecDeque<Event>,
    stage: Stage,
    /// What its last turn was folded from.
    before: Option<Box<(Run, Event)>>,
    /// What waits for its turn.
    asking: Vec<Asking>,
    /// The turns that have come, until the attempts begin.
    places: Places,
    /// Its attempts that are underway and have limits.
    held: Vec<Held>,
}

impl Driven {
    fn new(flow: usize, run: Run, turns: u32, events: VecDeque<Event>, stage: Stage) -> Driven {
        Driven {
            flow,
            run,
            turns,
            events,
            stage,
            before: None,
            asking: Vec::new(),
            places: Places::default(),
            held: Vec::new(),
        }
    }

    /// What its turn decided is on disk now.
    fn goes_on(&mut self, todo: Todo) -> Stage {
        self.asking.extend(todo.asking);
        self.places.append(todo.places);
        Stage::Committed(todo.commands.into())
    }
}

struct Worker {
    store: Store,
    server: Uuid,
    /// How often it has crashed: what it asked for before finds nobody.
    life: u32,
    /// What it has in memory.
    runs: BTreeMap<Uuid, Driven>,
    /// Its polls that are underway.
    errands: Vec<Errand>,
    gate: Gate,
}

/// What is known to be on disk of a run.
#[derive(Clone, Default)]
struct Known {
    flow: usize,
    /// Who has it, and in which life.
    owner: Option<(usize, u32)>,
    turns: u32,
    parked_until: Option<i64>,
    ended: Option<store::Status>,
}

/// What happened, for those who read what was proved.
#[derive(Default)]
struct Counts {
    messages: usize,
    turns: usize,
    crashes: usize,
    refused: usize,
    unknown: usize,
    cancels: usize,
    calls: usize,
    late: usize,
    answers: answers::Counts,
    limits: limits::Counts,
    polls: polls::Counts,
}

/// What outlives a seed: the file and its schema.
struct Place {
    dir: TempDir,
    plans: Vec<Arc<Plan>>,
}

impl Place {
    fn settings(&self) -> store::Settings {
        let dir = self.dir.path().join("data");
        store::Settings {
            readers: 1,
            ..store::Settings::new(store::Database::Sqlite { dir })
        }
    }

    async fn open(&self) -> Store {
        Store::open_beside_others(&self.settings()).await.unwrap()
    }
}

struct Simulation<'a> {
    place: &'a Place,
    world: World,
    workspace: String,
    workers: Vec<Worker>,
    messages: Vec<Message>,
    known: BTreeMap<Uuid, Known>,
    partner: Partner,
    answers: Answers,
    begun: Begun,
    polls: Polls,
    bounds: Bounds,
    counts: Counts,
    /// Whether its story is told.
    told: bool,
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_doubled_in_any_seed() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let only: Option<u64> = number("WEIR_PROVE_SEED");
    let seeds = match only {
        Some(seed) => seed..seed + 1,
        None => 0..number("WEIR_PROVE_SEEDS").unwrap_or(SEEDS),
    };
    // Memory, where there is such a folder: what a failing machine would lose is not the question here.
    let memory = Path::new("/dev/shm");
    let dir = match memory.is_dir() {
        true => TempDir::new_in(memory).unwrap(),
        false => TempDir::new().unwrap(),
    };
    let place = Place {
        dir,
        plans: flows(),
    };
    let first = Store::open(&place.settings()).await.unwrap();
    first.close().await;
    let mut all = Counts::default();
    let played = seeds.end - seeds.start;
    for seed in seeds {
        let _namer = judge::Namer(seed);
        let mut simulation = Simulation::new(&place, seed, only.is_some()).await;
        simulation.play().await;
        judge::judge(&simulation).await;
        let counts = &simulation.counts;
        all.messages += simulation.messages.len();
        all.turns += counts.turns;
        all.crashes += counts.crashes;
        all.refused += counts.refused;
        all.unknown += counts.unknown;
        all.cancels += counts.cancels;
        all.calls += simulation.partner.calls.len();
        all.late += counts.late;
        all.answers.add(&counts.answers);
        all.limits.add(&counts.limits);
        all.polls.add(&counts.polls);
        for worker in simulation.workers {
            worker.store.close().await;
        }
    }
    println!(
        "{played} seeds: {} messages, {} turns, {} crashes, {} turns of others refused, {} commits with an unknown outcome, \
         {} cancelled, {} calls, {} answers too late",
        all.messages,
        all.turns,
        all.crashes,
        all.refused,
        all.unknown,
        all.cancels,
        all.calls,
        all.late
    );
    println!("{}\n{}\n{}", all.answers, all.limits, all.polls);
    let rare = [all.crashes, all.refused, all.unknown, all.cancels, all.late];
    let came = rare.iter().all(|count| *count > 0) && all.answers.all_came();
    let came = came && all.limits.all_came() && all.polls.all_came();
    assert!(
        only.is_some() || came,
        "some trouble never came, so little is proved"
    );
}

/// What may happen next.
enum Move {
    Send(usize),
    Drive(usize, Uuid),
    Arrive(usize),
    Reply(usize),
    Answer(Uuid),
    Poll(usize, usize),
}

impl<'a> Simulation<'a> {
    async fn new(place: &'a Place, seed: u64, told: bool) -> Simulation<'a> {
        let world = World::manual(START, seed);
        let mut workers = Vec::new();
        for _ in 0..2 + world.dice() % 2 {
            let store = place.open().await;
            let server = store.register(world.id()).await.unwrap();
            workers.push(Worker {
                store,
                server,
                life: 0,
                runs: BTreeMap::new(),
                errands: Vec::new(),
                gate: Gate::new(world.clone(), LANES),
            });
        }
        let messages = 1 + world.dice() % 8;
        // Those that are answered twice as often as the others, since much must come together there.
        let all = 0..place.plans.len();
        let answered = all.clone().filter(|flow| place.plans[*flow].has_answers());
        let flows: Vec<usize> = all.chain(answered).collect();
        let message = |_| Message {
            flow: flows[usize::try_from(world.dice() % flows.len() as u64).unwrap()],
            run: None,
            answered: false,
        };
        let workspace = format!("seed-{seed}");
        polls::publish(&workers[0].store, &workspace).await;
        Simulation {
            place,
            workspace,
            workers,
            messages: (0..messages).map(message).collect(),
            known: BTreeMap::new(),
            partner: Partner::new(world.clone()),
            answers: Answers::default(),
            begun: Begun::default(),
            polls: Polls::of(&place.plans),
            bounds: Bounds::default(),
            counts: Counts::default(),
            told,
            world,
        }
    }

    async fn play(&mut self) {
        for _ in 0..TROUBLED {
            self.step(true).await;
        }
        for _ in 0..PEACEFUL {
            if self.is_over() {
                return;
            }
            self.step(false).await;
        }
        panic!("not everything has ended: {}", self.standing());
    }

    fn is_over(&self) -> bool {
        self.messages.iter().all(|message| message.answered)
            && self.known.values().all(|known| known.ended.is_some())
            && self.polls.is_over()
    }

    fn standing(&self) -> String {
        let left = self.known.iter().filter(|(_, known)| known.ended.is_none());
        let left = left.map(|(run, known)| {
            let owner = known.owner;
            format!(
                "run {run} after {} turns, with {owner:?}, parked {:?}",
                known.turns, known.parked_until
            )
        });
        format!("{}; {}", self.polls, left.collect::<Vec<_>>().join("; "))
    }

    fn one_in(&self, n: u64) -> bool {
        self.world.dice().is_multiple_of(n)
    }

    fn pick(&self, of: usize) -> usize {
        usize::try_from(self.world.dice() % of as u64).unwrap()
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.told {
            eprintln!("{:>8} ms: {}", self.world.now_ms() - START, what());
        }
    }

    async fn step(&mut self, troubled: bool) {
        let worker = self.pick(self.workers.len());
        if troubled && self.one_in(40) {
            return self.crash(worker).await;
        }
        if troubled && self.one_in(80) {
            return self.cancel(worker);
        }
        if self.one_in(15) {
            return self.poll(worker, troubled).await;
        }
        let moves = self.moves();
        if moves.is_empty() || self.one_in(15) {
            match self.pick(4) {
                0 => self.claim(worker).await,
                1 => self.sweep(worker).await,
                2 => self.look(worker).await,
                _ => {
                    let seconds = 1 + self.world.dice() % 8;
                    self.world.advance(Duration::from_secs(seconds));
                    self.workers.iter().for_each(|worker| worker.gate.look());
                }
            }
            return;
        }
        match moves[self.pick(moves.len())] {
            Move::Send(message) => self.send(message, worker),
            Move::Drive(worker, run) => self.drive(worker, run, troubled).await,
            Move::Arrive(index) => self.partner.arrive(index, troubled),
            Move::Reply(index) => self.reply(index),
            Move::Answer(run) => self.answer(worker, run).await,
            Move::Poll(worker, errand) => self.go_on(worker, errand, troubled).await,
        }
    }

    fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (index, message) in self.messages.iter().enumerate() {
            if !message.answered && self.sendings(index) < 2 {
                moves.push(Move::Send(index));
            }
        }
        for (index, worker) in self.workers.iter().enumerate() {
            for (run, driven) in &worker.runs {
                let plan = &self.place.plans[driven.flow];
                let due = driven.run.wake_at(plan);
                let due = due.is_some_and(|at| at <= self.world.now_ms());
                let waits = !driven.events.is_empty() || !driven.asking.is_empty();
                if due || waits || !matches!(driven.stage, Stage::Idle) {
                    moves.push(Move::Drive(index, *run));
                }
            }
        }
        for (index, worker) in self.workers.iter().enumerate() {
            moves.extend((0..worker.errands.len()).map(|errand| Move::Poll(index, errand)));
        }
        moves.extend((0..self.partner.wire.len()).map(Move::Arrive));
        moves.extend((0..self.partner.replies.len()).map(Move::Reply));
        moves.extend(self.answerable().map(Move::Answer));
        moves
    }

    /// Folds an event into a run of a worker, which asks its own gate.
    fn fold(
        &self,
        worker: usize,
        flow: usize,
        run: &mut Run,
        stamp: Stamp,
        event: Event,
    ) -> Folded {
        let plan = &self.place.plans[flow];
        let want = |ask| limits::want(&self.workers[worker].gate, plan, ask);
        fold(plan, run, stamp, || self.bounds.clone(), event, want)
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            now_ms: self.world.now_ms(),
            dice: self.world.dice(),
        }
    }

    /// One step of one run.
    async fn drive(&mut self, worker: usize, id: Uuid, troubled: bool) {
        let mut driven = self.workers[worker].runs.remove(&id).unwrap();
        driven.stage = match std::mem::replace(&mut driven.stage, Stage::Idle) {
            Stage::Idle => self.decide(worker, id, &mut driven).await,
            Stage::Arriving(new, todo) => {
                if !self.accept(worker, *new, driven.flow).await {
                    return;
                }
                driven.goes_on(todo)
            }
            Stage::Decided(row, todo) => {
                let Some(stage) = self
                    .commit(worker, id, &mut driven, row, todo, troubled)
                    .await
                else {
                    return;
                };
                stage
            }
            Stage::Committed(commands) => {
                let Some(stage) = self.begin(worker, id, &mut driven, commands) else {
                    return;
                };
                stage
            }
        };
        self.workers[worker].runs.insert(id, driven);
    }

    async fn decide(&mut self, worker: usize, id: Uuid, driven: &mut Driven) -> Stage {
        let place = self.place;
        let plan = &place.plans[driven.flow];
        let event = driven.events.pop_front().or_else(|| driven.given());
        let event = event.unwrap_or(Event::Woke);
        let stamp = self.stamp();
        driven.before = Some(Box::new((driven.run.clone(), event.clone())));
        let answered = place_of(&event).filter(|_| driven.run.has_started());
        let folded = self.fold(worker, driven.flow, &mut driven.run, stamp, event);
        let turn = &folded.turn;
        if let Some(place) = answered.filter(|place| !takes(&turn.records, place)) {
            self.discard(worker, id, &place).await;
        }
        if turn.records.is_empty() {
            assert!(turn.commands.is_empty(), "a command without a record");
            driven.places.clear();
            return Stage::Idle;
        }
        let server = self.workers[worker].server;
        let (run, now) = (&driven.run, stamp.now_ms);
        let mut row = turn_row(plan, run, turn, driven.turns, now, server).unwrap();
        let idle = turn.commands.is_empty()
            && driven.events.is_empty()
            && driven.asking.is_empty()
            && folded.asking.is_empty()
            && run.has_started()
            && lost(plan, run).is_empty();
        if idle && self.one_in(2) {
            row.parked_until = run.wake_at(plan).filter(|at| *at > now);
        }
        self.tell(|| format!("worker {worker} decides on {id}: {}", row.records));
        self.counts.limits.waited += folded.asking.len();
        Stage::Decided(Box::new(row), Todo::of(folded))
    }

    /// Writes a turn. Nothing where the worker has nothing more to do with the run.
    async fn commit(
        &mut self,
        worker: usize,
        id: Uuid,
        driven: &mut Driven,
        row: Box<store::Turn>,
        todo: Todo,
        troubled: bool,
    ) -> Option<Stage> {
        if troubled && self.one_in(15) {
            // It comes to nothing, and the worker does not know: it tries again.
            self.counts.unknown += 1;
            return Some(Stage::Decided(row, todo));
        }
        let me = (worker, self.workers[worker].life);
        let written = self.workers[worker]
            .store
            .commit(&self.workspace, id, (*row).clone())
            .await;
        let known = self.known.get_mut(&id).unwrap();
        let may = known.owner == Some(me) && known.turns == row.seq && known.ended.is_none();
        match written {
            Ok(()) => {
                assert!(may, "worker {me:?} commits to {id}, which it does not have");
                known.turns += 1;
                known.ended = Some(row.status).filter(|status| status.is_final());
                known.parked_until = row.parked_until.filter(|_| known.ended.is_none());
                let goes_on = known.ended.is_none() && known.parked_until.is_none();
                known.owner = known.owner.filter(|_| goes_on);
                self.counts.turns += 1;
                if troubled && self.one_in(15) {
                    // It is done, and the worker does not know: it tries again, and is refused.
                    self.counts.unknown += 1;
                    return Some(Stage::Decided(row, todo));
                }
                driven.turns += 1;
                goes_on.then(|| driven.goes_on(todo))
            }
            Err(store::Error::Answered) => self.hear(worker, id, driven).await,
            Err(store::Error::Conflict(_)) => {
                assert!(
                    !may,
                    "a turn of {id} was refused to worker {me:?}, which has the run"
                );
                self.counts.refused += 1;
                self.let_go(worker, id).await;
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes the next attempt that a turn commands. What was taken away meanwhile begins nothing.
    fn begin(
        &mut self,
        worker: usize,
        id: Uuid,
        driven: &mut Driven,
        mut commands: VecDeque<Command>,
    ) -> Option<Stage> {
        let me = (worker, self.workers[worker].life);
        if self.known[&id].owner != Some(me) {
            self.tell(|| format!("worker {worker} finds that it does not have {id} any more"));
            return None;
        }
        if let Some(command) = commands.pop_front() {
            self.hold(worker, driven, &command);
            self.partner.send(me, id, command);
        }
        Some(match commands.is_empty() {
            true => {
                driven.places.clear();
                Stage::Idle
            }
            false => Stage::Committed(commands),
        })
    }

    /// An answer of the partner arrives where the call came from, if that is still there.
    fn reply(&mut self, index: usize) {
        let reply = self.partner.replies.swap_remove(index);
        let worker = &mut self.workers[reply.to.0];
        match worker.runs.get_mut(&reply.run) {
            Some(driven) if worker.life == reply.to.1 => {
                driven.release(&reply.event);
                driven.events.push_back(reply.event);
            }
            _ => self.counts.late += 1,
        }
    }

    /// A person ends a run that a worker has.
    fn cancel(&mut self, worker: usize) {
        let (undo, index) = (self.one_in(2), self.world.dice());
        let runs = &mut self.workers[worker].runs;
        let count = runs.len().max(1) as u64;
        let on_disk = |driven: &&mut Driven| !matches!(driven.stage, Stage::Arriving(..));
        let chosen = runs
            .values_mut()
            .nth(usize::try_from(index % count).unwrap());
        if let Some(driven) = chosen.filter(on_disk) {
            self.counts.cancels += 1;
            driven.events.push_front(Event::Cancel {
                undo,
                by: None,
                note: None,
            });
        }
    }
}
