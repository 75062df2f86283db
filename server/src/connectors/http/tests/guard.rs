//! The guard and redirects: what is never reached, and what never goes along.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use weir_flows::failure::Class;

use super::{
    Bench,
    partner::{Answer, Partner, answer},
};
use crate::outbound::{Allow, Settings, install_tls};

fn redirect(status: u16, to: &str) -> Answer {
    answer(status, &[("location", to)], "")
}

#[tokio::test]
async fn this_machine_is_not_called_unless_it_is_named() {
    let partner = Partner::start(|_| answer(204, &[], "")).await;
    let bench = Bench::allowing("");
    let port = partner.port;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let failure = bench
            .get(format!("http://{host}:{port}/"))
            .await
            .result
            .unwrap_err();
        assert_eq!(failure.class, Class::Denied, "{host}: {}", failure.message);
        assert!(
            failure.message.contains("WEIR_OUTBOUND_ALLOW"),
            "{}",
            failure.message
        );
    }
    assert_eq!(partner.connections(), 0);

    // A name permits calls by this name; an address permits it under every name.
    for (allow, by_name, by_address) in [
        ("localhost", true, false),
        ("127.0.0.1", true, true),
        ("*", true, true),
        ("::1", false, false),
    ] {
        let bench = Bench::allowing(allow);
        assert_eq!(
            bench.get(partner.url_by_name("/")).await.result.is_ok(),
            by_name,
            "{allow}"
        );
        assert_eq!(
            bench.get(partner.url("/")).await.result.is_ok(),
            by_address,
            "{allow}"
        );
    }
    for url in [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
    ] {
        let failure = Bench::new().get(url.into()).await.result.unwrap_err();
        assert_eq!(failure.class, Class::Denied, "{url}");
    }
}

#[tokio::test]
async fn a_redirect_does_not_lead_past_the_guard() {
    let hidden = Partner::start(|_| answer(200, &[], "inside")).await;
    let target = hidden.url("/");
    let partner = Partner::start(move |request| match request.target.as_str() {
        "/twice" => redirect(302, "/once"),
        "/once" => redirect(302, &target),
        "/v6" => redirect(307, "http://[::ffff:127.0.0.1]/"),
        "/metadata" => redirect(301, "http://169.254.169.254/latest/meta-data/"),
        _ => redirect(302, "file:///etc/passwd"),
    })
    .await;
    let bench = Bench::allowing("localhost");
    for path in ["/once", "/twice", "/v6", "/metadata", "/file"] {
        let failure = bench
            .get(partner.url_by_name(path))
            .await
            .result
            .unwrap_err();
        assert_eq!(failure.class, Class::Denied, "{path}: {}", failure.message);
    }
    assert_eq!(hidden.connections(), 0);
}

#[tokio::test]
async fn redirects_are_followed_as_http_says() {
    let partner = Partner::start(|request| match request.target.as_str() {
        "/end" => answer(200, &[], ""),
        "/nowhere" => answer(302, &[], ""),
        "/circle" => redirect(302, "/circle"),
        path => redirect(path[1..].parse().unwrap(), "end"),
    })
    .await;
    let bench = Bench::new();
    let table = [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 303, "GET"),
        ("DELETE", 302, "DELETE"),
        ("HEAD", 303, "HEAD"),
        ("GET", 308, "GET"),
    ];
    for (method, status, then) in table {
        let body = if method == "GET" || method == "HEAD" {
            json!(null)
        } else {
            json!({ "a": 1 })
        };
        let config =
            json!({ "method": method, "url": partner.url(&format!("/{status}")), "body": body });
        let outcome = bench.call(config).await;
        assert_eq!(outcome.result.unwrap()["status"], 200);
        let last = partner.received().pop().unwrap();
        assert_eq!(
            (last.target.as_str(), last.method.as_str()),
            ("/end", then),
            "{method} {status}"
        );
        let keeps_body = then == method && !body.is_null();
        assert_eq!(
            last.text(),
            if keeps_body { r#"{"a":1}"# } else { "" },
            "{method} {status}"
        );
        assert_eq!(last.header("content-type").is_some(), keeps_body);
        assert_eq!(
            outcome.exchange.unwrap()["response"]["redirects"],
            json!([partner.url("/end")])
        );
    }

    let failure = bench.get(partner.url("/circle")).await.result.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(
        failure.message.contains("more than 10 redirects"),
        "{}",
        failure.message
    );
    assert_eq!(
        partner
            .received()
            .iter()
            .filter(|r| r.target == "/circle")
            .count(),
        11
    );

    let failure = bench.get(partner.url("/nowhere")).await.result.unwrap_err();
    assert!(
        failure.message.contains("without saying where"),
        "{}",
        failure.message
    );
    let config = json!({ "url": partner.url("/302"), "follow_redirects": false });
    let failure = bench.call(config).await.result.unwrap_err();
    assert_eq!(
        (failure.class, failure.status),
        (Class::Rejected, Some(302))
    );
    let config =
        json!({ "url": partner.url("/302"), "follow_redirects": false, "expect": ["3xx"] });
    assert_eq!(
        bench.call(config).await.result.unwrap()["headers"]["location"],
        "end"
    );
}

#[tokio::test]
async fn credentials_stay_with_their_host() {
    let other = Partner::start(|_| answer(200, &[], "")).await;
    let (there, here_again) = (other.url("/there"), other.url("/again"));
    let partner = Partner::start(
        move |request| match request.target.split('?').next().unwrap() {
            "/away" => redirect(307, &there),
            "/near" => redirect(307, "/end"),
            "/again" => redirect(307, &here_again),
            _ => answer(200, &[], ""),
        },
    )
    .await;
    let bench = Bench::new().secret("key", "topsecret").connection(json!({
        "base_url": partner.url("/"), "headers": { "X-Tenant": "7" },
        "auth": { "kind": "bearer", "token": { "$secret": "key" } }
    }));
    let config = |path: &str| {
        json!({
            "method": "POST", "path": path, "body": { "a": 1 },
            "headers": { "X-Plain": "yes", "X-Hidden": { "$secret": "key" }, "Cookie": "a=b", "X-Api-Key": "literal" },
            "query": { "k": { "$secret": "key" } }
        })
    };
    bench.call(config("/near")).await.result.unwrap();
    let near = partner.received().pop().unwrap();
    assert_eq!(near.header("authorization"), Some("Bearer topsecret"));
    assert_eq!(near.header("x-hidden"), Some("topsecret"));

    bench.call(config("/away")).await.result.unwrap();
    let away = other.received().pop().unwrap();
    assert_eq!(away.header("x-plain"), Some("yes"));
    assert_eq!(away.text(), r#"{"a":1}"#);
    for name in [
        "authorization",
        "x-hidden",
        "cookie",
        "x-api-key",
        "x-tenant",
        "referer",
    ] {
        assert_eq!(away.header(name), None, "{name}");
    }
    assert!(!format!("{away:?}").contains("topsecret"));

    // A body with a secret in it goes nowhere else.
    let mut with_secret = config("/away");
    with_secret["body"] = json!({ "password": { "$secret": "key" } });
    let outcome = bench.call(with_secret).await;
    let failure = outcome.result.unwrap_err();
    assert_eq!(failure.class, Class::Denied);
    assert_eq!(other.received().len(), 1);
    assert!(!format!("{:?} {failure:?}", outcome.exchange).contains("topsecret"));
}

fn certificate(name: &str) -> (Arc<rustls::ServerConfig>, String) {
    install_tls();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    (
        Arc::new(
            config
                .with_single_cert(vec![cert.der().clone()], key)
                .unwrap(),
        ),
        cert.pem(),
    )
}

fn trusting(pem: &str) -> (Bench, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let allow = Allow::parse("127.0.0.1,localhost").unwrap();
    let settings = Settings {
        allow,
        extra_roots: Some(file.path().to_owned()),
        ..Settings::default()
    };
    (Bench::with(&settings), file)
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_fit_the_name() {
    let (config, pem) = certificate("localhost");
    let partner = Partner::start_tls(config, |_| answer(200, &[], "")).await;
    let failure = Bench::new()
        .get(partner.url_by_name("/"))
        .await
        .result
        .unwrap_err();
    assert_eq!(failure.class, Class::Denied);
    assert!(
        failure.message.contains("not trusted") && failure.message.contains("SSL_CERT_FILE"),
        "{}",
        failure.message
    );

    let (bench, _file) = trusting(&pem);
    bench.get(partner.url_by_name("/")).await.result.unwrap();
    let failure = bench.get(partner.url("/")).await.result.unwrap_err();
    assert_eq!(
        failure.class,
        Class::Denied,
        "the certificate is not for the address: {}",
        failure.message
    );

    // https where http is spoken: what answers is no TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let plain = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.readable().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        stream
    };
    let (outcome, _stream) = tokio::join!(bench.get(format!("https://127.0.0.1:{port}/")), plain);
    let failure = outcome.result.unwrap_err();
    assert_eq!(failure.class, Class::Rejected, "{failure}");
    assert!(
        failure.message.contains("https is spoken"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn credentials_do_not_go_from_https_to_http() {
    let plain = Partner::start(|_| answer(200, &[], "")).await;
    let target = plain.url("/");
    let (config, pem) = certificate("localhost");
    let partner = Partner::start_tls(config, move |_| redirect(302, &target)).await;
    let (bench, _file) = trusting(&pem);
    bench.get(partner.url_by_name("/")).await.result.unwrap();
    let config =
        json!({ "url": partner.url_by_name("/"), "headers": { "Authorization": "Bearer x" } });
    let failure = bench.call(config).await.result.unwrap_err();
    assert_eq!(failure.class, Class::Denied);
    assert_eq!(plain.received().len(), 1);
}

#[test]
fn certificates_that_cannot_be_read_are_named() {
    for text in [
        "",
        "nothing",
        "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let settings = Settings {
            extra_roots: Some(file.path().to_owned()),
            ..Settings::default()
        };
        let error = crate::outbound::Client::new(&settings)
            .unwrap_err()
            .to_string();
        assert!(error.contains("SSL_CERT_FILE"), "{error}");
    }
}
