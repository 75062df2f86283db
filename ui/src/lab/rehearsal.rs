//! The run of a rehearsal, in the form in which the API tells of a real one.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use weir_flows::{
    document::Slug,
    failure::Failure,
    plan::Plan,
    record::Record,
    rehearsal::Sketch,
    run::{self, Calls, LinkStatus, Run, StepState, rfc3339},
};

use super::{protocol::FirstItem, shown::Room};
use crate::api::{Attempt, LinkState, RunDetail, RunFailure, RunStatus, StepDetail, StepStatus};

/// The largest value that is shown as a whole, in bytes of JSON.
const MOST: usize = 256 << 10;

/// How much of all values together is shown, in bytes of JSON. What comes after it is cut.
const MOST_TOGETHER: usize = 8 << 20;

/// All that is to be seen of a run that was rehearsed.
pub(super) fn detail(sketch: &Sketch, run: &Run) -> RunDetail {
    let plan = &sketch.plan;
    let mut room = Room::for_many(MOST, MOST_TOGETHER);
    RunDetail {
        id: String::new(),
        flow: plan.flow.id.clone(),
        version: 0,
        trigger: run.trigger.clone(),
        status: status(run.status),
        started_at: rfc3339(run.started_at),
        ended_at: run.ended_at.map(rfc3339),
        failure: run.failure.as_ref().map(|failure| RunFailure {
            step: failure.step.clone(),
            class: failure.failure.class.word().to_owned(),
            message: failure.failure.message.clone(),
        }),
        origin: None,
        parent: None,
        cancelled: None,
        title: plan.flow.title.clone(),
        kept: true,
        message: room.show(&message(run)),
        reply: run.reply.as_ref().map(|reply| {
            json!({ "status": reply.status, "headers": reply.headers, "body": room.show(&reply.body) })
        }),
        links: sketch.links_of(run).into_iter().map(link).collect(),
        steps: run
            .steps
            .iter()
            .enumerate()
            .map(|(i, state)| {
                let id = &plan.steps[i].id;
                let seen = step(&mut room, plan, run, i, state);
                let port = seen.port.filter(|_| !sketch.is_broken(id));
                (id.clone(), StepDetail { port, ..seen })
            })
            .collect(),
    }
}

/// What was done for the first item of each `each` step that had one, at any depth.
pub(super) fn first_items(
    sketch: &Sketch,
    run: &Run,
    records: &[Record],
) -> BTreeMap<Slug, FirstItem> {
    let mut room = Room::for_many(MOST, MOST_TOGETHER);
    let mut firsts = BTreeMap::new();
    let mut open = vec![(&sketch.plan, 0)];
    while let Some((plan, depth)) = open.pop() {
        for (position, each) in plan.steps.iter().enumerate() {
            let Some(inner) = plan.each(position) else {
                continue;
            };
            let around = vec![0; depth];
            let looked = run.items_of(&sketch.plan, records, &each.id, &around, 0..1);
            let item = looked.and_then(|looked| looked.items.into_iter().next());
            let Some((item, value)) = item.and_then(|run| Some((run.item.clone()?, run))) else {
                continue;
            };
            let steps = value.steps.iter().enumerate().map(|(i, state)| {
                let seen = step(&mut room, &inner.body, &value, i, state);
                (inner.body.steps[i].id.clone(), seen)
            });
            let steps = steps.collect();
            let item = room.show(&item.value);
            firsts.insert(each.id.clone(), FirstItem { item, steps });
            open.push((&inner.body, depth + 1));
        }
    }
    firsts
}

/// What arrived. Which trigger it was is said beside it.
fn message(run: &Run) -> Value {
    let mut message = Value::clone(&run.message);
    if let Value::Object(fields) = &mut message {
        fields.remove("id");
        fields.remove("kind");
    }
    message
}

fn step(room: &mut Room, plan: &Plan, run: &Run, position: usize, state: &StepState) -> StepDetail {
    let mut attempts = tries(room, &state.calls, false);
    if let Some(undo) = &state.undo {
        attempts.extend(tries(room, &undo.calls, true));
    }
    let input = state.started_at.map(|_| {
        let input = run.input_of(plan, position);
        if Arc::ptr_eq(&input, &run.message) {
            room.show(&message(run))
        } else {
            room.show(&input)
        }
    });
    StepDetail {
        status: match state.status {
            run::StepStatus::Pending => StepStatus::Pending,
            run::StepStatus::Running => StepStatus::Running,
            run::StepStatus::Waiting => StepStatus::Waiting,
            run::StepStatus::Succeeded => StepStatus::Succeeded,
            run::StepStatus::Failed => StepStatus::Failed,
            run::StepStatus::Skipped => StepStatus::Skipped,
        },
        port: (!state.ports.is_empty()).then(|| state.ports.join(",")),
        input,
        output: run.outputs.at(position).map(|output| room.show(output)),
        failure: state
            .failure
            .as_deref()
            .map(|failure| shortened(room, failure)),
        items: None,
        called: None,
        waits_until: None,
        queued_since: None,
        waits_for: None,
        link: None,
        approval: None,
        taken_over: state.taken_over,
        cached: state.cached,
        started_at: state.started_at.map(rfc3339),
        ended_at: state.ended_at.map(rfc3339),
        attempts,
    }
}

/// The attempts of an action. Nothing went over the wire, so what would have been sent are its settings.
fn tries(room: &mut Room, calls: &Calls, undo: bool) -> Vec<Attempt> {
    let attempt = |attempt: &run::Attempt| Attempt {
        number: attempt.number,
        started_at: Some(rfc3339(attempt.started_at)),
        ended_at: attempt.ended_at.map(rfc3339),
        failure: attempt
            .failure
            .as_deref()
            .map(|failure| shortened(room, failure)),
        request: calls.config.as_ref().map(|config| room.show(config)),
        response: None,
        calls: None,
        retry_at: attempt.retry_at.map(rfc3339),
        undo,
    };
    calls.attempts.iter().map(attempt).collect()
}

fn shortened(room: &mut Room, failure: &Failure) -> Failure {
    Failure {
        body: failure.body.as_ref().map(|body| room.show(body)),
        ..failure.clone()
    }
}

fn status(status: run::Status) -> RunStatus {
    match status {
        run::Status::Running => RunStatus::Running,
        run::Status::Waiting => RunStatus::Waiting,
        run::Status::Succeeded => RunStatus::Succeeded,
        run::Status::Failed => RunStatus::Failed,
        run::Status::Cancelled => RunStatus::Cancelled,
    }
}

fn link(status: LinkStatus) -> LinkState {
    match status {
        LinkStatus::Pending => LinkState::Pending,
        LinkStatus::Taken => LinkState::Taken,
        LinkStatus::Dead => LinkState::Dead,
    }
}
