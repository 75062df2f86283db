//! The panel of several chosen cards: how many they are, and what may be done with all of them.

use leptos::prelude::*;
use weir_flows::document::{Flow, Slug};

use crate::{
    canvas::geometry::Point,
    edit::{Change, Chosen, Clip, What, delete},
    editor::Desk,
    kit::{
        button::{Button, IconButton, Weight},
        icon::Icon,
    },
    texts::{count, texts},
};

/// How far a copy stands from what it was copied of.
const APART: f64 = 40.0;

/// The panel of several cards and links.
#[component]
pub(super) fn SeveralPanel(desk: Desk, chosen: Chosen) -> impl IntoView {
    let t = texts();
    let mut said = Vec::new();
    if !chosen.cards.is_empty() {
        said.push(count(
            chosen.cards.len() as u64,
            t.form_cards_one,
            t.form_cards_many,
        ));
    }
    if !chosen.links.is_empty() {
        said.push(count(
            chosen.links.len() as u64,
            t.form_links_one,
            t.form_links_many,
        ));
    }
    let names: Vec<_> = chosen
        .cards
        .iter()
        .map(|id| {
            let id = id.clone();
            let shown = id.clone();
            view! {
                <li><button type="button" class="link-text mono" on:click=move |_| desk.choose(Some(id.clone()))>{shown}</button></li>
            }
        })
        .collect();
    let has_cards = !chosen.cards.is_empty();
    let chosen = StoredValue::new(chosen);
    let copy = move |_| {
        let done = desk.flow.with_untracked(|flow| {
            chosen.with_value(|chosen| duplicate(flow, chosen, |id| desk.place(id)))
        });
        if let Some((change, new)) = done {
            desk.settle();
            desk.apply(change);
            desk.chosen.set(new);
        }
    };
    let switch = move |on: bool| {
        desk.settle();
        desk.make(|flow| chosen.with_value(|chosen| enabled(flow, &chosen.cards, on)));
        desk.settle();
    };
    let remove = move |_| {
        desk.settle();
        desk.make(|flow| chosen.with_value(|chosen| delete(flow, chosen)));
    };
    let tools = has_cards.then(|| {
        view! {
            <Button label=t.form_duplicate icon=Icon::Copy test="several-duplicate" press=copy/>
            <Button label=t.form_enable icon=Icon::Check test="several-enable" press=move |_| switch(true)/>
            <Button label=t.form_disable icon=Icon::Ban test="several-disable" press=move |_| switch(false)/>
        }
    });
    view! {
        <header class="panel-head inspector-head">
            <div class="panel-name"><h2 data-testid="several">{said.join(", ")}</h2></div>
            <IconButton icon=Icon::X label=t.panel_close test="panel-close" press=move |_| desk.choose(None)/>
        </header>
        <div class="panel-body">
            <div class="form-tools">
                {tools}
                <Button label=t.delete icon=Icon::Trash2 weight=Weight::Danger test="several-delete" press=remove/>
            </div>
            <ul class="plain-list">{names}</ul>
        </div>
    }
}

/// A copy of some cards beside them.
fn duplicate(
    flow: &Flow,
    chosen: &Chosen,
    places: impl Fn(&str) -> Option<Point>,
) -> Option<(Change, Chosen)> {
    let corner = chosen
        .cards
        .iter()
        .filter_map(|id| places(id))
        .reduce(|a, b| Point::new(a.x.min(b.x), a.y.min(b.y)))?;
    let clip = Clip::of(flow, &chosen.cards, places);
    let at = corner.plus(Point::new(APART, APART));
    Some(clip.paste(flow, at, What::Duplicate))
}

/// Switches cards on or off.
fn enabled(flow: &Flow, cards: &std::collections::BTreeSet<Slug>, on: bool) -> Change {
    let mut to = flow.clone();
    for id in cards {
        if let Some(trigger) = to.triggers.get_mut(id) {
            trigger.disabled = !on;
        }
        if let Some(step) = to.steps.get_mut(id) {
            step.disabled = !on;
        }
    }
    Change::between(What::Set, flow, &to)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::History;

    fn flow() -> Flow {
        serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": { "a": { "kind": "map" }, "b": { "kind": "map", "disabled": true } },
            "links": [{ "from": "t", "to": "a" }, { "from": "a", "to": "b" }]
        }))
        .unwrap()
    }

    #[test]
    fn cards_are_switched_together() {
        let mut flow = flow();
        let cards = ["t", "a", "b"].map(Slug::from).into();
        let change = enabled(&flow, &cards, false);
        History::default().apply(&mut flow, change);
        assert!(
            flow.triggers["t"].disabled && flow.steps["a"].disabled && flow.steps["b"].disabled
        );
        let change = enabled(&flow, &cards, true);
        History::default().apply(&mut flow, change);
        assert!(!flow.triggers["t"].disabled && !flow.steps["b"].disabled);
    }

    #[test]
    fn copies_stand_beside_what_they_are_of() {
        let mut flow = flow();
        let chosen = Chosen::cards(["a", "b"].map(Slug::from));
        let places = |id: &str| Some(Point::new(if id == "a" { 100.0 } else { 400.0 }, 50.0));
        let (change, new) = duplicate(&flow, &chosen, places).unwrap();
        History::default().apply(&mut flow, change);
        assert_eq!(new, Chosen::cards(["a_2", "b_2"].map(Slug::from)));
        assert_eq!(flow.layout["a_2"], [140, 90]);
        assert_eq!(flow.links.len(), 3);
    }
}
