//! The kind `each`: a small flow of its own for every item of a list.

use serde_json::json;

use super::start;
use crate::catalog::{Entry, Field, FieldKind, Group, choice, phrase, words};

/// The most items of an `each` step that does not say how many it takes.
pub const USUAL_ITEMS: usize = 10_000;

/// The most items that an `each` step may take.
const MOST_ITEMS: i64 = 100_000;

/// The most items that may be underway at once.
const MOST_AT_ONCE: i64 = 100;

/// `each`: runs its body for every item.
pub(super) fn each() -> Entry {
    Entry {
        search: words(&[
            "loop", "for each", "iterate", "repeat", "list", "batch", "split", "lines", "Schleife", "wiederholen", "Liste",
            "Positionen", "jedes", "Element", "durchlaufen",
        ]),
        fields: vec![
            Field::new(
                "items",
                phrase("Items", "Elemente"),
                FieldKind::Any,
                phrase(
                    "The list whose items are gone through, usually an expression: = input.body.lines.",
                    "Die Liste, deren Elemente durchlaufen werden, meist ein Ausdruck: = input.body.lines.",
                ),
            )
            .required()
            .expression()
            .example("= input.body.lines"),
            Field::new(
                "body",
                phrase("Body", "Ablauf"),
                FieldKind::Body,
                phrase(
                    "What is done for every item: steps and links as in a flow. Steps that no link enters come first; their input is the item. In scope: item, index, and all that the flow has so far. What the last step gives is the result.",
                    "Was für jedes Element geschieht: Schritte und Verbindungen wie in einem Flow. Schritte ohne eingehende Verbindung kommen zuerst; ihre Eingabe ist das Element. Verfügbar sind item, index und alles, was der Flow bis dahin hat. Das Ergebnis ist, was der letzte Schritt ergibt.",
                ),
            )
            .required(),
            Field::new(
                "on_item_error",
                phrase("When an item fails", "Wenn ein Element scheitert"),
                FieldKind::Choice(vec![
                    choice("stop", "The step fails", "Der Schritt scheitert"),
                    choice("collect", "Go on and tell it in the results", "Weitermachen und im Ergebnis vermerken"),
                ]),
                phrase(
                    "Whether the first item that fails makes the step fail, or each result says how its item went: {ok: true, output} or {ok: false, error}.",
                    "Ob das erste Element, das scheitert, den Schritt scheitern lässt, oder jedes Ergebnis sagt, wie es ausging: {ok: true, output} oder {ok: false, error}.",
                ),
            )
            .default("stop"),
            Field::new(
                "concurrency",
                phrase("At once", "Gleichzeitig"),
                FieldKind::Integer { min: 1, max: MOST_AT_ONCE },
                phrase(
                    "How many items may be underway at once. With 1 they are done one after the other.",
                    "Wie viele Elemente gleichzeitig unterwegs sein dürfen. Mit 1 kommt eines nach dem anderen.",
                ),
            )
            .default(1),
            Field::new(
                "limit",
                phrase("Most items", "Höchstzahl"),
                FieldKind::Integer { min: 1, max: MOST_ITEMS },
                phrase(
                    "A longer list is a failure, before anything is done for its items.",
                    "Eine längere Liste ist ein Fehler, bevor für eines ihrer Elemente etwas geschieht.",
                ),
            )
            .default(USUAL_ITEMS)
            .advanced(),
        ],
        start: start([
            ("items", json!("= input")),
            (
                "body",
                json!({ "steps": { "item": { "kind": "map", "config": { "script": "item" } } }, "links": [] }),
            ),
        ]),
        output: Some(json!([])),
        ..Entry::new(
            "each",
            Group::Control,
            "repeat",
            phrase("For each", "Für jedes"),
            phrase(
                "Runs its own steps for every item of a list and gives a list of results.",
                "Führt eigene Schritte für jedes Element einer Liste aus und ergibt die Liste der Ergebnisse.",
            ),
        )
    }
}
