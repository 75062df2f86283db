//! Runs a compiled script.

use super::bounds::{Bounds, Guard, Moment};
use super::compile::{Script, Slot};
use super::error::{self, Error, ErrorKind};
use super::library::http::Handle;
use super::scope::Scope;
use super::view::{self, MapView};
use super::{bounds, engine, value};
use rhai::{Dynamic, Scope as RhaiScope};
use serde_json::Value;
use std::sync::Arc;

/// Runs a script and gives its value. A result that is the whole of an input is that input
/// itself, not a copy.
pub fn eval(
    script: &Script,
    scope: &Scope,
    moment: Moment,
    bounds: &Bounds,
) -> Result<Arc<Value>, Error> {
    let guard = Guard::enter(bounds, moment);
    let result = run(script, scope, &guard)?;
    bounds::measure(&result, bounds)
        .map_err(|what| Error::whole(ErrorKind::Bound, format!("the result is too large: {what}")))?;
    value::shared(&result).map_err(|problem| Error::whole(ErrorKind::Runtime, problem.to_string()))
}

/// Runs a condition. Anything but `true` and `false` is an error.
pub fn eval_bool(
    script: &Script,
    scope: &Scope,
    moment: Moment,
    bounds: &Bounds,
) -> Result<bool, Error> {
    let guard = Guard::enter(bounds, moment);
    let result = run(script, scope, &guard)?;
    result.as_bool().map_err(|kind| {
        let found = match engine::shared().engine.map_type_name(kind) {
            "()" => "nothing".to_owned(),
            other => error::type_word(other).to_owned(),
        };
        Error::whole(
            ErrorKind::Runtime,
            format!("a condition must give true or false, but this one gave {found}"),
        )
    })
}

fn run(script: &Script, scope: &Scope, guard: &Guard) -> Result<Dynamic, Error> {
    let shared = engine::shared();
    let mut variables = RhaiScope::new();
    for (name, slot) in script.slots() {
        let value = match slot {
            Slot::Value(name) => scope.get(*name).map(view::of),
            Slot::Steps => scope
                .steps()
                .map(|outputs| Dynamic::from(MapView::steps(Arc::clone(outputs)))),
            Slot::Http => scope
                .http()
                .map(|http| Dynamic::from(Handle::new(Arc::clone(http)))),
            Slot::Nothing => None,
        };
        variables.push_dynamic(name.clone(), value.unwrap_or(Dynamic::UNIT));
    }
    shared
        .engine
        .eval_ast_with_scope::<Dynamic>(&mut variables, script.ast())
        .map(Dynamic::flatten)
        .map_err(|problem| {
            error::from_run(
                &problem,
                guard.stopped(),
                guard.complaint(),
                shared.functions.iter().map(String::as_str),
            )
        })
}
