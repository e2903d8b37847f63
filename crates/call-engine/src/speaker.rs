//! Where the peer's sound goes, as a part that can be exchanged: what is opened plays it from then on.
//! While there is nothing, the sound is thrown away at its own pace, so that what comes next does not begin with old sound.

use std::sync::Arc;

use media_render::{AudioOutput, AudioSink};

use crate::audio_receive::AudioReceive;
use crate::changeable::{Part, Refused};
use crate::voice::Voice;

/// Decoding thread and destination.
pub(crate) struct Speaker {
    receive: AudioReceive,
}

impl Speaker {
    pub(crate) fn new(receive: AudioReceive) -> Self {
        Self { receive }
    }

    pub(crate) fn receive(&self) -> &AudioReceive {
        &self.receive
    }
}

impl Part for Speaker {
    type Choice = AudioSink;
    type Device = AudioOutput;

    const KIND: &'static str = "speaker";

    fn open(&self, choice: &AudioSink, make_do: bool, voice: &Arc<Voice>) -> Result<AudioOutput, Refused> {
        let voice = voice.clone();
        media_render::audio::start(choice, make_do, move |notice| voice.rendered(notice))
            .map_err(|error| Refused::new(error.is_busy(), &error))
    }

    /// As with microphones.
    fn is_in_use(&self, _: &AudioSink) -> bool {
        false
    }

    fn put(&self, output: Option<AudioOutput>) -> Option<AudioOutput> {
        let output = output.or_else(|| media_render::audio::start(&AudioSink::None, false, |_| {}).ok());
        self.receive.play_at(output)
    }

    fn retire(&self, output: AudioOutput) -> Result<(), String> {
        output.finish().map_err(|error| error.to_string())
    }

    fn name(output: &AudioOutput) -> Option<String> {
        output.works().then(|| output.description().to_owned())
    }

    fn announcement(output: &AudioOutput) -> Option<String> {
        Some(match output.description() {
            "nowhere" => "no sound is played".to_owned(),
            name => format!("playing sound at {name}"),
        })
    }
}
