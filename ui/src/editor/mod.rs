//! The editor of a flow: the document under the pen and everything around it that a person draws with.

mod clipboard;
mod command;
mod desk;
mod find;
mod menu;
mod palette;
mod picker;
mod sample;
mod saving;
mod telling;
mod toolbar;
mod tools;

pub(crate) use command::Command;
pub(crate) use desk::Desk;
pub(crate) use sample::Sample;
pub(crate) use toolbar::ToolLayer;
pub(crate) use tools::Tools;
