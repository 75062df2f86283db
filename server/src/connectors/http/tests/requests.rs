//! What goes out: addresses, queries, headers, bodies, the idempotency key.

use serde_json::{Value, json};
use url::Url;
use weir_flows::failure::Class;

use super::{
    super::request::join,
    Bench,
    partner::{Partner, Received, answer},
};

async fn sent(bench: &Bench, partner: &Partner, config: Value) -> Received {
    let outcome = bench.call(config.clone()).await;
    assert!(outcome.result.is_ok(), "{config}: {outcome:?}");
    partner.received().pop().unwrap()
}

async fn echo() -> Partner {
    Partner::start(|_| answer(204, &[], "")).await
}

#[tokio::test]
async fn bodies_are_encoded_as_their_content_type_says() {
    let (bench, partner) = (Bench::new(), echo().await);
    let form = "application/x-www-form-urlencoded";
    // Content type given, body, content type sent, body sent.
    let table = [
        (
            None,
            json!({ "a": 1, "b": 1.0 }),
            Some("application/json"),
            r#"{"a":1,"b":1.0}"#,
        ),
        (
            None,
            json!([1, 18446744073709551615_u64]),
            Some("application/json"),
            "[1,18446744073709551615]",
        ),
        (None, json!(true), Some("application/json"), "true"),
        (
            None,
            json!("text ü"),
            Some("text/plain; charset=utf-8"),
            "text ü",
        ),
        (None, json!(null), None, ""),
        (
            Some("application/json"),
            json!("{\"already\": 1}"),
            Some("application/json"),
            "{\"already\": 1}",
        ),
        (
            Some("application/vnd.api+json; ext=x"),
            json!({}),
            Some("application/vnd.api+json; ext=x"),
            "{}",
        ),
        (
            Some(form),
            json!({ "a": "x y&z", "l": [1, "ü"], "n": 1, "no": null }),
            Some(form),
            "a=x+y%26z&l=1&l=%C3%BC&n=1",
        ),
        (
            Some("application/xml"),
            json!("<a/>"),
            Some("application/xml"),
            "<a/>",
        ),
        (
            Some("application/octet-stream"),
            json!({ "base64": "aGk=" }),
            Some("application/octet-stream"),
            "hi",
        ),
    ];
    for (given, body, content_type, expected) in table {
        let mut config = json!({ "method": "post", "url": partner.url("/"), "body": body });
        if let Some(given) = given {
            config["headers"] = json!({ "Content-Type": given });
        }
        let received = sent(&bench, &partner, config).await;
        assert_eq!(
            (received.header("content-type"), received.text()),
            (content_type, expected),
            "{body}"
        );
        assert_eq!(received.method, "POST");
    }
}

#[tokio::test]
async fn queries_and_headers_take_what_people_write() {
    let (bench, partner) = (Bench::new(), echo().await);
    let config = json!({
        "url": partner.url("/find?a=1#part"),
        "query": { "b": true, "l": ["p", 2], "n": 3, "none": null, "q": "x & y" },
        "headers": { "X-One": 1, "X-Yes": true, "X-None": null, "X-Two": ["a", "b"], "Accept": "text/csv" },
    });
    let received = sent(&bench, &partner, config).await;
    assert_eq!(received.target, "/find?a=1&b=true&l=p&l=2&n=3&q=x+%26+y");
    assert_eq!(received.method, "GET");
    assert_eq!(received.header("x-one"), Some("1"));
    assert_eq!(received.header("x-yes"), Some("true"));
    assert_eq!(received.header("x-none"), None);
    assert_eq!(received.header("accept"), Some("text/csv"));
    assert!(received.header("user-agent").unwrap().starts_with("Weir/"));
    assert_eq!(received.header("cookie"), None);
}

#[tokio::test]
async fn requests_that_change_something_carry_an_idempotency_key() {
    let (bench, partner) = (Bench::new(), echo().await);
    for (method, key) in [
        ("GET", None),
        ("HEAD", None),
        ("OPTIONS", None),
        ("POST", Some("run-1/book")),
        ("PUT", Some("run-1/book")),
        ("PATCH", Some("run-1/book")),
        ("DELETE", Some("run-1/book")),
    ] {
        let received = sent(
            &bench,
            &partner,
            json!({ "method": method, "url": partner.url("/") }),
        )
        .await;
        assert_eq!(
            (received.method.as_str(), received.header("idempotency-key")),
            (method, key)
        );
    }
    let own = json!({ "method": "POST", "url": partner.url("/"), "headers": { "idempotency-key": "mine" } });
    assert_eq!(
        sent(&bench, &partner, own).await.header("idempotency-key"),
        Some("mine")
    );
}

#[tokio::test]
async fn a_connection_gives_base_headers_and_credentials() {
    let partner = echo().await;
    let bench = Bench::new().secret("erp", "s3cret-key").connection(json!({
        "base_url": partner.url("/api/v1/?tenant=7"), "headers": { "X-App": "weir", "Accept": "application/json" },
        "auth": { "kind": "api_key", "in": "query", "name": "key", "value": { "$secret": "erp" } }
    }));
    let config = json!({ "path": "/bookings?x=1", "query": { "y": 2 }, "headers": { "accept": "text/csv" } });
    let received = sent(&bench, &partner, config).await;
    assert_eq!(
        received.target,
        "/api/v1/bookings?tenant=7&x=1&y=2&key=s3cret-key"
    );
    assert_eq!(received.header("x-app"), Some("weir"));
    assert_eq!(
        received.header("accept"),
        Some("text/csv"),
        "the step's own header comes first"
    );
    // The next page of a list is often a whole URL of the same host.
    let received = sent(
        &bench,
        &partner,
        json!({ "url": partner.url("/other?page=2") }),
    )
    .await;
    assert_eq!(received.target, "/other?page=2&key=s3cret-key");
    // Another host never gets the credentials.
    let outcome = bench
        .call(json!({ "url": partner.url_by_name("/other") }))
        .await;
    assert_eq!(outcome.result.unwrap_err().class, Class::Denied);
    assert_eq!(partner.received().len(), 2);
}

#[tokio::test]
async fn a_user_in_the_address_becomes_a_header_and_is_masked() {
    let (bench, partner) = (Bench::new(), echo().await);
    let url = partner.url("/").replace("//", "//ann:p%40ss-word@");
    let outcome = bench.call(json!({ "url": url })).await;
    let received = partner.received().pop().unwrap();
    assert_eq!(
        received.header("authorization"),
        Some("Basic YW5uOnBAc3Mtd29yZA==")
    );
    let text = format!("{outcome:?}");
    assert!(
        !text.contains("p@ss") && !text.contains("p%40ss") && !text.contains("YW5u"),
        "{text}"
    );
}

#[test]
fn a_path_never_leads_out_of_the_base() {
    let below = [
        ("https://x.example", "", "https://x.example/"),
        ("https://x.example", "/", "https://x.example/"),
        ("https://x.example/v1", "", "https://x.example/v1"),
        (
            "https://x.example/v1/",
            "bookings",
            "https://x.example/v1/bookings",
        ),
        (
            "https://x.example/v1",
            "/bookings/",
            "https://x.example/v1/bookings/",
        ),
        ("https://x.example/v1", "/a//b", "https://x.example/v1/a//b"),
        (
            "https://x.example/v1",
            "/a b/ü",
            "https://x.example/v1/a%20b/%C3%BC",
        ),
        (
            "https://x.example/v1",
            "/a%2Fb",
            "https://x.example/v1/a%2Fb",
        ),
        (
            "https://x.example/v1",
            "/a\\b",
            "https://x.example/v1/a%5Cb",
        ),
        ("https://x.example/v1", "/...", "https://x.example/v1/..."),
        (
            "https://x.example/v1",
            "/a:cancel",
            "https://x.example/v1/a:cancel",
        ),
        (
            "https://x.example/v1",
            "orders:batch",
            "https://x.example/v1/orders:batch",
        ),
        ("https://x.example/v1", "/a@b", "https://x.example/v1/a@b"),
        (
            "https://x.example/v1",
            "/q?u=https://y.example/../",
            "https://x.example/v1/q?u=https://y.example/../",
        ),
        (
            "https://x.example/v1?k=1",
            "/q?a=2",
            "https://x.example/v1/q?k=1&a=2",
        ),
        (
            "https://x.example/v1?k=1",
            "/q?",
            "https://x.example/v1/q?k=1",
        ),
    ];
    for (base, path, expected) in below {
        assert_eq!(
            join(&Url::parse(base).unwrap(), path).unwrap().as_str(),
            expected,
            "{path}"
        );
    }
    let out = [
        "//evil.example",
        "///evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "HTTP://evil.example",
        "https:evil.example",
        "http:/evil.example",
        "ftp://evil.example",
        "..",
        "/..",
        "../x",
        "/a/../b",
        "/a/./b",
        "/a/..",
        "/%2e%2e/x",
        "/.%2E/x",
        "/%2e/x",
        "/a\\..\\b",
        "/..\\x",
        "/a/%2e%2e%2fb",
        "/..%2fb",
        "/..%5cb",
        "/a\r\nHost: evil",
        "/.\t./x",
        "\t//evil.example",
        "/a\0b",
        "/a#b",
        "#",
    ];
    for path in out {
        let failure = join(&Url::parse("https://x.example/v1").unwrap(), path).unwrap_err();
        assert_eq!(failure.class, Class::Denied, "{path}");
    }
}

#[tokio::test]
async fn settings_that_make_no_request_say_what_to_do() {
    let bench = Bench::new();
    let url = "http://127.0.0.1:9";
    let table = [
        (json!({}), "`url`"),
        (json!({ "url": url, "path": "/a" }), "exclude"),
        (json!({ "path": "/a" }), "connection"),
        (json!({ "url": "erp/api" }), "absolute"),
        (json!({ "url": 5 }), "`url` must be a text"),
        (json!({ "url": url, "method": "TRACE" }), "TRACE"),
        (json!({ "url": url, "headers": { "Host": "evil" } }), "Host"),
        (
            json!({ "url": url, "headers": { "Content-Length": "5" } }),
            "Content-Length",
        ),
        (
            json!({ "url": url, "headers": { "X": "a\r\nY: b" } }),
            "line break",
        ),
        (
            json!({ "url": url, "headers": { "X": { "a": 1 } } }),
            "headers.X",
        ),
        (json!({ "url": url, "headers": ["X"] }), "`headers`"),
        (json!({ "url": url, "query": { "q": [[1]] } }), "query.q"),
        (json!({ "url": url, "expect": ["6xx"] }), "6xx"),
        (json!({ "url": url, "expect": [99] }), "99"),
        (json!({ "url": url, "response": "xml" }), "xml"),
        (
            json!({ "url": url, "follow_redirects": "no" }),
            "follow_redirects",
        ),
        (
            json!({ "url": url, "headers": { "content-type": "application/xml" }, "body": { "a": 1 } }),
            "application/xml",
        ),
        (json!("nothing"), "object"),
    ];
    for (config, part) in table {
        let outcome = bench.call(config.clone()).await;
        let failure = outcome.result.unwrap_err();
        assert_eq!(failure.class, Class::Broken, "{config}");
        assert!(
            failure.message.contains(part),
            "{config}: {}",
            failure.message
        );
    }
}
