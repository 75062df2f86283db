//! When a `schedule` trigger fires: from its configuration to instants in UTC.
//!
//! Days on which the clocks change are decided here. A cron expression for times of day (`30 2 * * *`) runs once
//! for each: a local time that is skipped runs at the first instant after the gap, one that comes twice runs the
//! first time only. An expression that fires in every hour (`*/15 * * * *`) follows the hours as they pass, so it
//! neither pauses nor hurries. `every` knows no zone: its instants are the multiples of its length since 1970 in UTC.

use chrono::{DateTime, NaiveDateTime, Offset, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{cron::Cron, duration::Duration, problem::suggestion};

/// The shortest `every`, in milliseconds.
const SHORTEST: u64 = 1_000;

/// How far from UTC a zone may be, with a margin: no offset in the time zone database reaches 16 hours.
const WIDEST_OFFSET: TimeDelta = TimeDelta::hours(16);

/// The times of a `schedule` trigger.
#[derive(Clone, Debug)]
pub struct Schedule {
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    Cron {
        cron: Box<Cron>,
        zone: Tz,
    },
    /// Milliseconds.
    Every(i64),
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
    /// Reads the configuration of a trigger: `cron` with an optional `timezone`, or `every`.
    /// Each error names the field it is about (empty for the whole) and says what to do.
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
            }),
            (None, _, Some(every)) => Some(Rule::Every(every)),
            _ => None,
        };
        match rule {
            Some(rule) if errors.is_empty() => Ok(Schedule { rule }),
            _ => Err(errors),
        }
    }

    /// The first instant strictly after the given one, both in milliseconds since 1970 in UTC. None where the
    /// calendar ends.
    pub fn next_after(&self, after_ms: i64) -> Option<i64> {
        match &self.rule {
            Rule::Every(every) => after_ms
                .div_euclid(*every)
                .checked_add(1)?
                .checked_mul(*every),
            Rule::Cron { cron, zone } => {
                let after = DateTime::from_timestamp_millis(after_ms)?;
                next_in_zone(cron, *zone, after).map(|(at, _)| at.timestamp_millis())
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
            Rule::Cron { cron, zone } => {
                let (at, odd) =
                    next_in_zone(cron, *zone, DateTime::from_timestamp_millis(after_ms)?)?;
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

/// The zone with an IANA name.
pub(crate) fn zone_named(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| {
        let near = TZ_VARIANTS
            .iter()
            .map(|zone| zone.name())
            .find(|candidate| candidate.eq_ignore_ascii_case(name));
        let advice = match near {
            Some(near) => format!("; write `{near}`"),
            None => suggestion(name, TZ_VARIANTS.iter().map(|zone| zone.name())),
        };
        format!("`{name}` is not a time zone of the IANA database, such as Europe/Berlin{advice}")
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

/// The first instant after the given one at which the expression fires in the zone.
fn next_in_zone(
    cron: &Cron,
    zone: Tz,
    after: DateTime<Utc>,
) -> Option<(DateTime<Utc>, Option<Odd>)> {
    let mut from = local(zone, after)?;
    if let Some(overlap) = Overlap::around(zone, from) {
        if after >= overlap.turn {
            if cron.fires_every_hour() {
                // In the second pass: what is left of it, and then what follows.
                let found = cron.next(from)?;
                if found < overlap.end {
                    return Some((utc(found, overlap.later)?, Some(Odd::Doubled)));
                }
            }
            // All of it has run: go on where the overlap ends.
            from = overlap.end - TimeDelta::seconds(1);
        } else if cron.fires_every_hour() {
            // In the first pass: the second one comes before what follows the overlap.
            let found = cron.next(from)?;
            if found < overlap.end {
                return Some((utc(found, overlap.earlier)?, Some(Odd::Doubled)));
            }
            let again = cron.next(overlap.start - TimeDelta::seconds(1))?;
            if again < overlap.end {
                return Some((utc(again, overlap.later)?, Some(Odd::Doubled)));
            }
        }
    }
    loop {
        let found = cron.next(from)?;
        match zone.offset_from_local_datetime(&found) {
            chrono::LocalResult::Single(offset) => {
                return Some((utc(found, offset.fix().local_minus_utc())?, None));
            }
            chrono::LocalResult::Ambiguous(offset, _) => {
                return Some((
                    utc(found, offset.fix().local_minus_utc())?,
                    Some(Odd::Doubled),
                ));
            }
            chrono::LocalResult::None => {
                let turn = end_of_gap(zone, found)?;
                if !cron.fires_every_hour() {
                    return Some((turn, Some(Odd::Skipped)));
                }
                // No hour was missed: it did not pass. The local time at the end of the gap is later than `found`,
                // so this ends.
                from = local(zone, turn)? - TimeDelta::seconds(1);
            }
        }
    }
}

/// A stretch of local time that comes twice, because the clocks go back.
struct Overlap {
    /// The local time it begins with.
    start: NaiveDateTime,
    /// The first local time after it.
    end: NaiveDateTime,
    /// The instant at which the second pass begins.
    turn: DateTime<Utc>,
    /// Seconds east of UTC in the first pass.
    earlier: i32,
    /// Seconds east of UTC in the second pass.
    later: i32,
}

impl Overlap {
    /// The overlap that a local time lies in.
    fn around(zone: Tz, at: NaiveDateTime) -> Option<Overlap> {
        let chrono::LocalResult::Ambiguous(earlier, later) = zone.offset_from_local_datetime(&at)
        else {
            return None;
        };
        let (earlier, later) = (
            earlier.fix().local_minus_utc(),
            later.fix().local_minus_utc(),
        );
        let turn = first_instant(utc(at, earlier)?, utc(at, later)?, |instant| {
            seconds_east(zone, instant) != earlier
        });
        let naive = turn.naive_utc();
        Some(Overlap {
            start: naive.checked_add_signed(TimeDelta::seconds(later.into()))?,
            end: naive.checked_add_signed(TimeDelta::seconds(earlier.into()))?,
            turn,
            earlier,
            later,
        })
    }
}

/// The instant at which the gap ends that a local time lies in.
fn end_of_gap(zone: Tz, skipped: NaiveDateTime) -> Option<DateTime<Utc>> {
    let middle = skipped.and_utc();
    let (low, high) = (
        middle.checked_sub_signed(WIDEST_OFFSET)?,
        middle.checked_add_signed(WIDEST_OFFSET)?,
    );
    Some(first_instant(low, high, |instant| {
        local(zone, instant).is_some_and(|local| local > skipped)
    }))
}

/// The first whole second after `low`, and not after `high`, at which a condition holds that does not hold at `low`,
/// holds at `high` and changes once.
fn first_instant(
    low: DateTime<Utc>,
    high: DateTime<Utc>,
    holds: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    let base = low.timestamp();
    let (mut no, mut yes) = (0, high.timestamp() - base);
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        match DateTime::from_timestamp(base + middle, 0) {
            Some(instant) if !holds(instant) => no = middle,
            _ => yes = middle,
        }
    }
    DateTime::from_timestamp(base + yes, 0).unwrap_or(high)
}

/// What the clocks of a zone show at an instant. None at the ends of the calendar.
fn local(zone: Tz, at: DateTime<Utc>) -> Option<NaiveDateTime> {
    at.naive_utc()
        .checked_add_signed(TimeDelta::seconds(seconds_east(zone, at).into()))
}

fn seconds_east(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc())
        .fix()
        .local_minus_utc()
}

/// The instant of a local time that is so many seconds east of UTC.
fn utc(local: NaiveDateTime, seconds_east: i32) -> Option<DateTime<Utc>> {
    local
        .checked_sub_signed(TimeDelta::seconds(seconds_east.into()))
        .map(|naive| naive.and_utc())
}
