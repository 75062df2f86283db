//! The head of a card's panel: its kind, its title, its id with a way to rename it, whether it is on, and what it is for.

use leptos::{ev::SubmitEvent, prelude::*};
use serde_json::Value;
use weir_flows::{catalog::FieldKind, document::is_slug};

use super::{
    phrases::field,
    reading::{Spelling, Wrong},
    seek::focus_id,
    slot::{Part, Sheet},
    text::Draft,
};
use crate::{
    canvas::Role,
    edit::{Taken, rename},
    kit::{
        button::{Button, IconButton, Weight},
        icon::{Glyph, Icon},
    },
    texts::{fill, texts},
    words,
};

/// The head of the panel of a card of some kind.
#[component]
pub(super) fn Head(sheet: Sheet, #[prop(into)] kind: String) -> impl IntoView {
    let t = texts();
    let desk = sheet.desk;
    let part = sheet.part();
    let ((name, icon), role, what) = match &part {
        Part::Trigger(_) => (
            words::trigger_kind(t, &kind),
            Role::Trigger,
            t.panel_trigger,
        ),
        _ => (
            words::step_kind(t, &kind),
            Role::of_step(&kind),
            t.panel_step,
        ),
    };
    let title = sheet.slot(
        "/title",
        field("title", FieldKind::Text, |t| t.form_title, |_| ""),
    );
    let draft = Draft::new(&title, Spelling::Kind);
    let (text, left) = (draft.text, title.clone());
    let about = sheet.slot(
        "/description",
        field(
            "description",
            FieldKind::Multiline,
            |t| t.form_description,
            |_| "",
        ),
    );
    view! {
        <header class=format!("panel-head inspector-head {}", role.class())>
            <span class="panel-icon"><Glyph icon size=20/></span>
            <div class="panel-name">
                <p class="fine" data-testid="card-kind">{what} " · " {name.clone()}</p>
                <input
                    id=title.id.clone()
                    class="inspector-title"
                    data-at=title.at.clone()
                    autocomplete="off"
                    aria-label=t.form_title
                    placeholder=name
                    prop:value=text
                    on:input:target=move |event| draft.type_in(event.target().value())
                    on:blur=move |_| left.commit()
                />
                <Id sheet/>
            </div>
            <IconButton icon=Icon::X label=t.panel_close test="panel-close" press=move |_| desk.choose(None)/>
        </header>
        <div class="inspector-about">
            <About of=about/>
            <Enabled sheet/>
        </div>
    }
}

#[component]
fn About(of: super::slot::Slot) -> impl IntoView {
    let slot = of;
    let t = texts();
    let draft = Draft::new(&slot, Spelling::Kind);
    let (text, left) = (draft.text, slot.clone());
    view! {
        <textarea
            id=slot.id.clone()
            class="input inspector-description"
            rows="1"
            data-at=slot.at.clone()
            aria-label=t.form_description
            placeholder=t.form_description_hint
            prop:value=text
            on:input:target=move |event| draft.type_in(event.target().value())
            on:blur=move |_| left.commit()
        ></textarea>
    }
}

#[component]
fn Enabled(sheet: Sheet) -> impl IntoView {
    let t = texts();
    let on = move || sheet.value("/disabled") != Some(Value::Bool(true));
    let help = match sheet.part() {
        Part::Trigger(_) => t.form_enabled_trigger,
        _ => t.form_enabled_step,
    };
    let toggle = move |on: bool| {
        sheet.put_all(vec![(
            "/disabled".to_owned(),
            (!on).then_some(Value::Bool(true)),
        )])
    };
    view! {
        <label class="switch" title=help data-at=format!("{}/disabled", sheet.part().at())>
            <input
                type="checkbox"
                role="switch"
                data-testid="card-enabled"
                prop:checked=on
                on:change:target=move |event| toggle(event.target().checked())
            />
            <span>{t.form_enabled}</span>
        </label>
    }
}

/// The id of a card, and the form that renames it.
#[component]
fn Id(sheet: Sheet) -> impl IntoView {
    let t = texts();
    let desk = sheet.desk;
    let id = sheet.part().card().cloned().unwrap_or_default();
    let open = RwSignal::new(false);
    let typed = RwSignal::new(id.clone());
    let wrong = {
        let id = id.clone();
        Memo::new(move |_| {
            typed.with(|new| desk.flow.with(|flow| wrong_id(&Taken::of(flow), &id, new)))
        })
    };
    let input = format!("rename-{id}");
    let start = {
        let (id, input) = (id.clone(), input.clone());
        move |_| {
            typed.set(id.clone());
            open.set(true);
            focus_id(&input);
        }
    };
    let apply = {
        let id = id.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            let new = typed.get_untracked();
            if new == id {
                return open.set(false);
            }
            let change = desk.flow.with_untracked(|flow| rename(flow, &id, &new));
            if let Some(change) = change {
                desk.settle();
                desk.make_whole(|_| change);
                desk.choose(Some(new));
            }
        }
    };
    let form = {
        let (id, input) = (id.clone(), input.clone());
        move || {
            open.get().then(|| {
                let (input, hint) = (input.clone(), format!("{input}-hint"));
                view! {
                    <form class="rename" on:submit=apply.clone()>
                        <label class="form-name" for=input.clone()>{fill(t.form_rename, &[("id", &id)])}</label>
                        <input
                            id=input
                            class="input mono"
                            autocomplete="off"
                            autocapitalize="off"
                            spellcheck="false"
                            aria-describedby=hint.clone()
                            aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                            prop:value=typed
                            on:input:target=move |event| typed.set(event.target().value())
                            on:keydown=move |event| {
                                if event.key() == "Escape" {
                                    event.stop_propagation();
                                    open.set(false);
                                }
                            }
                        />
                        <p class="form-help" id=hint>
                            {move || match wrong.get() {
                                Some(wrong) => view! { <span class="form-note bad">{wrong.said(t)}</span> }.into_any(),
                                None => t.form_rename_help.into_any(),
                            }}
                        </p>
                        <div class="rename-tools">
                            <button type="submit" class=Weight::Primary.class() disabled=move || wrong.with(Option::is_some)>
                                {t.form_rename_apply}
                            </button>
                            <Button label=t.cancel press=move |_| open.set(false)/>
                        </div>
                    </form>
                }
            })
        }
    };
    view! {
        <p class="inspector-id">
            <code>{id}</code>
            <button type="button" class="link-text" data-testid="rename" aria-expanded=move || if open.get() { "true" } else { "false" } on:click=start>
                {t.form_rename_open}
            </button>
        </p>
        {form}
    }
}

/// Why a card cannot have another id.
fn wrong_id(taken: &Taken, old: &str, new: &str) -> Option<Wrong> {
    if !is_slug(new) {
        Some(Wrong::NotASlug)
    } else if taken.has(new) && new != old {
        Some(Wrong::Taken)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use weir_flows::document::Flow;

    #[test]
    fn ids_are_slugs_of_their_own() {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f", "triggers": { "t": { "kind": "manual" } }, "steps": { "a": { "kind": "map" },
                "each": { "kind": "each", "config": { "body": { "steps": { "inner": { "kind": "map" } } } } } }
        }))
        .unwrap();
        for (new, wrong) in [
            ("a", None),
            ("b", None),
            ("t", Some(Wrong::Taken)),
            ("inner", Some(Wrong::Taken)),
            ("B", Some(Wrong::NotASlug)),
            ("", Some(Wrong::NotASlug)),
        ] {
            assert_eq!(wrong_id(&Taken::of(&flow), "a", new), wrong, "{new}");
        }
    }
}
