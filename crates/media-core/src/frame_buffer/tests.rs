//! What comes out of the frame buffer for packets in every order, in virtual time.
//! A frame is written `K3` or `D3`, keyframe or not and its number; `?` is a request for a keyframe.

mod due;
mod lossy;

use std::time::{Duration, Instant};

use super::*;
use crate::RtpPacket;

type Packet = (RtpPacket<Vec<u8>>, PayloadInfo);

/// A camera at 30 pictures a second whose counters wrap around within the first frames.
struct Sender {
    sequence_number: u16,
    timestamp: u32,
    frame: u8,
}

impl Sender {
    fn new() -> Self {
        Self { sequence_number: 65_530, timestamp: u32::MAX - 7000, frame: 0 }
    }

    /// The packets of the next frame; their payload is the frame's number and their own.
    fn frame(&mut self, keyframe: bool, packets: u8) -> Vec<Packet> {
        let frame = (0..packets).map(|index| {
            let info = PayloadInfo { starts_frame: index == 0, keyframe };
            self.packet(index + 1 == packets, vec![self.frame, index], info)
        });
        let frame = frame.collect();
        self.frame += 1;
        self.timestamp = self.timestamp.wrapping_add(3000);
        frame
    }

    fn padding(&mut self) -> Packet {
        self.packet(false, Vec::new(), PayloadInfo::default())
    }

    fn packet(&mut self, marker: bool, payload: Vec<u8>, info: PayloadInfo) -> Packet {
        let sequence_number = self.sequence_number;
        self.sequence_number = sequence_number.wrapping_add(1);
        (RtpPacket { sequence_number, timestamp: self.timestamp, marker, payload, arrived: Instant::now() }, info)
    }
}

/// A buffer and what came out of it so far.
struct Receiver {
    buffer: FrameBuffer<Vec<u8>>,
    start: Instant,
    frames: Vec<EncodedFrame<Vec<u8>>>,
    outputs: Vec<String>,
    /// When packets were asked for, and which.
    asked: Vec<(u64, Vec<u16>)>,
}

impl Receiver {
    fn new() -> Self {
        Self {
            buffer: FrameBuffer::new(FrameBufferConfig::default()),
            start: Instant::now(),
            frames: Vec::new(),
            outputs: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    /// These packets arrive; then all output is taken.
    fn receive(&mut self, millis: u64, packets: impl IntoIterator<Item = Packet>) {
        let now = self.at(millis);
        for (packet, info) in packets {
            self.buffer.insert(now, RtpPacket { arrived: now, ..packet }, info);
        }
        self.poll(millis);
    }

    fn poll(&mut self, millis: u64) {
        while let Some(output) = self.buffer.poll(self.at(millis)) {
            match output {
                FrameOutput::Frame(frame) => {
                    let kind = if frame.keyframe { 'K' } else { 'D' };
                    self.outputs.push(format!("{kind}{}", frame.packets[0][0]));
                    let whole =
                        frame.packets.iter().enumerate().all(|(index, payload)| usize::from(payload[1]) == index);
                    assert!(whole, "the payloads of a frame are in order, from the first one on");
                    self.frames.push(frame);
                }
                FrameOutput::KeyframeNeeded => self.outputs.push("?".into()),
                FrameOutput::PacketsMissing(numbers) => self.asked.push((millis, numbers)),
            }
        }
    }

    fn deadline(&self) -> Option<u64> {
        self.buffer.deadline().map(|at| at.duration_since(self.start).as_millis() as u64)
    }

    /// What came out since this was asked last.
    fn outputs(&mut self) -> String {
        std::mem::take(&mut self.outputs).join(" ")
    }
}

/// A receiver that has just got the keyframe `K0` at 0 ms.
fn started() -> (Sender, Receiver) {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    receiver.receive(0, sender.frame(true, 4));
    assert_eq!(receiver.outputs(), "K0");
    (sender, receiver)
}

#[test]
fn whole_frames_come_out_at_once_across_the_wraparound() {
    let (mut sender, mut receiver) = started();
    for frame in 1..200_u64 {
        receiver.receive(frame * 33, sender.frame(frame % 50 == 0, (frame % 7 + 1) as u8));
        assert_eq!(receiver.outputs(), format!("{}{frame}", if frame % 50 == 0 { 'K' } else { 'D' }));
    }
    let figures = receiver.buffer.figures();
    assert_eq!((figures.frames_complete, figures.keyframes, figures.lost, figures.frames_dropped), (200, 4, 0, 0));
    assert_eq!(receiver.deadline(), None);
}

#[test]
fn order_does_not_matter() {
    let (mut sender, mut receiver) = started();
    let mut packets: Vec<Packet> = (0..3).flat_map(|_| sender.frame(false, 3)).collect();
    packets.reverse();
    for (index, packet) in packets.into_iter().enumerate() {
        receiver.receive(index as u64, [packet]);
    }
    assert_eq!(receiver.outputs(), "D1 D2 D3");
    assert_eq!(receiver.buffer.figures().repaired, 8);
}

#[test]
fn packets_may_overtake_the_very_first_one() {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    let mut packets = sender.frame(true, 4);
    packets.swap(0, 2);
    for packet in packets {
        receiver.receive(1, [packet]);
    }
    assert_eq!(receiver.outputs(), "K0");
}

#[test]
fn copies_are_dropped_and_counted() {
    let (mut sender, mut receiver) = started();
    let frame = sender.frame(false, 3);
    receiver.receive(33, frame[..2].iter().chain(&frame[..2]).cloned());
    receiver.receive(34, frame.iter().chain(&frame).cloned());
    assert_eq!(receiver.outputs(), "D1");
    let figures = receiver.buffer.figures();
    assert_eq!((figures.packets, figures.duplicates), (7, 7));
}

#[test]
fn padding_is_passed_over_within_and_between_frames() {
    let (mut sender, mut receiver) = started();
    receiver.receive(20, [sender.padding(), sender.padding()]);
    let first = sender.packet(false, vec![1, 0], PayloadInfo::default());
    let padding = sender.padding();
    let last = sender.packet(true, vec![1, 1], PayloadInfo::default());
    receiver.receive(33, [first, last, padding, sender.padding()]);
    assert_eq!(receiver.outputs(), "D1");
    assert_eq!(receiver.frames[1].packets.len(), 2);
    sender.timestamp += 3000;
    sender.frame = 2;
    receiver.receive(66, sender.frame(false, 1));
    assert_eq!(receiver.outputs(), "D2");
}

#[test]
fn a_frame_without_a_marker_ends_where_the_next_one_begins() {
    let (mut sender, mut receiver) = started();
    let mut frame = sender.frame(false, 2);
    frame[1].0.marker = false;
    receiver.receive(33, frame);
    assert_eq!(receiver.outputs(), "");
    receiver.receive(66, sender.frame(false, 2).drain(..1));
    assert_eq!(receiver.outputs(), "D1");
}

#[test]
fn a_retransmission_in_time_repairs_the_chain() {
    let (mut sender, mut receiver) = started();
    let mut frame = sender.frame(false, 3);
    let lost = frame.remove(1);
    receiver.receive(33, frame);
    assert_eq!((receiver.outputs().as_str(), receiver.deadline()), ("", Some(33 + 5)));
    receiver.receive(66, sender.frame(false, 3));
    assert_eq!(receiver.asked, [(66, vec![lost.0.sequence_number])]);
    assert_eq!((receiver.outputs().as_str(), receiver.deadline()), ("", Some(66 + 100)));
    receiver.receive(202, [lost]);
    assert_eq!(receiver.outputs(), "D1 D2");
    let figures = receiver.buffer.figures();
    assert_eq!((figures.repaired, figures.lost, figures.keyframe_requests), (1, 0, 0));
}

#[test]
fn a_packet_that_never_comes_costs_its_chain_and_a_keyframe_goes_on() {
    let (mut sender, mut receiver) = started();
    let mut frame = sender.frame(false, 3);
    let lost = frame.remove(1);
    receiver.receive(33, frame);
    receiver.receive(66, sender.frame(false, 3));
    receiver.poll(552);
    assert_eq!(receiver.outputs(), "");
    receiver.poll(653);
    assert_eq!(receiver.outputs(), "?");
    receiver.receive(660, [lost]);
    receiver.receive(690, sender.frame(false, 3));
    assert_eq!((receiver.outputs().as_str(), receiver.deadline()), ("", Some(953)), "the frames between are of no use");
    receiver.receive(720, sender.frame(true, 9));
    receiver.receive(750, sender.frame(false, 3));
    assert_eq!(receiver.outputs(), "K4 D5");
    let figures = receiver.buffer.figures();
    assert_eq!((figures.lost, figures.frames_dropped, figures.keyframe_requests, figures.duplicates), (1, 3, 1, 1));
}

#[test]
fn losing_whole_frames_breaks_the_chain_as_well() {
    let (mut sender, mut receiver) = started();
    for _ in 0..2 {
        sender.frame(false, 3);
    }
    for frame in 3..23 {
        receiver.receive(frame * 33, sender.frame(false, 3));
    }
    assert_eq!(receiver.outputs(), "?");
    assert_eq!(receiver.buffer.figures().lost, 6);
}

#[test]
fn a_keyframe_behind_a_gap_is_not_kept_waiting() {
    let (mut sender, mut receiver) = started();
    sender.frame(false, 2);
    receiver.receive(66, sender.frame(true, 3));
    assert_eq!((receiver.outputs().as_str(), receiver.deadline()), ("", Some(71)), "the packets are asked for, ...");
    receiver.poll(71);
    assert_eq!(receiver.deadline(), Some(86), "... but waited for only as long as packets may overtake");
    receiver.poll(86);
    assert_eq!(receiver.outputs(), "K2");
    receiver.receive(99, sender.frame(false, 2));
    assert_eq!(receiver.outputs(), "D3");
}

#[test]
fn a_keyframe_that_lost_a_packet_is_waited_for_and_then_given_up() {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    let mut frame = sender.frame(true, 6);
    frame.remove(3);
    receiver.receive(0, frame);
    receiver.receive(33, sender.frame(false, 2));
    assert_eq!(receiver.outputs(), "", "a keyframe is on its way in: asking for another one would only delay it");
    receiver.poll(520);
    assert_eq!(receiver.outputs(), "?");
    receiver.receive(200, sender.frame(true, 6));
    assert_eq!(receiver.outputs(), "K2");
    assert_eq!(receiver.buffer.figures().frames_dropped, 2);
}

#[test]
fn a_keyframe_without_its_first_packet_is_none() {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    receiver.receive(0, sender.frame(true, 5).drain(1..));
    receiver.receive(33, sender.frame(false, 2));
    assert_eq!(receiver.outputs(), "?");
}

#[test]
fn until_a_keyframe_comes_it_is_asked_for_again_and_again_but_not_too_often() {
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    for frame in 0..60 {
        receiver.receive(frame * 33, sender.frame(false, 2));
    }
    assert_eq!(receiver.outputs(), "? ? ? ? ? ?", "once in 300 ms");
    receiver.poll(10_000);
    assert_eq!(receiver.outputs(), "?");
    receiver.poll(20_000);
    assert_eq!(receiver.outputs(), "", "a sender that sends nothing is not asked");
    receiver.receive(20_033, sender.frame(true, 3));
    assert_eq!(receiver.outputs(), "K60");
}

#[test]
fn nothing_is_asked_for_before_anything_came() {
    let mut receiver = Receiver::new();
    receiver.poll(0);
    assert_eq!((receiver.outputs().as_str(), receiver.deadline()), ("", None));
}

#[test]
fn a_decoder_that_lost_track_gets_a_keyframe_next() {
    let (mut sender, mut receiver) = started();
    receiver.buffer.restart();
    receiver.receive(33, sender.frame(false, 2));
    receiver.receive(66, sender.frame(true, 2));
    assert_eq!(receiver.outputs(), "? K2");
}

#[test]
fn a_sender_that_starts_anew_is_followed_from_its_first_keyframe_on() {
    let (mut sender, mut receiver) = started();
    receiver.receive(33, sender.frame(false, 2));
    let mut anew = Sender { sequence_number: 20_000, timestamp: 5, frame: 100 };
    for packet in anew.frame(true, 3) {
        receiver.receive(66, [packet]);
    }
    receiver.receive(99, anew.frame(false, 2));
    assert_eq!(receiver.outputs(), "D1 K100 D101");
}

#[test]
fn a_stray_packet_is_ignored() {
    let (mut sender, mut receiver) = started();
    receiver.receive(20, [Sender { sequence_number: 30_000, timestamp: 5, frame: 9 }.padding()]);
    receiver.receive(33, sender.frame(false, 2));
    assert_eq!(receiver.outputs(), "D1");
}

#[test]
fn the_buffer_is_bounded_and_recovers_when_it_overflows() {
    let (mut sender, mut receiver) = started();
    let lost = sender.frame(false, 1);
    let now = receiver.at(33);
    for _ in 0..40 {
        for (packet, info) in sender.frame(false, 100) {
            receiver.buffer.insert(now, RtpPacket { arrived: now, ..packet }, info);
        }
    }
    receiver.poll(33);
    assert_eq!(receiver.outputs(), "?");
    receiver.receive(40, lost);
    receiver.receive(66, sender.frame(true, 3));
    assert_eq!(receiver.outputs(), "K42");
}

#[test]
fn padding_between_the_packets_of_a_keyframe_does_not_begin_it_again() {
    let (mut sender, mut receiver) = started();
    sender.frame(false, 1);
    // Every packet behind the gap claims to begin a keyframe, and none ends it: were each one followed to the newest, the
    // crowd would cost seconds. It costs a look at each packet, which takes milliseconds.
    let begin = PayloadInfo { starts_frame: true, keyframe: true };
    for packet in 0..2000 {
        let claim = sender.packet(false, vec![2, packet as u8], begin);
        let (mut padding, info) = sender.padding();
        padding.timestamp = padding.timestamp.wrapping_add(1);
        receiver.receive(30 + packet / 25, [claim, (padding, info)]);
    }
    assert_eq!(receiver.outputs(), "");
}

mod arbitrary {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes in at whatever time, nothing panics or spins, frames are due in order, and a packet comes out once.
        #[test]
        fn packets_never_break_the_buffer(
            steps in prop::collection::vec(
                (
                    0_u64..60,
                    prop_oneof![4 => 0_u16..3, 1 => any::<u16>()],
                    prop_oneof![8 => prop_oneof![Just(0_u32), Just(3000)], 1 => any::<u32>()],
                    any::<(bool, bool, bool, bool)>(),
                ),
                1..800,
            ),
        ) {
            let mut buffer = FrameBuffer::new(FrameBufferConfig::default());
            let mut now = Instant::now();
            let (mut sequence_number, mut timestamp) = (0_u16, 0_u32);
            let mut last_due = now;
            let mut seen = std::collections::HashSet::new();
            for (index, (passed, step, jump, (marker, starts_frame, keyframe, empty))) in steps.into_iter().enumerate() {
                now += Duration::from_millis(passed);
                sequence_number = sequence_number.wrapping_add(step);
                timestamp = timestamp.wrapping_add(jump);
                let payload = if empty { Vec::new() } else { index.to_be_bytes().to_vec() };
                let packet = RtpPacket { sequence_number, timestamp, marker, payload, arrived: now };
                buffer.insert(now, packet, PayloadInfo { starts_frame, keyframe });
                let mut outputs = 0;
                while let Some(output) = buffer.poll(now) {
                    outputs += 1;
                    prop_assert!(outputs <= 2049, "polling ends");
                    let FrameOutput::Frame(frame) = output else { continue };
                    prop_assert!(!frame.packets.is_empty());
                    prop_assert!(frame.due >= frame.arrived && frame.due >= last_due, "due in order");
                    prop_assert!(frame.due <= now + Duration::from_millis(500), "due soon");
                    last_due = frame.due;
                    for payload in frame.packets {
                        prop_assert!(!payload.is_empty() && seen.insert(payload), "a packet comes out once");
                    }
                }
                prop_assert!(buffer.deadline().is_none_or(|deadline| deadline > now), "a deadline lies ahead");
            }
        }
    }
}
