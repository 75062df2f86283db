//! The OpenAPI document: generated from the handlers, completed with what holds for all of them.

use axum::{extract::State, http::header, response::IntoResponse};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    App, approvals, connections, cursors, document, events, flows, letters, metrics,
    problem::{Code, MEDIA_TYPE, TYPE_PREFIX, Written},
    replay, runs, schedules, secrets, start, system, tries, value, versions,
};

/// The head of the document.
#[derive(OpenApi)]
#[openapi(
    info(title = "Weir API", description = "", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(Written)),
    tags(
        (name = "Flows", description = "Drafts of flows, as documents: list, read, write, delete."),
        (name = "Versions", description = "Published copies of flows. Only they run in production."),
        (name = "Runs", description = "What flows have done and are doing, step by step."),
        (name = "Schedules", description = "What fires when, and where polls go on."),
        (name = "Dead letters", description = "Runs that ended in failure, until a person has dealt with them."),
        (name = "Approvals", description = "What runs wait for a person to decide."),
        (name = "Tries", description = "Rehearsals: a draft is run for a message, with real or mocked actions. A try lives in the memory of this server, is not in the history, and is gone after a while."),
        (name = "Live", description = "Changes as they happen, as server-sent events. A browser's `EventSource` reads them."),
        (name = "Connections", description = "Where actions call, and as whom."),
        (name = "Secrets", description = "Sealed values that connections and signatures use. They can be written and never read."),
        (name = "Reference", description = "What this server knows: kinds of steps, functions of scripts, the form of a flow file."),
        (name = "Operation", description = "How the server is.")
    )
)]
struct Head;

/// All operations that the document describes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(flows::list, flows::create))
        .routes(routes!(flows::read, flows::replace, flows::delete))
        .routes(routes!(flows::summary))
        .routes(routes!(flows::enable))
        .routes(routes!(flows::disable))
        .routes(routes!(flows::pause))
        .routes(routes!(flows::resume))
        .routes(routes!(versions::publish))
        .routes(routes!(versions::list))
        .routes(routes!(versions::read))
        .routes(routes!(start::run))
        .routes(routes!(runs::list))
        .routes(routes!(runs::read))
        .routes(routes!(runs::message))
        .routes(routes!(runs::input))
        .routes(routes!(runs::output))
        .routes(routes!(runs::items))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::preview))
        .routes(routes!(schedules::fires))
        .routes(routes!(cursors::read, cursors::write, cursors::delete))
        .routes(routes!(runs::cancel))
        .routes(routes!(replay::replay))
        .routes(routes!(replay::read_plan, replay::plan))
        .routes(routes!(letters::list))
        .routes(routes!(letters::read, letters::claim))
        .routes(routes!(letters::discard))
        .routes(routes!(letters::replay))
        .routes(routes!(letters::plan))
        .routes(routes!(letters::discard_many))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::read))
        .routes(routes!(approvals::decide))
        .routes(routes!(tries::start))
        .routes(routes!(tries::read, tries::stop))
        .routes(routes!(tries::follow))
        .routes(routes!(events::of_run))
        .routes(routes!(events::of_all))
        .routes(routes!(connections::list))
        .routes(routes!(
            connections::read,
            connections::replace,
            connections::delete
        ))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::replace, secrets::delete))
        .routes(routes!(system::catalog))
        .routes(routes!(system::functions))
        .routes(routes!(document::schema))
        .routes(routes!(serve))
        .routes(routes!(system::system))
        .routes(routes!(system::live))
        .routes(routes!(system::ready))
        .routes(routes!(metrics::show))
}

/// The OpenAPI document
///
/// This API as an OpenAPI 3.1 document. `/api/docs` shows it as a page.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "Reference", operation_id = "openapi",
    responses((status = 200, description = "The document.", body = serde_json::Value)))]
async fn serve(State(app): State<App>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, value("application/json"))],
        app.0.openapi.clone(),
    )
}

/// The generated document with the schema of the flow file, the problem that every operation may answer, and the introduction.
pub(super) fn finish(generated: &utoipa::openapi::OpenApi) -> Value {
    let mut document =
        serde_json::to_value(generated).expect("a document of the generator is JSON");
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    document["info"]["description"] = introduction().into();
    let schemas = &mut document["components"]["schemas"];
    for (name, schema) in document::schemas() {
        schemas[name] = schema;
    }
    schemas["Problem"]["description"] = "An error (RFC 9457).".into();
    schemas["Problem"]["properties"]["type"]["enum"] = Code::ALL
        .map(|code| format!("{TYPE_PREFIX}{}", code.word()))
        .as_slice()
        .into();
    let problem = json!({ MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } });
    document["components"]["responses"] = json!({ "Problem": {
        "description": "It was not done. The problem says why and what to do.",
        "headers": { "x-request-id": { "description": "The id of the request, given or made.", "schema": { "type": "string" } } },
        "content": problem,
    }});
    let paths = document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut);
    for operation in paths
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
    {
        // Only operations have responses; a path's own parameters do not.
        let Some(responses) = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        for (_, response) in responses
            .iter_mut()
            .filter(|(status, _)| is_refusal(status))
        {
            response["content"] = problem.clone();
        }
        let other = json!({ "$ref": "#/components/responses/Problem" });
        responses.insert("default".to_owned(), other);
        for parameter in operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            may_be_absent(&mut parameter["schema"]);
        }
    }
    document
}

fn is_refusal(status: &str) -> bool {
    status.starts_with(['4', '5'])
}

/// A parameter that may be left out is absent then, and never null.
fn may_be_absent(schema: &mut Value) {
    if let Some([kind, null]) = schema["type"].as_array().map(Vec::as_slice)
        && null == "null"
    {
        schema["type"] = kind.clone();
    }
}

/// What a reader must know before the first call.
fn introduction() -> String {
    let mut text = String::from(INTRODUCTION);
    for code in Code::ALL {
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            code.word(),
            code.status().as_u16(),
            code.title()
        ));
    }
    text
}

const INTRODUCTION: &str = "\
Everything that Weir's page and command line do goes through this API.

**Lists** answer `{\"items\": […], \"next\": cursor or null}` and a `Link` header; ask for the next page with `?cursor=`.

**Times** are RFC 3339 in UTC with milliseconds.

**Guarded writes.** Drafts and connections have an `ETag`. Send it back as `If-Match`, and the write is refused with 412 \
where somebody else was faster. `Idempotency-Key` makes the start of a run, its replay and the import of a flow safe to send again: \
the second request gets the first one's answer. `If-None-Match` saves reading a draft again that has not changed. PUT and DELETE leave the same state \
however often they are sent; each publish makes a version.

**Messages** for flows do not come in here but at `/in/main/…`, where each http and webhook trigger listens at its own \
path. A run that waits is answered at its own link, below `/callback/`. The header `Weir-Run` of an answer there names its run. A flow that is switched off answers there with 503, \
`flow_disabled` and `Retry-After`. One that is paused answers with 202 and lets the message wait. Where too much is underway, or too much \
of one flow, the answer is 503, `busy` and `Retry-After`, and nothing was stored.

**Problems.** Every error is `application/problem+json` (RFC 9457). Its `type` is `urn:weir:problem:` and one of these codes; \
new ones may be added. Its `request_id` is in the server's log, too.

| code | status | title |
|---|---|---|
";
