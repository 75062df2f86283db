//! The rules of a trigger: which messages start a run, what becomes of them, and what their body must be.

use leptos::prelude::*;
use weir_flows::catalog::FieldKind;

use super::{
    code::{self, Computes},
    field::{FieldView, Framed},
    phrases::field,
    section::Section,
    slot::Sheet,
};
use crate::texts::texts;

/// The keys of a trigger that its rules are made of.
const KEYS: [&str; 4] = ["filter", "map", "dedupe", "schema"];

/// The places of a trigger's rules within the document.
pub(super) fn rule_places(at: &str) -> Vec<String> {
    KEYS.iter().map(|key| format!("{at}/{key}")).collect()
}

/// The section of a trigger's rules.
#[component]
pub(super) fn RulesSection(sheet: Sheet) -> impl IntoView {
    let t = texts();
    let places = rule_places(&sheet.part().at());
    let filled = Signal::derive(move || KEYS.iter().any(|key| sheet.has(&format!("/{key}"))));
    view! {
        <Section word="rules" title=t.form_rules desk=sheet.desk places filled>
            {rules(sheet)}
        </Section>
    }
}

fn rules(sheet: Sheet) -> AnyView {
    let filter = field(
        "filter",
        FieldKind::Condition,
        |t| t.panel_filter,
        |t| t.form_filter_help,
    )
    .example("trigger.body.total > 0");
    let map = field(
        "map",
        FieldKind::Condition,
        |t| t.panel_map,
        |t| t.form_map_help,
    )
    .example("trigger.body.order");
    let dedupe = field(
        "dedupe",
        FieldKind::Condition,
        |t| t.panel_dedupe,
        |t| t.form_dedupe_help,
    )
    .example("trigger.body.order_id");
    let schema = field(
        "schema",
        FieldKind::Schema,
        |t| t.panel_schema,
        |t| t.form_schema_help,
    );
    let (map, dedupe) = (sheet.slot("/map", map), sheet.slot("/dedupe", dedupe));
    let (mapped, once) = (map.clone(), dedupe.clone());
    view! {
        <FieldView of=sheet.slot("/filter", filter)/>
        <Framed of=map control=move || code::rhai(&mapped, Computes::Expression)/>
        <Framed of=dedupe control=move || code::rhai(&once, Computes::Expression)/>
        <FieldView of=sheet.slot("/schema", schema)/>
    }
    .into_any()
}
