//! The page: embedded files, the compressed ones where the browser takes them, and the entry for every address of the page.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{
    problem::{Answer, Code, Problem},
    value,
};

/// What `ui/build` made. Empty where it was not called before this was compiled.
#[derive(RustEmbed)]
#[folder = "../ui/dist"]
#[allow_missing = true]
struct Dist;

/// Where the files are whose names tell their content, so that a browser may keep them for ever.
const ASSETS: &str = "assets/";

/// How files may be compressed: suffix and name (RFC 9110 section 12.5.3), the best first.
const CODINGS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];

/// A file of the page, or the page itself for an address that the page knows how to show.
pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Answer<Response> {
    let path = uri.path().trim_start_matches('/');
    if ["api", "in", "callback", "health"].contains(&path.split('/').next().unwrap_or_default()) {
        return Err(Problem::not_found(format!(
            "there is nothing at {}; /api/docs lists what there is",
            uri.path()
        )));
    }
    if method != Method::GET && method != Method::HEAD {
        let detail = format!("{} can only be read; the API is at /api/v1", uri.path());
        return Err(Problem::new(Code::MethodNotAllowed, detail)
            .with_header(header::ALLOW, value("GET, HEAD")));
    }
    if !path.is_empty()
        && let Some(response) = file(path, &headers)
    {
        return Ok(response);
    }
    let wants_page = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html") || accept.contains("*/*"));
    if path.starts_with(ASSETS) || !path.is_empty() && (!wants_page || is_file_name(path)) {
        return Err(Problem::not_found(format!(
            "there is no file {}",
            uri.path()
        )));
    }
    Ok(file("index.html", &headers).unwrap_or_else(not_built))
}

/// Whether a path names a file rather than an address of the page.
fn is_file_name(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'))
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    if CODINGS.iter().any(|(suffix, _)| path.ends_with(suffix)) {
        return None;
    }
    let plain = Dist::get(path)?;
    let accepted = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",");
    let packed = CODINGS
        .iter()
        .filter(|(_, coding)| accepts(&accepted, coding))
        .find_map(|(suffix, coding)| {
            let file = Dist::get(&format!("{path}{suffix}"))?;
            Some((file, *coding))
        });
    let (file, coding) = packed.map_or((plain, None), |(file, coding)| (file, Some(coding)));
    // Each coding is a representation of its own, with a tag of its own.
    let tag = tag(&file);
    let cache = if path.starts_with(ASSETS) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| matches_tag(known, &tag));
    let mut response = Response::new(if known {
        Body::empty()
    } else {
        Body::from(file.data)
    });
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, value(cache));
    headers.insert(header::VARY, value("accept-encoding"));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Some(response);
    }
    headers.insert(header::CONTENT_TYPE, value(media_type(path)));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, value(coding));
    }
    Some(response)
}

/// Whether `Accept-Encoding` takes a coding: named, or by `*`, with a weight above 0.
fn accepts(accepted: &str, coding: &str) -> bool {
    let mut any = false;
    for part in accepted.split(',') {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight
            .trim()
            .strip_prefix("q=")
            .and_then(|weight| weight.trim().parse::<f32>().ok())
            .unwrap_or(1.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case(coding) => return weight > 0.0,
            "*" => any = weight > 0.0,
            _ => {}
        }
    }
    any
}

fn tag(file: &EmbeddedFile) -> HeaderValue {
    let hash = hex::encode(&file.metadata.sha256_hash()[..16]);
    HeaderValue::try_from(format!("\"{hash}\""))
        .expect("hex digits and quotes may stand in a header")
}

fn matches_tag(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else {
        return false;
    };
    known
        .split(',')
        .any(|one| one.trim() == "*" || one.trim().trim_start_matches("W/") == tag)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What a binary says that was compiled without the page.
fn not_built() -> Response {
    const TEXT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Weir</title>\
        <h1>The page is not part of this build</h1>\
        <p>Run <code>make page</code> (or <code>ui/build</code>) and then build the server again.</p>\
        <p>Everything else works: the API is at <code>/api/v1</code>, and <a href=\"/api/docs\">its documentation</a> is here.</p></html>";
    let headers = [
        (header::CONTENT_TYPE, value("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, value("no-store")),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, TEXT).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_chosen_by_name_and_weight() {
        for (accepted, br, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("gzip", false, true),
            ("br;q=0, gzip;q=0.5", false, true),
            ("*", true, true),
            ("*;q=0, gzip", false, true),
            ("identity", false, false),
            ("", false, false),
            ("BR", true, false),
        ] {
            assert_eq!(
                (accepts(accepted, "br"), accepts(accepted, "gzip")),
                (br, gzip),
                "{accepted}"
            );
        }
    }

    #[test]
    fn a_tag_is_recognised_in_a_list() {
        let tag = value("\"abc\"");
        for (known, same) in [
            ("\"abc\"", true),
            ("\"x\", W/\"abc\"", true),
            ("*", true),
            ("\"ab\"", false),
        ] {
            assert_eq!(matches_tag(&value(known), &tag), same, "{known}");
        }
    }
}
