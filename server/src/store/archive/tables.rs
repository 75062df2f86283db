//! The tables that a backup has, with their columns: the key first, and the migration that each came with.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Column {
    Text,
    Number,
    Id,
    Bytes,
}

use Column::{Bytes, Id, Number, Text};

/// A table.
pub(in crate::store) struct Table {
    pub(in crate::store) name: &'static str,
    /// The number of the migration that made it.
    pub(in crate::store) since: usize,
    /// How many of its columns are its key.
    pub(in crate::store) key: usize,
    /// Name, content, and the number of the migration that added it.
    pub(in crate::store) columns: &'static [(&'static str, Column, usize)],
}

/// All tables. A test holds them against the schema.
pub(in crate::store) const TABLES: &[Table] = &[
    Table {
        name: "flow",
        since: 1,
        key: 2,
        columns: &[
            ("workspace", Text, 1),
            ("id", Text, 1),
            ("title", Text, 1),
            ("draft", Text, 1),
            ("revision", Number, 1),
            ("published", Number, 1),
            ("created_at", Number, 1),
            ("updated_at", Number, 1),
            ("enabled", Number, 2),
            ("paused", Number, 9),
        ],
    },
    Table {
        name: "version",
        since: 1,
        key: 3,
        columns: &[
            ("workspace", Text, 1),
            ("flow", Text, 1),
            ("number", Number, 1),
            ("document", Text, 1),
            ("note", Text, 1),
            ("published_at", Number, 1),
        ],
    },
    Table {
        name: "connection",
        since: 1,
        key: 2,
        columns: &[
            ("workspace", Text, 1),
            ("name", Text, 1),
            ("document", Text, 1),
            ("revision", Number, 1),
            ("updated_at", Number, 1),
        ],
    },
    Table {
        name: "secret",
        since: 1,
        key: 2,
        columns: &[
            ("workspace", Text, 1),
            ("name", Text, 1),
            ("sealed", Bytes, 1),
            ("updated_at", Number, 1),
        ],
    },
    Table {
        name: "run",
        since: 1,
        key: 2,
        columns: &[
            ("workspace", Text, 1),
            ("id", Id, 1),
            ("flow", Text, 1),
            ("version", Number, 1),
            ("trigger", Text, 1),
            ("status", Text, 1),
            ("started_at", Number, 1),
            ("ended_at", Number, 1),
            ("wake_at", Number, 1),
            ("turns", Number, 1),
            ("failure", Text, 1),
            ("origin", Id, 3),
            ("parked_until", Number, 4),
            ("parent", Id, 5),
        ],
    },
    Table {
        name: "journal",
        since: 1,
        key: 3,
        columns: &[
            ("workspace", Text, 1),
            ("run", Id, 1),
            ("seq", Number, 1),
            ("at", Number, 1),
            ("message", Text, 1),
            ("records", Text, 1),
        ],
    },
    Table {
        name: "dedupe",
        since: 1,
        key: 4,
        columns: &[
            ("workspace", Text, 1),
            ("flow", Text, 1),
            ("trigger", Text, 1),
            ("digest", Bytes, 1),
            ("run", Id, 1),
            ("at", Number, 1),
        ],
    },
    Table {
        name: "schedule",
        since: 1,
        key: 3,
        columns: &[
            ("workspace", Text, 1),
            ("flow", Text, 1),
            ("trigger", Text, 1),
            ("next_at", Number, 1),
            ("last_at", Number, 1),
        ],
    },
    Table {
        name: "poll",
        since: 11,
        key: 3,
        columns: &[
            ("workspace", Text, 11),
            ("flow", Text, 11),
            ("trigger", Text, 11),
            ("position", Text, 11),
            ("revision", Number, 11),
            ("moved_at", Number, 11),
            ("polled_at", Number, 11),
            ("failed_at", Number, 11),
            ("failure", Text, 11),
            ("failures", Number, 11),
        ],
    },
    Table {
        name: "dead_letter",
        since: 3,
        key: 2,
        columns: &[
            ("workspace", Text, 3),
            ("run", Id, 3),
            ("flow", Text, 3),
            ("step", Text, 3),
            ("class", Text, 3),
            ("died_at", Number, 3),
            ("state", Text, 3),
            ("owner", Text, 3),
            ("note", Text, 3),
            ("settled_at", Number, 3),
            ("settled_by", Text, 3),
            ("replay", Id, 3),
        ],
    },
    Table {
        name: "run_order",
        since: 4,
        key: 3,
        columns: &[
            ("workspace", Text, 4),
            ("run", Id, 4),
            ("id", Id, 4),
            ("undo", Number, 4),
            ("who", Text, 4),
            ("note", Text, 4),
            ("at", Number, 4),
        ],
    },
    Table {
        name: "body",
        since: 8,
        key: 2,
        columns: &[
            ("workspace", Text, 8),
            ("hash", Bytes, 8),
            ("content", Text, 8),
        ],
    },
    Table {
        name: "body_use",
        since: 8,
        key: 3,
        columns: &[("workspace", Text, 8), ("run", Id, 8), ("hash", Bytes, 8)],
    },
    Table {
        name: "awaited",
        since: 10,
        key: 3,
        columns: &[
            ("workspace", Text, 10),
            ("run", Id, 10),
            ("place", Text, 10),
            ("flow", Text, 10),
            ("kind", Text, 10),
            ("title", Text, 10),
            ("shown", Text, 10),
            ("since", Number, 10),
            ("until", Number, 10),
            ("state", Text, 10),
            ("answer", Text, 10),
            ("digest", Bytes, 10),
            ("answered_at", Number, 10),
        ],
    },
];

/// What concerns only the servers that are there: tables, and columns of the tables above. In a restored database no run is
/// anybody's, so the first server takes them all up.
#[cfg(test)]
pub(in crate::store) const LEFT_OUT: &[(&str, &[&str])] = &[
    ("run", &["server"]),
    ("poll", &["due_at", "busy_by", "busy_until"]),
    (
        "server",
        &["id", "name", "seal", "started_at", "expires_at", "version"],
    ),
    ("counter", &["name", "count"]),
];
