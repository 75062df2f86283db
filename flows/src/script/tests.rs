//! Tests of the scripts: views, copies on write, numbers, bounds, errors, what is locked away.

use super::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MOMENT: Moment = Moment {
    now_ms: 1_772_366_400_000,
    dice: 1,
};

fn sample() -> Arc<Value> {
    Arc::new(json!({
        "name": "Ada",
        "n": 5,
        "nil": null,
        "one": 1.0,
        "big": 18_446_744_073_709_551_615_u64,
        "tag": "vip",
        "len": "own",
        "items": [
            { "sku": "A", "qty": 2, "price": 1.5, "tags": ["x", "y"] },
            { "sku": "B", "qty": 0, "price": 10, "tags": [] }
        ]
    }))
}

fn scope() -> Scope {
    let mut outputs = Outputs::new(Arc::new(Ids::new(["price", "ship-it", "skipped"])));
    outputs.set(0, Some(Arc::new(json!({ "total": 12.5 }))));
    outputs.set(1, Some(Arc::new(json!([1, 2]))));
    Scope::new()
        .with(Name::Input, sample())
        .with_steps(Arc::new(outputs))
}

fn try_run(source: &str, bounds: &Bounds) -> Result<Arc<Value>, Error> {
    let script = compile(source, Form::Script)?;
    eval(&script, &scope(), MOMENT, bounds)
}

fn run(source: &str) -> Value {
    match try_run(source, &Bounds::default()) {
        Ok(value) => (*value).clone(),
        Err(error) => panic!("{source}: {} at {}:{}", error, error.line, error.column),
    }
}

fn error(source: &str) -> Error {
    match try_run(source, &Bounds::default()) {
        Ok(value) => panic!("{source} gave {value}"),
        Err(error) => error,
    }
}

fn table(cases: &[(&str, Value)]) {
    for (source, wanted) in cases {
        assert_eq!(&run(source), wanted, "{source}");
    }
}

#[test]
fn views_read_like_maps_and_lists() {
    table(&[
        ("input.name", json!("Ada")),
        ("input[\"name\"]", json!("Ada")),
        ("input.items[0].sku", json!("A")),
        ("input.items[-1].sku", json!("B")),
        ("input.items[0].tags[1]", json!("y")),
        ("input.missing", json!(null)),
        ("input.nil", json!(null)),
        (
            "let m = #{ default: 1, new: 2, \"in\": 3 }; m.default + m.new + m.in",
            json!(6),
        ),
        ("input.if?.for?.return", json!(null)),
        ("input.missing?.deeper?.still", json!(null)),
        ("input.missing ?? 7", json!(7)),
        ("input.tag", json!("vip")),
        ("input.len", json!("own")),
        ("input.len()", json!(8)),
        ("input.items.len", json!(2)),
        ("input.items.len()", json!(2)),
        ("input.items.is_empty()", json!(false)),
        ("input.items.is_empty", json!(false)),
        ("\"name\" in input", json!(true)),
        ("\"nil\" in input && !(\"nope\" in input)", json!(true)),
        ("input.contains(\"n\")", json!(true)),
        ("\"x\" in input.items[0].tags", json!(true)),
        (
            "input.items[0].keys()",
            json!(["price", "qty", "sku", "tags"]),
        ),
        ("input.items[0].values()", json!([1.5, 2, "A", ["x", "y"]])),
        ("input.items.map(|i| i.sku)", json!(["A", "B"])),
        ("input.items.filter(|i| i.qty > 0).len()", json!(1)),
        ("input.items.reduce(|sum, i| sum + i.qty, 0)", json!(2)),
        ("input.items.some(|i| i.qty == 0)", json!(true)),
        ("input.items.all(|i| i.qty >= 0)", json!(true)),
        ("input.items.find(|i| i.sku == \"B\").price", json!(10)),
        ("input.items.index_of(|i| i.sku == \"B\")", json!(1)),
        (
            "input.items.first().sku + input.items.last().sku",
            json!("AB"),
        ),
        ("input.items.get(1).sku", json!("B")),
        ("input.items.extract(1).len()", json!(1)),
        (
            "let t = 0.0; for i in input.items { t += i.qty * i.price; } t",
            json!(3.0),
        ),
        (
            "let l = []; for (i, place) in input.items { l.push(place); } l",
            json!([0, 1]),
        ),
        (
            "let l = []; for key in input.items[0].keys() { l.push(key); } l.len()",
            json!(4),
        ),
        ("input.items[0].entries()[2].value", json!("A")),
        (
            "type_of(input) + \" \" + type_of(input.items)",
            json!("map array"),
        ),
        ("`${input.items[0].tags}`", json!("[\"x\",\"y\"]")),
        (
            "\"\" + input.items[1]",
            json!("{\"price\":10,\"qty\":0,\"sku\":\"B\",\"tags\":[]}"),
        ),
        ("to_json(input.items[0].tags)", json!("[\"x\",\"y\"]")),
        ("input.items[0].to_debug().contains(\"sku\")", json!(true)),
        (
            "input.items + [1]",
            json!([
            { "sku": "A", "qty": 2, "price": 1.5, "tags": ["x", "y"] },
            { "sku": "B", "qty": 0, "price": 10, "tags": [] }, 1]),
        ),
        ("[0] + input.items[0].tags", json!([0, "x", "y"])),
        ("(input.items[1] + #{ qty: 3 }).qty", json!(3)),
        ("merge(input.items[1], #{ qty: 3 }).qty", json!(3)),
        ("get(input, \"items[0].tags[-1]\")", json!("y")),
        ("path(input, \"$.items[?@.qty > 0].sku\")", json!(["A"])),
        ("path_one(input, \"$.items[*].tags\")", json!(["x", "y"])),
        ("input.items.group_by(\"sku\").B[0].price", json!(10)),
        (
            "input.items.sort_by(\"qty\").map(|i| i.sku)",
            json!(["B", "A"]),
        ),
        (
            "let limit = 1; input.items.filter(|i| i.qty > limit).len()",
            json!(1),
        ),
        ("input.items.filter(|i| i.qty < input.n).len()", json!(2)),
        (
            "fn total(items) { items.sum(|i| i.qty) } total(input.items)",
            json!(2),
        ),
        ("fn half() { input.n / 2 } half()", json!(2)),
        (
            "switch input.n { 5 => \"five\", _ => \"other\" }",
            json!("five"),
        ),
    ]);
}

#[test]
fn views_compare_by_content() {
    table(&[
        ("input.items == input.items", json!(true)),
        ("input.items[0].tags == [\"x\", \"y\"]", json!(true)),
        ("[\"x\", \"y\"] == input.items[0].tags", json!(true)),
        ("input.items[0].tags != [\"x\"]", json!(true)),
        (
            "input.items[1] == #{ sku: \"B\", qty: 0, price: 10, tags: [] }",
            json!(true),
        ),
        (
            "#{ sku: \"B\", qty: 0, price: 10, tags: [] } == input.items[1]",
            json!(true),
        ),
        ("input.items == ()", json!(false)),
        ("() == input.items", json!(false)),
        ("input.items != ()", json!(true)),
        ("input == 1", json!(false)),
        ("input != input.items", json!(true)),
        (
            "input.items.contains(#{ sku: \"B\", qty: 0, price: 10, tags: [] })",
            json!(true),
        ),
        ("input.items[1] in input.items", json!(true)),
    ]);
}

#[test]
fn a_change_is_made_to_a_copy() {
    let given = scope();
    let before = sample();
    let cases = [
        ("let o = input; o.n = 6; [o.n, input.n]", json!([6, 5])),
        (
            "let o = input; o.items.push(3); [o.items.len(), input.items.len()]",
            json!([3, 2]),
        ),
        (
            "let o = input; o.items[0].qty = 7; [o.items[0].qty, input.items[0].qty]",
            json!([7, 2]),
        ),
        (
            "let o = input; o.items[0].tags.push(\"z\"); [o.items[0].tags, input.items[0].tags]",
            json!([["x", "y", "z"], ["x", "y"]]),
        ),
        (
            "let o = input; o[\"items\"][-1][\"sku\"] = \"Z\"; [o.items[1].sku, input.items[1].sku]",
            json!(["Z", "B"]),
        ),
        (
            "let o = input; o.items[0].qty += 40; o.items[0].qty",
            json!(42),
        ),
        (
            "let o = input; o.remove(\"n\"); [\"n\" in o, \"n\" in input]",
            json!([false, true]),
        ),
        (
            "let o = input.items; o.reverse(); [o[0].sku, input.items[0].sku]",
            json!(["B", "A"]),
        ),
        (
            "let o = input.items; o.sort(|a, b| a.qty - b.qty); o[0].sku",
            json!("B"),
        ),
        (
            "let o = input.items; o.for_each(|| this.qty = 1); [o[1].qty, input.items[1].qty]",
            json!([1, 0]),
        ),
        ("let o = input.items; o += 3; o.len()", json!(3)),
        ("let o = input.items; o += input.items; o.len()", json!(4)),
        (
            "let o = input; o += #{ n: 0 }; [o.n, input.n]",
            json!([0, 5]),
        ),
        (
            "let o = #{ v: input }; o.v.items[0].sku = \"Z\"; [o.v.items[0].sku, input.items[0].sku]",
            json!(["Z", "A"]),
        ),
        (
            "let l = [input]; l[0].n = 9; [l[0].n, input.n]",
            json!([9, 5]),
        ),
        (
            "fn change(x) { x.n = 9; x.items.clear(); x } let y = change(input); [y.n, y.items, input.n, input.items.len()]",
            json!([9, [], 5, 2]),
        ),
        (
            "let o = input; let f = |x| { x.n = 1; x }; [f.call(o).n, o.n]",
            json!([1, 5]),
        ),
        ("input.x = 1; [input.x, input.n]", json!([1, 5])),
        ("input.n += 1; input.n", json!(6)),
        ("input.items.push(1); input.items.len()", json!(3)),
        (
            "input.items[0].qty = 3; input.items[0]",
            json!({ "sku": "A", "qty": 3, "price": 1.5, "tags": ["x", "y"] }),
        ),
        (
            "let o = input; o.note = (); o.contains(\"note\")",
            json!(true),
        ),
        (
            "let o = input; o.tag = 5; [o.tag, input.tag]",
            json!([5, "vip"]),
        ),
        (
            "let o = input.items[0]; o.sku.make_lower(); [o.sku, input.items[0].sku]",
            json!(["a", "A"]),
        ),
        (
            "let o = steps; o.price.total = 1; [o.price.total, steps.price.total]",
            json!([1, 12.5]),
        ),
        ("let a = parse_json(\"[1]\"); a.push(2); a", json!([1, 2])),
        (
            "let l = input.items; for i in l { i.qty = 99; } l[0].qty",
            json!(2),
        ),
    ];
    for (source, wanted) in cases {
        let script = compile(source, Form::Script).unwrap();
        let value = eval(&script, &given, MOMENT, &Bounds::default());
        assert_eq!(*value.unwrap(), wanted, "{source}");
        assert_eq!(given.get(Name::Input), Some(&before), "{source}");
    }
}

#[test]
fn reading_does_not_copy() {
    let input = sample();
    let given = Scope::new().with(Name::Input, Arc::clone(&input));
    for source in [
        "input",
        "let x = input; x.name.to_upper(); x.items.len(); x.name.split(\"d\"); x",
        "let x = input; x.items.map(|i| i.sku); x.n.to_string(); x",
        "fn same(x) { x } same(input)",
        "[input][0]",
        "#{ a: input }.a",
    ] {
        let script = compile(source, Form::Script).unwrap();
        let value = eval(&script, &given, MOMENT, &Bounds::default()).unwrap();
        assert!(Arc::ptr_eq(&value, &input), "{source} made a copy");
    }
}

#[test]
fn steps_are_a_map_of_outputs() {
    table(&[
        ("steps.price.total", json!(12.5)),
        ("steps[\"ship-it\"][1]", json!(2)),
        ("steps.skipped", json!(null)),
        ("steps.skipped?.body", json!(null)),
        ("steps.nowhere", json!(null)),
        ("\"price\" in steps", json!(true)),
        ("\"skipped\" in steps", json!(false)),
        ("steps.keys()", json!(["price", "ship-it"])),
        ("steps.len()", json!(2)),
        (
            "steps",
            json!({ "price": { "total": 12.5 }, "ship-it": [1, 2] }),
        ),
        ("trigger", json!(null)),
    ]);
    let script = compile(
        "steps.price.total + steps[\"ship-it\"][0] + steps?.skipped",
        Form::Expression,
    )
    .unwrap();
    let ids: Vec<&str> = script.steps().iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["price", "ship-it", "skipped"]);
    assert_eq!((script.steps()[0].line, script.steps()[0].column), (1, 7));
}

#[test]
fn numbers_keep_their_value() {
    for text in [
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "9223372036854775808",
        "1.0",
        "-0.0",
        "0.1",
        "1e300",
        "5e-324",
        "1.7976931348623157e308",
        "123456789.12345678",
        "2.2250738585072014e-308",
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        let given = Scope::new().with(Name::Input, Arc::new(json!({ "v": value })));
        for source in [
            "input.v",
            "#{ w: [input.v] }.w[0]",
            "let x = input; x.n = 1; x.v",
        ] {
            let script = compile(source, Form::Script).unwrap();
            let result = eval(&script, &given, MOMENT, &Bounds::default()).unwrap();
            assert_eq!(result.to_string(), value.to_string(), "{source}");
        }
    }
    table(&[
        ("decimal(\"1.10\") + 1", json!(2.1)),
        (
            "decimal(\"18446744073709551615\")",
            json!(18_446_744_073_709_551_615_u64),
        ),
        ("decimal(7)", json!(7)),
        ("decimal(\"1.10\").to_string()", json!("1.10")),
        (
            "input.big - 1 == decimal(\"18446744073709551614\")",
            json!(true),
        ),
        ("10 / 4", json!(2)),
        ("10 / 4.0", json!(2.5)),
    ]);
    for source in ["1.0 / 0.0", "0.0 / 0.0", "#{ a: [1, 0.0 / 0.0] }"] {
        let problem = error(source);
        assert_eq!(problem.kind, ErrorKind::Runtime, "{source}");
        assert!(
            problem.message.contains("not a number that JSON can hold"),
            "{source}"
        );
    }
    assert!(
        error("#{ a: [1, 0.0 / 0.0] }")
            .message
            .contains("(at a[1])")
    );
    assert!(
        error("9223372036854775807 + 1")
            .message
            .contains("overflow")
    );
}

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

#[test]
fn errors_say_what_and_where() {
    for (source, kind, place, words) in [
        (
            "let a = 1;\nimput.x",
            ErrorKind::Syntax,
            (2, 1),
            "did you mean `input`?",
        ),
        (
            "[1].map(|x| imput)",
            ErrorKind::Syntax,
            (1, 13),
            "did you mean `input`?",
        ),
        (
            "fn f() { imput } f()",
            ErrorKind::Syntax,
            (1, 10),
            "did you mean `input`?",
        ),
        (
            "input.items.summ()",
            ErrorKind::Syntax,
            (1, 13),
            "did you mean `sum`?",
        ),
        (
            "frobnicate(1)",
            ErrorKind::Syntax,
            (1, 1),
            "there is no function `frobnicate`",
        ),
        ("steps.my-step", ErrorKind::Syntax, (1, 10), "unknown"),
        ("let = 1", ErrorKind::Syntax, (1, 5), ""),
        ("(1 + ", ErrorKind::Syntax, (1, 6), "ends too early"),
        (
            "input.missing.deep",
            ErrorKind::Runtime,
            (1, 15),
            "cannot read `deep`",
        ),
        (
            "input.items.sku",
            ErrorKind::Runtime,
            (1, 13),
            "a list has no `sku`",
        ),
        ("input.items[9]", ErrorKind::Runtime, (1, 12), "has 2 items"),
        (
            "input.missing[0]",
            ErrorKind::Runtime,
            (1, 14),
            "missing value",
        ),
        (
            "input.nope + 1",
            ErrorKind::Runtime,
            (1, 12),
            "`+` does not work between nothing and number",
        ),
        (
            "decimal(1) * 1.5",
            ErrorKind::Runtime,
            (1, 12),
            "do not mix",
        ),
        (
            "for x in input { }",
            ErrorKind::Runtime,
            (1, 10),
            "needs a list",
        ),
        (
            "throw \"no customer\"",
            ErrorKind::Thrown,
            (1, 1),
            "no customer",
        ),
        (
            "throw #{ message: \"no customer\" }",
            ErrorKind::Thrown,
            (1, 1),
            "no customer",
        ),
        (
            "date(\"gestern\")",
            ErrorKind::Runtime,
            (1, 1),
            "is not a date",
        ),
        (
            "[1, \"a\"].sorted()",
            ErrorKind::Runtime,
            (1, 10),
            "cannot tell which comes first",
        ),
        (
            "regex_find(\"a\", \"(\")",
            ErrorKind::Runtime,
            (1, 1),
            "not a regular expression",
        ),
        (
            "path(input, \"$.a b\")",
            ErrorKind::Runtime,
            (1, 1),
            "not a JSONPath",
        ),
        (
            "const c = input; c.items.push(1)",
            ErrorKind::Runtime,
            (1, 19),
            "copy",
        ),
        ("null", ErrorKind::Syntax, (1, 1), "written `()`"),
        ("const c = 1; c = 2", ErrorKind::Syntax, (1, 14), "onstant"),
        (
            "|x| x",
            ErrorKind::Runtime,
            (0, 0),
            "a function cannot be part of a result",
        ),
        ("1..5", ErrorKind::Runtime, (0, 0), "to_list"),
    ] {
        let problem = error(source);
        assert_eq!(problem.kind, kind, "{source}: {problem}");
        assert_eq!((problem.line, problem.column), place, "{source}: {problem}");
        assert!(problem.message.contains(words), "{source}: {problem}");
    }
    table(&[
        (
            "let r = (); try { throw \"a\" } catch (e) { r = e; } r",
            json!("a"),
        ),
        (
            "let r = (); try { date(\"x\") } catch (e) { r = e; } r.contains(\"not a date\")",
            json!(true),
        ),
    ]);
}

#[test]
fn an_expression_is_one_expression() {
    for source in [
        "1 + 1",
        "input.items.filter(|i| i.qty > input.n)",
        "if input.n > 3 { \"big\" } else { \"small\" }",
        "#{ a: input.n, b: [1, 2] }",
        "`${input.name}!`",
        "switch input.n { 5 => 1, _ => 2 }",
        " input ",
    ] {
        let script = compile(source, Form::Expression).expect(source);
        eval(&script, &scope(), MOMENT, &Bounds::default()).expect(source);
    }
    for source in [
        "",
        "  ",
        "let x = 1; x",
        "1; 2",
        "while true {}",
        "fn f() {}",
        "x = 1",
    ] {
        assert!(compile(source, Form::Expression).is_err(), "{source}");
    }
    assert_eq!(run(""), json!(null));
}

#[test]
fn a_condition_is_true_or_false() {
    let test = |source: &str| {
        let script = compile(source, Form::Expression).unwrap();
        eval_bool(&script, &scope(), MOMENT, &Bounds::default())
    };
    assert_eq!(test("input.n > 3"), Ok(true));
    assert_eq!(test("input.n > 30"), Ok(false));
    for (source, word) in [
        ("input.n", "number"),
        ("input.nil", "nothing"),
        ("input.name", "text"),
        ("input.items", "list"),
    ] {
        let problem = test(source).unwrap_err();
        assert!(problem.message.ends_with(word), "{source}: {problem}");
    }
}

#[test]
fn scripts_may_call_out_where_they_are_given_a_way() {
    struct Echo;
    impl Http for Echo {
        fn send(&self, request: Value) -> Result<Value, String> {
            match request["path"].as_str() {
                Some("/down") => Err("the partner does not answer".to_owned()),
                _ => Ok(json!({ "status": 200, "headers": {}, "body": request })),
            }
        }
    }
    let given = scope().with_http(Arc::new(Echo));
    let call = |source: &str| {
        let script = compile_with(source, Form::Script, &["http"]).unwrap();
        eval(&script, &given, MOMENT, &Bounds::default())
    };
    assert_eq!(
        call("http.get(\"/a\", #{ query: #{ q: 1 } }).body").unwrap()["query"]["q"],
        1
    );
    assert_eq!(
        call("http.post(\"https://x.test/a\", input.items[1]).body").unwrap()["body"]["sku"],
        "B"
    );
    assert_eq!(
        call("http.request(#{ method: \"OPTIONS\", path: \"/\" }).body.method")
            .unwrap()
            .as_str(),
        Some("OPTIONS")
    );
    let down = call("http.delete(\"/down\")").unwrap_err();
    assert_eq!(down.message, "the partner does not answer");
    assert_eq!(down.kind, ErrorKind::Runtime);
}

#[test]
fn every_function_is_documented_and_every_example_holds() {
    let documented: std::collections::BTreeSet<&str> = functions().iter().map(|f| f.name).collect();
    let missing: Vec<&String> = engine::shared()
        .functions
        .iter()
        .filter(|name| !documented.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "without documentation: {missing:?}");
    for function in functions() {
        let known = engine::shared().functions.contains(function.name);
        assert!(
            known || ["print", "debug"].contains(&function.name),
            "{} does not exist",
            function.name
        );
        if function.example.is_empty() {
            continue;
        }
        let script = compile(function.example, Form::Script)
            .unwrap_or_else(|problem| panic!("{}: {problem}", function.example));
        let value = eval(&script, &Scope::new(), MOMENT, &Bounds::default())
            .unwrap_or_else(|problem| panic!("{}: {problem}", function.example));
        let wanted: Value = serde_json::from_str(function.result).expect(function.result);
        assert_eq!(*value, wanted, "{}", function.example);
    }
}

#[test]
fn dates_know_their_zones() {
    table(&[
        // The clocks skip from 2 to 3 on 2026-03-29 and go back from 3 to 2 on 2026-10-25.
        (
            "date_in(\"2026-03-29 02:30\", \"Europe/Berlin\")",
            json!("2026-03-29T03:30:00+02:00"),
        ),
        (
            "date_in(\"2026-10-25 02:30\", \"Europe/Berlin\")",
            json!("2026-10-25T02:30:00+02:00"),
        ),
        (
            "date_in(\"2026-03-28 02:30\", \"Europe/Berlin\").plus(1, \"day\")",
            json!("2026-03-29T03:30:00+02:00"),
        ),
        (
            "date_in(\"2026-03-28 12:00\", \"Europe/Berlin\").plus(24, \"hours\")",
            json!("2026-03-29T13:00:00+02:00"),
        ),
        (
            "date(\"2026-02-28T23:30:00Z\").in_zone(\"Asia/Tokyo\").start_of(\"day\")",
            json!("2026-03-01T00:00:00+09:00"),
        ),
        (
            "date(\"Sun, 01 Mar 2026 12:00:00 +0100\")",
            json!("2026-03-01T12:00:00+01:00"),
        ),
        (
            "date(\"2026-03-01\") < now() && now() >= now()",
            json!(true),
        ),
        (
            "date(\"2024-02-29\").plus(1, \"year\")",
            json!("2025-02-28T00:00:00Z"),
        ),
        (
            "date(\"2026-01-31\").diff(date(\"2026-02-28\"), \"months\")",
            json!(0),
        ),
        (
            "now().plus(3, \"workdays\").to_iso_date()",
            json!("2026-03-04"),
        ),
        ("now().end_of(\"week\").to_iso_date()", json!("2026-03-01")),
        (
            "[now(), date(\"2020-01-01\")].sorted()[0].year",
            json!(2020),
        ),
        (
            "now().format(\"%A, %e %B %Y\")",
            json!("Sunday,  1 March 2026"),
        ),
        (
            "to_json(#{ at: now() })",
            json!("{\"at\":\"2026-03-01T12:00:00Z\"}"),
        ),
    ]);
    assert!(
        error("now().format(\"%Q\")")
            .message
            .contains("date format")
    );
    assert!(
        error("now().plus(1, \"fortnight\")")
            .message
            .contains("unit of time")
    );
    assert!(
        error("now().in_zone(\"Mars\")")
            .message
            .contains("time zone")
    );
    assert_eq!(
        error("now().plus(9223372036854775807, \"years\")").kind,
        ErrorKind::Runtime
    );
}

#[test]
fn formats_survive_the_way_there_and_back() {
    table(&[
        (
            "parse_csv(to_csv([#{ a: \"x,y\", b: \"l1\\nl2\" }]))",
            json!([{ "a": "x,y", "b": "l1\nl2" }]),
        ),
        (
            "parse_csv(\"1,2\\n3\", #{ header: false })",
            json!([["1", "2"], ["3"]]),
        ),
        ("parse_csv(\"a,b\\n1\")", json!([{ "a": "1", "b": "" }])),
        (
            "parse_xml(to_xml(#{ a: #{ \"@x\": \"1 < 2\", b: [\"p\", \"q & r\"], c: #{ d: \"e\" } } }))",
            json!({ "a": { "@x": "1 < 2", "b": ["p", "q & r"], "c": { "d": "e" } } }),
        ),
        (
            "parse_xml(\"<?xml version='1.0'?><!-- c --><a><![CDATA[<b>]]>&#228;</a>\")",
            json!({ "a": "<b>ä" }),
        ),
        (
            "parse_form(to_form(#{ a: \"ä & b\", l: [\"1\", \"2\"] }))",
            json!({ "a": "ä & b", "l": ["1", "2"] }),
        ),
        (
            "from_base64(to_base64(\"äöü\")) + url_decode(url_encode(\"ä/b c\")) + hex_decode(hex_encode(\"ß\"))",
            json!("äöüä/b cß"),
        ),
        (
            "to_csv([[1, 2.5, true, ()]], #{ delimiter: \";\", line_end: \"\\n\" })",
            json!("1;2.5;true;\n"),
        ),
    ]);
    for source in [
        "parse_xml(\"<a><b></a>\")",
        "parse_xml(\"<a/><b/>\")",
        "parse_xml(\"\")",
        "parse_xml(\"<a>&x;</a>\")",
        "parse_json(\"{\")",
        "from_base64(\"###\")",
        "hex_decode(\"zz\")",
        "to_xml(#{ a: 1, b: 2 })",
        "to_xml(#{ \"1a\": 1 })",
        "parse_csv(\"a\\n1,2\")",
    ] {
        assert_eq!(error(source).kind, ErrorKind::Runtime, "{source}");
    }
    let bomb = "<!DOCTYPE a [<!ENTITY x \\\"yyyyyyyy\\\">]><a>&x;</a>";
    assert!(
        error(&format!("parse_xml(\"{bomb}\")"))
            .message
            .contains("entity")
    );
}
