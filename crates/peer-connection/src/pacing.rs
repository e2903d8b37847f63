//! The pacer as a link of the chain that RTP and RTCP pass through, in the place of the stock one, which has one queue for all.
//! What leaves when is decided in [`media_core::Pacer`]; here packets are told apart and the clock is brought along.

use media_core::{Bitrate, Pacer, Urgency};
use rtc::interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtc::shared::marshal::MarshalSize;
use std::collections::VecDeque;
use std::time::Instant;
use tokio::sync::watch;
use tracing::debug;

/// Holds outgoing packets until they may leave.
pub(crate) struct Pacing {
    pacer: Pacer<TaggedPacket>,
    target: watch::Receiver<Bitrate>,
    /// The synchronisation sources of our sound.
    sound: Vec<u32>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Pacing {
    /// Paces for a link that carries what `target` says at each moment.
    pub(crate) fn new(target: watch::Receiver<Bitrate>) -> Self {
        let pacer = Pacer::new(*target.borrow());
        Self { pacer, target, sound: Vec::new(), reads: VecDeque::new(), writes: VecDeque::new() }
    }

    fn release(&mut self, now: Instant) {
        self.pacer.set_target(*self.target.borrow());
        while let Some(mut packet) = self.pacer.pop(now) {
            // It leaves now: what the congestion control notes as departure is not to hold the wait in here.
            packet.now = now;
            self.writes.push_back(packet);
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Pacing {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        // Reports are small, and worth something only while they are new.
        let Packet::Rtp(rtp) = &packet.message.packet else {
            self.writes.push_back(packet);
            return Ok(());
        };
        let is_repair =
            packet.message.attributes.iter().any(|attribute| matches!(attribute, Attribute::Retransmission));
        let urgency = match rtp.header.ssrc {
            ssrc if self.sound.contains(&ssrc) => Urgency::Sound,
            _ if is_repair => Urgency::Repair,
            _ => Urgency::Picture,
        };
        let (now, bytes) = (packet.now, rtp.marshal_size());
        if !self.pacer.push(now, urgency, bytes, packet) {
            debug!("no room for a packet that is to be sent");
        }
        self.release(now);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.release(now);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.pacer.deadline()
    }
}

impl Interceptor for Pacing {
    fn bind_local_stream(&mut self, stream: &StreamInfo) {
        if stream.mime_type.to_ascii_lowercase().starts_with("audio/") {
            self.sound.push(stream.ssrc);
        }
    }

    fn unbind_local_stream(&mut self, stream: &StreamInfo) {
        self.sound.retain(|ssrc| *ssrc != stream.ssrc);
    }

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::interceptor::AttributedPacket;
    use rtc::rtp;
    use rtc::shared::TransportMessage;
    use std::time::Duration;

    const SOUND: u32 = 1;
    const PICTURES: u32 = 2;

    fn packet(now: Instant, ssrc: u32, sequence_number: u16) -> TaggedPacket {
        let header = rtp::header::Header { version: 2, ssrc, sequence_number, ..Default::default() };
        let packet = Packet::Rtp(rtp::Packet { header, payload: vec![0; 1_188].into() });
        TransportMessage { now, transport: Default::default(), message: AttributedPacket::new(packet) }
    }

    fn left(pacing: &mut Pacing) -> Vec<(u32, u16, Instant)> {
        std::iter::from_fn(|| pacing.poll_write())
            .map(|packet| match packet.message.packet {
                Packet::Rtp(rtp) => (rtp.header.ssrc, rtp.header.sequence_number, packet.now),
                _ => (0, 0, packet.now),
            })
            .collect()
    }

    #[test]
    fn packets_are_told_apart_and_leave_with_the_time_at_which_they_leave() {
        let (mut pacing, start) = (Pacing::new(watch::channel(Bitrate::from_kbps(384)).1), Instant::now());
        for (ssrc, mime_type) in [(SOUND, "audio/opus"), (PICTURES, "video/H264")] {
            pacing.bind_local_stream(&StreamInfo { ssrc, mime_type: mime_type.into(), ..Default::default() });
        }
        for number in 0..6 {
            pacing.handle_write(packet(start, PICTURES, number)).expect("never fails");
        }
        assert_eq!(left(&mut pacing).len(), 5, "a burst leaves without waiting for a timer");
        let mut repair = packet(start, PICTURES, 100);
        repair.message.add(Attribute::Retransmission);
        pacing.handle_write(repair).expect("never fails");
        pacing.handle_write(packet(start, SOUND, 7)).expect("never fails");
        assert_eq!(left(&mut pacing), [(SOUND, 7, start)]);
        let at = pacing.poll_timeout().expect("two wait");
        assert!(at > start + Duration::from_millis(5));
        pacing.handle_timeout(at).expect("never fails");
        assert_eq!(left(&mut pacing), [(PICTURES, 100, at)]);
        let at = pacing.poll_timeout().expect("one waits");
        pacing.handle_timeout(at).expect("never fails");
        assert_eq!(left(&mut pacing), [(PICTURES, 5, at)]);
        assert_eq!(pacing.poll_timeout(), None);
    }

    #[test]
    fn the_estimate_is_heard_of_and_reports_do_not_wait() {
        let (target, said) = watch::channel(Bitrate::from_kbps(100));
        let (mut pacing, start) = (Pacing::new(said), Instant::now());
        let report = || TransportMessage {
            now: start,
            transport: Default::default(),
            message: AttributedPacket::new(Packet::Rtcp(Vec::new())),
        };
        pacing.handle_read(report()).expect("never fails");
        assert!(pacing.poll_read().is_some(), "passed on");
        target.send_replace(Bitrate::from_kbps(3_840));
        for number in 0..16 {
            pacing.handle_write(packet(start, PICTURES, number)).expect("never fails");
        }
        pacing.handle_write(report()).expect("never fails");
        assert_eq!(left(&mut pacing).last().map(|last| last.0), Some(0));
        // 9.6 Mbit/s are a packet in a millisecond.
        pacing.handle_timeout(start + Duration::from_millis(4)).expect("never fails");
        assert!((4..=5).contains(&left(&mut pacing).len()));
    }
}
