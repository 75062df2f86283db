//! The parts of the page, one for each address.

pub(crate) mod connections;
pub(crate) mod flow;
pub(crate) mod flows;
mod import;
mod listening;
mod new_flow;
mod publish;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod system;
