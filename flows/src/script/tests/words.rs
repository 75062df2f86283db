//! Errors say what happened and where; forms and conditions.

use super::*;

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
