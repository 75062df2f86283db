//! Cron expressions on a local timeline: what they match, and what is refused with which advice.

use chrono::NaiveDateTime;
use weir_flows::cron::Cron;

fn time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
}

/// The next matches of an expression after a local time.
fn next(cron: &str, after: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse(cron).unwrap();
    let mut at = time(after);
    (0..count)
        .map(|_| {
            at = cron.next(at).unwrap();
            at.to_string()
        })
        .collect()
}

#[test]
fn expressions_match_as_crontab_says() {
    let table: &[(&str, &str, &[&str])] = &[
        (
            "0 2 * * *",
            "2026-01-01 02:00:00",
            &["2026-01-02 02:00:00", "2026-01-03 02:00:00"],
        ),
        (
            "30 0 2 * * *",
            "2026-01-01 02:00:00",
            &["2026-01-01 02:00:30"],
        ),
        (
            "*/20 9-10 * * *",
            "2026-01-01 09:30:00",
            &[
                "2026-01-01 09:40:00",
                "2026-01-01 10:00:00",
                "2026-01-01 10:20:00",
            ],
        ),
        (
            "5/25 * * * *",
            "2026-01-01 00:00:00",
            &[
                "2026-01-01 00:05:00",
                "2026-01-01 00:30:00",
                "2026-01-01 00:55:00",
                "2026-01-01 01:05:00",
            ],
        ),
        // Sunday as 0, 7 and by name; 2026-11-22 is a Sunday.
        ("0 0 * * 0", "2026-11-20 00:00:00", &["2026-11-22 00:00:00"]),
        ("0 0 * * 7", "2026-11-20 00:00:00", &["2026-11-22 00:00:00"]),
        (
            "0 0 * * sun",
            "2026-11-20 00:00:00",
            &["2026-11-22 00:00:00"],
        ),
        (
            "0 0 * * Fri-Sun",
            "2026-11-19 00:00:00",
            &[
                "2026-11-20 00:00:00",
                "2026-11-21 00:00:00",
                "2026-11-22 00:00:00",
                "2026-11-27 00:00:00",
            ],
        ),
        (
            "0 0 * * 5-7",
            "2026-11-21 12:00:00",
            &["2026-11-22 00:00:00", "2026-11-27 00:00:00"],
        ),
        (
            "0 0 * * 1-5",
            "2026-11-20 00:00:00",
            &["2026-11-23 00:00:00"],
        ),
        (
            "0 0 * * */2",
            "2026-11-22 00:00:00",
            &[
                "2026-11-24 00:00:00",
                "2026-11-26 00:00:00",
                "2026-11-28 00:00:00",
                "2026-11-29 00:00:00",
            ],
        ),
        // The 13th or a Friday.
        (
            "0 0 13 * 5",
            "2026-11-06 12:00:00",
            &[
                "2026-11-13 00:00:00",
                "2026-11-20 00:00:00",
                "2026-11-27 00:00:00",
                "2026-12-04 00:00:00",
                "2026-12-11 00:00:00",
                "2026-12-13 00:00:00",
            ],
        ),
        // A field that begins with * does not restrict: odd days that are Mondays.
        (
            "0 0 */2 * MON",
            "2026-11-01 00:00:00",
            &["2026-11-09 00:00:00", "2026-11-23 00:00:00"],
        ),
        (
            "0 0 ? * MON",
            "2026-11-01 00:00:00",
            &["2026-11-02 00:00:00"],
        ),
        (
            "0 0 1 jan,JUL ?",
            "2026-01-01 00:00:00",
            &["2026-07-01 00:00:00", "2027-01-01 00:00:00"],
        ),
        (
            "0 0 31 * *",
            "2026-01-31 00:00:00",
            &["2026-03-31 00:00:00", "2026-05-31 00:00:00"],
        ),
        (
            "0 0 29 2 *",
            "2026-01-01 00:00:00",
            &["2028-02-29 00:00:00", "2032-02-29 00:00:00"],
        ),
        ("@yearly", "2026-01-01 00:00:00", &["2027-01-01 00:00:00"]),
        ("@Annually", "2026-06-01 00:00:00", &["2027-01-01 00:00:00"]),
        ("@monthly", "2026-01-01 00:00:00", &["2026-02-01 00:00:00"]),
        ("@weekly", "2026-11-20 00:00:00", &["2026-11-22 00:00:00"]),
        ("@midnight", "2026-01-01 00:00:00", &["2026-01-02 00:00:00"]),
        ("@hourly", "2026-01-01 00:30:00", &["2026-01-01 01:00:00"]),
    ];
    for (cron, after, expected) in table {
        assert_eq!(
            next(cron, after, expected.len()),
            *expected,
            "{cron} after {after}"
        );
    }
}

#[test]
fn a_fraction_of_a_second_does_not_fire_twice() {
    let after = time("2026-01-01 02:00:00") + chrono::TimeDelta::milliseconds(1);
    assert_eq!(
        Cron::parse("0 2 * * *").unwrap().next(after),
        Some(time("2026-01-02 02:00:00"))
    );
}

#[test]
fn far_years_go_on() {
    assert_eq!(
        next("0 0 29 2 *", "2096-03-01 00:00:00", 2),
        ["2104-02-29 00:00:00", "2108-02-29 00:00:00"]
    );
    assert_eq!(
        next("30 12 * * MON", "2100-12-30 00:00:00", 2),
        ["2101-01-03 12:30:00", "2101-01-10 12:30:00"]
    );
    assert_eq!(
        next("0 0 31 12 *", "2399-12-31 00:00:00", 1),
        ["2400-12-31 00:00:00"]
    );
    assert_eq!(
        next("0 0 * * *", "2104-02-28 00:00:00", 2),
        ["2104-02-29 00:00:00", "2104-03-01 00:00:00"]
    );
    // A 29 February on a Sunday, across 2100 which has none.
    assert_eq!(
        next("0 0 29 2 */7", "2088-03-01 00:00:00", 1),
        ["2128-02-29 00:00:00"]
    );
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let table = [
        ("", "five fields"),
        ("* * *", "has 3 fields"),
        ("0 0 0 1 1 * 2027", "a year cannot be chosen"),
        ("61 * * * *", "61 must be from 0 to 59"),
        ("0 24 * * *", "24 must be from 0 to 23"),
        ("0 0 0 * *", "0 must be from 1 to 31"),
        ("0 0 * 13 *", "13 must be from 1 to 12"),
        ("0 0 * * 8", "8 must be from 0 to 7"),
        ("0 0 * * MOO", "a name from SUN on"),
        ("*/0 * * * *", "whole number from 1"),
        ("*/+5 * * * *", "whole number from 1"),
        ("+5 * * * *", "write a number"),
        ("5, * * * *", "a number is missing"),
        ("0 22-2 * * *", "22-23 and 0-2"),
        ("0 0 L * *", "`L` is not supported"),
        ("0 0 * * 5#2", "`5#2` is not supported"),
        ("? * * * *", "for the day fields only"),
        ("@reboot", "@daily"),
        ("@every 5m", "the field `every`"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
    ];
    for (cron, part) in table {
        let error = Cron::parse(cron).unwrap_err();
        assert!(error.contains(part), "{cron}: {error}");
    }
    // 30 February or a Monday does fire.
    assert!(Cron::parse("0 0 30 2 MON").is_ok());
}
