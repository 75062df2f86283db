//! Schemas for a reader: what kind of value one is, its keys as a table, and a sample value.

use serde_json::{Map, Value, json};

use super::{
    push,
    text::{escape, inline, markdown},
    word,
};

/// How deep a sample goes. What lies deeper is left out.
const DEPTH: usize = 6;

/// The schemas of the document, by name.
pub(super) struct Schemas<'a>(pub(super) &'a Value);

/// The id of a schema on the page.
pub(super) fn anchor(name: &str) -> String {
    format!("schema-{}", escape(name))
}

impl<'a> Schemas<'a> {
    /// All schemas with their keys.
    pub(super) fn write(&self, out: &mut String) {
        for (name, schema) in self.0.as_object().into_iter().flatten() {
            push(
                out,
                format_args!(
                    "<article id=\"{}\" class=\"schema\"><h3>{}</h3>{}",
                    anchor(name),
                    escape(name),
                    markdown(word(&schema["description"]))
                ),
            );
            let parts = self.parts(schema);
            if parts.is_empty() {
                push(
                    out,
                    format_args!("<p>{}</p>", self.kind(&without_name(schema))),
                );
            }
            for part in parts {
                self.keys(part, out);
            }
            out.push_str("</article>");
        }
    }

    /// What kind of value a schema describes, in words, with links.
    pub(super) fn kind(&self, schema: &Value) -> String {
        if let Some(name) = self.name(schema) {
            return format!("<a href=\"#{}\">{}</a>", anchor(name), escape(name));
        }
        if let Some(constant) = schema.get("const") {
            return format!("<code>{}</code>", escape(&constant.to_string()));
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<String> = words
                .iter()
                .map(|word| format!("<code>{}</code>", escape(&plain(word))))
                .collect();
            return words.join(" ");
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(choices) = schema[choice].as_array() {
                let mut kinds: Vec<String> =
                    choices.iter().map(|choice| self.kind(choice)).collect();
                kinds.dedup();
                return kinds.join(" or ");
            }
        }
        if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice) {
            return self.kind(only);
        }
        match &schema["type"] {
            Value::Array(kinds) => kinds
                .iter()
                .map(|kind| self.of_type(word(kind), schema))
                .collect::<Vec<_>>()
                .join(" or "),
            kind => self.of_type(word(kind), schema),
        }
    }

    /// The name of the schema that is referred to.
    pub(super) fn name<'s>(&self, schema: &'s Value) -> Option<&'s str> {
        schema["$ref"]
            .as_str()?
            .strip_prefix("#/components/schemas/")
    }

    /// A value that a schema describes.
    pub(super) fn sample(&self, schema: &Value) -> Value {
        self.sample_at(schema, DEPTH)
    }

    fn sample_at(&self, schema: &Value, depth: usize) -> Value {
        let given = schema
            .get("example")
            .or_else(|| schema["examples"].get(0))
            .or_else(|| schema.get("const"))
            .or_else(|| schema["enum"].get(0));
        if let Some(given) = given {
            return given.clone();
        }
        if depth == 0 {
            return Value::Null;
        }
        if let Some(name) = self.name(schema) {
            return self.sample_at(&self.0[name], depth - 1);
        }
        if let Some(first) = ["oneOf", "anyOf"].iter().find_map(|choice| {
            schema[choice]
                .as_array()?
                .iter()
                .find(|choice| choice["type"] != "null")
        }) {
            return self.sample_at(first, depth - 1);
        }
        let parts = self.parts(schema);
        if !parts.is_empty() {
            let keys = parts
                .iter()
                .flat_map(|part| part["properties"].as_object())
                .flatten();
            return Value::Object(
                keys.map(|(key, schema)| (key.clone(), self.sample_at(schema, depth - 1)))
                    .collect(),
            );
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().map(word).collect(),
            kind => vec![word(kind)],
        };
        match kinds.first().copied().unwrap_or_default() {
            "string" => match word(&schema["format"]) {
                "date-time" => json!("2026-01-01T08:30:00.000Z"),
                "uuid" => json!("0193a1f2-7c00-7000-8000-000000000000"),
                _ => json!("text"),
            },
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            "boolean" => json!(true),
            "array" => json!([self.sample_at(&schema["items"], depth - 1)]),
            "object" => json!({}),
            _ => Value::Null,
        }
    }

    fn of_type(&self, kind: &str, schema: &Value) -> String {
        match kind {
            "array" => format!("list of {}", self.kind(&schema["items"])),
            "object" => match schema.get("additionalProperties") {
                Some(entry @ Value::Object(entries)) if !entries.is_empty() => {
                    format!("object of {}", self.kind(entry))
                }
                _ => "object".to_owned(),
            },
            "string" => match word(&schema["format"]) {
                "date-time" => "time".to_owned(),
                "uuid" => "UUID".to_owned(),
                _ => "text".to_owned(),
            },
            "integer" => "whole number".to_owned(),
            "" => "any value".to_owned(),
            other => escape(other),
        }
    }

    /// The parts of a schema that have keys: itself, or what it is put together from.
    fn parts<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        if schema.get("properties").is_some() {
            return vec![schema];
        }
        let all = schema["allOf"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        all.iter()
            .flat_map(|part| self.parts(self.name(part).map_or(part, |name| &self.0[name])))
            .collect()
    }

    fn keys(&self, schema: &Value, out: &mut String) {
        out.push_str("<div class=\"wide\"><table><thead><tr><th>Key</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
        let needed: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .map(word)
            .collect();
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            let mark = if needed.contains(&key.as_str()) {
                ""
            } else {
                " <em>optional</em>"
            };
            push(
                out,
                format_args!(
                    "<tr><td><code>{}</code>{mark}</td><td>{}</td><td>{}</td></tr>",
                    escape(key),
                    self.kind(schema),
                    inline(word(&schema["description"]))
                ),
            );
        }
        out.push_str("</tbody></table></div>");
    }
}

/// A schema without what its heading says already.
fn without_name(schema: &Value) -> Value {
    let entries: Map<String, Value> = schema
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "description")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Value::Object(entries)
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_samples_follow_the_schema() {
        let named = json!({ "Item": { "type": "object", "required": ["id"], "properties": {
            "id": { "type": "string", "example": "a" }, "at": { "type": ["string", "null"], "format": "date-time" },
            "next": { "$ref": "#/components/schemas/Item" } } } });
        let schemas = Schemas(&named);
        let list = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Item" } });
        assert_eq!(
            schemas.kind(&list),
            "list of <a href=\"#schema-Item\">Item</a>"
        );
        assert_eq!(
            schemas.kind(&json!({ "enum": ["a", "b"] })),
            "<code>a</code> <code>b</code>"
        );
        assert_eq!(
            schemas.kind(&json!({ "type": ["integer", "null"] })),
            "whole number or null"
        );
        let sample = schemas.sample(&list);
        assert_eq!(
            (&sample[0]["id"], &sample[0]["at"]),
            (&json!("a"), &json!("2026-01-01T08:30:00.000Z"))
        );
        assert_eq!(sample[0]["next"]["id"], "a");
    }
}
