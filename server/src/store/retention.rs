//! Retention: runs that ended long ago are deleted in small batches, and the space they took is given back.

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};
use uuid::Uuid;

use super::{
    Kind, Store,
    awaited::FORGET,
    batch::DELETE_JOURNAL,
    bodies,
    error::{Abort, Error},
    queue::Work,
    sql::{Cells, Many, Texts, statement},
};

/// Which runs may be forgotten, in milliseconds of the Unix epoch. Runs that have not ended never are, and neither is what
/// they have called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgettable {
    /// Those that ended before this time.
    pub ended_before: i64,
    /// Those among them that are open dead letters, if they failed before this time.
    pub open_before: i64,
}

/// How many pages of SQLite one transaction gives back.
const PAGES: u32 = 512;

/// How many free pages SQLite keeps, since what is written next needs them again: 4 MB.
const SPARE_PAGES: i64 = 1024;

impl Store {
    /// Deletes up to `most` runs with their journals, dead letters, and the bodies that only they needed, the oldest first, and
    /// says how many they were.
    ///
    /// They are looked for beside the writer, which only deletes: what may be forgotten once may be forgotten for ever.
    ///
    /// # Errors
    /// Those of any read or write.
    pub async fn forget_runs(&self, which: Forgettable, most: u32) -> Result<u32, Error> {
        let Forgettable {
            ended_before,
            open_before,
        } = which;
        // A caller that has not ended may not have its result yet, and would start it again if it were gone.
        // Who ended before a time also started before it; that bounds the look along the index by start.
        let found = self.list(
            "SELECT workspace, id FROM run WHERE started_at < ? AND ended_at < ? AND NOT EXISTS (\
             SELECT 1 FROM dead_letter WHERE dead_letter.workspace = run.workspace AND dead_letter.run = run.id \
             AND state = 'open' AND died_at >= ?) AND NOT EXISTS (\
             SELECT 1 FROM run caller WHERE caller.workspace = run.workspace AND caller.id = run.parent \
             AND caller.ended_at IS NULL) ORDER BY workspace, started_at, id LIMIT ?",
            vec![
                ended_before.into(),
                ended_before.into(),
                open_before.into(),
                i64::from(most).into(),
            ],
            |row| {
                let cells = Cells::of(row);
                Ok(vec![
                    cells.take::<String>()?.into(),
                    cells.take::<Uuid>()?.into(),
                ])
            },
        );
        self.delete(&RUNS, true, found.await?).await
    }

    /// Deletes up to `most` dedupe keys that were accepted before `before`, and says how many they were. The same message
    /// would be accepted again from then on.
    ///
    /// # Errors
    /// Those of any read or write.
    pub async fn forget_keys(&self, before: i64, most: u32) -> Result<u32, Error> {
        // There is no index by time, so this looks at all of them, beside the writer.
        let found = self.list(
            "SELECT workspace, flow, trigger, digest FROM dedupe WHERE at < ? LIMIT ?",
            vec![before.into(), i64::from(most).into()],
            |row| {
                let cells = Cells::of(row);
                Ok(vec![
                    cells.take::<String>()?.into(),
                    cells.take::<String>()?.into(),
                    cells.take::<String>()?.into(),
                    cells.take::<Vec<u8>>()?.into(),
                ])
            },
        );
        self.delete(&KEYS, false, found.await?).await
    }

    /// Deletes rows that were found, by their keys; with the bodies that only they needed, where they are runs.
    async fn delete(
        &self,
        from: &'static [Many],
        runs: bool,
        found: Vec<Vec<Value>>,
    ) -> Result<u32, Error> {
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        if count > 0 {
            let keys = found.into_iter().flatten().collect();
            self.change(Delete { from, runs, keys }).await?;
        }
        Ok(count)
    }

    /// About how many bytes the data takes, without what is free for the next writes. On PostgreSQL this is estimated from a
    /// sample, since its files keep their size.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn size(&self) -> Result<u64, Error> {
        let text = match self.kind() {
            Kind::Sqlite => {
                "SELECT (page_count - freelist_count) * page_size \
                 FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
            }
            // Journals and bodies are nearly all of it. `n_live_tup` follows deletions within a second or so.
            Kind::Postgresql => {
                "SELECT CAST(coalesce((SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = 'journal'::regclass), 0) * \
                 coalesce((SELECT avg(pg_column_size(j.*)) FROM (SELECT * FROM journal LIMIT 1000) j), 0) + \
                 coalesce((SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = 'body'::regclass), 0) * \
                 coalesce((SELECT avg(pg_column_size(b.content)) FROM (SELECT content FROM body LIMIT 1000) b), 0) AS bigint)"
            }
        };
        let bytes = self
            .find(text, Vec::new(), |row| Cells::of(row).take::<i64>())
            .await?;
        Ok(u64::try_from(bytes.unwrap_or(0)).unwrap_or(0))
    }

    /// Gives space back to the disk, a small part of it at a time; false when there is nothing more to give. PostgreSQL looks
    /// after that itself.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn give_back(&self) -> Result<bool, Error> {
        match self.kind() {
            Kind::Sqlite => self.change(GiveBack).await,
            Kind::Postgresql => Ok(false),
        }
    }
}

const RUNS: [Many; 4] = [
    FORGET,
    DELETE_JOURNAL,
    Many {
        text: "DELETE FROM dead_letter WHERE (workspace, run) IN (VALUES {rows})",
        width: 2,
    },
    Many {
        text: "DELETE FROM run WHERE (workspace, id) IN (VALUES {rows})",
        width: 2,
    },
];

const KEYS: [Many; 1] = [Many {
    text: "DELETE FROM dedupe WHERE (workspace, flow, trigger, digest) IN (VALUES {rows})",
    width: 4,
}];

/// Deletes rows by their keys, from each of these.
struct Delete {
    from: &'static [Many],
    /// Whether they are runs, which may need bodies.
    runs: bool,
    keys: Vec<Value>,
}

impl Work for Delete {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            for many in self.from {
                texts.execute(tx, many, self.keys.clone()).await?;
            }
            if self.runs {
                bodies::free(tx, texts, self.keys.clone()).await?;
            }
            Ok(())
        })
    }
}

struct GiveBack;

impl Work for GiveBack {
    type Out = bool;

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        _texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<bool, Abort>> {
        Box::pin(async move {
            let free = free_pages(tx).await?;
            if free <= SPARE_PAGES {
                return Ok(false);
            }
            let pages = (free - SPARE_PAGES).min(i64::from(PAGES));
            tx.execute_unprepared(&format!("PRAGMA incremental_vacuum({pages})"))
                .await?;
            // A database that was made without it gives nothing back; that must not go on for ever.
            Ok(free_pages(tx).await? < free)
        })
    }
}

async fn free_pages(tx: &DatabaseTransaction) -> Result<i64, Abort> {
    let free = statement(DbBackend::Sqlite, "PRAGMA freelist_count", []);
    let row = tx.query_one_raw(free).await?;
    Ok(match row {
        Some(row) => Cells::of(&row).take::<i64>()?,
        None => 0,
    })
}
