//! The flow language of Weir: document, checks, scripts and the machine that runs a flow.
//!
//! Pure: no clock, no randomness, no I/O. The same code runs in the server, on the command line
//! and, compiled to wasm, in the browser.

pub mod advance;
pub mod builtin;
pub mod callback;
pub mod catalog;
pub mod check;
pub mod compute;
pub mod cron;
pub mod document;
pub mod duration;
pub mod failure;
pub mod intake;
pub mod json;
pub mod plan;
pub mod poll;
pub mod port;
pub mod problem;
pub mod record;
pub mod rehearsal;
pub mod replay;
pub mod route;
pub mod run;
pub mod schedule;
pub mod schema;
pub mod script;
pub mod settings;
pub mod shape;
pub mod template;
pub mod testing;
