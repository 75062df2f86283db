//! The dialog in which a person approves or rejects.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value};
use wasm_bindgen::JsCast;

use super::questions::{Kind, Question, answers, questions, typed};
use crate::{
    api::{self, Approval, Trouble, encode},
    kit::{
        button::{Button, Weight},
        dialog::Dialog,
        field::{Choice, Field, TextField},
        icon::Icon,
        signature::{Signature, SignatureFields},
        state::shown,
        time::TimeAgo,
        toast::toast,
    },
    load::Loader,
    texts::texts,
    words,
};

/// Shows the approval in `wanted`, and takes the decision while it is open.
#[component]
pub(super) fn DecideDialog(
    wanted: Signal<Option<String>>,
    close: Callback<()>,
    done: Callback<()>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move || open.set(wanted.with(Option::is_some)));
    Effect::new(move || {
        if !open.get() && wanted.with_untracked(Option::is_some) {
            close.run(());
        }
    });
    let title = RwSignal::new(String::new());
    view! {
        <Dialog open title>
            {move || wanted.get().map(|id| view! { <Asked id title open done/> })}
        </Dialog>
    }
}

/// One approval: what is asked, or that it is over. Each is read for itself, so that nobody decides on what another one shows.
#[component]
fn Asked(
    id: String,
    title: RwSignal<String>,
    open: RwSignal<bool>,
    done: Callback<()>,
) -> impl IntoView {
    let t = texts();
    let read = Loader::new(move || {
        let path = format!("/approvals/{}", encode(&id));
        async move { api::get::<Approval>(&path).await }
    });
    Effect::new(move || {
        let known = read.ready().map(|read| read.title);
        title.set(known.unwrap_or_else(|| t.approvals_one.to_owned()));
    });
    shown(read, move |approval: Approval| {
        if approval.state == "open" {
            view! { <Decision approval open done again=move || read.reload()/> }.into_any()
        } else {
            over(&approval)
        }
    })
}

/// An approval that nobody can decide any more.
fn over(approval: &Approval) -> AnyView {
    let t = texts();
    let said = match approval.state.as_str() {
        "decided" => t.approvals_decided,
        _ => t.approvals_over,
    };
    view! {
        <div class="dialog-body" data-testid="approval-over">
            <p>{said}</p>
            <p>{run_link(approval)}</p>
        </div>
    }
    .into_any()
}

fn run_link(approval: &Approval) -> impl IntoView + use<> {
    let label = format!("{} · {}", approval.flow, words::short_id(&approval.run));
    view! { <a class="link-text" href=format!("/runs/{}", encode(&approval.run))>{label}</a> }
}

#[component]
fn Decision(
    approval: Approval,
    open: RwSignal<bool>,
    done: Callback<()>,
    /// Reads the approval again.
    again: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let busy = RwSignal::new(false);
    // It is drawn once it was read, after the dialog has looked for its first field.
    request_animation_frame(|| go_to(".dialog .dialog-body input, .dialog .dialog-body select"));
    let refused: RwSignal<Option<Trouble>> = RwSignal::new(None);
    let signature = Signature::new();
    let form = approval.form.clone().unwrap_or_default();
    let asked: Vec<(Question, RwSignal<String>)> = questions(&form)
        .into_iter()
        .map(|question| {
            let start = RwSignal::new(question.start.clone());
            (question, start)
        })
        .collect();
    let fields = asked
        .iter()
        .cloned()
        .map(|(question, value)| field(question, value, refused));
    let fields = fields.collect_view();
    let (id, asked) = (approval.id.clone(), StoredValue::new(asked));
    let send = Callback::new(move |approved: bool| {
        if busy.get_untracked() {
            return;
        }
        let form = asked.with_value(|asked| {
            answers(
                asked
                    .iter()
                    .map(|(question, text)| (question, text.get_untracked())),
            )
        });
        let decision = if approved { "approved" } else { "rejected" };
        let mut body = Map::from_iter([
            ("decision".to_owned(), Value::from(decision)),
            ("form".to_owned(), Value::Object(form)),
        ]);
        signature.sign(&mut body);
        let path = format!("/approvals/{}/decide", encode(&id));
        busy.set(true);
        spawn_local(async move {
            let answer = api::send::<Approval>("POST", &path, &body).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    open.try_set(false);
                    let t = texts();
                    toast().good(if approved {
                        t.approvals_approved
                    } else {
                        t.approvals_rejected
                    });
                    done.run(());
                }
                Err(trouble) if !trouble.errors.is_empty() => {
                    refused.try_set(Some(trouble));
                    request_animation_frame(|| go_to(".dialog .field.wrong .input"));
                }
                Err(trouble) => {
                    toast().trouble(&trouble);
                    // Somebody else may have decided meanwhile.
                    again();
                    done.run(());
                }
            }
        });
    });
    let until = approval.until.clone();
    view! {
        <form
            data-testid="decide-form"
            on:submit=move |event| {
                event.prevent_default();
                send.run(true);
            }
        >
            <div class="dialog-body form">
                <p class="fine">
                    {run_link(&approval)}
                    " · " {t.approvals_since} " " <TimeAgo at=approval.since.clone()/>
                    {until.map(|until| view! { " · " {t.approvals_until} " " <TimeAgo at=until/> })}
                </p>
                {approval.text.clone().map(|text| view! { <p class="approval-text">{text}</p> })}
                {fields}
                <SignatureFields signature id="decide"/>
            </div>
            <footer class="dialog-foot">
                <Button label=t.cancel press=move |_| open.set(false)/>
                <Button label=t.approvals_reject icon=Icon::X weight=Weight::Danger test="reject" busy press=move |_| send.run(false)/>
                <Button label=t.approvals_approve icon=Icon::Check weight=Weight::Primary sends=true test="approve" busy press=|_| ()/>
            </footer>
        </form>
    }
}

/// Puts the focus into the first such field.
fn go_to(field: &str) {
    let field = document().query_selector(field).ok().flatten();
    if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = field.focus();
    }
}

fn field(
    question: Question,
    value: RwSignal<String>,
    refused: RwSignal<Option<Trouble>>,
) -> AnyView {
    let t = texts();
    let at = format!("/form/{}", question.name);
    let wrong = Signal::derive(move || {
        refused.with(|refused| {
            let found = refused
                .as_ref()?
                .errors
                .iter()
                .find(|error| error.at.starts_with(&at));
            found.map(|error| error.message.clone())
        })
    });
    let id = format!("answer-{}", question.name);
    let label = match question.required {
        true => question.label,
        false => format!("{} {}", question.label, t.approvals_optional),
    };
    match question.kind {
        Kind::Truth => view! {
            <label class="check">
                <input
                    id=id
                    type="checkbox"
                    prop:checked=move || value.get() == "true"
                    on:change:target=move |event| value.set(event.target().checked().to_string())
                />
                <span>{label}</span>
            </label>
        }
        .into_any(),
        Kind::Choice(values) => {
            let words = values.into_iter().map(|word| {
                let word = typed(&Kind::Text, &word);
                (word.clone(), word)
            });
            let options: Vec<_> = std::iter::once((String::new(), "–".to_owned()))
                .chain(words)
                .collect();
            view! {
                <Field id=id.clone() label=label.clone() hint=question.hint wrong>
                    <Choice id label bare=true options=Signal::stored(options) value=value choose=move |word| value.set(word)/>
                </Field>
            }
            .into_any()
        }
        Kind::Text | Kind::Number | Kind::Json => {
            view! { <TextField id label hint=question.hint value wrong/> }.into_any()
        }
    }
}
