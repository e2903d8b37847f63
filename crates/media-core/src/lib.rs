//! Media timing as pure state machines: time and units, playout buffer, frame buffer, rate allocation, quality figures, and which device to use.
//!
//! Nothing here reads a clock, starts a thread or does I/O: every method that needs the time is given it, so that minutes of
//! a call are tested in milliseconds. The one exception is [`LatestSlot`], the hand-over between two OS threads.

mod allocation;
mod bandwidth;
mod connection_quality;
mod device_preference;
mod frame_buffer;
mod keyframe_pace;
mod pacer;
mod picture;
mod picture_watch;
mod playout;
mod quality;
mod repair_pace;
mod ring;
mod rtp;
mod slot;
mod transit;
mod units;

pub use allocation::{Allocation, RateAllocator};
pub use bandwidth::{Arrival, BandwidthEstimate, Fate};
pub use connection_quality::{ConnectionFigures, ConnectionJudge, ConnectionQuality};
pub use device_preference::DevicePreference;
pub use frame_buffer::{EncodedFrame, FrameBuffer, FrameBufferConfig, FrameFigures, FrameOutput, PayloadInfo};
pub use keyframe_pace::KeyframePace;
pub use pacer::{Pacer, Urgency};
pub use picture::{CapturedPicture, Picture, PicturePool};
pub use picture_watch::{PictureWatch, Pictures};
pub use playout::{Adjust, Playout, PlayoutBuffer, PlayoutConfig, PlayoutFigures};
pub use quality::{ConcealmentMeter, FpsMeter, FreezeFigures, FreezeMeter, JitterMeter};
pub use repair_pace::RepairPace;
pub use rtp::{RtpPacket, SequenceUnwrapper, TimestampUnwrapper};
pub use slot::{LatestSlot, SlotWait};
pub use units::{Bitrate, FrameRate, Size, UnitError};

/// The one internal audio format: 48 kHz mono `f32` in [-1, 1]; also the RTP clock of Opus (RFC 7587 §4.1).
pub const SAMPLE_RATE: u32 = 48_000;

/// Samples in one 10 ms tick of the audio thread.
pub const TICK_SAMPLES: usize = 480;

/// Samples in one 20 ms Opus frame.
pub const FRAME_SAMPLES: usize = 960;

/// The RTP clock of every video codec (RFC 6184 §5.1, RFC 7741 §4.1).
pub const VIDEO_CLOCK: u32 = 90_000;
