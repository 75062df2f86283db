//! The tests of a flow: their names, each as JSON, and a new one out of the sample's message.

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::document::{Expect, Flow, Message, Test};

use super::preview::is_empty;
use crate::{
    edit::set_tests,
    editor::{Desk, Sample},
    kit::{
        button::{Button, IconButton},
        code::Tongue,
        code_editor::CodeEditor,
        icon::Icon,
    },
    texts::{fill, texts},
};

/// The list.
#[component]
pub(super) fn Tests(desk: Desk) -> impl IntoView {
    let t = texts();
    let count = Memo::new(move |_| desk.flow.with(|flow| flow.tests.len()));
    let add = move |_| {
        let made = desk
            .flow
            .with_untracked(|flow| desk.sample.with_untracked(|sample| test_of(flow, sample)));
        change(desk, |tests| tests.push(made));
        desk.settle();
    };
    let list = move || match count.get() {
        0 => view! { <p class="form-help">{t.form_tests_none}</p> }.into_any(),
        count => (0..count)
            .map(|index| view! { <OneTest desk index/> })
            .collect_view()
            .into_any(),
    };
    let unknown = Memo::new(move |_| desk.sample.with(|sample| is_empty(sample)));
    view! {
        {list}
        <div class="form-tools">
            <Button label=t.form_test_add icon=Icon::Plus off=unknown test="test-add" press=add/>
        </div>
        {move || unknown.get().then(|| view! { <p class="form-help">{t.form_no_sample}</p> })}
    }
}

#[component]
fn OneTest(desk: Desk, index: usize) -> impl IntoView {
    let t = texts();
    let held = Memo::new(move |_| desk.flow.with(|flow| flow.tests.get(index).cloned()));
    let name = move || {
        held.with(|test| {
            test.as_ref()
                .map(|test| test.name.clone())
                .unwrap_or_default()
        })
    };
    let text =
        RwSignal::new(held.with_untracked(|test| test.as_ref().map(print).unwrap_or_default()));
    let wrong: RwSignal<Option<String>> = RwSignal::new(None);
    // What somebody else changed, such as undo, comes in; a person's own typing stays as it is.
    Effect::new(move || {
        let Some(test) = held.get() else { return };
        if text
            .with_untracked(|text| read(text))
            .is_ok_and(|read| read == test)
        {
            return;
        }
        if wrong.get_untracked().is_none() {
            text.set(print(&test));
        }
    });
    let typed = move |now: String| {
        match read(&now) {
            Ok(test) => {
                wrong.set(None);
                change(desk, |tests| {
                    if let Some(held) = tests.get_mut(index) {
                        *held = test;
                    }
                });
            }
            Err(why) => wrong.set(Some(why)),
        }
        text.set(now);
    };
    let remove = move |_| {
        desk.settle();
        change(desk, |tests| {
            tests.remove(index);
        });
        desk.settle();
    };
    let remove_label = Signal::derive(move || fill(t.form_test_remove, &[("name", &name())]));
    view! {
        <details class="form-test" data-testid="test">
            <summary>{name}</summary>
            <div class="form-more-body">
                <CodeEditor
                    id=format!("test-{index}")
                    label=t.form_test_json
                    tongue=Tongue::Json
                    value=text
                    change=Callback::new(typed)
                    left=Callback::new(move |()| desk.settle())
                />
                {move || wrong.get().map(|why| view! { <p class="form-note bad" role="alert">{fill(t.form_test_wrong, &[("why", &why)])}</p> })}
                <div class="form-tools"><IconButton icon=Icon::Trash2 label=remove_label test="test-remove" press=remove/></div>
            </div>
        </details>
    }
}

fn change(desk: Desk, make: impl FnOnce(&mut Vec<Test>)) {
    desk.make(|flow| {
        let mut tests = flow.tests.clone();
        make(&mut tests);
        set_tests(flow, tests)
    });
}

/// A test that sends the sample's message and expects nothing yet but that the run ends as it did.
fn test_of(flow: &Flow, sample: &Sample) -> Test {
    let trigger = sample.trigger.get("id").and_then(Value::as_str);
    let part = |key: &str| {
        let held = sample.trigger.get(key).and_then(Value::as_object);
        held.cloned().unwrap_or_default()
    };
    let number = (flow.tests.len() + 1).to_string();
    Test {
        name: fill(texts().form_test_new, &[("n", &number)]),
        trigger: trigger
            .filter(|id| flow.triggers.contains_key(*id))
            .map(str::to_owned),
        now: None,
        message: Message {
            body: sample.trigger.get("body").cloned().unwrap_or_default(),
            headers: part("headers"),
            query: part("query"),
            params: part("params"),
            method: None,
        },
        mocks: Default::default(),
        expect: Expect::default(),
    }
}

fn print(test: &Test) -> String {
    serde_json::to_string_pretty(test).unwrap_or_default()
}

fn read(text: &str) -> Result<Test, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_test_sends_what_the_sample_got() {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f", "triggers": { "t": { "kind": "manual" } }
        }))
        .unwrap();
        let sample = Sample {
            trigger: json!({ "id": "t", "body": { "a": 1 }, "query": { "q": "1" } }),
            ..Sample::default()
        };
        let test = test_of(&flow, &sample);
        assert_eq!(test.trigger.as_deref(), Some("t"));
        assert_eq!(test.message.body, json!({ "a": 1 }));
        assert_eq!(test.message.query["q"], "1");
        assert_eq!(read(&print(&test)).as_ref(), Ok(&test));
        assert!(read("{").is_err());
    }
}
