//! The minimap: the whole drawing in a corner, with a frame around what the window shows.

use leptos::{ev::PointerEvent, html, prelude::*};
use web_sys::DomRect;
use weir_flows::problem::Severity;

use super::{
    geometry::{Point, Rect, Size},
    hands::Hands,
    marks::{is_at, places_of},
};

/// How large the map is.
const MAP: Size = Size {
    width: 176.0,
    height: 108.0,
};
/// The room around the drawing on the map, in world pixels.
const MARGIN: f64 = 80.0;

/// The cards of a map as one path for each colour.
#[derive(Clone, Debug, Default, PartialEq)]
struct Blocks {
    plain: String,
    warned: String,
    wrong: String,
}

/// The height of the lowest window that has a map; in a lower one it would cover cards rather than help.
const LOWEST: f64 = 600.0;

/// Draws the map, where the drawing does not fit into its window. A press or drag on it moves the view there.
pub(super) fn minimap_view(hands: Hands) -> impl IntoView {
    let sight = hands.sight;
    let bounds = Memo::new(move |_| hands.graph.with(|graph| graph.bounds()));
    let seen = Memo::new(move |_| {
        let window = sight.window.get();
        let left = sight.covered.get();
        let seen = sight.viewport.get().shows(window);
        let covered = left / sight.viewport.get().zoom;
        Rect::new(
            seen.at.x + covered,
            seen.at.y,
            (seen.size.width - covered).max(1.0),
            seen.size.height,
        )
    });
    let needed = Memo::new(move |_| {
        let seen = seen.get();
        bounds.get().is_some_and(|all| {
            let inside =
                seen.contains(all.at) && seen.contains(Point::new(all.right(), all.bottom()));
            !inside && sight.window.get().height >= LOWEST
        })
    });
    let blocks = Memo::new(move |_| blocks(&hands));
    let world = Memo::new(move |_| {
        let all = bounds.get().unwrap_or_default().grown(MARGIN);
        fitted(all)
    });
    let view_box = move || {
        let Rect { at, size } = world.get();
        format!("{} {} {} {}", at.x, at.y, size.width, size.height)
    };
    let element: NodeRef<html::Div> = NodeRef::new();
    let corner: StoredValue<Option<Point>> = StoredValue::new(None);
    let go = move |event: &PointerEvent| {
        if let Some(corner) = corner.get_value() {
            let at = Point::new(f64::from(event.client_x()), f64::from(event.client_y()));
            let part = at.minus(corner);
            let world = world.get_untracked();
            let scale = world.size.width / MAP.width;
            sight.look_at(world.at.plus(part.scaled(scale)));
        }
    };
    let down = move |event: PointerEvent| {
        let Some(map) = element.get_untracked() else {
            return;
        };
        let rect: DomRect = map.get_bounding_client_rect();
        corner.set_value(Some(Point::new(rect.left(), rect.top())));
        // A pointer that has gone already cannot be captured, which changes nothing.
        let _ = map.set_pointer_capture(event.pointer_id());
        go(&event);
    };
    let over = move |event: PointerEvent| go(&event);
    let up = move |_| corner.set_value(None);
    let frame = move |what: fn(Rect) -> f64| what(seen.get());
    view! {
        <Show when=move || needed.get() && sight.map.get()>
            <div
                node_ref=element
                class="minimap"
                data-aside=""
                data-testid="minimap"
                aria-hidden="true"
                on:pointerdown=down
                on:pointermove=over
                on:pointerup=up
                on:pointercancel=up
            >
                <svg viewBox=view_box width=MAP.width height=MAP.height>
                    <path class="map-card" d=move || blocks.read().plain.clone()></path>
                    <path class="map-card warn" d=move || blocks.read().warned.clone()></path>
                    <path class="map-card bad" d=move || blocks.read().wrong.clone()></path>
                    <rect
                        class="map-frame"
                        x=move || frame(|seen| seen.at.x)
                        y=move || frame(|seen| seen.at.y)
                        width=move || frame(|seen| seen.size.width)
                        height=move || frame(|seen| seen.size.height)
                    ></rect>
                </svg>
            </div>
        </Show>
    }
}

/// A part of the world, made as wide or as high as the shape of the map asks.
fn fitted(all: Rect) -> Rect {
    let scale = (all.size.width / MAP.width).max(all.size.height / MAP.height);
    let (width, height) = (MAP.width * scale, MAP.height * scale);
    let centre = all.centre();
    Rect::new(
        centre.x - width / 2.0,
        centre.y - height / 2.0,
        width,
        height,
    )
}

fn blocks(hands: &Hands) -> Blocks {
    let problems = hands.pen.map(|pen| pen.desk.problems.get());
    let problems = problems.as_ref().map_or(&[][..], |problems| problems);
    let way = hands.pen.map(|pen| pen.desk.within.get());
    let way = way.unwrap_or_default();
    let mut blocks = Blocks::default();
    hands.graph.with(|graph| {
        for card in &graph.cards {
            let places = places_of(&way, &card.id);
            let worst = problems
                .iter()
                .filter(|problem| is_at(problem, &places))
                .map(|problem| problem.severity)
                .min();
            let path = match worst {
                None => &mut blocks.plain,
                Some(Severity::Warning) => &mut blocks.warned,
                Some(Severity::Error) => &mut blocks.wrong,
            };
            let Rect { at, size } = card.rect();
            path.push_str(&format!(
                "M{} {}h{}v{}h-{}z",
                at.x, at.y, size.width, size.height, size.width
            ));
        }
    });
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_shows_all_in_its_shape() {
        for all in [
            Rect::new(-50.0, 10.0, 4_000.0, 100.0),
            Rect::new(0.0, 0.0, 10.0, 900.0),
        ] {
            let shown = fitted(all);
            assert!(shown.contains(all.at));
            assert!(shown.contains(Point::new(all.right(), all.bottom())));
            let shape = shown.size.width / shown.size.height;
            assert!((shape - MAP.width / MAP.height).abs() < 1e-9);
        }
    }
}
