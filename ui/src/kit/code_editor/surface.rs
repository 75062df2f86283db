//! The part of an editor that is typed into: a text area at first, which CodeMirror replaces with all that was typed.

use std::sync::Arc;

use leptos::{ev::KeyboardEvent, html, prelude::*, task::spawn_local};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

use super::{
    CodeProblem, CodeShape, Completion,
    chunk::{self, Script},
};
use crate::{
    kit::code::Tongue,
    texts::{Texts, fill, texts},
};

/// What stands in the place of the editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A text area, for the script is on its way.
    Loading,
    /// The editor.
    Ready,
    /// A text area, for the script did not come.
    Plain,
}

/// An editor on the page, with what it calls.
struct Open {
    editor: chunk::Editor,
    _change: Closure<dyn Fn(String)>,
    _left: Closure<dyn Fn()>,
    _completion: Closure<dyn Fn() -> JsValue>,
}

/// What `open` of `ui/js/code.js` takes as JSON.
#[derive(Serialize)]
struct Options<'a> {
    id: &'a str,
    label: &'a str,
    described_by: &'a str,
    placeholder: &'a str,
    tongue: &'static str,
    shape: &'static str,
    text: String,
    read_only: bool,
    /// What is selected, in UTF-16 units, where the editor takes the focus.
    selection: Option<(u32, u32)>,
    /// The words of CodeMirror by its English ones.
    phrases: serde_json::Value,
    /// What a value is, in a word.
    words: serde_json::Value,
}

#[component]
pub(super) fn Surface(
    id: String,
    label: String,
    tongue: Tongue,
    shape: CodeShape,
    value: Signal<String>,
    change: Callback<String>,
    left: Option<Callback<()>>,
    problems: Signal<Vec<CodeProblem>>,
    completion: Signal<Arc<Completion>>,
    read_only: Signal<bool>,
    placeholder: String,
    described_by: String,
    /// Whether the cursor is put into it as soon as it is there.
    takes_focus: bool,
) -> impl IntoView {
    let t = texts();
    let stage = RwSignal::new(Stage::Loading);
    let open: StoredValue<Option<Open>, LocalStorage> = StoredValue::new_local(None);
    let host: NodeRef<html::Div> = NodeRef::new();
    let plain: NodeRef<html::Textarea> = NodeRef::new();
    let described_by = format!("{described_by} {id}-keys {id}-problems")
        .trim_start()
        .to_owned();

    let opening = {
        let (id, label) = (id.clone(), label.clone());
        let (placeholder, described_by) = (placeholder.clone(), described_by.clone());
        move |script: &Script| {
            let Some(host) = host.get_untracked() else {
                return;
            };
            let area = plain.get_untracked();
            let focused = area.as_ref().filter(|area| is_focused(area));
            let selection = focused.map(|area| {
                let end = |at: Result<Option<u32>, JsValue>| at.ok().flatten().unwrap_or(0);
                (end(area.selection_start()), end(area.selection_end()))
            });
            let options = Options {
                id: &id,
                label: &label,
                described_by: &described_by,
                placeholder: &placeholder,
                tongue: match tongue {
                    Tongue::Rhai => "rhai",
                    Tongue::Json => "json",
                },
                shape: match shape {
                    CodeShape::Line => "line",
                    CodeShape::Block => "block",
                },
                text: area.map_or_else(|| value.get_untracked(), |area| area.value()),
                read_only: read_only.get_untracked(),
                selection,
                phrases: phrases(t),
                words: words(t),
            };
            let Ok(options) = serde_json::to_string(&options) else {
                return;
            };
            let on_change = Closure::<dyn Fn(String)>::new(move |text| {
                change.try_run(text);
            });
            let on_left = Closure::<dyn Fn()>::new(move || {
                if let Some(left) = left {
                    left.try_run(());
                }
            });
            let on_completion = Closure::<dyn Fn() -> JsValue>::new(move || {
                let completion = completion.try_get_untracked();
                completion.map_or(JsValue::NULL, |completion| completion.handed())
            });
            let editor = script.open(
                &host,
                &options,
                on_change.as_ref().unchecked_ref(),
                on_left.as_ref().unchecked_ref(),
                on_completion.as_ref().unchecked_ref(),
            );
            if takes_focus {
                editor.focus();
            }
            open.set_value(Some(Open {
                editor,
                _change: on_change,
                _left: on_left,
                _completion: on_completion,
            }));
            stage.set(Stage::Ready);
        }
    };
    Effect::new(move || {
        if host.get().is_none() {
            return;
        }
        if let Some(script) = chunk::loaded() {
            opening(&script);
            return;
        }
        let opening = opening.clone();
        spawn_local(async move {
            let script = chunk::load().await;
            if stage.is_disposed() {
                return;
            }
            match script {
                Ok(script) => opening(&script),
                Err(reason) => {
                    leptos::logging::warn!("the editor's script could not be loaded: {reason:?}");
                    stage.set(Stage::Plain);
                }
            }
        });
    });
    // What changes from elsewhere, told to the editor once it is there and from then on.
    let tell = move |what: &dyn Fn(&chunk::Editor)| {
        open.with_value(|open| {
            if let Some(open) = open {
                what(&open.editor);
            }
        });
    };
    Effect::new(move || {
        if stage.get() == Stage::Ready {
            value.with(|text| tell(&|editor| editor.set_text(text)));
        }
    });
    Effect::new(move || {
        if stage.get() == Stage::Ready {
            let list = problems.with(serde_json::to_string);
            tell(&|editor| editor.set_problems(list.as_deref().unwrap_or("[]")));
        }
    });
    Effect::new(move || {
        if stage.get() == Stage::Ready {
            let read_only = read_only.get();
            tell(&|editor| editor.set_read_only(read_only));
        }
    });
    on_cleanup(move || {
        open.try_update_value(|open| {
            if let Some(open) = open.take() {
                open.editor.close();
            }
        });
    });

    let is_line = shape == CodeShape::Line;
    let area_id = id.clone();
    let area_described_by = described_by.clone();
    let area = move || {
        let (id, label) = (area_id.clone(), label.clone());
        let described_by = area_described_by.clone();
        view! {
            <textarea
                node_ref=plain
                id=id
                class="input mono"
                rows=if is_line { 1 } else { 6 }
                aria-label=label
                aria-describedby=described_by
                aria-invalid=move || problems.with(|problems| !problems.is_empty()).then_some("true")
                autocapitalize="off"
                autocomplete="off"
                spellcheck="false"
                placeholder=placeholder.clone()
                readonly=read_only
                prop:value=value
                on:input:target=move |event| change.run(event.target().value())
                on:keydown=move |event: KeyboardEvent| {
                    if is_line && event.key() == "Enter" {
                        event.prevent_default();
                    }
                }
                on:blur=move |_| {
                    if let Some(left) = left {
                        left.run(());
                    }
                }
            ></textarea>
            {move || (stage.get() == Stage::Plain).then(|| view! {
                <p class="field-hint">{t.code_plain}</p>
            })}
        }
    };
    let found = move || {
        problems
            .get()
            .into_iter()
            .map(|problem| view! { <li>{spoken(&problem)}</li> })
            .collect_view()
    };
    view! {
        <div class="code-surface" class:wrong=move || problems.with(|problems| !problems.is_empty())>
            <div class="code-host" node_ref=host></div>
            <Show when=move || stage.get() != Stage::Ready>{area.clone()}</Show>
            <p class="unseen" id=format!("{id}-keys")>
                {if is_line { t.code_keys_line } else { t.code_keys_block }}
            </p>
            <ul class="unseen" id=format!("{id}-problems")>{found}</ul>
        </div>
    }
}

fn is_focused(element: &web_sys::Element) -> bool {
    document()
        .active_element()
        .is_some_and(|active| active == *element)
}

/// A problem as a screen reader says it.
fn spoken(problem: &CodeProblem) -> String {
    let t = texts();
    if problem.line == 0 {
        return problem.message.clone();
    }
    let (line, column) = (problem.line.to_string(), problem.column.to_string());
    let places = [
        ("line", line.as_str()),
        ("column", column.as_str()),
        ("message", problem.message.as_str()),
    ];
    fill(t.code_problem, &places)
}

/// The words of CodeMirror by its English ones.
fn phrases(t: &Texts) -> serde_json::Value {
    serde_json::json!({
        "Completions": t.code_completions,
        "Diagnostics": t.code_problems,
        "No diagnostics": t.code_no_problems,
        "Selection deleted": t.code_selection_deleted,
        "Folded lines": t.code_folded_lines,
        "Unfolded lines": t.code_unfolded_lines,
        "to": t.code_lines_to,
        "folded code": t.code_folded,
        "unfold": t.code_unfold,
        "Fold line": t.code_fold_line,
        "Unfold line": t.code_unfold_line,
        "Control character": t.code_control_character,
        "close": t.close,
    })
}

/// What a value is, in a word.
fn words(t: &Texts) -> serde_json::Value {
    serde_json::json!({
        "text": t.holds_text,
        "number": t.holds_number,
        "bool": t.holds_bool,
        "null": t.holds_null,
        "list": t.holds_list,
        "map": t.holds_map,
        "item": t.holds_item,
        "one": t.json_items_one,
        "many": t.json_items_many,
        "example": t.code_example,
        "result": t.code_result,
        "sample": t.code_sample,
    })
}
