//! Where the pictures of a call lie: the one that matters large, the others small, none out of shape.
//! Plain geometry, decided from which pictures there are and what the person moved.

use eframe::egui::{Pos2, Rect, Vec2};

/// The picture that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The peer's camera.
    Peer,
    /// Our own camera.
    Own,
    /// A screen that one of the two shares.
    Screen,
}

/// A corner of the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Corner {
    TopLeft,
    TopRight,
    BottomLeft,
    #[default]
    BottomRight,
}

/// A way on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
    Left,
    Right,
}

/// A small picture takes that share of the stage's width, within the two bounds in points.
const SMALL_SHARE: f32 = 0.22;
const SMALLEST: f32 = 96.0;
const LARGEST_SMALL: f32 = 280.0;

/// Between small pictures and the edges, in points.
const GAP: f32 = 12.0;

/// Height of a small picture to its width.
const SHAPE: f32 = 9.0 / 16.0;

impl Corner {
    /// The corner that is nearest to a point.
    pub(crate) fn nearest(stage: Rect, point: Pos2) -> Self {
        match (point.x < stage.center().x, point.y < stage.center().y) {
            (true, true) => Self::TopLeft,
            (false, true) => Self::TopRight,
            (true, false) => Self::BottomLeft,
            (false, false) => Self::BottomRight,
        }
    }

    /// The corner that is found when going that way; at an edge the same one.
    pub(crate) fn towards(self, way: Way) -> Self {
        match (self, way) {
            (Self::TopLeft | Self::TopRight, Way::Left) | (Self::TopLeft, Way::Up) => Self::TopLeft,
            (Self::TopLeft | Self::TopRight, Way::Right) | (Self::TopRight, Way::Up) => Self::TopRight,
            (Self::BottomLeft | Self::BottomRight, Way::Left) | (Self::BottomLeft, Way::Down) => Self::BottomLeft,
            (Self::BottomLeft | Self::BottomRight, Way::Right) | (Self::BottomRight, Way::Down) => Self::BottomRight,
            (Self::BottomLeft, Way::Up) => Self::TopLeft,
            (Self::BottomRight, Way::Up) => Self::TopRight,
            (Self::TopLeft, Way::Down) => Self::BottomLeft,
            (Self::TopRight, Way::Down) => Self::BottomRight,
        }
    }

    /// A box of this size in the corner of the stage.
    fn place(self, stage: Rect, size: Vec2) -> Rect {
        let inner = stage.shrink(GAP);
        let x = if matches!(self, Self::TopLeft | Self::BottomLeft) { inner.left() } else { inner.right() - size.x };
        let y = if matches!(self, Self::TopLeft | Self::TopRight) { inner.top() } else { inner.bottom() - size.y };
        Rect::from_min_size(Pos2::new(x, y), size)
    }
}

/// The places in drawing order: what lies below comes first. `screen`: a shared screen is there, and then it is the large one.
pub(crate) fn places(stage: Rect, screen: bool, corner: Corner, swapped: bool) -> Vec<(Shown, Rect)> {
    let width = (stage.width() * SMALL_SHARE).clamp(SMALLEST, LARGEST_SMALL).min(stage.width() / 2.0);
    let size = Vec2::new(width, width * SHAPE);
    let (large, small) = if swapped { (Shown::Own, Shown::Peer) } else { (Shown::Peer, Shown::Own) };
    let cornered = corner.place(stage, size);
    if !screen {
        return vec![(large, stage), (small, cornered)];
    }
    // Both cameras lie in one column beside the shared screen, so that they hide nothing of it.
    let at_left = matches!(corner, Corner::TopLeft | Corner::BottomLeft);
    let (mut column, mut rest) = (stage, stage);
    if at_left {
        column.max.x = stage.left() + width + 2.0 * GAP;
        rest.min.x = column.right();
    } else {
        column.min.x = stage.right() - width - 2.0 * GAP;
        rest.max.x = column.left();
    }
    let first = Corner::TopLeft.place(column, size);
    let second = first.translate(Vec2::new(0.0, size.y + GAP));
    vec![(Shown::Screen, rest), (large, first), (small, second)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: Rect = Rect { min: Pos2::new(0.0, 0.0), max: Pos2::new(1000.0, 600.0) };

    #[test]
    fn the_peer_is_large_and_we_are_in_a_corner() {
        let placed = places(STAGE, false, Corner::BottomRight, false);
        assert_eq!(placed[0], (Shown::Peer, STAGE));
        assert_eq!(placed[1].0, Shown::Own);
        assert_eq!(placed[1].1.max, Pos2::new(988.0, 588.0));
        assert!(placed[1].1.width() < STAGE.width() / 4.0);
    }

    #[test]
    fn swapped_pictures_change_places() {
        let placed = places(STAGE, false, Corner::TopLeft, true);
        assert_eq!([placed[0].0, placed[1].0], [Shown::Own, Shown::Peer]);
        assert_eq!(placed[1].1.min, Pos2::new(12.0, 12.0));
    }

    #[test]
    fn a_shared_screen_is_large_and_hidden_by_nothing() {
        for corner in [Corner::TopLeft, Corner::BottomRight] {
            let placed = places(STAGE, true, corner, false);
            let screen = placed[0].1;
            assert_eq!(placed[0].0, Shown::Screen);
            assert!(screen.width() > STAGE.width() / 2.0);
            for (shown, place) in &placed[1..] {
                assert!(!screen.intersects(*place) && STAGE.contains_rect(*place), "{shown:?} at {place:?}");
            }
            assert!(!placed[1].1.intersects(placed[2].1));
        }
    }

    #[test]
    fn everything_stays_on_a_small_stage() {
        let stage = Rect::from_min_size(Pos2::ZERO, Vec2::new(160.0, 120.0));
        for (shown, place) in places(stage, false, Corner::TopRight, false) {
            assert!(stage.contains_rect(place), "{shown:?} at {place:?}");
        }
    }

    #[test]
    fn every_corner_is_reached_step_by_step_and_no_step_leaves_the_stage() {
        let mut corner = Corner::BottomRight;
        for (way, expected) in [
            (Way::Right, Corner::BottomRight),
            (Way::Down, Corner::BottomRight),
            (Way::Up, Corner::TopRight),
            (Way::Up, Corner::TopRight),
            (Way::Left, Corner::TopLeft),
            (Way::Left, Corner::TopLeft),
            (Way::Down, Corner::BottomLeft),
            (Way::Right, Corner::BottomRight),
        ] {
            corner = corner.towards(way);
            assert_eq!(corner, expected, "{way:?}");
        }
    }

    #[test]
    fn a_picture_that_is_let_go_falls_into_the_nearest_corner() {
        for (x, y, corner) in [
            (10.0, 10.0, Corner::TopLeft),
            (900.0, 100.0, Corner::TopRight),
            (100.0, 500.0, Corner::BottomLeft),
            (900.0, 500.0, Corner::BottomRight),
        ] {
            assert_eq!(Corner::nearest(STAGE, Pos2::new(x, y)), corner);
        }
    }
}
