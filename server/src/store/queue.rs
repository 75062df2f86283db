//! What waits for the committer, and what of it may go into one transaction.

use std::collections::{HashMap, VecDeque};

use futures::future::BoxFuture;
use sea_orm::DatabaseTransaction;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};
use uuid::Uuid;

use super::{
    bodies::Body,
    committer::Committer,
    error::{Abort, Error},
    runs::{Accepted, NewRun, Turn},
    sql::Texts,
};
use crate::fair::Share;

/// What is done in one transaction. It may be done several times, if the database goes away in between, so it must
/// depend on nothing but itself and the database.
pub(super) trait Work: Send + Sync + 'static {
    type Out: Send;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Self::Out, Abort>>;

    /// As which server this is done; as nobody, unless said otherwise. It is refused once that one has lost its lease.
    fn server(&self) -> Option<Uuid> {
        None
    }
}

/// One thing to write.
pub(super) enum Job {
    /// A run's turn: written together with others.
    Write(Write),
    /// Anything else: a transaction of its own.
    Change(Box<dyn Change>),
    /// Take nothing new, finish what waits, and end.
    Close,
}

/// A turn of a run that waits to be written.
pub(super) struct Write {
    pub(super) op: Op,
    pub(super) reply: oneshot::Sender<Result<Accepted, Error>>,
    /// When it was handed to the committer.
    pub(super) since: Instant,
    /// Its share of the memory that may wait.
    pub(super) room: Room,
    /// Messages with the same dedupe key that arrived while this one waited. They share its answer.
    pub(super) followers: Vec<Write>,
}

/// A share of the memory that may wait, for as long as this lives.
#[expect(dead_code, reason = "held for as long as something waits")]
pub(super) enum Room {
    /// Of that for new messages.
    Message(Share<(String, String)>),
    /// Of that for everything else.
    Other(OwnedSemaphorePermit),
}

pub(super) enum Op {
    /// A new run with its first turn.
    Accept {
        run: Box<NewRun>,
        /// The digest of its dedupe key.
        digest: Option<[u8; 32]>,
        /// What was cut out of its message and its records.
        bodies: Vec<Body>,
    },
    /// Another turn of a run.
    Commit {
        workspace: String,
        run: Uuid,
        // Boxed, to keep what waits small.
        turn: Box<Turn>,
        /// What was cut out of its records.
        bodies: Vec<Body>,
    },
}

impl Op {
    /// The server that drives the run.
    pub(super) fn server(&self) -> Option<Uuid> {
        match self {
            Op::Accept { run, .. } => run.turn.server,
            Op::Commit { turn, .. } => turn.server,
        }
    }
}

/// A [`Work`] whose result goes to somebody, without its type.
pub(super) trait Change: Send {
    fn make<'a>(
        self: Box<Self>,
        committer: &'a mut Committer,
        patience_ends: Instant,
    ) -> BoxFuture<'a, ()>;
}

pub(super) struct Pending<W: Work> {
    pub(super) work: W,
    pub(super) reply: oneshot::Sender<Result<W::Out, Error>>,
    pub(super) room: OwnedSemaphorePermit,
}

impl<W: Work> Change for Pending<W> {
    fn make<'a>(
        self: Box<Self>,
        committer: &'a mut Committer,
        patience_ends: Instant,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let result = match committer.admits(self.work.server()) {
                true => committer.transact(patience_ends, &self.work).await,
                false => Err(Error::Fenced.into()),
            };
            // Whoever asked may have gone; the change is made all the same.
            let _ = self.reply.send(result.map_err(Abort::seen));
            drop(self.room);
        })
    }
}

/// The most payload in one transaction, in bytes, so that a batch of large turns does not keep small ones waiting.
const BATCH_BYTES: usize = 8 << 20;

/// Takes from `waiting` what may go into one transaction, in order.
///
/// No two turns of one run, no two messages with one dedupe key and no two fires of schedules come into the same
/// batch: the second is decided when the first is on disk. A message whose dedupe key is in the batch already waits
/// beside the first one and gets its answer, so that any number of equal messages costs one row.
pub(super) fn pick(waiting: &mut VecDeque<Write>, most: usize) -> Vec<Write> {
    let mut bytes = 0;
    let count = waiting
        .iter()
        .take(most.max(1))
        .take_while(|write| {
            let fits = bytes == 0 || bytes + write.op.bytes() <= BATCH_BYTES;
            bytes += write.op.bytes();
            fits
        })
        .count();
    let fates = fates(waiting.iter().take(count));
    let mut batch: Vec<Write> = Vec::with_capacity(count);
    let mut places = Vec::with_capacity(count);
    let mut held = VecDeque::new();
    for (write, fate) in waiting.drain(..count).zip(fates) {
        places.push(batch.len());
        match fate {
            Fate::Go => batch.push(write),
            Fate::Follow(leader) => batch[places[leader]].followers.push(write),
            Fate::Wait => held.push_back(write),
        }
    }
    while let Some(write) = held.pop_back() {
        waiting.push_front(write);
    }
    batch
}

impl Op {
    /// About how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let (text, turn, bodies) = match self {
            Op::Accept { run, bodies, .. } => (run.message.len(), &run.turn, bodies),
            Op::Commit { turn, bodies, .. } => (0, &**turn, bodies),
        };
        let bodies: usize = bodies.iter().map(|body| body.content.len()).sum();
        bodies + text + turn.records.len() + turn.failure.as_ref().map_or(0, String::len) + 512
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Run(&'a str, Uuid),
    Dedupe(&'a str, &'a str, &'a str, &'a [u8; 32]),
    /// One fire of any schedule: servers that fire the same ones must not wait for each other in a circle.
    Fire,
}

#[derive(Clone, Copy)]
enum Fate {
    Go,
    Wait,
    Follow(usize),
}

fn fates<'a>(writes: impl Iterator<Item = &'a Write>) -> Vec<Fate> {
    let mut taken: HashMap<Key<'a>, usize> = HashMap::new();
    let mut fates: Vec<Fate> = Vec::new();
    for write in writes {
        let index = fates.len();
        let (run, dedupe, schedule) = keys(&write.op);
        let mut fate = Fate::Go;
        if let Some(key) = dedupe
            && let Some(first) = claim(&mut taken, key, index)
        {
            fate = match fates[first] {
                Fate::Go if schedule.is_none() => Fate::Follow(first),
                _ => Fate::Wait,
            };
        }
        if claim(&mut taken, run, index).is_some() {
            fate = Fate::Wait;
        }
        if let Some(key) = schedule
            && claim(&mut taken, key, index).is_some()
        {
            fate = Fate::Wait;
        }
        fates.push(fate);
    }
    fates
}

/// Who has the key already; if nobody, `index` has it now.
fn claim<'a>(taken: &mut HashMap<Key<'a>, usize>, key: Key<'a>, index: usize) -> Option<usize> {
    use std::collections::hash_map::Entry;
    match taken.entry(key) {
        Entry::Occupied(entry) => Some(*entry.get()),
        Entry::Vacant(entry) => {
            entry.insert(index);
            None
        }
    }
}

fn keys(op: &Op) -> (Key<'_>, Option<Key<'_>>, Option<Key<'_>>) {
    match op {
        Op::Accept { run, digest, .. } => (
            Key::Run(&run.workspace, run.id),
            digest
                .as_ref()
                .map(|digest| Key::Dedupe(&run.workspace, &run.flow, &run.trigger, digest)),
            run.fire.as_ref().map(|_| Key::Fire),
        ),
        Op::Commit { workspace, run, .. } => (Key::Run(workspace, *run), None, None),
    }
}
