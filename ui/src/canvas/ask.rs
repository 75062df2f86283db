//! What is under a hand, and what the canvas asks of the editor around it.

use weir_flows::document::{Link, Slug};

use super::{geometry::Point, graph::Card};
use crate::edit::Added;

/// What is under a pointer or has the focus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    Ground,
    Card(Slug),
    /// A handle that links leave by or enter.
    Handle(Anchor),
    Link(Link),
    /// The plus in the middle of a link.
    LinkPlus(Link),
}

/// Where a link may be fastened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// It leaves a card by a port.
    Port { card: Slug, port: String },
    /// It enters a card.
    Entry { card: Slug },
}

impl Anchor {
    /// The card it belongs to.
    pub(crate) fn card(&self) -> &Slug {
        match self {
            Anchor::Port { card, .. } | Anchor::Entry { card } => card,
        }
    }
}

/// A place, in the drawing and in the window of the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Where {
    /// Where a new card stands well, by its upper left corner, in the world.
    pub(crate) world: Point,
    /// Where a menu or a list is opened, in client coordinates.
    pub(crate) client: Point,
}

/// What the canvas asks of the editor. It draws links and moves cards by itself; new cards and menus come from outside.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are never many of them, and they do not stay"
)]
pub(crate) enum Ask {
    /// A step after a card, by a link from one of its ports.
    AddAfter { from: Slug, port: String, at: Where },
    /// A step in the middle of the link at an index of the document. Cards that make room for it move.
    AddOnLink {
        index: usize,
        at: Where,
        moved: Vec<(Slug, Point)>,
    },
    /// A card on the ground.
    AddAt { at: Where },
    /// A trigger of this kind on an empty drawing.
    Begin { kind: String, at: Where },
    /// The card that was dragged here from the palette; on a link, if it was let go on one.
    Put {
        card: Added,
        at: Where,
        link: Option<usize>,
        moved: Vec<(Slug, Point)>,
    },
    /// What is inside of a card; where nothing is, the inspector, with the keyboard in it. The card is chosen already.
    Open { card: Slug },
    /// The drawing around the one that is shown.
    Leave,
    /// A menu for what is under the pointer. It is chosen already.
    Menu { on: Spot, at: Where },
}

/// A new card that is dragged onto the drawing, with how it looks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Carried {
    pub(crate) added: Added,
    pub(crate) card: Card,
}
