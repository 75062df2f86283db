//! Replaying a run: where it begins, with which message, on which version, and what that does before anyone confirms.

mod wish;

use std::{collections::BTreeMap, sync::Arc};

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use weir_flows::replay::Begin;

use self::wish::{Happened, Wish, Wrong};
use super::flow::read_document;
use crate::{
    api::{self, PlanWrite, ReplayPlan, RunDetail, RunSummary, Trouble, encode},
    kit::{
        badge::Badge,
        button::{Button, Weight},
        code::Tongue,
        code_editor::CodeEditor,
        dialog::Dialog,
        field::{Choice, Field},
        icon::{Glyph, Icon},
        signature::{Signature, SignatureFields},
        state::Skeleton,
        toast::toast,
    },
    texts::{Texts, fill, texts},
    words,
};

/// A run that is to be replayed, with the names of its steps.
#[derive(Clone, Debug, PartialEq)]
struct Old {
    run: Arc<RunDetail>,
    names: Arc<BTreeMap<String, String>>,
}

impl Old {
    /// The step of which nobody knows whether it happened.
    fn unsure(&self) -> Option<String> {
        let failure = self.run.failure.as_ref()?;
        let step = failure.step.clone()?;
        let attempted = self.run.steps.get(&step)?.attempts.iter();
        let unknown = matches!(failure.class.as_str(), "lost" | "timed_out");
        (unknown && attempted.count() > 0).then_some(step)
    }

    fn name(&self, step: &str) -> String {
        self.names
            .get(step)
            .cloned()
            .unwrap_or_else(|| step.to_owned())
    }
}

/// What is known of what a wish would do.
#[derive(Clone, Debug, PartialEq)]
enum Outlook {
    Asking,
    Planned(ReplayPlan),
    /// It cannot be replayed so, and why.
    Refused(String),
}

async fn read(id: String) -> Result<Old, Trouble> {
    let run = api::get::<RunDetail>(&format!("/runs/{}", encode(&id))).await?;
    let version = format!("/flows/{}/versions/{}", encode(&run.flow), run.version);
    // A flow that was deleted has no names any more; its runs can still be looked at.
    let names = read_document(version).await.map(|flow| {
        let titled = flow.steps.iter().filter(|(_, step)| !step.title.is_empty());
        titled
            .map(|(id, step)| (id.clone(), step.title.clone()))
            .collect()
    });
    Ok(Old {
        run: Arc::new(run),
        names: Arc::new(names.unwrap_or_default()),
    })
}

/// Asks how to replay the run in `wanted`, shows what that does, and goes to the new run.
#[component]
pub(crate) fn ReplayDialog(wanted: RwSignal<Option<String>>) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let old: RwSignal<Option<Old>> = RwSignal::new(None);
    Effect::new(move || {
        let Some(id) = wanted.get() else { return };
        old.set(None);
        open.set(true);
        spawn_local(async move {
            match read(id).await {
                Ok(found) => drop(old.try_set(Some(found))),
                Err(trouble) => {
                    open.try_set(false);
                    toast().trouble(&trouble);
                }
            }
        });
    });
    Effect::new(move || {
        if !open.get() {
            wanted.set(None);
        }
    });
    let title = Signal::derive(move || {
        let id = wanted.get().unwrap_or_default();
        fill(t.replay_title, &[("id", words::short_id(&id))])
    });
    let body = move || match old.get() {
        Some(old) => view! { <Asked old open/> }.into_any(),
        None => view! { <Skeleton/> }.into_any(),
    };
    view! { <Dialog open title wide=true>{body}</Dialog> }
}

#[component]
fn Asked(old: Old, open: RwSignal<bool>) -> impl IntoView {
    let t = texts();
    let navigate = use_navigate();
    let wish = RwSignal::new(Wish::new(old.unsure()));
    let outlook = RwSignal::new(Outlook::Asking);
    let busy = RwSignal::new(false);
    let signature = Signature::new();
    let address = StoredValue::new(format!("/runs/{}/replay", encode(&old.run.id)));
    plan(wish, outlook, address);
    let ready = move || {
        matches!(outlook.get(), Outlook::Planned(_)) && !wish.with(Wish::must_say) && !busy.get()
    };
    let replay = move || {
        let Ok(mut request) = wish.with_untracked(Wish::request) else {
            return;
        };
        if !untrack(ready) {
            return;
        }
        signature.sign(&mut request);
        busy.set(true);
        let navigate = navigate.clone();
        spawn_local(async move {
            let answer = api::send::<RunSummary>("POST", &address.get_value(), &request).await;
            busy.try_set(false);
            match answer {
                Ok(run) => {
                    open.try_set(false);
                    toast().good(texts().replay_done);
                    navigate(&format!("/runs/{}", encode(&run.id)), Default::default());
                }
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    };
    let shown = {
        let old = old.clone();
        move || outlook_view(t, &old, outlook.get(), wish.with(Wish::must_say))
    };
    view! {
        <form
            data-testid="replay-form"
            on:submit=move |event| {
                event.prevent_default();
                replay();
            }
        >
            <div class="dialog-body form">
                {unsure_part(&old, wish)}
                <div class="form-row">
                    {from_part(&old, wish)}
                    <Choice
                        id="replay-version"
                        label=t.replay_version
                        options=Signal::stored(vec![
                            ("original".to_owned(), fill(t.replay_original, &[("n", &old.run.version.to_string())])),
                            ("newest".to_owned(), t.replay_newest.to_owned()),
                        ])
                        value=Signal::derive(move || if wish.with(|wish| wish.newest) { "newest" } else { "original" }.to_owned())
                        choose=move |word| wish.update(|wish| wish.newest = word == "newest")
                    />
                </div>
                {message_part(&old, wish)}
                <section class="outlook" aria-live="polite" data-testid="replay-plan">{shown}</section>
                <SignatureFields signature id="replay"/>
            </div>
            <footer class="dialog-foot">
                <Button label=t.cancel press=move |_| open.set(false)/>
                <Button
                    label=t.replay_action
                    icon=Icon::RotateCcw
                    weight=Weight::Primary
                    sends=true
                    test="replay-confirm"
                    off=Signal::derive(move || !ready())
                    busy
                    press=|_| ()
                />
            </footer>
        </form>
    }
}

/// Keeps the outlook in step with the wish. An answer that was overtaken is dropped.
fn plan(wish: RwSignal<Wish>, outlook: RwSignal<Outlook>, address: StoredValue<String>) {
    Effect::new(move || {
        let asked = wish.get();
        let Ok(request) = asked.request() else {
            outlook.set(Outlook::Asking);
            return;
        };
        spawn_local(async move {
            let path = format!("{}/plan", address.get_value());
            let answer = api::send::<ReplayPlan>("POST", &path, &request).await;
            if wish.try_get_untracked().as_ref() != Some(&asked) {
                return;
            }
            outlook.try_set(match answer {
                Ok(plan) => Outlook::Planned(plan),
                Err(trouble) => Outlook::Refused(trouble.sentence().to_owned()),
            });
        });
    });
}

/// Asks what became of the step of which nobody knows.
fn unsure_part(old: &Old, wish: RwSignal<Wish>) -> Option<impl IntoView + use<>> {
    let t = texts();
    let step = old.unsure()?;
    let lead = fill(t.replay_unsure, &[("step", &old.name(&step))]);
    let options = [
        (Happened::Unknown, t.replay_unsure_choose),
        (Happened::No, t.replay_unsure_no),
        (Happened::Yes, t.replay_unsure_yes),
    ]
    .map(|(happened, label)| (happened.word().to_owned(), label.to_owned()));
    let happened = Memo::new(move |_| {
        wish.with(|wish| {
            wish.unsure
                .as_ref()
                .map_or(Happened::Unknown, |(_, happened)| *happened)
        })
    });
    let wrong = Signal::derive(move || match wish.with(Wish::request) {
        Err(Wrong::Output(mistake)) => Some(mistake.words(t)),
        _ => None,
    });
    Some(view! {
        <div class="notice warn tall">
            <p><Glyph icon=Icon::TriangleAlert/> {lead}</p>
            <Choice
                id="replay-happened"
                label=t.replay_unsure_label
                options=Signal::stored(options.to_vec())
                value=Signal::derive(move || happened.get().word().to_owned())
                choose=move |word| wish.update(|wish| {
                    if let Some((_, happened)) = &mut wish.unsure {
                        *happened = Happened::of(&word);
                    }
                })
            />
            <Show when=move || happened.get() == Happened::Yes>
                <Field id="replay-output" label=t.replay_unsure_output hint=t.replay_unsure_output_hint wrong>
                    <CodeEditor
                        id="replay-output"
                        label=t.replay_unsure_output
                        tongue=Tongue::Json
                        value=Signal::derive(move || wish.with(|wish| wish.output.clone()))
                        change=Callback::new(move |text| wish.update(|wish| wish.output = text))
                    />
                </Field>
            </Show>
        </div>
    })
}

/// Asks where to begin.
fn from_part(old: &Old, wish: RwSignal<Wish>) -> impl IntoView + use<> {
    let t = texts();
    let mut options = vec![
        ("failure".to_owned(), t.replay_from_failure.to_owned()),
        ("start".to_owned(), t.replay_from_start.to_owned()),
    ];
    let mut steps: Vec<_> = old.run.steps.iter().collect();
    steps.sort_by_key(|(_, step)| (step.started_at.is_none(), step.started_at.clone()));
    options.extend(steps.into_iter().map(|(id, _)| {
        let label = fill(t.replay_from_step, &[("step", &old.name(id))]);
        (format!("step {id}"), label)
    }));
    let value = Signal::derive(move || match wish.with(|wish| wish.from.clone()) {
        Begin::Failure => "failure".to_owned(),
        Begin::Start => "start".to_owned(),
        Begin::Step(id) => format!("step {id}"),
    });
    let choose = move |word: String| {
        let from = match word.strip_prefix("step ") {
            Some(id) => Begin::Step(id.to_owned()),
            None if word == "start" => Begin::Start,
            None => Begin::Failure,
        };
        wish.update(|wish| wish.from = from);
    };
    view! { <Choice id="replay-from" label=t.replay_from options=Signal::stored(options) value choose/> }
}

/// Offers to write the message anew.
fn message_part(old: &Old, wish: RwSignal<Wish>) -> impl IntoView + use<> {
    let t = texts();
    let body = old.run.message.get("body").cloned().unwrap_or_default();
    let body = StoredValue::new(serde_json::to_string_pretty(&body).unwrap_or_default());
    let edited = Memo::new(move |_| wish.with(|wish| wish.body.is_some()));
    let wrong = Signal::derive(move || match wish.with(Wish::request) {
        Err(Wrong::Body(mistake)) => Some(mistake.words(t)),
        _ => None,
    });
    view! {
        <label class="check">
            <input
                type="checkbox"
                data-testid="replay-edit"
                prop:checked=edited
                on:change:target=move |event| {
                    let body = event.target().checked().then(|| body.get_value());
                    wish.update(|wish| wish.body = body);
                }
            />
            <span>{t.replay_edit}</span>
        </label>
        <Show when=move || edited.get()>
            <Field id="replay-body" label=t.replay_body hint=t.replay_body_hint wrong>
                <CodeEditor
                    id="replay-body"
                    label=t.replay_body
                    tongue=Tongue::Json
                    value=Signal::derive(move || wish.with(|wish| wish.body.clone().unwrap_or_default()))
                    change=Callback::new(move |text| wish.update(|wish| wish.body = Some(text)))
                />
            </Field>
        </Show>
    }
}

fn outlook_view(t: &'static Texts, old: &Old, outlook: Outlook, must_say: bool) -> AnyView {
    let plan = match outlook {
        Outlook::Asking => return view! { <p class="fine">{t.replay_planning}</p> }.into_any(),
        Outlook::Refused(why) => {
            return view! {
                <div class="notice bad" role="alert"><p class="notice-title"><Glyph icon=Icon::CircleAlert/>{t.replay_refused}</p><p>{why}</p></div>
            }
            .into_any();
        }
        Outlook::Planned(plan) => plan,
    };
    let named = |fates: &[&str]| {
        let steps = plan.steps.iter();
        let steps = steps.filter(|step| fates.contains(&step.fate.as_str()));
        steps
            .map(|step| old.name(&step.step))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let line = |label: &'static str, names: String| {
        (!names.is_empty())
            .then(|| view! { <div class="pair"><dt>{label}</dt><dd>{names}</dd></div> })
    };
    let writes = if plan.writes.is_empty() {
        view! { <p class="outlook-calm"><Glyph icon=Icon::CircleCheck/>{t.replay_no_writes}</p> }
            .into_any()
    } else {
        let rows = plan.writes.iter().map(|write| write_row(t, old, write));
        view! {
            <p>{t.replay_writes}</p>
            <ul class="outlook-writes">{rows.collect_view()}</ul>
        }
        .into_any()
    };
    view! {
        <h3>{fill(t.replay_plan, &[("n", &plan.version.to_string())])}</h3>
        <dl class="pairs">
            {line(t.replay_taken_over, named(&["taken_over"]))}
            {line(t.replay_again, named(&["again", "first"]))}
        </dl>
        {writes}
        {must_say.then(|| view! { <p class="fine">{t.replay_must_say}</p> })}
    }
    .into_any()
}

fn write_row(t: &'static Texts, old: &Old, write: &PlanWrite) -> impl IntoView + use<> {
    let what = [write.method.clone(), write.target.clone()];
    let what = what.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let what = if what.is_empty() {
        write.kind.clone()
    } else {
        what
    };
    let at = write.connection.clone().map(|name| format!(" · {name}"));
    let mark = if write.may_have_happened {
        view! { <Badge label=t.replay_may_have_happened tone="bad"/> }.into_any()
    } else if write.again {
        view! { <Badge label=t.replay_made_before tone="warn"/> }.into_any()
    } else {
        ().into_any()
    };
    view! {
        <li data-testid="replay-write">
            <span><strong>{old.name(&write.step)}</strong> " " <span class="fine">{at}</span></span>
            <code class="exchange-line">{what}</code>
            {mark}
        </li>
    }
}
