//! Masking: hides the secrets of a call in whatever is recorded, logged or handed on.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use serde_json::{Map, Value};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::Secret;

/// What stands where a secret was.
pub const MASK: &str = "•••";

/// The shortest value that is looked for inside other text, in bytes. A shorter one, such as the password
/// `x`, would be found in half of all words; it is hidden only where it stands alone.
const SHORTEST_WITHIN: usize = 4;

/// Headers that are never shown, whatever is in them.
const HIDDEN_HEADERS: &[&str] = &[
    "authorization",
    "authentication",
    "proxy-authorization",
    "cookie",
    "cookie2",
    "set-cookie",
    "set-cookie2",
];

/// Parts of a header's name that say that its value opens a door.
const HIDDEN_PARTS: &[&str] = &[
    "api-key",
    "apikey",
    "api_key",
    "access-key",
    "auth-key",
    "token",
    "secret",
    "password",
    "credential",
    "session",
    "signature",
];

/// Whether a header is never shown, by its name in lower case.
pub fn is_hidden_header(name: &str) -> bool {
    HIDDEN_HEADERS.contains(&name) || HIDDEN_PARTS.iter().any(|part| name.contains(part))
}

/// The secrets of one call, and how to hide them.
#[derive(Clone, Default)]
pub struct Mask {
    /// Every form in which a secret may appear, the longest first, so that no part of a longer one stays.
    forms: Vec<Zeroizing<String>>,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({} forms)", self.forms.len())
    }
}

impl Mask {
    /// Hides this secret from now on: as it is, and as it looks in a URL, in JSON and in base64.
    pub fn add(&mut self, secret: &Secret) {
        let value = secret.expose();
        if value.is_empty() {
            return;
        }
        let form: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let json = Value::String(value.to_owned()).to_string();
        for form in [
            value.to_owned(),
            value.trim().to_owned(),
            form.replace('+', "%20"),
            form,
            json[1..json.len() - 1].to_owned(),
            BASE64.encode(value),
        ] {
            let form = Zeroizing::new(form);
            if !form.is_empty() && !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Whether a text holds a secret.
    pub fn finds(&self, text: &str) -> bool {
        self.forms.iter().any(|form| {
            text == form.as_str() || form.len() >= SHORTEST_WITHIN && text.contains(form.as_str())
        })
    }

    /// The text without secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.finds(text) {
            return Cow::Borrowed(text);
        }
        if self.forms.iter().any(|form| text == form.as_str()) {
            return Cow::Borrowed(MASK);
        }
        let within = self
            .forms
            .iter()
            .filter(|form| form.len() >= SHORTEST_WITHIN);
        within.fold(Cow::Borrowed(text), |text, form| {
            match text.contains(form.as_str()) {
                true => Cow::Owned(text.replace(form.as_str(), MASK)),
                false => text,
            }
        })
    }

    /// The value without secrets in its texts, numbers and keys, at any depth.
    pub fn value(&self, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        match value {
            Value::String(text) if self.finds(&text) => self.text(&text).into(),
            Value::Number(number) if self.finds(&number.to_string()) => MASK.into(),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => Value::Object(
                map.into_iter()
                    .map(|(key, value)| (self.text(&key).into_owned(), self.value(value)))
                    .collect::<Map<_, _>>(),
            ),
            other => other,
        }
    }

    /// The value of a header as it may be shown, by its name in lower case.
    pub fn header(&self, name: &str, value: &str) -> String {
        if is_hidden_header(name) {
            MASK.to_owned()
        } else {
            self.text(value).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        let mut mask = Mask::default();
        for secret in secrets {
            mask.add(&Secret::new(*secret));
        }
        mask
    }

    #[test]
    fn secrets_are_hidden_in_every_form() {
        let mask = mask(&[
            "p&ss \"wörd\"",
            "topsecret",
            "topsecret-long",
            "x",
            "12345678",
            "",
        ]);
        let table = [
            ("nothing here", "nothing here"),
            ("", ""),
            ("is p&ss \"wörd\" it", "is ••• it"),
            ("?k=p%26ss+%22w%C3%B6rd%22&y", "?k=•••&y"),
            ("/p%26ss%20%22w%C3%B6rd%22/", "/•••/"),
            (r#"{"k":"p&ss \"wörd\""}"#, r#"{"k":"•••"}"#),
            ("topsecret-long topsecret", "••• •••"),
            ("Basic dG9wc2VjcmV0", "Basic •••"),
            ("x", "•••"),
            ("xy example", "xy example"),
        ];
        for (text, expected) in table {
            assert_eq!(mask.text(text), expected, "{text}");
        }
        assert_eq!(
            mask.value(json!({ "a": ["topsecret", 12345678, 1, true, null], "topsecret": { "b": "a12345678b" } })),
            json!({ "a": ["•••", "•••", 1, true, null], "•••": { "b": "a•••b" } })
        );
        assert!(!format!("{mask:?}").contains("topsecret"));
    }

    #[test]
    fn headers_that_open_doors_are_always_hidden() {
        let mask = mask(&["topsecret"]);
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "x-api-key",
            "apikey",
            "x-auth-token",
            "x-amz-security-token",
            "ocp-apim-subscription-key-secret",
            "x-hub-signature-256",
            "x-session-id",
        ] {
            assert_eq!(mask.header(name, "value"), MASK, "{name}");
        }
        for name in [
            "accept",
            "content-type",
            "etag",
            "idempotency-key",
            "x-request-id",
            "www-authenticate",
        ] {
            assert_eq!(mask.header(name, "value topsecret"), "value •••", "{name}");
        }
    }
}
