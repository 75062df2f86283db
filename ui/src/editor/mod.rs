//! The editor of a flow: the document under the pen and everything around it that a person draws with.

mod check;
mod chooser;
mod clipboard;
mod command;
mod desk;
mod diff_view;
mod drawer;
mod find;
mod keeping;
pub(crate) mod leftover;
mod menu;
mod page;
mod palette;
mod picker;
mod problem_panel;
mod sample;
mod sampler;
mod sampling;
mod save_state;
mod saving;
mod telling;
mod toolbar;
mod tools;
mod try_panel;
mod trying;

pub(crate) use command::Command;
pub(crate) use desk::Desk;
pub(crate) use diff_view::{DiffView, told};
pub(crate) use drawer::Drawer;
pub(crate) use keeping::read as read_draft;
pub(crate) use page::{Editor, Session};
pub(crate) use sample::Sample;
pub(crate) use save_state::SaveState;
pub(crate) use saving::{Standing, Stored};
pub(crate) use telling::{Group, summary};
pub(crate) use tools::Tools;
