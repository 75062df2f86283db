//! A button that opens a short list of things to do.

use std::sync::Arc;

use leptos::{ev::KeyboardEvent, html, prelude::*};
use wasm_bindgen::JsCast;

use super::icon::{Glyph, Icon};

/// One thing to do.
#[derive(Clone)]
pub(crate) struct MenuItem {
    label: &'static str,
    icon: Icon,
    /// The name that browser tests find it by.
    test: &'static str,
    press: Arc<dyn Fn() + Send + Sync>,
}

impl MenuItem {
    pub(crate) fn new(
        label: &'static str,
        icon: Icon,
        test: &'static str,
        press: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        MenuItem {
            label,
            icon,
            test,
            press: Arc::new(press),
        }
    }
}

/// The button with its list. Arrow keys move in it, Esc and a press elsewhere close it.
#[component]
pub(crate) fn Menu(
    label: &'static str,
    #[prop(into)] items: Signal<Vec<MenuItem>>,
    test: &'static str,
) -> impl IntoView {
    let open = RwSignal::new(false);
    // Below the button, by its right edge: in the window, so that no frame cuts the list off.
    let place = RwSignal::new((0.0, 0.0));
    let button: NodeRef<html::Button> = NodeRef::new();
    let list: NodeRef<html::Div> = NodeRef::new();
    let close = move || {
        open.set(false);
        if let Some(button) = button.get_untracked() {
            let _ = button.focus();
        }
    };
    Effect::new(move || {
        if let Some(list) = list.get()
            && let Some(first) = list.first_element_child()
        {
            focus(first);
        }
    });
    let outside = window_event_listener(leptos::ev::pointerdown, move |event| {
        let target: Option<web_sys::Node> =
            event.target().and_then(|target| target.dyn_into().ok());
        let within = |element: Option<&web_sys::Node>| {
            element.is_some_and(|element| element.contains(target.as_ref()))
        };
        let list = list.get_untracked();
        let button = button.get_untracked();
        let inside = within(list.as_ref().map(|list| list.unchecked_ref()))
            || within(button.as_ref().map(|button| button.unchecked_ref()));
        if open.get_untracked() && !inside {
            open.set(false);
        }
    });
    on_cleanup(move || outside.remove());
    let keys = move |event: KeyboardEvent| {
        let current = document().active_element();
        let next = match event.key().as_str() {
            "Escape" | "Tab" => {
                close();
                None
            }
            "ArrowDown" => current.and_then(|item| item.next_element_sibling()),
            "ArrowUp" => current.and_then(|item| item.previous_element_sibling()),
            "Home" => list
                .get_untracked()
                .and_then(|list| list.first_element_child()),
            "End" => list
                .get_untracked()
                .and_then(|list| list.last_element_child()),
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(next) = next {
            focus(next);
        }
    };
    let entries = move || {
        items
            .get()
            .into_iter()
            .map(|item| {
                view! {
                    <button
                        type="button"
                        role="menuitem"
                        class="drop-item"
                        tabindex="-1"
                        data-testid=item.test
                        on:click=move |_| {
                            close();
                            (item.press)();
                        }
                    >
                        <Glyph icon=item.icon/>
                        <span>{item.label}</span>
                    </button>
                }
            })
            .collect_view()
    };
    view! {
        <span class="drop-place">
            <button
                node_ref=button
                type="button"
                class="button quiet icon"
                data-testid=test
                aria-haspopup="menu"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-label=label
                title=label
                on:click=move |_| {
                    if let Some(button) = button.get_untracked() {
                        place.set(below(&button));
                    }
                    open.update(|open| *open = !*open);
                }
            >
                <Glyph icon=Icon::Ellipsis/>
            </button>
            <Show when=move || open.get()>
                <div
                    node_ref=list
                    class="drop-menu"
                    role="menu"
                    aria-label=label
                    style:top=move || format!("{}px", place.get().0)
                    style:right=move || format!("{}px", place.get().1)
                    on:keydown=keys
                >
                    {entries}
                </div>
            </Show>
        </span>
    }
}

/// Where a list below a button stands: its distance from the upper and from the right edge of the window.
fn below(button: &web_sys::HtmlButtonElement) -> (f64, f64) {
    let rect = button.get_bounding_client_rect();
    let width = document()
        .document_element()
        .map_or(0.0, |root| f64::from(root.client_width()));
    (rect.bottom() + 4.0, width - rect.right())
}

fn focus(element: web_sys::Element) {
    if let Ok(element) = element.dyn_into::<web_sys::HtmlElement>() {
        let _ = element.focus();
    }
}
