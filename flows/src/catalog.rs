//! The catalog as data: every kind of trigger and step with its fields, ports and defaults.
//!
//! Palette, forms, checks and the docs page derive from it. The kinds that belong to the language
//! itself are in [`crate::builtin`]; a connector of the server adds its own entry.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::Class;

/// A text that is constant in the code and owned when it came over the wire.
pub type Text = Cow<'static, str>;

/// Every kind of trigger and step that this server knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Catalog {
    /// The kinds of triggers.
    pub triggers: Vec<Entry>,
    /// The kinds of steps.
    pub steps: Vec<Entry>,
}

impl Catalog {
    /// The entry of a kind of trigger.
    pub fn trigger(&self, kind: &str) -> Option<&Entry> {
        self.triggers.iter().find(|entry| entry.kind == kind)
    }

    /// The entry of a kind of step.
    pub fn step(&self, kind: &str) -> Option<&Entry> {
        self.steps.iter().find(|entry| entry.kind == kind)
    }
}

/// One kind of trigger or step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The word that documents use.
    pub kind: Text,
    /// The name for people.
    pub title: Text,
    /// One line that says what it is for.
    pub summary: Text,
    /// The heading of the palette it stands under.
    pub group: Group,
    /// The name of its icon, from Lucide.
    pub icon: Text,
    /// The settings in its `config`.
    pub fields: Vec<Field>,
    /// Settings of which exactly one must be there; empty where there is no such rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exactly_one: Vec<Text>,
    /// The ports a link may leave from. A branch adds one for each of its cases.
    pub ports: Vec<Text>,
    /// For an action: what the engine must know to call it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// The headings of the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What starts a run.
    Trigger,
    /// Steps that only compute.
    Mapper,
    /// Steps that touch the outside.
    Action,
    /// Steps that decide how the run goes on.
    Control,
}

/// What the engine must know of a kind of action.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Action {
    /// Whether it needs, allows or has no use for a connection.
    pub connection: Presence,
    /// When doing it twice does no harm.
    pub idempotent: Idempotent,
    /// The failure classes it may end in.
    pub failures: Vec<Class>,
    /// The most attempts where the step names none and the action is idempotent; otherwise it is one.
    pub attempts: u32,
    /// How long an attempt may take where the step does not say, in milliseconds.
    pub timeout_ms: u64,
}

/// Whether something is needed, allowed or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Must be there.
    Needed,
    /// May be there.
    Allowed,
    /// Has no meaning there.
    Unused,
}

/// When doing an action twice does no harm.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idempotent {
    /// Always.
    Always,
    /// Only where the step says so.
    IfDeclared,
    /// Where the named setting has one of these values (whatever its case), or the step says so.
    When {
        /// The name of the setting.
        field: Text,
        /// The values.
        values: Vec<Text>,
        /// The value that counts where the setting is absent.
        default: Text,
    },
}

impl Idempotent {
    /// Whether an action with this configuration may be made again. `declared` is what the step says.
    pub fn holds(&self, config: &Map<String, Value>, declared: Option<bool>) -> bool {
        declared.unwrap_or_else(|| match self {
            Idempotent::Always => true,
            Idempotent::IfDeclared => false,
            Idempotent::When {
                field,
                values,
                default,
            } => {
                let value = config
                    .get(field.as_ref())
                    .and_then(Value::as_str)
                    .unwrap_or(default);
                values.iter().any(|word| word.eq_ignore_ascii_case(value))
            }
        })
    }
}

/// One setting of a trigger or step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Field {
    /// The key in `config`.
    pub name: Text,
    /// The label for people.
    pub title: Text,
    /// One or two sentences of help.
    pub help: Text,
    /// What may stand there.
    pub kind: FieldKind,
    /// Whether it must be there.
    pub required: bool,
    /// Whether a string that starts with `=` is an expression there, at any depth.
    pub expression: bool,
    /// Whether it has a meaning only beside a connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside_connection: bool,
}

impl Field {
    /// A setting that may be left out and takes literals only.
    pub fn new(
        name: &'static str,
        title: &'static str,
        kind: FieldKind,
        help: &'static str,
    ) -> Self {
        Field {
            name: Cow::Borrowed(name),
            title: Cow::Borrowed(title),
            help: Cow::Borrowed(help),
            kind,
            required: false,
            expression: false,
            beside_connection: false,
        }
    }

    /// The same setting, and it must be there.
    pub fn required(self) -> Self {
        Field {
            required: true,
            ..self
        }
    }

    /// The same setting, and it needs a connection beside it.
    pub fn beside_connection(self) -> Self {
        Field {
            beside_connection: true,
            ..self
        }
    }

    /// The same setting, and expressions are allowed.
    pub fn expression(self) -> Self {
        Field {
            expression: true,
            ..self
        }
    }
}

/// What may stand in a field.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// Several lines of text.
    Multiline,
    /// A whole number within bounds.
    Integer {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// Yes or no.
    Boolean,
    /// One of these words.
    Choice(Vec<Text>),
    /// Any JSON value.
    Any,
    /// Texts, numbers or booleans by name: headers, query parameters.
    Table,
    /// A rhai script.
    Script,
    /// A rhai expression, written without `=`.
    Condition,
    /// A JSONPath query (RFC 9535).
    JsonPath,
    /// A path of a URL with `{name}` for parameters.
    Path,
    /// An absolute http or https URL.
    Url,
    /// A JSON Schema.
    Schema,
    /// A duration.
    Duration,
    /// A cron expression.
    Cron,
    /// An IANA time zone.
    TimeZone,
    /// A named secret, or a literal with a warning.
    Secret,
    /// The name of a port.
    Port,
    /// Which HTTP statuses succeed: numbers and classes such as `2xx`.
    Statuses,
    /// A list of objects with these settings.
    Rows(Vec<Field>),
    /// An object with these settings.
    Group(Vec<Field>),
}

/// A borrowed text, for entries in the code.
pub const fn text(text: &'static str) -> Text {
    Cow::Borrowed(text)
}

/// Borrowed texts, for entries in the code.
pub fn words(words: &[&'static str]) -> Vec<Text> {
    words.iter().map(|word| Cow::Borrowed(*word)).collect()
}
