//! Picking a connection or a secret by its name, and setting one up on the way.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value, json};
use weir_flows::settings::secret_name;

use crate::{
    api::{self, ConnectionSummary, SecretSummary},
    editor::Desk,
    form::{
        choice::{self, Pick},
        slot::Slot,
    },
    kit::{button::Button, icon::Icon},
    load::Loader,
    pages::connections::{ConnectionDialog, SecretDialog, Wanted},
    texts::{fill, texts},
};

/// The connection of an action.
pub(crate) fn connection(slot: &Slot) -> AnyView {
    let t = texts();
    let desk = slot.desk;
    let asked = RwSignal::new(false);
    let wanted: RwSignal<Option<Wanted>> = RwSignal::new(None);
    let missing = missing(slot.value, desk.connections);
    let press = move |_| {
        asked.set(true);
        wanted.set(Some(Wanted {
            name: missing.get_untracked().unwrap_or_default(),
            exists: false,
        }));
    };
    let made = slot.clone();
    let done = Callback::new(move |()| {
        let slot = made.clone();
        read_again(desk, move |new_connection, _| {
            if let Some(name) = new_connection {
                slot.put(Some(json!(name)));
            }
        });
    });
    let dialog = move || {
        asked.get().then(|| {
            let secrets = Loader::new(|| api::all::<SecretSummary>("/secrets"));
            view! { <ConnectionDialog wanted secrets done=move || done.run(())/> }
        })
    };
    view! {
        {names(slot, desk.connections, t.pick_no_connection)}
        <div class="form-tools">
            <Button label=create_label(missing, t.pick_connection_new) icon=Icon::Plus test="connection-create" press=press/>
        </div>
        {dialog}
    }
    .into_any()
}

/// A secret by its name.
pub(crate) fn secret(slot: &Slot) -> AnyView {
    let t = texts();
    let desk = slot.desk;
    let asked = RwSignal::new(false);
    let editing: RwSignal<Option<String>> = RwSignal::new(None);
    let (value, set) = (slot.value, slot.set);
    // The document says `{"$secret": name}`; the field is about the name.
    let name = Memo::new(move |_| value.with(|value| Some(json!(secret_name(value.as_ref()?)?))));
    let named = Slot {
        value: name.into(),
        set: Callback::new(move |name: Option<Value>| {
            set.run(name.map(|name| json!({ "$secret": name })));
        }),
        ..slot.clone()
    };
    let missing = missing(named.value, desk.secrets);
    let press = move |_| {
        asked.set(true);
        editing.set(Some(missing.get_untracked().unwrap_or_default()));
    };
    let made = named.clone();
    let done = Callback::new(move |()| {
        let slot = made.clone();
        read_again(desk, move |_, new_secret| {
            if let Some(name) = new_secret {
                slot.put(Some(json!(name)));
            }
        });
    });
    let dialog = move || {
        asked
            .get()
            .then(|| view! { <SecretDialog editing fresh=true done=move || done.run(())/> })
    };
    view! {
        {names(&named, desk.secrets, t.pick_no_secret)}
        <div class="form-tools">
            <Button label=create_label(missing, t.pick_secret_new) icon=Icon::Plus test="secret-create" press=press/>
        </div>
        {dialog}
    }
    .into_any()
}

/// A choice among the names that are set up here, with the one that the document says even where it is not.
fn names(slot: &Slot, known: RwSignal<Arc<Vec<String>>>, none: &'static str) -> AnyView {
    choice::select(slot, move |held| picks(&known.get(), held, none))
}

fn picks(known: &[String], held: Option<&Value>, none: &str) -> Vec<Pick> {
    let mut picks = vec![Pick {
        value: None,
        label: none.to_owned(),
    }];
    picks.extend(known.iter().map(|name| Pick {
        value: Some(json!(name)),
        label: name.clone(),
    }));
    if let Some(Value::String(name)) =
        held.filter(|held| !picks.iter().any(|pick| pick.value.as_ref() == Some(*held)))
    {
        picks.push(Pick {
            value: held.cloned(),
            label: fill(texts().pick_missing, &[("name", name)]),
        });
    }
    picks
}

/// The name that the document says and that is not set up here.
fn missing(
    value: Signal<Option<Value>>,
    known: RwSignal<Arc<Vec<String>>>,
) -> Memo<Option<String>> {
    Memo::new(move |_| {
        let name = value.with(|value| Some(value.as_ref()?.as_str()?.to_owned()))?;
        known.with(|known| !known.contains(&name)).then_some(name)
    })
}

fn create_label(missing: Memo<Option<String>>, new: &'static str) -> Signal<String> {
    Signal::derive(
        move || match missing.get().filter(|name| !name.is_empty()) {
            Some(name) => fill(texts().pick_create, &[("name", &name)]),
            None => new.to_owned(),
        },
    )
}

/// Reads the names anew, and tells which connection and which secret have come.
fn read_again(desk: Desk, told: impl FnOnce(Option<String>, Option<String>) + 'static) {
    spawn_local(async move {
        let connections = api::all::<ConnectionSummary>("/connections").await;
        let secrets = api::all::<SecretSummary>("/secrets").await;
        let connections = connections.map(|all| all.into_iter().map(|one| one.name).collect());
        let secrets = secrets.map(|all| all.into_iter().map(|one| one.name).collect());
        let new_connection = connections.ok().and_then(|now| come(desk.connections, now));
        let new_secret = secrets.ok().and_then(|now| come(desk.secrets, now));
        told(new_connection, new_secret);
    });
}

fn come(known: RwSignal<Arc<Vec<String>>>, now: Vec<String>) -> Option<String> {
    let before = known.try_get_untracked()?;
    let new = now.iter().find(|name| !before.contains(name)).cloned();
    known.set(Arc::new(now));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_set_up_stays_chosen_and_says_so() {
        let known = ["erp".to_owned()];
        let labels = |held: Option<Value>| {
            let picks = picks(&known, held.as_ref(), "none");
            picks.into_iter().map(|pick| pick.label).collect::<Vec<_>>()
        };
        assert_eq!(labels(Some(json!("erp"))), ["none", "erp"]);
        assert_eq!(labels(Some(json!("crm"))).len(), 3);
        assert!(labels(Some(json!("crm")))[2].contains("crm"));
    }
}
