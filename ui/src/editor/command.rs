//! Commands: all that a person can do in the editor besides drawing by hand, each with its words, its icon and its keys.
//!
//! The toolbar, the menus, Ctrl+K and the list under `?` are made of these; no key and no word stands twice.

use crate::{kit::icon::Icon, texts::Texts};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    Add,
    Connect,
    Duplicate,
    Delete,
    Disable,
    Rename,
    Copy,
    Cut,
    Paste,
    Undo,
    Redo,
    SelectAll,
    SelectNone,
    Inspect,
    OpenBody,
    Leave,
    Pin,
    NextProblem,
    Tidy,
    Fit,
    Actual,
    ZoomIn,
    ZoomOut,
    Palette,
    Minimap,
    Save,
    Try,
    Publish,
    Search,
    Help,
}

/// The headings of the list under `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chapter {
    Draw,
    View,
    Flow,
}

/// From where the keys of a command are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// From the drawing only: a letter, or a key that takes something away, must not act on what nobody looks at.
    Drawing,
    /// From everywhere but texts.
    Page,
    /// From texts, too.
    Texts,
}

/// Keys that are pressed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chord {
    /// What the browser calls the key, letters in lower case.
    pub(crate) key: &'static str,
    /// With Ctrl, or ⌘ on a Mac.
    pub(crate) ctrl: bool,
    /// Whether Shift is held; none where the layout of the keyboard decides whether the key needs it.
    shift: Option<bool>,
}

const fn plain(key: &'static str) -> Chord {
    Chord {
        key,
        ctrl: false,
        shift: Some(false),
    }
}

const fn any_shift(key: &'static str) -> Chord {
    Chord {
        shift: None,
        ..plain(key)
    }
}

const fn ctrl(key: &'static str) -> Chord {
    Chord {
        ctrl: true,
        ..plain(key)
    }
}

const fn ctrl_shift(key: &'static str) -> Chord {
    Chord {
        shift: Some(true),
        ..ctrl(key)
    }
}

/// What a press of a key was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Press<'a> {
    /// What the key gives on this layout.
    pub(crate) key: &'a str,
    /// Where the key is, whatever it gives.
    pub(crate) code: &'a str,
    /// Ctrl, or ⌘ on a Mac.
    pub(crate) ctrl: bool,
    pub(crate) shift: bool,
    pub(crate) alt: bool,
}

/// What decides which commands make sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Situation {
    pub(crate) cards: usize,
    pub(crate) chosen_cards: usize,
    pub(crate) chosen_links: usize,
    pub(crate) undoable: bool,
    pub(crate) redoable: bool,
    pub(crate) problems: usize,
    /// Whether one step is chosen whose output is known from the sample, or is pinned.
    pub(crate) pinnable: bool,
    /// Whether one step is chosen that has an inside to be drawn.
    pub(crate) holds: bool,
    /// Whether the body of a step is drawn.
    pub(crate) inside: bool,
}

impl Command {
    /// All commands, in the order of the lists.
    pub(crate) const ALL: [Command; 30] = [
        Command::Add,
        Command::Connect,
        Command::Duplicate,
        Command::Delete,
        Command::Disable,
        Command::Rename,
        Command::Copy,
        Command::Cut,
        Command::Paste,
        Command::Undo,
        Command::Redo,
        Command::SelectAll,
        Command::SelectNone,
        Command::Pin,
        Command::Inspect,
        Command::OpenBody,
        Command::Leave,
        Command::NextProblem,
        Command::Tidy,
        Command::Fit,
        Command::Actual,
        Command::ZoomIn,
        Command::ZoomOut,
        Command::Palette,
        Command::Minimap,
        Command::Save,
        Command::Try,
        Command::Publish,
        Command::Search,
        Command::Help,
    ];

    /// The command of a press, if it is one's.
    pub(crate) fn of_press(press: &Press<'_>) -> Option<Self> {
        Command::ALL
            .into_iter()
            .find(|command| command.chords().iter().any(|chord| chord.is(press)))
    }

    /// The keys that do it. The first one is shown.
    pub(crate) fn chords(self) -> &'static [Chord] {
        match self {
            Command::Add => const { &[plain("a")] },
            Command::Connect => const { &[plain("l")] },
            Command::Duplicate => const { &[ctrl("d")] },
            Command::Delete => const { &[plain("Delete"), plain("Backspace")] },
            Command::Disable => const { &[plain("d")] },
            Command::Rename => const { &[plain("F2")] },
            Command::Copy => const { &[ctrl("c")] },
            Command::Cut => const { &[ctrl("x")] },
            Command::Paste => const { &[ctrl("v")] },
            Command::Undo => const { &[ctrl("z")] },
            Command::Redo => const { &[ctrl_shift("z"), ctrl("y")] },
            Command::SelectAll => const { &[ctrl("a")] },
            Command::SelectNone => const { &[plain("Escape")] },
            Command::Pin => const { &[plain("p")] },
            Command::Inspect => const { &[plain("i")] },
            Command::OpenBody => const { &[plain("o")] },
            Command::Leave => const { &[plain("u")] },
            Command::NextProblem => const { &[plain("n"), plain("F8")] },
            Command::Tidy => const { &[plain("t")] },
            Command::Fit => const { &[plain("0"), plain("f")] },
            Command::Actual => const { &[plain("1")] },
            Command::ZoomIn => const { &[any_shift("+"), plain("=")] },
            Command::ZoomOut => const { &[plain("-")] },
            Command::Palette => const { &[plain("b")] },
            Command::Minimap => const { &[plain("m")] },
            Command::Save => const { &[ctrl("s")] },
            Command::Try => const { &[ctrl("Enter")] },
            Command::Publish => const { &[ctrl_shift("Enter")] },
            Command::Search => const { &[ctrl("k")] },
            Command::Help => const { &[any_shift("?"), plain("F1")] },
        }
    }

    /// From where its keys are heard.
    pub(crate) fn reach(self) -> Reach {
        match self {
            Command::Save | Command::Try | Command::Publish | Command::Search => Reach::Texts,
            Command::Undo | Command::Redo | Command::Help => Reach::Page,
            _ => Reach::Drawing,
        }
    }

    /// Whether the browser's own clipboard events do it, so that its key is left to the browser.
    pub(crate) fn is_clipboard(self) -> bool {
        matches!(self, Command::Copy | Command::Cut | Command::Paste)
    }

    /// Whether it makes sense now.
    pub(crate) fn makes_sense(self, now: &Situation) -> bool {
        let chosen = now.chosen_cards + now.chosen_links > 0;
        match self {
            Command::Connect | Command::Rename | Command::Inspect => now.chosen_cards == 1,
            Command::Duplicate | Command::Copy | Command::Cut => now.chosen_cards > 0,
            Command::Disable => now.chosen_cards > 0,
            Command::Pin => now.pinnable,
            Command::OpenBody => now.holds,
            Command::Leave => now.inside,
            Command::Delete | Command::SelectNone => chosen,
            Command::Undo => now.undoable,
            Command::Redo => now.redoable,
            Command::SelectAll | Command::Tidy | Command::Fit => now.cards > 0,
            Command::NextProblem => now.problems > 0,
            _ => true,
        }
    }

    /// Its words.
    pub(crate) fn words(self, t: &Texts) -> &'static str {
        match self {
            Command::Add => t.command_add,
            Command::Connect => t.command_connect,
            Command::Duplicate => t.command_duplicate,
            Command::Delete => t.command_delete,
            Command::Disable => t.command_disable,
            Command::Rename => t.command_rename,
            Command::Copy => t.command_copy,
            Command::Cut => t.command_cut,
            Command::Paste => t.command_paste,
            Command::Undo => t.command_undo,
            Command::Redo => t.command_redo,
            Command::SelectAll => t.command_select_all,
            Command::SelectNone => t.command_select_none,
            Command::Pin => t.command_pin,
            Command::Inspect => t.command_inspect,
            Command::OpenBody => t.command_open_body,
            Command::Leave => t.command_leave,
            Command::NextProblem => t.command_next_problem,
            Command::Tidy => t.command_tidy,
            Command::Fit => t.command_fit,
            Command::Actual => t.command_actual,
            Command::ZoomIn => t.command_zoom_in,
            Command::ZoomOut => t.command_zoom_out,
            Command::Palette => t.command_palette,
            Command::Minimap => t.command_minimap,
            Command::Save => t.command_save,
            Command::Try => t.command_try,
            Command::Publish => t.command_publish,
            Command::Search => t.command_search,
            Command::Help => t.command_help,
        }
    }

    /// Other words that it is found by.
    pub(crate) fn also(self, t: &Texts) -> &'static str {
        match self {
            Command::Add => t.also_add,
            Command::Connect => t.also_connect,
            Command::Copy => t.also_copy,
            Command::Delete => t.also_delete,
            Command::Disable => t.also_disable,
            Command::OpenBody | Command::Leave => t.also_body,
            Command::Pin => t.also_pin,
            Command::NextProblem => t.also_next_problem,
            Command::Tidy => t.also_tidy,
            Command::Fit | Command::Actual => t.also_fit,
            Command::Try => t.also_try,
            Command::Help => t.also_help,
            _ => "",
        }
    }

    /// Its icon.
    pub(crate) fn icon(self) -> Icon {
        match self {
            Command::Add => Icon::Plus,
            Command::Connect => Icon::Spline,
            Command::Duplicate => Icon::CopyPlus,
            Command::Delete => Icon::Trash2,
            Command::Disable => Icon::Power,
            Command::Rename => Icon::Pencil,
            Command::Inspect => Icon::SlidersHorizontal,
            Command::OpenBody => Icon::LogIn,
            Command::Leave => Icon::ArrowUp,
            Command::Pin => Icon::Pin,
            Command::Copy => Icon::Copy,
            Command::Cut => Icon::Scissors,
            Command::Paste => Icon::ClipboardPaste,
            Command::Undo => Icon::Undo2,
            Command::Redo => Icon::Redo2,
            Command::SelectAll => Icon::SquareDashed,
            Command::SelectNone => Icon::X,
            Command::NextProblem => Icon::TriangleAlert,
            Command::Tidy => Icon::WandSparkles,
            Command::Fit => Icon::Maximize,
            Command::Actual => Icon::Scan,
            Command::Palette => Icon::PanelLeft,
            Command::Minimap => Icon::Map,
            Command::ZoomIn => Icon::ZoomIn,
            Command::ZoomOut => Icon::ZoomOut,
            Command::Save => Icon::Save,
            Command::Try => Icon::Play,
            Command::Publish => Icon::Rocket,
            Command::Search => Icon::Search,
            Command::Help => Icon::Keyboard,
        }
    }

    /// Under which heading it is listed.
    pub(crate) fn chapter(self) -> Chapter {
        match self {
            Command::Tidy
            | Command::Palette
            | Command::Minimap
            | Command::Fit
            | Command::Actual
            | Command::ZoomIn
            | Command::ZoomOut
            | Command::Inspect
            | Command::OpenBody
            | Command::Leave
            | Command::NextProblem => Chapter::View,
            Command::Save | Command::Try | Command::Publish | Command::Search | Command::Help => {
                Chapter::Flow
            }
            _ => Chapter::Draw,
        }
    }
}

impl Chord {
    fn is(&self, press: &Press<'_>) -> bool {
        // Where letters are not Latin ones, the place of the key tells which is meant.
        let foreign = !press.key.is_ascii() && press.key.chars().count() == 1;
        let key = match press.code.strip_prefix("Key") {
            Some(letter) if foreign => letter,
            _ => press.key,
        };
        let same = match self.key.len() {
            1 => self.key.eq_ignore_ascii_case(key),
            _ => self.key == key,
        };
        same && self.ctrl == press.ctrl
            && !press.alt
            && self.shift.is_none_or(|shift| shift == press.shift)
    }

    /// How the keys are written on this kind of machine.
    pub(crate) fn words(&self, t: &Texts, mac: bool) -> String {
        let key = match self.key {
            "Delete" => t.chord_delete.to_owned(),
            "Backspace" => "⌫".to_owned(),
            "Enter" => t.chord_enter.to_owned(),
            "Escape" => "Esc".to_owned(),
            key if key.len() == 1 => key.to_uppercase(),
            key => key.to_owned(),
        };
        let mut words = String::new();
        if self.ctrl {
            words.push_str(if mac { "⌘" } else { t.chord_ctrl });
        }
        if self.shift == Some(true) {
            words.push_str(if mac { "⇧" } else { t.chord_shift });
        }
        words.push_str(&key);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::{ENGLISH, GERMAN};

    fn press(key: &str, ctrl: bool, shift: bool) -> Option<Command> {
        Command::of_press(&Press {
            key,
            code: "",
            ctrl,
            shift,
            alt: false,
        })
    }

    #[test]
    fn presses_find_their_commands() {
        for (key, ctrl, shift, command) in [
            ("z", true, false, Some(Command::Undo)),
            ("Z", true, true, Some(Command::Redo)),
            ("y", true, false, Some(Command::Redo)),
            // A caps lock is no Shift.
            ("A", false, false, Some(Command::Add)),
            ("a", true, false, Some(Command::SelectAll)),
            // `?` is on another key on each layout, and most need Shift for it.
            ("?", false, true, Some(Command::Help)),
            ("?", false, false, Some(Command::Help)),
            ("+", false, true, Some(Command::ZoomIn)),
            ("+", false, false, Some(Command::ZoomIn)),
            ("Backspace", false, false, Some(Command::Delete)),
            ("q", false, false, None),
            ("z", false, false, None),
        ] {
            assert_eq!(press(key, ctrl, shift), command, "{key}");
        }
        // AltGr is Ctrl and Alt for some browsers, and gives letters that are a text's.
        let with_alt = Press {
            key: "a",
            code: "KeyA",
            ctrl: true,
            shift: false,
            alt: true,
        };
        assert_eq!(Command::of_press(&with_alt), None);
    }

    #[test]
    fn the_layout_of_the_keyboard_decides() {
        let press = |key, code| {
            Command::of_press(&Press {
                key,
                code,
                ctrl: true,
                shift: false,
                alt: false,
            })
        };
        // On German keyboards Z is where Y is on others.
        assert_eq!(press("z", "KeyY"), Some(Command::Undo));
        assert_eq!(press("y", "KeyZ"), Some(Command::Redo));
        // A keyboard that writes Cyrillic or Greek letters.
        assert_eq!(press("я", "KeyZ"), Some(Command::Undo));
        assert_eq!(press("ζ", "KeyZ"), Some(Command::Undo));
        // A letter of a Latin layout that no command has.
        assert_eq!(press("ö", "Semicolon"), None);
    }

    #[test]
    fn what_takes_something_away_is_heard_from_the_drawing_only() {
        for command in [Command::Delete, Command::Cut, Command::Disable] {
            assert_eq!(command.reach(), Reach::Drawing, "{command:?}");
        }
        // A text swallows every key that could be its own.
        for command in Command::ALL {
            let letters = command.chords().iter().any(|chord| !chord.ctrl);
            assert!(!letters || command.reach() < Reach::Texts, "{command:?}");
        }
        assert_eq!(Command::Undo.reach(), Reach::Page);
    }

    #[test]
    fn each_command_stands_once_in_the_list_and_has_keys_and_words() {
        for (index, command) in Command::ALL.into_iter().enumerate() {
            assert!(!Command::ALL[..index].contains(&command), "{command:?}");
            assert!(!command.chords().is_empty(), "{command:?}");
            for t in [&ENGLISH, &GERMAN] {
                let same = |other: &Command| other.words(t) == command.words(t);
                assert_eq!(Command::ALL.iter().filter(|other| same(other)).count(), 1);
            }
        }
    }

    #[test]
    fn no_keys_do_two_things() {
        for command in Command::ALL {
            for chord in command.chords() {
                let press = Press {
                    key: chord.key,
                    code: "",
                    ctrl: chord.ctrl,
                    shift: chord.shift.unwrap_or_default(),
                    alt: false,
                };
                assert_eq!(Command::of_press(&press), Some(command), "{chord:?}");
            }
        }
    }

    #[test]
    fn keys_are_written_as_people_know_them() {
        let redo = Command::Redo.chords()[0];
        assert_eq!(redo.words(&ENGLISH, false), "Ctrl+Shift+Z");
        assert_eq!(redo.words(&GERMAN, false), "Strg+Umschalt+Z");
        assert_eq!(redo.words(&ENGLISH, true), "⌘⇧Z");
        assert_eq!(Command::Delete.chords()[0].words(&GERMAN, false), "Entf");
    }

    #[test]
    fn an_empty_drawing_offers_little() {
        let empty = Situation::default();
        for (command, sense) in [
            (Command::Add, true),
            (Command::Paste, true),
            (Command::Delete, false),
            (Command::Undo, false),
            (Command::Tidy, false),
            (Command::OpenBody, false),
            (Command::Leave, false),
        ] {
            assert_eq!(command.makes_sense(&empty), sense, "{command:?}");
        }
        let link = Situation {
            cards: 2,
            chosen_links: 1,
            ..empty
        };
        assert!(Command::Delete.makes_sense(&link) && !Command::Copy.makes_sense(&link));
    }
}
