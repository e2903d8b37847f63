//! The test picture: colour bars, a ramp that scrolls, a disc that wanders, and the frame's number as a [stamp](crate::stamp).
//! A person sees at once that colours are right and that the picture moves; a test reads which frame it has.

use media_core::{Picture, Size};

use crate::stamp::draw_stamp;

/// White, yellow, cyan, green, magenta, red, blue, black at 75 % (ITU-R BT.601, as Y, U, V).
const BARS: [[u8; 3]; 8] = [
    [180, 128, 128],
    [162, 44, 142],
    [131, 156, 44],
    [112, 72, 58],
    [84, 184, 198],
    [65, 100, 212],
    [35, 212, 114],
    [16, 128, 128],
];

/// Height of the stamp above the bars and of the ramp below them, as a share of the picture's.
const STRIP_SHARE: u32 = 6;

/// The disc is light orange, its hub dark: no bar looks like it.
const DISC: [u8; 3] = [200, 80, 160];
const HUB: [u8; 3] = [40, 128, 128];

/// Frames that the disc takes to cross the picture and come back, sideways and downwards.
const SIDEWAYS: u64 = 240;
const DOWNWARDS: u64 = 154;

/// Draws the test pictures of one size.
pub struct TestCard {
    /// What does not move.
    background: Picture,
}

impl TestCard {
    /// A test card for pictures of this size.
    pub fn new(size: Size) -> Self {
        let mut background = Picture::black(size);
        let sizes = [size, size.chroma(), size.chroma()];
        for (index, (plane, size)) in background.planes_mut().into_iter().zip(sizes).enumerate() {
            let width = size.width as usize;
            for row in plane.chunks_exact_mut(width) {
                for (x, sample) in row.iter_mut().enumerate() {
                    *sample = BARS[x * BARS.len() / width][index];
                }
            }
        }
        Self { background }
    }

    /// Overwrites `picture` with number `index`; what moves, moves by the index alone.
    ///
    /// # Panics
    /// When the picture is not of the card's size.
    pub fn draw(&self, index: u64, picture: &mut Picture) {
        assert_eq!(picture.size(), self.background.size(), "a test card draws pictures of its own size");
        picture.as_bytes_mut().copy_from_slice(self.background.as_bytes());
        draw_ramp(index, picture);
        draw_disc(index, picture);
        draw_stamp(picture, index as u32);
    }
}

/// A grey ramp over the bottom strip that moves left by 4 pixels a frame and repeats after half a width.
fn draw_ramp(index: u64, picture: &mut Picture) {
    let (size, chroma) = (picture.size(), picture.size().chroma());
    let (width, period) = (size.width as usize, (size.width as usize / 2).max(1));
    let top = (size.height - size.height / STRIP_SHARE) / 2 * 2;
    let [y, u, v] = picture.planes_mut();
    let strip = &mut y[(top * size.width) as usize..];
    let Some((first, rest)) = strip.split_at_mut_checked(width) else { return };
    for (x, luma) in first.iter_mut().enumerate() {
        // Up and down again: a jump from light to dark would be an edge that costs more than all the rest.
        let phase = (x + (index % period as u64) as usize * 4) % period;
        let height = (2 * phase).min(2 * (period - phase));
        *luma = (16 + height * 219 / period) as u8;
    }
    for line in rest.chunks_exact_mut(width) {
        line.copy_from_slice(first);
    }
    let below = (top / 2 * chroma.width) as usize;
    u[below..].fill(128);
    v[below..].fill(128);
}

/// A disc that wanders over the bars.
fn draw_disc(index: u64, picture: &mut Picture) {
    let size = picture.size();
    let radius = i64::from(size.height / 10);
    let strip = i64::from(size.height / STRIP_SHARE);
    let centre_x = bounce(index, SIDEWAYS, radius, i64::from(size.width) - radius);
    let centre_y = bounce(index, DOWNWARDS, strip + radius, i64::from(size.height) - strip - radius);
    let planes = [(size, 1), (size.chroma(), 2), (size.chroma(), 2)];
    for (index, (plane, (size, step))) in picture.planes_mut().into_iter().zip(planes).enumerate() {
        let rows = ((centre_y - radius) / step).max(0)..((centre_y + radius) / step + 1).min(i64::from(size.height));
        for row in rows {
            let columns =
                ((centre_x - radius) / step).max(0)..((centre_x + radius) / step + 1).min(i64::from(size.width));
            for column in columns {
                let distance = (column * step - centre_x).pow(2) + (row * step - centre_y).pow(2);
                let colour = match distance {
                    hub if hub * 16 <= radius * radius => HUB,
                    disc if disc <= radius * radius => DISC,
                    _ => continue,
                };
                plane[(row * i64::from(size.width) + column) as usize] = colour[index];
            }
        }
    }
}

/// To and fro between two positions, once in `period` frames.
fn bounce(index: u64, period: u64, from: i64, to: i64) -> i64 {
    let phase = index % period;
    let share = phase.min(period - phase) as i64;
    from + (to - from) * share * 2 / period as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_stamp;

    #[test]
    fn each_picture_is_different_and_says_its_number() {
        let size = Size { width: 320, height: 180 };
        let card = TestCard::new(size);
        let (mut before, mut picture) = (Picture::black(size), Picture::black(size));
        for index in 0..500 {
            card.draw(index, &mut picture);
            assert_eq!(read_stamp(&picture), Some(index as u32));
            assert_ne!(
                before.planes()[0][320 * 30..],
                picture.planes()[0][320 * 30..],
                "something moves under the stamp"
            );
            std::mem::swap(&mut before, &mut picture);
        }
    }

    #[test]
    fn any_size_can_be_drawn() {
        for (width, height) in [(16, 16), (17, 15), (4096, 16), (16, 4096), (1, 1)] {
            let size = Size { width, height };
            let mut picture = Picture::black(size);
            TestCard::new(size).draw(u64::MAX, &mut picture);
        }
    }
}
