//! The page's side of the lab: starts the worker when it is first asked, and starts another where it breaks down.

use std::{cell::RefCell, time::Duration};

use futures::channel::oneshot;
use leptos::{
    leptos_dom::helpers::{TimeoutHandle, set_timeout_with_handle},
    prelude::document,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::{
    protocol::{Know, Question, READY, Request},
    queue::Queue,
};
use crate::texts::{Texts, fill};

/// How long an answer may take before the worker is ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the worker may take to load and to listen.
const LOADING: Duration = Duration::from_secs(60);

/// The number of what is told rather than asked.
const TOLD: u64 = 0;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LabTrouble {
    /// A newer question of the same key has taken its place.
    Overtaken,
    /// The answer took too long; the worker was ended, and another starts with the next question.
    Silent,
    /// The worker could not be loaded: no server answers, or one that has another page by now.
    Unloaded,
    /// The worker broke down, with what the browser says of it; another starts with the next question.
    Broken(String),
}

impl LabTrouble {
    /// What a person reads; nothing where a newer question is on its way.
    pub(crate) fn sentence(&self, t: &Texts) -> Option<String> {
        match self {
            LabTrouble::Overtaken => None,
            LabTrouble::Silent => Some(t.lab_silent.to_owned()),
            LabTrouble::Unloaded => Some(t.lab_unloaded.to_owned()),
            LabTrouble::Broken(why) => Some(fill(t.lab_broken, &[("why", why)])),
        }
    }
}

/// Asks the lab. While a question is unanswered, a newer one of the same key takes its place.
pub(crate) async fn ask<Q: Question>(key: &str, question: Q) -> Result<Q::Answer, LabTrouble> {
    let text = written(&question.into())?;
    let (sender, receiver) = oneshot::channel();
    LAB.with_borrow_mut(|lab| lab.take(key, text, sender));
    let answer = receiver.await.unwrap_or(Err(LabTrouble::Overtaken))?;
    serde_json::from_str(&answer).map_err(unreadable)
}

/// Tells the lab, and every one that is started later, what the page knows of the server.
pub(crate) fn know(know: Know) {
    if let Ok(text) = written(&Request::Know(know)) {
        LAB.with_borrow_mut(|lab| lab.know(text));
    }
}

fn written(request: &Request) -> Result<String, LabTrouble> {
    serde_json::to_string(request).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> LabTrouble {
    LabTrouble::Broken(error.to_string())
}

thread_local! {
    /// One for the whole page.
    static LAB: RefCell<Lab> = RefCell::new(Lab {
        queue: Queue::new(),
        known: None,
        running: None,
    });
}

type Waiter = oneshot::Sender<Result<String, LabTrouble>>;

struct Lab {
    queue: Queue<Waiter>,
    /// What was told last, for a worker that is started anew.
    known: Option<String>,
    running: Option<Running>,
}

impl Lab {
    fn take(&mut self, key: &str, text: String, waiter: Waiter) {
        for overtaken in self.queue.push(key, text, waiter) {
            // Whoever does not wait any more need not be told.
            let _ = overtaken.send(Err(LabTrouble::Overtaken));
        }
        if self.running.is_none() {
            match Running::start() {
                Ok(running) => self.running = Some(running),
                Err(error) => return self.stop(LabTrouble::Broken(told(&error))),
            }
        }
        self.send_next();
    }

    fn know(&mut self, text: String) {
        if let Some(running) = self.running.as_ref().filter(|running| running.listens) {
            running.send(TOLD, &text);
        }
        self.known = Some(text);
    }

    /// The worker said something.
    fn heard(&mut self, text: &str) {
        if text == READY {
            if let Some(running) = &mut self.running {
                running.listens = true;
                running.rest();
                if let Some(known) = &self.known {
                    running.send(TOLD, known);
                }
            }
            return self.send_next();
        }
        let Some((number, answer)) = text.split_once(' ') else {
            return;
        };
        let Some(number) = number.parse().ok().filter(|n| self.queue.is_underway(*n)) else {
            return;
        };
        if let Some(waiter) = self.queue.answered(number) {
            let _ = waiter.send(Ok(answer.to_owned()));
        }
        if let Some(running) = &mut self.running {
            running.rest();
        }
        self.send_next();
    }

    fn send_next(&mut self) {
        let Some(running) = self.running.as_mut().filter(|running| running.listens) else {
            return;
        };
        if let Some((number, text)) = self.queue.next() {
            running.send(number, &text);
            running.expect_within(PATIENCE);
        }
    }

    /// Ends the worker and tells all who wait why. One that never listened could not be loaded.
    fn stop(&mut self, trouble: LabTrouble) {
        let loaded = self.running.take().is_none_or(|running| running.listens);
        let trouble = if loaded {
            trouble
        } else {
            LabTrouble::Unloaded
        };
        for waiter in self.queue.clear() {
            let _ = waiter.send(Err(trouble.clone()));
        }
    }
}

/// A worker. It ends when this is dropped.
struct Running {
    worker: Worker,
    /// Whether it has said that it listens.
    listens: bool,
    /// Ends it when it is silent for too long.
    deadline: Option<TimeoutHandle>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Running {
    fn start() -> Result<Running, JsValue> {
        let address = document()
            .body()
            .and_then(|body| body.get_attribute("data-lab"))
            .ok_or("the page does not say where its lab is")?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&address, &options)?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            LAB.with_borrow_mut(|lab| lab.heard(&text));
        });
        let on_error = Closure::<dyn FnMut(Event)>::new(|event: Event| {
            let why = event
                .dyn_ref::<ErrorEvent>()
                .map(ErrorEvent::message)
                .unwrap_or_default();
            LAB.with_borrow_mut(|lab| lab.stop(LabTrouble::Broken(why)));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let mut running = Running {
            worker,
            listens: false,
            deadline: None,
            _on_message: on_message,
            _on_error: on_error,
        };
        running.expect_within(LOADING);
        Ok(running)
    }

    fn send(&self, number: u64, text: &str) {
        // A text can always be posted.
        let _ = self.worker.post_message(&format!("{number} {text}").into());
    }

    fn expect_within(&mut self, patience: Duration) {
        self.rest();
        let overdue = || LAB.with_borrow_mut(|lab| lab.stop(LabTrouble::Silent));
        self.deadline = set_timeout_with_handle(overdue, patience).ok();
    }

    /// Nothing is expected of it.
    fn rest(&mut self) {
        if let Some(deadline) = self.deadline.take() {
            deadline.clear();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.rest();
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// What an error of the browser says of itself.
fn told(error: &JsValue) -> String {
    let message = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()));
    message.or_else(|| error.as_string()).unwrap_or_default()
}
