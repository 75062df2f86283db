//! `/api/v1/schedules`: what fires when, and what is unusual about it.

use std::collections::HashMap;

use axum::{extract::State, http::Uri, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use weir_flows::{
    document::{Flow, Trigger},
    run::rfc3339,
    schedule::{Fire, Odd, Schedule},
};

use super::{
    App, WORKSPACE,
    cursors::PollState,
    extract::{Path, Query, no_flow},
    list::{Items, MOST, Page},
    problem::{Answer, Code, Finding, Problem, Severity},
    runs::time,
};
use crate::store;

/// How many fires are given where nothing is said.
const USUAL: u32 = 10;

/// A schedule or poll trigger of a published version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ScheduleSummary {
    /// The id of the flow.
    #[schema(example = "nightly-report")]
    flow: String,
    /// The title of the flow, empty where it has none.
    flow_title: String,
    /// The id of the trigger.
    #[schema(example = "nightly")]
    trigger: String,
    /// The title of the trigger, empty where it has none.
    title: String,
    /// `schedule` or `poll`.
    #[schema(example = "schedule")]
    kind: String,
    /// The cron expression as its author wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0 2 * * *")]
    cron: Option<String>,
    /// The zone in which the cron expression is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Berlin")]
    timezone: Option<String>,
    /// The fixed distance, where there is no cron expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "15m")]
    every: Option<String>,
    /// Whether the flow is switched on.
    enabled: bool,
    /// Whether the flow is paused.
    paused: bool,
    /// Whether the trigger is disabled in its flow.
    disabled: bool,
    /// When it fires next; null where the flow is switched off or paused, and where the trigger is disabled.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// The instant that was used up last, by a run or because its policies or its filter let none start.
    #[schema(format = DateTime)]
    last_at: Option<String>,
    /// Where a poll stands; absent for a schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    poll: Option<PollState>,
}

/// An instant at which a schedule fires.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FireSummary {
    /// The instant.
    #[schema(format = DateTime, example = "2026-03-29T01:00:00.000Z")]
    at: String,
    /// The same as the clocks of the schedule's zone show it.
    #[schema(format = DateTime, example = "2026-03-29T03:00:00+02:00")]
    local: String,
    /// What is unusual about it on a day when the clocks change; absent on others.
    #[serde(skip_serializing_if = "Option::is_none")]
    odd: Option<OddTime>,
}

/// What is unusual about an instant.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OddTime {
    /// It stands for a local time that the clocks skip that day.
    Skipped,
    /// Its local time comes twice that day.
    Doubled,
}

/// Which instants to give.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Stretch {
    /// How many, from 1 to 200; 10 where nothing is said.
    #[param(minimum = 1, maximum = 200, default = 10)]
    limit: Option<u32>,
    /// Those after this time, such as the `next` of the page before; now where nothing is said.
    #[param(format = DateTime)]
    cursor: Option<String>,
}

/// A schedule that stands nowhere yet. The fields are those of a `schedule` trigger's `config`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Sketch {
    /// Minute, hour, day, month and weekday; six fields begin with the seconds; `@daily` and its kin.
    #[param(example = "0 2 * * *")]
    cron: Option<String>,
    /// The IANA time zone of the cron expression; UTC where nothing is said.
    #[param(example = "Europe/Berlin")]
    timezone: Option<String>,
    /// A fixed distance instead of a cron expression.
    every: Option<String>,
    /// What happens with a time that the clocks skip: `next` or `skip`.
    skipped: Option<String>,
    /// What happens with a time that comes twice: `once` or `twice`.
    doubled: Option<String>,
    /// How many, from 1 to 200; 10 where nothing is said.
    #[param(minimum = 1, maximum = 200, default = 10)]
    limit: Option<u32>,
    /// Those after this time, such as the `next` of the page before; now where nothing is said.
    #[param(format = DateTime)]
    cursor: Option<String>,
}

/// List schedules
///
/// The schedule and poll triggers of all published flows by flow and trigger, with those that do not fire at present: their flow is switched off
/// (`enabled`) or paused, or they are disabled in it.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "Schedules", operation_id = "list_schedules", params(Page),
    responses((status = 200, description = "A page of schedules.", body = Items<ScheduleSummary>)))]
pub(super) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(page): Query<Page>,
) -> Answer<Response> {
    let limit = page.limit()?;
    let cursor = page.after().unwrap_or_default();
    let after = cursor.split_once('/').unwrap_or((cursor, ""));
    let schedules = app
        .engine()
        .store()
        .all_schedules(WORKSPACE, after, limit + 1)
        .await?;
    let page = Items::of(schedules, limit, |schedule| {
        format!("{}/{}", schedule.flow, schedule.trigger)
    });
    let ends = page.items.first().zip(page.items.last());
    let polls = match ends {
        Some((first, last)) => {
            let store = app.engine().store();
            store.polls(WORKSPACE, &first.flow, &last.flow).await?
        }
        None => Vec::new(),
    };
    let mut polls: HashMap<(String, String), store::Poll> = polls
        .into_iter()
        .map(|poll| ((poll.flow.clone(), poll.trigger.clone()), poll))
        .collect();
    let items = page.items.into_iter().map(|schedule| {
        let poll = polls.remove(&(schedule.flow.clone(), schedule.trigger.clone()));
        ScheduleSummary::of(&app, schedule, poll)
    });
    Ok(Items {
        items: items.collect::<Answer<_>>()?,
        next: page.next,
    }
    .answer(&uri))
}

/// List the next fires of a schedule
///
/// When a schedule or poll trigger of the published version fires, or of the draft where nothing is published. A flow that is switched off
/// does not fire; this says when it would.
#[utoipa::path(get, path = "/api/v1/flows/{flow}/triggers/{trigger}/fires", tag = "Schedules", operation_id = "list_fires",
    params(
        ("flow" = String, Path, description = "The id of the flow.", example = "nightly-report"),
        ("trigger" = String, Path, description = "The id of the trigger.", example = "nightly"),
        Stretch,
    ),
    responses(
        (status = 200, description = "The instants, the earliest first.", body = Items<FireSummary>),
        (status = 404, description = "There is no such flow, or it has no such schedule or poll trigger."),
        (status = 422, description = "The draft has no times that can be read, and nothing is published."),
    ))]
pub(super) async fn fires(
    State(app): State<App>,
    uri: Uri,
    Path((flow, trigger)): Path<(String, String)>,
    Query(stretch): Query<Stretch>,
) -> Answer<Response> {
    let found = trigger_of(&app, &flow, &trigger).await?;
    if !["schedule", "poll"].contains(&found.kind.as_str()) {
        return Err(Problem::not_found(format!(
            "the trigger `{trigger}` of `{flow}` is of the kind `{}` and has no fires",
            found.kind
        )));
    }
    answer(&app, &uri, &found.config, stretch)
}

/// List the fires of times that are not stored
///
/// For a schedule that is being written: the same answer as for one that is.
#[utoipa::path(get, path = "/api/v1/schedules/fires", tag = "Schedules", operation_id = "preview_fires", params(Sketch),
    responses(
        (status = 200, description = "The instants, the earliest first.", body = Items<FireSummary>),
        (status = 422, description = "These are no times; `errors` names the fields."),
    ))]
pub(super) async fn preview(
    State(app): State<App>,
    uri: Uri,
    Query(sketch): Query<Sketch>,
) -> Answer<Response> {
    let fields = [
        ("cron", sketch.cron),
        ("timezone", sketch.timezone),
        ("every", sketch.every),
        ("skipped", sketch.skipped),
        ("doubled", sketch.doubled),
    ];
    let config = fields
        .into_iter()
        .filter_map(|(field, text)| Some((field.to_owned(), Value::String(text?))));
    let stretch = Stretch {
        limit: sketch.limit,
        cursor: sketch.cursor,
    };
    answer(&app, &uri, &config.collect(), stretch)
}

/// A page of the fires of a configuration.
fn answer(app: &App, uri: &Uri, config: &Map<String, Value>, stretch: Stretch) -> Answer<Response> {
    let limit = match stretch.limit {
        None => USUAL,
        Some(limit) if (1..=MOST).contains(&limit) => limit,
        Some(limit) => {
            let detail = format!("`limit` is {limit}; it must be from 1 to {MOST}");
            return Err(Problem::bad_request(detail));
        }
    };
    let after = time("cursor", stretch.cursor)?;
    let after = after.unwrap_or_else(|| app.engine().world().now_ms());
    let schedule = Schedule::new(config).map_err(no_times)?;
    let fires = schedule.next_fires(after, limit as usize + 1);
    let fires = fires.into_iter().map(FireSummary::of).collect();
    let page = Items::of(fires, limit, |fire: &FireSummary| fire.at.clone());
    Ok(page.answer(uri))
}

/// A trigger of the published version of a flow, or of its draft where nothing is published.
pub(super) async fn trigger_of(app: &App, flow: &str, id: &str) -> Answer<Trigger> {
    let found = match app.engine().published(WORKSPACE, flow) {
        Some(published) => published.version.plan.flow.triggers.get(id).cloned(),
        None => {
            let stored = app.engine().store().flow(WORKSPACE, flow).await?;
            let stored = stored.ok_or_else(|| no_flow(flow))?;
            let draft: Flow = serde_json::from_str(&stored.document).map_err(Problem::internal)?;
            draft.triggers.get(id).cloned()
        }
    };
    found.ok_or_else(|| Problem::not_found(format!("`{flow}` has no trigger `{id}`")))
}

/// The configuration says no times.
fn no_times(errors: Vec<(String, String)>) -> Problem {
    let findings = errors.into_iter().map(|(field, message)| Finding {
        at: match field.as_str() {
            "" => field,
            _ => format!("/{field}"),
        },
        code: "bad_schedule".to_owned(),
        severity: Severity::Error,
        message,
    });
    let findings: Vec<Finding> = findings.collect();
    let detail = findings
        .first()
        .map_or("this is no schedule", |finding| &finding.message);
    Problem::new(Code::InvalidBody, detail).with_errors(findings)
}

impl ScheduleSummary {
    fn of(
        app: &App,
        schedule: store::Schedule,
        poll: Option<store::Poll>,
    ) -> Answer<ScheduleSummary> {
        let published = app.engine().published(WORKSPACE, &schedule.flow);
        let paused = published.as_ref().is_some_and(|published| published.paused);
        let flow = published
            .as_ref()
            .map(|published| &published.version.plan.flow);
        let trigger = flow.and_then(|flow| flow.triggers.get(&schedule.trigger));
        let text = |field: &str| {
            let value = trigger.and_then(|trigger: &Trigger| trigger.config.get(field));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        let cron = text("cron");
        let kind = trigger.map_or("schedule", |trigger| &trigger.kind);
        // The schedule of a poll that is underway says until when nobody else makes it.
        let due_at = poll.as_ref().and_then(|poll| poll.due_at);
        let poll = (kind == "poll").then(|| PollState::of(poll.unwrap_or_default()));
        Ok(ScheduleSummary {
            kind: kind.to_owned(),
            poll: poll.transpose()?,
            timezone: text("timezone").or_else(|| cron.as_ref().map(|_| "UTC".to_owned())),
            cron,
            every: text("every"),
            flow_title: flow.map(|flow| flow.title.clone()).unwrap_or_default(),
            title: trigger
                .map(|trigger| trigger.title.clone())
                .unwrap_or_default(),
            enabled: published
                .as_ref()
                .is_some_and(|published| published.enabled),
            paused,
            disabled: trigger.is_some_and(|trigger| trigger.disabled),
            next_at: schedule
                .next_at
                .filter(|_| !paused)
                .map(|at| rfc3339(due_at.unwrap_or(at))),
            last_at: schedule.last_at.map(rfc3339),
            flow: schedule.flow,
            trigger: schedule.trigger,
        })
    }
}

impl FireSummary {
    fn of(fire: Fire) -> FireSummary {
        FireSummary {
            at: rfc3339(fire.at_ms),
            local: fire.local,
            odd: fire.odd.map(|odd| match odd {
                Odd::Skipped => OddTime::Skipped,
                Odd::Doubled => OddTime::Doubled,
            }),
        }
    }
}
