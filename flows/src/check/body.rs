//! The checks of the body of an `each` step: a flow of its own, whose ids are shared with the flow around it.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::{
    document::{Flow, Step},
    json::type_word,
    plan::MOST_LOOPS,
    problem::pointer,
    settings::Findings,
    template,
};

/// Whether a kind of step may stand in a body that has so many `each` steps around it; 0 is the flow itself.
pub fn may_stand(kind: &str, loops: usize) -> bool {
    match kind {
        "respond" => loops == 0,
        "each" => loops < MOST_LOOPS,
        _ => true,
    }
}

impl Check<'_> {
    /// No two steps share an id, in whatever body they stand.
    pub(super) fn ids(&mut self) {
        let flow = self.flow;
        let mut taken: BTreeSet<String> = flow
            .triggers
            .keys()
            .chain(flow.steps.keys())
            .cloned()
            .collect();
        for (id, step) in &flow.steps {
            let mut found = Vec::new();
            within(step, &self.place("steps", id), &mut found);
            for (inner, at) in found {
                if taken.insert(inner.clone()) {
                    self.inside.insert(inner, id.clone());
                } else {
                    let message = format!(
                        "`{inner}` is the id of another step or trigger, too; ids are shared by a flow and its bodies, so give this one another"
                    );
                    self.findings.error(at, "duplicate_id", message);
                }
            }
        }
    }

    pub(super) fn each(&mut self, id: &str, step: &Step, config: &str) {
        if let Some(items) = step.config.get("items")
            && !items.is_array()
            && items.as_str().and_then(template::expression).is_none()
        {
            let message = format!(
                "this must be a list, or an expression that gives one such as \"= input.body.lines\", but it is {}",
                type_word(items)
            );
            let at = pointer(config, "items");
            self.findings.error(at, "wrong_type", message);
        }
        self.body(id, step, config);
    }

    fn body(&mut self, id: &str, step: &Step, config: &str) {
        // Of another shape it was reported already.
        let Some(body) = step.body() else {
            return;
        };
        let at = pointer(config, "body");
        if !may_stand("each", self.loops) {
            let message = format!(
                "`each` steps stand in each other at most {MOST_LOOPS} deep; let an earlier step make one flat list"
            );
            return self.findings.error(at, "too_deep", message);
        }
        if body.steps.is_empty() {
            let message = "the body has no step; add what is done for every item";
            return self.findings.error(at, "no_step", message);
        }
        let flow = body.into_flow(&self.flow.id);
        let mut check = Check {
            flow: &flow,
            catalog: self.catalog,
            names: self.names,
            findings: Findings::default(),
            around: self.seen_from(id),
            inside: inside(&flow),
            loops: self.loops + 1,
            at,
        };
        check.graph();
        self.findings.problems.extend(check.findings.problems);
    }

    /// The steps that a body sees around it, and whether they come before its `each` step.
    fn seen_from(&self, each: &str) -> BTreeMap<String, bool> {
        let before = self.predecessors();
        let before = before.get(each);
        let comes_before = |id: &str| before.is_some_and(|before| before.contains(id));
        let here = self
            .flow
            .steps
            .keys()
            .map(|id| (id.clone(), comes_before(id)));
        self.around.clone().into_iter().chain(here).collect()
    }
}

/// The steps within the bodies of a flow, at any depth, each with its `each` step.
fn inside(flow: &Flow) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (id, step) in &flow.steps {
        let mut found = Vec::new();
        within(step, "", &mut found);
        all.extend(found.into_iter().map(|(inner, _)| (inner, id.clone())));
    }
    all
}

/// The ids of the steps within the body of a step, at any depth, with their places.
fn within(step: &Step, at: &str, found: &mut Vec<(String, String)>) {
    let Some(body) = step.body() else { return };
    for (id, inner) in &body.steps {
        let at = pointer(&format!("{at}/config/body/steps"), id);
        within(inner, &at, found);
        found.push((id.clone(), at));
    }
}
