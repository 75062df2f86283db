//! Maps: merging, renaming, going through entries.

use super::{Fallible, define, define_reading, documented, plain};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use crate::script::thaw::own;
use rhai::{Array, Dynamic, FnPtr, Map, Module, NativeCallContext};

/// The second map over the first, and so on inside; everything but maps is replaced.
fn merge(mut under: Map, over: Map, depth: usize) -> Fallible<Map> {
    if depth > bounds::nesting() {
        return Err(bounds::stop(bounds::too_deep(bounds::nesting())));
    }
    bounds::map_of(under.len() + over.len())?;
    for (key, mut new) in over {
        if let Some(old) = under.get_mut(&key) {
            if super::is_map(old) && super::is_map(&new) {
                own(old);
                own(&mut new);
                let inner = (old.take().try_cast::<Map>(), new.try_cast::<Map>());
                if let (Some(one), Some(two)) = inner {
                    *old = Dynamic::from_map(merge(one, two, depth + 1)?);
                }
                continue;
            }
            *old = new;
        } else {
            under.insert(key, new);
        }
    }
    Ok(under)
}

fn entry(key: &str, value: Dynamic) -> Dynamic {
    let mut entry = Map::new();
    entry.insert("key".into(), key.into());
    entry.insert("value".into(), value);
    Dynamic::from_map(entry)
}

fn from_entries(list: Array) -> Fallible<Map> {
    bounds::map_of(list.len())?;
    let mut map = Map::new();
    for mut item in list {
        own(&mut item);
        let (key, value) = if let Some(mut pair) = item.write_lock::<Map>() {
            (
                pair.remove("key").unwrap_or_default(),
                pair.remove("value").unwrap_or_default(),
            )
        } else if let Some(pair) = item.read_lock::<Array>().filter(|pair| pair.len() == 2) {
            (pair[0].clone(), pair[1].clone())
        } else {
            return Err(complaint(
                "from_entries needs items like #{ key: \"a\", value: 1 } or [\"a\", 1]",
            ));
        };
        map.insert(plain(&key).into(), value);
    }
    Ok(map)
}

fn without(map: &Map, gone: impl Fn(&Dynamic) -> bool) -> Map {
    map.iter()
        .filter(|(_, value)| !gone(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    define!(module, "merge", |under: Map, over: Map| merge(
        under, over, 0
    ));
    define_reading!(module, "entries", |map: &mut Map| -> Fallible<Array> {
        bounds::list_of(map.len())?;
        Ok(map
            .iter()
            .map(|(key, value)| entry(key, value.clone()))
            .collect())
    });
    define!(module, "from_entries", from_entries);
    define_reading!(module, "rename", |map: &mut Map, names: Map| -> Map {
        map.iter()
            .map(|(key, value)| {
                let name = names.get(key).map_or_else(|| key.to_string(), plain);
                (name.into(), value.clone())
            })
            .collect()
    });
    define_reading!(module, "map_values", |context: NativeCallContext,
                                           map: &mut Map,
                                           change: FnPtr|
     -> Fallible<Map> {
        map.iter()
            .map(|(key, value)| {
                Ok((
                    key.clone(),
                    change.call_raw(&context, None, [value.clone()])?,
                ))
            })
            .collect()
    });
    define_reading!(module, "compact", |map: &mut Map| without(
        map,
        Dynamic::is_unit
    ));
    define_reading!(module, "compact", |list: &mut Array| -> Array {
        list.iter()
            .filter(|item| !item.is_unit())
            .cloned()
            .collect()
    });
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Map;
    "merge" "merge(map, map) -> map", "The second over the first, going into maps within maps. `+` replaces them whole.", "merge(#{ a: #{ x: 1, y: 2 } }, #{ a: #{ y: 3 }, b: 4 })" => r#"{"a":{"x":1,"y":3},"b":4}"#;
    "entries" "entries(map) -> list", "The entries as a list of #{ key, value }.", "entries(#{ a: 1 })" => r#"[{"key":"a","value":1}]"#;
    "from_entries" "from_entries(list) -> map", "A map of #{ key, value } items or [key, value] pairs.", "from_entries([[\"a\", 1], [\"b\", 2]])" => r#"{"a":1,"b":2}"#;
    "rename" "rename(map, names) -> map", "With other keys: names maps old to new.", "rename(#{ fname: \"Ada\", age: 36 }, #{ fname: \"first_name\" })" => r#"{"age":36,"first_name":"Ada"}"#;
    "map_values" "map_values(map, function) -> map", "With every value changed by the function.", "map_values(#{ a: 1, b: 2 }, |v| v * 10)" => r#"{"a":10,"b":20}"#;
    "compact" "compact(map or list) -> map or list", "Without what is ().", "compact(#{ a: 1, b: () })" => r#"{"a":1}"#;
};
