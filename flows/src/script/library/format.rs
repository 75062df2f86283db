//! JSON and form data.

use super::encoding::{form_decode, form_encode};
use super::{Fallible, define, documented, plain};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use crate::script::thaw::own;
use crate::script::value;
use rhai::{Array, Dynamic, Map, Module};
use serde_json::Value;

fn parse_json(text: &str) -> Fallible<Dynamic> {
    bounds::spend(text.len() / 16)?;
    serde_json::from_str::<Value>(text)
        .map(value::from_json)
        .map_err(|problem| complaint(format!("the text is not JSON: {problem}")))
}

fn to_json(value: &Dynamic, pretty: bool) -> Fallible<String> {
    let json = value::shared(value).map_err(|problem| complaint(problem.to_string()))?;
    let text = if pretty {
        serde_json::to_string_pretty(&*json)
    } else {
        serde_json::to_string(&*json)
    };
    let text = text.map_err(|problem| complaint(problem.to_string()))?;
    bounds::text_of(text.len())?;
    Ok(text)
}

fn parse_form(text: &str) -> Fallible<Map> {
    bounds::spend(text.len() / 16)?;
    let mut map = Map::new();
    let text = text.strip_prefix('?').unwrap_or(text);
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (form_decode(key), Dynamic::from(form_decode(value)));
        match map.get_mut(key.as_str()) {
            None => {
                map.insert(key.into(), value);
            }
            Some(first) => {
                if let Some(mut list) = first.write_lock::<Array>() {
                    list.push(value);
                    continue;
                }
                *first = Dynamic::from_array(vec![first.take(), value]);
            }
        }
    }
    bounds::map_of(map.len())?;
    Ok(map)
}

fn to_form(map: &Map) -> Fallible<String> {
    let mut out = String::new();
    let mut pair = |key: &str, value: &Dynamic| {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&form_encode(key));
        out.push('=');
        out.push_str(&form_encode(&plain(value)));
        bounds::text_of(out.len())
    };
    for (key, value) in map {
        let mut value = value.clone();
        own(&mut value);
        if let Some(list) = value.read_lock::<Array>() {
            for item in list.iter() {
                pair(key, item)?;
            }
            continue;
        }
        if !value.is_unit() {
            pair(key, &value)?;
        }
    }
    Ok(out)
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    define!(module, "parse_json", |text: &str| parse_json(text));
    define!(module, "to_json", |value: Dynamic| to_json(&value, false));
    define!(module, "to_string" | "print", |value: Map| to_json(
        &value.into(),
        false
    ));
    define!(module, "to_string" | "print", |value: Array| to_json(
        &value.into(),
        false
    ));
    define!(module, "to_json", |value: Map| to_json(
        &value.into(),
        false
    ));
    define!(module, "to_json", |value: Dynamic, pretty: bool| to_json(
        &value, pretty
    ));
    define!(module, "is_json", |text: &str| -> Fallible<bool> {
        bounds::spend(text.len() / 16)?;
        Ok(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
    });
    define!(module, "parse_form", |text: &str| parse_form(text));
    super::define_reading!(module, "to_form", |map: &mut Map| to_form(map));
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Format;
    "parse_json" "parse_json(text) -> value", "Reads JSON.", "parse_json(`{\"a\":[1,2.0]}`).a" => "[1,2.0]";
    "to_json" "to_json(value, pretty?) -> text", "Prints JSON; with true on several lines.", "to_json(#{ b: (), a: \"x\" })" => r#""{\"a\":\"x\",\"b\":null}""#;
    "is_json" "is_json(text) -> bool", "Whether the text is JSON.", "is_json(\"{oops}\")" => "false";
    "parse_form" "parse_form(text) -> map", "Reads a query or form: repeated keys become lists.", "parse_form(\"a=1&b=x+y&a=2\")" => r#"{"a":["1","2"],"b":"x y"}"#;
    "to_form" "to_form(map) -> text", "Prints a query or form; lists as repeated keys, without what is ().", "to_form(#{ q: \"a&b\", id: [1, 2], x: () })" => r#""id=1&id=2&q=a%26b""#;
};
