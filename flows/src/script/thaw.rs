//! Makes every function that takes a list or a map take a view of one as well.
//!
//! The functions are found in the engine itself, so a view does what a list or a map does by
//! construction, for the engine's own functions and for ours. A function that changes its first
//! argument replaces the view by a copy of one's own, one level deep, before it does so.

use super::error::complaint;
use super::view::{ListView, MapView};
use rhai::plugin::RhaiResult;
use rhai::{
    Array, Dynamic, Engine, EvalAltResult, FuncRegistration, INT, ImmutableString, Map, Module,
    NativeCallContext, Position, RhaiFunc,
};
use std::any::TypeId;
use std::collections::HashSet;
use std::sync::Arc;

/// Functions that change the list or map they are called on.
pub(crate) const CHANGING: &[&str] = &[
    "+=",
    "-=",
    "append",
    "chop",
    "clear",
    "dedup",
    "drain",
    "fill_with",
    "for_each",
    "insert",
    "mixin",
    "pad",
    "pop",
    "push",
    "remove",
    "retain",
    "reverse",
    "set",
    "shift",
    "sort",
    "sort_desc",
    "splice",
    "split",
    "take",
    "truncate",
];

/// What the engine calls the function behind `value[index] = …`.
const INDEX_SETTER: &str = "index$set$";

/// Functions that change the text they are called on.
pub(crate) const CHANGING_TEXT: &[&str] = &["crop", "make_lower", "make_upper", "set", "truncate"];

/// Registers the views' own functions, and those of lists and maps for views.
pub(crate) fn register(engine: &mut Engine) {
    let mut module = Module::new();
    module.set_custom_type::<MapView>("map");
    module.set_custom_type::<ListView>("array");
    module.set_iterable::<ListView>();
    reading(&mut module);
    writing(&mut module);
    comparing(&mut module);
    engine.register_global_module(Arc::new(module));

    let signatures: Vec<(String, Vec<TypeId>)> = engine.collect_fn_metadata(
        None,
        |info| {
            let types = info.metadata.param_types.iter().copied().collect();
            Some((info.metadata.name.to_string(), types))
        },
        true,
    );
    let mut taken: HashSet<(String, Vec<TypeId>)> = signatures.iter().cloned().collect();
    let mut module = Module::new();
    for (name, types) in signatures {
        for viewed in with_views(&types) {
            if taken.insert((name.clone(), viewed.clone())) {
                let function = delegate(&name);
                FuncRegistration::new(name.as_str()).set_into_module_raw(
                    &mut module,
                    viewed,
                    function,
                );
            }
        }
    }
    engine.register_global_module(Arc::new(module));
}

/// All ways to put a view where a signature has a list or a map, apart from the one with none.
fn with_views(types: &[TypeId]) -> Vec<Vec<TypeId>> {
    let places: Vec<(usize, TypeId)> = types
        .iter()
        .enumerate()
        .filter_map(|(place, kind)| {
            if *kind == TypeId::of::<Array>() {
                Some((place, TypeId::of::<ListView>()))
            } else if *kind == TypeId::of::<Map>() {
                Some((place, TypeId::of::<MapView>()))
            } else {
                None
            }
        })
        .collect();
    (1..1_usize << places.len())
        .map(|chosen| {
            let mut viewed = types.to_vec();
            for (bit, (place, kind)) in places.iter().enumerate() {
                if chosen & (1 << bit) != 0 {
                    viewed[*place] = *kind;
                }
            }
            viewed
        })
        .collect()
}

/// Calls the function of the same name with lists and maps instead of views.
fn delegate(name: &str) -> RhaiFunc {
    let changing = CHANGING.contains(&name);
    let name = name.to_owned();
    let call = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
        let Some(context) = context else {
            return Ok(Dynamic::UNIT);
        };
        for argument in arguments.iter_mut() {
            own(argument);
        }
        let Some((first, rest)) = arguments.split_first_mut() else {
            return Ok(Dynamic::UNIT);
        };
        if first.is_shared()
            && let Some(mut inner) = first.write_lock::<Dynamic>()
        {
            let mut all: Vec<&mut Dynamic> = vec![&mut inner];
            all.extend(rest.iter_mut().map(|argument| &mut **argument));
            return context.call_native_fn_raw(&name, changing, &mut all);
        }
        context.call_native_fn_raw(&name, changing, arguments)
    };
    let func = Arc::new(call);
    if changing {
        RhaiFunc::Method {
            func,
            has_context: true,
            is_pure: false,
            is_volatile: false,
        }
    } else {
        RhaiFunc::Pure {
            func,
            has_context: true,
            is_pure: true,
            is_volatile: false,
        }
    }
}

/// Replaces a view by a list or map of one's own, in place.
pub(crate) fn own(slot: &mut Dynamic) {
    let owned = if let Some(list) = slot.read_lock::<ListView>() {
        Dynamic::from_array(list.thaw())
    } else if let Some(map) = slot.read_lock::<MapView>() {
        Dynamic::from_map(map.thaw())
    } else {
        return;
    };
    if slot.is_shared() {
        if let Some(mut inner) = slot.write_lock::<Dynamic>() {
            *inner = owned;
        }
    } else {
        *slot = owned;
    }
}

/// Reading that copies nothing else.
fn reading(module: &mut Module) {
    FuncRegistration::new_index_getter()
        .with_purity(true)
        .set_into_module(module, |map: &mut MapView, key: ImmutableString| {
            map.field(&key)
        });
    FuncRegistration::new_index_getter()
        .with_purity(true)
        .set_into_module(module, |list: &mut ListView, index: INT| -> RhaiResult {
            list.at(index).ok_or_else(|| {
                EvalAltResult::ErrorArrayBounds(list.len(), index, Position::NONE).into()
            })
        });
    FuncRegistration::new_getter("len").set_into_module(module, |list: ListView| size(list.len()));
    FuncRegistration::new_getter("is_empty")
        .set_into_module(module, |list: ListView| list.len() == 0);
    FuncRegistration::new("len").set_into_module(module, |list: ListView| size(list.len()));
    FuncRegistration::new("len").set_into_module(module, |map: MapView| size(map.len()));
    FuncRegistration::new("is_empty").set_into_module(module, |list: ListView| list.len() == 0);
    FuncRegistration::new("is_empty").set_into_module(module, |map: MapView| map.len() == 0);
    FuncRegistration::new("contains")
        .set_into_module(module, |map: MapView, key: ImmutableString| map.has(&key));
    FuncRegistration::new("get").set_into_module(module, |list: ListView, index: INT| {
        list.at(index).unwrap_or(Dynamic::UNIT)
    });
    FuncRegistration::new("keys").set_into_module(module, |map: MapView| -> Array {
        map.keys().into_iter().map(Dynamic::from).collect()
    });
}

/// Setting a field or an item, which makes a copy of one's own unless nothing changes: the
/// engine hands a value back after each method call on it, whether it was changed or not.
fn writing(module: &mut Module) {
    let set_field = |_: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
        let [slot, key, new] = arguments else {
            return Ok(Dynamic::UNIT);
        };
        let key = key.take().into_immutable_string().unwrap_or_default();
        let unchanged = slot.read_lock::<MapView>().is_some_and(|map| {
            unchanged(&map.field(&key), new) && (!new.is_unit() || map.has(&key))
        });
        if !unchanged {
            if slot.is_read_only() {
                return Err(read_only());
            }
            own(slot);
            if let Some(mut map) = slot.write_lock::<Map>() {
                map.insert(key.as_str().into(), new.take().flatten());
            }
        }
        Ok(Dynamic::UNIT)
    };
    let set_item = |_: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
        let [slot, index, new] = arguments else {
            return Ok(Dynamic::UNIT);
        };
        let index = index.as_int().unwrap_or_default();
        let (length, old) = slot
            .read_lock::<ListView>()
            .map_or((0, None), |list| (list.len(), list.at(index)));
        let Some(old) = old else {
            return Err(EvalAltResult::ErrorArrayBounds(length, index, Position::NONE).into());
        };
        if !unchanged(&old, new) {
            if slot.is_read_only() {
                return Err(read_only());
            }
            let position = if index < 0 {
                length.saturating_sub(usize::try_from(index.unsigned_abs()).unwrap_or(length))
            } else {
                usize::try_from(index).unwrap_or(length)
            };
            own(slot);
            if let Some(item) = slot
                .write_lock::<Array>()
                .as_mut()
                .and_then(|list| list.get_mut(position))
            {
                *item = new.take().flatten();
            }
        }
        Ok(Dynamic::UNIT)
    };
    let method = |func: Arc<rhai_call::Native>| RhaiFunc::Method {
        func,
        has_context: false,
        is_pure: true,
        is_volatile: false,
    };
    FuncRegistration::new(INDEX_SETTER).set_into_module_raw(
        module,
        [
            TypeId::of::<MapView>(),
            TypeId::of::<ImmutableString>(),
            TypeId::of::<Dynamic>(),
        ],
        method(Arc::new(set_field)),
    );
    FuncRegistration::new(INDEX_SETTER).set_into_module_raw(
        module,
        [
            TypeId::of::<ListView>(),
            TypeId::of::<INT>(),
            TypeId::of::<Dynamic>(),
        ],
        method(Arc::new(set_item)),
    );
    let method = |func: Arc<rhai_call::Native>| RhaiFunc::Method {
        func,
        has_context: false,
        is_pure: false,
        is_volatile: false,
    };
    let extend = |_: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
        let [slot, new] = arguments else {
            return Ok(Dynamic::UNIT);
        };
        own(slot);
        own(new);
        let new = new.take().flatten();
        if let Some(mut list) = slot.write_lock::<Array>() {
            match new.try_cast_result::<Array>() {
                Ok(more) => list.extend(more),
                Err(item) => list.push(item),
            }
        }
        Ok(Dynamic::UNIT)
    };
    FuncRegistration::new("+=").set_into_module_raw(
        module,
        [TypeId::of::<ListView>(), TypeId::of::<Dynamic>()],
        method(Arc::new(extend)),
    );
    let mix = |_: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
        let [slot, new] = arguments else {
            return Ok(Dynamic::UNIT);
        };
        own(slot);
        own(new);
        let more = new.take().flatten().try_cast::<Map>().unwrap_or_default();
        if let Some(mut map) = slot.write_lock::<Map>() {
            map.extend(more);
        }
        Ok(Dynamic::UNIT)
    };
    for right in [TypeId::of::<Map>(), TypeId::of::<MapView>()] {
        FuncRegistration::new("+=").set_into_module_raw(
            module,
            [TypeId::of::<MapView>(), right],
            method(Arc::new(mix)),
        );
    }
    let append_view = |list: &mut Array, more: ListView| list.extend(more);
    FuncRegistration::new("+=").set_into_module(module, append_view);
    FuncRegistration::new("+=").set_into_module(module, |map: &mut Map, more: MapView| {
        map.extend(more.thaw());
    });
}

mod rhai_call {
    //! The shape of a function as the engine keeps it.
    use rhai::{Dynamic, NativeCallContext, plugin::RhaiResult};

    pub(super) type Native =
        dyn Fn(Option<NativeCallContext>, &mut [&mut Dynamic]) -> RhaiResult + Send + Sync;
}

/// A view is never equal to a value of another kind; with its own kind it is compared by content.
fn comparing(module: &mut Module) {
    let same_maps = |one: MapView, two: MapView| one.same(&two) || one.json() == two.json();
    FuncRegistration::new("==").set_into_module(module, same_maps);
    FuncRegistration::new("!=").set_into_module(module, move |one: MapView, two: MapView| {
        !same_maps(one, two)
    });
    let same_lists = |one: ListView, two: ListView| one.same(&two) || one.json() == two.json();
    FuncRegistration::new("==").set_into_module(module, same_lists);
    FuncRegistration::new("!=").set_into_module(module, move |one: ListView, two: ListView| {
        !same_lists(one, two)
    });
    macro_rules! differ {
        ($($kind:ty),+) => {$(
            FuncRegistration::new("==").set_into_module(module, |_: $kind, _: Dynamic| false);
            FuncRegistration::new("!=").set_into_module(module, |_: $kind, _: Dynamic| true);
            FuncRegistration::new("==").set_into_module(module, |_: Dynamic, _: $kind| false);
            FuncRegistration::new("!=").set_into_module(module, |_: Dynamic, _: $kind| true);
        )+};
    }
    differ!(MapView, ListView);
}

fn read_only() -> Box<EvalAltResult> {
    complaint(
        "what a script is given stays as it is; copy it first, as in `let copy = input;`, and change the copy",
    )
}

fn unchanged(old: &Dynamic, new: &Dynamic) -> bool {
    if let (Some(one), Some(two)) = (old.read_lock::<MapView>(), new.read_lock::<MapView>()) {
        return one.same(&two);
    }
    if let (Some(one), Some(two)) = (old.read_lock::<ListView>(), new.read_lock::<ListView>()) {
        return one.same(&two);
    }
    if old.type_id() != new.type_id() {
        return false;
    }
    if old.is_unit() {
        return true;
    }
    if let (Ok(one), Ok(two)) = (old.as_immutable_string_ref(), new.as_immutable_string_ref()) {
        return *one == *two;
    }
    if let (Ok(one), Ok(two)) = (old.as_int(), new.as_int()) {
        return one == two;
    }
    if let (Ok(one), Ok(two)) = (old.as_bool(), new.as_bool()) {
        return one == two;
    }
    if let (Ok(one), Ok(two)) = (old.as_float(), new.as_float()) {
        return one.to_bits() == two.to_bits();
    }
    matches!((old.as_decimal(), new.as_decimal()), (Ok(one), Ok(two)) if one.serialize() == two.serialize())
}

fn size(length: usize) -> INT {
    INT::try_from(length).unwrap_or(INT::MAX)
}
