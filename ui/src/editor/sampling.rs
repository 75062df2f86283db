//! Sampling: which message stands for all others while a person draws, and what is known of each step for it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use weir_flows::{
    catalog::Catalog,
    document::{Flow, Message, Mock, MockFailure, Mocks, Slug},
};

use super::sample::Sample;
use crate::{
    api::{RunDetail, RunSummary, StepDetail, StepStatus},
    edit::body,
    lab::FirstItem,
    sample::{self, Mistake, example, typed},
    texts::{Texts, fill},
    words,
};

/// Where the message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A run of the flow.
    Run(String),
    /// A test of the flow, by name.
    Test(String),
    /// What the trigger's schema describes, or what its kind usually brings.
    Example,
    /// What a person typed.
    Typed,
}

impl Source {
    /// The value in a list of choices.
    pub(crate) fn word(&self) -> String {
        match self {
            Source::Run(id) => format!("run:{id}"),
            Source::Test(name) => format!("test:{name}"),
            Source::Example => "example".to_owned(),
            Source::Typed => "typed".to_owned(),
        }
    }

    /// The source for a value of a list of choices.
    pub(crate) fn from_word(word: &str) -> Self {
        match word.split_once(':') {
            Some(("run", id)) => Source::Run(id.to_owned()),
            Some(("test", name)) => Source::Test(name.to_owned()),
            _ if word == "example" => Source::Example,
            _ => Source::Typed,
        }
    }
}

/// The messages that can be chosen for a trigger, with what a person reads; the best one first. `runs` are those of the
/// trigger, newest first, each with when it was in words; `tried` is the run of the last try.
pub(crate) fn sources(
    t: &Texts,
    flow: &Flow,
    trigger: &str,
    runs: &[(RunSummary, String)],
    tried: Option<&RunDetail>,
) -> Vec<(Source, String)> {
    let mut all = Vec::new();
    if let Some(tried) = tried.filter(|run| run.trigger == trigger) {
        all.push((Source::Run(tried.id.clone()), t.sample_tried.to_owned()));
    }
    for (index, (run, when)) in runs.iter().enumerate() {
        let text = if index == 0 {
            t.sample_last
        } else {
            t.sample_run
        };
        let id = words::short_id(&run.id);
        let label = fill(text, &[("id", id), ("when", when)]);
        all.push((Source::Run(run.id.clone()), label));
    }
    for test in tests_of(flow, trigger) {
        let label = fill(t.try_sample_test, &[("name", &test.name)]);
        all.push((Source::Test(test.name.clone()), label));
    }
    let schema = flow.triggers.get(trigger).and_then(|t| t.schema.as_ref());
    let label = match schema {
        Some(_) => t.try_sample_schema,
        None => t.sample_example,
    };
    all.push((Source::Example, label.to_owned()));
    all.push((Source::Typed, t.sample_typed.to_owned()));
    all
}

/// The tests of a trigger.
fn tests_of<'a>(
    flow: &'a Flow,
    trigger: &'a str,
) -> impl Iterator<Item = &'a weir_flows::document::Test> {
    let only = flow.triggers.len() == 1;
    flow.tests.iter().filter(move |test| match &test.trigger {
        Some(named) => named == trigger,
        None => only,
    })
}

/// The message of a test.
pub(crate) fn message_of_test(flow: &Flow, name: &str) -> Option<Message> {
    let test = flow.tests.iter().find(|test| test.name == name)?;
    Some(test.message.clone())
}

/// The message of a run, as the API tells it.
pub(crate) fn message_of_run(run: &RunDetail) -> Option<Message> {
    let fields = run.message.as_object().filter(|_| run.kept)?;
    let map = |key: &str| -> Map<String, Value> {
        fields
            .get(key)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    Some(Message {
        body: fields.get("body").cloned().unwrap_or_default(),
        headers: map("headers"),
        query: map("query"),
        params: map("params"),
        method: fields
            .get("method")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

/// A message as a trigger may get it: what its schema describes, else what its kind usually brings, else nothing.
pub(crate) fn example_message(flow: &Flow, catalog: &Catalog, trigger: &str) -> Message {
    let Some(found) = flow.triggers.get(trigger) else {
        return Message::default();
    };
    let usual = usual(catalog, &found.kind);
    match &found.schema {
        Some(schema) => Message {
            body: example(schema),
            ..usual
        },
        None => usual,
    }
}

/// What a kind of trigger usually brings.
fn usual(catalog: &Catalog, kind: &str) -> Message {
    let output = catalog
        .trigger(kind)
        .and_then(|entry| entry.output.as_ref());
    let Some(fields) = output.and_then(Value::as_object) else {
        return Message::default();
    };
    let map = |key: &str| -> Map<String, Value> {
        let found = fields.get(key).and_then(Value::as_object);
        found.cloned().unwrap_or_default()
    };
    Message {
        body: fields.get("body").cloned().unwrap_or_default(),
        headers: map("headers"),
        query: map("query"),
        params: map("params"),
        method: None,
    }
}

/// A message as it stands in the fields that a person types into.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    pub(crate) body: String,
    pub(crate) headers: String,
    pub(crate) query: String,
    pub(crate) params: String,
}

impl Typed {
    /// A message, ready to be changed.
    pub(crate) fn of(message: &Message) -> Self {
        let texts = |map: &Map<String, Value>| typed(&Value::Object(map.clone()));
        Typed {
            body: typed(&message.body),
            headers: texts(&message.headers),
            query: texts(&message.query),
            params: texts(&message.params),
        }
    }

    /// Reads what was typed.
    pub(crate) fn read(&self) -> Result<Message, Mistake> {
        Ok(Message {
            body: sample::read_body(&self.body)?,
            headers: sample::read_texts(&self.headers)?,
            query: sample::read_texts(&self.query)?,
            params: sample::read_texts(&self.params)?,
            method: None,
        })
    }
}

/// A run with the document that it ran on, where that is known.
#[derive(Clone, Copy)]
pub(crate) struct Ran<'a> {
    pub(crate) run: &'a RunDetail,
    pub(crate) flow: Option<&'a Flow>,
    /// The first item of each `each` step.
    pub(crate) items: &'a BTreeMap<Slug, FirstItem>,
}

/// A run that was rehearsed, with the first items of its `each` steps.
#[derive(Clone, Copy)]
pub(crate) struct Played<'a> {
    pub(crate) run: &'a RunDetail,
    pub(crate) items: &'a BTreeMap<Slug, FirstItem>,
}

/// What is known of each step: of a run what its steps got and gave where the draft would do the same there, of the rest
/// what a rehearsal gave.
pub(crate) fn known(
    flow: &Flow,
    trigger: &str,
    message: &Message,
    ran: Option<Ran<'_>>,
    rehearsed: Option<Played<'_>>,
) -> Sample {
    let mut steps: BTreeMap<Slug, StepDetail> = rehearsed
        .map(|played| played.run.steps.clone())
        .unwrap_or_default()
        .into_iter()
        .filter(|(id, step)| flow.steps.contains_key(id) && step.status != StepStatus::Pending)
        .collect();
    let mut items = BTreeMap::new();
    let mut take = |each: &Slug, first: &FirstItem, steps: &mut BTreeMap<Slug, StepDetail>| {
        items.insert(each.clone(), first.item.clone());
        let ran = first
            .steps
            .iter()
            .filter(|(_, step)| step.status != StepStatus::Pending);
        steps.extend(ran.map(|(id, step)| (id.clone(), step.clone())));
    };
    for (each, first) in rehearsed.iter().flat_map(|played| played.items) {
        take(each, first, &mut steps);
    }
    let kept = ran.filter(|ran| ran.run.kept && ran.run.trigger == trigger);
    if let Some(Ran {
        run,
        flow: then,
        items,
    }) = kept
    {
        let same = then.map_or_else(BTreeSet::new, |then| unchanged(then, flow));
        for (id, step) in &run.steps {
            if same.contains(id) && step.status != StepStatus::Pending {
                steps.insert(id.clone(), step.clone());
                if let Some(first) = items.get(id) {
                    take(id, first, &mut steps);
                }
            }
        }
    }
    let kind = flow.triggers.get(trigger).map(|found| found.kind.clone());
    let mut seen = serde_json::to_value(message).unwrap_or_else(|_| json!({}));
    if let Some(Value::Object(told)) = kept
        .map(|ran| &ran.run.message)
        .or(rehearsed.map(|played| &played.run.message))
    {
        seen = Value::Object(told.clone());
    }
    if let Value::Object(fields) = &mut seen {
        fields.insert("id".into(), json!(trigger));
        fields.insert("kind".into(), json!(kind));
        for key in ["body", "headers", "query", "params"] {
            let nothing = if key == "body" {
                Value::Null
            } else {
                json!({})
            };
            fields.entry(key).or_insert(nothing);
        }
    }
    Sample {
        trigger: seen,
        steps,
        items,
    }
}

/// Whether all steps of both documents do the same.
pub(crate) fn does_the_same(then: &Flow, now: &Flow) -> bool {
    then.steps.len() == now.steps.len()
        && then.triggers.len() == now.triggers.len()
        && unchanged(then, now).len() == now.steps.len() + now.triggers.len()
}

/// The steps that do in both documents the same, with the same before them.
pub(crate) fn unchanged(then: &Flow, now: &Flow) -> BTreeSet<Slug> {
    let enters = |flow: &Flow, id: &str| -> BTreeSet<(Slug, String)> {
        flow.links
            .iter()
            .filter(|link| link.to == id)
            .map(|link| (link.from.clone(), link.port().to_owned()))
            .collect()
    };
    let does_the_same = |id: &Slug| match (then.steps.get(id), now.steps.get(id)) {
        (Some(then), Some(now)) => {
            // Where cards stand in a body is no matter to a run.
            let (then, now) = (&body::effective(then), &body::effective(now));
            (&then.kind, &then.config, &then.connection, then.disabled)
                == (&now.kind, &now.config, &now.connection, now.disabled)
                && then.on_error == now.on_error
        }
        _ => match (then.triggers.get(id), now.triggers.get(id)) {
            (Some(then), Some(now)) => then.kind == now.kind && then.map == now.map,
            _ => false,
        },
    };
    let mut same: BTreeSet<Slug> = now
        .triggers
        .keys()
        .chain(now.steps.keys())
        .filter(|id| does_the_same(id) && enters(then, id) == enters(now, id))
        .cloned()
        .collect();
    // What follows something that differs may get something else.
    loop {
        let before = same.len();
        let kept = same.clone();
        same.retain(|id| enters(now, id).iter().all(|(from, _)| kept.contains(from)));
        if same.len() == before {
            return same;
        }
    }
}

/// What the actions of a run answered, for a rehearsal of the same message: those in bodies as for the first item.
pub(crate) fn mocks_of_run(
    run: &RunDetail,
    items: &BTreeMap<Slug, FirstItem>,
) -> BTreeMap<Slug, Mocks> {
    let answer = |step: &StepDetail| match (&step.output, &step.failure) {
        (Some(output), _) => Some(Mock::Output(output.clone())),
        (None, Some(failure)) => Some(Mock::Failure(MockFailure {
            class: failure.class,
            message: failure.message.clone(),
            status: failure.status,
            body: failure.body.clone(),
        })),
        (None, None) => None,
    };
    let inner = items.values().flat_map(|first| &first.steps);
    inner
        .chain(&run.steps)
        .filter(|(_, step)| !step.attempts.is_empty())
        .filter_map(|(id, step)| Some((id.clone(), Mocks::Same(answer(step)?))))
        .collect()
}

/// What each action of a flow answers where it is mocked: what it gave last, else what is pinned to it, else what the
/// first test that mocks it says, else what its kind usually gives.
pub(crate) fn prefilled(flow: &Flow, catalog: &Catalog, last: &Sample) -> BTreeMap<Slug, Mock> {
    let actions = flow
        .steps
        .iter()
        .filter(|(_, step)| catalog.step(&step.kind).is_some_and(|e| e.action.is_some()));
    let of_tests = |id: &str| {
        let mut mocks = flow.tests.iter().filter_map(|test| test.mocks.get(id));
        mocks.next().and_then(|mocks| match mocks {
            Mocks::Same(mock) => Some(mock.clone()),
            Mocks::Each(all) => all.last().cloned(),
            // What steps within bodies answer is not asked for here.
            Mocks::Items(_) => None,
        })
    };
    actions
        .map(|(id, step)| {
            let given = last.steps.get(id).and_then(|step| step.output.clone());
            let usual = catalog.step(&step.kind).and_then(|e| e.output.clone());
            let mock = given
                .filter(|value| !value.is_null())
                .or_else(|| step.pinned.clone())
                .map(Mock::Output)
                .or_else(|| of_tests(id))
                .unwrap_or_else(|| Mock::Output(usual.unwrap_or_default()));
            (id.clone(), mock)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::ENGLISH;

    fn flow(change: impl FnOnce(&mut Value)) -> Flow {
        let mut document = json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "http", "schema": { "properties": { "n": { "const": 5 } } } }, "u": { "kind": "manual" } },
            "steps": {
                "a": { "kind": "map", "config": { "script": "1" } },
                "b": { "kind": "http", "config": { "url": "x" } },
                "c": { "kind": "map" }
            },
            "links": [ { "from": "t", "to": "a" }, { "from": "a", "to": "b" }, { "from": "b", "to": "c" } ],
            "tests": [ { "name": "one", "trigger": "t", "message": { "body": 1 }, "mocks": { "b": { "output": "of the test" } } } ]
        });
        change(&mut document);
        serde_json::from_value(document).unwrap()
    }

    fn run(steps: Value) -> RunDetail {
        serde_json::from_value(json!({
            "id": "0190f5c8-1111-7abc-8def-0123456789ab", "flow": "f", "version": 1, "trigger": "t", "status": "succeeded",
            "started_at": "2026-11-22T22:00:00.000Z", "message": { "body": { "n": 7 }, "query": { "q": "1" } }, "steps": steps
        }))
        .unwrap()
    }

    fn catalog() -> Catalog {
        serde_json::from_value(json!({
            "triggers": [],
            "steps": [ { "kind": "http", "title": { "en": "", "de": "" }, "summary": { "en": "", "de": "" }, "group": "action", "icon": "",
                "fields": [], "ports": [], "output": "usual",
                "action": { "connection": "allowed", "idempotent": "always", "failures": [], "attempts": 1, "timeout_ms": 1 } } ]
        }))
        .unwrap()
    }

    #[test]
    fn messages_are_offered_the_real_ones_first() {
        let last: RunSummary = serde_json::from_value(json!({
            "id": "0190f5c8-1111-7abc-8def-0123456789ab", "flow": "f", "version": 1, "trigger": "t", "status": "failed", "started_at": ""
        }))
        .unwrap();
        let offered = sources(&ENGLISH, &flow(|_| ()), "t", &[(last, "now".into())], None);
        let words: Vec<String> = offered.iter().map(|(source, _)| source.word()).collect();
        assert_eq!(
            words,
            [
                "run:0190f5c8-1111-7abc-8def-0123456789ab",
                "test:one",
                "example",
                "typed"
            ]
        );
        for (source, _) in offered {
            assert_eq!(Source::from_word(&source.word()), source);
        }
    }

    #[test]
    fn examples_come_from_the_schema() {
        let message = example_message(&flow(|_| ()), &catalog(), "t");
        assert_eq!(message.body, json!({ "n": 5 }));
        let none = example_message(&flow(|_| ()), &catalog(), "u");
        assert_eq!(none, Message::default());
    }

    #[test]
    fn a_message_is_typed_and_read_again() {
        let message = message_of_run(&run(json!({}))).unwrap();
        assert_eq!(Typed::of(&message).read(), Ok(message));
    }

    #[test]
    fn a_run_counts_where_the_draft_does_the_same() {
        let then = flow(|_| ());
        let ran = run(json!({
            "a": { "status": "succeeded", "output": "ran" }, "b": { "status": "succeeded", "output": "ran" }, "c": { "status": "succeeded", "output": "ran" }
        }));
        let rehearsed = run(
            json!({ "b": { "status": "succeeded", "output": "rehearsed" }, "c": { "status": "succeeded", "output": "rehearsed" } }),
        );
        let now = flow(|f| {
            f["steps"]["a"]["title"] = json!("A title changes nothing");
            f["steps"]["b"]["config"]["url"] = json!("y");
        });
        let seen = known(
            &now,
            "t",
            &Message::default(),
            Some(Ran {
                run: &ran,
                flow: Some(&then),
                items: &BTreeMap::new(),
            }),
            Some(Played {
                run: &rehearsed,
                items: &BTreeMap::new(),
            }),
        );
        let output = |id: &str| seen.steps[id].output.clone().unwrap();
        assert_eq!(output("a"), json!("ran"));
        assert_eq!(output("b"), json!("rehearsed"));
        assert_eq!(
            output("c"),
            json!("rehearsed"),
            "what comes before it differs"
        );
        assert_eq!(seen.trigger["body"], json!({ "n": 7 }));
        assert_eq!(seen.trigger["kind"], json!("http"));
        assert_eq!(seen.trigger["headers"], json!({}));
    }

    #[test]
    fn the_first_item_of_a_run_counts_where_its_step_does_the_same() {
        let with_each = |script: &str, at: i32| {
            flow(|f| {
                f["steps"]["lines"] = json!({ "kind": "each", "config": { "items": "= input", "body": {
                    "steps": { "inner": { "kind": "map", "config": { "script": script } } }, "layout": { "inner": [at, 0] } } } });
            })
        };
        let first = |item: i32, gave: &str| FirstItem {
            item: json!(item),
            steps: run(json!({ "inner": { "status": "succeeded", "output": gave } })).steps,
        };
        let of = |item, gave| BTreeMap::from([("lines".to_owned(), first(item, gave))]);
        let (real, rehearsed) = (of(1, "ran"), of(2, "rehearsed"));
        let ran = run(json!({ "lines": { "status": "succeeded", "output": ["ran"] } }));
        let then = with_each("1", 0);
        let seen = |now: &Flow| {
            let ran = Ran {
                run: &ran,
                flow: Some(&then),
                items: &real,
            };
            let played = Played {
                run: &run(json!({})),
                items: &rehearsed,
            };
            let seen = known(now, "t", &Message::default(), Some(ran), Some(played));
            let inner = seen.steps["inner"].output.clone().unwrap();
            (seen.items["lines"].clone(), inner)
        };
        // Another place changes nothing, another script does.
        assert_eq!(seen(&with_each("1", 80)), (json!(1), json!("ran")));
        assert_eq!(seen(&with_each("2", 0)), (json!(2), json!("rehearsed")));
    }

    #[test]
    fn mocks_are_filled_with_what_is_nearest() {
        let text = |change: fn(&mut Value), last: &Sample| {
            let Mock::Output(value) = prefilled(&flow(change), &catalog(), last)["b"].clone()
            else {
                panic!("an output is expected")
            };
            value
        };
        let nothing = Sample::default();
        assert_eq!(text(|_| (), &nothing), json!("of the test"));
        assert_eq!(text(|f| f["tests"] = json!([]), &nothing), json!("usual"));
        assert_eq!(
            text(|f| f["steps"]["b"]["pinned"] = json!("pinned"), &nothing),
            json!("pinned")
        );
        let last = Sample {
            steps: run(json!({ "b": { "status": "succeeded", "output": "given" } })).steps,
            ..Sample::default()
        };
        assert_eq!(text(|_| (), &last), json!("given"));
    }

    #[test]
    fn actions_of_a_run_answer_again_as_they_did() {
        let ran = run(json!({
            "a": { "status": "succeeded", "output": 1 },
            "b": { "status": "failed", "failure": { "class": "rejected", "message": "No.", "status": 400 }, "attempts": [{ "number": 1 }] }
        }));
        let inner = run(
            json!({ "inner": { "status": "succeeded", "output": 5, "attempts": [{ "number": 1 }] } }),
        );
        let first = FirstItem {
            steps: inner.steps,
            ..FirstItem::default()
        };
        let items = BTreeMap::from([("each".to_owned(), first)]);
        let of_first = mocks_of_run(&run(json!({})), &items);
        assert!(matches!(&of_first["inner"], Mocks::Same(Mock::Output(output)) if *output == 5));
        let mocks = mocks_of_run(&ran, &BTreeMap::new());
        assert_eq!(mocks.len(), 1, "mappers compute anew");
        let Mocks::Same(Mock::Failure(failure)) = &mocks["b"] else {
            panic!("{mocks:?}")
        };
        assert_eq!(failure.status, Some(400));
    }
}
