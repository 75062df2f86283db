//! Schedules over restarts, races, long absences and slow runs, on SQLite in a temporary directory and a manual clock.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use weir_flows::schedule::Schedule;

use super::fire_due;
use crate::{
    engine::{Engine, Limits},
    outbound,
    store::{self, RunFilter, Status, Store},
    world::World,
};

const MINUTE: i64 = 60_000;
const WORKSPACE: &str = "main";

/// A quarter of an hour before the clocks of Berlin go forward.
const START: i64 = 1_774_745_100_000;

/// What outlives a restart: the clock and the data directory.
struct Place {
    world: World,
    dir: TempDir,
}

impl Place {
    fn new() -> Place {
        outbound::install_tls();
        Place {
            world: World::manual(START, 7),
            dir: TempDir::new().unwrap(),
        }
    }

    async fn store(&self) -> Store {
        let dir = self.dir.path().join("data");
        let settings = store::Settings::new(store::Database::Sqlite { dir });
        Store::open(&settings).await.unwrap()
    }

    async fn start(&self) -> Engine {
        self.start_on(self.store().await).await
    }

    async fn start_on(&self, store: Store) -> Engine {
        let limits = Limits {
            grace: Duration::from_millis(10),
            ..Limits::default()
        };
        Engine::on(store, &self.world, self.dir.path(), limits).await
    }
}

/// Stores a flow with these schedule triggers, which all lead to one step, and publishes it.
async fn publish(engine: &Engine, triggers: &[(&str, Value)], step: Value) {
    let triggers_of: BTreeMap<_, _> = triggers
        .iter()
        .map(|(id, config)| (*id, json!({ "kind": "schedule", "config": config })))
        .collect();
    let links = triggers
        .iter()
        .map(|(id, _)| json!({ "from": id, "to": "work" }));
    let document = json!({
        "format": "weir/flow@1", "id": "clock", "triggers": triggers_of,
        "steps": { "work": step }, "links": links.collect::<Vec<_>>(),
    });
    let draft = store::Draft {
        workspace: WORKSPACE.to_owned(),
        flow: "clock".to_owned(),
        title: String::new(),
        document: document.to_string(),
        at: engine.world().now_ms(),
    };
    engine.create_draft(draft).await.unwrap();
    engine
        .publish(WORKSPACE, "clock", None, None)
        .await
        .unwrap();
}

/// A step that is over at once.
fn note() -> Value {
    json!({ "kind": "map", "config": { "script": "input.body" } })
}

fn instant(text: &str) -> i64 {
    let time = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    time.timestamp_millis()
}

/// The instants that led to runs of a trigger, as their messages name them, in order.
async fn fired(engine: &Engine, trigger: &str) -> Vec<i64> {
    let mut instants = Vec::new();
    let mut filter = RunFilter {
        trigger: Some(trigger.to_owned()),
        limit: 200,
        ..RunFilter::default()
    };
    loop {
        let page = engine.store().runs(WORKSPACE, &filter).await.unwrap();
        for run in page.items {
            let journal = engine.store().journal(WORKSPACE, run.id, 0, 1).await;
            let message = journal.unwrap().remove(0).message.unwrap();
            let message: Value = serde_json::from_str(&message).unwrap();
            instants.push(instant(message["body"]["scheduled_at"].as_str().unwrap()));
        }
        if page.next.is_none() {
            break;
        }
        filter.after = page.next;
    }
    instants.sort_unstable();
    instants
}

/// The instants of a schedule after the start and not after the end.
fn expected(config: &Value, to: i64) -> Vec<i64> {
    let schedule = Schedule::new(config.as_object().unwrap()).unwrap();
    let fires = schedule.next_fires(START, 10_000).into_iter();
    fires
        .map(|fire| fire.at_ms)
        .take_while(|at| *at <= to)
        .collect()
}

/// Promise 6. The server starts two hundred times, before, at and behind instants, and is stopped while it fires.
#[tokio::test(flavor = "multi_thread")]
async fn each_instant_fires_once_whatever_the_restarts() {
    let place = Place::new();
    let minutes = json!({ "cron": "*/7 * * * *", "timezone": "Europe/Berlin", "missed": "all" });
    let night = json!({ "cron": "0,30 2 * * *", "timezone": "Europe/Berlin", "missed": "all" });
    let engine = place.start().await;
    publish(
        &engine,
        &[("minutes", minutes.clone()), ("night", night.clone())],
        note(),
    )
    .await;
    engine.stop().await;
    for round in 0..200 {
        // To the next instant, one millisecond before or behind it, or far beyond several of them.
        let now = place.world.now_ms();
        let next = expected(&minutes, now + 10 * MINUTE);
        let next = next.into_iter().find(|at| *at > now).unwrap();
        let to = match place.world.dice() % 4 {
            0 => next - 1,
            1 => next,
            2 => next + 1,
            _ => next + i64::try_from(place.world.dice() % 60).unwrap() * MINUTE,
        };
        place.world.set_now_ms(to.max(now));
        let engine = place.start().await;
        if round % 3 == 0 {
            fire_due(&engine).await.unwrap();
            engine.stop().await;
        } else {
            // Stopped in the middle: what is not fired now is fired by a later one.
            let (_, ()) = tokio::join!(fire_due(&engine), engine.stop());
        }
    }
    let engine = place.start().await;
    fire_due(&engine).await.unwrap();
    let now = place.world.now_ms();
    assert!(now - START > 24 * 60 * MINUTE, "the night has come");
    assert_eq!(fired(&engine, "minutes").await, expected(&minutes, now));
    assert_eq!(fired(&engine, "night").await, expected(&night, now));
    engine.stop().await;
}

/// Two engines, each with its own loop and two more that fire at the same time, on one store.
#[tokio::test(flavor = "multi_thread")]
async fn engines_that_race_fire_an_instant_once() {
    let place = Place::new();
    let store = place.store().await;
    let config = json!({ "every": "1m", "missed": "all" });
    let first = place.start_on(store.clone()).await;
    publish(&first, &[("minutes", config.clone())], note()).await;
    // It knows what is published, since it starts later.
    let second = place.start_on(store).await;
    for _ in 0..100 {
        place.world.advance(Duration::from_secs(60));
        let racers = [&first, &second, &first, &second].map(|engine| {
            let engine = engine.clone();
            tokio::spawn(async move { fire_due(&engine).await.map(|_| ()) })
        });
        for racer in racers {
            racer.await.unwrap().unwrap();
        }
    }
    let now = place.world.now_ms();
    assert_eq!(expected(&config, now).len(), 100);
    assert_eq!(fired(&first, "minutes").await, expected(&config, now));
    first.stop().await;
    second.stop().await;
}

/// The server sleeps for three hours and starts a minute and a half after the last instant.
#[tokio::test(flavor = "multi_thread")]
async fn missed_instants_are_dealt_with_as_declared() {
    let place = Place::new();
    let engine = place.start().await;
    let policies = ["skip", "latest", "all"];
    let config = |policy: &str| json!({ "every": "1h", "missed": policy });
    let triggers = policies.map(|policy| (policy, config(policy)));
    publish(&engine, &triggers, note()).await;
    engine.stop().await;
    let all = expected(&config("all"), START + 190 * MINUTE);
    assert_eq!(all.len(), 3);
    place.world.set_now_ms(all[2] + 90_000);
    let engine = place.start().await;
    fire_due(&engine).await.unwrap();
    assert!(fired(&engine, "skip").await.is_empty());
    assert_eq!(fired(&engine, "latest").await, all[2..]);
    assert_eq!(fired(&engine, "all").await, all);
    for schedule in engine.store().schedules(WORKSPACE, "clock").await.unwrap() {
        assert_eq!(schedule.next_at, Some(all[2] + 60 * MINUTE));
    }
    // The next one is met, under each of them.
    place.world.set_now_ms(all[2] + 60 * MINUTE + 200);
    fire_due(&engine).await.unwrap();
    for (policy, count) in policies.into_iter().zip([1, 2, 4]) {
        assert_eq!(fired(&engine, policy).await.len(), count, "{policy}");
    }
    engine.stop().await;
}

/// An instant that has come when somebody publishes is fired by the new version, and one that was used is not again.
#[tokio::test(flavor = "multi_thread")]
async fn publishing_neither_loses_nor_doubles_an_instant() {
    let place = Place::new();
    let engine = place.start().await;
    let config = json!({ "every": "1m" });
    publish(&engine, &[("minutes", config.clone())], note()).await;
    for _ in 0..3 {
        place.world.advance(Duration::from_secs(60));
        for _ in 0..2 {
            engine
                .publish(WORKSPACE, "clock", None, None)
                .await
                .unwrap();
            fire_due(&engine).await.unwrap();
        }
    }
    let now = place.world.now_ms();
    assert_eq!(expected(&config, now).len(), 3);
    assert_eq!(fired(&engine, "minutes").await, expected(&config, now));
    engine.stop().await;
}

/// A step that calls a partner, who says when it ends. It is idempotent, so it is made again after a restart.
fn call(partner: &TcpListener) -> Value {
    let url = format!(
        "= `http://{}/${{trigger.body.scheduled_at}}`",
        partner.local_addr().unwrap()
    );
    json!({ "kind": "http", "config": { "method": "GET", "url": url },
            "retry": { "attempts": 9, "backoff": "constant", "delay": "1ms" } })
}

/// The next call, and the instant it was made for. The clock goes on meanwhile, for retries.
async fn called(partner: &TcpListener, world: &World) -> (TcpStream, i64) {
    let connection = async { partner.accept().await.unwrap().0 };
    let clock = async {
        loop {
            world.advance(Duration::from_millis(1));
            tokio::task::yield_now().await;
        }
    };
    let mut connection = tokio::select! {
        connection = connection => connection,
        () = clock => unreachable!("the clock never ends"),
    };
    let mut buffer = vec![0; 4096];
    let length = connection.read(&mut buffer).await.unwrap();
    let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let path = head.split(' ').nth(1).unwrap().trim_start_matches('/');
    (connection, instant(&path.replace("%3A", ":")))
}

async fn answer(mut connection: TcpStream) {
    let reply = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    connection.write_all(reply).await.unwrap();
}

async fn underway(engine: &Engine) -> u32 {
    let count = engine.store().underway(WORKSPACE, "clock", "days", 100);
    count.await.unwrap()
}

/// Waits until a run has ended.
async fn until_idle(engine: &Engine) {
    let mut changes = engine.changes();
    while underway(engine).await > 0 {
        changes.recv().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_a_schedule_wait_in_line_over_restarts() {
    let place = Place::new();
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let engine = place.start().await;
    publish(
        &engine,
        &[("days", json!({ "every": "1d" }))],
        call(&partner),
    )
    .await;
    let days = expected(&json!({ "every": "1d" }), START + 4 * 1440 * MINUTE);
    place.world.set_now_ms(days[0]);
    fire_due(&engine).await.unwrap();
    let (cut, first) = called(&partner, &place.world).await;
    assert_eq!(first, days[0]);
    for day in &days[1..3] {
        place.world.set_now_ms(*day);
        fire_due(&engine).await.unwrap();
    }
    assert_eq!(underway(&engine).await, 3);
    // What waits has not started: only its acceptance is on disk.
    let waiting = RunFilter {
        limit: 2,
        ..RunFilter::default()
    };
    for run in engine
        .store()
        .runs(WORKSPACE, &waiting)
        .await
        .unwrap()
        .items
    {
        assert_eq!((run.status, run.turns), (Status::Running, 1));
        let journal = engine.store().journal(WORKSPACE, run.id, 0, 9).await;
        assert_eq!(journal.unwrap()[0].records, "[]");
    }
    drop(cut);
    engine.stop().await;

    let engine = place.start().await;
    for day in &days[..3] {
        let (connection, instant) = called(&partner, &place.world).await;
        assert_eq!(instant, *day, "they run in the order of their instants");
        answer(connection).await;
    }
    until_idle(&engine).await;
    assert_eq!(fired(&engine, "days").await, days[..3]);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_is_left_out_while_a_run_is_underway() {
    let place = Place::new();
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let engine = place.start().await;
    let config = json!({ "every": "1d", "overlap": "skip" });
    publish(&engine, &[("days", config.clone())], call(&partner)).await;
    let days = expected(&config, START + 4 * 1440 * MINUTE);
    place.world.set_now_ms(days[0]);
    fire_due(&engine).await.unwrap();
    let (connection, _) = called(&partner, &place.world).await;
    place.world.set_now_ms(days[1]);
    fire_due(&engine).await.unwrap();
    let schedule = engine.store().schedules(WORKSPACE, "clock").await.unwrap();
    assert_eq!(schedule[0].next_at, Some(days[2]), "its instant is used up");
    answer(connection).await;
    until_idle(&engine).await;
    place.world.set_now_ms(days[2]);
    fire_due(&engine).await.unwrap();
    let (connection, instant) = called(&partner, &place.world).await;
    assert_eq!(instant, days[2]);
    answer(connection).await;
    until_idle(&engine).await;
    assert_eq!(fired(&engine, "days").await, [days[0], days[2]]);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_a_time_that_was_missed() {
    let place = Place::new();
    let engine = place.start().await;
    let triggers = [
        ("skip", json!({ "every": "1d", "missed": "skip" })),
        ("latest", json!({ "every": "1d", "missed": "latest" })),
        ("all", json!({ "every": "1d", "missed": "all" })),
    ];
    publish(&engine, &triggers, note()).await;
    let days = expected(&json!({ "every": "1d" }), START + 8 * 1440 * MINUTE);
    engine.pause(WORKSPACE, "clock", true).await.unwrap();
    for day in &days[..4] {
        place.world.set_now_ms(*day);
        fire_due(&engine).await.unwrap();
    }
    place.world.set_now_ms(days[3] + MINUTE);
    for (trigger, _) in &triggers {
        assert_eq!(fired(&engine, trigger).await, [0_i64; 0], "{trigger}");
    }
    engine.pause(WORKSPACE, "clock", false).await.unwrap();
    fire_due(&engine).await.unwrap();
    assert_eq!(fired(&engine, "skip").await, [0_i64; 0]);
    assert_eq!(fired(&engine, "latest").await, [days[3]]);
    until_fired(&engine, "all", 4).await;
    assert_eq!(fired(&engine, "all").await, days[..4]);
    place.world.set_now_ms(days[4]);
    fire_due(&engine).await.unwrap();
    for (trigger, _) in &triggers {
        assert_eq!(
            fired(&engine, trigger).await.last(),
            Some(&days[4]),
            "{trigger}"
        );
    }
    engine.stop().await;
}

/// Waits until so many instants of a trigger have led to runs.
async fn until_fired(engine: &Engine, trigger: &str, count: usize) {
    while fired(engine, trigger).await.len() < count {
        fire_due(engine).await.unwrap();
    }
}

/// How the runs of the schedule stand, the oldest first: status, who cancelled it, and why.
async fn runs(engine: &Engine) -> Vec<(Status, Option<String>, Option<String>)> {
    let all = RunFilter {
        limit: 100,
        ..RunFilter::default()
    };
    let rows = engine.store().runs(WORKSPACE, &all).await.unwrap().items;
    let mut found = Vec::new();
    for row in rows.into_iter().rev() {
        let recorded = engine.run(WORKSPACE, row.id).await.unwrap().unwrap();
        let cancelled = recorded.run.cancelled;
        let by = cancelled.as_ref().and_then(|it| it.by.clone());
        found.push((row.status, by, cancelled.and_then(|it| it.note)));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_run_is_cancelled_where_its_schedule_says_so() {
    let place = Place::new();
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let engine = place.start().await;
    let config = json!({ "every": "1d", "overlap": "cancel" });
    let mut step = call(&partner);
    step["undo"] = call(&partner);
    publish(&engine, &[("days", config.clone())], step).await;
    let days = expected(&config, START + 4 * 1440 * MINUTE);
    place.world.set_now_ms(days[0]);
    fire_due(&engine).await.unwrap();
    let (_cut, first) = called(&partner, &place.world).await;
    assert_eq!(first, days[0]);
    place.world.set_now_ms(days[1]);
    fire_due(&engine).await.unwrap();
    let (cut, second) = called(&partner, &place.world).await;
    assert_eq!(
        second, days[1],
        "nothing is reversed, and the new one begins"
    );
    let told = runs(&engine).await;
    let (status, by, note) = &told[0];
    assert_eq!(
        (*status, by.as_deref()),
        (Status::Cancelled, Some("schedule"))
    );
    assert!(
        note.as_ref().unwrap().contains("`overlap` is `cancel`"),
        "{note:?}"
    );
    assert_eq!(told[1].0, Status::Running);
    drop(cut);
    engine.stop().await;

    // What another server, or this one before, had underway goes the same way.
    let engine = place.start().await;
    place.world.set_now_ms(days[2]);
    fire_due(&engine).await.unwrap();
    loop {
        let (connection, instant) = called(&partner, &place.world).await;
        if instant == days[2] {
            answer(connection).await;
            break;
        }
        assert_eq!(
            instant, days[1],
            "the earlier run may still begin an attempt"
        );
    }
    until_idle(&engine).await;
    let told: Vec<Status> = runs(&engine).await.into_iter().map(|it| it.0).collect();
    assert_eq!(
        told,
        [Status::Cancelled, Status::Cancelled, Status::Succeeded]
    );
    assert_eq!(fired(&engine, "days").await, days[..3], "each instant once");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_run_that_waits_is_cancelled_too() {
    let place = Place::new();
    let engine = place.start().await;
    let config = json!({ "every": "1d", "overlap": "cancel" });
    let wait = json!({ "kind": "wait", "config": { "for": "36h" } });
    publish(&engine, &[("days", config.clone())], wait).await;
    let days = expected(&config, START + 4 * 1440 * MINUTE);
    let mut changes = engine.changes();
    for day in &days[..3] {
        place.world.set_now_ms(*day);
        fire_due(&engine).await.unwrap();
        while underway(&engine).await > 1 {
            changes.recv().await.unwrap();
        }
    }
    let told: Vec<Status> = runs(&engine).await.into_iter().map(|it| it.0).collect();
    assert_eq!(told[..2], [Status::Cancelled, Status::Cancelled]);
    assert_eq!(fired(&engine, "days").await, days[..3]);
    engine.stop().await;
}
