//! Data from the server as a signal: loading, ready or failed. What was ready stays visible while it is read again.

use std::{future::Future, time::Duration};

use leptos::{prelude::*, task::spawn_local};

use crate::api::{self, Trouble, WorkspaceChange};

/// How long the page waits after news of runs before it reads again.
const CALM: Duration = Duration::from_millis(400);

/// How far the reading of something has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Loaded<T> {
    #[default]
    Loading,
    Ready(T),
    Failed(Trouble),
}

/// Something that is read from the server, and read again when its sources change or someone asks.
pub(crate) struct Loader<T: Send + Sync + 'static> {
    pub(crate) value: RwSignal<Loaded<T>>,
    again: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loader<T> {}

impl<T: Clone + PartialEq + Send + Sync + 'static> Loader<T> {
    /// Starts reading. `read` may use signals before its first `await`: when they change, it is called again, and an
    /// answer that was overtaken is dropped.
    pub(crate) fn new<F>(read: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Result<T, Trouble>> + 'static,
    {
        let loader = Loader {
            value: RwSignal::new(Loaded::Loading),
            again: RwSignal::new(0),
        };
        let latest = StoredValue::new(0_u32);
        Effect::new(move || {
            loader.again.track();
            let reading = read();
            let number = latest.get_value().wrapping_add(1);
            latest.set_value(number);
            spawn_local(async move {
                let answer = reading.await;
                // The page may have moved on while the server answered.
                if latest.try_get_value() == Some(number) {
                    loader.settle(answer);
                }
            });
        });
        loader
    }

    /// Reads again; what is shown stays until the answer is there.
    pub(crate) fn reload(self) {
        self.again
            .try_update(|count| *count = count.wrapping_add(1));
    }

    /// What was read last, if it was ever read.
    pub(crate) fn ready(self) -> Option<T> {
        match self.value.get() {
            Loaded::Ready(value) => Some(value),
            _ => None,
        }
    }

    fn settle(self, answer: Result<T, Trouble>) {
        let next = match answer {
            Ok(value) => Loaded::Ready(value),
            Err(trouble) => Loaded::Failed(trouble),
        };
        let Some(changed) = self.value.try_with_untracked(|current| *current != next) else {
            return;
        };
        // A passing failure of a second reading does not wipe out what a person is looking at.
        let keeps = matches!(next, Loaded::Failed(ref trouble) if trouble.is_offline())
            && self
                .value
                .with_untracked(|current| matches!(current, Loaded::Ready(_)));
        if changed && !keeps {
            self.value.set(next);
        }
    }
}

/// Reads again a moment after news of runs that concern it, for as long as the part of the page lives that asks for it.
pub(crate) fn follow(
    concerns: impl Fn(&WorkspaceChange) -> bool + 'static,
    read: impl Fn() + Copy + Send + Sync + 'static,
) {
    let planned = StoredValue::new(false);
    let live = StoredValue::new_local(api::workspace_changes(move |change| {
        if planned.try_get_value() == Some(false) && concerns(&change) {
            planned.set_value(true);
            let then = move || {
                if planned.try_set_value(false).is_none() {
                    read();
                }
            };
            set_timeout(then, CALM);
        }
    }));
    on_cleanup(move || live.dispose());
}
