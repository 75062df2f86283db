//! Runs the tests of a flow file on the machine that runs production, with mocked actions.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    advance::Stamp,
    document::{ExpectFailure, Expected, Test},
    failure::Failure,
    json::same,
    plan::Plan,
    rehearsal::{Rehearsed, rehearse},
    run::{Run, Status, StepStatus},
    script::Bounds,
};

/// The instant a test sees as now where it names none: 2026-01-01T00:00:00Z.
const NOW_MS: i64 = 1_767_225_600_000;

/// The dice of every test, so that it gives the same each time.
const DICE: u64 = 0x5745_4952;

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The test's name.
    pub name: String,
    /// What differs from what was expected; empty when the test passes.
    pub differences: Vec<Difference>,
}

impl Outcome {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// One difference between what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Where: `reply/body/total`, `steps/book/attempts`.
    pub at: String,
    /// What the test expects; absent where something is there that should not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What was found; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
}

/// Runs all tests of a version.
pub fn run_tests(plan: &Plan, bounds: &Bounds) -> Vec<Outcome> {
    plan.flow
        .tests
        .iter()
        .map(|test| run_test(plan, test, bounds))
        .collect()
}

/// Runs one test.
pub fn run_test(plan: &Plan, test: &Test, bounds: &Bounds) -> Outcome {
    let mut found = Findings::default();
    match play(plan, test, bounds) {
        Ok(Rehearsed::Run { run, .. }) => found.run(plan, test, &run),
        Ok(Rehearsed::Filtered) => found.admission(test, Expected::Filtered, Value::Null),
        Ok(Rehearsed::Refused(problems)) => {
            found.admission(test, Expected::Refused, json!(problems));
        }
        Ok(Rehearsed::Failed(failure)) => {
            found.differs("", None, Some(failure.to_string().into()));
        }
        Err(message) => found.differs("", None, Some(message.into())),
    }
    Outcome {
        name: test.name.clone(),
        differences: found.differences,
    }
}

fn play(plan: &Plan, test: &Test, bounds: &Bounds) -> Result<Rehearsed, String> {
    let now_ms = match &test.now {
        None => NOW_MS,
        Some(text) => chrono::DateTime::parse_from_rfc3339(text)
            .map_err(|error| format!("`now`: {error}"))?
            .timestamp_millis(),
    };
    rehearse(
        plan,
        test.trigger.as_deref(),
        test.message.clone(),
        &test.mocks,
        Stamp { now_ms, dice: DICE },
        bounds,
    )
}

#[derive(Default)]
struct Findings {
    differences: Vec<Difference>,
}

impl Findings {
    fn admission(&mut self, test: &Test, status: Expected, detail: Value) {
        if test.expect.status != Some(status) {
            self.differs(
                "status",
                Some(json!(test.expect.status)),
                Some(json!({ "status": status, "detail": detail })),
            );
        }
        let expects_run = test.expect.ran.is_some()
            || test.expect.reply.is_some()
            || !test.expect.steps.is_empty();
        if expects_run && test.expect.status == Some(status) {
            self.differs("", Some("a run".into()), Some("no run was started".into()));
        }
    }

    fn run(&mut self, plan: &Plan, test: &Test, run: &Run) {
        let expect = &test.expect;
        let status = match run.status {
            Status::Succeeded => Expected::Succeeded,
            _ => Expected::Failed,
        };
        // A test that says nothing of the end expects a good one.
        let wanted = expect.status.unwrap_or(if expect.failure.is_some() {
            Expected::Failed
        } else {
            Expected::Succeeded
        });
        if wanted != status {
            let failure = run.failure.as_ref().map(|failure| {
                format!(
                    "{}: {}",
                    failure.step.as_deref().unwrap_or("the run"),
                    failure.failure
                )
            });
            let found = failure.map_or_else(
                || json!(status),
                |failure| json!({ "status": status, "failure": failure }),
            );
            self.differs("status", Some(json!(wanted)), Some(found));
        }
        self.steps(plan, test, run);
        if let Some(wanted) = &expect.failure {
            let found = run
                .failure
                .as_ref()
                .map(|failure| (failure.step.as_deref(), failure.failure.as_ref()));
            self.failure("failure", wanted, found);
        }
        if let Some(wanted) = &expect.reply {
            match &run.reply {
                None => self.differs("reply", Some(json!(wanted)), None),
                Some(reply) => {
                    if let Some(status) = wanted.status {
                        self.compare("reply/status", &json!(status), &json!(reply.status));
                    }
                    self.part("reply/headers", &wanted.headers, &reply.headers);
                    if let Some(body) = &wanted.body {
                        self.compare("reply/body", body, &reply.body);
                    }
                }
            }
        }
    }

    fn steps(&mut self, plan: &Plan, test: &Test, run: &Run) {
        let expect = &test.expect;
        let with = |statuses: &[StepStatus]| {
            let mut ids: Vec<&str> = Vec::new();
            ids.extend(
                plan.steps
                    .iter()
                    .zip(&run.steps)
                    .filter(|(_, state)| statuses.contains(&state.status))
                    .map(|(step, _)| step.id.as_str()),
            );
            ids.sort_unstable();
            ids
        };
        if let Some(wanted) = &expect.ran {
            let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            wanted.sort_unstable();
            let ran = with(&[StepStatus::Succeeded, StepStatus::Failed]);
            if wanted != ran {
                self.differs("ran", Some(json!(wanted)), Some(json!(ran)));
            }
        }
        let skipped = with(&[StepStatus::Skipped]);
        for id in expect
            .skipped
            .iter()
            .filter(|id| !skipped.contains(&id.as_str()))
        {
            let status = plan.position(id).map(|position| run.steps[position].status);
            self.differs(
                &format!("steps/{id}"),
                Some("skipped".into()),
                Some(json!(status)),
            );
        }
        for (id, wanted) in &expect.steps {
            let at = format!("steps/{id}");
            let Some(position) = plan.position(id) else {
                continue;
            };
            let state = &run.steps[position];
            if let Some(output) = &wanted.output {
                match run.outputs.at(position) {
                    Some(found) => self.compare(&format!("{at}/output"), output, found),
                    None => self.differs(&format!("{at}/output"), Some(output.clone()), None),
                }
            }
            if let Some(config) = &wanted.config {
                match state.calls.config.as_deref().and_then(Value::as_object) {
                    Some(found) => self.part(&format!("{at}/config"), config, found),
                    None => self.differs(&format!("{at}/config"), Some(json!(config)), None),
                }
            }
            if let Some(attempts) = wanted.attempts {
                self.compare(
                    &format!("{at}/attempts"),
                    &json!(attempts),
                    &json!(state.calls.attempts.len()),
                );
            }
            if let Some(failure) = &wanted.failure {
                self.failure(
                    &format!("{at}/failure"),
                    failure,
                    state
                        .failure
                        .as_deref()
                        .map(|failure| (Some(id.as_str()), failure)),
                );
            }
        }
    }

    fn failure(
        &mut self,
        at: &str,
        wanted: &ExpectFailure,
        found: Option<(Option<&str>, &Failure)>,
    ) {
        let Some((step, failure)) = found else {
            return self.differs(at, Some(json!(wanted)), None);
        };
        if let Some(id) = &wanted.step {
            self.compare(&format!("{at}/step"), &json!(id), &json!(step));
        }
        if let Some(class) = wanted.class {
            self.compare(&format!("{at}/class"), &json!(class), &json!(failure.class));
        }
        if let Some(part) = wanted
            .message
            .as_ref()
            .filter(|part| !failure.message.contains(part.as_str()))
        {
            self.differs(
                &format!("{at}/message"),
                Some(json!(format!("…{part}…"))),
                Some(failure.message.clone().into()),
            );
        }
    }

    /// Only the named keys must be equal.
    fn part(&mut self, at: &str, wanted: &Map<String, Value>, found: &Map<String, Value>) {
        for (key, value) in wanted {
            match found.get(key) {
                Some(other) => self.compare(&format!("{at}/{key}"), value, other),
                None => self.differs(&format!("{at}/{key}"), Some(value.clone()), None),
            }
        }
    }

    /// Notes the innermost places that differ.
    fn compare(&mut self, at: &str, wanted: &Value, found: &Value) {
        match (wanted, found) {
            (Value::Object(a), Value::Object(b)) => {
                self.part(at, a, b);
                for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                    self.differs(&format!("{at}/{key}"), None, Some(value.clone()));
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    self.compare(&format!("{at}/{i}"), a, b);
                }
            }
            _ if same(wanted, found) => {}
            _ => self.differs(at, Some(wanted.clone()), Some(found.clone())),
        }
    }

    fn differs(&mut self, at: &str, expected: Option<Value>, found: Option<Value>) {
        self.differences.push(Difference {
            at: at.to_owned(),
            expected,
            found,
        });
    }
}
