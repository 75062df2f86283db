//! Documentation of what the language brings along itself.

use super::documented;
use crate::script::function::Function;

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Language;
    "len" "len(text or list or map) -> number; value.len", "How many characters, items or entries.", "\"Größe\".len()" => "5";
};
