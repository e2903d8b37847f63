//! Camera and microphone before a call: the picture to see and the level to watch, without anybody at the other end.
//! Opening a device takes up to some seconds and happens in the background; what goes wrong is a notice to show.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media_capture::{AudioSource, VideoFormat, VideoSource};
use media_core::{Bitrate, LatestSlot};

use crate::audio_send::AudioSend;
use crate::camera::Camera;
use crate::changeable::Changeable;
use crate::config::Repaint;
use crate::figures::MediaInUse;
use crate::levels::Levels;
use crate::media::{MediaNotice, Pictures};
use crate::microphone::Microphone;
use crate::video_send::VideoSend;
use crate::voice::Tell;

/// Notices that nobody has looked at; of more, the oldest are worth the least.
const NOTICES: usize = 16;

/// The longest that a device takes to open, and then to close.
const REST: Duration = Duration::from_secs(8);

/// What the encoder of sound would be given: it has nothing to do before a call.
const UNUSED: Bitrate = Bitrate::from_kbps(32);

/// Camera and microphone that run for themselves. Dropping it lets them go, within a second, so that a call can have them:
/// a call that is placed meanwhile waits for that.
pub struct Preview {
    pictures: Pictures,
    levels: Arc<Levels>,
    notices: Arc<Mutex<VecDeque<String>>>,
    camera: Option<Changeable<Camera>>,
    microphone: Option<Changeable<Microphone>>,
}

impl Preview {
    /// Begins to open both; returns at once. What is not there gives way to the default, until it is. `repaint` is called when there is a picture or a notice.
    #[must_use]
    pub fn open(video_in: VideoSource, audio_in: AudioSource, format: VideoFormat, repaint: Option<Repaint>) -> Self {
        let (pictures, levels) = (Pictures::new(LatestSlot::new()), Arc::new(Levels::default()));
        let notices = Arc::new(Mutex::new(VecDeque::new()));
        let tell = teller(notices.clone(), repaint.clone());

        let send = VideoSend::start(pictures.clone(), repaint, format);
        let camera = Changeable::new(Camera::new(send, format, true), video_in.clone(), true, tell.clone());
        camera.ask(video_in);
        let microphone = match AudioSend::start(UNUSED, levels.clone()) {
            Ok(send) => {
                let microphone = Changeable::new(Microphone::new(send), audio_in.clone(), true, tell);
                microphone.ask(audio_in);
                Some(microphone)
            }
            Err(error) => {
                tell(MediaNotice::Problem(format!("the microphone cannot be shown: {error}")));
                None
            }
        };
        Self { pictures, levels, notices, camera: Some(camera), microphone }
    }

    /// The newest picture.
    #[must_use]
    pub fn pictures(&self) -> Pictures {
        self.pictures.clone()
    }

    /// How loud the microphone is.
    #[must_use]
    pub fn levels(&self) -> Arc<Levels> {
        self.levels.clone()
    }

    /// What was chosen, and what it turned out to be.
    #[must_use]
    pub fn in_use(&self) -> MediaInUse {
        let (camera, microphone) = (self.camera.as_ref(), self.microphone.as_ref());
        MediaInUse {
            video_in: camera.map_or(VideoSource::None, Changeable::choice),
            audio_in: microphone.map_or(AudioSource::None, Changeable::choice),
            camera: camera.and_then(Changeable::name),
            microphone: microphone.and_then(Changeable::name),
            ..MediaInUse::default()
        }
    }

    /// Takes the picture from elsewhere; returns at once.
    pub fn set_video_source(&self, source: VideoSource) {
        if let Some(camera) = &self.camera {
            camera.ask(source);
        }
    }

    /// Takes the sound from elsewhere; returns at once.
    pub fn set_audio_source(&self, source: AudioSource) {
        if let Some(microphone) = &self.microphone {
            microphone.ask(source);
        }
    }

    /// The oldest notice that was not shown yet.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        lock(&self.notices).pop_front()
    }
}

impl Drop for Preview {
    /// Closing blocks, and whoever drops this draws a window.
    fn drop(&mut self) {
        let (camera, microphone) = (self.camera.take(), self.microphone.take());
        let held = Held::new();
        let close = move || {
            let _ = camera.as_ref().map(Changeable::close);
            let _ = microphone.as_ref().map(Changeable::close);
            // What was being opened just now is closed by its own thread.
            let _ = camera.as_ref().map(|camera| camera.wait_for_rest(REST));
            let _ = microphone.as_ref().map(|microphone| microphone.wait_for_rest(REST));
            drop(held);
        };
        if let Err(error) = std::thread::Builder::new().name("preview-close".into()).spawn(close) {
            tracing::warn!("the preview's devices were closed by dropping them: {error}");
        }
    }
}

fn teller(notices: Arc<Mutex<VecDeque<String>>>, repaint: Option<Repaint>) -> Tell {
    Arc::new(move |notice| {
        let text = match notice {
            MediaNotice::Info(text) | MediaNotice::Problem(text) => text,
            MediaNotice::SourceEnded => "the input file has ended".to_owned(),
            // To be seen in [`Preview::in_use`]; and nothing is sent.
            MediaNotice::InUse(_) => return,
        };
        {
            let mut notices = lock(&notices);
            notices.push_back(text);
            if notices.len() > NOTICES {
                notices.pop_front();
            }
        }
        if let Some(repaint) = &repaint {
            repaint();
        }
    })
}

/// Previews that were dropped and still hold a device. For the whole program, as devices are.
static HELD: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// One of them.
struct Held(());

impl Held {
    fn new() -> Self {
        *lock(&HELD.0) += 1;
        Self(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *lock(&HELD.0) -= 1;
        HELD.1.notify_all();
    }
}

/// Blocks until the devices of dropped previews are free, or until `limit` is over.
pub(crate) fn wait_for_release(limit: Duration) {
    drop(HELD.1.wait_timeout_while(lock(&HELD.0), limit, |held| *held > 0));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::time::Instant;

    use media_capture::{PictureMaker, SoundMaker};
    use media_core::{FrameRate, Size, SlotWait};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn format() -> VideoFormat {
        VideoFormat { size: Size::new(160, 90).expect("possible"), frame_rate: FrameRate::new(30).expect("possible") }
    }

    /// Pictures of one brightness; they hold `alive`.
    fn shade(luma: u8, alive: &Arc<()>) -> VideoSource {
        let alive = alive.clone();
        VideoSource::Program(PictureMaker::new(move |_, _, picture| {
            let _ = &alive;
            picture.as_bytes_mut().fill(luma);
            true
        }))
    }

    /// Sound of one loudness; it holds `alive`.
    fn hum(peak: f32, alive: &Arc<()>) -> AudioSource {
        let alive = alive.clone();
        AudioSource::Program(SoundMaker::new(move |_, samples| {
            let _ = &alive;
            samples.fill(peak);
        }))
    }

    fn until(what: &str, mut reached: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !reached() {
            assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn until_seen(preview: &Preview, luma: u8) {
        let pictures = preview.pictures();
        until("the picture", || match pictures.wait_timeout(PATIENCE) {
            SlotWait::Value(picture) => picture.planes()[0][0] == luma,
            SlotWait::TimedOut | SlotWait::Closed => false,
        });
    }

    fn gone(alive: &Weak<()>) -> bool {
        alive.strong_count() == 0
    }

    #[test]
    fn it_shows_the_camera_and_how_loud_the_microphone_is_and_lets_go_of_both() {
        let alive = Arc::new(());
        let preview = Preview::open(shade(90, &alive), hum(0.5, &alive), format(), None);
        until_seen(&preview, 90);
        let levels = preview.levels();
        until("the level", || (levels.microphone.peak() - 0.5).abs() < 0.01);
        let in_use = preview.in_use();
        assert_eq!(
            (in_use.camera.as_deref(), in_use.microphone.as_deref()),
            (Some("the program"), Some("the program"))
        );
        assert_eq!(preview.notice(), None, "there is nothing to say");

        // What was chosen holds the source too.
        drop(in_use);
        let held = Arc::downgrade(&alive);
        drop(alive);
        drop(preview);
        wait_for_release(PATIENCE);
        until("its end", || gone(&held));
    }

    #[test]
    fn another_camera_and_microphone_take_the_place_of_the_first_ones() {
        let (first, second) = (Arc::new(()), Arc::new(()));
        let preview = Preview::open(shade(90, &first), hum(0.5, &first), format(), None);
        until_seen(&preview, 90);
        let bright = shade(200, &second);
        preview.set_video_source(bright.clone());
        preview.set_audio_source(hum(0.1, &second));
        until_seen(&preview, 200);
        let levels = preview.levels();
        until("the level", || (levels.microphone.peak() - 0.1).abs() < 0.01);
        assert_eq!(preview.in_use().video_in, bright);
        let held = Arc::downgrade(&first);
        drop(first);
        until("the end of the first ones", || gone(&held));
    }

    #[test]
    fn what_does_not_work_is_a_notice_and_what_does_goes_on() {
        let alive = Arc::new(());
        let camera = |id: &str| VideoSource::Camera(id.to_owned());
        let (asked, repaints) = (camera("77"), Arc::new(Mutex::new(0)));
        let counted = repaints.clone();
        let repaint: Repaint = Arc::new(move || *lock(&counted) += 1);
        let preview = Preview::open(asked.clone(), AudioSource::None, format(), Some(repaint));
        let notice = |text: &str| {
            let mut told = None;
            until("a notice", || {
                told = told.take().or_else(|| preview.notice());
                told.is_some()
            });
            let told = told.expect("just seen");
            assert!(told.starts_with(text) && !told.contains('\n'), "{told}");
        };
        // It was chosen once: another one, or the test card, will do until it is there.
        notice("camera 77 was not found");
        assert!(*lock(&repaints) > 0, "whoever shows it is woken");
        until("a picture", || matches!(preview.pictures().wait_timeout(PATIENCE), SlotWait::Value(_)));
        let in_use = preview.in_use();
        assert_eq!((in_use.video_in, in_use.camera.is_some()), (asked, true));

        preview.set_video_source(shade(90, &alive));
        until_seen(&preview, 90);
        preview.set_video_source(camera("78"));
        notice("the camera was not changed: camera 78");
        until_seen(&preview, 90);
    }
}
