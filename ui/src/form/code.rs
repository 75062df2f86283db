//! Fields that hold code: scripts, conditions, expressions and JSON, each with what it gives below it.

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::problem::{Problem, Severity};

use super::{
    expression::has_expression,
    offers::completion_in,
    preview::{Computed, Outcome, computed},
    reading::{Spelling, Wrong, placeholder},
    slot::Slot,
    text::Draft,
};
use crate::{
    kit::{
        code::Tongue,
        code_editor::{CodeEditor, CodeProblem, CodeShape},
    },
    lab::Source,
    texts::texts,
};

/// What is computed from the text of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Computes {
    /// Nothing.
    Nothing,
    /// One expression.
    Expression,
    Script,
    /// True or false.
    Condition,
    /// A path into the input.
    Path,
    /// A literal with expressions inside of it.
    Template,
}

/// How a code field looks and what it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) spelling: Spelling,
    pub(crate) tongue: Tongue,
    pub(crate) computes: Computes,
    /// Whether it usually has several lines.
    pub(crate) tall: bool,
}

/// The editor of an expression that stands after a `=`.
pub(crate) fn expression(slot: &Slot) -> AnyView {
    code(
        slot,
        Look {
            spelling: Spelling::Expression,
            tongue: Tongue::Rhai,
            computes: Computes::Expression,
            tall: false,
        },
    )
}

/// The editor of a script or expression that is written without a `=`.
pub(crate) fn rhai(slot: &Slot, computes: Computes) -> AnyView {
    code(
        slot,
        Look {
            spelling: Spelling::Kind,
            tongue: Tongue::Rhai,
            computes,
            tall: computes == Computes::Script,
        },
    )
}

/// The editor of a script that calls out. It is not computed while a person types, since it would call each time.
pub(crate) fn calling(slot: &Slot) -> AnyView {
    let look = Look {
        spelling: Spelling::Kind,
        tongue: Tongue::Rhai,
        computes: Computes::Nothing,
        tall: true,
    };
    let editor = code(slot, look);
    view! { {editor} <p class="computed none">{texts().form_no_preview}</p> }.into_any()
}

/// The editor of JSON; a field for any value takes plain text as well.
pub(crate) fn json(slot: &Slot, tall: bool) -> AnyView {
    code(
        slot,
        Look {
            spelling: Spelling::Kind,
            tongue: Tongue::Json,
            computes: if slot.field.expression {
                Computes::Template
            } else {
                Computes::Nothing
            },
            tall,
        },
    )
}

/// A code field.
pub(crate) fn code(slot: &Slot, look: Look) -> AnyView {
    let draft = Draft::new(slot, look.spelling);
    let text = draft.text;
    let value = slot.value;
    let outcome = computed(
        slot.id.clone(),
        move || match look.computes {
            Computes::Template => value.with(|value| template(value.as_ref())),
            computes => text.with(|text| source(computes, text)),
        },
        slot.scope,
    );
    let (wrong, problems) = (slot.wrong, slot.problems);
    let marks = Memo::new(move |_| {
        wrong.with(|wrong| {
            outcome.with(|outcome| problems.with(|found| marks(wrong.as_ref(), outcome, found)))
        })
    });
    let (typed, left) = (draft.clone(), slot.clone());
    let gives = format!("{}-gives", slot.id);
    let desk = slot.desk;
    let shows = look.computes != Computes::Nothing;
    let label = slot.field.title.of(texts().language).to_owned();
    let rhai = look.tongue == Tongue::Rhai && look.computes != Computes::Path;
    let completion = if rhai {
        completion_in(slot)
    } else {
        Signal::default()
    };
    view! {
        <CodeEditor
            id=slot.id.clone()
            label
            tongue=look.tongue
            shape=if look.tall { CodeShape::Block } else { CodeShape::Line }
            value=text
            change=Callback::new(move |text| typed.type_in(text))
            left=Callback::new(move |()| left.commit())
            problems=marks
            completion
            placeholder=placeholder(texts(), &slot.field, look.spelling)
            described_by=format!("{} {gives}", slot.described_by())
        />
        {shows.then(|| view! { <Computed desk id=gives outcome path=look.computes == Computes::Path/> })}
    }
    .into_any()
}

/// What is underlined: what cannot be read, else what computing found, else what the check found.
fn marks(wrong: Option<&Wrong>, outcome: &Outcome, problems: &[Problem]) -> Vec<CodeProblem> {
    if let Some(Wrong::NotJson { line, column }) = wrong {
        return vec![CodeProblem {
            message: Wrong::said(
                &Wrong::NotJson {
                    line: *line,
                    column: *column,
                },
                texts(),
            ),
            line: *line,
            column: *column,
            severity: Severity::Error,
        }];
    }
    if let Outcome::Wrong(mistake) = outcome {
        // A mistake inside of a literal has its place in the expression there, not in the text of the field.
        let (line, column) = if mistake.at.is_empty() {
            (mistake.line, mistake.column)
        } else {
            (0, 0)
        };
        return vec![CodeProblem {
            message: mistake.message.clone(),
            line,
            column,
            severity: Severity::Error,
        }];
    }
    if matches!(outcome, Outcome::Gave(_)) {
        return Vec::new();
    }
    problems.iter().filter_map(placed).collect()
}

/// A finding of the check that says its line and column at its start.
fn placed(problem: &Problem) -> Option<CodeProblem> {
    let number = |text: &str, word: &str| text.strip_prefix(word)?.trim().parse::<usize>().ok();
    let (place, message) = problem.message.split_once(": ")?;
    let (line, column) = match place.split_once(", ") {
        Some((line, column)) => (number(line, "line ")?, number(column, "column ")?),
        None => (1, number(place, "column ")?),
    };
    Some(CodeProblem {
        message: message.to_owned(),
        line,
        column,
        severity: problem.severity,
    })
}

/// What is computed of a text that was typed.
fn source(computes: Computes, text: &str) -> Option<Source> {
    if text.trim().is_empty() {
        return None;
    }
    let text = text.to_owned();
    match computes {
        Computes::Expression => Some(Source::Expression(text)),
        Computes::Script => Some(Source::Script(text)),
        Computes::Condition => Some(Source::Condition(text)),
        Computes::Path => Some(Source::Path(text)),
        Computes::Nothing | Computes::Template => None,
    }
}

/// What is computed of a literal: all of it, where an expression is inside.
fn template(value: Option<&Value>) -> Option<Source> {
    let value = value.filter(|value| has_expression(value))?;
    Some(Source::Template(value.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::Mistake;

    #[test]
    fn what_is_typed_is_computed_as_what_it_is() {
        let text = "input.a";
        for (computes, computed) in [
            (Computes::Nothing, None),
            (Computes::Expression, Some(Source::Expression(text.into()))),
            (Computes::Script, Some(Source::Script(text.into()))),
            (Computes::Condition, Some(Source::Condition(text.into()))),
            (Computes::Path, Some(Source::Path(text.into()))),
        ] {
            assert_eq!(source(computes, text), computed);
        }
        assert_eq!(source(Computes::Script, " \n"), None);
    }

    #[test]
    fn what_the_check_found_is_underlined_until_something_is_computed() {
        let found = [
            Problem::error("/a", "script", "line 2, column 7: unknown name"),
            Problem::error("/a", "json_path", "column 3: expected a name"),
            Problem::error(
                "/a",
                "wrong_type",
                "this must be a text, but it is a number",
            ),
        ];
        let places: Vec<_> = marks(None, &Outcome::NoSample, &found)
            .into_iter()
            .map(|mark| (mark.line, mark.column, mark.message))
            .collect();
        assert_eq!(
            places,
            [
                (2, 7, "unknown name".to_owned()),
                (1, 3, "expected a name".to_owned())
            ]
        );
        assert!(marks(None, &Outcome::Gave(Value::Null), &found).is_empty());
        let mistake = Mistake {
            line: 1,
            column: 4,
            ..Mistake::default()
        };
        let wrong = Outcome::Wrong(mistake.clone());
        assert_eq!(marks(None, &wrong, &found)[0].column, 4);
        let inside = Outcome::Wrong(Mistake {
            at: "/a/0".to_owned(),
            ..mistake
        });
        assert_eq!(marks(None, &inside, &found)[0].line, 0);
        let unread = Wrong::NotJson { line: 3, column: 1 };
        assert_eq!(marks(Some(&unread), &wrong, &found)[0].line, 3);
    }

    #[test]
    fn a_literal_is_computed_where_an_expression_is_inside() {
        assert_eq!(template(Some(&json!({ "a": [1] }))), None);
        let value = json!({ "a": ["= input"] });
        assert_eq!(
            template(Some(&value)),
            Some(Source::Template(value.clone()))
        );
    }
}
