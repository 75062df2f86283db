//! Any number of servers on one database: who they are, which of them has a run, and what they tell each other.
//!
//! Everything is new or may be absent, so that a server of the release before goes on with what it knows. It does not know
//! that a run has an owner, which is why servers of both releases keep each other away by a lock (see the store's `connect`).

pub(crate) const STATEMENTS: &[&str] = &[
    // A server that is there has the right to write. `seal` names the key of its secrets. Times are those of the database's own
    // clock.
    "CREATE TABLE server (
        id {uuid} NOT NULL PRIMARY KEY,
        name {text} NOT NULL,
        seal {text} NOT NULL,
        started_at {int} NOT NULL,
        expires_at {int} NOT NULL
    ) {keyed}",
    // The server that has the run. Only a run that has not ended is anybody's.
    "ALTER TABLE run ADD COLUMN server {uuid}",
    // Until when a run that nobody has may be left alone. A run that nobody has for another reason is taken up at once.
    "ALTER TABLE run ADD COLUMN parked_until {int}",
    "CREATE INDEX run_by_server ON run (server) WHERE server IS NOT NULL",
    "CREATE INDEX run_left ON run (id) WHERE server IS NULL AND parked_until IS NULL AND ended_at IS NULL",
    "CREATE INDEX run_parked ON run (parked_until) WHERE server IS NULL AND parked_until IS NOT NULL",
    // Nothing but a test has ever read it, and every wait would write it beside `run_parked`.
    "DROP INDEX run_due",
    // What a person wants of a run that another server has.
    "CREATE TABLE run_order (
        workspace {text} NOT NULL,
        run {uuid} NOT NULL,
        id {uuid} NOT NULL,
        undo {int} NOT NULL CHECK (undo IN (0, 1)),
        who {text},
        note {text},
        at {int} NOT NULL,
        PRIMARY KEY (workspace, run, id)
    ) {keyed}",
    // Counts what was written, so that one look tells whether a longer one is worth it.
    "CREATE TABLE counter (
        name {text} NOT NULL PRIMARY KEY,
        count {int} NOT NULL
    ) {keyed}",
    "INSERT INTO counter (name, count) VALUES ('flows', 0)",
];
