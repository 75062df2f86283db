//! The head of a flow: its title, how it stands and is saved, and what is done with it as a whole.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;

use super::super::{
    flows::{export, pause, pausing, state, switch},
    new_flow::Making,
};
use crate::{
    api::{self, FlowSummary, encode},
    edit,
    editor::{SaveState, Session},
    kit::{
        button::{Button, Weight},
        dialog::Confirm,
        icon::{Glyph, Icon},
        menu::{Menu, MenuItem},
        toast::toast,
    },
    texts::{fill, texts},
};

#[component]
pub(super) fn Head(
    session: Session,
    summary: RwSignal<FlowSummary>,
    publish: Callback<()>,
    start_try: Callback<()>,
    making: RwSignal<Option<Making>>,
) -> impl IntoView {
    let t = texts();
    let desk = session.desk;
    let id = desk.flow.with_untracked(|flow| flow.id.clone());
    let title = Memo::new(move |_| desk.flow.with(|flow| flow.title.clone()));
    let write = move |title: String| {
        desk.make_whole(|flow| edit::set_head(flow, &title, &flow.description.clone()));
    };
    let deleting = RwSignal::new(false);
    let name = move || summary.with(|flow| flow.name().to_owned());
    let publishable = Memo::new(move |_| {
        let of_draft = summary.with(|flow| flow.published.is_none() || flow.changed);
        of_draft || session.keeper.standing.get() != crate::editor::Standing::Saved
    });
    let weight = move || {
        if publishable.get() {
            Weight::Primary
        } else {
            Weight::Normal
        }
    };
    let navigate = use_navigate();
    let delete = {
        let id = id.clone();
        move || {
            let (id, navigate) = (id.clone(), navigate.clone());
            spawn_local(async move {
                match api::remove(&format!("/flows/{}", encode(&id))).await {
                    Ok(()) => {
                        toast().good(fill(texts().deleted, &[("name", &id)]));
                        navigate("/", Default::default());
                    }
                    Err(trouble) => toast().trouble(&trouble),
                }
            });
        }
    };
    let items = {
        let id = id.clone();
        Signal::derive(move || {
            let now = summary.get();
            let (switched, paused, exported) = (now.clone(), now.clone(), id.clone());
            let (pause_word, pause_icon) = pausing(now.paused);
            let (word, icon) = if now.enabled {
                (t.flow_disable, Icon::Ban)
            } else {
                (t.flow_enable, Icon::Play)
            };
            vec![
                MenuItem::new(word, icon, "switch", move || {
                    switch(switched.clone(), move |now| drop(summary.try_set(now)));
                }),
                MenuItem::new(pause_word, pause_icon, "pause", move || {
                    pause(paused.clone(), move |now| drop(summary.try_set(now)));
                }),
                MenuItem::new(t.flow_duplicate, Icon::Copy, "duplicate", move || {
                    making.set(Some(Making::Copy(now.clone())));
                }),
                MenuItem::new(t.flows_export, Icon::Download, "export", move || {
                    export(exported.clone());
                }),
                MenuItem::new(t.delete, Icon::Trash2, "delete", move || deleting.set(true)),
            ]
        })
    };
    let delete_title = Signal::derive(move || fill(t.delete_flow_title, &[("name", &name())]));
    view! {
        <header class="page-head flow-head">
            <a class="button quiet icon" href="/" aria-label=t.flow_back title=t.flow_back><Glyph icon=Icon::ArrowLeft/></a>
            <div class="flow-title">
                <h1>
                    <input
                        class="title-input"
                        data-testid="flow-title"
                        aria-label=t.flow_title_label
                        title=t.flow_title_label
                        spellcheck="false"
                        autocomplete="off"
                        placeholder=id.clone()
                        prop:value=title
                        size=move || title.with(|title| title.chars().count().clamp(12, 48)).to_string()
                        on:input:target=move |event| write(event.target().value())
                        on:blur=move |_| desk.settle()
                        on:keydown:target=move |event| {
                            if matches!(event.key().as_str(), "Enter" | "Escape") {
                                let _ = event.target().blur();
                            }
                        }
                    />
                </h1>
                <span class="fine mono">{id}</span>
            </div>
            <span class="flow-states">
                <span data-testid="flow-state">{move || state(&summary.get())}</span>
                <SaveState keeper=session.keeper/>
            </span>
            <div class="page-tools">
                <Button label=t.tab_try icon=Icon::Play test="try" press=move |_| start_try.run(())/>
                {move || view! { <Button label=t.flows_publish icon=Icon::Rocket weight=weight() test="publish" press=move |_| publish.run(())/> }}
                <Menu label=t.flow_more items test="flow-menu"/>
            </div>
        </header>
        <Confirm open=deleting title=delete_title text=t.delete_flow_text accept=delete/>
    }
}
