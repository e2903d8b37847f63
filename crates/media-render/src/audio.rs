//! Starts a sink of sound; the caller's audio thread asks how much is wanted and pushes 48 kHz mono.
//! A device sets its own pace; a file and `none` take what elapsed time asks for, so that a file is as long as the call.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use audio_device::{DeviceChoice, DeviceError, DeviceNotice, SampleClock, Speaker};
use media_codec::WavWriter;

use crate::program::AHEAD;
use crate::{AudioSink, RenderError, RenderNotice, SoundTaker};

/// A sink of sound that runs. Dropping it ends it, within about a second.
pub struct AudioOutput {
    description: String,
    sink: Sink,
}

enum Sink {
    Nothing(SampleClock),
    Speaker(Box<Speaker>),
    File(Recording, SampleClock),
    Program(SoundTaker, SampleClock),
}

struct Recording {
    path: PathBuf,
    writer: WavWriter<BufWriter<File>>,
    /// The first error; nothing is written after it.
    failure: Option<RenderError>,
}

/// Starts a sink. Blocks until a speaker is open or has failed, at most two seconds. `notify` is called from a thread of the sink
/// or from this call; it must not block. `make_do`: a speaker that was chosen and is not there gives way to the default, as `auto`
/// has it, until it is.
///
/// # Errors
/// When the sink named cannot be used; `auto` plays nothing instead, until there is a speaker.
pub fn start(
    sink: &AudioSink,
    make_do: bool,
    notify: impl Fn(RenderNotice) + Send + Sync + 'static,
) -> Result<AudioOutput, RenderError> {
    let (description, sink) = match sink {
        AudioSink::None => ("nowhere".to_owned(), Sink::Nothing(SampleClock::new())),
        AudioSink::File(path) => {
            let writer = WavWriter::create(path).map_err(|cause| RenderError::file(path, &cause))?;
            let recording = Recording { path: path.clone(), writer, failure: None };
            (path.display().to_string(), Sink::File(recording, SampleClock::new()))
        }
        AudioSink::Program(taker) => ("the program".to_owned(), Sink::Program(taker.clone(), SampleClock::new())),
        AudioSink::Auto | AudioSink::Speaker(_) => {
            let choice = match sink {
                AudioSink::Speaker(id) if make_do => DeviceChoice::Rather(id.clone()),
                AudioSink::Speaker(id) => DeviceChoice::Id(id.clone()),
                _ => DeviceChoice::Default,
            };
            let only = matches!(choice, DeviceChoice::Id(_));
            let notify = std::sync::Arc::new(notify);
            let tell = std::sync::Arc::clone(&notify);
            let speaker = Speaker::open(choice, move |notice| tell(translate(notice)));
            let description = match speaker.opened() {
                Ok(name) => name.to_owned(),
                // One that is slow to open is worth waiting for.
                Err(error) if only && !matches!(error, DeviceError::Unresponsive(_)) => return Err(error.into()),
                Err(error) => {
                    notify(RenderNotice::Fallback(format!("{error}; playing nothing until there is one")));
                    "nowhere".to_owned()
                }
            };
            (description, Sink::Speaker(Box::new(speaker)))
        }
    };
    Ok(AudioOutput { description, sink })
}

fn translate(notice: DeviceNotice) -> RenderNotice {
    match notice {
        DeviceNotice::Lost(error) => RenderNotice::Lost(error.to_string()),
        DeviceNotice::Restored(name) => RenderNotice::Restored(name),
        DeviceNotice::Instead { error, name } => RenderNotice::Fallback(format!("{error}; using {name} instead")),
    }
}

impl AudioOutput {
    /// Where the sound goes, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether the sound went somewhere from the start: not with `none`, nor with `auto` without a speaker.
    pub fn works(&self) -> bool {
        match &self.sink {
            Sink::Nothing(_) => false,
            Sink::Speaker(speaker) => speaker.opened().is_ok(),
            Sink::File(..) | Sink::Program(..) => true,
        }
    }

    /// Samples at 48 kHz that the sink wants pushed now. The first call starts the clock of a file.
    pub fn wanted(&mut self, now: Instant) -> usize {
        match &mut self.sink {
            Sink::Nothing(clock) | Sink::File(_, clock) => clock.due(now),
            Sink::Program(_, clock) => clock.due(now + AHEAD),
            Sink::Speaker(speaker) => speaker.wanted(now),
        }
    }

    /// Plays or writes 48 kHz mono samples in [-1, 1]. More than wanted may be pushed; it counts against what is wanted next.
    pub fn push(&mut self, samples: &[f32]) {
        match &mut self.sink {
            Sink::Nothing(clock) => clock.give(samples.len()),
            Sink::Speaker(speaker) => speaker.push(samples),
            Sink::File(recording, clock) => {
                clock.give(samples.len());
                recording.write(samples);
            }
            Sink::Program(taker, clock) => {
                // The clock has started: nobody pushes before they were asked to.
                if let Some(heard_at) = clock.next_at() {
                    taker.take(heard_at, samples);
                }
                clock.give(samples.len());
            }
        }
    }

    /// How often a speaker wanted sound and too little was there.
    pub fn underruns(&self) -> u64 {
        match &self.sink {
            Sink::Speaker(speaker) => speaker.underruns(),
            Sink::Nothing(_) | Sink::File(..) | Sink::Program(..) => 0,
        }
    }

    /// Sound pushed but not yet taken by the device.
    pub fn queued(&self) -> Duration {
        match &self.sink {
            Sink::Speaker(speaker) => speaker.queued(),
            Sink::Nothing(_) | Sink::File(..) | Sink::Program(..) => Duration::ZERO,
        }
    }

    /// Ends the sink and completes its file.
    ///
    /// # Errors
    /// When the file could not be written in full.
    pub fn finish(self) -> Result<(), RenderError> {
        match self.sink {
            Sink::File(recording, _) => recording.finish(),
            Sink::Nothing(_) | Sink::Speaker(_) | Sink::Program(..) => Ok(()),
        }
    }
}

impl Recording {
    fn write(&mut self, samples: &[f32]) {
        if self.failure.is_none()
            && let Err(cause) = self.writer.write(samples)
        {
            tracing::warn!(path = %self.path.display(), error = %cause, "sound is no longer written");
            self.failure = Some(RenderError::file(&self.path, &cause));
        }
    }

    fn finish(self) -> Result<(), RenderError> {
        let path = self.path;
        let finished = self.writer.finish().map_err(|cause| RenderError::file(&path, &cause));
        self.failure.map_or(finished, Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_codec::WavReader;

    fn ignore(_: RenderNotice) {}

    #[test]
    fn a_file_is_as_long_as_the_call_and_holds_what_was_played() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.wav");
        let mut output = start(&AudioSink::File(path.clone()), false, ignore).expect("the file can be created");
        let begun = Instant::now();
        let mut total = 0;
        for tick in 0..=100 {
            let wanted = output.wanted(begun + Duration::from_millis(tick * 10));
            output.push(&vec![0.5; wanted]);
            total += wanted;
        }
        assert_eq!(total, 48_000);
        output.finish().expect("the file can be completed");
        let mut samples = Vec::new();
        let mut reader = WavReader::open(&path).expect("a WAV file");
        while reader.read(4_800, &mut samples).expect("readable") > 0 {}
        assert_eq!(samples.len(), 48_000);
        assert!(samples.iter().all(|sample| (sample - 0.5).abs() < 0.001));
    }

    #[test]
    fn whole_packets_may_be_pushed_ahead_of_what_is_wanted() {
        let mut output = start(&AudioSink::None, false, ignore).expect("needs nothing");
        let begun = Instant::now();
        assert_eq!(output.wanted(begun), 0);
        output.push(&[0.0; 960]);
        assert_eq!(output.wanted(begun + Duration::from_millis(10)), 0);
        assert_eq!(output.wanted(begun + Duration::from_millis(30)), 480);
        assert_eq!((output.underruns(), output.queued()), (0, Duration::ZERO));
    }

    #[test]
    fn a_program_is_told_when_each_sample_is_heard() {
        let (sender, taken) = std::sync::mpsc::channel();
        let taker = SoundTaker::new(move |heard_at, samples: &[f32]| {
            let _ = sender.send((heard_at, samples.len()));
        });
        let mut output = start(&AudioSink::Program(taker), false, ignore).expect("needs nothing");
        let begun = Instant::now();
        for tick in 0..=100 {
            let now = begun + Duration::from_millis(tick * 10);
            for _ in 0..output.wanted(now) / 480 {
                output.push(&[0.0; 480]);
            }
        }
        drop(output);
        // One buffer ahead: what is pushed at a tick is heard from then on.
        let expected: Vec<_> = (1..=100).map(|tick| (begun + Duration::from_millis(tick * 10), 480)).collect();
        assert_eq!(taken.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_file_that_cannot_be_created_is_named() {
        let error =
            start(&AudioSink::File("/no/such/folder/out.wav".into()), false, ignore).err().expect("cannot be created");
        assert!(error.to_string().starts_with("/no/such/folder/out.wav: "), "{error}");
    }
}
