//! Copy and paste: a piece of a flow as JSON text, which other windows and people understand.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use weir_flows::{
    document::{Flow, Link, Slug, Step, Trigger},
    json as text,
};

use super::{
    change::{Change, Edit, What},
    names::{Taken, free_bodies, new_ids, rewrite_config, rewrite_step},
    operations::Chosen,
};
use crate::canvas::geometry::Point;

/// A piece of a flow: some of its cards with the links between them. A whole flow file can be read as one, too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Clip {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    triggers: BTreeMap<Slug, Trigger>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    steps: BTreeMap<Slug, Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    layout: BTreeMap<Slug, [i32; 2]>,
}

/// Why a text is no piece of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotAClip {
    /// It is no JSON object with triggers or steps: some other text.
    Other,
    /// It is one, and something in it is wrong.
    Broken(String),
}

impl Clip {
    /// Copies cards with the links between them. `places` tells where each stands.
    pub(crate) fn of(
        flow: &Flow,
        cards: &BTreeSet<Slug>,
        places: impl Fn(&str) -> Option<Point>,
    ) -> Self {
        fn some<T: Clone>(map: &BTreeMap<Slug, T>, ids: &BTreeSet<Slug>) -> BTreeMap<Slug, T> {
            map.iter()
                .filter(|(id, _)| ids.contains(*id))
                .map(|(id, value)| (id.clone(), value.clone()))
                .collect()
        }
        Clip {
            triggers: some(&flow.triggers, cards),
            steps: some(&flow.steps, cards),
            links: flow
                .links
                .iter()
                .filter(|link| cards.contains(&link.from) && cards.contains(&link.to))
                .cloned()
                .collect(),
            layout: cards
                .iter()
                .filter_map(|id| Some((id.clone(), places(id)?.whole())))
                .collect(),
        }
    }

    /// Reads a copied text.
    pub(crate) fn read(copied: &str) -> Result<Self, NotAClip> {
        let value: Value = serde_json::from_str(copied).map_err(|_| NotAClip::Other)?;
        let known = |key| value.get(key).is_some_and(Value::is_object);
        if !known("triggers") && !known("steps") {
            return Err(NotAClip::Other);
        }
        let mut piece = json!({});
        for key in ["triggers", "steps", "links", "layout"] {
            if let Some(part) = value.get(key) {
                piece[key] = part.clone();
            }
        }
        serde_json::from_value(piece).map_err(|error| NotAClip::Broken(error.to_string()))
    }

    /// The text that is copied.
    pub(crate) fn text(&self) -> String {
        text::print(self).unwrap_or_default()
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.triggers.is_empty() && self.steps.is_empty()
    }

    /// The same without its triggers: a body has none.
    pub(crate) fn without_triggers(mut self) -> Self {
        self.triggers.clear();
        self
    }

    /// How far its cards reach to the right and down, from the corner of the first to the corner of the last.
    pub(crate) fn extent(&self) -> Point {
        let corners = self
            .places()
            .map(|at| (at, at))
            .reduce(|(from, to), (at, _)| {
                let least = [from[0].min(at[0]), from[1].min(at[1])];
                (least, [to[0].max(at[0]), to[1].max(at[1])])
            });
        let (from, to) = corners.unwrap_or_default();
        let reach = |axis: usize| f64::from(to[axis]) - f64::from(from[axis]);
        Point::new(reach(0), reach(1))
    }

    /// Where its cards stand.
    fn places(&self) -> impl Iterator<Item = [i32; 2]> {
        let here = |id: &Slug| self.triggers.contains_key(id) || self.steps.contains_key(id);
        let placed = self.layout.iter().filter(move |(id, _)| here(id));
        placed.map(|(_, at)| *at)
    }

    /// Pastes it so that its upper left corner stands at a point. Ids that are taken are replaced, in its scripts as
    /// well; its cards are what is chosen then.
    pub(crate) fn paste(
        &self,
        flow: &Flow,
        taken: &Taken,
        at: Point,
        what: What,
    ) -> (Change, Chosen) {
        let ids = self.triggers.keys().chain(self.steps.keys());
        let names = new_ids(taken, ids);
        let name = |id: &Slug| names.get(id).cloned();
        let corner = self
            .places()
            .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1])])
            .unwrap_or_default();
        let [x, y] = at.whole();
        let mut edits = Vec::new();
        for (id, trigger) in &self.triggers {
            let mut trigger = trigger.clone();
            rewrite_config(&mut trigger.config, &names);
            edits.extend(name(id).map(|id| Edit::Trigger(id, Some(Box::new(trigger)))));
        }
        let mut steps = self.steps.clone();
        free_bodies(taken, &mut steps, &names);
        for (id, mut step) in steps {
            rewrite_step(&mut step, &names);
            edits.extend(name(&id).map(|id| Edit::Step(id, Some(Box::new(step)))));
        }
        // A card that was copied without a place stands below the one before it.
        for (index, (old, new)) in names.iter().enumerate() {
            let [dx, dy] = match self.layout.get(old) {
                Some(place) => [
                    place[0].saturating_sub(corner[0]),
                    place[1].saturating_sub(corner[1]),
                ],
                None => [0, i32::try_from(index).unwrap_or(0).saturating_mul(100)],
            };
            let place = [x.saturating_add(dx), y.saturating_add(dy)];
            edits.push(Edit::Place(new.clone(), Some(place)));
        }
        let copied = self.links.iter().filter_map(|link| {
            let (from, to) = (name(&link.from)?, name(&link.to)?);
            // Nothing leads to a trigger, whatever the text says.
            self.steps.contains_key(&link.to).then(|| Link {
                from,
                to,
                port: link.port.clone(),
            })
        });
        let copied: Vec<Link> = copied.collect();
        if !copied.is_empty() {
            edits.push(Edit::Links([flow.links.clone(), copied].concat()));
        }
        let chosen = Chosen::cards(names.into_values());
        (Change::new(what, edits), chosen)
    }
}
