//! The editor on the page: the drawing with its tools, the inspector beside it and the drawer below it.

use leptos::prelude::*;
use weir_flows::document::Slug;

use super::{
    check,
    chooser::SampleChoice,
    command::Command,
    crumbs::Crumbs,
    desk::Desk,
    drawer::{Drawer, DrawerView, SampleNote},
    keeping::Keeper,
    leftover::{self, Leftover},
    sampler::Sampler,
    save_state::TornBar,
    saving::{Event, Stored},
    toolbar::ToolLayer,
    tools::Tools,
    try_panel::{Following, Trying},
};
use crate::{
    api,
    canvas::{Canvas, Pen, Sight},
    edit::body,
    form::Inspector,
    kinds,
    settings::{is_smaller_than, settings},
    texts::{fill, texts},
};

/// Everything that lives as long as a flow is open, whatever tab is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    pub(crate) desk: Desk,
    pub(crate) keeper: Keeper,
    pub(crate) sampler: Sampler,
    pub(crate) trying: Trying,
    pub(crate) sight: Sight,
    /// What the drawer shows.
    pub(crate) drawer: RwSignal<Option<Drawer>>,
}

impl Session {
    /// Opens a draft as the server has it, with what was left unsaved in this browser. `run` is a run to show values of.
    pub(crate) fn open(stored: Stored, left: Option<Leftover>, run: Option<String>) -> Self {
        let start = leftover::start(stored, left);
        let desk = Desk::new((*start.flow).clone(), kinds::catalog());
        let keeper = Keeper::new(desk, start);
        let sampler = Sampler::new(desk, run);
        let session = Session {
            desk,
            keeper,
            sampler,
            trying: Trying::new(desk, keeper, sampler),
            sight: Sight::new(),
            drawer: RwSignal::new(None),
        };
        check::know(desk);
        check::check(desk, keeper);
        session
    }

    /// Hears of others who save the same draft. `changed` is told whenever something became of the flow.
    pub(crate) fn hear(self, changed: impl Fn() + Copy + 'static) {
        let id = self.desk.flow.with_untracked(|flow| flow.id.clone());
        let keeper = self.keeper;
        let heard = move |change: api::FlowChange| {
            if change.flow == id {
                keeper.tell(Event::News(change.tag()));
                changed();
            }
        };
        let missed = move || {
            keeper.tell(Event::News(None));
            changed();
        };
        let stream = StoredValue::new_local(api::flow_changes(heard, missed));
        on_cleanup(move || stream.dispose());
    }

    /// Takes a person to the place of a problem.
    pub(crate) fn seek(self, pointer: &str) {
        self.desk.seek(pointer);
        let card = self
            .desk
            .chosen
            .with_untracked(|chosen| chosen.only_card().cloned());
        if let Some(card) = card {
            self.sight.reveal(&card);
        }
    }
}

/// The editor. `outside` does what is not the editor's own.
#[component]
pub(crate) fn Editor(session: Session, #[prop(into)] outside: Callback<Command>) -> impl IntoView {
    let Session {
        desk,
        keeper,
        sampler,
        trying,
        sight,
        drawer,
    } = session;
    let around = Callback::new(move |command: Command| match command {
        Command::Save => keeper.tell(Event::Now),
        Command::Try => drawer.set(Some(Drawer::Try)),
        Command::Inspect => focus_inspector(),
        other => outside.run(other),
    });
    let tools = Tools::new(desk, sight, settings().palette(), around);
    let reads = is_phone();
    let follow = Signal::derive(move || trying.follow.get());
    // A run is shown on the flow; what it does in a body it does many times.
    let live = Signal::derive(move || trying.live.get().filter(|_| !desk.is_inside()));
    moves(desk, sight, tools);
    let choose = Callback::new(move |to| {
        desk.settle();
        desk.chosen.set(to);
    });
    let canvas = if reads {
        view! { <Canvas graph=desk.graph chosen=desk.chosen choose sight live follow/> }.into_any()
    } else {
        let pen = Pen {
            desk,
            ask: Callback::new(move |ask| tools.answer(ask)),
        };
        view! {
            <Canvas graph=desk.graph chosen=desk.chosen choose sight pen live follow/>
            <ToolLayer tools/>
        }
        .into_any()
    };
    // A problem is sought in the list, by a key or in a dialog: its card comes into sight wherever that was.
    Effect::new(move || {
        let card: Option<Slug> = desk.sought.get().and_then(|_| {
            desk.chosen
                .with_untracked(|chosen| chosen.only_card().cloned())
        });
        if let Some(card) = card {
            sight.reveal(&card);
        }
    });
    view! {
        <TornBar desk keeper/>
        <Following trying/>
        <div class="editor" data-testid="editor">
            <div class="editor-drawing">
                <Crumbs desk/>
                <div class="editor-ground">{canvas}</div>
            </div>
            <div class="editor-side">
                <SampleBar sampler/>
                <Inspector desk/>
            </div>
            <DrawerView open=drawer trying sampler/>
        </div>
    }
}

/// Goes along when another part of the flow is drawn: it is seen from where it was seen last, the keyboard is on the card that the way
/// led out of, else on the first one inside, and those who do not see the drawing are told.
fn moves(desk: Desk, sight: Sight, tools: Tools) {
    Effect::new(move |before: Option<Vec<Slug>>| {
        let way = desk.within.get();
        let Some(before) = before.filter(|before| *before != way) else {
            return way;
        };
        sight.turn_to(&before, &way);
        let out = before.starts_with(&way).then(|| before.get(way.len()));
        let first = desk
            .graph
            .with_untracked(|graph| graph.cards.first().map(|card| card.id.clone()));
        let chosen = desk
            .chosen
            .with_untracked(|chosen| chosen.cards.first().cloned());
        let card = chosen.or(out.flatten().cloned()).or(first);
        if desk.sought.with_untracked(Option::is_none) {
            sight.focus(card);
        }
        let titles = desk.flow.with_untracked(|flow| body::titles(flow, &way));
        let place = titles.last().map_or("", String::as_str);
        tools.say(fill(texts().said_drawn, &[("title", place)]));
        way
    });
}

/// The choice of the message that values are shown for, above the inspector.
#[component]
fn SampleBar(sampler: Sampler) -> impl IntoView {
    let t = texts();
    // Without a trigger there is no message, and the drawing asks for one already.
    let asked = Memo::new(move |_| sampler.trigger.with(|trigger| !trigger.is_empty()));
    view! {
        <Show when=move || asked.get()>
        <div class="sample-bar" data-testid="sample-bar" title=t.sample_hint>
            <span class="fine" aria-hidden="true">{t.sample_title}</span>
            <SampleChoice sampler id="sample-bar" label=t.sample_hint bare=true/>
        </div>
        <SampleNote sampler/>
        </Show>
    }
}

/// Brings the keyboard into the inspector, to its first field.
fn focus_inspector() {
    let wanted = ".editor-side .inspector :is(input, select, textarea, button)";
    // What was chosen just now is drawn in the next frame.
    request_animation_frame(move || {
        if let Ok(Some(field)) = document().query_selector(wanted)
            && let Ok(field) = wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(field)
        {
            let _ = field.focus();
        }
    });
}

/// Whether the window is too small to draw in.
fn is_phone() -> bool {
    is_smaller_than(760.0)
}
