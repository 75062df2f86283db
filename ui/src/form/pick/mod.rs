//! Fields that are picked rather than typed: connections, secrets, schedules, time zones and paths.

mod path;
mod resource;
mod schedule;

use leptos::prelude::*;

pub(crate) use path::json_path;
pub(crate) use resource::{connection, secret};
pub(crate) use schedule::{cron, time_zone};

use super::{
    reading::Spelling,
    slot::Slot,
    text::{self, Line},
};
use crate::texts::texts;

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
