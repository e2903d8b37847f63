//! All media of one call: the devices and files that were opened for it, and the four threads that move sound and pictures.
//! A device that cannot be opened costs the call that one direction and is reported, never the call itself; another one can take
//! its place at any time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media_capture::{AudioSource, VideoSource};
use media_core::{Allocation, LatestSlot, Picture};
use media_render::{AudioSink, VideoFile, VideoSink};
use peer_connection::{Peer, PeerStreams, PictureRequest};
use tokio::sync::mpsc;

use crate::audio_receive::AudioReceive;
use crate::audio_send::AudioSend;
use crate::camera::Camera;
use crate::changeable::{Changeable, Part};
use crate::config::CallConfig;
use crate::figures::MediaInUse;
use crate::levels::Levels;
use crate::microphone::Microphone;
use crate::preview::wait_for_release;
use crate::speaker::Speaker;
use crate::video_receive::VideoReceive;
use crate::video_send::VideoSend;
use crate::voice::Tell;

/// How long a call waits for a preview that was just dropped to let go of its devices.
const RELEASE: Duration = Duration::from_secs(2);

/// Pictures on their way to whoever draws them: one slot, an old picture is worth less than a new one.
pub type Pictures = Arc<LatestSlot<Arc<Picture>>>;

/// The open media of one call.
pub(crate) struct Media {
    /// `None`: the call was begun without pictures of ours.
    camera: Option<Changeable<Camera>>,
    /// `None`: the call was begun without sound of ours.
    microphone: Option<Changeable<Microphone>>,
    speaker: Changeable<Speaker>,
    /// Whether sound of the peer can come at all.
    receives: bool,
    video_receive: VideoReceive,
    tell: Tell,
}

/// Another device, while the call runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    VideoIn(VideoSource),
    AudioIn(AudioSource),
    AudioOut(AudioSink),
}

/// What the media have to say while the call runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MediaNotice {
    /// What is in use now, for the person.
    InUse(String),
    /// For the person: what happened and what the call does about it.
    Info(String),
    /// Something does not work: for the person, louder.
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
    ) -> Result<Self, String> {
        wait_for_release(RELEASE);
        let tell: Tell = Arc::new(move |notice| drop(notices.try_send(notice)));
        let microphone = open_microphone(config, levels.clone(), &tell)?;
        let speaker = open_speaker(config, levels, &tell)?;
        let (video_file, taker) = match &config.video_out {
            VideoSink::File(path) => {
                (Some(VideoFile::create(path, config.video.frame_rate).map_err(|error| error.to_string())?), None)
            }
            VideoSink::Program(taker) => (None, Some(taker.clone())),
            VideoSink::Window | VideoSink::None => (None, None),
        };
        Ok(Self {
            camera: open_camera(config, local, &tell)?,
            microphone,
            speaker,
            receives: config.signaling.server.protocol.flow().receives(),
            video_receive: VideoReceive::new(remote, config.repaint.clone(), video_file, taker),
            tell,
        })
    }

    /// Opens another device and puts it in the place of the one in use; returns at once. How that went is told.
    pub(crate) fn change(&self, change: Change) {
        match change {
            Change::VideoIn(source) => match &self.camera {
                Some(camera) => camera.ask(source),
                None => self.refuse("the camera was not changed: this call was begun without pictures of ours"),
            },
            Change::AudioIn(source) => match &self.microphone {
                Some(microphone) => microphone.ask(source),
                None => self.refuse("the microphone was not changed: this call was begun without sound of ours"),
            },
            // Opening the file once more would begin it anew.
            Change::AudioOut(sink @ AudioSink::File(_)) if sink == self.speaker.choice() => {}
            Change::AudioOut(sink) if self.receives => self.speaker.ask(sink),
            Change::AudioOut(_) => self.refuse("the speaker was not changed: nothing comes back in this call"),
        }
    }

    fn refuse(&self, text: &str) {
        (self.tell)(MediaNotice::Problem(text.to_owned()));
    }

    /// What is in use now.
    pub(crate) fn in_use(&self) -> MediaInUse {
        let (camera, microphone) = (self.camera.as_ref(), self.microphone.as_ref());
        MediaInUse {
            video_in: camera.map_or(VideoSource::None, Changeable::choice),
            audio_in: microphone.map_or(AudioSource::None, Changeable::choice),
            audio_out: self.speaker.choice(),
            camera: camera.and_then(Changeable::name),
            microphone: microphone.and_then(Changeable::name),
            speaker: self.speaker.name(),
        }
    }

    /// The two are connected: sound and pictures flow.
    pub(crate) fn attach(
        &mut self,
        peer: &Peer,
        streams: PeerStreams,
        request: impl Fn(PictureRequest) + Send + 'static,
    ) {
        self.video_receive.begin(Instant::now());
        self.video_receive.attach(streams.video, request);
        self.speaker.part().receive().attach(streams.audio);
        if let Some(audio) = self.audio_send() {
            audio.attach(peer.audio_sender());
        }
        if let Some(camera) = &self.camera {
            camera.part().send().attach(peer.video_sender());
            camera.part().watch();
        }
    }

    /// The connection is gone; cameras and microphones stay open for the next.
    pub(crate) fn detach(&self) {
        if let Some(audio) = self.audio_send() {
            audio.detach();
        }
        self.audio_receive().detach();
        if let Some(video) = self.video_send() {
            video.detach();
        }
    }

    pub(crate) fn set_allocation(&self, allocation: Allocation) {
        if let Some(video) = self.video_send() {
            video.set_target(allocation.video);
        }
    }

    pub(crate) fn keyframe_requested(&self) {
        if let Some(video) = self.video_send() {
            video.keyframe_requested();
        }
    }

    pub(crate) fn set_microphone_on(&self, on: bool) {
        if let Some(audio) = self.audio_send() {
            audio.set_microphone_on(on);
        }
    }

    pub(crate) fn set_camera_on(&self, on: bool) {
        if let Some(video) = self.video_send() {
            video.set_camera_on(on);
        }
    }

    pub(crate) fn video_send(&self) -> Option<&VideoSend> {
        self.camera.as_ref().map(|camera| camera.part().send())
    }

    pub(crate) fn video_receive(&self) -> &VideoReceive {
        &self.video_receive
    }

    pub(crate) fn audio_receive(&self) -> &AudioReceive {
        self.speaker.part().receive()
    }

    fn audio_send(&self) -> Option<&AudioSend> {
        self.microphone.as_ref().map(|microphone| microphone.part().send())
    }

    /// Ends every thread and completes the output files up to `end`; blocks for at most a frame or a device's close.
    /// A device that is being opened is not waited for.
    ///
    /// # Errors
    /// What an output file lacks.
    pub(crate) fn close(mut self, end: Instant) -> Result<(), String> {
        self.detach();
        let camera = self.camera.as_ref().map_or(Ok(()), Changeable::close);
        if let Some(video) = self.video_send() {
            video.stop();
        }
        let microphone = self.microphone.as_ref().map_or(Ok(()), Changeable::close);
        if let Some(audio) = self.audio_send() {
            audio.stop();
        }
        let speaker = self.speaker.close();
        self.audio_receive().stop();
        let pictures = self.video_receive.finish(end).map_err(|error| error.to_string());
        pictures.and(speaker).and(camera).and(microphone)
    }
}

fn open_camera(config: &CallConfig, local: Pictures, tell: &Tell) -> Result<Option<Changeable<Camera>>, String> {
    if config.video_in == VideoSource::None {
        return Ok(None);
    }
    let send = VideoSend::start(local, config.repaint.clone(), config.video);
    let camera =
        Changeable::new(Camera::new(send, config.video, false), config.video_in.clone(), config.make_do, tell.clone());
    match camera.open_now(true) {
        Ok(()) => Ok(Some(camera)),
        Err(refused) if matches!(config.video_in, VideoSource::File { .. }) => Err(refused.reason()),
        Err(refused) => {
            tell(MediaNotice::Problem(format!("no pictures are sent: {}", refused.reason())));
            Ok(Some(camera))
        }
    }
}

fn open_microphone(
    config: &CallConfig,
    levels: Arc<Levels>,
    tell: &Tell,
) -> Result<Option<Changeable<Microphone>>, String> {
    if config.audio_in == AudioSource::None {
        return Ok(None);
    }
    let send = AudioSend::start(config.audio_bitrate, levels).map_err(|error| format!("internal error: {error}"))?;
    let microphone = Changeable::new(Microphone::new(send), config.audio_in.clone(), config.make_do, tell.clone());
    match microphone.open_now(true) {
        Ok(()) => Ok(Some(microphone)),
        Err(refused) if matches!(config.audio_in, AudioSource::File(_)) => Err(refused.reason()),
        Err(refused) => {
            tell(MediaNotice::Problem(format!("no sound is sent: {}", refused.reason())));
            Ok(Some(microphone))
        }
    }
}

fn open_speaker(config: &CallConfig, levels: Arc<Levels>, tell: &Tell) -> Result<Changeable<Speaker>, String> {
    let receive = AudioReceive::start(levels).map_err(|error| format!("internal error: {error}"))?;
    let speaker = Changeable::new(Speaker::new(receive), config.audio_out.clone(), config.make_do, tell.clone());
    match speaker.open_now(false) {
        Ok(()) => {}
        Err(refused) if matches!(config.audio_out, AudioSink::File(_)) => return Err(refused.reason()),
        Err(refused) => {
            tell(MediaNotice::Problem(format!("the peer cannot be heard: {}", refused.reason())));
            // In its place, nothing, at the pace of what comes.
            speaker.part().put(None);
        }
    }
    Ok(speaker)
}
