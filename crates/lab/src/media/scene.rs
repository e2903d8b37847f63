//! The scene that every caller films: somebody who talks before a textured wall, as moderate in detail and motion as a call is.
//! Made from formulas, the same on every machine; a file of raw pictures carries it to callers in other languages.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use media_core::{Picture, Size};

/// Pictures in the scene: two seconds at 30 a second, shown forwards, then backwards.
pub const PICTURES: usize = 60;

/// The pictures, in order.
pub struct Scene(Vec<Picture>);

impl Scene {
    /// Draws the scene at this size; takes about a second at 1280x720.
    #[must_use]
    pub fn draw(size: Size) -> Self {
        let wall = Texture::new(size, 0x5eed);
        let skin = Texture::new(size, 0xface);
        Self((0..PICTURES).map(|number| frame(size, number, &wall, &skin)).collect())
    }

    /// Reads a file of raw I420 pictures.
    ///
    /// # Errors
    /// When it cannot be read, or does not hold [`PICTURES`] pictures of this size.
    pub fn load(path: &Path, size: Size) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let mut pictures = Vec::with_capacity(PICTURES);
        for _ in 0..PICTURES {
            let mut picture = Picture::black(size);
            file.read_exact(picture.as_bytes_mut())?;
            pictures.push(picture);
        }
        if file.read(&mut [0])? > 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the scene was drawn at another size"));
        }
        Ok(Self(pictures))
    }

    /// Writes such a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        self.0.iter().try_for_each(|picture| file.write_all(picture.as_bytes()))?;
        file.flush()
    }

    /// What is filmed for the picture with this number.
    #[must_use]
    pub fn picture(&self, index: u32) -> &Picture {
        &self.0[position(index)]
    }
}

/// The place in the scene of the picture with this number.
#[must_use]
pub fn position(index: u32) -> usize {
    let last = PICTURES - 1;
    let at = index as usize % (2 * last);
    if at <= last { at } else { 2 * last - at }
}

/// A pattern of three octaves of value noise, somewhat larger than a picture so that it can be panned.
struct Texture {
    width: usize,
    height: usize,
    luma: Vec<f32>,
}

/// How far a texture can be panned.
const MARGIN: usize = 32;

impl Texture {
    fn new(size: Size, seed: u32) -> Self {
        let (width, height) = (size.width as usize + MARGIN, size.height as usize + MARGIN);
        // Details are as large, relative to the picture, at every size.
        let unit = size.width as f32 / 1280.0;
        let octaves = [(96.0 * unit, 0.5, 1), (24.0 * unit, 0.3, 2), (5.0 * unit, 0.2, 3)];
        let luma = (0..width * height).map(|at| {
            let (x, y) = ((at % width) as f32, (at / width) as f32);
            octaves.iter().map(|&(scale, weight, octave)| weight * noise(x / scale, y / scale, seed ^ octave)).sum()
        });
        Self { width, height, luma: luma.collect() }
    }

    /// Between 0 and 1.
    fn at(&self, x: usize, y: usize) -> f32 {
        self.luma[y.min(self.height - 1) * self.width + x.min(self.width - 1)]
    }
}

/// Smooth noise between 0 and 1 with one value a unit.
fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let corner = |dx: u32, dy: u32| unit(hash((left as u32 + dx) ^ hash((top as u32 + dy) ^ seed)));
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (ease(x - left), ease(y - top));
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    mix(mix(corner(0, 0), corner(1, 0), tx), mix(corner(0, 1), corner(1, 1), tx), ty)
}

fn unit(hash: u32) -> f32 {
    (hash >> 8) as f32 / (1 << 24) as f32
}

fn hash(value: u32) -> u32 {
    let value = (value ^ value >> 16).wrapping_mul(0x7feb_352d);
    let value = (value ^ value >> 15).wrapping_mul(0x846c_a68b);
    value ^ value >> 16
}

/// Where a pixel lies.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Wall,
    Coat,
    Skin,
    Dark,
}

/// The person's pose in one picture, in widths of the picture.
struct Pose {
    head: (f32, f32),
    mouth: f32,
    hand: (f32, f32),
}

impl Pose {
    fn new(number: usize) -> Self {
        let t = number as f32 / 30.0;
        let head = (0.5 + 0.02 * (2.1 * t).sin(), 0.22 + 0.008 * (5.3 * t).sin());
        let mouth = 0.004 + 0.012 * (9.0 * t).sin().abs();
        Self { head, mouth, hand: (0.72 + 0.05 * (3.7 * t).sin(), 0.42 + 0.04 * (2.9 * t).cos()) }
    }

    fn part(&self, x: f32, y: f32) -> Part {
        let within = |center: (f32, f32), radii: (f32, f32)| {
            let (dx, dy) = ((x - center.0) / radii.0, (y - center.1) / radii.1);
            dx * dx + dy * dy < 1.0
        };
        let (hx, hy) = self.head;
        let eyes = within((hx - 0.035, hy - 0.02), (0.012, 0.007)) || within((hx + 0.035, hy - 0.02), (0.012, 0.007));
        if eyes || within((hx, hy + 0.06), (0.03, self.mouth)) {
            Part::Dark
        } else if within(self.head, (0.085, 0.115)) || within(self.hand, (0.035, 0.05)) {
            Part::Skin
        } else if within((hx, 0.58), (0.26, 0.25)) {
            Part::Coat
        } else {
            Part::Wall
        }
    }
}

fn frame(size: Size, number: usize, wall: &Texture, skin: &Texture) -> Picture {
    let mut picture = Picture::black(size);
    let pose = Pose::new(number);
    let (width, scale) = (size.width as usize, 1.0 / size.width as f32);
    // The camera is held by a hand, a little.
    let pan = (number / 6, number / 10);
    let shift = ((pose.head.0 - 0.5) / scale) as i32;
    let chroma_width = size.chroma().width as usize;
    let [luma, u, v] = picture.planes_mut();
    for (at, out) in luma.iter_mut().enumerate() {
        let (x, y) = (at % width, at / width);
        let moved = x.saturating_add_signed(shift as isize);
        let base = match pose.part(x as f32 * scale, y as f32 * scale) {
            Part::Wall => 70.0 + 110.0 * wall.at(x + pan.0, y + pan.1),
            Part::Coat => 40.0 + 60.0 * skin.at(moved, y),
            Part::Skin => 130.0 + 70.0 * skin.at(moved, y),
            Part::Dark => 30.0,
        };
        // Noise of a sensor: a few levels, new in every picture.
        let grain = unit(hash(at as u32 ^ hash(number as u32 ^ 0x9a1f))) * 5.0 - 2.5;
        *out = (base + grain) as u8;
    }
    for (at, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let (x, y) = (at % chroma_width * 2, at / chroma_width * 2);
        (*u, *v) = match pose.part(x as f32 * scale, y as f32 * scale) {
            Part::Wall => (138, 118),
            Part::Coat => (150, 110),
            Part::Skin => (110, 152),
            Part::Dark => (124, 136),
        };
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size() -> Size {
        Size::new(320, 180).expect("possible")
    }

    #[test]
    fn it_goes_forwards_then_backwards() {
        let shown: Vec<_> = [0, 1, 58, 59, 60, 61, 117, 118, 119].into_iter().map(position).collect();
        assert_eq!(shown, [0, 1, 58, 59, 58, 57, 1, 0, 1]);
    }

    #[test]
    fn a_file_carries_it_unchanged() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("scene.i420");
        let scene = Scene::draw(size());
        scene.save(&path).expect("writable");
        let loaded = Scene::load(&path, size()).expect("as written");
        assert!((0..PICTURES as u32).all(|index| loaded.picture(index) == scene.picture(index)));
        assert!(Scene::load(&path, Size::new(160, 90).expect("possible")).is_err());
        assert!(Scene::load(&path, Size::new(640, 360).expect("possible")).is_err());
    }

    #[test]
    fn it_moves_everywhere_a_little_and_nowhere_wildly() {
        let scene = Scene::draw(size());
        for index in 0..PICTURES as u32 - 1 {
            let [before, after] = [index, index + 1].map(|index| scene.picture(index).planes()[0]);
            let change = before.iter().zip(after).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
            let mean = change / before.len() as f64;
            assert!((1.0..12.0).contains(&mean), "{mean} levels from {index} on");
        }
    }
}
