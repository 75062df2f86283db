//! Whatever a hand does to a document can be undone, and leaves it sound.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use weir_flows::{
    document::{Flow, Link, Step, Trigger},
    json::print,
};

use super::{connect::link, names::fresh_id, *};
use crate::canvas::geometry::Point;

fn flow(text: serde_json::Value) -> Flow {
    serde_json::from_value(text).unwrap()
}

/// A flow with a branch, an error path, a test, and scripts that name steps.
fn orders() -> Flow {
    flow(json!({
        "format": "weir/flow@1", "id": "orders",
        "triggers": { "order": { "kind": "http", "config": { "path": "/orders" } } },
        "steps": {
            "price": { "kind": "map", "config": { "script": "input.body" } },
            "size": { "kind": "branch", "config": { "cases": [ { "port": "large", "when": "steps.price.total > 9" } ], "otherwise": "small" } },
            "book": { "kind": "http", "connection": "erp", "config": { "method": "POST", "path": "/b", "body": "= steps.price" },
                      "undo": { "kind": "http", "connection": "erp", "config": { "path": "= `/b/${steps[\"price\"].id}`" } } },
            "thanks": { "kind": "respond", "config": { "body": "= #{ total: steps.price.total, was: my_steps.price }" } }
        },
        "links": [
            { "from": "order", "to": "price" }, { "from": "price", "to": "size" },
            { "from": "size", "port": "large", "to": "book" }, { "from": "size", "port": "small", "to": "thanks" },
            { "from": "book", "to": "thanks" }
        ],
        "tests": [ { "name": "small", "trigger": "order", "mocks": { "book": { "output": 1 } },
                     "expect": { "ran": ["price", "size", "thanks"], "skipped": ["book"] } } ],
        "layout": { "order": [80, 160], "price": [320, 160] }
    }))
}

fn step(kind: &str) -> Step {
    Step {
        kind: kind.to_owned(),
        ..Step::default()
    }
}

/// What a hand might do next, decided by numbers.
fn change(flow: &Flow, op: u8, a: usize, b: usize, clip: &mut Clip) -> Change {
    let cards: Vec<String> = flow
        .triggers
        .keys()
        .chain(flow.steps.keys())
        .cloned()
        .collect();
    let card = |n: usize| {
        let known = cards.get(n % cards.len().max(1));
        known.cloned().unwrap_or_else(|| "nobody".to_owned())
    };
    let at = Point::new((a % 900) as f64, (b % 700) as f64);
    let ports = ["ok", "error", "large", "small"];
    let some: BTreeSet<String> = [card(a), card(b)].into_iter().collect();
    let places = |id: &str| {
        let [x, y] = flow.layout.get(id).copied().unwrap_or_default();
        Some(Point::new(f64::from(x), f64::from(y)))
    };
    let nothing = || Change::new(What::Set, Vec::new());
    match op % 14 {
        0 => {
            add(
                &Taken::of(flow),
                Added::Step(step(["map", "http", "branch", "respond"][a % 4])),
                at,
            )
            .0
        }
        1 => {
            add(
                &Taken::of(flow),
                Added::Trigger(Trigger {
                    kind: "manual".into(),
                    ..Trigger::default()
                }),
                at,
            )
            .0
        }
        2 => connect(flow, &card(a), ports[b % 4], &card(b)).unwrap_or_else(|_| nothing()),
        3 => {
            let end = if b.is_multiple_of(2) {
                End::To(card(b))
            } else {
                End::From {
                    from: card(b),
                    port: ports[a % 4].into(),
                }
            };
            reconnect(flow, a % flow.links.len().max(1), &end).unwrap_or_else(|_| nothing())
        }
        4 => delete(
            flow,
            &Chosen {
                cards: BTreeSet::from([card(a)]),
                links: flow.links.iter().skip(b % 7).take(1).cloned().collect(),
            },
        ),
        5 => move_by(flow, &some, at, places),
        6 => add_on_link(
            flow,
            &Taken::of(flow),
            step("map"),
            at,
            a % flow.links.len().max(1),
            (!b.is_multiple_of(3)).then_some("ok"),
        )
        .map_or_else(nothing, |(change, _)| change),
        7 => add_after(
            flow,
            &Taken::of(flow),
            step("fail"),
            at,
            &card(a),
            ports[b % 4],
        )
        .map_or_else(nothing, |(change, _)| change),
        8 => {
            *clip = Clip::of(flow, &some, places);
            clip.paste(flow, &Taken::of(flow), at, What::Duplicate).0
        }
        9 => clip.paste(flow, &Taken::of(flow), at, What::Paste).0,
        10 => rename(flow, &card(a), &format!("n_{b}")).unwrap_or_else(nothing),
        11 => match flow.steps.get(&card(a)) {
            Some(now) => {
                let mut to = now.clone();
                to.title = format!("t{b}");
                to.config.insert(
                    "cases".into(),
                    json!([{ "port": ports[b % 4], "when": "true" }]),
                );
                set_step(flow, &card(a), to, ["title", "cases"][b % 2])
            }
            None => set_trigger(
                flow,
                &card(a),
                Trigger {
                    kind: "http".into(),
                    title: b.to_string(),
                    ..Trigger::default()
                },
                "title",
            ),
        },
        12 => set_head(flow, &a.to_string(), &b.to_string()),
        _ => set_tests(flow, Vec::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_edits_undone_give_the_first_document_byte_for_byte(
        hand in prop::collection::vec((any::<u8>(), any::<u16>(), any::<u16>(), any::<bool>()), 1..60),
        empty in any::<bool>(),
    ) {
        let first = if empty { flow(json!({ "format": "weir/flow@1", "id": "f" })) } else { orders() };
        let mut now = first.clone();
        let mut history = History::default();
        let mut clip = Clip::default();
        for (op, a, b, settle) in hand {
            if op > 230 {
                history.undo(&mut now);
            } else if op > 215 {
                history.redo(&mut now);
            } else {
                let change = change(&now, op, a.into(), b.into(), &mut clip);
                history.apply(&mut now, change);
            }
            if settle {
                history.settle();
            }
            // Whatever is done, no circle and no link into a trigger or into nowhere comes of it.
            for (index, link) in now.links.iter().enumerate() {
                prop_assert_eq!(legal(&now, link, Some(index)), Ok(()));
            }
        }
        while history.redo(&mut now).is_some() {}
        let last = print(&now).unwrap();
        let mut steps = 0;
        while history.undo(&mut now).is_some() {
            steps += 1;
        }
        prop_assert_eq!(print(&now).unwrap(), print(&first).unwrap());
        for _ in 0..steps {
            prop_assert!(history.redo(&mut now).is_some());
        }
        prop_assert_eq!(print(&now).unwrap(), last);
    }
}

#[test]
fn letters_of_one_field_are_undone_as_one() {
    let mut now = orders();
    let before = now.clone();
    let mut history = History::default();
    for title in ["P", "Pr", "Pri"] {
        let to = Step {
            title: title.into(),
            ..now.steps["price"].clone()
        };
        let change = set_step(&now, "price", to, "title");
        history.apply(&mut now, change);
    }
    history.settle();
    let to = Step {
        title: "Price".into(),
        ..now.steps["price"].clone()
    };
    let change = set_step(&now, "price", to, "title");
    history.apply(&mut now, change);
    assert_eq!(history.undo(&mut now).unwrap().what, What::Set);
    assert_eq!(now.steps["price"].title, "Pri");
    history.undo(&mut now);
    assert_eq!(now, before);
    assert_eq!(
        (history.undoable(), history.redoable()),
        (None, Some(What::Set))
    );
}

#[test]
fn illegal_links_say_why() {
    let flow = orders();
    for (from, port, to, why) in [
        ("price", "ok", "price", Illegal::Itself),
        ("price", "ok", "order", Illegal::IntoTrigger),
        ("price", "ok", "size", Illegal::Exists),
        ("price", "ok", "nobody", Illegal::Gone),
        (
            "thanks",
            "ok",
            "price",
            Illegal::Circle(vec!["price".into(), "size".into(), "thanks".into()]),
        ),
    ] {
        assert_eq!(
            connect(&flow, from, port, to),
            Err(why),
            "{from} {port} {to}"
        );
    }
    assert!(connect(&flow, "price", "error", "thanks").is_ok());
    // Turning a link around is legal where the link itself was the only way.
    assert!(reconnect(&flow, 4, &End::To("size".into())).is_err());
    assert!(reconnect(&flow, 1, &End::To("thanks".into())).is_ok());
}

#[test]
fn a_case_that_is_given_the_name_of_a_stray_port_leads_each_way_once() {
    let mut flow = orders();
    flow.links.push(link("size", "ok", "book"));
    let mut to = flow.steps["size"].clone();
    to.config["cases"][0]["port"] = json!("ok");
    let change = set_step(&flow, "size", to, "cases");
    History::default().apply(&mut flow, change);
    let ways = flow
        .links
        .iter()
        .filter(|link| link.from == "size" && link.to == "book");
    assert_eq!(ways.map(Link::port).collect::<Vec<_>>(), ["ok"]);
}

#[test]
fn a_renamed_port_keeps_its_links_and_a_removed_one_loses_them() {
    let flow = orders();
    let ports = |case: &str, otherwise: Option<&str>| {
        let mut to = flow.steps["size"].clone();
        to.config = json!({ "cases": [{ "port": case, "when": "true" }] })
            .as_object()
            .unwrap()
            .clone();
        if let Some(otherwise) = otherwise {
            to.config.insert("otherwise".into(), otherwise.into());
        }
        let mut now = flow.clone();
        History::default().apply(&mut now, set_step(&flow, "size", to, "cases"));
        now.links
            .iter()
            .filter(|link| link.from == "size")
            .map(|link| link.port().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ports("huge", Some("small")), ["huge", "small"]);
    assert_eq!(ports("large", None), ["large"]);
    assert_eq!(ports("small", Some("large")), ["large", "small"]);
    assert_eq!(ports("small", Some("small")), ["large", "small"]);
}

#[test]
fn a_step_on_a_link_is_between_its_ends() {
    let flow = orders();
    let (change, id) = add_on_link(
        &flow,
        &Taken::of(&flow),
        step("map"),
        Point::default(),
        2,
        Some("ok"),
    )
    .unwrap();
    let mut now = flow.clone();
    History::default().apply(&mut now, change);
    assert_eq!(id, "map");
    let said: Vec<_> = now
        .links
        .iter()
        .map(|link| (link.from.as_str(), link.port(), link.to.as_str()))
        .collect();
    assert_eq!(
        said[2..4],
        [("size", "large", "map"), ("map", "ok", "book")]
    );
}

#[test]
fn deleting_a_step_leaves_nothing_that_names_it() {
    let flow = orders();
    let mut now = flow.clone();
    History::default().apply(&mut now, delete(&flow, &Chosen::card("book")));
    assert_eq!(now.links.len(), 3);
    assert!(now.tests[0].mocks.is_empty() && now.tests[0].expect.skipped.is_empty());
    let change = delete(&now, &Chosen::card("order"));
    History::default().apply(&mut now, change);
    assert!(now.tests.is_empty() && !now.layout.contains_key("order"));
}

#[test]
fn renaming_rewrites_what_names_the_step() {
    let mut flow = orders();
    let key =
        serde_json::json!({ "ttl": "1m", "limit": 1, "per": "1s", "key": "steps.price.number" });
    let part = |names: [&str; 2]| {
        let part = names.map(|name| (name.to_owned(), key[name].clone()));
        serde_json::Value::Object(part.into_iter().collect())
    };
    let book = flow.steps.get_mut("book").unwrap();
    book.cache = serde_json::from_value(part(["ttl", "key"])).unwrap();
    book.concurrency = serde_json::from_value(part(["limit", "key"])).unwrap();
    let mut now = flow.clone();
    History::default().apply(&mut now, rename(&flow, "price", "cost").unwrap());
    let text = print(&now).unwrap();
    assert!(
        text.contains("steps.cost.total > 9") && text.contains("steps[\\\"cost\\\"].id"),
        "{text}"
    );
    assert_eq!(text.matches("steps.cost.number").count(), 2, "{text}");
    assert!(
        text.contains("my_steps.price") && !text.contains("\"price\""),
        "{text}"
    );
    assert_eq!(rename(&flow, "price", "book"), None);
    assert_eq!(rename(&flow, "price", "Not a slug"), None);
}

#[test]
fn pasting_takes_free_ids_and_keeps_scripts_right() {
    let flow = orders();
    let cards = ["price", "size", "thanks"].map(String::from).into();
    let clip = Clip::of(&flow, &cards, |_| Some(Point::new(10.0, 20.0)));
    let clip = Clip::read(&clip.text()).unwrap();
    let (change, chosen) = clip.paste(
        &flow,
        &Taken::of(&flow),
        Point::new(500.0, 600.0),
        What::Paste,
    );
    let mut now = flow.clone();
    History::default().apply(&mut now, change);
    assert_eq!(
        chosen.cards,
        ["price_2", "size_2", "thanks_2"].map(String::from).into()
    );
    assert!(now.steps["size_2"].config["cases"][0]["when"] == json!("steps.price_2.total > 9"));
    assert_eq!(now.layout["price_2"], [500, 600]);
    assert_eq!(now.links.len(), 7);
}

#[test]
fn other_texts_are_no_piece_of_a_flow() {
    for text in ["hello", "[1]", "{\"a\": 1}", "{\"steps\": 7}"] {
        assert_eq!(Clip::read(text), Err(NotAClip::Other), "{text}");
    }
    assert!(matches!(
        Clip::read("{\"steps\": {\"a\": {\"kin\": 1}}}"),
        Err(NotAClip::Broken(_))
    ));
    assert!(Clip::read(&print(&orders()).unwrap()).is_ok());
}

#[test]
fn fresh_ids_count_on() {
    let taken = |id: &str| ["map", "map_2", "2x"].contains(&id);
    for (word, id) in [
        ("map", "map_3"),
        ("map_2", "map_3"),
        ("http", "http"),
        ("2x", "step_2x"),
        ("Ä b", "b"),
        ("", "step"),
    ] {
        assert_eq!(fresh_id(taken, word), id, "{word}");
    }
}

#[test]
fn copies_stand_beside_what_they_are_of_and_not_on_each_other() {
    let mut flow = orders();
    let cards: BTreeSet<String> = ["order", "price"].map(String::from).into();
    let places = |flow: &Flow| {
        let layout = flow.layout.clone();
        move |id: &str| {
            let [x, y] = *layout.get(id)?;
            Some(Point::new(f64::from(x), f64::from(y)))
        }
    };
    let (change, first) = duplicate(&flow, &Taken::of(&flow), &cards, places(&flow)).unwrap();
    History::default().apply(&mut flow, change);
    assert_eq!(
        first,
        Chosen::cards(["order_2", "price_2"].map(String::from))
    );
    assert_eq!(flow.layout["price_2"], [360, 200]);
    assert_eq!(flow.links.len(), 6, "the link between the two is copied");
    let (change, _) = duplicate(&flow, &Taken::of(&flow), &cards, places(&flow)).unwrap();
    History::default().apply(&mut flow, change);
    assert_eq!(flow.layout["price_3"], [400, 240]);
    assert_eq!(
        duplicate(&flow, &Taken::of(&flow), &BTreeSet::new(), places(&flow)),
        None
    );
}

#[test]
fn cards_are_switched_together() {
    let mut flow = orders();
    flow.steps.get_mut("book").unwrap().disabled = true;
    let cards = ["order", "price", "book"].map(String::from).into();
    let change = switch(&flow, &cards, false);
    History::default().apply(&mut flow, change);
    assert!(flow.triggers["order"].disabled && flow.steps["price"].disabled);
    assert!(flow.steps["book"].disabled && !flow.steps["size"].disabled);
    let change = switch(&flow, &cards, true);
    History::default().apply(&mut flow, change);
    assert!(!flow.triggers["order"].disabled && !flow.steps["book"].disabled);
    assert!(switch(&flow, &cards, true).is_empty());
}

#[test]
fn titles_and_pinned_outputs_are_set_and_taken_back() {
    let mut flow = orders();
    let before = print(&flow).unwrap();
    let mut history = History::default();
    for change in [
        retitle(&flow, "order", "Shop order"),
        retitle(&flow, "book", "Book it"),
        pin(&flow, "book", Some(json!({ "id": 7 }))),
    ] {
        history.apply(&mut flow, change);
    }
    assert_eq!(flow.triggers["order"].title, "Shop order");
    assert_eq!(flow.steps["book"].pinned, Some(json!({ "id": 7 })));
    let change = pin(&flow, "book", None);
    history.apply(&mut flow, change);
    assert_eq!(flow.steps["book"].pinned, None);
    while history.undo(&mut flow).is_some() {}
    assert_eq!(print(&flow).unwrap(), before);
    assert!(retitle(&flow, "gone", "Nobody").is_empty());
}

#[test]
fn ids_within_bodies_stay_apart_and_a_body_stays_as_it_is() {
    let body = |id: &str| {
        json!({ "steps": { id: { "kind": "map", "config": { "script": "item" } },
        "tell": { "kind": "map", "config": { "script": format!("steps.{id} + steps.price") } } },
        "links": [ { "from": id, "to": "tell" } ] })
    };
    let each = |id: &str| Step {
        config: serde_json::from_value(json!({ "items": "= input", "body": body(id) })).unwrap(),
        ..step("each")
    };
    let at = Point::new(0.0, 0.0);
    let mut flow = orders();
    let put = |flow: &mut Flow, id: &str| {
        let (change, new) = add(&Taken::of(flow), Added::Step(each(id)), at);
        History::default().apply(flow, change);
        new
    };
    let first = put(&mut flow, "item");
    assert_eq!(
        flow.steps[&first].config["body"],
        body("item"),
        "free ids stay"
    );
    // The next one of the same kind, and one whose step has the id of a card.
    let second = put(&mut flow, "item");
    let second = flow.steps[&second].config["body"].clone();
    assert_eq!(
        second["links"],
        json!([{ "from": "item_2", "to": "tell_2" }])
    );
    assert_eq!(
        second["steps"]["tell_2"]["config"]["script"],
        "steps.item_2 + steps.price"
    );
    let third = put(&mut flow, "price");
    assert!(
        flow.steps[&third].config["body"]["steps"]
            .get("price_2")
            .is_some()
    );
    // A card takes no id of a step in a body, neither new nor renamed.
    let (_, id) = add(&Taken::of(&flow), Added::Step(step("tell")), at);
    assert_eq!(id, "tell_4");
    assert!(rename(&flow, "price", "item").is_none());
    let renamed = rename(&flow, "price", "cost").unwrap();
    History::default().apply(&mut flow, renamed);
    let script = &flow.steps[&first].config["body"]["steps"]["tell"]["config"]["script"];
    assert_eq!(script, "steps.item + steps.cost");
}
