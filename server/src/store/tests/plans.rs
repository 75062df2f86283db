//! No statement of the hot path and no list reads a whole table.

use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

use super::{MAIN, on_sqlite};
use crate::store::{
    ApprovalFilter, RunCursor, RunFilter, Settings, Status, Store,
    awaited::{ANSWERED, FORGET, LEAVE, UNHEARD_ALONE, UNUSED, approvals_text},
    batch::{DELETE_JOURNAL, FIND_KEY, FIRE, SETTLE, TURN},
    bodies::{BODIES_OF, DELETE, DELETE_USES, FIND},
    claims::{claims, free_flows_text, free_text, held_text},
    flows::{TALLY, list_text, waiting_text},
    runs::page,
    sql::text,
};

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_found_by_an_index() {
    on_sqlite(indexed).await;
}

async fn indexed(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let mut plans = String::new();
    for many in [
        FIRE,
        FIND_KEY,
        TURN,
        DELETE_JOURNAL,
        SETTLE,
        FIND,
        DELETE_USES,
        DELETE,
        LEAVE,
        FORGET,
        UNHEARD_ALONE,
    ] {
        plans += &plan(&store, &text(DbBackend::Sqlite, &many, 8)).await;
    }
    for text in claims(DbBackend::Sqlite).iter().map(String::as_str).chain([
        free_text().as_str(),
        free_flows_text(DbBackend::Sqlite).as_str(),
        held_text(DbBackend::Sqlite).as_str(),
        waiting_text(DbBackend::Sqlite).as_str(),
    ]) {
        plans += &plan(&store, text).await;
    }
    plans += &plan(&store, BODIES_OF).await;
    plans += &plan(&store, UNUSED).await;
    plans += &plan(&store, ANSWERED).await;
    for (flow, after) in [(false, false), (true, false), (false, true), (true, true)] {
        let filter = ApprovalFilter {
            flow: flow.then(|| "orders".to_owned()),
            after: after.then(|| {
                "1.00000000-0000-0000-0000-000000000000.ask"
                    .parse()
                    .unwrap()
            }),
            ..ApprovalFilter::default()
        };
        let page = plan(&store, &approvals_text(MAIN, &filter).0).await;
        assert!(
            !page.contains("TEMP B-TREE"),
            "a page is sorted: {filter:?}\n{page}"
        );
        plans.push_str(&page);
    }
    plans += &plan(&store, &list_text()).await;
    let tally = plan(&store, TALLY).await;
    let stretch =
        "SEARCH r USING COVERING INDEX run_by_flow (workspace=? AND flow=? AND started_at>?)";
    assert!(tally.contains(stretch), "{tally}");
    plans += &tally;
    let mut filter = RunFilter::default();
    for status in [None, Some(Status::Failed), Some(Status::Succeeded)] {
        filter.status = status;
        for flow in [None, Some("orders".to_owned())] {
            filter.flow = flow;
            filter.after = None;
            let first = plan(&store, &page(MAIN, &filter).0).await;
            filter.after = Some(RunCursor {
                started_at: 1,
                id: Uuid::nil(),
            });
            let next = plan(&store, &page(MAIN, &filter).0).await;
            for plan in [&first, &next] {
                assert!(
                    !plan.contains("TEMP B-TREE"),
                    "a page is sorted: {filter:?}\n{plan}"
                );
            }
            plans.push_str(&first);
            plans.push_str(&next);
        }
    }
    // An index that holds nothing but what is looked for may be read whole.
    let only_what_is_left = |line: &str| {
        ["run_left", "run_free", "awaited_answered"]
            .iter()
            .any(|index| line.ends_with(&format!(" INDEX {index}")))
    };
    let hops = "INDEX run_free (workspace=? AND flow>?)";
    assert!(plans.contains(hops), "{plans}");
    let read_whole = |line: &&str| {
        let line = line.trim_start();
        if only_what_is_left(line) {
            return false;
        }
        [
            "run",
            "awaited",
            "journal",
            "dedupe",
            "schedule",
            "dead_letter",
            "body",
            "body_use",
            "r",
            "l",
            "v",
        ]
        .iter()
        .any(|table| line == format!("SCAN {table}") || line.starts_with(&format!("SCAN {table} ")))
    };
    let slow: Vec<&str> = plans.lines().filter(read_whole).collect();
    assert!(slow.is_empty(), "{slow:?} in\n{plans}");
    store.close().await;
}

async fn plan(store: &Store, text: &str) -> String {
    let nulls = vec![Value::String(None); text.matches('?').count()];
    let statement = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        format!("EXPLAIN QUERY PLAN {text}"),
        nulls,
    );
    let rows = store.rows(statement).await.unwrap();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| row.try_get_by_index(3).unwrap())
        .collect();
    format!(
        "-- {}\n{}\n",
        &text[..text.len().min(160)],
        lines.join("\n")
    )
}
