//! The catalog as data: every kind of trigger and step with its fields, ports and defaults.
//!
//! Palette, forms, checks and the docs page derive from it, in English and German. The kinds that belong to the
//! language itself are in [`crate::builtin`]; a connector of the server adds its own entry.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{document::Config, failure::Class};

/// A text that is constant in the code and owned when it came over the wire.
pub type Text = Cow<'static, str>;

/// What a person reads, in every language that Weir speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phrase {
    /// In English.
    pub en: Text,
    /// In German.
    pub de: Text,
}

impl Phrase {
    /// The text for a language tag (BCP 47) such as `de-AT`; English where the language is not spoken.
    pub fn of(&self, language: &str) -> &str {
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") {
            &self.de
        } else {
            &self.en
        }
    }
}

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
    pub title: Phrase,
    /// One line that says what it is for.
    pub summary: Phrase,
    /// The heading of the palette it stands under.
    pub group: Group,
    /// The name of its icon, from Lucide.
    pub icon: Text,
    /// Words by which the palette finds it too, in any language: what other tools call it, what people look for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<Text>,
    /// The settings in its `config`.
    pub fields: Vec<Field>,
    /// Settings of which exactly one must be there; empty where there is no such rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exactly_one: Vec<Text>,
    /// The ports that every trigger or step of this kind has. Settings of the kind [`FieldKind::Port`] name more;
    /// [`crate::port::ports`] gives all of them.
    pub ports: Vec<Text>,
    /// The `config` of a new one: enough to be useful at once.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub start: Config,
    /// An output as it may look, for when none was seen yet: of a trigger, the message. Absent where the output depends
    /// on the settings, or where the input is passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// For an action, and for a trigger that asks: what the engine must know to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

impl Entry {
    /// A kind without settings. A trigger leaves by `ok`, a step by `ok` and `error`.
    pub fn new(
        kind: &'static str,
        group: Group,
        icon: &'static str,
        title: Phrase,
        summary: Phrase,
    ) -> Self {
        Entry {
            kind: text(kind),
            title,
            summary,
            group,
            icon: text(icon),
            search: Vec::new(),
            fields: Vec::new(),
            exactly_one: Vec::new(),
            ports: match group {
                Group::Trigger => words(&["ok"]),
                Group::Mapper | Group::Action | Group::Control => words(&["ok", "error"]),
            },
            start: Config::new(),
            output: None,
            action: None,
        }
    }
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
    pub title: Phrase,
    /// One or two sentences of help.
    pub help: Phrase,
    /// What may stand there.
    pub kind: FieldKind,
    /// Whether it must be there.
    pub required: bool,
    /// Whether a string that starts with `=` is an expression there, at any depth.
    pub expression: bool,
    /// Whether it has a meaning only beside a connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside_connection: bool,
    /// Whether a form keeps it folded until someone asks for more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub advanced: bool,
    /// The value that counts where it is absent, as it would be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// A value as someone might write it, to be shown in an empty input; of a group, what a new one holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// A port that its step has where it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Text>,
    /// For a script: the names that it sees beside the usual ones, such as `http`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Text>,
}

impl Field {
    /// A setting that may be left out and takes literals only.
    pub fn new(name: &'static str, title: Phrase, kind: FieldKind, help: Phrase) -> Self {
        Field {
            name: text(name),
            title,
            help,
            kind,
            required: false,
            expression: false,
            beside_connection: false,
            advanced: false,
            default: None,
            example: None,
            port: None,
            names: Vec::new(),
        }
    }

    /// The names that a script there sees beside the usual ones.
    pub fn names(&self) -> Vec<&str> {
        self.names.iter().map(AsRef::as_ref).collect()
    }

    /// The same setting, and a script there sees these names as well.
    pub fn seeing(self, names: &[&'static str]) -> Self {
        Field {
            names: words(names),
            ..self
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

    /// The same setting, and a form keeps it folded.
    pub fn advanced(self) -> Self {
        Field {
            advanced: true,
            ..self
        }
    }

    /// The same setting with the value that counts where it is absent.
    pub fn default(self, value: impl Into<Value>) -> Self {
        Field {
            default: Some(value.into()),
            ..self
        }
    }

    /// The same setting with a port that its step has where it is there.
    pub fn port(self, name: &'static str) -> Self {
        Field {
            port: Some(text(name)),
            ..self
        }
    }

    /// The same setting with a value as someone might write it.
    pub fn example(self, value: impl Into<Value>) -> Self {
        Field {
            example: Some(value.into()),
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
    Choice(Vec<Choice>),
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
    /// The steps and links of the body of an `each`.
    Body,
}

/// One word of a [`FieldKind::Choice`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The word that documents use.
    pub word: Text,
    /// What a person reads.
    pub title: Phrase,
}

/// A phrase in English and German, for entries in the code.
pub const fn phrase(english: &'static str, german: &'static str) -> Phrase {
    Phrase {
        en: Cow::Borrowed(english),
        de: Cow::Borrowed(german),
    }
}

/// A choice, for entries in the code.
pub const fn choice(word: &'static str, english: &'static str, german: &'static str) -> Choice {
    Choice {
        word: Cow::Borrowed(word),
        title: phrase(english, german),
    }
}

/// Choices that are called the same everywhere, such as the methods of HTTP.
pub fn choices(words: &[&'static str]) -> Vec<Choice> {
    words.iter().map(|word| choice(word, word, word)).collect()
}

/// A borrowed text, for entries in the code.
pub const fn text(text: &'static str) -> Text {
    Cow::Borrowed(text)
}

/// Borrowed texts, for entries in the code.
pub fn words(words: &[&'static str]) -> Vec<Text> {
    words.iter().map(|word| Cow::Borrowed(*word)).collect()
}
