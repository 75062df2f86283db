//! The `http` action: one HTTP request, over a connection or to a URL.

mod check;
mod fill;
mod request;
mod response;
#[cfg(test)]
pub(crate) mod tests;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use weir_flows::{
    catalog::{
        Action, Choice, Entry, Field, FieldKind, Group, Idempotent, Presence, choice, choices,
        phrase, text, words,
    },
    failure::{Class, Failure},
};

use super::{Call, Connector, Outcome};
use crate::{outbound, secrets::Mask};
use request::Prepared;
use response::Head;

/// The connector.
pub const CONNECTOR: Connector = Connector {
    entry,
    check: check::check,
    call,
};

/// The methods that may be asked for.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// How an answer may be read.
static READINGS: [Choice; 4] = [
    choice("auto", "What it says it is", "Das, was sie zu sein angibt"),
    choice("json", "JSON", "JSON"),
    choice("text", "Text", "Text"),
    choice("base64", "Bytes in base64", "Bytes in Base64"),
];

fn entry() -> Entry {
    Entry {
        search: words(&[
            "REST",
            "API",
            "curl",
            "GET",
            "POST",
            "fetch",
            "web service",
            "URL",
            "request",
            "JSON",
            "Aufruf",
            "Anfrage",
            "Schnittstelle",
            "Webdienst",
            "abrufen",
            "senden",
        ]),
        fields: fields(),
        exactly_one: words(&["url", "path"]),
        start: [("method", "GET"), ("url", "")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect(),
        output: Some(json!({
            "status": 200, "headers": { "content-type": "application/json" }, "body": {},
        })),
        action: Some(Action {
            connection: Presence::Allowed,
            idempotent: Idempotent::When {
                field: text("method"),
                values: words(&["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]),
                default: text("GET"),
            },
            failures: Class::OF_CALLS.to_vec(),
            attempts: 3,
            timeout_ms: 30_000,
        }),
        ..Entry::new(
            "http",
            Group::Action,
            "globe",
            phrase("HTTP call", "HTTP-Aufruf"),
            phrase(
                "Calls an HTTP API and gives its answer: status, headers and body.",
                "Ruft eine HTTP-API auf und liefert ihre Antwort: Status, Kopfzeilen und Inhalt.",
            ),
        )
    }
}

fn fields() -> Vec<Field> {
    vec![
        Field::new(
            "method",
            phrase("Method", "Methode"),
            FieldKind::Choice(choices(METHODS)),
            phrase(
                "The HTTP method: GET reads, POST creates, PUT replaces, DELETE deletes.",
                "Die HTTP-Methode: GET liest, POST legt an, PUT ersetzt, DELETE löscht.",
            ),
        )
        .default("GET"),
        Field::new(
            "path",
            phrase("Path", "Pfad"),
            FieldKind::Text,
            phrase(
                "The path below the base URL of the connection, such as /bookings. It cannot leave that base.",
                "Der Pfad unterhalb der Basis-URL der Verbindung, etwa /bookings. Er kann diese Basis nicht verlassen.",
            ),
        )
        .expression()
        .beside_connection()
        .example("/bookings"),
        Field::new(
            "url",
            phrase("URL", "URL"),
            FieldKind::Url,
            phrase(
                "The whole address where no connection is used, such as https://api.example.com/orders. Beside a connection it must be on the same host.",
                "Die ganze Adresse, wenn keine Verbindung verwendet wird, etwa https://api.example.com/orders. Neben einer Verbindung muss sie auf demselben Host liegen.",
            ),
        )
        .expression()
        .example("https://api.example.com/orders"),
        Field::new(
            "query",
            phrase("Query", "Query"),
            FieldKind::Table,
            phrase(
                "Parameters of the address, such as page = 2; they are encoded for you. An empty value (null) is left out, a list is repeated.",
                "Parameter der Adresse, etwa page = 2; sie werden für Sie kodiert. Ein leerer Wert (null) entfällt, eine Liste wird wiederholt.",
            ),
        )
        .expression()
        .example(json!({ "page": "2" })),
        Field::new(
            "headers",
            phrase("Headers", "Kopfzeilen"),
            FieldKind::Table,
            phrase(
                "Headers of the request, such as accept = application/json. They come before those of the connection.",
                "Kopfzeilen der Anfrage, etwa accept = application/json. Sie haben Vorrang vor denen der Verbindung.",
            ),
        )
        .expression()
        .example(json!({ "accept": "application/json" })),
        Field::new(
            "body",
            phrase("Body", "Inhalt"),
            FieldKind::Any,
            phrase(
                "What is sent, often an expression: = input. A text goes as it is, anything else as JSON, or as a form where the \
                 content-type header says application/x-www-form-urlencoded.",
                "Was gesendet wird, oft ein Ausdruck: = input. Ein Text geht unverändert hinaus, alles andere als JSON, oder als \
                 Formular, wenn die Kopfzeile content-type application/x-www-form-urlencoded lautet.",
            ),
        )
        .expression()
        .example("= input"),
        Field::new(
            "expect",
            phrase("Succeeds with", "Erfolg bei"),
            FieldKind::Statuses,
            phrase(
                "The statuses that count as success, such as \"2xx\" and 404. Any other one is a failure.",
                "Die Status, die als Erfolg gelten, etwa \"2xx\" und 404. Jeder andere ist ein Fehler.",
            ),
        )
        .advanced()
        .default(json!(["2xx"]))
        .example(json!(["2xx", 404])),
        Field::new(
            "follow_redirects",
            phrase("Follow redirects", "Weiterleitungen folgen"),
            FieldKind::Boolean,
            phrase(
                "Whether an answer such as 301 leads on to the address it names. Credentials stay with the first host.",
                "Ob eine Antwort wie 301 zur genannten Adresse weiterführt. Zugangsdaten bleiben beim ersten Host.",
            ),
        )
        .advanced()
        .default(true),
        Field::new(
            "response",
            phrase("Read the answer as", "Antwort lesen als"),
            FieldKind::Choice(READINGS.to_vec()),
            phrase(
                "How the body of the answer is read; usually its content-type says it. Bytes that are no text come as {\"base64\": …}.",
                "Wie der Inhalt der Antwort gelesen wird; meist sagt es ihr content-type. Bytes, die kein Text sind, kommen als {\"base64\": …}.",
            ),
        )
        .advanced()
        .default("auto"),
    ]
}

fn call(call: Call<'_>) -> BoxFuture<'_, Outcome> {
    Box::pin(attempt(call, false))
}

/// Makes one request. `whole` keeps the bodies of a success in the record, too, where nothing else does.
pub(super) async fn attempt(call: Call<'_>, whole: bool) -> Outcome {
    let mut mask = Mask::default();
    let (result, exchange) = match request::prepare(&call, &mut mask).await {
        Err(failure) => (Err(failure), None),
        Ok(prepared) => {
            let (result, exchange) = exchange(&call, &prepared, whole).await;
            (result, Some(exchange))
        }
    };
    // Here, once and for everything, so that no path out of this connector can forget it.
    Outcome {
        result: match result {
            Ok(output) => Ok(mask.value(output)),
            Err(failure) => Err(Failure {
                message: mask.text(&failure.message).into_owned(),
                body: failure.body.map(|body| mask.value(body)),
                ..failure
            }),
        },
        exchange: exchange.map(|exchange| mask.value(exchange)),
    }
}

async fn exchange(
    call: &Call<'_>,
    prepared: &Prepared,
    whole: bool,
) -> (Result<Value, Failure>, Value) {
    let mut head = None;
    let limit = prepared.timeout;
    let answered = tokio::time::timeout(limit, async {
        let reply = call.client.send(prepared.request.clone()).await?;
        head = Some(Head::of(&reply));
        reply.body(call.max_response).await
    })
    .await
    .unwrap_or_else(|_| Err(timed_out(prepared, head.is_some())));

    let result = match (&head, answered) {
        (Some(head), Ok(body)) => response::read(prepared, head, &body, call.world.now_ms()),
        (Some(head), Err(failure)) => Err(Failure {
            status: Some(head.status.as_u16()),
            ..failure
        }),
        (None, answered) => Err(answered
            .err()
            .unwrap_or_else(|| Failure::broken("an answer without a head"))),
    };
    let mut record = json!({ "request": prepared.record(whole || result.is_err()) });
    if let Some(head) = head {
        record["response"] = head.record(match &result {
            Ok(output) => output.get("body").filter(|_| whole),
            Err(failure) => failure.body.as_ref(),
        });
    }
    (result, record)
}

fn timed_out(prepared: &Prepared, began: bool) -> Failure {
    let what = match began {
        true => "did not finish its answer",
        false => "gave no answer",
    };
    let message = format!(
        "{} {what} within {}; what was asked may have happened, so look there before it is asked again, or raise the timeout",
        outbound::place(&prepared.request.url),
        weir_flows::duration::Duration::from_millis(
            u64::try_from(prepared.timeout.as_millis()).unwrap_or(u64::MAX)
        ),
    );
    Failure::new(Class::TimedOut, message)
}
