//! The cameras that are open at one time: the one in use, better ones beside it, and those that are to close.
//! None is opened a second time before it is closed.

use std::sync::{Arc, mpsc};

use media_core::{CapturedPicture, LatestSlot};

use super::reader::{Reader, Start};
use super::supervisor::Event;
use crate::{CaptureError, VideoFormat};

/// All readers of one supervisor.
pub(super) struct Readers {
    format: VideoFormat,
    slot: Arc<LatestSlot<CapturedPicture>>,
    events: mpsc::Sender<Event>,
    /// Gives the pictures, or is to.
    pub(super) current: Option<Reader>,
    /// Cameras that would be better, but hang or were refused: they take over once they give pictures.
    pub(super) aside: Vec<Reader>,
    /// Readers that were told to stop and have not ended, and their cameras: these cannot be opened yet.
    closing: Vec<(u64, String)>,
    /// Readers started so far.
    started: u64,
}

impl Readers {
    /// None yet. Their pictures go to `slot`, and `events` tells how they do.
    pub(super) fn new(
        format: VideoFormat,
        slot: Arc<LatestSlot<CapturedPicture>>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self { format, slot, events, current: None, aside: Vec::new(), closing: Vec::new(), started: 0 }
    }

    /// Starts one more, which is in no place yet.
    pub(super) fn start(&mut self, id: &str, shown: bool) -> Result<Reader, CaptureError> {
        self.started += 1;
        let (number, format) = (self.started, self.format);
        Reader::start(&Start { id, number, format, slot: &self.slot, events: &self.events }, shown)
    }

    /// Whether the camera is open besides the one in use, or is not closed yet.
    pub(super) fn has_open(&self, id: &str) -> bool {
        self.aside.iter().any(|reader| reader.id == id) || self.closing.iter().any(|(_, closing)| closing == id)
    }

    /// Takes the one with this number from those aside, if it is there.
    pub(super) fn take_aside(&mut self, number: u64) -> Option<Reader> {
        let at = self.aside.iter().position(|reader| reader.number == number)?;
        Some(self.aside.remove(at))
    }

    /// Nothing more is wanted of a reader.
    pub(super) fn close(&mut self, reader: Reader) {
        reader.stop();
        self.closing.push((reader.number, reader.id));
    }

    /// Nothing more is wanted of any.
    pub(super) fn close_all(&mut self) {
        let readers: Vec<_> = self.current.take().into_iter().chain(self.aside.drain(..)).collect();
        readers.into_iter().for_each(|reader| self.close(reader));
    }

    /// The one with this number has ended.
    pub(super) fn ended(&mut self, number: u64) {
        self.closing.retain(|(closing, _)| *closing != number);
    }

    /// Whether one that was told to close has not done so.
    pub(super) fn are_closing(&self) -> bool {
        !self.closing.is_empty()
    }
}
