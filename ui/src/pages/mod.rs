//! The parts of the page, one for each address.

pub(crate) mod approvals;
mod cancel;
pub(crate) mod connections;
pub(crate) mod flow;
pub(crate) mod flows;
mod import;
pub(crate) mod letters;
mod listening;
mod new_flow;
mod publish;
mod replay;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schedules;
pub(crate) mod system;
