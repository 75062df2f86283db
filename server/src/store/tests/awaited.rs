//! Waits for an answer: the first answer counts, whenever it comes, and of an answer and the end of the wait one wins.

use futures::future::join_all;
use uuid::Uuid;

use super::{MAIN, count, new_id, new_run, on_both_databases, on_postgresql, turn};
use crate::store::{
    Answered, ApprovalCursor, ApprovalFilter, AwaitedKind, AwaitedState, Awaiting, Error,
    Forgettable, History, NewAnswer, NewRun, Settings, Status, Store, Turn, Unheard, Unused,
};

on_both_databases!(
    the_first_answer_counts_and_the_others_are_told,
    an_early_answer_is_kept_until_the_run_takes_it_over,
    one_of_many_answers_wins,
    a_turn_that_says_nobody_has_answered_is_refused_alone,
    a_run_that_is_stopped_waits_for_nobody,
    who_does_not_have_the_run_puts_no_answer_aside,
    what_is_answered_is_found_by_those_whom_it_concerns,
    approvals_are_listed_page_by_page,
    what_was_waited_for_goes_with_the_run,
    what_was_asked_goes_with_the_history,
);

const PLACE: &str = "ask";

fn wait(place: &str, state: AwaitedState, at: i64) -> Awaiting {
    Awaiting {
        place: place.to_owned(),
        flow: "orders".to_owned(),
        kind: AwaitedKind::Approval,
        title: (state == AwaitedState::Open).then(|| format!("Decide on {place}")),
        shown: None,
        since: at,
        until: (state == AwaitedState::Open).then_some(at + 100),
        state,
        expires: false,
    }
}

/// Nobody has answered in time.
fn expired(place: &str, at: i64) -> Awaiting {
    Awaiting {
        expires: true,
        ..wait(place, AwaitedState::Closed, at)
    }
}

fn leaving(turn: Turn, awaited: Vec<Awaiting>) -> Turn {
    Turn { awaited, ..turn }
}

fn answer(run: Uuid, place: &str, text: &str) -> NewAnswer {
    let mut digest = [0; 32];
    digest[..text.len()].copy_from_slice(text.as_bytes());
    NewAnswer {
        workspace: MAIN.to_owned(),
        run,
        place: place.to_owned(),
        kind: AwaitedKind::Approval,
        answer: text.to_owned(),
        digest,
        at: 50,
    }
}

/// A run that waits for an answer from its first turn on.
async fn waiting(store: &Store) -> NewRun {
    let mut run = new_run("orders", 10, Status::Waiting);
    run.turn.awaited = vec![wait(PLACE, AwaitedState::Open, 10)];
    store.accept(run.clone()).await.unwrap();
    run
}

async fn state(store: &Store, run: Uuid, place: &str) -> Option<AwaitedState> {
    store.awaited(MAIN, run, place).await.unwrap()
}

async fn the_first_answer_counts_and_the_others_are_told(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let run = waiting(&store).await;
    let say = |text: &str| store.answer(answer(run.id, PLACE, text));
    assert_eq!(say("1").await, Ok(Answered::First));
    assert_eq!(say("1").await, Ok(Answered::Again));
    assert_eq!(say("2").await, Ok(Answered::Other));
    let unused = Unused {
        place: PLACE.to_owned(),
        answer: "1".to_owned(),
    };
    assert_eq!(store.unused(MAIN, run.id).await, Ok(vec![unused]));
    assert_eq!(store.unused("other", run.id).await, Ok(Vec::new()));
    let taken = leaving(
        turn(1, 60, Status::Succeeded),
        vec![wait(PLACE, AwaitedState::Used, 60)],
    );
    store.commit(MAIN, run.id, taken).await.unwrap();
    // What was taken over stands in the journal, and the same is told as long as the run is known.
    assert_eq!(store.unused(MAIN, run.id).await, Ok(Vec::new()));
    let kept = "SELECT count(*) FROM awaited WHERE answer IS NOT NULL";
    assert_eq!(count(&store, kept).await, 0);
    assert_eq!(say("1").await, Ok(Answered::Again));
    assert_eq!(say("2").await, Ok(Answered::Other));

    // Where the run has not waited and has ended, it is too late; and so it is for what is no run.
    assert_eq!(
        store.answer(answer(run.id, "else", "1")).await,
        Ok(Answered::Over)
    );
    assert_eq!(
        store.answer(answer(new_id(), PLACE, "1")).await,
        Ok(Answered::Over)
    );
    let closing = waiting(&store).await;
    let closed = leaving(turn(1, 60, Status::Waiting), vec![expired(PLACE, 60)]);
    store.commit(MAIN, closing.id, closed).await.unwrap();
    assert_eq!(
        store.answer(answer(closing.id, PLACE, "1")).await,
        Ok(Answered::Over)
    );
    store.close().await;
}

async fn an_early_answer_is_kept_until_the_run_takes_it_over(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let run = new_run("orders", 10, Status::Running);
    store.accept(run.clone()).await.unwrap();
    assert_eq!(
        store.answer(answer(run.id, PLACE, "1")).await,
        Ok(Answered::First)
    );
    // The run begins to wait and has not heard it.
    let begins = leaving(
        turn(1, 60, Status::Waiting),
        vec![wait(PLACE, AwaitedState::Open, 60)],
    );
    store.commit(MAIN, run.id, begins).await.unwrap();
    assert_eq!(
        state(&store, run.id, PLACE).await,
        Some(AwaitedState::Answered)
    );
    assert_eq!(store.unused(MAIN, run.id).await.unwrap().len(), 1);
    assert_eq!(
        store.answer(answer(run.id, PLACE, "2")).await,
        Ok(Answered::Other)
    );
    store.close().await;
}

async fn one_of_many_answers_wins(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let run = waiting(&store).await;
    let answers = (0..20).map(|number| store.answer(answer(run.id, PLACE, &number.to_string())));
    let told = join_all(answers).await;
    let first = told.iter().filter(|told| **told == Ok(Answered::First));
    assert_eq!(first.count(), 1);
    let other = told.iter().filter(|told| **told == Ok(Answered::Other));
    assert_eq!(other.count(), 19);
    store.close().await;
}

async fn a_turn_that_says_nobody_has_answered_is_refused_alone(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let (answered, silent) = (waiting(&store).await, waiting(&store).await);
    let first = store.answer(answer(answered.id, PLACE, "1")).await;
    assert_eq!(first, Ok(Answered::First));
    let over = || leaving(turn(1, 60, Status::Running), vec![expired(PLACE, 60)]);
    // In one batch, as far as the committer wants.
    let (refused, done) = tokio::join!(
        store.commit(MAIN, answered.id, over()),
        store.commit(MAIN, silent.id, over())
    );
    assert_eq!((refused, done), (Err(Error::Answered), Ok(())));
    let turns = |run: Uuid| {
        let run = store.run(MAIN, run);
        async { run.await.unwrap().unwrap().turns }
    };
    assert_eq!((turns(answered.id).await, turns(silent.id).await), (1, 2));
    assert_eq!(
        state(&store, silent.id, PLACE).await,
        Some(AwaitedState::Closed)
    );
    // The answer first, and then the run goes on.
    let taken = leaving(
        turn(1, 61, Status::Running),
        vec![wait(PLACE, AwaitedState::Used, 61)],
    );
    assert_eq!(store.commit(MAIN, answered.id, taken).await, Ok(()));
    store.close().await;
}

async fn a_run_that_is_stopped_waits_for_nobody(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let (open, answered) = (waiting(&store).await, waiting(&store).await);
    let first = store.answer(answer(answered.id, PLACE, "1")).await;
    assert_eq!(first, Ok(Answered::First));
    for run in [&open, &answered] {
        let stopped = leaving(
            turn(1, 60, Status::Cancelled),
            vec![wait(PLACE, AwaitedState::Closed, 60)],
        );
        assert_eq!(store.commit(MAIN, run.id, stopped).await, Ok(()));
    }
    assert_eq!(
        store.answer(answer(open.id, PLACE, "1")).await,
        Ok(Answered::Over)
    );
    // What was taken in stays so for whoever asks again.
    let again = store.answer(answer(answered.id, PLACE, "1")).await;
    assert_eq!(again, Ok(Answered::Again));
    let server = store.register(new_id()).await.unwrap();
    let unheard = Unheard {
        workspace: MAIN.to_owned(),
        run: answered.id,
        over: true,
    };
    assert_eq!(store.answered(server).await, Ok(vec![unheard]));
    store.discard_all(MAIN, answered.id).await.unwrap();
    assert_eq!(store.answered(server).await, Ok(Vec::new()));
    let again = store.answer(answer(answered.id, PLACE, "1")).await;
    assert_eq!(again, Ok(Answered::Again));
    store.close().await;
}

async fn who_does_not_have_the_run_puts_no_answer_aside(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let me = store.register(new_id()).await.unwrap();
    let mut run = new_run("orders", 10, Status::Waiting);
    run.turn.server = Some(me);
    run.turn.awaited = vec![wait(PLACE, AwaitedState::Open, 10)];
    store.accept(run.clone()).await.unwrap();
    store.answer(answer(run.id, PLACE, "1")).await.unwrap();
    let stands = || state(&store, run.id, PLACE);
    // A server that was taken over, and one that has let the run go.
    let stranger = store.discard(new_id(), MAIN, run.id, PLACE).await;
    assert_eq!(stranger, Err(Error::Fenced));
    store.let_go(me, MAIN, run.id, None).await.unwrap();
    store.discard(me, MAIN, run.id, PLACE).await.unwrap();
    store.discard_all(MAIN, run.id).await.unwrap();
    assert_eq!(stands().await, Some(AwaitedState::Answered));
    store.claim_run(me, MAIN, run.id).await.unwrap().unwrap();
    store.discard(me, MAIN, run.id, "else").await.unwrap();
    assert_eq!(stands().await, Some(AwaitedState::Answered));
    store.discard(me, MAIN, run.id, PLACE).await.unwrap();
    assert_eq!(stands().await, Some(AwaitedState::Used));
    store.close().await;
}

async fn what_is_answered_is_found_by_those_whom_it_concerns(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let me = store.register(new_id()).await.unwrap();
    let mut mine = new_run("orders", 10, Status::Running);
    mine.turn.server = Some(me);
    let nobodys = new_run("orders", 11, Status::Running);
    for run in [&mine, &nobodys] {
        store.accept(run.clone()).await.unwrap();
        for place in ["ask", "ask.1"] {
            store.answer(answer(run.id, place, "1")).await.unwrap();
        }
    }
    let found = |runs: Vec<Unheard>| {
        let mut ids: Vec<Uuid> = runs.iter().map(|unheard| unheard.run).collect();
        assert!(runs.iter().all(|unheard| !unheard.over));
        ids.sort_unstable();
        ids
    };
    let mut both = vec![mine.id, nobodys.id];
    both.sort_unstable();
    assert_eq!(found(store.answered(me).await.unwrap()), both);
    let another = store.answered(new_id()).await.unwrap();
    assert_eq!(found(another), [nobodys.id], "mine is not another's");
    store.close().await;
}

async fn approvals_are_listed_page_by_page(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let mut run = new_run("orders", 10, Status::Waiting);
    let places = ["ask", "ask.0", "ask.1", "late"];
    run.turn.awaited = places
        .iter()
        .map(|place| {
            wait(
                place,
                AwaitedState::Open,
                if *place == "late" { 20 } else { 10 },
            )
        })
        .collect();
    run.turn.awaited.push(Awaiting {
        kind: AwaitedKind::Callback,
        ..wait("call", AwaitedState::Open, 30)
    });
    store.accept(run.clone()).await.unwrap();
    store.answer(answer(run.id, "ask.0", "1")).await.unwrap();
    let mut filter = ApprovalFilter {
        limit: 2,
        ..ApprovalFilter::default()
    };
    let page = store.approvals(MAIN, &filter).await.unwrap();
    let shown: Vec<_> = page
        .iter()
        .map(|one| (one.place.as_str(), one.title.as_str(), one.until))
        .collect();
    assert_eq!(
        shown,
        [
            ("late", "Decide on late", Some(120)),
            ("ask.1", "Decide on ask.1", Some(110))
        ]
    );
    filter.after = page.last().map(ApprovalCursor::from);
    let rest = store.approvals(MAIN, &filter).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].place.as_str(), rest[0].version), ("ask", 1));
    filter.after = None;
    filter.flow = Some("else".to_owned());
    assert_eq!(store.approvals(MAIN, &filter).await, Ok(Vec::new()));
    assert_eq!(
        store.approvals("else", &ApprovalFilter::default()).await,
        Ok(Vec::new())
    );
    let decided = store
        .approval(MAIN, run.id, "ask.0")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (decided.state, decided.answered_at),
        (AwaitedState::Answered, Some(50))
    );
    assert_eq!(store.approval(MAIN, run.id, "call").await, Ok(None));
    store.close().await;
}

async fn what_was_waited_for_goes_with_the_run(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let (old, young) = (waiting(&store).await, waiting(&store).await);
    let ends = leaving(turn(1, 60, Status::Succeeded), vec![expired(PLACE, 60)]);
    store.commit(MAIN, old.id, ends).await.unwrap();
    let before = Forgettable {
        ended_before: 100,
        open_before: 100,
    };
    assert_eq!(store.forget_runs(before, 10).await, Ok(1));
    assert_eq!(state(&store, old.id, PLACE).await, None);
    assert_eq!(
        state(&store, young.id, PLACE).await,
        Some(AwaitedState::Open)
    );
    assert_eq!(store.forget_awaited(10).await, Ok(0));
    // A server of an older Weir deletes the run alone.
    let journal = crate::store::connect::writer(&settings).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&journal.database, "DELETE FROM run")
        .await
        .unwrap();
    journal.database.close().await.unwrap();
    assert_eq!(store.forget_awaited(10).await, Ok(1));
    assert_eq!(count(&store, "SELECT count(*) FROM awaited").await, 0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_at_one_server_and_the_end_of_the_wait_at_another_exclude_each_other() {
    on_postgresql(|settings| async move {
        let (first, second) = (
            Store::open(&settings).await.unwrap(),
            Store::open(&settings).await.unwrap(),
        );
        let server = first.register(new_id()).await.unwrap();
        second.register(new_id()).await.unwrap();
        let mut run = new_run("orders", 10, Status::Waiting);
        run.turn.server = Some(server);
        run.turn.awaited = vec![wait(PLACE, AwaitedState::Open, 10)];
        first.accept(run.clone()).await.unwrap();
        assert!(!first.look().await.unwrap().answers);
        let answered = second.answer(answer(run.id, PLACE, "1")).await;
        assert_eq!(answered, Ok(Answered::First));
        assert!(first.look().await.unwrap().answers);
        // The end of the wait and an answer at once, from two servers: one wins, whichever.
        let late = leaving(
            Turn {
                server: Some(server),
                ..turn(1, 60, Status::Running)
            },
            vec![expired(PLACE, 60)],
        );
        assert_eq!(first.commit(MAIN, run.id, late).await, Err(Error::Answered));
        for number in 0..30 {
            let mut run = new_run("orders", 20, Status::Waiting);
            run.turn.server = Some(server);
            run.turn.awaited = vec![wait(PLACE, AwaitedState::Open, 10)];
            first.accept(run.clone()).await.unwrap();
            let late = leaving(
                Turn {
                    server: Some(server),
                    ..turn(1, 60, Status::Running)
                },
                vec![expired(PLACE, 60)],
            );
            let (ended, answered) = tokio::join!(
                first.commit(MAIN, run.id, late),
                second.answer(answer(run.id, PLACE, "1"))
            );
            let fits = matches!(
                (&ended, &answered),
                (Ok(()), Ok(Answered::Over)) | (Err(Error::Answered), Ok(Answered::First))
            );
            assert!(fits, "{number}: {ended:?} {answered:?}");
        }
        first.close().await;
        second.close().await;
    })
    .await;
}

async fn what_was_asked_goes_with_the_history(settings: Settings) {
    let store = Store::open(&settings).await.unwrap();
    let (run, other) = (waiting(&store).await, waiting(&store).await);
    let asked = "SELECT count(*) FROM awaited WHERE title IS NOT NULL OR answer IS NOT NULL";
    let mut open = turn(1, 20, Status::Waiting);
    open.awaited = vec![wait("later", AwaitedState::Open, 20)];
    store.commit(MAIN, run.id, open).await.unwrap();
    for place in [PLACE, "later"] {
        let answered = store.answer(answer(run.id, place, "1")).await;
        assert_eq!(answered, Ok(Answered::First));
    }
    assert_eq!(count(&store, asked).await, 3);
    let mut last = leaving(
        turn(2, 60, Status::Succeeded),
        vec![wait(PLACE, AwaitedState::Used, 60)],
    );
    last.history = History::Drop;
    store.commit(MAIN, run.id, last).await.unwrap();
    assert_eq!(count(&store, asked).await, 1, "that of the other run");
    let again = store.answer(answer(run.id, PLACE, "1")).await;
    assert_eq!(again, Ok(Answered::Again));
    assert_eq!(
        state(&store, other.id, PLACE).await,
        Some(AwaitedState::Open)
    );

    let mut short = new_run("orders", 10, Status::Failed);
    short.turn.history = History::Drop;
    short.turn.awaited = vec![wait(PLACE, AwaitedState::Closed, 10)];
    store.accept(short.clone()).await.unwrap();
    assert_eq!(state(&store, short.id, PLACE).await, None);
}
