//! A connection: where an action calls and as whom, as a document and opened for a call.

mod check;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use utoipa::ToSchema;
use weir_flows::{duration::Duration, failure::Failure, problem::Problem};

use crate::secrets::{Mask, Secret, Secrets, reveal};

/// The document of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is spoken on it.
    #[serde(default)]
    pub kind: Kind,
    /// The address that every path of an action is put behind, such as `https://erp.example.com/api/v2`.
    pub base_url: String,
    /// Headers of every call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Credential>,
    /// As whom to call.
    #[serde(default)]
    pub auth: Auth,
    /// The longest that an attempt over this connection may take; a step may only shorten it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "10s")]
    pub timeout: Option<Duration>,
}

/// What is spoken on a connection.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// HTTP or HTTPS.
    #[default]
    Http,
}

impl Kind {
    /// The word that documents use.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Http => "http",
        }
    }
}

/// As whom to call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// As nobody.
    #[default]
    None,
    /// User name and password (RFC 7617).
    Basic {
        /// The user name.
        username: Credential,
        /// The password.
        password: Credential,
    },
    /// A bearer token (RFC 6750).
    Bearer {
        /// The token.
        token: Credential,
    },
    /// A key in a header or a query parameter.
    ApiKey {
        /// Where the key goes.
        #[serde(rename = "in")]
        place: KeyPlace,
        /// The name of the header or parameter.
        name: String,
        /// The key.
        value: Credential,
    },
}

/// Where an API key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// A header.
    Header,
    /// A query parameter.
    Query,
}

/// A text, or the name of a secret that holds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(untagged)]
pub enum Credential {
    /// The name of a secret.
    Named(SecretName),
    /// The text itself.
    Literal(String),
}

/// `{ "$secret": name }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretName {
    /// The name of the secret.
    #[serde(rename = "$secret")]
    pub secret: String,
}

impl fmt::Debug for Credential {
    /// Without the literal, which may well be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credential::Named(name) => name.fmt(f),
            Credential::Literal(_) => f.write_str(crate::secrets::mask::MASK),
        }
    }
}

/// A connection with its secrets, for one call.
#[derive(Clone, Debug)]
pub struct Open {
    /// The base URL.
    pub base: Url,
    /// What is added to the headers; it must not leave the origin of the base URL.
    pub headers: HeaderMap,
    /// What is added to the query.
    pub query: Vec<(String, Secret)>,
}

impl Connection {
    /// Reads a document; beside the connection there may be warnings.
    ///
    /// # Errors
    ///
    /// Every problem of a document with errors, each with its place.
    pub fn read(document: &Value) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = check::check(document);
        if !problems.iter().any(Problem::is_error) {
            match Connection::deserialize(document) {
                Ok(connection) => return Ok((connection, problems)),
                Err(error) => problems.push(Problem::error("", "invalid", error.to_string())),
            }
        }
        Err(problems)
    }

    /// The names of the secrets it needs.
    pub fn secret_names(&self) -> BTreeSet<&str> {
        let auth: Vec<&Credential> = match &self.auth {
            Auth::None => vec![],
            Auth::Basic { username, password } => vec![username, password],
            Auth::Bearer { token } => vec![token],
            Auth::ApiKey { value, .. } => vec![value],
        };
        self.headers
            .values()
            .chain(auth)
            .filter_map(|credential| match credential {
                Credential::Named(name) => Some(name.secret.as_str()),
                Credential::Literal(_) => None,
            })
            .collect()
    }

    /// Gets the secrets for a call and puts the connection's headers together. What was used as a credential is
    /// masked from then on, also where it is a literal.
    ///
    /// # Errors
    ///
    /// `denied` where a secret is absent, `broken` where a value cannot stand in a header.
    pub async fn open(&self, secrets: &dyn Secrets, mask: &mut Mask) -> Result<Open, Failure> {
        let base = check::base_url(&self.base_url).map_err(|advice| {
            Failure::broken(format!("the connection's base_url is wrong: {advice}"))
        })?;
        let mut headers = HeaderMap::new();
        let mut query = Vec::new();
        for (name, value) in &self.headers {
            // A literal header is no credential, unless its name says so: it is left readable.
            let text = match value {
                Credential::Literal(text)
                    if !crate::secrets::mask::is_hidden_header(&name.to_ascii_lowercase()) =>
                {
                    Secret::new(text)
                }
                _ => value.reveal(secrets, mask).await?,
            };
            headers.insert(header_name(name)?, header_value(name, text.expose())?);
        }
        match &self.auth {
            Auth::None => {}
            Auth::Basic { username, password } => {
                let user = match username {
                    Credential::Named(_) => username.reveal(secrets, mask).await?,
                    Credential::Literal(name) => Secret::new(name),
                };
                let password = password.reveal(secrets, mask).await?;
                let token = basic_token(&user, &password);
                mask.add(&token);
                headers.insert(
                    AUTHORIZATION,
                    header_value("authorization", &format!("Basic {}", token.expose()))?,
                );
            }
            Auth::Bearer { token } => {
                let token = token.reveal(secrets, mask).await?;
                headers.insert(
                    AUTHORIZATION,
                    header_value("authorization", &format!("Bearer {}", token.expose()))?,
                );
            }
            Auth::ApiKey { place, name, value } => {
                let key = value.reveal(secrets, mask).await?;
                match place {
                    KeyPlace::Header => {
                        headers.insert(header_name(name)?, header_value(name, key.expose())?);
                    }
                    KeyPlace::Query => query.push((name.clone(), key)),
                }
            }
        }
        Ok(Open {
            base,
            headers,
            query,
        })
    }
}

impl Credential {
    async fn reveal(&self, secrets: &dyn Secrets, mask: &mut Mask) -> Result<Secret, Failure> {
        match self {
            Credential::Named(name) => reveal(&name.secret, secrets, mask).await,
            Credential::Literal(text) => {
                let secret = Secret::new(text);
                mask.add(&secret);
                Ok(secret)
            }
        }
    }
}

/// What stands after `Basic` (RFC 7617): user name and password in base64.
pub fn basic_token(user: &Secret, password: &Secret) -> Secret {
    let pair = Secret::new(format!("{}:{}", user.expose(), password.expose()));
    Secret::new(BASE64.encode(pair.expose()))
}

/// A header name from a document.
///
/// # Errors
///
/// `broken` where it is no header name, or one that the HTTP library writes itself.
pub fn header_name(name: &str) -> Result<HeaderName, Failure> {
    check::header_name(name).map_err(Failure::broken)
}

/// A header value that `Debug` does not show and HTTP/2 does not index.
///
/// # Errors
///
/// `broken` where the text has line breaks or other control characters. The message does not repeat the text.
pub fn header_value(name: &str, text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Failure::broken(format!(
            "the value of the header `{name}` has a line break or another control character; \
             take it out (a secret that was read from a file often ends in one)"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect()
    }

    async fn open(document: Value, pairs: &[(&str, &str)]) -> (Result<Open, Failure>, Mask) {
        let (connection, _) = Connection::read(&document).unwrap();
        let mut mask = Mask::default();
        let open = connection.open(&secrets(pairs), &mut mask).await;
        (open, mask)
    }

    #[tokio::test]
    async fn every_kind_of_auth_is_opened_and_masked() {
        let base = "https://erp.example.com/api";
        let named = json!({ "$secret": "key" });
        let table = [
            (json!({ "kind": "none" }), None),
            (
                json!({ "kind": "basic", "username": "ann", "password": named }),
                Some(("authorization", "Basic YW5uOnMzY3JldA==")),
            ),
            (
                json!({ "kind": "bearer", "token": named }),
                Some(("authorization", "Bearer s3cret")),
            ),
            (
                json!({ "kind": "api_key", "in": "header", "name": "X-Key", "value": named }),
                Some(("x-key", "s3cret")),
            ),
            (
                json!({ "kind": "bearer", "token": "s3cret" }),
                Some(("authorization", "Bearer s3cret")),
            ),
        ];
        for (auth, expected) in table {
            let (open, mask) = open(
                json!({ "base_url": base, "auth": auth }),
                &[("key", "s3cret")],
            )
            .await;
            let open = open.unwrap();
            match expected {
                None => assert!(open.headers.is_empty()),
                Some((name, value)) => {
                    assert_eq!(open.headers[name], value);
                    assert!(open.headers[name].is_sensitive());
                    assert!(
                        !mask.text(value).contains("s3cret") && !mask.text(value).contains("YW5u"),
                        "{auth}"
                    );
                }
            }
            assert!(!format!("{open:?}").contains("s3cret"));
        }
        let auth = json!({ "kind": "api_key", "in": "query", "name": "key", "value": named });
        let (open, mask) = open(
            json!({ "base_url": base, "auth": auth }),
            &[("key", "s3cret")],
        )
        .await;
        let query = open.unwrap().query;
        assert_eq!(
            (query[0].0.as_str(), query[0].1.expose()),
            ("key", "s3cret")
        );
        assert!(mask.finds("?key=s3cret"));
    }

    #[tokio::test]
    async fn a_secret_that_is_absent_or_unfit_is_named_and_not_shown() {
        let document = json!({ "base_url": "https://x.example", "headers": { "X-Key": { "$secret": "key" } } });
        let (result, _) = open(document.clone(), &[]).await;
        let failure = result.unwrap_err();
        assert_eq!(failure.class, weir_flows::failure::Class::Denied);
        assert!(failure.message.contains("`key`"), "{failure}");
        let (result, _) = open(document, &[("key", "topsecret\n")]).await;
        let failure = result.unwrap_err();
        assert!(
            failure.message.contains("X-Key") && !failure.message.contains("topsecret"),
            "{failure}"
        );
    }

    #[test]
    fn a_document_is_printed_as_it_was_read_and_hides_literals_from_logs() {
        let document = json!({
            "title": "ERP", "kind": "http", "base_url": "https://erp.example.com/api",
            "headers": { "Accept": "application/json", "X-Tenant": { "$secret": "tenant" } },
            "auth": { "kind": "basic", "username": "weir", "password": { "$secret": "erp" } }, "timeout": "20s"
        });
        let (connection, problems) = Connection::read(&document).unwrap();
        assert_eq!(problems, []);
        assert_eq!(serde_json::to_value(&connection).unwrap(), document);
        assert_eq!(connection.secret_names(), BTreeSet::from(["erp", "tenant"]));
        let literal = json!({ "base_url": "https://x.example", "auth": { "kind": "bearer", "token": "topsecret" } });
        let (connection, problems) = Connection::read(&literal).unwrap();
        assert_eq!(
            (problems[0].at.as_str(), problems[0].code.as_str()),
            ("/auth/token", "literal_secret")
        );
        assert!(!format!("{connection:?}").contains("topsecret"));
    }
}
