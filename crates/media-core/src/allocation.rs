//! Shares the estimated bandwidth out between audio and video.
//! Audio comes first: a call without a picture is a call, a call without sound is none.

use crate::Bitrate;

/// What the encoders are told to produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// For the audio encoder.
    pub audio: Bitrate,
    /// For the video encoder.
    pub video: Bitrate,
}

/// Turns a bandwidth estimate into encoder bit rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateAllocator {
    audio: Bitrate,
    max: Bitrate,
}

impl RateAllocator {
    /// Encoders get this share of the estimate; the rest carries packet headers, retransmissions and FEC.
    /// Measured with the stock pacer: at 100 % frames queued for 350 ms, at 80 % not at all.
    const MEDIA_PERCENT: u32 = 80;

    /// Opus speech stays intelligible down to here, so audio is not taken lower.
    const MIN_AUDIO: Bitrate = Bitrate::from_kbps(12);

    /// Below this the H.264 encoder skips most pictures, and the estimator has nothing left to measure with.
    const MIN_VIDEO: Bitrate = Bitrate::from_kbps(100);

    /// `audio` is what the audio encoder wants when there is room; `max` bounds all that is sent (`--max-bitrate`).
    pub fn new(audio: Bitrate, max: Bitrate) -> Self {
        Self { audio, max }
    }

    /// What to encode at, given what the network is estimated to carry.
    ///
    /// Audio is given what it wants first; video has the rest and never less than 100 kbit/s.
    pub fn allocate(&self, estimate: Bitrate) -> Allocation {
        let media = estimate.min(self.max).percent(Self::MEDIA_PERCENT);
        let audio = media.max(Self::MIN_AUDIO).min(self.audio);
        let video = media.saturating_sub(audio).max(Self::MIN_VIDEO);
        Allocation { audio, video }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_served_first_and_video_has_the_rest() {
        // estimate, max → audio, video; all in kbit/s, audio wants 32
        let table = [
            ((1000, 4000), (32, 768)),
            ((4000, 4000), (32, 3168)),
            ((9000, 4000), (32, 3168)), // more than the person allowed
            ((300, 4000), (32, 208)),
            ((250, 4000), (32, 168)), // where a call begins
            ((165, 4000), (32, 100)),
            ((100, 4000), (32, 100)), // video at its floor
            ((25, 4000), (20, 100)),  // audio gives way
            ((10, 4000), (12, 100)),  // audio at its floor
            ((0, 4000), (12, 100)),
            ((1000, 200), (32, 128)),
        ];
        for ((estimate, max), (audio, video)) in table {
            let allocator = RateAllocator::new(Bitrate::from_kbps(32), Bitrate::from_kbps(max));
            let expected = Allocation { audio: Bitrate::from_kbps(audio), video: Bitrate::from_kbps(video) };
            assert_eq!(allocator.allocate(Bitrate::from_kbps(estimate)), expected, "estimate {estimate}, max {max}");
        }
    }

    #[test]
    fn audio_never_gets_more_than_it_wants() {
        let allocator = RateAllocator::new(Bitrate::from_kbps(8), Bitrate::from_kbps(1000));
        assert_eq!(allocator.allocate(Bitrate::ZERO).audio, Bitrate::from_kbps(8));
    }
}
