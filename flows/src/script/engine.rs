//! The one locked-down engine that all scripts share.

use super::{bounds, library, thaw};
use rhai::packages::{
    BasicArrayPackage, BasicMapPackage, BasicMathPackage, CorePackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::{Engine, OptimizationLevel};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// An engine and what it knows.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    /// Names of all functions, for checks and suggestions.
    pub(crate) functions: BTreeSet<String>,
}

/// The engine, built at first use.
pub(crate) fn shared() -> &'static Shared {
    static SHARED: LazyLock<Shared> = LazyLock::new(build);
    &SHARED
}

/// Words of the language and functions of its packages that a script may not use: they load
/// code, stop the thread, end the script out of turn, or show the engine's own workings.
const FORBIDDEN: &[&str] = &[
    "eval",
    "import",
    "export",
    "sleep",
    "exit",
    "get_fn_metadata_list",
    "set_tag",
    "tag",
    "parse_float_base",
];

fn build() -> Shared {
    let mut engine = Engine::new_raw();
    for module in [
        CorePackage::new().as_shared_module(),
        LogicPackage::new().as_shared_module(),
        BasicMathPackage::new().as_shared_module(),
        BasicArrayPackage::new().as_shared_module(),
        BasicMapPackage::new().as_shared_module(),
        MoreStringPackage::new().as_shared_module(),
    ] {
        engine.register_global_module(module);
    }
    engine.register_global_module(library::module().into());
    thaw::register(&mut engine);

    for word in FORBIDDEN {
        engine.disable_symbol(*word);
    }
    engine
        .set_strict_variables(true)
        .set_optimization_level(OptimizationLevel::Simple)
        .set_max_modules(0)
        .set_max_call_levels(bounds::CALL_DEPTH)
        .set_max_expr_depths(64, 48)
        .set_max_functions(200)
        .set_max_variables(1_000)
        .on_progress(|_| bounds::on_operation())
        .on_print(|_| {})
        .on_debug(|_, _, _| {});
    watch_variables(&mut engine);

    let functions = engine
        .collect_fn_metadata(None, |info| Some(info.metadata.name.to_string()), true)
        .into_iter()
        .filter(|name| rhai::is_valid_function_name(name))
        .filter(|name| !FORBIDDEN.contains(&name.as_str()))
        .chain(["call", "curry", "type_of", "is_def_fn", "is_def_var", "is_shared"].map(Into::into))
        .collect();
    Shared { engine, functions }
}

#[expect(deprecated, reason = "`on_var` is marked so because it may change, not because it goes")]
fn watch_variables(engine: &mut Engine) {
    engine.on_var(|name, _, context| {
        bounds::on_variable(name, context.scope(), context.this_ptr()).map(|()| None)
    });
}
