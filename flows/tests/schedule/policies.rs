//! What a trigger declares for times that cannot be kept: clocks that change, instants that were missed, overlap.

use serde_json::{Value, json};
use weir_flows::schedule::{Due, Overlap, Schedule};

use crate::{config, ms};

fn schedule(value: Value) -> Schedule {
    Schedule::new(&config(value)).unwrap()
}

/// The local times of the next fires in Berlin on the day after `after`.
fn day(cron: &str, policy: Value, after: &str) -> Vec<String> {
    let mut value = json!({ "cron": cron, "timezone": "Europe/Berlin" });
    for (field, choice) in policy.as_object().unwrap() {
        value[field] = choice.clone();
    }
    let after = ms(after);
    schedule(value)
        .next_fires(after, 200)
        .into_iter()
        .take_while(|fire| fire.at_ms <= after + 86_400_000)
        .map(|fire| match fire.odd {
            None => fire.local,
            Some(odd) => format!("{} {odd:?}", fire.local),
        })
        .collect()
}

/// Berlin 2026: 02:00 +01:00 to 03:00 +02:00 on 29 March, 03:00 +02:00 to 02:00 +01:00 on 25 October.
#[test]
fn clocks_that_change() {
    let (spring, autumn) = ("2026-03-29T00:00:00+01:00", "2026-10-25T00:00:00+02:00");
    let table: &[(&str, Value, &str, &[&str])] = &[
        (
            "30 2 * * *",
            json!({}),
            spring,
            &["2026-03-29T03:00:00+02:00 Skipped"],
        ),
        (
            "30 2 * * *",
            json!({ "skipped": "next", "doubled": "twice" }),
            spring,
            &["2026-03-29T03:00:00+02:00 Skipped"],
        ),
        ("30 2 * * *", json!({ "skipped": "skip" }), spring, &[]),
        (
            "0 2,3 * * *",
            json!({ "skipped": "skip" }),
            spring,
            &["2026-03-29T03:00:00+02:00"],
        ),
        (
            "30 2 * * *",
            json!({}),
            autumn,
            &["2026-10-25T02:30:00+02:00 Doubled"],
        ),
        (
            "30 2 * * *",
            json!({ "doubled": "once", "skipped": "skip" }),
            autumn,
            &["2026-10-25T02:30:00+02:00 Doubled"],
        ),
        (
            "0,30 2 * * *",
            json!({ "doubled": "twice" }),
            autumn,
            &[
                "2026-10-25T02:00:00+02:00 Doubled",
                "2026-10-25T02:30:00+02:00 Doubled",
                "2026-10-25T02:00:00+01:00 Doubled",
                "2026-10-25T02:30:00+01:00 Doubled",
            ],
        ),
        (
            "0 3 * * *",
            json!({ "doubled": "twice" }),
            autumn,
            &["2026-10-25T03:00:00+01:00"],
        ),
    ];
    for (cron, policy, after, expected) in table {
        assert_eq!(
            &day(cron, policy.clone(), after),
            expected,
            "{cron} {policy} after {after}"
        );
    }
    // What fires in every hour follows the hours as they pass, whatever is chosen: 23 and 25 of them.
    for policy in [
        json!({}),
        json!({ "skipped": "skip" }),
        json!({ "doubled": "twice" }),
    ] {
        assert_eq!(
            day("0 * * * *", policy.clone(), spring).len(),
            24,
            "{policy}: none is left out and none hurries"
        );
        let autumn = day("0 * * * *", policy, autumn);
        assert_eq!(
            autumn
                .iter()
                .filter(|fire| fire.ends_with("Doubled"))
                .count(),
            2
        );
    }
}

/// At noon, for a schedule of every minute whose earliest instant that was not dealt with lies back so far.
#[test]
fn instants_that_were_missed() {
    let noon = ms("2026-05-05T12:00:00Z");
    let minute = |offset: i64| noon + offset * 60_000;
    let due = |policy: &str, first_ms: i64, now_ms: i64| {
        schedule(json!({ "cron": "* * * * *", "missed": policy })).due(first_ms, now_ms)
    };
    let at = |at_ms: Option<i64>, next_ms: i64| Due {
        at_ms,
        next_ms: Some(next_ms),
    };
    for policy in ["skip", "latest", "all"] {
        // Ten seconds late is met; each that is met has its run.
        for late in [0, 1, 10_000] {
            assert_eq!(
                due(policy, noon, noon + late),
                at(Some(noon), minute(1)),
                "{policy}"
            );
        }
    }
    // A second later it is missed.
    let now = noon + 10_001;
    assert_eq!(due("skip", noon, now), at(None, minute(1)));
    assert_eq!(due("latest", noon, now), at(Some(noon), minute(1)));
    assert_eq!(due("all", noon, now), at(Some(noon), minute(1)));
    // An hour was slept through.
    let now = noon + 30_000;
    assert_eq!(due("skip", minute(-60), now), at(None, minute(1)));
    assert_eq!(due("latest", minute(-60), now), at(Some(noon), minute(1)));
    assert_eq!(
        due("all", minute(-60), now),
        at(Some(minute(-60)), minute(-59))
    );
    // The last one is met: it runs, and stands for the others.
    let now = noon + 5_000;
    for policy in ["skip", "latest"] {
        assert_eq!(
            due(policy, minute(-60), now),
            at(Some(noon), minute(1)),
            "{policy}"
        );
    }
    // `all` is bounded: the last hundred.
    assert_eq!(
        due("all", minute(-99), now),
        at(Some(minute(-99)), minute(-98))
    );
    assert_eq!(
        due("all", minute(-100), now),
        at(Some(minute(-99)), minute(-98))
    );
    assert_eq!(
        due("all", minute(-1_000_000), now),
        at(Some(minute(-99)), minute(-98))
    );
}

/// A year of seconds is not counted one by one, and every instant of `all` comes once and in order.
#[test]
fn a_long_sleep_is_short_to_count() {
    let now = ms("2026-05-05T12:00:00Z");
    let year = 365 * 86_400_000;
    let every = |policy: &str| schedule(json!({ "every": "1s", "missed": policy }));
    assert_eq!(
        every("latest").due(now - year, now).at_ms,
        Some(now - 10_000),
        "the first that is met"
    );
    let daily = |policy: &str| {
        schedule(json!({ "cron": "30 2 * * *", "timezone": "Europe/Berlin", "missed": policy }))
    };
    let last = ms("2026-05-05T02:30:00+02:00");
    assert_eq!(daily("latest").due(now - year, now).at_ms, Some(last));
    let (mut first, mut all) = (now - year, Vec::new());
    while first <= now {
        let due = daily("all").due(first, now);
        all.extend(due.at_ms);
        first = due.next_ms.unwrap();
    }
    let expected: Vec<i64> = daily("all")
        .next_fires(all[0] - 1, 100)
        .iter()
        .map(|fire| fire.at_ms)
        .collect();
    assert_eq!(all, expected);
    assert_eq!(all.last(), Some(&last));
}

#[test]
fn policies_are_known_or_refused() {
    let cron = |field: &str, choice: Value| {
        let mut value = json!({ "cron": "0 2 * * *" });
        value[field] = choice;
        Schedule::new(&config(value))
    };
    assert_eq!(
        cron("overlap", json!("skip")).unwrap().overlap(),
        Overlap::Skip
    );
    assert_eq!(
        cron("overlap", json!("cancel")).unwrap().overlap(),
        Overlap::Cancel
    );
    assert_eq!(schedule(json!({ "every": "5m" })).overlap(), Overlap::Queue);
    for (field, wrong) in [
        ("overlap", json!("replace")),
        ("missed", json!("some")),
        ("skipped", json!(true)),
        ("doubled", json!("thrice")),
    ] {
        let errors = cron(field, wrong.clone()).unwrap_err();
        assert!(
            errors.len() == 1
                && errors[0].0 == field
                && errors[0].1.contains("not known in this version"),
            "{errors:?}"
        );
    }
    for field in ["skipped", "doubled"] {
        let mut value = json!({ "every": "5m" });
        value[field] = json!(if field == "skipped" { "skip" } else { "twice" });
        let errors = Schedule::new(&config(value)).unwrap_err();
        assert!(errors.len() == 1 && errors[0].0 == field, "{errors:?}");
    }
}
