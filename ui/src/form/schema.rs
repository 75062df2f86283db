//! A field for a JSON Schema, which can be made from a sample.

use leptos::prelude::*;
use serde_json::{Map, Value, json};

use super::{code, slot::Slot};
use crate::{
    kit::{button::Button, icon::Icon},
    texts::texts,
};

/// The editor of a schema with a button that makes one from what the sample holds: the body of the message for a
/// trigger, the input for a step.
pub(crate) fn schema(slot: &Slot) -> AnyView {
    let t = texts();
    let (desk, card) = (slot.desk, slot.card.clone());
    let sample = Memo::new(move |_| {
        let card = card.as_ref()?;
        let seen = desk.sampled_here(|sample, ground| {
            if ground.drawn.triggers.contains_key(card) {
                sample.trigger.get("body").cloned().unwrap_or_default()
            } else {
                sample.input(ground, card)
            }
        });
        seen.filter(|seen| !seen.is_null())
    });
    let slot = slot.clone();
    let made = slot.clone();
    let make = move |_| {
        if let Some(value) = sample.get_untracked() {
            made.put(Some(schema_of(&value)));
        }
    };
    view! {
        {code::json(&slot, true)}
        <div class="form-tools">
            <Button
                label=t.form_schema_make
                icon=Icon::Braces
                off=Signal::derive(move || sample.with(Option::is_none))
                test="schema-make"
                press=make
            />
            {move || sample.with(Option::is_none).then(|| view! { <span class="form-help">{desk.no_sample()}</span> })}
        </div>
    }
    .into_any()
}

/// A JSON Schema that a value satisfies: every key of its objects is required, and its lists are of one kind.
fn schema_of(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Number(number) if number.is_f64() => json!({ "type": "number" }),
        Value::Number(_) => json!({ "type": "integer" }),
        Value::String(_) => json!({ "type": "string" }),
        Value::Array(items) => {
            let each = items.iter().map(schema_of).reduce(merged);
            match each {
                Some(each) => json!({ "type": "array", "items": each }),
                None => json!({ "type": "array" }),
            }
        }
        Value::Object(entries) => {
            let properties: Map<String, Value> = entries
                .iter()
                .map(|(key, value)| (key.clone(), schema_of(value)))
                .collect();
            let required: Vec<&String> = entries.keys().collect();
            json!({ "type": "object", "properties": properties, "required": required })
        }
    }
}

/// A schema that is satisfied by what satisfies either of two.
fn merged(a: Value, b: Value) -> Value {
    if a == b {
        return a;
    }
    let kind = |schema: &Value| {
        schema
            .get("type")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    match (kind(&a), kind(&b)) {
        (Some(a), Some(b)) if a != b => match (a.as_str(), b.as_str()) {
            ("integer", "number") | ("number", "integer") => json!({ "type": "number" }),
            _ => json!({}),
        },
        (Some(kind), Some(_)) if kind == "object" => {
            let map = |schema: &Value, key: &str| {
                let found = schema.get(key).and_then(Value::as_object);
                found.cloned().unwrap_or_default()
            };
            let required = |schema: &Value| {
                let found = schema.get("required").and_then(Value::as_array);
                found.cloned().unwrap_or_default()
            };
            let mut properties = map(&a, "properties");
            for (key, schema) in map(&b, "properties") {
                let both = match properties.remove(&key) {
                    Some(known) => merged(known, schema),
                    None => schema,
                };
                properties.insert(key, both);
            }
            let other = required(&b);
            let both: Vec<Value> = required(&a)
                .into_iter()
                .filter(|key| other.contains(key))
                .collect();
            json!({ "type": "object", "properties": properties, "required": both })
        }
        (Some(kind), Some(_)) if kind == "array" => match (a.get("items"), b.get("items")) {
            (Some(a), Some(b)) => json!({ "type": "array", "items": merged(a.clone(), b.clone()) }),
            (Some(items), None) | (None, Some(items)) => json!({ "type": "array", "items": items }),
            (None, None) => json!({ "type": "array" }),
        },
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weir_flows::schema::Schema;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            (-1.0e6..1.0e6f64).prop_map(Value::from),
            "[a-c]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_satisfies_the_schema_made_from_it(value in any_value()) {
            let schema = Schema::compile(&schema_of(&value)).unwrap();
            prop_assert_eq!(schema.check(&value), vec![]);
        }
    }

    #[test]
    fn the_items_of_a_list_share_a_schema() {
        let items = json!([{ "sku": "a", "qty": 1 }, { "sku": "b", "qty": 1.5, "note": "x" }]);
        assert_eq!(
            schema_of(&items)["items"],
            json!({
                "type": "object",
                "properties": {
                    "sku": { "type": "string" },
                    "qty": { "type": "number" },
                    "note": { "type": "string" },
                },
                "required": ["qty", "sku"],
            })
        );
    }
}
