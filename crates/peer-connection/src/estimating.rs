//! Our own bandwidth estimate in the place of the stock one: webrtc-rs keeps the books, and here they are read and published.
//! Packets of which no report came are told from lost ones, which the books do not: where reports get lost, they were believed
//! to be, and the estimate of a wide link fell to nothing.

use media_core::{Arrival, BandwidthEstimate, Bitrate, Fate};
use rtc::interceptor::{BandwidthEstimator, Packet, PacketReport, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

use crate::interceptors::Tap;

/// A peer that has told nothing of what it was sent for so long never will (it may not speak transport-wide congestion control).
/// It gets what most links carry, and the person's own bound is all that holds it.
const SILENCE: Duration = Duration::from_secs(2);
const UNREPORTED: Bitrate = Bitrate::from_kbps(1_000);

/// The estimate never falls below what sound and a barely moving picture need.
const MIN_BITRATE: Bitrate = Bitrate::from_kbps(100);

/// Reports that are remembered: those of a second and a half, where all come at once after a silence.
const REPORTS: usize = 16;

/// The estimate, with its target published.
pub(crate) struct PublishingEstimator {
    estimate: BandwidthEstimate,
    target: watch::Sender<Bitrate>,
    round_trip: Arc<RoundTrip>,
    reported: Reported,
    fates: Vec<Fate>,
    /// The most that may be aimed at where nothing is told.
    unreported: Bitrate,
}

/// The round trip as the estimator knows it, for the other links of the chain: in microseconds, and 0 before it is known.
#[derive(Debug, Default)]
pub(crate) struct RoundTrip(AtomicU64);

impl RoundTrip {
    fn set(&self, time: Duration) {
        self.0.store(u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1), Relaxed);
    }

    pub(crate) fn get(&self) -> Option<Duration> {
        Some(Duration::from_micros(self.0.load(Relaxed))).filter(|time| !time.is_zero())
    }
}

/// Which packets the last reports spoke of, and whether any has come.
///
/// As a link nearer to the wire than the congestion control it reads each report before that does.
#[derive(Clone, Default)]
pub(crate) struct Reported(Arc<Mutex<Reports>>);

#[derive(Default)]
struct Reports {
    /// Their first transport-wide numbers, and how many.
    ranges: VecDeque<(u16, u16)>,
    /// When the first packet left.
    began: Option<Instant>,
}

impl Reported {
    fn speak_of(&self, number: u16) -> bool {
        self.lock().ranges.iter().any(|&(first, count)| number.wrapping_sub(first) < count)
    }

    fn fate(&self, report: &PacketReport) -> Fate {
        let arrival = match report.arrival.filter(|_| report.arrived) {
            Some(time) => Arrival::At(time),
            None if report.is_twcc && !self.speak_of(report.twcc_sequence_number) => Arrival::Untold,
            None => Arrival::Lost,
        };
        Fate { size: report.size, sent: report.departure, arrival }
    }

    /// When the peer will have told nothing for too long; `None` before anything has left and after anything was told.
    fn silence(&self) -> Option<Instant> {
        let reports = self.lock();
        reports.began.filter(|_| reports.ranges.is_empty()).map(|began| began + SILENCE)
    }

    fn lock(&self) -> MutexGuard<'_, Reports> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for Reported {
    fn read(&mut self, packet: &mut TaggedPacket) {
        let Packet::Rtcp(reports) = &packet.message.packet else { return };
        for report in reports.iter().filter_map(|report| report.as_any().downcast_ref::<TransportLayerCc>()) {
            let ranges = &mut self.lock().ranges;
            ranges.truncate(REPORTS - 1);
            ranges.push_front((report.base_sequence_number, report.packet_status_count));
        }
    }

    fn write(&mut self, packet: &TaggedPacket) {
        if matches!(packet.message.packet, Packet::Rtp(_)) {
            self.lock().began.get_or_insert(packet.now);
        }
    }
}

impl PublishingEstimator {
    pub(crate) fn new(
        start: Bitrate,
        max: Bitrate,
        target: watch::Sender<Bitrate>,
        round_trip: Arc<RoundTrip>,
        reported: Reported,
    ) -> Self {
        let estimate = BandwidthEstimate::new(start, MIN_BITRATE, max);
        let unreported = UNREPORTED.min(max).max(estimate.target());
        Self { estimate, target, round_trip, reported, fates: Vec::new(), unreported }
    }

    fn publish(&self, target: Bitrate) {
        self.target.send_if_modified(|last| std::mem::replace(last, target) != target);
    }
}

impl BandwidthEstimator for PublishingEstimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        self.fates.clear();
        self.fates.extend(reports.iter().map(|report| self.reported.fate(report)));
        self.estimate.told(now, &self.fates);
        if let Some(time) = self.estimate.round_trip() {
            self.round_trip.set(time);
        }
        self.publish(self.estimate.target());
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| now >= at) {
            self.publish(self.unreported);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.reported.silence().filter(|_| *self.target.borrow() != self.unreported)
    }

    fn target_bitrate(&self) -> f64 {
        self.estimate.target().bps() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::interceptor::AttributedPacket;
    use rtc::shared::TransportMessage;

    fn estimator(start: Bitrate, max: Bitrate, reported: Reported) -> PublishingEstimator {
        PublishingEstimator::new(start, max, watch::channel(Bitrate::ZERO).0, Arc::default(), reported)
    }

    #[test]
    fn the_estimate_starts_where_it_is_told_and_stays_under_the_cap() {
        let of = |start, max| estimator(start, max, Reported::default()).target_bitrate();
        assert_eq!(of(Bitrate::from_kbps(1_000), Bitrate::from_kbps(600)), 600_000.0);
        assert_eq!(of(Bitrate::from_kbps(1_000), Bitrate::from_kbps(10)), MIN_BITRATE.bps() as f64);
    }

    #[test]
    fn a_packet_is_lost_only_if_a_report_says_so() {
        let mut reported = Reported::default();
        let kbps = Bitrate::from_kbps(1_000);
        let estimator = estimator(kbps, kbps, reported.clone());
        for (first, count) in [(65_530, 10), (100, 5)] {
            let report =
                TransportLayerCc { base_sequence_number: first, packet_status_count: count, ..Default::default() };
            reported.read(&mut TransportMessage {
                now: Instant::now(),
                transport: Default::default(),
                message: AttributedPacket::new(Packet::Rtcp(vec![Box::new(report)])),
            });
        }
        let time = Duration::from_millis(7);
        for (number, arrival, expected) in [
            (65_529, None, Arrival::Untold),
            (65_530, None, Arrival::Lost),
            (3, None, Arrival::Lost),
            (4, None, Arrival::Untold),
            (104, None, Arrival::Lost),
            (104, Some(time), Arrival::At(time)),
        ] {
            let report = PacketReport {
                ssrc: 1,
                id: 1,
                rtp_sequence_number: 9,
                is_twcc: true,
                twcc_sequence_number: number,
                size: 1_200,
                arrived: arrival.is_some(),
                departure: Instant::now(),
                arrival,
                ecn: Default::default(),
            };
            assert_eq!(reported.fate(&report).arrival, expected, "{number}");
        }
        assert!(!estimator.reported.speak_of(50));
        assert_eq!(estimator.reported.lock().ranges.len(), 2);
        assert_eq!(estimator.poll_timeout(), None);
    }

    #[test]
    fn a_peer_that_tells_nothing_gets_what_most_links_carry() {
        for (max, expected) in [(4_000, 1_000), (600, 600)] {
            let (target, published) = watch::channel(Bitrate::ZERO);
            let (mut reported, start) = (Reported::default(), Instant::now());
            let max = Bitrate::from_kbps(max);
            let begin = Bitrate::from_kbps(250);
            let mut estimator = PublishingEstimator::new(begin, max, target, Arc::default(), reported.clone());
            assert_eq!(estimator.poll_timeout(), None, "nothing has left yet");
            reported.write(&TransportMessage {
                now: start,
                transport: Default::default(),
                message: AttributedPacket::new(Packet::Rtp(Default::default())),
            });
            assert_eq!(estimator.poll_timeout(), Some(start + SILENCE));
            estimator.handle_timeout(start + SILENCE / 2);
            assert_eq!(*published.borrow(), Bitrate::ZERO);
            estimator.handle_timeout(start + SILENCE);
            assert_eq!(*published.borrow(), Bitrate::from_kbps(expected));
            assert_eq!(estimator.poll_timeout(), None, "it is published once");
            // Who was only slow is estimated after all.
            estimator.on_reports(start + 2 * SILENCE, &[]);
            assert_eq!(*published.borrow(), begin);
        }
    }
}
