//! What the API answers, as far as the page reads it. Keys it does not know are left alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use weir_flows::{
    document::{Message, Mocks, Slug},
    failure::Failure,
    problem::Problem,
};

/// One page of a list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page starts, if there is one.
    #[serde(default)]
    pub(crate) next: Option<String>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunStatus {
    Running,
    Waiting,
    Succeeded,
    Failed,
    Cancelled,
}

impl RunStatus {
    pub(crate) const ALL: [RunStatus; 5] = [
        RunStatus::Running,
        RunStatus::Waiting,
        RunStatus::Succeeded,
        RunStatus::Failed,
        RunStatus::Cancelled,
    ];

    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Waiting => "waiting",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        }
    }

    /// Whether nothing can change any more.
    pub(crate) fn is_final(self) -> bool {
        matches!(
            self,
            RunStatus::Succeeded | RunStatus::Failed | RunStatus::Cancelled
        )
    }
}

/// How a step of a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepStatus {
    #[default]
    Pending,
    Running,
    Waiting,
    Succeeded,
    Failed,
    Skipped,
}

/// What a link of a run was decided to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkState {
    #[default]
    Pending,
    Taken,
    Dead,
}

/// A flow in the list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct FlowSummary {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) updated_at: String,
    /// Whether its triggers listen, once it is published.
    #[serde(default = "kept")]
    pub(crate) enabled: bool,
    /// Whether what arrives waits until it is resumed.
    #[serde(default)]
    pub(crate) paused: bool,
    /// How many runs wait for their turn.
    #[serde(default)]
    pub(crate) waiting: u64,
    #[serde(default)]
    pub(crate) published: Option<Published>,
    /// Whether the draft differs from the published version.
    #[serde(default)]
    pub(crate) changed: bool,
    #[serde(default)]
    pub(crate) triggers: Vec<TriggerSummary>,
    #[serde(default)]
    pub(crate) last_run: Option<LastRun>,
    #[serde(default)]
    pub(crate) last_24h: Counts,
}

impl FlowSummary {
    /// The title, or the id where there is none.
    pub(crate) fn name(&self) -> &str {
        if self.title.is_empty() {
            &self.id
        } else {
            &self.title
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Published {
    pub(crate) version: u32,
    pub(crate) published_at: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct TriggerSummary {
    pub(crate) id: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) method: Option<String>,
    /// The path below the server's origin, such as `/in/main/orders`.
    #[serde(default)]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) next_fire: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct LastRun {
    pub(crate) id: String,
    pub(crate) status: RunStatus,
    pub(crate) started_at: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) active: u64,
}

/// The answer to an import.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Imported {
    pub(crate) flow: FlowSummary,
    #[serde(default)]
    pub(crate) problems: Vec<Problem>,
}

/// The answer to publishing.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PublishedNow {
    pub(crate) version: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Version {
    pub(crate) version: u32,
    pub(crate) published_at: String,
    #[serde(default)]
    pub(crate) note: Option<String>,
}

/// A run in the list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct RunSummary {
    pub(crate) id: String,
    pub(crate) flow: String,
    pub(crate) version: u32,
    pub(crate) trigger: String,
    pub(crate) status: RunStatus,
    pub(crate) started_at: String,
    #[serde(default)]
    pub(crate) ended_at: Option<String>,
    #[serde(default)]
    pub(crate) failure: Option<RunFailure>,
    /// The run that it replays.
    #[serde(default)]
    pub(crate) origin: Option<String>,
}

/// Why a run failed, in the list.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct RunFailure {
    #[serde(default)]
    pub(crate) step: Option<String>,
    pub(crate) class: String,
    pub(crate) message: String,
}

/// A run with all that is remembered of it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct RunDetail {
    pub(crate) id: String,
    pub(crate) flow: String,
    pub(crate) version: u32,
    pub(crate) trigger: String,
    pub(crate) status: RunStatus,
    pub(crate) started_at: String,
    #[serde(default)]
    pub(crate) ended_at: Option<String>,
    #[serde(default)]
    pub(crate) failure: Option<RunFailure>,
    /// The run that it replays.
    #[serde(default)]
    pub(crate) origin: Option<String>,
    /// The run of which a step called it.
    #[serde(default)]
    pub(crate) parent: Option<String>,
    /// Who ended it.
    #[serde(default)]
    pub(crate) cancelled: Option<Cancelled>,
    #[serde(default)]
    pub(crate) title: String,
    /// Whether its message, inputs and outputs were kept, as the flow's settings say.
    #[serde(default = "kept")]
    pub(crate) kept: bool,
    #[serde(default)]
    pub(crate) message: Value,
    #[serde(default)]
    pub(crate) reply: Option<Value>,
    /// In the order of the version's links.
    #[serde(default)]
    pub(crate) links: Vec<LinkState>,
    #[serde(default)]
    pub(crate) steps: BTreeMap<String, StepDetail>,
}

fn kept() -> bool {
    true
}

/// How a person ended a run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Cancelled {
    pub(crate) at: String,
    /// Whether what had succeeded was reversed first.
    pub(crate) undo: bool,
    pub(crate) by: Option<String>,
    pub(crate) note: Option<String>,
}

/// One step of a run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct StepDetail {
    pub(crate) status: StepStatus,
    /// The port it left by.
    pub(crate) port: Option<String>,
    pub(crate) input: Option<Value>,
    pub(crate) output: Option<Value>,
    pub(crate) failure: Option<Failure>,
    /// Whether a replay took its end over instead of running it.
    pub(crate) taken_over: bool,
    /// Whether what it gave comes from an earlier attempt, as its `cache` says.
    pub(crate) cached: bool,
    pub(crate) started_at: Option<String>,
    pub(crate) ended_at: Option<String>,
    /// Until when a wait goes on.
    pub(crate) waits_until: Option<String>,
    /// Since when an attempt waits for its turn.
    pub(crate) queued_since: Option<String>,
    /// What it waits for beside that time: `callback` or `approval`.
    pub(crate) waits_for: Option<String>,
    /// The link that answers it.
    pub(crate) link: Option<String>,
    /// The id of the approval that it waits for.
    pub(crate) approval: Option<String>,
    pub(crate) attempts: Vec<Attempt>,
    /// How far an `each` step is.
    pub(crate) items: Option<ItemCounts>,
    /// The run that a `call` step has started.
    pub(crate) called: Option<String>,
}

/// How far an `each` step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct ItemCounts {
    pub(crate) total: u64,
    /// How many ended well.
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) underway: u64,
}

/// What was done for one item of an `each` step.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ItemDetail {
    /// From 0.
    pub(crate) index: u64,
    pub(crate) status: RunStatus,
    #[serde(default)]
    pub(crate) item: Value,
    #[serde(default)]
    pub(crate) output: Option<Value>,
    /// What each step of the body did for it.
    #[serde(default)]
    pub(crate) steps: BTreeMap<String, StepDetail>,
}

/// One try of an action.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Attempt {
    pub(crate) number: u32,
    pub(crate) started_at: Option<String>,
    pub(crate) ended_at: Option<String>,
    pub(crate) failure: Option<Failure>,
    pub(crate) request: Option<Value>,
    pub(crate) response: Option<Value>,
    /// The calls that a script made.
    pub(crate) calls: Option<Value>,
    /// When the next attempt is due.
    pub(crate) retry_at: Option<String>,
    /// Whether this attempt reversed the step.
    pub(crate) undo: bool,
}

/// What a try of a draft sends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TryDraft {
    pub(crate) trigger: String,
    pub(crate) message: Message,
    /// `real` or `mocked`.
    pub(crate) actions: &'static str,
    /// What mocked actions answer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) mocks: BTreeMap<Slug, Mocks>,
}

/// A connection in the list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ConnectionSummary {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) base_url: String,
    pub(crate) updated_at: String,
}

/// A connection as it is read and written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Connection {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) title: String,
    pub(crate) base_url: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) headers: Map<String, Value>,
    pub(crate) auth: Auth,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<String>,
}

/// As whom a connection calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Auth {
    #[default]
    None,
    Basic {
        #[serde(default)]
        username: Value,
        #[serde(default)]
        password: Value,
    },
    Bearer {
        #[serde(default)]
        token: Value,
    },
    ApiKey {
        #[serde(rename = "in", default)]
        place: String,
        #[serde(default)]
        name: String,
        #[serde(default)]
        value: Value,
    },
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct SecretSummary {
    pub(crate) name: String,
    pub(crate) updated_at: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct System {
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) workspace: String,
    #[serde(default)]
    pub(crate) database: String,
    #[serde(default)]
    pub(crate) started_at: Option<String>,
    #[serde(default)]
    pub(crate) servers: Vec<Server>,
}

/// A server on the same database.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Server {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: Option<String>,
    pub(crate) started_at: String,
    /// Whether it is the one that answered.
    pub(crate) this: bool,
}

/// A change of one run, as its own event stream tells it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RunChange {
    pub(crate) status: RunStatus,
    #[serde(default)]
    pub(crate) steps: BTreeMap<String, StepStatus>,
}

/// Something that became of a flow.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FlowChange {
    pub(crate) flow: String,
    /// The revision of its draft; none where it was deleted.
    #[serde(default)]
    pub(crate) revision: Option<u32>,
}

impl FlowChange {
    /// The tag of the revision, as reading the draft gives it.
    pub(crate) fn tag(&self) -> Option<String> {
        self.revision.map(|revision| format!("\"{revision}\""))
    }
}

/// A change of any run of the workspace.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WorkspaceChange {
    pub(crate) flow: String,
    pub(crate) status: RunStatus,
}

/// A run that ended in failure.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct DeadLetter {
    /// The run; the dead letter has no other id.
    pub(crate) run: String,
    pub(crate) flow: String,
    pub(crate) version: u32,
    pub(crate) failure: RunFailure,
    /// Whether nobody knows if what the step asked for has happened.
    #[serde(default)]
    pub(crate) may_have_happened: bool,
    pub(crate) died_at: String,
    /// `open`, `replayed` or `discarded`.
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) owner: Option<String>,
    #[serde(default)]
    pub(crate) note: Option<String>,
    #[serde(default)]
    pub(crate) settled_at: Option<String>,
    #[serde(default)]
    pub(crate) settled_by: Option<String>,
    /// The run that replays it.
    #[serde(default)]
    pub(crate) replay: Option<String>,
}

/// Something that a run waits for a person to decide.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Approval {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) flow: String,
    pub(crate) run: String,
    pub(crate) since: String,
    #[serde(default)]
    pub(crate) until: Option<String>,
    /// `open`, `decided` or `closed`.
    pub(crate) state: String,
    /// What the person who decides should know; not in lists.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// What they fill in, as a JSON Schema; not in lists.
    #[serde(default)]
    pub(crate) form: Option<Value>,
}

/// How far a page of dead letters was dealt with.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Dealt {
    pub(crate) done: u32,
    pub(crate) refused: Vec<Refused>,
    /// Where to go on; none where all were seen.
    pub(crate) next: Option<String>,
}

/// A dead letter that could not be dealt with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Refused {
    pub(crate) run: String,
    pub(crate) detail: String,
}

/// What a replay would do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ReplayPlan {
    pub(crate) version: u32,
    pub(crate) steps: Vec<PlanStep>,
    pub(crate) writes: Vec<PlanWrite>,
}

/// What becomes of a step in a replay.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct PlanStep {
    pub(crate) step: String,
    /// `taken_over`, `again`, `first` or `skipped`.
    pub(crate) fate: String,
}

/// A call of a replay that may change something on the other side.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct PlanWrite {
    pub(crate) step: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) target: Option<String>,
    #[serde(default)]
    pub(crate) connection: Option<String>,
    /// Whether it was made before.
    pub(crate) again: bool,
    /// Whether nobody knows if it happened.
    pub(crate) may_have_happened: bool,
}

/// A schedule or poll trigger of a published version.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ScheduleSummary {
    pub(crate) flow: String,
    #[serde(default)]
    pub(crate) flow_title: String,
    pub(crate) trigger: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) cron: Option<String>,
    #[serde(default)]
    pub(crate) timezone: Option<String>,
    #[serde(default)]
    pub(crate) every: Option<String>,
    /// Whether the flow is switched on.
    pub(crate) enabled: bool,
    /// Whether the flow is paused.
    #[serde(default)]
    pub(crate) paused: bool,
    /// Whether the trigger is disabled in its flow.
    #[serde(default)]
    pub(crate) disabled: bool,
    #[serde(default)]
    pub(crate) next_at: Option<String>,
    #[serde(default)]
    pub(crate) last_at: Option<String>,
    /// Where a poll stands; none for a schedule.
    #[serde(default)]
    pub(crate) poll: Option<PollState>,
}

/// Where a poll stands.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct PollState {
    /// Where the next poll goes on; null before the first one.
    pub(crate) cursor: Value,
    pub(crate) moved_at: Option<String>,
    pub(crate) polled_at: Option<String>,
    pub(crate) underway: bool,
    pub(crate) failure: Option<PollFailure>,
}

/// Why the last poll failed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct PollFailure {
    pub(crate) at: String,
    pub(crate) class: String,
    pub(crate) message: String,
    /// How many failed in a row.
    pub(crate) count: u64,
}

/// An instant at which a schedule fires.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Fire {
    pub(crate) at: String,
    /// The same as the clocks of the schedule's zone show it.
    pub(crate) local: String,
    /// `skipped` or `doubled` on a day when the clocks change.
    #[serde(default)]
    pub(crate) odd: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_is_read_with_what_it_leaves_out() {
        let run: RunDetail = serde_json::from_value(json!({
            "id": "r", "flow": "f", "version": 2, "trigger": "t", "status": "failed",
            "started_at": "2026-11-22T22:00:00.000Z", "ended_at": null,
            "failure": {"step": "a", "class": "rejected", "message": "No."},
            "title": "F", "message": {"body": 1}, "reply": null, "links": ["taken", "dead", "pending"],
            "steps": {"a": {"status": "failed", "input": null, "attempts": [{"number": 1, "undo": true}]}, "b": {"status": "pending"}}
        }))
        .unwrap();
        assert_eq!(run.status, RunStatus::Failed);
        assert_eq!(
            run.links,
            [LinkState::Taken, LinkState::Dead, LinkState::Pending]
        );
        assert!(run.steps["a"].attempts[0].undo);
        assert_eq!(run.steps["b"], StepDetail::default());
    }

    #[test]
    fn a_connection_is_written_as_it_is_read() {
        for text in [
            r#"{"base_url":"https://a","auth":{"kind":"none"}}"#,
            r#"{"base_url":"https://a","auth":{"kind":"bearer","token":{"$secret":"t"}},"timeout":"5s"}"#,
            r#"{"base_url":"https://a","headers":{"x":"1"},"auth":{"kind":"api_key","in":"header","name":"k","value":{"$secret":"t"}}}"#,
        ] {
            let connection: Connection = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&connection).unwrap(), text);
        }
    }
}
