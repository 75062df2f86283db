//! Puts secrets into the settings of a call, only where the author of the flow named them.

use std::collections::BTreeMap;

use serde_json::Value;
use weir_flows::failure::Failure;
use weir_flows::settings::secret_name;
use zeroize::Zeroize;

use crate::secrets::{Mask, Secret, Secrets, reveal};

/// Settings that may hold secrets. Their texts are wiped when they are dropped.
pub(super) struct Filled(Value);

impl Filled {
    /// The settings with their secrets.
    pub(super) fn value(&self) -> &Value {
        &self.0
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The settings with the secrets that the author wrote, or `None` where there is none and nothing needs a copy.
///
/// `written` is the same value as the author wrote it, before expressions were evaluated. Both are walked side by
/// side: where the author wrote an expression, whatever it gave is data.
pub(super) async fn fill(
    config: &Value,
    written: &Value,
    secrets: &dyn Secrets,
    mask: &mut Mask,
) -> Result<Option<Filled>, Failure> {
    let mut values = BTreeMap::new();
    for name in names(written) {
        if !values.contains_key(name) {
            values.insert(name, reveal(name, secrets, mask).await?);
        }
    }
    if values.is_empty() {
        return Ok(None);
    }
    Ok(Some(Filled(place(config, written, &values))))
}

/// Whether the author named a secret somewhere in this value.
pub(super) fn holds_secret(written: Option<&Value>) -> bool {
    written.is_some_and(|written| !names(written).is_empty())
}

fn names(written: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    weir_flows::settings::secret_names(written, &mut found);
    found
}

fn place(config: &Value, written: &Value, values: &BTreeMap<&str, Secret>) -> Value {
    if let Some(secret) = secret_name(written).and_then(|name| values.get(name)) {
        return secret.expose().into();
    }
    match (config, written) {
        (Value::Object(map), Value::Object(written)) => Value::Object(
            map.iter()
                .map(|(key, value)| {
                    let written = written.get(key).unwrap_or(&Value::Null);
                    (key.clone(), place(value, written, values))
                })
                .collect(),
        ),
        (Value::Array(items), Value::Array(written)) => items
            .iter()
            .enumerate()
            .map(|(i, item)| place(item, written.get(i).unwrap_or(&Value::Null), values))
            .collect(),
        _ => config.clone(),
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn only_what_the_author_named_is_filled_in() {
        let secrets: BTreeMap<String, Secret> = [("a", "AAAA"), ("b", "BBBB")]
            .map(|(k, v)| (k.to_owned(), Secret::new(v)))
            .into();
        let named = |name: &str| json!({ "$secret": name });
        let table = [
            // As written, as evaluated, as filled in.
            (
                json!({ "headers": { "k": named("a") } }),
                json!({ "headers": { "k": named("a") } }),
                json!({ "headers": { "k": "AAAA" } }),
            ),
            (
                json!({ "body": [1, named("a"), { "x": named("b") }] }),
                json!({ "body": [1, named("a"), { "x": named("b") }] }),
                json!({ "body": [1, "AAAA", { "x": "BBBB" }] }),
            ),
            // What an expression brought in is data, also where it looks like a secret.
            (
                json!({ "k": named("b"), "body": "= trigger.body" }),
                json!({ "k": named("b"), "body": named("a") }),
                json!({ "k": "BBBB", "body": named("a") }),
            ),
            (
                json!({ "k": named("b"), "body": { "x": "= input" } }),
                json!({ "k": named("b"), "body": { "x": [named("a")] } }),
                json!({ "k": "BBBB", "body": { "x": [named("a")] } }),
            ),
        ];
        for (written, config, expected) in table {
            let mut mask = Mask::default();
            let filled = fill(&config, &written, &secrets, &mut mask)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(*filled.value(), expected);
        }
        let mut mask = Mask::default();
        let data = json!({ "body": named("a") });
        let none = fill(&data, &json!({ "body": "= input" }), &secrets, &mut mask)
            .await
            .unwrap();
        assert!(none.is_none() && mask.is_empty());
        assert!(
            fill(
                &data,
                &json!({ "body": named("nope") }),
                &secrets,
                &mut mask
            )
            .await
            .is_err()
        );
    }
}
