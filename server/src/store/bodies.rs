//! Large bodies: values that are kept once in a workspace, by their hash, apart from the journals that name them.
//!
//! # How a text names a body
//!
//! Messages and records are JSON texts, which the caller has serialised. In place of each value in them that is large, the
//! journal has a hole: a control character and the hash of the value's text, which is a row of `body`. No JSON text has a
//! control character, so nothing that a person sends can be taken for a hole, and whoever does not know holes finds no JSON there
//! and says so. The text of a body may have holes itself.
//!
//! What is cut out depends on the value alone and not on what stands around it: a value whose text is longer than the limit
//! once its own large parts are cut out. So one that is accepted, mapped into another, sent, replayed or handed to another flow
//! has the same hash everywhere, since equal values have equal texts: the keys of objects are sorted.
//!
//! # Why no body goes while somebody needs it
//!
//! `body_use` says which runs need a body. A turn writes its uses with its bodies, in its own transaction; who deletes runs
//! deletes their uses, and then the bodies that have none left. On PostgreSQL another server may begin to use a body in just
//! this moment, so both lock its row. A turn locks the bodies that are there `FOR KEY SHARE`, in the order of their keys, and
//! inserts the others. Who deletes locks `FOR UPDATE` first, skipping what is locked, and looks for uses in the next
//! statement, which sees what was committed until then. So of both one comes first:
//!
//! - The turn first: who deletes skips the body, or sees its use.
//! - The other first: the turn waits, does not find the body, and inserts it anew.
//!
//! What was skipped may be left without a use; [`Store::forget_bodies`] finds it later.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Store,
    error::{Abort, Error},
    queue::Work,
    runs::Entry,
    sql::{Cells, Many, Texts},
};

/// A value that is kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) hash: Hash,
    /// Its JSON text, with holes for its own large parts.
    pub(super) content: String,
}

/// The SHA-256 of a body's text.
pub(super) type Hash = [u8; 32];

/// What stands in a text before the hash of a body, which is in hex.
const HOLE: char = '\u{1}';

/// How many characters a hole has after [`HOLE`].
const NAME: usize = 64;

/// How deep bodies may stand in each other: as deep as JSON is read.
const DEEPEST: usize = 128;

/// Cuts the values out of a JSON text that are longer than `most`, but none that stands less than `depth` deep: at 0 stands
/// the whole. What is no JSON stays as it is.
pub(super) fn cut(text: &mut String, depth: usize, most: usize, bodies: &mut Vec<Body>) {
    if text.len() > most
        && let Some((rest, cut)) = cut_out(text, depth, most)
    {
        *text = rest;
        bodies.extend(cut);
    }
}

fn cut_out(text: &str, depth: usize, most: usize) -> Option<(String, Vec<Body>)> {
    let bytes = text.as_bytes();
    let mut rest = String::new();
    let mut bodies = Vec::new();
    // Where in `rest` the arrays and objects begin that are open.
    let mut open: Vec<usize> = Vec::new();
    // Up to where `text` has gone into `rest`.
    let mut done = 0;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => {
                open.push(rest.len() + at - done);
                at += 1;
            }
            b'}' | b']' => {
                at += 1;
                let begin = open.pop()?;
                // Most values are small, and copied with what stands around them.
                if open.len() >= depth && rest.len() + at - done - begin > most {
                    rest.push_str(&text[done..at]);
                    done = at;
                    bodies.push(take(&mut rest, begin));
                }
            }
            b'"' => {
                let begin = rest.len() + at - done;
                let length = 1 + string(&bytes[at + 1..])?;
                at += length;
                let is_key = bytes.get(at) == Some(&b':');
                if !is_key && open.len() >= depth && length > most {
                    rest.push_str(&text[done..at]);
                    done = at;
                    bodies.push(take(&mut rest, begin));
                }
            }
            _ => at += 1,
        }
    }
    rest.push_str(&text[done..]);
    (open.is_empty() && !bodies.is_empty()).then_some((rest, bodies))
}

/// How long the rest of a string is, with the quote that ends it.
fn string(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Makes a body of the end of a text, and leaves a hole there.
fn take(rest: &mut String, begin: usize) -> Body {
    let content = rest.split_off(begin);
    let hash = Sha256::digest(content.as_bytes()).into();
    rest.push(HOLE);
    rest.push_str(&hex::encode(hash));
    Body { hash, content }
}

/// Puts the bodies back into a text.
///
/// # Errors
/// The name of one that is not there.
fn fill(text: &str, bodies: &HashMap<Hash, String>) -> Result<String, String> {
    let mut whole = String::with_capacity(text.len());
    fill_into(&mut whole, text, bodies, 0)?;
    Ok(whole)
}

fn fill_into(
    whole: &mut String,
    text: &str,
    bodies: &HashMap<Hash, String>,
    depth: usize,
) -> Result<(), String> {
    let mut parts = text.split(HOLE);
    whole.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_at_checked(NAME).unwrap_or((part, ""));
        let mut hash = Hash::default();
        let body = hex::decode_to_slice(name, &mut hash)
            .ok()
            .and_then(|()| bodies.get(&hash))
            .filter(|_| depth < DEEPEST)
            .ok_or_else(|| name.to_owned())?;
        fill_into(whole, body, bodies, depth + 1)?;
        whole.push_str(rest);
    }
    Ok(())
}

fn has_holes(entry: &Entry) -> bool {
    entry.records.contains(HOLE)
        || entry
            .message
            .as_ref()
            .is_some_and(|text| text.contains(HOLE))
}

impl Store {
    /// Puts the bodies back into entries of a run's journal. Gives the name of one that is not there, where there is one: the
    /// run may have been deleted since the entries were read.
    pub(super) async fn fill_entries(
        &self,
        workspace: &str,
        run: Uuid,
        entries: &mut [Entry],
    ) -> Result<Result<(), String>, Error> {
        if !entries.iter().any(has_holes) {
            return Ok(Ok(()));
        }
        let values = vec![workspace.into(), run.into()];
        let bodies = self.list(BODIES_OF, values, |row| {
            let cells = Cells::of(row);
            Ok((hash(&cells)?, cells.take::<String>()?))
        });
        let bodies: HashMap<Hash, String> = bodies.await?.into_iter().collect();
        for entry in entries.iter_mut().filter(|entry| has_holes(entry)) {
            for text in entry.message.iter_mut().chain([&mut entry.records]) {
                match fill(text, &bodies) {
                    Ok(whole) => *text = whole,
                    Err(name) => return Ok(Err(name)),
                }
            }
        }
        Ok(Ok(()))
    }

    /// Deletes up to `most` uses whose run is gone, and up to `most` bodies that no run needs, and says how many they were. A
    /// server of an older Weir deletes runs without their uses; and what two servers use and leave at once may stay.
    ///
    /// # Errors
    /// Those of any read or write.
    pub async fn forget_bodies(&self, most: u32) -> Result<u32, Error> {
        let most: Value = i64::from(most).into();
        let strays = self.list(STRAYS, vec![most.clone()], |row| {
            let cells = Cells::of(row);
            Ok([
                Value::from(cells.take::<String>()?),
                cells.take::<Uuid>()?.into(),
            ])
        });
        let runs = strays.await?;
        let unused = self.list(UNUSED, vec![most], |row| key(&Cells::of(row)));
        let bodies = unused.await?;
        let found = u32::try_from(runs.len() + bodies.len()).unwrap_or(u32::MAX);
        if found > 0 {
            let runs = runs.into_iter().flatten().collect();
            self.change(Sweep { runs, bodies }).await?;
        }
        Ok(found)
    }
}

/// The bodies that a run needs.
pub(super) const BODIES_OF: &str = "SELECT body.hash, body.content FROM body_use JOIN body \
    ON body.workspace = body_use.workspace AND body.hash = body_use.hash \
    WHERE body_use.workspace = ? AND body_use.run = ?";

/// Runs that are gone and whose uses are not.
const STRAYS: &str = "SELECT DISTINCT workspace, run FROM body_use WHERE NOT EXISTS (SELECT 1 FROM run \
    WHERE run.workspace = body_use.workspace AND run.id = body_use.run) LIMIT ?";

/// Bodies that no run needs.
const UNUSED: &str = "SELECT workspace, hash FROM body WHERE NOT EXISTS (SELECT 1 FROM body_use \
    WHERE body_use.workspace = body.workspace AND body_use.hash = body.hash) LIMIT ?";

/// A body's key: the workspace and the hash.
type Key = (String, Hash);

/// The bodies that turns need, and which runs those are. Sorted, so that servers lock and write them in one order.
#[derive(Default)]
pub(super) struct Needs<'a> {
    bodies: BTreeMap<(&'a str, &'a Hash), &'a str>,
    uses: BTreeSet<(&'a str, Uuid, &'a Hash)>,
}

impl<'a> Needs<'a> {
    pub(super) fn add(&mut self, workspace: &'a str, run: Uuid, bodies: &'a [Body]) {
        for body in bodies {
            let key = (workspace, &body.hash);
            self.bodies.insert(key, &body.content);
            self.uses.insert((workspace, run, &body.hash));
        }
    }

    /// Writes the bodies that are not there yet, and that the runs need them.
    pub(super) async fn write(
        mut self,
        tx: &DatabaseTransaction,
        texts: &mut Texts,
    ) -> Result<(), DbErr> {
        if self.uses.is_empty() {
            return Ok(());
        }
        let hold = match tx.get_database_backend() {
            DbBackend::Sqlite => &FIND,
            _ => &HOLD,
        };
        loop {
            // Those that are there stay there from now on.
            let wanted = self
                .bodies
                .keys()
                .flat_map(|(workspace, hash)| [Value::from(*workspace), hash.to_vec().into()]);
            let held = texts.query(tx, hold, wanted.collect()).await?;
            self.are_there(held)?;
            if self.bodies.is_empty() {
                break;
            }
            let missing = self.bodies.iter().flat_map(|((workspace, hash), content)| {
                [
                    Value::from(*workspace),
                    hash.to_vec().into(),
                    (*content).into(),
                ]
            });
            let written = texts.query(tx, &INSERT, missing.collect()).await?;
            self.are_there(written)?;
            if self.bodies.is_empty() {
                break;
            }
            // Another server has written the rest in this moment.
        }
        let uses = self.uses.iter().flat_map(|(workspace, run, hash)| {
            [Value::from(*workspace), (*run).into(), hash.to_vec().into()]
        });
        texts.execute(tx, &INSERT_USE, uses.collect()).await
    }

    fn are_there(&mut self, rows: Vec<QueryResult>) -> Result<(), DbErr> {
        let there: Result<BTreeSet<Key>, DbErr> =
            rows.iter().map(|row| key(&Cells::of(row))).collect();
        let there = there?;
        self.bodies
            .retain(|(workspace, hash), _| !there.contains(&((*workspace).to_owned(), **hash)));
        Ok(())
    }
}

/// Deletes what runs (a workspace and an id each) need no more, and the bodies that then nobody needs.
pub(super) async fn free(
    tx: &DatabaseTransaction,
    texts: &mut Texts,
    runs: Vec<Value>,
) -> Result<(), DbErr> {
    let mut left = BTreeSet::new();
    for row in texts.query(tx, &DELETE_USES, runs).await? {
        left.insert(key(&Cells::of(&row))?);
    }
    delete_unused(tx, texts, left).await
}

/// Deletes those of these bodies that nobody needs, unless somebody else has their rows in this moment.
async fn delete_unused(
    tx: &DatabaseTransaction,
    texts: &mut Texts,
    mut bodies: BTreeSet<Key>,
) -> Result<(), DbErr> {
    if bodies.is_empty() {
        return Ok(());
    }
    if tx.get_database_backend() != DbBackend::Sqlite {
        let rows = texts.query(tx, &SEIZE, keys(bodies)).await?;
        bodies = rows
            .iter()
            .map(|row| key(&Cells::of(row)))
            .collect::<Result<_, _>>()?;
    }
    texts.execute(tx, &DELETE, keys(bodies)).await
}

struct Sweep {
    runs: Vec<Value>,
    bodies: Vec<Key>,
}

impl Work for Sweep {
    type Out = ();

    fn perform<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        texts: &'a mut Texts,
    ) -> BoxFuture<'a, Result<(), Abort>> {
        Box::pin(async move {
            free(tx, texts, self.runs.clone()).await?;
            let bodies = self.bodies.iter().cloned().collect();
            Ok(delete_unused(tx, texts, bodies).await?)
        })
    }
}

fn key(cells: &Cells<'_>) -> Result<Key, DbErr> {
    Ok((cells.take()?, hash(cells)?))
}

fn hash(cells: &Cells<'_>) -> Result<Hash, DbErr> {
    let bytes: Vec<u8> = cells.take()?;
    bytes
        .try_into()
        .map_err(|_| DbErr::Type("the hash of a body has not 32 bytes".to_owned()))
}

fn keys(bodies: BTreeSet<Key>) -> Vec<Value> {
    let keys = bodies.into_iter();
    keys.flat_map(|(workspace, hash)| [Value::from(workspace), hash.to_vec().into()])
        .collect()
}

pub(super) const FIND: Many = Many {
    text: "SELECT workspace, hash FROM body WHERE (workspace, hash) IN (VALUES {rows})",
    width: 2,
};

const HOLD: Many = Many {
    text: "SELECT workspace, hash FROM body WHERE (workspace, hash) IN (VALUES {rows}) \
           ORDER BY workspace, hash FOR KEY SHARE",
    width: 2,
};

const SEIZE: Many = Many {
    text: "SELECT workspace, hash FROM body WHERE (workspace, hash) IN (VALUES {rows}) \
           FOR UPDATE SKIP LOCKED",
    width: 2,
};

const INSERT: Many = Many {
    text: "INSERT INTO body (workspace, hash, content) VALUES {rows} \
           ON CONFLICT DO NOTHING RETURNING workspace, hash",
    width: 3,
};

const INSERT_USE: Many = Many {
    text: "INSERT INTO body_use (workspace, run, hash) VALUES {rows} ON CONFLICT DO NOTHING",
    width: 3,
};

pub(super) const DELETE_USES: Many = Many {
    text: "DELETE FROM body_use WHERE (workspace, run) IN (VALUES {rows}) RETURNING workspace, hash",
    width: 2,
};

pub(super) const DELETE: Many = Many {
    text: "DELETE FROM body WHERE (workspace, hash) IN (VALUES {rows}) AND NOT EXISTS (SELECT 1 FROM body_use \
           WHERE body_use.workspace = body.workspace AND body_use.hash = body.hash)",
    width: 2,
};

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 200;

    /// Cuts a text, and puts it together again.
    fn apart(text: &str, depth: usize) -> (String, Vec<Body>) {
        let (mut rest, mut bodies) = (text.to_owned(), Vec::new());
        cut(&mut rest, depth, MOST, &mut bodies);
        let known = bodies
            .iter()
            .map(|body| (body.hash, body.content.clone()))
            .collect();
        assert_eq!(fill(&rest, &known).as_deref(), Ok(text));
        for body in &bodies {
            assert_eq!(body.hash, Hash::from(Sha256::digest(&body.content)));
            assert!(body.content.len() > MOST, "{}", body.content);
        }
        (rest, bodies)
    }

    fn long(letter: char) -> String {
        format!("\"{}\"", letter.to_string().repeat(MOST))
    }

    #[test]
    fn what_is_small_stays() {
        let small = format!("\"{}\"", "x".repeat(MOST - 3));
        let many = format!("[{}]", [small.as_str(); 9].join(","));
        for text in ["", "{}", "[[],{\"a\":1}]", small.as_str()] {
            assert_eq!(apart(text, 0), (text.to_owned(), Vec::new()));
        }
        // Nothing in it is large but the whole.
        assert_eq!(apart(&many, 1), (many.clone(), Vec::new()));
        let (rest, bodies) = apart(&many, 0);
        assert_eq!((rest.len(), bodies.len()), (1 + NAME, 1));
        assert_eq!(bodies[0].content, many);
    }

    #[test]
    fn equal_values_are_one_body_wherever_they_stand() {
        let value = format!(
            "{{\"list\":[{},2],\"n\":1,\"text\":{}}}",
            long('a'),
            long('b')
        );
        let message = format!("{{\"body\":{value},\"headers\":{{}}}}");
        let records = format!(
            "[{{\"at\":1,\"output\":{{\"of\":{value}}},\"record\":\"succeeded\"}},{{\"config\":{{\"body\":{value}}}}}]"
        );
        let (rest, in_message) = apart(&message, 1);
        assert!(rest.len() < MOST && !rest.contains("aaa"), "{rest}");
        let (_, in_records) = apart(&records, 2);
        let of = |bodies: &[Body]| bodies.iter().map(|body| body.hash).collect::<BTreeSet<_>>();
        assert_eq!(of(&in_message), of(&in_records));
        assert_eq!((of(&in_message).len(), in_records.len()), (2, 4));
    }

    #[test]
    fn bodies_stand_in_bodies() {
        let numbers = vec!["1000"; 60].join(",");
        let text = format!("{{\"a\":[{{\"deep\":[{numbers}]}},{numbers}],\"b\":[{numbers}]}}");
        let (rest, bodies) = apart(&text, 1);
        let holes = |text: &str| text.matches(HOLE).count();
        assert_eq!((holes(&rest), bodies.len()), (2, 3));
        assert_eq!(
            bodies
                .iter()
                .filter(|body| holes(&body.content) == 1)
                .count(),
            1
        );
        // What stands in it is not there.
        let outer = HashMap::from([(bodies[1].hash, bodies[1].content.clone())]);
        assert_eq!(fill(&rest, &outer), Err(hex::encode(bodies[0].hash)));
    }

    #[test]
    fn texts_that_look_like_structure_are_text() {
        let tricky = format!("\"\\\"}},[{{\\\\\\u0001{}ä€😀\"", "\\\"".repeat(MOST));
        let text = format!(
            "{{\"{}\":[{tricky},\"\"],\"z\":{{\"\\\"\":{tricky}}}}}",
            "k".repeat(MOST + 9)
        );
        let (rest, bodies) = apart(&text, 1);
        assert_eq!(bodies.len(), 2);
        assert!(bodies.iter().all(|body| body.content == tricky));
        assert!(rest.contains("kkk"), "a key is no value: {rest}");
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        let open = format!("[{}", long('a'));
        let text = format!("{{\"a\":{}", "x".repeat(MOST));
        let string = format!("{{\"a\":\"{}\\", "x".repeat(MOST));
        let closed = format!("]{}", long('a'));
        for text in [open, text, string, closed] {
            assert_eq!(apart(&text, 0), (text.clone(), Vec::new()));
        }
    }

    #[test]
    fn no_text_that_is_sent_is_taken_for_a_hole() {
        let name = hex::encode(Hash::default());
        let sent = serde_json::json!({ "body": format!("{HOLE}{name}") }).to_string();
        assert_eq!(fill(&sent, &HashMap::new()).as_deref(), Ok(sent.as_str()));
        // And who does not know holes finds no JSON.
        let hole = format!("{{\"body\":{HOLE}{name}}}");
        assert!(serde_json::from_str::<serde_json::Value>(&hole).is_err());
        assert_eq!(fill(&hole, &HashMap::new()), Err(name));
        assert_eq!(
            fill(&format!("{HOLE}ä"), &HashMap::new()),
            Err("ä".to_owned())
        );
    }
}
