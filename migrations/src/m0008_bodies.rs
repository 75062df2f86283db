//! Large bodies are kept once in a workspace, apart from the journals that name them.
//!
//! A server of the release before goes on with what it writes itself. It cannot read a journal that names a body, says so,
//! and leaves that run to a newer server (see the store's `bodies`).

pub(crate) const STATEMENTS: &[&str] = &[
    // `hash` is the SHA-256 of `content`, a part of a JSON text, which may name further bodies.
    "CREATE TABLE body (
        workspace {text} NOT NULL,
        hash {bytes} NOT NULL CHECK (length(hash) = 32),
        content {text} NOT NULL,
        PRIMARY KEY (workspace, hash)
    ) {rows}",
    // Which runs need a body. It goes with the last of them.
    "CREATE TABLE body_use (
        workspace {text} NOT NULL,
        run {uuid} NOT NULL,
        hash {bytes} NOT NULL,
        PRIMARY KEY (workspace, run, hash)
    ) {keyed}",
    "CREATE INDEX body_use_by_hash ON body_use (workspace, hash)",
];
