//! Accepting messages, committing turns, and reading runs.

use futures::future::join_all;
use uuid::Uuid;

use super::{MAIN, count, draft, new_id, new_run, on_both_databases, turn};
use crate::store::{
    Accepted, Error, Fire, History, NewRun, Publication, Run, RunFilter, Settings, Status, Store,
};

on_both_databases!(
    a_run_from_its_first_turn_to_its_end,
    terminal_states_are_final,
    a_poisoned_turn_spoils_nobody_else,
    equal_dedupe_keys_start_one_run,
    dedupe_keys_are_kept_apart,
    an_instant_fires_once,
    history_is_dropped_with_the_end,
    pages_are_the_whole_list,
    turns_of_one_run_in_one_batch,
);

async fn a_run_from_its_first_turn_to_its_end(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let new = new_run("orders", 1_000, Status::Running);
    let id = new.id;
    assert_eq!(store.accept(new.clone()).await, Ok(Accepted::New));
    let run = store.run(MAIN, id).await.unwrap().unwrap();
    assert_eq!(
        (run.status, run.turns, run.started_at, run.ended_at),
        (Status::Running, 1, 1_000, None)
    );
    assert_eq!(
        (run.flow.as_str(), run.version, run.trigger.as_str()),
        ("orders", 1, "order")
    );

    let mut waiting = turn(1, 1_100, Status::Waiting);
    waiting.wake_at = Some(5_000);
    store.commit(MAIN, id, waiting).await.unwrap();
    let run = store.run(MAIN, id).await.unwrap().unwrap();
    assert_eq!(
        (run.status, run.wake_at, run.turns),
        (Status::Waiting, Some(5_000), 2)
    );

    let mut last = turn(2, 5_001, Status::Failed);
    last.wake_at = Some(9_000);
    store.commit(MAIN, id, last).await.unwrap();
    let run = store.run(MAIN, id).await.unwrap().unwrap();
    assert_eq!(
        (run.status, run.wake_at, run.ended_at),
        (Status::Failed, None, Some(5_001))
    );
    assert_eq!(run.failure.as_deref(), Some("{\"class\":\"broken\"}"));

    let journal = store.journal(MAIN, id, 0, u32::MAX).await.unwrap();
    assert_eq!(
        journal.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(journal[0].message.as_ref(), Some(&new.message));
    assert_eq!(journal[1].message, None);
    assert_eq!(journal[2].records, "[{\"turn\":2}]");
    assert_eq!(store.journal(MAIN, id, 1, 1).await.unwrap(), journal[1..2]);

    assert_eq!(store.run("other", id).await.unwrap(), None);
    assert_eq!(store.run(MAIN, new_id()).await.unwrap(), None);
    store.close().await;
}

async fn terminal_states_are_final(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let mut headless = new_run("orders", 1_000, Status::Running);
    headless.turn.seq = 1;
    let refused = store.accept(headless).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    for end in [Status::Succeeded, Status::Failed, Status::Cancelled] {
        let new = new_run("orders", 1_000, Status::Running);
        let id = new.id;
        store.accept(new).await.unwrap();
        // A number that is taken, and one that leaves a gap.
        for seq in [0, 2] {
            let refused = store
                .commit(MAIN, id, turn(seq, 2_000, Status::Running))
                .await;
            assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        }
        store.commit(MAIN, id, turn(1, 2_000, end)).await.unwrap();
        let before = store.run(MAIN, id).await.unwrap();
        for status in Status::ALL {
            for seq in 0..4 {
                let refused = store.commit(MAIN, id, turn(seq, 3_000, status)).await;
                assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
            }
        }
        assert_eq!(store.run(MAIN, id).await.unwrap(), before);
        assert_eq!(store.journal(MAIN, id, 0, 10).await.unwrap().len(), 2);
    }
    let unknown = store
        .commit(MAIN, new_id(), turn(1, 1, Status::Running))
        .await;
    assert!(matches!(unknown, Err(Error::Conflict(_))));
    store.close().await;
}

async fn a_poisoned_turn_spoils_nobody_else(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let standing = new_run("orders", 1, Status::Running);
    let going: Vec<NewRun> = (0..40)
        .map(|_| new_run("orders", 1, Status::Running))
        .collect();
    store.accept(standing.clone()).await.unwrap();
    for run in &going {
        store.accept(run.clone()).await.unwrap();
    }

    let mut runs: Vec<NewRun> = (0..200)
        .map(|number| new_run("orders", number, Status::Succeeded))
        .collect();
    for run in &mut runs {
        run.dedupe = Some(run.id.to_string());
    }
    runs[17].flow = "x".repeat(64);
    runs[90].id = standing.id;
    runs[91].id = standing.id;
    runs[199].workspace = String::new();
    let poisoned = [17, 90, 91, 199];

    let accepts = join_all(runs.iter().map(|run| store.accept(run.clone())));
    let commits = join_all(going.iter().enumerate().map(|(number, run)| {
        // Every fourth has a number that is not the next one.
        let seq = if number % 4 == 0 { 7 } else { 1 };
        store.commit(MAIN, run.id, turn(seq, 2, Status::Succeeded))
    }));
    let (accepts, commits) = futures::join!(accepts, commits);

    for (number, (run, outcome)) in runs.iter().zip(&accepts).enumerate() {
        match number {
            17 | 199 => assert!(matches!(outcome, Err(Error::Refused(_))), "{outcome:?}"),
            90 | 91 => assert!(matches!(outcome, Err(Error::Conflict(_))), "{outcome:?}"),
            _ => assert_eq!(*outcome, Ok(Accepted::New)),
        }
        let key = run.dedupe.as_deref().unwrap();
        let first = store
            .first_run(&run.workspace, &run.flow, &run.trigger, key)
            .await
            .unwrap();
        assert_eq!(first.is_some(), !poisoned.contains(&number), "key {number}");
    }
    for (number, outcome) in commits.iter().enumerate() {
        assert_eq!(outcome.is_ok(), number % 4 != 0, "{outcome:?}");
    }
    assert_eq!(count(&store, "SELECT count(*) FROM run").await, 41 + 196);
    assert_eq!(
        count(&store, "SELECT count(*) FROM journal").await,
        41 + 196 + 30
    );
    assert_eq!(
        store.run(MAIN, standing.id).await.unwrap().unwrap().status,
        Status::Running
    );
    store.close().await;
}

async fn equal_dedupe_keys_start_one_run(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let tasks = (0..200).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut run = new_run("orders", number, Status::Running);
            run.dedupe = Some("order 4711".repeat(400));
            (run.id, store.accept(run).await.unwrap())
        })
    });
    let answers: Vec<(Uuid, Accepted)> = join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let new: Vec<Uuid> = answers
        .iter()
        .filter(|(_, accepted)| *accepted == Accepted::New)
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(new.len(), 1);
    for (id, accepted) in answers {
        assert!(id == new[0] || accepted == Accepted::Duplicate(new[0]));
    }
    assert_eq!(count(&store, "SELECT count(*) FROM run").await, 1);
    assert_eq!(count(&store, "SELECT count(*) FROM journal").await, 1);

    // Later as well, and after the run has ended.
    store
        .commit(MAIN, new[0], turn(1, 9, Status::Succeeded))
        .await
        .unwrap();
    let mut late = new_run("orders", 999, Status::Running);
    late.dedupe = Some("order 4711".repeat(400));
    assert_eq!(store.accept(late).await, Ok(Accepted::Duplicate(new[0])));
    store.close().await;
}

async fn dedupe_keys_are_kept_apart(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let keyed = |flow: &str, trigger: &str, workspace: &str, key: &str| {
        let mut run = new_run(flow, 1, Status::Running);
        run.trigger = trigger.to_owned();
        run.workspace = workspace.to_owned();
        run.dedupe = Some(key.to_owned());
        run
    };
    let runs = [
        keyed("a", "t", MAIN, "k"),
        keyed("b", "t", MAIN, "k"),
        keyed("a", "u", MAIN, "k"),
        keyed("a", "t", "other", "k"),
        keyed("a", "t", MAIN, "K"),
        keyed("a", "t", MAIN, ""),
        keyed("a", "t", MAIN, "k\0"),
    ];
    let answers = join_all(runs.iter().map(|run| store.accept(run.clone()))).await;
    assert!(
        answers.iter().all(|answer| *answer == Ok(Accepted::New)),
        "{answers:?}"
    );
    let first = store.first_run(MAIN, "a", "t", "k").await.unwrap();
    assert_eq!(first, Some(runs[0].id));
    store.close().await;
}

async fn an_instant_fires_once(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    store.create_draft(draft("report", "{}", 1)).await.unwrap();
    let publication = Publication {
        workspace: MAIN.to_owned(),
        flow: "report".to_owned(),
        expected: None,
        document: "{}".to_owned(),
        note: None,
        at: 1,
        schedules: vec![("order".to_owned(), Some(1_000))],
        counted: None,
    };
    store.publish(publication).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(1_000));
    assert!(store.due_schedules(999, 10).await.unwrap().is_empty());

    for instant in [1_000, 2_000, 3_000] {
        let due = store.due_schedules(instant, 10).await.unwrap();
        assert_eq!(due[0].next_at, Some(instant));
        let fire = Fire {
            version: Some(1),
            expected_at: instant,
            at: instant,
            next_at: (instant < 3_000).then_some(instant + 1_000),
        };
        let tasks = (0..50).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                if number % 10 == 9 {
                    return store
                        .skip_fire(MAIN, "report", "order", fire)
                        .await
                        .unwrap();
                }
                let mut run = new_run("report", instant, Status::Succeeded);
                run.fire = Some(fire);
                store.accept(run).await.unwrap() == Accepted::New
            })
        });
        let won: Vec<bool> = join_all(tasks)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
    }
    assert!(count(&store, "SELECT count(*) FROM run").await <= 3);
    let schedule = store.schedules(MAIN, "report").await.unwrap().remove(0);
    assert_eq!((schedule.next_at, schedule.last_at), (None, Some(3_000)));
    assert_eq!(store.next_due().await.unwrap(), None);
    store.close().await;
}

async fn history_is_dropped_with_the_end(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let mut short = new_run("orders", 1, Status::Succeeded);
    short.turn.history = History::Drop;
    let mut long = new_run("orders", 2, Status::Running);
    long.turn.history = History::Drop;
    let kept = new_run("orders", 3, Status::Running);
    for run in [&short, &long, &kept] {
        store.accept(run.clone()).await.unwrap();
    }
    assert!(
        store
            .journal(MAIN, short.id, 0, 10)
            .await
            .unwrap()
            .is_empty()
    );
    // As long as it goes on it must be possible to take it up again.
    assert_eq!(store.journal(MAIN, long.id, 0, 10).await.unwrap().len(), 1);
    let mut last = turn(1, 5, Status::Succeeded);
    last.history = History::Drop;
    store.commit(MAIN, long.id, last).await.unwrap();
    assert!(
        store
            .journal(MAIN, long.id, 0, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let run = store.run(MAIN, long.id).await.unwrap().unwrap();
    assert_eq!((run.status, run.turns), (Status::Succeeded, 2));
    assert_eq!(store.journal(MAIN, kept.id, 0, 10).await.unwrap().len(), 1);
    assert_eq!(
        store
            .runs(MAIN, &RunFilter::default())
            .await
            .unwrap()
            .items
            .len(),
        3
    );
    store.close().await;
}

async fn pages_are_the_whole_list(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let mut dice = Dice(42);
    let runs: Vec<NewRun> = (0..300)
        .map(|_| {
            let status = Status::ALL[dice.roll(5)];
            // Few instants, so that many runs share one.
            let started_at = i64::try_from(dice.roll(12)).unwrap() * 100;
            let mut run = new_run(["a", "b", "c"][dice.roll(3)], started_at, status);
            run.trigger = ["t", "u"][dice.roll(2)].to_owned();
            run
        })
        .collect();
    for outcome in join_all(runs.iter().map(|run| store.accept(run.clone()))).await {
        assert_eq!(outcome, Ok(Accepted::New));
    }
    for _ in 0..60 {
        let filter = RunFilter {
            flow: (dice.roll(2) == 0).then(|| ["a", "b", "c"][dice.roll(3)].to_owned()),
            status: (dice.roll(2) == 0).then(|| Status::ALL[dice.roll(5)]),
            trigger: (dice.roll(3) == 0).then(|| ["t", "u"][dice.roll(2)].to_owned()),
            from: (dice.roll(3) == 0).then(|| i64::try_from(dice.roll(6)).unwrap() * 100),
            to: (dice.roll(3) == 0).then(|| i64::try_from(6 + dice.roll(6)).unwrap() * 100),
            after: None,
            limit: u32::try_from(1 + dice.roll(70)).unwrap(),
        };
        let mut expected: Vec<(i64, Uuid)> = runs
            .iter()
            .filter(|run| {
                filter.flow.as_ref().is_none_or(|flow| *flow == run.flow)
                    && filter.status.is_none_or(|status| status == run.turn.status)
                    && filter
                        .trigger
                        .as_ref()
                        .is_none_or(|trigger| *trigger == run.trigger)
                    && filter.from.is_none_or(|from| run.started_at >= from)
                    && filter.to.is_none_or(|to| run.started_at < to)
            })
            .map(|run| (run.started_at, run.id))
            .collect();
        expected.sort();
        expected.reverse();
        assert_eq!(all_pages(&store, filter).await, expected);
    }
    assert!(
        store
            .runs("other", &RunFilter::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    store.close().await;
}

async fn all_pages(store: &Store, mut filter: RunFilter) -> Vec<(i64, Uuid)> {
    let mut found = Vec::new();
    loop {
        let page = store.runs(MAIN, &filter).await.unwrap();
        assert!(page.items.len() <= filter.limit as usize);
        found.extend(page.items.iter().map(|run: &Run| (run.started_at, run.id)));
        match page.next {
            Some(next) => filter.after = Some(next.to_string().parse().unwrap()),
            None => return found,
        }
    }
}

async fn turns_of_one_run_in_one_batch(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let run = new_run("orders", 1, Status::Running);
    store.accept(run.clone()).await.unwrap();
    // Handed in at once and in order; a second try of each number comes too late.
    let turns = (1..20).flat_map(|seq| [seq, seq]);
    let outcomes =
        join_all(turns.map(|seq| store.commit(MAIN, run.id, turn(seq, 2, Status::Running)))).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_ok(), number % 2 == 0, "{number}: {outcome:?}");
    }
    let seqs: Vec<u32> = store
        .journal(MAIN, run.id, 0, u32::MAX)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.seq)
        .collect();
    assert_eq!(seqs, (0..20).collect::<Vec<_>>());
    store.close().await;
}

/// A small generator of repeatable numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }
}
