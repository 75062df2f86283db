//! What can go wrong in the store, and what the committer should do about it.

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Why the store did not do what it was asked to do. Unless the text of the error says otherwise, nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many writes are waiting already. Nothing was written; try again shortly.
    #[error("the store is busy: too many writes are waiting for the disk; try again shortly")]
    Busy,
    /// The store is shutting down or shut. Nothing was written.
    #[error("the store is closed, because the server is stopping; try again when it runs")]
    Closed,
    /// The database could not be reached or could not write for as long as the store was told to try.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// What was to be made exists already, or what was to be changed is final or has moved on.
    #[error("conflict: {0}")]
    Conflict(String),
    /// A turn ends a wait for an answer because none has come, and one has come meanwhile. Nothing was written.
    #[error("the run was answered meanwhile; it goes on with the answer")]
    Answered,
    /// What was to be changed does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The caller expected another revision than the current one.
    #[error(
        "it was changed by someone else: the current revision is {current}; load it again and repeat the change"
    )]
    Revision {
        /// The revision in the database.
        current: u32,
    },
    /// The database does not take this data: too long, or with a character it cannot hold.
    #[error("the database refuses the data: {0}")]
    Refused(String),
    /// Another server has taken over, since this one did not renew its lease in time. Nothing was written.
    #[error(
        "this server has lost its lease, so others go on with its runs; it registers anew, nothing was written: try again in a moment"
    )]
    Fenced,
    /// Another server works on this database (only from [`Store::open`](super::Store::open)).
    #[error("{0}")]
    Locked(String),
    /// The database failed in another way.
    #[error("the database failed: {0}")]
    Database(String),
}

/// Why a transaction was not committed: the database said no, or the work itself decided so.
pub(super) enum Abort {
    Database(DbErr),
    Refuse(Error),
}

impl From<DbErr> for Abort {
    fn from(error: DbErr) -> Self {
        Abort::Database(error)
    }
}

impl From<Error> for Abort {
    fn from(error: Error) -> Self {
        Abort::Refuse(error)
    }
}

/// What an error of the database means for the work that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The database or its disk is gone or full, or the transaction lost a race: the same work may succeed later.
    Passing,
    /// This data cannot be written, today or later; other data can.
    Data,
    /// The data is there already.
    Duplicate,
    /// Anything else.
    Other,
}

/// Tells what `error` means for the work that met it.
pub(super) fn trouble(error: &DbErr) -> Trouble {
    match error {
        // Whatever keeps a connection from being made, it is not the data.
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Trouble::Passing,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            sqlx_trouble(error)
        }
        _ => Trouble::Other,
    }
}

/// The error as the caller of a single write or of a read sees it.
pub(super) fn seen(error: &DbErr) -> Error {
    let text = plain(error);
    match trouble(error) {
        Trouble::Passing => Error::Unavailable(text),
        Trouble::Data => Error::Refused(text),
        Trouble::Duplicate => Error::Conflict(format!("it exists already ({text})")),
        Trouble::Other => Error::Database(text),
    }
}

/// The message of the database, without the layers between it and the store.
pub(super) fn plain(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => match error.as_database_error() {
            Some(error) => error.message().to_owned(),
            None => error.to_string(),
        },
        _ => error.to_string(),
    }
}

fn sqlx_trouble(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Database(error) => {
            let Some(code) = error.code() else {
                return Trouble::Other;
            };
            if error
                .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                .is_some()
            {
                code.parse().map_or(Trouble::Other, sqlite_trouble)
            } else {
                postgresql_trouble(&code)
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Trouble::Passing,
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => Trouble::Data,
        _ => Trouble::Other,
    }
}

/// SQLite's result codes (<https://sqlite.org/rescode.html>); the low byte is the primary one.
fn sqlite_trouble(code: i32) -> Trouble {
    const CONSTRAINT_PRIMARYKEY: i32 = 1555;
    const CONSTRAINT_UNIQUE: i32 = 2067;
    const CONSTRAINT_ROWID: i32 = 2579;
    match (code, code & 0xff) {
        (CONSTRAINT_PRIMARYKEY | CONSTRAINT_UNIQUE | CONSTRAINT_ROWID, _) => Trouble::Duplicate,
        // BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL
        (_, 5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15) => Trouble::Passing,
        // TOOBIG, CONSTRAINT, MISMATCH
        (_, 18..=20) => Trouble::Data,
        _ => Trouble::Other,
    }
}

/// PostgreSQL's SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>); two characters are the class.
fn postgresql_trouble(code: &str) -> Trouble {
    match (code, code.get(..2).unwrap_or_default()) {
        ("23505", _) => Trouble::Duplicate,
        // A standby that was promoted late, a session that said nothing for too long within a transaction, a lock that was
        // not to be had, a plan that went stale.
        ("25006" | "25P03" | "55P03" | "0A000", _) => Trouble::Passing,
        // Connection, rollback (deadlock, serialization), resources (disk full), operator intervention, system.
        (_, "08" | "40" | "53" | "57" | "58") => Trouble::Passing,
        // Data exceptions, constraints, limits of the program.
        (_, "22" | "23" | "54") => Trouble::Data,
        _ => Trouble::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_sqlite() {
        assert_eq!(sqlite_trouble(13), Trouble::Passing);
        assert_eq!(sqlite_trouble(522), Trouble::Passing); // IOERR_SHORT_READ
        assert_eq!(sqlite_trouble(1555), Trouble::Duplicate);
        assert_eq!(sqlite_trouble(275), Trouble::Data); // CONSTRAINT_CHECK
        assert_eq!(sqlite_trouble(11), Trouble::Other); // CORRUPT
    }

    #[test]
    fn codes_of_postgresql() {
        assert_eq!(postgresql_trouble("57P01"), Trouble::Passing);
        assert_eq!(postgresql_trouble("53100"), Trouble::Passing);
        assert_eq!(postgresql_trouble("40P01"), Trouble::Passing);
        assert_eq!(postgresql_trouble("25P03"), Trouble::Passing);
        assert_eq!(postgresql_trouble("23505"), Trouble::Duplicate);
        assert_eq!(postgresql_trouble("22021"), Trouble::Data);
        assert_eq!(postgresql_trouble("42601"), Trouble::Other);
    }
}
