//! Runs that nobody has: which there are, and who takes them. And those that somebody lets go.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Value};
use uuid::Uuid;

use super::{
    Kind, Store,
    error::{Abort, Error},
    lease::CLOCK,
    queue::Work,
    runs::{HELD, RUN, Run, Status, run_of},
    sql::{Cells, Texts, statement},
};

/// The runs that nobody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// Whether some are to be taken up at once: they were left, or are due.
    pub now: bool,
    /// When the next one is due, among those that wait for a time.
    pub next_at: Option<i64>,
    /// Whether some were accepted and wait for their turn, which may have come.
    pub held: bool,
}

/// The runs of one flow that nobody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeFlow {
    /// The workspace's slug.
    pub workspace: String,
    /// The flow's id.
    pub flow: String,
    /// Whether some were left.
    pub left: bool,
    /// When the next one is due, among those that wait for a time.
    pub next_at: Option<i64>,
    /// Whether some wait for their turn, in a flow that is not paused.
    pub held: bool,
}

/// How many runs of a flow to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Which there are.
    pub of: FreeFlow,
    /// At most so many.
    pub most: u32,
    /// Among them at most so many that wait for their turn.
    pub held: u32,
}

impl Wish {
    /// At most so many runs of a flow, and among them at most so many that wait for their turn.
    pub fn new(of: FreeFlow, most: usize, held: usize) -> Wish {
        Wish {
            of,
            most: u32::try_from(most).unwrap_or(u32::MAX),
            held: u32::try_from(held).unwrap_or(u32::MAX),
        }
    }
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
        let free = self
            .find(&free_text(), Vec::new(), |row| {
                let cells = Cells::of(row);
                Ok((cells.truth()?, cells.take::<Option<i64>>()?, cells.truth()?))
            })
            .await?;
        let (left, next_at, held) = free.unwrap_or_default();
        Ok(Free {
            now: left || next_at.is_some_and(|at| at <= now),
            next_at,
            held,
        })
    }

    /// The same flow by flow, in the order of their names, for those flows that have any.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn free_flows(&self) -> Result<Vec<FreeFlow>, Error> {
        let text = free_flows_text(self.backend());
        let flows = self.list(&text, Vec::new(), |row| {
            let cells = Cells::of(row);
            Ok(FreeFlow {
                workspace: cells.take()?,
                flow: cells.take()?,
                left: cells.truth()?,
                next_at: cells.take()?,
                held: cells.truth()?,
            })
        });
        let mut flows = flows.await?;
        flows.sort_unstable_by(|a, b| (&a.workspace, &a.flow).cmp(&(&b.workspace, &b.flow)));
        Ok(flows)
    }

    /// How many runs of a flow wait for their turn; counted up to `most`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn held(&self, workspace: &str, flow: &str, most: u64) -> Result<u64, Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let values = vec![workspace.into(), flow.into(), most.into()];
        let text = held_text(self.backend());
        let held = self.find(&text, values, |row| Cells::of(row).take::<i64>());
        Ok(u64::try_from(held.await?.unwrap_or_default()).unwrap_or_default())
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

    /// Takes runs that nobody has for `server`, flow by flow as wished: first those that were left, in the order of their ids,
    /// then those that are due at `now`, the longest due first, then those whose turn it is, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Fenced`] if that server has lost its lease.
    pub async fn claim(
        &self,
        server: Uuid,
        now: i64,
        wishes: Vec<Wish>,
    ) -> Result<Vec<Run>, Error> {
        self.change(Claim {
            server,
            now,
            wishes,
        })
        .await
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
    /// One that is parked until [`HELD`] waits for its turn.
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

/// The table of runs by the index `run_free`, which knows those that nobody has. SQLite does not always see that it is the best.
pub(super) fn free_runs(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "run r INDEXED BY run_free",
        _ => "run r",
    }
}

/// How many runs of a flow wait for their turn.
pub(super) fn held_text(backend: DbBackend) -> String {
    format!(
        "SELECT count(*) FROM (SELECT r.id FROM {} WHERE r.ended_at IS NULL AND r.server IS NULL AND r.workspace = ? \
         AND r.flow = ? AND r.parked_until = {HELD} LIMIT ?) AS held",
        free_runs(backend)
    )
}

/// Whether runs were left, when the next one that waits for a time is due, and whether some wait for their turn. Each is the end of
/// an index, whatever PostgreSQL thinks of how many there are.
pub(super) fn free_text() -> String {
    format!(
        "SELECT CAST(CASE WHEN (SELECT id FROM run WHERE server IS NULL AND parked_until IS NULL AND ended_at IS NULL \
         ORDER BY id LIMIT 1) IS NULL THEN 0 ELSE 1 END AS bigint), \
         (SELECT min(parked_until) FROM run WHERE server IS NULL AND parked_until IS NOT NULL AND parked_until < {HELD}), \
         CAST(CASE WHEN (SELECT max(parked_until) FROM run WHERE server IS NULL AND parked_until IS NOT NULL) = {HELD} \
         THEN 1 ELSE 0 END AS bigint)"
    )
}

/// The same by flow. It hops from workspace to workspace and from flow to flow in the index `run_free`, so that it costs as much as
/// there are flows, whatever the number of runs.
pub(super) fn free_flows_text(backend: DbBackend) -> String {
    let runs = free_runs(backend);
    let nobodys = format!("FROM {runs} WHERE r.server IS NULL AND r.ended_at IS NULL");
    let workspace = |which: &str| {
        format!("(SELECT r.workspace {nobodys} {which} ORDER BY r.workspace LIMIT 1)")
    };
    let flow = |which: &str| format!("(SELECT r.flow {nobodys} {which} ORDER BY r.flow LIMIT 1)");
    let own = format!("{nobodys} AND r.workspace = hop.of AND r.flow = hop.flow");
    format!(
        "WITH RECURSIVE place (of) AS (SELECT {} UNION ALL SELECT {} FROM place WHERE place.of IS NOT NULL), \
         hop (of, flow) AS (SELECT place.of, {} FROM place WHERE place.of IS NOT NULL \
         UNION ALL SELECT hop.of, {} FROM hop WHERE hop.flow IS NOT NULL) \
         SELECT hop.of, hop.flow, \
         CAST(CASE WHEN EXISTS (SELECT 1 {own} AND r.parked_until IS NULL) THEN 1 ELSE 0 END AS bigint), \
         (SELECT r.parked_until {own} AND r.parked_until < {HELD} ORDER BY r.parked_until LIMIT 1), \
         CAST(CASE WHEN EXISTS (SELECT 1 {own} AND r.parked_until = {HELD}) AND NOT EXISTS (SELECT 1 FROM flow f \
         WHERE f.workspace = hop.of AND f.id = hop.flow AND f.paused = 1) THEN 1 ELSE 0 END AS bigint) \
         FROM hop WHERE hop.flow IS NOT NULL",
        workspace(""),
        workspace("AND r.workspace > place.of"),
        flow("AND r.workspace = place.of"),
        flow("AND r.workspace = hop.of AND r.flow > hop.flow"),
    )
}

/// The statements that take the runs of one flow: what was left, what is due, and what waits for its turn. What another server looks
/// at in this moment is skipped. Of a flow that was paused a moment ago nothing is taken that waits.
pub(super) fn claims(backend: DbBackend) -> [String; 3] {
    let runs = free_runs(backend);
    let lock = match backend {
        DbBackend::Sqlite => "",
        _ => "FOR UPDATE OF r SKIP LOCKED",
    };
    let held = format!(
        "r.parked_until = {HELD} AND NOT EXISTS (SELECT 1 FROM flow f WHERE f.workspace = r.workspace \
         AND f.id = r.flow AND f.paused = 1)"
    );
    ["r.parked_until IS NULL", "r.parked_until <= ?", &held].map(|which| {
        format!(
            "WITH free (of, run_id) AS (SELECT r.workspace, r.id FROM {runs} \
             WHERE r.server IS NULL AND r.ended_at IS NULL AND r.workspace = ? AND r.flow = ? AND {which} \
             ORDER BY r.parked_until, r.id LIMIT ? {lock}) \
             UPDATE run SET server = ?, parked_until = NULL FROM free \
             WHERE workspace = free.of AND id = free.run_id RETURNING {RUN}"
        )
    })
}

struct Claim {
    server: Uuid,
    now: i64,
    wishes: Vec<Wish>,
}

impl Work for Claim {
    type Out = Vec<Run>;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<Vec<Run>, Abort>> {
        Box::pin(async move {
            let mut runs = Vec::new();
            for wish in &self.wishes {
                self.grant(tx, wish, &mut runs).await?;
            }
            Ok(runs)
        })
    }

    fn server(&self) -> Option<Uuid> {
        Some(self.server)
    }
}

impl Claim {
    async fn grant(
        &self,
        tx: &DatabaseTransaction,
        wish: &Wish,
        runs: &mut Vec<Run>,
    ) -> Result<(), DbErr> {
        let [left, due, held] = claims(tx.get_database_backend());
        let flow = || {
            [
                Value::from(wish.of.workspace.as_str()),
                wish.of.flow.as_str().into(),
            ]
        };
        let mut room = wish.most;
        let is_due = wish.of.next_at.is_some_and(|at| at <= self.now);
        let parts = [
            (left, wish.of.left, None, wish.most),
            (due, is_due, Some(Value::from(self.now)), wish.most),
            (held, wish.of.held, None, wish.held),
        ];
        for (text, there, now, most) in parts {
            let most = most.min(room);
            if !there || most == 0 {
                continue;
            }
            let by_time = now.is_some();
            let values = flow().into_iter().chain(now);
            let values = values.chain([i64::from(most).into(), self.server.into()]);
            let mut some = taken(tx, &text, values).await?;
            some.sort_unstable_by_key(|run| (run.wake_at.filter(|_| by_time), run.id));
            room = room.saturating_sub(u32::try_from(some.len()).unwrap_or(u32::MAX));
            runs.extend(some);
        }
        Ok(())
    }
}

async fn taken(
    tx: &DatabaseTransaction,
    text: &str,
    values: impl IntoIterator<Item = Value>,
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
            let waits = (self.parked_until == Some(HELD)).then_some(Status::Waiting);
            tx.execute_raw(statement(
                tx.get_database_backend(),
                "UPDATE run SET server = NULL, parked_until = ?, status = coalesce(?, status) \
                 WHERE workspace = ? AND id = ? AND server = ? AND ended_at IS NULL",
                [
                    self.parked_until.into(),
                    waits.map(Status::as_str).into(),
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
