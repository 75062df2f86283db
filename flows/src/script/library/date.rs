//! Times with a zone: reading, printing, calendar arithmetic.

use super::calendar::{difference, end_of, plus, start_of};
use super::{Fallible, define, documented};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use chrono::format::{Item, StrftimeItems};
use chrono::{
    DateTime, Datelike, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset,
    SecondsFormat, TimeDelta, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::Tz;
use rhai::{FuncRegistration, INT, Module};
use std::fmt;

/// An instant, and the zone in which its parts are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(super) instant: DateTime<Utc>,
    zone: Zone,
}

#[derive(Clone, Copy, Debug)]
enum Zone {
    Named(Tz),
    Fixed(FixedOffset),
}

impl fmt::Display for Time {
    /// RFC 3339, with as many digits of the second as are needed.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.local().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Time {
    fn utc(instant: DateTime<Utc>) -> Self {
        Self {
            instant,
            zone: Zone::Named(Tz::UTC),
        }
    }

    fn local(&self) -> DateTime<FixedOffset> {
        match self.zone {
            Zone::Fixed(offset) => self.instant.with_timezone(&offset),
            Zone::Named(zone) => {
                let there = self.instant.with_timezone(&zone);
                let offset = there.offset().fix();
                self.instant.with_timezone(&offset)
            }
        }
    }

    /// The same zone at another instant.
    pub(super) fn at(&self, instant: DateTime<Utc>) -> Self {
        Self { instant, ..*self }
    }

    /// What clocks in this time's zone show at another time's instant.
    pub(super) fn naive_of(&self, other: &Self) -> NaiveDateTime {
        self.at(other.instant).naive()
    }

    /// What clocks in its zone show.
    pub(super) fn naive(&self) -> NaiveDateTime {
        self.local().naive_local()
    }

    /// The instant at which clocks in its zone show this.
    pub(super) fn with(&self, local: NaiveDateTime) -> Fallible<Self> {
        self.zone.at(local)
    }

    pub(crate) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        self.instant.cmp(&other.instant)
    }
}

impl Zone {
    fn named(name: &str) -> Fallible<Self> {
        if let Ok(zone) = name.parse::<Tz>() {
            return Ok(Self::Named(zone));
        }
        let offset = (name.starts_with(['+', '-']))
            .then(|| format!("2000-01-01T00:00:00{name}"))
            .and_then(|probe| DateTime::parse_from_rfc3339(&probe).ok());
        offset
            .map(|probe| Self::Fixed(*probe.offset()))
            .ok_or_else(|| {
                complaint(format!(
                    "`{name}` is not a time zone; write one like \"Europe/Berlin\", \"UTC\" or \"+02:00\""
                ))
            })
    }

    /// The instant that clocks in this zone show. A time that is skipped in spring moves on by
    /// the gap; one that comes twice in autumn is the earlier.
    fn at(self, local: NaiveDateTime) -> Fallible<Time> {
        let found = match self {
            Self::Fixed(offset) => offset
                .from_local_datetime(&local)
                .single()
                .map(|there| there.with_timezone(&Utc)),
            Self::Named(zone) => match zone.from_local_datetime(&local) {
                LocalResult::Single(there) | LocalResult::Ambiguous(there, _) => {
                    Some(there.with_timezone(&Utc))
                }
                LocalResult::None => before_gap(zone, local),
            },
        };
        found
            .map(|instant| Time {
                instant,
                zone: self,
            })
            .ok_or_else(out_of_range)
    }
}

/// A local time in a gap, read with the offset that held before the gap.
fn before_gap(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    let earlier = local.checked_sub_signed(TimeDelta::hours(24))?;
    let offset = zone
        .from_local_datetime(&earlier)
        .earliest()?
        .offset()
        .fix();
    offset
        .from_local_datetime(&local)
        .single()
        .map(|there| there.with_timezone(&Utc))
}

pub(super) fn out_of_range() -> Box<rhai::EvalAltResult> {
    complaint("the time is outside of what a calendar can hold")
}

/// Reads what systems commonly write: RFC 3339, ISO 8601 with or without time and zone, RFC 2822.
fn read(text: &str, zone: Option<Zone>) -> Option<Fallible<Time>> {
    let text = text.trim();
    let fixed = |there: DateTime<FixedOffset>| {
        let zone = zone.unwrap_or(if there.offset().local_minus_utc() == 0 {
            Zone::Named(Tz::UTC)
        } else {
            Zone::Fixed(*there.offset())
        });
        Ok(Time {
            instant: there.with_timezone(&Utc),
            zone,
        })
    };
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%dT%H:%M%#z",
    ] {
        if let Ok(there) = DateTime::parse_from_str(text, format) {
            return Some(fixed(there));
        }
    }
    if let Ok(there) =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text))
    {
        return Some(fixed(there));
    }
    let zone = zone.unwrap_or(Zone::Named(Tz::UTC));
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%Y%m%dT%H%M%S",
    ] {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
            return Some(zone.at(local));
        }
    }
    for format in ["%Y-%m-%d", "%Y%m%d", "%G-W%V-%u"] {
        if let Ok(day) = NaiveDate::parse_from_str(text, format) {
            return Some(zone.at(day.and_time(NaiveTime::MIN)));
        }
    }
    None
}

fn parse(text: &str, zone: Option<Zone>) -> Fallible<Time> {
    read(text, zone).unwrap_or_else(|| {
        Err(complaint(format!(
            "`{}` is not a date I can read; give its format, as in date(text, \"%d.%m.%Y\")",
            brief(text)
        )))
    })
}

fn parse_as(text: &str, format: &str, zone: Zone) -> Fallible<Time> {
    check_format(format)?;
    let text = text.trim();
    if let Ok(there) = DateTime::parse_from_str(text, format) {
        return Ok(Time {
            instant: there.with_timezone(&Utc),
            zone: Zone::Fixed(*there.offset()),
        });
    }
    if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
        return zone.at(local);
    }
    match NaiveDate::parse_from_str(text, format) {
        Ok(day) => zone.at(day.and_time(NaiveTime::MIN)),
        Err(problem) => Err(complaint(format!(
            "`{}` does not fit the format `{format}`: {problem}",
            brief(text)
        ))),
    }
}

fn brief(text: &str) -> String {
    if text.chars().count() > 60 {
        text.chars().take(60).chain(['…']).collect()
    } else {
        text.to_owned()
    }
}

fn check_format(format: &str) -> Fallible<()> {
    if StrftimeItems::new(format).any(|item| matches!(item, Item::Error)) {
        return Err(complaint(format!(
            "`{format}` is not a date format; use parts like %Y %m %d %H %M %S"
        )));
    }
    Ok(())
}

fn print(time: &Time, format: &str) -> Fallible<String> {
    check_format(format)?;
    bounds::text_of(format.len().saturating_mul(32))?;
    Ok(match time.zone {
        Zone::Named(zone) => time.instant.with_timezone(&zone).format(format).to_string(),
        Zone::Fixed(offset) => time
            .instant
            .with_timezone(&offset)
            .format(format)
            .to_string(),
    })
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Time>("time");
    define!(module, "now", || -> Fallible<Time> {
        from_millis(bounds::now_ms())
    });
    define!(module, "date", |text: &str| parse(text, None));
    define!(module, "date", |text: &str, format: &str| parse_as(
        text,
        format,
        Zone::Named(Tz::UTC)
    ));
    define!(module, "date", |text: &str, format: &str, zone: &str| {
        parse_as(text, format, Zone::named(zone)?)
    });
    define!(module, "date", |year: INT,
                             month: INT,
                             day: INT|
     -> Fallible<Time> {
        let day = i32::try_from(year)
            .ok()
            .zip(u32::try_from(month).ok())
            .zip(u32::try_from(day).ok())
            .and_then(|((year, month), day)| NaiveDate::from_ymd_opt(year, month, day))
            .ok_or_else(|| complaint(format!("there is no day {year}-{month}-{day}")))?;
        Zone::Named(Tz::UTC).at(day.and_time(NaiveTime::MIN))
    });
    define!(module, "date", |time: Time| time);
    define!(module, "date_in", |text: &str, zone: &str| parse(
        text,
        Some(Zone::named(zone)?)
    ));
    define!(module, "is_date", |text: &str| read(text, None)
        .is_some_and(|t| t.is_ok()));
    define!(module, "is_date", |text: &str, format: &str| {
        parse_as(text, format, Zone::Named(Tz::UTC)).is_ok()
    });
    define!(module, "from_unix", |seconds: INT| -> Fallible<Time> {
        from_millis(seconds.checked_mul(1000).ok_or_else(out_of_range)?)
    });
    define!(module, "from_unix_ms", from_millis);
    define!(module, "to_unix", |time: Time| time.instant.timestamp());
    define!(module, "to_unix_ms", |time: Time| time
        .instant
        .timestamp_millis());
    define!(module, "format", |time: Time, format: &str| print(
        &time, format
    ));
    define!(module, "to_iso", |time: Time| time.to_string());
    define!(module, "to_iso_date", |time: Time| time
        .naive()
        .date()
        .to_string());
    define!(module, "to_rfc2822", |time: Time| time.local().to_rfc2822());
    define!(
        module,
        "to_string" | "to_debug" | "print" | "debug",
        |time: Time| time.to_string()
    );
    define!(module, "in_zone", |time: Time,
                                zone: &str|
     -> Fallible<Time> {
        Ok(Time {
            zone: Zone::named(zone)?,
            ..time
        })
    });
    define!(module, "zone", |time: Time| match time.zone {
        Zone::Named(zone) => zone.name().to_owned(),
        Zone::Fixed(offset) => offset.to_string(),
    });
    define!(module, "plus", |time: Time, amount: INT, unit: &str| plus(
        &time, amount, unit
    ));
    define!(module, "minus", |time: Time, amount: INT, unit: &str| {
        plus(&time, amount.checked_neg().ok_or_else(out_of_range)?, unit)
    });
    define!(module, "diff", |from: Time, to: Time, unit: &str| {
        difference(&from, &to, unit)
    });
    define!(module, "start_of", |time: Time, unit: &str| start_of(
        &time, unit
    ));
    define!(module, "end_of", |time: Time, unit: &str| end_of(
        &time, unit
    ));
    define!(module, "is_weekend", |time: Time| {
        matches!(time.naive().weekday(), Weekday::Sat | Weekday::Sun)
    });
    define!(module, "days_in_month", |time: Time| INT::from(
        time.naive().num_days_in_month()
    ));
    macro_rules! compare {
        ($($operator:literal $test:ident),*) => {$(
            define!(module, $operator, |one: Time, two: Time| one.compare(&two).$test());
        )*};
    }
    compare!("==" is_eq, "!=" is_ne, "<" is_lt, "<=" is_le, ">" is_gt, ">=" is_ge);
    macro_rules! part {
        ($($name:literal $read:expr;)*) => {$(
            define!(module, $name, |time: Time| $read(time.naive()));
            FuncRegistration::new_getter($name)
                .with_purity(true)
                .set_into_module(module, |time: &mut Time| $read(time.naive()));
        )*};
    }
    part! {
        "year" |t: NaiveDateTime| INT::from(t.year());
        "month" |t: NaiveDateTime| INT::from(t.month());
        "day" |t: NaiveDateTime| INT::from(t.day());
        "hour" |t: NaiveDateTime| INT::from(t.hour());
        "minute" |t: NaiveDateTime| INT::from(t.minute());
        "second" |t: NaiveDateTime| INT::from(t.second());
        "millisecond" |t: NaiveDateTime| INT::from(t.nanosecond() / 1_000_000);
        "weekday" |t: NaiveDateTime| INT::from(t.weekday().number_from_monday());
        "week" |t: NaiveDateTime| INT::from(t.iso_week().week());
        "quarter" |t: NaiveDateTime| INT::from((t.month() - 1) / 3 + 1);
        "day_of_year" |t: NaiveDateTime| INT::from(t.ordinal());
    }
}

fn from_millis(millis: INT) -> Fallible<Time> {
    DateTime::from_timestamp_millis(millis)
        .map(Time::utc)
        .ok_or_else(out_of_range)
}

/// The documentation. Examples run at 2026-03-01T12:00:00Z.
pub(super) const FUNCTIONS: &[Function] = documented! { Time;
    "now" "now() -> time", "The instant of the turn, in UTC. It is the same throughout a script.", "now()" => r#""2026-03-01T12:00:00Z""#;
    "date" "date(text) -> time; date(text, format) -> time; date(text, format, zone) -> time; date(year, month, day) -> time", "Reads a date or time. Without a format: RFC 3339, ISO 8601 or RFC 2822. Formats use %Y %m %d %H %M %S as strftime does. Without a zone it is UTC.", "date(\"24.12.2026 18:30\", \"%d.%m.%Y %H:%M\", \"Europe/Berlin\")" => r#""2026-12-24T18:30:00+01:00""#;
    "date_in" "date_in(text, zone) -> time", "Reads a date or time without a format, as clocks in that zone show it.", "date_in(\"2026-07-01 08:00\", \"America/New_York\")" => r#""2026-07-01T08:00:00-04:00""#;
    "is_date" "is_date(text) -> bool; is_date(text, format) -> bool", "Whether the text can be read as a date.", "is_date(\"2026-02-30\")" => "false";
    "from_unix" "from_unix(seconds) -> time", "The time that many seconds after 1970.", "from_unix(1772366400)" => r#""2026-03-01T12:00:00Z""#;
    "from_unix_ms" "from_unix_ms(milliseconds) -> time", "The time that many milliseconds after 1970.", "from_unix_ms(1772366400250)" => r#""2026-03-01T12:00:00.250Z""#;
    "to_unix" "to_unix(time) -> number", "Seconds since 1970.", "now().to_unix()" => "1772366400";
    "to_unix_ms" "to_unix_ms(time) -> number", "Milliseconds since 1970.", "now().to_unix_ms()" => "1772366400000";
    "format" "format(time, format) -> text", "Prints a time with strftime parts: %Y-%m-%d, %H:%M:%S, %A, %B, %j, %V and so on.", "now().format(\"%d.%m.%Y\")" => r#""01.03.2026""#;
    "to_iso" "to_iso(time) -> text", "RFC 3339 text. A time in a result becomes this by itself.", "now().in_zone(\"Asia/Tokyo\").to_iso()" => r#""2026-03-01T21:00:00+09:00""#;
    "to_iso_date" "to_iso_date(time) -> text", "Only the day.", "now().to_iso_date()" => r#""2026-03-01""#;
    "to_rfc2822" "to_rfc2822(time) -> text", "As in the headers of mail and HTTP.", "now().to_rfc2822()" => r#""Sun, 1 Mar 2026 12:00:00 +0000""#;
    "in_zone" "in_zone(time, zone) -> time", "The same instant, read in another zone.", "now().in_zone(\"Europe/Berlin\").hour" => "13";
    "zone" "zone(time) -> text", "The name or offset of the zone.", "now().in_zone(\"Europe/Berlin\").zone()" => r#""Europe/Berlin""#;
    "plus" "plus(time, amount, unit) -> time", "Moves on. Days, workdays, weeks, months, quarters and years move on the calendar of the zone, shorter units on the clock.", "date(\"2026-01-31\").plus(1, \"month\")" => r#""2026-02-28T00:00:00Z""#;
    "minus" "minus(time, amount, unit) -> time", "Moves back.", "now().minus(90, \"minutes\")" => r#""2026-03-01T10:30:00Z""#;
    "diff" "diff(from, to, unit) -> number", "Whole units from one time to another; negative if it is earlier.", "date(\"2026-01-01\").diff(now(), \"days\")" => "59";
    "start_of" "start_of(time, unit) -> time", "The first instant of the day, week (Monday), month, quarter or year.", "now().start_of(\"week\")" => r#""2026-02-23T00:00:00Z""#;
    "end_of" "end_of(time, unit) -> time", "The last millisecond of it.", "now().end_of(\"month\")" => r#""2026-03-31T23:59:59.999Z""#;
    "is_weekend" "is_weekend(time) -> bool", "Saturday or Sunday.", "now().is_weekend()" => "true";
    "days_in_month" "days_in_month(time) -> number", "How long its month is.", "date(\"2028-02-01\").days_in_month()" => "29";
    "year" "year(time) -> number; time.year", "The year.", "now().year" => "2026";
    "month" "month(time) -> number; time.month", "The month, 1 to 12.", "now().month" => "3";
    "day" "day(time) -> number; time.day", "The day of the month.", "now().day" => "1";
    "hour" "hour(time) -> number; time.hour", "The hour, 0 to 23.", "now().hour" => "12";
    "minute" "minute(time) -> number; time.minute", "The minute.", "now().minute" => "0";
    "second" "second(time) -> number; time.second", "The second.", "now().second" => "0";
    "millisecond" "millisecond(time) -> number; time.millisecond", "The thousandths of the second.", "from_unix_ms(1234).millisecond" => "234";
    "weekday" "weekday(time) -> number; time.weekday", "The day of the week, 1 for Monday to 7 for Sunday.", "now().weekday" => "7";
    "week" "week(time) -> number; time.week", "The ISO week, 1 to 53.", "now().week" => "9";
    "quarter" "quarter(time) -> number; time.quarter", "The quarter, 1 to 4.", "now().quarter" => "1";
    "day_of_year" "day_of_year(time) -> number; time.day_of_year", "The day of the year, from 1.", "now().day_of_year" => "60";
};
