//! One run in this process alone: no store, real actions. `weir run` is this.

use std::{collections::BTreeMap, ops::ControlFlow};

use futures::{FutureExt, future::BoxFuture};
use weir_flows::{document::Message, failure::Failure, plan::Plan, rehearsal::mocks_of, run::Run};

use super::{
    Limits,
    alone::{Pace, Stage, Unstarted},
    attempt::{self, Means, Resources},
    limits::calling_scripts,
};
use crate::{
    connection::Connection,
    outbound,
    secrets::{Absent, Secret, Secrets},
    world::World,
};

/// The connections and secrets of a run that has no store.
#[derive(Default)]
pub struct Given {
    /// The connections, by name.
    pub connections: BTreeMap<String, Connection>,
    /// The secrets, by name.
    pub secrets: BTreeMap<String, Secret>,
}

impl Secrets for Given {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, Absent>> {
        async move { self.secrets.get(name).cloned().ok_or(Absent::Unknown) }.boxed()
    }
}

impl Resources for Given {
    fn connection<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Connection, Failure>> {
        async move {
            let advice = || Failure::broken(format!("there is no connection `{name}`; give it with --connections, or run the flow on a server that has it"));
            self.connections.get(name).cloned().ok_or_else(advice)
        }
        .boxed()
    }
}

/// Runs a plan for one message to its end.
///
/// # Errors
/// Why no run was started.
pub async fn play(
    plan: &Plan,
    trigger: &str,
    message: Message,
    given: &Given,
    client: &outbound::Client,
    world: &World,
    limits: &Limits,
) -> Result<Run, Unstarted> {
    let stage = Stage {
        plan,
        world,
        limits,
        pace: Pace::Real,
    };
    let mut run = stage.open(world.id(), "main", trigger, message)?;
    let scripts = calling_scripts(limits);
    let means = Means {
        resources: given,
        client,
        world,
        max_response: limits.max_response,
        scripts: &scripts,
    };
    let act = |command| attempt::make_with(&means, plan, command);
    stage
        .play(&mut run, &mocks_of(&plan.flow), act, |_, _| {
            ControlFlow::Continue(())
        })
        .await;
    Ok(run)
}
