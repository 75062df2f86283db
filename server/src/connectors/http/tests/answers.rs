//! What comes back: statuses, classes, headers, bodies in every form.

use serde_json::{Value, json};
use weir_flows::failure::Class;

use super::{
    Bench,
    partner::{Answer, Partner, answer, json as json_answer},
};

#[tokio::test]
async fn every_status_has_its_class() {
    use Class::*;
    let partner = Partner::start(|request| {
        let status = request.target[1..].parse().unwrap();
        answer(
            status,
            &[("content-type", "application/json")],
            r#"{"detail":"because"}"#,
        )
    })
    .await;
    let bench = Bench::new();
    let table = [
        (200, None),
        (201, None),
        (202, None),
        (299, None),
        (300, Some(Rejected)),
        (302, Some(Rejected)),
        (304, Some(Rejected)),
        (400, Some(Rejected)),
        (401, Some(Denied)),
        (402, Some(Rejected)),
        (403, Some(Denied)),
        (404, Some(Rejected)),
        (405, Some(Rejected)),
        (407, Some(Denied)),
        (408, Some(Transient)),
        (409, Some(Rejected)),
        (410, Some(Rejected)),
        (413, Some(Rejected)),
        (415, Some(Rejected)),
        (418, Some(Rejected)),
        (422, Some(Rejected)),
        (425, Some(Transient)),
        (428, Some(Rejected)),
        (429, Some(RateLimited)),
        (451, Some(Rejected)),
        (500, Some(Transient)),
        (501, Some(Rejected)),
        (502, Some(Transient)),
        (503, Some(Transient)),
        (504, Some(Transient)),
        (505, Some(Rejected)),
        (507, Some(Transient)),
        (520, Some(Transient)),
        (529, Some(Transient)),
        (599, Some(Transient)),
    ];
    for (status, class) in table {
        let url = partner.url(&format!("/{status}"));
        let outcome = bench.get(url.clone()).await;
        let exchange = outcome.exchange.unwrap();
        assert_eq!(exchange["response"]["status"], status);
        match (outcome.result, class) {
            (Ok(output), None) => assert_eq!(output["status"], status),
            (Err(failure), Some(class)) => {
                assert_eq!(
                    (failure.class, failure.status),
                    (class, Some(status)),
                    "{status}"
                );
                assert!(
                    failure
                        .message
                        .contains(&format!("GET {url} answered {status}")),
                    "{}",
                    failure.message
                );
                if status != 304 {
                    assert!(failure.message.contains("because"), "{}", failure.message);
                    assert_eq!(failure.body, Some(json!({ "detail": "because" })));
                    assert_eq!(exchange["response"]["body"], json!({ "detail": "because" }));
                }
            }
            (result, class) => panic!("{status}: {result:?}, not {class:?}"),
        }
    }
}

#[tokio::test]
async fn the_step_says_which_statuses_it_expects() {
    let partner =
        Partner::start(|request| answer(request.target[1..].parse().unwrap(), &[], "")).await;
    let bench = Bench::new();
    let table = [
        (json!(null), 200, true),
        (json!(["2xx"]), 204, true),
        (json!([404, "2xx"]), 404, true),
        (json!([404]), 200, false),
        (json!([201]), 200, false),
        (json!("5xx"), 503, true),
        (json!(404), 404, true),
        (json!(["404"]), 404, true),
        (json!(["3xx"]), 304, true),
        (json!([]), 200, false),
    ];
    for (expect, status, succeeds) in table {
        let outcome = bench
            .call(json!({ "url": partner.url(&format!("/{status}")), "expect": expect }))
            .await;
        assert_eq!(
            outcome.result.is_ok(),
            succeeds,
            "{expect} {status}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn retry_after_is_handed_on() {
    let partner = Partner::start(|request| {
        let (status, after) = request.target[1..].split_once('/').unwrap();
        answer(
            status.parse().unwrap(),
            &[("retry-after", &after.replace('_', " "))],
            "",
        )
    })
    .await;
    let bench = Bench::new();
    let table = [
        ("/429/7", Some(7_000)),
        ("/503/120", Some(120_000)),
        ("/503/Sun,_06_Nov_1994_08:50:37_GMT", Some(60_000)),
        ("/503/Sun,_06_Nov_1994_08:00:00_GMT", Some(0)),
        ("/429/soon", None),
    ];
    for (path, expected) in table {
        let failure = bench.get(partner.url(path)).await.result.unwrap_err();
        assert_eq!(failure.retry_after_ms, expected, "{path}");
    }
}

#[tokio::test]
async fn bodies_are_read_by_their_content_type_or_as_the_step_says() {
    // Content type, body, reading, what comes out.
    let table: &[(&str, &[u8], &str, Value)] = &[
        (
            "application/json",
            br#"{"a":[1,1.0,18446744073709551615,"x"]}"#,
            "auto",
            json!({ "a": [1, 1.0, u64::MAX, "x"] }),
        ),
        (
            "application/problem+json; charset=utf-8",
            b"[]",
            "auto",
            json!([]),
        ),
        ("Application/JSON", b"\xef\xbb\xbf{}", "auto", json!({})),
        (
            "application/json; charset=iso-8859-1",
            b"\"\xfc\"",
            "auto",
            json!("ü"),
        ),
        ("application/json", b"", "auto", json!(null)),
        ("text/plain", b"hello", "auto", json!("hello")),
        (
            "text/plain; charset=windows-1252",
            b"\x80 \xfc",
            "auto",
            json!("€ ü"),
        ),
        (
            "text/csv; header=present; charset=\"ISO-8859-1\"",
            b"\xfc",
            "auto",
            json!("ü"),
        ),
        (
            "text/plain",
            b"\xfc\xff",
            "auto",
            json!({ "base64": "/P8=" }),
        ),
        (
            "text/plain; charset=utf-8",
            b"a\xffb",
            "auto",
            json!("a\u{fffd}b"),
        ),
        ("text/html", b"<p>", "auto", json!("<p>")),
        ("application/xml", "<ü/>".as_bytes(), "auto", json!("<ü/>")),
        ("image/svg+xml", b"<svg/>", "auto", json!("<svg/>")),
        ("application/x-ndjson", b"{}\n{}", "auto", json!("{}\n{}")),
        (
            "image/png",
            b"\x89PNG",
            "auto",
            json!({ "base64": "iVBORw==" }),
        ),
        (
            "application/octet-stream",
            b"text",
            "auto",
            json!({ "base64": "dGV4dA==" }),
        ),
        ("", b"plain", "auto", json!("plain")),
        ("", b"\x00\xff", "auto", json!({ "base64": "AP8=" })),
        ("text/plain", br#"{"a":1}"#, "json", json!({ "a": 1 })),
        ("application/json", b"{}", "text", json!("{}")),
        ("image/png", b"\xff", "text", json!("\u{fffd}")),
        (
            "application/json",
            b"{}",
            "base64",
            json!({ "base64": "e30=" }),
        ),
    ];
    for (content_type, body, reading, expected) in table {
        let (kind, bytes) = (*content_type, *body);
        let partner = Partner::start(move |_| {
            let headers = [("content-type", kind)];
            answer(200, if kind.is_empty() { &[] } else { &headers }, bytes)
        })
        .await;
        let outcome = Bench::new()
            .call(json!({ "url": partner.url("/"), "response": reading }))
            .await;
        assert_eq!(
            outcome.result.unwrap()["body"],
            *expected,
            "{kind} {reading}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_json_it_says_it_is_breaks() {
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    for body in ["{", "<html>", "{\"a\":1} x", "\u{0}", &deep] {
        let text = body.to_owned();
        let partner = Partner::start(move |request| {
            answer(
                request.target[1..].parse().unwrap(),
                &[("content-type", "application/json")],
                &text,
            )
        })
        .await;
        let outcome = Bench::new().get(partner.url("/200")).await;
        let failure = outcome.result.unwrap_err();
        assert_eq!((failure.class, failure.status), (Class::Broken, Some(200)));
        assert!(
            failure.message.contains("not JSON") && failure.message.contains("line 1"),
            "{}",
            failure.message
        );
        assert_eq!(failure.body, Some(json!(body)));
        // The status says more than the body does.
        let failure = Bench::new()
            .get(partner.url("/502"))
            .await
            .result
            .unwrap_err();
        assert_eq!(
            (failure.class, failure.body),
            (Class::Transient, Some(json!(body)))
        );
    }
}

#[tokio::test]
async fn headers_come_in_lower_case_and_repeated_ones_together() {
    let partner = Partner::start(|_| {
        let headers = [
            ("Set-Cookie", "a=1; Path=/"),
            ("SET-COOKIE", "b=2"),
            ("Via", "one"),
            ("via", "two"),
            ("X-Latin", "caf\u{e9}"),
            ("ETag", "\"1\""),
            ("X-Empty", ""),
        ];
        answer(200, &headers, "")
    })
    .await;
    let outcome = Bench::new().get(partner.url("/")).await;
    let output = outcome.result.unwrap();
    assert_eq!(
        output["headers"]["set-cookie"],
        json!(["a=1; Path=/", "b=2"])
    );
    assert_eq!(output["headers"]["via"], "one, two");
    assert_eq!(output["headers"]["x-latin"], "café");
    assert_eq!(output["headers"]["etag"], "\"1\"");
    assert_eq!(output["headers"]["x-empty"], "");
    let exchange = outcome.exchange.unwrap();
    assert_eq!(exchange["response"]["headers"]["set-cookie"], "•••");
    assert_eq!(exchange["response"].get("body"), None, "the output has it");
    assert_eq!(exchange["request"].get("body"), None);
}

#[tokio::test]
async fn chunked_and_compressed_bodies_are_put_together() {
    let partner = Partner::start(|request| match request.target.as_str() {
        "/chunked" => Answer::Bytes(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/plain\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n".to_vec(),
        ),
        "/until-close" => Answer::Close(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nhello world".to_vec()),
        _ => answer(200, &[("content-type", "text/plain"), ("content-encoding", "gzip")], super::faults::gzip(b"hello world")),
    })
    .await;
    let bench = Bench::new();
    for path in ["/chunked", "/gzip", "/until-close"] {
        let output = bench.get(partner.url(path)).await.result.unwrap();
        assert_eq!(output["body"], "hello world", "{path}");
    }
    assert!(
        partner.received()[0]
            .header("accept-encoding")
            .unwrap()
            .contains("gzip")
    );
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let partner = Partner::start(|_| json_answer(200, json!({ "ok": true }))).await;
    let bench = Bench::new();
    for _ in 0..20 {
        bench.get(partner.url("/")).await.result.unwrap();
    }
    assert_eq!((partner.received().len(), partner.connections()), (20, 1));
}

#[tokio::test]
async fn long_bodies_of_failures_are_cut_in_the_record() {
    let partner =
        Partner::start(|_| json_answer(400, json!({ "detail": "x".repeat(100_000) }))).await;
    let config = json!({ "method": "POST", "url": partner.url("/"), "body": "y".repeat(10_000) });
    let outcome = Bench::new().call(config).await;
    let failure = outcome.result.unwrap_err();
    assert!(
        failure.message.len() < 400 && failure.message.contains("cut, 100000 bytes"),
        "{}",
        failure.message
    );
    assert!(failure.body.unwrap().as_str().unwrap().len() < 66_000);
    let exchange = outcome.exchange.unwrap();
    assert!(exchange["response"]["body"].as_str().unwrap().len() < 4_200);
    assert!(
        exchange["request"]["body"]
            .as_str()
            .unwrap()
            .ends_with("(cut, 10000 bytes)")
    );
}

#[tokio::test]
async fn the_catalog_tells_the_truth_about_defaults_and_the_output() {
    let partner = Partner::start(|request| match request.target.as_str() {
        "/moved" => answer(302, &[("location", "/here")], ""),
        "/missing" => json_answer(404, json!({})),
        _ => json_answer(200, json!({ "n": 1 })),
    })
    .await;
    let bench = Bench::new();
    let entry = (super::CONNECTOR.entry)();
    for target in ["/here", "/moved", "/missing"] {
        let bare = json!({ "url": partner.url(target) });
        let mut full = bare.clone();
        for field in &entry.fields {
            if let Some(default) = &field.default {
                full[field.name.as_ref()] = default.clone();
            }
        }
        assert!(full.as_object().unwrap().len() > 1);
        let (bare, full) = (bench.call(bare).await, bench.call(full).await);
        assert_eq!(bare.result, full.result, "{target}");
        let methods: Vec<String> = partner
            .received()
            .into_iter()
            .map(|request| request.method)
            .collect();
        assert!(methods.iter().all(|method| method == "GET"), "{methods:?}");
        if let Ok(output) = bare.result {
            let names = |value: &Value| -> Vec<String> {
                value.as_object().unwrap().keys().cloned().collect()
            };
            assert_eq!(names(&output), names(entry.output.as_ref().unwrap()));
        }
    }
}
