//! What stands beside a drawing: what a card is set up to do, and what its step did in a run.

mod attempts;
mod config;
mod policy;
mod run;
mod setup;
mod timeline;

pub(crate) use run::{RunOverview, StepRecord};
pub(crate) use setup::{FlowSetup, Setup, Surroundings};
