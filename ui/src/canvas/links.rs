//! The links: one SVG layer below the cards. A link in a run is drawn by what was decided: taken, dead or pending.

use leptos::prelude::*;

use super::{geometry::link_path, graph::Graph, live::Live};
use crate::api::LinkState;

/// Draws all links of a drawing.
pub(crate) fn links_view(graph: &Graph, live: Option<&Live>) -> impl IntoView + use<> {
    let paths = graph.links.iter().filter_map(|link| {
        let (from, to) = graph.ends(link)?;
        let path = link_path(from, to);
        let state = live.and_then(|live| live.link(link.index));
        let class = move || match state.map(|state| state.get()) {
            None => "link",
            Some(LinkState::Pending) => "link pending",
            Some(LinkState::Taken) => "link taken",
            Some(LinkState::Dead) => "link dead",
        };
        let word = move || match state.map(|state| state.get()) {
            None => "",
            Some(LinkState::Pending) => "pending",
            Some(LinkState::Taken) => "taken",
            Some(LinkState::Dead) => "dead",
        };
        let tip = format!("M{} {}l-7 -4.5v9z", to.x, to.y);
        Some(view! {
            <g class=class class:error=link.port == "error" data-testid="link" data-link=link.index data-state=word>
                <path class="link-line" d=path></path>
                <path class="link-tip" d=tip></path>
            </g>
        })
    });
    let paths = paths.collect_view();
    view! { <svg class="links" aria-hidden="true">{paths}</svg> }
}
