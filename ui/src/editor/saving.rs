//! Saving: when the draft is sent, sent again, read anew, put together with what somebody else did, or left to a person.
//!
//! A pure machine. It is told what happened and says what to do; it holds what the server is known to have. One request
//! is underway at most, what changes meanwhile is sent next, and nothing of what a person drew is given up by itself.

use std::{sync::Arc, time::Duration};

use weir_flows::document::Flow;

use crate::{
    api::Trouble,
    edit::{base_with, merge},
};

/// How long a change waits for the next one before it is sent.
const PAUSE: Duration = Duration::from_millis(600);
/// The longest time between two tries where the server does not answer.
const LONGEST: Duration = Duration::from_secs(30);

/// A document with the tag that the server gives its revision.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) flow: Arc<Flow>,
    pub(crate) tag: String,
}

/// What has happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The document may have changed.
    Changed,
    /// The time that was asked for is over.
    Due,
    /// A person wants it saved now, or the network is back.
    Now,
    /// The server took what was sent; this is its new tag.
    Saved(String),
    /// The server did not take what was sent.
    Refused(Trouble),
    /// What the server has.
    Read(Stored),
    /// It could not be read.
    Unread(Trouble),
    /// Somebody has saved the draft, under this tag where it is known.
    News(Option<String>),
    /// A person lets go of what was drawn here for what somebody else has saved.
    TakeTheirs,
    /// A person puts what was drawn here over what somebody else has saved.
    KeepMine,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// Tell that it is due after this time, instead of what was asked for before.
    Wait(Duration),
    /// Send the document for the revision of this tag.
    Send(Stored),
    /// Read what the server has.
    Read,
    /// Put this document on the desk: somebody else's, as nothing was unsaved here.
    Show(Arc<Flow>),
    /// Put this document on the desk: what was drawn here, with what somebody else did elsewhere in it.
    ShowMerged(Arc<Flow>),
}

/// How it stands, for a person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Standing {
    /// The server has everything.
    Saved,
    /// It will have in a moment.
    Saving,
    /// The server does not answer. It is tried again after this time.
    Lost(Duration),
    /// The server does not take it, and says why.
    Stuck(Trouble),
    /// Somebody else has changed the same parts.
    Torn(Stored),
}

/// The saving of one draft.
#[derive(Debug)]
pub(crate) struct Saving {
    base: Stored,
    doing: Doing,
    /// What was sent and not answered: the server may have taken it.
    unsure: Vec<Arc<Flow>>,
    /// The tag that somebody told while a request was underway.
    heard: Option<String>,
    /// How often in a row the server did not answer.
    tries: u32,
}

#[derive(Debug)]
enum Doing {
    /// Nothing; the document is the server's.
    Rest,
    /// A change waits for the next one.
    Pause,
    Sending(Arc<Flow>),
    Reading,
    /// The server did not answer.
    Lost {
        reading: bool,
    },
    /// The server refused this document.
    Stuck {
        refused: Arc<Flow>,
        trouble: Trouble,
    },
    /// Only a person can tell what becomes of it.
    Torn(Stored),
}

impl Saving {
    /// The saving of a draft as it was read.
    pub(crate) fn new(base: Stored) -> Self {
        Saving {
            base,
            doing: Doing::Rest,
            unsure: Vec::new(),
            heard: None,
            tries: 0,
        }
    }

    /// The saving of a draft that was drawn on an earlier revision; what the server has now is told next.
    pub(crate) fn of_earlier(base: Stored) -> Self {
        Saving {
            doing: Doing::Reading,
            ..Saving::new(base)
        }
    }

    /// What the server is known to have.
    pub(crate) fn base(&self) -> &Stored {
        &self.base
    }

    /// How it stands. `mine` is the document as it is drawn.
    pub(crate) fn standing(&self, mine: &Arc<Flow>) -> Standing {
        match &self.doing {
            Doing::Torn(theirs) => Standing::Torn(theirs.clone()),
            Doing::Stuck { trouble, .. } => Standing::Stuck(trouble.clone()),
            _ if same(mine, &self.base.flow) && self.unsure.is_empty() => Standing::Saved,
            Doing::Lost { .. } => Standing::Lost(delay(self.tries)),
            Doing::Rest | Doing::Pause | Doing::Sending(_) | Doing::Reading => Standing::Saving,
        }
    }

    /// Takes in what has happened. `mine` is the document as it is drawn now.
    pub(crate) fn step(&mut self, mine: &Arc<Flow>, event: Event) -> Vec<Act> {
        match event {
            Event::Changed => self.changed(mine),
            Event::Due => match self.doing {
                Doing::Pause => self.send(mine),
                Doing::Lost { reading: true } => self.read(),
                Doing::Lost { .. } => self.send(mine),
                _ => Vec::new(),
            },
            Event::Now => match self.doing {
                Doing::Rest | Doing::Pause | Doing::Stuck { .. } => self.send(mine),
                Doing::Lost { reading: true } => self.read(),
                Doing::Lost { .. } => self.send(mine),
                Doing::Sending(_) | Doing::Reading | Doing::Torn(_) => Vec::new(),
            },
            Event::Saved(tag) => self.saved(mine, tag),
            Event::Refused(trouble) => self.refused(trouble),
            Event::Read(theirs) => self.was_read(mine, theirs),
            Event::Unread(trouble) => self.unread(mine, trouble),
            Event::News(tag) => self.news(tag),
            Event::TakeTheirs => match std::mem::replace(&mut self.doing, Doing::Rest) {
                Doing::Torn(theirs) => {
                    self.know(theirs);
                    vec![Act::Show(self.base.flow.clone())]
                }
                other => self.stay(other),
            },
            Event::KeepMine => match std::mem::replace(&mut self.doing, Doing::Rest) {
                Doing::Torn(theirs) => {
                    self.know(theirs);
                    self.send(mine)
                }
                other => self.stay(other),
            },
        }
    }

    fn stay(&mut self, doing: Doing) -> Vec<Act> {
        self.doing = doing;
        Vec::new()
    }

    fn changed(&mut self, mine: &Arc<Flow>) -> Vec<Act> {
        let differs = !same(mine, &self.base.flow);
        match &self.doing {
            Doing::Rest if differs => {}
            Doing::Pause => {}
            Doing::Stuck { refused, .. } if !same(mine, refused) => {}
            _ => return Vec::new(),
        }
        self.doing = Doing::Pause;
        vec![Act::Wait(PAUSE)]
    }

    /// Sends the document, unless the server has it.
    fn send(&mut self, mine: &Arc<Flow>) -> Vec<Act> {
        if same(mine, &self.base.flow) && self.unsure.is_empty() {
            self.doing = Doing::Rest;
            return self.listen();
        }
        self.doing = Doing::Sending(mine.clone());
        vec![Act::Send(Stored {
            flow: mine.clone(),
            tag: self.base.tag.clone(),
        })]
    }

    fn read(&mut self) -> Vec<Act> {
        self.heard = None;
        self.doing = Doing::Reading;
        vec![Act::Read]
    }

    fn saved(&mut self, mine: &Arc<Flow>, tag: String) -> Vec<Act> {
        match std::mem::replace(&mut self.doing, Doing::Rest) {
            Doing::Sending(flow) => {
                self.know(Stored { flow, tag });
                self.send(mine)
            }
            other => self.stay(other),
        }
    }

    fn refused(&mut self, trouble: Trouble) -> Vec<Act> {
        match std::mem::replace(&mut self.doing, Doing::Rest) {
            Doing::Sending(_) if trouble.status == 412 => self.read(),
            Doing::Sending(sent) if may_pass(&trouble) => {
                self.unsure.push(sent);
                self.wait_again(false)
            }
            Doing::Sending(refused) => {
                self.doing = Doing::Stuck { refused, trouble };
                Vec::new()
            }
            other => self.stay(other),
        }
    }

    fn was_read(&mut self, mine: &Arc<Flow>, theirs: Stored) -> Vec<Act> {
        match std::mem::replace(&mut self.doing, Doing::Rest) {
            Doing::Reading => {}
            other => return self.stay(other),
        }
        if self.heard.take().is_some_and(|tag| tag != theirs.tag) {
            return self.read();
        }
        let own = self.unsure.iter().any(|sent| same(sent, &theirs.flow));
        if own || theirs.tag == self.base.tag {
            // It is what was sent from here, or nothing new.
            self.know(theirs);
            return self.send(mine);
        }
        if same(mine, &theirs.flow) || same(mine, &self.base.flow) {
            let news = !same(mine, &theirs.flow);
            self.know(theirs);
            let shown = self.base.flow.clone();
            return if news {
                vec![Act::Show(shown)]
            } else {
                Vec::new()
            };
        }
        let base = self
            .unsure
            .iter()
            .fold(self.base.flow.clone(), |base, sent| {
                Arc::new(base_with(&base, sent, &theirs.flow))
            });
        match merge(&base, mine, &theirs.flow) {
            Some(merged) => {
                let merged = Arc::new(merged);
                self.know(theirs);
                let mut acts = vec![Act::ShowMerged(merged.clone())];
                acts.extend(self.send(&merged));
                acts
            }
            None => {
                self.doing = Doing::Torn(theirs);
                Vec::new()
            }
        }
    }

    fn unread(&mut self, mine: &Arc<Flow>, trouble: Trouble) -> Vec<Act> {
        match std::mem::replace(&mut self.doing, Doing::Rest) {
            Doing::Reading if may_pass(&trouble) => self.wait_again(true),
            Doing::Reading => {
                self.doing = Doing::Stuck {
                    refused: mine.clone(),
                    trouble,
                };
                Vec::new()
            }
            other => self.stay(other),
        }
    }

    fn news(&mut self, tag: Option<String>) -> Vec<Act> {
        if tag.as_ref() == Some(&self.base.tag) {
            return Vec::new();
        }
        match &self.doing {
            Doing::Rest | Doing::Stuck { .. } => self.read(),
            Doing::Torn(theirs) if tag.as_ref() != Some(&theirs.tag) => self.read(),
            Doing::Sending(_) | Doing::Reading => {
                self.heard = tag;
                Vec::new()
            }
            // The server says by its answer to the next request that there is something newer.
            Doing::Pause | Doing::Lost { .. } | Doing::Torn(_) => Vec::new(),
        }
    }

    /// After a request has ended well: reads anew where somebody told of another revision meanwhile.
    fn listen(&mut self) -> Vec<Act> {
        match self.heard.take() {
            Some(tag) if tag != self.base.tag => self.read(),
            _ => Vec::new(),
        }
    }

    fn wait_again(&mut self, reading: bool) -> Vec<Act> {
        self.doing = Doing::Lost { reading };
        self.tries += 1;
        vec![Act::Wait(delay(self.tries))]
    }

    /// From now on this is what the server has.
    fn know(&mut self, base: Stored) {
        self.base = base;
        self.unsure.clear();
        self.tries = 0;
        self.doing = Doing::Rest;
    }
}

/// Whether it may go well later without anybody doing anything.
fn may_pass(trouble: &Trouble) -> bool {
    trouble.is_offline() || trouble.status >= 500 || matches!(trouble.status, 408 | 429)
}

/// How long the next try waits after this many that failed.
fn delay(tries: u32) -> Duration {
    Duration::from_secs(1 << tries.saturating_sub(1).min(5)).min(LONGEST)
}

fn same(one: &Arc<Flow>, other: &Arc<Flow>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn flow(title: &str, description: &str) -> Arc<Flow> {
        let document = json!({ "format": "weir/flow@1", "id": "f", "title": title, "description": description });
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
}
