//! Microphones and speakers as 48 kHz mono streams: the one crate that names the sound library, so that its traps are met once.
//! A device that is missing, busy, denied or lost never blocks or ends a call: another takes its place until
//! it is back, or silence where there is none.
//!
//! [`Microphone::pull`] and [`Speaker::push`] belong to an audio thread of the caller; the device callbacks on the other side of
//! the rings only move samples. A worker thread per stream opens the device, watches it and opens it again.

mod announcer;
mod clock;
mod error;
mod format;
pub mod holder;
mod host;
mod microphone;
mod presence;
mod speaker;
mod stream;
mod survey;
mod worker;

pub use clock::SampleClock;
pub use error::{DeviceError, DeviceNotice, Direction, InUse};
pub use host::{AudioDeviceInfo, AudioFormat, DeviceChoice, check, list};
pub use microphone::Microphone;
pub use presence::Presence;
pub use speaker::Speaker;
