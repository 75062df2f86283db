//! One run with all that is remembered of it, with large values cut.

use std::{collections::BTreeMap, io, sync::Arc};

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use weir_flows::{
    builtin::CALL,
    callback::place,
    failure::Failure,
    plan::Plan,
    record::{Awaits, Reply},
    run::{Attempt, Calls, Items, LinkStatus, Looked, Run, Status, StepState, StepStatus, rfc3339},
};

use super::{RunStatus, RunSummary};
use crate::{
    api::approvals,
    engine::{Recorded, called_run, size},
    secrets::mask::{MASK, is_hidden_header},
};

/// The largest value that is shown as a whole, in bytes of JSON.
const MOST: usize = 256 << 10;

/// How much of all values together is shown, in bytes of JSON. What comes after it is cut.
const MOST_TOGETHER: usize = 8 << 20;

/// How much of a value that is cut is shown, in characters.
const PREVIEW: usize = 300;

/// A run with all that is remembered of it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RunDetail {
    #[serde(flatten)]
    summary: RunSummary,
    /// The title of the flow in this version.
    title: String,
    /// Whether message and steps were kept; the setting `history` of the flow decides that.
    kept: bool,
    /// What arrived: body, headers, query, params, method, time. Null where it was not kept.
    #[schema(value_type = Value)]
    message: Shown,
    /// Who ended it, when and why; null where nobody did.
    cancelled: Option<CancelDetail>,
    /// What the caller was answered by a `respond` step.
    reply: Option<ReplyDetail>,
    /// How the links stand, in the order of the version's links.
    links: Vec<LinkWord>,
    /// What each step did, by id.
    steps: BTreeMap<String, StepDetail>,
}

/// How a person ended a run.
#[derive(Debug, Serialize, ToSchema)]
struct CancelDetail {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Whether what had succeeded was to be reversed first.
    undo: bool,
    /// Who; null where that was not said.
    by: Option<String>,
    /// Why; null where that was not said.
    note: Option<String>,
}

/// What the caller was answered.
#[derive(Debug, Serialize, ToSchema)]
struct ReplyDetail {
    /// The HTTP status.
    status: u16,
    /// The headers.
    #[schema(value_type = Object)]
    headers: Map<String, Value>,
    /// The body.
    #[schema(value_type = Value)]
    body: Shown,
}

/// How a link of a run stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LinkWord {
    /// Not decided yet.
    Pending,
    /// The run went along it.
    Taken,
    /// The run will never go along it.
    Dead,
}

/// How a step of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum StepWord {
    /// Its links are not decided yet.
    Pending,
    /// An attempt is underway.
    Running,
    /// It waits for the time of its next attempt, or for its turn.
    Waiting,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// None of its links was taken.
    Skipped,
}

impl From<StepStatus> for StepWord {
    fn from(status: StepStatus) -> Self {
        match status {
            StepStatus::Pending => StepWord::Pending,
            StepStatus::Running => StepWord::Running,
            StepStatus::Waiting => StepWord::Waiting,
            StepStatus::Succeeded => StepWord::Succeeded,
            StepStatus::Failed => StepWord::Failed,
            StepStatus::Skipped => StepWord::Skipped,
        }
    }
}

/// What a step of a run did.
#[derive(Debug, Serialize, ToSchema)]
struct StepDetail {
    /// How it stands.
    status: StepWord,
    /// The port the run went on by; several are joined by a comma.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ok")]
    port: Option<String>,
    /// What it got; null where it has not started.
    #[schema(value_type = Value)]
    input: Shown,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    output: Option<Shown>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureDetail>,
    /// Whether a replay took its end over from the run that it is made from: it was not run again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    taken_over: bool,
    /// Whether what it gave comes from an attempt of another run, or for another item, as its `cache` says: none was made here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cached: bool,
    /// When it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Until when a `wait` step waits, while it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    waits_until: Option<String>,
    /// Since when its next attempt waits for its turn, since the step has `concurrency` or `rate`, or another one does what its `cache` keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    queued_since: Option<String>,
    /// What a `wait` step waits for beside that time, while it does: `callback` or `approval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "callback")]
    waits_for: Option<&'static str>,
    /// The link that answers it, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// The id of the approval that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
    /// Every try of an action, and after them every try to reverse it.
    attempts: Vec<AttemptDetail>,
    /// Of a `call` that has started: the run that it called, if it could be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    called: Option<String>,
    /// Of an `each` that has started: how far it is. The operation below gives the items themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<ItemCounts>,
}

/// How far an `each` step is.
#[derive(Debug, Serialize, ToSchema)]
struct ItemCounts {
    /// How many items there are.
    total: usize,
    /// How many ended well.
    done: usize,
    /// How many failed.
    failed: usize,
    /// How many have started and not ended.
    underway: usize,
}

impl From<&Items> for ItemCounts {
    fn from(items: &Items) -> Self {
        ItemCounts {
            total: items.total,
            done: items.done,
            failed: items.failed,
            underway: items.underway(),
        }
    }
}

/// What was done for one item of an `each` step.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ItemDetail {
    /// Its position in the list, from 0.
    index: usize,
    /// How it stands. `cancelled`: it was broken off, because another item failed or the run was stopped.
    status: RunStatus,
    /// The item.
    #[schema(value_type = Value)]
    item: Shown,
    /// What its body gave; absent where it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    output: Option<Shown>,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// What each step of the body did for it, by id.
    steps: BTreeMap<String, StepDetail>,
}

/// The details of these items, which stand within others with these indices.
pub(super) fn items(looked: &Looked<'_>, around: &[usize]) -> Vec<ItemDetail> {
    let mut room = Room {
        left: MOST_TOGETHER,
    };
    let items = looked.items.iter();
    let detail = |run: &Run| {
        let item = run.item.as_ref()?;
        let good = run.status == Status::Succeeded;
        Some(ItemDetail {
            index: item.index,
            status: run.status.into(),
            item: room.value(&item.value),
            output: good.then(|| room.value(&run.result())),
            started_at: rfc3339(run.started_at),
            ended_at: run.ended_at.map(rfc3339),
            steps: {
                let path: Vec<usize> = around.iter().copied().chain([item.index]).collect();
                room.steps(run, looked.body, &path)
            },
        })
    };
    items.filter_map(detail).collect()
}

/// Why something failed.
#[derive(Debug, Serialize, ToSchema)]
struct FailureDetail {
    /// The class: `transient`, `rate_limited`, `timed_out`, `rejected`, `denied`, `broken` or `lost`.
    #[schema(example = "transient")]
    class: &'static str,
    /// What happened, where, and what to do.
    message: String,
    /// The HTTP status of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The body of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    body: Option<Shown>,
    /// How long the other side asked to wait, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    /// Where in the script: line and column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<PositionDetail>,
}

/// A place in a script.
#[derive(Debug, Serialize, ToSchema)]
struct PositionDetail {
    /// Line, from 1.
    line: usize,
    /// Column, from 1.
    column: usize,
}

/// One try of an action.
#[derive(Debug, Serialize, ToSchema)]
struct AttemptDetail {
    /// From 1.
    number: u32,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureDetail>,
    /// What was sent, with secrets masked; while it is underway, the settings of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    request: Option<Shown>,
    /// What came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    response: Option<Shown>,
    /// The calls that a script made, each with its `request`, `response` and `failure`; there is no `request` beside it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Value>)]
    calls: Option<Shown>,
    /// When the next attempt is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    retry_at: Option<String>,
    /// Whether it reversed the step.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    undo: bool,
}

/// A value that is shown as a whole, or what is shown in its place.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown {
    Shared(Arc<Value>),
    Own(Value),
}

impl RunDetail {
    /// The detail of a run, with message and steps where they were kept.
    pub(in crate::api) fn of(summary: RunSummary, plan: &Plan, run: &Run, kept: bool) -> RunDetail {
        let mut room = Room {
            left: MOST_TOGETHER,
        };
        let mut detail = RunDetail {
            summary,
            title: plan.flow.title.clone(),
            kept,
            message: Shown::Own(Value::Null),
            cancelled: None,
            reply: None,
            links: Vec::new(),
            steps: BTreeMap::new(),
        };
        if kept {
            detail.message = room.message(message(run));
            detail.cancelled = run.cancelled.as_ref().map(|cancelled| CancelDetail {
                at: rfc3339(cancelled.at),
                undo: cancelled.undo,
                by: cancelled.by.clone(),
                note: cancelled.note.clone(),
            });
            detail.reply = run.reply.as_ref().map(|reply| room.reply(reply));
            detail.links = run.links.iter().map(|link| LinkWord::from(*link)).collect();
            detail.steps = room.steps(run, plan, &[]);
        }
        detail
    }
}

/// What arrived, without credentials of the caller.
pub(super) fn message(run: &Run) -> Value {
    let mut message = Value::clone(&run.message);
    if let Value::Object(fields) = &mut message {
        // Which trigger it was is said beside the message.
        fields.remove("id");
        fields.remove("kind");
        if let Some(Value::Object(headers)) = fields.get_mut("headers") {
            for (_, value) in headers
                .iter_mut()
                .filter(|(name, _)| is_hidden_header(&name.to_ascii_lowercase()))
            {
                *value = MASK.into();
            }
        }
    }
    message
}

/// What a step got.
pub(super) fn input(recorded: &Recorded, step: usize) -> Arc<Value> {
    shown_input(&recorded.run, &recorded.plan, step)
}

/// The input of a step. Where it is the message, the caller's credentials are masked.
fn shown_input(run: &Run, plan: &Plan, step: usize) -> Arc<Value> {
    let input = run.input_of(plan, step);
    if Arc::ptr_eq(&input, &run.message) {
        Arc::new(message(run))
    } else {
        input
    }
}

impl From<LinkStatus> for LinkWord {
    fn from(status: LinkStatus) -> Self {
        match status {
            LinkStatus::Pending => LinkWord::Pending,
            LinkStatus::Taken => LinkWord::Taken,
            LinkStatus::Dead => LinkWord::Dead,
        }
    }
}

/// How much may still be shown.
struct Room {
    left: usize,
}

impl Room {
    /// A value, cut where it is too large.
    fn value(&mut self, value: &Arc<Value>) -> Shown {
        match self.cut(value) {
            Some(cut) => Shown::Own(cut),
            None => Shown::Shared(Arc::clone(value)),
        }
    }

    fn part(&mut self, whole: &Value, key: &str) -> Option<Shown> {
        let part = whole.get(key)?;
        Some(Shown::Own(self.cut(part).unwrap_or_else(|| part.clone())))
    }

    /// The message is cut part by part, so that the headers stay where the body is large.
    fn message(&mut self, message: Value) -> Shown {
        let Value::Object(mut fields) = message else {
            return Shown::Own(message);
        };
        for field in fields.values_mut() {
            if let Some(cut) = self.cut(field) {
                *field = cut;
            }
        }
        Shown::Own(Value::Object(fields))
    }

    /// What is shown in place of a value that is too large.
    fn cut(&mut self, value: &Value) -> Option<Value> {
        let bytes = usize::try_from(size(value)).unwrap_or(usize::MAX);
        if bytes <= MOST.min(self.left) {
            self.left -= bytes;
            return None;
        }
        Some(json!({ "$truncated": bytes, "preview": preview(value) }))
    }

    fn reply(&mut self, reply: &Reply) -> ReplyDetail {
        ReplyDetail {
            status: reply.status,
            headers: reply.headers.clone(),
            body: self.value(&reply.body),
        }
    }

    /// The steps of a run, or of an item within others with these indices, its own at the end.
    fn steps(&mut self, run: &Run, plan: &Plan, items: &[usize]) -> BTreeMap<String, StepDetail> {
        let steps = run.steps.iter().enumerate();
        let detail = |(i, state): (usize, &StepState)| {
            let id = &plan.steps[i].id;
            let mut detail = self.step(run, plan, i, state);
            let calls = plan
                .action(i, false)
                .is_some_and(|action| action.kind == CALL);
            if calls && !state.calls.attempts.is_empty() {
                let caller = run.id.parse().ok();
                let called = caller.map(|caller| called_run(caller, id, items, false));
                detail.called = called.map(|called| called.to_string());
            }
            let waits = state.status == StepStatus::Waiting;
            if let Some(awaits) = state.awaits.as_ref().filter(|_| waits) {
                let approval = matches!(awaits, Awaits::Approval { .. });
                detail.waits_for = Some(if approval { "approval" } else { "callback" });
                detail.link = Some(run.callbacks.of(id));
                detail.approval = approval.then(|| approvals::id(&run.id, &place(id, items)));
            }
            (id.clone(), detail)
        };
        steps.map(detail).collect()
    }

    fn step(&mut self, run: &Run, plan: &Plan, step: usize, state: &StepState) -> StepDetail {
        let started = state.started_at.is_some();
        let mut attempts = self.attempts(&state.calls, false);
        if let Some(undo) = &state.undo {
            attempts.extend(self.attempts(&undo.calls, true));
        }
        let undo = state.undo.as_ref();
        let undo = undo.and_then(|undo| undo.calls.queued());
        let queued = state.calls.queued().or(undo);
        StepDetail {
            status: state.status.into(),
            port: (!state.ports.is_empty()).then(|| state.ports.join(",")),
            input: if started {
                self.value(&shown_input(run, plan, step))
            } else {
                Shown::Own(Value::Null)
            },
            output: run.outputs.at(step).map(|output| self.value(output)),
            failure: state.failure.as_ref().map(|failure| self.failure(failure)),
            taken_over: state.taken_over,
            cached: state.cached,
            started_at: state.started_at.map(rfc3339),
            ended_at: state.ended_at.map(rfc3339),
            waits_until: state
                .retry_at
                .filter(|_| state.calls.attempts.is_empty())
                .map(rfc3339),
            queued_since: queued.map(|queued| rfc3339(queued.since)),
            waits_for: None,
            link: None,
            approval: None,
            attempts,
            called: None,
            items: state.items.as_deref().map(ItemCounts::from),
        }
    }

    fn attempts(&mut self, calls: &Calls, undo: bool) -> Vec<AttemptDetail> {
        let attempt = |attempt: &Attempt| AttemptDetail {
            number: attempt.number,
            started_at: rfc3339(attempt.started_at),
            ended_at: attempt.ended_at.map(rfc3339),
            failure: attempt
                .failure
                .as_ref()
                .map(|failure| self.failure(failure)),
            request: match &attempt.exchange {
                Some(exchange) => self.part(exchange, "request"),
                None => calls.config.as_ref().map(|config| self.value(config)),
            },
            response: attempt
                .exchange
                .as_ref()
                .and_then(|exchange| self.part(exchange, "response")),
            calls: attempt
                .exchange
                .as_ref()
                .and_then(|exchange| self.part(exchange, "calls")),
            retry_at: attempt.retry_at.map(rfc3339),
            undo,
        };
        calls.attempts.iter().map(attempt).collect()
    }

    fn failure(&mut self, failure: &Failure) -> FailureDetail {
        FailureDetail {
            class: failure.class.word(),
            message: failure.message.clone(),
            status: failure.status,
            body: failure
                .body
                .as_ref()
                .map(|body| Shown::Own(self.cut(body).unwrap_or_else(|| body.clone()))),
            retry_after_ms: failure.retry_after_ms,
            at: failure.at.map(|at| PositionDetail {
                line: at.line,
                column: at.column,
            }),
        }
    }
}

/// The beginning of a value: of a text the text itself, else of its JSON.
fn preview(value: &Value) -> String {
    struct Head(Vec<u8>);
    impl io::Write for Head {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() >= 4 * PREVIEW {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    if let Value::String(text) = value {
        return text.chars().take(PREVIEW).collect();
    }
    let mut head = Head(Vec::new());
    // It stops with an error once there is enough.
    let _ = serde_json::to_writer(&mut head, value);
    String::from_utf8_lossy(&head.0)
        .chars()
        .take(PREVIEW)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_values_are_cut_with_their_size_and_beginning() {
        let mut room = Room {
            left: MOST_TOGETHER,
        };
        let large = Arc::new(json!({ "text": "x".repeat(MOST) }));
        let shown = serde_json::to_value(room.value(&large)).unwrap();
        assert_eq!(shown["$truncated"], large.to_string().len());
        assert!(
            shown["preview"]
                .as_str()
                .unwrap()
                .starts_with("{\"text\":\"xxx")
        );
        let small = Arc::new(json!([1, "é"]));
        assert_eq!(serde_json::to_value(room.value(&small)).unwrap(), *small);
    }

    #[test]
    fn all_values_together_have_a_limit() {
        let mut room = Room { left: 10 };
        let value = Arc::new(json!("1234567"));
        assert!(matches!(room.value(&value), Shown::Shared(_)));
        assert!(matches!(room.value(&value), Shown::Own(_)));
        assert!(matches!(room.value(&Arc::new(json!(1))), Shown::Shared(_)));
    }
}
