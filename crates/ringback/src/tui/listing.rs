//! The devices while a person chooses: listed at once on a thread of its own, then watched.
//! The drawing never waits for a sound system.

use std::sync::mpsc;

use call_engine::devices::{DeviceList, list_cameras, list_microphones, list_speakers};
use tokio::sync::watch;

use crate::terminal;

/// A listing that goes on until it is dropped.
pub(crate) struct Listing {
    first: mpsc::Receiver<DeviceList>,
    changes: watch::Receiver<DeviceList>,
}

impl Listing {
    /// Begins. Inside the runtime.
    pub(crate) fn start() -> Self {
        Self { first: list(), changes: call_engine::devices::watch() }
    }

    /// The devices, where there is something new about them.
    pub(crate) fn news(&mut self) -> Option<DeviceList> {
        if let Ok(list) = self.first.try_recv() {
            return Some(list);
        }
        self.changes.has_changed().unwrap_or(false).then(|| self.changes.borrow_and_update().clone())
    }
}

/// Lists the devices on a thread: that may take some seconds.
fn list() -> mpsc::Receiver<DeviceList> {
    let (sender, list) = mpsc::channel();
    let listing = std::thread::Builder::new().name("devices".into()).spawn(move || {
        let _ = sender.send(DeviceList {
            cameras: list_cameras(),
            microphones: list_microphones().unwrap_or_default(),
            speakers: list_speakers().unwrap_or_default(),
        });
    });
    if let Err(error) = listing {
        terminal::warn(&format!("the devices cannot be listed: {error}"));
    }
    list
}
