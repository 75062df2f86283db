//! One card: icon, title, what it does, its ports, its problems, and how its step stands in the run that is shown.

use std::sync::Arc;

use leptos::{ev::MouseEvent, prelude::*};

use super::{
    ask::Spot,
    graph::{Card, ERROR, Graph, Port, port_height},
    hands::Hands,
    live::{CardState, Live},
    marks::{Marks, marks_of},
    scene::{Aim, CardLook, DrawnCard},
};
use crate::{
    api::StepStatus,
    edit::Chosen,
    kit::icon::{Glyph, Icon},
    texts::{Texts, count, fill, texts},
    words,
};

/// Draws a card.
pub(super) fn card_view(
    drawn: DrawnCard,
    hands: Hands,
    live: Signal<Option<Live>>,
) -> impl IntoView {
    let DrawnCard {
        id, card, at, look, ..
    } = drawn;
    let own = id.clone();
    let state = {
        let id = id.clone();
        let signal = Memo::new(move |_| live.with(|live| live.as_ref()?.card(&id)));
        Memo::new(move |_| signal.get().map(|state| state.get()))
    };
    let marks = marks_of(hands.pen, id.clone());
    let place = move || {
        let at = at.get();
        format!("translate({}px,{}px)", at.x, at.y)
    };
    let class = {
        let (card, look) = (card.clone(), look.clone());
        move || {
            let look = look.get();
            let card = card.read();
            let mut class = format!("card {}", card.role.class());
            for (set, word) in [
                (look.chosen, " chosen"),
                (look.moving, " moving"),
                (card.disabled, " off"),
                (card.inside.is_some(), " holds"),
            ] {
                if set {
                    class.push_str(word);
                }
            }
            class.push_str(match &look.aim {
                Aim::None => "",
                Aim::Source => " source",
                Aim::Legal => " legal",
                Aim::Illegal => " illegal",
                Aim::Meant { legal: true, .. } => " legal meant",
                Aim::Meant { legal: false, .. } => " illegal meant",
            });
            class
        }
    };
    let height = {
        let card = card.clone();
        move || format!("{}px", card.read().size().height)
    };
    let status = move || {
        state
            .get()
            .map(|state| words::step_status(texts(), state.status).2)
    };
    let face = face_view(id.clone(), card.clone(), look.clone(), hands, state, marks);
    let entry = {
        let card = card.clone();
        move || {
            card.read()
                .enters
                .then(|| view! { <span class="card-entry" data-entry=""></span> })
        }
    };
    let ports = {
        let (card, look) = (card.clone(), look.clone());
        let list = Memo::new(move |_| card.read().ports.clone());
        let first = {
            let look = look.clone();
            Memo::new(move |_| look.read().first)
        };
        let meant = Memo::new(move |_| match &look.read().aim {
            Aim::Meant { port, .. } => port.clone(),
            _ => None,
        });
        let title = Memo::new(move |_| card_title(&hands.graph, &id));
        move || {
            let ports = list.get();
            let cards = ports.into_iter().enumerate();
            cards
                .map(|(index, port)| port_view(index, port, hands, title, first, meant))
                .collect_view()
        }
    };
    view! {
        <div
            class=class
            data-testid="card"
            data-card=own
            data-status=status
            style:transform=place
            style:height=height
        >
            {face}
            {entry}
            {ports}
            {move || state.get().map(|_| mark(state))}
            {problems_view(marks)}
        </div>
    }
}

/// The card itself, which is chosen and has the focus.
fn face_view(
    id: String,
    card: ArcRwSignal<Arc<Card>>,
    look: ArcRwSignal<CardLook>,
    hands: Hands,
    state: Memo<Option<CardState>>,
    marks: Memo<Marks>,
) -> impl IntoView {
    // Its name is what stands on it; this is what a drawing says besides.
    let described = {
        let card = card.clone();
        let id = id.clone();
        move || {
            let mut label = spoken(&card.read());
            if let Some(state) = state.get() {
                label = format!("{label}, {}", words::step_status(texts(), state.status).0);
            }
            if let Some(problems) = marks.read().spoken() {
                label = format!("{label}, {problems}");
            }
            let ways = hands.graph.with(|graph| ways_spoken(graph, &id));
            format!("{label}. {ways}")
        }
    };
    let tip = {
        let card = card.clone();
        move || {
            let card = card.read();
            let (kind, _) = kind_of(texts(), &card);
            let tip = match card.summary.is_empty() {
                true => format!("{}\n{kind}", card.title),
                false => format!("{}\n{kind} · {}", card.title, card.summary),
            };
            match card.inside.filter(|_| hands.pen.is_some()) {
                Some(_) => format!("{tip}\n{}", texts().canvas_inside_tip),
                None => tip,
            }
        }
    };
    let icon = {
        let card = card.clone();
        Signal::derive(move || kind_of(texts(), &card.read()).1)
    };
    let title = {
        let card = card.clone();
        move || card.read().title.clone()
    };
    let below = move || {
        let card = card.read();
        match (card.disabled, card.inside) {
            (true, _) => texts().canvas_disabled.to_owned(),
            (false, Some(steps)) => said(steps),
            (false, None) if card.summary.is_empty() => kind_of(texts(), &card).0,
            (false, None) => card.summary.clone(),
        }
    };
    let (tab, pressed) = (look.clone(), look);
    view! {
        <div
            class="card-face"
            role="button"
            tabindex=move || if tab.read().first { "0" } else { "-1" }
            aria-description=described
            aria-pressed=move || if pressed.read().chosen { "true" } else { "false" }
            title=tip
            on:click=move |event: MouseEvent| {
                // Pointers are the hands' business; this is a screen reader that presses.
                if event.detail() == 0 {
                    hands.choose.run(Chosen::card(id.clone()));
                }
            }
        >
            <span class="card-icon"><Glyph icon size=20/></span>
            <span class="card-text">
                <span class="card-title">{title}</span>
                <span class="card-summary">{below}</span>
            </span>
        </div>
    }
}

/// A way out. Where the drawing may be changed it is a handle that a link is drawn from, and a button that adds a step.
fn port_view(
    index: usize,
    port: Port,
    hands: Hands,
    title: Memo<String>,
    first: Memo<bool>,
    meant: Memo<Option<String>>,
) -> impl IntoView {
    let t = texts();
    let top = format!("{}px", port_height(index) - 12.0);
    let name = port.name.clone();
    let class = {
        let name = name.clone();
        move || {
            let mut class = String::from("port");
            for (set, word) in [
                (port.name == ERROR, " error"),
                (port.is_quiet(), " quiet"),
                (!port.linked, " open"),
                (meant.get().as_ref() == Some(&name), " meant"),
            ] {
                if set {
                    class.push_str(word);
                }
            }
            class
        }
    };
    let said = match name.as_str() {
        ERROR => t.canvas_port_error.to_owned(),
        other => other.to_owned(),
    };
    let named = (name != "ok").then(|| {
        view! { <span class="port-name" title=said.clone()>{said.clone()}</span> }
    });
    let Some(_) = hands.pen else {
        return view! {
            <span class=class data-port=name style:top=top>
                <span class="port-dot"></span>
                {named}
            </span>
        }
        .into_any();
    };
    let label = move || fill(t.canvas_port, &[("title", &title.get()), ("port", &said)]);
    let press = move |event: MouseEvent| {
        // Pointers are the hands' business; this is the keyboard or a screen reader that presses.
        let pressed = hands.spot_of(&event_target(&event));
        if let Spot::Handle(anchor) = pressed
            && event.detail() == 0
        {
            hands.press_handle(&anchor);
        }
    };
    view! {
        <button
            type="button"
            class=class
            data-port=name
            data-testid="port"
            style:top=top
            tabindex=move || if first.get() { "0" } else { "-1" }
            aria-label=label
            title=t.canvas_port_tip
            on:click=press
        >
            <span class="port-dot"><Glyph icon=Icon::Plus size=12/></span>
            {named}
        </button>
    }
    .into_any()
}

/// A card in the hand, before it is put down.
pub(super) fn ghost_view(card: &Card) -> impl IntoView + use<> {
    let (kind, icon) = kind_of(texts(), card);
    let title = match card.title.as_str() {
        "" => kind.clone(),
        title => title.to_owned(),
    };
    view! {
        <div class=format!("card ghost {}", card.role.class()) style:height=format!("{}px", card.size().height)>
            <div class="card-face">
                <span class="card-icon"><Glyph icon size=20/></span>
                <span class="card-text">
                    <span class="card-title">{title}</span>
                    <span class="card-summary">{kind}</span>
                </span>
            </div>
        </div>
    }
}

/// The icon and the word of a card's kind.
pub(super) fn kind_of(t: &Texts, card: &Card) -> (String, Icon) {
    if card.enters {
        words::step_kind(t, &card.kind)
    } else {
        words::trigger_kind(t, &card.kind)
    }
}

fn card_title(graph: &Signal<Arc<Graph>>, id: &str) -> String {
    graph.with(|graph| {
        graph
            .card(id)
            .map(|card| card.title.clone())
            .unwrap_or_default()
    })
}

/// A card in words.
fn spoken(card: &Card) -> String {
    let t = texts();
    let pattern = if card.enters {
        t.canvas_step
    } else {
        t.canvas_trigger
    };
    let (kind, _) = kind_of(t, card);
    let mut spoken = fill(pattern, &[("kind", &kind)]);
    if card.disabled {
        spoken = format!("{spoken}, {}", t.canvas_disabled);
    }
    if let Some(steps) = card.inside {
        spoken = format!("{spoken}, {}", said(steps));
    }
    spoken
}

/// How many steps stand inside of a card, in words.
pub(crate) fn said(steps: usize) -> String {
    let t = texts();
    match steps {
        0 => t.canvas_inside_none.to_owned(),
        n => count(n as u64, t.canvas_inside_one, t.canvas_inside_many),
    }
}

/// Where a card leads to, in words: the drawing for those who do not see it.
fn ways_spoken(graph: &Graph, id: &str) -> String {
    let t = texts();
    let Some(from) = graph.find(id) else {
        return String::new();
    };
    let ways: Vec<String> = graph
        .links
        .iter()
        .filter(|link| link.from == from)
        .filter_map(|link| {
            let to = &graph.cards.get(link.to)?.title;
            Some(match link.port.as_str() {
                "ok" => to.clone(),
                port => fill(t.canvas_way_by, &[("port", port), ("title", to)]),
            })
        })
        .collect();
    if ways.is_empty() {
        t.canvas_leads_nowhere.to_owned()
    } else {
        fill(t.canvas_leads_to, &[("ways", &ways.join(", "))])
    }
}

/// How the step stands, at the upper edge of its card.
fn mark(state: Memo<Option<CardState>>) -> impl IntoView {
    let status = Memo::new(move |_| state.get().map(|state| state.status).unwrap_or_default());
    let icon = Signal::derive(move || words::step_status(texts(), status.get()).1);
    let aside = move || {
        let Some(state) = state.get() else {
            return String::new();
        };
        let took = state.took.filter(|_| state.status != StepStatus::Skipped);
        let took = took.map(|took| words::duration(texts(), took));
        let attempts = (state.attempts > 1).then(|| format!("{}×", state.attempts));
        [attempts, took]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    };
    view! {
        <span class="card-mark" class:pending=move || status.get() == StepStatus::Pending>
            <Glyph icon size=14/>
            <span class="number">{aside}</span>
        </span>
    }
}

/// How many problems a card has, at its lower edge.
fn problems_view(marks: Memo<Marks>) -> impl IntoView {
    move || {
        let marks = marks.get();
        let t = texts();
        let (class, icon, n, said) = match (marks.errors, marks.warnings) {
            (0, 0) => return None,
            (0, n) => (
                "card-problems warn",
                Icon::TriangleAlert,
                n,
                count(n as u64, t.canvas_warning, t.canvas_warnings),
            ),
            (n, _) => (
                "card-problems bad",
                Icon::CircleAlert,
                n,
                count(n as u64, t.canvas_error, t.canvas_errors),
            ),
        };
        let tip = format!("{said}\n{}", marks.text);
        Some(view! {
            <span class=class data-testid="card-problems" title=tip>
                <Glyph icon size=14/>
                <span class="number">{n}</span>
            </span>
        })
    }
}
