//! What a call sounds like through networks of every kind, in virtual time.
//! Each test is one network, sender or player and what it may cost.

use std::time::{Duration, Instant};

use super::simulation::{Arrival, Call, Dice};
use super::*;
use crate::RtpPacket;

#[test]
fn a_clean_path_costs_little_delay_and_conceals_nothing() {
    let mut dice = Dice(1);
    let outcome = Call::new(60, |_| Some(0.03 + 0.002 * dice.unit())).run();
    outcome.assert_in_order();
    assert_eq!(outcome.concealed, 0);
    assert!(outcome.played.len() >= 2_997, "all but the last ones are played: {}", outcome.played.len());
    let (least, most) = outcome.delay_range(3.0, 60.0);
    assert!(least >= 15.0 && most <= 40.0, "{least}..{most} ms");
    assert_eq!(outcome.figures.delay, Duration::from_millis(20));
    assert_eq!((outcome.figures.lost, outcome.figures.late, outcome.figures.duplicates), (0, 0, 0));
}

#[test]
fn the_delay_covers_the_jitter_and_not_much_more() {
    for (jitter, most_allowed) in [(0.03, 60.0), (0.06, 90.0), (0.1, 130.0)] {
        let mut dice = Dice(2);
        let outcome = Call::new(120, |_| Some(0.03 + jitter * dice.unit())).run();
        outcome.assert_in_order();
        assert!(outcome.concealment() < 0.001, "{jitter} s: {} concealed", outcome.concealment());
        let (_, most) = outcome.delay_range(10.0, 120.0);
        assert!(most <= most_allowed, "{jitter} s: {most} ms");
    }
}

#[test]
fn single_losses_are_restored_from_the_packet_after() {
    let mut dice = Dice(3);
    let outcome = Call::new(120, |_| (dice.unit() >= 0.05).then(|| 0.03 + 0.005 * dice.unit())).run();
    outcome.assert_in_order();
    let lost = outcome.figures.lost;
    assert!((250..350).contains(&lost), "{lost} lost");
    assert!(outcome.figures.recovered * 10 >= lost * 9, "{} of {lost} recovered", outcome.figures.recovered);
    assert!(outcome.concealment() < 0.005, "{}", outcome.concealment());
    let (_, most) = outcome.delay_range(10.0, 120.0);
    assert!(most <= 60.0, "loss alone does not grow the delay beyond one packet: {most} ms");
}

#[test]
fn a_burst_of_losses_is_concealed_but_for_its_last_packet() {
    // 2 s of light loss let the delay make room for FEC; then three packets in a row are lost.
    let network = |number| (number % 20 != 0 || number > 110).then_some(0.03).filter(|_| !(500..503).contains(&number));
    let outcome = Call::new(20, network).run();
    let before = Call::new(10, network).run();
    assert_eq!(outcome.concealed - before.concealed, 2 * 960);
    assert_eq!(outcome.restored - before.restored, 1);
    assert_eq!(outcome.figures.concealed_events - before.figures.concealed_events, 1);
    let (_, most) = outcome.delay_range(10.0, 20.0);
    assert!(most <= 45.0, "{most} ms");
}

#[test]
fn a_stall_of_the_network_costs_no_words_and_its_delay_goes_away() {
    // What is sent in these 200 ms arrives at their end, all at once.
    let stall = |number| Some(0.03 + if (500..510).contains(&number) { f64::from(510 - number) * 0.02 } else { 0.0 });
    let outcome = Call::new(30, stall).run();
    outcome.assert_in_order();
    assert!(outcome.played.len() >= 1_497, "every packet is played: {}", outcome.played.len());
    assert!(outcome.delay_range(10.2, 10.6).0 >= 120.0);
    assert!(outcome.delay_range(15.0, 30.0).1 <= 45.0, "{:?}", outcome.delay_range(15.0, 30.0));
    assert!((8..=10).contains(&outcome.figures.late), "{}", outcome.figures.late);
    assert_eq!((outcome.figures.lost, outcome.figures.skipped), (0, 0));
}

#[test]
fn after_a_long_stall_old_sound_is_skipped() {
    let stall = |number| Some(0.03 + if (500..575).contains(&number) { f64::from(575 - number) * 0.02 } else { 0.0 });
    let outcome = Call::new(30, stall).run();
    outcome.assert_in_order();
    assert!(outcome.delay_range(11.0, 30.0).1 <= 45.0, "{:?}", outcome.delay_range(11.0, 30.0));
    assert!(outcome.figures.skipped >= 50, "{:?}", outcome.figures);
    assert_eq!(outcome.figures.lost, 0);
}

#[test]
fn drifting_clocks_never_add_delay() {
    for drift in [-200e-6, 200e-6] {
        let mut dice = Dice(4);
        let mut call = Call::new(600, |_| Some(0.03 + 0.01 * dice.unit()));
        call.player_drift = drift;
        let outcome = call.run();
        outcome.assert_in_order();
        assert!(outcome.concealment() < 0.0005, "{drift}: {}", outcome.concealment());
        for minute in 1..10 {
            let (least, most) = outcome.delay_range(f64::from(minute) * 60.0, f64::from(minute + 1) * 60.0);
            assert!(least >= 12.0 && most <= 45.0, "{drift}, minute {minute}: {least}..{most} ms");
        }
        assert!(outcome.figures.buffered <= Duration::from_millis(60), "{:?}", outcome.figures.buffered);
    }
}

#[test]
fn a_player_that_cannot_stretch_is_bounded_as_well() {
    let mut call = Call::new(3600, |_| Some(0.03));
    (call.player_drift, call.pitch) = (-200e-6, 0);
    let outcome = call.run();
    outcome.assert_in_order();
    let (_, most) = outcome.delay_range(0.0, 3600.0);
    assert!(most <= 272.0, "{most} ms after an hour, of 720 ms");
}

#[test]
fn a_player_that_asks_for_40_ms_at_once_gets_the_delay_for_it() {
    let mut call = Call::new(60, |_| Some(0.03));
    call.burst = 4;
    let outcome = call.run();
    outcome.assert_in_order();
    assert!(outcome.concealment() < 0.002, "{}", outcome.concealment());
    assert!(outcome.delay_range(10.0, 60.0).1 <= 75.0, "{:?}", outcome.delay_range(10.0, 60.0));
}

#[test]
fn a_player_that_stood_still_goes_on_with_fresh_sound() {
    let mut call = Call::new(30, |_| Some(0.03));
    call.player_stall = (10.0, 2.0);
    let outcome = call.run();
    outcome.assert_in_order();
    assert!(outcome.delay_range(12.0, 30.0).1 <= 45.0, "{:?}", outcome.delay_range(12.0, 30.0));
    assert!((90..=102).contains(&outcome.figures.skipped), "{}", outcome.figures.skipped);
}

#[test]
fn a_longer_route_is_followed_and_a_shorter_one_too() {
    let route = |number| Some(if (1000..3000).contains(&number) { 0.13 } else { 0.03 });
    let outcome = Call::new(120, route).run();
    outcome.assert_in_order();
    assert_eq!((outcome.figures.lost, outcome.figures.skipped), (0, 0));
    assert!(outcome.concealment() < 0.002, "{}", outcome.concealment());
    let settled = outcome.delay_range(40.0, 60.0);
    assert!(settled.1 <= 45.0, "the longer route is not held against its packets: {settled:?}");
    assert!(outcome.delay_range(100.0, 120.0).1 <= 45.0, "{:?}", outcome.delay_range(100.0, 120.0));
}

#[test]
fn other_packet_lengths_are_learnt() {
    for (samples, per_second) in [(480, 100), (1920, 25), (2880, 16)] {
        let mut call = Call::new(60, |_| Some(0.0));
        let mut dice = Dice(5);
        let length = f64::from(samples) / 48_000.0;
        call.samples = samples;
        call.arrivals = (0..60 * per_second)
            .filter(|number| number % 20 != 7)
            .map(|number| (f64::from(number) * length + 0.03 + 0.005 * dice.unit(), number))
            .collect();
        let outcome = call.run();
        outcome.assert_in_order();
        let lost = outcome.figures.lost;
        assert!(lost.abs_diff(u64::from(60 * per_second / 20)) <= 1);
        assert!(outcome.figures.recovered * 10 >= lost * 8, "{samples}: {} of {lost}", outcome.figures.recovered);
        assert!(outcome.concealment() < 0.02, "{samples}: {}", outcome.concealment());
        let most = outcome.delay_range(10.0, 60.0).1;
        assert!(most <= 45.0 + length * 1e3, "{samples}: {most} ms");
    }
}

#[test]
fn a_sender_that_starts_anew_is_followed_at_once() {
    let outcome = Call::new(20, |_| Some(0.03)).run_with(|packet| match packet.payload {
        ..500 => packet,
        _ => RtpPacket {
            sequence_number: packet.sequence_number.wrapping_add(20_000),
            timestamp: packet.timestamp.wrapping_add(1 << 30),
            ..packet
        },
    });
    outcome.assert_in_order();
    assert!(outcome.played.len() >= 995, "at most two packets are lost in it: {}", outcome.played.len());
    assert!(outcome.delay_range(10.0, 20.0).1 <= 60.0);
    assert!(outcome.figures.lost <= 1, "{:?}", outcome.figures);
}

#[test]
fn a_sender_that_steps_back_a_little_is_followed_before_long() {
    let outcome = Call::new(20, |_| Some(0.03)).run_with(|packet| match packet.payload {
        ..500 => packet,
        _ => RtpPacket { sequence_number: packet.sequence_number.wrapping_sub(90), ..packet },
    });
    assert!(outcome.played.len() >= 900, "{}", outcome.played.len());
}

#[test]
fn a_jump_of_the_timestamps_alone_is_followed_at_once() {
    for jump in [1_u32 << 30, 0_u32.wrapping_sub(1 << 30), 48_000 * 3] {
        let outcome = Call::new(20, |_| Some(0.03)).run_with(|packet| match packet.payload {
            ..500 => packet,
            _ => RtpPacket { timestamp: packet.timestamp.wrapping_add(jump), ..packet },
        });
        outcome.assert_in_order();
        assert!(outcome.played.len() >= 990, "{jump}: {}", outcome.played.len());
        assert!(outcome.delay_range(11.0, 20.0).1 <= 45.0, "{jump}: {:?}", outcome.delay_range(11.0, 20.0));
    }
}

#[test]
fn a_pause_of_the_sender_is_silence_and_not_loss() {
    // Speech for 2 s, then 3 s with one packet each 400 ms, as Opus DTX sends them: in sequence, with a gap in the timestamps.
    let sent = |number: u32| number % 250 < 100 || number.is_multiple_of(20);
    let mut call = Call::new(60, |number| sent(number).then_some(0.03));
    let numbers: Vec<u32> = (0..3000).filter(|&number| sent(number)).collect();
    call.first_sequence = 0;
    let outcome = call.run_with(|packet| {
        let position = numbers.iter().position(|&number| number == packet.payload).expect("only sent packets arrive");
        RtpPacket { sequence_number: position as u16, ..packet }
    });
    outcome.assert_in_order();
    assert_eq!(outcome.played.len(), numbers.len());
    assert_eq!((outcome.figures.lost, outcome.figures.skipped, outcome.restored), (0, 0, 0));
    // Only the beginning of a pause cannot be told from loss: 100 ms each.
    assert!(outcome.concealed <= 12 * 4800, "{}", outcome.concealed / 960);
    assert!(outcome.delay_range(5.0, 60.0).1 <= 60.0, "{:?}", outcome.delay_range(5.0, 60.0));
}

#[test]
fn copies_are_dropped_and_counted() {
    let mut call = Call::new(20, |_| Some(0.03));
    let copies: Vec<Arrival> = call.arrivals.iter().map(|&(arrived, number)| (arrived + 0.3, number)).collect();
    call.arrivals.extend(copies);
    let outcome = call.run();
    outcome.assert_in_order();
    assert_eq!((outcome.figures.received, outcome.figures.duplicates), (1000, 1000));
    assert_eq!((outcome.figures.lost, outcome.figures.late), (0, 0));
}

#[test]
fn a_packet_after_its_time_is_late_and_not_lost() {
    let outcome = Call::new(20, |number| Some(if number % 100 == 50 { 0.5 } else { 0.03 })).run();
    outcome.assert_in_order();
    assert_eq!((outcome.figures.late, outcome.figures.lost), (10, 0));
    assert!(outcome.delay_range(5.0, 20.0).1 <= 65.0, "one in a hundred does not grow the delay");
}

#[test]
fn a_packet_that_overtakes_the_first_one_changes_nothing() {
    let outcome = Call::new(2, |number| Some(if number == 0 { 0.055 } else { 0.03 })).run();
    outcome.assert_in_order();
    assert_eq!(outcome.played.first().map(|first| first.1), Some(0));
}

#[test]
fn nothing_is_played_before_anything_came() {
    let mut buffer = PlayoutBuffer::<u8>::new(PlayoutConfig::default());
    assert_eq!(buffer.next(Instant::now()), Playout::Silence);
    assert_eq!(buffer.figures(), PlayoutFigures { delay: Duration::from_millis(30), ..PlayoutFigures::default() });
}

mod arbitrary {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes in at whatever time, nothing panics, every packet comes out once at most, and the bounds hold.
        #[test]
        fn packets_never_break_the_buffer(
            steps in prop::collection::vec(
                (0_u64..60, prop_oneof![0_u16..4, any::<u16>()], prop_oneof![Just(0_u32), any::<u32>()], 0_u8..4),
                1..600,
            ),
        ) {
            let config = PlayoutConfig::default();
            let mut buffer = PlayoutBuffer::new(config);
            let mut now = Instant::now();
            let (mut sequence_number, mut timestamp) = (0_u16, 0_u32);
            let mut played = std::collections::HashSet::new();
            for (index, (passed, step, jump, asked)) in steps.into_iter().enumerate() {
                now += Duration::from_millis(passed);
                sequence_number = sequence_number.wrapping_add(step);
                timestamp = timestamp.wrapping_add(u32::from(step) * 960).wrapping_add(jump);
                buffer.insert(now, RtpPacket { sequence_number, timestamp, marker: false, payload: index, arrived: now });
                for _ in 0..asked {
                    if let Playout::Packet { payload, .. } = buffer.next(now) {
                        prop_assert!(played.insert(payload), "a packet is played once");
                    }
                }
                let figures = buffer.figures();
                prop_assert!((config.min_delay..=config.max_delay).contains(&figures.delay));
                prop_assert!((120..=5760).contains(&buffer.packet_samples()));
                prop_assert!(figures.late <= figures.received);
            }
        }
    }
}
