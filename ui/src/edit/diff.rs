//! What differs between two documents, card by card and setting by setting.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use weir_flows::document::{Flow, Link, Slug, Test};

use super::{body::flat, names::rename};

/// All that differs between two documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Diff {
    pub(crate) added: Vec<Named>,
    pub(crate) removed: Vec<Named>,
    pub(crate) changed: Vec<Changed>,
    pub(crate) linked: Vec<LinkNamed>,
    pub(crate) unlinked: Vec<LinkNamed>,
    /// What differs in the head and the settings of the flow.
    pub(crate) flow: Vec<Setting>,
    /// The names of the tests that are new, gone or different.
    pub(crate) tests: Tests,
    /// The cards that stand elsewhere and are in both.
    pub(crate) moved: Vec<Named>,
}

/// A card as a person knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) id: Slug,
    /// The title, or the id where there is none.
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) is_trigger: bool,
}

/// A card that is in both documents and differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Changed {
    pub(crate) card: Named,
    /// The id it had before, where that is another.
    pub(crate) was: Option<Slug>,
    pub(crate) settings: Vec<Setting>,
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    /// Where it is inside its card or flow: `config`, `path`.
    pub(crate) path: Vec<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// A link by the names of its cards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkNamed {
    pub(crate) from: String,
    pub(crate) port: String,
    pub(crate) to: String,
}

/// The tests that differ, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tests {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) changed: Vec<String>,
}

impl Diff {
    /// What was done to `before` to get `after`. What stands within bodies is told like what stands around them.
    pub(crate) fn between(before: &Flow, after: &Flow) -> Self {
        let after = &flat(after);
        let (before, names) = renamed(&flat(before), after);
        let (then, now) = (cards(&before), cards(after));
        let mut diff = Diff {
            flow: flow_settings(&before, after),
            tests: tests(&before.tests, &after.tests),
            ..Diff::default()
        };
        for (id, (card, settings)) in &now {
            let Some((_, old)) = then.get(id) else {
                diff.added.push(card.clone());
                continue;
            };
            let mut found = Vec::new();
            compare(&mut Vec::new(), Some(old), Some(settings), &mut found);
            let was = names.get(id).cloned();
            if !found.is_empty() || was.is_some() {
                diff.changed.push(Changed {
                    card: card.clone(),
                    was,
                    settings: found,
                });
            }
            if before.layout.get(id) != after.layout.get(id) {
                diff.moved.push(card.clone());
            }
        }
        let gone = then.iter().filter(|(id, _)| !now.contains_key(*id));
        diff.removed = gone.map(|(_, (card, _))| card.clone()).collect();
        diff.linked = links(&after.links, &before.links, &now);
        // What a card takes along when it goes needs no words.
        let stays = |link: &&Link| now.contains_key(&link.from) && now.contains_key(&link.to);
        let cut: Vec<Link> = before.links.iter().filter(stays).cloned().collect();
        diff.unlinked = links(&cut, &after.links, &now);
        diff
    }
}

type Cards = BTreeMap<Slug, (Named, Value)>;

/// Every card with what it says, as JSON.
fn cards(flow: &Flow) -> Cards {
    fn card(
        id: &Slug,
        title: &str,
        kind: &str,
        is_trigger: bool,
        says: &impl Serialize,
    ) -> (Slug, (Named, Value)) {
        let named = Named {
            id: id.clone(),
            name: (if title.is_empty() { id } else { title }).to_owned(),
            kind: kind.to_owned(),
            is_trigger,
        };
        let says = serde_json::to_value(says).unwrap_or_default();
        (id.clone(), (named, says))
    }
    let triggers = flow
        .triggers
        .iter()
        .map(|(id, trigger)| card(id, &trigger.title, &trigger.kind, true, trigger));
    let steps = flow
        .steps
        .iter()
        .map(|(id, step)| card(id, &step.title, &step.kind, false, step));
    triggers.chain(steps).collect()
}

/// The earlier document with the ids that its cards have in the later one, and the earlier id of each such card.
fn renamed(before: &Flow, after: &Flow) -> (Flow, BTreeMap<Slug, Slug>) {
    let mut flow = before.clone();
    let mut names = BTreeMap::new();
    let then = cards(before);
    let now = cards(after);
    let gone = then.iter().filter(|(id, _)| !now.contains_key(*id));
    for (old, (card, _)) in gone {
        let mut candidates: Vec<&Slug> = now
            .iter()
            .filter(|(id, (new, _))| {
                !then.contains_key(*id)
                    && !names.contains_key(*id)
                    && new.kind == card.kind
                    && new.is_trigger == card.is_trigger
            })
            .map(|(id, _)| id)
            .collect();
        let tried = |new: &Slug| {
            let mut tried = flow.clone();
            for edit in rename(&flow, old, new)?.edits {
                edit.apply(&mut tried);
            }
            Some(tried)
        };
        // The same in every word is the same card; so is one of the same kind under the same title.
        candidates.sort_by_key(|new| now[*new].0.name != card.name);
        let found = candidates.into_iter().find_map(|new| {
            let tried = tried(new)?;
            let same = tried.steps.get(new) == after.steps.get(new)
                && tried.triggers.get(new) == after.triggers.get(new);
            let titled = card.name != *old && now[new].0.name == card.name;
            (same || titled).then(|| (new.clone(), tried))
        });
        if let Some((new, renamed)) = found {
            flow = renamed;
            names.insert(new, old.clone());
        }
    }
    (flow, names)
}

/// The links of one list that are not in the other.
fn links(of: &[Link], without: &[Link], cards: &Cards) -> Vec<LinkNamed> {
    let name = |id: &Slug| {
        cards
            .get(id)
            .map_or_else(|| id.clone(), |(card, _)| card.name.clone())
    };
    let only = of.iter().filter(|link| !without.contains(link));
    only.map(|link| LinkNamed {
        from: name(&link.from),
        port: link.port().to_owned(),
        to: name(&link.to),
    })
    .collect()
}

fn flow_settings(before: &Flow, after: &Flow) -> Vec<Setting> {
    let says = |flow: &Flow| {
        serde_json::json!({
            "title": flow.title, "description": flow.description,
            "settings": serde_json::to_value(&flow.settings).unwrap_or_default(),
        })
    };
    let mut found = Vec::new();
    let (before, after) = (says(before), says(after));
    compare(&mut Vec::new(), Some(&before), Some(&after), &mut found);
    found
}

/// Goes into objects as deep as a form has fields: what is deeper is one setting.
const DEPTH: usize = 2;

fn compare(
    path: &mut Vec<String>,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Setting>,
) {
    if before == after {
        return;
    }
    let whole = path.len() >= DEPTH
        || path
            .first()
            .is_some_and(|key| !matches!(key.as_str(), "config" | "settings" | "retry"));
    match (
        before.and_then(Value::as_object),
        after.and_then(Value::as_object),
    ) {
        (then, now) if !whole && (then.is_some() || now.is_some()) => {
            let keys: BTreeSet<&String> = then
                .into_iter()
                .chain(now)
                .flat_map(|map| map.keys())
                .collect();
            for key in keys {
                path.push(key.clone());
                let at = |map: Option<&serde_json::Map<String, Value>>| {
                    map.and_then(|map| map.get(key)).cloned()
                };
                compare(path, at(then).as_ref(), at(now).as_ref(), found);
                path.pop();
            }
        }
        _ => found.push(Setting {
            path: path.clone(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

fn tests(before: &[Test], after: &[Test]) -> Tests {
    let find = |tests: &[Test], name: &str| tests.iter().find(|test| test.name == name).cloned();
    let mut found = Tests::default();
    for test in after {
        match find(before, &test.name) {
            None => found.added.push(test.name.clone()),
            Some(then) if then != *test => found.changed.push(test.name.clone()),
            Some(_) => {}
        }
    }
    let gone = before
        .iter()
        .filter(|test| find(after, &test.name).is_none());
    found.removed = gone.map(|test| test.name.clone()).collect();
    found
}

#[cfg(test)]
mod proofs {
    use serde_json::json;

    use super::*;

    fn flow(change: impl FnOnce(&mut Value)) -> Flow {
        let mut document = json!({
            "format": "weir/flow@1", "id": "f", "title": "Orders",
            "triggers": { "t": { "kind": "http", "config": { "path": "/orders" } } },
            "steps": {
                "price": { "kind": "map", "title": "Price", "config": { "script": "1" } },
                "book": { "kind": "http", "config": { "body": "= steps.price", "headers": { "a": "1" } } }
            },
            "links": [ { "from": "t", "to": "price" }, { "from": "price", "to": "book" } ],
            "tests": [ { "name": "one" }, { "name": "two" } ],
            "layout": { "t": [0, 0] }
        });
        change(&mut document);
        serde_json::from_value(document).unwrap()
    }

    fn diff(change: impl FnOnce(&mut Value)) -> Diff {
        Diff::between(&flow(|_| ()), &flow(change))
    }

    fn names(cards: &[Named]) -> Vec<&str> {
        cards.iter().map(|card| card.name.as_str()).collect()
    }

    #[test]
    fn nothing_differs_from_itself() {
        assert_eq!(diff(|_| ()), Diff::default());
    }

    #[test]
    fn cards_come_and_go_with_their_links() {
        let found = diff(|f| {
            f["steps"].as_object_mut().unwrap().remove("book");
            f["steps"]["end"] = json!({ "kind": "fail", "title": "Give up" });
            f["links"] = json!([{ "from": "t", "to": "price" }, { "from": "price", "port": "error", "to": "end" }]);
        });
        assert_eq!(names(&found.added), ["Give up"]);
        assert_eq!(names(&found.removed), ["book"]);
        assert!(found.unlinked.is_empty(), "it went with its card");
        let drawn = LinkNamed {
            from: "Price".into(),
            port: "error".into(),
            to: "Give up".into(),
        };
        assert_eq!(found.linked, [drawn]);
    }

    #[test]
    fn what_stands_in_a_body_is_told_like_what_stands_around_it() {
        let each = |script: &str, at: i32| {
            json!({ "kind": "each", "title": "Lines", "config": { "items": "= input", "body": {
                "steps": { "one": { "kind": "map", "title": "One", "config": { "script": script } }, "two": { "kind": "map" } },
                "links": [ { "from": "one", "to": "two" } ], "layout": { "one": [at, 0] } } } })
        };
        let before = flow(|f| f["steps"]["lines"] = each("1", 0));
        let moved = flow(|f| f["steps"]["lines"] = each("1", 80));
        let found = Diff::between(&before, &moved);
        assert_eq!((found.changed.len(), names(&found.moved)), (0, vec!["One"]));
        let changed = flow(|f| f["steps"]["lines"] = each("2", 0));
        let found = Diff::between(&before, &changed);
        assert_eq!(found.changed.len(), 1);
        assert_eq!(found.changed[0].card.name, "One");
        let found = Diff::between(&flow(|_| ()), &before);
        assert_eq!(names(&found.added), ["Lines", "One", "two"]);
    }

    #[test]
    fn settings_are_told_one_by_one() {
        let found = diff(|f| {
            f["steps"]["book"]["config"]["method"] = json!("PUT");
            f["steps"]["book"]["config"]["headers"]["b"] = json!("2");
            f["steps"]["book"]["retry"] = json!({ "attempts": 5 });
            f["settings"] = json!({ "timeout": "5m" });
            f["title"] = json!("All orders");
        });
        let [book] = &found.changed[..] else {
            panic!("{found:?}")
        };
        let paths: Vec<String> = book
            .settings
            .iter()
            .map(|setting| setting.path.join("/"))
            .collect();
        assert_eq!(paths, ["config/headers", "config/method", "retry/attempts"]);
        assert_eq!(
            (&book.settings[1].before, &book.settings[1].after),
            (&None, &Some(json!("PUT")))
        );
        let paths: Vec<String> = found
            .flow
            .iter()
            .map(|setting| setting.path.join("/"))
            .collect();
        assert_eq!(paths, ["settings/timeout", "title"]);
    }

    #[test]
    fn another_id_is_the_same_card() {
        let found = diff(|f| {
            let step = f["steps"].as_object_mut().unwrap().remove("price").unwrap();
            f["steps"]["sum"] = step;
            f["steps"]["book"]["config"]["body"] = json!("= steps.sum");
            f["links"] = json!([{ "from": "t", "to": "sum" }, { "from": "sum", "to": "book" }]);
        });
        assert_eq!(found.changed.len(), 1, "{found:?}");
        assert_eq!(found.changed[0].was.as_deref(), Some("price"));
        assert!(found.added.is_empty() && found.removed.is_empty());
        assert!(found.linked.is_empty() && found.unlinked.is_empty());
    }

    #[test]
    fn tests_are_told_by_name() {
        let found = diff(|f| {
            f["tests"] = json!([{ "name": "one", "message": { "body": 1 } }, { "name": "three" }]);
        });
        let expected = Tests {
            added: vec!["three".into()],
            removed: vec!["two".into()],
            changed: vec!["one".into()],
        };
        assert_eq!(found.tests, expected);
    }

    #[test]
    fn moving_cards_does_nothing_else() {
        let found = diff(|f| f["layout"]["t"] = json!([9, 9]));
        assert_eq!(names(&found.moved), ["t"]);
        let moved = found.moved.clone();
        let only = Diff {
            moved,
            ..Diff::default()
        };
        assert_eq!(found, only);
    }
}
