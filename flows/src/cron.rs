//! Cron expressions as people write them, normalised onto the `cron` crate, which matches them on a local timeline.
//!
//! The crate wants a seconds field, counts weekdays from Sunday = 1 and joins day of month and day of week
//! with AND; its iteration ends with the year 2100. People write crontab(5). This module translates between
//! the two and knows nothing of time zones: [`crate::schedule`] maps local times to instants.

use std::{fmt, str::FromStr};

use chrono::{Datelike, NaiveDate, NaiveDateTime};

/// The last year that the `cron` crate knows.
const LAST_YEAR: i32 = 2100;

/// The most years between two matches of an expression that ever matches: a 29 February on a given weekday,
/// across a century without a leap day.
const LONGEST_GAP: i32 = 41;

/// A cron expression that fires at least once.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    /// One matcher, or two where day of month and day of week are both restricted: either suffices.
    matchers: Vec<cron::Schedule>,
    every_hour: bool,
}

impl Cron {
    /// Reads five fields (minute hour day month weekday), six with seconds first, or `@daily` and kin.
    /// The error is a sentence that says what is wrong and what to do.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let fields = Fields::parse(text.trim())?;
        let mut matchers = Vec::new();
        for (days, weekdays) in fields.day_rules() {
            let normal = fields.print(days, weekdays);
            let matcher = cron::Schedule::from_str(&normal)
                .map_err(|error| format!("`{text}` cannot be used as `{normal}`: {error}"))?;
            matchers.push(matcher);
        }
        let cron = Cron {
            text: text.trim().to_owned(),
            matchers,
            every_hour: fields.hour == HOUR.all(),
        };
        // 2000 is a leap year at the start of a 400-year cycle: what does not match from there never does.
        let start = NaiveDate::from_ymd_opt(2000, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
        if start.and_then(|start| cron.next(start)).is_none() {
            return Err(format!(
                "`{text}` never fires: no month it names has such a day; choose a day that exists, such as 28"
            ));
        }
        Ok(cron)
    }

    /// The text its author wrote.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it fires in every hour of the day, so that it follows the hours as they pass
    /// and not a time of day.
    pub fn fires_every_hour(&self) -> bool {
        self.every_hour
    }

    /// The first local time strictly after the given one, to the second. None beyond the calendar of chrono.
    pub fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.matchers
            .iter()
            .filter_map(|matcher| next_match(matcher, after))
            .min()
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The first match after a local time. UTC has neither gaps nor overlaps, so it serves as the local timeline.
/// Beyond the crate's last year, each year is looked at in the clothes of an earlier one with the same calendar.
fn next_match(matcher: &cron::Schedule, after: NaiveDateTime) -> Option<NaiveDateTime> {
    if after.year() <= LAST_YEAR
        && let Some(found) = matcher.after(&after.and_utc()).next()
    {
        return Some(found.naive_utc());
    }
    let first = after.year().max(LAST_YEAR + 1);
    for year in first..=first.saturating_add(LONGEST_GAP) {
        let twin = twin(year)?;
        let from = if year == after.year() {
            after.with_year(twin)?
        } else {
            NaiveDate::from_ymd_opt(twin - 1, 12, 31)?.and_hms_opt(23, 59, 59)?
        };
        let found = matcher.after(&from.and_utc()).next()?.naive_utc();
        if found.year() == twin {
            return found.with_year(year);
        }
    }
    None
}

/// A year from 1972 to 1999 with the same calendar: the same length and the same weekday on 1 January.
fn twin(year: i32) -> Option<i32> {
    let shape =
        |year| NaiveDate::from_ymd_opt(year, 1, 1).map(|day| (day.leap_year(), day.weekday()));
    let wanted = shape(year)?;
    (1972..=1999).find(|candidate| shape(*candidate) == Some(wanted))
}

/// What may stand in one field.
struct FieldRule {
    name: &'static str,
    min: u32,
    max: u32,
    /// Names for numbers, the first one for `min`.
    names: &'static [&'static str],
    /// Whether `?` is allowed for `*`, as Quartz writes.
    question_mark: bool,
}

const SECOND: FieldRule = FieldRule {
    name: "second",
    min: 0,
    max: 59,
    names: &[],
    question_mark: false,
};
const MINUTE: FieldRule = FieldRule {
    name: "minute",
    min: 0,
    max: 59,
    names: &[],
    question_mark: false,
};
const HOUR: FieldRule = FieldRule {
    name: "hour",
    min: 0,
    max: 23,
    names: &[],
    question_mark: false,
};
const DAY: FieldRule = FieldRule {
    name: "day of the month",
    min: 1,
    max: 31,
    names: &[],
    question_mark: true,
};
const MONTH: FieldRule = FieldRule {
    name: "month",
    min: 1,
    max: 12,
    names: &[
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ],
    question_mark: false,
};
/// Sunday is 0 and 7; a set of weekdays holds it as 0.
const WEEKDAY: FieldRule = FieldRule {
    name: "weekday",
    min: 0,
    max: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    question_mark: true,
};

/// A set of numbers from 0 to 63, one bit each.
type Set = u64;

/// The six fields of an expression, each as the set of its numbers.
struct Fields {
    second: Set,
    minute: Set,
    hour: Set,
    day: Set,
    month: Set,
    weekday: Set,
    /// Whether the day field begins with `*` or `?`, which crontab counts as no restriction.
    any_day: bool,
    /// The same for the weekday field.
    any_weekday: bool,
}

impl Fields {
    fn parse(text: &str) -> Result<Fields, String> {
        let plain = if text.starts_with('@') {
            nickname(text)?
        } else {
            text
        };
        let mut fields: Vec<&str> = plain.split_whitespace().collect();
        match fields.len() {
            5 => fields.insert(0, "0"),
            6 => {}
            0 => return Err("the cron expression is empty; write five fields, such as `0 2 * * *` for 02:00 each day".into()),
            7 => {
                return Err(format!("`{text}` has seven fields; a year cannot be chosen, remove the last one"));
            }
            count => {
                return Err(format!(
                    "`{text}` has {count} fields; write five (minute hour day month weekday), or six with seconds first"
                ));
            }
        }
        Ok(Fields {
            second: SECOND.parse(fields[0])?,
            minute: MINUTE.parse(fields[1])?,
            hour: HOUR.parse(fields[2])?,
            day: DAY.parse(fields[3])?,
            month: MONTH.parse(fields[4])?,
            weekday: WEEKDAY.parse(fields[5])?,
            any_day: fields[3].starts_with(['*', '?']),
            any_weekday: fields[5].starts_with(['*', '?']),
        })
    }

    /// The sets of days and weekdays, of which one pair must match: as crontab(5), either field suffices where
    /// both are restricted; otherwise both must hold.
    fn day_rules(&self) -> Vec<(Set, Set)> {
        if self.any_day || self.any_weekday {
            vec![(self.day, self.weekday)]
        } else {
            vec![(self.day, WEEKDAY.all()), (DAY.all(), self.weekday)]
        }
    }

    /// The expression as the `cron` crate reads it.
    fn print(&self, days: Set, weekdays: Set) -> String {
        format!(
            "{} {} {} {} {} {}",
            SECOND.print(self.second, 0),
            MINUTE.print(self.minute, 0),
            HOUR.print(self.hour, 0),
            DAY.print(days, 0),
            MONTH.print(self.month, 0),
            WEEKDAY.print(weekdays, 1),
        )
    }
}

/// The five fields that a nickname stands for.
fn nickname(text: &str) -> Result<&'static str, String> {
    match text.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => Ok("0 0 1 1 *"),
        "@monthly" => Ok("0 0 1 * *"),
        "@weekly" => Ok("0 0 * * 0"),
        "@daily" | "@midnight" => Ok("0 0 * * *"),
        "@hourly" => Ok("0 * * * *"),
        nick if nick.starts_with("@every") => {
            Err("`@every` is not a cron expression; write the distance in the field `every` instead, such as 15m".into())
        }
        _ => Err(format!(
            "`{text}` is not known; use @yearly, @monthly, @weekly, @daily, @hourly, or write five fields"
        )),
    }
}

impl FieldRule {
    /// The set of all its numbers.
    fn all(&self) -> Set {
        let highest = if self.max == 7 { 6 } else { self.max };
        (self.min..=highest).fold(0, |set, number| set | 1 << number)
    }

    /// Reads a list of numbers, names, ranges and steps.
    fn parse(&self, field: &str) -> Result<Set, String> {
        field.split(',').try_fold(0, |set, part| {
            let part = self
                .parse_part(part)
                .map_err(|what| format!("`{field}` cannot be the {}: {what}", self.name))?;
            Ok(set | part)
        })
    }

    /// Reads one part of a list: `*`, `5`, `MON`, `1-5`, and each of them with `/n`.
    fn parse_part(&self, part: &str) -> Result<Set, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.parse_step(step)?)),
            None => (part, None),
        };
        let (first, last) = if range == "*" || range == "?" && self.question_mark {
            (self.min, self.max)
        } else if let Some((first, last)) = range.split_once('-') {
            let first = self.parse_number(first)?;
            let last = self.parse_number(last)?;
            // A week may end with its Sunday: FRI-SUN.
            let last = if self.max == 7 && last == 0 && first > 0 {
                7
            } else {
                last
            };
            if first > last {
                return Err(format!(
                    "the range {range} runs backwards; write it as two: {first}-{} and {}-{last}, with a comma between",
                    self.max, self.min
                ));
            }
            (first, last)
        } else {
            let number = self.parse_number(range)?;
            (number, if step.is_some() { self.max } else { number })
        };
        // `*` counts Sunday once, as 0: its steps begin there and end on Saturday.
        let last = if self.max == 7 && first == 0 && last == 7 {
            6
        } else {
            last
        };
        let numbers = (first..=last).step_by(step.unwrap_or(1));
        Ok(numbers.fold(0, |set, number| {
            set | 1 << if self.max == 7 { number % 7 } else { number }
        }))
    }

    fn parse_step(&self, text: &str) -> Result<usize, String> {
        match text.parse::<usize>() {
            Ok(step) if step > 0 && is_number(text) => Ok(step),
            _ => Err(format!("the step `{text}` must be a whole number from 1")),
        }
    }

    fn parse_number(&self, text: &str) -> Result<u32, String> {
        if is_number(text) {
            return match text.parse() {
                Ok(number) if (self.min..=self.max).contains(&number) => Ok(number),
                _ => Err(format!("{text} must be from {} to {}", self.min, self.max)),
            };
        }
        let named = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        match named {
            Some(position) => Ok(self.min + position as u32),
            None if text.is_empty() => Err("a number is missing".into()),
            None if text == "?" => Err("`?` is for the day fields only; write *".into()),
            None if self.question_mark
                && text
                    .chars()
                    .all(|c| c.is_ascii_digit() || "LlWw#".contains(c)) =>
            {
                Err(format!(
                    "`{text}` is not supported; choose days by number or name, and let a filter decide the rest"
                ))
            }
            None if self.names.is_empty() => Err(format!(
                "write a number from {} to {}, *, a range 1-5 or a step */15",
                self.min, self.max
            )),
            None => Err(format!(
                "write a number from {} to {} or a name from {} on",
                self.min, self.max, self.names[0]
            )),
        }
    }

    /// The set as the `cron` crate reads it, its numbers moved by `shift`.
    fn print(&self, set: Set, shift: u32) -> String {
        if set == self.all() {
            return "*".into();
        }
        let numbers: Vec<String> = (self.min..=self.max)
            .filter(|number| set & 1 << number != 0)
            .map(|number| (number + shift).to_string())
            .collect();
        numbers.join(",")
    }
}

/// Whether a text is digits and nothing else; `parse` alone would let a plus sign pass.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
