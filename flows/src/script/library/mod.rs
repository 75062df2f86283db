//! The standard library: what a mapper needs and the language lacks.
//!
//! One file per subject. Each has a `register` that puts functions into the module and a
//! `FUNCTIONS` list that documents them; a test holds the two together.

mod calendar;
pub(crate) mod date;
mod digest;
mod encoding;
mod format;
pub(crate) mod http;
mod language;
mod list;
mod map;
mod number;
mod order;
mod pattern;
mod pick;
mod random;
mod sheet;
mod text;
mod xml;

use super::error::{complaint, type_word};
use super::function::Function;
use rhai::{Dynamic, EvalAltResult, FnPtr, Module, NativeCallContext};

/// What a function of the library gives.
pub(crate) type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Registers a function under one or more names.
macro_rules! define {
    ($module:expr, $($name:literal)|+, $function:expr) => {
        $( rhai::FuncRegistration::new($name).set_into_module($module, $function); )+
    };
}
pub(crate) use define;

/// Registers a function that reads its first argument through a reference.
macro_rules! define_reading {
    ($module:expr, $($name:literal)|+, $function:expr) => {
        $( rhai::FuncRegistration::new($name).with_purity(true).set_into_module($module, $function); )+
    };
}
pub(crate) use define_reading;

/// Writes documentation entries: signature, doc, example and result, under a name.
macro_rules! documented {
    ($group:ident; $( $name:literal $signature:literal, $doc:literal, $example:literal => $result:literal; )*) => {
        &[ $( $crate::script::function::Function {
            name: $name,
            signature: $signature,
            group: $crate::script::function::Group::$group,
            doc: $doc,
            example: $example,
            result: $result,
        } ),* ]
    };
}
pub(crate) use documented;

/// All functions of the library.
pub(crate) fn module() -> Module {
    let mut module = Module::new();
    for register in [
        text::register,
        number::register,
        list::register,
        map::register,
        pick::register,
        date::register,
        pattern::register,
        format::register,
        sheet::register,
        xml::register,
        encoding::register,
        digest::register,
        random::register,
        http::register,
    ] {
        register(&mut module);
    }
    module
}

/// Their documentation, and that of the functions the language brings along.
pub(crate) fn functions() -> Vec<Function> {
    [
        text::FUNCTIONS,
        number::FUNCTIONS,
        list::FUNCTIONS,
        map::FUNCTIONS,
        pick::FUNCTIONS,
        date::FUNCTIONS,
        pattern::FUNCTIONS,
        format::FUNCTIONS,
        sheet::FUNCTIONS,
        xml::FUNCTIONS,
        encoding::FUNCTIONS,
        digest::FUNCTIONS,
        random::FUNCTIONS,
        http::FUNCTIONS,
        language::FUNCTIONS,
    ]
    .concat()
}

/// The part of an item that a selector names: a path as text, or a function of the item.
fn select(context: &NativeCallContext, selector: &Dynamic, item: &Dynamic) -> Fallible<Dynamic> {
    if let Ok(path) = selector.as_immutable_string_ref() {
        return pick::get(item, &path);
    }
    match selector.read_lock::<FnPtr>() {
        Some(function) => function.call_raw(context, None, [item.clone()]),
        None => Err(complaint(format!(
            "say which part with a path like \"customer.id\" or a function like |item| item.id, not {}",
            kind(context, selector)
        ))),
    }
}

/// The type of a value in words.
fn kind(context: &NativeCallContext, value: &Dynamic) -> String {
    type_word(context.engine().map_type_name(value.type_name())).to_owned()
}

/// Whether a value is a map or a view of one.
fn is_map(value: &Dynamic) -> bool {
    value.is_map() || value.is::<super::view::MapView>()
}

/// A value as plain text: text as it is, `()` as nothing, everything else as printed.
fn plain(value: &Dynamic) -> String {
    if value.is_unit() {
        return String::new();
    }
    if value.is::<super::view::MapView>()
        || value.is::<super::view::ListView>()
        || value.is_map()
        || value.is_array()
    {
        return super::value::to_json(value)
            .map(|json| json.to_string())
            .unwrap_or_default();
    }
    if let Some(time) = value.read_lock::<date::Time>() {
        return time.to_string();
    }
    if let Ok(float) = value.as_float() {
        return number::float_text(float);
    }
    value.to_string()
}
