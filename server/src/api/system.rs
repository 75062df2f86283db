//! What this server is and knows: catalog, functions, version, and whether it is ready.

use axum::{Json, extract::State};
use futures::FutureExt;
use serde::Serialize;
use utoipa::ToSchema;
use weir_flows::{catalog::Catalog, run::rfc3339, script};

use super::{
    App, WORKSPACE,
    problem::{Answer, Code, Problem},
};

/// What this server is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct System {
    /// The version of Weir.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// The workspace.
    #[schema(example = "main")]
    workspace: &'static str,
    /// What it stores in: `sqlite` or `postgresql`.
    #[schema(example = "sqlite")]
    database: &'static str,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: String,
    /// The servers on this database, the oldest first: this one, and on PostgreSQL all others that are alive.
    servers: Vec<ServerSummary>,
}

/// A server on this database.
#[derive(Debug, Serialize, ToSchema)]
struct ServerSummary {
    /// Its id; a server that has lost its lease comes back under another one.
    id: String,
    /// What people call it: its setting `name`, or its address. Empty on SQLite, where there is but one.
    #[schema(example = "10.0.0.4:8080")]
    name: String,
    /// The version of Weir that it runs; null where it is too old to say.
    #[schema(example = "0.1.0")]
    version: Option<String>,
    /// Since when it is there.
    #[schema(format = DateTime)]
    started_at: String,
    /// Whether it is the one that answers.
    this: bool,
}

/// A function that scripts can call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Function {
    /// Its name; a method can also be called as `value.name(…)`.
    #[schema(example = "pad_start")]
    name: &'static str,
    /// Parameters and result.
    #[schema(example = "pad_start(text, length, fill?) -> text")]
    signature: &'static str,
    /// Its chapter, as a word.
    #[schema(value_type = String, example = "text")]
    group: script::Group,
    /// The title of its chapter.
    #[schema(example = "Text")]
    group_title: &'static str,
    /// What it does.
    doc: &'static str,
    /// A script that shows it; empty where it needs an outside.
    example: &'static str,
    /// What the example gives, as JSON.
    result: &'static str,
}

/// All functions, in one page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Functions {
    /// The functions, by chapter and name.
    items: Vec<Function>,
    /// Always null: they are given in one page.
    next: Option<String>,
}

/// Whether the server is well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
}

/// The catalog
///
/// Every kind of trigger and step with its fields, ports and defaults, and with what a new one contains (`start`).
/// Palette, forms and checks derive from it. What people read comes as `{"en": "…", "de": "…"}`.
#[utoipa::path(get, path = "/api/v1/catalog", tag = "Reference", operation_id = "catalog",
    responses((status = 200, description = "`triggers` and `steps`, each a list of entries.", body = Object)))]
pub(super) async fn catalog(State(app): State<App>) -> Json<Catalog> {
    Json(app.engine().catalog().clone())
}

/// The functions of scripts
///
/// Everything that a script can call beyond the language, each with an example and what it gives.
#[utoipa::path(get, path = "/api/v1/functions", tag = "Reference", operation_id = "functions",
    responses((status = 200, description = "The functions.", body = Functions)))]
pub(super) async fn functions() -> Json<Functions> {
    let items = script::functions().iter().map(|function| Function {
        name: function.name,
        signature: function.signature,
        group: function.group,
        group_title: function.group.title(),
        doc: function.doc,
        example: function.example,
        result: function.result,
    });
    Json(Functions {
        items: items.collect(),
        next: None,
    })
}

/// The server
///
/// Its version, its database, since when it runs, and the other servers on the same database.
#[utoipa::path(get, path = "/api/v1/system", tag = "Operation", operation_id = "system",
    responses((status = 200, description = "The server.", body = System)))]
pub(super) async fn system(State(app): State<App>) -> Answer<Json<System>> {
    let (this, servers) = app.engine().servers().await?;
    let servers = servers.into_iter().map(|server| ServerSummary {
        this: server.id == this,
        id: server.id.to_string(),
        name: server.name,
        version: server.version,
        started_at: rfc3339(server.started_at),
    });
    Ok(Json(System {
        servers: servers.collect(),
        version: env!("CARGO_PKG_VERSION"),
        workspace: WORKSPACE,
        database: app.engine().store().kind().as_str(),
        started_at: rfc3339(app.engine().started_at()),
    }))
}

/// Whether the process lives
///
/// For a supervisor: where there is no answer, start it again.
#[utoipa::path(get, path = "/health/live", tag = "Operation", operation_id = "live",
    responses((status = 200, description = "It lives.", body = Health)))]
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the server can work
///
/// For a load balancer: where this is no 200, the database does not answer or the server is stopping.
#[utoipa::path(get, path = "/health/ready", tag = "Operation", operation_id = "ready",
    responses((status = 200, description = "It can work.", body = Health), (status = 503, description = "It cannot at the moment.")))]
pub(super) async fn ready(State(app): State<App>) -> Answer<Json<Health>> {
    if app.engine().stopping().now_or_never().is_some() {
        return Err(Problem::new(Code::Stopping, "the server is stopping"));
    }
    app.engine().store().ping().await?;
    Ok(Json(Health { status: "ok" }))
}
