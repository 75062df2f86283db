//! The list of problems in the drawer, each with a way to its place.

use leptos::prelude::*;
use weir_flows::{
    document::Flow,
    problem::{Problem, Severity},
};

use super::desk::Desk;
use crate::{
    edit::body,
    kit::{
        icon::{Glyph, Icon},
        problems::card_of,
    },
    texts::{Texts, count, fill, problem_sentence, texts},
};

/// How many errors and warnings there are, in words; `None` where there are none.
pub(crate) fn counted(t: &Texts, problems: &[Problem]) -> Option<String> {
    let errors = problems.iter().filter(|problem| problem.is_error()).count() as u64;
    let warnings = problems.len() as u64 - errors;
    let said: Vec<String> = [
        (errors, t.problems_errors_one, t.problems_errors_many),
        (warnings, t.problems_warnings_one, t.problems_warnings_many),
    ]
    .into_iter()
    .filter(|(n, ..)| *n > 0)
    .map(|(n, one, many)| count(n, one, many))
    .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// What a problem is about: the title of its card, the ends of its link, or the flow. Where it is in a body, the step around it
/// is said as well.
pub(crate) fn subject(t: &Texts, flow: &Flow, at: &str) -> String {
    let (way, rest) = body::apart(flow, at);
    let Some(inner) = body::open(flow, &way).filter(|_| !way.is_empty()) else {
        return subject_in(t, flow, at);
    };
    let around = body::titles(flow, &way).split_off(1).join(" › ");
    format!("{around} › {}", subject_in(t, &inner, rest))
}

/// What a problem of a flow, or of a body as one, is about.
fn subject_in(t: &Texts, flow: &Flow, at: &str) -> String {
    let name = |id: &str| {
        let title = match (flow.triggers.get(id), flow.steps.get(id)) {
            (Some(trigger), _) => trigger.title.as_str(),
            (None, Some(step)) => step.title.as_str(),
            (None, None) => "",
        };
        (if title.is_empty() { id } else { title }).to_owned()
    };
    if let Some(card) = card_of(at) {
        return name(&card);
    }
    let mut parts = at.split('/').skip(1);
    let (part, key) = (parts.next(), parts.next());
    let index = key.and_then(|key| key.parse::<usize>().ok());
    match (part, index) {
        (Some("links"), Some(index)) => match flow.links.get(index) {
            Some(link) => format!("{} → {}", name(&link.from), name(&link.to)),
            None => t.panel_flow.to_owned(),
        },
        (Some("tests"), Some(index)) => match flow.tests.get(index) {
            Some(test) => fill(t.try_sample_test, &[("name", &test.name)]),
            None => t.panel_tests.to_owned(),
        },
        _ => t.panel_flow.to_owned(),
    }
}

/// The problems of the draft, errors first.
#[component]
pub(crate) fn ProblemPanel(desk: Desk) -> impl IntoView {
    let t = texts();
    let rows = move || {
        let mut problems = desk.problems.get().to_vec();
        problems.sort_by_key(|problem| problem.severity);
        desk.flow.with(|flow| {
            problems
                .into_iter()
                .map(|problem| {
                    let about = subject(t, flow, &problem.at);
                    row(desk, problem, about)
                })
                .collect_view()
        })
    };
    let none = move || desk.problems.with(|problems| problems.is_empty());
    view! {
        <div class="problem-panel" data-testid="problem-panel">
            <Show when=none>
                <p class="all-well" role="status"><Glyph icon=Icon::CircleCheck size=20/>{t.problems_none}</p>
            </Show>
            <ul class="problem-rows">{rows}</ul>
        </div>
    }
}

fn row(desk: Desk, problem: Problem, about: String) -> impl IntoView {
    let t = texts();
    let (icon, tone, word) = match problem.severity {
        Severity::Error => (Icon::CircleX, "bad", t.problem_error),
        Severity::Warning => (Icon::TriangleAlert, "warn", t.problem_warning),
    };
    let (at, code) = (problem.at.clone(), problem.code.clone());
    let sentence = problem_sentence(&problem);
    view! {
        <li>
            <button
                type="button"
                class=format!("problem-row {tone}")
                data-testid="problem"
                data-code=code
                title=problem.at
                on:click=move |_| desk.seek(&at)
            >
                <span class="problem-mark"><Glyph icon/><span class="unseen">{word}</span></span>
                <strong>{about}</strong>
                <span class="problem-sentence">{sentence}</span>
                <code class="fine">{problem.code}</code>
            </button>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::ENGLISH;

    #[test]
    fn a_problem_names_what_it_is_about() {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "steps": { "a": { "kind": "map", "title": "Price" }, "b": { "kind": "map" },
                "lines": { "kind": "each", "title": "Lines", "config": { "body": {
                    "steps": { "c": { "kind": "map", "title": "Sum" }, "d": { "kind": "map" } }, "links": [ { "from": "c", "to": "d" } ] } } } },
            "links": [ { "from": "a", "to": "b" } ], "tests": [ { "name": "one" } ]
        }))
        .unwrap();
        for (at, said) in [
            ("/steps/a/config/script", "Price"),
            ("/steps/b", "b"),
            (
                "/steps/lines/config/body/steps/c/config/script",
                "Lines › Sum",
            ),
            ("/steps/lines/config/body/links/0", "Lines › Sum → d"),
            ("/steps/lines/config/body", "Lines"),
            ("/links/0/to", "Price → b"),
            ("/links/9", "Flow"),
            ("/tests/0/name", "Test: one"),
            ("", "Flow"),
        ] {
            assert_eq!(subject(&ENGLISH, &flow, at), said, "{at}");
        }
    }

    #[test]
    fn problems_are_counted_by_severity() {
        let error = Problem::error("", "a", "");
        let warning = Problem::warning("", "b", "");
        assert_eq!(counted(&ENGLISH, &[]), None);
        assert_eq!(
            counted(&ENGLISH, &[error.clone(), warning.clone(), warning]),
            Some("1 error, 2 warnings".into())
        );
        assert_eq!(counted(&ENGLISH, &[error]), Some("1 error".into()));
    }
}
