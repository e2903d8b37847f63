//! Other devices that are asked for while the first ones are still being opened: pure.
//! Of several wishes for one device the last counts; the others would only be opened to be closed again.

use crate::media::Change;

/// At most one wish for each device, in the order in which the last ones came.
#[derive(Debug, Default)]
pub(crate) struct PendingChanges(Vec<Change>);

impl PendingChanges {
    pub(crate) fn ask(&mut self, change: Change) {
        self.0.retain(|before| std::mem::discriminant(before) != std::mem::discriminant(&change));
        self.0.push(change);
    }

    /// What is to be done now that the devices are open.
    pub(crate) fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use media_capture::{AudioSource, VideoSource};
    use media_render::AudioSink;

    use super::*;

    #[test]
    fn the_last_wish_for_each_device_counts_and_is_done_once() {
        let mut pending = PendingChanges::default();
        for change in [
            Change::AudioIn(AudioSource::Auto),
            Change::VideoIn(VideoSource::Auto),
            Change::AudioOut(AudioSink::Auto),
            Change::AudioIn(AudioSource::None),
            Change::VideoIn(VideoSource::None),
            Change::VideoIn(VideoSource::Auto),
        ] {
            pending.ask(change);
        }
        let expected =
            [Change::AudioOut(AudioSink::Auto), Change::AudioIn(AudioSource::None), Change::VideoIn(VideoSource::Auto)];
        assert_eq!(pending.take(), expected);
        assert!(pending.take().is_empty());
    }
}
