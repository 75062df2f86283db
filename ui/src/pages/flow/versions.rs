//! The versions of a flow, newest first.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::{self, FlowSummary, Version},
    files,
    kit::{
        badge::Badge,
        button::IconButton,
        icon::{Glyph, Icon},
        state::{Empty, shown},
        time::TimeAgo,
        toast::toast,
    },
    load::Loader,
    texts::{fill, texts},
};

#[component]
pub(super) fn VersionsTab(address: String, summary: Loader<FlowSummary>) -> impl IntoView {
    let t = texts();
    let path = format!("{address}/versions");
    let newest = Memo::new(move |_| {
        summary
            .ready()
            .and_then(|flow| flow.published)
            .map(|now| now.version)
    });
    let versions = Loader::new(move || {
        // A new version is a reason to read the list again.
        newest.track();
        let path = path.clone();
        async move {
            let mut versions = api::all::<Version>(&path).await?;
            versions.sort_by_key(|version| std::cmp::Reverse(version.version));
            Ok(versions)
        }
    });
    let list = shown(versions, move |versions: Vec<Version>| {
        if versions.is_empty() {
            return view! { <Empty icon=Icon::History title=t.versions_empty_title text=t.versions_empty_text/> }.into_any();
        }
        let live = versions[0].version;
        let rows = versions
            .into_iter()
            .map(|version| row(&address, version, live));
        view! {
            <div class="table-frame">
                <table class="table" data-testid="versions">
                    <thead>
                        <tr>
                            <th scope="col">{t.versions_column_version}</th>
                            <th scope="col">{t.versions_column_when}</th>
                            <th scope="col">{t.versions_column_note}</th>
                            <th scope="col"><span class="unseen">{t.actions}</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    });
    view! { <div class="page-body">{list}</div> }
}

fn row(address: &str, version: Version, live: u32) -> impl IntoView + use<> {
    let t = texts();
    let toast = toast();
    let n = version.version.to_string();
    let document = format!("{address}/versions/{n}");
    let name = format!("{}-v{n}.json", address.rsplit('/').next().unwrap_or("flow"));
    let download = move |_| {
        let (document, name) = (document.clone(), name.clone());
        spawn_local(async move {
            match api::get_text(&document).await {
                Ok(text) => files::download(&name, &text),
                Err(trouble) => toast.trouble(&trouble),
            }
        });
    };
    let show = fill(t.versions_show, &[("n", &n)]);
    view! {
        <tr>
            <th scope="row">
                <a class="link-text" href=format!("{address}?version={n}") title=show><strong>{format!("v{n}")}</strong></a>
                " "
                {(version.version == live).then(|| view! { <Badge label=t.versions_live tone="good"/> })}
            </th>
            <td><TimeAgo at=version.published_at/></td>
            <td class="cell-text">{version.note.unwrap_or_default()}</td>
            <td class="cell-tools">
                <a class="button quiet icon" href=format!("{address}?version={n}") aria-label=fill(t.versions_show, &[("n", &n)]) title=fill(t.versions_show, &[("n", &n)])>
                    <Glyph icon=Icon::Workflow/>
                </a>
                <IconButton icon=Icon::Download label=fill(t.versions_download, &[("n", &n)]) press=download/>
            </td>
        </tr>
    }
}
