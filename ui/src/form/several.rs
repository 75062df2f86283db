//! The panel of several chosen cards: how many they are, and what may be done with all of them.

use leptos::prelude::*;

use crate::{
    edit::{self, Chosen},
    editor::Desk,
    kit::{
        button::{Button, IconButton, Weight},
        icon::Icon,
    },
    texts::{count, texts},
};

/// The panel of several cards and links.
#[component]
pub(super) fn SeveralPanel(desk: Desk, chosen: Chosen) -> impl IntoView {
    let t = texts();
    let mut said = Vec::new();
    if !chosen.cards.is_empty() {
        said.push(count(
            chosen.cards.len() as u64,
            t.form_cards_one,
            t.form_cards_many,
        ));
    }
    if !chosen.links.is_empty() {
        said.push(count(
            chosen.links.len() as u64,
            t.form_links_one,
            t.form_links_many,
        ));
    }
    let names: Vec<_> = chosen
        .cards
        .iter()
        .map(|id| {
            let id = id.clone();
            let shown = id.clone();
            view! {
                <li><button type="button" class="link-text mono" on:click=move |_| desk.choose(Some(id.clone()))>{shown}</button></li>
            }
        })
        .collect();
    let has_cards = !chosen.cards.is_empty();
    let chosen = StoredValue::new(chosen);
    let copy = move |_| {
        let taken = desk.taken();
        let place = |id: &str| desk.place(id);
        let done = desk.drawn.with_untracked(|flow| {
            chosen.with_value(|chosen| edit::duplicate(flow, &taken, &chosen.cards, place))
        });
        if let Some((change, new)) = done {
            desk.settle();
            desk.apply(change);
            desk.chosen.set(new);
        }
    };
    let switch = move |on: bool| {
        desk.settle();
        desk.make(|flow| chosen.with_value(|chosen| edit::switch(flow, &chosen.cards, on)));
        desk.settle();
    };
    let remove = move |_| {
        desk.settle();
        desk.make(|flow| chosen.with_value(|chosen| edit::delete(flow, chosen)));
    };
    let tools = has_cards.then(|| {
        view! {
            <Button label=t.form_duplicate icon=Icon::Copy test="several-duplicate" press=copy/>
            <Button label=t.form_enable icon=Icon::Check test="several-enable" press=move |_| switch(true)/>
            <Button label=t.form_disable icon=Icon::Ban test="several-disable" press=move |_| switch(false)/>
        }
    });
    view! {
        <header class="panel-head inspector-head">
            <div class="panel-name"><h2 data-testid="several">{said.join(", ")}</h2></div>
            <IconButton icon=Icon::X label=t.panel_close test="panel-close" press=move |_| desk.choose(None)/>
        </header>
        <div class="panel-body">
            <div class="form-tools">
                {tools}
                <Button label=t.delete icon=Icon::Trash2 weight=Weight::Danger test="several-delete" press=remove/>
            </div>
            <ul class="plain-list">{names}</ul>
        </div>
    }
}
