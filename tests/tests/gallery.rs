//! The gallery on the real binary: clean, tested by itself, and at work against the sandbox from the first start.

use serde_json::{Value, json};
use weir_tests::{Request, Start, Weir, github, root, until, weir};

/// The files of the gallery.
fn files() -> Vec<String> {
    let folder = root().join("flows/gallery");
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().path().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_files_are_clean_and_pass_their_own_tests() {
    let files = files();
    assert!(files.len() >= 9, "{files:?}");
    let with = |command: &str| {
        [
            vec![command.to_owned()],
            files.clone(),
            vec!["--json".to_owned()],
        ]
        .concat()
    };
    let checked = weir(&with("check")).expect(0).json();
    for file in checked["files"].as_array().unwrap() {
        assert_eq!(file["problems"], json!([]), "{}", file["file"]);
    }
    weir(&with("test")).expect(0);
}

/// The newest run of a flow, once it has ended.
fn ended(server: &Weir, flow: &str) -> Value {
    let run = until("the run to end", || {
        let runs = server
            .get(&format!("/runs?flow={flow}&limit=1"))
            .expect(200)
            .json();
        let run = runs["items"][0].clone();
        (run["ended_at"].is_string()).then_some(run)
    });
    server.run(run["id"].as_str().unwrap())
}

#[test]
fn every_flow_works_against_the_sandbox() {
    let server = Start::default().argument("--gallery").start();

    let order =
        json!({ "order_id": "A-1", "items": [ { "sku": "DESK-1", "qty": 2, "price": 10.5 } ] });
    let reply = server.knock("POST", "/orders", &order).expect(201).json();
    assert_eq!(
        reply,
        json!({ "order_id": "A-1", "status": "booked", "booking": "B-A-1", "total": 21.0 })
    );
    let large = json!({ "order_id": "A-2", "customer": { "id": "C-7" }, "items": [ { "qty": 1, "price": 2000 } ] });
    assert_eq!(
        server.knock("POST", "/orders", &large).expect(201).json()["total"],
        1900.0
    );

    // Without stock the booking is taken back.
    let missing =
        json!({ "order_id": "A-3", "items": [ { "sku": "OUT-1", "qty": 1, "price": 5 } ] });
    server.knock("POST", "/orders", &missing).expect(502);
    let run = ended(&server, "order-intake");
    assert_eq!(run["failure"]["step"], "reserve");
    let undo = &run["steps"]["book"]["attempts"][1];
    assert_eq!(
        (&undo["undo"], &undo["response"]["status"]),
        (&json!(true), &json!(200)),
        "{run}"
    );

    let counts = server
        .send(&Request::new("POST", "/in/main/contact-sync"))
        .expect(200)
        .json();
    assert_eq!(counts, json!({ "subscribed": 3, "invalid": 1 }));

    let csv = "sku,name,group,cost\nPEN-1,\"Pen, blue\",Paper,0.42\n";
    let list = Request::new("POST", "/in/main/price-list")
        .header("content-type", "text/csv")
        .body(csv);
    assert_eq!(
        server.send(&list).expect(200).json()["products"][0]["price"],
        0.76
    );

    let ticket = json!({ "id": "T-1", "from": "ada@example.com", "subject": "Everything is down", "plan": "business" });
    assert_eq!(
        server.knock("POST", "/tickets", &ticket).expect(201).json()["team"],
        "operations"
    );

    let invoice = json!({ "number": "RE-1", "supplier": { "id": "SUP-7" }, "currency": "EUR", "cost_centre": "4100",
        "net": 100, "tax": 19, "total": 119, "lines": [ { "net": 100 } ] });
    assert_eq!(
        server
            .knock("POST", "/invoices", &invoice)
            .expect(201)
            .json()["decision"],
        "booked"
    );
    // A large one waits for the board, which books it elsewhere.
    let large = json!({ "number": "RE-2", "supplier": { "id": "SUP-7" }, "currency": "EUR", "cost_centre": "4100",
        "net": 10000, "tax": 1900, "total": 11900, "lines": [ { "net": 10000 } ] });
    server.knock("POST", "/invoices", &large).expect(202);
    let approval = until("the invoice to wait for its decision", || {
        let open = server.get("/approvals").expect(200).json();
        open["items"][0]["id"].as_str().map(str::to_owned)
    });
    let decision =
        json!({ "decision": "approved", "form": { "cost_centre": "4900" }, "by": "Grace" });
    server
        .api("POST", &format!("/approvals/{approval}/decide"), &decision)
        .expect(200);
    let run = ended(&server, "invoice-approval");
    assert_eq!(run["status"], "succeeded", "{run}");
    let entered = &run["steps"]["enter"];
    let (given, answer) = (&entered["input"], &entered["attempts"][0]["response"]);
    assert_eq!(
        (
            &given["form"]["cost_centre"],
            &given["by"],
            &answer["status"]
        ),
        (&json!("4900"), &json!("Grace"), &json!(201)),
        "{run}"
    );

    let order = json!({ "order_id": "A-9", "lines": [ { "sku": "DESK-1", "qty": 2 }, { "sku": "OUT-1", "qty": 1 } ] });
    let summary = server
        .knock("POST", "/stock-reservation", &order)
        .expect(200)
        .json();
    assert_eq!(
        summary,
        json!({ "order_id": "A-9", "reserved": [ { "sku": "DESK-1", "qty": 2, "reservation": "R-A-9/1" } ],
            "missing": [ { "sku": "OUT-1", "qty": 1, "why": "out of stock: OUT-1" } ] })
    );

    let order = |customer: &str, sku: &str| json!({ "order_id": "A-5", "customer": customer, "total": 50, "lines": [ { "sku": sku, "qty": 1 } ] });
    for (customer, sku, status, said) in [
        (
            "C-7",
            "PEN-1",
            200,
            json!({ "order_id": "A-5", "cleared": true, "reservation": "R-A-5" }),
        ),
        (
            "C-7",
            "OUT-1",
            409,
            json!({ "order_id": "A-5", "cleared": false, "why": "out of stock: OUT-1" }),
        ),
        (
            "guest",
            "PEN-1",
            409,
            json!({ "order_id": "A-5", "cleared": false, "why": "more than the limit of 0" }),
        ),
    ] {
        let reply = server
            .knock("POST", "/order-clearance", &order(customer, sku))
            .expect(status);
        assert_eq!(reply.json(), said);
    }
    let run = ended(&server, "order-clearance");
    let calls = &run["steps"]["clear"]["attempts"][0]["calls"];
    assert_eq!(calls.as_array().unwrap().len(), 1, "{run}");

    let day = json!({ "trigger": "again", "message": { "body": { "day": "2026-03-29" } } });
    server
        .api("POST", "/flows/nightly-report/runs", &day)
        .expect(202);
    let run = ended(&server, "nightly-report");
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_eq!(
        run["steps"]["mail"]["output"]["body"]["subject"],
        "6 orders on 2026-03-29: 1,274.41 EUR"
    );

    server
        .api(
            "POST",
            "/flows/health-watch/runs",
            &json!({ "trigger": "now", "message": {} }),
        )
        .expect(202);
    assert_eq!(ended(&server, "health-watch")["status"], "succeeded");

    server.secret("github-webhook", "a secret for the test");
    let star = json!({ "action": "created", "sender": { "login": "ada" }, "repository": { "full_name": "octo/hello" } }).to_string();
    let hook = Request::new("POST", "/in/main/github")
        .header("content-type", "application/json")
        .header("x-github-event", "star")
        .header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
        .header(
            "x-hub-signature-256",
            github("a secret for the test", star.as_bytes()),
        )
        .body(star);
    server.send(&hook).expect(202);
    let run = ended(&server, "github-push-to-chat");
    assert_eq!(
        run["steps"]["post"]["output"]["body"]["text"], "[octo/hello] star created by ada",
        "{run}"
    );
}
