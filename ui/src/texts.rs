//! Every text of the page in English and German, from one catalogue; `texts()` gives those of the chosen language.

mod catalogue;
mod problems;

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use catalogue::{ENGLISH, GERMAN, Texts};
pub(crate) use problems::problem_sentence;

/// A language the page speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    English,
    German,
}

impl Language {
    /// The BCP 47 tag.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
        }
    }

    /// The language for a tag such as `de-AT`; English where the page does not speak it.
    pub(crate) fn best(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") {
            Language::German
        } else {
            Language::English
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Language::English => Language::German,
            Language::German => Language::English,
        }
    }
}

/// Whether the page speaks German. The page is one thread; the whole page is drawn anew when this changes.
static SPEAKS_GERMAN: AtomicBool = AtomicBool::new(false);

/// Makes `texts` speak another language from now on.
pub(crate) fn switch(language: Language) {
    SPEAKS_GERMAN.store(language == Language::German, Ordering::Relaxed);
}

/// The chosen language.
pub(crate) fn language() -> Language {
    if SPEAKS_GERMAN.load(Ordering::Relaxed) {
        Language::German
    } else {
        Language::English
    }
}

/// The texts of the chosen language.
pub(crate) fn texts() -> &'static Texts {
    match language() {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
    }
}

/// Puts values into the places of a text: `{name}`.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = text.to_owned();
    for (name, value) in values {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    filled
}

/// The singular or the plural of a text, with `{n}` filled in.
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    fill(if n == 1 { one } else { many }, &[("n", &n.to_string())])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn languages_are_found_by_their_tag() {
        for (tag, language) in [
            ("de", Language::German),
            ("de-AT", Language::German),
            ("DE_ch", Language::German),
            ("en-GB", Language::English),
            ("fr", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::best(tag), language, "{tag}");
        }
    }

    #[test]
    fn both_languages_have_the_same_places() {
        fn places(text: &str) -> BTreeSet<&str> {
            text.split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}'))
                .map(|(name, _)| name)
                .collect()
        }
        for ((name, english), (_, german)) in ENGLISH.all().into_iter().zip(GERMAN.all()) {
            assert!(!english.is_empty() && !german.is_empty(), "{name} is empty");
            assert_eq!(places(english), places(german), "{name}");
        }
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(fill("{a} of {b}", &[("a", "1"), ("b", "2")]), "1 of 2");
        assert_eq!(count(1, "{n} step", "{n} steps"), "1 step");
        assert_eq!(count(2, "{n} step", "{n} steps"), "2 steps");
    }
}
