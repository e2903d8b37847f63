//! A picture as characters: I420 scaled down by averaging areas, two pixels to a cell as upper and lower half.
//! Works in 24-bit colour and in the 256 colours that every terminal has.

use call_engine::{Picture, Size};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Eight bits each of red, green and blue.
    True,
    /// The 256 colours of xterm.
    Indexed,
}

impl Depth {
    /// What the variable `COLORTERM` says.
    pub(crate) fn from_variable(value: Option<&str>) -> Self {
        match value {
            Some("truecolor" | "24bit") => Self::True,
            _ => Self::Indexed,
        }
    }

    fn colour(self, rgb: [u8; 3]) -> Color {
        match self {
            // Noise of the camera in the lowest bits would make every cell new in every picture.
            Self::True => {
                let [red, green, blue] = rgb.map(|value| value & 0xf8 | value >> 5);
                Color::Rgb(red, green, blue)
            }
            Self::Indexed => Color::Indexed(indexed(rgb)),
        }
    }
}

/// An image of red, green and blue, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<[u8; 3]>,
}

/// The largest place of the picture's shape within an area of cells of `cell` pixels (width and height; only their ratio counts),
/// in the middle. Empty where there is no room.
pub(crate) fn fit(size: Size, area: Rect, cell: (u16, u16)) -> Rect {
    let (cell_width, cell_height) = (u64::from(cell.0.max(1)), u64::from(cell.1.max(1)));
    let (width, height) = (u64::from(size.width.max(1)), u64::from(size.height.max(1)));
    let (room_x, room_y) = (u64::from(area.width) * cell_width, u64::from(area.height) * cell_height);
    let (shown_x, shown_y) = if width * room_y > height * room_x {
        (room_x, room_x * height / width)
    } else {
        (room_y * width / height, room_y)
    };
    let cells = |pixels: u64, cell: u64, most: u16| {
        u16::try_from((pixels + cell / 2) / cell).unwrap_or(most).clamp(most.min(1), most)
    };
    let (width, height) = (cells(shown_x, cell_width, area.width), cells(shown_y, cell_height, area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Scales to `width` by `height`, each pixel the mean of what it covers; mirrored for a picture of oneself.
pub(crate) fn scale(picture: &Picture, width: usize, height: usize, mirrored: bool) -> Image {
    let [y, u, v] = picture.planes();
    let (size, chroma) = (picture.size(), picture.size().chroma());
    let luma_plane = shrink(y, size, width, height);
    let (u, v) = (shrink(u, chroma, width, height), shrink(v, chroma, width, height));
    let mut pixels: Vec<[u8; 3]> = luma_plane.iter().zip(u.iter().zip(&v)).map(|(&y, (&u, &v))| rgb(y, u, v)).collect();
    if mirrored && width > 0 {
        pixels.chunks_exact_mut(width).for_each(<[_]>::reverse);
    }
    Image { width, height, pixels }
}

/// Draws the picture into `area`, which it fills: two pixels a cell.
pub(crate) fn draw(picture: &Picture, area: Rect, mirrored: bool, depth: Depth, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let image = scale(picture, width, height * 2, mirrored);
    let rows = image.pixels.chunks_exact(width * 2);
    for (row, pixels) in area.rows().zip(rows) {
        let (upper, lower) = pixels.split_at(width);
        for (place, (&upper, &lower)) in row.positions().zip(upper.iter().zip(lower)) {
            buffer[place].set_symbol("\u{2580}").set_fg(depth.colour(upper)).set_bg(depth.colour(lower));
        }
    }
}

/// One plane, each target pixel the mean of the source pixels that it covers, at least one.
fn shrink(plane: &[u8], size: Size, width: usize, height: usize) -> Vec<u8> {
    let (from_width, from_height) = (size.width as usize, size.height as usize);
    let spans = |from: usize, to: usize| {
        (0..to).map(move |at| {
            let start = (at * from / to).min(from.saturating_sub(1));
            start..((at + 1) * from / to).max(start + 1).min(from)
        })
    };
    let columns: Vec<_> = spans(from_width, width).collect();
    let mut shrunk = Vec::with_capacity(width * height);
    let mut sums = vec![0_u32; width];
    for rows in spans(from_height, height) {
        sums.fill(0);
        for row in plane.chunks_exact(from_width.max(1)).skip(rows.start).take(rows.len()) {
            for (sum, columns) in sums.iter_mut().zip(&columns) {
                *sum += row[columns.clone()].iter().map(|&value| u32::from(value)).sum::<u32>();
            }
        }
        let means = sums.iter().zip(&columns).map(|(sum, columns)| sum / (rows.len() * columns.len()).max(1) as u32);
        shrunk.extend(means.map(|mean| mean as u8));
    }
    shrunk
}

/// ITU-R BT.601, limited range, as all pictures here are.
fn rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = ((i32::from(y) - 16) * 298, i32::from(u) - 128, i32::from(v) - 128);
    [y + 409 * v, y - 100 * u - 208 * v, y + 516 * u].map(|value| ((value + 128) >> 8).clamp(0, 255) as u8)
}

/// The nearest of xterm's colours: 16 to 231 are a cube of six steps, 232 to 255 greys.
fn indexed(rgb: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |value: u8| (0..6).min_by_key(|&step| STEPS[step].abs_diff(value)).unwrap_or(0);
    let cube = rgb.map(nearest);
    let mean = rgb.iter().map(|&value| u32::from(value)).sum::<u32>() / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23);
    let distance = |other: [u8; 3]| -> u32 {
        rgb.iter().zip(other).map(|(&one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    let index = if distance([(8 + 10 * grey) as u8; 3]) < distance(cube.map(|step| STEPS[step])) {
        232 + grey as usize
    } else {
        16 + 36 * cube[0] + 6 * cube[1] + cube[2]
    };
    index as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Left half one luma, right half another.
    fn halves(size: Size, left: u8, right: u8) -> Picture {
        let mut picture = Picture::black(size);
        let width = size.width as usize;
        for (at, y) in picture.planes_mut()[0].iter_mut().enumerate() {
            *y = if at % width < width / 2 { left } else { right };
        }
        picture
    }

    #[test]
    fn a_picture_keeps_its_shape_in_any_area() {
        let hd = Size { width: 1280, height: 720 };
        for (size, area, expected) in [
            (hd, (80, 20), (71, 20)),
            (hd, (40, 40), (40, 11)),
            (Size { width: 90, height: 160 }, (80, 20), (22, 20)),
            (hd, (1, 1), (1, 1)),
            (hd, (0, 5), (0, 0)),
            (Size { width: 10_000, height: 1 }, (10, 10), (10, 1)),
        ] {
            let area = Rect::new(3, 2, area.0, area.1);
            let place = fit(size, area, (1, 2));
            assert_eq!((place.width, if place.width == 0 { 0 } else { place.height }), expected, "{size} in {area}");
            assert_eq!(place.intersection(area).area(), place.area(), "{place} lies in {area}");
        }
    }

    #[test]
    fn each_pixel_is_the_mean_of_what_it_covers() {
        let picture = halves(Size { width: 8, height: 4 }, 16, 235);
        let image = scale(&picture, 2, 1, false);
        assert_eq!(image.pixels, [[0, 0, 0], [255, 255, 255]]);
        assert_eq!(scale(&picture, 2, 1, true).pixels, [[255, 255, 255], [0, 0, 0]]);
        let grey = scale(&picture, 1, 1, false).pixels[0];
        assert!(grey.iter().all(|value| value.abs_diff(127) < 3), "{grey:?}");
    }

    #[test]
    fn any_size_can_become_any_other() {
        for (width, height) in [(1, 1), (3, 5), (5, 3), (64, 48)] {
            let picture = halves(Size { width, height }, 100, 100);
            for (to_width, to_height) in [(1, 2), (7, 2), (80, 48), (200, 100)] {
                let image = scale(&picture, to_width, to_height, true);
                assert_eq!(image.pixels.len(), to_width * to_height);
                assert!(image.pixels.iter().all(|pixel| *pixel == image.pixels[0]), "no seam where there is none");
            }
        }
    }

    #[test]
    fn colours_are_those_of_the_standard_and_the_nearest_that_a_terminal_has() {
        for ((y, u, v), expected) in [
            ((16, 128, 128), [0, 0, 0]),
            ((235, 128, 128), [255, 255, 255]),
            ((81, 90, 240), [255, 0, 0]),
            ((145, 54, 34), [0, 255, 0]),
            ((41, 240, 110), [0, 0, 255]),
        ] {
            let found = rgb(y, u, v);
            assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2), "{found:?} instead of {expected:?}");
        }
        for (colour, index) in [([0, 0, 0], 16), ([255, 255, 255], 231), ([255, 0, 0], 196), ([128, 128, 128], 244)] {
            assert_eq!(indexed(colour), index, "{colour:?}");
        }
    }

    #[test]
    fn a_cell_is_an_upper_and_a_lower_pixel() {
        let mut picture = Picture::black(Size { width: 2, height: 4 });
        picture.planes_mut()[0][..4].fill(235);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 3));
        draw(&picture, Rect::new(1, 1, 1, 1), false, Depth::Indexed, &mut buffer);
        let cell = &buffer[(1, 1)];
        assert_eq!((cell.symbol(), cell.fg, cell.bg), ("\u{2580}", Color::Indexed(231), Color::Indexed(16)));
        assert_eq!(buffer[(2, 1)].symbol(), " ");
        // Reaching out of the screen draws what is on it.
        draw(&picture, Rect::new(2, 2, 9, 9), false, Depth::True, &mut buffer);
    }
}
