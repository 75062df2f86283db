//! Dead letters: where they come from, who wins them, and what replays do to them.

use futures::future::join_all;

use super::{MAIN, count, new_id, new_run, on_both_databases, turn};
use crate::store::{
    Accepted, Deed, Error, LetterFilter, LetterState, NewRun, Origin, RunCursor, Settings, Status,
    Store,
};

on_both_databases!(
    failures_become_letters_and_successes_do_not,
    letters_are_found_by_what_is_known_of_them,
    a_letter_is_settled_once,
    one_of_many_replays_wins,
    what_failed_before_there_were_letters_is_one,
);

fn replay_of(run: &NewRun) -> NewRun {
    NewRun {
        id: new_id(),
        dedupe: Some(run.id.to_string()),
        origin: Some(Origin {
            run: run.id,
            by: Some("Ada".to_owned()),
        }),
        ..new_run("orders", 50, Status::Succeeded)
    }
}

async fn failures_become_letters_and_successes_do_not(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let at_once = new_run("orders", 1, Status::Failed);
    let later = new_run("orders", 2, Status::Running);
    for run in [
        &at_once,
        &later,
        &new_run("orders", 3, Status::Succeeded),
        &new_run("orders", 4, Status::Cancelled),
    ] {
        store.accept(run.clone()).await.unwrap();
    }
    assert_eq!(count(&store, "SELECT COUNT(*) FROM dead_letter").await, 1);
    store
        .commit(MAIN, later.id, turn(1, 9, Status::Failed))
        .await
        .unwrap();
    // A turn that does not count makes no letter either.
    let refused = store.commit(MAIN, later.id, turn(2, 9, Status::Failed));
    assert!(matches!(refused.await, Err(Error::Conflict(_))));
    let letters = store.letters(MAIN, &LetterFilter::default()).await.unwrap();
    let runs: Vec<_> = letters.iter().map(|letter| letter.run).collect();
    assert_eq!(runs, [later.id, at_once.id], "the newest first");
    let letter = &letters[0];
    assert_eq!(
        (
            letter.died_at,
            letter.step.as_deref(),
            letter.class.as_str()
        ),
        (9, Some("book"), "broken")
    );
    assert_eq!(
        (letter.state, letter.failure.as_deref()),
        (LetterState::Open, Some("{\"class\":\"broken\"}"))
    );
    store.close().await;
}

async fn letters_are_found_by_what_is_known_of_them(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let mut runs = Vec::new();
    for number in 0..5 {
        let mut run = new_run("orders", number, Status::Failed);
        if let Some(cause) = &mut run.turn.cause {
            if number == 3 {
                cause.class = "lost".to_owned();
            }
            if number == 4 {
                cause.flow = "other".to_owned();
                cause.step = None;
            }
        }
        store.accept(run.clone()).await.unwrap();
        runs.push(run.id);
    }
    let claim = Deed::Claim {
        owner: Some("Ada".to_owned()),
        note: None,
    };
    store.deal(MAIN, runs[1], claim).await.unwrap();
    let some = |text: &str| Some(text.to_owned());
    let all = LetterFilter::default;
    for (filter, expected) in [
        (all(), vec![4, 3, 2, 1, 0]),
        (
            LetterFilter {
                flow: some("orders"),
                ..all()
            },
            vec![3, 2, 1, 0],
        ),
        (
            LetterFilter {
                class: some("lost"),
                ..all()
            },
            vec![3],
        ),
        (
            LetterFilter {
                step: some("book"),
                from: Some(1),
                to: Some(3),
                ..all()
            },
            vec![2, 1],
        ),
        (
            LetterFilter {
                owner: some("Ada"),
                ..all()
            },
            vec![1],
        ),
        (
            LetterFilter {
                owner: some(""),
                limit: 2,
                ..all()
            },
            vec![4, 3],
        ),
        (
            LetterFilter {
                after: Some(RunCursor {
                    started_at: 3,
                    id: runs[3],
                }),
                ..all()
            },
            vec![2, 1, 0],
        ),
        (
            LetterFilter {
                state: LetterState::Replayed,
                ..all()
            },
            vec![],
        ),
    ] {
        let found = store.letters(MAIN, &filter).await.unwrap();
        let found: Vec<_> = found.iter().map(|letter| letter.run).collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|number: usize| runs[number])
            .collect();
        assert_eq!(found, expected, "{filter:?}");
        assert!(store.letters("other", &filter).await.unwrap().is_empty());
    }
    store.close().await;
}

async fn a_letter_is_settled_once(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let run = new_run("orders", 1, Status::Failed);
    store.accept(run.clone()).await.unwrap();
    let claim = |owner: &str, note: Option<&str>| Deed::Claim {
        owner: Some(owner.to_owned()),
        note: note.map(str::to_owned),
    };
    store
        .deal(MAIN, run.id, claim("Ada", Some("look")))
        .await
        .unwrap();
    store.deal(MAIN, run.id, claim("", None)).await.unwrap();
    let letter = store.letter(MAIN, run.id).await.unwrap().unwrap();
    assert_eq!((letter.owner, letter.note.as_deref()), (None, Some("look")));
    let discard = |by: &str| Deed::Discard {
        at: 7,
        by: Some(by.to_owned()),
        note: None,
    };
    let who = ["Ada", "Bob", "Eve"];
    let outcomes = join_all(who.map(|by| store.deal(MAIN, run.id, discard(by)))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let letter = store.letter(MAIN, run.id).await.unwrap().unwrap();
    assert_eq!(
        (letter.state, letter.settled_at, letter.note.as_deref()),
        (LetterState::Discarded, Some(7), Some("look"))
    );
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    assert_eq!(letter.settled_by.as_deref(), Some(who[winner]));
    let late = store.deal(MAIN, run.id, claim("Bob", None)).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    let none = store.deal(MAIN, new_id(), discard("Ada")).await;
    assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
    store.close().await;
}

async fn one_of_many_replays_wins(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let run = new_run("orders", 1, Status::Failed);
    store.accept(run.clone()).await.unwrap();
    // A message cannot come with the key of a replay.
    let mut message = new_run("orders", 2, Status::Succeeded);
    message.dedupe = Some(run.id.to_string());
    assert_eq!(store.accept(message).await.unwrap(), Accepted::New);
    let replays: Vec<NewRun> = (0..20).map(|_| replay_of(&run)).collect();
    let outcomes = join_all(replays.iter().map(|replay| store.accept(replay.clone()))).await;
    let won: Vec<_> = replays
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, Ok(Accepted::New)))
        .map(|(replay, _)| replay.id)
        .collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let others = outcomes
        .iter()
        .filter(|outcome| **outcome == Ok(Accepted::Duplicate(won[0])));
    assert_eq!(others.count(), 19);
    let letter = store.letter(MAIN, run.id).await.unwrap().unwrap();
    assert_eq!(
        (letter.state, letter.replay, letter.settled_by.as_deref()),
        (LetterState::Replayed, Some(won[0]), Some("Ada"))
    );
    let replay = store.run(MAIN, won[0]).await.unwrap().unwrap();
    assert_eq!(replay.origin, Some(run.id));
    store.close().await;
}

async fn what_failed_before_there_were_letters_is_one(settings: Settings) {
    use sea_orm::ConnectionTrait;
    let store = Store::open(&settings).await.unwrap();
    let mut failed = new_run("orders", 1, Status::Failed);
    failed.turn.failure =
        Some("{\"step\":\"pay\",\"class\":\"lost\",\"message\":\"x\"}".to_owned());
    let mut late = new_run("orders", 2, Status::Failed);
    late.turn.failure =
        Some("{\"step\":null,\"class\":\"timed_out\",\"message\":\"x\"}".to_owned());
    for run in [&failed, &late, &new_run("orders", 3, Status::Succeeded)] {
        store.accept(run.clone()).await.unwrap();
    }
    store.close().await;
    // Back to the schema of the release before.
    let writer = crate::store::connect::writer(&settings).await.unwrap();
    for statement in [
        "DROP TABLE dead_letter",
        "ALTER TABLE run DROP COLUMN origin",
        "DELETE FROM seaql_migrations WHERE version = 'm0003_letters'",
    ] {
        writer.database.execute_unprepared(statement).await.unwrap();
    }
    writer.database.close().await.unwrap();
    let store = Store::open(&settings).await.unwrap();
    let letters = store.letters(MAIN, &LetterFilter::default()).await.unwrap();
    let known: Vec<_> = letters
        .iter()
        .map(|letter| (letter.run, letter.step.as_deref(), letter.class.as_str()))
        .collect();
    assert_eq!(
        known,
        [
            (late.id, None, "timed_out"),
            (failed.id, Some("pay"), "lost")
        ]
    );
    store.close().await;
}
