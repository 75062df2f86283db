//! `/api/v1/flows/{flow}/publish` and `/versions`: published copies of flows.

use axum::{Json, extract::State, http::Uri, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_flows::run::rfc3339;

use super::{
    App, WORKSPACE, document,
    extract::{IfMatch, Input, Path, Query, no_flow},
    list::{Items, Page},
    problem::{Answer, Finding, Problem, findings},
};

/// What is said about a version.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Publish {
    /// What has changed, for those who look at it later.
    #[serde(default)]
    #[schema(example = "books large orders, too")]
    note: Option<String>,
}

/// A version that production runs from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published {
    /// The flow.
    flow: String,
    /// The number of the version.
    version: u32,
    /// When it was published.
    #[schema(format = DateTime)]
    published_at: String,
    /// Whether its triggers are listened to: a flow that was switched off stays so.
    enabled: bool,
    /// Warnings; a document with errors is not published.
    problems: Vec<Finding>,
}

/// A version as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionSummary {
    /// Its number; the first is 1.
    version: u32,
    /// When it was published.
    #[schema(format = DateTime)]
    published_at: String,
    /// What was said about it.
    note: Option<String>,
}

/// Publish a flow
///
/// Copies the draft to a new version, which its triggers start from now on. Runs that are underway end on the version they
/// started on. A flow that is switched off stays so.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/publish", tag = "Versions", operation_id = "publish_flow",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "order-intake"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the draft that was looked at."),
    ),
    request_body(content = Option<Publish>, description = "May be left out."),
    responses(
        (status = 200, description = "It is published.", body = Published),
        (status = 404, description = "There is no such flow."),
        (status = 412, description = "The draft is not the one that `If-Match` names. `ETag` names the current one."),
        (status = 422, description = "The draft has errors, or another flow listens to one of its paths."),
    ))]
pub(super) async fn publish(
    State(app): State<App>,
    Path(flow): Path<String>,
    IfMatch(expected): IfMatch,
    Input(input): Input<Publish>,
) -> Answer<Json<Published>> {
    let note = input.note.filter(|note| !note.trim().is_empty());
    let published = app
        .engine()
        .publish(WORKSPACE, &flow, note, expected)
        .await?;
    Ok(Json(Published {
        flow,
        version: published.version,
        published_at: rfc3339(published.published_at),
        enabled: published.enabled,
        problems: findings(published.problems),
    }))
}

/// List the versions of a flow
///
/// The newest first.
#[utoipa::path(get, path = "/api/v1/flows/{flow}/versions", tag = "Versions", operation_id = "list_versions",
    params(("flow" = String, Path, description = "The id of the flow.", example = "order-intake"), Page),
    responses((status = 200, description = "A page of versions.", body = Items<VersionSummary>), (status = 404, description = "There is no such flow.")))]
pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Path(flow): Path<String>,
    Query(page): Query<Page>,
) -> Answer<Response> {
    let limit = page.limit()?;
    let before = page.after().map(|cursor| cursor.parse::<u32>()).transpose();
    let before = before.map_err(|_| {
        Problem::bad_request("`cursor` is not one of this list; take the `next` of the page before")
    })?;
    let versions = app
        .engine()
        .store()
        .versions(WORKSPACE, &flow, before, limit + 1)
        .await?;
    if versions.is_empty() && app.engine().store().flow(WORKSPACE, &flow).await?.is_none() {
        return Err(no_flow(&flow));
    }
    let items = versions.into_iter().map(|version| VersionSummary {
        version: version.number,
        published_at: rfc3339(version.published_at),
        note: version.note,
    });
    Ok(Items::of(items.collect(), limit, |last| last.version.to_string()).answer(&uri))
}

/// Read a version
///
/// The document as it was published. It never changes.
#[utoipa::path(get, path = "/api/v1/flows/{flow}/versions/{version}", tag = "Versions", operation_id = "read_version",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "order-intake"),
        ("version" = u32, Path, description = "The number of the version.", example = 1),
    ),
    responses(
        (status = 200, description = "The document.", body = ref("#/components/schemas/Flow"), content_type = "application/json"),
        (status = 404, description = "There is no such version."),
    ))]
pub(super) async fn read(
    State(app): State<App>,
    Path((flow, number)): Path<(String, String)>,
) -> Answer<Response> {
    let none = || {
        Problem::not_found(format!(
            "there is no version {number} of `{flow}`; see GET /api/v1/flows/{flow}/versions"
        ))
    };
    let version = number.parse().map_err(|_| none())?;
    let version = app
        .engine()
        .store()
        .version(WORKSPACE, &flow, version)
        .await?
        .ok_or_else(none)?;
    Ok(document::answer(version.document))
}
