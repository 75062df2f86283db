//! Takes up the runs that nobody has: what a stopped server left, and what waited for a time that has come.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

use super::{
    Engine, Error,
    crowd::{Key, Slot},
    recover,
    tenure::Tenure,
    underway::Enrolled,
};
use crate::{store, world::Point};

/// How often to look on PostgreSQL, where other servers may have left something: about once a second.
const LOOK: Duration = Duration::from_millis(1_000);

/// The longest sleep where nobody else is there.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// How often, and how long apart, a run is looked at that this process has just let go of.
const ENROLS: (u32, Duration) = (500, Duration::from_millis(10));

/// How long places that become free are gathered before more is taken up.
const GATHER: Duration = Duration::from_millis(10);

/// How often to look for runs that this server has and that nobody drives.
const SWEEP: Duration = Duration::from_secs(60);

/// How soon to look for them after the database was away, since commits may have lost their answers then; and how long a run
/// that nobody drives is given to show that somebody was about to.
const SOON: Duration = Duration::from_secs(5);

/// Takes up runs until the process stops.
pub(super) async fn take_when_due(engine: Engine) {
    let mut suspects = HashSet::new();
    let mut sweep_at = Instant::now() + SWEEP;
    loop {
        let pause = match take(&engine).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::debug!(%error, "free runs could not be taken up; trying again");
                sweep_at = sweep_at.min(Instant::now() + SOON);
                PAUSE
            }
        };
        if sweep_at <= Instant::now() {
            if let Err(error) = sweep(&engine, &mut suspects).await {
                tracing::debug!(%error, "runs that nobody drives could not be looked for");
            }
            sweep_at = Instant::now() + if suspects.is_empty() { SWEEP } else { SOON };
        }
        let pause = pause.min(sweep_at.saturating_duration_since(Instant::now()));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = engine.0.claims.notified() => {}
            () = engine.0.crowd.freed() => tokio::time::sleep(GATHER).await,
            () = engine.stopping() => return,
        }
    }
}

/// Takes up all that nobody has and that there is room for, some of each flow in turn, and says how long to sleep.
pub(super) async fn take(engine: &Engine) -> Result<Duration, Error> {
    let crowd = &engine.0.crowd;
    let mut all = 0;
    let pause = loop {
        let tenure = engine.tenure()?;
        if engine.0.stopping.is_cancelled() {
            return Ok(PAUSE);
        }
        let held = crowd.held();
        let now = engine.world().now_ms();
        let free = engine.store().free(now).await?;
        if !free.now && !free.held {
            crowd.heed(held, &[]);
            break pause(engine, now, free.next_at);
        }
        let flows = engine.store().free_flows().await?;
        crowd.heed(held, &flows);
        let is_limited = |flow: &Key| {
            let published = engine.published(&flow.0, &flow.1);
            published.is_some_and(|published| published.version.plan.concurrency.is_some())
        };
        let (wishes, slots): (Vec<_>, Vec<_>) =
            crowd.wishes(&flows, now, is_limited).into_iter().unzip();
        if wishes.is_empty() {
            // What there is has to wait for room, or for the end of a pause.
            let later = flows.iter().filter_map(|flow| flow.next_at);
            break pause(engine, now, later.filter(|at| *at > now).min());
        }
        let keys = wishes
            .iter()
            .map(|wish| (wish.of.workspace.clone(), wish.of.flow.clone()));
        let mut slots: HashMap<Key, Vec<Slot>> = keys.zip(slots).collect();
        let rows = engine.store().claim(tenure.server, now, wishes).await?;
        if rows.is_empty() {
            // Others were quicker.
            break pause(engine, now, None);
        }
        engine.world().pass(Point::RunsClaimed);
        all += rows.len();
        for row in rows {
            let key = (row.workspace.clone(), row.flow.clone());
            let slot = slots.get_mut(&key).and_then(Vec::pop);
            take_up(engine, &tenure, row, slot).await;
        }
    };
    if all > 0 {
        tracing::info!(runs = all, "took up runs that nobody had");
    }
    Ok(pause)
}

/// Cancels runs whose caller was cancelled by a server that ended before it could say so to this one. Then
/// lets go of runs that this server has on disk and that nobody drives: a commit whose answer was lost may leave such ones, and
/// whoever could not read a run. Whoever was one last time already has been for long enough.
async fn sweep(engine: &Engine, suspects: &mut HashSet<Uuid>) -> Result<(), Error> {
    let tenure = engine.tenure()?;
    for (workspace, run) in engine.store().forsaken(tenure.server).await? {
        engine.cancel_called(&workspace, vec![run], false);
    }
    let mut seen = HashSet::new();
    for (workspace, run) in engine.store().runs_of(tenure.server).await? {
        if engine.0.underway.has(run) {
            continue;
        }
        if suspects.contains(&run) {
            tracing::warn!(%run, "nobody drove a run; it is taken up again");
            engine
                .store()
                .let_go(tenure.server, &workspace, run, None)
                .await?;
        } else {
            seen.insert(run);
        }
    }
    *suspects = seen;
    Ok(())
}

fn pause(engine: &Engine, now: i64, next_at: Option<i64>) -> Duration {
    let longest = match engine.store().kind() {
        store::Kind::Sqlite => LONGEST_SLEEP,
        store::Kind::Postgresql => engine.jitter(LOOK),
    };
    let until = next_at.map(|at| u64::try_from(at.saturating_sub(now)).unwrap_or(0));
    until.map_or(longest, |until| Duration::from_millis(until).min(longest))
}

/// Takes up one run that was claimed. One that cannot be taken up is left as it is on disk, and found there by the next sweep.
async fn take_up(engine: &Engine, tenure: &Arc<Tenure>, row: store::Run, slot: Option<Slot>) {
    let id = row.id;
    let Some(enrolled) = enrol(engine, tenure, &row).await else {
        return;
    };
    if let Err(error) = recover::resume(engine, tenure, row, enrolled, slot).await {
        tracing::error!(run = %id, %error, "a run cannot be taken up; it is looked at again in a minute");
    }
}

/// A claimed run's place among those of this process. Whoever drove it here before is about to end; should that not be so, it
/// is let go.
pub(super) async fn enrol(engine: &Engine, tenure: &Tenure, row: &store::Run) -> Option<Enrolled> {
    for _ in 0..ENROLS.0 {
        if let Some(enrolled) = engine.0.underway.enrol(row.id) {
            return Some(enrolled);
        }
        tokio::time::sleep(ENROLS.1).await;
    }
    tracing::error!(run = %row.id, "a run was let go of and is still driven here; please report this");
    let let_go = engine
        .store()
        .let_go(tenure.server, &row.workspace, row.id, None);
    if let Err(error) = let_go.await {
        tracing::error!(run = %row.id, %error, "it could not be let go; it is looked at again in a minute");
    }
    None
}

impl Engine {
    /// About so long, so that servers which start together do not all do the same at once.
    pub(super) fn jitter(&self, about: Duration) -> Duration {
        about * 4 / 5 + about * u32::try_from(self.world().dice() % 400).unwrap_or(0) / 1_000
    }
}
