//! A poll: where it goes on, how the last one went, and setting its cursor by hand.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value, json};

use crate::{
    api::{self, PollFailure, PollState, ScheduleSummary, encode},
    kit::{
        badge::Badge,
        button::{Button, Weight},
        code::{InlineCode, Tongue},
        dialog::Dialog,
        field::Field,
        icon::{Glyph, Icon},
        time::TimeAgo,
        toast::toast,
    },
    texts::{Texts, count, fill, texts},
    words,
};

/// A poll whose cursor a person wants to set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) flow: String,
    pub(super) trigger: String,
    pub(super) cursor: Value,
}

/// How the last poll went, in a badge: nothing where it went well.
pub(super) fn mark(poll: &PollState) -> AnyView {
    let t = texts();
    match &poll.failure {
        Some(failure) => {
            let label = count(failure.count, t.poll_failed_one, t.poll_failed_many);
            view! { <Badge label tone="bad" icon=Icon::CircleX hint=failure.message.clone()/> }
                .into_any()
        }
        None if poll.underway => view! { <Badge label=t.poll_underway tone="busy"/> }.into_any(),
        None => ().into_any(),
    }
}

/// Where a poll stands; nothing for a schedule.
pub(super) fn panel(
    one: &ScheduleSummary,
    poll: Memo<Option<PollState>>,
    setting: RwSignal<Option<Wanted>>,
) -> Option<AnyView> {
    let t = texts();
    one.poll.as_ref()?;
    let (flow, trigger) = (one.flow.clone(), one.trigger.clone());
    let label = fill(t.poll_set_of, &[("name", &trigger)]);
    let set = move |_| {
        let cursor = poll.with_untracked(|poll| poll.as_ref().map(|poll| poll.cursor.clone()));
        setting.set(Some(Wanted {
            flow: flow.clone(),
            trigger: trigger.clone(),
            cursor: cursor.unwrap_or_default(),
        }));
    };
    let panel = view! {
        <div class="poll-state" data-testid="poll-state">
            {move || poll.get().map(facts)}
            <button type="button" class="button" data-testid="set-cursor" aria-label=label on:click=set>
                <Glyph icon=Icon::Pencil/>
                <span>{t.poll_set}</span>
            </button>
        </div>
    };
    Some(panel.into_any())
}

fn facts(poll: PollState) -> impl IntoView {
    let t = texts();
    let cursor = match poll.cursor.is_null() {
        true => view! { <span class="fine">{t.poll_no_cursor}</span> }.into_any(),
        false => {
            view! { <InlineCode text=poll.cursor.to_string() tongue=Tongue::Json/> }.into_any()
        }
    };
    let fact = |label: &'static str, value: AnyView| {
        view! { <div class="pair"><dt>{label}</dt><dd>{value}</dd></div> }
    };
    let moved = poll
        .moved_at
        .map(|at| fact(t.poll_moved, view! { <TimeAgo at/> }.into_any()));
    let polled = match poll.polled_at {
        Some(at) => view! { <TimeAgo at/> }.into_any(),
        None => view! { <span class="fine">{t.poll_not_yet}</span> }.into_any(),
    };
    view! {
        {poll.failure.map(failure_note)}
        <dl class="pairs">
            {fact(t.poll_cursor, cursor)}
            {moved}
            {fact(t.poll_polled, polled)}
        </dl>
    }
}

fn failure_note(failure: PollFailure) -> impl IntoView {
    let t = texts();
    view! {
        <div class="notice bad" data-testid="poll-failure" data-class=failure.class.clone()>
            <p class="notice-title"><Glyph icon=Icon::CircleAlert/>{words::class_by_word(t, &failure.class)}</p>
            <p class="failure-message">{failure.message}</p>
            <p class="fine"><TimeAgo at=failure.at/>" · "{t.poll_failed_text}</p>
        </div>
    }
}

/// The cursor that was typed; nothing for none.
fn read(t: &Texts, text: &str) -> Result<Value, String> {
    match text.trim() {
        "" => Ok(Value::Null),
        text => serde_json::from_str(text)
            .map_err(|error| fill(t.poll_cursor_wrong, &[("why", &error.to_string())])),
    }
}

/// Asks where the next poll is to go on.
#[component]
pub(super) fn CursorDialog(
    setting: RwSignal<Option<Wanted>>,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let text = RwSignal::new(String::new());
    let wrong: RwSignal<Option<String>> = RwSignal::new(None);
    Effect::new(move || {
        let Some(wanted) = setting.get() else { return };
        text.set(match &wanted.cursor {
            Value::Null => String::new(),
            cursor => cursor.to_string(),
        });
        wrong.set(None);
        open.set(true);
    });
    Effect::new(move || {
        if !open.get() {
            setting.set(None);
        }
    });
    let send = move || {
        let Some(wanted) = setting.get_untracked().filter(|_| !busy.get_untracked()) else {
            return;
        };
        let cursor = match text.with_untracked(|text| read(t, text)) {
            Ok(cursor) => cursor,
            Err(why) => return wrong.set(Some(why)),
        };
        busy.set(true);
        spawn_local(async move {
            let path = format!(
                "/flows/{}/triggers/{}/cursor",
                encode(&wanted.flow),
                encode(&wanted.trigger)
            );
            let body = json!({ "cursor": cursor });
            let answer = api::send::<PollState>("PUT", &path, &body).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    open.try_set(false);
                    toast().good(texts().poll_set_done);
                    done();
                }
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    };
    let title = Signal::derive(move || {
        let name = setting.with(|wanted| wanted.as_ref().map(|wanted| wanted.trigger.clone()));
        fill(t.poll_set_of, &[("name", &name.unwrap_or_default())])
    });
    view! {
        <Dialog open title>
            <form
                data-testid="cursor-form"
                on:submit=move |event| {
                    event.prevent_default();
                    send();
                }
            >
                <div class="dialog-body form">
                    <p>{t.poll_set_text}</p>
                    <Field id="poll-cursor-text" label=t.poll_cursor hint=t.poll_set_hint wrong>
                        <textarea
                            id="poll-cursor-text"
                            class="input mono"
                            rows="3"
                            spellcheck="false"
                            aria-invalid=move || wrong.get().is_some().then_some("true")
                            prop:value=text
                            on:input:target=move |event| {
                                text.set(event.target().value());
                                wrong.set(None);
                            }
                        ></textarea>
                    </Field>
                </div>
                <footer class="dialog-foot">
                    <Button label=t.cancel press=move |_| open.set(false)/>
                    <Button label=t.poll_set icon=Icon::Check weight=Weight::Primary sends=true test="cursor-confirm" busy press=|_| ()/>
                </footer>
            </form>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::ENGLISH;

    #[test]
    fn a_cursor_is_any_json_and_nothing_is_none() {
        assert_eq!(read(&ENGLISH, " \n"), Ok(Value::Null));
        assert_eq!(read(&ENGLISH, " 7 "), Ok(json!(7)));
        assert_eq!(read(&ENGLISH, "{\"a\":\"b\"}"), Ok(json!({ "a": "b" })));
        let why = read(&ENGLISH, "2026-11-25").unwrap_err();
        assert!(why.contains("quotes"), "{why}");
    }
}
