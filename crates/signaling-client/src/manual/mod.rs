//! A call without any server: two people carry an offer and an answer between them, as lines of text.
//! [`Desk`] is where the program shows and pastes them; towards the call it is a signaling connection like any other.
//!
//! A line holds addresses and the password of ICE: it is for the person who is called, and goes to no log.

mod exchange;
mod line;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use call_core::SignalingEvent;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::codec::Command;
use exchange::Exchange;
pub use exchange::{Pasted, Shown};
pub use line::{Line, LineError, MAX_LINE};

/// Where lines are shown to the person and pasted by them. Clones are the same desk.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    exchange: Mutex<Exchange>,
    changed: Notify,
    show: Box<dyn Fn(Shown) + Send + Sync>,
}

impl Desk {
    /// A desk for one call. `show` is told each line that is to be given to the other; it must not block for long.
    #[must_use]
    pub fn new(show: impl Fn(Shown) + Send + Sync + 'static) -> Self {
        let exchange = Mutex::new(Exchange::new());
        Self(Arc::new(Inner { exchange, changed: Notify::new(), show: Box::new(show) }))
    }

    /// The person has pasted a line of text. Says what became of it; [`Pasted::NotAwaited`] is meant for somebody else.
    pub fn paste(&self, text: &str) -> Pasted {
        let pasted = self.exchange().paste(text);
        self.0.changed.notify_one();
        pasted
    }

    /// Nothing more can be pasted, which ends a call that still waits for a line.
    pub fn input_ended(&self) {
        self.exchange().input_ended();
        self.0.changed.notify_one();
    }

    /// Carries between the call and the person until the call has enough of it.
    pub(crate) async fn run(
        &self,
        mut wanted: mpsc::Receiver<Command>,
        happened: mpsc::Sender<SignalingEvent>,
        cancel: CancellationToken,
    ) {
        self.exchange().join();
        loop {
            while let Some(event) = self.next_event() {
                let last = matches!(event, SignalingEvent::Unreachable { .. });
                // The queue has room for more than there are; an error means that nobody wants to know.
                if happened.send(event).await.is_err() || last {
                    return;
                }
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                command = wanted.recv() => match command {
                    None | Some(Command::Leave) => return,
                    Some(Command::Describe(description)) => {
                        let shown = self.exchange().describe(&description);
                        if let Some(shown) = shown {
                            (self.0.show)(shown);
                        }
                    }
                    // It is in the description.
                    Some(Command::Candidate(_)) => {}
                },
                () = self.0.changed.notified() => {}
            }
        }
    }

    fn next_event(&self) -> Option<SignalingEvent> {
        self.exchange().poll()
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.0.exchange.lock().expect("no one panics with the lock held")
    }
}

/// Lines are secret.
impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}
