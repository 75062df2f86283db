//! Runs that nobody has: which there are, and who takes them. And those that somebody lets go.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Value};
use uuid::Uuid;

use super::{
    Kind, Store,
    error::{Abort, Error},
    lease::CLOCK,
    queue::Work,
    runs::{RUN, Run, run_of},
    sql::{Cells, Texts, statement},
};

/// The runs that nobody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// Whether some are to be taken up at once: they were left, or are due.
    pub now: bool,
    /// When the next one is due, among those that wait.
    pub next_at: Option<i64>,
}

/// What other servers may have done, for one that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Grows with everything that was done to flows.
    pub flows: i64,
    /// Whether a person wants something of a run that is not where they asked.
    pub orders: bool,
    /// Whether somebody has answered a run that has not taken the answer over.
    pub answers: bool,
    /// Whether the lease of a server has ended.
    pub ended: bool,
    /// How many servers there are, this one among them.
    pub servers: u32,
}

impl Store {
    /// Which runs nobody has.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn free(&self, now: i64) -> Result<Free, Error> {
        let (left, next_at) = self
            .find(FREE, Vec::new(), |row| {
                let cells = Cells::of(row);
                Ok((cells.truth()?, cells.take::<Option<i64>>()?))
            })
            .await?
            .unwrap_or_default();
        Ok(Free {
            now: left || next_at.is_some_and(|at| at <= now),
            next_at,
        })
    }

    /// Whether other servers did something. Nothing to see on SQLite.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn look(&self) -> Result<Look, Error> {
        let nothing = Look {
            flows: 0,
            orders: false,
            answers: false,
            ended: false,
            servers: 1,
        };
        if self.kind() == Kind::Sqlite {
            return Ok(nothing);
        }
        let text = format!(
            "SELECT (SELECT count FROM counter WHERE name = 'flows'), EXISTS (SELECT 1 FROM run_order), \
             EXISTS (SELECT 1 FROM awaited WHERE state = 'answered'), \
             EXISTS (SELECT 1 FROM server WHERE expires_at < {CLOCK}), (SELECT count(*) FROM server)"
        );
        let look = self.find(&text, Vec::new(), |row| {
            let cells = Cells::of(row);
            Ok(Look {
                flows: cells.take::<Option<i64>>()?.unwrap_or_default(),
                orders: cells.take()?,
                answers: cells.take()?,
                ended: cells.take()?,
                servers: cells.count()?,
            })
        });
        Ok(look.await?.unwrap_or(nothing))
    }

    /// Takes runs that nobody has for `server`, at most `limit`: those that were left in the order of their ids, then those
    /// that are due at `now`, the longest due first.
    ///
    /// # Errors
    /// [`Error::Fenced`] if that server has lost its lease.
    pub async fn claim(&self, server: Uuid, now: i64, limit: u32) -> Result<Vec<Run>, Error> {
        self.change(Claim { server, now, limit }).await
    }

    /// Takes one run that nobody has for `server`, whether or not it is due. Nothing if somebody has it or it has ended.
    ///
    /// # Errors
    /// [`Error::Fenced`] if that server has lost its lease.
    pub async fn claim_run(
        &self,
        server: Uuid,
        workspace: &str,
        run: Uuid,
    ) -> Result<Option<Run>, Error> {
        let workspace = workspace.to_owned();
        self.change(ClaimRun {
            server,
            workspace,
            run,
        })
        .await
    }

    /// Lets a run go that `server` has: until `parked_until` nobody needs to have it, and without that it is to be taken up at once.
    /// Does nothing if that server does not have it.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn let_go(
        &self,
        server: Uuid,
        workspace: &str,
        run: Uuid,
        parked_until: Option<i64>,
    ) -> Result<(), Error> {
        let workspace = workspace.to_owned();
        self.change(LetGo {
            server,
            workspace,
            run,
            parked_until,
        })
        .await
    }
}

/// Whether runs were left, and when the next one that waits is due.
pub(super) const FREE: &str = "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM run WHERE server IS NULL \
    AND parked_until IS NULL AND ended_at IS NULL) THEN 1 ELSE 0 END AS bigint), \
    (SELECT min(parked_until) FROM run WHERE server IS NULL AND parked_until IS NOT NULL)";

/// Which of the runs that nobody has: those that were left.
const LEFT: &str = "server IS NULL AND parked_until IS NULL AND ended_at IS NULL ORDER BY id";

/// Those that are due.
const DUE: &str =
    "server IS NULL AND parked_until IS NOT NULL AND parked_until <= ? ORDER BY parked_until";

/// The statements that take what was left, and what is due. What another server looks at in this moment is skipped.
pub(super) fn claims(backend: DbBackend) -> [String; 2] {
    let lock = match backend {
        DbBackend::Sqlite => "",
        _ => "FOR UPDATE SKIP LOCKED",
    };
    [LEFT, DUE].map(|which| {
        format!(
            "WITH free (of, run_id) AS (SELECT workspace, id FROM run WHERE {which} LIMIT ? {lock}) \
             UPDATE run SET server = ?, parked_until = NULL FROM free \
             WHERE workspace = free.of AND id = free.run_id RETURNING {RUN}"
        )
    })
}

struct Claim {
    server: Uuid,
    now: i64,
    limit: u32,
}

impl Work for Claim {
    type Out = Vec<Run>;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Vec<Run>, Abort>> {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let [left, due] = claims(backend);
            let mut runs = taken(
                tx,
                &left,
                [i64::from(self.limit).into(), self.server.into()],
            )
            .await?;
            runs.sort_unstable_by_key(|run| run.id);
            let room = i64::from(self.limit) - i64::try_from(runs.len()).unwrap_or(i64::MAX);
            if room > 0 {
                let mut more =
                    taken(tx, &due, [self.now.into(), room.into(), self.server.into()]).await?;
                more.sort_unstable_by_key(|run| (run.wake_at, run.id));
                runs.extend(more);
            }
            Ok(runs)
        })
    }

    fn server(&self) -> Option<Uuid> {
        Some(self.server)
    }
}

async fn taken<const N: usize>(
    tx: &DatabaseTransaction,
    text: &str,
    values: [Value; N],
) -> Result<Vec<Run>, DbErr> {
    let rows = tx
        .query_all_raw(statement(tx.get_database_backend(), text, values))
        .await?;
    rows.iter().map(run_of).collect()
}

struct ClaimRun {
    server: Uuid,
    workspace: String,
    run: Uuid,
}

impl Work for ClaimRun {
    type Out = Option<Run>;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Option<Run>, Abort>> {
        Box::pin(async move {
            let text = format!(
                "UPDATE run SET server = ?, parked_until = NULL WHERE workspace = ? AND id = ? \
                 AND server IS NULL AND ended_at IS NULL RETURNING {RUN}"
            );
            let values = [
                self.server.into(),
                self.workspace.as_str().into(),
                self.run.into(),
            ];
            Ok(taken(tx, &text, values).await?.pop())
        })
    }

    fn server(&self) -> Option<Uuid> {
        Some(self.server)
    }
}

struct LetGo {
    server: Uuid,
    workspace: String,
    run: Uuid,
    parked_until: Option<i64>,
}

impl Work for LetGo {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            tx.execute_raw(statement(
                tx.get_database_backend(),
                "UPDATE run SET server = NULL, parked_until = ? WHERE workspace = ? AND id = ? \
                 AND server = ? AND ended_at IS NULL",
                [
                    self.parked_until.into(),
                    self.workspace.as_str().into(),
                    self.run.into(),
                    self.server.into(),
                ],
            ))
            .await?;
            Ok(())
        })
    }

    fn server(&self) -> Option<Uuid> {
        Some(self.server)
    }
}
