//! Views read like maps and lists, and changes go to copies.

use super::*;

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
