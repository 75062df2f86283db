//! Secrets of a call: they arrive where they are meant for, and show nowhere else.

use serde_json::{Value, json};
use weir_flows::failure::Class;

use super::{
    Bench,
    partner::{Partner, Received, answer, json as json_answer},
};

const KEY: &str = "s3cr3t/key+with \"marks\"";

/// Answers with everything it got, in every place an answer has.
fn mirror(status: u16) -> impl Fn(&Received) -> super::partner::Answer + Send + Sync + 'static {
    move |request| {
        let all = json!({
            "target": request.target, "headers": request.headers, "body": request.text(),
            "detail": format!("bad key {}", request.header("x-key").unwrap_or_default()),
        });
        answer(
            status,
            &[
                ("content-type", "application/json"),
                ("x-echo", request.header("x-key").unwrap_or("none")),
            ],
            all.to_string(),
        )
    }
}

fn shows(text: &str) -> bool {
    // The value as it is, in a URL, in JSON, in JSON inside of JSON, and in base64.
    ["s3cr3t", "czNjcjN0"]
        .iter()
        .any(|part| text.contains(part))
}

fn everywhere() -> Value {
    let key = json!({ "$secret": "key" });
    json!({
        "method": "POST", "path": "/x", "query": { "k": key }, "headers": { "X-Key": key, "X-Trace": "7" },
        "body": { "deep": [{ "password": key }], "user": "ann" }
    })
}

#[tokio::test]
async fn a_secret_arrives_and_shows_in_no_output_record_or_message() {
    for status in [200, 401, 500] {
        let partner = Partner::start(mirror(status)).await;
        for auth in [
            json!({ "kind": "bearer", "token": { "$secret": "key" } }),
            json!({ "kind": "basic", "username": "ann", "password": { "$secret": "key" } }),
            json!({ "kind": "basic", "username": { "$secret": "key" }, "password": "literal-password" }),
            json!({ "kind": "api_key", "in": "header", "name": "X-Own", "value": { "$secret": "key" } }),
            json!({ "kind": "api_key", "in": "query", "name": "own", "value": { "$secret": "key" } }),
        ] {
            let bench = Bench::new()
                .secret("key", KEY)
                .connection(json!({ "base_url": partner.url("/"), "auth": auth }));
            let outcome = bench.call(everywhere()).await;
            let received = partner.received().pop().unwrap();
            assert_eq!(received.header("x-key"), Some(KEY));
            assert_eq!(
                serde_json::from_str::<Value>(received.text()).unwrap()["deep"][0]["password"],
                KEY
            );
            assert!(
                received
                    .target
                    .starts_with("/x?k=s3cr3t%2Fkey%2Bwith+%22marks%22"),
                "{}",
                received.target
            );

            assert_eq!(outcome.result.is_ok(), status == 200);
            let exchange = outcome.exchange.as_ref().unwrap();
            let text = format!("{outcome:?} {exchange} {:?}", outcome.result);
            assert!(!shows(&text), "{auth} {status}: {text}");
            assert!(
                !text.contains("literal-password") && !text.contains("YW5uOn"),
                "{auth}: {text}"
            );
            assert_eq!(exchange["request"]["headers"]["x-key"], "•••");
            assert_eq!(exchange["request"]["headers"]["x-trace"], "7");
            assert!(
                exchange["request"]["url"]
                    .as_str()
                    .unwrap()
                    .contains("?k=•••")
            );
            assert_eq!(exchange["response"]["headers"]["x-echo"], "•••");
            if let Err(failure) = outcome.result {
                assert!(
                    failure.message.contains("bad key •••"),
                    "{}",
                    failure.message
                );
            }
        }
    }
}

#[tokio::test]
async fn an_address_may_be_a_secret() {
    let partner = Partner::start(mirror(500)).await;
    let url = partner.url("/services/T000/s3cr3t-hook?x=s3cr3t2");
    let bench = Bench::new().secret("hook", &url);
    let outcome = bench
        .call(json!({ "method": "POST", "url": { "$secret": "hook" }, "body": {} }))
        .await;
    assert_eq!(
        partner.received()[0].target,
        "/services/T000/s3cr3t-hook?x=s3cr3t2"
    );
    let text = format!("{outcome:?}");
    assert!(!shows(&text), "{text}");
    // The same where nobody is there to answer.
    let bench = Bench::new().secret("hook", "http://127.0.0.1:1/services/s3cr3t-hook?x=s3cr3t2");
    let outcome = bench.call(json!({ "url": { "$secret": "hook" } })).await;
    assert_eq!(outcome.result.as_ref().unwrap_err().class, Class::Transient);
    assert!(!shows(&format!("{outcome:?}")), "{outcome:?}");
}

#[tokio::test]
async fn what_looks_like_a_secret_in_data_stays_data() {
    let partner = Partner::start(|_| json_answer(200, json!({}))).await;
    let bench = Bench::new().secret("key", KEY).connection(json!({ "base_url": partner.url("/"), "auth": { "kind": "bearer", "token": { "$secret": "key" } } }));
    let evil = json!({ "$secret": "key" });
    let config = json!({ "method": "POST", "path": "/", "body": evil, "headers": { "X-A": "1" } });
    let written = json!({ "method": "POST", "path": "/", "body": "= trigger.body", "headers": { "X-A": "1" } });
    bench.call_written(config, written).await.result.unwrap();
    assert_eq!(partner.received()[0].text(), r#"{"$secret":"key"}"#);

    // The same as a header is a value that no header can have.
    let config = json!({ "path": "/", "headers": { "X-A": evil } });
    let written = json!({ "path": "/", "headers": { "X-A": "= trigger.body" } });
    let failure = bench
        .call_written(config, written)
        .await
        .result
        .unwrap_err();
    assert_eq!(failure.class, Class::Broken);
    assert_eq!(partner.received().len(), 1);
}

#[tokio::test]
async fn a_missing_secret_is_named_before_anything_is_sent() {
    let partner = Partner::start(mirror(200)).await;
    let outcome = Bench::new()
        .call(json!({ "url": partner.url("/"), "headers": { "X-Key": { "$secret": "nope" } } }))
        .await;
    let failure = outcome.result.unwrap_err();
    assert_eq!(failure.class, Class::Denied);
    assert!(failure.message.contains("`nope`"), "{}", failure.message);
    assert!(partner.received().is_empty() && outcome.exchange.is_none());
}

#[tokio::test]
async fn a_short_secret_is_hidden_where_it_stands_alone_and_does_not_eat_the_answer() {
    let partner =
        Partner::start(|_| json_answer(200, json!({ "text": "an example", "alone": "x", "n": 1 })))
            .await;
    let bench = Bench::new().connection(json!({ "base_url": partner.url("/"), "auth": { "kind": "basic", "username": "apikey", "password": "x" } }));
    let output = bench.call(json!({ "path": "/" })).await.result.unwrap();
    assert_eq!(
        output["body"],
        json!({ "text": "an example", "alone": "•••", "n": 1 })
    );
}
