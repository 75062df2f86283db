//! Ends: what a gesture has done once its pointer is lifted.

use std::collections::BTreeSet;

use weir_flows::document::{Link, Slug};

use super::{Deed, Gesture, Ground, Keys, Means, Outcome};
use crate::{
    canvas::{
        ask::{Anchor, Spot},
        geometry::Viewport,
        wire::Target,
    },
    edit::Chosen,
};

/// A pointer was lifted: what was going on is done.
pub(super) fn lifted(
    gesture: Gesture,
    viewport: Viewport,
    pointer: i32,
    ground: Ground<'_>,
) -> Outcome {
    if let Gesture::Pinch { first, second } = gesture {
        let left = match pointer {
            p if p == first.0 => second,
            p if p == second.0 => first,
            _ => return Outcome::of(gesture, viewport),
        };
        let (pointer, last) = left;
        return Outcome::of(Gesture::Pan { pointer, last }, viewport);
    }
    if gesture.pointer() != Some(pointer) {
        return Outcome::of(gesture, viewport);
    }
    let deed = match gesture {
        Gesture::Press {
            means, on, keys, ..
        } if means != Means::Pan => clicked(on, keys, ground),
        Gesture::Move { cards, settled, .. } => Some(Deed::Move {
            cards,
            by: settled.by,
        }),
        Gesture::Marquee { chosen, .. } => Some(Deed::Choose(chosen)),
        Gesture::Connect {
            wire,
            at,
            ref targets,
            over,
            ..
        } => match (over.and_then(|over| targets.get(over)), wire.link.clone()) {
            (
                Some(Target {
                    anchor,
                    legal: Ok(()),
                }),
                _,
            ) => Some(Deed::Fasten {
                to: anchor.clone(),
                wire,
            }),
            (Some(_), _) => None,
            (None, Some(link)) => Some(Deed::Detach(link)),
            (None, None) => match wire.fixed {
                anchor @ Anchor::Port { .. } => Some(Deed::AddAfter {
                    anchor,
                    at: Some(viewport.to_world(at)),
                }),
                Anchor::Entry { .. } => None,
            },
        },
        Gesture::Place {
            carried,
            place,
            link,
            ..
        } => Some(Deed::Put {
            carried,
            at: place,
            link,
        }),
        _ => None,
    };
    Outcome::done(deed, viewport)
}

/// A press that did not become a drag.
fn clicked(on: Spot, keys: Keys, ground: Ground<'_>) -> Option<Deed> {
    let draws = ground.flow.is_some();
    let add = keys.add && draws;
    match on {
        Spot::Card(id) if add => Some(Deed::Choose(toggled_card(ground.chosen, &id))),
        Spot::Card(id) => Some(Deed::Choose(Chosen::card(id))),
        Spot::Link(link) if draws => Some(Deed::Choose(if add {
            toggled_link(ground.chosen, &link)
        } else {
            Chosen {
                links: BTreeSet::from([link]),
                ..Chosen::default()
            }
        })),
        Spot::LinkPlus(link) if draws => Some(Deed::AddOnLink(link)),
        Spot::Handle(anchor @ Anchor::Port { .. }) if draws => {
            Some(Deed::AddAfter { anchor, at: None })
        }
        Spot::Handle(anchor) => Some(Deed::Choose(Chosen::card(anchor.card().clone()))),
        _ if add => None,
        _ => Some(Deed::Choose(Chosen::default())),
    }
}

/// What is chosen once a card is added to it or taken away.
pub(crate) fn toggled_card(chosen: &Chosen, id: &Slug) -> Chosen {
    let mut chosen = chosen.clone();
    if !chosen.cards.remove(id) {
        chosen.cards.insert(id.clone());
    }
    chosen
}

/// What is chosen once a link is added to it or taken away.
pub(crate) fn toggled_link(chosen: &Chosen, link: &Link) -> Chosen {
    let mut chosen = chosen.clone();
    if !chosen.links.remove(link) {
        chosen.links.insert(link.clone());
    }
    chosen
}
