//! Callback links: where a run that waits is answered, and what such an answer gives.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::{document::Step, duration::Duration, run::rfc3339};

/// How long an answer is waited for where nothing is said: seven days.
pub const USUAL_TIMEOUT: &str = "7d";

/// The key that signs the links of one run.
pub type Key = [u8; 32];

/// The links of one run, or of one item of an `each` step in it. They are computed, so nothing is stored of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Callbacks {
    /// What all links of the run begin with.
    address: Arc<str>,
    key: Key,
    /// The items around, from the outermost inwards.
    items: Vec<usize>,
}

impl Callbacks {
    /// The links of a run that begin with this address and are signed with its key.
    pub fn new(address: &str, key: Key) -> Callbacks {
        Callbacks {
            address: Arc::from(address),
            key,
            items: Vec::new(),
        }
    }

    /// The links of an item.
    #[must_use]
    pub(crate) fn within(&self, index: usize) -> Callbacks {
        let mut links = self.clone();
        links.items.push(index);
        links
    }

    /// The link that answers a step here.
    pub fn of(&self, step: &str) -> String {
        let place = place(step, &self.items);
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&place).finalize().into_bytes());
        format!("{}/{place}/{signature}", self.address)
    }

    /// Whether this run has signed this place so. Takes as long for every wrong signature.
    pub fn holds(&self, place: &str, signature: &str) -> bool {
        let bytes = URL_SAFE_NO_PAD.decode(signature);
        bytes.is_ok_and(|bytes| self.mac(place).verify_slice(&bytes).is_ok())
    }

    fn mac(&self, place: &str) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key)
            .expect("an HMAC takes keys of any length");
        mac.update(place.as_bytes());
        mac
    }
}

/// Callbacks that lead nowhere, for runs that nobody can answer: rehearsals, tries and `weir run`.
impl Default for Callbacks {
    fn default() -> Self {
        Callbacks::new("https://weir.invalid/callback", [0; 32])
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks")
            .field("address", &self.address)
            .field("items", &self.items)
            .finish_non_exhaustive()
    }
}

/// A step and the items around it as one text. No id of a step has a dot, so no two share one.
pub fn place(step: &str, items: &[usize]) -> String {
    let items = items.iter().map(|index| format!(".{index}"));
    items.fold(step.to_owned(), |place, item: String| place + item.as_str())
}

/// The step and the items that [`place`] has made one text of.
pub fn read_place(place: &str) -> Option<(&str, Vec<usize>)> {
    let mut parts = place.split('.');
    let step = parts.next().filter(|step| !step.is_empty())?;
    let items = parts.map(|index| index.parse().ok());
    Some((step, items.collect::<Option<_>>()?))
}

/// What a `wait` step for a callback gives.
pub fn called(
    body: Value,
    headers: Map<String, Value>,
    query: Map<String, Value>,
    at: i64,
) -> Value {
    json!({ "body": body, "headers": headers, "query": query, "at": rfc3339(at) })
}

/// What a person decides, and what the `wait` step for an approval gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Approved, else rejected.
    pub approved: bool,
    /// What was filled in.
    pub form: Value,
    /// Who.
    pub by: Option<String>,
    /// Why.
    pub note: Option<String>,
}

impl Decision {
    /// The output of the step.
    pub fn output(&self, at: i64) -> Value {
        let decision = if self.approved { APPROVED } else { REJECTED };
        json!({ "decision": decision, "form": self.form, "by": self.by, "note": self.note, "at": rfc3339(at) })
    }
}

/// The word for what a person approved.
pub const APPROVED: &str = "approved";

/// The word for what a person rejected, and the port by which the run goes on then.
pub const REJECTED: &str = "rejected";

/// Which way an answer to an approval leads; nothing where it is none.
pub(crate) fn approves(answer: &Value) -> Option<bool> {
    match answer.get("decision")?.as_str()? {
        APPROVED => Some(true),
        REJECTED => Some(false),
        _ => None,
    }
}

/// What a step with these settings is answered where nobody says anything else, so that a rehearsal goes on; nothing where
/// it waits for no answer.
pub(crate) fn sample(step: &Step) -> Option<Value> {
    const AT: i64 = 1_767_225_600_000;
    if step.kind != "wait" {
        return None;
    }
    if step.config.contains_key("approval") {
        let decision = Decision {
            approved: true,
            form: json!({}),
            by: None,
            note: None,
        };
        return Some(decision.output(AT));
    }
    let called = || called(Value::Null, Map::new(), Map::new(), AT);
    step.config.contains_key("callback").then(called)
}

/// Whether a timeout that is written down is longer than any wait may be.
pub(crate) fn is_too_long(timeout: &str) -> bool {
    let span = timeout.parse::<Duration>();
    span.is_ok_and(|span| span.millis() > crate::advance::LONGEST_WAIT_MS.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_holds_for_its_own_place_only() {
        let links = Callbacks::new("https://weir.example/callback/main/r", [7; 32]);
        let link = links.of("ask");
        let signature = link
            .strip_prefix("https://weir.example/callback/main/r/ask/")
            .unwrap();
        assert!(links.holds("ask", signature));
        let item = links.within(3).within(0).of("ask");
        assert!(item.contains("/ask.3.0/") && !item.ends_with(signature));
        let mut tampered = signature.to_owned();
        tampered.replace_range(0..1, if signature.starts_with('A') { "B" } else { "A" });
        for (place, signature) in [
            ("ask.3", signature),
            ("asks", signature),
            ("ask", tampered.as_str()),
            ("ask", ""),
            ("ask", "not base64!"),
            ("ask", &signature[..40]),
        ] {
            assert!(!links.holds(place, signature), "{place} {signature}");
        }
        assert!(
            !Callbacks::new("https://weir.example/callback/main/r", [8; 32])
                .holds("ask", signature)
        );
        assert!(!format!("{links:?}").contains('7'), "the key is not shown");
    }

    #[test]
    fn places_are_read_as_they_were_written() {
        for items in [vec![], vec![3], vec![0, 12, 7]] {
            let text = place("ask-me", &items);
            assert_eq!(read_place(&text), Some(("ask-me", items)));
        }
        for bad in ["", ".1", "ask.", "ask.x", "ask.-1"] {
            assert_eq!(read_place(bad), None, "{bad}");
        }
    }
}
