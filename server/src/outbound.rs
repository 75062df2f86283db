//! The one HTTP client of the server, behind the guard: every call to the outside goes through it.
//!
//! The guard looks at an address in the URL, at what a name resolves to when the connection is made, and at every
//! hop of a redirect. Proxies of the environment are not used, since a proxy would resolve names for us unseen.

mod allow;
mod failure;

use std::{
    collections::VecDeque,
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{self, HeaderMap},
    redirect,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use url::Url;
use weir_flows::failure::{Class, Failure};

pub use allow::{Allow, Refused, SETTING};
pub use failure::place;

/// Makes ring the TLS provider of the process. Call it first in `main` and in tests; a second call does nothing.
///
/// Two providers are compiled in by way of dependencies, and rustls panics where it has to choose.
pub fn install_tls() {
    // An error only says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// How outbound calls are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What may be called beside public addresses.
    pub allow: Allow,
    /// How long making a connection may take, with name, TCP and TLS.
    pub connect_timeout: Duration,
    /// The most redirects of one call.
    pub max_redirects: usize,
    /// A PEM file of certificates that are trusted beside the public ones (`SSL_CERT_FILE`).
    pub extra_roots: Option<PathBuf>,
    /// How long a connection without calls is kept.
    pub idle_timeout: Duration,
    /// The most connections without calls that are kept for one host.
    pub idle_per_host: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            allow: Allow::default(),
            connect_timeout: Duration::from_secs(10),
            max_redirects: 10,
            extra_roots: None,
            idle_timeout: Duration::from_secs(60),
            idle_per_host: 32,
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file of further certificates cannot be used.
    #[error(
        "the certificates in {path} (SSL_CERT_FILE) cannot be read: {reason}; it must be a PEM file with at least one certificate"
    )]
    Roots {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP library refuses the settings.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The TLS library refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// A request, with what may leave the origin it is for told apart from what may not.
///
/// The HTTP library keeps headers and body in memory of its own until they are sent; that memory is not wiped.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to. A user name and password in it are not sent: credentials belong to [`Request::bound`].
    pub url: Url,
    /// Headers that go along with every redirect.
    pub headers: HeaderMap,
    /// Headers that never leave the origin of `url`: credentials, secrets and what a connection adds.
    pub bound: HeaderMap,
    /// The body, if there is one.
    pub body: Option<Bytes>,
    /// Whether a secret is in the body, so that it never leaves the origin of `url` either.
    pub bound_body: bool,
    /// Whether redirects are followed.
    pub follow: bool,
}

impl fmt::Debug for Request {
    /// Without headers and body, where the secrets are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, place(&self.url))
    }
}

/// A response, of which the body is still to be read.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// Where redirects led to, in order; empty where there was none.
    pub redirects: Vec<Url>,
    url: Url,
    response: reqwest::Response,
}

/// The client. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    allow: Arc<Allow>,
    max_redirects: usize,
}

impl Client {
    /// A client with its own connections. A process needs one.
    ///
    /// # Errors
    ///
    /// Where the further certificates cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let allow = Arc::new(settings.allow.clone());
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(settings.extra_roots.as_deref())?)
            .dns_resolver(Guarded(allow.clone()))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Weir/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.idle_per_host)
            .tcp_keepalive(Duration::from_secs(60))
            .build()?;
        Ok(Client {
            http,
            allow,
            max_redirects: settings.max_redirects,
        })
    }

    /// Sends a request, follows its redirects, and gives the head of the answer, whatever its status.
    ///
    /// A redirect to another origin drops the bound headers for good. One that would carry a bound body there, or
    /// that leads from https to http with anything bound, is refused.
    ///
    /// # Errors
    ///
    /// The failure where there is no answer, or the guard refuses a hop. Its message may hold what was in the URL.
    pub async fn send(&self, mut request: Request) -> Result<Reply, Failure> {
        let mut redirects = Vec::new();
        clear_user(&mut request.url);
        loop {
            self.allow
                .check_url(&request.url)
                .map_err(|refused| Failure::new(Class::Denied, refused.to_string()))?;
            let mut builder = self
                .http
                .request(request.method.clone(), request.url.clone())
                .headers(request.headers.clone())
                .headers(request.bound.clone());
            if let Some(body) = &request.body {
                builder = builder.body(body.clone());
            }
            let response = builder
                .send()
                .await
                .map_err(|error| failure::of_sending(&error, &request.url))?;

            let next = match request.follow {
                true => target(&request.url, &response),
                false => None,
            };
            let Some(next) = next else {
                return Ok(Reply {
                    status: response.status(),
                    headers: response.headers().clone(),
                    redirects,
                    url: request.url,
                    response,
                });
            };
            if redirects.len() == self.max_redirects {
                return Err(failure::of_too_many_redirects(
                    &request.url,
                    self.max_redirects,
                ));
            }
            redirect_to(&mut request, next, response.status())?;
            redirects.push(request.url.clone());
        }
    }
}

impl Reply {
    /// Reads the body, decompressed, up to a limit in bytes.
    ///
    /// # Errors
    ///
    /// The failure where the body breaks off, cannot be decompressed, or is longer than the limit.
    pub async fn body(mut self, limit: u64) -> Result<Bytes, Failure> {
        let too_long = || failure::of_length(&self.url, limit);
        if self
            .response
            .content_length()
            .is_some_and(|length| length > limit)
        {
            return Err(too_long());
        }
        let mut chunks = VecDeque::new();
        let mut length = 0_u64;
        loop {
            match self.response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) => {
                    length += chunk.len() as u64;
                    if length > limit {
                        return Err(failure::of_length(&self.url, limit));
                    }
                    chunks.push_back(chunk);
                }
                Err(error) => return Err(failure::of_reading(&error, &self.url)),
            }
        }
        if chunks.len() == 1 {
            return Ok(chunks.pop_front().unwrap_or_default());
        }
        let mut body = BytesMut::with_capacity(usize::try_from(length).unwrap_or(0));
        chunks
            .iter()
            .for_each(|chunk| body.extend_from_slice(chunk));
        Ok(body.freeze())
    }
}

/// Where a response redirects to, if it does and says where.
fn target(url: &Url, response: &reqwest::Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?;
    let mut next = url
        .join(std::str::from_utf8(location.as_bytes()).ok()?)
        .ok()?;
    clear_user(&mut next);
    Some(next)
}

/// Turns a request into the one that a redirect asks for (RFC 9110 section 15.4, and what browsers do for 301 and 302).
fn redirect_to(request: &mut Request, next: Url, status: StatusCode) -> Result<(), Failure> {
    let becomes_get = match status.as_u16() {
        303 => request.method != Method::HEAD,
        301 | 302 => request.method == Method::POST,
        _ => false,
    };
    if becomes_get {
        request.method = Method::GET;
        request.body = None;
        request.bound_body = false;
        for headers in [&mut request.headers, &mut request.bound] {
            for name in [
                header::CONTENT_TYPE,
                header::CONTENT_ENCODING,
                header::CONTENT_LANGUAGE,
                header::CONTENT_LOCATION,
            ] {
                headers.remove(name);
            }
        }
    }
    if next.origin() != request.url.origin() {
        let downgrade = request.url.scheme() == "https" && next.scheme() == "http";
        if request.bound_body || downgrade && !request.bound.is_empty() {
            return Err(failure::of_leaving(&request.url, &next));
        }
        request.bound.clear();
    }
    request.url = next;
    Ok(())
}

fn clear_user(url: &mut Url) {
    // They fail for URLs without a host only, which the guard refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

/// The system's resolver, less what the guard refuses.
struct Guarded(Arc<Allow>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = allow.filter(name.as_str(), found, |address| address.ip())?;
            if allowed.is_empty() {
                return Err(
                    io::Error::new(io::ErrorKind::NotFound, "the name has no address").into(),
                );
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// TLS 1.2 and 1.3 with Mozilla's roots, which are compiled in so that the smallest container has them too.
fn tls(extra_roots: Option<&Path>) -> Result<rustls::ClientConfig, Error> {
    let mut roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = extra_roots {
        let wrong = |reason: String| Error::Roots {
            path: path.display().to_string(),
            reason,
        };
        let mut added = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| wrong(e.to_string()))? {
            let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
            // Bundles of old systems hold certificates that are no longer valid in form; they are passed over.
            added += usize::from(roots.add(certificate).is_ok());
        }
        if added == 0 {
            return Err(wrong("it holds no certificate".into()));
        }
    }
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_root_certificates(roots)
    .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
