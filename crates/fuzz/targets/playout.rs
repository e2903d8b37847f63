//! Sound packets with any numbers, at any times, and a player that asks whenever it likes. Each packet is played at most
//! once, concealment ends, and the buffer holds no more than its bound.
#![no_main]

use std::collections::HashSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use fuzz::Script;
use libfuzzer_sys::fuzz_target;
use media_core::{Playout, PlayoutBuffer, PlayoutConfig, RtpPacket};

/// Packets in the buffer at most: its ring.
const CAPACITY: usize = 256;

/// Concealment ends after 100 ms, which are 40 packets of 2.5 ms, the shortest that Opus has.
const MOST_CONCEALED: u32 = 40;

fuzz_target!(|data: &[u8]| {
    let mut call = Call {
        buffer: PlayoutBuffer::new(PlayoutConfig::default()),
        // Far from the clock's own beginning, so that a packet may be older than the call.
        now: Instant::now() + Duration::from_secs(1000),
        sequence: 0,
        timestamp: 0,
        inserted: 0,
        held: Rc::new(()),
        played: HashSet::new(),
        concealed: 0,
    };
    let mut script = Script::new(data);
    while !script.is_over() {
        call.step(&mut script);
    }
});

/// A payload that tells how many of its kind are alive.
#[derive(Clone)]
struct Payload {
    number: u64,
    _held: Rc<()>,
}

struct Call {
    buffer: PlayoutBuffer<Payload>,
    now: Instant,
    /// Of the packet inserted last.
    sequence: u16,
    timestamp: u32,
    inserted: u64,
    held: Rc<()>,
    played: HashSet<u64>,
    /// Concealments in a row.
    concealed: u32,
}

impl Call {
    fn step(&mut self, script: &mut Script) {
        match script.byte() & 7 {
            0 => {
                (self.sequence, self.timestamp) = (script.u16(), script.u32());
                self.insert(Duration::from_millis(script.u16().into()));
            }
            1 => {
                self.sequence = self.sequence.wrapping_add_signed(i16::from(script.byte().cast_signed()));
                self.timestamp = self.timestamp.wrapping_add_signed(i32::from(script.byte().cast_signed()) * 120);
                self.insert(Duration::ZERO);
            }
            2 => self.next(),
            3 => self.now += Duration::from_millis(script.byte().into()),
            4 => self.now += Duration::from_millis(script.u16().into()),
            5 => (0..script.byte()).for_each(|_| self.next()),
            6 => (0..script.byte()).for_each(|_| self.follow()),
            // An even stream.
            _ => {
                for _ in 0..script.byte() {
                    self.follow();
                    self.now += Duration::from_millis(20);
                    self.next();
                }
            }
        }
        let alive = Rc::strong_count(&self.held) - 1;
        assert!(alive <= CAPACITY, "{alive} packets are held");
        let figures = self.buffer.figures();
        assert!(figures.received + figures.duplicates <= self.inserted);
        assert!(self.played.len() as u64 <= figures.received);
        assert!(figures.delay <= PlayoutConfig::default().max_delay, "a delay of {:?}", figures.delay);
        let samples = self.buffer.packet_samples();
        assert!(
            (120..=5760).contains(&samples) && samples.is_multiple_of(120),
            "no Opus packet holds {samples} samples"
        );
    }

    fn follow(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(960);
        self.insert(Duration::ZERO);
    }

    /// A packet that waited so long between the network and the buffer.
    fn insert(&mut self, waited: Duration) {
        self.inserted += 1;
        let payload = Payload { number: self.inserted, _held: self.held.clone() };
        self.buffer.insert(
            self.now,
            RtpPacket {
                sequence_number: self.sequence,
                timestamp: self.timestamp,
                marker: false,
                payload,
                arrived: self.now - waited,
            },
        );
    }

    fn next(&mut self) {
        let playout = self.buffer.next(self.now);
        self.concealed = if matches!(playout, Playout::Conceal) { self.concealed + 1 } else { 0 };
        assert!(self.concealed <= MOST_CONCEALED, "concealment goes on and on");
        match playout {
            Playout::Packet { payload, .. } => assert!(self.played.insert(payload.number), "played twice"),
            Playout::Fec { payload } => assert!(!self.played.contains(&payload.number), "restored from an old packet"),
            Playout::Conceal | Playout::Silence => {}
        }
    }
}
