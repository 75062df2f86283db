//! Runs that ended in failure are dead letters until a person deals with them, and a replay remembers its origin.
//!
//! `run.origin` may be absent, so that a server of the release before goes on making runs beside a newer one.

pub(crate) const STATEMENTS: &[&str] = &[
    // The run that this one replays.
    "ALTER TABLE run ADD COLUMN origin {uuid}",
    // One row for each run that ended in failure; runs that succeed never touch it.
    "CREATE TABLE dead_letter (
        workspace {text} NOT NULL,
        run {uuid} NOT NULL,
        flow {text} NOT NULL,
        step {text},
        class {text} NOT NULL,
        died_at {int} NOT NULL,
        state {text} NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
        owner {text},
        note {text},
        settled_at {int},
        settled_by {text},
        replay {uuid},
        PRIMARY KEY (workspace, run)
    ) {keyed}",
    "CREATE INDEX dead_letter_by_time ON dead_letter (workspace, state, died_at, run)",
    "CREATE INDEX dead_letter_by_flow ON dead_letter (workspace, flow, state, died_at, run)",
    // What failed before there were dead letters is one, too.
    "INSERT INTO dead_letter (workspace, run, flow, step, class, died_at) \
     SELECT workspace, id, flow, CAST(failure AS {json}) ->> 'step', \
     COALESCE(CAST(failure AS {json}) ->> 'class', 'broken'), COALESCE(ended_at, started_at) \
     FROM run WHERE status <> 'succeeded' AND status = 'failed'",
];
