//! The JSON Schema of the flow file, generated from the Rust types, and the check of a document against it.

use std::sync::LazyLock;

use jsonschema::{
    Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::{Value, json};

use crate::{
    document::{Body, FORMAT, Flow},
    json::type_word,
    problem::{Problem, pointer, suggestion},
};

/// The JSON Schema (draft 2020-12) of `weir/flow@1`, for editors and other tools.
pub fn schema() -> &'static Value {
    &SCHEMA
}

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = schemars::schema_for!(Flow).to_value();
    let slug = json!({ "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$" });
    schema["title"] = json!("Weir flow");
    schema["properties"]["id"]["pattern"] = slug["pattern"].clone();
    for map in ["triggers", "steps"] {
        schema["properties"][map]["propertyNames"] = slug.clone();
    }
    // The settings of a step are free but for the body of an `each`, which is made of the same parts as a flow.
    let mut body = schemars::schema_for!(Body).to_value();
    if let Value::Object(keys) = &mut body {
        keys.remove("$schema");
        keys.remove("$defs");
    }
    body["properties"]["steps"]["propertyNames"] = slug;
    schema["$defs"]["Body"] = body;
    let step = &mut schema["$defs"]["Step"];
    step["if"] = json!({ "properties": { "kind": { "const": "each" } } });
    step["then"] = json!({
        "properties": { "config": { "properties": { "body": { "$ref": "#/$defs/Body" } } } }
    });
    schema
});

static VALIDATOR: LazyLock<Result<Validator, String>> =
    LazyLock::new(|| jsonschema::draft202012::new(schema()).map_err(|error| error.to_string()));

/// Reads a document: its typed form, or every problem with its shape.
pub fn read(value: &Value) -> Result<Flow, Vec<Problem>> {
    if let Some(problem) = other_format(value) {
        return Err(vec![problem]);
    }
    let validator = VALIDATOR
        .as_ref()
        .map_err(|error| vec![Problem::error("", "schema", error.clone())])?;
    let mut problems: Vec<Problem> = validator
        .iter_errors(value)
        .flat_map(|error| problems(&error))
        .collect();
    if problems.is_empty() {
        return serde_json::from_value(value.clone()).map_err(|error| {
            vec![Problem::error(
                "",
                "wrong_shape",
                format!("{error}; see the JSON Schema of the flow file"),
            )]
        });
    }
    problems.sort();
    problems.dedup();
    Err(problems)
}

/// A document that is no flow at all, or one of a later format, gets one clear sentence instead of many.
fn other_format(value: &Value) -> Option<Problem> {
    let Value::Object(document) = value else {
        let message = format!(
            "a flow is a JSON object, but this is {}; export a flow to see what one looks like",
            type_word(value)
        );
        return Some(Problem::error("", "not_a_flow", message));
    };
    match document.get("format") {
        None => {
            let message = format!(
                "the document does not say its format; a flow starts with \"format\": \"{FORMAT}\""
            );
            Some(Problem::error("", "missing_format", message))
        }
        Some(format) if format != FORMAT => {
            let message =
                format!("the format {format} is not known here; this server reads \"{FORMAT}\"");
            Some(Problem::error("/format", "unknown_format", message))
        }
        Some(_) => None,
    }
}

/// Our words for one finding of the schema validator.
fn problems(error: &jsonschema::ValidationError<'_>) -> Vec<Problem> {
    let at = error.instance_path().to_string();
    let found = error.instance();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = known_keys(error);
            unexpected
                .iter()
                .map(|key| {
                    let advice = suggestion(key, known.iter().map(String::as_str));
                    let message = format!("`{key}` is not a key here{advice}{}", list(&known));
                    Problem::error(pointer(&at, key), "unknown_key", message)
                })
                .collect()
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            vec![Problem::error(
                at,
                "missing_key",
                format!("`{key}` is missing here; add it"),
            )]
        }
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => kinds
                    .iter()
                    .map(|kind| kind.to_string())
                    .collect::<Vec<_>>()
                    .join(" or "),
            };
            vec![Problem::error(
                at,
                "wrong_type",
                format!(
                    "this must be of type {wanted}, but it is {}",
                    type_word(found)
                ),
            )]
        }
        ValidationErrorKind::PropertyNames { error: inner } => {
            let name = inner.instance().as_str().unwrap_or_default().to_owned();
            vec![bad_id(&pointer(&at, &name), &name)]
        }
        ValidationErrorKind::Pattern { .. } if at == "/id" => {
            vec![bad_id("/id", found.as_str().unwrap_or_default())]
        }
        ValidationErrorKind::Pattern { .. } => {
            let message = format!(
                "{found} is not a duration; write a whole number and a unit: 250ms, 10s, 5m, 2h or 7d"
            );
            vec![Problem::error(at, "bad_duration", message)]
        }
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            // A choice between forms: what the nearest form says is the most useful, else the list of words.
            let words = constants(context, &at);
            if !words.is_empty() {
                let advice = suggestion(
                    found.as_str().unwrap_or_default(),
                    words.iter().map(String::as_str),
                );
                return vec![Problem::error(
                    at,
                    "bad_value",
                    format!(
                        "{found} is not possible here{advice}; one of: {}",
                        words.join(", ")
                    ),
                )];
            }
            let meant = context
                .iter()
                .filter(|form| !form.iter().any(is_null_form))
                .min_by_key(|form| form.len());
            meant.map_or_else(
                || {
                    vec![Problem::error(
                        at,
                        "bad_value",
                        format!("{} is not possible here", type_word(found)),
                    )]
                },
                |form| form.iter().flat_map(|error| problems(error)).collect(),
            )
        }
        ValidationErrorKind::Enum { options } => {
            vec![Problem::error(
                at,
                "bad_value",
                format!("{found} is not possible here; one of: {options}"),
            )]
        }
        _ => vec![Problem::error(at, "bad_value", error.to_string())],
    }
}

/// The words of a choice between constants at one place.
fn constants(context: &[Vec<jsonschema::ValidationError<'static>>], at: &str) -> Vec<String> {
    let here = context
        .iter()
        .flatten()
        .filter(|error| error.instance_path().as_str() == at);
    let words = here.filter_map(|error| match error.kind() {
        ValidationErrorKind::Constant { expected_value } => {
            expected_value.as_str().map(|word| vec![word.to_owned()])
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array()?;
            Some(
                options
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )
        }
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            Some(constants(context, at))
        }
        _ => None,
    });
    words.flatten().collect()
}

fn is_null_form(error: &jsonschema::ValidationError<'static>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(kind) } if kind.to_string() == "null")
}

fn bad_id(at: &str, id: &str) -> Problem {
    let message = format!(
        "`{id}` cannot be an id; use lower-case letters, digits, `-` and `_`, at most 63 of them, starting with a letter or digit"
    );
    Problem::error(at, "bad_id", message)
}

/// The keys that the schema knows where an unknown one was found.
fn known_keys(error: &jsonschema::ValidationError<'_>) -> Vec<String> {
    let path = error.schema_path().to_string();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let properties = resolve(schema(), parent)
        .and_then(|schema| schema.get("properties"))
        .and_then(Value::as_object);
    properties
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

/// Follows a schema path that may run through `$ref`.
fn resolve<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let mut here = root;
    for segment in path.split('/').skip(1) {
        if segment == "$ref" {
            here = root.pointer(here.get("$ref")?.as_str()?.strip_prefix('#')?)?;
        } else {
            here = match here {
                Value::Array(items) => items.get(segment.parse::<usize>().ok()?)?,
                other => other.get(segment.replace("~1", "/").replace("~0", "~"))?,
            };
        }
    }
    Some(here)
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!("; known are: {}", known.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(document: Value) -> Vec<(String, String)> {
        read(&document)
            .unwrap_err()
            .into_iter()
            .map(|p| (p.at, p.code))
            .collect()
    }

    fn pair(at: &str, code: &str) -> (String, String) {
        (at.to_owned(), code.to_owned())
    }

    #[test]
    fn the_smallest_document_is_read() {
        let flow = read(&json!({"format": FORMAT, "id": "a"})).unwrap();
        assert_eq!(flow.id, "a");
    }

    #[test]
    fn every_wrong_shape_has_its_place_and_code() {
        assert_eq!(found(json!([])), [pair("", "not_a_flow")]);
        assert_eq!(found(json!({"id": "a"})), [pair("", "missing_format")]);
        assert_eq!(
            found(json!({"format": "weir/flow@9", "id": "a"})),
            [pair("/format", "unknown_format")]
        );
        assert_eq!(found(json!({"format": FORMAT})), [pair("", "missing_key")]);
        assert_eq!(
            found(json!({"format": FORMAT, "id": "A b"})),
            [pair("/id", "bad_id")]
        );
        assert_eq!(
            found(json!({"format": FORMAT, "id": 3})),
            [pair("/id", "wrong_type")]
        );
        assert_eq!(
            found(json!({"format": FORMAT, "id": "a", "stepz": {}})),
            [pair("/stepz", "unknown_key")]
        );
        let step = |step: Value| found(json!({"format": FORMAT, "id": "a", "steps": {"s": step}}));
        assert_eq!(step(json!({})), [pair("/steps/s", "missing_key")]);
        assert_eq!(
            step(json!({"kind": "map", "retri": {}})),
            [pair("/steps/s/retri", "unknown_key")]
        );
        assert_eq!(
            step(json!({"kind": "map", "timeout": "soon"})),
            [pair("/steps/s/timeout", "bad_duration")]
        );
        assert_eq!(
            step(json!({"kind": "map", "timeout": 5})),
            [pair("/steps/s/timeout", "wrong_type")]
        );
        assert_eq!(
            step(json!({"kind": "map", "on_error": "contine"})),
            [pair("/steps/s/on_error", "bad_value")]
        );
        assert_eq!(
            step(json!({"kind": "map", "retry": {"attempts": 0}})),
            [pair("/steps/s/retry/attempts", "bad_value")]
        );
        assert_eq!(
            step(json!({"kind": "map", "retry": {"on": ["never"]}})),
            [pair("/steps/s/retry/on/0", "bad_value")]
        );
        assert_eq!(
            found(json!({"format": FORMAT, "id": "a", "steps": {"S!": {"kind": "map"}}})),
            [pair("/steps/S!", "bad_id")]
        );
        let each = |body: Value| step(json!({"kind": "each", "config": {"body": body}}));
        let at = "/steps/s/config/body";
        let inside = |place: &str, code: &str| [pair(&format!("{at}{place}"), code)];
        assert_eq!(each(json!(1)), inside("", "wrong_type"));
        assert_eq!(each(json!({})), inside("", "missing_key"));
        assert_eq!(
            each(json!({"steps": {}, "stepz": {}})),
            inside("/stepz", "unknown_key")
        );
        assert_eq!(
            each(json!({"steps": {"S!": {"kind": "map"}}})),
            inside("/steps/S!", "bad_id")
        );
        assert_eq!(
            each(json!({"steps": {"x": {"kind": "map", "timeout": "soon"}}})),
            inside("/steps/x/timeout", "bad_duration")
        );
        let deeper = json!({"kind": "each", "config": {"body": {"steps": {"y": {"kid": "map"}}}}});
        assert_eq!(
            each(json!({"steps": {"x": deeper}})),
            [
                pair(&format!("{at}/steps/x/config/body/steps/y"), "missing_key"),
                pair(
                    &format!("{at}/steps/x/config/body/steps/y/kid"),
                    "unknown_key"
                )
            ]
        );
        assert_eq!(
            found(json!({"format": FORMAT, "id": "a", "links": [{"from": "a"}]})),
            [pair("/links/0", "missing_key")]
        );
    }

    #[test]
    fn unknown_keys_are_explained() {
        let problems = read(
            &json!({"format": FORMAT, "id": "a", "steps": {"s": {"kind": "map", "retri": {}}}}),
        )
        .unwrap_err();
        assert!(
            problems[0].message.contains("did you mean `retry`?"),
            "{}",
            problems[0].message
        );
        let problems = read(&json!({"format": FORMAT, "id": "a", "steps": {"s": {"kind": "map", "on_error": "contine"}}})).unwrap_err();
        assert!(
            problems[0].message.contains("did you mean `continue`?"),
            "{}",
            problems[0].message
        );
        let body = json!({"kind": "each", "config": {"body": {"steps": {"x": {"kind": "map", "retri": {}}}}}});
        let problems =
            read(&json!({"format": FORMAT, "id": "a", "steps": {"s": body}})).unwrap_err();
        assert!(
            problems[0].message.contains("did you mean `retry`?"),
            "{}",
            problems[0].message
        );
    }
}
