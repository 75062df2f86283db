//! The flow file `weir/flow@1`: triggers, steps, links, settings and tests, as serde types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{duration::Duration, failure::Class, problem::pointer};

/// The value of `format` in every flow file of this format.
pub const FORMAT: &str = "weir/flow@1";

/// Values by name, in the order of the names: the settings of a trigger or step.
pub type Config = Map<String, Value>;

/// A flow: the document that a person draws and the server runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// The format of this file.
    pub format: Format,
    /// A slug that is unique in the workspace and never changes.
    pub id: Slug,
    /// The name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What the flow is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What holds for the whole flow.
    #[serde(default, skip_serializing_if = "Settings::is_default")]
    pub settings: Settings,
    /// What starts a run, by id.
    #[serde(default)]
    pub triggers: BTreeMap<Slug, Trigger>,
    /// The boxes, by id.
    #[serde(default)]
    pub steps: BTreeMap<Slug, Step>,
    /// From a port of a trigger or step to a step.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Example messages with what must come of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Test>,
    /// Where the boxes stand on the canvas: `[x, y]` by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layout: BTreeMap<Slug, [i32; 2]>,
}

/// The format of a flow file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Format {
    /// The first format. Its meaning never changes.
    #[default]
    #[serde(rename = "weir/flow@1")]
    Flow1,
}

/// What holds for the whole flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is kept of a run that has ended.
    #[serde(default, skip_serializing_if = "History::is_default")]
    pub history: History,
    /// How long a run may take, from arrival to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// How many runs of this flow may be underway at once. Its key sees the message as `trigger`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
}

impl Settings {
    fn is_default(&self) -> bool {
        *self == Settings::default()
    }
}

/// What is kept of a run that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// The message and every input and output.
    #[default]
    Full,
    /// The same for runs that did not succeed; of the others the row and the counts.
    Failures,
    /// The row and the counts.
    None,
}

impl History {
    fn is_default(&self) -> bool {
        *self == History::default()
    }
}

/// How many runs, or attempts of a step, may be underway at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    /// The most at once, from 1. What comes beyond waits its turn.
    #[schemars(range(min = 1))]
    pub limit: u32,
    /// A rhai expression: each of its values has a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// How many attempts of a step may begin within a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The most within the time, from 1. What comes beyond waits its turn.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub limit: u32,
    /// The time: whenever it begins, no more attempts than the limit begin within it.
    pub per: Duration,
    /// A rhai expression: each of its values has a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// For how long what a step gave is used again instead of doing it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// How old it may be.
    pub ttl: Duration,
    /// A rhai expression: what the step gave is used again where this has the same value. Without it, where all settings of the
    /// step have the same values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What starts a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// A kind of the catalog: `http`, `webhook`, `schedule`, `poll`, `manual`, `flow`.
    pub kind: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What this trigger is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The name of the connection that a poll uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The settings of its kind.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Config,
    /// A rhai condition: a message for which it is false is acknowledged and starts no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// A rhai expression whose value becomes the body of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// A rhai expression: a key that is accepted once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<String>,
    /// A JSON Schema that the body must satisfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Not listened to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
}

/// One box of a flow: a mapper, an action or a control step, with its policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A kind of the catalog, such as `map`, `branch` or `http`.
    pub kind: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What this step is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The name of the connection that an action uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The settings of its kind.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Config,
    /// When a failed attempt is followed by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How long one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// How long all attempts together may take, from the first one's start; where they are limited, from when it was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// How many attempts may be underway at once, over all runs of the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// How many attempts may begin within a time, over all runs of the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// For how long what this step gave is used again, over all runs of the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// What a failure of this step means for the run where no `error` link takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnError>,
    /// What reverses this step when the run fails after it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// Whether doing it twice does no harm: a `lost` attempt is then made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent: Option<bool>,
    /// When a step with several incoming links runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<Join>,
    /// A sample output for tests and try-outs, never used in production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Value>,
    /// Passes its input through instead of running.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
}

/// What an `each` step does for every item: a small flow of its own, without triggers. Steps that no link enters come first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// The boxes, by id. Their ids are shared with those of the whole flow.
    pub steps: BTreeMap<Slug, Step>,
    /// From a port of a step to a step, both of this body.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Where the boxes stand on the canvas: `[x, y]` by id. Absent until somebody has placed one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layout: BTreeMap<Slug, [i32; 2]>,
}

impl Body {
    /// The body as a flow of its own, of the flow with this id.
    pub fn into_flow(self, id: &str) -> Flow {
        Flow {
            format: Format::default(),
            id: id.to_owned(),
            title: String::new(),
            description: String::new(),
            settings: Settings::default(),
            triggers: BTreeMap::new(),
            steps: self.steps,
            links: self.links,
            tests: Vec::new(),
            layout: self.layout,
        }
    }
}

/// Visits the steps of a flow and all within their bodies, each with its place as a JSON Pointer and its id.
pub fn each_step(flow: &Flow, mut visit: impl FnMut(&str, &Slug, &Step)) {
    visit_steps(&flow.steps, "/steps", &mut visit);
}

fn visit_steps(steps: &BTreeMap<Slug, Step>, at: &str, visit: &mut impl FnMut(&str, &Slug, &Step)) {
    for (id, step) in steps {
        let at = pointer(at, id);
        visit(&at, id, step);
        if let Some(body) = step.body() {
            visit_steps(&body.steps, &format!("{at}/config/body/steps"), visit);
        }
    }
}

impl Step {
    /// The body of an `each` step; `None` for other kinds, and where it has none or one of another shape.
    pub fn body(&self) -> Option<Body> {
        if self.kind != "each" {
            return None;
        }
        Body::deserialize(self.config.get("body")?).ok()
    }
}

/// When a failed attempt is followed by another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The most attempts in all, the first one included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub attempts: Option<u32>,
    /// How the delay grows from attempt to attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// The delay before the second attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    /// The longest delay between two attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delay: Option<Duration>,
    /// Which share of each delay is left to the dice, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub jitter: Option<f64>,
    /// The failure classes that are tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Vec<Class>>,
}

/// How the delay grows from attempt to attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// The same delay each time.
    Constant,
    /// Twice as long each time.
    #[default]
    Exponential,
}

/// What a failure of a step means where no `error` link takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run fails.
    #[default]
    Stop,
    /// The `ok` links are taken, with the failure as `input.error`.
    Continue,
}

/// When a step with several incoming links runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Once all its links are decided and one was taken.
    #[default]
    All,
    /// On the first taken link.
    Any,
}

/// An action that reverses a step. Its scripts see the step's output as `output`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// A kind of action.
    pub kind: String,
    /// The name of the connection it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The settings of its kind.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Config,
    /// When a failed attempt is followed by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How long one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// A link from a port of a trigger or step to a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The id of the trigger or step it leaves.
    pub from: Slug,
    /// The port it leaves; `ok` where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The id of the step it enters.
    pub to: Slug,
}

impl Link {
    /// The port it leaves.
    pub fn port(&self) -> &str {
        self.port.as_deref().unwrap_or("ok")
    }
}

/// An example message with what must come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// What the test shows, in a sentence.
    pub name: String,
    /// The trigger the message arrives at; the only one where the flow has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Slug>,
    /// The instant the run sees as now, as an RFC 3339 date-time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// The message.
    #[serde(default)]
    pub message: Message,
    /// What the actions answer, by step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mocks: BTreeMap<Slug, Mocks>,
    /// What must come of it. Only what is named is compared.
    #[serde(default)]
    pub expect: Expect,
}

/// What arrives at a trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The body.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// The headers, with lower-case names.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// The query parameters.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub query: Map<String, Value>,
    /// The path parameters.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// The HTTP method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

/// What an action answers in a test: once for all attempts, or one answer for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Mocks {
    /// The same answer for every attempt.
    Same(Mock),
    /// One answer for each attempt, the last one repeated.
    Each(Vec<Mock>),
    /// For a step in the body of an `each`: what it answers for each item.
    Items(ItemMocks),
}

/// What a step in the body of an `each` answers in a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemMocks {
    /// By the index of the item, the last one repeated.
    pub items: Vec<Mocks>,
}

/// One answer of a mocked action: an output or a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mock {
    /// The action succeeds with this output.
    Output(Value),
    /// The action fails so.
    Failure(MockFailure),
}

/// A failure as a test writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MockFailure {
    /// What kind of failure.
    pub class: Class,
    /// The sentence that is recorded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The HTTP status of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// What must come of a test. Only what is named is compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// How the run ended, or that the message was `filtered` or `refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Expected>,
    /// Exactly the steps that ran, in any order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<Vec<Slug>>,
    /// Steps that must have been skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Slug>,
    /// The reply: the parts that are named must be equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<ExpectReply>,
    /// What steps must have given, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<Slug, ExpectStep>,
    /// Why the run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ExpectFailure>,
}

/// How a test's run must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// The run ended well.
    Succeeded,
    /// The run failed.
    Failed,
    /// The trigger's filter let no run start.
    Filtered,
    /// The message did not satisfy the trigger's schema.
    Refused,
}

/// What must be in the reply of a test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectReply {
    /// The status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Headers that must be there, with these values.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// The whole body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// What a step of a test must have given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectStep {
    /// The whole output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// The configuration an action was called with: the keys that are named must be equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// How many attempts it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ExpectFailure>,
}

/// Why something in a test must have failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectFailure {
    /// The step that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Slug>,
    /// The failure class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// A part of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The id of a flow, trigger or step: lower-case letters, digits, `_` and `-`, at most 63 characters.
pub type Slug = String;

/// Whether a text is a slug: `[a-z0-9][a-z0-9_-]{0,62}`.
pub fn is_slug(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 63
        && text.starts_with(letter)
        && text.chars().all(|c| letter(c) || c == '_' || c == '-')
}

fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_says_where_its_boxes_stand_once_somebody_has_placed_one() {
        let plain = json!({ "steps": { "a": { "kind": "map" } }, "links": [] });
        let body = Body::deserialize(&plain).unwrap();
        assert_eq!(serde_json::to_value(&body).unwrap(), plain);
        let mut placed = plain;
        placed["layout"] = json!({ "a": [40, 80] });
        let body = Body::deserialize(&placed).unwrap();
        assert_eq!(serde_json::to_value(&body).unwrap(), placed);
        assert_eq!(body.into_flow("f").layout["a"], [40, 80]);
    }

    #[test]
    fn slugs() {
        for good in ["a", "0", "order-intake", "a_b", &"x".repeat(63)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-a", "_a", "A", "ä", "a b", "a.b", &"x".repeat(64)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
