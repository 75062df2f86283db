//! What the page may ask the lab, and what it gets: serde types that both sides share.
//!
//! Over the wire goes text: a number, a space and JSON. An answer carries the number of its question.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use weir_flows::{
    catalog::Catalog,
    document::{Config, Flow, Message, Mocks, Slug},
    failure::Failure,
    problem::Problem,
    schedule::Fire,
};

use crate::api::{RunDetail, StepDetail};

/// What the worker says once it listens.
pub(super) const READY: &str = "ready";

/// A question and the answer that belongs to it.
pub(crate) trait Question: Serialize + Into<Request> {
    /// What the lab answers.
    type Answer: Serialize + DeserializeOwned;
}

/// Declares the questions, so that none can be without an answer.
macro_rules! questions {
    ($($question:ident -> $answer:ty;)*) => {
        /// Everything that the page may ask.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(crate) enum Request {
            $($question($question),)*
        }

        $(
            impl Question for $question {
                type Answer = $answer;
            }

            impl From<$question> for Request {
                fn from(question: $question) -> Self {
                    Request::$question(question)
                }
            }
        )*
    };
}

questions! {
    Know -> ();
    Check -> Vec<Problem>;
    Evaluate -> Result<Value, Mistake>;
    EvaluateRows -> Vec<Result<Value, Mistake>>;
    Rehearse -> Rehearsal;
    Functions -> Vec<FunctionEntry>;
    Fires -> Result<Vec<Fire>, Vec<Misfit>>;
    Satisfies -> Result<Vec<Problem>, Misfit>;
}

/// Tells the lab what the page knows of the server. Until then it knows the kinds of the language itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Know {
    /// Every kind of trigger and step.
    pub(crate) catalog: Arc<Catalog>,
    /// The names that documents may use; where they are not known, they are not checked.
    pub(crate) names: Option<KnownNames>,
}

/// The names that exist outside of a document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct KnownNames {
    /// The names of the connections.
    pub(crate) connections: BTreeSet<String>,
    /// The names of the secrets.
    pub(crate) secrets: BTreeSet<String>,
}

/// Checks a document as the server does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    /// The document.
    pub(crate) document: Document,
}

/// A document, in one of the forms that the page has it in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Document {
    /// The text of a flow file.
    Text(String),
    /// As JSON; this is what arrives of a flow, so that its shape is checked as well.
    Json(Value),
    /// As the editor holds it.
    #[serde(skip_deserializing)]
    Flow(Arc<Flow>),
}

/// Computes what a person writes, against sample values.
///
/// A value of more than 64 KB of JSON comes back as `{"$truncated": bytes, "preview": text}`, as in the details of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Evaluate {
    /// What is computed.
    pub(crate) source: Source,
    /// What it sees.
    pub(crate) scope: Scope,
}

/// What a person writes, by where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// One expression, without the `=` before it.
    Expression(String),
    /// A script.
    Script(String),
    /// An expression that must give true or false.
    Condition(String),
    /// A config value with expressions at any depth.
    Template(Value),
    /// A JSONPath query into the input. The answer is `{"found": […], "singular": …}`: all that it found, and whether
    /// it is of a form that finds one value at most.
    Path(String),
    /// The rows of a `fields` step, together.
    Fields(Vec<Value>),
}

/// What a script sees, as JSON. What is null reads as `()`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Scope {
    /// The message.
    pub(crate) trigger: Arc<Value>,
    /// The output of what came before.
    pub(crate) input: Arc<Value>,
    /// The outputs so far, by step.
    pub(crate) steps: BTreeMap<Slug, Arc<Value>>,
    /// The run.
    pub(crate) run: Arc<Value>,
    /// The variables of the workspace.
    pub(crate) vars: Arc<Value>,
    /// On an error path: what failed.
    pub(crate) error: Arc<Value>,
    /// In an undo: the output of the step that is undone.
    pub(crate) output: Arc<Value>,
    /// In the body of an `each` step: the item.
    pub(crate) item: Option<ScopeItem>,
    /// What `now()` gives, in milliseconds since 1970 in UTC.
    pub(crate) now_ms: i64,
}

/// The item that a script in a body sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopeItem {
    /// Its value, as `item`.
    pub(crate) value: Arc<Value>,
    /// Its place in the list from 0, as `index`.
    pub(crate) index: u64,
}

/// What is wrong with something that was to be computed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mistake {
    /// One sentence. It leaves out the place, unless the mistake is in a row of a `fields` step.
    pub(crate) message: String,
    /// The line, from 1; 0 where there is no place.
    pub(crate) line: usize,
    /// The column in characters, from 1; 0 where there is no place.
    pub(crate) column: usize,
    /// The place of the expression inside a template, as a JSON Pointer.
    pub(crate) at: String,
}

/// Computes the rows of a `fields` step one by one. A row that gives nothing gives null.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EvaluateRows {
    /// The rows, as the document has them.
    pub(crate) rows: Vec<Value>,
    /// What they see.
    pub(crate) scope: Scope,
}

/// Plays a document for a message with mocked actions. Errors in the document do not keep the rest from being played.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rehearse {
    /// The document.
    pub(crate) document: Document,
    /// The trigger; the only one where none is named.
    pub(crate) trigger: Option<Slug>,
    /// The message.
    pub(crate) message: Message,
    /// What actions answer. Of the others each answers what is pinned to it, else what the first test that mocks it
    /// says, else null.
    pub(crate) mocks: BTreeMap<Slug, Mocks>,
    /// The present instant, in milliseconds since 1970 in UTC.
    pub(crate) now_ms: i64,
}

/// What came of a rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rehearsal {
    /// What [`Check`] says of the document.
    pub(crate) problems: Vec<Problem>,
    /// What became of the message.
    pub(crate) outcome: Outcome,
    /// What was done for the first item of each `each` step that had one, whose own first items are told as well.
    pub(crate) items: BTreeMap<Slug, FirstItem>,
}

/// The first item of an `each` step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FirstItem {
    /// The item.
    pub(crate) item: Value,
    /// What each step of the body did for it.
    pub(crate) steps: BTreeMap<Slug, StepDetail>,
}

/// What became of a message in a rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A run, in the form of a real one: no id, version 0, links in the order of the document. A step with errors
    /// failed, and what follows it was skipped. A value of more than 256 KB of JSON is cut as in the details of a run.
    Run(Box<RunDetail>),
    /// The trigger's filter lets no run start.
    Filtered,
    /// The body does not satisfy the trigger's schema; places are within the body.
    Refused(Vec<Problem>),
    /// The trigger's own scripts failed.
    Failed(Failure),
    /// Nothing could be played; one sentence says why.
    Impossible(String),
}

/// Lists every function that scripts can call, by group and name.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Functions;

/// A function that scripts can call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionEntry {
    /// Its name.
    pub(crate) name: String,
    /// Parameters and result for people, as in `pad_start(text, length, fill?) -> text`.
    pub(crate) signature: String,
    /// The title of its chapter.
    pub(crate) group: String,
    /// What it does.
    pub(crate) doc: String,
    /// A script that shows it; empty where it needs an outside.
    pub(crate) example: String,
    /// What the example gives, as JSON.
    pub(crate) result: String,
}

/// Lists the next instants at which a `schedule` trigger fires.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fires {
    /// The settings of the trigger.
    pub(crate) config: Config,
    /// The instant after which they come, in milliseconds since 1970 in UTC.
    pub(crate) after_ms: i64,
    /// The most instants.
    pub(crate) count: usize,
}

/// What is wrong with a part of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Misfit {
    /// The setting, or the place inside a schema as a JSON Pointer; empty for the whole.
    pub(crate) at: String,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

/// Checks a value against a JSON Schema. An error is about the schema itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Satisfies {
    /// The schema.
    pub(crate) schema: Value,
    /// The value.
    pub(crate) value: Value,
}
