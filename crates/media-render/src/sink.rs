//! What a person can name as destination of a call's sound and pictures, and its spelling on the command line.
//! Parsing needs no device and touches no file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{PictureTaker, SoundTaker};

/// Where sound goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioSink {
    /// The default speaker, else nowhere until there is one.
    Auto,
    /// Nowhere.
    None,
    /// The speaker with this id.
    Speaker(String),
    /// A WAV file: 48 kHz mono.
    File(PathBuf),
    /// The embedding program.
    Program(SoundTaker),
}

/// Where pictures go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoSink {
    /// A window.
    Window,
    /// Nowhere.
    None,
    /// A Y4M file.
    File(PathBuf),
    /// The embedding program.
    Program(PictureTaker),
}

/// A sink that is not spelled right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no sink: use {expected}")]
pub struct SinkError {
    given: String,
    expected: &'static str,
}

impl FromStr for AudioSink {
    type Err = SinkError;

    fn from_str(text: &str) -> Result<Self, SinkError> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "none" => Ok(Self::None),
            Some(("speaker", id)) if !id.is_empty() => Ok(Self::Speaker(id.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(SinkError { given: text.to_owned(), expected: "auto, none, speaker:ID or file:PATH" }),
        }
    }
}

impl FromStr for VideoSink {
    type Err = SinkError;

    fn from_str(text: &str) -> Result<Self, SinkError> {
        match text.split_once(':') {
            None if text == "window" => Ok(Self::Window),
            None if text == "none" => Ok(Self::None),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(SinkError { given: text.to_owned(), expected: "window, none or file:PATH" }),
        }
    }
}

impl fmt::Display for AudioSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Speaker(id) => write!(f, "speaker:{id}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Program(_) => f.write_str("the program"),
        }
    }
}

impl fmt::Display for VideoSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window => f.write_str("window"),
            Self::None => f.write_str("none"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Program(_) => f.write_str("the program"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_understood_and_written_back() {
        for text in ["auto", "none", "speaker:pulseaudio:alsa_output.pci", "file:out.wav"] {
            assert_eq!(text.parse::<AudioSink>().map(|sink| sink.to_string()).as_deref(), Ok(text));
        }
        for text in ["window", "none", "file:a:b.y4m"] {
            assert_eq!(text.parse::<VideoSink>().map(|sink| sink.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_wrong_spelling_is_answered_with_the_right_ones() {
        for text in ["", "speaker:", "file:", "mic:0", "window"] {
            let error = text.parse::<AudioSink>().expect_err(text).to_string();
            assert!(error.ends_with("use auto, none, speaker:ID or file:PATH"), "{error}");
        }
        for text in ["", "auto", "file:", "screen:0"] {
            assert!(text.parse::<VideoSink>().is_err(), "{text}");
        }
    }
}
