//! A configuration to read: each setting by its label, shown as what it is - a script, an expression, a table, a secret.

use leptos::prelude::*;
use serde_json::{Map, Value};
use weir_flows::catalog::{Entry, Field, FieldKind};

use crate::{
    kit::{
        code::{Code, InlineCode, Tongue},
        icon::{Glyph, Icon},
    },
    texts::{Texts, fill, texts},
};

/// How a setting is shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A line of text, a number, a word.
    Word(String),
    /// A script or expression of one line.
    Expression(String),
    /// A script of several lines.
    Script(String),
    /// A named secret.
    Secret(String),
    /// Settings within a setting, by their key.
    Table(Vec<(String, Shape)>),
    /// One after the other.
    Rows(Vec<Shape>),
    /// Anything else, as JSON.
    Json(String),
}

/// Chooses how a value is shown, knowing what kind of field it stands in.
pub(crate) fn shape(t: &Texts, value: &Value, kind: Option<&FieldKind>) -> Shape {
    match (value, kind) {
        (Value::String(text), Some(FieldKind::Script | FieldKind::Condition)) => script(text),
        (Value::String(word), Some(FieldKind::Choice(choices))) => {
            let chosen = choices.iter().find(|choice| choice.word == word.as_str());
            Shape::Word(
                chosen
                    .map_or(word.as_str(), |choice| choice.title.of(t.language))
                    .to_owned(),
            )
        }
        (Value::String(text), _) => match text.strip_prefix('=') {
            Some(expression) => script(expression.trim()),
            // `'=` writes a literal that starts with `=`.
            None => Shape::Word(
                text.strip_prefix('\'')
                    .filter(|rest| rest.starts_with('='))
                    .unwrap_or(text)
                    .to_owned(),
            ),
        },
        (Value::Object(map), _) if secret_name(map).is_some() => {
            Shape::Secret(secret_name(map).unwrap_or_default().to_owned())
        }
        (Value::Object(_), Some(FieldKind::Schema)) => json(value),
        (Value::Object(map), Some(FieldKind::Group(fields))) => Shape::Table(table(t, map, fields)),
        (Value::Object(map), _) if !map.is_empty() && map.values().all(is_flat) => {
            Shape::Table(table(t, map, &[]))
        }
        (Value::Array(rows), Some(FieldKind::Rows(fields))) => Shape::Rows(
            rows.iter()
                .map(|row| match row {
                    Value::Object(map) => Shape::Table(table(t, map, fields)),
                    other => shape(t, other, None),
                })
                .collect(),
        ),
        (Value::Array(items), _)
            if !items.is_empty() && items.iter().all(|item| is_flat(item) && !item.is_object()) =>
        {
            Shape::Word(items.iter().map(plain).collect::<Vec<_>>().join(", "))
        }
        (Value::Object(_) | Value::Array(_), _) => json(value),
        (other, _) => Shape::Word(plain(other)),
    }
}

/// All settings of a configuration with their labels, in the order of the catalog.
pub(crate) fn lines(
    t: &Texts,
    config: &Map<String, Value>,
    entry: Option<&Entry>,
) -> Vec<(String, Shape)> {
    let fields = entry
        .map(|entry| entry.fields.as_slice())
        .unwrap_or_default();
    table(t, config, fields)
}

/// Draws a setting.
pub(crate) fn shape_view(shape: Shape) -> AnyView {
    match shape {
        Shape::Word(text) => view! { <span class="value">{text}</span> }.into_any(),
        Shape::Expression(text) => view! { <InlineCode text tongue=Tongue::Rhai/> }.into_any(),
        Shape::Script(text) => view! { <Code text tongue=Tongue::Rhai/> }.into_any(),
        Shape::Json(text) => view! { <Code text tongue=Tongue::Json/> }.into_any(),
        Shape::Secret(name) => {
            let said = fill(texts().panel_secret, &[("name", &name)]);
            view! { <span class="value secret"><Glyph icon=Icon::KeyRound size=14/>{said}</span> }
                .into_any()
        }
        Shape::Table(rows) => {
            let rows = rows.into_iter().map(|(key, shape)| {
                view! { <div class="pair"><dt>{key}</dt><dd>{shape_view(shape)}</dd></div> }
            });
            view! { <dl class="pairs">{rows.collect_view()}</dl> }.into_any()
        }
        Shape::Rows(rows) => {
            let rows = rows
                .into_iter()
                .map(|row| view! { <li>{shape_view(row)}</li> });
            view! { <ol class="rows">{rows.collect_view()}</ol> }.into_any()
        }
    }
}

/// What a setting most likely is where the catalog is not at hand.
fn kind_by_name(key: &str) -> Option<&'static FieldKind> {
    match key {
        "script" => Some(&FieldKind::Script),
        "when" => Some(&FieldKind::Condition),
        "schema" => Some(&FieldKind::Schema),
        _ => None,
    }
}

/// The settings of an object: first those that are known, in their order, then all others by their key.
fn table(t: &Texts, map: &Map<String, Value>, fields: &[Field]) -> Vec<(String, Shape)> {
    let known = fields.iter().filter_map(|field| {
        Some((
            field.title.of(t.language).to_owned(),
            shape(t, map.get(&*field.name)?, Some(&field.kind)),
        ))
    });
    let unknown = map
        .iter()
        .filter(|(key, _)| !fields.iter().any(|field| field.name == key.as_str()))
        .map(|(key, value)| (key.clone(), shape(t, value, kind_by_name(key))));
    known.chain(unknown).collect()
}

fn script(text: &str) -> Shape {
    if text.contains('\n') || text.chars().count() > 60 {
        Shape::Script(text.to_owned())
    } else {
        Shape::Expression(text.to_owned())
    }
}

fn json(value: &Value) -> Shape {
    Shape::Json(serde_json::to_string_pretty(value).unwrap_or_default())
}

fn is_flat(value: &Value) -> bool {
    match value {
        Value::Array(_) => false,
        Value::Object(map) => secret_name(map).is_some(),
        _ => true,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn secret_name(map: &Map<String, Value>) -> Option<&str> {
    map.get("$secret").filter(|_| map.len() == 1)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::{ENGLISH, GERMAN};

    #[test]
    fn values_are_shown_as_what_they_are() {
        for (value, kind, expected) in [
            (json!("POST"), None, Shape::Word("POST".into())),
            (
                json!("= steps.price"),
                None,
                Shape::Expression("steps.price".into()),
            ),
            (json!("'=SUM(A1)"), None, Shape::Word("=SUM(A1)".into())),
            (
                json!("a\nb"),
                Some(FieldKind::Script),
                Shape::Script("a\nb".into()),
            ),
            (
                json!("input.n > 1"),
                Some(FieldKind::Condition),
                Shape::Expression("input.n > 1".into()),
            ),
            (
                json!({"$secret": "erp-key"}),
                None,
                Shape::Secret("erp-key".into()),
            ),
            (json!(201), None, Shape::Word("201".into())),
            (json!(["2xx", 404]), None, Shape::Word("2xx, 404".into())),
            (
                json!({"a": {"b": 1}}),
                None,
                Shape::Json("{\n  \"a\": {\n    \"b\": 1\n  }\n}".into()),
            ),
            (
                json!({"x": "= 1"}),
                None,
                Shape::Table(vec![("x".into(), Shape::Expression("1".into()))]),
            ),
        ] {
            assert_eq!(shape(&ENGLISH, &value, kind.as_ref()), expected, "{value}");
        }
    }

    #[test]
    fn settings_come_in_the_order_of_the_catalog() {
        let config = json!({"zeta": 1, "path": "/x", "reply": "accepted"});
        let catalog = weir_flows::builtin::catalog();
        let entry = catalog.trigger("http");
        for (texts, expected) in [
            (
                &ENGLISH,
                [
                    ("Path", "/x"),
                    ("Reply", "Receipt at once (202)"),
                    ("zeta", "1"),
                ],
            ),
            (
                &GERMAN,
                [
                    ("Pfad", "/x"),
                    ("Antwort", "Sofort den Empfang bestätigen (202)"),
                    ("zeta", "1"),
                ],
            ),
        ] {
            let lines = lines(texts, config.as_object().unwrap(), entry);
            let expected =
                expected.map(|(label, word)| (label.to_owned(), Shape::Word(word.to_owned())));
            assert_eq!(lines, expected);
        }
    }
}
