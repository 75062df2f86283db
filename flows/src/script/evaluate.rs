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

/// A script with all that it sees, ready to run.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The script.
    pub script: Script,
    /// What it sees.
    pub scope: Scope,
    /// Its time and dice.
    pub moment: Moment,
}

/// Two are the same where the same source runs at the same moment.
impl PartialEq for Evaluation {
    fn eq(&self, other: &Self) -> bool {
        self.script.source() == other.script.source() && self.moment == other.moment
    }
}

/// Runs a script and gives its value. A result that is the whole of an input is that input
/// itself, not a copy.
pub fn eval(
    script: &Script,
    scope: &Scope,
    moment: Moment,
    bounds: &Bounds,
) -> Result<Arc<Value>, Error> {
    let (guard, mut own) = enter(script, scope, moment, bounds);
    let result = run(script, &mut own, &guard)?;
    bounds::measure(&result, bounds).map_err(|what| {
        Error::whole(ErrorKind::Bound, format!("the result is too large: {what}"))
    })?;
    value::shared(&result).map_err(|problem| Error::whole(ErrorKind::Runtime, problem.to_string()))
}

/// Runs a condition. Anything but `true` and `false` is an error.
pub fn eval_bool(
    script: &Script,
    scope: &Scope,
    moment: Moment,
    bounds: &Bounds,
) -> Result<bool, Error> {
    let (guard, mut own) = enter(script, scope, moment, bounds);
    let result = run(script, &mut own, &guard)?;
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

/// Makes the views of the inputs that the script reads. What it changes becomes a variable of its
/// own; everything else is read-only.
fn enter(
    script: &Script,
    scope: &Scope,
    moment: Moment,
    bounds: &Bounds,
) -> (Guard, RhaiScope<'static>) {
    let mut own = RhaiScope::new();
    let mut inputs = Vec::with_capacity(script.slots().len());
    for (name, slot, changed) in script.slots() {
        let value = match slot {
            Slot::Value(name) => scope.get(*name).map(view::of),
            Slot::Steps => {
                let outputs = scope.steps().cloned().unwrap_or_default();
                Some(Dynamic::from(MapView::steps(outputs)))
            }
            Slot::Http => scope
                .http()
                .map(|http| Dynamic::from(Handle::new(Arc::clone(http)))),
            Slot::Nothing => None,
        };
        let value = value.unwrap_or(Dynamic::UNIT);
        if *changed {
            own.push_dynamic(name.clone(), value);
        } else {
            inputs.push((name.clone(), value));
        }
    }
    (Guard::enter(bounds, moment, inputs), own)
}

fn run(script: &Script, own: &mut RhaiScope<'_>, guard: &Guard) -> Result<Dynamic, Error> {
    let shared = engine::shared();
    shared
        .engine
        .eval_ast_with_scope::<Dynamic>(own, script.ast())
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
