//! The order of values: sorting, smallest and largest.

use super::number::decimal;
use super::{Fallible, date::Time, kind, select};
use crate::script::bounds;
use crate::script::error::complaint;
use rhai::{Array, Dynamic, FLOAT, NativeCallContext};
use std::cmp::Ordering;

/// The order of two values of the same kind. What is missing comes last.
fn compare(context: &NativeCallContext, one: &Dynamic, two: &Dynamic) -> Fallible<Ordering> {
    if one.is_unit() || two.is_unit() {
        return Ok(one.is_unit().cmp(&two.is_unit()));
    }
    if let (Ok(one), Ok(two)) = (one.as_int(), two.as_int()) {
        return Ok(one.cmp(&two));
    }
    if let (Ok(one), Ok(two)) = (one.as_immutable_string_ref(), two.as_immutable_string_ref()) {
        return Ok(one.as_str().cmp(two.as_str()));
    }
    if let (Some(one), Some(two)) = (float(one), float(two)) {
        return Ok(one.total_cmp(&two));
    }
    if number(one) && number(two) {
        return Ok(decimal(one)?.cmp(&decimal(two)?));
    }
    if let (Ok(one), Ok(two)) = (one.as_bool(), two.as_bool()) {
        return Ok(one.cmp(&two));
    }
    if let (Some(one), Some(two)) = (one.read_lock::<Time>(), two.read_lock::<Time>()) {
        return Ok(one.compare(&two));
    }
    Err(complaint(format!(
        "cannot tell which comes first, {} or {}",
        kind(context, one),
        kind(context, two)
    )))
}

fn number(value: &Dynamic) -> bool {
    value.is_int() || value.is_float() || value.is_decimal()
}

/// A number as a float, if neither exactness nor range suffers more than it has to.
pub(super) fn float(value: &Dynamic) -> Option<FLOAT> {
    value
        .as_float()
        .ok()
        .or_else(|| value.as_int().ok().map(|whole| whole as FLOAT))
}

/// Sorts by keys that were computed once. A merge sort, since the comparison may fail.
fn sorted(
    context: &NativeCallContext,
    keyed: Vec<(Dynamic, Dynamic)>,
) -> Fallible<Vec<(Dynamic, Dynamic)>> {
    bounds::spend(keyed.len().saturating_mul(2))?;
    let mut failure = None;
    let mut keyed = keyed;
    keyed.sort_by(|(one, _), (two, _)| {
        if failure.is_some() {
            return Ordering::Equal;
        }
        compare(context, one, two).unwrap_or_else(|problem| {
            failure = Some(problem);
            Ordering::Equal
        })
    });
    failure.map_or(Ok(keyed), Err)
}

pub(super) fn keyed(
    context: &NativeCallContext,
    list: &Array,
    by: Option<&Dynamic>,
) -> Fallible<Vec<(Dynamic, Dynamic)>> {
    list.iter()
        .map(|item| {
            let key = by.map_or_else(|| Ok(item.clone()), |by| select(context, by, item))?;
            Ok((key, item.clone()))
        })
        .collect()
}

pub(super) fn sort_by(
    context: &NativeCallContext,
    list: &Array,
    by: Option<&Dynamic>,
    down: bool,
) -> Fallible<Array> {
    let mut keyed = keyed(context, list, by)?;
    if down {
        // Reversed twice, so that equal items keep their order.
        keyed.reverse();
    }
    let mut keyed = sorted(context, keyed)?;
    if down {
        keyed.reverse();
    }
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// The item whose key wins, with that key.
pub(super) fn extreme(
    context: &NativeCallContext,
    list: &Array,
    by: Option<&Dynamic>,
    wanted: Ordering,
) -> Fallible<Dynamic> {
    let mut best: Option<(Dynamic, Dynamic)> = None;
    for (key, item) in keyed(context, list, by)? {
        if key.is_unit() {
            continue;
        }
        let wins = match &best {
            None => true,
            Some((held, _)) => compare(context, &key, held)? == wanted,
        };
        if wins {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(Dynamic::UNIT, |(_, item)| item))
}
