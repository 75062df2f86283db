//! Drafts, versions, lists, connections and secrets.

use sea_orm::ConnectionTrait;
use weir_migrations::{Migrator, MigratorTrait};

use super::{MAIN, draft, new_run, on_both_databases, turn};
use crate::store::{
    Database, Error, Fire, Publication, Published, Settings, Standing, Status, Store, Switch,
    connect,
};

on_both_databases!(
    a_draft_is_written_by_revision,
    versions_are_numbered_and_never_change,
    schedules_follow_the_publication,
    a_flow_is_switched_off_and_on,
    flows_of_the_release_before_are_on,
    the_list_tells_what_happened,
    connections_by_revision,
    secrets_are_bytes,
);

fn publication(flow: &str, document: &str, at: i64) -> Publication {
    Publication {
        workspace: MAIN.to_owned(),
        flow: flow.to_owned(),
        expected: None,
        document: document.to_owned(),
        note: None,
        at,
        schedules: Vec::new(),
        counted: None,
    }
}

fn revision(written: Result<Standing, Error>) -> Result<u32, Error> {
    written.map(|standing| standing.revision)
}

fn number(published: Result<Standing, Error>) -> Result<Option<u32>, Error> {
    published.map(|standing| standing.version)
}

async fn a_draft_is_written_by_revision(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let missing = store.update_draft(draft("orders", "{}", 1), None).await;
    assert!(matches!(missing, Err(Error::NotFound(_))));
    assert_eq!(
        revision(store.create_draft(draft("orders", "{\"a\":1}", 10)).await),
        Ok(1)
    );
    let twice = store.create_draft(draft("orders", "{}", 11)).await;
    assert!(matches!(twice, Err(Error::Conflict(_))));
    let written = store
        .update_draft(draft("orders", "{\"a\":2}", 20), Some(1))
        .await;
    assert_eq!(revision(written), Ok(2));
    let stale = store
        .update_draft(draft("orders", "{\"a\":3}", 30), Some(1))
        .await;
    assert_eq!(stale, Err(Error::Revision { current: 2 }));
    let written = store
        .update_draft(draft("orders", "{\"a\":4}", 40), None)
        .await;
    assert_eq!(revision(written), Ok(3));

    let flow = store.flow(MAIN, "orders").await.unwrap().unwrap();
    assert_eq!(
        (flow.revision, flow.created_at, flow.updated_at),
        (3, 10, 40)
    );
    assert_eq!(
        (flow.document.as_str(), flow.published),
        ("{\"a\":4}", None)
    );
    assert_eq!(store.flow("other", "orders").await.unwrap(), None);
    let mut elsewhere = draft("orders", "{}", 1);
    elsewhere.workspace = "other".to_owned();
    assert_eq!(revision(store.create_draft(elsewhere).await), Ok(1));
    let bad = store.create_draft(draft(&"x".repeat(64), "{}", 1)).await;
    assert!(matches!(bad, Err(Error::Refused(_))), "{bad:?}");

    assert_eq!(store.delete_flow(MAIN, "orders").await, Ok(true));
    assert_eq!(store.delete_flow(MAIN, "orders").await, Ok(false));
    assert_eq!(store.flow(MAIN, "orders").await.unwrap(), None);
    assert!(store.flow("other", "orders").await.unwrap().is_some());
    store.close().await;
}

async fn versions_are_numbered_and_never_change(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let missing = store.publish(publication("orders", "{}", 1)).await;
    assert!(matches!(missing, Err(Error::NotFound(_))));
    store
        .create_draft(draft("orders", "{\"v\":1}", 1))
        .await
        .unwrap();
    let mut first = publication("orders", "{\"v\":1}", 2);
    first.note = Some("the first".to_owned());
    first.expected = Some(1);
    assert_eq!(number(store.publish(first).await), Ok(Some(1)));
    store
        .update_draft(draft("orders", "{\"v\":2}", 3), None)
        .await
        .unwrap();
    let mut stale = publication("orders", "{\"v\":1}", 4);
    stale.expected = Some(1);
    assert_eq!(
        store.publish(stale).await,
        Err(Error::Revision { current: 2 })
    );
    let published = store.publish(publication("orders", "{\"v\":2}", 5)).await;
    assert_eq!(number(published), Ok(Some(2)));
    let published = store.publish(publication("orders", "{\"v\":3}", 6)).await;
    assert_eq!(number(published), Ok(Some(3)));

    let flow = store.flow(MAIN, "orders").await.unwrap().unwrap();
    assert_eq!(
        flow.published,
        Some(Published {
            version: 3,
            published_at: 6
        })
    );
    let first = store.version(MAIN, "orders", 1).await.unwrap().unwrap();
    assert_eq!(
        (first.document.as_str(), first.note.as_deref()),
        ("{\"v\":1}", Some("the first"))
    );
    let numbers = |before, limit| {
        let store = store.clone();
        async move {
            let versions = store.versions(MAIN, "orders", before, limit).await.unwrap();
            versions
                .iter()
                .map(|version| version.number)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(numbers(None, 2).await, [3, 2]);
    assert_eq!(numbers(Some(2), 2).await, [1]);
    let published = store.published().await.unwrap();
    assert_eq!(published.len(), 1);
    assert_eq!(
        (published[0].version, published[0].document.as_str()),
        (3, "{\"v\":3}")
    );

    // Runs are drawn on their version, also when the flow is gone; numbers go on when it comes back.
    store.delete_flow(MAIN, "orders").await.unwrap();
    assert!(store.published().await.unwrap().is_empty());
    assert!(store.version(MAIN, "orders", 2).await.unwrap().is_some());
    store.create_draft(draft("orders", "{}", 7)).await.unwrap();
    let published = store.publish(publication("orders", "{}", 8)).await;
    assert_eq!(number(published), Ok(Some(4)));
    store.close().await;
}

async fn schedules_follow_the_publication(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    store.create_draft(draft("report", "{}", 1)).await.unwrap();
    let mut first = publication("report", "{}", 2);
    first.schedules = vec![
        ("daily".to_owned(), Some(100)),
        ("weekly".to_owned(), Some(700)),
    ];
    store.publish(first).await.unwrap();
    let fire = Fire {
        version: Some(1),
        expected_at: 100,
        at: 100,
        next_at: Some(200),
    };
    assert_eq!(
        store.skip_fire(MAIN, "report", "daily", fire).await,
        Ok(true)
    );
    assert_eq!(
        store.skip_fire(MAIN, "report", "daily", fire).await,
        Ok(false)
    );
    let mut second = publication("report", "{}", 3);
    second.schedules = vec![("daily".to_owned(), Some(250)), ("hourly".to_owned(), None)];
    store.publish(second).await.unwrap();
    let schedules: Vec<_> = store
        .schedules(MAIN, "report")
        .await
        .unwrap()
        .into_iter()
        .map(|schedule| (schedule.trigger, schedule.next_at, schedule.last_at))
        .collect();
    assert_eq!(
        schedules,
        [
            ("daily".to_owned(), Some(250), Some(100)),
            ("hourly".to_owned(), None, None)
        ]
    );
    store.delete_flow(MAIN, "report").await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
    store.close().await;
}

async fn a_flow_is_switched_off_and_on(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let switch = |enabled, schedules: &[(&str, i64)]| {
        let schedules = schedules.iter();
        store.switch(Switch {
            workspace: MAIN.to_owned(),
            flow: "report".to_owned(),
            enabled,
            schedules: schedules
                .map(|(trigger, at)| ((*trigger).to_owned(), Some(*at)))
                .collect(),
        })
    };
    let next = || async {
        let schedules = store.schedules(MAIN, "report").await.unwrap();
        let next = schedules
            .into_iter()
            .map(|schedule| (schedule.next_at, schedule.last_at));
        next.collect::<Vec<_>>()
    };
    assert!(matches!(switch(false, &[]).await, Err(Error::NotFound(_))));
    let made = store.create_draft(draft("report", "{}", 1)).await;
    let standing = |version, enabled| Standing {
        revision: 1,
        version,
        enabled,
        paused: false,
    };
    assert_eq!(made, Ok(standing(None, true)));
    assert_eq!(switch(true, &[]).await, Ok(None), "it is on from the start");
    let mut first = publication("report", "{}", 2);
    first.schedules = vec![("daily".to_owned(), Some(100))];
    assert_eq!(store.publish(first).await, Ok(standing(Some(1), true)));
    let fire = Fire {
        version: Some(1),
        expected_at: 100,
        at: 100,
        next_at: Some(200),
    };
    store
        .skip_fire(MAIN, "report", "daily", fire)
        .await
        .unwrap();

    assert_eq!(switch(false, &[]).await, Ok(Some(standing(Some(1), false))));
    assert_eq!(switch(false, &[]).await, Ok(None));
    assert_eq!(next().await, [(None, Some(100))]);
    assert_eq!(store.next_due().await.unwrap(), None);
    // Who saw it due a moment ago comes too late.
    let late = Fire {
        version: Some(1),
        expected_at: 200,
        at: 200,
        next_at: Some(300),
    };
    let fired = store.skip_fire(MAIN, "report", "daily", late).await;
    assert_eq!(fired, Ok(false));
    let flow = store.flow(MAIN, "report").await.unwrap().unwrap();
    let listing = store.flow_listing(MAIN, "report", 0).await.unwrap();
    assert!(!flow.enabled && !listing.unwrap().flow.enabled);
    assert!(!store.published().await.unwrap()[0].enabled);

    // Neither a draft nor a publication switches it on.
    store
        .update_draft(draft("report", "{\"a\":1}", 3), None)
        .await
        .unwrap();
    let mut second = publication("report", "{\"a\":1}", 4);
    second.schedules = vec![
        ("daily".to_owned(), Some(900)),
        ("weekly".to_owned(), Some(950)),
    ];
    let published = store.publish(second).await.unwrap();
    assert_eq!((published.version, published.enabled), (Some(2), false));
    assert_eq!(next().await, [(None, Some(100)), (None, None)]);

    let on = switch(true, &[("daily", 1_000), ("weekly", 2_000)]).await;
    assert!(on.unwrap().unwrap().enabled);
    assert_eq!(
        next().await,
        [(Some(1_000), Some(100)), (Some(2_000), None)]
    );
    // Once more moves nothing.
    assert_eq!(switch(true, &[("daily", 5_000)]).await, Ok(None));
    assert_eq!(store.next_due().await.unwrap(), Some(1_000));

    // A flow that comes back after it was deleted is on.
    switch(false, &[]).await.unwrap();
    store.delete_flow(MAIN, "report").await.unwrap();
    let made = store.create_draft(draft("report", "{}", 9)).await.unwrap();
    assert!(made.enabled);
    store.close().await;
}

async fn flows_of_the_release_before_are_on(settings: Settings) {
    if let Database::Sqlite { dir } = &settings.database {
        drop(connect::lock(dir).unwrap());
    }
    let writer = connect::writer(&settings).await.unwrap();
    Migrator::up(&writer.database, Some(1)).await.unwrap();
    let insert = "INSERT INTO flow (workspace, id, title, draft, revision, created_at, updated_at) \
                  VALUES ('main', 'old', '', '{}', 1, 1, 1)";
    writer.database.execute_unprepared(insert).await.unwrap();
    writer.database.close().await.unwrap();
    let store = Store::open(&settings).await.unwrap();
    assert!(store.flow(MAIN, "old").await.unwrap().unwrap().enabled);
    store.close().await;
    // A server of the release before that still runs goes on making flows.
    let writer = connect::writer(&settings).await.unwrap();
    let insert = insert.replace("'old'", "'newer'");
    writer.database.execute_unprepared(&insert).await.unwrap();
    writer.database.close().await.unwrap();
    let store = Store::open(&settings).await.unwrap();
    assert!(store.flow(MAIN, "newer").await.unwrap().unwrap().enabled);
    store.close().await;
}

async fn the_list_tells_what_happened(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    for flow in ["a", "b", "c", "d"] {
        store
            .create_draft(draft(flow, "{\"v\":1}", 1))
            .await
            .unwrap();
    }
    let mut scheduled = publication("b", "{\"v\":1}", 2);
    scheduled.schedules = vec![("nightly".to_owned(), Some(9_000))];
    store.publish(scheduled).await.unwrap();
    store
        .publish(publication("c", "{\"v\":0}", 2))
        .await
        .unwrap();

    // In `b`: before the counted time, then two good ones, a bad one, one that goes on and one that has for long.
    let mut newest = None;
    for (started_at, status) in [
        (100, Status::Succeeded),
        (150, Status::Waiting),
        (1_000, Status::Succeeded),
        (2_000, Status::Failed),
        (3_000, Status::Running),
        (2_500, Status::Succeeded),
    ] {
        let run = new_run("b", started_at, status);
        if started_at == 3_000 {
            newest = Some(run.id);
        }
        store.accept(run).await.unwrap();
    }
    let cancelled = new_run("c", 5_000, Status::Running);
    store.accept(cancelled.clone()).await.unwrap();
    store
        .commit(MAIN, cancelled.id, turn(1, 6_000, Status::Cancelled))
        .await
        .unwrap();

    let list = store.flows(MAIN, 1_000, None, 10).await.unwrap();
    let ids: Vec<_> = list
        .iter()
        .map(|listing| listing.flow.id.as_str())
        .collect();
    assert_eq!(ids, ["a", "b", "c", "d"]);
    let (a, b, c) = (&list[0], &list[1], &list[2]);
    assert_eq!((a.changed, &a.last_run, a.active), (false, &None, 0));
    assert_eq!(
        (b.changed, b.succeeded, b.failed, b.active),
        (false, 2, 1, 2)
    );
    assert_eq!(b.last_run.as_ref().map(|run| run.id), newest);
    assert_eq!(b.schedules[0].next_at, Some(9_000));
    assert_eq!(
        (c.changed, c.succeeded, c.failed, c.active),
        (true, 0, 0, 0)
    );
    assert_eq!(
        c.last_run.as_ref().map(|run| run.status),
        Some(Status::Cancelled)
    );

    let page = store.flows(MAIN, 1_000, Some("a"), 2).await.unwrap();
    assert_eq!(page, list[1..3]);
    assert_eq!(
        store.flow_listing(MAIN, "b", 1_000).await.unwrap().as_ref(),
        Some(b)
    );
    assert_eq!(store.flow_listing(MAIN, "z", 1_000).await.unwrap(), None);
    assert!(store.flows("other", 0, None, 10).await.unwrap().is_empty());
    store.close().await;
}

async fn connections_by_revision(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let put =
        |expected, at| store.put_connection(MAIN, "erp", format!("{{\"at\":{at}}}"), expected, at);
    assert!(matches!(put(Some(1), 1).await, Err(Error::NotFound(_))));
    assert_eq!(put(None, 1).await, Ok(1));
    assert_eq!(put(None, 2).await, Ok(2));
    assert_eq!(put(Some(1), 3).await, Err(Error::Revision { current: 2 }));
    assert_eq!(put(Some(2), 4).await, Ok(3));
    let connection = store.connection(MAIN, "erp").await.unwrap().unwrap();
    assert_eq!(
        (connection.document.as_str(), connection.updated_at),
        ("{\"at\":4}", 4)
    );
    store
        .put_connection(MAIN, "crm", "{}".to_owned(), None, 5)
        .await
        .unwrap();
    let names = |after| {
        let store = store.clone();
        async move {
            let list = store.connections(MAIN, after, 10).await.unwrap();
            list.into_iter()
                .map(|connection| connection.name)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(names(None).await, ["crm", "erp"]);
    assert_eq!(names(Some("crm")).await, ["erp"]);
    assert_eq!(store.connection("other", "erp").await.unwrap(), None);
    assert_eq!(store.delete_connection(MAIN, "erp").await, Ok(true));
    assert_eq!(store.delete_connection(MAIN, "erp").await, Ok(false));
    store.close().await;
}

async fn secrets_are_bytes(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let sealed: Vec<u8> = (0..=255).collect();
    store
        .put_secret(MAIN, "erp-key", sealed.clone(), 1)
        .await
        .unwrap();
    assert_eq!(store.secret(MAIN, "erp-key").await.unwrap(), Some(sealed));
    store.put_secret(MAIN, "erp-key", vec![0], 2).await.unwrap();
    assert_eq!(store.secret(MAIN, "erp-key").await.unwrap(), Some(vec![0]));
    let names = store.secrets(MAIN, None, 10).await.unwrap();
    assert_eq!(
        (names.len(), names[0].name.as_str(), names[0].updated_at),
        (1, "erp-key", 2)
    );
    assert_eq!(store.secret("other", "erp-key").await.unwrap(), None);
    assert_eq!(store.delete_secret(MAIN, "erp-key").await, Ok(true));
    assert_eq!(store.delete_secret(MAIN, "erp-key").await, Ok(false));
    store.close().await;
}
