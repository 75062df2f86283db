//! The published versions of all flows, compiled, and the paths they listen to.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use weir_flows::{
    plan::{Plan, Source},
    route::Route,
};

use super::{Params, crowd::Key};
use crate::store::Standing;

/// A published version, compiled.
#[derive(Debug)]
pub struct Version {
    /// The workspace.
    pub workspace: String,
    /// The flow.
    pub flow: String,
    /// The version's number.
    pub number: u32,
    /// What the machine needs of it.
    pub plan: Arc<Plan>,
}

impl Version {
    /// Its flow.
    pub(super) fn key(&self) -> Key {
        (self.workspace.clone(), self.flow.clone())
    }
}

/// What production runs of a flow.
#[derive(Clone, Debug)]
pub struct Published {
    /// The version.
    pub version: Arc<Version>,
    /// Whether its triggers are listened to.
    pub enabled: bool,
    /// Whether what arrives waits until the flow is resumed.
    pub paused: bool,
}

/// The trigger that listens to a request.
pub struct Match {
    /// The version it belongs to.
    pub version: Arc<Version>,
    /// Its id.
    pub trigger: String,
    /// The path parameters.
    pub params: Params,
}

/// Who listens to a request.
pub enum Routed {
    /// This trigger.
    Found(Match),
    /// A trigger of this flow would, but the flow is switched off.
    Disabled(String),
    /// The path is listened to with these methods only.
    OtherMethods(Vec<String>),
    /// Nobody.
    None,
}

/// All published versions. Reading takes no lock; a change swaps the whole table.
#[derive(Default)]
pub(super) struct Registry {
    table: ArcSwap<Table>,
}

#[derive(Default)]
struct Table {
    versions: HashMap<(String, String), Published>,
    /// By workspace and first segment, the more exact routes first.
    routes: HashMap<(String, String), Vec<Listening>>,
}

#[derive(Clone)]
struct Listening {
    method: Option<String>,
    route: Route,
    published: Published,
    trigger: String,
}

impl Registry {
    pub(super) fn published(&self, workspace: &str, flow: &str) -> Option<Published> {
        self.table
            .load()
            .versions
            .get(&(workspace.to_owned(), flow.to_owned()))
            .cloned()
    }

    /// Listens to these versions beside the others, in place of earlier ones of the same flows.
    pub(super) fn put(&self, all: Vec<Published>) {
        self.change(|table| {
            for published in &all {
                let version = &published.version;
                table.insert(
                    (version.workspace.clone(), version.flow.clone()),
                    published.clone(),
                );
            }
        });
    }

    /// Listens to a flow or no more, and lets what arrives wait or not, if it is published.
    pub(super) fn switch(&self, workspace: &str, flow: &str, standing: &Standing) {
        self.change(|table| {
            if let Some(published) = table.get_mut(&(workspace.to_owned(), flow.to_owned())) {
                published.enabled = standing.enabled;
                published.paused = standing.paused;
            }
        });
    }

    pub(super) fn remove(&self, workspace: &str, flow: &str) {
        self.change(|table| {
            table.remove(&(workspace.to_owned(), flow.to_owned()));
        });
    }

    fn change(&self, edit: impl Fn(&mut HashMap<(String, String), Published>)) {
        self.table.rcu(|table| {
            let mut versions = table.versions.clone();
            edit(&mut versions);
            Table {
                routes: routes(&versions),
                versions,
            }
        });
    }

    pub(super) fn route(&self, workspace: &str, method: &str, path: &[String]) -> Routed {
        let table = self.table.load();
        let first = path.first().map_or("", String::as_str);
        let mut allowed = BTreeSet::new();
        for group in [first, ""] {
            for listening in table
                .routes
                .get(&(workspace.to_owned(), group.to_owned()))
                .into_iter()
                .flatten()
            {
                let Some(params) = listening.route.matches(path) else {
                    continue;
                };
                let listens = listening
                    .method
                    .as_deref()
                    .is_none_or(|own| own == method || own == "GET" && method == "HEAD");
                if listens {
                    let Published {
                        version, enabled, ..
                    } = &listening.published;
                    if !enabled {
                        return Routed::Disabled(version.flow.clone());
                    }
                    return Routed::Found(Match {
                        version: Arc::clone(version),
                        trigger: listening.trigger.clone(),
                        params,
                    });
                }
                allowed.extend(listening.method.clone());
            }
            if first.is_empty() {
                break;
            }
        }
        if allowed.is_empty() {
            Routed::None
        } else {
            Routed::OtherMethods(allowed.into_iter().collect())
        }
    }

    /// The flow and trigger that listen already to what a plan wants to listen to. A flow that is switched off keeps its
    /// paths.
    pub(super) fn taken(&self, workspace: &str, plan: &Plan) -> Vec<(String, String, String)> {
        let table = self.table.load();
        let mut taken = Vec::new();
        for (id, method, route) in listened(plan) {
            let others = table
                .versions
                .values()
                .map(|published| &published.version)
                .filter(|version| version.workspace == workspace && version.flow != plan.flow.id);
            for other in others {
                let same = listened(&other.plan).find(|(_, other_method, other_route)| {
                    other_route.key() == route.key()
                        && (*other_method == method || other_method.is_none() || method.is_none())
                });
                if let Some((trigger, ..)) = same {
                    taken.push((id.to_owned(), other.flow.clone(), trigger.to_owned()));
                }
            }
        }
        taken
    }
}

/// The paths that a plan listens to: trigger, method, route.
fn listened(plan: &Plan) -> impl Iterator<Item = (&str, Option<&str>, &Route)> {
    plan.triggers
        .iter()
        .filter(|(_, trigger)| !trigger.disabled)
        .filter_map(|(id, trigger)| match &trigger.source {
            Source::Http { method, route, .. } => Some((id.as_str(), method.as_deref(), route)),
            Source::Webhook { route, .. } => Some((id.as_str(), Some("POST"), route)),
            Source::Schedule(_) | Source::Poll(_) | Source::Manual | Source::Flow => None,
        })
}

fn routes(
    versions: &HashMap<(String, String), Published>,
) -> HashMap<(String, String), Vec<Listening>> {
    let mut routes: HashMap<(String, String), Vec<Listening>> = HashMap::new();
    for published in versions.values() {
        let version = &published.version;
        for (trigger, method, route) in listened(&version.plan) {
            let group = (
                version.workspace.clone(),
                route.first_literal().unwrap_or_default().to_owned(),
            );
            routes.entry(group).or_default().push(Listening {
                method: method.map(str::to_owned),
                route: route.clone(),
                published: published.clone(),
                trigger: trigger.to_owned(),
            });
        }
    }
    for group in routes.values_mut() {
        group.sort_by_cached_key(|listening| {
            (
                listening.route.rank(),
                listening.route.key(),
                listening.method.is_none(),
            )
        });
    }
    routes
}
