//! Opus, H.264, JPEG, pixel conversion, resampling, Y4M and WAV: bytes in, media out, no threads and no clock.
//!
//! Sound is 48 kHz mono `f32` in [-1, 1]; pictures are I420 in limited range with BT.601 colours, which is what browsers
//! assume of a WebRTC stream and what cameras deliver. No type of a codec library leaves this crate.

pub mod convert;
mod error;
mod h264_decoder;
mod h264_encoder;
mod h264_quantizer;
pub mod h264_rtp;
mod halve;
mod jpeg;
mod opus_codec;
mod psnr;
mod resample;
pub mod stamp;
pub mod stretch;
mod test_card;
mod tone;
mod wav;
mod y4m;

pub use convert::ConvertError;
pub use error::CodecError;
pub use h264_decoder::H264Decoder;
pub use h264_encoder::{Encoded, H264Encoder, VideoEncoderConfig};
pub use h264_quantizer::H264Quantizer;
pub use halve::{half, halve};
pub use jpeg::{JpegDecoder, JpegError};
pub use opus_codec::{OpusDecoder, OpusEncoder};
pub use psnr::psnr;
pub use resample::{Resampler, ResamplerError};
pub use stamp::{draw_stamp, read_stamp};
pub use test_card::TestCard;
pub use tone::{DEFAULT_TONE_HZ, Tone, goertzel_power};
pub use wav::{WavError, WavReader, WavWriter};
pub use y4m::{Y4mError, Y4mReader, Y4mWriter};
