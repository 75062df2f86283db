//! Picking times: a cron expression in words with its next fires, and time zones.

use leptos::{prelude::*, task::spawn_local};
use serde_json::Value;

use crate::{
    clock,
    form::{
        reading::Spelling,
        slot::Slot,
        text::{self, Line},
    },
    lab::{self, Fires},
    texts::texts,
    words::cron_words,
};

/// How many fires are shown.
const SHOWN: usize = 5;

const MONO: Line = Line {
    mono: true,
    digits: false,
    hidden: false,
};

/// A cron expression: what it means, and when it fires next.
pub(crate) fn cron(slot: &Slot) -> AnyView {
    let usual = [
        "@hourly",
        "@daily",
        "0 2 * * *",
        "*/15 * * * *",
        "0 8 * * mon-fri",
        "@monthly",
    ];
    let suggestions = Signal::stored(usual.map(str::to_owned).to_vec());
    let value = slot.value;
    let said = move || {
        let text = value.with(|value| value.as_ref().and_then(Value::as_str).map(str::to_owned));
        text.and_then(|text| cron_words(texts(), &text))
            .map(|words| view! { <p class="form-help" data-testid="cron-words">{words}</p> })
    };
    view! {
        {text::line(slot, Spelling::Kind, MONO, suggestions)}
        {said}
        {fires(slot)}
    }
    .into_any()
}

/// The name of a time zone.
pub(crate) fn time_zone(slot: &Slot) -> AnyView {
    let usual = [
        "UTC",
        "Europe/Berlin",
        "Europe/Vienna",
        "Europe/Zurich",
        "Europe/London",
        "Europe/Paris",
        "Europe/Madrid",
        "Europe/Warsaw",
        "America/New_York",
        "America/Chicago",
        "America/Los_Angeles",
        "America/Sao_Paulo",
        "Asia/Dubai",
        "Asia/Kolkata",
        "Asia/Singapore",
        "Asia/Shanghai",
        "Asia/Tokyo",
        "Australia/Sydney",
    ];
    let suggestions = Signal::stored(usual.map(str::to_owned).to_vec());
    text::line(slot, Spelling::Kind, MONO, suggestions)
}

/// When the trigger fires next, as the same code on the server decides it.
fn fires(slot: &Slot) -> AnyView {
    let t = texts();
    let (desk, card) = (slot.desk, slot.card.clone().unwrap_or_default());
    let config = Memo::new(move |_| {
        desk.flow.with(|flow| {
            flow.triggers
                .get(&card)
                .map(|trigger| trigger.config.clone())
        })
    });
    let next: RwSignal<Vec<(String, bool)>> = RwSignal::new(Vec::new());
    let key = format!("{}-fires", slot.id);
    Effect::new(move || {
        let Some(config) = config.get() else { return };
        let key = key.clone();
        spawn_local(async move {
            let question = Fires {
                config,
                after_ms: clock::now() as i64,
                count: SHOWN,
            };
            // What cannot be read is said at the field by the check.
            match lab::ask(&key, question).await {
                Ok(Ok(fires)) => {
                    let shown = fires
                        .into_iter()
                        .map(|fire| (fire.local, fire.odd.is_some()));
                    next.try_set(shown.collect());
                }
                Ok(Err(_)) => {
                    next.try_set(Vec::new());
                }
                Err(_) => {}
            }
        });
    });
    let list = move || {
        let next = next.get();
        (!next.is_empty()).then(|| {
            let times = next.into_iter().map(|(local, odd)| {
                let odd = odd.then(|| view! { <span class="badge warn">{t.pick_fire_odd}</span> });
                view! { <li class="number">{readable(&local)} {odd}</li> }
            });
            view! {
                <div class="next-fires" data-testid="next-fires">
                    <p class="form-help">{t.pick_next_fires}</p>
                    <ol>{times.collect_view()}</ol>
                </div>
            }
        })
    };
    list.into_any()
}

/// A local time without what machines need in it.
fn readable(local: &str) -> String {
    local.replacen('T', " ", 1)
}
