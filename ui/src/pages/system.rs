//! What runs here: version, database, where the API is described, and the keys of the page.

use leptos::prelude::*;

use crate::{
    api::{self, System},
    kit::{
        badge::Badge,
        icon::{Glyph, Icon},
        state::shown,
        time::TimeAgo,
    },
    load::Loader,
    texts::texts,
};

#[component]
pub(crate) fn SystemPage() -> impl IntoView {
    let t = texts();
    let system = Loader::new(|| api::get::<System>("/system"));
    let facts = shown(system, move |system: System| {
        let database = match system.database.as_str() {
            "sqlite" => "SQLite".to_owned(),
            "postgresql" => "PostgreSQL".to_owned(),
            other => other.to_owned(),
        };
        let fact = |label: &'static str, value: String| view! { <div class="pair"><dt>{label}</dt><dd>{value}</dd></div> };
        // On SQLite there is but one, which needs no name.
        let servers = system.servers.into_iter().map(|server| {
            let version = server.version.unwrap_or_else(|| t.system_old.to_owned());
            let this = server.this.then(|| view! { <Badge label=t.system_this/> });
            view! { <li>{server.name} " " <span class="fine">{version} " · " <TimeAgo at=server.started_at/></span> " " {this}</li> }
        });
        view! {
            <dl class="pairs">
                {fact(t.system_version, system.version)}
                {fact(t.system_database, database)}
                {fact(t.system_workspace, system.workspace)}
                {system.started_at.map(|at| view! {
                    <div class="pair"><dt>{t.system_started}</dt><dd><TimeAgo at/></dd></div>
                })}
            </dl>
            <h2>{t.system_servers}</h2>
            <ul class="link-lines" data-testid="servers">{servers.collect_view()}</ul>
        }
    });
    let links = [
        (t.system_docs, "/api/docs", Icon::BookOpen),
        (t.system_openapi, "/api/v1/openapi.json", Icon::FileJson),
        (t.system_schema, "/api/v1/schemas/flow", Icon::FileJson),
        (t.system_health, "/health/ready", Icon::Activity),
        (t.system_metrics, "/metrics", Icon::Activity),
    ];
    let links = links.map(|(label, address, icon)| {
        view! {
            <li>
                <a class="link-line" href=address target="_blank" rel="external noopener">
                    <Glyph icon/>
                    <span>{label}</span>
                    <code class="fine">{address}</code>
                    <Glyph icon=Icon::ExternalLink size=14/>
                </a>
            </li>
        }
    });
    let keys = [
        ("/", t.key_search),
        ("← ↑ → ↓", t.key_arrows),
        ("Enter", t.key_enter),
        ("Esc", t.key_escape),
        ("+ −", t.key_zoom),
        ("0", t.key_fit),
        (t.key_pan_keys, t.key_pan),
    ];
    let keys = keys.map(
        |(key, what)| view! { <div class="pair"><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div> },
    );
    view! {
        <header class="page-head"><h1>{t.system_title}</h1></header>
        <section class="page-body boxes">
            <div class="box" data-testid="system">{facts}</div>
            <div class="box">
                <h2>{t.system_api}</h2>
                <p class="prose">{t.system_api_text}</p>
                <ul class="link-lines">{links.into_iter().collect_view()}</ul>
            </div>
            <div class="box">
                <h2>{t.system_keys}</h2>
                <dl class="pairs keys">{keys.into_iter().collect_view()}</dl>
            </div>
        </section>
        <p class="fine works">{t.system_works}</p>
    }
}
