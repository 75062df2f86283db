//! The `script` action against a real partner on this machine.

use std::{
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use weir_flows::{
    failure::{Class, Failure},
    script::Bounds,
};

use crate::connectors::{
    Outcome,
    http::tests::{
        Bench,
        partner::{Answer, Partner, Received, json as json_answer},
    },
};

const KEY: &str = "s3cr3t-key-of-the-partner";

/// Says what was asked, and hangs or fails where it is told to.
fn partner(request: &Received) -> Answer {
    let status = match request.target.split('?').next() {
        Some("/hang") => return Answer::Hang(Vec::new()),
        Some("/down") => 503,
        Some("/slow-down") => 429,
        Some("/none") => 404,
        Some("/secret") => 403,
        _ => 200,
    };
    let body = json!({
        "method": request.method, "target": request.target, "sent": request.text(), "headers": request.headers,
        "code": format!("E{status}"),
    });
    json_answer(status, body)
}

fn on(bench: Bench, partner: &Partner) -> Bench {
    bench.connection(json!({ "base_url": partner.url("/") }))
}

fn failure(outcome: &Outcome) -> &Failure {
    outcome.result.as_ref().unwrap_err()
}

fn calls(outcome: &Outcome) -> Vec<Value> {
    let exchange = outcome.exchange.clone().unwrap_or_default();
    exchange["calls"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn calls_go_over_the_connection_and_are_recorded_in_order() {
    let partner = Partner::start(partner).await;
    let bench = on(Bench::new(), &partner);
    let outcome = bench
        .script(
            "let a = http.get(\"/a\", #{ query: #{ page: 2 } });\n\
             let b = http.post(\"/b\", #{ total: 1.0, of: a.body.target });\n\
             http.request(#{ method: \"OPTIONS\", path: \"/c\" });\n\
             #{ status: b.status, sent: b.body.sent, type: a.headers[\"content-type\"] }",
        )
        .await;
    assert_eq!(
        outcome.result,
        Ok(json!({
            "status": 200, "sent": "{\"of\":\"/a?page=2\",\"total\":1.0}", "type": "application/json"
        }))
    );
    let recorded = calls(&outcome);
    let asked: Vec<_> = recorded
        .iter()
        .map(|call| {
            (
                call["request"]["method"].as_str(),
                call["response"]["status"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        asked,
        [
            (Some("GET"), Some(200)),
            (Some("POST"), Some(200)),
            (Some("OPTIONS"), Some(200))
        ]
    );
    // What nothing else keeps stands in the record.
    assert_eq!(
        recorded[1]["request"]["body"],
        "{\"of\":\"/a?page=2\",\"total\":1.0}"
    );
    assert_eq!(recorded[0]["response"]["body"]["target"], "/a?page=2");
    // Each call has a key of its own that is the same in the next attempt.
    let keys: Vec<_> = partner
        .received()
        .iter()
        .map(|request| request.header("idempotency-key").map(str::to_owned))
        .collect();
    assert_eq!(keys, [None, Some("run-1/book-2".to_owned()), None]);
}

#[tokio::test]
async fn a_failed_call_is_caught_or_becomes_the_failure_of_the_step() {
    let partner = Partner::start(partner).await;
    let bench = on(Bench::new(), &partner);
    let caught = "let seen = []; for path in [\"/none\", \"/down\", \"/slow-down\"] { \
                  try { http.get(path) } catch (e) { seen.push(`${e.class} ${e.status} ${e.body.code}`) } } seen";
    let outcome = bench.script(caught).await;
    assert_eq!(
        outcome.result,
        Ok(json!([
            "rejected 404 E404",
            "transient 503 E503",
            "rate_limited 429 E429"
        ]))
    );
    assert_eq!(calls(&outcome)[1]["failure"]["class"], "transient");

    let outcome = bench
        .script("http.get(\"/a\");\n  http.get(\"/down\").body")
        .await;
    let failure = failure(&outcome);
    assert_eq!(
        (failure.class, failure.status),
        (Class::Transient, Some(503))
    );
    assert_eq!(failure.body.as_ref().unwrap()["code"], "E503");
    assert_eq!(failure.at.map(|at| at.line), Some(2));
    assert!(failure.message.contains("answered 503"), "{failure}");
    assert_eq!(calls(&outcome).len(), 2);

    let outcome = bench
        .script("http.get(\"/none\", #{ expect: [\"2xx\", 404] }).status")
        .await;
    assert_eq!(outcome.result, Ok(json!(404)));
}

#[tokio::test]
async fn what_the_guard_or_the_connection_refuses_a_script_gets_denied() {
    let partner = Partner::start(partner).await;
    let outcome = Bench::allowing("10.0.0.0/8")
        .script(&format!("http.get(\"{}\")", partner.url("/a")))
        .await;
    assert_eq!(failure(&outcome).class, Class::Denied, "{outcome:?}");
    let bench = on(Bench::new(), &partner);
    for leaving in [
        "\"../x\"",
        "\"https://evil.example/x\"",
        "\"//evil.example\"",
    ] {
        let outcome = bench.script(&format!("http.get({leaving})")).await;
        assert_eq!(failure(&outcome).class, Class::Denied, "{leaving}");
    }
    assert_eq!(partner.received().len(), 0);
    for (wrong, says) in [
        ("http.get(\"/a\", #{ querry: #{} })", "did you mean `query`"),
        (
            "http.request(#{ path: \"/a\", method: \"FETCH\" })",
            "not a method",
        ),
        ("http.request(#{})", "the address is missing"),
    ] {
        let outcome = bench.script(wrong).await;
        assert_eq!(failure(&outcome).class, Class::Broken, "{wrong}");
        assert!(failure(&outcome).message.contains(says), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_script_never_sees_a_secret_and_names_none() {
    let partner = Partner::start(partner).await;
    let bench = Bench::new().secret("key", KEY).connection(json!({
        "base_url": partner.url("/"), "auth": { "kind": "bearer", "token": { "$secret": "key" } }
    }));
    for path in ["/echo", "/secret"] {
        let source = format!(
            "let seen = (); try {{ seen = http.post(\"{path}\", #{{ take: #{{ \"$secret\": \"key\" }} }}); }} catch (e) {{ seen = e; }} \
             to_json(seen)"
        );
        let outcome = bench.script(&source).await;
        let received = partner.received().pop().unwrap();
        assert_eq!(
            received.header("authorization"),
            Some(format!("Bearer {KEY}").as_str())
        );
        assert_eq!(received.text(), "{\"take\":{\"$secret\":\"key\"}}");
        let text = format!("{outcome:?}");
        assert!(text.contains("•••") && !text.contains("s3cr3t"), "{text}");
    }
}

#[tokio::test]
async fn the_time_of_the_attempt_is_that_of_all_its_calls() {
    let partner = Partner::start(partner).await;
    let bench = on(Bench::new(), &partner).timeout(Duration::from_millis(300));
    let outcome = bench.script("http.get(\"/a\"); http.get(\"/hang\")").await;
    assert_eq!(failure(&outcome).class, Class::TimedOut, "{outcome:?}");
    // A script that catches it has no more time either.
    let outcome = bench
        .script("try { http.get(\"/hang\") } catch { loop {} }")
        .await;
    assert_eq!(failure(&outcome).class, Class::TimedOut, "{outcome:?}");
    let outcome = bench
        .script("loop { try { http.get(\"/hang\") } catch {} }")
        .await;
    assert_eq!(failure(&outcome).class, Class::TimedOut, "{outcome:?}");
}

#[tokio::test]
async fn bounds_hold_and_no_script_catches_them() {
    let partner = Partner::start(partner).await;
    let mut bench = on(Bench::new(), &partner);
    bench.scripts.calls = 3;
    bench.scripts.time = Duration::from_millis(200);
    let outcome = bench
        .script("loop { try { http.get(\"/a\") } catch {} }")
        .await;
    assert_eq!(failure(&outcome).class, Class::Broken);
    assert!(failure(&outcome).message.contains("3 calls"), "{outcome:?}");
    assert_eq!((calls(&outcome).len(), partner.received().len()), (3, 3));

    bench.scripts.bounds.operations = u64::MAX;
    let outcome = bench.script("loop {}").await;
    assert_eq!(failure(&outcome).class, Class::Broken);
    assert!(
        failure(&outcome).message.contains("compute for 200 ms"),
        "{outcome:?}"
    );

    bench.scripts.bounds = Bounds {
        memory_bytes: 400,
        ..Bounds::default()
    };
    let outcome = bench.script("loop { http.get(\"/a\") }").await;
    assert_eq!(failure(&outcome).class, Class::Broken);
    assert!(failure(&outcome).message.contains("bytes"), "{outcome:?}");
}

#[tokio::test]
async fn the_record_of_many_calls_stays_small() {
    let partner = Partner::start(partner).await;
    let bench = on(Bench::new(), &partner);
    let outcome = bench
        .script("for n in 0..40 { http.post(\"/a\", \"x\".repeat(5000)); } ()")
        .await;
    assert_eq!(outcome.result, Ok(Value::Null));
    let recorded = calls(&outcome);
    assert_eq!(recorded.len(), 40);
    assert!(recorded[0]["request"]["body"].is_string());
    assert_eq!(recorded[39]["response"], json!({ "status": 200 }));
    assert!(json!(recorded).to_string().len() < 80 << 10);
}

#[tokio::test]
async fn a_script_without_a_place_waits_and_then_says_so() {
    let partner = Partner::start(partner).await;
    let mut bench = on(Bench::new(), &partner).timeout(Duration::from_millis(200));
    bench.scripts.places = Arc::new(Semaphore::new(1));
    let held = Arc::clone(&bench.scripts.places)
        .acquire_owned()
        .await
        .unwrap();
    let outcome = bench.script("http.get(\"/a\").status").await;
    assert_eq!(failure(&outcome).class, Class::Transient);
    assert!(
        failure(&outcome).message.contains("WEIR_SCRIPT_PLACES"),
        "{outcome:?}"
    );
    assert_eq!(partner.received().len(), 0);
    drop(held);
    assert_eq!(
        bench.script("http.get(\"/a\").status").await.result,
        Ok(json!(200))
    );
    // Its place is free again.
    assert_eq!(bench.script("1 + 1").await.result, Ok(json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_is_cut_off_stops_its_script() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let partner = Partner::start(move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        partner(request)
    })
    .await;
    let mut bench = on(Bench::new(), &partner);
    bench.scripts.bounds.operations = u64::MAX;
    bench.scripts.time = Duration::from_secs(3600);
    let places = Arc::clone(&bench.scripts.places);
    for source in ["http.get(\"/hang\")", "http.get(\"/a\"); loop {}"] {
        let before = asked.load(Ordering::SeqCst);
        tokio::select! {
            outcome = bench.script(source) => panic!("{outcome:?}"),
            () = async {
                while asked.load(Ordering::SeqCst) == before {
                    tokio::task::yield_now().await;
                }
            } => {}
        }
        // The thread ends by itself, and gives its place back.
        let all = places.acquire_many(2).await.unwrap();
        drop(all);
    }
}
