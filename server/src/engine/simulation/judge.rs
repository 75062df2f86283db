//! What must be true of a simulation that has come to its end, read from its disk and from its partner.

use std::collections::{BTreeMap, BTreeSet};

use weir_flows::{callback::Callbacks, failure::Class, plan::Plan, record::Record, run::Status};

use super::{
    Simulation, answers,
    partner::{Call, is_idempotent, most_attempts},
    polls,
};
use crate::{
    engine::{recover::restore_from, status},
    store,
};

/// Names the seed when it breaks a promise.
pub(super) struct Namer(pub(super) u64);

impl Drop for Namer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "seed {} breaks a promise; WEIR_PROVE_SEED={} tells its story",
                self.0, self.0
            );
        }
    }
}

/// A step, with the items around it.
type At = (Vec<usize>, String);

pub(super) async fn judge(simulation: &Simulation<'_>) {
    let store = &simulation.workers[0].store;
    let filter = store::RunFilter {
        limit: 200,
        ..store::RunFilter::default()
    };
    let page = store.runs(&simulation.workspace, &filter).await.unwrap();
    let runs: BTreeSet<_> = page.items.iter().map(|run| run.id).collect();
    let of_messages = simulation
        .messages
        .iter()
        .map(|message| message.run.expect("every message was accepted in the end"));
    let found = simulation.polls.runs();
    let expected: BTreeSet<_> = of_messages.chain(found.copied()).collect();
    let items = simulation.polls.runs().count();
    assert_eq!(expected.len(), simulation.messages.len() + items);
    assert_eq!(
        runs, expected,
        "each message and each item has one run, and no run has none"
    );
    for row in &page.items {
        let known = &simulation.known[&row.id];
        assert_eq!(Some(row.status), known.ended, "a final state is final");
        assert_eq!((row.turns, row.server), (known.turns, None));
        let plan = &simulation.place.plans[known.flow];
        let journal = store
            .journal(&simulation.workspace, row.id, 0, u32::MAX)
            .await
            .unwrap();
        let numbers: Vec<u32> = journal.iter().map(|entry| entry.seq).collect();
        let expected: Vec<u32> = (0..row.turns).collect();
        assert_eq!(numbers, expected, "a journal has no hole and no fork");
        let restored = restore_from(store, row, plan, Callbacks::default()).await;
        let (run, records, _) = restored.unwrap();
        assert_eq!(status(run.status), row.status, "the journal says the same");
        let letter = store.letter(&simulation.workspace, row.id).await.unwrap();
        assert_eq!(letter.is_some(), row.status == store::Status::Failed);
        let calls: Vec<&Call> = simulation
            .partner
            .calls
            .iter()
            .filter(|call| call.run == row.id)
            .collect();
        judge_run(plan, &run.id, run.status, &records, &calls);
        answers::judge(simulation, row.id, plan, &records);
    }
    answers::judge_rest(simulation).await;
    polls::judge(simulation).await;
}

/// A record without the items around it, and where it belongs.
pub(super) fn flat(record: &Record, mut items: Vec<usize>) -> (Vec<usize>, &Record) {
    match record {
        Record::Item { index, of, .. } => {
            items.push(*index);
            flat(of, items)
        }
        other => (items, other),
    }
}

/// What the journal says of one action, forward or undone.
#[derive(Default)]
struct Attempts {
    /// How many began.
    begun: u32,
    /// The end of the last one: its failure, and whether another was to come.
    last: Option<(Option<Class>, bool)>,
}

fn judge_run(plan: &Plan, id: &str, ended: Status, records: &[Record], calls: &[&Call]) {
    let mut attempts: BTreeMap<(At, bool), Attempts> = BTreeMap::new();
    let mut ends: BTreeMap<At, bool> = BTreeMap::new();
    let mut undone: Vec<At> = Vec::new();
    let mut reversible: Vec<At> = Vec::new();
    let mut at_once = false;
    for (index, record) in records.iter().enumerate() {
        let (items, record) = flat(record, Vec::new());
        let of = |step: &String| (items.clone(), step.clone());
        match record {
            Record::Attempt {
                step, number, undo, ..
            } => {
                let attempts = attempts.entry((of(step), *undo)).or_default();
                assert_eq!(*number, attempts.begun + 1, "{step}: attempts are counted");
                if let Some((failure, more)) = attempts.last {
                    assert!(more, "{step}: an attempt that no policy asked for");
                    assert!(
                        failure != Some(Class::Lost) || is_idempotent(step),
                        "{step}: what may have happened was done again"
                    );
                }
                attempts.begun = *number;
                assert!(*undo || *number <= most_attempts(step), "{step}: too often");
            }
            Record::Attempted {
                step,
                number,
                failure,
                retry_at,
                undo,
                ..
            } => {
                let attempts = attempts.get_mut(&(of(step), *undo)).unwrap();
                assert_eq!(
                    *number, attempts.begun,
                    "{step}: the end of another attempt"
                );
                let class = failure.as_ref().map(|failure| failure.class);
                attempts.last = Some((class, retry_at.is_some()));
                if class.is_none() {
                    let answered = calls.iter().any(|call| {
                        let command = &call.command;
                        (&command.step, &command.items, command.number, command.undo)
                            == (step, &items, *number, *undo)
                            && call.result.is_ok()
                    });
                    assert!(answered, "{step}: a success that the partner never gave");
                }
            }
            Record::Succeeded { step, .. } => {
                assert_eq!(ends.insert(of(step), true), None, "{step} ended twice");
                if plan.find(step).is_some_and(|step| step.undo.is_some()) {
                    reversible.insert(0, of(step));
                }
            }
            Record::Failed { step, .. } => {
                assert_eq!(ends.insert(of(step), false), None, "{step} ended twice");
            }
            Record::Undone { step, .. } => undone.push(of(step)),
            Record::Cancelling { undo, .. } => at_once |= !undo,
            Record::Ended { status, .. } if items.is_empty() => {
                assert_eq!(index, records.len() - 1, "nothing comes after the end");
                assert_eq!(*status, ended);
            }
            _ => {}
        }
    }
    match ended {
        Status::Succeeded => assert!(undone.is_empty()),
        _ if at_once => assert!(reversible.starts_with(&undone)),
        _ => assert_eq!(
            undone, reversible,
            "all that succeeded is reversed, backwards"
        ),
    }
    let mut made = BTreeSet::new();
    for call in calls {
        let command = &call.command;
        let at = (command.items.clone(), command.step.clone());
        let recorded = attempts.get(&(at.clone(), command.undo));
        let recorded = recorded.map_or(0, |attempts| attempts.begun);
        assert!(command.number <= recorded, "a call that is not on disk");
        let key = &command.idempotency_key;
        assert!(
            made.insert((key, command.number)),
            "{key}: one attempt was made twice"
        );
        let undo = if command.undo { "-undo" } else { "" };
        let items: String = command
            .items
            .iter()
            .map(|index| format!(".{index}"))
            .collect();
        assert_eq!(*key, format!("weir-{id}-{}{items}{undo}", command.step));
        if command.step == "plain" {
            assert_eq!(command.number, 1, "a call that must not be repeated");
        }
    }
}

/// How many these are, each named by its flow, if no more than `most` of a flow count.
pub(super) fn in_each(flows: impl Iterator<Item = usize>, most: usize) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for flow in flows {
        *counts.entry(flow).or_default() += 1;
    }
    counts.into_values().map(|count| most.min(count)).sum()
}
