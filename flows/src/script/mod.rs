//! Scripts: rhai wherever a user computes, JSONPath wherever a user picks.
//!
//! [`compile`] checks a source once; [`eval`] runs it on a [`Scope`] of shared JSON values that it
//! sees through read-only views. All scripts share one engine. A script notices nothing of the
//! outside but its scope and its [`Moment`], and goes no further than its [`Bounds`].

mod bounds;
mod compile;
mod engine;
mod error;
mod evaluate;
mod function;
mod library;
pub mod path;
mod scope;
mod thaw;
mod value;
mod view;

#[cfg(test)]
mod tests;

pub use bounds::{Bounds, CALL_DEPTH, Interrupt, Moment};
pub use compile::{Form, Script, StepReference, compile, compile_with};
pub use error::{Error, ErrorKind};
pub use evaluate::{Evaluation, eval, eval_bool};
pub use function::{Function, Group, functions};
pub use scope::{Http, Ids, Name, Outputs, STANDARD_NAMES, Scope, Unanswered};
