//! A dialog over the page, on the browser's own `dialog` element: it traps the focus and closes by Esc.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use super::{
    button::{Button, IconButton, Weight},
    icon::Icon,
};
use crate::texts::texts;

/// A dialog that is open while `open` says so. Its content is built anew each time it opens.
#[component]
pub(crate) fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// Whether it is wide enough for lists.
    #[prop(optional)]
    wide: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let element: NodeRef<html::Dialog> = NodeRef::new();
    Effect::new(move || {
        let Some(dialog) = element.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                let _ = dialog.show_modal();
                // The content is drawn after this; its first field is where a person wants to be.
                request_animation_frame(move || focus_first(&dialog));
            }
            (false, true) => dialog.close(),
            _ => (),
        }
    });
    // A click on the backdrop reaches the dialog itself and nothing inside it.
    let backdrop = move |event: leptos::ev::MouseEvent| {
        let target: Option<web_sys::Element> =
            event.target().and_then(|target| target.dyn_into().ok());
        if target.is_some_and(|target| target.tag_name() == "DIALOG") {
            open.set(false);
        }
    };
    let children = StoredValue::new(children);
    view! {
        <dialog
            node_ref=element
            class="dialog"
            class:wide=wide
            aria-label=title
            on:close=move |_| open.set(false)
            on:mousedown=backdrop
        >
            <Show when=move || open.get()>
                <header class="dialog-head">
                    <h2>{title}</h2>
                    <IconButton icon=Icon::X label=texts().close press=move |_| open.set(false)/>
                </header>
                {children.with_value(|children| children())}
            </Show>
        </dialog>
    }
}

fn focus_first(dialog: &web_sys::HtmlDialogElement) {
    for wanted in [
        ".dialog-body :is(input, textarea, select, [contenteditable=true]):not([readonly])",
        ".dialog-foot .button",
    ] {
        if let Ok(Some(found)) = dialog.query_selector(wanted) {
            let _ = found.unchecked_ref::<web_sys::HtmlElement>().focus();
            return;
        }
    }
}

/// Asks before something is deleted.
#[component]
pub(crate) fn Confirm(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    #[prop(into)] text: String,
    /// Does it; the dialog is closed first.
    accept: impl Fn() + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    view! {
        <Dialog open title>
            <div class="dialog-body"><p>{text.clone()}</p></div>
            <footer class="dialog-foot">
                <Button label=t.cancel press=move |_| open.set(false)/>
                <Button
                    label=t.delete
                    icon=Icon::Trash2
                    weight=Weight::Danger
                    test="confirm"
                    press={
                        let accept = accept.clone();
                        move |_| {
                            open.set(false);
                            accept();
                        }
                    }
                />
            </footer>
        </Dialog>
    }
}
