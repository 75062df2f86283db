//! The page of Weir: Leptos, rendered in the browser, talking to the server over its public API only.

#![expect(
    unreachable_pub,
    reason = "what the component macro writes beside a component is always pub"
)]

mod api;
mod app;
mod canvas;
mod clock;
mod edit;
mod editor;
mod files;
mod form;
mod inspect;
mod kinds;
mod kit;
mod lab;
mod load;
mod pages;
mod sample;
mod settings;
mod shell;
mod stage;
mod texts;
mod words;

pub use app::start;
pub use lab::start_lab;
