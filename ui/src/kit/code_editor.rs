//! Edits an expression, a script or JSON: CodeMirror, fetched with the first editor, and a plain text area until it is there.

mod chunk;
mod completion;
mod surface;

use std::sync::Arc;

use leptos::prelude::*;
use serde::Serialize;
use weir_flows::problem::Severity;

pub(crate) use self::completion::{Completion, KnownName};
use self::surface::Surface;
use super::{button::IconButton, code::Tongue, dialog::Dialog, icon::Icon};
use crate::texts::texts;

/// How an editor looks and what its keys do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CodeShape {
    /// Like an input: the Enter key breaks no line, and Tab goes to the next field.
    Line,
    /// Several lines with their numbers. It grows with its content, and opens large in a dialog.
    #[default]
    Block,
}

/// What is wrong at a place of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CodeProblem {
    pub(crate) message: String,
    /// The line, counted from 1; 0 for the text as a whole.
    pub(crate) line: usize,
    /// The column in characters, counted from 1; 0 for the line as a whole.
    pub(crate) column: usize,
    pub(crate) severity: Severity,
}

/// An editor of code. What it shows is `value`; `change` hears of every edit and must bring it into `value` at once.
#[component]
pub(crate) fn CodeEditor(
    /// The id of the part that is typed into. A `label` with this `for` puts the cursor there.
    #[prop(into)]
    id: String,
    /// What a screen reader calls it, and the title of the large form.
    #[prop(into)]
    label: String,
    tongue: Tongue,
    #[prop(optional)] shape: CodeShape,
    /// The text. A change from elsewhere comes in without moving the cursor further than it must.
    #[prop(into)]
    value: Signal<String>,
    #[prop(into)] change: Callback<String>,
    /// The focus went elsewhere.
    #[prop(optional, into)]
    left: Option<Callback<()>>,
    /// What is underlined.
    #[prop(optional, into)]
    problems: Signal<Vec<CodeProblem>>,
    /// What is offered while a person types. Asked for only then.
    #[prop(optional, into)]
    completion: Signal<Arc<Completion>>,
    /// Whether it may be read and copied, but not changed.
    #[prop(optional, into)]
    read_only: Signal<bool>,
    /// What stands there while there is no text.
    #[prop(optional, into)]
    placeholder: String,
    /// The ids of elements that say more about it, separated by spaces.
    #[prop(optional, into)]
    described_by: String,
) -> impl IntoView {
    let t = texts();
    let large = RwSignal::new(false);
    let surface = {
        let (id, label) = (id.clone(), label.clone());
        let (placeholder, described_by) = (placeholder.clone(), described_by.clone());
        move |id_end: &str, takes_focus: bool| {
            view! {
                <Surface
                    id=format!("{id}{id_end}")
                    label=label.clone()
                    tongue
                    shape
                    value
                    change
                    left
                    problems
                    completion
                    read_only
                    placeholder=placeholder.clone()
                    described_by=described_by.clone()
                    takes_focus
                />
            }
        }
    };
    let form = match shape {
        CodeShape::Line => "code-editor line",
        CodeShape::Block => "code-editor block",
    };
    view! {
        <div class=form>
            {surface("", false)}
            {(shape == CodeShape::Block).then(|| view! {
                <div class="code-tools">
                    <IconButton icon=Icon::Maximize label=t.code_enlarge press=move |_| large.set(true)/>
                </div>
                <Dialog open=large title=label wide=true>
                    <div class="dialog-body code-editor block large">{surface("-large", true)}</div>
                </Dialog>
            })}
        </div>
    }
}
