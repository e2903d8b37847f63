//! Where a call's sound and pictures go: speakers and files. Pictures for a window go to it directly and need nothing from here.
//! A speaker that is missing or lost never holds a call up, and a file is as long as the call.

pub mod audio;
pub mod devices;
mod error;
mod film;
mod program;
mod sink;
mod video_file;

pub use audio::AudioOutput;
pub use devices::{AudioDeviceInfo, AudioFormat, list_speakers};
pub use error::{RenderError, RenderNotice};
pub use program::{PictureTaker, SoundTaker};
pub use sink::{AudioSink, SinkError, VideoSink};
pub use video_file::VideoFile;
