//! The viewport: events go to the hands and the keys, and one transform shows what part of the drawing is seen.

use std::sync::Arc;

use leptos::{
    ev::{FocusEvent, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent, keydown, keyup},
    html,
    prelude::*,
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::ResizeObserver;
use weir_flows::document::Slug;

use super::{
    ask::Spot,
    card::card_view,
    geometry::{Size, Viewport},
    gesture::Gesture,
    graph::Graph,
    hands::{Hands, Pen},
    layout::GRID,
    links::link_view,
    live::Live,
    minimap::minimap_view,
    overlay::{front_view, overlay_view},
    scene::{DrawnCard, DrawnLink},
    sight::{Sight, ZOOM_STEP},
    start::start_view,
};
use crate::{
    edit::Chosen,
    kit::{button::IconButton, icon::Icon},
    texts::texts,
};

/// A drawing. Without a pen it is to look at: pan by dragging or scrolling, zoom by wheel, pinch or buttons, choose a card
/// by click or Enter. With a pen it is drawn on; the keys are told in [`super::keys`].
#[component]
pub(crate) fn Canvas(
    #[prop(into)] graph: Signal<Arc<Graph>>,
    /// What is chosen.
    #[prop(into)]
    chosen: Signal<Chosen>,
    /// Told what a person chooses.
    #[prop(into)]
    choose: Callback<Chosen>,
    /// What part of the drawing is seen, for those who steer it from outside.
    #[prop(optional)]
    sight: Option<Sight>,
    /// What the drawing is changed with; without it, it is only read.
    #[prop(optional)]
    pen: Option<Pen>,
    /// The run that is shown on the drawing.
    #[prop(optional, into)]
    live: Signal<Option<Live>>,
    /// The card where something happens; it is kept in sight until a person moves the drawing.
    #[prop(optional, into)]
    follow: Signal<Option<String>>,
) -> impl IntoView {
    let t = texts();
    let element: NodeRef<html::Div> = NodeRef::new();
    let sight = sight.unwrap_or_else(Sight::new);
    sight.shows(graph);
    let hands = Hands::new(element, sight, graph, pen, chosen, choose);
    draws(hands);
    steers(hands, follow);
    measure(element, move |size| {
        sight.resized(size);
        hands.measure_corner();
    });
    hears_space(hands);

    let viewport = sight.viewport;
    let class = move || {
        let mut class = String::from(if pen.is_some() {
            "canvas drawable"
        } else {
            "canvas"
        });
        for (set, word) in [
            (sight.gliding.get(), " gliding"),
            (live.with(Option::is_some), " live"),
            (hands.space.get(), " grabbable"),
        ] {
            if set {
                class.push_str(word);
            }
        }
        class.push_str(hands.shown.with(|gesture| match gesture {
            Gesture::Pan { .. } | Gesture::Pinch { .. } => " panning",
            Gesture::Move { .. } => " dragging",
            Gesture::Connect { .. } => " connecting",
            Gesture::Place { .. } => " placing",
            _ => "",
        }));
        // What is small is made easier to hit.
        class.push_str(match viewport.with(|viewport| viewport.zoom) {
            z if z < 0.35 => " tiny",
            z if z < 0.7 => " small",
            _ => "",
        });
        class
    };
    let class = Memo::new(move |_| class());
    let transform = move || {
        let Viewport { offset, zoom } = viewport.get();
        format!("translate({}px,{}px) scale({zoom})", offset.x, offset.y)
    };
    // The dots of the ground move and grow with the drawing, and thin out when it is small.
    let dots = Memo::new(move |_| {
        let zoom = viewport.with(|viewport| viewport.zoom);
        let thinned = match zoom {
            z if z < 0.4 => 4.0,
            z if z < 0.8 => 2.0,
            _ => 1.0,
        };
        GRID * zoom * thinned
    });
    let dots_size = move || format!("{0}px {0}px", dots.get());
    // They repeat, so their layer never moves further than from one dot to the next.
    let dots_at = move || {
        let (step, offset) = (dots.get(), viewport.with(|viewport| viewport.offset));
        let back = |at: f64| at.rem_euclid(step) - step;
        format!("translate({}px,{}px)", back(offset.x), back(offset.y))
    };
    let percent = move || format!("{:.0} %", viewport.with(|viewport| viewport.zoom) * 100.0);
    let empty = Memo::new(move |_| graph.with(|graph| graph.cards.is_empty()));
    let label = if pen.is_some() {
        t.canvas_label_drawable
    } else {
        t.canvas_label
    };
    view! {
        <div
            node_ref=element
            class=class
            role="group"
            tabindex="-1"
            aria-label=label
            data-testid="canvas"
            style=("--covered", move || format!("{}px", sight.covered.get()))
            on:pointerdown=move |event: PointerEvent| hands.down(&event)
            on:pointermove=move |event: PointerEvent| hands.over(&event)
            on:pointerup=move |event: PointerEvent| hands.up(&event)
            on:pointercancel=move |event: PointerEvent| hands.gone(&event)
            on:lostpointercapture=move |event: PointerEvent| hands.gone(&event)
            on:mousedown=move |event: MouseEvent| {
                // The middle button would scroll by itself.
                if event.button() == 1 {
                    event.prevent_default();
                }
            }
            on:dblclick=move |event: MouseEvent| hands.twice(&event)
            on:contextmenu=move |event: MouseEvent| hands.menu(&event)
            on:wheel=move |event: WheelEvent| hands.wheel(&event)
            on:keydown=move |event: KeyboardEvent| hands.key(&event)
            on:keyup=move |event: KeyboardEvent| hands.key_up(&event)
            on:focusin=move |_: FocusEvent| focus_came(hands)
        >
            <div class="dots" aria-hidden="true" style:background-size=dots_size style:transform=dots_at></div>
            <div class="scene" style:transform=transform>
                <For
                    each=move || hands.scene.cards.get()
                    key=|drawn: &DrawnCard| drawn.serial
                    children=move |drawn| card_view(drawn, hands, live)
                />
                <svg class="links" aria-hidden=pen.is_none().then_some("true")>
                    <For
                        each=move || hands.scene.links.get()
                        key=|drawn: &DrawnLink| drawn.serial
                        children=move |drawn| link_view(drawn, hands, live)
                    />
                </svg>
                {overlay_view(hands)}
            </div>
            {front_view(hands)}
            <Show when=move || empty.get()>{move || start_view(hands)}</Show>
            <div class="canvas-corner" data-aside="">
                {minimap_view(hands)}
                <div class="canvas-tools" role="toolbar" aria-label=t.key_zoom>
                    <IconButton icon=Icon::Minus label=t.canvas_out test="zoom-out" press=move |_| sight.zoom(1.0 / ZOOM_STEP)/>
                    <button
                        type="button"
                        class="button quiet small zoom"
                        data-testid="zoom-actual"
                        title=t.canvas_actual
                        on:click=move |_| sight.actual()
                    >
                        {percent}
                    </button>
                    <IconButton icon=Icon::Plus label=t.canvas_in test="zoom-in" press=move |_| sight.zoom(ZOOM_STEP)/>
                    <IconButton icon=Icon::Maximize label=t.canvas_fit test="zoom-fit" press=move |_| sight.fit()/>
                </div>
            </div>
            <p class="unseen" role="status" data-testid="canvas-said">{move || hands.said.get()}</p>
        </div>
    }
}

/// Draws what is to be seen, whenever some of it changes.
fn draws(hands: Hands) {
    let (graph, chosen) = (hands.graph, hands.chosen);
    // One card is in the order of Tab: the one that had the focus last, else a chosen one, else the first.
    let first = Memo::new(move |_| {
        graph.with(|graph| {
            let known = |id: &Slug| graph.find(id).is_some();
            let last = hands.first.get().filter(known);
            let chosen = || chosen.with(|chosen| chosen.cards.iter().find(|id| known(id)).cloned());
            last.or_else(chosen)
                .or_else(|| graph.cards.first().map(|card| card.id.clone()))
        })
    });
    Effect::new(move |_| {
        let graph = graph.get();
        let first = first.get();
        let had_focus = matches!(
            hands.focused(),
            Spot::Card(_) | Spot::Handle(_) | Spot::Link(_)
        );
        hands.shown.with(|gesture| {
            chosen.with(|chosen| hands.scene.draw(&graph, gesture, chosen, first.as_ref()));
        });
        // Where what had the focus is gone, the canvas keeps the keyboard.
        if had_focus {
            request_animation_frame(move || {
                let body = document().body().map(wasm_bindgen::JsValue::from);
                let active = document().active_element().map(wasm_bindgen::JsValue::from);
                if active.is_none() || active == body {
                    hands.focus(None);
                }
            });
        }
    });
}

/// Keeps in sight what matters, and grants wishes from outside.
fn steers(hands: Hands, follow: Signal<Option<String>>) {
    let sight = hands.sight;
    Effect::new(move |_| {
        sight.window.track();
        if let Some(id) = follow.get().filter(|_| !sight.touched.get_value()) {
            sight.reveal(&id);
        }
    });
    // A card that is chosen alone is never hidden by the edge, wherever it was chosen.
    let alone = Memo::new(move |_| hands.chosen.with(|chosen| chosen.only_card().cloned()));
    Effect::new(move |_| {
        sight.window.track();
        if let Some(id) = alone.get() {
            sight.reveal(&id);
        }
    });
    Effect::new(move |_| {
        if let Some(wish) = sight.wish.get() {
            sight.wish.set(None);
            hands.grant(wish);
        }
    });
}

/// The focus came to something on the canvas: its card is the one in the order of Tab now.
fn focus_came(hands: Hands) {
    let card = match hands.focused() {
        Spot::Card(id) => id,
        Spot::Handle(anchor) => anchor.card().clone(),
        // Its links stay in the order with it.
        Spot::Link(_) | Spot::LinkPlus(_) | Spot::Ground => return,
    };
    let by_keyboard = hands.gesture() == Gesture::Idle;
    if hands
        .first
        .with_untracked(|first| first.as_ref() != Some(&card))
    {
        hands.first.set(Some(card.clone()));
    }
    if by_keyboard {
        hands.sight.reveal(&card);
    }
}

/// Space makes any drag move the drawing, wherever on the page the keyboard is, unless somebody writes there.
fn hears_space(hands: Hands) {
    let at_rest = || match document().active_element() {
        Some(active) => active.tag_name() == "BODY",
        None => true,
    };
    let down = window_event_listener(keydown, move |event| {
        if event.key() == " " && at_rest() && !event.repeat() {
            event.prevent_default();
            hands.space_used.set_value(true);
            hands.space.set(true);
        }
    });
    let up = window_event_listener(keyup, move |event| {
        if event.key() == " " && hands.space.get_untracked() && at_rest() {
            hands.space.set(false);
        }
    });
    on_cleanup(move || {
        down.remove();
        up.remove();
    });
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
