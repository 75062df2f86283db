//! Signatures of webhooks: who sent this body, and is it new.

use std::time::Duration;

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secrets::Secret;

/// How far the time of a signed message may be from now, in both directions, where the trigger does not say.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// The longest message id that is taken, in bytes. It becomes a key in the store.
const LONGEST_ID: usize = 256;

/// The most signatures of one message that are looked at.
const MOST_SIGNATURES: usize = 16;

/// How a partner signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature` as in the Standard Webhooks specification 1.0.0.
    StandardWebhooks,
    /// `X-Hub-Signature-256` and `X-GitHub-Delivery`, as GitHub sends them.
    Github,
}

impl Scheme {
    /// The scheme for the word that flow files use.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "standard-webhooks" => Some(Scheme::StandardWebhooks),
            "github" => Some(Scheme::Github),
            _ => None,
        }
    }
}

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A header that the scheme needs is absent.
    #[error("the header `{header}` is missing; send the message with its signature")]
    Missing {
        /// The header, in lower case.
        header: &'static str,
    },
    /// A header cannot be read, or stands there twice.
    #[error("the header `{header}` is not as the signature scheme writes it")]
    Malformed {
        /// The header, in lower case.
        header: &'static str,
    },
    /// Signed longer ago than the tolerance: perhaps somebody sends an old message again.
    #[error(
        "the message was signed {seconds} s ago, longer than allowed; sign it again when it is sent again"
    )]
    TooOld {
        /// How long ago, in seconds.
        seconds: u64,
    },
    /// Signed in the future beyond the tolerance: one of the two clocks is wrong.
    #[error("the message was signed {seconds} s in the future; set the sender's clock")]
    TooNew {
        /// How far ahead, in seconds.
        seconds: u64,
    },
    /// Nothing in the header is a signature of this body with this secret.
    #[error(
        "the signature does not fit the body and the secret; check that both sides have the same secret"
    )]
    Wrong,
    /// Our own secret is not one that the scheme can use. Nothing can be verified until it is set right.
    #[error("the secret of this trigger is not one of the scheme; set it as the sender shows it")]
    BadSecret,
}

impl Refusal {
    /// A stable word for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Missing { .. } => "missing_header",
            Refusal::Malformed { .. } => "malformed_header",
            Refusal::TooOld { .. } => "too_old",
            Refusal::TooNew { .. } => "too_new",
            Refusal::Wrong => "wrong_signature",
            Refusal::BadSecret => "bad_secret",
        }
    }

    /// Whether the fault is on our side, so that the log must say it to the operator.
    pub fn is_ours(&self) -> bool {
        matches!(self, Refusal::BadSecret)
    }
}

/// Verifies a message over the bytes that arrived, in constant time, and gives its id: the dedupe key.
///
/// `now_ms` is Unix time in milliseconds. GitHub signs neither a time nor its delivery id, so there the
/// tolerance has no meaning, and the id is only as good as the transport.
///
/// # Errors
///
/// The reason why the message is not taken.
pub fn verify(
    scheme: Scheme,
    headers: &HeaderMap,
    body: &[u8],
    secret: &Secret,
    now_ms: i64,
    tolerance: Duration,
) -> Result<String, Refusal> {
    match scheme {
        Scheme::StandardWebhooks => {
            verify_standard_webhooks(headers, body, secret, now_ms, tolerance)
        }
        Scheme::Github => verify_github(headers, body, secret),
    }
}

/// The value of `webhook-signature` for a message, as a sender makes it.
///
/// # Errors
///
/// [`Refusal::BadSecret`] where the secret is not base64, with or without `whsec_` before it.
pub fn sign_standard_webhooks(
    secret: &Secret,
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> Result<String, Refusal> {
    let mac = standard_webhooks_mac(secret, id, &timestamp.to_string(), body)?;
    Ok(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}

/// The value of `X-Hub-Signature-256` for a body, as GitHub makes it.
pub fn sign_github(secret: &Secret, body: &[u8]) -> String {
    let mac = mac(secret.expose().as_bytes(), &[body]);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

const WEBHOOK_ID: &str = "webhook-id";
const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
const WEBHOOK_SIGNATURE: &str = "webhook-signature";
const GITHUB_SIGNATURE: &str = "x-hub-signature-256";
const GITHUB_DELIVERY: &str = "x-github-delivery";

fn verify_standard_webhooks(
    headers: &HeaderMap,
    body: &[u8],
    secret: &Secret,
    now_ms: i64,
    tolerance: Duration,
) -> Result<String, Refusal> {
    let id = message_id(headers, WEBHOOK_ID)?;
    // A dot is what separates the parts of the signed text: with one in the id, the same signature would
    // fit another id, another time and another body.
    if id.contains('.') {
        return Err(Refusal::Malformed { header: WEBHOOK_ID });
    }
    let timestamp = header(headers, WEBHOOK_TIMESTAMP)?;
    let signatures = header(headers, WEBHOOK_SIGNATURE)?;

    let malformed = Refusal::Malformed {
        header: WEBHOOK_TIMESTAMP,
    };
    if timestamp.is_empty() || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed);
    }
    let signed_at: i64 = timestamp.parse().map_err(|_| malformed)?;
    check_time(signed_at, now_ms, tolerance)?;

    let mac = standard_webhooks_mac(secret, id, timestamp, body)?;
    let mut readable = false;
    // Several signatures stand there while a sender changes its secret; versions that are not ours are skipped.
    for entry in signatures.split(' ').take(MOST_SIGNATURES) {
        let Some(("v1", signature)) = entry.split_once(',') else {
            continue;
        };
        let Ok(signature) = BASE64.decode(signature) else {
            continue;
        };
        readable = true;
        if mac.clone().verify_slice(&signature).is_ok() {
            return Ok(id.to_owned());
        }
    }
    Err(if readable {
        Refusal::Wrong
    } else {
        Refusal::Malformed {
            header: WEBHOOK_SIGNATURE,
        }
    })
}

fn check_time(signed_at: i64, now_ms: i64, tolerance: Duration) -> Result<(), Refusal> {
    let age = now_ms.div_euclid(1_000).saturating_sub(signed_at);
    let seconds = age.unsigned_abs();
    if seconds <= tolerance.as_secs() {
        Ok(())
    } else if age > 0 {
        Err(Refusal::TooOld { seconds })
    } else {
        Err(Refusal::TooNew { seconds })
    }
}

fn standard_webhooks_mac(
    secret: &Secret,
    id: &str,
    timestamp: &str,
    body: &[u8],
) -> Result<Hmac<Sha256>, Refusal> {
    let text = secret.expose().trim();
    let text = text.strip_prefix("whsec_").unwrap_or(text);
    let key = Zeroizing::new(BASE64.decode(text).map_err(|_| Refusal::BadSecret)?);
    // Whoever knows that the key is empty could sign as well as the partner.
    if key.is_empty() {
        return Err(Refusal::BadSecret);
    }
    let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    Ok(mac(&key, &parts))
}

fn verify_github(headers: &HeaderMap, body: &[u8], secret: &Secret) -> Result<String, Refusal> {
    let id = message_id(headers, GITHUB_DELIVERY)?;
    let signature = header(headers, GITHUB_SIGNATURE)?
        .strip_prefix("sha256=")
        .and_then(|signature| hex::decode(signature).ok())
        .ok_or(Refusal::Malformed {
            header: GITHUB_SIGNATURE,
        })?;
    if secret.expose().is_empty() {
        return Err(Refusal::BadSecret);
    }
    mac(secret.expose().as_bytes(), &[body])
        .verify_slice(&signature)
        .map_err(|_| Refusal::Wrong)?;
    Ok(id.to_owned())
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256>>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

fn message_id<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Refusal> {
    let id = header(headers, name)?;
    let fits = !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_graphic());
    fits.then_some(id)
        .ok_or(Refusal::Malformed { header: name })
}

/// The one value of a header. Of two, each might be the one that another program believes, so neither is taken.
fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Refusal::Missing { header: name })?;
    match (values.next(), value.to_str()) {
        (None, Ok(value)) => Ok(value.trim()),
        _ => Err(Refusal::Malformed { header: name }),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    // The vector of the Standard Webhooks specification and of its reference libraries.
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn whsec() -> Secret {
        Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn standard(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        headers(&[
            (WEBHOOK_ID, id),
            (WEBHOOK_TIMESTAMP, timestamp),
            (WEBHOOK_SIGNATURE, signature),
        ])
    }

    fn check(
        headers: &HeaderMap,
        body: &[u8],
        secret: &Secret,
        now: i64,
    ) -> Result<String, Refusal> {
        verify(
            Scheme::StandardWebhooks,
            headers,
            body,
            secret,
            now * 1_000,
            DEFAULT_TOLERANCE,
        )
    }

    #[test]
    fn the_vector_of_standard_webhooks_signs_and_verifies() {
        assert_eq!(
            sign_standard_webhooks(&whsec(), ID, TIMESTAMP, BODY).unwrap(),
            SIGNATURE
        );
        let bare = Secret::new("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        for secret in [whsec(), bare] {
            let headers = standard(ID, "1614265330", SIGNATURE);
            assert_eq!(check(&headers, BODY, &secret, TIMESTAMP).unwrap(), ID);
        }
    }

    #[test]
    fn standard_webhooks_messages_are_taken_or_refused_with_the_reason() {
        use Refusal::*;
        let good = "1614265330";
        let other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
        let both = format!("v1a,xyz {other} {SIGNATURE}");
        let many = format!("{}{SIGNATURE}", format!("{other} ").repeat(MOST_SIGNATURES));
        let long = "x".repeat(LONGEST_ID + 1);
        let malformed = |header| Err(Malformed { header });
        type Row<'a> = (&'a str, HeaderMap, &'a [u8], i64, Result<(), Refusal>);
        let table: &[Row<'_>] = &[
            ("good", standard(ID, good, SIGNATURE), BODY, 0, Ok(())),
            ("one of several", standard(ID, good, &both), BODY, 0, Ok(())),
            ("oldest", standard(ID, good, SIGNATURE), BODY, 300, Ok(())),
            ("newest", standard(ID, good, SIGNATURE), BODY, -300, Ok(())),
            (
                "too old",
                standard(ID, good, SIGNATURE),
                BODY,
                301,
                Err(TooOld { seconds: 301 }),
            ),
            (
                "too new",
                standard(ID, good, SIGNATURE),
                BODY,
                -301,
                Err(TooNew { seconds: 301 }),
            ),
            (
                "body changed",
                standard(ID, good, SIGNATURE),
                br#"{"test": 2432232315}"#,
                0,
                Err(Wrong),
            ),
            (
                "empty body",
                standard(ID, good, SIGNATURE),
                b"",
                0,
                Err(Wrong),
            ),
            (
                "id changed",
                standard("msg_other", good, SIGNATURE),
                BODY,
                0,
                Err(Wrong),
            ),
            (
                "time changed",
                standard(ID, "1614265331", SIGNATURE),
                BODY,
                0,
                Err(Wrong),
            ),
            (
                "signature changed",
                standard(ID, good, other),
                BODY,
                0,
                Err(Wrong),
            ),
            (
                "beyond the most",
                standard(ID, good, &many),
                BODY,
                0,
                Err(Wrong),
            ),
            (
                "cut signature",
                standard(ID, good, "v1,g0hM9SsE"),
                BODY,
                0,
                Err(Wrong),
            ),
            (
                "no base64",
                standard(ID, good, "v1,***"),
                BODY,
                0,
                malformed(WEBHOOK_SIGNATURE),
            ),
            (
                "no version",
                standard(ID, good, &SIGNATURE[3..]),
                BODY,
                0,
                malformed(WEBHOOK_SIGNATURE),
            ),
            (
                "another version",
                standard(ID, good, "v2,abcd"),
                BODY,
                0,
                malformed(WEBHOOK_SIGNATURE),
            ),
            (
                "empty signature",
                standard(ID, good, ""),
                BODY,
                0,
                malformed(WEBHOOK_SIGNATURE),
            ),
            (
                "time with a sign",
                standard(ID, "+1614265330", SIGNATURE),
                BODY,
                0,
                malformed(WEBHOOK_TIMESTAMP),
            ),
            (
                "time as a date",
                standard(ID, "2021-02-25", SIGNATURE),
                BODY,
                0,
                malformed(WEBHOOK_TIMESTAMP),
            ),
            (
                "time too long",
                standard(ID, "99999999999999999999", SIGNATURE),
                BODY,
                0,
                malformed(WEBHOOK_TIMESTAMP),
            ),
            (
                "time empty",
                standard(ID, "", SIGNATURE),
                BODY,
                0,
                malformed(WEBHOOK_TIMESTAMP),
            ),
            (
                "id empty",
                standard("", good, SIGNATURE),
                BODY,
                0,
                malformed(WEBHOOK_ID),
            ),
            (
                "id with a blank",
                standard("a b", good, SIGNATURE),
                BODY,
                0,
                malformed(WEBHOOK_ID),
            ),
            (
                "id too long",
                standard(&long, good, SIGNATURE),
                BODY,
                0,
                malformed(WEBHOOK_ID),
            ),
            (
                "nothing",
                HeaderMap::new(),
                BODY,
                0,
                Err(Missing { header: WEBHOOK_ID }),
            ),
            (
                "no time",
                headers(&[(WEBHOOK_ID, ID), (WEBHOOK_SIGNATURE, SIGNATURE)]),
                BODY,
                0,
                Err(Missing {
                    header: WEBHOOK_TIMESTAMP,
                }),
            ),
            (
                "no signature",
                headers(&[(WEBHOOK_ID, ID), (WEBHOOK_TIMESTAMP, good)]),
                BODY,
                0,
                Err(Missing {
                    header: WEBHOOK_SIGNATURE,
                }),
            ),
            (
                "id twice",
                headers(&[
                    (WEBHOOK_ID, ID),
                    (WEBHOOK_ID, "other"),
                    (WEBHOOK_TIMESTAMP, good),
                    (WEBHOOK_SIGNATURE, SIGNATURE),
                ]),
                BODY,
                0,
                malformed(WEBHOOK_ID),
            ),
        ];
        for (name, headers, body, later, expected) in table {
            let result = check(headers, body, &whsec(), TIMESTAMP + later);
            assert_eq!(result, expected.clone().map(|()| ID.to_owned()), "{name}");
        }
    }

    #[test]
    fn a_signature_does_not_fit_another_reading_of_the_same_text() {
        // `a.1614265330.2.x` could be read as the id `a` or as the id `a.1614265330`.
        let signature = sign_standard_webhooks(&whsec(), "a", TIMESTAMP, b"2.x").unwrap();
        let forged = standard("a.1614265330", "2", &signature);
        assert_eq!(
            check(&forged, b"x", &whsec(), 2),
            Err(Refusal::Malformed { header: WEBHOOK_ID })
        );
    }

    #[test]
    fn a_secret_that_cannot_verify_is_our_fault() {
        let headers = standard(ID, "1614265330", SIGNATURE);
        for secret in ["", "whsec_", "whsec_***", "not base64!"] {
            let refusal = check(&headers, BODY, &Secret::new(secret), TIMESTAMP).unwrap_err();
            assert_eq!(refusal, Refusal::BadSecret);
            assert!(refusal.is_ours());
        }
        let github = headers_of_github("sha256=00");
        let refusal = verify_github(&github, b"", &Secret::new("")).unwrap_err();
        assert_eq!(refusal, Refusal::BadSecret);
    }

    // The example of GitHub's documentation on validating webhook deliveries.
    const GITHUB_SECRET: &str = "It's a Secret to Everybody";
    const GITHUB_BODY: &[u8] = b"Hello, World!";
    const GITHUB_EXAMPLE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const DELIVERY: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

    fn headers_of_github(signature: &str) -> HeaderMap {
        headers(&[
            ("x-github-delivery", DELIVERY),
            (GITHUB_SIGNATURE, signature),
        ])
    }

    #[test]
    fn github_messages_are_taken_or_refused_with_the_reason() {
        use Refusal::*;
        let secret = Secret::new(GITHUB_SECRET);
        assert_eq!(sign_github(&secret, GITHUB_BODY), GITHUB_EXAMPLE);
        let upper = GITHUB_EXAMPLE.to_uppercase().replace("SHA256", "sha256");
        let malformed = Err(Malformed {
            header: GITHUB_SIGNATURE,
        });
        type Row<'a> = (&'a str, HeaderMap, &'a [u8], Result<(), Refusal>);
        let table: &[Row<'_>] = &[
            (
                "good",
                headers_of_github(GITHUB_EXAMPLE),
                GITHUB_BODY,
                Ok(()),
            ),
            (
                "upper case hex",
                headers_of_github(&upper),
                GITHUB_BODY,
                Ok(()),
            ),
            (
                "body changed",
                headers_of_github(GITHUB_EXAMPLE),
                b"Hello, World?",
                Err(Wrong),
            ),
            (
                "cut",
                headers_of_github(&GITHUB_EXAMPLE[..39]),
                GITHUB_BODY,
                Err(Wrong),
            ),
            (
                "empty digest",
                headers_of_github("sha256="),
                GITHUB_BODY,
                Err(Wrong),
            ),
            (
                "no hex",
                headers_of_github("sha256=xyz"),
                GITHUB_BODY,
                malformed.clone(),
            ),
            (
                "sha1",
                headers_of_github("sha1=757107ea"),
                GITHUB_BODY,
                malformed.clone(),
            ),
            (
                "no prefix",
                headers_of_github(&GITHUB_EXAMPLE[7..]),
                GITHUB_BODY,
                malformed,
            ),
            (
                "no delivery",
                headers(&[(GITHUB_SIGNATURE, GITHUB_EXAMPLE)]),
                GITHUB_BODY,
                Err(Missing {
                    header: GITHUB_DELIVERY,
                }),
            ),
            (
                "no signature",
                headers(&[(GITHUB_DELIVERY, DELIVERY)]),
                GITHUB_BODY,
                Err(Missing {
                    header: GITHUB_SIGNATURE,
                }),
            ),
        ];
        for (name, headers, body, expected) in table {
            let result = verify(Scheme::Github, headers, body, &secret, 0, Duration::ZERO);
            assert_eq!(
                result,
                expected.clone().map(|()| DELIVERY.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn the_words_of_flow_files_name_the_schemes() {
        assert_eq!(Scheme::from_word("github"), Some(Scheme::Github));
        assert_eq!(
            Scheme::from_word("standard-webhooks"),
            Some(Scheme::StandardWebhooks)
        );
        assert_eq!(Scheme::from_word("stripe"), None);
    }
}
