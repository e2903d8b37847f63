//! Pictures from the raw formats of cameras to I420, from one size to another, and to RGBA for the screen.
//! Everything is limited range BT.601, as cameras and browsers have it; a short camera buffer is an error, not a panic.

use media_core::{Picture, Size};

/// A camera's buffer does not hold what its format promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the camera gave {got} bytes for a {size} picture that takes {needed}; the frame is skipped")]
pub struct ConvertError {
    /// The picture's size.
    pub size: Size,
    /// Bytes that the format takes at this size.
    pub needed: usize,
    /// Bytes given.
    pub got: usize,
}

fn check(size: Size, needed: usize, got: usize) -> Result<(), ConvertError> {
    if got < needed { Err(ConvertError { size, needed, got }) } else { Ok(()) }
}

/// Converts packed 4:2:2 (Y0 U Y1 V), rows without padding, into a picture of the same size; bytes beyond are ignored.
///
/// # Errors
/// [`ConvertError`] when `source` is too short; the picture is then unchanged.
pub fn yuyv_to_i420(source: &[u8], picture: &mut Picture) -> Result<(), ConvertError> {
    let size = picture.size();
    let (width, chroma_width) = (size.width as usize, size.chroma().width as usize);
    let stride = chroma_width * 4;
    check(size, stride * size.height as usize, source.len())?;
    let [y, u, v] = picture.planes_mut();
    for (row, line) in y.chunks_exact_mut(width).zip(source.chunks_exact(stride)) {
        for (out, pixel) in row.iter_mut().zip(line.chunks_exact(2)) {
            *out = pixel[0];
        }
    }
    let chroma = u.chunks_exact_mut(chroma_width).zip(v.chunks_exact_mut(chroma_width));
    for ((u, v), lines) in chroma.zip(source[..stride * size.height as usize].chunks(2 * stride)) {
        // The last line of an odd height stands alone.
        let (upper, lower) = lines.split_at(stride);
        let lower = if lower.is_empty() { upper } else { lower };
        let pairs = upper.chunks_exact(4).zip(lower.chunks_exact(4));
        for ((u, v), (a, b)) in u.iter_mut().zip(v).zip(pairs) {
            *u = average(a[1], b[1]);
            *v = average(a[3], b[3]);
        }
    }
    Ok(())
}

/// Converts a luma plane with interleaved chroma behind it, rows without padding, into a picture of the same size.
///
/// # Errors
/// [`ConvertError`] when `source` is too short; the picture is then unchanged.
pub fn nv12_to_i420(source: &[u8], picture: &mut Picture) -> Result<(), ConvertError> {
    let size = picture.size();
    let pixels = size.pixels();
    let needed = pixels + 2 * size.chroma().pixels();
    check(size, needed, source.len())?;
    let [y, u, v] = picture.planes_mut();
    let (luma, chroma) = source[..needed].split_at(pixels);
    y.copy_from_slice(luma);
    for ((u, v), pair) in u.iter_mut().zip(v).zip(chroma.chunks_exact(2)) {
        *u = pair[0];
        *v = pair[1];
    }
    Ok(())
}

fn average(a: u8, b: u8) -> u8 {
    (u16::from(a) + u16::from(b)).div_ceil(2) as u8
}

/// Converts to opaque RGBA, 4 bytes a pixel, row by row; `rgba` is resized to fit.
pub fn i420_to_rgba(picture: &Picture, rgba: &mut Vec<u8>) {
    let (width, chroma_width) = (picture.size().width as usize, picture.size().chroma().width as usize);
    rgba.resize(picture.size().pixels() * 4, 255);
    let [y, u, v] = picture.planes();
    // What the chroma of a row adds to red, green and blue of both its lines, once per pixel.
    let [mut reds, mut greens, mut blues] = [(); 3].map(|()| vec![[0_i16; 2]; chroma_width]);
    let chroma = u.chunks_exact(chroma_width).zip(v.chunks_exact(chroma_width));
    for ((lines, luma), (u, v)) in rgba.chunks_mut(width * 8).zip(y.chunks(width * 2)).zip(chroma) {
        // ITU-R BT.601: 255/219 for luma, 255/224 times the matrix for chroma, with 5 bits of fraction. So all fits in 16
        // bits, and none of it can panic: 0.7 ms for 1280x720 instead of 2.3, or 13 with overflow checks.
        let colours = reds.iter_mut().zip(&mut greens).zip(&mut blues);
        for (((red, green), blue), (&u, &v)) in colours.zip(u.iter().zip(v)) {
            let (u, v) = (i16::from(u).wrapping_sub(128), i16::from(v).wrapping_sub(128));
            *red = [v.wrapping_mul(51).wrapping_add(v >> 3); 2];
            *green = [u.wrapping_mul(-12).wrapping_sub(u >> 1).wrapping_sub(v.wrapping_mul(26)); 2];
            *blue = [u.wrapping_mul(64).wrapping_add(u >> 1); 2];
        }
        let (reds, greens, blues) = (reds.as_flattened(), greens.as_flattened(), blues.as_flattened());
        for (line, luma) in lines.chunks_exact_mut(width * 4).zip(luma.chunks_exact(width)) {
            let colours = reds.iter().zip(greens).zip(blues);
            for ((out, &luma), ((&red, &green), &blue)) in line.as_chunks_mut::<4>().0.iter_mut().zip(luma).zip(colours)
            {
                let luma = i16::from(luma).wrapping_sub(16);
                // 37 1/4, and half a step to round.
                let luma = luma.wrapping_mul(37).wrapping_add(luma >> 2).wrapping_add(16);
                let alpha = i16::MAX;
                *out = [red, green, blue, alpha].map(|colour| (luma.saturating_add(colour) >> 5).clamp(0, 255) as u8);
            }
        }
    }
}

/// Scales `source` into `target` whole and undistorted, with black bars where the shapes differ.
/// Downwards every source pixel counts (area filter), upwards is bilinear.
pub fn scale(source: &Picture, target: &mut Picture) {
    if source.size() == target.size() {
        target.as_bytes_mut().copy_from_slice(source.as_bytes());
        return;
    }
    let area = fit(source.size(), target.size());
    let (from, into) = (source.size(), target.size());
    if (area.size.width, area.size.height) != (into.width, into.height) {
        let [y, u, v] = target.planes_mut();
        y.fill(16);
        u.fill(128);
        v.fill(128);
    }
    let chroma_area = Area { left: area.left / 2, top: area.top / 2, size: area.size.chroma() };
    let sizes =
        [(from, into, area), (from.chroma(), into.chroma(), chroma_area), (from.chroma(), into.chroma(), chroma_area)];
    for ((source, target), (from, into, area)) in source.planes().into_iter().zip(target.planes_mut()).zip(sizes) {
        scale_plane(source, from, target, into, area);
    }
}

/// A rectangle in a picture; `left` and `top` are even, so that chroma has it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Area {
    left: u32,
    top: u32,
    size: Size,
}

/// The largest centred area of `source`'s shape in `target`. Bars thinner than 1/50 of the side are not worth their looks:
/// then the picture is stretched by those two percent.
fn fit(source: Size, target: Size) -> Area {
    let even_share = |side: u32, numerator: u32, denominator: u32| {
        let share = (u64::from(side) * u64::from(numerator) / u64::from(denominator)) as u32;
        if share >= side - side.div_ceil(50) { side } else { (share & !1).max(2).min(side) }
    };
    let wide = u64::from(source.width) * u64::from(target.height) >= u64::from(target.width) * u64::from(source.height);
    let size = if wide {
        Size {
            width: target.width,
            height: even_share(target.height, source.height * target.width, source.width * target.height),
        }
    } else {
        Size {
            width: even_share(target.width, source.width * target.height, source.height * target.width),
            height: target.height,
        }
    };
    Area { left: (target.width - size.width) / 4 * 2, top: (target.height - size.height) / 4 * 2, size }
}

/// For each target position, where its source samples begin and how much each counts; the weights add up to 1.
struct Taps {
    count: usize,
    starts: Vec<usize>,
    weights: Vec<f32>,
}

impl Taps {
    /// A triangle over two source samples upwards, over twice the ratio of them downwards.
    fn new(source: usize, target: usize) -> Self {
        let ratio = source as f32 / target as f32;
        let support = ratio.max(1.0);
        // A multiple of four is faster to add up than one less.
        let count = ((2.0 * support).ceil() as usize + 1).next_multiple_of(4).min(source);
        let (mut starts, mut weights) = (Vec::with_capacity(target), Vec::with_capacity(target * count));
        for position in 0..target {
            let centre = (position as f32 + 0.5) * ratio - 0.5;
            let start = ((centre - support).ceil().max(0.0) as usize).min(source - count);
            let triangle = |index: usize| (1.0 - ((start + index) as f32 - centre).abs() / support).max(0.0);
            let sum: f32 = (0..count).map(triangle).sum();
            weights.extend((0..count).map(|index| triangle(index) / sum));
            starts.push(start);
        }
        Self { count, starts, weights }
    }

    /// Filters a row of samples.
    fn apply(&self, source: &[f32], target: &mut [u8]) {
        match self.count {
            4 => self.apply_sized::<4>(source, target),
            8 => self.apply_sized::<8>(source, target),
            count => {
                for ((out, &start), weights) in
                    target.iter_mut().zip(&self.starts).zip(self.weights.chunks_exact(count))
                {
                    *out = to_byte(weights.iter().zip(&source[start..]).map(|(weight, sample)| weight * sample).sum());
                }
            }
        }
    }

    /// The same with a count that the compiler knows: half the time.
    fn apply_sized<const COUNT: usize>(&self, source: &[f32], target: &mut [u8]) {
        let weights = self.weights.as_chunks::<COUNT>().0;
        for ((out, &start), weights) in target.iter_mut().zip(&self.starts).zip(weights) {
            let samples = &source[start..start + COUNT];
            *out = to_byte(weights.iter().zip(samples).map(|(weight, sample)| weight * sample).sum());
        }
    }
}

fn to_byte(sample: f32) -> u8 {
    (sample + 0.5) as u8
}

fn scale_plane(source: &[u8], from: Size, target: &mut [u8], into: Size, area: Area) {
    let columns = Taps::new(from.width as usize, area.size.width as usize);
    let rows = Taps::new(from.height as usize, area.size.height as usize);
    let (width, stride) = (from.width as usize, into.width as usize);
    // Rows first: that inner loop runs along memory, and downwards it leaves less for the other to do.
    let mut sums = vec![0.0_f32; width];
    let target = &mut target[area.top as usize * stride..];
    let taps = rows.starts.iter().zip(rows.weights.chunks_exact(rows.count));
    for (line, (&start, weights)) in target.chunks_exact_mut(stride).zip(taps) {
        sums.fill(0.0);
        for (&weight, row) in weights.iter().zip(source[start * width..].chunks_exact(width)) {
            if weight > 0.0 {
                for (sum, &sample) in sums.iter_mut().zip(row) {
                    *sum += weight * f32::from(sample);
                }
            }
        }
        columns.apply(&sums, &mut line[area.left as usize..][..area.size.width as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TestCard, psnr};

    const SIZE: Size = Size { width: 64, height: 48 };

    fn card(size: Size) -> Picture {
        let mut picture = Picture::black(size);
        TestCard::new(size).draw(7, &mut picture);
        picture
    }

    #[test]
    fn camera_formats_come_out_as_they_went_in() {
        let card = card(SIZE);
        let [y, u, v] = card.planes();
        let chroma: Vec<u8> = u.iter().zip(v).flat_map(|(&u, &v)| [u, v]).collect();
        let nv12 = [y, &chroma].concat();
        let mut picture = Picture::black(SIZE);
        nv12_to_i420(&nv12, &mut picture).unwrap();
        assert_eq!(picture, card);

        let yuyv: Vec<u8> = (0..SIZE.pixels() / 2)
            .flat_map(|pair| {
                let at = pair / 32 / 2 * 32 + pair % 32;
                [y[2 * pair], u[at], y[2 * pair + 1], v[at]]
            })
            .collect();
        let mut picture = Picture::black(SIZE);
        yuyv_to_i420(&yuyv, &mut picture).unwrap();
        assert_eq!(picture, card);

        assert!(nv12_to_i420(&nv12[1..], &mut picture).is_err());
        let error = yuyv_to_i420(&yuyv[1..], &mut picture).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the camera gave 6143 bytes for a 64x48 picture that takes 6144; the frame is skipped"
        );
        assert_eq!(picture, card);
    }

    #[test]
    fn odd_sizes_are_converted_to_the_last_pixel() {
        let size = Size { width: 5, height: 3 };
        let mut picture = Picture::black(size);
        yuyv_to_i420(&[200; 3 * 12], &mut picture).unwrap();
        assert!(picture.as_bytes().iter().all(|&sample| sample == 200));
        nv12_to_i420(&[100; 15 + 12], &mut picture).unwrap();
        assert!(picture.as_bytes().iter().all(|&sample| sample == 100));
        let mut rgba = Vec::new();
        i420_to_rgba(&picture, &mut rgba);
        assert_eq!(rgba.len(), 60);
        let mut larger = Picture::black(Size { width: 11, height: 7 });
        scale(&picture, &mut larger);
    }

    #[test]
    fn reference_colours_are_exact_to_one_step() {
        // Y, U, V and R, G, B by ITU-R BT.601.
        for ([y, u, v], rgb) in [
            ([16, 128, 128], [0, 0, 0]),
            ([235, 128, 128], [255, 255, 255]),
            ([81, 90, 240], [255, 0, 0]),
            ([145, 54, 34], [0, 255, 0]),
            ([41, 240, 110], [0, 0, 255]),
        ] {
            let mut picture = Picture::black(Size { width: 16, height: 16 });
            for (plane, value) in picture.planes_mut().into_iter().zip([y, u, v]) {
                plane.fill(value);
            }
            let mut rgba = Vec::new();
            i420_to_rgba(&picture, &mut rgba);
            assert_eq!(rgba.len(), 16 * 16 * 4);
            for (got, wanted) in rgba[..3].iter().zip(rgb) {
                assert!(i32::from(*got).abs_diff(wanted) <= 1, "{:?} instead of {rgb:?}", &rgba[..4]);
            }
            assert_eq!(rgba[3], 255);
        }
    }

    #[test]
    fn down_and_up_again_keeps_the_picture() {
        let large = card(Size { width: 1280, height: 720 });
        let mut small = Picture::black(Size { width: 640, height: 360 });
        scale(&large, &mut small);
        let mut back = Picture::black(large.size());
        scale(&small, &mut back);
        let db = psnr(&large, &back);
        assert!(db > 28.0, "{db:.1} dB");
    }

    #[test]
    fn a_flat_picture_stays_flat_at_any_ratio() {
        let mut flat = Picture::black(Size { width: 176, height: 144 });
        flat.as_bytes_mut().fill(200);
        for (width, height) in [(352, 288), (88, 72), (220, 180), (22, 18)] {
            let mut out = Picture::black(Size { width, height });
            scale(&flat, &mut out);
            assert!(out.as_bytes().iter().all(|&sample| sample == 200), "{width}x{height}");
        }
    }

    #[test]
    fn another_shape_gets_black_bars() {
        let mut square = Picture::black(Size { width: 64, height: 64 });
        square.as_bytes_mut().fill(200);
        let mut wide = Picture::black(Size { width: 128, height: 64 });
        wide.as_bytes_mut().fill(99);
        scale(&square, &mut wide);
        let [y, u, _] = wide.planes();
        assert_eq!((y[0], y[31], y[32], y[95], y[96], y[127]), (16, 16, 200, 200, 16, 16));
        assert_eq!((u[15], u[16], u[47], u[48]), (128, 200, 200, 128));

        assert_eq!(
            fit(Size { width: 1920, height: 1080 }, Size { width: 640, height: 480 }),
            Area { left: 0, top: 60, size: Size { width: 640, height: 360 } }
        );
        let full = Size { width: 1280, height: 720 };
        assert_eq!(
            fit(Size { width: 1366, height: 768 }, full),
            Area { left: 0, top: 0, size: full },
            "no hairline bars"
        );
    }
}
