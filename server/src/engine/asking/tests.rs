//! The limits and the cache of steps over a real engine, by a clock that stands still until it is moved, and a partner who says when
//! each call ends.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;
use weir_flows::{document::Message, run::Run};

use crate::{
    engine::{Accepted, Arrival, Engine, Limits},
    outbound,
    store::{self, Status, Store},
    world::World,
};

const START: i64 = 1_774_745_100_000;
const WORKSPACE: &str = "main";
const HOUR: Duration = Duration::from_secs(3_600);

struct Place {
    world: World,
    engine: Engine,
    partner: TcpListener,
    _dir: TempDir,
}

impl Place {
    /// A server with a flow whose one step has this policy.
    async fn with(policy: Value) -> Place {
        outbound::install_tls();
        let dir = TempDir::new().unwrap();
        let world = World::manual(START, 7);
        let settings = store::Settings::new(store::Database::Sqlite {
            dir: dir.path().join("data"),
        });
        let store = Store::open(&settings).await.unwrap();
        let limits = Limits {
            grace: Duration::from_millis(10),
            ..Limits::default()
        };
        let engine = Engine::on(store, &world, dir.path(), limits).await;
        let place = Place {
            world,
            engine,
            partner: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            _dir: dir,
        };
        place.connect("/first", None).await;
        place.publish("limited", policy).await;
        place
    }

    /// The connection leads to the partner, under this path.
    async fn connect(&self, path: &str, before: Option<u32>) {
        let address = self.partner.local_addr().unwrap();
        let document = json!({ "base_url": format!("http://{address}{path}") });
        self.world.advance(Duration::from_millis(1));
        let now = self.world.now_ms();
        let stored = self.engine.store().put_connection(
            WORKSPACE,
            "partner",
            document.to_string(),
            before,
            now,
        );
        stored.await.unwrap();
    }

    async fn publish(&self, flow: &str, policy: Value) {
        let mut step = json!({ "kind": "http", "connection": "partner",
                               "config": { "method": "POST", "path": "/", "body": "= input.body" } });
        step.as_object_mut()
            .unwrap()
            .extend(policy.as_object().unwrap().clone());
        let document = json!({
            "format": "weir/flow@1", "id": flow, "triggers": { "go": { "kind": "manual" } },
            "steps": { "call": step }, "links": [ { "from": "go", "to": "call" } ],
        });
        let draft = store::Draft {
            workspace: WORKSPACE.to_owned(),
            flow: flow.to_owned(),
            title: String::new(),
            document: document.to_string(),
            at: self.world.now_ms(),
        };
        self.engine.create_draft(draft).await.unwrap();
        let published = self.engine.publish(WORKSPACE, flow, None, None).await;
        published.unwrap();
    }

    async fn send(&self, body: Value) -> Uuid {
        self.send_to("limited", body).await
    }

    async fn send_to(&self, flow: &str, body: Value) -> Uuid {
        let arrival = Arrival {
            version: self.engine.published(WORKSPACE, flow).unwrap().version,
            trigger: "go".to_owned(),
            message: Message {
                body,
                ..Message::default()
            },
            dedupe: None,
            fire: None,
            alone: false,
        };
        match self.engine.accept(arrival).await.unwrap() {
            Accepted::Run(started) => started.id,
            _ => panic!("the message is refused"),
        }
    }

    /// The next call at the partner, and what it brought.
    async fn called(&self) -> (TcpStream, Value) {
        let (mut connection, _) = self.partner.accept().await.unwrap();
        let mut text = String::new();
        let mut buffer = vec![0; 4096];
        loop {
            let length = connection.read(&mut buffer).await.unwrap();
            assert!(length > 0, "the call ends in its middle: {text}");
            text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
            if let Some((_, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                return (connection, body);
            }
        }
    }

    /// Nobody calls the partner, and nobody is about to.
    async fn nobody_calls(&self) {
        tokio::select! {
            biased;
            _ = self.partner.accept() => panic!("somebody calls"),
            () = tokio::task::yield_now() => {}
        }
    }

    /// Waits until a run stands so, and gives it.
    async fn until(&self, run: Uuid, done: impl Fn(&Run, Status) -> bool) -> Run {
        let mut changes = self.engine.changes();
        loop {
            let recorded = self.engine.run(WORKSPACE, run).await.unwrap().unwrap();
            if done(&recorded.run, recorded.row.status) {
                return recorded.run;
            }
            changes.recv().await.unwrap();
        }
    }

    async fn ended(&self, run: Uuid) -> Run {
        self.until(run, |_, status| status.is_final()).await
    }

    async fn queued(&self, run: Uuid) {
        let queued = |run: &Run, _| run.steps[0].calls.queued().is_some();
        self.until(run, queued).await;
    }
}

async fn answer(mut connection: TcpStream, head: &str, body: Value) {
    let body = body.to_string();
    let reply = format!(
        "HTTP/1.1 {head}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(reply.as_bytes()).await.unwrap();
}

fn output(run: &Run) -> Value {
    assert_eq!(run.status, weir_flows::run::Status::Succeeded);
    run.outputs.at(0).unwrap()["body"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_limited_waits_for_its_turn() {
    let place = Place::with(json!({ "concurrency": { "limit": 1, "key": "input.body.to" } })).await;
    let first = place.send(json!({ "to": "a", "n": 1 })).await;
    let (one, body) = place.called().await;
    assert_eq!(body["n"], 1);
    let second = place.send(json!({ "to": "a", "n": 2 })).await;
    let third = place.send(json!({ "to": "a", "n": 3 })).await;
    place.queued(second).await;
    place.queued(third).await;
    let other = place.send(json!({ "to": "b", "n": 4 })).await;
    let (four, body) = place.called().await;
    assert_eq!(body["n"], 4, "another key has another line");
    place.nobody_calls().await;
    // Whoever leaves the line is not waited for.
    place
        .engine
        .cancel(WORKSPACE, second, false, None, None)
        .await
        .unwrap();
    let cancelled = place.ended(second).await;
    assert!(cancelled.steps[0].calls.attempts.is_empty(), "not begun");
    // A failure gives the place back like a success.
    answer(one, "400 Bad Request", json!({})).await;
    let (three, body) = place.called().await;
    assert_eq!(body["n"], 3);
    answer(three, "200 OK", json!(3)).await;
    answer(four, "200 OK", json!(4)).await;
    assert_eq!(output(&place.ended(third).await), 3);
    assert_eq!(output(&place.ended(other).await), 4);
    let failed = place.ended(first).await;
    assert_eq!(failed.status, weir_flows::run::Status::Failed);
    place.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_limited_within_a_time_waits_for_it() {
    let place = Place::with(json!({ "rate": { "limit": 2, "per": "1h" } })).await;
    let mut runs = Vec::new();
    for n in 0..3 {
        runs.push(place.send(json!({ "n": n })).await);
    }
    for _ in 0..2 {
        let (call, body) = place.called().await;
        answer(call, "200 OK", body).await;
    }
    place.ended(runs[0]).await;
    place.ended(runs[1]).await;
    place.queued(runs[2]).await;
    place.world.advance(HOUR - Duration::from_millis(1));
    place.nobody_calls().await;
    place.world.advance(Duration::from_millis(1));
    let (call, body) = place.called().await;
    answer(call, "200 OK", body).await;
    let run = place.ended(runs[2]).await;
    let attempt = &run.steps[0].calls.attempts[0];
    assert_eq!(attempt.started_at, START + 1 + 3_600_000);
    place.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_who_asks_for_a_pause_has_it_from_all() {
    let policy = json!({ "rate": { "limit": 100, "per": "1s" }, "retry": { "attempts": 1 } });
    let place = Place::with(policy).await;
    let first = place.send(json!({ "n": 1 })).await;
    let (call, _) = place.called().await;
    answer(
        call,
        "429 Too Many Requests\r\nretry-after: 1800",
        json!({}),
    )
    .await;
    place.ended(first).await;
    let second = place.send(json!({ "n": 2 })).await;
    place.queued(second).await;
    place.world.advance(HOUR / 2 - Duration::from_millis(1));
    place.nobody_calls().await;
    place.world.advance(Duration::from_millis(1));
    let (call, body) = place.called().await;
    answer(call, "200 OK", body).await;
    let run = place.ended(second).await;
    let attempt = &run.steps[0].calls.attempts[0];
    assert_eq!(attempt.started_at, START + 1 + 1_800_000);
    place.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_serves_all_who_want_the_same() {
    let policy =
        json!({ "cache": { "ttl": "1h", "key": "input.body.of" }, "retry": { "attempts": 1 } });
    let place = Place::with(policy.clone()).await;
    // All at once, and nothing is there yet.
    let mut runs = Vec::new();
    for n in 0..4 {
        runs.push(place.send(json!({ "of": "EUR", "n": n })).await);
    }
    let (call, body) = place.called().await;
    let first = runs.remove(usize::try_from(body["n"].as_u64().unwrap()).unwrap());
    let other = place.send(json!({ "of": "USD" })).await;
    let (dollars, body) = place.called().await;
    assert_eq!(body["of"], "USD", "another key is another call");
    for run in &runs {
        place.queued(*run).await;
    }
    answer(call, "200 OK", json!(1)).await;
    answer(dollars, "200 OK", json!(2)).await;
    let run = place.ended(first).await;
    assert!(!run.steps[0].cached && run.steps[0].calls.attempts.len() == 1);
    assert_eq!(output(&place.ended(other).await), 2);
    for run in &runs {
        let run = place.ended(*run).await;
        assert_eq!(output(&run), 1);
        assert!(run.steps[0].cached && run.steps[0].calls.attempts.is_empty());
    }
    // Until it is too old.
    place.world.advance(HOUR / 2);
    let run = place.send(json!({ "of": "EUR" })).await;
    assert!(place.ended(run).await.steps[0].cached);
    place.world.advance(HOUR);
    let run = place.send(json!({ "of": "EUR" })).await;
    let (call, _) = place.called().await;
    answer(call, "200 OK", json!(3)).await;
    assert_eq!(output(&place.ended(run).await), 3);
    // Another flow has its own, and so has the same one once its connection leads elsewhere.
    place.publish("other", policy).await;
    let run = place.send_to("other", json!({ "of": "EUR" })).await;
    let (call, _) = place.called().await;
    answer(call, "200 OK", json!(4)).await;
    assert_eq!(output(&place.ended(run).await), 4);
    place.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_from_elsewhere_is_not_used_again() {
    let place = Place::with(json!({ "cache": { "ttl": "1h" } })).await;
    let sent = |path: &'static str| {
        let place = &place;
        async move {
            let run = place.send(json!({ "n": 1 })).await;
            let (call, _) = place.called().await;
            answer(call, "200 OK", json!(path)).await;
            assert_eq!(output(&place.ended(run).await), path);
        }
    };
    sent("/first").await;
    let run = place.send(json!({ "n": 1 })).await;
    assert_eq!(output(&place.ended(run).await), "/first");
    let stored = place.engine.store().connection(WORKSPACE, "partner").await;
    let stored = stored.unwrap().unwrap();
    place.connect("/second", Some(stored.revision)).await;
    sent("/second").await;
    place.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_nobody_elses() {
    let policy = json!({ "cache": { "ttl": "1h", "key": "1" }, "retry": { "attempts": 1 } });
    let place = Place::with(policy).await;
    let first = place.send(json!({ "n": 0 })).await;
    let (call, _) = place.called().await;
    let mut runs = Vec::new();
    for n in 1..4 {
        let run = place.send(json!({ "n": n })).await;
        place.queued(run).await;
        runs.push(run);
    }
    place.nobody_calls().await;
    answer(call, "500 Internal Server Error", json!({})).await;
    let failed = place.ended(first).await;
    assert_eq!(failed.status, weir_flows::run::Status::Failed);
    // Each asks for itself now, and nobody waits for anybody.
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(place.called().await.0);
    }
    for call in calls {
        answer(call, "200 OK", json!(5)).await;
    }
    for run in runs {
        assert_eq!(output(&place.ended(run).await), 5);
    }
    let run = place.send(json!({ "n": 9 })).await;
    assert!(place.ended(run).await.steps[0].cached);
    place.engine.stop().await;
}
