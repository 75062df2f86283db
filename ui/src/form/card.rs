//! The panel of one trigger or step: its head, and either its settings in sections or its data in the sample.

use std::sync::Arc;

use leptos::prelude::*;
use weir_flows::catalog::{Entry, FieldKind};

use super::{
    config::{entry_view, places},
    data::DataPanel,
    field::FieldView,
    head::Head,
    inspector::Half,
    phrases::field,
    place::remaining,
    policy::{PolicySection, UndoSection, policy_places},
    rules::{RulesSection, rule_places},
    section::Section,
    slot::{Part, Sheet},
};
use crate::{
    editor::Desk,
    kit::{
        problems::ProblemList,
        tabs::{Tab, TabRow},
    },
    texts::{fill, texts},
};

/// The panel of a card.
#[component]
pub(super) fn CardPanel(
    desk: Desk,
    part: Part,
    #[prop(into)] kind: String,
    half: RwSignal<Half>,
) -> impl IntoView {
    let t = texts();
    let sheet = Sheet::new(desk, part.clone());
    let entry = {
        let (part, kind) = (part.clone(), kind.clone());
        Memo::new(move |_| Known(find(desk, &part, &kind)))
    };
    let tabs = vec![
        Tab::plain("setup", t.form_setup),
        Tab::plain("data", t.form_data),
    ];
    let current = Signal::derive(move || {
        match half.get() {
            Half::Setup => "setup",
            Half::Data => "data",
        }
        .to_owned()
    });
    let choose = move |word: &'static str| {
        half.set(if word == "data" {
            Half::Data
        } else {
            Half::Setup
        });
    };
    let body = {
        let kind = kind.clone();
        move || match half.get() {
            Half::Data => view! { <DataPanel sheet entry=entry.get().0/> }.into_any(),
            Half::Setup => setup(sheet, &part, &kind, entry.get().0),
        }
    };
    view! {
        <Head sheet kind/>
        <TabRow label=t.form_halves tabs current choose/>
        <div class="inspector-panel" role="tabpanel">{body}</div>
    }
}

/// The catalog's entry of a kind, if it is known.
#[derive(Clone)]
struct Known(Option<Arc<Entry>>);

/// The catalog is read once; that it is there is all that can change.
impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => a.kind == b.kind && a.fields.len() == b.fields.len(),
            (None, None) => true,
            _ => false,
        }
    }
}

fn find(desk: Desk, part: &Part, kind: &str) -> Option<Arc<Entry>> {
    desk.catalog.with(|catalog| {
        let entry = match part {
            Part::Trigger(_) => catalog.trigger(kind),
            _ => catalog.step(kind),
        };
        entry.cloned().map(Arc::new)
    })
}

fn setup(sheet: Sheet, part: &Part, kind: &str, entry: Option<Arc<Entry>>) -> AnyView {
    let t = texts();
    let desk = sheet.desk;
    let at = part.at();
    let Some(entry) = entry else {
        // A kind that this server does not have: its settings can be read and changed as they stand.
        let whole = sheet.slot(
            "/config",
            field("config", FieldKind::Schema, |t| t.panel_config, |_| ""),
        );
        return view! {
            <CardProblems desk at known=Vec::new()/>
            <div class="form-section"><div class="section-body">
                <p class="form-note bad">{fill(t.form_unknown_kind, &[("kind", kind)])}</p>
                <FieldView of=whole/>
            </div></div>
        }
        .into_any();
    };
    let settings = places(&at, &entry);
    let mut known = settings.clone();
    known.push(format!("{at}/title"));
    known.push(format!("{at}/description"));
    let others = match part {
        Part::Trigger(_) => {
            known.extend(rule_places(&at));
            view! { <RulesSection sheet/> }.into_any()
        }
        _ => {
            known.extend(policy_places(&at));
            let undo = entry.clone();
            view! {
                <PolicySection sheet entry=entry.clone()/>
                <UndoSection sheet entry=undo/>
            }
            .into_any()
        }
    };
    let filled = Signal::derive(move || sheet.has("/config") || sheet.has("/connection"));
    let form = entry.clone();
    view! {
        <CardProblems desk at known/>
        <Section word="settings" title=t.form_settings desk places=settings filled at_first=true>
            {entry_view(sheet, "", &form)}
        </Section>
        {others}
    }
    .into_any()
}

/// The problems of the card as a whole.
#[component]
fn CardProblems(desk: Desk, at: String, known: Vec<String>) -> impl IntoView {
    let found = Memo::new(move |_| {
        desk.problems.with(|problems| {
            let here = remaining(problems, &at, &known);
            here.into_iter().cloned().collect::<Vec<_>>()
        })
    });
    move || {
        let problems = found.get();
        (!problems.is_empty()).then(|| {
            view! { <div class="inspector-problems" data-testid="inspector-problems"><ProblemList problems/></div> }
        })
    }
}
