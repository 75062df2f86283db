//! Merging: what two people did to the same document, put together where they touched different parts.

use weir_flows::document::{Flow, Link};

use super::{
    body::way_to,
    change::{Change, Edit, What},
    names::{Taken, fresh_id, is_taken, rename},
};

/// Puts what `mine` and `theirs` made of `base` together. `None` where both set the same part differently, or where
/// one leads a link to what the other has taken away: then only a person can tell what is meant.
///
/// Links are taken one by one. Where both moved a card, mine stays: a place is not worth a question. Where both
/// added a card under the same id, mine gets another.
pub(crate) fn merge(base: &Flow, mine: &Flow, theirs: &Flow) -> Option<Flow> {
    let mine = &apart(base, mine, theirs);
    let others = Change::between(What::Set, base, theirs).edits;
    let mut merged = theirs.clone();
    let mut places = Vec::new();
    for edit in Change::between(What::Set, base, mine).edits {
        match edit {
            Edit::Links(_) => merged.links = merge_links(&base.links, &mine.links, &theirs.links),
            Edit::Place(..) => places.push(edit),
            edit => {
                let other = others.iter().find(|other| other.same_part(&edit));
                if other.is_some_and(|other| *other != edit) {
                    return None;
                }
                edit.apply(&mut merged);
            }
        }
    }
    for edit in places {
        let stays = edit.card().is_some_and(|id| is_taken(&merged, id));
        if stays || matches!(edit, Edit::Place(_, None)) {
            edit.apply(&mut merged);
        }
    }
    let stands = |id: &str| is_taken(&merged, id);
    let torn = |link: &&Link| !stands(&link.from) || !stands(&link.to);
    let tears = |link: &Link| mine.links.contains(link) != theirs.links.contains(link);
    if merged.links.iter().filter(torn).any(tears) {
        return None;
    }
    Some(merged)
}

/// `base` with those parts of `sent` that `theirs` has just so: it was built on what was sent, as far as one can tell.
pub(crate) fn base_with(base: &Flow, sent: &Flow, theirs: &Flow) -> Flow {
    let others = Change::between(What::Set, base, theirs).edits;
    let mut known = base.clone();
    for edit in Change::between(What::Set, base, sent).edits {
        if others.contains(&edit) {
            edit.apply(&mut known);
        }
    }
    known
}

/// My document, with other ids for the cards that they have added under the same ids, in whatever body.
fn apart(base: &Flow, mine: &Flow, theirs: &Flow) -> Flow {
    let mut apart = mine.clone();
    let (known, others) = (Taken::of(base), Taken::of(theirs));
    for id in Taken::of(mine).iter() {
        if known.has(id) || !others.has(id) {
            continue;
        }
        // What stands in a body is the same where the whole card around it is.
        let card = |flow: &Flow| {
            let way = way_to(flow, id).unwrap_or_default();
            way.into_iter().next().unwrap_or_else(|| id.clone())
        };
        let around = card(mine);
        let same = around == card(theirs)
            && mine.triggers.get(&around) == theirs.triggers.get(&around)
            && mine.steps.get(&around) == theirs.steps.get(&around);
        if same {
            continue;
        }
        let taken = Taken::of(&apart);
        let free = fresh_id(|id| taken.has(id) || others.has(id), id);
        for edit in rename(&apart, id, &free)
            .into_iter()
            .flat_map(|it| it.edits)
        {
            edit.apply(&mut apart);
        }
    }
    apart
}

/// Their links, without those that I took away and with those that I drew.
fn merge_links(base: &[Link], mine: &[Link], theirs: &[Link]) -> Vec<Link> {
    if base == theirs {
        return mine.to_vec();
    }
    let kept = theirs
        .iter()
        .filter(|link| mine.contains(link) || !base.contains(link));
    let drawn = mine
        .iter()
        .filter(|link| !base.contains(link) && !theirs.contains(link));
    kept.chain(drawn).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn flow(change: impl FnOnce(&mut Value)) -> Flow {
        let mut document = json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": { "a": { "kind": "map" }, "b": { "kind": "map" } },
            "links": [ { "from": "t", "to": "a" }, { "from": "a", "to": "b" } ],
            "layout": { "t": [0, 0], "a": [200, 0], "b": [400, 0] }
        });
        change(&mut document);
        serde_json::from_value(document).unwrap()
    }

    fn base() -> Flow {
        flow(|_| ())
    }

    #[test]
    fn different_parts_come_together() {
        let mine = flow(|f| {
            f["title"] = json!("Mine");
            f["steps"]["a"]["title"] = json!("A");
        });
        let theirs = flow(|f| {
            f["description"] = json!("Theirs");
            f["steps"]["b"]["title"] = json!("B");
        });
        let merged = flow(|f| {
            f["title"] = json!("Mine");
            f["description"] = json!("Theirs");
            f["steps"]["a"]["title"] = json!("A");
            f["steps"]["b"]["title"] = json!("B");
        });
        assert_eq!(merge(&base(), &mine, &theirs), Some(merged));
    }

    #[test]
    fn the_same_part_needs_a_person_unless_both_did_the_same() {
        let titled = |title: &str| flow(|f| f["steps"]["a"]["title"] = json!(title));
        assert_eq!(merge(&base(), &titled("1"), &titled("2")), None);
        assert_eq!(
            merge(&base(), &titled("1"), &titled("1")),
            Some(titled("1"))
        );
        let gone = flow(|f| {
            f["steps"].as_object_mut().unwrap().remove("b");
            f["links"] = json!([{ "from": "t", "to": "a" }]);
            f["layout"].as_object_mut().unwrap().remove("b");
        });
        let changed = flow(|f| f["steps"]["b"]["title"] = json!("B"));
        assert_eq!(merge(&base(), &gone, &changed), None);
        assert_eq!(merge(&base(), &changed, &gone), None);
    }

    #[test]
    fn links_are_taken_one_by_one() {
        let drawn = flow(|f| {
            let links = f["links"].as_array_mut().unwrap();
            links.push(json!({ "from": "t", "to": "b" }));
        });
        let cut = flow(|f| f["links"] = json!([{ "from": "t", "to": "a" }]));
        let both =
            flow(|f| f["links"] = json!([{ "from": "t", "to": "a" }, { "from": "t", "to": "b" }]));
        assert_eq!(merge(&base(), &drawn, &cut), Some(both.clone()));
        assert_eq!(merge(&base(), &cut, &drawn), Some(both));
    }

    #[test]
    fn a_link_to_what_is_gone_needs_a_person() {
        let gone = flow(|f| {
            f["steps"].as_object_mut().unwrap().remove("b");
            f["links"] = json!([{ "from": "t", "to": "a" }]);
            f["layout"].as_object_mut().unwrap().remove("b");
        });
        let drawn = flow(|f| {
            f["links"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "from": "t", "to": "b" }))
        });
        assert_eq!(merge(&base(), &gone, &drawn), None);
        assert_eq!(merge(&base(), &drawn, &gone), None);
    }

    #[test]
    fn places_are_never_a_question() {
        let moved = |x: i32| flow(|f| f["layout"]["b"] = json!([x, 9]));
        assert_eq!(merge(&base(), &moved(1), &moved(2)), Some(moved(1)));
        let gone = flow(|f| {
            f["steps"].as_object_mut().unwrap().remove("b");
            f["links"] = json!([{ "from": "t", "to": "a" }]);
            f["layout"].as_object_mut().unwrap().remove("b");
        });
        assert_eq!(merge(&base(), &moved(1), &gone), Some(gone.clone()));
        assert_eq!(merge(&base(), &gone, &moved(1)), Some(gone));
    }

    #[test]
    fn two_new_cards_of_one_id_stand_beside_each_other() {
        let added = |kind: &str| {
            flow(|f| {
                f["steps"]["new"] = json!({ "kind": kind });
                f["layout"]["new"] = json!([9, 9]);
                f["links"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({ "from": "b", "to": "new" }));
            })
        };
        let merged = merge(&base(), &added("http"), &added("fail")).unwrap();
        assert_eq!(merged.steps["new"].kind, "fail");
        assert_eq!(merged.steps["new_2"].kind, "http");
        assert!(merged.links.iter().any(|link| link.to == "new_2"));
        assert_eq!(merged.links.len(), 4);
    }

    /// Documents that differ in several parts.
    fn any_flow() -> impl Strategy<Value = Flow> {
        let part = || 0_u8..3;
        (part(), part(), part(), part(), part()).prop_map(|(title, a, c, links, place)| {
            flow(|f| {
                let word = |n: u8| ["", "x", "y"][usize::from(n)];
                f["title"] = json!(word(title));
                f["steps"]["a"]["title"] = json!(word(a));
                if c > 0 {
                    f["steps"]["c"] = json!({ "kind": word(c) });
                }
                if links > 0 {
                    let to = ["", "b", "a"][usize::from(links)];
                    let drawn = f["links"].as_array_mut().unwrap();
                    drawn.retain(|link| link["to"] != to);
                    drawn.push(json!({ "from": "t", "to": to, "port": "more" }));
                }
                f["layout"]["a"] = json!([200, place]);
            })
        })
    }

    proptest! {
        #[test]
        fn what_only_one_did_is_taken_as_it_is(base in any_flow(), other in any_flow()) {
            let taken = Some(other.clone());
            prop_assert_eq!(merge(&base, &other, &base), taken.clone());
            prop_assert_eq!(merge(&base, &base, &other), taken.clone());
            prop_assert_eq!(merge(&base, &other, &other), taken);
        }

        #[test]
        fn nothing_that_either_did_is_lost(base in any_flow(), mine in any_flow(), theirs in any_flow()) {
            if let Some(merged) = merge(&base, &mine, &theirs) {
                for (from, to) in [(&base, &mine), (&base, &theirs)] {
                    if from.title != to.title {
                        prop_assert_eq!(&merged.title, &to.title);
                    }
                    for (id, step) in &to.steps {
                        if from.steps.get(id) != Some(step) {
                            prop_assert!(merged.steps.values().any(|kept| kept == step), "{} is lost", id);
                        }
                    }
                    for link in to.links.iter().filter(|link| !from.links.contains(link)) {
                        prop_assert!(merged.links.contains(link));
                    }
                    for link in from.links.iter().filter(|link| !to.links.contains(link)) {
                        prop_assert!(!merged.links.contains(link));
                    }
                }
            }
        }
    }
}
