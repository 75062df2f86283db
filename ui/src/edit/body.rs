//! Bodies: the small flow within an `each` step as a flow of its own, to be drawn on like the flow around it, and a change of it as
//! a change of the whole document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use weir_flows::{
    document::{Body, Flow, Link, Slug, Step},
    problem::pointer,
};

use super::{
    change::{Change, Edit, What},
    names::within,
    operations::forget,
};

/// The setting of an `each` step that holds its body.
const BODY: &str = "body";

/// The step that the first part of a way names, and the rest of the way.
fn first<'a, 'w>(flow: &'a Flow, way: &'w [Slug]) -> Option<(&'a Step, &'w [Slug])> {
    let (each, rest) = way.split_first()?;
    Some((flow.steps.get(each)?, rest))
}

/// What is drawn inside of a step: nothing yet where it has no body. `None` where it can have none, or has something else there.
pub(crate) fn inside(step: &Step, id: &str) -> Option<Flow> {
    let body = match step.config.get(BODY) {
        None if step.kind == "each" => Body::default(),
        _ => step.body()?,
    };
    Some(body.into_flow(id))
}

/// The body at the end of a way - the `each` steps around it, from the outermost inwards - as a flow of its own; the flow itself
/// where the way is empty. `None` where there is no such body.
pub(crate) fn open(whole: &Flow, way: &[Slug]) -> Option<Flow> {
    let Some((step, rest)) = first(whole, way) else {
        return way.is_empty().then(|| whole.clone());
    };
    open(&inside(step, &whole.id)?, rest)
}

/// As much of a way as leads to a body.
pub(crate) fn standing(whole: &Flow, way: &[Slug]) -> Vec<Slug> {
    let mut stands = Vec::new();
    let mut here = None;
    for each in way {
        let flow = here.as_ref().unwrap_or(whole);
        let Some(body) = flow.steps.get(each).and_then(|step| inside(step, "")) else {
            break;
        };
        here = Some(body);
        stands.push(each.clone());
    }
    stands
}

/// The way to the body that a step stands in, at any depth; empty where it is a step or a trigger of the flow itself.
pub(crate) fn way_to(whole: &Flow, id: &str) -> Option<Vec<Slug>> {
    if whole.steps.contains_key(id) || whole.triggers.contains_key(id) {
        return Some(Vec::new());
    }
    whole.steps.iter().find_map(|(each, step)| {
        let body = step.body()?.into_flow("");
        let mut way = way_to(&body, id)?;
        way.insert(0, each.clone());
        Some(way)
    })
}

/// The ids that scripts at the end of a way may name: the steps there, and those of all that stands around it.
pub(crate) fn seen_from(whole: &Flow, way: &[Slug]) -> BTreeSet<Slug> {
    let mut seen: BTreeSet<Slug> = whole.steps.keys().cloned().collect();
    if let Some((step, rest)) = first(whole, way)
        && let Some(body) = inside(step, "")
    {
        seen.extend(seen_from(&body, rest));
    }
    seen
}

/// What people call the flow and each of the steps on a way.
pub(crate) fn titles(whole: &Flow, way: &[Slug]) -> Vec<String> {
    let named = |title: &str, id: &str| (if title.is_empty() { id } else { title }).to_owned();
    let mut titles = vec![named(&whole.title, &whole.id)];
    let mut here = None;
    for each in way {
        let flow: &Flow = here.as_ref().unwrap_or(whole);
        let Some(step) = flow.steps.get(each) else {
            break;
        };
        titles.push(named(&step.title, each));
        let Some(body) = inside(step, "") else { break };
        here = Some(body);
    }
    titles
}

/// The place of a body in the document, as a JSON Pointer; empty for the flow itself.
pub(crate) fn place(way: &[Slug]) -> String {
    way.iter().fold(String::new(), |at, each| {
        format!("{}/config/{BODY}", pointer(&format!("{at}/steps"), each))
    })
}

/// Takes a JSON Pointer apart: the way to the body that it leads into, and the place within that.
pub(crate) fn apart<'p>(whole: &Flow, at: &'p str) -> (Vec<Slug>, &'p str) {
    let mut way = Vec::new();
    let mut rest = at;
    while let Some((each, inner)) = into_body(rest) {
        way.push(each.to_owned());
        if standing(whole, &way).len() < way.len() {
            way.pop();
            break;
        }
        rest = inner;
    }
    (way, rest)
}

/// The `each` step of a place within its body, and that place. Ids are slugs, so nothing in them is escaped.
fn into_body(at: &str) -> Option<(&str, &str)> {
    let (each, inside) = at.strip_prefix("/steps/")?.split_once('/')?;
    let inner = inside.strip_prefix("config/body")?;
    inner.starts_with('/').then_some((each, inner))
}

/// A change of the body at the end of a way as a change of the whole document: its outermost `each` step is set. What tests say of
/// steps that go, goes.
pub(crate) fn change_within(whole: &Flow, way: &[Slug], change: Change) -> Change {
    let Some(each) = way.first() else {
        return change;
    };
    let merge = change.merge.map(|key| format!("{}/{key}", way.join("/")));
    let nothing = Change::new(change.what, Vec::new());
    let Some(step) = whole.steps.get(each) else {
        return nothing;
    };
    let Some(to) = with_edits(step, &way[1..], change.edits).filter(|to| to != step) else {
        return nothing;
    };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    within(step, &mut before);
    within(&to, &mut after);
    let gone: BTreeSet<Slug> = before
        .into_iter()
        .filter(|id| !after.contains(id))
        .collect();
    let mut edits = vec![Edit::Step(each.clone(), Some(Box::new(to)))];
    let mut tests = whole.tests.clone();
    tests.iter_mut().for_each(|test| forget(test, &gone));
    if tests != whole.tests {
        edits.push(Edit::Tests(tests));
    }
    Change {
        what: change.what,
        edits,
        merge,
    }
}

/// A step after edits of the body at the end of a way within it.
fn with_edits(step: &Step, way: &[Slug], edits: Vec<Edit>) -> Option<Step> {
    let mut body = inside(step, "")?;
    match way.split_first() {
        None => edits.into_iter().for_each(|edit| {
            edit.apply(&mut body);
        }),
        Some((each, rest)) => {
            let to = with_edits(body.steps.get(each)?, rest, edits)?;
            body.steps.insert(each.clone(), to);
        }
    }
    Some(with_body(step, body))
}

/// A step with another body: the steps, links and places of a flow.
pub(super) fn with_body(step: &Step, flow: Flow) -> Step {
    let body = Body {
        steps: flow.steps,
        links: flow.links,
        layout: flow.layout,
    };
    let mut to = step.clone();
    if let Ok(body) = serde_json::to_value(body) {
        to.config.insert(BODY.to_owned(), body);
    }
    to
}

/// Where all that differs between two documents is to be seen: the way to the body that it is in, with the cards that it is about.
/// Nothing where no drawing shows it, as a title of the flow.
pub(crate) fn whereabouts(before: &Flow, after: &Flow) -> Option<(Vec<Slug>, Vec<Slug>)> {
    let edits = Change::between(What::Set, before, after).edits;
    let mut cards: Vec<Slug> = Vec::new();
    for id in edits.iter().filter_map(Edit::card) {
        if cards.last().is_none_or(|last| last != id) {
            cards.push(id.to_owned());
        }
    }
    let links = edits.iter().any(|edit| matches!(edit, Edit::Links(_)));
    if let ([each], false) = (cards.as_slice(), links)
        && let Some((then, now)) = only_inside(before, after, each)
    {
        let (mut way, cards) = whereabouts(&then, &now).unwrap_or_default();
        way.insert(0, each.clone());
        return Some((way, cards));
    }
    (links || !cards.is_empty()).then_some((Vec::new(), cards))
}

/// The bodies of an `each` step in two documents, where they are all of it that differs.
fn only_inside(before: &Flow, after: &Flow, each: &str) -> Option<(Flow, Flow)> {
    let (then, now) = (before.steps.get(each)?, after.steps.get(each)?);
    let inner = (inside(then, "")?, inside(now, "")?);
    let same_else = with_body(then, inner.1.clone()) == with_body(now, inner.1.clone());
    let moved = before.layout.get(each) != after.layout.get(each);
    (same_else && !moved && then != now).then_some(inner)
}

/// The settings of a step without where the cards in its bodies stand: what a run goes by.
pub(crate) fn effective(step: &Step) -> Step {
    let Some(mut body) = inside(step, "").filter(|_| step.config.contains_key(BODY)) else {
        return step.clone();
    };
    body.layout = BTreeMap::new();
    body.steps = body
        .steps
        .iter()
        .map(|(id, inner)| (id.clone(), effective(inner)))
        .collect();
    with_body(step, body)
}

/// How many steps stand inside of a step, those within bodies of their own included. `None` where nothing can be drawn there.
pub(crate) fn counted(step: &Step) -> Option<usize> {
    inside(step, "")?;
    let mut all = Vec::new();
    within(step, &mut all);
    Some(all.len())
}

/// How many steps stand in a body as its field holds it.
pub(crate) fn counted_in(body: Option<&Value>) -> Option<usize> {
    let body = body.map(|body| (BODY.to_owned(), body.clone()));
    counted(&Step {
        kind: "each".to_owned(),
        config: body.into_iter().collect(),
        ..Step::default()
    })
}

/// All cards of a document in one drawing, those within bodies beside the `each` steps that they stand in.
pub(super) fn flat(whole: &Flow) -> Flow {
    let mut all = whole.clone();
    let mut open: Vec<Slug> = all.steps.keys().cloned().collect();
    while let Some(each) = open.pop() {
        let Some(step) = all.steps.get_mut(&each) else {
            continue;
        };
        let Some(body) = step.body() else { continue };
        step.config.remove(BODY);
        open.extend(body.steps.keys().cloned());
        all.steps.extend(body.steps);
        all.links.extend(body.links);
        all.layout.extend(body.layout);
    }
    all
}

/// Another id for steps within the body of a step, at any depth: as cards, in links and as places.
pub(super) fn renamed_within(step: &Step, names: &BTreeMap<Slug, Slug>) -> Step {
    let Some(mut body) = step.body().map(|body| body.into_flow("")) else {
        return step.clone();
    };
    let named = |id: Slug| names.get(&id).cloned().unwrap_or(id);
    body.steps = body
        .steps
        .into_iter()
        .map(|(id, inner)| (named(id), renamed_within(&inner, names)))
        .collect();
    body.layout = body
        .layout
        .into_iter()
        .map(|(id, at)| (named(id), at))
        .collect();
    body.links = body
        .links
        .into_iter()
        .map(|Link { from, port, to }| Link {
            from: named(from),
            port,
            to: named(to),
        })
        .collect();
    with_body(step, body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::json::print;

    use super::*;
    use crate::{
        canvas::geometry::Point,
        edit::{
            Added, Chosen, Clip, History, Taken, add, connect, delete, duplicate, merge, rename,
            set_step,
        },
    };

    /// A flow with an `each` step in the body of another.
    fn orders() -> Flow {
        let parts = json!({ "kind": "each", "config": { "items": "= item.parts", "body": {
            "steps": { "weigh": { "kind": "map", "config": { "script": "item.kilos + steps.price" } } } } } });
        serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "orders", "title": "Orders",
            "triggers": { "order": { "kind": "manual" } },
            "steps": {
                "start": { "kind": "map", "config": { "script": "input.body" } },
                "lines": { "kind": "each", "title": "Each line", "config": { "items": "= input.lines", "body": {
                    "steps": {
                        "price": { "kind": "map", "config": { "script": "item.qty * steps.start.factor" } },
                        "book": { "kind": "http", "config": { "url": "https://example.test", "body": "= steps.price" } },
                        "parts": parts
                    },
                    "links": [ { "from": "price", "to": "book" }, { "from": "book", "to": "parts" } ]
                } } }
            },
            "links": [ { "from": "order", "to": "start" }, { "from": "start", "to": "lines" } ],
            "tests": [ { "name": "one", "mocks": { "book": { "output": 1 } }, "expect": { "ran": ["start", "lines"] } } ]
        }))
        .unwrap()
    }

    fn way(ids: &[&str]) -> Vec<Slug> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn step(kind: &str) -> Step {
        Step {
            kind: kind.to_owned(),
            ..Step::default()
        }
    }

    /// What comes of a change of the body at the end of a way.
    fn changed(whole: &Flow, ids: &[&str], make: impl FnOnce(&Flow) -> Change) -> (Flow, Change) {
        let way = way(ids);
        let change = change_within(whole, &way, make(&open(whole, &way).unwrap()));
        let mut after = whole.clone();
        History::default().apply(&mut after, change.clone());
        (after, change)
    }

    #[test]
    fn a_way_leads_to_a_body_as_far_as_there_is_one() {
        let whole = orders();
        let ids = |flow: Flow| flow.steps.into_keys().collect::<Vec<_>>();
        assert_eq!(open(&whole, &[]), Some(whole.clone()));
        let lines = open(&whole, &way(&["lines"])).unwrap();
        assert_eq!(lines.id, "orders");
        assert_eq!(ids(lines), ["book", "parts", "price"]);
        let parts = open(&whole, &way(&["lines", "parts"]));
        assert_eq!(ids(parts.unwrap()), ["weigh"]);
        for (ids, stands) in [
            (&["lines", "parts"][..], &["lines", "parts"][..]),
            (&["lines", "gone"], &["lines"]),
            (&["lines", "price"], &["lines"]),
            (&["start"], &[]),
            (&["gone", "parts"], &[]),
        ] {
            assert_eq!(standing(&whole, &way(ids)), way(stands), "{ids:?}");
        }
        assert_eq!(open(&whole, &way(&["start"])), None);
        for (id, found) in [
            ("weigh", Some(&["lines", "parts"][..])),
            ("book", Some(&["lines"])),
            ("lines", Some(&[])),
            ("order", Some(&[])),
            ("gone", None),
        ] {
            assert_eq!(way_to(&whole, id), found.map(way), "{id}");
        }
        assert_eq!(
            titles(&whole, &way(&["lines", "parts"])),
            ["Orders", "Each line", "parts"]
        );
    }

    #[test]
    fn a_new_each_can_be_opened_and_what_is_no_body_cannot() {
        let new = step("each");
        assert_eq!((counted(&new), counted(&step("map"))), (Some(0), None));
        let mut strange = new;
        strange
            .config
            .insert("body".to_owned(), json!({ "steps": 7 }));
        assert_eq!(counted(&strange), None);
        assert_eq!(counted_in(Some(&json!("text"))), None);
        assert_eq!(counted_in(None), Some(0));
        assert_eq!(counted(&orders().steps["lines"]), Some(4));
    }

    #[test]
    fn a_change_inside_sets_the_outermost_step_and_nothing_else() {
        let whole = orders();
        let to = step("fail");
        let (after, change) = changed(&whole, &["lines", "parts"], |body| {
            set_step(body, "weigh", to, "kind")
        });
        assert!(matches!(change.edits.as_slice(), [Edit::Step(id, Some(_))] if id == "lines"));
        assert_eq!(change.merge.as_deref(), Some("lines/parts/weigh/kind"));
        let parts = open(&after, &way(&["lines", "parts"])).unwrap();
        assert_eq!(parts.steps["weigh"].kind, "fail");
        assert_eq!(after.steps["start"], whole.steps["start"]);
        // Nothing differs, so there is nothing to undo.
        let none = change_within(&whole, &way(&["lines"]), Change::new(What::Set, Vec::new()));
        assert_eq!(none.edits, []);
        // Nobody stands at the end of this way any more.
        let gone = Change::new(What::Set, vec![Edit::Step("x".to_owned(), None)]);
        assert_eq!(change_within(&whole, &way(&["gone"]), gone).edits, []);
    }

    #[test]
    fn what_is_drawn_inside_is_undone_byte_for_byte() {
        let first = orders();
        let mut now = first.clone();
        let mut history = History::default();
        let (lines, at) = (way(&["lines"]), Point::new(40.0, 80.0));
        let mut apply = |now: &mut Flow, make: &dyn Fn(&Flow, &Taken) -> Change| {
            let change = make(&open(now, &lines).unwrap(), &Taken::of(now));
            let change = change_within(now, &lines, change);
            history.apply(now, change);
        };
        apply(&mut now, &|_, taken| {
            add(taken, Added::Step(step("map")), at).0
        });
        apply(&mut now, &|body, _| {
            connect(body, "parts", "ok", "map").unwrap()
        });
        apply(&mut now, &|body, _| delete(body, &Chosen::card("book")));
        let body = open(&now, &lines).unwrap();
        assert_eq!(body.layout["map"], [40, 80]);
        assert_eq!(body.links.len(), 1);
        assert!(now.tests[0].mocks.is_empty(), "nobody asks for it any more");
        let ran = now.tests[0].expect.ran.as_ref().unwrap();
        assert_eq!(ran.len(), 2);
        while history.undo(&mut now).is_some() {}
        assert_eq!(print(&now).unwrap(), print(&first).unwrap());
        while history.redo(&mut now).is_some() {}
        assert_eq!(open(&now, &lines).unwrap(), body);
    }

    #[test]
    fn new_ids_are_free_in_the_whole_document() {
        let whole = orders();
        let at = Point::default();
        let (_, id) = add(&Taken::of(&whole), Added::Step(step("book")), at);
        assert_eq!(id, "book_2", "not outside");
        let (after, _) = changed(&whole, &["lines", "parts"], |_| {
            add(&Taken::of(&whole), Added::Step(step("start")), at).0
        });
        let parts = open(&after, &way(&["lines", "parts"])).unwrap();
        assert!(parts.steps.contains_key("start_2"), "nor inside");
        // A copy of a step with a body, in a body.
        let cards = ["price", "parts"].map(String::from).into();
        let places = |_: &str| Some(Point::default());
        let (after, _) = changed(&whole, &["lines"], |body| {
            duplicate(body, &Taken::of(&whole), &cards, places)
                .unwrap()
                .0
        });
        let copy = open(&after, &way(&["lines", "parts_2"])).unwrap();
        assert_eq!(
            copy.steps["weigh_2"].config["script"],
            "item.kilos + steps.price_2"
        );
        // A piece of another flow that has triggers.
        let clip = Clip::read(&print(&whole).unwrap())
            .unwrap()
            .without_triggers();
        let (after, _) = changed(&whole, &["lines"], |body| {
            clip.paste(body, &Taken::of(&whole), at, What::Paste).0
        });
        let body = open(&after, &way(&["lines"])).unwrap();
        assert!(body.steps.contains_key("start_2") && body.triggers.is_empty());
        assert_eq!(Taken::of(&after).iter().count(), 7 + 6);
    }

    #[test]
    fn an_id_inside_is_rewritten_wherever_it_is_said() {
        let whole = orders();
        let mut now = whole.clone();
        for (old, new) in [
            ("price", "cost"),
            ("book", "send"),
            ("parts", "pieces"),
            ("start", "begin"),
        ] {
            let change = rename(&now, old, new).unwrap();
            History::default().apply(&mut now, change);
        }
        let body = open(&now, &way(&["lines"])).unwrap();
        assert_eq!(
            body.steps["cost"].config["script"],
            "item.qty * steps.begin.factor"
        );
        assert_eq!(body.steps["send"].config["body"], "= steps.cost");
        let links: Vec<_> = body
            .links
            .iter()
            .map(|link| (&*link.from, &*link.to))
            .collect();
        assert_eq!(links, [("cost", "send"), ("send", "pieces")]);
        let inner = open(&now, &way(&["lines", "pieces"])).unwrap();
        assert_eq!(
            inner.steps["weigh"].config["script"],
            "item.kilos + steps.cost"
        );
        assert!(now.tests[0].mocks.contains_key("send"));
        assert_eq!(rename(&whole, "price", "start"), None);
        assert_eq!(rename(&whole, "start", "weigh"), None);
    }

    #[test]
    fn an_undone_change_is_found_where_it_is() {
        let whole = orders();
        let whereabouts = |after: &Flow| whereabouts(&whole, after);
        let (inner, _) = changed(&whole, &["lines", "parts"], |body| {
            set_step(body, "weigh", step("fail"), "kind")
        });
        let found = (way(&["lines", "parts"]), way(&["weigh"]));
        assert_eq!(whereabouts(&inner), Some(found));
        let (linked, _) = changed(&whole, &["lines"], |body| {
            connect(body, "price", "ok", "parts").unwrap()
        });
        assert_eq!(whereabouts(&linked), Some((way(&["lines"]), Vec::new())));
        let mut titled = whole.clone();
        titled.steps.get_mut("lines").unwrap().title = "Other".to_owned();
        assert_eq!(whereabouts(&titled), Some((Vec::new(), way(&["lines"]))));
        // Both at once is seen from outside.
        let mut both = inner.clone();
        both.steps.get_mut("start").unwrap().title = "Other".to_owned();
        assert_eq!(
            whereabouts(&both),
            Some((Vec::new(), way(&["lines", "start"])))
        );
        let mut named = whole.clone();
        named.title = "Other".to_owned();
        assert_eq!(whereabouts(&named), None);
    }

    #[test]
    fn places_of_the_document_lead_into_bodies() {
        let whole = orders();
        let at = place(&way(&["lines", "parts"]));
        assert_eq!(at, "/steps/lines/config/body/steps/parts/config/body");
        for (at, ids, rest) in [
            (
                format!("{at}/steps/weigh/config/script"),
                &["lines", "parts"][..],
                "/steps/weigh/config/script",
            ),
            (
                "/steps/lines/config/body/links/0".to_owned(),
                &["lines"],
                "/links/0",
            ),
            (
                "/steps/lines/config/body".to_owned(),
                &[],
                "/steps/lines/config/body",
            ),
            (
                "/steps/start/config/body/x".to_owned(),
                &[],
                "/steps/start/config/body/x",
            ),
            ("/tests/0".to_owned(), &[], "/tests/0"),
            (String::new(), &[], ""),
        ] {
            assert_eq!(apart(&whole, &at), (way(ids), rest), "{at}");
        }
        let seen = seen_from(&whole, &way(&["lines", "parts"]));
        assert_eq!(
            seen,
            way(&["book", "lines", "parts", "price", "start", "weigh"])
                .into_iter()
                .collect()
        );
        assert_eq!(seen_from(&whole, &[]).len(), 2);
    }

    #[test]
    fn two_people_who_add_inside_and_outside_share_no_id() {
        let base = orders();
        let at = Point::default();
        let (mine, _) = changed(&base, &["lines"], |_| {
            add(&Taken::of(&base), Added::Step(step("map")), at).0
        });
        let mut theirs = base.clone();
        let (change, id) = add(&Taken::of(&base), Added::Step(step("map")), at);
        History::default().apply(&mut theirs, change);
        let merged = merge(&base, &mine, &theirs).unwrap();
        assert!(merged.steps.contains_key(&id));
        let body = open(&merged, &way(&["lines"])).unwrap();
        assert!(body.steps.contains_key("map_2") && !body.steps.contains_key("map"));
        // Both in one body is for a person to decide; both the same is no question.
        let (other, _) = changed(&base, &["lines"], |body| {
            delete(body, &Chosen::card("price"))
        });
        assert_eq!(merge(&base, &mine, &other), None);
        assert_eq!(merge(&base, &mine, &mine), Some(mine.clone()));
    }

    #[test]
    fn where_cards_stand_is_no_matter_to_a_run() {
        let whole = orders();
        let (moved, _) = changed(&whole, &["lines", "parts"], |_| {
            Change::new(
                What::Move,
                vec![Edit::Place("weigh".to_owned(), Some([1, 2]))],
            )
        });
        let (then, now) = (&whole.steps["lines"], &moved.steps["lines"]);
        assert_ne!(then, now);
        assert_eq!(effective(then), effective(now));
        assert_eq!(effective(&whole.steps["start"]), whole.steps["start"]);
    }
}
