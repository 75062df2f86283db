//! What gates let pass, by a clock that stands still until it is moved.

use futures::FutureExt;

use super::*;

const START: i64 = 1_700_000_000_000;

fn gate(most: usize) -> (Gate, World) {
    let world = World::manual(START, 7);
    (Gate::new(world.clone(), most), world)
}

fn entry(lane: &str, rule: Rule) -> Entry {
    Entry {
        flow: "main/flow".to_owned(),
        lane: lane.to_owned(),
        keyed: true,
        rule,
        shared: true,
    }
}

/// A place, where one is free at once.
fn passes(gate: &Gate, entry: &Entry) -> Option<Pass> {
    gate.pass(entry).now_or_never()
}

/// Whether one passes at once that begins at once.
fn begins(gate: &Gate, world: &World, entry: &Entry) -> bool {
    let Some(mut pass) = passes(gate, entry) else {
        return false;
    };
    pass.begins(world.now_ms());
    true
}

#[tokio::test]
async fn whoever_came_first_passes_first() {
    let (gate, _) = gate(10);
    let two = entry("a", Rule::AtOnce(2));
    let first = gate.pass(&two).await;
    let second = gate.pass(&two).await;
    let mut third = Box::pin(gate.pass(&two));
    let mut leaves = Box::pin(gate.pass(&two));
    let mut fifth = Box::pin(gate.pass(&two));
    for waits in [&mut third, &mut leaves, &mut fifth] {
        assert!(waits.now_or_never().is_none());
    }
    assert!(passes(&gate, &entry("b", Rule::AtOnce(2))).is_some());
    drop(first);
    assert!(
        (&mut fifth).now_or_never().is_none(),
        "others are before it"
    );
    let third = third.await;
    drop(leaves);
    assert!(
        (&mut fifth).now_or_never().is_none(),
        "all places are taken"
    );
    drop(second);
    let fifth = fifth.await;
    assert!(passes(&gate, &two).is_none());
    drop((third, fifth));
    assert!(passes(&gate, &two).is_some());
}

#[tokio::test]
async fn a_place_comes_back_from_a_task_that_panics() {
    let (gate, _) = gate(10);
    for rule in [Rule::AtOnce(1), Rule::PerTime(1, 1_000)] {
        let one = entry(&format!("{rule:?}"), rule);
        let pass = gate.pass(&one).await;
        assert!(passes(&gate, &one).is_none());
        let task = tokio::spawn(async move {
            let _held = pass;
            panic!("on purpose");
        });
        assert!(task.await.is_err());
        assert!(passes(&gate, &one).is_some());
    }
}

#[tokio::test]
async fn so_many_begin_within_a_time() {
    let (gate, world) = gate(10);
    let rule = entry("a", Rule::PerTime(2, 1_000));
    let begins = || begins(&gate, &world, &rule);
    assert!(begins());
    world.advance(Duration::from_millis(400));
    assert!(begins());
    world.advance(Duration::from_millis(599));
    assert!(!begins());
    world.advance(Duration::from_millis(1));
    assert!(begins());
    assert!(!begins(), "the second one still counts");
    world.advance(Duration::from_millis(400));
    assert!(begins());
}

/// Between passing and beginning lies a commit, which may take long.
#[tokio::test]
async fn what_has_passed_counts_from_when_it_begins() {
    let (gate, world) = gate(10);
    let rule = entry("a", Rule::PerTime(1, 1_000));
    let mut pass = passes(&gate, &rule).unwrap();
    world.advance(Duration::from_secs(5));
    assert!(passes(&gate, &rule).is_none(), "it may begin at any time");
    pass.begins(world.now_ms());
    // A second time changes nothing.
    pass.begins(world.now_ms());
    drop(pass);
    world.advance(Duration::from_millis(999));
    assert!(passes(&gate, &rule).is_none());
    world.advance(Duration::from_millis(1));
    // What never begins does not count.
    drop(passes(&gate, &rule).expect("the time is over"));
    assert!(passes(&gate, &rule).is_some());
}

#[tokio::test]
async fn the_other_side_may_ask_for_a_pause() {
    let (gate, world) = gate(10);
    let rule = entry("a", Rule::PerTime(5, 1_000));
    let at_once = entry("b", Rule::AtOnce(5));
    let pass = passes(&gate, &rule).unwrap();
    pass.close(world.now_ms(), 0);
    assert!(passes(&gate, &rule).is_some(), "it did not ask for one");
    pass.close(world.now_ms(), 30_000);
    pass.close(world.now_ms(), 2_000);
    let held = passes(&gate, &at_once).unwrap();
    held.close(world.now_ms(), 30_000);
    assert!(
        passes(&gate, &at_once).is_some(),
        "what is underway says nothing of time"
    );
    drop(pass);
    world.advance(Duration::from_millis(29_999));
    assert!(passes(&gate, &rule).is_none());
    world.advance(Duration::from_millis(1));
    let pass = passes(&gate, &rule).expect("the pause is over");
    // It has no say over days.
    pass.close(world.now_ms(), u64::MAX);
    world.advance(Duration::from_secs(3_600));
    assert!(passes(&gate, &rule).is_some());
}

#[tokio::test]
async fn servers_share_what_is_shared() {
    let (gate, _) = gate(100);
    for (servers, limit, share) in [(1, 7, 7), (2, 7, 3), (3, 7, 2), (9, 7, 1)] {
        gate.share_with(servers);
        for rule in [Rule::AtOnce(limit), Rule::PerTime(limit, 60_000)] {
            let rule = entry(&format!("{servers} {rule:?}"), rule);
            let mut held = Vec::new();
            while let Some(pass) = passes(&gate, &rule) {
                held.push(pass);
            }
            assert_eq!(held.len(), share, "{servers} servers");
        }
    }
    let own = Entry {
        shared: false,
        ..entry("own", Rule::AtOnce(2))
    };
    let _held = gate.pass(&own).await;
    assert!(passes(&gate, &own).is_some());
}

#[tokio::test]
async fn lanes_are_bounded_and_forgotten() {
    let (gate, world) = gate(2);
    let lane = |name: &str| entry(name, Rule::AtOnce(1));
    let a = passes(&gate, &lane("a")).unwrap();
    assert!(begins(&gate, &world, &entry("b", Rule::PerTime(1, 5_000))));
    assert!(passes(&gate, &lane("c")).is_none(), "both still matter");
    world.advance(Duration::from_millis(4_999));
    assert!(passes(&gate, &lane("c")).is_none());
    world.advance(Duration::from_secs(1));
    let c = passes(&gate, &lane("c")).expect("what began in `b` is over");
    assert!(passes(&gate, &lane("d")).is_none());
    drop(a);
    world.advance(Duration::from_secs(1));
    assert!(passes(&gate, &lane("d")).is_some());
    drop(c);
    assert_eq!(gate.0.flows.lock()["main/flow"].all.len(), 2);
}

/// A flow with many keys takes no room from others, and none from what has no key.
#[tokio::test]
async fn a_flow_has_its_own_room() {
    let (gate, _) = gate(2);
    let lane = |name: &str| entry(name, Rule::AtOnce(1));
    let _all = [passes(&gate, &lane("a")), passes(&gate, &lane("b"))];
    assert!(passes(&gate, &lane("c")).is_none());
    let other = Entry {
        flow: "main/other".to_owned(),
        ..lane("c")
    };
    assert!(passes(&gate, &other).is_some());
    let plain = Entry {
        keyed: false,
        ..lane("c")
    };
    assert!(passes(&gate, &plain).is_some());
}

/// Many limits, asked at many times: no window has more than it may, and nobody waits much longer than they must.
#[test]
fn no_window_has_more_than_it_may() {
    let dice = World::manual(START, 11);
    for _ in 0..200 {
        let limit = 1 + (dice.dice() % 300) as u32;
        let per = 1 + dice.dice() % 10_000;
        let mut begun = Begun::default();
        let mut times: Vec<i64> = Vec::new();
        let mut now = START;
        for _ in 0..1_000 {
            // Some come at once, some after a while.
            if dice.dice().is_multiple_of(3) {
                now += (dice.dice() % (per / u64::from(limit) + 2)) as i64;
            }
            let at = begun.free_at(limit, per, now);
            let soonest = match times.len().checked_sub(limit as usize) {
                Some(nth) => now.max(times[nth].saturating_add_unsigned(per)),
                None => now,
            };
            let slack = per / 100 + 1;
            assert!(
                at >= soonest,
                "limit {limit} per {per}: {at} is before {soonest}"
            );
            assert!(
                at <= soonest.saturating_add_unsigned(slack),
                "limit {limit} per {per}"
            );
            now = at;
            begun.note(limit, per, now);
            times.push(now);
        }
        assert!(begun.parts.len() <= 202, "{} parts", begun.parts.len());
    }
}
