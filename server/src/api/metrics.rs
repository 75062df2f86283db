//! What `/metrics` shows: requests by route and status, beside what the engine counts.

use std::time::Instant;

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::{App, front, problem::Problem, value};

/// The name of the histogram of how long answers take, in seconds.
const SECONDS: &str = "weir_http_request_seconds";

/// The name of the gauge of runs in memory.
const UNDERWAY: &str = "weir_runs_underway";

/// The upper bounds of the histograms of times, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Collects what this process counts from here on; once for a process. What it returns goes into the settings.
///
/// # Errors
/// If something else collects already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BOUNDS)?
        .install_recorder()?;
    ::metrics::describe_counter!(
        "weir_http_requests_total",
        "Requests answered, by method, route and status."
    );
    ::metrics::describe_histogram!(
        SECONDS,
        ::metrics::Unit::Seconds,
        "How long answers took to begin, by method and route."
    );
    ::metrics::describe_gauge!(
        UNDERWAY,
        "Runs that this server has in memory; those that wait on disk are not among them."
    );
    ::metrics::describe_counter!(
        "weir_messages_refused_total",
        "Messages that no run was started for, by reason."
    );
    ::metrics::describe_counter!(
        "weir_schedule_fires_skipped_total",
        "Instants of schedules that no run was started for, by flow and reason."
    );
    ::metrics::describe_counter!(
        "weir_attempts_cached_total",
        "Attempts that were not made, since the cache of their step had what an earlier one gave, by flow."
    );
    ::metrics::describe_gauge!(
        "weir_servers",
        "Servers on this database, as this one counts them; they share the limits of steps."
    );
    ::metrics::describe_counter!(
        "weir_polls_total",
        "Polls that ended, by flow and outcome: `succeeded`, `dropped` where its cursor or flow had changed, or a failure class."
    );
    Ok(handle)
}

/// Counts a request and its time.
pub(super) async fn count(request: Request, next: Next) -> Response {
    let route = front::route(&request);
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => {
            known.to_owned()
        }
        // Anybody can invent methods, and each would stay in memory.
        _ => "other".to_owned(),
    };
    let start = Instant::now();
    let response = next.run(request).await;
    let labels = [("method", method), ("route", route)];
    ::metrics::histogram!(SECONDS, &labels).record(start.elapsed().as_secs_f64());
    let [method, route] = labels;
    let labels = [
        method,
        route,
        ("status", response.status().as_u16().to_string()),
    ];
    ::metrics::counter!("weir_http_requests_total", &labels).increment(1);
    response
}

/// A message that no run was started for.
pub(super) fn refused(reason: &'static str) {
    ::metrics::counter!("weir_messages_refused_total", "reason" => reason).increment(1);
}

/// What was counted, as Prometheus reads it
///
/// Text in the exposition format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Operation", operation_id = "metrics",
    responses((status = 200, description = "The counts.", body = String, content_type = "text/plain")))]
pub(super) async fn show(State(app): State<App>) -> Result<Response, Problem> {
    let Some(handle) = &app.settings().metrics else {
        return Err(Problem::not_found(
            "this server does not count; start it with metrics",
        ));
    };
    ::metrics::gauge!(UNDERWAY).set(app.engine().underway() as f64);
    let kind = value("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], handle.render()).into_response())
}
