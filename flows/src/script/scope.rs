//! What a script can see: named read-only values, and the outputs of the steps so far.

use crate::failure::Failure;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A name that the machine may give a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The message and the trigger it came through.
    Trigger,
    /// The output of what came before.
    Input,
    /// The run itself: id, flow, version, workspace, started_at; and callbacks, where steps wait for an answer.
    Run,
    /// Variables of the workspace.
    Vars,
    /// On an error path: what failed.
    Error,
    /// In a loop: the item.
    Item,
    /// In a loop: its position, from 0.
    Index,
    /// In an undo: the output of the step that is undone.
    Output,
    /// In a poll: where the last one ended.
    Cursor,
}

impl Name {
    /// All names, in the order of their discriminants.
    pub const ALL: [Name; 9] = [
        Name::Trigger,
        Name::Input,
        Name::Run,
        Name::Vars,
        Name::Error,
        Name::Item,
        Name::Index,
        Name::Output,
        Name::Cursor,
    ];

    /// The name as a script writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Name::Trigger => "trigger",
            Name::Input => "input",
            Name::Run => "run",
            Name::Vars => "vars",
            Name::Error => "error",
            Name::Item => "item",
            Name::Index => "index",
            Name::Output => "output",
            Name::Cursor => "cursor",
        }
    }
}

/// Names that every script may use. `steps` is a map of outputs by step id.
pub const STANDARD_NAMES: [&str; 9] = [
    "trigger", "input", "steps", "run", "vars", "error", "item", "index", "output",
];

/// Calls out for a `script` action or a poll. Blocks the script until the answer is there.
pub trait Http: Send + Sync {
    /// Sends `{method?, url or path, query?, headers?, body?, expect?}` and gives `{status, headers, body}`.
    fn send(&self, request: Value) -> Result<Value, Unanswered>;
}

/// Why a call gave the script no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Unanswered {
    /// It failed. The script may catch that.
    Failed(Box<Failure>),
    /// The script is to end here, whatever it would catch, with the reason.
    Stopped(String),
}

/// The step ids of a plan in the order of the plan; made once per plan.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ids {
    ordered: Vec<String>,
    positions: HashMap<String, usize>,
}

impl Ids {
    /// Ids by position.
    pub fn new(ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let ordered: Vec<String> = ids.into_iter().map(Into::into).collect();
        let positions = ordered
            .iter()
            .enumerate()
            .map(|(position, id)| (id.clone(), position))
            .collect();
        Self { ordered, positions }
    }

    /// Where an id stands.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.positions.get(id).copied()
    }

    /// The id at a position.
    pub fn at(&self, position: usize) -> Option<&str> {
        self.ordered.get(position).map(String::as_str)
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.ordered.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }
}

/// The outputs of steps by their position in the plan; what a script sees as `steps`.
///
/// A run keeps one behind an `Arc` and changes it through `Arc::make_mut`: as long as no
/// evaluation holds it, that copies nothing, and otherwise only pointers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    ids: Arc<Ids>,
    values: Vec<Option<Arc<Value>>>,
    /// For the body of an `each`: the outputs around it.
    around: Option<Arc<Outputs>>,
}

impl Outputs {
    /// All absent.
    pub fn new(ids: Arc<Ids>) -> Self {
        let values = vec![None; ids.len()];
        Self {
            ids,
            values,
            around: None,
        }
    }

    /// The same outputs, with those around them: what a body of an `each` sees.
    #[must_use]
    pub fn within(&self, around: Arc<Outputs>) -> Self {
        Self {
            around: Some(around),
            ..self.clone()
        }
    }

    /// Sets or removes the output at a position; a position the plan does not have is ignored.
    pub fn set(&mut self, position: usize, value: Option<Arc<Value>>) {
        if let Some(slot) = self.values.get_mut(position) {
            *slot = value;
        }
    }

    /// The output of a step, if it has one.
    pub fn get(&self, id: &str) -> Option<&Arc<Value>> {
        let own = self.ids.position(id).map(|position| self.at(position));
        own.unwrap_or_else(|| self.around.as_ref()?.get(id))
    }

    /// The output at a position, if there is one.
    pub fn at(&self, position: usize) -> Option<&Arc<Value>> {
        self.values.get(position)?.as_ref()
    }

    /// The ids of the plan.
    pub fn ids(&self) -> &Arc<Ids> {
        &self.ids
    }

    /// The outputs that are there, in plan order; after them those around them.
    pub fn present(&self) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        let mut all = vec![self];
        let mut here = self;
        while let Some(around) = &here.around {
            all.push(around);
            here = around;
        }
        all.into_iter().flat_map(Outputs::own)
    }

    fn own(&self) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        self.ids
            .ordered
            .iter()
            .zip(&self.values)
            .filter_map(|(id, value)| Some((id.as_str(), value.as_ref()?)))
    }
}

/// The values of the names for one evaluation. A name that is not set reads as `()`.
#[derive(Clone, Default)]
pub struct Scope {
    values: [Option<Arc<Value>>; Name::ALL.len()],
    steps: Option<Arc<Outputs>>,
    http: Option<Arc<dyn Http>>,
}

impl Scope {
    /// Nothing in scope.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a value for a name.
    #[must_use]
    pub fn with(mut self, name: Name, value: Arc<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Gives a name a value.
    pub fn set(&mut self, name: Name, value: Arc<Value>) -> &mut Self {
        self.values[name as usize] = Some(value);
        self
    }

    /// The value of a name.
    pub fn get(&self, name: Name) -> Option<&Arc<Value>> {
        self.values[name as usize].as_ref()
    }

    /// With the outputs of the steps so far.
    #[must_use]
    pub fn with_steps(mut self, outputs: Arc<Outputs>) -> Self {
        self.steps = Some(outputs);
        self
    }

    /// With a way to call out, for a `script` action or a poll.
    #[must_use]
    pub fn with_http(mut self, http: Arc<dyn Http>) -> Self {
        self.http = Some(http);
        self
    }

    pub(crate) fn steps(&self) -> Option<&Arc<Outputs>> {
        self.steps.as_ref()
    }

    pub(crate) fn http(&self) -> Option<&Arc<dyn Http>> {
        self.http.as_ref()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = out.debug_map();
        for name in Name::ALL {
            if let Some(value) = self.get(name) {
                map.entry(&name.as_str(), value);
            }
        }
        if let Some(steps) = &self.steps {
            map.entry(&"steps", steps);
        }
        map.finish()
    }
}
