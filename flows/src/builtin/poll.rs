//! The kind `poll`: a script that asks another side, again and again, what is new since its cursor.

use serde_json::json;

use super::{start, triggers};
use crate::{
    catalog::{Action, Entry, Field, FieldKind, Group, Idempotent, Presence, phrase, words},
    failure::Class,
};

/// How long one poll may take where the trigger does not say: a minute.
const TIMEOUT_MS: u64 = 60_000;

/// What a new poll does.
const SCRIPT: &str = "\
let page = http.get(\"/changes\", #{ query: #{ after: cursor ?? 0 } }).body;

#{ messages: page.items, cursor: page.last, more: page.more }";

/// `poll`: a run for each message that a script finds.
pub(super) fn poll() -> Entry {
    let mut fields = vec![
        Field::new(
            "script",
            phrase("Script", "Skript"),
            FieldKind::Script,
            phrase(
                "Asks by http what is new since cursor, which is () at first, and gives #{ messages: [...], cursor: ... }. Each message starts a run; the messages and the new cursor are stored together, so nothing is lost or doubled. With more: true it asks again at once.",
                "Fragt über http, was es seit cursor Neues gibt (anfangs ()), und liefert #{ messages: [...], cursor: ... }. Jede Nachricht startet einen Lauf; Nachrichten und neuer Cursor werden zusammen gespeichert, so geht nichts verloren und nichts kommt doppelt. Mit more: true wird sofort weitergefragt.",
            ),
        )
        .required()
        .seeing(&["cursor", "http"])
        .example(SCRIPT),
    ];
    fields.extend(triggers::times());
    fields.push(
        Field::new(
            "timeout",
            phrase("Time limit", "Zeitlimit"),
            FieldKind::Duration,
            phrase(
                "How long one poll may take with all its calls, such as 30s.",
                "Wie lange eine Abfrage mit allen ihren Aufrufen dauern darf, etwa 30s.",
            ),
        )
        .default("1m")
        .advanced(),
    );
    Entry {
        search: words(&[
            "poll",
            "polling",
            "fetch",
            "watch",
            "changes",
            "new",
            "sync",
            "cursor",
            "since",
            "abfragen",
            "abholen",
            "Änderungen",
            "Neues",
            "prüfen",
            "synchronisieren",
        ]),
        fields,
        exactly_one: words(&["cron", "every"]),
        start: start([("every", json!("5m")), ("script", json!(SCRIPT))]),
        output: Some(triggers::message("poll", json!({}))),
        action: Some(Action {
            connection: Presence::Allowed,
            // A poll that failed moved nothing.
            idempotent: Idempotent::Always,
            failures: Class::OF_CALLS.to_vec(),
            attempts: 1,
            timeout_ms: TIMEOUT_MS,
        }),
        ..Entry::new(
            "poll",
            Group::Trigger,
            "refresh-cw",
            phrase("Poll", "Abfrage"),
            phrase(
                "Asks another system at given times what is new, and starts a run for each of it.",
                "Fragt ein anderes System zu festgelegten Zeiten, was es Neues gibt, und startet dafür je einen Lauf.",
            ),
        )
    }
}
