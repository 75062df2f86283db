//! The marks: how many problems each card has, out of what the check found.

use leptos::prelude::*;
use weir_flows::problem::Problem;

use super::hands::Pen;
use crate::texts::{count, problem_sentence, texts};

/// How many problems are read out in full.
const READ: usize = 4;

/// The problems of one card.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Marks {
    pub(super) errors: usize,
    pub(super) warnings: usize,
    /// What the first of them say, one a line.
    pub(super) text: String,
}

impl Marks {
    /// In words, if there are any.
    pub(super) fn spoken(&self) -> Option<String> {
        let t = texts();
        match (self.errors, self.warnings) {
            (0, 0) => None,
            (0, n) => Some(count(n as u64, t.canvas_warning, t.canvas_warnings)),
            (n, _) => Some(count(n as u64, t.canvas_error, t.canvas_errors)),
        }
    }
}

/// The marks of a card; none where the drawing is only read.
pub(super) fn marks_of(pen: Option<Pen>, id: String) -> Memo<Marks> {
    Memo::new(move |_| match pen {
        Some(pen) => pen.desk.problems.with(|problems| marks(problems, &id)),
        None => Marks::default(),
    })
}

/// The marks of a card out of all problems. The errors are told first.
fn marks(problems: &[Problem], id: &str) -> Marks {
    let own = problems
        .iter()
        .filter(|problem| card_of(&problem.at) == Some(id));
    let mut own: Vec<&Problem> = own.collect();
    own.sort_by_key(|problem| problem.severity);
    let errors = own.iter().filter(|problem| problem.is_error()).count();
    let said: Vec<String> = own
        .iter()
        .take(READ)
        .map(|problem| problem_sentence(problem))
        .collect();
    Marks {
        errors,
        warnings: own.len() - errors,
        text: said.join("\n"),
    }
}

/// The card that a place of the document belongs to. Ids are slugs, so nothing in them is escaped.
pub(super) fn card_of(pointer: &str) -> Option<&str> {
    let mut segments = pointer.split('/').skip(1);
    match segments.next()? {
        "steps" | "triggers" => segments.next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_counted_for_their_card() {
        let problems = [
            Problem::warning("/steps/a/config/url", "w", "Look here."),
            Problem::error("/steps/a", "e", "Wrong."),
            Problem::error("/steps/ab/config", "e", "Wrong too."),
            Problem::error("/links/0", "e", "Wrong as well."),
            Problem::error("/triggers/t", "e", "No."),
        ];
        let marks_a = marks(&problems, "a");
        assert_eq!((marks_a.errors, marks_a.warnings), (1, 1));
        assert_eq!(marks_a.text, "Wrong.\nLook here.");
        assert_eq!(marks(&problems, "t").errors, 1);
        assert_eq!(marks(&problems, "links"), Marks::default());
    }
}
