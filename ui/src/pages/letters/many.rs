//! Replaying or discarding all dead letters that a search finds: what that does, and how far it has come.

use leptos::{prelude::*, task::spawn_local};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    api::{self, Dealt, FlowSummary, Refused, Trouble, encode},
    kit::{
        badge::Badge,
        button::{Button, Weight},
        dialog::Dialog,
        field::Choice,
        icon::{Glyph, Icon},
        signature::{Signature, SignatureFields},
        toast::toast,
    },
    texts::{count, fill, texts},
    words,
};

/// How many are dealt with in one request.
const PORTION: u32 = 25;
/// How many are looked at for the plan.
const PLANNED: u32 = 200;
/// How many refusals are told one by one.
const TOLD: usize = 10;

/// Which dead letters, and what is done with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Many {
    pub(super) flow: String,
    pub(super) class: String,
    pub(super) discard: bool,
}

impl Many {
    /// The request for a portion of them.
    fn request(&self, limit: u32, cursor: Option<&str>) -> Map<String, Value> {
        let mut filter = Map::from_iter([("limit".to_owned(), limit.into())]);
        let mut add = |key: &str, value: &str| {
            if !value.is_empty() {
                filter.insert(key.to_owned(), value.into());
            }
        };
        add("flow", &self.flow);
        add("class", &self.class);
        add("cursor", cursor.unwrap_or_default());
        Map::from_iter([("filter".to_owned(), Value::Object(filter))])
    }
}

/// What replaying them would do.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Planned {
    letters: u32,
    writes: Vec<Writes>,
    refused: Vec<Refused>,
    next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Writes {
    flow: String,
    step: String,
    kind: String,
    #[serde(default)]
    method: Option<String>,
    count: u32,
    again: u32,
}

/// How far it has come.
#[derive(Clone, Debug, Default, PartialEq)]
struct Progress {
    done: u32,
    refused: Vec<Refused>,
    over: bool,
    /// Why it broke off before its end.
    broken: Option<String>,
}

impl Progress {
    /// Takes a portion in, and says where to go on.
    fn take(&mut self, dealt: Dealt) -> Option<String> {
        self.done += dealt.done;
        self.refused.extend(dealt.refused);
        self.over = dealt.next.is_none();
        dealt.next
    }
}

/// How many were dealt with, in words.
fn dealt_with(n: u32) -> String {
    let t = texts();
    count(u64::from(n), t.many_done_one, t.many_done_many)
}

/// Asks, does it portion by portion, and shows how far it has come. Closing the dialog stops it after the portion underway.
#[component]
pub(super) fn ManyDialog(
    many: RwSignal<Option<Many>>,
    names: Signal<Vec<FlowSummary>>,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let from = RwSignal::new("failure".to_owned());
    let newest = RwSignal::new("original".to_owned());
    let planned: RwSignal<Option<Result<Planned, String>>> = RwSignal::new(None);
    let progress: RwSignal<Option<Progress>> = RwSignal::new(None);
    let signature = Signature::new();
    Effect::new(move || {
        if many.with(Option::is_some) {
            signature.clear();
            progress.set(None);
            open.set(true);
        }
    });
    Effect::new(move |before: Option<bool>| {
        let now = open.get();
        if before == Some(true) && !now {
            many.set(None);
            done();
        }
        now
    });
    let request = move |many: &Many, limit: u32, cursor: Option<&str>| {
        let mut request = many.request(limit, cursor);
        if !many.discard {
            request.insert("from".to_owned(), from.get().into());
            request.insert("version".to_owned(), newest.get().into());
        }
        request
    };
    Effect::new(move || {
        let Some(wanted) = many.get() else { return };
        planned.set(None);
        let body = request(&wanted, PLANNED, None);
        spawn_local(async move {
            let answer = api::send::<Planned>("POST", "/dead-letters/replay/plan", &body).await;
            if many.try_get_untracked().flatten() == Some(wanted) {
                planned.try_set(Some(
                    answer.map_err(|trouble| trouble.sentence().to_owned()),
                ));
            }
        });
    });
    let start = move || {
        let Some(wanted) = many.get_untracked() else {
            return;
        };
        if progress.with_untracked(Option::is_some) {
            return;
        }
        progress.set(Some(Progress::default()));
        let mut body = untrack(|| request(&wanted, PORTION, None));
        signature.sign(&mut body);
        spawn_local(async move {
            let mut cursor: Option<String> = None;
            let mut so_far = 0;
            loop {
                if let Some(cursor) = &cursor {
                    body["filter"]["cursor"] = json!(cursor);
                }
                let path = if wanted.discard {
                    "/dead-letters/discard"
                } else {
                    "/dead-letters/replay"
                };
                let answer: Result<Dealt, Trouble> = api::send("POST", path, &body).await;
                so_far += answer.as_ref().map_or(0, |dealt| dealt.done);
                // Closing the dialog is how a person stops it; what was underway then counts, too.
                if many.try_get_untracked().flatten().as_ref() != Some(&wanted) {
                    if answer.is_ok_and(|dealt| dealt.next.is_some()) {
                        toast().good(fill(texts().many_stopped, &[("said", &dealt_with(so_far))]));
                    }
                    done();
                    return;
                }
                match answer {
                    Ok(dealt) => {
                        let next = progress
                            .try_update(|progress| progress.get_or_insert_default().take(dealt))
                            .flatten();
                        match next {
                            Some(next) => cursor = Some(next),
                            None => return,
                        }
                    }
                    Err(trouble) => {
                        let why = match trouble.is_offline() {
                            true => texts().trouble_offline,
                            false => trouble.sentence(),
                        };
                        progress.try_update(|progress| {
                            let progress = progress.get_or_insert_default();
                            progress.over = true;
                            progress.broken = Some(why.to_owned());
                        });
                        return;
                    }
                }
            }
        });
    };
    let discard = Memo::new(move |_| many.with(|many| many.as_ref().is_some_and(|m| m.discard)));
    let title = Signal::derive(move || {
        let words = if discard.get() {
            t.letters_discard_all
        } else {
            t.letters_replay_all
        };
        words.trim_end_matches(['.', '…', ' ']).to_owned()
    });
    let name = move |flow: &str| {
        let known = names.with(|names| {
            let known = names.iter().find(|known| known.id == flow);
            known.map(|known| known.name().to_owned())
        });
        known.unwrap_or_else(|| flow.to_owned())
    };
    let which = move || {
        let many = many.get().unwrap_or_default();
        let class = (!many.class.is_empty()).then(|| words::class_by_word(t, &many.class));
        let parts: Vec<String> = [Some(name(&many.flow)), class]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        match parts.is_empty() {
            true => t.many_all.to_owned(),
            false => fill(t.many_matching, &[("what", &parts.join(", "))]),
        }
    };
    let choices = move || {
        (!discard.get()).then(|| {
            view! {
                <div class="form-row">
                    <Choice
                        id="many-from"
                        label=t.replay_from
                        options=Signal::stored(vec![
                            ("failure".to_owned(), t.replay_from_failure.to_owned()),
                            ("start".to_owned(), t.replay_from_start.to_owned()),
                        ])
                        value=from
                        choose=move |word| from.set(word)
                    />
                    <Choice
                        id="many-version"
                        label=t.replay_version
                        options=Signal::stored(vec![
                            ("original".to_owned(), t.many_original.to_owned()),
                            ("newest".to_owned(), t.replay_newest.to_owned()),
                        ])
                        value=newest
                        choose=move |word| newest.set(word)
                    />
                </div>
                <section class="outlook" aria-live="polite" data-testid="many-plan">{move || outlook(planned.get())}</section>
            }
        })
    };
    let ready = Signal::derive(move || {
        discard.get()
            || planned.with(|planned| matches!(planned, Some(Ok(plan)) if plan.letters > 0))
    });
    let asking = move || {
        view! {
            <div class="dialog-body form">
                <p>{which}</p>
                {choices}
                {move || discard.get().then(|| view! {
                    <p data-testid="many-count">{discards(planned.get())} " " {t.many_discard_text}</p>
                })}
                <SignatureFields signature id="many"/>
            </div>
            <footer class="dialog-foot">
                <Button label=t.cancel press=move |_| open.set(false)/>
                {move || {
                    let (label, icon, weight) = if discard.get() {
                        (t.letters_discard, Icon::Trash2, Weight::Danger)
                    } else {
                        (t.replay_action, Icon::RotateCcw, Weight::Primary)
                    };
                    view! { <Button label icon weight sends=true test="many-confirm" off=Signal::derive(move || !ready.get()) press=|_| ()/> }
                }}
            </footer>
        }
    };
    let begun = Memo::new(move |_| progress.with(Option::is_some));
    let body = move || match begun.get() {
        false => asking().into_any(),
        true => underway(progress, open).into_any(),
    };
    view! {
        <Dialog open title wide=true>
            <form
                data-testid="many-form"
                on:submit=move |event| {
                    event.prevent_default();
                    start();
                }
            >
                {body}
            </form>
        </Dialog>
    }
}

fn underway(progress: RwSignal<Option<Progress>>, open: RwSignal<bool>) -> impl IntoView {
    let t = texts();
    let over =
        Memo::new(move |_| progress.with(|progress| progress.as_ref().is_none_or(|p| p.over)));
    let body = move || {
        let progress = progress.get().unwrap_or_default();
        let done = dealt_with(progress.done);
        let head = match (progress.broken, progress.over) {
            (Some(why), _) => view! {
                <div class="notice bad" role="alert" data-testid="many-broken">
                    <p class="notice-title"><Glyph icon=Icon::CircleAlert/>{fill(t.many_stopped, &[("said", &done)])}</p>
                    <p>{why}</p>
                    <p class="fine">{t.many_broken_text}</p>
                </div>
            }
            .into_any(),
            (None, true) => view! { <p class="outlook-calm"><Glyph icon=Icon::CircleCheck/>{done}</p> }.into_any(),
            (None, false) => view! { <p class="status running"><Glyph icon=Icon::LoaderCircle/>{done}</p> }.into_any(),
        };
        view! { {head} {refusals(&progress.refused)} }
    };
    view! {
        <div class="dialog-body" role="status" data-testid="many-progress" data-over=move || over.get().to_string()>{body}</div>
        <footer class="dialog-foot">
            {move || {
                let label = if over.get() { t.close } else { t.many_stop };
                view! { <Button label test="many-close" press=move |_| open.set(false)/> }
            }}
        </footer>
    }
}

/// How many will be discarded: all that a plan looks at, whether they could be replayed or not.
fn discards(planned: Option<Result<Planned, String>>) -> Option<String> {
    let t = texts();
    let plan = planned?.ok()?;
    let all = u64::from(plan.letters) + plan.refused.len() as u64;
    let said = count(all, t.many_discards_one, t.many_discards_many);
    Some(match plan.next {
        Some(_) => fill(t.many_more, &[("said", &said)]),
        None => format!("{said}."),
    })
}

fn outlook(planned: Option<Result<Planned, String>>) -> AnyView {
    let t = texts();
    let plan = match planned {
        None => return view! { <p class="fine">{t.replay_planning}</p> }.into_any(),
        Some(Err(why)) => return view! { <p class="notice bad">{why}</p> }.into_any(),
        Some(Ok(plan)) => plan,
    };
    let mut said = count(
        u64::from(plan.letters),
        t.many_planned_one,
        t.many_planned_many,
    );
    if plan.next.is_some() {
        said = fill(t.many_at_least, &[("said", &said)]);
    }
    let rows = plan.writes.iter().map(|writes| {
        let method = writes.method.clone().unwrap_or_else(|| writes.kind.clone());
        let again = (writes.again > 0).then(|| {
            let label = fill(t.many_again, &[("n", &writes.again.to_string())]);
            view! { <Badge label tone="warn"/> }
        });
        view! {
            <li>
                <span><strong>{writes.step.clone()}</strong> " " <span class="fine">{writes.flow.clone()}</span></span>
                <code class="exchange-line">{format!("{} × {method}", writes.count)}</code>
                {again}
            </li>
        }
    });
    let writes = if plan.writes.is_empty() {
        view! { <p class="outlook-calm"><Glyph icon=Icon::CircleCheck/>{t.replay_no_writes}</p> }
            .into_any()
    } else {
        view! { <p>{t.replay_writes}</p><ul class="outlook-writes">{rows.collect_view()}</ul> }
            .into_any()
    };
    view! { <h3>{said}</h3> {writes} {refusals(&plan.refused)} }.into_any()
}

/// Those that were or would be left, and why.
fn refusals(refused: &[Refused]) -> Option<impl IntoView + use<>> {
    let t = texts();
    if refused.is_empty() {
        return None;
    }
    let lines = refused.iter().take(TOLD).map(|refused| {
        let label = words::short_id(&refused.run).to_owned();
        let href = format!("/runs/{}", encode(&refused.run));
        view! { <li><a class="link-text mono" href=href>{label}</a> " " <span class="fine">{refused.detail.clone()}</span></li> }
    });
    let lines = lines.collect_view();
    let more = refused.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| fill(t.json_more, &[("n", &more.to_string())]));
    Some(view! {
        <div class="notice" data-testid="many-refused">
            <p>{count(refused.len() as u64, t.many_refused_one, t.many_refused_many)}</p>
            <ul class="refusals">{lines}</ul>
            {more.map(|more| view! { <p class="fine">{more}</p> })}
        </div>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_only_what_is_searched_for() {
        let many = Many {
            flow: "orders".into(),
            ..Many::default()
        };
        assert_eq!(
            Value::Object(many.request(25, Some("c"))),
            json!({ "filter": { "limit": 25, "flow": "orders", "cursor": "c" } })
        );
        assert_eq!(
            Value::Object(Many::default().request(2, None)),
            json!({ "filter": { "limit": 2 } })
        );
    }

    #[test]
    fn portions_are_added_up_to_the_last_one() {
        let mut progress = Progress::default();
        let portion = |done, next: Option<&str>| Dealt {
            done,
            refused: vec![Refused {
                run: "r".into(),
                detail: "no".into(),
            }],
            next: next.map(str::to_owned),
        };
        assert_eq!(progress.take(portion(25, Some("a"))).as_deref(), Some("a"));
        assert!(!progress.over);
        assert_eq!(progress.take(portion(3, None)), None);
        assert!(progress.over);
        assert_eq!((progress.done, progress.refused.len()), (28, 2));
    }
}
