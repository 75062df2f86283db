//! `weir run`: one run in the process, with real actions.

use std::{collections::BTreeMap, env, fs, io::Read, path::Path};

use serde_json::{Map, Value, json};
use weir_flows::{
    document::Message,
    plan::Plan,
    run::{Run, Status, StepStatus},
};

use super::{CLEAN, PROBLEMS, files, unusable};
use crate::{
    config::Config,
    connection::Connection,
    engine::{
        Unstarted,
        local::{Given, play},
    },
    outbound,
    secrets::Secret,
    world::World,
};

/// The environment variables that hold secrets start so.
const SECRET_PREFIX: &str = "WEIR_SECRET_";

/// Runs a flow file once.
pub(super) async fn run(
    file: &Path,
    trigger: Option<&str>,
    message: Option<&Path>,
    connections: Option<&Path>,
    json: bool,
) -> u8 {
    let config = match Config::load(None, &[]) {
        Ok(config) => config,
        Err(error) => return unusable(&error.to_string()),
    };
    let checked = match files::read(file) {
        Ok(checked) => checked,
        Err(error) => return unusable(&error),
    };
    let Some(plan) = checked.plan else {
        for problem in &checked.problems {
            eprintln!("{}: {problem}", file.display());
        }
        return unusable("the flow has errors (above) and was not run");
    };
    let prepared = choose_trigger(&plan, trigger)
        .and_then(|trigger| Ok((trigger, read_message(message)?, read_given(connections)?)));
    let (trigger, message, given) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return unusable(&error),
    };
    let settings = outbound::Settings {
        allow: config.outbound_allow.clone(),
        extra_roots: config.extra_roots.clone(),
        ..outbound::Settings::default()
    };
    let client = match outbound::Client::new(&settings) {
        Ok(client) => client,
        Err(error) => return unusable(&error.to_string()),
    };
    match play(
        &plan,
        &trigger,
        message,
        &given,
        &client,
        &World::real(),
        &config.limits,
    )
    .await
    {
        Ok(run) => {
            if json {
                println!("{}", report(&plan, &run));
            } else {
                print(&plan, &run);
            }
            if run.status == Status::Succeeded {
                CLEAN
            } else {
                PROBLEMS
            }
        }
        Err(Unstarted::Filtered) => told(
            json,
            "filtered",
            "the trigger's filter lets no run start for this message",
            CLEAN,
        ),
        Err(Unstarted::Refused(problems)) => {
            let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
            told(
                json,
                "refused",
                &format!(
                    "the body does not satisfy the trigger's schema:\n{}",
                    list.join("\n")
                ),
                PROBLEMS,
            )
        }
        Err(Unstarted::Failed(failure)) => told(json, "refused", &failure.to_string(), PROBLEMS),
    }
}

fn told(json: bool, status: &str, message: &str, code: u8) -> u8 {
    if json {
        println!(
            "{}",
            json!({ "status": status, "message": message, "reply": null, "steps": {} })
        );
    } else {
        println!("{status}: {message}");
    }
    code
}

fn choose_trigger(plan: &Plan, named: Option<&str>) -> Result<String, String> {
    let known: Vec<&str> = plan.triggers.keys().map(String::as_str).collect();
    match named {
        Some(id) if plan.triggers.contains_key(id) => Ok(id.to_owned()),
        Some(id) => Err(format!(
            "the flow has no trigger `{id}`; it has: {}",
            known.join(", ")
        )),
        None if known.len() == 1 => Ok(known.concat()),
        None => Err(format!(
            "the flow has several triggers; choose one with --trigger: {}",
            known.join(", ")
        )),
    }
}

fn read_message(path: Option<&Path>) -> Result<Message, String> {
    let Some(path) = path else {
        return Ok(Message::default());
    };
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text =
        text.map_err(|error| format!("the message {} cannot be read: {error}", path.display()))?;
    let mut message: Message = serde_json::from_str(&text).map_err(|error| {
        format!(
            "the message {} is not {{\"body\": …, \"headers\": {{…}}, \"query\": {{…}}}}: {error}",
            path.display()
        )
    })?;
    // Headers have no case; scripts see them in lower case, as on a server.
    message.headers = message
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    Ok(message)
}

fn read_given(path: Option<&Path>) -> Result<Given, String> {
    let mut given = Given::default();
    for (variable, value) in env::vars() {
        if let Some(name) = variable.strip_prefix(SECRET_PREFIX) {
            given.secrets.insert(
                name.to_ascii_lowercase().replace('_', "-"),
                Secret::new(value),
            );
        }
    }
    let Some(path) = path else { return Ok(given) };
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let documents: BTreeMap<String, Value> = serde_json::from_str(&text).map_err(|error| {
        format!(
            "{} is not an object of connections by name: {error}",
            path.display()
        )
    })?;
    for (name, document) in documents {
        let (connection, _) = Connection::read(&document).map_err(|problems| {
            let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!(
                "the connection `{name}` in {} is not right:\n{}",
                path.display(),
                list.join("\n")
            )
        })?;
        given.connections.insert(name, connection);
    }
    Ok(given)
}

/// The run as scripts of others read it.
fn report(plan: &Plan, run: &Run) -> Value {
    let mut steps = Map::new();
    for (i, (step, state)) in plan.steps.iter().zip(&run.steps).enumerate() {
        let mut entry = json!({ "status": state.status, "attempts": state.calls.attempts.len() });
        if let Some(items) = &state.items {
            entry["items"] =
                json!({ "total": items.total, "done": items.done, "failed": items.failed });
        }
        if let Some(failure) = &state.failure {
            entry["failure"] = json!(failure);
        } else if let Some(output) = run.outputs.at(i) {
            entry["output"] = Value::clone(output);
        }
        steps.insert(step.id.clone(), entry);
    }
    let failure = run.failure.as_ref().map(weir_flows::advance::summary);
    let reply = run.reply.as_ref().map(
        |reply| json!({ "status": reply.status, "headers": reply.headers, "body": *reply.body }),
    );
    json!({ "status": run.status, "reply": reply, "failure": failure, "steps": steps })
}

fn print(plan: &Plan, run: &Run) {
    println!("{}", run.status.word());
    for (i, (step, state)) in plan.steps.iter().zip(&run.steps).enumerate() {
        let attempts = state.calls.attempts.len();
        let tries = if attempts > 1 {
            format!(" ({attempts} attempts)")
        } else {
            String::new()
        };
        println!("  {:<10} {}{tries}", state.status.word(), step.id);
        match (state.status, &state.failure) {
            (StepStatus::Failed, Some(failure)) => println!("             {failure}"),
            (StepStatus::Succeeded, _) => {
                if let Some(output) = run.outputs.at(i) {
                    println!("             {output}");
                }
            }
            _ => {}
        }
    }
    if let Some(reply) = &run.reply {
        println!("reply {}\n{}", reply.status, reply.body);
    }
    if let Some(failure) = &run.failure {
        println!(
            "failed{}: {}",
            failure
                .step
                .as_ref()
                .map(|step| format!(" at {step}"))
                .unwrap_or_default(),
            failure.failure
        );
    }
}
