//! A plain HTTP/1.1 client over a socket: it sends exactly what a test writes and shows exactly what came back.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use crate::wait::patience;

/// A request. Nothing is added to it but `host`, `content-length` and `connection: close`.
#[derive(Clone, Debug, Default)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without a body. The target is path and query as they go over the wire.
    pub fn new(method: &str, target: &str) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            ..Request::default()
        }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl fmt::Display) -> Request {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same with these bytes as its body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self
    }

    /// The same with a JSON body and its content type.
    #[must_use]
    pub fn json(self, body: &Value) -> Request {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    fn head(&self, address: SocketAddr) -> String {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || !matches!(self.method.as_str(), "GET" | "HEAD") {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head + "\r\n"
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none; the report shows it.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}) in {self}"))
    }

    /// The same, once the status is as it must be.
    ///
    /// # Panics
    /// When it is another one; the report shows the whole answer.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// The same, once it is a problem (RFC 9457) with this status and code.
    ///
    /// # Panics
    /// When it is not; the report shows the whole answer.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let reply = self.expect(status);
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json"),
            "{reply}"
        );
        let problem = reply.json();
        assert_eq!(
            problem["type"],
            format!("urn:weir:problem:{code}"),
            "{reply}"
        );
        assert_eq!(problem["status"], status, "{reply}");
        for key in ["title", "detail", "instance", "request_id"] {
            assert!(
                problem[key].as_str().is_some_and(|text| !text.is_empty()),
                "`{key}` is missing in {reply}"
            );
        }
        problem
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{}", self.text())
    }
}

/// Sends a request and reads the answer to its end.
///
/// # Errors
/// When the other side cannot be reached, or closes before it has answered.
pub fn send(address: SocketAddr, request: &Request) -> io::Result<Reply> {
    let (status, headers, mut rest) = open(address, request)?;
    let mut body = Vec::new();
    if request.method != "HEAD" {
        rest.read_to_end(&mut body)?;
    }
    Ok(Reply {
        status,
        headers,
        body,
    })
}

type Opened = (u16, Vec<(String, String)>, Box<dyn BufRead>);

fn open(address: SocketAddr, request: &Request) -> io::Result<Opened> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(patience()))?;
    stream.set_nodelay(true)?;
    let mut bytes = request.head(address).into_bytes();
    bytes.extend_from_slice(&request.body);
    // A server may answer and close before it has read a body that is too large; the answer is there all the same.
    let sent = stream.write_all(&bytes);
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let read = reader.read_line(&mut line);
    if !matches!(read, Ok(length) if length > 0) {
        sent?;
        read?;
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| io::Error::other(format!("no status line: {line}")))?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let find = |name: &str| {
        headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.clone())
    };
    let rest: Box<dyn BufRead> = match (
        find("transfer-encoding"),
        find("content-length").and_then(|text| text.parse().ok()),
    ) {
        (Some(_), _) => Box::new(BufReader::new(Chunked {
            inner: reader,
            left: 0,
            ended: false,
        })),
        (None, Some(length)) => Box::new(reader.take(length)),
        (None, None) => Box::new(reader),
    };
    Ok((status, headers, rest))
}

/// A chunked body (RFC 9112 section 7.1), read chunk by chunk as it arrives.
struct Chunked<R> {
    inner: R,
    left: usize,
    ended: bool,
}

impl<R: BufRead> Read for Chunked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.ended {
            let mut line = String::new();
            if self.inner.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let size = line.trim().split(';').next().unwrap_or_default();
            // The line break behind a chunk stands before the next size.
            if size.is_empty() {
                continue;
            }
            self.left = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            self.ended = self.left == 0;
        }
        let most = self.left.min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        Ok(read)
    }
}

/// One server-sent event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

/// Server-sent events as they arrive. Ends when the server ends the stream.
pub struct Events(Box<dyn BufRead>);

impl Events {
    /// Opens a stream.
    ///
    /// # Panics
    /// When the server gives none.
    pub fn open(address: SocketAddr, target: &str) -> Events {
        let request = Request::new("GET", target).header("accept", "text/event-stream");
        let (status, headers, body) = open(address, &request).unwrap();
        assert_eq!(status, 200, "{target}: {headers:?}");
        assert!(
            headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())),
            "{headers:?}"
        );
        Events(body)
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (mut name, mut data) = ("message".to_owned(), String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(text) = line.strip_prefix("event:") {
                name = text.trim().to_owned();
            } else if let Some(text) = line.strip_prefix("data:") {
                data.push_str(text.trim_start());
            } else if line.is_empty() && !data.is_empty() {
                return Some(Event {
                    name,
                    data: serde_json::from_str(&data).unwrap(),
                });
            }
        }
    }
}
