//! Import of flow files: each file is sent as it is, and its line tells what came of it.

use leptos::{prelude::*, task::spawn_local};
use serde_json::Value;
use web_sys::File;
use weir_flows::problem::Problem;

use crate::{
    api::{self, Imported, Trouble, encode},
    files::{self, ReadFile},
    kit::{
        button::{Button, Weight},
        dialog::Dialog,
        icon::{Glyph, Icon},
        problems::ProblemList,
    },
    texts::{count, fill, texts},
};

/// What came of one file.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    /// It is being read or sent.
    Underway,
    /// It is a draft now.
    Done {
        flow: String,
        title: String,
        replaced: bool,
        warnings: Vec<Problem>,
    },
    /// A flow of this id is there already.
    Exists { flow: String, text: String },
    /// The server found problems.
    Refused(Vec<Problem>),
    /// It never came so far.
    Unusable(String),
}

#[derive(Clone, PartialEq)]
struct Line {
    number: usize,
    file: String,
    fate: RwSignal<Fate>,
}

/// The imports of this page.
#[derive(Clone, Copy)]
pub(crate) struct Imports {
    lines: RwSignal<Vec<Line>>,
    open: RwSignal<bool>,
    changed: Callback<()>,
}

impl Imports {
    /// No imports yet; `changed` is called after each that changed a flow.
    pub(crate) fn new(changed: impl Fn() + Send + Sync + 'static) -> Self {
        let changed = Callback::new(move |()| changed());
        Imports {
            lines: RwSignal::new(Vec::new()),
            open: RwSignal::new(false),
            changed,
        }
    }

    /// Imports files, one after the other, and shows what comes of them.
    pub(crate) fn take(self, files: Vec<File>) {
        if files.is_empty() {
            return;
        }
        if !self.open.get_untracked() {
            self.lines.set(Vec::new());
        }
        self.open.set(true);
        let first = self.lines.with_untracked(Vec::len);
        let lines: Vec<Line> = files
            .iter()
            .enumerate()
            .map(|(index, file)| Line {
                number: first + index,
                file: file.name(),
                fate: RwSignal::new(Fate::Underway),
            })
            .collect();
        self.lines.update(|all| all.extend(lines.iter().cloned()));
        spawn_local(async move {
            for (file, line) in files.iter().zip(lines) {
                let fate = import(files::read(file).await).await;
                let done = matches!(fate, Fate::Done { .. });
                line.fate.try_set(fate);
                if done {
                    self.changed.try_run(());
                }
            }
        });
    }

    fn replace(self, line: &Line, flow: String, text: String) {
        let fate = line.fate;
        fate.set(Fate::Underway);
        spawn_local(async move {
            let answer: Result<Value, Trouble> =
                api::send_text("PUT", &format!("/flows/{}", encode(&flow)), &text).await;
            let settled = match answer {
                Ok(_) => Fate::Done {
                    title: title_of(&text).unwrap_or_else(|| flow.clone()),
                    flow,
                    replaced: true,
                    warnings: Vec::new(),
                },
                Err(trouble) => refused(trouble),
            };
            fate.try_set(settled);
            self.changed.try_run(());
        });
    }
}

async fn import(file: ReadFile) -> Fate {
    let t = texts();
    let Some(text) = file.text else {
        return Fate::Unusable(t.import_unreadable.to_owned());
    };
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        return Fate::Unusable(fill(t.import_not_json, &[("why", &error.to_string())]));
    }
    match api::send_text::<Imported>("POST", "/flows", &text).await {
        Ok(imported) => Fate::Done {
            title: imported.flow.name().to_owned(),
            flow: imported.flow.id,
            replaced: false,
            warnings: imported.problems,
        },
        Err(trouble) if trouble.status == 409 => match id_of(&text) {
            Some(flow) => Fate::Exists { flow, text },
            None => refused(trouble),
        },
        Err(trouble) => refused(trouble),
    }
}

fn refused(trouble: Trouble) -> Fate {
    if !trouble.errors.is_empty() {
        Fate::Refused(trouble.errors)
    } else if trouble.is_offline() {
        Fate::Unusable(texts().trouble_offline.to_owned())
    } else {
        Fate::Unusable(trouble.sentence().to_owned())
    }
}

fn id_of(text: &str) -> Option<String> {
    let document: Value = serde_json::from_str(text).ok()?;
    document.get("id")?.as_str().map(str::to_owned)
}

fn title_of(text: &str) -> Option<String> {
    let document: Value = serde_json::from_str(text).ok()?;
    document
        .get("title")?
        .as_str()
        .filter(|title| !title.is_empty())
        .map(str::to_owned)
}

/// Shows what came of every file.
#[component]
pub(crate) fn ImportDialog(
    imports: Imports,
    choose: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    view! {
        <Dialog open=imports.open title=t.import_title wide=true>
            <div class="dialog-body">
                <ul class="imports" data-testid="imports">
                    <For each=move || imports.lines.get() key=|line| line.number let:line>
                        {line_view(imports, line)}
                    </For>
                </ul>
            </div>
            <footer class="dialog-foot">
                <Button label=t.import_more icon=Icon::Upload press=move |_| choose()/>
                <Button label=t.close weight=Weight::Primary test="import-close" press=move |_| imports.open.set(false)/>
            </footer>
        </Dialog>
    }
}

fn line_view(imports: Imports, line: Line) -> impl IntoView {
    let fate = line.fate;
    let file = line.file.clone();
    let body = move || {
        let t = texts();
        match fate.get() {
            Fate::Underway => {
                let said = fill(t.import_reading, &[("file", &line.file)]);
                view! { <p class="import-line busy" role="status"><Glyph icon=Icon::LoaderCircle/>{said}</p> }.into_any()
            }
            Fate::Done { flow, title, replaced, warnings } => {
                let said = if replaced { t.import_replaced } else { t.import_done };
                let noted = (!warnings.is_empty()).then(|| {
                    let said = count(warnings.len() as u64, t.import_warnings_one, t.import_warnings_many);
                    view! {
                        <p class="import-note">{said}</p>
                        <ProblemList problems=warnings/>
                    }
                });
                view! {
                    <p class="import-line good" role="status">
                        <Glyph icon=Icon::CircleCheck/>
                        <a href=format!("/flows/{}", encode(&flow)) data-testid="imported">{title}</a>
                        <span class="fine">{said}</span>
                    </p>
                    {noted}
                }
                .into_any()
            }
            Fate::Exists { flow, text } => {
                let said = fill(t.import_exists, &[("id", &flow)]);
                let line = line.clone();
                let replace = move |_| imports.replace(&line, flow.clone(), text.clone());
                view! {
                    <p class="import-line warn" role="alert"><Glyph icon=Icon::TriangleAlert/>{said}</p>
                    <Button label=t.import_replace test="replace" press=replace/>
                }
                .into_any()
            }
            Fate::Refused(problems) => {
                let said = count(problems.len() as u64, t.import_refused_one, t.import_refused_many);
                view! {
                    <p class="import-line bad" role="alert"><Glyph icon=Icon::CircleX/>{said}</p>
                    <ProblemList problems/>
                }
                .into_any()
            }
            Fate::Unusable(why) => {
                view! { <p class="import-line bad" role="alert"><Glyph icon=Icon::CircleX/>{why}</p> }.into_any()
            }
        }
    };
    view! {
        <li class="import" data-testid="import-result">
            <p class="import-file"><Glyph icon=Icon::FileJson/><span class="mono">{file}</span></p>
            {body}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_asked_for_its_names() {
        let text = r#"{"id":"a","title":"A"}"#;
        assert_eq!(
            (id_of(text).as_deref(), title_of(text).as_deref()),
            (Some("a"), Some("A"))
        );
        assert_eq!((id_of("[1]"), title_of(r#"{"title":""}"#)), (None, None));
    }

    #[test]
    fn refusals_tell_their_problems_or_their_reason() {
        let problem = Problem::error("/steps/a", "unknown_kind", "No.");
        let with = Trouble {
            status: 422,
            errors: vec![problem.clone()],
            ..Trouble::default()
        };
        assert_eq!(refused(with), Fate::Refused(vec![problem]));
        let without = Trouble {
            status: 413,
            detail: "Too large.".into(),
            ..Trouble::default()
        };
        assert_eq!(refused(without), Fate::Unusable("Too large.".into()));
    }
}
