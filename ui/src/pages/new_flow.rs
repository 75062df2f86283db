//! A new flow: a title, an id that is proposed from it, and an empty draft to draw on; or a copy of another flow.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use weir_flows::document::{Flow, is_slug};

use crate::{
    api::{self, FlowSummary, Imported, Trouble, encode},
    kit::{
        button::{Button, Weight},
        dialog::Dialog,
        field::TextField,
        icon::Icon,
        toast::toast,
    },
    texts::{fill, texts},
};

/// The longest id that is proposed.
const LONGEST: usize = 48;

/// What is made.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are never many of them, and they do not stay"
)]
pub(crate) enum Making {
    /// An empty draft.
    Empty,
    /// A copy of the draft of this flow.
    Copy(FlowSummary),
}

/// Makes a flow, as `making` says, and opens its editor. `taken` are the ids that are in use.
#[component]
pub(crate) fn NewFlowDialog(
    making: RwSignal<Option<Making>>,
    #[prop(into)] taken: Signal<Vec<String>>,
) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let title = RwSignal::new(String::new());
    let id = RwSignal::new(String::new());
    // The id follows the title until a person writes one.
    let own = RwSignal::new(false);
    let busy = RwSignal::new(false);
    // An id that turned out to be taken though the list did not say so.
    let refused = RwSignal::new(String::new());
    Effect::new(move || {
        if let Some(making) = making.get() {
            own.set(false);
            refused.set(String::new());
            title.set(match making {
                Making::Empty => String::new(),
                Making::Copy(flow) => fill(t.new_flow_copy_name, &[("name", flow.name())]),
            });
            open.set(true);
        }
    });
    Effect::new(move || {
        if !open.get() {
            making.set(None);
        }
    });
    Effect::new(move || {
        let proposed = title.with(|title| taken.with(|taken| proposed(title, taken)));
        if !own.get() {
            id.set(proposed);
        }
    });
    let is_taken = move |id: &String| {
        taken.with(|taken| taken.contains(id)) || refused.with(|refused| refused == id)
    };
    let wrong = Signal::derive(move || {
        let id = id.get();
        if id.is_empty() {
            None
        } else if !is_slug(&id) {
            Some(t.connections_name_bad.to_owned())
        } else if is_taken(&id) {
            Some(t.new_flow_id_taken.to_owned())
        } else {
            None
        }
    });
    let off = Signal::derive(move || id.with(String::is_empty) || wrong.get().is_some());
    let navigate = use_navigate();
    let create = Callback::new(move |()| {
        let Some(what) = making
            .get_untracked()
            .filter(|_| !off.get_untracked() && !busy.get_untracked())
        else {
            return;
        };
        let (name, wanted) = (title.get_untracked().trim().to_owned(), id.get_untracked());
        let navigate = navigate.clone();
        busy.set(true);
        spawn_local(async move {
            let answer = make(what, &name, &wanted).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    open.try_set(false);
                    navigate(&format!("/flows/{}", encode(&wanted)), Default::default());
                }
                Err(trouble) if trouble.status == 409 => {
                    refused.try_set(wanted);
                }
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    });
    let heading = Signal::derive(move || match making.get() {
        Some(Making::Copy(flow)) => fill(t.new_flow_copy_title, &[("name", flow.name())]),
        _ => t.new_flow_title.to_owned(),
    });
    let label = Signal::derive(move || {
        (match making.get() {
            Some(Making::Copy(_)) => t.new_flow_copy_create,
            _ => t.new_flow_create,
        })
        .to_owned()
    });
    view! {
        <Dialog open title=heading>
            <form
                method="dialog"
                on:submit=move |event| {
                    event.prevent_default();
                    create.run(());
                }
            >
                <div class="dialog-body">
                    <TextField id="new-flow-title" label=t.new_flow_name hint=t.new_flow_name_hint value=title/>
                    <div on:input=move |_| own.set(true)>
                        <TextField id="new-flow-id" label=t.new_flow_id hint=t.new_flow_id_hint value=id wrong/>
                    </div>
                </div>
                <footer class="dialog-foot">
                    <Button label=t.cancel press=move |_| open.set(false)/>
                    <Button label icon=Icon::Plus weight=Weight::Primary busy off test="new-flow-create" sends=true press=|_| ()/>
                </footer>
            </form>
        </Dialog>
    }
}

async fn make(what: Making, title: &str, id: &str) -> Result<Imported, Trouble> {
    let flow = match what {
        Making::Empty => Flow {
            title: title.to_owned(),
            id: id.to_owned(),
            ..empty()
        },
        Making::Copy(of) => {
            let draft: Flow = api::get(&format!("/flows/{}", encode(&of.id))).await?;
            Flow {
                title: title.to_owned(),
                id: id.to_owned(),
                ..draft
            }
        }
    };
    api::send("POST", "/flows?unfinished=true", &flow).await
}

/// A document that says nothing yet.
pub(crate) fn empty() -> Flow {
    Flow {
        format: Default::default(),
        id: String::new(),
        title: String::new(),
        description: String::new(),
        settings: Default::default(),
        triggers: Default::default(),
        steps: Default::default(),
        links: Vec::new(),
        tests: Vec::new(),
        layout: Default::default(),
    }
}

/// A free id for a title: `Order intake` gives `order-intake`.
fn proposed(title: &str, taken: &[String]) -> String {
    let mut id = String::new();
    for letter in title.to_lowercase().chars() {
        let said = match letter {
            'ä' | 'æ' => "ae",
            'ö' | 'ø' | 'œ' => "oe",
            'ü' => "ue",
            'ß' => "ss",
            'á' | 'à' | 'â' | 'ã' | 'å' => "a",
            'é' | 'è' | 'ê' | 'ë' => "e",
            'í' | 'ì' | 'î' | 'ï' => "i",
            'ó' | 'ò' | 'ô' | 'õ' => "o",
            'ú' | 'ù' | 'û' => "u",
            'ç' => "c",
            'ñ' => "n",
            '&' => "-and-",
            'a'..='z' | '0'..='9' => {
                id.push(letter);
                continue;
            }
            _ => "-",
        };
        id.push_str(said);
    }
    let words: Vec<&str> = id.split('-').filter(|word| !word.is_empty()).collect();
    let id: String = words.join("-").chars().take(LONGEST).collect();
    let id = id.trim_end_matches('-').to_owned();
    if id.is_empty() || !taken.contains(&id) {
        return id;
    }
    let mut numbered = (2..).map(|n| format!("{id}-{n}"));
    numbered
        .find(|id| !taken.contains(id))
        .unwrap_or_else(|| id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_proposed_from_titles() {
        let taken = ["orders".to_owned(), "orders-2".to_owned()];
        for (title, id) in [
            ("Order intake", "order-intake"),
            ("  Größe & Maß (neu)  ", "groesse-and-mass-neu"),
            ("Orders", "orders-3"),
            ("3 Café", "3-cafe"),
            ("—", ""),
            ("", ""),
        ] {
            let found = proposed(title, &taken);
            assert_eq!(found, id, "{title}");
            assert!(found.is_empty() || is_slug(&found), "{found}");
        }
        assert!(is_slug(&proposed(&"long words ".repeat(20), &[])));
    }
}
