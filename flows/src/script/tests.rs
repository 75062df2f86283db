//! Tests of the scripts.
use super::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn run(source: &str) -> Result<Value, Error> {
    let script = compile(source, Form::Script)?;
    let input = json!({"name": "Ada", "items": [{"sku": "A", "qty": 2, "price": 1.5}, {"sku": "B", "qty": 0, "price": 10}], "n": 5, "big": 18446744073709551615u64, "one": 1.0, "nil": null});
    let scope = Scope::new().with(Name::Input, Arc::new(input));
    eval(&script, &scope, Moment { now_ms: 1772366400000, dice: 1 }, &Bounds::default()).map(|v| (*v).clone())
}

#[test]
fn explore() {
    for source in [
        "input.name", "input.items[0].sku", "input.items[-1].sku", "input.missing", "input.missing.foo", "input?.missing?.foo",
        "input.items.len()", "input.items.len", "\"name\" in input", "\"B\" in input.items.map(|i| i.sku)",
        "input.items.filter(|i| i.qty > 0)", "input.keys()", "input.values().len()",
        "let t = 0.0; for i in input.items { t += i.qty * i.price; } t",
        "input.big", "input.one", "input.big + 1", "let o = input; o.n = 6; o.items.push(3); o.items[0].qty = 7; o",
        "input.n += 1; input.n", "input.items[0].qty += 5; input.items[0].qty",
        "input.items == input.items", "input == #{}", "input.name == ()", "input.items == ()", "input.items != ()",
        "`${input.items} ${input}`", "type_of(input) + type_of(input.items)", "imput.x", "input.foo(1)", "foo(1)", "sumn([1])",
        "fn f(x) { x.n = 9; x } f(input).n + input.n", "fn f() { input.n } f()",
        "1.0/0.0", "throw \"boo\"", "throw #{message: \"map\"}", "loop {}", "fn f(n) { f(n+1) } f(0)", "let a = []; loop { a = [a]; }",
        "let s = \"x\"; loop { s += s; }", "let s = \"x\"; s.repeat(100000000)", "try { [1].foo_x(); } catch(e) { e }",
        "eval(\"1\")", "import \"x\" as y;", "sleep(1)", "timestamp()", "print(1); 3", "[1,2] + input.items", "input.items + [1]",
        "input + #{z: 1}", "let a = [1]; a += input.items; a.len()", "steps.foo", "steps[\"my-step\"].x", "steps.my-step", "input.items.sum(|i| i.qty * i.price)", "input.items.sum(\"qty\")",
        "let min = 1; input.items.filter(|i| i.qty > min).len()", "input.items.filter(|i| i.qty < input.n).len()",
        "decimal(\"1.10\") * 2", "decimal(\"1.1\") * 1.5", "let d = decimal(\"1.10\"); d.to_string()", "1 + ()", "input.nope + 1", "input.name.nope", "input.items.sku",
        "9223372036854775807 + 1", "let x = input.items; x.reverse(); x", "input.items.sort_by(|i| i.qty)", "input.items.for_each(|| this.qty = 1); input.items[1].qty",
        "const c = input; c.len() + c.items.len()", "switch input.n { 5 => \"five\", _ => \"other\" }", "input[\"name\"]", "input.items[5]", "input.name[0]", "input.to_json()", "|x| x", "1..5", "now()", "input.items.reduce(|a, i| a + i.qty, 0)", "input.items.some(|i| i.qty == 0)", "input.items.index_of(|i| i.sku == \"B\")", "parse_json(\"{\\\"a\\\": [1]}\").a.push(2)",
        "merge(input, #{name: \"Bob\"}).name", "input.items.contains(#{sku:\"A\",qty:2,price:1.5})", "input.remove(\"n\")", "let x = input; x.remove(\"n\"); \"n\" in x", "\"n\" in input",
    ] {
        let r = run(source);
        match r { Ok(v) => println!("{source}\n    => {v}"), Err(e) => println!("{source}\n    !! {:?} {}:{} {}", e.kind, e.line, e.column, e.message) }
    }
}
