//! What users can prove themselves: `weir selftest`, and that a backup brings everything back.

use serde_json::json;
use tempfile::TempDir;
use weir_tests::{Act, Database, Finished, Partner, Start, weir, weir_with_input};

#[test]
fn the_selftest_finds_nothing_lost_on_sqlite() {
    selftest(&[]);
}

#[test]
fn the_selftest_finds_nothing_lost_on_three_servers() {
    let database = Database::postgresql("selftest");
    selftest(&[("WEIR_DATABASE_URL", database.url().unwrap())]);
}

fn selftest(variables: &[(&str, String)]) {
    let data = TempDir::new().unwrap();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let folder = data.path().to_str().unwrap();
    let arguments = ["selftest", "--seconds", "4", "--data", folder];
    let told = weir_with_input(&arguments, &variables, "").expect(0);
    assert!(
        told.out.ends_with("Nothing lost, nothing doubled.\n"),
        "{told}"
    );
    for (word, none) in [
        ("killed", false),
        ("accepted", false),
        ("lost", true),
        ("doubled", true),
    ] {
        assert_eq!(number(&told, word) == 0, none, "{word}: {told}");
    }
    let left = std::fs::read_dir(data.path()).unwrap().count();
    assert_eq!(left, 0, "nothing of the test stays behind");
}

/// The number after a word in what was printed.
fn number(told: &Finished, word: &str) -> u64 {
    let line = told.out.lines().find(|line| line.starts_with(word));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.unwrap_or_else(|| panic!("no number for {word}: {told}"))
}

#[test]
fn a_backup_of_a_running_server_brings_everything_back() {
    let partner = Partner::with(|_, _| Act::reply(201, json!({ "mark": "booked" })));
    let data = TempDir::new().unwrap();
    let first = Start::default().data(data.path()).start();
    first.secret("token", "a secret of the shop");
    first.connect(
        "erp",
        &json!({ "base_url": partner.url(), "auth": { "kind": "bearer", "token": { "$secret": "token" } } }),
    );
    first.publish(&json!({
        "format": "weir/flow@1", "id": "orders",
        "triggers": { "in": { "kind": "http", "config": { "path": "/orders" }, "dedupe": "trigger.body.id" } },
        "steps": { "book": { "kind": "http", "connection": "erp", "config": { "method": "PUT", "path": "/book", "body": "= input.body" } } },
        "links": [ { "from": "in", "to": "book" } ],
    }));
    let order = json!({ "id": "A-1" });
    let reply = first.knock("POST", "/orders", &order).expect(200);
    let run = reply.header("weir-run").unwrap().to_owned();

    let files = TempDir::new().unwrap();
    let file = files.path().join("weir.backup");
    let file = file.to_str().unwrap();
    let folder = data.path().to_str().unwrap();
    let told = weir(&["backup", file, "--data", folder]).expect(0);
    assert!(
        told.out.contains("1 flows") && told.out.contains("1 runs"),
        "{told}"
    );
    // What comes after the backup is not in it.
    first
        .knock("POST", "/orders", &json!({ "id": "A-2" }))
        .expect(200);
    first.stop();

    let other = TempDir::new().unwrap();
    let target = other.path().to_str().unwrap();
    let told = weir(&["restore", file, "--data", target]).expect(0);
    assert!(
        told.out.contains("weir.key"),
        "the key is asked for: {told}"
    );
    std::fs::copy(data.path().join("weir.key"), other.path().join("weir.key")).unwrap();
    let second = Start::default().data(other.path()).start();
    assert_eq!(second.run(&run)["status"], "succeeded");
    let again = second.knock("POST", "/orders", &order).expect(200);
    assert_eq!(
        again.header("weir-run"),
        Some(run.as_str()),
        "its key is known"
    );
    assert_eq!(partner.calls().len(), 2);
    second
        .knock("POST", "/orders", &json!({ "id": "A-3" }))
        .expect(200);
    let calls = partner.calls();
    assert_eq!(
        calls[2].header("authorization"),
        "Bearer a secret of the shop",
        "the secret came along, sealed"
    );
    second.stop();
    let told = weir(&["restore", file, "--data", target]).expect(2);
    assert!(told.err.contains("has data already"), "{told}");
}
