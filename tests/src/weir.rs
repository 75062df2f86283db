//! The real server as a process of its own: started on a free port, asked over HTTP, killed at will.

use std::{
    env,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    database::Database,
    http::{Events, Reply, Request, send},
    wait::until,
};

/// What the server says once it listens; the address follows.
const LISTENS: &str = "Weir listens on http://";

/// What the server says when it was asked to stop.
const STOPS: &str = "stopping: ";

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// The binary `weir`: `WEIR_BIN`, or what cargo has built.
pub fn binary() -> PathBuf {
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let binary = env::var_os("WEIR_BIN").map_or_else(|| target.join("debug/weir"), PathBuf::from);
    assert!(
        binary.is_file(),
        "{} is not there; build it first: cargo build -p weir-server --bin weir",
        binary.display()
    );
    binary
}

/// The binary of an older Weir, for tests of upgrades: `WEIR_OLD_BIN`, which `tests/old-binary` makes.
///
/// # Panics
/// When it is not there.
pub fn old_binary() -> PathBuf {
    let binary = env::var_os("WEIR_OLD_BIN").map(PathBuf::from);
    let binary = binary.filter(|binary| binary.is_file());
    binary.expect("WEIR_OLD_BIN names no file; set it to what `tests/old-binary` prints")
}

/// A program in an environment without settings of Weir.
pub(crate) fn clean_command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WEIR_"))
    {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// How a server is to be started.
#[derive(Default)]
pub struct Start {
    binary: Option<PathBuf>,
    data: Option<PathBuf>,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    shell: bool,
}

impl Start {
    /// The same with another binary.
    #[must_use]
    pub fn binary(mut self, binary: &Path) -> Start {
        self.binary = Some(binary.to_path_buf());
        self
    }

    /// The same with data that is there already.
    #[must_use]
    pub fn data(mut self, folder: &Path) -> Start {
        self.data = Some(folder.to_path_buf());
        self
    }

    /// The same with this database.
    #[must_use]
    pub fn database(self, database: &Database) -> Start {
        match database.url() {
            Some(url) => self.variable("WEIR_DATABASE_URL", &url),
            None => self,
        }
    }

    /// The same with an argument behind `serve`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Start {
        self.arguments.push(argument.to_owned());
        self
    }

    /// The same with an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Start {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same for a server whose files may be kept from growing (`limit_files`): that is an error to it and not its end.
    #[must_use]
    pub fn with_a_disk_that_fills(mut self) -> Start {
        self.shell = true;
        self
    }

    /// Starts the server and waits until it listens.
    ///
    /// # Panics
    /// When it does not; the report shows its log.
    pub fn start(self) -> Weir {
        self.try_start()
            .unwrap_or_else(|(ended, log)| panic!("the server ended with {ended}:\n{log}"))
    }

    /// Starts the server and waits until it listens, or has ended; then its status and its log are given.
    ///
    /// # Errors
    /// The exit status and the log of a server that ended.
    ///
    /// # Panics
    /// When it does neither.
    pub fn try_start(self) -> Result<Weir, (ExitStatus, String)> {
        let temporary = self.data.is_none().then(|| TempDir::new().unwrap());
        let data = self
            .data
            .unwrap_or_else(|| temporary.as_ref().unwrap().path().join("data"));
        let binary = self.binary.unwrap_or_else(binary);
        let mut command = match self.shell {
            false => clean_command(binary),
            true => {
                let mut shell = clean_command("bash");
                shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
                shell.arg(binary);
                shell
            }
        };
        command
            .arg("serve")
            .arg("--data")
            .arg(&data)
            .args(["--listen", "127.0.0.1:0"])
            .args(&self.arguments);
        command
            .env("WEIR_OUTBOUND_ALLOW", "127.0.0.1")
            .envs(self.variables);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().unwrap());
        let copy = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = copy.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let address = until("the server to listen", || {
            let ended = child.try_wait().unwrap();
            let text = log.lock().unwrap().clone();
            match ended {
                Some(status) => Some(Err((status, text))),
                None => address(&text).map(Ok),
            }
        });
        Ok(Weir {
            address: address?,
            data,
            child,
            reader: Some(reader),
            log,
            _temporary: temporary,
        })
    }
}

fn address(log: &str) -> Option<SocketAddr> {
    let rest = &log[log.find(LISTENS)? + LISTENS.len()..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')?;
    rest[..end].parse().ok()
}

/// A running server. It is killed when it is dropped.
pub struct Weir {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its data directory.
    pub data: PathBuf,
    child: Child,
    reader: Option<thread::JoinHandle<()>>,
    log: Arc<Mutex<String>>,
    _temporary: Option<TempDir>,
}

impl Weir {
    /// A server with an empty data directory of its own that may call this machine.
    pub fn start() -> Weir {
        Start::default().start()
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When there is no answer.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Reply {
        send(self.address, request)
            .unwrap_or_else(|error| panic!("{error} at {request:?}; the log:\n{}", self.log()))
    }

    /// Reads a path of the API, such as `/flows`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.send(&Request::new("GET", &format!("/api/v1{path}")))
    }

    /// Sends JSON to a path of the API.
    #[track_caller]
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(&Request::new(method, &format!("/api/v1{path}")).json(body))
    }

    /// Sends JSON to a trigger of the workspace `main`.
    #[track_caller]
    pub fn knock(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(&Request::new(method, &format!("/in/main{path}")).json(body))
    }

    /// Follows server-sent events of the API.
    pub fn events(&self, path: &str) -> Events {
        Events::open(self.address, &format!("/api/v1{path}"))
    }

    /// Imports and publishes a flow.
    ///
    /// # Panics
    /// When either is refused.
    #[track_caller]
    pub fn publish(&self, document: &Value) {
        self.api("POST", "/flows", document).expect(201);
        let id = document["id"].as_str().unwrap();
        self.api("POST", &format!("/flows/{id}/publish"), &json!({}))
            .expect(200);
    }

    /// Stores a connection.
    #[track_caller]
    pub fn connect(&self, name: &str, connection: &Value) {
        self.api("PUT", &format!("/connections/{name}"), connection)
            .expect(201);
    }

    /// Stores a secret.
    #[track_caller]
    pub fn secret(&self, name: &str, value: &str) {
        self.api(
            "PUT",
            &format!("/secrets/{name}"),
            &json!({ "value": value }),
        )
        .expect(204);
    }

    /// A run with all its steps.
    #[track_caller]
    pub fn run(&self, id: &str) -> Value {
        self.get(&format!("/runs/{id}")).expect(200).json()
    }

    /// A run with all its steps, once it has ended.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn ended(&self, id: &str) -> Value {
        until("the run to end", || Some(self.run(id)).filter(is_final))
    }

    /// All runs that a search finds, page by page. The query is `flow=…&status=…`, or empty.
    #[track_caller]
    pub fn runs(&self, query: &str) -> Vec<Value> {
        let mut runs = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self
                .get(&format!("/runs?limit=200&{query}{cursor}"))
                .expect(200)
                .json();
            runs.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return runs,
            }
        }
    }

    /// Sends it a signal, such as `STOP` and `CONT`.
    ///
    /// # Panics
    /// When that cannot be sent.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success(), "kill: {sent}");
    }

    /// How it ended, if it has.
    pub fn exit(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Lets no file of it grow beyond so many bytes from here on, as if the disk were full; or as far as it likes again.
    ///
    /// # Panics
    /// When that cannot be set.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let set = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string()])
            .arg(format!("--fsize={soft}:unlimited"))
            .status();
        let set = set.expect("prlimit is there: it comes with util-linux");
        assert!(set.success(), "prlimit: {set}");
    }

    /// `kill -9`, and what it had logged.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.log()
    }

    /// Asks it to stop (SIGTERM), and waits until it says that it does.
    ///
    /// # Panics
    /// When it does not.
    pub fn ask_to_stop(&self) {
        self.signal("TERM");
        until("the server to stop", || {
            self.log().contains(STOPS).then_some(())
        });
    }

    /// Stops it in good order, and gives its exit status and its log.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.ask_to_stop();
        let status = until("the server to end", || self.child.try_wait().unwrap());
        self.reader.take().unwrap().join().unwrap();
        (status, self.log())
    }
}

/// Whether a run has ended.
fn is_final(run: &Value) -> bool {
    matches!(
        run["status"].as_str(),
        Some("succeeded" | "failed" | "cancelled")
    )
}

impl Drop for Weir {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
