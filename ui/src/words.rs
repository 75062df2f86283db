//! How things are said: durations, spans of time, kinds, states and failure classes. Pure, in either language.

use weir_flows::failure::Class;

use crate::{
    api::{RunStatus, StepStatus},
    kit::icon::Icon,
    texts::{Texts, fill},
};

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
    let past = millis <= 0.0;
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

/// What a kind of trigger is called, and its icon.
pub(crate) fn trigger_kind(t: &Texts, kind: &str) -> (String, Icon) {
    let (word, icon) = match kind {
        "http" => (t.kind_http_trigger, Icon::LogIn),
        "webhook" => (t.kind_webhook, Icon::Webhook),
        "schedule" => (t.kind_schedule, Icon::CalendarClock),
        "poll" => (t.kind_poll, Icon::Radar),
        "manual" => (t.kind_manual, Icon::Hand),
        "flow" => (t.kind_flow, Icon::Workflow),
        other => (other, Icon::Zap),
    };
    (word.to_owned(), icon)
}

/// What a kind of step is called, and its icon.
pub(crate) fn step_kind(t: &Texts, kind: &str) -> (String, Icon) {
    let (word, icon) = match kind {
        "map" => (t.kind_map, Icon::SquareFunction),
        "fields" => (t.kind_fields, Icon::TableProperties),
        "validate" => (t.kind_validate, Icon::ShieldCheck),
        "http" => (t.kind_http, Icon::Globe),
        "script" => (t.kind_script, Icon::CodeXml),
        "branch" => (t.kind_branch, Icon::Split),
        "each" => (t.kind_each, Icon::Repeat),
        "call" => (t.kind_call, Icon::Workflow),
        "wait" => (t.kind_wait, Icon::Hourglass),
        "respond" => (t.kind_respond, Icon::Reply),
        "fail" => (t.kind_fail, Icon::OctagonX),
        other => (other, Icon::Braces),
    };
    (word.to_owned(), icon)
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
}
