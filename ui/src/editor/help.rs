//! The keys: those of the commands, and those that the drawing itself answers.

use leptos::prelude::*;

use super::{
    command::{Chapter, Command},
    tools::{Tools, is_mac},
};
use crate::{
    kit::dialog::Dialog,
    texts::{Texts, fill, texts},
};

/// The list of keys, by chapter.
#[component]
pub(crate) fn Help(tools: Tools) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(true);
    Effect::new(move || {
        if !open.get() {
            tools.close();
        }
    });
    view! {
        <Dialog open title=Signal::stored(t.command_help.to_owned()) wide=true>
            <div class="dialog-body help" tabindex="0" data-testid="help">
                <div>
                    {chapter(t, Chapter::Draw, t.help_draw)}
                    {chapter(t, Chapter::Flow, t.help_flow)}
                </div>
                <div>
                    {by_hand(t)}
                    {chapter(t, Chapter::View, t.help_view)}
                </div>
            </div>
        </Dialog>
    }
}

fn chapter(t: &'static Texts, chapter: Chapter, title: &'static str) -> impl IntoView {
    let rows = Command::ALL
        .into_iter()
        .filter(|command| command.chapter() == chapter)
        .map(|command| {
            let chords = command.chords().iter();
            let keys: Vec<_> = chords
                .map(|chord| view! { <kbd>{chord.words(t, is_mac())}</kbd> })
                .collect();
            row(command.words(t), keys)
        });
    view! { <section><h3>{title}</h3><dl>{rows.collect_view()}</dl></section> }
}

/// What the drawing itself answers: keys, and what a pointer does with them.
fn by_hand(t: &'static Texts) -> impl IntoView {
    let (ctrl, shift) = if is_mac() {
        ("⌘", "⇧")
    } else {
        (t.chord_ctrl, t.chord_shift)
    };
    let rows = [
        (t.hand_walk, t.hand_walk_keys),
        (t.hand_parts, t.hand_parts_keys),
        (t.hand_choose, t.hand_choose_keys),
        (t.hand_open, t.hand_open_keys),
        (t.hand_inside, t.hand_inside_keys),
        (t.hand_add, t.hand_add_keys),
        (t.hand_move, t.hand_move_keys),
        (t.hand_connect, t.hand_connect_keys),
        (t.hand_menu, t.hand_menu_keys),
        (t.hand_marquee, t.hand_marquee_keys),
        (t.hand_pan, t.hand_pan_keys),
        (t.hand_snap, t.hand_snap_keys),
        (t.hand_leave, t.hand_leave_keys),
    ];
    let rows = rows
        .into_iter()
        .map(|(what, keys)| row(what, fill(keys, &[("ctrl", ctrl), ("shift", shift)])));
    view! { <section><h3>{t.help_hand}</h3><dl>{rows.collect_view()}</dl></section> }
}

fn row(what: &'static str, keys: impl IntoView) -> impl IntoView {
    view! { <div class="help-row"><dt>{what}</dt><dd>{keys}</dd></div> }
}
