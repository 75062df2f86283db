//! Which question goes to the lab next: one at a time, and none that a newer one has taken the place of.

use std::collections::VecDeque;

/// The questions that wait, and the one that is being answered. `W` is who waits for the answer.
pub(super) struct Queue<W> {
    waiting: VecDeque<Waiting<W>>,
    underway: Option<Underway<W>>,
    /// The number of the last question that was sent.
    number: u64,
}

struct Waiting<W> {
    key: String,
    text: String,
    waiter: W,
}

struct Underway<W> {
    key: String,
    /// Absent once a newer question of its key has come: nobody waits for the answer, but the lab is at work on it.
    waiter: Option<W>,
}

impl<W> Queue<W> {
    pub(super) fn new() -> Self {
        Queue {
            waiting: VecDeque::new(),
            underway: None,
            number: 0,
        }
    }

    /// Adds a question. Gives back who waited for one of the same key that was not answered yet; the new one gets its
    /// place in the queue.
    pub(super) fn push(&mut self, key: &str, text: String, waiter: W) -> Vec<W> {
        let mut overtaken = Vec::new();
        if let Some(underway) = self.underway.as_mut().filter(|one| one.key == key) {
            overtaken.extend(underway.waiter.take());
        }
        match self.waiting.iter_mut().find(|one| one.key == key) {
            Some(older) => {
                older.text = text;
                overtaken.push(std::mem::replace(&mut older.waiter, waiter));
            }
            None => self.waiting.push_back(Waiting {
                key: key.to_owned(),
                text,
                waiter,
            }),
        }
        overtaken
    }

    /// The question to send now, with its number; none while one is being answered.
    pub(super) fn next(&mut self) -> Option<(u64, String)> {
        if self.underway.is_some() {
            return None;
        }
        let Waiting { key, text, waiter } = self.waiting.pop_front()?;
        self.underway = Some(Underway {
            key,
            waiter: Some(waiter),
        });
        self.number += 1;
        Some((self.number, text))
    }

    /// Ends the question with this number, and gives back who waits for its answer, if someone does.
    pub(super) fn answered(&mut self, number: u64) -> Option<W> {
        if !self.is_underway(number) {
            return None;
        }
        self.underway.take()?.waiter
    }

    /// Whether the lab is at work on the question with this number.
    pub(super) fn is_underway(&self, number: u64) -> bool {
        self.underway.is_some() && self.number == number
    }

    /// Ends all questions, and gives back who waited.
    pub(super) fn clear(&mut self) -> Vec<W> {
        let underway = self.underway.take().and_then(|one| one.waiter);
        let waiting = self.waiting.drain(..).map(|one| one.waiter);
        underway.into_iter().chain(waiting).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue with these questions: the key, and the text that is also who waits.
    fn queue(questions: &[(&str, &'static str)]) -> Queue<&'static str> {
        let mut queue = Queue::new();
        for &(key, text) in questions {
            assert!(queue.push(key, text.to_owned(), text).is_empty());
        }
        queue
    }

    #[test]
    fn questions_go_out_one_at_a_time_in_their_order() {
        let mut queue = queue(&[("a", "first"), ("b", "second")]);
        assert_eq!(queue.next(), Some((1, "first".to_owned())));
        assert_eq!(queue.next(), None);
        assert_eq!(queue.answered(1), Some("first"));
        assert_eq!(queue.answered(1), None);
        assert_eq!(queue.next(), Some((2, "second".to_owned())));
        assert_eq!(queue.answered(1), None, "an answer that comes twice");
        assert!(queue.is_underway(2));
    }

    #[test]
    fn a_newer_question_of_the_same_key_takes_the_place_of_one_that_waits() {
        let mut queue = queue(&[("x", "underway"), ("a", "old"), ("b", "other")]);
        queue.next();
        assert_eq!(queue.push("a", "new".to_owned(), "new"), ["old"]);
        queue.answered(1);
        assert_eq!(queue.next(), Some((2, "new".to_owned())));
        queue.answered(2);
        assert_eq!(queue.next(), Some((3, "other".to_owned())));
    }

    #[test]
    fn the_answer_to_an_overtaken_question_reaches_nobody() {
        let mut queue = queue(&[("a", "old")]);
        queue.next();
        assert_eq!(queue.push("a", "new".to_owned(), "new"), ["old"]);
        assert_eq!(queue.next(), None, "the lab is still at work");
        assert_eq!(queue.answered(1), None);
        assert_eq!(queue.next(), Some((2, "new".to_owned())));
        assert_eq!(queue.answered(2), Some("new"));
    }

    #[test]
    fn all_who_wait_are_told_when_the_lab_stops() {
        let mut queue = queue(&[("a", "underway"), ("b", "waiting")]);
        queue.next();
        assert_eq!(queue.clear(), ["underway", "waiting"]);
        assert_eq!(queue.answered(1), None);
        assert_eq!(queue.next(), None);
    }
}
