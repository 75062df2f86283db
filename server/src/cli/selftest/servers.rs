//! The servers of the test: this very program, started again and again.

use std::{
    collections::HashMap, fs::File, net::TcpListener, path::PathBuf, process::Stdio, time::Duration,
};

use reqwest::{Method, header};
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use super::LEASE_MS;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(60);

/// How often it is asked whether it answers, or whether all runs have ended.
const LOOK: Duration = Duration::from_millis(20);

pub(super) struct Servers {
    folder: PathBuf,
    database: Option<String>,
    client: reqwest::Client,
    all: Vec<Server>,
}

struct Server {
    port: u16,
    child: Child,
    /// How often it was started: each time has a log of its own.
    starts: u32,
}

impl Servers {
    pub(super) async fn start(
        count: usize,
        folder: PathBuf,
        database: Option<String>,
        client: reqwest::Client,
    ) -> Result<Servers, String> {
        let mut servers = Servers {
            folder,
            database,
            client,
            all: Vec::new(),
        };
        for number in 0..count.max(1) {
            let port = free_port()?;
            let child = servers.spawn(number, port, 0)?;
            servers.all.push(Server {
                port,
                child,
                starts: 0,
            });
            // One after the other: the first one makes the schema and the key.
            servers.answers(number).await?;
        }
        Ok(servers)
    }

    /// Where they listen.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.all
            .iter()
            .map(|server| format!("http://127.0.0.1:{}", server.port))
            .collect()
    }

    /// Makes the flow and publishes it.
    pub(super) async fn publish(&self, flow: &Value) -> Result<(), String> {
        let made = self.call(Method::POST, "/flows", Some(flow)).await?;
        let id = made["flow"]["id"].as_str().unwrap_or("selftest").to_owned();
        let path = format!("/flows/{id}/publish");
        let empty = Value::Object(serde_json::Map::new());
        self.call(Method::POST, &path, Some(&empty)).await?;
        Ok(())
    }

    /// Kills a server without warning, and starts it again.
    pub(super) async fn kill_and_start(&mut self, number: usize) -> Result<(), String> {
        let server = &mut self.all[number];
        server.child.kill().await.map_err(|error| {
            format!("server {number} could not be killed, it may have ended by itself: {error}")
        })?;
        server.starts += 1;
        let (port, starts) = (server.port, server.starts);
        let child = self.spawn(number, port, starts)?;
        self.all[number].child = child;
        self.answers(number).await
    }

    /// Waits until all runs have ended or patience is at its end, and gives the status of each.
    pub(super) async fn ended_runs(&self, end: Instant) -> Result<HashMap<String, String>, String> {
        for status in ["running", "waiting"] {
            let path = format!("/runs?status={status}&limit=1");
            while Instant::now() < end {
                let page = self.call(Method::GET, &path, None).await?;
                if page["items"].as_array().is_none_or(Vec::is_empty) {
                    break;
                }
                sleep(LOOK * 10).await;
            }
        }
        let mut runs = HashMap::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/runs?limit=200{cursor}");
            let page = self.call(Method::GET, &path, None).await?;
            for run in page["items"].as_array().into_iter().flatten() {
                let word = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
                runs.insert(word("id"), word("status"));
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(runs),
            }
        }
    }

    /// Ends all of them.
    pub(super) async fn stop(&mut self) {
        for server in &mut self.all {
            // One that has ended already is no trouble here.
            let _ = server.child.kill().await;
        }
    }

    fn spawn(&self, number: usize, port: u16, starts: u32) -> Result<Child, String> {
        let name = |error: std::io::Error| format!("server {number} cannot be started: {error}");
        let log = self.folder.join(format!("server-{number}-{starts}.log"));
        let log = File::create(log).map_err(name)?;
        let program = std::env::current_exe().map_err(name)?;
        let mut command = Command::new(program);
        command
            .arg("serve")
            .env_remove("WEIR_CONFIG")
            .env_remove("WEIR_DATABASE_URL")
            .env("WEIR_DATA", self.folder.join("data"))
            .env("WEIR_LISTEN", format!("127.0.0.1:{port}"))
            .env("WEIR_OUTBOUND_ALLOW", "127.0.0.1")
            .env("WEIR_LEASE_MS", LEASE_MS.to_string())
            .env("WEIR_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        if let Some(url) = &self.database {
            command.env("WEIR_DATABASE_URL", url);
        }
        command.spawn().map_err(name)
    }

    /// Waits until a server is ready.
    async fn answers(&mut self, number: usize) -> Result<(), String> {
        let end = Instant::now() + START;
        let url = format!("http://127.0.0.1:{}/health/ready", self.all[number].port);
        while Instant::now() < end {
            let ready = self.client.get(&url).send().await;
            if ready.is_ok_and(|reply| reply.status().is_success()) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.all[number].child.try_wait() {
                return Err(format!("server {number} ended by itself ({status})"));
            }
            sleep(LOOK).await;
        }
        Err(format!("server {number} does not answer"))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let url = format!("http://127.0.0.1:{}/api/v1{path}", self.all[0].port);
        let mut request = self.client.request(method, &url);
        if let Some(body) = body {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let reply = request.send().await.map_err(|error| error.to_string())?;
        let status = reply.status();
        let text = reply.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{path} answered {status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
    }
}

/// A port of the loopback that is free now.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = listener.map_err(|error| format!("no port of the loopback is free: {error}"))?;
    Ok(address.port())
}
