//! The peer's RTP packets from webrtc-rs into the queue of the media thread, without copying them.
//! Also the way back: asking the peer for a keyframe.

use crate::PacketQueue;
use media_core::RtpPacket;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
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

/// The peer's video track, once there is one.
#[derive(Clone, Default)]
pub(crate) struct VideoSource(Arc<Mutex<Option<Arc<dyn TrackRemote>>>>);

impl VideoSource {
    pub(crate) fn set(&self, track: Option<Arc<dyn TrackRemote>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = track;
    }

    /// Sends a picture loss indication (RFC 4585 §6.3.1); nothing where there is no video yet.
    pub(crate) async fn request_keyframe(&self) {
        let track = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(track) = track else { return };
        for media_ssrc in track.ssrcs().await {
            let request = PictureLossIndication { sender_ssrc: 0, media_ssrc };
            if let Err(error) = track.write_rtcp(vec![Box::new(request)]).await {
                debug!("a keyframe could not be asked for: {error}");
            }
        }
    }
}
