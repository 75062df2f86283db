//! The checks of links: both ends, ports, circles, and what no trigger leads to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Check;
use crate::{
    document::Step,
    plan::topological,
    problem::{pointer, suggestion},
};

impl<'a> Check<'a> {
    pub(super) fn links(&mut self) {
        let flow = self.flow;
        let mut seen = BTreeSet::new();
        for (i, link) in flow.links.iter().enumerate() {
            let at = pointer("/links", i);
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
            if !ports.iter().any(|port| port == link.port()) {
                let advice = suggestion(link.port(), ports.iter().map(String::as_str));
                let known = if ports.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("it has: {}", ports.join(", "))
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
                self.findings.error("/links", "circle", message);
            }
            Ok(_) => self.unreachable(),
        }
        for (id, step) in &flow.steps {
            self.unlinked_ports(id, step);
        }
    }

    fn unreachable(&mut self) {
        let flow = self.flow;
        let mut reached: BTreeSet<&str> = BTreeSet::new();
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
            self.findings
                .error(pointer("/steps", id), "unreachable", message);
        }
    }

    /// A case of a branch that leads nowhere ends the run there without a word: worth a look.
    fn unlinked_ports(&mut self, id: &str, step: &Step) {
        if step.kind != "branch" {
            return;
        }
        for port in branch_ports(step).into_iter().collect::<BTreeSet<_>>() {
            if !self
                .flow
                .links
                .iter()
                .any(|link| link.from == id && link.port() == port)
            {
                let message = format!(
                    "nothing follows the port `{port}`; draw a link from it if something should happen then"
                );
                self.findings
                    .warning(pointer("/steps", id), "open_port", message);
            }
        }
    }

    /// The ports a link may leave from; `None` where the kind is not known.
    fn ports(&self, id: &str) -> Option<Vec<String>> {
        let (entry, step) = match (self.flow.triggers.get(id), self.flow.steps.get(id)) {
            (Some(trigger), _) => (self.catalog.trigger(&trigger.kind)?, None),
            (None, step) => (self.catalog.step(&step?.kind)?, step),
        };
        let own = step
            .filter(|step| step.kind == "branch")
            .map(branch_ports)
            .unwrap_or_default();
        Some(
            own.into_iter()
                .chain(entry.ports.iter().map(|port| port.to_string()))
                .collect(),
        )
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

/// The ports of a branch: its cases, then `otherwise`.
pub fn branch_ports(step: &Step) -> Vec<String> {
    let cases = step
        .config
        .get("cases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let cases = cases.filter_map(|case| case.get("port")?.as_str());
    cases
        .chain(step.config.get("otherwise").and_then(Value::as_str))
        .map(str::to_owned)
        .collect()
}
