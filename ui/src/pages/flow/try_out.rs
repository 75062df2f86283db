//! Trying a flow: choose a trigger, edit a message, run it, and watch the run on the drawing.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use serde_json::Value;
use weir_flows::{document::Flow, problem::Problem};

use super::{Document, read_document};
use crate::{
    api::{self, FlowSummary, RunDetail, TryMessage, TryRun, encode},
    canvas::{Graph, Live},
    inspect::Surroundings,
    kit::{
        badge::RunBadge,
        button::{Button, Weight},
        field::{Choice, Field},
        icon::{Glyph, Icon},
        problems::ProblemList,
        state::{Empty, Skeleton, TroubleNote, shown},
        time::Took,
        toast::toast,
    },
    load::{Loaded, Loader},
    sample::{Mistake, Sample, read_body, read_texts, samples, typed},
    stage::{RunStage, SetupStage, watch},
    texts::{fill, texts},
    words,
};

#[component]
pub(super) fn TryTab(
    address: String,
    summary: Loader<FlowSummary>,
    /// A run whose message is the start.
    from_run: Option<String>,
    #[prop(into)] around: Signal<Surroundings>,
    publish: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let version = Memo::new(move |_| match summary.value.get() {
        Loaded::Ready(flow) => Some(Ok(flow.published.map(|now| now.version))),
        Loaded::Failed(trouble) => Some(Err(trouble)),
        Loaded::Loading => None,
    });
    let changed = Memo::new(move |_| summary.ready().is_some_and(|flow| flow.changed));
    move || {
        match version.get() {
        None => view! { <Skeleton/> }.into_any(),
        Some(Err(trouble)) => view! { <TroubleNote trouble retry=move || summary.reload()/> }.into_any(),
        Some(Ok(None)) => view! {
            <Empty icon=Icon::Rocket title=t.try_unpublished_title text=t.try_unpublished_text>
                <Button label=t.flows_publish icon=Icon::Rocket weight=Weight::Primary press=move |_| publish()/>
            </Empty>
        }
        .into_any(),
        Some(Ok(Some(n))) => {
            let (address, from_run) = (address.clone(), from_run.clone());
            let path = format!("{address}/versions/{n}");
            let version = Loader::new(move || read_document(path.clone()));
            let origin = Loader::new(move || {
                let run = from_run.clone();
                async move {
                    // A run that is gone only means that its message cannot be offered.
                    match run {
                        Some(run) => Ok(api::get::<RunDetail>(&format!("/runs/{}", encode(&run))).await.ok()),
                        None => Ok(None),
                    }
                }
            });
            let stage = move |read: Document| {
                let address = address.clone();
                move || {
                    let origin = origin.ready()?;
                    let (address, flow) = (address.clone(), read.flow.clone());
                    Some(view! { <TryStage address flow version=n origin around changed/> })
                }
            };
            shown(version, stage).into_any()
        }
    }
    }
}

#[component]
fn TryStage(
    address: String,
    flow: Arc<Flow>,
    version: u32,
    origin: Option<RunDetail>,
    #[prop(into)] around: Signal<Surroundings>,
    #[prop(into)] changed: Signal<bool>,
) -> impl IntoView {
    let t = texts();
    let toast = toast();
    let Some(first) = flow.triggers.keys().next().cloned() else {
        return view! { <Empty icon=Icon::Zap title=t.try_no_trigger text=t.canvas_empty_text/> }
            .into_any();
    };
    let first = origin
        .as_ref()
        .map(|run| run.trigger.clone())
        .filter(|id| flow.triggers.contains_key(id))
        .unwrap_or(first);
    let trigger = RwSignal::new(first);
    let (body, headers, query) = (
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
    );
    let sample = RwSignal::new("0".to_owned());
    let offered = {
        let flow = flow.clone();
        Memo::new(move |_| offered(&flow, &trigger.get(), origin.as_ref()))
    };
    Effect::new(move || {
        let index = sample.get().parse::<usize>().unwrap_or_default();
        let message = offered.with(|all| {
            all.get(index)
                .or(all.first())
                .map(|sample| sample.message.clone())
        });
        let message = message.unwrap_or_default();
        body.set(typed(&message.body));
        headers.set(typed(&Value::Object(message.headers)));
        query.set(typed(&Value::Object(message.query)));
    });
    let message = Memo::new(move |_| {
        Ok::<_, Mistake>(TryMessage {
            body: read_body(&body.get())?,
            headers: read_texts(&headers.get())?,
            query: read_texts(&query.get())?,
        })
    });
    let busy = RwSignal::new(false);
    let started: RwSignal<Option<Started>> = RwSignal::new(None);
    // Why the trigger refuses the message, by its schema.
    let refused: RwSignal<Vec<Problem>> = RwSignal::new(Vec::new());
    let start = move || {
        let Ok(message) = message.get_untracked() else {
            return;
        };
        if busy.get_untracked() {
            return;
        }
        let wish = TryRun {
            trigger: trigger.get_untracked(),
            message,
        };
        let address = address.clone();
        busy.set(true);
        refused.set(Vec::new());
        spawn_local(async move {
            match api::start(&address, &wish).await {
                Ok((run, duplicate)) => {
                    started.try_set(Some(Started {
                        run: run.id,
                        duplicate,
                    }));
                }
                Err(trouble) if !trouble.errors.is_empty() => {
                    // What an earlier message did is not the answer to this one.
                    started.try_set(None);
                    refused.try_set(trouble.errors);
                }
                Err(trouble) => toast.trouble(&trouble),
            }
            busy.try_set(false);
        });
    };
    let triggers: Vec<(String, String)> = flow
        .triggers
        .iter()
        .map(|(id, trigger)| {
            let (kind, _) = words::trigger_kind(t, &trigger.kind);
            let name = if trigger.title.is_empty() {
                id.clone()
            } else {
                trigger.title.clone()
            };
            (id.clone(), format!("{name} ({kind})"))
        })
        .collect();
    let labels = Signal::derive(move || {
        offered
            .get()
            .into_iter()
            .enumerate()
            .map(|(index, sample)| (index.to_string(), sample.label))
            .collect::<Vec<_>>()
    });
    let chosen: RwSignal<Option<String>> = RwSignal::new(None);
    let label = Signal::derive(move || {
        (if busy.get() {
            t.try_running
        } else if started.with(Option::is_some) {
            t.try_again
        } else {
            t.try_run
        })
        .to_owned()
    });
    let press = start.clone();
    let stage = {
        let flow = flow.clone();
        move || match started.get() {
            None => view! { <SetupStage flow=flow.clone() chosen around/> }.into_any(),
            Some(started) => {
                view! { <TriedRun flow=flow.clone() started chosen around/> }.into_any()
            }
        }
    };
    let n = version.to_string();
    view! {
        <div class="try">
            <form
                class="try-form"
                data-testid="try-form"
                on:submit=|event| event.prevent_default()
                on:keydown=move |event| {
                    if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
                        start();
                    }
                }
            >
                <div class="try-fields">
                    <Show when=move || changed.get()>
                        <p class="notice warn">{fill(t.try_changed, &[("n", &n)])}</p>
                    </Show>
                    <Choice
                        id="try-trigger"
                        label=t.try_trigger
                        options=Signal::stored(triggers)
                        value=trigger
                        choose=move |id| {
                            trigger.set(id);
                            sample.set("0".to_owned());
                        }
                    />
                    <Choice id="try-sample" label=t.try_sample options=labels value=sample choose=move |index| sample.set(index)/>
                    <Editor id="try-body" label=t.try_body text=body lines=12 wrong=move |text| read_body(text).err()/>
                    <Editor id="try-headers" label=t.try_headers text=headers lines=2 wrong=move |text| read_texts(text).err()/>
                    <Editor id="try-query" label=t.try_query text=query lines=2 wrong=move |text| read_texts(text).err()/>
                </div>
                {move || {
                    let found = refused.get();
                    (!found.is_empty()).then(|| view! {
                        <div class="try-refused" role="alert" data-testid="try-refused">
                            <p class="import-line bad"><Glyph icon=Icon::CircleX/>{t.try_refused}</p>
                            <ProblemList problems=found/>
                        </div>
                    })
                }}
                <footer class="try-foot">
                    <p class="fine">{t.try_real}</p>
                    <Button
                        label
                        icon=Icon::Play
                        weight=Weight::Primary
                        busy
                        off=Signal::derive(move || message.with(Result::is_err))
                        test="try-run"
                        press=move |_| press()
                    />
                </footer>
            </form>
            <div class="try-stage">{stage}</div>
        </div>
    }
    .into_any()
}

/// The samples for a trigger, with the message of a run first.
fn offered(flow: &Flow, trigger: &str, origin: Option<&RunDetail>) -> Vec<Sample> {
    let t = texts();
    let of_run = origin.filter(|run| run.trigger == trigger).map(|run| {
        let part = |key: &str| {
            run.message
                .get(key)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        Sample {
            label: fill(t.try_sample_run, &[("id", words::short_id(&run.id))]),
            message: TryMessage {
                body: run.message.get("body").cloned().unwrap_or_default(),
                headers: part("headers"),
                query: part("query"),
            },
        }
    });
    of_run
        .into_iter()
        .chain(samples(t, flow, trigger))
        .collect()
}

/// The run that a try led to.
#[derive(Clone, PartialEq)]
struct Started {
    run: String,
    /// Whether it is the run of an earlier message with the same key.
    duplicate: bool,
}

/// The run that was started, as it goes on.
#[component]
fn TriedRun(
    flow: Arc<Flow>,
    started: Started,
    chosen: RwSignal<Option<String>>,
    #[prop(into)] around: Signal<Surroundings>,
) -> impl IntoView {
    let t = texts();
    let Started { run, duplicate } = started;
    let graph = Arc::new(Graph::of(&flow));
    let live = Live::new(&graph, flow.links.len());
    let watch = watch(run.clone(), live);
    let detail = watch.detail;
    let strip = move || {
        detail.get().map(|run| {
            let run = RunDetail::clone(&run);
            view! {
                <RunBadge status=run.status/>
                <span class="fine number"><Took from=run.started_at to=run.ended_at/></span>
                {run.failure.map(|failure| view! { <span class="strip-text bad" title=failure.message.clone()>{failure.message.clone()}</span> })}
            }
        })
    };
    view! {
        <p class="strip" data-testid="try-result" aria-live="polite">
            {strip}
            <a class="link-text strip-end" href=format!("/runs/{}", encode(&run))>
                {t.try_open_run}
                <Glyph icon=Icon::ArrowRight size=14/>
            </a>
        </p>
        {duplicate.then(|| view! {
            <p class="strip warn" role="status" data-testid="try-duplicate"><Glyph icon=Icon::CircleAlert/>{t.try_duplicate}</p>
        })}
        <RunStage flow graph watch chosen around/>
    }
}

/// An editor for JSON, which says at once what is wrong with what was typed.
#[component]
fn Editor(
    id: &'static str,
    label: &'static str,
    text: RwSignal<String>,
    lines: u32,
    wrong: impl Fn(&str) -> Option<Mistake> + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let mistake = Signal::derive(move || wrong(&text.get()).map(|mistake| mistake.words(t)));
    let format = move |_| {
        if let Ok(value) = read_body(&text.get_untracked()) {
            text.set(typed(&value));
        }
    };
    view! {
        <div class="editor">
            <Field id label wrong=mistake>
                <textarea
                    id=id
                    class="input mono"
                    rows=lines
                    spellcheck="false"
                    autocomplete="off"
                    aria-invalid=move || mistake.get().is_some().then_some("true")
                    prop:value=text
                    on:input:target=move |event| text.set(event.target().value())
                ></textarea>
            </Field>
            {(lines > 4).then(|| view! {
                <button type="button" class="button quiet small editor-tool" on:click=format>{t.try_format}</button>
            })}
        </div>
    }
}
