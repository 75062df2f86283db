//! What a script can call, as data: the generated page, the editor's completion and the tests
//! derive from this one list.

use super::library;
use serde::Serialize;
use std::sync::LazyLock;

/// The chapters of the functions' page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Strings.
    Text,
    /// Integers, floats and decimals.
    Number,
    /// Lists.
    List,
    /// Maps.
    Map,
    /// Picking out of nested values.
    Pick,
    /// Times, dates and zones.
    Time,
    /// Regular expressions.
    Pattern,
    /// JSON, CSV, XML and forms.
    Format,
    /// base64, hex, URLs.
    Encoding,
    /// Hashes and signatures.
    Digest,
    /// Identifiers and chance.
    Random,
    /// What belongs to the language itself.
    Language,
    /// Calls out, in script actions and polls only.
    Http,
}

impl Group {
    /// The chapter's title.
    pub const fn title(self) -> &'static str {
        match self {
            Group::Text => "Text",
            Group::Number => "Numbers and money",
            Group::List => "Lists",
            Group::Map => "Maps",
            Group::Pick => "Picking out of nested values",
            Group::Time => "Times and dates",
            Group::Pattern => "Regular expressions",
            Group::Format => "JSON, CSV, XML and forms",
            Group::Encoding => "Encodings",
            Group::Digest => "Hashes and signatures",
            Group::Random => "Identifiers and chance",
            Group::Language => "Language",
            Group::Http => "HTTP, in script actions and polls only",
        }
    }
}

/// A function that scripts can call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its name; a method can also be called as `value.name(…)`.
    pub name: &'static str,
    /// Parameters and result for people, as in `pad_start(text, length, fill?) -> text`.
    pub signature: &'static str,
    /// Its chapter.
    pub group: Group,
    /// What it does.
    pub doc: &'static str,
    /// A script that shows it. Empty if it needs an outside.
    pub example: &'static str,
    /// What the example gives, as JSON.
    pub result: &'static str,
}

/// All functions, by group and name.
pub fn functions() -> &'static [Function] {
    static ALL: LazyLock<Vec<Function>> = LazyLock::new(|| {
        let mut all = library::functions();
        all.sort_by_key(|function| (function.group, function.name));
        all
    });
    &ALL
}
