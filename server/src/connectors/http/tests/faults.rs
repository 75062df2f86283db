//! What goes wrong on the wire: nobody there, silence, half answers, too much, nonsense.

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use weir_flows::failure::{Class, Failure};

use super::{
    Bench,
    partner::{Answer, Partner, answer},
};

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn failure_of(bench: &Bench, bytes: impl AsRef<[u8]>, closes: bool) -> Failure {
    let bytes = bytes.as_ref().to_vec();
    let partner = Partner::start(move |_| match closes {
        true => Answer::Close(bytes.clone()),
        false => Answer::Hang(bytes.clone()),
    })
    .await;
    let outcome = bench
        .call(json!({ "method": "POST", "url": partner.url("/x?key=1"), "body": {} }))
        .await;
    let failure = outcome.result.unwrap_err();
    assert!(
        !failure.message.contains("key=1"),
        "a query is not repeated: {}",
        failure.message
    );
    assert_eq!(outcome.exchange.unwrap()["request"]["method"], "POST");
    failure
}

#[tokio::test]
async fn nobody_there_is_transient() {
    // A port that was ours a moment ago, and is nobody's now.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let bench = Bench::new();
    let result = bench.get(format!("http://127.0.0.1:{port}/")).await;
    let failure = result.result.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert!(
        failure.message.contains("refused") && failure.message.contains("nothing was sent"),
        "{}",
        failure.message
    );
    assert_eq!(result.exchange.unwrap().get("response"), None);

    let failure = bench
        .get("http://no-such-host.invalid/".into())
        .await
        .result
        .unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert!(
        failure.message.contains("no-such-host.invalid"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn answers_that_break_off_are_transient() {
    let bench = Bench::new();
    let gz = gzip(&vec![b'x'; 100_000]);
    let mut cut_gzip =
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9999\r\n\r\n".to_vec();
    cut_gzip.extend(&gz[..gz.len() / 2]);
    let table: [(&str, &[u8]); 6] = [
        ("nothing", b""),
        ("half a head", b"HTTP/1.1 200 OK\r\ncontent-le"),
        (
            "half a body",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
        ),
        (
            "half a chunk",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nonly this",
        ),
        (
            "no last chunk",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nthis\r\n",
        ),
        ("half a gzip", &cut_gzip),
    ];
    for (name, bytes) in table {
        let failure = failure_of(&bench, bytes, true).await;
        assert_eq!(
            failure.class,
            Class::Transient,
            "{name}: {}",
            failure.message
        );
        assert!(
            failure.message.contains("broke off"),
            "{name}: {}",
            failure.message
        );
    }
}

#[tokio::test]
async fn silence_times_out_wherever_it_begins() {
    let bench = Bench::new().timeout(Duration::from_millis(150));
    let table: [(&str, &[u8], &str); 4] = [
        ("no answer", b"", "no answer"),
        ("half a head", b"HTTP/1.1 200 OK\r\nx-slow: ", "no answer"),
        (
            "half a body",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
            "did not finish",
        ),
        (
            "half a chunk",
            b"HTTP/1.1 500 X\r\ntransfer-encoding: chunked\r\n\r\nff\r\nonly this",
            "did not finish",
        ),
    ];
    for (name, bytes, part) in table {
        let failure = failure_of(&bench, bytes, false).await;
        assert_eq!(failure.class, Class::TimedOut, "{name}");
        assert!(
            failure.message.contains(part) && failure.message.contains("150ms"),
            "{name}: {}",
            failure.message
        );
    }
}

#[tokio::test]
async fn the_connection_may_shorten_the_timeout() {
    let partner = Partner::start(|_| Answer::Hang(vec![])).await;
    let bench =
        Bench::new().connection(json!({ "base_url": partner.url("/"), "timeout": "100ms" }));
    let failure = bench.call(json!({ "path": "/" })).await.result.unwrap_err();
    assert_eq!(failure.class, Class::TimedOut);
    assert!(failure.message.contains("100ms"), "{}", failure.message);
}

#[tokio::test]
async fn a_body_that_trickles_forever_is_stopped_by_the_timeout_and_one_that_pours_by_the_limit() {
    let partner = Partner::start(|_| {
        Answer::Forever(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/plain\r\n\r\n"
                .to_vec(),
            b"1\r\nx\r\n".to_vec(),
        )
    })
    .await;
    let failure = Bench::new()
        .timeout(Duration::from_millis(150))
        .max_response(u64::MAX)
        .get(partner.url("/"))
        .await
        .result
        .unwrap_err();
    assert_eq!(failure.class, Class::TimedOut);
    let failure = Bench::new()
        .max_response(10_000)
        .get(partner.url("/"))
        .await
        .result
        .unwrap_err();
    assert_eq!((failure.class, failure.status), (Class::Broken, Some(200)));
    assert!(
        failure.message.contains("10000 bytes"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_body_is_taken_up_to_the_limit_and_not_a_byte_beyond() {
    let partner = Partner::start(|request| {
        let length: usize = request.target[1..].parse().unwrap();
        answer(200, &[("content-type", "text/plain")], "x".repeat(length))
    })
    .await;
    let bench = Bench::new().max_response(1_000);
    for (length, taken) in [
        (0, true),
        (999, true),
        (1_000, true),
        (1_001, false),
        (1_000_000, false),
    ] {
        let outcome = bench.get(partner.url(&format!("/{length}"))).await;
        assert_eq!(outcome.result.is_ok(), taken, "{length}");
    }
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one_meets_the_limit() {
    let bomb = gzip(&vec![b'0'; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100_000);
    let partner = Partner::start(move |_| {
        answer(
            200,
            &[("content-encoding", "gzip"), ("content-type", "text/plain")],
            &bomb,
        )
    })
    .await;
    let failure = Bench::new().get(partner.url("/")).await.result.unwrap_err();
    assert_eq!(failure.class, Class::Broken);
    assert!(
        failure.message.contains("8388608 bytes"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn what_is_no_http_breaks() {
    let bench = Bench::new();
    let huge = format!(
        "HTTP/1.1 200 OK\r\nx-big: {}\r\n\r\n",
        "x".repeat(1_000_000)
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-many: y\r\n".repeat(500));
    let mut rotten =
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 11\r\n\r\n".to_vec();
    rotten.extend(b"not gzipped");
    let table: [(&str, &[u8], &str); 6] = [
        ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (
            "garbage",
            b"\x16\x03\x01\x00\x00garbage\r\n\r\n",
            "not HTTP",
        ),
        ("headers too long", huge.as_bytes(), "headers"),
        ("too many headers", many.as_bytes(), "headers"),
        ("not gzip", &rotten, "not what its headers say"),
        (
            "two lengths",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
            "not HTTP",
        ),
    ];
    for (name, bytes, part) in table {
        let failure = failure_of(&bench, bytes, true).await;
        assert_eq!(failure.class, Class::Broken, "{name}: {}", failure.message);
        assert!(
            failure.message.contains(part),
            "{name}: {}",
            failure.message
        );
    }
}

#[tokio::test]
async fn large_headers_within_reason_are_taken() {
    let value = "x".repeat(60_000);
    let partner = Partner::start(move |_| answer(200, &[("x-big", &value)], "")).await;
    let output = Bench::new().get(partner.url("/")).await.result.unwrap();
    assert_eq!(output["headers"]["x-big"].as_str().unwrap().len(), 60_000);
}

#[tokio::test]
async fn a_wrong_length_does_not_spoil_the_next_answer() {
    // More bytes than announced: the rest must not become the beginning of the next answer.
    let partner = Partner::start(|_| Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil".to_vec())).await;
    let bench = Bench::new();
    for _ in 0..5 {
        let output = bench.get(partner.url("/")).await.result.unwrap();
        assert_eq!(output["body"], "ok");
    }
}
