//! The code in the picture: its number and capture time, drawn so that it survives scaling and coarse quantisation.
//! What does not check is unreadable: no guess is made.

use media_core::Picture;

/// Cells in a row; the second row lies directly below the first.
const COLUMNS: usize = 40;

/// Bits in all: 24 of the number, 40 of the time, 16 of the check.
const BITS: u32 = 80;

/// Capture times are kept modulo this many microseconds, 12.7 days.
const TIME_SPAN: u64 = 1 << 40;

/// Luma of a 0 and of a 1, and between them the limit.
const BLACK: u8 = 16;
const WHITE: u8 = 235;
const LIMIT: u32 = 125;

/// What a stamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The picture's number modulo 2^24.
    pub index: u32,
    /// Unix time in microseconds modulo 2^40; [`Stamp::captured_us`] gives the whole.
    pub time: u64,
}

impl Stamp {
    /// The capture time as Unix time in microseconds: the one of that remainder that is nearest to `now_us`.
    #[must_use]
    pub fn captured_us(self, now_us: u64) -> u64 {
        let behind = now_us.wrapping_sub(self.time) % TIME_SPAN;
        if behind < TIME_SPAN / 2 { now_us - behind } else { now_us + (TIME_SPAN - behind) }
    }
}

/// Rows of pixels, from the top, that a stamp covers in a picture of that width.
#[must_use]
pub fn height(width: u32) -> u32 {
    2 * width / COLUMNS as u32
}

/// Draws the stamp; pictures narrower than 80 or lower than their stamp stay as they are, and cannot be read.
pub fn draw(picture: &mut Picture, index: u32, captured_us: u64) {
    let size = picture.size();
    let width = size.width as usize;
    if width < 2 * COLUMNS || size.height < height(size.width) {
        return;
    }
    let edge = |cell: usize| cell * width / COLUMNS;
    let code = encode(index, captured_us);
    let chroma_width = size.chroma().width as usize;
    let [luma, u, v] = picture.planes_mut();
    for row in 0..2 {
        for column in 0..COLUMNS {
            let bit = code >> (BITS as usize - 1 - (row * COLUMNS + column)) & 1;
            let value = if bit == 1 { WHITE } else { BLACK };
            for line in edge(row)..edge(row + 1) {
                luma[line * width..][edge(column)..edge(column + 1)].fill(value);
            }
        }
    }
    for plane in [u, v] {
        plane[..edge(2).div_ceil(2) * chroma_width].fill(128);
    }
}

/// Reads the stamp of a picture of any size; `None` when there is none or it is damaged.
#[must_use]
pub fn read(picture: &Picture) -> Option<Stamp> {
    let size = picture.size();
    let (width, cell) = (size.width as usize, f64::from(size.width) / COLUMNS as f64);
    if cell < 2.0 || size.height < height(size.width) {
        return None;
    }
    let luma = picture.planes()[0];
    let inner = |at: usize| ((at as f64 + 0.25) * cell).ceil() as usize..((at as f64 + 0.75) * cell).ceil() as usize;
    let mut code = 0u128;
    for row in 0..2 {
        for column in 0..COLUMNS {
            let (lines, columns) = (inner(row), inner(column));
            let count = (lines.len() * columns.len()) as u32;
            let sum: u32 = lines
                .map(|line| luma[line * width..][columns.clone()].iter().map(|&y| u32::from(y)).sum::<u32>())
                .sum();
            code = code << 1 | u128::from(sum > LIMIT * count);
        }
    }
    decode(code)
}

fn encode(index: u32, captured_us: u64) -> u128 {
    let content = (u64::from(index & 0xff_ffff) << 40) | (captured_us % TIME_SPAN);
    (u128::from(content) << 16) | u128::from(crc(content))
}

fn decode(code: u128) -> Option<Stamp> {
    let content = (code >> 16) as u64;
    (crc(content) == code as u16).then_some(Stamp { index: (content >> 40) as u32, time: content % TIME_SPAN })
}

/// CRC-16/CCITT-FALSE: polynomial 0x1021, from 0xffff, most significant bit first.
fn crc(content: u64) -> u16 {
    content.to_be_bytes().into_iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| crc << 1 ^ if crc & 0x8000 != 0 { 0x1021 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_core::Size;
    use proptest::prelude::*;

    fn grey(width: u32, height: u32) -> Picture {
        let mut picture = Picture::black(Size::new(width, height).expect("possible"));
        picture.as_bytes_mut().fill(128);
        picture
    }

    #[test]
    fn the_check_is_the_standard_one() {
        // The catalogue's check value is of nine bytes; this is the same sum over eight.
        assert_eq!(crc(u64::from_be_bytes(*b"12345678")), 0xa12b);
        assert_eq!(read(&grey(1280, 720)), None);
    }

    #[test]
    fn a_picture_too_small_for_a_stamp_has_none() {
        for (width, height) in [(64, 64), (1280, 32)] {
            let mut picture = grey(width, height);
            draw(&mut picture, 1, 2);
            assert_eq!(picture, grey(width, height));
            assert_eq!(read(&picture), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_read(index in 0u32..1 << 24, captured_us in 0..TIME_SPAN * 3, size in 0usize..5) {
            let (width, height) = [(1280, 720), (640, 360), (320, 180), (176, 144), (1922, 1080)][size];
            let mut picture = grey(width, height);
            draw(&mut picture, index, captured_us);
            let stamp = read(&picture).expect("it was drawn");
            prop_assert_eq!(stamp.index, index);
            for now_us in [captured_us, captured_us + 5_000_000, captured_us.saturating_sub(3_000)] {
                prop_assert_eq!(stamp.captured_us(now_us), captured_us);
            }
        }

        /// The check finds any three cells, and any number of them within sixteen (a burst).
        #[test]
        fn damaged_cells_make_it_unreadable_never_wrong(
            index in 0u32..1 << 24,
            captured_us in 0..TIME_SPAN,
            cells in proptest::collection::btree_set(0u32..BITS, 1..=3),
            burst in 1u128..1 << 16,
            from in 0u32..BITS - 15,
        ) {
            let code = encode(index, captured_us);
            prop_assert_eq!(decode(code), Some(Stamp { index, time: captured_us }));
            prop_assert_eq!(decode(cells.iter().fold(code, |code, cell| code ^ 1 << cell)), None);
            prop_assert_eq!(decode(code ^ burst << from), None);
        }

        /// 120 pixels touch at most sixteen cells of a row: a burst that the check always finds.
        #[test]
        fn a_row_that_is_partly_covered_is_never_a_wrong_stamp(
            index in 0u32..1 << 24,
            captured_us in 0..TIME_SPAN,
            row in 0usize..2,
            left in 0usize..200,
            luma in 0u8..=255,
        ) {
            let mut picture = grey(320, 180);
            draw(&mut picture, index, captured_us);
            for line in picture.planes_mut()[0].chunks_exact_mut(320).skip(8 * row).take(8) {
                line[left..left + 120].fill(luma);
            }
            let read = read(&picture);
            let drawn = Stamp { index, time: captured_us };
            prop_assert!(read.is_none_or(|stamp| stamp == drawn), "{:?}", read);
        }
    }
}
