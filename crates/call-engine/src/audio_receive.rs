//! The peer's sound on its way in: one OS thread fills the speaker's ring with what the playout buffer says is next.
//! Decoding, concealment and time stretching happen here, never in the device callback.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media_codec::{OpusDecoder, stretch};
use media_core::{Adjust, ConcealmentMeter, FRAME_SAMPLES, Playout, PlayoutBuffer, PlayoutConfig, TICK_SAMPLES};
use media_render::AudioOutput;
use peer_connection::PacketQueue;
use tracing::debug;

use crate::audio_send::wait_for_tick;
use crate::figures::AudioReceived;

const TICK: Duration = Duration::from_millis(10);

/// The thread and what it shares with the call.
pub(crate) struct AudioReceive {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), media_render::RenderError>>>,
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

#[derive(Default)]
struct Shared {
    source: Mutex<Source>,
    stopped: AtomicBool,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    figures: AudioReceived,
    first_played: Option<Instant>,
}

impl AudioReceive {
    /// Starts the thread on an open speaker (or its stand-in); it plays nothing before the first [`Self::attach`].
    pub(crate) fn start(output: AudioOutput) -> Result<Self, media_codec::CodecError> {
        let player = Player::new(output)?;
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = shared.clone();
            std::thread::Builder::new().name("audio-receive".into()).spawn(move || run(&shared, player)).ok()
        };
        Ok(Self { shared, thread })
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
        *self.shared.source.lock().unwrap_or_else(PoisonError::into_inner) = source;
    }

    /// When the first sound of the peer was handed to the speaker.
    pub(crate) fn first_played(&self) -> Option<Instant> {
        self.counts().first_played
    }

    pub(crate) fn figures(&self) -> AudioReceived {
        self.counts().figures.clone()
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread, and completes the file where the sound goes to one.
    pub(crate) fn finish(&mut self) -> Result<(), media_render::RenderError> {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or(Ok(())))
    }
}

fn run(shared: &Shared, mut player: Player) -> Result<(), media_render::RenderError> {
    let mut tick = Instant::now();
    while !shared.stopped.load(Ordering::Relaxed) {
        tick = wait_for_tick(tick, TICK);
        let packets = {
            let mut source = shared.source.lock().unwrap_or_else(PoisonError::into_inner);
            if let Source::Fresh(packets) = &*source {
                player.reset();
                *source = Source::Current(packets.clone());
            }
            match &*source {
                Source::Current(packets) => packets.clone(),
                Source::Nothing | Source::Fresh(_) => continue,
            }
        };
        let now = Instant::now();
        while let Some(packet) = packets.try_pop() {
            player.buffer.insert(packet.arrived, packet);
        }
        player.play(now);
        let mut counts = shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.figures = player.figures();
        counts.first_played = player.first_played;
    }
    player.output.finish()
}

/// Playout buffer, decoder and speaker of one call.
struct Player {
    output: AudioOutput,
    buffer: PlayoutBuffer<Bytes>,
    decoder: OpusDecoder,
    /// Decoded, not yet played: less than one packet's worth.
    ready: Vec<f32>,
    concealment: ConcealmentMeter,
    first_played: Option<Instant>,
}

impl Player {
    fn new(output: AudioOutput) -> Result<Self, media_codec::CodecError> {
        Ok(Self {
            output,
            buffer: PlayoutBuffer::new(PlayoutConfig::default()),
            decoder: OpusDecoder::new()?,
            ready: Vec::with_capacity(FRAME_SAMPLES * 6),
            concealment: ConcealmentMeter::default(),
            first_played: None,
        })
    }

    /// Another connection begins, with its own numbering.
    fn reset(&mut self) {
        self.buffer = PlayoutBuffer::new(PlayoutConfig::default());
        self.ready.clear();
    }

    /// Gives the speaker what it wants now, in ticks of 10 ms.
    fn play(&mut self, now: Instant) {
        for _ in 0..self.output.wanted(now) / TICK_SAMPLES {
            while self.ready.len() < TICK_SAMPLES {
                self.produce(now);
            }
            self.output.push(&self.ready[..TICK_SAMPLES]);
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
