//! The runs that this process has, and what a person asks of one of them: to be cancelled.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use weir_flows::advance::Event;

use super::{Engine, Error, recover};
use crate::store;

/// How many requests may wait for one run.
const ORDERS: usize = 16;

/// How often a run that slips away is looked for again.
const LOOKS: usize = 3;

/// An event that a person causes.
pub(super) struct Order {
    event: Event,
    done: oneshot::Sender<()>,
}

type All = Arc<Mutex<HashMap<Uuid, mpsc::Sender<Order>>>>;

/// The runs that this process has, whether they move or wait.
#[derive(Default)]
pub(super) struct Underway(All);

/// A run's place among them, for as long as this lives.
pub(super) struct Enrolled {
    id: Uuid,
    all: All,
    orders: mpsc::Receiver<Order>,
    /// Who waits for the next turn to be on disk.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Underway {
    /// Takes a run in, unless this process has it already.
    pub(super) fn enrol(&self, id: Uuid) -> Option<Enrolled> {
        use std::collections::hash_map::Entry;
        let (sender, orders) = mpsc::channel(ORDERS);
        match self.0.lock().entry(id) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(entry) => entry.insert(sender),
        };
        Some(Enrolled {
            id,
            all: Arc::clone(&self.0),
            orders,
            waiting: Vec::new(),
        })
    }

    fn reach(&self, id: Uuid) -> Option<mpsc::Sender<Order>> {
        self.0.lock().get(&id).cloned()
    }
}

impl Enrolled {
    /// The next event that a person causes. Whoever asked for it is told with the next [`told`](Self::told).
    pub(super) async fn next(&mut self) -> Event {
        match self.orders.recv().await {
            Some(order) => self.take(order),
            // The table has a sender for as long as the run is in it.
            None => std::future::pending().await,
        }
    }

    /// The same, if somebody has asked already.
    pub(super) fn waiting(&mut self) -> Option<Event> {
        let order = self.orders.try_recv().ok()?;
        Some(self.take(order))
    }

    /// What was asked for is on disk.
    pub(super) fn told(&mut self) {
        for done in self.waiting.drain(..) {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }

    fn take(&mut self, order: Order) -> Event {
        self.waiting.push(order.done);
        order.event
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
    }
}

impl Engine {
    /// Ends a run, and says how it stands once that is on disk: `undo` first reverses what succeeded.
    ///
    /// # Errors
    /// `Conflict` where it has ended already.
    pub async fn cancel(
        &self,
        workspace: &str,
        id: Uuid,
        undo: bool,
        by: Option<String>,
        note: Option<String>,
    ) -> Result<store::Run, Error> {
        for _ in 0..LOOKS {
            self.unfinished(workspace, id).await?;
            // A run that was left as it is on disk is taken up for this.
            let adopted = self.0.underway.enrol(id);
            let Some(orders) = self.0.underway.reach(id) else {
                continue;
            };
            let (done, told) = oneshot::channel();
            let event = Event::Cancel {
                undo,
                by: by.clone(),
                note: note.clone(),
            };
            if orders.send(Order { event, done }).await.is_err() {
                continue;
            }
            if let Some(enrolled) = adopted {
                let row = self.unfinished(workspace, id).await?;
                recover::resume(self, row, enrolled).await?;
            }
            if told.await.is_ok() {
                let row = self.store().run(workspace, id).await?;
                return row.ok_or_else(|| no_run(id));
            }
        }
        Err(Error::Busy)
    }

    /// The row of a run that has not ended.
    async fn unfinished(&self, workspace: &str, id: Uuid) -> Result<store::Run, Error> {
        if self.0.stopping.is_cancelled() {
            return Err(Error::Stopping);
        }
        let row = self.store().run(workspace, id).await?;
        let row = row.ok_or_else(|| no_run(id))?;
        if row.status.is_final() {
            return Err(Error::Conflict(format!(
                "the run `{id}` has ended already: it is `{}`, and that never changes",
                row.status.as_str()
            )));
        }
        Ok(row)
    }
}

pub(super) fn no_run(id: Uuid) -> Error {
    Error::NotFound(format!("there is no run `{id}`; see GET /api/v1/runs"))
}
