//! What has begun of late: decides when the next may begin, so that within no window of a length more begin than may.
//!
//! The times of a large limit are kept in parts, each counted as if all of it had begun at its end: that is late by a
//! hundredth of the window at most, and never early.

use std::collections::VecDeque;

/// How many parts a window has whose limit is larger than this.
const PARTS: u32 = 100;

/// What has begun of late.
#[derive(Debug, Default)]
pub(super) struct Begun {
    pub(super) parts: VecDeque<Part>,
    /// The longest window that was asked for, in milliseconds.
    longest: u64,
}

/// What began about the same time.
#[derive(Debug)]
pub(super) struct Part {
    first: i64,
    last: i64,
    count: u32,
}

impl Begun {
    /// When the next may begin if within `per` milliseconds no more than `limit` may: now, or later.
    pub(super) fn free_at(&mut self, limit: u32, per: u64, now: i64) -> i64 {
        self.longest = self.longest.max(per);
        self.forget(now);
        let counts = self.parts.iter().map(|part| u64::from(part.count));
        let mut left: u64 = counts.sum();
        for part in &self.parts {
            let over = part.last.saturating_add_unsigned(per);
            if over > now && left >= u64::from(limit) {
                left -= u64::from(part.count);
                if left < u64::from(limit) {
                    return over;
                }
            } else if over <= now {
                left -= u64::from(part.count);
            }
        }
        now
    }

    /// One begins now.
    pub(super) fn note(&mut self, limit: u32, per: u64, now: i64) {
        let width = match limit > PARTS {
            true => per / u64::from(PARTS),
            false => 0,
        };
        match self.parts.back_mut() {
            Some(part) if part.first.saturating_add_unsigned(width) >= now => {
                part.last = part.last.max(now);
                part.count = part.count.saturating_add(1);
            }
            _ => self.parts.push_back(Part {
                first: now,
                last: now,
                count: 1,
            }),
        }
    }

    /// Whether nothing of it matters any more.
    pub(super) fn is_over(&self, now: i64) -> bool {
        let last = self.parts.back();
        last.is_none_or(|part| part.last.saturating_add_unsigned(self.longest) <= now)
    }

    fn forget(&mut self, now: i64) {
        let over = |part: &Part| part.last.saturating_add_unsigned(self.longest) <= now;
        let over = self.parts.iter().take_while(|part| over(part)).count();
        self.parts.drain(..over);
        // A clock that was set back must not keep others waiting for as long.
        for part in self.parts.iter_mut().rev() {
            if part.last <= now {
                break;
            }
            part.first = part.first.min(now);
            part.last = now;
        }
    }
}
