//! A migration, written as one schema text for both databases.
//!
//! The schema is hand-written SQL, since strict tables, rowid-less tables, partial indexes and collations are what
//! the statements of the store rely on. What differs between the databases is a short list of words in braces.

use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager, async_trait,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

/// The words that differ: in the schema text, on SQLite, on PostgreSQL.
///
/// - `text` sorts and compares bytewise on both.
/// - `{rows}` ends a table with large rows, `{keyed}` one with small rows that is only ever reached by its key
///   or an index: SQLite then keeps the rows in the tree of the primary key itself.
const WORDS: &[(&str, &str, &str)] = &[
    ("{text}", "TEXT", "text COLLATE \"C\""),
    ("{int}", "INTEGER", "bigint"),
    ("{uuid}", "BLOB", "uuid"),
    ("{bytes}", "BLOB", "bytea"),
    ("{json}", "TEXT", "json"),
    ("{rows}", "STRICT", ""),
    ("{keyed}", "STRICT, WITHOUT ROWID", ""),
    (
        "{hot}",
        "STRICT, WITHOUT ROWID",
        "WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)",
    ),
];

/// A migration: the name that the database keeps of it, and its statements, which are executed one by one.
pub(crate) struct Migration(pub(crate) &'static str, pub(crate) &'static [&'static str]);

impl MigrationName for Migration {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for statement in self.1 {
            manager
                .get_connection()
                .execute_unprepared(&translate(statement, backend))
                .await?;
        }
        Ok(())
    }

    /// On SQLite too, so that a start that is interrupted leaves no change without its mark, and no half of a schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn translate(statement: &str, backend: DbBackend) -> String {
    WORDS
        .iter()
        .fold(statement.to_owned(), |text, (word, sqlite, postgresql)| {
            let replacement = match backend {
                DbBackend::Sqlite => sqlite,
                _ => postgresql,
            };
            text.replace(word, replacement)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_translated() {
        let all: String = WORDS.iter().map(|(word, _, _)| *word).collect();
        for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
            assert!(!translate(&all, backend).contains(['{', '}']));
        }
    }
}
