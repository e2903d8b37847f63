//! Our own links in the chain that RTP and RTCP pass through: the seam where stock parts of webrtc-rs are steered.
//! What the peer asks for is counted, heard, and answered in moderation.

use crate::estimating::{Reported, RoundTrip};
use media_core::{Bitrate, RepairPace};
use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};
use rtc::sansio;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tokio::sync::watch;

/// What an interceptor does with what comes in and, perhaps, with what goes out.
pub(crate) trait Tap: Send + Sync {
    fn read(&mut self, packet: &mut TaggedPacket);

    fn write(&mut self, _: &TaggedPacket) {}
}

/// An interceptor that looks at packets and passes everything on.
pub(crate) struct Tapped<T> {
    tap: T,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

/// What the peer asked for; webrtc-rs has these figures in its statistics, but never fills them.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    packets: AtomicU64,
    keyframes: AtomicU64,
}

impl Asked {
    /// Packets that the peer asked for again (NACK, RFC 4585 §6.2.1).
    pub(crate) fn packets(&self) -> u64 {
        self.packets.load(Relaxed)
    }

    /// Keyframes that the peer asked for (PLI, RFC 4585 §6.3.1; FIR, RFC 5104 §4.3.1).
    pub(crate) fn keyframes(&self) -> u64 {
        self.keyframes.load(Relaxed)
    }
}

/// What the reports speak of is read before the congestion control reads them.
pub(crate) fn reports(reported: Reported) -> impl Interceptor {
    Tapped::new(reported)
}

/// Counts what the peer asks for, and calls `keyframe_wanted` for each keyframe.
pub(crate) fn requests(asked: Arc<Asked>, keyframe_wanted: impl Fn() + Send + Sync) -> impl Interceptor {
    Tapped::new(Requests { asked, keyframe_wanted })
}

/// Before the responder: keeps from it what needs no answer, or none yet.
pub(crate) fn repairs(target: watch::Receiver<Bitrate>, round_trip: Arc<RoundTrip>) -> impl Interceptor {
    Tapped::new(Repairs { target, round_trip, pace: RepairPace::default() })
}

struct Repairs {
    target: watch::Receiver<Bitrate>,
    round_trip: Arc<RoundTrip>,
    pace: RepairPace,
}

impl Tap for Repairs {
    fn read(&mut self, packet: &mut TaggedPacket) {
        let now = packet.now;
        let Packet::Rtcp(reports) = &mut packet.message.packet else { return };
        let (round_trip, target) = (self.round_trip.get(), self.target.borrow().bps() as f64);
        for report in reports {
            let Some(nack) = report.as_any().downcast_ref::<TransportLayerNack>() else { continue };
            let lost = nack.nacks.iter().flat_map(|pair| pair.packet_list());
            let answered: Vec<u16> =
                lost.filter(|&number| self.pace.allows(now, (nack.media_ssrc, number), round_trip, target)).collect();
            let nacks = nack_pairs_from_sequence_numbers(&answered);
            *report = Box::new(TransportLayerNack { nacks, ..nack.clone() });
        }
    }
}

struct Requests<F> {
    asked: Arc<Asked>,
    keyframe_wanted: F,
}

impl<F: Fn() + Send + Sync> Tap for Requests<F> {
    fn read(&mut self, packet: &mut TaggedPacket) {
        let Packet::Rtcp(reports) = &packet.message.packet else { return };
        for report in reports.iter().map(|report| report.as_any()) {
            if let Some(nack) = report.downcast_ref::<TransportLayerNack>() {
                let packets = nack.nacks.iter().map(|pair| 1 + u64::from(pair.lost_packets.count_ones())).sum();
                self.asked.packets.fetch_add(packets, Relaxed);
            } else if report.is::<PictureLossIndication>() || report.is::<FullIntraRequest>() {
                self.asked.keyframes.fetch_add(1, Relaxed);
                (self.keyframe_wanted)();
            }
        }
    }
}

impl<T> Tapped<T> {
    fn new(tap: T) -> Self {
        Self { tap, reads: VecDeque::new(), writes: VecDeque::new() }
    }
}

impl<T: Tap> sansio::Protocol<TaggedPacket, TaggedPacket, ()> for Tapped<T> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        self.tap.read(&mut packet);
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.tap.write(&packet);
        self.writes.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl<T: Tap> Interceptor for Tapped<T> {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::interceptor::AttributedPacket;
    use rtc::rtcp::transport_feedbacks::transport_layer_nack::NackPair;
    use rtc::sansio::Protocol;
    use rtc::shared::TransportMessage;

    fn rtcp(report: impl rtc::rtcp::Packet + 'static) -> TaggedPacket {
        TransportMessage {
            now: Instant::now(),
            transport: Default::default(),
            message: AttributedPacket::new(Packet::Rtcp(vec![Box::new(report)])),
        }
    }

    #[test]
    fn a_keyframe_is_wanted_after_pli_and_fir_and_lost_packets_are_counted() {
        let (asked, wanted) = (Arc::<Asked>::default(), Arc::<AtomicU64>::default());
        let count = wanted.clone();
        let mut requests = requests(asked.clone(), move || {
            count.fetch_add(1, Relaxed);
        });
        let lost = [NackPair { packet_id: 7, lost_packets: 0b101 }, NackPair { packet_id: 90, lost_packets: 0 }];
        for report in [
            rtcp(PictureLossIndication::default()),
            rtcp(FullIntraRequest::default()),
            rtcp(rtc::rtcp::receiver_report::ReceiverReport::default()),
            rtcp(TransportLayerNack { nacks: lost.to_vec(), ..Default::default() }),
        ] {
            requests.handle_read(report).expect("never fails");
        }
        assert_eq!((wanted.load(Relaxed), asked.keyframes(), asked.packets()), (2, 2, 4));
        assert_eq!(std::iter::from_fn(|| requests.poll_read()).count(), 4, "all are passed on");
    }

    #[test]
    fn a_packet_that_is_asked_for_twice_is_answered_once() {
        let mut repairs = repairs(watch::channel(Bitrate::ZERO).1, Arc::default());
        let nack = TransportLayerNack {
            media_ssrc: 5,
            nacks: vec![NackPair { packet_id: 7, lost_packets: 0b101 }],
            ..Default::default()
        };
        let mut asked = |nack: &TransportLayerNack| {
            repairs.handle_read(rtcp(nack.clone())).expect("never fails");
            let Packet::Rtcp(reports) = repairs.poll_read().expect("passed on").message.packet else { unreachable!() };
            let nack = reports[0].as_any().downcast_ref::<TransportLayerNack>().expect("still one").clone();
            nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect::<Vec<u16>>()
        };
        // Nothing may be sent yet but the first burst.
        assert_eq!(asked(&nack), [7, 8, 10]);
        assert!(asked(&nack).is_empty());
        let other = TransportLayerNack { media_ssrc: 6, ..nack };
        assert_eq!(asked(&other), [7, 8, 10], "another stream");
    }
}
