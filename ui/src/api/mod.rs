//! The server's API as the page uses it: typed calls, problems as errors, live events.

mod client;
mod live;
mod types;

pub(crate) use client::{
    Trouble, all, encode, get, get_tagged, get_text, pages, remove, send, send_for, send_text,
    try_draft,
};
pub(crate) use live::{Live, flow_changes, run_changes, workspace_changes};
pub(crate) use types::*;
