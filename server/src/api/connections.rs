//! `/api/v1/connections`: where actions call, and as whom.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use weir_flows::{document::is_slug, json, problem::Problem as Found, run::rfc3339};

use super::{
    App, WORKSPACE, document,
    extract::{IfMatch, Path, Query, Text, etag},
    list::{Items, Page},
    problem::{Answer, Code, Finding, Problem, findings},
};
use crate::{connection::Connection, store};

/// A connection as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionSummary {
    /// Its name, which steps refer to.
    #[schema(example = "erp")]
    name: String,
    /// Its title, empty where it has none.
    title: String,
    /// What is spoken on it.
    #[schema(example = "http")]
    kind: String,
    /// The address that every path of an action is put behind.
    #[schema(example = "https://erp.example.com/api")]
    base_url: String,
    /// When it was written last.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// What was stored, and what a person should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoredConnection {
    /// The connection.
    connection: ConnectionSummary,
    /// Warnings; a connection with errors is not stored.
    problems: Vec<Finding>,
}

impl ConnectionSummary {
    fn of(stored: &store::Connection) -> ConnectionSummary {
        // What was stored was read before; one that a newer server wrote is shown by its name.
        let connection: Option<Connection> = serde_json::from_str(&stored.document).ok();
        ConnectionSummary {
            name: stored.name.clone(),
            kind: connection
                .as_ref()
                .map_or("", |connection| connection.kind.word())
                .to_owned(),
            base_url: connection
                .as_ref()
                .map(|connection| connection.base_url.clone())
                .unwrap_or_default(),
            title: connection
                .and_then(|connection| connection.title)
                .unwrap_or_default(),
            updated_at: rfc3339(stored.updated_at),
        }
    }
}

/// List connections
///
/// All connections by name.
#[utoipa::path(get, path = "/api/v1/connections", tag = "Connections", operation_id = "list_connections", params(Page),
    responses((status = 200, description = "A page of connections.", body = Items<ConnectionSummary>)))]
pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(page): Query<Page>,
) -> Answer<Response> {
    let limit = page.limit()?;
    let connections = app
        .engine()
        .store()
        .connections(WORKSPACE, page.after(), limit + 1)
        .await?;
    let page = Items::of(connections, limit, |connection| connection.name.clone());
    let items = page.items.iter().map(ConnectionSummary::of).collect();
    Ok(Items {
        items,
        next: page.next,
    }
    .answer(&uri))
}

/// Read a connection
///
/// Secrets stand in it by name only.
#[utoipa::path(get, path = "/api/v1/connections/{name}", tag = "Connections", operation_id = "read_connection",
    params(("name" = String, Path, description = "The name of the connection.", example = "erp")),
    responses(
        (status = 200, description = "The connection.", body = Connection, headers(("ETag" = String, description = "Its revision."))),
        (status = 404, description = "There is no such connection."),
    ))]
pub(super) async fn read(State(app): State<App>, Path(name): Path<String>) -> Answer<Response> {
    let connection = find(&app, &name).await?;
    let mut response = document::answer(connection.document);
    response
        .headers_mut()
        .insert(header::ETAG, etag(connection.revision));
    Ok(response)
}

/// Write a connection
///
/// Makes it or replaces it. Attempts that start from now on use it.
#[utoipa::path(put, path = "/api/v1/connections/{name}", tag = "Connections", operation_id = "write_connection",
    params(
        ("name" = String, Path, description = "The name of the connection.", example = "erp"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read. Without it the last write wins."),
    ),
    request_body = Connection,
    responses(
        (status = 200, description = "It is replaced.", body = StoredConnection, headers(("ETag" = String, description = "The new revision."))),
        (status = 201, description = "It is made.", body = StoredConnection, headers(("ETag" = String, description = "The revision."))),
        (status = 412, description = "The connection is not the one that `If-Match` names."),
        (status = 422, description = "The connection has errors, each with its place."),
    ))]
pub(super) async fn replace(
    State(app): State<App>,
    Path(name): Path<String>,
    IfMatch(expected): IfMatch,
    text: Text,
) -> Answer<Response> {
    check_name("connection", &name)?;
    let (connection, mut problems) = Connection::read(&text.value()?).map_err(|problems| {
        let detail = "the connection has errors; mend them and send it again";
        Problem::new(Code::InvalidDocument, detail).with_errors(findings(problems))
    })?;
    let known = app.engine().names(WORKSPACE).await?.secrets;
    problems.extend(missing(&connection, &known));
    let document = json::print(&connection).map_err(Problem::internal)?;
    let now = app.engine().world().now_ms();
    let revision = app
        .engine()
        .store()
        .put_connection(WORKSPACE, &name, document, expected, now)
        .await?;
    let stored = StoredConnection {
        connection: ConnectionSummary::of(&find(&app, &name).await?),
        problems: findings(problems),
    };
    let status = if revision == 1 {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, [(header::ETAG, etag(revision))], Json(stored)).into_response())
}

/// Delete a connection
///
/// Steps that still name it fail until there is one of this name again.
#[utoipa::path(delete, path = "/api/v1/connections/{name}", tag = "Connections", operation_id = "delete_connection",
    params(("name" = String, Path, description = "The name of the connection.", example = "erp")),
    responses((status = 204, description = "It is gone."), (status = 404, description = "There is no such connection.")))]
pub(super) async fn delete(State(app): State<App>, Path(name): Path<String>) -> Answer<StatusCode> {
    if app
        .engine()
        .store()
        .delete_connection(WORKSPACE, &name)
        .await?
    {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(none(&name))
    }
}

/// Whether a connection or secret may have this name: the same rule as for ids.
///
/// # Errors
/// 422 with the rule.
pub(super) fn check_name(what: &str, name: &str) -> Answer<()> {
    if is_slug(name) {
        return Ok(());
    }
    let detail = format!(
        "`{name}` cannot be the name of a {what}; use up to 63 lower-case letters, digits, - and _, starting with a letter or digit"
    );
    Err(Problem::new(Code::InvalidBody, detail))
}

async fn find(app: &App, name: &str) -> Answer<store::Connection> {
    app.engine()
        .store()
        .connection(WORKSPACE, name)
        .await?
        .ok_or_else(|| none(name))
}

fn none(name: &str) -> Problem {
    Problem::not_found(format!(
        "there is no connection `{name}`; see GET /api/v1/connections"
    ))
}

/// A warning for each secret that is named and not there.
fn missing(connection: &Connection, known: &BTreeSet<String>) -> Vec<Found> {
    let missing = connection
        .secret_names()
        .into_iter()
        .filter(|name| !known.contains(*name));
    missing
        .map(|name| {
            Found::warning(
                "",
                "unknown_secret",
                format!("there is no secret `{name}` here yet; store it under Secrets"),
            )
        })
        .collect()
}
