//! A number drawn into the top of a picture in cells so large that it survives scaling to 320x180 and coarse quantisation.
//! Tests read it back from the received picture to know which one was sent; check bits make a wrong number unlikely.

use media_core::Picture;

/// 32 bits of number and 16 of check, in two rows.
const COLUMNS: u32 = 24;
const ROWS: u32 = 2;

/// The stamp covers this share of the height; a cell is then 13x15 pixels at 320x180.
const HEIGHT_SHARE: u32 = 6;

/// Luma of a 0 and a 1, and what lies between. Less than full contrast, so that a changed bit costs fewer bits.
const DARK: u8 = 40;
const LIGHT: u8 = 210;
const THRESHOLD: u32 = (DARK as u32 + LIGHT as u32) / 2;

/// Draws `number` over the top sixth of the picture.
pub fn draw_stamp(picture: &mut Picture, number: u32) {
    let code = code(number);
    let (width, chroma_width) = (picture.size().width, picture.size().chroma().width);
    let height = picture.size().height / HEIGHT_SHARE;
    let [y, u, v] = picture.planes_mut();
    for row in 0..ROWS {
        let rows = (height * row / ROWS * width) as usize..(height * (row + 1) / ROWS * width) as usize;
        for line in y[rows].chunks_exact_mut(width as usize) {
            for column in 0..COLUMNS {
                let value = if code >> (row * COLUMNS + column) & 1 == 1 { LIGHT } else { DARK };
                line[(width * column / COLUMNS) as usize..(width * (column + 1) / COLUMNS) as usize].fill(value);
            }
        }
    }
    let chroma = (height.div_ceil(2) * chroma_width) as usize;
    u[..chroma].fill(128);
    v[..chroma].fill(128);
}

/// Reads the number back; None when the picture has none, or when a bit of it was lost.
pub fn read_stamp(picture: &Picture) -> Option<u32> {
    let width = picture.size().width;
    let height = picture.size().height / HEIGHT_SHARE;
    let [y, ..] = picture.planes();
    let mut code = 0_u64;
    for row in 0..ROWS {
        // The middle half of each cell, away from what scaling and deblocking blur.
        let (top, bottom) = middle(height * row / ROWS, height * (row + 1) / ROWS);
        for column in 0..COLUMNS {
            let (left, right) = middle(width * column / COLUMNS, width * (column + 1) / COLUMNS);
            let cell =
                (top..bottom).flat_map(|line| &y[(line * width + left) as usize..(line * width + right) as usize]);
            let (count, sum) = cell.fold((0_u32, 0_u32), |(count, sum), &luma| (count + 1, sum + u32::from(luma)));
            if count == 0 {
                return None;
            }
            code |= u64::from(sum / count > THRESHOLD) << (row * COLUMNS + column);
        }
    }
    let number = code as u32;
    (self::code(number) == code).then_some(number)
}

fn middle(from: u32, to: u32) -> (u32, u32) {
    let margin = (to - from) / 4;
    (from + margin, to - margin)
}

/// The number with its check bits above it.
fn code(number: u32) -> u64 {
    u64::from(crc16(&number.to_le_bytes())) << 32 | u64::from(number)
}

/// CRC-16/IBM-3740 (polynomial 0x1021, initial 0xffff), so that neither an all dark nor an all light stamp is valid.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::scale;
    use media_core::Size;

    const NUMBERS: [u32; 7] = [0, 1, 299, 0x5555_5555, 0xaaaa_aaaa, 0xdead_beef, u32::MAX];

    #[test]
    fn the_check_is_the_published_one() {
        assert_eq!(crc16(b"123456789"), 0x29b1);
    }

    #[test]
    fn every_number_reads_back_at_every_size() {
        for (width, height) in [(1280, 720), (640, 480), (320, 180), (320, 240), (176, 144), (1920, 1080), (322, 178)] {
            let mut picture = Picture::black(Size { width, height });
            for number in NUMBERS {
                draw_stamp(&mut picture, number);
                assert_eq!(read_stamp(&picture), Some(number), "{width}x{height}");
            }
        }
    }

    #[test]
    fn the_number_survives_scaling() {
        for (width, height) in [(320, 180), (1920, 1080), (426, 240)] {
            let mut picture = Picture::black(Size { width: 1280, height: 720 });
            let mut scaled = Picture::black(Size { width, height });
            for number in NUMBERS {
                draw_stamp(&mut picture, number);
                scale(&picture, &mut scaled);
                assert_eq!(read_stamp(&scaled), Some(number), "{width}x{height}");
            }
        }
    }

    #[test]
    fn a_picture_without_a_stamp_has_none() {
        let mut picture = Picture::black(Size { width: 320, height: 180 });
        assert_eq!(read_stamp(&picture), None);
        picture.as_bytes_mut().fill(235);
        assert_eq!(read_stamp(&picture), None);
        draw_stamp(&mut picture, 77);
        picture.planes_mut()[0][..320 * 15].iter_mut().for_each(|luma| *luma = 250 - *luma);
        assert_eq!(read_stamp(&picture), None, "a damaged number");
        assert_eq!(read_stamp(&Picture::black(Size { width: 16, height: 16 })), None);
    }
}
