//! Publishing a draft: a note, and, where the draft has problems, which and where.

use leptos::{prelude::*, task::spawn_local};
use serde_json::json;
use weir_flows::problem::Problem;

use crate::{
    api::{self, FlowSummary, PublishedNow, encode},
    kit::{
        button::{Button, Weight},
        dialog::Dialog,
        field::TextField,
        icon::Icon,
        problems::ProblemList,
        toast::toast,
    },
    texts::{fill, texts},
};

/// Asks before the flow in `flow` is published. `done` is told the new version's warnings.
#[component]
pub(crate) fn PublishDialog(
    flow: RwSignal<Option<FlowSummary>>,
    done: impl Fn(Vec<Problem>) + Copy + Send + Sync + 'static,
    /// Shows the card that a problem is about.
    #[prop(optional, into)]
    show: Option<Callback<String>>,
) -> impl IntoView {
    let t = texts();
    let toast = toast();
    let open = RwSignal::new(false);
    let note = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let problems: RwSignal<Vec<Problem>> = RwSignal::new(Vec::new());
    Effect::new(move || {
        if flow.with(Option::is_some) {
            note.set(String::new());
            problems.set(Vec::new());
            open.set(true);
        }
    });
    Effect::new(move || {
        if !open.get() {
            flow.set(None);
        }
    });
    let publish = move || {
        let Some(chosen) = flow.get_untracked() else {
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
            let path = format!("/flows/{}/publish", encode(&chosen.id));
            let answer = api::send::<PublishedNow>("POST", &path, &body).await;
            busy.try_set(false);
            match answer {
                Ok(now) => {
                    open.try_set(false);
                    toast.good(fill(t.publish_done, &[("n", &now.version.to_string())]));
                    done(now.problems);
                }
                Err(trouble) if !trouble.errors.is_empty() => {
                    drop(problems.try_set(trouble.errors))
                }
                Err(trouble) => toast.trouble(&trouble),
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
    let jump = show.map(|show| {
        Callback::new(move |card: String| {
            open.set(false);
            show.run(card);
        })
    });
    let found = move || {
        let found = problems.get();
        (!found.is_empty()).then(|| {
            let list = match jump {
                Some(show) => view! { <ProblemList problems=found show/> }.into_any(),
                None => view! { <ProblemList problems=found/> }.into_any(),
            };
            view! {
                <div class="notice bad" role="alert" data-testid="publish-refused">
                    <p>{t.publish_refused}</p>
                </div>
                {list}
            }
        })
    };
    view! {
        <Dialog open title wide=true>
            <form
                method="dialog"
                on:submit=move |event| {
                    event.prevent_default();
                    publish();
                }
            >
                <div class="dialog-body">
                    <p>{next}</p>
                    <TextField id="publish-note" label=t.publish_note hint=t.publish_note_hint value=note/>
                    {found}
                </div>
                <footer class="dialog-foot">
                    <Button label=t.cancel press=move |_| open.set(false)/>
                    <Button
                        label=t.flows_publish
                        icon=Icon::Rocket
                        weight=Weight::Primary
                        busy
                        test="publish-confirm"
                        press=move |_| publish()
                    />
                </footer>
            </form>
        </Dialog>
    }
}
