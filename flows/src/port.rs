//! The ports of a trigger or step: where links may leave from, in the order a person expects.

use serde_json::{Map, Value};

use crate::{
    catalog::{Entry, Field, FieldKind},
    problem::pointer,
};

/// A place that links leave from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name that links use.
    pub name: String,
    /// When the run goes on by it.
    pub role: PortRole,
    /// The JSON Pointer, within `config`, of the setting that names it; empty where its kind has it.
    pub at: String,
}

/// When a run goes on by a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortRole {
    /// The trigger has a message, or the step succeeded.
    Ok,
    /// The condition of this case holds.
    Case,
    /// No case holds.
    Otherwise,
    /// The step failed.
    Error,
}

/// All ports of a trigger or step with this configuration: `ok`, its cases, `otherwise`, and `error` last.
///
/// Names stand here as they are written. While a person draws, two cases may share one.
pub fn ports(entry: &Entry, config: &Map<String, Value>) -> Vec<Port> {
    let fixed = |wanted: PortRole| {
        entry
            .ports
            .iter()
            .map(move |name| Port {
                name: name.to_string(),
                role: match name.as_ref() {
                    "error" => PortRole::Error,
                    _ => PortRole::Ok,
                },
                at: String::new(),
            })
            .filter(move |port| port.role == wanted)
    };
    let cases = entry.fields.iter().flat_map(|field| match &field.kind {
        FieldKind::Rows(columns) => cases(field, columns, config),
        _ => own(field, config),
    });
    let otherwise = entry
        .fields
        .iter()
        .filter(|field| matches!(field.kind, FieldKind::Port))
        .filter_map(|field| {
            Some(Port {
                name: config.get(field.name.as_ref())?.as_str()?.to_owned(),
                role: PortRole::Otherwise,
                at: pointer("", &field.name),
            })
        });
    fixed(PortRole::Ok)
        .chain(cases)
        .chain(otherwise)
        .chain(fixed(PortRole::Error))
        .collect()
}

/// The port that a setting brings along where it is there.
fn own(field: &Field, config: &Map<String, Value>) -> Vec<Port> {
    let port = field.port.as_ref();
    let port = port.filter(|_| config.contains_key(field.name.as_ref()));
    let port = port.map(|name| Port {
        name: name.to_string(),
        role: PortRole::Case,
        at: String::new(),
    });
    port.into_iter().collect()
}

/// The ports that the rows of a table name.
fn cases(table: &Field, columns: &[Field], config: &Map<String, Value>) -> Vec<Port> {
    let Some(column) = columns
        .iter()
        .find(|column| matches!(column.kind, FieldKind::Port))
    else {
        return Vec::new();
    };
    let rows = config.get(table.name.as_ref()).and_then(Value::as_array);
    let at = pointer("", &table.name);
    rows.into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(i, row)| {
            Some(Port {
                name: row.get(column.name.as_ref())?.as_str()?.to_owned(),
                role: PortRole::Case,
                at: pointer(&pointer(&at, i), &column.name),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::builtin;

    #[test]
    fn ports_come_in_the_order_a_person_expects() {
        let catalog = builtin::catalog();
        let branch = json!({
            "cases": [{ "port": "large", "when": "true" }, { "when": "true" }, { "port": "middle" }],
            "otherwise": "small",
        });
        for (entry, config, expected) in [
            (
                catalog.trigger("http"),
                json!({}),
                vec![("ok", PortRole::Ok, "")],
            ),
            (
                catalog.step("map"),
                json!({ "script": "1" }),
                vec![("ok", PortRole::Ok, ""), ("error", PortRole::Error, "")],
            ),
            (
                catalog.step("branch"),
                branch,
                vec![
                    ("large", PortRole::Case, "/cases/0/port"),
                    ("middle", PortRole::Case, "/cases/2/port"),
                    ("small", PortRole::Otherwise, "/otherwise"),
                    ("error", PortRole::Error, ""),
                ],
            ),
            (
                catalog.step("branch"),
                json!({ "cases": 7, "otherwise": 8 }),
                vec![("error", PortRole::Error, "")],
            ),
            (
                catalog.step("wait"),
                json!({ "approval": {} }),
                vec![
                    ("ok", PortRole::Ok, ""),
                    ("rejected", PortRole::Case, ""),
                    ("error", PortRole::Error, ""),
                ],
            ),
            (
                catalog.step("wait"),
                json!({ "callback": {} }),
                vec![("ok", PortRole::Ok, ""), ("error", PortRole::Error, "")],
            ),
            (catalog.step("fail"), json!({}), vec![]),
        ] {
            let entry = entry.unwrap();
            let found = ports(entry, config.as_object().unwrap());
            let found: Vec<_> = found
                .iter()
                .map(|port| (port.name.as_str(), port.role, port.at.as_str()))
                .collect();
            assert_eq!(found, expected, "{} {config}", entry.kind);
        }
    }
}
