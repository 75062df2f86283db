//! Lists: grouping, sorting, sums, and cutting into pieces.

use super::order::{extreme, float, keyed, sort_by};
use super::{Fallible, define, define_reading, documented, kind, plain};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use crate::script::{thaw, value};
use rhai::{Array, Dynamic, FLOAT, INT, Map, Module, NativeCallContext};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};

/// The sum of numbers. Whole numbers stay whole, decimals exact; what is missing counts nothing.
fn sum<'v>(
    context: &NativeCallContext,
    values: impl Iterator<Item = &'v Dynamic>,
) -> Fallible<Dynamic> {
    let mut whole: INT = 0;
    let mut floats: Option<FLOAT> = None;
    let mut decimals = None;
    let too_large = || complaint("the sum is too large");
    for (place, item) in values.enumerate() {
        if let Ok(integer) = item.as_int() {
            whole = whole.checked_add(integer).ok_or_else(too_large)?;
        } else if let Ok(float) = item.as_float() {
            floats = Some(floats.unwrap_or(0.0) + float);
        } else if let Ok(exact) = item.as_decimal() {
            let before = decimals.unwrap_or(rust_decimal::Decimal::ZERO);
            decimals = Some(before.checked_add(exact).ok_or_else(too_large)?);
        } else if !item.is_unit() {
            return Err(complaint(format!(
                "item {place} is no number but {}",
                kind(context, item)
            )));
        }
    }
    match (floats, decimals) {
        (None, None) => Ok(whole.into()),
        (Some(float), None) => Ok((float + whole as FLOAT).into()),
        (None, Some(exact)) => exact
            .checked_add(whole.into())
            .map(Dynamic::from_decimal)
            .ok_or_else(too_large),
        (Some(_), Some(_)) => Err(complaint(
            "decimals and floats do not add up; make all of them decimals",
        )),
    }
}

fn average(context: &NativeCallContext, values: Vec<&Dynamic>) -> Fallible<Dynamic> {
    let count = values.iter().filter(|item| !item.is_unit()).count();
    if count == 0 {
        return Ok(Dynamic::UNIT);
    }
    let total = sum(context, values.into_iter())?;
    let count = INT::try_from(count).unwrap_or(INT::MAX);
    Ok(match (total.as_decimal(), float(&total)) {
        (Ok(exact), _) => Dynamic::from_decimal(exact / rust_decimal::Decimal::from(count)),
        (_, Some(float)) => (float / count as FLOAT).into(),
        _ => Dynamic::UNIT,
    })
}

fn unique(context: &NativeCallContext, list: &Array, by: Option<&Dynamic>) -> Fallible<Array> {
    let mut seen = HashSet::new();
    let mut kept = Array::new();
    for (key, item) in keyed(context, list, by)? {
        let key = value::to_json(&key)
            .map_err(|problem| complaint(problem.to_string()))?
            .to_string();
        bounds::spend(key.len() / 64)?;
        if seen.insert(key) {
            kept.push(item);
        }
    }
    Ok(kept)
}

fn group_by(context: &NativeCallContext, list: &Array, by: &Dynamic) -> Fallible<Map> {
    let mut groups = Map::new();
    for (key, item) in keyed(context, list, Some(by))? {
        let group = groups
            .entry(plain(&key).into())
            .or_insert_with(|| Dynamic::from_array(Array::new()));
        if let Some(mut group) = group.write_lock::<Array>() {
            group.push(item);
        }
    }
    bounds::map_of(groups.len())?;
    Ok(groups)
}

fn index_by(context: &NativeCallContext, list: &Array, by: &Dynamic) -> Fallible<Map> {
    bounds::map_of(list.len())?;
    Ok(keyed(context, list, Some(by))?
        .into_iter()
        .map(|(key, item)| (plain(&key).into(), item))
        .collect())
}

fn chunk(list: &Array, size: INT) -> Fallible<Array> {
    let size = bounds::count(size, "the size of a chunk")?;
    if size == 0 {
        return Err(complaint("a chunk needs at least one item"));
    }
    bounds::spend(list.len() / 4)?;
    Ok(list
        .chunks(size)
        .map(|part| Dynamic::from_array(part.to_vec()))
        .collect())
}

fn flatten(list: &Array, depth: INT, out: &mut Array) -> Fallible<()> {
    for item in list {
        let mut item = item.clone();
        let is_list = item.is_array() || item.is::<crate::script::view::ListView>();
        if is_list && depth > 0 {
            thaw::own(&mut item);
            if let Some(inner) = item.read_lock::<Array>() {
                flatten(&inner, depth - 1, out)?;
            }
        } else {
            out.push(item);
        }
    }
    bounds::list_of(out.len())
}

fn zip(one: &Array, two: &Array) -> Array {
    one.iter()
        .zip(two)
        .map(|(one, two)| Dynamic::from_array(vec![one.clone(), two.clone()]))
        .collect()
}

fn numbers(range: impl Iterator<Item = INT>, count: INT) -> Fallible<Array> {
    bounds::list_of(usize::try_from(count.max(0)).unwrap_or(usize::MAX))?;
    Ok(range.map(Dynamic::from).collect())
}

fn pad(list: &mut Array, length: INT, item: Dynamic) -> Fallible<()> {
    let length = bounds::count(length.max(0), "a length")?;
    bounds::list_of(length)?;
    if length > list.len() {
        list.resize(length, item);
    }
    Ok(())
}

fn partition(context: &NativeCallContext, list: &Array, by: &Dynamic) -> Fallible<Array> {
    let (mut yes, mut no) = (Array::new(), Array::new());
    for (key, item) in keyed(context, list, Some(by))? {
        if key.as_bool().unwrap_or(false) {
            yes.push(item)
        } else {
            no.push(item)
        }
    }
    Ok(vec![yes.into(), no.into()])
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    type Context<'c> = NativeCallContext<'c>;
    define_reading!(module, "first", |list: &mut Array| list
        .first()
        .cloned()
        .unwrap_or_default());
    define_reading!(module, "last", |list: &mut Array| list
        .last()
        .cloned()
        .unwrap_or_default());
    define_reading!(module, "take_first", |list: &mut Array,
                                           count: INT|
     -> Array {
        list.iter()
            .take(usize::try_from(count).unwrap_or(0))
            .cloned()
            .collect()
    });
    define_reading!(module, "skip", |list: &mut Array, count: INT| -> Array {
        list.iter()
            .skip(usize::try_from(count).unwrap_or(0))
            .cloned()
            .collect()
    });
    define_reading!(module, "sum", |context: Context, list: &mut Array| sum(
        &context,
        list.iter()
    ));
    define_reading!(module, "sum", |context: Context,
                                    list: &mut Array,
                                    by: Dynamic|
     -> Fallible<Dynamic> {
        let keyed = keyed(&context, list, Some(&by))?;
        sum(&context, keyed.iter().map(|(key, _)| key))
    });
    define_reading!(module, "avg", |context: Context, list: &mut Array| average(
        &context,
        list.iter().collect()
    ));
    define_reading!(module, "avg", |context: Context,
                                    list: &mut Array,
                                    by: Dynamic|
     -> Fallible<Dynamic> {
        let keyed = keyed(&context, list, Some(&by))?;
        average(&context, keyed.iter().map(|(key, _)| key).collect())
    });
    define_reading!(module, "min", |context: Context, list: &mut Array| extreme(
        &context,
        list,
        None,
        Ordering::Less
    ));
    define_reading!(module, "max", |context: Context, list: &mut Array| extreme(
        &context,
        list,
        None,
        Ordering::Greater
    ));
    define_reading!(
        module,
        "min_by",
        |context: Context, list: &mut Array, by: Dynamic| extreme(
            &context,
            list,
            Some(&by),
            Ordering::Less
        )
    );
    define_reading!(
        module,
        "max_by",
        |context: Context, list: &mut Array, by: Dynamic| extreme(
            &context,
            list,
            Some(&by),
            Ordering::Greater
        )
    );
    define_reading!(module, "count", |list: &mut Array| list.len() as INT);
    define_reading!(module, "count", |context: Context,
                                      list: &mut Array,
                                      by: Dynamic|
     -> Fallible<INT> {
        let keyed = keyed(&context, list, Some(&by))?;
        Ok(keyed
            .iter()
            .filter(|(key, _)| key.as_bool().unwrap_or(false))
            .count() as INT)
    });
    define_reading!(
        module,
        "sort_by",
        |context: Context, list: &mut Array, by: rhai::FnPtr| sort_by(
            &context,
            list,
            Some(&by.into()),
            false
        )
    );
    define_reading!(
        module,
        "sort_by",
        |context: Context, list: &mut Array, by: &str| sort_by(
            &context,
            list,
            Some(&by.into()),
            false
        )
    );
    define_reading!(
        module,
        "sort_by_desc",
        |context: Context, list: &mut Array, by: Dynamic| sort_by(&context, list, Some(&by), true)
    );
    define_reading!(module, "sorted", |context: Context, list: &mut Array| {
        sort_by(&context, list, None, false)
    });
    define_reading!(
        module,
        "sorted_desc",
        |context: Context, list: &mut Array| sort_by(&context, list, None, true)
    );
    define_reading!(module, "reversed", |list: &mut Array| -> Array {
        list.iter().rev().cloned().collect()
    });
    define_reading!(
        module,
        "group_by",
        |context: Context, list: &mut Array, by: Dynamic| group_by(&context, list, &by)
    );
    define_reading!(
        module,
        "index_by",
        |context: Context, list: &mut Array, by: Dynamic| index_by(&context, list, &by)
    );
    define_reading!(module, "unique", |context: Context, list: &mut Array| {
        unique(&context, list, None)
    });
    define_reading!(
        module,
        "unique_by",
        |context: Context, list: &mut Array, by: Dynamic| unique(&context, list, Some(&by))
    );
    define_reading!(module, "pluck", |context: Context,
                                      list: &mut Array,
                                      by: Dynamic|
     -> Fallible<Array> {
        Ok(keyed(&context, list, Some(&by))?
            .into_iter()
            .map(|(key, _)| key)
            .collect())
    });
    define_reading!(
        module,
        "partition",
        |context: Context, list: &mut Array, by: Dynamic| partition(&context, list, &by)
    );
    define_reading!(module, "chunk", |list: &mut Array, size: INT| chunk(
        list, size
    ));
    define_reading!(module, "flatten", |list: &mut Array| -> Fallible<Array> {
        let mut out = Array::new();
        flatten(list, 1, &mut out).map(|()| out)
    });
    define_reading!(module, "flatten", |list: &mut Array,
                                        depth: INT|
     -> Fallible<Array> {
        let mut out = Array::new();
        flatten(list, depth.min(100), &mut out).map(|()| out)
    });
    define_reading!(module, "zip", |one: &mut Array, two: Array| zip(one, &two));
    define_reading!(module, "flat_map", |context: Context,
                                         list: &mut Array,
                                         by: Dynamic|
     -> Fallible<Array> {
        let parts = keyed(&context, list, Some(&by))?
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        let mut out = Array::new();
        flatten(&parts, 1, &mut out).map(|()| out)
    });
    define!(module, "to_list", |range: Range<INT>| -> Fallible<Array> {
        let count = range.end.saturating_sub(range.start);
        numbers(range, count)
    });
    define!(
        module,
        "to_list",
        |range: RangeInclusive<INT>| -> Fallible<Array> {
            let count = range.end().saturating_sub(*range.start()).saturating_add(1);
            numbers(range, count)
        }
    );
    define!(module, "to_list", |list: Array| list);
    define!(module, "to_list", |nothing: ()| {
        let () = nothing;
        Array::new()
    });
    define!(module, "to_list", |map: Map| vec![Dynamic::from_map(map)]);
    define!(module, "to_list", |value: Dynamic| vec![value]);
    rhai::FuncRegistration::new("pad").set_into_module(module, pad);
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { List;
    "first" "first(list) -> item or ()", "The first item.", "[3, 1, 2].first()" => "3";
    "last" "last(list) -> item or ()", "The last item.", "[3, 1, 2].last()" => "2";
    "take_first" "take_first(list, count) -> list", "The first items.", "[3, 1, 2].take_first(2)" => "[3,1]";
    "skip" "skip(list, count) -> list", "Without the first items.", "[3, 1, 2].skip(2)" => "[2]";
    "sum" "sum(list, part?) -> number", "Adds up the items, or a part of each: a path or a function. What is missing counts nothing.", "[#{ qty: 2, price: 1.5 }, #{ qty: 1, price: 4.0 }].sum(|i| i.qty * i.price)" => "7.0";
    "avg" "avg(list, part?) -> number or ()", "The average; () of an empty list.", "avg([1, 2])" => "1.5";
    "min" "min(list) -> item or (); min(a, b) -> item", "The smallest.", "min([3, 1, 2])" => "1";
    "max" "max(list) -> item or (); max(a, b) -> item", "The largest.", "max([\"a\", \"c\", \"b\"])" => r#""c""#;
    "min_by" "min_by(list, part) -> item or ()", "The item with the smallest part.", "min_by([#{ n: 2 }, #{ n: 1 }], \"n\")" => r#"{"n":1}"#;
    "max_by" "max_by(list, part) -> item or ()", "The item with the largest part.", "max_by([\"a\", \"ccc\", \"bb\"], |t| t.len())" => r#""ccc""#;
    "count" "count(list, test?) -> number", "How many items there are, or pass a test.", "[1, 2, 3].count(|n| n > 1)" => "2";
    "sort_by" "sort_by(list, part) -> list", "A sorted list, by a path or a function of the item. Equal items keep their order, what is missing comes last.", "[#{ n: 2 }, #{ n: 1 }].sort_by(\"n\")" => r#"[{"n":1},{"n":2}]"#;
    "sort_by_desc" "sort_by_desc(list, part) -> list", "The same from the largest down.", "[1, 3, 2].sort_by_desc(|n| n)" => "[3,2,1]";
    "sorted" "sorted(list) -> list", "A sorted list.", "[\"b\", \"a\"].sorted()" => r#"["a","b"]"#;
    "sorted_desc" "sorted_desc(list) -> list", "The same from the largest down.", "[1, 3, 2].sorted_desc()" => "[3,2,1]";
    "reversed" "reversed(list) -> list", "From the end to the start.", "[1, 2, 3].reversed()" => "[3,2,1]";
    "group_by" "group_by(list, part) -> map", "Lists of items by a part of them.", "[#{ c: \"x\", n: 1 }, #{ c: \"y\", n: 2 }, #{ c: \"x\", n: 3 }].group_by(\"c\").map_values(|l| l.sum(\"n\"))" => r#"{"x":4,"y":2}"#;
    "index_by" "index_by(list, part) -> map", "One item by a part of it; the last wins.", "[#{ id: \"a\", n: 1 }].index_by(\"id\").a.n" => "1";
    "unique" "unique(list) -> list", "Without repetitions.", "[1, 2, 1].unique()" => "[1,2]";
    "unique_by" "unique_by(list, part) -> list", "The first item for each value of a part.", "[#{ id: 1, n: 1 }, #{ id: 1, n: 2 }].unique_by(\"id\").len()" => "1";
    "pluck" "pluck(list, part) -> list", "That part of every item.", "[#{ a: #{ b: 1 } }, #{}].pluck(\"a.b\")" => "[1,null]";
    "partition" "partition(list, test) -> [passed, failed]", "Two lists: what passes a test and what does not.", "[1, 2, 3].partition(|n| n > 1)" => "[[2,3],[1]]";
    "chunk" "chunk(list, size) -> list of lists", "Pieces of at most that size.", "[1, 2, 3].chunk(2)" => "[[1,2],[3]]";
    "flatten" "flatten(list, depth?) -> list", "Lists within the list are opened, one level deep or deeper.", "[1, [2, [3]]].flatten()" => "[1,2,[3]]";
    "flat_map" "flat_map(list, part) -> list", "The lists that a part of each item gives, as one.", "[#{ l: [1, 2] }, #{ l: [3] }].flat_map(\"l\")" => "[1,2,3]";
    "zip" "zip(list, list) -> list of pairs; zip(list, list, function) -> list", "Pairs of items at the same place.", "[1, 2].zip([\"a\", \"b\"])" => r#"[[1,"a"],[2,"b"]]"#;
    "to_list" "to_list(value) -> list", "A list as it is, a range as its numbers, () as an empty list, anything else as a list of one: for senders that write a single item without brackets.", "[to_list(1..=3), to_list(\"x\"), to_list(())]" => r#"[[1,2,3],["x"],[]]"#;
};
