//! What went wrong on the way out, as a failure with its class.
//!
//! | what happened | class |
//! |---|---|
//! | the guard refuses an address or a redirect; a certificate is not trusted | `denied` |
//! | no such name, connection refused, reset or broken off, no connection in time | `transient` |
//! | TLS cannot be agreed on; too many redirects | `rejected` |
//! | what came back is no HTTP, cannot be decompressed, or is longer than the limit | `broken` |

use std::{error::Error, io};

use url::Url;
use weir_flows::failure::{Class, Failure};

use super::allow::Refused;

/// A URL as messages show it: without user, query and fragment, where keys tend to be.
pub fn place(url: &Url) -> String {
    let mut url = url.clone();
    super::clear_user(&mut url);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// The failure of a request that got no answer.
pub(super) fn of_sending(error: &reqwest::Error, url: &Url) -> Failure {
    let place = place(url);
    if let Some(refused) = find::<Refused>(error) {
        return Failure::new(Class::Denied, refused.to_string());
    }
    if let Some(failure) = of_tls(error, &place) {
        return failure;
    }
    if error.is_builder() {
        return Failure::broken(format!(
            "the request to {place} cannot be made: {}",
            innermost(error)
        ));
    }
    if let Some(failure) = of_http(error, &place) {
        return failure;
    }
    let message = if error.is_dns() {
        let host = url.host_str().unwrap_or_default();
        format!(
            "the name {host} cannot be resolved: {}; check its spelling and the DNS of this server",
            innermost(error)
        )
    } else if error.is_connect() && error.is_timeout() {
        format!("no connection to {place} in time; nothing was sent")
    } else if error.is_connect() {
        format!(
            "no connection to {place}: {}; nothing was sent",
            innermost(error)
        )
    } else {
        format!(
            "the connection to {place} broke off before an answer came: {}; what was asked may have happened",
            innermost(error)
        )
    };
    Failure::new(Class::Transient, message)
}

/// The failure of a body that could not be read to its end.
pub(super) fn of_reading(error: &reqwest::Error, url: &Url) -> Failure {
    let place = place(url);
    // Bytes that stop coming are the network's fault, also where the decompressor is the one to notice.
    let broke_off = find::<io::Error>(error).is_some_and(|error| {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof,
        };
        matches!(
            error.kind(),
            BrokenPipe
                | ConnectionAborted
                | ConnectionReset
                | NotConnected
                | TimedOut
                | UnexpectedEof
        )
    });
    let closed = find::<hyper::Error>(error).is_some_and(|error| {
        error.is_incomplete_message() || error.is_closed() || error.is_canceled()
    });
    if !broke_off && !closed {
        if let Some(failure) = of_http(error, &place) {
            return failure;
        }
        if error.is_decode() {
            return Failure::broken(format!(
                "the answer of {place} is not what its headers say: {}",
                innermost(error)
            ));
        }
    }
    Failure::new(
        Class::Transient,
        format!(
            "the answer of {place} broke off: {}; what was asked may have happened",
            innermost(error)
        ),
    )
}

/// The failure of a body over the limit.
pub(super) fn of_length(url: &Url, limit: u64) -> Failure {
    Failure::broken(format!(
        "the answer of {} is longer than the limit of {limit} bytes; ask for less at a time, or have the limit raised",
        place(url)
    ))
}

/// The failure of a circle of redirects, or of too long a chain.
pub(super) fn of_too_many_redirects(url: &Url, limit: usize) -> Failure {
    Failure::new(
        Class::Rejected,
        format!(
            "more than {limit} redirects, the last from {}; call the final address",
            place(url)
        ),
    )
}

/// The failure of a redirect that would carry credentials elsewhere.
pub(super) fn of_leaving(from: &Url, to: &Url) -> Failure {
    Failure::new(
        Class::Denied,
        format!(
            "{} redirects to {}, where the credentials of this call must not go; call that address itself if it is to have them",
            place(from),
            place(to)
        ),
    )
}

fn of_tls(error: &reqwest::Error, place: &str) -> Option<Failure> {
    let tls = find::<rustls::Error>(error)?;
    Some(match tls {
        rustls::Error::InvalidCertificate(reason) => Failure::new(
            Class::Denied,
            format!(
                "the certificate of {place} is not trusted: {reason}; check the host name, or name its authority in SSL_CERT_FILE"
            ),
        ),
        _ => Failure::new(
            Class::Rejected,
            format!("TLS with {place} failed: {tls}; check that https is spoken at this address"),
        ),
    })
}

fn of_http(error: &reqwest::Error, place: &str) -> Option<Failure> {
    let http = find::<hyper::Error>(error)?;
    let message = if http.is_parse_too_large() {
        format!("the headers of the answer of {place} are longer than this server takes")
    } else if http.is_parse() {
        format!("what {place} answered is not HTTP: {http}; check the address and the port")
    } else {
        return None;
    };
    Some(Failure::broken(message))
}

/// The first error of a type in the chain of causes, also where it is wrapped in an [`io::Error`].
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// The cause at the end of the chain, which says most.
fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
