//! What scripts ask of the program rather than of a call: to place one, to show or play something, to end.
//! Words for devices, servers and sizes are checked here, so that a wrong one costs an answer and nothing else.

use std::str::FromStr;

use call_engine::{AudioSink, AudioSource, FrameRate, RoomId, ServerUrl, Size, VideoSource};
use control_codec::{CallWish, MediaWish, Panel, Theme};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::cli;
use crate::window::Choice;

/// Errands on their way: one of each program.
pub(crate) const ERRANDS: usize = 8;

/// An errand, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) errand: Errand,
    pub(crate) answer: oneshot::Sender<Result<Value, String>>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Errand {
    /// Place a call.
    Call(Box<CallErrand>),
    /// Place the last one once more.
    CallAgain,
    /// Give up the call that is being placed.
    GiveUp,
    /// Leave the page of a call that is over.
    StartPage,
    /// Open camera and microphone before a call, or let them go.
    Preview(Option<Media>),
    /// Play the test sound.
    TestSound(Option<AudioSink>),
    /// Tell the rooms that were called.
    Rooms,
    /// Do something to the window.
    Window(Order),
    /// End.
    Quit,
}

/// What only a window can do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// A script has this call placed: show that.
    Placing(Box<Choice>),
    /// Go back to the start page.
    StartPage,
    /// Open camera and microphone on the start page with this choice, or let them go.
    Preview(Option<Box<Choice>>),
    FullScreen(bool),
    Panel(Panel, bool),
    Swap,
    Theme(Theme),
    /// Come to the front.
    Raise,
}

/// A call, as far as it is named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallErrand {
    room: Option<RoomId>,
    server: Option<ServerUrl>,
    media: Media,
    size: Option<Size>,
    frame_rate: Option<FrameRate>,
    pub(crate) auto_accept: Option<bool>,
}

/// Sources and sink, as far as they are named.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Media {
    video_in: Option<VideoSource>,
    audio_in: Option<AudioSource>,
    audio_out: Option<AudioSink>,
}

impl CallErrand {
    /// Reads the words of a wish.
    ///
    /// # Errors
    /// In one line what is not spelled right.
    pub(crate) fn read(wish: CallWish) -> Result<Self, String> {
        Ok(Self {
            room: wish.room.as_deref().map(cli::room).transpose()?,
            server: wish.server.as_deref().map(cli::server_url).transpose()?,
            media: Media::read(wish.media)?,
            size: wish.size.as_deref().map(spelled).transpose()?,
            frame_rate: wish.fps.map(|fps| spelled(&fps.to_string())).transpose()?,
            auto_accept: wish.auto_accept,
        })
    }

    /// The call that is meant, where `last` was chosen before it: whom to call is always said anew.
    pub(crate) fn choice(self, last: &Choice) -> Choice {
        let mut choice = Choice { room: self.room, server: self.server, ..self.media.choice(last) };
        choice.format.size = self.size.unwrap_or(choice.format.size);
        choice.format.frame_rate = self.frame_rate.unwrap_or(choice.format.frame_rate);
        choice
    }
}

impl Media {
    /// Reads the words of a wish.
    ///
    /// # Errors
    /// In one line what is not spelled right.
    pub(crate) fn read(wish: MediaWish) -> Result<Self, String> {
        Ok(Self {
            video_in: wish.video_source.as_deref().map(spelled).transpose()?,
            audio_in: wish.audio_source.as_deref().map(spelled).transpose()?,
            audio_out: wish.audio_sink.as_deref().map(spelled).transpose()?,
        })
    }

    /// The media that are meant, where `last` was chosen before.
    pub(crate) fn choice(self, last: &Choice) -> Choice {
        let mut choice = last.clone();
        choice.video_in = self.video_in.unwrap_or(choice.video_in);
        choice.audio_in = self.audio_in.unwrap_or(choice.audio_in);
        choice.audio_out = self.audio_out.unwrap_or(choice.audio_out);
        choice
    }
}

/// What is spelled as on the command line.
pub(super) fn spelled<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| {
        // It repeats what was given, which may be long; how to spell it stands at the end.
        let error = error.to_string();
        error.chars().skip(error.chars().count().saturating_sub(200)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::fixture::choice;

    #[test]
    fn what_a_call_does_not_name_is_as_it_was_chosen_last() {
        let mut last = choice("garden");
        last.audio_in = AudioSource::None;
        let media = MediaWish { video_source: Some("test".into()), ..MediaWish::default() };
        let wish = CallWish { room: Some("kitchen".into()), media, fps: Some(15), ..CallWish::default() };
        let chosen = CallErrand::read(wish).expect("well spelled").choice(&last);
        assert_eq!(chosen.room, choice("kitchen").room);
        assert_eq!((chosen.video_in, chosen.audio_in), (VideoSource::TestCard, AudioSource::None));
        assert_eq!((chosen.format.size, chosen.format.frame_rate.to_string().as_str()), (last.format.size, "15"));
        let nobody = CallErrand::read(CallWish::default()).expect("well spelled").choice(&last);
        assert_eq!(nobody.room, None, "whom to call is never guessed");
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let media = |word: &str| MediaWish { video_source: Some(word.into()), ..MediaWish::default() };
        for (wish, hint) in [
            (CallWish { media: media(&"tape".repeat(1000)), ..CallWish::default() }, "use auto, none, test, camera:ID"),
            (CallWish { server: Some("ftp://host".into()), ..CallWish::default() }, "ws"),
            (CallWish { size: Some("wide".into()), ..CallWish::default() }, "1280x720"),
            (CallWish { fps: Some(999), ..CallWish::default() }, ""),
            (CallWish { room: Some("a\u{7}b".into()), ..CallWish::default() }, ""),
        ] {
            let error = CallErrand::read(wish).expect_err("wrong");
            assert!(error.contains(hint) && error.len() < 1000, "{error}");
        }
    }
}
