//! The lease of a server: one row that it renews, without which it commits nothing, and which others take away when it ends.
//!
//! # Why a server that has lost its lease can do no harm
//!
//! Every transaction of the committer begins with a statement that locks the server's own row `FOR KEY SHARE`, and goes on
//! only where that row is there. Taking over locks the row `FOR UPDATE`, frees the runs of that server, and deletes the
//! row, in one transaction. The two locks exclude each other, so of any transaction and any takeover one comes first:
//!
//! - The transaction first: the takeover does not get the row (it skips it and comes again), and later sees all that was committed.
//! - The takeover first: the transaction finds no row, writes nothing, and the server knows.
//!
//! No clock of a server takes part. The database's clock decides when a lease has ended, and even that decides only who may
//! be taken over: a server that is late and was not taken over goes on, since nobody else has its runs.
//!
//! # Why nothing waits in a circle
//!
//! Locks are taken in one order by everyone: own `server` row, `flow`, `schedule`, `dedupe` (sorted), `run`,
//! `dead_letter`, `counter`, `body` (sorted).
//!
//! - The own row: shared, by the one writing connection of its server; renewing changes no key and so does not wait for
//!   it. Only a takeover excludes it, and that one skips what is locked instead of waiting.
//! - `flow` before `schedule`, both in a publication and in a fire; a batch has one fire.
//! - `run`: turns touch runs of the own server, claims skip what is locked and touch runs of nobody, a takeover touches runs
//!   of a server that cannot have a transaction any more. So nobody waits for a run while another waits for what he holds.
//! - `awaited`: before and after `run`, since turns touch the rows of runs of the own server. An answer, which may come
//!   anywhere, locks one row and nothing after it.
//!
//! A server that is frozen or cut off in the middle of a transaction would hold its locks for as long as its session lives;
//! PostgreSQL ends the session of a writer that says nothing for a third of the lease in the middle of a transaction.

use std::time::Duration;

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot, watch},
    time::Instant,
};
use uuid::Uuid;

use super::{
    Kind, Store,
    committer::Committer,
    error::{Abort, Error},
    polls,
    queue::{Change, Job, Work},
    sql::{Cells, Texts, statement},
    unanswered, wire,
};

/// How this server stands to the others on its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It has not registered. It has no runs, and what it writes is nobody's.
    Unregistered,
    /// It has a lease.
    Held(Held),
    /// Another server has taken over. It writes nothing until it has registered anew, under another identity.
    Lost,
}

/// A lease as it was renewed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Who the server is to the others.
    pub server: Uuid,
    /// The database's clock, in milliseconds since 1970-01-01 UTC, and when it was read. Nothing on SQLite, which has none.
    pub clock: Option<(i64, Instant)>,
    /// Until when nobody can have taken over. Later that may be so or not; nothing where nobody ever can.
    pub sure_until: Option<Instant>,
}

/// A server on this database, by its own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Who it is to the others.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// The version of Weir that it runs, where it says so.
    pub version: Option<String>,
    /// Since when it is this one, in milliseconds since 1970-01-01 UTC.
    pub started_at: i64,
}

/// The clock of PostgreSQL in milliseconds, which goes on within a transaction.
pub(super) const CLOCK: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";

/// How long to wait before a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);

impl Store {
    /// Makes this server known to the others under a new identity. Where it has a lease already, that identity stays.
    ///
    /// # Errors
    /// [`Error::Locked`] if another server seals its secrets with another key: neither could open those of the other.
    pub async fn register(&self, server: Uuid) -> Result<Uuid, Error> {
        let since = Instant::now();
        let room = self.room(super::ROOM, since).await?;
        let (reply, answer) = oneshot::channel();
        let job = Job::Change(Box::new(Registration {
            server,
            reply,
            room,
        }));
        self.shared
            .jobs
            .send(job)
            .await
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| unanswered())?
    }

    /// How this server stands, now and from here on.
    #[must_use]
    pub fn lease(&self) -> watch::Receiver<Lease> {
        self.shared.lease.clone()
    }

    /// The servers that have a lease, the oldest first. None on SQLite, where nobody else is there.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn servers(&self) -> Result<Vec<Server>, Error> {
        if self.kind() == Kind::Sqlite {
            return Ok(Vec::new());
        }
        let text = format!(
            "SELECT id, name, version, started_at FROM server WHERE expires_at >= {CLOCK} ORDER BY started_at, id"
        );
        self.list(&text, Vec::new(), |row| {
            let cells = Cells::of(row);
            Ok(Server {
                id: cells.take()?,
                name: cells.take()?,
                version: cells.take()?,
                started_at: cells.take()?,
            })
        })
        .await
    }

    /// Takes over servers whose lease has ended: from then on they commit nothing, and their runs are nobody's. Gives
    /// how many they were.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn take_over(&self) -> Result<usize, Error> {
        self.change(TakeOver).await
    }
}

/// The statement with which a transaction of PostgreSQL begins: it gives the number of the transaction and of its session.
/// For a registered server it gives nothing where that has lost its lease, and else keeps the lease until the transaction ends.
pub(super) fn begin(server: Option<Uuid>) -> Statement {
    match server {
        None => Statement::from_string(
            DbBackend::Postgres,
            "SELECT txid_current(), pg_backend_pid()",
        ),
        Some(server) => statement(
            DbBackend::Postgres,
            "SELECT txid_current(), pg_backend_pid() FROM server WHERE id = ? FOR KEY SHARE",
            [server.into()],
        ),
    }
}

/// The lease, as the committer keeps it.
pub(super) struct Keeper {
    /// How long a lease is, and what the server is called.
    length: Duration,
    name: String,
    seal: String,
    kind: Kind,
    lease: Lease,
    told: watch::Sender<Lease>,
    /// When to renew.
    due: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(settings: &super::Settings, told: watch::Sender<Lease>) -> Keeper {
        Keeper {
            length: settings.lease,
            name: settings.name.clone(),
            seal: settings.seal.clone(),
            kind: settings.database.kind(),
            lease: Lease::Unregistered,
            told,
            due: None,
        }
    }

    /// Who the server is, while it has a lease.
    pub(super) fn server(&self) -> Option<Uuid> {
        match self.lease {
            Lease::Held(held) => Some(held.server),
            Lease::Unregistered | Lease::Lost => None,
        }
    }

    /// Whether somebody who acts as `server` may write at all; `None` acts as nobody.
    pub(super) fn admits(&self, server: Option<Uuid>) -> bool {
        match self.lease {
            Lease::Lost => false,
            Lease::Unregistered => server.is_none(),
            Lease::Held(held) => server.is_none_or(|server| server == held.server),
        }
    }

    /// Whether another server has taken over.
    pub(super) fn is_lost(&self) -> bool {
        self.lease == Lease::Lost
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The row is gone: another server has taken over.
    pub(super) fn lose(&mut self) {
        tracing::warn!(
            "this server has lost its lease, so others go on with its runs; it registers anew"
        );
        self.set(Lease::Lost);
    }

    fn set(&mut self, lease: Lease) {
        self.lease = lease;
        self.due = match (lease, self.kind) {
            (Lease::Held(_), Kind::Postgresql) => Some(Instant::now() + self.length / 3),
            _ => None,
        };
        self.told.send_replace(lease);
    }

    fn again(&mut self) {
        self.due = Some(Instant::now() + AGAIN.min(self.length / 3));
    }
}

impl Committer {
    /// Renews the lease, if it is time for that.
    pub(super) async fn renew(&mut self) {
        let Some(server) = self
            .keeper
            .server()
            .filter(|_| self.keeper.due.is_some_and(|due| due <= Instant::now()))
        else {
            return;
        };
        let renewal = statement(
            DbBackend::Postgres,
            &format!(
                "UPDATE server SET expires_at = {CLOCK} + ? WHERE id = ? \
                 RETURNING {CLOCK}"
            ),
            [millis(self.keeper.length).into(), server.into()],
        );
        // From before the question: the database may have answered it at once, or late.
        let sure_until = Instant::now() + self.keeper.length;
        match self.ask_writer(renewal).await {
            Ok(Some(row)) => match held(server, &row, sure_until) {
                Ok(held) => self.keeper.set(Lease::Held(held)),
                Err(_) => self.keeper.again(),
            },
            Ok(None) => self.keeper.lose(),
            // It may be renewed later, or somebody else takes over; what is to be written says how the database is.
            Err(_) => self.keeper.again(),
        }
    }

    async fn register(&mut self, server: Uuid, patience_ends: Instant) -> Result<Uuid, Abort> {
        let before = self.keeper.lease;
        if let Lease::Held(held) = before {
            return Ok(held.server);
        }
        // The transaction that registers has no lease that it could check.
        self.keeper.lease = Lease::Unregistered;
        let work = Enter {
            server,
            name: self.keeper.name.clone(),
            seal: self.keeper.seal.clone(),
            length: self.keeper.length,
        };
        match self.transact(patience_ends, &work).await {
            Ok(held) => {
                self.keeper.set(Lease::Held(held));
                Ok(server)
            }
            Err(abort) => {
                self.keeper.lease = before;
                Err(abort)
            }
        }
    }

    /// Gives the lease back in good order, so that others go on at once with what is left.
    pub(super) async fn leave(&mut self) {
        // On SQLite nobody else is there, and the next start takes up what is left.
        let Some(server) = self
            .keeper
            .server()
            .filter(|_| self.keeper.kind == Kind::Postgresql)
        else {
            return;
        };
        let soon = Instant::now() + Duration::from_secs(2);
        if self.transact(soon, &Leave { server }).await.is_err() {
            tracing::warn!(
                "the lease could not be given back; others go on with what is left once it has ended"
            );
        }
        self.keeper.set(Lease::Unregistered);
    }
}

struct Registration {
    server: Uuid,
    reply: oneshot::Sender<Result<Uuid, Error>>,
    room: OwnedSemaphorePermit,
}

impl Change for Registration {
    fn make<'a>(
        self: Box<Self>,
        committer: &'a mut Committer,
        patience_ends: Instant,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let result = committer.register(self.server, patience_ends).await;
            // Whoever asked may have gone; the next one who asks gets the same identity.
            let _ = self.reply.send(result.map_err(Abort::seen));
            drop(self.room);
        })
    }
}

struct Enter {
    server: Uuid,
    name: String,
    seal: String,
    length: Duration,
}

impl Work for Enter {
    type Out = Held;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Held, Abort>> {
        Box::pin(async move {
            if tx.get_database_backend() == DbBackend::Sqlite {
                // Whoever had a run before is gone: the lock of the process says so.
                tx.execute_unprepared("UPDATE run SET server = NULL WHERE server IS NOT NULL")
                    .await?;
                for text in polls::FREE_ALL {
                    tx.execute_unprepared(text).await?;
                }
                return Ok(Held {
                    server: self.server,
                    clock: None,
                    sure_until: None,
                });
            }
            // One at a time, so that of two who enter at once with different keys one sees the other. Nothing else waits for
            // this lock but renewals, for a moment.
            tx.execute_unprepared("LOCK TABLE server IN SHARE ROW EXCLUSIVE MODE")
                .await?;
            let stranger = statement(
                DbBackend::Postgres,
                &format!(
                    "SELECT name FROM server WHERE seal <> ? AND expires_at >= {CLOCK} LIMIT 1"
                ),
                [self.seal.as_str().into()],
            );
            if let Some(row) = tx.query_one_raw(stranger).await? {
                return Err(Error::Locked(format!(
                    "the server {:?} on this database seals secrets with another key than this one; give all of them the \
                     same WEIR_KEY",
                    Cells::of(&row).take::<String>()?
                ))
                .into());
            }
            let sure_until = Instant::now() + self.length;
            let enter = statement(
                DbBackend::Postgres,
                &format!(
                    "INSERT INTO server (id, name, seal, version, started_at, expires_at) \
                     VALUES (?, ?, ?, ?, {CLOCK}, {CLOCK} + ?) \
                     RETURNING {CLOCK}"
                ),
                [
                    self.server.into(),
                    self.name.as_str().into(),
                    self.seal.as_str().into(),
                    env!("CARGO_PKG_VERSION").into(),
                    millis(self.length).into(),
                ],
            );
            let row = tx.query_one_raw(enter).await?;
            let row =
                row.ok_or_else(|| sea_orm::DbErr::RecordNotFound("a row just written".into()))?;
            // Whoever was alone has company now.
            tx.execute_raw(wire::notify(&wire::Hint::Anything)).await?;
            Ok(held(self.server, &row, sure_until)?)
        })
    }
}

struct Leave {
    server: Uuid,
}

impl Work for Leave {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            free(tx, &[self.server]).await?;
            Ok(())
        })
    }
}

struct TakeOver;

impl Work for TakeOver {
    type Out = usize;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<usize, Abort>> {
        Box::pin(async move {
            if tx.get_database_backend() == DbBackend::Sqlite {
                return Ok(0);
            }
            // Three statements, each of which sees what was committed before it: a last transaction of that server, which
            // ended while the first one looked for a lock, must not be overlooked by the second.
            let ended = Statement::from_string(
                DbBackend::Postgres,
                format!(
                    "SELECT id FROM server WHERE expires_at < {CLOCK} ORDER BY id FOR UPDATE SKIP LOCKED"
                ),
            );
            let mut servers = Vec::new();
            for row in tx.query_all_raw(ended).await? {
                servers.push(Cells::of(&row).take::<Uuid>()?);
            }
            free(tx, &servers).await?;
            Ok(servers.len())
        })
    }
}

/// Leaves the runs of servers to nobody, and the servers without a lease.
async fn free(tx: &DatabaseTransaction, servers: &[Uuid]) -> Result<(), sea_orm::DbErr> {
    for server in servers {
        let server: Value = (*server).into();
        for text in [
            "UPDATE run SET server = NULL WHERE server = ?",
            polls::FREE[0],
            polls::FREE[1],
            "DELETE FROM server WHERE id = ?",
        ] {
            tx.execute_raw(statement(DbBackend::Postgres, text, [server.clone()]))
                .await?;
        }
    }
    if !servers.is_empty() {
        tx.execute_raw(wire::notify(&wire::Hint::Runs)).await?;
    }
    Ok(())
}

fn held(
    server: Uuid,
    row: &sea_orm::QueryResult,
    sure_until: Instant,
) -> Result<Held, sea_orm::DbErr> {
    let cells = Cells::of(row);
    let clock = cells.take::<i64>()?;
    Ok(Held {
        server,
        clock: Some((clock, Instant::now())),
        sure_until: Some(sure_until),
    })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
