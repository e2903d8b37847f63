//! What one opened device says of itself: the name under which it works, and notices for the person.
//! It counts from when the device is put to use until something takes its place; before that the last word waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_capture::CaptureNotice;
use media_render::RenderNotice;

use crate::media::MediaNotice;

/// Where notices go; must not block.
pub(crate) type Tell = Arc<dyn Fn(MediaNotice) + Send + Sync>;

/// The voice of one device.
pub(crate) struct Voice {
    state: Mutex<State>,
    tell: Tell,
}

struct State {
    name: Option<String>,
    works: bool,
    stage: Stage,
}

enum Stage {
    /// Being opened; what it said meanwhile.
    Waiting(Option<MediaNotice>),
    InUse,
    Replaced,
}

impl Voice {
    pub(crate) fn new(tell: Tell) -> Arc<Self> {
        let state = State { name: None, works: true, stage: Stage::Waiting(None) };
        Arc::new(Self { state: Mutex::new(state), tell })
    }

    /// The name of what works, if anything does.
    pub(crate) fn name(&self) -> Option<String> {
        let state = self.lock();
        state.name.clone().filter(|_| state.works)
    }

    /// The device is in use now, under that name unless it has said another since.
    pub(crate) fn put_to_use(&self, name: Option<String>) {
        let mut state = self.lock();
        state.name = state.name.take().or(name);
    }

    /// Says what had to wait, then what there is to announce; from now on it says everything at once.
    pub(crate) fn speak(&self, announcement: Option<String>) {
        let waiting = {
            let mut state = self.lock();
            match &mut state.stage {
                Stage::Waiting(waiting) => {
                    let waiting = waiting.take();
                    state.stage = Stage::InUse;
                    waiting
                }
                Stage::InUse | Stage::Replaced => return,
            }
        };
        for notice in waiting.into_iter().chain(announcement.map(MediaNotice::InUse)) {
            (self.tell)(notice);
        }
    }

    /// Something else is in use from now on.
    pub(crate) fn replaced(&self) {
        self.lock().stage = Stage::Replaced;
    }

    /// For the person, as a word of this device.
    pub(crate) fn say(&self, notice: MediaNotice) {
        let mut state = self.lock();
        match &mut state.stage {
            Stage::Waiting(waiting) => *waiting = Some(notice),
            Stage::InUse => {
                drop(state);
                (self.tell)(notice);
            }
            Stage::Replaced => {}
        }
    }

    /// A camera or microphone (`device`) speaks.
    pub(crate) fn captured(&self, device: &str, notice: CaptureNotice) {
        match notice {
            CaptureNotice::Fallback(text) => self.say(MediaNotice::Info(text)),
            CaptureNotice::Lost(text) => self.lost(MediaNotice::Problem(format!("{device}: {text}"))),
            CaptureNotice::Restored(name) => self.restored(device, name),
            CaptureNotice::Ended => self.lost(MediaNotice::SourceEnded),
        }
    }

    /// A speaker speaks.
    pub(crate) fn rendered(&self, notice: RenderNotice) {
        match notice {
            RenderNotice::Fallback(text) => self.say(MediaNotice::Info(text)),
            RenderNotice::Lost(text) => self.lost(MediaNotice::Problem(format!("speaker: {text}"))),
            RenderNotice::Restored(name) => self.restored("speaker", name),
        }
    }

    /// The device does nothing any more, for the reason given.
    pub(crate) fn lost(&self, notice: MediaNotice) {
        self.lock().works = false;
        self.say(notice);
    }

    fn restored(&self, device: &str, name: String) {
        let notice = MediaNotice::Info(format!("the {device} works: {name}"));
        {
            let mut state = self.lock();
            (state.name, state.works) = (Some(name), true);
        }
        self.say(notice);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice() -> (Arc<Voice>, Arc<Mutex<Vec<MediaNotice>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let teller = told.clone();
        (Voice::new(Arc::new(move |notice| teller.lock().expect("no panic").push(notice))), told)
    }

    fn taken(told: &Mutex<Vec<MediaNotice>>) -> Vec<MediaNotice> {
        std::mem::take(&mut told.lock().expect("no panic"))
    }

    #[test]
    fn a_device_speaks_while_it_is_in_use_and_its_last_word_before_that_is_kept() {
        let (voice, told) = voice();
        voice.captured("camera", CaptureNotice::Fallback("no camera".into()));
        assert_eq!(taken(&told), []);
        voice.put_to_use(Some("test card".into()));
        voice.speak(Some("sending".into()));
        assert_eq!(taken(&told), [MediaNotice::Info("no camera".into()), MediaNotice::InUse("sending".into())]);
        voice.captured("camera", CaptureNotice::Lost("it is gone".into()));
        assert_eq!(taken(&told), [MediaNotice::Problem("camera: it is gone".into())]);
        voice.replaced();
        voice.captured("camera", CaptureNotice::Restored("camera 0".into()));
        assert_eq!(taken(&told), []);
    }

    #[test]
    fn the_name_is_that_of_what_works_now() {
        let (voice, _) = voice();
        voice.put_to_use(Some("headset".into()));
        assert_eq!(voice.name().as_deref(), Some("headset"));
        voice.rendered(RenderNotice::Lost("it is gone".into()));
        assert_eq!(voice.name(), None);
        voice.rendered(RenderNotice::Restored("desk speaker".into()));
        assert_eq!(voice.name().as_deref(), Some("desk speaker"));
    }

    #[test]
    fn a_device_that_is_lost_before_it_is_in_use_has_no_name_then() {
        let (voice, _) = voice();
        voice.captured("microphone", CaptureNotice::Lost("it is gone".into()));
        voice.put_to_use(Some("headset".into()));
        assert_eq!(voice.name(), None);
        voice.captured("microphone", CaptureNotice::Restored("headset".into()));
        assert_eq!(voice.name().as_deref(), Some("headset"));
    }
}
