//! Going through the buttons of a menu or a toolbar by keyboard, one of which is in the order of Tab.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// A step among some entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    First,
    Last,
    Next,
    Before,
    /// To the next entry whose words begin with this.
    Letter(char),
}

impl Step {
    /// The index that a step leads to. `now` is the entry that has the keyboard, `words` what the entries are called.
    pub(super) fn lead(self, now: Option<usize>, words: &[String]) -> Option<usize> {
        let count = words.len();
        if count == 0 {
            return None;
        }
        Some(match (self, now) {
            (Step::First, _) | (Step::Next, None) => 0,
            (Step::Last, _) | (Step::Before, None) => count - 1,
            (Step::Next, Some(now)) => (now + 1) % count,
            (Step::Before, Some(now)) => (now + count - 1) % count,
            (Step::Letter(letter), now) => {
                let first = now.map_or(0, |now| now + 1);
                let letter = letter.to_lowercase().next();
                let begins = |index: &usize| {
                    let begin = words[*index].chars().flat_map(char::to_lowercase).next();
                    begin == letter
                };
                return (0..count).map(|off| (first + off) % count).find(begins);
            }
        })
    }
}

/// Goes to another entry: those within `list` that `selector` finds.
pub(super) fn go(list: &Element, selector: &str, step: Step) {
    let Ok(found) = list.query_selector_all(selector) else {
        return;
    };
    let entries: Vec<HtmlElement> = (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into().ok())
        .collect();
    let active = document().active_element();
    let now = entries
        .iter()
        .position(|entry| active.as_ref() == Some(entry.as_ref()));
    let words: Vec<String> = entries
        .iter()
        .map(|entry| entry.text_content().unwrap_or_default().trim().to_owned())
        .collect();
    if let Some(index) = step.lead(now, &words) {
        for (at, entry) in entries.iter().enumerate() {
            entry.set_tab_index(if at == index { 0 } else { -1 });
        }
        let _ = entries[index].focus();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_around() {
        let words = ["Copy", "Cut", "Delete"].map(String::from);
        for (step, now, to) in [
            (Step::Next, None, Some(0)),
            (Step::Next, Some(2), Some(0)),
            (Step::Before, Some(0), Some(2)),
            (Step::Before, None, Some(2)),
            (Step::First, Some(1), Some(0)),
            (Step::Last, Some(1), Some(2)),
            (Step::Letter('c'), None, Some(0)),
            (Step::Letter('C'), Some(0), Some(1)),
            (Step::Letter('c'), Some(1), Some(0)),
            (Step::Letter('d'), Some(0), Some(2)),
            (Step::Letter('x'), Some(0), None),
        ] {
            assert_eq!(step.lead(now, &words), to, "{step:?} from {now:?}");
        }
        assert_eq!(Step::Next.lead(None, &[]), None);
    }
}
