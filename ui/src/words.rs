//! How things are said: durations, spans of time, kinds, states and failure classes, in either language.

mod cron;

use weir_flows::{
    catalog::{Entry, Group},
    failure::Class,
};

use crate::{
    api::{RunStatus, StepStatus},
    kinds,
    kit::icon::Icon,
    texts::{Texts, fill},
};

pub(crate) use cron::cron_words;

const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// A duration in milliseconds with two units at most: `< 1 ms`, `12 ms`, `1.4 s`, `2 min 5 s`, `1 h 3 min`.
pub(crate) fn duration(t: &Texts, millis: f64) -> String {
    let pair = |big: f64, big_unit: &str, small: f64, small_unit: &str| {
        let whole = (millis / big).floor();
        let rest = ((millis - whole * big) / small).floor();
        if rest == 0.0 {
            format!("{whole} {big_unit}")
        } else {
            format!("{whole} {big_unit} {rest} {small_unit}")
        }
    };
    match millis {
        m if m < 1.0 => "< 1 ms".to_owned(),
        m if m < SECOND => format!("{:.0} ms", m.floor()),
        m if m < 10.0 * SECOND => {
            format!("{:.1} s", (m / 100.0).floor() / 10.0).replace('.', t.decimal_point)
        }
        m if m < MINUTE => format!("{:.0} s", (m / SECOND).floor()),
        m if m < HOUR => pair(MINUTE, "min", SECOND, "s"),
        m if m < DAY => pair(HOUR, "h", MINUTE, "min"),
        _ => pair(DAY, "d", HOUR, "h"),
    }
}

/// A span from now in words: negative milliseconds are past, positive ones are to come.
pub(crate) fn relative(t: &Texts, millis: f64) -> String {
    let past = millis < SECOND;
    let span = millis.abs();
    let say = |unit: f64, ago: &str, ahead: &str| {
        let n = (span / unit).floor();
        fill(if past { ago } else { ahead }, &[("n", &n.to_string())])
    };
    match span {
        s if s < 5.0 * SECOND && past => t.just_now.to_owned(),
        s if s < MINUTE => say(SECOND, t.seconds_ago, t.in_seconds),
        s if s < HOUR => say(MINUTE, t.minutes_ago, t.in_minutes),
        s if s < DAY => say(HOUR, t.hours_ago, t.in_hours),
        s if s < 2.0 * DAY => (if past { t.day_ago } else { t.in_day }).to_owned(),
        _ => say(DAY, t.days_ago, t.in_days),
    }
}

/// The end of a run's id: enough to tell runs apart by eye.
pub(crate) fn short_id(id: &str) -> &str {
    id.char_indices()
        .rev()
        .nth(7)
        .map_or(id, |(at, _)| &id[at..])
}

/// What a person reads for a run's status, and its icon.
pub(crate) fn run_status(t: &Texts, status: RunStatus) -> (&'static str, Icon) {
    match status {
        RunStatus::Running => (t.status_running, Icon::LoaderCircle),
        RunStatus::Waiting => (t.status_waiting, Icon::Hourglass),
        RunStatus::Succeeded => (t.status_succeeded, Icon::CircleCheck),
        RunStatus::Failed => (t.status_failed, Icon::CircleX),
        RunStatus::Cancelled => (t.status_cancelled, Icon::Ban),
    }
}

/// What a person reads for a step's status, its icon and the class it is styled by.
pub(crate) fn step_status(t: &Texts, status: StepStatus) -> (&'static str, Icon, &'static str) {
    match status {
        StepStatus::Pending => (t.status_pending, Icon::CircleDashed, "pending"),
        StepStatus::Running => (t.status_running, Icon::LoaderCircle, "running"),
        StepStatus::Waiting => (t.status_waiting, Icon::Hourglass, "waiting"),
        StepStatus::Succeeded => (t.status_succeeded, Icon::CircleCheck, "succeeded"),
        StepStatus::Failed => (t.status_failed, Icon::CircleX, "failed"),
        StepStatus::Skipped => (t.status_skipped, Icon::CircleSlash, "skipped"),
    }
}

/// A failure class in a few words, and what it means.
pub(crate) fn class(t: &Texts, class: Class) -> (&'static str, &'static str) {
    match class {
        Class::Transient => (t.class_transient, t.class_transient_text),
        Class::RateLimited => (t.class_rate_limited, t.class_rate_limited_text),
        Class::TimedOut => (t.class_timed_out, t.class_timed_out_text),
        Class::Rejected => (t.class_rejected, t.class_rejected_text),
        Class::Denied => (t.class_denied, t.class_denied_text),
        Class::Broken => (t.class_broken, t.class_broken_text),
        Class::Lost => (t.class_lost, t.class_lost_text),
    }
}

/// A failure class given by its word; the word itself where the page does not know it.
pub(crate) fn class_by_word(t: &Texts, word: &str) -> String {
    Class::ALL
        .into_iter()
        .find(|known| known.word() == word)
        .map_or(word, |known| class(t, known).0)
        .to_owned()
}

/// What a kind of trigger is called, and its icon; its word where the server does not know it.
pub(crate) fn trigger_kind(t: &Texts, kind: &str) -> (String, Icon) {
    match kinds::catalog().trigger(kind) {
        Some(entry) => entry_kind(t, entry),
        None => (kind.to_owned(), Icon::Zap),
    }
}

/// What a kind of step is called, and its icon; its word where the server does not know it.
pub(crate) fn step_kind(t: &Texts, kind: &str) -> (String, Icon) {
    match kinds::catalog().step(kind) {
        Some(entry) => entry_kind(t, entry),
        None => (kind.to_owned(), Icon::Braces),
    }
}

/// What an entry of the catalog is called, and its icon; that of its group where the page does not have its own.
pub(crate) fn entry_kind(t: &Texts, entry: &Entry) -> (String, Icon) {
    let icon = Icon::named(&entry.icon).unwrap_or(match entry.group {
        Group::Trigger => Icon::Zap,
        Group::Mapper => Icon::SquareFunction,
        Group::Action => Icon::Plug,
        Group::Control => Icon::Workflow,
    });
    (entry.title.of(t.language).to_owned(), icon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::{ENGLISH, GERMAN};

    #[test]
    fn durations() {
        for (millis, said) in [
            (0.0, "< 1 ms"),
            (12.4, "12 ms"),
            (999.9, "999 ms"),
            (1_449.0, "1.4 s"),
            (9_999.0, "9.9 s"),
            (12_345.0, "12 s"),
            (125_000.0, "2 min 5 s"),
            (120_000.0, "2 min"),
            (3_780_000.0, "1 h 3 min"),
            (90_000_000.0, "1 d 1 h"),
        ] {
            assert_eq!(duration(&ENGLISH, millis), said);
        }
        assert_eq!(duration(&GERMAN, 1_449.0), "1,4 s");
    }

    #[test]
    fn spans() {
        for (millis, said) in [
            (0.0, "just now"),
            (-4_000.0, "just now"),
            (-59_000.0, "59 s ago"),
            (-61_000.0, "1 min ago"),
            (-7_200_000.0, "2 h ago"),
            (-100_000_000.0, "1 day ago"),
            (-400_000_000.0, "4 days ago"),
            (400.0, "just now"),
            (3_000.0, "in 3 s"),
            (90_000.0, "in 1 min"),
            (100_000_000.0, "in 1 day"),
        ] {
            assert_eq!(relative(&ENGLISH, millis), said);
        }
        assert_eq!(relative(&GERMAN, -61_000.0), "vor 1 min");
    }

    #[test]
    fn ids_are_shortened_at_the_end() {
        assert_eq!(short_id("0190f5c8-1111-7abc-8def-0123456789ab"), "456789ab");
        assert_eq!(short_id("abc"), "abc");
    }

    #[test]
    fn classes_are_explained() {
        assert_eq!(class_by_word(&ENGLISH, "timed_out"), "No answer in time");
        assert_eq!(class_by_word(&ENGLISH, "novel"), "novel");
    }

    #[test]
    fn kinds_are_called_what_the_catalog_says() {
        kinds::learn(weir_flows::builtin::catalog());
        assert_eq!(
            trigger_kind(&GERMAN, "schedule"),
            ("Zeitplan".to_owned(), Icon::CalendarClock)
        );
        assert_eq!(
            step_kind(&ENGLISH, "branch"),
            ("Branch".to_owned(), Icon::Split)
        );
        assert_eq!(
            step_kind(&ENGLISH, "smtp"),
            ("smtp".to_owned(), Icon::Braces)
        );
    }

    #[test]
    fn every_kind_of_the_language_has_its_icon() {
        let catalog = weir_flows::builtin::catalog();
        for entry in catalog.triggers.iter().chain(&catalog.steps) {
            assert!(
                Icon::named(&entry.icon).is_some(),
                "{}: {}",
                entry.kind,
                entry.icon
            );
        }
        // One that the page does not have is drawn as others of its group.
        let novel = Entry {
            icon: "no-such-icon".into(),
            ..catalog.triggers[0].clone()
        };
        assert_eq!(entry_kind(&ENGLISH, &novel).1, Icon::Zap);
    }
}
