//! The draft as text, exactly as it is exported, to be read, changed, copied and downloaded.

use std::sync::Arc;

use leptos::prelude::*;
use weir_flows::{
    document::Flow,
    problem::{Problem, Severity},
};

use super::lines::{line_of, lines};
use crate::{
    edit::{Change, What},
    editor::Session,
    files,
    kit::{
        button::{Button, CopyButton},
        code::Tongue,
        code_editor::{CodeEditor, CodeProblem},
        icon::{Glyph, Icon},
    },
    texts::{fill, texts},
};

/// What a text is as a document.
#[derive(Clone, Debug, PartialEq)]
enum Read {
    /// The document that it says.
    Flow(Arc<Flow>),
    /// It says none: why, and where.
    Nothing {
        why: String,
        line: usize,
        column: usize,
    },
    /// It says another flow: ids are permanent.
    Other,
}

#[component]
pub(super) fn DocumentTab(session: Session) -> impl IntoView {
    let t = texts();
    let desk = session.desk;
    let text = RwSignal::new(desk.flow.with_untracked(|flow| printed(flow)));
    // What the text says, where it says something.
    let meant = StoredValue::new(desk.flow.get_untracked());
    let id = desk.flow.with_untracked(|flow| flow.id.clone());
    let read = {
        let id = id.clone();
        Memo::new(move |_| text.with(|text| read(text, &id)))
    };
    // A change from elsewhere comes into the text; what is typed here stays as it was typed.
    Effect::new(move || {
        let flow = desk.flow.get();
        if meant.with_value(|meant| **meant != *flow) {
            meant.set_value(flow.clone());
            text.set(printed(&flow));
        }
    });
    let change = Callback::new(move |typed: String| {
        text.set(typed);
        if let Read::Flow(flow) = read.get_untracked() {
            meant.set_value(flow.clone());
            desk.make_whole(|now| Change::between(What::Set, now, &flow).merged("document"));
        }
    });
    let problems = Signal::derive(move || match read.get() {
        Read::Nothing { why, line, column } => vec![CodeProblem {
            message: why,
            line,
            column,
            severity: Severity::Error,
        }],
        Read::Other => Vec::new(),
        Read::Flow(_) => {
            let lines = text.with(|text| lines(text));
            desk.problems.with(|problems| {
                let place = |problem: &Problem| CodeProblem {
                    message: problem.message.clone(),
                    line: line_of(&lines, &problem.at),
                    column: 0,
                    severity: problem.severity,
                };
                problems.iter().map(place).collect()
            })
        }
    });
    let wrong = move || match read.get() {
        Read::Flow(_) => None,
        Read::Nothing { why, line, column } => Some(fill(
            t.document_unreadable,
            &[
                ("why", &why),
                ("line", &line.to_string()),
                ("column", &column.to_string()),
            ],
        )),
        Read::Other => Some(fill(t.document_other, &[("id", &id)])),
    };
    let download = move |_| {
        let name = desk.flow.with_untracked(|flow| format!("{}.json", flow.id));
        files::download(&name, &text.get_untracked());
    };
    view! {
        <div class="document" data-testid="document">
            <div class="document-head">
                <p class="fine">{t.document_edit_hint}</p>
                <CopyButton text=move || text.get_untracked()/>
                <Button label=t.flows_export icon=Icon::Download press=download/>
            </div>
            {move || wrong().map(|said| view! {
                <p class="notice bad" role="alert" data-testid="document-wrong"><Glyph icon=Icon::CircleX/>{said}</p>
            })}
            <div class="document-text" on:focusout=move |_| desk.settle()>
                <CodeEditor id="document-text" label=t.tab_document tongue=Tongue::Json value=text change problems/>
            </div>
        </div>
    }
}

/// The text of a document, as the server prints it.
fn printed(flow: &Flow) -> String {
    weir_flows::json::print(flow).unwrap_or_default()
}

fn read(text: &str, id: &str) -> Read {
    match serde_json::from_str::<Flow>(text) {
        Ok(flow) if flow.id == id => Read::Flow(Arc::new(flow)),
        Ok(_) => Read::Other,
        Err(error) => {
            let whole = error.to_string();
            let why = whole.split(" at line ").next().unwrap_or(&whole);
            Read::Nothing {
                why: why.to_owned(),
                line: error.line(),
                column: error.column(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_a_document_or_what_is_wrong() {
        let text = r#"{ "format": "weir/flow@1", "id": "f" }"#;
        assert!(matches!(read(text, "f"), Read::Flow(_)));
        assert_eq!(read(text, "g"), Read::Other);
        let broken = "{ \"format\": \"weir/flow@1\",\n  \"id\": 7 }";
        let Read::Nothing { line, why, .. } = read(broken, "f") else {
            panic!("must not be read")
        };
        assert_eq!(line, 2);
        assert!(why.contains("string"), "{why}");
    }
}
