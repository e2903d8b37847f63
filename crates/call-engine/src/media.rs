//! All media of one call: the devices and files that were opened for it, and the four threads that move sound and pictures.
//! A device that cannot be opened costs the call that one direction and is reported, never the call itself.

use std::sync::Arc;
use std::time::Instant;

use call_core::EndReason;
use media_capture::{AudioSource, CaptureNotice, VideoCapture, VideoSource};
use media_core::{Allocation, LatestSlot, Picture};
use media_render::{AudioSink, RenderNotice, VideoFile, VideoSink};
use peer_connection::{Peer, PeerStreams};
use tokio::sync::mpsc;

use crate::audio_receive::AudioReceive;
use crate::audio_send::AudioSend;
use crate::config::{CallConfig, Repaint};
use crate::levels::Levels;
use crate::video_receive::VideoReceive;
use crate::video_send::VideoSend;

/// Pictures on their way to whoever draws them: one slot, an old picture is worth less than a new one.
pub type Pictures = Arc<LatestSlot<Arc<Picture>>>;

/// The open media of one call.
pub(crate) struct Media {
    video_send: Option<VideoSend>,
    video_capture: Option<VideoCapture>,
    /// A file starts to play when the peer is there, so that none of it is lost.
    video_file_to_start: Option<(VideoSource, Arc<LatestSlot<media_core::CapturedPicture>>)>,
    audio_send: Option<AudioSend>,
    video_receive: VideoReceive,
    audio_receive: Option<AudioReceive>,
    config: CallConfig,
    notices: mpsc::Sender<MediaNotice>,
}

/// What the media have to say while the call runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MediaNotice {
    /// For the person: what happened and what the call does about it.
    Info(String),
    /// The microphone works, the speaker does not, and so on: for the person, louder.
    Problem(String),
    /// A file that plays once is over.
    SourceEnded,
}

impl Media {
    /// Opens everything that the call asks for; blocks while devices open, so not for async workers.
    ///
    /// # Errors
    /// An output file that cannot be made and an input file that cannot be read end the call before it begins:
    /// the person named that file. Devices never do.
    pub(crate) fn open(
        config: &CallConfig,
        local: Pictures,
        remote: Pictures,
        levels: Arc<Levels>,
        notices: mpsc::Sender<MediaNotice>,
    ) -> Result<Self, EndReason> {
        let _ = levels;
        let (audio_send, audio_receive) = (open_microphone(config, &notices)?, open_speaker(config, &notices)?);
        let (video_file, taker) = match &config.video_out {
            VideoSink::File(path) => {
                (Some(VideoFile::create(path, config.video.frame_rate).map_err(device_failure)?), None)
            }
            VideoSink::Program(taker) => (None, Some(taker.clone())),
            VideoSink::Window | VideoSink::None => (None, None),
        };
        let mut media = Self {
            video_send: None,
            video_capture: None,
            video_file_to_start: None,
            audio_send,
            video_receive: VideoReceive::new(remote, config.repaint.clone(), video_file, taker),
            audio_receive,
            config: config.clone(),
            notices,
        };
        media.open_camera(local, config.repaint.clone())?;
        Ok(media)
    }

    fn open_camera(&mut self, local: Pictures, repaint: Option<Repaint>) -> Result<(), EndReason> {
        let source = self.config.video_in.clone();
        if source == VideoSource::None {
            return Ok(());
        }
        let slot = Arc::new(LatestSlot::new());
        if matches!(source, VideoSource::File { .. }) {
            media_capture::video::check(&source, self.config.video).map_err(device_failure)?;
            self.video_file_to_start = Some((source, slot.clone()));
        } else if !self.start_capture(source, slot.clone()) {
            return Ok(());
        }
        let target = media_core::RateAllocator::new(self.config.audio_bitrate, self.config.max_bitrate)
            .allocate(self.config.max_bitrate)
            .video;
        self.video_send = Some(VideoSend::start(slot, local, repaint, self.config.video, target));
        Ok(())
    }

    /// False when there will be no pictures.
    fn start_capture(&mut self, source: VideoSource, slot: Arc<LatestSlot<media_core::CapturedPicture>>) -> bool {
        let notify = capture_notices("camera", self.notices.clone());
        match media_capture::video::start(&source, self.config.video, slot, notify) {
            Ok(capture) => {
                self.say(MediaNotice::Info(format!("sending pictures from {}", capture.description())));
                self.video_capture = Some(capture);
                true
            }
            Err(error) => {
                self.say(MediaNotice::Problem(format!("no pictures are sent: {error}")));
                false
            }
        }
    }

    fn say(&self, notice: MediaNotice) {
        let _ = self.notices.try_send(notice);
    }

    /// The two are connected: sound and pictures flow.
    pub(crate) fn attach(&mut self, peer: &Peer, streams: PeerStreams, request_keyframe: impl Fn() + Send + 'static) {
        self.video_receive.begin(Instant::now());
        self.video_receive.attach(streams.video, request_keyframe);
        if let Some(audio) = &self.audio_receive {
            audio.attach(streams.audio);
        }
        if let Some(audio) = &self.audio_send {
            audio.attach(peer.audio_sender());
        }
        if let Some(video) = &self.video_send {
            video.attach(peer.video_sender());
        }
        if let Some((source, slot)) = self.video_file_to_start.take() {
            self.start_capture(source, slot);
        }
    }

    /// The connection is gone; cameras and microphones stay open for the next.
    pub(crate) fn detach(&self) {
        if let Some(audio) = &self.audio_send {
            audio.detach();
        }
        if let Some(audio) = &self.audio_receive {
            audio.detach();
        }
        if let Some(video) = &self.video_send {
            video.detach();
        }
    }

    pub(crate) fn set_allocation(&self, allocation: Allocation) {
        if let Some(video) = &self.video_send {
            video.set_target(allocation.video);
        }
    }

    pub(crate) fn keyframe_requested(&self) {
        if let Some(video) = &self.video_send {
            video.keyframe_requested();
        }
    }

    pub(crate) fn set_microphone_on(&self, on: bool) {
        if let Some(audio) = &self.audio_send {
            audio.set_microphone_on(on);
        }
    }

    pub(crate) fn set_camera_on(&self, on: bool) {
        if let Some(video) = &self.video_send {
            video.set_camera_on(on);
        }
    }

    pub(crate) fn video_send(&self) -> Option<&VideoSend> {
        self.video_send.as_ref()
    }

    pub(crate) fn video_receive(&self) -> &VideoReceive {
        &self.video_receive
    }

    pub(crate) fn audio_receive(&self) -> Option<&AudioReceive> {
        self.audio_receive.as_ref()
    }

    /// Ends every thread and completes the output files up to `end`; blocks for at most a frame or a device's close.
    pub(crate) fn close(mut self, end: Instant) -> Result<(), media_render::RenderError> {
        self.detach();
        if let Some(capture) = self.video_capture.take() {
            capture.stop();
        }
        if let Some(video) = &mut self.video_send {
            video.stop();
        }
        if let Some(audio) = &mut self.audio_send {
            audio.stop();
        }
        let sound = self.audio_receive.as_mut().map_or(Ok(()), AudioReceive::finish);
        self.video_receive.finish(end).and(sound)
    }
}

fn open_microphone(config: &CallConfig, notices: &mpsc::Sender<MediaNotice>) -> Result<Option<AudioSend>, EndReason> {
    if config.audio_in == AudioSource::None {
        return Ok(None);
    }
    match media_capture::audio::start(&config.audio_in, capture_notices("microphone", notices.clone())) {
        Ok(capture) => {
            let _ = notices.try_send(MediaNotice::Info(format!("sending sound from {}", capture.description())));
            AudioSend::start(capture, config.audio_bitrate).map(Some).map_err(internal)
        }
        Err(error) if matches!(config.audio_in, AudioSource::File(_)) => Err(device_failure(error)),
        Err(error) => {
            let _ = notices.try_send(MediaNotice::Problem(format!("no sound is sent: {error}")));
            Ok(None)
        }
    }
}

fn open_speaker(config: &CallConfig, notices: &mpsc::Sender<MediaNotice>) -> Result<Option<AudioReceive>, EndReason> {
    let forward = notices.clone();
    let notify = move |notice: RenderNotice| {
        let _ = forward.try_send(match notice {
            RenderNotice::Fallback(text) => MediaNotice::Info(text),
            RenderNotice::Lost(text) => MediaNotice::Problem(format!("speaker: {text}")),
            RenderNotice::Restored(name) => MediaNotice::Info(format!("the speaker works: {name}")),
        });
    };
    let output = match media_render::audio::start(&config.audio_out, notify) {
        Ok(output) => output,
        Err(error) if matches!(config.audio_out, AudioSink::File(_)) => return Err(device_failure(error)),
        Err(error) => {
            let _ = notices.try_send(MediaNotice::Problem(format!("the peer cannot be heard: {error}")));
            media_render::audio::start(&AudioSink::None, |_| {}).map_err(device_failure)?
        }
    };
    AudioReceive::start(output).map(Some).map_err(internal)
}

fn capture_notices(
    device: &'static str,
    notices: mpsc::Sender<MediaNotice>,
) -> impl Fn(CaptureNotice) + Send + 'static {
    move |notice| {
        let notice = match notice {
            CaptureNotice::Fallback(text) => MediaNotice::Info(text),
            CaptureNotice::Lost(text) => MediaNotice::Problem(format!("{device}: {text}")),
            CaptureNotice::Restored(text) => MediaNotice::Info(format!("the {device} works: {text}")),
            CaptureNotice::Ended => MediaNotice::SourceEnded,
        };
        let _ = notices.try_send(notice);
    }
}

fn device_failure(error: impl std::fmt::Display) -> EndReason {
    EndReason::DeviceFailure { reason: error.to_string() }
}

fn internal(error: impl std::fmt::Display) -> EndReason {
    EndReason::Internal { reason: error.to_string() }
}
