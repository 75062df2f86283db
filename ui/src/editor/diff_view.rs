//! Draws what differs between two documents, group by group.

use leptos::prelude::*;
use weir_flows::{catalog::Catalog, document::Flow};

use super::telling::{Group, Line, tell};
use crate::{
    edit::{Diff, Named},
    texts::{language, texts},
};

/// The differences between two documents, in the words of the catalog.
pub(crate) fn told(before: &Flow, after: &Flow, catalog: &Catalog) -> Vec<Group> {
    tell(texts(), &Diff::between(before, after), label(catalog))
}

/// What a setting of a card is called.
fn label(catalog: &Catalog) -> impl Fn(&Named, &str) -> Option<String> {
    move |card, key| {
        let entry = if card.is_trigger {
            catalog.trigger(&card.kind)
        } else {
            catalog.step(&card.kind)
        };
        let field = entry?.fields.iter().find(|field| field.name == key)?;
        Some(field.title.of(language().code()).to_owned())
    }
}

/// The differences. Where `show` is given, cards can be pressed to be taken to.
#[component]
pub(crate) fn DiffView(
    groups: Vec<Group>,
    #[prop(optional, into)] show: Option<Callback<String>>,
) -> impl IntoView {
    if groups.is_empty() {
        return view! { <p class="fine" data-testid="diff">{texts().diff_same}</p> }.into_any();
    }
    let line = move |line: Line| {
        let name = match (show, line.card) {
            (Some(show), Some(card)) => view! {
                <button type="button" class="link-text" on:click=move |_| show.run(card.clone())>{line.text}</button>
            }
            .into_any(),
            _ => view! { <span>{line.text}</span> }.into_any(),
        };
        let details = line
            .details
            .into_iter()
            .map(|detail| view! { <li>{detail}</li> });
        let details: Vec<_> = details.collect();
        view! {
            <li>
                {name}
                {(!details.is_empty()).then(|| view! { <ul class="diff-details">{details}</ul> })}
            </li>
        }
    };
    let groups = groups.into_iter().map(|group| {
        view! {
            <section class=format!("diff-group {}", group.tone)>
                <h3>{group.heading}</h3>
                <ul>{group.lines.into_iter().map(line).collect_view()}</ul>
            </section>
        }
    });
    view! { <div class="diff" data-testid="diff">{groups.collect_view()}</div> }.into_any()
}
