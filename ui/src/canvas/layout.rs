//! Places for cards that have none: layers from left to right by dagre, rounded to the grid.

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel, RankDir,
    graph::{Graph as Layers, GraphOptions},
};

use super::{
    geometry::{Point, Rect},
    graph::Graph,
};

/// Cards stand on multiples of this.
const GRID: f64 = 20.0;
/// The room between two columns and between two cards of a column.
const COLUMN_GAP: f64 = 80.0;
const ROW_GAP: f64 = 40.0;

/// Gives every card its wanted place. Where some have none, those are laid out: all cards where no place is wanted at all,
/// else only the placeless ones, below what has its place.
pub(crate) fn place(graph: &mut Graph, wanted: &[Option<Point>]) {
    if wanted.iter().any(Option::is_none) {
        let tidy = tidy(graph);
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

/// A place for every card, as dagre finds it. Links are added in the order of the ports they leave, so that the ways out
/// of a branch are drawn in the order of its cases.
fn tidy(graph: &Graph) -> Vec<Point> {
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
            ports.iter().position(|port| *port == link.port),
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

fn snapped(point: Point) -> Point {
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
