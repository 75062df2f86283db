//! The records of a run's journal: what was decided, never how.
//!
//! A run is restored by applying its records, without evaluating a script again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{failure::Failure, run::Status};

/// One decision of a run, as its journal keeps it. Times are milliseconds of the Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// The message was accepted.
    Started {
        /// When.
        at: i64,
    },
    /// The run replays another one, and takes over from it.
    Replay {
        /// When.
        at: i64,
        /// The id of the run that it is made from.
        origin: String,
        /// Who wanted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why, in that person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// How the steps ended that are not run again: `Succeeded` and `Failed`, in the order of the other run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        taken: Vec<Record>,
    },
    /// An attempt of an action is wanted. It starts when the limits of the step let it, unless what an earlier one gave is used again.
    Queued {
        /// The step.
        step: String,
        /// The attempt's number, from 1.
        number: u32,
        /// When.
        at: i64,
        /// The settings with their expressions evaluated; the first attempt's hold for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        config: Option<Arc<Value>>,
        /// What the limits count by; the first attempt's hold for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keys: Option<Arc<Keys>>,
        /// When it is not waited for any longer: the deadline of the step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
        /// Whether it reverses the step.
        #[serde(default, skip_serializing_if = "is_false")]
        undo: bool,
    },
    /// An attempt of an action starts once this is on disk.
    Attempt {
        /// The step.
        step: String,
        /// The attempt's number, from 1.
        number: u32,
        /// When.
        at: i64,
        /// The settings with their expressions evaluated, unless they are known; the first attempt's hold for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        config: Option<Arc<Value>>,
        /// Whether it reverses the step.
        #[serde(default, skip_serializing_if = "is_false")]
        undo: bool,
    },
    /// An attempt ended.
    Attempted {
        /// The step.
        step: String,
        /// The attempt's number.
        number: u32,
        /// When.
        at: i64,
        /// Why it failed, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Arc<Failure>>,
        /// What went over the wire, with secrets masked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exchange: Option<Arc<Value>>,
        /// When the next attempt is due, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<i64>,
        /// Whether it reversed the step.
        #[serde(default, skip_serializing_if = "is_false")]
        undo: bool,
    },
    /// A step waits until a time.
    Waiting {
        /// The step.
        step: String,
        /// When this began.
        at: i64,
        /// When it is over.
        until: i64,
        /// What it waits for, where that is not the time alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        awaits: Option<Awaits>,
    },
    /// What a step waits for, or is going to wait for, has come.
    Answered {
        /// The step.
        step: String,
        /// When it was taken over.
        at: i64,
        /// What the step gives.
        answer: Arc<Value>,
    },
    /// A step succeeded.
    Succeeded {
        /// The step.
        step: String,
        /// When.
        at: i64,
        /// What it gave; absent where it passes its input through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Arc<Value>>,
        /// The ports the run goes on by; `ok` where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ports: Option<Vec<String>>,
        /// Whether an attempt of another run, or for another item, gave that, and none was made here.
        #[serde(default, skip_serializing_if = "is_false")]
        cached: bool,
    },
    /// A step failed.
    Failed {
        /// The step.
        step: String,
        /// When.
        at: i64,
        /// Why.
        failure: Arc<Failure>,
        /// The port the run goes on by; absent where the run fails.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<String>,
    },
    /// An `each` step starts on its items.
    Items {
        /// The step.
        step: String,
        /// When.
        at: i64,
        /// The list.
        items: Arc<Value>,
    },
    /// What was decided within one item of an `each` step: it started, steps of its body did something, it ended.
    Item {
        /// The `each` step.
        step: String,
        /// The position of the item, from 0.
        index: usize,
        /// What was decided.
        of: Box<Record>,
    },
    /// The caller was answered.
    Replied {
        /// The step that answered.
        step: String,
        /// When.
        at: i64,
        /// The answer.
        reply: Reply,
    },
    /// The run starts failing: nothing new starts.
    Failing {
        /// When.
        at: i64,
        /// The step that made it fail; absent for a timeout of the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        /// Why.
        failure: Arc<Failure>,
    },
    /// A person ends the run: nothing new starts.
    Cancelling {
        /// When.
        at: i64,
        /// Whether what succeeded is reversed before the run ends.
        #[serde(default, skip_serializing_if = "is_false")]
        undo: bool,
        /// Who.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why, in that person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// A step was reversed, or could not be.
    Undone {
        /// The step.
        step: String,
        /// When.
        at: i64,
        /// Why it could not be reversed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Arc<Failure>>,
    },
    /// The run ended.
    Ended {
        /// When.
        at: i64,
        /// How: a final status.
        status: Status,
    },
}

impl Record {
    /// The step that this changes, in the flow or the body that the record belongs to.
    pub(crate) fn step(&self) -> Option<&str> {
        match self {
            Record::Queued { step, .. }
            | Record::Attempt { step, .. }
            | Record::Attempted { step, .. }
            | Record::Waiting { step, .. }
            | Record::Answered { step, .. }
            | Record::Succeeded { step, .. }
            | Record::Failed { step, .. }
            | Record::Undone { step, .. }
            | Record::Items { step, .. }
            | Record::Item { step, .. } => Some(step),
            Record::Started { .. }
            | Record::Replay { .. }
            | Record::Replied { .. }
            | Record::Failing { .. }
            | Record::Cancelling { .. }
            | Record::Ended { .. } => None,
        }
    }

    /// What was decided, without the items around it.
    pub fn innermost(&self) -> &Record {
        match self {
            Record::Item { of, .. } => of.innermost(),
            other => other,
        }
    }
}

/// What the limits and the cache of a step count by. A key is absent where the policy names none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// For `concurrency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<String>,
    /// For `rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// For `cache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
}

/// What a step waits for beside a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Awaits {
    /// A call of its link.
    Callback,
    /// The decision of a person.
    Approval {
        /// What is to be decided, in a line.
        title: String,
        /// What a person should know for that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

/// The answer to an http trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// The body: text is sent as it is, everything else as JSON.
    pub body: Arc<Value>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
