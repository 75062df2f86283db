//! The machine: tables for each rule, and generated flows with crashes and reordered answers against the invariants.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod bodies;
mod calls;
mod cancels;
mod checks;
mod each;
mod generated;
mod kinds;
mod limits;
mod loops;
mod replays;
mod scripts;
mod tables;
mod waits;
