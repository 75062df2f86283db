//! Fields that hold code: scripts, conditions, expressions and JSON, each with what it gives below it.

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::problem::Severity;

use super::{
    expression::has_expression,
    offer::offered,
    preview::{Computed, Outcome, computed},
    reading::{Spelling, placeholder},
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
    let marks = Signal::derive(move || match outcome.get() {
        Outcome::Wrong(mistake) => vec![CodeProblem {
            message: mistake.message,
            line: mistake.line,
            column: mistake.column,
            severity: Severity::Error,
        }],
        _ => Vec::new(),
    });
    let (typed, left) = (draft.clone(), slot.clone());
    let gives = format!("{}-gives", slot.id);
    let shows = look.computes != Computes::Nothing;
    view! {
        <CodeEditor
            id=slot.id.clone()
            label=slot.field.title.of(texts().language).to_owned()
            described_by=format!("{} {gives}", slot.described_by())
            placeholder=placeholder(texts(), &slot.field, look.spelling)
            tongue=look.tongue
            shape=if look.tall { CodeShape::Block } else { CodeShape::Line }
            value=text
            problems=marks
            completion=offered(slot.desk, slot.scope)
            change=Callback::new(move |text| typed.type_in(text))
            left=Callback::new(move |()| left.commit())
        />
        {shows.then(|| view! { <Computed id=gives outcome path=look.computes == Computes::Path/> })}
    }
    .into_any()
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
    fn a_literal_is_computed_where_an_expression_is_inside() {
        assert_eq!(template(Some(&json!({ "a": [1] }))), None);
        let value = json!({ "a": ["= input"] });
        assert_eq!(
            template(Some(&value)),
            Some(Source::Template(value.clone()))
        );
    }
}
