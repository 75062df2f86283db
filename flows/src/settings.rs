//! Checks the `config` of a trigger or step against the fields its catalog entry declares.

use serde_json::{Map, Value};

use crate::{
    catalog::{Field, FieldKind},
    cron::Cron,
    document::is_slug,
    duration::Duration,
    json::type_word,
    problem::{Problem, pointer, suggestion},
    schema::Schema,
    script::{self, Form, Script, path::Path},
    template::{self, Template},
};

/// What a check of settings collects: problems, and every script with its place.
#[derive(Default)]
pub struct Findings {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Every script and expression that compiles, with its place.
    pub scripts: Vec<(Script, String)>,
}

impl Findings {
    /// Notes an error.
    pub fn error(&mut self, at: impl Into<String>, code: &str, message: impl Into<String>) {
        self.problems.push(Problem::error(at, code, message));
    }

    /// Notes a warning.
    pub fn warning(&mut self, at: impl Into<String>, code: &str, message: impl Into<String>) {
        self.problems.push(Problem::warning(at, code, message));
    }

    /// Compiles a script and notes it, or what is wrong with it, with line and column.
    pub fn script(&mut self, source: &str, form: Form, at: &str) -> Option<Script> {
        self.script_with(source, form, &[], at)
    }

    /// The same for a script that sees some names beside the usual ones.
    fn script_with(
        &mut self,
        source: &str,
        form: Form,
        names: &[&str],
        at: &str,
    ) -> Option<Script> {
        match script::compile_with(source, form, names) {
            Ok(script) => {
                self.scripts.push((script.clone(), at.to_owned()));
                Some(script)
            }
            Err(error) => {
                self.script_error(at, &error);
                None
            }
        }
    }

    /// Compiles a template and notes its scripts, or what is wrong with them.
    pub fn template(&mut self, value: &Value, expressions: bool, at: &str) -> Option<Template> {
        match Template::compile(value, expressions, at) {
            Ok(template) => {
                self.scripts.extend(
                    template
                        .scripts()
                        .into_iter()
                        .map(|(script, at)| (script.clone(), at.to_owned())),
                );
                Some(template)
            }
            Err(errors) => {
                for error in errors {
                    self.script_error(&error.at, &error.error);
                }
                None
            }
        }
    }

    fn script_error(&mut self, at: &str, error: &script::Error) {
        let message = format!(
            "line {}, column {}: {}",
            error.line, error.column, error.message
        );
        self.error(at, "script", message);
    }

    /// Checks a whole `config` against its fields.
    pub fn config(&mut self, fields: &[Field], config: &Map<String, Value>, at: &str) {
        for key in config
            .keys()
            .filter(|key| !fields.iter().any(|field| field.name == **key))
        {
            let names = || fields.iter().map(|field| field.name.as_ref());
            let known = names().collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() {
                "there are no settings here".to_owned()
            } else {
                format!("known are: {known}")
            };
            let message = format!(
                "`{key}` is not a setting here{}; {known}",
                suggestion(key, names())
            );
            self.error(pointer(at, key), "unknown_key", message);
        }
        for field in fields {
            match config.get(field.name.as_ref()) {
                Some(value) => self.field(field, value, &pointer(at, &field.name)),
                None if field.required => {
                    self.error(
                        at,
                        "missing_key",
                        format!("`{}` is missing here: {}", field.name, field.help.en),
                    );
                }
                None => {}
            }
        }
    }

    fn field(&mut self, field: &Field, value: &Value, at: &str) {
        if field.expression {
            if let Value::String(text) = value
                && template::expression(text).is_some()
            {
                self.template(value, true, at);
                return;
            }
            // A literal with expressions inside: its own shape is checked below.
            self.template(value, true, at);
        }
        self.literal(field, value, at);
    }

    fn literal(&mut self, field: &Field, value: &Value, at: &str) {
        match &field.kind {
            FieldKind::Any => {}
            // Its shape is checked with that of the document, and what it says as a flow of its own.
            FieldKind::Body => {
                if !value.is_object() {
                    self.wrong_type(at, "an object with steps and links", value);
                }
            }
            FieldKind::Text | FieldKind::Multiline => {
                if !value.is_string() {
                    self.wrong_type(at, "a text", value);
                }
            }
            FieldKind::Boolean => {
                if !value.is_boolean() {
                    self.wrong_type(at, "true or false", value);
                }
            }
            FieldKind::Integer { min, max } => match value.as_i64() {
                Some(number) if (*min..=*max).contains(&number) => {}
                Some(number) => self.error(at, "bad_value", format!("{number} is not possible here; from {min} to {max}")),
                None => self.wrong_type(at, "a whole number", value),
            },
            FieldKind::Choice(choices) => {
                let words = || choices.iter().map(|choice| choice.word.as_ref());
                if !words().any(|word| value == word) {
                    let found = value.as_str().unwrap_or_default();
                    let advice = suggestion(found, words());
                    let known = words().collect::<Vec<_>>().join(", ");
                    self.error(at, "bad_value", format!("{value} is not possible here{advice}; one of: {known}"));
                }
            }
            FieldKind::Table => self.table(value, at),
            FieldKind::Script => self.text(value, at, |findings, text| {
                findings.script_with(text, Form::Script, &field.names(), at);
            }),
            FieldKind::Condition => self.text(value, at, |findings, text| drop(findings.script(text, Form::Expression, at))),
            FieldKind::JsonPath => self.text(value, at, |findings, text| {
                if let Err(error) = Path::parse(text) {
                    findings.error(at, "json_path", format!("column {}: {}", error.offset + 1, error.message));
                }
            }),
            FieldKind::Path => self.text(value, at, |findings, text| {
                if let Err(message) = crate::route::Route::parse(text) {
                    findings.error(at, "bad_path", message);
                }
            }),
            // An address may be a secret as a whole: those of chat webhooks are.
            FieldKind::Url if secret_name(value).is_some() => {}
            FieldKind::Url => self.text(value, at, |findings, text| {
                if !text.starts_with("http://") && !text.starts_with("https://") {
                    findings.error(at, "bad_url", format!("`{text}` is not an address; it starts with https:// or http://"));
                }
            }),
            FieldKind::Schema => {
                if let Err((inside, message)) = Schema::compile(value) {
                    self.error(format!("{at}{inside}"), "schema", message);
                }
            }
            FieldKind::Duration => self.text(value, at, |findings, text| {
                if let Err(message) = text.parse::<Duration>() {
                    findings.error(at, "bad_duration", message);
                }
            }),
            FieldKind::Cron => self.text(value, at, |findings, text| {
                if let Err(message) = Cron::parse(text) {
                    findings.error(at, "cron", message);
                }
            }),
            FieldKind::TimeZone => self.text(value, at, |findings, text| {
                if let Err(message) = crate::schedule::zone_named(text) {
                    findings.error(at, "time_zone", message);
                }
            }),
            FieldKind::Secret => self.secret(value, at),
            FieldKind::Port => self.text(value, at, |findings, text| {
                if !is_slug(text) {
                    findings.error(at, "bad_port", format!("`{text}` cannot name a port; use lower-case letters, digits, `-` and `_`"));
                }
            }),
            FieldKind::Statuses => self.statuses(value, at),
            FieldKind::Rows(fields) => match value.as_array() {
                None => self.wrong_type(at, "a list of objects", value),
                Some(rows) => {
                    for (i, row) in rows.iter().enumerate() {
                        self.object(fields, row, &pointer(at, i));
                    }
                }
            },
            FieldKind::Group(fields) => self.object(fields, value, at),
        }
    }

    fn object(&mut self, fields: &[Field], value: &Value, at: &str) {
        match value.as_object() {
            Some(config) => self.config(fields, config, at),
            None => self.wrong_type(at, "an object", value),
        }
    }

    fn text(&mut self, value: &Value, at: &str, check: impl FnOnce(&mut Self, &str)) {
        match value.as_str() {
            Some(text) => check(self, text),
            None => self.wrong_type(at, "a text", value),
        }
    }

    fn table(&mut self, value: &Value, at: &str) {
        let Some(entries) = value.as_object() else {
            return self.wrong_type(at, "an object of texts", value);
        };
        for (key, value) in entries {
            let at = pointer(at, key);
            if secret_name(value).is_some()
                || value.is_string()
                || value.is_number()
                || value.is_boolean()
            {
                continue;
            }
            self.wrong_type(
                &at,
                "a text, a number, a boolean or {\"$secret\": name}",
                value,
            );
        }
    }

    fn secret(&mut self, value: &Value, at: &str) {
        match value {
            Value::String(_) => {
                let message = "this secret stands in the document, where every reader sees it; \
                               store it under Secrets and write {\"$secret\": \"its-name\"} here";
                self.warning(at, "literal_secret", message);
            }
            other if secret_name(other).is_some() => {}
            other => self.wrong_type(at, "{\"$secret\": name}", other),
        }
    }

    fn statuses(&mut self, value: &Value, at: &str) {
        let Some(items) = value.as_array() else {
            return self.wrong_type(at, "a list such as [\"2xx\", 404]", value);
        };
        for (i, item) in items.iter().enumerate() {
            let number = item
                .as_u64()
                .is_some_and(|status| (100..=599).contains(&status));
            let class = item
                .as_str()
                .is_some_and(|text| matches!(text, "1xx" | "2xx" | "3xx" | "4xx" | "5xx"));
            if !number && !class {
                self.error(pointer(at, i), "bad_value", format!("{item} is not a status; write a number such as 404, or a class such as \"2xx\""));
            }
        }
    }

    fn wrong_type(&mut self, at: &str, wanted: &str, found: &Value) {
        self.error(
            at,
            "wrong_type",
            format!("this must be {wanted}, but it is {}", type_word(found)),
        );
    }
}

/// The name in `{"$secret": name}`.
pub fn secret_name(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get("$secret")?.as_str()
}

/// Every secret that a value names, at any depth.
pub fn secret_names<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    if let Some(name) = secret_name(value) {
        names.push(name);
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| secret_names(item, names)),
        Value::Object(entries) => entries.values().for_each(|item| secret_names(item, names)),
        _ => {}
    }
}
