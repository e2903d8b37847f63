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
use super::errand::{Ask, ERRANDS};
use super::place::{Place, PlaceError};
use super::told;
use crate::face::{ByHand, Page, PageName};
use crate::window::{Invitation, Listened};

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
    /// How others come into the room.
    pub(crate) invitation: Option<Invitation>,
    /// The lines of a call by hand.
    pub(crate) by_hand: Option<ByHand>,
}

impl OnCall {
    /// The state as it is told.
    pub(crate) fn state(&self) -> Result<Value, String> {
        Ok(told::snapshot(&self.room, &self.snapshot.borrow()))
    }
}

/// Everything that programs may look at, whoever keeps it up to date.
#[derive(Clone)]
pub(super) struct Views {
    /// The call that there is, if any.
    pub(super) calls: watch::Receiver<Option<OnCall>>,
    /// Which page there is.
    pub(super) page: watch::Receiver<Page>,
    /// How loud it is before a call.
    pub(super) listened: Listened,
}

/// The open socket.
pub(crate) struct Control {
    calls: watch::Sender<Option<OnCall>>,
    page: watch::Sender<Page>,
    events: broadcast::Sender<Event>,
    closing: CancellationToken,
    tasks: TaskTracker,
    followers: TaskTracker,
    listened: Listened,
    _place: Place,
}

impl Control {
    /// Listens at `path`; gives what programs ask for beyond the call that there is. Needs a tokio runtime.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub(crate) fn listen(path: &Path) -> Result<(Self, mpsc::Receiver<Ask>), PlaceError> {
        let (place, listener) = Place::take(path)?;
        let (asks, asked) = mpsc::channel(ERRANDS);
        let control = Self {
            calls: watch::Sender::new(None),
            page: watch::Sender::default(),
            events: broadcast::channel(EVENTS).0,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            followers: TaskTracker::new(),
            listened: Listened::default(),
            _place: place,
        };
        let door = Door {
            views: Views {
                calls: control.calls.subscribe(),
                page: control.page.subscribe(),
                listened: control.listened.clone(),
            },
            asks,
            events: control.events.clone(),
            closing: control.closing.clone(),
            tasks: control.tasks.clone(),
            owner: control._place.owner(),
        };
        control.tasks.spawn(door.open(listener));
        Ok((control, asked))
    }

    /// Where whoever places calls, and the window, say what is shown.
    pub(crate) fn page(&self) -> watch::Sender<Page> {
        self.page.clone()
    }

    /// Where a preview's levels are found.
    pub(crate) fn listened(&self) -> Listened {
        self.listened.clone()
    }

    /// Something went wrong beside the call.
    pub(crate) fn problem(&self) -> impl Fn(String) + Send + Sync + 'static {
        let events = self.events.clone();
        // Nobody listens: nothing to do.
        move |text| drop(events.send(Event::Problem(text)))
    }

    /// The programs drive this call from now on.
    pub(crate) fn attach(
        &self,
        room: &RoomId,
        invitation: Option<Invitation>,
        by_hand: Option<ByHand>,
        call: &mut Call,
    ) {
        let levels = call.levels();
        let mut followed = call.follow_events();
        let (events, page, calls, ours) = (self.events.clone(), self.page.clone(), self.calls.clone(), levels.clone());
        self.followers.spawn(async move {
            loop {
                match followed.recv().await {
                    Ok(event) => {
                        let is_last =
                            || calls.borrow().as_ref().is_some_and(|on_call| Arc::ptr_eq(&on_call.levels, &ours));
                        if let Event::Ended(end) = &event
                            && is_last()
                        {
                            page.send_modify(|page| {
                                let room = page.room.take();
                                page.turn(PageName::Ended, room);
                                page.end = Some(end.clone());
                            });
                        }
                        // Nobody listens: nothing to do.
                        drop(events.send(event));
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        self.calls.send_replace(Some(OnCall {
            room: room.clone(),
            commands: call.commands(),
            snapshot: call.snapshot(),
            levels,
            invitation,
            by_hand,
        }));
        self.page.send_modify(|page| page.turn(PageName::Call, Some(room.to_string())));
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
    views: Views,
    asks: mpsc::Sender<Ask>,
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
                        views: self.views.clone(),
                        asks: self.asks.clone(),
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
