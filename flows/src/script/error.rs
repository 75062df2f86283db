//! What went wrong in a script, in words a person who maps fields can act on.

use rhai::{EvalAltResult, ParseError, ParseErrorType, Position};
use serde_json::Value;
use std::sync::Arc;

/// Why a script did not give a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The source is not a script: a typo, an unknown name, something that is not allowed here.
    Syntax,
    /// The script ran and something did not fit: a missing value, a wrong type, an overflow.
    Runtime,
    /// A bound was hit, or the caller stopped the script.
    Bound,
    /// The script said `throw`.
    Thrown,
}

/// A failure of a script with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What happened and what to do, without the place.
    pub message: String,
    /// The line, counted from 1; 0 if there is no place.
    pub line: usize,
    /// The column in characters, counted from 1; 0 if there is no place.
    pub column: usize,
    /// The kind of failure.
    pub kind: ErrorKind,
    /// What the script threw, or a call that failed did, where that is a map.
    pub thrown: Option<Arc<Value>>,
}

impl Error {
    /// An error at a place of the source.
    pub(crate) fn at(kind: ErrorKind, message: impl Into<String>, place: Position) -> Self {
        Self {
            message: message.into(),
            line: place.line().unwrap_or(0),
            column: place.position().unwrap_or(0),
            kind,
            thrown: None,
        }
    }

    /// An error about the result as a whole.
    pub(crate) fn whole(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::at(kind, message, Position::NONE)
    }
}

/// An error raised by one of our own functions; the engine adds the place of the call.
pub(crate) fn complaint(message: impl Into<String>) -> Box<EvalAltResult> {
    let message = message.into();
    super::bounds::note_complaint(&message);
    EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into()
}

/// Words for an error of the parser.
pub(crate) fn from_parse(error: &ParseError, names: &[&str]) -> Error {
    let place = error.position();
    let message = match error.err_type() {
        ParseErrorType::VariableUndefined(name) => unknown_variable(name, names),
        ParseErrorType::UnexpectedEOF => {
            "the script ends too early: something is not closed or finished".to_owned()
        }
        ParseErrorType::Reserved(word) => format!("`{word}` cannot be used in a script"),
        ParseErrorType::BadInput(problem) if problem.to_string().ends_with("is disabled") => {
            let word = problem.to_string();
            let word = word.split('\'').nth(1).unwrap_or("this").to_owned();
            format!("`{word}` cannot be used in a script")
        }
        ParseErrorType::BadInput(problem) => decapitalize(&problem.to_string()),
        other => decapitalize(&other.to_string()),
    };
    Error::at(ErrorKind::Syntax, message, place)
}

/// The sentence for a variable nobody defined.
pub(crate) fn unknown_variable(name: &str, names: &[&str]) -> String {
    if ["null", "nil", "none", "undefined"].contains(&name) {
        return format!("there is no `{name}`; what is missing is written `()`");
    }
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("the name `{name}` is unknown; did you mean `{near}`?"),
        None => format!(
            "the name `{name}` is unknown; in scope are {} (an id with a dash is read as `steps[\"my-step\"]`)",
            names.join(", ")
        ),
    }
}

/// The sentence for a function nobody defined.
pub(crate) fn unknown_function<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    match nearest(name, known) {
        Some(near) => format!("there is no function `{name}`; did you mean `{near}`?"),
        None => format!("there is no function `{name}`"),
    }
}

/// The known name that is closest to what was written, if one is close enough to be a typo.
pub(crate) fn nearest<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let limit = match written.chars().count() {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    known
        .filter(|name| !name.is_empty() && *name != written)
        .map(|name| (distance(written, name), name))
        .filter(|(edits, name)| *edits <= limit && *edits < name.chars().count())
        .min_by_key(|(edits, name)| (*edits, name.len(), *name))
        .map(|(_, name)| name)
}

/// Edit distance with swaps of neighbours (optimal string alignment), ignoring case.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    if left.len().abs_diff(right.len()) > 3 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let change = usize::from(left[i - 1] != right[j - 1]);
            let mut edits = (above[j] + 1)
                .min(row[j - 1] + 1)
                .min(above[j - 1] + change);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                edits = edits.min(before[j - 2] + 1);
            }
            row.push(edits);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

/// Words for an error of the run. `known` lists the functions for suggestions.
pub(crate) fn from_run<'n>(
    error: &EvalAltResult,
    stopped: Option<String>,
    complained: Option<String>,
    known: impl Iterator<Item = &'n str>,
) -> Error {
    use EvalAltResult as Rhai;
    let (inner, place) = innermost(error);
    let (kind, message) = match inner {
        Rhai::ErrorTerminated(..) => (
            ErrorKind::Bound,
            stopped.unwrap_or_else(|| "the script was stopped".to_owned()),
        ),
        Rhai::ErrorTooManyOperations(..) => (
            ErrorKind::Bound,
            "the script does too much work: it hit the limit of operations".to_owned(),
        ),
        Rhai::ErrorStackOverflow(..) => (
            ErrorKind::Bound,
            "functions call each other too deeply: is there a recursion that does not end?"
                .to_owned(),
        ),
        Rhai::ErrorTooManyVariables(..) => (
            ErrorKind::Bound,
            "the script has too many variables".to_owned(),
        ),
        Rhai::ErrorDataTooLarge(what, ..) => {
            (ErrorKind::Bound, format!("a value is too large: {what}"))
        }
        Rhai::ErrorRuntime(value, ..) => {
            let text = thrown_text(value);
            if complained.as_deref() == Some(text.as_str()) {
                (ErrorKind::Runtime, text)
            } else {
                (ErrorKind::Thrown, text)
            }
        }
        Rhai::ErrorParsing(problem, _) => (ErrorKind::Syntax, decapitalize(&problem.to_string())),
        Rhai::ErrorVariableNotFound(name, ..) => {
            (ErrorKind::Runtime, format!("the name `{name}` is unknown"))
        }
        Rhai::ErrorFunctionNotFound(signature, ..) => {
            (ErrorKind::Runtime, no_such_function(signature, known))
        }
        Rhai::ErrorDotExpr(text, ..) => (ErrorKind::Runtime, no_such_property(text)),
        Rhai::ErrorIndexingType(text, ..) => (ErrorKind::Runtime, cannot_index(text)),
        Rhai::ErrorArrayBounds(0, index, ..) => (
            ErrorKind::Runtime,
            format!("the list is empty, so there is no item {index}"),
        ),
        Rhai::ErrorArrayBounds(length, index, ..) => (
            ErrorKind::Runtime,
            format!("the list has {length} items, so there is no item {index} (the first is 0)"),
        ),
        Rhai::ErrorStringBounds(length, index, ..) => (
            ErrorKind::Runtime,
            format!("the text has {length} characters, so there is none at {index}"),
        ),
        Rhai::ErrorFor(..) => (
            ErrorKind::Runtime,
            "`for` needs a list or a range; of a map use `keys()`, `values()` or `entries()`"
                .to_owned(),
        ),
        Rhai::ErrorMismatchDataType(wanted, got, ..) => (
            ErrorKind::Runtime,
            if got.is_empty() {
                format!("a value of the type {} was expected", type_word(wanted))
            } else {
                format!("expected {}, found {}", type_word(wanted), type_word(got))
            },
        ),
        Rhai::ErrorDataRace(..) => (
            ErrorKind::Runtime,
            "a closure uses a variable while it is being worked on; read what it needs into another variable first"
                .to_owned(),
        ),
        Rhai::ErrorNonPureMethodCallOnConstant(name, ..) => (
            ErrorKind::Runtime,
            format!("`{name}` would change a value that stays as it is; copy it first, as in `let copy = input;`"),
        ),
        Rhai::ErrorArithmetic(text, ..) => (ErrorKind::Runtime, decapitalize(text)),
        Rhai::ErrorAssignmentToConstant(name, ..) => (
            ErrorKind::Runtime,
            format!("`{name}` is a constant and cannot be changed"),
        ),
        other => (ErrorKind::Runtime, decapitalize(&strip_place(other))),
    };
    let thrown = match inner {
        Rhai::ErrorRuntime(value, ..) if value.is_map() => super::value::to_json(value).ok(),
        _ => None,
    };
    Error {
        thrown: thrown.map(Arc::new),
        ..Error::at(kind, message, place)
    }
}

/// The error a function call wrapped, and the most precise place known.
fn innermost(error: &EvalAltResult) -> (&EvalAltResult, Position) {
    let place = error.position();
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _)
        | EvalAltResult::ErrorInModule(_, inner, _) => {
            let (deepest, deeper) = innermost(inner);
            (deepest, if deeper.is_none() { place } else { deeper })
        }
        _ => (error, place),
    }
}

/// What a script threw: its text, or the `message` of a map, or the value as JSON.
fn thrown_text(value: &rhai::Dynamic) -> String {
    if let Ok(text) = value.as_immutable_string_ref() {
        return text.to_string();
    }
    if let Ok(map) = value.as_map_ref()
        && let Some(message) = map.get("message")
        && message.is_string()
    {
        return message.to_string();
    }
    if value.is_unit() {
        return "the script gave up without saying why".to_owned();
    }
    super::value::to_json(value)
        .map(|json| json.to_string())
        .unwrap_or_else(|_| value.to_string())
}

fn no_such_function<'n>(signature: &str, known: impl Iterator<Item = &'n str>) -> String {
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ""));
    let types: Vec<&str> = arguments
        .strip_suffix(')')
        .unwrap_or(arguments)
        .split(", ")
        .filter(|word| !word.is_empty())
        .map(type_word)
        .collect();
    if !name
        .chars()
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_')
    {
        let hint = if types.contains(&"decimal") && types.contains(&"number with a point") {
            "; a decimal and a float do not mix: use decimal(x) or to_float(x) on one of them"
        } else if types.contains(&"nothing") {
            "; one of the values is missing: use `??` to give it a default"
        } else {
            ""
        };
        return match types.as_slice() {
            [left, right] => format!("`{name}` does not work between {left} and {right}{hint}"),
            _ => format!("`{name}` does not work on {}", types.join(", ")),
        };
    }
    let known: Vec<&str> = known.collect();
    if known.contains(&name) {
        let hint = if types.contains(&"nothing") {
            "; one of the values is missing: use `?.` to skip it or `??` to give it a default"
        } else {
            ""
        };
        return format!("`{name}` does not take ({}){hint}", types.join(", "));
    }
    unknown_function(name, known.into_iter())
}

fn no_such_property(text: &str) -> String {
    // "Unknown property 'b' - a getter is not registered for type '()'"
    let mut quoted = text.split('\'').skip(1).step_by(2);
    let (property, kind) = (quoted.next().unwrap_or(""), quoted.next().unwrap_or(""));
    if text.starts_with("No writable") {
        return match kind {
            "()" => format!("cannot set `{property}`: there is no map to set it in"),
            other => format!("cannot set `{property}` on {}", type_word(other)),
        };
    }
    match kind {
        "()" => format!(
            "cannot read `{property}`: what stands before it is missing; write `?.{property}` to get () then"
        ),
        "array" => {
            format!("a list has no `{property}`; pick an item first, as in `[0].{property}`")
        }
        other => format!("cannot read `{property}` of {}", type_word(other)),
    }
}

fn cannot_index(text: &str) -> String {
    // "() [string]"
    let (target, index) = text.split_once(" [").unwrap_or((text, ""));
    let index = index.split(']').next().unwrap_or("");
    match (target, type_word(index)) {
        ("()", _) => "cannot look into a missing value; write `?[…]` to get () then".to_owned(),
        (target, index) => format!("cannot look into {} with {index}", type_word(target)),
    }
}

/// A type as a reader of JSON calls it.
pub(crate) fn type_word(rhai_name: &str) -> &str {
    match rhai_name.trim() {
        "i64" | "int" => "number",
        "f64" => "number with a point",
        "()" => "nothing",
        "array" => "list",
        "string" | "&str | ImmutableString | String" | "ImmutableString" => "text",
        "Fn" => "function",
        other => other,
    }
}

fn strip_place(error: &EvalAltResult) -> String {
    let mut bare = error.to_string();
    if let Some(cut) = bare.rfind(" (line ") {
        bare.truncate(cut);
    }
    bare
}

fn decapitalize(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}
