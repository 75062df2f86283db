//! Replays: a new run made from an old one, which takes over what need not be done again.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;
use weir_flows::{
    plan::Plan,
    record::Record,
    replay::{self, Begin, Old, Replay, Write},
    run::Run,
};

use super::{Accepted, Engine, Error, Launch, Recorded, Version, underway::no_run};
use crate::store;

/// What to replay, and how.
#[derive(Clone, Debug)]
pub struct ReplayRequest {
    /// Where it begins.
    pub from: Begin,
    /// A step of which nobody knew whether it happened, and what it gave.
    pub happened: Option<(String, Value)>,
    /// What of the message is another: body, headers, query, params, method.
    pub message: Map<String, Value>,
    /// Whether to run the version that production runs instead of that of the old run.
    pub newest: bool,
    /// Who wants it.
    pub by: Option<String>,
    /// Why.
    pub note: Option<String>,
}

/// What a replay would be.
pub struct ReplayPlan {
    /// The run that it is made from.
    pub origin: store::Run,
    /// The number of the version that it runs.
    pub version: u32,
    /// The version.
    pub plan: Arc<Plan>,
    /// What is taken over, and what is done again.
    pub replay: Replay,
    /// The calls that may change something on the other side.
    pub writes: Vec<Write>,
}

struct Prepared {
    old: Recorded,
    version: Arc<Version>,
    id: Uuid,
    run: Run,
    replay: Replay,
}

impl Engine {
    /// What a replay would do, without doing anything.
    ///
    /// # Errors
    /// `NotFound` where there is no such run, `Conflict` where it cannot be replayed so, `Message` where the body that is put in
    /// the place of the old one does not satisfy the schema of the trigger.
    pub async fn plan_replay(
        &self,
        workspace: &str,
        id: Uuid,
        request: ReplayRequest,
    ) -> Result<ReplayPlan, Error> {
        let prepared = self.prepare(workspace, id, &request).await?;
        let Prepared {
            old,
            version,
            replay,
            ..
        } = prepared;
        Ok(ReplayPlan {
            writes: replay::writes(&version.plan, old.as_old(), &replay),
            version: version.number,
            plan: Arc::clone(&version.plan),
            origin: old.row,
            replay,
        })
    }

    /// Replays a run. A dead letter is replayed once, whoever asks how often; other runs once for each `key`.
    ///
    /// # Errors
    /// As [`plan_replay`](Self::plan_replay).
    pub async fn replay(
        &self,
        workspace: &str,
        id: Uuid,
        request: ReplayRequest,
        key: Option<String>,
    ) -> Result<Accepted, Error> {
        let (engine, workspace) = (self.clone(), workspace.to_owned());
        // A run on disk must not be parted from its driver.
        self.whole(async move { engine.replay_now(&workspace, id, request, key).await })
            .await
    }

    async fn replay_now(
        &self,
        workspace: &str,
        id: Uuid,
        request: ReplayRequest,
        key: Option<String>,
    ) -> Result<Accepted, Error> {
        if self.0.stopping.is_cancelled() {
            return Err(Error::Stopping);
        }
        let letter = self.store().letter(workspace, id).await?;
        if let Some(replay) = letter.as_ref().and_then(|letter| letter.replay) {
            return Ok(Accepted::Duplicate(replay));
        }
        let prepared = self.prepare(workspace, id, &request).await?;
        let entrance = self
            .entrance(&prepared.version, &prepared.old.row.trigger)
            .await?;
        let stamp = self.stamp();
        let record = Record::Replay {
            at: stamp.now_ms,
            origin: id.to_string(),
            by: request.by.clone(),
            note: request.note,
            taken: prepared.replay.taken,
        };
        let origin = store::Origin {
            run: id,
            by: request.by,
        };
        self.launch(Launch {
            tenure: self.tenure()?,
            version: prepared.version,
            id: prepared.id,
            run: prepared.run,
            entrance,
            stamp,
            dedupe: match letter {
                Some(_) => Some(id.to_string()),
                None => key.map(|key| format!("{id} {key}")),
            },
            fire: None,
            alone: false,
            parent: None,
            replay: Some((origin, record)),
        })
        .await
    }

    async fn prepare(
        &self,
        workspace: &str,
        id: Uuid,
        request: &ReplayRequest,
    ) -> Result<Prepared, Error> {
        let old = self.run(workspace, id).await?.ok_or_else(|| no_run(id))?;
        if !old.row.status.is_final() {
            return Err(Error::Conflict(format!(
                "the run `{id}` has not ended; wait for that, or cancel it first"
            )));
        }
        if !old.kept {
            return Err(Error::Conflict(format!(
                "the history of the run `{id}` was not kept, so its message is gone; the setting `history` of its flow decides that"
            )));
        }
        let flow = &old.row.flow;
        let version = if request.newest {
            let published = self.published(workspace, flow).ok_or_else(|| {
                Error::Conflict(format!(
                    "no version of `{flow}` is published; replay the run on its own version"
                ))
            })?;
            published.version
        } else {
            self.version(workspace, flow, old.row.version).await?
        };
        let Some(trigger) = version.plan.triggers.get(&old.row.trigger) else {
            return Err(Error::Conflict(super::no_trigger(
                &version,
                &old.row.trigger,
            )));
        };
        // Where the trigger has a map, the message has what that made of the body, of which the schema says nothing.
        if let (Some(body), Some(schema), None) =
            (request.message.get("body"), &trigger.schema, &trigger.map)
        {
            let problems = schema.check(body);
            if !problems.is_empty() {
                return Err(Error::Message(problems));
            }
        }
        let new = self.world().id();
        let message = edited(&old.run.message, &request.message);
        let run = Run::new(
            &version.plan,
            &self.identity(&version, new),
            &old.row.trigger,
            message,
            self.world().now_ms(),
        );
        let happened = request.happened.as_ref();
        let happened = happened.map(|(step, output)| (step.as_str(), Arc::new(output.clone())));
        let replay = replay::prepare(&version.plan, &run, old.as_old(), &request.from, happened)
            .map_err(Error::Conflict)?;
        Ok(Prepared {
            id: new,
            old,
            version,
            run,
            replay,
        })
    }
}

impl Recorded {
    fn as_old(&self) -> Old<'_> {
        Old {
            plan: &self.plan,
            run: &self.run,
            records: &self.records,
        }
    }
}

fn edited(message: &Arc<Value>, changes: &Map<String, Value>) -> Arc<Value> {
    let mut message = Arc::clone(message);
    if let Value::Object(parts) = Arc::make_mut(&mut message) {
        parts.extend(changes.clone());
    }
    message
}
