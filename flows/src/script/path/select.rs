//! Follows a plan through a value (RFC 9535, sections 2.3 to 2.5).

use super::plan::{Comparison, Logic, Operand, Pattern, Query, Segment, Selector, Step, regex};
use regex::Regex;
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

/// The node at the end of the steps.
pub(super) fn walk<'v>(steps: &[Step], root: &'v Value) -> Option<&'v Value> {
    steps.iter().try_fold(root, |node, step| child(node, step))
}

/// All nodes, or nothing if it was stopped.
pub(super) fn all<'v>(
    segments: &[Segment],
    root: &'v Value,
    go_on: &mut dyn FnMut(usize) -> bool,
) -> Option<Vec<&'v Value>> {
    let mut walker = Walker {
        root,
        go_on,
        visited: 0,
        patterns: HashMap::new(),
    };
    walker.follow(segments, root)
}

fn child<'v>(node: &'v Value, step: &Step) -> Option<&'v Value> {
    match (node, step) {
        (Value::Object(object), Step::Name(name)) => object.get(name),
        (Value::Array(list), Step::Index(index)) => list.get(position(*index, list.len())?),
        _ => None,
    }
}

fn position(index: i64, length: usize) -> Option<usize> {
    if index < 0 {
        length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    } else {
        usize::try_from(index).ok()
    }
}

/// Nodes between two questions whether to go on.
const BATCH: usize = 256;
/// Regular expressions that are kept while a query runs, if they come from the data.
const PATTERNS: usize = 32;

struct Walker<'v, 'c> {
    root: &'v Value,
    go_on: &'c mut dyn FnMut(usize) -> bool,
    visited: usize,
    patterns: HashMap<(String, bool), Option<Regex>>,
}

impl<'v> Walker<'v, '_> {
    fn visit(&mut self, nodes: usize) -> Option<()> {
        self.visited += nodes;
        if self.visited >= BATCH {
            let visited = std::mem::take(&mut self.visited);
            return (self.go_on)(visited).then_some(());
        }
        Some(())
    }

    fn follow(&mut self, segments: &[Segment], start: &'v Value) -> Option<Vec<&'v Value>> {
        let mut nodes = vec![start];
        for segment in segments {
            let mut next = Vec::new();
            for node in nodes {
                if segment.descendant {
                    self.descend(segment, node, &mut next)?;
                } else {
                    self.select(&segment.selectors, node, &mut next)?;
                }
            }
            nodes = next;
        }
        Some(nodes)
    }

    /// The node, then its descendants, each before its own children.
    fn descend(
        &mut self,
        segment: &Segment,
        node: &'v Value,
        out: &mut Vec<&'v Value>,
    ) -> Option<()> {
        self.visit(1)?;
        self.select(&segment.selectors, node, out)?;
        match node {
            Value::Array(list) => list
                .iter()
                .try_for_each(|item| self.descend(segment, item, out)),
            Value::Object(object) => object
                .values()
                .try_for_each(|item| self.descend(segment, item, out)),
            _ => Some(()),
        }
    }

    fn select(
        &mut self,
        selectors: &[Selector],
        node: &'v Value,
        out: &mut Vec<&'v Value>,
    ) -> Option<()> {
        for selector in selectors {
            match selector {
                Selector::Step(step) => {
                    self.visit(1)?;
                    out.extend(child(node, step));
                }
                Selector::Wildcard => {
                    let before = out.len();
                    match node {
                        Value::Array(list) => out.extend(list),
                        Value::Object(object) => out.extend(object.values()),
                        _ => {}
                    }
                    self.visit(out.len() - before)?;
                }
                Selector::Slice { start, end, step } => {
                    if let Value::Array(list) = node {
                        let before = out.len();
                        slice(list, *start, *end, *step, out);
                        self.visit(out.len() - before)?;
                    }
                }
                Selector::Filter(logic) => match node {
                    Value::Array(list) => {
                        for item in list {
                            if self.holds(logic, item)? {
                                out.push(item);
                            }
                        }
                    }
                    Value::Object(object) => {
                        for item in object.values() {
                            if self.holds(logic, item)? {
                                out.push(item);
                            }
                        }
                    }
                    _ => {}
                },
            }
        }
        Some(())
    }

    fn holds(&mut self, logic: &Logic, node: &'v Value) -> Option<bool> {
        self.visit(1)?;
        Some(match logic {
            Logic::Any(list) => {
                for one in list {
                    if self.holds(one, node)? {
                        return Some(true);
                    }
                }
                false
            }
            Logic::All(list) => {
                for one in list {
                    if !self.holds(one, node)? {
                        return Some(false);
                    }
                }
                true
            }
            Logic::Not(inner) => !self.holds(inner, node)?,
            Logic::Exists(query) => !self.query(query, node)?.is_empty(),
            Logic::Compare(left, operator, right) => {
                let left = self.value(left, node)?;
                let right = self.value(right, node)?;
                compare(left.as_deref(), *operator, right.as_deref())
            }
            Logic::Match {
                text,
                pattern,
                whole,
            } => {
                let text = self.value(text, node)?;
                let Some(text) = text.as_deref().and_then(Value::as_str) else {
                    return Some(false);
                };
                self.visit(text.len() / 64)?;
                match pattern {
                    Pattern::Fixed(regex) => regex.as_ref().is_some_and(|r| r.is_match(text)),
                    Pattern::Computed(operand) => {
                        let source = self.value(operand, node)?;
                        match source.as_deref().and_then(Value::as_str) {
                            Some(source) => self.matches(source, *whole, text)?,
                            None => false,
                        }
                    }
                }
            }
        })
    }

    /// A match with an expression that stands in the data. Compiling one is worth many nodes.
    fn matches(&mut self, source: &str, whole: bool, text: &str) -> Option<bool> {
        let key = (source.to_owned(), whole);
        if !self.patterns.contains_key(&key) {
            self.visit(BATCH + source.len())?;
            if self.patterns.len() >= PATTERNS {
                self.patterns.clear();
            }
            let compiled = regex(source, whole);
            self.patterns.insert(key.clone(), compiled);
        }
        let regex = self.patterns.get(&key)?;
        Some(regex.as_ref().is_some_and(|regex| regex.is_match(text)))
    }

    fn query(&mut self, query: &Query, node: &'v Value) -> Option<Vec<&'v Value>> {
        let start = if query.absolute { self.root } else { node };
        self.follow(&query.segments, start)
    }

    /// A value or nothing, within the answer whether to go on.
    fn value<'o>(&mut self, operand: &'o Operand, node: &'v Value) -> Option<Option<Cow<'o, Value>>>
    where
        'v: 'o,
    {
        Some(match operand {
            Operand::Literal(value) => Some(Cow::Borrowed(value)),
            Operand::Node { absolute, steps } => {
                let start = if *absolute { self.root } else { node };
                walk(steps, start).map(Cow::Borrowed)
            }
            Operand::Length(inner) => {
                let value = self.value(inner, node)?;
                let length = match value.as_deref() {
                    Some(Value::String(text)) => Some(text.chars().count()),
                    Some(Value::Array(list)) => Some(list.len()),
                    Some(Value::Object(object)) => Some(object.len()),
                    _ => None,
                };
                length.map(|length| Cow::Owned(length.into()))
            }
            Operand::Count(query) => Some(Cow::Owned(self.query(query, node)?.len().into())),
            Operand::Value(query) => match self.query(query, node)?.as_slice() {
                [one] => Some(Cow::Borrowed(*one)),
                _ => None,
            },
        })
    }
}

/// Section 2.3.4.2.2.
fn slice<'v>(
    list: &'v [Value],
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
    out: &mut Vec<&'v Value>,
) {
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let from_end = |index: i64| {
        if index >= 0 {
            index
        } else {
            length.saturating_add(index)
        }
    };
    let (first, last) = if step >= 0 {
        (0, length)
    } else {
        (length - 1, -1)
    };
    let (start, end) = (start.map_or(first, from_end), end.map_or(last, from_end));
    let at = |index: i64| {
        usize::try_from(index)
            .ok()
            .and_then(|index| list.get(index))
    };
    if step > 0 {
        let (lower, upper) = (start.clamp(0, length), end.clamp(0, length));
        let mut index = lower;
        while index < upper {
            out.extend(at(index));
            index = index.saturating_add(step);
        }
    } else if step < 0 {
        let (upper, lower) = (start.clamp(-1, length - 1), end.clamp(-1, length - 1));
        let mut index = upper;
        while index > lower {
            out.extend(at(index));
            index = index.saturating_add(step);
        }
    }
}

/// Section 2.3.5.2.2: nothing equals only nothing; order exists among numbers and among strings.
fn compare(left: Option<&Value>, operator: Comparison, right: Option<&Value>) -> bool {
    let equal = || match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => same(left, right),
        _ => false,
    };
    let less = |left: Option<&Value>, right: Option<&Value>| match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => {
            order(left, right) == Ordering::Less
        }
        (Some(Value::String(left)), Some(Value::String(right))) => left < right,
        _ => false,
    };
    match operator {
        Comparison::Equal => equal(),
        Comparison::Unequal => !equal(),
        Comparison::Less => less(left, right),
        Comparison::Greater => less(right, left),
        Comparison::LessOrEqual => less(left, right) || equal(),
        Comparison::GreaterOrEqual => less(right, left) || equal(),
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order(left, right) == Ordering::Equal,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(one, two)| same(one, two))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, one)| right.get(key).is_some_and(|two| same(one, two)))
        }
        _ => left == right,
    }
}

/// Numbers by their value, however they are written; integers exactly.
fn order(left: &Number, right: &Number) -> Ordering {
    let whole = |number: &Number| {
        number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
    };
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left
            .as_f64()
            .partial_cmp(&right.as_f64())
            .unwrap_or(Ordering::Equal),
    }
}
