//! base64, hex and URLs.

use super::{Fallible, define, documented};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rhai::Module;

/// Everything but the unreserved characters of RFC 3986.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// As forms write it: a space is a plus.
pub(super) fn form_encode(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT)
        .to_string()
        .replace("%20", "+")
}

pub(super) fn form_decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn as_text(bytes: Vec<u8>, what: &str) -> Fallible<String> {
    String::from_utf8(bytes)
        .map_err(|_| complaint(format!("what the {what} stands for is not text (UTF-8)")))
}

/// Takes both alphabets, with or without padding and line breaks.
fn from_base64(text: &str) -> Fallible<Vec<u8>> {
    bounds::text_of(text.len())?;
    let plain: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '=')
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    STANDARD_NO_PAD
        .decode(plain)
        .map_err(|problem| complaint(format!("the text is not base64: {problem}")))
}

fn from_hex(text: &str) -> Fallible<Vec<u8>> {
    bounds::text_of(text.len())?;
    hex::decode(text.trim()).map_err(|problem| complaint(format!("the text is not hex: {problem}")))
}

fn grown(text: &str, factor: usize) -> Fallible<()> {
    bounds::text_of(text.len().saturating_mul(factor))
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    define!(module, "to_base64", |text: &str| grown(text, 2)
        .map(|()| STANDARD.encode(text)));
    define!(module, "to_base64url", |text: &str| grown(text, 2)
        .map(|()| URL_SAFE_NO_PAD.encode(text)));
    define!(module, "from_base64" | "from_base64url", |text: &str| {
        as_text(from_base64(text)?, "base64")
    });
    define!(module, "hex_encode", |text: &str| grown(text, 2)
        .map(|()| hex::encode(text)));
    define!(module, "hex_decode", |text: &str| as_text(
        from_hex(text)?,
        "hex"
    ));
    define!(module, "hex_to_base64", |text: &str| -> Fallible<String> {
        Ok(STANDARD.encode(from_hex(text)?))
    });
    define!(module, "base64_to_hex", |text: &str| -> Fallible<String> {
        Ok(hex::encode(from_base64(text)?))
    });
    define!(module, "url_encode", |text: &str| {
        grown(text, 3).map(|()| utf8_percent_encode(text, COMPONENT).to_string())
    });
    define!(module, "url_decode", |text: &str| -> Fallible<String> {
        bounds::text_of(text.len())?;
        percent_decode_str(text)
            .decode_utf8()
            .map(Into::into)
            .map_err(|_| complaint("what the encoded text stands for is not text (UTF-8)"))
    });
    define!(module, "html_escape", |text: &str| {
        grown(text, 6).map(|()| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;")
        })
    });
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Encoding;
    "to_base64" "to_base64(text) -> text", "Encodes as base64.", "to_base64(\"Ada?>\")" => r#""QWRhPz4=""#;
    "to_base64url" "to_base64url(text) -> text", "Encodes as base64 for URLs, without padding.", "to_base64url(\"Ada?>\")" => r#""QWRhPz4""#;
    "from_base64" "from_base64(text) -> text", "Decodes base64 of either alphabet, with or without padding, into text.", "from_base64(\"R3LDvMOfZQ==\")" => r#""Grüße""#;
    "from_base64url" "from_base64url(text) -> text", "The same as from_base64.", "from_base64url(\"QWRh\")" => r#""Ada""#;
    "hex_encode" "hex_encode(text) -> text", "Encodes as hexadecimal digits.", "hex_encode(\"Ada\")" => r#""416461""#;
    "hex_decode" "hex_decode(text) -> text", "Decodes hexadecimal digits into text.", "hex_decode(\"416461\")" => r#""Ada""#;
    "hex_to_base64" "hex_to_base64(text) -> text", "The same bytes in base64, text or not.", "hex_to_base64(\"fffe\")" => r#""//4=""#;
    "base64_to_hex" "base64_to_hex(text) -> text", "The same bytes in hex, text or not.", "base64_to_hex(\"//4=\")" => r#""fffe""#;
    "url_encode" "url_encode(text) -> text", "Encodes for a part of a URL.", "url_encode(\"a b/ü\")" => r#""a%20b%2F%C3%BC""#;
    "url_decode" "url_decode(text) -> text", "Decodes a part of a URL.", "url_decode(\"a%20b\")" => r#""a b""#;
    "html_escape" "html_escape(text) -> text", "For use in HTML or XML.", "html_escape(\"a < b & c\")" => r#""a &lt; b &amp; c""#;
};
