//! Local times of a zone as instants, on ordinary days and on those when its clocks change.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::{ClockChanges, Doubled, Odd, Skipped};
use crate::{cron::Cron, problem::suggestion};

/// How far from UTC a zone may be, with a margin: no offset in the time zone database reaches 16 hours.
const WIDEST_OFFSET: TimeDelta = TimeDelta::hours(16);

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

/// The first instant after the given one at which the expression fires in the zone, and what is odd about it.
///
/// What fires in every hour follows the hours as they pass: it missed none in a gap, for it did not pass, and an hour
/// that comes twice is two hours.
pub(super) fn next_in_zone(
    cron: &Cron,
    zone: Tz,
    changes: ClockChanges,
    after: DateTime<Utc>,
) -> Option<(DateTime<Utc>, Option<Odd>)> {
    let twice = cron.fires_every_hour() || changes.doubled == Doubled::Twice;
    let none_in_gap = cron.fires_every_hour() || changes.skipped == Skipped::Skip;
    let mut from = local(zone, after)?;
    if let Some(overlap) = Overlap::around(zone, from) {
        if after >= overlap.turn {
            if twice {
                // In the second pass: what is left of it, and then what follows.
                let found = cron.next(from)?;
                if found < overlap.end {
                    return Some((utc(found, overlap.later)?, Some(Odd::Doubled)));
                }
            }
            // All of it has run: go on where the overlap ends.
            from = overlap.end - TimeDelta::seconds(1);
        } else if twice {
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
                if !none_in_gap {
                    return Some((turn, Some(Odd::Skipped)));
                }
                // The local time at the end of the gap is later than `found`,
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
