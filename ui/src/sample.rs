//! Messages that are made or typed: an example of a schema, and reading JSON out of a field.

use serde_json::{Map, Value, json};

use crate::texts::{Texts, fill};

/// How deep an example of a schema is made.
const DEPTH: usize = 12;

/// A value that a JSON Schema most likely accepts: its own examples where it has some, else one made of its types.
pub(crate) fn example(schema: &Value) -> Value {
    made(schema, schema, DEPTH)
}

fn made(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    let given = schema
        .pointer("/examples/0")
        .or_else(|| schema.get("example"))
        .or_else(|| schema.get("default"))
        .or_else(|| schema.get("const"))
        .or_else(|| schema.pointer("/enum/0"));
    if let Some(value) = given {
        return value.clone();
    }
    if let Some(place) = schema.get("$ref").and_then(Value::as_str) {
        let target = place
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer));
        return target.map_or(Value::Null, |target| made(target, root, depth - 1));
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(first) = schema.get(key).and_then(|all| all.get(0)) {
            return made(first, root, depth - 1);
        }
    }
    match type_of(schema) {
        "object" => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let fields = properties
                .into_iter()
                .flatten()
                .map(|(key, schema)| (key.clone(), made(schema, root, depth - 1)));
            Value::Object(fields.collect())
        }
        "array" => match schema.get("items") {
            Some(items) => json!([made(items, root, depth - 1)]),
            None => json!([]),
        },
        "string" => json!(text(schema)),
        "integer" => json!(schema.get("minimum").and_then(Value::as_i64).unwrap_or(1)),
        "number" => schema.get("minimum").cloned().unwrap_or(json!(1.5)),
        "boolean" => json!(true),
        _ => Value::Null,
    }
}

fn type_of(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        _ => None,
    };
    named.unwrap_or(if schema.get("properties").is_some() {
        "object"
    } else {
        ""
    })
}

fn text(schema: &Value) -> &'static str {
    match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-31T09:30:00Z",
        Some("date") => "2026-01-31",
        Some("email") => "ada@example.com",
        Some("uri") => "https://example.com/",
        Some("uuid") => "0190f5c8-7a1b-7c3d-8e5f-0123456789ab",
        _ => "text",
    }
}

/// Why something that was typed cannot be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mistake {
    /// No JSON: why, and where. Both numbers count from 1.
    NotJson {
        why: String,
        line: usize,
        column: usize,
    },
    /// JSON, but no object of texts.
    NotTexts,
}

impl Mistake {
    /// What a person reads.
    pub(crate) fn words(&self, t: &Texts) -> String {
        match self {
            Mistake::NotJson { why, line, column } => fill(
                t.try_not_json,
                &[
                    ("why", why),
                    ("line", &line.to_string()),
                    ("column", &column.to_string()),
                ],
            ),
            Mistake::NotTexts => t.try_not_object.to_owned(),
        }
    }
}

/// Reads a body; nothing typed is `null`.
pub(crate) fn read_body(text: &str) -> Result<Value, Mistake> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|error| {
        let whole = error.to_string();
        let why = whole.split(" at line ").next().unwrap_or(&whole).to_owned();
        Mistake::NotJson {
            why,
            line: error.line(),
            column: error.column(),
        }
    })
}

/// Reads headers or a query: an object of texts, numbers or booleans, or lists of them; nothing typed is empty.
pub(crate) fn read_texts(text: &str) -> Result<Map<String, Value>, Mistake> {
    let flat = |value: &Value| !value.is_object() && !value.is_array();
    match read_body(text)? {
        Value::Null => Ok(Map::new()),
        Value::Object(map)
            if map.values().all(|value| {
                flat(value) || value.as_array().is_some_and(|all| all.iter().all(flat))
            }) =>
        {
            Ok(map)
        }
        _ => Err(Mistake::NotTexts),
    }
}

/// A value as it is put into an editor; nothing for `null` and for an empty object.
pub(crate) fn typed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(map) if map.is_empty() => String::new(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_fit_their_schema() {
        for (schema, expected) in [
            (
                json!({"type": "string", "format": "email"}),
                json!("ada@example.com"),
            ),
            (json!({"type": ["null", "boolean"]}), json!(true)),
            (json!({"enum": ["x", "y"]}), json!("x")),
            (json!({"examples": [{"a": 1}]}), json!({"a": 1})),
            (
                json!({"type": "array", "items": {"type": "number", "minimum": 3}}),
                json!([3]),
            ),
            (
                json!({"$ref": "#/$defs/p", "$defs": {"p": {"type": "string"}}}),
                json!("text"),
            ),
            (
                json!({"anyOf": [{"type": "integer", "minimum": 5}]}),
                json!(5),
            ),
            (json!({"properties": {"a": {"const": 3}}}), json!({"a": 3})),
            (json!({"$ref": "#"}), Value::Null),
            (json!(true), Value::Null),
        ] {
            assert_eq!(example(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn what_is_typed_is_read_or_explained() {
        assert_eq!(read_body(" "), Ok(Value::Null));
        assert_eq!(read_body("{\"a\": 1}"), Ok(json!({"a": 1})));
        let Err(Mistake::NotJson { line, why, .. }) = read_body("{\n  a") else {
            panic!("must not be read")
        };
        assert_eq!((line, why.as_str()), (2, "key must be a string"));
        assert_eq!(
            read_texts("{\"a\": \"1\", \"b\": [1, 2]}").unwrap().len(),
            2
        );
        assert_eq!(read_texts("[1]"), Err(Mistake::NotTexts));
        assert_eq!(read_texts("{\"a\": {}}"), Err(Mistake::NotTexts));
    }

    #[test]
    fn emptiness_is_typed_as_nothing() {
        assert_eq!(
            (typed(&json!(null)), typed(&json!({})), typed(&json!(0))),
            (String::new(), String::new(), "0".into())
        );
    }
}
