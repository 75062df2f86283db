//! The machine: tables for each rule, and generated flows with crashes and reordered answers against the invariants.

mod checks;
mod generated;
mod tables;
