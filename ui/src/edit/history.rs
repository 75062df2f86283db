//! What was done to a document, so that all of it can be undone and done again.

use weir_flows::document::Flow;

use super::change::{Change, Edit, What};

/// The changes of one editor, without a limit.
#[derive(Debug, Default)]
pub(crate) struct History {
    done: Vec<Change>,
    undone: Vec<Change>,
    /// Whether the last change takes no more into itself, whatever its key.
    settled: bool,
}

impl History {
    /// Applies a change. What was undone before it is forgotten.
    pub(crate) fn apply(&mut self, flow: &mut Flow, change: Change) {
        if change.is_empty() {
            return;
        }
        self.undone.clear();
        let back = turn(flow, change);
        match self.done.last_mut() {
            Some(last) if !self.settled && last.merge.is_some() && last.merge == back.merge => {
                // What the earlier change sets back is older, so it wins where both set the same part.
                let newer = back.edits.into_iter();
                let mut edits: Vec<Edit> = newer
                    .filter(|edit| !last.edits.iter().any(|older| older.same_part(edit)))
                    .collect();
                edits.append(&mut last.edits);
                last.edits = edits;
            }
            _ => self.done.push(back),
        }
        self.settled = false;
    }

    /// Takes the last change back, and gives what was taken back.
    pub(crate) fn undo(&mut self, flow: &mut Flow) -> Option<Change> {
        let change = self.done.pop()?;
        let again = turn(flow, change);
        self.undone.push(again.clone());
        self.settled = true;
        Some(again)
    }

    /// Does again what was undone last, and gives what was done.
    pub(crate) fn redo(&mut self, flow: &mut Flow) -> Option<Change> {
        let change = self.undone.pop()?;
        let back = turn(flow, change);
        self.done.push(back.clone());
        self.settled = true;
        Some(back)
    }

    /// Ends the merging of changes: what comes now is undone by itself.
    pub(crate) fn settle(&mut self) {
        self.settled = true;
    }

    /// What undo would take back.
    pub(crate) fn undoable(&self) -> Option<What> {
        self.done.last().map(|change| change.what)
    }

    /// What redo would do again.
    pub(crate) fn redoable(&self) -> Option<What> {
        self.undone.last().map(|change| change.what)
    }
}

/// Applies a change and gives the one that takes it back.
fn turn(flow: &mut Flow, change: Change) -> Change {
    let mut edits: Vec<Edit> = change
        .edits
        .into_iter()
        .map(|edit| edit.apply(flow))
        .collect();
    edits.reverse();
    Change { edits, ..change }
}
