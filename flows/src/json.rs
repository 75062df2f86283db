//! Strict reading of JSON text and its deterministic print.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::problem::{Problem, pointer};

/// Reads JSON text. Unlike a plain reader it does not drop a key that stands twice in one object:
/// each such key is a problem with its place.
pub fn read(text: &str) -> Result<Value, Vec<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut duplicates = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Strict {
        at: String::new(),
        duplicates: &mut duplicates,
    };
    let value = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    match value {
        Err(error) => Err(vec![Problem::error(
            "",
            "not_json",
            format!("this is not JSON: {error}; mend the text there"),
        )]),
        Ok(_) if !duplicates.is_empty() => Err(duplicates),
        Ok(value) => Ok(value),
    }
}

/// Prints any value as documents are stored and exported: two spaces, keys in a stable order, a newline at the end.
pub fn print(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

/// Whether two values are the same JSON, where 20 and 20.0 are the same number.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            a == b
                || a.as_f64() == b.as_f64()
                    && !(a.is_i64() && b.is_i64())
                    && !(a.is_u64() && b.is_u64())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

/// The word for a value's type that messages use.
pub fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads one value and notes keys that stand twice, each with its JSON Pointer.
struct Strict<'a> {
    at: String,
    duplicates: &'a mut Vec<Problem>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict {
            at: pointer(&self.at, list.len()),
            duplicates: &mut *self.duplicates,
        })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let mut twice = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let at = pointer(&self.at, &key);
            let value = entries.next_value_seed(Strict {
                at: at.clone(),
                duplicates: &mut *self.duplicates,
            })?;
            if object.insert(key.clone(), value).is_some() && twice.insert(key.clone()) {
                let message =
                    format!("the key `{key}` stands here twice; remove or rename one of them");
                self.duplicates
                    .push(Problem::error(at, "duplicate_key", message));
            }
        }
        Ok(Value::Object(object))
    }
}

/// Reads a typed value out of a JSON value that has passed its schema.
pub fn typed<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_found_with_its_place() {
        let problems =
            read(r#"{"a": {"x": 1, "x": 2}, "b": [{"k": 1, "k": 2, "k": 3}]}"#).unwrap_err();
        let places: Vec<_> = problems
            .iter()
            .map(|p| (p.at.as_str(), p.code.as_str()))
            .collect();
        assert_eq!(
            places,
            [("/a/x", "duplicate_key"), ("/b/0/k", "duplicate_key")]
        );
    }

    #[test]
    fn broken_text_names_line_and_column() {
        let problems = read("{\n  \"a\": 1,\n}").unwrap_err();
        assert!(
            problems[0].message.contains("line 3 column 1"),
            "{}",
            problems[0].message
        );
        assert_eq!(read("{} {}").unwrap_err()[0].code, "not_json");
    }

    #[test]
    fn numbers_keep_their_value() {
        for text in [
            "9223372036854775807",
            "18446744073709551615",
            "-9223372036854775808",
            "1.0",
            "0.1",
            "1e300",
        ] {
            let value = read(text).unwrap();
            let again = read(&value.to_string()).unwrap();
            assert_eq!(value, again, "{text}");
        }
        assert_eq!(read("1.0").unwrap().to_string(), "1.0");
        assert!(read("1e999").is_err());
    }

    #[test]
    fn keys_print_in_a_stable_order() {
        let value = read(r#"{"b":1,"a":{"d":1,"c":[]}}"#).unwrap();
        assert_eq!(
            print(&value).unwrap(),
            "{\n  \"a\": {\n    \"c\": [],\n    \"d\": 1\n  },\n  \"b\": 1\n}\n"
        );
    }

    #[test]
    fn sameness_is_by_value() {
        assert!(same(&json!({"a": [20, 1.5]}), &json!({"a": [20.0, 1.5]})));
        assert!(!same(
            &json!(9007199254740993_i64),
            &json!(9007199254740992_i64)
        ));
        assert!(!same(&json!("1"), &json!(1)));
    }
}
