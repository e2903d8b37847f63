//! Video packets with any numbers and any marks, at any times. Frames come out whole, in order, after a keyframe and due in
//! order, and the buffer holds no more than its bound.
#![no_main]

use std::rc::Rc;
use std::time::{Duration, Instant};

use fuzz::Script;
use libfuzzer_sys::fuzz_target;
use media_core::{EncodedFrame, FrameBuffer, FrameBufferConfig, FrameOutput, PayloadInfo, RtpPacket};

/// Packets in the buffer at most: its ring, and one stray.
const CAPACITY: usize = 2048 + 1;

/// No frame is held for longer.
const MAX_HOLD: Duration = Duration::from_millis(500);

/// Of the byte that marks a packet.
const MARKER: u8 = 1;
const STARTS: u8 = 2;
const KEY: u8 = 4;
const PADDING: u8 = 8;

fuzz_target!(|data: &[u8]| {
    let mut call = Call {
        buffer: FrameBuffer::new(FrameBufferConfig::default()),
        now: Instant::now(),
        inserted: 0,
        sequence: 0,
        timestamp: 0,
        held: Rc::new(()),
        due: None,
        in_sync: false,
    };
    let mut script = Script::new(data);
    while !script.is_over() {
        call.step(&mut script);
    }
});

/// A payload that knows its packet, and tells how many of its kind are alive.
#[derive(Debug)]
struct Payload {
    sequence: u16,
    timestamp: u32,
    padding: bool,
    _held: Rc<()>,
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        if self.padding { &[] } else { &[0] }
    }
}

struct Call {
    buffer: FrameBuffer<Payload>,
    now: Instant,
    /// Of the packet inserted last.
    inserted: u16,
    /// Of the packet sent last, and its timestamp.
    sequence: u16,
    timestamp: u32,
    held: Rc<()>,
    due: Option<Instant>,
    /// A keyframe came out since the decoder lost track.
    in_sync: bool,
}

impl Call {
    fn step(&mut self, script: &mut Script) {
        match script.byte() & 7 {
            0 => {
                (self.sequence, self.timestamp) = (script.u16(), script.u32());
                self.insert(script.byte());
            }
            1 => {
                self.sequence = self.sequence.wrapping_add_signed(i16::from(script.byte().cast_signed()));
                self.timestamp = self.timestamp.wrapping_add_signed(i32::from(script.byte().cast_signed()) * 300);
                self.insert(script.byte());
            }
            2 => self.wait(Duration::from_millis(script.byte().into())),
            3 => {
                self.buffer.restart();
                self.in_sync = false;
                self.poll();
            }
            // Some that are lost.
            4 => self.sequence = self.sequence.wrapping_add(script.byte().into()),
            // A crowd of packets by turns with one set of marks and the other, of one frame, of many or of two by turns.
            5 => {
                let (marks, word) = ([script.byte(), script.byte()], script.byte());
                let (step, turn) = (u32::from(word & 1) * 3000, u32::from(word >> 1 & 1));
                for packet in 0..usize::from(script.byte()) {
                    let odd = packet % 2 == 1;
                    self.sequence = self.sequence.wrapping_add(1);
                    self.timestamp = self.timestamp.wrapping_add(step);
                    self.timestamp =
                        if odd { self.timestamp.wrapping_add(turn) } else { self.timestamp.wrapping_sub(turn) };
                    self.insert(marks[usize::from(odd)]);
                }
            }
            // A whole frame of three packets at 30 Hz.
            _ => {
                let key = script.byte() & KEY;
                self.timestamp = self.timestamp.wrapping_add(3000);
                self.wait(Duration::from_millis(33));
                for marks in [STARTS | key, key, key | MARKER] {
                    self.sequence = self.sequence.wrapping_add(1);
                    self.insert(marks);
                }
            }
        }
    }

    fn insert(&mut self, marks: u8) {
        let payload = Payload {
            sequence: self.sequence,
            timestamp: self.timestamp,
            padding: marks & PADDING != 0,
            _held: self.held.clone(),
        };
        let packet = RtpPacket {
            sequence_number: self.sequence,
            timestamp: self.timestamp,
            marker: marks & MARKER != 0,
            payload,
            arrived: self.now,
        };
        let info = PayloadInfo { starts_frame: marks & STARTS != 0, keyframe: marks & KEY != 0 };
        self.inserted = self.sequence;
        self.buffer.insert(self.now, packet, info);
        self.poll();
        let alive = Rc::strong_count(&self.held) - 1;
        assert!(alive <= CAPACITY, "{alive} packets are held");
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.buffer.deadline().filter(|at| *at <= until) {
            self.now = at;
            self.poll();
        }
        self.now = until;
    }

    fn poll(&mut self) {
        let mut requests = 0;
        while let Some(output) = self.buffer.poll(self.now) {
            match output {
                FrameOutput::Frame(frame) => self.take(&frame),
                FrameOutput::KeyframeNeeded => requests += 1,
                FrameOutput::PacketsMissing(numbers) => {
                    let asks_in_vain = numbers.is_empty() || numbers.contains(&self.inserted);
                    assert!(!asks_in_vain, "{numbers:?} are asked for, and {} came last", self.inserted);
                }
            }
        }
        assert!(requests <= 1, "{requests} requests for a keyframe at once");
        assert!(self.buffer.deadline().is_none_or(|at| at > self.now), "a deadline that stays");
    }

    fn take(&mut self, frame: &EncodedFrame<Payload>) {
        assert!(frame.keyframe || self.in_sync, "a frame without its references");
        self.in_sync = true;
        assert!(!frame.packets.is_empty());
        assert!(frame.packets.iter().all(|packet| !packet.padding && packet.timestamp == frame.timestamp));
        for pair in frame.packets.windows(2) {
            let step = pair[1].sequence.wrapping_sub(pair[0].sequence);
            assert!((1..CAPACITY as u16).contains(&step), "packets out of order");
        }
        let earliest = self.due.map_or(frame.arrived, |due| due.max(frame.arrived));
        assert!((earliest..=earliest + MAX_HOLD).contains(&frame.due), "due out of order, or never");
        self.due = Some(frame.due);
    }
}
