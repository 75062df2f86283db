//! Where new cards go, and which problem comes next. Pure.

use weir_flows::{document::Slug, problem::Problem};

use crate::{
    canvas::{
        CARD_HEIGHT, CARD_WIDTH, Card, Graph, free_place,
        geometry::{Point, Size},
        is_at, room, snapped,
    },
    edit,
};

/// How far to the right of a card the next one stands.
const STRIDE: f64 = CARD_WIDTH + 80.0;
/// How far aside something goes whose place is taken.
const ASIDE: Point = Point::new(40.0, 40.0);

/// Where a new card goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// After the chosen card where there is one, else in the middle of what is seen.
    Anywhere,
    At(Point),
    /// Behind a port, by a link.
    After {
        from: Slug,
        port: String,
        at: Point,
    },
    /// On a link. Cards that make room move.
    OnLink {
        index: usize,
        at: Point,
        moved: Vec<(Slug, Point)>,
    },
}

impl Target {
    /// After a card, by the first way out that leads nowhere yet; nowhere if there is none.
    pub(crate) fn after(graph: &Graph, from: &str) -> Option<Self> {
        let mut ports = graph.card(from)?.ports.iter();
        let port = ports.find(|port| !port.linked && !port.is_quiet())?;
        Target::behind(graph, from, &port.name)
    }

    /// After a card, by one of its ports: beside it, where there is room.
    pub(crate) fn behind(graph: &Graph, from: &str, port: &str) -> Option<Self> {
        let card = graph.card(from)?;
        Some(Target::After {
            from: card.id.clone(),
            port: port.to_owned(),
            at: beside(graph, card),
        })
    }

    /// In the middle of the link at an index of the document.
    pub(crate) fn on_link(graph: &Graph, index: usize) -> Option<Self> {
        let link = graph.links.iter().find(|link| link.index == index)?;
        let (at, moved) = room(graph, link, new_size())?;
        Some(Target::OnLink { index, at, moved })
    }

    /// Around a point, where there is room.
    pub(crate) fn around(graph: &Graph, centre: Point) -> Self {
        let half = Point::new(CARD_WIDTH / 2.0, CARD_HEIGHT / 2.0);
        Target::At(free_place(graph, centre.minus(half), new_size()))
    }
}

/// Where a card stands well that comes after another: to its right, on the grid, moved down or up until it covers none.
fn beside(graph: &Graph, card: &Card) -> Point {
    free_place(graph, card.at.plus(Point::new(STRIDE, 0.0)), new_size())
}

/// The place for the corner of pasted cards at which no other card stands yet, so that pasting twice shows two.
pub(crate) fn apart(graph: &Graph, corner: Point) -> Point {
    let mut at = snapped(corner);
    while graph.cards.iter().any(|card| snapped(card.at) == at) {
        at = at.plus(ASIDE);
    }
    at
}

/// The corner of a copied piece that has its middle at a point.
pub(crate) fn corner_of(clip: &edit::Clip, centre: Point) -> Point {
    let extent = clip.extent();
    let across = extent.plus(Point::new(CARD_WIDTH, CARD_HEIGHT));
    snapped(centre.minus(across.scaled(0.5)))
}

/// The index of the problem after the one that was looked at last; where that is gone, the first one of the chosen card,
/// given by its place in the document, else the first of all.
pub(crate) fn next_problem(
    problems: &[Problem],
    last: Option<&(usize, String)>,
    card: Option<&[String]>,
) -> Option<usize> {
    let known = last.and_then(|(index, at)| {
        let same = |problem: &Problem| problem.at == *at;
        let stays = problems.get(*index).is_some_and(same).then_some(*index);
        stays.or_else(|| problems.iter().position(same))
    });
    if let Some(known) = known {
        return Some((known + 1) % problems.len());
    }
    let first = card.and_then(|places| problems.iter().position(|problem| is_at(problem, places)));
    first.or((!problems.is_empty()).then_some(0))
}

/// How large a card is that nobody has seen yet.
fn new_size() -> Size {
    Size {
        width: CARD_WIDTH,
        height: CARD_HEIGHT,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::document::Flow;

    use super::*;
    use crate::{
        canvas::{geometry::Rect, places_of},
        edit::Clip,
    };

    /// A branch whose first case leads on, and a step that ends the flow.
    fn graph() -> Graph {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": {
                "b": { "kind": "branch", "config": { "cases": [ { "port": "large", "when": "1" }, { "port": "small", "when": "1" } ], "otherwise": "rest" } },
                "m": { "kind": "map" },
                "end": { "kind": "fail" }
            },
            "links": [ { "from": "t", "to": "b" }, { "from": "b", "port": "large", "to": "m" } ],
            "layout": { "t": [0, 0], "b": [280, 0], "m": [560, 0], "end": [840, 400] }
        }))
        .unwrap();
        Graph::of(&flow)
    }

    fn covers(graph: &Graph, at: Point) -> bool {
        let rect = Rect {
            at,
            size: new_size(),
        };
        graph.cards.iter().any(|card| card.rect().meets(rect))
    }

    #[test]
    fn a_new_card_follows_by_the_first_way_that_is_free() {
        let graph = graph();
        let Some(Target::After { from, port, at }) = Target::after(&graph, "b") else {
            panic!("a branch with a free case leads on");
        };
        assert_eq!((from.as_str(), port.as_str()), ("b", "small"));
        // Its place to the right is taken, so it stands below or above.
        assert_eq!(at.x, 560.0);
        assert!(at.y != 0.0 && !covers(&graph, at));
        assert_eq!(
            Target::after(&graph, "m"),
            Some(Target::After {
                from: "m".to_owned(),
                port: "ok".to_owned(),
                at: Point::new(840.0, 0.0)
            })
        );
        // The trigger leads on already, the other step ends the flow, and a card that is gone leads nowhere.
        for id in ["t", "end", "gone"] {
            assert_eq!(Target::after(&graph, id), None, "{id}");
        }
    }

    #[test]
    fn a_new_card_covers_no_other() {
        let graph = graph();
        for card in &graph.cards {
            let centre = card.rect().centre();
            let Target::At(at) = Target::around(&graph, centre) else {
                panic!("it goes to a point");
            };
            assert!(!covers(&graph, at), "{}", card.id);
            let Some(Target::After { at, .. }) = Target::behind(&graph, &card.id, "error") else {
                panic!("it goes behind the card");
            };
            assert!(!covers(&graph, at) && at.x == card.at.x + STRIDE);
        }
    }

    #[test]
    fn a_card_on_a_link_makes_room() {
        let graph = graph();
        let Some(Target::OnLink { index, at, moved }) = Target::on_link(&graph, 1) else {
            panic!("the link is there");
        };
        assert_eq!(index, 1);
        assert!(moved.iter().any(|(id, to)| id == "m" && to.x > at.x));
        assert_eq!(Target::on_link(&graph, 9), None);
    }

    #[test]
    fn pasting_twice_shows_two() {
        let graph = graph();
        assert_eq!(apart(&graph, Point::new(1.0, -2.0)), ASIDE);
        assert_eq!(
            apart(&graph, Point::new(100.0, 100.0)),
            Point::new(100.0, 100.0)
        );
    }

    #[test]
    fn a_piece_is_pasted_around_a_point() {
        let clip = Clip::read(
            r#"{"steps": {"a": {"kind": "map"}, "b": {"kind": "map"}}, "layout": {"a": [100, 100], "b": [500, 236]}}"#,
        )
        .unwrap();
        // 600 wide and 200 high.
        assert_eq!(
            corner_of(&clip, Point::new(1000.0, 500.0)),
            Point::new(700.0, 400.0)
        );
    }

    #[test]
    fn problems_are_gone_through_in_their_order() {
        let problem = |at: &str| Problem::error(at, "code", "message");
        let problems = [
            problem("/settings/timeout"),
            problem("/steps/a/config/url"),
            problem("/steps/a/config/url"),
            problem("/links/0"),
        ];
        let mut last: Option<(usize, String)> = None;
        let mut seen = Vec::new();
        for _ in 0..5 {
            let index = next_problem(&problems, last.as_ref(), None).unwrap();
            last = Some((index, problems[index].at.clone()));
            seen.push(index);
        }
        assert_eq!(seen, [0, 1, 2, 3, 0]);
        assert_eq!(
            next_problem(&problems, None, Some(&places_of(&[], "a"))),
            Some(1)
        );
        assert_eq!(
            next_problem(&problems, None, Some(&places_of(&[], "b"))),
            Some(0)
        );
        // The one that was looked at is solved, and others have moved up.
        let solved = Some((1, "/steps/x".to_owned()));
        assert_eq!(next_problem(&problems, solved.as_ref(), None), Some(0));
        let moved = Some((2, "/settings/timeout".to_owned()));
        assert_eq!(next_problem(&problems, moved.as_ref(), None), Some(1));
        assert_eq!(next_problem(&[], None, Some(&places_of(&[], "a"))), None);
    }
}
