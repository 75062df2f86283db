//! Schedules: cron expressions, zones with unusual clocks, and croner as an oracle.
#![expect(clippy::unwrap_used, reason = "tests")]

mod cron;
mod oracle;
mod policies;
mod zones;

use chrono::DateTime;
use serde_json::{Map, Value, json};
use weir_flows::schedule::Schedule;

pub(crate) fn config(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub(crate) fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule::new(&config(json!({ "cron": cron, "timezone": zone }))).unwrap()
}

pub(crate) fn ms(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text)
        .unwrap()
        .timestamp_millis()
}
