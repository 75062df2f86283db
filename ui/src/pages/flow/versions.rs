//! The versions of a flow, newest first: looked at, compared, brought back and exported.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use weir_flows::document::Flow;

use super::read_document;
use crate::{
    api::{self, FlowSummary, Version},
    edit::{Change, What},
    editor::{DiffView, Group, Session, told},
    files, kinds,
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

/// Which differences are unfolded below a version.
#[derive(Clone, Debug, PartialEq)]
struct Compared {
    version: u32,
    heading: String,
    groups: Vec<Group>,
}

#[component]
pub(super) fn VersionsTab(
    address: String,
    summary: RwSignal<FlowSummary>,
    session: Session,
    /// Told after a version has become the draft.
    #[prop(into)]
    restored: Callback<()>,
) -> impl IntoView {
    let t = texts();
    let path = format!("{address}/versions");
    let newest =
        Memo::new(move |_| summary.with(|flow| flow.published.as_ref().map(|now| now.version)));
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
    let compared: RwSignal<Option<Compared>> = RwSignal::new(None);
    let list = shown(versions, move |versions: Vec<Version>| {
        if versions.is_empty() {
            return view! { <Empty icon=Icon::History title=t.versions_empty_title text=t.versions_empty_text/> }.into_any();
        }
        let live = versions[0].version;
        let rows: Vec<_> = versions
            .iter()
            .enumerate()
            .map(|(index, version)| {
                let row = Row {
                    address: address.clone(),
                    version: version.clone(),
                    before: versions.get(index + 1).map(|before| before.version),
                    live,
                };
                row.view(session, compared, restored)
            })
            .collect();
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
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    });
    view! { <div class="page-body">{list}</div> }
}

/// One version in the list.
#[derive(Clone)]
struct Row {
    address: String,
    version: Version,
    /// The version before it.
    before: Option<u32>,
    live: u32,
}

impl Row {
    fn view(
        self,
        session: Session,
        compared: RwSignal<Option<Compared>>,
        restored: Callback<()>,
    ) -> impl IntoView {
        let t = texts();
        let number = self.version.version;
        let n = number.to_string();
        let here = format!("{}?version={n}", self.address);
        let show = fill(t.versions_show, &[("n", &n)]);
        let unfolded =
            move || compared.with(|all| all.as_ref().is_some_and(|one| one.version == number));
        let differences = move || {
            let found = compared.get().filter(|found| found.version == number)?;
            Some(view! {
                <tr class="version-diff">
                    <td colspan="4">
                        <div class="version-diff-head">
                            <h3>{found.heading}</h3>
                            <IconButton icon=Icon::X label=t.close press=move |_| compared.set(None)/>
                        </div>
                        <DiffView groups=found.groups/>
                    </td>
                </tr>
            })
        };
        let is_live = number == self.live;
        let (with_draft, with_before, restore, download) =
            (self.clone(), self.clone(), self.clone(), self.clone());
        view! {
            <tr data-testid="version-row" data-version=n.clone() class:unfolded=unfolded>
                <th scope="row">
                    <a class="link-text" href=here.clone() title=show.clone()><strong>{format!("v{n}")}</strong></a>
                    " "
                    {is_live.then(|| view! { <Badge label=t.versions_live tone="good"/> })}
                </th>
                <td><TimeAgo at=self.version.published_at.clone()/></td>
                <td class="cell-text">{self.version.note.clone().unwrap_or_default()}</td>
                <td class="cell-tools">
                    <a class="button quiet icon" href=here aria-label=show.clone() title=show><Glyph icon=Icon::Workflow/></a>
                    <IconButton icon=Icon::GitCompare label=fill(t.versions_with_draft, &[("n", &n)]) test="compare-draft" press=move |_| with_draft.clone().with_draft(session, compared)/>
                    {self.before.map(|_| view! {
                        <IconButton icon=Icon::Diff label=fill(t.versions_with_before, &[("n", &n)]) test="compare-before" press=move |_| with_before.clone().with_before(compared)/>
                    })}
                    <IconButton icon=Icon::RotateCcw label=fill(t.versions_restore, &[("n", &n)]) test="restore" press=move |_| restore.clone().restore(session, restored)/>
                    <IconButton icon=Icon::Download label=fill(t.versions_download, &[("n", &n)]) press=move |_| download.clone().download()/>
                </td>
            </tr>
            {differences}
        }
    }

    /// Reads a version and does something with it.
    fn read(&self, number: u32, then: impl FnOnce(Arc<Flow>) + 'static) {
        let path = format!("{}/versions/{number}", self.address);
        spawn_local(async move {
            match read_document(path).await {
                Ok(flow) => then(flow),
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    }

    /// What the draft does otherwise than this version.
    fn with_draft(self, session: Session, compared: RwSignal<Option<Compared>>) {
        let version = self.version.version;
        self.read(version, move |then| {
            let groups = session
                .desk
                .flow
                .with_untracked(|now| told(&then, now, &kinds::catalog()));
            let heading = fill(texts().versions_draft_since, &[("n", &version.to_string())]);
            compared.try_set(Some(Compared {
                version,
                heading,
                groups,
            }));
        });
    }

    /// What this version does otherwise than the one before it.
    fn with_before(self, compared: RwSignal<Option<Compared>>) {
        let Some(before) = self.before else { return };
        let version = self.version.version;
        let row = self.clone();
        self.read(before, move |then| {
            row.read(version, move |now| {
                let n = [
                    ("n", &*version.to_string()),
                    ("before", &*before.to_string()),
                ];
                compared.try_set(Some(Compared {
                    version,
                    heading: fill(texts().versions_since, &n),
                    groups: told(&then, &now, &kinds::catalog()),
                }));
            });
        });
    }

    /// Makes this version the draft, as one change that can be undone.
    fn restore(self, session: Session, restored: Callback<()>) {
        let version = self.version.version;
        self.read(version, move |flow| {
            let desk = session.desk;
            desk.settle();
            desk.make_whole(|now| Change::between(What::Restore, now, &flow));
            desk.settle();
            let said = fill(texts().versions_restored, &[("n", &version.to_string())]);
            toast().good(said);
            restored.run(());
        });
    }

    fn download(self) {
        let n = self.version.version;
        let path = format!("{}/versions/{n}", self.address);
        let id = self.address.rsplit('/').next().unwrap_or("flow");
        let name = format!("{id}-v{n}.json");
        spawn_local(async move {
            match api::get_text(&path).await {
                Ok(text) => files::download(&name, &text),
                Err(trouble) => toast().trouble(&trouble),
            }
        });
    }
}
