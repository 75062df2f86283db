//! A database for one test: SQLite in the data directory, or a new one on the PostgreSQL of the tests.

use std::{
    env,
    process::{self, Command},
};

/// Where a server under test keeps its data.
pub enum Database {
    /// In its data directory.
    Sqlite,
    /// In a PostgreSQL database of its own, which is dropped at the end.
    Postgresql {
        /// The name of the database.
        name: String,
    },
}

impl Database {
    /// A new PostgreSQL database, on the server that `WEIR_TEST_POSTGRES` names.
    ///
    /// # Panics
    /// When there is none: these tests run under `tests/with-services`.
    pub fn postgresql(name: &str) -> Database {
        let name = format!("weir_black_box_{name}_{}", process::id());
        administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        administer(&format!("CREATE DATABASE {name}"));
        Database::Postgresql { name }
    }

    /// The URL, where it is PostgreSQL.
    pub fn url(&self) -> Option<String> {
        let Database::Postgresql { name } = self else {
            return None;
        };
        let base = base();
        let (base, query) = base.split_once('?').unwrap_or((&base, ""));
        let (server, _) = base.rsplit_once('/').unwrap();
        Some(if query.is_empty() {
            format!("{server}/{name}")
        } else {
            format!("{server}/{name}?{query}")
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Database::Postgresql { name } = self {
            administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

fn base() -> String {
    env::var("WEIR_TEST_POSTGRES").expect("WEIR_TEST_POSTGRES is not set; run the tests with `make test`, or under tests/with-services")
}

fn administer(statement: &str) {
    let output = Command::new("psql")
        .args([
            "--no-psqlrc",
            "--quiet",
            "--dbname",
            &base(),
            "--command",
            statement,
        ])
        .output();
    let output = output.expect("psql is there: run ./setup --tests");
    assert!(
        output.status.success(),
        "{statement}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
