//! What the code fields offer while a person types: the names in scope with the sample's values, and the functions.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::preview::names;
use crate::{
    editor::Desk,
    kit::code_editor::{Completion, KnownFunction, KnownName},
    lab::{self, Functions, Scope},
    texts::{Texts, texts},
};

/// Names that are always there, whether or not there is a sample.
const NAMES: [&str; 6] = ["input", "trigger", "steps", "run", "vars", "error"];

/// What is offered where these names are in scope.
pub(crate) fn offered(desk: Desk, scope: Signal<Option<Arc<Scope>>>) -> Signal<Arc<Completion>> {
    let completion = Memo::new(move |_| {
        let known = scope.with(|scope| scope.as_ref().map(|scope| names(scope)));
        let names = NAMES.into_iter().map(|name| KnownName {
            name: name.to_owned(),
            kind: String::new(),
            doc: about(texts(), name).to_owned(),
            sample: known
                .as_ref()
                .and_then(|known| known.get(name))
                .filter(|value| !value.is_null())
                .map(|value| Arc::new(value.clone())),
        });
        Arc::new(Completion {
            names: names.collect(),
            functions: desk.functions.get(),
        })
    });
    completion.into()
}

/// Reads once what scripts can call.
pub(super) fn learn_functions(desk: Desk) {
    if !desk
        .functions
        .with_untracked(|functions| functions.is_empty())
    {
        return;
    }
    spawn_local(async move {
        if let Ok(functions) = lab::ask("functions", Functions).await {
            let known = functions.into_iter().map(|function| KnownFunction {
                name: function.name,
                signature: function.signature,
                group: function.group,
                doc: function.doc,
                example: function.example,
                result: function.result,
            });
            desk.functions.try_set(Arc::new(known.collect()));
        }
    });
}

fn about(t: &Texts, name: &str) -> &'static str {
    match name {
        "input" => t.name_input,
        "trigger" => t.name_trigger,
        "steps" => t.name_steps,
        "run" => t.name_run,
        "vars" => t.name_vars,
        _ => t.name_error,
    }
}
