//! `weir check` and `weir test`: flow files on disk, without a server.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use weir_flows::{
    check::{Checked, check_text},
    problem::Problem,
    script::Bounds,
    testing::{Difference, Outcome, run_tests},
};

use super::{CLEAN, PROBLEMS, UNUSABLE};
use crate::connectors;

/// A file, checked; the error says why it cannot be read.
pub(super) fn read(path: &Path) -> Result<Checked, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    Ok(connectors::judge(check_text(
        &text,
        &connectors::catalog(),
        None,
    )))
}

/// Prints the problems of files.
pub(super) fn check(paths: &[PathBuf], json: bool) -> u8 {
    let mut code = CLEAN;
    let mut files = Vec::new();
    for path in paths {
        match read(path) {
            Err(error) => {
                eprintln!("weir: {error}");
                code = UNUSABLE;
            }
            Ok(checked) => {
                if checked.has_errors() {
                    code = code.max(PROBLEMS);
                }
                if !json {
                    print_problems(path, &checked.problems);
                }
                files.push(
                    json!({ "file": path.display().to_string(), "problems": checked.problems }),
                );
            }
        }
    }
    if json {
        println!("{}", json!({ "files": files }));
    }
    code
}

fn print_problems(path: &Path, problems: &[Problem]) {
    if problems.is_empty() {
        println!("{}: clean", path.display());
    }
    for problem in problems {
        println!("{}: {problem}", path.display());
    }
}

/// Runs the tests of files.
pub(super) fn test(paths: &[PathBuf], json: bool) -> u8 {
    let mut code = CLEAN;
    let mut files = Vec::new();
    let (mut passed, mut failed) = (0_usize, 0_usize);
    let bounds = Bounds {
        meter: Some(crate::memory::held),
        ..Bounds::default()
    };
    for path in paths {
        let checked = match read(path) {
            Ok(checked) => checked,
            Err(error) => {
                eprintln!("weir: {error}");
                code = UNUSABLE;
                continue;
            }
        };
        let Some(plan) = &checked.plan else {
            code = code.max(PROBLEMS);
            if !json {
                print_problems(path, &checked.problems);
            }
            files.push(json!({ "file": path.display().to_string(), "problems": checked.problems, "tests": [] }));
            continue;
        };
        let outcomes = run_tests(plan, &bounds);
        let good = outcomes.iter().filter(|outcome| outcome.passed()).count();
        passed += good;
        failed += outcomes.len() - good;
        if !json {
            print_outcomes(path, &outcomes);
        }
        let tests: Vec<Value> = outcomes
            .iter()
            .map(|outcome| json!({ "name": outcome.name, "passed": outcome.passed(), "differences": outcome.differences }))
            .collect();
        files.push(json!({ "file": path.display().to_string(), "problems": checked.problems, "tests": tests }));
    }
    if failed > 0 {
        code = code.max(PROBLEMS);
    }
    if json {
        println!(
            "{}",
            json!({ "files": files, "passed": passed, "failed": failed })
        );
    } else {
        println!("{passed} passed, {failed} failed");
    }
    code
}

fn print_outcomes(path: &Path, outcomes: &[Outcome]) {
    if outcomes.is_empty() {
        println!("{}: has no tests", path.display());
    }
    for outcome in outcomes {
        let word = if outcome.passed() { "ok    " } else { "FAILED" };
        println!("{word} {}: {}", path.display(), outcome.name);
        for Difference {
            at,
            expected,
            found,
        } in &outcome.differences
        {
            println!("         {}", if at.is_empty() { "the run" } else { at });
            if let Some(value) = expected {
                println!("           - {value}");
            }
            if let Some(value) = found {
                println!("           + {value}");
            }
        }
    }
}
