//! The flow language of Weir: document, checks, scripts and the machine that runs a flow.
//!
//! Pure: no clock, no randomness, no I/O. The same code runs in the server, on the command line
//! and, compiled to wasm, in the browser.

pub mod builtin;
pub mod catalog;
pub mod cron;
pub mod document;
pub mod duration;
pub mod failure;
pub mod problem;
pub mod schedule;
