//! The last document always reaches the server, or the person is told.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn flow(title: &str, description: &str) -> Arc<Flow> {
    let document =
        json!({ "format": "weir/flow@1", "id": "f", "title": title, "description": description });
    Arc::new(serde_json::from_value(document).unwrap())
}

fn stored(title: &str, tag: &str) -> Stored {
    Stored {
        flow: flow(title, ""),
        tag: tag.to_owned(),
    }
}

fn trouble(status: u16) -> Trouble {
    Trouble {
        status,
        ..Trouble::default()
    }
}

#[test]
fn a_change_is_sent_after_a_pause_and_what_comes_meanwhile_after_it() {
    let mut saving = Saving::new(stored("0", "a"));
    let (one, two) = (flow("1", ""), flow("2", ""));
    assert_eq!(saving.step(&one, Event::Changed), [Act::Wait(PAUSE)]);
    assert_eq!(saving.standing(&one), Standing::Saving);
    assert_eq!(saving.step(&one, Event::Due), [Act::Send(stored("1", "a"))]);
    assert_eq!(saving.step(&two, Event::Changed), []);
    assert_eq!(
        saving.step(&two, Event::Saved("b".into())),
        [Act::Send(stored("2", "b"))]
    );
    assert_eq!(saving.step(&two, Event::Saved("c".into())), []);
    assert_eq!(saving.standing(&two), Standing::Saved);
    assert_eq!(saving.base().tag, "c");
}

#[test]
fn what_is_undone_before_it_was_sent_is_not_sent() {
    let base = stored("0", "a");
    let mut saving = Saving::new(base.clone());
    saving.step(&flow("1", ""), Event::Changed);
    assert_eq!(saving.step(&base.flow, Event::Due), []);
    assert_eq!(saving.standing(&base.flow), Standing::Saved);
}

#[test]
fn a_server_that_is_gone_is_tried_again_ever_more_slowly_and_at_once_when_asked() {
    let mut saving = Saving::new(stored("0", "a"));
    let mine = flow("1", "");
    saving.step(&mine, Event::Now);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let acts = saving.step(&mine, Event::Refused(trouble(0)));
        let [Act::Wait(wait)] = acts[..] else {
            panic!("{acts:?}")
        };
        assert_eq!(saving.standing(&mine), Standing::Lost(wait));
        waits.push(wait.as_secs());
        assert_eq!(
            saving.step(&mine, Event::Due),
            [Act::Send(stored("1", "a"))]
        );
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    saving.step(&mine, Event::Refused(trouble(503)));
    assert_eq!(
        saving.step(&mine, Event::Now),
        [Act::Send(stored("1", "a"))]
    );
    saving.step(&mine, Event::Saved("b".into()));
    assert_eq!(saving.standing(&mine), Standing::Saved);
}

#[test]
fn what_was_saved_though_the_answer_was_lost_is_no_conflict() {
    let mut saving = Saving::new(stored("0", "a"));
    let (one, two) = (flow("1", ""), flow("2", ""));
    saving.step(&one, Event::Now);
    saving.step(&one, Event::Refused(trouble(0)));
    saving.step(&two, Event::Changed);
    saving.step(&two, Event::Due);
    assert_eq!(saving.step(&two, Event::Refused(trouble(412))), [Act::Read]);
    assert_eq!(
        saving.step(&two, Event::Read(stored("1", "b"))),
        [Act::Send(stored("2", "b"))]
    );
}

#[test]
fn a_window_without_changes_takes_the_news() {
    let base = stored("0", "a");
    let mut saving = Saving::new(base.clone());
    assert_eq!(saving.step(&base.flow, Event::News(Some("a".into()))), []);
    assert_eq!(
        saving.step(&base.flow, Event::News(Some("b".into()))),
        [Act::Read]
    );
    assert_eq!(
        saving.step(&base.flow, Event::Read(stored("1", "b"))),
        [Act::Show(flow("1", ""))]
    );
    assert_eq!(saving.standing(&flow("1", "")), Standing::Saved);
}

#[test]
fn different_parts_are_put_together_and_the_same_part_is_asked_about() {
    let mut saving = Saving::new(stored("0", "a"));
    let mine = flow("mine", "");
    saving.step(&mine, Event::Now);
    saving.step(&mine, Event::Refused(trouble(412)));
    let theirs = Stored {
        flow: flow("0", "theirs"),
        tag: "b".into(),
    };
    let merged = flow("mine", "theirs");
    let sent = Stored {
        flow: merged.clone(),
        tag: "b".into(),
    };
    assert_eq!(
        saving.step(&mine, Event::Read(theirs)),
        [Act::ShowMerged(merged.clone()), Act::Send(sent)]
    );
    saving.step(&merged, Event::Refused(trouble(412)));
    let theirs = Stored {
        flow: flow("theirs", "theirs"),
        tag: "c".into(),
    };
    assert_eq!(saving.step(&merged, Event::Read(theirs.clone())), []);
    assert_eq!(saving.standing(&merged), Standing::Torn(theirs.clone()));
    // Nothing happens by itself then, whatever is drawn.
    let more = flow("more", "theirs");
    for event in [Event::Changed, Event::Due, Event::Now] {
        assert_eq!(saving.step(&more, event), []);
    }
    assert_eq!(
        saving.step(&more, Event::KeepMine),
        [Act::Send(Stored {
            flow: more.clone(),
            tag: "c".into()
        })]
    );
}

#[test]
fn a_person_may_take_what_somebody_else_saved() {
    let mut saving = Saving::new(stored("0", "a"));
    let mine = flow("mine", "");
    saving.step(&mine, Event::Now);
    saving.step(&mine, Event::Refused(trouble(412)));
    saving.step(&mine, Event::Read(stored("theirs", "b")));
    assert_eq!(
        saving.step(&mine, Event::TakeTheirs),
        [Act::Show(flow("theirs", ""))]
    );
    assert_eq!(saving.standing(&flow("theirs", "")), Standing::Saved);
}

#[test]
fn a_refusal_waits_for_another_document() {
    let mut saving = Saving::new(stored("0", "a"));
    let mine = flow("1", "");
    saving.step(&mine, Event::Now);
    assert_eq!(saving.step(&mine, Event::Refused(trouble(413))), []);
    assert_eq!(saving.standing(&mine), Standing::Stuck(trouble(413)));
    assert_eq!(saving.step(&mine, Event::Changed), []);
    let other = flow("2", "");
    assert_eq!(saving.step(&other, Event::Changed), [Act::Wait(PAUSE)]);
}

#[test]
fn what_was_left_of_an_earlier_visit_is_put_together_with_what_came_since() {
    let mut saving = Saving::of_earlier(stored("0", "a"));
    let theirs = Stored {
        flow: flow("0", "since"),
        tag: "d".into(),
    };
    let acts = saving.step(&flow("left", ""), Event::Read(theirs));
    assert_eq!(acts[0], Act::ShowMerged(flow("left", "since")));
}

/// What the world does next.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A person writes another title.
    Draw,
    /// Time passes.
    Wait,
    /// Ctrl+S, or the network is back.
    Now,
    /// The server answers what is underway.
    Answer,
    /// The request does not reach the server.
    LoseRequest,
    /// The server does it, but its answer is lost.
    LoseAnswer,
    /// Somebody else writes another description.
    Elsewhere,
    /// Somebody else writes another title.
    Against,
    /// The stream tells of the newest revision.
    News,
}

/// A server, a person and the network between them.
struct World {
    saving: Saving,
    mine: Arc<Flow>,
    server: Arc<Flow>,
    revision: u64,
    underway: Option<Act>,
    waits: bool,
    count: u32,
}

impl World {
    fn new() -> Self {
        let base = stored("0", "1");
        World {
            saving: Saving::new(base.clone()),
            mine: base.flow.clone(),
            server: base.flow,
            revision: 1,
            underway: None,
            waits: false,
            count: 0,
        }
    }

    fn tell(&mut self, event: Event) {
        for act in self.saving.step(&self.mine, event) {
            match act {
                Act::Wait(_) => self.waits = true,
                Act::Show(flow) | Act::ShowMerged(flow) => self.mine = flow,
                Act::Send(_) | Act::Read => {
                    assert!(self.underway.is_none(), "two requests at once");
                    self.underway = Some(act);
                }
            }
        }
    }

    /// The server does what it is asked, and this is what it says.
    fn served(&mut self, act: Act) -> Event {
        match act {
            Act::Send(sent) if sent.tag == self.revision.to_string() => {
                self.server = sent.flow;
                self.revision += 1;
                Event::Saved(self.revision.to_string())
            }
            Act::Send(_) => Event::Refused(trouble(412)),
            _ => Event::Read(Stored {
                flow: self.server.clone(),
                tag: self.revision.to_string(),
            }),
        }
    }

    fn silence(act: &Act) -> Event {
        if *act == Act::Read {
            Event::Unread(trouble(0))
        } else {
            Event::Refused(trouble(0))
        }
    }

    fn turn(&mut self, turn: Turn) {
        self.count += 1;
        let word = self.count.to_string();
        match turn {
            Turn::Draw => {
                self.mine = flow(&word, &self.mine.description);
                self.tell(Event::Changed);
            }
            Turn::Wait => {
                if std::mem::take(&mut self.waits) {
                    self.tell(Event::Due);
                }
            }
            Turn::Now => self.tell(Event::Now),
            Turn::News => self.tell(Event::News(Some(self.revision.to_string()))),
            Turn::Answer => {
                if let Some(act) = self.underway.take() {
                    let answer = self.served(act);
                    self.tell(answer);
                }
            }
            Turn::LoseRequest => {
                if let Some(act) = self.underway.take() {
                    self.tell(Self::silence(&act));
                }
            }
            Turn::LoseAnswer => {
                if let Some(act) = self.underway.take() {
                    self.served(act.clone());
                    self.tell(Self::silence(&act));
                }
            }
            Turn::Elsewhere => {
                self.server = flow(&self.server.title, &word);
                self.revision += 1;
            }
            Turn::Against => {
                self.server = flow(&word, &self.server.description);
                self.revision += 1;
            }
        }
    }

    /// Nobody does anything more, and the network works.
    fn calm(&mut self) {
        for _ in 0..10 {
            self.turn(Turn::Answer);
            self.turn(Turn::Wait);
        }
        self.turn(Turn::News);
        for _ in 0..10 {
            self.turn(Turn::Answer);
            self.turn(Turn::Wait);
        }
        assert!(self.underway.is_none());
    }
}

fn turns(against: bool) -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        3 => Just(Turn::Draw),
        3 => Just(Turn::Wait),
        1 => Just(Turn::Now),
        4 => Just(Turn::Answer),
        2 => Just(Turn::LoseRequest),
        2 => Just(Turn::LoseAnswer),
        1 => Just(Turn::Elsewhere),
        1 => Just(if against { Turn::Against } else { Turn::Draw }),
        1 => Just(Turn::News),
    ];
    prop::collection::vec(turn, 0..60)
}

proptest! {
    #[test]
    fn the_last_document_reaches_the_server_whatever_is_lost(turns in turns(false)) {
        let mut world = World::new();
        let mut title = "0".to_owned();
        for turn in turns {
            world.turn(turn);
            if matches!(turn, Turn::Draw) {
                title.clone_from(&world.mine.title);
            }
            prop_assert_eq!(&world.mine.title, &title, "what was drawn is on the desk");
        }
        world.calm();
        prop_assert_eq!(world.saving.standing(&world.mine), Standing::Saved);
        prop_assert_eq!(&world.server, &world.mine);
        prop_assert_eq!(&world.server.title, &title);
    }

    #[test]
    fn a_person_is_asked_before_anything_is_given_up(turns in turns(true)) {
        let mut world = World::new();
        let mut drawn = None;
        for turn in turns {
            world.turn(turn);
            match turn {
                Turn::Draw => drawn = Some(world.mine.title.clone()),
                _ if drawn.as_ref() != Some(&world.mine.title) => {
                    // Somebody else's title came in: nothing that was drawn here was unsaved.
                    prop_assert_eq!(world.saving.standing(&world.mine), Standing::Saved);
                    drawn = None;
                }
                _ => {}
            }
        }
        world.calm();
        match world.saving.standing(&world.mine) {
            Standing::Saved => prop_assert_eq!(&world.server, &world.mine),
            Standing::Torn(theirs) => prop_assert_eq!(&theirs.flow, &world.server),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
