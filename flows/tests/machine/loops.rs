//! What holds for every attempt and every item of a generated play, judged by its journal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use weir_flows::{
    failure::Class,
    plan::{Body, Plan, PlanEach},
    record::Record,
    run::Status,
};

use crate::generated::Story;

/// The items around a record, from the outermost inwards: the `each` step and the index.
pub(crate) type Path<'a> = Vec<(&'a str, usize)>;

/// A record without the items around it.
pub(crate) fn flat(record: &Record) -> (Path<'_>, &Record) {
    let (mut path, mut record) = (Vec::new(), record);
    while let Record::Item { step, index, of } = record {
        path.push((step.as_str(), *index));
        record = of;
    }
    (path, record)
}

/// The items of one `each` step, in one run of it.
#[derive(Default)]
struct Loop {
    total: usize,
    open: BTreeSet<usize>,
    ended: BTreeMap<usize, Status>,
    stopped: bool,
}

pub(crate) fn check(plan: &Plan, story: &Story) {
    attempts(plan, story);
    items(plan, story);
}

/// Every attempt on record was commanded once and the other way round, and the policy allowed it.
fn attempts(plan: &Plan, story: &Story) {
    let mut recorded = Vec::new();
    // What became of the last attempt of each action of each item.
    let mut last: BTreeMap<_, Option<Class>> = BTreeMap::new();
    let mut ends = BTreeSet::new();
    for (path, record) in story.records.iter().map(flat) {
        match record {
            Record::Attempt {
                step, number, undo, ..
            } => {
                let indices: Vec<usize> = path.iter().map(|(_, index)| *index).collect();
                recorded.push((step.clone(), indices, *number, *undo));
                let found = plan.find(step).unwrap();
                let action = found.action(*undo).unwrap();
                assert!(
                    *number <= action.retry.attempts,
                    "{step}: too many attempts"
                );
                let before = last.insert((path, step, *undo), None);
                if *number > 1 {
                    let class = before
                        .flatten()
                        .expect("only a failed attempt is followed by another");
                    let method = action.written["method"].as_str();
                    assert!(
                        method != Some("POST") || class != Class::Lost,
                        "{step}: what may have happened was done again"
                    );
                } else {
                    assert!(before.is_none(), "{step}: a first attempt was made twice");
                }
            }
            Record::Attempted {
                step,
                failure,
                undo,
                ..
            } => {
                let class = failure.as_ref().map(|failure| failure.class);
                last.insert((path, step, *undo), class);
            }
            Record::Succeeded { step, .. } | Record::Failed { step, .. } => {
                assert!(ends.insert((path, step)), "{step} ended twice");
            }
            _ => {}
        }
    }
    let commanded: Vec<_> = story
        .commands
        .iter()
        .map(|c| (c.step.clone(), c.items.clone(), c.number, c.undo))
        .collect();
    assert_eq!(recorded, commanded);
    let distinct: BTreeSet<_> = recorded.iter().collect();
    assert_eq!(
        distinct.len(),
        recorded.len(),
        "an attempt was made twice under one number"
    );
    // All attempts of one action share a key, and no others have it.
    let mut keys = BTreeMap::new();
    for command in &story.commands {
        let owner = (&command.step, &command.items, command.undo);
        assert_eq!(
            *keys.entry(&command.idempotency_key).or_insert(owner),
            owner
        );
    }
    let owners: BTreeSet<_> = keys.values().collect();
    assert_eq!(owners.len(), keys.len());
}

/// Items start in order, as many at once as may, none after one has failed; and their results stand in order.
fn items(plan: &Plan, story: &Story) {
    let mut loops: BTreeMap<_, Loop> = BTreeMap::new();
    let each = |step: &str| -> Option<&PlanEach> {
        match &plan.find(step).unwrap().body {
            Body::Each(each) => Some(each),
            _ => None,
        }
    };
    let mut stopping = false;
    for (path, record) in story.records.iter().map(flat) {
        match record {
            Record::Items { step, items, .. } => {
                let fresh = Loop {
                    total: items.as_array().unwrap().len(),
                    ..Loop::default()
                };
                assert!(loops.insert((path, step.as_str()), fresh).is_none());
            }
            Record::Started { .. } | Record::Ended { .. } if !path.is_empty() => {
                let mut around = path;
                let (step, index) = around.pop().unwrap();
                let it = loops.get_mut(&(around, step)).unwrap();
                let each = each(step).unwrap();
                if let Record::Ended { status, .. } = record {
                    assert!(it.open.remove(&index), "{step}: item {index} ended unasked");
                    it.ended.insert(index, *status);
                    it.stopped |= *status == Status::Failed && !each.collect;
                } else {
                    assert!(
                        !it.stopped && !stopping,
                        "{step}: item {index} started late"
                    );
                    assert_eq!(
                        index,
                        it.ended.len() + it.open.len(),
                        "{step}: out of order"
                    );
                    it.open.insert(index);
                    assert!(
                        it.open.len() <= each.concurrency,
                        "{step}: too many at once"
                    );
                }
            }
            Record::Failing { .. } | Record::Cancelling { .. } if path.is_empty() => {
                stopping = true
            }
            Record::Succeeded { step, .. } | Record::Failed { step, .. } => {
                let Some(it) = loops.get(&(path, step.as_str())) else {
                    continue;
                };
                assert!(it.open.is_empty(), "{step} ended before its items");
                if matches!(record, Record::Succeeded { .. }) {
                    assert_eq!(it.ended.len(), it.total, "{step}: an item was left out");
                    let collect = each(step).unwrap().collect;
                    let good = |status: &Status| {
                        *status == Status::Succeeded || collect && *status == Status::Failed
                    };
                    assert!(it.ended.values().all(good));
                }
            }
            _ => {}
        }
    }
}

/// What an `each` step of the flow itself gave says of each item how it ended.
pub(crate) fn results(plan: &Plan, story: &Story, step: &str, output: &Value) {
    let Body::Each(each) = &plan.find(step).unwrap().body else {
        return;
    };
    let list = output.as_array().unwrap();
    for (path, record) in story.records.iter().map(flat) {
        let [(of, index)] = path[..] else { continue };
        if let (Record::Ended { status, .. }, true) = (record, of == step && each.collect) {
            assert_eq!(
                list[index]["ok"],
                *status == Status::Succeeded,
                "{step}: {output}"
            );
        }
    }
}
