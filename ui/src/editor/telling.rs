//! Telling: what differs between two documents, in words that a person reads before publishing, restoring or deciding.

use serde_json::Value;

use crate::{
    edit::{Changed, Diff, LinkNamed, Named, Setting},
    texts::{Texts, count, fill},
};

/// The longest value, in characters, that is said as it stands.
const SHORT: usize = 40;
/// How many names a sentence says before it counts the rest.
const NAMES: usize = 3;

/// Differences of one sort under their heading.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) heading: &'static str,
    /// The class it is coloured by: `good`, `bad`, or empty.
    pub(crate) tone: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// The card it is about, to be taken to.
    pub(crate) card: Option<String>,
    pub(crate) text: String,
    /// What of it differs, one by one.
    pub(crate) details: Vec<String>,
}

impl Line {
    fn plain(text: String) -> Self {
        Line {
            card: None,
            text,
            details: Vec::new(),
        }
    }
}

/// All differences in words, the most important first. `label` names a setting of a card's `config`.
pub(crate) fn tell(
    t: &'static Texts,
    diff: &Diff,
    label: impl Fn(&Named, &str) -> Option<String>,
) -> Vec<Group> {
    let card = |card: &Named| Line {
        card: Some(card.id.clone()),
        text: card.name.clone(),
        details: Vec::new(),
    };
    let changed = |changed: &Changed| {
        let mut details: Vec<String> = Vec::new();
        if let Some(was) = &changed.was {
            let names = [("from", was.as_str()), ("to", &changed.card.id)];
            details.push(fill(t.diff_id, &names));
        }
        details.extend(
            changed
                .settings
                .iter()
                .map(|setting| said(t, setting, |key| label(&changed.card, key))),
        );
        Line {
            card: Some(changed.card.id.clone()),
            text: changed.card.name.clone(),
            details,
        }
    };
    let tests = [
        (&diff.tests.added, t.diff_test_added),
        (&diff.tests.changed, t.diff_test_changed),
        (&diff.tests.removed, t.diff_test_removed),
    ];
    let tests = tests.into_iter().flat_map(|(names, text)| {
        let say = |name: &String| Line::plain(fill(text, &[("name", name)]));
        names.iter().map(say).collect::<Vec<_>>()
    });
    let flow = diff.flow.iter().map(|setting| said(t, setting, |_| None));
    let moved = diff.moved.len() as u64;
    let moved = (moved > 0).then(|| Line::plain(count(moved, t.diff_moved_one, t.diff_moved_many)));
    let group = |heading, tone, lines: Vec<Line>| Group {
        heading,
        tone,
        lines,
    };
    let links = |links: &[LinkNamed]| links.iter().map(|link| Line::plain(arrow(link))).collect();
    let groups = [
        group(t.diff_added, "good", diff.added.iter().map(card).collect()),
        group(
            t.diff_removed,
            "bad",
            diff.removed.iter().map(card).collect(),
        ),
        group(
            t.diff_changed,
            "",
            diff.changed.iter().map(changed).collect(),
        ),
        group(t.diff_linked, "good", links(&diff.linked)),
        group(t.diff_unlinked, "bad", links(&diff.unlinked)),
        group(t.diff_flow, "", flow.map(Line::plain).collect()),
        group(t.diff_tests, "", tests.collect()),
        group(t.diff_drawing, "", moved.into_iter().collect()),
    ];
    groups
        .into_iter()
        .filter(|group| !group.lines.is_empty())
        .collect()
}

/// One line for the list of versions; empty where nothing differs that has an effect.
pub(crate) fn summary(t: &Texts, diff: &Diff) -> String {
    let named = |text: &str, names: Vec<&str>| {
        (!names.is_empty()).then(|| fill(text, &[("names", &listed(t, &names))]))
    };
    let changed = diff
        .changed
        .iter()
        .map(|changed| changed.card.name.as_str());
    let settings: Vec<String> = diff
        .flow
        .iter()
        .map(|setting| name(t, setting, |_| None))
        .collect();
    let links = !diff.linked.is_empty() || !diff.unlinked.is_empty();
    let only_links = links && diff.added.is_empty() && diff.removed.is_empty();
    let parts = [
        named(t.diff_sum_added, names_of(&diff.added)),
        named(t.diff_sum_removed, names_of(&diff.removed)),
        named(t.diff_sum_changed, changed.collect()),
        only_links.then(|| t.diff_sum_links.to_owned()),
        (!settings.is_empty()).then(|| fill(t.diff_sum_flow, &[("names", &settings.join(", "))])),
        (diff.tests != Default::default()).then(|| t.diff_sum_tests.to_owned()),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    let said = said.join("; ");
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn names_of(cards: &[Named]) -> Vec<&str> {
    cards.iter().map(|card| card.name.as_str()).collect()
}

/// Names in a row, the first few of them.
fn listed(t: &Texts, names: &[&str]) -> String {
    let shown = if names.len() > NAMES {
        NAMES - 1
    } else {
        NAMES
    };
    let mut said: Vec<String> = names
        .iter()
        .take(shown)
        .map(|name| fill(t.quoted, &[("text", name)]))
        .collect();
    let rest = names.len().saturating_sub(shown);
    if rest > 0 {
        said.push(fill(t.diff_more, &[("n", &rest.to_string())]));
    }
    said.join(", ")
}

fn arrow(link: &LinkNamed) -> String {
    if link.port == "ok" {
        format!("{} → {}", link.from, link.to)
    } else {
        format!("{} ({}) → {}", link.from, link.port, link.to)
    }
}

/// A setting that differs: its values where they are short, else that it is new, gone or different.
fn said(t: &Texts, setting: &Setting, label: impl Fn(&str) -> Option<String>) -> String {
    let name = name(t, setting, label);
    let name = name.as_str();
    match (&setting.before, &setting.after) {
        (Some(before), Some(after)) => match (short(t, before), short(t, after)) {
            (Some(before), Some(after)) => {
                let values = [("name", name), ("from", &before), ("to", &after)];
                fill(t.diff_from_to, &values)
            }
            _ => fill(t.diff_other, &[("name", name)]),
        },
        (None, Some(value)) => match short(t, value) {
            Some(value) => fill(t.diff_now, &[("name", name), ("to", &value)]),
            None => fill(t.diff_new, &[("name", name)]),
        },
        _ => fill(t.diff_gone, &[("name", name)]),
    }
}

/// A value that a sentence has room for.
fn short(t: &Texts, value: &Value) -> Option<String> {
    let said = match value {
        Value::String(text) if text.is_empty() => return Some(t.diff_nothing.to_owned()),
        Value::String(text) => fill(t.quoted, &[("text", text)]),
        Value::Bool(true) => t.yes.to_owned(),
        Value::Bool(false) => t.no.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null => t.diff_nothing.to_owned(),
        Value::Array(items)
            if items
                .iter()
                .all(|item| item.is_string() || item.is_number()) =>
        {
            let items = items.iter().map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            });
            items.collect::<Vec<_>>().join(", ")
        }
        Value::Array(_) | Value::Object(_) => return None,
    };
    (said.chars().count() <= SHORT && !said.contains('\n')).then_some(said)
}

/// What a setting is called.
fn name(t: &Texts, setting: &Setting, label: impl Fn(&str) -> Option<String>) -> String {
    let path: Vec<&str> = setting.path.iter().map(String::as_str).collect();
    let known = match path.as_slice() {
        ["config", key] => return label(key).unwrap_or_else(|| (*key).to_owned()),
        ["config"] => t.panel_config,
        ["title"] => t.diff_title,
        ["description"] => t.diff_description,
        ["kind"] => t.diff_kind,
        ["connection"] => t.panel_connection,
        ["retry", ..] => match path.get(1) {
            Some(&"delay") => t.diff_delay,
            Some(&"max_delay") => t.diff_max_delay,
            Some(&"backoff") => t.diff_backoff,
            Some(&"on") => t.diff_retry_on,
            Some(&"jitter") => t.diff_jitter,
            _ => t.panel_retry,
        },
        ["timeout"] => t.panel_timeout,
        ["deadline"] => t.panel_deadline,
        ["concurrency", ..] => t.panel_at_once,
        ["rate", ..] => t.panel_rate,
        ["cache", ..] => t.panel_cache,
        ["on_error"] => t.panel_on_error,
        ["undo"] => t.panel_undo,
        ["idempotent"] => t.panel_idempotent,
        ["join"] => t.panel_join,
        ["pinned"] => t.diff_pinned,
        ["disabled"] => t.diff_disabled,
        ["filter"] => t.panel_filter,
        ["map"] => t.panel_map,
        ["dedupe"] => t.panel_dedupe,
        ["schema"] => t.panel_schema,
        ["settings", "history"] => t.panel_history,
        ["settings", "timeout"] => t.panel_run_timeout,
        ["settings", "concurrency", ..] => t.panel_concurrency,
        _ => return path.join(" "),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::document::Flow;

    use super::*;
    use crate::texts::{ENGLISH, GERMAN};

    fn flow(change: impl FnOnce(&mut Value)) -> Flow {
        let mut document = json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": { "book": { "kind": "http", "title": "Book it", "config": { "path": "/a" } } },
            "links": [ { "from": "t", "to": "book" } ],
            "layout": { "t": [0, 0] }
        });
        change(&mut document);
        serde_json::from_value(document).unwrap()
    }

    fn diff(change: impl FnOnce(&mut Value)) -> Diff {
        Diff::between(&flow(|_| ()), &flow(change))
    }

    fn lines(diff: &Diff) -> Vec<String> {
        let label = |_: &Named, key: &str| (key == "path").then(|| "Path".to_owned());
        let groups = tell(&ENGLISH, diff, label);
        let line = |group: &Group, line: &Line| {
            format!(
                "{}: {} {}",
                group.heading,
                line.text,
                line.details.join(", ")
            )
        };
        let lines = groups
            .iter()
            .flat_map(|group| group.lines.iter().map(move |one| line(group, one)));
        lines.map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn differences_are_told_with_what_is_short() {
        let found = diff(|f| {
            f["steps"]["book"]["config"] = json!({ "path": "/b", "body": { "long": [1, {}] } });
            f["steps"]["book"]["retry"] = json!({ "attempts": 3 });
            f["steps"]["end"] = json!({ "kind": "fail" });
            f["links"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "from": "book", "port": "error", "to": "end" }));
            f["settings"] = json!({ "timeout": "5m" });
            f["layout"]["t"] = json!([1, 1]);
        });
        assert_eq!(
            lines(&found),
            [
                "Added: end",
                "Changed: Book it body: new, Path: “/a” → “/b”, Attempts: 3",
                "New links: Book it (error) → end",
                "The flow itself: Time per run: “5m”",
                "The drawing: 1 card was moved",
            ]
        );
    }

    #[test]
    fn a_note_says_the_most_important() {
        let found = diff(|f| {
            for id in ["a", "b", "c", "d"] {
                f["steps"][id] = json!({ "kind": "map" });
            }
            f["steps"]["book"]["config"]["path"] = json!("/b");
            f["tests"] = json!([{ "name": "one" }]);
            f["title"] = json!("Orders");
        });
        assert_eq!(
            summary(&ENGLISH, &found),
            "Adds “a”, “b”, 2 more; changes “Book it”; flow: Title; tests"
        );
        assert_eq!(
            summary(&GERMAN, &found),
            "Neu: „a“, „b“, 2 weitere; geändert: „Book it“; Flow: Titel; Tests"
        );
        assert_eq!(
            summary(&ENGLISH, &diff(|f| f["layout"]["t"] = json!([1, 1]))),
            ""
        );
    }
}
