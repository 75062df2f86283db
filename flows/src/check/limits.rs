//! The checks of `concurrency`, `rate` and `cache`.

use super::Check;
use crate::{builtin::CALL, document::Step, problem::pointer, script::Form};

impl Check<'_> {
    /// What limits the attempts of the step at this place, and for how long what it gave is used again.
    pub(super) fn limits(&mut self, step: &Step, at: &str) {
        let times = [
            ("rate/per", step.rate.as_ref().map(|rate| &rate.per)),
            ("cache/ttl", step.cache.as_ref().map(|cache| &cache.ttl)),
        ];
        for (key, time) in times {
            if time.is_some_and(|time| time.millis() == 0) {
                let message = "this must be longer than nothing; write 1s, for one";
                self.findings
                    .error(format!("{at}/{key}"), "bad_value", message);
            }
        }
        let concurrency = step.concurrency.as_ref();
        let rate = step.rate.as_ref();
        let cache = step.cache.as_ref();
        let keys = [
            ("concurrency", concurrency.map(|it| &it.key)),
            ("rate", rate.map(|it| &it.key)),
            ("cache", cache.map(|it| &it.key)),
        ];
        for (policy, key) in keys {
            let Some(key) = key else { continue };
            if step.kind == CALL {
                let message = format!(
                    "`{policy}` has no meaning for a `call`, since the run it waits for may come to this step again; set it on the actions of the called flow"
                );
                self.findings
                    .error(pointer(at, policy), "no_meaning", message);
            }
            if let Some(key) = key {
                self.limit_key(key, &format!("{at}/{policy}/key"));
            }
        }
    }

    /// A key that limits count by.
    pub(super) fn limit_key(&mut self, key: &str, at: &str) {
        if key.trim_start().starts_with('=') {
            let message =
                "an expression stands here anyway; write it without the = at its beginning";
            self.findings.error(at, "bare_expression", message);
        } else {
            self.findings.script(key, Form::Expression, at);
        }
    }
}
