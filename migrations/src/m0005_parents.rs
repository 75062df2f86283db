//! A run that a step of another run called remembers that run.
//!
//! `run.parent` may be absent, so that a server of the release before goes on making runs beside a newer one.

pub(crate) const STATEMENTS: &[&str] = &["ALTER TABLE run ADD COLUMN parent {uuid}"];
