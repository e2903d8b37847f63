//! The devices of this machine, as they come and go.
//! A thread looks for signs of a change twice a second, and lists devices anew, which opens them, only when there are some.

use std::time::{Duration, Instant};

use media_capture::devices::{AudioDeviceInfo, CameraInfo, Presence, list_cameras, list_microphones};
use media_capture::{AudioSource, VideoSource};
use media_render::AudioSink;
use media_render::devices::list_speakers;
use tokio::sync::watch;

/// How often signs are looked for: with the time that listing takes, a change is told within a second. A look costs 0.3 ms with a
/// sound server, 0.1 ms without.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// All devices that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceList {
    /// Cameras.
    pub cameras: Vec<CameraInfo>,
    /// Microphones.
    pub microphones: Vec<AudioDeviceInfo>,
    /// Speakers.
    pub speakers: Vec<AudioDeviceInfo>,
}

/// The devices, listed in the background: first within some seconds, then anew within a second of a change. Ends with its last
/// receiver, half a second later. Needs a tokio runtime.
#[must_use]
pub fn watch() -> watch::Receiver<DeviceList> {
    let (list, receiver) = watch::channel(DeviceList::default());
    if let Err(error) = std::thread::Builder::new().name("device-watch".into()).spawn(move || run(&list)) {
        tracing::warn!(%error, "devices are not watched");
    }
    receiver
}

/// Looks whether the devices that are named are there, for whoever means just those; opens nothing.
///
/// # Errors
/// One line that names the first that is not.
pub fn check(video_in: &VideoSource, audio_in: &AudioSource, audio_out: &AudioSink) -> Result<(), String> {
    media_capture::devices::check(video_in, audio_in).map_err(|error| error.to_string())?;
    media_render::devices::check(audio_out).map_err(|error| error.to_string())
}

fn run(list: &watch::Sender<DeviceList>) {
    let mut presence = Presence::new();
    while !list.is_closed() {
        let (cameras, sound) = presence.changed(Instant::now());
        if cameras || sound {
            let mut now = list.borrow().clone();
            if cameras {
                now.cameras = list_cameras();
            }
            if sound {
                // Without a sound system there is none of either.
                now.microphones = list_microphones().unwrap_or_default();
                now.speakers = list_speakers().unwrap_or_default();
            }
            list.send_if_modified(|before| std::mem::replace(before, now.clone()) != now);
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watch_ends_with_its_last_receiver() {
        let (list, receiver) = watch::channel(DeviceList::default());
        let thread = std::thread::spawn(move || run(&list));
        assert!(!thread.is_finished());
        drop(receiver);
        thread.join().expect("it ends without a panic");
    }
}
