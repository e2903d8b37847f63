//! A device that can be changed while it is in use: it opens another on a thread of its own, which nobody waits for.
//! What counts is decided by [`Switch`]; here it is done, and no device is opened or closed under a lock.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::media::MediaNotice;
use crate::switch::{Attempt, Outcome, Switch, Verdict};
use crate::voice::{Tell, Voice};

/// A part of the media whose device can be exchanged: camera, microphone or speaker.
pub(crate) trait Part: Send + Sync + 'static {
    /// How a person names a device.
    type Choice: Clone + PartialEq + Send + Sync + 'static;
    /// An open one.
    type Device: Send + 'static;

    /// What it is, for people.
    const KIND: &'static str;

    /// Opens a device; blocks for up to some seconds. `make_do`: one that is not there gives way to the default until it is.
    fn open(&self, choice: &Self::Choice, make_do: bool, voice: &Arc<Voice>) -> Result<Self::Device, Refused>;

    /// Whether the choice means the device in use, which cannot be open twice.
    fn is_in_use(&self, choice: &Self::Choice) -> bool;

    /// Puts a device to use, or none, and gives back the one before.
    fn put(&self, device: Option<Self::Device>) -> Option<Self::Device>;

    /// Closes a device; blocks for up to a second or so.
    ///
    /// # Errors
    /// What the person must know, such as a recording that is not complete.
    fn retire(&self, device: Self::Device) -> Result<(), String>;

    /// The name of what an open device really is; none while it does nothing.
    fn name(device: &Self::Device) -> Option<String>;

    /// What is said when it is put to use.
    fn announcement(device: &Self::Device) -> Option<String>;
}

/// A device was not opened; why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Somebody has it, perhaps ourselves.
    Busy(String),
    Failed(String),
}

impl Refused {
    pub(crate) fn new(busy: bool, error: &impl ToString) -> Self {
        if busy { Self::Busy(error.to_string()) } else { Self::Failed(error.to_string()) }
    }

    pub(crate) fn reason(self) -> String {
        match self {
            Self::Busy(reason) | Self::Failed(reason) => reason,
        }
    }
}

/// A part and its device.
pub(crate) struct Changeable<P: Part>(Arc<Shared<P>>);

struct Shared<P: Part> {
    part: P,
    state: Mutex<State<P::Choice>>,
    at_rest: Condvar,
    /// Held while devices are opened and closed: the one that was left may be wanted again before it is closed.
    turn: Mutex<()>,
    tell: Tell,
}

struct State<C> {
    switch: Switch<C>,
    /// A choice that may give way to the default while its device is not there; until another one is in force.
    may_give_way: Option<C>,
    voice: Option<Arc<Voice>>,
    /// Threads that open or close a device.
    threads: usize,
}

impl<P: Part> Changeable<P> {
    /// A part without a device yet. `make_do`: while the device of this choice is not there, the default will do.
    pub(crate) fn new(part: P, choice: P::Choice, make_do: bool, tell: Tell) -> Self {
        let may_give_way = make_do.then(|| choice.clone());
        let state = Mutex::new(State { switch: Switch::new(choice), may_give_way, voice: None, threads: 0 });
        Self(Arc::new(Shared { part, state, at_rest: Condvar::new(), turn: Mutex::new(()), tell }))
    }

    pub(crate) fn part(&self) -> &P {
        &self.0.part
    }

    /// The choice in force.
    pub(crate) fn choice(&self) -> P::Choice {
        self.0.lock().switch.chosen().clone()
    }

    /// The name of what is in use; none while nothing works.
    pub(crate) fn name(&self) -> Option<String> {
        self.0.lock().voice.as_ref().and_then(|voice| voice.name())
    }

    /// Opens the first device while the caller waits, and announces it if wanted. Only before anything else is asked for.
    pub(crate) fn open_now(&self, announced: bool) -> Result<(), Refused> {
        let choice = {
            let mut state = self.0.lock();
            let choice = state.switch.chosen().clone();
            state.switch.ask(choice.clone());
            choice
        };
        let voice = Voice::new(self.0.tell.clone());
        let opened = self.0.open(&choice, &voice);
        let settled = self.0.settle(opened, &voice);
        voice.speak(settled.announcement.filter(|_| announced));
        settled.refused.map_or(Ok(()), Err)
    }

    /// Opens another device in its place; returns at once. How that went is told.
    pub(crate) fn ask(&self, choice: P::Choice) {
        let attempt = {
            let mut state = self.0.lock();
            let attempt = state.switch.ask(choice);
            state.threads += usize::from(attempt.is_some());
            attempt
        };
        let Some(attempt) = attempt else { return };
        let shared = self.0.clone();
        let spawned = std::thread::Builder::new().name(format!("{}-change", P::KIND)).spawn(move || {
            shared.change(attempt);
            shared.lock().threads -= 1;
            shared.at_rest.notify_all();
        });
        if let Err(error) = spawned {
            let mut state = self.0.lock();
            state.threads -= 1;
            state.switch.opened(Outcome::Failed);
            drop(state);
            self.0.problem(&format!("was not changed: {error}"));
        }
    }

    /// Closes the device for good, without waiting for one that is being opened: that is closed as soon as it is open.
    ///
    /// # Errors
    /// As [`Part::retire`].
    pub(crate) fn close(&self) -> Result<(), String> {
        let old = {
            let mut state = self.0.lock();
            state.switch.close();
            self.0.take(&mut state)
        };
        old.map_or(Ok(()), |old| self.0.part.retire(old))
    }

    /// Waits until nothing is being opened or closed; false when that takes longer.
    pub(crate) fn wait_for_rest(&self, limit: Duration) -> bool {
        let busy = |state: &mut State<P::Choice>| state.threads > 0;
        let waited = self.0.at_rest.wait_timeout_while(self.0.lock(), limit, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// What an attempt came to, to be told and closed without a lock.
struct Settled<P: Part> {
    announcement: Option<String>,
    refused: Option<Refused>,
    /// Whether another device is, or is about to be, in use as before.
    kept: bool,
    to_retire: Option<P::Device>,
    next: Option<Attempt<P::Choice>>,
}

impl<P: Part> Shared<P> {
    /// Follows one request, and those that come meanwhile, to the end.
    fn change(&self, first: Attempt<P::Choice>) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Some(first);
        while let Some(attempt) = next {
            if attempt.let_go || self.part.is_in_use(&attempt.choice) {
                let old = {
                    let mut state = self.lock();
                    state.switch.let_go();
                    self.take(&mut state)
                };
                self.retire(old);
            }
            let voice = Voice::new(self.tell.clone());
            let opened = self.open(&attempt.choice, &voice);
            let settled = self.settle(opened, &voice);
            voice.speak(settled.announcement.filter(|_| !attempt.restores));
            if let Some(refused) = settled.refused {
                let happened = match (attempt.restores, settled.kept) {
                    (true, _) => "cannot be opened again",
                    (false, true) => "was not changed",
                    (false, false) => "cannot be opened",
                };
                self.problem(&format!("{happened}: {}", refused.reason()));
            }
            self.retire(settled.to_retire);
            next = settled.next;
        }
    }

    fn open(&self, choice: &P::Choice, voice: &Arc<Voice>) -> Result<P::Device, Refused> {
        let make_do = self.lock().may_give_way.as_ref() == Some(choice);
        self.part.open(choice, make_do, voice)
    }

    /// Puts the device to use, if it counts.
    fn settle(&self, opened: Result<P::Device, Refused>, voice: &Arc<Voice>) -> Settled<P> {
        let mut state = self.lock();
        let (verdict, next) = state.switch.opened(outcome(&opened));
        let (announcement, refused, to_retire) = match (verdict, opened) {
            (Verdict::Use, Ok(device)) => {
                let State { switch, may_give_way, .. } = &mut *state;
                may_give_way.take_if(|first| first != switch.chosen());
                voice.put_to_use(P::name(&device));
                let announcement = P::announcement(&device);
                if let Some(before) = state.voice.replace(voice.clone()) {
                    before.replaced();
                }
                (announcement, None, self.part.put(Some(device)))
            }
            (verdict, opened) => {
                // It has nothing to say any more.
                voice.replaced();
                match opened {
                    Err(refused) if verdict == Verdict::Tell => (None, Some(refused), None),
                    opened => (None, None, opened.ok()),
                }
            }
        };
        let kept = state.voice.is_some() || next.is_some();
        Settled { announcement, refused, kept, to_retire, next }
    }

    fn take(&self, state: &mut State<P::Choice>) -> Option<P::Device> {
        if let Some(voice) = state.voice.take() {
            voice.replaced();
        }
        self.part.put(None)
    }

    fn retire(&self, device: Option<P::Device>) {
        if let Some(Err(problem)) = device.map(|device| self.part.retire(device)) {
            (self.tell)(MediaNotice::Problem(problem));
        }
    }

    fn problem(&self, what: &str) {
        (self.tell)(MediaNotice::Problem(format!("the {} {what}", P::KIND)));
    }

    fn lock(&self) -> MutexGuard<'_, State<P::Choice>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn outcome<D>(opened: &Result<D, Refused>) -> Outcome {
    match opened {
        Ok(_) => Outcome::Open,
        Err(Refused::Busy(_)) => Outcome::Busy,
        Err(Refused::Failed(_)) => Outcome::Failed,
    }
}
