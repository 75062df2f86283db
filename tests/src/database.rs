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
    /// In a PostgreSQL database that somebody else looks after.
    At {
        /// Its URL.
        url: String,
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
        let name = match self {
            Database::Sqlite => return None,
            Database::At { url } => return Some(url.clone()),
            Database::Postgresql { name } => name,
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

impl Database {
    /// Asks PostgreSQL behind the server's back: the rows, with `|` between their cells.
    ///
    /// # Panics
    /// On SQLite, and when it does not answer.
    #[track_caller]
    pub fn ask(&self, question: &str) -> Vec<String> {
        let url = self.url().expect("only PostgreSQL is asked");
        let output = psql(&url, &["--tuples-only", "--no-align"], question);
        output.lines().map(str::to_owned).collect()
    }

    /// The same for one number.
    #[track_caller]
    pub fn count(&self, question: &str) -> u64 {
        self.ask(question)[0].parse().unwrap()
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
    psql(&base(), &[], statement);
}

#[track_caller]
fn psql(url: &str, arguments: &[&str], statement: &str) -> String {
    let output = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--dbname", url])
        .args(arguments)
        .args(["--command", statement])
        .output();
    let output = output.expect("psql is there: run ./setup --tests");
    assert!(
        output.status.success(),
        "{statement}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
