//! The plan of a document that is still being written: what has errors fails when a run comes there, and the rest is right.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::json;

use crate::{
    catalog::Catalog,
    document::{Flow, OnError, Slug, Step},
    plan::{Plan, topological},
    problem::{Problem, pointer},
    run::{LinkStatus, Run},
};

/// The plan of a document that may have errors. A step whose kind or settings are wrong fails with its first error when
/// a run reaches it; the run goes on elsewhere, and what follows that step is skipped.
#[derive(Debug)]
pub struct Sketch {
    /// What is rehearsed.
    pub plan: Plan,
    /// The position in the plan of each link of the document; absent where it ends nowhere or belongs to a circle.
    links: Vec<Option<usize>>,
    /// The steps with errors, for which others stand in.
    broken: BTreeSet<Slug>,
}

impl Sketch {
    /// Compiles a document with the problems that were found in it.
    ///
    /// # Errors
    /// What keeps even this from being compiled.
    pub fn compile(
        flow: &Arc<Flow>,
        problems: &[Problem],
        catalog: &Catalog,
    ) -> Result<Sketch, String> {
        let mut sound = Flow::clone(flow);
        mend_triggers(&mut sound, problems);
        let (broken, keeps) = mend(&mut sound, problems);
        let mut next = 0..;
        let links = keeps
            .iter()
            .map(|kept| kept.then(|| next.next()).flatten())
            .collect();
        let mut plan = Plan::compile(Arc::new(sound), catalog)?;
        plan.flow = Arc::clone(flow);
        Ok(Sketch {
            plan,
            links,
            broken,
        })
    }

    /// Whether a step has errors, so that it fails when a run reaches it and leaves by no port.
    pub fn is_broken(&self, step: &str) -> bool {
        self.broken.contains(step)
    }

    /// How a run of this plan left the links, in the order of the document.
    pub fn links_of(&self, run: &Run) -> Vec<LinkStatus> {
        let status = |position: &Option<usize>| position.map_or(LinkStatus::Dead, |i| run.links[i]);
        self.links.iter().map(status).collect()
    }
}

/// Lets others stand in for what is wrong in a flow, or in the body of an `each` as a flow of its own. Gives the steps with errors,
/// and which of the links are kept.
fn mend(flow: &mut Flow, problems: &[Problem]) -> (BTreeSet<Slug>, Vec<bool>) {
    mend_bodies(flow, problems);
    let mut broken = errors_of_steps(flow, problems);
    let circling = circling(flow);
    for id in &circling {
        broken
            .entry(id.clone())
            .or_insert_with(|| "the links before this step form a circle".to_owned());
    }
    let keeps: Vec<bool> = flow
        .links
        .iter()
        .map(|link| {
            flow.steps.contains_key(&link.to)
                && !(circling.contains(&link.from) && circling.contains(&link.to))
        })
        .collect();
    for (id, message) in &broken {
        stand_in(flow, id, message);
    }
    let mut keeping = keeps.iter();
    flow.links.retain(|_| keeping.next() == Some(&true));
    (broken.into_keys().collect(), keeps)
}

/// Mends the bodies with something wrong inside, so that the rest of each is rehearsed.
fn mend_bodies(flow: &mut Flow, problems: &[Problem]) {
    for (id, step) in &mut flow.steps {
        let at = format!("{}/config/body", pointer("/steps", id));
        let inner = problems.iter().filter_map(|problem| {
            let inside = problem.at.strip_prefix(&at)?;
            is_inside_body(problem, inside).then(|| Problem {
                at: inside.to_owned(),
                ..problem.clone()
            })
        });
        let inner: Vec<Problem> = inner.collect();
        let Some(body) = step.body().filter(|_| !inner.is_empty()) else {
            continue;
        };
        let mut sound = body.into_flow("");
        mend(&mut sound, &inner);
        let body = json!({ "steps": sound.steps, "links": sound.links });
        step.config.insert("body".to_owned(), body);
    }
}

/// Whether a problem at a place within a body is about a part of it, and not about the body as a whole. Steps with one id cannot
/// be told apart, so that is about all of it.
fn is_inside_body(problem: &Problem, inside: &str) -> bool {
    let part = ["/steps/", "/links", "/layout/"];
    problem.code != "duplicate_id" && part.iter().any(|part| inside.starts_with(part))
}

/// The steps whose kind or settings are wrong, each with its first error. An undo that is wrong is taken away.
fn errors_of_steps(flow: &mut Flow, problems: &[Problem]) -> BTreeMap<Slug, String> {
    let mut broken = BTreeMap::new();
    for (id, inside, problem) in errors_below("/steps/", problems) {
        let Some(step) = flow.steps.get_mut(id) else {
            continue;
        };
        let of_body = inside.strip_prefix("config/body");
        if step.body().is_some() && of_body.is_some_and(|of| is_inside_body(problem, of)) {
            continue;
        }
        match inside.split('/').next() {
            Some("kind" | "config") => {
                broken
                    .entry(id.to_owned())
                    .or_insert_with(|| problem.message.clone());
            }
            Some("undo") => step.undo = None,
            Some("concurrency") => step.concurrency = None,
            Some("rate") => step.rate = None,
            Some("cache") => step.cache = None,
            // What else may be wrong with a step is no matter to its mock.
            _ => {}
        }
    }
    broken
}

/// A rehearsal hands the message to the trigger itself, so it needs nothing that listens. A trigger whose `map` is wrong
/// is taken away: without it the steps would see something else.
fn mend_triggers(flow: &mut Flow, problems: &[Problem]) {
    for (id, inside, _) in errors_below("/triggers/", problems) {
        let Some(trigger) = flow.triggers.get_mut(id) else {
            continue;
        };
        match inside.split('/').next() {
            Some("kind" | "config") => trigger.kind = "manual".to_owned(),
            Some("filter") => trigger.filter = None,
            Some("dedupe") => trigger.dedupe = None,
            Some("schema") => trigger.schema = None,
            Some("map") => {
                flow.triggers.remove(id);
            }
            _ => {}
        }
    }
}

/// The errors below a part of the document, with the id they belong to and the place inside.
fn errors_below<'a>(
    part: &'a str,
    problems: &'a [Problem],
) -> impl Iterator<Item = (&'a str, &'a str, &'a Problem)> {
    problems
        .iter()
        .filter(|problem| problem.is_error())
        .filter_map(move |problem| {
            let place = problem.at.strip_prefix(part)?;
            let (id, inside) = place.split_once('/').unwrap_or((place, ""));
            Some((id, inside, problem))
        })
}

/// The steps that stand on a circle of links or behind one, which no run can reach.
fn circling(flow: &Flow) -> BTreeSet<Slug> {
    if topological(flow).is_ok() {
        return BTreeSet::new();
    }
    let mut open: BTreeSet<Slug> = flow.steps.keys().cloned().collect();
    loop {
        let held: BTreeSet<&Slug> = flow
            .links
            .iter()
            .filter(|link| open.contains(&link.from))
            .map(|link| &link.to)
            .collect();
        let before = open.len();
        open.retain(|id| held.contains(id));
        if open.len() == before {
            return open;
        }
    }
}

/// Puts a step in the place of one that is wrong, which fails and lets its links die.
fn stand_in(flow: &mut Flow, id: &str, message: &str) {
    let Some(step) = flow.steps.get_mut(id) else {
        return;
    };
    *step = Step {
        kind: "fail".to_owned(),
        config: [
            (
                "message".to_owned(),
                format!("this step has an error: {message}").into(),
            ),
            ("class".to_owned(), "broken".into()),
        ]
        .into_iter()
        .collect(),
        join: step.join,
        on_error: Some(OnError::Continue),
        disabled: step.disabled,
        ..Step::default()
    };
    if !step.disabled {
        for link in flow.links.iter_mut().filter(|link| link.from == id) {
            // No port has an empty name, so the run never leaves by it.
            link.port = Some(String::new());
        }
    }
}
