//! A compiled version: scripts, templates and schemas ready to run, and the links by position.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::{
    catalog::{Catalog, Idempotent},
    document::{Backoff, Flow, Join, OnError, Retry, Step, Trigger},
    failure::Class,
    route::Route,
    schedule::Schedule,
    schema::Schema,
    script::{self, Form, Ids, Script, path::Path},
    template::Template,
};

/// Everything the machine needs of one version, compiled once and shared by all its runs.
#[derive(Debug)]
pub struct Plan {
    /// The document it was made from.
    pub flow: Arc<Flow>,
    /// The triggers, by id.
    pub triggers: BTreeMap<String, PlanTrigger>,
    /// The steps, each after those it depends on.
    pub steps: Vec<PlanStep>,
    /// The ids of the steps, in the same order.
    pub ids: Arc<Ids>,
    /// The links, in the order of the document.
    pub links: Vec<PlanLink>,
}

/// A compiled trigger.
#[derive(Debug)]
pub struct PlanTrigger {
    /// What starts it.
    pub source: Source,
    /// Lets no run start where it is false.
    pub filter: Option<Script>,
    /// Makes the body of the message.
    pub map: Option<Script>,
    /// Gives the key that is accepted once.
    pub dedupe: Option<Script>,
    /// What the body must satisfy.
    pub schema: Option<Schema>,
    /// Not listened to.
    pub disabled: bool,
}

/// What starts a trigger.
#[derive(Debug)]
pub enum Source {
    /// A request.
    Http {
        /// The method, or `None` for any.
        method: Option<String>,
        /// The path below the workspace.
        route: Route,
        /// Whether the caller gets 202 at once instead of the result.
        accepted: bool,
        /// How long the caller waits for the result, in milliseconds.
        deadline_ms: u64,
    },
    /// A signed message.
    Webhook {
        /// The path below the workspace.
        route: Route,
        /// The `verify` settings as written.
        verify: Map<String, Value>,
    },
    /// The clock.
    Schedule(Schedule),
    /// A person or a program, through the API.
    Manual,
}

/// A compiled step.
#[derive(Debug)]
pub struct PlanStep {
    /// Its id.
    pub id: String,
    /// What it does.
    pub body: Body,
    /// The positions of the links that enter it.
    pub incoming: Vec<usize>,
    /// The positions of the links that leave it.
    pub outgoing: Vec<usize>,
    /// When it runs, with several incoming links.
    pub join: Join,
    /// What its failure means where no `error` link takes it.
    pub on_error: OnError,
    /// What reverses it.
    pub undo: Option<PlanAction>,
    /// The sample output for tests.
    pub pinned: Option<Arc<Value>>,
    /// Passes its input through.
    pub disabled: bool,
}

/// What a step does.
#[derive(Debug)]
pub enum Body {
    /// Computes with a script.
    Map(Script),
    /// Fills an object field by field.
    Fields(Vec<FieldRow>),
    /// Checks a value against a schema.
    Validate {
        /// The schema.
        schema: Schema,
        /// What is checked; the input where absent.
        value: Option<Template>,
    },
    /// Chooses ports.
    Branch {
        /// Ports with their conditions.
        cases: Vec<(String, Script)>,
        /// The port when none holds.
        otherwise: Option<String>,
        /// Whether every case that holds is taken.
        all: bool,
    },
    /// Answers the caller.
    Respond {
        /// The status; 200 where absent.
        status: Option<Template>,
        /// The headers.
        headers: Option<Template>,
        /// The body; the input where absent.
        body: Option<Template>,
    },
    /// Ends the run as failed.
    Fail {
        /// Why.
        message: Template,
        /// The class.
        class: Class,
    },
    /// Touches the outside.
    Action(PlanAction),
}

/// A compiled action, of a step or of an undo.
#[derive(Debug)]
pub struct PlanAction {
    /// The kind of action.
    pub kind: String,
    /// The connection it uses.
    pub connection: Option<String>,
    /// Its settings.
    pub config: Template,
    /// Its settings as the document has them: only what its author wrote may name a secret.
    pub written: Arc<Value>,
    /// When doing it twice does no harm.
    pub idempotent: Idempotent,
    /// What the step says of that.
    pub declared: Option<bool>,
    /// When it is attempted again.
    pub retry: RetryPolicy,
    /// How long an attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long all attempts may take, in milliseconds.
    pub deadline_ms: Option<u64>,
}

/// A retry policy with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The most attempts where the action is idempotent or the step names a number.
    pub attempts: u32,
    /// Whether the step names the number itself.
    pub named: bool,
    /// How the delay grows.
    pub backoff: Backoff,
    /// The delay before the second attempt, in milliseconds.
    pub delay_ms: u64,
    /// The longest delay, in milliseconds.
    pub max_delay_ms: u64,
    /// Which share of each delay is left to the dice.
    pub jitter: f64,
    /// The failure classes that are tried again.
    pub on: Vec<Class>,
}

/// One row of a `fields` step.
#[derive(Debug)]
pub struct FieldRow {
    /// The names on the way to the target.
    pub to: Vec<String>,
    /// Where the value comes from.
    pub source: FieldSource,
    /// Taken where the source has nothing.
    pub default: Option<Arc<Value>>,
    /// What it is converted to.
    pub convert: Option<Convert>,
    /// Whether it is a failure to find nothing.
    pub required: bool,
}

/// Where the value of a `fields` row comes from.
#[derive(Debug)]
pub enum FieldSource {
    /// A query into the input.
    Path(Path),
    /// A value or an expression.
    Value(Template),
}

/// What a `fields` row converts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convert {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
}

/// A link by position.
#[derive(Debug)]
pub struct PlanLink {
    /// Where it comes from.
    pub from: Origin,
    /// The port it leaves.
    pub port: String,
    /// The position of the step it enters.
    pub to: usize,
}

/// Where a link comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A trigger, by id.
    Trigger(String),
    /// A step, by position.
    Step(usize),
}

/// How long the caller of an http trigger waits where nothing is said: 30 seconds.
const REPLY_DEADLINE_MS: u64 = 30_000;

impl Plan {
    /// Compiles a document that [`crate::check`] found no errors in.
    ///
    /// # Errors
    /// What keeps it from being compiled. Checked documents compile.
    pub fn compile(flow: Arc<Flow>, catalog: &Catalog) -> Result<Plan, String> {
        let order = topological(&flow)?;
        let positions: HashMap<&str, usize> = order
            .iter()
            .enumerate()
            .map(|(i, id)| (id.as_str(), i))
            .collect();
        let links = flow.links.iter().map(|link| {
            let to = *positions
                .get(link.to.as_str())
                .ok_or_else(|| format!("no step `{}`", link.to))?;
            let from = match positions.get(link.from.as_str()) {
                Some(position) => Origin::Step(*position),
                None => Origin::Trigger(link.from.clone()),
            };
            Ok(PlanLink {
                from,
                port: link.port().to_owned(),
                to,
            })
        });
        let links: Vec<PlanLink> = links.collect::<Result<_, String>>()?;
        let steps = order.iter().enumerate().map(|(i, id)| {
            let step = &flow.steps[id];
            step_of(id, step, catalog).map(|compiled| PlanStep {
                incoming: positions_of(&links, |link| link.to == i),
                outgoing: positions_of(&links, |link| link.from == Origin::Step(i)),
                ..compiled
            })
        });
        let steps = steps.collect::<Result<Vec<_>, String>>()?;
        let triggers = flow
            .triggers
            .iter()
            .map(|(id, trigger)| Ok((id.clone(), trigger_of(trigger)?)));
        let triggers = triggers.collect::<Result<_, String>>()?;
        let ids = Arc::new(Ids::new(order));
        Ok(Plan {
            triggers,
            steps,
            ids,
            links,
            flow,
        })
    }

    /// The action of a step, or the one that reverses it; `None` where there is none.
    pub fn action(&self, step: usize, undo: bool) -> Option<&PlanAction> {
        match (&self.steps[step].body, undo) {
            (_, true) => self.steps[step].undo.as_ref(),
            (Body::Action(action), false) => Some(action),
            _ => None,
        }
    }

    /// The position of a step.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.ids.position(id)
    }
}

fn positions_of(links: &[PlanLink], holds: impl Fn(&PlanLink) -> bool) -> Vec<usize> {
    links
        .iter()
        .enumerate()
        .filter(|(_, link)| holds(link))
        .map(|(i, _)| i)
        .collect()
}

/// The ids of the steps, each after those it depends on; among equals in the order of their ids.
///
/// # Errors
/// The ids on a circle, joined by arrows.
pub(crate) fn topological(flow: &Flow) -> Result<Vec<String>, String> {
    let mut open: BTreeMap<&str, usize> = flow.steps.keys().map(|id| (id.as_str(), 0)).collect();
    for link in flow
        .links
        .iter()
        .filter(|link| flow.steps.contains_key(&link.from))
    {
        if let Some(count) = open.get_mut(link.to.as_str()) {
            *count += 1;
        }
    }
    let mut order = Vec::new();
    while let Some((&next, _)) = open.iter().find(|(_, count)| **count == 0) {
        open.remove(next);
        for link in flow.links.iter().filter(|link| link.from == next) {
            if let Some(count) = open.get_mut(link.to.as_str()) {
                *count -= 1;
            }
        }
        order.push(next.to_owned());
    }
    if open.is_empty() {
        Ok(order)
    } else {
        Err(circle(flow, &open))
    }
}

/// One circle among steps that could not be ordered.
fn circle(flow: &Flow, open: &BTreeMap<&str, usize>) -> String {
    let mut way: Vec<&str> = Vec::new();
    let Some(mut here) = open.keys().next().copied() else {
        return String::new();
    };
    // Walking against the links stays among the open steps, so it must meet itself.
    while !way.contains(&here) {
        way.push(here);
        let before = flow
            .links
            .iter()
            .find(|link| link.to == here && open.contains_key(link.from.as_str()));
        match before {
            Some(link) => here = &link.from,
            None => break,
        }
    }
    let start = way.iter().position(|id| *id == here).unwrap_or(0);
    let mut circle: Vec<&str> = way[start..].to_vec();
    circle.push(here);
    circle.reverse();
    circle.join(" → ")
}

fn trigger_of(trigger: &Trigger) -> Result<PlanTrigger, String> {
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
        "schedule" => Source::Schedule(Schedule::new(&trigger.config).map_err(|problems| {
            problems
                .into_iter()
                .map(|(_, message)| message)
                .collect::<Vec<_>>()
                .join("; ")
        })?),
        "manual" => Source::Manual,
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

fn step_of(id: &str, step: &Step, catalog: &Catalog) -> Result<PlanStep, String> {
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
            Some(action(&step, catalog, &format!("/steps/{id}/undo/config"))?)
        }
    };
    Ok(PlanStep {
        id: id.to_owned(),
        body: body_of(step, catalog, &format!("/steps/{id}/config"))
            .map_err(|error| format!("step `{id}`: {error}"))?,
        incoming: Vec::new(),
        outgoing: Vec::new(),
        join: step.join.unwrap_or_default(),
        on_error: step.on_error.unwrap_or_default(),
        undo,
        pinned: step.pinned.clone().map(Arc::new),
        disabled: step.disabled,
    })
}

fn body_of(step: &Step, catalog: &Catalog, at: &str) -> Result<Body, String> {
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
        "respond" => Body::Respond {
            status: setting("status")?,
            headers: setting("headers")?,
            body: setting("body")?,
        },
        "fail" => Body::Fail {
            message: setting("message")?.ok_or("a message is missing")?,
            class: text("class").and_then(class).unwrap_or(Class::Rejected),
        },
        _ => Body::Action(action(step, catalog, at)?),
    })
}

fn class(word: &str) -> Option<Class> {
    Class::ALL.into_iter().find(|class| class.word() == word)
}

fn action(step: &Step, catalog: &Catalog, at: &str) -> Result<PlanAction, String> {
    let kind = &step.kind;
    let entry = catalog
        .step(kind)
        .and_then(|entry| entry.action.as_ref())
        .ok_or_else(|| format!("`{kind}` is no kind of action"))?;
    Ok(PlanAction {
        kind: kind.clone(),
        connection: step.connection.clone(),
        config: template(&Value::Object(step.config.clone()), at)?,
        written: Arc::new(Value::Object(step.config.clone())),
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
