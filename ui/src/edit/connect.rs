//! Which links are allowed, why others are not, and drawing them.

use std::collections::{HashMap, HashSet};

use weir_flows::document::{Flow, Link, Slug};

use super::change::{Change, Edit, What};

/// Why a link cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Illegal {
    /// It would lead to the card it comes from.
    Itself,
    /// A trigger starts runs; nothing leads to it.
    IntoTrigger,
    /// The same link is there already.
    Exists,
    /// It would close a circle, by way of these steps; loops are `each` and `call`.
    Circle(Vec<Slug>),
    /// There is no such card any more.
    Gone,
}

/// Which end of a link is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It leaves another port.
    From { from: Slug, port: String },
    /// It enters another step.
    To(Slug),
}

/// A link, with the usual port left out as in a document.
pub(crate) fn link(from: &str, port: &str, to: &str) -> Link {
    Link {
        from: from.to_owned(),
        port: (port != "ok").then(|| port.to_owned()),
        to: to.to_owned(),
    }
}

/// Whether a link may be drawn. `without` is a link that would go away, by its index in the document.
pub(crate) fn legal(flow: &Flow, new: &Link, without: Option<usize>) -> Result<(), Illegal> {
    if new.from == new.to {
        return Err(Illegal::Itself);
    }
    if flow.triggers.contains_key(&new.to) {
        return Err(Illegal::IntoTrigger);
    }
    let comes = flow.triggers.contains_key(&new.from) || flow.steps.contains_key(&new.from);
    if !comes || !flow.steps.contains_key(&new.to) {
        return Err(Illegal::Gone);
    }
    let others = || {
        flow.links
            .iter()
            .enumerate()
            .filter(move |(index, _)| Some(*index) != without)
            .map(|(_, link)| link)
    };
    if others().any(|link| link.from == new.from && link.port() == new.port() && link.to == new.to)
    {
        return Err(Illegal::Exists);
    }
    match way(others().collect(), &new.to, &new.from) {
        Some(steps) => Err(Illegal::Circle(steps)),
        None => Ok(()),
    }
}

/// Draws a link.
pub(crate) fn connect(flow: &Flow, from: &str, port: &str, to: &str) -> Result<Change, Illegal> {
    let new = link(from, port, to);
    legal(flow, &new, None)?;
    let mut links = flow.links.clone();
    links.push(new);
    Ok(Change::new(What::Connect, vec![Edit::Links(links)]))
}

/// Moves one end of the link at an index to another card; it keeps its place among the links.
pub(crate) fn reconnect(flow: &Flow, index: usize, end: &End) -> Result<Change, Illegal> {
    let old = flow.links.get(index).ok_or(Illegal::Gone)?;
    let new = match end {
        End::From { from, port } => link(from, port, &old.to),
        End::To(to) => link(&old.from, old.port(), to),
    };
    if new == *old {
        return Ok(Change::new(What::Connect, Vec::new()));
    }
    legal(flow, &new, Some(index))?;
    let mut links = flow.links.clone();
    links[index] = new;
    Ok(Change::new(What::Connect, vec![Edit::Links(links)]))
}

/// The shortest way along links, as the cards on it from the first to the last, if there is one.
fn way<'a>(links: Vec<&'a Link>, from: &'a str, to: &str) -> Option<Vec<Slug>> {
    // This is asked for every card when a link is taken into the hand, so nothing is searched twice.
    let mut after: HashMap<&str, Vec<&'a str>> = HashMap::new();
    for link in links {
        after.entry(&link.from).or_default().push(&link.to);
    }
    let mut seen = HashSet::from([from]);
    let mut reached: Vec<(&str, Option<usize>)> = vec![(from, None)];
    let mut next = 0;
    while let Some(&(here, _)) = reached.get(next) {
        if here == to {
            let mut cards = Vec::new();
            let mut at = Some(next);
            while let Some(index) = at {
                cards.push(reached[index].0.to_owned());
                at = reached[index].1;
            }
            cards.reverse();
            return Some(cards);
        }
        for card in after.remove(here).into_iter().flatten() {
            if seen.insert(card) {
                reached.push((card, Some(next)));
            }
        }
        next += 1;
    }
    None
}
