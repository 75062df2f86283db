//! The one locked-down engine that all scripts share.

use super::{bounds, library, thaw};
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Engine, OptimizationLevel, Token};
use std::cell::Cell;
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

/// Words of the language that a script may not use: they load code.
const FORBIDDEN: &[&str] = &["eval", "import", "export"];

/// Functions that are there but not offered: they show the engine's own workings, give raw bytes,
/// or exist for number types that scripts do not have.
const HIDDEN: &[&str] = &[
    "add",
    "bits",
    "divide",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "modulo",
    "multiply",
    "power",
    "subtract",
    "to_blob",
];

fn build() -> Shared {
    let mut engine = Engine::new_raw();
    for module in [
        // The core package without its language part, which can sleep and exit.
        ArithmeticPackage::new().as_shared_module(),
        BasicStringPackage::new().as_shared_module(),
        BasicIteratorPackage::new().as_shared_module(),
        BasicFnPackage::new().as_shared_module(),
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
    free_field_names(&mut engine);

    let functions = engine
        .collect_fn_metadata(None, |info| Some(info.metadata.name.to_string()), true)
        .into_iter()
        .filter(|name| rhai::is_valid_function_name(name))
        .filter(|name| !HIDDEN.contains(&name.as_str()))
        .chain(["Fn", "call", "curry", "type_of"].map(Into::into))
        .collect();
    Shared { engine, functions }
}

#[expect(
    deprecated,
    reason = "`on_var` is marked so because it may change, not because it goes"
)]
fn watch_variables(engine: &mut Engine) {
    engine.on_var(|name, index, context| {
        bounds::on_variable(name, context.scope(), context.this_ptr())?;
        // A variable of the script's own has an index.
        Ok(if index == 0 {
            bounds::input(name)
        } else {
            None
        })
    });
}

thread_local! {
    /// Whether the token before was a dot.
    static AFTER_DOT: Cell<bool> = const { Cell::new(false) };
}

/// Forgets the end of the source that was compiled before. To be called before each compilation.
pub(crate) fn begin_source() {
    AFTER_DOT.set(false);
}

/// The language keeps words like `default`, `new` or `match` for later, and has some for itself.
/// JSON has them as keys: the first are names here, and behind a dot so are the others.
#[expect(
    deprecated,
    reason = "marked so because it may change, not because it goes"
)]
fn free_field_names(engine: &mut Engine) {
    engine.on_parse_token(|token, _, _| {
        let after_dot = AFTER_DOT.replace(matches!(token, Token::Period | Token::Elvis));
        match &token {
            Token::Reserved(word)
                if rhai::is_valid_identifier(word) && !KEPT.contains(&word.as_str()) =>
            {
                Token::Identifier(word.clone())
            }
            keyword if after_dot && keyword.is_standard_keyword() => {
                let word = keyword.to_string();
                if word.starts_with(|first: char| first.is_ascii_alphabetic()) {
                    Token::Identifier(Box::new(word.into()))
                } else {
                    token
                }
            }
            _ => token,
        }
    });
}

/// Reserved words that mean something: functions that the engine itself knows, `this`, and what
/// is forbidden.
const KEPT: &[&str] = &[
    "Fn",
    "call",
    "curry",
    "debug",
    "eval",
    "export",
    "global",
    "import",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "print",
    "super",
    "this",
    "type_of",
];
