//! The one transaction of a batch of turns: a handful of multi-row statements, whatever the number of runs.

use std::collections::{HashMap, HashSet};

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Value};
use uuid::Uuid;

use super::{
    awaited::{LEAVE, UNSAY, unheard, unheard_of},
    bodies::{self, Needs},
    error::{Abort, Error},
    queue::{Op, Work, Write},
    runs::{Accepted, History, NewRun, Turn},
    schedules,
    sql::{Cells, Many, Texts},
};

/// Turns of different runs, with different dedupe keys and one fire of a schedule at most (see [`pick`](super::queue::pick)).
pub(super) struct Batch(pub(super) Vec<Write>);

impl Work for Batch {
    /// One answer for each write of the batch, in its order.
    type Out = Vec<Result<Accepted, Error>>;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Self::Out, Abort>> {
        Box::pin(async move {
            let ops: Vec<&Op> = self.0.iter().map(|write| &write.op).collect();
            write(tx, texts, &ops).await
        })
    }
}

/// Writes turns of different runs within a transaction, and gives one answer for each in their order.
pub(super) async fn write(
    tx: &DatabaseTransaction,
    texts: &mut Texts,
    ops: &[&Op],
) -> Result<Vec<Result<Accepted, Error>>, Abort> {
    let all = Ops(ops);
    let mut outcomes: Vec<Option<Result<Accepted, Error>>> = Vec::new();
    outcomes.resize_with(ops.len(), || None);
    all.fire(tx, texts, &mut outcomes).await?;
    all.dedupe(tx, texts, &mut outcomes).await?;
    all.hear(tx, texts, &mut outcomes).await?;
    let dropped = all.turn(tx, texts, &mut outcomes).await?;
    all.insert(tx, texts, &outcomes).await?;
    texts.execute(tx, &UNSAY, dropped.clone()).await?;
    bodies::free(tx, texts, dropped).await?;
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(Ok(Accepted::New)))
        .collect())
}

struct Ops<'a>(&'a [&'a Op]);

pub(super) const FIRE: Many = Many {
    text: "WITH fire (workspace, flow, trigger, expected_at, at, next_at) AS (VALUES {rows}) \
           UPDATE schedule SET last_at = fire.at, next_at = fire.next_at FROM fire \
           WHERE schedule.workspace = fire.workspace AND schedule.flow = fire.flow \
           AND schedule.trigger = fire.trigger AND schedule.next_at = fire.expected_at \
           RETURNING schedule.workspace, schedule.flow, schedule.trigger",
    width: 6,
};

pub(super) const INSERT_KEY: Many = Many {
    text: "INSERT INTO dedupe (workspace, flow, trigger, digest, run, at) VALUES {rows} \
           ON CONFLICT DO NOTHING RETURNING run",
    width: 6,
};

pub(super) const FIND_KEY: Many = Many {
    text: "WITH wanted (workspace, flow, trigger, digest, run) AS (VALUES {rows}) \
           SELECT wanted.run, dedupe.run FROM wanted JOIN dedupe \
           ON dedupe.workspace = wanted.workspace AND dedupe.flow = wanted.flow \
           AND dedupe.trigger = wanted.trigger AND dedupe.digest = wanted.digest",
    width: 5,
};

/// A turn counts only if its run has not ended, it is the next one, and its server has the run.
pub(super) const TURN: Many = Many {
    text: "WITH turn (workspace, id, seq, status, ended_at, wake_at, failure, server, server_next, parked_until) \
           AS (VALUES {rows}) \
           UPDATE run SET status = turn.status, ended_at = turn.ended_at, wake_at = turn.wake_at, \
           failure = turn.failure, turns = turn.seq + 1, server = turn.server_next, \
           parked_until = turn.parked_until FROM turn \
           WHERE run.workspace = turn.workspace AND run.id = turn.id AND run.turns = turn.seq \
           AND run.server IS NOT DISTINCT FROM turn.server \
           AND run.ended_at IS NULL RETURNING run.workspace, run.id",
    width: 10,
};

const INSERT_RUN: Many = Many {
    text: "INSERT INTO run (workspace, id, flow, version, trigger, status, started_at, ended_at, \
           wake_at, turns, failure, origin, server, parked_until, parent) VALUES {rows}",
    width: 15,
};

const INSERT_LETTER: Many = Many {
    text: "INSERT INTO dead_letter (workspace, run, flow, step, class, died_at) VALUES {rows}",
    width: 6,
};

/// A replay settles the dead letter that it is made from.
pub(super) const SETTLE: Many = Many {
    text: "WITH settled (workspace, run, replay, at, who) AS (VALUES {rows}) \
           UPDATE dead_letter SET state = 'replayed', replay = settled.replay, \
           settled_at = settled.at, settled_by = settled.who FROM settled \
           WHERE dead_letter.workspace = settled.workspace AND dead_letter.run = settled.run",
    width: 5,
};

const INSERT_ENTRY: Many = Many {
    text: "INSERT INTO journal (workspace, run, seq, at, message, records) VALUES {rows}",
    width: 6,
};

pub(super) const DELETE_JOURNAL: Many = Many {
    text: "DELETE FROM journal WHERE (workspace, run) IN (VALUES {rows})",
    width: 2,
};

type Outcomes = [Option<Result<Accepted, Error>>];

impl Ops<'_> {
    /// Moves the schedules on whose instants start runs. Who comes too late for an instant starts none.
    async fn fire(
        &self,
        tx: &DatabaseTransaction,
        texts: &mut Texts,
        outcomes: &mut Outcomes,
    ) -> Result<(), DbErr> {
        let mut values = Vec::new();
        for (index, run, _) in self.accepts() {
            if let Some(fire) = &run.fire {
                if !schedules::is_of(tx, &run.workspace, &run.flow, fire).await? {
                    outcomes[index] = Some(Ok(Accepted::AlreadyFired));
                    continue;
                }
                values.extend(trigger_of(run));
                values.extend([fire.expected_at.into(), fire.at.into(), fire.next_at.into()]);
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        let mut fired: HashSet<(String, String, String)> = HashSet::new();
        for row in texts.query(tx, &FIRE, values).await? {
            let cells = Cells::of(&row);
            fired.insert((cells.take()?, cells.take()?, cells.take()?));
        }
        for (index, run, _) in self.accepts() {
            if outcomes[index].is_none()
                && run.fire.is_some()
                && !fired.remove(&(run.workspace.clone(), run.flow.clone(), run.trigger.clone()))
            {
                outcomes[index] = Some(Ok(Accepted::AlreadyFired));
            }
        }
        Ok(())
    }

    /// Takes the dedupe keys of new runs. Where somebody had one before, the message leads to the first one's run.
    async fn dedupe(
        &self,
        tx: &DatabaseTransaction,
        texts: &mut Texts,
        outcomes: &mut Outcomes,
    ) -> Result<(), DbErr> {
        let mut keyed: Vec<_> = self
            .accepts()
            .filter(|(index, _, _)| outcomes[*index].is_none())
            .filter_map(|(index, run, digest)| Some((index, run, digest?)))
            .collect();
        if keyed.is_empty() {
            return Ok(());
        }
        // In one order everywhere, so that two servers with the same keys do not wait for each other in a circle.
        keyed.sort_by_key(|(_, run, digest)| (&run.workspace, &run.flow, &run.trigger, *digest));
        let mut values = Vec::with_capacity(keyed.len() * INSERT_KEY.width);
        for (_, run, digest) in &keyed {
            values.extend(key_of(run, digest));
            values.push(run.started_at.into());
        }
        let mut won: HashSet<Uuid> = HashSet::new();
        for row in texts.query(tx, &INSERT_KEY, values).await? {
            won.insert(Cells::of(&row).take()?);
        }
        keyed.retain(|(_, run, _)| !won.contains(&run.id));
        if keyed.is_empty() {
            return Ok(());
        }
        let values = keyed
            .iter()
            .flat_map(|(_, run, digest)| key_of(run, digest))
            .collect();
        let mut first: HashMap<Uuid, Uuid> = HashMap::new();
        for row in texts.query(tx, &FIND_KEY, values).await? {
            let cells = Cells::of(&row);
            first.insert(cells.take()?, cells.take()?);
        }
        for (index, run, _) in keyed {
            outcomes[index] = Some(match first.get(&run.id) {
                Some(first) => Ok(Accepted::Duplicate(*first)),
                // Taken a moment ago, and gone now: retention came in between.
                None => Err(Error::Busy),
            });
        }
        Ok(())
    }

    /// Refuses the turns that end a wait because nobody has answered, where the answer is on disk: they have not seen it.
    async fn hear(
        &self,
        tx: &DatabaseTransaction,
        texts: &mut Texts,
        outcomes: &mut Outcomes,
    ) -> Result<(), DbErr> {
        let mut values = Vec::new();
        for (_, workspace, run, turn) in self.commits() {
            for awaited in &turn.awaited {
                if awaited.expires {
                    values.extend([workspace.into(), run.into(), awaited.place.as_str().into()]);
                }
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        let mut unused: HashSet<Uuid> = HashSet::new();
        let many = unheard(tx.get_database_backend());
        for row in texts.query(tx, many, values).await? {
            unused.extend(unheard_of(&row)?);
        }
        for (index, _, run, _) in self.commits() {
            if unused.contains(&run) {
                outcomes[index] = Some(Err(Error::Answered));
            }
        }
        Ok(())
    }

    /// Moves on the runs that had a turn. A turn of a run that has ended or moved on is refused alone. Gives the runs whose
    /// history was dropped: a workspace and an id each.
    async fn turn(
        &self,
        tx: &DatabaseTransaction,
        texts: &mut Texts,
        outcomes: &mut Outcomes,
    ) -> Result<Vec<Value>, DbErr> {
        let mut values = Vec::new();
        let heard = |(index, ..): &(usize, &str, Uuid, &Turn)| outcomes[*index].is_none();
        for (_, workspace, run, turn) in self.commits().filter(heard) {
            values.extend([
                workspace.into(),
                run.into(),
                i64::from(turn.seq).into(),
                turn.status.as_str().into(),
                turn.ended_at().into(),
                turn.next_wake_at().into(),
                turn.failure.clone().into(),
                turn.server.into(),
                turn.next_server().into(),
                turn.next_parked_until().into(),
            ]);
        }
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let mut moved: HashSet<(String, Uuid)> = HashSet::new();
        for row in texts.query(tx, &TURN, values).await? {
            let cells = Cells::of(&row);
            moved.insert((cells.take()?, cells.take()?));
        }
        let mut dropped = Vec::new();
        for (index, workspace, run, turn) in self.commits() {
            if !moved.contains(&(workspace.to_owned(), run)) {
                let conflict = Error::Conflict(format!(
                    "turn {} of run {run} is not its next one: the run has ended, has moved on, is another server's, or does not exist",
                    turn.seq
                ));
                outcomes[index].get_or_insert(Err(conflict));
            } else if !turn.leaves_history() {
                dropped.extend([Value::from(workspace), run.into()]);
            }
        }
        texts.execute(tx, &DELETE_JOURNAL, dropped.clone()).await?;
        Ok(dropped)
    }

    /// Adds the new runs, and the entry of every turn that counts and is to be remembered.
    async fn insert(
        &self,
        tx: &DatabaseTransaction,
        texts: &mut Texts,
        outcomes: &Outcomes,
    ) -> Result<(), DbErr> {
        let (mut runs, mut entries) = (Vec::new(), Vec::new());
        let (mut letters, mut settled, mut awaited) = (Vec::new(), Vec::new(), Vec::new());
        let mut needs = Needs::default();
        for (index, op) in self.0.iter().enumerate() {
            if outcomes[index].is_some() {
                continue;
            }
            let (workspace, id, turn, message, bodies) = match op {
                Op::Accept { run, bodies, .. } => {
                    runs.extend(row_of(run));
                    if let Some(origin) = &run.origin {
                        settled.extend([
                            run.workspace.as_str().into(),
                            origin.run.into(),
                            run.id.into(),
                            run.started_at.into(),
                            origin.by.clone().into(),
                        ]);
                    }
                    let message = Some(&run.message);
                    (&run.workspace, run.id, &run.turn, message, bodies)
                }
                Op::Commit {
                    workspace,
                    run,
                    turn,
                    bodies,
                } => (workspace, *run, &**turn, None, bodies),
            };
            if let Some(cause) = &turn.cause {
                letters.extend([
                    workspace.as_str().into(),
                    id.into(),
                    cause.flow.as_str().into(),
                    cause.step.clone().into(),
                    cause.class.as_str().into(),
                    turn.at.into(),
                ]);
            }
            // A run that ends in its first turn has asked nobody.
            let has_asked = message.is_none() || turn.leaves_history();
            for wait in turn.awaited.iter().filter(|_| has_asked) {
                awaited.extend(wait.row(workspace, id));
            }
            if turn.leaves_history() {
                entries.extend([
                    workspace.as_str().into(),
                    id.into(),
                    i64::from(turn.seq).into(),
                    turn.at.into(),
                    message.cloned().into(),
                    turn.records.clone().into(),
                ]);
                needs.add(workspace, id, bodies);
            }
        }
        texts.execute(tx, &INSERT_RUN, runs).await?;
        texts.execute(tx, &LEAVE, awaited).await?;
        texts.execute(tx, &INSERT_LETTER, letters).await?;
        texts.execute(tx, &SETTLE, settled).await?;
        texts.execute(tx, &INSERT_ENTRY, entries).await?;
        needs.write(tx, texts).await
    }

    fn accepts(&self) -> impl Iterator<Item = (usize, &NewRun, Option<&[u8; 32]>)> {
        self.0
            .iter()
            .enumerate()
            .filter_map(|(index, op)| match op {
                Op::Accept { run, digest, .. } => Some((index, &**run, digest.as_ref())),
                Op::Commit { .. } => None,
            })
    }

    fn commits(&self) -> impl Iterator<Item = (usize, &str, Uuid, &Turn)> {
        self.0
            .iter()
            .enumerate()
            .filter_map(|(index, op)| match op {
                Op::Accept { .. } => None,
                Op::Commit {
                    workspace,
                    run,
                    turn,
                    ..
                } => Some((index, workspace.as_str(), *run, &**turn)),
            })
    }
}

impl Turn {
    fn ended_at(&self) -> Option<i64> {
        self.status.is_final().then_some(self.at)
    }

    fn next_wake_at(&self) -> Option<i64> {
        self.wake_at.filter(|_| !self.status.is_final())
    }

    /// Who has the run once this turn is on disk.
    fn next_server(&self) -> Option<Uuid> {
        self.server
            .filter(|_| !self.status.is_final() && self.parked_until.is_none())
    }

    fn next_parked_until(&self) -> Option<i64> {
        self.parked_until.filter(|_| !self.status.is_final())
    }

    /// Whether the journal keeps this turn: always while the run goes on, since it may have to be taken up again.
    pub(super) fn leaves_history(&self) -> bool {
        !self.status.is_final() || self.history == History::Keep
    }
}

fn trigger_of(run: &NewRun) -> [Value; 3] {
    [
        run.workspace.as_str().into(),
        run.flow.as_str().into(),
        run.trigger.as_str().into(),
    ]
}

fn key_of(run: &NewRun, digest: &[u8; 32]) -> [Value; 5] {
    let [workspace, flow, trigger] = trigger_of(run);
    [
        workspace,
        flow,
        trigger,
        digest.to_vec().into(),
        run.id.into(),
    ]
}

fn row_of(run: &NewRun) -> [Value; 15] {
    let [workspace, flow, trigger] = trigger_of(run);
    let turn = &run.turn;
    [
        workspace,
        run.id.into(),
        flow,
        i64::from(run.version).into(),
        trigger,
        turn.status.as_str().into(),
        run.started_at.into(),
        turn.ended_at().into(),
        turn.next_wake_at().into(),
        1_i64.into(),
        turn.failure.clone().into(),
        run.origin.as_ref().map(|origin| origin.run).into(),
        turn.next_server().into(),
        turn.next_parked_until().into(),
        run.parent.into(),
    ]
}
