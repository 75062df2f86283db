//! Tries: a draft is run for a message, with real or mocked actions, in the memory of this process alone.
//!
//! A try is a rehearsal. Nothing of it is stored, no dedupe key is used up, and it is gone once it was kept long enough or
//! the process ends. What its real actions do outside is real.

mod cut;
mod kept;

use std::{collections::BTreeMap, io, ops::ControlFlow, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use weir_flows::{
    advance::{Command, Event, Turn},
    check::{Checked, check_text},
    document::{Message, Mocks, Slug},
    plan::Plan,
    problem::Problem,
    rehearsal,
    run::Run,
};

use super::{
    Engine, Error, TryLimits,
    alone::{Pace, Stage, Unstarted},
    attempt,
    call::Caller,
    publish::seen,
};
use crate::connectors;
use cut::{Cut, cut_off};
use kept::Kept;

/// A draft that was compiled to be tried.
pub struct Drafted {
    workspace: String,
    /// The revision of the draft.
    pub revision: u32,
    /// What the machine needs of it.
    pub plan: Arc<Plan>,
    /// The size of the document.
    bytes: u64,
}

/// Who makes the attempts of a try.
#[derive(Clone, Debug, PartialEq)]
pub enum Actions {
    /// The connectors, with the connections and secrets of the workspace.
    Real,
    /// Nobody: these answers are given at once, and those of the draft itself for steps that are not among them.
    Mocked(BTreeMap<Slug, Mocks>),
}

/// What became of the message of a try.
pub enum Begun {
    /// It is underway.
    Try(Arc<Try>),
    /// The trigger's filter lets no run start.
    Filtered,
    /// The body does not satisfy the trigger's schema.
    Refused(Vec<Problem>),
}

/// A try that is underway or ended lately.
pub struct Try {
    /// Its id, which is that of its run, too.
    pub id: Uuid,
    /// The revision of the draft that is tried.
    pub revision: u32,
    /// What the machine needs of the draft.
    pub plan: Arc<Plan>,
    /// Who makes the attempts.
    pub actions: Actions,
    workspace: String,
    run: watch::Sender<Arc<Run>>,
    stopped: CancellationToken,
}

impl Try {
    /// The run as it stands.
    pub fn run(&self) -> Arc<Run> {
        Arc::clone(&self.run.borrow())
    }

    /// How the run stands from here on; the newest state where several came at once.
    pub fn changes(&self) -> watch::Receiver<Arc<Run>> {
        self.run.subscribe()
    }

    /// Ends it where it stands. One that has ended already stays as it is.
    pub async fn stop(&self) {
        self.stopped.cancel();
        // The other end is held by this try itself.
        let _ = self.changes().wait_for(|run| run.status.is_final()).await;
    }
}

/// All tries of this process.
pub(super) struct Tries {
    kept: Mutex<Kept<Arc<Try>>>,
    /// One has ended.
    ended: Notify,
}

impl Tries {
    pub(super) fn new(limits: TryLimits) -> Self {
        Tries {
            kept: Mutex::new(Kept::new(limits)),
            ended: Notify::new(),
        }
    }
}

impl Engine {
    /// Compiles the draft of a flow to be tried.
    ///
    /// # Errors
    /// `Problems` where the draft has errors; of the store where there is no such flow, or its draft is not the expected one.
    pub async fn drafted(
        &self,
        workspace: &str,
        flow: &str,
        expected: Option<u32>,
    ) -> Result<Drafted, Error> {
        let draft = self.store().flow(workspace, flow).await?;
        let draft = draft.ok_or_else(|| Error::NotFound(format!("there is no flow `{flow}`")))?;
        seen(&draft, expected)?;
        let names = self.names(workspace).await?;
        let engine = self.clone();
        let (revision, bytes) = (draft.revision, draft.document.len() as u64);
        // Compiling the scripts of a large document takes a while, and other requests wait behind it.
        let checked = tokio::task::spawn_blocking(move || {
            connectors::judge(check_text(&draft.document, engine.catalog(), Some(&names)))
        });
        let Checked { problems, plan, .. } = checked.await.map_err(|error| {
            Error::Conflict(format!("the draft could not be compiled: {error}"))
        })?;
        let plan = plan.ok_or(Error::Problems(problems))?;
        Ok(Drafted {
            workspace: workspace.to_owned(),
            revision,
            plan: Arc::new(plan),
            bytes,
        })
    }

    /// Begins to try a draft with a message, which its trigger takes as it would in production; only a dedupe key makes no
    /// message a duplicate.
    ///
    /// # Errors
    /// `TooManyTries`, and `Script` where the trigger's own scripts fail.
    pub fn begin_try(
        &self,
        drafted: Drafted,
        trigger: &str,
        message: Message,
        actions: Actions,
    ) -> Result<Begun, Error> {
        if self.0.stopping.is_cancelled() {
            return Err(Error::Stopping);
        }
        let Drafted {
            workspace,
            revision,
            plan,
            mut bytes,
        } = drafted;
        let actions = match actions {
            Actions::Real => Actions::Real,
            Actions::Mocked(given) => {
                let mut mocks = rehearsal::mocks_of(&plan.flow);
                mocks.extend(given);
                bytes += size(&mocks);
                Actions::Mocked(mocks)
            }
        };
        let id = self.world().id();
        let opened = self
            .stage(&plan, &actions)
            .open(id, &workspace, trigger, message);
        let run = match opened {
            Ok(run) => run,
            Err(Unstarted::Filtered) => return Ok(Begun::Filtered),
            Err(Unstarted::Refused(problems)) => return Ok(Begun::Refused(problems)),
            Err(Unstarted::Failed(failure)) => return Err(Error::Script(failure)),
        };
        bytes += size(&*run.message);
        let tried = Arc::new(Try {
            id,
            revision,
            plan,
            actions,
            workspace,
            run: watch::Sender::new(Arc::new(run.clone())),
            stopped: CancellationToken::new(),
        });
        let mut kept = self.0.tries.kept.lock();
        if !kept.begin(id, Arc::clone(&tried), bytes) {
            return Err(Error::TooManyTries);
        }
        drop(kept);
        self.0
            .tasks
            .spawn(drive(self.clone(), Arc::clone(&tried), run));
        Ok(Begun::Try(tried))
    }

    /// A try that is underway or ended lately.
    pub fn tried(&self, workspace: &str, id: Uuid) -> Option<Arc<Try>> {
        let kept = self.0.tries.kept.lock();
        kept.get(id)
            .filter(|tried| tried.workspace == workspace)
            .cloned()
    }

    fn stage<'a>(&'a self, plan: &'a Plan, actions: &Actions) -> Stage<'a> {
        Stage {
            plan,
            world: self.world(),
            limits: self.limits(),
            pace: match actions {
                Actions::Real => Pace::Real,
                Actions::Mocked(_) => Pace::Eager,
            },
        }
    }
}

/// Forgets tries that ended long enough ago, until the process stops.
pub(super) async fn forget_when_due(engine: Engine) {
    let tries = &engine.0.tries;
    loop {
        let now = engine.world().now_ms();
        let due = {
            let mut kept = tries.kept.lock();
            kept.sweep(now);
            kept.next_due()
        };
        let pause = due.map(|at| u64::try_from(at.saturating_sub(now)).unwrap_or(0));
        let pause = Duration::from_millis(pause.unwrap_or(0));
        tokio::select! {
            () = tokio::time::sleep(pause), if due.is_some() => {}
            () = tries.ended.notified() => {}
            () = engine.stopping() => return,
        }
    }
}

/// Says that a try has ended, however its task did.
struct Ending<'a>(&'a Engine, Uuid);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Ending(engine, id) = self;
        let tries = &engine.0.tries;
        tries.kept.lock().end(*id, engine.world().now_ms());
        tries.ended.notify_one();
    }
}

/// Plays a try to its end, or until it is cut off.
async fn drive(engine: Engine, tried: Arc<Try>, mut run: Run) {
    let _ending = Ending(&engine, tried.id);
    let mut cut = Cut::Stuck;
    let stage = engine.stage(&tried.plan, &tried.actions);
    let act = |command| act(&engine, &tried, command);
    // A try cannot be reached from outside, so it is answered as its mocks say even where its actions are real.
    let mocks = match &tried.actions {
        Actions::Mocked(mocks) => mocks.clone(),
        Actions::Real => rehearsal::mocks_of(&tried.plan.flow),
    };
    let turned = |run: &Run, turn: &Turn| {
        tried.run.send_replace(Arc::new(run.clone()));
        let mut kept = engine.0.tries.kept.lock();
        if kept.grow(tried.id, size(&turn.records)) {
            ControlFlow::Continue(())
        } else {
            cut = Cut::TooLarge;
            ControlFlow::Break(())
        }
    };
    let why = tokio::select! {
        biased;
        () = tried.stopped.cancelled() => Some(Cut::Stopped),
        () = engine.stopping() => Some(Cut::Stopped),
        () = tokio::time::sleep(engine.limits().tries.time) => Some(Cut::TooLong),
        () = stage.play(&mut run, &mocks, act, turned) => None,
    };
    if !run.status.is_final() {
        let now = engine.world().now_ms();
        let why = why.unwrap_or(cut);
        cut_off(&tried.plan, &mut run, why, now, &engine.limits().tries);
        tried.run.send_replace(Arc::new(run));
    }
}

fn act<'a>(engine: &'a Engine, tried: &'a Try, command: Command) -> BoxFuture<'a, Event> {
    match &tried.actions {
        Actions::Real => {
            let caller = Caller {
                run: tried.id,
                tenure: None,
            };
            attempt::make_in(engine, &tried.workspace, &tried.plan, caller, command).boxed()
        }
        Actions::Mocked(mocks) => {
            let event = rehearsal::answer(&tried.plan, mocks, &command);
            std::future::ready(event).boxed()
        }
    }
}

/// How many bytes of JSON a value takes, without writing it.
pub fn size(value: &(impl Serialize + ?Sized)) -> u64 {
    struct Count(u64);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting takes every byte, and what is counted here is JSON or close to it.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}
