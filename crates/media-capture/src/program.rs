//! Pictures and sound that the embedding program makes itself, called for at the pace of the call.
//! The capture time is told beforehand, so that a program can mark what it makes with it.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use media_core::{Picture, PicturePool};

use crate::clip::{Next, POOL, Pictures};
use crate::{CaptureError, VideoFormat};

/// Draws pictures: called with the number of the picture, counted from 0, the time at which it counts as captured, and the
/// picture to draw all over, at the size and rate of the call; it says whether there is a picture this time. Runs on a
/// thread of its own and may take most of an interval.
#[derive(Clone)]
pub struct PictureMaker(Arc<Draw>);

/// Makes sound: called with the time at which the first sample counts as captured and the samples to fill, 48 kHz mono in
/// [-1, 1], without a gap from call to call. Runs on the thread that encodes, some hundred times a second.
#[derive(Clone)]
pub struct SoundMaker(Arc<Fill>);

type Draw = dyn Fn(u64, Instant, &mut Picture) -> bool + Send + Sync;
type Fill = dyn Fn(Instant, &mut [f32]) + Send + Sync;

impl PictureMaker {
    /// Pictures drawn by `draw`.
    pub fn new(draw: impl Fn(u64, Instant, &mut Picture) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }
}

impl SoundMaker {
    /// Sound made by `fill`.
    pub fn new(fill: impl Fn(Instant, &mut [f32]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    pub(crate) fn fill(&self, captured_at: Instant, samples: &mut [f32]) {
        (self.0)(captured_at, samples);
    }
}

/// A maker at the format of a call.
pub(crate) struct Drawn {
    maker: PictureMaker,
    format: VideoFormat,
    pool: PicturePool,
}

impl Drawn {
    pub(crate) fn new(maker: PictureMaker, format: VideoFormat) -> Self {
        Self { maker, format, pool: PicturePool::new(POOL) }
    }
}

impl Pictures for Drawn {
    fn rate(&self) -> (u32, u32) {
        (self.format.frame_rate.hz(), 1)
    }

    fn next(&mut self, index: u64, due: Instant) -> Result<Next, CaptureError> {
        let mut picture = self.pool.take(self.format.size);
        let drawn = (self.maker.0)(index, due, &mut picture);
        Ok(if drawn { Next::Picture(picture) } else { Next::Nothing })
    }
}

/// The same maker, not one that draws the same.
impl PartialEq for PictureMaker {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PictureMaker {}

/// The same maker, not one that sounds the same.
impl PartialEq for SoundMaker {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SoundMaker {}

impl fmt::Debug for PictureMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PictureMaker")
    }
}

impl fmt::Debug for SoundMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoundMaker")
    }
}
