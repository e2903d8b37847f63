//! Which camera gives the pictures: opens the best one, and when it is gone, fails or hangs, the next one; the better one is tried
//! beside it and takes over again. It never waits for a driver: whatever a reader does is an event.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use media_core::{CapturedPicture, DevicePreference, LatestSlot, Pictures};

use super::reader::{Reader, Start, Then};
use super::{CameraChoice, InUse, name, system};
use crate::clip::Paced;
use crate::error::Notifier;
use crate::{CaptureError, CaptureNotice, VideoFormat};

/// How long an end, or another camera, waits for a reader to close its own.
pub(super) const STOP_LIMIT: Duration = Duration::from_millis(500);
/// How often cameras are looked at, and which ones are there: what comes, goes or hangs is to be answered within a second.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// A camera that has given pictures for this long works.
const STEADY: Duration = Duration::from_secs(10);

/// What happens to cameras.
pub(super) enum Event {
    Stop,
    /// Pictures until a camera gives some.
    StandIn(Paced),
    /// The reader with this number has opened its camera.
    Opened {
        number: u64,
        description: String,
        interval: Duration,
    },
    /// The reader with this number has ended.
    Ended {
        number: u64,
        outcome: Result<(), CaptureError>,
    },
    /// A reader has its first picture: a look at it is due.
    Picture,
}

type First = mpsc::SyncSender<Result<String, CaptureError>>;

pub(super) struct Supervisor {
    preference: DevicePreference,
    /// The camera without which there is no start.
    only: Option<String>,
    format: VideoFormat,
    slot: Arc<LatestSlot<CapturedPicture>>,
    notify: Notifier,
    events: mpsc::Sender<Event>,
    inbox: mpsc::Receiver<Event>,
    /// The owner that waits for the first attempt.
    first: Option<First>,
    in_use: InUse,
    /// Gives the pictures, or is to.
    current: Option<Reader>,
    /// Cameras that would be better, but hang or were refused: they take over once they give pictures.
    aside: Vec<Reader>,
    /// Readers that were told to stop and have not ended, and their cameras: these cannot be opened yet.
    closing: Vec<(u64, String)>,
    /// Readers started so far.
    readers: u64,
    stand_in: Option<Paced>,
    /// The camera that the owner was told of last.
    told: Option<String>,
    /// Whether the owner believes that there is none.
    lost: bool,
    /// Since when the one in use gives pictures.
    steady_since: Option<Instant>,
    /// Why the best camera is not used, or none is.
    failure: Option<CaptureError>,
    is_over: bool,
}

impl Supervisor {
    pub(super) fn new(
        choice: CameraChoice,
        format: VideoFormat,
        slot: Arc<LatestSlot<CapturedPicture>>,
        notify: Notifier,
        (events, inbox): (mpsc::Sender<Event>, mpsc::Receiver<Event>),
        first: First,
        in_use: InUse,
    ) -> Self {
        let (chosen, only) = match choice {
            CameraChoice::Only(id) => (Some(id.clone()), Some(id)),
            CameraChoice::Rather(chosen) => (chosen, None),
        };
        Self {
            preference: DevicePreference::new(chosen),
            only,
            format,
            slot,
            notify,
            events,
            inbox,
            first: Some(first),
            in_use,
            current: None,
            aside: Vec::new(),
            closing: Vec::new(),
            readers: 0,
            stand_in: None,
            told: None,
            lost: false,
            steady_since: None,
            failure: None,
            is_over: false,
        }
    }

    pub(super) fn run(mut self) {
        self.preference.see(system::present());
        match self.only.clone() {
            Some(id) => self.open(&id),
            None => {
                let missing = |id: &str| CaptureError::Missing { device: name(id) };
                self.failure = self.preference.missed().map(missing);
            }
        }
        while !self.is_over {
            self.look(Instant::now());
            match self.inbox.recv_timeout(WATCH_INTERVAL) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                // The next look ends it where a camera gives pictures by now.
                Ok(Event::StandIn(stand_in)) => self.stand_in = Some(stand_in),
                Ok(Event::Opened { number, description, interval }) => self.opened(number, description, interval),
                Ok(Event::Ended { number, outcome }) => self.ended(number, outcome),
                Ok(Event::Picture) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.stop();
    }

    /// Looks at all cameras, and does what is to be done about them.
    fn look(&mut self, now: Instant) {
        self.preference.see(system::present());
        self.look_aside(now);
        let Some(current) = &mut self.current else { return self.replace(now) };
        match &current.then {
            // Its own turn comes when it is closed, unless there is another by then.
            Some(Then::Again) => return self.give_way(now),
            Some(Then::Other(_, by)) => {
                if now >= *by {
                    tracing::debug!(camera = current.id, "camera does not close; leaving it behind");
                    self.succeed();
                }
                return;
            }
            None => {}
        }
        match current.look() {
            Pictures::Coming => self.gives(now),
            Pictures::Awaited => {}
            Pictures::Missing => return self.hangs(now),
        }
        self.improve(now);
    }

    /// The camera in use gives pictures.
    fn gives(&mut self, now: Instant) {
        let Some(current) = &mut self.current else { return };
        current.hangs = false;
        (self.stand_in, self.failure) = (None, None);
        if now.saturating_duration_since(*self.steady_since.get_or_insert(now)) > STEADY {
            self.preference.worked(&current.id);
        }
        if std::mem::replace(&mut self.lost, false) || self.told.as_ref() != Some(&current.id) {
            self.told = Some(current.id.clone());
            let opened = current.opened.clone().unwrap_or_else(|| name(&current.id));
            self.notify.tell(CaptureNotice::Restored(opened));
        }
    }

    /// The camera in use gives none any more: another takes its place, and it stays open in case that it comes to. Where there is no
    /// other, it is opened anew now and then.
    fn hangs(&mut self, now: Instant) {
        let Some(mut current) = self.current.take() else { return };
        let error = CaptureError::Stalled { device: name(&current.id) };
        self.steady_since = None;
        if self.first.is_some() {
            let id = current.id.clone();
            self.close(current);
            return self.failed(now, &id, error);
        }
        if is_due(&mut self.preference, &mut current, now) {
            current.stop();
            current.then = Some(Then::Again);
        }
        self.current = Some(current);
        self.give_way(now);
        if self.current.as_ref().is_some_and(|current| current.hangs) {
            self.lose(error);
        }
    }

    /// Another camera, if there is one, takes the place of the one that hangs.
    fn give_way(&mut self, now: Instant) {
        let in_use = self.current.as_ref().map(|current| current.id.clone());
        let Some(other) = self.next(now, in_use.as_deref()) else { return };
        if let Some(current) = self.current.take() {
            tracing::debug!(camera = current.id, "camera hangs; another takes its place");
            current.show(false);
            self.aside.push(current);
        }
        self.open(&other);
    }

    /// Tries better cameras beside the one in use: at once where nothing is known against them, else now and then.
    fn improve(&mut self, now: Instant) {
        let Some(current) = &self.current else { return };
        // One that is gone is not replaced here: its reader says so.
        if self.first.is_some() || current.opened.is_none() || !self.preference.has(&current.id) {
            return;
        }
        let better = self.preference.better_than(now, &current.id).into_iter().find(|id| !self.has_open(id));
        if let Some(id) = better {
            match self.start(&id, false) {
                Ok(reader) => self.aside.push(reader),
                Err(_) => self.preference.failed(now, &id),
            }
        }
    }

    /// Those that would be better: one that gives pictures takes over, one that hangs is opened anew now and then.
    fn look_aside(&mut self, now: Instant) {
        let in_use = self.current.as_ref().filter(|current| !current.hangs).map(|current| current.id.clone());
        let mut ready = None;
        for reader in self.aside.iter_mut().filter(|reader| reader.then.is_none()) {
            match reader.look() {
                Pictures::Coming => {
                    reader.hangs = false;
                    let Some(in_use) = &in_use else {
                        ready = Some(reader.number);
                        continue;
                    };
                    if !self.preference.prefers(&reader.id, in_use) {
                        reader.stop();
                    } else if self.preference.better_than(now, in_use).contains(&reader.id) {
                        ready = Some(reader.number);
                    }
                }
                Pictures::Awaited => {}
                Pictures::Missing => {
                    if is_due(&mut self.preference, reader, now) {
                        reader.stop();
                        reader.then = Some(Then::Again);
                    }
                }
            }
        }
        let Some(at) = self.aside.iter().position(|reader| Some(reader.number) == ready) else { return };
        let better = self.aside.remove(at);
        better.show(true);
        self.use_id(Some(&better.id));
        self.steady_since = None;
        if let Some(before) = self.current.replace(better) {
            self.close(before);
        }
    }

    /// Opens the best camera where none is in use.
    fn replace(&mut self, now: Instant) {
        if let Some(next) = self.next(now, None) {
            return self.open(&next);
        }
        // Better one that hangs than none.
        if let Some(reader) = self.aside.pop() {
            reader.show(true);
            self.use_id(Some(&reader.id));
            self.failure = Some(CaptureError::Stalled { device: name(&reader.id) });
            self.current = Some(reader);
        }
        self.lose(self.failure.clone().unwrap_or(CaptureError::NoCamera));
    }

    /// The best camera that can be opened and is not this one.
    fn next(&self, now: Instant, except: Option<&str>) -> Option<String> {
        self.preference.order(now).into_iter().find(|id| !self.has_open(id) && Some(id.as_str()) != except)
    }

    /// Whether the camera is open besides, or is not closed yet.
    fn has_open(&self, id: &str) -> bool {
        self.aside.iter().any(|reader| reader.id == id) || self.closing.iter().any(|(_, closing)| closing == id)
    }

    fn opened(&mut self, number: u64, description: String, interval: Duration) {
        if let Some(reader) = self.aside.iter_mut().find(|reader| reader.number == number) {
            return reader.opened(description, interval);
        }
        let Some(current) = self.current.as_mut().filter(|current| current.number == number) else { return };
        current.opened(description.clone(), interval);
        if let Some(first) = self.first.take() {
            self.told = Some(current.id.clone());
            if let Some(failure) = self.failure.take() {
                self.notify.tell(CaptureNotice::Fallback(format!("{failure}; using {description} instead")));
            }
            first.send(Ok(description)).unwrap_or(());
        }
    }

    fn ended(&mut self, number: u64, outcome: Result<(), CaptureError>) {
        let now = Instant::now();
        self.closing.retain(|(closing, _)| *closing != number);
        if let Some(at) = self.aside.iter().position(|reader| reader.number == number) {
            let reader = self.aside.remove(at);
            match reader.then.map(|_| self.start(&reader.id, false)) {
                Some(Ok(again)) => self.aside.push(again),
                _ => self.refused(now, &reader.id, outcome),
            }
            return;
        }
        let Some(current) = self.current.take_if(|current| current.number == number) else { return };
        if let Some(then) = current.then {
            return match then {
                Then::Again => self.open(&current.id),
                Then::Other(next, _) => self.open(&next),
            };
        }
        let error = outcome.err().unwrap_or_else(|| CaptureError::Stalled { device: name(&current.id) });
        self.failed(now, &current.id, error);
    }

    /// A better camera does not work beside the one in use.
    fn refused(&mut self, now: Instant, id: &str, outcome: Result<(), CaptureError>) {
        // Not wanted any more.
        let Err(error) = outcome else { return };
        let Some(current) = &mut self.current else { return self.preference.failed(now, id) };
        let fresh = self.preference.surely_better_than(now, &current.id).iter().any(|better| better == id);
        self.preference.failed(now, id);
        match error {
            // Whoever waits for it must know who has it.
            CaptureError::Busy { .. } if fresh => self.notify.tell(CaptureNotice::Fallback(error.to_string())),
            // Two on one bus may be one too many (ENOSPC).
            CaptureError::Failed { .. } if fresh => {
                current.stop();
                current.then = Some(Then::Other(id.to_owned(), now + STOP_LIMIT));
            }
            _ => {}
        }
    }

    /// The next camera is opened though the one before is not closed.
    fn succeed(&mut self) {
        let Some(mut current) = self.current.take() else { return };
        let then = current.then.take();
        self.close(current);
        if let Some(Then::Other(next, _)) = then {
            self.open(&next);
        }
    }

    /// Nothing more is wanted of a reader.
    fn close(&mut self, reader: Reader) {
        reader.stop();
        self.closing.push((reader.number, reader.id));
    }

    /// The camera that was to give the pictures does not.
    fn failed(&mut self, now: Instant, id: &str, error: CaptureError) {
        self.preference.failed(now, id);
        self.use_id(None);
        self.steady_since = None;
        if self.first.is_some() && self.only.is_some() {
            // The owner decides what to do without the camera.
            self.answer(Err(error));
            self.is_over = true;
        } else if !matches!(error, CaptureError::Format { .. }) {
            // Why the best one does not work tells the most; what gives no pictures at all is no camera.
            self.failure.get_or_insert(error);
        }
    }

    /// Tells the owner that no camera works, once for each loss.
    fn lose(&mut self, error: CaptureError) {
        if std::mem::replace(&mut self.lost, true) {
            return;
        }
        if self.first.is_some() {
            return self.answer(Err(error));
        }
        tracing::warn!(%error, "camera lost");
        self.notify.tell(CaptureNotice::Lost(error.to_string()));
    }

    fn answer(&mut self, answer: Result<String, CaptureError>) {
        if let Some(first) = self.first.take() {
            first.send(answer).unwrap_or(());
        }
    }

    fn open(&mut self, id: &str) {
        match self.start(id, true) {
            Ok(reader) => {
                self.use_id(Some(id));
                self.current = Some(reader);
            }
            Err(error) => self.failed(Instant::now(), id, error),
        }
    }

    fn start(&mut self, id: &str, shown: bool) -> Result<Reader, CaptureError> {
        self.readers += 1;
        let (number, format) = (self.readers, self.format);
        Reader::start(&Start { id, number, format, slot: &self.slot, events: &self.events }, shown)
    }

    fn use_id(&self, id: Option<&str>) {
        *self.in_use.lock().unwrap_or_else(PoisonError::into_inner) = id.map(str::to_owned);
    }

    /// Gives the readers time to close their cameras, then leaves them behind.
    fn stop(&mut self) {
        let readers: Vec<_> = self.current.take().into_iter().chain(self.aside.drain(..)).collect();
        readers.into_iter().for_each(|reader| self.close(reader));
        let until = Instant::now() + STOP_LIMIT;
        while !self.closing.is_empty() {
            match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Ended { number, .. }) => self.closing.retain(|(closing, _)| *closing != number),
                Ok(_) => {}
                Err(_) => return tracing::debug!("cameras do not close; leaving them behind"),
            }
        }
    }
}

/// Whether a camera that hangs is to be opened anew now; less and less often.
fn is_due(preference: &mut DevicePreference, reader: &mut Reader, now: Instant) -> bool {
    if !std::mem::replace(&mut reader.hangs, true) {
        preference.failed(now, &reader.id);
        return false;
    }
    preference.order(now).contains(&reader.id)
}
