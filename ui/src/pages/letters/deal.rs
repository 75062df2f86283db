//! Claiming a dead letter, and letting it be.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value, json};

use crate::{
    api::{self, DeadLetter, encode},
    kit::{
        button::{Button, Weight},
        dialog::Dialog,
        field::TextField,
        icon::Icon,
        signature::{Signature, SignatureFields},
        toast::toast,
    },
    settings::settings,
    texts::texts,
};

/// What is done with a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deal {
    /// Somebody looks after it.
    Claim,
    /// Nothing more is done about it.
    Discard,
}

/// Asks what is to be remembered of it.
#[component]
pub(super) fn DealDialog(
    dealing: RwSignal<Option<(Deal, DeadLetter)>>,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let (owner, note) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let signature = Signature::new();
    let deal = Memo::new(move |_| dealing.with(|dealing| dealing.as_ref().map(|(deal, _)| *deal)));
    Effect::new(move || {
        let Some((_, letter)) = dealing.get() else {
            return;
        };
        owner.set(letter.owner.unwrap_or_else(|| settings().name()));
        note.set(letter.note.unwrap_or_default());
        signature.clear();
        open.set(true);
    });
    Effect::new(move || {
        if !open.get() {
            dealing.set(None);
        }
    });
    let send = move || {
        let Some((deal, letter)) = dealing.get_untracked().filter(|_| !busy.get_untracked()) else {
            return;
        };
        let path = format!("/dead-letters/{}", encode(&letter.run));
        let (method, path, body) = match deal {
            Deal::Claim => {
                let name = owner.get_untracked().trim().to_owned();
                let body = json!({ "owner": name, "note": note.get_untracked().trim() });
                ("PATCH", path, body)
            }
            Deal::Discard => {
                let mut body = Map::new();
                signature.sign(&mut body);
                ("POST", format!("{path}/discard"), Value::Object(body))
            }
        };
        busy.set(true);
        spawn_local(async move {
            let answer = api::send::<DeadLetter>(method, &path, &body).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    open.try_set(false);
                    toast().good(match deal {
                        Deal::Claim => texts().letters_claimed,
                        Deal::Discard => texts().letters_discard_done,
                    });
                    done();
                }
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    };
    let title = Signal::derive(move || {
        let words = match deal.get() {
            Some(Deal::Discard) => t.letters_discard_title,
            _ => t.letters_claim_title,
        };
        words.to_owned()
    });
    let body = move || {
        match deal.get() {
        Some(Deal::Discard) => view! {
            <p>{t.letters_discard_text}</p>
            <SignatureFields signature id="discard"/>
        }
        .into_any(),
        _ => view! {
            <p>{t.letters_claim_text}</p>
            <TextField id="claim-owner" label=t.letters_column_owner hint=t.letters_owner_hint value=owner/>
            <TextField id="claim-note" label=t.sign_note value=note/>
        }
        .into_any(),
    }
    };
    let accept = move || {
        match deal.get() {
        Some(Deal::Discard) => view! {
            <Button label=t.letters_discard icon=Icon::Trash2 weight=Weight::Danger sends=true test="deal-confirm" busy press=|_| ()/>
        }
        .into_any(),
        _ => view! {
            <Button label=t.save icon=Icon::Check weight=Weight::Primary sends=true test="deal-confirm" busy press=|_| ()/>
        }
        .into_any(),
    }
    };
    view! {
        <Dialog open title>
            <form
                data-testid="deal-form"
                on:submit=move |event| {
                    event.prevent_default();
                    send();
                }
            >
                <div class="dialog-body form">{body}</div>
                <footer class="dialog-foot">
                    <Button label=t.cancel press=move |_| open.set(false)/>
                    {accept}
                </footer>
            </form>
        </Dialog>
    }
}
