//! Fields that are picked rather than typed: connections, secrets, schedules, time zones and paths.

use leptos::prelude::*;
use serde_json::{Value, json};
use weir_flows::settings::secret_name;

use super::{
    code::{self, Computes, Look},
    reading::Spelling,
    slot::Slot,
    text::{self, Line},
};
use crate::{kit::code::Tongue, texts::texts};

/// The name of a connection.
pub(crate) fn connection(slot: &Slot) -> AnyView {
    let known = slot.desk.connections;
    let names = Signal::derive(move || known.get().to_vec());
    text::line(slot, Spelling::Kind, MONO, names)
}

/// A secret by its name.
pub(crate) fn secret(slot: &Slot) -> AnyView {
    let known = slot.desk.secrets;
    let names = Signal::derive(move || known.get().to_vec());
    let (value, set) = (slot.value, slot.set);
    let name = Memo::new(move |_| value.with(|value| Some(json!(secret_name(value.as_ref()?)?))));
    let named = Slot {
        value: name.into(),
        set: Callback::new(move |name: Option<Value>| {
            set.run(name.map(|name| json!({ "$secret": name })));
        }),
        ..slot.clone()
    };
    text::line(&named, Spelling::Kind, MONO, names)
}

/// A secret that stands in the document itself.
pub(crate) fn secret_text(slot: &Slot) -> AnyView {
    let look = Line {
        hidden: true,
        ..Line::default()
    };
    view! {
        {text::line(slot, Spelling::Kind, look, Signal::stored(Vec::new()))}
        <p class="form-note warn">{texts().form_secret_text}</p>
    }
    .into_any()
}

/// A cron expression.
pub(crate) fn cron(slot: &Slot) -> AnyView {
    let usual = [
        "@hourly",
        "@daily",
        "0 2 * * *",
        "*/15 * * * *",
        "0 8 * * mon-fri",
        "@monthly",
    ];
    text::line(
        slot,
        Spelling::Kind,
        MONO,
        Signal::stored(usual.map(str::to_owned).to_vec()),
    )
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
    text::line(
        slot,
        Spelling::Kind,
        MONO,
        Signal::stored(usual.map(str::to_owned).to_vec()),
    )
}

/// A JSONPath into the input.
pub(crate) fn json_path(slot: &Slot) -> AnyView {
    code::code(
        slot,
        Look {
            spelling: Spelling::Kind,
            tongue: Tongue::Rhai,
            computes: Computes::Path,
            tall: false,
        },
    )
}

/// How names and addresses look.
const MONO: Line = Line {
    mono: true,
    digits: false,
    hidden: false,
};
