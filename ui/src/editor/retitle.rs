//! Another title for a card, typed where the card is.

use leptos::{ev::KeyboardEvent, html, prelude::*};
use weir_flows::document::Slug;

use super::{palette::inside, tools::Tools};
use crate::{
    canvas::{CARD_HEIGHT, CARD_WIDTH, geometry::Point},
    texts::texts,
};

/// The least width of the field, and its height, in window pixels.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 48.0;

/// A field over a card with its title in it. Enter, and leaving it, sets the title; Esc does not.
#[component]
pub(crate) fn Retitle(tools: Tools, card: Slug) -> impl IntoView {
    let t = texts();
    let before = tools.title(&card);
    let zoom = tools
        .sight
        .viewport
        .with_untracked(|viewport| viewport.zoom);
    let width = (CARD_WIDTH * zoom + 16.0).max(WIDTH);
    let (left, top) = match tools.desk.place(&card) {
        Some(at) => {
            let middle = at.plus(Point::new(CARD_WIDTH / 2.0, CARD_HEIGHT / 2.0));
            let client = tools.sight.to_client(middle);
            inside(
                client.minus(Point::new(width / 2.0, HEIGHT / 2.0)),
                width,
                HEIGHT,
            )
        }
        None => inside(Point::default(), width, HEIGHT),
    };
    let input: NodeRef<html::Input> = NodeRef::new();
    Effect::new(move || {
        if let Some(input) = input.get() {
            request_animation_frame(move || {
                let _ = input.focus();
                input.select();
            });
        }
    });
    let accept = {
        let before = before.clone();
        move || {
            let Some(input) = input.get_untracked() else {
                return;
            };
            let title = input.value().trim().to_owned();
            tools.close();
            if title != before {
                tools.retitle(&card, &title);
            }
        }
    };
    let keys = {
        let accept = accept.clone();
        move |event: KeyboardEvent| {
            match event.key().as_str() {
                "Enter" | "Tab" => accept(),
                "Escape" => tools.close(),
                _ => return,
            }
            event.prevent_default();
            event.stop_propagation();
        }
    };
    view! {
        <div class="cover" on:pointerdown=move |_| accept()></div>
        <div class="retitle surface" style:left=left style:top=top style:width=format!("{width}px")>
            <input
                node_ref=input
                class="input"
                aria-label=t.retitle_label
                maxlength="200"
                autocomplete="off"
                spellcheck="false"
                data-testid="retitle"
                prop:value=before
                on:keydown=keys
            />
        </div>
    }
}
