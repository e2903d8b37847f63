//! Which camera gives the pictures: opens the best one, and when it is gone, fails or hangs, the next one; the better one is tried
//! beside it and takes over again. It never waits for a driver: whatever a reader does is an event.

use std::sync::PoisonError;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use media_core::{DevicePreference, Pictures};

use super::announcer::Announcer;
use super::reader::{Reader, Then};
use super::readers::Readers;
use super::{CameraChoice, InUse, name, system};
use crate::CaptureError;
use crate::clip::Paced;

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

/// Decides which camera is in use.
pub(super) struct Supervisor {
    preference: DevicePreference,
    /// The camera without which there is no start.
    only: Option<String>,
    readers: Readers,
    announcer: Announcer,
    inbox: mpsc::Receiver<Event>,
    in_use: InUse,
    stand_in: Option<Paced>,
    /// Since when the one in use gives pictures.
    steady_since: Option<Instant>,
    /// Why the best camera is not used, or none is.
    failure: Option<CaptureError>,
    is_over: bool,
}

impl Supervisor {
    pub(super) fn new(
        choice: CameraChoice,
        readers: Readers,
        announcer: Announcer,
        inbox: mpsc::Receiver<Event>,
        in_use: InUse,
    ) -> Self {
        let (chosen, only) = match choice {
            CameraChoice::Only(id) => (Some(id.clone()), Some(id)),
            CameraChoice::Rather(chosen) => (chosen, None),
        };
        Self {
            preference: DevicePreference::new(chosen),
            only,
            readers,
            announcer,
            inbox,
            in_use,
            stand_in: None,
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
        let Some(current) = &mut self.readers.current else { return self.replace(now) };
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
        let Some(current) = &mut self.readers.current else { return };
        current.hangs = false;
        (self.stand_in, self.failure) = (None, None);
        if now.saturating_duration_since(*self.steady_since.get_or_insert(now)) > STEADY {
            self.preference.worked(&current.id);
        }
        self.announcer.works(&current.id, current.opened.as_deref());
    }

    /// The camera in use gives none any more: another takes its place, and it stays open in case that it comes to. Where there is no
    /// other, it is opened anew now and then.
    fn hangs(&mut self, now: Instant) {
        let Some(mut current) = self.readers.current.take() else { return };
        let error = CaptureError::Stalled { device: name(&current.id) };
        self.steady_since = None;
        if self.announcer.is_awaited() {
            let id = current.id.clone();
            self.readers.close(current);
            return self.failed(now, &id, error);
        }
        if is_due(&mut self.preference, &mut current, now) {
            current.stop();
            current.then = Some(Then::Again);
        }
        self.readers.current = Some(current);
        self.give_way(now);
        if self.readers.current.as_ref().is_some_and(|current| current.hangs) {
            self.announcer.fails(error);
        }
    }

    /// Another camera, if there is one, takes the place of the one that hangs.
    fn give_way(&mut self, now: Instant) {
        let in_use = self.readers.current.as_ref().map(|current| current.id.clone());
        let Some(other) = self.next(now, in_use.as_deref()) else { return };
        if let Some(current) = self.readers.current.take() {
            tracing::debug!(camera = current.id, "camera hangs; another takes its place");
            current.show(false);
            self.readers.aside.push(current);
        }
        self.open(&other);
    }

    /// Tries better cameras beside the one in use: at once where nothing is known against them, else now and then.
    fn improve(&mut self, now: Instant) {
        let Some(current) = &self.readers.current else { return };
        // One that is gone is not replaced here: its reader says so.
        if self.announcer.is_awaited() || current.opened.is_none() || !self.preference.has(&current.id) {
            return;
        }
        let better = self.preference.better_than(now, &current.id).into_iter().find(|id| !self.readers.has_open(id));
        if let Some(id) = better {
            match self.readers.start(&id, false) {
                Ok(reader) => self.readers.aside.push(reader),
                Err(_) => self.preference.failed(now, &id),
            }
        }
    }

    /// Those that would be better: one that gives pictures takes over, one that hangs is opened anew now and then.
    fn look_aside(&mut self, now: Instant) {
        let in_use = self.readers.current.as_ref().filter(|current| !current.hangs).map(|current| current.id.clone());
        let mut ready = None;
        for reader in self.readers.aside.iter_mut().filter(|reader| reader.then.is_none()) {
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
        let Some(better) = ready.and_then(|number| self.readers.take_aside(number)) else { return };
        better.show(true);
        self.use_id(Some(&better.id));
        self.steady_since = None;
        if let Some(before) = self.readers.current.replace(better) {
            self.readers.close(before);
        }
    }

    /// Opens the best camera where none is in use.
    fn replace(&mut self, now: Instant) {
        if let Some(next) = self.next(now, None) {
            return self.open(&next);
        }
        // Better one that hangs than none.
        if let Some(reader) = self.readers.aside.pop() {
            reader.show(true);
            self.use_id(Some(&reader.id));
            self.failure = Some(CaptureError::Stalled { device: name(&reader.id) });
            self.readers.current = Some(reader);
        }
        self.announcer.fails(self.failure.clone().unwrap_or(CaptureError::NoCamera));
    }

    /// The best camera that can be opened and is not this one.
    fn next(&self, now: Instant, except: Option<&str>) -> Option<String> {
        self.preference.order(now).into_iter().find(|id| !self.readers.has_open(id) && Some(id.as_str()) != except)
    }

    fn opened(&mut self, number: u64, description: String, interval: Duration) {
        if let Some(reader) = self.readers.aside.iter_mut().find(|reader| reader.number == number) {
            return reader.opened(description, interval);
        }
        let Some(current) = self.readers.current.as_mut().filter(|current| current.number == number) else { return };
        current.opened(description.clone(), interval);
        if self.announcer.is_awaited() {
            self.announcer.opened(&current.id, description, self.failure.take());
        }
    }

    fn ended(&mut self, number: u64, outcome: Result<(), CaptureError>) {
        let now = Instant::now();
        self.readers.ended(number);
        if let Some(reader) = self.readers.take_aside(number) {
            match reader.then.map(|_| self.readers.start(&reader.id, false)) {
                Some(Ok(again)) => self.readers.aside.push(again),
                _ => self.refused(now, &reader.id, outcome),
            }
            return;
        }
        let Some(current) = self.readers.current.take_if(|current| current.number == number) else { return };
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
        let Some(current) = &mut self.readers.current else { return self.preference.failed(now, id) };
        let fresh = self.preference.surely_better_than(now, &current.id).iter().any(|better| better == id);
        self.preference.failed(now, id);
        match error {
            // Whoever waits for it must know who has it.
            CaptureError::Busy { .. } if fresh => self.announcer.refused(&error),
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
        let Some(mut current) = self.readers.current.take() else { return };
        let then = current.then.take();
        self.readers.close(current);
        if let Some(Then::Other(next, _)) = then {
            self.open(&next);
        }
    }

    /// The camera that was to give the pictures does not.
    fn failed(&mut self, now: Instant, id: &str, error: CaptureError) {
        self.preference.failed(now, id);
        self.use_id(None);
        self.steady_since = None;
        if self.announcer.is_awaited() && self.only.is_some() {
            // The owner decides what to do without the camera.
            self.announcer.answer(Err(error));
            self.is_over = true;
        } else if !matches!(error, CaptureError::Format { .. }) {
            // Why the best one does not work tells the most; what gives no pictures at all is no camera.
            self.failure.get_or_insert(error);
        }
    }

    fn open(&mut self, id: &str) {
        match self.readers.start(id, true) {
            Ok(reader) => {
                self.use_id(Some(id));
                self.readers.current = Some(reader);
            }
            Err(error) => self.failed(Instant::now(), id, error),
        }
    }

    fn use_id(&self, id: Option<&str>) {
        *self.in_use.lock().unwrap_or_else(PoisonError::into_inner) = id.map(str::to_owned);
    }

    /// Gives the readers time to close their cameras, then leaves them behind.
    fn stop(&mut self) {
        self.readers.close_all();
        let until = Instant::now() + STOP_LIMIT;
        while self.readers.are_closing() {
            match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Ended { number, .. }) => self.readers.ended(number),
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
