//! The small kit of parts that every page is made of. Looks live in `ui/style`, texts in `texts`.

pub(crate) mod badge;
pub(crate) mod button;
pub(crate) mod code;
pub(crate) mod code_editor;
pub(crate) mod dialog;
pub(crate) mod field;
pub(crate) mod highlight;
pub(crate) mod icon;
pub(crate) mod json;
pub(crate) mod menu;
pub(crate) mod problems;
pub(crate) mod rows;
pub(crate) mod signature;
pub(crate) mod state;
pub(crate) mod tabs;
pub(crate) mod time;
pub(crate) mod toast;
