//! A counting partner: an HTTP server in the test's own process that remembers every call and answers as a test says.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::wait::patience;

/// A call that has arrived, complete with its body.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path with its query, as it went over the wire.
    pub target: String,
    /// The headers, with lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// When it arrived.
    pub at: Instant,
}

impl Call {
    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the partner does with a call.
#[derive(Clone, Debug)]
pub struct Act {
    status: u16,
    headers: Vec<(String, String)>,
    body: Value,
    delay: Duration,
    hang_up: bool,
}

impl Act {
    /// Answers with a status and a JSON body.
    pub fn reply(status: u16, body: Value) -> Act {
        Act {
            status,
            headers: Vec::new(),
            body,
            delay: Duration::ZERO,
            hang_up: false,
        }
    }

    /// Answers 200 with an empty object.
    pub fn ok() -> Act {
        Act::reply(200, json!({}))
    }

    /// Closes the connection without an answer.
    pub fn hang_up() -> Act {
        Act {
            hang_up: true,
            ..Act::ok()
        }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Act {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same after a while.
    #[must_use]
    pub fn after(self, delay: Duration) -> Act {
        Act { delay, ..self }
    }
}

type Script = dyn Fn(&Call, usize) -> Act + Send + Sync;

/// The partner. It stops when it is dropped.
pub struct Partner {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<Script>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    /// How many calls have arrived and are not answered yet.
    open: usize,
    held: bool,
    stopped: bool,
}

impl Partner {
    /// Answers every call with 200 and an empty object.
    pub fn start() -> Partner {
        Partner::with(|_, _| Act::ok())
    }

    /// Asks `script` what to do with each call; its second argument counts the calls from 0.
    pub fn with(script: impl Fn(&Call, usize) -> Act + Send + Sync + 'static) -> Partner {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.state().stopped {
                    return;
                }
                let own = Arc::clone(&own);
                // What a caller that was killed leaves behind is no error of the partner.
                thread::spawn(move || drop(serve(&own, stream)));
            }
        });
        Partner { address, shared }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// Lets calls arrive but answers none of them, until `release`.
    pub fn hold(&self) {
        self.shared.state().held = true;
    }

    /// Answers again.
    pub fn release(&self) {
        self.shared.state().held = false;
        self.shared.changed.notify_all();
    }

    /// Waits until this many calls have arrived in all, and gives them.
    ///
    /// # Panics
    /// When they do not come.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Call> {
        self.wait(&format!("{count} calls"), |state| {
            state.calls.len() >= count
        })
        .calls
        .clone()
    }

    /// Waits until this many calls have arrived and wait for their answer.
    ///
    /// # Panics
    /// When they do not come.
    #[track_caller]
    pub fn wait_open(&self, count: usize) {
        drop(self.wait(&format!("{count} open calls"), |state| state.open >= count));
    }

    #[track_caller]
    fn wait(&self, what: &str, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waiting =
            self.shared
                .changed
                .wait_timeout_while(self.shared.state(), patience(), |state| !done(state));
        let (state, timeout) = waiting.unwrap();
        assert!(
            !timeout.timed_out(),
            "waited for {what} at the partner; there were {}, {} of them open",
            state.calls.len(),
            state.open
        );
        state
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed while it looked has its report; the partner still has to stop in good order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call wait for its delay and while the partner holds its answers.
    fn pause(&self, delay: Duration) {
        let (state, _) = self
            .changed
            .wait_timeout_while(self.state(), delay, |state| !state.stopped)
            .unwrap();
        drop(
            self.changed
                .wait_while(state, |state| state.held && !state.stopped)
                .unwrap(),
        );
    }
}

/// Answers the requests of one connection until it closes.
fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(call) = read(&mut reader)? {
        let index = {
            let mut state = shared.state();
            state.calls.push(call.clone());
            state.open += 1;
            state.calls.len() - 1
        };
        shared.changed.notify_all();
        let act = (shared.script)(&call, index);
        shared.pause(act.delay);
        shared.state().open -= 1;
        if act.hang_up {
            return Ok(());
        }
        let body = if act.body.is_null() {
            String::new()
        } else {
            act.body.to_string()
        };
        let mut head = format!(
            "HTTP/1.1 {} Because\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            act.status,
            body.len()
        );
        for (name, value) in &act.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        writer.write_all(format!("{head}\r\n{body}").as_bytes())?;
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Call>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Call {
        method,
        target,
        headers,
        body,
        at: Instant::now(),
    }))
}
