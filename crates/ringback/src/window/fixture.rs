//! Plain data to build pages from in tests: no call, no device and no sound is needed for any of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use call_engine::{
    AudioSink, AudioSource, Command, FrameRate, LatestSlot, Phase, Pictures, Size, Snapshot, VideoFormat, VideoSource,
};
use tokio::sync::{mpsc, watch};

use super::{Choice, Handset, Invitation, Tone, Tools};
use crate::cli;
use crate::face::{Curves, Story};

/// A call to this room, found or hosted, with default devices.
pub(crate) fn choice(room: &str) -> Choice {
    Choice {
        room: cli::room(room).ok(),
        server: None,
        video_in: VideoSource::Auto,
        audio_in: AudioSource::Auto,
        audio_out: AudioSink::Auto,
        format: VideoFormat {
            size: Size::new(1280, 720).expect("even and in range"),
            frame_rate: FrameRate::new(30).expect("in range"),
        },
    }
}

/// Curves with one measurement at each of these seconds after the moment that is given back.
pub(crate) fn curves(seconds: &[u64]) -> (Curves, Instant) {
    let (mut curves, start) = (Curves::default(), Instant::now());
    for second in seconds {
        curves.measured(&connected(start + Duration::from_secs(*second)));
    }
    (curves, start)
}

/// The snapshot of a call that goes well.
pub(crate) fn connected(at: Instant) -> Snapshot {
    let mut snapshot = Snapshot { phase: Phase::Connected, measured_at: at, ..Snapshot::default() };
    snapshot.figures.path.rtt = Some(Duration::from_millis(40));
    snapshot
}

/// The engine's end of a call that a test plays.
pub(crate) struct Engine {
    pub(crate) snapshot: watch::Sender<Snapshot>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) story: Arc<Mutex<Story>>,
}

impl Engine {
    /// A call, and the window's end of it.
    pub(crate) fn call(room: &str, first: Snapshot) -> (Self, Handset) {
        let (snapshot, seen) = watch::channel(first);
        let (commands, given) = mpsc::channel(64);
        let story = Arc::new(Mutex::new(Story::default()));
        let handset = Handset {
            room: room.to_owned(),
            snapshot: seen,
            commands,
            remote: Pictures::new(LatestSlot::new()),
            local: Pictures::new(LatestSlot::new()),
            levels: Arc::default(),
            story: story.clone(),
            invitation: Some(Invitation::default()),
            by_hand: None,
        };
        (Self { snapshot, commands: given, story }, handset)
    }

    /// The commands that came since the last look; each is obeyed as the real engine does.
    pub(crate) fn obey(&mut self) -> Vec<Command> {
        let commands: Vec<_> = std::iter::from_fn(|| self.commands.try_recv().ok()).collect();
        for command in &commands {
            self.snapshot.send_modify(|snapshot| obey(snapshot, command));
        }
        commands
    }
}

fn obey(snapshot: &mut Snapshot, command: &Command) {
    match command {
        Command::Accept => snapshot.phase = Phase::Connected,
        Command::SetMicrophoneOn(on) => snapshot.microphone_on = *on,
        Command::SetCameraOn(on) => snapshot.camera_on = *on,
        Command::SetVideoSource(source) => snapshot.media.video_in = source.clone(),
        Command::SetAudioSource(source) => snapshot.media.audio_in = source.clone(),
        Command::SetAudioSink(sink) => snapshot.media.audio_out = sink.clone(),
        Command::HangUp => over(snapshot, call_engine::EndReason::HungUp),
        Command::Decline => over(snapshot, call_engine::EndReason::Declined),
        Command::Interrupt => over(snapshot, call_engine::EndReason::Interrupted),
        Command::SendChat(_) => {}
    }
}

fn over(snapshot: &mut Snapshot, end: call_engine::EndReason) {
    snapshot.phase = Phase::Ended;
    snapshot.end = Some(end);
}

/// What the window did outside of itself.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) opened: RefCell<Vec<String>>,
    pub(crate) played: RefCell<Vec<(AudioSink, Tone)>>,
    /// Sounds that play now.
    pub(crate) sounding: RefCell<usize>,
}

/// Tools that only note what they are used for.
pub(crate) fn tools() -> (Tools, Rc<Done>) {
    struct Sounds(Rc<Done>);
    impl Drop for Sounds {
        fn drop(&mut self) {
            *self.0.sounding.borrow_mut() -= 1;
        }
    }
    let done = Rc::new(Done::default());
    let (played, opened) = (done.clone(), done.clone());
    let tools = Tools {
        preview: Box::new(|_| None),
        play: Box::new(move |sink, tone| {
            played.played.borrow_mut().push((sink, tone));
            *played.sounding.borrow_mut() += 1;
            Box::new(Sounds(played.clone()))
        }),
        browse: Box::new(move |link| {
            opened.opened.borrow_mut().push(link.to_owned());
            true
        }),
        find_font: Arc::new(|_| None),
    };
    (tools, done)
}
