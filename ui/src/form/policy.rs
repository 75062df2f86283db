//! What a step does when things go wrong: attempts, times, and the action that reverses it.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::{Map, Value, json};
use weir_flows::{
    builtin::CALL,
    catalog::{Entry, Field, FieldKind},
    duration::Duration,
    failure::Class,
};

use super::{
    choice::{self, Pick},
    config::{entry_view, fields_view},
    field::{FieldView, Framed},
    limits::limits,
    phrases::{field, word},
    preview::is_empty,
    section::Section,
    slot::{Sheet, Slot},
    text,
};
use crate::{
    kit::{button::Button, icon::Icon},
    texts::texts,
    words,
};

/// The keys of a step that its policy is made of.
const KEYS: [&str; 11] = [
    "retry",
    "timeout",
    "deadline",
    "concurrency",
    "rate",
    "cache",
    "on_error",
    "join",
    "idempotent",
    "pinned",
    "undo",
];

/// The failure classes that are tried again where a step names none.
const AGAIN: [Class; 4] = [
    Class::Transient,
    Class::RateLimited,
    Class::TimedOut,
    Class::Lost,
];

/// The places of a step's policy within the document.
pub(super) fn policy_places(at: &str) -> Vec<String> {
    KEYS.iter().map(|key| format!("{at}/{key}")).collect()
}

/// The section of a step's policy, all but its undo.
#[component]
pub(super) fn PolicySection(sheet: Sheet, entry: Arc<Entry>) -> impl IntoView {
    let t = texts();
    let at = sheet.part().at();
    let mut places = policy_places(&at);
    places.retain(|place| !place.ends_with("/undo"));
    let keys = &KEYS[..KEYS.len() - 1];
    let filled = Signal::derive(move || keys.iter().any(|key| sheet.has(&format!("/{key}"))));
    view! {
        <Section word="policy" title=t.panel_policy desk=sheet.desk places filled>
            {policy(sheet, &entry)}
        </Section>
    }
}

/// The fields of the policy. What has no meaning for a step is shown only where it stands there all the same.
fn policy(sheet: Sheet, entry: &Entry) -> AnyView {
    // Untracked: a field that was just emptied stays until the card is opened again.
    let means = |at: &str| entry.action.is_some() || untrack(|| sheet.has(at));
    let deadline = field(
        "deadline",
        FieldKind::Duration,
        |t| t.panel_deadline,
        |t| t.form_deadline_help,
    );
    view! {
        {(entry.kind != CALL && means("/retry") || untrack(|| sheet.has("/retry"))).then(|| retry_view(sheet, "/retry", entry))}
        {means("/timeout").then(|| view! { <FieldView of=sheet.slot("/timeout", timeout(entry))/> })}
        {means("/deadline").then(|| view! { <FieldView of=sheet.slot("/deadline", deadline)/> })}
        {limits(sheet, entry)}
        <FieldView of=sheet.slot("/on_error", on_error())/>
        <JoinField sheet/>
        {means("/idempotent").then(|| idempotent(sheet))}
        {means("/pinned").then(|| view! { <Pinned sheet/> })}
    }
    .into_any()
}

/// How long one attempt may take; what the kind says counts where nothing is given.
fn timeout(entry: &Entry) -> Field {
    Field {
        default: entry
            .action
            .as_ref()
            .map(|action| json!(Duration::from_millis(action.timeout_ms))),
        ..field(
            "timeout",
            FieldKind::Duration,
            |t| t.panel_timeout,
            |t| t.form_timeout_help,
        )
    }
}

fn on_error() -> Field {
    field(
        "on_error",
        FieldKind::Choice(vec![
            word("stop", |t| t.form_on_error_stop),
            word("continue", |t| t.form_on_error_continue),
        ]),
        |t| t.panel_on_error,
        |t| t.form_on_error_help,
    )
    .default("stop")
}

/// When a step with several links into it runs; of no interest to others.
#[component]
fn JoinField(sheet: Sheet) -> impl IntoView {
    let part = sheet.part();
    let several = Memo::new(move |_| {
        let id = part.card();
        let into = sheet.desk.drawn.with(|flow| {
            let into = flow.links.iter().filter(|link| Some(&link.to) == id);
            into.count()
        });
        into > 1 || sheet.has("/join")
    });
    move || {
        several.get().then(|| {
            let join = field(
                "join",
                FieldKind::Choice(vec![
                    word("all", |t| t.form_join_all),
                    word("any", |t| t.form_join_any),
                ]),
                |t| t.panel_join,
                |t| t.form_join_help,
            )
            .default("all");
            view! { <FieldView of=sheet.slot("/join", join)/> }
        })
    }
}

fn idempotent(sheet: Sheet) -> AnyView {
    let slot = sheet.slot(
        "/idempotent",
        field(
            "idempotent",
            FieldKind::Boolean,
            |t| t.panel_idempotent,
            |t| t.form_idempotent_help,
        ),
    );
    let inner = slot.clone();
    let control = move || choice::flag(&inner, Some(texts().form_idempotent_absent));
    view! { <Framed of=slot control/> }.into_any()
}

/// When a failed attempt is followed by another. `at` is the place of the retry within the sheet.
fn retry_view(sheet: Sheet, at: &'static str, entry: &Entry) -> AnyView {
    let t = texts();
    let usual = attempts(sheet, entry);
    let attempts = Signal::derive(move || {
        field(
            "attempts",
            FieldKind::Integer { min: 1, max: 1000 },
            |t| t.panel_retry,
            |t| t.form_attempts_help,
        )
        .default(usual.get())
    });
    let slot = move |name: &str, field: Field| sheet.slot(&format!("{at}/{name}"), field);
    let duration = |name: &'static str, title, help, default: &'static str| {
        slot(
            name,
            field(name, FieldKind::Duration, title, help).default(default),
        )
    };
    let backoff = field(
        "backoff",
        FieldKind::Choice(vec![
            word("exponential", |t| t.form_backoff_exponential),
            word("constant", |t| t.form_backoff_constant),
        ]),
        |t| t.form_backoff,
        |t| t.form_backoff_help,
    )
    .default("exponential");
    let jitter = slot(
        "jitter",
        field(
            "jitter",
            FieldKind::Text,
            |t| t.form_jitter,
            |t| t.form_jitter_help,
        )
        .default(0.1),
    );
    let shares = jitter.clone();
    let on = slot(
        "on",
        field(
            "on",
            FieldKind::Any,
            |t| t.form_retry_on,
            |t| t.form_retry_on_help,
        ),
    );
    let boxes = on.clone();
    let delay = duration("delay", |t| t.form_delay, |t| t.form_delay_help, "1s");
    let longest = duration(
        "max_delay",
        |t| t.form_max_delay,
        |t| t.form_max_delay_help,
        "1m",
    );
    let details = ["backoff", "delay", "max_delay", "jitter", "on"];
    let set = Memo::new(move |_| details.iter().any(|key| sheet.has(&format!("{at}/{key}"))));
    let open = set.get_untracked();
    view! {
        {move || view! { <FieldView of=slot("attempts", attempts.get())/> }}
        <details class="form-more" open=open>
            <summary>{t.form_retry_more} {move || set.get().then(|| view! { <span class="section-dot"></span> })}</summary>
            <div class="form-more-body">
                <FieldView of=slot("backoff", backoff)/>
                <FieldView of=delay/>
                <FieldView of=longest/>
                <Framed of=jitter control=move || text::share(&shares)/>
                <Framed of=on group=true control=move || classes(&boxes)/>
            </div>
        </details>
    }
    .into_any()
}

/// How often a step is attempted where it does not say, as the engine decides it.
fn attempts(sheet: Sheet, entry: &Entry) -> Memo<u32> {
    let action = entry.action.clone();
    Memo::new(move |_| {
        let config = sheet.value("/config");
        let declared = sheet.value("/idempotent").as_ref().and_then(Value::as_bool);
        let none = Map::new();
        let config = config.as_ref().and_then(Value::as_object).unwrap_or(&none);
        match &action {
            Some(action) if action.idempotent.holds(config, declared) => action.attempts,
            _ => 1,
        }
    })
}

fn classes(slot: &Slot) -> AnyView {
    let t = texts();
    let entries = Class::ALL
        .into_iter()
        .map(|class| {
            let (label, hint) = words::class(t, class);
            (class.word().to_owned(), label.to_owned(), hint.to_owned())
        })
        .collect();
    let usual = AGAIN.map(|class| class.word().to_owned()).to_vec();
    choice::several(slot, entries, usual)
}

/// A sample output for tests and try-outs, which can be taken from the sample.
#[component]
fn Pinned(sheet: Sheet) -> impl IntoView {
    let t = texts();
    let slot = sheet.slot(
        "/pinned",
        field(
            "pinned",
            FieldKind::Any,
            |t| t.form_pinned,
            |t| t.form_pinned_help,
        ),
    );
    let desk = sheet.desk;
    let id = sheet.part().card().cloned().unwrap_or_default();
    let gave = Memo::new(move |_| {
        desk.sample.with(|sample| {
            if is_empty(sample) {
                return None;
            }
            sample.steps.get(&id).and_then(|step| step.output.clone())
        })
    });
    let pin = move |_| {
        if let Some(output) = gave.get_untracked() {
            sheet.put_all(vec![("/pinned".to_owned(), Some(output))]);
        }
    };
    view! {
        <FieldView of=slot/>
        {move || gave.with(Option::is_some).then(|| view! {
            <div class="form-tools"><Button label=t.form_pin icon=Icon::Pin test="pin" press=pin/></div>
        })}
    }
}

/// The section of the action that reverses a step.
#[component]
pub(super) fn UndoSection(sheet: Sheet, entry: Arc<Entry>) -> impl IntoView {
    let t = texts();
    let there = entry.action.is_some() || untrack(|| sheet.has("/undo"));
    there.then(|| {
        let at = format!("{}/undo", sheet.part().at());
        view! {
            <Section word="undo" title=t.panel_undo desk=sheet.desk places=vec![at] filled=Signal::derive(move || sheet.has("/undo"))>
                {undo(sheet)}
            </Section>
        }
    })
}

fn undo(sheet: Sheet) -> AnyView {
    let desk = sheet.desk;
    let slot = sheet.slot(
        "/undo/kind",
        field(
            "kind",
            FieldKind::Text,
            |t| t.form_undo_kind,
            |t| t.form_undo_help,
        ),
    );
    // Another action has other settings, so the whole undo is set.
    let chosen = Slot {
        set: Callback::new(move |kind: Option<Value>| {
            let undo = kind.map(|kind| begun(desk, kind));
            sheet.put_all(vec![("/undo".to_owned(), undo)]);
        }),
        ..slot.clone()
    };
    let control = move || {
        choice::select(&chosen, move |held| {
            desk.catalog
                .with(|catalog| undo_picks(&catalog.steps, held))
        })
    };
    let kind = slot.value;
    let form = move || {
        let kind = kind.get();
        let kind = kind.as_ref()?.as_str()?;
        let entry = desk.catalog.with(|catalog| catalog.step(kind).cloned())?;
        Some(view! {
            {entry_view(sheet, "/undo", &entry)}
            {retry_view(sheet, "/undo/retry", &entry)}
            {fields_view(vec![sheet.slot("/undo/timeout", timeout(&entry))])}
        })
    };
    view! {
        <Framed of=slot control/>
        {form}
    }
    .into_any()
}

/// An undo by some kind of action, with the settings that a new one has.
fn begun(desk: crate::editor::Desk, kind: Value) -> Value {
    let start = desk.catalog.with_untracked(|catalog| {
        let entry = kind.as_str().and_then(|kind| catalog.step(kind));
        entry.map(|entry| entry.start.clone()).unwrap_or_default()
    });
    json!({ "kind": kind, "config": start })
}

/// What may be chosen to reverse a step: nothing, or any action.
fn undo_picks(steps: &[Entry], held: Option<&Value>) -> Vec<Pick> {
    let t = texts();
    let mut picks = vec![Pick {
        value: None,
        label: t.form_undo_none.to_owned(),
    }];
    let actions = steps.iter().filter(|entry| entry.action.is_some());
    picks.extend(actions.map(|entry| Pick {
        value: Some(json!(entry.kind)),
        label: entry.title.of(t.language).to_owned(),
    }));
    choice::keep(&mut picks, held);
    picks
}
