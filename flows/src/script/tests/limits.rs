//! Bounds hold, the outside is locked away, chance comes from the moment.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn bounds_hold() {
    let small = Bounds {
        operations: 20_000,
        string_bytes: 10_000,
        array_items: 1_000,
        map_items: 500,
        ..Bounds::default()
    };
    for source in [
        "loop {}",
        "let n = 0; while true { n += 1; }",
        "fn f(n) { f(n + 1) } f(0)",
        "let s = \"x\"; loop { s += s; }",
        "let s = \"x\"; loop { s = `${s}${s}`; }",
        "\"x\".repeat(100000)",
        "\"x\".pad(100000, \"y\")",
        "pad_start(\"x\", 100000, \"y\")",
        "\"x\".repeat(5000).replace(\"x\", \"yyyyyyyyyy\")",
        "\"x\".repeat(5000).regex_replace(\"x\", \"yyyyyyyyyy\")",
        "[\"x\".repeat(9000), \"x\".repeat(9000)].join(\"\")",
        "(0..100000).to_list()",
        "to_list(0..=9223372036854775807)",
        "let l = []; l.pad(1000000, 1); l",
        "let l = []; loop { l.push(1); }",
        "let l = [1]; loop { l += l; }",
        "let m = #{}; let n = 0; loop { m[`${n}`] = n; n += 1; }",
        "let l = []; loop { l = [l]; }",
        "let l = #{}; loop { l = #{ l: l }; }",
        "[1].reduce(|l, x| { loop { l = [l]; } }, [])",
        "let l = (0..900).to_list(); l.map(|a| (0..900).to_list().map(|b| (0..900).to_list()))",
        "path((0..900).to_list(), \"$[?count($[?count($..*) > 0]) > 0]\")",
        "date(\"2026-01-01\").plus(9223372036854775807, \"workdays\")",
        "(0..900).to_list().zip((0..900).to_list()).map(|p| \"x\".repeat(9000))",
        "try { loop {} } catch (e) { 1 }",
        "fn f() { loop {} } try { f() } catch (e) { 1 } 2",
        "try { \"x\".repeat(100000) } catch (e) { 1 }",
        "let l = (0..1000).to_list(); l.push(1); l",
    ] {
        let problem = try_run(source, &small).expect_err(source);
        assert_eq!(problem.kind, ErrorKind::Bound, "{source}: {problem}");
    }
    let placed = error("let x = 1;\nlet y = 2;\n  loop { x += y; }");
    assert_eq!((placed.kind, placed.line), (ErrorKind::Bound, 3));
    let deep = ["[".repeat(150), "]".repeat(150)].concat();
    assert!(compile(&deep, Form::Script).is_err());
}

#[test]
fn the_stack_bears_what_the_bounds_allow() {
    let deep = format!("{}f(n){}", "1 + (".repeat(20), ")".repeat(20));
    for source in [
        format!("fn f(n) {{ {deep} }} f(0)"),
        "fn f(l) { l.map(|x| f([x])) } f([1])".to_owned(),
        "fn f(l) { l.reduce(|a, x| f([[x]]), 0) } f([1])".to_owned(),
        "fn f(m) { m.filter(|k, v| f(#{ a: v })) } f(#{ a: 1 })".to_owned(),
    ] {
        let problem = try_run(&source, &Bounds::default()).expect_err(&source);
        assert_eq!(problem.kind, ErrorKind::Bound, "{source}: {problem}");
    }
    for source in [
        "let l = [[]]; l.for_each(|| loop { this = [this]; })",
        "let l = [#{}]; l.for_each(|| loop { this.x = this; })",
        "let l = [#{}]; l.for_each(|| loop { this = if true { [this] } else { 1 }; })",
        "let l = [#{}]; l.for_each(|| loop { this = #{ a: this ?? 1 }; })",
    ] {
        let problem = try_run(source, &Bounds::default()).expect_err(source);
        assert_eq!(problem.kind, ErrorKind::Syntax, "{source}: {problem}");
    }
}

#[test]
fn an_interruption_stops_a_script() {
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&asked);
    let bounds = Bounds {
        interrupt: Some(Arc::new(move || {
            let times = seen.fetch_add(1, Ordering::Relaxed);
            (times == 9).then(|| "the run was cancelled".to_owned())
        })),
        ..Bounds::default()
    };
    let problem = try_run("try { loop {} } catch (e) { loop {} }", &bounds).unwrap_err();
    assert_eq!(problem.kind, ErrorKind::Bound);
    assert_eq!(problem.message, "the run was cancelled");
    assert_eq!(asked.load(Ordering::Relaxed), 10);
}

#[test]
fn building_by_hand_costs_the_same_per_item() {
    let script = compile(
        "let l = []; for n in 0..100000 { l.push(n); } l.len()",
        Form::Script,
    )
    .unwrap();
    let value = eval(&script, &Scope::new(), MOMENT, &Bounds::default()).unwrap();
    assert_eq!(*value, json!(100_000));
}

#[test]
fn the_outside_is_locked_away() {
    for source in [
        "eval(\"1\")",
        "import \"x\" as x;",
        "sleep(1)",
        "exit()",
        "timestamp()",
        "rand()",
        "open_file(\"x\")",
        "blob(10)",
        "parse_json_file(\"x\")",
        "export const x = 1;",
    ] {
        let problem = compile(source, Form::Script).expect_err(source);
        assert_eq!(problem.kind, ErrorKind::Syntax, "{source}");
    }
    assert!(compile("http.get(\"/\")", Form::Script).is_err());
    assert!(error("Fn(\"eval\").call(\"1\")").message.contains("eval"));
    table(&[("print(\"x\"); debug(1); 3", json!(3))]);
}

#[test]
fn the_moment_is_all_the_chance_there_is() {
    table(&[
        ("now() == now()", json!(true)),
        ("now()", json!("2026-03-01T12:00:00Z")),
        ("uuid() == uuid()", json!(false)),
        ("let r = random(); r >= 0.0 && r < 1.0", json!(true)),
    ]);
    let script = compile(
        "[uuid(), uuid7(), random(), random(1, 1000000)]",
        Form::Script,
    )
    .unwrap();
    let roll = |dice| {
        eval(
            &script,
            &scope(),
            Moment { dice, ..MOMENT },
            &Bounds::default(),
        )
        .unwrap()
    };
    assert_eq!(roll(7), roll(7));
    assert_ne!(roll(7), roll(8));
}
