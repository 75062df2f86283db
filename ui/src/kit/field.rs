//! Form fields: a label, a control, a hint, and what is wrong with what was typed.

use leptos::prelude::*;

/// The frame of one field. The control inside takes `id`.
#[component]
pub(crate) fn Field(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    /// What is wrong, or nothing.
    #[prop(optional, into)]
    wrong: Signal<Option<String>>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field" class:wrong=move || wrong.get().is_some()>
            <label for=id>{label}</label>
            {children()}
            {move || match wrong.get() {
                Some(wrong) => view! { <p class="field-wrong" role="alert">{wrong}</p> }.into_any(),
                None => hint.clone().map(|hint| view! { <p class="field-hint">{hint}</p> }).into_any(),
            }}
        </div>
    }
}

/// A field of one line.
#[component]
pub(crate) fn TextField(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] wrong: Signal<Option<String>>,
    /// Whether it may be seen but not changed.
    #[prop(optional)]
    fixed: bool,
    /// Whether what is typed is shown as dots.
    #[prop(optional)]
    hidden: bool,
    /// The id of a `datalist` with suggestions.
    #[prop(optional, into)]
    list: Option<String>,
) -> impl IntoView {
    view! {
        <Field id=id.clone() label hint=hint.unwrap_or_default() wrong>
            <input
                id=id.clone()
                type=if hidden { "password" } else { "text" }
                class="input"
                autocomplete=if hidden { "new-password" } else { "off" }
                autocapitalize="off"
                spellcheck="false"
                list=list
                readonly=fixed
                aria-invalid=move || wrong.get().is_some().then_some("true")
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
            />
        </Field>
    }
}

/// A choice of one of several.
#[component]
pub(crate) fn Choice(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    /// The values with what a person reads.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    #[prop(into)] value: Signal<String>,
    choose: impl Fn(String) + 'static,
    /// Whether the label is said but not shown.
    #[prop(optional)]
    bare: bool,
) -> impl IntoView {
    let select = view! {
        <span class="select">
            <select
                id=id.clone()
                class="input"
                aria-label=bare.then(|| label.clone())
                on:change:target=move |event| choose(event.target().value())
            >
                {move || {
                    let current = value.get();
                    options
                        .get()
                        .into_iter()
                        .map(|(word, label)| {
                            let chosen = word == current;
                            view! { <option value=word selected=chosen>{label}</option> }
                        })
                        .collect_view()
                }}
            </select>
        </span>
    };
    if bare {
        select.into_any()
    } else {
        view! {
            <div class="field">
                <label for=id>{label}</label>
                {select}
            </div>
        }
        .into_any()
    }
}
