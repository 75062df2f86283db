//! Tables over zones whose clocks change in unusual ways, `every`, and wrong configurations.

use serde_json::json;
use weir_flows::schedule::{Odd, Schedule};

use crate::{config, ms, schedule};

/// The local times of the next fires, each with a mark where it is odd.
fn fires(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    schedule(cron, zone)
        .next_fires(ms(after), count)
        .into_iter()
        .map(|fire| {
            assert_eq!(fire.at_ms, ms(&fire.local), "the local text is the instant");
            let mark = match fire.odd {
                None => "",
                Some(Odd::Skipped) => " skipped",
                Some(Odd::Doubled) => " doubled",
            };
            fire.local + mark
        })
        .collect()
}

#[test]
fn days_on_which_the_clocks_change() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        // New York 2026: 02:00 -05:00 to 03:00 -04:00 on 8 March, 02:00 -04:00 to 01:00 -05:00 on 1 November.
        (
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T00:00:00-05:00",
            &[
                "2026-03-07T02:30:00-05:00",
                "2026-03-08T03:00:00-04:00 skipped",
                "2026-03-09T02:30:00-04:00",
            ],
        ),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00:00-04:00",
            &[
                "2026-11-01T01:30:00-04:00 doubled",
                "2026-11-02T01:30:00-05:00",
            ],
        ),
        // Several skipped times make one run, and so does one that meets the end of the gap.
        (
            "0,20,40 2 * * *",
            "America/New_York",
            "2026-03-08T00:00:00-05:00",
            &[
                "2026-03-08T03:00:00-04:00 skipped",
                "2026-03-09T02:00:00-04:00",
            ],
        ),
        (
            "0 2,3 * * *",
            "America/New_York",
            "2026-03-08T00:00:00-05:00",
            &[
                "2026-03-08T03:00:00-04:00 skipped",
                "2026-03-09T02:00:00-04:00",
            ],
        ),
        // What fires every hour goes by real time: no pause, no burst.
        (
            "30 * * * *",
            "America/New_York",
            "2026-03-08T00:45:00-05:00",
            &["2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00"],
        ),
        (
            "30 * * * *",
            "America/New_York",
            "2026-11-01T00:45:00-04:00",
            &[
                "2026-11-01T01:30:00-04:00 doubled",
                "2026-11-01T01:30:00-05:00 doubled",
                "2026-11-01T02:30:00-05:00",
            ],
        ),
        (
            "*/30 * * * *",
            "America/New_York",
            "2026-11-01T00:45:00-04:00",
            &[
                "2026-11-01T01:00:00-04:00 doubled",
                "2026-11-01T01:30:00-04:00 doubled",
                "2026-11-01T01:00:00-05:00 doubled",
                "2026-11-01T01:30:00-05:00 doubled",
                "2026-11-01T02:00:00-05:00",
            ],
        ),
        // Berlin 2026: 29 March and 25 October.
        (
            "0 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00+01:00",
            &[
                "2026-03-29T03:00:00+02:00 skipped",
                "2026-03-30T02:00:00+02:00",
            ],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00+02:00",
            &[
                "2026-10-25T02:30:00+02:00 doubled",
                "2026-10-26T02:30:00+01:00",
            ],
        ),
        (
            "15 */2 * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00+02:00",
            &[
                "2026-10-25T00:15:00+02:00",
                "2026-10-25T02:15:00+02:00 doubled",
                "2026-10-25T04:15:00+01:00",
            ],
        ),
        // Asked in the second pass of a doubled hour.
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T02:10:00+01:00",
            &["2026-10-26T02:30:00+01:00"],
        ),
        (
            "0 3 * * *",
            "Europe/Berlin",
            "2026-10-25T02:10:00+01:00",
            &["2026-10-25T03:00:00+01:00"],
        ),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T02:10:00+01:00",
            &[
                "2026-10-25T02:30:00+01:00 doubled",
                "2026-10-25T03:30:00+01:00",
            ],
        ),
        // Asked in the first pass, after this hour's time.
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T02:40:00+02:00",
            &[
                "2026-10-25T02:30:00+01:00 doubled",
                "2026-10-25T03:30:00+01:00",
            ],
        ),
        // Lord Howe moves by 30 minutes: 02:00 to 02:30 on 4 October, 02:00 to 01:30 on 5 April.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00+10:30",
            &[
                "2026-10-04T02:30:00+11:00 skipped",
                "2026-10-05T02:15:00+11:00",
            ],
        ),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12:00:00+11:00",
            &[
                "2026-04-05T01:45:00+11:00 doubled",
                "2026-04-06T01:45:00+10:30",
            ],
        ),
        (
            "45 * * * *",
            "Australia/Lord_Howe",
            "2026-04-05T01:00:00+11:00",
            &[
                "2026-04-05T01:45:00+11:00 doubled",
                "2026-04-05T01:45:00+10:30 doubled",
                "2026-04-05T02:45:00+10:30",
            ],
        ),
        // Apia had no 30 December 2011.
        (
            "0 12 30 * *",
            "Pacific/Apia",
            "2011-12-01T00:00:00-10:00",
            &[
                "2011-12-31T00:00:00+14:00 skipped",
                "2012-01-30T12:00:00+14:00",
            ],
        ),
        (
            "0 12 * * *",
            "Pacific/Apia",
            "2011-12-29T00:00:00-10:00",
            &[
                "2011-12-29T12:00:00-10:00",
                "2011-12-31T00:00:00+14:00 skipped",
                "2011-12-31T12:00:00+14:00",
            ],
        ),
        (
            "* * * * * *",
            "Pacific/Apia",
            "2011-12-29T23:59:58-10:00",
            &[
                "2011-12-29T23:59:59-10:00",
                "2011-12-31T00:00:00+14:00",
                "2011-12-31T00:00:01+14:00",
            ],
        ),
        // Casablanca leaves its standard +01 for Ramadan: back at 03:00 on 15 February 2026, on at 02:00 on 22 March.
        (
            "30 2 * * *",
            "Africa/Casablanca",
            "2026-02-14T12:00:00+01:00",
            &["2026-02-15T02:30:00+01:00 doubled", "2026-02-16T02:30:00Z"],
        ),
        (
            "30 2 * * *",
            "Africa/Casablanca",
            "2026-03-21T12:00:00Z",
            &[
                "2026-03-22T03:00:00+01:00 skipped",
                "2026-03-23T02:30:00+01:00",
            ],
        ),
        // Midnight itself is skipped in Cairo.
        (
            "@daily",
            "Africa/Cairo",
            "2026-04-23T12:00:00+02:00",
            &[
                "2026-04-24T01:00:00+03:00 skipped",
                "2026-04-25T00:00:00+03:00",
            ],
        ),
        (
            "@daily",
            "Asia/Kathmandu",
            "2026-04-23T12:00:00+05:45",
            &["2026-04-24T00:00:00+05:45"],
        ),
    ];
    for (cron, zone, after, expected) in table {
        assert_eq!(
            fires(cron, zone, after, expected.len()),
            *expected,
            "{cron} in {zone} after {after}"
        );
    }
}

#[test]
fn every_counts_from_1970() {
    let table = [
        ("15m", "2026-01-01T10:00:00Z", "2026-01-01T10:15:00Z"),
        ("15m", "2026-01-01T10:14:59.999Z", "2026-01-01T10:15:00Z"),
        ("1d", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("7h", "1970-01-01T00:00:00Z", "1970-01-01T07:00:00Z"),
        ("1500ms", "1970-01-01T00:00:00Z", "1970-01-01T00:00:01.500Z"),
        ("1h", "1969-12-31T23:30:00Z", "1970-01-01T00:00:00Z"),
    ];
    for (every, after, expected) in table {
        let schedule = Schedule::new(&config(json!({ "every": every }))).unwrap();
        assert_eq!(
            schedule.next_fires(ms(after), 1)[0].local,
            expected,
            "{every} after {after}"
        );
    }
}

#[test]
fn wrong_configurations_name_their_field() {
    let table = [
        (json!({}), "", "needs `cron`"),
        (
            json!({ "cron": "0 2 * * *", "every": "5m" }),
            "every",
            "remove one",
        ),
        (
            json!({ "every": "5m", "timezone": "Europe/Berlin" }),
            "timezone",
            "no meaning",
        ),
        (json!({ "every": "10ms" }), "every", "shortest"),
        (json!({ "every": "0s" }), "every", "shortest"),
        (json!({ "every": "soon" }), "every", "not a duration"),
        (json!({ "every": 5 }), "every", "must be a text"),
        (json!({ "cron": "0 2 * *" }), "cron", "4 fields"),
        (json!({ "cron": "0 0 30 2 *" }), "cron", "never fires"),
        (
            json!({ "cron": "0 2 * * *", "timezone": "europe/berlin" }),
            "timezone",
            "write `Europe/Berlin`",
        ),
        (
            json!({ "cron": "0 2 * * *", "timezone": "Europe/Berlim" }),
            "timezone",
            "did you mean `Europe/Berlin`?",
        ),
    ];
    for (value, field, part) in table {
        let errors = Schedule::new(&config(value.clone())).unwrap_err();
        assert_eq!(errors.len(), 1, "{value}: {errors:?}");
        assert!(
            errors[0].0 == field && errors[0].1.contains(part),
            "{value}: {errors:?}"
        );
    }
    let both = Schedule::new(&config(json!({ "cron": "x", "timezone": "y" }))).unwrap_err();
    assert_eq!(both.len(), 2);
}

#[test]
fn the_ends_of_the_calendar_are_quiet() {
    let yearly = schedule("0 0 29 2 *", "Pacific/Apia");
    assert_eq!(
        yearly
            .next_after(ms("2897-01-01T00:00:00Z"))
            .map(|at| at > ms("2899-01-01T00:00:00Z")),
        Some(true)
    );
    for after in [
        i64::MAX,
        i64::MIN,
        8_210_266_876_799_999,
        -8_334_601_228_800_000,
    ] {
        let _ = yearly.next_fires(after, 3);
        let _ = Schedule::new(&config(json!({ "every": "7d" })))
            .unwrap()
            .next_after(after);
    }
    assert_eq!(
        Schedule::new(&config(json!({ "every": "7d" })))
            .unwrap()
            .next_after(i64::MAX),
        None
    );
}
