//! The tests of a flow as a list: named, made from the sample, edited as JSON, deleted.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::{
    catalog::Catalog,
    document::{Expect, Expected, Flow, Message, Mock, Mocks, Slug, Test, each_step},
};

use super::{
    preview::is_empty,
    reading::{Wrong, json, pretty},
    seek::focus_id,
};
use crate::{
    api::StepStatus,
    edit::set_tests,
    editor::{Desk, Sample},
    kit::{
        button::Button,
        code::Tongue,
        code_editor::{CodeEditor, CodeProblem},
        icon::{Glyph, Icon},
    },
    texts::{Texts, fill, problem_sentence, texts},
};

/// The list.
#[component]
pub(super) fn Tests(desk: Desk) -> impl IntoView {
    let t = texts();
    let count = Memo::new(move |_| desk.flow.with(|flow| flow.tests.len()));
    let known = Memo::new(move |_| desk.sample.with(|sample| !is_empty(sample)));
    let add = move |_| {
        let made = desk.flow.with_untracked(|flow| {
            desk.catalog.with_untracked(|catalog| {
                desk.sample
                    .with_untracked(|sample| made(t, flow, catalog, sample))
            })
        });
        let index = count.get_untracked();
        change(desk, |tests| tests.push(made));
        focus_id(&name_id(index));
    };
    let hint =
        move || (!known.get()).then(|| view! { <p class="form-help">{desk.no_sample()}</p> });
    let empty =
        move || (count.get() == 0).then(|| view! { <p class="form-help">{t.form_tests_none}</p> });
    view! {
        {empty}
        <ul class="form-tests" data-at="/tests">
            <For each=move || 0..count.get() key=|index| *index let:index>
                <OneTest desk index/>
            </For>
        </ul>
        <div class="form-tools">
            <Button label=t.form_test_add icon=Icon::Plus off=Signal::derive(move || !known.get()) test="test-make" press=add/>
        </div>
        {hint}
    }
}

#[component]
fn OneTest(desk: Desk, index: usize) -> impl IntoView {
    let t = texts();
    let test = Memo::new(move |_| desk.flow.with(|flow| flow.tests.get(index).cloned()));
    let name = move || {
        test.with(|test| {
            test.as_ref()
                .map(|test| test.name.clone())
                .unwrap_or_default()
        })
    };
    let rename = move |name: String| {
        desk.make_whole(|flow| {
            let mut tests = flow.tests.clone();
            if let Some(test) = tests.get_mut(index) {
                test.name = name;
            }
            set_tests(flow, tests).merged(format!("tests/{index}/name"))
        });
    };
    let open = RwSignal::new(false);
    let removed = move || fill(t.form_test_remove, &[("name", &name())]);
    let remove = move |_| change(desk, |tests| drop(tests.remove(index)));
    let shown = move || fill(t.form_test_show, &[("name", &name())]);
    let at = format!("/tests/{index}");
    let problems = {
        let at = at.clone();
        Memo::new(move |_| {
            desk.problems.with(|problems| {
                let here = problems
                    .iter()
                    .filter(|problem| super::place::within(&problem.at, &at));
                here.cloned().collect::<Vec<_>>()
            })
        })
    };
    let notes = move || {
        let lines = problems.get().into_iter().map(|problem| {
            let inside = problem.at.strip_prefix(&at).unwrap_or_default().to_owned();
            view! { <p class="form-note bad"><code>{inside}</code> " " {problem_sentence(&problem)}</p> }
        });
        lines.collect_view()
    };
    view! {
        <li class="form-test" data-at=format!("/tests/{index}") data-testid="test">
            <div class="form-entry-head">
                <button
                    type="button"
                    class="button quiet icon small form-test-open"
                    aria-label=shown
                    title=shown
                    aria-expanded=move || if open.get() { "true" } else { "false" }
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    <Glyph icon=Icon::ChevronRight size=14/>
                </button>
                <input
                    id=name_id(index)
                    class="input"
                    autocomplete="off"
                    aria-label=t.form_test_name
                    prop:value=name
                    on:input:target=move |event| rename(event.target().value())
                    on:blur=move |_| desk.settle()
                />
                <button type="button" class="button quiet icon small" aria-label=removed title=removed on:click=remove>
                    <Glyph icon=Icon::Trash2 size=14/>
                </button>
            </div>
            <div class="form-notes">{notes}</div>
            <Show when=move || open.get()><TestText desk index/></Show>
        </li>
    }
}

/// One test as JSON.
#[component]
fn TestText(desk: Desk, index: usize) -> impl IntoView {
    let t = texts();
    let test = Memo::new(move |_| desk.flow.with(|flow| flow.tests.get(index).cloned()));
    let text = RwSignal::new(untrack(|| test.with(|test| written(test.as_ref()))));
    let wrong: RwSignal<Option<NotATest>> = RwSignal::new(None);
    Effect::new(move |_| {
        let same =
            test.with(|test| text.with_untracked(|text| read(text).ok().as_ref() == test.as_ref()));
        if !same {
            text.set(test.with(|test| written(test.as_ref())));
            wrong.set(None);
        }
    });
    let typed = move |new: String| {
        let read = read(&new);
        text.set(new);
        wrong.set(read.as_ref().err().cloned());
        if let Ok(read) = read {
            desk.make_whole(|flow| {
                let mut tests = flow.tests.clone();
                if let Some(test) = tests.get_mut(index) {
                    *test = read;
                }
                set_tests(flow, tests).merged(format!("tests/{index}"))
            });
        }
    };
    let marks = Memo::new(move |_| {
        wrong.with(|wrong| wrong.iter().map(|wrong| wrong.mark(t)).collect::<Vec<_>>())
    });
    let id = format!("test-{index}-text");
    let note = format!("{id}-note");
    view! {
        <CodeEditor
            id
            label=t.form_test_json
            tongue=Tongue::Json
            value=text
            change=typed
            left=move |()| desk.settle()
            problems=marks
            described_by=note.clone()
        />
        <div class="form-notes" id=note>
            {move || wrong.get().map(|wrong| view! { <p class="form-note bad">{wrong.mark(t).message}</p> })}
        </div>
    }
}

/// Why a text is no test.
#[derive(Clone, Debug, PartialEq)]
enum NotATest {
    Json(Wrong),
    /// JSON of another shape.
    Shape(String),
}

impl NotATest {
    fn mark(&self, t: &Texts) -> CodeProblem {
        let (message, line, column) = match self {
            NotATest::Json(wrong) => match wrong {
                Wrong::NotJson { line, column } => (wrong.said(t), *line, *column),
                other => (other.said(t), 0, 0),
            },
            NotATest::Shape(why) => (fill(t.form_test_wrong, &[("why", why)]), 0, 0),
        };
        CodeProblem {
            message,
            line,
            column,
            severity: weir_flows::problem::Severity::Error,
        }
    }
}

fn read(text: &str) -> Result<Test, NotATest> {
    let value = json(text).map_err(NotATest::Json)?;
    serde_json::from_value(value).map_err(|error| NotATest::Shape(error.to_string()))
}

fn written(test: Option<&Test>) -> String {
    let value = test.and_then(|test| serde_json::to_value(test).ok());
    pretty(&value.unwrap_or_default())
}

/// Changes the tests by one deed.
fn change(desk: Desk, change: impl FnOnce(&mut Vec<Test>)) {
    desk.settle();
    desk.make_whole(|flow| {
        let mut tests = flow.tests.clone();
        change(&mut tests);
        set_tests(flow, tests)
    });
    desk.settle();
}

fn name_id(index: usize) -> String {
    format!("test-{index}-name")
}

/// A test of what the sample shows: its message, what its actions answered, and which steps ran.
fn made(t: &Texts, flow: &Flow, catalog: &Catalog, sample: &Sample) -> Test {
    let trigger = sample.trigger.get("id").and_then(Value::as_str);
    let map = |key: &str| {
        let found = sample.trigger.get(key).and_then(Value::as_object);
        found.cloned().unwrap_or_default()
    };
    let message = Message {
        body: sample.trigger.get("body").cloned().unwrap_or_default(),
        headers: map("headers"),
        query: map("query"),
        params: map("params"),
        method: sample
            .trigger
            .get("method")
            .and_then(Value::as_str)
            .map(str::to_owned),
    };
    // Those in bodies answer for each item what they answered for the first.
    let mut actions: BTreeSet<Slug> = BTreeSet::new();
    each_step(flow, |_, id, step| {
        let entry = catalog.step(&step.kind);
        if entry.is_some_and(|entry| entry.action.is_some()) {
            actions.insert(id.clone());
        }
    });
    let mocks: BTreeMap<Slug, Mocks> = sample
        .steps
        .iter()
        .filter(|(id, _)| actions.contains(*id))
        .filter_map(|(id, step)| {
            Some((id.clone(), Mocks::Same(Mock::Output(step.output.clone()?))))
        })
        .collect();
    let with = |status: StepStatus| {
        let steps = sample
            .steps
            .iter()
            .filter(|(id, step)| step.status == status && flow.steps.contains_key(*id));
        steps.map(|(id, _)| id.clone()).collect::<Vec<_>>()
    };
    let (succeeded, failed) = (with(StepStatus::Succeeded), with(StepStatus::Failed));
    // Where a step failed there is more to say than which steps ran, and a person must say it.
    let expect = Expect {
        status: (failed.is_empty() && !succeeded.is_empty()).then_some(Expected::Succeeded),
        ran: (failed.is_empty() && !succeeded.is_empty()).then_some(succeeded),
        ..Expect::default()
    };
    Test {
        name: fill(
            t.form_test_new,
            &[("n", &(flow.tests.len() + 1).to_string())],
        ),
        trigger: trigger
            .filter(|id| flow.triggers.contains_key(*id))
            .map(str::to_owned),
        now: None,
        message,
        mocks,
        expect,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::builtin;

    use super::*;
    use crate::{api::StepDetail, texts::ENGLISH};

    #[test]
    fn a_sample_makes_a_test() {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "http", "config": { "path": "/a" } } },
            "steps": { "a": { "kind": "map" }, "b": { "kind": "map" } }
        }))
        .unwrap();
        let step = |status| StepDetail {
            status,
            output: Some(json!(1)),
            ..StepDetail::default()
        };
        let sample = Sample {
            trigger: json!({ "id": "t", "kind": "http", "body": { "x": 1 }, "query": { "q": "1" }, "method": "POST" }),
            steps: [
                ("a".to_owned(), step(StepStatus::Succeeded)),
                ("b".to_owned(), step(StepStatus::Skipped)),
            ]
            .into(),
            ..Sample::default()
        };
        let test = made(&ENGLISH, &flow, &builtin::catalog(), &sample);
        assert_eq!(
            serde_json::to_value(&test).unwrap(),
            json!({
                "name": "Test 1", "trigger": "t",
                "message": { "body": { "x": 1 }, "query": { "q": "1" }, "method": "POST" },
                "expect": { "status": "succeeded", "ran": ["a"] }
            })
        );
        assert_eq!(read(&written(Some(&test))), Ok(test));
    }

    #[test]
    fn a_text_that_is_no_test_says_why() {
        assert!(matches!(
            read("{"),
            Err(NotATest::Json(Wrong::NotJson { line: 1, .. }))
        ));
        assert!(matches!(read("{\"nam\": 1}"), Err(NotATest::Shape(_))));
    }
}
