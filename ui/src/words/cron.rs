//! Cron expressions in words.

use crate::texts::{Texts, count, fill};

/// What a cron expression means, in words; nothing where it is not one of the usual forms.
pub(crate) fn cron_words(t: &Texts, text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let fields: Vec<&str> = match text.as_str() {
        "@hourly" => vec!["0", "*", "*", "*", "*"],
        "@daily" | "@midnight" => vec!["0", "0", "*", "*", "*"],
        "@weekly" => vec!["0", "0", "*", "*", "0"],
        "@monthly" => vec!["0", "0", "1", "*", "*"],
        "@yearly" | "@annually" => vec!["0", "0", "1", "1", "*"],
        text => text.split_whitespace().collect(),
    };
    let fields = match fields.as_slice() {
        ["0", rest @ ..] if rest.len() == 5 => rest.to_vec(),
        five if five.len() == 5 => five.to_vec(),
        _ => return None,
    };
    let [minute, hour, day, month, weekday] = fields.try_into().ok()?;
    let time = time_words(t, minute, hour)?;
    let days = match (day, weekday) {
        ("*" | "?", "*" | "?") => None,
        ("*" | "?", weekday) => Some(fill(t.cron_on, &[("days", &weekday_words(t, weekday)?)])),
        (day, "*" | "?") => {
            let day: u8 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
            Some(fill(t.cron_on_day, &[("n", &day.to_string())]))
        }
        _ => return None,
    };
    let months = match month {
        "*" => None,
        month => {
            let month: usize = month
                .parse()
                .ok()
                .filter(|month| (1..=12).contains(month))?;
            Some(fill(
                t.cron_in,
                &[("month", list(t.cron_months, month - 1)?)],
            ))
        }
    };
    Some(
        [Some(time), days, months]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
    )
}

fn time_words(t: &Texts, minute: &str, hour: &str) -> Option<String> {
    let every = |field: &str| -> Option<u64> { field.strip_prefix("*/")?.parse().ok() };
    match (minute, hour) {
        ("*", "*") => Some(t.cron_each_minute.to_owned()),
        (minute, "*") if every(minute).is_some() => {
            Some(count(every(minute)?, t.cron_each_minute, t.cron_minutes))
        }
        (minute, hour) if every(hour).is_some() => {
            let minute: u8 = minute.parse().ok().filter(|minute| *minute < 60)?;
            let hours = count(every(hour)?, t.cron_each_hour, t.cron_hours);
            Some(fill(
                t.cron_at_minute,
                &[("hours", &hours), ("n", &minute.to_string())],
            ))
        }
        (minute, "*") => {
            let minute: u8 = minute.parse().ok().filter(|minute| *minute < 60)?;
            Some(fill(
                t.cron_at_minute,
                &[("hours", t.cron_each_hour), ("n", &minute.to_string())],
            ))
        }
        (minute, hours) => {
            let minute: u8 = minute.parse().ok().filter(|minute| *minute < 60)?;
            let times: Option<Vec<String>> = hours
                .split(',')
                .map(|hour| {
                    let hour: u8 = hour.parse().ok().filter(|hour| *hour < 24)?;
                    Some(format!("{hour:02}:{minute:02}"))
                })
                .collect();
            Some(fill(t.cron_at, &[("times", &times?.join(", "))]))
        }
    }
}

fn weekday_words(t: &Texts, field: &str) -> Option<String> {
    const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let name = |word: &str| -> Option<&str> {
        let index = match word.parse::<usize>() {
            Ok(number) => number % 7,
            Err(_) => NAMES.iter().position(|name| *name == word)?,
        };
        list(t.cron_weekdays, index)
    };
    let parts: Option<Vec<String>> = field
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((from, to)) => Some(fill(
                t.cron_from_to,
                &[("from", name(from)?), ("to", name(to)?)],
            )),
            None => name(part).map(str::to_owned),
        })
        .collect();
    Some(parts?.join(", "))
}

/// One word of a list in one text.
fn list(words: &'static str, index: usize) -> Option<&'static str> {
    words.split(' ').nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::{ENGLISH, GERMAN};

    #[test]
    fn usual_expressions_are_said_in_words() {
        for (cron, english, german) in [
            ("@daily", "at 00:00", "um 00:00"),
            ("0 2 * * *", "at 02:00", "um 02:00"),
            (
                "30 8,17 * * mon-fri",
                "at 08:30, 17:30, on Monday to Friday",
                "um 08:30, 17:30, am Montag bis Freitag",
            ),
            ("*/15 * * * *", "every 15 minutes", "alle 15 Minuten"),
            (
                "0 0 1 * *",
                "at 00:00, on day 1 of the month",
                "um 00:00, am 1. des Monats",
            ),
            (
                "0 6 * 12 7",
                "at 06:00, on Sunday, in December",
                "um 06:00, am Sonntag, im Dezember",
            ),
            (
                "0 15 */2 * * *",
                "every 2 hours at minute 15",
                "alle 2 Stunden zur Minute 15",
            ),
        ] {
            assert_eq!(
                cron_words(&ENGLISH, cron).as_deref(),
                Some(english),
                "{cron}"
            );
            assert_eq!(cron_words(&GERMAN, cron).as_deref(), Some(german), "{cron}");
        }
    }

    #[test]
    fn what_is_unusual_is_not_explained_wrongly() {
        for cron in [
            "",
            "0 2 * *",
            "0 2 1 * mon",
            "61 2 * * *",
            "1-5 2 * * *",
            "0 2 L * *",
            "0 25 * * *",
            "0 2 * 13 *",
        ] {
            assert_eq!(cron_words(&ENGLISH, cron), None, "{cron}");
        }
    }
}
