//! A sound of the program's own at a speaker: a ring tone, or a test whether the speaker works.
//! A thread opens the speaker and plays; nobody waits for it, and it ends within a tick of being told.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use media_codec::WavReader;
use media_core::SAMPLE_RATE;
use media_render::{AudioOutput, AudioSink, RenderNotice};

use crate::ticking::wait_for_tick;

const TICK: Duration = Duration::from_millis(10);

/// Silence after the sound: what the speaker and the sound system still hold is heard before the speaker is closed.
const TAIL: Duration = Duration::from_millis(300);

/// The most that one turn plays: after a long sleep of the machine, what was missed is not made up for.
const MAX_TURN: usize = SAMPLE_RATE as usize;

/// A sound that plays. Dropping it ends it.
pub struct Playing(Arc<Shared>);

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    over: AtomicBool,
}

impl Playing {
    /// Plays `wav` (a whole WAV file) at `sink`, once or over and over; returns at once. `failed` is told in one line why nothing
    /// can be heard, if so, from another thread.
    #[must_use]
    pub fn start(
        sink: AudioSink,
        wav: &'static [u8],
        repeat: bool,
        failed: impl Fn(String) + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let (theirs, failed) = (shared.clone(), Arc::new(failed));
        let tell = failed.clone();
        let run = move || {
            if let Err(reason) = play(&theirs, &sink, wav, repeat) {
                tell(reason);
            }
            theirs.over.store(true, Ordering::Release);
        };
        if let Err(error) = std::thread::Builder::new().name("playing".into()).spawn(run) {
            shared.over.store(true, Ordering::Release);
            failed(error.to_string());
        }
        Self(shared)
    }

    /// Whether it has played to its end, or failed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Release);
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

fn play(shared: &Shared, sink: &AudioSink, wav: &'static [u8], repeat: bool) -> Result<(), String> {
    let mut sound = Sound::new(wav, repeat)?;
    let (sender, notices) = std::sync::mpsc::channel();
    let notify = move |notice| drop(sender.send(notice));
    let mut output = media_render::audio::start(sink, true, notify).map_err(|error| error.to_string())?;
    let mut tick = Instant::now();
    while !shared.stopped() && !sound.is_over() {
        match notices.try_iter().next() {
            Some(RenderNotice::Lost(reason)) => return Err(reason),
            // Another speaker will do.
            Some(RenderNotice::Fallback(reason)) if !output.works() => return Err(reason),
            Some(RenderNotice::Fallback(_) | RenderNotice::Restored(_)) | None => {}
        }
        sound.give(&mut output, Instant::now())?;
        tick = wait_for_tick(tick, TICK);
    }
    output.finish().map_err(|error| error.to_string())
}

/// A WAV file in memory, and the silence after it.
struct Sound {
    reader: WavReader<Cursor<&'static [u8]>>,
    repeat: bool,
    /// Silence still to be played after the end; `None` before that.
    tail: Option<usize>,
    samples: Vec<f32>,
}

impl Sound {
    fn new(wav: &'static [u8], repeat: bool) -> Result<Self, String> {
        let reader = WavReader::new(Cursor::new(wav)).map_err(|error| error.to_string())?;
        Ok(Self { reader, repeat, tail: None, samples: Vec::new() })
    }

    fn is_over(&self) -> bool {
        self.tail == Some(0)
    }

    /// Pushes as much as is wanted now.
    fn give(&mut self, output: &mut AudioOutput, now: Instant) -> Result<(), String> {
        let wanted = output.wanted(now).min(MAX_TURN);
        self.samples.clear();
        self.fill(wanted).map_err(|error| error.to_string())?;
        output.push(&self.samples);
        Ok(())
    }

    fn fill(&mut self, wanted: usize) -> Result<(), media_codec::WavError> {
        // A file of no sound at all is refused before; one that becomes empty ends here instead of turning round for ever.
        let mut rewound = false;
        while self.samples.len() < wanted && self.tail.is_none() {
            let read = self.reader.read(wanted - self.samples.len(), &mut self.samples)?;
            match read {
                0 if self.repeat && !rewound => {
                    self.reader.rewind()?;
                    rewound = true;
                }
                0 => self.tail = Some((TAIL.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize),
                _ => rewound = false,
            }
        }
        if let Some(tail) = &mut self.tail {
            *tail = tail.saturating_sub(wanted - self.samples.len());
            self.samples.resize(wanted, 0.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc;

    use media_codec::WavWriter;
    use media_render::SoundTaker;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A WAV file of that many samples of 0.5, which lives as long as the test.
    fn wav(samples: usize) -> &'static [u8] {
        let mut file = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut file).expect("memory can be written");
        writer.write(&vec![0.5; samples]).expect("memory can be written");
        writer.finish().expect("memory can be written");
        file.into_inner().leak()
    }

    fn heard() -> (AudioSink, mpsc::Receiver<Vec<f32>>) {
        let (sender, heard) = mpsc::channel();
        let sender = Mutex::new(sender);
        let taker = move |_, samples: &[f32]| drop(sender.lock().expect("no panic").send(samples.to_vec()));
        (AudioSink::Program(SoundTaker::new(taker)), heard)
    }

    #[test]
    fn a_sound_is_played_once_and_is_over() {
        let (sink, heard) = heard();
        let playing = Playing::start(sink, wav(4_800), false, |reason| panic!("{reason}"));
        // Ends when the thread has dropped the sink.
        let all: Vec<f32> = std::iter::from_fn(|| heard.recv_timeout(PATIENCE).ok()).flatten().collect();
        let loud = all.iter().filter(|sample| (**sample - 0.5).abs() < 0.001).count();
        assert_eq!(loud, 4_800);
        assert!(all.len() >= 4_800 + 14_400, "silence follows, so that the end is heard");
        let begun = Instant::now();
        while !playing.is_over() {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_ring_tone_goes_on_until_it_is_dropped() {
        let (sink, heard) = heard();
        let playing = Playing::start(sink, wav(480), true, |reason| panic!("{reason}"));
        let mut loud = 0;
        while loud < 4_800 {
            let samples = heard.recv_timeout(PATIENCE).expect("it rings");
            assert!(samples.iter().all(|sample| (*sample - 0.5).abs() < 0.001), "without a pause");
            loud += samples.len();
        }
        assert!(!playing.is_over());
        drop(playing);
        while heard.recv_timeout(PATIENCE).is_ok() {}
    }

    #[test]
    fn why_nothing_can_be_heard_is_told_in_one_line() {
        let told = |sink, wav| {
            let (sender, told) = mpsc::channel();
            let playing = Playing::start(sink, wav, true, move |reason| drop(sender.send(reason)));
            let reason = told.recv_timeout(PATIENCE).expect("it fails");
            assert!(told.recv_timeout(PATIENCE).is_err(), "and has ended");
            assert!(playing.is_over());
            reason
        };
        assert_eq!(told(AudioSink::None, b"no sound at all"), "not a usable wav file: no RIFF tag found");
        let nowhere = AudioSink::File("/no/such/folder/ring.wav".into());
        assert!(told(nowhere, wav(480)).starts_with("/no/such/folder/ring.wav: "));
    }
}
