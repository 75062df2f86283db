//! When a `schedule` trigger fires: from its configuration to instants in UTC.
//!
//! Days on which the clocks change: a cron expression for times of day (`30 2 * * *`) runs once for each, unless the
//! trigger says otherwise: a local time that is skipped runs at the first instant after the gap, one that comes twice
//! runs the first time only. An expression that fires in every hour (`*/15 * * * *`) follows the hours as they pass,
//! so it neither pauses nor hurries. `every` knows no zone: its instants are the multiples of its length since 1970
//! in UTC.

mod zone;

use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{cron::Cron, duration::Duration};

use zone::next_in_zone;
pub(crate) use zone::zone_named;

/// The shortest `every`, in milliseconds.
const SHORTEST: u64 = 1_000;

/// How late a run may start for an instant that counts as met, in milliseconds: a restart within it misses nothing.
const PROMPT: i64 = 10_000;

/// The most missed instants that [`Missed::All`] makes up for.
const MOST_MISSED: usize = 100;

/// The times of a `schedule` trigger, and what happens when they cannot be kept.
#[derive(Clone, Debug)]
pub struct Schedule {
    rule: Rule,
    overlap: Overlap,
    missed: Missed,
}

#[derive(Clone, Debug)]
enum Rule {
    Cron {
        cron: Box<Cron>,
        zone: Tz,
        changes: ClockChanges,
    },
    /// Milliseconds.
    Every(i64),
}

/// What happens at an instant while an earlier run of the trigger is still underway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The run is accepted, and starts when the earlier ones have ended.
    #[default]
    Queue,
    /// There is no run for the instant.
    Skip,
    /// The earlier run is cancelled without undo, and the new one starts when it has ended.
    Cancel,
}

/// What happens with instants that passed while no server ran: those that are more than ten seconds ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// There is no run for them.
    Skip,
    /// The last one leads to a run, unless a later instant was met.
    #[default]
    Latest,
    /// Each leads to a run, but for those before the last hundred.
    All,
}

/// What happens with a time of day that the clocks skip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Skipped {
    /// It runs at the next valid instant.
    #[default]
    Next,
    /// It does not run that day.
    Skip,
}

/// What happens with a time of day that comes twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Doubled {
    /// It runs the first time only.
    #[default]
    Once,
    /// It runs both times.
    Twice,
}

/// What an expression for times of day does when the clocks change.
#[derive(Clone, Copy, Debug)]
struct ClockChanges {
    skipped: Skipped,
    doubled: Doubled,
}

/// What to do about the instants that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The instant that leads to a run; nothing where all that have come are left out.
    pub at_ms: Option<i64>,
    /// The instant after that, which may have come as well; nothing where the calendar ends.
    pub next_ms: Option<i64>,
}

/// One instant at which a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// The instant, in milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// The same instant as the clocks of the schedule's zone show it, as an RFC 3339 date-time.
    pub local: String,
    /// What is unusual about it, on a day when the clocks change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odd: Option<Odd>,
}

/// What is unusual about an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Odd {
    /// It stands for a local time that the clocks skip that day.
    Skipped,
    /// Its local time comes twice that day.
    Doubled,
}

impl Schedule {
    /// Reads the configuration of a trigger: `cron` with an optional `timezone`, `skipped` and `doubled`, or `every`;
    /// and `overlap` and `missed`. Each error names the field it is about (empty for the whole) and says what to do.
    pub fn new(config: &Map<String, Value>) -> Result<Schedule, Vec<(String, String)>> {
        let mut errors = Vec::new();
        let mut text = |field: &str| match config.get(field) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                errors.push((
                    field.to_owned(),
                    "this must be a text; write it in quotes".to_owned(),
                ));
                None
            }
        };
        let (cron, zone, every) = (text("cron"), text("timezone"), text("every"));
        let changes = ClockChanges {
            skipped: policy(config, "skipped", "next or skip", &mut errors),
            doubled: policy(config, "doubled", "once or twice", &mut errors),
        };
        let overlap = policy(config, "overlap", "queue, skip or cancel", &mut errors);
        let missed = policy(config, "missed", "skip, latest or all", &mut errors);
        let mut note = |field: &str, message: String| errors.push((field.to_owned(), message));
        if cron.is_some() && every.is_some() {
            note(
                "every",
                "a schedule has either `cron` or `every`; remove one of them".into(),
            );
        }
        if every.is_some() && zone.is_some() && cron.is_none() {
            note(
                "timezone",
                "a time zone has no meaning beside `every`; remove it, or write a cron expression"
                    .into(),
            );
        }
        if every.is_some() && cron.is_none() {
            for field in ["skipped", "doubled"] {
                if config.contains_key(field) {
                    note(
                        field,
                        "clocks that change have no meaning beside `every`; remove it, or write a cron expression".into(),
                    );
                }
            }
        }
        let cron = cron.and_then(|text| {
            Cron::parse(&text)
                .map_err(|message| note("cron", message))
                .ok()
        });
        let zone = match &zone {
            None => Some(Tz::UTC),
            Some(name) => zone_named(name)
                .map_err(|message| note("timezone", message))
                .ok(),
        };
        let every =
            every.and_then(|text| length(&text).map_err(|message| note("every", message)).ok());
        if !config.contains_key("cron") && !config.contains_key("every") {
            note(
                "",
                "a schedule needs `cron`, such as `0 2 * * *`, or `every`, such as 15m".into(),
            );
        }
        let rule = match (cron, zone, every) {
            (Some(cron), Some(zone), None) => Some(Rule::Cron {
                cron: Box::new(cron),
                zone,
                changes,
            }),
            (None, _, Some(every)) => Some(Rule::Every(every)),
            _ => None,
        };
        match rule {
            Some(rule) if errors.is_empty() => Ok(Schedule {
                rule,
                overlap,
                missed,
            }),
            _ => Err(errors),
        }
    }

    /// What happens at an instant while an earlier run of the trigger is still underway.
    pub fn overlap(&self) -> Overlap {
        self.overlap
    }

    /// What to do at `now_ms` where `first_ms` is the earliest instant that was not dealt with. Both in milliseconds
    /// since 1970 in UTC; `first_ms` is not later, and counts as an instant whatever the expression says.
    pub fn due(&self, first_ms: i64, now_ms: i64) -> Due {
        let prompt = now_ms.saturating_sub(PROMPT);
        let met = || {
            self.next_after(prompt - 1)
                .filter(|instant| *instant <= now_ms)
        };
        let at_ms = match self.missed {
            _ if first_ms >= prompt => Some(first_ms),
            Missed::Skip => met(),
            Missed::Latest => met().or_else(|| Some(self.nth_last(1, first_ms, now_ms))),
            Missed::All => Some(self.nth_last(MOST_MISSED, first_ms, now_ms)),
        };
        Due {
            at_ms,
            next_ms: self.next_after(at_ms.unwrap_or(now_ms)),
        }
    }

    /// The instant that is so many before the end of those from `first_ms` to `now_ms`; the first where there are
    /// fewer. Not by counting from the first one: a schedule of every second may have slept for a year.
    fn nth_last(&self, n: usize, first_ms: i64, now_ms: i64) -> i64 {
        let n_after = |at_ms: i64| {
            let last = (0..n).try_fold(at_ms, |at_ms, _| {
                self.next_after(at_ms).filter(|next| *next <= now_ms)
            });
            last.is_some()
        };
        if !n_after(first_ms) {
            return first_ms;
        }
        let (mut more, mut fewer) = (first_ms, now_ms);
        while fewer - more > 1 {
            let middle = more + (fewer - more) / 2;
            if n_after(middle) {
                more = middle;
            } else {
                fewer = middle;
            }
        }
        fewer
    }

    /// The first instant strictly after the given one, both in milliseconds since 1970 in UTC. None where the
    /// calendar ends.
    pub fn next_after(&self, after_ms: i64) -> Option<i64> {
        match &self.rule {
            Rule::Every(every) => after_ms
                .div_euclid(*every)
                .checked_add(1)?
                .checked_mul(*every),
            Rule::Cron {
                cron,
                zone,
                changes,
            } => {
                let after = DateTime::from_timestamp_millis(after_ms)?;
                next_in_zone(cron, *zone, *changes, after).map(|(at, _)| at.timestamp_millis())
            }
        }
    }

    /// The next instants after the given one, at most `count`, with their local time and what is odd about them.
    pub fn next_fires(&self, after_ms: i64, count: usize) -> Vec<Fire> {
        let mut fires = Vec::new();
        let mut after_ms = after_ms;
        while fires.len() < count
            && let Some(fire) = self.next_fire(after_ms)
        {
            after_ms = fire.at_ms;
            fires.push(fire);
        }
        fires
    }

    fn next_fire(&self, after_ms: i64) -> Option<Fire> {
        match &self.rule {
            Rule::Every(_) => {
                let at_ms = self.next_after(after_ms)?;
                let local = DateTime::from_timestamp_millis(at_ms)?
                    .to_rfc3339_opts(SecondsFormat::AutoSi, true);
                Some(Fire {
                    at_ms,
                    local,
                    odd: None,
                })
            }
            Rule::Cron {
                cron,
                zone,
                changes,
            } => {
                let after = DateTime::from_timestamp_millis(after_ms)?;
                let (at, odd) = next_in_zone(cron, *zone, *changes, after)?;
                let local = at
                    .with_timezone(zone)
                    .to_rfc3339_opts(SecondsFormat::Secs, true);
                Some(Fire {
                    at_ms: at.timestamp_millis(),
                    local,
                    odd,
                })
            }
        }
    }
}

/// The policy in a field of the configuration; the default where it is absent or wrong.
fn policy<P: DeserializeOwned + Default>(
    config: &Map<String, Value>,
    field: &str,
    known: &str,
    errors: &mut Vec<(String, String)>,
) -> P {
    let Some(value) = config.get(field) else {
        return P::default();
    };
    serde_json::from_value(value.clone()).unwrap_or_else(|_| {
        let message = format!("{value} is not known in this version; write {known}");
        errors.push((field.to_owned(), message));
        P::default()
    })
}

/// The milliseconds of an `every`.
fn length(text: &str) -> Result<i64, String> {
    let millis = text.parse::<Duration>()?.millis();
    if millis < SHORTEST {
        return Err(format!(
            "`{text}` is too short; the shortest distance is 1s"
        ));
    }
    i64::try_from(millis).map_err(|_| format!("`{text}` is too long"))
}
