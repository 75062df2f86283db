//! How a step waits: until a time that is decided when it starts, and that is on disk from then on.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::Value;

use super::Fold;
use crate::{
    callback::USUAL_TIMEOUT,
    duration::Duration,
    failure::Failure,
    json::type_word,
    plan::Wait,
    record::{Awaits, Record},
    run::rfc3339,
};

/// The longest wait, in milliseconds: a leap year. What is further away is a mistake more often than a plan.
pub(crate) const LONGEST_WAIT_MS: i64 = 366 * 24 * 60 * 60 * 1_000;

/// How much of what a person is shown is kept, in characters: of the title, and of the text.
const LONGEST_TITLE: usize = 200;
const LONGEST_TEXT: usize = 10_000;

impl Fold<'_> {
    /// Lets a step wait. A time that is over already is not waited for.
    pub(super) fn begin_wait(&mut self, step: usize, wait: &Wait, value: &Value) {
        let now = self.now();
        match until(wait, value, now) {
            Ok(until) if until <= now && !wait.is_answered() => self.succeed(step, None, None),
            Ok(until) => self.record(Record::Waiting {
                step: self.plan.steps[step].id.clone(),
                at: now,
                until,
                awaits: self.awaits(step, wait, value),
            }),
            Err(message) => self.fail(step, Arc::new(Failure::broken(message))),
        }
    }

    fn awaits(&self, step: usize, wait: &Wait, value: &Value) -> Option<Awaits> {
        let shown = |key: &str, most: usize| {
            let text = match value.get(key)? {
                Value::Null => return None,
                Value::String(text) => text.trim().to_owned(),
                other => other.to_string(),
            };
            let text = match text.char_indices().nth(most) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            };
            Some(text).filter(|text| !text.is_empty())
        };
        match wait {
            Wait::For(_) | Wait::Until(_) => None,
            Wait::Callback(_) => Some(Awaits::Callback),
            Wait::Approval { .. } => {
                let id = &self.plan.steps[step].id;
                let own = || {
                    let step = self.plan.flow.steps.get(id)?;
                    Some(step.title.clone()).filter(|title| !title.is_empty())
                };
                let title = shown("title", LONGEST_TITLE).or_else(own);
                Some(Awaits::Approval {
                    title: title.unwrap_or_else(|| id.clone()),
                    text: shown("text", LONGEST_TEXT),
                })
            }
        }
    }
}

/// When a wait that starts now is over.
fn until(wait: &Wait, value: &Value, now: i64) -> Result<i64, String> {
    const SPAN: &str = "a duration such as 90s, 2h or 7d";
    let usual = Value::from(USUAL_TIMEOUT);
    let (key, value, example) = match wait {
        Wait::For(_) => ("for", value, SPAN),
        Wait::Until(_) => (
            "until",
            value,
            "a date and time with its offset such as 2026-03-01T06:00:00+01:00",
        ),
        Wait::Callback(_) | Wait::Approval { .. } => {
            ("timeout", value.get("timeout").unwrap_or(&usual), SPAN)
        }
    };
    let text = value
        .as_str()
        .ok_or_else(|| format!("`{key}` must be {example}, but it is {}", type_word(value)))?;
    let until = match wait {
        Wait::Until(_) => DateTime::parse_from_rfc3339(text.trim())
            .map(|time| time.timestamp_millis())
            .ok(),
        _ => {
            let span = text.parse::<Duration>();
            span.map(|span| now.saturating_add_unsigned(span.millis()))
                .ok()
        }
    };
    let until = until.ok_or_else(|| format!("`{key}` must be {example}, but it is `{text}`"))?;
    if until.saturating_sub(now) > LONGEST_WAIT_MS {
        return Err(format!(
            "this step would wait until {}, and a wait may take 366 days at most; start another run then, by a schedule",
            rfc3339(until)
        ));
    }
    Ok(until)
}
