//! The kind `wait`: the run rests until a time, until its link is called, or until a person decides.

use serde_json::json;

use super::start;
use crate::{
    callback::{REJECTED, USUAL_TIMEOUT},
    catalog::{Entry, Field, FieldKind, Group, phrase, words},
};

/// `wait`: goes on later.
pub(super) fn wait() -> Entry {
    Entry {
        search: words(&[
            "delay", "sleep", "pause", "later", "timer", "reminder", "hold", "callback", "resume", "approval", "approve",
            "review", "human", "warten", "Verzögerung", "später", "Frist", "Erinnerung", "Pause", "Zeit", "Rückruf",
            "Freigabe", "Genehmigung", "Entscheidung",
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
            Field::new(
                "callback",
                phrase("Callback", "Rückruf"),
                FieldKind::Group(vec![timeout()]),
                phrase(
                    "Until somebody sends a request to the link of this step. A step before it hands the link out: = run.callbacks.ID, with the id of this step. What was sent goes on as {body, headers, query, at}.",
                    "Bis jemand eine Anfrage an den Link dieses Schritts sendet. Ein Schritt davor gibt den Link weiter: = run.callbacks.ID, mit der Kennung dieses Schritts. Das Gesendete geht als {body, headers, query, at} weiter.",
                ),
            )
            .example(json!({ "timeout": USUAL_TIMEOUT })),
            Field::new(
                "approval",
                phrase("Approval", "Freigabe"),
                FieldKind::Group(vec![
                    Field::new(
                        "title",
                        phrase("Title", "Titel"),
                        FieldKind::Text,
                        phrase(
                            "What is to be decided, in a line; the title of this step where nothing is said.",
                            "Was zu entscheiden ist, in einer Zeile; ohne Angabe der Titel dieses Schritts.",
                        ),
                    )
                    .expression()
                    .example("= `Order ${input.body.id} of ${input.body.total} EUR`"),
                    Field::new(
                        "text",
                        phrase("Text", "Text"),
                        FieldKind::Multiline,
                        phrase(
                            "What the person who decides should know.",
                            "Was die Person wissen soll, die entscheidet.",
                        ),
                    )
                    .expression(),
                    Field::new(
                        "form",
                        phrase("Form", "Formular"),
                        FieldKind::Schema,
                        phrase(
                            "What they fill in, as the JSON Schema of an object; it goes on as {decision, form, by, note, at}.",
                            "Was sie ausfüllt, als JSON-Schema eines Objekts; es geht als {decision, form, by, note, at} weiter.",
                        ),
                    ),
                    timeout(),
                ]),
                phrase(
                    "Until a person approves or rejects, on the page Approvals. The run goes on by ok or by rejected.",
                    "Bis eine Person auf der Seite „Freigaben“ zustimmt oder ablehnt. Der Lauf geht über ok oder rejected weiter.",
                ),
            )
            .port(REJECTED)
            .example(json!({ "timeout": USUAL_TIMEOUT })),
        ],
        exactly_one: words(&["for", "until", "callback", "approval"]),
        start: start([("for", json!("1h"))]),
        ..Entry::new(
            "wait",
            Group::Control,
            "hourglass",
            phrase("Wait", "Warten"),
            phrase(
                "Lets the run rest for up to a year: for some time, until a callback comes, or until a person approves.",
                "Lässt den Lauf bis zu einem Jahr ruhen: eine Zeit lang, bis ein Rückruf kommt oder bis eine Person zustimmt.",
            ),
        )
    }
}

fn timeout() -> Field {
    Field::new(
        "timeout",
        phrase("Timeout", "Frist"),
        FieldKind::Duration,
        phrase(
            "How long to wait for that; then the step fails as timed_out, and goes on by error where a link leaves from there.",
            "Wie lange darauf gewartet wird; danach scheitert der Schritt als timed_out und geht über error weiter, wo von dort ein Link abgeht.",
        ),
    )
    .expression()
    .default(USUAL_TIMEOUT)
    .example("2d")
}
