//! One flow: its drawing, its runs, its versions and its document.

mod document;
mod head;
mod lines;
mod versions;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};
use weir_flows::document::Flow;

use self::{document::DocumentTab, head::Head, versions::VersionsTab};
use super::{
    new_flow::{Making, NewFlowDialog},
    publish::PublishDialog,
    runs::{Filters, RunList},
};
use crate::{
    api::{self, FlowSummary, Trouble, encode},
    editor::{Command, Drawer, Editor, Event, Session, Stored, leftover, read_draft},
    kit::{
        icon::{Glyph, Icon},
        state::shown,
        tabs::{Tab, TabRow},
        toast::toast,
    },
    load::Loader,
    stage::{SetupStage, surroundings},
    texts::{fill, texts},
};

/// Reads a document from the API: a draft, or a version.
pub(crate) async fn read_document(path: String) -> Result<Arc<Flow>, Trouble> {
    api::get::<Flow>(&path).await.map(Arc::new)
}

/// What is read before anything of a flow can be shown.
#[derive(Clone, Debug, PartialEq)]
struct Opened {
    stored: Stored,
    summary: FlowSummary,
}

#[component]
pub(crate) fn FlowPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("flow").unwrap_or_default());
    // Another flow is another page.
    move || {
        let id = id.get();
        view! { <OneFlow id/> }
    }
}

#[component]
fn OneFlow(id: String) -> impl IntoView {
    let opened = Loader::new(move || {
        let id = id.clone();
        async move {
            let stored = read_draft(&id).await?;
            let path = format!("/flows/{}/summary", encode(&id));
            let summary = api::get::<FlowSummary>(&path).await?;
            Ok(Opened { stored, summary })
        }
    });
    shown(opened, move |opened: Opened| view! { <OpenFlow opened/> })
}

#[component]
fn OpenFlow(opened: Opened) -> impl IntoView {
    let t = texts();
    let id = opened.stored.flow.id.clone();
    let query = use_query_map();
    let word = |name: &'static str| Memo::new(move |_| query.read().get(name));
    let (tab, version) = (word("tab"), word("version"));
    let address = StoredValue::new(format!("/flows/{}", encode(&id)));
    let from_run = query.with_untracked(|query| query.get("run"));
    let session = Session::open(opened.stored, leftover::find(&id), from_run);
    let summary = summary(session, opened.summary, address);
    let publishing: RwSignal<Option<FlowSummary>> = RwSignal::new(None);
    let making: RwSignal<Option<Making>> = RwSignal::new(None);

    let navigate = use_navigate();
    let go = Callback::new(move |word: &'static str| {
        let to = if word == "drawing" {
            String::new()
        } else {
            format!("?tab={word}")
        };
        navigate(
            &format!("{}{to}", address.get_value()),
            NavigateOptions {
                scroll: false,
                ..NavigateOptions::default()
            },
        );
    });
    let current = Signal::derive(move || tab.get().unwrap_or_else(|| "drawing".to_owned()));
    // Trying is a part of the drawing.
    Effect::new(move || {
        if current.get() == "try" {
            session.drawer.set(Some(Drawer::Try));
            go.run("drawing");
        }
    });
    let publish = Callback::new(move |()| {
        session.keeper.settled(move |saved| {
            if saved {
                publishing.set(Some(summary.get_untracked()));
            } else {
                toast().bad(texts().publish_not_saved);
            }
        });
    });
    let outside = Callback::new(move |command: Command| {
        if command == Command::Publish {
            publish.run(());
        }
    });
    let start_try = Callback::new(move |()| {
        go.run("drawing");
        session.drawer.set(Some(Drawer::Try));
    });
    let saves = window_event_listener(leptos::ev::keydown, move |event| {
        let wanted = (event.ctrl_key() || event.meta_key()) && event.key() == "s";
        if wanted && !event.default_prevented() {
            event.prevent_default();
            session.keeper.tell(Event::Now);
        }
    });
    on_cleanup(move || saves.remove());
    let tabs = vec![
        Tab::plain("drawing", t.tab_drawing),
        Tab::plain("runs", t.tab_runs),
        Tab::plain("versions", t.tab_versions),
        Tab::plain("document", t.tab_document),
    ];
    let list_id = id.clone();
    let body = move || {
        match current.get().as_str() {
        "runs" => {
            let filters = Filters {
                flow: list_id.clone(),
                ..Filters::default()
            };
            view! { <div class="page-body"><RunList filters=Signal::stored(filters) names=Signal::derive(move || vec![summary.get()]) within=true/></div> }.into_any()
        }
        "versions" => view! { <VersionsTab address=address.get_value() summary session restored=move || go.run("drawing")/> }.into_any(),
        "document" => view! { <DocumentTab session/> }.into_any(),
        _ => match version.get() {
            Some(n) => view! { <OldVersion address=address.get_value() n/> }.into_any(),
            None => view! { <Editor session outside/> }.into_any(),
        },
    }
    };
    let seek = Callback::new(move |pointer: String| {
        go.run("drawing");
        session.seek(&pointer);
    });
    let message = Signal::derive(move || session.sampler.message.get().unwrap_or_default());
    let taken = Signal::derive(move || vec![id.clone()]);
    view! {
        <div class="whole">
            <Head session summary publish start_try making/>
            <TabRow label=t.tabs_label tabs current choose=move |word| go.run(word)/>
            <div class="whole-body" role="tabpanel">{body}</div>
        </div>
        <PublishDialog flow=publishing done=move || reload(summary, address) seek message/>
        <NewFlowDialog making taken/>
    }
}

/// The flow as lists show it, read again whenever something became of it.
fn summary(
    session: Session,
    first: FlowSummary,
    address: StoredValue<String>,
) -> RwSignal<FlowSummary> {
    let summary = RwSignal::new(first);
    Effect::new(move || {
        if let Some(saved) = session.keeper.summary.get() {
            summary.set(saved);
        }
    });
    session.hear(move || reload(summary, address));
    summary
}

fn reload(summary: RwSignal<FlowSummary>, address: StoredValue<String>) {
    let Some(address) = address.try_get_value() else {
        return;
    };
    leptos::task::spawn_local(async move {
        if let Ok(read) = api::get::<FlowSummary>(&format!("{address}/summary")).await {
            summary.try_set(read);
        }
    });
}

/// A version to look at, with a way back to the draft.
#[component]
fn OldVersion(address: String, n: String) -> impl IntoView {
    let t = texts();
    let around = surroundings();
    let chosen: RwSignal<Option<String>> = RwSignal::new(None);
    let path = format!("{address}/versions/{}", encode(&n));
    let version = Loader::new(move || read_document(path.clone()));
    view! {
        <p class="strip">
            <Glyph icon=Icon::History/>
            {fill(t.versions_viewing, &[("n", &n)])}
            <a class="link-text" href=address>{t.versions_to_draft}</a>
        </p>
        {shown(version, move |flow: Arc<Flow>| view! { <SetupStage flow chosen around/> })}
    }
}
