//! The choice of camera, microphone and speaker: one list with all of them, what is in use marked with a sign and a word.
//! What was chosen is a command to the engine; the list itself knows no call.

use call_engine::devices::DeviceList;
use call_engine::{AudioSink, AudioSource, Command, Snapshot, VideoSource};

use crate::face::words;

/// The open list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picker {
    list: DeviceList,
    at: usize,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What it is for: the camera, the microphone or the speaker.
    pub(crate) section: &'static str,
    /// Its name for people, as the system tells it.
    pub(crate) name: String,
    /// Whether it is what was chosen.
    pub(crate) is_used: bool,
    /// What chooses it.
    pub(crate) command: Command,
}

impl Picker {
    /// The devices that there are now.
    pub(crate) fn listed(&mut self, list: DeviceList) {
        self.list = list;
    }

    /// One line up or down, stopping at the ends.
    pub(crate) fn step(&mut self, down: bool, snapshot: &Snapshot) {
        let last = self.choices(snapshot).len().saturating_sub(1);
        self.at = if down { (self.at + 1).min(last) } else { self.at.min(last).saturating_sub(1) };
    }

    /// Where the mark is.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What choosing the marked line asks of the engine.
    pub(crate) fn chosen(&self, snapshot: &Snapshot) -> Option<Command> {
        self.choices(snapshot).into_iter().nth(self.at).map(|choice| choice.command)
    }

    /// All lines.
    pub(crate) fn choices(&self, snapshot: &Snapshot) -> Vec<Choice> {
        let media = &snapshot.media;
        let auto = || words::DEVICE_AUTO.to_owned();
        let none = || words::DEVICE_NONE.to_owned();
        let cameras = [(auto(), VideoSource::Auto)]
            .into_iter()
            .chain(self.list.cameras.iter().map(|info| (info.name.clone(), VideoSource::Camera(info.id.clone()))))
            .chain([(words::DEVICE_TEST_CARD.to_owned(), VideoSource::TestCard), (none(), VideoSource::None)])
            .map(|(name, source)| Choice {
                section: words::SECTION_CAMERA,
                name,
                is_used: source == media.video_in,
                command: Command::SetVideoSource(source),
            });
        let microphones = [(auto(), AudioSource::Auto)]
            .into_iter()
            .chain(
                self.list.microphones.iter().map(|info| (info.name.clone(), AudioSource::Microphone(info.id.clone()))),
            )
            .chain([(none(), AudioSource::None)])
            .map(|(name, source)| Choice {
                section: words::SECTION_MICROPHONE,
                name,
                is_used: source == media.audio_in,
                command: Command::SetAudioSource(source),
            });
        let speakers = [(auto(), AudioSink::Auto)]
            .into_iter()
            .chain(self.list.speakers.iter().map(|info| (info.name.clone(), AudioSink::Speaker(info.id.clone()))))
            .chain([(none(), AudioSink::None)])
            .map(|(name, sink)| Choice {
                section: words::SECTION_SPEAKER,
                name,
                is_used: sink == media.audio_out,
                command: Command::SetAudioSink(sink),
            });
        cameras.chain(microphones).chain(speakers).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call_engine::devices::AudioDeviceInfo;

    #[test]
    fn the_mark_goes_over_all_devices_and_chooses_one() {
        let snapshot = Snapshot::default();
        let mut picker = Picker::default();
        let headset = AudioDeviceInfo { id: "usb".into(), name: "Headset".into(), default: false, formats: Vec::new() };
        picker.listed(DeviceList { microphones: vec![headset], ..DeviceList::default() });
        let names: Vec<_> = picker.choices(&snapshot).into_iter().map(|choice| (choice.name, choice.is_used)).collect();
        let named = |name: &str, used| (name.to_owned(), used);
        assert_eq!(names[0], named(words::DEVICE_AUTO, true));
        assert_eq!(names[4], named("Headset", false));
        picker.step(false, &snapshot);
        assert_eq!(picker.chosen(&snapshot), Some(Command::SetVideoSource(VideoSource::Auto)));
        for _ in 0..4 {
            picker.step(true, &snapshot);
        }
        assert_eq!(picker.chosen(&snapshot), Some(Command::SetAudioSource(AudioSource::Microphone("usb".into()))));
        for _ in 0..40 {
            picker.step(true, &snapshot);
        }
        assert_eq!(picker.chosen(&snapshot), Some(Command::SetAudioSink(AudioSink::None)));
        picker.listed(DeviceList::default());
        picker.step(true, &snapshot);
        assert!(picker.chosen(&snapshot).is_some(), "a device that went away moves the mark");
    }
}
