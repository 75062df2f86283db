//! Secrets: names to see, values to set. A value is never read back.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value, json};
use weir_flows::document::is_slug;

use crate::{
    api::{self, SecretSummary, encode},
    kit::{
        button::{Button, IconButton, Weight},
        dialog::{Confirm, Dialog},
        field::TextField,
        icon::{Glyph, Icon},
        state::{Empty, shown},
        time::TimeAgo,
        toast::toast,
    },
    load::Loader,
    texts::{fill, texts},
};

/// The list. `editing` opens the form: empty for a new secret, a name to replace its value.
#[component]
pub(super) fn SecretsPart(
    secrets: Loader<Vec<SecretSummary>>,
    editing: RwSignal<Option<String>>,
) -> impl IntoView {
    let t = texts();
    let toast = toast();
    let deleting = RwSignal::new(String::new());
    let asked = RwSignal::new(false);
    let list = shown(secrets, move |secrets: Vec<SecretSummary>| {
        if secrets.is_empty() {
            return view! {
                <Empty icon=Icon::KeyRound title=t.secrets_empty_title text=t.secrets_empty_text>
                    <Button label=t.secrets_new icon=Icon::Plus press=move |_| editing.set(Some(String::new()))/>
                </Empty>
            }
            .into_any();
        }
        let rows = secrets.into_iter().map(|secret| {
            let name = StoredValue::new(secret.name.clone());
            view! {
                <tr data-testid="secret-row" data-name=secret.name.clone()>
                    <th scope="row"><span class="secret-name mono"><Glyph icon=Icon::KeyRound/>{name.get_value()}</span></th>
                    <td><TimeAgo at=secret.updated_at/></td>
                    <td class="cell-tools">
                        <Button label=t.secrets_replace icon=Icon::Pencil weight=Weight::Quiet test="replace" press=move |_| editing.set(Some(name.get_value()))/>
                        <IconButton
                            icon=Icon::Trash2
                            label=t.delete
                            test="delete"
                            press=move |_| {
                                deleting.set(name.get_value());
                                asked.set(true);
                            }
                        />
                    </td>
                </tr>
            }
        });
        view! {
            <div class="table-frame">
                <table class="table" data-testid="secrets">
                    <thead>
                        <tr>
                            <th scope="col">{t.column_name}</th>
                            <th scope="col">{t.column_updated}</th>
                            <th scope="col"><span class="unseen">{t.actions}</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    });
    let accept = move || {
        let name = deleting.get_untracked();
        spawn_local(async move {
            match api::remove(&format!("/secrets/{}", encode(&name))).await {
                Ok(()) => {
                    toast.good(fill(t.deleted, &[("name", &name)]));
                    secrets.reload();
                }
                Err(trouble) => toast.trouble(&trouble),
            }
        });
    };
    view! {
        <p class="lead">{t.secrets_text}</p>
        {list}
        <Confirm
            open=asked
            title=Signal::derive(move || fill(t.secrets_delete_title, &[("name", &deleting.get())]))
            text=t.secrets_delete_text
            accept
        />
    }
}

#[component]
pub(crate) fn SecretDialog(
    /// The name of the secret; empty where a person chooses it.
    editing: RwSignal<Option<String>>,
    /// Whether there is no secret of this name yet.
    #[prop(optional)]
    fresh: bool,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let toast = toast();
    let open = RwSignal::new(false);
    let (name, value) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (busy, tried) = (RwSignal::new(false), RwSignal::new(false));
    let fixed = Memo::new(move |_| {
        editing.with(|editing| editing.as_ref().is_some_and(|name| !name.is_empty()))
    });
    Effect::new(move || {
        if let Some(wanted) = editing.get() {
            name.set(wanted);
            value.set(String::new());
            tried.set(false);
            open.set(true);
        }
    });
    Effect::new(move |before: Option<bool>| {
        let now = open.get();
        if before == Some(true) && !now {
            // What was typed is not kept in the page.
            value.set(String::new());
            editing.set(None);
        }
        now
    });
    let wrong = Signal::derive(move || {
        (tried.get() && !is_slug(name.get().trim())).then(|| t.connections_name_bad.to_owned())
    });
    let save = move || {
        tried.set(true);
        let secret = name.get_untracked().trim().to_owned();
        if busy.get_untracked() || !is_slug(&secret) || value.with_untracked(String::is_empty) {
            return;
        }
        let body = json!({ "value": value.get_untracked() });
        busy.set(true);
        spawn_local(async move {
            let answer =
                api::send::<Value>("PUT", &format!("/secrets/{}", encode(&secret)), &body).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    open.try_set(false);
                    toast.good(fill(t.secrets_saved, &[("name", &secret)]));
                    done();
                }
                Err(trouble) => toast.trouble(&trouble),
            }
        });
    };
    let title = Signal::derive(move || {
        (if fixed.get() && !fresh {
            t.secrets_replace
        } else {
            t.secrets_new
        })
        .to_owned()
    });
    view! {
        <Dialog open title>
            <form
                data-testid="secret-form"
                on:submit=move |event| {
                    event.prevent_default();
                    save();
                }
            >
                <div class="dialog-body form">
                    <TextField id="secret-name" label=t.connections_name hint=t.connections_name_hint value=name wrong fixed=fixed.get()/>
                    <TextField id="secret-value" label=t.secrets_value hint=t.secrets_value_hint value hidden=true/>
                </div>
                <footer class="dialog-foot">
                    <Button label=t.cancel press=move |_| open.set(false)/>
                    <Button
                        label=t.save
                        icon=Icon::Check
                        weight=Weight::Primary
                        busy
                        off=Signal::derive(move || value.with(String::is_empty))
                        test="secret-save"
                        sends=true
                        press=|_| ()
                    />
                </footer>
            </form>
        </Dialog>
    }
}
