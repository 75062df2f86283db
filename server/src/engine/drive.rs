//! Drives one run to its end: an event, a turn, a commit, and only then what the turn commands.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    task::{JoinError, JoinSet},
    time,
};
use uuid::Uuid;
use weir_flows::{
    advance::{Ask, Command, Event, asks, calls},
    builtin::CALL,
    plan::Plan,
    run::Run,
};

use super::{
    Answer, Engine, Version, answers,
    asking::{Asking, Folded, Given, Places},
    attempt,
    call::{self, Caller},
    crowd::Slot,
    gate::Pass,
    line::Line,
    tenure::Tenure,
    turn_row,
    underway::Enrolled,
};
use crate::{store, world::Point};

/// The longest pause before a commit that the database could not take is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A run that is underway in this process.
pub(super) struct Active {
    /// As whom this server has it.
    pub tenure: Arc<Tenure>,
    pub version: Arc<Version>,
    pub id: Uuid,
    pub run: Run,
    /// The run of which a step calls it.
    pub parent: Option<Uuid>,
    /// How many turns are on disk.
    pub turns: u32,
    pub reply: ReplySlot,
    /// Its place among all runs of the process; none where it was taken up to wait for what it had called, or to be cancelled.
    #[expect(dead_code, reason = "held for as long as the run is underway")]
    pub slot: Option<Slot>,
    /// Its places among the runs of its flow and its trigger, where they are limited.
    pub places: Vec<Pass>,
    /// Its place among the runs that a person can reach.
    pub enrolled: Enrolled,
}

/// Where the caller of an http trigger waits.
#[derive(Default)]
pub(super) struct ReplySlot(Option<oneshot::Sender<Answer>>);

impl ReplySlot {
    pub(super) fn open(&mut self) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.0 = Some(sender);
        receiver
    }

    fn tell(&mut self, answer: Answer) {
        if let Some(sender) = self.0.take() {
            // A caller that has gone away misses nothing: the run is recorded.
            let _ = sender.send(answer);
        }
    }

    /// Whether somebody still waits for the answer.
    fn is_awaited(&self) -> bool {
        self.0.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    /// Resolves once nobody waits for the answer any more.
    async fn abandoned(&mut self) {
        if let Some(sender) = &mut self.0 {
            sender.closed().await;
        }
    }
}

impl Active {
    /// What to answer, once that is known.
    pub(super) fn answer(&self) -> Option<Answer> {
        Answer::of(&self.version.plan, &self.run)
    }

    /// Whether it has nothing underway and holds nothing that others wait for. A run within a limit keeps its place, so that the
    /// order of a queue holds.
    fn is_idle(&self, attempts: &Attempts) -> bool {
        attempts.is_empty()
            && self.places.is_empty()
            && self.run.has_started()
            && !self.run.status.is_final()
            && !self.reply.is_awaited()
    }

    fn tell(&mut self) {
        if self.reply.0.is_some()
            && let Some(answer) = self.answer()
        {
            self.reply.tell(answer);
        }
    }
}

/// Until when a run may be left alone that waits for nothing but a time: nothing where that is near.
pub(super) fn parked_until(engine: &Engine, plan: &Plan, run: &Run, now: i64) -> Option<i64> {
    let long = i64::try_from(engine.limits().park_after.as_millis()).unwrap_or(i64::MAX);
    run.wake_at(plan).filter(|at| at.saturating_sub(now) > long)
}

/// What is to be done for a run, and is on disk already.
#[derive(Default)]
pub(super) struct Todo {
    pub commands: Vec<Command>,
    /// The turns that were given to those of them that have limits.
    pub places: Places,
    /// What is waited for.
    pub asking: Vec<Asking>,
}

impl Todo {
    /// What a turn decided, once it is on disk.
    pub(super) fn of(folded: Folded) -> Todo {
        Todo {
            commands: folded.turn.commands,
            places: folded.places,
            asking: folded.asking,
        }
    }
}

/// Drives a run until it ends, waits for long, or the process stops or loses its lease; once it is its turn in the line.
/// `todo` is done at once; `events` come first.
pub(super) async fn drive(
    engine: Engine,
    active: Active,
    line: Option<Line>,
    todo: Todo,
    events: Vec<Event>,
) {
    let tenure = Arc::clone(&active.tenure);
    // Without the lease nothing more is begun and nothing written: whatever is underway is cut off where it stands.
    tokio::select! {
        biased;
        () = tenure.over.cancelled() => {}
        () = drive_on(engine, active, line, todo, events) => {}
    }
}

async fn drive_on(
    engine: Engine,
    mut active: Active,
    line: Option<Line>,
    todo: Todo,
    events: Vec<Event>,
) {
    let mut events = VecDeque::from(events);
    let mut attempts = Attempts::default();
    let mut line = line;
    loop {
        while let Some(order) = active.enrolled.waiting() {
            queue(order, &mut events, &mut line);
        }
        // Its flow or its trigger limits what is underway at once.
        let Some(turn) = &mut line else { break };
        let unbegun = !active.run.has_started();
        tokio::select! {
            biased;
            order = active.enrolled.next() => queue(order, &mut events, &mut line),
            // Whoever stops gives its place back, and that is nobody's turn.
            () = engine.stopping() => return,
            () = engine.until_paused(&active.version), if unbegun => {
                let_go(&engine, &active, Some(store::HELD)).await;
                return active.reply.tell(Answer::Waits);
            }
            places = turn => {
                active.places = places;
                line = None;
                if !active.run.has_started() {
                    events.retain(|event| !matches!(event, Event::Start));
                    events.push_front(Event::Start);
                }
            }
        }
    }
    start(&engine, &active, todo, &mut attempts).await;
    while !active.run.status.is_final() {
        let Some(event) = next_event(&engine, &mut active, &mut events, &mut attempts).await else {
            return;
        };
        let stamp = engine.stamp();
        let called = match &event {
            Event::Cancel { undo, .. } => {
                let calls = calls(&active.version.plan, &active.run, stamp.now_ms);
                Some((call::called(active.id, &calls), *undo))
            }
            _ => None,
        };
        let answered = answers::place_of(&event).filter(|_| active.run.has_started());
        // Only what is due may end a wait that was answered meanwhile; then it is folded again.
        let due = active.run.wake_at(&active.version.plan);
        let due = due.is_some_and(|at| at <= stamp.now_ms) && active.version.plan.has_answers();
        let before = due.then(|| (active.run.clone(), event.clone()));
        let folded = engine.fold(&active.version, &mut active.run, stamp, event);
        let turn = &folded.turn;
        let ignored = answered.filter(|place| !answers::takes(&turn.records, place));
        if let Some(place) = ignored {
            answers::discard(&engine, &active, &place).await;
        }
        if turn.records.is_empty() {
            active.enrolled.told();
            attempts.places.clear();
            if events.is_empty()
                && attempts.is_empty()
                && active.run.wake_at(&active.version.plan).is_none()
            {
                return tracing::error!(run = %active.id, "nothing is left to do, yet the run has not ended; please report this");
            }
            continue;
        }
        let plan = &active.version.plan;
        let row = turn_row(
            plan,
            &active.run,
            turn,
            active.turns,
            stamp.now_ms,
            active.tenure.server,
        );
        let row = match row {
            Ok(mut row) => {
                let idle = turn.commands.is_empty() && folded.asking.is_empty();
                if idle && events.is_empty() && active.is_idle(&attempts) {
                    row.parked_until = parked_until(&engine, plan, &active.run, stamp.now_ms);
                }
                if row.status.is_final()
                    && row.history == store::History::Drop
                    && call::is_awaited_elsewhere(&engine, &active).await
                {
                    row.history = store::History::Keep;
                }
                row
            }
            Err(error) => {
                return tracing::error!(run = %active.id, %error, "a turn cannot be written; the run is left as it is on disk");
            }
        };
        let parked = row.parked_until.is_some() && !row.status.is_final();
        engine.world().pass(Point::TurnDecided);
        match commit(&engine, &active, row).await {
            Written::Done => {}
            Written::Unheard => {
                let Some((run, event)) = before else {
                    // It began in this turn, without any time.
                    return let_go(&engine, &active, None).await;
                };
                active.run = run;
                match &event {
                    // It is its turn no more: others go first, so it asks again.
                    Event::Placed { .. } => {
                        let asks = asks(&active.version.plan, &active.run).into_iter();
                        let again = asks.filter(|ask| ask.placed() == event);
                        for asking in again.map(|ask| engine.want(&active.version, ask)) {
                            attempts.asking.spawn(asking);
                        }
                    }
                    _ => events.push_front(event),
                }
                let Some(answers) = answers::missed(&engine, &active).await else {
                    return;
                };
                for answer in answers.into_iter().rev() {
                    events.push_front(answer);
                }
                continue;
            }
            Written::Never => return,
        }
        engine.world().pass(Point::TurnCommitted);
        active.turns += 1;
        active.enrolled.told();
        active.tell();
        if let Some((called, undo)) = called {
            engine.cancel_called(&active.version.workspace, called, undo);
        }
        engine.announce(&active, stamp.now_ms);
        if parked {
            // Whoever finds it due takes it up, here or elsewhere.
            engine.world().pass(Point::RunParked);
            drop(active);
            return engine.0.claims.notify_one();
        }
        start(&engine, &active, Todo::of(folded), &mut attempts).await;
    }
    engine.ended(&active);
}

/// Puts in line what comes from outside before the run moves. A cancel comes first, and needs no place.
fn queue(order: Event, events: &mut VecDeque<Event>, line: &mut Option<Line>) {
    if matches!(order, Event::Cancel { .. }) {
        *line = None;
        events.push_front(order);
    } else {
        events.push_back(order);
    }
}

/// The attempts of a run that are underway.
#[derive(Default)]
struct Attempts {
    actions: JoinSet<Event>,
    /// Calls of other flows. They go on at the next start, so a process that stops does not wait for them.
    calls: JoinSet<Event>,
    /// What waits for its turn. It asks again at the next start, so a process that stops does not wait for it either.
    asking: JoinSet<(Ask, Given)>,
    /// The turns that have come, until the attempts begin.
    places: Places,
}

impl Attempts {
    fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.calls.is_empty() && self.asking.is_empty()
    }

    fn try_join_next(&mut self) -> Option<Result<Event, JoinError>> {
        let ended = self.actions.try_join_next();
        if let Some(ended) = ended.or_else(|| self.calls.try_join_next()) {
            return Some(ended);
        }
        let given = self.asking.try_join_next()?;
        Some(given.map(|(ask, given)| self.given(ask, given)))
    }

    /// What has happened with what was given.
    fn given(&mut self, ask: Ask, given: Given) -> Event {
        let event = given.event(&ask);
        self.places.add(ask, given);
        event
    }

    /// The next that ends; none where nothing is underway.
    async fn join_next(&mut self) -> Option<Result<Event, JoinError>> {
        tokio::select! {
            Some(ended) = self.actions.join_next() => Some(ended),
            Some(ended) = self.calls.join_next() => Some(ended),
            Some(given) = self.asking.join_next() => {
                Some(given.map(|(ask, given)| self.given(ask, given)))
            }
            else => None,
        }
    }
}

async fn start(engine: &Engine, active: &Active, todo: Todo, attempts: &mut Attempts) {
    for asking in todo.asking {
        attempts.asking.spawn(asking);
    }
    if !todo.commands.is_empty() {
        Tenure::sure(engine).await;
        attempts.places.append(todo.places);
        begin(engine, active, todo.commands, attempts);
    }
    attempts.places.clear();
}

fn begin(engine: &Engine, active: &Active, commands: Vec<Command>, attempts: &mut Attempts) {
    let caller = Caller {
        run: active.id,
        tenure: Some(Arc::clone(&active.tenure)),
    };
    for command in commands {
        let (engine, caller) = (engine.clone(), caller.clone());
        let version = Arc::clone(&active.version);
        let mut place = attempts.places.take(&command);
        let set = if command.kind == CALL {
            &mut attempts.calls
        } else {
            &mut attempts.actions
        };
        set.spawn(async move {
            engine.world().pass(Point::AttemptBegun);
            if let Some(place) = &mut place {
                place.begins(engine.world().now_ms());
            }
            let event = attempt::make(&engine, &version, caller, command).await;
            engine.world().pass(Point::AttemptEnded);
            if let Some(place) = place {
                place.ended(&engine, &event);
            }
            event
        });
    }
}

/// What happens next. `None` when the process stops and nothing is in flight.
async fn next_event(
    engine: &Engine,
    active: &mut Active,
    events: &mut VecDeque<Event>,
    attempts: &mut Attempts,
) -> Option<Event> {
    if let Some(event) = events.pop_front() {
        return Some(event);
    }
    loop {
        let wake_at = active.run.wake_at(&active.version.plan);
        if attempts.is_empty() && wake_at.is_none() {
            return Some(Event::Woke);
        }
        if wake_at.is_some_and(|at| at <= engine.world().now_ms()) {
            if engine.0.stopping.is_cancelled() && attempts.actions.is_empty() {
                return None;
            }
            // The turn before left something over: others get their chance, and what has come in meanwhile goes first.
            tokio::task::yield_now().await;
            if let Some(order) = active.enrolled.waiting() {
                return Some(order);
            }
            if let Some(Ok(event)) = attempts.try_join_next() {
                return Some(event);
            }
            return Some(Event::Woke);
        }
        let now = engine.world().now_ms();
        let long = parked_until(engine, &active.version.plan, &active.run, now);
        if let Some(at) = long.filter(|_| active.is_idle(attempts)) {
            if let Some(order) = active.enrolled.waiting() {
                return Some(order);
            }
            let_go(engine, active, Some(at)).await;
            engine.world().pass(Point::RunParked);
            return None;
        }
        let pause = wake_at
            .map(|at| Duration::from_millis(u64::try_from(at.saturating_sub(now)).unwrap_or(0)));
        let idle = attempts.actions.is_empty();
        let awaited = active.reply.is_awaited();
        tokio::select! {
            // Then it may be left alone.
            () = active.reply.abandoned(), if awaited && long.is_some() => {}
            Some(ended) = attempts.join_next() => match ended {
                Ok(event) => return Some(event),
                Err(error) => {
                    tracing::error!(run = %active.id, %error, "an attempt was torn down; the run is taken up again");
                    let_go(engine, active, None).await;
                    return None;
                }
            },
            order = active.enrolled.next() => return Some(order),
            () = time::sleep(pause.unwrap_or_default()), if pause.is_some() => {
                if wake_at.is_some_and(|at| at <= engine.world().now_ms()) {
                    return Some(Event::Woke);
                }
            }
            () = engine.stopping(), if idle => return None,
        }
    }
}

/// What became of a turn.
enum Written {
    /// It is on disk.
    Done,
    /// It ends a wait for an answer that came meanwhile, and which goes first.
    Unheard,
    /// It can never be written, or the process stops.
    Never,
}

/// Writes a turn, for as long as it takes.
async fn commit(engine: &Engine, active: &Active, row: store::Turn) -> Written {
    let mut pause = Duration::from_millis(100);
    loop {
        match engine
            .store()
            .commit(&active.version.workspace, active.id, row.clone())
            .await
        {
            Ok(()) => return Written::Done,
            Err(store::Error::Answered) => return Written::Unheard,
            Err(store::Error::Busy | store::Error::Unavailable(_)) => {
                tracing::warn!(run = %active.id, "the database cannot take a turn; trying again");
                tokio::select! {
                    () = time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                    () = engine.stopping() => return Written::Never,
                }
            }
            // Others have it by now, or will have.
            Err(store::Error::Fenced | store::Error::Closed) => return Written::Never,
            Err(error @ store::Error::Conflict(_)) => {
                tracing::error!(run = %active.id, %error, "a turn was refused; the run is taken up again as it is on disk");
                let_go(engine, active, None).await;
                return Written::Never;
            }
            Err(error) => {
                tracing::error!(run = %active.id, %error, "a turn was refused; the run is left as it is on disk");
                return Written::Never;
            }
        }
    }
}

/// Lets a run go, for a while or for whoever takes it up.
async fn let_go(engine: &Engine, active: &Active, parked_until: Option<i64>) {
    let (server, workspace) = (active.tenure.server, &active.version.workspace);
    let let_go = engine
        .store()
        .let_go(server, workspace, active.id, parked_until);
    if let Err(error) = let_go.await {
        tracing::warn!(run = %active.id, %error, "a run could not be let go; it is looked at again in a minute");
    }
    engine.0.claims.notify_one();
}
