//! The command line on files and against a server: `test`, `run`, `import` and `export`, with their exit codes and their JSON.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Partner, Weir, flow_file, root, weir, weir_with_input};

use crate::check::sound;

#[test]
fn test_runs_the_tests_of_a_file_and_shows_what_differs() {
    let folder = TempDir::new().unwrap();
    let mut document = sound();
    document["steps"]["size"]["config"]["cases"][0]["when"] = json!("trigger.body.a > 10");
    document["tests"] = json!([
        { "name": "a small one is only validated", "trigger": "in", "message": { "body": { "a": 1 } },
          "expect": { "status": "failed", "skipped": ["call"], "failure": { "step": "valid", "class": "rejected" } } },
        { "name": "a large one is sent", "trigger": "in", "message": { "body": { "a": 11 } }, "mocks": { "call": [ { "failure": { "class": "transient", "status": 503 } }, { "output": { "status": 201, "body": {} } } ] },
          "expect": { "ran": ["shape", "price", "size", "call", "end"], "reply": { "status": 201 }, "steps": { "price": { "output": 2 } } } }
    ]);
    document["steps"]["call"]["retry"] = json!({ "attempts": 2 });
    let good = flow_file(folder.path(), "good.json", &document);
    let told = weir(&["test", good.to_str().unwrap()]).expect(0);
    assert!(
        told.out.contains("ok     ") && told.out.ends_with("2 passed, 0 failed\n"),
        "{told}"
    );

    document["tests"][1]["expect"]["steps"]["price"]["output"] = json!(3);
    document["tests"][1]["expect"]["reply"]["status"] = json!(200);
    let bad = flow_file(folder.path(), "bad.json", &document);
    let told = weir(&["test", good.to_str().unwrap(), bad.to_str().unwrap()]).expect(1);
    assert!(
        told.out.contains("FAILED") && told.out.contains("a large one is sent"),
        "{told}"
    );
    assert!(
        told.out
            .contains("steps/price/output\n           - 3\n           + 2"),
        "{told}"
    );
    assert!(
        told.out
            .contains("reply/status\n           - 200\n           + 201"),
        "{told}"
    );
    assert!(told.out.ends_with("3 passed, 1 failed\n"), "{told}");
    let report = weir(&["test", "--json", bad.to_str().unwrap()])
        .expect(1)
        .json();
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        report["files"][0]["tests"][1]["differences"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    document["steps"]["price"]["config"]["script"] = json!("1 +");
    let broken = flow_file(folder.path(), "broken.json", &document);
    let told = weir(&["test", broken.to_str().unwrap()]).expect(1);
    assert!(told.out.contains("/steps/price/config/script"), "{told}");
    weir(&["test", "/nowhere/at-all.json"]).expect(2);
}

#[test]
fn run_makes_real_calls_and_reports_each_step() {
    let partner = Partner::with(|call, index| match (call.path(), index) {
        ("/flaky", 0) => Act::reply(503, json!({ "error": "warming up" })),
        ("/flaky", 1) => Act::hang_up(),
        ("/flaky", _) => Act::reply(201, json!({ "id": 7 })),
        ("/slow", _) => Act::ok().after(Duration::from_secs(5)),
        _ => Act::reply(404, json!({ "error": "no such thing" })),
    });
    let folder = TempDir::new().unwrap();
    let flow = |path: &str, timeout: &str| {
        json!({
            "format": "weir/flow@1", "id": "calls",
            "triggers": { "in": { "kind": "manual" }, "other": { "kind": "manual" } },
            "steps": {
                "double": { "kind": "map", "config": { "script": "#{ n: trigger.body.n * 2, who: trigger.headers[\"x-who\"], page: trigger.query.page }" } },
                "call": { "kind": "http", "config": { "method": "PUT", "url": format!("{}{path}", partner.url()), "body": "= input" }, "timeout": timeout,
                          "retry": { "attempts": 4, "delay": "10ms", "backoff": "constant", "on": ["transient"] } },
                "never": { "kind": "map", "config": { "script": "1" } },
                "end": { "kind": "respond", "config": { "status": 201, "headers": { "x-id": "= text(input.body.id)" }, "body": "= #{ id: input.body.id, n: steps.double.n }" } }
            },
            "links": [ { "from": "in", "to": "double" }, { "from": "other", "to": "never" }, { "from": "double", "to": "call" }, { "from": "call", "to": "end" } ]
        })
    };
    let file = flow_file(folder.path(), "flaky.json", &flow("/flaky", "5s"));
    let message =
        r#"{ "body": { "n": 21 }, "headers": { "X-Who": "Ada" }, "query": { "page": "2" } }"#;
    let allowed = [("WEIR_OUTBOUND_ALLOW", "127.0.0.1")];
    let told = weir_with_input(
        &[
            "run",
            file.to_str().unwrap(),
            "--trigger",
            "in",
            "--message",
            "-",
            "--json",
        ],
        &allowed,
        message,
    )
    .expect(0);
    let report = told.json();
    assert_eq!(report["status"], "succeeded", "{told}");
    assert_eq!(
        report["reply"],
        json!({ "status": 201, "headers": { "x-id": "7" }, "body": { "id": 7, "n": 42 } })
    );
    assert_eq!(
        report["steps"]["double"],
        json!({ "status": "succeeded", "attempts": 0, "output": { "n": 42, "who": "Ada", "page": "2" } })
    );
    assert_eq!(report["steps"]["call"]["attempts"], 3, "{told}");
    assert_eq!(report["steps"]["call"]["output"]["status"], 201);
    assert_eq!(
        report["steps"]["never"],
        json!({ "status": "skipped", "attempts": 0 })
    );
    let calls = partner.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(
        calls[2].json(),
        json!({ "n": 42, "who": "Ada", "page": "2" })
    );
    assert_eq!(
        calls[0].header("idempotency-key"),
        calls[2].header("idempotency-key")
    );

    // Without the permission nothing leaves for an inner address, and the report says what to set.
    let told = weir_with_input(
        &[
            "run",
            file.to_str().unwrap(),
            "--trigger",
            "in",
            "--message",
            "-",
            "--json",
        ],
        &[],
        message,
    )
    .expect(1);
    let report = told.json();
    assert_eq!(report["status"], "failed");
    assert_eq!(
        report["steps"]["call"]["failure"]["class"], "denied",
        "{told}"
    );
    assert!(
        report["steps"]["call"]["failure"]["message"]
            .as_str()
            .unwrap()
            .contains("WEIR_OUTBOUND_ALLOW"),
        "{told}"
    );
    assert_eq!(report["steps"]["end"]["status"], "skipped", "{told}");
    assert_eq!(partner.calls().len(), 3, "the guard lets nothing through");

    for (path, timeout, class, attempts) in [
        ("/gone", "5s", "rejected", 1),
        ("/slow", "200ms", "timed_out", 1),
    ] {
        let file = flow_file(folder.path(), "fails.json", &flow(path, timeout));
        let told = weir_with_input(
            &[
                "run",
                file.to_str().unwrap(),
                "--trigger",
                "in",
                "--message",
                "-",
                "--json",
            ],
            &allowed,
            message,
        )
        .expect(1);
        let report = told.json();
        assert_eq!(report["status"], "failed");
        assert_eq!(report["reply"], Value::Null);
        assert_eq!(
            (
                &report["steps"]["call"]["failure"]["class"],
                &report["steps"]["call"]["attempts"]
            ),
            (&json!(class), &json!(attempts)),
            "{told}"
        );
    }
}

#[test]
fn run_says_what_it_cannot_use() {
    let folder = TempDir::new().unwrap();
    let file = flow_file(folder.path(), "sound.json", &sound());
    let file = file.to_str().unwrap();
    let several = weir(&["run", file]).expect(2);
    assert!(
        several.err.contains("--trigger")
            && several.err.contains("in")
            && several.err.contains("clock"),
        "{several}"
    );
    weir(&["run", file, "--trigger", "nobody"]).expect(2);
    weir(&["run", "/nowhere.json"]).expect(2);
    let message = weir_with_input(
        &["run", file, "--trigger", "in", "--message", "-"],
        &[],
        "{ \"boddy\": 1 }",
    )
    .expect(2);
    assert!(message.err.contains("boddy"), "{message}");
    let refused = weir_with_input(
        &["run", file, "--trigger", "in", "--message", "-", "--json"],
        &[],
        "{ \"body\": 1 }",
    )
    .expect(1);
    assert_eq!(refused.json()["status"], "refused", "{refused}");
    // The readable form names the steps and why the run failed.
    let told = weir_with_input(
        &["run", file, "--trigger", "in", "--message", "-"],
        &[],
        "{ \"body\": {} }",
    )
    .expect(1);
    assert!(
        told.out.starts_with("failed") && told.out.contains("there is no connection `erp`"),
        "{told}"
    );
}

#[test]
fn what_is_imported_is_exported_byte_for_byte() {
    let weir_server = Weir::start();
    let url = weir_server.url();
    let server = ["--server", url.as_str()];
    let folder = TempDir::new().unwrap();
    // The gallery is printed as the server prints; another file becomes so by its first export.
    let gallery: Vec<String> = fs::read_dir(root().join("flows/gallery"))
        .unwrap()
        .map(|file| file.unwrap().path().display().to_string())
        .collect();
    let files: Vec<&str> = gallery.iter().map(String::as_str).collect();
    let told = weir(&[&["import", "--publish"], &files[..], &server].concat()).expect(0);
    assert_eq!(
        told.out.matches("published as version 1").count(),
        files.len(),
        "{told}"
    );
    let out = folder.path().join("out");
    weir(&["export", "--out", out.to_str().unwrap(), "--server", &url]).expect(0);
    for file in &gallery {
        let name = std::path::Path::new(file).file_name().unwrap();
        let exported = fs::read_to_string(out.join(name))
            .unwrap_or_else(|error| panic!("{error}: {file} has another id than its name"));
        assert_eq!(fs::read_to_string(file).unwrap(), exported, "{file}");
    }

    let sound = flow_file(folder.path(), "sound.json", &sound());
    let told = weir(&["import", sound.to_str().unwrap(), "--server", &url]).expect(0);
    assert!(
        told.out.contains("imported `sound`") && told.out.contains("no connection `erp`"),
        "{told}"
    );
    let first = weir(&["export", "sound", "--server", &url]).expect(0).out;
    let printed = folder.path().join("printed.json");
    fs::write(&printed, &first).unwrap();
    let told = weir(&[
        "import",
        "--publish",
        printed.to_str().unwrap(),
        "--server",
        &url,
    ])
    .expect(0);
    assert!(
        told.out.contains("updated `sound`, published as version 1"),
        "{told}"
    );
    assert_eq!(
        weir(&["export", "sound", "--server", &url]).expect(0).out,
        first
    );
    assert!(
        first.ends_with("}\n")
            && first.starts_with("{\n  \"format\": \"weir/flow@1\",\n  \"id\": \"sound\""),
        "{first}"
    );
    assert_eq!(
        weir_server
            .get("/flows/sound/versions/1")
            .expect(200)
            .text(),
        first
    );
}

#[test]
fn import_is_all_or_nothing_and_says_what_is_wrong() {
    let server = Weir::start();
    let url = server.url();
    let folder = TempDir::new().unwrap();
    let mut broken = sound();
    broken["links"][0]["to"] = json!("shap");
    let bad = flow_file(folder.path(), "bad.json", &broken);
    let told = weir(&[
        "import",
        "--publish",
        bad.to_str().unwrap(),
        "--server",
        &url,
    ])
    .expect(1);
    assert!(
        told.err.contains("/links/0/to [dangling_link]")
            && told.err.contains("did you mean `shape`"),
        "{told}"
    );
    assert_eq!(server.get("/flows").expect(200).json()["items"], json!([]));
    weir(&["import", "/nowhere.json", "--server", &url]).expect(2);
    weir(&["export", "nobody", "--server", &url]).expect(1);
    let good = flow_file(folder.path(), "good.json", &sound());
    let told = weir(&[
        "import",
        good.to_str().unwrap(),
        "--server",
        "http://127.0.0.1:9",
    ])
    .expect(2);
    assert!(told.err.contains("is it running"), "{told}");
}
