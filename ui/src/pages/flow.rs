//! One flow: its drawing, trying it, its runs, its versions and its document.

mod document;
mod try_out;
mod versions;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};
use weir_flows::document::Flow;

use self::{document::DocumentTab, try_out::TryTab, versions::VersionsTab};
use super::{
    flows::{TriggerLine, export, state},
    publish::PublishDialog,
    runs::{Filters, RunList},
};
use crate::{
    api::{self, FlowSummary, Trouble, encode},
    kit::{
        button::{Button, IconButton, Weight},
        icon::{Glyph, Icon},
        problems::ProblemList,
        state::{Skeleton, TroubleNote, shown},
        tabs::{Tab, TabRow},
    },
    load::{Loaded, Loader},
    stage::{SetupStage, surroundings},
    texts::{fill, texts},
};

/// A document as text and as what it says.
#[derive(Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) text: Arc<str>,
    pub(crate) flow: Arc<Flow>,
}

/// Reads a document from the API: a draft, or a version.
pub(crate) async fn read_document(path: String) -> Result<Document, Trouble> {
    let text = api::get_text(&path).await?;
    match serde_json::from_str(&text) {
        Ok(flow) => Ok(Document {
            flow: Arc::new(flow),
            text: text.into(),
        }),
        Err(error) => Err(Trouble {
            status: 200,
            detail: error.to_string(),
            ..Trouble::default()
        }),
    }
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
    let t = texts();
    let query = use_query_map();
    let word = |name: &'static str| Memo::new(move |_| query.read().get(name));
    let (tab, version, from_run) = (word("tab"), word("version"), word("run"));
    let address = StoredValue::new(format!("/flows/{}", encode(&id)));
    let summary = Loader::new(move || async move {
        api::get::<FlowSummary>(&format!("{}/summary", address.get_value())).await
    });
    let draft = Loader::new(move || read_document(address.get_value()));
    let around = surroundings();
    let chosen: RwSignal<Option<String>> = RwSignal::new(None);
    let publishing: RwSignal<Option<FlowSummary>> = RwSignal::new(None);
    let warnings = RwSignal::new(Vec::new());

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
    let show = Callback::new(move |card: String| {
        go.run("drawing");
        chosen.set(Some(card));
    });
    let current = Signal::derive(move || tab.get().unwrap_or_else(|| "drawing".to_owned()));
    let tabs = vec![
        Tab::plain("drawing", t.tab_drawing),
        Tab::plain("try", t.tab_try),
        Tab::plain("runs", t.tab_runs),
        Tab::plain("versions", t.tab_versions),
        Tab::plain("document", t.tab_document),
    ];
    let head = {
        let id = id.clone();
        move || {
            let name = summary
                .ready()
                .map_or_else(|| id.clone(), |flow| flow.name().to_owned());
            view! { <h1 title=name.clone()>{name.clone()}</h1> }
        }
    };
    let badge = move || summary.ready().map(|flow| state(&flow));
    let lines = move || {
        summary.ready().map(|flow| {
            let lines = flow
                .triggers
                .into_iter()
                .map(|trigger| view! { <TriggerLine trigger/> });
            view! { <ul class="trigger-lines head">{lines.collect_view()}</ul> }
        })
    };
    let unpublished = move || {
        summary
            .ready()
            .is_some_and(|flow| flow.published.is_none() || flow.changed)
    };
    let published = move |found| {
        warnings.set(found);
        summary.reload();
    };
    let list_id = id.clone();
    let body = move || {
        match current.get().as_str() {
        "try" => view! { <TryTab address=address.get_value() summary from_run=from_run.get() around publish=move || publishing.set(summary.ready())/> }.into_any(),
        "runs" => {
            let filters = Filters { flow: list_id.clone(), ..Filters::default() };
            view! { <div class="page-body"><RunList filters=Signal::stored(filters) names=Signal::derive(move || summary.ready().into_iter().collect()) within=true/></div> }.into_any()
        }
        "versions" => view! { <VersionsTab address=address.get_value() summary/> }.into_any(),
        "document" => shown(draft, move |read: Document| view! { <DocumentTab text=read.text/> }).into_any(),
        _ => match version.get() {
            Some(n) => view! { <OldVersion address=address.get_value() n chosen around/> }.into_any(),
            None => (move || match draft.value.get() {
                Loaded::Loading => view! { <Skeleton/> }.into_any(),
                Loaded::Ready(read) => view! { <SetupStage flow=read.flow chosen around/> }.into_any(),
                Loaded::Failed(trouble) => view! { <TroubleNote trouble retry=move || draft.reload()/> }.into_any(),
            })
            .into_any(),
        },
    }
    };
    let export_id = id.clone();
    let notes = move || {
        let found = warnings.get();
        (!found.is_empty()).then(|| {
            view! {
                <div class="flow-problems">
                    <ProblemList problems=found show/>
                    <IconButton icon=Icon::X label=t.close press=move |_| warnings.set(Vec::new())/>
                </div>
            }
        })
    };
    view! {
        <div class="whole">
            <header class="page-head flow-head">
                <a class="button quiet icon" href="/" aria-label=t.flow_back title=t.flow_back><Glyph icon=Icon::ArrowLeft/></a>
                <div class="flow-title">
                    {head}
                    <span class="fine mono">{id}</span>
                </div>
                <span data-testid="flow-state">{badge}</span>
                {lines}
                <div class="page-tools">
                    <Button label=t.flows_export icon=Icon::Download test="export" press=move |_| export(export_id.clone())/>
                    <Show when=unpublished>
                        <Button
                            label=t.flows_publish
                            icon=Icon::Rocket
                            weight=Weight::Primary
                            test="publish"
                            press=move |_| publishing.set(summary.ready())
                        />
                    </Show>
                </div>
            </header>
            <TabRow label=t.tabs_label tabs current choose=move |word| go.run(word)/>
            {notes}
            <div class="whole-body" role="tabpanel">{body}</div>
        </div>
        <PublishDialog flow=publishing done=published show/>
    }
}

/// A version to look at, with a way back to the draft.
#[component]
fn OldVersion(
    address: String,
    n: String,
    chosen: RwSignal<Option<String>>,
    #[prop(into)] around: Signal<crate::inspect::Surroundings>,
) -> impl IntoView {
    let t = texts();
    let path = format!("{address}/versions/{}", encode(&n));
    let version = Loader::new(move || read_document(path.clone()));
    view! {
        <p class="strip">
            <Glyph icon=Icon::History/>
            {fill(t.versions_viewing, &[("n", &n)])}
            <a class="link-text" href=address>{t.versions_to_draft}</a>
        </p>
        {shown(version, move |read: Document| view! { <SetupStage flow=read.flow chosen around/> })}
    }
}
