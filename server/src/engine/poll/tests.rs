//! Polls against a partner with pages, over restarts, failures and races, on SQLite in a temporary directory and a manual clock.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::yield_now;

use super::super::schedule::fire_due;
use crate::{
    connectors::http::tests::partner::{Answer, Partner, Received, json as json_answer},
    engine::{Engine, Limits, PollLimits},
    outbound,
    store::{self, RunFilter, Store},
    world::World,
};

const MINUTE: i64 = 60_000;
const START: i64 = 1_774_745_130_000;

/// What outlives a restart: the clock, the data directory and the partner with its items.
struct Place {
    world: World,
    dir: TempDir,
    /// How many items the partner has by now; their ids count from 1.
    items: Arc<AtomicUsize>,
    /// How the partner answers: 200, another status, or 0 for never.
    status: Arc<AtomicUsize>,
    partner: Partner,
}

impl Place {
    async fn new() -> Place {
        outbound::install_tls();
        let (items, status) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(200)),
        );
        let (there, says) = (Arc::clone(&items), Arc::clone(&status));
        let partner = Partner::start(move |request| {
            let there = there.load(Ordering::SeqCst);
            match says.load(Ordering::SeqCst) {
                0 => Answer::Hang(Vec::new()),
                200 => page(request, there),
                status => json_answer(
                    u16::try_from(status).unwrap(),
                    json!({ "error": "not now" }),
                ),
            }
        });
        Place {
            world: World::manual(START, 7),
            dir: TempDir::new().unwrap(),
            items,
            status,
            partner: partner.await,
        }
    }

    async fn store(&self) -> Store {
        let dir = self.dir.path().join("data");
        let settings = store::Settings::new(store::Database::Sqlite { dir });
        Store::open(&settings).await.unwrap()
    }

    async fn start(&self) -> Engine {
        self.start_on(self.store().await, Limits::default()).await
    }

    async fn start_on(&self, store: Store, limits: Limits) -> Engine {
        Engine::on(store, &self.world, self.dir.path(), limits).await
    }

    /// Publishes a flow that polls the partner every minute.
    async fn publish(&self, engine: &Engine, more: Value) {
        let connection = json!({ "base_url": self.partner.url("/") }).to_string();
        let now = self.world.now_ms();
        let store = engine.store();
        store
            .put_connection("main", "partner", connection, None, now)
            .await
            .unwrap();
        let mut trigger = json!({ "kind": "poll", "connection": "partner", "config": { "every": "1m", "script": SCRIPT } });
        for (key, value) in more.as_object().unwrap() {
            trigger[key] = value.clone();
        }
        let document = json!({
            "format": "weir/flow@1", "id": "changes", "triggers": { "new": trigger },
            "steps": { "note": { "kind": "map", "config": { "script": "input.body" } } },
            "links": [{ "from": "new", "to": "note" }],
        });
        let draft = store::Draft {
            workspace: "main".to_owned(),
            flow: "changes".to_owned(),
            title: String::new(),
            document: document.to_string(),
            at: now,
        };
        if engine
            .store()
            .flow("main", "changes")
            .await
            .unwrap()
            .is_none()
        {
            engine.create_draft(draft).await.unwrap();
        } else {
            let revision = engine
                .store()
                .flow("main", "changes")
                .await
                .unwrap()
                .unwrap()
                .revision;
            engine.update_draft(draft, Some(revision)).await.unwrap();
        }
        engine.publish("main", "changes", None, None).await.unwrap();
    }

    /// Moves the clock to the next minute and polls until nothing is due.
    async fn poll(&self, engine: &Engine) {
        let now = self.world.now_ms();
        self.world.set_now_ms((now / MINUTE + 1) * MINUTE);
        fire_due(engine).await.unwrap();
        settled(engine).await;
    }

    fn asked(&self) -> usize {
        self.partner.received().len()
    }
}

/// Up to two items after the one that is named.
fn page(request: &Received, there: usize) -> Answer {
    let after = request.target.split("after=").nth(1).unwrap_or("0");
    let after: usize = after.parse().unwrap();
    let ids: Vec<usize> = (after + 1..=there).take(2).collect();
    let items: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    json_answer(
        200,
        json!({ "items": items, "more": after + ids.len() < there }),
    )
}

const SCRIPT: &str = "\
let page = http.get(\"/items\", #{ query: #{ after: cursor ?? 0 } }).body;
let next = if page.items.is_empty() { () } else { page.items[-1].id };
#{ messages: page.items, cursor: next, more: page.more }";

async fn stands(engine: &Engine) -> store::Poll {
    let poll = engine.store().poll("main", "changes", "new").await;
    poll.unwrap().unwrap_or_default()
}

async fn next_at(engine: &Engine) -> Option<i64> {
    let schedules = engine.store().schedules("main", "changes").await.unwrap();
    schedules[0].next_at
}

/// Waits until no poll is underway or due, and no run is underway.
async fn settled(engine: &Engine) {
    loop {
        let before = stands(engine).await;
        let due = next_at(engine).await;
        let waits = due.is_none_or(|at| at > engine.world().now_ms());
        let idle = engine.store().underway("main", "changes", "new", 9).await == Ok(0);
        // A poll that came in between has moved the cursor, or nothing is due after it.
        if waits && idle && before.due_at.is_none() && stands(engine).await == before {
            return;
        }
        yield_now().await;
    }
}

/// How many runs there are for each item.
async fn arrived(engine: &Engine) -> BTreeMap<i64, usize> {
    let mut all = BTreeMap::new();
    let mut filter = RunFilter {
        limit: 200,
        ..RunFilter::default()
    };
    loop {
        let page = engine.store().runs("main", &filter).await.unwrap();
        for run in page.items {
            let journal = engine.store().journal("main", run.id, 0, 1).await.unwrap();
            let message: Value =
                serde_json::from_str(journal[0].message.as_ref().unwrap()).unwrap();
            *all.entry(message["body"]["id"].as_i64().unwrap())
                .or_default() += 1;
        }
        filter.after = page.next;
        if filter.after.is_none() {
            return all;
        }
    }
}

fn each_once(count: usize) -> BTreeMap<i64, usize> {
    (1..=count)
        .map(|id| (i64::try_from(id).unwrap(), 1))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_arrives_once_over_pages_polls_and_versions() {
    let place = Place::new().await;
    let engine = place.start().await;
    place.publish(&engine, json!({})).await;
    // A poll that finds nothing leaves its cursor.
    place.poll(&engine).await;
    assert_eq!((stands(&engine).await.cursor, place.asked()), (None, 1));
    for (items, pages) in [(5, 3), (5, 1), (6, 1), (12, 3)] {
        place.items.store(items, Ordering::SeqCst);
        let before = place.asked();
        place.poll(&engine).await;
        assert_eq!(place.asked() - before, pages, "{items}");
        assert_eq!(arrived(&engine).await, each_once(items));
        assert_eq!(stands(&engine).await.cursor, Some(items.to_string()));
    }
    // A new version goes on where the one before ended.
    place.publish(&engine, json!({ "title": "Another" })).await;
    place.items.store(13, Ordering::SeqCst);
    place.poll(&engine).await;
    assert_eq!(arrived(&engine).await, each_once(13));
    let newest = engine
        .store()
        .runs("main", &RunFilter::default())
        .await
        .unwrap();
    assert_eq!(newest.items[0].version, 2);
    engine.stop().await;
}

/// The server starts a hundred times, and is stopped while it asks, writes or drives.
#[tokio::test(flavor = "multi_thread")]
async fn every_item_arrives_once_whatever_the_restarts() {
    let place = Place::new().await;
    let engine = place.start().await;
    place.publish(&engine, json!({})).await;
    engine.stop().await;
    for round in 0..100 {
        place.items.fetch_add(1 + round % 3, Ordering::SeqCst);
        place.world.advance(Duration::from_secs(60));
        let engine = place.start().await;
        if round % 4 == 0 {
            fire_due(&engine).await.unwrap();
        }
        for _ in 0..round % 7 {
            yield_now().await;
        }
        engine.stop().await;
    }
    let engine = place.start().await;
    place.poll(&engine).await;
    let items = place.items.load(Ordering::SeqCst);
    assert_eq!(arrived(&engine).await, each_once(items));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_that_race_poll_an_instant_once() {
    let place = Place::new().await;
    let store = place.store().await;
    let first = place.start_on(store.clone(), Limits::default()).await;
    place.publish(&first, json!({})).await;
    let second = place.start_on(store, Limits::default()).await;
    for _ in 0..30 {
        place.world.advance(Duration::from_secs(60));
        let racers = [&first, &second, &first, &second].map(|engine| {
            let engine = engine.clone();
            tokio::spawn(async move { fire_due(&engine).await.map(|_| ()) })
        });
        for racer in racers {
            racer.await.unwrap().unwrap();
        }
        settled(&first).await;
    }
    assert_eq!(place.asked(), 30);
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filter_schema_and_dedupe_hold_for_each_message() {
    let place = Place::new().await;
    let engine = place.start().await;
    let script = "#{ messages: [1, 2, 2, 3, 11].map(|id| #{ id: id, n: cursor ?? 0 }), cursor: (cursor ?? 0) + 1 }";
    let poll = |more: Value| {
        let mut trigger = json!({ "config": { "every": "1m", "script": script }, "dedupe": "trigger.body.id", "filter": "trigger.body.id < 10" });
        for (key, value) in more.as_object().unwrap() {
            trigger[key] = value.clone();
        }
        trigger
    };
    place.publish(&engine, poll(json!({}))).await;
    for polls in 1..=3 {
        place.poll(&engine).await;
        assert_eq!(
            arrived(&engine).await,
            each_once(3),
            "once in a poll and over polls"
        );
        assert_eq!(stands(&engine).await.cursor, Some(polls.to_string()));
    }
    // What the schema refuses is not dropped: the cursor stays before it, and somebody is told.
    for (more, class, says) in [
        (
            json!({ "schema": { "properties": { "id": { "maximum": 2 } } } }),
            "rejected",
            "message 3 of the poll",
        ),
        (
            json!({ "map": "trigger.body.none.at.all" }),
            "broken",
            "message 0 of the poll",
        ),
    ] {
        place.publish(&engine, poll(more)).await;
        place.poll(&engine).await;
        let poll = stands(&engine).await;
        let failure: Value = serde_json::from_str(&poll.failure.unwrap()).unwrap();
        assert_eq!(
            (poll.cursor.as_deref(), &failure["class"]),
            (Some("3"), &json!(class))
        );
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
    }
    place.publish(&engine, poll(json!({}))).await;
    place.poll(&engine).await;
    let poll = stands(&engine).await;
    assert_eq!(
        (poll.cursor.as_deref(), poll.failures, poll.failure),
        (Some("4"), 0, None)
    );
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_poll_keeps_its_cursor_and_is_made_again() {
    let place = Place::new().await;
    let engine = place.start().await;
    place.publish(&engine, json!({})).await;
    place.items.store(2, Ordering::SeqCst);
    place.poll(&engine).await;
    place.items.store(4, Ordering::SeqCst);
    place.status.store(503, Ordering::SeqCst);
    place.poll(&engine).await;
    let now = place.world.now_ms();
    let poll = stands(&engine).await;
    assert_eq!(
        (poll.cursor.as_deref(), poll.failures, poll.failed_at),
        (Some("2"), 1, Some(now))
    );
    let failure: Value = serde_json::from_str(&poll.failure.unwrap()).unwrap();
    assert_eq!(failure["class"], "transient");
    assert!(
        failure["message"].as_str().unwrap().contains("503"),
        "{failure}"
    );
    // Sooner than at the next instant, and then later each time.
    assert_eq!(next_at(&engine).await, Some(now + 5_000));
    place.world.advance(Duration::from_secs(5));
    fire_due(&engine).await.unwrap();
    settled(&engine).await;
    assert_eq!(
        (stands(&engine).await.failures, next_at(&engine).await),
        (2, Some(now + 15_000))
    );
    // One that will not pass waits for the next instant.
    place.status.store(400, Ordering::SeqCst);
    place.world.advance(Duration::from_secs(10));
    fire_due(&engine).await.unwrap();
    settled(&engine).await;
    assert_eq!(
        (stands(&engine).await.failures, next_at(&engine).await),
        (3, Some(now + MINUTE))
    );
    place.status.store(200, Ordering::SeqCst);
    place.poll(&engine).await;
    let poll = stands(&engine).await;
    assert_eq!((poll.cursor.as_deref(), poll.failures), (Some("4"), 0));
    assert_eq!(arrived(&engine).await, each_once(4));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_poll_may_find_is_bounded_and_what_cannot_start_is_not_taken() {
    let place = Place::new().await;
    let mut limits = Limits {
        active_runs: 6,
        ..Limits::default()
    };
    limits.polls = PollLimits {
        underway: 1,
        ..limits.polls
    };
    let engine = place.start_on(place.store().await, limits).await;
    let many = "#{ messages: (1..=4).to_list().map(|id| #{ id: id }), cursor: 1 }";
    place
        .publish(
            &engine,
            json!({ "config": { "every": "1m", "script": many } }),
        )
        .await;
    place.poll(&engine).await;
    let failure = stands(&engine).await.failure.unwrap();
    assert!(
        failure.contains("4 messages, and 3 are the most"),
        "{failure}"
    );

    place.publish(&engine, json!({})).await;
    place.items.store(2, Ordering::SeqCst);
    let other = ("main".to_owned(), "other".to_owned());
    let held: Vec<_> = (0..5).map(|_| engine.0.crowd.any_slot(&other)).collect();
    place.poll(&engine).await;
    let poll = stands(&engine).await;
    assert_eq!(poll.cursor, None, "the cursor stays");
    assert!(poll.failure.unwrap().contains("too much is underway"));
    drop(held);
    place.poll(&engine).await;
    assert_eq!(arrived(&engine).await, each_once(2));

    // Where too many polls are underway, one is put off.
    let held = Arc::clone(&engine.0.polls).try_acquire_owned().unwrap();
    let before = place.asked();
    let now = (place.world.now_ms() / MINUTE + 1) * MINUTE;
    place.world.set_now_ms(now);
    fire_due(&engine).await.unwrap();
    assert_eq!(
        (next_at(&engine).await, place.asked()),
        (Some(now + 1_000), before)
    );
    drop(held);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_would_find_the_same_for_ever_waits_for_its_next_instant() {
    let place = Place::new().await;
    let engine = place.start().await;
    let same = "#{ messages: [], cursor: 1, more: true }";
    place
        .publish(
            &engine,
            json!({ "config": { "every": "1m", "script": same } }),
        )
        .await;
    place.poll(&engine).await;
    assert_eq!(next_at(&engine).await, Some(place.world.now_ms() + MINUTE));
    assert_eq!(stands(&engine).await.revision, 1);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_poll_does_not_overlap_itself_and_a_stop_breaks_it_off() {
    let place = Place::new().await;
    let engine = place.start().await;
    place.publish(&engine, json!({})).await;
    place.items.store(1, Ordering::SeqCst);
    place.status.store(0, Ordering::SeqCst);
    place.world.advance(Duration::from_secs(60));
    fire_due(&engine).await.unwrap();
    while place.asked() == 0 {
        yield_now().await;
    }
    // Neither the next instants nor a new version begin another one.
    for _ in 0..2 {
        place.publish(&engine, json!({})).await;
        place.world.advance(Duration::from_secs(30));
        fire_due(&engine).await.unwrap();
    }
    assert_eq!(place.asked(), 1);
    assert!(stands(&engine).await.due_at.is_some());
    engine.stop().await;
    place.status.store(200, Ordering::SeqCst);
    let engine = place.start().await;
    place.poll(&engine).await;
    assert_eq!(arrived(&engine).await, each_once(1));
    assert_eq!(stands(&engine).await.failures, 0);
    engine.stop().await;
}
