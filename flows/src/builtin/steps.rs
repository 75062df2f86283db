//! The kinds of steps that touch nothing outside and have no steps of their own: `map`, `fields`, `validate`, `branch`, `respond`, `fail`.

use serde_json::json;

use super::start;
use crate::catalog::{Entry, Field, FieldKind, Group, choice, phrase, words};

/// The statuses a `respond` step may answer with.
const STATUS: FieldKind = FieldKind::Integer { min: 200, max: 599 };

/// `map`: a rhai script.
pub(super) fn map() -> Entry {
    Entry {
        search: words(&[
            "transform", "code", "script", "function", "compute", "convert", "rhai", "umwandeln", "umformen", "rechnen",
            "berechnen", "abbilden", "Programm", "Funktion",
        ]),
        fields: vec![
            Field::new(
                "script",
                phrase("Script", "Skript"),
                FieldKind::Script,
                phrase(
                    "The value of its last expression is the output: #{ total: input.body.net * 1.19 }. In scope: input, trigger, steps, run, vars.",
                    "Der Wert des letzten Ausdrucks ist die Ausgabe: #{ total: input.body.net * 1.19 }. Verfügbar sind input, trigger, steps, run und vars.",
                ),
            )
            .required()
            .example("#{ total: input.body.net * 1.19 }"),
        ],
        start: start([("script", json!("input"))]),
        ..Entry::new(
            "map",
            Group::Mapper,
            "square-function",
            phrase("Map by script", "Umwandeln per Skript"),
            phrase(
                "Computes a new value with a rhai script.",
                "Berechnet mit einem Rhai-Skript einen neuen Wert.",
            ),
        )
    }
}

/// `fields`: a table from source to target.
pub(super) fn fields() -> Entry {
    Entry {
        search: words(&[
            "map", "mapping", "set", "rename", "pick", "select", "table", "object", "transform", "zuordnen", "umbenennen",
            "auswählen", "Tabelle", "abbilden", "umwandeln", "Objekt",
        ]),
        fields: vec![
            Field::new(
                "fields",
                phrase("Fields", "Felder"),
                FieldKind::Rows(vec![
                    Field::new(
                        "to",
                        phrase("Target", "Ziel"),
                        FieldKind::Text,
                        phrase(
                            "The name of the target field. A dot goes deeper: customer.name.",
                            "Der Name des Zielfelds. Ein Punkt führt tiefer: customer.name.",
                        ),
                    )
                    .required()
                    .example("customer.name"),
                    Field::new(
                        "from",
                        phrase("Source", "Quelle"),
                        FieldKind::JsonPath,
                        phrase(
                            "A JSONPath into the input: $.body.customer.name. A path that may find several, such as $.items[*].sku, gives a list.",
                            "Ein JSONPath in die Eingabe: $.body.customer.name. Ein Pfad, der mehreres finden kann, etwa $.items[*].sku, ergibt eine Liste.",
                        ),
                    )
                    .example("$.body.customer.name"),
                    Field::new(
                        "value",
                        phrase("Value", "Wert"),
                        FieldKind::Any,
                        phrase(
                            "A fixed value instead of a source, or an expression: = input.body.net * 1.19.",
                            "Ein fester Wert anstelle einer Quelle, oder ein Ausdruck: = input.body.net * 1.19.",
                        ),
                    )
                    .expression()
                    .example("= input.body.net * 1.19"),
                    Field::new(
                        "default",
                        phrase("Default", "Vorgabe"),
                        FieldKind::Any,
                        phrase(
                            "Taken where the source has nothing or null, such as EUR.",
                            "Gilt, wo die Quelle nichts oder null enthält, etwa EUR.",
                        ),
                    )
                    .example("EUR")
                    .advanced(),
                    Field::new(
                        "as",
                        phrase("As", "Als"),
                        FieldKind::Choice(vec![
                            choice("text", "Text", "Text"),
                            choice("integer", "Whole number", "Ganze Zahl"),
                            choice("number", "Number", "Zahl"),
                            choice("boolean", "Yes or no", "Ja oder nein"),
                        ]),
                        phrase(
                            "Converts what was found, such as the text \"42\" to a number. What cannot be converted is a failure.",
                            "Wandelt das Gefundene um, etwa den Text \"42\" in eine Zahl. Was sich nicht umwandeln lässt, ist ein Fehler.",
                        ),
                    )
                    .advanced(),
                    Field::new(
                        "required",
                        phrase("Required", "Pflicht"),
                        FieldKind::Boolean,
                        phrase(
                            "Fails where nothing is found and there is no default.",
                            "Scheitert, wo nichts gefunden wird und keine Vorgabe da ist.",
                        ),
                    )
                    .default(false)
                    .advanced(),
                ]),
                phrase(
                    "One row for each target field: a source path such as $.body.total, or a value.",
                    "Eine Zeile je Zielfeld: ein Quellpfad, etwa $.body.total, oder ein Wert.",
                ),
            )
            .required(),
        ],
        start: start([("fields", json!([{ "to": "value", "from": "$.body" }]))]),
        output: Some(json!({})),
        ..Entry::new(
            "fields",
            Group::Mapper,
            "table-properties",
            phrase("Map fields", "Felder zuordnen"),
            phrase(
                "Fills an object field by field, from paths, values or expressions.",
                "Füllt ein Objekt Feld für Feld, aus Pfaden, Werten oder Ausdrücken.",
            ),
        )
    }
}

/// `validate`: a JSON Schema.
pub(super) fn validate() -> Entry {
    Entry {
        search: words(&[
            "check", "schema", "JSON Schema", "verify", "assert", "test", "validieren", "Schema", "kontrollieren", "Prüfung",
        ]),
        fields: vec![
            Field::new(
                "schema",
                phrase("Schema", "Schema"),
                FieldKind::Schema,
                phrase(
                    "The JSON Schema, of draft 2020-12 where it does not say: {\"type\": \"object\", \"required\": [\"id\"]}.",
                    "Das JSON Schema, nach Draft 2020-12, wenn es nichts anderes angibt: {\"type\": \"object\", \"required\": [\"id\"]}.",
                ),
            )
            .required()
            .example(json!({ "type": "object", "required": ["id"] })),
            Field::new(
                "value",
                phrase("Value", "Wert"),
                FieldKind::Any,
                phrase(
                    "What is checked; the whole input where nothing is given. Usually an expression: = input.body.",
                    "Was geprüft wird; ohne Angabe die ganze Eingabe. Meist ein Ausdruck: = input.body.",
                ),
            )
            .expression()
            .default("= input")
            .example("= input.body"),
        ],
        start: start([("schema", json!({ "type": "object" })), ("value", json!("= input"))]),
        ..Entry::new(
            "validate",
            Group::Mapper,
            "shield-check",
            phrase("Validate", "Prüfen"),
            phrase(
                "Checks a value against a JSON Schema and passes the input on unchanged.",
                "Prüft einen Wert gegen ein JSON Schema und gibt die Eingabe unverändert weiter.",
            ),
        )
    }
}

/// `branch`: conditions choose ports.
pub(super) fn branch() -> Entry {
    Entry {
        search: words(&[
            "if", "else", "condition", "router", "switch", "filter", "decision", "case", "split", "wenn", "sonst", "Bedingung",
            "Weiche", "Entscheidung", "Fall", "Filter", "verzweigen",
        ]),
        fields: vec![
            Field::new(
                "cases",
                phrase("Cases", "Fälle"),
                FieldKind::Rows(vec![
                    Field::new(
                        "port",
                        phrase("Port", "Ausgang"),
                        FieldKind::Port,
                        phrase(
                            "The name of the way out, such as large.",
                            "Der Name des Ausgangs, etwa large.",
                        ),
                    )
                    .required()
                    .example("large"),
                    Field::new(
                        "when",
                        phrase("When", "Wenn"),
                        FieldKind::Condition,
                        phrase(
                            "A condition in rhai that is true or false: input.total >= 1000.",
                            "Eine Bedingung in Rhai, die wahr oder falsch ist: input.total >= 1000.",
                        ),
                    )
                    .required()
                    .example("input.total >= 1000"),
                ]),
                phrase(
                    "Conditions with the port by which the run goes on, tried from top to bottom.",
                    "Bedingungen mit dem Ausgang, über den der Lauf weitergeht; geprüft von oben nach unten.",
                ),
            )
            .required(),
            Field::new(
                "otherwise",
                phrase("Otherwise", "Sonst"),
                FieldKind::Port,
                phrase(
                    "The way out when no case holds, such as small. Without it the run does not go on from here then.",
                    "Der Ausgang, wenn kein Fall zutrifft, etwa small. Ohne ihn geht der Lauf dann von hier nicht weiter.",
                ),
            )
            .example("small"),
            Field::new(
                "mode",
                phrase("Mode", "Modus"),
                FieldKind::Choice(vec![
                    choice("first", "The first case that holds", "Der erste zutreffende Fall"),
                    choice("all", "Every case that holds", "Jeder zutreffende Fall"),
                ]),
                phrase(
                    "Whether the run goes on by the first case that holds, or by every one at the same time.",
                    "Ob der Lauf über den ersten zutreffenden Fall weitergeht oder über alle zugleich.",
                ),
            )
            .default("first")
            .advanced(),
        ],
        ports: words(&["error"]),
        start: start([
            ("cases", json!([{ "port": "yes", "when": "true" }])),
            ("otherwise", json!("no")),
        ]),
        ..Entry::new(
            "branch",
            Group::Control,
            "split",
            phrase("Branch", "Verzweigung"),
            phrase(
                "Chooses by conditions which way the run goes on.",
                "Wählt durch Bedingungen, wie der Lauf weitergeht.",
            ),
        )
    }
}

/// `respond`: the reply to an http trigger.
pub(super) fn respond() -> Entry {
    Entry {
        search: words(&[
            "reply", "answer", "response", "return", "result", "status", "Antwort", "Rückgabe", "Ergebnis", "erwidern",
        ]),
        fields: vec![
            Field::new(
                "status",
                phrase("Status", "Status"),
                STATUS,
                phrase(
                    "The HTTP status: 201 for something made, 404 for something not found.",
                    "Der HTTP-Status: 201 für Angelegtes, 404 für nicht Gefundenes.",
                ),
            )
            .expression()
            .default(200),
            Field::new(
                "headers",
                phrase("Headers", "Kopfzeilen"),
                FieldKind::Table,
                phrase(
                    "Headers of the answer, by name, such as cache-control.",
                    "Kopfzeilen der Antwort nach Namen, etwa cache-control.",
                ),
            )
            .expression()
            .advanced()
            .example(json!({ "cache-control": "no-store" })),
            Field::new(
                "body",
                phrase("Body", "Inhalt"),
                FieldKind::Any,
                phrase(
                    "What is answered; the whole input where nothing is given. Often an expression: = #{ id: input.id }.",
                    "Was geantwortet wird; ohne Angabe die ganze Eingabe. Oft ein Ausdruck: = #{ id: input.id }.",
                ),
            )
            .expression()
            .default("= input")
            .example("= #{ id: input.id }"),
        ],
        start: start([("status", json!(200)), ("body", json!("= input"))]),
        ..Entry::new(
            "respond",
            Group::Control,
            "reply",
            phrase("Respond", "Antworten"),
            phrase(
                "Answers the caller of an HTTP trigger; the run goes on.",
                "Antwortet dem Aufrufer eines HTTP-Auslösers; der Lauf geht weiter.",
            ),
        )
    }
}

/// `fail`: ends the run as failed.
pub(super) fn fail() -> Entry {
    Entry {
        search: words(&[
            "error", "stop", "abort", "throw", "raise", "exception", "Fehler", "abbrechen", "stoppen", "beenden", "Ausnahme",
        ]),
        fields: vec![
            Field::new(
                "message",
                phrase("Message", "Meldung"),
                FieldKind::Multiline,
                phrase(
                    "What the person who looks at the run must know. An expression can name the case: = `no price for ${input.sku}`.",
                    "Was wissen muss, wer sich den Lauf ansieht. Ein Ausdruck kann den Fall nennen: = `kein Preis für ${input.sku}`.",
                ),
            )
            .required()
            .expression()
            .example("= `${input.sku}: no price`"),
            Field::new(
                "class",
                phrase("Class", "Klasse"),
                FieldKind::Choice(vec![
                    choice("transient", "Passing problem", "Vorübergehendes Problem"),
                    choice("rate_limited", "Too many requests", "Zu viele Anfragen"),
                    choice("timed_out", "No answer in time", "Keine Antwort in der Zeit"),
                    choice("rejected", "Refused by the other side", "Von der Gegenseite abgelehnt"),
                    choice("denied", "Not allowed", "Nicht erlaubt"),
                    choice("broken", "Error in the flow", "Fehler im Flow"),
                    choice("lost", "Interrupted", "Unterbrochen"),
                ]),
                phrase(
                    "The class under which the failure is listed and found again, such as denied.",
                    "Die Klasse, unter der der Fehler geführt und wiedergefunden wird, etwa denied.",
                ),
            )
            .default("rejected")
            .advanced(),
        ],
        ports: Vec::new(),
        start: start([("message", json!(""))]),
        ..Entry::new(
            "fail",
            Group::Control,
            "octagon-x",
            phrase("Fail", "Scheitern"),
            phrase(
                "Ends the run as failed, with a message that says why.",
                "Beendet den Lauf als gescheitert, mit einer Meldung, die sagt, warum.",
            ),
        )
    }
}
