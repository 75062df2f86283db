//! The gestures, one by one, and what holds for any sequence of inputs.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::edit::{Added, Illegal};

const WINDOW: Size = Size {
    width: 900.0,
    height: 600.0,
};

fn flow() -> Flow {
    serde_json::from_value(json!({
        "format": "weir/flow@1", "id": "f",
        "triggers": { "t": { "kind": "manual" } },
        "steps": {
            "b": { "kind": "branch", "config": { "cases": [ { "port": "x", "when": "1" } ], "otherwise": "y" } },
            "m": { "kind": "map" }, "n": { "kind": "map" }
        },
        "links": [ { "from": "t", "to": "b" }, { "from": "b", "port": "x", "to": "m" } ],
        "layout": { "t": [0, 0], "b": [300, 0], "m": [600, 0], "n": [600, 200] }
    }))
    .unwrap()
}

/// A hand over a drawing.
struct Hand {
    flow: Flow,
    graph: Graph,
    chosen: Chosen,
    draws: bool,
    gesture: Gesture,
    viewport: Viewport,
    deeds: Vec<Deed>,
}

impl Hand {
    fn new() -> Self {
        let flow = flow();
        Hand {
            graph: Graph::of(&flow),
            flow,
            chosen: Chosen::default(),
            draws: true,
            gesture: Gesture::Idle,
            viewport: Viewport::default(),
            deeds: Vec::new(),
        }
    }

    fn play(&mut self, input: Input) -> &mut Self {
        let ground = Ground {
            graph: &self.graph,
            flow: self.draws.then_some(&self.flow),
            chosen: &self.chosen,
            window: WINDOW,
        };
        let outcome = turn(self.gesture.clone(), self.viewport, input, ground);
        self.gesture = outcome.gesture;
        self.viewport = outcome.viewport;
        self.deeds.extend(outcome.deed);
        self
    }

    fn down(&mut self, on: Spot, x: f64, y: f64) -> &mut Self {
        self.press(Means::Primary, on, x, y, Keys::default())
    }

    fn press(&mut self, means: Means, on: Spot, x: f64, y: f64, keys: Keys) -> &mut Self {
        self.play(Input::Down {
            pointer: 1,
            at: Point::new(x, y),
            means,
            on,
            keys,
        })
    }

    fn to(&mut self, x: f64, y: f64) -> &mut Self {
        self.play(Input::Move {
            pointer: 1,
            at: Point::new(x, y),
            keys: Keys::default(),
        })
    }

    fn up(&mut self) -> Option<Deed> {
        self.play(Input::Up { pointer: 1 });
        assert_eq!(self.gesture, Gesture::Idle);
        assert!(self.deeds.len() <= 1);
        self.deeds.pop()
    }
}

fn card(id: &str) -> Spot {
    Spot::Card(id.to_owned())
}

fn port(card: &str, port: &str) -> Anchor {
    Anchor::Port {
        card: card.to_owned(),
        port: port.to_owned(),
    }
}

fn entry(card: &str) -> Anchor {
    Anchor::Entry {
        card: card.to_owned(),
    }
}

const ADD: Keys = Keys {
    add: true,
    free: false,
};

#[test]
fn a_press_that_hardly_moves_is_a_click() {
    let mut hand = Hand::new();
    let deed = hand.down(card("b"), 310.0, 10.0).to(312.0, 11.0).up();
    assert_eq!(deed, Some(Deed::Choose(Chosen::card("b"))));
    hand.chosen = Chosen::card("b");
    let deed = hand.press(Means::Primary, card("m"), 610.0, 10.0, ADD).up();
    let both = Chosen::cards(["b".to_owned(), "m".to_owned()]);
    assert_eq!(deed, Some(Deed::Choose(both)));
    let deed = hand.press(Means::Primary, card("b"), 310.0, 10.0, ADD).up();
    assert_eq!(deed, Some(Deed::Choose(Chosen::default())));
    assert_eq!(
        hand.down(Spot::Ground, 5.0, 500.0).up(),
        Some(Deed::Choose(Chosen::default()))
    );
    assert_eq!(
        hand.press(Means::Primary, Spot::Ground, 5.0, 500.0, ADD)
            .up(),
        None
    );
}

#[test]
fn the_ground_is_dragged_by_the_middle_button_and_marked_by_the_left() {
    let mut hand = Hand::new();
    let deed = hand
        .press(Means::Pan, card("b"), 310.0, 10.0, Keys::default())
        .to(340.0, 20.0)
        .to(345.0, 60.0)
        .up();
    assert_eq!(deed, None);
    assert_eq!(hand.viewport.offset, Point::new(35.0, 50.0));
    let mut hand = Hand::new();
    hand.chosen = Chosen::card("t");
    let deed = hand.down(Spot::Ground, 890.0, 300.0).to(500.0, 50.0).up();
    let met = Chosen::cards(["m".to_owned(), "n".to_owned(), "b".to_owned()]);
    // The branch is two ports high and reaches to 500.
    let Some(Deed::Choose(chosen)) = deed else {
        panic!("a marquee chooses");
    };
    assert!(chosen.cards.is_subset(&met.cards) && chosen.cards.contains("n"));
    let deed = hand
        .press(Means::Primary, Spot::Ground, 890.0, 300.0, ADD)
        .to(700.0, 190.0)
        .up();
    let kept = Chosen::cards(["t".to_owned(), "n".to_owned()]);
    assert_eq!(deed, Some(Deed::Choose(kept)));
}

#[test]
fn whoever_only_reads_drags_the_drawing_and_changes_nothing() {
    for on in [
        Spot::Ground,
        card("b"),
        Spot::Handle(port("b", "x")),
        Spot::Link(flow().links[0].clone()),
    ] {
        let mut hand = Hand::new();
        hand.draws = false;
        let deed = hand.down(on, 310.0, 10.0).to(350.0, 10.0).up();
        assert_eq!(deed, None);
        assert_eq!(hand.viewport.offset, Point::new(40.0, 0.0));
    }
    let mut hand = Hand::new();
    hand.draws = false;
    let deed = hand.press(Means::Primary, card("b"), 310.0, 10.0, ADD).up();
    assert_eq!(deed, Some(Deed::Choose(Chosen::card("b"))));
}

#[test]
fn a_card_that_is_dragged_takes_what_is_chosen_with_it() {
    let mut hand = Hand::new();
    hand.chosen = Chosen::cards(["b".to_owned(), "m".to_owned()]);
    let deed = hand.down(card("b"), 310.0, 10.0).to(350.0, 353.0).up();
    let Some(Deed::Move { cards, by }) = deed else {
        panic!("it was moved");
    };
    assert_eq!(*cards, hand.chosen.cards);
    assert_eq!(by, Point::new(40.0, 340.0), "on the grid");
    // Another card is moved alone.
    let deed = hand.down(card("n"), 610.0, 210.0).to(610.0, 310.0).up();
    assert!(matches!(deed, Some(Deed::Move { cards, .. }) if cards.len() == 1));
    // With Alt nothing snaps.
    hand.down(card("n"), 610.0, 210.0);
    hand.play(Input::Move {
        pointer: 1,
        at: Point::new(613.0, 333.0),
        keys: Keys {
            add: false,
            free: true,
        },
    });
    let Some(Deed::Move { by, .. }) = hand.up() else {
        panic!("it was moved");
    };
    assert_eq!(by, Point::new(3.0, 123.0));
}

#[test]
fn near_the_edge_the_drawing_goes_along() {
    let mut hand = Hand::new();
    hand.down(card("n"), 610.0, 210.0).to(899.0, 210.0);
    let before = match &hand.gesture {
        Gesture::Move { settled, .. } => settled.by.x,
        other => panic!("{other:?}"),
    };
    for _ in 0..20 {
        hand.play(Input::Frame { millis: 16.0 });
    }
    assert!(hand.viewport.offset.x < -200.0);
    let Some(Deed::Move { by, .. }) = hand.up() else {
        panic!("it was moved");
    };
    assert!(by.x > before + 200.0);
    // Away from the edge time does nothing.
    hand.viewport = Viewport::default();
    hand.down(card("n"), 610.0, 210.0).to(500.0, 300.0);
    hand.play(Input::Frame { millis: 16.0 });
    assert_eq!(hand.viewport, Viewport::default());
}

#[test]
fn a_link_is_drawn_to_the_card_it_is_let_go_near() {
    let mut hand = Hand::new();
    let start = hand.graph.card("b").unwrap().exit("y");
    // Ten pixels above the card, at its far end.
    let deed = hand
        .down(Spot::Handle(port("b", "y")), start.x, start.y)
        .to(790.0, 190.0)
        .up();
    assert_eq!(
        deed,
        Some(Deed::Fasten {
            wire: Wire::new(port("b", "y")),
            to: entry("n"),
        })
    );
}

#[test]
fn a_link_says_why_it_may_not_go_somewhere() {
    let mut hand = Hand::new();
    for (from, at, reason) in [
        (port("b", "x"), (100.0, 30.0), Illegal::IntoTrigger),
        (port("b", "x"), (700.0, 30.0), Illegal::Exists),
        (port("b", "x"), (400.0, 40.0), Illegal::Itself),
        (
            port("m", "ok"),
            (400.0, 40.0),
            Illegal::Circle(vec!["b".to_owned(), "m".to_owned()]),
        ),
    ] {
        hand.down(Spot::Handle(from), 500.0, 300.0).to(at.0, at.1);
        let target = hand.gesture.target().expect("a card is meant");
        assert_eq!(target.legal, Err(reason));
        assert_eq!(hand.up(), None);
    }
}

#[test]
fn a_link_that_is_let_go_over_nothing_asks_for_a_step() {
    let mut hand = Hand::new();
    hand.viewport.zoom = 0.5;
    let from = Spot::Handle(port("b", "y"));
    let deed = hand.down(from, 250.0, 28.0).to(250.0, 250.0).up();
    assert_eq!(
        deed,
        Some(Deed::AddAfter {
            anchor: port("b", "y"),
            at: Some(Point::new(500.0, 500.0)),
        })
    );
    let entry = Spot::Handle(entry("n"));
    assert_eq!(hand.down(entry, 300.0, 116.0).to(10.0, 250.0).up(), None);
}

#[test]
fn a_press_on_a_port_or_a_plus_asks_for_a_step() {
    let mut hand = Hand::new();
    let deed = hand.down(Spot::Handle(port("m", "ok")), 800.0, 32.0).up();
    assert_eq!(
        deed,
        Some(Deed::AddAfter {
            anchor: port("m", "ok"),
            at: None,
        })
    );
    let link = flow().links[1].clone();
    let deed = hand.down(Spot::LinkPlus(link.clone()), 550.0, 32.0).up();
    assert_eq!(deed, Some(Deed::AddOnLink(link)));
}

#[test]
fn either_end_of_a_link_is_led_elsewhere_or_let_go() {
    let link = flow().links[1].clone();
    let mut hand = Hand::new();
    let near_end = Spot::Link(link.clone());
    let deed = hand
        .down(near_end.clone(), 580.0, 32.0)
        .to(620.0, 230.0)
        .up();
    let Some(Deed::Fasten { wire, to }) = deed else {
        panic!("the end was led elsewhere");
    };
    assert_eq!(
        (wire.link.as_ref(), &wire.fixed),
        (Some(&link), &port("b", "x"))
    );
    assert_eq!(to, entry("n"));
    // Nearer to its start: the port it leaves by.
    let near_start = hand.down(near_end.clone(), 510.0, 32.0);
    let deed = near_start.to(495.0, 60.0).up();
    // The own card of the end that stays is far; the branch is meant by its nearest port.
    let Some(Deed::Fasten { wire, to }) = deed else {
        panic!("the start was led elsewhere");
    };
    assert_eq!((&wire.fixed, to), (&entry("m"), port("b", "y")));
    let deed = hand.down(near_end, 580.0, 32.0).to(400.0, 500.0).up();
    assert_eq!(deed, Some(Deed::Detach(link)));
}

#[test]
fn fingers_pan_pinch_and_stay() {
    let mut hand = Hand::new();
    let finger = |hand: &mut Hand, pointer, on, x| {
        hand.play(Input::Down {
            pointer,
            at: Point::new(x, 100.0),
            means: Means::Finger,
            on,
            keys: Keys::default(),
        });
    };
    // On a card by chance: the drawing moves.
    finger(&mut hand, 1, card("b"), 100.0);
    assert_eq!(hand.to(150.0, 100.0).up(), None);
    assert_eq!(hand.viewport.offset, Point::new(50.0, 0.0));
    hand.viewport = Viewport::default();
    finger(&mut hand, 1, Spot::Ground, 100.0);
    finger(&mut hand, 2, card("b"), 200.0);
    hand.play(Input::Move {
        pointer: 2,
        at: Point::new(300.0, 100.0),
        keys: Keys::default(),
    });
    assert_eq!(hand.viewport.zoom, 2.0);
    // The first finger stays on its spot of the drawing.
    let spot = hand.viewport.to_window(Point::new(100.0, 100.0));
    assert!(spot.distance(Point::new(100.0, 100.0)) < 1e-6);
    hand.play(Input::Up { pointer: 1 });
    let last = Point::new(300.0, 100.0);
    assert_eq!(hand.gesture, Gesture::Pan { pointer: 2, last });
    hand.play(Input::Up { pointer: 2 });
    assert!(hand.deeds.is_empty());
    // A long press chooses along, and a chosen card is moved.
    finger(&mut hand, 1, card("b"), 100.0);
    hand.play(Input::Hold { pointer: 1 });
    assert_eq!(hand.up(), Some(Deed::Choose(Chosen::card("b"))));
    hand.chosen = Chosen::card("b");
    finger(&mut hand, 1, card("b"), 100.0);
    assert!(matches!(
        hand.to(100.0, 300.0).up(),
        Some(Deed::Move { .. })
    ));
    finger(&mut hand, 1, Spot::Ground, 100.0);
    hand.play(Input::Hold { pointer: 1 });
    assert!(matches!(hand.up(), Some(Deed::Menu { .. })));
}

#[test]
fn the_wheel_moves_or_zooms() {
    let by = Point::new(0.0, 100.0);
    let at = Point::default();
    let mut hand = Hand::new();
    hand.play(Input::Wheel {
        at,
        by,
        zoom: false,
    });
    assert_eq!(hand.viewport.offset, Point::new(0.0, -100.0));
    let mut hand = Hand::new();
    hand.play(Input::Wheel { at, by, zoom: true });
    assert!(hand.viewport.zoom < 1.0);
    assert_eq!(hand.viewport.offset, at);
}

#[test]
fn the_keyboard_leads_a_link() {
    let mut hand = Hand::new();
    let from = port("t", "ok");
    hand.play(Input::Lead { from: from.clone() });
    // The branch has that link already; the next card to the right is meant.
    assert_eq!(hand.gesture.target().unwrap().anchor, entry("m"));
    hand.play(Input::Aim {
        towards: Direction::Down,
    });
    assert_eq!(hand.gesture.target().unwrap().anchor, entry("n"));
    hand.play(Input::Aim {
        towards: Direction::Down,
    });
    assert_eq!(hand.gesture.target().unwrap().anchor, entry("n"));
    hand.play(Input::Fasten);
    assert_eq!(hand.gesture, Gesture::Idle);
    let deed = hand.deeds.pop();
    let wire = Wire::new(from);
    let to = entry("n");
    assert_eq!(deed, Some(Deed::Fasten { wire, to }));
}

#[test]
fn a_new_card_goes_onto_a_link_or_the_ground() {
    let mut hand = Hand::new();
    let step: weir_flows::document::Step =
        serde_json::from_value(json!({ "kind": "map" })).unwrap();
    let carried = Arc::new(Carried {
        card: hand.graph.card("n").unwrap().clone(),
        added: Added::Step(step),
    });
    let carry = |hand: &mut Hand| {
        let carried = carried.clone();
        let at = Point::new(5.0, 300.0);
        hand.play(Input::Carry {
            pointer: 1,
            at,
            carried,
        });
    };
    carry(&mut hand);
    let Some(Deed::Put { at, link, .. }) = hand.to(407.0, 405.0).up() else {
        panic!("it was put down");
    };
    assert_eq!((at, link), (Point::new(300.0, 380.0), None));
    carry(&mut hand);
    let Some(Deed::Put { link, .. }) = hand.to(250.0, 40.0).up() else {
        panic!("it was put down");
    };
    assert_eq!(link, Some(flow().links[0].clone()));
    carry(&mut hand);
    hand.to(250.0, 40.0).play(Input::Cancel);
    assert!(hand.deeds.is_empty() && hand.gesture == Gesture::Idle);
}

fn point() -> impl Strategy<Value = Point> {
    (-50.0..950.0_f64, -50.0..650.0_f64).prop_map(|(x, y)| Point::new(x, y))
}

fn keys() -> impl Strategy<Value = Keys> {
    (any::<bool>(), any::<bool>()).prop_map(|(add, free)| Keys { add, free })
}

fn spot() -> impl Strategy<Value = Spot> {
    let id = prop::sample::select(vec!["t", "b", "m", "n", "gone"]);
    let name = prop::sample::select(vec!["ok", "x", "y", "error", "gone"]);
    let link = (0..2_usize).prop_map(|index| flow().links[index].clone());
    prop_oneof![
        Just(Spot::Ground),
        id.clone().prop_map(card),
        (id.clone(), name).prop_map(|(id, name)| Spot::Handle(port(id, name))),
        id.prop_map(|id| Spot::Handle(entry(id))),
        link.clone().prop_map(Spot::Link),
        link.prop_map(Spot::LinkPlus),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let pointer = 1..4_i32;
    let means = prop::sample::select(vec![Means::Primary, Means::Pan, Means::Finger]);
    let towards = prop::sample::select(vec![Direction::Left, Direction::Down, Direction::Right]);
    prop_oneof![
        3 => (pointer.clone(), point(), means, spot(), keys()).prop_map(
            |(pointer, at, means, on, keys)| Input::Down { pointer, at, means, on, keys }
        ),
        6 => (pointer.clone(), point(), keys())
            .prop_map(|(pointer, at, keys)| Input::Move { pointer, at, keys }),
        3 => pointer.clone().prop_map(|pointer| Input::Up { pointer }),
        1 => pointer.clone().prop_map(|pointer| Input::Gone { pointer }),
        1 => pointer.prop_map(|pointer| Input::Hold { pointer }),
        1 => Just(Input::Cancel),
        1 => (point(), point(), any::<bool>()).prop_map(|(at, by, zoom)| Input::Wheel { at, by, zoom }),
        1 => (0.0..40.0_f64).prop_map(|millis| Input::Frame { millis }),
        1 => spot().prop_filter_map("a port", |spot| match spot {
            Spot::Handle(from) => Some(Input::Lead { from }),
            _ => None,
        }),
        1 => towards.prop_map(|towards| Input::Aim { towards }),
        1 => Just(Input::Fasten),
    ]
}

/// Whether a gesture fits together in itself.
fn is_sane(gesture: &Gesture, draws: bool) -> bool {
    match gesture {
        Gesture::Pinch { first, second } => first.0 != second.0,
        Gesture::Move { cards, lead, .. } => draws && cards.contains(lead),
        Gesture::Marquee { before, chosen, .. } => draws && before.cards.is_subset(&chosen.cards),
        Gesture::Connect { targets, over, .. } => {
            draws && over.is_none_or(|over| over < targets.len())
        }
        Gesture::Place { .. } => draws,
        _ => true,
    }
}

proptest! {
    #[test]
    fn any_sequence_of_inputs_leaves_a_sane_state(
        inputs in prop::collection::vec(input(), 0..60), draws in any::<bool>(), chosen in prop::sample::subsequence(vec!["t", "b", "m"], 0..=3)
    ) {
        let mut hand = Hand::new();
        hand.draws = draws;
        hand.chosen = Chosen::cards(chosen.into_iter().map(str::to_owned));
        for input in inputs {
            let before = hand.gesture.clone();
            let deeds = hand.deeds.len();
            let ends = matches!(input, Input::Up { .. } | Input::Hold { .. } | Input::Fasten);
            let cancels = matches!(input, Input::Cancel | Input::Gone { .. });
            hand.play(input);
            prop_assert!(is_sane(&hand.gesture, draws), "{:?}", hand.gesture);
            prop_assert!(hand.viewport.offset.x.is_finite() && hand.viewport.offset.y.is_finite());
            prop_assert!((Viewport::SMALLEST..=Viewport::LARGEST).contains(&hand.viewport.zoom));
            // Only what ends a gesture does something, and a cancelled one does nothing.
            if hand.deeds.len() > deeds {
                prop_assert!(ends && !cancels && before != Gesture::Idle);
                if !draws {
                    prop_assert!(matches!(hand.deeds.last(), Some(Deed::Choose(_))));
                }
                // No link that is not allowed is ever fastened.
                if let Some(Deed::Fasten { wire, to }) = hand.deeds.last() {
                    let link = wire.at(to).expect("both ends are there");
                    let without = wire.link.as_ref().and_then(|old| hand.flow.links.iter().position(|known| known == old));
                    prop_assert!(crate::edit::legal(&hand.flow, &link, without).is_ok());
                }
            }
        }
        // When every pointer is lifted, the hand is at rest, or the keyboard leads a link.
        for pointer in 1..4 {
            hand.play(Input::Up { pointer });
        }
        let rests = matches!(hand.gesture, Gesture::Idle | Gesture::Connect { leader: Leader::Keys, .. });
        prop_assert!(rests, "{:?}", hand.gesture);
        let deeds = hand.deeds.len();
        hand.play(Input::Cancel);
        prop_assert_eq!(&hand.gesture, &Gesture::Idle);
        prop_assert_eq!(hand.deeds.len(), deeds);
    }
}
