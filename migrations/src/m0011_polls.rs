//! Polls: where each one goes on, who makes it, and why it failed. When it is due stands with the schedules.
//!
//! A new table, which a server of the release before does not know and does not need.

pub(crate) const STATEMENTS: &[&str] = &[
    "CREATE TABLE poll (
        workspace {text} NOT NULL,
        flow {text} NOT NULL,
        trigger {text} NOT NULL,
        -- Where the next poll goes on, as JSON, and how often that was changed.
        position {text},
        revision {int} NOT NULL DEFAULT 0,
        moved_at {int},
        polled_at {int},
        -- The last failure, and how many there were in a row.
        failed_at {int},
        failure {text},
        failures {int} NOT NULL DEFAULT 0,
        -- The instant that is being polled, by which server, and until when others leave it to that one.
        due_at {int},
        busy_by {uuid},
        busy_until {int},
        PRIMARY KEY (workspace, flow, trigger)
    ) {keyed}",
];
