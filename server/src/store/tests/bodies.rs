//! Large bodies are kept once, for as long as a run needs them, whoever comes and goes at the same time.

use std::time::Duration;

use futures::future::join_all;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{
    MAIN, count, new_id, new_run, on_both_databases, on_postgresql, retention::noise, turn,
};
use crate::store::{
    Accepted, Error, Forgettable, History, Kind, NewRun, Origin, Settings, Status, Store, connect,
};

on_both_databases!(
    equal_bodies_are_kept_once,
    a_workspace_has_its_own,
    what_was_written_in_whole_stays_readable,
    history_that_is_dropped_takes_its_bodies_along,
    what_is_refused_leaves_none,
    what_an_older_server_left_is_found,
    who_forgets_and_who_accepts_at_once,
);

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_a_body_that_another_server_begins_to_need_stays() {
    on_postgresql(begins_to_need).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_a_body_that_another_server_deletes_is_written_anew() {
    on_postgresql(deletes).await;
}

pub(super) const ALL: Forgettable = Forgettable {
    ended_before: i64::MAX,
    open_before: i64::MAX,
};

/// A body of about so many bytes, as JSON text.
pub(super) fn value(seed: i64, length: usize) -> String {
    format!("{{\"list\":[1,2],\"text\":\"{}\"}}", noise(seed, length))
}

fn message(value: &str) -> String {
    format!("{{\"body\":{value},\"headers\":{{\"host\":\"x\"}}}}")
}

/// Records of a step that gave a value, and of an attempt that sent it.
fn records(value: &str) -> String {
    format!(
        "[{{\"output\":{value},\"record\":\"succeeded\"}},{{\"config\":{{\"body\":{value}}},\"record\":\"attempt\"}}]"
    )
}

pub(super) fn run_with(value: &str, status: Status) -> NewRun {
    let mut run = new_run("orders", 1, status);
    run.message = message(value);
    run
}

async fn rows(store: &Store) -> (i64, i64) {
    (
        count(store, "SELECT COUNT(*) FROM body").await,
        count(store, "SELECT COUNT(*) FROM body_use").await,
    )
}

/// How many bytes journals and bodies take on the disk.
pub(super) async fn on_disk(store: &Store) -> i64 {
    let text = match store.kind() {
        Kind::Sqlite => {
            "SELECT (page_count - freelist_count) * page_size \
             FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
        }
        Kind::Postgresql => {
            "SELECT pg_total_relation_size('journal') + pg_total_relation_size('body')"
        }
    };
    count(store, text).await
}

async fn equal_bodies_are_kept_once(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let large = value(1, 1 << 20);
    let mut runs = Vec::new();
    for _ in 0..30 {
        let run = run_with(&large, Status::Running);
        assert_eq!(store.accept(run.clone()).await, Ok(Accepted::New));
        let mut next = turn(1, 2, Status::Succeeded);
        next.records = records(&large);
        store.commit(MAIN, run.id, next).await.unwrap();
        runs.push(run.id);
    }
    // The text and what stands around it are one body: nothing else in it is large.
    assert_eq!(rows(&store).await, (1, 30));
    let size = on_disk(&store).await;
    assert!(size < 3 << 20, "{size} bytes for 90 times 1 MB");
    // A replay takes the output over, within another record.
    let mut replay = run_with(&large, Status::Succeeded);
    replay.origin = Some(Origin {
        run: runs[0],
        by: None,
    });
    replay.turn.records = format!("[{{\"record\":\"replay\",\"taken\":{}}}]", records(&large));
    store.accept(replay.clone()).await.unwrap();
    assert_eq!(rows(&store).await, (1, 31));
    for run in &runs {
        let journal = store.journal(MAIN, *run, 0, 9).await.unwrap();
        assert_eq!(
            journal[0].message.as_deref(),
            Some(message(&large).as_str())
        );
        assert_eq!(journal[1].records, records(&large));
    }
    let journal = store.journal(MAIN, replay.id, 0, 9).await.unwrap();
    assert_eq!(journal[0].records, replay.turn.records);
    // It goes with the last of them.
    assert_eq!(store.forget_runs(ALL, 30).await, Ok(30));
    assert_eq!(rows(&store).await, (1, 1));
    assert_eq!(store.forget_runs(ALL, 30).await, Ok(1));
    assert_eq!(rows(&store).await, (0, 0));
    assert_eq!(store.forget_bodies(10).await, Ok(0));
    store.close().await;
}

async fn a_workspace_has_its_own(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let large = value(1, 20_000);
    let small = value(2, 16_000);
    for text in [&large, &small] {
        store
            .accept(run_with(text, Status::Succeeded))
            .await
            .unwrap();
    }
    assert_eq!(rows(&store).await, (1, 1), "16 KB are not large");
    let mut other = run_with(&large, Status::Succeeded);
    other.workspace = "other".to_owned();
    store.accept(other.clone()).await.unwrap();
    assert_eq!(rows(&store).await, (2, 2));
    let read = store.journal("other", other.id, 0, 9).await.unwrap();
    assert_eq!(read[0].message, Some(message(&large)));
    assert_eq!(store.journal(MAIN, other.id, 0, 9).await, Ok(Vec::new()));
    store.close().await;
}

async fn what_was_written_in_whole_stays_readable(mut settings: Settings) {
    let large = value(1, 50_000);
    let run = run_with(&large, Status::Running);
    settings.large = usize::MAX;
    let store = Store::open(&settings).await.unwrap();
    store.accept(run.clone()).await.unwrap();
    assert_eq!(rows(&store).await, (0, 0));
    store.close().await;
    settings.large = 16 << 10;
    let store = Store::open(&settings).await.unwrap();
    let mut next = turn(1, 2, Status::Succeeded);
    next.records = records(&large);
    store.commit(MAIN, run.id, next).await.unwrap();
    assert_eq!(rows(&store).await, (1, 1));
    let journal = store.journal(MAIN, run.id, 0, 9).await.unwrap();
    assert_eq!(journal[0].message, Some(run.message));
    assert_eq!(journal[1].records, records(&large));
    // A part that was taken away by hand is said, and nothing else is given in its place.
    let writer = connect_beside(&settings).await;
    if let Some(writer) = writer {
        writer.execute_unprepared("DELETE FROM body").await.unwrap();
        let lost = store.journal(MAIN, run.id, 0, 9).await;
        assert!(
            matches!(&lost, Err(Error::Database(text)) if text.contains("names the body")),
            "{lost:?}"
        );
    }
    store.close().await;
}

async fn history_that_is_dropped_takes_its_bodies_along(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let (shared, own) = (value(1, 20_000), value(2, 20_000));
    let (first, second) = (
        run_with(&shared, Status::Running),
        run_with(&shared, Status::Running),
    );
    for run in [&first, &second] {
        store.accept(run.clone()).await.unwrap();
        let mut next = turn(1, 2, Status::Running);
        next.records = records(&own);
        store.commit(MAIN, run.id, next).await.unwrap();
    }
    assert_eq!(rows(&store).await, (2, 4));
    let mut last = turn(2, 3, Status::Succeeded);
    last.history = History::Drop;
    // What the last turn gives is not kept either.
    last.records = records(&value(3, 20_000));
    store.commit(MAIN, first.id, last.clone()).await.unwrap();
    assert_eq!(rows(&store).await, (2, 2));
    assert_eq!(store.journal(MAIN, second.id, 0, 9).await.unwrap().len(), 2);
    store.commit(MAIN, second.id, last).await.unwrap();
    assert_eq!(rows(&store).await, (0, 0));
    let mut short = run_with(&shared, Status::Succeeded);
    short.turn.history = History::Drop;
    store.accept(short).await.unwrap();
    assert_eq!(rows(&store).await, (0, 0));
    store.close().await;
}

async fn what_is_refused_leaves_none(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let standing = new_run("orders", 1, Status::Running);
    store.accept(standing.clone()).await.unwrap();
    let mut runs: Vec<NewRun> = (0..40)
        .map(|seed| {
            let mut run = run_with(&value(seed / 2, 20_000), Status::Succeeded);
            // Of two with the same body, one comes in.
            run.dedupe = Some(format!("key {}", seed / 2));
            run
        })
        .collect();
    // This one spoils the batch that it comes into.
    runs.push(run_with(&value(50, 20_000), Status::Succeeded));
    runs[40].flow = "x".repeat(64);
    let mut late = turn(7, 2, Status::Succeeded);
    late.records = records(&value(60, 20_000));
    let accepts = join_all(runs.iter().map(|run| store.accept(run.clone())));
    let (accepts, late) = futures::join!(accepts, store.commit(MAIN, standing.id, late));
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    assert!(
        matches!(accepts[40], Err(Error::Refused(_))),
        "{:?}",
        accepts[40]
    );
    let new = accepts.iter().filter(|one| **one == Ok(Accepted::New));
    assert_eq!(new.count(), 20);
    assert_eq!(rows(&store).await, (20, 20));
    store.close().await;
}

async fn what_an_older_server_left_is_found(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let (shared, own) = (value(1, 20_000), value(2, 20_000));
    let kept = run_with(&shared, Status::Succeeded);
    for run in [
        &kept,
        &run_with(&shared, Status::Succeeded),
        &run_with(&own, Status::Succeeded),
    ] {
        store.accept(run.clone()).await.unwrap();
    }
    store.close().await;
    // It forgets runs, and knows of nothing more.
    let writer = connect::writer(&settings).await.unwrap();
    for table in ["journal WHERE run", "run WHERE id"] {
        let id = match settings.database.kind() {
            Kind::Sqlite => format!("x'{}'", kept.id.simple()),
            Kind::Postgresql => format!("'{}'", kept.id),
        };
        let delete = format!("DELETE FROM {table} <> {id}");
        writer.database.execute_unprepared(&delete).await.unwrap();
    }
    writer.database.close().await.unwrap();
    let store = Store::open(&settings).await.unwrap();
    assert_eq!(rows(&store).await, (2, 3));
    assert_eq!(store.forget_bodies(1).await, Ok(1));
    while store.forget_bodies(1).await.unwrap() > 0 {}
    assert_eq!(rows(&store).await, (1, 1));
    let journal = store.journal(MAIN, kept.id, 0, 9).await.unwrap();
    assert_eq!(journal[0].message, Some(kept.message));
    store.close().await;
}

/// Two servers on PostgreSQL, one on SQLite: they accept runs with the same few bodies and forget them all the time.
async fn who_forgets_and_who_accepts_at_once(settings: Settings) {
    let first = Store::open(&settings).await.unwrap();
    let second = match settings.database.kind() {
        Kind::Sqlite => first.clone(),
        Kind::Postgresql => Store::open(&settings).await.unwrap(),
    };
    let accepting = |store: Store, which: i64| {
        tokio::spawn(async move {
            for round in 0..40 {
                // Bodies within one another and beside one another, in another order for each.
                let seeds = [(round + which) % 3, (round * 2 + which) % 3];
                let [a, b] = seeds.map(|seed| value(seed, 20_000));
                let mut run = run_with(&format!("[{a},{b}]"), Status::Succeeded);
                run.turn.records = records(&a);
                store.accept(run.clone()).await.unwrap();
                let journal = store.journal(MAIN, run.id, 0, 9).await.unwrap();
                // It may be forgotten already, but never by half.
                if let [entry] = &journal[..] {
                    assert_eq!(entry.message.as_ref(), Some(&run.message));
                    assert_eq!(entry.records, run.turn.records);
                }
            }
        })
    };
    let accepts: Vec<_> = (0..6)
        .map(|which| {
            let store = [&first, &second][which % 2].clone();
            accepting(store, i64::try_from(which).unwrap())
        })
        .collect();
    let accepts = join_all(accepts);
    tokio::pin!(accepts);
    let accepts = loop {
        let forget = async {
            let forgotten = tokio::join!(first.forget_runs(ALL, 7), second.forget_runs(ALL, 5));
            let swept = second.forget_bodies(3).await;
            forgotten.0.unwrap() + forgotten.1.unwrap() + swept.unwrap()
        };
        tokio::select! {
            accepts = &mut accepts => break accepts,
            _ = forget => {}
        }
    };
    accepts.into_iter().for_each(|accepted| accepted.unwrap());
    while first.forget_runs(ALL, 100).await.unwrap() > 0 {}
    while first.forget_bodies(100).await.unwrap() > 0 {}
    assert_eq!(rows(&first).await, (0, 0));
    first.close().await;
    second.close().await;
}

/// A connection that writes beside a server; SQLite has none.
async fn connect_beside(settings: &Settings) -> Option<sea_orm::DatabaseConnection> {
    // It may be silent in the middle of a transaction for long.
    let settings = Settings {
        lease: Duration::from_secs(600),
        ..settings.clone()
    };
    match settings.database.kind() {
        Kind::Sqlite => None,
        Kind::Postgresql => Some(connect::writer(&settings).await.unwrap().database),
    }
}

async fn begins_to_need(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let large = value(1, 20_000);
    store
        .accept(run_with(&large, Status::Succeeded))
        .await
        .unwrap();
    // The other server has found the body, and is about to write who needs it.
    let other = connect_beside(&settings).await.unwrap();
    let begin = "BEGIN; SELECT 1 FROM body FOR KEY SHARE";
    other.execute_unprepared(begin).await.unwrap();
    assert_eq!(store.forget_runs(ALL, 10).await, Ok(1));
    assert_eq!(rows(&store).await, (1, 0), "it is skipped");
    let need = format!(
        "INSERT INTO body_use SELECT workspace, '{}', hash FROM body; COMMIT",
        Uuid::nil()
    );
    other.execute_unprepared(&need).await.unwrap();
    // Needed, but by no run that is there; and once that is gone, by nobody.
    assert_eq!(rows(&store).await, (1, 1));
    assert_eq!(store.forget_bodies(10).await, Ok(1));
    assert_eq!(rows(&store).await, (0, 0));
    other.close().await.unwrap();
    store.close().await;
}

async fn deletes(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let server = store.register(new_id()).await.unwrap();
    let large = value(1, 20_000);
    let old = run_with(&large, Status::Succeeded);
    store.accept(old.clone()).await.unwrap();
    // The other server forgets the only run with the body, and has not committed yet.
    let other = connect_beside(&settings).await.unwrap();
    let forget = "BEGIN; DELETE FROM journal; DELETE FROM run; DELETE FROM body_use; \
                  SELECT 1 FROM body FOR UPDATE; DELETE FROM body";
    other.execute_unprepared(forget).await.unwrap();
    let mut new = run_with(&large, Status::Running);
    new.turn.server = Some(server);
    let accepting = tokio::spawn({
        let (store, new) = (store.clone(), new.clone());
        async move { store.accept(new).await }
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'weir writer' AND wait_event_type = 'Lock'";
    let waiting = async {
        while count(&store, waits).await == 0 && !accepting.is_finished() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap();
    assert!(!accepting.is_finished(), "it must wait for the other");
    other.execute_unprepared("COMMIT").await.unwrap();
    assert_eq!(accepting.await.unwrap(), Ok(Accepted::New));
    assert_eq!(rows(&store).await, (1, 1));
    let journal = store.journal(MAIN, new.id, 0, 9).await.unwrap();
    assert_eq!(journal[0].message, Some(new.message));
    assert_eq!(store.journal(MAIN, old.id, 0, 9).await, Ok(Vec::new()));
    other.close().await.unwrap();
    store.close().await;
}
