//! Pictures with a number in them: a clip to send, and what arrived of it.
//! The number tells which picture was sent, so that order, gaps and likeness can be measured at the far end.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use media_codec::{TestCard, Y4mReader, Y4mWriter, psnr, read_stamp};
use media_core::{FrameRate, Picture, PicturePool, Size};

use crate::place::folder;

/// Writes a stamped clip of `frames` pictures, or finds it as an earlier test left it.
pub fn clip(size: Size, hz: u32, frames: u64) -> PathBuf {
    let path = folder("clips").join(format!("{size}-{hz}-{frames}.y4m"));
    if path.exists() {
        return path;
    }
    let unfinished = path.with_extension("part");
    let rate = FrameRate::new(hz).expect("tests ask for possible rates");
    let file = BufWriter::new(File::create(&unfinished).expect("the target folder is writable"));
    let mut writer = Y4mWriter::new(file, size, rate).expect("the target folder is writable");
    let card = TestCard::new(size);
    let mut picture = Picture::black(size);
    for index in 0..frames {
        card.draw(index, &mut picture);
        writer.write(&picture).expect("the disk has room");
    }
    writer.finish().expect("the disk has room");
    std::fs::rename(&unfinished, &path).expect("both lie in one folder");
    path
}

/// What a file of received pictures holds.
#[derive(Debug, Default)]
pub struct Received {
    /// All pictures of the file.
    pub pictures: usize,
    /// The stamps in order of arrival, one for each time that a new picture appears.
    pub stamps: Vec<u32>,
    /// Likeness of each of these to the one that was sent, in dB.
    pub psnr: Vec<f64>,
    /// After how many pictures the clip began again.
    frames: u64,
}

impl Received {
    /// Reads a file in which some pictures of a clip of this size, looping after `frames`, arrived.
    pub fn read(path: &Path, size: Size, frames: u64) -> Self {
        let file = BufReader::new(File::open(path).unwrap_or_else(|error| panic!("no {}: {error}", path.display())));
        let mut reader = Y4mReader::new(file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let pool = PicturePool::new(2);
        let card = TestCard::new(size);
        let mut sent = Picture::black(size);
        let mut received = Self { frames, ..Self::default() };
        while let Some(picture) =
            reader.read_picture(&pool).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        {
            received.pictures += 1;
            let Some(stamp) = read_stamp(&picture) else { continue };
            if received.stamps.last() == Some(&stamp) || u64::from(stamp) >= frames {
                continue;
            }
            received.stamps.push(stamp);
            if picture.size() == size {
                card.draw(u64::from(stamp), &mut sent);
                received.psnr.push(psnr(&sent, &picture));
            }
        }
        received
    }

    /// The longest step from one picture to the next: 1 when none is missing. A step back counts as nearly a whole clip.
    pub fn longest_step(&self) -> u64 {
        let step = |pair: &[u32]| (u64::from(pair[1]) + self.frames - u64::from(pair[0])) % self.frames;
        self.stamps.windows(2).map(step).max().unwrap_or(0)
    }

    /// The middle of all likenesses, in dB.
    pub fn median_psnr(&self) -> f64 {
        let mut sorted = self.psnr.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    }
}
