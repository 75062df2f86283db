//! JSON Schemas that a flow's author writes: compiled once, checked often.

use std::{fmt, sync::Arc};

use jsonschema::{Validator, error::ValidationErrorKind};
use serde_json::Value;

use crate::problem::{Problem, pointer};

/// How many findings of one check are reported.
const MOST_FINDINGS: usize = 50;

/// A compiled JSON Schema (draft 2020-12 unless it names another).
#[derive(Clone)]
pub struct Schema(Arc<Validator>);

impl Schema {
    /// Compiles a schema. References to other documents are not followed.
    ///
    /// # Errors
    /// The place inside the schema as a JSON Pointer, and what is wrong there.
    pub fn compile(schema: &Value) -> Result<Schema, (String, String)> {
        if !schema.is_object() && !schema.is_boolean() {
            return Err((
                String::new(),
                "a JSON Schema is an object, such as {\"type\": \"object\"}".to_owned(),
            ));
        }
        if let Err(error) = jsonschema::meta::validate(schema) {
            return Err((
                error.instance_path().to_string(),
                format!("this is no JSON Schema: {error}"),
            ));
        }
        jsonschema::options()
            .should_validate_formats(true)
            .build(schema)
            .map(|validator| Schema(Arc::new(validator)))
            .map_err(|error| {
                (
                    error.instance_path().to_string(),
                    format!("this JSON Schema cannot be used: {error}"),
                )
            })
    }

    /// What of a value does not satisfy the schema, each with its place in the value; empty when all does.
    pub fn check(&self, value: &Value) -> Vec<Problem> {
        self.0
            .iter_errors(value)
            .take(MOST_FINDINGS)
            .flat_map(|error| findings(&error))
            .collect()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

/// One finding, placed at the field that is meant rather than at the object around it.
fn findings(error: &jsonschema::ValidationError<'_>) -> Vec<Problem> {
    let at = error.instance_path().to_string();
    let code = error.kind().keyword();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![Problem::error(
                pointer(&at, name),
                code,
                format!("`{name}` is missing"),
            )]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                Problem::error(
                    pointer(&at, name),
                    code,
                    format!("`{name}` is not expected here"),
                )
            })
            .collect(),
        _ => vec![Problem::error(at, code, shortened(&error.to_string()))],
    }
}

/// A message without the whole of a large value in it.
fn shortened(message: &str) -> String {
    const LONGEST: usize = 300;
    if message.len() <= LONGEST {
        return message.to_owned();
    }
    let mut tail: Vec<char> = message.chars().rev().take(LONGEST / 2).collect();
    tail.reverse();
    let head: String = message.chars().take(LONGEST / 2).collect();
    format!("{head}…{}", tail.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn findings_name_the_field() {
        let schema = Schema::compile(&json!({
            "type": "object", "required": ["order_id", "items"], "additionalProperties": false,
            "properties": { "order_id": {"type": "string"}, "items": {"type": "array", "items": {"type": "object", "required": ["qty"]}} }
        }))
        .unwrap();
        let places = |value: Value| {
            schema
                .check(&value)
                .into_iter()
                .map(|p| (p.at, p.code))
                .collect::<Vec<_>>()
        };
        assert_eq!(places(json!({"order_id": "a", "items": []})), []);
        let pair = |at: &str, code: &str| (at.to_owned(), code.to_owned());
        assert_eq!(
            places(json!({"order_id": 1, "items": []})),
            [pair("/order_id", "type")]
        );
        assert_eq!(
            places(json!({"order_id": "a"})),
            [pair("/items", "required")]
        );
        assert_eq!(
            places(json!({"order_id": "a", "items": [{}]})),
            [pair("/items/0/qty", "required")]
        );
        assert_eq!(
            places(json!({"order_id": "a", "items": [], "x": 1})),
            [pair("/x", "additionalProperties")]
        );
    }

    #[test]
    fn what_is_no_schema_is_refused_with_its_place() {
        assert!(Schema::compile(&json!("x")).is_err());
        let (at, _) =
            Schema::compile(&json!({"properties": {"a": {"type": "strin"}}})).unwrap_err();
        assert_eq!(at, "/properties/a/type");
        assert!(Schema::compile(&json!({"$ref": "https://example.com/other.json"})).is_err());
    }
}
