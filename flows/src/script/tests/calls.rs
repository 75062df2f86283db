//! Scripts that call out: what a call asks and gives, and what a failure is that nobody catches.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{MOMENT, scope};
use crate::compute::calling_failure;
use crate::failure::{Class, Failure};
use crate::script::{Bounds, Error, ErrorKind, Form, Http, Unanswered, compile_with, eval};

/// Gives the request back, but for some paths.
struct Partner;

impl Http for Partner {
    fn send(&self, request: Value) -> Result<Value, Unanswered> {
        match request["path"].as_str() {
            Some("/down") => Err(Unanswered::Failed(Box::new(Failure {
                status: Some(503),
                body: Some(json!({ "code": "E7", "left": [1, 2] })),
                retry_after_ms: Some(4_000),
                ..Failure::new(Class::Transient, "the partner does not answer")
            }))),
            Some("/over") => Err(Unanswered::Stopped("that was enough".to_owned())),
            _ => Ok(json!({ "status": 200, "headers": {}, "body": request })),
        }
    }
}

fn call(source: &str) -> Result<Value, Error> {
    let script = compile_with(source, Form::Script, &["http", "cursor"]).unwrap();
    let given = scope().with_http(Arc::new(Partner));
    eval(&script, &given, MOMENT, &Bounds::default()).map(Arc::unwrap_or_clone)
}

#[test]
fn a_call_asks_with_its_method_its_target_and_its_options() {
    let table = [
        (
            "http.get(\"/a\", #{ query: #{ q: 1 } })",
            json!({ "method": "GET", "path": "/a", "query": { "q": 1 } }),
        ),
        (
            "http.get(\"/to?next=https://x.test\")",
            json!({ "method": "GET", "path": "/to?next=https://x.test" }),
        ),
        (
            "http.post(\"https://x.test/a\", input.items[1].sku)",
            json!({ "method": "POST", "url": "https://x.test/a", "body": "B" }),
        ),
        (
            "http.put(\"/a\", #{ n: 1 }, #{ expect: [404] })",
            json!({ "method": "PUT", "path": "/a", "body": { "n": 1 }, "expect": [404] }),
        ),
        (
            "http.patch(\"/a\", [1])",
            json!({ "method": "PATCH", "path": "/a", "body": [1] }),
        ),
        (
            "http.delete(\"/a\")",
            json!({ "method": "DELETE", "path": "/a" }),
        ),
        (
            "http.request(#{ method: \"OPTIONS\", path: \"/\" })",
            json!({ "method": "OPTIONS", "path": "/" }),
        ),
    ];
    for (source, asked) in table {
        assert_eq!(call(&format!("{source}.body")), Ok(asked), "{source}");
    }
    assert_eq!(call("cursor ?? 0"), Ok(json!(0)));
}

#[test]
fn a_call_that_fails_can_be_caught_with_what_is_known_of_it() {
    let caught = "let all = (); try { http.get(\"/down\") } catch (e) { all = #{ class: e.class, says: e.message, status: e.status, \
                  code: e.body.code, left: e.body.left.len() }; } all";
    assert_eq!(
        call(caught),
        Ok(json!({
            "class": "transient", "says": "the partner does not answer", "status": 503, "code": "E7", "left": 2
        }))
    );
}

#[test]
fn a_failure_that_nobody_catches_is_that_of_the_call() {
    for source in [
        "\nhttp.delete(\"/down\")",
        "try { http.get(\"/down\") } catch (e) { if e.status == 404 { () } else { throw e } }",
    ] {
        let failure = calling_failure(&call(source).unwrap_err());
        assert_eq!(failure.class, Class::Transient, "{source}");
        assert_eq!(failure.status, Some(503));
        assert_eq!(failure.retry_after_ms, Some(4_000));
        assert_eq!(failure.body.unwrap()["code"], "E7");
        assert!(
            failure.message.ends_with("the partner does not answer"),
            "{}",
            failure.message
        );
        assert!(failure.at.is_some());
    }
    let table = [
        (
            "throw #{ class: \"rate_limited\", message: \"slow\" }",
            Class::RateLimited,
        ),
        (
            "throw #{ class: \"unheard\", message: \"no\" }",
            Class::Rejected,
        ),
        ("throw \"no\"", Class::Rejected),
        ("input.nothing.at.all", Class::Broken),
    ];
    for (source, class) in table {
        let failure = calling_failure(&call(source).unwrap_err());
        assert_eq!(failure.class, class, "{source}: {failure}");
    }
}

#[test]
fn what_stops_a_script_is_not_caught() {
    let stopped = call("loop { try { http.get(\"/over\") } catch {} }").unwrap_err();
    assert_eq!(stopped.kind, ErrorKind::Bound);
    assert_eq!(stopped.message, "that was enough");
}

#[test]
fn an_option_that_cannot_be_json_is_told() {
    let wrong = call("http.post(\"/a\", || 1)").unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::Runtime);
    assert!(wrong.message.contains("function"), "{}", wrong.message);
}
