//! Regular expressions, compiled once and kept, in time linear in the text.

use super::{Fallible, define, documented};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use regex::{Captures, Regex, RegexBuilder};
use rhai::{Array, Dynamic, INT, Map, Module};
use std::cell::RefCell;
use std::collections::HashMap;

/// Memory that one compiled pattern may take, in bytes.
const PATTERN_BYTES: usize = 1 << 20;
/// Patterns kept per thread.
const KEPT: usize = 64;

/// A compiled pattern from this thread's cache.
fn compiled(pattern: &str) -> Fallible<Regex> {
    thread_local! {
        static PATTERNS: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
    }
    if let Some(regex) = PATTERNS.with(|kept| kept.borrow().get(pattern).cloned()) {
        return Ok(regex);
    }
    bounds::spend(200 + pattern.len() * 10)?;
    if pattern.len() > 10_000 {
        return Err(complaint(
            "a regular expression of more than 10000 bytes is too long",
        ));
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .nest_limit(100)
        .build()
        .map_err(|problem| {
            let detail = match problem {
                regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                other => other
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
            };
            complaint(format!("`{pattern}` is not a regular expression: {detail}"))
        })?;
    PATTERNS.with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex.clone());
    });
    Ok(regex)
}

/// A pattern, and the work of running it over a text paid for.
fn ready(pattern: &str, text: &str) -> Fallible<Regex> {
    let regex = compiled(pattern)?;
    bounds::spend(text.len() / 16)?;
    Ok(regex)
}

/// The groups of a match: by number as text, and by name.
fn groups(regex: &Regex, captures: &Captures<'_>) -> Map {
    let mut map = Map::new();
    for (number, name) in regex.capture_names().enumerate() {
        let value = captures
            .get(number)
            .map_or(Dynamic::UNIT, |group| group.as_str().into());
        if let Some(name) = name {
            map.insert(name.into(), value.clone());
        }
        map.insert(number.to_string().into(), value);
    }
    map
}

fn replace(text: &str, pattern: &str, with: &str) -> Fallible<String> {
    let regex = ready(pattern, text)?;
    let mut out = String::new();
    let mut last = 0;
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else { break };
        out.push_str(&text[last..found.start()]);
        captures.expand(with, &mut out);
        last = found.end();
        bounds::text_of(out.len())?;
    }
    out.push_str(&text[last..]);
    bounds::text_of(out.len())?;
    Ok(out)
}

fn all<'t>(found: impl Iterator<Item = Dynamic> + 't) -> Fallible<Array> {
    let mut list = Array::new();
    for item in found {
        list.push(item);
        if list.len().is_multiple_of(256) {
            bounds::list_of(list.len())?;
        }
    }
    bounds::list_of(list.len())?;
    Ok(list)
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    define!(module, "matches", |text: &str,
                                pattern: &str|
     -> Fallible<bool> {
        Ok(ready(pattern, text)?.is_match(text))
    });
    define!(module, "regex_find", |text: &str,
                                   pattern: &str|
     -> Fallible<Dynamic> {
        let found = ready(pattern, text)?
            .find(text)
            .map(|found| found.as_str().into());
        Ok(found.unwrap_or(Dynamic::UNIT))
    });
    define!(module, "regex_find_all", |text: &str, pattern: &str| {
        let regex = ready(pattern, text)?;
        all(regex.find_iter(text).map(|found| found.as_str().into()))
    });
    define!(module, "regex_captures", |text: &str,
                                       pattern: &str|
     -> Fallible<Dynamic> {
        let regex = ready(pattern, text)?;
        Ok(regex
            .captures(text)
            .map_or(Dynamic::UNIT, |captures| groups(&regex, &captures).into()))
    });
    define!(module, "regex_captures_all", |text: &str, pattern: &str| {
        let regex = ready(pattern, text)?;
        all(regex
            .captures_iter(text)
            .map(|captures| groups(&regex, &captures).into()))
    });
    define!(
        module,
        "regex_replace",
        |text: &str, pattern: &str, with: &str| { replace(text, pattern, with) }
    );
    define!(module, "regex_split", |text: &str, pattern: &str| {
        let regex = ready(pattern, text)?;
        all(regex.split(text).map(|piece| piece.into()))
    });
    define!(module, "regex_escape", |text: &str| regex::escape(text));
    define!(module, "regex_count", |text: &str,
                                    pattern: &str|
     -> Fallible<INT> {
        let regex = ready(pattern, text)?;
        Ok(INT::try_from(regex.find_iter(text).count()).unwrap_or(INT::MAX))
    });
}

/// The documentation. In examples a pattern stands between backticks, where `\` needs no doubling.
pub(super) const FUNCTIONS: &[Function] = documented! { Pattern;
    "matches" "matches(text, pattern) -> bool", "Whether the pattern occurs in the text. Anchor it with ^ and $ to match all of it, start it with (?i) to ignore case.", "\"DE-4711\".matches(`^[A-Z]{2}-\\d+$`)" => "true";
    "regex_find" "regex_find(text, pattern) -> text or ()", "The first match.", "\"call 555-0199 now\".regex_find(`\\d{3}-\\d{4}`)" => r#""555-0199""#;
    "regex_find_all" "regex_find_all(text, pattern) -> list", "All matches.", "\"a1 b22\".regex_find_all(`\\d+`)" => r#"["1","22"]"#;
    "regex_captures" "regex_captures(text, pattern) -> map or ()", "The groups of the first match, by number and by name.", "\"2026-03\".regex_captures(`(?<year>\\d+)-(\\d+)`)" => r#"{"0":"2026-03","1":"2026","2":"03","year":"2026"}"#;
    "regex_captures_all" "regex_captures_all(text, pattern) -> list of maps", "The groups of all matches.", "\"a=1,b=2\".regex_captures_all(`(\\w)=(\\d)`).pluck(\"2\")" => r#"["1","2"]"#;
    "regex_replace" "regex_replace(text, pattern, with) -> text", "Replaces all matches; $1 or ${name} stands for a group, $$ for a dollar.", "\"Lovelace, Ada\".regex_replace(`(\\w+), (\\w+)`, `$2 $1`)" => r#""Ada Lovelace""#;
    "regex_split" "regex_split(text, pattern) -> list", "The pieces between matches.", "\"a, b;c\".regex_split(`[,;]\\s*`)" => r#"["a","b","c"]"#;
    "regex_escape" "regex_escape(text) -> text", "The text as a pattern that matches just it.", "regex_escape(\"1.5\")" => r#""1\\.5""#;
    "regex_count" "regex_count(text, pattern) -> number", "How often the pattern occurs.", "\"banana\".regex_count(\"an\")" => "2";
};
