//! Arithmetic on the calendar of a time's own zone.

use super::Fallible;
use super::date::{Time, out_of_range};
use crate::script::bounds;
use crate::script::error::complaint;
use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike, Weekday};
use rhai::INT;

/// A unit of time in the singular.
fn unit(text: &str) -> Fallible<&'static str> {
    let lower = text.to_lowercase();
    let single = lower.strip_suffix('s').unwrap_or(&lower);
    [
        "millisecond", "second", "minute", "hour", "day", "workday", "week", "month", "quarter",
        "year",
    ]
    .into_iter()
    .find(|known| *known == single || (*known == "millisecond" && lower == "ms"))
    .ok_or_else(|| {
        complaint(format!(
            "`{text}` is not a unit of time; use years, quarters, months, weeks, days, workdays, hours, minutes, seconds or milliseconds"
        ))
    })
}

pub(super) fn plus(time: &Time, amount: INT, text: &str) -> Fallible<Time> {
    let exact = |delta: Option<TimeDelta>| {
        delta
            .and_then(|delta| time.instant.checked_add_signed(delta))
            .map(|instant| time.at(instant))
            .ok_or_else(out_of_range)
    };
    let months = |each: INT| {
        let count = amount
            .checked_mul(each)
            .and_then(|count| u32::try_from(count.unsigned_abs()).ok())
            .ok_or_else(out_of_range)?;
        let local = time.naive();
        let moved = if amount < 0 {
            local.checked_sub_months(Months::new(count))
        } else {
            local.checked_add_months(Months::new(count))
        };
        moved
            .ok_or_else(out_of_range)
            .and_then(|local| time.with(local))
    };
    let days = |each: u64| {
        let count = amount
            .unsigned_abs()
            .checked_mul(each)
            .ok_or_else(out_of_range)?;
        let local = time.naive();
        let moved = if amount < 0 {
            local.checked_sub_days(Days::new(count))
        } else {
            local.checked_add_days(Days::new(count))
        };
        moved
            .ok_or_else(out_of_range)
            .and_then(|local| time.with(local))
    };
    match unit(text)? {
        "millisecond" => exact(TimeDelta::try_milliseconds(amount)),
        "second" => exact(TimeDelta::try_seconds(amount)),
        "minute" => exact(TimeDelta::try_minutes(amount)),
        "hour" => exact(TimeDelta::try_hours(amount)),
        "day" => days(1),
        "week" => days(7),
        "workday" => workdays(time, amount),
        "month" => months(1),
        "quarter" => months(3),
        _ => months(12),
    }
}

/// Moves over Mondays to Fridays only.
fn workdays(time: &Time, amount: INT) -> Fallible<Time> {
    bounds::spend(usize::try_from(amount.unsigned_abs()).unwrap_or(usize::MAX))?;
    let mut local = time.naive();
    let mut left = amount.unsigned_abs();
    while left > 0 {
        let next = if amount < 0 {
            local.checked_sub_days(Days::new(1))
        } else {
            local.checked_add_days(Days::new(1))
        };
        local = next.ok_or_else(out_of_range)?;
        if !matches!(local.weekday(), Weekday::Sat | Weekday::Sun) {
            left -= 1;
        }
    }
    time.with(local)
}

/// Whole units from one time to another, negative if the other is earlier. Days and longer are
/// counted on the calendar of the first time's zone.
pub(super) fn difference(from: &Time, to: &Time, text: &str) -> Fallible<INT> {
    let gone = to.instant.signed_duration_since(from.instant);
    let (start, end) = (from.naive(), from.naive_of(to));
    let days = end.signed_duration_since(start).num_days();
    let months = || {
        let mut count = INT::from(end.year() - start.year()) * 12 + INT::from(end.month())
            - INT::from(start.month());
        let (a, b) = ((start.day(), start.time()), (end.day(), end.time()));
        if count > 0 && b < a {
            count -= 1;
        } else if count < 0 && b > a {
            count += 1;
        }
        count
    };
    Ok(match unit(text)? {
        "millisecond" => gone.num_milliseconds(),
        "second" => gone.num_seconds(),
        "minute" => gone.num_minutes(),
        "hour" => gone.num_hours(),
        "day" => days,
        "week" => days / 7,
        "workday" => {
            bounds::spend(usize::try_from(days.unsigned_abs()).unwrap_or(usize::MAX))?;
            let (first, last) = (start.date().min(end.date()), start.date().max(end.date()));
            let count = first
                .iter_days()
                .take_while(|day| *day < last)
                .filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
                .count();
            let count = INT::try_from(count).unwrap_or(INT::MAX);
            if days < 0 { -count } else { count }
        }
        "month" => months(),
        "quarter" => months() / 3,
        _ => months() / 12,
    })
}

pub(super) fn start_of(time: &Time, text: &str) -> Fallible<Time> {
    let local = time.naive();
    let day = local.date();
    let midnight = |day: Option<NaiveDate>| {
        day.map(|day| day.and_time(NaiveTime::MIN))
            .ok_or_else(out_of_range)
    };
    let start = match unit(text)? {
        "millisecond" => local.with_nanosecond(local.nanosecond() / 1_000_000 * 1_000_000),
        "second" => local.with_nanosecond(0),
        "minute" => local.with_nanosecond(0).and_then(|t| t.with_second(0)),
        "hour" => local
            .with_nanosecond(0)
            .and_then(|t| t.with_second(0))
            .and_then(|t| t.with_minute(0)),
        "day" | "workday" => Some(midnight(Some(day))?),
        "week" => Some(midnight(day.checked_sub_days(Days::new(u64::from(
            day.weekday().num_days_from_monday(),
        ))))?),
        "month" => Some(midnight(day.with_day(1))?),
        "quarter" => {
            let month = (day.month() - 1) / 3 * 3 + 1;
            Some(midnight(NaiveDate::from_ymd_opt(day.year(), month, 1))?)
        }
        _ => Some(midnight(NaiveDate::from_ymd_opt(day.year(), 1, 1))?),
    };
    start
        .ok_or_else(out_of_range)
        .and_then(|local| time.with(local))
}

pub(super) fn end_of(time: &Time, text: &str) -> Fallible<Time> {
    let next = plus(
        &start_of(time, text)?,
        1,
        if unit(text)? == "workday" {
            "day"
        } else {
            text
        },
    )?;
    plus(&start_of(&next, text)?, -1, "millisecond")
}
