//! What is typed into a field, as a value of the document, and what a field shows for a value. All of this is pure.

use serde_json::{Number, Value};
use weir_flows::{
    catalog::{Field, FieldKind},
    duration::Duration,
};

use super::expression::{Mode, escaped, mode_of, source, unescaped, written};
use crate::texts::{Texts, fill};

/// Why something that was typed is not in the document, or should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    NotWhole,
    /// A whole number out of its bounds.
    Outside(i64, i64),
    /// No number from 0 to 1.
    NotAShare,
    NotADuration,
    /// No status and no class of statuses.
    NotAStatus(String),
    /// No JSON, from this place on.
    NotJson {
        line: usize,
        column: usize,
    },
    /// Another row has this name already.
    Twice(String),
    /// A row with a value and no name.
    Nameless,
    NotASlug,
    /// Another card has this id.
    Taken,
}

impl Wrong {
    /// What a person reads.
    pub(crate) fn said(&self, t: &Texts) -> String {
        match self {
            Wrong::NotWhole => t.form_not_whole.to_owned(),
            Wrong::Outside(min, max) => fill(
                t.form_outside,
                &[("min", &min.to_string()), ("max", &max.to_string())],
            ),
            Wrong::NotAShare => t.form_not_a_share.to_owned(),
            Wrong::NotADuration => t.form_not_a_duration.to_owned(),
            Wrong::NotAStatus(word) => fill(t.form_not_a_status, &[("word", word)]),
            Wrong::NotJson { line, column } => fill(
                t.form_not_json,
                &[("line", &line.to_string()), ("column", &column.to_string())],
            ),
            Wrong::Twice(name) => fill(t.form_twice, &[("name", name)]),
            Wrong::Nameless => t.form_nameless.to_owned(),
            Wrong::NotASlug => t.form_not_a_slug.to_owned(),
            Wrong::Taken => t.form_id_taken.to_owned(),
        }
    }
}

/// How a value is spelled in the text that a person edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As the kind of its field says.
    Kind,
    /// As the source of an expression; the document has a `=` before it.
    Expression,
    /// As a share from 0 to 1.
    Share,
}

impl Spelling {
    /// Reads what was typed.
    pub(crate) fn read(self, field: &Field, typed: &str) -> Result<Option<Value>, Wrong> {
        match self {
            Spelling::Kind => read(field, typed),
            Spelling::Expression => Ok(written(typed)),
            Spelling::Share => read_share(typed),
        }
    }

    /// What is shown for a value.
    pub(crate) fn show(self, field: &Field, value: Option<&Value>) -> String {
        match self {
            Spelling::Kind | Spelling::Share => show(field, value),
            Spelling::Expression => source(value).to_owned(),
        }
    }

    /// What must be shown now that the document holds `value`: nothing new where what stands there already says it, so
    /// that a person's own typing never comes back differently.
    pub(crate) fn follow(
        self,
        field: &Field,
        typed: &str,
        value: Option<&Value>,
    ) -> Option<String> {
        let same = self
            .read(field, typed)
            .is_ok_and(|read| read.as_ref() == value);
        (!same).then(|| self.show(field, value))
    }
}

/// Reads what was typed into a field. Nothing typed is no value; a text that cannot be one stays out of the document.
fn read(field: &Field, typed: &str) -> Result<Option<Value>, Wrong> {
    let trimmed = typed.trim();
    match &field.kind {
        FieldKind::Integer { .. } => optional(trimmed, |text| {
            let number: i64 = text.parse().map_err(|_| Wrong::NotWhole)?;
            Ok(number.into())
        }),
        FieldKind::Duration => optional(trimmed, |text| {
            let read: Result<Duration, _> = text.parse();
            read.map_err(|_| Wrong::NotADuration)?;
            Ok(text.into())
        }),
        FieldKind::Statuses => optional(trimmed, statuses),
        FieldKind::Schema
        | FieldKind::Rows(_)
        | FieldKind::Group(_)
        | FieldKind::Table
        | FieldKind::Body => optional(trimmed, json),
        FieldKind::Any => any_value(typed, field.expression),
        _ if typed.is_empty() => Ok(None),
        _ if field.expression => Ok(Some(escaped(typed).into())),
        _ => Ok(Some(typed.into())),
    }
}

/// What a field shows for a value.
fn show(field: &Field, value: Option<&Value>) -> String {
    let Some(value) = value else {
        return String::new();
    };
    match (&field.kind, value) {
        (FieldKind::Any, Value::String(text)) => {
            let text = if field.expression {
                unescaped(text)
            } else {
                text
            };
            if reads_as_itself(text) {
                text.to_owned()
            } else {
                Value::from(text).to_string()
            }
        }
        (FieldKind::Statuses, Value::Array(items)) => {
            let words = items.iter().map(|item| match item {
                Value::String(word) => word.clone(),
                other => other.to_string(),
            });
            words.collect::<Vec<_>>().join(", ")
        }
        (FieldKind::Schema | FieldKind::Body, value) => pretty(value),
        (_, Value::String(text)) if field.expression => unescaped(text).to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, value) => pretty(value),
    }
}

/// What is wrong with a value that can be told at once.
pub(crate) fn wrong(field: &Field, value: Option<&Value>) -> Option<Wrong> {
    match (&field.kind, value?) {
        (FieldKind::Integer { min, max }, value) => {
            let outside = value
                .as_i64()
                .is_some_and(|number| !(*min..=*max).contains(&number));
            outside.then_some(Wrong::Outside(*min, *max))
        }
        _ => None,
    }
}

/// Reads a share from 0 to 1, with a point or a comma.
fn read_share(typed: &str) -> Result<Option<Value>, Wrong> {
    optional(typed.trim(), |text| {
        let share: f64 = text
            .replace(',', ".")
            .parse()
            .map_err(|_| Wrong::NotAShare)?;
        let share = (0.0..=1.0).contains(&share).then_some(share);
        let number = share.and_then(Number::from_f64).ok_or(Wrong::NotAShare)?;
        Ok(Value::Number(number))
    })
}

/// What an empty field shows: what counts where nothing is given, else an example.
pub(crate) fn placeholder(t: &Texts, field: &Field, spelling: Spelling) -> String {
    let is_expression = |value: &&Value| mode_of(&[Mode::Expression], value) == Mode::Expression;
    let example = field.example.as_ref();
    match (spelling, &field.default) {
        (Spelling::Expression, _) => {
            let expression = example.filter(is_expression);
            expression.map_or_else(String::new, |value| source(Some(value)).to_owned())
        }
        (_, Some(default)) => {
            let shown = show(field, Some(default));
            fill(t.form_default, &[("value", &shown)])
        }
        (_, None) => {
            let literal = example.filter(|value| !is_expression(value));
            show(field, literal)
        }
    }
}

/// A JSON value over several lines where it has parts.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Reads a JSON text.
pub(crate) fn json(text: &str) -> Result<Value, Wrong> {
    serde_json::from_str(text).map_err(|error| Wrong::NotJson {
        line: error.line(),
        column: error.column(),
    })
}

fn optional(
    text: &str,
    read: impl FnOnce(&str) -> Result<Value, Wrong>,
) -> Result<Option<Value>, Wrong> {
    if text.is_empty() {
        Ok(None)
    } else {
        read(text).map(Some)
    }
}

fn statuses(text: &str) -> Result<Value, Wrong> {
    let words = text
        .split([',', ' ', ';'])
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let read = words.map(|word| {
        let class = ["1xx", "2xx", "3xx", "4xx", "5xx"].contains(&word);
        let number = word
            .parse::<u16>()
            .ok()
            .filter(|status| (100..=599).contains(status));
        match number {
            Some(number) => Ok(Value::from(number)),
            None if class => Ok(Value::from(word)),
            None => Err(Wrong::NotAStatus(word.to_owned())),
        }
    });
    read.collect()
}

/// JSON where it is JSON, else a text. What opens like JSON must be JSON.
fn any_value(typed: &str, expressions: bool) -> Result<Option<Value>, Wrong> {
    let text = |text: &str| {
        if expressions {
            escaped(text).into()
        } else {
            text.into()
        }
    };
    let trimmed = typed.trim();
    match json(trimmed) {
        _ if trimmed.is_empty() => Ok(None),
        Ok(Value::String(quoted)) => Ok(Some(text(&quoted))),
        Ok(value) => Ok(Some(value)),
        Err(wrong) if trimmed.starts_with(['{', '[', '"']) => Err(wrong),
        Err(_) => Ok(Some(text(typed))),
    }
}

/// Whether a text, typed into a field for any value, is read as that text.
fn reads_as_itself(text: &str) -> bool {
    text.trim() == text
        && !text.is_empty()
        && !text.starts_with(['{', '[', '"'])
        && json(text).is_err()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use weir_flows::catalog::phrase;

    use super::*;

    fn field(kind: FieldKind) -> Field {
        Field::new("a", phrase("", ""), kind, phrase("", ""))
    }

    proptest! {
        #[test]
        fn what_is_shown_for_any_value_is_read_as_that_value(
            text in proptest::prelude::any::<String>(), number in proptest::prelude::any::<i64>(), which in 0..5, expressions in proptest::prelude::any::<bool>(),
        ) {
            let text = if expressions { escaped(&text) } else { text };
            let value = match which {
                0 => json!(text),
                1 => json!(number),
                2 => json!({ "a": [text, number, null] }),
                3 => json!(number % 2 == 0),
                _ => Value::Null,
            };
            let field = Field { expression: expressions, ..field(FieldKind::Any) };
            let shown = show(&field, Some(&value));
            prop_assert_eq!(read(&field, &shown), Ok(Some(value.clone())));
            prop_assert_eq!(Spelling::Kind.follow(&field, &shown, Some(&value)), None);
        }
    }

    #[test]
    fn what_is_typed_is_read_by_the_kind_of_its_field() {
        let integer = field(FieldKind::Integer { min: 1, max: 9 });
        let duration = field(FieldKind::Duration);
        let statuses = field(FieldKind::Statuses);
        let any = field(FieldKind::Any);
        let text = field(FieldKind::Text);
        let schema = field(FieldKind::Schema);
        for (field, typed, read_as) in [
            (&integer, " 12 ", Ok(Some(json!(12)))),
            (&integer, "", Ok(None)),
            (&integer, "1.5", Err(Wrong::NotWhole)),
            (&duration, "10s", Ok(Some(json!("10s")))),
            (&duration, "10", Err(Wrong::NotADuration)),
            (&statuses, "2xx, 404", Ok(Some(json!(["2xx", 404])))),
            (&statuses, "2xx 6xx", Err(Wrong::NotAStatus("6xx".into()))),
            (&any, "12", Ok(Some(json!(12)))),
            (&any, "\"12\"", Ok(Some(json!("12")))),
            (&any, "hello, world", Ok(Some(json!("hello, world")))),
            (&any, "{\"a\"", Err(Wrong::NotJson { line: 1, column: 4 })),
            (&any, "  ", Ok(None)),
            (&text, " a", Ok(Some(json!(" a")))),
            (&text, "=a", Ok(Some(json!("=a")))),
            (&text, "", Ok(None)),
            (&schema, "true", Ok(Some(json!(true)))),
            (&schema, "tru", Err(Wrong::NotJson { line: 1, column: 3 })),
        ] {
            assert_eq!(read(field, typed), read_as, "{typed}");
        }
        let expressions = field(FieldKind::Text).expression();
        assert_eq!(read(&expressions, "=a"), Ok(Some(json!("'=a"))));
        assert_eq!(show(&expressions, Some(&json!("'=a"))), "=a");
    }

    #[test]
    fn a_field_follows_the_document_and_not_its_own_typing() {
        let integer = field(FieldKind::Integer { min: 1, max: 9 });
        let follow = |field, typed, value: Option<Value>| {
            Spelling::Kind.follow(field, typed, value.as_ref())
        };
        assert_eq!(follow(&integer, "007", Some(json!(7))), None);
        assert_eq!(follow(&integer, "x", Some(json!(7))), Some("7".into()));
        assert_eq!(follow(&integer, "8", None), Some(String::new()));
        let any = field(FieldKind::Any);
        assert_eq!(follow(&any, "{ \"a\":1 }", Some(json!({"a": 1}))), None);
        let expression =
            |typed, value: Value| Spelling::Expression.follow(&any, typed, Some(&value));
        assert_eq!(expression("input ", json!("= input ")), None);
        assert_eq!(expression("input", json!("= 1")), Some("1".into()));
    }

    #[test]
    fn bounds_are_told_at_once() {
        let integer = field(FieldKind::Integer { min: 200, max: 599 });
        assert_eq!(
            wrong(&integer, Some(&json!(20))),
            Some(Wrong::Outside(200, 599))
        );
        assert_eq!(wrong(&integer, Some(&json!(200))), None);
        assert_eq!(wrong(&integer, Some(&json!("x"))), None);
    }

    #[test]
    fn shares_take_a_point_or_a_comma() {
        assert_eq!(read_share("0,25"), Ok(Some(json!(0.25))));
        assert_eq!(read_share(" "), Ok(None));
        for typed in ["1.1", "-0.1", "x", "NaN"] {
            assert_eq!(read_share(typed), Err(Wrong::NotAShare), "{typed}");
        }
    }
}
