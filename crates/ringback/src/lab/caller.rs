//! A caller under measurement: the call engine with stamped pictures and marked sound, and a record of what was sent and seen.
//! It is the engine that `ringback call` runs, with other sources and sinks and nothing else changed.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use call_engine::{
    AudioSink, AudioSource, Call, CallConfig, Outcome, Phase, Picture, PictureMaker, PictureTaker, SoundMaker,
    SoundTaker, VideoSink, VideoSource,
};
use lab::media::scene::Scene;
use lab::media::{sound, stamp};
use lab::record::{PeerRecord, Recorder, Second};

/// What a caller sends: the same for all callers of a run.
#[derive(Clone)]
pub(crate) struct Media {
    pub(crate) scene: Arc<Scene>,
    /// One round of the marked sound, 48 kHz.
    pub(crate) sound: Arc<Vec<f32>>,
    /// Seconds from the first picture on in which no picture is made.
    pub(crate) pause: Option<Range<u64>>,
}

/// One side of a measured call.
pub(crate) struct Caller {
    record: Arc<Mutex<Record>>,
    clock: UnixClock,
    media: Media,
    started: Instant,
}

/// What is written down, by the threads of the call.
struct Record {
    recorder: Recorder,
    sound: sound::Recording,
    peer: PeerRecord,
}

impl Caller {
    /// A caller that leaves its record in `folder`.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub(crate) fn new(folder: &Path, media: Media, started: Instant) -> anyhow::Result<Self> {
        let context = || format!("cannot write to {}", folder.display());
        let clock = UnixClock::new();
        let peer = PeerRecord {
            name: "ringback".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            started_us: Some(clock.micros(started)),
            ..PeerRecord::default()
        };
        let record = Record {
            recorder: Recorder::create(folder).with_context(context)?,
            sound: sound::Recording::create(&folder.join("sound.wav")).with_context(context)?,
            peer,
        };
        Ok(Self { record: Arc::new(Mutex::new(record)), clock, media, started })
    }

    /// The configuration of a call with this caller's sources and sinks.
    pub(crate) fn config(&self, base: CallConfig) -> CallConfig {
        CallConfig {
            video_in: VideoSource::Program(self.pictures()),
            audio_in: AudioSource::Program(self.sound()),
            video_out: VideoSink::Program(self.screen()),
            audio_out: AudioSink::Program(self.speaker()),
            started: self.started,
            ..base
        }
    }

    fn pictures(&self) -> PictureMaker {
        let (record, clock, scene) = (self.record.clone(), self.clock, self.media.scene.clone());
        let (pause, first) = (self.media.pause.clone(), OnceLock::new());
        PictureMaker::new(move |index, captured_at, picture: &mut Picture| {
            let elapsed = captured_at.saturating_duration_since(*first.get_or_init(|| captured_at));
            if pause.as_ref().is_some_and(|pause| pause.contains(&elapsed.as_secs())) {
                return false;
            }
            let index = index as u32;
            let captured_us = clock.micros(captured_at);
            picture.as_bytes_mut().copy_from_slice(scene.picture(index).as_bytes());
            stamp::draw(picture, index, captured_us);
            lock(&record).recorder.sent(index, captured_us);
            true
        })
    }

    fn sound(&self) -> SoundMaker {
        let (record, clock, sound) = (self.record.clone(), self.clock, self.media.sound.clone());
        let position = Mutex::new(0);
        SoundMaker::new(move |captured_at, samples: &mut [f32]| {
            let mut position = position.lock().unwrap_or_else(PoisonError::into_inner);
            if *position == 0 {
                lock(&record).peer.sound_sent_origin_us.get_or_insert(clock.micros(captured_at));
            }
            for sample in samples {
                *sample = sound[*position];
                *position = (*position + 1) % sound.len();
            }
        })
    }

    fn screen(&self) -> PictureTaker {
        let (record, clock) = (self.record.clone(), self.clock);
        PictureTaker::new(move |shown_at, picture: &Arc<Picture>| {
            lock(&record).recorder.rendered(clock.micros(shown_at), picture);
        })
    }

    fn speaker(&self) -> SoundTaker {
        let (record, clock) = (self.record.clone(), self.clock);
        SoundTaker::new(move |heard_at, samples: &[f32]| {
            let mut record = lock(&record);
            record.peer.sound_origin_us.get_or_insert(clock.micros(heard_at));
            record.sound.write(samples);
        })
    }

    /// Follows the call to its end and completes the record.
    ///
    /// # Errors
    /// When the record could not be written in full.
    pub(crate) async fn follow(self, call: Call) -> anyhow::Result<Outcome> {
        let mut snapshots = call.snapshot();
        let mut finished = std::pin::pin!(call.finished());
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        let mut ending_us = None;
        let outcome = loop {
            tokio::select! {
                outcome = &mut finished => break outcome,
                _ = seconds.tick() => {
                    let second = self.second(&snapshots.borrow().figures);
                    lock(&self.record).recorder.second(&second);
                }
                // From the goodbye on no pictures come: that is no freeze.
                Ok(()) = snapshots.changed(), if ending_us.is_none() => {
                    let ending = matches!(snapshots.borrow().phase, Phase::Ending | Phase::Ended);
                    ending_us = ending.then(|| self.clock.micros(Instant::now()));
                }
            }
        };
        self.conclude(&outcome, ending_us)?;
        Ok(outcome)
    }

    fn second(&self, figures: &call_engine::Figures) -> Second {
        let sent = &figures.video_sent;
        Second {
            at_us: self.clock.micros(Instant::now()),
            target_bps: sent.target_bitrate.map(|target| target.bps() as f64),
            frames_encoded: sent.frames,
            qp_sum: sent.quantizers,
            frames_decoded: figures.video_received.frames_decoded,
            rtt_ms: figures.path.rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
        }
    }

    fn conclude(self, outcome: &Outcome, ending_us: Option<u64>) -> anyhow::Result<()> {
        let figures = &outcome.figures;
        let at = |milestone: Option<Duration>| milestone.map(|after| self.clock.micros(self.started + after));
        let Some(record) = Arc::into_inner(self.record) else {
            anyhow::bail!("a media thread of the call is still running");
        };
        let Record { recorder, sound, mut peer } = record.into_inner().unwrap_or_else(PoisonError::into_inner);
        let played = sound.finish().context("the sound could not be written")?;
        peer.codec = figures.video_sent.codec.clone();
        peer.error = (!outcome.connected).then(|| outcome.end.to_string());
        peer.offer_us = at(figures.milestones.offer);
        peer.connected_us = at(figures.milestones.dtls_connected);
        peer.ended_us = ending_us.or(at(figures.milestones.ended));
        peer.sound_samples = outcome.connected.then_some(played);
        let concealed = figures.audio_received.concealed_ratio;
        peer.sound_concealed_samples = concealed.map(|ratio| (ratio * played as f64).round() as u64);
        peer.own_freezes = figures.video_received.freezes;
        recorder.finish(&peer).context("the record could not be written")
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unix time of instants, by one look at both clocks.
#[derive(Clone, Copy)]
struct UnixClock {
    instant: Instant,
    unix: Duration,
}

impl UnixClock {
    fn new() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { instant: Instant::now(), unix }
    }

    /// Microseconds.
    fn micros(self, at: Instant) -> u64 {
        let unix = match at.checked_duration_since(self.instant) {
            Some(after) => self.unix + after,
            None => self.unix.saturating_sub(self.instant - at),
        };
        u64::try_from(unix.as_micros()).unwrap_or(u64::MAX)
    }
}
