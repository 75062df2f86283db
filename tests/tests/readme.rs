//! The README keeps its word: what it tells a stranger to type works as it stands there.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Request, Start, root, weir};

#[test]
fn the_first_order_and_the_first_flow_work_as_written() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let server = Start::default().argument("--gallery").start();
    let url = server.url();

    let order = between(&readme, "curl -X POST localhost:8080/in/main/orders", "'\n");
    let body = order
        .split_once("-d '")
        .expect("the order is sent with -d")
        .1;
    for kind in ["application/json", "application/x-www-form-urlencoded"] {
        // With and without the header: `curl -d` alone calls everything a form.
        let request = Request::new("POST", "/in/main/orders").header("content-type", kind);
        let reply = server.send(&request.body(body)).expect(201);
        let sent: Value = serde_json::from_str(body).unwrap();
        assert_eq!(reply.json()["order_id"], sent["order_id"], "{reply}");
    }

    let flow = between(&readme, "Save this as `hello.json`:\n\n```json\n", "```");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hello.json");
    fs::write(&file, flow).unwrap();
    let file = file.to_str().unwrap();
    assert!(weir(&["check", file]).expect(0).out.ends_with(": clean\n"));
    assert!(
        weir(&["test", file])
            .expect(0)
            .out
            .ends_with("1 passed, 0 failed\n")
    );
    weir(&["import", file, "--publish", "--server", &url]).expect(0);
    let reply = server
        .knock("POST", "/hello", &json!({ "name": "Ada" }))
        .expect(200);
    assert_eq!(reply.json()["text"], "Hello, Ada!");
    let told = weir(&["import", file, "--publish", "--server", &url]).expect(0);
    assert!(told.out.contains("version 2"), "{told}");
}

/// What stands in a text between two marks.
#[track_caller]
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("the README has no `{start}` any more"));
    rest.split_once(end).map_or(rest, |(inside, _)| inside)
}
