//! Mutants of the machine and of the commit path: each decision of a table is made wrong, and some test must notice.
//!
//! All of them are built into one copy of the sources, each behind a switch, so one build is enough; an environment variable
//! chooses which one is there. That each decision of the table stands in the sources, once, is always checked. `make prove` runs
//! the mutants (`WEIR_PROVE_MUTANTS=1`).

mod table;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use weir_tests::root;

use table::{CODE, Mutant, STATEMENTS};

/// Which mutant is there; its number is its place in the table of code followed by that of statements.
const SWITCH: &str = "WEIR_MUTANT";

/// How long the tests of a package may take with a mutant, some times as long as without one. One that never ends is noticed, too.
fn patience(folder: &str) -> Duration {
    Duration::from_secs(if folder == "flows" { 40 } else { 150 })
}

/// What the copy has in addition, in the crate that all others use.
const SWITCHES: &str = r#"
/// Whether this mutant is there.
pub fn mutated(number: usize) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| std::env::var("WEIR_MUTANT").ok()?.parse().ok()) == Some(number)
}

/// A statement as the chosen mutant writes it.
pub fn mutated_statement(text: &str) -> String {
    STATEMENTS
        .iter()
        .filter(|(number, ..)| mutated(*number))
        .fold(text.to_owned(), |text, (_, from, to)| text.replace(from, to))
}
"#;

#[test]
fn every_mutant_is_caught() {
    let mut broken = Vec::new();
    for Mutant(file, text, instead) in CODE.iter().chain(STATEMENTS) {
        let source = fs::read_to_string(root().join(file)).unwrap();
        let count = source.matches(text).count();
        if count != 1 || text == instead {
            broken.push(format!("{file}: `{text}` is there {count} times"));
        }
    }
    assert!(
        broken.is_empty(),
        "the table of mutants names decisions that are not there once; follow the sources:\n{}",
        broken.join("\n")
    );
    if env::var_os("WEIR_PROVE_MUTANTS").is_some() {
        run();
    }
}

fn run() {
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let tree = target.join("mutants");
    copy_sources(&tree);
    set_apart(&tree);
    mutate(&tree);
    // Beside what is built already, since what the copy depends on is the same.
    let tests = build(&tree, &target);
    let noticed = noticed_by(&tests, &tree, None);
    assert_eq!(noticed, None, "without a mutant the tests pass");
    let next = AtomicUsize::new(0);
    let survivors: Mutex<Vec<String>> = Mutex::default();
    let all = CODE.len() + STATEMENTS.len();
    let only: Option<usize> = env::var("WEIR_PROVE_MUTANT")
        .ok()
        .map(|number| number.parse().unwrap());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(Mutant(file, text, instead)) =
                        CODE.iter().chain(STATEMENTS).nth(number)
                    else {
                        return;
                    };
                    if only.is_some_and(|only| only != number) {
                        continue;
                    }
                    let since = Instant::now();
                    let noticed = noticed_by(&tests, &tree, Some(number));
                    let took = since.elapsed().as_secs();
                    match noticed {
                        Some(test) => println!("mutant {number} of {all}: {test}, {took} s"),
                        None => {
                            let survivor =
                                format!("{number}: {file}: `{instead}` in place of `{text}`");
                            println!("survived after {took} s: {survivor}");
                            survivors.lock().unwrap().push(survivor);
                        }
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    println!("{all} mutants: {} caught", all - survivors.len());
    assert!(
        survivors.is_empty(),
        "no test notices these; write one for each:\n{}",
        survivors.join("\n")
    );
}

/// Copies what is under version control, with its times, so that what did not change is not built again.
fn copy_sources(tree: &Path) {
    let _ = fs::remove_dir_all(tree);
    fs::create_dir_all(tree).unwrap();
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    for name in String::from_utf8(listed.stdout)
        .unwrap()
        .split_terminator('\0')
    {
        let (from, to) = (root().join(name), tree.join(name));
        // What was deleted a moment ago is still listed.
        if !from.is_file() {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&from, &to).unwrap();
        let time = fs::metadata(&from).unwrap().modified().unwrap();
        fs::File::options()
            .write(true)
            .open(&to)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
}

/// Gives the copy a version of its own. Cargo tells packages by their name, their version and their place in the workspace: the copy's
/// must not take the place of ours.
fn set_apart(tree: &Path) {
    let of = |end: &str| format!("\nversion = \"{}{end}\"\n", env!("CARGO_PKG_VERSION"));
    let (version, other) = (of(""), of("-mutants"));
    replace(&tree.join("Cargo.toml"), &version, &other);
    let lock = tree.join("Cargo.lock");
    for package in ["flows", "migrations", "server", "tests", "ui"] {
        let name = format!("name = \"weir-{package}\"");
        replace(&lock, &(name.clone() + &version), &(name + &other));
    }
}

fn mutate(tree: &Path) {
    let mut edits: Vec<(&str, usize, usize)> = Vec::new();
    for (number, Mutant(file, text, _)) in CODE.iter().enumerate() {
        let source = fs::read_to_string(tree.join(file)).unwrap();
        edits.push((file, source.find(text).unwrap(), number));
    }
    // From behind, so that the places of those before stay what they are, and none is found in what another one put there.
    edits.sort_unstable_by(|a, b| b.cmp(a));
    for (file, at, number) in edits {
        let Mutant(_, text, instead) = &CODE[number];
        let switch = match file.starts_with("flows/") {
            true => "crate::mutated",
            false => "weir_flows::mutated",
        };
        let both = format!("(if {switch}({number}) {{ {instead} }} else {{ {text} }})");
        let mut source = fs::read_to_string(tree.join(file)).unwrap();
        source.replace_range(at..at + text.len(), &both);
        fs::write(tree.join(file), source).unwrap();
    }
    let table: Vec<String> = STATEMENTS
        .iter()
        .enumerate()
        .map(|(index, Mutant(_, text, instead))| {
            format!("({}, {text:?}, {instead:?})", CODE.len() + index)
        })
        .collect();
    let switches = format!(
        "{SWITCHES}\nconst STATEMENTS: &[(usize, &str, &str)] = &[{}];\n",
        table.join(", ")
    );
    let crate_of_all = tree.join("flows/src/lib.rs");
    let before = fs::read_to_string(&crate_of_all).unwrap();
    fs::write(&crate_of_all, before + &switches).unwrap();
    let head = "pub(super) fn numbered(backend: DbBackend, text: &str) -> String {\n";
    let mutated = format!(
        "{head}    let text = weir_flows::mutated_statement(text);\n    let text = text.as_str();\n"
    );
    replace(&tree.join("server/src/store/sql.rs"), head, &mutated);
}

fn replace(file: &Path, text: &str, instead: &str) {
    let source = fs::read_to_string(file).unwrap();
    assert!(source.contains(text), "{}: {text}", file.display());
    fs::write(file, source.replacen(text, instead, 1)).unwrap();
}

/// Builds the tests of the machine and of the server, and gives their programs, the quick ones first.
fn build(tree: &Path, target: &Path) -> Vec<PathBuf> {
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "test",
            "--locked",
            "--workspace",
            "--no-run",
            "--message-format=json",
        ])
        .args(["--lib", "--test", "machine"])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success(), "the mutants cannot be built");
    let messages = String::from_utf8(built.stdout).unwrap();
    let programs: Vec<(String, PathBuf)> = messages
        .lines()
        .filter_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let program = message["executable"].as_str()?.into();
            Some((message["target"]["name"].as_str()?.to_owned(), program))
        })
        .collect();
    let named = |name: &str| {
        let found = programs.iter().find(|(of, _)| of == name);
        found
            .unwrap_or_else(|| panic!("{name} was not built"))
            .1
            .clone()
    };
    vec![named("machine"), named("weir_flows"), named("weir_server")]
}

/// Which test fails with a mutant; `None` where all pass.
fn noticed_by(tests: &[PathBuf], tree: &Path, mutant: Option<usize>) -> Option<String> {
    let of_flows = mutant.is_none_or(|number| {
        CODE.get(number)
            .is_some_and(|Mutant(file, ..)| file.starts_with("flows/"))
    });
    let machine: &[&str] = &[];
    let flows: &[&str] = &["poll::tests"];
    let server: &[&str] = &[
        "fair::tests",
        "store::tests",
        "schedule::tests",
        "poll::tests",
        "simulation",
        "gate::tests",
        "asking::tests",
        "cache::tests",
    ];
    let chosen = [
        (0, machine, "flows"),
        (1, flows, "flows"),
        (2, server, "server"),
    ];
    chosen.into_iter().find_map(|(test, filters, folder)| {
        if folder == "flows" && !of_flows {
            return None;
        }
        let mut command = Command::new("timeout");
        command
            .arg(patience(folder).as_secs().to_string())
            .arg(&tests[test])
            .args(filters)
            .current_dir(tree.join(folder))
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(number) = mutant {
            command.env(SWITCH, number.to_string());
        }
        // The short forms: that many times over.
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("WEIR_PROVE")) {
            command.env_remove(name);
        }
        failing(command)
    })
}

/// The first test that fails, which is enough to know; `None` where all succeed.
fn failing(mut command: Command) -> Option<String> {
    let mut running = command.spawn().unwrap();
    let told = BufReader::new(running.stdout.take().unwrap());
    let failed = told.lines().map_while(Result::ok).find_map(|line| {
        let test = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
        Some(test.to_owned())
    });
    if failed.is_some() {
        // `timeout` hands it on to the tests.
        let pid = running.id().to_string();
        Command::new("kill").arg(pid).status().unwrap();
    }
    let ended = running.wait().unwrap();
    failed
        .or_else(|| (!ended.success()).then(|| "tests that do not end, or end at once".to_owned()))
}
