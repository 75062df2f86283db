//! Backups: all tables in one file, as they stood at one moment, written beside a running server and read into an empty database.
//!
//! The file is gzip over lines of JSON: a head, for each table its name and columns and then its rows, and at the end how
//! many rows there were, so that a file that was cut off is noticed. It is the same for both databases.

pub(super) mod tables;

use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, Statement, TransactionTrait, Value,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;
use weir_migrations::{Migrator, MigratorTrait};

use self::tables::{Column, TABLES, Table};
use super::{
    Database, Settings, connect,
    error::{self, Error},
    schema::{self, Schema},
    sql::{Cells, numbered},
};

/// How many rows are read or written at once.
const ROWS: usize = 100;

/// How many rows of each table a backup has.
pub type Counts = BTreeMap<String, u64>;

/// The first line of a backup.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// What this file is.
    weir: String,
    /// The number of the last migration of its schema.
    migrations: usize,
    /// When it was written, in milliseconds of the Unix epoch.
    at: i64,
}

/// The migration since when servers leave a row in the database.
const SERVERS_SINCE: usize = 4;

const FORMAT: &str = "backup@1";

/// A line between the rows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    /// The rows of a table follow.
    Table {
        /// Its name.
        name: String,
        /// Its columns.
        columns: Vec<String>,
    },
    /// There are no more.
    End(Counts),
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
    /// The file cannot be read or written.
    #[error("the backup cannot be read or written: {0}")]
    File(#[from] std::io::Error),
    /// The file is not a whole backup of this version or an older one.
    #[error("this is not a backup that can be restored: {0}")]
    Form(String),
    /// The database is not empty.
    #[error("{0}")]
    NotEmpty(String),
    /// The database has what this Weir does not know, so a backup by it would not be whole.
    #[error(
        "the database was used by a newer Weir ({0}), which alone knows all that belongs into a backup; use the `weir` of that one"
    )]
    Newer(String),
}

impl From<DbErr> for ArchiveError {
    fn from(error: DbErr) -> Self {
        ArchiveError::Store(error::seen(&error))
    }
}

impl From<serde_json::Error> for ArchiveError {
    fn from(error: serde_json::Error) -> Self {
        ArchiveError::Form(error.to_string())
    }
}

/// Writes all that the database has to `out`, as it stands at one moment. A server may go on working on it.
///
/// # Errors
/// The database cannot be read, or the file cannot be written.
pub async fn back_up(
    settings: &Settings,
    at: i64,
    out: impl Write + Send,
) -> Result<Counts, ArchiveError> {
    let database = connect::readers(settings).await?;
    let result = copy_out(&database, at, out).await;
    let _ = database.close().await;
    result
}

async fn copy_out(
    database: &DatabaseConnection,
    at: i64,
    mut out: impl Write + Send,
) -> Result<Counts, ArchiveError> {
    let schema = Schema::of(database).await?;
    if let Some(newer) = schema.unknown().first() {
        return Err(ArchiveError::Newer((*newer).to_owned()));
    }
    let migrations = schema.number();
    // One picture of everything: what is written meanwhile is not seen.
    let snapshot = match database.get_database_backend() {
        DbBackend::Sqlite => database.begin().await?,
        _ => {
            let level = Some(IsolationLevel::RepeatableRead);
            database
                .begin_with_config(level, Some(AccessMode::ReadOnly))
                .await?
        }
    };
    let head = Head {
        weir: FORMAT.to_owned(),
        migrations,
        at,
    };
    line(&mut out, &head)?;
    let mut counts = Counts::new();
    for table in TABLES.iter().filter(|table| table.since <= migrations) {
        let columns: Vec<&(&str, Column, usize)> = table.columns(migrations).collect();
        line(
            &mut out,
            &Mark::Table {
                name: table.name.to_owned(),
                columns: columns
                    .iter()
                    .map(|(name, ..)| (*name).to_owned())
                    .collect(),
            },
        )?;
        let mut count = 0;
        let mut last: Option<Vec<Value>> = None;
        loop {
            let page = page(&snapshot, table, &columns, last.take()).await?;
            for row in &page {
                let cells = Cells::of(row);
                let values = columns.iter().map(|(_, column, _)| column.read(&cells));
                line(&mut out, &values.collect::<Result<Vec<Json>, DbErr>>()?)?;
            }
            count += page.len() as u64;
            match page.last() {
                Some(row) if page.len() == ROWS => {
                    let cells = Cells::of(row);
                    let key = columns.iter().take(table.key);
                    let key = key.map(|(_, column, _)| column.raw(&cells));
                    last = Some(key.collect::<Result<_, DbErr>>()?);
                }
                _ => break,
            }
        }
        counts.insert(table.name.to_owned(), count);
    }
    line(&mut out, &Mark::End(counts.clone()))?;
    out.flush()?;
    Ok(counts)
}

/// The next rows of a table, in the order of its key.
async fn page(
    snapshot: &DatabaseTransaction,
    table: &Table,
    columns: &[&(&str, Column, usize)],
    after: Option<Vec<Value>>,
) -> Result<Vec<QueryResult>, DbErr> {
    let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
    let key = names[..table.key].join(", ");
    let beyond = match &after {
        None => String::new(),
        Some(values) => format!("WHERE ({key}) > ({})", vec!["?"; values.len()].join(", ")),
    };
    let text = format!(
        "SELECT {} FROM {} {beyond} ORDER BY {key} LIMIT {ROWS}",
        names.join(", "),
        table.name
    );
    let backend = snapshot.get_database_backend();
    let values = after.unwrap_or_default();
    let statement = Statement::from_sql_and_values(backend, numbered(backend, &text), values);
    snapshot.query_all_raw(statement).await
}

fn line(out: &mut impl Write, value: &impl Serialize) -> Result<(), ArchiveError> {
    serde_json::to_writer(&mut *out, value)?;
    Ok(out.write_all(b"\n")?)
}

/// Reads a backup into an empty database: all of it, or nothing.
///
/// # Errors
/// `NotEmpty` where the database has data, `Form` where the file is not a whole backup.
pub async fn restore(settings: &Settings, file: impl BufRead) -> Result<Counts, ArchiveError> {
    let mut lines = file.lines();
    let mut next = || match lines.next() {
        Some(line) => Ok(line?),
        None => Err(ArchiveError::Form("it was cut off".to_owned())),
    };
    let unknown = |_| {
        ArchiveError::Form(
            "its first line is not that of a Weir backup; give the file that `weir backup` wrote"
                .to_owned(),
        )
    };
    let head: Head = serde_json::from_str(&next()?).map_err(unknown)?;
    if head.weir != FORMAT || head.migrations > schema::newest() {
        return Err(ArchiveError::Form(
            "it was written by a newer Weir; restore it with that version".to_owned(),
        ));
    }
    let _lock = match &settings.database {
        Database::Sqlite { dir } => Some(connect::lock(dir)?),
        Database::Postgresql { .. } => None,
    };
    let writer = connect::writer(settings).await?;
    let result = copy_in(&writer.database, &head, next).await;
    let _ = writer.database.close().await;
    result
}

async fn copy_in(
    database: &DatabaseConnection,
    head: &Head,
    mut next: impl FnMut() -> Result<String, ArchiveError>,
) -> Result<Counts, ArchiveError> {
    let not_empty = || {
        ArchiveError::NotEmpty(
            "the database has data already, or a server works on it; restore into an empty one: another data directory, or another PostgreSQL database"
                .to_owned(),
        )
    };
    // First the schema that the backup was made of; what has changed since then is done with the data there.
    let schema = Schema::of(database).await?;
    let applied = schema.number();
    if applied > head.migrations {
        return Err(not_empty());
    }
    Migrator::up(database, Some(schema.lacks(head.migrations))).await?;
    let tx = database.begin().await?;
    let servers = (applied >= SERVERS_SINCE).then_some("server");
    let data = TABLES.iter().filter(|table| table.since <= head.migrations);
    for table in data.map(|table| table.name).chain(servers) {
        let any = format!("SELECT 1 FROM {table} LIMIT 1");
        let any = Statement::from_string(tx.get_database_backend(), any);
        if tx.query_one_raw(any).await?.is_some() {
            return Err(not_empty());
        }
    }
    let mut counts = Counts::new();
    let mut target: Option<Target> = None;
    let mut rows: Vec<Vec<Json>> = Vec::new();
    let told = loop {
        let text = next()?;
        if text.starts_with('[') {
            rows.push(serde_json::from_str(&text)?);
            if rows.len() < ROWS {
                continue;
            }
        }
        if let Some((table, columns)) = &target {
            *counts.entry(table.name.to_owned()).or_default() += rows.len() as u64;
            insert(&tx, table, columns, std::mem::take(&mut rows)).await?;
        }
        if text.starts_with('[') {
            continue;
        }
        match serde_json::from_str::<Mark>(&text)? {
            Mark::Table { name, columns } => {
                counts.insert(name.clone(), 0);
                target = Some(known_columns(&name, &columns)?);
            }
            Mark::End(told) => break told,
        }
    };
    let whole = |table: &&Table| table.since > head.migrations || counts.contains_key(table.name);
    if let Some(table) = TABLES.iter().find(|table| !whole(table)) {
        return Err(ArchiveError::Form(format!(
            "its database had a table `{}`, and it has none: an older Weir has written it; if that database is still there, back \
             it up with the newer one",
            table.name
        )));
    }
    if told != counts {
        return Err(ArchiveError::Form(format!(
            "it should have the rows {told:?} and has {counts:?}"
        )));
    }
    tx.commit().await?;
    Migrator::up(database, None).await?;
    Ok(counts)
}

/// A table, and those of its columns that a backup has, in the order of the backup.
type Target = (&'static Table, Vec<(&'static str, Column)>);

/// The table of a name, and what is known of its columns.
fn known_columns(name: &str, columns: &[String]) -> Result<Target, ArchiveError> {
    let table = TABLES.iter().find(|table| table.name == name);
    let table =
        table.ok_or_else(|| ArchiveError::Form(format!("it has an unknown table `{name}`")))?;
    let columns = columns.iter().map(|name| {
        let known = table.columns.iter().find(|(known, ..)| known == name);
        known
            .map(|(name, column, _)| (*name, *column))
            .ok_or_else(|| {
                ArchiveError::Form(format!(
                    "its table `{}` has an unknown column `{name}`",
                    table.name
                ))
            })
    });
    Ok((table, columns.collect::<Result<_, _>>()?))
}

async fn insert(
    tx: &DatabaseTransaction,
    table: &Table,
    columns: &[(&str, Column)],
    rows: Vec<Vec<Json>>,
) -> Result<(), ArchiveError> {
    if rows.is_empty() {
        return Ok(());
    }
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let text = format!(
        "INSERT INTO {} ({}) VALUES {}",
        table.name,
        names.join(", "),
        vec![row; rows.len()].join(",")
    );
    let mut values = Vec::with_capacity(rows.len() * columns.len());
    for row in rows {
        if row.len() != columns.len() {
            return Err(ArchiveError::Form(format!(
                "a row of its table `{}` has {} values in place of {}",
                table.name,
                row.len(),
                columns.len()
            )));
        }
        for ((name, column), value) in columns.iter().zip(row) {
            let value = column.write(value);
            values.push(value.ok_or_else(|| {
                ArchiveError::Form(format!(
                    "the column `{name}` of its table `{}` has a value of another kind",
                    table.name
                ))
            })?);
        }
    }
    let backend = tx.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, numbered(backend, &text), values);
    tx.execute_raw(statement).await?;
    Ok(())
}

impl Table {
    /// Its columns in a schema of so many migrations.
    fn columns(&self, migrations: usize) -> impl Iterator<Item = &(&'static str, Column, usize)> {
        self.columns
            .iter()
            .filter(move |(_, _, since)| *since <= migrations)
    }
}

impl Column {
    /// The next cell as the file has it.
    fn read(self, cells: &Cells<'_>) -> Result<Json, DbErr> {
        Ok(match self {
            Column::Text => cells.take::<Option<String>>()?.into(),
            Column::Number => cells.take::<Option<i64>>()?.into(),
            Column::Id => {
                let id = cells.take::<Option<Uuid>>()?;
                id.map(|id| id.to_string()).into()
            }
            Column::Bytes => {
                let bytes = cells.take::<Option<Vec<u8>>>()?;
                bytes.map(|bytes| BASE64_STANDARD.encode(bytes)).into()
            }
        })
    }

    /// The next cell as the database has it.
    fn raw(self, cells: &Cells<'_>) -> Result<Value, DbErr> {
        Ok(match self {
            Column::Text => cells.take::<Option<String>>()?.into(),
            Column::Number => cells.take::<Option<i64>>()?.into(),
            Column::Id => cells.take::<Option<Uuid>>()?.into(),
            Column::Bytes => cells.take::<Option<Vec<u8>>>()?.into(),
        })
    }

    /// A value of the file as the database takes it; `None` where it is of another kind.
    fn write(self, value: Json) -> Option<Value> {
        Some(match (self, value) {
            (Column::Text, Json::Null) => None::<String>.into(),
            (Column::Number, Json::Null) => None::<i64>.into(),
            (Column::Id, Json::Null) => None::<Uuid>.into(),
            (Column::Bytes, Json::Null) => None::<Vec<u8>>.into(),
            (Column::Text, Json::String(text)) => text.into(),
            (Column::Number, Json::Number(number)) => number.as_i64()?.into(),
            (Column::Id, Json::String(text)) => text.parse::<Uuid>().ok()?.into(),
            (Column::Bytes, Json::String(text)) => BASE64_STANDARD.decode(text).ok()?.into(),
            _ => return None,
        })
    }
}
