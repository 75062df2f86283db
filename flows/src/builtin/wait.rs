//! The kind `wait`: the run rests until a time.

use serde_json::json;

use super::start;
use crate::catalog::{Entry, Field, FieldKind, Group, phrase, words};

/// `wait`: goes on later.
pub(super) fn wait() -> Entry {
    Entry {
        search: words(&[
            "delay", "sleep", "pause", "later", "timer", "reminder", "hold", "warten", "Verzögerung", "später", "Frist",
            "Erinnerung", "Pause", "Zeit",
        ]),
        fields: vec![
            Field::new(
                "for",
                phrase("For", "Dauer"),
                FieldKind::Duration,
                phrase(
                    "How long, from the moment this step starts: 90s, 2h, 7d.",
                    "Wie lange, von dem Moment an, in dem der Schritt beginnt: 90s, 2h, 7d.",
                ),
            )
            .expression()
            .example("2h"),
            Field::new(
                "until",
                phrase("Until", "Bis"),
                FieldKind::Text,
                phrase(
                    "Until when, as a date and time with its offset, usually an expression: = input.body.due_at. What is past already is not waited for.",
                    "Bis wann, als Datum und Uhrzeit mit Zeitzonenabstand, meist ein Ausdruck: = input.body.due_at. Auf Vergangenes wird nicht gewartet.",
                ),
            )
            .expression()
            .example("= input.body.due_at"),
        ],
        exactly_one: words(&["for", "until"]),
        start: start([("for", json!("1h"))]),
        ..Entry::new(
            "wait",
            Group::Control,
            "hourglass",
            phrase("Wait", "Warten"),
            phrase(
                "Lets the run rest for some time, up to a year; its input goes on unchanged.",
                "Lässt den Lauf eine Zeit lang ruhen, bis zu einem Jahr; seine Eingabe geht unverändert weiter.",
            ),
        )
    }
}
