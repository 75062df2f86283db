//! The viewport: pointers, wheel and keys go to `gesture` and `geometry`, and one transform shows what comes of it.

use std::{sync::Arc, time::Duration};

use leptos::{
    ev::{KeyboardEvent, PointerEvent, WheelEvent},
    html,
    prelude::*,
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::ResizeObserver;

use super::{
    card::card_view,
    geometry::{Direction, Point, Rect, Size, Viewport, neighbour},
    gesture::{self, Gesture, Input},
    graph::Graph,
    links::links_view,
    live::Live,
};
use crate::{
    kit::{button::IconButton, icon::Icon, state::Empty},
    texts::texts,
};

/// The room kept free around a drawing that is fitted into its window.
const MARGIN: f64 = 48.0;
/// How much a press on a zoom button or key changes.
const ZOOM_STEP: f64 = 1.25;

/// A drawing to look at: pan by dragging or scrolling, zoom by wheel, pinch or buttons, choose a card by click or Enter.
#[component]
pub(crate) fn Canvas(
    graph: Arc<Graph>,
    /// The id of the card that is chosen.
    chosen: RwSignal<Option<String>>,
    /// The run that is shown on the drawing.
    #[prop(optional_no_strip)]
    live: Option<Live>,
    /// The card where something happens; it is kept in sight until a person moves the drawing.
    #[prop(optional, into)]
    follow: Signal<Option<String>>,
) -> impl IntoView {
    let t = texts();
    let Some(bounds) = graph.bounds() else {
        return view! { <Empty icon=Icon::Workflow title=t.canvas_empty_title text=t.canvas_empty_text/> }.into_any();
    };
    let element: NodeRef<html::Div> = NodeRef::new();
    let viewport = RwSignal::new(Viewport::default());
    let gesture = StoredValue::new(Gesture::Idle);
    let panning = RwSignal::new(false);
    let gliding = RwSignal::new(false);
    let window = RwSignal::new(Size::default());
    let touched = StoredValue::new(false);
    let graph = StoredValue::new(graph);

    let look = move |to: Viewport, glide: bool| {
        if glide {
            gliding.set(true);
            set_timeout(
                move || {
                    gliding.try_set(false);
                },
                Duration::from_millis(220),
            );
        }
        viewport.set(to);
    };
    let fit = move || {
        touched.set_value(true);
        look(Viewport::fit(bounds, window.get_untracked(), MARGIN), true);
    };
    let zoom = move |factor: f64| {
        touched.set_value(true);
        let size = window.get_untracked();
        let centre = Point::new(size.width / 2.0, size.height / 2.0);
        look(viewport.get_untracked().zoomed(factor, centre), true);
    };

    measure(element, move |size| {
        let before = window.get_untracked();
        window.set(size);
        if before == Size::default() {
            viewport.set(Viewport::first(bounds, size, MARGIN));
        }
    });
    let reveal = move |id: &str| {
        let size = window.get_untracked();
        let rect = graph.with_value(|graph| graph.find(id).map(|index| graph.cards[index].rect()));
        if let Some(rect) = rect.filter(|_| size.width > 0.0) {
            let now = viewport.get_untracked();
            let moved = now.revealing(rect, size, 24.0);
            if moved != now {
                look(moved, true);
            }
        }
    };
    Effect::new(move || {
        window.track();
        if let Some(id) = follow.get().filter(|_| !touched.get_value()) {
            reveal(&id);
        }
    });
    // A chosen card is never hidden by the edge, wherever it was chosen.
    Effect::new(move || {
        window.track();
        if let Some(id) = chosen.get() {
            reveal(&id);
        }
    });

    let play = move |input: Input| {
        let outcome = gesture::turn(gesture.get_value(), viewport.get_untracked(), input);
        gesture.set_value(outcome.gesture);
        if outcome.viewport != viewport.get_untracked() {
            touched.set_value(true);
            viewport.set(outcome.viewport);
        }
        let pans = matches!(outcome.gesture, Gesture::Pan { .. } | Gesture::Pinch { .. });
        if pans != panning.get_untracked() {
            panning.set(pans);
        }
        outcome.clicked
    };
    let down = move |event: PointerEvent| {
        if event.button() == 2 || within(&event, ".canvas-tools") {
            return;
        }
        if let Some(element) = element.get_untracked() {
            // A pointer that has gone already cannot be captured, which changes nothing.
            let _ = element.set_pointer_capture(event.pointer_id());
        }
        play(Input::Down {
            pointer: event.pointer_id(),
            at: place(&event, element),
        });
    };
    let over = move |event: PointerEvent| {
        play(Input::Move {
            pointer: event.pointer_id(),
            at: place(&event, element),
        });
    };
    let up = move |event: PointerEvent| {
        if play(Input::Up {
            pointer: event.pointer_id(),
        }) {
            chosen.set(card_at(&event));
        }
    };
    let gone = move |event: PointerEvent| {
        play(Input::Up {
            pointer: event.pointer_id(),
        });
    };
    let wheel = move |event: WheelEvent| {
        event.prevent_default();
        // Some browsers count in lines.
        let unit = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE {
            16.0
        } else {
            1.0
        };
        let by = Point::new(event.delta_x() * unit, event.delta_y() * unit);
        let by = if event.shift_key() && by.x == 0.0 {
            Point::new(by.y, 0.0)
        } else {
            by
        };
        // A pinch on a touchpad arrives as a wheel with Ctrl; a mouse wheel comes in big steps and zooms as well.
        let mouse = by.x == 0.0 && by.y.abs() >= 50.0 && !event.shift_key();
        let zoom = event.ctrl_key() || event.meta_key() || mouse;
        play(Input::Wheel {
            at: place(&event, element),
            by,
            zoom,
        });
    };
    let keys = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match event.key().as_str() {
            "+" | "=" => zoom(ZOOM_STEP),
            "-" => zoom(1.0 / ZOOM_STEP),
            "0" => fit(),
            "1" => zoom(1.0 / viewport.get_untracked().zoom),
            "Escape" => chosen.set(None),
            key => {
                let Some(direction) = Direction::of_key(key) else {
                    return;
                };
                walk(element, graph, direction);
            }
        }
        event.prevent_default();
    };

    let scene = graph.with_value(|graph| {
        let links = links_view(graph, live.as_ref());
        let cards = graph.cards.iter().enumerate().map(|(index, card)| {
            let id = card.id.clone();
            let state = live.as_ref().and_then(|live| live.card(&id));
            let is_chosen = {
                let id = id.clone();
                Signal::derive(move || chosen.with(|chosen| chosen.as_ref() == Some(&id)))
            };
            // One card is in the order of Tab: the chosen one, or else the first.
            let first = Signal::derive(move || {
                is_chosen.get() || (index == 0 && chosen.with(Option::is_none))
            });
            card_view(card, state, is_chosen, first, move || {
                chosen.set(Some(id.clone()))
            })
        });
        view! {
            {links}
            {cards.collect_view()}
        }
    });
    let percent = move || format!("{:.0} %", viewport.get().zoom * 100.0);
    let transform = move || {
        let Viewport { offset, zoom } = viewport.get();
        format!("translate({}px,{}px) scale({zoom})", offset.x, offset.y)
    };
    // The dots of the ground move and grow with the drawing, and thin out when it is small.
    let dots = move || {
        let Viewport { zoom, .. } = viewport.get();
        let thinned = match zoom {
            z if z < 0.4 => 4.0,
            z if z < 0.8 => 2.0,
            _ => 1.0,
        };
        let step = 20.0 * zoom * thinned;
        format!("{step}px {step}px")
    };
    let dots_at = move || {
        let Viewport { offset, .. } = viewport.get();
        format!("{}px {}px", offset.x, offset.y)
    };
    view! {
        <div
            node_ref=element
            class="canvas"
            class:panning=panning
            class:gliding=gliding
            class:live=live.is_some()
            role="group"
            aria-label=t.canvas_label
            data-testid="canvas"
            style:background-size=dots
            style:background-position=dots_at
            on:pointerdown=down
            on:pointermove=over
            on:pointerup=up
            on:pointercancel=gone
            on:wheel=wheel
            on:keydown=keys
            on:focusin=move |_| {
                let by_keyboard = matches!(gesture.get_value(), Gesture::Idle);
                if let Some(id) = focused_card().filter(|_| by_keyboard) {
                    reveal(&id);
                }
            }
        >
            <div class="scene" style:transform=transform>{scene}</div>
            <div class="canvas-tools" role="toolbar" aria-label=t.key_zoom>
                <IconButton icon=Icon::Minus label=t.canvas_out test="zoom-out" press=move |_| zoom(1.0 / ZOOM_STEP)/>
                <button
                    type="button"
                    class="button quiet small zoom"
                    data-testid="zoom-actual"
                    title=t.canvas_actual
                    on:click=move |_| zoom(1.0 / viewport.get_untracked().zoom)
                >
                    {percent}
                </button>
                <IconButton icon=Icon::Plus label=t.canvas_in test="zoom-in" press=move |_| zoom(ZOOM_STEP)/>
                <IconButton icon=Icon::Maximize label=t.canvas_fit test="zoom-fit" press=move |_| fit()/>
            </div>
        </div>
    }
    .into_any()
}

/// An observer with what it calls.
type Observer = (ResizeObserver, Closure<dyn FnMut()>);

/// Tells the size of an element now and whenever it changes.
fn measure(element: NodeRef<html::Div>, tell: impl Fn(Size) + Clone + 'static) {
    let observer: StoredValue<Option<Observer>, LocalStorage> = StoredValue::new_local(None);
    Effect::new(move || {
        let Some(target) = element.get() else { return };
        let tell = tell.clone();
        let seen = target.clone();
        let callback = Closure::<dyn FnMut()>::new(move || {
            let rect = seen.get_bounding_client_rect();
            tell(Size {
                width: rect.width(),
                height: rect.height(),
            });
        });
        if let Ok(resizes) = ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            resizes.observe(&target);
            observer.set_value(Some((resizes, callback)));
        }
    });
    on_cleanup(move || {
        observer.try_update_value(|observer| {
            if let Some((observer, _)) = observer.take() {
                observer.disconnect();
            }
        });
    });
}

/// Where a pointer is, seen from the corner of the canvas.
fn place(event: &web_sys::MouseEvent, element: NodeRef<html::Div>) -> Point {
    let at = Point::new(f64::from(event.client_x()), f64::from(event.client_y()));
    let corner = element.get_untracked().map(|element| {
        let rect = element.get_bounding_client_rect();
        Point::new(rect.left(), rect.top())
    });
    at.minus(corner.unwrap_or_default())
}

/// The card under a pointer. The canvas captures pointers, so the event itself does not tell.
fn card_at(event: &PointerEvent) -> Option<String> {
    let under = document().element_from_point(event.client_x() as f32, event.client_y() as f32)?;
    under
        .closest("[data-card]")
        .ok()??
        .get_attribute("data-card")
}

/// The card that has the focus.
fn focused_card() -> Option<String> {
    document().active_element()?.get_attribute("data-card")
}

fn within(event: &PointerEvent, selector: &str) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target
        .and_then(|target| target.closest(selector).ok().flatten())
        .is_some()
}

/// Moves the focus from card to card.
fn walk(element: NodeRef<html::Div>, graph: StoredValue<Arc<Graph>>, direction: Direction) {
    let Some(canvas) = element.get_untracked() else {
        return;
    };
    let focused = focused_card();
    let target = graph.with_value(|graph| {
        let rects: Vec<Rect> = graph.cards.iter().map(super::graph::Card::rect).collect();
        let from = focused.and_then(|id| graph.find(&id));
        let to = from.map_or(Some(0), |from| neighbour(&rects, from, direction));
        to.map(|index| graph.cards[index].id.clone())
    });
    let Some(id) = target else { return };
    let card = canvas
        .query_selector(&format!("[data-card=\"{id}\"]"))
        .ok()
        .flatten();
    if let Some(card) = card.and_then(|card| card.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = card.focus();
    }
}
