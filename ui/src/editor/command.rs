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
    Inspect,
    NextProblem,
    Tidy,
    Fit,
    Actual,
    ZoomIn,
    ZoomOut,
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
    pub(crate) key: &'a str,
    pub(crate) ctrl: bool,
    pub(crate) shift: bool,
    pub(crate) alt: bool,
}

/// What decides which commands make sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Situation {
    pub(crate) cards: usize,
    pub(crate) chosen_cards: usize,
    pub(crate) chosen_steps: usize,
    pub(crate) chosen_links: usize,
    pub(crate) undoable: bool,
    pub(crate) redoable: bool,
    pub(crate) problems: usize,
}

impl Command {
    /// All commands, in the order of the lists.
    pub(crate) const ALL: [Command; 24] = [
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
        Command::Inspect,
        Command::NextProblem,
        Command::Tidy,
        Command::Fit,
        Command::Actual,
        Command::ZoomIn,
        Command::ZoomOut,
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
            Command::Inspect => const { &[plain("i")] },
            Command::NextProblem => const { &[plain("p")] },
            Command::Tidy => const { &[plain("t")] },
            Command::Fit => const { &[plain("0"), plain("f")] },
            Command::Actual => const { &[plain("1")] },
            Command::ZoomIn => const { &[any_shift("+"), plain("=")] },
            Command::ZoomOut => const { &[plain("-")] },
            Command::Save => const { &[ctrl("s")] },
            Command::Try => const { &[ctrl("Enter")] },
            Command::Publish => const { &[ctrl_shift("p")] },
            Command::Search => const { &[ctrl("k")] },
            Command::Help => const { &[any_shift("?"), plain("F1")] },
        }
    }

    /// Whether it works while a text is being typed, too.
    pub(crate) fn works_while_typing(self) -> bool {
        matches!(
            self,
            Command::Save | Command::Try | Command::Publish | Command::Search
        )
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
            Command::Delete => chosen,
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
            Command::Inspect => t.command_inspect,
            Command::NextProblem => t.command_next_problem,
            Command::Tidy => t.command_tidy,
            Command::Fit => t.command_fit,
            Command::Actual => t.command_actual,
            Command::ZoomIn => t.command_zoom_in,
            Command::ZoomOut => t.command_zoom_out,
            Command::Save => t.command_save,
            Command::Try => t.command_try,
            Command::Publish => t.command_publish,
            Command::Search => t.command_search,
            Command::Help => t.command_help,
        }
    }

    /// Its icon.
    pub(crate) fn icon(self) -> Icon {
        match self {
            Command::Add => Icon::Plus,
            Command::Connect => Icon::Spline,
            Command::Duplicate => Icon::CopyPlus,
            Command::Delete => Icon::Trash2,
            Command::Disable => Icon::Ban,
            Command::Rename | Command::Inspect => Icon::Pencil,
            Command::Copy => Icon::Copy,
            Command::Cut => Icon::Scissors,
            Command::Paste => Icon::ClipboardPaste,
            Command::Undo => Icon::Undo2,
            Command::Redo => Icon::Redo2,
            Command::SelectAll => Icon::SquareDashed,
            Command::NextProblem => Icon::TriangleAlert,
            Command::Tidy => Icon::WandSparkles,
            Command::Fit | Command::Actual => Icon::Maximize,
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
            Command::SelectAll
            | Command::Tidy
            | Command::Fit
            | Command::Actual
            | Command::ZoomIn
            | Command::ZoomOut
            | Command::Inspect
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
        let same = match self.key.len() {
            1 => self.key.eq_ignore_ascii_case(press.key),
            _ => self.key == press.key,
        };
        same && self.ctrl == press.ctrl
            && !press.alt
            && self.shift.is_none_or(|shift| shift == press.shift)
    }

    /// How the keys are written on this kind of machine.
    pub(crate) fn words(&self, t: &Texts, mac: bool) -> String {
        let key = match self.key {
            "Delete" => t.key_delete.to_owned(),
            "Backspace" => "⌫".to_owned(),
            "Enter" => "↵".to_owned(),
            key if key.len() == 1 => key.to_uppercase(),
            key => key.to_owned(),
        };
        let mut words = String::new();
        if self.ctrl {
            words.push_str(if mac { "⌘" } else { t.key_ctrl });
        }
        if self.shift == Some(true) {
            words.push_str(if mac { "⇧" } else { t.key_shift });
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
        let with_alt = Press {
            key: "a",
            ctrl: false,
            shift: false,
            alt: true,
        };
        assert_eq!(Command::of_press(&with_alt), None);
    }

    #[test]
    fn no_keys_do_two_things() {
        for command in Command::ALL {
            for chord in command.chords() {
                let press = Press {
                    key: chord.key,
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
