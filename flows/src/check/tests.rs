//! The checks of the tests that a document brings along.

use super::Check;
use crate::{
    callback::approves,
    document::{Mock, Mocks, Test, each_step},
    problem::{pointer, suggestion},
};

impl Check<'_> {
    pub(super) fn test(&mut self, test: &Test, at: &str) {
        match &test.trigger {
            Some(id) if !self.flow.triggers.contains_key(id) => {
                let advice = suggestion(id, self.flow.triggers.keys().map(String::as_str));
                self.findings.error(
                    pointer(at, "trigger"),
                    "unknown_id",
                    format!("there is no trigger `{id}`{advice}"),
                );
            }
            None if self.flow.triggers.len() > 1 => {
                let known: Vec<&str> = self.flow.triggers.keys().map(String::as_str).collect();
                let message = format!(
                    "`trigger` is missing: the flow has several; name one of: {}",
                    known.join(", ")
                );
                self.findings.error(at, "missing_key", message);
            }
            _ => {}
        }
        if let Some(now) = &test.now
            && chrono::DateTime::parse_from_rfc3339(now).is_err()
        {
            self.findings.error(
                pointer(at, "now"),
                "bad_value",
                format!("`{now}` is not an RFC 3339 date-time such as 2026-01-31T08:00:00Z"),
            );
        }
        each_step(self.flow, |_, id, step| {
            let approval = step.kind == "wait" && step.config.contains_key("approval");
            if let (true, Some(Mocks::Same(Mock::Output(output)))) = (approval, test.mocks.get(id))
                && approves(output).is_none()
            {
                let message = format!(
                    "a person decides the step `{id}`; mock what they say: {{\"output\": {{\"decision\": \"approved\"}}}}, or \"rejected\""
                );
                let at = pointer(&pointer(at, "mocks"), id);
                self.findings.error(at, "bad_mock", message);
            }
        });
        let expect = &test.expect;
        let named = test
            .mocks
            .keys()
            .map(|id| (pointer(&pointer(at, "mocks"), id), id));
        let ran = expect
            .ran
            .iter()
            .flatten()
            .enumerate()
            .map(|(i, id)| (format!("{at}/expect/ran/{i}"), id));
        let skipped = expect
            .skipped
            .iter()
            .enumerate()
            .map(|(i, id)| (format!("{at}/expect/skipped/{i}"), id));
        let steps = expect
            .steps
            .keys()
            .map(|id| (pointer(&format!("{at}/expect/steps"), id), id));
        // Actions answer within bodies, too; what comes of these is in the results of the `each`.
        let named = named.filter(|(_, id)| !self.inside.contains_key(*id));
        let unknown: Vec<_> = named
            .chain(ran)
            .chain(skipped)
            .chain(steps)
            .filter(|(_, id)| !self.flow.steps.contains_key(*id))
            .collect();
        for (at, id) in unknown {
            let advice = match self.inside.get(id) {
                Some(each) => format!(
                    " here; it is inside the body of `{each}`, so say what that gives as its output"
                ),
                None => suggestion(id, self.flow.steps.keys().map(String::as_str)),
            };
            self.findings
                .error(at, "unknown_id", format!("there is no step `{id}`{advice}"));
        }
    }
}
