//! Orders: what a person wants of a run that another server has. They wait in the database until that server has done it.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use uuid::Uuid;

use super::{
    Store,
    error::{Abort, Error},
    queue::Work,
    sql::{Cells, Texts, statement},
    wire,
};

/// A person ends a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The workspace's slug.
    pub workspace: String,
    /// The run.
    pub run: Uuid,
    /// The order's own id.
    pub id: Uuid,
    /// Whether what succeeded is reversed first.
    pub undo: bool,
    /// Who.
    pub by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
}

impl Store {
    /// Leaves an order for the server that has its run.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn order(&self, order: Order) -> Result<(), Error> {
        self.change(Leave(order)).await
    }

    /// The orders for runs that `server` has.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn orders(&self, server: Uuid) -> Result<Vec<Order>, Error> {
        let text = "SELECT o.workspace, o.run, o.id, o.undo, o.who, o.note, o.at FROM run_order o \
                    JOIN run r ON r.workspace = o.workspace AND r.id = o.run WHERE r.server = ? ORDER BY o.id";
        self.list(text, vec![server.into()], |row| {
            let cells = Cells::of(row);
            Ok(Order {
                workspace: cells.take()?,
                run: cells.take()?,
                id: cells.take()?,
                undo: cells.truth()?,
                by: cells.take()?,
                note: cells.take()?,
                at: cells.take()?,
            })
        })
        .await
    }

    /// Whether an order still waits.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn is_open(&self, workspace: &str, run: Uuid, order: Uuid) -> Result<bool, Error> {
        let text = "SELECT 1 FROM run_order WHERE workspace = ? AND run = ? AND id = ?";
        let values = vec![workspace.into(), run.into(), order.into()];
        Ok(self.find(text, values, |_| Ok(())).await?.is_some())
    }

    /// Forgets the orders for runs that have ended: whoever left them has not come back.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn forget_orders(&self) -> Result<(), Error> {
        self.change(Forget).await
    }

    /// Takes an order back: it was carried out, or nobody waits for it any more.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn settle(&self, workspace: &str, run: Uuid, order: Uuid) -> Result<(), Error> {
        let workspace = workspace.to_owned();
        self.change(Settle {
            workspace,
            run,
            order,
        })
        .await
    }
}

struct Leave(Order);

impl Work for Leave {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            let order = &self.0;
            tx.execute_raw(statement(
                tx.get_database_backend(),
                "INSERT INTO run_order (workspace, run, id, undo, who, note, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    order.workspace.as_str().into(),
                    order.run.into(),
                    order.id.into(),
                    i64::from(order.undo).into(),
                    order.by.clone().into(),
                    order.note.clone().into(),
                    order.at.into(),
                ],
            ))
            .await?;
            if tx.get_database_backend() == DbBackend::Postgres {
                tx.execute_raw(wire::notify(&wire::Hint::Orders)).await?;
            }
            Ok(())
        })
    }
}

struct Forget;

impl Work for Forget {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            tx.execute_unprepared(
                "DELETE FROM run_order WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.workspace = run_order.workspace \
                 AND run.id = run_order.run AND run.ended_at IS NULL)",
            )
            .await?;
            Ok(())
        })
    }
}

struct Settle {
    workspace: String,
    run: Uuid,
    order: Uuid,
}

impl Work for Settle {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            tx.execute_raw(statement(
                tx.get_database_backend(),
                "DELETE FROM run_order WHERE workspace = ? AND run = ? AND id = ?",
                [
                    self.workspace.as_str().into(),
                    self.run.into(),
                    self.order.into(),
                ],
            ))
            .await?;
            Ok(())
        })
    }
}
