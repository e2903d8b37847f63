//! The two codecs that a call speaks, as the offer names them and as they are found again in what was negotiated.
//! Payload types are never taken for granted: a browser renumbers them.

use crate::events::MediaKind;
use rtc::rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind};
use webrtc::peer_connection::MediaEngine;

const OPUS: u8 = 111;
const H264: u8 = 125;
const RTX: u8 = 105;

/// RFC 7587 §6.1: in-band FEC is wanted; packets are no shorter than 10 ms.
const OPUS_PARAMETERS: &str = "minptime=10;useinbandfec=1";

/// RFC 6184 §8.1: constrained baseline (42e0) at level 3.1, which is 720p at 30 frames a second, fragments allowed.
/// This is the one form that every WebRTC implementation with H.264 has.
const H264_PARAMETERS: &str = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

/// Registers Opus, H.264 and the retransmission format for H.264.
pub(crate) fn register(engine: &mut MediaEngine) -> Result<(), webrtc::error::Error> {
    for (payload_type, codec, kind) in [
        (OPUS, MediaKind::Audio.codec(), RtpCodecKind::Audio),
        (H264, MediaKind::Video.codec(), RtpCodecKind::Video),
        (RTX, retransmission(), RtpCodecKind::Video),
    ] {
        engine.register_codec(RTCRtpCodecParameters { rtp_codec: codec, payload_type }, kind)?;
    }
    Ok(())
}

/// RFC 4588 for [`H264`].
fn retransmission() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "video/rtx".into(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: format!("apt={H264}"),
        rtcp_feedback: Vec::new(),
    }
}

impl MediaKind {
    pub(crate) fn codec(self) -> RTCRtpCodec {
        let feedback = |kind: &str, parameter: &str| RTCPFeedback { typ: kind.into(), parameter: parameter.into() };
        match self {
            Self::Audio => RTCRtpCodec {
                mime_type: "audio/opus".into(),
                clock_rate: 48_000,
                channels: 2,
                sdp_fmtp_line: OPUS_PARAMETERS.into(),
                rtcp_feedback: Vec::new(),
            },
            Self::Video => RTCRtpCodec {
                mime_type: "video/H264".into(),
                clock_rate: 90_000,
                channels: 0,
                sdp_fmtp_line: H264_PARAMETERS.into(),
                rtcp_feedback: vec![feedback("ccm", "fir"), feedback("nack", ""), feedback("nack", "pli")],
            },
        }
    }

    pub(crate) fn of(kind: RtpCodecKind) -> Option<Self> {
        match kind {
            RtpCodecKind::Audio => Some(Self::Audio),
            RtpCodecKind::Video => Some(Self::Video),
            _ => None,
        }
    }

    pub(crate) fn rtp_kind(self) -> RtpCodecKind {
        match self {
            Self::Audio => RtpCodecKind::Audio,
            Self::Video => RtpCodecKind::Video,
        }
    }

    /// The payload type under which our codec was negotiated, if it was.
    pub(crate) fn payload_type(self, negotiated: &[RTCRtpCodecParameters]) -> Option<u8> {
        let fits = |codec: &RTCRtpCodec| {
            codec.mime_type.eq_ignore_ascii_case(&self.codec().mime_type)
                && match self {
                    Self::Audio => true,
                    Self::Video => {
                        parameter(&codec.sdp_fmtp_line, "packetization-mode") == Some("1")
                            && parameter(&codec.sdp_fmtp_line, "profile-level-id").is_some_and(is_constrained_baseline)
                    }
                }
        };
        negotiated.iter().find(|codec| fits(&codec.rtp_codec)).map(|codec| codec.payload_type)
    }
}

/// Whether this `profile-level-id` is of constrained baseline, of which there are many spellings (RFC 6184 §8.1, table 5): the
/// first byte names a profile, the second its constraints. Browsers write 42e0, GStreamer 42c0.
fn is_constrained_baseline(text: &str) -> bool {
    let byte = |at: usize| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    match (byte(0), byte(2)) {
        (Some(0x42), Some(constraints)) => constraints & 0b0100_1111 == 0b0100_0000,
        (Some(0x4d), Some(constraints)) => constraints & 0b1000_1111 == 0b1000_0000,
        (Some(0x58), Some(constraints)) => constraints & 0b1100_1111 == 0b1100_0000,
        _ => false,
    }
}

/// The value of one parameter of an `a=fmtp` line.
fn parameter<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(';').filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h264(payload_type: u8, parameters: &str) -> RTCRtpCodecParameters {
        let rtp_codec = RTCRtpCodec { sdp_fmtp_line: parameters.into(), ..MediaKind::Video.codec() };
        RTCRtpCodecParameters { rtp_codec, payload_type }
    }

    #[test]
    fn the_payload_type_is_the_one_that_the_peer_gave_our_form_of_h264() {
        let negotiated = [
            h264(102, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"),
            h264(104, "packetization-mode=0; profile-level-id=42e01f"),
            h264(39, "profile-level-id=42E034; packetization-mode=1"),
        ];
        assert_eq!(MediaKind::Video.payload_type(&negotiated), Some(39));
        assert_eq!(MediaKind::Video.payload_type(&negotiated[..2]), None);
        assert_eq!(MediaKind::Audio.payload_type(&negotiated), None);
    }

    #[test]
    fn constrained_baseline_is_known_in_every_spelling() {
        for (profile, constrained) in [
            ("42e01f", true),
            ("42E034", true),
            ("42c00d", true),
            ("42401f", true),
            ("4d801f", true),
            ("58c01f", true),
            ("42001f", false),
            ("42801f", false),
            ("42e11f", false),
            ("4d001f", false),
            ("58801f", false),
            ("64001f", false),
            ("42", false),
            ("4+c01f", false),
            ("ää", false),
            ("", false),
        ] {
            assert_eq!(is_constrained_baseline(profile), constrained, "{profile}");
        }
    }
}
