//! What a person wants of a replay, as the API is asked for it.

use serde_json::{Map, Value, json};
use weir_flows::replay::Begin;

use crate::sample::{Mistake, read_body};

/// What became of a step of which nobody knew whether it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// Nobody has looked yet.
    Unknown,
    /// It did not happen, so it is done again.
    No,
    /// It happened, and what it gave is said.
    Yes,
}

impl Happened {
    pub(super) fn word(self) -> &'static str {
        match self {
            Happened::Unknown => "unknown",
            Happened::No => "no",
            Happened::Yes => "yes",
        }
    }

    pub(super) fn of(word: &str) -> Happened {
        match word {
            "no" => Happened::No,
            "yes" => Happened::Yes,
            _ => Happened::Unknown,
        }
    }
}

/// How to replay a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) from: Begin,
    /// Whether it runs the version that is published now.
    pub(super) newest: bool,
    /// The body of the message where it was written anew.
    pub(super) body: Option<String>,
    /// The step of which nobody knew, and what became of it.
    pub(super) unsure: Option<(String, Happened)>,
    /// What that step gave.
    pub(super) output: String,
}

/// Why a wish cannot be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wrong {
    /// The new body cannot be read.
    Body(Mistake),
    /// What the step gave cannot be read.
    Output(Mistake),
}

impl Wish {
    /// To go on where a run stopped.
    pub(super) fn new(unsure: Option<String>) -> Self {
        Wish {
            from: Begin::Failure,
            newest: false,
            body: None,
            unsure: unsure.map(|step| (step, Happened::Unknown)),
            output: "{}".to_owned(),
        }
    }

    /// The body of the request.
    pub(super) fn request(&self) -> Result<Map<String, Value>, Wrong> {
        let mut request = Map::new();
        match &self.from {
            Begin::Failure => {}
            Begin::Start => drop(request.insert("from".into(), "start".into())),
            Begin::Step(step) => {
                request.insert("from".into(), "step".into());
                request.insert("step".into(), step.clone().into());
            }
        }
        if self.newest {
            request.insert("version".into(), "newest".into());
        }
        if let Some(body) = &self.body {
            let body = read_body(body).map_err(Wrong::Body)?;
            request.insert("message".into(), json!({ "body": body }));
        }
        if let Some((step, Happened::Yes)) = &self.unsure {
            let output = read_body(&self.output).map_err(Wrong::Output)?;
            request.insert("happened".into(), json!({ "step": step, "output": output }));
        }
        Ok(request)
    }

    /// Whether a person must say first what became of a step that this would run again.
    pub(super) fn must_say(&self) -> bool {
        matches!(self.unsure, Some((_, Happened::Unknown)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_says_only_what_differs_from_going_on() {
        let mut wish = Wish::new(None);
        assert_eq!(Value::Object(wish.request().unwrap()), json!({}));
        assert!(!wish.must_say());
        wish.from = Begin::Step("book".to_owned());
        wish.newest = true;
        wish.body = Some("{\"n\": 1}".to_owned());
        assert_eq!(
            Value::Object(wish.request().unwrap()),
            json!({ "from": "step", "step": "book", "version": "newest", "message": { "body": { "n": 1 } } })
        );
        wish.from = Begin::Start;
        assert_eq!(wish.request().unwrap()["from"], "start");
        wish.body = Some("{".to_owned());
        assert!(matches!(wish.request(), Err(Wrong::Body(_))));
    }

    #[test]
    fn what_nobody_knew_must_be_said() {
        let mut wish = Wish::new(Some("book".to_owned()));
        assert!(wish.must_say());
        for (happened, sent) in [
            (Happened::No, json!({})),
            (
                Happened::Yes,
                json!({ "happened": { "step": "book", "output": { "id": 7 } } }),
            ),
        ] {
            wish.unsure = Some(("book".to_owned(), happened));
            wish.output = "{\"id\": 7}".to_owned();
            assert_eq!(Value::Object(wish.request().unwrap()), sent);
            assert!(!wish.must_say());
            assert_eq!(Happened::of(happened.word()), happened);
        }
        wish.output = "7,".to_owned();
        assert!(matches!(wish.request(), Err(Wrong::Output(_))));
    }
}
