//! The gallery of example flows, built into the binary and published into an empty store.

use std::collections::BTreeSet;

use rust_embed::RustEmbed;
use serde_json::json;
use weir_flows::{
    check::{Checked, check_text},
    document::each_step,
    json,
    settings::secret_names,
};

use crate::{
    engine::{Engine, Error},
    secrets::Secret,
    store,
};

/// The flow files.
#[derive(RustEmbed)]
#[folder = "../flows/gallery"]
#[include = "*.json"]
struct Files;

/// Publishes the gallery where there is no flow yet. Connections that its flows name lead to the flow
/// `sandbox`, which plays the partners; secrets get random values. Returns how many flows it published.
pub(super) async fn publish_into_empty(engine: &Engine, own_address: &str) -> Result<usize, Error> {
    const WORKSPACE: &str = "main";
    if !engine
        .store()
        .flows(WORKSPACE, 0, None, 1)
        .await?
        .is_empty()
    {
        return Ok(0);
    }
    let at = engine.world().now_ms();
    let mut published = 0;
    for name in Files::iter() {
        let Some(file) = Files::get(&name) else {
            continue;
        };
        let text = String::from_utf8_lossy(&file.data);
        let Checked {
            flow: Some(flow),
            plan: Some(_),
            ..
        } = check_text(&text, engine.catalog(), None)
        else {
            tracing::error!(file = %name, "a flow of the gallery has errors and is left out");
            continue;
        };
        let names = engine.names(WORKSPACE).await?;
        let mut connections = BTreeSet::new();
        connections.extend(
            flow.triggers
                .values()
                .filter_map(|trigger| trigger.connection.clone()),
        );
        each_step(&flow, |_, _, step| {
            let undo = step.undo.as_ref().and_then(|undo| undo.connection.clone());
            connections.extend(step.connection.clone().into_iter().chain(undo));
        });
        for name in connections
            .iter()
            .filter(|name| !names.connections.contains(*name))
        {
            let document = json!({ "title": format!("Sandbox: {name}"), "base_url": format!("http://{own_address}/in/{WORKSPACE}/sandbox/{name}") });
            engine
                .store()
                .put_connection(WORKSPACE, name, print(&document)?, None, at)
                .await?;
        }
        let mut secrets = Vec::new();
        flow.triggers
            .values()
            .flat_map(|trigger| trigger.config.values())
            .for_each(|value| secret_names(value, &mut secrets));
        flow.steps
            .values()
            .flat_map(|step| step.config.values())
            .for_each(|value| secret_names(value, &mut secrets));
        for name in secrets
            .into_iter()
            .filter(|name| !names.secrets.contains(*name))
        {
            let mut random = [0_u8; 24];
            engine.world().random(&mut random);
            engine
                .put_secret(WORKSPACE, name, &Secret::new(hex::encode(random)))
                .await?;
        }
        let draft = store::Draft {
            workspace: WORKSPACE.to_owned(),
            flow: flow.id.clone(),
            title: flow.title.clone(),
            document: print(&*flow)?,
            at,
        };
        engine.store().create_draft(draft).await?;
        engine
            .publish(
                WORKSPACE,
                &flow.id,
                Some("from the gallery".to_owned()),
                None,
            )
            .await?;
        published += 1;
    }
    Ok(published)
}

fn print(value: &impl serde::Serialize) -> Result<String, Error> {
    json::print(value).map_err(|error| Error::Conflict(error.to_string()))
}
