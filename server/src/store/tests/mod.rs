//! The store's conformance suite: every test runs on SQLite in a temporary directory and on PostgreSQL in a database of
//! its own.

mod archive;
mod awaited;
mod bodies;
mod claims;
mod faults;
mod flows;
mod letters;
mod measure;
mod opening;
mod plans;
mod polls;
mod retention;
mod runs;
mod servers;

use std::{future::Future, panic::resume_unwind};

use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxPostgresConnector};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    Cause, Database, Draft, Error, History, NewRun, Run, Settings, Status, Store, Turn, Wish,
};

/// Makes each test of a module into two: `sqlite::name` and `postgresql::name`.
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $crate::store::tests::on_sqlite(super::$name).await;
            })*
        }
        mod postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $crate::store::tests::on_postgresql(super::$name).await;
            })*
        }
    };
}
pub(super) use on_both_databases;

async fn on_sqlite<F>(test: impl FnOnce(Settings) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let dir = TempDir::new().unwrap();
    let settings = Settings::new(Database::Sqlite {
        dir: dir.path().join("data"),
    });
    test(settings).await;
}

async fn on_postgresql<F>(test: impl FnOnce(Settings) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let admin = postgresql_admin().await;
    let name = format!("weir_test_{}", new_id().simple());
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    let settings = Settings::new(Database::Postgresql {
        url: postgresql_url(&name),
    });
    // In a task of its own, so that the database is dropped whatever the test does.
    let result = tokio::spawn(test(settings)).await;
    admin
        .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
    if let Err(error) = result {
        resume_unwind(error.into_panic());
    }
}

/// A connection that may make and drop databases.
async fn postgresql_admin() -> DatabaseConnection {
    let url = postgresql_base();
    SqlxPostgresConnector::connect(sea_orm::ConnectOptions::new(&url))
        .await
        .unwrap_or_else(|error| {
            panic!(
                "these tests need PostgreSQL and cannot reach it: {error}. Start one (Debian: \
                 `service postgresql start`), or set WEIR_TEST_POSTGRES to the URL of a database whose user may \
                 make databases"
            )
        })
}

fn postgresql_base() -> String {
    std::env::var("WEIR_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
}

fn postgresql_url(database: &str) -> String {
    let base = postgresql_base();
    let (base, query) = base.split_once('?').unwrap_or((&base, ""));
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{database}?{query}")
}

const MAIN: &str = "main";

#[expect(clippy::disallowed_methods, reason = "these tests have no world")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}

fn draft(flow: &str, document: &str, at: i64) -> Draft {
    Draft {
        workspace: MAIN.to_owned(),
        flow: flow.to_owned(),
        title: format!("The flow {flow}"),
        document: document.to_owned(),
        at,
    }
}

fn turn(seq: u32, at: i64, status: Status) -> Turn {
    Turn {
        seq,
        at,
        records: format!("[{{\"turn\":{seq}}}]"),
        status,
        wake_at: None,
        failure: (status == Status::Failed).then(|| "{\"class\":\"broken\"}".to_owned()),
        cause: (status == Status::Failed).then(|| {
            Box::new(Cause {
                flow: "orders".to_owned(),
                step: Some("book".to_owned()),
                class: "broken".to_owned(),
            })
        }),
        awaited: Vec::new(),
        history: History::Keep,
        server: None,
        parked_until: None,
    }
}

fn new_run(flow: &str, started_at: i64, status: Status) -> NewRun {
    NewRun {
        workspace: MAIN.to_owned(),
        id: new_id(),
        flow: flow.to_owned(),
        version: 1,
        trigger: "order".to_owned(),
        started_at,
        message: "{\"body\":{\"order_id\":\"Ä1\"}}".to_owned(),
        dedupe: None,
        fire: None,
        origin: None,
        parent: None,
        turn: turn(0, started_at, status),
    }
}

/// Takes at most `limit` runs that nobody has, of each flow the same share.
async fn claim(store: &Store, server: Uuid, now: i64, limit: usize) -> Result<Vec<Run>, Error> {
    let flows = store.free_flows().await?;
    let most = limit / flows.len().max(1);
    let wishes = flows.into_iter().map(|of| Wish::new(of, most, most));
    store.claim(server, now, wishes.collect()).await
}

/// How many rows a statement counts.
async fn count(store: &Store, text: &str) -> i64 {
    let row = store
        .find(text, Vec::new(), |row| row.try_get_by_index::<i64>(0))
        .await;
    row.unwrap().unwrap()
}
