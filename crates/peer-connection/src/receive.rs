//! The peer's RTP packets from webrtc-rs into the queue of the media thread, without copying them.
//! Also the way back: asking the peer for what is missing.

use crate::PacketQueue;
use media_core::RtpPacket;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing::debug;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

/// Moves packets until the track or the connection ends.
pub(crate) async fn pump(track: Arc<dyn TrackRemote>, queue: PacketQueue) {
    while let Some(event) = track.poll().await {
        match event {
            TrackRemoteEvent::OnRtpPacket(packet) => queue.push(RtpPacket {
                sequence_number: packet.header.sequence_number,
                timestamp: packet.header.timestamp,
                marker: packet.header.marker,
                payload: packet.payload,
                arrived: Instant::now(),
            }),
            TrackRemoteEvent::OnEnded => return,
            _ => {}
        }
    }
}

/// What is asked of the sender of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureRequest {
    /// A keyframe (picture loss indication, RFC 4585 §6.3.1).
    Keyframe,
    /// Packets with these sequence numbers, in order, once more (generic NACK, RFC 4585 §6.2.1).
    Packets(Vec<u16>),
}

impl PictureRequest {
    fn rtcp(&self, media_ssrc: u32) -> Box<dyn rtc::rtcp::Packet> {
        let sender_ssrc = 0;
        match self {
            Self::Keyframe => Box::new(PictureLossIndication { sender_ssrc, media_ssrc }),
            Self::Packets(numbers) => {
                let nacks = nack_pairs_from_sequence_numbers(numbers);
                Box::new(TransportLayerNack { sender_ssrc, media_ssrc, nacks })
            }
        }
    }
}

/// The peer's video track, once there is one.
#[derive(Clone, Default)]
pub(crate) struct VideoSource(Arc<Mutex<Option<Arc<dyn TrackRemote>>>>);

impl VideoSource {
    pub(crate) fn set(&self, track: Option<Arc<dyn TrackRemote>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = track;
    }

    /// Asks the peer for it; nothing where there is no video yet.
    pub(crate) async fn request(&self, request: &PictureRequest) {
        let track = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(track) = track else { return };
        for media_ssrc in track.ssrcs().await {
            if let Err(error) = track.write_rtcp(vec![request.rtcp(media_ssrc)]).await {
                debug!("the peer could not be asked for what is missing: {error}");
            }
        }
    }
}
