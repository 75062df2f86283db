//! The canvas: a flow as cards and links in one viewport that is moved and zoomed, to read or to draw on.
//!
//! `geometry`, `graph`, `layout`, `snap`, `wire` and `gesture` are plain Rust and hold every decision. `pointers` and `keys`
//! turn events into inputs, `hands` plays them, `deeds` does what comes of them; `scene` holds one set of signals per card and per link;
//! what is left only draws.

mod ask;
mod card;
mod deeds;
pub(crate) mod geometry;
mod gesture;
mod graph;
mod hands;
mod keys;
mod layout;
mod links;
mod live;
mod marks;
mod minimap;
mod overlay;
mod pointers;
mod scene;
mod sight;
mod snap;
mod start;
mod view;
mod wire;

pub(crate) use ask::{Anchor, Ask, Carried, Spot};
pub(crate) use card::said as said_inside;
pub(crate) use graph::{CARD_HEIGHT, CARD_WIDTH, Card, Graph, Role};
pub(crate) use hands::Pen;
pub(crate) use layout::{free_place, room, snapped, tidy};
pub(crate) use live::Live;
pub(crate) use marks::{is_at, places_of};
pub(crate) use sight::{Sight, ZOOM_STEP};
pub(crate) use view::Canvas;
