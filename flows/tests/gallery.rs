//! The gallery: every flow is clean, printed deterministically, drawn from left to right, and passes its own tests.
//!
//! After a flow was edited by hand, `UPDATE_GALLERY=1 cargo test -p weir-flows --test gallery` prints the files anew.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::PathBuf, sync::LazyLock};

use weir_flows::{
    builtin,
    catalog::{
        Action, Catalog, Entry, Field, FieldKind, Group, Idempotent, Phrase, Presence, text, words,
    },
    check::check_text,
    document::Flow,
    failure::Class,
    json,
    script::Bounds,
    testing::run_tests,
};

/// The width and height of a card on the canvas, with the least distance to the next one.
const CARD: [i32; 2] = [200 + 20, 72 + 20];

/// The flows that a first start brings along.
const FLOWS: [&str; 12] = [
    "contact-sync",
    "github-push-to-chat",
    "health-watch",
    "invoice-approval",
    "nightly-report",
    "order-clearance",
    "order-intake",
    "price-list-from-csv",
    "sandbox",
    "stock-reservation",
    "support-routing",
    "welcome-new-contacts",
];

/// The gallery's files by name, with their text.
static FILES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("gallery");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let mut text = fs::read_to_string(&path).unwrap();
            if std::env::var_os("UPDATE_GALLERY").is_some() {
                text = printed(&name, &text);
                fs::write(&path, &text).unwrap();
            }
            (name, text)
        })
        .collect();
    files.sort();
    files
});

/// The text of a flow as it is stored and exported.
fn printed(name: &str, text: &str) -> String {
    let flow: Flow = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    json::print(&flow).unwrap()
}

/// The kinds of the language and what the gallery needs of the server's actions, which are out of reach here.
/// The whole of it meets the gallery in the package `tests`.
fn catalog() -> Catalog {
    let field = |name, kind| Field::new(name, Phrase::default(), kind, Phrase::default());
    let http = Entry {
        fields: vec![
            field("method", FieldKind::Text),
            field("path", FieldKind::Text).expression(),
            field("query", FieldKind::Table).expression(),
            field("headers", FieldKind::Table).expression(),
            field("body", FieldKind::Any).expression(),
            field("expect", FieldKind::Statuses),
        ],
        exactly_one: words(&["path"]),
        action: Some(Action {
            connection: Presence::Allowed,
            idempotent: Idempotent::When {
                field: text("method"),
                values: words(&["GET", "PUT", "DELETE"]),
                default: text("GET"),
            },
            failures: Class::ALL.to_vec(),
            attempts: 3,
            timeout_ms: 30_000,
        }),
        ..Entry::new(
            "http",
            Group::Action,
            "globe",
            Phrase::default(),
            Phrase::default(),
        )
    };
    let script = Entry {
        fields: vec![
            field("script", FieldKind::Script)
                .required()
                .seeing(&["http"]),
        ],
        exactly_one: Vec::new(),
        action: http.action.clone().map(|action| Action {
            idempotent: Idempotent::IfDeclared,
            ..action
        }),
        ..Entry::new(
            "script",
            Group::Action,
            "file-code",
            Phrase::default(),
            Phrase::default(),
        )
    };
    let mut catalog = builtin::catalog();
    catalog.steps.extend([http, script]);
    catalog
}

#[test]
fn every_flow_is_clean_and_passes_its_own_tests() {
    let catalog = catalog();
    let mut wrong = Vec::new();
    for (name, text) in FILES.iter() {
        let checked = check_text(text, &catalog, None);
        wrong.extend(
            checked
                .problems
                .iter()
                .map(|problem| format!("{name}: {problem}")),
        );
        let Some(plan) = checked.plan else { continue };
        for outcome in run_tests(&plan, &Bounds::default()) {
            for difference in outcome.differences {
                let shown = |value: Option<serde_json::Value>| {
                    value.map_or("nothing".to_owned(), |value| value.to_string())
                };
                wrong.push(format!(
                    "{name}, {:?}, {}\n  expected {}\n  found    {}",
                    outcome.name,
                    difference.at,
                    shown(difference.expected),
                    shown(difference.found)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_is_its_own_print() {
    for (name, text) in FILES.iter() {
        assert!(
            *text == printed(name, text),
            "{name} is not as it would be printed; run this test with UPDATE_GALLERY=1"
        );
    }
}

#[test]
fn every_flow_is_described_drawn_and_tested() {
    let names: Vec<&str> = FILES.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, FLOWS);
    let mut drawing = Vec::new();
    for (name, text) in FILES.iter() {
        let flow: Flow = serde_json::from_str(text).unwrap();
        assert_eq!(flow.id, *name, "the file is named as the flow");
        let sentences = flow.description.matches(". ").count() + 1;
        assert!(
            (2..=3).contains(&sentences),
            "{name}: two or three sentences describe it, not {sentences}"
        );
        assert!(
            flow.steps.values().all(|step| !step.title.is_empty()),
            "{name}: every step has a title"
        );
        assert!(
            flow.triggers
                .values()
                .all(|trigger| !trigger.title.is_empty()),
            "{name}: every trigger has a title"
        );
        assert!(flow.tests.len() >= 3, "{name}: three tests at least");

        let mut ids: Vec<&String> = flow.triggers.keys().chain(flow.steps.keys()).collect();
        ids.sort();
        assert_eq!(
            flow.layout.keys().collect::<Vec<_>>(),
            ids,
            "{name}: every box has its place"
        );
        for link in &flow.links {
            let (from, to) = (flow.layout[&link.from], flow.layout[&link.to]);
            assert!(
                from[0] + CARD[0] <= to[0],
                "{name}: the link from {} to {} goes right",
                link.from,
                link.to
            );
        }
        for (i, (one, a)) in flow.layout.iter().enumerate() {
            for (other, b) in flow.layout.iter().skip(i + 1) {
                let apart = (a[0] - b[0]).abs() >= CARD[0] || (a[1] - b[1]).abs() >= CARD[1];
                assert!(apart, "{name}: {one} and {other} overlap");
            }
        }
        drawing.extend(crossings(name, &flow));
    }
    assert!(drawing.is_empty(), "\n{}", drawing.join("\n"));
}

/// No link crosses another between two neighbouring columns, and none runs behind a card.
fn crossings(name: &str, flow: &Flow) -> Vec<String> {
    let mut found = Vec::new();
    // Links leave a card at the middle of its right side and enter at the middle of the left one.
    let line = |link: &weir_flows::document::Link| {
        let (from, to) = (flow.layout[&link.from], flow.layout[&link.to]);
        (
            [f64::from(from[0] + 200), f64::from(from[1] + 36)],
            [f64::from(to[0]), f64::from(to[1] + 36)],
        )
    };
    let height =
        |(a, b): ([f64; 2], [f64; 2]), x: f64| a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]);
    for (i, one) in flow.links.iter().enumerate() {
        let first = line(one);
        for other in &flow.links[i + 1..] {
            if one.from == other.from || one.to == other.to {
                continue;
            }
            let second = line(other);
            let (left, right) = (first.0[0].max(second.0[0]), first.1[0].min(second.1[0]));
            if left >= right {
                continue;
            }
            let (start, end) = (
                height(first, left) - height(second, left),
                height(first, right) - height(second, right),
            );
            if start * end < 0.0 {
                found.push(format!(
                    "{name}: {} -> {} crosses {} -> {}",
                    one.from, one.to, other.from, other.to
                ));
            }
        }
        for (id, place) in &flow.layout {
            let (left, right) = (f64::from(place[0]), f64::from(place[0] + 200));
            if id == &one.from || id == &one.to || left < first.0[0] || right > first.1[0] {
                continue;
            }
            let behind = [left, right].iter().any(|x| {
                let y = height(first, *x);
                y > f64::from(place[1]) && y < f64::from(place[1] + 72)
            });
            if behind {
                found.push(format!(
                    "{name}: {} -> {} runs behind {id}",
                    one.from, one.to
                ));
            }
        }
    }
    found
}
