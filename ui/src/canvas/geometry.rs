//! Points, rectangles, the viewport, and the way of a link. World units are pixels at a zoom of one.

/// A point or a vector.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl Point {
    pub(crate) const fn new(x: f64, y: f64) -> Self {
        Point { x, y }
    }

    pub(crate) fn minus(self, other: Point) -> Point {
        Point::new(self.x - other.x, self.y - other.y)
    }

    pub(crate) fn plus(self, other: Point) -> Point {
        Point::new(self.x + other.x, self.y + other.y)
    }

    /// The nearest whole pixels, as documents keep places.
    pub(crate) fn whole(self) -> [i32; 2] {
        [self.x.round() as i32, self.y.round() as i32]
    }

    pub(crate) fn scaled(self, factor: f64) -> Point {
        Point::new(self.x * factor, self.y * factor)
    }

    pub(crate) fn middle(self, other: Point) -> Point {
        Point::new((self.x + other.x) / 2.0, (self.y + other.y) / 2.0)
    }

    /// The distance to another point.
    pub(crate) fn distance(self, other: Point) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A width and a height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// An upright rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) at: Point,
    pub(crate) size: Size,
}

impl Rect {
    pub(crate) fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Rect {
            at: Point::new(x, y),
            size: Size { width, height },
        }
    }

    /// The rectangle between two corners, whichever they are.
    pub(crate) fn between(a: Point, b: Point) -> Self {
        Rect::new(
            a.x.min(b.x),
            a.y.min(b.y),
            (a.x - b.x).abs(),
            (a.y - b.y).abs(),
        )
    }

    pub(crate) fn right(self) -> f64 {
        self.at.x + self.size.width
    }

    pub(crate) fn bottom(self) -> f64 {
        self.at.y + self.size.height
    }

    /// The same, moved.
    pub(crate) fn moved(self, by: Point) -> Self {
        Rect {
            at: self.at.plus(by),
            ..self
        }
    }

    /// The same, larger on every side, or smaller where the margin is negative.
    pub(crate) fn grown(self, margin: f64) -> Self {
        Rect::new(
            self.at.x - margin,
            self.at.y - margin,
            self.size.width + 2.0 * margin,
            self.size.height + 2.0 * margin,
        )
    }

    pub(crate) fn contains(self, point: Point) -> bool {
        (self.at.x..=self.right()).contains(&point.x)
            && (self.at.y..=self.bottom()).contains(&point.y)
    }

    /// Whether both share some ground.
    pub(crate) fn meets(self, other: Rect) -> bool {
        self.at.x < other.right()
            && other.at.x < self.right()
            && self.at.y < other.bottom()
            && other.at.y < self.bottom()
    }

    /// How far a point is from it; zero inside.
    pub(crate) fn distance(self, point: Point) -> f64 {
        let off = |at: f64, from: f64, to: f64| (from - at).max(at - to).max(0.0);
        off(point.x, self.at.x, self.right()).hypot(off(point.y, self.at.y, self.bottom()))
    }

    pub(crate) fn centre(self) -> Point {
        Point::new(
            self.at.x + self.size.width / 2.0,
            self.at.y + self.size.height / 2.0,
        )
    }

    /// The smallest rectangle around both.
    pub(crate) fn union(self, other: Rect) -> Rect {
        let left = self.at.x.min(other.at.x);
        let top = self.at.y.min(other.at.y);
        let right = self.right().max(other.right());
        let bottom = self.bottom().max(other.bottom());
        Rect::new(left, top, right - left, bottom - top)
    }

    /// The smallest rectangle around all, if there is any.
    pub(crate) fn around(all: impl IntoIterator<Item = Rect>) -> Option<Rect> {
        all.into_iter().reduce(Rect::union)
    }
}

/// What part of the world a window shows: a world point `p` is drawn at `offset + p * zoom`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Viewport {
    pub(crate) offset: Point,
    pub(crate) zoom: f64,
}

impl Default for Viewport {
    fn default() -> Self {
        Viewport {
            offset: Point::default(),
            zoom: 1.0,
        }
    }
}

impl Viewport {
    pub(crate) const SMALLEST: f64 = 0.1;
    pub(crate) const LARGEST: f64 = 2.5;

    /// Where a world point is drawn in the window.
    pub(crate) fn to_window(self, point: Point) -> Point {
        self.offset.plus(point.scaled(self.zoom))
    }

    /// What world point is drawn at a place of the window.
    pub(crate) fn to_world(self, at: Point) -> Point {
        at.minus(self.offset).scaled(1.0 / self.zoom)
    }

    /// What part of the world a window of a size shows.
    pub(crate) fn shows(self, window: Size) -> Rect {
        Rect {
            at: self.to_world(Point::default()),
            size: Size {
                width: window.width / self.zoom,
                height: window.height / self.zoom,
            },
        }
    }

    /// Moved so that a world point is in the middle of a window.
    pub(crate) fn centred(self, at: Point, window: Size) -> Self {
        let middle = Point::new(window.width / 2.0, window.height / 2.0);
        Viewport {
            offset: middle.minus(at.scaled(self.zoom)),
            ..self
        }
    }

    /// Moved by a way in the window.
    pub(crate) fn moved(self, by: Point) -> Self {
        Viewport {
            offset: self.offset.plus(by),
            ..self
        }
    }

    /// Zoomed by a factor, with what is at a window point staying there.
    pub(crate) fn zoomed(self, factor: f64, at: Point) -> Self {
        let zoom = (self.zoom * factor).clamp(Self::SMALLEST, Self::LARGEST);
        let factor = zoom / self.zoom;
        let keep = |at: f64, offset: f64| at - (at - offset) * factor;
        Viewport {
            offset: Point::new(keep(at.x, self.offset.x), keep(at.y, self.offset.y)),
            zoom,
        }
    }

    /// The viewport that shows a part of the world in the middle of a window, no larger than life.
    pub(crate) fn fit(world: Rect, window: Size, margin: f64) -> Self {
        let room = |window: f64, world: f64| (window - 2.0 * margin).max(1.0) / world.max(1.0);
        let zoom = room(window.width, world.size.width).min(room(window.height, world.size.height));
        let zoom = zoom.clamp(Self::SMALLEST, 1.0);
        let centre = world.centre();
        let offset = Point::new(
            window.width / 2.0 - centre.x * zoom,
            window.height / 2.0 - centre.y * zoom,
        );
        // Whole pixels keep the letters sharp at a zoom of one.
        Viewport {
            offset: Point::new(offset.x.round(), offset.y.round()),
            zoom,
        }
    }

    /// The first look at a drawing: all of it, or, where that would be too small to read, its beginning.
    pub(crate) fn first(world: Rect, window: Size, margin: f64) -> Self {
        const SMALL: f64 = 0.5;
        const READABLE: f64 = 0.75;
        let fit = Self::fit(world, window, margin);
        if fit.zoom >= SMALL {
            return fit;
        }
        let y = window.height / 2.0 - world.centre().y * READABLE;
        let top = margin - world.at.y * READABLE;
        let tall = world.size.height * READABLE > window.height - 2.0 * margin;
        let offset = Point::new(margin - world.at.x * READABLE, if tall { top } else { y });
        Viewport {
            offset: Point::new(offset.x.round(), offset.y.round()),
            zoom: READABLE,
        }
    }

    /// Moved just so far that a rectangle of the world is inside the window.
    pub(crate) fn revealing(self, world: Rect, window: Size, margin: f64) -> Self {
        let shift = |offset: f64, from: f64, length: f64, window: f64| {
            let start = offset + from * self.zoom;
            let end = start + length * self.zoom;
            if start < margin {
                margin - start
            } else if end > window - margin {
                (window - margin - end).max(margin - start)
            } else {
                0.0
            }
        };
        self.moved(Point::new(
            shift(self.offset.x, world.at.x, world.size.width, window.width),
            shift(self.offset.y, world.at.y, world.size.height, window.height),
        ))
    }
}

/// The way of a link from an outgoing port to an incoming one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Curve {
    from: Point,
    bend: f64,
    to: Point,
}

impl Curve {
    pub(crate) fn new(from: Point, to: Point) -> Self {
        let way = to.x - from.x;
        let drop = (to.y - from.y).abs();
        // A link that goes back leaves and arrives in wide bows, so that it does not cross its own cards.
        let bend = if way > 0.0 {
            (way / 2.0).clamp(24.0, 120.0)
        } else {
            (60.0 - way / 4.0 + drop / 8.0).min(240.0)
        };
        Curve { from, bend, to }
    }

    /// As an SVG path.
    pub(crate) fn path(self) -> String {
        let Curve { from, bend, to } = self;
        format!(
            "M{} {}C{} {} {} {} {} {}",
            from.x,
            from.y,
            from.x + bend,
            from.y,
            to.x - bend,
            to.y,
            to.x,
            to.y
        )
    }

    /// The point at a part of the way, from 0 at its start to 1 at its end.
    pub(crate) fn point(self, part: f64) -> Point {
        let rest = 1.0 - part;
        let out = Point::new(self.from.x + self.bend, self.from.y);
        let back = Point::new(self.to.x - self.bend, self.to.y);
        self.from
            .scaled(rest * rest * rest)
            .plus(out.scaled(3.0 * rest * rest * part))
            .plus(back.scaled(3.0 * rest * part * part))
            .plus(self.to.scaled(part * part * part))
    }

    /// How far a point is from it, to within a few pixels.
    pub(crate) fn distance(self, point: Point) -> f64 {
        const PARTS: i32 = 24;
        let along = (0..=PARTS).map(|part| self.point(f64::from(part) / f64::from(PARTS)));
        along
            .map(|at| at.distance(point))
            .fold(f64::INFINITY, f64::min)
    }
}

/// The direction of an arrow key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Left,
    Right,
    Up,
    Down,
}

impl Direction {
    /// The direction of a key by its name.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        match key {
            "ArrowLeft" => Some(Direction::Left),
            "ArrowRight" => Some(Direction::Right),
            "ArrowUp" => Some(Direction::Up),
            "ArrowDown" => Some(Direction::Down),
            _ => None,
        }
    }
}

/// The index of the rectangle that a step in a direction leads to: near, and rather straight ahead than aside.
pub(crate) fn neighbour(all: &[Rect], from: usize, direction: Direction) -> Option<usize> {
    let origin = all.get(from)?.centre();
    let cost = |rect: &Rect| {
        let way = rect.centre().minus(origin);
        let (ahead, aside) = match direction {
            Direction::Left => (-way.x, way.y.abs()),
            Direction::Right => (way.x, way.y.abs()),
            Direction::Up => (-way.y, way.x.abs()),
            Direction::Down => (way.y, way.x.abs()),
        };
        (ahead > 1.0 && aside <= ahead * 3.0).then_some(ahead + 2.0 * aside)
    };
    all.iter()
        .enumerate()
        .filter(|(index, _)| *index != from)
        .filter_map(|(index, rect)| cost(rect).map(|cost| (index, cost)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Size = Size {
        width: 800.0,
        height: 600.0,
    };

    fn near(a: Point, b: Point) -> bool {
        a.distance(b) < 1e-6
    }

    #[test]
    fn zooming_keeps_what_is_under_the_cursor() {
        let before = Viewport {
            offset: Point::new(13.0, -40.0),
            zoom: 0.8,
        };
        let cursor = Point::new(321.0, 123.0);
        let world = Point::new((cursor.x - 13.0) / 0.8, (cursor.y + 40.0) / 0.8);
        for factor in [0.001, 0.5, 1.0, 1.3, 100.0] {
            let after = before.zoomed(factor, cursor);
            assert!(near(after.to_window(world), cursor), "{factor}");
            assert!((Viewport::SMALLEST..=Viewport::LARGEST).contains(&after.zoom));
        }
    }

    #[test]
    fn fitting_centres_and_never_enlarges() {
        let small = Rect::new(100.0, 100.0, 200.0, 100.0);
        let fit = Viewport::fit(small, WINDOW, 40.0);
        assert_eq!(fit.zoom, 1.0);
        assert!(near(
            fit.to_window(small.centre()),
            Point::new(400.0, 300.0)
        ));
        let large = Rect::new(-500.0, 0.0, 4_000.0, 200.0);
        let fit = Viewport::fit(large, WINDOW, 40.0);
        assert!((fit.zoom - 0.18).abs() < 1e-9);
    }

    #[test]
    fn a_long_flow_is_first_seen_from_its_beginning() {
        let long = Rect::new(80.0, 100.0, 6_000.0, 300.0);
        let first = Viewport::first(long, WINDOW, 40.0);
        assert_eq!(first.to_window(long.at).x.round(), 40.0);
        assert_eq!(first.zoom, 0.75);
    }

    #[test]
    fn revealing_moves_only_as_far_as_needed() {
        let view = Viewport::default();
        assert_eq!(
            view.revealing(Rect::new(100.0, 100.0, 50.0, 50.0), WINDOW, 20.0),
            view
        );
        let moved = view.revealing(Rect::new(900.0, 100.0, 50.0, 50.0), WINDOW, 20.0);
        assert_eq!(moved.offset, Point::new(-170.0, 0.0));
        let moved = view.revealing(Rect::new(-30.0, 700.0, 50.0, 50.0), WINDOW, 20.0);
        assert_eq!(moved.offset, Point::new(50.0, -170.0));
    }

    #[test]
    fn links_start_and_end_at_their_ports() {
        for (from, to) in [((0.0, 0.0), (100.0, 50.0)), ((100.0, 0.0), (0.0, 50.0))] {
            let (from, to) = (Point::new(from.0, from.1), Point::new(to.0, to.1));
            let curve = Curve::new(from, to);
            let path = curve.path();
            assert!(
                path.starts_with(&format!("M{} {}C", from.x, from.y)),
                "{path}"
            );
            assert!(path.ends_with(&format!(" {} {}", to.x, to.y)), "{path}");
            assert!(near(curve.point(0.0), from) && near(curve.point(1.0), to));
            assert!(near(curve.point(0.5), from.middle(to)));
            assert!(curve.distance(from.middle(to)) < 1e-6);
        }
    }

    #[test]
    fn the_world_and_the_window_are_turned_into_each_other() {
        let view = Viewport {
            offset: Point::new(-120.0, 44.0),
            zoom: 0.7,
        };
        let world = Point::new(17.0, -230.0);
        assert!(near(view.to_world(view.to_window(world)), world));
        assert!(near(view.shows(WINDOW).at, view.to_world(Point::default())));
        let centred = view.centred(world, WINDOW);
        assert!(near(centred.to_window(world), Point::new(400.0, 300.0)));
        assert!(near(centred.shows(WINDOW).centre(), world));
    }

    #[test]
    fn rectangles_know_what_they_meet() {
        let rect = Rect::between(Point::new(10.0, 60.0), Point::new(0.0, 50.0));
        assert_eq!(rect, Rect::new(0.0, 50.0, 10.0, 10.0));
        assert!(rect.meets(Rect::new(9.0, 59.0, 5.0, 5.0)));
        assert!(!rect.meets(Rect::new(10.0, 50.0, 5.0, 5.0)));
        assert_eq!(rect.distance(Point::new(5.0, 55.0)), 0.0);
        assert_eq!(rect.distance(Point::new(13.0, 64.0)), 5.0);
        assert!(rect.grown(3.0).contains(Point::new(13.0, 55.0)));
        assert!(!rect.grown(-4.0).contains(Point::new(1.0, 55.0)));
    }

    #[test]
    fn arrow_keys_find_the_card_ahead() {
        let cards = [
            Rect::new(0.0, 0.0, 100.0, 50.0),
            Rect::new(200.0, 10.0, 100.0, 50.0),
            Rect::new(200.0, 200.0, 100.0, 50.0),
            Rect::new(400.0, 100.0, 100.0, 50.0),
        ];
        assert_eq!(neighbour(&cards, 0, Direction::Right), Some(1));
        assert_eq!(neighbour(&cards, 1, Direction::Down), Some(2));
        assert_eq!(neighbour(&cards, 3, Direction::Left), Some(1));
        assert_eq!(neighbour(&cards, 0, Direction::Left), None);
        assert_eq!(neighbour(&cards, 9, Direction::Left), None);
    }
}
