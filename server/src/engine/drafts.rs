//! Drafts as they are written, and the news of flows for those who watch.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Engine, Error};
use crate::store::{Draft, Standing};

/// How a flow stands after it was written, published, switched or deleted, for those who watch.
#[derive(Clone, Debug)]
pub struct FlowChange {
    /// The workspace.
    pub workspace: String,
    /// The flow.
    pub flow: String,
    /// How it stands; nothing where it was deleted.
    pub standing: Option<Standing>,
    /// When this was, in milliseconds.
    pub at: i64,
}

impl Engine {
    /// How flows change from here on.
    pub fn flow_changes(&self) -> broadcast::Receiver<Arc<FlowChange>> {
        self.0.flow_changes.subscribe()
    }

    /// Makes a flow with its first draft.
    ///
    /// # Errors
    /// Of the store: there is a flow with this id.
    pub async fn create_draft(&self, draft: Draft) -> Result<Standing, Error> {
        let engine = self.clone();
        self.whole(async move {
            // What is written here and what others wrote is told one after the other.
            let _beside = engine.0.publishing.read().await;
            let (workspace, flow) = (draft.workspace.clone(), draft.flow.clone());
            let standing = engine.store().create_draft(draft).await?;
            engine.tell(&workspace, &flow, Some(standing));
            Ok(standing)
        })
        .await
    }

    /// Replaces the draft of a flow.
    ///
    /// # Errors
    /// Of the store: there is no such flow, or its draft is not the expected one.
    pub async fn update_draft(
        &self,
        draft: Draft,
        expected: Option<u32>,
    ) -> Result<Standing, Error> {
        let engine = self.clone();
        self.whole(async move {
            let _beside = engine.0.publishing.read().await;
            let (workspace, flow) = (draft.workspace.clone(), draft.flow.clone());
            let standing = engine.store().update_draft(draft, expected).await?;
            engine.tell(&workspace, &flow, Some(standing));
            Ok(standing)
        })
        .await
    }

    /// Deletes a flow and stops listening to it. False if there was none.
    ///
    /// # Errors
    /// Of the store.
    pub async fn delete_flow(&self, workspace: &str, flow: &str) -> Result<bool, Error> {
        let (engine, workspace, flow) = (self.clone(), workspace.to_owned(), flow.to_owned());
        self.whole(async move {
            // Nothing is published in between, which would be listened to and be gone.
            let _one = engine.0.publishing.write().await;
            let deleted = engine.store().delete_flow(&workspace, &flow).await?;
            engine.0.registry.remove(&workspace, &flow);
            if deleted {
                engine.tell(&workspace, &flow, None);
                // What waited for the end of a pause is no longer kept from beginning.
                engine.0.claims.notify_one();
            }
            Ok(deleted)
        })
        .await
    }

    /// Tells those who watch how a flow stands now.
    pub(super) fn tell(&self, workspace: &str, flow: &str, standing: Option<Standing>) {
        let key = (workspace.to_owned(), flow.to_owned());
        match standing {
            Some(standing) => self.0.standings.lock().insert(key, standing),
            None => self.0.standings.lock().remove(&key),
        };
        // Nobody listening is no error.
        let _ = self.0.flow_changes.send(Arc::new(FlowChange {
            workspace: workspace.to_owned(),
            flow: flow.to_owned(),
            standing,
            at: self.world().now_ms(),
        }));
    }
}
