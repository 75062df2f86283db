//! `weir serve`: opens the store, starts the engine, listens, and stops in good order.

use std::{
    io::IsTerminal,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use tokio::{net::TcpListener, signal};
use tracing_subscriber::{EnvFilter, fmt};

use super::{CLEAN, UNUSABLE, database, gallery, unusable};
use crate::{
    api,
    config::Config,
    engine::Engine,
    outbound,
    secrets::Sealer,
    store::{self, Store},
    world::World,
};

/// Runs the server until it is asked to stop.
pub(super) async fn serve(config: Config, with_gallery: bool) -> u8 {
    if let Err(error) = start_log(&config) {
        return unusable(&error);
    }
    match run(config, with_gallery).await {
        Ok(()) => CLEAN,
        Err(error) => {
            tracing::error!("{error}");
            UNUSABLE
        }
    }
}

fn start_log(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| format!("WEIR_LOG: `{}` is no log filter: {error}", config.log))?;
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if config.log_json {
        log.json().init()
    } else {
        log.init()
    };
    Ok(())
}

async fn run(config: Config, with_gallery: bool) -> Result<(), String> {
    let metrics = api::install_metrics().map_err(|error| error.to_string())?;
    let world = World::failing(config.clock_offset, config.faults.clone());
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; choose another address with --listen or WEIR_LISTEN",
            config.listen
        )
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&config.data).map_err(|error| {
        format!(
            "the data directory {} cannot be made: {error}",
            config.data.display()
        )
    })?;
    let sealer = Sealer::load(config.key.as_deref(), &config.data, &world)
        .map_err(|error| error.to_string())?;
    let store = store::Settings {
        large: config.large_value,
        lease: config.lease,
        name: config.name.clone().unwrap_or_else(|| address.to_string()),
        seal: sealer.key_id(),
        faults: config.faults.clone(),
        queue: config.queue,
        queue_bytes: config.queue_bytes,
        ..store::Settings::new(database(&config))
    };
    let store = Store::open(&store)
        .await
        .map_err(|error| error.to_string())?;
    let outbound = outbound::Settings {
        allow: config.outbound_allow.clone(),
        extra_roots: config.extra_roots.clone(),
        ..outbound::Settings::default()
    };
    let client = outbound::Client::new(&outbound).map_err(|error| error.to_string())?;
    let own = format!("http://{}", reachable(address));
    let public = config.public_url.as_deref().unwrap_or(&own);
    let engine = Engine::start(store, world, sealer, client, public, config.limits.clone());
    let engine = engine.await.map_err(|error| error.to_string())?;
    if with_gallery {
        match gallery::publish_into_empty(&engine, &reachable(address).to_string()).await {
            Ok(0) => {}
            Ok(flows) => tracing::info!(
                flows,
                "published the gallery; its flows call this server itself, which WEIR_OUTBOUND_ALLOW must name"
            ),
            Err(error) => tracing::error!(%error, "the gallery could not be published"),
        }
    }
    let settings = api::Settings {
        max_message: config.max_message,
        arriving: config.arriving,
        loopback: address.ip().is_loopback(),
        hosts: config.hosts.clone(),
        metrics: Some(metrics),
        ..api::Settings::default()
    };
    let router = api::router(engine.clone(), &settings);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        database = engine.store().kind().as_str(),
        "Weir listens on http://{address}"
    );
    let stopping = engine.clone();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        asked_to_stop().await;
        tracing::info!("stopping: nothing new is taken, what is in flight may end");
        stopping.stop_taking();
    });
    let drained = async {
        engine.stopping().await;
        tokio::time::sleep(config.limits.grace).await;
    };
    // Connections that do not end within the grace time are cut.
    let served = tokio::select! {
        served = server => served,
        () = drained => Ok(()),
    };
    engine.stop().await;
    tracing::info!("stopped");
    served.map_err(|error| format!("the listener failed: {error}"))
}

/// An address of this process that it can call itself.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
    } else {
        address
    }
}

async fn asked_to_stop() {
    let interrupt = signal::ctrl_c();
    #[cfg(unix)]
    {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
