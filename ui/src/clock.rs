//! The browser's clock: instants as milliseconds since 1970, how they are written, and a tick that moves "5 min ago" on.

use std::time::Duration;

use js_sys::{Date, Intl, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::{
    texts::{language, texts},
    words,
};

/// A signal that changes every few seconds, for texts that count on.
#[derive(Clone, Copy)]
struct Tick(RwSignal<f64>);

/// Starts the tick for the whole page.
pub(crate) fn provide_tick() {
    let now = RwSignal::new(now());
    provide_context(Tick(now));
    set_interval(move || now.set(self::now()), Duration::from_secs(5));
}

/// The present instant.
pub(crate) fn now() -> f64 {
    Date::now()
}

/// The present instant, read so that the reader runs again every few seconds.
pub(crate) fn ticking() -> f64 {
    let Tick(signal) = expect_context();
    // The tick keeps readers fresh; the clock itself is exact.
    signal.get().max(now())
}

/// The instant that an RFC 3339 text names.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let millis = Date::parse(text);
    (!millis.is_nan()).then_some(millis)
}

/// An instant as RFC 3339 in UTC.
pub(crate) fn print(millis: f64) -> String {
    Date::new(&JsValue::from_f64(millis)).to_iso_string().into()
}

/// How long from one RFC 3339 text to another, in milliseconds.
pub(crate) fn between(from: &str, to: &str) -> Option<f64> {
    Some((parse(to)? - parse(from)?).max(0.0))
}

/// `5 min ago`, or `in 2 h` for the future.
pub(crate) fn relative(millis: f64, now: f64) -> String {
    words::relative(texts(), millis - now)
}

/// Date and time to the second in the language of the page and the zone of the browser.
pub(crate) fn full(millis: f64) -> String {
    format(millis, &[("dateStyle", "medium"), ("timeStyle", "medium")])
}

/// Date and time as the clocks of some zone show them, such as `2026-03-29T03:00:00+02:00`, with or without
/// seconds, and what that zone is ahead of UTC.
pub(crate) fn of_zone(local: &str, seconds: bool) -> Option<(String, String)> {
    let (written, offset) = local.split_at_checked("2026-03-29T03:00:00".len())?;
    let mut options = vec![
        ("weekday", "short"),
        ("year", "numeric"),
        ("month", "short"),
        ("day", "numeric"),
        ("hour", "2-digit"),
        ("minute", "2-digit"),
        ("hourCycle", "h23"),
        ("timeZone", "UTC"),
    ];
    if seconds {
        options.push(("second", "2-digit"));
    }
    let text = format(parse(&format!("{written}Z"))?, &options);
    let offset = if offset == "Z" { "UTC" } else { offset };
    Some((text, offset.to_owned()))
}

/// The time of day with milliseconds.
pub(crate) fn precise(millis: f64) -> String {
    format(
        millis,
        &[
            ("hour", "2-digit"),
            ("minute", "2-digit"),
            ("second", "2-digit"),
            ("fractionalSecondDigits", "3"),
            ("hourCycle", "h23"),
        ],
    )
}

fn format(millis: f64, options: &[(&str, &str)]) -> String {
    let bag = Object::new();
    for (key, value) in options {
        let value = value
            .parse::<f64>()
            .map_or(JsValue::from_str(value), JsValue::from_f64);
        let _ = Reflect::set(&bag, &JsValue::from_str(key), &value);
    }
    let languages = js_sys::Array::of1(&JsValue::from_str(language().code()));
    let format = Intl::DateTimeFormat::new(&languages, &bag);
    let text = format
        .format()
        .call1(&JsValue::NULL, &Date::new(&JsValue::from_f64(millis)));
    text.ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}
