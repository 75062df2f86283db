//! What a mapper or control step gives: pure functions of its input and scope.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    failure::{Class, Failure, Position},
    json::type_word,
    plan::{Body, Convert, FieldRow, FieldSource},
    record::Reply,
    script::{self, Bounds, ErrorKind, Moment, Scope},
    template::Template,
};

/// What a step gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Computed {
    /// Its output; absent where it passes its input through.
    pub output: Option<Arc<Value>>,
    /// The ports the run goes on by; `ok` where absent.
    pub ports: Option<Vec<String>>,
    /// The answer to the caller.
    pub reply: Option<Reply>,
}

/// Runs a mapper or control step. An action or an `each` is none, and answers with a `broken` failure.
pub fn compute(
    body: &Body,
    input: &Arc<Value>,
    scope: &Scope,
    moment: Moment,
    bounds: &Bounds,
) -> Result<Computed, Failure> {
    let eval = |template: &Template| {
        template
            .eval(scope, moment, bounds)
            .map_err(|error| script_failure(&error.error, &error.at))
    };
    match body {
        Body::Map(script) => {
            let output = script::eval(script, scope, moment, bounds)
                .map_err(|error| script_failure(&error, ""))?;
            Ok(Computed {
                output: Some(output),
                ..Computed::default()
            })
        }
        Body::Fields(rows) => {
            let mut target = Value::Object(Map::new());
            for row in rows {
                if let Some(value) = pick(row, input, eval)? {
                    place(&mut target, &row.to, value)?;
                }
            }
            Ok(Computed {
                output: Some(Arc::new(target)),
                ..Computed::default()
            })
        }
        Body::Validate { schema, value } => {
            let checked = value.as_ref().map_or_else(|| Ok(Arc::clone(input)), eval)?;
            let problems = schema.check(&checked);
            let Some(first) = problems.first() else {
                return Ok(Computed::default());
            };
            let more = if problems.len() > 1 {
                format!(" (and {} more)", problems.len() - 1)
            } else {
                String::new()
            };
            let at = if first.at.is_empty() {
                "the value"
            } else {
                &first.at
            };
            Err(Failure {
                body: serde_json::to_value(&problems).ok(),
                ..Failure::new(
                    Class::Rejected,
                    format!(
                        "the value does not satisfy the schema: {at}: {}{more}",
                        first.message
                    ),
                )
            })
        }
        Body::Branch {
            cases,
            otherwise,
            all,
        } => {
            let mut ports: Vec<String> = Vec::new();
            for (port, when) in cases {
                let holds = script::eval_bool(when, scope, moment, bounds).map_err(|error| {
                    named(script_failure(&error, ""), &format!("case `{port}`"))
                })?;
                if holds && !ports.contains(port) {
                    ports.push(port.clone());
                    if !all {
                        break;
                    }
                }
            }
            if ports.is_empty() {
                ports.extend(otherwise.clone());
            }
            Ok(Computed {
                ports: Some(ports),
                ..Computed::default()
            })
        }
        Body::Respond {
            status,
            headers,
            body,
        } => {
            let status = status.as_ref().map(eval).transpose()?;
            let headers = headers.as_ref().map(eval).transpose()?;
            let body = body.as_ref().map_or_else(|| Ok(Arc::clone(input)), eval)?;
            let reply = Reply {
                status: status_code(status.as_deref())?,
                headers: header_table(headers.as_deref())?,
                body,
            };
            Ok(Computed {
                reply: Some(reply),
                ..Computed::default()
            })
        }
        Body::Fail { message, class } => {
            let message = eval(message)?;
            Err(Failure::new(
                *class,
                message
                    .as_str()
                    .map_or_else(|| message.to_string(), str::to_owned),
            ))
        }
        Body::Each(_) => Err(Failure::broken(
            "an `each` step runs its body and cannot be computed",
        )),
        Body::Wait(_) => Err(Failure::broken("a `wait` rests and cannot be computed")),
        Body::Action(action) => Err(Failure::broken(format!(
            "`{}` is an action and cannot be computed",
            action.kind
        ))),
    }
}

/// The failure of a script: a bound that was hit and an error in it are both the flow's own fault.
pub fn script_failure(error: &script::Error, at: &str) -> Failure {
    let place = at
        .rsplit_once("/config/")
        .map_or(String::new(), |(_, field)| {
            format!("in `{}`, ", field.replace('/', "."))
        });
    let position = (error.line > 0).then_some(Position {
        line: error.line,
        column: error.column,
    });
    let message = match position {
        Some(Position { line, column }) => {
            format!("{place}line {line}, column {column}: {}", error.message)
        }
        None => format!("{place}{}", error.message),
    };
    let class = if error.kind == ErrorKind::Thrown {
        Class::Rejected
    } else {
        Class::Broken
    };
    Failure {
        at: position,
        ..Failure::new(class, message)
    }
}

/// The failure of a script that calls out. What it throws with a class is a failure of that class, so that the failure
/// of a call that it did not catch, or threw on, is its own.
pub fn calling_failure(error: &script::Error) -> Failure {
    let failure = script_failure(error, "");
    let Some(thrown) = error.thrown.as_deref() else {
        return failure;
    };
    let Some(class) = thrown["class"].as_str().and_then(Class::named) else {
        return failure;
    };
    Failure {
        class,
        status: thrown["status"]
            .as_u64()
            .and_then(|status| status.try_into().ok()),
        body: Some(thrown["body"].clone()).filter(|body| !body.is_null()),
        retry_after_ms: thrown["retry_after_ms"].as_u64(),
        ..failure
    }
}

fn named(failure: Failure, what: &str) -> Failure {
    Failure {
        message: format!("{what}: {}", failure.message),
        ..failure
    }
}

fn pick(
    row: &FieldRow,
    input: &Value,
    eval: impl Fn(&Template) -> Result<Arc<Value>, Failure>,
) -> Result<Option<Value>, Failure> {
    let found = match &row.source {
        FieldSource::Path(path) if path.is_singular() => path.first(input).cloned(),
        FieldSource::Path(path) => {
            let list: Vec<Value> = path.select(input).into_iter().cloned().collect();
            (!list.is_empty()).then_some(Value::Array(list))
        }
        FieldSource::Value(template) => Some(Arc::unwrap_or_clone(eval(template)?)),
    };
    let found = found
        .filter(|value| !value.is_null())
        .or_else(|| row.default.as_deref().cloned());
    match (found, row.convert) {
        (None, _) if row.required => Err(Failure::new(
            Class::Rejected,
            format!(
                "nothing was found for the required field `{}`",
                row.to.join(".")
            ),
        )),
        (None, _) => Ok(None),
        (Some(value), None) => Ok(Some(value)),
        (Some(value), Some(convert)) => converted(&value, convert).map(Some).ok_or_else(|| {
            let shown: String = value.to_string().chars().take(60).collect();
            Failure::new(
                Class::Rejected,
                format!(
                    "the field `{}` cannot be made from {shown}; see its column As",
                    row.to.join(".")
                ),
            )
        }),
    }
}

fn converted(value: &Value, convert: Convert) -> Option<Value> {
    match (convert, value) {
        (Convert::Text, Value::String(_))
        | (Convert::Number, Value::Number(_))
        | (Convert::Boolean, Value::Bool(_)) => Some(value.clone()),
        (Convert::Text, Value::Number(number)) => Some(number.to_string().into()),
        (Convert::Text, Value::Bool(flag)) => Some(flag.to_string().into()),
        (Convert::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
            Some(value.clone())
        }
        (Convert::Integer, Value::Number(number)) => {
            let number = number
                .as_f64()
                .filter(|n| n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0)?;
            Some((number as i64).into())
        }
        (Convert::Integer, Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        (Convert::Number, Value::String(text)) => {
            let text = text.trim();
            let whole = text.parse::<i64>().ok().map(Value::from);
            whole.or_else(|| {
                text.parse::<f64>()
                    .ok()
                    .and_then(serde_json::Number::from_f64)
                    .map(Value::Number)
            })
        }
        (Convert::Boolean, Value::String(text)) => {
            match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(true.into()),
                "false" | "no" | "0" => Some(false.into()),
                _ => None,
            }
        }
        (Convert::Boolean, Value::Number(number)) => match number.as_f64() {
            Some(1.0) => Some(true.into()),
            Some(0.0) => Some(false.into()),
            _ => None,
        },
        _ => None,
    }
}

fn place(target: &mut Value, to: &[String], value: Value) -> Result<(), Failure> {
    let mut here = target;
    for name in to {
        let kind = type_word(here);
        let Value::Object(object) = here else {
            let message = format!(
                "the field `{}` cannot be placed: a row above puts {kind} there",
                to.join(".")
            );
            return Err(Failure::broken(message));
        };
        here = object
            .entry(name.clone())
            .or_insert_with(|| Value::Object(Map::new()));
    }
    *here = value;
    Ok(())
}

fn status_code(value: Option<&Value>) -> Result<u16, Failure> {
    let Some(value) = value else { return Ok(200) };
    let code = value
        .as_u64()
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (200..=599).contains(code));
    code.ok_or_else(|| {
        Failure::broken(format!(
            "`{value}` is not a status to respond with; give a whole number from 200 to 599"
        ))
    })
}

fn header_table(value: Option<&Value>) -> Result<Map<String, Value>, Failure> {
    let table = match value {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(table)) => table,
        Some(other) => {
            return Err(Failure::broken(format!(
                "the headers to respond with must be an object, but this is {}",
                type_word(other)
            )));
        }
    };
    let entry = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            other => {
                return Err(Failure::broken(format!(
                    "the header `{name}` must be a text, but it is {}",
                    type_word(other)
                )));
            }
        };
        let valid_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        let valid_text = text
            .bytes()
            .all(|b| b == b'\t' || (0x20..0x7f).contains(&b) || b >= 0x80);
        if !valid_name || !valid_text {
            return Err(Failure::broken(format!(
                "the header `{name}` is not a valid HTTP header (RFC 9110); remove line breaks and special characters"
            )));
        }
        Ok((name.to_ascii_lowercase(), Value::String(text)))
    };
    table.iter().map(entry).collect()
}
