//! A table of names and values, as rows that a person edits and as the object of the document. All of this is pure.

use serde_json::{Map, Value};

use super::reading::Wrong;

/// One row, as it stands in the form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: Option<Value>,
}

impl Row {
    fn is_empty(&self) -> bool {
        self.name.is_empty() && self.value.is_none()
    }
}

/// The rows for a value of the document; none where it is no object.
pub(crate) fn rows(value: Option<&Value>) -> Vec<Row> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .map(|(name, value)| Row {
            name: name.clone(),
            value: Some(value.clone()),
        })
        .collect()
}

/// What the document holds for rows: those with a name of their own, an empty text where they have no value.
pub(crate) fn object(rows: &[Row]) -> Option<Value> {
    let mut entries = Map::new();
    for row in rows.iter().filter(|row| !row.name.is_empty()) {
        let value = || row.value.clone().unwrap_or_else(|| "".into());
        entries.entry(row.name.as_str()).or_insert_with(value);
    }
    (!entries.is_empty()).then_some(Value::Object(entries))
}

/// What is wrong with each row.
pub(crate) fn wrongs(rows: &[Row]) -> Vec<Option<Wrong>> {
    let wrong = |(index, row): (usize, &Row)| {
        if row.is_empty() {
            None
        } else if row.name.is_empty() {
            Some(Wrong::Nameless)
        } else if rows[..index].iter().any(|other| other.name == row.name) {
            Some(Wrong::Twice(row.name.clone()))
        } else {
            None
        }
    };
    rows.iter().enumerate().map(wrong).collect()
}

/// The rows to show now that the document holds `value`: nothing new where they say it already. Otherwise rows keep
/// their place as far as their names are still there.
pub(crate) fn follow(shown: &[Row], value: Option<&Value>) -> Option<Vec<Row>> {
    if object(shown).as_ref() == value {
        return None;
    }
    let new = rows(value);
    let kept = shown
        .iter()
        .filter_map(|row| new.iter().find(|new| new.name == row.name));
    let mut next: Vec<Row> = Vec::new();
    for row in kept.chain(&new) {
        if next.iter().all(|known| known.name != row.name) {
            next.push(row.clone());
        }
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(name: &str, value: Value) -> Row {
        Row {
            name: name.to_owned(),
            value: Some(value),
        }
    }

    #[test]
    fn rows_become_an_object_and_back() {
        let value = json!({ "a": "1", "b": 2, "c": { "$secret": "k" } });
        assert_eq!(object(&rows(Some(&value))), Some(value));
        assert_eq!(object(&[Row::default()]), None);
        let bare = Row {
            name: "a".to_owned(),
            value: None,
        };
        assert_eq!(object(&[bare]), Some(json!({ "a": "" })));
    }

    #[test]
    fn rows_without_a_name_of_their_own_are_marked_and_left_out() {
        let shown = [
            row("a", json!("1")),
            row("a", json!("2")),
            row("", json!("3")),
            Row::default(),
        ];
        assert_eq!(object(&shown), Some(json!({ "a": "1" })));
        assert_eq!(
            wrongs(&shown),
            [
                None,
                Some(Wrong::Twice("a".into())),
                Some(Wrong::Nameless),
                None
            ]
        );
    }

    #[test]
    fn rows_follow_the_document_and_keep_their_order() {
        let shown = [row("z", json!("1")), row("a", json!("2"))];
        assert_eq!(follow(&shown, Some(&json!({ "a": "2", "z": "1" }))), None);
        let changed = follow(&shown, Some(&json!({ "a": "3", "b": "4", "z": "1" })));
        let names: Vec<_> = changed.unwrap().into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["z", "a", "b"]);
        assert_eq!(follow(&shown, None), Some(Vec::new()));
    }
}
