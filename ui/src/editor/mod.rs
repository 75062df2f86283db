//! The editor of a flow: the document under the pen and everything around it that a person draws with.

mod desk;
mod sample;
mod saving;
mod telling;

pub(crate) use desk::Desk;
pub(crate) use sample::Sample;
