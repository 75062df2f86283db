//! What a trigger does with a message before a run starts: schema, filter, dedupe key, map.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    advance::Stamp,
    compute::script_failure,
    document::Message,
    failure::Failure,
    plan::PlanTrigger,
    problem::Problem,
    run::rfc3339,
    script::{self, Bounds, Moment, Name, Scope, Script},
};

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// It starts a run.
    Accepted {
        /// The message as scripts see it.
        message: Arc<Value>,
        /// The key that is accepted once.
        dedupe: Option<String>,
    },
    /// The filter lets no run start.
    Filtered,
    /// The body does not satisfy the schema; places are within the body.
    Refused(Vec<Problem>),
    /// The trigger's own scripts failed.
    Failed(Failure),
}

/// Decides what becomes of a message that arrived at a trigger.
pub fn admit(
    id: &str,
    kind: &str,
    trigger: &PlanTrigger,
    message: Message,
    stamp: Stamp,
    bounds: &Bounds,
) -> Admission {
    if let Some(schema) = &trigger.schema {
        let problems = schema.check(&message.body);
        if !problems.is_empty() {
            return Admission::Refused(problems);
        }
    }
    let mut message = scope_message(id, kind, message, stamp.now_ms);
    let moment = Moment {
        now_ms: stamp.now_ms,
        dice: stamp.dice,
    };
    let scope = Scope::new()
        .with(Name::Trigger, Arc::clone(&message))
        .with(Name::Input, Arc::clone(&message));
    let failed = |what: &str, error: &script::Error| {
        let failure = script_failure(error, "");
        Admission::Failed(Failure {
            message: format!("the {what} of trigger `{id}`: {}", failure.message),
            ..failure
        })
    };
    let eval = |script: &Script| script::eval(script, &scope, moment, bounds);
    if let Some(filter) = &trigger.filter {
        match script::eval_bool(filter, &scope, moment, bounds) {
            Ok(true) => {}
            Ok(false) => return Admission::Filtered,
            Err(error) => return failed("filter", &error),
        }
    }
    let dedupe = match trigger.dedupe.as_ref().map(eval) {
        None => None,
        Some(Err(error)) => return failed("dedupe key", &error),
        Some(Ok(key)) => match key.as_ref() {
            Value::Null => None,
            Value::String(key) => Some(key.clone()),
            other => Some(other.to_string()),
        },
    };
    match trigger.map.as_ref().map(eval) {
        None => {}
        Some(Err(error)) => return failed("map", &error),
        Some(Ok(body)) => {
            if let Value::Object(fields) = Arc::make_mut(&mut message) {
                fields.insert("body".to_owned(), Arc::unwrap_or_clone(body));
            }
        }
    }
    Admission::Accepted { message, dedupe }
}

/// The message as scripts see it as `trigger`.
fn scope_message(id: &str, kind: &str, message: Message, now_ms: i64) -> Arc<Value> {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), id.into());
    fields.insert("kind".to_owned(), kind.into());
    fields.insert("body".to_owned(), message.body);
    fields.insert("headers".to_owned(), Value::Object(message.headers));
    fields.insert("query".to_owned(), Value::Object(message.query));
    fields.insert("params".to_owned(), Value::Object(message.params));
    fields.insert("method".to_owned(), json!(message.method));
    fields.insert("time".to_owned(), rfc3339(now_ms).into());
    Arc::new(Value::Object(fields))
}
