//! Server-sent events: the changes of one run, of all runs of the workspace, or of its flows.

use std::{cell::Cell, rc::Rc};

use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

use super::types::{FlowChange, RunChange, WorkspaceChange};

/// An open stream. It ends when this is dropped or closed.
pub(crate) struct Live {
    source: EventSource,
    _listeners: Vec<Closure<dyn FnMut(MessageEvent)>>,
    _on_error: Closure<dyn FnMut(Event)>,
}

/// Hears the data of events of one name.
type Listener = Box<dyn FnMut(MessageEvent)>;

/// Listens to events of a name that carry JSON.
fn hear<T: DeserializeOwned + 'static>(mut told: impl FnMut(T) + 'static) -> Listener {
    Box::new(move |event: MessageEvent| {
        let text = event.data().as_string().unwrap_or_default();
        if let Ok(value) = serde_json::from_str(&text) {
            told(value);
        }
    })
}

impl Live {
    fn open(
        path: &str,
        listeners: Vec<(&'static str, Listener)>,
        mut lost: impl FnMut() + 'static,
    ) -> Option<Self> {
        let source = EventSource::new(&format!("/api/v1{path}")).ok()?;
        let on_error = Closure::<dyn FnMut(Event)>::new(move |_| lost());
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let mut kept = Vec::new();
        for (name, listener) in listeners {
            let listener = Closure::wrap(listener);
            let callback = listener.as_ref().unchecked_ref();
            source
                .add_event_listener_with_callback(name, callback)
                .ok()?;
            kept.push(listener);
        }
        Some(Live {
            source,
            _listeners: kept,
            _on_error: on_error,
        })
    }

    /// Ends the stream; the browser would open it again where the server ends it.
    pub(crate) fn close(&self) {
        self.source.close();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// Follows the run at an address: a snapshot first, then every turn. `lost` is called whenever the stream ends or breaks;
/// the browser opens it again by itself unless it is closed.
pub(crate) fn run_changes(
    address: &str,
    change: impl FnMut(RunChange) + 'static,
    lost: impl FnMut() + 'static,
) -> Option<Live> {
    Live::open(
        &format!("{address}/events"),
        vec![("change", hear(change))],
        lost,
    )
}

/// Follows all runs of the workspace.
pub(crate) fn workspace_changes(change: impl FnMut(WorkspaceChange) + 'static) -> Option<Live> {
    Live::open("/events", vec![("change", hear(change))], || ())
}

/// Follows what becomes of flows: drafts that are saved, versions that are published, flows that are switched or deleted.
/// `missed` is called where something may have happened that was not told.
pub(crate) fn flow_changes(
    change: impl FnMut(FlowChange) + 'static,
    missed: impl Fn() + 'static,
) -> Option<Live> {
    let missed = Rc::new(missed);
    let broken = Rc::new(Cell::new(false));
    let opened: Listener = {
        let (missed, broken) = (missed.clone(), broken.clone());
        Box::new(move |_| {
            if broken.replace(false) {
                missed();
            }
        })
    };
    let listeners = vec![
        ("flow", hear(change)),
        ("missed", Box::new(move |_| missed()) as Listener),
        ("open", opened),
    ];
    Live::open("/events", listeners, move || broken.set(true))
}
