//! What comes out of the frame buffer for packets in every order, in virtual time.
//! A frame is written `K3` or `D3`, keyframe or not and its number; `?` is a request for a keyframe.

mod arbitrary;
mod due;
mod keyframes;
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
