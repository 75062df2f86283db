//! The panel of one link: where it leads, and what may be done with it.

use leptos::prelude::*;
use weir_flows::document::{Flow, Link, Slug, Step};

use super::seek::focus_id;
use crate::{
    canvas::geometry::Point,
    edit::{Chosen, add_on_link, delete},
    editor::Desk,
    kit::{
        button::{Button, IconButton, Weight},
        icon::{Glyph, Icon},
    },
    texts::texts,
};

/// The panel of a link.
#[component]
pub(super) fn LinkPanel(desk: Desk, link: Link) -> impl IntoView {
    let t = texts();
    let port = link.port().to_owned();
    let ends = [
        (t.form_link_from, link.from.clone()),
        (t.form_link_to, link.to.clone()),
    ];
    let ends = ends.into_iter().map(|(label, id)| {
        let (shown, name) = (id.clone(), id.clone());
        let title = move || desk.drawn.with(|flow| title(flow, &name));
        view! {
            <div class="pair">
                <dt>{label}</dt>
                <dd>
                    <button type="button" class="link-text" on:click=move |_| desk.choose(Some(id.clone()))>{title}</button>
                    " " <code class="fine">{shown}</code>
                </dd>
            </div>
        }
    });
    let remove = {
        let link = link.clone();
        move |_| {
            let chosen = Chosen {
                links: [link.clone()].into(),
                ..Chosen::default()
            };
            desk.settle();
            desk.make(|flow| delete(flow, &chosen));
        }
    };
    let insert = {
        let link = link.clone();
        move |kind: String| {
            if let Some(id) = insert(desk, &link, &kind) {
                desk.choose(Some(id.clone()));
                focus_id(&super::place::dom_id(&format!("/steps/{id}/title")));
            }
        }
    };
    let kinds = move || {
        desk.catalog.with(|catalog| {
            let steps = catalog.steps.iter().filter(|entry| desk.takes(entry)).map(|entry| {
                view! { <option value=entry.kind.to_string()>{entry.title.of(t.language).to_owned()}</option> }
            });
            steps.collect_view()
        })
    };
    view! {
        <header class="panel-head inspector-head">
            <span class="panel-icon"><Glyph icon=Icon::ArrowRight size=20/></span>
            <div class="panel-name"><h2>{t.form_link}</h2></div>
            <IconButton icon=Icon::X label=t.panel_close test="panel-close" press=move |_| desk.choose(None)/>
        </header>
        <div class="panel-body">
            <dl class="pairs">
                {ends.collect_view()}
                <div class="pair"><dt>{t.form_link_port}</dt><dd><code>{port}</code></dd></div>
            </dl>
            <div class="form-field">
                <label class="form-name" for="link-insert">{t.form_link_insert}</label>
                <span class="select">
                    <select id="link-insert" class="input unset" data-testid="link-insert" on:change:target=move |event| insert(event.target().value())>
                        <option value="" selected=true>{t.form_link_insert_which}</option>
                        {kinds}
                    </select>
                </span>
            </div>
            <div class="form-tools">
                <Button label=t.form_link_delete icon=Icon::Trash2 weight=Weight::Danger test="link-delete" press=remove/>
            </div>
        </div>
    }
}

/// Puts a new step of a kind in the middle of a link, and gives its id.
fn insert(desk: Desk, link: &Link, kind: &str) -> Option<Slug> {
    let (start, port) = desk.catalog.with_untracked(|catalog| {
        let entry = catalog.step(kind)?;
        let ports = weir_flows::port::ports(entry, &entry.start);
        // The way on is the first port that is not for failures.
        let port = ports
            .into_iter()
            .map(|port| port.name)
            .find(|name| name != "error");
        Some((entry.start.clone(), port))
    })?;
    let step = Step {
        kind: kind.to_owned(),
        config: start,
        ..Step::default()
    };
    let at = middle(desk.place(&link.from)?, desk.place(&link.to)?);
    let flow = desk.drawn.get_untracked();
    let index = flow.links.iter().position(|known| known == link)?;
    let (change, id) = add_on_link(&flow, &desk.taken(), step, at, index, port.as_deref())?;
    drop(flow);
    desk.settle();
    desk.apply(change);
    Some(id)
}

fn middle(from: Point, to: Point) -> Point {
    Point::new((from.x + to.x) / 2.0, (from.y + to.y) / 2.0)
}

/// What a person calls a card.
fn title(flow: &Flow, id: &str) -> String {
    let trigger = flow.triggers.get(id).map(|trigger| &trigger.title);
    let title = trigger.or_else(|| flow.steps.get(id).map(|step| &step.title));
    match title {
        Some(title) if !title.is_empty() => title.clone(),
        _ => id.to_owned(),
    }
}
