//! Pictures and sound that the embedding program takes itself, each with the time at which it is due to be seen or heard.
//! What is taken here is what a screen and a speaker would have shown and played.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media_core::Picture;

/// How far ahead of its time sound is handed over, as to a sound card with one buffer of that length.
pub(crate) const AHEAD: Duration = Duration::from_millis(10);

/// Takes pictures: called with the time of showing, now, and the picture. Runs on the thread that decodes: what takes long there
/// delays the pictures that follow.
#[derive(Clone)]
pub struct PictureTaker(Arc<Show>);

/// Takes sound: called with the time at which the first sample is to be heard and the samples, 48 kHz mono in [-1, 1], without a
/// gap from call to call. Runs on the thread that decodes sound, some hundred times a second.
#[derive(Clone)]
pub struct SoundTaker(Arc<Play>);

type Show = dyn Fn(Instant, &Arc<Picture>) + Send + Sync;
type Play = dyn Fn(Instant, &[f32]) + Send + Sync;

impl PictureTaker {
    /// Pictures go to `take`.
    pub fn new(take: impl Fn(Instant, &Arc<Picture>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Hands one over.
    pub fn take(&self, shown_at: Instant, picture: &Arc<Picture>) {
        (self.0)(shown_at, picture);
    }
}

impl SoundTaker {
    /// Sound goes to `take`.
    pub fn new(take: impl Fn(Instant, &[f32]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    pub(crate) fn take(&self, heard_at: Instant, samples: &[f32]) {
        (self.0)(heard_at, samples);
    }
}

/// The same taker, not one that does the same.
impl PartialEq for PictureTaker {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PictureTaker {}

/// The same taker, not one that does the same.
impl PartialEq for SoundTaker {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SoundTaker {}

impl fmt::Debug for PictureTaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PictureTaker")
    }
}

impl fmt::Debug for SoundTaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoundTaker")
    }
}
