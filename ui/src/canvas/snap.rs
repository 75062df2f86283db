//! Snapping: a card that is moved settles on the grid, in line with cards near by, or where a link becomes straight.

use super::{
    geometry::{Point, Rect},
    graph::{Card, Graph},
    layout::GRID,
};

/// How near to a line a card settles on it, in window pixels.
const REACH: f64 = 7.0;
/// How far away a card may be, in world pixels, to be in line with.
const NEAR: f64 = 700.0;

/// A line that shows what a moved card is in line with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Guide {
    pub(crate) from: Point,
    pub(crate) to: Point,
}

/// Where a card settles, and the lines that show why.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settled {
    /// The way from where it started.
    pub(crate) by: Point,
    pub(crate) guides: Vec<Guide>,
}

/// Something to be in line with: where it is on one axis, how far the own line is from the edge of the moved card, and
/// from where to where the other thing reaches on the other axis.
struct Line {
    at: f64,
    own: f64,
    span: (f64, f64),
}

/// Settles a card that a hand moved by a way. `moves` tells which cards go with it.
pub(crate) fn settle(
    graph: &Graph,
    lead: &Card,
    by: Point,
    zoom: f64,
    moves: impl Fn(&str) -> bool,
) -> Settled {
    let wanted = lead.rect().moved(by);
    let others: Vec<&Card> = graph
        .cards
        .iter()
        .filter(|card| !moves(&card.id))
        .filter(|card| card.rect().grown(NEAR).meets(wanted))
        .collect();
    let mut upright = Vec::new();
    let mut level = straight_links(graph, lead, &moves);
    for other in &others {
        let rect = other.rect();
        let (own, size) = (wanted.size, rect.size);
        let across = (rect.at.y, rect.bottom());
        let along = (rect.at.x, rect.right());
        for part in [0.0, 0.5, 1.0] {
            upright.push(Line {
                at: rect.at.x + size.width * part,
                own: own.width * part,
                span: across,
            });
            level.push(Line {
                at: rect.at.y + size.height * part,
                own: own.height * part,
                span: along,
            });
        }
    }
    let reach = REACH / zoom;
    let x = nearest(&upright, wanted.at.x, reach);
    let y = nearest(&level, wanted.at.y, reach);
    let on_grid = |at: f64| (at / GRID).round() * GRID;
    let at = Point::new(
        x.unwrap_or_else(|| on_grid(wanted.at.x)),
        y.unwrap_or_else(|| on_grid(wanted.at.y)),
    );
    let settled = Rect { at, ..wanted };
    let mut guides = Vec::new();
    if x.is_some() {
        guides.extend(lines(&upright, at.x).map(|(at, from, to)| Guide {
            from: Point::new(at, from.min(settled.at.y)),
            to: Point::new(at, to.max(settled.bottom())),
        }));
    }
    if y.is_some() {
        guides.extend(lines(&level, at.y).map(|(at, from, to)| Guide {
            from: Point::new(from.min(settled.at.x), at),
            to: Point::new(to.max(settled.right()), at),
        }));
    }
    Settled {
        by: at.minus(lead.at),
        guides,
    }
}

/// The heights at which a link of the card would be straight.
fn straight_links(graph: &Graph, lead: &Card, moves: &impl Fn(&str) -> bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for link in &graph.links {
        let (Some(from), Some(to)) = (graph.cards.get(link.from), graph.cards.get(link.to)) else {
            continue;
        };
        let (start, end) = (from.exit(&link.port), to.entry());
        if from.id == lead.id && !moves(&to.id) {
            lines.push(Line {
                at: end.y,
                own: start.y - lead.at.y,
                span: (end.x, end.x),
            });
        } else if to.id == lead.id && !moves(&from.id) {
            lines.push(Line {
                at: start.y,
                own: end.y - lead.at.y,
                span: (start.x, start.x),
            });
        }
    }
    lines
}

/// The place nearest to a wanted one, within reach, that is in line with something.
fn nearest(lines: &[Line], wanted: f64, reach: f64) -> Option<f64> {
    let places = lines.iter().map(|line| line.at - line.own);
    places
        .filter(|at| (at - wanted).abs() <= reach)
        .min_by(|a, b| (a - wanted).abs().total_cmp(&(b - wanted).abs()))
}

/// The lines that a card at a place is in line with: one for each height, as long as all that stand on it.
fn lines(lines: &[Line], at: f64) -> impl Iterator<Item = (f64, f64, f64)> {
    let mut met: Vec<(f64, f64, f64)> = Vec::new();
    for line in lines
        .iter()
        .filter(|line| (line.at - line.own - at).abs() < 0.5)
    {
        match met
            .iter_mut()
            .find(|(known, ..)| (known - line.at).abs() < 0.5)
        {
            Some((_, from, to)) => {
                *from = from.min(line.span.0);
                *to = to.max(line.span.1);
            }
            None => met.push((line.at, line.span.0, line.span.1)),
        }
    }
    met.into_iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn graph(x: i32, y: i32) -> Graph {
        let flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "steps": { "a": { "kind": "map" }, "b": { "kind": "branch", "config": { "cases": [ { "port": "x", "when": "1" } ], "otherwise": "y" } } },
            "links": [ { "from": "b", "port": "y", "to": "a" } ],
            "layout": { "a": [400, 100], "b": [x, y] }
        }));
        Graph::of(&flow.unwrap())
    }

    fn settled(graph: &Graph, id: &str, by: (f64, f64), zoom: f64) -> (Point, usize) {
        let lead = graph.card(id).unwrap();
        let settled = settle(graph, lead, Point::new(by.0, by.1), zoom, |card| card == id);
        (lead.at.plus(settled.by), settled.guides.len())
    }

    #[test]
    fn far_from_everything_a_card_settles_on_the_grid() {
        let graph = graph(3_000, 3_000);
        assert_eq!(
            settled(&graph, "b", (11.0, -9.0), 1.0),
            (Point::new(3_020.0, 3_000.0), 0)
        );
    }

    #[test]
    fn near_cards_are_lined_up_with() {
        let graph = graph(403, 300);
        let (at, guides) = settled(&graph, "b", (2.0, 0.0), 1.0);
        assert_eq!(at.x, 400.0);
        // Both are as wide: left, centre and right are in line.
        assert_eq!(guides, 3);
        // The reach is in window pixels: what is near in a small drawing is far in a large one.
        assert_eq!(settled(&graph, "b", (9.0, 0.0), 0.5).0.x, 400.0);
        assert_eq!(settled(&graph, "b", (9.0, 0.0), 2.0).0.x, 420.0);
    }

    #[test]
    fn a_link_becomes_straight() {
        let graph = graph(0, 70);
        // The second port is 24 pixels below the line of the entry.
        let (at, guides) = settled(&graph, "b", (0.0, 5.0), 1.0);
        assert_eq!(at.y, 76.0);
        // Their lower edges are in line there as well.
        assert_eq!(guides, 2);
        assert_eq!(
            graph.card("b").unwrap().exit("y").y - 70.0 + at.y,
            graph.card("a").unwrap().entry().y
        );
    }
}
