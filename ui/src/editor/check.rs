//! Checking: the problems of the draft some moments after each change, from the lab, or from the server where there is none.

use std::{sync::Arc, time::Duration};

use leptos::{leptos_dom::helpers::debounce, prelude::*, task::spawn_local};
use weir_flows::catalog::Catalog;

use super::{desk::Desk, keeping::Keeper};
use crate::{
    api::{self, ConnectionSummary, SecretSummary},
    lab::{self, Check, Document, KnownNames, LabTrouble},
};

/// How long a change waits for the next one before the draft is checked.
const PAUSE: Duration = Duration::from_millis(250);

/// Keeps the problems on a desk true.
pub(crate) fn check(desk: Desk, keeper: Keeper) {
    let of_server = move || {
        if let Some(Some(found)) = keeper.problems.try_get_untracked() {
            put(desk, found);
        }
    };
    let ask = move || {
        let Some(flow) = desk.flow.try_get_untracked() else {
            return;
        };
        spawn_local(async move {
            let document = Document::Flow(flow.clone());
            let answer = lab::ask("check", Check { document }).await;
            let still = desk.flow.try_with_untracked(|now| Arc::ptr_eq(now, &flow));
            match answer {
                Ok(found) if still == Some(true) => put(desk, Arc::new(found)),
                // A newer question is on its way, or will be.
                Ok(_) | Err(LabTrouble::Overtaken) => {}
                Err(_) => of_server(),
            }
        });
    };
    let mut soon = debounce(PAUSE, move |()| ask());
    let first = StoredValue::new(true);
    Effect::new(move || {
        desk.flow.track();
        desk.connections.track();
        desk.secrets.track();
        if first.try_get_value() == Some(true) {
            first.set_value(false);
            ask();
        } else {
            soon(());
        }
    });
    // What the server says is at least as good where the lab has not answered yet.
    Effect::new(move || {
        let found = keeper.problems.get();
        let none = desk.problems.with_untracked(|problems| problems.is_empty());
        if let (Some(found), true) = (found, none) {
            put(desk, found);
        }
    });
}

/// Reads the names that documents may use, and tells the lab of them and of the catalog whenever they change.
pub(crate) fn know(desk: Desk) {
    let read = RwSignal::new(false);
    read_names(desk, read);
    Effect::new(move || {
        let catalog: Arc<Catalog> = desk.catalog.get();
        let connections = desk.connections.get();
        let secrets = desk.secrets.get();
        let names = read.get().then(|| KnownNames {
            connections: connections.iter().cloned().collect(),
            secrets: secrets.iter().cloned().collect(),
        });
        lab::know(lab::Know { catalog, names });
    });
    // Another window may have set up what is missing here.
    let back = window_event_listener(leptos::ev::focus, move |_| read_names(desk, read));
    on_cleanup(move || back.remove());
}

fn read_names(desk: Desk, read: RwSignal<bool>) {
    spawn_local(async move {
        let connections = api::all::<ConnectionSummary>("/connections").await;
        let secrets = api::all::<SecretSummary>("/secrets").await;
        let (Ok(connections), Ok(secrets)) = (connections, secrets) else {
            // Names that are not known are not checked.
            return;
        };
        let connections: Vec<String> = connections.into_iter().map(|one| one.name).collect();
        let secrets: Vec<String> = secrets.into_iter().map(|one| one.name).collect();
        set_changed(desk.connections, Arc::new(connections));
        set_changed(desk.secrets, Arc::new(secrets));
        read.try_set(true);
    });
}

fn put(desk: Desk, found: Arc<Vec<weir_flows::problem::Problem>>) {
    set_changed(desk.problems, found);
}

fn set_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|current| *current != value) == Some(true) {
        signal.set(value);
    }
}
