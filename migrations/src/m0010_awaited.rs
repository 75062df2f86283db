//! What runs wait for and who has answered: the callbacks and approvals of `wait` steps.
//!
//! The table is new, and a server of the release before has no flow that waits so.

pub(crate) const STATEMENTS: &[&str] = &[
    // One row for each wait for an answer, from the turn that begins it or the answer that comes before that. `place` is the step
    // and the items around it. An answer that no turn has taken over yet stands in `answer`; `digest` tells it from another one.
    "CREATE TABLE awaited (
        workspace {text} NOT NULL,
        run {uuid} NOT NULL,
        place {text} NOT NULL,
        flow {text} NOT NULL,
        kind {text} NOT NULL CHECK (kind IN ('callback', 'approval')),
        title {text},
        shown {text},
        since {int} NOT NULL,
        until {int},
        state {text} NOT NULL CHECK (state IN ('open', 'answered', 'used', 'closed')),
        answer {text},
        digest {bytes},
        answered_at {int},
        PRIMARY KEY (workspace, run, place)
    ) {rows}",
    "CREATE INDEX awaited_by_time ON awaited (workspace, kind, state, since, run, place)",
    "CREATE INDEX awaited_answered ON awaited (workspace, run) WHERE state = 'answered'",
];
