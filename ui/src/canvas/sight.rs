//! The sight: what part of the drawing is seen, and how it is moved from outside of the canvas.

use std::{collections::HashMap, sync::Arc, time::Duration};

use leptos::prelude::*;
use weir_flows::document::Slug;

use super::{
    ask::Carried,
    geometry::{Point, Rect, Size, Viewport},
    graph::Graph,
};

/// The room kept free around a drawing that is fitted into its window.
const MARGIN: f64 = 48.0;
/// The room kept free around a card that is brought into sight.
const CLOSE: f64 = 24.0;
/// How much a press on a zoom button or key changes.
pub(crate) const ZOOM_STEP: f64 = 1.25;
/// How long the drawing glides, as the stylesheet says.
const GLIDE: Duration = Duration::from_millis(220);

/// The viewport and the window of one canvas. Whoever has it can steer the canvas.
#[derive(Clone, Copy)]
pub(crate) struct Sight {
    pub(crate) viewport: RwSignal<Viewport>,
    /// The size of the canvas; nothing until it is on the page.
    pub(crate) window: RwSignal<Size>,
    /// How much of the canvas is covered at its left, by the palette: nothing is fitted or revealed there.
    pub(crate) covered: RwSignal<f64>,
    /// Whether the map is shown where the drawing does not fit into its window.
    pub(crate) map: RwSignal<bool>,
    /// Whether the viewport moves softly just now.
    pub(super) gliding: RwSignal<bool>,
    /// What is wished from outside that the canvas itself must do.
    pub(super) wish: RwSignal<Option<Wish>>,
    /// The upper left corner of the canvas in client coordinates.
    pub(super) corner: StoredValue<Point>,
    /// Whether a person has moved the drawing.
    pub(super) touched: StoredValue<bool>,
    graph: RwSignal<Option<Signal<Arc<Graph>>>>,
    /// From where each part of the flow was seen last, by the way to it.
    seen: StoredValue<HashMap<Vec<Slug>, Viewport>>,
}

/// What only the canvas itself can do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    Focus(Option<Slug>),
    Connect(Slug),
    Carry {
        pointer: i32,
        client: Point,
        carried: Arc<Carried>,
    },
}

impl Sight {
    /// A sight for one canvas.
    pub(crate) fn new() -> Self {
        Sight {
            viewport: RwSignal::new(Viewport::default()),
            window: RwSignal::new(Size::default()),
            covered: RwSignal::new(0.0),
            map: RwSignal::new(true),
            gliding: RwSignal::new(false),
            wish: RwSignal::new(None),
            corner: StoredValue::new(Point::default()),
            touched: StoredValue::new(false),
            graph: RwSignal::new(None),
            seen: StoredValue::new(HashMap::new()),
        }
    }

    /// Shows all of the drawing.
    pub(crate) fn fit(&self) {
        self.touched.set_value(true);
        if let Some(bounds) = self.bounds() {
            self.look(self.beside(|room| Viewport::fit(bounds, room, MARGIN)));
        }
    }

    /// Zooms by a factor around the middle.
    pub(crate) fn zoom(&self, factor: f64) {
        self.touched.set_value(true);
        let middle = self.middle();
        self.look(self.viewport.get_untracked().zoomed(factor, middle));
    }

    /// Shows the drawing at its actual size.
    pub(crate) fn actual(&self) {
        self.zoom(1.0 / self.viewport.get_untracked().zoom);
    }

    /// Moves the drawing just so far that a card is in sight.
    pub(crate) fn reveal(&self, id: &str) {
        let rect = self.with_graph(|graph| Some(graph.card(id)?.rect()));
        if let Some(rect) = rect.flatten() {
            self.reveal_rect(rect);
        }
    }

    /// Moves the drawing just so far that a part of it is in sight.
    pub(crate) fn reveal_rect(&self, rect: Rect) {
        if self.window.get_untracked().width > 0.0 {
            let now = self.viewport.get_untracked();
            let left = Point::new(self.covered.get_untracked(), 0.0);
            let from = now.moved(left.scaled(-1.0));
            let moved = from.revealing(rect, self.room(), CLOSE).moved(left);
            if moved != now {
                self.look(moved);
            }
        }
    }

    /// Moves a world point into the middle of the window, at once.
    pub(super) fn look_at(&self, world: Point) {
        self.touched.set_value(true);
        let to = self.beside(|room| self.viewport.get_untracked().centred(world, room));
        self.viewport.set(to);
    }

    /// What world point is in the middle of the window.
    pub(crate) fn centre(&self) -> Point {
        self.viewport.get_untracked().to_world(self.middle())
    }

    /// What world point is at a place in client coordinates.
    pub(crate) fn to_world(self, client: Point) -> Point {
        let at = client.minus(self.corner.get_value());
        self.viewport.get_untracked().to_world(at)
    }

    /// Where a world point is drawn, in client coordinates.
    pub(crate) fn to_client(self, world: Point) -> Point {
        let at = self.viewport.get_untracked().to_window(world);
        at.plus(self.corner.get_value())
    }

    /// Gives the keyboard to a card, or to the canvas itself.
    pub(crate) fn focus(&self, id: Option<Slug>) {
        self.wish.set(Some(Wish::Focus(id)));
    }

    /// Begins a link from a card that the keyboard leads.
    pub(crate) fn connect(&self, from: Slug) {
        self.wish.set(Some(Wish::Connect(from)));
    }

    /// Takes a new card into the hand of a pointer that is down, at a place in client coordinates. The canvas follows the
    /// pointer from now on, and asks for the card to be put where it is let go.
    pub(crate) fn carry(&self, pointer: i32, client: Point, carried: Carried) {
        let carried = Arc::new(carried);
        self.wish.set(Some(Wish::Carry {
            pointer,
            client,
            carried,
        }));
    }

    /// Tells which drawing is seen.
    pub(super) fn shows(&self, graph: Signal<Arc<Graph>>) {
        self.graph.set(Some(graph));
    }

    /// Another part of the flow is drawn now: it is seen from where it was seen last.
    pub(crate) fn turn_to(&self, before: &[Slug], now: &[Slug]) {
        let seen = self.viewport.get_untracked();
        let known = self.seen.try_update_value(|all| {
            all.insert(before.to_vec(), seen);
            all.get(now).copied()
        });
        let to = known.flatten().unwrap_or_else(|| self.first_view());
        self.viewport.set(to);
    }

    /// The canvas has another size. The first one decides where the drawing is seen from.
    pub(super) fn resized(&self, size: Size) {
        let before = self.window.get_untracked();
        self.window.set(size);
        if before == Size::default() {
            self.viewport.set(self.first_view());
        }
    }

    /// From where a drawing is seen that nobody has moved yet.
    fn first_view(&self) -> Viewport {
        match self.bounds() {
            Some(bounds) => self.beside(|room| Viewport::first(bounds, room, MARGIN)),
            None => Viewport::default(),
        }
    }

    /// Moves the viewport softly.
    fn look(&self, to: Viewport) {
        let gliding = self.gliding;
        gliding.set(true);
        set_timeout(
            move || {
                gliding.try_set(false);
            },
            GLIDE,
        );
        self.viewport.set(to);
    }

    /// A viewport that is made for the part of the window that nothing covers.
    fn beside(&self, make: impl FnOnce(Size) -> Viewport) -> Viewport {
        make(self.room()).moved(Point::new(self.covered.get_untracked(), 0.0))
    }

    fn room(&self) -> Size {
        let window = self.window.get_untracked();
        Size {
            width: window.width - self.covered.get_untracked(),
            ..window
        }
    }

    fn middle(&self) -> Point {
        let room = self.room();
        let left = self.covered.get_untracked();
        Point::new(left + room.width / 2.0, room.height / 2.0)
    }

    pub(super) fn bounds(&self) -> Option<Rect> {
        self.with_graph(Graph::bounds).flatten()
    }

    fn with_graph<T>(&self, read: impl FnOnce(&Graph) -> T) -> Option<T> {
        let graph = self.graph.get_untracked()?;
        graph.try_with_untracked(|graph| read(graph))
    }
}
