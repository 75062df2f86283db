//! Places for cards: layers from left to right by dagre, rounded to the grid, and room for one card more.

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel, RankDir,
    graph::{Graph as Layers, GraphOptions},
};

use weir_flows::document::Slug;

use super::{
    geometry::{Curve, Point, Rect, Size},
    graph::{CARD_HEIGHT, Graph, Link},
};

/// Cards stand on multiples of this.
pub(crate) const GRID: f64 = 20.0;
/// The room between two columns and between two cards of a column.
pub(crate) const COLUMN_GAP: f64 = 100.0;
const ROW_GAP: f64 = 40.0;

/// Gives every card its wanted place. Where some have none, those are laid out: all cards where no place is wanted at all,
/// else only the placeless ones, below what has its place.
pub(crate) fn place(graph: &mut Graph, wanted: &[Option<Point>]) {
    if wanted.iter().any(Option::is_none) {
        let tidy = layers(graph);
        let placed = graph.cards.iter().zip(wanted).filter_map(|(card, at)| {
            Some(Rect {
                at: (*at)?,
                size: card.size(),
            })
        });
        let placed = Rect::around(placed);
        let loose: Vec<usize> = (0..wanted.len())
            .filter(|index| wanted[*index].is_none())
            .collect();
        let corner = corner(loose.iter().map(|index| tidy[*index]));
        let start = placed.map_or(Point::new(GRID * 4.0, GRID * 4.0), |rect| {
            Point::new(rect.at.x, rect.at.y + rect.size.height + ROW_GAP * 2.0)
        });
        for index in loose {
            graph.cards[index].at = snapped(tidy[index].minus(corner).plus(start));
        }
    }
    for (card, at) in graph.cards.iter_mut().zip(wanted) {
        if let Some(at) = at {
            card.at = *at;
        }
    }
}

/// A tidy place for every card. The drawing stays where it is: its upper left corner does not move.
pub(crate) fn tidy(graph: &Graph) -> Vec<(Slug, Point)> {
    let places = layers(graph);
    let was = corner(graph.cards.iter().map(|card| card.at));
    let by = was.minus(corner(places.iter().copied()));
    let cards = graph.cards.iter().zip(places);
    cards
        .map(|(card, at)| (card.id.clone(), snapped(at.plus(by))))
        .collect()
}

/// The place nearest to a wanted one, below or above it, where a card of a size covers no other.
pub(crate) fn free_place(graph: &Graph, wanted: Point, size: Size) -> Point {
    let wanted = snapped(wanted);
    let free = |at: &Point| {
        let rect = Rect { at: *at, size }.grown(GRID - 1.0);
        !graph.cards.iter().any(|card| card.rect().meets(rect))
    };
    let mut down = (0..).flat_map(|step| {
        let off = f64::from(step) * GRID;
        let tries = [Point::new(0.0, off), Point::new(0.0, -off)];
        tries.map(|by| wanted.plus(by))
    });
    let tries = down.by_ref().take(2 * (graph.cards.len() * 8 + 1));
    tries.into_iter().find(free).unwrap_or(wanted)
}

/// Where a new card stands on a link, and the cards that make room for it: those that the link leads to move on to the
/// right where there is too little room between the two.
pub(crate) fn room(graph: &Graph, link: &Link, size: Size) -> Option<(Point, Vec<(Slug, Point)>)> {
    let (from, to) = (graph.cards.get(link.from)?, graph.cards.get(link.to)?);
    let gap = to.at.x - from.rect().right();
    let needed = size.width + 2.0 * COLUMN_GAP;
    // A link that goes back, or steeply up or down, has room enough beside it.
    if gap < 0.0 || gap >= needed {
        let (start, end) = graph.ends(link)?;
        let middle = Curve::new(start, end).point(0.5);
        let wanted = middle.minus(Point::new(size.width / 2.0, CARD_HEIGHT / 2.0));
        return Some((free_place(graph, wanted, size), Vec::new()));
    }
    let at = Point::new(from.rect().right() + COLUMN_GAP, to.at.y);
    let by = Point::new(((needed - gap) / GRID).ceil() * GRID, 0.0);
    let mut after = vec![false; graph.cards.len()];
    let mut open = vec![link.to];
    while let Some(here) = open.pop() {
        if !std::mem::replace(&mut after[here], true) {
            let next = graph.links.iter().filter(|link| link.from == here);
            open.extend(next.map(|link| link.to));
        }
    }
    // Only what stands in the way moves: what follows and is not to the left of it.
    let moved = graph.cards.iter().zip(after);
    let moved = moved.filter(|(card, after)| *after && card.at.x >= to.at.x);
    let moved = moved.map(|(card, _)| (card.id.clone(), card.at.plus(by)));
    Some((snapped(at), moved.collect()))
}

/// A place for every card, as dagre finds it. Links are added in the order of the ports they leave, so that the ways out
/// of a branch are drawn in the order of its cases.
fn layers(graph: &Graph) -> Vec<Point> {
    let mut layers = Layers::with_options(GraphOptions {
        directed: true,
        multigraph: true,
        compound: false,
    });
    for card in &graph.cards {
        let size = card.size();
        layers.set_node(
            card.id.as_str(),
            Some(NodeLabel {
                width: size.width,
                height: size.height,
                ..NodeLabel::default()
            }),
        );
    }
    let mut links: Vec<_> = graph.links.iter().collect();
    links.sort_by_key(|link| {
        let ports = &graph.cards[link.from].ports;
        (
            link.from,
            ports.iter().position(|port| port.name == link.port),
            link.index,
        )
    });
    for link in links {
        let (from, to) = (&graph.cards[link.from].id, &graph.cards[link.to].id);
        let name = link.index.to_string();
        layers.set_edge(
            from.as_str(),
            to.as_str(),
            Some(EdgeLabel::default()),
            Some(&name),
        );
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        ranksep: COLUMN_GAP,
        nodesep: ROW_GAP,
        tie_keep_first: true,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut layers, Some(options));
    let place = |card: &super::graph::Card| {
        let size = card.size();
        let label = layers.node(&card.id);
        let x = label.and_then(|label| label.x).unwrap_or_default();
        let y = label.and_then(|label| label.y).unwrap_or_default();
        Point::new(x - size.width / 2.0, y - size.height / 2.0)
    };
    graph.cards.iter().map(place).collect()
}

fn corner(points: impl Iterator<Item = Point>) -> Point {
    points
        .reduce(|a, b| Point::new(a.x.min(b.x), a.y.min(b.y)))
        .unwrap_or_default()
}

pub(crate) fn snapped(point: Point) -> Point {
    Point::new(
        (point.x / GRID).round() * GRID,
        (point.y / GRID).round() * GRID,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::document::Flow;

    use super::*;

    fn branching() -> Flow {
        serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": {
                "b": { "kind": "branch", "config": { "cases": [ { "port": "z", "when": "1" }, { "port": "y", "when": "1" } ], "otherwise": "x" } },
                "first": { "kind": "map" }, "second": { "kind": "map" }, "third": { "kind": "map" }, "end": { "kind": "map" }
            },
            "links": [
                { "from": "t", "to": "b" },
                { "from": "b", "port": "x", "to": "third" },
                { "from": "b", "port": "z", "to": "first" },
                { "from": "b", "port": "y", "to": "second" },
                { "from": "first", "to": "end" }, { "from": "second", "to": "end" }, { "from": "third", "to": "end" }
            ]
        }))
        .unwrap()
    }

    #[test]
    fn cases_are_drawn_in_their_order() {
        let graph = Graph::of(&branching());
        let y = |id: &str| graph.cards[graph.find(id).unwrap()].at.y;
        assert!(y("first") < y("second") && y("second") < y("third"));
    }

    #[test]
    fn places_are_on_the_grid() {
        for card in Graph::of(&branching()).cards {
            assert_eq!(
                (card.at.x % GRID, card.at.y % GRID),
                (0.0, 0.0),
                "{}",
                card.id
            );
        }
    }

    #[test]
    fn tidying_leaves_the_corner_where_it_is() {
        let mut flow = branching();
        for (index, id) in ["t", "b", "first", "second", "third", "end"]
            .into_iter()
            .enumerate()
        {
            flow.layout
                .insert(id.into(), [400 + 13 * index as i32, 200 - 7 * index as i32]);
        }
        let graph = Graph::of(&flow);
        let places = tidy(&graph);
        let corner = corner(places.iter().map(|(_, at)| *at));
        assert_eq!(corner, snapped(Point::new(400.0, 165.0)));
        for (id, at) in &places {
            let card = graph.card(id).unwrap();
            let rect = Rect {
                at: *at,
                size: card.size(),
            };
            for (other, place) in places.iter().filter(|(other, _)| other != id) {
                let size = graph.card(other).unwrap().size();
                assert!(
                    !rect.meets(Rect { at: *place, size }),
                    "{id} and {other} overlap"
                );
            }
        }
    }

    #[test]
    fn a_free_place_covers_no_card() {
        let graph = Graph::of(&branching());
        let size = graph.cards[0].size();
        for card in &graph.cards {
            let at = free_place(&graph, card.at, size);
            let rect = Rect { at, size };
            assert!(graph.cards.iter().all(|other| !other.rect().meets(rect)));
        }
        let far = Point::new(-999.0, 5.0);
        assert_eq!(free_place(&graph, far, size), snapped(far));
    }

    #[test]
    fn a_card_on_a_link_pushes_on_what_follows() {
        let graph = Graph::of(&branching());
        let size = graph.cards[0].size();
        let link = graph.links.iter().find(|link| link.index == 0).unwrap();
        let (at, moved) = room(&graph, link, size).unwrap();
        assert_eq!(moved.len(), 5, "all but the trigger");
        let rect = Rect { at, size };
        for card in &graph.cards {
            let place = moved.iter().find(|(id, _)| *id == card.id);
            let now = Rect {
                at: place.map_or(card.at, |(_, at)| *at),
                size: card.size(),
            };
            assert!(!now.meets(rect), "{} is in the way", card.id);
        }
        // There is room now; nothing moves again.
        let mut flow = branching();
        for card in &graph.cards {
            flow.layout.insert(card.id.clone(), card.at.whole());
        }
        for (id, at) in &moved {
            flow.layout.insert(id.clone(), at.whole());
        }
        let roomy = Graph::of(&flow);
        let link = roomy.links.iter().find(|link| link.index == 0).unwrap();
        let (_, moved) = room(&roomy, link, size).unwrap();
        assert_eq!(moved, []);
    }

    #[test]
    fn only_cards_without_a_place_are_moved() {
        let mut flow = branching();
        flow.layout.insert("t".into(), [7, 11]);
        flow.layout.insert("b".into(), [300, 11]);
        let graph = Graph::of(&flow);
        assert_eq!(
            graph.cards[graph.find("t").unwrap()].at,
            Point::new(7.0, 11.0)
        );
        let lowest = graph.cards[graph.find("b").unwrap()].rect();
        let first = graph.cards[graph.find("first").unwrap()].at;
        assert!(first.y >= lowest.at.y + lowest.size.height);
    }
}
