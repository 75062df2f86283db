//! RFC 9535 by its own tables: what each query selects, and which texts are no queries.
//!
//! The page `docs/jsonpath.md` lists where the parser that we use gives something else on its own.
//! `WEIR_WRITE_DOCS=1 cargo test -p weir-flows --test jsonpath` writes it anew.

use jsonpath_rust::JsonPath;
use serde_json::{Value, json};
use std::fmt::Write as _;
use weir_flows::script::path::Path;

/// A section of the RFC, the document its examples use, and queries with what they select. Members
/// of an object come in the order of their keys.
struct Section {
    number: &'static str,
    document: Value,
    cases: Vec<(&'static str, Value)>,
}

fn bookstore() -> Value {
    json!({ "store": {
        "book": [
            { "category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95 },
            { "category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99 },
            { "category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99 },
            { "category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings", "isbn": "0-395-19395-8", "price": 22.99 }
        ],
        "bicycle": { "color": "red", "price": 399 }
    } })
}

fn comparisons() -> Vec<(&'static str, Value)> {
    // Table 11: every comparison stands in a filter that keeps the document's one member or not.
    [
        ("$.absent1 == $.absent2", true),
        ("$.absent1 <= $.absent2", true),
        ("$.absent == 'g'", false),
        ("$.absent1 != $.absent2", false),
        ("$.absent != 'g'", true),
        ("1 <= 2", true),
        ("1 > 2", false),
        ("13 == '13'", false),
        ("'a' <= 'b'", true),
        ("'a' > 'b'", false),
        ("$.obj == $.arr", false),
        ("$.obj != $.arr", true),
        ("$.obj == $.obj", true),
        ("$.obj != $.obj", false),
        ("$.arr == $.arr", true),
        ("$.arr != $.arr", false),
        ("$.obj == 17", false),
        ("$.obj != 17", true),
        ("$.obj <= $.arr", false),
        ("$.obj < $.arr", false),
        ("$.obj <= $.obj", true),
        ("$.arr <= $.arr", true),
        ("1 <= $.arr", false),
        ("1 >= $.arr", false),
        ("1 > $.arr", false),
        ("1 < $.arr", false),
        ("true <= true", true),
        ("true > true", false),
        ("1 == 1.0", true),
        ("1 == 1e0", true),
        ("-0 == 0", true),
        ("0.1e1 < 1.5", true),
        ("null == null", true),
        ("null == $.absent", false),
        ("'\\u00e4' == 'ä'", true),
    ]
    .into_iter()
    .map(|(comparison, holds)| {
        let query: &'static str = format!("$.one[?{comparison}]").leak();
        (query, if holds { json!([1]) } else { json!([]) })
    })
    .collect()
}

fn sections() -> Vec<Section> {
    let book = |index: usize| bookstore()["store"]["book"][index].clone();
    let slices = json!(["a", "b", "c", "d", "e", "f", "g"]);
    let filters = json!({
        "a": [3, 5, 1, 2, 4, 6, { "b": "j" }, { "b": "k" }, { "b": {} }, { "b": "kilo" }],
        "o": { "p": 1, "q": 2, "r": 3, "s": 5, "t": { "u": 6 } },
        "e": "f"
    });
    let nested = json!({ "o": { "j": 1, "k": 2 }, "a": [5, 3, [{ "j": 4 }, { "k": 6 }]] });
    vec![
        Section {
            number: "1.5",
            document: bookstore(),
            cases: vec![
                (
                    "$.store.book[*].author",
                    json!([
                        "Nigel Rees",
                        "Evelyn Waugh",
                        "Herman Melville",
                        "J. R. R. Tolkien"
                    ]),
                ),
                (
                    "$..author",
                    json!([
                        "Nigel Rees",
                        "Evelyn Waugh",
                        "Herman Melville",
                        "J. R. R. Tolkien"
                    ]),
                ),
                (
                    "$.store.*",
                    json!([
                        bookstore()["store"]["bicycle"],
                        bookstore()["store"]["book"]
                    ]),
                ),
                ("$.store..price", json!([399, 8.95, 12.99, 8.99, 22.99])),
                ("$..book[2]", json!([book(2)])),
                ("$..book[2].author", json!(["Herman Melville"])),
                ("$..book[2].publisher", json!([])),
                ("$..book[-1]", json!([book(3)])),
                ("$..book[0,1]", json!([book(0), book(1)])),
                ("$..book[:2]", json!([book(0), book(1)])),
                ("$..book[?@.isbn]", json!([book(2), book(3)])),
                ("$..book[?@.price<10]", json!([book(0), book(2)])),
                (
                    "$.store.book[?@.price < $.store.bicycle.price].title",
                    json!([
                        "Sayings of the Century",
                        "Sword of Honour",
                        "Moby Dick",
                        "The Lord of the Rings"
                    ]),
                ),
                (
                    "$.store.book[?(@.category == 'fiction' && !(@.price > 20))].price",
                    json!([12.99, 8.99]),
                ),
            ],
        },
        Section {
            number: "2.2",
            document: json!({ "k": "v" }),
            cases: vec![("$", json!([{ "k": "v" }]))],
        },
        Section {
            number: "2.3.1",
            document: json!({ "o": { "j j": { "k.k": 3 } }, "'": { "@": 2 }, "ä": 1, "\u{1F600}": 2, "a\"b": 4, "x\ny": 5, "\\": 6, "": 7 }),
            cases: vec![
                ("$.o['j j']", json!([{ "k.k": 3 }])),
                ("$.o['j j']['k.k']", json!([3])),
                ("$.o[\"j j\"][\"k.k\"]", json!([3])),
                ("$[\"'\"][\"@\"]", json!([2])),
                ("$['\\'']['@']", json!([2])),
                ("$.ä", json!([1])),
                ("$['\\u00e4']", json!([1])),
                ("$['\\u00E4']", json!([1])),
                ("$['\\uD83D\\uDE00']", json!([2])),
                ("$.\u{1F600}", json!([2])),
                ("$['a\"b']", json!([4])),
                ("$[\"a\\\"b\"]", json!([4])),
                ("$['x\\ny']", json!([5])),
                ("$['\\\\']", json!([6])),
                ("$['']", json!([7])),
                ("$.missing", json!([])),
                ("$.o.j", json!([])),
                ("$['o','']", json!([{ "j j": { "k.k": 3 } }, 7])),
            ],
        },
        Section {
            number: "2.3.2",
            document: nested.clone(),
            cases: vec![
                (
                    "$[*]",
                    json!([[5, 3, [{ "j": 4 }, { "k": 6 }]], { "j": 1, "k": 2 }]),
                ),
                ("$.o[*]", json!([1, 2])),
                ("$.o[*, *]", json!([1, 2, 1, 2])),
                ("$.a[*]", json!([5, 3, [{ "j": 4 }, { "k": 6 }]])),
                ("$.o.*", json!([1, 2])),
                ("$.o.j.*", json!([])),
            ],
        },
        Section {
            number: "2.3.3",
            document: json!(["a", "b"]),
            cases: vec![
                ("$[1]", json!(["b"])),
                ("$[-2]", json!(["a"])),
                ("$[2]", json!([])),
                ("$[-3]", json!([])),
                ("$[0]", json!(["a"])),
                ("$[0,0]", json!(["a", "a"])),
                ("$[9007199254740991]", json!([])),
                ("$['0']", json!([])),
            ],
        },
        Section {
            number: "2.3.4",
            document: slices.clone(),
            cases: vec![
                ("$[1:3]", json!(["b", "c"])),
                ("$[5:]", json!(["f", "g"])),
                ("$[1:5:2]", json!(["b", "d"])),
                ("$[5:1:-2]", json!(["f", "d"])),
                ("$[::-1]", json!(["g", "f", "e", "d", "c", "b", "a"])),
                ("$[:]", json!(["a", "b", "c", "d", "e", "f", "g"])),
                ("$[::]", json!(["a", "b", "c", "d", "e", "f", "g"])),
                ("$[:2]", json!(["a", "b"])),
                ("$[-2:]", json!(["f", "g"])),
                ("$[:-5]", json!(["a", "b"])),
                ("$[::0]", json!([])),
                ("$[1:3:0]", json!([])),
                ("$[3:1]", json!([])),
                ("$[-100:100]", json!(["a", "b", "c", "d", "e", "f", "g"])),
                ("$[100:-100:-3]", json!(["g", "d", "a"])),
                ("$[-1:-4:-1]", json!(["g", "f", "e"])),
                ("$[0:9007199254740991:9007199254740991]", json!(["a"])),
                ("$[ 1 : 3 : 1 ]", json!(["b", "c"])),
                ("$[1:3, 0]", json!(["b", "c", "a"])),
            ],
        },
        Section {
            number: "2.3.5.2",
            document: json!({ "obj": { "x": "y" }, "arr": [2, 3], "one": [1] }),
            cases: comparisons(),
        },
        Section {
            number: "2.3.5.3",
            document: filters.clone(),
            cases: vec![
                ("$.a[?@.b == 'kilo']", json!([{ "b": "kilo" }])),
                ("$.a[?(@.b == 'kilo')]", json!([{ "b": "kilo" }])),
                ("$.a[?@>3.5]", json!([5, 4, 6])),
                (
                    "$.a[?@.b]",
                    json!([{ "b": "j" }, { "b": "k" }, { "b": {} }, { "b": "kilo" }]),
                ),
                ("$[?@.*]", json!([filters["a"], filters["o"]])),
                ("$[?@[?@.b]]", json!([filters["a"]])),
                ("$.o[?@<3, ?@<3]", json!([1, 2, 1, 2])),
                ("$.a[?@<2 || @.b == \"k\"]", json!([1, { "b": "k" }])),
                (
                    "$.a[?match(@.b, \"[jk]\")]",
                    json!([{ "b": "j" }, { "b": "k" }]),
                ),
                (
                    "$.a[?search(@.b, \"[jk]\")]",
                    json!([{ "b": "j" }, { "b": "k" }, { "b": "kilo" }]),
                ),
                ("$.o[?@>1 && @<4]", json!([2, 3])),
                ("$.o[?@.u || @.x]", json!([{ "u": 6 }])),
                ("$.a[?@.b == $.x]", json!([3, 5, 1, 2, 4, 6])),
                ("$.a[?@ == @]", filters["a"].clone()),
                ("$.a[?!@.b]", json!([3, 5, 1, 2, 4, 6])),
                (
                    "$.a[?!(@.b == 'j') && @.b]",
                    json!([{ "b": "k" }, { "b": {} }, { "b": "kilo" }]),
                ),
                ("$.a[? @.b == 'j' ]", json!([{ "b": "j" }])),
                ("$.a[?@.b=='j'||@.b=='k'&&@.c]", json!([{ "b": "j" }])),
                ("$[?@ == 'f']", json!(["f"])),
                ("$.o[?@ == $.o.q]", json!([2])),
                ("$.a[?@['b'] == 'j']", json!([{ "b": "j" }])),
                ("$.e[?@]", json!([])),
            ],
        },
        Section {
            number: "2.4",
            document: json!([
                { "t": "123456", "l": [1, 2, 3], "o": { "a": 1 }, "n": 1 },
                { "t": "äöü", "l": [], "o": {}, "n": 2 },
                { "t": "a\nb", "l": [1], "o": { "a": 1, "b": 2 }, "n": 3, "re": "a.b" },
                { "t": "a\rb", "l": ["x"], "o": null, "n": 4, "re": "(" }
            ]),
            cases: vec![
                ("$[?length(@.t) >= 5].n", json!([1])),
                ("$[?length(@.t) == 3].n", json!([2, 3, 4])),
                ("$[?length(@.l) == 0].n", json!([2])),
                ("$[?length(@.o) == 2].n", json!([3])),
                (
                    "$[?length(@.n) == length(@.missing)].n",
                    json!([1, 2, 3, 4]),
                ),
                ("$[?length('abc') == 3].n", json!([1, 2, 3, 4])),
                ("$[?count(@.l.*) == 3].n", json!([1])),
                ("$[?count(@.*) == 4].n", json!([1, 2])),
                ("$[?count(@..*) > 8].n", json!([])),
                ("$[?count($[*]) == 4].n", json!([1, 2, 3, 4])),
                ("$[?value(@.l[*]) == 1].n", json!([3])),
                ("$[?value(@..a) == 1].n", json!([1, 3])),
                ("$[?length(value(@.l[*])) == 1].n", json!([4])),
                ("$[?match(@.t, '[0-9]+')].n", json!([1])),
                ("$[?match(@.t, '[0-9]')].n", json!([])),
                ("$[?search(@.t, '[0-9]')].n", json!([1])),
                ("$[?match(@.t, 'ä..')].n", json!([2])),
                ("$[?match(@.t, 'a.b')].n", json!([])),
                ("$[?match(@.t, '1|123456')].n", json!([1])),
                ("$[?match(@.n, '1')].n", json!([])),
                ("$[?match(@.t, '(')].n", json!([])),
                ("$[?search(@.t, @.re)].n", json!([])),
                ("$[?!match(@.t, '[0-9]+')].n", json!([2, 3, 4])),
                ("$[?search('xay', @.missing)].n", json!([])),
                (
                    "$[?(length(@.t) == 6) && (count(@.l.*) == 3)].n",
                    json!([1]),
                ),
            ],
        },
        Section {
            number: "2.5.1",
            document: json!(["a", "b", "c", "d", "e", "f", "g"]),
            cases: vec![
                ("$[0, 3]", json!(["a", "d"])),
                ("$[0:2, 5]", json!(["a", "b", "f"])),
                ("$[0, 0]", json!(["a", "a"])),
                ("$ [0]", json!(["a"])),
                ("$\n[\t0 ]", json!(["a"])),
                ("$[*, 0]", json!(["a", "b", "c", "d", "e", "f", "g", "a"])),
            ],
        },
        Section {
            number: "2.5.2",
            document: nested.clone(),
            cases: vec![
                ("$..j", json!([4, 1])),
                ("$..[0]", json!([5, { "j": 4 }])),
                (
                    "$..[*]",
                    json!([
                    [5, 3, [{ "j": 4 }, { "k": 6 }]], { "j": 1, "k": 2 }, 5, 3, [{ "j": 4 }, { "k": 6 }],
                    { "j": 4 }, { "k": 6 }, 4, 6, 1, 2]),
                ),
                (
                    "$..*",
                    json!([
                    [5, 3, [{ "j": 4 }, { "k": 6 }]], { "j": 1, "k": 2 }, 5, 3, [{ "j": 4 }, { "k": 6 }],
                    { "j": 4 }, { "k": 6 }, 4, 6, 1, 2]),
                ),
                ("$..o", json!([{ "j": 1, "k": 2 }])),
                ("$.o..[*, *]", json!([1, 2, 1, 2])),
                ("$.a..[0, 1]", json!([5, 3, { "j": 4 }, { "k": 6 }])),
                ("$..['j', 'k']", json!([4, 6, 1, 2])),
                ("$..[?@.j]", json!([{ "j": 1, "k": 2 }, { "j": 4 }])),
                ("$.a[-1]..j", json!([4])),
            ],
        },
        Section {
            number: "2.6",
            document: json!({ "a": null, "b": [null], "c": [{}], "null": 1 }),
            cases: vec![
                ("$.a", json!([null])),
                ("$.a[0]", json!([])),
                ("$.a.d", json!([])),
                ("$.b[0]", json!([null])),
                ("$.b[*]", json!([null])),
                ("$.b[?@]", json!([null])),
                ("$.b[?@==null]", json!([null])),
                ("$.c[?@.d==null]", json!([])),
                ("$.null", json!([1])),
            ],
        },
    ]
}

/// Texts that are no queries, with the reason.
const INVALID: &[(&str, &str)] = &[
    ("", "nothing"),
    (" $", "space before the root"),
    ("$ ", "space after the query"),
    ("$.a ", "space after the query"),
    ("a", "no root"),
    ("@.a", "the current node outside of a filter"),
    ("$a", "no dot"),
    ("$.", "nothing behind the dot"),
    ("$..", "nothing behind the dots"),
    ("$...a", "three dots"),
    ("$.1a", "a name that starts with a digit"),
    ("$.a-b", "a dash in a short name"),
    ("$. a", "space behind the dot"),
    ("$.. a", "space behind the dots"),
    ("$.a b", "space within a name"),
    ("$.&", "a sign as a name"),
    ("$['a", "an open string"),
    ("$['a'", "an open bracket"),
    ("$[]", "an empty bracket"),
    ("$[a]", "a name without quotes"),
    ("$['a'b']", "a quote within a string"),
    ("$[\"a\n\"]", "a line end within a string"),
    ("$['\\x41']", "an unknown escape"),
    ("$[\"\\'\"]", "an escaped single quote in double quotes"),
    ("$['\\\"']", "an escaped double quote in single quotes"),
    ("$['\\uD800']", "half a surrogate pair"),
    ("$['\\uDC00\\uD800']", "a surrogate pair turned around"),
    ("$['\\u12']", "a short escape"),
    ("$[01]", "a leading zero"),
    ("$[-0]", "minus zero as an index"),
    ("$[1.0]", "a fraction as an index"),
    ("$[+1]", "a plus"),
    ("$[- 1]", "space behind the minus"),
    ("$[1 0]", "space within a number"),
    ("$[9007199254740992]", "beyond exact integers"),
    ("$[-9007199254740992]", "beyond exact integers"),
    ("$[1:2:3:4]", "four parts of a slice"),
    ("$[01:2]", "a leading zero in a slice"),
    ("$[:-0]", "minus zero in a slice"),
    ("$[1,]", "a comma with nothing behind it"),
    ("$[,1]", "a comma with nothing before it"),
    ("$[1 2]", "no comma"),
    ("$[?]", "an empty filter"),
    ("$[?@.a", "an open filter"),
    ("$[?'a']", "a literal as a test"),
    ("$[?1]", "a literal as a test"),
    ("$[?true]", "a literal as a test"),
    ("$[?@.a == ]", "half a comparison"),
    ("$[?@.a = 1]", "one equals sign"),
    ("$[?@.a === 1]", "three equals signs"),
    ("$[?@.a <> 1]", "an unknown operator"),
    ("$[?@.a == 1 == 2]", "a comparison of comparisons"),
    ("$[?@.* == 1]", "a comparison of many nodes"),
    ("$[?@..a == 1]", "a comparison of many nodes"),
    ("$[?@[0:1] == 1]", "a comparison of many nodes"),
    ("$[?@.a & @.b]", "one ampersand"),
    ("$[?@.a and @.b]", "a word as an operator"),
    ("$[?@.a == 'x' && 1]", "a literal as a test"),
    ("$[?@.a == .5]", "a number without a digit before the point"),
    ("$[?@.a == 1.]", "a number without a digit behind the point"),
    ("$[?@.a == 01]", "a leading zero"),
    ("$[?@.a == +1]", "a plus"),
    ("$[?@.a == True]", "a capital"),
    ("$[?@.a == [1]]", "a list as a literal"),
    ("$[?@.a == {}]", "a map as a literal"),
    ("$[?!(@.a == 1]", "an open parenthesis"),
    ("$[?@.a == 1)]", "a parenthesis too many"),
    ("$[?!!@.a]", "two nots"),
    ("$[?length(@.a)]", "a value as a test"),
    ("$[?count(@.a)]", "a value as a test"),
    ("$[?value(@.a)]", "a value as a test"),
    ("$[?length(@.*) < 3]", "many nodes where a value is needed"),
    ("$[?length(@.a, @.b) < 3]", "an argument too many"),
    ("$[?length() < 3]", "an argument too few"),
    ("$[?count(1) == 1]", "a value where nodes are needed"),
    ("$[?count('a') == 1]", "a value where nodes are needed"),
    ("$[?value('a') == 1]", "a value where nodes are needed"),
    ("$[?value(1) == 1]", "a value where nodes are needed"),
    (
        "$[?count(length(@.a)) == 1]",
        "a value where nodes are needed",
    ),
    ("$[?count(@.a == 1) == 1]", "a test where nodes are needed"),
    (
        "$[?length(@.a == 1) == 1]",
        "a test where a value is needed",
    ),
    ("$[?match(@.a, 'x') == true]", "a comparison of a test"),
    ("$[?match(@.a)]", "an argument too few"),
    ("$[?match(@.*, 'x')]", "many nodes where a value is needed"),
    (
        "$[?search(@.a, @..b)]",
        "many nodes where a value is needed",
    ),
    ("$[?length (@.a) == 1]", "space before the parenthesis"),
    ("$[?blt(@.a)]", "an unknown function"),
    ("$[?Length(@.a) == 1]", "a capital"),
    ("$[?@.a in [1,2]]", "an operator beyond the RFC"),
    ("$[?in(@.a, $.list)]", "a function beyond the RFC"),
    ("$[?nin(@.a, $.list)]", "a function beyond the RFC"),
    ("$[?none_of(@.a, $.list)]", "a function beyond the RFC"),
    ("$[?any_of(@.a, $.list)]", "a function beyond the RFC"),
    ("$[?subset_of(@.a, $.list)]", "a function beyond the RFC"),
    ("$.length()", "a method"),
    ("$.a[?(@.length-1)]", "arithmetic"),
    ("$[(@.length-1)]", "a script"),
    ("$.a;$.b", "two queries"),
];

#[test]
fn every_query_selects_what_the_rfc_says() {
    let mut wrong = String::new();
    let mut count = 0;
    for section in sections() {
        for (query, wanted) in &section.cases {
            count += 1;
            let found = Path::parse(query)
                .map(|path| json!(path.select(&section.document)))
                .map_err(|problem| problem.to_string());
            if found.as_ref() != Ok(wanted) {
                let _ = writeln!(
                    wrong,
                    "{} {query}: {found:?}, wanted {wanted}",
                    section.number
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count + INVALID.len() > 250, "{count}");
}

#[test]
fn no_other_text_is_a_query() {
    let accepted: Vec<&str> = INVALID
        .iter()
        .filter(|(query, _)| Path::parse(query).is_ok())
        .map(|(query, _)| *query)
        .collect();
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn a_singular_query_is_known_as_one() {
    for query in ["$", "$.a", "$['a'][0]", "$.a[-1].b", "$ .a"] {
        assert!(Path::parse(query).unwrap().is_singular(), "{query}");
    }
    for query in ["$.*", "$..a", "$[0,1]", "$[0:1]", "$[?@]", "$['a','b']"] {
        assert!(!Path::parse(query).unwrap().is_singular(), "{query}");
    }
}

#[test]
fn an_error_points_at_its_place() {
    for (query, offset) in [
        ("a", 0),
        ("$.a b", 4),
        ("$.a[?@.b ==]", 11),
        ("$[01]", 2),
        ("$.a ", 3),
    ] {
        let problem = Path::parse(query).unwrap_err();
        assert_eq!(problem.offset, offset, "{query}: {problem}");
    }
}

#[test]
fn a_query_can_be_stopped() {
    let list: Vec<Value> = (0..1000).map(Value::from).collect();
    let document = json!(list);
    let path = Path::parse("$[?count($[?count($..*) > 0]) > 0]").unwrap();
    let mut left = 100_000_usize;
    let found = path.select_while(&document, &mut |nodes| {
        left = left.saturating_sub(nodes);
        left > 0
    });
    assert!(found.is_none());
}

#[test]
fn expressions_are_compiled_once() {
    let items: Vec<Value> = (0..20_000)
        .map(|n| json!({ "sku": format!("A-{n}") }))
        .collect();
    let document = json!(items);
    let path = Path::parse("$[?match(@.sku, 'A-[0-9]{1,4}')]").unwrap();
    assert_eq!(path.select(&document).len(), 10_000);
    let computed = json!({ "re": "A-[0-9]{1,4}", "items": items });
    let path = Path::parse("$.items[?match(@.sku, $.re)]").unwrap();
    assert_eq!(path.select(&computed).len(), 10_000);
}

#[test]
fn the_page_tells_where_the_parser_differs() {
    let mut page = String::from(
        "# JSONPath\n\n\
         Wherever a user picks, the language is JSONPath as RFC 9535 defines it, and nothing beyond it. The parser\n\
         is `jsonpath-rust`; what it reads is checked and evaluated by `flows/src/script/path`. This page lists the cases\n\
         of our suite in which `jsonpath-rust` on its own gives something else than the RFC. The test\n\
         `flows/tests/jsonpath.rs` holds the list to what it finds.\n\n",
    );
    let mut differences = 0;
    let mut rows = String::new();
    let cell = |text: &str| format!("`{}`", text.replace('|', "\\|").replace('\n', "\\n"));
    for section in sections() {
        for (query, wanted) in &section.cases {
            let alone = section.document.query(query);
            let (same, gave) = match alone {
                Ok(found) => {
                    let found = json!(found);
                    (found == *wanted, found.to_string())
                }
                Err(_) => (false, "refused".to_owned()),
            };
            if !same {
                differences += 1;
                let gave: String = gave.chars().take(60).collect();
                let wanted: String = wanted.to_string().chars().take(60).collect();
                let _ = writeln!(
                    rows,
                    "| {} | {} | {} | {} |",
                    section.number,
                    cell(query),
                    cell(&gave),
                    cell(&wanted)
                );
            }
        }
    }
    let _ = writeln!(page, "## Queries with another result ({differences})\n");
    if differences > 0 {
        let _ = writeln!(
            page,
            "| section | query | jsonpath-rust | RFC |\n|---|---|---|---|\n{rows}"
        );
    }
    let accepted: Vec<&(&str, &str)> = INVALID
        .iter()
        .filter(|(query, _)| Value::Null.query(query).is_ok())
        .collect();
    let _ = writeln!(
        page,
        "## Texts it accepts that are no queries ({})\n",
        accepted.len()
    );
    if !accepted.is_empty() {
        let _ = writeln!(page, "| text | reason |\n|---|---|");
        for (query, reason) in accepted {
            let _ = writeln!(page, "| {} | {reason} |", cell(query));
        }
    }
    page.push_str(
        "\n## Regular expressions\n\n\
         `match` and `search` take the expressions of the `regex` crate, which are those of RFC 9485 and more; the dot leaves\n\
         out both line ends. One that stands in the query is compiled with it. One that comes from the data is compiled once\n\
         per evaluation, and at most 32 are kept at a time. An expression that is invalid or takes more than 1 MB matches nothing.\n",
    );
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/jsonpath.md");
    if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
        std::fs::write(place, &page).unwrap();
    }
    let written = std::fs::read_to_string(place).unwrap_or_default();
    assert!(
        written == page,
        "docs/jsonpath.md is not current: run with WEIR_WRITE_DOCS=1"
    );
}
