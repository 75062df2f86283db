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
mod tests;
