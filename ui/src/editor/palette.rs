//! The kinds of triggers and steps: the palette beside the drawing, and the same list at a point of it.

use std::sync::Arc;

use leptos::prelude::*;
use weir_flows::catalog::{Catalog, Entry, Group};

use super::{
    adding::added,
    command::{Chord, Command},
    picker::{Item, Picker},
    places::Target,
    toolbar::point,
    tools::{Tools, is_mac},
};
use crate::{
    canvas::{Card, Carried, Role, geometry::Point},
    kit::{button::IconButton, icon::Icon},
    texts::{Texts, language, texts},
    words,
};

/// How wide and high the list at a point is at most, in window pixels.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 420.0;
/// How much of the canvas the palette covers.
const COVERED: f64 = 300.0;
/// How far a pointer moves before a press on an entry becomes a drag.
const SLACK: f64 = 5.0;

/// The palette: all kinds with what they are for. A click adds, a drag places.
#[component]
pub(crate) fn Palette(tools: Tools) -> impl IntoView {
    let t = texts();
    let items = kinds(tools, |_| true);
    let close = move || tools.close_palette();
    tools.sight.covered.set(COVERED);
    on_cleanup(move || {
        tools.sight.covered.try_set(0.0);
    });
    // A press may become a drag; where it does not, the click adds.
    let grabbed: StoredValue<Option<(Entry, i32, Point)>> = StoredValue::new(None);
    let carried = StoredValue::new(false);
    let moved = move |event: web_sys::PointerEvent| {
        let at = point(&event);
        let Some((entry, pointer, start)) = grabbed.get_value() else {
            return;
        };
        if pointer == event.pointer_id() && at.distance(start) > SLACK {
            grabbed.set_value(None);
            carried.set_value(true);
            tools.sight.carry(pointer, at, carry(&entry));
        }
    };
    let follow = window_event_listener(leptos::ev::pointermove, moved);
    let release = window_event_listener(leptos::ev::pointerup, move |_| {
        grabbed.set_value(None);
        // A click that comes of the same press is still part of the drag.
        request_animation_frame(move || {
            carried.try_set_value(false);
        });
    });
    let gone = window_event_listener(leptos::ev::pointercancel, move |_| grabbed.set_value(None));
    on_cleanup(move || {
        follow.remove();
        release.remove();
        gone.remove();
    });
    view! {
        <aside class="palette" aria-label=t.palette_label data-testid="palette">
            <header class="palette-head">
                <h2>{t.palette_title}</h2>
                <IconButton icon=Icon::X label=t.palette_close test="palette-close" press=move |_| close()/>
            </header>
            <Picker
                id="palette"
                label=t.palette_search
                placeholder=t.palette_search
                nothing=t.palette_nothing
                items
                picked=move |entry: Kind| {
                    if !carried.get_value() {
                        tools.put(&entry.0, Target::Anywhere);
                    }
                }
                left=close
                grab=Callback::new(move |(kind, event): (Kind, web_sys::PointerEvent)| {
                    if event.button() == 0 {
                        let at = point(&event);
                        grabbed.set_value(Some((kind.0.as_ref().clone(), event.pointer_id(), at)));
                    }
                })
            />
        </aside>
    }
}

/// The list of kinds at a point of the window, for a card that goes to a target.
#[component]
pub(crate) fn QuickAdd(tools: Tools, target: Target, client: Point) -> impl IntoView {
    let t = texts();
    // Nothing leads to a trigger, so where a link leads only steps are offered.
    let linked = matches!(target, Target::After { .. } | Target::OnLink { .. });
    let items = kinds(tools, move |entry| !linked || entry.group != Group::Trigger);
    let (left, top) = inside(client, WIDTH, HEIGHT);
    view! {
        <div class="cover" on:pointerdown=move |_| tools.close()></div>
        <div class="quick-add surface" role="dialog" aria-label=t.palette_label data-testid="quick-add" style:left=left style:top=top>
            <Picker
                id="quick-add"
                label=t.palette_search
                placeholder=t.palette_search
                nothing=t.palette_nothing
                items
                modal=true
                picked=move |kind: Kind| tools.put(&kind.0, target.clone())
                left=move || tools.close()
            />
        </div>
    }
}

/// A kind of the catalog, to pick.
#[derive(Clone, Debug)]
pub(crate) struct Kind(pub(crate) Arc<Entry>);

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        (self.0.group, &self.0.kind) == (other.0.group, &other.0.kind)
    }
}

/// The kinds that can be added, as items.
fn kinds(
    tools: Tools,
    wanted: impl Fn(&Entry) -> bool + Send + Sync + 'static,
) -> Signal<Arc<Vec<Item<Kind>>>> {
    Signal::derive(move || {
        let desk = tools.desk;
        let fits = |entry: &Entry| wanted(entry) && desk.takes(entry);
        desk.catalog
            .with(|catalog| Arc::new(kind_items(catalog, fits)))
    })
}

/// The kinds of a catalog, as items.
pub(crate) fn kind_items(catalog: &Catalog, wanted: impl Fn(&Entry) -> bool) -> Vec<Item<Kind>> {
    let t = texts();
    let mut entries: Vec<&Entry> = catalog.triggers.iter().chain(&catalog.steps).collect();
    entries.retain(|entry| wanted(entry));
    entries.sort_by_key(|entry| match entry.group {
        Group::Trigger => 0,
        Group::Mapper => 1,
        Group::Action => 2,
        Group::Control => 3,
    });
    let items = entries.into_iter().map(|entry| {
        let (title, icon) = words::entry_kind(t, entry);
        Item {
            icon,
            tone: Role::of(entry.group).class(),
            title,
            detail: entry.summary.of(language().code()).to_owned(),
            mark: String::new(),
            search: entry
                .search
                .iter()
                .map(ToString::to_string)
                .chain([
                    entry.kind.to_string(),
                    entry.title.en.to_string(),
                    entry.title.de.to_string(),
                    entry.summary.en.to_string(),
                    entry.summary.de.to_string(),
                ])
                .collect(),
            group: heading(t, entry.group),
            test: entry.kind.to_string(),
            pick: Kind(Arc::new(entry.clone())),
        }
    });
    items.collect()
}

/// The first way to write the keys of a command.
pub(crate) fn keys_of(command: Command) -> String {
    let first = command.chords().first();
    first.map_or_else(String::new, |chord: &Chord| chord.words(texts(), is_mac()))
}

/// Where something of a size is put at a point so that it stays in the window.
pub(crate) fn inside(client: Point, width: f64, height: f64) -> (String, String) {
    const EDGE: f64 = 8.0;
    let side = |size: Result<wasm_bindgen::JsValue, _>| -> f64 {
        size.ok().and_then(|size| size.as_f64()).unwrap_or(f64::MAX)
    };
    let fit = |at: f64, size: f64, room: f64| at.min(room - size - EDGE).max(EDGE);
    let left = fit(client.x, width, side(window().inner_width()));
    let top = fit(client.y, height, side(window().inner_height()));
    (format!("{left}px"), format!("{top}px"))
}

/// What the canvas carries while an entry is dragged.
fn carry(entry: &Entry) -> Carried {
    let added = added(entry);
    Carried {
        card: Card::of_new(&added),
        added,
    }
}

fn heading(t: &Texts, group: Group) -> &'static str {
    match group {
        Group::Trigger => t.palette_triggers,
        Group::Mapper => t.palette_mappers,
        Group::Action => t.palette_actions,
        Group::Control => t.palette_control,
    }
}
