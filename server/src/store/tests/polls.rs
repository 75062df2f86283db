//! Polls: who makes one, and that what it found and its cursor are written together, or neither.

use futures::future::join_all;
use uuid::Uuid;

use super::{MAIN, count, draft, new_id, new_run, on_both_databases};
use crate::store::{
    Accepted, Claim, Error, Gain, NewRun, Publication, Settings, Status, Store, Switch,
};

on_both_databases!(
    messages_and_cursor_are_written_together,
    a_poll_is_made_by_one_server_and_ends_once,
    what_cannot_be_written_moves_nothing,
    a_cursor_that_was_set_meanwhile_wins,
    a_failure_is_kept_and_moves_no_cursor,
    a_flow_that_changed_meanwhile_gets_nothing,
    what_a_server_left_is_due_again,
);

const FLOW: &str = "changes";
const TRIGGER: &str = "order";

/// A server, with a published flow whose poll is due at 100.
async fn polling(settings: &Settings) -> (Store, Uuid) {
    let store = Store::open(settings).await.unwrap();
    let server = store.register(new_id()).await.unwrap();
    store.create_draft(draft(FLOW, "{}", 1)).await.unwrap();
    publish(&store, 1, 100).await;
    (store, server)
}

async fn publish(store: &Store, at: i64, due_at: i64) {
    let publication = Publication {
        workspace: MAIN.to_owned(),
        flow: FLOW.to_owned(),
        expected: None,
        document: format!("{{\"at\":{at}}}"),
        note: None,
        at,
        schedules: vec![(TRIGGER.to_owned(), Some(due_at))],
        counted: None,
    };
    store.publish(publication).await.unwrap();
}

fn claim(server: Uuid, due_at: i64) -> Claim {
    Claim {
        workspace: MAIN.to_owned(),
        flow: FLOW.to_owned(),
        trigger: TRIGGER.to_owned(),
        version: 1,
        due_at,
        until: due_at + 10_000,
        server,
    }
}

fn found(server: Uuid, key: &str) -> NewRun {
    let mut run = new_run(FLOW, 100, Status::Running);
    run.turn.server = Some(server);
    run.dedupe = Some(key.to_owned());
    run
}

fn gain(cursor: &str, revision: u32, runs: Vec<NewRun>) -> Gain {
    Gain {
        cursor: Some(cursor.to_owned()),
        revision,
        at: 150,
        next_at: Some(200),
        runs,
    }
}

async fn next_at(store: &Store) -> (Option<i64>, Option<i64>) {
    let schedule = store.schedules(MAIN, FLOW).await.unwrap().remove(0);
    (schedule.next_at, schedule.last_at)
}

async fn cursor(store: &Store) -> (Option<String>, u32) {
    let poll = store.poll(MAIN, FLOW, TRIGGER).await.unwrap();
    let poll = poll.unwrap_or_default();
    (poll.cursor, poll.revision)
}

async fn runs(store: &Store) -> i64 {
    count(store, "SELECT count(*) FROM run").await
}

async fn messages_and_cursor_are_written_together(settings: Settings) {
    let (store, me) = polling(&settings).await;
    let first = claim(me, 100);
    let stood = store.claim_poll(first.clone(), 100).await.unwrap().unwrap();
    assert_eq!(
        (stood.cursor, stood.revision, stood.due_at),
        (None, 0, Some(100))
    );
    // Nobody finds it due while it is made.
    assert!(store.due_schedules(5_000, 10).await.unwrap().is_empty());
    let two = vec![found(me, "a"), found(me, "b")];
    let ids: Vec<Uuid> = two.iter().map(|run| run.id).collect();
    let accepted = store.commit_poll(first, gain("2", 0, two)).await.unwrap();
    assert_eq!(accepted, Some(vec![Accepted::New, Accepted::New]));
    assert_eq!(cursor(&store).await, (Some("2".to_owned()), 1));
    assert_eq!(next_at(&store).await, (Some(200), Some(100)));
    assert_eq!(runs(&store).await, 2);

    // A key that was accepted before starts no run, and the cursor moves on all the same.
    let second = claim(me, 200);
    let stood = store
        .claim_poll(second.clone(), 200)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stood.cursor.as_deref(), stood.revision), (Some("2"), 1));
    let more = vec![found(me, "b"), found(me, "c")];
    let mut gained = gain("3", 1, more);
    gained.next_at = Some(300);
    let accepted = store.commit_poll(second, gained).await.unwrap();
    assert_eq!(
        accepted,
        Some(vec![Accepted::Duplicate(ids[1]), Accepted::New])
    );
    assert_eq!((runs(&store).await, cursor(&store).await.1), (3, 2));

    // Nothing new: the cursor is the same and keeps its revision.
    let third = claim(me, 300);
    store.claim_poll(third.clone(), 300).await.unwrap().unwrap();
    let accepted = store.commit_poll(third, gain("3", 2, Vec::new())).await;
    assert_eq!(accepted, Ok(Some(Vec::new())));
    let poll = store.poll(MAIN, FLOW, TRIGGER).await.unwrap().unwrap();
    assert_eq!(
        (poll.revision, poll.polled_at, poll.due_at),
        (2, Some(150), None)
    );

    assert!(store.delete_flow(MAIN, FLOW).await.unwrap());
    assert_eq!(store.poll(MAIN, FLOW, TRIGGER).await, Ok(None));
    store.close().await;
}

async fn a_poll_is_made_by_one_server_and_ends_once(settings: Settings) {
    let (store, me) = polling(&settings).await;
    let claims = (0..20).map(|_| store.claim_poll(claim(me, 100), 100));
    let taken: Vec<_> = join_all(claims)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(taken.iter().flatten().count(), 1);
    let commits = (0..20).map(|number| {
        let run = found(me, &format!("key {number}"));
        store.commit_poll(claim(me, 100), gain("1", 0, vec![run]))
    });
    let written: Vec<_> = join_all(commits)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(written.iter().flatten().count(), 1);
    assert_eq!(runs(&store).await, 1);
    // One that is late changes nothing.
    store
        .end_poll(claim(me, 100), Some("{}".to_owned()), 160, Some(1))
        .await
        .unwrap();
    assert_eq!(next_at(&store).await, (Some(200), Some(100)));
    let poll = store.poll(MAIN, FLOW, TRIGGER).await.unwrap().unwrap();
    assert_eq!((poll.failures, poll.failure), (0, None));
    // And neither does a server that has no lease.
    let stranger = store.claim_poll(claim(new_id(), 200), 200).await;
    assert_eq!(stranger, Err(Error::Fenced));
    store.close().await;
}

async fn what_cannot_be_written_moves_nothing(settings: Settings) {
    let (store, me) = polling(&settings).await;
    store
        .claim_poll(claim(me, 100), 100)
        .await
        .unwrap()
        .unwrap();
    let twice = found(me, "a");
    let mut other = twice.clone();
    other.dedupe = Some("b".to_owned());
    let refused = store
        .commit_poll(
            claim(me, 100),
            gain("1", 0, vec![found(me, "c"), twice, other]),
        )
        .await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!((runs(&store).await, cursor(&store).await), (0, (None, 0)));
    let keys = count(&store, "SELECT count(*) FROM dedupe").await;
    assert_eq!(keys, 0, "no key is used up");
    // The claim still stands: it can be ended, or its poll written.
    let written = store
        .commit_poll(claim(me, 100), gain("1", 0, vec![found(me, "a")]))
        .await;
    assert_eq!(written, Ok(Some(vec![Accepted::New])));
    store.close().await;
}

async fn a_cursor_that_was_set_meanwhile_wins(settings: Settings) {
    let (store, me) = polling(&settings).await;
    store
        .claim_poll(claim(me, 100), 100)
        .await
        .unwrap()
        .unwrap();
    let set = |text: &str, expected| {
        store.set_cursor(MAIN, FLOW, TRIGGER, Some(text.to_owned()), expected, 120)
    };
    assert_eq!(set("7", Some(0)).await, Ok(1));
    assert_eq!(set("8", Some(0)).await, Err(Error::Revision { current: 1 }));
    let late = store
        .commit_poll(claim(me, 100), gain("1", 0, vec![found(me, "a")]))
        .await;
    assert_eq!(late, Ok(None));
    assert_eq!(
        (runs(&store).await, cursor(&store).await),
        (0, (Some("7".to_owned()), 1))
    );
    // It is due again at once, and goes on from there.
    assert_eq!(next_at(&store).await, (Some(100), None));
    let stood = store
        .claim_poll(claim(me, 100), 130)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stood.cursor.as_deref(), stood.revision), (Some("7"), 1));
    let forgotten = store.set_cursor(MAIN, FLOW, TRIGGER, None, None, 140).await;
    assert_eq!(forgotten, Ok(2));
    assert_eq!(cursor(&store).await, (None, 2));
    store.close().await;
}

async fn a_failure_is_kept_and_moves_no_cursor(settings: Settings) {
    let (store, me) = polling(&settings).await;
    for failures in 1..=2 {
        let claim = claim(me, 100 * failures);
        store.claim_poll(claim.clone(), 100).await.unwrap().unwrap();
        let failure = Some("{\"class\":\"transient\"}".to_owned());
        let next = Some(100 * (failures + 1));
        store.end_poll(claim, failure, 110, next).await.unwrap();
        let poll = store.poll(MAIN, FLOW, TRIGGER).await.unwrap().unwrap();
        assert_eq!(
            (i64::from(poll.failures), poll.failed_at),
            (failures, Some(110))
        );
        assert_eq!((poll.cursor, poll.revision, poll.due_at), (None, 0, None));
        assert_eq!(next_at(&store).await, (next, Some(100 * failures)));
    }
    // One that was broken off has not failed.
    store
        .claim_poll(claim(me, 300), 300)
        .await
        .unwrap()
        .unwrap();
    store
        .end_poll(claim(me, 300), None, 310, Some(300))
        .await
        .unwrap();
    assert_eq!(next_at(&store).await, (Some(300), Some(200)));
    store
        .claim_poll(claim(me, 300), 300)
        .await
        .unwrap()
        .unwrap();
    store
        .commit_poll(claim(me, 300), gain("1", 0, Vec::new()))
        .await
        .unwrap()
        .unwrap();
    let all = store.polls(MAIN, "a", "z").await.unwrap();
    assert_eq!(
        (all[0].failures, &all[0].failure, all[0].failed_at),
        (0, &None, None)
    );
    store.close().await;
}

async fn a_flow_that_changed_meanwhile_gets_nothing(settings: Settings) {
    let (store, me) = polling(&settings).await;
    // Switched off.
    store
        .claim_poll(claim(me, 100), 100)
        .await
        .unwrap()
        .unwrap();
    let switch = |enabled| Switch {
        workspace: MAIN.to_owned(),
        flow: FLOW.to_owned(),
        enabled,
        schedules: vec![(TRIGGER.to_owned(), Some(400))],
    };
    store.switch(switch(false)).await.unwrap();
    let late = store
        .commit_poll(claim(me, 100), gain("1", 0, vec![found(me, "a")]))
        .await;
    assert_eq!(late, Ok(None));
    assert_eq!((runs(&store).await, next_at(&store).await.0), (0, None));
    store.switch(switch(true)).await.unwrap();
    assert_eq!(next_at(&store).await.0, Some(400));

    // Published anew while a poll is underway: what is due is left to that one, so that no two overlap.
    let slow = claim(me, 400);
    store.claim_poll(slow.clone(), 400).await.unwrap().unwrap();
    publish(&store, 410, 500).await;
    let next = Claim {
        version: 2,
        ..claim(me, 500)
    };
    assert_eq!(store.claim_poll(next.clone(), 500).await, Ok(None));
    assert_eq!(next_at(&store).await.0, Some(slow.until));
    // Once its claim has ended, others may.
    let later = Claim {
        due_at: slow.until,
        until: slow.until + 1,
        ..next
    };
    let taken = store.claim_poll(later, slow.until).await.unwrap();
    assert!(taken.is_some());
    let late = store
        .commit_poll(slow, gain("1", 0, vec![found(me, "a")]))
        .await;
    assert_eq!((late, runs(&store).await), (Ok(None), 0));
    store.close().await;
}

async fn what_a_server_left_is_due_again(settings: Settings) {
    let (store, me) = polling(&settings).await;
    store
        .claim_poll(claim(me, 100), 100)
        .await
        .unwrap()
        .unwrap();
    store.close().await;
    // Leaving it on PostgreSQL, and the next start on SQLite, make it due again.
    let store = Store::open(&settings).await.unwrap();
    let me = store.register(new_id()).await.unwrap();
    assert_eq!(next_at(&store).await, (Some(100), None));
    let stood = store.claim_poll(claim(me, 100), 100).await.unwrap();
    assert!(stood.is_some());
    store.close().await;
}
