//! From the parser's syntax tree to a checked plan.

use super::PathError;
use jsonpath_rust::parser::model as tree;
use jsonpath_rust::parser::parse_json_path;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// Longest query, in bytes.
const QUERY_BYTES: usize = 16 << 10;
/// Memory one compiled regular expression may take, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) descendant: bool,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Clone, Debug)]
pub(super) enum Selector {
    Step(Step),
    Wildcard,
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Filter(Logic),
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Name(String),
    Index(i64),
}

#[derive(Clone, Debug)]
pub(super) enum Logic {
    Any(Vec<Logic>),
    All(Vec<Logic>),
    Not(Box<Logic>),
    Exists(Query),
    Compare(Operand, Comparison, Operand),
    Match {
        text: Operand,
        pattern: Pattern,
        whole: bool,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) absolute: bool,
    pub(super) segments: Vec<Segment>,
}

/// Something of the RFC's value type: a value or nothing.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Literal(Value),
    Node { absolute: bool, steps: Vec<Step> },
    Length(Box<Operand>),
    Count(Query),
    Value(Query),
}

#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Compiled; `None` if it is no regular expression, which matches nothing.
    Fixed(Option<Regex>),
    Computed(Operand),
}

impl Segment {
    /// The one step that this segment takes, if it is one.
    pub(super) fn step(&self) -> Option<Step> {
        match self.selectors.as_slice() {
            [Selector::Step(step)] if !self.descendant => Some(step.clone()),
            _ => None,
        }
    }
}

/// Reads and checks a query.
pub(super) fn compile(source: &str) -> Result<Vec<Segment>, PathError> {
    let fail = |message: String, offset| PathError { message, offset };
    if source.len() > QUERY_BYTES {
        return Err(fail(
            format!("a query of more than {QUERY_BYTES} bytes is too long"),
            0,
        ));
    }
    if !source.starts_with('$') {
        return Err(fail("a query starts with `$`".to_owned(), 0));
    }
    if source.ends_with([' ', '\t', '\n', '\r']) {
        let message = "a query ends without white space".to_owned();
        return Err(fail(message, source.trim_end().chars().count()));
    }
    if let Some(offset) = torn_word(source) {
        return Err(fail(
            "two words with nothing between them".to_owned(),
            offset,
        ));
    }
    let query = parse_json_path(source).map_err(|problem| {
        let text = problem.to_string();
        let offset = place(&text, source);
        let message = match source.chars().nth(offset) {
            None => "the query ends too early".to_owned(),
            Some(_) if !text.contains("-->") => text
                .strip_prefix("Failed to parse rule: ")
                .unwrap_or(&text)
                .to_owned(),
            Some(letter) => format!("`{letter}` does not belong here"),
        };
        fail(message, offset)
    })?;
    segments(&query.segments).map_err(|message| fail(message, 0))
}

/// The place that the parser's message names, as in `--> 1:5`.
fn place(message: &str, source: &str) -> usize {
    let Some((_, after)) = message.split_once("--> ") else {
        return 0;
    };
    let numbers: Vec<usize> = after
        .split(|letter: char| !letter.is_ascii_digit())
        .take(2)
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let [line, column] = numbers[..] else {
        return 0;
    };
    let before: usize = source
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(|line| line.chars().count())
        .sum();
    before + column.saturating_sub(1)
}

/// Where white space stands within a name or number, which the parser would overlook.
fn torn_word(source: &str) -> Option<usize> {
    let word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter >= '\u{80}';
    let mut quote = None;
    let mut escaped = false;
    let (mut before_gap, mut before) = (None, None);
    for (offset, letter) in source.chars().enumerate() {
        if let Some(mark) = quote {
            if escaped {
                escaped = false;
            } else if letter == '\\' {
                escaped = true;
            } else if letter == mark {
                quote = None;
            }
            (before_gap, before) = (None, None);
            continue;
        }
        if matches!(letter, ' ' | '\t' | '\n' | '\r') {
            before_gap = before_gap.or(before);
            before = None;
            continue;
        }
        if word(letter) && before.is_none() && before_gap.is_some_and(word) {
            return Some(offset);
        }
        if matches!(letter, '\'' | '"') {
            quote = Some(letter);
        }
        (before_gap, before) = (None, Some(letter));
    }
    None
}

fn segments(list: &[tree::Segment]) -> Result<Vec<Segment>, String> {
    list.iter().map(|item| segment(item, false)).collect()
}

fn segment(item: &tree::Segment, descendant: bool) -> Result<Segment, String> {
    let selectors = match item {
        tree::Segment::Descendant(inner) => return segment(inner, true),
        tree::Segment::Selector(one) => vec![selector(one)?],
        tree::Segment::Selectors(many) => many.iter().map(selector).collect::<Result<_, _>>()?,
    };
    Ok(Segment {
        descendant,
        selectors,
    })
}

fn selector(item: &tree::Selector) -> Result<Selector, String> {
    Ok(match item {
        tree::Selector::Name(name) => Selector::Step(Step::Name(name.clone())),
        tree::Selector::Index(index) => Selector::Step(Step::Index(*index)),
        tree::Selector::Wildcard => Selector::Wildcard,
        tree::Selector::Slice(start, end, step) => Selector::Slice {
            start: *start,
            end: *end,
            step: step.unwrap_or(1),
        },
        tree::Selector::Filter(filter) => Selector::Filter(logic(filter)?),
    })
}

fn logic(filter: &tree::Filter) -> Result<Logic, String> {
    let many = |list: &[tree::Filter]| list.iter().map(logic).collect::<Result<Vec<_>, _>>();
    Ok(match filter {
        tree::Filter::Or(list) => Logic::Any(many(list)?),
        tree::Filter::And(list) => Logic::All(many(list)?),
        tree::Filter::Atom(atom) => match atom {
            tree::FilterAtom::Filter { expr, not } => negated(logic(expr)?, *not),
            tree::FilterAtom::Test { expr, not } => negated(test(expr)?, *not),
            tree::FilterAtom::Comparison(comparison) => compare(comparison)?,
        },
    })
}

fn negated(logic: Logic, not: bool) -> Logic {
    if not {
        Logic::Not(Box::new(logic))
    } else {
        logic
    }
}

fn test(test: &tree::Test) -> Result<Logic, String> {
    Ok(match test {
        tree::Test::RelQuery(_) | tree::Test::AbsQuery(_) => Logic::Exists(query(test)?),
        tree::Test::Function(function) => match &**function {
            tree::TestFunction::Match(text, pattern) => matching(text, pattern, true)?,
            tree::TestFunction::Search(text, pattern) => matching(text, pattern, false)?,
            tree::TestFunction::Custom(name, _) => return Err(not_standard(name)),
            other => {
                return Err(format!(
                    "`{other}` is a value, not a test: compare it with something"
                ));
            }
        },
    })
}

fn not_standard(name: &str) -> String {
    format!(
        "`{name}` is not a function of RFC 9535; there are length, count, value, match and search"
    )
}

fn query(test: &tree::Test) -> Result<Query, String> {
    Ok(match test {
        tree::Test::RelQuery(list) => Query {
            absolute: false,
            segments: segments(list)?,
        },
        tree::Test::AbsQuery(query) => Query {
            absolute: true,
            segments: segments(&query.segments)?,
        },
        tree::Test::Function(function) => {
            return Err(format!("a query is needed here, not `{function}`"));
        }
    })
}

fn compare(comparison: &tree::Comparison) -> Result<Logic, String> {
    let operator = match comparison {
        tree::Comparison::Eq(..) => Comparison::Equal,
        tree::Comparison::Ne(..) => Comparison::Unequal,
        tree::Comparison::Gt(..) => Comparison::Greater,
        tree::Comparison::Gte(..) => Comparison::GreaterOrEqual,
        tree::Comparison::Lt(..) => Comparison::Less,
        tree::Comparison::Lte(..) => Comparison::LessOrEqual,
    };
    let (left, right) = comparison.vals();
    Ok(Logic::Compare(
        comparable(left)?,
        operator,
        comparable(right)?,
    ))
}

fn comparable(item: &tree::Comparable) -> Result<Operand, String> {
    Ok(match item {
        tree::Comparable::Literal(value) => Operand::Literal(literal(value)),
        tree::Comparable::Function(function) => value_function(function)?,
        tree::Comparable::SingularQuery(query) => {
            let (absolute, list) = match query {
                tree::SingularQuery::Current(list) => (false, list),
                tree::SingularQuery::Root(list) => (true, list),
            };
            let step = |segment: &tree::SingularQuerySegment| match segment {
                tree::SingularQuerySegment::Name(name) => Step::Name(name.clone()),
                tree::SingularQuerySegment::Index(index) => Step::Index(*index),
            };
            Operand::Node {
                absolute,
                steps: list.iter().map(step).collect(),
            }
        }
    })
}

fn literal(item: &tree::Literal) -> Value {
    match item {
        tree::Literal::Int(integer) => (*integer).into(),
        tree::Literal::Float(float) => (*float).into(),
        tree::Literal::String(text) => text.as_str().into(),
        tree::Literal::Bool(yes) => (*yes).into(),
        tree::Literal::Null => Value::Null,
    }
}

fn value_function(function: &tree::TestFunction) -> Result<Operand, String> {
    Ok(match function {
        tree::TestFunction::Length(argument) => {
            Operand::Length(Box::new(value_argument(argument, "length")?))
        }
        tree::TestFunction::Count(argument) => Operand::Count(nodes_argument(argument, "count")?),
        tree::TestFunction::Value(argument) => Operand::Value(nodes_argument(argument, "value")?),
        tree::TestFunction::Custom(name, _) => return Err(not_standard(name)),
        other => return Err(format!("`{other}` is a test and cannot be compared")),
    })
}

/// An argument of the RFC's value type.
fn value_argument(argument: &tree::FnArg, function: &str) -> Result<Operand, String> {
    match argument {
        tree::FnArg::Literal(value) => Ok(Operand::Literal(literal(value))),
        tree::FnArg::Test(test) => match &**test {
            tree::Test::Function(inner) => value_function(inner),
            _ => {
                let Query { absolute, segments } = query(test)?;
                segments
                    .iter()
                    .map(Segment::step)
                    .collect::<Option<_>>()
                    .map(|steps| Operand::Node { absolute, steps })
                    .ok_or_else(|| {
                        format!("`{function}` needs a query that gives one node at most")
                    })
            }
        },
        tree::FnArg::Filter(_) => Err(format!("`{function}` needs a value, not a condition")),
    }
}

/// An argument of the RFC's nodes type.
fn nodes_argument(argument: &tree::FnArg, function: &str) -> Result<Query, String> {
    match argument {
        tree::FnArg::Test(test) => query(test),
        _ => Err(format!("`{function}` needs a query")),
    }
}

fn matching(text: &tree::FnArg, pattern: &tree::FnArg, whole: bool) -> Result<Logic, String> {
    let name = if whole { "match" } else { "search" };
    let text = value_argument(text, name)?;
    let pattern = match value_argument(pattern, name)? {
        Operand::Literal(Value::String(source)) => Pattern::Fixed(regex(&source, whole)),
        Operand::Literal(_) => Pattern::Fixed(None),
        computed => Pattern::Computed(computed),
    };
    Ok(Logic::Match {
        text,
        pattern,
        whole,
    })
}

/// An I-Regexp (RFC 9485), whose dot leaves out both line ends.
pub(super) fn regex(source: &str, whole: bool) -> Option<Regex> {
    let anchored = if whole {
        format!(r"\A(?:{source})\z")
    } else {
        source.to_owned()
    };
    RegexBuilder::new(&anchored)
        .crlf(true)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .nest_limit(100)
        .build()
        .ok()
}
