//! `weir import` and `weir export`: flow files into and out of a running server, over its API.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::{CLEAN, PROBLEMS, Server, unusable};

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Imports files as drafts, in place of earlier drafts, and publishes them when asked to.
pub(super) async fn import(files: &[PathBuf], publish: bool, server: &Server) -> u8 {
    let api = match Api::new(server) {
        Ok(api) => api,
        Err(error) => return unusable(&error),
    };
    let mut code = CLEAN;
    for file in files {
        let told = match fs::read_to_string(file) {
            Err(error) => Err((
                super::UNUSABLE,
                format!("{} cannot be read: {error}", file.display()),
            )),
            Ok(text) => api.import(&text, publish).await,
        };
        match told {
            Ok(line) => println!("{}: {line}", file.display()),
            Err((worse, message)) => {
                eprintln!("{}: {message}", file.display());
                code = code.max(worse);
            }
        }
    }
    code
}

/// Exports drafts as files.
pub(super) async fn export(flows: &[String], out: Option<&Path>, server: &Server) -> u8 {
    let api = match Api::new(server) {
        Ok(api) => api,
        Err(error) => return unusable(&error),
    };
    match api.export(flows, out).await {
        Ok(()) => CLEAN,
        Err((code, message)) => {
            eprintln!("weir: {message}");
            code
        }
    }
}

/// A client for a server that a person names, as `--server` does; what flows call goes through the outbound guard instead.
pub(super) fn client(timeout: Duration) -> Result<reqwest::Client, String> {
    let roots: Vec<_> = webpki_roots::TLS_SERVER_ROOTS.to_vec();
    let store = rustls::RootCertStore { roots };
    let tls = rustls::ClientConfig::builder()
        .with_root_certificates(store)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .timeout(timeout)
        .tls_backend_preconfigured(tls)
        .build();
    client.map_err(|error| error.to_string())
}

type Told<T> = Result<T, (u8, String)>;

struct Api {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Api {
    fn new(server: &Server) -> Result<Api, String> {
        let base = server.server.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(format!(
                "`{base}` is not a server's address; write http://127.0.0.1:8080"
            ));
        }
        Ok(Api {
            client: client(TIMEOUT)?,
            base,
            token: server.token.clone(),
        })
    }

    async fn import(&self, text: &str, publish: bool) -> Told<String> {
        let (status, answer) = self
            .call(Method::POST, "/flows", Some(text.to_owned()))
            .await?;
        let id = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|document| document["id"].as_str().map(str::to_owned))
            .unwrap_or_default();
        let (word, answer) = match status {
            StatusCode::CREATED => ("imported", answer),
            StatusCode::CONFLICT => {
                let (status, answer) = self
                    .call(Method::PUT, &format!("/flows/{id}"), Some(text.to_owned()))
                    .await?;
                if !status.is_success() {
                    return Err(refused(&answer));
                }
                ("updated", answer)
            }
            _ => return Err(refused(&answer)),
        };
        let mut line = format!("{word} `{id}`");
        if publish {
            let (status, answer) = self
                .call(
                    Method::POST,
                    &format!("/flows/{id}/publish"),
                    Some("{}".to_owned()),
                )
                .await?;
            if !status.is_success() {
                return Err(refused(&answer));
            }
            line.push_str(&format!(", published as version {}", answer["version"]));
        }
        for problem in answer["problems"].as_array().into_iter().flatten() {
            line.push_str(&format!(
                "\n  {} {}: {}",
                word_of(problem, "severity"),
                word_of(problem, "at"),
                word_of(problem, "message")
            ));
        }
        Ok(line)
    }

    async fn export(&self, flows: &[String], out: Option<&Path>) -> Told<()> {
        let all = if flows.is_empty() {
            self.all_flows().await?
        } else {
            flows.to_vec()
        };
        if out.is_none() && all.len() != 1 {
            return Err((
                super::UNUSABLE,
                format!(
                    "{} flows would be written; say where with --out DIR",
                    all.len()
                ),
            ));
        }
        for id in &all {
            let answer = self
                .send(Method::GET, &format!("/flows/{id}"), None)
                .await?;
            let status = answer.status();
            let text = answer
                .text()
                .await
                .map_err(|error| (super::UNUSABLE, error.to_string()))?;
            if !status.is_success() {
                return Err(refused(&serde_json::from_str(&text).unwrap_or_default()));
            }
            match out {
                None => print!("{text}"),
                Some(dir) => {
                    let path = dir.join(format!("{id}.json"));
                    let written = fs::create_dir_all(dir).and_then(|()| fs::write(&path, text));
                    written.map_err(|error| {
                        (
                            super::UNUSABLE,
                            format!("{} cannot be written: {error}", path.display()),
                        )
                    })?;
                    println!("{}", path.display());
                }
            }
        }
        Ok(())
    }

    async fn all_flows(&self) -> Told<Vec<String>> {
        let mut ids = Vec::new();
        let mut path = "/flows?limit=200".to_owned();
        loop {
            let (status, page) = self.call(Method::GET, &path, None).await?;
            if !status.is_success() {
                return Err(refused(&page));
            }
            let items = page["items"].as_array().into_iter().flatten();
            ids.extend(items.filter_map(|flow| flow["id"].as_str().map(str::to_owned)));
            match page["next"].as_str() {
                Some(next) => path = format!("/flows?limit=200&cursor={next}"),
                None => return Ok(ids),
            }
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Told<(StatusCode, Value)> {
        let answer = self.send(method, path, body).await?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .map_err(|error| (super::UNUSABLE, error.to_string()))?;
        Ok((
            status,
            serde_json::from_str(&text)
                .unwrap_or_else(|_| json!({ "title": status.to_string(), "detail": text })),
        ))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Told<reqwest::Response> {
        let mut request = self
            .client
            .request(method, format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body);
        }
        let unreachable = |error: reqwest::Error| {
            let message = format!(
                "the server {} cannot be reached: {}; is it running? Name it with --server",
                self.base,
                error.without_url()
            );
            (super::UNUSABLE, message)
        };
        request.send().await.map_err(unreachable)
    }
}

fn word_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn refused(problem: &Value) -> (u8, String) {
    let mut text = format!(
        "{}: {}",
        word_of(problem, "title"),
        word_of(problem, "detail")
    );
    for error in problem["errors"].as_array().into_iter().flatten() {
        text.push_str(&format!(
            "\n  {} [{}] {}",
            word_of(error, "at"),
            word_of(error, "code"),
            word_of(error, "message")
        ));
    }
    (PROBLEMS, text)
}
