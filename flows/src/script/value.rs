//! From the engine's values back to JSON.

use super::bounds;
use super::library::date::Time;
use super::view::{ListView, MapView};
use rhai::{Dynamic, FnPtr};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Number, Value};
use std::fmt;
use std::sync::Arc;

/// Why a value cannot be JSON, and where in it.
#[derive(Debug)]
pub(crate) struct NotJson {
    what: String,
    path: Vec<String>,
}

impl fmt::Display for NotJson {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return out.write_str(&self.what);
        }
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        write!(out, "{} (at {})", self.what, path.trim_start_matches('.'))
    }
}

/// The result of a script. A view of a whole input gives that input, not a copy.
pub(crate) fn shared(value: &Dynamic) -> Result<Arc<Value>, NotJson> {
    let whole = if let Some(map) = value.read_lock::<MapView>() {
        map.whole()
    } else if let Some(list) = value.read_lock::<ListView>() {
        list.whole()
    } else {
        None
    };
    match whole {
        Some(whole) => Ok(whole),
        None => to_json(value).map(Arc::new),
    }
}

/// A copy of a value as JSON.
///
/// `()` becomes null, a decimal the number it stands for, a time RFC 3339 text.
pub(crate) fn to_json(value: &Dynamic) -> Result<Value, NotJson> {
    convert(value, 0, bounds::nesting())
}

fn convert(value: &Dynamic, depth: usize, limit: usize) -> Result<Value, NotJson> {
    let refuse = |what: String| NotJson {
        what,
        path: Vec::new(),
    };
    if depth > limit {
        return Err(refuse(bounds::too_deep(limit)));
    }
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(yes) = value.as_bool() {
        return Ok(Value::Bool(yes));
    }
    if let Ok(integer) = value.as_int() {
        return Ok(integer.into());
    }
    if let Ok(float) = value.as_float() {
        return Number::from_f64(float).map(Value::Number).ok_or_else(|| {
            refuse(format!(
                "{} is not a number that JSON can hold; was something divided by zero?",
                if float.is_nan() { "NaN" } else { "infinity" }
            ))
        });
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Value::String(text.to_string()));
    }
    if let Ok(letter) = value.as_char() {
        return Ok(Value::String(letter.into()));
    }
    if let Ok(list) = value.as_array_ref() {
        let mut items = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            items
                .push(convert(item, depth + 1, limit).map_err(|e| e.within(format!("[{index}]")))?);
        }
        return Ok(Value::Array(items));
    }
    if let Ok(map) = value.as_map_ref() {
        let mut object = serde_json::Map::new();
        for (key, item) in map.iter() {
            let item = convert(item, depth + 1, limit).map_err(|e| e.within(format!(".{key}")))?;
            object.insert(key.to_string(), item);
        }
        return Ok(Value::Object(object));
    }
    if let Some(map) = value.read_lock::<MapView>() {
        let json = map.json();
        deepest(&json, depth, limit).map_err(refuse)?;
        return Ok(json);
    }
    if let Some(list) = value.read_lock::<ListView>() {
        let json = Value::Array(list.json().to_vec());
        deepest(&json, depth, limit).map_err(refuse)?;
        return Ok(json);
    }
    if let Ok(decimal) = value.as_decimal() {
        return Ok(Value::Number(decimal_number(decimal)));
    }
    if let Some(time) = value.read_lock::<Time>() {
        return Ok(Value::String(time.to_string()));
    }
    Err(refuse(if value.is::<FnPtr>() {
        "a function cannot be part of a result; was it meant to be called?".to_owned()
    } else if value.is_blob() {
        "raw bytes cannot be part of a result; turn them into text first".to_owned()
    } else if value.is::<std::ops::Range<i64>>() || value.is::<std::ops::RangeInclusive<i64>>() {
        "a range cannot be part of a result; use `to_list(…)` to make a list of it".to_owned()
    } else {
        format!("{} cannot be part of a result", short(value.type_name()))
    }))
}

/// A decimal as a JSON number: exact if it is whole and fits 64 bits, else the nearest float.
fn decimal_number(decimal: Decimal) -> Number {
    if decimal.scale() == 0 {
        if let Some(integer) = decimal.to_i64() {
            return integer.into();
        }
        if let Some(large) = decimal.to_u64() {
            return large.into();
        }
    }
    // The text of a decimal read as a float is the nearest float, which `to_f64` does not promise.
    decimal
        .to_string()
        .parse()
        .ok()
        .and_then(Number::from_f64)
        .unwrap_or_else(|| 0.into())
}

impl NotJson {
    fn within(mut self, segment: String) -> Self {
        self.path.push(segment);
        self
    }
}

fn deepest(value: &Value, depth: usize, limit: usize) -> Result<(), String> {
    if depth > limit {
        return Err(bounds::too_deep(limit));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|v| deepest(v, depth + 1, limit)),
        Value::Object(map) => map.values().try_for_each(|v| deepest(v, depth + 1, limit)),
        _ => Ok(()),
    }
}

fn short(type_name: &str) -> &str {
    type_name.rsplit("::").next().unwrap_or(type_name)
}

/// JSON as values of the script's own, for functions that build.
pub(crate) fn from_json(value: Value) -> Dynamic {
    match value {
        Value::Array(_) | Value::Object(_) => super::view::of(&Arc::new(value)),
        scalar => super::view::of(&Arc::new(scalar)),
    }
}
