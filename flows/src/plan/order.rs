//! The order of the steps: each after those it depends on, or the circle that makes that impossible.

use std::collections::BTreeMap;

use crate::document::Flow;

/// The ids of the steps, each after those it depends on; among equals in the order of their ids.
///
/// # Errors
/// The ids on a circle, joined by arrows.
pub(crate) fn topological(flow: &Flow) -> Result<Vec<String>, String> {
    let mut open: BTreeMap<&str, usize> = flow.steps.keys().map(|id| (id.as_str(), 0)).collect();
    for link in flow
        .links
        .iter()
        .filter(|link| flow.steps.contains_key(&link.from))
    {
        if let Some(count) = open.get_mut(link.to.as_str()) {
            *count += 1;
        }
    }
    let mut order = Vec::new();
    while let Some((&next, _)) = open.iter().find(|(_, count)| **count == 0) {
        open.remove(next);
        for link in flow.links.iter().filter(|link| link.from == next) {
            if let Some(count) = open.get_mut(link.to.as_str()) {
                *count -= 1;
            }
        }
        order.push(next.to_owned());
    }
    if open.is_empty() {
        Ok(order)
    } else {
        Err(circle(flow, &open))
    }
}

/// One circle among steps that could not be ordered.
fn circle(flow: &Flow, open: &BTreeMap<&str, usize>) -> String {
    let mut way: Vec<&str> = Vec::new();
    let Some(mut here) = open.keys().next().copied() else {
        return String::new();
    };
    // Walking against the links stays among the open steps, so it must meet itself.
    while !way.contains(&here) {
        way.push(here);
        let before = flow
            .links
            .iter()
            .find(|link| link.to == here && open.contains_key(link.from.as_str()));
        match before {
            Some(link) => here = &link.from,
            None => break,
        }
    }
    let start = way.iter().position(|id| *id == here).unwrap_or(0);
    let mut circle: Vec<&str> = way[start..].to_vec();
    circle.push(here);
    circle.reverse();
    circle.join(" → ")
}
