//! Flow documents over HTTP: reading them strictly, their schema, and their deterministic print.

use std::sync::Arc;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use weir_flows::{check, document::Flow, json, problem::Problem as Found, shape};

use crate::connectors;

use super::{
    App, WORKSPACE,
    extract::Text,
    problem::{Answer, Finding, Problem, findings},
    value,
};

/// Where the schema of the flow file and its parts go in the OpenAPI document.
const SCHEMA: &str = "Flow";

/// Which documents are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    /// Those without errors.
    Sound,
    /// Those whose shape is right, whatever errors they have: somebody is still writing.
    Unfinished,
}

/// A document that may be stored.
pub(super) struct Checked {
    /// The document.
    pub(super) flow: Arc<Flow>,
    /// Its deterministic print, as it is stored and exported.
    pub(super) text: String,
    /// What a person should look at. Errors only where the document may be unfinished.
    pub(super) problems: Vec<Finding>,
}

/// Reads and checks a document. Nothing is stored of one that does not pass the bar.
///
/// # Errors
/// 400 where it is not JSON, 422 with its problems where it has errors that the bar does not let pass.
pub(super) async fn check(app: &App, text: &Text, bar: Bar) -> Answer<Checked> {
    let document = text.value()?;
    let names = app.engine().names(WORKSPACE).await?;
    let engine = app.engine().clone();
    // Compiling the scripts of a large document takes a while, and other requests wait behind it.
    let checked = tokio::task::spawn_blocking(move || {
        connectors::judge(check::check_value(
            &document,
            engine.catalog(),
            Some(&names),
        ))
    });
    let checked = checked.await.map_err(Problem::internal)?;
    match checked.flow {
        Some(flow) if bar == Bar::Unfinished || !checked.problems.iter().any(Found::is_error) => {
            let text = json::print(&*flow).map_err(Problem::internal)?;
            Ok(Checked {
                flow,
                text,
                problems: findings(checked.problems),
            })
        }
        _ => Err(Problem::document(checked.problems)),
    }
}

/// A document as it is stored.
pub(super) fn answer(text: String) -> Response {
    ([(header::CONTENT_TYPE, value("application/json"))], text).into_response()
}

/// The JSON Schema of the flow file
///
/// Draft 2020-12. Editors complete and check flow files with it.
#[utoipa::path(get, path = "/api/v1/schemas/flow", tag = "Reference", operation_id = "flow_schema",
    responses((status = 200, description = "The schema.", body = serde_json::Value, content_type = "application/schema+json")))]
pub(super) async fn schema() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, value("application/schema+json"))],
        shape::schema().to_string(),
    )
}

/// The schema of the flow file and its parts as components of the OpenAPI document.
pub(super) fn schemas() -> Vec<(String, Value)> {
    let mut schema = shape::schema().clone();
    rename(&mut schema);
    let Some(root) = schema.as_object_mut() else {
        return Vec::new();
    };
    root.remove("$schema");
    let parts = root.remove("$defs").and_then(|parts| match parts {
        Value::Object(parts) => Some(parts),
        _ => None,
    });
    let parts = parts
        .unwrap_or_else(Map::new)
        .into_iter()
        .map(|(name, part)| (format!("{SCHEMA}.{name}"), part));
    parts.chain([(SCHEMA.to_owned(), schema)]).collect()
}

/// Lets references point to where the parts are in the OpenAPI document.
fn rename(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            for (key, entry) in entries {
                match (key.as_str(), &mut *entry) {
                    ("$ref", Value::String(place)) => {
                        if let Some(name) = place.strip_prefix("#/$defs/") {
                            *place = format!("#/components/schemas/{SCHEMA}.{name}");
                        }
                    }
                    _ => rename(entry),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        _ => {}
    }
}
