//! Opening, closing, crashing, and opening again.

use futures::future::join_all;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{MAIN, count, new_run, on_both_databases, turn};
use crate::store::{Accepted, Error, Kind, Settings, Status, Store};

on_both_databases!(
    opened_again_it_has_everything,
    who_wants_to_be_alone_is_alone,
    after_a_crash_all_that_was_accepted_is_there,
    closing_writes_what_waits,
    a_full_queue_refuses_at_once,
    a_newer_schema_is_refused,
);

async fn opened_again_it_has_everything(settings: Settings) {
    let run = new_run("orders", 1, Status::Running);
    for round in 0..3 {
        let store = Store::open(&settings).await.unwrap();
        assert_eq!(store.ping().await, Ok(()));
        assert_eq!(store.kind(), settings.database.kind());
        if round == 0 {
            store.accept(run.clone()).await.unwrap();
        }
        assert!(store.run(MAIN, run.id).await.unwrap().is_some());
        assert_eq!(
            count(&store, "SELECT count(*) FROM seaql_migrations").await,
            6
        );
        store.close().await;
        store.close().await;
        assert_eq!(store.ping().await, Err(Error::Closed));
        assert_eq!(store.run(MAIN, run.id).await, Err(Error::Closed));
        assert_eq!(store.accept(run.clone()).await, Err(Error::Closed));
        assert_eq!(store.delete_flow(MAIN, "orders").await, Err(Error::Closed));
    }
}

async fn who_wants_to_be_alone_is_alone(settings: Settings) {
    let first = match settings.database.kind() {
        Kind::Sqlite => Store::open(&settings).await.unwrap(),
        Kind::Postgresql => {
            // A server of the release before, which knows no leases, has the lock for itself.
            let store = Store::open(&settings).await.unwrap();
            store.close().await;
            let older = crate::store::connect::listener(&settings).await.unwrap();
            let lock = "SELECT pg_advisory_lock(2003134834)";
            older.execute_unprepared(lock).await.unwrap();
            let refused = Store::open(&settings).await;
            assert!(
                matches!(&refused, Err(Error::Locked(text)) if text.contains("older")),
                "{refused:?}"
            );
            older.close().await.unwrap();
            // And it does not get the lock while one that knows leases is there.
            let store = Store::open(&settings).await.unwrap();
            let older = crate::store::connect::listener(&settings).await.unwrap();
            let lock = "DO $$ BEGIN ASSERT NOT pg_try_advisory_lock(2003134834); END $$";
            older.execute_unprepared(lock).await.unwrap();
            older.close().await.unwrap();
            store.close().await;
            return;
        }
    };
    let second = Store::open(&settings).await;
    assert!(matches!(second, Err(Error::Locked(_))), "{second:?}");
    first
        .accept(new_run("orders", 1, Status::Running))
        .await
        .unwrap();
    first.close().await;
    let second = Store::open(&settings).await.unwrap();
    second.close().await;
}

async fn after_a_crash_all_that_was_accepted_is_there(settings: Settings) {
    for _ in 0..3 {
        let crashing = settings.clone();
        let (answered, turned) = tokio::task::spawn_blocking(move || crash(&crashing))
            .await
            .unwrap();
        assert!(answered.len() >= 200);
        let store = Store::open(&settings).await.unwrap();
        for id in answered {
            let run = store.run(MAIN, id).await.unwrap().expect("an accepted run");
            let journal = store.journal(MAIN, id, 0, u32::MAX).await.unwrap();
            assert_eq!(journal.len(), run.turns as usize);
            assert!(journal[0].message.is_some());
            assert_eq!(run.turns == 2, run.status == Status::Succeeded);
            assert!(run.turns == 2 || !turned.contains(&id));
        }
        // And nothing is there by half.
        let (runs, entries) = match store.kind() {
            Kind::Sqlite => (
                "SELECT CAST(sum(turns) AS INTEGER) FROM run",
                "SELECT count(*) FROM journal",
            ),
            Kind::Postgresql => (
                "SELECT sum(turns)::bigint FROM run",
                "SELECT count(*) FROM journal",
            ),
        };
        assert_eq!(count(&store, runs).await, count(&store, entries).await);
        store.close().await;
    }
}

/// Stops a whole runtime under load without closing the store. Gives the runs whose acceptance was answered, and those
/// whose end was.
fn crash(settings: &Settings) -> (Vec<Uuid>, Vec<Uuid>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (report, reports) = std::sync::mpsc::channel();
    runtime.block_on(async {
        let store = Store::open(settings).await.unwrap();
        for _ in 0..64 {
            let (store, report) = (store.clone(), report.clone());
            tokio::spawn(async move {
                loop {
                    let run = new_run("orders", 1, Status::Running);
                    let id = run.id;
                    store.accept(run).await.unwrap();
                    report.send((id, false)).unwrap();
                    store
                        .commit(MAIN, id, turn(1, 2, Status::Succeeded))
                        .await
                        .unwrap();
                    report.send((id, true)).unwrap();
                }
            });
        }
    });
    let mut answered = Vec::new();
    let mut turned = Vec::new();
    let mut sort = |(id, ended): (Uuid, bool)| {
        if ended {
            turned.push(id)
        } else {
            answered.push(id)
        }
    };
    reports.iter().take(500).for_each(&mut sort);
    // Ends every task where it stands. A process that is killed takes its threads along; here they are waited for.
    drop(runtime);
    drop(report);
    reports.iter().for_each(&mut sort);
    (answered, turned)
}

async fn closing_writes_what_waits(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let runs: Vec<_> = (0..300)
        .map(|number| new_run("orders", number, Status::Succeeded))
        .collect();
    let accepts = join_all(runs.iter().map(|run| store.accept(run.clone())));
    let (outcomes, ()) = futures::join!(accepts, store.close());
    assert!(
        outcomes.iter().all(|outcome| *outcome == Ok(Accepted::New)),
        "{outcomes:?}"
    );
    let store = Store::open(&settings).await.unwrap();
    assert_eq!(count(&store, "SELECT count(*) FROM run").await, 300);
    store.close().await;
}

async fn a_full_queue_refuses_at_once(mut settings: Settings) {
    for (queue, queue_bytes) in [(4, 64 << 20), (4096, 16 << 10)] {
        settings.queue = queue;
        settings.queue_bytes = queue_bytes;
        let store = Store::open(&settings).await.unwrap();
        let before = count(&store, "SELECT count(*) FROM run").await;
        let runs: Vec<_> = (0..500)
            .map(|number| new_run("orders", number, Status::Running))
            .collect();
        let outcomes = join_all(runs.iter().map(|run| store.accept(run.clone()))).await;
        let mut accepted = 0;
        for (run, outcome) in runs.iter().zip(&outcomes) {
            let there = store.run(MAIN, run.id).await.unwrap().is_some();
            assert_eq!(there, *outcome == Ok(Accepted::New), "{outcome:?}");
            assert!(there || *outcome == Err(Error::Busy), "{outcome:?}");
            accepted += i64::from(there);
        }
        assert!(accepted > 0 && accepted < 500, "{accepted}");
        assert_eq!(
            count(&store, "SELECT count(*) FROM run").await - before,
            accepted
        );
        // Those that were accepted go on, however many come at once; and a large one is taken, if it comes alone.
        let going = runs
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| outcome.is_ok());
        let ends = join_all(
            going.map(|(run, _)| store.commit(MAIN, run.id, turn(1, 1, Status::Succeeded))),
        )
        .await;
        assert!(ends.iter().all(Result::is_ok), "{ends:?}");
        let mut large = new_run("orders", 1, Status::Running);
        large.message = format!("{:?}", "x".repeat(100 << 10));
        assert_eq!(store.accept(large).await, Ok(Accepted::New));
        store.close().await;
    }
}

async fn a_newer_schema_is_refused(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    store.close().await;
    let writer = crate::store::connect::writer(&settings).await.unwrap();
    writer
        .database
        .execute_unprepared("INSERT INTO seaql_migrations VALUES ('m9999_future', 1)")
        .await
        .unwrap();
    writer.database.close().await.unwrap();
    let refused = Store::open(&settings).await;
    assert!(
        matches!(&refused, Err(Error::Database(text)) if text.contains("m9999_future")),
        "{refused:?}"
    );
}
