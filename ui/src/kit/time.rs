//! Instants and spans that keep themselves up to date.

use leptos::prelude::*;

use crate::{clock, texts::texts, words};

/// How long ago or until an RFC 3339 instant; the exact time on pointing.
#[component]
pub(crate) fn TimeAgo(#[prop(into)] at: String) -> impl IntoView {
    let Some(millis) = clock::parse(&at) else {
        return view! { <span>{at}</span> }.into_any();
    };
    view! {
        <time datetime=at title=clock::full(millis)>
            {move || clock::relative(millis, clock::ticking())}
        </time>
    }
    .into_any()
}

/// How long something took, or has taken so far where it has not ended.
#[component]
pub(crate) fn Took(
    #[prop(into)] from: String,
    #[prop(optional_no_strip)] to: Option<String>,
) -> impl IntoView {
    let Some(start) = clock::parse(&from) else {
        return ().into_any();
    };
    match to.as_deref().and_then(clock::parse) {
        Some(end) => view! { <span class="number">{words::duration(texts(), (end - start).max(0.0))}</span> }.into_any(),
        None => view! {
            <span class="number">{move || words::duration(texts(), (clock::ticking() - start).max(0.0))}</span>
        }
        .into_any(),
    }
}
