//! The empty canvas: it asks what starts the flow.

use leptos::prelude::*;

use super::{ask::Ask, geometry::Point, hands::Hands};
use crate::{
    kit::{
        button::{Button, Weight},
        icon::{Glyph, Icon},
    },
    texts::{language, texts},
    words,
};

/// Asks for the first trigger, by the kinds that the catalog knows.
pub(super) fn start_view(hands: Hands) -> impl IntoView {
    let t = texts();
    let Some(pen) = hands.pen else {
        return view! {
            <div class="canvas-start">
                <div class="empty-icon"><Glyph icon=Icon::Workflow size=24/></div>
                <h2>{t.canvas_empty_title}</h2>
                <p>{t.canvas_empty_text}</p>
            </div>
        }
        .into_any();
    };
    if untrack(|| pen.desk.is_inside()) {
        return body_view(hands).into_any();
    }
    let begin = move |kind: String| {
        let window = hands.sight.window.get_untracked();
        // A flow goes to the right: it begins at a third of the window.
        let at = Point::new(window.width / 3.0, window.height / 2.0);
        let mut at = hands.whereabouts(at);
        at.world = super::layout::snapped(at.world);
        hands.ask(Ask::Begin { kind, at });
    };
    let choices = move || {
        let catalog = pen.desk.catalog.get();
        let choices = catalog.triggers.iter().map(|entry| {
            let kind = entry.kind.to_string();
            let (title, icon) = words::trigger_kind(t, &kind);
            let summary = entry.summary.of(language().code()).to_owned();
            let test = kind.clone();
            view! {
                <li>
                    <button type="button" class="start-choice" data-testid="start" data-kind=test on:click=move |_| begin(kind.clone())>
                        <span class="start-icon"><Glyph icon size=20/></span>
                        <span class="start-text">
                            <span class="start-title">{title}</span>
                            <span class="start-summary">{summary}</span>
                        </span>
                    </button>
                </li>
            }
        });
        choices.collect_view()
    };
    view! {
        <div class="canvas-start" data-aside="" data-testid="canvas-start">
            <h2>{t.canvas_start_title}</h2>
            <p>{t.canvas_start_text}</p>
            <ul class="start-choices">{choices}</ul>
        </div>
    }
    .into_any()
}

/// Asks for the first step of a body.
fn body_view(hands: Hands) -> impl IntoView {
    let t = texts();
    let add = move |_| {
        let window = hands.sight.window.get_untracked();
        let mut at = hands.whereabouts(Point::new(window.width / 3.0, window.height / 2.0));
        at.world = super::layout::snapped(at.world);
        hands.ask(Ask::AddAt { at });
    };
    view! {
        <div class="canvas-start" data-aside="" data-testid="canvas-start">
            <h2>{t.canvas_body_title}</h2>
            <p>{t.canvas_body_text}</p>
            <Button label=t.canvas_body_add icon=Icon::Plus weight=Weight::Primary test="body-add" press=add/>
        </div>
    }
}
