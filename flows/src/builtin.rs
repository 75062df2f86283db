//! The catalog entries of the kinds that belong to the language itself: triggers, mappers and control steps.

mod call;
mod each;
mod poll;
mod steps;
mod triggers;
mod wait;

pub use call::CALL;
pub use each::USUAL_ITEMS;
use serde_json::Value;

use crate::{catalog::Catalog, document::Config};

/// The kinds of the language, without any connector.
pub fn catalog() -> Catalog {
    Catalog {
        triggers: vec![
            triggers::http(),
            triggers::webhook(),
            triggers::schedule(),
            poll::poll(),
            triggers::manual(),
            call::flow(),
        ],
        steps: vec![
            steps::map(),
            steps::fields(),
            steps::validate(),
            steps::branch(),
            each::each(),
            wait::wait(),
            call::call(),
            steps::respond(),
            steps::fail(),
        ],
    }
}

/// The settings of a new trigger or step.
fn start<const N: usize>(settings: [(&str, Value); N]) -> Config {
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
