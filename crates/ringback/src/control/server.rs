//! The control socket's server: lets a few programs of the same person in, and hands them the call that there is.
//! It outlives each call, so that a script can stay while a person calls again; at the end it lets everybody hear the last events.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use call_engine::{Call, Command, Event, Levels, RoomId, Snapshot};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::{self, Ends};
use super::place::{Place, PlaceError};
use super::told;

/// Programs at one time: a script or two and somebody who watches.
const MOST_CLIENTS: usize = 8;

/// Events that a program may be behind before it is cut off: some seconds of a lively call.
const EVENTS: usize = 256;

/// How long the end of this program waits for others to hear of it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A system that gives no connection now is asked again after this time.
const AGAIN: Duration = Duration::from_millis(100);

/// What programs need of a call.
#[derive(Clone)]
pub(crate) struct OnCall {
    pub(crate) room: RoomId,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) snapshot: watch::Receiver<Snapshot>,
    pub(crate) levels: Arc<Levels>,
}

impl OnCall {
    /// The state as it is told.
    pub(crate) fn state(&self) -> Result<Value, String> {
        Ok(told::snapshot(&self.room, &self.snapshot.borrow()))
    }
}

/// The open socket.
pub(crate) struct Control {
    calls: watch::Sender<Option<OnCall>>,
    events: broadcast::Sender<Event>,
    closing: CancellationToken,
    tasks: TaskTracker,
    followers: TaskTracker,
    _place: Place,
}

impl Control {
    /// Listens at `path`. Needs a tokio runtime.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub(crate) fn listen(path: &Path) -> Result<Self, PlaceError> {
        let (place, listener) = Place::take(path)?;
        let control = Self {
            calls: watch::channel(None).0,
            events: broadcast::channel(EVENTS).0,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            followers: TaskTracker::new(),
            _place: place,
        };
        let door = Door {
            calls: control.calls.clone(),
            events: control.events.clone(),
            closing: control.closing.clone(),
            tasks: control.tasks.clone(),
            owner: control._place.owner(),
        };
        control.tasks.spawn(door.open(listener));
        Ok(control)
    }

    /// The programs drive this call from now on.
    pub(crate) fn attach(&self, room: &RoomId, call: &mut Call) {
        let mut followed = call.follow_events();
        let events = self.events.clone();
        self.followers.spawn(async move {
            loop {
                match followed.recv().await {
                    // Nobody listens: nothing to do.
                    Ok(event) => drop(events.send(event)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        self.calls.send_replace(Some(OnCall {
            room: room.clone(),
            commands: call.commands(),
            snapshot: call.snapshot(),
            levels: call.levels(),
        }));
    }

    /// Lets everybody hear what happened last, and removes the socket. The call must be over.
    pub(crate) async fn close(self) {
        self.followers.close();
        self.tasks.close();
        let _ = tokio::time::timeout(LAST_WORDS, async {
            self.followers.wait().await;
            self.closing.cancel();
            self.tasks.wait().await;
        })
        .await;
        self.closing.cancel();
    }
}

/// Lets programs in.
struct Door {
    calls: watch::Sender<Option<OnCall>>,
    events: broadcast::Sender<Event>,
    closing: CancellationToken,
    tasks: TaskTracker,
    owner: u32,
}

impl Door {
    async fn open(self, listener: UnixListener) {
        let places = Arc::new(Semaphore::new(MOST_CLIENTS));
        loop {
            let accepted = tokio::select! {
                () = self.closing.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                // Too many open files, most likely: that passes.
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            // Not every system looks at the mode of a socket.
            if !stream.peer_cred().is_ok_and(|peer| peer.uid() == self.owner || peer.uid() == 0) {
                continue;
            }
            match places.clone().try_acquire_owned() {
                Ok(place) => {
                    let ends = Ends {
                        calls: self.calls.subscribe(),
                        events: self.events.subscribe(),
                        closing: self.closing.clone(),
                    };
                    self.tasks.spawn(async move {
                        let (reader, writer) = stream.into_split();
                        // A program that went away is no failure of ours.
                        let _ = client::serve(reader, writer, ends).await;
                        drop(place);
                    });
                }
                Err(_) => refuse(stream).await,
            }
        }
    }
}

/// A new socket's buffer has room for a line, so that this waits for nobody.
async fn refuse(mut stream: UnixStream) {
    let line = json!({ "error": format!("{MOST_CLIENTS} programs are here already: try again later") });
    let _ = stream.write_all(format!("{line}\n").as_bytes()).await;
}
