//! Polls and scripts that call out, against a counting partner: over kills, on two servers, with failures, limits and refusals.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Call, Database, Partner, Request, Start, Weir, until};

use crate::servers::{identities, start};

/// How often the server is killed while it polls.
const KILLS: usize = 5;

/// How many items the partner gives at once.
const PAGE: usize = 3;

/// Asks for what comes after the cursor. An empty page leaves it.
const SCRIPT: &str = "\
let page = http.get(\"/items\", #{ query: #{ after: cursor ?? 0 } }).body;
let next = if page.items.is_empty() { () } else { page.items[-1].id };
#{ messages: page.items, cursor: next, more: page.more }";

/// A partner with items that are numbered from 1, given in pages of three, and told of again one by one.
pub(crate) struct Shop {
    pub(crate) items: Arc<AtomicUsize>,
    /// How it answers who asks for items.
    status: Arc<AtomicUsize>,
    partner: Partner,
}

impl Shop {
    pub(crate) fn open() -> Shop {
        let (items, status) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(200)),
        );
        let (there, says) = (Arc::clone(&items), Arc::clone(&status));
        let partner = Partner::with(move |call, _| match call.path() {
            "/items" => match says.load(Ordering::SeqCst) {
                200 => page(call, there.load(Ordering::SeqCst)),
                status => Act::reply(u16::try_from(status).unwrap(), json!({ "error": "later" })),
            },
            _ => Act::ok(),
        });
        Shop {
            items,
            status,
            partner,
        }
    }

    /// What was asked for items: each time, what comes after.
    pub(crate) fn asked(&self) -> Vec<Call> {
        let calls = self.partner.calls().into_iter();
        calls.filter(|call| call.path() == "/items").collect()
    }

    /// By item, the runs that told of it. The key of a call begins with its run's id.
    fn told(&self) -> BTreeMap<usize, BTreeSet<String>> {
        let mut told: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for call in self.partner.calls() {
            if let Some(id) = call.path().strip_prefix("/told/") {
                let key = call.header("idempotency-key").to_owned();
                assert!(!key.is_empty(), "{call:?}");
                told.entry(id.parse().unwrap()).or_default().insert(key);
            }
        }
        told
    }

    /// Waits until every item was told of, and judges: each has exactly one run, which succeeded.
    pub(crate) fn judge(&self, weir: &Weir) {
        let all = self.items.load(Ordering::SeqCst);
        until("every item to be told of", || {
            (self.told().len() == all).then_some(())
        });
        until("all runs to end", || {
            let runs = weir.runs("flow=changes");
            let ended = runs.iter().all(|run| run["status"] == "succeeded");
            (ended && !runs.is_empty()).then_some(())
        });
        assert_eq!(weir.runs("flow=changes").len(), all);
        for (id, keys) in self.told() {
            assert_eq!(keys.len(), 1, "item {id} has runs {keys:?}");
        }
    }

    /// Judges a cursor that nobody set: whoever asked went on where the one before had ended, or stood where it stood.
    pub(crate) fn judge_cursor(&self) {
        let asked = self.asked();
        let after = asked.iter().map(after);
        let after: Vec<usize> = after.collect();
        assert!(
            after.is_sorted(),
            "the cursor went back somewhere: {after:?}"
        );
        let most = after.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(
            most <= Some(PAGE),
            "it went on by more than a page: {after:?}"
        );
    }
}

/// After which item somebody asks.
fn after(call: &Call) -> usize {
    let after = call.target.split("after=").nth(1);
    after.unwrap().parse().unwrap()
}

fn page(call: &Call, there: usize) -> Act {
    let after = after(call);
    let ids: Vec<usize> = (after + 1..=there).take(PAGE).collect();
    let items: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    Act::reply(
        200,
        json!({ "items": items, "more": after + ids.len() < there }),
    )
}

/// A flow that polls each second, and tells of each item.
fn changes(script: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": "changes", "title": "Changes",
        "triggers": { "new": { "kind": "poll", "connection": "shop", "config": { "every": "1s", "script": script } } },
        "steps": { "tell": {
            "kind": "http", "connection": "shop", "idempotent": true,
            "retry": { "attempts": 100, "delay": "50ms", "backoff": "constant", "on": ["transient", "timed_out", "lost"] },
            "config": { "method": "POST", "path": "= `/told/${input.body.id}`", "body": "= input.body" } } },
        "links": [ { "from": "new", "to": "tell" } ]
    })
}

pub(crate) fn set_up(weir: &Weir, shop: &Shop) {
    weir.connect("shop", &json!({ "base_url": shop.partner.url() }));
    weir.publish(&changes(SCRIPT));
}

/// Publishes the flow anew.
fn publish_again(weir: &Weir, document: &Value) {
    let stored = weir.get("/flows/changes").expect(200);
    let request = Request::new("PUT", "/api/v1/flows/changes").header(
        "if-match",
        stored.header("etag").expect("the draft has a tag"),
    );
    weir.send(&request.json(document)).expect(200);
    weir.api("POST", "/flows/changes/publish", &json!({}))
        .expect(200);
}

/// The poll in the list of schedules.
fn listed(weir: &Weir) -> Value {
    let list = weir.get("/schedules").expect(200).json();
    let items = list["items"].as_array().unwrap().iter();
    let mut ours = items.filter(|one| one["flow"] == "changes");
    ours.next().cloned().unwrap_or_default()
}

/// Waits until the state of the poll is as wanted, and gives the entry of the list.
fn until_listed(weir: &Weir, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, || Some(listed(weir)).filter(|one| wanted(one)))
}

fn on(data: &Path, database: &Database) -> Weir {
    Start::default()
        .data(&data.join("data"))
        .database(database)
        .start()
}

fn killed_while_it_polls(database: &Database) {
    let shop = Shop::open();
    let data = TempDir::new().unwrap();
    let mut weir = on(data.path(), database);
    set_up(&weir, &shop);
    shop.items.store(7, Ordering::SeqCst);
    for kill in 0..KILLS {
        let before = shop.asked().len();
        shop.partner.hold();
        until("a poll to ask", || {
            (shop.asked().len() > before).then_some(())
        });
        // Killed between its question and its commit, or with the answer on its way.
        if kill % 2 == 0 {
            weir.kill();
            shop.partner.release();
        } else {
            shop.partner.release();
            weir.kill();
        }
        shop.items.fetch_add(4, Ordering::SeqCst);
        weir = on(data.path(), database);
    }
    shop.judge(&weir);
    let stands = until_listed(&weir, "the cursor to be at the end", |one| {
        one["poll"]["cursor"] == json!(7 + 4 * KILLS)
    });
    assert_eq!(stands["kind"], "poll");
    let (status, log) = weir.stop();
    assert!(status.success() && !log.contains("ERROR"), "{log}");
}

#[test]
fn what_is_polled_arrives_once_over_kills_on_sqlite() {
    killed_while_it_polls(&Database::Sqlite);
}

#[test]
fn what_is_polled_arrives_once_over_kills_on_postgresql() {
    killed_while_it_polls(&Database::postgresql("polls_killed"));
}

#[test]
fn two_servers_poll_an_instant_once_and_one_goes_on_with_what_the_other_left() {
    let database = Database::postgresql("polls_two");
    let shop = Shop::open();
    let mut servers: BTreeMap<&str, Weir> = ["a", "b"]
        .map(|name| (name, start(&database, name).start()))
        .into();
    set_up(&servers["a"], &shop);
    shop.items.store(5, Ordering::SeqCst);
    shop.judge(&servers["b"]);
    // Each second once, and not by each server.
    let first = shop.asked().len();
    until("four further polls", || {
        (shop.asked().len() >= first + 5).then_some(())
    });
    let asked = shop.asked();
    let span = asked[first + 4].at - asked[first].at;
    assert!(span >= Duration::from_secs(3), "four polls within {span:?}");

    // The one that polls is killed in the middle of it.
    shop.items.fetch_add(5, Ordering::SeqCst);
    shop.partner.hold();
    // It may have asked a moment before or after that: from here on none ends.
    let holder = until("a poll to be made", || {
        let holder = database.ask("SELECT busy_by FROM poll WHERE busy_by IS NOT NULL");
        holder.into_iter().next()
    });
    let name = identities(&database)
        .into_iter()
        .find(|(_, id)| *id == holder)
        .unwrap()
        .0;
    servers.remove(name.as_str()).unwrap().kill();
    shop.partner.release();
    let other = servers.into_values().next().unwrap();
    shop.judge(&other);
    other.stop();
}

#[test]
fn a_failing_poll_tells_why_keeps_its_cursor_and_recovers() {
    let shop = Shop::open();
    let weir = Weir::start();
    set_up(&weir, &shop);
    shop.items.store(2, Ordering::SeqCst);
    until_listed(&weir, "the first poll", |one| one["poll"]["cursor"] == 2);

    // The partner is down: the poll is made again, and the list says since when and why.
    shop.status.store(503, Ordering::SeqCst);
    let failed = until_listed(&weir, "the poll to fail twice", |one| {
        one["poll"]["failure"]["count"].as_u64() >= Some(2)
    });
    let failure = &failed["poll"]["failure"];
    assert_eq!(failure["class"], "transient");
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.contains("line 1, column") && message.contains("503"),
        "{message}"
    );
    assert!(failure["at"].is_string() && failed["poll"]["cursor"] == 2);
    shop.items.store(4, Ordering::SeqCst);
    shop.status.store(200, Ordering::SeqCst);
    until_listed(&weir, "the poll to recover", |one| {
        one["poll"]["failure"].is_null() && one["poll"]["cursor"] == 4
    });

    // A mistake in the script is told with its place, and a new version goes on from the cursor.
    let broken = format!(
        "let a = #{{}};\n{}",
        SCRIPT.replace("page.items[-1].id", "parse_int(\"x\")")
    );
    shop.items.store(5, Ordering::SeqCst);
    publish_again(&weir, &changes(&broken));
    let failed = until_listed(&weir, "the script to fail", |one| {
        one["poll"]["failure"]["class"] == "broken"
    });
    let message = failed["poll"]["failure"]["message"].as_str().unwrap();
    assert!(message.contains("line 3, column"), "{message}");
    publish_again(&weir, &changes(SCRIPT));
    until_listed(&weir, "the next version to go on", |one| {
        one["poll"]["failure"].is_null() && one["poll"]["cursor"] == 5
    });
    shop.judge(&weir);
    weir.stop();
}

#[test]
fn a_person_sees_and_sets_the_cursor_and_a_flow_that_is_off_does_not_poll() {
    let shop = Shop::open();
    let weir = Weir::start();
    set_up(&weir, &shop);
    shop.items.store(3, Ordering::SeqCst);
    until_listed(&weir, "the first poll", |one| one["poll"]["cursor"] == 3);
    let path = "/flows/changes/triggers/new/cursor";
    let read = weir.get(path).expect(200);
    let tag = read.header("etag").unwrap().to_owned();
    assert_eq!(read.json()["cursor"], 3);
    let put = |tag: &str, cursor: Value| {
        let request = Request::new("PUT", &format!("/api/v1{path}")).header("if-match", tag);
        weir.send(&request.json(&json!({ "cursor": cursor })))
    };
    put("\"999\"", json!(2)).problem(412, "revision_changed");
    put(&tag, json!("x".repeat(20_000))).problem(422, "invalid_body");
    weir.get("/flows/changes/triggers/other/cursor")
        .problem(404, "not_found");
    // From before the last one: that is found again, and its run is another one.
    let set = put(&tag, json!(2)).expect(200).json();
    assert_eq!(set["cursor"], 2);
    until("the last item to start once more", || {
        (weir.runs("flow=changes").len() == 4).then_some(())
    });
    // And from the start.
    weir.send(&Request::new("DELETE", &format!("/api/v1{path}")))
        .expect(204);
    until("all items to start once more", || {
        (weir.runs("flow=changes").len() == 7).then_some(())
    });

    // Another flow goes on polling, and tells that time passes.
    let mut other = changes("http.get(\"/other\"); #{ messages: [] }");
    other["id"] = json!("other");
    weir.publish(&other);
    weir.api("POST", "/flows/changes/disable", &json!({}))
        .expect(200);
    let off = until_listed(&weir, "no poll to be underway", |one| {
        one["next_at"].is_null() && one["poll"]["underway"] == false
    });
    assert_eq!(off["enabled"], false);
    let asked = shop.asked().len();
    let others = |weir: &Partner| {
        let calls = weir.calls().into_iter();
        calls.filter(|call| call.path() == "/other").count()
    };
    let before = others(&shop.partner);
    until("the other flow to poll", || {
        (others(&shop.partner) >= before + 3).then_some(())
    });
    assert_eq!(shop.asked().len(), asked);
    weir.api("POST", "/flows/changes/enable", &json!({}))
        .expect(200);
    until("it to poll again", || {
        (shop.asked().len() > asked).then_some(())
    });
    assert_eq!(weir.runs("flow=changes").len(), 7, "its cursor was kept");
    weir.stop();
}

/// A flow that runs a script for a message.
fn scripted(id: &str, script: &str, more: &Value) -> Value {
    let mut step =
        json!({ "kind": "script", "connection": "shop", "config": { "script": script } });
    for (key, value) in more.as_object().unwrap() {
        step[key] = value.clone();
    }
    json!({
        "format": "weir/flow@1", "id": id,
        "triggers": { "in": { "kind": "http", "config": { "path": format!("/{id}"), "reply": "accepted" } } },
        "steps": { "do": step }, "links": [ { "from": "in", "to": "do" } ]
    })
}

/// Publishes such a flow, sends it a message, and gives the step of the run that ended.
fn play(weir: &Weir, id: &str, script: &str, more: &Value) -> Value {
    weir.publish(&scripted(id, script, more));
    let sent = weir
        .knock("POST", &format!("/{id}"), &json!({}))
        .expect(202);
    let run = weir.ended(sent.header("weir-run").unwrap());
    run["steps"]["do"].clone()
}

/// The methods and statuses of the calls of an attempt.
fn calls(attempt: &Value) -> Vec<(String, Option<u64>)> {
    let calls = attempt["calls"].as_array().unwrap().iter();
    let one = |call: &Value| {
        let method = call["request"]["method"].as_str().unwrap().to_owned();
        (method, call["response"]["status"].as_u64())
    };
    calls.map(one).collect()
}

fn called(partner: &Partner, path: &str) -> Vec<Call> {
    let calls = partner.calls().into_iter();
    calls.filter(|call| call.path() == path).collect()
}

#[test]
fn a_script_makes_several_calls_and_each_of_them_is_seen() {
    let partner = Partner::with(|call, _| match call.path() {
        "/credit" => Act::reply(200, json!({ "approved": true, "seen": call.headers })),
        "/slow" => Act::ok().after(Duration::from_secs(20)),
        "/bad" => Act::reply(422, json!({ "reason": "too late" })),
        _ => Act::reply(201, json!({ "id": 7 })),
    });
    let weir = Weir::start();
    weir.secret("shop-key", "s3cr3t-of-the-shop");
    weir.connect(
        "shop",
        &json!({ "base_url": partner.url(), "auth": { "kind": "bearer", "token": { "$secret": "shop-key" } } }),
    );
    let two = "let credit = http.get(\"/credit\").body;\n\
               if !credit.approved { return (); }\n\
               let made = http.post(\"/bookings\", #{ total: 3 });\n\
               #{ id: made.body.id, status: made.status, seen: credit.seen }";
    let step = play(&weir, "two", two, &json!({}));
    assert_eq!(step["status"], "succeeded", "{step:#}");
    assert_eq!(
        (&step["output"]["id"], &step["output"]["status"]),
        (&json!(7), &json!(201))
    );
    assert_eq!(
        calls(&step["attempts"][0]),
        [
            ("GET".to_owned(), Some(200)),
            ("POST".to_owned(), Some(201))
        ]
    );
    // The partner got the secret; nothing that can be read here has it.
    let booked = called(&partner, "/bookings");
    assert_eq!(
        booked[0].header("authorization"),
        "Bearer s3cr3t-of-the-shop"
    );
    assert!(!step.to_string().contains("s3cr3t"), "{step:#}");

    let bad = play(
        &weir,
        "bad",
        "http.get(\"/credit\");\nhttp.get(\"/bad\").body",
        &json!({}),
    );
    let failure = &bad["failure"];
    assert_eq!(
        (&failure["class"], &failure["status"]),
        (&json!("rejected"), &json!(422))
    );
    assert_eq!(failure["body"]["reason"], "too late");
    assert!(
        failure["message"].as_str().unwrap().contains("line 2"),
        "{failure}"
    );

    let slow = play(
        &weir,
        "slow",
        "http.get(\"/credit\");\nhttp.get(\"/slow\").body",
        &json!({ "timeout": "700ms" }),
    );
    assert_eq!(slow["failure"]["class"], "timed_out", "{slow:#}");
    assert_eq!(
        calls(&slow["attempts"][0])[0],
        ("GET".to_owned(), Some(200))
    );

    // The guard: an address that nobody has allowed is refused, whatever the script does.
    let inner = "let why = ();\ntry { http.get(\"http://10.1.2.3/admin\") } catch (failure) { why = failure.class; }\nwhy";
    let denied = play(&weir, "denied", inner, &json!({ "connection": null }));
    assert_eq!(denied["output"], "denied", "{denied:#}");
    let broken = play(
        &weir,
        "broken",
        "let a = 1;\nlet b = parse_int(\"x\");\nb",
        &json!({}),
    );
    assert_eq!(broken["failure"]["class"], "broken");
    assert_eq!(
        broken["failure"]["at"],
        json!({ "line": 2, "column": broken["failure"]["at"]["column"] })
    );
    weir.stop();
}

#[test]
fn a_script_that_may_have_written_is_made_again_only_where_that_does_no_harm() {
    let partner = Partner::with(|call, _| match call.path() {
        "/down" => Act::reply(503, json!({})),
        _ => Act::reply(201, json!({ "id": 7 })),
    });
    let data = TempDir::new().unwrap();
    let weir = on(data.path(), &Database::Sqlite);
    weir.connect("shop", &json!({ "base_url": partner.url() }));
    let script = |path: &str| format!("http.post(\"{path}\", 1);\nhttp.get(\"/down\")");
    let step = play(&weir, "once", &script("/once"), &json!({}));
    assert_eq!(step["failure"]["class"], "transient");
    assert_eq!(
        (
            step["attempts"].as_array().unwrap().len(),
            called(&partner, "/once").len()
        ),
        (1, 1)
    );
    let again = json!({ "idempotent": true, "retry": { "attempts": 3, "delay": "20ms" } });
    let step = play(&weir, "again", &script("/again"), &again);
    assert_eq!(step["attempts"].as_array().unwrap().len(), 3);
    let keys: BTreeSet<String> = called(&partner, "/again")
        .iter()
        .map(|call| call.header("idempotency-key").to_owned())
        .collect();
    assert_eq!(
        (called(&partner, "/again").len(), keys.len()),
        (3, 1),
        "the partner can tell"
    );

    // Killed in the middle of a call: nobody knows whether it happened, and it is not made again.
    weir.publish(&scripted(
        "lost",
        "http.post(\"/lost\", 1).status",
        &json!({}),
    ));
    partner.hold();
    let sent = weir.knock("POST", "/lost", &json!({})).expect(202);
    until("the call to be made", || {
        (called(&partner, "/lost").len() == 1).then_some(())
    });
    weir.kill();
    partner.release();
    let weir = on(data.path(), &Database::Sqlite);
    let run = weir.ended(sent.header("weir-run").unwrap());
    assert_eq!(
        (&run["status"], &run["failure"]["class"]),
        (&json!("failed"), &json!("lost"))
    );
    assert_eq!(called(&partner, "/lost").len(), 1);
    weir.stop();
}
