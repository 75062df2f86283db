//! Several servers on one database: who has a run, what a server may do that has lost its lease, and what they tell each other.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{MAIN, claim, count, draft, new_id, new_run, on_both_databases, on_postgresql, turn};
use crate::store::{
    Accepted, Error, Fire, Held, Hint, Lease, NewRun, Order, Publication, Settings, Status, Store,
    Turn, connect,
};

on_both_databases!(
    a_turn_counts_only_for_the_server_that_has_the_run,
    free_runs_are_claimed_once_and_in_order,
    a_parked_run_is_nobodys_until_it_is_due,
    a_run_that_is_let_go_is_free,
    a_start_takes_what_the_last_one_left,
    orders_wait_for_the_server_that_has_the_run,
    a_run_whose_caller_was_cancelled_is_found_and_no_run_is_called_twice,
    registering_twice_changes_nothing,
    the_earlier_runs_of_a_trigger_are_found,
);

/// A run that `server` drives.
fn run_of(server: Uuid, status: Status) -> NewRun {
    let mut run = new_run("orders", 1, status);
    run.turn.server = Some(server);
    run
}

/// Another turn of a run that `server` drives.
fn turn_of(server: Uuid, seq: u32, status: Status) -> Turn {
    Turn {
        server: Some(server),
        ..turn(seq, 2, status)
    }
}

async fn registered(settings: &Settings) -> (Store, Uuid) {
    let store = Store::open(settings).await.unwrap();
    let server = store.register(new_id()).await.unwrap();
    (store, server)
}

async fn owner(store: &Store, run: Uuid) -> Option<Uuid> {
    store.run(MAIN, run).await.unwrap().unwrap().server
}

async fn a_turn_counts_only_for_the_server_that_has_the_run(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let going = run_of(me, Status::Running);
    let ended = run_of(me, Status::Succeeded);
    for run in [&going, &ended] {
        assert_eq!(store.accept(run.clone()).await, Ok(Accepted::New));
    }
    assert_eq!(owner(&store, going.id).await, Some(me));
    assert_eq!(
        owner(&store, ended.id).await,
        None,
        "what has ended is nobody's"
    );
    assert_eq!(
        store.runs_of(me).await,
        Ok(vec![(MAIN.to_owned(), going.id)])
    );
    // Somebody who acts as nobody, and somebody who is not this server.
    let nobody = store.commit(MAIN, going.id, turn(1, 2, Status::Succeeded));
    assert!(matches!(nobody.await, Err(Error::Conflict(_))));
    let other = turn_of(new_id(), 1, Status::Succeeded);
    let other = store.commit(MAIN, going.id, other).await;
    assert_eq!(other, Err(Error::Fenced));
    let stranger = store.accept(run_of(new_id(), Status::Running)).await;
    assert_eq!(stranger, Err(Error::Fenced));
    // A run that nobody has is not this server's.
    let free = new_run("orders", 1, Status::Running);
    store.accept(free.clone()).await.unwrap();
    let early = turn_of(me, 1, Status::Succeeded);
    let early = store.commit(MAIN, free.id, early).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    assert_eq!(count(&store, "SELECT count(*) FROM journal").await, 3);

    let next = turn_of(me, 1, Status::Running);
    store.commit(MAIN, going.id, next).await.unwrap();
    assert_eq!(owner(&store, going.id).await, Some(me));
    let last = turn_of(me, 2, Status::Succeeded);
    store.commit(MAIN, going.id, last).await.unwrap();
    assert_eq!(owner(&store, going.id).await, None);
    assert_eq!(store.runs_of(me).await, Ok(Vec::new()));
    store.close().await;
}

async fn free_runs_are_claimed_once_and_in_order(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let mut runs: Vec<NewRun> = (0..60)
        .map(|_| new_run("orders", 1, Status::Running))
        .collect();
    for (number, run) in runs.iter_mut().enumerate() {
        run.workspace = [MAIN, "other"][number % 2].to_owned();
        store.accept(run.clone()).await.unwrap();
    }
    store
        .accept(new_run("orders", 1, Status::Succeeded))
        .await
        .unwrap();
    assert!(store.free(0).await.unwrap().now);
    let first = claim(&store, me, 0, 10).await.unwrap();
    let ids: Vec<Uuid> = first.iter().map(|run| run.id).collect();
    let expected: Vec<Uuid> = runs[..10].iter().map(|run| run.id).collect();
    let sorted = ids.iter().copied().collect::<BTreeSet<_>>();
    assert!(
        sorted.iter().eq(&expected),
        "of each flow those with the smallest ids"
    );
    assert!(
        ids[..5].is_sorted() && ids[5..].is_sorted(),
        "in their order"
    );
    assert!(first.iter().all(|run| run.server == Some(me)));
    let claims = join_all((0..20).map(|_| claim(&store, me, 0, 7))).await;
    let mut rest: Vec<Uuid> = claims
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|run| run.id)
        .collect();
    rest.sort_unstable();
    let expected: Vec<Uuid> = runs[10..].iter().map(|run| run.id).collect();
    assert_eq!(rest, expected, "each of them once");
    let free = store.free(i64::MAX).await.unwrap();
    assert_eq!((free.now, free.next_at), (false, None));
    assert_eq!(store.claim_run(me, MAIN, runs[0].id).await, Ok(None));
    store.close().await;
}

async fn a_parked_run_is_nobodys_until_it_is_due(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let mut parked = Vec::new();
    for number in 0..4 {
        let run = run_of(me, Status::Running);
        store.accept(run.clone()).await.unwrap();
        let at = 1_000 - number;
        let turn = Turn {
            wake_at: Some(at),
            parked_until: Some(at),
            ..turn_of(me, 1, Status::Waiting)
        };
        store.commit(MAIN, run.id, turn).await.unwrap();
        assert_eq!(owner(&store, run.id).await, None);
        parked.push(run.id);
    }
    let free = store.free(996).await.unwrap();
    assert_eq!((free.now, free.next_at), (false, Some(997)));
    assert!(store.free(997).await.unwrap().now);
    assert_eq!(claim(&store, me, 996, 10).await.unwrap(), []);
    // Whoever had it has it no more.
    let late = store.commit(MAIN, parked[0], turn_of(me, 2, Status::Succeeded));
    assert!(matches!(late.await, Err(Error::Conflict(_))));
    let due = claim(&store, me, 998, 10).await.unwrap();
    let due: Vec<Uuid> = due.iter().map(|run| run.id).collect();
    assert_eq!(due, [parked[3], parked[2]], "the longest due first");
    // A person wants one before its time.
    let run = store.claim_run(me, MAIN, parked[0]).await.unwrap().unwrap();
    assert_eq!(
        (run.id, run.server, run.wake_at),
        (parked[0], Some(me), Some(1_000))
    );
    assert_eq!(store.claim_run(me, MAIN, parked[0]).await, Ok(None));
    let last = turn_of(me, 2, Status::Succeeded);
    store.commit(MAIN, parked[0], last).await.unwrap();
    assert_eq!(store.free(5_000).await.unwrap().next_at, Some(999));
    store.close().await;
}

async fn a_run_that_is_let_go_is_free(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let run = run_of(me, Status::Running);
    store.accept(run.clone()).await.unwrap();
    store.let_go(me, MAIN, run.id, Some(70)).await.unwrap();
    assert_eq!(store.free(69).await.unwrap().next_at, Some(70));
    // Who does not have it cannot let it go.
    store.let_go(me, MAIN, run.id, None).await.unwrap();
    assert!(!store.free(69).await.unwrap().now);
    assert!(store.claim_run(me, MAIN, run.id).await.unwrap().is_some());
    store.let_go(me, MAIN, run.id, None).await.unwrap();
    assert!(store.free(0).await.unwrap().now);
    assert_eq!(claim(&store, me, 0, 10).await.unwrap().len(), 1);
    store.close().await;
}

async fn a_start_takes_what_the_last_one_left(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let left = run_of(me, Status::Running);
    store.accept(left.clone()).await.unwrap();
    let mut waits = run_of(me, Status::Waiting);
    waits.turn.wake_at = Some(900);
    waits.turn.parked_until = Some(900);
    store.accept(waits.clone()).await.unwrap();
    store.close().await;
    let (store, next) = registered(&settings).await;
    assert_ne!(me, next);
    let taken = claim(&store, next, 0, 10).await.unwrap();
    assert_eq!(taken.len(), 1, "what waits goes on waiting");
    assert_eq!(taken[0].id, left.id);
    assert_eq!(store.free(0).await.unwrap().next_at, Some(900));
    store.close().await;
}

async fn orders_wait_for_the_server_that_has_the_run(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let run = run_of(me, Status::Running);
    store.accept(run.clone()).await.unwrap();
    let order = Order {
        workspace: MAIN.to_owned(),
        run: run.id,
        id: new_id(),
        undo: true,
        by: Some("Ada".to_owned()),
        note: None,
        at: 7,
    };
    store.order(order.clone()).await.unwrap();
    assert_eq!(store.orders(me).await, Ok(vec![order.clone()]));
    assert_eq!(store.orders(new_id()).await, Ok(Vec::new()));
    assert_eq!(store.is_open(MAIN, run.id, order.id).await, Ok(true));
    store.forget_orders().await.unwrap();
    assert_eq!(store.is_open(MAIN, run.id, order.id).await, Ok(true));
    store.settle(MAIN, run.id, order.id).await.unwrap();
    assert_eq!(store.is_open(MAIN, run.id, order.id).await, Ok(false));
    // One that nobody has taken back when its run has ended is forgotten.
    store.order(order.clone()).await.unwrap();
    let last = turn_of(me, 1, Status::Cancelled);
    store.commit(MAIN, run.id, last).await.unwrap();
    store.forget_orders().await.unwrap();
    assert_eq!(store.is_open(MAIN, run.id, order.id).await, Ok(false));
    store.close().await;
}

async fn a_run_whose_caller_was_cancelled_is_found_and_no_run_is_called_twice(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let caller = run_of(me, Status::Running);
    let mut called = run_of(me, Status::Running);
    called.parent = Some(caller.id);
    let (first, second) = (store.accept(called.clone()), store.accept(called.clone()));
    let both = futures::join!(store.accept(caller.clone()), first, second);
    assert_eq!((both.0, both.1), (Ok(Accepted::New), Ok(Accepted::New)));
    assert!(matches!(both.2, Err(Error::Conflict(_))), "{:?}", both.2);
    let row = store.run(MAIN, called.id).await.unwrap().unwrap();
    assert_eq!((row.parent, row.server), (Some(caller.id), Some(me)));
    assert_eq!(store.forsaken(me).await, Ok(Vec::new()));
    let last = turn_of(me, 1, Status::Cancelled);
    store.commit(MAIN, caller.id, last).await.unwrap();
    let found = vec![(MAIN.to_owned(), called.id)];
    assert_eq!(store.forsaken(me).await, Ok(found));
    assert_eq!(store.forsaken(new_id()).await, Ok(Vec::new()));
    let last = turn_of(me, 1, Status::Cancelled);
    store.commit(MAIN, called.id, last).await.unwrap();
    assert_eq!(store.forsaken(me).await, Ok(Vec::new()));
    store.close().await;
}

async fn registering_twice_changes_nothing(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let run = run_of(me, Status::Running);
    store.accept(run.clone()).await.unwrap();
    assert_eq!(store.register(new_id()).await, Ok(me));
    assert_eq!(owner(&store, run.id).await, Some(me));
    store.close().await;
}

/// Makes each test of a list one on PostgreSQL alone, where there are others.
macro_rules! on_postgresql_alone {
    ($($name:ident => $body:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            on_postgresql($body).await;
        })*
    };
}

on_postgresql_alone!(
    postgresql_a_lost_lease_writes_nothing_until_it_is_registered_anew => lost_lease,
    postgresql_a_lease_is_renewed_and_given_back => renewed,
    postgresql_servers_that_claim_at_once_share_what_is_free => claimed_at_once,
    postgresql_a_takeover_waits_for_a_transaction_underway => underway,
    postgresql_a_server_frozen_in_a_transaction_is_cut_off => frozen,
    postgresql_a_fire_of_a_version_that_is_published_no_more_comes_to_nothing => stale_fire,
    postgresql_of_two_who_publish_at_once_one_looks_again => published_at_once,
    postgresql_servers_hear_each_other => heard,
    postgresql_servers_must_have_one_key => one_key,
);

/// Ends a lease as time would.
async fn end_lease(store: &Store, server: Uuid) {
    let writer = connect::writer(&settings_of(store)).await.unwrap();
    let end = format!("UPDATE server SET expires_at = 0 WHERE id = '{server}'");
    writer.database.execute_unprepared(&end).await.unwrap();
    writer.database.close().await.unwrap();
}

fn settings_of(store: &Store) -> Settings {
    let pool = store.shared.readers.get_postgres_connection_pool();
    let name = pool.connect_options().get_database().unwrap().to_owned();
    Settings::new(crate::store::Database::Postgresql {
        url: super::postgresql_url(&name),
    })
}

async fn until_lost(store: &Store) {
    let mut lease = store.lease();
    let lost = lease.wait_for(|lease| *lease == Lease::Lost);
    let lost = tokio::time::timeout(Duration::from_secs(60), lost).await;
    assert!(lost.is_ok(), "a lease that was taken is never missed");
}

async fn lost_lease(settings: Settings) {
    let (first, a) = registered(&settings).await;
    let (second, b) = registered(&settings).await;
    let going = run_of(a, Status::Running);
    first.accept(going.clone()).await.unwrap();
    let mut waits = run_of(a, Status::Waiting);
    waits.turn.wake_at = Some(900);
    waits.turn.parked_until = Some(900);
    first.accept(waits.clone()).await.unwrap();
    assert_eq!(claim(&second, b, 0, 10).await.unwrap(), [], "others' runs");
    assert_eq!(second.take_over().await, Ok(0), "nobody is late");
    assert!(!second.look().await.unwrap().ended);

    end_lease(&first, a).await;
    assert!(second.look().await.unwrap().ended);
    // Late, but not taken over: it goes on.
    let next = turn_of(a, 1, Status::Running);
    first.commit(MAIN, going.id, next).await.unwrap();
    end_lease(&first, a).await;
    assert_eq!(second.take_over().await, Ok(1));
    let taken = claim(&second, b, 0, 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].id, taken[0].turns), (going.id, 2));

    // Whatever it does now comes to nothing.
    let late = turn_of(a, 2, Status::Succeeded);
    let late = first.commit(MAIN, going.id, late).await;
    assert_eq!(late, Err(Error::Fenced));
    until_lost(&first).await;
    assert_eq!(first.ping().await, Err(Error::Fenced));
    assert_eq!(
        first.accept(run_of(a, Status::Running)).await,
        Err(Error::Fenced)
    );
    let nobodys = first.accept(new_run("orders", 1, Status::Succeeded)).await;
    assert_eq!(nobodys, Err(Error::Fenced));
    assert_eq!(claim(&first, a, 0, 10).await, Err(Error::Fenced));
    let drafted = first.create_draft(draft("report", "{}", 1)).await;
    assert_eq!(drafted, Err(Error::Fenced));
    let next = turn_of(b, 2, Status::Succeeded);
    second.commit(MAIN, going.id, next).await.unwrap();
    let seqs: Vec<u32> = second
        .journal(MAIN, going.id, 0, 9)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.seq)
        .collect();
    assert_eq!(seqs, [0, 1, 2]);
    assert_eq!(count(&second, "SELECT count(*) FROM run").await, 2);

    // Under a new identity it is a server like any other; what it did under the old one stays refused.
    let fresh = first.register(new_id()).await.unwrap();
    assert_ne!(fresh, a);
    assert_eq!(first.ping().await, Ok(()));
    assert_eq!(
        first.accept(run_of(a, Status::Running)).await,
        Err(Error::Fenced)
    );
    let own = run_of(fresh, Status::Running);
    assert_eq!(first.accept(own).await, Ok(Accepted::New));
    let due = claim(&first, fresh, 900, 10).await.unwrap();
    assert_eq!(due[0].id, waits.id);
    first.close().await;
    second.close().await;
}

async fn renewed(mut settings: Settings) {
    settings.lease = Duration::from_millis(600);
    let (first, a) = registered(&settings).await;
    settings.lease = Duration::from_secs(60);
    let (second, b) = registered(&settings).await;
    let going = run_of(a, Status::Running);
    first.accept(going.clone()).await.unwrap();
    let mut lease = first.lease();
    let start = tokio::time::Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        lease.changed().await.unwrap();
        let now = *lease.borrow_and_update();
        let Lease::Held(Held { server, clock, .. }) = now else {
            panic!("{now:?}");
        };
        assert_eq!((server, clock.is_some()), (a, true));
        assert_eq!(second.take_over().await, Ok(0));
    }
    assert_eq!(second.look().await.unwrap().servers, 2);
    first.close().await;
    assert_eq!(count(&second, "SELECT count(*) FROM server").await, 1);
    let left = claim(&second, b, 0, 10).await.unwrap();
    assert_eq!(left[0].id, going.id, "a good stop hands over at once");
    second.close().await;
}

async fn the_earlier_runs_of_a_trigger_are_found(settings: Settings) {
    let (store, server) = registered(&settings).await;
    let mut runs = Vec::new();
    let mut accept = async |flow: &str, trigger: &str| {
        let mut run = run_of(server, Status::Waiting);
        (run.flow, run.trigger) = (flow.to_owned(), trigger.to_owned());
        store.accept(run.clone()).await.unwrap();
        runs.push(run.id);
        run.id
    };
    let first = accept("orders", "days").await;
    accept("orders", "hours").await;
    accept("bookings", "days").await;
    let second = accept("orders", "days").await;
    let third = accept("orders", "days").await;
    let earlier = async |run: Uuid, most: u32| {
        let found = store.earlier(MAIN, "orders", "days", run, most).await;
        found.unwrap()
    };
    assert_eq!(earlier(third, 9).await, [first, second]);
    assert_eq!(earlier(third, 1).await, [first], "the oldest first");
    assert!(earlier(first, 9).await.is_empty());
    let end = turn_of(server, 1, Status::Cancelled);
    store.commit(MAIN, first, end).await.unwrap();
    assert_eq!(earlier(third, 9).await, [second]);
    let elsewhere = store.earlier("other", "orders", "days", third, 9).await;
    assert!(elsewhere.unwrap().is_empty());
    store.close().await;
}

async fn claimed_at_once(settings: Settings) {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(registered(&settings).await);
    }
    let all: Vec<Uuid> = join_all((0..300).map(|_| async {
        let run = new_run("orders", 1, Status::Running);
        servers[0].0.accept(run.clone()).await.unwrap();
        run.id
    }))
    .await;
    let claimers = servers.iter().map(|(store, server)| async move {
        let mut mine = Vec::new();
        loop {
            let some = claim(store, *server, 0, 9).await.unwrap();
            if some.is_empty() && !store.free(0).await.unwrap().now {
                return mine;
            }
            mine.extend(some.into_iter().map(|run| run.id));
        }
    });
    let shares = join_all(claimers).await;
    for (share, (store, server)) in shares.iter().zip(&servers) {
        assert!(!share.is_empty(), "each gets some");
        let mut own: Vec<Uuid> = store
            .runs_of(*server)
            .await
            .unwrap()
            .into_iter()
            .map(|(_, id)| id)
            .collect();
        own.sort_unstable();
        let mut share = share.clone();
        share.sort_unstable();
        assert_eq!(own, share);
    }
    let mut taken = shares.concat();
    taken.sort_unstable();
    let mut all = all;
    all.sort_unstable();
    assert_eq!(taken, all);
    for (store, _) in servers {
        store.close().await;
    }
}

async fn underway(settings: Settings) {
    let (first, a) = registered(&settings).await;
    let (second, _) = registered(&settings).await;
    end_lease(&first, a).await;
    // A transaction of the first server, in which it still holds its lease.
    let writer = connect::writer(&settings).await.unwrap();
    let begin = format!("BEGIN; SELECT 1 FROM server WHERE id = '{a}' FOR KEY SHARE");
    writer.database.execute_unprepared(&begin).await.unwrap();
    assert_eq!(second.take_over().await, Ok(0), "it is not waited for");
    let run = run_of(a, Status::Running);
    let insert = format!(
        "INSERT INTO run (workspace, id, flow, version, trigger, status, started_at, turns, server) \
         VALUES ('main', '{}', 'f', 1, 't', 'running', 1, 1, '{a}'); COMMIT",
        run.id
    );
    writer.database.execute_unprepared(&insert).await.unwrap();
    assert_eq!(second.take_over().await, Ok(1));
    assert_eq!(
        owner(&second, run.id).await,
        None,
        "its last run is not overlooked"
    );
    writer.database.close().await.unwrap();
    first.close().await;
    second.close().await;
}

async fn frozen(mut settings: Settings) {
    settings.lease = Duration::from_millis(300);
    let (first, a) = registered(&settings).await;
    let (second, _) = registered(&settings).await;
    let writer = connect::writer(&settings).await.unwrap();
    let begin = format!("BEGIN; SELECT 1 FROM server WHERE id = '{a}' FOR KEY SHARE");
    writer.database.execute_unprepared(&begin).await.unwrap();
    // Its committer ends as it would in a process that is killed: without giving the lease back.
    let committer = first.shared.committer.lock().await.take();
    committer.unwrap().abort();
    let start = tokio::time::Instant::now();
    // Its session says nothing more, so the database ends it.
    let gone = async {
        while count(&second, "SELECT count(*) FROM server").await > 1 {
            second.take_over().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone)
        .await
        .unwrap();
    assert!(start.elapsed() < Duration::from_secs(20));
    let session = writer.session.unwrap();
    let there = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {session}");
    assert_eq!(count(&second, &there).await, 0);
    second.close().await;
}

fn publication(at: i64, next_at: i64) -> Publication {
    Publication {
        workspace: MAIN.to_owned(),
        flow: "report".to_owned(),
        expected: None,
        document: "{}".to_owned(),
        note: None,
        at,
        schedules: vec![("order".to_owned(), Some(next_at))],
        counted: None,
    }
}

async fn stale_fire(settings: Settings) {
    let (first, me) = registered(&settings).await;
    let (second, _) = registered(&settings).await;
    first.create_draft(draft("report", "{}", 1)).await.unwrap();
    first.publish(publication(1, 1_000)).await.unwrap();
    // Published again when the instant is due, which stays due.
    second.publish(publication(1_000, 2_000)).await.unwrap();
    let fire = |version| Fire {
        version,
        expected_at: 1_000,
        at: 1_000,
        next_at: Some(9_000),
    };
    for version in [Some(1), None] {
        let mut run = run_of(me, Status::Succeeded);
        run.flow = "report".to_owned();
        run.fire = Some(fire(version));
        assert_eq!(first.accept(run).await, Ok(Accepted::AlreadyFired));
        let skipped = first.skip_fire(MAIN, "report", "order", fire(version));
        assert_eq!(skipped.await, Ok(false));
    }
    assert_eq!(first.listened(MAIN, "report").await, Ok(Some(2)));
    assert_eq!(first.next_due().await, Ok(Some(1_000)));
    let skipped = first.skip_fire(MAIN, "report", "order", fire(Some(2)));
    assert_eq!(skipped.await, Ok(true));
    first.close().await;
    second.close().await;
}

async fn published_at_once(settings: Settings) {
    let (first, _) = registered(&settings).await;
    let (second, _) = registered(&settings).await;
    first.create_draft(draft("report", "{}", 1)).await.unwrap();
    let (counted, states) = second.flow_states().await.unwrap();
    assert_eq!((counted, states.len()), (Some(1), 1));
    assert_eq!(second.look().await.unwrap().flows, 1);
    let known = |counted| Publication {
        counted,
        ..publication(2, 1_000)
    };
    first.publish(known(counted)).await.unwrap();
    assert_eq!(second.publish(known(counted)).await, Err(Error::Busy));
    let (counted, states) = second.flow_states().await.unwrap();
    assert_eq!(states[0].standing.version, Some(1), "nothing was written");
    let standing = second.publish(known(counted)).await.unwrap();
    assert_eq!(standing.version, Some(2));
    assert!(first.look().await.unwrap().flows > counted.unwrap());
    first.close().await;
    second.close().await;
}

async fn heard(settings: Settings) {
    let (first, _) = registered(&settings).await;
    let mut hints = first.hints();
    let (second, _) = registered(&settings).await;
    // Anything comes when listening has begun, and when a server has.
    let next = async |hints: &mut tokio::sync::broadcast::Receiver<Hint>| {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(60), hints.recv());
            match next.await.unwrap().unwrap() {
                Hint::Anything => {}
                hint => return hint,
            }
        }
    };
    assert_eq!(hints.recv().await, Ok(Hint::Anything));
    second.create_draft(draft("report", "{}", 1)).await.unwrap();
    assert_eq!(next(&mut hints).await, Hint::Flows);
    let moved = Hint::Moved("[\"what a flow's \\\"title\\\" says\"]".to_owned());
    second.hint(&moved).await.unwrap();
    assert_eq!(next(&mut hints).await, moved);
    // Too long for the database: the lists say it.
    second.hint(&Hint::Moved("x".repeat(9_000))).await.unwrap();
    second.close().await;
    assert_eq!(
        next(&mut hints).await,
        Hint::Runs,
        "it has left what it had"
    );
    first.close().await;
}

async fn one_key(mut settings: Settings) {
    settings.name = "first".to_owned();
    settings.seal = "a key".to_owned();
    let (first, server) = registered(&settings).await;
    settings.seal = "another key".to_owned();
    let second = Store::open(&settings).await.unwrap();
    let refused = second.register(new_id()).await;
    assert!(
        matches!(&refused, Err(Error::Locked(text)) if text.contains("\"first\"") && text.contains("WEIR_KEY")),
        "{refused:?}"
    );
    // One that is gone has no say.
    end_lease(&first, server).await;
    second.register(new_id()).await.unwrap();
    second.close().await;
    first.close().await;
}
