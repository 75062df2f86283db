//! What a hand does on the canvas, as one state that an input turns into the next one and a movement of the viewport.

use super::geometry::{Point, Viewport};

/// How far a pointer moves before a press becomes a drag, in window pixels.
const SLACK: f64 = 4.0;

/// What the hand is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Gesture {
    #[default]
    Idle,
    /// A pointer is down and has not moved yet.
    Press { pointer: i32, start: Point },
    /// A pointer moves the drawing.
    Pan { pointer: i32, last: Point },
    /// Two fingers move and zoom it.
    Pinch {
        first: (i32, Point),
        second: (i32, Point),
    },
}

/// What happens to the hand. Points are in the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Input {
    Down {
        pointer: i32,
        at: Point,
    },
    Move {
        pointer: i32,
        at: Point,
    },
    /// A pointer was lifted or taken away.
    Up {
        pointer: i32,
    },
    /// The wheel turned, or two fingers moved on a touchpad, by so much.
    Wheel {
        at: Point,
        by: Point,
        zoom: bool,
    },
}

/// What comes of an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) gesture: Gesture,
    pub(crate) viewport: Viewport,
    /// Whether a pointer was lifted where it had been pressed.
    pub(crate) clicked: bool,
}

/// Turns an input into the next gesture and viewport.
pub(crate) fn turn(gesture: Gesture, viewport: Viewport, input: Input) -> Outcome {
    let still = Outcome {
        gesture,
        viewport,
        clicked: false,
    };
    match (gesture, input) {
        (_, Input::Wheel { at, by, zoom: true }) => {
            // A mouse wheel turns in steps of about 100, a touchpad in steps of a few: both feel the same this way.
            let factor = (-by.y * 0.004).clamp(-0.5, 0.5).exp();
            Outcome {
                viewport: viewport.zoomed(factor, at),
                ..still
            }
        }
        (
            _,
            Input::Wheel {
                by, zoom: false, ..
            },
        ) => Outcome {
            viewport: viewport.moved(Point::new(-by.x, -by.y)),
            ..still
        },
        (Gesture::Idle, Input::Down { pointer, at }) => Outcome {
            gesture: Gesture::Press { pointer, start: at },
            ..still
        },
        (
            Gesture::Press {
                pointer: first,
                start: from,
            }
            | Gesture::Pan {
                pointer: first,
                last: from,
            },
            Input::Down { pointer, at },
        ) if pointer != first => Outcome {
            gesture: Gesture::Pinch {
                first: (first, from),
                second: (pointer, at),
            },
            ..still
        },
        (
            Gesture::Press {
                pointer: pressed,
                start,
            },
            Input::Move { pointer, at },
        ) if pointer == pressed && at.distance(start) > SLACK => Outcome {
            gesture: Gesture::Pan { pointer, last: at },
            viewport: viewport.moved(at.minus(start)),
            ..still
        },
        (
            Gesture::Pan {
                pointer: panning,
                last,
            },
            Input::Move { pointer, at },
        ) if pointer == panning => Outcome {
            gesture: Gesture::Pan { pointer, last: at },
            viewport: viewport.moved(at.minus(last)),
            ..still
        },
        (Gesture::Pinch { first, second }, Input::Move { pointer, at }) => {
            let (before, after) = match pointer {
                p if p == first.0 => ((first, second), ((p, at), second)),
                p if p == second.0 => ((first, second), (first, (p, at))),
                _ => return still,
            };
            Outcome {
                gesture: Gesture::Pinch {
                    first: after.0,
                    second: after.1,
                },
                viewport: pinched(viewport, (before.0.1, before.1.1), (after.0.1, after.1.1)),
                ..still
            }
        }
        (
            Gesture::Press {
                pointer: pressed, ..
            },
            Input::Up { pointer },
        ) if pointer == pressed => Outcome {
            gesture: Gesture::Idle,
            clicked: true,
            ..still
        },
        (
            Gesture::Pan {
                pointer: panning, ..
            },
            Input::Up { pointer },
        ) if pointer == panning => Outcome {
            gesture: Gesture::Idle,
            ..still
        },
        (Gesture::Pinch { first, second }, Input::Up { pointer }) if pointer == first.0 => {
            Outcome {
                gesture: Gesture::Pan {
                    pointer: second.0,
                    last: second.1,
                },
                ..still
            }
        }
        (Gesture::Pinch { first, second }, Input::Up { pointer }) if pointer == second.0 => {
            Outcome {
                gesture: Gesture::Pan {
                    pointer: first.0,
                    last: first.1,
                },
                ..still
            }
        }
        _ => still,
    }
}

fn pinched(viewport: Viewport, before: (Point, Point), after: (Point, Point)) -> Viewport {
    let factor = after.0.distance(after.1).max(1.0) / before.0.distance(before.1).max(1.0);
    let from = before.0.middle(before.1);
    let to = after.0.middle(after.1);
    viewport.zoomed(factor, from).moved(to.minus(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(x: f64, y: f64) -> Point {
        Point::new(x, y)
    }

    /// Plays inputs and gives the last outcome.
    fn play(inputs: &[Input]) -> Outcome {
        let start = Outcome {
            gesture: Gesture::Idle,
            viewport: Viewport::default(),
            clicked: false,
        };
        inputs.iter().fold(start, |state, input| {
            turn(state.gesture, state.viewport, *input)
        })
    }

    #[test]
    fn a_press_that_hardly_moves_is_a_click() {
        let outcome = play(&[
            Input::Down {
                pointer: 1,
                at: p(10.0, 10.0),
            },
            Input::Move {
                pointer: 1,
                at: p(12.0, 11.0),
            },
            Input::Up { pointer: 1 },
        ]);
        assert!(outcome.clicked);
        assert_eq!(outcome.viewport, Viewport::default());
    }

    #[test]
    fn a_drag_moves_the_drawing_and_is_no_click() {
        let outcome = play(&[
            Input::Down {
                pointer: 1,
                at: p(10.0, 10.0),
            },
            Input::Move {
                pointer: 1,
                at: p(30.0, 10.0),
            },
            Input::Move {
                pointer: 2,
                at: p(500.0, 500.0),
            },
            Input::Move {
                pointer: 1,
                at: p(40.0, 60.0),
            },
            Input::Up { pointer: 1 },
        ]);
        assert!(!outcome.clicked);
        assert_eq!(outcome.viewport.offset, p(30.0, 50.0));
        assert_eq!(outcome.gesture, Gesture::Idle);
    }

    #[test]
    fn two_fingers_zoom_around_their_middle() {
        let outcome = play(&[
            Input::Down {
                pointer: 1,
                at: p(100.0, 100.0),
            },
            Input::Down {
                pointer: 2,
                at: p(200.0, 100.0),
            },
            Input::Move {
                pointer: 2,
                at: p(300.0, 100.0),
            },
        ]);
        assert_eq!(outcome.viewport.zoom, 2.0);
        // The first finger stays on its spot of the drawing.
        let spot = p(
            100.0 * 2.0 + outcome.viewport.offset.x,
            100.0 * 2.0 + outcome.viewport.offset.y,
        );
        assert!(spot.distance(p(100.0, 100.0)) < 1e-6);
        let lifted = turn(outcome.gesture, outcome.viewport, Input::Up { pointer: 1 });
        assert_eq!(
            lifted.gesture,
            Gesture::Pan {
                pointer: 2,
                last: p(300.0, 100.0)
            }
        );
    }

    #[test]
    fn the_wheel_moves_or_zooms() {
        let by = p(0.0, 100.0);
        assert_eq!(
            play(&[Input::Wheel {
                at: p(0.0, 0.0),
                by,
                zoom: false
            }])
            .viewport
            .offset,
            p(0.0, -100.0)
        );
        let zoomed = play(&[Input::Wheel {
            at: p(0.0, 0.0),
            by,
            zoom: true,
        }])
        .viewport;
        assert!(zoomed.zoom < 1.0);
        assert_eq!(zoomed.offset, p(0.0, 0.0));
    }

    #[test]
    fn strange_inputs_change_nothing() {
        for input in [
            Input::Move {
                pointer: 1,
                at: p(1.0, 1.0),
            },
            Input::Up { pointer: 1 },
        ] {
            let outcome = play(&[input]);
            assert_eq!(
                (outcome.gesture, outcome.viewport),
                (Gesture::Idle, Viewport::default())
            );
        }
    }
}
