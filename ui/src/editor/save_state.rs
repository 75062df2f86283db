//! Shows how the saving of a draft stands, and asks where two people changed the same.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    desk::Desk,
    diff_view::{DiffView, told},
    keeping::Keeper,
    saving::{Event, Standing, Stored},
};
use crate::{
    clock, files,
    kit::{
        button::{Button, CopyButton, Weight},
        icon::{Glyph, Icon},
    },
    texts::{fill, texts},
};

/// A few words beside the title.
#[component]
pub(crate) fn SaveState(keeper: Keeper) -> impl IntoView {
    let t = texts();
    let second = RwSignal::new(clock::now());
    let ticking = set_interval_with_handle(
        move || {
            let lost = keeper
                .standing
                .try_with_untracked(|standing| matches!(standing, Standing::Lost(_)));
            if lost == Some(true) {
                second.try_set(clock::now());
            }
        },
        Duration::from_secs(1),
    );
    on_cleanup(move || {
        if let Ok(ticking) = ticking {
            ticking.clear();
        }
    });
    let state = move || match keeper.standing.get() {
        Standing::Saved => ("saved", Icon::Check, t.save_saved.to_owned()),
        Standing::Saving => ("saving", Icon::LoaderCircle, t.save_saving.to_owned()),
        Standing::Lost(_) => {
            let now = second.get().max(clock::now());
            let left = keeper.again_at.get().map_or(0.0, |at| (at - now) / 1_000.0);
            let n = format!("{:.0}", left.max(0.0).ceil());
            ("lost", Icon::TriangleAlert, fill(t.save_lost, &[("n", &n)]))
        }
        Standing::Stuck(trouble) => (
            "stuck",
            Icon::CircleX,
            fill(t.save_stuck, &[("why", trouble.sentence())]),
        ),
        Standing::Torn(_) => ("torn", Icon::TriangleAlert, t.save_torn.to_owned()),
    };
    let said = Memo::new(move |_| state());
    let word = move || said.with(|(word, ..)| *word);
    let hint = move || matches!(word(), "lost" | "stuck").then_some(t.save_lost_kept);
    // The seconds count on in sight only: said aloud, they would never end.
    let spoken = move || match keeper.standing.get() {
        Standing::Saved => t.save_saved,
        Standing::Saving => "",
        Standing::Lost(_) => t.save_lost_kept,
        Standing::Stuck(_) => t.save_again,
        Standing::Torn(_) => t.save_torn,
    };
    view! {
        <span class=move || format!("save-state {}", word()) data-testid="save-state" data-state=word title=hint>
            {move || view! { <Glyph icon=said.with(|(_, icon, _)| *icon) size=14/> }}
            <span aria-hidden="true">{move || said.with(|(.., text)| text.clone())}</span>
            <span class="unseen" role="status">{spoken}</span>
        </span>
        <Show when=move || matches!(word(), "lost" | "stuck")>
            <Button label=t.save_again weight=Weight::Quiet test="save-again" press=move |_| keeper.tell(Event::Now)/>
        </Show>
    }
}

/// Asks which of two documents it shall be, with what differs in words.
#[component]
pub(crate) fn TornBar(desk: Desk, keeper: Keeper) -> impl IntoView {
    let theirs = Memo::new(move |_| match keeper.standing.get() {
        Standing::Torn(theirs) => Some(theirs),
        _ => None,
    });
    move || {
        theirs
            .get()
            .map(|theirs| view! { <Torn desk keeper theirs/> })
    }
}

#[component]
fn Torn(desk: Desk, keeper: Keeper, theirs: Stored) -> impl IntoView {
    let t = texts();
    let base = keeper.stored.get_untracked().flow;
    let their_changes = desk
        .catalog
        .with_untracked(|catalog| told(&base, &theirs.flow, catalog));
    let my_changes = move || {
        let groups = desk
            .flow
            .with(|mine| desk.catalog.with(|catalog| told(&base, mine, catalog)));
        view! { <DiffView groups/> }
    };
    let printed = move || {
        desk.flow
            .with_untracked(|flow| serde_json::to_string_pretty(&**flow).unwrap_or_default())
    };
    let download = move |_| {
        let id = desk.flow.with_untracked(|flow| flow.id.clone());
        files::download(&format!("{id}.json"), &printed());
    };
    view! {
        <section class="torn-bar" role="alert" data-testid="torn" aria-label=t.save_torn>
            <p class="torn-title"><Glyph icon=Icon::TriangleAlert/>{t.torn_title}</p>
            <div class="torn-sides">
                <div><h2>{t.torn_theirs}</h2><DiffView groups=their_changes/></div>
                <div><h2>{t.torn_mine}</h2>{my_changes}</div>
            </div>
            <div class="torn-tools">
                <Button label=t.torn_take test="torn-take" press=move |_| keeper.tell(Event::TakeTheirs)/>
                <Button label=t.torn_keep weight=Weight::Primary test="torn-keep" press=move |_| keeper.tell(Event::KeepMine)/>
                <span class="fine">{t.torn_keep_hint}</span>
                <span class="torn-end">
                    <CopyButton label=t.torn_copy text=printed/>
                    <Button label=t.torn_download icon=Icon::Download weight=Weight::Quiet press=download/>
                </span>
            </div>
        </section>
    }
}
