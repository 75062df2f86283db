//! A value or an expression: how a setting holds either, and how one becomes the other.
//!
//! A text that starts with `=` is an expression; the literal text `=…` is written `'=…`. All of this is pure.

use serde_json::{Map, Number, Value};
use weir_flows::{
    catalog::{Field, FieldKind},
    settings::secret_name,
    template,
};

/// How a setting is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As itself.
    Value,
    /// As a rhai expression that gives it.
    Expression,
    /// By the name of a secret.
    Secret,
}

/// The ways in which a field may be given, the usual one first.
pub(crate) fn modes(field: &Field) -> Vec<Mode> {
    let mut modes = match field.kind {
        FieldKind::Secret => vec![Mode::Secret, Mode::Value],
        FieldKind::Url => vec![Mode::Value, Mode::Secret],
        _ => vec![Mode::Value],
    };
    if field.expression {
        modes.insert(1, Mode::Expression);
    }
    modes
}

/// Which of the allowed ways a value is given in.
pub(crate) fn mode_of(allowed: &[Mode], value: &Value) -> Mode {
    let mode = match value {
        Value::String(text) if template::expression(text).is_some() => Mode::Expression,
        value if secret_name(value).is_some() => Mode::Secret,
        _ => Mode::Value,
    };
    if allowed.contains(&mode) {
        mode
    } else {
        Mode::Value
    }
}

/// Whether there is an expression anywhere in a value.
pub(crate) fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => template::expression(text).is_some(),
        Value::Array(items) => items.iter().any(has_expression),
        Value::Object(entries) => entries.values().any(has_expression),
        _ => false,
    }
}

/// What a field holds once it is given in another way: the same where that can be said, else nothing.
pub(crate) fn switched(value: Option<&Value>, to: Mode) -> Option<Value> {
    let value = value?;
    match (template_source(value), to) {
        (Some(source), Mode::Value) => to_value(source),
        (None, Mode::Expression) if secret_name(value).is_none() => written(&of_value(value)),
        (None, Mode::Value) if secret_name(value).is_none() => Some(value.clone()),
        _ => None,
    }
}

fn template_source(value: &Value) -> Option<&str> {
    template::expression(value.as_str()?)
}

/// The source of an expression, as its editor shows it; empty for anything else.
pub(crate) fn source(value: Option<&Value>) -> &str {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let source = text.strip_prefix('=').unwrap_or_default();
    source.strip_prefix(' ').unwrap_or(source)
}

/// What the document holds for the source of an expression; nothing for an empty one.
pub(crate) fn written(source: &str) -> Option<Value> {
    (!source.trim().is_empty()).then(|| Value::String(format!("= {source}")))
}

/// What the document holds for a literal text where expressions are allowed.
pub(crate) fn escaped(text: &str) -> String {
    if text.starts_with('=') {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The literal text that a text of the document stands for where expressions are allowed.
pub(crate) fn unescaped(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with('=') => rest,
        _ => text,
    }
}

/// The expression that gives what a value of the document gives; expressions inside of it stay what they are.
pub(crate) fn of_value(value: &Value) -> String {
    match value {
        Value::Null => "()".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => match template::expression(text) {
            Some(inner) => inner.to_owned(),
            None => quoted(unescaped(text)),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(of_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "#{}".to_owned(),
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", key_name(key), of_value(value)))
                .collect();
            format!("#{{ {} }}", entries.join(", "))
        }
    }
}

/// The value of the document that gives what an expression gives, where the expression is a literal.
pub(crate) fn to_value(source: &str) -> Option<Value> {
    let mut reader = Reader {
        rest: source.trim(),
    };
    let value = reader.value()?;
    reader.rest.trim().is_empty().then_some(value)
}

fn key_name(key: &str) -> String {
    const WORDS: &[&str] = &[
        "let",
        "const",
        "if",
        "else",
        "for",
        "in",
        "while",
        "loop",
        "do",
        "until",
        "break",
        "continue",
        "return",
        "throw",
        "try",
        "catch",
        "fn",
        "switch",
        "true",
        "false",
        "this",
        "global",
        "private",
        "is",
        "goto",
        "exit",
        "match",
        "case",
        "public",
        "protected",
        "new",
        "use",
        "with",
        "module",
        "package",
        "import",
        "export",
        "as",
        "super",
        "shared",
        "static",
        "void",
        "null",
        "nil",
        "async",
        "await",
        "yield",
        "thread",
        "spawn",
        "go",
        "sync",
        "default",
        "var",
    ];
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.contains(&key);
    if plain {
        key.to_owned()
    } else {
        quoted_line(key)
    }
}

/// A text as rhai writes it. One of several lines keeps its lines.
fn quoted(text: &str) -> String {
    let lines = text.contains('\n') && !text.starts_with('\n');
    let plain = |c: char| c != '`' && (c == '\n' || c == '\t' || !c.is_control());
    if lines && !text.contains("${") && text.chars().all(plain) {
        format!("`{text}`")
    } else {
        quoted_line(text)
    }
}

fn quoted_line(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads the literals of rhai and nothing else.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, token: &str) -> bool {
        let trimmed = self.rest.trim_start();
        match trimmed.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        self.rest = self.rest.trim_start();
        if self.take("#{") {
            return self.object();
        }
        if self.take("[") {
            return self.list();
        }
        if self.take("(") {
            return self.take(")").then_some(Value::Null);
        }
        if self.rest.starts_with(['"', '`']) {
            return self.text().map(|text| Value::String(escaped(&text)));
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_')))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            word => Value::Number(number(word)?),
        };
        self.rest = rest;
        Some(value)
    }

    fn list(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        while !self.take("]") {
            items.push(self.value()?);
            if !self.take(",") {
                return self.take("]").then_some(Value::Array(items));
            }
        }
        Some(Value::Array(items))
    }

    fn object(&mut self) -> Option<Value> {
        let mut entries = Map::new();
        while !self.take("}") {
            self.rest = self.rest.trim_start();
            let key = if self.rest.starts_with('"') {
                self.text()?
            } else {
                let end = self
                    .rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .filter(|end| *end > 0)?;
                let (key, rest) = self.rest.split_at(end);
                self.rest = rest;
                key.to_owned()
            };
            if !self.take(":") {
                return None;
            }
            entries.insert(key, self.value()?);
            if !self.take(",") {
                return self.take("}").then_some(Value::Object(entries));
            }
        }
        Some(Value::Object(entries))
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = &self.rest[at + 2..];
                    return Some(text);
                }
                // Interpolation computes, and a line of a quoted text cannot end.
                '$' if quote == '`' && self.rest[1..][at..].starts_with("${") => return None,
                '\n' if quote == '"' => return None,
                '\\' if quote == '"' => text.push(match chars.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    mark @ ('x' | 'u' | 'U') => {
                        let digits = match mark {
                            'x' => 2,
                            'u' => 4,
                            _ => 8,
                        };
                        let code: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                        char::from_u32(u32::from_str_radix(&code, 16).ok()?)?
                    }
                    same @ ('"' | '\\') => same,
                    _ => return None,
                }),
                c => text.push(c),
            }
        }
        None
    }
}

fn number(word: &str) -> Option<Number> {
    let plain = word.replace('_', "");
    match plain.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) if plain.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            Number::from_f64(plain.parse().ok()?)
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;
    use weir_flows::{
        catalog::phrase,
        script::{Bounds, Form, Moment, Scope, compile, eval},
    };

    use super::*;

    fn given(source: &str) -> Value {
        let script = compile(source, Form::Expression).unwrap();
        let moment = Moment { now_ms: 0, dice: 0 };
        let value = eval(&script, &Scope::new(), moment, &Bounds::default()).unwrap();
        Arc::unwrap_or_clone(value)
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1_000_000_000_000i64..1_000_000_000_000).prop_map(Value::from),
            (-1.0e6..1.0e6f64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ -~\n\t]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{0,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// The same value with every text that would be an expression written as a literal.
    fn literal(value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(escaped(&text)),
            Value::Array(items) => items.into_iter().map(literal).collect(),
            Value::Object(map) => {
                Value::Object(map.into_iter().map(|(k, v)| (k, literal(v))).collect())
            }
            other => other,
        }
    }

    fn plain(value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(unescaped(&text).to_owned()),
            Value::Array(items) => items.into_iter().map(plain).collect(),
            Value::Object(map) => {
                Value::Object(map.into_iter().map(|(k, v)| (k, plain(v))).collect())
            }
            other => other,
        }
    }

    proptest! {
        #[test]
        fn a_literal_becomes_an_expression_that_gives_it(value in any_value()) {
            let held = literal(value);
            prop_assert_eq!(given(&of_value(&held)), plain(held));
        }

        #[test]
        fn a_literal_goes_there_and_back(value in any_value()) {
            let held = literal(value);
            prop_assert_eq!(to_value(&of_value(&held)), Some(held));
        }
    }

    #[test]
    fn expressions_within_a_value_stay() {
        let value = json!({ "a b": "= input.x", "if": 1, "list": ["'=no", "two\nlines"] });
        assert_eq!(
            of_value(&value),
            "#{ \"a b\": input.x, \"if\": 1, list: [\"=no\", `two\nlines`] }"
        );
    }

    #[test]
    fn what_computes_is_no_literal() {
        for source in [
            "input",
            "1 + 1",
            "`${1}`",
            "[input]",
            "#{a: 1",
            "\"a\" + \"b\"",
            "",
            "-",
        ] {
            assert_eq!(to_value(source), None, "{source}");
        }
        assert_eq!(to_value(" [1, 2.5, ] "), Some(json!([1, 2.5])));
        assert_eq!(
            to_value("#{a: (), \"b\": `c`}"),
            Some(json!({"a": null, "b": "c"}))
        );
    }

    #[test]
    fn the_source_of_an_expression_is_kept_as_typed() {
        for typed in ["input", " input", "a ", "x\ny"] {
            assert_eq!(source(written(typed).as_ref()), typed);
        }
        assert_eq!(source(Some(&json!("=input"))), "input");
        assert_eq!(written("  "), None);
    }

    #[test]
    fn a_value_says_how_it_is_given() {
        let field = |kind| Field::new("a", phrase("", ""), kind, phrase("", ""));
        let url = modes(&field(FieldKind::Url).expression());
        assert_eq!(url, [Mode::Value, Mode::Expression, Mode::Secret]);
        for (value, mode) in [
            (json!("= input"), Mode::Expression),
            (json!("'= input"), Mode::Value),
            (json!({"$secret": "key"}), Mode::Secret),
            (json!({"$secret": 1}), Mode::Value),
        ] {
            assert_eq!(mode_of(&url, &value), mode, "{value}");
        }
        let any = modes(&field(FieldKind::Any));
        for value in [json!({"$secret": "key"}), json!("= input")] {
            assert_eq!(mode_of(&any, &value), Mode::Value);
        }
    }

    #[test]
    fn switching_keeps_what_can_be_said_both_ways() {
        for (value, to, becomes) in [
            (json!("a"), Mode::Expression, Some(json!("= \"a\""))),
            (json!("= \"a\""), Mode::Value, Some(json!("a"))),
            (json!("= \"=a\""), Mode::Value, Some(json!("'=a"))),
            (
                json!({"a": "= input"}),
                Mode::Expression,
                Some(json!("= #{ a: input }")),
            ),
            (json!("= input"), Mode::Value, None),
            (json!({"$secret": "a"}), Mode::Expression, None),
            (json!({"$secret": "a"}), Mode::Value, None),
            (json!("a"), Mode::Secret, None),
        ] {
            assert_eq!(switched(Some(&value), to), becomes, "{value} {to:?}");
        }
        assert_eq!(switched(None, Mode::Expression), None);
    }
}
