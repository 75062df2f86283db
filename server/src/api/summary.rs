//! What lists say about a flow: its triggers with their addresses, its last run, and how the last day went.

use serde::Serialize;
use utoipa::ToSchema;
use weir_flows::{
    document::{Flow, Trigger},
    run::rfc3339,
};

use super::{App, WORKSPACE, runs::RunStatus};
use crate::store;

/// The counted time: a day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// A flow as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FlowSummary {
    /// Its id.
    #[schema(example = "order-intake")]
    id: String,
    /// Its title, empty where it has none.
    #[schema(example = "Order intake")]
    title: String,
    /// What it is for.
    description: String,
    /// How often the draft was written; its `ETag`.
    revision: u32,
    /// When the draft was written last.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Whether its triggers are listened to, once it is published.
    enabled: bool,
    /// Whether what arrives waits until the flow is resumed.
    paused: bool,
    /// How many runs were accepted and wait on disk for their turn: for the end of a pause, or behind those before them.
    waiting: u64,
    /// What production runs; null where it was never published.
    published: Option<PublishedSummary>,
    /// Whether the draft differs from the published version.
    changed: bool,
    /// Its triggers: those of the published version, or of the draft where there is none.
    triggers: Vec<TriggerSummary>,
    /// The run that started last.
    last_run: Option<LastRun>,
    /// How the runs of the last 24 hours stand.
    last_24h: Counts,
}

/// What production runs of a flow.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct PublishedSummary {
    /// The number of the version.
    version: u32,
    /// When it was published.
    #[schema(format = DateTime)]
    published_at: String,
}

/// A trigger as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct TriggerSummary {
    /// Its id.
    id: String,
    /// Its kind.
    #[schema(example = "http")]
    kind: String,
    /// Its title, empty where it has none.
    title: String,
    /// The method it listens to, or `ANY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// The path it listens to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/in/main/orders")]
    url: Option<String>,
    /// When it fires next; absent where the flow is switched off or paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    next_fire: Option<String>,
}

/// The run that started last.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct LastRun {
    /// Its id.
    id: String,
    /// How it stands.
    status: RunStatus,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: String,
}

/// How many runs stand how.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Counts {
    /// Started in the last 24 hours and succeeded.
    succeeded: u64,
    /// Started in the last 24 hours and failed.
    failed: u64,
    /// Not ended, whenever they started.
    active: u64,
}

/// Since when runs are counted.
pub(super) fn since(app: &App) -> i64 {
    app.engine().world().now_ms() - DAY_MS
}

impl FlowSummary {
    /// The summary of a flow of the store.
    pub(super) fn of(app: &App, listing: store::FlowListing) -> FlowSummary {
        let store::FlowListing {
            flow,
            changed,
            last_run,
            succeeded,
            failed,
            active,
            waiting,
            schedules,
        } = listing;
        // What was stored was read before; one that a newer server wrote is shown without its triggers.
        let draft: Option<Flow> = serde_json::from_str(&flow.document).ok();
        let published = flow
            .published
            .and_then(|_| app.engine().published(WORKSPACE, &flow.id));
        let shown = published
            .as_ref()
            .map(|published| &*published.version.plan.flow)
            .or(draft.as_ref());
        let triggers = shown
            .iter()
            .flat_map(|shown| &shown.triggers)
            .map(|(id, trigger)| TriggerSummary {
                next_fire: schedules
                    .iter()
                    .find(|schedule| schedule.trigger == *id)
                    .and_then(|schedule| schedule.next_at)
                    .filter(|_| !flow.paused)
                    .map(rfc3339),
                ..TriggerSummary::of(id, trigger)
            });
        FlowSummary {
            triggers: triggers.collect(),
            title: draft
                .as_ref()
                .map(|draft| draft.title.clone())
                .unwrap_or_default(),
            description: draft.map(|draft| draft.description).unwrap_or_default(),
            revision: flow.revision,
            updated_at: rfc3339(flow.updated_at),
            enabled: flow.enabled,
            paused: flow.paused,
            waiting,
            published: flow.published.map(|published| PublishedSummary {
                version: published.version,
                published_at: rfc3339(published.published_at),
            }),
            id: flow.id,
            changed,
            last_run: last_run.map(|run| LastRun {
                id: run.id.to_string(),
                status: run.status.into(),
                started_at: rfc3339(run.started_at),
            }),
            last_24h: Counts {
                succeeded,
                failed,
                active,
            },
        }
    }

    /// The revision of its draft.
    pub(super) fn revision(&self) -> u32 {
        self.revision
    }
}

impl TriggerSummary {
    fn of(id: &str, trigger: &Trigger) -> TriggerSummary {
        let text = |key: &str| trigger.config.get(key).and_then(|value| value.as_str());
        let (method, path) = match trigger.kind.as_str() {
            "http" => (Some(text("method").unwrap_or("POST")), text("path")),
            "webhook" => (Some("POST"), text("path")),
            _ => (None, None),
        };
        TriggerSummary {
            id: id.to_owned(),
            kind: trigger.kind.clone(),
            title: trigger.title.clone(),
            method: method.map(str::to_owned),
            url: path.map(|path| format!("/in/{WORKSPACE}{path}")),
            next_fire: None,
        }
    }
}
