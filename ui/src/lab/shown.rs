//! How much of a large value goes back to the page: the whole, or its length and its beginning, as the server shows it.

use std::io;

use serde_json::{Value, json};

/// How much of a value that is cut is shown, in characters.
const PREVIEW: usize = 300;

/// How much may still be shown.
pub(super) struct Room {
    /// The largest value that is shown as a whole, in bytes of JSON.
    most: usize,
    /// How much of all values that are still to come, in bytes of JSON.
    left: usize,
}

impl Room {
    /// Room for one value.
    pub(super) fn for_one(most: usize) -> Room {
        Room { most, left: most }
    }

    /// Room for many values.
    pub(super) fn for_many(most: usize, together: usize) -> Room {
        Room {
            most,
            left: together,
        }
    }

    /// The value, or what is shown in its place where it is too large.
    pub(super) fn show(&mut self, value: &Value) -> Value {
        let bytes = size(value);
        if bytes <= self.most.min(self.left) {
            self.left -= bytes;
            return value.clone();
        }
        json!({ "$truncated": bytes, "preview": preview(value) })
    }
}

/// The length of a value as JSON, in bytes.
fn size(value: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

/// The beginning of a value as text.
fn preview(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().take(PREVIEW).collect(),
        other => other.to_string().chars().take(PREVIEW).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_marked_and_shown_from_its_beginning() {
        let mut room = Room::for_many(20, 30);
        assert_eq!(room.show(&json!([1, 2, 3])), json!([1, 2, 3]));
        let long = "ä".repeat(400);
        let shown = room.show(&json!(long));
        assert_eq!(shown["$truncated"], 802);
        assert_eq!(shown["preview"], "ä".repeat(PREVIEW));
        // The small value took 7 of 30 bytes, and this one takes 20: after that there is room for 3 more.
        let exact = json!("x".repeat(18));
        assert_eq!(room.show(&exact), exact);
        assert_eq!(room.show(&json!(100)), json!(100));
        assert_eq!(room.show(&json!(1))["$truncated"], 1);
    }
}
