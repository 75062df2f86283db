//! Picking values out of nested ones: paths with defaults, and JSONPath.

use super::{Fallible, define, documented};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use crate::script::path::Path;
use crate::script::value;
use crate::script::view::{self, ListView, MapView};
use rhai::{Array, Dynamic, INT, Map, Module};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// What stands at a path like `a.b[0].c`; `()` if it leads nowhere. A key that is written just so
/// comes first.
pub(super) fn get(value: &Dynamic, path: &str) -> Fallible<Dynamic> {
    let exact = field(value, path);
    if !exact.is_unit() {
        return Ok(exact);
    }
    follow(value.clone(), parts(path)?)
}

/// The same without a copy of the map.
fn get_of_map(map: &Map, path: &str) -> Fallible<Dynamic> {
    if let Some(exact) = map.get(path) {
        return Ok(exact.clone());
    }
    let mut parts = parts(path)?;
    if parts.is_empty() {
        return Ok(Dynamic::UNIT);
    }
    let rest = parts.split_off(1);
    match &parts[0] {
        Part::Key(key) => follow(map.get(key.as_str()).cloned().unwrap_or_default(), rest),
        Part::Index(_) => Ok(Dynamic::UNIT),
    }
}

fn follow(mut here: Dynamic, parts: Vec<Part>) -> Fallible<Dynamic> {
    for part in parts {
        here = match part {
            Part::Key(key) => field(&here, &key),
            Part::Index(index) => item(&here, index),
        };
        if here.is_unit() {
            break;
        }
    }
    Ok(here)
}

enum Part {
    Key(String),
    Index(INT),
}

fn parts(path: &str) -> Fallible<Vec<Part>> {
    let wrong = || {
        complaint(format!(
            "`{path}` is not a path; write one like customer.items[0].sku"
        ))
    };
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']').ok_or_else(wrong)?;
            let quoted = index
                .strip_prefix('"')
                .and_then(|key| key.strip_suffix('"'))
                .or_else(|| {
                    index
                        .strip_prefix('\'')
                        .and_then(|key| key.strip_suffix('\''))
                });
            parts.push(match quoted {
                Some(key) => Part::Key(key.to_owned()),
                None => Part::Index(index.trim().parse().map_err(|_| wrong())?),
            });
            rest = after;
        } else {
            let start = rest
                .strip_prefix('.')
                .filter(|_| !parts.is_empty())
                .unwrap_or(rest);
            let end = start.find(['.', '[']).unwrap_or(start.len());
            if end == 0 {
                return Err(wrong());
            }
            parts.push(Part::Key(start[..end].to_owned()));
            rest = &start[end..];
        }
    }
    Ok(parts)
}

fn field(value: &Dynamic, key: &str) -> Dynamic {
    if let Some(map) = value.read_lock::<MapView>() {
        return map.field(key);
    }
    value
        .read_lock::<Map>()
        .and_then(|map| map.get(key).cloned())
        .unwrap_or_default()
}

fn item(value: &Dynamic, index: INT) -> Dynamic {
    if let Some(list) = value.read_lock::<ListView>() {
        return list.at(index).unwrap_or_default();
    }
    let Some(list) = value.read_lock::<Array>() else {
        return Dynamic::UNIT;
    };
    let position = if index < 0 {
        usize::try_from(index.unsigned_abs())
            .ok()
            .and_then(|back| list.len().checked_sub(back))
    } else {
        usize::try_from(index).ok()
    };
    position
        .and_then(|position| list.get(position).cloned())
        .unwrap_or_default()
}

/// A compiled path. Scripts tend to use few, and again and again.
fn compiled(source: &str) -> Fallible<Arc<Path>> {
    const KEPT: usize = 256;
    thread_local! {
        static PATHS: RefCell<HashMap<String, Arc<Path>>> = RefCell::new(HashMap::new());
    }
    if let Some(path) = PATHS.with(|paths| paths.borrow().get(source).cloned()) {
        return Ok(path);
    }
    let path = Path::parse(source)
        .map(Arc::new)
        .map_err(|problem| complaint(format!("`{source}` is not a JSONPath: {problem}")))?;
    PATHS.with(|paths| {
        let mut paths = paths.borrow_mut();
        if paths.len() >= KEPT {
            paths.clear();
        }
        paths.insert(source.to_owned(), Arc::clone(&path));
    });
    Ok(path)
}

fn whole(value: &Dynamic) -> Fallible<Arc<Value>> {
    value::shared(value).map_err(|problem| complaint(problem.to_string()))
}

fn select(value: &Dynamic, source: &str) -> Fallible<Array> {
    let path = compiled(source)?;
    let json = whole(value)?;
    let found = view::selected(&json, |root| {
        path.select_while(root, &mut |nodes| bounds::spend(nodes).is_ok())
    })
    .ok_or_else(|| bounds::stop("the script does too much work while it follows a JSONPath"))?;
    bounds::list_of(found.len())?;
    Ok(found)
}

fn pick_keys(map: &Map, keys: &Array) -> Map {
    keys.iter()
        .filter_map(|key| {
            key.as_immutable_string_ref()
                .ok()
                .map(|key| key.to_string())
        })
        .filter_map(|key| {
            map.get(key.as_str())
                .map(|value| (key.into(), value.clone()))
        })
        .collect()
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    super::define_reading!(module, "get", |map: &mut Map, path: &str| get_of_map(
        map, path
    ));
    define!(module, "get", |value: Array, path: &str| get(
        &Dynamic::from_array(value),
        path
    ));
    define!(module, "get", |value: MapView, path: &str| get(
        &Dynamic::from(value),
        path
    ));
    define!(module, "get", |value: ListView, path: &str| get(
        &Dynamic::from(value),
        path
    ));
    define!(module, "get", |_nothing: (), _path: &str| ());
    define!(module, "get", |value: Dynamic,
                            path: &str,
                            default: Dynamic|
     -> Fallible<Dynamic> {
        let found = get(&value, path)?;
        Ok(if found.is_unit() { default } else { found })
    });
    define!(module, "path", |value: Dynamic, path: &str| select(
        &value, path
    ));
    define!(module, "path_one", |value: Dynamic,
                                 path: &str|
     -> Fallible<Dynamic> {
        Ok(select(&value, path)?.into_iter().next().unwrap_or_default())
    });
    super::define_reading!(module, "pick", |map: &mut Map, keys: Array| pick_keys(
        map, &keys
    ));
    super::define_reading!(module, "omit", |map: &mut Map, keys: Array| {
        let mut rest = map.clone();
        for key in &keys {
            if let Ok(key) = key.as_immutable_string_ref() {
                rest.remove(key.as_str());
            }
        }
        rest
    });
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Pick;
    "get" "get(value, path, default?) -> value", "What stands at a path like a.b[0].c, or the default, or () if it leads nowhere. A key with a dot is written [\"a.b\"]. Of a list also get(list, index).", "get(#{ a: #{ b: [7, 8] } }, \"a.b[-1]\", 0)" => "8";
    "path" "path(value, jsonpath) -> list", "Everything that a JSONPath (RFC 9535) selects.", "path([#{ sku: \"A\", qty: 0 }, #{ sku: \"B\", qty: 2 }], \"$[?@.qty > 0].sku\")" => r#"["B"]"#;
    "path_one" "path_one(value, jsonpath) -> value or ()", "The first thing that a JSONPath selects.", "path_one(#{ a: [1, 2] }, \"$.a[-1]\")" => "2";
    "pick" "pick(map, keys) -> map", "Only these entries.", "pick(#{ id: 1, name: \"Ada\", note: () }, [\"id\", \"name\"])" => r#"{"id":1,"name":"Ada"}"#;
    "omit" "omit(map, keys) -> map", "All but these entries.", "omit(#{ id: 1, secret: \"x\" }, [\"secret\"])" => r#"{"id":1}"#;
};
