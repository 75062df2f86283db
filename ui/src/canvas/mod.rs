//! The canvas: a flow as cards and links in one viewport that is moved and zoomed.
//!
//! `graph`, `geometry`, `layout` and `gesture` are plain Rust and hold every decision; `view`, `card` and `links` only draw.

mod card;
pub(crate) mod geometry;
pub(crate) mod gesture;
pub(crate) mod graph;
mod layout;
mod links;
mod live;
mod view;

pub(crate) use graph::{Graph, Role};
pub(crate) use live::Live;
pub(crate) use view::Canvas;
