//! Holds the generated page of script functions to the list it is made from.
//!
//! `WEIR_WRITE_DOCS=1 cargo test -p weir-flows --test functions` writes it anew.

use std::fmt::Write as _;
use weir_flows::script::{Group, functions};

const INTRODUCTION: &str = "# Functions of scripts

Scripts are [rhai](https://rhai.rs/book/). This page lists what they can call. A function of a value can be written
both ways: `len(text)` and `text.len()`.

What a script is given (`trigger`, `input`, `steps`, `run`, `vars`, `item`, `index`, `error`, `output`) is read-only and
costs no copy. `let copy = input;` makes a variable that may be changed; nobody else sees the changes. A field that
is missing reads as `()`, and so does a JSON null; `value?.field` skips what is missing, `value ?? 0` gives it a default.
A step whose id has a dash is read as `steps[\"my-step\"]`.

Numbers are whole (`1`, 64 bits), with a point (`1.0`) or decimals (`decimal(\"1.10\")`). `/` between whole numbers drops the
rest. A decimal in a result becomes a JSON number: exact if it is whole, else the nearest number that JSON readers hold;
`to_string()` keeps every digit. A time becomes RFC 3339 text.

Functions that change what they are called on say so (`push`, `sort`, `remove` …); all others give a new value. Bounds
on work, memory, depth and sizes hold for every script. Examples run at 2026-03-01T12:00:00Z.
";

#[test]
fn the_page_is_current() {
    let mut page = INTRODUCTION.to_owned();
    let mut group: Option<Group> = None;
    for function in functions() {
        if group != Some(function.group) {
            group = Some(function.group);
            let _ = write!(page, "\n## {}\n", function.group.title());
        }
        let _ = write!(page, "\n### {}\n\n", function.name);
        for signature in function.signature.split("; ") {
            let _ = writeln!(page, "- `{signature}`");
        }
        let _ = write!(page, "\n{}\n", function.doc);
        if !function.example.is_empty() {
            let _ = write!(
                page,
                "\n```rhai\n{}\n// {}\n```\n",
                function.example, function.result
            );
        }
    }
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/functions.md");
    if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
        std::fs::write(place, &page).unwrap();
    }
    let written = std::fs::read_to_string(place).unwrap_or_default();
    assert!(
        written == page,
        "docs/functions.md is not current: run with WEIR_WRITE_DOCS=1"
    );
}
