//! `weir selftest`: kills its own servers under load, on this disk and this database, and counts what was lost or doubled.

mod partner;
mod sender;
mod servers;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::{
    partner::{Calls, Partner},
    sender::Accepted,
    servers::Servers,
};
use super::{CLEAN, PROBLEMS, remote, unusable};
use crate::{config::Config, store::Scratch, world::World};

/// How many senders there are at once.
const SENDERS: usize = 16;

/// The shortest and the longest time between two kills, in milliseconds.
const BETWEEN: (u64, u64) = (400, 2_000);

/// How long the runs may take to end once nobody sends any more.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a server may be silent before another one takes over its runs, on PostgreSQL.
const LEASE_MS: u64 = 2_000;

/// The flow that is put under load: a call that may be repeated, and one that may not.
fn flow(partner: &str) -> Value {
    let call = |path: &str| json!({ "method": "POST", "url": format!("{partner}{path}"), "body": "= #{ order: trigger.body.order }" });
    json!({
        "format": "weir/flow@1", "id": "selftest", "title": "Selftest",
        "triggers": { "in": { "kind": "http", "config": { "path": "/selftest", "reply": "accepted" }, "dedupe": "trigger.body.order" } },
        "steps": {
            "note": { "kind": "map", "config": { "script": "#{ order: input.body.order }" } },
            "safe": { "kind": "http", "config": call("/safe"), "idempotent": true, "timeout": "5s",
                      "retry": { "attempts": 1000, "delay": "100ms", "backoff": "constant" } },
            "risky": { "kind": "http", "config": call("/risky"), "timeout": "5s", "retry": { "attempts": 1 } },
        },
        "links": [ { "from": "in", "to": "note" }, { "from": "note", "to": "safe" }, { "from": "safe", "to": "risky" } ],
    })
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// How often a server was killed.
    kills: u32,
    /// How many messages were accepted.
    accepted: usize,
    /// How many of their runs succeeded.
    succeeded: usize,
    /// How many of their runs failed, since nobody knows whether a call that must not be repeated has happened.
    unknown: usize,
    /// How many calls were made again, all of them with the same idempotency key.
    repeated: usize,
    /// Messages that were accepted and whose run is not there or has not ended.
    lost: Vec<String>,
    /// Messages with more than one run, a call that was made twice though it must not be, or a repetition under another key.
    doubled: Vec<String>,
}

impl Verdict {
    fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.accepted > 0 && self.kills > 0
    }
}

/// Runs the test for so many seconds with so many servers (one on SQLite), and says what was lost and doubled.
pub(super) async fn run(seconds: u64, servers: usize, config: &Config) -> u8 {
    let world = World::real();
    let id = world.id().simple().to_string();
    let folder = config.data.join(format!("selftest-{id}"));
    if let Err(error) = std::fs::create_dir_all(&folder) {
        return unusable(&format!("{} cannot be made: {error}", folder.display()));
    }
    let scratch = match &config.database_url {
        None => None,
        Some(url) => match Scratch::make(url, &format!("weir_selftest_{id}")).await {
            Ok(scratch) => Some(scratch),
            Err(error) => {
                let _ = std::fs::remove_dir_all(&folder);
                return unusable(&format!(
                    "a database for the test cannot be made beside yours: {error}; give a user that may make databases"
                ));
            }
        },
    };
    let servers = if scratch.is_some() { servers } else { 1 };
    let url = scratch.as_ref().map(|scratch| scratch.url.clone());
    let verdict = test(seconds, servers, folder.clone(), url, &world).await;
    let dropped = match scratch {
        Some(scratch) => scratch.drop().await.map_err(|error| error.to_string()),
        None => Ok(()),
    };
    if let Err(error) = dropped {
        eprintln!("weir: the database weir_selftest_{id} could not be dropped: {error}");
    }
    match verdict {
        Ok(verdict) => {
            say(&verdict);
            if verdict.is_clean() {
                let _ = std::fs::remove_dir_all(&folder);
                CLEAN
            } else {
                println!("The logs and the data are in {}.", folder.display());
                PROBLEMS
            }
        }
        Err(error) => unusable(&format!(
            "the test broke down: {error}; the logs are in {}",
            folder.display()
        )),
    }
}

async fn test(
    seconds: u64,
    count: usize,
    folder: PathBuf,
    database: Option<String>,
    world: &World,
) -> Result<Verdict, String> {
    let client = remote::client(Duration::from_secs(10))?;
    let partner = Partner::start().await?;
    let kind = if database.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    println!(
        "{count} server(s) on {kind}, {SENDERS} senders, {seconds} s; a server is killed every {} to {} ms.",
        BETWEEN.0, BETWEEN.1
    );
    let mut servers = Servers::start(count, folder, database, client.clone()).await?;
    servers.publish(&flow(&partner.url())).await?;
    let accepted = Arc::new(Accepted::new(servers.addresses()));
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| tokio::spawn(sender::send(number, client.clone(), Arc::clone(&accepted))))
        .collect();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut kills = 0;
    while Instant::now() < end {
        let pause = BETWEEN.0 + world.dice() % (BETWEEN.1 - BETWEEN.0);
        sleep(Duration::from_millis(pause)).await;
        let victim = (world.dice() % count as u64) as usize;
        servers.kill_and_start(victim).await?;
        kills += 1;
        if kills % 5 == 0 {
            let left = end.saturating_duration_since(Instant::now()).as_secs();
            println!(
                "{kills} kills, {} messages accepted, {left} s to go",
                accepted.count()
            );
        }
    }
    accepted.stop();
    for sender in senders {
        sender.await.map_err(|error| error.to_string())?;
    }
    println!("{kills} kills; nobody sends any more, waiting for the runs to end");
    let runs = servers.ended_runs(Instant::now() + PATIENCE).await?;
    let calls = partner.calls();
    servers.stop().await;
    Ok(judge(kills, &accepted.runs(), &runs, &calls))
}

/// Holds what was accepted against the runs that are there (their status by id) and the calls that the partner has seen.
fn judge(
    kills: u32,
    accepted: &BTreeMap<String, String>,
    runs: &HashMap<String, String>,
    calls: &HashMap<String, Calls>,
) -> Verdict {
    let mut verdict = Verdict {
        kills,
        accepted: accepted.len(),
        ..Verdict::default()
    };
    let none = Calls::default();
    for (order, run) in accepted {
        let made = calls.get(order).unwrap_or(&none);
        let status = runs.get(run).map(String::as_str);
        let whole = match status {
            Some("succeeded") => {
                verdict.succeeded += 1;
                made.safe > 0 && made.risky > 0
            }
            // A call that may have happened is not made again: a person decides.
            Some("failed") => {
                verdict.unknown += 1;
                made.safe > 0
            }
            _ => false,
        };
        if !whole {
            verdict.lost.push(order.clone());
        }
        verdict.repeated += made.safe.saturating_sub(1);
        if made.risky > 1 || made.keys.len() > 2 {
            verdict.doubled.push(order.clone());
        }
    }
    let known: std::collections::BTreeSet<&String> = accepted.values().collect();
    if known.len() < accepted.len() {
        verdict
            .lost
            .push("two messages that share a run".to_owned());
    }
    let strangers = runs.keys().filter(|run| !known.contains(run));
    verdict
        .doubled
        .extend(strangers.map(|run| format!("run {run}, which no message led to")));
    verdict
}

fn say(verdict: &Verdict) {
    println!();
    println!("killed       {:>8}  servers", verdict.kills);
    println!("accepted     {:>8}  messages", verdict.accepted);
    println!("succeeded    {:>8}  runs", verdict.succeeded);
    println!(
        "unknown      {:>8}  runs ended as dead letters: a call that must not be repeated was underway when its server died",
        verdict.unknown
    );
    println!(
        "repeated     {:>8}  calls were made again, with the same idempotency key",
        verdict.repeated
    );
    println!("lost         {:>8}", verdict.lost.len());
    println!("doubled      {:>8}", verdict.doubled.len());
    for one in verdict.lost.iter().chain(&verdict.doubled).take(20) {
        println!("  {one}");
    }
    println!();
    println!(
        "{}",
        if verdict.is_clean() {
            "Nothing lost, nothing doubled."
        } else if verdict.accepted == 0 || verdict.kills == 0 {
            "Nothing was proven: no message was accepted, or no server was killed. Let it run for longer."
        } else {
            "This must not happen. Please report it with the logs."
        }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(safe: usize, risky: usize, keys: &[&str]) -> Calls {
        Calls {
            safe,
            risky,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    fn verdict(status: Option<&str>, made: Calls) -> Verdict {
        let accepted = BTreeMap::from([("a".to_owned(), "r".to_owned())]);
        let runs = status.map(|status| ("r".to_owned(), status.to_owned()));
        judge(
            1,
            &accepted,
            &runs.into_iter().collect(),
            &HashMap::from([("a".to_owned(), made)]),
        )
    }

    #[test]
    fn what_ended_as_it_may_is_clean() {
        let clean = verdict(Some("succeeded"), calls(2, 1, &["s", "r"]));
        assert!(clean.is_clean(), "{clean:?}");
        assert_eq!((clean.succeeded, clean.repeated), (1, 1));
        let unknown = verdict(Some("failed"), calls(1, 0, &["s"]));
        assert!(unknown.is_clean() && unknown.unknown == 1, "{unknown:?}");
    }

    #[test]
    fn what_is_missing_is_lost() {
        for (status, made) in [
            (None, calls(1, 1, &["s", "r"])),
            (Some("running"), calls(1, 0, &["s"])),
            (Some("succeeded"), calls(1, 0, &["s"])),
            (Some("failed"), calls(0, 0, &[])),
        ] {
            assert_eq!(verdict(status, made).lost, ["a"], "{status:?}");
        }
    }

    #[test]
    fn what_came_twice_is_doubled() {
        for made in [calls(1, 2, &["s", "r"]), calls(2, 1, &["s", "t", "r"])] {
            assert_eq!(verdict(Some("succeeded"), made).doubled, ["a"]);
        }
        let runs = HashMap::from([("x".to_owned(), "succeeded".to_owned())]);
        let stranger = judge(1, &BTreeMap::new(), &runs, &HashMap::new());
        assert_eq!(stranger.doubled.len(), 1);
        assert!(!stranger.is_clean());
    }
}
