//! A readable list of the findings about a document.

use leptos::prelude::*;
use weir_flows::problem::{Problem, Severity};

use super::{
    button::{Button, Weight},
    icon::{Glyph, Icon},
};
use crate::texts::{problem_sentence, texts};

/// The id of the trigger or step that a JSON Pointer leads into.
pub(crate) fn card_of(pointer: &str) -> Option<String> {
    let mut parts = pointer.split('/').skip(1);
    match (parts.next()?, parts.next()?) {
        ("triggers" | "steps" | "layout", id) => Some(id.replace("~1", "/").replace("~0", "~")),
        _ => None,
    }
}

/// The list. Where `seek` is given, a finding about a place has a button that leads to it.
#[component]
pub(crate) fn ProblemList(
    problems: Vec<Problem>,
    #[prop(optional, into)] seek: Option<Callback<String>>,
) -> impl IntoView {
    let t = texts();
    let rows = problems.into_iter().map(|problem| {
        let (icon, tone, word) = match problem.severity {
            Severity::Error => (Icon::CircleX, "bad", t.problem_error),
            Severity::Warning => (Icon::TriangleAlert, "warn", t.problem_warning),
        };
        let jump = seek.filter(|_| !problem.at.is_empty()).map(|seek| {
            let at = problem.at.clone();
            view! { <Button label=t.problem_show weight=Weight::Quiet press=move |_| seek.run(at.clone())/> }
        });
        let sentence = problem_sentence(&problem);
        let place = if problem.at.is_empty() { t.problem_whole.to_owned() } else { problem.at };
        view! {
            <li class=format!("problem {tone}") data-testid="problem">
                <span class="problem-mark" title=word><Glyph icon/><span class="unseen">{word}</span></span>
                <div class="problem-text">
                    <p>{sentence}</p>
                    <p class="fine"><code>{place}</code> " · " <span>{problem.code}</span></p>
                </div>
                {jump}
            </li>
        }
    });
    view! { <ul class="problems">{rows.collect_view()}</ul> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_cards() {
        for (pointer, card) in [
            ("/steps/price/config/script", Some("price")),
            ("/triggers/order", Some("order")),
            ("/layout/order", Some("order")),
            ("/links/3/to", None),
            ("/steps", None),
            ("", None),
        ] {
            assert_eq!(card_of(pointer).as_deref(), card, "{pointer}");
        }
    }
}
