//! One run in this process alone: no store, real actions. `weir run` is this.

use std::{collections::BTreeMap, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use weir_flows::{
    advance::{Event, Stamp, advance},
    document::Message,
    failure::Failure,
    intake::{Admission, admit},
    plan::Plan,
    problem::Problem,
    run::{Identity, Run},
};

use super::{
    Limits,
    attempt::{self, Means, Resources},
    script_bounds,
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

/// What came of it.
pub enum Played {
    /// The run, ended.
    Run(Box<Run>),
    /// The trigger's filter lets no run start.
    Filtered,
    /// The body does not satisfy the trigger's schema.
    Refused(Vec<Problem>),
    /// The trigger's own scripts failed.
    Failed(Failure),
}

/// Runs a plan for one message to its end.
pub async fn play(
    plan: &Plan,
    trigger: &str,
    message: Message,
    given: &Given,
    client: &outbound::Client,
    world: &World,
    limits: &Limits,
) -> Played {
    let stamp = || Stamp {
        now_ms: world.now_ms(),
        dice: world.dice(),
    };
    let Some(compiled) = plan.triggers.get(trigger) else {
        return Played::Failed(Failure::broken(format!(
            "the flow has no trigger `{trigger}`"
        )));
    };
    let kind = plan
        .flow
        .triggers
        .get(trigger)
        .map_or("", |trigger| trigger.kind.as_str());
    let first = stamp();
    let message = match admit(
        trigger,
        kind,
        compiled,
        message,
        first,
        &script_bounds(limits, world),
    ) {
        Admission::Accepted { message, .. } => message,
        Admission::Filtered => return Played::Filtered,
        Admission::Refused(problems) => return Played::Refused(problems),
        Admission::Failed(failure) => return Played::Failed(failure),
    };
    let identity = Identity {
        id: world.id().to_string(),
        flow: plan.flow.id.clone(),
        version: 0,
        workspace: "main".to_owned(),
    };
    let mut run = Run::new(plan, &identity, trigger, message, first.now_ms);
    let means = Means {
        resources: given,
        client,
        world,
        max_response: limits.max_response,
    };
    let mut attempts = futures::stream::FuturesUnordered::new();
    let mut event = Event::Start;
    loop {
        let turn = advance(
            plan,
            &mut run,
            stamp(),
            &script_bounds(limits, world),
            event,
        );
        attempts.extend(
            turn.commands
                .into_iter()
                .map(|command| attempt::make_with(&means, plan, command)),
        );
        if run.status.is_final() {
            return Played::Run(Box::new(run));
        }
        let due = run
            .wake_at(plan)
            .map(|at| Duration::from_millis(u64::try_from(at - world.now_ms()).unwrap_or(0)));
        event = tokio::select! {
            Some(event) = futures::StreamExt::next(&mut attempts) => event,
            () = tokio::time::sleep(due.unwrap_or(Duration::MAX)) => Event::Woke,
        };
    }
}
