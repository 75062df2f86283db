//! Connectors: each kind of action is a file with its catalog entry and its call, and a line in [`ALL`].

pub mod http;
pub mod script;

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Map, Value};
use weir_flows::{
    builtin,
    catalog::{Catalog, Entry},
    check::Checked,
    document,
    failure::Failure,
    problem::Problem,
    script::Evaluation,
};

use crate::{connection::Connection, outbound, secrets::Secrets, world::World};
use script::Scripts;

/// The longest answer that a call takes where the configuration does not say, in bytes.
pub const DEFAULT_MAX_RESPONSE: u64 = 8 * 1024 * 1024;

/// Every connector of this server.
pub const ALL: &[Connector] = &[http::CONNECTOR, script::CONNECTOR];

/// A kind of action.
#[derive(Clone, Copy)]
pub struct Connector {
    /// Its catalog entry.
    pub entry: fn() -> Entry,
    /// Finds what the catalog cannot say about its settings.
    pub check: Check,
    /// Makes one attempt.
    pub call: for<'a> fn(Call<'a>) -> BoxFuture<'a, Outcome>,
}

/// Checks settings as written, with the JSON Pointer of the settings.
pub type Check = fn(&Map<String, Value>, &str) -> Vec<Problem>;

/// Adds what the connectors know of their own settings to what a check of a document found.
pub fn judge(mut checked: Checked) -> Checked {
    let mut problems = Vec::new();
    if let Some(flow) = &checked.flow {
        document::each_step(flow, |at, _, step| {
            let mut look = |kind: &str, config, at: &str| {
                if let Some(connector) = find(kind) {
                    problems.extend((connector.check)(config, at));
                }
            };
            look(&step.kind, &step.config, &format!("{at}/config"));
            if let Some(undo) = &step.undo {
                look(&undo.kind, &undo.config, &format!("{at}/undo/config"));
            }
        });
    }
    checked.add(problems);
    checked
}

/// One attempt: what to do, and with what.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The settings with their expressions evaluated.
    pub config: &'a Value,
    /// The settings as they stand in the document. A secret is put in only where the author named it there: a
    /// `{"$secret": …}` that came in by an expression is data of whoever sent the message, and stays as it is.
    pub written: &'a Value,
    /// The script of an action that computes, with what it sees.
    pub script: Option<&'a Evaluation>,
    /// What such a script may take.
    pub scripts: &'a Scripts,
    /// The connection that the step names.
    pub connection: Option<&'a Connection>,
    /// Where secrets come from.
    pub secrets: &'a dyn Secrets,
    /// The way out.
    pub client: &'a outbound::Client,
    /// The clock.
    pub world: &'a World,
    /// How long the attempt may take.
    pub timeout: Duration,
    /// The same for every attempt of this step of this run, so that the other side can tell a repetition.
    pub idempotency_key: &'a str,
    /// The longest answer that is taken, in bytes after decompression.
    pub max_response: u64,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The output, or why there is none. No secret of the call is in either.
    pub result: Result<Value, Failure>,
    /// What was asked and answered, for the record of the attempt, with secrets masked: `{"request": …, "response": …}`, or several
    /// of them as `{"calls": [...]}`.
    pub exchange: Option<Value>,
}

/// The connector of a kind.
pub fn find(kind: &str) -> Option<&'static Connector> {
    ALL.iter()
        .find(|connector| (connector.entry)().kind == kind)
}

/// The catalog of this server: the kinds of the language and those of the connectors.
pub fn catalog() -> Catalog {
    let mut catalog = builtin::catalog();
    catalog
        .steps
        .extend(ALL.iter().map(|connector| (connector.entry)()));
    catalog
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;
    use weir_flows::{
        catalog::{Field, FieldKind, Group, Idempotent, Phrase},
        check::check_value,
        settings::Findings,
    };

    use super::*;

    #[test]
    fn every_entry_says_what_people_and_the_engine_need() {
        for connector in ALL {
            let entry = (connector.entry)();
            let kind = &entry.kind;
            assert!(find(kind).is_some(), "{kind}");
            assert_eq!(entry.group, Group::Action, "{kind}");
            assert!(
                entry.ports.iter().any(|port| port == "ok")
                    && entry.ports.iter().any(|port| port == "error"),
                "{kind}"
            );
            let action = entry.action.expect("an action");
            assert!(
                action.timeout_ms > 0 && action.attempts > 0 && !action.failures.is_empty(),
                "{kind}"
            );
            if let Idempotent::When { field, default, .. } = &action.idempotent {
                let field = entry.fields.iter().find(|known| known.name == *field);
                assert_eq!(
                    field.and_then(|field| field.default.clone()),
                    Some(default.to_string().into()),
                    "{kind}: the engine goes by another default than the form shows"
                );
            }
            assert!(entry.output.is_some(), "{kind}");
        }
    }

    #[test]
    fn every_entry_speaks_both_languages() {
        let catalog = catalog();
        for entry in catalog.triggers.iter().chain(&catalog.steps) {
            let kind = &entry.kind;
            assert!(!entry.icon.is_empty() && !entry.search.is_empty(), "{kind}");
            said(kind, &entry.title);
            sentences(kind, &entry.summary);
            let searched: BTreeSet<_> = entry.search.iter().collect();
            assert_eq!(searched.len(), entry.search.len(), "{kind}: a word twice");
            fields(kind, &entry.fields);
        }
    }

    fn said(at: &str, phrase: &Phrase) {
        assert!(!phrase.en.is_empty() && !phrase.de.is_empty(), "{at}");
    }

    fn sentences(at: &str, phrase: &Phrase) {
        assert!(phrase.en.ends_with('.') && phrase.de.ends_with('.'), "{at}");
        assert_ne!(phrase.en, phrase.de, "{at}");
    }

    fn fields(at: &str, all: &[Field]) {
        let names: BTreeSet<_> = all.iter().map(|field| &field.name).collect();
        assert_eq!(names.len(), all.len(), "{at}: a setting stands there twice");
        for field in all {
            let at = format!("{at}.{}", field.name);
            said(&at, &field.title);
            sentences(&at, &field.help);
            // What a form shows in an empty input must be possible there.
            for value in field.default.iter().chain(&field.example) {
                let mut findings = Findings::default();
                let config = Map::from_iter([(field.name.to_string(), value.clone())]);
                findings.config(std::slice::from_ref(field), &config, "");
                assert!(
                    findings.problems.is_empty(),
                    "{at}: {:?}",
                    findings.problems
                );
            }
            match &field.kind {
                FieldKind::Choice(choices) => {
                    choices.iter().for_each(|choice| said(&at, &choice.title));
                }
                FieldKind::Rows(inner) | FieldKind::Group(inner) => fields(&at, inner),
                _ => {}
            }
        }
    }

    #[test]
    fn a_new_action_lacks_only_what_a_person_must_say() {
        for connector in ALL {
            let entry = (connector.entry)();
            let document = json!({
                "format": "weir/flow@1", "id": "t", "triggers": { "go": { "kind": "manual" } },
                "steps": { "new": { "kind": entry.kind, "config": entry.start } },
                "links": [{ "from": "go", "to": "new" }],
            });
            let checked = judge(check_value(&document, &catalog(), None));
            for problem in &checked.problems {
                assert_eq!(document.pointer(&problem.at), Some(&json!("")), "{problem}");
            }
        }
    }

    #[test]
    fn kinds_are_unique_in_the_catalog() {
        let catalog = catalog();
        let kinds: BTreeSet<_> = catalog.steps.iter().map(|entry| &entry.kind).collect();
        assert_eq!(kinds.len(), catalog.steps.len());
        assert!(find("map").is_none() && find("smtp").is_none());
    }
}
