//! Links in virtual time: what goes in at known times comes out as late, as rarely and in the order that was asked for.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::network::conditions::{Loss, Stall, Trace};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
struct Stamped {
    sent: Duration,
    bytes: u64,
}

impl Packet for Stamped {
    fn wire_bytes(&self) -> u64 {
        self.bytes
    }
}

/// One packet every `gap`; what arrives, as (sent, arrived).
fn drive(conditions: Conditions, packets: u32, bytes: u64, gap: Duration) -> (Vec<(Duration, Duration)>, Counters) {
    let mut link = Link::new(7);
    link.set(Duration::ZERO, conditions);
    let mut arrived = Vec::new();
    for number in 0..packets {
        let now = gap * number;
        arrived.extend(std::iter::from_fn(|| link.poll(now)));
        link.send(now, Stamped { sent: now, bytes });
    }
    while let Some(now) = link.deadline() {
        arrived.extend(std::iter::from_fn(|| link.poll(now)));
    }
    (arrived.into_iter().map(|(at, packet)| (packet.sent, at)).collect(), link.counters())
}

fn bits_per_second(arrived: &[(Duration, Duration)], bytes: usize) -> f64 {
    (arrived.len() * bytes * 8) as f64 / arrived.last().unwrap().1.as_secs_f64()
}

#[test]
fn a_fixed_delay_is_exact() {
    let (arrived, _) = drive(Conditions { delay: MS * 25, ..Conditions::default() }, 100, 100, MS);
    assert_eq!(arrived.len(), 100);
    assert!(arrived.iter().all(|(sent, at)| *at - *sent == MS * 25));
}

#[test]
fn the_rate_is_kept_and_the_full_queue_drops_the_tail() {
    let queue = QueueLimit::Time(MS * 200);
    let limited = Conditions { rate: Some(Bitrate::from_kbps(1000)), queue, ..Conditions::default() };
    // 2.4 Mbit/s are offered.
    let (arrived, counters) = drive(limited, 3000, 1000, Duration::from_nanos(3_333_333));
    let rate = bits_per_second(&arrived, 1000);
    assert!((rate - 1e6).abs() < 2e4, "{rate}");
    assert!(counters.queue_full.packets > 1500);
    let worst = arrived.iter().map(|(sent, at)| *at - *sent).max().unwrap();
    assert!((MS * 190..=MS * 210).contains(&worst), "{worst:?}");
}

#[test]
fn a_trace_gives_its_rate() {
    let trace = Arc::new(Trace::new((1..=100).map(|number| MS * 10 * number).collect()).unwrap());
    assert_eq!(trace.capacity(), Bitrate::from_kbps(1200));
    let conditions = Conditions { trace: Some(trace), queue: QueueLimit::Packets(50), ..Conditions::default() };
    // 2.4 Mbit/s are offered.
    let (arrived, _) = drive(conditions, 4000, 1500, MS * 5);
    let rate = bits_per_second(&arrived, 1500);
    assert!((rate - 1.2e6).abs() < 3e4, "{rate}");
}

#[test]
fn jitter_keeps_the_order_unless_told() {
    let jittery = Conditions { delay: MS * 50, jitter: MS * 20, ..Conditions::default() };
    let (arrived, _) = drive(jittery.clone(), 5000, 100, MS);
    assert!(arrived.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let (arrived, _) = drive(Conditions { jitter_reorders: true, ..jittery }, 5000, 100, MS);
    assert!(arrived.windows(2).any(|pair| pair[0].0 > pair[1].0));
}

#[test]
fn a_share_is_held_back_and_overtaken() {
    let conditions = Conditions { reordered: 0.1, held_back: MS * 20, ..Conditions::default() };
    let (arrived, _) = drive(conditions, 5000, 100, MS);
    let held = arrived.iter().filter(|(sent, at)| *at - *sent == MS * 20).count();
    assert!((400..600).contains(&held), "{held}");
    assert!(arrived.windows(2).any(|pair| pair[0].0 > pair[1].0));
}

#[test]
fn a_share_arrives_twice() {
    let (arrived, counters) = drive(Conditions { duplicates: 0.1, ..Conditions::default() }, 5000, 100, MS);
    assert!((5400..5600).contains(&arrived.len()), "{}", arrived.len());
    assert_eq!(counters.delivered.packets, arrived.len() as u64);
}

#[test]
fn a_changed_rate_applies_to_the_packet_that_is_leaving() {
    let at_rate = |bps| Conditions { rate: Some(Bitrate::from_bps(bps)), ..Conditions::default() };
    let mut link = Link::new(1);
    link.set(Duration::ZERO, at_rate(8000));
    link.send(Duration::ZERO, vec![0; 1000]);
    assert_eq!(link.deadline(), Some(SECOND));
    link.set(SECOND / 2, at_rate(80_000));
    assert_eq!(link.deadline(), Some(SECOND / 2 + SECOND / 20));
}

#[test]
fn a_stall_holds_and_then_lets_everything_go() {
    let stall = Some(Stall { every: SECOND, hold: MS * 200 });
    let (arrived, _) = drive(Conditions { stall, ..Conditions::default() }, 1000, 100, MS);
    assert!(arrived.iter().take(200).all(|(_, at)| *at == MS * 200));
    assert!(arrived.iter().skip(200).all(|(sent, at)| sent == at));
}

#[test]
fn the_backlog_is_told_in_bytes_and_as_time() {
    let mut link = Link::new(1);
    link.set(Duration::ZERO, Conditions { rate: Some(Bitrate::from_kbps(800)), ..Conditions::default() });
    for _ in 0..5 {
        link.send(Duration::ZERO, vec![0; 1000]);
    }
    assert_eq!(link.backlog(Duration::ZERO), Backlog { bytes: 5000, delay: MS * 50 });
    assert!(link.poll(MS * 4).is_none());
    assert_eq!(link.backlog(MS * 4), Backlog { bytes: 5000, delay: MS * 46 });
    assert_eq!(link.poll(MS * 15).map(|(at, _)| at), Some(MS * 10));
    assert_eq!(link.backlog(MS * 15), Backlog { bytes: 4000, delay: MS * 35 });
}

#[test]
fn going_down_drops_what_waits_but_not_what_is_under_way() {
    let conditions = Conditions { rate: Some(Bitrate::from_kbps(800)), delay: MS * 50, ..Conditions::default() };
    let mut link = Link::new(1);
    link.set(Duration::ZERO, conditions.clone());
    for _ in 0..5 {
        link.send(Duration::ZERO, vec![0; 1000]);
    }
    assert!(link.poll(MS * 15).is_none());
    link.set(MS * 15, Conditions { down: true, ..conditions });
    link.send(MS * 16, vec![0; 500]);
    assert_eq!(link.poll(SECOND).map(|(at, _)| at), Some(MS * 60));
    assert!(link.poll(SECOND).is_none());
    assert_eq!(link.counters().down, Tally { packets: 5, bytes: 4500 });
    assert_eq!(link.conditions().capacity(), Some(Bitrate::ZERO));
}

fn any_conditions() -> impl Strategy<Value = Conditions> {
    let times = (0u32..100, 0u32..50, 0u32..40);
    let shares = (0.0..0.3f64, 0.0..0.2f64, 0.0..0.2f64);
    (times, shares, prop::option::of(10u64..5000), any::<bool>(), prop::option::of(1u32..99)).prop_map(
        |((delay, jitter, held), (loss, duplicates, reordered), kbps, jitter_reorders, hold)| Conditions {
            delay: MS * delay,
            jitter: MS * jitter,
            held_back: MS * held,
            loss: Loss::Random(loss),
            duplicates,
            reordered,
            rate: kbps.map(Bitrate::from_kbps),
            jitter_reorders,
            stall: hold.map(|hold| Stall { every: MS * 100, hold: MS * hold }),
            ..Conditions::default()
        },
    )
}

proptest! {
    #[test]
    fn every_packet_is_accounted_for_and_none_arrives_before_it_was_sent(conditions in any_conditions()) {
        let at_least = if conditions.jitter > Duration::ZERO { Duration::ZERO } else { conditions.delay };
        let (arrived, counters) = drive(conditions, 300, 700, MS * 3);
        prop_assert!(arrived.iter().all(|(sent, at)| *at >= *sent + at_least));
        prop_assert!(arrived.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        prop_assert_eq!(counters.entered.packets, 300);
        let mut distinct: Vec<_> = arrived.iter().map(|(sent, _)| *sent).collect();
        distinct.sort();
        distinct.dedup();
        let dropped = counters.lost.packets + counters.queue_full.packets;
        prop_assert_eq!(distinct.len() as u64 + dropped, 300);
    }
}
