//! How fast the store accepts: `cargo test --release -p weir-server store::tests::measure -- --ignored --nocapture`.

use std::time::Instant;

use futures::StreamExt;
use uuid::Uuid;

use super::{
    MAIN,
    bodies::{ALL, on_disk, run_with, value},
    new_id, new_run, turn,
};
use crate::store::{Accepted, Settings, Status, Store};

/// Like a test, but only run when asked for.
macro_rules! measurement {
    ($name:ident, $on:ident, $body:path) => {
        #[tokio::test(flavor = "multi_thread")]
        #[ignore = "a measurement, not a test"]
        async fn $name() {
            crate::store::tests::$on($body).await;
        }
    };
}

measurement!(sqlite_accepts, on_sqlite, accepts);
measurement!(postgresql_accepts, on_postgresql, accepts);
measurement!(
    postgresql_accepts_under_a_lease,
    on_postgresql,
    accepts_under_a_lease
);

measurement!(sqlite_keeps_large_values, on_sqlite, large_values);
measurement!(postgresql_keeps_large_values, on_postgresql, large_values);

/// What it costs to keep values apart, and what it spares: messages of some sizes, all equal and all different, apart and in
/// the journal. Each run has its message twice, as one whose step passes it on.
async fn large_values(mut settings: Settings) {
    println!("{:?}, large values", settings.database.kind());
    for kilobytes in [4_u32, 16, 64, 512] {
        for equal in [false, true] {
            for apart in [false, true] {
                settings.large = if apart { 2 << 10 } else { usize::MAX };
                let store = Store::open(&settings).await.unwrap();
                let before = on_disk(&store).await;
                let runs = 32_000 / (kilobytes + 16);
                let values: Vec<String> = (0..runs)
                    .map(|seed| {
                        let seed = if equal { 1 } else { i64::from(seed) };
                        value(seed, kilobytes as usize * 1_024)
                    })
                    .collect();
                let start = Instant::now();
                let accepting = store.clone();
                let accepts = values.into_iter().map(|value| {
                    let mut run = run_with(&value, Status::Succeeded);
                    run.turn.records = format!("[{{\"output\":{value}}}]");
                    let store = accepting.clone();
                    async move { store.accept(run).await }
                });
                let accepts = futures::stream::iter(accepts).buffer_unordered(8);
                let accepted: Vec<_> = accepts.collect().await;
                assert!(accepted.iter().all(|one| *one == Ok(Accepted::New)));
                let elapsed = start.elapsed().as_secs_f64();
                println!(
                    "{kilobytes:4} KB, {}, {}: {:7.0} runs/s, {:7.1} KB each",
                    if equal { "equal    " } else { "different" },
                    if apart { "apart" } else { "whole" },
                    f64::from(runs) / elapsed,
                    (on_disk(&store).await - before) as f64 / 1_024.0 / f64::from(runs),
                );
                while store.forget_runs(ALL, 100).await.unwrap() > 0 {}
                store.close().await;
            }
        }
    }
}

async fn accepts(settings: Settings) {
    println!("{:?}, nobody's", settings.database.kind());
    let store = Store::open(&settings).await.unwrap();
    measure(store, None).await;
}

async fn accepts_under_a_lease(settings: Settings) {
    println!("{:?}, a server's", settings.database.kind());
    let store = Store::open(&settings).await.unwrap();
    let server = store.register(new_id()).await.unwrap();
    measure(store, Some(server)).await;
}

async fn measure(store: Store, server: Option<Uuid>) {
    for clients in [1, 8, 64, 256] {
        for long in [false, true] {
            let each = if clients == 1 { 300 } else { 12_800 / clients };
            let (elapsed, mut waits) = load(&store, server, clients, each, long).await;
            waits.sort_unstable();
            let total = clients * each;
            println!(
                "{clients:4} clients, {}: {:7.0} runs/s, {:6.1} us each, p50 {:6.2} ms, p99 {:6.2} ms",
                if long { "two turns" } else { "one turn " },
                f64::from(total) / elapsed,
                elapsed * 1e6 / f64::from(total),
                f64::from(waits[waits.len() / 2]) / 1e3,
                f64::from(waits[waits.len() * 99 / 100]) / 1e3,
            );
        }
    }
    store.close().await;
}

/// Accepts runs of about 2 KB in short and long form. Gives the seconds it took and each run's microseconds.
async fn load(
    store: &Store,
    server: Option<Uuid>,
    clients: u32,
    each: u32,
    long: bool,
) -> (f64, Vec<u32>) {
    let start = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut waits = Vec::new();
                for number in 0..each {
                    let since = Instant::now();
                    let status = if long {
                        Status::Running
                    } else {
                        Status::Succeeded
                    };
                    let mut run = new_run("orders", i64::from(number), status);
                    run.message = format!("{{\"body\":{:?}}}", "m".repeat(1_000));
                    run.turn.records = format!("[{:?}]", "r".repeat(1_000));
                    run.turn.server = server;
                    let id = run.id;
                    assert_eq!(store.accept(run).await, Ok(Accepted::New));
                    if long {
                        let mut end = turn(1, i64::from(number), Status::Succeeded);
                        end.server = server;
                        store.commit(MAIN, id, end).await.unwrap();
                    }
                    waits.push(u32::try_from(since.elapsed().as_micros()).unwrap());
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    (start.elapsed().as_secs_f64(), waits)
}
