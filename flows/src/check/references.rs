//! The checks of names: steps that scripts read, connections, secrets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Check, Names};
use crate::{
    builtin::CALL,
    problem::{pointer, suggestion},
    settings::secret_names,
};

impl Check<'_> {
    /// Scripts may read only steps that exist, and should read only steps that come before.
    pub(super) fn references(&mut self) {
        let before = self.predecessors();
        let steps = format!("{}/steps/", self.at);
        let scripts = std::mem::take(&mut self.findings.scripts);
        for (script, at) in &scripts {
            let own = at
                .strip_prefix(&steps)
                .and_then(|rest| rest.split('/').next());
            for reference in script.steps() {
                let place = format!("line {}, column {}", reference.line, reference.column);
                let around = self.around.get(&reference.id).copied();
                if !self.flow.steps.contains_key(&reference.id) && around.is_none() {
                    let known = self.flow.steps.keys().chain(self.around.keys());
                    let advice = match self.inside.get(&reference.id) {
                        Some(each) => format!(
                            " here; it is inside the body of `{each}`, and what that gives is steps.{each}"
                        ),
                        None => suggestion(&reference.id, known.map(String::as_str)),
                    };
                    self.findings.error(
                        at,
                        "unknown_step",
                        format!("{place}: there is no step `{}`{advice}", reference.id),
                    );
                    continue;
                }
                let own_undo = own == Some(reference.id.as_str()) && at.contains("/undo/");
                let comes_before = own
                    .and_then(|own| before.get(own))
                    .is_some_and(|set| set.contains(reference.id.as_str()));
                let comes_before = around.unwrap_or(comes_before);
                if !comes_before && !own_undo {
                    let message = format!(
                        "{place}: `{}` does not come before this step, so it reads as ()",
                        reference.id
                    );
                    self.findings.warning(at, "not_before", message);
                }
            }
        }
        self.findings.scripts = scripts;
    }

    /// The connections and secrets that a document names must exist before it can run.
    pub(super) fn names(&mut self, names: &Names) {
        let mut connections: Vec<(String, &String)> = Vec::new();
        for (id, trigger) in &self.flow.triggers {
            let at = format!("{}/connection", pointer("/triggers", id));
            connections.extend(trigger.connection.as_ref().map(|name| (at, name)));
        }
        for (id, step) in &self.flow.steps {
            let at = self.place("steps", id);
            let undo = step
                .undo
                .as_ref()
                .and_then(|undo| undo.connection.as_ref())
                .map(|name| (format!("{at}/undo/connection"), name));
            let own = step.connection.iter();
            connections.extend(own.map(|name| (format!("{at}/connection"), name)));
            connections.extend(undo);
        }
        for (at, name) in connections {
            if !names.connections.contains(name) {
                let advice = suggestion(name, names.connections.iter().map(String::as_str));
                self.findings.warning(at, "unknown_connection", format!("there is no connection `{name}` here yet{advice}; create it under Connections"));
            }
        }
        if let Some(flows) = &names.flows {
            self.called_flows(flows);
        }
        let configs = self
            .flow
            .triggers
            .iter()
            .map(|(id, trigger)| (pointer("/triggers", id), &trigger.config));
        let configs = configs.map(|(at, config)| (at, config, false));
        let steps = self.flow.steps.iter();
        let steps = steps.map(|(id, step)| {
            let at = self.place("steps", id);
            (at, &step.config, step.body().is_some())
        });
        let mut missing = Vec::new();
        for (at, config, has_body) in configs.chain(steps) {
            let mut found = Vec::new();
            // What a body names is found where it is checked.
            config
                .iter()
                .filter(|(key, _)| !has_body || *key != "body")
                .for_each(|(_, value)| secret_names(value, &mut found));
            missing.extend(
                found
                    .into_iter()
                    .filter(|name| !names.secrets.contains(*name))
                    .map(|name| (format!("{at}/config"), name)),
            );
        }
        for (at, name) in missing {
            self.findings.warning(
                at,
                "unknown_secret",
                format!("there is no secret `{name}` here yet; store it under Secrets"),
            );
        }
    }

    /// The flows that steps call must exist before they are called. A flow may call itself.
    fn called_flows(&mut self, flows: &BTreeSet<String>) {
        for (id, step) in self.flow.steps.iter().filter(|(_, step)| step.kind == CALL) {
            let Some(name) = step.config.get("flow").and_then(Value::as_str) else {
                continue;
            };
            if *name != self.flow.id && !flows.contains(name) {
                let advice = suggestion(name, flows.iter().map(String::as_str));
                let at = format!("{}/config/flow", self.place("steps", id));
                let message = format!(
                    "there is no flow `{name}` here yet{advice}; create it, and publish it before this one runs"
                );
                self.findings.warning(at, "unknown_flow", message);
            }
        }
    }
}
