//! The width of the inspector: dragged at its edge or moved by arrow keys, and remembered.

use leptos::{
    ev::{KeyboardEvent, PointerEvent},
    html,
    prelude::*,
};
use wasm_bindgen::JsCast;

use crate::settings;

/// The key under which the browser remembers it.
const KEY: &str = "weir.inspector";
const USUAL: f64 = 400.0;
const LEAST: f64 = 320.0;
const MOST: f64 = 760.0;
/// How far an arrow key moves the edge.
const STRIDE: f64 = 16.0;

/// A panel at the right whose left edge can be moved.
#[component]
pub(super) fn Edge(
    /// What the edge is called.
    label: &'static str,
    class: &'static str,
    /// What the panel is called.
    name: &'static str,
    children: Children,
) -> impl IntoView {
    let remembered = settings::load(KEY).and_then(|width| width.parse().ok());
    let width = RwSignal::new(bounded(remembered.unwrap_or(USUAL)));
    let dragged = RwSignal::new(false);
    let panel: NodeRef<html::Aside> = NodeRef::new();
    let keep = move |to: f64| {
        width.set(bounded(to));
        settings::save(KEY, &width.get_untracked().to_string());
    };
    let down = move |event: PointerEvent| {
        event.prevent_default();
        if let Some(edge) = event
            .current_target()
            .and_then(|edge| edge.dyn_into::<web_sys::Element>().ok())
        {
            dragged.set(edge.set_pointer_capture(event.pointer_id()).is_ok());
        }
    };
    let moved = move |event: PointerEvent| {
        if let Some(panel) = panel.get_untracked().filter(|_| dragged.get_untracked()) {
            let right = panel.get_bounding_client_rect().right();
            width.set(bounded(right - f64::from(event.client_x())));
        }
    };
    let up = move |_: PointerEvent| {
        if dragged.get_untracked() {
            dragged.set(false);
            keep(width.get_untracked());
        }
    };
    let press = move |event: KeyboardEvent| {
        if let Some(to) = pressed(width.get_untracked(), &event.key()) {
            event.prevent_default();
            // The canvas must not move as well.
            event.stop_propagation();
            keep(to);
        }
    };
    view! {
        <aside class=class aria-label=name node_ref=panel style:width=move || format!("{}px", width.get()) data-testid="inspector">
            <div
                class="edge"
                class:dragged=dragged
                role="separator"
                aria-orientation="vertical"
                aria-label=label
                aria-valuenow=move || width.get().round().to_string()
                aria-valuemin=LEAST.to_string()
                aria-valuemax=MOST.to_string()
                tabindex="0"
                on:pointerdown=down
                on:pointermove=moved
                on:pointerup=up
                on:pointercancel=up
                on:dblclick=move |_| keep(USUAL)
                on:keydown=press
            ></div>
            <div class="inspector-body">{children()}</div>
        </aside>
    }
}

fn bounded(width: f64) -> f64 {
    width.clamp(LEAST, MOST)
}

/// The width after a key; nothing for a key that means nothing here.
fn pressed(width: f64, key: &str) -> Option<f64> {
    match key {
        "ArrowLeft" => Some(bounded(width + STRIDE)),
        "ArrowRight" => Some(bounded(width - STRIDE)),
        "Home" => Some(MOST),
        "End" => Some(LEAST),
        "Enter" => Some(USUAL),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_the_edge_within_bounds() {
        for (width, key, after) in [
            (400.0, "ArrowLeft", Some(416.0)),
            (400.0, "ArrowRight", Some(384.0)),
            (325.0, "ArrowRight", Some(320.0)),
            (400.0, "Home", Some(760.0)),
            (500.0, "Enter", Some(400.0)),
            (400.0, "a", None),
        ] {
            assert_eq!(pressed(width, key), after, "{key}");
        }
        assert_eq!(bounded(10_000.0), 760.0);
    }
}
