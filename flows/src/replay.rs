//! What a replay takes over from the run that it is made from, and what it does again.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use crate::{
    catalog::Idempotent,
    failure::{Class, Failure},
    plan::{Body, Plan, PlanAction, PlanStep},
    record::Record,
    run::{Run, StepState, StepStatus},
};

/// The methods that change nothing on the other side (RFC 9110 section 9.2.1).
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// Where a replay begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At the trigger: nothing is taken over.
    Start,
    /// Where the run stopped: all that ended well is taken over.
    Failure,
    /// At this step: it and all that comes after it is done again.
    Step(String),
}

/// The run that a replay is made from.
#[derive(Clone, Copy)]
pub struct Old<'a> {
    /// The version it ran on.
    pub plan: &'a Plan,
    /// How it ended.
    pub run: &'a Run,
    /// Its journal.
    pub records: &'a [Record],
}

/// What becomes of a step in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// What it gave is taken over; it is not run.
    TakenOver,
    /// It ran before, and may run again.
    Again,
    /// It has not run, and may run now.
    First,
    /// It is not reached.
    Skipped,
}

/// What a replay is going to be.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The ends of the steps that are taken over, in their order.
    pub taken: Vec<Record>,
    /// What becomes of each step, by position.
    pub fates: Vec<Fate>,
}

/// A call that may change something on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The step.
    pub step: String,
    /// The kind of action.
    pub kind: String,
    /// The method; absent where the message decides it.
    pub method: Option<String>,
    /// The address as far as it is known: as it was called before, else as the flow says it.
    pub target: Option<String>,
    /// The connection.
    pub connection: Option<String>,
    /// Whether it was made before.
    pub again: bool,
    /// Whether nobody knows if it happened.
    pub may_have_happened: bool,
}

/// Whether a step failed without anybody knowing whether what it asked for has happened.
pub fn may_have_happened(state: &StepState) -> bool {
    let failure = state.failure.as_ref();
    failure.is_some_and(|failure| is_unknown(failure)) && !state.calls.attempts.is_empty()
}

fn is_unknown(failure: &Failure) -> bool {
    matches!(failure.class, Class::Lost | Class::TimedOut)
}

/// Decides what `fresh`, a run before its first turn, takes over from an old one. With `happened`, a step of which nobody
/// knew whether it happened counts as done and has given this.
///
/// # Errors
/// A sentence that says why there can be no such replay.
pub fn prepare(
    plan: &Plan,
    fresh: &Run,
    old: Old<'_>,
    from: &Begin,
    happened: Option<(&str, Arc<Value>)>,
) -> Result<Replay, String> {
    let position = |id: &str| {
        plan.position(id).ok_or_else(|| match plan.way(id) {
            Some((way, _)) => format!(
                "`{id}` belongs to the body of `{}`, which is done as a whole; replay from there",
                plan.steps[way[0]].id
            ),
            None => format!("the version to run has no step `{id}`"),
        })
    };
    let mut again: BTreeSet<usize> = match from {
        Begin::Start => (0..plan.steps.len()).collect(),
        Begin::Failure => BTreeSet::new(),
        Begin::Step(id) => BTreeSet::from([position(id)?]),
    };
    let told = match &happened {
        Some((id, _)) => Some((*id, position(id)?)),
        None => None,
    };
    if let Some((id, _)) = told.filter(|(_, told)| plan.each(*told).is_some()) {
        return Err(format!(
            "the step `{id}` works on items, and one answer cannot say what became of all of them; replay it without"
        ));
    }
    for (i, step) in plan.steps.iter().enumerate() {
        let stays = before(&old, &step.id).is_some_and(stays);
        if !stays && told.is_none_or(|(_, told)| told != i) {
            again.insert(i);
        }
    }
    spread(plan, &mut again);
    let kept = |step: usize| !again.contains(&step) && told.is_none_or(|(_, told)| told != step);
    let mut taken: Vec<Record> = flat(old.records)
        .filter_map(|record| take_over(plan, &old, kept, record))
        .collect();
    if let (Some((id, told)), Some((_, output))) = (told, happened) {
        if !before(&old, id).is_some_and(may_have_happened) {
            return Err(format!(
                "it is known what became of the step `{id}`; only of a step that was `lost` or `timed_out` can you say that it happened"
            ));
        }
        if again.contains(&told) {
            return Err(format!(
                "the step `{id}` comes after a step that is done again, so what it gave cannot be said beforehand; \
                 replay it without saying that it happened"
            ));
        }
        taken.push(Record::Succeeded {
            step: id.to_owned(),
            at: fresh.started_at,
            output: Some(output),
            ports: None,
            cached: false,
        });
    }
    let mut trial = fresh.clone();
    let at = fresh.started_at;
    trial.apply(
        plan,
        &Record::Replay {
            at,
            origin: old.run.id.to_string(),
            by: None,
            note: None,
            taken: taken.clone(),
        },
    );
    trial.apply(plan, &Record::Started { at });
    let fate = |(step, state): (&PlanStep, &StepState)| match state.status {
        StepStatus::Skipped => Fate::Skipped,
        _ if state.taken_over => Fate::TakenOver,
        _ if before(&old, &step.id).is_some_and(|state| state.started_at.is_some()) => Fate::Again,
        _ => Fate::First,
    };
    let fates = plan.steps.iter().zip(&trial.steps).map(fate).collect();
    Ok(Replay { taken, fates })
}

/// The calls of a replay that may change something on the other side.
pub fn writes(plan: &Plan, old: Old<'_>, replay: &Replay) -> Vec<Write> {
    let mut writes = Vec::new();
    for (i, fate) in replay.fates.iter().enumerate() {
        if matches!(fate, Fate::Again | Fate::First) {
            writes_of(plan, i, &old, &mut writes);
        }
    }
    writes
}

/// The calls of a step, or of the body that it runs for its items.
fn writes_of(plan: &Plan, step: usize, old: &Old<'_>, writes: &mut Vec<Write>) {
    let PlanStep { id, body, .. } = &plan.steps[step];
    match body {
        Body::Action(action) => {
            let before = match before(old, id) {
                Some(state) => Before {
                    called: state.calls.config.as_deref(),
                    again: !state.calls.attempts.is_empty(),
                    may_have_happened: may_have_happened(state),
                },
                None => before_in_items(old, id),
            };
            writes.extend(write(id, action, before));
        }
        Body::Each(each) => {
            (0..each.body.steps.len()).for_each(|i| writes_of(&each.body, i, old, writes));
        }
        _ => {}
    }
}

/// What is known of an action of the old run.
#[derive(Default)]
struct Before<'a> {
    called: Option<&'a Value>,
    again: bool,
    may_have_happened: bool,
}

/// What is known of an action in the body of an `each`. Its items were called with settings of their own.
fn before_in_items(old: &Old<'_>, id: &str) -> Before<'static> {
    let mut before = Before::default();
    for record in old.records {
        match record.innermost() {
            Record::Attempt {
                step, undo: false, ..
            } if step == id => before.again = true,
            Record::Failed { step, failure, .. } if step == id => {
                before.may_have_happened |= is_unknown(failure);
            }
            _ => {}
        }
    }
    before
}

fn write(step: &str, action: &PlanAction, before: Before<'_>) -> Option<Write> {
    let called = before.called;
    let word = |field: &str| {
        let written = action.written.get(field).and_then(Value::as_str);
        let evaluated = called.and_then(|config| config.get(field)?.as_str());
        match written {
            Some(text) if text.starts_with('=') => Some(evaluated.unwrap_or(text).to_owned()),
            other => other.map(str::to_owned),
        }
    };
    let method = match &action.idempotent {
        Idempotent::When { field, default, .. } => {
            let written = action.written.get(&**field).and_then(Value::as_str);
            let computed = written.is_some_and(|text| text.starts_with('='));
            let method = word(field).unwrap_or_else(|| default.to_string());
            if SAFE.contains(&method.as_str()) && !computed {
                return None;
            }
            Some(method).filter(|method| !method.starts_with('='))
        }
        _ => None,
    };
    Some(Write {
        step: step.to_owned(),
        kind: action.kind.clone(),
        method,
        target: ["url", "path", "flow"].into_iter().find_map(word),
        connection: action.connection.clone(),
        again: before.again,
        may_have_happened: before.may_have_happened,
    })
}

/// How a step of the old run stood.
fn before<'a>(old: &Old<'a>, id: &str) -> Option<&'a StepState> {
    Some(&old.run.steps[old.plan.position(id)?])
}

/// Whether the end of a step holds for a replay: it led the run on, or the run never reached it, and it was not reversed.
fn stays(state: &StepState) -> bool {
    let reversed = state
        .undo
        .as_ref()
        .is_some_and(|undo| undo.ended && undo.failure.is_none());
    let reversed = reversed
        || state
            .items
            .as_ref()
            .is_some_and(|items| items.is_reversed());
    let led_on = match state.status {
        StepStatus::Succeeded | StepStatus::Skipped => true,
        StepStatus::Failed => !state.ports.is_empty(),
        _ => false,
    };
    led_on && !reversed
}

/// Adds all that comes after these steps.
fn spread(plan: &Plan, steps: &mut BTreeSet<usize>) {
    let mut open: Vec<usize> = steps.iter().copied().collect();
    while let Some(step) = open.pop() {
        for link in &plan.steps[step].outgoing {
            let next = plan.links[*link].to;
            if steps.insert(next) {
                open.push(next);
            }
        }
    }
}

/// The records of a journal, with those that a replay took over itself.
fn flat(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().flat_map(|record| match record {
        Record::Replay { taken, .. } => taken.iter().collect::<Vec<_>>(),
        other => vec![other],
    })
}

/// The end of a step as a replay takes it over; of an `each` also what was done for its items, where that can be reversed.
fn take_over(
    plan: &Plan,
    old: &Old<'_>,
    kept: impl Fn(usize) -> bool,
    record: &Record,
) -> Option<Record> {
    let (Record::Succeeded { step, .. }
    | Record::Failed { step, .. }
    | Record::Items { step, .. }
    | Record::Item { step, .. }) = record
    else {
        return None;
    };
    let position = plan.position(step).filter(|step| kept(*step))?;
    let undoable = || plan.each(position).is_some_and(|each| each.undoable);
    match record {
        Record::Items { .. } if !undoable() => return None,
        Record::Item { .. } if !undoable() || !is_end(record.innermost()) => return None,
        _ => {}
    }
    let mut record = record.clone();
    if let Record::Succeeded { step, output, .. } = &mut record {
        // What passed its input through gives what it gave then, whatever its input is now.
        *output = old.run.outputs.get(step).cloned();
    }
    Some(record)
}

/// Whether this is about the ends of steps and items, and not about the attempts on the way there.
fn is_end(record: &Record) -> bool {
    !matches!(
        record,
        Record::Queued { .. }
            | Record::Attempt { .. }
            | Record::Attempted { .. }
            | Record::Undone { .. }
    )
}
