//! Databases that go away: PostgreSQL sessions ended under load, and a file that cannot grow.

use std::time::Duration;

use futures::future::join_all;
use sea_orm::ConnectionTrait;

use super::{MAIN, count, new_run, on_postgresql, on_sqlite, postgresql_admin, turn};
use crate::store::{Accepted, Database, Error, Settings, Status, Store};

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_sessions_end_and_nothing_is_lost_or_doubled() {
    on_postgresql(sessions_end).await;
}

async fn sessions_end(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let Database::Postgresql { url } = &settings.database else {
        panic!("this is a test of PostgreSQL");
    };
    let name = url
        .rsplit('/')
        .next()
        .unwrap()
        .trim_end_matches('?')
        .to_owned();
    let admin = postgresql_admin().await;
    let clients = (0..32).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut ended = Vec::new();
            for _ in 0..30 {
                let run = new_run("orders", 1, Status::Running);
                let id = run.id;
                assert_eq!(store.accept(run).await, Ok(Accepted::New));
                assert_eq!(
                    store.commit(MAIN, id, turn(1, 2, Status::Succeeded)).await,
                    Ok(())
                );
                assert!(store.run(MAIN, id).await.unwrap().is_some());
                ended.push(id);
            }
            ended
        })
    });
    let clients: Vec<_> = clients.collect();
    let mut cut = 0;
    while clients.iter().any(|client| !client.is_finished()) {
        let writers = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{name}' AND application_name LIKE 'weir%'"
        );
        admin.execute_unprepared(&writers).await.unwrap();
        cut += 1;
        // The writer comes back between two cuts, for at least one transaction.
        let before = store
            .shared
            .healthy
            .load(std::sync::atomic::Ordering::Relaxed);
        let run = new_run("between", 1, Status::Succeeded);
        assert_eq!(store.accept(run).await, Ok(Accepted::New), "{before}");
    }
    let ended: usize = join_all(clients)
        .await
        .into_iter()
        .map(|client| client.unwrap().len())
        .sum();
    assert!(cut > 1, "{cut}");
    assert_eq!(ended, 32 * 30);
    assert_eq!(
        count(&store, "SELECT count(*) FROM run WHERE flow = 'orders'").await,
        32 * 30
    );
    assert_eq!(
        count(&store, "SELECT count(*) FROM run WHERE flow = 'between'").await,
        cut
    );
    let entries = count(&store, "SELECT count(*) FROM journal").await;
    assert_eq!(entries, 2 * 32 * 30 + cut);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_gone_for_good_is_told_in_time() {
    on_postgresql(gone_for_good).await;
}

async fn gone_for_good(mut settings: Settings) {
    settings.patience = Duration::from_millis(300);
    let store = Store::open(&settings).await.unwrap();
    let Database::Postgresql { url } = &settings.database else {
        panic!("this is a test of PostgreSQL");
    };
    let name = url
        .rsplit('/')
        .next()
        .unwrap()
        .trim_end_matches('?')
        .to_owned();
    let admin = postgresql_admin().await;
    let allow = |allowed: bool| format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
    admin.execute_unprepared(&allow(false)).await.unwrap();
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    admin.execute_unprepared(&end).await.unwrap();
    let run = new_run("orders", 1, Status::Running);
    let outcomes =
        join_all((0..20).map(|_| store.accept(new_run("orders", 1, Status::Running)))).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(Error::Unavailable(_)))),
        "{outcomes:?}"
    );
    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
    admin.execute_unprepared(&allow(true)).await.unwrap();
    assert_eq!(store.accept(run).await, Ok(Accepted::New));
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(count(&store, "SELECT count(*) FROM run").await, 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_gives_the_disk_back_only_if_asked() {
    on_sqlite(incremental_vacuum).await;
}

async fn incremental_vacuum(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let read = |pragma: &'static str| {
        let store = store.clone();
        async move {
            let value = store
                .find(pragma, Vec::new(), |row| row.try_get_by_index::<i64>(0))
                .await;
            value.unwrap().unwrap()
        }
    };
    assert_eq!(read("PRAGMA auto_vacuum").await, 2);
    let mode = store
        .find("PRAGMA journal_mode", Vec::new(), |row| {
            row.try_get_by_index::<String>(0)
        })
        .await;
    assert_eq!(mode, Ok(Some("wal".to_owned())));
    store.close().await;
    let writer = crate::store::connect::writer(&settings).await.unwrap();
    let row = writer
        .database
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Sqlite,
            "PRAGMA synchronous",
        ))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 2);
    writer.database.close().await.unwrap();
}
