//! `/api/docs`: the OpenAPI document as a page to read, made on the server, without scripts.

mod schema;
mod text;

use std::fmt::Write;

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};
use serde_json::{Map, Value};

use super::{App, value};
use schema::{Schemas, anchor};
use text::{escape, inline, markdown};

/// The look of the page.
const STYLE: &str = include_str!("docs/style.css");

/// The order of the methods of one path.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page and its look.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/docs", get(serve))
        .route("/api/docs/style.css", get(style))
}

async fn serve(State(app): State<App>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, value("text/html; charset=utf-8"))],
        app.0.docs.clone(),
    )
}

async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, value("text/css; charset=utf-8")),
        (header::CACHE_CONTROL, value("no-cache")),
    ];
    (headers, STYLE)
}

/// One operation of the document.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    /// What the document says of it.
    said: &'a Value,
}

/// The page for a document.
pub(super) fn page(document: &Value) -> String {
    let schemas = Schemas(&document["components"]["schemas"]);
    let tags = document["tags"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let operations = operations(document);
    let (mut index, mut body) = (String::new(), String::new());
    for tag in tags {
        let name = word(&tag["name"]);
        let own: Vec<&Operation> = operations
            .iter()
            .filter(|operation| operation.said["tags"][0] == name)
            .collect();
        let id = name.to_ascii_lowercase();
        push(
            &mut index,
            format_args!("<li><a href=\"#{id}\">{}</a><ul>", escape(name)),
        );
        push(
            &mut body,
            format_args!(
                "<section id=\"{id}\"><h2>{}</h2>{}",
                escape(name),
                markdown(word(&tag["description"]))
            ),
        );
        for operation in own {
            push(
                &mut index,
                format_args!(
                    "<li><a href=\"#{}\">{}</a></li>",
                    word(&operation.said["operationId"]),
                    escape(word(&operation.said["summary"]))
                ),
            );
            operation.write(&schemas, &mut body);
        }
        index.push_str("</ul></li>");
        body.push_str("</section>");
    }
    body.push_str("<section id=\"schemas\"><h2>Schemas</h2>");
    schemas.write(&mut body);
    body.push_str("</section>");
    let (title, version) = (
        escape(word(&document["info"]["title"])),
        escape(word(&document["info"]["version"])),
    );
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title><link rel=\"stylesheet\" href=\"/api/docs/style.css\"></head><body>\
         <a class=\"skip\" href=\"#main\">Skip to the operations</a>\
         <nav aria-label=\"Contents\"><p class=\"brand\"><a href=\"/\">Weir</a></p><ul><li><a href=\"#main\">Introduction</a></li>{index}<li><a href=\"#schemas\">Schemas</a></li></ul></nav>\
         <main id=\"main\"><header><h1>{title} <small>{version}</small></h1><p><a href=\"/api/v1/openapi.json\">OpenAPI document</a> · <a href=\"/api/v1/schemas/flow\">JSON Schema of the flow file</a></p></header>\
         <section class=\"introduction\">{}</section>{body}</main></body></html>",
        markdown(word(&document["info"]["description"])),
    )
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut operations = Vec::new();
    for (path, item) in paths {
        operations.extend(METHODS.iter().filter_map(|method| {
            Some(Operation {
                method,
                path,
                said: item.get(method)?,
            })
        }));
    }
    operations
}

impl Operation<'_> {
    fn write(&self, schemas: &Schemas, out: &mut String) {
        let Operation { method, path, said } = self;
        push(
            out,
            format_args!(
                "<article id=\"{}\"><h3>{}</h3>",
                word(&said["operationId"]),
                escape(word(&said["summary"]))
            ),
        );
        push(
            out,
            format_args!(
                "<p class=\"address\"><span class=\"method {method}\">{}</span><code>{}</code></p>",
                method.to_ascii_uppercase(),
                escape(path)
            ),
        );
        out.push_str(&markdown(word(&said["description"])));
        self.parameters(schemas, out);
        if let Some((kind, body)) = content(&said["requestBody"]) {
            push(
                out,
                format_args!(
                    "<h4>Body <small>{}</small></h4>{}",
                    escape(kind),
                    markdown(word(&said["requestBody"]["description"]))
                ),
            );
            push(out, format_args!("<p>{}</p>", schemas.kind(body)));
        }
        push(
            out,
            format_args!(
                "<h4>Example</h4><pre tabindex=\"0\"><code>{}</code></pre>",
                escape(&self.call(schemas))
            ),
        );
        self.responses(schemas, out);
        out.push_str("</article>");
    }

    fn parameters(&self, schemas: &Schemas, out: &mut String) {
        let parameters = self.said["parameters"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if parameters.is_empty() {
            return;
        }
        out.push_str("<h4>Parameters</h4><div class=\"wide\"><table><thead><tr><th>Name</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
        for parameter in parameters {
            let needed = if parameter["required"] == true {
                " <em>needed</em>"
            } else {
                ""
            };
            let place = escape(word(&parameter["in"]));
            push(
                out,
                format_args!(
                    "<tr><td><code>{}</code>{needed}</td><td>{place}</td><td>{}</td><td>{}</td></tr>",
                    escape(word(&parameter["name"])),
                    schemas.kind(&parameter["schema"]),
                    inline(word(&parameter["description"])),
                ),
            );
        }
        out.push_str("</tbody></table></div>");
    }

    fn responses(&self, schemas: &Schemas, out: &mut String) {
        out.push_str("<h4>Answers</h4><div class=\"wide\"><table><thead><tr><th>Status</th><th>Meaning</th><th>Body</th></tr></thead><tbody>");
        let responses = self.said["responses"].as_object();
        for (status, response) in responses.into_iter().flatten() {
            if status == "default" {
                let problem = anchor("Problem");
                push(
                    out,
                    format_args!(
                        "<tr><td>other</td><td>It was not done. The problem says why and what to do.</td><td><a href=\"#{problem}\">Problem</a></td></tr>"
                    ),
                );
                continue;
            }
            let body = match content(response) {
                Some((kind, body)) => {
                    format!("{} <small>{}</small>", schemas.kind(body), escape(kind))
                }
                None => String::new(),
            };
            let class = status.chars().next().unwrap_or('0');
            push(
                out,
                format_args!(
                    "<tr><td><span class=\"status s{class}\">{status}</span></td><td>{}</td><td>{body}</td></tr>",
                    inline(word(&response["description"]))
                ),
            );
        }
        out.push_str("</tbody></table></div>");
        let first = responses
            .into_iter()
            .flatten()
            .find_map(|(_, response)| content(response));
        if let Some(("application/json", body)) = first {
            let sample = schemas.sample(body);
            if sample.is_object() {
                let text = serde_json::to_string_pretty(&sample).unwrap_or_default();
                push(
                    out,
                    format_args!(
                        "<details><summary>An answer</summary><pre tabindex=\"0\"><code>{}</code></pre></details>",
                        escape(&text)
                    ),
                );
            }
        }
    }

    /// A call on a command line.
    fn call(&self, schemas: &Schemas) -> String {
        let mut path = (*self.path).to_owned();
        for parameter in self.said["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
        {
            let name = word(&parameter["name"]);
            let example = match &parameter["example"] {
                Value::String(text) => text.clone(),
                Value::Null => continue,
                other => other.to_string(),
            };
            path = path.replace(&format!("{{{name}}}"), &example);
        }
        let mut call = String::from("curl ");
        if self.method != "get" {
            push(
                &mut call,
                format_args!("-X {} ", self.method.to_ascii_uppercase()),
            );
        }
        push(&mut call, format_args!("'http://127.0.0.1:8080{path}'"));
        if let Some((kind, body)) = content(&self.said["requestBody"]) {
            push(&mut call, format_args!(" \\\n  -H 'content-type: {kind}'"));
            match schemas.name(body) {
                Some("Flow") => call.push_str(" \\\n  -d @flow.json"),
                _ => push(
                    &mut call,
                    format_args!(" \\\n  -d '{}'", schemas.sample(body)),
                ),
            }
        }
        call
    }
}

/// The media type and schema of a body.
fn content(body: &Value) -> Option<(&str, &Value)> {
    let contents: &Map<String, Value> = body["content"].as_object()?;
    contents
        .iter()
        .next()
        .map(|(kind, content)| (kind.as_str(), &content["schema"]))
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Writing to a text cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}
