//! Who is let in: which new runs begin at once, which wait on disk for their turn, and which are refused.
//!
//! Places among the runs of this process are shared out between flows, so that a noisy one leaves room for the others. A run that
//! has to wait, because its flow is paused or because too many stand in line before it already, is accepted like any other and
//! put on disk, where it holds no memory: nobody has it, and it is parked until [`HELD`](crate::store::HELD). Whoever claims takes those up, flow by flow in
//! the order of their ids, as soon as there is room for them (see `claim`). Nothing else needs to happen for that, so nothing can
//! be forgotten: the row of the run and the row of its flow say it all.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};
use weir_flows::{
    plan::{Plan, Source},
    schedule::Overlap,
};

use super::{Engine, Error, Version};
use crate::{
    fair::{Share, Shares},
    store::{FreeFlow, Wish},
};

/// A flow: its workspace and its id.
pub(super) type Key = (String, String);

/// A run's place among those of this process, held for as long as the run is underway.
pub(super) type Slot = Share<Key>;

/// For how long it is taken as known how many more runs of a flow may wait on disk.
const KNOWN: Duration = Duration::from_secs(1);

/// The most runs that are taken up at once, and of how many flows. Other servers want some, too.
const MOST: usize = 100;
const FLOWS: usize = 32;

/// What may come in, and what of it is there.
pub(super) struct Crowd {
    slots: Shares<Key>,
    lines: Arc<Lines>,
    /// The flow that got places last for runs that are taken up; the next one is the first next time.
    round: Mutex<Option<Key>>,
}

/// The lines of the flows that limit what is underway at once.
struct Lines {
    /// The most runs of a flow that stand in line in memory.
    most: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    flows: HashMap<Key, Line>,
    /// How often runs were put on disk to wait.
    held: u64,
}

#[derive(Default)]
struct Line {
    /// How many stand in line in memory.
    standing: usize,
    /// Whether others wait on disk, behind whom newcomers queue.
    behind: bool,
    /// When one was put there last, by the count of `held`.
    last: u64,
    /// Whether somebody wants to know when it is short again.
    wanted: bool,
    /// How many more may wait on disk, and until when that is taken as known.
    known: Option<(Instant, u64)>,
}

/// A place in a line, until the run that stands there may begin.
pub(super) struct Standing {
    lines: Arc<Lines>,
    key: Key,
}

/// How a new run comes in.
pub(super) enum Entrance {
    /// It begins, once it is its turn in the line of its flow if that has one.
    Begins(Slot, Option<Standing>),
    /// It waits on disk.
    Waits(Why),
}

/// Why a run waits on disk.
#[derive(Clone, Copy)]
pub(super) enum Why {
    /// Its flow is paused.
    Paused,
    /// The line of its flow is full.
    Queues,
}

impl Crowd {
    pub(super) fn new(runs: usize, line: usize) -> Crowd {
        Crowd {
            slots: Shares::new(runs),
            lines: Arc::new(Lines {
                most: line.max(1),
                state: Mutex::default(),
                freed: Notify::new(),
            }),
            round: Mutex::default(),
        }
    }

    /// How many runs this process has in memory.
    pub(super) fn underway(&self) -> usize {
        self.slots.taken()
    }

    /// A place for a run, whatever others of its flow have; nothing where all are taken.
    pub(super) fn any_slot(&self, key: &Key) -> Option<Slot> {
        self.slots.take_any(key, 1)
    }

    /// A place in the line of a flow, however long that is.
    pub(super) fn stand(&self, key: &Key) -> Standing {
        self.lines.stand(&mut self.lines.state.lock(), key)
    }

    /// A place in the line of a flow, unless it is full or others wait behind it.
    fn join(&self, key: &Key) -> Option<Standing> {
        let mut state = self.lines.state.lock();
        let line = state.flows.entry(key.clone()).or_default();
        if line.behind || line.standing >= self.lines.most {
            return None;
        }
        Some(self.lines.stand(&mut state, key))
    }

    /// Runs wait on disk behind the line of a flow, or are about to be taken up from there: until it is known that there are none,
    /// newcomers go behind them. Whether that line is short.
    pub(super) fn queued(&self, key: &Key) -> bool {
        let mut state = self.lines.state.lock();
        state.held += 1;
        let last = state.held;
        let line = state.flows.entry(key.clone()).or_default();
        line.last = last;
        line.behind = true;
        line.wanted = true;
        self.lines.room(line) > 0
    }

    /// Resolves once more can be taken up of what could not be when that was tried last.
    pub(super) async fn freed(&self) {
        tokio::select! {
            () = self.slots.freed() => {}
            () = self.lines.freed.notified() => {}
        }
    }

    /// How often runs were put behind lines until now: known before the store is read, it tells what was done meanwhile.
    pub(super) fn held(&self) -> u64 {
        self.lines.state.lock().held
    }

    /// Of these flows some wait on disk, of others none, as the store said when `held` runs had been put there.
    pub(super) fn heed(&self, held: u64, flows: &[FreeFlow]) {
        let waiting = flows.iter().filter(|flow| flow.held).map(key_of);
        let waiting: HashSet<Key> = waiting.collect();
        let mut state = self.lines.state.lock();
        for (key, line) in &mut state.flows {
            line.behind = waiting.contains(key) || line.last > held;
        }
        let now = Instant::now();
        state.flows.retain(|_, line| {
            line.standing > 0 || line.behind || line.known.is_some_and(|(until, _)| now < until)
        });
    }

    /// What of these flows to take up now: some of each in turn, as far as there is room. The places are taken already.
    pub(super) fn wishes(
        &self,
        flows: &[FreeFlow],
        now: i64,
        is_limited: impl Fn(&Key) -> bool,
    ) -> Vec<(Wish, Vec<Slot>)> {
        // Asked for first: what is given back while this looks is not overlooked.
        self.slots.want(true);
        let mut cut = false;
        let mut round = self.round.lock();
        let first = round.as_ref().map_or(0, |last| {
            flows.partition_point(|flow| (&flow.workspace, &flow.flow) <= (&last.0, &last.1))
        });
        let (before, after) = flows.split_at(first);
        let is_due = |flow: &FreeFlow| flow.next_at.is_some_and(|at| at <= now);
        let ready = after.iter().chain(before);
        let ready = ready.filter(|flow| flow.left || flow.held || is_due(flow));
        let ready: Vec<&FreeFlow> = ready.collect();
        let each = MOST / ready.len().clamp(1, FLOWS);
        let mut wishes = Vec::new();
        for flow in ready {
            if wishes.len() == FLOWS {
                break;
            }
            let key = key_of(flow);
            let (mut most, mut held) = (each, each);
            if is_limited(&key) {
                let mut state = self.lines.state.lock();
                let line = state.flows.entry(key.clone()).or_default();
                line.behind |= flow.held;
                most = most.min(self.lines.most.saturating_sub(line.standing));
                held = held.min(self.lines.room(line));
                line.wanted = true;
            }
            if !flow.left && !is_due(flow) {
                most = held;
            }
            let slots = std::iter::from_fn(|| self.slots.take(&key, 1));
            let slots: Vec<Slot> = slots.take(most).collect();
            cut |= slots.len() < most;
            if !slots.is_empty() {
                *round = Some(key);
                wishes.push((Wish::new(flow.clone(), slots.len(), held), slots));
            }
        }
        if !cut {
            self.slots.want(false);
        }
        wishes
    }
}

fn key_of(flow: &FreeFlow) -> Key {
    (flow.workspace.clone(), flow.flow.clone())
}

impl Lines {
    fn stand(self: &Arc<Self>, state: &mut State, key: &Key) -> Standing {
        state.flows.entry(key.clone()).or_default().standing += 1;
        Standing {
            lines: Arc::clone(self),
            key: key.clone(),
        }
    }

    /// Counts one more that waits on disk, where it is known whether it may.
    fn count_one(&self, key: &Key) -> Option<bool> {
        let mut state = self.state.lock();
        let (until, left) = state.flows.get_mut(key)?.known.as_mut()?;
        if Instant::now() >= *until {
            return None;
        }
        let may = *left > 0;
        *left = left.saturating_sub(1);
        Some(may)
    }

    /// How many of those who wait on disk may join a line: none until half of it is gone, so that they come by many at once.
    fn room(&self, line: &Line) -> usize {
        match line.standing <= self.most / 2 {
            true => self.most - line.standing,
            false => 0,
        }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let mut state = self.lines.state.lock();
        let Some(line) = state.flows.get_mut(&self.key) else {
            return;
        };
        line.standing -= 1;
        let tell = line.wanted && self.lines.room(line) > 0;
        line.wanted &= !tell;
        if line.standing == 0 && !line.behind && line.known.is_none() {
            state.flows.remove(&self.key);
        }
        drop(state);
        if tell {
            self.lines.freed.notify_one();
        }
    }
}

impl Engine {
    /// A place in the line of the flow of a run that is taken up, where it has to stand there.
    pub(super) fn standing(&self, version: &Version, trigger: &str) -> Option<Standing> {
        stands(version, trigger).then(|| self.0.crowd.stand(&version.key()))
    }

    /// How a new run of a trigger comes in.
    ///
    /// # Errors
    /// `Busy` where its flow has as many runs underway, or waiting, as it may.
    pub(super) async fn entrance(
        &self,
        version: &Version,
        trigger: &str,
    ) -> Result<Entrance, Error> {
        let key = version.key();
        let crowd = &self.0.crowd;
        let why = if self.is_paused(version) {
            Why::Paused
        } else if is_called(&version.plan, trigger) {
            let slot = crowd.any_slot(&key).ok_or(Error::Busy)?;
            return Ok(Entrance::Begins(slot, None));
        } else if !stands(version, trigger) {
            let slot = crowd.slots.take(&key, 1).ok_or(Error::Busy)?;
            return Ok(Entrance::Begins(slot, None));
        } else if let Some(standing) = crowd.join(&key) {
            let slot = crowd.slots.take(&key, 1).ok_or(Error::Busy)?;
            return Ok(Entrance::Begins(slot, Some(standing)));
        } else {
            Why::Queues
        };
        match self.may_wait(&key).await? {
            true => Ok(Entrance::Waits(why)),
            false => Err(Error::Busy),
        }
    }

    /// Whether one more run of a flow may wait on disk. It is counted as one that does: that a message is refused in the end
    /// is found out soon.
    async fn may_wait(&self, key: &Key) -> Result<bool, Error> {
        let lines = &self.0.crowd.lines;
        if let Some(may) = lines.count_one(key) {
            return Ok(may);
        }
        let most = self.limits().waiting_runs;
        let left = most.saturating_sub(self.store().held(&key.0, &key.1, most).await?);
        let known = Some((Instant::now() + KNOWN, left));
        lines
            .state
            .lock()
            .flows
            .entry(key.clone())
            .or_default()
            .known = known;
        Ok(lines.count_one(key).unwrap_or(left > 0))
    }

    /// Whether what arrives at a flow waits.
    pub(super) fn is_paused(&self, version: &Version) -> bool {
        self.published(&version.workspace, &version.flow)
            .is_some_and(|published| published.paused)
    }

    /// Resolves once a flow is paused.
    pub(super) async fn until_paused(&self, version: &Version) {
        use tokio::sync::broadcast::error::RecvError;
        let mut changes = self.flow_changes();
        while !self.is_paused(version) {
            if let Err(RecvError::Closed) = changes.recv().await {
                std::future::pending::<()>().await;
            }
        }
    }

    /// A run was put on disk to wait. Should that be over by now, it is looked for at once.
    pub(super) fn waits(&self, version: &Version, why: Why) {
        let over = match why {
            Why::Paused => !self.is_paused(version),
            Why::Queues => self.0.crowd.queued(&version.key()),
        };
        if over {
            self.0.claims.notify_one();
        }
    }
}

/// Whether a run of this trigger is called by another one, who waits for it and may have the last place that its flow may have.
pub(super) fn is_called(plan: &Plan, trigger: &str) -> bool {
    let compiled = plan.triggers.get(trigger);
    compiled.is_some_and(|trigger| matches!(trigger.source, Source::Flow))
}

/// Whether a run of this trigger stands in a line that may become long. That of a schedule whose runs queue or replace each other is
/// short by itself, and who stands there waits for those before him, wherever they are.
fn stands(version: &Version, trigger: &str) -> bool {
    let plan = &version.plan;
    let is_short = plan.triggers.get(trigger).is_some_and(|trigger| {
        matches!(&trigger.source, Source::Schedule(schedule) if schedule.overlap() != Overlap::Skip)
    });
    plan.concurrency.is_some() && !is_called(plan, trigger) && !is_short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(flow: &str) -> Key {
        ("main".to_owned(), flow.to_owned())
    }

    fn free(flow: &str, left: bool, next_at: Option<i64>, held: bool) -> FreeFlow {
        FreeFlow {
            workspace: "main".to_owned(),
            flow: flow.to_owned(),
            left,
            next_at,
            held,
        }
    }

    /// What is wished for of each flow: how many, and how many that wait for their turn.
    fn wished(wishes: &[(Wish, Vec<Slot>)]) -> Vec<(&str, u32, u32)> {
        let wished = wishes.iter().map(|(wish, slots)| {
            assert_eq!(slots.len(), wish.most as usize);
            (wish.of.flow.as_str(), wish.most, wish.held)
        });
        wished.collect()
    }

    #[test]
    fn each_flow_gets_some_and_the_next_one_is_first() {
        let crowd = Crowd::new(10, 100);
        let flows = [
            free("a", true, None, false),
            free("b", false, Some(5), false),
            free("c", false, None, true),
            free("d", false, Some(50), false),
        ];
        let never = |_: &Key| false;
        // Nearly all for the first, the reserve for the others; what is not due is left alone.
        let first = crowd.wishes(&flows, 5, never);
        assert_eq!(wished(&first), [("a", 8, 33), ("b", 1, 33), ("c", 1, 33)]);
        assert_eq!(
            (crowd.underway(), crowd.wishes(&flows, 5, never).len()),
            (10, 0)
        );
        drop(first);
        let again = crowd.wishes(&flows, 5, never);
        assert_eq!(
            again[0].0.of.flow, "a",
            "after the last one comes the first one"
        );
        drop(again);
        let two = crowd.wishes(&flows[..2], 5, never);
        assert_eq!(two.last().unwrap().0.of.flow, "b");
        drop(two);
        let next = crowd.wishes(&flows, 5, never);
        assert_eq!(next[0].0.of.flow, "c");
        assert_eq!(next[0].1.len(), 8);
    }

    #[test]
    fn very_many_flows_have_their_turn() {
        let crowd = Crowd::new(1_000, 100);
        let flows: Vec<FreeFlow> = (100..300)
            .map(|number| free(&number.to_string(), false, None, true))
            .collect();
        let mut seen = HashSet::new();
        for _ in 0..7 {
            let wishes = crowd.wishes(&flows, 0, |_| false);
            assert!(wishes.iter().map(|(wish, _)| wish.most).sum::<u32>() <= 100);
            seen.extend(wishes.into_iter().map(|(wish, _)| wish.of.flow));
        }
        assert_eq!(seen.len(), 200);
        // Those that have no room do not stand before those that have.
        let crowded = Crowd::new(1_000, 1);
        let full = flows[..150].iter().map(|flow| crowded.stand(&key_of(flow)));
        let full: Vec<Standing> = full.collect();
        let wishes = crowded.wishes(&flows, 0, |_| true);
        assert_eq!(wishes.len(), FLOWS);
        assert_eq!(wishes[0].0.of.flow, "250");
        drop(full);
    }

    #[test]
    fn newcomers_go_behind_those_that_wait_on_disk() {
        let crowd = Crowd::new(100, 4);
        let orders = key("orders");
        let limited = |_: &Key| true;
        let mut standing: Vec<Standing> = std::iter::from_fn(|| crowd.join(&orders)).collect();
        assert_eq!(standing.len(), 4);
        assert!(!crowd.queued(&orders), "the line is full");
        standing.pop();
        assert!(crowd.join(&orders).is_none(), "one is behind it");
        let flows = [free("orders", false, None, true)];
        assert!(
            crowd.wishes(&flows, 0, limited).is_empty(),
            "half of it has to go first"
        );
        standing.pop();
        let wishes = crowd.wishes(&flows, 0, limited);
        assert_eq!(wished(&wishes), [("orders", 2, 2)]);

        // What was seen before another one was put there does not say that there is none.
        let held = crowd.held();
        crowd.queued(&orders);
        crowd.heed(held, &[]);
        assert!(crowd.join(&orders).is_none());
        crowd.heed(crowd.held(), &flows);
        assert!(crowd.join(&orders).is_none());
        crowd.heed(crowd.held(), &[]);
        assert!(crowd.join(&orders).is_some());
    }
}
