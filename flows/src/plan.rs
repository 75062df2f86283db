//! A compiled version: scripts, templates and schemas ready to run, and the links by position.

mod compile;
mod limits;
mod order;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::{
    catalog::{Catalog, Idempotent},
    document::{Backoff, Flow, Join, OnError},
    failure::Class,
    poll::Poll,
    problem::pointer,
    route::Route,
    schedule::Schedule,
    schema::Schema,
    script::{Ids, Script, path::Path},
    template::Template,
};
pub use limits::{MostAtOnce, MostPerTime, PlanLimits, Remembered, flow_key};
pub(crate) use order::topological;

/// How deep `each` steps may stand in the bodies of others, the outermost counted.
pub const MOST_LOOPS: usize = 3;

/// Everything the machine needs of one version, compiled once and shared by all its runs; or of the body of an `each` step.
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
    /// How many runs may be underway at once.
    pub concurrency: Option<MostAtOnce>,
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
    /// The clock, and a script that asks another side what is new.
    Poll(Box<Poll>),
    /// A person or a program, through the API.
    Manual,
    /// A `call` step of a flow.
    Flow,
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
    /// What limits its attempts and those of its undo, and for how long what it gave is used again.
    pub limits: Option<Box<PlanLimits>>,
    /// The sample output for tests.
    pub pinned: Option<Arc<Value>>,
    /// Passes its input through.
    pub disabled: bool,
}

impl PlanStep {
    /// What it waits for, where that is an answer.
    pub fn awaited(&self) -> Option<&Wait> {
        match &self.body {
            Body::Wait(wait) if !self.disabled => Some(wait).filter(|wait| wait.is_answered()),
            _ => None,
        }
    }

    /// The action of this step, or the one that reverses it; `None` where there is none.
    pub fn action(&self, undo: bool) -> Option<&PlanAction> {
        match (&self.body, undo) {
            (_, true) => self.undo.as_ref(),
            (Body::Action(action), false) => Some(action),
            _ => None,
        }
    }
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
    /// Runs its own steps for every item of a list.
    Each(Box<PlanEach>),
    /// Lets the run rest.
    Wait(Wait),
    /// Touches the outside.
    Action(PlanAction),
}

/// What a `wait` step waits for.
#[derive(Debug)]
pub enum Wait {
    /// For a duration.
    For(Template),
    /// Until an instant.
    Until(Template),
    /// For a call of its link; an object with the timeout.
    Callback(Template),
    /// For the decision of a person.
    Approval {
        /// An object with the timeout, and what the person is shown: `title` and `text`.
        shown: Template,
        /// What they fill in.
        form: Option<Schema>,
    },
}

impl Wait {
    /// Its settings.
    pub(crate) fn settings(&self) -> &Template {
        match self {
            Wait::For(settings)
            | Wait::Until(settings)
            | Wait::Callback(settings)
            | Wait::Approval {
                shown: settings, ..
            } => settings,
        }
    }

    /// Whether it waits for an answer, and not for a time alone.
    pub fn is_answered(&self) -> bool {
        matches!(self, Wait::Callback(_) | Wait::Approval { .. })
    }
}

/// A compiled `each` step.
#[derive(Debug)]
pub struct PlanEach {
    /// What gives the list.
    pub items: Template,
    /// What is done for every item. Its document has steps and links and nothing else.
    pub body: Plan,
    /// How many items may be underway at once.
    pub concurrency: usize,
    /// The most items.
    pub limit: usize,
    /// Whether an item that fails is told in the results, instead of making the step fail.
    pub collect: bool,
    /// Whether something in the body, or in one within it, can be reversed.
    pub undoable: bool,
}

/// A compiled action, of a step or of an undo.
#[derive(Debug)]
pub struct PlanAction {
    /// The kind of action.
    pub kind: String,
    /// The connection it uses.
    pub connection: Option<String>,
    /// Its settings, but for its script.
    pub config: Template,
    /// Its settings as the document has them: only what its author wrote may name a secret.
    pub written: Arc<Value>,
    /// Its script, for an action that computes.
    pub script: Option<Script>,
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

impl Plan {
    /// Compiles a document that [`crate::check`] found no errors in.
    ///
    /// # Errors
    /// What keeps it from being compiled. Checked documents compile.
    pub fn compile(flow: Arc<Flow>, catalog: &Catalog) -> Result<Plan, String> {
        Plan::compile_at(flow, catalog, "", 0)
    }

    /// The same for a flow, or for a body that stands at this place within as many `each` steps.
    fn compile_at(
        flow: Arc<Flow>,
        catalog: &Catalog,
        at: &str,
        loops: usize,
    ) -> Result<Plan, String> {
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
            let at = pointer(&format!("{at}/steps"), id);
            compile::step(id, step, catalog, &at, loops).map(|compiled| PlanStep {
                incoming: positions_of(&links, |link| link.to == i),
                outgoing: positions_of(&links, |link| link.from == Origin::Step(i)),
                ..compiled
            })
        });
        let steps = steps.collect::<Result<Vec<_>, String>>()?;
        let triggers = flow
            .triggers
            .iter()
            .map(|(id, trigger)| Ok((id.clone(), compile::trigger(trigger, catalog)?)));
        let triggers = triggers.collect::<Result<_, String>>()?;
        let ids = Arc::new(Ids::new(order));
        let concurrency = flow.settings.concurrency.as_ref();
        let concurrency = concurrency.map(MostAtOnce::compile).transpose()?;
        Ok(Plan {
            concurrency,
            triggers,
            steps,
            ids,
            links,
            flow,
        })
    }

    /// The action of a step, or the one that reverses it; `None` where there is none.
    pub fn action(&self, step: usize, undo: bool) -> Option<&PlanAction> {
        self.steps[step].action(undo)
    }

    /// The position of a step.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.ids.position(id)
    }

    /// An `each` step by its position; `None` where the step is none.
    pub fn each(&self, step: usize) -> Option<&PlanEach> {
        match &self.steps.get(step)?.body {
            Body::Each(each) => Some(each),
            _ => None,
        }
    }

    /// The way to a step at any depth: the positions of the `each` steps around it from the outermost inwards, and its own.
    pub fn way(&self, id: &str) -> Option<(Vec<usize>, usize)> {
        if let Some(step) = self.position(id) {
            return Some((Vec::new(), step));
        }
        (0..self.steps.len()).find_map(|around| {
            let (mut way, step) = self.each(around)?.body.way(id)?;
            way.insert(0, around);
            Some((way, step))
        })
    }

    /// Whether a run may wait for an answer, here or in a body.
    pub fn has_answers(&self) -> bool {
        let inside = |i| self.each(i).is_some_and(|each| each.body.has_answers());
        let mut steps = self.steps.iter().enumerate();
        steps.any(|(i, step)| step.awaited().is_some() || inside(i))
    }

    /// A step at any depth.
    pub fn find(&self, id: &str) -> Option<&PlanStep> {
        let (way, step) = self.way(id)?;
        let body = way
            .iter()
            .try_fold(self, |plan, around| Some(&plan.each(*around)?.body))?;
        body.steps.get(step)
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
