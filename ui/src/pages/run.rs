//! One run, drawn on its own version, live while it goes on.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use weir_flows::document::Flow;

use super::{cancel::CancelDialog, flow::read_document, new_flow::empty, replay::ReplayDialog};
use crate::{
    api::{self, RunDetail, Trouble, encode},
    canvas::{Graph, Live},
    clock,
    inspect::RunOverview,
    kit::{
        badge::RunBadge,
        button::{Button, Weight},
        icon::{Glyph, Icon},
        state::shown,
        time::{TimeAgo, Took},
    },
    load::Loader,
    stage::{RunStage, Watch, surroundings, watch},
    texts::{fill, texts},
    words,
};

/// What is read once: which flow it was, how it was then, if that is still known.
#[derive(Clone, PartialEq)]
struct Origin {
    run: Arc<RunDetail>,
    flow: Option<Arc<Flow>>,
}

#[component]
pub(crate) fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("run").unwrap_or_default());
    move || {
        let id = id.get();
        view! { <OneRun id/> }
    }
}

#[component]
fn OneRun(id: String) -> impl IntoView {
    let origin = Loader::new(move || read(id.clone()));
    shown(origin, move |origin: Origin| view! { <Drawn origin/> })
}

async fn read(id: String) -> Result<Origin, Trouble> {
    let run = api::get::<RunDetail>(&format!("/runs/{}", encode(&id))).await?;
    let version = format!("/flows/{}/versions/{}", encode(&run.flow), run.version);
    let flow = match read_document(version).await {
        Ok(flow) => Some(flow),
        Err(trouble) if trouble.status == 404 => None,
        Err(trouble) => return Err(trouble),
    };
    Ok(Origin {
        run: Arc::new(run),
        flow,
    })
}

#[component]
fn Drawn(origin: Origin) -> impl IntoView {
    let t = texts();
    let around = surroundings();
    let first_step = use_query_map().with_untracked(|query| query.get("step"));
    let chosen: RwSignal<Option<String>> = RwSignal::new(first_step);
    let flow = origin.flow.clone().unwrap_or_else(|| Arc::new(empty()));
    let graph = Arc::new(Graph::of(&flow));
    let live = Live::new(&graph, flow.links.len());
    let watch = watch(format!("/runs/{}", encode(&origin.run.id)), live);
    // The run was read to find its version; nobody waits for it to be read again.
    watch.live.show(&origin.run, clock::between);
    watch.detail.set(Some(origin.run.clone()));
    let (replaying, cancelling) = (RwSignal::new(None), RwSignal::new(None));
    let head = head(&origin.run, &flow, &watch, replaying, cancelling);
    let stage = if origin.flow.is_some() {
        view! { <RunStage flow graph watch chosen around/> }.into_any()
    } else {
        let detail = watch.detail;
        let version = fill(
            t.run_version_gone,
            &[("n", &origin.run.version.to_string())],
        );
        view! {
            <p class="strip">{version}</p>
            <div class="panel alone"><RunOverview flow graph run=detail chosen/></div>
        }
        .into_any()
    };
    view! {
        <div class="whole" data-testid="run-page">
            {head}
            <div class="whole-body">{stage}</div>
        </div>
        <ReplayDialog wanted=replaying/>
        <CancelDialog wanted=cancelling/>
    }
}

fn head(
    run: &RunDetail,
    flow: &Flow,
    watch: &Watch,
    replaying: RwSignal<Option<String>>,
    cancelling: RwSignal<Option<String>>,
) -> impl IntoView + use<> {
    let t = texts();
    let (detail, lost) = (watch.detail, watch.lost);
    let titles = [&run.title, &flow.title, &run.flow];
    let title = titles
        .into_iter()
        .find(|title| !title.is_empty())
        .cloned()
        .unwrap_or_default();
    let trigger = flow
        .triggers
        .get(&run.trigger)
        .map(|trigger| trigger.title.clone())
        .filter(|title| !title.is_empty());
    let trigger = fill(
        t.run_started_by,
        &[("trigger", trigger.as_ref().unwrap_or(&run.trigger))],
    );
    let address = format!("/flows/{}", encode(&run.flow));
    let edit = format!("{address}?run={}", encode(&run.id));
    let status = Memo::new(move |_| {
        detail.with(|run| run.as_ref().map(|run| (run.status, run.ended_at.clone())))
    });
    let started = run.started_at.clone();
    let when = clock::parse(&started).map(clock::full).unwrap_or_default();
    let short = words::short_id(&run.id).to_owned();
    let state = move || {
        status.get().map(|(status, ended)| {
            let from = started.clone();
            view! {
                <span data-testid="run-status"><RunBadge status/></span>
                <span class="fact" title=t.runs_column_duration><Glyph icon=Icon::Clock size=14/><Took from to=ended/></span>
            }
        })
    };
    let tools = {
        let id = run.id.clone();
        move || {
            let (final_now, id) = (status.get()?.0.is_final(), id.clone());
            let tool = if final_now {
                let press = move |_| replaying.set(Some(id.clone()));
                view! { <Button label=t.replay_action icon=Icon::RotateCcw test="replay" press/> }
                    .into_any()
            } else {
                let press = move |_| cancelling.set(Some(id.clone()));
                view! { <Button label=t.cancel_run icon=Icon::Ban test="cancel-run" press/> }
                    .into_any()
            };
            Some(tool)
        }
    };
    let origin = run.origin.clone().map(|origin| {
        let label = fill(t.replay_of, &[("id", words::short_id(&origin))]);
        view! { " · " <a class="link-text" data-testid="run-origin" href=format!("/runs/{}", encode(&origin))>{label}</a> }
    });
    let parent = run.parent.clone().map(|parent| {
        let label = fill(t.run_called_by, &[("id", words::short_id(&parent))]);
        view! { " · " <a class="link-text" data-testid="run-parent" href=format!("/runs/{}", encode(&parent))>{label}</a> }
    });
    view! {
        <header class="page-head flow-head">
            <a class="button quiet icon" href="/runs" aria-label=t.run_back title=t.run_back><Glyph icon=Icon::ArrowLeft/></a>
            <div class="flow-title">
                <h1><a href=address title=title.clone()>{title.clone()}</a></h1>
                <span class="fine">
                    <span class="mono" title=run.id.clone()>{fill(t.run_title, &[("id", &short)])}</span>
                    " · " {fill(t.run_version, &[("n", &run.version.to_string())])}
                    " · " {trigger} {origin} {parent}
                </span>
            </div>
            {state}
            <span class="fact" title=when>
                <TimeAgo at=run.started_at.clone()/>
            </span>
            <Show when=move || lost.get()>
                <span class="badge warn" role="status"><Glyph icon=Icon::RefreshCw size=14/>{t.run_lost_stream}</span>
            </Show>
            <div class="page-tools">
                {tools}
                <a class=Weight::Normal.class() href=edit data-testid="run-edit" title=t.run_edit_hint>
                    <Glyph icon=Icon::Workflow/>
                    <span>{t.run_edit}</span>
                </a>
            </div>
        </header>
    }
}
