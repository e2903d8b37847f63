//! Starts a source of sound; the caller's audio thread pulls 48 kHz mono from it at its own turns.
//! Files and test tones give as much as the elapsed time asks for; a microphone gives what it captured, and silence for what it could not.

use std::path::{Path, PathBuf};
use std::time::Instant;

use audio_device::{DeviceChoice, DeviceError, DeviceNotice, Microphone, SampleClock};
use media_codec::{Tone, WavReader};
use media_core::SAMPLE_RATE;

use crate::error::Notifier;
use crate::{AudioSource, CaptureError, CaptureNotice, SoundMaker};

/// The most that one pull gives: after a long sleep of the machine, what was missed is not made up for.
const MAX_PULL: usize = SAMPLE_RATE as usize;

/// A source of sound that runs. Dropping it ends it, within about a second.
pub struct AudioCapture {
    description: String,
    source: Source,
}

enum Source {
    Nothing,
    Microphone(Microphone),
    Tone(Tone, SampleClock),
    File(Sound, SampleClock),
    Program(SoundMaker, SampleClock),
}

/// Starts a source. Blocks until a microphone is open or has failed, at most two seconds. `notify` is called from a thread of the
/// source, a pull, or this call; it must not block. `make_do`: a microphone that was chosen and is not there gives way to the
/// default, as `auto` has it, until it is.
///
/// # Errors
/// When the source named cannot be used; `auto` gives silence instead, until there is a microphone.
pub fn start(
    source: &AudioSource,
    make_do: bool,
    notify: impl Fn(CaptureNotice) + Send + 'static,
) -> Result<AudioCapture, CaptureError> {
    let notify = Notifier::new(notify);
    let (description, source) = match source {
        AudioSource::None => ("no sound".to_owned(), Source::Nothing),
        AudioSource::Test => ("test tone".to_owned(), Source::Tone(Tone::default(), SampleClock::new())),
        AudioSource::File(path) => {
            let sound = Sound::open(path, notify)?;
            (path.display().to_string(), Source::File(sound, SampleClock::new()))
        }
        AudioSource::Program(maker) => ("the program".to_owned(), Source::Program(maker.clone(), SampleClock::new())),
        AudioSource::Microphone(id) if !make_do => {
            let microphone = open(DeviceChoice::Id(id.clone()), &notify);
            let description = match microphone.opened() {
                // One that is slow to open is worth waiting for.
                Err(error @ DeviceError::Unresponsive(_)) => silence(&error, &notify),
                opened => opened?.to_owned(),
            };
            (description, Source::Microphone(microphone))
        }
        AudioSource::Auto | AudioSource::Microphone(_) => {
            let choice = match source {
                AudioSource::Microphone(id) => DeviceChoice::Rather(id.clone()),
                _ => DeviceChoice::Default,
            };
            let microphone = open(choice, &notify);
            let opened = microphone.opened().map(str::to_owned);
            let description = opened.unwrap_or_else(|error| silence(&error, &notify));
            (description, Source::Microphone(microphone))
        }
    };
    Ok(AudioCapture { description, source })
}

/// Looks at a file without playing it; other sources are looked at when they start.
///
/// # Errors
/// When the file cannot be read, or is not what it should be.
pub fn check(source: &AudioSource) -> Result<(), CaptureError> {
    match source {
        AudioSource::File(path) => Sound::open(path, Notifier::new(|_| {})).map(drop),
        _ => Ok(()),
    }
}

/// The description of what is sent while there is no microphone, which is told.
fn silence(error: &DeviceError, notify: &Notifier) -> String {
    notify.tell(CaptureNotice::Fallback(format!("{error}; sending silence until there is one")));
    "silence".to_owned()
}

fn open(choice: DeviceChoice, notify: &Notifier) -> Microphone {
    let notify = notify.clone();
    Microphone::open(choice, move |notice| {
        notify.tell(match notice {
            DeviceNotice::Lost(error) => CaptureNotice::Lost(error.to_string()),
            DeviceNotice::Restored(name) => CaptureNotice::Restored(name),
            DeviceNotice::Instead { error, name } => CaptureNotice::Fallback(format!("{error}; using {name} instead")),
        });
    })
}

impl AudioCapture {
    /// What the sound comes from, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether it gave sound from the start: `none` does not, nor `auto` without a microphone.
    pub fn works(&self) -> bool {
        match &self.source {
            Source::Nothing => false,
            Source::Microphone(microphone) => microphone.opened().is_ok(),
            Source::Tone(..) | Source::File(..) | Source::Program(..) => true,
        }
    }

    /// Appends what came in since the last pull: 48 kHz mono in [-1, 1]. The first pull starts the clock of files and tones.
    /// The source `none` gives nothing.
    pub fn pull(&mut self, now: Instant, out: &mut Vec<f32>) {
        match &mut self.source {
            Source::Nothing => {}
            Source::Microphone(microphone) => microphone.pull(now, out),
            Source::Tone(tone, clock) => {
                let before = out.len();
                out.resize(before + take_due(clock, now), 0.0);
                tone.fill(&mut out[before..]);
            }
            Source::File(sound, clock) => sound.read(take_due(clock, now), out),
            Source::Program(maker, clock) => {
                let (before, captured_at) = (out.len(), clock.next_at().unwrap_or(now));
                out.resize(before + take_due(clock, now), 0.0);
                if out.len() > before {
                    maker.fill(captured_at, &mut out[before..]);
                }
            }
        }
    }

    /// Samples of a microphone that were thrown away because nobody pulled for 200 ms.
    pub fn overruns(&self) -> u64 {
        match &self.source {
            Source::Microphone(microphone) => microphone.overruns(),
            Source::Nothing | Source::Tone(..) | Source::File(..) | Source::Program(..) => 0,
        }
    }
}

fn take_due(clock: &mut SampleClock, now: Instant) -> usize {
    let due = clock.due(now);
    clock.give(due);
    due.min(MAX_PULL)
}

/// A WAV file, over and over.
struct Sound {
    path: PathBuf,
    reader: WavReader<std::io::BufReader<std::fs::File>>,
    notify: Notifier,
    /// Once reading has failed, silence follows.
    failed: bool,
}

impl Sound {
    fn open(path: &Path, notify: Notifier) -> Result<Self, CaptureError> {
        let reader = WavReader::open(path)
            .map_err(|cause| CaptureError::File { path: path.to_owned(), reason: cause.to_string() })?;
        Ok(Self { path: path.to_owned(), reader, notify, failed: false })
    }

    fn read(&mut self, samples: usize, out: &mut Vec<f32>) {
        let end = out.len() + samples;
        while out.len() < end && !self.failed {
            if let Err(reason) = self.read_on(end - out.len(), out) {
                self.failed = true;
                let error = CaptureError::File { path: self.path.clone(), reason };
                self.notify.tell(CaptureNotice::Lost(error.to_string()));
            }
        }
        out.resize(end, 0.0);
    }

    /// Reads at least one sample, from the beginning when the end was reached.
    fn read_on(&mut self, samples: usize, out: &mut Vec<f32>) -> Result<(), String> {
        let mut read = || self.reader.read(samples, out).map_err(|cause| cause.to_string());
        if read()? > 0 {
            return Ok(());
        }
        self.reader.rewind().map_err(|cause| cause.to_string())?;
        match self.reader.read(samples, out).map_err(|cause| cause.to_string())? {
            0 => Err("it has lost its sound".to_owned()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
