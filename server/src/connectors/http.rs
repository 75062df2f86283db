//! The `http` action: one HTTP request, over a connection or to a URL.

mod check;
mod fill;
mod request;
mod response;
#[cfg(test)]
mod tests;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use weir_flows::{
    catalog::{Action, Entry, Field, FieldKind, Group, Idempotent, Presence, text, words},
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
const READINGS: &[&str] = &["auto", "json", "text", "base64"];

fn entry() -> Entry {
    Entry {
        kind: text("http"),
        title: text("HTTP request"),
        summary: text("Calls an HTTP API and gives its answer: status, headers and body."),
        group: Group::Action,
        icon: text("globe"),
        fields: vec![
            Field::new("method", "Method", FieldKind::Choice(words(METHODS)), "The HTTP method. GET where none is chosen."),
            Field::new(
                "path",
                "Path",
                FieldKind::Text,
                "The path below the base URL of the connection, such as /bookings. It cannot leave that base.",
            )
            .expression()
            .beside_connection(),
            Field::new(
                "url",
                "URL",
                FieldKind::Url,
                "The whole address, where no connection is used. Beside a connection it must be on the same host.",
            )
            .expression(),
            Field::new(
                "query",
                "Query",
                FieldKind::Table,
                "Parameters of the address. They are encoded for you; an empty value (null) is left out, a list is repeated.",
            )
            .expression(),
            Field::new(
                "headers",
                "Headers",
                FieldKind::Table,
                "Headers of the request. They come before those of the connection.",
            )
            .expression(),
            Field::new(
                "body",
                "Body",
                FieldKind::Any,
                "What is sent: a text as it is, anything else as JSON, or as a form where the content-type header says \
                 application/x-www-form-urlencoded.",
            )
            .expression(),
            Field::new(
                "expect",
                "Expected statuses",
                FieldKind::Statuses,
                "The statuses that succeed, such as \"2xx\" and 404. 2xx where none is given.",
            ),
            Field::new(
                "follow_redirects",
                "Follow redirects",
                FieldKind::Boolean,
                "Whether redirects are followed. They are, where nothing is said; credentials stay with the first host.",
            ),
            Field::new(
                "response",
                "Read the answer as",
                FieldKind::Choice(words(READINGS)),
                "auto: by its content-type, where nothing is chosen. Bytes that are no text come as {\"base64\": …}.",
            ),
        ],
        exactly_one: words(&["url", "path"]),
        ports: words(&["ok", "error"]),
        action: Some(Action {
            connection: Presence::Allowed,
            idempotent: Idempotent::When {
                field: text("method"),
                values: words(&["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]),
                default: text("GET"),
            },
            failures: vec![
                Class::Transient,
                Class::RateLimited,
                Class::TimedOut,
                Class::Rejected,
                Class::Denied,
                Class::Broken,
            ],
            attempts: 3,
            timeout_ms: 30_000,
        }),
    }
}

fn call(call: Call<'_>) -> BoxFuture<'_, Outcome> {
    Box::pin(attempt(call))
}

async fn attempt(call: Call<'_>) -> Outcome {
    let mut mask = Mask::default();
    let (result, exchange) = match request::prepare(&call, &mut mask).await {
        Err(failure) => (Err(failure), None),
        Ok(prepared) => {
            let (result, exchange) = exchange(&call, &prepared).await;
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

async fn exchange(call: &Call<'_>, prepared: &Prepared) -> (Result<Value, Failure>, Value) {
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
    let failure = result.as_ref().err();
    let mut record = json!({ "request": prepared.record(failure.is_some()) });
    if let Some(head) = head {
        record["response"] = head.record(failure.and_then(|failure| failure.body.as_ref()));
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
