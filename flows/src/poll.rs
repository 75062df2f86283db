//! Polls: what a `poll` trigger asks, what its script gave, and when it asks again.

use serde_json::Value;

use crate::{
    failure::{Class, Failure},
    json::type_word,
    problem::suggestion,
    schedule::Schedule,
    script::Script,
};

/// The first pause before a poll that failed for a passing reason is made again, in milliseconds.
const FIRST_PAUSE: u64 = 5_000;

/// The longest of these pauses, in milliseconds.
const LONGEST_PAUSE: u64 = 5 * 60_000;

/// The largest cursor, in bytes of JSON: it says where a poll ended, and is not what it found.
const MOST_CURSOR: usize = 16 << 10;

/// A compiled poll.
#[derive(Debug)]
pub struct Poll {
    /// When it asks.
    pub schedule: Schedule,
    /// What asks: it sees `cursor` and `http`, and gives what [`Found`] reads.
    pub script: Script,
    /// The connection it uses.
    pub connection: Option<String>,
    /// How long one poll may take, in milliseconds.
    pub timeout_ms: u64,
}

/// What one poll may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// The most messages.
    pub messages: usize,
    /// The most bytes of all messages together, as JSON.
    pub bytes: usize,
}

/// What a poll found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The bodies of the messages, in order.
    pub messages: Vec<Value>,
    /// Where the next poll goes on; nothing where it stays where it was.
    pub cursor: Option<Value>,
    /// Whether there is more to find at once.
    pub more: bool,
}

impl Found {
    /// Reads what the script of a poll gave: `#{ messages: [...], cursor: ..., more: true }`. A cursor that is absent or `()`
    /// stays as it was, so that a page with nothing on it does not begin again from the start.
    ///
    /// # Errors
    /// `broken`, where it is something else or more than a poll may find.
    pub fn read(output: Value, most: Most) -> Result<Found, Failure> {
        let Value::Object(mut given) = output else {
            return Err(Failure::broken(format!(
                "the script of a poll must give #{{ messages: [...], cursor: ... }}, but it gave {}",
                type_word(&output)
            )));
        };
        let messages = match given.remove("messages") {
            Some(Value::Array(messages)) => messages,
            other => {
                let found = other.map_or_else(
                    || "is missing".to_owned(),
                    |other| format!("is {}", type_word(&other)),
                );
                return Err(Failure::broken(format!(
                    "`messages` {found} in what the script of the poll gave; it must be a list, which may be empty"
                )));
            }
        };
        let cursor = given.remove("cursor").filter(|cursor| !cursor.is_null());
        let more = match given.remove("more") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(more)) => more,
            Some(other) => {
                return Err(Failure::broken(format!(
                    "`more` must be true or false, but the script of the poll gave {}",
                    type_word(&other)
                )));
            }
        };
        if let Some(key) = given.keys().next() {
            return Err(Failure::broken(format!(
                "`{key}` is nothing that a poll gives{}; it gives messages, cursor and more",
                suggestion(key, ["messages", "cursor", "more"].into_iter())
            )));
        }
        if messages.len() > most.messages {
            return Err(Failure::broken(format!(
                "the poll found {} messages, and {} are the most of one poll; give fewer with `more: true`, and the rest next time",
                messages.len(),
                most.messages
            )));
        }
        let bytes: usize = messages
            .iter()
            .map(|message| message.to_string().len())
            .sum();
        if bytes > most.bytes {
            return Err(Failure::broken(format!(
                "the messages of the poll have {bytes} bytes, and {} are the most of one poll; give fewer with `more: true`, and the rest next time",
                most.bytes
            )));
        }
        check_cursor(cursor.as_ref())?;
        Ok(Found {
            messages,
            cursor,
            more,
        })
    }
}

/// Whether a cursor is small enough to be one.
///
/// # Errors
/// `broken` where it is not.
pub fn check_cursor(cursor: Option<&Value>) -> Result<(), Failure> {
    let bytes = cursor.map_or(0, |cursor| cursor.to_string().len());
    if bytes > MOST_CURSOR {
        return Err(Failure::broken(format!(
            "the cursor has {bytes} bytes, and {MOST_CURSOR} are the most; keep only what says where the next poll goes on"
        )));
    }
    Ok(())
}

/// When a poll that failed is made again, in milliseconds since 1970 in UTC: at its next instant, or sooner where the reason may
/// pass, and not before the other side asked for it. `failures` is how many failed in a row, this one counted.
pub fn next_after_failure(
    schedule: &Schedule,
    failure: &Failure,
    failures: u32,
    now_ms: i64,
) -> Option<i64> {
    let passing = matches!(
        failure.class,
        Class::Transient | Class::RateLimited | Class::TimedOut
    );
    let doublings = failures.saturating_sub(1).min(16);
    let pause = (FIRST_PAUSE << doublings).min(LONGEST_PAUSE);
    let soon = passing.then(|| now_ms.saturating_add_unsigned(pause));
    let next = schedule.next_after(now_ms);
    let at = [soon, next].into_iter().flatten().min()?;
    let asked = failure.retry_after_ms.unwrap_or(0);
    Some(at.max(now_ms.saturating_add_unsigned(asked)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MOST: Most = Most {
        messages: 3,
        bytes: 30,
    };

    #[test]
    fn what_a_script_gives_is_read_or_refused_with_a_reason() {
        let read = |value: Value| Found::read(value, MOST);
        let found = read(json!({ "messages": [1, { "a": 2 }], "cursor": 7, "more": true }));
        assert_eq!(
            found,
            Ok(Found {
                messages: vec![json!(1), json!({ "a": 2 })],
                cursor: Some(json!(7)),
                more: true,
            })
        );
        for stays in [
            json!({ "messages": [] }),
            json!({ "messages": [], "cursor": null, "more": null }),
        ] {
            let found = read(stays).unwrap();
            assert_eq!((found.cursor, found.more), (None, false));
        }
        for (wrong, says) in [
            (json!([1]), "it gave a list"),
            (json!(null), "it gave null"),
            (json!({ "cursor": 1 }), "`messages` is missing"),
            (json!({ "messages": {} }), "`messages` is"),
            (json!({ "messages": [], "more": 1 }), "`more` must be"),
            (
                json!({ "messages": [], "curser": 1 }),
                "did you mean `cursor`",
            ),
            (json!({ "messages": [1, 2, 3, 4] }), "4 messages"),
            (json!({ "messages": ["x".repeat(40)] }), "42 bytes"),
            (
                json!({ "messages": [], "cursor": "x".repeat(20_000) }),
                "the cursor has 20002 bytes",
            ),
        ] {
            let failure = read(wrong.clone()).unwrap_err();
            assert_eq!(failure.class, Class::Broken);
            assert!(failure.message.contains(says), "{wrong}: {failure}");
        }
    }

    #[test]
    fn a_poll_that_failed_is_made_again_sooner_where_that_may_help() {
        let config = json!({ "every": "1m" });
        let schedule = Schedule::new(config.as_object().unwrap()).unwrap();
        let hourly = json!({ "every": "1h" });
        let hourly = Schedule::new(hourly.as_object().unwrap()).unwrap();
        let after = |schedule, class, failures, asked: Option<u64>| {
            let failure = Failure {
                retry_after_ms: asked,
                ..Failure::new(class, "no")
            };
            next_after_failure(schedule, &failure, failures, 0)
        };
        let table = [
            (after(&schedule, Class::Broken, 1, None), 60_000),
            (after(&schedule, Class::Transient, 1, None), 5_000),
            (after(&schedule, Class::TimedOut, 3, None), 20_000),
            (after(&schedule, Class::Transient, 9, None), 60_000),
            (after(&hourly, Class::Transient, u32::MAX, None), 300_000),
            (
                after(&schedule, Class::RateLimited, 1, Some(90_000)),
                90_000,
            ),
            (after(&schedule, Class::RateLimited, 1, Some(1_000)), 5_000),
        ];
        for (at, expected) in table {
            assert_eq!(at, Some(expected));
        }
    }
}
