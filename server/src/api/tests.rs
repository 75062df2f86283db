//! The HTTP face over a real engine on SQLite in a temporary directory.

mod answers;
mod calls;
mod cancels;
mod documents;
mod drafts;
mod each;
mod face;
mod intake;
mod pauses;
mod replays;
mod retention;
mod runs;
mod schedules;
mod switch;
mod tries;

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::{Settings, router};
use crate::{
    engine::{Engine, Limits},
    outbound::{self, Allow},
    secrets::{Sealer, Secret},
    store::{self, Store},
    world::World,
};

/// A server without a socket.
struct Server {
    engine: Engine,
    router: Router,
    _dir: TempDir,
}

/// An answer, read to its end.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Server {
    async fn start() -> Server {
        Server::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Server {
        let limits = Limits {
            grace: Duration::from_millis(10),
            ..Limits::default()
        };
        Server::within(settings, limits).await
    }

    async fn within(settings: Settings, limits: Limits) -> Server {
        Server::at(TempDir::new().unwrap(), settings, limits).await
    }

    /// Stops it and starts another one on the same data.
    async fn again(self) -> Server {
        let Server { engine, _dir, .. } = self;
        engine.stop().await;
        let limits = engine.limits().clone();
        drop(engine);
        Server::at(_dir, Settings::default(), limits).await
    }

    async fn at(dir: TempDir, settings: Settings, limits: Limits) -> Server {
        outbound::install_tls();
        let world = World::real();
        let store = Store::open(&store::Settings::new(store::Database::Sqlite {
            dir: dir.path().join("data"),
        }))
        .await
        .unwrap();
        let sealer = Sealer::load(None, dir.path(), &world).unwrap();
        let client = outbound::Client::new(&outbound::Settings {
            allow: Allow::everything(),
            ..outbound::Settings::default()
        })
        .unwrap();
        let engine = Engine::start(store, world, sealer, client, "http://weir.test", limits)
            .await
            .unwrap();
        Server {
            router: router(engine.clone(), &settings),
            engine,
            _dir: dir,
        }
    }

    /// Sends a request and gives the answer before its body is read.
    async fn send(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn ask(&self, request: Request<Body>) -> Reply {
        let response = self.send(request).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask(request("GET", path, &[], Body::empty())).await
    }

    async fn json(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(request(
            method,
            path,
            &[("content-type", "application/json")],
            Body::from(body.to_string()),
        ))
        .await
    }

    async fn publish(&self, document: &Value) {
        let reply = self.json("POST", "/api/v1/flows", document).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let id = document["id"].as_str().unwrap();
        let reply = self
            .json("POST", &format!("/api/v1/flows/{id}/publish"), &json!({}))
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    async fn secret(&self, name: &str, value: &str) {
        self.engine
            .put_secret("main", name, &Secret::new(value))
            .await
            .unwrap();
    }

    /// How many runs there are.
    async fn runs(&self) -> usize {
        self.get("/api/v1/runs").await.json()["items"]
            .as_array()
            .unwrap()
            .len()
    }
}

impl Reply {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem, once it has everything that a problem must have.
    #[track_caller]
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(!self.header("x-request-id").is_empty());
        for key in ["title", "detail", "instance"] {
            assert!(
                problem[key].as_str().is_some_and(|text| !text.is_empty()),
                "{key}: {problem}"
            );
        }
        problem["type"]
            .as_str()
            .unwrap()
            .strip_prefix("urn:weir:problem:")
            .unwrap()
            .to_owned()
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

/// Prices an order and answers 201 with the total.
fn orders() -> Value {
    json!({
        "format": "weir/flow@1", "id": "orders", "title": "Orders",
        "triggers": { "order": {
            "kind": "http", "config": { "method": "POST", "path": "/orders/{shop}" }, "dedupe": "trigger.body.id",
            "filter": "trigger.body.total >= 0", "schema": { "type": "object", "required": ["id", "total"] } } },
        "steps": {
            "price": { "kind": "map", "config": { "script": "#{ total: input.body.total * 2, shop: trigger.params.shop }" } },
            "thanks": { "kind": "respond", "config": { "status": 201, "headers": { "x-shop": "= trigger.params.shop" }, "body": "= steps.price" } } },
        "links": [{ "from": "order", "to": "price" }, { "from": "price", "to": "thanks" }],
    })
}

/// Takes signed messages of GitHub.
fn hooks() -> Value {
    json!({
        "format": "weir/flow@1", "id": "hooks",
        "triggers": { "push": { "kind": "webhook", "config": { "path": "/github", "verify": { "scheme": "github", "secret": { "$secret": "hook" } } } } },
        "steps": { "keep": { "kind": "map", "config": { "script": "input.body" } } },
        "links": [{ "from": "push", "to": "keep" }],
    })
}

/// Calls an address and gives what comes back.
fn caller(id: &str, url: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": id,
        "triggers": { "go": { "kind": "http", "config": { "path": format!("/{id}"), "deadline": "30s" } } },
        "steps": { "call": { "kind": "http", "config": { "url": url }, "retry": { "attempts": 1 }, "timeout": "30s" } },
        "links": [{ "from": "go", "to": "call" }],
    })
}
