//! The policies of a step that hold over all runs of its flow: `concurrency`, `rate` and `cache`.

use std::sync::Arc;

use serde_json::Value;

use super::Plan;
use crate::{
    compute::script_failure,
    document::{Cache, Concurrency, Rate, Step},
    failure::Failure,
    record::Keys,
    script::{self, Bounds, Form, Moment, Name, Scope, Script},
};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 1_000;

/// What limits the attempts of a step, and for how long what it gave is used again.
#[derive(Debug)]
pub struct PlanLimits {
    /// How many attempts may be underway at once.
    pub concurrency: Option<MostAtOnce>,
    /// How many attempts may begin within a time.
    pub rate: Option<MostPerTime>,
    /// For how long what the step gave is used again; never for its undo.
    pub cache: Option<Remembered>,
}

/// A compiled `concurrency`.
#[derive(Debug)]
pub struct MostAtOnce {
    /// The most at once, from 1.
    pub limit: u32,
    /// Each value of this has a limit of its own.
    pub key: Option<Script>,
}

/// A compiled `rate`.
#[derive(Debug)]
pub struct MostPerTime {
    /// The most within the time, from 1.
    pub limit: u32,
    /// The time, in milliseconds.
    pub per_ms: u64,
    /// Each value of this has a limit of its own.
    pub key: Option<Script>,
}

/// A compiled `cache`.
#[derive(Debug)]
pub struct Remembered {
    /// How old what is used again may be, in milliseconds.
    pub ttl_ms: u64,
    /// What must have the same value; the settings of the step where absent.
    pub key: Option<Script>,
}

impl PlanLimits {
    /// The limits of a step; `None` where it has none.
    pub(super) fn compile(step: &Step) -> Result<Option<Box<PlanLimits>>, String> {
        let concurrency = step.concurrency.as_ref().map(MostAtOnce::compile);
        let rate = step.rate.as_ref().map(MostPerTime::compile);
        let cache = step.cache.as_ref().map(Remembered::compile);
        if concurrency.is_none() && rate.is_none() && cache.is_none() {
            return Ok(None);
        }
        Ok(Some(Box::new(PlanLimits {
            concurrency: concurrency.transpose()?,
            rate: rate.transpose()?,
            cache: cache.transpose()?,
        })))
    }

    /// Whether an attempt has something to ask for.
    pub(crate) fn hold_for(&self, undo: bool) -> bool {
        self.concurrency.is_some() || self.rate.is_some() || self.cache.is_some() && !undo
    }

    /// What the limits count by for a step that starts.
    pub(crate) fn keys(
        &self,
        undo: bool,
        scope: &Scope,
        moment: Moment,
        bounds: &Bounds,
    ) -> Result<Keys, Failure> {
        let of = |what: &str, script: Option<&Script>| {
            script
                .map(|script| key(what, script, scope, moment, bounds))
                .transpose()
        };
        let concurrency = self.concurrency.as_ref();
        let rate = self.rate.as_ref();
        let cache = self.cache.as_ref().filter(|_| !undo);
        Ok(Keys {
            concurrency: of("concurrency", concurrency.and_then(|it| it.key.as_ref()))?,
            rate: of("rate", rate.and_then(|it| it.key.as_ref()))?,
            cache: of("cache", cache.and_then(|it| it.key.as_ref()))?,
        })
    }
}

impl MostAtOnce {
    pub(super) fn compile(written: &Concurrency) -> Result<MostAtOnce, String> {
        Ok(MostAtOnce {
            limit: written.limit.max(1),
            key: optional(written.key.as_deref())?,
        })
    }
}

impl MostPerTime {
    fn compile(written: &Rate) -> Result<MostPerTime, String> {
        Ok(MostPerTime {
            limit: written.limit.max(1),
            per_ms: written.per.millis(),
            key: optional(written.key.as_deref())?,
        })
    }
}

impl Remembered {
    fn compile(written: &Cache) -> Result<Remembered, String> {
        Ok(Remembered {
            ttl_ms: written.ttl.millis(),
            key: optional(written.key.as_deref())?,
        })
    }
}

/// What the flow's own `concurrency` counts a message by; `None` where it names no key.
///
/// # Errors
/// Why the key cannot be evaluated.
pub fn flow_key(
    plan: &Plan,
    message: &Arc<Value>,
    moment: Moment,
    bounds: &Bounds,
) -> Result<Option<String>, Failure> {
    let Some(script) = plan.concurrency.as_ref().and_then(|it| it.key.as_ref()) else {
        return Ok(None);
    };
    let scope = Scope::new()
        .with(Name::Trigger, Arc::clone(message))
        .with(Name::Input, Arc::clone(message));
    key("concurrency", script, &scope, moment, bounds).map(Some)
}

fn key(
    what: &str,
    script: &Script,
    scope: &Scope,
    moment: Moment,
    bounds: &Bounds,
) -> Result<String, Failure> {
    let value = script::eval(script, scope, moment, bounds).map_err(|error| {
        let failure = script_failure(&error, "");
        Failure {
            message: format!("the key of `{what}`: {}", failure.message),
            ..failure
        }
    })?;
    let key = match value.as_ref() {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if key.len() > LONGEST_KEY {
        return Err(Failure::broken(format!(
            "the key of `{what}` has {} bytes, and {LONGEST_KEY} are the most; use an id, or a hash of it",
            key.len()
        )));
    }
    Ok(key)
}

fn optional(source: Option<&str>) -> Result<Option<Script>, String> {
    source
        .map(|source| script::compile(source, Form::Expression).map_err(|error| error.message))
        .transpose()
}
