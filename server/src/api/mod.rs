//! The HTTP face: the API with its document, the intake of triggers, health, metrics, and the page.

mod approvals;
mod callback;
mod connections;
mod cursors;
mod docs;
mod document;
mod events;
mod extract;
mod flows;
mod front;
mod intake;
mod letters;
mod list;
mod metrics;
mod openapi;
mod page;
mod problem;
mod replay;
mod runs;
mod schedules;
mod secrets;
mod start;
mod summary;
mod system;
#[cfg(test)]
mod tests;
mod tries;
mod versions;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    http::HeaderValue,
    middleware::{from_fn, from_fn_with_state},
    routing::any,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, csrf::CsrfLayer};

pub use metrics::install as install_metrics;
pub use problem::{Code, Finding, Problem};

use crate::{engine::Engine, fair::Shares};

/// The workspace that the API works on. There is one until there are users.
pub(crate) const WORKSPACE: &str = "main";

/// What the HTTP face is told. Every field has a default and is configurable.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest message that a trigger takes, in bytes.
    pub max_message: usize,
    /// The largest body that the API takes, in bytes.
    pub max_document: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// How long the API may take to begin its answer.
    pub answer_time: Duration,
    /// Whether the server listens to this machine only. Then API and page answer only to the names of this machine and
    /// to `hosts`, so that no site can reach them by pointing its own name here (DNS rebinding).
    pub loopback: bool,
    /// Other names that the server goes by, such as the one of a proxy before it.
    pub hosts: Vec<String>,
    /// How much memory messages may take that arrive at once, in bytes, shared out between flows.
    pub arriving: u64,
    /// How many event streams may be open at once.
    pub streams: usize,
    /// What `/metrics` shows; without it there is no such path.
    pub metrics: Option<PrometheusHandle>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            max_message: 1 << 20,
            max_document: 4 << 20,
            body_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(60),
            loopback: true,
            hosts: Vec::new(),
            arriving: 256 << 20,
            streams: 512,
            metrics: None,
        }
    }
}

/// What every handler has at hand.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    engine: Engine,
    settings: Settings,
    streams: Arc<Semaphore>,
    /// Memory for messages that arrive, by workspace and flow.
    arriving: Shares<(String, String)>,
    /// The OpenAPI document as JSON text.
    openapi: Bytes,
    /// The same as a page to read.
    docs: Bytes,
}

impl App {
    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

/// Everything the server answers.
pub fn router(engine: Engine, settings: &Settings) -> Router {
    let (api, document) = openapi::routes().split_for_parts();
    let document = openapi::finish(&document);
    let app = App(Arc::new(Inner {
        engine,
        streams: Arc::new(Semaphore::new(settings.streams)),
        arriving: Shares::new(
            usize::try_from(intake::units(settings.arriving)).unwrap_or(usize::MAX),
        ),
        docs: docs::page(&document).into(),
        openapi: document.to_string().into(),
        settings: settings.clone(),
    }));
    let api = api
        .layer(CsrfLayer::new().with_rejection_response(front::cross_site))
        .layer(CompressionLayer::new());
    Router::new()
        .merge(api)
        .merge(docs::routes())
        .route("/in/{workspace}", any(intake::arrive))
        .route("/in/{workspace}/", any(intake::arrive))
        .route("/in/{workspace}/{*path}", any(intake::arrive))
        .route(
            "/callback/{workspace}/{run}/{place}/{signature}",
            any(callback::arrive),
        )
        .method_not_allowed_fallback(front::method_not_allowed)
        .fallback(page::serve)
        .layer(CatchPanicLayer::custom(front::panicked))
        .layer(from_fn_with_state(app.clone(), front::guard))
        .layer(from_fn(metrics::count))
        .layer(from_fn_with_state(app.clone(), front::finish))
        .with_state(app)
}

/// A header value that is constant in the code.
const fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}
