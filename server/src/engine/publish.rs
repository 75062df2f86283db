//! Publishing: a draft becomes an immutable version, and its triggers are listened to.

use std::sync::Arc;

use weir_flows::{
    check::{Checked, check_text},
    plan::{Plan, Source},
    problem::{Problem, pointer},
};

use super::{Engine, Error, Version, registry::turnstile};
use crate::{connectors, store};

/// A version that was just published.
#[derive(Clone, Debug)]
pub struct PublishedNow {
    /// Its number.
    pub version: u32,
    /// When, in milliseconds.
    pub published_at: i64,
    /// The warnings about it.
    pub problems: Vec<Problem>,
}

impl Engine {
    /// Publishes the draft of a flow and listens to its triggers.
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
        // In a task of its own: a caller who hangs up must not part a version on disk from its triggers.
        let published = self
            .0
            .tasks
            .spawn(async move { engine.publish_now(&workspace, &flow, note, expected).await });
        published
            .await
            .unwrap_or_else(|error| Err(Error::Conflict(format!("publishing failed: {error}"))))
    }

    async fn publish_now(
        &self,
        workspace: &str,
        flow: &str,
        note: Option<String>,
        expected: Option<u32>,
    ) -> Result<PublishedNow, Error> {
        // One at a time, so that two flows cannot take the same path at once.
        let _one = self.0.publishing.lock().await;
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
        };
        let number = self.store().publish(publication).await?;
        self.listen(workspace, number, plan);
        self.0.schedule_changed.notify_one();
        Ok(PublishedNow {
            version: number,
            published_at: at,
            problems,
        })
    }

    /// Stops listening to a flow that was deleted.
    pub async fn unpublish(&self, workspace: &str, flow: &str) {
        let _one = self.0.publishing.lock().await;
        self.0.registry.remove(workspace, flow);
    }

    /// Listens to what was published before this process started.
    pub(super) async fn load_published(&self) -> Result<(), Error> {
        let mut versions = Vec::new();
        for published in self.store().published().await? {
            match compile(&published.document, self.catalog()) {
                Ok(plan) => versions.push(Arc::new(Version {
                    turnstile: turnstile(&plan, None),
                    workspace: published.workspace,
                    flow: published.flow,
                    number: published.version,
                    plan: Arc::new(plan),
                })),
                Err(error) => tracing::error!(
                    flow = published.flow,
                    version = published.version,
                    error,
                    "a published version does not compile; it is not listened to"
                ),
            }
        }
        self.0.registry.put(versions);
        Ok(())
    }

    fn listen(&self, workspace: &str, number: u32, plan: Plan) {
        let earlier = self.published(workspace, &plan.flow.id);
        self.0.registry.put(vec![Arc::new(Version {
            turnstile: turnstile(&plan, earlier.as_deref()),
            workspace: workspace.to_owned(),
            flow: plan.flow.id.clone(),
            number,
            plan: Arc::new(plan),
        })]);
    }

    /// Any version of a flow: the published one from memory, others from the store.
    pub(super) async fn version(
        &self,
        workspace: &str,
        flow: &str,
        number: u32,
    ) -> Result<Arc<Version>, Error> {
        let published = self.published(workspace, flow);
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
            turnstile: turnstile(&plan, published.as_deref()),
            workspace: workspace.to_owned(),
            flow: flow.to_owned(),
            number,
            plan: Arc::new(plan),
        }))
    }
}

/// Whether the draft is still the one that was looked at.
fn seen(draft: &store::Flow, expected: Option<u32>) -> Result<(), Error> {
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

/// The schedules of a plan with their first instants.
fn schedules(plan: &Plan, now: i64) -> Vec<(String, Option<i64>)> {
    let active = plan
        .triggers
        .iter()
        .filter(|(_, trigger)| !trigger.disabled);
    active
        .filter_map(|(id, trigger)| match &trigger.source {
            Source::Schedule(schedule) => Some((id.clone(), schedule.next_after(now))),
            _ => None,
        })
        .collect()
}
