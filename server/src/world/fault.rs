//! Named points on the way of a message at which a test lets the process end, as if its machine had failed there.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A point at which a process may be made to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The first turn of a message is folded, and nothing of it is on disk.
    MessageDecided,
    /// A message is on disk, and nobody knows.
    MessageCommitted,
    /// The caller of a trigger is about to be answered.
    MessageAnswered,
    /// A further turn is folded, and nothing of it is on disk.
    TurnDecided,
    /// A turn is on disk, and what it commands has not begun.
    TurnCommitted,
    /// An attempt is about to leave the process.
    AttemptBegun,
    /// An attempt has its answer, which is in memory only.
    AttemptEnded,
    /// A transaction has begun.
    TransactionBegun,
    /// All rows of a transaction are written, and it is not committed.
    TransactionWritten,
    /// A transaction is committed, and nobody was answered.
    TransactionCommitted,
    /// Runs that nobody had are this server's, and it drives none of them.
    RunsClaimed,
    /// A run is restored from its journal.
    RunRestored,
    /// A run was let go, since it waits for long.
    RunParked,
    /// An instant of a schedule has come.
    ScheduleDue,
    /// What a poll found is in memory only.
    PollAnswered,
    /// What a poll found is on disk with its cursor, and none of its runs is driven.
    PollCommitted,
    /// The lease of another server was taken away.
    LeaseTaken,
}

impl Point {
    /// All of them.
    pub const ALL: [Point; 17] = [
        Point::MessageDecided,
        Point::MessageCommitted,
        Point::MessageAnswered,
        Point::TurnDecided,
        Point::TurnCommitted,
        Point::AttemptBegun,
        Point::AttemptEnded,
        Point::TransactionBegun,
        Point::TransactionWritten,
        Point::TransactionCommitted,
        Point::RunsClaimed,
        Point::RunRestored,
        Point::RunParked,
        Point::ScheduleDue,
        Point::PollAnswered,
        Point::PollCommitted,
        Point::LeaseTaken,
    ];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Point::MessageDecided => "message.decided",
            Point::MessageCommitted => "message.committed",
            Point::MessageAnswered => "message.answered",
            Point::TurnDecided => "turn.decided",
            Point::TurnCommitted => "turn.committed",
            Point::AttemptBegun => "attempt.begun",
            Point::AttemptEnded => "attempt.ended",
            Point::TransactionBegun => "transaction.begun",
            Point::TransactionWritten => "transaction.written",
            Point::TransactionCommitted => "transaction.committed",
            Point::RunsClaimed => "runs.claimed",
            Point::RunRestored => "run.restored",
            Point::RunParked => "run.parked",
            Point::ScheduleDue => "schedule.due",
            Point::PollAnswered => "poll.answered",
            Point::PollCommitted => "poll.committed",
            Point::LeaseTaken => "lease.taken",
        }
    }
}

/// Where the process ends; nowhere, unless a test says otherwise. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Faults(Option<Arc<Fault>>);

#[derive(Debug)]
struct Fault {
    point: Point,
    /// How often the point is passed until the process ends there.
    left: AtomicU64,
}

impl Faults {
    /// Ends the process here, where a test wants that: at once, with nothing tidied up.
    pub fn pass(&self, point: Point) {
        if let Some(fault) = &self.0
            && fault.point == point
            && fault.left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}

/// A text that names no point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadPoint(String);

impl fmt::Display for BadPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Point::ALL.map(Point::word).join(", ");
        write!(
            f,
            "`{}` is not a point and a count, such as turn.decided:3; the points are {known}",
            self.0
        )
    }
}

/// From `point:count`: the process ends when it passes the point for the count's time.
impl FromStr for Faults {
    type Err = BadPoint;

    fn from_str(text: &str) -> Result<Self, BadPoint> {
        let bad = || BadPoint(text.to_owned());
        let (word, count) = text.split_once(':').ok_or_else(bad)?;
        let point = Point::ALL.into_iter().find(|point| point.word() == word);
        let count = count.parse().ok().filter(|count| *count > 0);
        Ok(Faults(Some(Arc::new(Fault {
            point: point.ok_or_else(bad)?,
            left: AtomicU64::new(count.ok_or_else(bad)?),
        }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_by_their_names() {
        for point in Point::ALL {
            let faults: Faults = format!("{}:2", point.word()).parse().unwrap();
            faults.pass(point);
            let fault = faults.0.unwrap();
            assert_eq!(fault.point, point);
            assert_eq!(fault.left.load(Ordering::SeqCst), 1);
        }
        for bad in ["", "turn.decided", "turn.decided:0", "nowhere:1"] {
            let error = bad.parse::<Faults>().unwrap_err().to_string();
            assert!(error.contains("lease.taken"), "{error}");
        }
    }
}
