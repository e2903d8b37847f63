//! The peer's sound on its way in: one OS thread fills the speaker's ring with what the playout buffer says is next.
//! Decoding, concealment and time stretching happen here, never in the device callback.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use media_codec::{OpusDecoder, stretch};
use media_core::{Adjust, ConcealmentMeter, FRAME_SAMPLES, Playout, PlayoutBuffer, PlayoutConfig, TICK_SAMPLES};
use media_render::AudioOutput;
use peer_connection::PacketQueue;
use tracing::debug;

use crate::figures::AudioReceived;
use crate::levels::Levels;
use crate::ticking::Ticking;

const TICK: Duration = Duration::from_millis(10);

/// The thread and what it shares with the call.
pub(crate) struct AudioReceive {
    /// Dropped first, so that devices are not closed on it.
    thread: Ticking,
    shared: Arc<Shared>,
}

/// Where packets come from.
#[derive(Default)]
enum Source {
    /// Nowhere: nothing is played, and the figures stay as they are.
    #[default]
    Nothing,
    /// A connection that the thread has not seen yet.
    Fresh(PacketQueue),
    /// The connection that is being played.
    Current(PacketQueue),
}

struct Shared {
    output: Mutex<Option<AudioOutput>>,
    levels: Arc<Levels>,
    source: Mutex<Source>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    figures: AudioReceived,
    first_played: Option<Instant>,
}

impl AudioReceive {
    /// Starts the thread, without a speaker yet; it plays nothing before the first [`Self::attach`]. How loud that is goes to
    /// `levels`.
    pub(crate) fn start(levels: Arc<Levels>) -> Result<Self, media_codec::CodecError> {
        let mut player = Player::new()?;
        let shared =
            Arc::new(Shared { output: Mutex::new(None), levels, source: Mutex::default(), counts: Mutex::default() });
        let theirs = shared.clone();
        let thread = Ticking::start("audio-receive", TICK, move |elapsed| player.tick(&theirs, elapsed));
        Ok(Self { shared, thread })
    }

    /// From now on the sound goes to `output`; gives back where it went before, to be finished.
    pub(crate) fn play_at(&self, output: Option<AudioOutput>) -> Option<AudioOutput> {
        std::mem::replace(&mut *lock(&self.shared.output), output)
    }

    /// From now on `packets` are played.
    pub(crate) fn attach(&self, packets: PacketQueue) {
        self.set_source(Source::Fresh(packets));
    }

    /// The connection is gone: nothing is played any more.
    pub(crate) fn detach(&self) {
        self.set_source(Source::Nothing);
    }

    fn set_source(&self, source: Source) {
        *lock(&self.shared.source) = source;
    }

    /// When the first sound of the peer was handed to the speaker.
    pub(crate) fn first_played(&self) -> Option<Instant> {
        self.counts().first_played
    }

    pub(crate) fn figures(&self) -> AudioReceived {
        self.counts().figures.clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.shared.counts)
    }

    /// Ends the thread; it is over after a tick.
    pub(crate) fn stop(&self) {
        self.thread.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Playout buffer and decoder of one call.
struct Player {
    buffer: PlayoutBuffer<Bytes>,
    decoder: OpusDecoder,
    /// Decoded, not yet played: less than one packet's worth.
    ready: Vec<f32>,
    /// Played in this turn.
    played: Vec<f32>,
    concealment: ConcealmentMeter,
    first_played: Option<Instant>,
}

impl Player {
    fn new() -> Result<Self, media_codec::CodecError> {
        Ok(Self {
            buffer: PlayoutBuffer::new(PlayoutConfig::default()),
            decoder: OpusDecoder::new()?,
            ready: Vec::with_capacity(FRAME_SAMPLES * 6),
            played: Vec::with_capacity(FRAME_SAMPLES * 6),
            concealment: ConcealmentMeter::default(),
            first_played: None,
        })
    }

    /// Another connection begins, with its own numbering.
    fn reset(&mut self) {
        self.buffer = PlayoutBuffer::new(PlayoutConfig::default());
        self.ready.clear();
    }

    /// Plays for one tick, or nothing while there is no connection.
    fn tick(&mut self, shared: &Shared, elapsed: Duration) {
        self.played.clear();
        let packets = {
            let mut source = lock(&shared.source);
            if let Source::Fresh(packets) = &*source {
                self.reset();
                *source = Source::Current(packets.clone());
            }
            match &*source {
                Source::Current(packets) => Some(packets.clone()),
                Source::Nothing | Source::Fresh(_) => None,
            }
        };
        if let Some(packets) = packets {
            self.turn(shared, &packets);
        }
        shared.levels.speaker.note(&self.played, elapsed);
    }

    /// Takes what came, and plays what is due.
    fn turn(&mut self, shared: &Shared, packets: &PacketQueue) {
        let now = Instant::now();
        while let Some(packet) = packets.try_pop() {
            self.buffer.insert(packet.arrived, packet);
        }
        if let Some(output) = &mut *lock(&shared.output) {
            self.play(output, now);
        }
        let mut counts = lock(&shared.counts);
        counts.figures = self.figures();
        counts.first_played = self.first_played;
    }

    /// Gives the speaker what it wants now, in ticks of 10 ms.
    fn play(&mut self, output: &mut AudioOutput, now: Instant) {
        for _ in 0..output.wanted(now) / TICK_SAMPLES {
            while self.ready.len() < TICK_SAMPLES {
                self.produce(now);
            }
            let tick = &self.ready[..TICK_SAMPLES];
            output.push(tick);
            self.played.extend_from_slice(tick);
            self.ready.drain(..TICK_SAMPLES);
        }
    }

    /// Appends the next packet's worth of sound to `ready`.
    fn produce(&mut self, now: Instant) {
        let before = self.ready.len();
        let samples = self.buffer.packet_samples();
        match self.buffer.next(now) {
            Playout::Packet { payload, adjust } => match self.decoder.decode(&payload, &mut self.ready) {
                Ok(samples) => {
                    self.first_played.get_or_insert(now);
                    self.concealment.played(samples as u64);
                    let mut tail = self.ready.split_off(before);
                    match adjust {
                        Adjust::Keep => {}
                        Adjust::Shorten => {
                            stretch::shorten(&mut tail);
                        }
                        Adjust::Lengthen => {
                            stretch::lengthen(&mut tail);
                        }
                    }
                    self.ready.append(&mut tail);
                }
                Err(error) => {
                    debug!("a sound packet could not be decoded: {error}");
                    self.conceal(samples);
                }
            },
            Playout::Fec { payload } => match self.decoder.decode_fec(&payload, samples, &mut self.ready) {
                // Restored from the peer's own redundancy: not made up.
                Ok(_) => self.concealment.played(samples as u64),
                Err(_) => self.conceal(samples),
            },
            Playout::Conceal => self.conceal(samples),
            Playout::Silence => {}
        }
        if self.ready.len() <= before {
            self.ready.resize(before + TICK_SAMPLES, 0.0);
        }
    }

    fn conceal(&mut self, samples: usize) {
        if self.decoder.conceal(samples, &mut self.ready).is_ok() {
            self.concealment.concealed(samples as u64);
        }
    }

    fn figures(&self) -> AudioReceived {
        let playout = self.buffer.figures();
        let heard = self.first_played.is_some();
        AudioReceived {
            codec: heard.then(|| "opus".into()),
            packets: Some(playout.received),
            lost: Some(playout.lost),
            bytes: None,
            samples: heard.then(|| self.concealment.total()),
            concealed_samples: heard.then(|| self.concealment.made_up()),
            concealed_ratio: self.concealment.ratio(),
            jitter: heard.then_some(playout.jitter),
            playout_delay: heard.then_some(playout.delay),
        }
    }
}
