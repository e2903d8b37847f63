//! What can go wrong in the Opus and H.264 codecs, in words a person can act on.
//! The codec libraries' own error types stay inside this crate.

use media_core::Size;

/// An Opus or H.264 operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// libopus refused; after a decoding error conceal the packet instead.
    #[error("opus could not {doing}: {reason}")]
    Opus {
        /// The operation, as in "decode a packet".
        doing: &'static str,
        /// What the library said.
        reason: String,
    },
    /// OpenH264 refused; after a decoding error freeze the picture and ask the peer for a keyframe.
    #[error("openh264 could not {doing}: {reason}")]
    H264 {
        /// The operation, as in "decode a frame".
        doing: &'static str,
        /// What the library said.
        reason: String,
    },
    /// Sound came in a length that the codec does not take.
    #[error("{got} samples are no opus frame; give {expected}")]
    FrameLength {
        /// Which lengths are taken.
        expected: &'static str,
        /// Samples given.
        got: usize,
    },
    /// A picture does not have the size that the encoder was made for.
    #[error("the picture is {got}, the encoder was made for {expected}; make a new encoder")]
    PictureSize {
        /// The encoder's size.
        expected: Size,
        /// The picture's size.
        got: Size,
    },
    /// A picture size that H.264 or this implementation cannot encode or decode.
    #[error("pictures of {width}x{height} are not supported; use even sides up to 3840x2160")]
    UnsupportedSize {
        /// Pixels per row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The payloads of a frame do not make up whole NAL units.
    #[error("malformed h.264 payload: {0}")]
    Payload(&'static str),
}

impl CodecError {
    pub(crate) fn opus(doing: &'static str, error: &opus::Error) -> Self {
        Self::Opus { doing, reason: error.description().to_owned() }
    }

    pub(crate) fn h264(doing: &'static str, error: &openh264::Error) -> Self {
        // The library's Display is one line of debug fields; only the code tells anything.
        Self::H264 { doing, reason: format!("code {:#x}", error.native_code()) }
    }
}
