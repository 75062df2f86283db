//! Ending a run that goes on: at once, or after what succeeded was reversed.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value};

use crate::{
    api::{self, RunSummary, encode},
    kit::{
        button::{Button, Weight},
        dialog::Dialog,
        icon::Icon,
        signature::{Signature, SignatureFields},
        toast::toast,
    },
    texts::{fill, texts},
    words,
};

/// Asks before the run in `wanted` is cancelled.
#[component]
pub(crate) fn CancelDialog(wanted: RwSignal<Option<String>>) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let undo = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let signature = Signature::new();
    Effect::new(move || {
        if wanted.with(Option::is_some) {
            undo.set(false);
            signature.clear();
            open.set(true);
        }
    });
    Effect::new(move || {
        if !open.get() {
            wanted.set(None);
        }
    });
    let cancel = move || {
        let Some(id) = wanted.get_untracked().filter(|_| !busy.get_untracked()) else {
            return;
        };
        let mut body = Map::from_iter([("undo".to_owned(), Value::Bool(undo.get_untracked()))]);
        signature.sign(&mut body);
        busy.set(true);
        spawn_local(async move {
            let path = format!("/runs/{}/cancel", encode(&id));
            let answer = api::send::<RunSummary>("POST", &path, &body).await;
            busy.try_set(false);
            match answer {
                Ok(run) => {
                    open.try_set(false);
                    toast().good(if run.status.is_final() {
                        texts().cancel_done
                    } else {
                        texts().cancel_undoing
                    });
                }
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    };
    let title = Signal::derive(move || {
        let id = wanted.get().unwrap_or_default();
        fill(t.cancel_title, &[("id", words::short_id(&id))])
    });
    view! {
        <Dialog open title>
            <form
                data-testid="cancel-form"
                on:submit=move |event| {
                    event.prevent_default();
                    cancel();
                }
            >
                <div class="dialog-body form">
                    <p>{t.cancel_text}</p>
                    <label class="check">
                        <input
                            type="checkbox"
                            data-testid="cancel-undo"
                            prop:checked=undo
                            on:change:target=move |event| undo.set(event.target().checked())
                        />
                        <span>{t.cancel_undo}</span>
                    </label>
                    <p class="field-hint">{move || if undo.get() { t.cancel_undo_hint } else { t.cancel_now_hint }}</p>
                    <SignatureFields signature id="cancel"/>
                </div>
                <footer class="dialog-foot">
                    <Button label=t.cancel_keep press=move |_| open.set(false)/>
                    <Button label=t.cancel_action icon=Icon::Ban weight=Weight::Danger sends=true test="cancel-confirm" busy press=|_| ()/>
                </footer>
            </form>
        </Dialog>
    }
}
