//! The kinds `call` and `flow`: one flow runs another and waits for what comes of it.

use serde_json::json;

use super::{start, triggers::message};
use crate::{
    catalog::{Action, Entry, Field, FieldKind, Group, Idempotent, Presence, phrase, words},
    failure::Class,
};

/// The kind of the step that calls another flow. The engine makes its attempts, and no connector: one that a crash cut off goes on.
pub const CALL: &str = "call";

/// How long a caller waits where its step does not say, in milliseconds: 30 days.
const PATIENCE_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// `call`: runs another flow.
pub(super) fn call() -> Entry {
    Entry {
        search: words(&[
            "subflow", "sub-workflow", "run flow", "invoke", "execute", "reuse", "child", "Unterablauf", "aufrufen", "Teilablauf",
            "wiederverwenden", "ausführen",
        ]),
        fields: vec![
            Field::new(
                "flow",
                phrase("Flow", "Flow"),
                FieldKind::Text,
                phrase(
                    "The id of the flow that is run, such as price-order. It needs a trigger of the kind Called by a flow.",
                    "Die Kennung des Flows, der ausgeführt wird, etwa price-order. Er braucht einen Auslöser der Art Aufruf durch einen Flow.",
                ),
            )
            .required()
            .example("price-order"),
            Field::new(
                "input",
                phrase("Input", "Eingabe"),
                FieldKind::Any,
                phrase(
                    "What the flow gets as the body of its message; the whole input where nothing is given. Usually an expression: = input.order.",
                    "Was der Flow als Inhalt seiner Nachricht bekommt; ohne Angabe die ganze Eingabe. Meist ein Ausdruck: = input.order.",
                ),
            )
            .expression()
            .default("= input")
            .example("= input.order"),
        ],
        start: start([("flow", json!("other-flow")), ("input", json!("= input"))]),
        action: Some(Action {
            connection: Presence::Unused,
            idempotent: Idempotent::Always,
            failures: Class::ALL.to_vec(),
            attempts: 1,
            timeout_ms: PATIENCE_MS,
        }),
        ..Entry::new(
            CALL,
            Group::Control,
            "workflow",
            phrase("Call a flow", "Flow aufrufen"),
            phrase(
                "Runs another flow, waits for its end and gives what it answers or computes last.",
                "Führt einen anderen Flow aus, wartet auf sein Ende und ergibt, was er antwortet oder zuletzt berechnet.",
            ),
        )
    }
}

/// `flow`: another flow starts it.
pub(super) fn flow() -> Entry {
    Entry {
        search: words(&[
            "subflow",
            "call",
            "called",
            "child",
            "reuse",
            "Unterablauf",
            "aufgerufen",
            "Teilablauf",
            "Aufruf",
        ]),
        output: Some(message("flow", json!({}))),
        ..Entry::new(
            "flow",
            Group::Trigger,
            "workflow",
            phrase("Called by a flow", "Aufruf durch einen Flow"),
            phrase(
                "Starts a run when a step of another flow calls this one.",
                "Startet einen Lauf, wenn ein Schritt eines anderen Flows diesen aufruft.",
            ),
        )
    }
}
