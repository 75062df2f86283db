//! Publishing, the switch and the pause: a draft becomes an immutable version, its triggers are listened to or not, and what
//! arrives begins at once or waits.

use std::{collections::HashMap, sync::Arc};

use weir_flows::{
    check::{Checked, check_text},
    plan::{Plan, Source},
    problem::{Problem, pointer},
};

use super::{Engine, Error, Version, registry::Published};
use crate::{connectors, store};

/// The version of a flow that is listened to.
pub(super) enum Listened {
    /// This one, or none.
    Here(Option<Arc<Version>>),
    /// One that this server does not know: it was published a moment ago, or does not compile here.
    Elsewhere,
}

/// How often publishing is tried while other servers write flows, too.
const TRIES: usize = 10;

/// A version that was just published.
#[derive(Clone, Debug)]
pub struct PublishedNow {
    /// Its number.
    pub version: u32,
    /// When, in milliseconds.
    pub published_at: i64,
    /// Whether its triggers are listened to; a flow that was switched off stays so.
    pub enabled: bool,
    /// The warnings about it.
    pub problems: Vec<Problem>,
}

impl Engine {
    /// Publishes the draft of a flow and listens to its triggers, unless the flow is switched off.
    ///
    /// # Errors
    /// `Problems` where the draft has errors or wants a path that another flow listens to.
    pub async fn publish(
        &self,
        workspace: &str,
        flow: &str,
        note: Option<String>,
        expected: Option<u32>,
    ) -> Result<PublishedNow, Error> {
        let (engine, workspace, flow) = (self.clone(), workspace.to_owned(), flow.to_owned());
        // A version on disk must not be parted from its triggers.
        self.whole(async move { engine.publish_now(&workspace, &flow, note, expected).await })
            .await
    }

    async fn publish_now(
        &self,
        workspace: &str,
        flow: &str,
        note: Option<String>,
        expected: Option<u32>,
    ) -> Result<PublishedNow, Error> {
        // One at a time, so that two flows cannot take the same path at once.
        let _one = self.0.publishing.write().await;
        for _ in 0..TRIES {
            match self
                .publish_once(workspace, flow, note.clone(), expected)
                .await
            {
                // Another server did something to flows meanwhile, and may have taken a path.
                Err(Error::Store(store::Error::Busy)) => {}
                published => return published,
            }
        }
        Err(Error::Busy)
    }

    async fn publish_once(
        &self,
        workspace: &str,
        flow: &str,
        note: Option<String>,
        expected: Option<u32>,
    ) -> Result<PublishedNow, Error> {
        let counted = self.follow().await?;
        let draft = self
            .store()
            .flow(workspace, flow)
            .await?
            .ok_or_else(|| Error::NotFound(format!("there is no flow `{flow}`")))?;
        seen(&draft, expected)?;
        let names = self.names(workspace).await?;
        let Checked {
            mut problems, plan, ..
        } = connectors::judge(check_text(&draft.document, self.catalog(), Some(&names)));
        let Some(plan) = plan else {
            return Err(Error::Problems(problems));
        };
        for (trigger, other, other_trigger) in self.0.registry.taken(workspace, &plan) {
            let at = format!("{}/config/path", pointer("/triggers", trigger));
            let message = format!(
                "the flow `{other}` listens to this path already with its trigger `{other_trigger}`; choose another path"
            );
            problems.push(Problem::error(at, "path_taken", message));
        }
        if problems.iter().any(Problem::is_error) {
            return Err(Error::Problems(problems));
        }
        let at = self.world().now_ms();
        let publication = store::Publication {
            workspace: workspace.to_owned(),
            flow: flow.to_owned(),
            expected: Some(draft.revision),
            document: draft.document,
            note,
            at,
            schedules: schedules(&plan, at),
            counted,
        };
        let standing = self.store().publish(publication).await?;
        let number = standing.version.unwrap_or_default();
        self.listen(workspace, number, plan, &standing);
        self.0.schedule_changed.notify_one();
        self.tell(workspace, flow, Some(standing));
        Ok(PublishedNow {
            version: number,
            published_at: at,
            enabled: standing.enabled,
            problems,
        })
    }

    /// Switches a flow on or off. Off, its triggers are not listened to and its schedules do not fire; runs that are
    /// underway go on. What its schedules missed is not made up for. Doing it twice is fine.
    ///
    /// # Errors
    /// If there is no such flow.
    pub async fn switch(&self, workspace: &str, flow: &str, enabled: bool) -> Result<(), Error> {
        let (engine, workspace, flow) = (self.clone(), workspace.to_owned(), flow.to_owned());
        self.whole(async move { engine.switch_now(&workspace, &flow, enabled).await })
            .await
    }

    async fn switch_now(&self, workspace: &str, flow: &str, enabled: bool) -> Result<(), Error> {
        // Nothing is published in between, so that the schedules are those of the version that is listened to.
        let _one = self.0.publishing.write().await;
        self.follow().await?;
        let now = self.world().now_ms();
        let published = self.published(workspace, flow).filter(|_| enabled);
        let schedules = published.map(|published| schedules(&published.version.plan, now));
        let switch = store::Switch {
            workspace: workspace.to_owned(),
            flow: flow.to_owned(),
            enabled,
            schedules: schedules.unwrap_or_default(),
        };
        let changed = self.store().switch(switch).await?;
        self.follow_switch(workspace, flow, changed);
        Ok(())
    }

    /// Pauses a flow or resumes it. While it is paused, nothing new begins: what arrives is accepted and waits on disk, what
    /// another flow calls of it waits, too, and its schedules do not fire; at the end their policy for what was missed
    /// decides. Runs that have begun go on. Once it is resumed, what waits begins in its order, each run on the
    /// version that it was accepted with. Doing it twice is fine.
    ///
    /// # Errors
    /// If there is no such flow.
    pub async fn pause(&self, workspace: &str, flow: &str, paused: bool) -> Result<(), Error> {
        let (engine, workspace, flow) = (self.clone(), workspace.to_owned(), flow.to_owned());
        self.whole(async move {
            let _one = engine.0.publishing.write().await;
            engine.follow().await?;
            let pause = store::Pause {
                workspace: workspace.clone(),
                flow: flow.clone(),
                paused,
            };
            let changed = engine.store().pause(pause).await?;
            engine.follow_switch(&workspace, &flow, changed);
            Ok(())
        })
        .await
    }

    /// A flow stands in another way than before: its schedules and what waits are looked at.
    fn follow_switch(&self, workspace: &str, flow: &str, changed: Option<store::Standing>) {
        if let Some(standing) = changed {
            self.stands(workspace, flow, &standing);
            self.tell(workspace, flow, changed);
            self.0.schedule_changed.notify_one();
            self.0.claims.notify_one();
        }
    }

    /// A published flow stands in another way than before: newcomers go behind what waited for the end of its pause.
    fn stands(&self, workspace: &str, flow: &str, standing: &store::Standing) {
        if !standing.paused {
            self.0
                .crowd
                .queued(&(workspace.to_owned(), flow.to_owned()));
        }
        self.0.registry.switch(workspace, flow, standing);
    }

    /// Listens to what was published before this process started, and says how often something was done to flows until then.
    pub(super) async fn load_published(&self) -> Result<Option<i64>, Error> {
        let (counted, states) = self.store().flow_states().await?;
        *self.0.standings.lock() = states
            .into_iter()
            .map(|state| ((state.workspace, state.flow), state.standing))
            .collect();
        let mut all = Vec::new();
        for published in self.store().published().await? {
            match compile(&published.document, self.catalog()) {
                Ok(plan) => all.push(Published {
                    enabled: published.enabled,
                    paused: published.paused,
                    version: Arc::new(Version {
                        workspace: published.workspace,
                        flow: published.flow,
                        number: published.version,
                        plan: Arc::new(plan),
                    }),
                }),
                Err(error) => tracing::error!(
                    flow = published.flow,
                    version = published.version,
                    error,
                    "a published version does not compile; it is not listened to"
                ),
            }
        }
        self.0.registry.put(all);
        Ok(counted)
    }

    /// Follows what other servers did to flows, and says how often something was done until then.
    pub(super) async fn follow_flows(&self) -> Result<Option<i64>, Error> {
        let _one = self.0.publishing.write().await;
        self.follow().await
    }

    /// The same for one who keeps others from writing flows here.
    async fn follow(&self) -> Result<Option<i64>, Error> {
        if self.store().kind() == store::Kind::Sqlite {
            return Ok(None);
        }
        let (counted, states) = self.store().flow_states().await?;
        let mut standings = HashMap::new();
        for state in states {
            let (workspace, flow) = (&state.workspace, &state.flow);
            self.listen_to(workspace, flow, state.standing).await?;
            standings.insert((state.workspace, state.flow), state.standing);
        }
        let before = std::mem::take(&mut *self.0.standings.lock());
        for (key, standing) in &standings {
            if before.get(key) != Some(standing) {
                self.tell(&key.0, &key.1, Some(*standing));
                self.0.schedule_changed.notify_one();
                self.0.claims.notify_one();
            }
        }
        for (workspace, flow) in before.keys().filter(|key| !standings.contains_key(*key)) {
            self.0.registry.remove(workspace, flow);
            self.tell(workspace, flow, None);
        }
        *self.0.standings.lock() = standings;
        Ok(counted)
    }

    /// Listens to a flow as it stands in the store.
    async fn listen_to(
        &self,
        workspace: &str,
        flow: &str,
        standing: store::Standing,
    ) -> Result<(), Error> {
        let known = self.published(workspace, flow);
        let number = known.as_ref().map(|known| known.version.number);
        let Some(version) = standing.version else {
            if known.is_some() {
                self.0.registry.remove(workspace, flow);
            }
            return Ok(());
        };
        if number == Some(version) {
            let stood = known.map(|known| (known.enabled, known.paused));
            if stood != Some((standing.enabled, standing.paused)) {
                self.stands(workspace, flow, &standing);
            }
            return Ok(());
        }
        let Some(stored) = self.store().version(workspace, flow, version).await? else {
            return Ok(());
        };
        match compile(&stored.document, self.catalog()) {
            Ok(plan) => self.listen(workspace, version, plan, &standing),
            Err(error) => tracing::error!(
                flow,
                version,
                error,
                "a version that another server published does not compile here; it is not listened to"
            ),
        }
        Ok(())
    }

    /// The version of a flow that is listened to, whoever published it a moment ago.
    pub(super) async fn listened(&self, workspace: &str, flow: &str) -> Result<Listened, Error> {
        let here = || {
            let published = self.published(workspace, flow);
            let published = published.filter(|published| published.enabled);
            published.map(|published| published.version)
        };
        let known = here();
        if self.store().kind() == store::Kind::Sqlite {
            return Ok(Listened::Here(known));
        }
        let number = |known: &Option<Arc<Version>>| known.as_ref().map(|version| version.number);
        let now = self.store().listened(workspace, flow).await?;
        if number(&known) == now {
            return Ok(Listened::Here(known));
        }
        self.follow_flows().await?;
        let known = here();
        match number(&known) == now {
            true => Ok(Listened::Here(known)),
            false => Ok(Listened::Elsewhere),
        }
    }

    fn listen(&self, workspace: &str, number: u32, plan: Plan, standing: &store::Standing) {
        let version = Arc::new(Version {
            workspace: workspace.to_owned(),
            flow: plan.flow.id.clone(),
            number,
            plan: Arc::new(plan),
        });
        self.0.registry.put(vec![Published {
            version,
            enabled: standing.enabled,
            paused: standing.paused,
        }]);
    }

    /// Any version of a flow: the published one from memory, others from the store.
    pub(super) async fn version(
        &self,
        workspace: &str,
        flow: &str,
        number: u32,
    ) -> Result<Arc<Version>, Error> {
        let published = self.published(workspace, flow);
        let published = published.map(|published| published.version);
        if let Some(version) = published
            .as_ref()
            .filter(|version| version.number == number)
        {
            return Ok(Arc::clone(version));
        }
        let stored = self.store().version(workspace, flow, number).await?;
        let stored = stored.ok_or_else(|| {
            Error::NotFound(format!("there is no version {number} of flow `{flow}`"))
        })?;
        let plan = compile(&stored.document, self.catalog()).map_err(|error| {
            Error::Conflict(format!(
                "version {number} of flow `{flow}` does not compile any more: {error}"
            ))
        })?;
        Ok(Arc::new(Version {
            workspace: workspace.to_owned(),
            flow: flow.to_owned(),
            number,
            plan: Arc::new(plan),
        }))
    }
}

/// Whether the draft is still the one that was looked at.
pub(super) fn seen(draft: &store::Flow, expected: Option<u32>) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != draft.revision => Err(store::Error::Revision {
            current: draft.revision,
        }
        .into()),
        _ => Ok(()),
    }
}

fn compile(document: &str, catalog: &weir_flows::catalog::Catalog) -> Result<Plan, String> {
    let Checked { problems, plan, .. } = check_text(document, catalog, None);
    plan.ok_or_else(|| {
        problems
            .iter()
            .find(|problem| problem.is_error())
            .map(ToString::to_string)
            .unwrap_or_default()
    })
}

/// The schedules and polls of a plan with their first instants; none for those that are disabled.
fn schedules(plan: &Plan, now: i64) -> Vec<(String, Option<i64>)> {
    let schedules = plan.triggers.iter().filter_map(|(id, trigger)| {
        let schedule = match &trigger.source {
            Source::Schedule(schedule) => schedule,
            Source::Poll(poll) => &poll.schedule,
            _ => return None,
        };
        let next_at = schedule.next_after(now).filter(|_| !trigger.disabled);
        Some((id.clone(), next_at))
    });
    schedules.collect()
}
