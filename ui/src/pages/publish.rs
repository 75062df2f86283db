//! Publishing a draft: what has changed since the version that is live, a note, what keeps it from being published, and
//! where it listens afterwards.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use serde_json::json;
use weir_flows::{
    document::{Flow, Message},
    problem::Problem,
};

use super::listening::Listening;
use crate::{
    api::{self, FlowSummary, PublishedNow, encode},
    edit::Diff,
    editor::{DiffView, Stored, read_draft, summary, told},
    kinds,
    kit::{
        button::{Button, Weight},
        dialog::Dialog,
        field::TextField,
        icon::{Glyph, Icon},
        problems::ProblemList,
        state::Skeleton,
        toast::toast,
    },
    texts::{fill, texts},
};

/// What is published: the draft as it was read, and the version that it follows.
#[derive(Clone, Debug, PartialEq)]
struct Compared {
    draft: Stored,
    live: Option<Arc<Flow>>,
}

/// Asks before the flow in `flow` is published, and shows afterwards where it listens.
#[component]
pub(crate) fn PublishDialog(
    flow: RwSignal<Option<FlowSummary>>,
    /// Told after a version was made.
    done: impl Fn() + Copy + Send + Sync + 'static,
    /// Takes a person to the place of a problem.
    #[prop(optional, into)]
    seek: Option<Callback<String>>,
    /// A message to show a call with.
    #[prop(optional, into)]
    message: Signal<Message>,
) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let note = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let compared: RwSignal<Option<Compared>> = RwSignal::new(None);
    let problems: RwSignal<Vec<Problem>> = RwSignal::new(Vec::new());
    // The flow as it is once it was published.
    let published: RwSignal<Option<FlowSummary>> = RwSignal::new(None);
    Effect::new(move || {
        let Some(chosen) = flow.get() else { return };
        note.set(String::new());
        problems.set(Vec::new());
        compared.set(None);
        published.set(None);
        open.set(true);
        spawn_local(async move {
            match compare(&chosen).await {
                Ok((found, warnings)) => {
                    let words = match &found.live {
                        Some(live) => summary(t, &Diff::between(live, &found.draft.flow)),
                        None => t.publish_first_note.to_owned(),
                    };
                    note.try_set(words);
                    problems.try_set(warnings);
                    compared.try_set(Some(found));
                }
                Err(trouble) => {
                    open.try_set(false);
                    toast().trouble(&trouble);
                }
            }
        });
    });
    Effect::new(move || {
        if !open.get() {
            flow.set(None);
        }
    });
    let publish = move || {
        let Some(found) = compared.get_untracked().filter(|_| !busy.get_untracked()) else {
            return;
        };
        let text = note.get_untracked();
        let body = if text.trim().is_empty() {
            json!({})
        } else {
            json!({ "note": text.trim() })
        };
        busy.set(true);
        spawn_local(async move {
            let address = format!("/flows/{}", encode(&found.draft.flow.id));
            let path = format!("{address}/publish");
            let answer =
                api::send_for::<PublishedNow>("POST", &path, &body, &found.draft.tag).await;
            busy.try_set(false);
            match answer {
                Ok((now, _)) => {
                    done();
                    let summary = api::get::<FlowSummary>(&format!("{address}/summary")).await;
                    match summary {
                        Ok(summary) => drop(published.try_set(Some(summary))),
                        Err(_) => {
                            open.try_set(false);
                            let n = now.version.to_string();
                            toast().good(fill(t.publish_done, &[("n", &n)]));
                        }
                    }
                }
                Err(trouble) if trouble.status == 412 => {
                    open.try_set(false);
                    toast().bad(t.publish_outdated);
                }
                Err(trouble) if !trouble.errors.is_empty() => {
                    drop(problems.try_set(trouble.errors))
                }
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    };
    let title = Signal::derive(move || {
        let name = flow
            .with(|flow| flow.as_ref().map(|flow| flow.name().to_owned()))
            .unwrap_or_default();
        fill(t.publish_title, &[("name", &name)])
    });
    let next = move || {
        let newest = flow.with(|flow| {
            flow.as_ref()
                .and_then(|flow| flow.published.as_ref().map(|now| now.version))
        });
        fill(
            t.publish_text,
            &[("n", &(newest.unwrap_or(0) + 1).to_string())],
        )
    };
    let jump = seek.map(|seek| {
        Callback::new(move |at: String| {
            open.set(false);
            seek.run(at);
        })
    });
    let blocked = Memo::new(move |_| problems.with(|all| all.iter().any(Problem::is_error)));
    let found = move || {
        let found = problems.get();
        (!found.is_empty()).then(|| {
            let (tone, said) = if blocked.get() {
                ("bad", t.publish_refused)
            } else {
                ("warn", t.publish_warnings)
            };
            view! {
                <section class="publish-problems" data-testid="publish-refused">
                    <p class=format!("notice {tone}") role="alert">{said}</p>
                    {match jump {
                        Some(show) => view! { <ProblemList problems=found seek=show/> }.into_any(),
                        None => view! { <ProblemList problems=found/> }.into_any(),
                    }}
                </section>
            }
        })
    };
    let changes = move || match compared.get() {
        None => view! { <Skeleton lines=3/> }.into_any(),
        Some(Compared { live: None, .. }) => {
            view! { <p class="fine">{t.publish_first}</p> }.into_any()
        }
        Some(Compared {
            draft,
            live: Some(live),
        }) => {
            let groups = told(&live, &draft.flow, &kinds::catalog());
            view! { <DiffView groups/> }.into_any()
        }
    };
    let off = Signal::derive(move || compared.with(Option::is_none) || blocked.get());
    let ask = move || {
        view! {
            <form
                method="dialog"
                on:submit=move |event| {
                    event.prevent_default();
                    publish();
                }
            >
                <div class="dialog-body">
                    <p>{next}</p>
                    {found}
                    <section class="publish-changes" data-testid="publish-changes">
                        <h3>{t.publish_changes}</h3>
                        {changes}
                    </section>
                    <TextField id="publish-note" label=t.publish_note hint=t.publish_note_hint value=note/>
                </div>
                <footer class="dialog-foot">
                    <Button label=t.cancel press=move |_| open.set(false)/>
                    <Button
                        label=t.flows_publish
                        icon=Icon::Rocket
                        weight=Weight::Primary
                        busy
                        off
                        test="publish-confirm"
                        sends=true
                        press=|_| ()
                    />
                </footer>
            </form>
        }
    };
    let after = move |summary: FlowSummary| {
        let version = summary.published.as_ref().map_or(0, |now| now.version);
        let done = fill(t.publish_done, &[("n", &version.to_string())]);
        let disabled = !summary.enabled;
        let paused = summary.paused;
        view! {
            <div class="dialog-body">
                <p class="import-line good" role="status"><Glyph icon=Icon::CircleCheck size=20/>{done}</p>
                {paused.then(|| view! { <p class="notice">{t.publish_paused}</p> })}
                {disabled.then(|| view! { <p class="notice warn">{t.publish_disabled}</p> })}
                <Listening summary message=message.get_untracked()/>
            </div>
            <footer class="dialog-foot">
                <Button label=t.close weight=Weight::Primary test="publish-close" press=move |_| open.set(false)/>
            </footer>
        }
    };
    view! {
        <Dialog open title wide=true>
            {move || match published.get() {
                Some(summary) => after(summary).into_any(),
                None => ask().into_any(),
            }}
        </Dialog>
    }
}

/// Reads what is compared, and what the server finds in the draft.
async fn compare(flow: &FlowSummary) -> Result<(Compared, Vec<Problem>), api::Trouble> {
    let draft = read_draft(&flow.id).await?;
    let live = match &flow.published {
        Some(now) => {
            let path = format!("/flows/{}/versions/{}", encode(&flow.id), now.version);
            Some(Arc::new(api::get::<Flow>(&path).await?))
        }
        None => None,
    };
    // The lab says what the server would; where it does not answer, publishing itself tells.
    let document = crate::lab::Document::Flow(draft.flow.clone());
    let problems = crate::lab::ask("publish", crate::lab::Check { document }).await;
    Ok((Compared { draft, live }, problems.unwrap_or_default()))
}
