//! Config values: literals, and strings that start with `=` and hold a rhai expression.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    problem::pointer,
    script::{self, Bounds, Form, Moment, Scope, Script},
};

/// A config value, compiled: evaluated when its step starts.
#[derive(Clone, Debug)]
pub enum Template {
    /// A value that holds no expression.
    Literal(Arc<Value>),
    /// An expression, with its place in the document.
    Expression(Script, String),
    /// A list with an expression somewhere in it.
    List(Vec<Template>),
    /// An object with an expression somewhere in it.
    Object(Vec<(String, Template)>),
}

/// Why a config value could not be compiled or evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// The place of the expression, as a JSON Pointer into the document.
    pub at: String,
    /// What is wrong with it.
    pub error: script::Error,
}

impl Template {
    /// Compiles a value. Where expressions are not allowed, every value is a literal.
    pub fn compile(value: &Value, expressions: bool, at: &str) -> Result<Template, Vec<Error>> {
        if !expressions {
            return Ok(Template::Literal(Arc::new(value.clone())));
        }
        let mut errors = Vec::new();
        let template = build(value, at, &mut errors);
        if errors.is_empty() {
            Ok(template)
        } else {
            Err(errors)
        }
    }

    /// The value, with every expression replaced by what it gives.
    pub fn eval(
        &self,
        scope: &Scope,
        moment: Moment,
        bounds: &Bounds,
    ) -> Result<Arc<Value>, Error> {
        match self {
            Template::Literal(value) => Ok(Arc::clone(value)),
            Template::Expression(script, at) => script::eval(script, scope, moment, bounds)
                .map_err(|error| Error {
                    at: at.clone(),
                    error,
                }),
            Template::List(items) => {
                let items = items
                    .iter()
                    .map(|item| item.eval(scope, moment, bounds).map(Arc::unwrap_or_clone));
                Ok(Arc::new(Value::Array(items.collect::<Result<_, _>>()?)))
            }
            Template::Object(entries) => {
                let mut object = Map::new();
                for (key, item) in entries {
                    object.insert(
                        key.clone(),
                        Arc::unwrap_or_clone(item.eval(scope, moment, bounds)?),
                    );
                }
                Ok(Arc::new(Value::Object(object)))
            }
        }
    }

    /// Every expression in it, with its place.
    pub fn scripts(&self) -> Vec<(&Script, &str)> {
        match self {
            Template::Literal(_) => Vec::new(),
            Template::Expression(script, at) => vec![(script, at)],
            Template::List(items) => items.iter().flat_map(Template::scripts).collect(),
            Template::Object(entries) => entries
                .iter()
                .flat_map(|(_, item)| item.scripts())
                .collect(),
        }
    }
}

/// The source of the expression in a text, or `None` for a literal.
pub fn expression(text: &str) -> Option<&str> {
    text.strip_prefix('=').map(str::trim)
}

/// What a literal text says: `'=…` is the literal `=…`.
fn literal(text: &str) -> &str {
    if text.starts_with("'=") {
        &text[1..]
    } else {
        text
    }
}

fn build(value: &Value, at: &str, errors: &mut Vec<Error>) -> Template {
    match value {
        Value::String(text) => match expression(text) {
            None => Template::Literal(Arc::new(literal(text).into())),
            Some(source) => match script::compile(source, Form::Expression) {
                Ok(script) => Template::Expression(script, at.to_owned()),
                Err(error) => {
                    errors.push(Error {
                        at: at.to_owned(),
                        error,
                    });
                    Template::Literal(Arc::new(Value::Null))
                }
            },
        },
        Value::Array(items) => {
            let parts = items
                .iter()
                .enumerate()
                .map(|(i, item)| build(item, &pointer(at, i), errors))
                .collect();
            fold(Template::List(parts))
        }
        Value::Object(entries) => {
            let parts = entries
                .iter()
                .map(|(key, item)| (key.clone(), build(item, &pointer(at, key), errors)))
                .collect();
            fold(Template::Object(parts))
        }
        other => Template::Literal(Arc::new(other.clone())),
    }
}

/// A list or object without any expression is one literal, shared by every run.
fn fold(template: Template) -> Template {
    let constant = match &template {
        Template::List(items) => items
            .iter()
            .all(|item| matches!(item, Template::Literal(_))),
        Template::Object(entries) => entries
            .iter()
            .all(|(_, item)| matches!(item, Template::Literal(_))),
        _ => false,
    };
    if !constant {
        return template;
    }
    let own = |item| match item {
        Template::Literal(value) => Arc::unwrap_or_clone(value),
        _ => Value::Null,
    };
    Template::Literal(Arc::new(match template {
        Template::List(items) => Value::Array(items.into_iter().map(own).collect()),
        Template::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, item)| (key, own(item)))
                .collect(),
        ),
        _ => Value::Null,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::script::Name;

    const NOW: Moment = Moment { now_ms: 0, dice: 0 };

    fn eval(value: Value) -> Value {
        let template = Template::compile(&value, true, "").unwrap();
        let scope = Scope::new().with(Name::Input, Arc::new(json!({"n": 2, "s": "x"})));
        Arc::unwrap_or_clone(template.eval(&scope, NOW, &Bounds::default()).unwrap())
    }

    #[test]
    fn expressions_are_found_at_any_depth() {
        assert_eq!(eval(json!("= input.n + 1")), json!(3));
        assert_eq!(
            eval(json!({"a": ["= input.s", "lit"], "b": 1.0})),
            json!({"a": ["x", "lit"], "b": 1.0})
        );
    }

    #[test]
    fn a_literal_may_start_with_an_equals_sign() {
        assert_eq!(eval(json!("'=1+1")), json!("=1+1"));
        assert_eq!(eval(json!("'tis")), json!("'tis"));
        let plain = Template::compile(&json!("= input.n"), false, "").unwrap();
        assert!(matches!(plain, Template::Literal(value) if *value == json!("= input.n")));
    }

    #[test]
    fn a_wrong_expression_names_its_place() {
        let errors = Template::compile(&json!({"a": ["= 1 +"]}), true, "/c").unwrap_err();
        assert_eq!(errors[0].at, "/c/a/0");
        assert!(errors[0].error.line >= 1);
    }

    #[test]
    fn constants_are_shared() {
        let template = Template::compile(&json!({"a": [1, {"b": "c"}]}), true, "").unwrap();
        assert!(matches!(template, Template::Literal(_)));
    }
}
