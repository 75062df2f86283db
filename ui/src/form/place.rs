//! Places in a document: setting what stands at a JSON Pointer, and which problems belong to it. All of this is pure.

use serde_json::{Map, Value};
use weir_flows::{
    catalog::{Field, FieldKind},
    problem::{Problem, pointer},
};

/// Sets what stands at a JSON Pointer, or takes it away. Objects on the way are made where they are missing, and go
/// where nothing is left in them; lists keep their items.
pub(crate) fn put(root: &mut Value, at: &str, value: Option<Value>) {
    let segments: Vec<String> = at.split('/').skip(1).map(unescape).collect();
    match (segments.is_empty(), value) {
        (true, Some(value)) => *root = value,
        (true, None) => *root = Value::Object(Map::new()),
        (false, value) => put_segments(root, &segments, value),
    }
}

/// Whether a JSON Pointer leads to a place or into it.
pub(crate) fn within(pointer: &str, place: &str) -> bool {
    pointer
        .strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The place that contains a place; the same for the whole document.
pub(crate) fn parent(at: &str) -> &str {
    at.rfind('/').map_or("", |end| &at[..end])
}

/// Whether the field at a place shows a problem: one about what stands there or that it is missing. What stands inside
/// of a table or group is shown by the fields there.
pub(crate) fn shows(problem: &Problem, at: &str, kind: &FieldKind) -> bool {
    let place = place_of(problem);
    within(&place, at) && !is_inside(kind, &place[at.len()..])
}

/// The place that a problem is about: where it is, or where something is missing.
pub(crate) fn place_of(problem: &Problem) -> String {
    missing_at(problem).unwrap_or_else(|| problem.at.clone())
}

/// Whether a place within a field has a field of its own.
fn is_inside(kind: &FieldKind, rest: &str) -> bool {
    let mut segments = rest.split('/').skip(1);
    let of = |fields: &[Field], name: Option<&str>| {
        name.is_some_and(|name| fields.iter().any(|field| field.name == name))
    };
    match kind {
        FieldKind::Group(fields) => of(fields, segments.next()),
        FieldKind::Rows(fields) => of(fields, segments.nth(1)),
        FieldKind::Table => segments.next().is_some(),
        // They are shown where they are drawn.
        FieldKind::Body => {
            matches!(segments.next(), Some("steps" | "links" | "layout"))
                && segments.next().is_some()
        }
        _ => false,
    }
}

/// The place of what a problem says is missing.
fn missing_at(problem: &Problem) -> Option<String> {
    match problem.code.as_str() {
        "missing_key" => {
            let rest = problem.message.strip_prefix('`')?;
            let (name, rest) = rest.split_once('`')?;
            rest.starts_with(" is missing")
                .then(|| pointer(&problem.at, name))
        }
        "missing_connection" => Some(pointer(&problem.at, "connection")),
        _ => None,
    }
}

/// The problems of a card that no field shows: those about the card itself, or about keys that no field is for.
pub(crate) fn remaining<'a>(
    problems: &'a [Problem],
    card: &str,
    fields: &[String],
) -> Vec<&'a Problem> {
    let of_card = problems.iter().filter(|problem| within(&problem.at, card));
    of_card
        .filter(|problem| {
            let place = place_of(problem);
            !fields.iter().any(|at| within(&place, at))
        })
        .collect()
}

/// A DOM id for what edits a place.
pub(crate) fn dom_id(at: &str) -> String {
    let mut id = String::from("field");
    for c in at.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => id.push(c),
            '/' => id.push('-'),
            // Escaped, so that two places never share an id.
            c => id.push_str(&format!("_{:x}_", u32::from(c))),
        }
    }
    id
}

fn put_segments(root: &mut Value, segments: &[String], value: Option<Value>) {
    let [first, rest @ ..] = segments else { return };
    if let Value::Array(items) = root {
        let Ok(index) = first.parse::<usize>() else {
            return;
        };
        match (items.get_mut(index), rest, value) {
            (Some(item), [], Some(value)) => *item = value,
            (Some(_), [], None) => drop(items.remove(index)),
            (Some(item), rest, value) => put_segments(item, rest, value),
            (None, [], Some(value)) => items.push(value),
            (None, ..) => {}
        }
        return;
    }
    if !root.is_object() {
        if value.is_none() {
            return;
        }
        *root = Value::Object(Map::new());
    }
    let Value::Object(entries) = root else { return };
    match (rest, value) {
        ([], Some(value)) => drop(entries.insert(first.clone(), value)),
        ([], None) => drop(entries.remove(first)),
        (rest, Some(value)) => {
            let inner = entries
                .entry(first.clone())
                .or_insert_with(|| Map::new().into());
            put_segments(inner, rest, Some(value));
        }
        (rest, None) => {
            let Some(inner) = entries.get_mut(first) else {
                return;
            };
            put_segments(inner, rest, None);
            if inner.as_object().is_some_and(Map::is_empty) {
                entries.remove(first);
            }
        }
    }
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::catalog::phrase;

    use super::*;

    #[test]
    fn values_are_set_and_taken_away() {
        for (before, at, value, after) in [
            (
                json!({}),
                "/config/a",
                Some(json!(1)),
                json!({"config": {"a": 1}}),
            ),
            (json!({"config": {"a": 1}}), "/config/a", None, json!({})),
            (
                json!({"retry": {"delay": "1s", "on": []}}),
                "/retry/on",
                None,
                json!({"retry": {"delay": "1s"}}),
            ),
            (json!({"l": [{"a": 1}]}), "/l/0/a", None, json!({"l": [{}]})),
            (json!({"l": [1, 2]}), "/l/0", None, json!({"l": [2]})),
            (
                json!({"l": [1]}),
                "/l/1",
                Some(json!(2)),
                json!({"l": [1, 2]}),
            ),
            (json!({"l": [1]}), "/l/7", None, json!({"l": [1]})),
            (
                json!({"a": "text"}),
                "/a/b",
                Some(json!(1)),
                json!({"a": {"b": 1}}),
            ),
            (json!({"a": "text"}), "/a/b", None, json!({"a": "text"})),
            (
                json!({}),
                "/h/x~1y~0z",
                Some(json!(1)),
                json!({"h": {"x/y~z": 1}}),
            ),
            (json!({"a": 1}), "", Some(json!([])), json!([])),
            (json!({"a": 1}), "", None, json!({})),
        ] {
            let mut root = before.clone();
            put(&mut root, at, value);
            assert_eq!(root, after, "{before} {at}");
        }
    }

    #[test]
    fn problems_belong_to_the_field_they_are_about() {
        let at = "/steps/book/config/path";
        for (problem, concerned) in [
            (Problem::error(at, "x", ""), true),
            (Problem::error(format!("{at}/0"), "x", ""), true),
            (Problem::error(format!("{at}s"), "x", ""), false),
            (
                Problem::error(
                    "/steps/book/config",
                    "missing_key",
                    "`path` is missing here: The path.",
                ),
                true,
            ),
            (
                Problem::error(
                    "/steps/book/config",
                    "missing_key",
                    "`paths` is missing here: The path.",
                ),
                false,
            ),
            (
                Problem::error(
                    "/steps/book/config",
                    "missing_key",
                    "one of `url`, `path` is missing here; add one",
                ),
                false,
            ),
        ] {
            assert_eq!(
                shows(&problem, at, &FieldKind::Text),
                concerned,
                "{problem}"
            );
        }
        let problem = Problem::error("/steps/book", "missing_connection", "");
        assert!(shows(&problem, "/steps/book/connection", &FieldKind::Text));
    }

    #[test]
    fn fields_within_fields_show_their_own_problems() {
        let inner = Field::new("a", phrase("", ""), FieldKind::Text, phrase("", ""));
        let rows = FieldKind::Rows(vec![inner.clone()]);
        let group = FieldKind::Group(vec![inner]);
        for (kind, place, shown) in [
            (&rows, "/c", true),
            (&rows, "/c/0", true),
            (&rows, "/c/0/a", false),
            (&rows, "/c/0/b", true),
            (&group, "/c/a/0", false),
            (&group, "/c/b", true),
            (&FieldKind::Table, "/c/name", false),
            (&FieldKind::Body, "/c/steps/a/config", false),
            (&FieldKind::Body, "/c/steps", true),
            (&FieldKind::Body, "/c", true),
            (&FieldKind::Any, "/c/name", true),
        ] {
            let problem = Problem::error(place, "x", "");
            assert_eq!(shows(&problem, "/c", kind), shown, "{place} {kind:?}");
        }
    }

    #[test]
    fn what_no_field_shows_remains_for_the_card() {
        let problems = [
            Problem::error("/steps/a/config/path", "x", "1"),
            Problem::error("/steps/a/config/other", "unknown_key", "2"),
            Problem::error("/steps/a", "x", "3"),
            Problem::error("/steps/ab", "x", "4"),
        ];
        let fields = ["/steps/a/config/path".to_owned()];
        let said: Vec<_> = remaining(&problems, "/steps/a", &fields)
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        assert_eq!(said, ["2", "3"]);
    }

    #[test]
    fn ids_of_the_page_differ_where_places_differ() {
        assert_eq!(dom_id("/steps/a/config"), "field-steps-a-config");
        assert_ne!(dom_id("/a-b"), dom_id("/a/b"));
        assert_ne!(dom_id("/a_b"), dom_id("/a-b"));
    }

    #[test]
    fn places_contain_places() {
        assert!(within("/a/b", "/a") && within("/a", "/a") && within("/a", ""));
        assert!(!within("/ab", "/a"));
        assert_eq!(parent("/a/b"), "/a");
        assert_eq!(parent(""), "");
    }
}
