//! `/api/v1/runs/{run}/cancel`: a person ends a run.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::RunSummary;
use crate::api::{
    App, WORKSPACE,
    extract::{Input, Path, run_id},
    problem::Answer,
};

/// How to end a run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::api) struct Cancel {
    /// Whether to reverse what has succeeded, in reverse order, where steps say how. Attempts that are underway may end
    /// first, so that they are reversed, too. Otherwise they are broken off at once.
    undo: bool,
    /// Who.
    #[schema(example = "Ada")]
    by: Option<String>,
    /// Why.
    #[schema(example = "The customer withdrew the order.")]
    note: Option<String>,
}

/// Cancel a run
///
/// Works at any point of a run: while it moves, while it waits for its next attempt, and before it has started. It is on disk when
/// the answer comes: the run is then `cancelled`, or still stands as it did while its steps are being undone. Cancelling again
/// without `undo` breaks that off. A run that has ended keeps its status (409).
#[utoipa::path(post, path = "/api/v1/runs/{run}/cancel", tag = "Runs", operation_id = "cancel_run",
    params(("run" = String, Path, description = "The id of the run.")),
    request_body = Cancel,
    responses(
        (status = 202, description = "Nothing new starts; how the run stands now.", body = RunSummary),
        (status = 404, description = "There is no such run."),
        (status = 409, description = "The run has ended already."),
    ))]
pub(in crate::api) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    Input(cancel): Input<Cancel>,
) -> Answer<(StatusCode, Json<RunSummary>)> {
    let Cancel { undo, by, note } = cancel;
    let cancelled = app.engine().cancel(WORKSPACE, run_id(&id)?, undo, by, note);
    Ok((StatusCode::ACCEPTED, Json(cancelled.await?.into())))
}
