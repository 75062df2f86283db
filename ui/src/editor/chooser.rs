//! Chooses the message: at which trigger, from where, and what it says.

use leptos::prelude::*;

use super::{
    sampler::Sampler,
    sampling::{Source, Typed},
};
use crate::{
    kit::{
        code::Tongue,
        code_editor::{CodeEditor, CodeProblem, CodeShape},
        field::Choice,
    },
    sample::{Mistake, read_body, read_texts},
    texts::texts,
    words,
};

/// The triggers of the draft with what a person reads.
fn triggers(sampler: Sampler) -> Vec<(String, String)> {
    let t = texts();
    sampler.desk.flow.with(|flow| {
        flow.triggers
            .iter()
            .map(|(id, trigger)| {
                let (kind, _) = words::trigger_kind(t, &trigger.kind);
                let name = if trigger.title.is_empty() {
                    id.clone()
                } else {
                    trigger.title.clone()
                };
                (id.clone(), format!("{name} ({kind})"))
            })
            .collect()
    })
}

/// The choice of where the message comes from.
#[component]
pub(crate) fn SampleChoice(
    sampler: Sampler,
    #[prop(into)] id: String,
    label: &'static str,
    /// Whether the label is said but not shown.
    #[prop(optional)]
    bare: bool,
) -> impl IntoView {
    let offered = Memo::new(move |_| {
        let all = sampler.offered();
        all.into_iter()
            .map(|(source, label)| (source.word(), label))
            .collect::<Vec<_>>()
    });
    let current = Signal::derive(move || sampler.source.with(Source::word));
    view! {
        <Choice
            id
            label
            options=offered
            value=current
            choose=move |word| sampler.choose(Source::from_word(&word))
            bare
        />
    }
}

/// The choice of the trigger and of where the message comes from.
#[component]
pub(crate) fn MessageChoice(sampler: Sampler, id: &'static str) -> impl IntoView {
    let t = texts();
    let several = Memo::new(move |_| sampler.desk.flow.with(|flow| flow.triggers.len() > 1));
    let options = Memo::new(move |_| triggers(sampler));
    view! {
        <Show when=move || several.get()>
            <Choice
                id=format!("{id}-trigger")
                label=t.try_trigger
                options
                value=sampler.trigger
                choose=move |trigger| sampler.arrive_at(trigger)
            />
        </Show>
        <SampleChoice sampler id=format!("{id}-sample") label=t.sample_message/>
    }
}

/// The message itself. What is changed in it is a typed message from then on.
#[component]
pub(crate) fn MessageFields(sampler: Sampler, id: &'static str) -> impl IntoView {
    let t = texts();
    let fields = Memo::new(move |_| sampler.fields());
    let part = move |read: fn(&Typed) -> &String| {
        Signal::derive(move || fields.with(|fields| read(fields).clone()))
    };
    let change = move |write: fn(&mut Typed, String)| {
        Callback::new(move |text: String| {
            let mut typed = fields.get_untracked();
            write(&mut typed, text);
            sampler.type_in(typed);
        })
    };
    let (body, headers, query, params) = (
        part(|fields| &fields.body),
        part(|fields| &fields.headers),
        part(|fields| &fields.query),
        part(|fields| &fields.params),
    );
    // Parts that say something are open from the start.
    let open = fields.with_untracked(|fields| {
        [&fields.query, &fields.params]
            .into_iter()
            .any(|part| !part.is_empty())
    });
    view! {
        <div class="message-fields">
            <JsonField id=format!("{id}-body") label=t.try_body value=body change=change(|typed, text| typed.body = text) wrong=|text| read_body(text).err()/>
            <details class="panel-fold" open=open>
                <summary>{t.sample_more}</summary>
                <JsonField id=format!("{id}-query") label=t.try_query value=query change=change(|typed, text| typed.query = text) wrong=|text| read_texts(text).err()/>
                <JsonField id=format!("{id}-headers") label=t.try_headers value=headers change=change(|typed, text| typed.headers = text) wrong=|text| read_texts(text).err()/>
                <JsonField id=format!("{id}-params") label=t.run_params value=params change=change(|typed, text| typed.params = text) wrong=|text| read_texts(text).err()/>
            </details>
        </div>
    }
}

/// A field for JSON that says at once what is wrong with what was typed.
#[component]
pub(crate) fn JsonField(
    id: String,
    #[prop(into)] label: String,
    value: Signal<String>,
    change: Callback<String>,
    wrong: fn(&str) -> Option<Mistake>,
) -> impl IntoView {
    let t = texts();
    let mistake = Memo::new(move |_| value.with(|text| wrong(text)));
    let problems = Signal::derive(move || {
        let found = mistake.get().map(|mistake| {
            let (line, column) = match mistake {
                Mistake::NotJson { line, column, .. } => (line, column),
                Mistake::NotTexts => (0, 0),
            };
            CodeProblem {
                message: mistake.words(t),
                line,
                column,
                severity: weir_flows::problem::Severity::Error,
            }
        });
        found.into_iter().collect::<Vec<_>>()
    });
    let said = move || mistake.get().map(|mistake| mistake.words(t));
    let name = label.clone();
    view! {
        <div class="field" class:wrong=move || mistake.with(Option::is_some)>
            <label for=id.clone()>{name}</label>
            <CodeEditor id label tongue=Tongue::Json shape=CodeShape::Block value change problems/>
            {move || said().map(|said| view! { <p class="field-wrong" role="alert">{said}</p> })}
        </div>
    }
}
