//! Reads items of an `each` step back from the journal: their state is given up once they have ended.

use std::{ops::Range, sync::Arc};

use super::{Item, Run};
use crate::{plan::Plan, record::Record};

/// The items of an `each` step in a part of its list.
#[derive(Debug)]
pub struct Looked<'a> {
    /// What is done for each of them.
    pub body: &'a Plan,
    /// How many items there are in all.
    pub total: usize,
    /// Those that have started, in the order of the list, each as it was left.
    pub items: Vec<Run>,
}

impl Run {
    /// The items in a part of the list of an `each` step, which itself may belong to items of others, given by their indices from the
    /// outermost inwards. `None` where there is no such step, or it has not started.
    pub fn items_of<'a>(
        &self,
        plan: &'a Plan,
        records: &[Record],
        step: &str,
        around: &[usize],
        part: Range<usize>,
    ) -> Option<Looked<'a>> {
        let (way, position) = plan.way(step)?;
        if way.len() != around.len() {
            return None;
        }
        let mut here = plan;
        let mut path = Vec::new();
        for (each, index) in way.into_iter().zip(around) {
            path.push((here.steps[each].id.as_str(), *index));
            here = &here.each(each)?.body;
        }
        let body = &here.each(position)?.body;
        let mut looked = None;
        for record in records
            .iter()
            .flat_map(own)
            .filter_map(|record| inside(record, &path))
        {
            match record {
                Record::Items {
                    step: of, items, ..
                } if of == step => {
                    looked = Some((Arc::clone(items), Vec::<Run>::new()));
                }
                Record::Item {
                    step: of,
                    index,
                    of: decided,
                } if of == step && part.contains(index) => {
                    let (list, items) = looked.as_mut()?;
                    if let Record::Started { at } = **decided {
                        let value = list.get(*index).cloned().unwrap_or_default();
                        let (index, value) = (*index, Arc::new(value));
                        items.push(self.of_item(body, Item { value, index }, at));
                    }
                    let known =
                        |item: &&mut Run| item.item.as_ref().map(|item| item.index) == Some(*index);
                    if let Some(item) = items.iter_mut().find(known) {
                        item.take(body, decided);
                    }
                }
                _ => {}
            }
        }
        let (list, items) = looked?;
        let total = list.as_array().map_or(0, Vec::len);
        Some(Looked { body, total, items })
    }
}

/// A record, or those that a replay took over with it.
fn own(record: &Record) -> Vec<&Record> {
    match record {
        Record::Replay { taken, .. } => taken.iter().collect(),
        other => vec![other],
    }
}

/// What was decided within these items; `None` where the record is not about them.
fn inside<'a>(record: &'a Record, path: &[(&str, usize)]) -> Option<&'a Record> {
    path.iter()
        .try_fold(record, |record, (step, index)| match record {
            Record::Item {
                step: of,
                index: at,
                of: decided,
            } if of == step && at == index => Some(&**decided),
            _ => None,
        })
}
