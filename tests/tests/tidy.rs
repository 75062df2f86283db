//! Holds the order of the house: who may use whom, how files begin and end, and what none may contain.
//!
//! Each test reads the sources as text and fails with `file:line` and what to do instead. It needs no
//! server, no database and no network: `cargo test -p weir-tests --test all tidy`.

use std::fs;
use std::path::{Path, PathBuf};

/// The packages of this workspace that a package may depend on. Below is what all may use.
const PACKAGES: &[(&str, &[&str])] = &[
    ("flows", &[]),
    ("migrations", &[]),
    ("server", &["weir-flows", "weir-migrations"]),
    ("ui", &["weir-flows"]),
    ("tests", &["weir-flows", "weir-migrations", "weir-server"]),
];

/// The modules of `server/src` that a module may use by `crate::`, from the ground up.
const FLOORS: &[(&str, &[&str])] = &[
    ("fair", &[]),
    ("memory", &[]),
    ("world", &[]),
    ("secrets", &["world"]),
    ("signature", &["secrets", "world"]),
    ("outbound", &["world"]),
    ("connection", &["outbound", "secrets", "world"]),
    (
        "connectors",
        &["connection", "outbound", "secrets", "world"],
    ),
    ("store", &["fair", "world"]),
    (
        "engine",
        &[
            "connection",
            "connectors",
            "fair",
            "memory",
            "outbound",
            "secrets",
            "store",
            "world",
        ],
    ),
    (
        "api",
        &[
            "connection",
            "connectors",
            "engine",
            "fair",
            "outbound",
            "secrets",
            "signature",
            "store",
            "world",
        ],
    ),
    ("config", &["engine", "outbound", "world"]),
];

/// The files and folders of `server/src` that put the floors together and may use all of them.
const ROOFS: &[&str] = &["cli", "lib", "main"];

/// Words that must not occur in the code below a path, and why.
const WORDS: &[(&str, &[&str], &str)] = &[
    (
        "flows/src",
        &[
            "tokio",
            "sea_orm",
            "sqlx",
            "axum",
            "reqwest",
            "SystemTime",
            "Instant::now",
            "Utc::now",
            "std::net",
            "std::env",
        ],
        "flows is pure: no clock, no network, no database, so that it runs in a browser and in a simulation",
    ),
    (
        "migrations/src",
        &["axum", "reqwest", "weir_flows"],
        "migrations only change the schema",
    ),
    (
        "ui/src",
        &["tokio", "sea_orm", "std::fs", "std::net"],
        "the page runs in a browser",
    ),
    (
        "server/src/engine",
        &["axum", "tower", "sea_orm", "sqlx"],
        "the engine knows no HTTP and no SQL: the API and the store do",
    ),
    (
        "server/src/connectors",
        &["axum", "tower", "sea_orm", "sqlx"],
        "connectors know no HTTP server and no SQL",
    ),
    (
        "server/src/store",
        &["axum", "tower", "reqwest"],
        "the store knows no HTTP",
    ),
    (
        "server/src/api",
        &["sea_orm", "sqlx", "reqwest"],
        "the API asks the store and the engine",
    ),
];

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "misc", "stuff",
];

/// A file longer than this is split along what it does; 150 to 500 lines is the aim.
const LONGEST: usize = 700;

#[test]
fn packages_depend_only_on_the_floors_below() {
    let mut found = Vec::new();
    for (package, below) in PACKAGES {
        let file = root().join(package).join("Cargo.toml");
        let text = read(&file);
        let mut table = "";
        for (number, line) in numbered(&text) {
            if line.starts_with('[') {
                table = line.trim_matches(['[', ']']);
                continue;
            }
            if !table.ends_with("dependencies") || line.is_empty() || line.starts_with('#') {
                continue;
            }
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if name.starts_with("weir-") && !below.contains(&name) {
                found.push(at(
                    &file,
                    number,
                    &format!("{package} may not depend on {name}"),
                ));
            }
            if !line.replace(' ', "").contains("workspace=true") {
                found.push(at(&file, number, &format!("{name}: its version belongs into the root Cargo.toml, and `workspace = true` here")));
            }
        }
        if !text.contains("[lints]\nworkspace = true") {
            found.push(at(
                &file,
                1,
                "the lints of the workspace are missing: `[lints] workspace = true`",
            ));
        }
    }
    none(&found);
}

#[test]
fn the_modules_of_the_server_use_only_the_floors_below() {
    let mut found = Vec::new();
    let source = root().join("server/src");
    for file in files(&source, &["rs"]) {
        let module = module_of(&source, &file);
        if ROOFS.contains(&module.as_str()) {
            continue;
        }
        let Some((_, below)) = FLOORS.iter().find(|(name, _)| *name == module) else {
            found.push(at(&file, 1, &format!("module `{module}` has no place in FLOORS (tests/tests/tidy.rs): add it, as low as it can be")));
            continue;
        };
        for (number, used) in crate_uses(&read(&file)) {
            if used != module && !below.contains(&used.as_str()) {
                found.push(at(
                    &file,
                    number,
                    &format!("`{module}` may not use `{used}`, only {below:?}"),
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn no_floor_says_the_words_of_another() {
    let mut found = Vec::new();
    for (place, words, reason) in WORDS {
        // A module is a folder, a file, or both.
        let mut within = files(&root().join(place), &["rs"]);
        within.extend(Some(root().join(format!("{place}.rs"))).filter(|file| file.is_file()));
        for file in within {
            let text = without_comments(without_tests(&file, &read(&file)));
            for (number, line) in numbered(&text) {
                for word in *words {
                    if has_word(line, word) {
                        found.push(at(&file, number, &format!("`{word}`: {reason}")));
                    }
                }
            }
        }
    }
    none(&found);
}

#[test]
fn files_open_with_a_sentence_and_stay_short() {
    let mut found = Vec::new();
    for file in files(&root(), &["rs"]) {
        let text = read(&file);
        let first = text.lines().next().unwrap_or_default();
        if !first.starts_with("//! ") {
            found.push(at(
                &file,
                1,
                "a file opens with `//! ` and one sentence that says what it is for",
            ));
        }
        let length = text.lines().count();
        if length > LONGEST {
            found.push(at(
                &file,
                length,
                &format!("{length} lines; at {LONGEST} a file is split along what it does"),
            ));
        }
    }
    none(&found);
}

#[test]
fn names_of_files_say_something() {
    let mut found = Vec::new();
    for file in files(&root(), &["rs", "js", "mjs", "css"]) {
        let inside = file.strip_prefix(root()).unwrap_or(&file);
        for part in inside.with_extension("").components() {
            if EMPTY_NAMES.contains(&part.as_os_str().to_string_lossy().as_ref()) {
                found.push(at(&file, 1, "name the file after what it does"));
            }
        }
    }
    none(&found);
}

#[test]
fn nothing_is_left_undone() {
    // Put together here, so that this file does not find itself.
    let left = [
        concat!("to", "do!"),
        concat!("unimpl", "emented!"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X"),
    ];
    let mut found = Vec::new();
    for file in files(&root(), &["rs", "js", "mjs", "css", "html", "toml", "sh"]) {
        let text = read(&file);
        for (number, line) in numbered(&text) {
            for word in left {
                if has_word(line, word) {
                    found.push(at(
                        &file,
                        number,
                        &format!("`{word}`: finish it, or write an issue"),
                    ));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn nothing_names_the_machine_it_was_made_on() {
    let here = format!("{}/", root().display());
    let homes = [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
    ];
    let mut found = Vec::new();
    let kinds = [
        "rs", "js", "mjs", "css", "html", "toml", "md", "json", "yml", "yaml", "lock", "",
    ];
    for file in files(&root(), &kinds) {
        let text = read(&file);
        for (number, line) in numbered(&text) {
            if line.contains(&here) || homes.iter().any(|home| line.contains(home)) {
                found.push(at(
                    &file,
                    number,
                    "a path of one machine; others have others",
                ));
            }
            if file.ends_with("package-lock.json") && line.starts_with("\"resolved\":") {
                found.push(at(
                    &file,
                    number,
                    "names a registry: npm install --omit-lockfile-registry-resolved",
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn crate_uses_are_found_in_all_their_forms() {
    let text = "use crate::store::Run;\nuse crate::{\n    engine::{self, api_of},\n    world::World,\n};\n// crate::not\nlet x = crate::secrets::seal();\n";
    let uses: Vec<_> = crate_uses(text);
    let expected = [(1, "store"), (3, "engine"), (4, "world"), (7, "secrets")];
    assert_eq!(uses, expected.map(|(line, name)| (line, name.to_owned())));
    assert!(has_word("use tokio::time;", "tokio") && !has_word("my_tokio_thing", "tokio"));
    assert_eq!(
        without_comments("a // b\n\"http://x\"\n"),
        "a \n\"http://x\"\n"
    );
}

/// The top of the repository.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("a package lies in the repository")
        .to_path_buf()
}

/// The files below a folder with one of these extensions ("" means none), but nothing that was built or fetched.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.map(|entry| entry.expect("a folder that can be read")) {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().expect("a file has a type").is_dir() {
            let name = name.to_string_lossy();
            let built = ["target", "node_modules", "dist", "dist.new", "data"];
            // Tools leave their notes in hidden folders; only these are ours.
            let ours = !name.starts_with('.') || [".ci", ".cargo"].contains(&name.as_ref());
            if ours && !built.contains(&name.as_ref()) {
                found.extend(files(&path, extensions));
            }
        } else {
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            if extensions.contains(&extension.as_ref()) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The trimmed lines with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
}

/// The module of a file: the first part of its path below `src`, without `.rs`.
fn module_of(source: &Path, file: &Path) -> String {
    let inside = file
        .strip_prefix(source)
        .expect("a file below its source folder");
    let first = inside.components().next().expect("a file has a name");
    Path::new(first.as_os_str())
        .with_extension("")
        .display()
        .to_string()
}

/// The text with every `//` comment taken out, lines kept. A `//` within a URL is not a comment.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let mut end = line.len();
        for (start, _) in line.match_indices("//") {
            if !line[..start].ends_with(':') {
                end = start;
                break;
            }
        }
        kept.push_str(&line[..end]);
        kept.push('\n');
    }
    kept
}

/// What is shipped of a file: tests may look at a clock, and stand at its end or in a file of their own.
fn without_tests<'a>(file: &Path, text: &'a str) -> &'a str {
    if file.file_stem().is_some_and(|stem| stem == "tests") {
        return "";
    }
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text)
}

/// Whether the line has this word, not as part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        !line[..start].ends_with(part) && !line[start + word.len()..].starts_with(part)
    })
}

/// The modules that a text names by `crate::a` or `crate::{a, b::{…}}`, with their lines.
fn crate_uses(text: &str) -> Vec<(usize, String)> {
    let text = without_comments(text);
    let mut uses = Vec::new();
    for (start, key) in text.match_indices("crate::") {
        if text[..start].ends_with(['$', '_']) {
            continue;
        }
        let mut depth = 0;
        let mut name = String::new();
        // Within braces only the first name after `{` or `,` is a module of the crate.
        let mut first = true;
        for (offset, letter) in text[start + key.len()..].char_indices() {
            if letter.is_alphanumeric() || letter == '_' {
                if first {
                    name.push(letter);
                }
                continue;
            }
            if !name.is_empty() {
                let line = text[..start + key.len() + offset].matches('\n').count() + 1;
                uses.push((line, std::mem::take(&mut name)));
                first = false;
            }
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => first = true,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    uses.retain(|(_, name)| name != "self");
    uses
}

/// One finding as `file:line: what`, with the path as seen from the repository.
fn at(file: &Path, line: usize, what: &str) -> String {
    let inside = file.strip_prefix(root()).unwrap_or(file);
    format!("{}:{line}: {what}", inside.display())
}

#[track_caller]
fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
