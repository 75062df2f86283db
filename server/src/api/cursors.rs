//! `/api/v1/flows/{flow}/triggers/{trigger}/cursor`: where a poll goes on, read and set by a person.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use weir_flows::{poll::check_cursor, run::rfc3339};

use super::{
    App, WORKSPACE,
    extract::{IfMatch, Input, Path, etag},
    problem::{Answer, Code, Problem},
    schedules::trigger_of,
};
use crate::store;

/// Where a poll stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PollState {
    /// Where the next poll goes on, as the script of the last one gave it; null before the first one.
    #[schema(value_type = Value)]
    cursor: Value,
    /// How often the cursor was changed; its `ETag`.
    revision: u32,
    /// When the cursor was changed last.
    #[schema(format = DateTime)]
    moved_at: Option<String>,
    /// When a poll succeeded last.
    #[schema(format = DateTime)]
    polled_at: Option<String>,
    /// Whether a poll is underway.
    underway: bool,
    /// Why the last poll failed; absent where it succeeded. The cursor stays where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<PollFailure>,
}

/// Why a poll failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct PollFailure {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// The class of the failure.
    #[schema(example = "transient")]
    class: String,
    /// What happened, where, and what to do.
    message: String,
    /// How many polls failed in a row.
    count: u32,
}

/// A cursor that is set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCursor {
    /// Where the next poll goes on, as its script understands it.
    #[schema(value_type = Value)]
    cursor: Value,
}

impl PollState {
    pub(super) fn of(poll: store::Poll) -> Result<PollState, Problem> {
        let read = |text: &str| serde_json::from_str(text).map_err(Problem::internal);
        let cursor = poll.cursor.as_deref().map(read).transpose()?;
        let failure: Option<Value> = poll.failure.as_deref().map(read).transpose()?;
        let failure = failure.zip(poll.failed_at).map(|(failure, at)| {
            let text = |key: &str| failure[key].as_str().unwrap_or_default().to_owned();
            PollFailure {
                at: rfc3339(at),
                class: text("class"),
                message: text("message"),
                count: poll.failures,
            }
        });
        Ok(PollState {
            cursor: cursor.unwrap_or_default(),
            revision: poll.revision,
            moved_at: poll.moved_at.map(rfc3339),
            polled_at: poll.polled_at.map(rfc3339),
            underway: poll.due_at.is_some(),
            failure,
        })
    }
}

/// Read the cursor of a poll
///
/// Where the next poll of a trigger goes on, and how the last one went.
#[utoipa::path(get, path = "/api/v1/flows/{flow}/triggers/{trigger}/cursor", tag = "Schedules", operation_id = "read_cursor",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "partner-changes"),
        ("trigger" = String, Path, description = "The id of the trigger.", example = "changes"),
    ),
    responses(
        (status = 200, description = "Where the poll stands.", body = PollState, headers(("ETag" = String, description = "The revision of the cursor."))),
        (status = 404, description = "There is no such flow, or it has no such poll trigger."),
    ))]
pub(super) async fn read(
    State(app): State<App>,
    Path((flow, trigger)): Path<(String, String)>,
) -> Answer<Response> {
    known(&app, &flow, &trigger).await?;
    state(&app, &flow, &trigger).await
}

/// Set the cursor of a poll
///
/// The next poll goes on from there. One that is underway comes to nothing and is made again.
#[utoipa::path(put, path = "/api/v1/flows/{flow}/triggers/{trigger}/cursor", tag = "Schedules", operation_id = "write_cursor",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "partner-changes"),
        ("trigger" = String, Path, description = "The id of the trigger.", example = "changes"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read. Without it the last write wins."),
    ),
    request_body = NewCursor,
    responses(
        (status = 200, description = "It is set.", body = PollState, headers(("ETag" = String, description = "The new revision."))),
        (status = 404, description = "There is no such flow, or it has no such poll trigger."),
        (status = 412, description = "The cursor is not the one that `If-Match` names."),
        (status = 422, description = "The cursor is too large."),
    ))]
pub(super) async fn write(
    State(app): State<App>,
    Path((flow, trigger)): Path<(String, String)>,
    IfMatch(expected): IfMatch,
    Input(new): Input<NewCursor>,
) -> Answer<Response> {
    known(&app, &flow, &trigger).await?;
    check_cursor(Some(&new.cursor))
        .map_err(|failure| Problem::new(Code::InvalidBody, failure.message))?;
    let cursor = Some(new.cursor).filter(|cursor| !cursor.is_null());
    set(&app, &flow, &trigger, cursor, expected).await?;
    state(&app, &flow, &trigger).await
}

/// Forget the cursor of a poll
///
/// The next poll begins from the start, as the first one did.
#[utoipa::path(delete, path = "/api/v1/flows/{flow}/triggers/{trigger}/cursor", tag = "Schedules", operation_id = "delete_cursor",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "partner-changes"),
        ("trigger" = String, Path, description = "The id of the trigger.", example = "changes"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read. Without it the last write wins."),
    ),
    responses(
        (status = 204, description = "It is forgotten."),
        (status = 404, description = "There is no such flow, or it has no such poll trigger."),
        (status = 412, description = "The cursor is not the one that `If-Match` names."),
    ))]
pub(super) async fn delete(
    State(app): State<App>,
    Path((flow, trigger)): Path<(String, String)>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    known(&app, &flow, &trigger).await?;
    set(&app, &flow, &trigger, None, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set(
    app: &App,
    flow: &str,
    trigger: &str,
    cursor: Option<Value>,
    expected: Option<u32>,
) -> Answer<()> {
    let now = app.engine().world().now_ms();
    let text = cursor.as_ref().map(ToString::to_string);
    let store = app.engine().store();
    let revision = store
        .set_cursor(WORKSPACE, flow, trigger, text.clone(), expected, now)
        .await?;
    tracing::info!(
        flow,
        trigger,
        revision,
        cursor = text.as_deref().unwrap_or("none"),
        "the cursor of a poll was set by hand"
    );
    Ok(())
}

async fn state(app: &App, flow: &str, trigger: &str) -> Answer<Response> {
    let poll = app.engine().store().poll(WORKSPACE, flow, trigger).await?;
    let state = PollState::of(poll.unwrap_or_default())?;
    Ok(([(header::ETAG, etag(state.revision))], Json(state)).into_response())
}

/// Whether a flow has this trigger, and it polls.
async fn known(app: &App, flow: &str, trigger: &str) -> Answer<()> {
    match trigger_of(app, flow, trigger).await? {
        found if found.kind == "poll" => Ok(()),
        found => Err(Problem::not_found(format!(
            "the trigger `{trigger}` of `{flow}` is of the kind `{}` and has no cursor",
            found.kind
        ))),
    }
}
