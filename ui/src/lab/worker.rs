//! The worker's side of the lab: reads questions, answers them one after the other.

use std::{cell::Cell, sync::Arc};

use js_sys::Date;
use wasm_bindgen::{JsCast, closure::Closure, throw_str};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::{protocol::READY, service::Service};

/// How long the scripts of one question may take together, in milliseconds. Then they are stopped and the answer says
/// so, well before the page gives up on the worker.
const PATIENCE_MS: f64 = 5_000.0;

thread_local! {
    /// When the scripts of the present question must have ended.
    static DEADLINE: Cell<f64> = const { Cell::new(f64::INFINITY) };
}

/// Answers the page's questions until the page ends the worker.
pub fn start_lab() {
    console_error_panic_hook::set_once();
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let page = scope.clone();
    let mut service = Service::new(Some(Arc::new(overdue)));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        DEADLINE.set(Date::now() + PATIENCE_MS);
        let text = event.data().as_string().unwrap_or_default();
        // What is thrown here reaches the page, which then starts another worker.
        let answer = answer(&mut service, &text).unwrap_or_else(|why| throw_str(&why));
        if page.post_message(&answer.into()).is_err() {
            throw_str("the answer could not be sent");
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    if scope.post_message(&READY.into()).is_err() {
        throw_str("the lab could not say that it listens");
    }
}

fn answer(service: &mut Service, text: &str) -> Result<String, String> {
    let (number, request) = text.split_once(' ').ok_or("a question has no number")?;
    let answer = serde_json::from_str(request)
        .and_then(|request| service.answer(request))
        .map_err(|error| format!("a question could not be answered: {error}"))?;
    Ok(format!("{number} {answer}"))
}

/// Why a script must stop, once it must.
fn overdue() -> Option<String> {
    (Date::now() > DEADLINE.get()).then(|| {
        format!(
            "this took longer than {} seconds and was stopped",
            PATIENCE_MS / 1_000.0
        )
    })
}
