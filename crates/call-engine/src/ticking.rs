//! A thread that does a piece of work at a steady pace until it is told to stop, and is waited for then.
//! Ticks that passed while it was held up are left out: sound that is made up for comes too late anyway.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The thread. Dropping this stops it.
pub(crate) struct Ticking {
    stopped: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Ticking {
    /// Does `work` once in each `interval`; it is given the time between this tick and the last one.
    pub(crate) fn start(name: &str, interval: Duration, mut work: impl FnMut(Duration) + Send + 'static) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let told = stopped.clone();
        let run = move || {
            let mut tick = Instant::now();
            while !told.load(Ordering::Relaxed) {
                let last = tick;
                tick = wait_for_tick(last, interval);
                work(tick - last);
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run).ok();
        Self { stopped, thread: Mutex::new(thread) }
    }

    /// Ends the thread; it is over after a tick.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sleeps to the tick after `last` and returns it; ticks that passed meanwhile are left out.
pub(crate) fn wait_for_tick(last: Instant, interval: Duration) -> Instant {
    let now = Instant::now();
    let next = last + interval;
    if next > now {
        std::thread::sleep(next - now);
        next
    } else {
        now
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    #[test]
    fn work_is_done_in_every_tick_until_the_end_is_waited_for() {
        let (sender, ticks) = mpsc::channel();
        let ticking = Ticking::start("ticking", TICK, move |elapsed| sender.send(elapsed).expect("heard"));
        assert!(ticks.iter().take(3).all(|elapsed| elapsed >= TICK));
        ticking.stop();
        let _ = ticks.try_iter().count();
        assert_eq!(ticks.try_recv(), Err(mpsc::TryRecvError::Disconnected), "the thread and its work are gone");
        ticking.stop();
    }

    #[test]
    fn a_tick_is_waited_for_and_those_that_were_missed_are_left_out() {
        let before = Instant::now();
        let tick = wait_for_tick(before, TICK);
        assert!(tick >= before + TICK && tick <= Instant::now());
        let before = Instant::now();
        let tick = wait_for_tick(before.checked_sub(TICK * 100).expect("the clock is older"), TICK);
        assert!(tick >= before && tick <= Instant::now(), "it goes on from now, not from then");
    }
}
