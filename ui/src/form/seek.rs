//! Finding the field of a place in the page: to take a person there, or to give a new field the focus.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollBehavior, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::place::parent;

/// What takes the focus within a field, the best one first.
const INPUTS: [&str; 3] = [
    "input:not([disabled]), textarea, select, [contenteditable=true]",
    "button:not(.form-info):not(.mode):not([disabled])",
    "button",
];

/// Takes a person to the field for a place, or to the nearest one around it, once the page has drawn it.
pub(crate) fn go_to(at: String) {
    after_drawing(move || {
        let mut place = at.as_str();
        let found = loop {
            match (find(place), place) {
                (Some(found), _) => break Some(found),
                (None, "") => break None,
                (None, _) => place = parent(place),
            }
        };
        let Some(element) = found else { return };
        open_around(&element);
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Center);
        options.set_behavior(ScrollBehavior::Auto);
        element.scroll_into_view_with_scroll_into_view_options(&options);
        focus_in(&element);
        let _ = element.class_list().remove_1("sought");
        // Reading a size makes the browser see that the class was gone, so that its animation starts anew.
        let _ = element.client_width();
        let _ = element.class_list().add_1("sought");
    });
}

/// Gives the focus to the field for a place, once the page has drawn it.
pub(crate) fn focus_first(at: &str) {
    let at = at.to_owned();
    after_drawing(move || {
        if let Some(element) = find(&at) {
            focus_in(&element);
        }
    });
}

/// Gives the focus to an element by its id, once the page has drawn it.
pub(crate) fn focus_id(id: &str) {
    let id = id.to_owned();
    after_drawing(move || {
        let found = document().get_element_by_id(&id);
        if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            let _ = element.focus();
        }
    });
}

/// Effects have run by the next frame, and what they changed is drawn by the one after.
fn after_drawing(then: impl FnOnce() + 'static) {
    request_animation_frame(move || request_animation_frame(then));
}

fn find(at: &str) -> Option<Element> {
    let all = document().query_selector_all(".inspector [data-at]").ok()?;
    (0..all.length())
        .filter_map(|index| all.item(index)?.dyn_into::<Element>().ok())
        .find(|element| element.get_attribute("data-at").as_deref() == Some(at))
}

/// Opens every fold that an element is in.
fn open_around(element: &Element) {
    let mut around = element.parent_element();
    while let Some(outer) = around {
        if outer.tag_name() == "DETAILS" {
            let _ = outer.set_attribute("open", "");
        }
        around = outer.parent_element();
    }
}

fn focus_in(element: &Element) {
    for inputs in INPUTS {
        if let Ok(Some(found)) = element.query_selector(inputs) {
            let _ = found.unchecked_ref::<HtmlElement>().focus();
            return;
        }
    }
}
