//! What a person can name as source of a call's pictures and sound, and its spelling on the command line.
//! Parsing needs no device: whether the named one exists shows at the start.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{PictureMaker, SoundMaker};

/// Where pictures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoSource {
    /// The first camera, else the test card.
    Auto,
    /// No pictures.
    None,
    /// The test card.
    TestCard,
    /// The camera with this id.
    Camera(String),
    /// A Y4M file.
    File {
        /// The file.
        path: PathBuf,
        /// Whether to stop at its end instead of starting over.
        once: bool,
    },
    /// Pictures that the embedding program draws.
    Program(PictureMaker),
}

/// Where sound comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioSource {
    /// The default microphone, else silence until there is one.
    Auto,
    /// No sound.
    None,
    /// A test tone.
    Test,
    /// The microphone with this id.
    Microphone(String),
    /// A WAV file, over and over.
    File(PathBuf),
    /// Sound that the embedding program makes.
    Program(SoundMaker),
}

/// A source that is not spelled right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no source: use {expected}")]
pub struct SourceError {
    given: String,
    expected: &'static str,
}

impl FromStr for VideoSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let error =
            || SourceError { given: text.to_owned(), expected: "auto, none, test, camera:ID or file:PATH[?once]" };
        match text.split_once(':') {
            None => match text {
                "auto" => Ok(Self::Auto),
                "none" => Ok(Self::None),
                "test" => Ok(Self::TestCard),
                _ => Err(error()),
            },
            Some(("camera", id)) if !id.is_empty() => Ok(Self::Camera(id.to_owned())),
            Some(("file", path)) => {
                let (path, once) = path.strip_suffix("?once").map_or((path, false), |path| (path, true));
                let path = PathBuf::from(path);
                if path.as_os_str().is_empty() { Err(error()) } else { Ok(Self::File { path, once }) }
            }
            Some(_) => Err(error()),
        }
    }
}

impl fmt::Display for VideoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::TestCard => f.write_str("test"),
            Self::Camera(id) => write!(f, "camera:{id}"),
            Self::File { path, once } => write!(f, "file:{}{}", path.display(), if *once { "?once" } else { "" }),
            Self::Program(_) => f.write_str("the program"),
        }
    }
}

impl FromStr for AudioSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "none" => Ok(Self::None),
            None if text == "test" => Ok(Self::Test),
            Some(("mic", id)) if !id.is_empty() => Ok(Self::Microphone(id.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(SourceError { given: text.to_owned(), expected: "auto, none, test, mic:ID or file:PATH" }),
        }
    }
}

impl fmt::Display for AudioSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Test => f.write_str("test"),
            Self::Microphone(id) => write!(f, "mic:{id}"),
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
        for text in ["auto", "none", "test", "camera:0", "file:a/b.y4m", "file:/x:y.y4m?once"] {
            assert_eq!(text.parse::<VideoSource>().map(|source| source.to_string()).as_deref(), Ok(text));
        }
        for text in ["auto", "none", "test", "mic:pulseaudio:alsa_input.usb", "file:a b.wav"] {
            assert_eq!(text.parse::<AudioSource>().map(|source| source.to_string()).as_deref(), Ok(text));
        }
        let once = VideoSource::File { path: "clip.y4m".into(), once: true };
        assert_eq!("file:clip.y4m?once".parse(), Ok(once));
    }

    #[test]
    fn a_wrong_spelling_is_answered_with_the_right_ones() {
        for text in ["", "Auto", "camera:", "file:", "file:?once", "mic:0", "cam:0", "test:1", ":"] {
            let error = text.parse::<VideoSource>().expect_err(text).to_string();
            assert!(error.ends_with("use auto, none, test, camera:ID or file:PATH[?once]"), "{error}");
        }
        for text in ["", "tone", "mic:", "file:", "camera:0"] {
            assert!(text.parse::<AudioSource>().is_err(), "{text}");
        }
    }
}
