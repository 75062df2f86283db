//! The other side of a simulation: calls that arrive late or never, answers that come late, twice or not at all; and the flows.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use uuid::Uuid;
use weir_flows::{
    advance::{Command, Event},
    check::check_value,
    failure::{Class, Failure},
    plan::Plan,
};

use super::{limits::KEY, polls::POLLED};
use crate::world::World;

/// A call on its way.
pub(super) struct Underway {
    from: (usize, u32),
    run: Uuid,
    command: Command,
}

/// An answer on its way.
pub(super) struct Reply {
    /// The worker that called, and in which life.
    pub to: (usize, u32),
    pub run: Uuid,
    pub event: Event,
}

/// A call that arrived.
pub(super) struct Call {
    pub run: Uuid,
    pub command: Command,
    /// What was answered, whether or not that came back.
    pub result: Result<Arc<Value>, Failure>,
}

pub(super) struct Partner {
    dice: World,
    pub wire: Vec<Underway>,
    pub replies: Vec<Reply>,
    pub calls: Vec<Call>,
}

impl Partner {
    pub(super) fn new(dice: World) -> Partner {
        Partner {
            dice,
            wire: Vec::new(),
            replies: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn one_in(&self, n: u64) -> bool {
        self.dice.dice().is_multiple_of(n)
    }

    pub(super) fn send(&mut self, from: (usize, u32), run: Uuid, command: Command) {
        self.wire.push(Underway { from, run, command });
    }

    /// A call arrives, or does not; and is answered, or not.
    pub(super) fn arrive(&mut self, index: usize, troubled: bool) {
        let Underway { from, run, command } = self.wire.swap_remove(index);
        let failure = |class, message: &str| Err(Failure::new(class, message));
        let result = if troubled && self.one_in(10) {
            // It never arrived.
            failure(Class::Transient, "the connection was refused")
        } else {
            let result = match self.dice.dice() % 12 {
                0 if troubled => failure(Class::Transient, "503"),
                1 if troubled => failure(Class::Rejected, "409"),
                _ => Ok(Arc::new(json!({ "serial": self.calls.len() }))),
            };
            self.calls.push(Call {
                run,
                command: command.clone(),
                result: result.clone(),
            });
            match troubled && self.one_in(8) {
                true => failure(Class::TimedOut, "no answer in time"),
                false => result,
            }
        };
        let reply = |event: Event| Reply {
            to: from,
            run,
            event,
        };
        let event = command.ended(result, None);
        if self.one_in(6) {
            self.replies.push(reply(event.clone()));
        }
        self.replies.push(reply(event));
    }
}

/// Whether doing a step twice does no harm; the ids of the flows below say so.
pub(super) fn is_idempotent(step: &str) -> bool {
    step.starts_with("put") || step.starts_with("keyed")
}

/// The most attempts of a step.
pub(super) fn most_attempts(step: &str) -> u32 {
    match step {
        "plain" => 1,
        "named" => 3,
        _ => 8,
    }
}

/// What is played: each rule of attempts, in a row, side by side, in items, with waits and with undo.
pub(super) fn flows() -> Vec<Arc<Plan>> {
    let call = |method: &str| json!({ "kind": "http", "config": { "method": method, "url": "https://example.com" } });
    let retry = |attempts: u32, on: Value| json!({ "attempts": attempts, "delay": "1s", "on": on });
    let safe = || retry(8, json!(["transient", "timed_out", "lost"]));
    let mut put = call("PUT");
    put["retry"] = safe();
    let mut keyed = call("POST");
    keyed["retry"] = safe();
    keyed["idempotent"] = json!(true);
    let plain = call("POST");
    let mut named = call("POST");
    named["retry"] = retry(3, json!(["transient"]));
    let mut reversed = put.clone();
    reversed["undo"] = call("DELETE");
    reversed["undo"]["retry"] = safe();
    let mut lenient = plain.clone();
    lenient["on_error"] = json!("continue");
    let rest = |span: &str| json!({ "kind": "wait", "config": { "for": span } });
    let map = json!({ "kind": "map", "config": { "script": "trigger.body.message" } });
    let row = json!({
        "steps": { "put": put, "rest": rest("5s"), "keyed": keyed, "plain": lenient, "named": named, "last": map },
        "links": [["go", "put"], ["go", "plain"], ["put", "rest"], ["rest", "keyed"], ["keyed", "last"], ["plain", "last"], ["last", "named"]],
    });
    let batch = json!({
        "steps": {
            "all": { "kind": "each", "config": { "items": [1, 2, 3], "concurrency": 2,
                     "body": { "steps": { "put-item": reversed, "rest-item": rest("2s") }, "links": [{ "from": "put-item", "to": "rest-item" }] } } },
            "plain": plain,
        },
        "links": [["go", "all"], ["all", "plain"]],
    });
    let saga = json!({
        "steps": { "put-a": reversed, "put-b": reversed, "rest": rest("30s"), "plain": plain },
        "links": [["go", "put-a"], ["put-a", "put-b"], ["go", "rest"], ["put-b", "plain"]],
    });
    let waits =
        |kind: &str, span: &str| json!({ "kind": "wait", "config": { kind: { "timeout": span } } });
    let asked = json!({
        "steps": { "put": put, "ask": waits("callback", "20s"), "keyed": keyed, "last": map, "plain": plain },
        "links": [["go", "put"], ["put", "ask"], ["ask", "keyed"], ["ask", "last", "error"], ["keyed", "plain"]],
    });
    let signed = json!({
        "steps": {
            "all": { "kind": "each", "config": { "items": [1, 2, 3], "concurrency": 2, "on_item_error": "collect",
                     "body": { "steps": { "put-item": reversed, "sign": waits("approval", "9s"), "last": map },
                               "links": [{ "from": "put-item", "to": "sign" }, { "from": "sign", "port": "rejected", "to": "last" }] } } },
            "ask": waits("callback", "4s"), "plain": plain,
        },
        "links": [["go", "all"], ["go", "ask"], ["ask", "plain"]],
    });
    let limited = |mut step: Value, at_once: Value, rate: Value| {
        for (policy, value) in [("concurrency", at_once), ("rate", rate)] {
            if !value.is_null() {
                step[policy] = value;
            }
        }
        step
    };
    let one = json!({ "limit": 1 });
    let each_parity = json!({ "limit": 1, "key": KEY });
    let slowly = json!({ "limit": 2, "per": "9s", "key": KEY });
    let mut impatient = limited(keyed.clone(), Value::Null, slowly.clone());
    impatient["deadline"] = json!("40s");
    let mut item = limited(reversed.clone(), json!({ "limit": 2 }), Value::Null);
    item["undo"] = reversed["undo"].clone();
    let narrow = json!({
        "steps": {
            "put-one": limited(put.clone(), one.clone(), Value::Null),
            "all": { "kind": "each", "config": { "items": [1, 2, 3], "concurrency": 3,
                     "body": { "steps": { "put-two": item }, "links": [] } } },
            "keyed-slow": impatient,
            "plain": limited(plain.clone(), each_parity, slowly),
        },
        "links": [["go", "put-one"], ["go", "all"], ["put-one", "keyed-slow"], ["all", "plain"]],
    });
    let polled = json!({
        "steps": { "put-found": limited(put.clone(), one, Value::Null), "last": map },
        "links": [["go", "put-found"], ["new", "put-found"], ["put-found", "last"]],
    });
    let short = json!({ "steps": { "last": map }, "links": [["go", "last"]] });
    let catalog = crate::connectors::catalog();
    let flows = BTreeMap::from([
        ("row", row),
        ("batch", batch),
        ("saga", saga),
        ("short", short),
        ("asked", asked),
        ("signed", signed),
        ("narrow", narrow),
        (POLLED, polled),
    ]);
    let plan = |(id, flow): (&str, Value)| {
        let links = flow["links"].as_array().unwrap().iter();
        let links = links.map(|link| {
            let port = link.get(2).cloned().unwrap_or_else(|| json!("ok"));
            json!({ "from": link[0], "port": port, "to": link[1] })
        });
        let mut triggers = json!({ "go": { "kind": "manual" } });
        if id == POLLED {
            // What it gives is up to the polls of the simulation.
            triggers["new"] = json!({ "kind": "poll", "config": { "every": "5s", "script": "#{ messages: [] }" } });
        }
        let document = json!({
            "format": "weir/flow@1", "id": id, "triggers": triggers,
            "steps": flow["steps"], "links": links.collect::<Vec<_>>(),
        });
        let checked = check_value(&document, &catalog, None);
        let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
        let plan = checked.plan;
        Arc::new(plan.unwrap_or_else(|| panic!("{id}: {problems:?}")))
    };
    flows.into_iter().map(plan).collect()
}
