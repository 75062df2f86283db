//! The lab: what checks, computes and rehearses while a person draws, in a worker with a wasm of its own.
//!
//! The code of the flow language that compiles and evaluates is too large for the first load of the page and may take
//! its time, so it lives in a second program that the page starts when an editor is opened. [`protocol`] says what the
//! page may ask, [`client`] asks, [`worker`] listens, and [`service`] knows the answers.

mod client;
mod protocol;
mod queue;
mod rehearsal;
mod service;
mod shown;
mod worker;

pub(crate) use client::{LabTrouble, ask, know};
pub(crate) use protocol::*;
pub use worker::start_lab;
