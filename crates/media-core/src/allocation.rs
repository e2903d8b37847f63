//! Shares the estimated bandwidth out between audio and video.
//! Audio comes first: a call without a picture is a call, a call without sound is none.

use crate::Bitrate;

/// What the encoders are told to produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// For the Opus encoder; zero when no audio is sent.
    pub audio: Bitrate,
    /// For the H.264 encoder; zero when no video is sent.
    pub video: Bitrate,
}

/// What bounds an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocationCaps {
    /// Whether audio is sent at all.
    pub audio: bool,
    /// Whether video is sent at all.
    pub video: bool,
    /// What the person allowed for the whole call (`--max-bitrate`).
    pub max: Bitrate,
}

/// Turns a bandwidth estimate into encoder bit rates.
#[derive(Debug, Clone, Copy)]
pub struct RateAllocator {
    caps: AllocationCaps,
}

impl RateAllocator {
    /// An allocator within these caps.
    pub fn new(caps: AllocationCaps) -> Self {
        Self { caps }
    }

    /// What to encode at, given what the network is estimated to carry.
    pub fn allocate(&self, estimate: Bitrate) -> Allocation {
        let media = estimate.min(self.caps.max).percent(80);
        Allocation {
            audio: media,
            video: media,
        }
    }
}
