//! Leftovers: what was drawn and not yet saved, kept in the browser so that a closed tab or a crash loses nothing.

use std::sync::Arc;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use weir_flows::document::Flow;

use super::saving::{Event, Saving, Stored};

/// What was left unsaved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Leftover {
    /// The window that wrote it.
    pub(crate) window: String,
    /// The tag of the revision that it was drawn on, and that revision.
    pub(crate) tag: String,
    pub(crate) base: Arc<Flow>,
    /// What was drawn.
    pub(crate) mine: Arc<Flow>,
}

/// How an editor starts: its saving, the document on its desk, and what is told to the saving first.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) saving: Saving,
    pub(crate) flow: Arc<Flow>,
    pub(crate) first: Option<Event>,
    /// Whether what was left is on the desk.
    pub(crate) recovered: bool,
}

/// Decides how an editor starts on what the server has, where something was left or not.
pub(crate) fn start(now: Stored, left: Option<Leftover>) -> Start {
    let Some(left) = left.filter(|left| left.mine != now.flow && left.mine.id == now.flow.id)
    else {
        return Start {
            flow: now.flow.clone(),
            saving: Saving::new(now),
            first: None,
            recovered: false,
        };
    };
    let (saving, first) = if left.tag == now.tag {
        (Saving::new(now), Event::Now)
    } else {
        let base = Stored {
            flow: left.base,
            tag: left.tag,
        };
        (Saving::of_earlier(base), Event::Read(now))
    };
    Start {
        saving,
        flow: left.mine,
        first: Some(first),
        recovered: true,
    }
}

/// What is left of a flow in this browser.
pub(crate) fn find(flow: &str) -> Option<Leftover> {
    let text = storage()?.get_item(&key(flow)).ok()??;
    // What a later page has written is not for this one to judge.
    serde_json::from_str(&text).ok()
}

/// Keeps what is not saved. Gives whether the browser took it.
pub(crate) fn keep(left: &Leftover) -> bool {
    let text = serde_json::to_string(left).ok();
    let kept = text.zip(storage()).map(|(text, storage)| {
        let key = key(&left.mine.id);
        storage.set_item(&key, &text).is_ok()
    });
    kept == Some(true)
}

/// Forgets what this window has kept of a flow.
pub(crate) fn forget(flow: &str, window: &str) {
    if find(flow).is_some_and(|left| left.window == window) {
        drop_left(flow);
    }
}

/// Forgets what is left of a flow, whoever wrote it.
pub(crate) fn drop_left(flow: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&key(flow));
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok()?
}

fn key(flow: &str) -> String {
    format!("weir.unsaved.{flow}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::editor::saving::{Act, Standing};

    fn flow(title: &str) -> Arc<Flow> {
        let document = json!({ "format": "weir/flow@1", "id": "f", "title": title });
        Arc::new(serde_json::from_value(document).unwrap())
    }

    fn stored(title: &str, tag: &str) -> Stored {
        Stored {
            flow: flow(title),
            tag: tag.to_owned(),
        }
    }

    fn left(base: &str, tag: &str, mine: &str) -> Option<Leftover> {
        Some(Leftover {
            window: "w".into(),
            tag: tag.into(),
            base: flow(base),
            mine: flow(mine),
        })
    }

    /// What the saving does first.
    fn acts(start: &mut Start) -> Vec<Act> {
        let first = start.first.take().unwrap();
        start.saving.step(&start.flow, first)
    }

    #[test]
    fn nothing_left_is_the_draft_as_it_is() {
        for left in [None, left("0", "a", "1")] {
            let start = start(stored("1", "b"), left);
            assert_eq!((start.flow.clone(), start.recovered), (flow("1"), false));
            assert!(start.first.is_none());
        }
    }

    #[test]
    fn what_was_left_on_the_same_revision_is_saved_at_once() {
        let mut start = start(stored("0", "a"), left("0", "a", "mine"));
        assert_eq!((start.flow.clone(), start.recovered), (flow("mine"), true));
        assert_eq!(acts(&mut start), [Act::Send(stored("mine", "a"))]);
    }

    #[test]
    fn what_was_left_on_an_earlier_revision_is_put_together_or_asked_about() {
        let mut start = start(stored("theirs", "b"), left("0", "a", "mine"));
        assert_eq!(acts(&mut start), []);
        assert_eq!(
            start.saving.standing(&start.flow),
            Standing::Torn(stored("theirs", "b"))
        );
    }

    #[test]
    fn a_leftover_is_read_as_it_was_written() {
        let left = left("0", "a", "1").unwrap();
        let text = serde_json::to_string(&left).unwrap();
        assert_eq!(serde_json::from_str::<Leftover>(&text).unwrap(), left);
    }
}
