//! Ids of cards: fresh ones that are free, and renaming one wherever a document says it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use weir_flows::document::{Config, Flow, Slug, Step, each_step, is_slug};

use super::{
    body::renamed_within,
    change::{Change, What},
};

/// A free id that begins with a word: `map`, else `map_2`, `map_3`, … Scripts can say it without brackets.
pub(crate) fn fresh_id(taken: impl Fn(&str) -> bool, word: &str) -> Slug {
    let mut base: String = word
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .take(48)
        .collect();
    base = base.trim_matches('_').to_owned();
    if !base.starts_with(|c: char| c.is_ascii_lowercase()) || !is_slug(&base) {
        base = format!("step_{base}").trim_end_matches('_').to_owned();
    }
    // A number at the end is counted on instead of prolonged.
    let stem = base.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = stem.strip_suffix('_').unwrap_or(&base).to_owned();
    let mut numbered = (2..).map(|n| format!("{stem}_{n}"));
    if taken(&base) {
        numbered
            .find(|id| !taken(id))
            .unwrap_or_else(|| base.clone())
    } else {
        base
    }
}

/// Whether a flow has a card with this id.
pub(super) fn is_taken(flow: &Flow, id: &str) -> bool {
    flow.triggers.contains_key(id) || flow.steps.contains_key(id)
}

/// The ids that a document uses: those of its cards, and of the steps within bodies. No new card may have one of them, wherever in
/// the document it stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken(BTreeSet<Slug>);

impl Taken {
    /// Those of a whole document.
    pub(crate) fn of(whole: &Flow) -> Self {
        let mut ids: BTreeSet<Slug> = whole.triggers.keys().cloned().collect();
        each_step(whole, |_, id, _| {
            ids.insert(id.clone());
        });
        Taken(ids)
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.contains(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slug> {
        self.0.iter()
    }

    /// A free id that begins with a word, which is taken from now on.
    fn take(&mut self, word: &str) -> Slug {
        let new = fresh_id(|id| self.has(id), word);
        self.0.insert(new.clone());
        new
    }
}

/// A free id for a new card.
pub(super) fn fresh_card(taken: &Taken, word: &str) -> Slug {
    fresh_id(|id| taken.has(id), word)
}

/// Gives a card, in whatever body it stands, another id wherever the whole document says it: links, places, tests and scripts.
/// `None` where the new id is no slug or is taken.
pub(crate) fn rename(flow: &Flow, old: &str, new: &str) -> Option<Change> {
    let taken = Taken::of(flow);
    if !is_slug(new) || taken.has(new) || !taken.has(old) {
        return None;
    }
    let names = BTreeMap::from([(old.to_owned(), new.to_owned())]);
    let mut to = flow.clone();
    to.triggers = renamed_keys(std::mem::take(&mut to.triggers), &names);
    to.steps = renamed_keys(std::mem::take(&mut to.steps), &names);
    to.layout = renamed_keys(std::mem::take(&mut to.layout), &names);
    for trigger in to.triggers.values_mut() {
        rewrite_config(&mut trigger.config, &names);
    }
    let inner = !is_taken(flow, old);
    for step in to.steps.values_mut() {
        if inner {
            *step = renamed_within(step, &names);
        }
        rewrite_step(step, &names);
    }
    let say = |id: &mut Slug| {
        if id == old {
            new.clone_into(id);
        }
    };
    for link in &mut to.links {
        say(&mut link.from);
        say(&mut link.to);
    }
    for test in &mut to.tests {
        test.trigger.iter_mut().for_each(say);
        test.mocks = renamed_keys(std::mem::take(&mut test.mocks), &names);
        let expect = &mut test.expect;
        expect.ran.iter_mut().flatten().for_each(say);
        expect.skipped.iter_mut().for_each(say);
        expect.steps = renamed_keys(std::mem::take(&mut expect.steps), &names);
        if let Some(failure) = &mut expect.failure {
            failure.step.iter_mut().for_each(say);
        }
        for step in expect.steps.values_mut() {
            if let Some(failure) = &mut step.failure {
                failure.step.iter_mut().for_each(say);
            }
        }
    }
    Some(Change::between(What::Rename, flow, &to))
}

fn renamed_keys<T>(map: BTreeMap<Slug, T>, names: &BTreeMap<Slug, Slug>) -> BTreeMap<Slug, T> {
    map.into_iter()
        .map(|(id, value)| (names.get(&id).cloned().unwrap_or(id), value))
        .collect()
}

/// The same in all that a step says.
pub(super) fn rewrite_step(step: &mut Step, names: &BTreeMap<Slug, Slug>) {
    rewrite_config(&mut step.config, names);
    if let Some(undo) = &mut step.undo {
        rewrite_config(&mut undo.config, names);
    }
    let keys = [
        step.concurrency.as_mut().and_then(|it| it.key.as_mut()),
        step.rate.as_mut().and_then(|it| it.key.as_mut()),
        step.cache.as_mut().and_then(|it| it.key.as_mut()),
    ];
    for key in keys.into_iter().flatten() {
        if let Some(rewritten) = rewritten(key, names) {
            *key = rewritten;
        }
    }
}

/// Rewrites `steps.old` and `steps["old"]` in every text of a configuration.
pub(super) fn rewrite_config(config: &mut Config, names: &BTreeMap<Slug, Slug>) {
    config.values_mut().for_each(|value| rewrite(value, names));
}

fn rewrite(value: &mut Value, names: &BTreeMap<Slug, Slug>) {
    match value {
        Value::String(text) => {
            if let Some(rewritten) = rewritten(text, names) {
                *text = rewritten;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, names)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| rewrite(entry, names)),
        _ => {}
    }
}

/// A script with other names for its steps; `None` where it says none of them.
fn rewritten(script: &str, names: &BTreeMap<Slug, Slug>) -> Option<String> {
    const WORD: &str = "steps";
    let mut out = String::with_capacity(script.len());
    let mut rest = script;
    let mut changed = false;
    while let Some(at) = rest.find(WORD) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        out.push_str(WORD);
        rest = &from[WORD.len()..];
        let apart = |c: char| !(c.is_alphanumeric() || c == '_' || c == '.');
        if !out[..out.len() - WORD.len()]
            .chars()
            .next_back()
            .is_none_or(apart)
        {
            continue;
        }
        if let Some((open, id, close)) = reference(rest) {
            out.push_str(open);
            match names.get(id) {
                Some(new) => {
                    changed = true;
                    out.push_str(new);
                }
                None => out.push_str(id),
            }
            rest = &rest[open.len() + id.len()..];
            debug_assert!(rest.starts_with(close));
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// What follows the word `steps`: the opening of a reference, the id, and its close.
fn reference(rest: &str) -> Option<(&str, &str, &str)> {
    for (open, close) in [("[\"", "\"]"), ("['", "']"), ("[`", "`]")] {
        if let Some(inner) = rest.strip_prefix(open) {
            let end = inner.find(close)?;
            return Some((open, &inner[..end], close));
        }
    }
    let open = [".", "?."]
        .into_iter()
        .find(|open| rest.starts_with(open))?;
    let inner = &rest[open.len()..];
    let end = inner
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(inner.len());
    (end > 0).then_some((open, &inner[..end], ""))
}

/// New ids for the cards of a fragment, so that none is taken: the old id to the new one.
pub(super) fn new_ids<'a>(
    taken: &Taken,
    ids: impl Iterator<Item = &'a Slug>,
) -> BTreeMap<Slug, Slug> {
    let mut taken = taken.clone();
    ids.map(|id| (id.clone(), taken.take(id))).collect()
}

/// Gives the steps within the bodies of new cards ids that are free, wherever these cards say them. A card whose ids are free stays
/// as it is. `names` has the new ids of the cards themselves.
pub(super) fn free_bodies(
    taken: &Taken,
    steps: &mut BTreeMap<Slug, Step>,
    names: &BTreeMap<Slug, Slug>,
) {
    let mut taken = taken.clone();
    taken.0.extend(names.values().cloned());
    for step in steps.values_mut() {
        let mut all = Vec::new();
        within(step, &mut all);
        let mut others = BTreeMap::new();
        for id in all {
            let new = taken.take(&id);
            if new != id {
                others.insert(id, new);
            }
        }
        if !others.is_empty() {
            *step = renamed_within(step, &others);
            rewrite_step(step, &others);
        }
    }
}

/// The ids of the steps within the body of a step, at any depth.
pub(super) fn within(step: &Step, all: &mut Vec<Slug>) {
    for (id, inner) in step.body().iter().flat_map(|body| &body.steps) {
        all.push(id.clone());
        within(inner, all);
    }
}
