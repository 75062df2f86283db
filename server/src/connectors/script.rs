//! The `script` action: a script that may call out with `http`. What a poll asks runs here, too.
//!
//! A script blocks its thread while it waits for an answer, so it has a thread of its own; its calls are made here, in the task of
//! the attempt. How many such threads there may be is bounded by [`Scripts::places`]: a script that finds none free waits for one
//! for as long as its attempt may take, the longest waiting first. A script whose attempt is over, cancelled or cut off gets no
//! more answers and is stopped at its next operations.

#[cfg(test)]
mod tests;

use std::{
    io,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use weir_flows::{
    catalog::{Action, Entry, Field, FieldKind, Group, Idempotent, Presence, phrase, words},
    compute::calling_failure,
    failure::{Class, Failure},
    problem::{Problem, suggestion},
    script::{self, Bounds, ErrorKind, Evaluation, Http, Interrupt, Unanswered},
};

use super::{Call, Connector, Outcome, http};

/// The connector.
pub const CONNECTOR: Connector = Connector { entry, check, call };

/// What the scripts of a process that call out may take.
#[derive(Clone, Debug)]
pub struct Scripts {
    /// The bounds of one script, but for its time.
    pub bounds: Bounds,
    /// How long one may compute, beside the calls that it waits for.
    pub time: Duration,
    /// The most calls of one attempt.
    pub calls: usize,
    /// A place for each script that may be underway at once.
    pub places: Arc<Semaphore>,
}

/// How much of the calls of an attempt its record keeps, in bytes of JSON. Of those beyond it, only what they asked and the status.
const RECORDED: usize = 64 << 10;

/// The answers of an attempt may hold this share of the memory of a script: as values they are larger than as JSON.
const SHARE: u64 = 4;

/// The most of an address that a short record keeps, in bytes.
const ADDRESS: usize = 200;

/// What a new step does.
const START: &str = "\
let answer = http.get(\"/orders\", #{ query: #{ status: \"open\" } });

answer.body";

/// The settings of the http action that a script may give with a call.
const OPTIONS: &[&str] = &[
    "method",
    "path",
    "url",
    "query",
    "headers",
    "body",
    "expect",
    "response",
    "follow_redirects",
];

fn entry() -> Entry {
    Entry {
        search: words(&[
            "code",
            "rhai",
            "function",
            "http",
            "API",
            "several calls",
            "pages",
            "pagination",
            "Programm",
            "Funktion",
            "Skript",
            "mehrere Aufrufe",
            "Seiten",
            "blättern",
        ]),
        fields: vec![
            Field::new(
                "script",
                phrase("Script", "Skript"),
                FieldKind::Script,
                phrase(
                    "Calls out with http.get, http.post and so on, as often as it needs; the value of its last line is the output. A call that fails may be caught, with its class, status and body; else the step fails with it.",
                    "Ruft mit http.get, http.post usw. so oft wie nötig nach außen; der Wert der letzten Zeile ist die Ausgabe. Ein Aufruf, der scheitert, kann mit class, status und body abgefangen werden; sonst scheitert der Schritt mit ihm.",
                ),
            )
            .required()
            .seeing(&["http"])
            .example(START),
        ],
        start: Map::from_iter([("script".to_owned(), START.into())]),
        output: Some(json!({})),
        action: Some(Action {
            connection: Presence::Allowed,
            idempotent: Idempotent::IfDeclared,
            failures: Class::OF_CALLS.to_vec(),
            attempts: 3,
            timeout_ms: 60_000,
        }),
        ..Entry::new(
            "script",
            Group::Action,
            "file-code",
            phrase("Script with calls", "Skript mit Aufrufen"),
            phrase(
                "Computes with a script that may call HTTP APIs on its way.",
                "Rechnet mit einem Skript, das unterwegs HTTP-APIs aufrufen kann.",
            ),
        )
    }
}

/// The catalog says it all: the script is compiled by the check of its field.
fn check(_: &Map<String, Value>, _: &str) -> Vec<Problem> {
    Vec::new()
}

fn call(call: Call<'_>) -> BoxFuture<'_, Outcome> {
    Box::pin(attempt(call))
}

async fn attempt(call: Call<'_>) -> Outcome {
    let Some(evaluation) = call.script else {
        return failed(Failure::broken("the script of this step is missing"));
    };
    let end = Instant::now() + call.timeout;
    let place = timeout_at(end, Arc::clone(&call.scripts.places).acquire_owned()).await;
    let Ok(Ok(place)) = place else {
        return failed(Failure::new(
            Class::Transient,
            format!(
                "no script that calls out could begin within {}, since all places for them are taken; nothing was asked. \
                 Find the slow ones, or let the administrator allow more (WEIR_SCRIPT_PLACES)",
                told(call.timeout)
            ),
        ));
    };
    let (asks, mut asked) = mpsc::channel(1);
    let over = CancellationToken::new();
    let _over = over.clone().drop_guard();
    let waited = Arc::new(AtomicU64::new(0));
    let bounds = Bounds {
        interrupt: Some(interrupt(&call, end, over, Arc::clone(&waited))),
        ..call.scripts.bounds.clone()
    };
    let Evaluation {
        script,
        scope,
        moment,
    } = evaluation.clone();
    let scope = scope.with_http(Arc::new(Line { asks, waited }));
    let work = tokio::task::spawn_blocking(move || {
        let _place = place;
        script::eval(&script, &scope, moment, &bounds)
    });
    let mut calls = Calls::default();
    // The script's end of the line is gone when the script is.
    while let Some(Ask { request, answer }) = asked.recv().await {
        let given = ask(&call, &mut calls, request, end).await;
        // Whoever has asked may have been stopped meanwhile.
        let _ = answer.send(given);
    }
    let result = match work.await {
        Ok(Ok(output)) => Ok(Arc::unwrap_or_clone(output)),
        Ok(Err(error)) if error.kind == ErrorKind::Bound && Instant::now() >= end => {
            let message = format!(
                "{}; what it asked before has happened, so look there before it runs again, or raise the timeout",
                late(call.timeout)
            );
            Err(Failure::new(Class::TimedOut, message))
        }
        Ok(Err(error)) => Err(calling_failure(&error)),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(error) => Err(Failure::broken(format!(
            "the script was torn down: {error}"
        ))),
    };
    Outcome {
        result,
        exchange: Some(json!({ "calls": calls.records })).filter(|_| calls.made > 0),
    }
}

fn failed(failure: Failure) -> Outcome {
    Outcome {
        result: Err(failure),
        exchange: None,
    }
}

fn told(time: Duration) -> weir_flows::duration::Duration {
    weir_flows::duration::Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn late(timeout: Duration) -> String {
    format!("the script did not end within {}", told(timeout))
}

/// Why a script must stop. The time that it waits for answers is not its own; that of the attempt goes on.
fn interrupt(
    call: &Call<'_>,
    end: Instant,
    over: CancellationToken,
    waited: Arc<AtomicU64>,
) -> Interrupt {
    let (began, timeout, time) = (Instant::now(), call.timeout, call.scripts.time);
    Arc::new(move || {
        if over.is_cancelled() {
            return Some("the attempt is over".to_owned());
        }
        let now = Instant::now();
        if now >= end {
            return Some(late(timeout));
        }
        let waited = Duration::from_micros(waited.load(Ordering::Relaxed));
        (now - began > time + waited).then(|| {
            format!(
                "a script may compute for {} ms beside its calls; simplify this one, or let the administrator allow more",
                time.as_millis()
            )
        })
    })
}

/// A call that a script asks for.
struct Ask {
    request: Value,
    answer: oneshot::Sender<Result<Value, Unanswered>>,
}

/// The script's end of the line to the task of its attempt.
struct Line {
    asks: mpsc::Sender<Ask>,
    /// How long the script has waited, in microseconds.
    waited: Arc<AtomicU64>,
}

impl Http for Line {
    fn send(&self, request: Value) -> Result<Value, Unanswered> {
        let over = || Unanswered::Stopped("the attempt is over".to_owned());
        let since = Instant::now();
        let (answer, answered) = oneshot::channel();
        let ask = Ask { request, answer };
        self.asks.blocking_send(ask).map_err(|_| over())?;
        // What is sent while the other end goes away may stay in the line, and nobody would answer it.
        if self.asks.is_closed() {
            return Err(over());
        }
        let given = answered.blocking_recv().map_err(|_| over())?;
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(micros, Ordering::Relaxed);
        given
    }
}

/// The calls of an attempt so far.
#[derive(Default)]
struct Calls {
    made: usize,
    /// What their answers hold, in bytes of JSON.
    answered: u64,
    records: Vec<Value>,
    /// What the records hold, in bytes of JSON.
    recorded: usize,
}

async fn ask(
    call: &Call<'_>,
    calls: &mut Calls,
    request: Value,
    end: Instant,
) -> Result<Value, Unanswered> {
    let most = call.scripts.calls;
    if calls.made >= most {
        return Err(Unanswered::Stopped(format!(
            "a script may make {most} calls in one attempt; ask for more at once, divide the work, or let the administrator \
             allow more (WEIR_SCRIPT_CALLS)"
        )));
    }
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Unanswered::Stopped(late(call.timeout)));
    }
    let most = call.scripts.bounds.memory_bytes / SHARE;
    let room = most.saturating_sub(calls.answered);
    if room == 0 {
        return Err(Unanswered::Stopped(format!(
            "the answers of one attempt may have {most} bytes together; ask for less of each, or divide the work"
        )));
    }
    calls.made += 1;
    let key = format!("{}-{}", call.idempotency_key, calls.made);
    let outcome = match known(&request) {
        Err(failure) => failed(failure),
        Ok(()) => {
            let one = Call {
                config: &request,
                // What a script gives is data: no secret is put into it.
                written: &Value::Null,
                script: None,
                timeout: left,
                idempotency_key: &key,
                max_response: call.max_response.min(room),
                ..*call
            };
            http::attempt(one, true).await
        }
    };
    calls.note(&request, &outcome);
    match outcome.result {
        Ok(answer) => {
            calls.answered += size(&answer) as u64;
            Ok(answer)
        }
        Err(failure) => Err(Unanswered::Failed(Box::new(failure))),
    }
}

/// Whether a request has only settings of a call.
fn known(request: &Value) -> Result<(), Failure> {
    let keys = request.as_object().into_iter().flat_map(Map::keys);
    for key in keys {
        if !OPTIONS.contains(&key.as_str()) {
            return Err(Failure::broken(format!(
                "`{key}` is nothing that a call takes{}; it takes {}",
                suggestion(key, OPTIONS.iter().copied()),
                OPTIONS.join(", ")
            )));
        }
    }
    Ok(())
}

impl Calls {
    /// Keeps a call for the record of the attempt.
    fn note(&mut self, request: &Value, outcome: &Outcome) {
        let mut record = outcome.exchange.clone().unwrap_or_else(|| {
            let url = request.get("url").or(request.get("path"));
            json!({ "request": { "method": request.get("method"), "url": url } })
        });
        if let Err(failure) = &outcome.result {
            record["failure"] = json!({ "class": failure.class, "message": failure.message });
        }
        if self.recorded + size(&record) > RECORDED {
            record = json!({
                "request": { "method": record["request"]["method"], "url": cut(&record["request"]["url"]) },
                "response": { "status": record["response"]["status"] },
            });
        }
        self.recorded += size(&record);
        self.records.push(record);
    }
}

fn cut(address: &Value) -> Value {
    let text = address.as_str().unwrap_or_default();
    text[..text.floor_char_boundary(ADDRESS)].into()
}

/// How long a value is as JSON, in bytes.
fn size(value: &Value) -> usize {
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Counting does not fail, and neither does writing a value.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}
