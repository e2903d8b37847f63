//! What a caller leaves of its run in a folder: the same files whoever the caller is, so that all are judged alike.
//! All times are microseconds of Unix time; an empty cell of a table, or `null`, is what could not be measured.
//!
//! | file | what |
//! |---|---|
//! | `peer.json` | [`PeerRecord`] |
//! | `sent.csv` | `index,captured_us`: one line a captured picture, [`SentPicture`] |
//! | `pictures.csv` | `rendered_us,index,captured_us,width,height`: one line a rendered picture, [`RenderedPicture`] |
//! | `seconds.csv` | `at_us,target_bps,frames_encoded,qp_sum,frames_decoded,rtt_ms`: one line a second, [`Second`] |
//! | `sound.wav` | what was played: 48 kHz mono, 16 bit; its first sample at [`PeerRecord::sound_origin_us`] |
//! | `kept/INDEX-WIDTHxHEIGHT.i420` | every 30th rendered picture (INDEX a multiple of 30, decimal), raw |
//!
//! A caller is started with its orders in the environment, and ends by itself:
//!
//! | variable | meaning |
//! |---|---|
//! | `LAB_FOLDER` | the folder above; it exists and is empty |
//! | `LAB_SERVER` | signaling, an Ayame server: `ws://HOST:PORT/signaling` |
//! | `LAB_ROOM` | the room |
//! | `LAB_SECONDS` | hang up that long after the connection stood |
//! | `LAB_WAIT` | give up (exit code 1, `error` in `peer.json`) when no connection stood after that many seconds |
//! | `LAB_SCENE` | a file of raw I420 pictures of `LAB_SIZE`, shown forwards, then backwards, and so on |
//! | `LAB_SOUND` | the WAV file that is sent over and over ([`crate::media::sound`]) |
//! | `LAB_SIZE`, `LAB_FPS` | `1280x720`, `30` |
//! | `LAB_CODEC` | `h264` or `vp8`: the only one to offer |
//! | `LAB_MAX_BITRATE` | bits per second, sound and picture together |
//! | `LAB_PAUSE` | `FROM-TO`: makes no pictures in these seconds, counted from its first one; may be missing |
//! | `LAB_MEDIA` | `both` (so too when it is not set), or `send` or `receive`: sound and picture one way only |
//!
//! With `LAB_DATA_BYTES` the caller measures data channels instead, in messages of `LAB_DATA_MESSAGE` bytes; of the media's
//! orders it needs none, and it leaves nothing but `data.json`, a [`DataRecord`].

mod data;
mod read;
mod write;

use serde::{Deserialize, Serialize};

pub use data::{DataRecord, RoundTrips};
pub use read::{Kept, Record, RecordError};
pub use write::Recorder;

/// `peer.json`: who the caller is, when it did what, and what it counts itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerRecord {
    /// `ringback`, `chromium`, `aiortc`, `libwebrtc-node`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it sent its pictures with, as negotiated: `h264`, `vp8`.
    pub codec: Option<String>,
    /// Why there is nothing to judge.
    pub error: Option<String>,
    /// When its program began.
    pub started_us: Option<u64>,
    /// When the offer was made or came.
    pub offer_us: Option<u64>,
    /// When the transport (DTLS) was connected.
    pub connected_us: Option<u64>,
    /// When it hung up, before anything was stopped: what comes later is not judged.
    pub ended_us: Option<u64>,
    /// When the first sample of the sound file was captured; the others follow at 48 kHz.
    pub sound_sent_origin_us: Option<u64>,
    /// When the first sample of `sound.wav` was played; the others follow at 48 kHz.
    pub sound_origin_us: Option<u64>,
    /// Samples played in all, and those of them that were made up.
    pub sound_samples: Option<u64>,
    /// See above.
    pub sound_concealed_samples: Option<u64>,
    /// Freezes that it counts itself (W3C webrtc-stats, freezeCount), to compare.
    pub own_freezes: Option<u64>,
}

/// A line of `sent.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentPicture {
    /// Number of the picture, from 0.
    pub index: u32,
    /// When it was captured, that is, handed to the caller.
    pub captured_us: u64,
}

/// A line of `pictures.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderedPicture {
    /// When it was handed to the screen.
    pub rendered_us: u64,
    /// What its stamp says; both `None` when it cannot be read.
    pub index: Option<u32>,
    /// See above.
    pub captured_us: Option<u64>,
    /// Its size as decoded.
    pub width: u32,
    /// See above.
    pub height: u32,
}

/// A line of `seconds.csv`: counters since the beginning, and states, as they stand at that time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// When.
    pub at_us: u64,
    /// What its bandwidth estimate allows now, bits per second.
    pub target_bps: Option<f64>,
    /// Pictures encoded.
    pub frames_encoded: Option<u64>,
    /// Sum of their quantisers, on the codec's scale.
    pub qp_sum: Option<u64>,
    /// Pictures decoded.
    pub frames_decoded: Option<u64>,
    /// Round-trip time as it measures it, milliseconds.
    pub rtt_ms: Option<f64>,
}
