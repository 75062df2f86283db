//! The kinds of triggers: `http`, `webhook`, `schedule`, `manual`, and the settings of times.

use serde_json::{Value, json};

use super::start;
use crate::catalog::{Entry, Field, FieldKind, Group, choice, choices, phrase, words};

/// The methods an `http` trigger may listen to.
const METHODS: &[&str] = &[
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY",
];

/// When the examples of messages arrive.
const TIME: &str = "2026-01-05T06:00:00.000Z";

/// `http`: a request starts a run and may wait for its reply.
pub(super) fn http() -> Entry {
    Entry {
        search: words(&[
            "REST", "API", "endpoint", "URL", "request", "call", "form", "Schnittstelle", "Endpunkt", "Adresse", "Aufruf",
            "Formular",
        ]),
        fields: vec![
            Field::new(
                "method",
                phrase("Method", "Methode"),
                FieldKind::Choice(choices(METHODS)),
                phrase(
                    "The HTTP method to listen to; POST is usual for data that comes in, GET for questions. ANY listens to all of them.",
                    "Die HTTP-Methode, auf die gehört wird; POST ist üblich für eingehende Daten, GET für Abfragen. ANY hört auf alle.",
                ),
            )
            .default("POST"),
            Field::new(
                "path",
                phrase("Path", "Pfad"),
                FieldKind::Path,
                phrase(
                    "The path below /in/main, such as /orders or /orders/{id}. A part in braces is handed over as trigger.params.",
                    "Der Pfad unterhalb von /in/main, etwa /orders oder /orders/{id}. Ein Teil in geschweiften Klammern wird als trigger.params übergeben.",
                ),
            )
            .required()
            .example("/orders/{id}"),
            Field::new(
                "reply",
                phrase("Reply", "Antwort"),
                FieldKind::Choice(vec![
                    choice("result", "What the flow responds", "Was der Flow antwortet"),
                    choice("accepted", "Receipt at once (202)", "Sofort den Empfang bestätigen (202)"),
                ]),
                phrase(
                    "What the caller gets: what the flow responds once it has run, or a receipt (202) as soon as the message is safe on disk.",
                    "Was der Aufrufer bekommt: die Antwort des Flows nach dem Lauf, oder eine Empfangsbestätigung (202), sobald die Nachricht sicher gespeichert ist.",
                ),
            )
            .default("result"),
            Field::new(
                "deadline",
                phrase("Reply within", "Antwort binnen"),
                FieldKind::Duration,
                phrase(
                    "How long the caller waits for the result, such as 10s. After that the answer is 202 with the address of the run, which goes on.",
                    "Wie lange der Aufrufer auf das Ergebnis wartet, etwa 10s. Danach lautet die Antwort 202 mit der Adresse des Laufs, der weitergeht.",
                ),
            )
            .default("30s")
            .advanced(),
        ],
        start: start([("method", json!("POST")), ("path", json!("/orders"))]),
        output: Some(message("http", json!({}))),
        ..Entry::new(
            "http",
            Group::Trigger,
            "log-in",
            phrase("HTTP request", "HTTP-Anfrage"),
            phrase(
                "Starts a run for each request to an address of this server, and answers it.",
                "Startet für jede Anfrage an eine Adresse dieses Servers einen Lauf und beantwortet sie.",
            ),
        )
    }
}

/// `webhook`: signed intake from a partner.
pub(super) fn webhook() -> Entry {
    Entry {
        search: words(&[
            "signature", "signed", "event", "callback", "GitHub", "hook", "HMAC", "Signatur", "Ereignis", "Benachrichtigung",
            "Rückruf",
        ]),
        fields: vec![
            Field::new(
                "path",
                phrase("Path", "Pfad"),
                FieldKind::Path,
                phrase(
                    "The path below /in/main that the partner calls, such as /github.",
                    "Der Pfad unterhalb von /in/main, den der Partner aufruft, etwa /github.",
                ),
            )
            .required()
            .example("/github"),
            Field::new(
                "verify",
                phrase("Signature", "Signatur"),
                FieldKind::Group(vec![
                    Field::new(
                        "scheme",
                        phrase("Scheme", "Verfahren"),
                        FieldKind::Choice(vec![
                            choice("standard-webhooks", "Standard Webhooks", "Standard Webhooks"),
                            choice("github", "GitHub", "GitHub"),
                        ]),
                        phrase(
                            "How the partner signs: Standard Webhooks (header webhook-signature) or GitHub (header X-Hub-Signature-256).",
                            "Wie der Partner signiert: Standard Webhooks (Kopfzeile webhook-signature) oder GitHub (Kopfzeile X-Hub-Signature-256).",
                        ),
                    )
                    .required(),
                    Field::new(
                        "secret",
                        phrase("Secret", "Geheimnis"),
                        FieldKind::Secret,
                        phrase(
                            "The secret shared with the partner, by its name. Its value is stored under Connections and secrets.",
                            "Das mit dem Partner geteilte Geheimnis, mit seinem Namen. Sein Wert liegt unter Verbindungen und Geheimnisse.",
                        ),
                    )
                    .required()
                    .example(json!({ "$secret": "webhook-secret" })),
                    Field::new(
                        "tolerance",
                        phrase("Tolerance", "Toleranz"),
                        FieldKind::Duration,
                        phrase(
                            "How far the time of a signed message may be from now, such as 10m. GitHub signs no time.",
                            "Wie weit der Zeitpunkt einer signierten Nachricht von jetzt abweichen darf, etwa 10m. GitHub signiert keinen Zeitpunkt.",
                        ),
                    )
                    .default("5m")
                    .advanced(),
                ]),
                phrase(
                    "How a message proves that it comes from the partner. What does not verify is answered with 401 and not stored.",
                    "Womit eine Nachricht beweist, dass sie vom Partner kommt. Was die Prüfung nicht besteht, wird mit 401 beantwortet und nicht gespeichert.",
                ),
            )
            .required(),
        ],
        start: start([
            ("path", json!("/events")),
            ("verify", json!({ "scheme": "standard-webhooks", "secret": { "$secret": "webhook-secret" } })),
        ]),
        output: Some(message("webhook", json!({}))),
        ..Entry::new(
            "webhook",
            Group::Trigger,
            "webhook",
            phrase("Signed webhook", "Signierter Webhook"),
            phrase(
                "Starts a run for each signed message of a partner, answered with 202 once it is safe on disk.",
                "Startet für jede signierte Nachricht eines Partners einen Lauf; beantwortet mit 202, sobald sie sicher gespeichert ist.",
            ),
        )
    }
}

/// The settings that say when: of a schedule, and of a poll.
pub(super) fn times() -> [Field; 5] {
    [
        Field::new(
            "cron",
            phrase("Cron", "Cron"),
            FieldKind::Cron,
            phrase(
                "Minute, hour, day, month and weekday: 0 6 * * 1-5 is every workday at six. Six fields begin with the seconds; @daily and its kin work too.",
                "Minute, Stunde, Tag, Monat und Wochentag: 0 6 * * 1-5 ist jeder Werktag um sechs. Sechs Felder beginnen mit den Sekunden; auch @daily und Ähnliches gilt.",
            ),
        )
        .example("0 6 * * 1-5"),
        Field::new(
            "timezone",
            phrase("Time zone", "Zeitzone"),
            FieldKind::TimeZone,
            phrase(
                "The zone in which the cron expression is meant, such as Europe/Berlin.",
                "Die Zone, in der der Cron-Ausdruck gemeint ist, etwa Europe/Berlin.",
            ),
        )
        .default("UTC")
        .example("Europe/Berlin"),
        Field::new(
            "every",
            phrase("Every", "Alle"),
            FieldKind::Duration,
            phrase(
                "A fixed distance instead of a cron expression, such as 15m. It is counted from midnight UTC of 1970-01-01.",
                "Ein fester Abstand anstelle eines Cron-Ausdrucks, etwa 15m. Gezählt wird ab Mitternacht UTC des 1.1.1970.",
            ),
        )
        .example("15m"),
        Field::new(
            "skipped",
            phrase("Time that the clocks skip", "Übersprungene Uhrzeit"),
            FieldKind::Choice(vec![
                choice("next", "Run right after the change", "Gleich nach der Umstellung ausführen"),
                choice("skip", "Leave it out that day", "An diesem Tag auslassen"),
            ]),
            phrase(
                "What happens with a time of day that does not exist when the clocks go forward. What fires in every hour follows the hours as they pass, whatever is chosen here.",
                "Was mit einer Uhrzeit geschieht, die es beim Vorstellen der Uhren nicht gibt. Was in jeder Stunde auslöst, folgt unabhängig davon den tatsächlich vergehenden Stunden.",
            ),
        )
        .default("next")
        .advanced(),
        Field::new(
            "doubled",
            phrase("Time that comes twice", "Doppelte Uhrzeit"),
            FieldKind::Choice(vec![
                choice("once", "Run the first time only", "Nur beim ersten Mal ausführen"),
                choice("twice", "Run both times", "Beide Male ausführen"),
            ]),
            phrase(
                "What happens with a time of day that comes twice when the clocks go back. What fires in every hour follows the hours as they pass, whatever is chosen here.",
                "Was mit einer Uhrzeit geschieht, die beim Zurückstellen der Uhren zweimal vorkommt. Was in jeder Stunde auslöst, folgt unabhängig davon den tatsächlich vergehenden Stunden.",
            ),
        )
        .default("once")
        .advanced(),
    ]
}

/// `schedule`: a run at given times.
pub(super) fn schedule() -> Entry {
    let [cron, timezone, every, skipped, doubled] = times();
    Entry {
        search: words(&[
            "cron", "timer", "time", "daily", "hourly", "interval", "recurring", "Uhrzeit", "täglich", "stündlich",
            "regelmäßig", "Intervall", "Wecker",
        ]),
        fields: vec![
            cron,
            timezone,
            every,
            Field::new(
                "overlap",
                phrase("While an earlier run is underway", "Solange ein früherer Lauf noch läuft"),
                FieldKind::Choice(vec![
                    choice("queue", "Wait for its end", "Auf sein Ende warten"),
                    choice("skip", "Leave this time out", "Diesen Zeitpunkt auslassen"),
                    choice("cancel", "Cancel the earlier run", "Den früheren Lauf abbrechen"),
                ]),
                phrase(
                    "What happens at a time to run while an earlier run of this schedule has not ended: the new run waits for its turn, there is none, or the earlier run is cancelled without reversing what it did. At most 100 runs wait; times beyond that are left out.",
                    "Was zu einem Zeitpunkt geschieht, solange ein früherer Lauf dieses Zeitplans nicht zu Ende ist: Der neue Lauf wartet, bis er an der Reihe ist, es gibt keinen, oder der frühere wird abgebrochen, ohne dass rückgängig gemacht wird, was er getan hat. Höchstens 100 Läufe warten; weitere Zeitpunkte werden ausgelassen.",
                ),
            )
            .default("queue")
            .advanced(),
            Field::new(
                "missed",
                phrase("Missed times", "Verpasste Zeitpunkte"),
                FieldKind::Choice(vec![
                    choice("skip", "Leave them out", "Auslassen"),
                    choice("latest", "Make up for the last one", "Den letzten nachholen"),
                    choice("all", "Make up for each", "Alle nachholen"),
                ]),
                phrase(
                    "What happens with times that passed while no server ran, more than ten seconds ago. Each makes up for the last 100 at most. Times that pass while the flow is switched off are never made up for.",
                    "Was mit Zeitpunkten geschieht, die mehr als zehn Sekunden zurückliegen, weil kein Server lief. „Alle“ holt höchstens die letzten 100 nach. Zeitpunkte, zu denen der Flow ausgeschaltet ist, werden nie nachgeholt.",
                ),
            )
            .default("latest")
            .advanced(),
            skipped,
            doubled,
        ],
        exactly_one: words(&["cron", "every"]),
        start: start([("cron", json!("0 6 * * *"))]),
        output: Some(message(
            "schedule",
            json!({ "scheduled_at": TIME, "fired_at": TIME }),
        )),
        ..Entry::new(
            "schedule",
            Group::Trigger,
            "calendar-clock",
            phrase("Schedule", "Zeitplan"),
            phrase(
                "Starts a run at given times, such as every workday at six.",
                "Startet zu festgelegten Zeiten einen Lauf, etwa jeden Werktag um sechs.",
            ),
        )
    }
}

/// `manual`: a person starts it.
pub(super) fn manual() -> Entry {
    Entry {
        search: words(&[
            "button", "start", "click", "person", "test", "Knopf", "Klick", "manuell", "Mensch",
        ]),
        output: Some(message("manual", json!({}))),
        ..Entry::new(
            "manual",
            Group::Trigger,
            "hand",
            phrase("By hand", "Von Hand"),
            phrase(
                "Starts a run when a person or a program asks for it, in the page or by the API.",
                "Startet einen Lauf, wenn ein Mensch oder ein Programm es verlangt, auf der Seite oder über die API.",
            ),
        )
    }
}

/// A message as the steps of a flow get it.
pub(super) fn message(kind: &str, body: Value) -> Value {
    let (method, headers) = match kind {
        "http" | "webhook" => (json!("POST"), json!({ "content-type": "application/json" })),
        _ => (Value::Null, json!({})),
    };
    json!({
        "id": kind, "kind": kind, "method": method, "headers": headers, "query": {}, "params": {}, "body": body, "time": TIME,
    })
}
