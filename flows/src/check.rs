//! Checks a document: from its text or value to every problem with its place, and to a plan where there is no error.

mod links;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use crate::{
    catalog::{Catalog, Entry, Presence},
    document::{Flow, Step, Test, Trigger},
    json,
    plan::Plan,
    port::{PortRole, ports},
    problem::{Problem, nearest, pointer, suggestion},
    schedule,
    schema::Schema,
    script::Form,
    settings::{Findings, secret_names},
    shape,
};

/// The most triggers and steps of one flow.
pub const MOST_STEPS: usize = 1_000;

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// The problems, errors first, then by place.
    pub problems: Vec<Problem>,
    /// The document, where its shape is right.
    pub flow: Option<Arc<Flow>>,
    /// The compiled version, where there is no error.
    pub plan: Option<Plan>,
}

impl Checked {
    /// Whether there is an error.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    /// Adds problems that were found elsewhere; an error among them takes the plan away.
    pub fn add(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
        sort(&mut self.problems);
        if self.has_errors() {
            self.plan = None;
        }
    }

    fn failed(mut problems: Vec<Problem>) -> Checked {
        sort(&mut problems);
        Checked {
            problems,
            ..Checked::default()
        }
    }
}

/// The names that exist outside of a document. Where they are not known, they are not checked.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The names of the connections.
    pub connections: BTreeSet<String>,
    /// The names of the secrets.
    pub secrets: BTreeSet<String>,
}

/// Checks the text of a flow file.
pub fn check_text(text: &str, catalog: &Catalog, names: Option<&Names>) -> Checked {
    match json::read(text) {
        Ok(value) => check_value(&value, catalog, names),
        Err(problems) => Checked::failed(problems),
    }
}

/// Checks a document that was read already.
pub fn check_value(value: &Value, catalog: &Catalog, names: Option<&Names>) -> Checked {
    match shape::read(value) {
        Ok(flow) => check_flow(flow, catalog, names),
        Err(problems) => Checked::failed(problems),
    }
}

/// Checks a document whose shape is right.
pub fn check_flow(flow: Flow, catalog: &Catalog, names: Option<&Names>) -> Checked {
    let flow = Arc::new(flow);
    let mut check = Check {
        flow: &flow,
        catalog,
        findings: Findings::default(),
    };
    check.all();
    if let Some(names) = names {
        check.names(names);
    }
    let mut problems = check.findings.problems;
    let mut plan = None;
    if !problems.iter().any(Problem::is_error) {
        match Plan::compile(Arc::clone(&flow), catalog) {
            Ok(compiled) => plan = Some(compiled),
            Err(error) => problems.push(Problem::error("", "not_compiled", error)),
        }
    }
    sort(&mut problems);
    Checked {
        problems,
        flow: Some(flow),
        plan,
    }
}

fn sort(problems: &mut Vec<Problem>) {
    problems.sort_by(|a, b| {
        (a.severity, &a.at, &a.code, &a.message).cmp(&(b.severity, &b.at, &b.code, &b.message))
    });
    problems.dedup();
}

struct Check<'a> {
    flow: &'a Flow,
    catalog: &'a Catalog,
    findings: Findings,
}

impl<'a> Check<'a> {
    fn all(&mut self) {
        let flow = self.flow;
        if flow.triggers.is_empty() {
            self.findings.error(
                "/triggers",
                "no_trigger",
                "nothing starts this flow; add a trigger",
            );
        }
        if flow.triggers.len() + flow.steps.len() > MOST_STEPS {
            let message = format!(
                "a flow has at most {MOST_STEPS} triggers and steps; divide it into several flows"
            );
            self.findings.error("/steps", "too_large", message);
        }
        for (id, trigger) in &flow.triggers {
            self.trigger(id, trigger);
        }
        for (id, step) in &flow.steps {
            self.step(id, step);
        }
        self.links();
        self.references();
        for (i, test) in flow.tests.iter().enumerate() {
            self.test(test, &pointer("/tests", i));
        }
        let strangers: Vec<&String> = flow.layout.keys().filter(|id| !self.known(id)).collect();
        for id in strangers {
            let message = format!(
                "there is no trigger or step `{id}`{}; remove this place",
                self.near(id)
            );
            self.findings
                .error(pointer("/layout", id), "unknown_id", message);
        }
    }

    fn trigger(&mut self, id: &str, trigger: &Trigger) {
        let at = pointer("/triggers", id);
        if self.flow.steps.contains_key(id) {
            let message =
                format!("`{id}` is the id of a trigger and of a step; give one of them another id");
            self.findings.error(&at, "duplicate_id", message);
        }
        let Some(entry) = self.entry(&trigger.kind, &at, true) else {
            return;
        };
        let config = pointer(&at, "config");
        self.findings
            .config(&entry.fields, &trigger.config, &config);
        self.exactly_one(entry, &trigger.config, &config);
        if trigger.kind == "schedule" {
            self.schedule(trigger, &config);
        }
        let expressions = [
            ("filter", &trigger.filter),
            ("map", &trigger.map),
            ("dedupe", &trigger.dedupe),
        ];
        for (key, source) in expressions {
            if let Some(source) = source {
                self.findings
                    .script(source, Form::Expression, &pointer(&at, key));
            }
        }
        if let Some(Err((inside, message))) = trigger.schema.as_ref().map(Schema::compile) {
            self.findings
                .error(format!("{at}/schema{inside}"), "schema", message);
        }
        if !self.flow.links.iter().any(|link| link.from == id) && !self.flow.steps.is_empty() {
            self.findings.warning(
                &at,
                "leads_nowhere",
                "nothing follows this trigger; draw a link from it to a step",
            );
        }
    }

    /// The fields of a schedule were checked one by one; what is left is what they mean together.
    fn schedule(&mut self, trigger: &Trigger, at: &str) {
        if self
            .findings
            .problems
            .iter()
            .any(|problem| problem.at.starts_with(at))
        {
            return;
        }
        for (field, message) in schedule::Schedule::new(&trigger.config)
            .err()
            .into_iter()
            .flatten()
        {
            self.findings.error(
                pointer(at, field.trim_start_matches('/')),
                "bad_schedule",
                message,
            );
        }
    }

    fn step(&mut self, id: &str, step: &Step) {
        let at = pointer("/steps", id);
        let Some(entry) = self.entry(&step.kind, &at, false) else {
            return;
        };
        let config = pointer(&at, "config");
        self.findings.config(&entry.fields, &step.config, &config);
        self.connection(entry, step.connection.as_deref(), &step.config, &at);
        match step.kind.as_str() {
            "branch" => self.branch(entry, step, &config),
            "fields" => self.field_rows(step, &config),
            _ => {}
        }
        if entry.action.is_none() {
            let policies = [
                ("retry", step.retry.is_some()),
                ("timeout", step.timeout.is_some()),
                ("deadline", step.deadline.is_some()),
                ("undo", step.undo.is_some()),
                ("idempotent", step.idempotent.is_some()),
                ("pinned", step.pinned.is_some()),
            ];
            for (key, _) in policies.into_iter().filter(|(_, present)| *present) {
                let message = format!(
                    "`{key}` has no meaning for a `{}` step, which touches nothing outside; remove it",
                    step.kind
                );
                self.findings
                    .error(pointer(&at, key), "no_meaning", message);
            }
        }
        if let Some(undo) = &step.undo {
            let at = pointer(&at, "undo");
            if let Some(entry) = self.entry(&undo.kind, &at, false) {
                if entry.action.is_none() {
                    self.findings.error(
                        pointer(&at, "kind"),
                        "unknown_kind",
                        "only an action can reverse a step; choose one, such as `http`",
                    );
                }
                self.findings
                    .config(&entry.fields, &undo.config, &pointer(&at, "config"));
                self.connection(entry, undo.connection.as_deref(), &undo.config, &at);
            }
        }
    }

    /// The catalog's entry of a kind, or a problem that names the nearest one.
    fn entry(&mut self, kind: &str, at: &str, trigger: bool) -> Option<&'a Entry> {
        let catalog = self.catalog;
        let (all, found) = if trigger {
            (&catalog.triggers, catalog.trigger(kind))
        } else {
            (&catalog.steps, catalog.step(kind))
        };
        if found.is_none() {
            let names = || all.iter().map(|entry| entry.kind.as_ref());
            let what = if trigger { "trigger" } else { "step" };
            let known = names().collect::<Vec<_>>().join(", ");
            let message = format!(
                "`{kind}` is no kind of {what}{}; known are: {known}",
                suggestion(kind, names())
            );
            self.findings
                .error(pointer(at, "kind"), "unknown_kind", message);
        }
        found
    }

    fn connection(
        &mut self,
        entry: &Entry,
        name: Option<&str>,
        config: &serde_json::Map<String, Value>,
        at: &str,
    ) {
        let presence = entry
            .action
            .as_ref()
            .map_or(Presence::Unused, |action| action.connection);
        match (presence, name) {
            (Presence::Needed, None) => {
                let message = format!(
                    "a `{}` step needs a connection; name one under `connection`",
                    entry.kind
                );
                self.findings.error(at, "missing_connection", message);
            }
            (Presence::Unused, Some(_)) => {
                let message = format!("a `{}` step uses no connection; remove it", entry.kind);
                self.findings
                    .error(pointer(at, "connection"), "no_meaning", message);
            }
            _ => {}
        }
        if name.is_none() {
            for field in entry
                .fields
                .iter()
                .filter(|field| field.beside_connection && config.contains_key(field.name.as_ref()))
            {
                let message = format!(
                    "`{}` needs a connection beside it; name one under `connection`",
                    field.name
                );
                self.findings.error(at, "missing_connection", message);
            }
        }
        self.exactly_one(entry, config, &pointer(at, "config"));
    }

    fn exactly_one(&mut self, entry: &Entry, config: &serde_json::Map<String, Value>, at: &str) {
        let present: Vec<&str> = entry
            .exactly_one
            .iter()
            .map(AsRef::as_ref)
            .filter(|name| config.contains_key(*name))
            .collect();
        match present.as_slice() {
            [] if !entry.exactly_one.is_empty() => {
                let message = format!(
                    "one of `{}` is missing here; add one",
                    entry.exactly_one.join("`, `")
                );
                self.findings.error(at, "missing_key", message);
            }
            [_, _, ..] => {
                let message = format!("`{}` exclude each other; keep one", present.join("` and `"));
                self.findings.error(at, "excludes", message);
            }
            _ => {}
        }
    }

    fn branch(&mut self, entry: &Entry, step: &Step, at: &str) {
        let mut seen = BTreeSet::new();
        for port in ports(entry, &step.config) {
            if matches!(port.role, PortRole::Ok | PortRole::Error) {
                continue;
            }
            let place = format!("{at}{}", port.at);
            if port.name == "error" || port.name == "ok" {
                self.findings.error(
                    &place,
                    "bad_port",
                    format!(
                        "a case may not be named `{}`; choose another name",
                        port.name
                    ),
                );
            }
            // `otherwise` may share the port of a case: both then go on the same way.
            if !seen.insert(port.name.clone()) && port.role == PortRole::Case {
                self.findings.error(
                    &place,
                    "duplicate_port",
                    format!(
                        "two cases are named `{}`; rename one, or join their conditions with ||",
                        port.name
                    ),
                );
            }
        }
        if seen.is_empty() {
            self.findings
                .error(at, "no_case", "this branch has no way out; add a case");
        }
    }

    fn field_rows(&mut self, step: &Step, at: &str) {
        let rows = step
            .config
            .get("fields")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for (i, row) in rows.enumerate() {
            let at = format!("{at}/fields/{i}");
            match (row.get("from").is_some(), row.get("value").is_some()) {
                (true, true) => self.findings.error(
                    &at,
                    "bad_row",
                    "`from` and `value` exclude each other; remove one",
                ),
                (false, false) => self.findings.error(
                    &at,
                    "missing_key",
                    "`from` or `value` is missing here; add one",
                ),
                _ => {}
            }
            if row
                .get("to")
                .and_then(Value::as_str)
                .is_some_and(|to| to.split('.').any(str::is_empty))
            {
                self.findings.error(
                    pointer(&at, "to"),
                    "bad_target",
                    "a target is one or more names joined by dots: customer.name",
                );
            }
        }
    }

    /// Scripts may read only steps that exist, and should read only steps that come before.
    fn references(&mut self) {
        let before = self.predecessors();
        let scripts = std::mem::take(&mut self.findings.scripts);
        for (script, at) in &scripts {
            let own = at
                .strip_prefix("/steps/")
                .and_then(|rest| rest.split('/').next());
            for reference in script.steps() {
                let place = format!("line {}, column {}", reference.line, reference.column);
                if !self.flow.steps.contains_key(&reference.id) {
                    let advice =
                        suggestion(&reference.id, self.flow.steps.keys().map(String::as_str));
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

    fn test(&mut self, test: &Test, at: &str) {
        match &test.trigger {
            Some(id) if !self.flow.triggers.contains_key(id) => {
                let advice = suggestion(id, self.flow.triggers.keys().map(String::as_str));
                self.findings.error(
                    pointer(at, "trigger"),
                    "unknown_id",
                    format!("there is no trigger `{id}`{advice}"),
                );
            }
            None if self.flow.triggers.len() > 1 => {
                let known: Vec<&str> = self.flow.triggers.keys().map(String::as_str).collect();
                let message = format!(
                    "`trigger` is missing: the flow has several; name one of: {}",
                    known.join(", ")
                );
                self.findings.error(at, "missing_key", message);
            }
            _ => {}
        }
        if let Some(now) = &test.now
            && chrono::DateTime::parse_from_rfc3339(now).is_err()
        {
            self.findings.error(
                pointer(at, "now"),
                "bad_value",
                format!("`{now}` is not an RFC 3339 date-time such as 2026-01-31T08:00:00Z"),
            );
        }
        let expect = &test.expect;
        let named = test
            .mocks
            .keys()
            .map(|id| (pointer(&pointer(at, "mocks"), id), id));
        let ran = expect
            .ran
            .iter()
            .flatten()
            .enumerate()
            .map(|(i, id)| (format!("{at}/expect/ran/{i}"), id));
        let skipped = expect
            .skipped
            .iter()
            .enumerate()
            .map(|(i, id)| (format!("{at}/expect/skipped/{i}"), id));
        let steps = expect
            .steps
            .keys()
            .map(|id| (pointer(&format!("{at}/expect/steps"), id), id));
        let unknown: Vec<_> = named
            .chain(ran)
            .chain(skipped)
            .chain(steps)
            .filter(|(_, id)| !self.flow.steps.contains_key(*id))
            .collect();
        for (at, id) in unknown {
            let advice = suggestion(id, self.flow.steps.keys().map(String::as_str));
            self.findings
                .error(at, "unknown_id", format!("there is no step `{id}`{advice}"));
        }
    }

    /// The connections and secrets that a document names must exist before it can run.
    fn names(&mut self, names: &Names) {
        for (id, step) in &self.flow.steps {
            let at = pointer("/steps", id);
            let undo = step
                .undo
                .as_ref()
                .and_then(|undo| undo.connection.as_ref())
                .map(|name| (format!("{at}/undo/connection"), name));
            for (at, name) in step
                .connection
                .iter()
                .map(|name| (format!("{at}/connection"), name))
                .chain(undo)
            {
                if !names.connections.contains(name) {
                    let advice = suggestion(name, names.connections.iter().map(String::as_str));
                    self.findings.warning(at, "unknown_connection", format!("there is no connection `{name}` here yet{advice}; create it under Connections"));
                }
            }
        }
        let configs = self
            .flow
            .triggers
            .iter()
            .map(|(id, trigger)| (pointer("/triggers", id), &trigger.config));
        let steps = self
            .flow
            .steps
            .iter()
            .map(|(id, step)| (pointer("/steps", id), &step.config));
        let mut missing = Vec::new();
        for (at, config) in configs.chain(steps) {
            let mut found = Vec::new();
            config
                .values()
                .for_each(|value| secret_names(value, &mut found));
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

    fn known(&self, id: &str) -> bool {
        self.flow.triggers.contains_key(id) || self.flow.steps.contains_key(id)
    }

    fn near(&self, id: &str) -> String {
        let ids = self
            .flow
            .steps
            .keys()
            .chain(self.flow.triggers.keys())
            .map(String::as_str);
        nearest(id, ids).map_or_else(
            || "; remove it or draw it anew".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        )
    }
}
