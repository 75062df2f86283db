//! All tests of this package in one binary, which links once.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is tests, where a panic is the report"
)]

mod check;
mod command_line;
mod crash;
mod gallery;
mod tidy;
mod triggers;
mod webhooks;
