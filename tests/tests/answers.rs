//! Runs that wait for a callback or for a person: answered early, late, twice, elsewhere, and after their server was killed.

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Database, Partner, Reply, Request, Weir, until};

use crate::servers::{start, until_all_listen};

/// Hands the link of a step that waits so to the partner, and then waits.
fn asks(partner: &Partner, config: &Value) -> Value {
    json!({
        "format": "weir/flow@1", "id": "asks",
        "triggers": { "in": { "kind": "http", "config": { "path": "/asks", "reply": "accepted" } } },
        "steps": {
            "tell": { "kind": "http", "idempotent": true,
                      "config": { "method": "POST", "url": partner.url(), "body": "= #{ link: run.callbacks.ask }" } },
            "ask": { "kind": "wait", "config": config },
            "then": { "kind": "map", "config": { "script": "input" } },
            "late": { "kind": "map", "config": { "script": "error.class" } }
        },
        "links": [ { "from": "in", "to": "tell" }, { "from": "tell", "to": "ask" }, { "from": "ask", "to": "then" },
                   { "from": "ask", "port": "error", "to": "late" } ]
    })
}

fn begin(weir: &Weir) -> String {
    let reply = weir.knock("POST", "/asks", &json!({})).expect(202);
    reply.header("weir-run").unwrap().to_owned()
}

/// The path of the link in the newest call of the partner.
fn told(partner: &Partner, count: usize) -> String {
    let calls = partner.wait_for(count);
    let body = calls.last().unwrap().json();
    path(body["link"].as_str().unwrap())
}

fn path(link: &str) -> String {
    link[link.find("/callback/").unwrap()..].to_owned()
}

/// The step `ask` of a run once it waits.
fn waits(weir: &Weir, run: &str) -> Value {
    until("the run to wait", || {
        let step = weir.run(run)["steps"]["ask"].clone();
        (step["status"] == "waiting").then_some(step)
    })
}

fn answer(weir: &Weir, path: &str, body: &Value) -> Reply {
    weir.send(&Request::new("POST", path).json(body))
}

/// Whether an answer that was taken had been given before.
fn again(reply: Reply) -> bool {
    reply.expect(202).header("weir-duplicate") == Some("true")
}

#[test]
fn a_callback_counts_before_during_and_after_the_wait() {
    let partner = Partner::start();
    let weir = Weir::start();
    weir.publish(&asks(&partner, &json!({ "callback": { "timeout": "1h" } })));

    // Before: the partner answers before it has replied to the call that told it the link.
    partner.hold();
    let run = begin(&weir);
    partner.wait_open(1);
    let link = told(&partner, 1);
    assert!(!again(answer(&weir, &link, &json!({ "n": 1 }))));
    assert!(again(answer(&weir, &link, &json!({ "n": 1 }))));
    answer(&weir, &link, &json!({ "n": 2 })).problem(409, "conflict");
    partner.release();
    let ended = weir.ended(&run);
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert_eq!(ended["steps"]["then"]["output"]["body"], json!({ "n": 1 }));

    // During, by what the page shows; and after, when the same sender asks once more.
    let run = begin(&weir);
    let link = path(waits(&weir, &run)["link"].as_str().unwrap());
    assert!(!again(answer(&weir, &link, &json!({ "n": 3 }))));
    let ended = weir.ended(&run);
    assert_eq!(ended["steps"]["then"]["output"]["body"], json!({ "n": 3 }));
    assert!(again(answer(&weir, &link, &json!({ "n": 3 }))));
    answer(&weir, &link, &json!({ "n": 4 })).problem(409, "conflict");

    // A made-up signature leads nowhere, and none stands in the log.
    let run = begin(&weir);
    let link = path(waits(&weir, &run)["link"].as_str().unwrap());
    let (place, signature) = link.rsplit_once('/').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let made_up = format!("{place}/{other}{}", &signature[1..]);
    answer(&weir, &made_up, &json!({})).problem(404, "not_found");
    answer(&weir, place, &json!({})).problem(404, "not_found");
    let run_of_another = link.replace(&run, "0199a2b4-7c11-7d4e-9d5e-2f6a1b3c4d5e");
    answer(&weir, &run_of_another, &json!({})).problem(404, "not_found");
    assert_eq!(weir.run(&run)["steps"]["ask"]["status"], "waiting");
    assert!(!weir.log().contains(signature), "{}", weir.log());
    let cancelled = weir.api("POST", &format!("/runs/{run}/cancel"), &json!({}));
    cancelled.expect(202);
    answer(&weir, &link, &json!({})).problem(410, "gone");
}

#[test]
fn what_nobody_answers_goes_on_by_its_error_port_and_is_over() {
    for config in [
        json!({ "callback": { "timeout": "50ms" } }),
        json!({ "approval": { "timeout": "50ms" } }),
    ] {
        let (partner, weir) = (Partner::start(), Weir::start());
        weir.publish(&asks(&partner, &config));
        let run = begin(&weir);
        let ended = weir.ended(&run);
        assert_eq!(ended["steps"]["late"]["output"], "timed_out", "{ended:#}");
        assert_eq!(ended["steps"]["then"]["status"], "skipped");
        let link = told(&partner, 1);
        answer(&weir, &link, &json!({ "decision": "approved" })).problem(410, "gone");
        if config.get("approval").is_some() {
            let approval = format!("/approvals/{run}.ask");
            assert_eq!(weir.get(&approval).expect(200).json()["state"], "closed");
            let decide = weir.api(
                "POST",
                &format!("{approval}/decide"),
                &json!({ "decision": "approved" }),
            );
            decide.problem(410, "gone");
        }
    }
}

#[test]
fn an_answer_is_no_larger_than_a_message() {
    let partner = Partner::start();
    let weir = start(&Database::Sqlite, "small")
        .variable("WEIR_MAX_MESSAGE", "10000")
        .start();
    weir.publish(&asks(&partner, &json!({ "callback": {} })));
    let run = begin(&weir);
    let link = path(waits(&weir, &run)["link"].as_str().unwrap());
    answer(&weir, &link, &json!("x".repeat(20_000))).problem(413, "too_large");
    // Nothing was taken: a smaller one is the first.
    assert!(!again(answer(&weir, &link, &json!("x".repeat(9_000)))));
    let ended = weir.ended(&run);
    let body = &ended["steps"]["then"]["output"]["body"];
    assert_eq!(body.as_str().map(str::len), Some(9_000));
}

#[test]
fn what_was_answered_outlives_the_server_that_took_it() {
    for database in [Database::Sqlite, Database::postgresql("answers_killed")] {
        let (partner, data) = (Partner::start(), TempDir::new().unwrap());
        let weir = start(&database, "first").data(data.path()).start();
        weir.publish(&asks(&partner, &json!({ "callback": { "timeout": "1h" } })));
        // One was answered before it waits, one waits still, and both are cut off.
        let waiting = begin(&weir);
        let late = path(waits(&weir, &waiting)["link"].as_str().unwrap());
        partner.hold();
        let early = begin(&weir);
        partner.wait_open(1);
        let link = told(&partner, 2);
        assert!(!again(answer(&weir, &link, &json!(1))));
        weir.kill();
        partner.release();
        let weir = start(&database, "second").data(data.path()).start();
        let ended = weir.ended(&early);
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        assert_eq!(ended["steps"]["then"]["output"]["body"], 1);
        assert!(again(answer(&weir, &link, &json!(1))));
        assert!(!again(answer(&weir, &late, &json!(2))));
        let ended = weir.ended(&waiting);
        assert_eq!(ended["steps"]["then"]["output"]["body"], 2, "{ended:#}");
    }
}

#[test]
fn any_server_takes_an_answer_for_any_other() {
    let partner = Partner::with(|_, _| Act::ok());
    let database = Database::postgresql("answers_elsewhere");
    let first = start(&database, "first").start();
    let second = start(&database, "second")
        .variable("WEIR_PARK_AFTER_MS", "200")
        .start();
    first.publish(&asks(&partner, &json!({ "callback": { "timeout": "1h" } })));
    until_all_listen(std::slice::from_ref(&second), "/asks");
    // One that the other server has, and one that nobody has.
    let (theirs, nobodys) = (begin(&first), begin(&second));
    for (run, at) in [(&theirs, &second), (&nobodys, &first)] {
        let link = path(waits(at, run)["link"].as_str().unwrap());
        if run == &nobodys {
            until("nobody to have it", || {
                let free =
                    format!("SELECT count(*) FROM run WHERE id = '{run}' AND server IS NULL");
                (database.count(&free) == 1).then_some(())
            });
        }
        assert!(!again(answer(at, &link, &json!(7))));
        let ended = at.ended(run);
        assert_eq!(ended["steps"]["then"]["output"]["body"], 7, "{ended:#}");
        for weir in [&first, &second] {
            assert!(again(answer(weir, &link, &json!(7))));
            answer(weir, &link, &json!(8)).problem(409, "conflict");
        }
    }
    assert_eq!(
        database.count("SELECT count(*) FROM awaited WHERE state <> 'used'"),
        0
    );
}

#[test]
fn a_person_approves_refuses_and_is_remembered() {
    let partner = Partner::start();
    let weir = Weir::start();
    let form = json!({ "type": "object", "required": ["limit"], "properties": { "limit": { "type": "integer" } } });
    let mut document = asks(
        &partner,
        &json!({ "approval": { "title": "= `Order ${run.id}`", "form": form, "timeout": "1h" } }),
    );
    document["steps"]["no"] =
        json!({ "kind": "map", "config": { "script": "`refused by ${input.by}`" } });
    document["links"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "from": "ask", "port": "rejected", "to": "no" }));
    weir.publish(&document);
    let decide = |run: &str, decision: &Value| {
        weir.api("POST", &format!("/approvals/{run}.ask/decide"), decision)
    };

    let run = begin(&weir);
    assert_eq!(waits(&weir, &run)["approval"], format!("{run}.ask"));
    let open = weir.get("/approvals").expect(200).json();
    assert_eq!(open["items"][0]["title"], format!("Order {run}"));
    assert_eq!(open["items"].as_array().unwrap().len(), 1);
    decide(&run, &json!({ "decision": "approved" })).problem(422, "invalid_body");
    let yes =
        json!({ "decision": "approved", "form": { "limit": 7 }, "by": "Ada", "note": "as agreed" });
    assert_eq!(decide(&run, &yes).expect(200).json()["state"], "decided");
    let ended = weir.ended(&run);
    let got = &ended["steps"]["then"]["output"];
    assert_eq!(
        (
            &got["decision"],
            &got["form"]["limit"],
            &got["by"],
            &got["note"]
        ),
        (
            &json!("approved"),
            &json!(7),
            &json!("Ada"),
            &json!("as agreed")
        ),
        "{ended:#}"
    );
    decide(&run, &yes).expect(200);
    decide(&run, &json!({ "decision": "rejected", "by": "Eve" })).problem(409, "conflict");

    // By its link, and refused.
    let run = begin(&weir);
    let link = path(waits(&weir, &run)["link"].as_str().unwrap());
    answer(&weir, &link, &json!({ "decision": "maybe" })).problem(422, "invalid_body");
    assert!(!again(answer(
        &weir,
        &link,
        &json!({ "decision": "rejected", "by": "Eve" })
    )));
    let ended = weir.ended(&run);
    assert_eq!(
        ended["steps"]["no"]["output"], "refused by Eve",
        "{ended:#}"
    );
    assert_eq!(ended["steps"]["then"]["status"], "skipped");
    let none = weir.get("/approvals").expect(200).json();
    assert_eq!(none["items"], json!([]));
}

#[test]
fn every_item_is_answered_by_itself_and_a_cancel_ends_them_all() {
    let weir = Weir::start();
    let body = json!({
        "steps": { "ask": { "kind": "wait", "config": { "approval": { "title": "= `Line ${item}`" } } },
                   "mark": { "kind": "map", "config": { "script": "#{ item: item, by: input.by }" } } },
        "links": [ { "from": "ask", "to": "mark" } ]
    });
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "asks",
        "triggers": { "in": { "kind": "http", "config": { "path": "/asks", "reply": "accepted" } } },
        "steps": { "lines": { "kind": "each", "config": { "items": ["a", "b"], "concurrency": 2, "body": body } } },
        "links": [ { "from": "in", "to": "lines" } ]
    }));
    let open = || {
        let list = weir.get("/approvals").expect(200).json();
        list["items"].as_array().unwrap().clone()
    };
    let decide = |run: &str, index: usize, by: &str| {
        let path = format!("/approvals/{run}.ask.{index}/decide");
        weir.api("POST", &path, &json!({ "decision": "approved", "by": by }))
    };
    let run = begin(&weir);
    until("both to wait", || (open().len() == 2).then_some(()));
    decide(&run, 1, "Ada").expect(200);
    until("one to be decided", || (open().len() == 1).then_some(()));
    assert_eq!(open()[0]["title"], "Line a");
    assert_eq!(open()[0]["items"], json!([0]));
    decide(&run, 2, "Ada").problem(404, "not_found");
    decide(&run, 0, "Eve").expect(200);
    let ended = weir.ended(&run);
    assert_eq!(
        ended["steps"]["lines"]["output"],
        json!([{ "item": "a", "by": "Eve" }, { "item": "b", "by": "Ada" }]),
        "{ended:#}"
    );

    let run = begin(&weir);
    until("both to wait", || (open().len() == 2).then_some(()));
    weir.api(
        "POST",
        &format!("/runs/{run}/cancel"),
        &json!({ "by": "Ada" }),
    )
    .expect(202);
    assert_eq!(weir.ended(&run)["status"], "cancelled");
    assert_eq!(open(), Vec::<Value>::new());
    decide(&run, 0, "Eve").problem(410, "gone");
}
