//! Flows as they are read: drafts, versions, and the list with what happened lately. Writing is in `drafts`.

use std::collections::HashMap;

use sea_orm::{DbBackend, DbErr, QueryResult, Value};

use super::{
    Kind, Store,
    claims::free_runs,
    drafts::Standing,
    error::Error,
    runs::{HELD, Run, Status, run_at, status},
    schedules::{SCHEDULE, Schedule, schedule_of},
    sql::Cells,
};

/// A flow with its draft. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id, unique in the workspace.
    pub id: String,
    /// The title of the draft.
    pub title: String,
    /// The draft, as JSON text.
    pub document: String,
    /// How often the draft was written.
    pub revision: u32,
    /// When the flow was made.
    pub created_at: i64,
    /// When the draft was written last.
    pub updated_at: i64,
    /// Whether its triggers are listened to, once it is published.
    pub enabled: bool,
    /// Whether what arrives waits until the flow is resumed.
    pub paused: bool,
    /// What production runs, if the flow was published.
    pub published: Option<Published>,
}

/// What production runs of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The number of the version.
    pub version: u32,
    /// When it was published.
    pub published_at: i64,
}

/// A flow as a list of flows shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowListing {
    /// The flow with its draft.
    pub flow: Flow,
    /// Whether the flow is published and the draft's text is not the text of the published version.
    pub changed: bool,
    /// The run that started last.
    pub last_run: Option<Run>,
    /// How many runs that started in the counted time succeeded.
    pub succeeded: u64,
    /// How many runs that started in the counted time failed.
    pub failed: u64,
    /// How many runs have not ended, whenever they started.
    pub active: u64,
    /// How many of those were accepted and wait on disk for their turn.
    pub waiting: u64,
    /// Its schedules, by trigger.
    pub schedules: Vec<Schedule>,
}

/// A published copy of a flow, which never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The flow's id.
    pub flow: String,
    /// Its number; the first is 1.
    pub number: u32,
    /// The document, as JSON text.
    pub document: String,
    /// What the person who published it wrote about it.
    pub note: Option<String>,
    /// When it was published.
    pub published_at: i64,
}

/// A version without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    /// Its number; the first is 1.
    pub number: u32,
    /// What the person who published it wrote about it.
    pub note: Option<String>,
    /// When it was published.
    pub published_at: i64,
}

/// The version of a flow that production runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFlow {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// The number of the version.
    pub version: u32,
    /// The document, as JSON text.
    pub document: String,
    /// When it was published.
    pub published_at: i64,
    /// Whether its triggers are listened to.
    pub enabled: bool,
    /// Whether what arrives waits.
    pub paused: bool,
}

/// How a flow stands, without its documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowState {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// How it stands.
    pub standing: Standing,
}

impl Store {
    /// How all flows of all workspaces stand, and how often something was done to flows before; nothing where there is but one
    /// server that could do something.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flow_states(&self) -> Result<(Option<i64>, Vec<FlowState>), Error> {
        // Counted first: what is done in between is looked at again next time.
        let counted = match self.kind() {
            Kind::Sqlite => None,
            Kind::Postgresql => {
                let text = "SELECT count FROM counter WHERE name = 'flows'";
                self.find(text, Vec::new(), |row| Cells::of(row).take())
                    .await?
            }
        };
        let text = "SELECT workspace, id, revision, published, enabled, paused FROM flow ORDER BY workspace, id";
        let states = self.list(text, Vec::new(), |row| {
            let cells = Cells::of(row);
            Ok(FlowState {
                workspace: cells.take()?,
                flow: cells.take()?,
                standing: Standing {
                    revision: cells.count()?,
                    version: cells.maybe_count()?,
                    enabled: cells.truth()?,
                    paused: cells.truth()?,
                },
            })
        });
        Ok((counted, states.await?))
    }

    /// Which version of a flow is listened to; nothing where it is switched off, not published, or not there.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn listened(&self, workspace: &str, flow: &str) -> Result<Option<u32>, Error> {
        let text = "SELECT published FROM flow WHERE workspace = ? AND id = ? AND enabled = 1";
        let values = vec![workspace.into(), flow.into()];
        let version = self
            .find(text, values, |row| Cells::of(row).maybe_count())
            .await?;
        Ok(version.flatten())
    }

    /// The flows of a workspace by id, those after `after`, with their last run, what ended how since `since`, and
    /// their schedules. A fixed number of queries, whatever the number of flows.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flows(
        &self,
        workspace: &str,
        since: i64,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<FlowListing>, Error> {
        let text = list_text();
        let values = vec![
            workspace.into(),
            after.unwrap_or_default().into(),
            i64::from(limit).into(),
        ];
        let listings = self.list(&text, values, listing_of).await?;
        self.complete(workspace, since, listings).await
    }

    /// The ids of all flows of a workspace.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flow_ids(&self, workspace: &str) -> Result<Vec<String>, Error> {
        let text = "SELECT id FROM flow WHERE workspace = ? ORDER BY id";
        let values = vec![workspace.into()];
        self.list(text, values, |row| Cells::of(row).take()).await
    }

    /// One flow as the list shows it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flow_listing(
        &self,
        workspace: &str,
        flow: &str,
        since: i64,
    ) -> Result<Option<FlowListing>, Error> {
        let text = format!(
            "SELECT {FLOW}, {CHANGED}, {LAST_RUN} FROM {FLOWS} {JOIN_LAST_RUN} \
             WHERE f.workspace = ? AND f.id = ?"
        );
        let values = vec![workspace.into(), flow.into()];
        let listings = self.list(&text, values, listing_of).await?;
        Ok(self.complete(workspace, since, listings).await?.pop())
    }

    /// One flow with its draft.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn flow(&self, workspace: &str, flow: &str) -> Result<Option<Flow>, Error> {
        let text = format!("SELECT {FLOW} FROM {FLOWS} WHERE f.workspace = ? AND f.id = ?");
        self.find(&text, vec![workspace.into(), flow.into()], |row| {
            flow_at(&Cells::of(row))
        })
        .await
    }

    /// One version. The versions of a deleted flow can still be read, since its runs are drawn on them.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn version(
        &self,
        workspace: &str,
        flow: &str,
        number: u32,
    ) -> Result<Option<Version>, Error> {
        let text = "SELECT flow, number, document, note, published_at FROM version \
                    WHERE workspace = ? AND flow = ? AND number = ?";
        let values = vec![workspace.into(), flow.into(), i64::from(number).into()];
        self.find(text, values, |row| {
            let cells = Cells::of(row);
            Ok(Version {
                flow: cells.take()?,
                number: cells.count()?,
                document: cells.take()?,
                note: cells.take()?,
                published_at: cells.take()?,
            })
        })
        .await
    }

    /// The versions of a flow, newest first, those before number `before`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn versions(
        &self,
        workspace: &str,
        flow: &str,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<VersionInfo>, Error> {
        let text = "SELECT number, note, published_at FROM version \
                    WHERE workspace = ? AND flow = ? AND number < ? ORDER BY number DESC LIMIT ?";
        let before = before.map_or(i64::MAX, i64::from);
        let values = vec![
            workspace.into(),
            flow.into(),
            before.into(),
            i64::from(limit).into(),
        ];
        self.list(text, values, |row| {
            let cells = Cells::of(row);
            Ok(VersionInfo {
                number: cells.count()?,
                note: cells.take()?,
                published_at: cells.take()?,
            })
        })
        .await
    }

    /// What production runs: the published version of every flow of every workspace.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn published(&self) -> Result<Vec<PublishedFlow>, Error> {
        let text = "SELECT f.workspace, f.id, v.number, v.document, v.published_at, f.enabled, f.paused FROM flow f \
                    JOIN version v ON v.workspace = f.workspace AND v.flow = f.id AND v.number = f.published \
                    ORDER BY f.workspace, f.id";
        self.list(text, Vec::new(), |row| {
            let cells = Cells::of(row);
            Ok(PublishedFlow {
                workspace: cells.take()?,
                flow: cells.take()?,
                version: cells.count()?,
                document: cells.take()?,
                published_at: cells.take()?,
                enabled: cells.truth()?,
                paused: cells.truth()?,
            })
        })
        .await
    }

    /// Adds counts and schedules to listings, which are sorted by flow.
    async fn complete(
        &self,
        workspace: &str,
        since: i64,
        mut listings: Vec<FlowListing>,
    ) -> Result<Vec<FlowListing>, Error> {
        let (Some(first), Some(last)) = (listings.first(), listings.last()) else {
            return Ok(listings);
        };
        let range: [Value; 3] = [
            workspace.into(),
            first.flow.id.as_str().into(),
            last.flow.id.as_str().into(),
        ];
        let places: HashMap<String, usize> = listings
            .iter()
            .enumerate()
            .map(|(place, listing)| (listing.flow.id.clone(), place))
            .collect();

        let mut values = vec![since.into()];
        values.extend(range.iter().cloned());
        for (flow, status, count) in self.list(TALLY, values, tally_of).await? {
            if let Some(place) = places.get(&flow) {
                match status {
                    Status::Succeeded => listings[*place].succeeded = count,
                    Status::Failed => listings[*place].failed = count,
                    _ => {}
                }
            }
        }

        let text = "SELECT flow, status, count(*) FROM run WHERE ended_at IS NULL \
                    AND workspace = ? AND flow BETWEEN ? AND ? GROUP BY flow, status";
        for (flow, _, count) in self.list(text, range.to_vec(), tally_of).await? {
            if let Some(place) = places.get(&flow) {
                listings[*place].active += count;
            }
        }

        let text = waiting_text(self.backend());
        let waiting = self.list(&text, range.to_vec(), |row| {
            let cells = Cells::of(row);
            Ok((cells.take::<String>()?, cells.count()?))
        });
        for (flow, count) in waiting.await? {
            if let Some(place) = places.get(&flow) {
                listings[*place].waiting = count.into();
            }
        }

        let text = format!(
            "SELECT {SCHEDULE} FROM schedule WHERE workspace = ? AND flow BETWEEN ? AND ? ORDER BY flow, trigger"
        );
        for schedule in self.list(&text, range.to_vec(), schedule_of).await? {
            if let Some(place) = places.get(&schedule.flow) {
                listings[*place].schedules.push(schedule);
            }
        }
        Ok(listings)
    }
}

/// What runs ended how since when. The flows lead, to which `CROSS JOIN` holds SQLite, so that each takes its stretch of
/// the index by flow and time and nothing more.
pub(super) const TALLY: &str = "SELECT r.flow, r.status, count(*) FROM flow f CROSS JOIN run r \
    WHERE r.workspace = f.workspace AND r.flow = f.id AND r.started_at >= ? \
    AND f.workspace = ? AND f.id BETWEEN ? AND ? GROUP BY r.flow, r.status";

/// The query of a page of flows.
pub(super) fn list_text() -> String {
    format!(
        "SELECT {FLOW}, {CHANGED}, {LAST_RUN} FROM {FLOWS} {JOIN_LAST_RUN} \
         WHERE f.workspace = ? AND f.id > ? ORDER BY f.id LIMIT ?"
    )
}

/// How many runs of each flow of a page wait for their turn.
pub(super) fn waiting_text(backend: DbBackend) -> String {
    format!(
        "SELECT r.flow, count(*) FROM {} WHERE r.server IS NULL AND r.ended_at IS NULL \
         AND r.parked_until = {HELD} AND r.workspace = ? AND r.flow BETWEEN ? AND ? GROUP BY r.flow",
        free_runs(backend)
    )
}

const FLOWS: &str = "flow f LEFT JOIN version v ON v.workspace = f.workspace AND v.flow = f.id AND v.number = f.published";

/// The columns of a flow, in the order of [`flow_at`].
const FLOW: &str = "f.workspace, f.id, f.title, f.draft, f.revision, f.created_at, f.updated_at, f.enabled, f.paused, v.number, v.published_at";

const CHANGED: &str = "CAST(CASE WHEN v.document <> f.draft THEN 1 ELSE 0 END AS bigint)";

/// The columns of the last run, in the order of [`run_at`]; all null for a flow that never ran.
const LAST_RUN: &str = "r.workspace, r.id, r.flow, r.version, r.trigger, r.status, r.started_at, r.ended_at, r.wake_at, \
    r.turns, r.failure, r.origin, r.server, r.parent";

const JOIN_LAST_RUN: &str = "LEFT JOIN run r ON r.workspace = f.workspace AND r.id = (SELECT l.id FROM run l \
    WHERE l.workspace = f.workspace AND l.flow = f.id ORDER BY l.started_at DESC, l.id DESC LIMIT 1)";

fn flow_at(cells: &Cells<'_>) -> Result<Flow, DbErr> {
    Ok(Flow {
        workspace: cells.take()?,
        id: cells.take()?,
        title: cells.take()?,
        document: cells.take()?,
        revision: cells.count()?,
        created_at: cells.take()?,
        updated_at: cells.take()?,
        enabled: cells.truth()?,
        paused: cells.truth()?,
        published: match (cells.maybe_count()?, cells.take()?) {
            (Some(version), Some(published_at)) => Some(Published {
                version,
                published_at,
            }),
            _ => None,
        },
    })
}

fn listing_of(row: &QueryResult) -> Result<FlowListing, DbErr> {
    let cells = Cells::of(row);
    Ok(FlowListing {
        flow: flow_at(&cells)?,
        changed: cells.take::<i64>()? != 0,
        last_run: match cells.peek::<Option<String>>()? {
            Some(_) => Some(run_at(&cells)?),
            None => None,
        },
        succeeded: 0,
        failed: 0,
        active: 0,
        waiting: 0,
        schedules: Vec::new(),
    })
}

fn tally_of(row: &QueryResult) -> Result<(String, Status, u64), DbErr> {
    let cells = Cells::of(row);
    Ok((
        cells.take()?,
        status(&cells.take::<String>()?)?,
        cells.count()?.into(),
    ))
}
