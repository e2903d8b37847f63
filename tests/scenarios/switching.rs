//! Another camera, microphone or speaker in the middle of a call, seen and heard by the peer: two engines in this process.
//! Sources and sinks are the test's own, so that each picture and each tone tells where it comes from.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use call_engine::{
    AudioSink, AudioSource, Call, CallConfig, Command, EndReason, Event, MediaInUse, Phase, PictureMaker, PictureTaker,
    SoundMaker, SoundTaker, VideoSink, VideoSource,
};
use media_codec::goertzel_power;
use ringback_tests::place::{alone, scratch};
use ringback_tests::sound::{listen, read};
use tokio::sync::mpsc;

use crate::engines::{PATIENCE, config, server, until, within};

/// Brightness of our sources of pictures; black is 16.
const DARK: u8 = 60;
const MIDDLE: u8 = 130;
const BRIGHT: u8 = 200;

/// Tones of our two sources of sound, in hertz.
pub(crate) const LOW: f32 = 440.0;
pub(crate) const HIGH: f32 = 1_250.0;

/// Pictures of one brightness; they hold `alive`.
fn shade(luma: u8, alive: &Lifeline) -> VideoSource {
    let alive = alive.clone();
    VideoSource::Program(PictureMaker::new(move |_, _, picture| {
        let _ = &alive;
        let [y, u, v] = picture.planes_mut();
        y.fill(luma);
        u.fill(128);
        v.fill(128);
        true
    }))
}

/// A tone; it holds `alive`.
fn tone(hz: f32, alive: &Lifeline) -> AudioSource {
    let (alive, phase) = (alive.clone(), Mutex::new(0.0_f32));
    AudioSource::Program(SoundMaker::new(move |_, samples| {
        let _ = &alive;
        let mut phase = phase.lock().expect("one thread fills");
        for sample in samples {
            *phase = (*phase + hz * std::f32::consts::TAU / 48_000.0) % std::f32::consts::TAU;
            *sample = phase.sin() * 0.25;
        }
    }))
}

/// The brightness of each picture that comes, from its middle.
fn seen() -> (VideoSink, mpsc::UnboundedReceiver<u8>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let take = move |_, picture: &Arc<call_engine::Picture>| {
        let luma = picture.planes()[0];
        let _ = sender.send(luma[luma.len() / 2 + picture.size().width as usize / 2]);
    };
    (VideoSink::Program(PictureTaker::new(take)), seen)
}

/// What is heard, as it comes.
pub(crate) fn heard() -> (AudioSink, mpsc::UnboundedReceiver<Vec<f32>>) {
    let (sender, heard) = mpsc::unbounded_channel();
    (AudioSink::Program(SoundTaker::new(move |_, samples: &[f32]| drop(sender.send(samples.to_vec())))), heard)
}

/// Waits for pictures of that brightness; gives those that came before.
async fn until_seen(seen: &mut mpsc::UnboundedReceiver<u8>, luma: u8) -> Vec<u8> {
    let what = format!("pictures of brightness {luma}");
    within(&what, async {
        let mut before = Vec::new();
        loop {
            match seen.recv().await.expect("pictures come") {
                picture if picture.abs_diff(luma) < 8 => return before,
                other => before.push(other),
            }
        }
    })
    .await
}

/// Waits for a tenth of a second that is nearly all this tone, or silence.
pub(crate) async fn until_heard(heard: &mut mpsc::UnboundedReceiver<Vec<f32>>, hz: Option<f32>) {
    within(&format!("the sound {hz:?}"), async {
        let mut piece = Vec::new();
        loop {
            piece.extend(heard.recv().await.expect("sound comes"));
            if piece.len() < 4_800 {
                continue;
            }
            let energy = piece.iter().map(|sample| sample * sample).sum::<f32>() / piece.len() as f32;
            let found = match hz {
                Some(hz) => energy > 0.005 && goertzel_power(&piece, hz) > 0.7 * energy,
                None => energy < 1e-6,
            };
            if found {
                return;
            }
            piece.clear();
        }
    })
    .await;
}

/// Waits for an event that says `text`, and whether it is a problem.
pub(crate) async fn until_told(call: &mut Call, text: &str) -> Event {
    let mut meanwhile = Vec::new();
    let told = async {
        loop {
            match call.event().await.expect("the call runs") {
                Event::Info(said) if said.contains(text) => return Event::Info(said),
                Event::Problem(said) if said.contains(text) => return Event::Problem(said),
                other => meanwhile.push(other),
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await.ok();
    told.unwrap_or_else(|| panic!("{text:?} is not told, but {meanwhile:?}"))
}

/// Held by a source as long as it is: a clone for each.
type Lifeline = mpsc::Sender<()>;

/// A lifeline, and what tells that nobody holds it any more.
fn lifeline() -> (Lifeline, mpsc::Receiver<()>) {
    mpsc::channel(1)
}

async fn gone(what: &str, mut held: mpsc::Receiver<()>) {
    assert_eq!(within(what, held.recv()).await, None, "nothing is ever sent");
}

pub(crate) async fn send(call: &Call, command: Command) {
    call.commands().send(command).await.expect("the call runs");
}

async fn end(first: Call, second: Call) {
    first.hang_up().await;
    assert!(matches!(within("the end", second.finished()).await.end, EndReason::PeerHungUp { .. }));
    assert_eq!(within("our end", first.finished()).await.end, EndReason::HungUp);
}

pub(crate) fn silent(config: CallConfig) -> CallConfig {
    CallConfig { audio_in: AudioSource::None, ..config }
}

pub(crate) fn blind(config: CallConfig) -> CallConfig {
    CallConfig { video_in: VideoSource::None, ..config }
}

/// A call in which one side shows dark pictures, kept by `alive`, and the other one sees them.
async fn dark(server: &signaling_server::Server, alive: &Lifeline) -> (Call, Call, mpsc::UnboundedReceiver<u8>) {
    let (video_out, mut pictures) = seen();
    let shown = CallConfig { video_in: shade(DARK, alive), ..silent(config(server, "showing")) };
    let showing = Call::place(shown).await.expect("nothing is needed");
    let looking = Call::place(CallConfig { video_out, ..config(server, "looking") }).await.expect("nothing is needed");
    until_seen(&mut pictures, DARK).await;
    (showing, looking, pictures)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_of_pictures_is_what_the_peer_sees_and_the_old_one_is_let_go() {
    let _alone = alone();
    let server = server().await;
    let ((old, old_one), (new, _new_one)) = (lifeline(), lifeline());
    let (mut showing, looking, mut pictures) = dark(&server, &new).await;
    send(&showing, Command::SetVideoSource(shade(MIDDLE, &old))).await;
    until_told(&mut showing, "sending pictures from the program").await;
    until_seen(&mut pictures, MIDDLE).await;

    let bright = shade(BRIGHT, &new);
    send(&showing, Command::SetVideoSource(bright.clone())).await;
    until_told(&mut showing, "sending pictures from the program").await;
    until_seen(&mut pictures, BRIGHT).await;
    drop(old);
    gone("the old source", old_one).await;
    let MediaInUse { video_in, camera, .. } = showing.snapshot().borrow().media.clone();
    assert_eq!((video_in, camera.as_deref()), (bright.clone(), Some("the program")));

    // What does not work changes nothing.
    for (source, reason) in [("camera:77", "camera 77"), ("file:/no/such/clip.y4m", "/no/such/clip.y4m")] {
        send(&showing, Command::SetVideoSource(source.parse().expect("a source"))).await;
        let told = until_told(&mut showing, "the camera was not changed: ").await;
        assert!(matches!(&told, Event::Problem(text) if text.contains(reason) && !text.contains('\n')), "{told:?}");
        assert_eq!(showing.snapshot().borrow().media.video_in, bright);
    }
    while pictures.try_recv().is_ok() {}
    until_seen(&mut pictures, BRIGHT).await;

    // No pictures any more is black, not the last picture for ever.
    send(&showing, Command::SetVideoSource(VideoSource::None)).await;
    until_told(&mut showing, "no pictures are sent").await;
    until_seen(&mut pictures, 16).await;
    until(&showing, "no camera", |snapshot| snapshot.media.camera.is_none()).await;
    end(showing, looking).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_is_off_stays_off_whatever_is_chosen() {
    let _alone = alone();
    let server = server().await;
    let (alive, _held) = lifeline();
    let (mut showing, looking, mut pictures) = dark(&server, &alive).await;
    send(&showing, Command::SetCameraOn(false)).await;
    until_seen(&mut pictures, 16).await;
    send(&showing, Command::SetVideoSource(shade(BRIGHT, &alive))).await;
    until_told(&mut showing, "sending pictures from the program").await;
    for _ in 0..20 {
        let luma = within("black pictures", pictures.recv()).await.expect("pictures come");
        assert!(luma < 24, "{luma}");
    }
    send(&showing, Command::SetCameraOn(true)).await;
    until_seen(&mut pictures, BRIGHT).await;
    end(showing, looking).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_without_camera_shows_no_picture_of_it() {
    let _alone = alone();
    let server = server().await;
    let (video_out, mut pictures) = seen();
    let (alive, _held) = lifeline();
    let asked = CallConfig { video_in: shade(BRIGHT, &alive), ask: true, ..silent(config(&server, "called")) };
    let called = Call::place(asked).await.expect("nothing is needed");
    until(&called, "the room", |snapshot| snapshot.phase == Phase::Waiting).await;
    let caller = Call::place(CallConfig { video_out, ..config(&server, "caller") }).await.expect("nothing is needed");
    until(&called, "ringing", |snapshot| snapshot.phase == Phase::Ringing).await;
    send(&called, Command::SetCameraOn(false)).await;
    send(&called, Command::Accept).await;
    for _ in 0..30 {
        let luma = within("black pictures", pictures.recv()).await.expect("pictures come");
        assert!(luma < 24, "{luma}");
    }
    assert!(!called.snapshot().borrow().camera_on);
    send(&called, Command::SetCameraOn(true)).await;
    until_seen(&mut pictures, BRIGHT).await;
    end(caller, called).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_began_without_its_camera_and_microphone_gets_others_later() {
    let _alone = alone();
    let server = server().await;
    let ((video_out, mut pictures), (audio_out, mut sound)) = (seen(), heard());
    let (alive, _held) = lifeline();
    let bare = CallConfig {
        video_in: VideoSource::Camera("77".into()),
        audio_in: AudioSource::Microphone("pulseaudio:no-such-microphone".into()),
        ..config(&server, "bare")
    };
    let mut bare = Call::place(bare).await.expect("devices never keep a call from beginning");
    let peer = CallConfig { video_out, audio_out, ..config(&server, "peer") };
    let peer = Call::place(peer).await.expect("nothing is needed");
    assert!(matches!(until_told(&mut bare, "no pictures are sent: ").await, Event::Problem(_)));
    until(&peer, "pictures of the other", |snapshot| snapshot.phase == Phase::Connected).await;
    let media = bare.snapshot().borrow().media.clone();
    assert_eq!((media.camera, media.microphone), (None, None));

    send(&bare, Command::SetVideoSource(shade(BRIGHT, &alive))).await;
    send(&bare, Command::SetAudioSource(tone(HIGH, &alive))).await;
    until_seen(&mut pictures, BRIGHT).await;
    until_heard(&mut sound, Some(HIGH)).await;
    until(&bare, "both by name", |snapshot| {
        snapshot.media.camera.is_some() && snapshot.media.microphone.as_deref() == Some("the program")
    })
    .await;
    end(bare, peer).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_agreed_on_cannot_be_sent_and_that_is_said() {
    let _alone = alone();
    let server = server().await;
    let mut call = Call::place(blind(silent(config(&server, "watching")))).await.expect("nothing is needed");
    send(&call, Command::SetVideoSource(VideoSource::TestCard)).await;
    let told = until_told(&mut call, "this call was begun without pictures of ours").await;
    assert!(matches!(told, Event::Problem(_)), "{told:?}");
    call.hang_up().await;
    within("the end", call.finished()).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_of_sound_is_what_the_peer_hears_and_mute_outlives_it() {
    let _alone = alone();
    let server = server().await;
    let (audio_out, mut sound) = heard();
    let ((old, old_one), (new, _new_one)) = (lifeline(), lifeline());
    let singing = CallConfig { audio_in: tone(LOW, &new), ..blind(config(&server, "singing")) };
    let mut singing = Call::place(singing).await.expect("nothing is needed");
    let levels = singing.levels();
    within("the microphone's level, before anybody is there", async {
        while levels.microphone.peak() < 0.2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let listening = blind(CallConfig { audio_out, audio_in: AudioSource::None, ..config(&server, "listening") });
    let listening = Call::place(listening).await.expect("nothing is needed");
    until_heard(&mut sound, Some(LOW)).await;
    assert!(listening.levels().speaker.peak() > 0.1, "what is played shows");
    assert!(levels.speaker.peak() < 0.01, "nobody says anything");

    send(&singing, Command::SetMicrophoneOn(false)).await;
    until_heard(&mut sound, None).await;
    for source in [tone(LOW, &old), tone(HIGH, &new)] {
        send(&singing, Command::SetAudioSource(source.clone())).await;
        until(&singing, "the new source", |snapshot| snapshot.media.audio_in == source).await;
    }
    drop(old);
    gone("the old source", old_one).await;
    until_heard(&mut sound, None).await;
    assert!(levels.microphone.peak() > 0.2, "a muted microphone's level shows");
    assert!(listening.levels().speaker.peak() < 0.01);

    send(&singing, Command::SetMicrophoneOn(true)).await;
    until_heard(&mut sound, Some(HIGH)).await;
    send(&singing, Command::SetAudioSource(AudioSource::File("/no/such/song.wav".into()))).await;
    let told = until_told(&mut singing, "the microphone was not changed: /no/such/song.wav").await;
    assert!(matches!(told, Event::Problem(_)), "{told:?}");
    until_heard(&mut sound, Some(HIGH)).await;
    end(singing, listening).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_speaker_plays_on_and_a_recording_is_complete_when_it_is_left() {
    let _alone = alone();
    let server = server().await;
    let folder = scratch();
    let recording = folder.path().join("recording.wav");
    let (other, mut sound) = heard();
    let (alive, _held) = lifeline();
    let singing = CallConfig { audio_in: tone(LOW, &alive), ..blind(config(&server, "singing")) };
    let singing = Call::place(singing).await.expect("nothing is needed");
    let recorded = CallConfig { audio_out: AudioSink::File(recording.clone()), ..blind(config(&server, "recording")) };
    let mut listening = Call::place(recorded).await.expect("nothing is needed");
    until(&listening, "a second of sound", |snapshot| snapshot.figures.audio_received.packets >= Some(75)).await;

    send(&listening, Command::SetAudioSink(AudioSink::File("/no/such/folder/other.wav".into()))).await;
    let told = until_told(&mut listening, "the speaker was not changed: /no/such/folder/other.wav").await;
    assert!(matches!(told, Event::Problem(_)), "{told:?}");
    // The file in use is not begun anew.
    send(&listening, Command::SetAudioSink(AudioSink::File(recording.clone()))).await;
    send(&listening, Command::SetAudioSink(other.clone())).await;
    until_told(&mut listening, "playing sound at the program").await;
    until_heard(&mut sound, Some(LOW)).await;
    let MediaInUse { audio_out, speaker, .. } = listening.snapshot().borrow().media.clone();
    assert_eq!((audio_out, speaker.as_deref()), (other, Some("the program")));
    // Closing the file follows upon the change.
    within("a complete recording", async {
        while listen(&read(&recording), LOW).tone < 0.5 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    end(singing, listening).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_quick_changes_the_last_counts_and_hanging_up_waits_for_none() {
    let _alone = alone();
    let server = server().await;
    let (alive, all) = lifeline();
    let (mut showing, looking, mut pictures) = dark(&server, &alive).await;
    // The events have a reader, as with every face.
    let mut events = showing.take_events().expect("nobody has them");
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    for luma in 0..40 {
        send(&showing, Command::SetVideoSource(shade(80 + luma, &alive))).await;
        send(&showing, Command::SetVideoSource(VideoSource::Camera("77".into()))).await;
    }
    let last = shade(BRIGHT, &alive);
    send(&showing, Command::SetVideoSource(last.clone())).await;
    until_seen(&mut pictures, BRIGHT).await;
    until(&showing, "the last choice", |snapshot| snapshot.media.video_in == last).await;

    for luma in 0..20 {
        send(&showing, Command::SetVideoSource(shade(80 + luma, &alive))).await;
    }
    let hung_up_at = Instant::now();
    end(showing, looking).await;
    assert!(hung_up_at.elapsed() < Duration::from_secs(3), "{:?}", hung_up_at.elapsed());
    drop((alive, last));
    gone("every source", all).await;
    server.shutdown().await;
}
