//! The page of Weir: Leptos, rendered in the browser, talking to the server over its public API only.

#![expect(
    unreachable_pub,
    reason = "what the component macro writes beside a component is always pub"
)]

mod api;
mod app;
#[expect(
    dead_code,
    unused_imports,
    reason = "the editor's page that draws with it comes next"
)]
mod canvas;
mod clock;
#[expect(
    dead_code,
    unused_imports,
    reason = "the views that draw with it come next"
)]
mod edit;
#[expect(
    dead_code,
    unused_imports,
    reason = "the views that draw with it come next"
)]
mod editor;
mod files;
#[expect(
    dead_code,
    unused_imports,
    reason = "the page that shows it comes next"
)]
mod form;
mod inspect;
mod kinds;
mod kit;
#[expect(
    dead_code,
    unused_imports,
    reason = "the lab stands ready before the editor asks it"
)]
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
