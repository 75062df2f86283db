//! Connections and secrets: small named things of a workspace, written seldom and read often.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};

use super::{
    Store,
    error::{Abort, Error},
    queue::Work,
    sql::{Cells, Texts, statement},
};

/// A connection as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its name, unique in the workspace.
    pub name: String,
    /// Its document, as JSON text.
    pub document: String,
    /// How often it was written.
    pub revision: u32,
    /// When it was written last, in milliseconds since 1970-01-01 UTC.
    pub updated_at: i64,
}

/// What may be told of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretInfo {
    /// Its name, unique in the workspace.
    pub name: String,
    /// When it was written last, in milliseconds since 1970-01-01 UTC.
    pub updated_at: i64,
}

impl Store {
    /// Makes or replaces a connection, and gives its new revision.
    ///
    /// # Errors
    /// [`Error::Revision`] if `expected` is given and is not the current one, [`Error::NotFound`] if it is given and
    /// there is no such connection.
    pub async fn put_connection(
        &self,
        workspace: &str,
        name: &str,
        document: String,
        expected: Option<u32>,
        at: i64,
    ) -> Result<u32, Error> {
        self.change(PutConnection {
            workspace: workspace.to_owned(),
            name: name.to_owned(),
            document,
            expected,
            at,
        })
        .await
    }

    /// Deletes a connection. False if there was none.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn delete_connection(&self, workspace: &str, name: &str) -> Result<bool, Error> {
        self.change(DeleteNamed {
            text: "DELETE FROM connection WHERE workspace = ? AND name = ?",
            workspace: workspace.to_owned(),
            name: name.to_owned(),
        })
        .await
    }

    /// One connection.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn connection(
        &self,
        workspace: &str,
        name: &str,
    ) -> Result<Option<Connection>, Error> {
        let text = "SELECT name, document, revision, updated_at FROM connection \
                    WHERE workspace = ? AND name = ?";
        self.find(text, vec![workspace.into(), name.into()], connection_of)
            .await
    }

    /// The connections of a workspace by name, those after `after`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn connections(
        &self,
        workspace: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Connection>, Error> {
        let text = "SELECT name, document, revision, updated_at FROM connection \
                    WHERE workspace = ? AND name > ? ORDER BY name LIMIT ?";
        let after = after.unwrap_or_default();
        let values = vec![workspace.into(), after.into(), i64::from(limit).into()];
        self.list(text, values, connection_of).await
    }

    /// Makes or replaces a secret. The store gets it sealed.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn put_secret(
        &self,
        workspace: &str,
        name: &str,
        sealed: Vec<u8>,
        at: i64,
    ) -> Result<(), Error> {
        self.change(PutSecret {
            workspace: workspace.to_owned(),
            name: name.to_owned(),
            sealed,
            at,
        })
        .await
    }

    /// Deletes a secret. False if there was none.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn delete_secret(&self, workspace: &str, name: &str) -> Result<bool, Error> {
        self.change(DeleteNamed {
            text: "DELETE FROM secret WHERE workspace = ? AND name = ?",
            workspace: workspace.to_owned(),
            name: name.to_owned(),
        })
        .await
    }

    /// A secret, sealed.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn secret(&self, workspace: &str, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let text = "SELECT sealed FROM secret WHERE workspace = ? AND name = ?";
        self.find(text, vec![workspace.into(), name.into()], |row| {
            Cells::of(row).take()
        })
        .await
    }

    /// The names of the secrets of a workspace in order, those after `after`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn secrets(
        &self,
        workspace: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<SecretInfo>, Error> {
        let text = "SELECT name, updated_at FROM secret WHERE workspace = ? AND name > ? ORDER BY name LIMIT ?";
        let after = after.unwrap_or_default();
        let values = vec![workspace.into(), after.into(), i64::from(limit).into()];
        self.list(text, values, |row| {
            let cells = Cells::of(row);
            Ok(SecretInfo {
                name: cells.take()?,
                updated_at: cells.take()?,
            })
        })
        .await
    }
}

fn connection_of(row: &QueryResult) -> Result<Connection, DbErr> {
    let cells = Cells::of(row);
    Ok(Connection {
        name: cells.take()?,
        document: cells.take()?,
        revision: cells.count()?,
        updated_at: cells.take()?,
    })
}

struct PutConnection {
    workspace: String,
    name: String,
    document: String,
    expected: Option<u32>,
    at: i64,
}

impl Work for PutConnection {
    type Out = u32;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<u32, Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let (workspace, name) = (self.workspace.as_str(), self.name.as_str());
            let Some(expected) = self.expected else {
                let put = statement(
                    backend,
                    "INSERT INTO connection (workspace, name, document, revision, updated_at) VALUES (?, ?, ?, 1, ?) \
                     ON CONFLICT (workspace, name) DO UPDATE SET document = excluded.document, \
                     revision = connection.revision + 1, updated_at = excluded.updated_at RETURNING revision",
                    [
                        workspace.into(),
                        name.into(),
                        self.document.clone().into(),
                        self.at.into(),
                    ],
                );
                let row = tx.query_one_raw(put).await?;
                let row = row.ok_or_else(|| DbErr::RecordNotFound("a row just written".into()))?;
                return Ok(Cells::of(&row).count()?);
            };
            let replace = statement(
                backend,
                "UPDATE connection SET document = ?, revision = revision + 1, updated_at = ? \
                 WHERE workspace = ? AND name = ? AND revision = ? RETURNING revision",
                [
                    self.document.clone().into(),
                    self.at.into(),
                    workspace.into(),
                    name.into(),
                    i64::from(expected).into(),
                ],
            );
            if let Some(row) = tx.query_one_raw(replace).await? {
                return Ok(Cells::of(&row).count()?);
            }
            let look = statement(
                backend,
                "SELECT revision FROM connection WHERE workspace = ? AND name = ?",
                [workspace.into(), name.into()],
            );
            Err(match tx.query_one_raw(look).await? {
                Some(row) => Error::Revision {
                    current: Cells::of(&row).count()?,
                },
                None => Error::NotFound(format!(
                    "there is no connection {name:?} any more; save it without If-Match to make it again"
                )),
            }
            .into())
        })
    }
}

struct PutSecret {
    workspace: String,
    name: String,
    sealed: Vec<u8>,
    at: i64,
}

impl Work for PutSecret {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            tx.execute_raw(statement(
                tx.get_database_backend(),
                "INSERT INTO secret (workspace, name, sealed, updated_at) VALUES (?, ?, ?, ?) \
                 ON CONFLICT (workspace, name) DO UPDATE SET sealed = excluded.sealed, \
                 updated_at = excluded.updated_at",
                [
                    self.workspace.as_str().into(),
                    self.name.as_str().into(),
                    self.sealed.clone().into(),
                    self.at.into(),
                ],
            ))
            .await?;
            Ok(())
        })
    }
}

/// Deletes what a workspace and a name lead to.
struct DeleteNamed {
    text: &'static str,
    workspace: String,
    name: String,
}

impl Work for DeleteNamed {
    type Out = bool;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<bool, Abort>> {
        Box::pin(async move {
            let deleted = tx
                .execute_raw(statement(
                    tx.get_database_backend(),
                    self.text,
                    [self.workspace.as_str().into(), self.name.as_str().into()],
                ))
                .await?;
            Ok(deleted.rows_affected() > 0)
        })
    }
}
