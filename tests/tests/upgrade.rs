//! From one Weir to the next: what an older one wrote goes on, and an older server keeps working beside a newer one.
//!
//! `make test` takes what older ones have left in `tests/upgrades`: a backup, and what was known of its runs. `make prove` takes
//! an older binary itself, which `tests/old-binary` builds from the history of this repository.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{
    Act, Database, Partner, Weir, old_binary, root, sha256_hex, until, weir_of, weir_with_input,
};

use crate::{
    crash::{KINDS, judge, set_up},
    servers::{judge_database, start, until_all_listen},
};

/// How many messages the two servers get.
const MESSAGES: usize = 60;

/// How many calls are open when the older server is killed.
const OPEN: usize = 12;

#[test]
fn what_older_ones_have_left_goes_on() {
    let mut schemas = Vec::new();
    for backup in fs::read_dir(root().join("tests/upgrades")).unwrap() {
        let backup = backup.unwrap().path();
        if backup.extension().is_none_or(|end| end != "backup") {
            continue;
        }
        let facts = fs::read_to_string(backup.with_extension("json")).unwrap();
        let facts: Value = serde_json::from_str(&facts).unwrap();
        let schema = backup.file_stem().unwrap().to_str().unwrap().to_owned();
        let postgresql = Database::postgresql(&format!("left_{schema}"));
        for database in [Database::Sqlite, postgresql] {
            let data = TempDir::new().unwrap();
            let folder = data.path().to_str().unwrap();
            let url = database.url();
            let url = url.as_ref().map(|url| ("WEIR_DATABASE_URL", url.as_str()));
            let variables: Vec<_> = url.into_iter().collect();
            let restore = ["restore", backup.to_str().unwrap(), "--data", folder];
            weir_with_input(&restore, &variables, "").expect(0);
            let partner = Partner::with(|_, _| Act::reply(200, json!({ "id": 7 })));
            let weir = start(&database, "new").data(data.path()).start();
            goes_on(weir, &partner, &facts);
        }
        schemas.push(schema);
    }
    // What is not there was not looked at.
    assert!(schemas.contains(&"m0005".to_owned()), "{schemas:?}");
}

#[test]
#[ignore = "needs the binary of an older Weir; `make prove` has one"]
fn what_an_older_one_wrote_goes_on_in_place() {
    let old = old_binary();
    for database in [Database::Sqlite, Database::postgresql("upgraded")] {
        let data = TempDir::new().unwrap();
        let partner = partner();
        let weir = start(&database, "old").binary(&old).data(data.path());
        let facts = fill(weir.start(), &partner, "3s", |weir| drop(weir.kill()));
        let weir = start(&database, "new").data(data.path()).start();
        goes_on(weir, &partner, &facts);
    }
}

/// Makes the files of `tests/upgrades` for the schema of the older binary, where `WEIR_UPGRADES` names a folder for them.
#[test]
#[ignore = "needs the binary of an older Weir; `make prove` has one"]
fn an_older_one_leaves_a_backup() {
    let old = old_binary();
    let (data, files) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = std::env::var_os("WEIR_UPGRADES").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| files.path().to_path_buf());
    let backup = folder.join("new.backup");
    let partner = partner();
    let weir = start(&Database::Sqlite, "old")
        .binary(&old)
        .data(data.path());
    let facts = fill(weir.start(), &partner, "5s", |weir| {
        let folder = data.path().to_str().unwrap();
        let arguments = ["backup", backup.to_str().unwrap(), "--data", folder];
        weir_of(&old, &arguments, &[], "").expect(0);
        drop(weir.kill());
    });
    let text = serde_json::to_string_pretty(&facts).unwrap() + "\n";
    fs::write(folder.join("new.json"), text).unwrap();
    assert!(fs::metadata(&backup).unwrap().len() > 1_000);
}

/// Takes every order, but for one that it refuses the first time.
fn partner() -> Partner {
    let refused = AtomicBool::new(false);
    Partner::with(move |call, _| {
        if call.path() == "/book/dead" && !refused.swap(true, Ordering::SeqCst) {
            return Act::reply(409, json!({ "reason": "closed" }));
        }
        Act::reply(200, json!({ "id": 7 }))
    })
}

/// An order that is large, and the same for all but its id.
fn order(id: &str) -> Value {
    let items: Vec<Value> = (0..900)
        .map(|number| json!({ "sku": format!("part {number}"), "qty": number % 7 }))
        .collect();
    json!({ "id": id, "items": items })
}

/// Lets an older Weir do something of everything, until `end`, and gives what is known of it.
fn fill(weir: Weir, partner: &Partner, nap: &str, end: impl FnOnce(Weir)) -> Value {
    weir.secret("token", "a secret of the shop");
    point(&weir, &partner.url());
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "trip",
        "triggers": { "in": { "kind": "http", "config": { "path": "/trip", "reply": "accepted" }, "dedupe": "trigger.body.id" } },
        "steps": {
            "price": { "kind": "map", "config": { "script": "#{ id: input.body.id, items: input.body.items, lines: input.body.items.len() }" } },
            "book": { "kind": "http", "connection": "erp", "retry": { "attempts": 1 },
                      "config": { "method": "POST", "path": "= `/book/${trigger.body.id}`", "body": "= steps.price" } }
        },
        "links": [ { "from": "in", "to": "price" }, { "from": "price", "to": "book" } ]
    }));
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "nap",
        "triggers": { "in": { "kind": "http", "config": { "path": "/nap", "reply": "accepted" } } },
        "steps": {
            "rest": { "kind": "wait", "config": { "for": "= input.body.span" } },
            "woken": { "kind": "http", "connection": "erp", "retry": { "attempts": 100, "delay": "100ms", "backoff": "constant" },
                       "config": { "method": "PUT", "path": "= `/woken/${trigger.body.order.id}`", "body": "= trigger.body.order" } }
        },
        "links": [ { "from": "in", "to": "rest" }, { "from": "rest", "to": "woken" } ]
    }));
    let echo = |id: &str, history: &str| {
        json!({
            "format": "weir/flow@1", "id": id, "settings": { "history": history },
            "triggers": { "in": { "kind": "http", "config": { "path": format!("/{id}"), "reply": "accepted" } } },
            "steps": { "echo": { "kind": "map", "config": { "script": "input.body" } } },
            "links": [ { "from": "in", "to": "echo" } ]
        })
    };
    weir.publish(&echo("private", "none"));
    weir.api("POST", "/flows", &echo("sketch", "full"))
        .expect(201);
    let send = |path: &str, body: &Value| {
        let reply = weir.knock("POST", path, body).expect(202);
        reply.header("weir-run").unwrap().to_owned()
    };
    let (ok, dead) = (send("/trip", &order("ok")), send("/trip", &order("dead")));
    let private = send("/private", &order("private"));
    assert_eq!(weir.ended(&ok)["status"], "succeeded");
    assert_eq!(weir.ended(&dead)["status"], "failed");
    assert_eq!(weir.ended(&private)["kept"], false);
    let seen = json!({ "ok": shown(&weir.run(&ok)), "dead": shown(&weir.run(&dead)) });
    partner.hold();
    let open = send("/trip", &order("open"));
    partner.wait_open(1);
    let nap = send("/nap", &json!({ "span": nap, "order": order("nap") }));
    until("the nap", || {
        (weir.run(&nap)["status"] == "waiting").then_some(())
    });
    // Nobody listens there: what wakes up goes on once it is pointed at a partner again.
    point(&weir, "http://127.0.0.1:9");
    end(weir);
    partner.release();
    json!({ "runs": { "ok": ok, "dead": dead, "private": private, "open": open, "nap": nap }, "seen": seen })
}

fn point(weir: &Weir, url: &str) {
    let erp =
        json!({ "base_url": url, "auth": { "kind": "bearer", "token": { "$secret": "token" } } });
    let reply = weir.api("PUT", "/connections/erp", &erp);
    assert!(matches!(reply.status, 200 | 201), "{reply}");
}

/// What an older and a newer Weir must show alike of a run; in place of what is long, its hash.
fn shown(run: &Value) -> Value {
    let brief = |of: &Value, keys: &[&str]| {
        let parts = keys.iter().map(|key| {
            let text = of[key].to_string();
            let part = match text.len() {
                0..200 => of[key].clone(),
                _ => sha256_hex(text.as_bytes()).into(),
            };
            ((*key).to_owned(), part)
        });
        Value::Object(parts.collect())
    };
    let keys = ["status", "message", "failure", "started_at", "ended_at"];
    let mut shown = brief(run, &keys);
    for (step, state) in run["steps"].as_object().unwrap() {
        let keys = ["status", "input", "output", "started_at", "ended_at"];
        shown["steps"][step] = brief(state, &keys);
        let attempts = state["attempts"].as_array().unwrap().iter();
        let keys = ["number", "started_at", "ended_at", "failure", "request"];
        shown["steps"][step]["attempts"] = attempts.map(|one| brief(one, &keys)).collect();
    }
    shown
}

/// Everything that an older Weir left is there, and goes on.
fn goes_on(weir: Weir, partner: &Partner, facts: &Value) {
    let before = partner.calls().len();
    point(&weir, &partner.url());
    let id = |name: &str| facts["runs"][name].as_str().unwrap();
    for name in ["ok", "dead"] {
        let now = weir.run(id(name));
        assert_eq!(shown(&now), facts["seen"][name], "{name}");
        assert_eq!(now["message"]["body"], order(name));
    }
    assert_eq!(weir.ended(id("private"))["kept"], false);
    let again = weir.knock("POST", "/trip", &order("ok")).expect(202);
    assert_eq!(again.header("weir-run"), Some(id("ok")), "its key is known");

    // What waited goes on, and of what was underway nobody knows.
    let nap = weir.ended(id("nap"));
    assert_eq!(nap["status"], "succeeded", "{nap:#}");
    assert_eq!(nap["message"]["body"]["order"], order("nap"));
    let open = weir.ended(id("open"));
    assert_eq!(open["failure"]["class"], "lost", "{open:#}");
    let letters = weir.get("/dead-letters").expect(200).json();
    let letters = letters["items"].as_array().unwrap();
    for name in ["dead", "open"] {
        let letter = letters.iter().find(|letter| letter["run"] == id(name));
        assert_eq!(letter.unwrap()["state"], "open", "{name}: {letters:#?}");
        let replay = weir.api("POST", &format!("/runs/{}/replay", id(name)), &json!({}));
        let replay = weir.ended(replay.expect(202).json()["id"].as_str().unwrap());
        assert_eq!(replay["status"], "succeeded", "{replay:#}");
        assert_eq!(replay["steps"]["price"]["taken_over"], true, "{replay:#}");
        assert_eq!(replay["steps"]["price"]["output"]["lines"], 900);
    }
    // And it does all that it did before.
    let new = weir.knock("POST", "/trip", &order("new")).expect(202);
    assert_eq!(
        weir.ended(new.header("weir-run").unwrap())["status"],
        "succeeded"
    );
    weir.api("POST", "/flows/sketch/publish", &json!({}))
        .expect(200);
    let sketch = weir.knock("POST", "/sketch", &order("sketch")).expect(202);
    let sketch = weir.ended(sketch.header("weir-run").unwrap());
    assert_eq!(sketch["steps"]["echo"]["output"], order("sketch"));
    let mut calls = BTreeMap::new();
    for call in &partner.calls()[before..] {
        assert_eq!(call.header("authorization"), "Bearer a secret of the shop");
        assert_eq!(call.json()["items"], order("")["items"]);
        *calls.entry(call.path().to_owned()).or_insert(0) += 1;
    }
    let once = ["/book/dead", "/book/new", "/book/open", "/woken/nap"];
    assert_eq!(calls, once.map(|path| (path.to_owned(), 1)).into());
    let (status, log) = weir.stop();
    assert!(status.success(), "{log}");
}

#[test]
#[ignore = "needs the binary of an older Weir; `make prove` has one"]
fn an_older_server_keeps_working_beside_a_newer_one() {
    let database = Database::postgresql("upgrade_beside");
    let partner = Partner::with(|_, _| Act::ok().after(Duration::from_millis(20)));
    let old = beside(&database, "old", Some(&old_binary()));
    set_up(&old, &partner);
    let new = beside(&database, "new", None);
    until_all_listen(std::slice::from_ref(&new), "/work");
    let pad = "0123456789abcdef".repeat(2_500);
    let mut accepted = BTreeMap::new();
    let mut send = |weir: &Weir, number: usize| {
        let kind = KINDS[number % KINDS.len()];
        let id = format!("{number}-{kind}");
        let body = json!({ "id": id, "kind": kind, "pad": { "text": pad } });
        let reply = weir.knock("POST", "/work", &body).expect(202);
        accepted.insert(id, reply.header("weir-run").unwrap().to_owned());
    };
    // Both take messages and finish their runs, and each knows what the other publishes.
    let later = |id: &str| {
        json!({
            "format": "weir/flow@1", "id": id,
            "triggers": { "in": { "kind": "http", "config": { "path": format!("/{id}"), "reply": "accepted" } } },
            "steps": {}, "links": []
        })
    };
    for round in 0..MESSAGES / 4 {
        send(&old, round * 4);
        send(&new, round * 4 + 1);
        if round == 3 {
            new.publish(&later("by-new"));
            until_all_listen(std::slice::from_ref(&old), "/by-new");
            old.publish(&later("by-old"));
            until_all_listen(std::slice::from_ref(&new), "/by-old");
        }
        send(&old, round * 4 + 2);
        send(&new, round * 4 + 3);
    }
    let left = "SELECT count(*) FROM run WHERE ended_at IS NULL";
    until("both to finish", || {
        (database.count(left) == 0).then_some(())
    });
    // The older one goes with calls underway, and the newer one goes on with them.
    partner.hold();
    for number in MESSAGES..MESSAGES + OPEN {
        send(&old, number);
    }
    partner.wait_open(OPEN);
    old.kill();
    partner.release();
    judge(&new, &partner, &accepted);
    judge_database(&database);
    let (status, log) = new.stop();
    assert!(status.success(), "{log}");
}

#[test]
#[ignore = "needs the binary of an older Weir; `make prove` has one"]
fn what_only_a_newer_server_can_read_waits_for_one() {
    let database = Database::postgresql("upgrade_waits");
    let partner = partner();
    let old = beside(&database, "old", Some(&old_binary()));
    let new = beside(&database, "new", None);
    old.secret("token", "a secret of the shop");
    point(&old, &partner.url());
    new.publish(&json!({
        "format": "weir/flow@1", "id": "nap",
        "triggers": { "in": { "kind": "http", "config": { "path": "/nap", "reply": "accepted" } } },
        "steps": {
            "rest": { "kind": "wait", "config": { "for": "4s" } },
            "woken": { "kind": "http", "connection": "erp", "config": { "method": "PUT", "path": "= `/woken/${trigger.body.id}`", "body": "= trigger.body" } }
        },
        "links": [ { "from": "in", "to": "rest" }, { "from": "rest", "to": "woken" } ]
    }));
    let runs: Vec<String> = (0..4)
        .map(|number| {
            let body = order(&number.to_string());
            let reply = new.knock("POST", "/nap", &body).expect(202);
            reply.header("weir-run").unwrap().to_owned()
        })
        .collect();
    let parked = "SELECT count(*) FROM run WHERE parked_until IS NOT NULL";
    until("nobody to have them", || {
        (database.count(parked) == 4).then_some(())
    });
    // As if the newer one had a record that the older one does not know.
    let rename = |from: &str, to: &str| {
        let (from, to) = (
            format!("\"record\":\"{from}\""),
            format!("\"record\":\"{to}\""),
        );
        let matching = format!("records LIKE '%{from}%'");
        let count = database.count(&format!("SELECT count(*) FROM journal WHERE {matching}"));
        assert_eq!(count, 4, "{from}");
        database.ask(&format!(
            "UPDATE journal SET records = replace(records, '{from}', '{to}') WHERE {matching}"
        ));
    };
    rename("waiting", "of_later");
    // Only the older one is left when they are due. It finds that it cannot read them, and does nothing with them.
    new.kill();
    until("the older one to look", || {
        old.log().contains("cannot be taken up").then_some(())
    });
    let shown = old.get(&format!("/runs/{}", runs[0]));
    shown.problem(409, "conflict");
    assert_eq!(partner.calls().len(), 0);
    rename("of_later", "waiting");
    let new = beside(&database, "newer", None);
    let (status, log) = old.stop();
    assert!(status.success(), "{log}");
    for run in &runs {
        assert_eq!(new.ended(run)["status"], "succeeded");
    }
    assert_eq!(partner.calls().len(), 4);
    judge_database(&database);
}

/// A server among others, of an older Weir where a binary is given.
fn beside(database: &Database, name: &str, binary: Option<&Path>) -> Weir {
    let start = start(database, name).variable("WEIR_PARK_AFTER_MS", "200");
    match binary {
        Some(binary) => start.binary(binary).start(),
        None => start.start(),
    }
}
