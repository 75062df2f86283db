//! `/api/v1/approvals`: what runs wait for a person to decide, and the decisions.

use axum::{Json, extract::State, http::Uri, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use weir_flows::{
    callback::{APPROVED, Decision, REJECTED, read_place},
    problem::Problem as Found,
    run::rfc3339,
};

use super::{
    App, WORKSPACE,
    extract::{Input, Path, Query},
    list::{Items, Page},
    problem::{Answer, Code, Finding, Problem, findings},
};
use crate::{
    engine::{Given, Reception},
    store::{self, ApprovalCursor, ApprovalFilter, AwaitedState},
};

/// How an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ApprovalState {
    /// It waits for a person.
    Open,
    /// A person has decided.
    Decided,
    /// Nobody decided in time, or the run has ended.
    Closed,
}

impl From<AwaitedState> for ApprovalState {
    fn from(state: AwaitedState) -> Self {
        match state {
            AwaitedState::Open => ApprovalState::Open,
            AwaitedState::Answered | AwaitedState::Used => ApprovalState::Decided,
            AwaitedState::Closed => ApprovalState::Closed,
        }
    }
}

/// Something that a run waits for a person to decide.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApprovalSummary {
    /// Its id: the run and the step, and within an `each` step the index of the item.
    #[schema(example = "0199a2b4-7c11-7d4e-9d5e-2f6a1b3c4d5e.release")]
    id: String,
    /// What is to be decided.
    #[schema(example = "Order 4711 of 12,500 EUR")]
    title: String,
    /// The flow.
    #[schema(example = "large-orders")]
    flow: String,
    /// The version that the run is of.
    version: u32,
    /// The run.
    #[schema(format = "uuid")]
    run: String,
    /// The step.
    #[schema(example = "release")]
    step: String,
    /// The items of `each` steps that it belongs to, by their indices, from the outermost inwards.
    items: Vec<usize>,
    /// Since when the run waits.
    #[schema(format = DateTime)]
    since: String,
    /// How long that has been, in milliseconds.
    age_ms: i64,
    /// Until when it waits.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// How it stands.
    state: ApprovalState,
    /// When it was decided.
    #[schema(format = DateTime)]
    decided_at: Option<String>,
}

/// An approval with all that a person needs to decide.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApprovalDetail {
    #[serde(flatten)]
    summary: ApprovalSummary,
    /// What the person who decides should know.
    text: Option<String>,
    /// What they fill in, as a JSON Schema; null where there is nothing to fill in.
    #[schema(value_type = Value)]
    form: Option<Value>,
}

impl ApprovalSummary {
    fn of(approval: &store::Approval, now: i64) -> ApprovalSummary {
        let (step, items) = read_place(&approval.place).unwrap_or((&approval.place, Vec::new()));
        ApprovalSummary {
            id: id(&approval.run.to_string(), &approval.place),
            title: if approval.title.is_empty() {
                // It was decided before the run came to it.
                step.to_owned()
            } else {
                approval.title.clone()
            },
            flow: approval.flow.clone(),
            version: approval.version,
            run: approval.run.to_string(),
            step: step.to_owned(),
            items,
            since: rfc3339(approval.since),
            age_ms: now.saturating_sub(approval.since).max(0),
            until: approval.until.map(rfc3339),
            state: approval.state.into(),
            decided_at: approval.answered_at.map(rfc3339),
        }
    }
}

/// The id of the approval that a place of a run asks for.
pub(super) fn id(run: &str, place: &str) -> String {
    format!("{run}.{place}")
}

/// Which approvals to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalSearch {
    /// Only those of this flow.
    flow: Option<String>,
    /// How many to give, from 1 to 200; 50 where nothing is said.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page starts: the `next` of the page before.
    cursor: Option<String>,
}

/// List approvals
///
/// Those that wait for a person; those that began to wait last come first.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "Approvals", operation_id = "list_approvals", params(ApprovalSearch),
    responses((status = 200, description = "A page of approvals.", body = Items<ApprovalSummary>)))]
pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(search): Query<ApprovalSearch>,
) -> Answer<Response> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let after = given(search.cursor).map(|cursor| {
        cursor.parse().map_err(|_| {
            Problem::bad_request(
                "`cursor` is not one of this list; take the `next` of the page before",
            )
        })
    });
    let page = Page {
        limit: search.limit,
        cursor: None,
    };
    let limit = page.limit()?;
    let filter = ApprovalFilter {
        flow: given(search.flow),
        after: after.transpose()?,
        // One more than the page has tells whether there is another page.
        limit: limit + 1,
    };
    let engine = app.engine();
    let approvals = engine.store().approvals(WORKSPACE, &filter).await?;
    let cursor = |approval: &store::Approval| ApprovalCursor::from(approval).to_string();
    let Items { items, next } = Items::of(approvals, limit, cursor);
    let now = engine.world().now_ms();
    let items = items.iter().map(|one| ApprovalSummary::of(one, now));
    let items: Vec<ApprovalSummary> = items.collect();
    Ok(Items { items, next }.answer(&uri))
}

/// Read an approval
#[utoipa::path(get, path = "/api/v1/approvals/{approval}", tag = "Approvals", operation_id = "read_approval",
    params(("approval" = String, Path, description = "The id of the approval.")),
    responses((status = 200, description = "The approval, however it stands.", body = ApprovalDetail), (status = 404, description = "There is no such approval.")))]
pub(super) async fn read(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<Json<ApprovalDetail>> {
    let (run, place) = parts(&id)?;
    shown(&app, run, place).await
}

/// What a person decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decide {
    /// `approved` or `rejected`.
    #[schema(example = "approved")]
    decision: String,
    /// What they filled in; an approval must satisfy the form.
    #[serde(default)]
    #[schema(value_type = Object)]
    form: Map<String, Value>,
    /// Who.
    #[serde(default)]
    #[schema(example = "Ada")]
    by: Option<String>,
    /// Why.
    #[serde(default)]
    note: Option<String>,
}

impl Decide {
    /// The decision.
    ///
    /// # Errors
    /// 422 where it is none.
    pub(super) fn read(self) -> Answer<Decision> {
        let approved = match self.decision.as_str() {
            APPROVED => true,
            REJECTED => false,
            other => {
                let message = format!("`decision` is `{other}`; it must be approved or rejected");
                return Err(Problem::new(Code::InvalidBody, message));
            }
        };
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Ok(Decision {
            approved,
            form: Value::Object(self.form),
            by: given(self.by),
            note: given(self.note),
        })
    }
}

/// Decide an approval
///
/// It is on disk when the answer comes, and the run goes on. The first decision counts. The same one may be sent again and is
/// answered as the first time; another one is refused.
#[utoipa::path(post, path = "/api/v1/approvals/{approval}/decide", tag = "Approvals", operation_id = "decide_approval",
    params(("approval" = String, Path, description = "The id of the approval.")),
    request_body = Decide,
    responses(
        (status = 200, description = "The approval as it stands now.", body = ApprovalDetail),
        (status = 404, description = "There is no such approval."),
        (status = 409, description = "It was decided otherwise before."),
        (status = 410, description = "Nobody decided in time, or the run has ended."),
        (status = 422, description = "What was filled in does not satisfy the form."),
    ))]
pub(super) async fn decide(
    State(app): State<App>,
    Path(id): Path<String>,
    Input(decide): Input<Decide>,
) -> Answer<Json<ApprovalDetail>> {
    let (run, place) = parts(&id)?;
    let decision = decide.read()?;
    let engine = app.engine();
    if engine
        .store()
        .approval(WORKSPACE, run, place)
        .await?
        .is_none()
    {
        return Err(no_approval(&id));
    }
    let asked = engine.question(WORKSPACE, run, place).await?;
    let asked = asked.ok_or_else(|| no_approval(&id))?;
    let given = Given::Decision(decision);
    let reception = engine.answer(WORKSPACE, run, place, asked, given).await?;
    refused(reception)?;
    shown(&app, run, place).await
}

/// Whether the same answer was given before.
///
/// # Errors
/// 409, 410 and 422, where the run does not take the answer.
pub(super) fn refused(reception: Reception) -> Answer<bool> {
    match reception {
        Reception::First => Ok(false),
        Reception::Again => Ok(true),
        Reception::Other => Err(Problem::new(
            Code::Conflict,
            "another answer came before, and the first one counts; the run shows what it was",
        )),
        Reception::Over => Err(Problem::new(
            Code::Gone,
            "the run does not wait for this any more: the time is over, or the run has gone on without it or has ended",
        )),
        Reception::Refused(problems) => Err(form_refused(problems)),
    }
}

fn form_refused(problems: Vec<Found>) -> Problem {
    let place = |finding: Finding| Finding {
        at: format!("/form{}", finding.at),
        ..finding
    };
    let detail = "what was filled in does not satisfy the form; nothing was decided";
    Problem::new(Code::InvalidBody, detail)
        .with_errors(findings(problems).into_iter().map(place).collect())
}

fn parts(id: &str) -> Answer<(Uuid, &str)> {
    let (run, place) = id.split_once('.').ok_or_else(|| no_approval(id))?;
    Ok((run.parse().map_err(|_| no_approval(id))?, place))
}

fn no_approval(id: &str) -> Problem {
    Problem::not_found(format!(
        "there is no approval `{id}`; see GET /api/v1/approvals"
    ))
}

async fn shown(app: &App, run: Uuid, place: &str) -> Answer<Json<ApprovalDetail>> {
    let engine = app.engine();
    let approval = engine.store().approval(WORKSPACE, run, place).await?;
    let approval = approval.ok_or_else(|| no_approval(&id(&run.to_string(), place)))?;
    let asked = engine.question(WORKSPACE, run, place).await?;
    Ok(Json(ApprovalDetail {
        summary: ApprovalSummary::of(&approval, engine.world().now_ms()),
        text: approval.shown,
        form: asked.and_then(|asked| asked.form),
    }))
}
