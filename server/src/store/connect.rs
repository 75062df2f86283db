//! Opens the database: settings, the one writing connection, the reading pool, and the guards against servers that do not fit.

use std::{
    fs::{DirBuilder, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqlxPostgresConnector,
    SqlxSqliteConnector,
    sqlx::{
        ConnectOptions as _,
        postgres::PgSslMode,
        sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{
    error::{self, Error},
    sql::{Cells, statement},
};
use crate::world::Faults;

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the data is.
    pub database: Database,
    /// The most writes in one transaction.
    pub batch: usize,
    /// The most writes that may wait; above it new runs are refused with [`Error::Busy`].
    pub queue: usize,
    /// The most payload that may wait, in bytes; above it new runs are refused with [`Error::Busy`].
    pub queue_bytes: usize,
    /// Values of messages and records whose JSON text is longer, in bytes, are kept once in a workspace, apart from the journals.
    pub large: usize,
    /// The number of reading connections.
    pub readers: u32,
    /// How long a write is tried again while the database is gone or its disk is full.
    pub patience: Duration,
    /// How long a server may be silent before others take over its runs. Only PostgreSQL has others.
    pub lease: Duration,
    /// What people call this server.
    pub name: String,
    /// The name of the key that seals its secrets, which must be that of the other servers.
    pub seal: String,
    /// Where a test wants the process to end.
    pub faults: Faults,
}

impl Settings {
    /// The settings to start with for `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Settings {
            database,
            batch: 512,
            queue: 8192,
            queue_bytes: 64 << 20,
            large: 16 << 10,
            readers: 4,
            patience: Duration::from_secs(15),
            lease: Duration::from_secs(15),
            name: String::new(),
            seal: String::new(),
            faults: Faults::default(),
        }
    }
}

/// Where the data is.
#[derive(Clone)]
pub enum Database {
    /// A file `weir.db` in a directory, which is made if it is absent.
    Sqlite {
        /// The data directory.
        dir: PathBuf,
    },
    /// A PostgreSQL database.
    Postgresql {
        /// `postgres://user:password@host:port/database`
        url: String,
    },
}

/// Without the URL of PostgreSQL, since it may hold a password.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Database::Sqlite { dir } => f.debug_struct("Sqlite").field("dir", dir).finish(),
            Database::Postgresql { .. } => f.debug_struct("Postgresql").finish_non_exhaustive(),
        }
    }
}

/// The kind of database under the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, in the process.
    Sqlite,
    /// PostgreSQL, a server of its own.
    Postgresql,
}

impl Kind {
    /// The word for it in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Sqlite => "sqlite",
            Kind::Postgresql => "postgresql",
        }
    }
}

impl Database {
    /// The kind of database this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Database::Sqlite { .. } => Kind::Sqlite,
            Database::Postgresql { .. } => Kind::Postgresql,
        }
    }

    pub(super) fn backend(&self) -> DbBackend {
        match self {
            Database::Sqlite { .. } => DbBackend::Sqlite,
            Database::Postgresql { .. } => DbBackend::Postgres,
        }
    }
}

/// The one connection that writes.
pub(super) struct Writer {
    pub(super) database: DatabaseConnection,
    /// The most bytes that a statement of several rows should have.
    pub(super) most_bytes: usize,
    /// PostgreSQL's number of the session that shares the lock. A transaction that finds itself in another session must
    /// not commit, since a server that knows no leases may hold the lock by now.
    pub(super) session: Option<i32>,
}

/// Connects the writer. On PostgreSQL this shares the lock that a server without leases has for itself; it is held by the
/// writing session, so whoever can write holds it.
pub(super) async fn writer(settings: &Settings) -> Result<Writer, Error> {
    match &settings.database {
        Database::Sqlite { dir } => {
            let database = sqlite(dir, 1, sqlite_writer)
                .await
                .map_err(|error| unopened(&settings.database, &error))?;
            Ok(Writer {
                database,
                most_bytes: usize::MAX,
                session: None,
            })
        }
        Database::Postgresql { url } => {
            let database = postgresql(url, 1, Part::Writer(settings.lease / 3))
                .await
                .map_err(|error| unopened(&settings.database, &error))?;
            match share(&database).await {
                Ok(Some(Shared { session, encrypted })) => Ok(Writer {
                    database,
                    most_bytes: if encrypted { TLS_RECORD } else { usize::MAX },
                    session: Some(session),
                }),
                refused => {
                    // Nothing is left to do with a connection that did not get the lock.
                    let _ = database.close().await;
                    Err(match refused {
                        Err(error) => unopened(&settings.database, &error),
                        Ok(_) => Error::Locked(
                            "a server of an older Weir works on this PostgreSQL database, and it wants to be alone; \
                             stop it first"
                                .to_owned(),
                        ),
                    })
                }
            }
        }
    }
}

/// Connects the reading pool. The writer must have been connected before.
pub(super) async fn readers(settings: &Settings) -> Result<DatabaseConnection, Error> {
    match &settings.database {
        Database::Sqlite { dir } => sqlite(dir, settings.readers, sqlite_reader).await,
        Database::Postgresql { url } => postgresql(url, settings.readers, Part::Reader).await,
    }
    .map_err(|error| unopened(&settings.database, &error))
}

/// Connects the one that listens to other servers.
pub(super) async fn listener(settings: &Settings) -> Result<DatabaseConnection, Error> {
    let Database::Postgresql { url } = &settings.database else {
        return Err(Error::Database("SQLite has nobody to listen to".to_owned()));
    };
    let connected = postgresql(url, 1, Part::Listener).await;
    connected.map_err(|error| unopened(&settings.database, &error))
}

/// Makes the data directory and takes its lock file. The lock ends with the file handle, so also with a killed process.
pub(super) fn lock(dir: &Path) -> Result<File, Error> {
    let failed = |what: &str, error: &std::io::Error| {
        Error::Database(format!(
            "cannot {what} {}: {error}; check that the data directory is there and may be written",
            dir.display()
        ))
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    // What arrives at the triggers is nobody else's business on this machine.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|error| failed("make the data directory", &error))?;
    let file = File::create(dir.join("weir.lock"))
        .map_err(|error| failed("make the lock file in", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(format!(
            "another server works on the data in {}; stop it, or give this one a data directory of its own",
            dir.display()
        ))),
        Err(TryLockError::Error(error)) => Err(failed("lock the data directory", &error)),
    }
}

fn unopened(database: &Database, error: &DbErr) -> Error {
    let place = match database {
        Database::Sqlite { dir } => format!("the SQLite database in {}", dir.display()),
        Database::Postgresql { .. } => "the PostgreSQL database".to_owned(),
    };
    let reason = error::plain(error);
    match error::trouble(error) {
        error::Trouble::Passing => Error::Unavailable(format!("cannot open {place}: {reason}")),
        _ => Error::Database(format!("cannot open {place}: {reason}")),
    }
}

async fn sqlite(
    dir: &Path,
    connections: u32,
    options: fn(SqliteConnectOptions) -> SqliteConnectOptions,
) -> Result<DatabaseConnection, DbErr> {
    let file = dir.join("weir.db");
    let mut connect = pool(ConnectOptions::new("sqlite::memory:"), connections);
    connect
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |_| {
            // In place of the URL, which would have to escape the path.
            options(
                SqliteConnectOptions::new()
                    .filename(&file)
                    .busy_timeout(Duration::from_secs(5))
                    .statement_cache_capacity(256)
                    .foreign_keys(false)
                    .pragma("temp_store", "MEMORY")
                    .pragma("trusted_schema", "OFF")
                    .disable_statement_logging(),
            )
        });
    SqlxSqliteConnector::connect(connect).await
}

fn sqlite_writer(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // Full means what it says on macOS only with this; it does nothing elsewhere.
        .pragma("fullfsync", "ON")
        .pragma("cache_size", "-65536")
        // A log that keeps its size after a checkpoint is overwritten, which costs less than growing it again.
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
        .optimize_on_close(true, 400)
}

fn sqlite_reader(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.read_only(true).pragma("cache_size", "-16384")
}

/// What a connection to PostgreSQL is for.
#[derive(Clone, Copy)]
enum Part {
    /// Writes, and may be silent for so long within a transaction or wait so long for a lock: far less than a lease, since
    /// others may wait for what it has locked.
    Writer(Duration),
    Reader,
    Listener,
}

async fn postgresql(url: &str, connections: u32, part: Part) -> Result<DatabaseConnection, DbErr> {
    let mut connect = pool(ConnectOptions::new(url), connections);
    connect
        .test_before_acquire_if_idle_for(Duration::from_secs(20))
        .map_sqlx_postgres_opts(move |options| {
            // On the way to itself a machine needs no encryption, unless somebody asks for it.
            let local = matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1");
            let options = match options.get_ssl_mode() {
                PgSslMode::Prefer if local => options.ssl_mode(PgSslMode::Disable),
                _ => options,
            };
            let options = options
                .application_name(match part {
                    Part::Writer(_) => "weir writer",
                    Part::Reader => "weir reader",
                    Part::Listener => "weir listener",
                })
                .statement_cache_capacity(256);
            match part {
                Part::Writer(silence) => {
                    let silence = silence.as_millis().max(1).to_string();
                    options.options([
                        ("idle_in_transaction_session_timeout", silence.as_str()),
                        ("lock_timeout", silence.as_str()),
                        // Each statement of a takeover must see what was committed before it.
                        ("default_transaction_isolation", "read committed"),
                    ])
                }
                Part::Reader => options.options([("default_transaction_read_only", "on")]),
                Part::Listener => options,
            }
        });
    let database = SqlxPostgresConnector::connect(connect).await?;
    if matches!(part, Part::Writer(_)) {
        // Whatever the database's default is: an answer must not leave before the log is on disk.
        database
            .execute_unprepared(
                "SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') = 'off'",
            )
            .await?;
    }
    Ok(database)
}

fn pool(mut options: ConnectOptions, connections: u32) -> ConnectOptions {
    options
        .max_connections(connections.max(1))
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    if connections == 1 {
        // The session of the writer shares the lock: it must not be replaced behind its back.
        options
            .idle_timeout(None::<Duration>)
            .max_lifetime(None::<Duration>);
    }
    options
}

/// What fits into one TLS record with room to spare. sqlx leaves Nagle's algorithm on, so the second record of a
/// statement waits until the first one is acknowledged, which the other side delays by 40 ms.
const TLS_RECORD: usize = 12 << 10;

/// The session that shares the lock.
struct Shared {
    session: i32,
    encrypted: bool,
}

/// Shares the lock of a PostgreSQL database; nothing if somebody has it alone. Servers that know no leases do: those up to
/// the schema `m0003_letters`.
async fn share(database: &DatabaseConnection) -> Result<Option<Shared>, DbErr> {
    // "weir" in ASCII, to be recognised in pg_locks.
    const KEY: i64 = 0x7765_6972;
    // The session of a server that was just killed may take a moment to end.
    const TRIES: u32 = 10;
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let row = database
            .query_one_raw(statement(
                DbBackend::Postgres,
                "SELECT pg_try_advisory_lock_shared(?), pg_backend_pid(), \
                 coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)",
                [KEY.into()],
            ))
            .await?
            .ok_or_else(|| DbErr::RecordNotFound("the answer to a lock request".to_owned()))?;
        let cells = Cells::of(&row);
        if cells.take::<bool>()? {
            return Ok(Some(Shared {
                session: cells.take()?,
                encrypted: cells.take()?,
            }));
        }
    }
    Ok(None)
}
