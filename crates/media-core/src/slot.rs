//! A slot between two threads that holds the newest value only: putting replaces, taking empties.
//! It is this crate's one exception to "no threads": hand-over between the camera, codec and window threads.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One slot: an old picture is worth less than a new one. Share it in an `Arc`.
#[derive(Debug)]
pub struct LatestSlot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    closed: bool,
}

/// How a [`LatestSlot::wait_timeout`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotWait<T> {
    /// A value was there or came in time.
    Value(T),
    /// Nothing came in time.
    TimedOut,
    /// The slot is closed; nothing will come.
    Closed,
}

impl<T> LatestSlot<T> {
    /// An empty, open slot.
    pub fn new() -> Self {
        Self { state: Mutex::new(State { value: None, closed: false }), changed: Condvar::new() }
    }

    /// Puts a value in and wakes one waiter. Returns the value that nobody took; on a closed slot, the value just given.
    pub fn put(&self, value: T) -> Option<T> {
        let mut state = self.lock();
        if state.closed {
            return Some(value);
        }
        let replaced = state.value.replace(value);
        drop(state);
        self.changed.notify_one();
        replaced
    }

    /// Takes the value that is there now, if any.
    pub fn take(&self) -> Option<T> {
        self.lock().value.take()
    }

    /// Whether there is a value that nobody has taken.
    pub fn is_full(&self) -> bool {
        self.lock().value.is_some()
    }

    /// Blocks until there is a value; `None` once the slot is closed.
    pub fn wait(&self) -> Option<T> {
        let empty = |state: &mut State<T>| state.value.is_none() && !state.closed;
        self.changed.wait_while(self.lock(), empty).unwrap_or_else(PoisonError::into_inner).value.take()
    }

    /// Blocks until there is a value, the slot is closed or the time is over.
    pub fn wait_timeout(&self, timeout: Duration) -> SlotWait<T> {
        let empty = |state: &mut State<T>| state.value.is_none() && !state.closed;
        let (mut state, _) =
            self.changed.wait_timeout_while(self.lock(), timeout, empty).unwrap_or_else(PoisonError::into_inner);
        match state.value.take() {
            Some(value) => SlotWait::Value(value),
            None if state.closed => SlotWait::Closed,
            None => SlotWait::TimedOut,
        }
    }

    /// Closes the slot for good: drops its value and wakes every waiter. Closing twice is harmless.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let dropped = state.value.take();
        drop(state);
        drop(dropped);
        self.changed.notify_all();
    }

    /// Whether [`LatestSlot::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// No user code runs under the lock, so a poisoned one still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for LatestSlot<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn the_newest_value_wins() {
        let slot = LatestSlot::new();
        assert_eq!(slot.put(1), None);
        assert_eq!(slot.put(2), Some(1));
        assert!(slot.is_full());
        assert_eq!(slot.take(), Some(2));
        assert!(!slot.is_full());
        assert_eq!(slot.take(), None);
    }

    #[test]
    fn a_waiter_gets_what_another_thread_puts() {
        let slot = LatestSlot::new();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| slot.wait());
            slot.put(7);
            assert_eq!(waiter.join().expect("the waiter does not panic"), Some(7));
        });
    }

    #[test]
    fn closing_wakes_every_waiter_and_refuses_values() {
        let slot = LatestSlot::new();
        thread::scope(|scope| {
            let waiters = [scope.spawn(|| slot.wait()), scope.spawn(|| slot.wait())];
            slot.close();
            for waiter in waiters {
                assert_eq!(waiter.join().expect("the waiter does not panic"), None);
            }
        });
        assert!(slot.is_closed());
        assert_eq!(slot.put(3), Some(3));
        assert_eq!(slot.wait_timeout(Duration::ZERO), SlotWait::Closed);
    }

    #[test]
    fn waiting_has_an_end() {
        let slot = LatestSlot::new();
        assert_eq!(slot.wait_timeout(Duration::ZERO), SlotWait::TimedOut);
        slot.put(1);
        assert_eq!(slot.wait_timeout(Duration::ZERO), SlotWait::Value(1));
    }
}
