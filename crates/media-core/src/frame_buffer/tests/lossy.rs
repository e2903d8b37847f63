//! Pictures over a path that loses packets in both directions, from a sender that answers each time it is asked.

use std::collections::{BTreeMap, HashMap};

use super::*;

/// What somebody who watches for half a minute sees.
#[derive(Debug, Default)]
struct Watched {
    keyframe_requests: u64,
    /// Milliseconds between two frames at most.
    longest: u64,
    /// Packets that came for nothing, for each that was lost.
    needless: f64,
}

/// That share is lost, of what is sent and of what is asked; answers take that many milliseconds.
fn watch(loss: f64, answer: u64, mut seed: u64) -> Watched {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    let mut sent: HashMap<u16, Packet> = HashMap::new();
    let mut under_way: BTreeMap<u64, Vec<Packet>> = BTreeMap::new();
    let mut questions: BTreeMap<u64, Vec<u16>> = BTreeMap::new();
    let (mut lost, mut keyframe) = (0_u64, true);
    let mut loses = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) as f64) < loss * (1_u64 << 31) as f64
    };
    let (mut longest, mut shown, mut frames) = (0, 0, 0);
    for now in 0..30_000_u64 {
        if now % 33 == 0 {
            sender.frame = (now / 33 % 250) as u8;
            for (index, packet) in sender.frame(keyframe, if keyframe { 30 } else { 4 }).into_iter().enumerate() {
                sent.insert(packet.0.sequence_number, packet.clone());
                let is_lost = loses();
                lost += u64::from(is_lost);
                if !is_lost {
                    under_way.entry(now + answer / 2 + index as u64 / 4).or_default().push(packet);
                }
            }
            keyframe = false;
        }
        for number in questions.remove(&now).unwrap_or_default() {
            if !loses() {
                under_way.entry(now + answer / 2).or_default().push(sent[&number].clone());
            }
        }
        match under_way.remove(&now) {
            Some(packets) => receiver.receive(now, packets),
            None if receiver.deadline().is_some_and(|at| at <= now) => receiver.poll(now),
            None => continue,
        }
        for (_, numbers) in receiver.asked.drain(..) {
            if !loses() {
                questions.entry(now + answer / 2).or_default().extend(numbers);
            }
        }
        keyframe |= receiver.outputs().contains('?');
        if receiver.frames.len() > frames {
            frames = receiver.frames.len();
            longest = longest.max(now - shown);
            shown = now;
        }
    }
    let figures = receiver.buffer.figures();
    Watched { keyframe_requests: figures.keyframe_requests, longest, needless: figures.duplicates as f64 / lost as f64 }
}

#[test]
fn pictures_go_on_over_a_path_that_loses_packets() {
    // loss, milliseconds of an answer → keyframes in ten minutes, longest time without a picture
    for (loss, answer, keyframes, longest) in [
        (0.0, 100, 0, 60),
        (0.05, 20, 0, 200),
        (0.05, 50, 0, 300),
        (0.05, 100, 0, 500),
        (0.05, 200, 5, 1000),
        (0.1, 50, 2, 400),
    ] {
        let mut all = Watched::default();
        for seed in 1..=20 {
            let watched = watch(loss, answer, seed);
            all.keyframe_requests += watched.keyframe_requests;
            all.longest = all.longest.max(watched.longest);
            all.needless += watched.needless / 20.0;
        }
        assert!(all.keyframe_requests <= keyframes && all.longest <= longest, "{loss}, {answer} ms: {all:?}");
        assert!(loss == 0.0 || all.needless < 0.05, "{loss}, {answer} ms: {all:?}");
    }
}
