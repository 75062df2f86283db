//! The first schema: flows and their versions, connections, secrets, runs with their journal, and schedules.
//!
//! The workspace leads every primary key, so that tables can be spread by workspace. Times are milliseconds since
//! 1970-01-01 UTC. There are no foreign keys: runs outlive the flow they ran, and the hot path checks nothing twice.

pub(crate) const STATEMENTS: &[&str] = &[
    // `draft` is the editable document, `published` the number of the version that production runs.
    "CREATE TABLE flow (
        workspace {text} NOT NULL CHECK (length(workspace) BETWEEN 1 AND 63),
        id {text} NOT NULL CHECK (length(id) BETWEEN 1 AND 63),
        title {text} NOT NULL,
        draft {text} NOT NULL,
        revision {int} NOT NULL,
        published {int},
        created_at {int} NOT NULL,
        updated_at {int} NOT NULL,
        PRIMARY KEY (workspace, id)
    ) {rows}",
    "CREATE TABLE version (
        workspace {text} NOT NULL,
        flow {text} NOT NULL,
        number {int} NOT NULL,
        document {text} NOT NULL,
        note {text},
        published_at {int} NOT NULL,
        PRIMARY KEY (workspace, flow, number)
    ) {rows}",
    "CREATE TABLE connection (
        workspace {text} NOT NULL CHECK (length(workspace) BETWEEN 1 AND 63),
        name {text} NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
        document {text} NOT NULL,
        revision {int} NOT NULL,
        updated_at {int} NOT NULL,
        PRIMARY KEY (workspace, name)
    ) {rows}",
    "CREATE TABLE secret (
        workspace {text} NOT NULL CHECK (length(workspace) BETWEEN 1 AND 63),
        name {text} NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
        sealed {bytes} NOT NULL,
        updated_at {int} NOT NULL,
        PRIMARY KEY (workspace, name)
    ) {rows}",
    // A run is one narrow row; what it carried is in its journal. `turns` is the next number in the journal.
    "CREATE TABLE run (
        workspace {text} NOT NULL CHECK (length(workspace) BETWEEN 1 AND 63),
        id {uuid} NOT NULL,
        flow {text} NOT NULL CHECK (length(flow) BETWEEN 1 AND 63),
        version {int} NOT NULL,
        trigger {text} NOT NULL CHECK (length(trigger) BETWEEN 1 AND 63),
        status {text} NOT NULL CHECK (status IN ('running', 'waiting', 'succeeded', 'failed', 'cancelled')),
        started_at {int} NOT NULL,
        ended_at {int},
        wake_at {int},
        turns {int} NOT NULL,
        failure {text},
        PRIMARY KEY (workspace, id)
    ) {hot}",
    "CREATE INDEX run_by_time ON run (workspace, started_at, id)",
    // `status` at the end lets the counts of a flow be read from the index alone.
    "CREATE INDEX run_by_flow ON run (workspace, flow, started_at, id, status)",
    // Most runs succeed; those are found by time. A run that succeeds in its first turn never enters these three.
    "CREATE INDEX run_by_status ON run (workspace, status, started_at, id) WHERE status <> 'succeeded'",
    "CREATE INDEX run_unfinished ON run (workspace, id) WHERE ended_at IS NULL",
    // Led by time, not by workspace: one look finds what is due in all of them.
    "CREATE INDEX run_due ON run (wake_at) WHERE wake_at IS NOT NULL",
    // Appended, never rewritten. The first entry carries the message.
    "CREATE TABLE journal (
        workspace {text} NOT NULL,
        run {uuid} NOT NULL,
        seq {int} NOT NULL,
        at {int} NOT NULL,
        message {text},
        records {text} NOT NULL,
        PRIMARY KEY (workspace, run, seq)
    ) {rows}",
    // `digest` is the SHA-256 of the key: keys come from outside and may be of any length.
    "CREATE TABLE dedupe (
        workspace {text} NOT NULL,
        flow {text} NOT NULL,
        trigger {text} NOT NULL,
        digest {bytes} NOT NULL,
        run {uuid} NOT NULL,
        at {int} NOT NULL,
        PRIMARY KEY (workspace, flow, trigger, digest)
    ) {keyed}",
    "CREATE TABLE schedule (
        workspace {text} NOT NULL,
        flow {text} NOT NULL,
        trigger {text} NOT NULL CHECK (length(trigger) BETWEEN 1 AND 63),
        next_at {int},
        last_at {int},
        PRIMARY KEY (workspace, flow, trigger)
    ) {keyed}",
    "CREATE INDEX schedule_due ON schedule (next_at) WHERE next_at IS NOT NULL",
];
