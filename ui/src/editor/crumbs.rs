//! The crumbs: where in the flow a person draws while a body is open, with ways back.

use leptos::prelude::*;

use super::desk::Desk;
use crate::{
    edit::body,
    kit::icon::{Glyph, Icon},
    texts::texts,
};

/// The bar over the drawing of a body. Nothing while the flow itself is drawn.
#[component]
pub(crate) fn Crumbs(desk: Desk) -> impl IntoView {
    let t = texts();
    let titles = Memo::new(move |_| {
        desk.flow
            .with(|flow| desk.within.with(|way| body::titles(flow, way)))
    });
    let crumb = move |depth: usize, title: String, last: bool| {
        if last {
            return view! { <li><span class="crumb" aria-current="location">{title}</span></li> }
                .into_any();
        }
        let back = move |_| {
            let way = desk.within.get_untracked();
            desk.open(&way[..depth.min(way.len())]);
        };
        view! {
            <li>
                <button type="button" class="crumb link-text" data-testid="crumb" on:click=back>{title}</button>
                <Glyph icon=Icon::ChevronRight size=14/>
            </li>
        }
        .into_any()
    };
    let crumbs = move || {
        let titles = titles.get();
        let last = titles.len() - 1;
        let crumbs = titles.into_iter().enumerate();
        crumbs
            .map(|(depth, title)| crumb(depth, title, depth == last))
            .collect_view()
    };
    view! {
        <Show when=move || desk.is_inside()>
            <nav class="crumbs" aria-label=t.crumbs_label data-testid="crumbs">
                <ol>{crumbs}</ol>
                <p class="fine">{t.crumbs_hint}</p>
            </nav>
        </Show>
    }
}
