//! The inspector: the panel beside the canvas that shows what is chosen and lets a person change it.

use leptos::prelude::*;
use weir_flows::document::{Flow, Link, Slug};

use super::{
    body::BodyPanel, card::CardPanel, flow::FlowPanel, link::LinkPanel, offers::learn_functions,
    seek::go_to, several::SeveralPanel, slot::Part, width::Edge,
};
use crate::{edit::Chosen, editor::Desk, texts::texts};

/// What the inspector is about.
#[derive(Clone, Debug, PartialEq)]
enum Subject {
    Flow,
    /// A body as a whole.
    Body,
    /// A card with its kind.
    Card(Part, String),
    Link(Link),
    Several(Chosen),
}

impl Subject {
    /// All that is drawn.
    fn whole(way: &[Slug]) -> Self {
        if way.is_empty() {
            Subject::Flow
        } else {
            Subject::Body
        }
    }

    /// `flow` is what is drawn, at the end of a way.
    fn of(flow: &Flow, way: &[Slug], chosen: &Chosen) -> Self {
        if chosen.is_empty() {
            return Subject::whole(way);
        }
        if let Some(id) = chosen.only_card() {
            return match (flow.triggers.get(id), flow.steps.get(id)) {
                (Some(trigger), _) => {
                    Subject::Card(Part::Trigger(id.clone()), trigger.kind.clone())
                }
                (None, Some(step)) => {
                    let (way, id) = (way.to_vec(), id.clone());
                    Subject::Card(Part::Step { way, id }, step.kind.clone())
                }
                (None, None) => Subject::whole(way),
            };
        }
        let mut links = chosen.links.iter();
        match (chosen.cards.is_empty(), links.next(), links.next()) {
            (true, Some(link), None) => Subject::Link(link.clone()),
            _ => Subject::Several(chosen.clone()),
        }
    }
}

/// Which half of a card is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// What it is set up to do.
    Setup,
    /// What it got and gave in the sample.
    Data,
}

/// The inspector of a desk.
#[component]
pub(crate) fn Inspector(desk: Desk) -> impl IntoView {
    let t = texts();
    learn_functions(desk);
    let subject = Memo::new(move |_| {
        desk.drawn.with(|flow| {
            desk.within
                .with(|way| desk.chosen.with(|chosen| Subject::of(flow, way, chosen)))
        })
    });
    let half = RwSignal::new(Half::Setup);
    Effect::new(move |_| {
        if let Some(at) = desk.sought.get() {
            half.set(Half::Setup);
            // Sections have heard of it by the time the page is drawn.
            go_to(at);
            request_animation_frame(move || {
                desk.sought.try_set(None);
            });
        }
    });
    let panel = move || match subject.get() {
        Subject::Flow => view! { <FlowPanel desk/> }.into_any(),
        Subject::Body => view! { <BodyPanel desk/> }.into_any(),
        Subject::Card(part, kind) => view! { <CardPanel desk part kind half/> }.into_any(),
        Subject::Link(link) => view! { <LinkPanel desk link/> }.into_any(),
        Subject::Several(chosen) => view! { <SeveralPanel desk chosen/> }.into_any(),
    };
    view! {
        <Edge label=t.form_edge class="inspector" name=t.form_inspector>
            {panel}
        </Edge>
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_chosen_decides_what_is_shown() {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "http" } },
            "steps": { "a": { "kind": "map" } },
            "links": [{ "from": "t", "to": "a" }]
        }))
        .unwrap();
        let subject = |chosen: &Chosen| Subject::of(&flow, &[], chosen);
        assert_eq!(subject(&Chosen::default()), Subject::Flow);
        assert_eq!(
            subject(&Chosen::card("t")),
            Subject::Card(Part::Trigger("t".into()), "http".into())
        );
        assert_eq!(
            subject(&Chosen::card("a")),
            Subject::Card(
                Part::Step {
                    way: Vec::new(),
                    id: "a".into()
                },
                "map".into()
            )
        );
        assert_eq!(subject(&Chosen::card("gone")), Subject::Flow);
        let inside = ["each".to_owned()];
        assert_eq!(
            Subject::of(&flow, &inside, &Chosen::default()),
            Subject::Body
        );
        let link = flow.links[0].clone();
        let mut chosen = Chosen {
            links: [link.clone()].into(),
            ..Chosen::default()
        };
        assert_eq!(subject(&chosen), Subject::Link(link));
        chosen.cards.insert("a".into());
        assert_eq!(subject(&chosen), Subject::Several(chosen.clone()));
    }
}
