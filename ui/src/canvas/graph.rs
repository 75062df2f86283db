//! A flow as the canvas draws it: cards with a place, a size and ports, and links between them.

use serde_json::Value;
use weir_flows::{
    catalog::Group,
    document::{self, Config, Flow, Step, Trigger},
};

use super::{
    geometry::{Point, Rect, Size},
    layout,
};
use crate::{
    edit::{Added, body},
    kinds,
};

/// The width of a card.
pub(crate) const CARD_WIDTH: f64 = 200.0;
/// The height of a card with one port.
pub(crate) const CARD_HEIGHT: f64 = 64.0;
/// How far below the one before it a port stands.
pub(crate) const PORT_STEP: f64 = 24.0;
/// The port a failure leaves by.
pub(crate) const ERROR: &str = "error";

/// What family a card belongs to; it decides the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Trigger,
    Mapper,
    Action,
    Control,
}

impl Role {
    /// The class that colours it.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Role::Trigger => "trigger",
            Role::Mapper => "mapper",
            Role::Action => "action",
            Role::Control => "control",
        }
    }

    /// The family of a group of the catalog.
    pub(crate) fn of(group: Group) -> Self {
        match group {
            Group::Trigger => Role::Trigger,
            Group::Mapper => Role::Mapper,
            Group::Action => Role::Action,
            Group::Control => Role::Control,
        }
    }

    /// The family of a kind of step; one that the server does not know is drawn as an action.
    pub(crate) fn of_step(kind: &str) -> Self {
        let catalog = kinds::catalog();
        catalog
            .step(kind)
            .map_or(Role::Action, |entry| Role::of(entry.group))
    }
}

/// One trigger or step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) title: String,
    /// What it does in a few characters, such as `POST /orders`.
    pub(crate) summary: String,
    pub(crate) role: Role,
    pub(crate) disabled: bool,
    /// The ports that links leave by, from top to bottom. The error path is the exception and stands last.
    pub(crate) ports: Vec<Port>,
    /// Whether links may enter it.
    pub(crate) enters: bool,
    /// How many steps stand inside, for a step with an inside that can be drawn.
    pub(crate) inside: Option<usize>,
    pub(crate) at: Point,
}

/// A way out of a card.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Port {
    pub(crate) name: String,
    /// Whether a link leaves by it.
    pub(crate) linked: bool,
}

impl Port {
    /// Whether it is drawn only while somebody cares for the card: the way of a failure that leads nowhere yet.
    pub(crate) fn is_quiet(&self) -> bool {
        self.name == ERROR && !self.linked
    }
}

impl Card {
    /// A card that is in no document yet, as it will look.
    pub(crate) fn of_new(added: &Added) -> Self {
        let title = String::new();
        match added {
            Added::Trigger(trigger) => trigger_card(&[], &title, trigger),
            Added::Step(step) => step_card(&[], &title, step),
        }
    }

    /// How large it is drawn: the ports but the error port, which has room below them, make it higher.
    pub(crate) fn size(&self) -> Size {
        let usual = self.ports.iter().filter(|port| port.name != ERROR).count();
        Size {
            width: CARD_WIDTH,
            height: CARD_HEIGHT + PORT_STEP * (usual.max(1) - 1) as f64,
        }
    }

    pub(crate) fn rect(&self) -> Rect {
        Rect {
            at: self.at,
            size: self.size(),
        }
    }

    /// Where links enter, in the world.
    pub(crate) fn entry(&self) -> Point {
        self.at.plus(Point::new(0.0, CARD_HEIGHT / 2.0))
    }

    /// Where links leave by a port, in the world.
    pub(crate) fn exit(&self, port: &str) -> Point {
        let index = self.ports.iter().position(|known| known.name == port);
        self.at
            .plus(Point::new(CARD_WIDTH, port_height(index.unwrap_or(0))))
    }
}

/// How far below the upper edge of a card its port at an index stands.
pub(crate) fn port_height(index: usize) -> f64 {
    CARD_HEIGHT / 2.0 + PORT_STEP * index as f64
}

/// One link, by the indices of its cards.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    pub(crate) from: usize,
    pub(crate) port: String,
    pub(crate) to: usize,
    /// Its index in the document; a run tells the states of links in that order.
    pub(crate) index: usize,
}

/// A whole drawing. Cards are in reading order: from left to right, then from top to bottom.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Graph {
    pub(crate) cards: Vec<Card>,
    pub(crate) links: Vec<Link>,
}

impl Graph {
    /// The drawing of a flow. Cards without a place in its layout are given one.
    pub(crate) fn of(flow: &Flow) -> Self {
        let triggers = flow
            .triggers
            .iter()
            .map(|(id, trigger)| trigger_card(&flow.links, id, trigger));
        let steps = flow
            .steps
            .iter()
            .map(|(id, step)| step_card(&flow.links, id, step));
        let mut graph = Graph {
            cards: triggers.chain(steps).collect(),
            links: Vec::new(),
        };
        graph.link(flow);
        let places: Vec<Option<Point>> = graph
            .cards
            .iter()
            .map(|card| {
                flow.layout
                    .get(&card.id)
                    .map(|[x, y]| Point::new(f64::from(*x), f64::from(*y)))
            })
            .collect();
        layout::place(&mut graph, &places);
        graph.cards.sort_by(|a, b| {
            (a.at.x, a.at.y)
                .partial_cmp(&(b.at.x, b.at.y))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        graph.link(flow);
        graph
    }

    /// The index of a card.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.cards.iter().position(|card| card.id == id)
    }

    /// The card with an id.
    pub(crate) fn card(&self, id: &str) -> Option<&Card> {
        self.cards.iter().find(|card| card.id == id)
    }

    /// A link as the document says it.
    pub(crate) fn document_link(&self, link: &Link) -> Option<document::Link> {
        Some(document::Link {
            from: self.cards.get(link.from)?.id.clone(),
            port: (link.port != "ok").then(|| link.port.clone()),
            to: self.cards.get(link.to)?.id.clone(),
        })
    }

    /// The rectangle around all cards.
    pub(crate) fn bounds(&self) -> Option<Rect> {
        Rect::around(self.cards.iter().map(Card::rect))
    }

    /// Where a link starts and ends in the world.
    pub(crate) fn ends(&self, link: &Link) -> Option<(Point, Point)> {
        Some((
            self.cards.get(link.from)?.exit(&link.port),
            self.cards.get(link.to)?.entry(),
        ))
    }

    fn link(&mut self, flow: &Flow) {
        let links = flow.links.iter().enumerate().filter_map(|(index, link)| {
            let (from, to) = (self.find(&link.from)?, self.find(&link.to)?);
            Some(Link {
                from,
                port: link.port().to_owned(),
                to,
                index,
            })
        });
        self.links = links.collect();
    }
}

fn trigger_card(links: &[document::Link], id: &str, trigger: &Trigger) -> Card {
    Card {
        id: id.to_owned(),
        kind: trigger.kind.clone(),
        title: named(&trigger.title, id),
        summary: trigger_summary(&trigger.kind, &trigger.config),
        role: Role::Trigger,
        disabled: trigger.disabled,
        ports: ports(links, id, vec!["ok".to_owned()]),
        enters: false,
        inside: None,
        at: Point::default(),
    }
}

fn step_card(links: &[document::Link], id: &str, step: &Step) -> Card {
    Card {
        id: id.to_owned(),
        kind: step.kind.clone(),
        title: named(&step.title, id),
        summary: step_summary(step),
        role: Role::of_step(&step.kind),
        disabled: step.disabled,
        ports: ports(links, id, ways_out(step)),
        enters: true,
        inside: body::counted(step),
        at: Point::default(),
    }
}

fn named(title: &str, id: &str) -> String {
    if title.is_empty() {
        id.to_owned()
    } else {
        title.to_owned()
    }
}

/// The ports that a step has by its kind and its settings.
fn ways_out(step: &Step) -> Vec<String> {
    let ports = kinds::step_ports(step).into_iter();
    ports.map(|port| port.name).collect()
}

/// The ports of a card: those it has, and those that links leave by although it does not have them.
fn ports(links: &[document::Link], id: &str, own: Vec<String>) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    let own_links = links.iter().filter(|link| link.from == id);
    let used: Vec<&str> = own_links.map(|link| link.port()).collect();
    for name in own.iter().map(String::as_str).chain(used.iter().copied()) {
        if !ports.iter().any(|known| known.name == name) {
            ports.push(Port {
                name: name.to_owned(),
                linked: used.contains(&name),
            });
        }
    }
    if let Some(at) = ports.iter().position(|port| port.name == ERROR) {
        let error = ports.remove(at);
        ports.push(error);
    }
    ports
}

fn trigger_summary(kind: &str, config: &Config) -> String {
    match kind {
        "http" => format!(
            "{} {}",
            word(config, "method").unwrap_or("POST"),
            word(config, "path").unwrap_or_default()
        ),
        "webhook" => word(config, "path").unwrap_or_default().to_owned(),
        "schedule" | "poll" => word(config, "cron")
            .or_else(|| word(config, "every"))
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    }
}

fn step_summary(step: &Step) -> String {
    let config = &step.config;
    match step.kind.as_str() {
        "http" => {
            let place = word(config, "path")
                .or_else(|| word(config, "url"))
                .unwrap_or_default();
            format!(
                "{} {}",
                word(config, "method").unwrap_or("GET"),
                bare(place)
            )
        }
        "fields" => match config.get("fields") {
            Some(Value::Array(rows)) => rows
                .iter()
                .filter_map(|row| row.get("to")?.as_str())
                .collect::<Vec<_>>()
                .join(", "),
            _ => String::new(),
        },
        "respond" => match config.get("status") {
            Some(Value::Number(status)) => status.to_string(),
            Some(Value::String(status)) => bare(status).to_owned(),
            _ => "200".to_owned(),
        },
        "fail" => bare(word(config, "message").unwrap_or_default()).to_owned(),
        "call" => word(config, "flow").unwrap_or_default().to_owned(),
        "branch" => match config.get("cases") {
            Some(Value::Array(cases)) if cases.len() == 1 => cases[0]
                .get("when")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn word<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).and_then(Value::as_str)
}

/// An expression without its mark.
fn bare(text: &str) -> &str {
    text.strip_prefix('=').map_or(text, str::trim)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn flow() -> Flow {
        serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "in": { "kind": "http", "config": { "method": "PUT", "path": "/x" } } },
            "steps": {
                "size": { "kind": "branch", "config": { "cases": [
                    { "port": "large", "when": "input.n > 9" }, { "port": "small", "when": "true" } ], "otherwise": "none" } },
                "book": { "kind": "http", "connection": "erp", "config": { "method": "POST", "path": "= `/b/${1}`" } },
                "thanks": { "kind": "respond", "title": "Say thanks", "config": { "status": 201 } },
                "sorry": { "kind": "fail", "config": { "message": "No" } }
            },
            "links": [
                { "from": "in", "to": "size" },
                { "from": "size", "port": "large", "to": "book" },
                { "from": "size", "port": "small", "to": "thanks" },
                { "from": "nowhere", "to": "thanks" },
                { "from": "book", "to": "thanks" },
                { "from": "book", "port": "error", "to": "sorry" }
            ],
            "layout": { "in": [80, 160], "size": [360, 160], "book": [640, 80], "thanks": [920, 160], "sorry": [920, 280] }
        }))
        .unwrap()
    }

    #[test]
    fn cards_are_in_reading_order_with_their_ports() {
        let graph = Graph::of(&flow());
        let ids: Vec<_> = graph.cards.iter().map(|card| card.id.as_str()).collect();
        assert_eq!(ids, ["in", "size", "book", "thanks", "sorry"]);
        let ports = |index: usize| -> Vec<(&str, bool)> {
            let ports = graph.cards[index].ports.iter();
            ports
                .map(|port| (port.name.as_str(), port.linked))
                .collect()
        };
        assert_eq!(ports(0), [("ok", true)]);
        assert_eq!(
            ports(1),
            [
                ("large", true),
                ("small", true),
                ("none", false),
                ("error", false)
            ]
        );
        assert_eq!(ports(2), [("ok", true), ("error", true)]);
        assert_eq!(ports(3), [("ok", false), ("error", false)]);
        assert_eq!(ports(4), []);
    }

    #[test]
    fn a_link_from_a_port_that_is_not_there_has_a_place_to_leave_from() {
        let mut flow = flow();
        flow.links.push(document::Link {
            from: "size".into(),
            port: Some("huge".into()),
            to: "thanks".into(),
        });
        let graph = Graph::of(&flow);
        let size = graph.card("size").unwrap();
        let names: Vec<_> = size.ports.iter().map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["large", "small", "none", "huge", "error"]);
        assert!(size.ports[4].is_quiet());
        let lowest = size.exit("error").y;
        assert!(
            lowest < size.rect().bottom(),
            "the quiet port is on the card"
        );
    }

    #[test]
    fn links_keep_their_index_in_the_document() {
        let graph = Graph::of(&flow());
        let indices: Vec<_> = graph.links.iter().map(|link| link.index).collect();
        assert_eq!(indices, [0, 1, 2, 4, 5]);
        let (from, to) = graph.ends(&graph.links[2]).unwrap();
        assert_eq!(
            from,
            Point::new(560.0, 160.0 + CARD_HEIGHT / 2.0 + PORT_STEP)
        );
        assert_eq!(to, Point::new(920.0, 192.0));
    }

    #[test]
    fn summaries_are_short() {
        let graph = Graph::of(&flow());
        let said: Vec<_> = graph
            .cards
            .iter()
            .map(|card| card.summary.as_str())
            .collect();
        assert_eq!(said, ["PUT /x", "", "POST `/b/${1}`", "201", "No"]);
        assert_eq!(graph.cards[3].title, "Say thanks");
    }

    #[test]
    fn a_flow_without_layout_is_laid_out_from_left_to_right() {
        let graph = Graph::of(&Flow {
            layout: Default::default(),
            ..flow()
        });
        for link in &graph.links {
            assert!(
                graph.cards[link.from].at.x < graph.cards[link.to].at.x,
                "{link:?}"
            );
        }
        for (index, card) in graph.cards.iter().enumerate() {
            for other in &graph.cards[index + 1..] {
                let (a, b) = (card.rect(), other.rect());
                let apart = a.at.x + a.size.width <= b.at.x
                    || b.at.x + b.size.width <= a.at.x
                    || a.at.y + a.size.height <= b.at.y
                    || b.at.y + b.size.height <= a.at.y;
                assert!(apart, "{} and {} overlap", card.id, other.id);
            }
        }
    }
}
