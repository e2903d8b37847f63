//! The call's source of sound, as a part that can be exchanged: what is opened feeds the encoding thread from then on.

use std::sync::Arc;

use media_capture::{AudioCapture, AudioSource};

use crate::audio_send::AudioSend;
use crate::changeable::{Part, Refused};
use crate::voice::Voice;

/// Encoding thread and source.
pub(crate) struct Microphone {
    send: AudioSend,
}

impl Microphone {
    pub(crate) fn new(send: AudioSend) -> Self {
        Self { send }
    }

    pub(crate) fn send(&self) -> &AudioSend {
        &self.send
    }
}

impl Part for Microphone {
    type Choice = AudioSource;
    type Device = AudioCapture;

    const KIND: &'static str = "microphone";

    fn open(&self, choice: &AudioSource, make_do: bool, voice: &Arc<Voice>) -> Result<AudioCapture, Refused> {
        let voice = voice.clone();
        media_capture::audio::start(choice, make_do, move |notice| voice.captured(Self::KIND, notice))
            .map_err(|error| Refused::new(error.is_busy(), &error))
    }

    /// Sound servers let one program open a microphone twice; where there is none, the second attempt is refused as busy.
    fn is_in_use(&self, _: &AudioSource) -> bool {
        false
    }

    fn put(&self, capture: Option<AudioCapture>) -> Option<AudioCapture> {
        self.send.take_from(capture)
    }

    fn retire(&self, capture: AudioCapture) -> Result<(), String> {
        drop(capture);
        Ok(())
    }

    fn name(capture: &AudioCapture) -> Option<String> {
        capture.works().then(|| capture.description().to_owned())
    }

    fn announcement(capture: &AudioCapture) -> Option<String> {
        Some(match capture.description() {
            "no sound" => "no sound is sent".to_owned(),
            name => format!("sending sound from {name}"),
        })
    }
}
