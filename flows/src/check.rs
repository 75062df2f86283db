//! Checks a document: from its text or value to every problem with its place, and to a plan where there is no error.

mod body;
mod limits;
mod links;
mod references;
mod tests;

pub use body::may_stand;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde_json::Value;

use crate::{
    builtin::CALL,
    callback,
    catalog::{Catalog, Entry, Presence},
    document::{Flow, Step, Trigger},
    json,
    plan::Plan,
    port::{PortRole, ports},
    problem::{Problem, nearest, pointer, suggestion},
    schedule,
    schema::Schema,
    script::Form,
    settings::Findings,
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
    /// The ids of the flows; `None` where they are not known.
    pub flows: Option<BTreeSet<String>>,
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
        names,
        findings: Findings::default(),
        at: String::new(),
        around: BTreeMap::new(),
        inside: BTreeMap::new(),
        loops: 0,
    };
    check.all();
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

/// The check of a flow, or of the body of an `each` as a flow of its own.
struct Check<'a> {
    flow: &'a Flow,
    catalog: &'a Catalog,
    names: Option<&'a Names>,
    findings: Findings,
    /// The place of the body in the document; empty for the flow itself.
    at: String,
    /// The steps around a body, and whether they come before its `each` step.
    around: BTreeMap<String, bool>,
    /// The steps within the bodies here, at any depth, each with its `each` step here.
    inside: BTreeMap<String, String>,
    /// How many `each` steps stand around a body.
    loops: usize,
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
        self.ids();
        if flow.triggers.len() + flow.steps.len() + self.inside.len() > MOST_STEPS {
            let message = format!(
                "a flow has at most {MOST_STEPS} triggers and steps; divide it into several flows"
            );
            self.findings.error("/steps", "too_large", message);
        }
        for (id, trigger) in &flow.triggers {
            self.trigger(id, trigger);
        }
        let concurrency = flow.settings.concurrency.as_ref();
        if let Some(key) = concurrency.and_then(|concurrency| concurrency.key.as_ref()) {
            self.limit_key(key, "/settings/concurrency/key");
        }
        self.graph();
        for (i, test) in flow.tests.iter().enumerate() {
            self.test(test, &pointer("/tests", i));
        }
    }

    /// What a flow and a body have in common.
    fn graph(&mut self) {
        for (id, step) in &self.flow.steps {
            self.step(id, step);
        }
        self.links();
        self.references();
        if let Some(names) = self.names {
            self.names(names);
        }
        self.layout();
    }

    fn layout(&mut self) {
        let layout = &self.flow.layout;
        let strangers: Vec<&String> = layout.keys().filter(|id| !self.known(id)).collect();
        for id in strangers {
            let message = format!(
                "there is no trigger or step `{id}`{}; remove this place",
                self.near(id)
            );
            let at = self.place("layout", id);
            self.findings.error(at, "unknown_id", message);
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
        self.connection(entry, trigger.connection.as_deref(), &trigger.config, &at);
        if ["schedule", "poll"].contains(&trigger.kind.as_str()) {
            self.schedule(trigger, &config);
        }
        if trigger.kind == "flow" {
            self.called(id, trigger, &at);
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

    /// A flow is called by one trigger, and every call is another one.
    fn called(&mut self, id: &str, trigger: &Trigger, at: &str) {
        let mut others = self.flow.triggers.iter();
        if others.any(|(other, trigger)| other.as_str() < id && trigger.kind == "flow") {
            let message = "a flow has one trigger by which others call it; remove this one";
            self.findings.error(at, "duplicate_trigger", message);
        }
        if trigger.dedupe.is_some() {
            let message = "`dedupe` has no meaning for a call, which is made once for each run and item of its caller; remove it";
            self.findings
                .error(pointer(at, "dedupe"), "no_meaning", message);
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
        let at = self.place("steps", id);
        let Some(entry) = self.entry(&step.kind, &at, false) else {
            return;
        };
        let config = pointer(&at, "config");
        self.findings.config(&entry.fields, &step.config, &config);
        self.connection(entry, step.connection.as_deref(), &step.config, &at);
        match step.kind.as_str() {
            "branch" => self.branch(entry, step, &config),
            "fields" => self.field_rows(step, &config),
            "each" => self.each(id, step, &config),
            "wait" => self.wait(step, &config),
            CALL if step.retry.is_some() => {
                let message = "a call is made once, since what it calls has a run of its own; set `retry` on the steps of the called flow";
                self.findings
                    .error(pointer(&at, "retry"), "no_meaning", message);
            }
            "respond" if !may_stand("respond", self.loops) => {
                let message = "an `each` runs its body for many items, so it cannot answer from there; respond after it, with its results";
                self.findings
                    .error(pointer(&at, "kind"), "not_here", message);
            }
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
                ("concurrency", step.concurrency.is_some()),
                ("rate", step.rate.is_some()),
                ("cache", step.cache.is_some()),
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
        self.limits(step, &at);
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
                let message = format!("a `{}` uses no connection; remove it", entry.kind);
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

    /// What is written down must be right; what an expression gives shows when it runs.
    fn wait(&mut self, step: &Step, at: &str) {
        for key in ["callback", "approval"] {
            let timeout = step.config.get(key).and_then(|value| value.get("timeout"));
            if let Some(text) = timeout
                .and_then(Value::as_str)
                .filter(|text| callback::is_too_long(text))
            {
                let message =
                    format!("a wait may take 366 days at most, and `{text}` is more; write less");
                self.findings
                    .error(format!("{at}/{key}/timeout"), "too_long", message);
            }
        }
        let form = step
            .config
            .get("approval")
            .and_then(|value| value.get("form"));
        if form.is_some_and(|form| form.get("type").and_then(Value::as_str) != Some("object")) {
            let message = "a form is the JSON Schema of an object; write \"type\": \"object\" and its fields under `properties`";
            self.findings
                .error(format!("{at}/approval/form"), "bad_form", message);
        }
        let written = step.config.get("until").and_then(Value::as_str);
        let Some(text) = written.filter(|text| !text.starts_with('=')) else {
            return;
        };
        if chrono::DateTime::parse_from_rfc3339(text.trim()).is_err() {
            let message = format!(
                "`{text}` is not a date and time with its offset; write 2026-03-01T06:00:00+01:00, or an expression that begins with ="
            );
            self.findings
                .error(pointer(at, "until"), "bad_value", message);
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

    fn known(&self, id: &str) -> bool {
        self.flow.triggers.contains_key(id) || self.flow.steps.contains_key(id)
    }

    /// A place in a part of the flow or body.
    fn place(&self, part: &str, key: impl fmt::Display) -> String {
        pointer(&format!("{}/{part}", self.at), key)
    }

    fn near(&self, id: &str) -> String {
        if let Some(each) = self.inside.get(id) {
            return format!("; `{id}` is inside the body of `{each}`");
        }
        if self.around.contains_key(id) {
            return format!(
                "; `{id}` is outside of this body, where scripts read it as steps.{id}"
            );
        }
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
