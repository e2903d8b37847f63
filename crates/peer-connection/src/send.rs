//! Encoded frames on their way from a media thread to the network, one small queue and one task per stream.
//! Nothing is queued before the connection carries it, and nothing waits: a frame that finds no room is dropped.

use crate::events::MediaKind;
use crate::rtp_clock::{AudioClock, Stamp, VideoClock, random};
use bytes::Bytes;
use rtc::rtp::codec::h264::H264Payloader;
use rtc::rtp::header::Header;
use rtc::rtp::packet::Packet;
use rtc::rtp::packetizer::Payloader;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc;
use tracing::debug;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

/// Four pictures: a picture that waits longer is worth less than the keyframe that follows its loss.
const VIDEO_CAPACITY: usize = 4;

/// 320 ms of sound, as much as a stalled network task can hold up before it is heard anyway.
const AUDIO_CAPACITY: usize = 16;

/// Payload bytes of a packet. With RTP header and extensions, SRTP tag, UDP and IPv6 it stays under the 1280 bytes
/// that every path takes (RFC 8200 §5).
const MAX_PAYLOAD: usize = 1_188;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// It is on its way.
    Queued,
    /// It is lost: there is no connection yet or no longer, the peer does not take this codec, or there was no room.
    Dropped,
}

/// Sends frames of one stream; clones share it. For media threads: never blocks.
#[derive(Clone, Debug)]
pub struct MediaSender {
    frames: mpsc::Sender<Frame>,
    link: Arc<Link>,
}

struct Frame {
    data: Bytes,
    captured: Instant,
}

/// How packets of one stream are labelled, once that is negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wire {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
}

/// Whether and how a stream can be sent now.
#[derive(Debug, Default)]
pub(crate) struct Link {
    state: Mutex<LinkState>,
}

#[derive(Debug, Default)]
struct LinkState {
    wire: Option<Wire>,
    live: bool,
}

impl Link {
    pub(crate) fn negotiated(&self, wire: Option<Wire>) {
        self.lock().wire = wire;
    }

    pub(crate) fn set_live(&self, live: bool) {
        self.lock().live = live;
    }

    fn wire(&self) -> Option<Wire> {
        let state = self.lock();
        state.wire.filter(|_| state.live)
    }

    fn lock(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the task of a stream works with.
pub(crate) struct Stream {
    frames: mpsc::Receiver<Frame>,
    link: Arc<Link>,
    packetizer: Packetizer,
}

impl MediaSender {
    /// A sender, and what its task needs.
    pub(crate) fn new(kind: MediaKind) -> (Self, Stream) {
        let capacity = match kind {
            MediaKind::Audio => AUDIO_CAPACITY,
            MediaKind::Video => VIDEO_CAPACITY,
        };
        let (sender, frames) = mpsc::channel(capacity);
        let link = Arc::new(Link::default());
        (Self { frames: sender, link: link.clone() }, Stream { frames, link, packetizer: Packetizer::new(kind) })
    }

    /// Sends one encoded frame: an Opus packet of 20 ms, or a picture as H.264 in Annex B form. `captured` is when its
    /// first sample, or the picture, was captured; it becomes the RTP timestamp.
    pub fn send(&self, frame: &[u8], captured: Instant) -> Sent {
        if frame.is_empty() || self.link.wire().is_none() {
            return Sent::Dropped;
        }
        match self.frames.try_send(Frame { data: Bytes::copy_from_slice(frame), captured }) {
            Ok(()) => Sent::Queued,
            Err(_) => Sent::Dropped,
        }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl Stream {
    /// Packetizes and sends until the senders or the connection are gone.
    pub(crate) async fn run(mut self, track: Arc<TrackLocalStaticRTP>) {
        while let Some(frame) = self.frames.recv().await {
            let Some(wire) = self.link.wire() else { continue };
            for packet in self.packetizer.packetize(&frame, wire) {
                if let Err(error) = track.write_rtp(packet).await {
                    debug!("a packet was not sent: {error}");
                    break;
                }
            }
        }
    }
}

/// Cuts frames into RTP packets.
struct Packetizer {
    format: Format,
    next_sequence_number: u16,
}

enum Format {
    Opus(AudioClock),
    H264(H264Payloader, VideoClock),
}

impl Packetizer {
    fn new(kind: MediaKind) -> Self {
        let format = match kind {
            MediaKind::Audio => Format::Opus(AudioClock::new()),
            MediaKind::Video => Format::H264(H264Payloader::default(), VideoClock::new()),
        };
        Self { format, next_sequence_number: random() as u16 }
    }

    fn packetize(&mut self, frame: &Frame, wire: Wire) -> Vec<Packet> {
        match &mut self.format {
            Format::Opus(clock) => {
                let stamp = clock.stamp(frame.captured);
                // RFC 7587 §4.1: the marker says that silence was before.
                vec![self.packet(frame.data.clone(), stamp, stamp.begins, wire)]
            }
            Format::H264(payloader, clock) => {
                let stamp = clock.stamp(frame.captured);
                let payloads = payloader.payload(MAX_PAYLOAD, &frame.data).unwrap_or_default();
                let last = payloads.len().saturating_sub(1);
                // RFC 6184 §5.1: the marker ends the picture.
                let mark = |(index, payload)| self.packet(payload, stamp, index == last, wire);
                payloads.into_iter().enumerate().map(mark).collect()
            }
        }
    }

    fn packet(&mut self, payload: Bytes, stamp: Stamp, marker: bool, wire: Wire) -> Packet {
        let sequence_number = self.next_sequence_number;
        self.next_sequence_number = sequence_number.wrapping_add(1);
        Packet {
            header: Header {
                version: 2,
                marker,
                payload_type: wire.payload_type,
                sequence_number,
                timestamp: stamp.timestamp,
                ssrc: wire.ssrc,
                ..Default::default()
            },
            payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: Wire = Wire { ssrc: 7, payload_type: 39 };

    #[test]
    fn nothing_is_queued_before_the_stream_is_negotiated_and_live_nor_beyond_its_room() {
        let (sender, _stream) = MediaSender::new(MediaKind::Video);
        let now = Instant::now();
        assert_eq!(sender.send(&[1], now), Sent::Dropped);
        sender.link().negotiated(Some(WIRE));
        assert_eq!(sender.send(&[1], now), Sent::Dropped);
        sender.link().set_live(true);
        for _ in 0..VIDEO_CAPACITY {
            assert_eq!(sender.send(&[1], now), Sent::Queued);
        }
        assert_eq!(sender.send(&[1], now), Sent::Dropped);
        assert_eq!(sender.send(&[], now), Sent::Dropped);
    }

    #[test]
    fn a_picture_becomes_packets_with_one_timestamp_and_the_marker_on_the_last() {
        let mut packetizer = Packetizer::new(MediaKind::Video);
        let mut picture = vec![0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4, 5, 0, 0, 1, 0x65];
        picture.extend(std::iter::repeat_n(0xaa, 3_000));
        let packets = packetizer.packetize(&Frame { data: picture.into(), captured: Instant::now() }, WIRE);
        assert!(packets.len() >= 4, "parameter sets and at least three fragments");
        for (index, packet) in packets.iter().enumerate() {
            assert!(packet.payload.len() <= MAX_PAYLOAD);
            assert_eq!(packet.header.timestamp, packets[0].header.timestamp);
            assert_eq!(packet.header.sequence_number, packets[0].header.sequence_number.wrapping_add(index as u16));
            assert_eq!(packet.header.marker, index + 1 == packets.len());
            assert_eq!((packet.header.ssrc, packet.header.payload_type), (WIRE.ssrc, WIRE.payload_type));
        }
    }

    #[test]
    fn a_frame_of_sound_is_one_packet_and_the_first_one_is_marked() {
        let mut packetizer = Packetizer::new(MediaKind::Audio);
        let frame = Frame { data: Bytes::from_static(&[0xfc, 1]), captured: Instant::now() };
        let marks: Vec<_> =
            (0..2).flat_map(|_| packetizer.packetize(&frame, WIRE)).map(|packet| packet.header.marker).collect();
        assert_eq!(marks, [true, false]);
    }
}
