//! What is forgotten, what is not, and that the disk gets its space back.

use super::{MAIN, count, new_id, new_run, on_both_databases, turn};
use crate::store::{Accepted, Deed, Forgettable, Kind, Settings, Status, Store};

on_both_databases!(
    old_runs_go_and_the_others_stay,
    keys_go_by_their_own_age,
    what_was_called_stays_until_its_caller_has_ended,
    size_follows_what_is_there,
);

/// All that ended before a time, except dead letters that failed from then on.
fn before(time: i64) -> Forgettable {
    Forgettable {
        ended_before: time,
        open_before: i64::MIN,
    }
}

async fn old_runs_go_and_the_others_stay(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let (old, waiting) = (
        new_run("orders", 1, Status::Succeeded),
        new_run("orders", 2, Status::Waiting),
    );
    let late = new_run("orders", 3, Status::Running);
    let (open, settled) = (
        new_run("orders", 4, Status::Failed),
        new_run("orders", 5, Status::Failed),
    );
    let young = new_run("orders", 50, Status::Succeeded);
    for run in [&old, &waiting, &late, &open, &settled, &young] {
        store.accept(run.clone()).await.unwrap();
    }
    // It started long ago, and ended only now.
    let ended = turn(1, 60, Status::Succeeded);
    store.commit(MAIN, late.id, ended).await.unwrap();
    let deed = Deed::Discard {
        at: 6,
        by: None,
        note: None,
    };
    store.deal(MAIN, settled.id, deed).await.unwrap();

    assert_eq!(store.forget_runs(before(0), 10).await.unwrap(), 0);
    assert_eq!(store.forget_runs(before(50), 1).await.unwrap(), 1);
    assert!(store.run(MAIN, old.id).await.unwrap().is_none());
    assert_eq!(store.forget_runs(before(50), 10).await.unwrap(), 1);
    let mut left = Vec::new();
    for run in [&old, &waiting, &late, &open, &settled, &young] {
        left.push(store.run(MAIN, run.id).await.unwrap().is_some());
    }
    assert_eq!(left, [false, true, true, true, false, true]);
    assert_eq!(
        count(&store, "SELECT COUNT(DISTINCT run) FROM journal").await,
        4
    );
    assert_eq!(count(&store, "SELECT COUNT(*) FROM dead_letter").await, 1);

    // Nobody dealt with it for too long.
    let all = Forgettable {
        ended_before: 50,
        open_before: 50,
    };
    assert_eq!(store.forget_runs(all, 10).await.unwrap(), 1);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM dead_letter").await, 0);
    // What waits goes on, however old it is.
    let woken = turn(1, 70, Status::Succeeded);
    store.commit(MAIN, waiting.id, woken).await.unwrap();
    store.close().await;
}

async fn what_was_called_stays_until_its_caller_has_ended(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let caller = new_run("orders", 1, Status::Running);
    let mut called = new_run("prices", 2, Status::Succeeded);
    called.parent = Some(caller.id);
    let mut stray = new_run("prices", 3, Status::Succeeded);
    stray.parent = Some(new_id());
    for run in [&caller, &called, &stray] {
        store.accept(run.clone()).await.unwrap();
    }
    assert_eq!(store.forget_runs(before(50), 10).await.unwrap(), 1);
    assert!(store.run(MAIN, called.id).await.unwrap().is_some());
    let ended = turn(1, 60, Status::Succeeded);
    store.commit(MAIN, caller.id, ended).await.unwrap();
    assert_eq!(store.forget_runs(before(50), 10).await.unwrap(), 1);
    assert_eq!(store.forget_runs(before(70), 10).await.unwrap(), 1);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM run").await, 0);
    store.close().await;
}

async fn keys_go_by_their_own_age(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let keyed = |at: i64, key: &str| {
        let mut run = new_run("orders", at, Status::Succeeded);
        run.dedupe = Some(key.to_owned());
        run
    };
    let (first, second) = (keyed(1, "a"), keyed(20, "b"));
    store.accept(first.clone()).await.unwrap();
    store.accept(second.clone()).await.unwrap();
    store.forget_runs(before(10), 10).await.unwrap();
    // The run is gone, and its key still keeps the same message from running again.
    let again = store.accept(keyed(30, "a")).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(first.id));
    assert_eq!(store.forget_keys(10, 10).await.unwrap(), 1);
    assert_eq!(store.accept(keyed(31, "a")).await.unwrap(), Accepted::New);
    let again = store.accept(keyed(32, "b")).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(second.id));
    store.close().await;
}

async fn size_follows_what_is_there(settings: Settings) {
    let sqlite = settings.database.kind() == Kind::Sqlite;
    let store = Store::open(&settings).await.unwrap();
    let empty = store.size().await.unwrap();
    let runs = (0..200).map(|at| {
        let mut run = new_run("orders", at, Status::Succeeded);
        // Nothing that a database could make smaller.
        run.message = match at % 2 {
            0 => format!("\"{}\"", noise(at, 60_000)),
            // This one is kept apart.
            _ => format!("{{\"body\":\"{}\"}}", noise(at, 60_000)),
        };
        store.accept(run)
    });
    for accepted in futures::future::join_all(runs).await {
        accepted.unwrap();
    }
    let most = 200 * 60_000;
    let full = loop {
        // PostgreSQL counts a moment later.
        let size = store.size().await.unwrap();
        if size > empty + most / 2 {
            break size;
        }
        tokio::task::yield_now().await;
    };
    while store.forget_runs(before(i64::MAX), 50).await.unwrap() > 0 {}
    while store.size().await.unwrap() > full / 4 {
        tokio::task::yield_now().await;
    }
    let file = || count(&store, "SELECT page_count FROM pragma_page_count()");
    if sqlite {
        let before = file().await;
        while store.give_back().await.unwrap() {}
        let after = file().await;
        assert!(after < before / 2, "{before} pages, then {after}");
    }
    assert!(!store.give_back().await.unwrap(), "nothing is left to give");
    store.close().await;
}

/// A text of letters that repeat nowhere.
pub(super) fn noise(seed: i64, length: usize) -> String {
    let mut state = seed.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let letters = (0..length).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state >> 33) as u8 % 26)
    });
    letters.collect()
}
