//! Databases that go away: PostgreSQL sessions ended under load, and a file that cannot grow.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use sea_orm::ConnectionTrait;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{MAIN, count, new_id, new_run, on_postgresql, on_sqlite, postgresql_admin, turn};
use crate::store::{
    Accepted, Database, Error, Lease, NewRun, Settings, Status, Store, Turn, connect,
};

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_sessions_end_and_nothing_is_lost_or_doubled() {
    on_postgresql(sessions_end).await;
}

async fn sessions_end(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let Database::Postgresql { url } = &settings.database else {
        panic!("this is a test of PostgreSQL");
    };
    let name = database_name(url);
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
        // The readers too at times, but not so often that no read comes through.
        let whose = if cut % 8 == 0 { "weir%" } else { "weir writer" };
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{name}' AND application_name LIKE '{whose}'"
        );
        admin.execute_unprepared(&end).await.unwrap();
        cut += 1;
        // The writer comes back between two cuts, for at least one transaction.
        let run = new_run("between", 1, Status::Succeeded);
        assert_eq!(store.accept(run).await, Ok(Accepted::New));
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
async fn postgresql_commits_whose_answer_is_lost_count_once() {
    on_postgresql(answers_lost).await;
}

async fn answers_lost(settings: Settings) {
    let Database::Postgresql { url } = &settings.database else {
        panic!("this is a test of PostgreSQL");
    };
    let wire = Wire::to(url).await;
    let through = Settings::new(Database::Postgresql {
        url: wire.url.clone(),
    });
    let store = Store::open(&through).await.unwrap();
    wire.cutting.store(true, Ordering::Relaxed);
    for number in 0..12 {
        let runs: Vec<_> = (0..8)
            .map(|_| new_run("orders", number, Status::Running))
            .collect();
        let accepts = join_all(runs.iter().map(|run| store.accept(run.clone()))).await;
        let commits = join_all(
            runs.iter()
                .map(|run| store.commit(MAIN, run.id, turn(1, 2, Status::Succeeded))),
        )
        .await;
        assert!(
            accepts.iter().all(|outcome| *outcome == Ok(Accepted::New)),
            "{accepts:?}"
        );
        assert!(commits.iter().all(Result::is_ok), "{commits:?}");
    }
    wire.cutting.store(false, Ordering::Relaxed);
    assert!(wire.lost_answers.load(Ordering::Relaxed) > 3);
    assert!(wire.lost_commits.load(Ordering::Relaxed) > 3);
    assert_eq!(count(&store, "SELECT count(*) FROM run").await, 12 * 8);
    assert_eq!(
        count(&store, "SELECT count(*) FROM journal").await,
        2 * 12 * 8
    );
    store.close().await;
}

/// The name of the database at the end of a URL.
fn database_name(url: &str) -> String {
    let (url, _) = url.split_once('?').unwrap_or((url, ""));
    url.rsplit('/').next().unwrap().to_owned()
}

/// A wire to PostgreSQL that breaks: at every fourth commit before it arrives, at every fourth after it was done.
struct Wire {
    url: String,
    cutting: Arc<AtomicBool>,
    lost_answers: Arc<AtomicUsize>,
    lost_commits: Arc<AtomicUsize>,
}

impl Wire {
    async fn to(url: &str) -> Wire {
        let (user, place) = url.split_once('@').unwrap();
        let (server, database) = place.split_once('/').unwrap();
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Wire {
            // In plain sight, so that commits can be seen on it.
            url: format!(
                "{user}@{}/{}?sslmode=disable",
                listener.local_addr().unwrap(),
                database_name(database)
            ),
            cutting: Arc::default(),
            lost_answers: Arc::default(),
            lost_commits: Arc::default(),
        };
        let cutting = Arc::clone(&wire.cutting);
        let lost = (
            Arc::clone(&wire.lost_commits),
            Arc::clone(&wire.lost_answers),
        );
        tokio::spawn(async move {
            let commits = Arc::new(AtomicUsize::new(0));
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(
                    client,
                    server,
                    Arc::clone(&cutting),
                    Arc::clone(&commits),
                    lost.clone(),
                ));
            }
        });
        wire
    }
}

/// Carries bytes both ways until one side closes or the wire breaks.
async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    cutting: Arc<AtomicBool>,
    commits: Arc<AtomicUsize>,
    lost: (Arc<AtomicUsize>, Arc<AtomicUsize>),
) {
    let (mut question, mut answer) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        tokio::select! {
            read = client.read(&mut question) => {
                let Ok(length @ 1..) = read else { return };
                let sent = &question[..length];
                let commit = sent.windows(7).any(|window| window == b"COMMIT\0");
                let number = if commit && cutting.load(Ordering::Relaxed) {
                    commits.fetch_add(1, Ordering::Relaxed)
                } else {
                    0
                };
                if number % 4 == 1 {
                    lost.0.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                if server.write_all(sent).await.is_err() {
                    return;
                }
                if number % 4 == 3 {
                    // Its answer says that it is done.
                    let _ = server.read(&mut answer).await;
                    lost.1.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
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
    let name = database_name(url);
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
async fn postgresql_lease_lost_while_the_database_was_gone_is_missed() {
    on_postgresql(lost_while_gone).await;
}

/// Another server takes over while the database is gone for this one, which has a write in its hands.
async fn lost_while_gone(mut settings: Settings) {
    settings.lease = Duration::from_secs(3);
    let store = Store::open(&settings).await.unwrap();
    let server = store.register(new_id()).await.unwrap();
    let Database::Postgresql { url } = &settings.database else {
        panic!("this is a test of PostgreSQL");
    };
    let name = database_name(url);
    let admin = postgresql_admin().await;
    let allow = |allowed: bool| format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
    let other = connect::writer(&settings).await.unwrap();
    admin.execute_unprepared(&allow(false)).await.unwrap();
    let taken = format!("DELETE FROM server WHERE id = '{server}'");
    other.database.execute_unprepared(&taken).await.unwrap();
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    admin.execute_unprepared(&end).await.unwrap();
    let run = NewRun {
        turn: Turn {
            server: Some(server),
            ..turn(0, 1, Status::Running)
        },
        ..new_run("orders", 1, Status::Running)
    };
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.accept(run).await }
    });
    // By then the next try comes after a renewal, which finds that the row is gone.
    tokio::time::sleep(settings.lease).await;
    assert!(!writing.is_finished());
    admin.execute_unprepared(&allow(true)).await.unwrap();
    assert_eq!(writing.await.unwrap(), Err(Error::Fenced));
    assert_eq!(*store.lease().borrow(), Lease::Lost);
    assert_eq!(count(&store, "SELECT count(*) FROM run").await, 0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_on_a_full_disk_waits_for_room() {
    on_sqlite(full_disk).await;
}

/// A file that may not grow stands for a full disk; connected anew it may, as if somebody had made room.
async fn full_disk(settings: Settings) {
    Store::open(&settings).await.unwrap().close().await;
    for (patience, recovers) in [(Duration::from_secs(15), true), (Duration::ZERO, false)] {
        let mut settings = settings.clone();
        settings.patience = patience;
        let writer = connect::writer(&settings).await.unwrap();
        writer
            .database
            .execute_unprepared("PRAGMA max_page_count = 1")
            .await
            .unwrap();
        let store = Store::start(&settings, writer, None).await.unwrap();
        let mut runs: Vec<_> = (0..20)
            .map(|number| new_run("orders", number, Status::Running))
            .collect();
        for run in &mut runs {
            run.message = format!("{:?}", "m".repeat(20_000));
        }
        let outcomes = join_all(runs.iter().map(|run| store.accept(run.clone()))).await;
        for (run, outcome) in runs.iter().zip(outcomes) {
            let there = store.run(MAIN, run.id).await.unwrap().is_some();
            assert_eq!(there, outcome == Ok(Accepted::New));
            match outcome {
                Ok(_) => {}
                Err(Error::Unavailable(reason)) => assert!(reason.contains("full"), "{reason}"),
                Err(error) => panic!("{error}"),
            }
            assert!(there || !recovers);
        }
        let next = new_run("orders", 1, Status::Running);
        assert_eq!(store.accept(next).await, Ok(Accepted::New));
        assert_eq!(store.ping().await, Ok(()));
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_durable_and_can_give_the_disk_back() {
    on_sqlite(pragmas).await;
}

async fn pragmas(settings: Settings) {
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
    let writer = connect::writer(&settings).await.unwrap();
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
