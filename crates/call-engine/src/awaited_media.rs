//! The media of a call from the moment on in which they are asked for: they take seconds to open, and the room is joined meanwhile.
//! Whoever asks for another device before is heard once they are open.

use tokio::task::JoinHandle;

use crate::media::{Change, Media};
use crate::pending_changes::PendingChanges;

/// Media that are being opened or open, or that could not be opened.
pub(crate) struct AwaitedMedia {
    opening: Option<Opening>,
    open: Option<Media>,
    changes: PendingChanges,
}

/// The task that opens them, or what cannot be opened.
pub(crate) type Opening = JoinHandle<Result<Media, String>>;

impl AwaitedMedia {
    pub(crate) fn new(opening: Opening) -> Self {
        Self { opening: Some(opening), open: None, changes: PendingChanges::default() }
    }

    /// Waits until they are open, or until it is known what cannot be opened; once, and never again after that. Cancel safe.
    pub(crate) async fn opened(&mut self) -> Result<(), String> {
        let Some(opening) = &mut self.opening else { return std::future::pending().await };
        let result = opening.await;
        self.opening = None;
        self.open = Some(result.unwrap_or_else(|_| Err("internal error: opening the media failed".into()))?);
        Ok(())
    }

    /// They were just opened: microphone and camera are as the person wants them by now, and so are the devices.
    pub(crate) fn begin(&mut self, microphone_on: bool, camera_on: bool) {
        let Some(media) = &self.open else { return };
        media.set_microphone_on(microphone_on);
        media.set_camera_on(camera_on);
        self.changes.take().into_iter().for_each(|change| media.change(change));
    }

    /// Another device, at once or as soon as the first ones are open.
    pub(crate) fn change(&mut self, change: Change) {
        match &self.open {
            Some(media) => media.change(change),
            None => self.changes.ask(change),
        }
    }

    pub(crate) fn get(&self) -> Option<&Media> {
        self.open.as_ref()
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut Media> {
        self.open.as_mut()
    }

    /// Gives them away to be closed; those that are still being opened are waited for.
    pub(crate) async fn take(&mut self) -> Option<Media> {
        match self.opening.take() {
            Some(opening) => opening.await.ok()?.ok(),
            None => self.open.take(),
        }
    }
}
