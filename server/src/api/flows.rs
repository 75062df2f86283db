//! `/api/v1/flows`: drafts of flows, as documents.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_flows::document::Flow;

use super::{
    App, WORKSPACE,
    document::{self, Bar, Checked},
    extract::{IdempotencyKey, IfMatch, IfNoneMatch, Path, Query, Text, etag, no_flow},
    list::{Items, Page},
    problem::{Answer, Code, Finding, Problem},
    summary::{self, FlowSummary},
};
use crate::{
    engine,
    store::{self, Draft},
};

/// What was stored, and what a person should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stored {
    /// The flow.
    flow: FlowSummary,
    /// Warnings, and the errors of an unfinished document.
    problems: Vec<Finding>,
}

/// Which documents to store.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Writing {
    /// Whether to store a document with errors, too, as long as it reads as a flow: no unknown keys, no wrong types. Such a
    /// draft cannot be published.
    #[serde(default)]
    #[param(default = false)]
    unfinished: bool,
}

impl Writing {
    fn bar(&self) -> Bar {
        if self.unfinished {
            Bar::Unfinished
        } else {
            Bar::Sound
        }
    }
}

/// List flows
///
/// All flows by id, each with its triggers, its last run, and how the last 24 hours went.
#[utoipa::path(get, path = "/api/v1/flows", tag = "Flows", operation_id = "list_flows", params(Page),
    responses((status = 200, description = "A page of flows.", body = Items<FlowSummary>)))]
pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(page): Query<Page>,
) -> Answer<Response> {
    let limit = page.limit()?;
    let listings = app
        .engine()
        .store()
        .flows(WORKSPACE, summary::since(&app), page.after(), limit + 1)
        .await?;
    let page = Items::of(listings, limit, |listing| listing.flow.id.clone());
    let items = page
        .items
        .into_iter()
        .map(|listing| FlowSummary::of(&app, listing))
        .collect();
    Ok(Items {
        items,
        next: page.next,
    }
    .answer(&uri))
}

/// Import a flow
///
/// Stores a new flow as a draft. Nothing is stored of a document with errors, unless it may be unfinished. With an `Idempotency-Key`, sending the same
/// document again answers as if it were the first time, as long as nobody has changed the draft since.
#[utoipa::path(post, path = "/api/v1/flows", tag = "Flows", operation_id = "create_flow",
    params(Writing, ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send this again.")),
    request_body(content = ref("#/components/schemas/Flow"), description = "The document.", content_type = "application/json"),
    responses(
        (status = 201, description = "It is stored.", body = Stored,
            headers(("ETag" = String, description = "The revision of the draft."), ("Location" = String, description = "Where the draft is."))),
        (status = 409, description = "There is a flow with this id."),
        (status = 422, description = "The document has errors, each with its place."),
    ))]
pub(super) async fn create(
    State(app): State<App>,
    IdempotencyKey(key): IdempotencyKey,
    Query(writing): Query<Writing>,
    text: Text,
) -> Answer<Response> {
    let Checked {
        flow,
        text,
        problems,
    } = document::check(&app, &text, writing.bar()).await?;
    let made = app.engine().create_draft(draft(&app, &flow, text.clone()));
    match made.await {
        Ok(_) => {}
        Err(engine::Error::Store(store::Error::Conflict(_))) => {
            let same = key.is_some()
                && app
                    .engine()
                    .store()
                    .flow(WORKSPACE, &flow.id)
                    .await?
                    .is_some_and(|stored| stored.revision == 1 && stored.document == text);
            if !same {
                let detail = format!(
                    "there is a flow `{}` already; change it with PUT /api/v1/flows/{}, or choose another id",
                    flow.id, flow.id
                );
                return Err(Problem::new(Code::Exists, detail));
            }
        }
        Err(error) => return Err(error.into()),
    }
    let location =
        HeaderValue::try_from(format!("/api/v1/flows/{}", flow.id)).map_err(Problem::internal)?;
    let mut response = stored(&app, StatusCode::CREATED, &flow.id, problems).await?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Read a draft
///
/// The document itself, printed deterministically: two spaces, stable order, a newline at the end.
#[utoipa::path(get, path = "/api/v1/flows/{flow}", tag = "Flows", operation_id = "read_flow",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "order-intake"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that was read; several may stand there with commas."),
    ),
    responses(
        (status = 200, description = "The draft.", body = ref("#/components/schemas/Flow"), content_type = "application/json",
            headers(("ETag" = String, description = "The revision of the draft."))),
        (status = 304, description = "The draft is the one that `If-None-Match` names."),
        (status = 404, description = "There is no such flow."),
    ))]
pub(super) async fn read(
    State(app): State<App>,
    Path(id): Path<String>,
    known: IfNoneMatch,
) -> Answer<Response> {
    let flow = app
        .engine()
        .store()
        .flow(WORKSPACE, &id)
        .await?
        .ok_or_else(|| no_flow(&id))?;
    let mut response = if known.names(flow.revision) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        document::answer(flow.document)
    };
    response
        .headers_mut()
        .insert(header::ETAG, etag(flow.revision));
    Ok(response)
}

/// Replace a draft
///
/// Stores another document for a flow that exists. What runs in production stays until it is published. Nothing is stored of
/// a document with errors, unless it may be unfinished.
#[utoipa::path(put, path = "/api/v1/flows/{flow}", tag = "Flows", operation_id = "replace_flow",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "order-intake"),
        Writing,
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read. Without it the last write wins."),
    ),
    request_body(content = ref("#/components/schemas/Flow"), description = "The document.", content_type = "application/json"),
    responses(
        (status = 200, description = "It is stored.", body = Stored, headers(("ETag" = String, description = "The new revision."))),
        (status = 404, description = "There is no such flow; POST /api/v1/flows makes one."),
        (status = 412, description = "The draft is not the one that `If-Match` names. `ETag` names the current one."),
        (status = 422, description = "The document has errors, each with its place."),
    ))]
pub(super) async fn replace(
    State(app): State<App>,
    Path(id): Path<String>,
    IfMatch(expected): IfMatch,
    Query(writing): Query<Writing>,
    text: Text,
) -> Answer<Response> {
    let Checked {
        flow,
        text,
        problems,
    } = document::check(&app, &text, writing.bar()).await?;
    if flow.id != id {
        let message = format!(
            "this is the flow `{}`, but it was sent to /api/v1/flows/{id}; ids are permanent, so send it to its own address",
            flow.id
        );
        return Err(Problem::document(vec![
            weir_flows::problem::Problem::error("/id", "other_id", message),
        ]));
    }
    let written = app
        .engine()
        .update_draft(draft(&app, &flow, text), expected);
    written.await.map_err(|error| of_flow(&id, error))?;
    stored(&app, StatusCode::OK, &id, problems).await
}

/// Delete a flow
///
/// Its draft and what was published of it go, and its triggers listen no more. Its runs stay.
#[utoipa::path(delete, path = "/api/v1/flows/{flow}", tag = "Flows", operation_id = "delete_flow",
    params(("flow" = String, Path, description = "The id of the flow.", example = "order-intake")),
    responses((status = 204, description = "It is gone."), (status = 404, description = "There is no such flow.")))]
pub(super) async fn delete(State(app): State<App>, Path(id): Path<String>) -> Answer<StatusCode> {
    if !app.engine().delete_flow(WORKSPACE, &id).await? {
        return Err(no_flow(&id));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Enable a flow
///
/// Its triggers listen again. Times that its schedules missed in between are not made up for. Doing it twice is fine.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/enable", tag = "Flows", operation_id = "enable_flow",
    params(("flow" = String, Path, description = "The id of the flow.", example = "order-intake")),
    responses((status = 200, description = "It is switched on.", body = FlowSummary), (status = 404, description = "There is no such flow.")))]
pub(super) async fn enable(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<axum::Json<FlowSummary>> {
    switch(&app, &id, true).await
}

/// Disable a flow
///
/// Its triggers listen no more: callers get 503 with the code `flow_disabled` and a `Retry-After`, schedules do not fire, and
/// no run is started by hand. Runs that are underway go on, and drafts can be written and published. Doing it twice is fine.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/disable", tag = "Flows", operation_id = "disable_flow",
    params(("flow" = String, Path, description = "The id of the flow.", example = "order-intake")),
    responses((status = 200, description = "It is switched off.", body = FlowSummary), (status = 404, description = "There is no such flow.")))]
pub(super) async fn disable(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<axum::Json<FlowSummary>> {
    switch(&app, &id, false).await
}

/// Pause a flow
///
/// Nothing new begins, and nothing is refused: what arrives at its triggers is accepted and waits on disk. Callers get 202, with
/// `"paused": true` and where to look, also those that would get the result. Runs that other flows call, replays, and runs that are started by
/// hand wait, too; schedules do not fire, and the setting `missed` of each decides about those times when the flow is resumed. Runs that have
/// begun go on to their end. A run that waits can be cancelled. If it is deleted instead of resumed, what waits begins. Doing it twice is fine.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/pause", tag = "Flows", operation_id = "pause_flow",
    params(("flow" = String, Path, description = "The id of the flow.", example = "order-intake")),
    responses((status = 200, description = "It is paused.", body = FlowSummary), (status = 404, description = "There is no such flow.")))]
pub(super) async fn pause(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<axum::Json<FlowSummary>> {
    set_paused(&app, &id, true).await
}

/// Resume a flow
///
/// What waits begins in the order in which it arrived, as fast as the limits of the flow and of the servers allow; each run on
/// the version that it was accepted with, also where another one was published meanwhile. Doing it twice is fine.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/resume", tag = "Flows", operation_id = "resume_flow",
    params(("flow" = String, Path, description = "The id of the flow.", example = "order-intake")),
    responses((status = 200, description = "It goes on.", body = FlowSummary), (status = 404, description = "There is no such flow.")))]
pub(super) async fn resume(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<axum::Json<FlowSummary>> {
    set_paused(&app, &id, false).await
}

async fn set_paused(app: &App, id: &str, paused: bool) -> Answer<axum::Json<FlowSummary>> {
    let changed = app.engine().pause(WORKSPACE, id, paused);
    changed.await.map_err(|error| of_flow(id, error))?;
    Ok(axum::Json(summary_of(app, id).await?))
}

async fn switch(app: &App, id: &str, enabled: bool) -> Answer<axum::Json<FlowSummary>> {
    let switched = app.engine().switch(WORKSPACE, id, enabled);
    switched.await.map_err(|error| of_flow(id, error))?;
    Ok(axum::Json(summary_of(app, id).await?))
}

/// Summarise a flow
///
/// The same as its item in the list.
#[utoipa::path(get, path = "/api/v1/flows/{flow}/summary", tag = "Flows", operation_id = "summarise_flow",
    params(("flow" = String, Path, description = "The id of the flow.", example = "order-intake")),
    responses((status = 200, description = "The flow.", body = FlowSummary), (status = 404, description = "There is no such flow.")))]
pub(super) async fn summary(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<axum::Json<FlowSummary>> {
    Ok(axum::Json(summary_of(&app, &id).await?))
}

async fn summary_of(app: &App, id: &str) -> Answer<FlowSummary> {
    let listing = app
        .engine()
        .store()
        .flow_listing(WORKSPACE, id, summary::since(app))
        .await?;
    Ok(FlowSummary::of(app, listing.ok_or_else(|| no_flow(id))?))
}

async fn stored(
    app: &App,
    status: StatusCode,
    id: &str,
    problems: Vec<Finding>,
) -> Answer<Response> {
    let flow = summary_of(app, id).await?;
    let tag = etag(flow.revision());
    Ok((
        status,
        [(header::ETAG, tag)],
        axum::Json(Stored { flow, problems }),
    )
        .into_response())
}

/// Why something could not be done to a flow.
fn of_flow(id: &str, error: engine::Error) -> Problem {
    match error {
        engine::Error::Store(store::Error::NotFound(_)) => no_flow(id),
        error => error.into(),
    }
}

fn draft(app: &App, flow: &Flow, document: String) -> Draft {
    Draft {
        workspace: WORKSPACE.to_owned(),
        flow: flow.id.clone(),
        title: flow.title.clone(),
        document,
        at: app.engine().world().now_ms(),
    }
}
