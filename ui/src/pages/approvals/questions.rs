//! The fields of a form that is described by a JSON Schema, and the value that is filled in.

use serde_json::{Map, Value};

/// One field of a form.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    /// The property.
    pub(super) name: String,
    /// What a person reads.
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) required: bool,
    pub(super) kind: Kind,
    /// What is filled in beforehand, as it is typed.
    pub(super) start: String,
}

/// How a field is filled in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Truth,
    /// One of these values.
    Choice(Vec<Value>),
    /// Anything else, as JSON.
    Json,
}

/// The fields that a schema asks for: those that must be filled in first, in the order that the schema says.
pub(super) fn questions(schema: &Value) -> Vec<Question> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let required = schema.get("required").and_then(Value::as_array);
    let required: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let first = required
        .iter()
        .filter_map(|name| properties.get_key_value(*name));
    let rest = properties
        .iter()
        .filter(|(name, _)| !required.contains(&name.as_str()));
    let of = |(name, schema): (&String, &Value)| {
        let text = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = kind(schema);
        let title = text("title");
        Question {
            label: if title.is_empty() { name } else { title }.to_owned(),
            hint: text("description").to_owned(),
            required: required.contains(&name.as_str()),
            start: schema
                .get("default")
                .map(|value| typed(&kind, value))
                .unwrap_or_default(),
            kind,
            name: name.clone(),
        }
    };
    first.chain(rest).map(of).collect()
}

fn kind(schema: &Value) -> Kind {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Kind::Choice(values.clone());
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => Kind::Text,
        Some("number" | "integer") => Kind::Number,
        Some("boolean") => Kind::Truth,
        _ => Kind::Json,
    }
}

/// A value as it would be typed.
pub(super) fn typed(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Text | Kind::Choice(_), Value::String(text)) => text.clone(),
        _ => value.to_string(),
    }
}

/// The value of what was typed: nothing where the field stays empty. What cannot be read goes as the text that it is, so that the
/// server says what is wrong with it.
fn read(kind: &Kind, text: &str) -> Option<Value> {
    let json = || serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    match kind {
        Kind::Truth => Some(Value::Bool(text == "true")),
        _ if text.trim().is_empty() => None,
        Kind::Text => Some(text.into()),
        Kind::Choice(values) => values
            .iter()
            .find(|value| typed(kind, value) == text)
            .cloned(),
        Kind::Number | Kind::Json => Some(json()),
    }
}

/// What was filled in.
pub(super) fn answers<'a>(
    filled: impl Iterator<Item = (&'a Question, String)>,
) -> Map<String, Value> {
    let entry = |(question, text): (&Question, String)| {
        Some((question.name.clone(), read(&question.kind, &text)?))
    };
    filled.filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_makes_fields_and_what_is_typed_a_value() {
        let schema = json!({ "type": "object", "required": ["reason", "amount"], "properties": {
            "amount": { "type": "number", "default": 5 },
            "cost_centre": { "enum": ["A", 7], "title": "Cost centre" },
            "lines": { "type": "array" }, "reason": { "type": "string", "description": "Why" }, "urgent": { "type": "boolean" }
        } });
        let questions = questions(&schema);
        let names: Vec<&str> = questions.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            ["reason", "amount", "cost_centre", "lines", "urgent"]
        );
        assert_eq!(
            (questions[1].start.as_str(), questions[2].label.as_str()),
            ("5", "Cost centre")
        );
        let texts = ["because", "12.5", "7", "[1]", "true"];
        let filled = questions.iter().zip(texts.map(str::to_owned));
        assert_eq!(
            Value::Object(answers(filled)),
            json!({ "reason": "because", "amount": 12.5, "cost_centre": 7, "lines": [1], "urgent": true })
        );
        // What is left empty is not there; what is no number is left to the server to say.
        let filled = questions
            .iter()
            .zip(["", "many", "", "", "false"].map(str::to_owned));
        assert_eq!(
            Value::Object(answers(filled)),
            json!({ "amount": "many", "urgent": false })
        );
    }

    #[test]
    fn what_has_no_fields_asks_for_nothing() {
        assert_eq!(questions(&json!({ "type": "object" })), []);
        assert_eq!(questions(&Value::Null), []);
    }
}
