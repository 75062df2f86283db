//! The checks of links: both ends, ports, circles, and what no trigger leads to.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::{
    plan::topological,
    port::{Port, PortRole, ports},
    problem::{pointer, suggestion},
};

impl<'a> Check<'a> {
    pub(super) fn links(&mut self) {
        let flow = self.flow;
        let mut seen = BTreeSet::new();
        for (i, link) in flow.links.iter().enumerate() {
            let at = self.place("links", i);
            if !seen.insert((&link.from, link.port(), &link.to)) {
                self.findings.error(
                    &at,
                    "duplicate_link",
                    format!(
                        "a link from `{}` to `{}` stands here twice; remove one",
                        link.from, link.to
                    ),
                );
            }
            if flow.triggers.contains_key(&link.to) {
                let message = format!("`{}` is a trigger; a link ends at a step", link.to);
                self.findings
                    .error(pointer(&at, "to"), "dangling_link", message);
            } else if !flow.steps.contains_key(&link.to) {
                let message = format!("there is no step `{}`{}", link.to, self.near(&link.to));
                self.findings
                    .error(pointer(&at, "to"), "dangling_link", message);
            }
            if !self.known(&link.from) {
                let message = format!(
                    "there is no trigger or step `{}`{}",
                    link.from,
                    self.near(&link.from)
                );
                self.findings
                    .error(pointer(&at, "from"), "dangling_link", message);
                continue;
            }
            let Some(ports) = self.ports(&link.from) else {
                continue;
            };
            let names = || ports.iter().map(|port| port.name.as_str());
            if !names().any(|name| name == link.port()) {
                let advice = suggestion(link.port(), names());
                let known = if ports.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("it has: {}", names().collect::<Vec<_>>().join(", "))
                };
                let message = format!(
                    "`{}` has no port `{}`{advice}; {known}",
                    link.from,
                    link.port()
                );
                let place = if link.port.is_some() {
                    pointer(&at, "port")
                } else {
                    at
                };
                self.findings.error(place, "unknown_port", message);
            }
        }
        match topological(flow) {
            Err(circle) => {
                let message = format!("the links form a circle: {circle}; remove one of them");
                self.findings
                    .error(format!("{}/links", self.at), "circle", message);
            }
            Ok(_) => self.unreachable(),
        }
        for id in flow.steps.keys() {
            self.unlinked_ports(id);
        }
    }

    fn unreachable(&mut self) {
        let flow = self.flow;
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        if self.loops > 0 {
            // In a body the steps that no link enters come first, so without a circle all are reached.
            return;
        }
        let mut open: Vec<&str> = flow.triggers.keys().map(String::as_str).collect();
        while let Some(here) = open.pop() {
            for link in flow.links.iter().filter(|link| link.from == here) {
                if reached.insert(&link.to) {
                    open.push(&link.to);
                }
            }
        }
        for (id, _) in flow
            .steps
            .iter()
            .filter(|(id, step)| !reached.contains(id.as_str()) && !step.disabled)
        {
            let message = format!(
                "no trigger leads to `{id}`, so it never runs; draw a link to it, disable it or delete it"
            );
            let at = self.place("steps", id);
            self.findings.error(at, "unreachable", message);
        }
    }

    /// A case of a branch that leads nowhere ends the run there without a word: worth a look.
    fn unlinked_ports(&mut self, id: &str) {
        let own: BTreeSet<String> = self
            .ports(id)
            .into_iter()
            .flatten()
            .filter(|port| matches!(port.role, PortRole::Case | PortRole::Otherwise))
            .map(|port| port.name)
            .collect();
        for port in own {
            if !self
                .flow
                .links
                .iter()
                .any(|link| link.from == id && link.port() == port)
            {
                let message = format!(
                    "nothing follows the port `{port}`; draw a link from it if something should happen then"
                );
                let at = self.place("steps", id);
                self.findings.warning(at, "open_port", message);
            }
        }
    }

    /// The ports a link may leave from; `None` where the kind is not known.
    fn ports(&self, id: &str) -> Option<Vec<Port>> {
        let flow = self.flow;
        let (entry, config) = match flow.triggers.get(id) {
            Some(trigger) => (self.catalog.trigger(&trigger.kind)?, &trigger.config),
            None => {
                let step = flow.steps.get(id)?;
                (self.catalog.step(&step.kind)?, &step.config)
            }
        };
        Some(ports(entry, config))
    }

    /// For each step, the steps that links lead from to it.
    pub(super) fn predecessors(&self) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let flow = self.flow;
        let mut before: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let Ok(order) = topological(flow) else {
            return before;
        };
        for id in &order {
            let mut all = BTreeSet::new();
            for link in flow
                .links
                .iter()
                .filter(|link| link.to == *id && flow.steps.contains_key(&link.from))
            {
                all.insert(link.from.as_str());
                all.extend(before.get(link.from.as_str()).into_iter().flatten());
            }
            if let Some((id, _)) = flow.steps.get_key_value(id) {
                before.insert(id, all);
            }
        }
        before
    }
}
