//! What is drawn only while a hand is at work: the marquee, guide lines, the link in the hand, a new card, and why not.

use leptos::prelude::*;

use super::{
    ask::Anchor,
    card::ghost_view,
    geometry::{Curve, Point, Rect},
    gesture::{Gesture, Leader},
    hands::Hands,
    links::wire_view,
    wire::point_on,
};

/// How far from the pointer the reason stands.
const ASIDE: f64 = 16.0;

/// What lies in the world, above the cards.
pub(super) fn overlay_view(hands: Hands) -> impl IntoView {
    let shown = hands.shown;
    let curve = Signal::derive(move || shown.with(|gesture| wire_curve(&hands, gesture)));
    let legal = Signal::derive(move || {
        shown.with(|gesture| gesture.target().map(|target| target.legal.is_ok()))
    });
    let guides = Memo::new(move |_| {
        shown.with(|gesture| match gesture {
            Gesture::Move { settled, .. } => settled.guides.clone(),
            _ => Vec::new(),
        })
    });
    let guides = move || {
        let lines = guides.get().into_iter().map(|guide| {
            view! { <line class="guide" x1=guide.from.x y1=guide.from.y x2=guide.to.x y2=guide.to.y></line> }
        });
        lines.collect_view()
    };
    let carried = Memo::new(move |_| {
        shown.with(|gesture| match gesture {
            Gesture::Place { carried, .. } => Some(carried.clone()),
            _ => None,
        })
    });
    let ghost_at = move || {
        shown.with(|gesture| match gesture {
            Gesture::Place { place, .. } => format!("translate({}px,{}px)", place.x, place.y),
            _ => String::new(),
        })
    };
    let ghost = move || {
        carried.get().map(|carried| {
            view! { <div class="carried" data-testid="ghost" style:transform=ghost_at>{ghost_view(&carried.card)}</div> }
        })
    };
    view! {
        <svg class="links over" aria-hidden="true">
            {guides}
            {wire_view(curve, legal)}
        </svg>
        {ghost}
    }
}

/// What lies in the window, above everything: it keeps its size at any zoom.
pub(super) fn front_view(hands: Hands) -> impl IntoView {
    let shown = hands.shown;
    let marquee = Memo::new(move |_| {
        let viewport = hands.sight.viewport.get();
        shown.with(|gesture| match gesture {
            Gesture::Marquee { start, at, .. } => {
                Some(Rect::between(viewport.to_window(*start), *at))
            }
            _ => None,
        })
    });
    let marquee = move || {
        marquee.get().map(|Rect { at, size }| {
            view! {
                <div
                    class="marquee"
                    data-testid="marquee"
                    style:transform=format!("translate({}px,{}px)", at.x, at.y)
                    style:width=format!("{}px", size.width)
                    style:height=format!("{}px", size.height)
                ></div>
            }
        })
    };
    let reason = Memo::new(move |_| {
        shown.with(|gesture| {
            let reason = gesture.target()?.legal.as_ref().err()?;
            Some(hands.reason(reason))
        })
    });
    let reason_at = move || {
        let at = shown.with(|gesture| match gesture {
            Gesture::Connect { at, .. } => *at,
            _ => Point::default(),
        });
        format!("translate({}px,{}px)", at.x + ASIDE, at.y + ASIDE)
    };
    let reason = move || {
        reason.get().map(|reason| {
            view! { <p class="why" data-testid="why" style:transform=reason_at>{reason}</p> }
        })
    };
    view! {
        {marquee}
        {reason}
    }
}

/// The way of the link in the hand: to the target it means, or to the pointer.
fn wire_curve(hands: &Hands, gesture: &Gesture) -> Option<Curve> {
    let Gesture::Connect {
        leader, wire, at, ..
    } = gesture
    else {
        return None;
    };
    let point = |anchor: &Anchor| {
        let drawn = hands.drawn(anchor.card())?;
        Some(drawn.card.with(|card| point_on(card, anchor)))
    };
    let fixed = point(&wire.fixed)?;
    let target = gesture.target().filter(|target| target.legal.is_ok());
    let led = match target {
        Some(target) => point(&target.anchor)?,
        None if *leader == Leader::Keys => return None,
        None => hands.sight.viewport.get().to_world(*at),
    };
    Some(match wire.fixed {
        Anchor::Port { .. } => Curve::new(fixed, led),
        Anchor::Entry { .. } => Curve::new(led, fixed),
    })
}
