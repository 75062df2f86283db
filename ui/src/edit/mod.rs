//! The pure half of the editor: what may be done to a document, how it is undone, and what links are allowed.
//!
//! Nothing here draws or waits. An operation reads a document and gives a [`Change`]; [`History`] applies it and can
//! take it back.

pub(crate) mod body;
mod change;
mod clip;
mod connect;
mod diff;
mod history;
mod merge;
mod names;
mod operations;

pub(crate) use change::{Change, Edit, What};
pub(crate) use clip::{Clip, NotAClip};
pub(crate) use connect::{End, Illegal, connect, legal, reconnect};
pub(crate) use diff::{Changed, Diff, LinkNamed, Named, Setting};
pub(crate) use history::History;
pub(crate) use merge::{base_with, merge};
pub(crate) use names::{Taken, rename};
pub(crate) use operations::{
    Added, Chosen, add, add_after, add_on_link, delete, duplicate, move_by, pin, place, retitle,
    set_head, set_settings, set_step, set_tests, set_trigger, switch,
};

#[cfg(test)]
mod tests;
