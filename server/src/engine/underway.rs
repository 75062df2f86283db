//! The runs that this process has, and what others ask of one of them, wherever it is: to be cancelled, or to take an answer over.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};
use uuid::Uuid;
use weir_flows::advance::Event;

use super::{Engine, Error, claim, recover, tenure::Tenure};
use crate::store;

/// How many requests may wait for one run.
const ORDERS: usize = 16;

/// How often a run that slips away is looked for again.
const LOOKS: usize = 5;

/// How often to look whether another server has carried out an order.
const ELSEWHERE: Duration = Duration::from_millis(50);

/// How long another server may take to carry out an order: longer than the lease of one that does not answer.
const LONGEST_ELSEWHERE: Duration = Duration::from_secs(45);

/// An event that comes from outside.
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

    /// Whether this process has a run.
    pub(super) fn has(&self, id: Uuid) -> bool {
        self.0.lock().contains_key(&id)
    }

    fn reach(&self, id: Uuid) -> Option<mpsc::Sender<Order>> {
        self.0.lock().get(&id).cloned()
    }
}

impl Enrolled {
    /// The next event that comes from outside. Whoever asked for it is told with the next [`told`](Self::told).
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

    /// Whether somebody has asked for something.
    pub(super) fn is_asked(&self) -> bool {
        !self.orders.is_empty()
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
    /// Ends a run, and says how it stands once that is on disk: `undo` first reverses what succeeded. The run may be with
    /// another server, which is asked to do it, or wait for its time with nobody, and then this server takes it up.
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
        let order = store::Order {
            workspace: workspace.to_owned(),
            run: id,
            id: self.world().id(),
            undo,
            by,
            note,
            at: self.world().now_ms(),
        };
        for _ in 0..LOOKS {
            let row = self.unfinished(workspace, id).await?;
            let here = self.tenure()?.server;
            let done = match row.server {
                Some(server) if server != here => self.ask(&order).await?,
                _ => self.obey(&order).await?,
            };
            if done {
                let row = self.store().run(workspace, id).await?;
                return row.ok_or_else(|| no_run(id));
            }
        }
        Err(Error::Busy)
    }

    /// Ends a run that this server has, or takes it up for that. False where it has slipped away.
    pub(super) async fn obey(&self, order: &store::Order) -> Result<bool, Error> {
        let event = Event::Cancel {
            undo: order.undo,
            by: order.by.clone(),
            note: order.note.clone(),
        };
        self.hand(&order.workspace, order.run, event).await
    }

    /// Hands an event to a run that this server has, or that it takes up for that, and waits until what comes of it is on disk. False
    /// where the run has slipped away.
    pub(super) async fn hand(
        &self,
        workspace: &str,
        id: Uuid,
        event: Event,
    ) -> Result<bool, Error> {
        let (engine, workspace) = (self.clone(), workspace.to_owned());
        // A run that was claimed must not be parted from its driver.
        self.whole(async move { engine.hand_now(&workspace, id, event).await })
            .await
    }

    async fn hand_now(&self, workspace: &str, id: Uuid, event: Event) -> Result<bool, Error> {
        let tenure = self.tenure()?;
        let mut row = self.unfinished(workspace, id).await?;
        let mut enrolled = None;
        if row.server.is_none() {
            let claimed = self.store().claim_run(tenure.server, workspace, id).await?;
            let Some(claimed) = claimed else {
                return Ok(false);
            };
            enrolled = claim::enrol(self, &tenure, &claimed).await;
            row = claimed;
        } else if row.server == Some(tenure.server) {
            // A run that was left as it is on disk is taken up for this.
            enrolled = self.0.underway.enrol(id);
            if enrolled.is_some() {
                // It may have moved on and been left in between.
                row = self.unfinished(workspace, id).await?;
            }
        }
        if row.server != Some(tenure.server) {
            return Ok(false);
        }
        let Some(orders) = self.0.underway.reach(id) else {
            return Ok(false);
        };
        let (done, told) = oneshot::channel();
        if orders.send(Order { event, done }).await.is_err() {
            return Ok(false);
        }
        drop(orders);
        if let Some(enrolled) = enrolled {
            self.adopt(&tenure, row, enrolled).await?;
        }
        Ok(told.await.is_ok())
    }

    async fn adopt(
        &self,
        tenure: &Arc<Tenure>,
        row: store::Run,
        enrolled: Enrolled,
    ) -> Result<(), Error> {
        // What a person asks of it needs no place: it is about to end.
        let slot = self
            .0
            .crowd
            .any_slot(&(row.workspace.clone(), row.flow.clone()));
        recover::resume(self, tenure, row, enrolled, slot).await
    }

    /// Leaves an order for the server that has the run, and waits until that has carried it out. False where the run has
    /// changed hands or has ended meanwhile.
    async fn ask(&self, order: &store::Order) -> Result<bool, Error> {
        let (workspace, id) = (order.workspace.as_str(), order.run);
        let here = self.tenure()?.server;
        self.store().order(order.clone()).await?;
        let since = Instant::now();
        let outcome = loop {
            tokio::select! {
                () = sleep(ELSEWHERE) => {}
                () = self.stopping() => break Err(Error::Stopping),
            }
            match self.store().is_open(workspace, id, order.id).await {
                Ok(true) => {}
                Ok(false) => return Ok(true),
                Err(error) => break Err(error.into()),
            }
            match self.unfinished(workspace, id).await {
                Ok(row) if row.server.is_none_or(|server| server == here) => break Ok(false),
                Ok(_) => {}
                // It has ended: as was asked, which is not settled yet, or otherwise, which the next look says.
                Err(Error::Conflict(_)) => {
                    let row = self.store().run(workspace, id).await;
                    let cancelled =
                        |row: store::Run| matches!(row.status, store::Status::Cancelled);
                    break row.map_or_else(
                        |error| Err(error.into()),
                        |row| Ok(row.is_some_and(cancelled)),
                    );
                }
                Err(error) => break Err(error),
            }
            if since.elapsed() > LONGEST_ELSEWHERE {
                break Err(Error::Busy);
            }
        };
        self.store().settle(workspace, id, order.id).await?;
        outcome
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
