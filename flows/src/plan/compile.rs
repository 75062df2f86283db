//! Compiles triggers and steps of a document that was found sound.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Body, Convert, FieldRow, FieldSource, MOST_LOOPS, Plan, PlanAction, PlanEach, PlanLimits,
    PlanStep, PlanTrigger, RetryPolicy, Source, Wait,
};
use crate::{
    builtin::{CALL, USUAL_ITEMS},
    catalog::{Catalog, Entry, FieldKind},
    document::{Retry, Step, Trigger},
    failure::Class,
    poll::Poll,
    route::Route,
    schedule::Schedule,
    schema::Schema,
    script::{self, Form, Script, path::Path},
    template::Template,
};

/// How long the caller of an http trigger waits where nothing is said: 30 seconds.
const REPLY_DEADLINE_MS: u64 = 30_000;

/// A compiled trigger.
pub(super) fn trigger(trigger: &Trigger, catalog: &Catalog) -> Result<PlanTrigger, String> {
    let text = |key: &str| trigger.config.get(key).and_then(Value::as_str);
    let route = || Route::parse(text("path").unwrap_or_default());
    let source = match trigger.kind.as_str() {
        "http" => Source::Http {
            method: match text("method").unwrap_or("POST") {
                "ANY" => None,
                method => Some(method.to_owned()),
            },
            route: route()?,
            accepted: text("reply") == Some("accepted"),
            deadline_ms: millis(&trigger.config, "deadline")?.unwrap_or(REPLY_DEADLINE_MS),
        },
        "webhook" => Source::Webhook {
            route: route()?,
            verify: trigger
                .config
                .get("verify")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        },
        "schedule" => Source::Schedule(schedule(&trigger.config)?),
        "poll" => Source::Poll(Box::new(poll(trigger, catalog)?)),
        "manual" => Source::Manual,
        "flow" => Source::Flow,
        other => return Err(format!("`{other}` is no kind of trigger")),
    };
    Ok(PlanTrigger {
        source,
        filter: optional(trigger.filter.as_deref())?,
        map: optional(trigger.map.as_deref())?,
        dedupe: optional(trigger.dedupe.as_deref())?,
        schema: trigger
            .schema
            .as_ref()
            .map(|schema| Schema::compile(schema).map_err(|(_, message)| message))
            .transpose()?,
        disabled: trigger.disabled,
    })
}

fn schedule(config: &Map<String, Value>) -> Result<Schedule, String> {
    Schedule::new(config).map_err(|problems| {
        let messages = problems.into_iter().map(|(_, message)| message);
        messages.collect::<Vec<_>>().join("; ")
    })
}

fn poll(trigger: &Trigger, catalog: &Catalog) -> Result<Poll, String> {
    let entry = catalog.trigger(&trigger.kind);
    let action = entry.and_then(|entry| entry.action.as_ref());
    let mut config = trigger.config.clone();
    let script = entry.map(|entry| take_script(entry, &mut config));
    Ok(Poll {
        script: script.transpose()?.flatten().ok_or("a script is missing")?,
        schedule: schedule(&trigger.config)?,
        connection: trigger.connection.clone(),
        timeout_ms: millis(&trigger.config, "timeout")?
            .or(action.map(|action| action.timeout_ms))
            .unwrap_or_default(),
    })
}

/// Takes the script of an action or a poll out of its settings, and compiles it with the names that it sees.
fn take_script(entry: &Entry, config: &mut Map<String, Value>) -> Result<Option<Script>, String> {
    let mut fields = entry.fields.iter();
    let Some(field) = fields.find(|field| matches!(field.kind, FieldKind::Script)) else {
        return Ok(None);
    };
    let source = config.remove(field.name.as_ref());
    let source = source.as_ref().and_then(Value::as_str).unwrap_or_default();
    let script = script::compile_with(source, Form::Script, &field.names());
    script.map(Some).map_err(|error| error.message)
}

/// A compiled step, without its links, that stands at this place within as many `each` steps.
pub(super) fn step(
    id: &str,
    step: &Step,
    catalog: &Catalog,
    at: &str,
    loops: usize,
) -> Result<PlanStep, String> {
    let undo = match &step.undo {
        None => None,
        Some(undo) => {
            let step = Step {
                kind: undo.kind.clone(),
                connection: undo.connection.clone(),
                config: undo.config.clone(),
                retry: undo.retry.clone(),
                timeout: undo.timeout.clone(),
                ..Step::default()
            };
            Some(action(&step, catalog, &format!("{at}/undo/config"))?)
        }
    };
    Ok(PlanStep {
        id: id.to_owned(),
        body: body_of(step, catalog, &format!("{at}/config"), loops)
            .map_err(|error| format!("step `{id}`: {error}"))?,
        incoming: Vec::new(),
        outgoing: Vec::new(),
        join: step.join.unwrap_or_default(),
        on_error: step.on_error.unwrap_or_default(),
        undo,
        limits: PlanLimits::compile(step).map_err(|error| format!("step `{id}`: {error}"))?,
        pinned: step.pinned.clone().map(Arc::new),
        disabled: step.disabled,
    })
}

fn body_of(step: &Step, catalog: &Catalog, at: &str, loops: usize) -> Result<Body, String> {
    let config = &step.config;
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let setting = |key: &str| {
        config
            .get(key)
            .map(|value| template(value, &format!("{at}/{key}")))
            .transpose()
    };
    Ok(match step.kind.as_str() {
        "map" => Body::Map(compile(text("script").unwrap_or_default(), Form::Script)?),
        "fields" => Body::Fields(
            rows(config, "fields")
                .map(|(i, row)| field_row(row, &format!("{at}/fields/{i}")))
                .collect::<Result<_, _>>()?,
        ),
        "validate" => Body::Validate {
            schema: Schema::compile(config.get("schema").unwrap_or(&Value::Null))
                .map_err(|(_, message)| message)?,
            value: setting("value")?,
        },
        "branch" => Body::Branch {
            cases: rows(config, "cases")
                .map(|(_, row)| {
                    let part = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
                    Ok((
                        part("port").to_owned(),
                        compile(part("when"), Form::Expression)?,
                    ))
                })
                .collect::<Result<_, String>>()?,
            otherwise: text("otherwise").map(str::to_owned),
            all: text("mode") == Some("all"),
        },
        "each" => Body::Each(Box::new(each(step, catalog, at, loops)?)),
        "wait" => Body::Wait(wait(config, at)?),
        "respond" if loops > 0 => return Err("it cannot answer from within an `each`".to_owned()),
        "respond" => Body::Respond {
            status: setting("status")?,
            headers: setting("headers")?,
            body: setting("body")?,
        },
        "fail" => Body::Fail {
            message: setting("message")?.ok_or("a message is missing")?,
            class: text("class")
                .and_then(Class::named)
                .unwrap_or(Class::Rejected),
        },
        _ => Body::Action(action(step, catalog, at)?),
    })
}

fn wait(config: &Map<String, Value>, at: &str) -> Result<Wait, String> {
    let object = |key: &str| config.get(key).and_then(Value::as_object);
    for (key, wait) in [("for", Wait::For as fn(_) -> _), ("until", Wait::Until)] {
        if let Some(value) = config.get(key) {
            return Ok(wait(template(value, &format!("{at}/{key}"))?));
        }
    }
    if let Some(callback) = object("callback") {
        let settings = Value::Object(callback.clone());
        let settings = template(&settings, &format!("{at}/callback"))?;
        return Ok(Wait::Callback(settings));
    }
    let approval = object("approval").ok_or("it does not say what it waits for")?;
    let mut shown = approval.clone();
    // A schema is taken as it is written.
    let form = shown.remove("form");
    let form = form.map(|form| Schema::compile(&form).map_err(|(_, message)| message));
    Ok(Wait::Approval {
        shown: template(&Value::Object(shown), &format!("{at}/approval"))?,
        form: form.transpose()?,
    })
}

fn each(step: &Step, catalog: &Catalog, at: &str, loops: usize) -> Result<PlanEach, String> {
    if loops >= MOST_LOOPS {
        return Err(format!("more than {MOST_LOOPS} `each` steps in each other"));
    }
    let config = &step.config;
    let items = config.get("items").ok_or("a list is missing")?;
    let body = step.body().ok_or("the body has not the shape of one")?;
    let body = Arc::new(body.into_flow(""));
    let body = Plan::compile_at(body, catalog, &format!("{at}/body"), loops + 1)?;
    let number = |key: &str, default: usize| {
        let written = config.get(key).and_then(Value::as_u64);
        written.map_or(default, |number| {
            usize::try_from(number).unwrap_or(usize::MAX)
        })
    };
    let undoable = |(i, step): (usize, &PlanStep)| {
        step.undo.is_some() || body.each(i).is_some_and(|each| each.undoable)
    };
    Ok(PlanEach {
        items: template(items, &format!("{at}/items"))?,
        concurrency: number("concurrency", 1).max(1),
        limit: number("limit", USUAL_ITEMS),
        collect: config.get("on_item_error").and_then(Value::as_str) == Some("collect"),
        undoable: body.steps.iter().enumerate().any(undoable),
        body,
    })
}

fn action(step: &Step, catalog: &Catalog, at: &str) -> Result<PlanAction, String> {
    let kind = &step.kind;
    let none = || format!("`{kind}` is no kind of action");
    let known = catalog.step(kind).ok_or_else(none)?;
    let entry = known.action.as_ref().ok_or_else(none)?;
    let mut config = step.config.clone();
    let script = take_script(known, &mut config)?;
    if kind == CALL {
        config.entry("input").or_insert_with(|| "= input".into());
    }
    Ok(PlanAction {
        kind: kind.clone(),
        connection: step.connection.clone(),
        config: template(&Value::Object(config), at)?,
        written: Arc::new(Value::Object(step.config.clone())),
        script,
        idempotent: entry.idempotent.clone(),
        declared: step.idempotent,
        retry: policy(step.retry.as_ref(), entry.attempts),
        timeout_ms: step
            .timeout
            .as_ref()
            .map_or(entry.timeout_ms, |timeout| timeout.millis()),
        deadline_ms: step.deadline.as_ref().map(|deadline| deadline.millis()),
    })
}

fn policy(retry: Option<&Retry>, attempts: u32) -> RetryPolicy {
    let retry = retry.cloned().unwrap_or_default();
    let delay_ms = retry.delay.map_or(1_000, |delay| delay.millis());
    RetryPolicy {
        named: retry.attempts.is_some(),
        attempts: retry.attempts.unwrap_or(attempts),
        backoff: retry.backoff.unwrap_or_default(),
        delay_ms,
        max_delay_ms: retry
            .max_delay
            .map_or(delay_ms.max(60_000), |delay| delay.millis()),
        jitter: retry.jitter.unwrap_or(0.1),
        on: retry.on.unwrap_or_else(|| {
            vec![
                Class::Transient,
                Class::RateLimited,
                Class::TimedOut,
                Class::Lost,
            ]
        }),
    }
}

fn field_row(row: &Map<String, Value>, at: &str) -> Result<FieldRow, String> {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let source = match (text("from"), row.get("value")) {
        (Some(path), _) => FieldSource::Path(Path::parse(path).map_err(|error| error.message)?),
        (None, Some(value)) => FieldSource::Value(template(value, &format!("{at}/value"))?),
        (None, None) => return Err("a row has neither a source path nor a value".to_owned()),
    };
    Ok(FieldRow {
        to: text("to")
            .unwrap_or_default()
            .split('.')
            .map(str::to_owned)
            .collect(),
        source,
        default: row.get("default").cloned().map(Arc::new),
        convert: text("as").and_then(|word| match word {
            "text" => Some(Convert::Text),
            "integer" => Some(Convert::Integer),
            "number" => Some(Convert::Number),
            "boolean" => Some(Convert::Boolean),
            _ => None,
        }),
        required: row
            .get("required")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    })
}

fn rows<'a>(
    config: &'a Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = (usize, &'a Map<String, Value>)> + use<'a> {
    config
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .enumerate()
}

fn template(value: &Value, at: &str) -> Result<Template, String> {
    Template::compile(value, true, at).map_err(|errors| {
        errors
            .first()
            .map(|error| error.error.message.clone())
            .unwrap_or_default()
    })
}

fn compile(source: &str, form: Form) -> Result<Script, String> {
    script::compile(source, form).map_err(|error| error.message)
}

fn optional(source: Option<&str>) -> Result<Option<Script>, String> {
    source
        .map(|source| compile(source, Form::Expression))
        .transpose()
}

fn millis(config: &Map<String, Value>, key: &str) -> Result<Option<u64>, String> {
    let text = config.get(key).and_then(Value::as_str);
    text.map(|text| {
        text.parse::<crate::duration::Duration>()
            .map(|duration| duration.millis())
    })
    .transpose()
}
