//! Server-sent events: the changes of one run, or of all runs of the workspace.

use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

use super::{
    encode,
    types::{RunChange, WorkspaceChange},
};

/// An open stream. It ends when this is dropped or closed.
pub(crate) struct Live {
    source: EventSource,
    _on_change: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Live {
    fn open<T: DeserializeOwned + 'static>(
        path: &str,
        mut change: impl FnMut(T) + 'static,
        mut lost: impl FnMut() + 'static,
    ) -> Option<Self> {
        let source = EventSource::new(&format!("/api/v1{path}")).ok()?;
        let on_change = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            if let Ok(value) = serde_json::from_str(&text) {
                change(value);
            }
        });
        let on_error = Closure::<dyn FnMut(Event)>::new(move |_| lost());
        let callback = on_change.as_ref().unchecked_ref();
        source
            .add_event_listener_with_callback("change", callback)
            .ok()?;
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Live {
            source,
            _on_change: on_change,
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

/// Follows one run: a snapshot first, then every turn. `lost` is called whenever the stream ends or breaks; the browser
/// opens it again by itself unless it is closed.
pub(crate) fn run_changes(
    run: &str,
    change: impl FnMut(RunChange) + 'static,
    lost: impl FnMut() + 'static,
) -> Option<Live> {
    Live::open(&format!("/runs/{}/events", encode(run)), change, lost)
}

/// Follows all runs of the workspace.
pub(crate) fn workspace_changes(change: impl FnMut(WorkspaceChange) + 'static) -> Option<Live> {
    Live::open("/events", change, || ())
}
