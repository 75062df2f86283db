//! Connections and secrets: what imported flows need to work here.

mod connection;
mod secrets;

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use self::secrets::SecretsPart;
pub(crate) use self::{
    connection::{ConnectionDialog, Wanted},
    secrets::SecretDialog,
};
use crate::{
    api::{self, ConnectionSummary, SecretSummary, encode},
    kit::{
        button::{Button, IconButton, Weight},
        dialog::Confirm,
        icon::Icon,
        state::{Empty, shown},
        tabs::{Tab, TabRow},
        time::TimeAgo,
        toast::toast,
    },
    load::Loader,
    texts::{fill, texts},
};

#[component]
pub(crate) fn ConnectionsPage() -> impl IntoView {
    let t = texts();
    let query = use_query_map();
    let tab = Memo::new(move |_| {
        query
            .read()
            .get("tab")
            .unwrap_or_else(|| "connections".to_owned())
    });
    let secrets = Loader::new(|| api::all::<SecretSummary>("/secrets"));
    let connections = Loader::new(|| api::all::<ConnectionSummary>("/connections"));
    let wanted: RwSignal<Option<Wanted>> = RwSignal::new(None);
    let secret: RwSignal<Option<String>> = RwSignal::new(None);
    let navigate = use_navigate();
    let opened = navigate.clone();
    // `?open=NAME`, where the panel of a step leads to, opens the form of that connection, or of a new one of that name.
    Effect::new(move || {
        let Some(name) = query.with(|query| query.get("open")) else {
            return;
        };
        if let Some(known) = connections.ready() {
            let exists = known.iter().any(|connection| connection.name == name);
            wanted.set(Some(Wanted { name, exists }));
            // Once is enough, also after going back to this page.
            opened(
                "/connections",
                NavigateOptions {
                    replace: true,
                    ..NavigateOptions::default()
                },
            );
        }
    });
    let choose = move |word: &'static str| {
        let to = if word == "connections" {
            "/connections".to_owned()
        } else {
            format!("/connections?tab={word}")
        };
        navigate(
            &to,
            NavigateOptions {
                scroll: false,
                ..NavigateOptions::default()
            },
        );
    };
    let tabs = vec![
        Tab::plain("connections", t.connections_tab),
        Tab::plain("secrets", t.secrets_tab),
    ];
    let tools = move || {
        if tab.get() == "secrets" {
            view! {
                <Button
                    label=t.secrets_new
                    icon=Icon::Plus
                    weight=Weight::Primary
                    test="secret-new"
                    press=move |_| secret.set(Some(String::new()))
                />
            }
            .into_any()
        } else {
            view! {
                <Button
                    label=t.connections_new
                    icon=Icon::Plus
                    weight=Weight::Primary
                    test="connection-new"
                    press=move |_| wanted.set(Some(Wanted::default()))
                />
            }
            .into_any()
        }
    };
    let body = move || {
        if tab.get() == "secrets" {
            view! { <SecretsPart secrets editing=secret/> }.into_any()
        } else {
            view! { <ConnectionsPart connections wanted/> }.into_any()
        }
    };
    view! {
        <header class="page-head">
            <h1>{t.connections_title}</h1>
            <div class="page-tools">{tools}</div>
        </header>
        <TabRow label=t.connections_title tabs current=tab choose/>
        <section class="page-body">{body}</section>
        <ConnectionDialog
            wanted
            secrets
            done=move || {
                connections.reload();
                secrets.reload();
            }
        />
        <secrets::SecretDialog editing=secret done=move || secrets.reload()/>
    }
}

#[component]
fn ConnectionsPart(
    connections: Loader<Vec<ConnectionSummary>>,
    wanted: RwSignal<Option<Wanted>>,
) -> impl IntoView {
    let t = texts();
    let toast = toast();
    let deleting = RwSignal::new(String::new());
    let asked = RwSignal::new(false);
    let list = shown(connections, move |connections: Vec<ConnectionSummary>| {
        if connections.is_empty() {
            return view! {
                <Empty icon=Icon::Plug title=t.connections_empty_title text=t.connections_empty_text>
                    <Button label=t.connections_new icon=Icon::Plus press=move |_| wanted.set(Some(Wanted::default()))/>
                </Empty>
            }
            .into_any();
        }
        let rows = connections.into_iter().map(|connection| {
            let name = StoredValue::new(connection.name.clone());
            let edit = move |_| wanted.set(Some(Wanted { name: name.get_value(), exists: true }));
            let delete = move |_| {
                deleting.set(name.get_value());
                asked.set(true);
            };
            view! {
                <tr data-testid="connection-row" data-name=connection.name.clone()>
                    <th scope="row">
                        <button type="button" class="flow-name" on:click=edit>
                            <strong>{if connection.title.is_empty() { connection.name.clone() } else { connection.title }}</strong>
                            <span class="fine mono">{connection.name.clone()}</span>
                        </button>
                    </th>
                    <td class="mono cell-text">{connection.base_url}</td>
                    <td><TimeAgo at=connection.updated_at/></td>
                    <td class="cell-tools">
                        <IconButton icon=Icon::Pencil label=t.edit test="edit" press=edit/>
                        <IconButton icon=Icon::Trash2 label=t.delete test="delete" press=delete/>
                    </td>
                </tr>
            }
        });
        view! {
            <div class="table-frame">
                <table class="table" data-testid="connections">
                    <thead>
                        <tr>
                            <th scope="col">{t.column_name}</th>
                            <th scope="col">{t.column_address}</th>
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
            match api::remove(&format!("/connections/{}", encode(&name))).await {
                Ok(()) => {
                    toast.good(fill(t.deleted, &[("name", &name)]));
                    connections.reload();
                }
                Err(trouble) => toast.trouble(&trouble),
            }
        });
    };
    view! {
        <p class="lead">{t.connections_text}</p>
        {list}
        <Confirm
            open=asked
            title=Signal::derive(move || fill(t.connections_delete_title, &[("name", &deleting.get())]))
            text=t.connections_delete_text
            accept
        />
    }
}
