//! The page in a real browser, against the real binary: `tests/browser/*.mjs`, run by node.

use std::{env, path::PathBuf, process::Command, time::Duration};

use serde_json::json;
use tempfile::TempDir;
use weir_tests::{Act, Partner, Request, Start, Weir, binary, flow_file, root};

#[test]
fn a_flow_is_imported_published_tried_and_watched() {
    let partner = Partner::with(|_, index| match index {
        0 => Act::reply(503, json!({ "error": "warming up" })),
        _ => Act::reply(200, json!({ "mark": "booked-4711" })).after(Duration::from_millis(1500)),
    });
    let weir = Weir::start();
    let folder = TempDir::new().unwrap();
    let flow = json!({
        "format": "weir/flow@1", "id": "first", "title": "A first flow", "description": "Greets, and books what is large.",
        "triggers": { "in": { "kind": "manual", "title": "By hand" } },
        "steps": {
            "greet": { "kind": "map", "title": "Greet", "config": { "script": "#{ text: `Hello, ${trigger.body.name}!`, amount: trigger.body.amount }" } },
            "size": { "kind": "branch", "title": "Large?", "config": { "cases": [ { "port": "large", "when": "input.amount >= 1000" } ], "otherwise": "small" } },
            "call": { "kind": "http", "title": "Book it", "connection": "partner", "config": { "method": "PUT", "path": "/bookings", "body": "= steps.greet" },
                      "retry": { "attempts": 3, "delay": "600ms", "backoff": "constant", "jitter": 0 } },
            "small": { "kind": "map", "title": "Too small", "config": { "script": "()" } },
            "after": { "kind": "map", "title": "Done", "config": { "script": "input.body.mark" } }
        },
        "links": [ { "from": "in", "to": "greet" }, { "from": "greet", "to": "size" }, { "from": "size", "port": "large", "to": "call" },
                   { "from": "size", "port": "small", "to": "small" }, { "from": "call", "to": "after" } ]
    });
    let file = flow_file(folder.path(), "first.json", &flow);
    browse(
        "first_flow.mjs",
        &[
            ("WEIR_URL", weir.url()),
            ("WEIR_FLOW", file.display().to_string()),
            ("WEIR_PARTNER", partner.url()),
            ("WEIR_SECRET", "token-that-nobody-sees".to_owned()),
            ("WEIR_MARK", "booked-4711".to_owned()),
        ],
        &weir,
    );
    let calls = partner.calls();
    assert_eq!(calls.len(), 2);
    assert!(
        calls
            .iter()
            .all(|call| call.header("authorization") == "Bearer token-that-nobody-sees")
    );
}

#[test]
fn a_flow_is_drawn_by_the_mouse_published_and_called() {
    draw("by_mouse.mjs", "mouse");
}

#[test]
fn a_flow_is_drawn_by_the_keyboard_published_and_called() {
    draw("by_keyboard.mjs", "keyboard");
}

/// A script that draws the flow of `tests/browser/drawing.mjs` on an empty server; the partner hears of the large order.
fn draw(script: &str, by: &str) {
    let partner = Partner::with(|_, _| Act::reply(201, json!({ "mark": "booked" })));
    let weir = Weir::start();
    browse(
        script,
        &[("WEIR_URL", weir.url()), ("WEIR_PARTNER", partner.url())],
        &weir,
    );
    let calls = partner.calls();
    assert_eq!(calls.len(), 1, "only the large order is booked, by {by}");
    assert_eq!(calls[0].path(), "/bookings");
    assert_eq!(calls[0].json(), json!({ "order": "A-1", "total": 141.0 }));
}

#[test]
fn the_body_of_a_step_is_drawn_published_and_called() {
    let partner = Partner::with(|request, _| {
        let line = request.json();
        let mark = format!("{}-{}", line["sku"].as_str().unwrap_or(""), line["line"]);
        Act::reply(201, json!({ "mark": mark }))
    });
    let weir = Weir::start();
    let lines = json!([ { "sku": "DESK", "qty": 2, "price": 40 }, { "sku": "LAMP", "qty": 1, "price": 9 } ]);
    let draft = json!({
        "format": "weir/flow@1", "id": "lines", "title": "Lines",
        "triggers": { "in": { "kind": "http", "config": { "path": "/lines", "reply": "result" } } },
        "steps": { "answer": { "kind": "respond", "config": { "body": "= input" } } },
        "links": [ { "from": "in", "to": "answer" } ],
        "tests": [ { "name": "two lines", "message": { "body": { "lines": lines } } } ],
        "layout": { "in": [80, 160], "answer": [680, 160] }
    });
    weir.api("POST", "/flows", &draft).expect(201);
    browse(
        "in_body.mjs",
        &[("WEIR_URL", weir.url()), ("WEIR_PARTNER", partner.url())],
        &weir,
    );
    assert_eq!(partner.calls().len(), 2, "once for each line");
}

#[test]
fn hands_choose_move_copy_and_lead_and_take_all_of_it_back() {
    let weir = with_a_draft();
    browse("hands.mjs", &[("WEIR_URL", weir.url())], &weir);
}

#[test]
fn two_windows_on_one_draft_lose_nothing_of_each_other() {
    let weir = with_a_draft();
    browse("windows.mjs", &[("WEIR_URL", weir.url())], &weir);
}

#[test]
fn nothing_that_was_typed_is_lost_when_the_server_dies() {
    let weir = with_a_draft();
    browse(
        "restart.mjs",
        &[
            ("WEIR_URL", weir.url()),
            ("WEIR_PROCESS", weir.process().to_string()),
            ("WEIR_DATA_FOLDER", weir.data.display().to_string()),
            ("WEIR_BINARY", binary().display().to_string()),
        ],
        &weir,
    );
}

/// A server with the draft `hands`: a row of five cards.
fn with_a_draft() -> Weir {
    let weir = Weir::start();
    let map = |script: &str| json!({ "kind": "map", "config": { "script": script } });
    let draft = json!({
        "format": "weir/flow@1", "id": "hands", "title": "Hands",
        "triggers": { "in": { "kind": "manual" } },
        "steps": {
            "first": map("input.body"), "second": map("input"), "end": map("input"),
            "size": { "kind": "branch", "config": { "cases": [ { "port": "large", "when": "input != ()" } ], "otherwise": "small" } }
        },
        "links": [ { "from": "in", "to": "first" }, { "from": "first", "to": "second" }, { "from": "second", "to": "size" },
                   { "from": "size", "port": "large", "to": "end" } ],
        "layout": { "in": [80, 160], "first": [360, 160], "second": [640, 160], "size": [920, 160], "end": [1200, 160] }
    });
    weir.api("POST", "/flows", &draft).expect(201);
    weir
}

#[test]
fn dead_letters_are_dealt_with_in_the_page() {
    let partner = Partner::with(|request, _| match request.json()["what"].as_str() {
        Some("good") => Act::reply(201, json!({ "mark": "booked" })),
        Some("slow") => Act::reply(201, json!({})).after(Duration::from_secs(20)),
        _ => Act::reply(503, json!({ "error": "maintenance" })),
    });
    let weir = Weir::start();
    let flow = |id: &str, retry: serde_json::Value| {
        let config = json!({ "method": "POST", "url": partner.url(), "body": "= input.body" });
        json!({
            "format": "weir/flow@1", "id": id,
            "triggers": { "in": { "kind": "http", "config": { "path": format!("/{id}"), "reply": "accepted" } } },
            "steps": { "book": { "kind": "http", "config": config, "retry": retry, "timeout": "1s" },
                       "mark": { "kind": "map", "config": { "script": "input.body.mark" } } },
            "links": [ { "from": "in", "to": "book" }, { "from": "book", "to": "mark" } ],
        })
    };
    weir.publish(&flow("shipping", json!({ "attempts": 1 })));
    weir.publish(&flow("patient", json!({ "attempts": 5, "delay": "10m" })));
    let send = |path: &str, id: u32, what: &str| {
        let reply = weir
            .knock("POST", path, &json!({ "id": id, "what": what }))
            .expect(202);
        reply.header("weir-run").unwrap().to_owned()
    };
    let letters: Vec<String> = ["bad", "bad", "bad", "slow", "bad"]
        .into_iter()
        .zip(1..)
        .map(|(what, id)| send("/shipping", id, what))
        .collect();
    letters.iter().for_each(|run| drop(weir.ended(run)));
    let waiting = send("/patient", 9, "bad");
    let variables = [
        ("WEIR_URL", weir.url()),
        ("WEIR_LETTERS", letters[..4].join(",")),
        ("WEIR_WAITING", waiting),
    ];
    browse("letters.mjs", &variables, &weir);
    let calls = partner.calls();
    let of = |id: u32| calls.iter().filter(|call| call.json()["id"] == id).count();
    assert_eq!(
        [1, 2, 3, 4, 5, 9].map(of),
        [2, 1, 2, 1, 2, 1],
        "what was discarded or had happened is not called again"
    );
}

#[test]
fn a_flow_is_paused_and_resumed_in_the_page() {
    let weir = Weir::start();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "orders", "title": "Orders",
        "triggers": {
            "order": { "kind": "http", "config": { "path": "/orders" } },
            "nightly": { "kind": "schedule", "config": { "cron": "0 2 * * *" } },
            "resting": { "kind": "schedule", "disabled": true, "config": { "cron": "0 3 * * *" } }
        },
        "steps": { "note": { "kind": "map", "config": { "script": "input.body" } } },
        "links": [{ "from": "order", "to": "note" }, { "from": "nightly", "to": "note" }, { "from": "resting", "to": "note" }]
    }));
    browse("pauses.mjs", &[("WEIR_URL", weir.url())], &weir);
}

#[test]
fn approvals_are_decided_in_the_page() {
    let weir = Weir::start();
    let form = json!({ "type": "object", "required": ["amount"], "properties": { "amount": { "type": "number", "title": "Amount" } } });
    let approval = json!({ "title": "= `Order ${input.body.id}`", "text": "= `Look twice at ${input.body.id}.`", "form": form });
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "orders", "title": "Orders",
        "triggers": { "in": { "kind": "http", "config": { "path": "/orders", "reply": "accepted" } } },
        "steps": { "ask": { "kind": "wait", "config": { "approval": approval } },
                   "yes": { "kind": "map", "config": { "script": "input.form.amount" } },
                   "no": { "kind": "map", "config": { "script": "input.decision" } } },
        "links": [ { "from": "in", "to": "ask" }, { "from": "ask", "to": "yes" }, { "from": "ask", "port": "rejected", "to": "no" } ],
    }));
    let runs: Vec<String> = ["A-1", "A-2", "A-3", "A-4"]
        .map(|id| {
            let reply = weir
                .knock("POST", "/orders", &json!({ "id": id }))
                .expect(202);
            reply.header("weir-run").unwrap().to_owned()
        })
        .to_vec();
    let variables = [("WEIR_URL", weir.url()), ("WEIR_RUNS", runs.join(","))];
    browse("approvals.mjs", &variables, &weir);
    let ended: Vec<_> = runs.iter().map(|run| weir.ended(run)).collect();
    let ask = &ended[0]["steps"]["ask"]["output"];
    assert_eq!(
        (&ask["by"], &ask["note"], &ask["form"]["amount"]),
        (&json!("Ada"), &json!("as agreed"), &json!(12.5))
    );
    assert_eq!(ended[1]["steps"]["no"]["output"], "rejected");
    assert_eq!(ended[2]["steps"]["yes"]["output"], 3);
    assert_eq!(ended[3]["steps"]["no"]["output"], "rejected");
}

#[test]
fn a_poll_is_watched_and_its_cursor_set_in_the_page() {
    let partner = Partner::with(|_, _| Act::reply(503, json!({ "error": "maintenance" })));
    let weir = Weir::start();
    let script = "#{ messages: http.get(\"/items\").body, cursor: cursor }";
    weir.connect("shop", &json!({ "base_url": partner.url() }));
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "changes", "title": "Changes",
        "triggers": { "new": { "kind": "poll", "connection": "shop", "config": { "every": "1s", "script": script } } },
        "steps": { "note": { "kind": "map", "config": { "script": "input.body" } } },
        "links": [ { "from": "new", "to": "note" } ]
    }));
    partner.wait_for(1);
    browse("polls.mjs", &[("WEIR_URL", weir.url())], &weir);
}

#[test]
fn axe_finds_nothing_serious() {
    let Gallery { weir, last, failed } = gallery();
    let variables = [
        ("WEIR_URL", weir.url()),
        ("WEIR_RUN", last),
        ("WEIR_FAILED_RUN", failed),
    ];
    browse("access.mjs", &variables, &weir);
}

/// A server with the gallery, and runs of its flows.
struct Gallery {
    weir: Weir,
    /// A run that succeeded, and one that failed.
    last: String,
    failed: String,
}

fn gallery() -> Gallery {
    let weir = Start::default().argument("--gallery").start();
    let order = |id: &str, sku: &str, price: u64| json!({ "order_id": id, "customer": { "id": "C-7", "name": "Ada King" }, "items": [ { "sku": sku, "qty": 2, "price": price }, { "sku": "LAMP-3", "qty": 1, "price": 89 } ] });
    let mut last = String::new();
    for number in 0..6 {
        let reply = weir
            .knock(
                "POST",
                "/orders",
                &order(&format!("A-10{number}"), "DESK-1", 120 + number * 300),
            )
            .expect(201);
        last = reply.header("weir-run").unwrap().to_owned();
    }
    let failed = weir
        .knock("POST", "/orders", &order("A-200", "OUT-1", 40))
        .expect(502)
        .header("weir-run")
        .unwrap()
        .to_owned();
    weir.ended(&failed);
    weir.send(&Request::new("POST", "/in/main/contact-sync"))
        .expect(200);
    let ticket = json!({ "id": "T-1", "from": "ada@example.com", "subject": "Everything is down", "plan": "business" });
    weir.knock("POST", "/tickets", &ticket).expect(201);
    let invoice = json!({ "number": "RE-1", "supplier": { "id": "SUP-99", "name": "Cloud Inc" }, "currency": "EUR", "cost_centre": "4210",
        "net": 900, "tax": 171, "total": 1071, "lines": [ { "net": 900 } ] });
    weir.knock("POST", "/invoices", &invoice).expect(202);

    Gallery { weir, last, failed }
}

#[test]
fn every_page_is_drawn_and_pictured() {
    let Gallery { weir, last, failed } = gallery();
    let temporary = TempDir::new().unwrap();
    // Pictures for the documentation are taken on request, in both widths.
    let wanted = env::var_os("WEIR_SCREENS").map(|folder| root().join(PathBuf::from(folder)));
    let widths = if wanted.is_some() {
        "1280,1920"
    } else {
        "1280"
    };
    let folder = wanted.unwrap_or_else(|| temporary.path().to_path_buf());
    browse(
        "screens.mjs",
        &[
            ("WEIR_URL", weir.url()),
            ("WEIR_SCREENS", folder.display().to_string()),
            ("WEIR_WIDTHS", widths.to_owned()),
            ("WEIR_RUN", last),
            ("WEIR_FAILED_RUN", failed),
        ],
        &weir,
    );
}

/// Runs a script of `tests/browser` and shows what it said when it fails.
#[track_caller]
fn browse(script: &str, variables: &[(&str, String)], weir: &Weir) {
    let page = weir
        .send(&Request::new("GET", "/").header("accept", "text/html"))
        .expect(200)
        .text();
    assert!(
        page.contains(".wasm"),
        "the page is not built into the binary; run ui/build first:\n{page}"
    );
    let mut command = Command::new("node");
    command
        .current_dir(root().join("tests"))
        .arg(format!("browser/{script}"));
    let output = command
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("node is there: run ./setup --tests");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{script}: {}\n{out}\n{err}\n--- the server's log\n{}",
        output.status,
        weir.log()
    );
    println!("{out}");
}
