//! Keeping: does what the saving of a draft decides, with requests, timers and the storage of the browser.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use weir_flows::{document::Flow, problem::Problem};

use super::{
    desk::Desk,
    leftover::{self, Leftover, Start},
    saving::{Act, Event, Saving, Standing, Stored},
};
use crate::{
    api::{self, FlowSummary, Imported, Trouble, encode},
    clock,
    edit::{Change, What},
    kit::toast::toast,
    texts::texts,
};

/// Keeps the draft on a desk saved. What is not saved when the editor is left is still sent after it, until another editor
/// of the same flow takes over.
#[derive(Clone, Copy)]
pub(crate) struct Keeper {
    /// How it stands.
    pub(crate) standing: RwSignal<Standing>,
    /// When a server that does not answer is tried again, in milliseconds since 1970.
    pub(crate) again_at: RwSignal<Option<f64>>,
    /// What the server has, as far as it is known.
    pub(crate) stored: RwSignal<Stored>,
    /// What the server found in what it saved last.
    pub(crate) problems: RwSignal<Option<Arc<Vec<Problem>>>>,
    /// The flow as the last answer told it.
    pub(crate) summary: RwSignal<Option<FlowSummary>>,
    work: StoredValue<Work, LocalStorage>,
}

impl Keeper {
    /// Starts keeping what is on the desk.
    pub(crate) fn new(desk: Desk, start: Start) -> Self {
        let Start {
            saving,
            flow,
            first,
            recovered,
        } = start;
        let window = format!("{:x}", js_sys::Math::random().to_bits());
        NEWEST.with_borrow_mut(|newest| newest.insert(flow.id.clone(), window.clone()));
        let work = Work(Rc::new(RefCell::new(Inner {
            desk,
            keeper: None,
            saving,
            mine: flow.clone(),
            timer: None,
            window,
            kept: false,
            waiting: Vec::new(),
        })));
        let keeper = {
            let inner = work.0.borrow();
            Keeper {
                standing: RwSignal::new(inner.saving.standing(&flow)),
                again_at: RwSignal::new(None),
                stored: RwSignal::new(inner.saving.base().clone()),
                problems: RwSignal::new(None),
                summary: RwSignal::new(None),
                work: StoredValue::new_local(work.clone()),
            }
        };
        work.0.borrow_mut().keeper = Some(keeper);
        if recovered {
            toast().good(texts().save_recovered);
        }
        if let Some(first) = first {
            work.tell(first);
        }
        Effect::new(move || {
            desk.flow.track();
            keeper.tell(Event::Changed);
        });
        work.listen();
        keeper
    }

    /// Tells the saving what has happened, and does what it decides.
    pub(crate) fn tell(self, event: Event) {
        if let Some(work) = self.work.try_get_value() {
            work.tell(event);
        }
    }

    /// Saves now what is not saved yet, and tells whether that went well once it is known.
    pub(crate) fn settled(self, done: impl Fn(bool) + 'static) {
        if let Some(work) = self.work.try_get_value() {
            work.0.borrow_mut().waiting.push(Rc::new(done));
            work.tell(Event::Now);
        }
    }
}

thread_local! {
    /// The window that keeps each flow, of those in this page: an earlier one gives up.
    static NEWEST: RefCell<HashMap<String, String>> = RefCell::default();
}

/// What goes on behind a keeper, also when the editor is gone.
#[derive(Clone)]
struct Work(Rc<RefCell<Inner>>);

struct Inner {
    desk: Desk,
    keeper: Option<Keeper>,
    saving: Saving,
    /// The document as it was drawn last.
    mine: Arc<Flow>,
    timer: Option<TimeoutHandle>,
    /// Names this window among others on the same flow.
    window: String,
    /// Whether what is unsaved stands in the storage of the browser.
    kept: bool,
    waiting: Vec<Rc<dyn Fn(bool)>>,
}

impl Work {
    fn tell(&self, event: Event) {
        let acts = {
            let mut inner = self.0.borrow_mut();
            let inner = &mut *inner;
            if let Some(flow) = inner.desk.flow.try_get_untracked() {
                inner.mine = flow;
            }
            inner.saving.step(&inner.mine, event)
        };
        for act in acts {
            self.act(act);
        }
        self.show();
    }

    fn act(&self, act: Act) {
        let (desk, keeper) = {
            let inner = self.0.borrow();
            (inner.desk, inner.keeper)
        };
        // Nobody looks any more: what was sent goes on, but nothing is decided without a person. What is left stays in
        // the browser for the next visit.
        let watched = desk.flow.try_with_untracked(|_| ()).is_some();
        let work = self.clone();
        match act {
            Act::Wait(time) => self.wait(time),
            Act::Send(stored) if watched || self.is_newest() => spawn_local(async move {
                let answer = save(&stored).await;
                match answer {
                    Ok((saved, tag)) => {
                        if let Some(keeper) = keeper {
                            keeper.problems.try_set(Some(Arc::new(saved.problems)));
                            keeper.summary.try_set(Some(saved.flow));
                        }
                        work.tell(Event::Saved(tag));
                    }
                    Err(trouble) => work.tell(Event::Refused(trouble)),
                }
            }),
            Act::Read if watched => {
                let id = desk.flow.with_untracked(|flow| flow.id.clone());
                spawn_local(async move {
                    match read(&id).await {
                        Ok(stored) => work.tell(Event::Read(stored)),
                        Err(trouble) => work.tell(Event::Unread(trouble)),
                    }
                });
            }
            Act::Show(flow) if watched => {
                desk.replace(Flow::clone(&flow));
                toast().good(texts().save_theirs_shown);
            }
            Act::ShowMerged(flow) if watched => {
                desk.settle();
                desk.make_whole(|mine| Change::between(What::Merge, mine, &flow));
                desk.settle();
                toast().good(texts().save_merged);
            }
            Act::Send(_) | Act::Read | Act::Show(_) | Act::ShowMerged(_) => {}
        }
    }

    fn is_newest(&self) -> bool {
        let inner = self.0.borrow();
        NEWEST.with_borrow(|newest| newest.get(&inner.mine.id) == Some(&inner.window))
    }

    fn wait(&self, time: Duration) {
        let work = self.clone();
        let handle = set_timeout_with_handle(move || work.tell(Event::Due), time).ok();
        let mut inner = self.0.borrow_mut();
        if let Some(earlier) = std::mem::replace(&mut inner.timer, handle) {
            earlier.clear();
        }
        if let Some(keeper) = inner.keeper {
            let at = clock::now() + time.as_millis() as f64;
            keeper.again_at.try_set(Some(at));
        }
    }

    /// Brings the signals and the storage in line with how it stands.
    fn show(&self) {
        let (standing, base, waiting, keeper) = {
            let mut inner = self.0.borrow_mut();
            let inner = &mut *inner;
            let standing = inner.saving.standing(&inner.mine);
            let base = inner.saving.base().clone();
            if standing == Standing::Saved {
                if std::mem::take(&mut inner.kept) {
                    leftover::forget(&inner.mine.id, &inner.window);
                }
            } else {
                inner.kept = leftover::keep(&Leftover {
                    window: inner.window.clone(),
                    tag: base.tag.clone(),
                    base: base.flow.clone(),
                    mine: inner.mine.clone(),
                });
            }
            let waiting = match standing {
                Standing::Saving => Vec::new(),
                _ => std::mem::take(&mut inner.waiting),
            };
            (standing, base, waiting, inner.keeper)
        };
        for done in waiting {
            done(standing == Standing::Saved);
        }
        if let Some(keeper) = keeper {
            set_changed(keeper.standing, standing);
            set_changed(keeper.stored, base);
        }
    }

    /// Hears of the network, and of a person who leaves.
    fn listen(&self) {
        let work = self.clone();
        let online = window_event_listener(leptos::ev::online, move |_| work.tell(Event::Now));
        let work = self.clone();
        let leaving = window_event_listener(leptos::ev::beforeunload, move |event| {
            let inner = work.0.borrow();
            let saved = inner.saving.standing(&inner.mine) == Standing::Saved;
            if !saved && !inner.kept {
                event.prevent_default();
            }
        });
        let work = StoredValue::new_local(self.clone());
        on_cleanup(move || {
            online.remove();
            leaving.remove();
            // What waits for its pause is sent now.
            if let Some(work) = work.try_get_value() {
                work.tell(Event::Now);
            }
        });
    }
}

/// Reads the draft of a flow with its tag.
pub(crate) async fn read(id: &str) -> Result<Stored, Trouble> {
    let (text, tag) = api::get_tagged(&format!("/flows/{}", encode(id))).await?;
    let flow = serde_json::from_str(&text).map_err(|error| Trouble {
        status: 200,
        detail: error.to_string(),
        ..Trouble::default()
    })?;
    Ok(Stored {
        flow: Arc::new(flow),
        tag,
    })
}

async fn save(stored: &Stored) -> Result<(Imported, String), Trouble> {
    let path = format!("/flows/{}?unfinished=true", encode(&stored.flow.id));
    api::send_for("PUT", &path, &*stored.flow, &stored.tag).await
}

fn set_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|current| *current != value) == Some(true) {
        signal.set(value);
    }
}
