//! Random expressions against croner and against a clock that is watched minute by minute.

use std::str::FromStr;

use chrono::{TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use weir_flows::cron::Cron;

use crate::{ms, schedule};

/// Zones with ordinary, half-hour, midnight, southern, Ramadan and no changes.
const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Santiago",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
];

/// One field: a star, a step, a number, a list or a range.
fn field(min: u32, max: u32) -> impl Strategy<Value = String> {
    let number = min..=max;
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (2..=max.max(3) / 2).prop_map(|step| format!("*/{step}")),
        3 => number.clone().prop_map(|n| n.to_string()),
        1 => (number.clone(), number.clone()).prop_map(|(a, b)| format!("{a},{b}")),
        1 => (number.clone(), number).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
    ]
}

/// Expressions on which croner and we agree about what a local match is. We differ in two points and keep to
/// crontab(5) in both: a day field such as `*/2` begins with a star and so does not restrict (croner: it does), and
/// a day that no month has is refused when it is read. So day fields have no steps here, and days end with 28.
fn expression() -> impl Strategy<Value = String> {
    let plain = |min, max| {
        field(min, max).prop_map(|text| {
            if text.starts_with("*/") {
                "*".to_owned()
            } else {
                text
            }
        })
    };
    (
        prop_oneof![4 => Just(String::new()), 1 => (0u32..60).prop_map(|second| format!("{second} "))],
        field(0, 59),
        field(0, 23),
        plain(1, 28),
        field(1, 12),
        plain(0, 6),
    )
        .prop_map(|(second, minute, hour, day, month, weekday)| format!("{second}{minute} {hour} {day} {month} {weekday}"))
}

/// croner's next instants, at most `count`, as milliseconds. It may give up on what is rare.
fn oracle(cron: &str, zone: Tz, after_ms: i64, count: usize) -> Vec<i64> {
    let parsed = croner::parser::CronParser::builder()
        .seconds(croner::parser::Seconds::Optional)
        .build()
        .parse(cron)
        .unwrap();
    let mut at = Utc
        .timestamp_millis_opt(after_ms)
        .unwrap()
        .with_timezone(&zone);
    let mut found = Vec::new();
    while found.len() < count {
        let Ok(next) = parsed.find_next_occurrence(&at, false) else {
            break;
        };
        found.push(next.timestamp_millis());
        at = next;
    }
    found
}

/// Whether the clocks of the zone change between two instants.
fn clocks_change(zone: Tz, from_ms: i64, to_ms: i64) -> bool {
    use chrono::Offset;
    let offset = |at: i64| {
        let at = Utc.timestamp_millis_opt(at).unwrap();
        zone.offset_from_utc_datetime(&at.naive_utc())
            .fix()
            .local_minus_utc()
    };
    let mut at = from_ms;
    while at < to_ms {
        let next = (at + 86_400_000).min(to_ms);
        if offset(at) != offset(next) {
            return true;
        }
        at = next;
    }
    false
}

/// Whether every field of the time of day is one number: what croner calls a fixed-time job.
fn one_time_of_day(cron: &str) -> bool {
    let fields: Vec<&str> = cron.split(' ').collect();
    let day = fields.len() - 3;
    fields[..day]
        .iter()
        .all(|field| field.parse::<u32>().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Where the clocks stand still, we and croner agree on everything. Where they change, we agree on a single time
    /// of day, which both run once, and on what fires in every hour, which both run by real time. In between
    /// (`0,30 2 * * *`, `*/2` hours) croner goes by real time and loses a skipped time; we run it once, after the gap.
    #[test]
    fn croner_agrees(cron in expression(), zone in prop::sample::select(ZONES), after in 1_262_304_000_i64..2_050_000_000) {
        let tz = Tz::from_str(zone).unwrap();
        let expected = oracle(&cron, tz, after * 1000, 6);
        let ours: Vec<i64> = schedule(&cron, zone).next_fires(after * 1000, expected.len()).iter().map(|fire| fire.at_ms).collect();
        let end = expected.iter().chain(&ours).copied().max().unwrap_or(after * 1000);
        if one_time_of_day(&cron) || Cron::parse(&cron).unwrap().fires_every_hour() || !clocks_change(tz, after * 1000 - 86_400_000, end) {
            prop_assert_eq!(ours, expected, "{} in {} after {}", cron, zone, after);
        }
    }

    /// By counting: over the days around a change of clocks, the seconds at which an expression fires are exactly
    /// those whose local time matches, with our policy for what is skipped or comes twice.
    #[test]
    fn a_clock_that_is_watched_agrees(
        minute in field(0, 59), hour in field(0, 23),
        (zone, turn) in prop::sample::select(&[
            ("America/New_York", "2026-03-08T07:00:00Z"), ("America/New_York", "2026-11-01T06:00:00Z"),
            ("Europe/Berlin", "2026-03-29T01:00:00Z"), ("Europe/Berlin", "2026-10-25T01:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"), ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
            ("Antarctica/Troll", "2026-03-29T01:00:00Z"), ("Antarctica/Troll", "2026-10-25T01:00:00Z"),
            ("Africa/Casablanca", "2026-02-15T02:00:00Z"), ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ][..]),
        start in 0i64..180,
    ) {
        let tz = Tz::from_str(zone).unwrap();
        let cron = format!("{minute} {hour} * * *");
        let from = ms(turn) - 26 * 3_600_000 - start * 20_000;
        let to = ms(turn) + 26 * 3_600_000;
        let ours: Vec<i64> = schedule(&cron, zone).next_fires(from, 4000).into_iter().map(|fire| fire.at_ms).take_while(|at| *at <= to).collect();

        let matcher = Cron::parse(&cron).unwrap();
        let by_clock = matcher.fires_every_hour();
        let matches = |local: chrono::NaiveDateTime| matcher.next(local - chrono::TimeDelta::seconds(1)) == Some(local);
        let mut expected = Vec::new();
        let mut latest: Option<chrono::NaiveDateTime> = None; // the latest local time the clock has shown
        let mut at = from - 3 * 86_400_000;
        at -= at.rem_euclid(60_000);
        while at <= to {
            let local = Utc.timestamp_millis_opt(at).unwrap().with_timezone(&tz).naive_local();
            let seen = latest.is_some_and(|latest| local <= latest);
            let mut skipped = latest.map_or(local, |latest| latest + chrono::TimeDelta::minutes(1));
            let mut fires = matches(local) && (by_clock || !seen);
            while !by_clock && skipped < local {
                fires |= matches(skipped);
                skipped += chrono::TimeDelta::minutes(1);
            }
            if fires && at > from {
                expected.push(at);
            }
            latest = latest.max(Some(local));
            at += 60_000;
        }
        let differs = ours.iter().zip(&expected).position(|(a, b)| a != b).or((ours.len() != expected.len()).then_some(ours.len().min(expected.len())));
        prop_assert!(differs.is_none(), "{} in {} from {}: {:?} and not {:?}", cron, zone, from, differs.map(|at| ours.get(at)), differs.map(|at| expected.get(at)));
    }

    /// Fires come in order, after what was asked, on whole seconds, and asking from anywhere between two of them
    /// gives the later one.
    #[test]
    fn fires_are_a_sequence(cron in expression(), zone in prop::sample::select(ZONES), after in 0_i64..4_000_000_000, part in 0.0..1.0) {
        let schedule = schedule(&cron, zone);
        let fires = schedule.next_fires(after * 1000 + 1, 4);
        let mut last = after * 1000 + 1;
        for fire in fires {
            prop_assert!(fire.at_ms > last && fire.at_ms % 1000 == 0, "{} in {}", cron, zone);
            let between = last + ((fire.at_ms - last) as f64 * part) as i64;
            prop_assert_eq!(schedule.next_after(between.min(fire.at_ms - 1)), Some(fire.at_ms), "{} in {} at {}", cron, zone, between);
            last = fire.at_ms;
        }
    }
}

/// Where croner and we differ on purpose: one example of each kind.
#[test]
fn differences_from_croner_are_known() {
    let berlin = Tz::from_str("Europe/Berlin").unwrap();
    let before = ms("2026-03-29T00:00:00+01:00");
    let hour = |at: i64| {
        Utc.timestamp_millis_opt(at)
            .unwrap()
            .with_timezone(&berlin)
            .hour()
    };
    // Two times of day: croner takes them for an interval and loses the day, we run once after the gap.
    let ours = schedule("0,30 2 * * *", "Europe/Berlin")
        .next_after(before)
        .unwrap();
    assert_eq!((ours, hour(ours)), (ms("2026-03-29T03:00:00+02:00"), 3));
    assert_eq!(
        oracle("0,30 2 * * *", berlin, before, 1),
        [ms("2026-03-30T02:00:00+02:00")]
    );
    // `*/2` as a day does not restrict: odd days that are Mondays, and not odd days and Mondays.
    let november = ms("2026-11-01T12:00:00+01:00");
    assert_eq!(
        schedule("0 0 */2 * 1", "Europe/Berlin").next_after(november),
        Some(ms("2026-11-09T00:00:00+01:00"))
    );
    assert_eq!(
        oracle("0 0 */2 * 1", berlin, november, 1),
        [ms("2026-11-02T00:00:00+01:00")]
    );
}

/// Every fire of two years in twenty zones: what the random expressions might leave out. One time of day each, or every
/// hour, which are the kinds on which we and croner agree on days when the clocks change, too.
#[test]
fn two_years_in_twenty_zones() {
    let from = ms("2025-12-31T12:00:00Z");
    let to = ms("2027-12-31T12:00:00Z");
    for zone in ZONES {
        let tz = Tz::from_str(zone).unwrap();
        for (cron, at_least) in [
            ("30 2 * * *", 720),
            ("0 0 * * *", 720),
            ("59 23 * * 1-5", 500),
            ("15 1 * * SUN", 100),
            ("0 12 1,15 * MON", 140),
            ("0 3 29 FEB *", 0),
            ("20 * * * *", 17_000),
        ] {
            let expected = oracle(cron, tz, from, 18_000);
            let expected: Vec<i64> = expected.into_iter().take_while(|at| *at <= to).collect();
            let ours = schedule(cron, zone).next_fires(from, expected.len() + 1);
            let ours: Vec<i64> = ours
                .iter()
                .map(|fire| fire.at_ms)
                .take_while(|at| *at <= to)
                .collect();
            let differs = ours.iter().zip(&expected).find(|(a, b)| a != b);
            assert!(
                expected.len() >= at_least,
                "{cron} in {zone}: {}",
                expected.len()
            );
            assert!(
                differs.is_none() && ours.len() == expected.len(),
                "{cron} in {zone}: {differs:?}, {} and {}",
                ours.len(),
                expected.len()
            );
        }
    }
}
