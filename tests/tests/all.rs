//! All tests of this package in one binary, which links once.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is tests, where a panic is the report"
)]

mod answers;
mod browser;
mod calls;
mod check;
mod command_line;
mod crash;
mod crowd;
mod disk;
mod editing;
mod gallery;
mod gone;
mod http_face;
mod limits;
mod mutants;
mod operation;
mod parking;
mod partition;
mod pauses;
mod points;
mod polls;
mod proof;
mod readme;
mod secrets;
mod servers;
mod tidy;
mod triggers;
mod upgrade;
mod ways;
mod webhooks;
