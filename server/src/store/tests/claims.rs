//! Claims flow by flow: what was left, what is due, what waits for its turn; and the pauses of flows.

use std::collections::BTreeMap;

use futures::future::join_all;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::{MAIN, claim, draft, new_id, new_run, on_both_databases, on_postgresql, turn};
use crate::store::{
    Accepted, Error, FreeFlow, HELD, NewRun, Pause, Settings, Status, Store,
    claims::{claims, free_flows_text, free_text, held_text},
    flows::waiting_text,
    sql::numbered,
};

on_both_databases!(
    a_small_flow_gets_its_share_of_a_claim,
    what_waits_for_its_turn_is_claimed_last_and_in_order,
    nothing_is_claimed_of_a_flow_that_is_paused,
    a_paused_flow_is_counted_and_its_schedules_are_not_due,
);

async fn registered(settings: &Settings) -> (Store, Uuid) {
    let store = Store::open(settings).await.unwrap();
    let server = store.register(new_id()).await.unwrap();
    (store, server)
}

/// A run that waits for its turn.
fn held(flow: &str) -> NewRun {
    let mut run = new_run(flow, 1, Status::Waiting);
    run.turn.parked_until = Some(HELD);
    run
}

async fn accept(store: &Store, run: &NewRun) {
    // A flow gets only its share of what may wait at once.
    while let Err(error) = store.accept(run.clone()).await {
        assert_eq!(error, Error::Busy);
        tokio::task::yield_now().await;
    }
}

async fn paused(store: &Store, flow: &str, paused: bool) -> Result<Option<bool>, Error> {
    let pause = Pause {
        workspace: MAIN.to_owned(),
        flow: flow.to_owned(),
        paused,
    };
    let standing = store.pause(pause).await?;
    Ok(standing.map(|standing| standing.paused))
}

async fn a_small_flow_gets_its_share_of_a_claim(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let many: Vec<NewRun> = (0..1_000)
        .map(|_| new_run("noisy", 1, Status::Running))
        .collect();
    join_all(many.iter().map(|run| accept(&store, run))).await;
    let due = {
        let mut run = new_run("timer", 1, Status::Waiting);
        run.turn.wake_at = Some(50);
        run.turn.parked_until = Some(50);
        run
    };
    let quiet = new_run("quiet", 1, Status::Running);
    let waits = held("tired");
    for run in [&due, &quiet, &waits] {
        accept(&store, run).await;
    }
    let flows = store.free_flows().await.unwrap();
    let of = |flow: &str, left, next_at, held| FreeFlow {
        workspace: MAIN.to_owned(),
        flow: flow.to_owned(),
        left,
        next_at,
        held,
    };
    assert_eq!(
        flows,
        [
            of("noisy", true, None, false),
            of("quiet", true, None, false),
            of("timer", false, Some(50), false),
            of("tired", false, None, true),
        ]
    );
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for run in claim(&store, me, 50, 100).await.unwrap() {
        *taken.entry(run.flow).or_default() += 1;
    }
    let expected = [("noisy", 25), ("quiet", 1), ("timer", 1), ("tired", 1)];
    assert!(
        taken
            .iter()
            .map(|(flow, count)| (flow.as_str(), *count))
            .eq(expected),
        "{taken:?}"
    );
    store.close().await;
}

async fn what_waits_for_its_turn_is_claimed_last_and_in_order(settings: Settings) {
    let (store, me) = registered(&settings).await;
    let waiting: Vec<NewRun> = (0..5).map(|_| held("orders")).collect();
    for run in waiting.iter().rev() {
        accept(&store, run).await;
    }
    let free = store.free(i64::MAX).await.unwrap();
    assert_eq!((free.now, free.next_at, free.held), (false, None, true));
    let left = new_run("orders", 1, Status::Running);
    accept(&store, &left).await;
    let taken = claim(&store, me, i64::MAX, 3).await.unwrap();
    let ids: Vec<Uuid> = taken.iter().map(|run| run.id).collect();
    assert_eq!(ids, [left.id, waiting[0].id, waiting[1].id]);
    // One that is let go waits again, and before those that came later.
    store
        .let_go(me, MAIN, waiting[0].id, Some(HELD))
        .await
        .unwrap();
    let row = store.run(MAIN, waiting[0].id).await.unwrap().unwrap();
    assert_eq!((row.status, row.server), (Status::Waiting, None));
    let taken = claim(&store, me, 0, 2).await.unwrap();
    let ids: Vec<Uuid> = taken.iter().map(|run| run.id).collect();
    assert_eq!(ids, [waiting[0].id, waiting[2].id]);
    assert_eq!(store.held(MAIN, "orders", 10).await, Ok(2));
    assert_eq!(store.held(MAIN, "orders", 1).await, Ok(1));
    assert_eq!(store.held(MAIN, "others", 10).await, Ok(0));
    // A person wants one before its turn.
    assert!(
        store
            .claim_run(me, MAIN, waiting[4].id)
            .await
            .unwrap()
            .is_some()
    );
    store.close().await;
}

async fn nothing_is_claimed_of_a_flow_that_is_paused(settings: Settings) {
    let (store, me) = registered(&settings).await;
    assert!(matches!(
        paused(&store, "orders", true).await,
        Err(Error::NotFound(_))
    ));
    store.create_draft(draft("orders", "{}", 1)).await.unwrap();
    let waits = held("orders");
    accept(&store, &waits).await;
    // What was seen before the pause is not taken after it.
    let seen = store.free_flows().await.unwrap();
    assert!(seen[0].held);
    assert_eq!(paused(&store, "orders", true).await, Ok(Some(true)));
    assert_eq!(paused(&store, "orders", true).await, Ok(None));
    let wish = crate::store::Wish::new(seen[0].clone(), 10, 10);
    assert_eq!(store.claim(me, 0, vec![wish]).await, Ok(Vec::new()));
    let now = store.free_flows().await.unwrap();
    assert_eq!((now.len(), now[0].held), (1, false));
    // What has begun goes on.
    let begun = new_run("orders", 1, Status::Running);
    accept(&store, &begun).await;
    let taken = claim(&store, me, 0, 10).await.unwrap();
    assert_eq!(
        taken.iter().map(|run| run.id).collect::<Vec<_>>(),
        [begun.id]
    );
    let ends = store.commit(
        MAIN,
        begun.id,
        crate::store::Turn {
            server: Some(me),
            ..turn(1, 2, Status::Succeeded)
        },
    );
    ends.await.unwrap();

    assert_eq!(paused(&store, "orders", false).await, Ok(Some(false)));
    let taken = claim(&store, me, 0, 10).await.unwrap();
    assert_eq!(
        taken.iter().map(|run| run.id).collect::<Vec<_>>(),
        [waits.id]
    );
    store.close().await;
}

async fn a_paused_flow_is_counted_and_its_schedules_are_not_due(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    store.create_draft(draft("orders", "{}", 1)).await.unwrap();
    let publication = crate::store::Publication {
        workspace: MAIN.to_owned(),
        flow: "orders".to_owned(),
        expected: None,
        document: "{}".to_owned(),
        note: None,
        at: 2,
        schedules: vec![("daily".to_owned(), Some(100))],
        counted: None,
    };
    assert!(!store.publish(publication).await.unwrap().paused);
    for _ in 0..3 {
        assert_eq!(store.accept(held("orders")).await, Ok(Accepted::New));
    }
    store
        .accept(new_run("orders", 1, Status::Running))
        .await
        .unwrap();
    let listed = store.flows(MAIN, 0, None, 10).await.unwrap();
    assert_eq!((listed[0].active, listed[0].waiting), (4, 3));
    assert_eq!(store.next_due().await, Ok(Some(100)));
    paused(&store, "orders", true).await.unwrap();
    assert!(store.flows(MAIN, 0, None, 10).await.unwrap()[0].flow.paused);
    assert_eq!(store.next_due().await, Ok(None));
    assert_eq!(store.due_schedules(500, 10).await, Ok(Vec::new()));
    assert!(store.published().await.unwrap()[0].paused);
    paused(&store, "orders", false).await.unwrap();
    let due = store.due_schedules(500, 10).await.unwrap();
    assert_eq!(due[0].next_at, Some(100), "what it missed is known");
    store.close().await;
}

/// A hundred thousand runs must not be looked through for each look: on PostgreSQL, too, an index leads.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_finds_what_is_free_by_an_index() {
    on_postgresql(|settings| async move {
        let store = Store::open(&settings).await.unwrap();
        // Most have ended, as anywhere.
        let fill = "INSERT INTO run (workspace, id, flow, version, trigger, status, started_at, ended_at, turns, parked_until) \
            SELECT 'main', gen_random_uuid(), 'flow' || (n % 7), 1, 't', CASE n % 20 WHEN 0 THEN 'waiting' ELSE 'succeeded' END, n, \
            CASE n % 20 WHEN 0 THEN NULL ELSE n END, 1, \
            CASE n % 60 WHEN 0 THEN 9007199254740991 WHEN 20 THEN n END FROM generate_series(1, 100000) n";
        let writer = crate::store::connect::listener(&settings).await.unwrap();
        writer.execute_unprepared(fill).await.unwrap();
        writer.execute_unprepared("ANALYZE run").await.unwrap();
        writer.close().await.unwrap();
        let backend = sea_orm::DbBackend::Postgres;
        let [left, due, held] = claims(backend);
        let texts = [
            (free_text(), vec![]),
            (waiting_text(backend), vec!["main".into(), "flow1".into(), "flow3".into()]),
            (free_flows_text(backend), vec![]),
            (left, vec!["main".into(), "flow1".into(), 10_i64.into(), new_id().into()]),
            (due, vec!["main".into(), "flow1".into(), 5_i64.into(), 10_i64.into(), new_id().into()]),
            (held, vec!["main".into(), "flow1".into(), 10_i64.into(), new_id().into()]),
            (held_text(backend), vec!["main".into(), "flow1".into(), 10_i64.into()]),
        ];
        for (text, values) in texts {
            let explain = format!("EXPLAIN {}", numbered(backend, &text));
            let statement = Statement::from_sql_and_values(backend, explain, values);
            let rows = store.shared.readers.query_all_raw(statement).await.unwrap();
            let lines: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
            let plan = lines.join("\n");
            assert!(!plan.contains("Seq Scan on run") && !plan.contains("Sort"), "{text}\n{plan}");
        }
        store.close().await;
    })
    .await;
}
