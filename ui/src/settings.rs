//! What a person chose for this browser: language, colours and the width of the navigation. Kept in its local storage.

use leptos::prelude::*;

use crate::texts::{self, Language};

const LANGUAGE: &str = "weir.language";
const THEME: &str = "weir.theme";
const NARROW: &str = "weir.narrow";
const PALETTE: &str = "weir.palette";
const MAP: &str = "weir.map";
const NAME: &str = "weir.name";

/// Light or dark, or what the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    /// The word in the storage and on the `html` element.
    fn word(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::System,
        }
    }

    /// What the switch gives next.
    pub(crate) fn next(self) -> Self {
        match self {
            Theme::System => Theme::Light,
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::System,
        }
    }
}

/// The choices as signals; every part of the page gets them from the context.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) language: RwSignal<Language>,
    pub(crate) theme: RwSignal<Theme>,
    /// Whether the navigation shows icons only.
    pub(crate) narrow: RwSignal<bool>,
}

impl Settings {
    /// Reads the choices, and keeps the page and the storage in step with them.
    pub(crate) fn provide() -> Self {
        let settings = Settings {
            language: RwSignal::new(stored_language()),
            theme: RwSignal::new(Theme::from_word(&load(THEME).unwrap_or_default())),
            narrow: RwSignal::new(load(NARROW).map_or_else(is_small, |word| word == "yes")),
        };
        texts::switch(settings.language.get_untracked());
        show("lang", settings.language.get_untracked().code());
        show("data-theme", settings.theme.get_untracked().word());
        provide_context(settings);
        settings
    }

    /// Switches the language of the whole page.
    pub(crate) fn speak(self, language: Language) {
        save(LANGUAGE, language.code());
        show("lang", language.code());
        texts::switch(language);
        self.language.set(language);
    }

    /// Switches the colours.
    pub(crate) fn paint(self, theme: Theme) {
        save(THEME, theme.word());
        show("data-theme", theme.word());
        self.theme.set(theme);
    }

    /// Whether the palette is open when an editor opens: as it was left, at first only where there is room for it.
    pub(crate) fn palette(self) -> bool {
        load(PALETTE).map_or_else(|| !is_smaller_than(1600.0), |word| word == "open")
    }

    /// Keeps in mind whether the palette is open.
    pub(crate) fn remember_palette(self, open: bool) {
        save(PALETTE, if open { "open" } else { "closed" });
    }

    /// Whether drawings that do not fit into their window have a map.
    pub(crate) fn map(self) -> bool {
        load(MAP).is_none_or(|word| word != "hidden")
    }

    /// Keeps in mind whether the map is shown.
    pub(crate) fn remember_map(self, shown: bool) {
        save(MAP, if shown { "shown" } else { "hidden" });
    }

    /// The name that a person signs with; empty at first.
    pub(crate) fn name(self) -> String {
        load(NAME).unwrap_or_default()
    }

    /// Keeps the name that a person signs with.
    pub(crate) fn remember_name(self, name: &str) {
        save(NAME, name);
    }

    /// Makes the navigation narrow or wide.
    pub(crate) fn fold(self, narrow: bool) {
        save(NARROW, if narrow { "yes" } else { "no" });
        self.narrow.set(narrow);
    }
}

/// The settings of this page.
pub(crate) fn settings() -> Settings {
    expect_context::<Settings>()
}

/// Whether the window is so small that the drawing needs the room of the navigation.
fn is_small() -> bool {
    is_smaller_than(1440.0)
}

/// Whether the window is narrower than so many pixels.
pub(crate) fn is_smaller_than(limit: f64) -> bool {
    let width = window().inner_width().ok().and_then(|width| width.as_f64());
    width.is_some_and(|width| width < limit)
}

fn stored_language() -> Language {
    let spoken = window().navigator().language().unwrap_or_default();
    Language::best(&load(LANGUAGE).unwrap_or(spoken))
}

/// What is kept under a key in this browser.
pub(crate) fn load(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Keeps a word under a key in this browser.
pub(crate) fn save(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // A full or forbidden storage only means that the choice is forgotten with the page.
        let _ = storage.set_item(key, value);
    }
}

fn show(attribute: &str, value: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(attribute, value);
    }
}
