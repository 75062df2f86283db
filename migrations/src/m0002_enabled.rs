//! Flows can be switched off: `flow.enabled`.
//!
//! The default lets a server of the release before go on making flows beside a newer one.

pub(crate) const STATEMENTS: &[&str] = &[
    // 0 or 1: SQLite has no other truth. The schedules of a flow that is off have no next instant.
    "ALTER TABLE flow ADD COLUMN enabled {int} NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1))",
];
