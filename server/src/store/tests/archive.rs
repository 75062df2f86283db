//! Backups: every table and column is in them, and what was written on one database is read on the other.

use std::{collections::BTreeSet, io::Cursor};

use tempfile::TempDir;

use super::{MAIN, count, draft, new_id, new_run, on_both_databases, turn};
use crate::store::{
    ArchiveError, AwaitedKind, Counts, Database, Deed, NewAnswer, Order, Origin, Publication,
    Settings, Status, Store,
    archive::tables::{LEFT_OUT, TABLES},
    back_up, restore,
};

on_both_databases!(
    a_backup_is_read_by_the_other_database,
    a_backup_is_restored_as_it_was,
    the_tables_are_those_of_the_schema,
    what_is_no_whole_backup_is_refused,
);

/// A store with something in every table, and more runs than are read at once.
async fn filled(settings: &Settings) -> Store {
    let store = Store::open(settings).await.unwrap();
    store
        .create_draft(draft("orders", "{\"ä\":\"\\n\"}", 1))
        .await
        .unwrap();
    let publication = Publication {
        workspace: MAIN.to_owned(),
        flow: "orders".to_owned(),
        expected: None,
        document: "{\"v\":1}".to_owned(),
        note: None,
        at: 2,
        schedules: vec![("nightly".to_owned(), Some(90))],
        counted: None,
    };
    store.publish(publication).await.unwrap();
    store
        .put_connection(MAIN, "erp", "{}".to_owned(), None, 3)
        .await
        .unwrap();
    let cursor = Some("{\"after\":\"ä\"}".to_owned());
    let set = store.set_cursor(MAIN, "orders", "nightly", cursor, None, 3);
    set.await.unwrap();
    let sealed = vec![0, 255, 10, 13, 34];
    store.put_secret(MAIN, "token", sealed, 4).await.unwrap();
    for at in 0..250 {
        let mut run = new_run("orders", at, Status::Succeeded);
        run.dedupe = (at % 2 == 0).then(|| format!("key {at}"));
        store.accept(run).await.unwrap();
    }
    let (failed, waiting) = (
        new_run("orders", 300, Status::Failed),
        new_run("orders", 301, Status::Running),
    );
    store.accept(failed.clone()).await.unwrap();
    store.accept(waiting.clone()).await.unwrap();
    let next = turn(1, 302, Status::Waiting);
    store.commit(MAIN, waiting.id, next).await.unwrap();
    let claim = Deed::Claim {
        owner: Some("Ada".to_owned()),
        note: None,
    };
    store.deal(MAIN, failed.id, claim).await.unwrap();
    let order = Order {
        workspace: MAIN.to_owned(),
        run: waiting.id,
        id: new_id(),
        undo: true,
        by: Some("Ada".to_owned()),
        note: None,
        at: 302,
    };
    store.order(order).await.unwrap();
    let answer = NewAnswer {
        workspace: MAIN.to_owned(),
        run: waiting.id,
        place: "ask".to_owned(),
        kind: AwaitedKind::Callback,
        answer: "{\"body\":1}".to_owned(),
        digest: [1; 32],
        at: 303,
    };
    store.answer(answer).await.unwrap();
    let mut replay = new_run("orders", 303, Status::Succeeded);
    replay.origin = Some(Origin {
        run: failed.id,
        by: None,
    });
    replay.parent = Some(waiting.id);
    replay.message = format!("{{\"body\":{:?}}}", "x".repeat(20_000));
    store.accept(replay).await.unwrap();
    store
}

async fn backup(settings: &Settings) -> (Vec<u8>, Counts) {
    let mut file = Vec::new();
    let counts = back_up(settings, 1_000, &mut file).await.unwrap();
    (file, counts)
}

fn sqlite(dir: &TempDir) -> Settings {
    Settings::new(Database::Sqlite {
        dir: dir.path().join("restored"),
    })
}

/// Restores a backup, and backs that up again.
async fn again(settings: &Settings, file: &[u8]) -> Vec<u8> {
    restore(settings, Cursor::new(file)).await.unwrap();
    backup(settings).await.0
}

async fn a_backup_is_read_by_the_other_database(settings: Settings) {
    let store = filled(&settings).await;
    // While the server works on it.
    let (file, counts) = backup(&settings).await;
    assert_eq!((counts["run"], counts["journal"]), (253, 254));
    assert!(counts.values().all(|count| *count > 0), "{counts:?}");
    let dir = TempDir::new().unwrap();
    assert!(again(&sqlite(&dir), &file).await == file);
    let restored = Store::open(&sqlite(&dir)).await.unwrap();
    let free = "SELECT COUNT(*) FROM run WHERE ended_at IS NULL AND server IS NULL AND parked_until IS NULL";
    assert_eq!(count(&restored, free).await, 1, "what waited is taken up");
    restored.close().await;
    store.close().await;
}

async fn a_backup_is_restored_as_it_was(settings: Settings) {
    let dir = TempDir::new().unwrap();
    let store = filled(&sqlite(&dir)).await;
    let (file, _) = backup(&sqlite(&dir)).await;
    store.close().await;
    assert!(again(&settings, &file).await == file);
    let twice = restore(&settings, Cursor::new(&file)).await;
    assert!(matches!(twice, Err(ArchiveError::NotEmpty(_))), "{twice:?}");
}

async fn the_tables_are_those_of_the_schema(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let text = match settings.database {
        Database::Sqlite { .. } => {
            "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' \
             AND t.name NOT LIKE 'sqlite_%'"
        }
        Database::Postgresql { .. } => {
            "SELECT CAST(table_name AS text), CAST(column_name AS text) FROM information_schema.columns \
             WHERE table_schema = 'public'"
        }
    };
    let cell = |row: &sea_orm::QueryResult, at| row.try_get_by_index::<String>(at);
    let found = store
        .list(text, Vec::new(), |row| Ok((cell(row, 0)?, cell(row, 1)?)))
        .await
        .unwrap();
    let found: BTreeSet<_> = found
        .into_iter()
        .filter(|(table, _)| table != "seaql_migrations")
        .collect();
    let kept = TABLES.iter().flat_map(|table| {
        let columns = table.columns.iter();
        columns.map(|(column, ..)| (table.name, *column))
    });
    let left_out = LEFT_OUT.iter().flat_map(|(table, columns)| {
        let columns = columns.iter();
        columns.map(|column| (*table, *column))
    });
    let known: BTreeSet<_> = kept
        .chain(left_out)
        .map(|(table, column)| (table.to_owned(), column.to_owned()))
        .collect();
    assert_eq!(found, known);
    store.close().await;
}

async fn what_is_no_whole_backup_is_refused(settings: Settings) {
    let dir = TempDir::new().unwrap();
    let store = filled(&sqlite(&dir)).await;
    let (file, _) = backup(&sqlite(&dir)).await;
    store.close().await;
    let text = String::from_utf8(file.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let row = lines.iter().position(|line| line.starts_with('[')).unwrap();
    let without = |at: usize| {
        let mut lines = lines.clone();
        lines.remove(at);
        lines.join("\n")
    };
    let newer = text.replacen("\"migrations\":", "\"migrations\":9", 1);
    // What an older Weir writes that does not know all tables of a newer schema.
    let mut in_it = false;
    let known = lines.iter().filter(|line| {
        if !line.starts_with('[') {
            in_it = line.starts_with("{\"table\":{\"name\":\"body_use\"");
        }
        !in_it
    });
    let known = known.copied().collect::<Vec<_>>().join("\n");
    let older = known.replace(",\"body_use\":1", "");
    assert!(!older.contains("body_use"), "{older}");
    for (what, broken) in [
        ("by an older one", older),
        ("nothing", String::new()),
        ("something else", "{\"flow\": 1}\n".to_owned()),
        ("cut off", lines[..lines.len() - 1].join("\n")),
        ("a row is missing", without(row)),
        ("a newer schema", newer),
        ("another value", text.replacen("\"erp\"", "7", 1)),
    ] {
        let refused = restore(&settings, Cursor::new(broken)).await;
        assert!(
            matches!(refused, Err(ArchiveError::Form(_))),
            "{what}: {refused:?}"
        );
    }
    // Nothing is left of them, so the whole one still goes in.
    assert!(again(&settings, &file).await == file);
}
