//! Which schema a database has, whether this Weir may work on it, and how it is brought up to date.
//!
//! Migrations only add, so a server works on a database that a newer one has migrated: it leaves alone what it does not know. It must
//! not where one of the migrations that it does not know says so by its name (see [`weir_migrations::breaks`]).

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use weir_migrations::{Migrator, MigratorTrait, breaks, number};

use super::{
    connect::Writer,
    error::{self, Error},
    sql::{Cells, statement},
};

/// The migrations that a database has seen.
pub(super) struct Schema {
    applied: Vec<String>,
}

/// The number of the last migration that this Weir knows.
pub(super) fn newest() -> usize {
    let known = Migrator::migrations();
    known.last().map_or(0, |last| number(last.name()))
}

impl Schema {
    /// That of a database. One to which nothing was done yet has none.
    pub(super) async fn of(database: &DatabaseConnection) -> Result<Schema, DbErr> {
        let backend = database.get_database_backend();
        let table = match backend {
            DbBackend::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations'",
            _ => "SELECT 1 WHERE to_regclass('seaql_migrations') IS NOT NULL",
        };
        let ask = |text: &str| Statement::from_string(backend, text);
        let mut applied = Vec::new();
        if database.query_one_raw(ask(table)).await?.is_some() {
            let names = "SELECT CAST(version AS text) FROM seaql_migrations ORDER BY 1";
            for row in database.query_all_raw(ask(names)).await? {
                applied.push(Cells::of(&row).take()?);
            }
        }
        Ok(Schema { applied })
    }

    /// The number of its last migration.
    pub(super) fn number(&self) -> usize {
        let numbers = self.applied.iter().map(|name| number(name));
        numbers.max().unwrap_or(0)
    }

    /// How many migrations it lacks up to the one of this number.
    pub(super) fn lacks(&self, up_to: usize) -> u32 {
        let known = Migrator::migrations();
        let lacking = known.iter().filter(|known| {
            number(known.name()) <= up_to && !self.applied.iter().any(|name| name == known.name())
        });
        u32::try_from(lacking.count()).unwrap_or(u32::MAX)
    }

    /// The migrations that this Weir does not know.
    pub(super) fn unknown(&self) -> Vec<&str> {
        let known = Migrator::migrations();
        let is_known = |name: &str| known.iter().any(|known| known.name() == name);
        let names = self.applied.iter().map(String::as_str);
        names.filter(|name| !is_known(name)).collect()
    }
}

/// Brings the schema up to date, while no other server does.
pub(super) async fn migrate(writer: &Writer) -> Result<(), Error> {
    // "weir" and a 1, to be recognised in pg_locks.
    const KEY: i64 = 0x0001_7765_6972;
    let failed = |error: DbErr| {
        Error::Database(format!(
            "the schema could not be brought up to date: {}; run the Weir that used this database last, or restore a backup",
            error::plain(&error)
        ))
    };
    let lock = |text: &str| statement(DbBackend::Postgres, text, [KEY.into()]);
    if writer.session.is_none() {
        return up(&writer.database).await.map_err(failed)?;
    }
    let try_lock = "SELECT pg_try_advisory_lock(?)";
    loop {
        let answer = writer.database.query_one_raw(lock(try_lock)).await;
        let row = answer.map_err(failed)?;
        let got = row.map(|row| Cells::of(&row).take::<bool>()).transpose();
        if got.map_err(failed)? != Some(false) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let migrated = up(&writer.database).await;
    let unlock = "SELECT pg_advisory_unlock(?)";
    let unlocked = writer.database.query_one_raw(lock(unlock)).await;
    let done = migrated.map_err(failed)?;
    unlocked.map_err(failed)?;
    done
}

/// Makes the migrations that are missing, or says why this Weir must leave the database alone.
async fn up(database: &DatabaseConnection) -> Result<Result<(), Error>, DbErr> {
    let schema = Schema::of(database).await?;
    let unknown = schema.unknown();
    if unknown.is_empty() {
        Migrator::up(database, None).await?;
        return Ok(Ok(()));
    }
    let refused = |why: &str| {
        Ok(Err(Error::Database(format!(
            "this database was used by a newer Weir ({}), {why}; run that one, or restore a backup of before",
            unknown.join(", ")
        ))))
    };
    if unknown.iter().any(|name| breaks(name)) {
        return refused("and an older one must not work on it");
    }
    if schema.lacks(newest()) > 0 {
        return refused("which does not know everything that this one needs");
    }
    tracing::info!(
        schema = unknown.join(", "),
        "the database was used by a newer Weir; this one goes on with what it knows"
    );
    Ok(Ok(()))
}
