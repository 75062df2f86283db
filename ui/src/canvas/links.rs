//! The links: one SVG layer below the cards. A link in a run is drawn by what was decided: taken, dead or pending.

use leptos::{ev::MouseEvent, prelude::*};

use super::{
    geometry::{Curve, Point},
    graph::ERROR,
    hands::Hands,
    live::Live,
    scene::DrawnLink,
};
use crate::{
    api::LinkState,
    edit::Chosen,
    texts::{fill, texts},
};

/// Where on a link its grips are: so far from its ends.
const GRIP: f64 = 0.14;

/// Draws a link.
pub(super) fn link_view(drawn: DrawnLink, hands: Hands, live: Signal<Option<Live>>) -> AnyView {
    let curve = {
        let drawn = drawn.clone();
        Memo::new(move |_| drawn.curve())
    };
    let DrawnLink { line, look, .. } = drawn;
    let index = {
        let line = line.clone();
        Memo::new(move |_| line.read().index)
    };
    let state = {
        let signal = Memo::new(move |_| live.with(|live| live.as_ref()?.link(index.get())));
        Memo::new(move |_| signal.get().map(|state| state.get()))
    };
    let hot = RwSignal::new(false);
    let class = {
        let (line, look) = (line.clone(), look.clone());
        move || {
            let look = look.read();
            let mut class = String::from("link");
            for (set, word) in [
                (line.read().link.port() == ERROR, " error"),
                (look.chosen, " chosen"),
                (look.taken_off, " taken-off"),
                (look.meant, " meant"),
            ] {
                if set {
                    class.push_str(word);
                }
            }
            if let Some(state) = state.get() {
                class.push(' ');
                class.push_str(word(state));
            }
            class
        }
    };
    let path = Memo::new(move |_| curve.read().path());
    let tip = move || tip(curve.get());
    if hands.pen.is_none() {
        return view! {
            <g class=class data-testid="link" data-link=index data-state=move || state.get().map_or("", word)>
                <path class="link-line" d=path></path>
                <path class="link-tip" d=tip></path>
            </g>
        }
        .into_any();
    }
    let label = {
        let line = line.clone();
        move || {
            let line = line.read();
            hands.graph.with(|graph| {
                let title = |id: &str| graph.card(id).map_or("", |card| card.title.as_str());
                let ends = [
                    ("from", title(&line.link.from)),
                    ("port", line.link.port()),
                    ("to", title(&line.link.to)),
                ];
                fill(texts().canvas_link, &ends)
            })
        }
    };
    let handles = {
        let look = look.clone();
        let active = Memo::new(move |_| hot.get() || look.read().chosen);
        move || active.get().then(|| handles_view(curve))
    };
    let (tab, pressed) = (look.clone(), look);
    view! {
        <g
            class=class
            data-testid="link"
            data-link=index
            data-state=move || state.get().map_or("", word)
            role="button"
            tabindex=move || if tab.read().first { "0" } else { "-1" }
            aria-label=label
            aria-pressed=move || if pressed.read().chosen { "true" } else { "false" }
            on:pointerenter=move |_| hot.set(true)
            on:pointerleave=move |_| hot.set(false)
            on:focus=move |_| hot.set(true)
            on:blur=move |_| hot.set(false)
            on:click=move |event: MouseEvent| {
                // Pointers are the hands' business; this is a screen reader that presses.
                if event.detail() == 0 {
                    let link = line.with_untracked(|line| line.link.clone());
                    hands.choose.run(Chosen { links: [link].into(), ..Chosen::default() });
                }
            }
        >
            <path class="link-hit" d=path></path>
            <path class="link-line" d=path></path>
            <path class="link-tip" d=tip></path>
            {handles}
        </g>
    }
    .into_any()
}

/// What a link shows under the pointer or when it is chosen: its ends can be taken off, and a step put on it.
fn handles_view(curve: Memo<Curve>) -> impl IntoView {
    let at = move |part: f64| {
        let Point { x, y } = curve.read().point(part);
        format!("translate({x} {y})")
    };
    view! {
        <circle class="link-grip" r="4.5" transform=move || at(GRIP)></circle>
        <circle class="link-grip" r="4.5" transform=move || at(1.0 - GRIP)></circle>
        <g class="link-plus" data-plus="" data-testid="link-plus" transform=move || at(0.5)>
            <title>{texts().canvas_insert}</title>
            <circle class="link-plus-reach" r="14"></circle>
            <circle class="link-plus-face" r="10"></circle>
            <path d="M-4.5 0h9M0 -4.5v9"></path>
        </g>
    }
}

/// A link in the hand, from its fixed end to where it is led.
pub(super) fn wire_view(
    curve: Signal<Option<Curve>>,
    legal: Signal<Option<bool>>,
) -> impl IntoView {
    let class = move || match legal.get() {
        None => "wire",
        Some(true) => "wire legal",
        Some(false) => "wire illegal",
    };
    move || {
        curve.get().map(|curve| {
            view! {
                <g class=class data-testid="wire">
                    <path class="link-line" d=curve.path()></path>
                    <path class="link-tip" d=tip(curve)></path>
                </g>
            }
        })
    }
}

/// The arrow at the end of a link.
fn tip(curve: Curve) -> String {
    let to = curve.point(1.0);
    format!("M{} {}l-8 -5v10z", to.x - 1.0, to.y)
}

fn word(state: LinkState) -> &'static str {
    match state {
        LinkState::Pending => "pending",
        LinkState::Taken => "taken",
        LinkState::Dead => "dead",
    }
}
