//! How a step waits: until a time that is decided when it starts, and that is on disk from then on.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::Value;

use super::Fold;
use crate::{
    duration::Duration, failure::Failure, json::type_word, plan::Wait, record::Record, run::rfc3339,
};

/// The longest wait: a leap year. What is further away is a mistake more often than a plan.
const LONGEST_MS: i64 = 366 * 24 * 60 * 60 * 1_000;

impl Fold<'_> {
    /// Lets a step wait. What is over already is not waited for.
    pub(super) fn begin_wait(&mut self, step: usize, wait: &Wait, value: &Value) {
        let now = self.now();
        match until(wait, value, now) {
            Ok(until) if until <= now => self.succeed(step, None, None),
            Ok(until) => self.record(Record::Waiting {
                step: self.plan.steps[step].id.clone(),
                at: now,
                until,
            }),
            Err(message) => self.fail(step, Arc::new(Failure::broken(message))),
        }
    }
}

/// When a wait that starts now is over.
fn until(wait: &Wait, value: &Value, now: i64) -> Result<i64, String> {
    let (key, example) = match wait {
        Wait::For(_) => ("for", "a duration such as 90s, 2h or 7d"),
        Wait::Until(_) => (
            "until",
            "a date and time with its offset such as 2026-03-01T06:00:00+01:00",
        ),
    };
    let text = value
        .as_str()
        .ok_or_else(|| format!("`{key}` must be {example}, but it is {}", type_word(value)))?;
    let until = match wait {
        Wait::For(_) => {
            let span = text.parse::<Duration>();
            span.map(|span| now.saturating_add_unsigned(span.millis()))
                .ok()
        }
        Wait::Until(_) => DateTime::parse_from_rfc3339(text.trim())
            .map(|time| time.timestamp_millis())
            .ok(),
    };
    let until = until.ok_or_else(|| format!("`{key}` must be {example}, but it is `{text}`"))?;
    if until.saturating_sub(now) > LONGEST_MS {
        return Err(format!(
            "this step would wait until {}, and a wait may take 366 days at most; start another run then, by a schedule",
            rfc3339(until)
        ));
    }
    Ok(until)
}
