//! Flows can be paused: `flow.paused`. What nobody has is found flow by flow, so that no flow keeps the others waiting.
//!
//! The defaults let a server of the release before go on beside a newer one. It does not know that a flow is paused: what it accepts
//! itself begins at once, and what waits on disk it leaves alone, since that is parked for ever.

pub(crate) const STATEMENTS: &[&str] = &[
    // 0 or 1: SQLite has no other truth. Of a paused flow nothing new begins; what arrives is accepted and waits.
    "ALTER TABLE flow ADD COLUMN paused {int} NOT NULL DEFAULT 0 CHECK (paused IN (0, 1))",
    // By flow, and within it what was left, then what waits for a time, then what waits for its turn.
    "CREATE INDEX run_free ON run (workspace, flow, parked_until, id) WHERE server IS NULL AND ended_at IS NULL",
    // What a server is, for those who look after several of them.
    "ALTER TABLE server ADD COLUMN version {text}",
];
