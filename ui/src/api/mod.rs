//! The server's API as the page uses it: typed calls, problems as errors, live events.

mod client;
mod live;
mod types;

pub(crate) use client::{Trouble, all, encode, get, get_text, remove, send, send_text, start};
pub(crate) use live::{Live, run_changes, workspace_changes};
pub(crate) use types::*;
