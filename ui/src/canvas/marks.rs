//! The marks: how many problems each card has, out of what the check found.

use leptos::prelude::*;
use weir_flows::{document::Slug, problem::Problem};

use super::hands::Pen;
use crate::{
    edit::body,
    texts::{count, problem_sentence, texts},
};

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
        Some(pen) => {
            let places = pen.desk.within.with(|way| places_of(way, &id));
            pen.desk.problems.with(|problems| marks(problems, &places))
        }
        None => Marks::default(),
    })
}

/// The marks of a card, at one of its places, out of all problems: those inside of it count as well. The errors are told first.
fn marks(problems: &[Problem], places: &[String]) -> Marks {
    let own = problems.iter().filter(|problem| is_at(problem, places));
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

/// The places of a card in the document, as a step or as a trigger. Ids are slugs, so nothing in them is escaped.
pub(crate) fn places_of(way: &[Slug], id: &str) -> [String; 2] {
    let around = body::place(way);
    ["steps", "triggers"].map(|part| format!("{around}/{part}/{id}"))
}

/// Whether a problem is about what stands at one of these places, or in it.
pub(crate) fn is_at(problem: &Problem, places: &[String]) -> bool {
    places.iter().any(|place| {
        let rest = problem.at.strip_prefix(place.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
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
        let marks = |id: &str| marks(&problems, &places_of(&[], id));
        let marks_a = marks("a");
        assert_eq!((marks_a.errors, marks_a.warnings), (1, 1));
        assert_eq!(marks_a.text, "Wrong.\nLook here.");
        assert_eq!(marks("t").errors, 1);
        assert_eq!(marks("links"), Marks::default());
    }

    #[test]
    fn a_card_in_a_body_has_its_own_and_the_card_around_it_counts_them() {
        let problems = [
            Problem::error("/steps/lines/config/body/steps/a/config/url", "e", "Wrong."),
            Problem::warning("/steps/lines/config/body/links/0", "w", "Look here."),
            Problem::error("/steps/a", "e", "Another."),
        ];
        let way = ["lines".to_owned()];
        let inner = marks(&problems, &places_of(&way, "a"));
        assert_eq!((inner.errors, inner.warnings), (1, 0));
        let around = marks(&problems, &places_of(&[], "lines"));
        assert_eq!((around.errors, around.warnings), (1, 1));
    }
}
